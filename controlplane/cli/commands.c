#include "controlplane/cli/command.h"

#include <string.h>

#define CHANNEL_OPTION                                                            \
    {                                                                             \
        "--channel", "NAME", "channel", ARGUMENT_TEXT, false, "only this channel" \
    }

#define REASON_OPTION(required)                                           \
    {                                                                     \
        "--reason", "TEXT", "reason", ARGUMENT_TEXT, required, "recorded" \
    }
#define YES_OPTION                                                                  \
    {                                                                               \
        "--yes", NULL, NULL, ARGUMENT_FLAG, false, "do not ask, even at a terminal" \
    }
#define SCOPE_ARGUMENTS                                                               \
    {"SCOPE",       NULL,  "scope",                                                   \
     ARGUMENT_TEXT, false, "global (default), account, strategy, symbol or session"}, \
    {                                                                                 \
        "NAME", NULL, "name", ARGUMENT_TEXT, false, "of the account, strategy, ..."   \
    }
#define STRATEGY_ARGUMENT                                                     \
    {                                                                         \
        "NAME", NULL, "strategy", ARGUMENT_TEXT, true, "name of the strategy" \
    }

#define JOURNAL_ARGUMENT                                                             \
    {                                                                                \
        "DIR", NULL, NULL, ARGUMENT_TEXT, true, "the journal's directory, or a copy" \
    }
#define TYPE_OPTION                                                                             \
    {                                                                                           \
        "--type", "EVENT", NULL, ARGUMENT_TEXT, false, "only this type, for example ORDER_SENT" \
    }

const struct argument common_options[] = {
    {"--json", NULL, NULL, ARGUMENT_FLAG, false, "print the answer as JSON"},
    {"--watch", "[=SECONDS]", NULL, ARGUMENT_TEXT, false,
     "again and again, every second or every so many seconds"},
    {"--socket", "PATH", NULL, ARGUMENT_TEXT, false,
     "control socket (TICKGATE_SOCKET, or /run/tickgate/control.sock)"},
    {"--help", NULL, NULL, ARGUMENT_FLAG, false, "help of the words before it"},
    {"--version", NULL, NULL, ARGUMENT_FLAG, false, "version of this program"},
};
const uint32_t common_count = sizeof common_options / sizeof common_options[0];

const char exit_codes_help[] =
    "0 ok, 1 failed, 2 usage, 3 not connected, 4 refused by the state that\n"
    "things are in, 5 needs approval, 6 forbidden to this user";

