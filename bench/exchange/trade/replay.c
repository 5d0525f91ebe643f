// Everybody else's market: replayed or generated messages reach the book that members trade in.
// What members have taken from it, or stand before, changes what is published.
#include <string.h>

#include "bench/exchange/trade/state.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/hints.h"

static void clamp_count(struct bourse *b, uint16_t locate, uint64_t reference, uint32_t shares)
{
    if (!shares)
        return;
    b->counters.clamped_messages++;
    b->counters.clamped_shares += shares;
    struct bourse_record r = {.event = BOURSE_CLAMPED,
                              .member = BOURSE_NONE,
                              .locate = locate,
                              .quantity = shares,
                              .reference = reference};
    record_write(b, &r);
}

static void suppress(struct bourse *b)
{
    b->counters.suppressed++;
}

// The message with another number of shares at <at>.
static void publish_shares(struct bourse *b, const uint8_t *m, uint32_t length, uint32_t at,
                           uint32_t shares)
{
    uint8_t changed[ITCH_MAX];
    memcpy(changed, m, length);
    be32_store(changed + at, shares);
    lines_publish(b, changed, length);
}

static void add(struct bourse *b, const uint8_t *m, uint32_t length)
{
    struct pit_order o = {.reference = be64_load(m + 11),
                          .recorded = be32_load(m + 20),
                          .price = be32_load(m + 32),
                          .locate = be16_load(m + 1),
                          .bid = m[19] == 'B'};
    // A symbol may be new to us in a day that starts in its middle.
    if (pit_find(&b->pit, o.reference) || !o.recorded || !o.locate ||
        !pit_name(&b->pit, o.locate, m + 24)) {
        lines_publish(b, m, length);
        return;
    }
    if (m[0] == 'F')
        memcpy(o.mpid, m + 36, sizeof o.mpid);
    uint32_t traded = match_replayed(b, o.locate, !o.bid, o.price, PIT_NONE, o.recorded);
    o.shares = o.recorded - traded;
    clamp_count(b, o.locate, o.reference, traded);
    if (!traded)
        lines_publish(b, m, length);
    else if (o.shares)
        publish_shares(b, m, length, 20, o.shares);
    else
        suppress(b);
    pit_add(&b->pit, &o);
}

// Shares that leave a replayed order without a trade; the lines are told, in the replay's own words
// when nothing was changed.
static void shares_leave(struct bourse *b, uint32_t number, uint32_t shares, const uint8_t *m,
                         uint32_t length)
{
    struct pit_order *o = &b->pit.orders[number];
    if (!shares)
        return;
    pit_reduce(&b->pit, number, shares);
    if (m)
        lines_publish(b, m, length);
    else if (o->shares)
        lines_cancel(b, o->reference, o->locate, shares);
    else
        lines_delete(b, o->reference, o->locate);
}

// Orders of members that stand before the executed one trade first; for their shares the executed
// one leaves without a trade, so that the volume is the recorded one and the books stay together.
static void execute(struct bourse *b, const uint8_t *m, uint32_t length)
{
    uint32_t number = pit_find(&b->pit, be64_load(m + 11)), shares = be32_load(m + 19);
    if (!number || b->pit.orders[number].owner) {
        lines_publish(b, m, length);
        return;
    }
    struct pit_order o = b->pit.orders[number];
    shares = shares < o.recorded ? shares : o.recorded;
    bool aggressor = m[0] == 'E' || m[31] == 'Y'; // otherwise a cross, which is printed apart
    uint32_t first = aggressor ? match_replayed(b, o.locate, o.bid, o.price, number, shares) : 0;
    uint32_t left = shares - first, done = left < o.shares ? left : o.shares;
    b->counters.displaced_shares += first;
    clamp_count(b, o.locate, o.reference, left - done);
    if (done) {
        if (done == be32_load(m + 19))
            lines_publish(b, m, length);
        else
            publish_shares(b, m, length, 19, done);
        pit_reduce(&b->pit, number, done);
        if (aggressor)
            b->pit.symbols[o.locate].last_price = m[0] == 'C' ? be32_load(m + 32) : o.price;
    } else {
        suppress(b);
    }
    uint32_t still = o.shares - done;
    shares_leave(b, number, first < still ? first : still, NULL, 0);
    b->pit.orders[number].recorded -= shares;
    if (!b->pit.orders[number].recorded)
        pit_remove(&b->pit, number);
}

static void cancel(struct bourse *b, const uint8_t *m, uint32_t length)
{
    uint32_t number = pit_find(&b->pit, be64_load(m + 11));
    struct pit_order *o = &b->pit.orders[number];
    if (!number || o->owner) {
        lines_publish(b, m, length);
        return;
    }
    uint32_t shares = m[0] == 'X' ? be32_load(m + 19) : o->recorded;
    shares = shares < o->recorded ? shares : o->recorded;
    uint32_t gone = shares < o->shares ? shares : o->shares;
    clamp_count(b, o->locate, o->reference, shares - gone);
    o->recorded -= shares;
    if (!gone)
        suppress(b);
    // As recorded when all of it applies and it does not empty an order that the replay goes on
    // with.
    bool whole = gone == shares && (m[0] == 'D' || gone < o->shares || !o->recorded);
    shares_leave(b, number, gone, whole ? m : NULL, length);
    if (!o->recorded)
        pit_remove(&b->pit, number);
}

