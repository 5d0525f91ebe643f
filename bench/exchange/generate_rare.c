// What happens a few times a day: pauses and halts with their reopening, operational halts,
// short-sale restrictions, broken trades. Each is a series of messages, spread over the traffic of
// the other symbols.
#include "bench/exchange/generate_mix.h"

enum step {
    STEP_PAUSE,      // H P LUDP
    STEP_COLLAR,     // J
    STEP_NEWS,       // H H T1
    STEP_QUOTATION,  // H Q
    STEP_CROSS,      // Q H
    STEP_RESUME,     // H T
    STEP_MARKET_OFF, // h H
    STEP_MARKET_ON,  // h T
    STEP_SHORT_SALE, // Y 1
    STEP_BREAK,      // B
    STEP_NONE,
};

// What follows, and after how many messages in the mean (in 1/64 of the distance between rare
// events).
static const struct {
    enum step next;
    uint32_t after_64;
} follow[STEP_NONE] = {
    [STEP_PAUSE] = {STEP_COLLAR, 0},          [STEP_COLLAR] = {STEP_QUOTATION, 16},
    [STEP_NEWS] = {STEP_QUOTATION, 32},       [STEP_QUOTATION] = {STEP_CROSS, 16},
    [STEP_CROSS] = {STEP_RESUME, 0},          [STEP_RESUME] = {STEP_NONE, 0},
    [STEP_MARKET_OFF] = {STEP_MARKET_ON, 32}, [STEP_MARKET_ON] = {STEP_NONE, 0},
    [STEP_SHORT_SALE] = {STEP_NONE, 0},       [STEP_BREAK] = {STEP_NONE, 0},
};

static void nearest_update(struct generator *g)
{
    g->event_at = g->rare_at;
    for (uint32_t i = 0; i < g->halt_count; i++)
        if (g->halts[i].at < g->event_at)
            g->event_at = g->halts[i].at;
}

void rare_init(struct generator *g, uint64_t mix_messages)
{
    // A real day has a rare event every few million messages; here more often, so that a short day
    // shows them too.
    g->rare_interval = mix_messages > 4000000 ? 200000 : mix_messages / 20 + 1;
    g->rare_at = g->emitted + 1 + random_below(&g->random, (uint32_t)g->rare_interval);
    nearest_update(g);
}

// The new listing of the day leaves its quotation-only period a while after the opening.
void rare_ipo(struct generator *g)
{
    g->halts[0] =
        (struct generator_halt){g->ipo, STEP_QUOTATION, g->emitted + 1 + g->rare_interval};
    g->halt_count = 1;
    nearest_update(g);
}

static uint32_t step_write(struct generator *g, uint32_t symbol, enum step step, uint8_t *message)
{
    struct market_symbol *s = &g->market.symbols[symbol];
    struct itch_common c = mix_stamp(g, symbol);
    uint32_t price = market_price(s, s->middle);
    switch (step) {
    case STEP_PAUSE: s->halted = 1; return itch_trading_action(message, &c, s->name, 'P', "LUDP");
    case STEP_COLLAR:
        return itch_collar(message, &c, s->name, price, price + price / 20, price - price / 20, 0);
    case STEP_NEWS: s->halted = 1; return itch_trading_action(message, &c, s->name, 'H', "T1  ");
    case STEP_QUOTATION:
        return itch_trading_action(message, &c, s->name, 'Q', symbol == g->ipo ? "IPOQ" : "T7  ");
    case STEP_CROSS:
        return itch_cross(message, &c, s->name, mix_shares(g) * 8ull, price, ++g->match, 'H');
    case STEP_RESUME: s->halted = 0; return itch_trading_action(message, &c, s->name, 'T', "    ");
    case STEP_MARKET_OFF:
        s->halted = 1;
        return itch_operational_halt(message, &c, s->name, 'Q', 'H');
    case STEP_MARKET_ON:
        s->halted = 0;
        return itch_operational_halt(message, &c, s->name, 'Q', 'T');
    case STEP_SHORT_SALE: return itch_reg_sho(message, &c, s->name, '1');
    default: break;
    }
    return itch_broken(message, &c, g->printed);
}

static void follow_up(struct generator *g, struct generator_halt *halt)
{
    uint32_t after = follow[halt->step].after_64;
    halt->step = (uint8_t)follow[halt->step].next;
    halt->at =
        g->emitted + 1 + random_below(&g->random, (uint32_t)(g->rare_interval * after / 32) + 1);
}

static uint32_t rare_begin(struct generator *g, uint8_t *message)
{
    static const enum step firsts[8] = {STEP_PAUSE,      STEP_PAUSE,      STEP_NEWS,
                                        STEP_MARKET_OFF, STEP_SHORT_SALE, STEP_SHORT_SALE,
                                        STEP_BREAK,      STEP_BREAK};
    g->rare_at = g->emitted + 1 + random_below(&g->random, (uint32_t)g->rare_interval * 2);
    enum step first = firsts[random_next(&g->random) >> 61];
    uint32_t symbol = alias_draw(g->alias, random_next(&g->random));
    if (first == STEP_BREAK && !g->printed)
        first = STEP_SHORT_SALE;
    bool lasts = follow[first].next != STEP_NONE;
    if (lasts && (g->halt_count == GENERATOR_HALTS || g->market.symbols[symbol].halted ||
                  g->config.symbols < 4)) {
        first = STEP_SHORT_SALE;
        lasts = false;
    }
    if (lasts) {
        struct generator_halt *halt = &g->halts[g->halt_count++];
        *halt = (struct generator_halt){.symbol = symbol, .step = (uint8_t)first};
        follow_up(g, halt);
    }
    return step_write(g, symbol, first, message);
}

uint32_t rare_next(struct generator *g, uint8_t *message)
{
    uint32_t length;
    struct generator_halt *due = NULL;
    for (uint32_t i = 0; i < g->halt_count; i++)
        if (g->halts[i].at <= g->emitted)
            due = &g->halts[i];
    if (due) {
        uint32_t symbol = due->symbol;
        enum step step = due->step;
        follow_up(g, due);
        if (due->step == STEP_NONE)
            *due = g->halts[--g->halt_count];
        length = step_write(g, symbol, step, message);
    } else {
        length = rare_begin(g, message);
    }
    nearest_update(g);
    return length;
}
