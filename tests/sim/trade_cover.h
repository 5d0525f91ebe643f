// What the worlds of trade_world.h have gone through, all of them together: messages of each venue
// about orders, records of its log, its faults, and what coincides seldom.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/exchange/trade/bourse.h"
#include "dataplane/abi/events.h"

// COVER_CASE(NAME, what it is)
#define COVER_CASES(X)                                                          \
    X(FILL_LATE, "an execution after a cancel was sent")                        \
    X(FILL_IN_REPLACE, "an execution while a replace is on its way")            \
    X(REPLACE_CANCELLED, "a replace that is answered after a cancel")           \
    X(TWICE, "a message that comes twice")                                      \
    X(WRONG, "a message that cannot be")                                        \
    X(CUT_INSIDE, "a connection that breaks inside a packet, to us")            \
    X(CUT_INSIDE_THERE, "a connection that breaks with bytes on the way there") \
    X(MASS_CANCEL_FIRM, "a person cancels everything")                          \
    X(MASS_CANCEL_ACCOUNT, "of an account")                                     \
    X(MASS_CANCEL_STRATEGY, "of a strategy")                                    \
    X(MASS_CANCEL_SYMBOL, "of a symbol")                                        \
    X(MASS_CANCEL_SESSION, "of a session")                                      \
    X(KILL_FIRM, "a person kills everything")                                   \
    X(KILL_ACCOUNT, "an account")                                               \
    X(KILL_STRATEGY, "a strategy")                                              \
    X(KILL_SYMBOL, "a symbol")                                                  \
    X(KILL_SESSION, "a session")                                                \
    X(CLOSED, "a person closes an order in doubt")

enum cover_case {
#define COVER_CASE(name, text) COVER_##name,
    COVER_CASES(COVER_CASE)
#undef COVER_CASE
        COVER_CASE_COUNT
};

void cover_begin(void);
void cover_case(enum cover_case what);
void cover_event(const struct event *e);
void cover_record(uint32_t venue, const struct bourse_record *r);
// Prints the table. False: something has never happened that can (trade_cover.c says what cannot).
bool cover_is_full(void);