static void replace(struct bourse *b, const uint8_t *m, uint32_t length)
{
    uint32_t number = pit_find(&b->pit, be64_load(m + 11));
    uint64_t reference = be64_load(m + 19);
    if (!number || b->pit.orders[number].owner || pit_find(&b->pit, reference)) {
        lines_publish(b, m, length);
        return;
    }
    struct pit_order old = b->pit.orders[number], o = old;
    uint32_t taken = old.recorded - old.shares;
    o.reference = reference;
    o.recorded = be32_load(m + 27);
    o.price = be32_load(m + 31);
    o.shares = o.recorded > taken ? o.recorded - taken : 0;
    pit_remove(&b->pit, number);
    uint32_t lost = o.recorded - o.shares;
    uint32_t traded = match_replayed(b, o.locate, !o.bid, o.price, PIT_NONE, o.shares);
    o.shares -= traded;
    clamp_count(b, o.locate, reference, lost + traded);
    if (old.shares && o.shares == o.recorded) {
        lines_publish(b, m, length);
    } else if (old.shares && o.shares) {
        publish_shares(b, m, length, 27, o.shares);
    } else if (old.shares) {
        lines_delete(b, old.reference, old.locate);
    } else if (o.shares) { // nothing was left of the old one, but the new one is larger
        uint8_t born[ITCH_MAX];
        struct itch_common c = lines_stamp(b, o.locate);
        struct itch_order i = {reference, o.shares, o.price, o.bid ? 'B' : 'S'};
        lines_publish(
            b, born,
            itch_add(born, &c, b->pit.symbols[o.locate].name, &i, o.mpid[0] ? o.mpid : NULL));
    } else {
        suppress(b);
    }
    if (o.recorded)
        pit_add(&b->pit, &o);
}

static struct pit_symbol *symbol_of(struct bourse *b, const uint8_t *m)
{
    uint16_t locate = be16_load(m + 1);
    return locate && pit_name(&b->pit, locate, m + 11) ? &b->pit.symbols[locate] : NULL;
}

static void directory(struct bourse *b, const uint8_t *m, uint32_t length)
{
    struct pit_symbol *s = symbol_of(b, m);
    if (s) {
        s->round_lot = be32_load(m + 21);
        s->lots_only = m[25] == 'Y';
    }
    lines_publish(b, m, length);
}

static void status(struct bourse *b, const uint8_t *m, uint32_t length)
{
    struct pit_symbol *s = symbol_of(b, m);
    uint16_t locate = be16_load(m + 1);
    lines_publish(b, m, length);
    if (!s)
        return;
    bool halted = match_halted(b, locate);
    if (m[0] == 'H')
        s->state = (char)m[19];
    else if (m[19] == 'Q')
        s->operational = m[20] == 'H';
    if (halted && !match_halted(b, locate))
        match_uncross(b, locate);
}

static void reg_sho(struct bourse *b, const uint8_t *m, uint32_t length)
{
    struct pit_symbol *s = symbol_of(b, m);
    if (s)
        s->reg_sho = (char)m[19];
    lines_publish(b, m, length);
}

static void system_event(struct bourse *b, const uint8_t *m, uint32_t length)
{
    lines_publish(b, m, length);
    day_event(b, (char)m[11]);
}

static void print(struct bourse *b, const uint8_t *m, uint32_t length)
{
    b->pit.symbols[be16_load(m + 1)].last_price = be32_load(m + 32);
    lines_publish(b, m, length);
}

static void cross(struct bourse *b, const uint8_t *m, uint32_t length)
{
    lines_publish(b, m, length);
    cross_run(b, be16_load(m + 1), (char)m[39], be64_load(m + 11), be32_load(m + 27));
}

static const struct {
    uint8_t type, length;
    bool prices; // may move the best prices of its symbol
    void (*apply)(struct bourse *b, const uint8_t *m, uint32_t length);
} rows[] = {
    {'A', 36, true, add},     {'F', 40, true, add},        {'E', 31, true, execute},
    {'C', 36, true, execute}, {'X', 23, true, cancel},     {'D', 19, true, cancel},
    {'U', 35, true, replace}, {'R', 39, false, directory}, {'H', 25, true, status},
    {'h', 21, true, status},  {'Y', 20, false, reg_sho},   {'S', 12, false, system_event},
    {'P', 44, false, print},  {'Q', 40, false, cross},
};

void bourse_market(struct bourse *b, const uint8_t *m, uint32_t length)
{
    b->counters.market_messages++;
    for (uint32_t i = 0; length && i < ARRAY_LEN(rows); i++) {
        if (rows[i].type != m[0])
            continue;
        if (rows[i].length != length)
            break;
        day_clock(b, be48_load(m + 5));
        rows[i].apply(b, m, length);
        if (rows[i].prices && b->watched_count)
            match_watched(b, be16_load(m + 1));
        mischief_settle(b);
        return;
    }
    lines_publish(b, m, length);
}
