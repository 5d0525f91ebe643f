// Writes TotalView-ITCH 5.0 messages (Nasdaq TotalView-ITCH 5.0, section 4) into a buffer of at
// least ITCH_MAX bytes; each function returns the length of the message. Written apart from the
// dataplane's decoder on purpose, so that one misreading of the specification is not made twice.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/bytes.h"

enum { ITCH_MAX = 50 }; // the longest message: I, Net Order Imbalance Indicator

// The fields that start every message.
struct itch_common {
    uint16_t locate;
    uint16_t tracking;
    uint64_t time_ns; // since midnight, 48 bits
};

static inline uint8_t *itch_begin(uint8_t *m, char type, const struct itch_common *c)
{
    m[0] = (uint8_t)type;
    be16_store(m + 1, c->locate);
    be16_store(m + 3, c->tracking);
    be16_store(m + 5, (uint16_t)(c->time_ns >> 32));
    be32_store(m + 7, (uint32_t)c->time_ns);
    return m + 11;
}

static inline uint32_t itch_system_event(uint8_t *m, uint64_t time_ns, char code)
{
    struct itch_common c = {0, 0, time_ns};
    *itch_begin(m, 'S', &c) = (uint8_t)code;
    return 12;
}

struct itch_directory {
    char category, financial, round_lots_only, classification, authenticity, threshold, ipo, tier,
        etp, inverse;
    char sub_type[2];
    uint32_t round_lot, leverage;
};

static inline uint32_t itch_stock_directory(uint8_t *m, const struct itch_common *c,
                                            const uint8_t *stock, const struct itch_directory *d)
{
    uint8_t *p = itch_begin(m, 'R', c);
    memcpy(p, stock, 8);
    p[8] = (uint8_t)d->category;
    p[9] = (uint8_t)d->financial;
    be32_store(p + 10, d->round_lot);
    p[14] = (uint8_t)d->round_lots_only;
    p[15] = (uint8_t)d->classification;
    memcpy(p + 16, d->sub_type, 2);
    p[18] = (uint8_t)d->authenticity;
    p[19] = (uint8_t)d->threshold;
    p[20] = (uint8_t)d->ipo;
    p[21] = (uint8_t)d->tier;
    p[22] = (uint8_t)d->etp;
    be32_store(p + 23, d->leverage);
    p[27] = (uint8_t)d->inverse;
    return 39;
}

// <reason>: four characters, blanks on the right.
static inline uint32_t itch_trading_action(uint8_t *m, const struct itch_common *c,
                                           const uint8_t *stock, char state, const char *reason)
{
    uint8_t *p = itch_begin(m, 'H', c);
    memcpy(p, stock, 8);
    p[8] = (uint8_t)state;
    p[9] = ' ';
    memcpy(p + 10, reason, 4);
    return 25;
}

static inline uint32_t itch_reg_sho(uint8_t *m, const struct itch_common *c, const uint8_t *stock,
                                    char action)
{
    uint8_t *p = itch_begin(m, 'Y', c);
    memcpy(p, stock, 8);
    p[8] = (uint8_t)action;
    return 20;
}

static inline uint32_t itch_participant(uint8_t *m, const struct itch_common *c,
                                        const uint8_t *stock, const char *mpid, char primary,
                                        char mode, char state)
{
    uint8_t *p = itch_begin(m, 'L', c);
    memcpy(p, mpid, 4);
    memcpy(p + 4, stock, 8);
    p[12] = (uint8_t)primary;
    p[13] = (uint8_t)mode;
    p[14] = (uint8_t)state;
    return 26;
}

// Three levels with eight decimals.
static inline uint32_t itch_decline_levels(uint8_t *m, uint64_t time_ns, const uint64_t level[3])
{
    struct itch_common c = {0, 0, time_ns};
    uint8_t *p = itch_begin(m, 'V', &c);
    for (size_t i = 0; i < 3; i++)
        be64_store(p + 8 * i, level[i]);
    return 35;
}

// The reference price comes first, then the upper collar, then the lower one.
static inline uint32_t itch_collar(uint8_t *m, const struct itch_common *c, const uint8_t *stock,
                                   uint32_t reference, uint32_t upper, uint32_t lower,
                                   uint32_t extension)
{
    uint8_t *p = itch_begin(m, 'J', c);
    memcpy(p, stock, 8);
    be32_store(p + 8, reference);
    be32_store(p + 12, upper);
    be32_store(p + 16, lower);
    be32_store(p + 20, extension);
    return 35;
}

static inline uint32_t itch_operational_halt(uint8_t *m, const struct itch_common *c,
                                             const uint8_t *stock, char market, char action)
{
    uint8_t *p = itch_begin(m, 'h', c);
    memcpy(p, stock, 8);
    p[8] = (uint8_t)market;
    p[9] = (uint8_t)action;
    return 21;
}

