#include "bench/exchange/generate.h"

#include <stdlib.h>
#include <string.h>

#include "bench/exchange/generate_mix.h"

#define SECOND 1000000000ull
#define HOUR   (3600 * SECOND)
#define MINUTE (60 * SECOND)

enum {
    DIRECTORY_LEAD = 40, // R messages ahead of the H and Y of the first symbol, as in real files
    PARTICIPANTS_OF_DAY = 1901 // messages of a day to one L: 193,769 of 368,366,634
};

// When a phase begins and ends. Messages inside are spread over it; the clock never passes its end.
static const struct {
    uint64_t from_ns, to_ns;
} phase_times[PHASE_OVER] = {
    [PHASE_START] = {3 * HOUR + 4 * MINUTE, 3 * HOUR + 4 * MINUTE},
    [PHASE_DIRECTORY] = {3 * HOUR + 4 * MINUTE + SECOND, 3 * HOUR + 4 * MINUTE + 20 * SECOND},
    [PHASE_PARTICIPANTS] = {3 * HOUR + 5 * MINUTE, 3 * HOUR + 5 * MINUTE + 20 * SECOND},
    [PHASE_LEVELS] = {3 * HOUR + 6 * MINUTE, 3 * HOUR + 6 * MINUTE},
    [PHASE_IPO] = {3 * HOUR + 6 * MINUTE, 3 * HOUR + 7 * MINUTE},
    [PHASE_SYSTEM_HOURS] = {4 * HOUR, 4 * HOUR},
    [PHASE_OPENING_BOOK] = {4 * HOUR, 9 * HOUR + 29 * MINUTE},
    [PHASE_MARKET_HOURS] = {9 * HOUR + 30 * MINUTE, 9 * HOUR + 30 * MINUTE},
    [PHASE_OPENING_CROSS] = {9 * HOUR + 30 * MINUTE, 9 * HOUR + 30 * MINUTE + SECOND},
    [PHASE_MIX] = {9 * HOUR + 30 * MINUTE + SECOND, 16 * HOUR - 1},
    [PHASE_MARKET_END] = {16 * HOUR, 16 * HOUR},
    [PHASE_CLOSING_CROSS] = {16 * HOUR, 16 * HOUR + SECOND},
    [PHASE_SYSTEM_END] = {20 * HOUR, 20 * HOUR},
    [PHASE_MESSAGES_END] = {20 * HOUR + 5 * MINUTE, 20 * HOUR + 5 * MINUTE},
};

// Messages that every day of <n> symbols has: R, H, Y and two crosses a symbol, at most one
// execution before the opening cross, the six system events, V and K.
static uint64_t fixed_messages(uint64_t n)
{
    return 6 * n + 8;
}

static bool config_check(struct generator *g, struct error *err)
{
    struct generator_config *c = &g->config;
    if (c->symbols == 0 || c->symbols > MARKET_SYMBOLS_MAX)
        return error_set(err, EXIT_USAGE, "generator: symbols: %u is not 1 to %d", c->symbols,
                         MARKET_SYMBOLS_MAX);
    if (c->live_max < c->symbols || c->live_max > 64000000)
        return error_set(err, EXIT_USAGE,
                         "generator: live orders: %u is not %u (one a symbol) to 64,000,000",
                         c->live_max, c->symbols);
    if (c->messages > 1ull << 36)
        return error_set(err, EXIT_USAGE, "generator: messages: %llu is more than 2^36",
                         (unsigned long long)c->messages);
    g->participants = c->messages / PARTICIPANTS_OF_DAY;
    uint64_t fixed = fixed_messages(c->symbols) + g->participants;
    if (c->messages < fixed + 2ull * c->symbols)
        return error_set(
            err, EXIT_USAGE,
            "generator: messages: %llu is too few for a day of %u symbols, which needs %llu; "
            "raise --messages or lower --symbols",
            (unsigned long long)c->messages, c->symbols,
            (unsigned long long)(fixed_messages(c->symbols) + 2ull * c->symbols) * 1901 / 1900 + 1);
    uint64_t room = c->messages - fixed;
    if (c->opening_orders > c->live_max || c->opening_orders > room)
        return error_set(err, EXIT_USAGE,
                         "generator: opening orders: %u is more than the live orders (%u) or the "
                         "messages allow (%llu)",
                         c->opening_orders, c->live_max, (unsigned long long)room);
    if (c->opening_orders == 0)
        c->opening_orders = c->live_max < room / 2 ? c->live_max : (uint32_t)(room / 2);
    g->live_target = c->opening_orders;
    return true;
}

