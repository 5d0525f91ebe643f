#include "controlplane/control/method.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/clock.h"

enum { CALL_MS = 1000 };

#define PARAM_CHANNEL                                                        \
    {                                                                        \
        "channel", PARAM_STRING, false, 1, NAME_LEN - 1, "Only this channel" \
    }
#define PARAM_SYMBOL                                                           \
    {                                                                          \
        "symbol", PARAM_STRING, true, 1, 11, "Symbol as the exchange names it" \
    }

const struct method methods[] = {
    {"version",
     "Versions of control plane, dataplane and contract",
     false,
     method_version,
     NULL,
     {{0}}},
    {"help", "The methods and their parameters", false, method_help, NULL, {{0}}},
    {"status", "Node, dataplane, trust in each channel, load", true, method_status, NULL, {{0}}},
    {"feeds",
     "Channels and their lines: packets, gaps, recovery, which line is ahead",
     true,
     method_feeds,
     NULL,
     {{0}}},
    {"lanes", "Lanes: core, load, latency from frame to book", true, method_lanes, NULL, {{0}}},
    {"counters",
     "Every counter",
     true,
     method_counters,
     NULL,
     {{"scope", PARAM_STRING, false, 1, 16, "Only lane, channel, line, port, pool or main"}}},
    {"histograms",
     "Every latency histogram with its buckets",
     true,
     method_histograms,
     NULL,
     {{0}}},
    {"symbols",
     "Best prices, last trade, volume and quality of symbols",
     true,
     method_symbols,
     NULL,
     {{"sort", PARAM_STRING, false, 1, 16,
       "name (default), volume, activity (changes of the best price) or spread; largest first"},
      {"top", PARAM_INTEGER, false, 1, 1 << 20, "Only so many (all)"},
      {"symbols", PARAM_STRINGS, false, 1, 4096, "Only these"},
      PARAM_CHANNEL}},
    {"book",
     "Best levels of one symbol's book",
     true,
     method_book,
     method_book_answered,
     {PARAM_SYMBOL,
      {"depth", PARAM_INTEGER, false, 1, BOOK_DEPTH_MAX, "Levels a side (10)"},
      PARAM_CHANNEL}},
    {"queue_position",
     "Orders and shares that stand before an order at its price",
     true,
     method_queue_position,
     method_queue_position_answered,
     {{"channel", PARAM_STRING, true, 1, NAME_LEN - 1, "Channel of the order"},
      {"reference", PARAM_INTEGER, true, 0, INT64_MAX, "Order reference number"}}},
    {"filter_set",
     "Sets which symbols a lane follows; in force with the FILTER_CHANGED event of each channel",
     true,
     method_filter_set,
     method_filter_set_answered,
     {{"lane", PARAM_STRING, true, 1, NAME_LEN - 1, "Name of the lane, or its number"},
      {"symbols", PARAM_STRINGS, false, 1, 4096, "Follow only these; without it: all"}}},
    {"ports", "Ports: driver, link, packets, drops", true, method_ports, NULL, {{0}}},
    {"memory", "The memory bill and the buffer pools", true, method_memory, NULL, {{0}}},
    {"events",
     "The newest events",
     false,
     method_events,
     NULL,
     {{"count", PARAM_INTEGER, false, 1, EVENT_LOG_LEN, "At most so many (100)"},
      {"after", PARAM_INTEGER, false, 0, INT64_MAX, "Only those behind this number"},
      {"type", PARAM_STRING, false, 1, 32, "Only of this type"}}},
};

const uint32_t method_count = sizeof methods / sizeof methods[0];

void job_fail(struct job *job, enum rpc_error error, const char *fmt, ...)
{
    va_list args;
    job->error = error;
    va_start(args, fmt);
    vsnprintf(job->message, sizeof job->message, fmt, args);
    va_end(args);
}

void job_clear(struct job *job)
{
    json_decref(job->id);
    json_decref(job->params);
    json_decref(job->result);
    job->method = NULL;
    job->id = job->params = job->result = NULL;
    job->error = 0;
    job->pending = false;
    job->step = 0;
}

void job_call(struct control *control, struct job *job, enum command_type type, uint32_t target)
{
    job->call.type = type;
    job->call.target = target;
    switch (call_post(&job->call, &control->contact, clock_mono_ns() + CALL_MS * 1000000ull)) {
    case CALL_PENDING: job->pending = true; return;
    case CALL_NO_SLOT:
        job_fail(job, RPC_ERROR_BUSY, "all %u command slots are in use; ask again", COMMAND_SLOTS);
        return;
    default: job_fail(job, RPC_ERROR_NOT_CONNECTED, "%s", control->contact.why); return;
    }
}

const char *job_string(const struct job *job, const char *name)
{
    return json_string_value(json_object_get(job->params, name));
}

int64_t job_integer(const struct job *job, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(job->params, name);
    return value ? json_integer_value(value) : otherwise;
}

bool job_snapshot(struct control *control, struct job *job)
{
    if (snapshot_take(&control->snapshot, &control->contact))
        return true;
    job_fail(job, RPC_ERROR_NOT_CONNECTED, "%s", control->contact.why);
    return false;
}
