// Methods of the control socket: one table of names, parameters and help (methods.c), from which
// the dispatcher, `help` and docs/control.md come.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "controlplane/control/control.h"
#include "controlplane/control/roles.h"
#include "controlplane/region/call.h"

// JSON-RPC 2.0's own codes, and ours from -32001 on. RPC_ERROR(NAME, code, meaning)
#define RPC_ERROR_LIST(X)                                                                \
    X(PARSE, -32700, "The line is not JSON")                                             \
    X(REQUEST, -32600, "The JSON is not a request, or too long a line")                  \
    X(METHOD, -32601, "There is no such method")                                         \
    X(PARAMS, -32602, "A parameter is missing, unknown or out of range")                 \
    X(INTERNAL, -32603, "The control plane itself failed")                               \
    X(NOT_CONNECTED, -32001,                                                             \
      "No dataplane: no region, one of another build, or its process ended")             \
    X(NO_ANSWER, -32002, "The dataplane runs but does not answer in time")               \
    X(UNKNOWN, -32003,                                                                   \
      "Nothing has this name: symbol, order, lane, channel, account, strategy, session") \
    X(BUSY, -32004, "Not now: the book is being loaded or all command slots are in use") \
    X(REFUSED, -32005, "Refused")                                                        \
    X(STATE, -32006, "Refused by the state that things are in")                          \
    X(FORBIDDEN, -32007, "Not with the role of this user")                               \
    X(APPROVAL, -32008, "Another person has to approve it: nothing is changed before")

enum rpc_error {
#define RPC_ERROR_ENUM(upper, code, meaning) RPC_ERROR_##upper = (code),
    RPC_ERROR_LIST(RPC_ERROR_ENUM)
#undef RPC_ERROR_ENUM
};

struct job;

enum param_type { PARAM_STRING, PARAM_INTEGER, PARAM_STRINGS };

struct param {
    const char *name;
    enum param_type type;
    bool required;
    int64_t min; // of an integer; of the length of a string; of the number of strings
    int64_t max;
    const char *help;
};

enum { PARAMS_MAX = 6, CALENDAR_DAYS_MAX = 366 };

// What a method takes of the dataplane.
enum need {
    NEEDS_NOTHING,
    NEEDS_LANES,     // its region; lanes obey also while the main thread is silent
    NEEDS_DATAPLANE, // one that lives
};

struct method {
    const char *name;
    enum role role; // at least
    const char *help;
    enum need need;
    // Sets the job's result or error, or posts its call and leaves it pending.
    void (*run)(struct control *control, struct job *job);
    // The call of a pending job was answered (CALL_ANSWERED); everything else is handled by the
    // caller.
    void (*answered)(struct control *control, struct job *job);
    struct param params[PARAMS_MAX]; // ends with a null name
};

extern const struct method methods[];
extern const uint32_t method_count;

// One request in work. Result, id and params are owned by the job.
struct job {
    const struct method *method;
    json_t *id;     // null: a notification, nobody wants the answer
    json_t *params; // object
    json_t *result;
    int error;          // enum rpc_error, 0 = none
    char message[1024]; // with all that waits for an approval
    bool pending;       // <call> is posted, or events are waited for
    bool settling;      // the latter
    bool settled;       // they are there, or will not be for now
    uint64_t ticket;    // drain_ask
    uint64_t deadline_ns;
    bool tolerant;    // COMMAND_RESULT_NOTHING, BEYOND and LIMIT_REFUSED are answered too
    const char *also; // said behind what went wrong with the call; null: nothing
    uint32_t user;    // uid of the client
    enum role role;   // of the client
    bool broker;      // the client may set the broker's limits
    bool approved;    // the client approves what <asker> has asked for
    uint32_t asker;
    uint64_t mark;   // of the approval
    bool subscribes; // <topics> from behind event <after> are to be sent from now on
    uint32_t topics;
    uint64_t after;
    uint32_t step;
    uint32_t lane;
    struct board_target target;
    uint32_t channel;
    uint32_t depth;
    char symbol[12];
    struct call call;
};

