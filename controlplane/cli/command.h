// The command tree: one table (commands.c) of what can be said, from which parsing, every --help
// and the command line's part of docs/control.md come.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/base/error.h"

enum argument_kind {
    ARGUMENT_TEXT,
    ARGUMENT_NUMBER,
    ARGUMENT_LIST,  // words joined by commas
    ARGUMENT_SCOPE, // account:NAME, or the two words "account NAME"
    ARGUMENT_FILE,  // text that names a file or directory of whoever types it
    ARGUMENT_FLAG,  // an option without a value
};

// A positional argument (UPPER-case name) or an option (--name).
struct argument {
    const char *name;  // "SYMBOL", or "--depth"
    const char *value; // what help and manual call an option's value: "PRICE"
    const char *param; // of the method; null: the renderer's business
    enum argument_kind kind;
    bool required;
    const char *help;
};

enum { ARGUMENTS_MAX = 8, WORDS_MAX = 2 };

enum command_does {
    LOOKS,
    FOLLOWS, // --watch prints only what is new (method parameter "after")
    STREAMS, // notifications until it is interrupted
    TOP,     // the live view
    TELLS,   // asks nobody
    CHANGES, // no --watch
    WIDENS,  // what may be traded: asks at a terminal, unless --yes; no --watch
};

struct command {
    const char *words[WORDS_MAX]; // "show", "book"
    const char *help;
    const char *method; // null: asks nobody; TELLS prints, else command_offline does it
    // Prints a result; <options> holds the arguments that have no param, by name.
    void (*print)(FILE *out, const json_t *result, const json_t *options);
    enum command_does does;
    struct argument arguments[ARGUMENTS_MAX];
};

// Options of every command.
extern const struct argument common_options[];
extern const uint32_t common_count;
extern const char exit_codes_help[];

extern const struct command commands[];
extern const uint32_t command_count;

// Several methods, one after the other (day_run.c).
bool command_sequence(const struct command *command);

struct invocation;
// What a command without a method does, without a control plane; null: it has one.
void (*command_offline(const struct command *command))(const struct invocation *invocation,
                                                       struct error *err);

// What a command line says.
struct invocation {
    const struct command *command; // null: help or version was asked for and printed
    json_t *params;
    json_t *options;
    const char *socket; // null: the default
    bool json;
    uint32_t watch_ms; // 0: once
};

// False with EXIT_USAGE. Texts that were asked for (--help, --version) go to <out>, with ->command
// null.
bool invocation_parse(struct invocation *invocation, int argc, char **argv, FILE *out,
                      struct error *err);
void invocation_free(struct invocation *invocation);

// Help of everything that begins with these words (0 to WORDS_MAX of them).
void help_print(FILE *out, const char *const *words, uint32_t count);

// Handler of the signals that end what goes on, and whether one came.
void invocation_stop(int number);
bool invocation_stopped(void);

// journal.c, journal_list.c, explain.c
void run_journal_verify(const struct invocation *invocation, struct error *err);
void run_journal_stats(const struct invocation *invocation, struct error *err);
void run_journal_dump(const struct invocation *invocation, struct error *err);
void run_journal_tail(const struct invocation *invocation, struct error *err);
void run_journal_export(const struct invocation *invocation, struct error *err);
void run_explain(const struct invocation *invocation, struct error *err);
// trace.c
void run_trace(const struct invocation *invocation, struct error *err);
void run_trace_export(const struct invocation *invocation, struct error *err);

// limits_history.c
void run_limits_history(const struct invocation *invocation, struct error *err);
// signals.c
void run_signals_score(const struct invocation *invocation, struct error *err);
// capture.c
void run_capture_export(const struct invocation *invocation, struct error *err);
// replay.c
void run_replay(const struct invocation *invocation, struct error *err);
void print_capture(FILE *out, const json_t *result, const json_t *options);

// print_config.c
void print_config_diff(FILE *out, const json_t *result, const json_t *options);
void print_config_applied(FILE *out, const json_t *result, const json_t *options);
// print.c
void print_status(FILE *out, const json_t *result, const json_t *options);
void print_version(FILE *out, const json_t *result, const json_t *options);
void print_feeds(FILE *out, const json_t *result, const json_t *options);
void print_lanes(FILE *out, const json_t *result, const json_t *options);
void print_latency(FILE *out, const json_t *result, const json_t *options);
void print_counters(FILE *out, const json_t *result, const json_t *options);
void print_symbols(FILE *out, const json_t *result, const json_t *options);
void print_book(FILE *out, const json_t *result, const json_t *options);
void print_queue(FILE *out, const json_t *result, const json_t *options);
void print_ports(FILE *out, const json_t *result, const json_t *options);
void print_memory(FILE *out, const json_t *result, const json_t *options);
void print_events(FILE *out, const json_t *result, const json_t *options);
void print_filter(FILE *out, const json_t *result, const json_t *options);
// reference.c, completion.c
void print_man(FILE *out, const json_t *result, const json_t *options);
void print_bash(FILE *out, const json_t *result, const json_t *options);
void print_zsh(FILE *out, const json_t *result, const json_t *options);
// print_drop_copy.c
void print_drop_copies(FILE *out, const json_t *result, const json_t *options);
// print_limits.c
void print_limits(FILE *out, const json_t *result, const json_t *options);
void print_limit_set(FILE *out, const json_t *result, const json_t *options);
void print_headroom(FILE *out, const json_t *result, const json_t *options);
void print_approvals(FILE *out, const json_t *result, const json_t *options);
void print_approved(FILE *out, const json_t *result, const json_t *options);
// print_trade.c
void print_trading(FILE *out, const json_t *result, const json_t *options);
void print_orders(FILE *out, const json_t *result, const json_t *options);
void print_positions(FILE *out, const json_t *result, const json_t *options);
void print_sessions(FILE *out, const json_t *result, const json_t *options);
void print_clients(FILE *out, const json_t *result, const json_t *options);
void print_signals(FILE *out, const json_t *result, const json_t *options);
void print_strategies(FILE *out, const json_t *result, const json_t *options);
void print_govern(FILE *out, const json_t *result, const json_t *options);
void print_calendar(FILE *out, const json_t *result, const json_t *options);
void print_reload(FILE *out, const json_t *result, const json_t *options);
void print_selftest(FILE *out, const json_t *result, const json_t *options);
