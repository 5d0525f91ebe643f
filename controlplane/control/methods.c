#include "controlplane/control/live_config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/clock.h"

enum { CALL_MS = 1000, SETTLE_MS = 5000 };

#define PARAM_CHANNEL                                                        \
    {                                                                        \
        "channel", PARAM_STRING, false, 1, NAME_LEN - 1, "Only this channel" \
    }
#define PARAM_SYMBOL                                                           \
    {                                                                          \
        "symbol", PARAM_STRING, true, 1, 11, "Symbol as the exchange names it" \
    }

#define PARAM_REASON(required)                                          \
    {                                                                   \
        "reason", PARAM_STRING, required, 1, REASON_LEN - 1, "Recorded" \
    }
#define PARAMS_WHAT                                                                           \
    {"scope", PARAM_STRING,                                                                   \
     false,   1,                                                                              \
     47,      "firm (default), account:NAME, strategy:NAME, session:NAME or symbol:NAME"},    \
    {                                                                                         \
        "name", PARAM_STRING, false, 1, NAME_LEN - 1, "Where the scope does not say the name" \
    }
#define PARAMS_SCOPE(reason_required)              \
    {                                              \
        PARAMS_WHAT, PARAM_REASON(reason_required) \
    }
#define PARAM_FILE                                                                           \
    {                                                                                        \
        "file", PARAM_STRING, false, 1, 511,                                                 \
            "Read by the control plane; without it the one that it was started with. Takes " \
            "the role risk"                                                                  \
    }
#define PARAM_STRATEGY                                                          \
    {                                                                           \
        "strategy", PARAM_STRING, true, 1, NAME_LEN - 1, "Name of the strategy" \
    }

#define PARAM_SOURCE                                                                   \
    {                                                                                  \
        "source", PARAM_STRING, true, 1, NAME_LEN - 1, "Name of the source of signals" \
    }

