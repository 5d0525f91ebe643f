// bench-risk: what the gate costs per order: every check on, many symbols and accounts, random
// access, so that a symbol's and a position's lines are rarely in the nearest cache.
//
// Each order is timed by itself with the time stamp counter; the counter's own cost, measured in
// the same run, is taken off. An approved order reserves its exposure within the measured stretch
// and gives it back outside of it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/rig.h"
#include "dataplane/base/clock.h"
#include "dataplane/risk/risk.h"

enum { STRATEGIES = 16, SESSIONS = 4, POSITIONS = 1 << 19, STAMPS = 10000 };

static struct risk risk;
static struct kill_words kills[KILL_ASKERS];
static struct clock_calibration cal;

static uint64_t draw(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random >> 11;
}

static void line_set(struct limit_row *row)
{
    row->quantity = 10000;
    row->open_orders = 1000000;
    row->notional = (uint64_t)10000 * 20000000;
    row->position = 1000000;
    row->price_low = 1;
    row->price_high = 20000000;
    row->rate_ticks = 1;
    row->burst_ticks = 1u << 30;
    row->forbids = 1u << PERMISSION_OPTIONS;
}

static void owner_set(struct limit_row *row)
{
    limit_row_open(row);
    line_set(row);
    row->cancel_rate = 1;
    row->owner.gross = row->owner.day_value = row->owner.credit = LIMIT_NOTIONAL_MAX - 1;
    row->owner.loss = row->owner.drawdown = LIMIT_NOTIONAL_MAX - 1;
    row->owner.day_orders = row->owner.repeats = UINT32_MAX - 1;
    row->owner.ratio = UINT16_MAX - 1;
    row->owner.ratio_window = 1; // nothing executes here
    row->owner.duplicates = UINT16_MAX - 1;
    row->owner.duplicate_window = 1 << 20;
    row->owner.instruments = UINT16_MAX - 1;
}

static void symbol_set(struct limit_row *row)
{
    limit_symbol_open(row);
    line_set(row);
    row->symbol.volume = 100000;
    row->symbol.spread = 5000;
    row->symbol.touch = row->symbol.last = 1000;
    row->symbol.locates = 1 << 30;
    row->symbol.phases = 1u << PHASE_TRADING;
}

static void limits_make(uint32_t symbols)
{
    struct limit_table *t = zeroed(sizeof *t + symbols * sizeof(struct limit_row));
    t->version = 1;
    t->symbol_count = symbols;
    owner_set(&t->firm);
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        owner_set(&t->accounts[i]);
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++)
        owner_set(&t->strategies[i]);
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        owner_set(&t->sessions[i]);
    for (uint32_t i = 0; i < symbols; i++)
        symbol_set(&t->symbols[i]);
    risk_init(&risk, symbols, POSITIONS, t, kills, zeroed(risk_bytes(symbols, POSITIONS)));
}

static struct gate_order order_make(uint64_t *random, uint32_t symbols, uint32_t accounts)
{
    const uint32_t shares = 1 + (uint32_t)(draw(random) % 1000);
    const uint32_t price = 100000 + (uint32_t)(draw(random) % 1000000);
    struct gate_order o = {
        .owner = {.account = (uint16_t)(draw(random) % accounts),
                  .strategy = (uint16_t)(draw(random) % STRATEGIES),
                  .instrument = (uint16_t)(draw(random) % symbols),
                  .session = (uint8_t)(draw(random) % SESSIONS),
                  .sells = draw(random) & 1},
        .worst = {.notional = (uint64_t)shares * price, .shares = shares, .orders = 1},
        .quantity = shares,
        .price = price,
        .bid = price - 100,
        .ask = price + 100,
        .last = price,
        .asks = 1u << PERMISSION_DAY | 1u << PERMISSION_BUY,
        .phase = PHASE_TRADING,
        .side = 'B',
        .session_up = true,
        .session_free = true,
    };
    if (o.owner.sells) {
        o.side = 'S';
        o.asks = 1u << PERMISSION_DAY | 1u << PERMISSION_SELL;
    }
    o.owner.position = position_open(&risk, o.owner.account, o.owner.instrument);
    // The table holds the busiest quarter of a million pairs; the rest of this day's share the
    // last.
    if (o.owner.position == POSITION_NONE)
        o.owner.position = 0;
    return o;
}

static __attribute__((noinline)) bool decide(const struct gate_order *o, struct gate_verdict *v)
{
    const bool approved = gate(&risk, o, v);
    if (approved)
        exposure_move(&risk, &o->owner, &o->held, &o->worst);
    return approved;
}

static int by_ticks(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t stamp_cost(void)
{
    static uint32_t ticks[STAMPS];
    for (uint32_t i = 0; i < STAMPS; i++) {
        const uint64_t from = clock_tsc();
        ticks[i] = (uint32_t)(clock_tsc() - from);
    }
    qsort(ticks, STAMPS, sizeof *ticks, by_ticks);
    return ticks[STAMPS / 2];
}

static uint64_t ns(uint32_t ticks)
{
    return clock_ticks_to_ns(&cal, ticks);
}

int main(int argc, char **argv)
{
    const uint32_t orders = (uint32_t)option(argc, argv, "--orders", 500000);
    const uint32_t symbols = (uint32_t)option(argc, argv, "--symbols", 12000);
    const uint32_t accounts = (uint32_t)option(argc, argv, "--accounts", 200);
    uint64_t random = 42, refused = 0, own = stamp_cost();
    uint32_t *ticks = zeroed(orders * sizeof *ticks);
    if (symbols == 0 || symbols > INSTRUMENTS_MAX || accounts == 0 || accounts > ACCOUNTS_MAX ||
        orders == 0) {
        fprintf(stderr, "bench-risk: up to %d symbols and %d accounts, at least one order\n",
                INSTRUMENTS_MAX, ACCOUNTS_MAX);
        return EXIT_USAGE;
    }
    clock_calibrate(&cal, 100);
    limits_make(symbols);
    struct gate_order *made = zeroed(orders * sizeof *made);
    for (uint32_t i = 0; i < orders; i++) // beforehand: opening a position brings its line
        made[i] = order_make(&random, symbols, accounts);
    for (uint32_t i = 0; i < orders; i++) {
        struct gate_order o = made[i];
        struct gate_verdict v;
        o.now = clock_tsc();
        const uint64_t from = clock_tsc();
        const bool approved = decide(&o, &v);
        const uint64_t took = clock_tsc() - from;
        ticks[i] = (uint32_t)(took > own ? took - own : 0);
        refused += !approved;
        if (approved)
            exposure_move(&risk, &o.owner, &o.worst, &o.held);
    }
    qsort(ticks, orders, sizeof *ticks, by_ticks);
    printf(
        "risk symbols=%u accounts=%u refused=%lu messages=%u p50=%lu ns p99=%lu ns p99.9=%lu ns\n",
        symbols, accounts, (unsigned long)refused, orders, (unsigned long)ns(ticks[orders / 2]),
        (unsigned long)ns(ticks[(uint64_t)orders * 99 / 100]),
        (unsigned long)ns(ticks[(uint64_t)orders * 999 / 1000]));
    return refused == 0 ? EXIT_OK : EXIT_FAILED;
}
