// Names that stand in a journal, for its traces.
#pragma once

#include "controlplane/cli/journal_events.h"
#include "controlplane/trace/tree.h"

// Of the event that was read last.
void trace_names_of(const struct journal_events *events, struct trace_names *names);
