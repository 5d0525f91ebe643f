// Words of signals that both processes use: what may become of one, and how a source is.
#pragma once

#include <stdint.h>

#include "dataplane/abi/limits.h"

// VERDICT(NAME, name, fault, help). A fault counts for the circuit breaker of its source. The
// numbers stand in events, in answers to clients of the gateway, and behind <refused_format> of the
// counters of a source, in this order.
#define SIGNAL_VERDICT_LIST(X)                                                \
    X(TAKEN, taken, 0, "taken")                                               \
    X(FORMAT, format, 1, "not of the format, or a field that cannot be")      \
    X(DUPLICATE, duplicate, 1, "its number came before")                      \
    X(BACK, back, 1, "its number, its run or its as-of goes back")            \
    X(FUTURE, future, 1, "its as-of is later than now")                       \
    X(LATE, late, 1, "its as-of is longer ago than it is good for")           \
    X(RATE, rate, 1, "more than the source's rate")                           \
    X(SYMBOL, symbol, 0, "a symbol that nobody trades here")                  \
    X(CONFIDENCE, confidence, 0, "below the source's least confidence")       \
    X(BREAKER, breaker, 0, "the source's circuit breaker is open")            \
    X(RECORD, record, 0, "no room for its record, or the journal takes none") \
    X(SENDER, sender, 0, "from somebody who is no source here")

enum signal_verdict {
#define SIGNAL_VERDICT_ENUM(upper, lower, fault, help) SIGNAL_##upper,
    SIGNAL_VERDICT_LIST(SIGNAL_VERDICT_ENUM)
#undef SIGNAL_VERDICT_ENUM
        SIGNAL_VERDICTS
};

// How a source is. Only what is GOOD is told to strategies, or stands in for another.
#define SIGNAL_STATE_LIST(X) \
    X(WAITING, waiting)      \
    X(GOOD, good)            \
    X(SILENT, silent)        \
    X(OPEN, open)            \
    X(STOPPED, stopped)

enum signal_state {
#define SIGNAL_STATE_ENUM(upper, lower) SIGNAL_STATE_##upper,
    SIGNAL_STATE_LIST(SIGNAL_STATE_ENUM)
#undef SIGNAL_STATE_ENUM
        SIGNAL_STATES
};

#define SIGNAL_NOBODY UINT16_MAX // no source, where one is named by number

// "?" for a number that this version does not know.
const char *signal_verdict_name(unsigned verdict);
const char *signal_verdict_help(unsigned verdict);
const char *signal_state_name(unsigned state);

// A source, as the region describes it. Sources have one number on all lanes: their place in the
// configuration.
struct signal_info {
    char name[NAME_LEN];
    char role[NAME_LEN];   // empty: nobody stands in for it
    char client[NAME_LEN]; // of the gateway; empty: by UDP
    uint32_t group;        // IPv4, host byte order
    uint32_t sender;
    uint16_t udp_port;
    uint16_t sender_port;
    uint16_t number;     // in its records
    uint16_t confidence; // least
    uint32_t rate_per_s;
    uint32_t faults; // that open its breaker; 0: none do
    uint8_t lane;
    uint8_t first; // source of its role that goes before all others
    uint8_t unused[6];
};
