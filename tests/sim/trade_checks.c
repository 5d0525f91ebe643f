#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/book/book.h"
#include "tests/sim/trade_checks.h"
#include "tests/sim/trade_people.h"
#include "tests/sim/trade_world.h"

// --- what always holds ---

// What an exchange may still make of an order: its shares at its limit, a buy also at the price
// that its discretion goes to. A sell trades at its limit or better, which brings more.
static void covered(const struct trade_venue *v, const struct bourse_order *order)
{
    const struct order_table *t = &sim->desk.orders;
    const bool buys = order->side == 'B';
    const uint64_t price =
        buys && order->discretion > order->limit ? order->discretion : order->limit;
    const enum ouch_version version = v->session.config.frames.version;
    const uint32_t ref = ledger_number(&sim->ledger, version, order->user_ref, order->token);
    const uint32_t index = orders_find(t, v->index, ref);
    if (index == OWN_NONE)
        fail_msg("seed %lu: venue %u has order %u, nobody else", sim->config->seed, v->index, ref);
    const struct own_order *o = orders_at(t, index);
    if (o->held_orders != 1 || o->held_shares < order->open ||
        o->held_notional < order->open * price || side_sells(o->side) == buys)
        fail_msg("seed %lu: venue %u, order %u, %s: %u shares, %lu reserved, %u at %lu are open",
                 sim->config->seed, v->index, ref, order_life_name(o->life), o->held_shares,
                 o->held_notional, order->open, price);
}

void exposure_covers_the_exchanges(void)
{
    for (uint32_t k = 0; k < TRADE_VENUES; k++) {
        struct trade_venue *v = &sim->venues[k];
        const uint32_t count = bourse_order_count(v->b, 0);
        bool all_over = true;
        for (uint32_t i = v->orders_over; i < count; i++) {
            struct bourse_order order;
            bourse_order_at(v->b, 0, i, &order);
            all_over = all_over && order.open == 0;
            v->orders_over += all_over;
            if (order.open)
                covered(v, &order);
        }
    }
}

void check(void)
{
    char why[256] = "";
    if (!desk_check(&sim->desk, why, sizeof why))
        fail_msg("seed %lu: %s", sim->config->seed, why);
    exposure_covers_the_exchanges();
}

// --- what holds in the end ---

int64_t lost_messages(void)
{
    int64_t lost = 0;
    for (uint32_t k = 0; k < TRADE_VENUES; k++) {
        const int64_t of_venue = trade_lost(&sim->venues[k]);
        assert_true(of_venue >= 0);
        lost += of_venue;
    }
    return lost;
}

// What the control plane reads of a position is what the events of its account add up to.
static void profit_is_shown(uint32_t account, uint32_t instrument, uint32_t at)
{
    const struct risk *r = &sim->desk.risk;
    const struct ledger_money *told = &sim->ledger.account[account][instrument];
    const struct position_money *m = &r->money[at];
    struct position_cell cell;
    assert_true(position_cell_read(&sim->desk.shown[at], &cell));
    if (cell.key == 0) { // no order of the account in the symbol was ever sent
        assert_true(told->shares == 0 && told->value == 0);
        return;
    }
    const int64_t cash = (int64_t)(cell.sold_value - cell.bought_value);
    const int64_t realised = cash + cell.cost, unrealised = m->marked - cell.cost;
    if (position_cell_shares(&cell) != told->shares || cash != told->value ||
        cell.cost != told->cost || realised != position_realised(m) ||
        realised + unrealised != position_profit(m))
        fail_msg(
            "seed %lu: account %u, symbol %u: %ld shares, cost %ld, cash %ld are shown, events "
            "say %ld, %ld, %ld",
            sim->config->seed, account, instrument, position_cell_shares(&cell), cell.cost, cash,
            told->shares, told->cost, told->value);
}

static void money_is_equal(void)
{
    const uint64_t seed = sim->config->seed;
    for (uint32_t i = 0; i < TRADE_SYMBOLS; i++) {
        const struct ledger_money want = ledger_exchange(&sim->ledger, i);
        struct ledger_money have = {0};
        int64_t exchange = 0;
        for (uint32_t a = 0; a < TRADE_ACCOUNTS; a++) {
            const uint32_t at = position_open(&sim->desk.risk, a, i);
            const int64_t shares = sim->desk.risk.positions[at].shares;
            const struct position_money *m = &sim->desk.risk.money[at];
            const struct ledger_money *told = &sim->ledger.account[a][i];
            const int64_t value = (int64_t)m->sold_value - (int64_t)m->bought_value;
            if (shares != told->shares || value != told->value)
                fail_msg("seed %lu: account %u, symbol %u: %ld shares, events say %ld", seed, a, i,
                         shares, told->shares);
            profit_is_shown(a, i, at);
            have.shares += shares;
            have.value += value;
        }
        for (uint32_t k = 0; k < TRADE_VENUES; k++)
            exchange += bourse_position(sim->venues[k].b, 0, sim->locates[i]);
        assert_int_equal(exchange, want.shares); // the log is right about its own books
        if (have.shares != want.shares || have.value != want.value)
            fail_msg("seed %lu: symbol %u: %ld shares and %ld, the exchange %ld and %ld", seed, i,
                     have.shares, have.value, want.shares, want.value);
    }
}

