// Matching: what an order takes, how it rests, and how its price follows the market.
#include <stdlib.h>

#include "bench/exchange/trade/state.h"
#include "dataplane/base/check.h"

bool match_halted(const struct bourse *b, uint16_t locate)
{
    const struct pit_symbol *s = &b->pit.symbols[locate];
    if (s->operational)
        return true;
    return s->state ? s->state != 'T' : b->config.rules.status_needed;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t tick_of(uint64_t price)
{
    return price > 10000 ? 100 : 1;
}

// Price up to which an order takes: its discretion goes beyond what it shows.
static uint64_t reach(const struct ticket *t)
{
    bool discretion = entry_has(&t->e, ENTRY_DISCRETION_PRICE) && t->e.discretion_price;
    return discretion ? t->e.discretion_price : t->e.price;
}

static bool crosses_now(const struct bourse *b, const struct ticket *t, uint64_t limit)
{
    uint32_t maker = pit_front(&b->pit, t->locate, !t->bid);
    return maker && pit_crosses(!t->bid, b->pit.orders[maker].price, limit);
}

// The price of a pegged order now; its present one when there is nothing to peg to.
static uint64_t peg_price(const struct bourse *b, const struct ticket *t)
{
    int64_t bid = pit_best(&b->pit, t->locate, true, NULL);
    int64_t ask = pit_best(&b->pit, t->locate, false, NULL);
    if (!bid || !ask)
        return t->e.price;
    int64_t offset = entry_has(&t->e, ENTRY_PEG_OFFSET) ? (int32_t)t->e.peg_offset : 0;
    int64_t price = (bid + ask) / 2;
    if (field_is(t->e.price_type, "P"))
        price = (t->bid ? ask : bid) + offset;
    else if (field_is(t->e.price_type, "R"))
        price = (t->bid ? bid : ask) + offset;
    if (price < 1)
        price = 1;
    if (t->limit < BOURSE_PRICE_MARKET && pit_crosses(t->bid, (uint64_t)price, t->limit))
        price = (int64_t)t->limit; // its limit bounds the peg
    return price > BOURSE_PRICE_MAX ? BOURSE_PRICE_MAX : (uint64_t)price;
}

// The price nearest to its limit at which a post-only order takes nothing.
static uint64_t slid_price(const struct bourse *b, const struct ticket *t)
{
    uint64_t other = pit_best(&b->pit, t->locate, !t->bid, NULL);
    if (!other || !pit_crosses(t->bid, t->limit, other))
        return t->limit;
    uint32_t tick = tick_of(other);
    return t->bid ? (other > tick ? other - tick : 1) : other + tick;
}

static bool is_pegged(const struct ticket *t)
{
    return entry_has(&t->e, ENTRY_PRICE_TYPE) && !field_is(t->e.price_type, "L");
}

bool match_prepare(struct bourse *b, uint32_t number)
{
    struct ticket *t = ticket_at(b, number);
    t->shown = !field_is(t->e.display, "N");
    t->crossing = !field_is(t->e.cross, "N");
    t->reference = BOURSE_REFERENCE_FIRST + b->reference_next++;
    if (t->crossing)
        return true;
    if (is_pegged(t))
        t->e.price = peg_price(b, t);
    if (!field_is(t->e.post_only, "P") || !crosses_now(b, t, t->e.price))
        return true;
    if (!b->config.rules.post_only_slides)
        return false;
    t->e.price = slid_price(b, t);
    t->slid = true;
    return !crosses_now(b, t, t->e.price); // hidden orders may stand in between
}

// Lowers what rests of an order after <open> was lowered, and tells the lines.
static void book_follow(struct bourse *b, struct ticket *t)
{
    struct pit_order *o = &b->pit.orders[t->pit];
    if (!t->pit || t->open >= o->shares)
        return;
    uint32_t gone = o->shares - t->open;
    pit_reduce(&b->pit, t->pit, gone);
    if (t->shown && t->open)
        lines_cancel(b, t->reference, t->locate, gone);
    else if (t->shown)
        lines_delete(b, t->reference, t->locate);
}

void ticket_cancel(struct bourse *b, uint32_t number, uint32_t shares, char reason,
                   const char *text)
{
    struct ticket *t = ticket_at(b, number);
    MUST(shares <= t->open);
    t->open -= shares;
    reply_canceled(b, t, shares, reason, text);
    book_follow(b, t);
    if (t->open == 0)
        ticket_close(b, number);
}

void ticket_shrink(struct bourse *b, uint32_t number, uint32_t shares)
{
    struct ticket *t = ticket_at(b, number);
    MUST(shares < t->open);
    t->open -= shares;
    book_follow(b, t);
}

// Shares for the lines of an order with a reserve.
static uint32_t floor_draw(struct bourse *b, const struct ticket *t)
{
    uint32_t shares = (uint32_t)t->e.max_floor;
    if (!shares)
        return t->open;
    if (t->e.random_reserve) {
        uint32_t spread = (uint32_t)t->e.random_reserve;
        shares = shares - spread + random_below(&b->random, 2 * spread + 1);
    }
    return smaller(t->open, shares);
}

// Joins the end of the queue at its price; <replaced>: reference of the shown order that it takes
// the place of on the lines, 0: none.
static void rest(struct bourse *b, uint32_t number, uint64_t replaced)
{
    struct ticket *t = ticket_at(b, number);
    struct pit_order o = {.reference = t->reference,
                          .price = (uint32_t)t->e.price,
                          .shares = floor_draw(b, t),
                          .owner = number,
                          .locate = t->locate,
                          .bid = t->bid,
                          .hidden = !t->shown};
    t->pit = pit_add(&b->pit, &o);
    if (t->shown && replaced)
        lines_replace(b, t, replaced, o.shares);
    else if (t->shown)
        lines_add(b, t, o.shares);
}

void match_leave(struct bourse *b, uint32_t number, bool tell)
{
    struct ticket *t = ticket_at(b, number);
    if (!t->pit)
        return;
    if (t->shown && tell)
        lines_delete(b, t->reference, t->locate);
    pit_remove(&b->pit, t->pit);
    t->pit = 0;
}

static void watch(struct bourse *b, uint32_t number)
{
    struct ticket *t = ticket_at(b, number);
    if (t->watched || !(is_pegged(t) || t->slid || reach(t) != t->e.price))
        return;
    b->watched = array_room(b->watched, b->watched_count, &b->watched_room, sizeof *b->watched);
    b->watched[b->watched_count++] = number;
    t->watched = true;
}

// Two orders of one member meet. False: the incoming one is gone.
static bool self_match(struct bourse *b, uint32_t number, uint32_t maker)
{
    struct ticket *t = ticket_at(b, number);
    uint32_t owner = b->pit.orders[maker].owner;
    struct ticket *resting = ticket_at(b, owner);
    uint64_t price = b->pit.orders[maker].price;
    uint32_t shares = smaller(t->open, b->pit.orders[maker].shares);
    enum bourse_self_match way = b->config.members[t->member].self_match;
    static const char letters[] = {' ', 'D', 'N', 'O'};
    if (way != BOURSE_SELF_NEWEST) {
        uint32_t gone = way == BOURSE_SELF_OLDEST ? resting->open : shares;
        resting->open -= gone;
        resting->decremented += gone;
        reply_self_match(b, resting, gone, shares, price, letters[way]);
        book_follow(b, resting);
        if (!resting->open)
            ticket_close(b, owner);
        else if (!b->pit.orders[maker].shares)
            match_refill(b, owner);
    }
    if (way == BOURSE_SELF_OLDEST)
        return true;
    uint32_t gone = way == BOURSE_SELF_NEWEST ? t->open : shares;
    t->open -= gone;
    t->decremented += gone;
    reply_self_match(b, t, gone, shares, price, letters[way]);
    return t->open > 0;
}

static bool passed_over(const struct bourse *b, const struct pit_order *o, uint32_t shares)
{
    return o->owner && b->tickets[o->owner].e.min_quantity > shares;
}

static void take(struct bourse *b, uint32_t number, uint64_t limit)
{
    struct ticket *t = ticket_at(b, number);
    uint32_t maker = pit_front(&b->pit, t->locate, !t->bid);
    while (maker && t->open) {
        const struct pit_order *o = &b->pit.orders[maker];
        if (!pit_crosses(!t->bid, o->price, limit))
            return;
        if (passed_over(b, o, t->open)) {
            maker = pit_behind(&b->pit, maker);
            continue;
        }
        bool same = o->owner && b->tickets[o->owner].member == t->member;
        if (same && b->config.members[t->member].self_match != BOURSE_SELF_TRADES) {
            if (!self_match(b, number, maker))
                return;
        } else {
            trade(b, number, maker, smaller(t->open, o->shares), o->price);
        }
        maker = pit_front(&b->pit, t->locate, !t->bid);
    }
}

// Whether the other side holds at least so many shares at the limit or better.
static bool enough(const struct bourse *b, const struct ticket *t, uint64_t limit, uint64_t least)
{
    uint64_t shares = 0;
    for (uint32_t m = pit_front(&b->pit, t->locate, !t->bid); m && shares < least;
         m = pit_behind(&b->pit, m)) {
        const struct pit_order *o = &b->pit.orders[m];
        if (!pit_crosses(!t->bid, o->price, limit))
            break;
        if (!passed_over(b, o, t->open))
            shares += o->owner ? b->tickets[o->owner].open : o->shares;
    }
    return shares >= least;
}

void match_enter(struct bourse *b, uint32_t number, uint64_t replaced)
{
    struct ticket *t = ticket_at(b, number);
    if (t->crossing) {
        if (replaced)
            lines_delete(b, replaced, t->locate);
        ticket_open(b, number);
        return;
    }
    bool takes = crosses_now(b, t, reach(t)) && !match_halted(b, t->locate) &&
                 !field_is(t->e.post_only, "P") && enough(b, t, reach(t), t->e.min_quantity);
    if (replaced && (takes || !t->shown || field_is(t->e.display, "A"))) {
        lines_delete(b, replaced, t->locate);
        replaced = 0;
    }
    if (takes)
        take(b, number, reach(t));
    if (!t->open)
        return;
    if (field_is(t->e.tif, "3")) {
        if (replaced)
            lines_delete(b, replaced, t->locate);
        uint32_t left = t->open;
        t->open = 0;
        reply_canceled(b, t, left, 'I', "immediate or cancel");
        return;
    }
    ticket_open(b, number);
    rest(b, number, replaced);
    watch(b, number);
}

void match_refill(struct bourse *b, uint32_t number)
{
    struct ticket *t = ticket_at(b, number);
    pit_remove(&b->pit, t->pit);
    t->reference = BOURSE_REFERENCE_FIRST + b->reference_next++;
    rest(b, number, 0);
    reply_restated(b, t, b->pit.orders[t->pit].shares);
}

uint32_t match_replayed(struct bourse *b, uint16_t locate, bool maker_bid, uint32_t limit,
                        uint32_t before, uint32_t shares)
{
    uint32_t traded = 0, maker = pit_front(&b->pit, locate, maker_bid);
    if (match_halted(b, locate))
        return 0;
    while (maker && maker != before && traded < shares) {
        const struct pit_order *o = &b->pit.orders[maker];
        if (!pit_crosses(maker_bid, o->price, limit))
            break;
        if (!o->owner || passed_over(b, o, shares - traded)) {
            maker = pit_behind(&b->pit, maker);
            continue;
        }
        uint32_t n = smaller(shares - traded, o->shares);
        trade(b, 0, maker, n, o->price);
        traded += n;
        maker = pit_front(&b->pit, locate, maker_bid);
    }
    return traded;
}

// An order of the book moves to another price, with a new reference and the last priority there.
static void move(struct bourse *b, uint32_t number, uint64_t price)
{
    struct ticket *t = ticket_at(b, number);
    uint64_t old = t->shown ? t->reference : 0;
    match_leave(b, number, false);
    t->e.price = price;
    t->reference = BOURSE_REFERENCE_FIRST + b->reference_next++;
    bool takes = crosses_now(b, t, price) && !field_is(t->e.post_only, "P");
    if (takes && old) {
        lines_delete(b, old, t->locate);
        old = 0;
    }
    if (takes)
        take(b, number, price);
    if (!t->open) {
        ticket_close(b, number);
        return;
    }
    rest(b, number, old);
    if (t->slid)
        reply_priority(b, t);
    t->slid = t->slid && price != t->limit;
}

static void watched_one(struct bourse *b, uint32_t number)
{
    struct ticket *t = ticket_at(b, number);
    uint64_t price = t->e.price;
    if (is_pegged(t))
        price = peg_price(b, t);
    else if (t->slid)
        price = slid_price(b, t);
    if (price != t->e.price)
        move(b, number, price);
    else if (reach(t) != price && crosses_now(b, t, reach(t)) && !field_is(t->e.post_only, "P"))
        match_again(b, number);
}

void match_watched(struct bourse *b, uint16_t locate)
{
    // Backwards: the place of one that goes meanwhile is taken by the last one.
    for (uint32_t i = b->watched_count; i-- > 0;) {
        if (i >= b->watched_count)
            continue;
        const struct ticket *t = ticket_at(b, b->watched[i]);
        if ((!locate || t->locate == locate) && t->pit && !match_halted(b, t->locate))
            watched_one(b, b->watched[i]);
    }
}

void match_again(struct bourse *b, uint32_t number)
{
    struct ticket *t = ticket_at(b, number);
    match_leave(b, number, true);
    t->reference = BOURSE_REFERENCE_FIRST + b->reference_next++;
    take(b, number, reach(t));
    if (t->open)
        rest(b, number, 0);
    else
        ticket_close(b, number);
}

void match_uncross_one(struct bourse *b, uint32_t number)
{
    const struct ticket *t = ticket_at(b, number);
    if (t->open && t->pit && crosses_now(b, t, t->e.price))
        match_again(b, number);
}

void match_uncross(struct bourse *b, uint16_t locate)
{
    uint32_t count;
    uint32_t *numbers = open_list(b, locate, &count);
    for (uint32_t i = 0; i < count; i++)
        match_uncross_one(b, numbers[i]);
    free(numbers);
}
