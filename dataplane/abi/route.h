// Words of the router: how an order is placed, what becomes of the rest, why a venue has no share.
#pragma once

#include <stdint.h>

// How the shares are placed. ROUTE_HOW(UPPER, lower, help)
#define ROUTE_HOW_LIST(X)                                         \
    X(BEST, best, "all of them at the venue that is preferred")   \
    X(SPLIT, split, "each venue what it shows at its best price") \
    X(SWEEP, sweep, "level by level over all venues, up to the limit")

// What happens to shares that no venue took, or that came back. ROUTE_REST(UPPER, lower, help)
#define ROUTE_REST_LIST(X)                                                            \
    X(END, end, "they are not sent again")                                            \
    X(AGAIN, again, "they are placed again with the venues that have not failed yet") \
    X(POST, post, "they rest at the limit, at one venue, once nothing else is open")

// What a round decided about a venue. ROUTE_VERDICT(UPPER, number, lower, help)
#define ROUTE_VERDICT_LIST(X)                                                                \
    X(TAKES, 0, takes, "A child order went there")                                           \
    X(LATER, 1, later, "All shares were placed before its turn")                             \
    X(PRICE, 2, price, "It shows nothing within the limit")                                  \
    X(QUALITY, 3, quality, "Its book is not good: see the quality beside")                   \
    X(NO_BOOK, 4, no_book, "It has no feed, or has not announced the symbol")                \
    X(SESSION, 5, session, "Its session is not ready, or halted")                            \
    X(REFUSED, 6, refused, "The gate refused the child order: see the refusal beside")       \
    X(FAILED, 7, failed, "A child order of this order was refused or rejected there before") \
    X(SPENT, 8, spent, "It gave back shares of this order before")                           \
    X(OPEN, 9, open, "A child order of this order is still open there")                      \
    X(EXCLUDED, 10, excluded, "The order does not name it")                                  \
    X(FORBIDDEN, 11, forbidden, "Its strategy or client may not send there (limits.venues)")

// Why an order is over. ROUTE_ENDING(UPPER, number, lower, help)
#define ROUTE_ENDING_LIST(X)                                             \
    X(WORKS, 0, works, "It is not")                                      \
    X(FILLED, 1, filled, "Everything has executed")                      \
    X(RETURNED, 2, returned, "The rest is not sent again, as was asked") \
    X(NO_VENUE, 3, no_venue, "No venue takes the rest")                  \
    X(ROUNDS, 4, rounds, "It was placed as often as an order may be")    \
    X(CANCELLED, 5, cancelled, "It, or one of its child orders, was cancelled by us")

enum route_how {
#define ROUTE_HOW_ENUM(upper, lower, help) ROUTE_##upper,
    ROUTE_HOW_LIST(ROUTE_HOW_ENUM)
#undef ROUTE_HOW_ENUM
        ROUTE_HOWS
};

enum route_rest {
#define ROUTE_REST_ENUM(upper, lower, help) ROUTE_REST_##upper,
    ROUTE_REST_LIST(ROUTE_REST_ENUM)
#undef ROUTE_REST_ENUM
        ROUTE_RESTS
};

enum route_verdict {
#define ROUTE_VERDICT_ENUM(upper, number, lower, help) VENUE_##upper = (number),
    ROUTE_VERDICT_LIST(ROUTE_VERDICT_ENUM)
#undef ROUTE_VERDICT_ENUM
        ROUTE_VERDICTS
};

enum route_ending {
#define ROUTE_ENDING_ENUM(upper, number, lower, help) ROUTE_ENDED_##upper = (number),
    ROUTE_ENDING_LIST(ROUTE_ENDING_ENUM)
#undef ROUTE_ENDING_ENUM
        ROUTE_ENDINGS
};

// "?" for a number that this version does not know.
static inline const char *route_verdict_name(unsigned verdict)
{
    static const char *const names[ROUTE_VERDICTS] = {
#define ROUTE_VERDICT_NAME(upper, number, lower, help) [number] = #lower,
        ROUTE_VERDICT_LIST(ROUTE_VERDICT_NAME)
#undef ROUTE_VERDICT_NAME
    };
    return verdict < ROUTE_VERDICTS ? names[verdict] : "?";
}

static inline const char *route_ending_name(unsigned ending)
{
    static const char *const names[ROUTE_ENDINGS] = {
#define ROUTE_ENDING_NAME(upper, number, lower, help) [number] = #lower,
        ROUTE_ENDING_LIST(ROUTE_ENDING_NAME)
#undef ROUTE_ENDING_NAME
    };
    return ending < ROUTE_ENDINGS ? names[ending] : "?";
}