static void phase_enter(struct generator *g, enum generator_phase phase, uint64_t messages)
{
    g->phase = phase;
    g->done = 0;
    if (phase == PHASE_OVER)
        return;
    if (g->clock_ns < phase_times[phase].from_ns)
        g->clock_ns = phase_times[phase].from_ns;
    g->clock_limit_ns = phase_times[phase].to_ns;
    g->gap_ns = (g->clock_limit_ns - g->clock_ns) / (messages ? messages : 1);
}

static void alias_by_target(struct generator *g)
{
    for (uint32_t i = 0; i < g->config.symbols; i++)
        g->weights[i] = g->market.symbols[i].target;
    alias_build(g->alias, g->weights, g->config.symbols, g->alias_work);
}

static void alias_by_activity(struct generator *g)
{
    universe_activity(g->weights, g->rank, g->config.symbols);
    alias_build(g->alias, g->weights, g->config.symbols, g->alias_work);
}

bool generator_init(struct generator *g, const struct generator_config *config, struct error *err)
{
    memset(g, 0, sizeof *g);
    g->config = *config;
    if (!config_check(g, err))
        return false;
    uint32_t n = g->config.symbols;
    random_seed(&g->random, config->seed);
    g->market.count = n;
    g->market.symbols =
        aligned_alloc(64, ((size_t)n * sizeof *g->market.symbols + 63) & ~(size_t)63);
    g->alias = malloc(sizeof *g->alias);
    g->rank = malloc((size_t)n * sizeof *g->rank);
    g->weights = malloc((size_t)n * sizeof *g->weights);
    g->alias_work = malloc(2 * (size_t)n * sizeof *g->alias_work);
    if (!g->market.symbols || !g->alias || !g->rank || !g->weights || !g->alias_work)
        return error_set(err, EXIT_FAILED, "generator: no memory for %u symbols; lower --symbols",
                         n);
    memset(g->market.symbols, 0, (size_t)n * sizeof *g->market.symbols);
    universe_ranks(g->rank, n, &g->random);
    if (!universe_names(&g->market, &g->random))
        return error_set(err, EXIT_FAILED, "generator: no memory for %u symbols; lower --symbols",
                         n);
    universe_prices(&g->market, &g->random);
    if (!universe_targets(&g->market, g->rank, g->live_target, err) ||
        !market_init(&g->market, err))
        return false;
    g->live_target = 0;
    for (uint32_t i = 0; i < n; i++)
        g->live_target += g->market.symbols[i].target;
    for (uint32_t e = 0; e < 4; e++)
        g->engine[e] = 1000 + random_below(&g->random, 100000);
    g->ipo = n >= 16 ? random_below(&g->random, n) : n;
    mix_init(g);
    phase_enter(g, PHASE_START, 1);
    return true;
}

void generator_free(struct generator *g)
{
    market_free(&g->market);
    free(g->market.symbols);
    free(g->alias);
    free(g->rank);
    free(g->weights);
    free(g->alias_work);
    memset(g, 0, sizeof *g);
    g->phase = PHASE_OVER;
}

