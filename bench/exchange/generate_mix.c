#include "bench/exchange/generate_mix.h"

#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"

// Message counts of the whole of 30 January 2019 on Nasdaq (368,366,634 messages).
enum {
    DAY_A = 162970455,
    DAY_F = 1725898,
    DAY_D = 158273361,
    DAY_U = 27222746,
    DAY_E = 8096995,
    DAY_X = 4669874,
    DAY_I = 3684511,
    DAY_P = 1326184,
    DAY_C = 158886,
    DAY_MIX = DAY_A + DAY_F + DAY_D + DAY_U + DAY_E + DAY_X + DAY_I + DAY_P + DAY_C,
};

// Fills that take the whole order: A + F - D of that day are orders that ended by execution.
#define FULL_FILL_BELOW ((uint32_t)((uint64_t)(DAY_A + DAY_F - DAY_D) * 65536 / (DAY_E + DAY_C)))

// Bits of the number that picks a victim or a price: 0..31 which order, 32..43 distance, 44
// side, 45..55 add or delete, 56..63 recent or any.
enum { PICK_DISTANCE = 32, PICK_SIDE = 44, PICK_CHURN = 45, PICK_RECENT = 56 };

#define RECENT_BELOW (256ull * GENERATOR_RECENT_PERCENT) // of 25,600

enum { CHURN_ADD_2048 = (int)((uint64_t)(DAY_A + DAY_F) * 2048 / (DAY_A + DAY_F + DAY_D)) + 1 };

static uint32_t share_of(uint64_t count)
{
    return (uint32_t)((count << 32) / DAY_MIX);
}

void mix_init(struct generator *g)
{
    uint64_t below = DAY_A + DAY_F + DAY_D;
    g->churn_below = share_of(below);
    g->replace_below = share_of(below += DAY_U);
    g->executed_below = share_of(below += DAY_E);
    g->cancel_below = share_of(below += DAY_X);
    g->imbalance_below = share_of(below += DAY_I);
    below += DAY_P;
    g->trade_below = share_of(below);
    g->attributed_below = (uint32_t)(((uint64_t)DAY_F << 32) / (DAY_A + DAY_F));
}

// Gaps are the mean times 1/u for a uniform u, cut at 64: most messages come much closer together
// than the mean.
struct itch_common mix_stamp(struct generator *g, uint32_t symbol)
{
    static const uint32_t mean_256 =
        256 * 5; // of min(1/u, 64): 1 + ln 64, rounded down to keep inside the day
    uint64_t r = random_next(&g->random);
    uint32_t u = (uint32_t)(r & 1023) + 1;
    uint32_t times_256 = u < 16 ? 64 * 256 : 1024 * 256 / u;
    g->clock_ns += g->gap_ns * times_256 / (mean_256 + 64);
    if (UNLIKELY(g->clock_ns > g->clock_limit_ns))
        g->clock_ns = g->clock_limit_ns;
    return (struct itch_common){(uint16_t)(symbol + 1), (uint16_t)(r >> 60 & 6), g->clock_ns};
}

// Order sizes as often as in the AAPL sample, of 64.
uint32_t mix_shares(struct generator *g)
{
    static const uint16_t common[64] = {
        100, 100, 100, 100, 100,  100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100,
        100, 100, 100, 100, 10,   10,  10,  10,  10,  50,  50,  50,  50,  20,  20,  20,
        200, 200, 200, 1,   1,    1,   5,   5,   25,  25,  500, 500, 30,  3,   2,   300,
        300, 400, 40,  15,  1000, 600, 800, 4,   6,   60,  75,  0,   0,   0,   0,   0};
    uint64_t r = random_next(&g->random);
    uint32_t shares = common[r & 63];
    return shares ? shares : 1 + (uint32_t)(r >> 32 & 2047);
}

// References of one engine grow in steps of 4, engines differ in the last two bits: day-unique,
// never simply + 1, and a later order may well have the smaller number. Steps above 4 are the
// orders of that engine that nobody sees.
static uint64_t reference_next(struct generator *g, const struct market_symbol *s)
{
    uint64_t r = random_next(&g->random);
    uint32_t step =
        (uint32_t)__builtin_ctzll(r | 1ull << 40) + 1; // 1, 2, 3 ... with halving probability
    g->engine[s->engine] += step;
    return g->engine[s->engine] << 2 | s->engine;
}