struct itch_order {
    uint64_t reference;
    uint32_t shares;
    uint32_t price; // four decimals
    char side;      // 'B' or 'S'
};

// With <mpid> (four characters) the attributed form F, without it A.
static inline uint32_t itch_add(uint8_t *m, const struct itch_common *c, const uint8_t *stock,
                                const struct itch_order *o, const char *mpid)
{
    uint8_t *p = itch_begin(m, mpid ? 'F' : 'A', c);
    be64_store(p, o->reference);
    p[8] = (uint8_t)o->side;
    be32_store(p + 9, o->shares);
    memcpy(p + 13, stock, 8);
    be32_store(p + 21, o->price);
    if (!mpid)
        return 36;
    memcpy(p + 25, mpid, 4);
    return 40;
}

static inline uint32_t itch_executed(uint8_t *m, const struct itch_common *c, uint64_t reference,
                                     uint32_t shares, uint64_t match)
{
    uint8_t *p = itch_begin(m, 'E', c);
    be64_store(p, reference);
    be32_store(p + 8, shares);
    be64_store(p + 12, match);
    return 31;
}

static inline uint32_t itch_executed_price(uint8_t *m, const struct itch_common *c,
                                           uint64_t reference, uint32_t shares, uint64_t match,
                                           char printable, uint32_t price)
{
    itch_executed(m, c, reference, shares, match);
    m[0] = 'C';
    m[31] = (uint8_t)printable;
    be32_store(m + 32, price);
    return 36;
}

static inline uint32_t itch_cancel(uint8_t *m, const struct itch_common *c, uint64_t reference,
                                   uint32_t shares)
{
    uint8_t *p = itch_begin(m, 'X', c);
    be64_store(p, reference);
    be32_store(p + 8, shares);
    return 23;
}

static inline uint32_t itch_delete(uint8_t *m, const struct itch_common *c, uint64_t reference)
{
    be64_store(itch_begin(m, 'D', c), reference);
    return 19;
}

static inline uint32_t itch_replace(uint8_t *m, const struct itch_common *c, uint64_t old_reference,
                                    const struct itch_order *o)
{
    uint8_t *p = itch_begin(m, 'U', c);
    be64_store(p, old_reference);
    be64_store(p + 8, o->reference);
    be32_store(p + 16, o->shares);
    be32_store(p + 20, o->price);
    return 35;
}

// A hidden order traded: reference 0 and side B always (since 2010 and 2014).
static inline uint32_t itch_trade(uint8_t *m, const struct itch_common *c, const uint8_t *stock,
                                  uint32_t shares, uint32_t price, uint64_t match)
{
    struct itch_order o = {0, shares, price, 'B'};
    itch_add(m, c, stock, &o, NULL);
    m[0] = 'P';
    be64_store(m + 36, match);
    return 44;
}

static inline uint32_t itch_cross(uint8_t *m, const struct itch_common *c, const uint8_t *stock,
                                  uint64_t shares, uint32_t price, uint64_t match, char type)
{
    uint8_t *p = itch_begin(m, 'Q', c);
    be64_store(p, shares);
    memcpy(p + 8, stock, 8);
    be32_store(p + 16, price);
    be64_store(p + 20, match);
    p[28] = (uint8_t)type;
    return 40;
}

static inline uint32_t itch_broken(uint8_t *m, const struct itch_common *c, uint64_t match)
{
    be64_store(itch_begin(m, 'B', c), match);
    return 19;
}

struct itch_imbalance {
    uint64_t paired, imbalance;
    uint32_t far_price, near_price, reference_price;
    char direction, cross, variation;
};

static inline uint32_t itch_net_imbalance(uint8_t *m, const struct itch_common *c,
                                          const uint8_t *stock, const struct itch_imbalance *n)
{
    uint8_t *p = itch_begin(m, 'I', c);
    be64_store(p, n->paired);
    be64_store(p + 8, n->imbalance);
    p[16] = (uint8_t)n->direction;
    memcpy(p + 17, stock, 8);
    be32_store(p + 25, n->far_price);
    be32_store(p + 29, n->near_price);
    be32_store(p + 33, n->reference_price);
    p[37] = (uint8_t)n->cross;
    p[38] = (uint8_t)n->variation;
    return 50;
}

// Price and release time (seconds since midnight) of a new listing; the text gives locate 0 to this
// message.
static inline uint32_t itch_ipo_quotation(uint8_t *m, uint64_t time_ns, const uint8_t *stock,
                                          uint32_t release_s, char qualifier, uint32_t price)
{
    struct itch_common c = {0, 0, time_ns};
    uint8_t *p = itch_begin(m, 'K', &c);
    memcpy(p, stock, 8);
    be32_store(p + 8, release_s);
    p[12] = (uint8_t)qualifier;
    be32_store(p + 13, price);
    return 28;
}