// What the lines said is the book that the exchange has, our own orders in it.
static void books_are_equal(void)
{
    for (uint32_t k = 0; k < TRADE_VENUES; k++) {
        const struct trade_venue *v = &sim->venues[k];
        assert_int_equal(v->channel.quality, QUALITY_GOOD);
        for (uint16_t i = 0; i < TRADE_SYMBOLS; i++) {
            const uint16_t slot =
                book_symbol_find(&v->channel.book, sim->desk.instruments[i].symbol);
            for (int side = 0; side < 2 && slot != SYMBOL_NONE; side++) {
                uint64_t shares = 0;
                const bool bid = side == 0;
                const struct level *l = book_best(&v->channel.book, &v->channel.book.symbols[slot],
                                                  bid ? BOOK_BID : BOOK_ASK);
                const uint32_t price = bourse_best(v->b, sim->locates[i], bid, &shares);
                if ((l ? l->price : 0) != price || (l && l->shares != shares))
                    fail_msg("seed %lu: venue %u, symbol %u: best %u with %lu, the exchange %u "
                             "with %lu",
                             sim->config->seed, k, i, l ? l->price : 0, l ? (uint64_t)l->shares : 0,
                             price, shares);
            }
        }
    }
}

uint32_t orders_in_doubt(bool both)
{
    uint32_t in_doubt = 0;
    for (uint32_t i = 0; i < TRADE_ORDERS; i++) {
        const struct own_order *o = orders_at(&sim->desk.orders, i);
        in_doubt += o->life != LIFE_DEAD && o->generation && (both || o->session == 0);
        if (o->generation && o->life != LIFE_DEAD && !(o->flags & ORDER_QUARANTINED))
            fail_msg("seed %lu: order %u is open and nobody doubts it", sim->config->seed, o->ref);
    }
    return in_doubt;
}

static void use_is_zero(const struct risk_use *use, const struct owner_day *day, const char *scope,
                        uint32_t index)
{
    if (use->orders || use->notional || (day && day->open_buy))
        fail_msg("seed %lu: %s %u: %u orders, %lu reserved, %lu of buys, and nothing is open",
                 sim->config->seed, scope, index, use->orders, use->notional,
                 day ? day->open_buy : 0);
}

static void sides_are_zero(uint64_t buy, uint64_t sell, const char *scope, uint32_t index)
{
    if (buy || sell)
        fail_msg("seed %lu: %s %u: %lu to buy and %lu to sell, and nothing is open",
                 sim->config->seed, scope, index, buy, sell);
}

// Orders, notional, notional of buys and shares of either side, wherever they are summed.
static void nothing_is_reserved(void)
{
    const struct risk *r = &sim->desk.risk;
    use_is_zero(&r->firm, &r->day, "firm", 0);
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        use_is_zero(&r->sessions[i], &r->session_days[i], "session", i);
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        use_is_zero(&r->accounts[i], &r->account_days[i], "account", i);
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++) {
        use_is_zero(&r->strategies[i], &r->strategy_days[i], "strategy", i);
        for (uint32_t k = 0; k < r->symbol_count; k++)
            sides_are_zero(r->held[i][k].open_buy, r->held[i][k].open_sell, "strategy", i);
    }
    for (uint32_t i = 0; i < r->symbol_count; i++) {
        use_is_zero(&r->symbols[i].use, NULL, "symbol", i);
        sides_are_zero(r->symbols[i].open_buy, r->symbols[i].open_sell, "symbol", i);
    }
    for (uint32_t i = 0; i <= r->position_mask; i++)
        sides_are_zero(r->positions[i].open_buy, r->positions[i].open_sell, "position", i);
}

uint64_t doubts_end(void)
{
    const uint64_t closed = people_close_doubts();
    check();
    nothing_is_reserved();
    return closed;
}

void everything_is_equal(bool all_arrived)
{
    char why[256] = "";
    const uint64_t seed = sim->config->seed;
    if (!ledger_trades_equal(&sim->ledger, why, sizeof why) ||
        !ledger_requests_equal(&sim->ledger, all_arrived, why, sizeof why))
        fail_msg("seed %lu: %s", seed, why);
    money_is_equal();
    for (uint32_t k = 0; k < TRADE_VENUES; k++) {
        assert_int_equal(bourse_open_orders(sim->venues[k].b, 0), 0);
        assert_int_equal(sim->venues[k].session.count.egress, 0);
    }
}

void settle(void)
{
    const bool rest = trade_settle();
    check();
    for (uint32_t k = 0; k < TRADE_VENUES && !rest; k++) {
        const struct trade_venue *v = &sim->venues[k];
        print_message("venue %u: %s, %u orders open here, %u there, next %lu of %lu, %u and %u "
                      "bytes on the way, lines at %lu of %lu\n",
                      k, session_state_name(v->session.state),
                      sim->desk.orders.sessions[k].open_count, bourse_open_orders(v->b, 0),
                      v->session.next_sequence, bourse_sequenced(v->b, 0) + 1, v->to_client.have,
                      v->to_exchange.have, v->channel.arbiter.next, v->next_sequence);
    }
    if (!rest)
        fail_msg("seed %lu: it never comes to rest", sim->config->seed);
    books_are_equal();
    assert_int_equal(sim->event_count[EVENT_NONE], 0);
    assert_int_equal(sim->lane.count->events_refused, 0);
}
