// bench-risk: what the gate costs per order: every check on, many symbols and accounts, random
// access, so that a symbol's and a position's lines are rarely in the nearest cache.
//
// A lane asks for those lines when the symbol's book has changed, before a strategy is told of it,
// and makes the decision some time later. The same is done here: the lines are asked for,
// --ahead-ns go by, then the stretch that is measured begins. "risk-unasked" is the same without
// being asked for, "risk-lines" what touching the same lines costs where nothing else is done: the
// part of it that no instruction less would save.
//
// Each order is timed by itself with the time stamp counter; the counter's own cost, measured in
// the same run, is taken off. An approved order reserves its exposure within the measured stretch
// and gives it back outside of it.
#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/rig.h"
#include "dataplane/base/clock.h"
#include "dataplane/risk/risk.h"

enum {
    PRICE_MIN = 100000,
    PRICE_MAX = 1100000,
    STRATEGIES = 16,
    SESSIONS = 4,
    POSITIONS = 1 << 20,
    STAMPS = 10000,
    AHEAD_NS = 100, // in make bench-lane the taker's order follows after 140
    RATIO_MS = 60000,
    DUPLICATE_MS = 10, // at this pace it has as many orders as a second of 20,000
    EXECUTIONS = 100,  // of each account
};

static struct risk risk;
static struct kill_words kills[KILL_ASKERS];
static struct clock_calibration cal;
static volatile uint64_t touched;

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
    row->burst = 1u << 30;
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
    row->owner.ratio_step =
        (uint32_t)(clock_ns_to_ticks(&cal, RATIO_MS * 1000000ull) / RATIO_STEPS / RATIO_UNIT);
    row->owner.duplicates = UINT16_MAX - 1;
    row->owner.duplicate_window =
        (uint32_t)(clock_ns_to_ticks(&cal, DUPLICATE_MS * 1000000ull) / DUPLICATE_UNIT);
    row->owner.instruments = UINT16_MAX - 1;
}

static void symbol_set(struct limit_row *row)
{
    limit_symbol_open(row);
    line_set(row);
    limit_band_set(row, 2, 19999999);
    row->symbol.volume = 100000;
    row->symbol.spread = 5000;
    row->symbol.touch = row->symbol.last = 1000;
    row->symbol.period = 10000;
    row->symbol.locates = 1 << 30;
    row->symbol.short_marking = 1;
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
    const struct risk_config c = {
        .symbols = symbols,
        .positions = POSITIONS,
        .strategies = (1u << STRATEGIES) - 1,
        .accounts = ACCOUNTS_MAX,
        .priors = PRIORS_KEPT,
    };
    risk_init(&risk, &c, t, kills, zeroed(risk_bytes(&c)));
    for (uint32_t i = 0; i < ACCOUNTS_MAX * EXECUTIONS; i++) { // so that ORDER_RATIO refuses nobody
        const struct exposure_owner w = {.account = (uint16_t)(i % ACCOUNTS_MAX),
                                         .strategy = (uint16_t)(i % STRATEGIES),
                                         .session = (uint8_t)(i % SESSIONS)};
        ratio_fill(&risk, &w, clock_tsc());
    }
    for (uint32_t i = 0; i < symbols; i++) { // all prices are within 100 % of it
        risk.symbols[i].period_price = PRICE_MAX;
        risk.symbols[i].period_until = UINT64_MAX;
    }
}

static struct gate_order order_make(uint64_t *random, uint32_t symbols, uint32_t accounts)
{
    const uint32_t shares = 1 + (uint32_t)(draw(random) % 1000);
    const uint32_t price = PRICE_MIN + (uint32_t)(draw(random) % (PRICE_MAX - PRICE_MIN));
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
        o.side = 'T'; // nothing is held
        o.asks = 1u << PERMISSION_DAY | 1u << PERMISSION_SELL | 1u << PERMISSION_SHORT;
    }
    o.owner.position = position_open(&risk, o.owner.account, o.owner.instrument);
    return o;
}

static __attribute__((noinline)) bool decide(struct gate_order *o, struct gate_verdict *v)
{
    o->owner.position = position_open(&risk, o->owner.account, o->owner.instrument);
    const bool approved = gate(&risk, o, v);
    if (approved)
        exposure_move(&risk, &o->owner, &o->held, &o->worst);
    return approved;
}