// P(distance >= k) = spread / (k + spread), in levels from the fair price: half within <spread>, a
// tenth beyond nine times that.
static uint32_t distance_draw(uint64_t pick, const struct market_symbol *s)
{
    uint32_t u = (uint32_t)(pick >> PICK_DISTANCE) & 4095;
    return s->spread * (4096 - (u + 1)) / (u + 1);
}

// The fair price wanders by a level now and then and is drawn back to the middle.
static void fair_price_move(struct generator *g, struct market_symbol *s)
{
    uint64_t r = random_next(&g->random);
    if (r & 15)
        return;
    uint32_t lowest = s->level_min + 16u > 384 ? s->level_min + 16u : 384;
    uint32_t highest = s->level_max < 640u + 16 ? s->level_max - 16u : 640;
    bool up = (uint32_t)(r >> 32 & 511) + s->middle < 256 + LADDER_MIDDLE;
    if (up && s->middle < highest)
        s->middle++;
    if (!up && s->middle > lowest)
        s->middle--;
}

// A level on the right side of the other side's best: the book is never locked or crossed.
static uint32_t level_draw(uint64_t pick, const struct market_symbol *s, bool bid)
{
    int32_t away = (int32_t)distance_draw(pick, s);
    int32_t level;
    if (bid) {
        level = s->middle - 1 - away;
        if (level >= s->best_ask)
            level = s->best_ask - 1;
        return (uint32_t)(level < s->level_min ? s->level_min : level);
    }
    level = s->middle + away;
    if (level <= s->best_bid)
        level = s->best_bid + 1;
    return (uint32_t)(level > s->level_max ? s->level_max : level);
}

uint32_t mix_add(struct generator *g, uint32_t symbol, uint64_t pick, uint8_t *message)
{
    static const char mpids[8][4] = {"UBSS", "NITE", "CDEL", "GSCO",
                                     "MSCO", "JPMS", "TIMB", "VIRT"};
    struct market_symbol *s = &g->market.symbols[symbol];
    struct itch_common c = mix_stamp(g, symbol);
    uint64_t r = random_next(&g->random);
    bool bid = pick >> PICK_SIDE & 1;
    uint32_t level = level_draw(pick, s, bid);
    struct itch_order o = {reference_next(g, s), mix_shares(g), market_price(s, level),
                           bid ? 'B' : 'S'};
    market_add(&g->market, s, bid, level, o.reference, o.shares);
    return itch_add(message, &c, s->name, &o,
                    (uint32_t)r < g->attributed_below ? mpids[r >> 32 & 7] : NULL);
}

// The caller made sure that the symbol has a live order.
static uint16_t victim_draw(uint64_t pick, const struct market_symbol *s)
{
    if ((pick >> PICK_RECENT) * 100 < RECENT_BELOW) {
        uint16_t place = market_recent(s, (uint32_t)pick);
        if (place != MARKET_NIL)
            return place;
    }
    return market_any(s, pick);
}

static uint32_t delete_next(struct generator *g, uint32_t symbol, uint64_t pick, uint8_t *message)
{
    struct market_symbol *s = &g->market.symbols[symbol];
    struct itch_common c = mix_stamp(g, symbol);
    uint16_t place = victim_draw(pick, s);
    uint64_t reference = s->orders[place].reference;
    market_remove(&g->market, s, place);
    return itch_delete(message, &c, reference);
}

static uint32_t replace_next(struct generator *g, uint32_t symbol, uint64_t pick, uint8_t *message)
{
    struct market_symbol *s = &g->market.symbols[symbol];
    struct itch_common c = mix_stamp(g, symbol);
    uint16_t place = victim_draw(pick, s);
    uint64_t old_reference = s->orders[place].reference;
    bool bid = s->orders[place].bid;
    market_remove(&g->market, s, place);
    uint32_t level = level_draw(pick, s, bid);
    struct itch_order o = {reference_next(g, s), mix_shares(g), market_price(s, level),
                           bid ? 'B' : 'S'};
    market_add(&g->market, s, bid, level, o.reference, o.shares);
    return itch_replace(message, &c, old_reference, &o);
}

static uint32_t cancel_next(struct generator *g, uint32_t symbol, uint64_t pick, uint8_t *message)
{
    struct market_symbol *s = &g->market.symbols[symbol];
    uint16_t place = victim_draw(pick, s);
    if (s->orders[place].shares < 2) // nothing would be left, and that is what D says
        return delete_next(g, symbol, pick, message);
    struct itch_common c = mix_stamp(g, symbol);
    uint32_t shares = 1 + random_below(&g->random, (uint32_t)s->orders[place].shares - 1);
    s->orders[place].shares -= shares;
    return itch_cancel(message, &c, s->orders[place].reference, shares);
}

