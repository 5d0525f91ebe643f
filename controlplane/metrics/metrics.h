// Metrics of the whole node as text, out of the counter and histogram tables, the events and what
// the control plane counts about itself.
#pragma once

#include "controlplane/control/control.h"
#include "controlplane/metrics/text.h"

enum { METRICS_BRIEF_MAX = 300 }; // series of metrics_brief at most, whatever the configuration

// Both fill <text> from its beginning. Without a dataplane only what the control plane knows by
// itself is there, tickgate_dataplane_up 0 among it.
void metrics_brief(struct metric_text *text, struct control *control);
void metrics_full(struct metric_text *text, struct control *control);

// Name of a counter's family: "tickgate_lane_busy_seconds". In base units; without "_total".
void metric_counter_name(const struct counter_info *info, char name[METRIC_NAME_LEN]);