// One word of every line that the decision reads or writes.
static __attribute__((noinline)) uint64_t lines_touch(const struct gate_order *o)
{
    const struct limit_table *t = risk.limits;
    const struct exposure_owner *w = &o->owner;
    return risk.positions[w->position].open_buy + risk.symbols[w->instrument].use.notional +
           risk.held[w->strategy][w->instrument].open_buy + t->symbols[w->instrument].notional +
           t->symbols[w->instrument].symbol.tick_magic + t->accounts[w->account].notional +
           t->accounts[w->account].owner.gross + t->strategies[w->strategy].notional +
           t->strategies[w->strategy].owner.gross + t->sessions[w->session].notional +
           t->sessions[w->session].owner.gross + risk.accounts[w->account].notional +
           risk.account_days[w->account].traded + risk.account_days[w->account].ratio_until +
           risk.strategies[w->strategy].notional + risk.strategy_days[w->strategy].traded +
           risk.strategy_days[w->strategy].ratio_until + risk.session_days[w->session].traded +
           risk.session_days[w->session].ratio_until +
           risk.traded_in[w->strategy][w->instrument / 64];
}

static int by_ticks(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t ns(uint32_t ticks)
{
    return clock_ticks_to_ns(&cal, ticks);
}

// All before it is done: what is measured hides behind nothing, and nothing behind it.
static uint64_t stamp(void)
{
    _mm_lfence();
    const uint64_t tsc = clock_tsc();
    _mm_lfence();
    return tsc;
}

static uint32_t stamp_cost(void)
{
    static uint32_t ticks[STAMPS];
    for (uint32_t i = 0; i < STAMPS; i++) {
        const uint64_t from = stamp();
        ticks[i] = (uint32_t)(stamp() - from);
    }
    qsort(ticks, STAMPS, sizeof *ticks, by_ticks);
    return ticks[STAMPS / 2];
}

struct run {
    const char *name;
    bool asks;    // for the lines
    bool touches; // them, and nothing else
    uint64_t ahead;
};

// What one order took, in ticks; false: refused.
static bool measure(const struct run *run, struct gate_order *o, uint64_t *took)
{
    struct gate_verdict v;
    bool approved = true;
    if (run->asks)
        risk_expect(&risk, o->owner.account, o->owner.strategy, o->owner.instrument,
                    o->owner.position);
    for (const uint64_t from = clock_tsc(); clock_tsc() - from < run->ahead;)
        ;
    o->now = clock_tsc();
    const uint64_t from = stamp();
    if (run->touches)
        touched += lines_touch(o);
    else
        approved = decide(o, &v);
    *took = stamp() - from;
    if (approved && !run->touches)
        exposure_move(&risk, &o->owner, &o->worst, &o->held);
    return approved;
}

static uint64_t run_all(const struct run *run, const struct gate_order *made, uint32_t orders,
                        uint32_t *ticks, uint64_t own)
{
    uint64_t refused = 0;
    for (uint32_t i = 0; i < orders; i++) {
        struct gate_order o = made[i];
        uint64_t took;
        refused += !measure(run, &o, &took);
        ticks[i] = (uint32_t)(took > own ? took - own : 0);
    }
    qsort(ticks, orders, sizeof *ticks, by_ticks);
    printf("%s refused=%lu messages=%u p50=%lu ns p99=%lu ns p99.9=%lu ns\n", run->name,
           (unsigned long)refused, orders, (unsigned long)ns(ticks[orders / 2]),
           (unsigned long)ns(ticks[(uint64_t)orders * 99 / 100]),
           (unsigned long)ns(ticks[(uint64_t)orders * 999 / 1000]));
    return refused;
}

int main(int argc, char **argv)
{
    const uint32_t orders = (uint32_t)option(argc, argv, "--orders", 500000);
    const uint32_t symbols = (uint32_t)option(argc, argv, "--symbols", 12000);
    const uint32_t accounts = (uint32_t)option(argc, argv, "--accounts", 200);
    const uint64_t ahead_ns = option(argc, argv, "--ahead-ns", AHEAD_NS);
    const uint64_t count = option(argc, argv, "--runs", UINT64_MAX);
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
    const uint64_t ahead = clock_ns_to_ticks(&cal, ahead_ns);
    const struct run runs[] = {{"risk", true, false, ahead},
                               {"risk-unasked", false, false, ahead},
                               {"risk-lines", false, true, ahead}};
    printf("symbols=%u accounts=%u asked for %lu ns ahead\n", symbols, accounts,
           (unsigned long)ahead_ns);
    for (uint32_t i = 0; i < ARRAY_LEN(runs) && i < count; i++)
        refused += run_all(&runs[i], made, orders, ticks, own);
    return refused == 0 ? EXIT_OK : EXIT_FAILED;
}