// Takes shares from the order and answers how many; the order is gone from the market when all were
// taken.
static uint32_t fill(struct generator *g, struct market_symbol *s, uint16_t place)
{
    uint64_t r = random_next(&g->random);
    uint32_t shares = (uint32_t)s->orders[place].shares;
    if (shares == 1 || (r & 65535) < FULL_FILL_BELOW) {
        market_remove(&g->market, s, place);
        return shares;
    }
    shares = 1 + (uint32_t)((r >> 32) * (shares - 1) >> 32);
    s->orders[place].shares -= shares;
    return shares;
}

// Where the fair price has run through one side, that side is taken.
static bool side_taken(struct generator *g, const struct market_symbol *s)
{
    if (s->best_bid >= s->middle)
        return true;
    if (s->best_ask < s->middle)
        return false;
    return random_next(&g->random) >> 63;
}

static uint32_t executed_next(struct generator *g, uint32_t symbol, uint8_t *message)
{
    struct market_symbol *s = &g->market.symbols[symbol];
    struct itch_common c = mix_stamp(g, symbol);
    bool bid = side_taken(g, s);
    uint16_t place = market_front(s, bid);
    if (place == MARKET_NIL)
        place = market_front(s, !bid);
    uint64_t reference = s->orders[place].reference;
    uint32_t shares = fill(g, s, place);
    g->printed = ++g->match;
    return itch_executed(message, &c, reference, shares, g->match);
}

uint32_t mix_executed_price(struct generator *g, uint32_t symbol, bool bid, char printable,
                            uint8_t *message)
{
    struct market_symbol *s = &g->market.symbols[symbol];
    struct itch_common c = mix_stamp(g, symbol);
    uint16_t place = market_front(s, bid);
    if (place == MARKET_NIL)
        place = market_front(s, bid = !bid);
    uint64_t reference = s->orders[place].reference;
    uint32_t level = (uint32_t)s->orders[place].level;
    uint32_t price = market_price(s, bid ? (level < s->level_max ? level + 1 : level)
                                         : (level > s->level_min ? level - 1 : level));
    uint32_t shares = fill(g, s, place);
    g->match++;
    if (printable == 'Y')
        g->printed = g->match;
    return itch_executed_price(message, &c, reference, shares, g->match, printable, price);
}

static uint32_t trade_next(struct generator *g, uint32_t symbol, uint8_t *message)
{
    struct market_symbol *s = &g->market.symbols[symbol];
    struct itch_common c = mix_stamp(g, symbol);
    g->printed = ++g->match;
    return itch_trade(message, &c, s->name, mix_shares(g), market_price(s, s->middle), g->match);
}

static uint32_t imbalance_next(struct generator *g, uint32_t symbol, uint8_t *message)
{
    static const char directions[4] = {'B', 'S', 'N', 'O'};
    struct market_symbol *s = &g->market.symbols[symbol];
    struct itch_common c = mix_stamp(g, symbol);
    uint64_t r = random_next(&g->random);
    char direction = directions[r & 3];
    uint32_t price = market_price(s, s->middle);
    struct itch_imbalance n = {
        .paired = direction == 'O' ? 0 : r >> 8 & 0x3ffff,
        .imbalance = direction == 'B' || direction == 'S' ? r >> 32 & 0xffff : 0,
        .far_price = direction == 'O' ? 0 : price,
        .near_price = direction == 'O' ? 0 : price,
        .reference_price = price,
        .direction = direction,
        .cross = g->emitted < g->config.messages / 2 ? 'O' : 'C',
        .variation = direction == 'O' ? ' ' : 'L',
    };
    return itch_net_imbalance(message, &c, s->name, &n);
}

// Adds and deletes hold the symbol at its target: the farther it is from it, the more one-sided the
// draw. At the target there are as many more adds as orders end by execution.
static bool churn_adds(uint64_t pick, const struct market_symbol *s)
{
    int32_t missing = (int32_t)s->target - s->count;
    int32_t add_below = CHURN_ADD_2048 + missing * 1024 / s->target;
    return (int32_t)(pick >> PICK_CHURN & 2047) < add_below;
}

static uint32_t churn_next(struct generator *g, uint32_t symbol, uint64_t pick, uint8_t *message)
{
    struct market_symbol *s = &g->market.symbols[symbol];
    if ((churn_adds(pick, s) && !market_full(s)) || s->count == 0)
        return mix_add(g, symbol, pick, message);
    return delete_next(g, symbol, pick, message);
}

