// The generated day against an independent model, its mix against the counts of a real day.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "bench/exchange/generate.h"
#include "tests/unit/exchange/model.h"

static struct generator *generator_make(const struct generator_config *config)
{
    struct generator *g = malloc(sizeof *g);
    struct error err = {0};
    if (!generator_init(g, config, &err))
        fail_msg("%s", err.text);
    return g;
}

static void generator_drop(struct generator *g)
{
    generator_free(g);
    free(g);
}

// Every message has the length of its type, refers to what lives, leaves no crossed book;
// executions take the front of the best queue and never happen in a halt; time does not go back;
// the live orders stay near the target.
static void day_is_valid(void **state)
{
    (void)state;
    const struct generator_config shapes[] = {
        {.seed = 1, .symbols = 300, .live_max = 20000, .messages = 400000},
        {.seed = 2, .symbols = 1, .live_max = 300, .messages = 100000},
        {.seed = 3, .symbols = 40, .live_max = 40, .messages = 50000},
        {.seed = 4,
         .symbols = 2000,
         .live_max = 30000,
         .opening_orders = 25000,
         .messages = 200000},
    };
    for (uint32_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct generator *g = generator_make(&shapes[i]);
        struct model *m = model_make(shapes[i].messages);
        uint8_t message[GENERATOR_MESSAGE_MAX];
        uint64_t time = 0, messages = 0, low = UINT64_MAX, high = 0;
        uint32_t length, last = 0;
        while ((length = generator_next(g, message)) > 0) {
            messages++;
            assert_int_equal(length, model_length(message[0]));
            uint64_t t = model_int(message + 5, 6);
            assert_true(t >= time && t < 86400000000000);
            time = t;
            if (!model_apply(m, message, true))
                fail_msg("shape %u, message %lu (%c): %s", i, (unsigned long)messages, message[0],
                         m->problem);
            if (g->phase == PHASE_MIX) {
                low = m->live < low ? m->live : low;
                high = m->live > high ? m->live : high;
            }
            last = message[0];
        }
        assert_int_equal(messages, shapes[i].messages);
        assert_int_equal(last, 'S');
        assert_int_equal(message[11], 'C');
        assert_int_equal(m->live, g->market.live);
        // Small books breathe by the order; in large ones this is noise.
        uint64_t slack = g->live_target / 20 + 60;
        uint64_t least =
            g->live_target < g->config.opening_orders ? g->live_target : g->config.opening_orders;
        assert_true(low + slack >= least);
        assert_in_range(high, 0, g->live_target + slack);
        generator_drop(g);
        model_drop(m);
    }
}

// Shares of the messages between opening and close, in hundredths of a per cent, as the whole of 30
// January 2019 had them.
static void mix_is_of_a_real_day(void **state)
{
    (void)state;
    static const struct {
        char type;
        uint32_t share, tolerance;
    } real[] = {{'A', 4424, 60}, {'D', 4297, 60}, {'U', 739, 15}, {'E', 220, 10}, {'X', 127, 10},
                {'I', 100, 5},   {'F', 47, 5},    {'P', 36, 5},   {'C', 4, 2}};
    struct generator_config config = {
        .seed = 5, .symbols = 4000, .live_max = 200000, .messages = 2000000};
    struct generator *g = generator_make(&config);
    uint8_t message[GENERATOR_MESSAGE_MAX];
    uint64_t counts[256] = {0}, total = 0, day[256] = {0};
    while (generator_next(g, message)) {
        day[message[0]]++;
        if (g->phase == PHASE_MIX) {
            counts[message[0]]++;
            total++;
        }
    }
    for (uint32_t i = 0; i < sizeof real / sizeof *real; i++) {
        uint64_t count = counts[(uint8_t)real[i].type] * 10000;
        if (count < (real[i].share - real[i].tolerance) * total ||
            count > (real[i].share + real[i].tolerance) * total)
            fail_msg("%c: %lu of %lu messages, a real day has %u in 10,000", real[i].type,
                     (unsigned long)count / 10000, (unsigned long)total, real[i].share);
    }
    assert_int_equal(day['R'], 4000);
    assert_int_equal(day['S'], 6);
    assert_int_equal(day['V'], 1);
    assert_int_equal(day['K'], 1);
    assert_true(day['H'] > 4000 && day['Y'] > 4000 && day['Q'] >= 8000);
    assert_true(day['J'] > 0 && day['B'] > 0 && day['h'] > 1 && day['L'] > 0);
    generator_drop(g);
}

static int descending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

