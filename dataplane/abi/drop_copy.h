// Where a drop copy, which the control plane reads, and what an order session said differ. The main
// lcore only records it: COMMAND_DROP_COPY.
#pragma once

#include <stdint.h>

// DROP_DIFFERENCE(NAME, name, help). Those from FULL on are about the whole copy.
#define DROP_DIFFERENCE_LIST(X)                                                                  \
    X(NONE, none, "both say the same")                                                           \
    X(OURS_MISSING, ours_missing, "the exchange has copied what the order session has not said") \
    X(THEIRS_MISSING, theirs_missing, "the session has said what the exchange has not copied")   \
    X(DOUBLED, doubled, "the exchange has copied it more often than the session has said it")    \
    X(SHARES, shares, "the shares are others")                                                   \
    X(PRICE, price, "the price is another")                                                      \
    X(FOREIGN, foreign, "the copy is about an account or an order that no session here has")     \
    X(FULL, full, "no room for what waits for the other side: more is not compared")             \
    X(LOST, lost, "the copy has not been read for too long")

enum drop_difference {
#define DROP_DIFFERENCE_ENUM(upper, lower, help) DROP_##upper,
    DROP_DIFFERENCE_LIST(DROP_DIFFERENCE_ENUM)
#undef DROP_DIFFERENCE_ENUM
        DROP_DIFFERENCES
};

// "?" for a number that this version does not know.
static inline const char *drop_difference_name(unsigned difference)
{
    static const char *const names[DROP_DIFFERENCES] = {
#define DROP_DIFFERENCE_NAME(upper, lower, help) #lower,
        DROP_DIFFERENCE_LIST(DROP_DIFFERENCE_NAME)
#undef DROP_DIFFERENCE_NAME
    };
    return difference < DROP_DIFFERENCES ? names[difference] : "?";
}

// One record, as event DROP_COPY shows it.
struct drop_copy_record {
    uint64_t match;
    uint64_t our_shares, their_shares;
    uint64_t their_sequence; // in the copy's stream
    uint32_t ref;
    uint32_t our_price, their_price; // price4
    uint32_t our_count, their_count;
    uint32_t waited_ms;
    uint8_t copy;    // place among drop_copies
    uint8_t session; // place among sessions, 255: of none
    uint8_t what;    // the OUCH letter it is about, 0: none
    uint8_t difference;
    uint8_t now;   // 1: it is so; 0: not any more
    uint8_t stops; // 1: new orders are stopped for it
    uint8_t unused[2];
};

enum { DROP_RECORDS_MAX = 64 };

struct drop_copy_request {
    uint32_t count;
    uint32_t unused;
    struct drop_copy_record rows[DROP_RECORDS_MAX];
};

struct drop_copy_answer {
    uint32_t recorded; // of them, from the first on
    uint32_t unused;
};