const struct method methods[] = {
    {"version",
     ROLE_VIEW,
     "Versions of control plane, dataplane and contract",
     NEEDS_NOTHING,
     method_version,
     NULL,
     {{0}}},
    {"help",
     ROLE_VIEW,
     "The methods and their parameters",
     NEEDS_NOTHING,
     method_help,
     NULL,
     {{0}}},
    {"status",
     ROLE_VIEW,
     "Node, dataplane, trust in each channel, load",
     NEEDS_DATAPLANE,
     method_status,
     NULL,
     {{0}}},
    {"feeds",
     ROLE_VIEW,
     "Channels and their lines: packets, gaps, recovery, which line is ahead",
     NEEDS_DATAPLANE,
     method_feeds,
     NULL,
     {{0}}},
    {"lanes",
     ROLE_VIEW,
     "Lanes: core, load, latency from frame to book",
     NEEDS_DATAPLANE,
     method_lanes,
     NULL,
     {{0}}},
    {"counters",
     ROLE_VIEW,
     "Every counter",
     NEEDS_DATAPLANE,
     method_counters,
     NULL,
     {{"scope", PARAM_STRING, false, 1, 16,
       "Only lane, channel, line, port, pool, main, desk, session, strategy or account"}}},
    {"histograms",
     ROLE_VIEW,
     "Every latency histogram with its buckets",
     NEEDS_DATAPLANE,
     method_histograms,
     NULL,
     {{0}}},
    {"symbols",
     ROLE_VIEW,
     "Best prices, last trade, volume and quality of symbols",
     NEEDS_DATAPLANE,
     method_symbols,
     NULL,
     {{"sort", PARAM_STRING, false, 1, 16,
       "name (default), volume, activity (changes of the best price) or spread; largest first"},
      {"top", PARAM_INTEGER, false, 1, 1 << 20, "Only so many (all)"},
      {"symbols", PARAM_STRINGS, false, 1, 4096, "Only these"},
      PARAM_CHANNEL}},
    {"book",
     ROLE_VIEW,
     "Best levels of one symbol's book",
     NEEDS_DATAPLANE,
     method_book,
     method_book_answered,
     {PARAM_SYMBOL,
      {"depth", PARAM_INTEGER, false, 1, BOOK_DEPTH_MAX, "Levels a side (10)"},
      PARAM_CHANNEL}},
    {"queue_position",
     ROLE_VIEW,
     "Orders and shares that stand before an order at its price",
     NEEDS_DATAPLANE,
     method_queue_position,
     method_queue_position_answered,
     {{"channel", PARAM_STRING, true, 1, NAME_LEN - 1, "Channel of the order"},
      {"reference", PARAM_INTEGER, true, 0, INT64_MAX, "Order reference number"}}},
    {"filter_set",
     ROLE_OPERATE,
     "Sets which symbols a lane follows; in force with the FILTER_CHANGED event of each channel",
     NEEDS_DATAPLANE,
     method_filter_set,
     method_filter_set_answered,
     {{"lane", PARAM_STRING, true, 1, NAME_LEN - 1, "Name of the lane, or its number"},
      PARAM_REASON(true),
      {"symbols", PARAM_STRINGS, false, 1, 4096, "Follow only these; without it: all"}}},
    {"selftest",
     ROLE_OPERATE,
     "Breaks every control of the gate once, on a desk of its own behind a closed egress gate; "
     "nothing leaves, and "
     "what trades is not touched",
     NEEDS_DATAPLANE,
     method_selftest,
     method_selftest_answered,
     {{0}}},
    {"trading",
     ROLE_VIEW,
     "What is in force: kills, halts, reductions; decisions and refusals by code",
     NEEDS_DATAPLANE,
     method_trading,
     NULL,
     {{0}}},
    {"orders",
     ROLE_VIEW,
     "Open orders, oldest first, as the events tell; complete says whether none were missed",
     NEEDS_DATAPLANE,
     method_orders,
     NULL,
     {{"account", PARAM_STRING, false, 1, NAME_LEN - 1, "Only of this account"},
      {"strategy", PARAM_STRING, false, 1, NAME_LEN - 1, "Only of this strategy"},
      {"symbol", PARAM_STRING, false, 1, 8, "Only in this symbol"},
      {"session", PARAM_STRING, false, 1, NAME_LEN - 1, "Only of this session"},
      {"top", PARAM_INTEGER, false, 1, FOLD_ORDERS_MAX, "Only so many (all)"}}},
    {"positions",
     ROLE_VIEW,
     "Positions by account and symbol, with what is open, average cost, profit realised and not; "
     "sums "
     "of accounts and the firm, always over all positions",
     NEEDS_DATAPLANE,
     method_positions,
     NULL,
     {{"account", PARAM_STRING, false, 1, NAME_LEN - 1, "Only of this account"},
      {"symbol", PARAM_STRING, false, 1, 8, "Only in this symbol"}}},
    {"limits",
     ROLE_VIEW,
     "What is limited, what of it is used, what is left, whose limit binds; without a scope all "
     "but "
     "symbols",
     NEEDS_DATAPLANE,
     method_limits,
     method_limits_answered,
     {{"scope", PARAM_STRING, false, 1, 47,
       "firm, account, strategy, session or symbol, or one of them: account:NAME"}}},
    {"limit_set",
     ROLE_RISK,
     "Sets a limit on all lanes, between two orders; in force from the LIMIT_CHANGED event of "
     "each. "
     "Beyond the configuration it takes a time, after which it is as before",
     NEEDS_DATAPLANE,
     method_limit_set,
     method_limit_set_answered,
     {{"scope", PARAM_STRING, true, 1, 47,
       "firm, account:NAME, strategy:NAME, session:NAME or symbol:NAME"},
      {"control", PARAM_STRING, true, 1, LIMIT_NAME_LEN - 1, "Its key in the configuration"},
      {"value", PARAM_STRING, true, 1, (SESSIONS_MAX * NAME_LEN) - 1,
       "As the configuration takes it; only lists of sessions are longer than 95"},
      PARAM_REASON(true),
      {"for", PARAM_STRING, false, 1, 15,
       "How long a raise lasts: 90s, 30m or 2h, at most control.raise_max_ms"},
      {"owner", PARAM_STRING, false, 1, 7,
       "Whose limit: firm (without a word) or broker, for users that control.broker names"}}},
    {"drop_copies",
     ROLE_VIEW,
     "Drop copies: how far each is read, what waits for the other side, and the newest that differ",
     NEEDS_NOTHING,
     method_drop_copies,
     NULL,
     {{0}}},
    {"config_diff",
     ROLE_VIEW,
     "What a file says other than what is in force, and what each key takes to be",
     NEEDS_DATAPLANE,
     method_config_diff,
     NULL,
     {PARAM_FILE}},
    {"config_apply",
     ROLE_RISK,
     "Puts into force what a file says, all of it or nothing; what takes a restart is refused",
     NEEDS_DATAPLANE,
     method_config_apply,
     method_config_answered,
     {PARAM_REASON(true),
      PARAM_FILE,
      {"confirm_within", PARAM_STRING, false, 2, 15,
       "90s, 30m or 2h: it goes back then, unless config_confirm comes before"}}},
    {"config_confirm",
     ROLE_RISK,
     "What was put into force stays",
     NEEDS_DATAPLANE,
     method_config_confirm,
     NULL,
     {{0}}},
    {"config_rollback",
     ROLE_RISK,
     "Puts into force again what was before the last config_apply",
     NEEDS_DATAPLANE,
     method_config_rollback,
     method_config_answered,
     {PARAM_REASON(true)}},
    {"approvals",
     ROLE_VIEW,
     "Changes that wait for a second person",
     NEEDS_NOTHING,
     method_approvals,
     NULL,
     {{0}}},
    {"approve",
     ROLE_RISK,
     "Makes a change that another user has asked for; the answer is that of the change",
     NEEDS_DATAPLANE,
     method_approve,
     NULL,
     {{"id", PARAM_INTEGER, true, 1, INT64_MAX, "Number of the change"}}},
    {"reload",
     ROLE_RISK,
     "Reads files of the trading day again; a file that is not good changes nothing. In force on a "
     "lane with its LIMITS event",
     NEEDS_DATAPLANE,
     method_reload,
     method_reload_answered,
     {{"files", PARAM_STRINGS, false, 1, DAY_FILES_MAX,
       "Keys of the section day: restricted, windows, calendar, bands, reference; without it all "
       "that are "
       "named there"},
      PARAM_REASON(true)}},
    {"calendar",
     ROLE_VIEW,
     "The trading day that it is, the one of the dataplane's start, and the one that follows by "
     "the file day.calendar",
     NEEDS_NOTHING,
     method_calendar,
     NULL,
     {{0}}},
    {"calendar_days",
     ROLE_VIEW,
     "The coming days by the file day.calendar: hours, what is special about a day, event windows; "
     "what ends meanwhile",
     NEEDS_NOTHING,
     method_calendar_days,
     NULL,
     {{"days", PARAM_INTEGER, false, 1, CALENDAR_DAYS_MAX,
       "So many, from the trading day on (10)"}}},
    {"sessions",
     ROLE_VIEW,
     "Order sessions: state, sequence, what is open, counts, their TCP connections",
     NEEDS_DATAPLANE,
     method_sessions,
     NULL,
     {{0}}},
    {"clients",
     ROLE_VIEW,
     "Clients of the gateway: who is attached, requests, refusals, how full their rings are",
     NEEDS_DATAPLANE,
     method_clients,
     NULL,
     {{0}}},
    {"strategies",
     ROLE_VIEW,
     "Strategies: on or off and why, parameters, time of their calls",
     NEEDS_DATAPLANE,
     method_strategies,
     NULL,
     {{0}}},
    {"signals",
     ROLE_VIEW,
     "Sources of signals: how each is, who of its role is heard, what was refused",
     NEEDS_DATAPLANE,
     method_signals,
     NULL,
     {{0}}},
    {"signal_stop",
     ROLE_OPERATE,
     "Nothing of a source of signals is taken any more; another of its role stands in",
     NEEDS_DATAPLANE,
     method_govern_signal,
     method_govern_answered,
     {PARAM_SOURCE, PARAM_REASON(true)}},
    {"signal_resume",
     ROLE_RISK,
     "A source that was stopped, or whose breaker is open, is good again with its next signal",
     NEEDS_DATAPLANE,
     method_govern_signal,
     method_govern_answered,
     {PARAM_SOURCE, PARAM_REASON(true)}},
    {"kill",
     ROLE_OPERATE,
     "No order enters any more, every open one is cancelled; in force at once, until resumed",
     NEEDS_LANES,
     method_govern,
     method_govern_answered,
     {PARAMS_WHAT,
      PARAM_REASON(false),
      {"asked_ns", PARAM_INTEGER, false, 0, INT64_MAX,
       "UTC in ns when somebody gave the command, for the stopwatch (now)"}}},
    {"kill_told",
     ROLE_OPERATE,
     "Says when somebody has killed past the control plane (kill --direct), for the stopwatch; "
     "kills "
     "nothing",
     NEEDS_DATAPLANE,
     method_kill_told,
     NULL,
     {{"asked_ns", PARAM_INTEGER, true, 1, INT64_MAX, "UTC in ns when the command was given"}}},
    {"halt", ROLE_OPERATE, "No order enters any more, open ones stay, cancels pass", NEEDS_LANES,
     method_govern, method_govern_answered, PARAMS_SCOPE(true)},
    {"reduce", ROLE_OPERATE, "Only orders that make a position smaller enter", NEEDS_LANES,
     method_govern, method_govern_answered, PARAMS_SCOPE(true)},
    {"resume", ROLE_RISK,
     "Takes back kill, halt and reduce of exactly this scope; of a symbol also the quarantine "
     "after "
     "an execution that nobody ordered, of a session also what its own checks stopped, of the firm "
     "or an account also a limit on losses that was broken",
     NEEDS_DATAPLANE, method_govern, method_govern_answered, PARAMS_SCOPE(true)},
    {"cancel", ROLE_OPERATE, "Every open order is cancelled once; new ones may enter", NEEDS_LANES,
     method_govern, method_govern_answered, PARAMS_SCOPE(true)},
    {"order_close",
     ROLE_RISK,
     "An order in doubt is over, by the word of whoever has asked the exchange; what it held is "
     "free",
     NEEDS_DATAPLANE,
     method_govern_order,
     method_govern_answered,
     {{"session", PARAM_STRING, true, 1, NAME_LEN - 1, "Name of the session"},
      {"ref", PARAM_INTEGER, true, 1, UINT32_MAX, "The order's reference, as `orders` shows it"},
      PARAM_REASON(true)}},
    {"strategy_enable",
     ROLE_RISK,
     "The strategy is called from now on and may trade",
     NEEDS_DATAPLANE,
     method_govern_strategy,
     method_govern_answered,
     {PARAM_STRATEGY, PARAM_REASON(true)}},
    {"strategy_disable",
     ROLE_OPERATE,
     "The strategy is not called any more, its orders are cancelled",
     NEEDS_DATAPLANE,
     method_govern_strategy,
     method_govern_answered,
     {PARAM_STRATEGY, PARAM_REASON(true)}},
    {"strategy_set",
     ROLE_RISK,
     "The strategy gets other parameters, all at once",
     NEEDS_DATAPLANE,
     method_govern_strategy,
     method_govern_answered,
     {PARAM_STRATEGY,
      {"values", PARAM_STRINGS, true, 1, PARAMETERS_MAX, "NAME=VALUE, integers; or NUMBER=VALUE"},
      PARAM_REASON(true)}},
    {"ports",
     ROLE_VIEW,
     "Ports: driver, link, packets, drops",
     NEEDS_DATAPLANE,
     method_ports,
     NULL,
     {{0}}},
    {"memory",
     ROLE_VIEW,
     "The memory bill and the buffer pools",
     NEEDS_DATAPLANE,
     method_memory,
     NULL,
     {{0}}},
    {"capture",
     ROLE_VIEW,
     "What lanes take in: is it recorded, how much, and where it is written",
     NEEDS_DATAPLANE,
     method_capture,
     NULL,
     {{0}}},
    {"capture_start",
     ROLE_OPERATE,
     "Lanes record what they take in, from now on",
     NEEDS_DATAPLANE,
     method_capture_start,
     NULL,
     {{0}}},
    {"capture_stop",
     ROLE_OPERATE,
     "Lanes record nothing any more",
     NEEDS_DATAPLANE,
     method_capture_stop,
     NULL,
     {{0}}},
    {"events",
     ROLE_VIEW,
     "The newest events; a symbol has the name that it had then, or is a number where that is not "
     "known",
     NEEDS_NOTHING,
     method_events,
     NULL,
     {{"count", PARAM_INTEGER, false, 1, EVENT_LOG_LEN, "At most so many (100)"},
      {"after", PARAM_INTEGER, false, 0, INT64_MAX, "Only those behind this number"},
      {"type", PARAM_STRING, false, 1, 32, "Only of this type"}}},
    {"subscribe",
     ROLE_VIEW,
     "Sends notifications on this connection from now on (event, counters once a second, log); "
     "again: others instead. One that cannot keep up is cut off; missed says what a burst has "
     "overtaken",
     NEEDS_NOTHING,
     method_subscribe,
     NULL,
     {{"topics", PARAM_STRINGS, true, 1, 3, "events, counters, logs"},
      {"after", PARAM_INTEGER, false, 0, INT64_MAX, "Events behind this number too (none)"}}},
    {"unsubscribe",
     ROLE_VIEW,
     "No more notifications",
     NEEDS_NOTHING,
     method_unsubscribe,
     NULL,
     {{0}}},
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
    job->pending = job->tolerant = job->settling = job->settled = job->approved = false;
    job->mark = 0;
    job->also = NULL;
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

bool job_settle(struct control *control, struct job *job)
{
    if (control->drain && !job->settled) {
        job->ticket = drain_ask(control->drain);
        job->deadline_ns = clock_mono_ns() + SETTLE_MS * 1000000ull;
        job->pending = job->settling = true;
        return false;
    }
    control_events(control);
    return true;
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