// Thousands of symbols, the busiest with some per cent of the traffic, the last with next to
// nothing.
static void activity_is_heavy_tailed(void **state)
{
    (void)state;
    struct generator_config config = {
        .seed = 6, .symbols = 8000, .live_max = 300000, .messages = 2000000};
    struct generator *g = generator_make(&config);
    uint64_t *counts = calloc(8001, sizeof *counts), total = 0;
    uint8_t message[GENERATOR_MESSAGE_MAX];
    while (generator_next(g, message))
        if (g->phase == PHASE_MIX) {
            counts[model_int(message + 1, 2)]++;
            total++;
        }
    qsort(counts, 8001, sizeof *counts, descending);
    uint64_t top100 = 0, last4000 = 0;
    for (uint32_t i = 0; i < 100; i++)
        top100 += counts[i];
    for (uint32_t i = 4000; i < 8000; i++)
        last4000 += counts[i];
    assert_in_range(counts[0] * 1000 / total, 20, 40);  // 2 to 4 %
    assert_in_range(top100 * 1000 / total, 220, 320);   // a quarter
    assert_in_range(last4000 * 1000 / total, 100, 250); // half of the symbols
    assert_true(counts[7999] > 0);
    free(counts);
    generator_drop(g);
}

// Order references and prices: unique (the model checks that), growing in the long run, not in
// order, with gaps; whole cents from a dollar on; names unique and in the order of the locates.
static void references_prices_and_names(void **state)
{
    (void)state;
    struct generator_config config = {
        .seed = 7, .symbols = 3000, .live_max = 60000, .messages = 300000};
    struct generator *g = generator_make(&config);
    uint8_t message[GENERATOR_MESSAGE_MAX], name[8] = {0};
    uint64_t last = 0, back = 0, adds = 0, first = 0, most = 0, fine = 0;
    while (generator_next(g, message)) {
        if (message[0] == 'R') {
            assert_true(memcmp(name, message + 11, 8) < 0);
            memcpy(name, message + 11, 8);
        }
        if (message[0] != 'A')
            continue;
        uint64_t reference = model_int(message + 11, 8), price = model_int(message + 32, 4);
        first = first ? first : reference;
        most = reference > most ? reference : most;
        back += reference < last;
        last = reference;
        adds++;
        assert_true(price > 0 && (price < 10000 || price % 100 == 0));
        fine += price % 100 != 0;
    }
    assert_true(fine > 0);
    assert_in_range(back, adds / 5, adds / 2);
    assert_true(most > first + adds * 2);
    generator_drop(g);
}

static uint64_t day_hash(uint64_t seed)
{
    struct generator_config config = {
        .seed = seed, .symbols = 500, .live_max = 10000, .messages = 100000};
    struct generator *g = generator_make(&config);
    uint8_t message[GENERATOR_MESSAGE_MAX];
    uint64_t hash = 0xcbf29ce484222325;
    uint32_t length;
    while ((length = generator_next(g, message)) > 0)
        for (uint32_t i = 0; i < length; i++)
            hash = (hash ^ message[i]) * 0x100000001b3;
    generator_drop(g);
    return hash;
}

// The same bytes with every compiler and on every machine: recorded results depend on it.
static void day_is_reproducible(void **state)
{
    (void)state;
    assert_int_equal(day_hash(1), 0xac176012593cb440);
    assert_int_equal(day_hash(1), day_hash(1));
    assert_true(day_hash(1) != day_hash(2));
}

static void impossible_days_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct generator_config config;
        const char *says;
    } bad[] = {
        {{.symbols = 0, .live_max = 10, .messages = 1000}, "symbols: 0"},
        {{.symbols = 65536, .live_max = 70000, .messages = 10000000}, "symbols: 65536"},
        {{.symbols = 100, .live_max = 99, .messages = 10000}, "live orders: 99"},
        {{.symbols = 100, .live_max = 1000, .messages = 800}, "raise --messages"},
        {{.symbols = 1, .live_max = 100000, .messages = 10000000}, "lower --live"},
        {{.symbols = 10, .live_max = 100, .opening_orders = 101, .messages = 10000},
         "opening orders: 101"},
    };
    for (uint32_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct generator g;
        struct error err = {0};
        assert_false(generator_init(&g, &bad[i].config, &err));
        assert_int_equal(err.code, EXIT_USAGE);
        if (!strstr(err.text, bad[i].says))
            fail_msg("'%s' does not say '%s'", err.text, bad[i].says);
        generator_free(&g);
    }
    // What the refusal of too few messages names is enough.
    struct generator_config least = {.symbols = 100, .live_max = 1000, .messages = 1};
    struct generator g;
    struct error err = {0};
    assert_false(generator_init(&g, &least, &err));
    least.messages = strtoull(strstr(err.text, "needs ") + 6, NULL, 10);
    generator_free(&g);
    uint8_t message[GENERATOR_MESSAGE_MAX];
    err = (struct error){0};
    assert_true(generator_init(&g, &least, &err));
    uint64_t n = 0;
    while (generator_next(&g, message))
        n++;
    assert_int_equal(n, least.messages);
    generator_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(day_is_valid),
        cmocka_unit_test(mix_is_of_a_real_day),
        cmocka_unit_test(activity_is_heavy_tailed),
        cmocka_unit_test(references_prices_and_names),
        cmocka_unit_test(day_is_reproducible),
        cmocka_unit_test(impossible_days_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