const struct command commands[] = {
    {{"status"}, "node, dataplane, channels at a glance", "status", print_status, LOOKS, {{0}}},
    {{"version"},
     "versions of control plane, dataplane and contract",
     "version",
     print_version,
     LOOKS,
     {{0}}},
    {{"events"},
     "what happens, from now on",
     "subscribe",
     print_events,
     STREAMS,
     {{"--topics", "LIST", "topics", ARGUMENT_LIST, false, "events (default), counters, logs"},
      {"--after", "NUMBER", "after", ARGUMENT_NUMBER, false, "events behind this number too"}}},
    {{"top"}, "a live view of load, feeds, sessions", "status", print_status, TOP, {{0}}},
    {{"man"}, "the manual page, for man -l -", NULL, print_man, TELLS, {{0}}},
    {{"completion", "bash"}, "completion for bash", NULL, print_bash, TELLS, {{0}}},
    {{"completion", "zsh"}, "completion for zsh", NULL, print_zsh, TELLS, {{0}}},
    {{"show", "feeds"}, "channels and their lines", "feeds", print_feeds, LOOKS, {{0}}},
    {{"show", "lanes"}, "lanes, their load and latency", "lanes", print_lanes, LOOKS, {{0}}},
    {{"show", "latency"},
     "latency histograms",
     "histograms",
     print_latency,
     LOOKS,
     {{"--buckets", NULL, NULL, ARGUMENT_FLAG, false, "also every bucket that is not empty"}}},
    {{"show", "counters"},
     "counters that are not zero",
     "counters",
     print_counters,
     LOOKS,
     {{"SCOPE", NULL, "scope", ARGUMENT_TEXT, false,
       "only lane, channel, line, port, pool, main, desk, session, connection, strategy, client or "
       "account"},
      {"--all", NULL, NULL, ARGUMENT_FLAG, false, "also those that are zero"}}},
    {{"show", "symbols"},
     "best prices of symbols",
     "symbols",
     print_symbols,
     LOOKS,
     {{"SYMBOL[,SYMBOL]", NULL, "symbols", ARGUMENT_LIST, false, "only these"},
      {"--sort", "KEY", "sort", ARGUMENT_TEXT, false,
       "name (default), volume, activity or spread; largest first"},
      {"--top", "N", "top", ARGUMENT_NUMBER, false, "only the first N"},
      CHANNEL_OPTION}},
    {{"show", "book"},
     "price levels of one symbol",
     "book",
     print_book,
     LOOKS,
     {{"SYMBOL", NULL, "symbol", ARGUMENT_TEXT, true, "as the exchange names it"},
      {"--depth", "N", "depth", ARGUMENT_NUMBER, false, "levels a side, 1 to 64 (10)"},
      CHANNEL_OPTION}},
    {{"show", "queue"},
     "what stands before an order at its price",
     "queue_position",
     print_queue,
     LOOKS,
     {{"CHANNEL", NULL, "channel", ARGUMENT_TEXT, true, "channel of the order"},
      {"REFERENCE", NULL, "reference", ARGUMENT_NUMBER, true, "order reference number"}}},
    {{"show", "ports"}, "ports, their link and drops", "ports", print_ports, LOOKS, {{0}}},
    {{"show", "memory"}, "the memory bill and buffer pools", "memory", print_memory, LOOKS, {{0}}},
    {{"show", "events"},
     "the newest events; --watch follows",
     "events",
     print_events,
     FOLLOWS,
     {{"--count", "N", "count", ARGUMENT_NUMBER, false, "at most N (100)"},
      {"--type", "EVENT", "type", ARGUMENT_TEXT, false, "only this type, for example GAP_OPEN"}}},
    {{"show", "trading"},
     "what is in force; decisions and refusals",
     "trading",
     print_trading,
     LOOKS,
     {{0}}},
    {{"show", "orders"},
     "open orders",
     "orders",
     print_orders,
     LOOKS,
     {{"--account", "NAME", "account", ARGUMENT_TEXT, false, "only of this account"},
      {"--strategy", "NAME", "strategy", ARGUMENT_TEXT, false, "only of this strategy"},
      {"--symbol", "SYMBOL", "symbol", ARGUMENT_TEXT, false, "only in this symbol"},
      {"--session", "NAME", "session", ARGUMENT_TEXT, false, "only of this session"},
      {"--top", "N", "top", ARGUMENT_NUMBER, false, "only the first N"}}},
    {{"show", "positions"},
     "positions, what is open, what they are worth",
     "positions",
     print_positions,
     LOOKS,
     {{"--account", "NAME", "account", ARGUMENT_TEXT, false, "only of this account"},
      {"--symbol", "SYMBOL", "symbol", ARGUMENT_TEXT, false, "only in this symbol"}}},
    {{"show", "limits"},
     "limits, what of them is used, whose bind",
     "limits",
     print_limits,
     LOOKS,
     {{"SCOPE[:NAME]", NULL, "scope", ARGUMENT_TEXT, false,
       "firm, account, strategy, session, symbol; without it all but symbols"}}},
    {{"show", "sessions"},
     "order sessions",
     "sessions",
     print_sessions,
     LOOKS,
     {{"--connections", NULL, NULL, ARGUMENT_FLAG, false,
       "their TCP connections: round trip, losses, windows, what was refused"}}},
    {{"show", "clients"}, "clients of the gateway", "clients", print_clients, LOOKS, {{0}}},
    {{"show", "strategies"},
     "strategies, their state and time",
     "strategies",
     print_strategies,
     LOOKS,
     {{0}}},
    {{"kill"},
     "nothing enters, everything open is cancelled; never asks",
     "kill",
     print_govern,
     CHANGES,
     {SCOPE_ARGUMENTS,
      REASON_OPTION(false),
      {"--direct", NULL, NULL, ARGUMENT_FLAG, false,
       "past the control plane, by this command's own word in the region; no reason is recorded"},
      {"--region", "NAME|PATH", NULL, ARGUMENT_TEXT, false,
       "of --direct: the region (TICKGATE_REGION, or tickgate)"}}},
    {{"halt"},
     "nothing enters, open orders stay",
     "halt",
     print_govern,
     CHANGES,
     {SCOPE_ARGUMENTS, REASON_OPTION(true)}},
    {{"reduce"},
     "only what makes positions smaller enters",
     "reduce",
     print_govern,
     CHANGES,
     {SCOPE_ARGUMENTS, REASON_OPTION(true)}},
    {{"resume"},
     "takes back kill, halt, reduce of a scope",
     "resume",
     print_govern,
     WIDENS,
     {SCOPE_ARGUMENTS, REASON_OPTION(true), YES_OPTION}},
    {{"cancel"},
     "cancels everything open of a scope, once",
     "cancel",
     print_govern,
     CHANGES,
     {SCOPE_ARGUMENTS, REASON_OPTION(true)}},
    {{"strategy", "enable"},
     "lets a strategy trade",
     "strategy_enable",
     print_govern,
     WIDENS,
     {STRATEGY_ARGUMENT, REASON_OPTION(true), YES_OPTION}},
    {{"strategy", "disable"},
     "stops a strategy, cancels its orders",
     "strategy_disable",
     print_govern,
     CHANGES,
     {STRATEGY_ARGUMENT, REASON_OPTION(true)}},
    {{"strategy", "set"},
     "gives a strategy other parameters",
     "strategy_set",
     print_govern,
     WIDENS,
     {STRATEGY_ARGUMENT,
      {"KEY=VALUE[,KEY=VALUE]", NULL, "values", ARGUMENT_LIST, true,
       "integers; show strategies lists the keys"},
      REASON_OPTION(true),
      YES_OPTION}},
    {{"set", "filter"},
     "which symbols a lane follows",
     "filter_set",
     print_filter,
     CHANGES,
     {{"LANE", NULL, "lane", ARGUMENT_TEXT, true, "name or number of the lane"},
      {"all|SYMBOL[,SYMBOL]", NULL, "symbols", ARGUMENT_LIST, true, "what it follows"},
      REASON_OPTION(true)}},
    {{"set", "limit"},
     "sets a limit while everything runs",
     "limit_set",
     print_limit_set,
     CHANGES,
     {{"SCOPE[:NAME]", NULL, "scope", ARGUMENT_TEXT, true,
       "firm, account:NAME, strategy:NAME, session:NAME or symbol:NAME"},
      {"CONTROL", NULL, "control", ARGUMENT_TEXT, true, "its key in the configuration"},
      {"VALUE", NULL, "value", ARGUMENT_TEXT, true, "as the configuration takes it"},
      REASON_OPTION(true)}},
    {{"journal", "verify"},
     "reads a journal and says what is wrong with it",
     NULL,
     NULL,
     LOOKS,
     {JOURNAL_ARGUMENT}},
    {{"journal", "stats"},
     "what a journal holds, by instance, ring and type",
     NULL,
     NULL,
     LOOKS,
     {JOURNAL_ARGUMENT}},
    {{"journal", "dump"},
     "every event of a journal; --json: one line each",
     NULL,
     NULL,
     LOOKS,
     {JOURNAL_ARGUMENT, TYPE_OPTION}},
    {{"journal", "tail"},
     "the newest events of a journal; -f follows",
     NULL,
     NULL,
     LOOKS,
     {JOURNAL_ARGUMENT,
      {"--count", "N", NULL, ARGUMENT_NUMBER, false, "at most N (20)"},
      {"-f", NULL, NULL, ARGUMENT_FLAG, false, "goes on with what is written, until a signal"},
      TYPE_OPTION}},
    {{"journal", "export"},
     "events of a journal as a table for other programs",
     NULL,
     NULL,
     LOOKS,
     {{"csv", NULL, NULL, ARGUMENT_TEXT, true, "the format"}, JOURNAL_ARGUMENT, TYPE_OPTION}},
    {{"explain", "order"},
     "what became of an order and why, from a journal",
     NULL,
     NULL,
     LOOKS,
     {{"ID", NULL, NULL, ARGUMENT_TEXT, true,
       "the exchange's reference of the order, or #NUMBER of its DECISION"},
      JOURNAL_ARGUMENT,
      {"--session", "NAME", NULL, ARGUMENT_TEXT, false, "only of this order session"}}},
    {{"trace"},
     "one trace of an order or a kill, from a journal",
     NULL,
     NULL,
     LOOKS,
     {{"ID", NULL, NULL, ARGUMENT_TEXT, true, "the 32 digits of the trace"}, JOURNAL_ARGUMENT}},
    {{"trace", "export"},
     "traces of a journal, as OTLP",
     NULL,
     NULL,
     LOOKS,
     {JOURNAL_ARGUMENT,
      {"--all", NULL, NULL, ARGUMENT_FLAG, false, "of every order"},
      {"--one-in", "N", NULL, ARGUMENT_NUMBER, false,
       "of one order in N, and what is always told (1000)"},
      {"--to", "FILE|URL", NULL, ARGUMENT_TEXT, true,
       "file for one request in protobuf (-: standard output), or address of a collector"}}},
};

void (*command_offline(const struct command *command))(const struct invocation *invocation,
                                                       struct error *err)
{
    static const struct {
        const char *words[WORDS_MAX];
        void (*run)(const struct invocation *invocation, struct error *err);
    } table[] = {
        {{"journal", "verify"}, run_journal_verify},
        {{"journal", "stats"}, run_journal_stats},
        {{"journal", "dump"}, run_journal_dump},
        {{"journal", "tail"}, run_journal_tail},
        {{"journal", "export"}, run_journal_export},
        {{"explain", "order"}, run_explain},
        {{"trace", NULL}, run_trace},
        {{"trace", "export"}, run_trace_export},
    };
    for (size_t i = 0; command->method == NULL && i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].words[0], command->words[0]) == 0 &&
            (table[i].words[1] == NULL) == (command->words[1] == NULL) &&
            (table[i].words[1] == NULL || strcmp(table[i].words[1], command->words[1]) == 0))
            return table[i].run;
    return NULL;
}

const uint32_t command_count = sizeof commands / sizeof commands[0];
