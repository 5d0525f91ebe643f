// One execution: both orders, the lines, money, the log.
#include "bench/exchange/trade/state.h"

// The share of one side. An order with nothing left is gone; one with a reserve shows more of it.
static void fill(struct bourse *b, uint32_t number, uint32_t shares, uint64_t price, uint32_t place,
                 char liquidity, uint32_t side)
{
    struct ticket *t = ticket_at(b, number);
    struct member *m = &b->members[t->member];
    int32_t rate = side ? b->config.fee_add_micro : b->config.fee_remove_micro;
    int64_t fee = (int64_t)rate * shares;
    t->open -= shares;
    t->executed += shares;
    b->executions[place].fee_micro[side] = fee;
    m->executions =
        array_room(m->executions, m->execution_count, &m->execution_room, sizeof *m->executions);
    m->executions[m->execution_count++] = place;
    reply_executed(b, t, shares, price, BOURSE_MATCH_FIRST + place, liquidity, fee);
    mischief_execution(b, t->member);
    if (!t->open)
        ticket_close(b, number);
    else if (t->pit && !b->pit.orders[t->pit].shares)
        match_refill(b, number);
}

static uint32_t execution_add(struct bourse *b, uint32_t taker, uint32_t maker, uint32_t shares,
                              uint64_t price)
{
    b->executions =
        array_room(b->executions, b->execution_count, &b->execution_room, sizeof *b->executions);
    b->executions[b->execution_count] =
        (struct execution){.price = price, .shares = shares, .tickets = {taker, maker}};
    return b->execution_count++;
}

static void publish(struct bourse *b, const struct pit_order *o, uint32_t shares, uint64_t price,
                    uint64_t match)
{
    uint8_t m[ITCH_MAX];
    struct itch_common c = lines_stamp(b, o->locate);
    uint32_t length;
    if (o->hidden)
        length = itch_trade(m, &c, b->pit.symbols[o->locate].name, shares, (uint32_t)price, match);
    else if (price == o->price)
        length = itch_executed(m, &c, o->reference, shares, match);
    else
        length = itch_executed_price(m, &c, o->reference, shares, match, 'Y', (uint32_t)price);
    lines_publish(b, m, length);
}

void trade(struct bourse *b, uint32_t taker, uint32_t maker, uint32_t shares, uint64_t price)
{
    const struct pit_order *o = &b->pit.orders[maker];
    uint32_t owner = o->owner;
    uint32_t place = execution_add(b, taker, owner, shares, price);
    bool midpoint = owner && field_is(b->tickets[owner].e.price_type, "Mm");
    bool hidden = o->hidden;
    publish(b, o, shares, price, BOURSE_MATCH_FIRST + place);
    b->pit.symbols[o->locate].last_price = (uint32_t)price;
    pit_reduce(&b->pit, maker, shares);
    if (owner)
        fill(b, owner, shares, price, place, midpoint ? 'k' : hidden ? 'J' : 'A', 1);
    if (taker)
        fill(b, taker, shares, price, place, midpoint ? 'm' : 'R', 0);
}

void trade_cross(struct bourse *b, uint32_t number, uint32_t shares, uint64_t price, char liquidity)
{
    uint32_t place = execution_add(b, number, 0, shares, price);
    fill(b, number, shares, price, place, liquidity, 0);
}

bool bourse_break(struct bourse *b, uint64_t match, char reason)
{
    uint64_t place = match - BOURSE_MATCH_FIRST;
    if (place >= b->execution_count || b->executions[place].broken)
        return false;
    struct execution *x = &b->executions[place];
    x->broken = true;
    uint16_t locate = 0;
    for (uint32_t side = 0; side < 2; side++) {
        if (!x->tickets[side])
            continue;
        struct ticket *t = ticket_at(b, x->tickets[side]);
        locate = t->locate;
        t->executed -= x->shares;
        t->broken += x->shares;
        reply_broken(b, t, match, x, x->fee_micro[side], reason);
    }
    uint8_t m[ITCH_MAX];
    struct itch_common c = lines_stamp(b, locate);
    lines_publish(b, m, itch_broken(m, &c, match));
    return true;
}
