// What the files of this room share. Private to it.
#pragma once

#include "controlplane/metrics/instance.h"
#include "controlplane/metrics/metrics.h"

double seconds_of(const struct contact *contact, uint64_t ticks);

void counter_write(struct metric_text *text, const struct metric_label *labels,
                   const struct contact *contact, const struct counter_info *info, uint64_t value);

void instance_labels(enum counter_scope scope, const struct instance *instance,
                     struct metric_label labels[METRIC_LABELS_MAX]);

// One histogram of ticks. <brief>: the edges of a scrape every second, else all. <exemplars>: one
// for each bucket of the table, null: none.
void histogram_write(struct metric_text *text, const struct metric_label *labels,
                     const struct contact *contact, const struct histogram *histogram, bool brief,
                     const struct stage_exemplar *exemplars);

// Families of one series.
void gauge_write(struct metric_text *text, const char *name, const char *help, double value);
void counter_own(struct metric_text *text, const char *name, const char *help, uint64_t value);

// own.c: what does not come from the tables. <brief>: for a scrape every second.
void own_write(struct metric_text *text, struct control *control, bool brief);
// durable.c: the journal, and who reads it.
void durable_write(struct metric_text *text, struct control *control, bool brief);
// Of each receive pool: which part of what was asked of it, it could give.
void pools_write(struct metric_text *text, const struct snapshot *snapshot);
// kills.c
void kills_write(struct metric_text *text, const struct kill_watch *kills);
void refusals_write(struct metric_text *text, const struct board *board);
// Money, profit at the present prices: of the firm, and of every account unless <brief>. Copies
// positions and prices.
void money_write(struct metric_text *text, struct control *control, bool brief);
