// What an exchange says about orders, the same for OUCH 5.0 and 4.2, and the tokens of 4.2.
//
// Both number our orders by a reference of 32 bits, strictly increasing through the day. In
// OUCH 4.2 it is written into the token: a prefix of the session, then eight hexadecimal digits.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum ouch_version { OUCH_50, OUCH_42 };

// OUCH_REPORT(NAME, name): messages of an exchange. Those before SYSTEM are about one order.
#define OUCH_REPORT_LIST(X)           \
    X(ACCEPTED, accepted)             \
    X(ACCEPTED_DEAD, accepted_dead)   \
    X(REPLACED, replaced)             \
    X(REPLACED_DEAD, replaced_dead)   \
    X(CANCELED, canceled)             \
    X(EXECUTED, executed)             \
    X(CORRECTED, corrected)           \
    X(BROKEN, broken)                 \
    X(REJECTED, rejected)             \
    X(CANCEL_PENDING, cancel_pending) \
    X(CANCEL_REJECT, cancel_reject)   \
    X(PRIORITY, priority)             \
    X(MODIFIED, modified)             \
    X(RESTATED, restated)             \
    X(SYSTEM, system)                 \
    X(QUERY_ANSWER, query_answer)     \
    X(NOTICE, notice)

enum ouch_report_kind {
#define OUCH_REPORT(upper, lower) REPORT_##upper,
    OUCH_REPORT_LIST(OUCH_REPORT)
#undef OUCH_REPORT
        REPORT_KINDS,
    REPORT_ORDER_KINDS = REPORT_SYSTEM,
};

// Fields that a kind does not have are 0.
struct ouch_report {
    uint64_t time_ns;      // since midnight, the exchange's clock
    uint64_t exchange_ref; // its number of the order (accepted, replaced, priority)
    uint64_t match;        // executed, corrected, broken
    uint32_t ref;          // ours; of a replaced order the new one. QUERY_ANSWER: the next free one
    uint32_t ref_was;      // replaced: the one that is gone
    uint32_t quantity;     // shares, as the message means them
    uint32_t price;        // price4
    uint16_t reason;       // letter or code as the exchange gives it
    uint8_t kind;          // enum ouch_report_kind
    uint8_t letter;        // of the message
    char side;
    char display; // Y N A Z; of OUCH 4.2 also letters that no order of ours is sent with
    char liquidity;
    char capacity;
    char symbol[8]; // accepted, replaced; zero otherwise
};

enum ouch_code {
    OUCH_OK,
    OUCH_UNKNOWN_TYPE,
    OUCH_BAD_LENGTH,
    OUCH_BAD_VALUE, // a price that does not fit 31 bits, a quantity above 999,999, options that
                    // contradict themselves, an order state that is neither live nor dead
    OUCH_FOREIGN,   // a token that this session did not make
    OUCH_CODES,
};

enum { OUCH_PREFIX_MAX = 6, OUCH_REF_DIGITS = 8 };

// The start of a session's tokens: letters and digits.
struct ouch_prefix {
    char text[OUCH_PREFIX_MAX];
    uint8_t len;
};

// False when <text> is longer than OUCH_PREFIX_MAX or has other characters than letters and digits.
bool ouch_prefix_set(struct ouch_prefix *prefix, const char *text);

void ouch_token_write(char token[14], const struct ouch_prefix *prefix, uint32_t ref);
// 0: not one of ours.
uint32_t ouch_token_read(const char token[14], const struct ouch_prefix *prefix);

enum ouch_code ouch50_report(const uint8_t *p, uint32_t len, struct ouch_report *out);
enum ouch_code ouch42_report(const uint8_t *p, uint32_t len, const struct ouch_prefix *prefix,
                             struct ouch_report *out);

const char *ouch_report_name(enum ouch_report_kind kind);