// R runs ahead of H and Y, which follow in turns.
static uint32_t directory_next(struct generator *g, uint8_t *message)
{
    uint32_t *sent = g->directory;
    uint32_t n = g->config.symbols;
    uint32_t which = sent[0] < n && sent[0] < sent[1] + DIRECTORY_LEAD ? 0
                     : sent[1] == sent[2]                              ? 1
                                                                       : 2;
    uint32_t symbol = sent[which]++;
    struct market_symbol *s = &g->market.symbols[symbol];
    struct itch_common c = mix_stamp(g, symbol);
    uint64_t r = random_mix(g->config.seed ^ random_mix(symbol));
    bool ipo = symbol == g->ipo;
    if (which == 1)
        return itch_trading_action(message, &c, s->name, ipo ? 'H' : 'T', ipo ? "IPO1" : "    ");
    if (which == 2)
        return itch_reg_sho(message, &c, s->name, (r & 255) == 0 ? '2' : '0');
    static const char categories[8] = {'Q', 'Q', 'G', 'S', 'N', 'N', 'P', 'A'};
    char category = categories[r & 7];
    bool nasdaq = category == 'Q' || category == 'G' || category == 'S';
    bool etp = category == 'P' || (category == 'G' && (r >> 8 & 3) == 0);
    struct itch_directory d = {
        .category = category,
        .financial = nasdaq ? 'N' : ' ',
        .round_lot = s->reference_price > 2500000 && (r >> 16 & 15) == 0 ? 10 : 100,
        .round_lots_only = 'N',
        .classification = etp ? 'Q' : 'C',
        .sub_type = {etp ? 'I' : 'Z', ' '},
        .authenticity = 'P',
        .threshold = 'N',
        .ipo = nasdaq ? (ipo ? 'Y' : 'N') : ' ',
        .tier = g->rank[symbol] < 1000 ? '1' : '2',
        .etp = etp ? 'Y' : 'N',
        .leverage = etp ? 1 + (uint32_t)((r >> 24 & 7) == 0) : 0,
        .inverse = etp && (r >> 32 & 15) == 0 ? 'Y' : 'N',
    };
    s->halted = ipo;
    return itch_stock_directory(message, &c, s->name, &d);
}

static uint32_t participant_next(struct generator *g, uint8_t *message)
{
    static const char mpids[4][4] = {"NITE", "CDEL", "GSCO", "VIRT"};
    uint32_t symbol = (uint32_t)(g->done % g->config.symbols);
    struct itch_common c = mix_stamp(g, symbol);
    uint64_t r = random_next(&g->random);
    return itch_participant(message, &c, g->market.symbols[symbol].name, mpids[r & 3],
                            r & 4 ? 'Y' : 'N', 'N', 'A');
}

// Every eighth symbol executes its best order off the tape before the cross that prints it.
static uint32_t opening_cross_next(struct generator *g, uint8_t *message)
{
    uint32_t symbol = (uint32_t)g->done;
    struct market_symbol *s = &g->market.symbols[symbol];
    bool open = s->count > 0 && !s->halted;
    if (open && !g->crossed && random_below(&g->random, 8) == 0) {
        g->crossed = true;
        g->done--; // the cross of this symbol still follows
        return mix_executed_price(g, symbol, true, 'N', message);
    }
    struct itch_common c = mix_stamp(g, symbol);
    uint64_t shares = g->crossed                            ? 4096 + mix_shares(g)
                      : open && random_below(&g->random, 2) ? mix_shares(g)
                                                            : 0;
    g->crossed = false;
    return itch_cross(message, &c, s->name, shares, shares ? market_price(s, s->middle) : 0,
                      ++g->match, 'O');
}

static uint32_t closing_cross_next(struct generator *g, uint8_t *message)
{
    uint32_t symbol = (uint32_t)g->done;
    struct market_symbol *s = &g->market.symbols[symbol];
    struct itch_common c = mix_stamp(g, symbol);
    uint64_t shares = random_below(&g->random, 2) && !s->halted ? mix_shares(g) * 16ull : 0;
    return itch_cross(message, &c, s->name, shares, shares ? market_price(s, s->middle) : 0,
                      ++g->match, 'C');
}

static uint32_t levels_next(struct generator *g, uint8_t *message)
{
    static const uint64_t levels[3] = {248513000000, 232481000000, 213777000000};
    return itch_decline_levels(message, g->clock_ns, levels);
}

