// Families of metrics as text: Prometheus text format 0.0.4 or OpenMetrics 1.0, which differ in
// few places.
//
// <name> of a family is in base units and without "_total"; samples of a family follow it before
// the next one begins.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/error.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_INFO };

enum { METRIC_NAME_LEN = 96, METRIC_LABELS_MAX = 4 };

// Ends with a null name.
struct metric_label {
    const char *name;
    const char *value; // UTF-8; escaped when written
};

struct metric_text {
    char *data; // not terminated
    size_t len;
    size_t max;
    uint32_t series;
    bool open;   // OpenMetrics
    bool failed; // no memory: the text is not to be used
    enum metric_type type;
    char family[METRIC_NAME_LEN];
};

// Frees what an earlier use has left.
void metric_text_free(struct metric_text *text);

void metric_family(struct metric_text *text, enum metric_type type, const char *name,
                   const char *help);
void metric_count(struct metric_text *text, const struct metric_label *labels, uint64_t value);
void metric_real(struct metric_text *text, const struct metric_label *labels, double value);

// One sample of a bucket, with the trace that shows where its time went. Only OpenMetrics has them.
struct metric_exemplar {
    char trace_id[33]; // empty: none
    double value;
    double utc_s;
};

// Upper edges and counts at or below them, ascending; the last edge is infinite and its count is
// that of all samples.
struct metric_buckets {
    const double *edges; // <count> - 1 of them
    const uint64_t *below;
    const struct metric_exemplar *exemplars; // of each bucket; null: none has one
    uint32_t count;
    double sum;
};
void metric_buckets(struct metric_text *text, const struct metric_label *labels,
                    const struct metric_buckets *buckets);

// What stands behind the last family.
void metric_end(struct metric_text *text);

const char *metric_content_type(bool open);