void job_fail(struct job *job, enum rpc_error error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void job_clear(struct job *job);

// Posts the job's call and leaves it pending, or fails it.
void job_call(struct control *control, struct job *job, enum command_type type, uint32_t target);

// Events that were published before the job came are in the log. False: they are on their way, the
// job is pending, and its method will be run again.
bool job_settle(struct control *control, struct job *job);

// Parameters of a job that were checked against the table.
const char *job_string(const struct job *job, const char *name); // null: not given
// "90s", "30m" or "2h" in ns, 0: not given. False: the job has failed, also where it is more than
// <max_ns>, which <bound> has set.
bool job_duration(struct job *job, const char *name, uint64_t max_ns, const char *bound,
                  uint64_t *ns);
int64_t job_integer(const struct job *job, const char *name, int64_t otherwise);

// Takes the snapshot for the job, or fails it.
bool job_snapshot(struct control *control, struct job *job);
// The same, and the board, where there is something that trades.
bool job_board(struct control *control, struct job *job);

// Index or row of what the job names in <param>, -1 when it names nothing; false: nothing has that
// name, and the job has failed.
bool job_named(struct control *control, struct job *job, const char *param,
               int (*find)(const struct board *board, const char *name), int *found);

// Kills and trading states that are not active, of all lanes.
json_t *trade_in_force(const struct control *control);
// "killed" or the trading state of one scope, the worst of the lanes that it concerns (bits).
json_t *trading_word(const struct board *b, uint64_t lanes, enum trade_scope scope, uint32_t index);

// What positions have brought and are worth, added up. Money is price4 x shares.
struct profit {
    __int128 cash;       // sold less bought, since the start
    __int128 realised;   // of it what closing brought, at average cost
    __int128 unrealised; // of what is held, at the present prices
    uint64_t shares;     // long and short added
    uint64_t unpriced;   // positions whose symbol has no price: worth what they cost
    uint64_t busy;       // positions that a lane was writing each time: not in the sums
};

// By the copies of positions and symbols. <accounts>: ACCOUNTS_MAX of them.
void profit_take(const struct control *control, struct profit *accounts, struct profit *firm);

// methods_day.c
void method_calendar(struct control *control, struct job *job);
void method_calendar_days(struct control *control, struct job *job);
void method_reload(struct control *control, struct job *job);
void method_reload_answered(struct control *control, struct job *job);
// methods_selftest.c
void method_selftest(struct control *control, struct job *job);
void method_selftest_answered(struct control *control, struct job *job);
// methods_state.c
void method_version(struct control *control, struct job *job);
void method_help(struct control *control, struct job *job);
void method_status(struct control *control, struct job *job);
void method_feeds(struct control *control, struct job *job);
void method_lanes(struct control *control, struct job *job);
void method_ports(struct control *control, struct job *job);
void method_memory(struct control *control, struct job *job);
// methods_counters.c
void method_counters(struct control *control, struct job *job);
void method_histograms(struct control *control, struct job *job);
void method_subscribe(struct control *control, struct job *job);
void method_unsubscribe(struct control *control, struct job *job);
void method_events(struct control *control, struct job *job);
// One event as `events` shows it. <names>: the snapshot is that of the attached dataplane.
json_t *event_show(const struct control *control, const struct logged_event *logged, bool names);
// The newest <count> orders that were refused or did not leave, newest first.
json_t *events_refused(struct control *control, uint32_t count);
// methods_market.c
void method_symbols(struct control *control, struct job *job);
void method_book(struct control *control, struct job *job);
void method_book_answered(struct control *control, struct job *job);
void method_queue_position(struct control *control, struct job *job);
void method_queue_position_answered(struct control *control, struct job *job);
void method_filter_set(struct control *control, struct job *job);
void method_filter_set_answered(struct control *control, struct job *job);
// methods_capture.c
void method_capture(struct control *control, struct job *job);
void method_capture_start(struct control *control, struct job *job);
void method_capture_stop(struct control *control, struct job *job);
// methods_drop_copy.c
void method_drop_copies(struct control *control, struct job *job);
// methods_positions.c
void method_positions(struct control *control, struct job *job);
// methods_trade.c
void method_trading(struct control *control, struct job *job);
void method_orders(struct control *control, struct job *job);
void method_sessions(struct control *control, struct job *job);
void method_clients(struct control *control, struct job *job);
void method_strategies(struct control *control, struct job *job);
// methods_signals.c
void method_signals(struct control *control, struct job *job);
// methods_limits.c
void method_limits(struct control *control, struct job *job);
void method_limits_answered(struct control *control, struct job *job);
void method_limit_set(struct control *control, struct job *job);
void method_limit_set_answered(struct control *control, struct job *job);
// methods_govern.c
void method_govern(struct control *control, struct job *job);
void method_kill_told(struct control *control, struct job *job);
void method_govern_strategy(struct control *control, struct job *job);
void method_govern_order(struct control *control, struct job *job);
void method_govern_signal(struct control *control, struct job *job);
void method_govern_answered(struct control *control, struct job *job);