static uint32_t ipo_next(struct generator *g, uint8_t *message)
{
    struct market_symbol *s = &g->market.symbols[g->ipo];
    return itch_ipo_quotation(message, g->clock_ns, s->name, 10 * 3600, 'A', s->reference_price);
}

// Messages that a phase still has to emit before the next one begins.
static uint64_t phase_length(const struct generator *g, enum generator_phase phase)
{
    uint64_t n = g->config.symbols;
    switch (phase) {
    case PHASE_DIRECTORY: return 3 * n;
    case PHASE_PARTICIPANTS: return g->participants;
    case PHASE_IPO: return g->ipo < n ? 1 : 0;
    case PHASE_OPENING_BOOK: return g->config.opening_orders;
    case PHASE_OPENING_CROSS:
    case PHASE_CLOSING_CROSS: return n;
    case PHASE_MIX: return g->config.messages - g->emitted - (n + 3);
    default: return 1;
    }
}

static void phase_advance(struct generator *g)
{
    for (;;) {
        enum generator_phase next = g->phase + 1;
        uint64_t length = next == PHASE_OVER ? 0 : phase_length(g, next);
        phase_enter(g, next, length);
        if (next == PHASE_OPENING_BOOK)
            alias_by_target(g);
        if (next == PHASE_MIX) {
            alias_by_activity(g);
            mix_begin(g);
            rare_init(g, length);
            if (g->ipo < g->config.symbols)
                rare_ipo(g);
        }
        if (length || next == PHASE_OVER)
            return;
    }
}

static uint32_t opening_book_next(struct generator *g, uint8_t *message)
{
    uint32_t symbol = alias_draw(g->alias, random_next(&g->random));
    // A symbol without a free place hands over to its neighbours; there are half as many places
    // again as orders.
    while (market_full(&g->market.symbols[symbol]))
        symbol = symbol + 1 < g->config.symbols ? symbol + 1 : 0;
    return mix_add(g, symbol, random_next(&g->random), message);
}

static uint32_t phase_next(struct generator *g, uint8_t *message)
{
    switch (g->phase) {
    case PHASE_START: return itch_system_event(message, g->clock_ns, 'O');
    case PHASE_DIRECTORY: return directory_next(g, message);
    case PHASE_PARTICIPANTS: return participant_next(g, message);
    case PHASE_LEVELS: return levels_next(g, message);
    case PHASE_IPO: return ipo_next(g, message);
    case PHASE_SYSTEM_HOURS: return itch_system_event(message, g->clock_ns, 'S');
    case PHASE_OPENING_BOOK: return opening_book_next(g, message);
    case PHASE_MARKET_HOURS: return itch_system_event(message, g->clock_ns, 'Q');
    case PHASE_OPENING_CROSS: return opening_cross_next(g, message);
    case PHASE_MIX: return mix_next(g, message);
    case PHASE_MARKET_END: return itch_system_event(message, g->clock_ns, 'M');
    case PHASE_CLOSING_CROSS: return closing_cross_next(g, message);
    case PHASE_SYSTEM_END: return itch_system_event(message, g->clock_ns, 'E');
    case PHASE_MESSAGES_END: return itch_system_event(message, g->clock_ns, 'C');
    case PHASE_OVER: break;
    }
    return 0;
}

uint32_t generator_next(struct generator *g, uint8_t *message)
{
    if (g->phase == PHASE_MIX) {
        // The common case, ahead of the table: nothing but the end of the mix has to be watched.
        uint32_t length = mix_next(g, message);
        if (++g->emitted + g->config.symbols + 3 == g->config.messages)
            phase_advance(g);
        return length;
    }
    if (g->phase == PHASE_OVER)
        return 0;
    uint32_t length = phase_next(g, message);
    g->emitted++;
    g->done++;
    if (g->done == phase_length(g, g->phase))
        phase_advance(g);
    return length;
}
