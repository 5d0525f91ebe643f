#include "bench/exchange/universe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT_TOP = 1 << 24 };

void alias_build(struct alias *a, const uint32_t *weights, uint32_t count, uint64_t *work)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += weights[i];
    // <scaled>: weight x count, so that the average is <sum>. <stack>: indexes below average grow
    // from the left, the others from the right.
    uint64_t *scaled = work;
    uint64_t *stack = work + count;
    uint32_t small = 0, large = count;
    for (uint32_t i = 0; i < count; i++) {
        scaled[i] = (uint64_t)weights[i] * count;
        stack[scaled[i] < sum ? small++ : --large] = i;
    }
    while (small > 0 && large < count) {
        uint32_t s = (uint32_t)stack[--small], l = (uint32_t)stack[large];
        a->slot[s].keep = (uint32_t)((double)scaled[s] / (double)sum * 4294967295.0);
        a->slot[s].other = l;
        scaled[l] -= sum - scaled[s];
        if (scaled[l] < sum) {
            large++;
            stack[small++] = l;
        }
    }
    while (small > 0) {
        uint32_t s = (uint32_t)stack[--small];
        a->slot[s].keep = UINT32_MAX;
        a->slot[s].other = s;
    }
    for (; large < count; large++) {
        uint32_t l = (uint32_t)stack[large];
        a->slot[l].keep = UINT32_MAX;
        a->slot[l].other = l;
    }
    a->count = count;
}

// One to four letters, some with a fifth letter (warrant, unit, right, preferred) or a class after
// a sign.
static void name_draw(char name[9], struct random *r)
{
    static const char *const endings[] = {"W",  "U",  "R",  "P", ".A", ".B",
                                          "-A", "-B", "-C", "+", "="};
    uint32_t dice = random_below(r, 100);
    uint32_t letters = dice < 1 ? 1 : dice < 5 ? 2 : dice < 35 ? 3 : 4;
    memset(name, ' ', 8);
    for (uint32_t i = 0; i < letters; i++)
        name[i] = (char)('A' + random_below(r, 26));
    if (random_below(r, 100) < 14) {
        const char *ending = endings[random_below(r, sizeof endings / sizeof *endings)];
        memcpy(name + letters, ending, strlen(ending));
    }
    name[8] = 0;
}

static int name_compare(const void *a, const void *b)
{
    return memcmp(a, b, 8);
}

bool universe_names(struct market *m, struct random *r)
{
    char(*names)[9] = malloc((size_t)m->count * sizeof *names);
    if (!names)
        return false;
    uint32_t have = 0;
    while (have < m->count) {
        for (; have < m->count; have++)
            name_draw(names[have], r);
        qsort(names, have, sizeof *names, name_compare);
        uint32_t unique = 1;
        for (uint32_t i = 1; i < have; i++)
            if (memcmp(names[i], names[unique - 1], 8) != 0)
                memmove(names[unique++], names[i], sizeof *names);
        have = unique;
    }
    for (uint32_t i = 0; i < m->count; i++)
        memcpy(m->symbols[i].name, names[i], 8);
    free(names);
    return true;
}

// Classes of reference prices: share of the symbols in per cent, bounds with four decimals.
static const struct {
    uint32_t percent, low, high, spread_low, spread_high;
} price_classes[] = {
    {3, 600, 8000, 4, 40},           // below a dollar: ticks of 0.0001
    {17, 10000, 100000, 1, 3},       //
    {50, 100000, 600000, 2, 8},      //
    {25, 600000, 2500000, 4, 20},    //
    {5, 2500000, 30000000, 20, 100}, //
};

void universe_prices(struct market *m, struct random *r)
{
    for (uint32_t i = 0; i < m->count; i++) {
        struct market_symbol *s = &m->symbols[i];
        uint32_t dice = random_below(r, 100), class = 0;
        while (dice >= price_classes[class].percent)
            dice -= price_classes[class ++].percent;
        uint32_t low = price_classes[class].low;
        uint32_t range = price_classes[class].high - low;
        // The smaller of two draws: more cheap symbols than dear ones inside a class.
        uint32_t x = random_below(r, range), y = random_below(r, range);
        s->tick = class == 0 ? 1 : 100;
        s->reference_price = (low + (x < y ? x : y)) / s->tick * s->tick;
        uint32_t wide = price_classes[class].spread_high - price_classes[class].spread_low + 1;
        s->spread = (uint16_t)(price_classes[class].spread_low + random_below(r, wide));
        s->engine = (uint8_t)random_below(r, 4);
    }
}

void universe_ranks(uint32_t *rank, uint32_t count, struct random *r)
{
    for (uint32_t i = 0; i < count; i++)
        rank[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = random_below(r, i);
        uint32_t t = rank[i - 1];
        rank[i - 1] = rank[j];
        rank[j] = t;
    }
}

void universe_activity(uint32_t *weights, const uint32_t *rank, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        double x = rank[i] + 1.0;
        weights[i] = (uint32_t)(WEIGHT_TOP / (sqrt(x) * sqrt(sqrt(x))));
    }
}

bool universe_targets(struct market *m, const uint32_t *rank, uint32_t live, struct error *err)
{
    double sum = 0;
    for (uint32_t i = 0; i < m->count; i++)
        sum += 1 / sqrt(rank[i] + 1.0);
    const double most = MARKET_SYMBOL_ORDERS / 2.0; // half of the places: a day has ups and downs
    double top = live / sum;
    if (top > most)
        return error_set(
            err, EXIT_USAGE,
            "generator: %u live orders on %u symbols put %.0f on one of them, at most %.0f; "
            "lower --live or raise --symbols",
            live, m->count, top, most);
    for (uint32_t i = 0; i < m->count; i++) {
        double target = top / sqrt(rank[i] + 1.0) + 0.5;
        m->symbols[i].target = (uint16_t)(target < 1 ? 1 : target);
    }
    return true;
}
