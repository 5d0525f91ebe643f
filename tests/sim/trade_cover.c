#include "tests/sim/trade_cover.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"
#include "dataplane/order/order.h"

enum { VENUES = 2 }; // OUCH 5.0 and 4.2

// bench/exchange/trade/mischief.c
static const char *const faults[] = {"a message that means nothing",
                                     "missing",
                                     "late",
                                     "behind the next one",
                                     "twice",
                                     "rejected",
                                     "cancelled unasked",
                                     "an execution is broken",
                                     "the session is forgotten",
                                     "silent until the next connection",
                                     "the session ends",
                                     "the connection is cut"};

static struct {
    uint64_t said[ORDER_MESSAGES][VENUES]; // rows of states.def
    uint64_t logged[BOURSE_EVENTS][VENUES];
    uint64_t faults[ARRAY_LEN(faults)][VENUES];
    uint64_t cases[COVER_CASE_COUNT];
} cover;

void cover_begin(void)
{
    memset(&cover, 0, sizeof cover);
}

void cover_case(enum cover_case what)
{
    cover.cases[what]++;
}

void cover_event(const struct event *e)
{
    const struct event_order *o = &e->order;
    if (e->type != EVENT_ORDER)
        return;
    cover.said[o->message][o->session]++;
    if (o->did & DID_DUPLICATE)
        cover_case(COVER_TWICE);
    if (o->did & DID_WRONG && o->message != ORDER_MESSAGE_SILENCE)
        cover_case(COVER_WRONG);
    if (o->message == ORDER_MESSAGE_EXECUTED && o->did & DID_FILL) {
        if (o->waits & WAIT_CANCEL)
            cover_case(COVER_FILL_LATE);
        if (o->waits & WAIT_REPLACE)
            cover_case(COVER_FILL_IN_REPLACE);
    }
    if (o->message == ORDER_MESSAGE_REPLACED && o->waits & WAIT_CANCEL)
        cover_case(COVER_REPLACE_CANCELLED);
}

void cover_record(uint32_t venue, const struct bourse_record *r)
{
    uint32_t i = 0;
    cover.logged[r->event][venue]++;
    if (r->event != BOURSE_FAULT)
        return;
    while (i < ARRAY_LEN(faults) && strcmp(r->text, faults[i]) != 0)
        i++;
    MUST(i < ARRAY_LEN(faults));
    cover.faults[i][venue]++;
}

// --- what cannot be ---

enum { IN_50 = 1, IN_42 = 2, BOTH = IN_50 | IN_42 };

static uint32_t said_never(uint32_t message)
{
    switch (message) {
    case ORDER_MESSAGE_CORRECTED:    // tickgate-exchange corrects nothing, ...
    case ORDER_MESSAGE_OTHER_SYMBOL: // ... and says nothing about another symbol
    case ORDER_MESSAGE_CLOSED:       // worlds end with it: a case, below
        return BOTH;
    case ORDER_MESSAGE_RESTATED: // 4.2 has no such message, ...
    case ORDER_MESSAGE_SEEN:     // ... nor an account query
    case ORDER_MESSAGE_NOT_SEEN: return IN_42;
    case ORDER_MESSAGE_NO_QUERY: return IN_50;
    default: return 0;
    }
}

static uint32_t logged_never(uint32_t event)
{
    switch (event) {
    case BOURSE_MASS_CANCEL: // 4.2 has none of them
    case BOURSE_RESTATED:
    case BOURSE_QUERY: return IN_42;
    case BOURSE_DISABLED: // our sessions never ask for them
    case BOURSE_ENABLED:
    case BOURSE_BALANCE: // written when the exchange's day ends: no world does
        return BOTH;
    default: return 0;
    }
}

static bool row_is_full(const char *kind, const char *name, const uint64_t count[VENUES],
                        uint32_t never)
{
    bool full = true;
    print_message("%-8s %-34s", kind, name);
    for (uint32_t k = 0; k < VENUES; k++) {
        const bool cannot = never >> k & 1;
        full = full && (count[k] > 0) != cannot;
        if (cannot)
            print_message(" %9s", "-");
        else
            print_message(" %9lu", count[k]);
    }
    print_message("%s\n", full ? "" : "  !");
    return full;
}

bool cover_is_full(void)
{
    bool full = true;
    static const char *const names[] = {
#define COVER_CASE(name, text) text,
        COVER_CASES(COVER_CASE)
#undef COVER_CASE
    };
    print_message("%-43s %9s %9s\n", "", "OUCH 5.0", "OUCH 4.2");
    for (uint32_t i = 0; i < ORDER_MESSAGES; i++)
        full &= row_is_full("message", order_message_name(i), cover.said[i], said_never(i));
    for (uint32_t i = 0; i < BOURSE_EVENTS; i++)
        full &= row_is_full("log", bourse_event_names[i], cover.logged[i], logged_never(i));
    for (uint32_t i = 0; i < ARRAY_LEN(faults); i++)
        full &= row_is_full("fault", faults[i], cover.faults[i], 0);
    for (uint32_t i = 0; i < COVER_CASE_COUNT; i++) {
        print_message("case     %-50s %9lu%s\n", names[i], cover.cases[i],
                      cover.cases[i] ? "" : "  !");
        full = full && cover.cases[i];
    }
    return full;
}