// The memory of a symbol is rarely in the cache when its turn comes, so turns are drawn
// GENERATOR_AHEAD messages before they are taken. Each stage touches what the stage before has
// fetched; the guesses may be out of date when the turn comes, which costs time and changes nothing
// else.
static void ahead_draw(struct generator *g, uint32_t at)
{
    struct generator_turn *t = &g->ahead[at % GENERATOR_AHEAD];
    t->symbol = alias_draw(g->alias, random_next(&g->random));
    t->kind = (uint32_t)(random_next(&g->random) >> 32);
    t->pick = random_next(&g->random);
    const uint8_t *s = (const uint8_t *)&g->market.symbols[t->symbol];
    PREFETCHW(s);
    PREFETCHW(s + CACHE_LINE);
}

static void ahead_guess(struct generator *g, uint32_t at)
{
    struct generator_turn *t = &g->ahead[at % GENERATOR_AHEAD];
    const struct market_symbol *s = &g->market.symbols[t->symbol];
    t->place = MARKET_NIL;
    if (t->kind < g->churn_below && churn_adds(t->pick, s)) {
        t->level = (uint16_t)level_draw(t->pick, s, t->pick >> PICK_SIDE & 1);
        PREFETCHW(&s->ladder->queue[t->level]);
        PREFETCHW(&s->ladder->used[t->level / 64]);
        if (s->free != MARKET_NIL)
            PREFETCHW(&s->orders[s->free]);
        return;
    }
    if ((t->pick >> PICK_RECENT) * 100 < RECENT_BELOW)
        t->place = s->recent[t->pick % MARKET_RECENT];
    else
        t->place =
            (uint16_t)((t->pick & 0xffffffff) * s->high >> 32); // the first try of market_any
    if (t->place != MARKET_NIL)
        PREFETCHW(&s->orders[t->place]);
}

static void ahead_links(struct generator *g, uint32_t at)
{
    const struct generator_turn *t = &g->ahead[at % GENERATOR_AHEAD];
    const struct market_symbol *s = &g->market.symbols[t->symbol];
    if (t->place == MARKET_NIL) {
        uint16_t tail = s->ladder->queue[t->level].tail;
        if (tail < s->high)
            PREFETCHW(&s->orders[tail]);
        return;
    }
    const struct market_order *o = &s->orders[t->place];
    PREFETCHW(&s->ladder->queue[o->level]);
    if (o->prev < s->high)
        PREFETCHW(&s->orders[o->prev]);
    if (o->next < s->high)
        PREFETCHW(&s->orders[o->next]);
}

void mix_begin(struct generator *g)
{
    for (uint32_t i = 0; i < GENERATOR_AHEAD; i++)
        ahead_draw(g, i);
    for (uint32_t i = 0; i < GENERATOR_AHEAD; i++)
        ahead_guess(g, i);
    g->ahead_at = 0;
}

static uint32_t turn_take(struct generator *g, const struct generator_turn *t, uint8_t *message)
{
    uint32_t symbol = t->symbol, kind = t->kind;
    struct market_symbol *s = &g->market.symbols[symbol];
    fair_price_move(g, s);
    if (kind < g->churn_below || s->count == 0)
        return churn_next(g, symbol, t->pick, message);
    if (kind < g->replace_below)
        return replace_next(g, symbol, t->pick, message);
    if (kind >= g->executed_below && kind < g->cancel_below)
        return cancel_next(g, symbol, t->pick, message);
    if (kind >= g->cancel_below && kind < g->imbalance_below)
        return imbalance_next(g, symbol, message);
    if (s->halted)
        return churn_next(g, symbol, t->pick, message);
    if (kind < g->executed_below)
        return executed_next(g, symbol, message);
    if (kind < g->trade_below)
        return trade_next(g, symbol, message);
    return mix_executed_price(g, symbol, side_taken(g, s), 'Y', message);
}

uint32_t mix_next(struct generator *g, uint8_t *message)
{
    if (UNLIKELY(g->emitted >= g->event_at))
        return rare_next(g, message);
    uint32_t at = g->ahead_at++;
    struct generator_turn turn = g->ahead[at % GENERATOR_AHEAD];
    ahead_draw(g, at);
    ahead_guess(g, at + GENERATOR_AHEAD * 3 / 4);
    ahead_links(g, at + GENERATOR_AHEAD * 3 / 8);
    return turn_take(g, &turn, message);
}
