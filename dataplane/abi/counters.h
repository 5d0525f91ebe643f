// Counters: one struct of plain 64-bit words per scope, made from counters.def. A word has one
// writer, which adds to it plainly; readers load each word (8-byte loads do not tear on x86-64) and
// sum over instances.
#pragma once

#include <stdint.h>

enum counter_scope {
    SCOPE_LANE,
    SCOPE_CHANNEL,
    SCOPE_LINE,
    SCOPE_PORT,
    SCOPE_POOL,
    SCOPE_MAIN,
    SCOPE_DESK,
    SCOPE_SESSION,
    SCOPE_STRATEGY,
    SCOPE_ACCOUNT,
    SCOPE_CLIENT,
    SCOPE_CONNECTION,
    SCOPE_SIGNAL,
    SCOPES
};
enum counter_kind { COUNTER_TOTAL, COUNTER_GAUGE, COUNTER_PEAK };

// The scopes other than the one wanted expand to nothing.
#define COUNTER_FIELD(name) uint64_t name;

struct lane_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#define COUNTER_IN_LANE(x)                     x
#define COUNTER_IN_CHANNEL(x)
#define COUNTER_IN_LINE(x)
#define COUNTER_IN_PORT(x)
#define COUNTER_IN_POOL(x)
#define COUNTER_IN_MAIN(x)
#define COUNTER_IN_DESK(x)
#define COUNTER_IN_SESSION(x)
#define COUNTER_IN_STRATEGY(x)
#define COUNTER_IN_ACCOUNT(x)
#define COUNTER_IN_CLIENT(x)
#define COUNTER_IN_CONNECTION(x)
#define COUNTER_IN_SIGNAL(x)
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_LANE
#define COUNTER_IN_LANE(x)
};

struct channel_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#undef COUNTER_IN_CHANNEL
#define COUNTER_IN_CHANNEL(x) x
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_CHANNEL
#define COUNTER_IN_CHANNEL(x)
};

struct line_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#undef COUNTER_IN_LINE
#define COUNTER_IN_LINE(x) x
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_LINE
#define COUNTER_IN_LINE(x)
};

struct port_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#undef COUNTER_IN_PORT
#define COUNTER_IN_PORT(x) x
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_PORT
#define COUNTER_IN_PORT(x)
};

struct pool_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#undef COUNTER_IN_POOL
#define COUNTER_IN_POOL(x) x
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_POOL
#define COUNTER_IN_POOL(x)
};

struct main_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#undef COUNTER_IN_MAIN
#define COUNTER_IN_MAIN(x) x
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_MAIN
#define COUNTER_IN_MAIN(x)
};

struct trade_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#undef COUNTER_IN_DESK
#define COUNTER_IN_DESK(x) x
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_DESK
#define COUNTER_IN_DESK(x)
};

struct order_session_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#undef COUNTER_IN_SESSION
#define COUNTER_IN_SESSION(x) x
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_SESSION
#define COUNTER_IN_SESSION(x)
};

struct strategy_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#undef COUNTER_IN_STRATEGY
#define COUNTER_IN_STRATEGY(x) x
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_STRATEGY
#define COUNTER_IN_STRATEGY(x)
};

struct account_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#undef COUNTER_IN_ACCOUNT
#define COUNTER_IN_ACCOUNT(x) x
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_ACCOUNT
#define COUNTER_IN_ACCOUNT(x)
};

struct client_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#undef COUNTER_IN_CLIENT
#define COUNTER_IN_CLIENT(x) x
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_CLIENT
#define COUNTER_IN_CLIENT(x)
};

struct connection_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#undef COUNTER_IN_CONNECTION
#define COUNTER_IN_CONNECTION(x) x
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_CONNECTION
#define COUNTER_IN_CONNECTION(x)
};

struct signal_counters {
    _Alignas(64)
#define COUNTER(scope, name, kind, unit, help) COUNTER_IN_##scope(COUNTER_FIELD(name))
#undef COUNTER_IN_SIGNAL
#define COUNTER_IN_SIGNAL(x) x
#include "dataplane/abi/counters.def"
#undef COUNTER_IN_SIGNAL
#define COUNTER_IN_SIGNAL(x)
};

// One row per counter, in the order of counters.def; <offset> is the byte offset in the struct of
// its scope.
struct counter_info {
    enum counter_scope scope;
    enum counter_kind kind;
    uint32_t offset;
    const char *name;
    const char *unit; // "" for a plain number
    const char *help;
};

extern const struct counter_info counter_table[];
extern const uint32_t counter_count;
