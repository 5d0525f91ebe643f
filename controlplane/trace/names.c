#include "controlplane/trace/names.h"

static const char *account_name(const void *context, uint32_t index)
{
    return journal_events_name(context, JOURNAL_NAME_ACCOUNT, 0, index);
}

static const char *instrument_name(const void *context, uint32_t index)
{
    return journal_events_name(context, JOURNAL_NAME_INSTRUMENT, 0, index);
}

static const char *session_name(const void *context, uint32_t lane, uint32_t index)
{
    return journal_events_name(context, JOURNAL_NAME_SESSION, lane, index);
}

static const char *strategy_name(const void *context, uint32_t lane, uint32_t index)
{
    return journal_events_name(context, JOURNAL_NAME_STRATEGY, lane, index);
}

static const char *lane_name(const void *context, uint32_t lane)
{
    return journal_events_name(context, JOURNAL_NAME_LANE, 0, lane);
}

void trace_names_of(const struct journal_events *events, struct trace_names *names)
{
    *names = (struct trace_names){events,       account_name,  instrument_name,
                                  session_name, strategy_name, lane_name};
}
