// The book against a slow obvious model: an array of live orders in arrival order.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/book/book.h"
#include "dataplane/book/book_hot.h"

static struct book *book_make(struct book_config config)
{
    book_config_defaults(&config);
    size_t bytes = (book_bytes(&config, NULL) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    struct book *book = malloc(sizeof *book);
    book_init(book, &config, memory);
    return book;
}

static void book_drop(struct book *book)
{
    free(book->records); // first part of the block
    free(book);
}

static void assert_sound(const struct book *book)
{
    char why[200] = "";
    if (!book_check(book, why, sizeof why))
        fail_msg("%s", why);
}

static uint32_t add(struct book *b, uint32_t slot, enum book_side side, uint64_t ref,
                    uint32_t shares, uint32_t price)
{
    return book_add(b, (struct book_add){.key = order_key(b, ref),
                                         .level = level_key(owner_of(slot, side), price),
                                         .shares = shares,
                                         .hint = book_level_any(b)});
}

static uint32_t del(struct book *b, uint32_t slot, uint64_t ref)
{
    return book_delete(b, slot, order_key(b, ref), 0);
}

static uint32_t reduce(struct book *b, uint32_t slot, uint64_t ref, uint32_t shares)
{
    uint32_t price = 0;
    return book_reduce(b, slot, order_key(b, ref), 0, shares, &price);
}

static uint32_t replace(struct book *b, uint32_t slot, uint64_t old, uint64_t ref, uint32_t shares,
                        uint32_t price)
{
    return book_replace(b, slot, order_key(b, old), 0, order_key(b, ref), shares, price);
}

// --- model ---

struct model_order {
    uint64_t ref;
    uint32_t slot, price, shares;
    enum book_side side;
};

static struct {
    struct model_order order[4096];
    unsigned n;
} model;

static int model_find(uint64_t ref)
{
    for (unsigned i = 0; i < model.n; i++)
        if (model.order[i].ref == ref)
            return (int)i;
    return -1;
}

static void model_erase(int i)
{
    memmove(&model.order[i], &model.order[i + 1],
            (model.n - (unsigned)i - 1) * sizeof model.order[0]);
    model.n--;
}

static struct book_level model_best(uint32_t slot, enum book_side side)
{
    struct book_level best = {0};
    for (unsigned i = 0; i < model.n; i++) {
        const struct model_order *o = &model.order[i];
        if (o->slot != slot || o->side != side)
            continue;
        bool better =
            best.orders == 0 || (side == BOOK_BID ? o->price > best.price : o->price < best.price);
        if (better)
            best = (struct book_level){.price = o->price};
        if (o->price == best.price) {
            best.orders++;
            best.shares += o->shares;
        }
    }
    return best;
}

static bool level_equal(struct book_level a, struct book_level b)
{
    return a.price == b.price && a.orders == b.orders && a.shares == b.shares;
}

static void assert_queue_position(const struct book *b, uint64_t ref)
{
    const struct model_order *o = &model.order[model_find(ref)];
    uint64_t ahead = 0;
    uint32_t orders = 0;
    for (const struct model_order *m = model.order; m != o; m++)
        if (m->slot == o->slot && m->side == o->side && m->price == o->price) {
            ahead += m->shares;
            orders++;
        }
    struct book_position p;
    assert_true(book_queue_position(b, ref, 4096, &p));
    assert_int_equal(p.orders_ahead, orders);
    assert_int_equal(p.shares_ahead, ahead);
    assert_int_equal(p.price, o->price);
    assert_int_equal(p.shares, o->shares);
}

// One random operation on both; returns the slot it was about.
static uint32_t model_step(struct book *b, uint64_t *next_ref)
{
    uint32_t slot = (uint32_t)(random() % 3);
    uint32_t price = 1000 + (uint32_t)(random() % 60) * 100,
             shares = 1 + (uint32_t)(random() % 500);
    struct book_level bid = model_best(slot, BOOK_BID), ask = model_best(slot, BOOK_ASK);
    uint32_t result, want = 0;
    int at = model.n ? (int)((unsigned)random() % model.n) : -1;
    switch (at < 0 || model.n < 100 ? 0 : random() % 5) {
    case 0:
    case 1: {
        struct model_order o = { *next_ref += 1 + (uint64_t)random() % 9, slot, price, shares,
                                 random() % 2};
        result = add(b, slot, o.side, o.ref, shares, price);
        model.order[model.n++] = o;
        break;
    }
    case 2: {
        struct model_order o = model.order[at];
        bid = model_best(slot = o.slot, BOOK_BID), ask = model_best(slot, BOOK_ASK);
        result = del(b, slot, o.ref);
        model_erase(at);
        break;
    }
    case 3: {
        struct model_order *o = &model.order[at];
        bid = model_best(slot = o->slot, BOOK_BID), ask = model_best(slot, BOOK_ASK);
        result = reduce(b, slot, o->ref, shares);
        want = shares > o->shares ? BOOK_CLAMPED : 0;
        if (shares >= o->shares)
            model_erase(at);
        else
            o->shares -= shares;
        break;
    }
    default: {
        struct model_order o = model.order[at];
        bid = model_best(slot = o.slot, BOOK_BID), ask = model_best(slot, BOOK_ASK);
        uint64_t ref = *next_ref += 3;
        result = replace(b, slot, o.ref, ref, shares, price);
        model_erase(at);
        o.ref = ref, o.price = price, o.shares = shares;
        model.order[model.n++] = o;
        break;
    }
    }
    // A replace of the best by an equal order changes only the queue: reporting it is allowed,
    // hiding a change is not.
    if (!level_equal(bid, model_best(slot, BOOK_BID)))
        assert_int_equal(result & BOOK_BEST, BOOK_BEST_BID);
    if (!level_equal(ask, model_best(slot, BOOK_ASK)))
        assert_int_equal(result & BOOK_BEST, BOOK_BEST_ASK);
    assert_int_equal(result & ~(uint32_t)BOOK_BEST, want);
    return slot;
}

static void test_random_history_equals_model(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 5; seed++) {
        struct book *b = book_make((struct book_config){.symbols = 3, .orders = 4096});
        uint64_t ref = seed;
        srandom(seed);
        model.n = 0;
        for (uint16_t locate = 1; locate <= 3; locate++)
            assert_int_equal(book_symbol_open(b, locate), locate - 1);
        for (int i = 0; i < 20000 && model.n < 4000; i++) {
            uint32_t slot = model_step(b, &ref);
            char why[200];
            if (!book_check_symbol(b, slot, why, sizeof why))
                fail_msg("seed %u step %d: %s", seed, i, why);
            for (int side = 0; side < 2; side++) {
                struct book_level got = {0}, want = model_best(slot, side);
                book_depth(b, slot, side, 1, &got);
                assert_true(level_equal(got, want));
            }
            if (model.n && i % 16 == 0)
                assert_queue_position(b, model.order[(unsigned)random() % model.n].ref);
        }
        assert_int_equal(b->orders_live, model.n);
        assert_sound(b);
        book_drop(b);
    }
}

static void test_full_pools_refuse_and_stay_sound(void **state)
{
    (void)state;
    struct book *b =
        book_make((struct book_config){.symbols = 1, .orders = 64, .levels = 16, .spans = 2048});
    book_symbol_open(b, 7);
    uint32_t full = 0;
    for (uint64_t ref = 1; ref <= 200; ref++)
        full += add(b, 0, BOOK_BID, ref, 10, 100 + (uint32_t)(ref % 32)) == BOOK_FULL;
    assert_int_equal(b->levels_live, 16);
    assert_int_equal(b->orders_live, 64);
    assert_int_equal(full, 136);
    assert_sound(b);
    // A place that becomes free can be taken again.
    const struct level *best = book_best(b, &b->symbols[0], BOOK_BID);
    assert_int_equal(del(b, 0, order_at(b, best->first)->ref), BOOK_BEST_BID);
    assert_false(add(b, 0, BOOK_BID, 1000, 10, best->price) & BOOK_FULL);
    assert_sound(b);
    book_drop(b);
}

static void test_wrong_references_change_nothing(void **state)
{
    (void)state;
    struct book *b = book_make((struct book_config){.symbols = 2, .orders = 16});
    book_symbol_open(b, 1);
    book_symbol_open(b, 2);
    assert_int_equal(add(b, 0, BOOK_ASK, 5, 10, 100), BOOK_BEST_ASK);
    assert_int_equal(add(b, 1, BOOK_ASK, 5, 10, 100), BOOK_DUPLICATE);
    assert_int_equal(add(b, 0, BOOK_ASK, 6, 0, 100), BOOK_EMPTY);
    assert_int_equal(add(b, 0, BOOK_ASK, 0, 10, 100), BOOK_EMPTY);
    assert_int_equal(del(b, 0, 0), BOOK_UNKNOWN);
    assert_int_equal(del(b, 0, 6), BOOK_UNKNOWN);
    assert_int_equal(reduce(b, 0, 6, 1), BOOK_UNKNOWN);
    assert_int_equal(replace(b, 0, 6, 7, 1, 1), BOOK_UNKNOWN);
    assert_int_equal(del(b, 1, 5), BOOK_FOREIGN);
    assert_int_equal(replace(b, 0, 5, 5, 20, 90), BOOK_BEST_ASK);
    assert_int_equal(b->orders_live, 1);
    assert_int_equal(reduce(b, 0, 5, 21), BOOK_BEST_ASK | BOOK_CLAMPED);
    assert_int_equal(b->orders_live, 0);
    assert_sound(b);
    book_drop(b);
}

static void test_extreme_prices_sort(void **state)
{
    (void)state;
    struct book *b = book_make((struct book_config){.symbols = 1, .orders = 16});
    const uint32_t prices[] = {UINT32_MAX, 0, 1, 0x77359400, UINT32_MAX - 1};
    book_symbol_open(b, 1);
    for (unsigned side = 0; side < 2; side++)
        for (unsigned i = 0; i < 5; i++)
            add(b, 0, side, 10 * side + i + 1, 1, prices[i]);
    struct book_level out[5];
    assert_int_equal(book_depth(b, 0, BOOK_BID, 5, out), 5);
    assert_true(out[0].price == UINT32_MAX && out[4].price == 0);
    assert_int_equal(book_depth(b, 0, BOOK_ASK, 2, out), 2);
    assert_true(out[0].price == 0 && out[1].price == 1);
    assert_sound(b);
    book_drop(b);
}

// More references with one home than lines that a look-up may touch: they leave their home, all are
// found and removed, and those that find no place are refused.
static void test_crowded_table(void **state)
{
    (void)state;
    enum { CROWD = 2 * PAIR_PROBE_MAX + 16 };
    struct book *b = book_make((struct book_config){.symbols = 1, .orders = 4000});
    book_symbol_open(b, 1);
    uint64_t refs[CROWD];
    unsigned n = 0;
    for (uint64_t ref = 1; n < CROWD; ref++)
        if (order_key(b, ref).line == 9)
            refs[n++] = ref;
    for (unsigned i = 0; i < CROWD; i++)
        assert_int_equal(add(b, 0, BOOK_BID, refs[i], 1, 100 + i) == BOOK_FULL,
                         i >= 2 * PAIR_PROBE_MAX);
    assert_sound(b);
    assert_int_equal(add(b, 0, BOOK_BID, refs[2 * PAIR_PROBE_MAX - 1], 1, 100), BOOK_DUPLICATE);
    for (unsigned i = 0; i < 2 * PAIR_PROBE_MAX; i += 2)
        assert_false(del(b, 0, refs[i]) & BOOK_UNKNOWN);
    assert_sound(b);
    for (unsigned i = 1; i < 2 * PAIR_PROBE_MAX; i += 2)
        assert_false(del(b, 0, refs[i]) & BOOK_UNKNOWN);
    assert_int_equal(b->orders_live, 0);
    assert_sound(b);
    book_drop(b);
}

// As many orders as the configuration says, whatever the pattern of their references.
static void test_holds_what_it_promises(void **state)
{
    (void)state;
    enum { ORDERS = 100000 };
    for (unsigned pattern = 0; pattern < 6; pattern++) {
        struct book *b = book_make((struct book_config){.symbols = 1, .orders = ORDERS});
        book_symbol_open(b, 1);
        srandom(pattern + 1);
        for (uint64_t i = 1; i <= ORDERS; i++) {
            const uint64_t refs[] = {i,       i << 20,    i * 100,
                                     i << 40, ~i * 65537, (uint64_t)random() << 31 ^ i << 3};
            assert_false(add(b, 0, BOOK_BID, refs[pattern], 1, 100 * (uint32_t)(i % 16000)) &
                         BOOK_FULL);
        }
        assert_int_equal(b->orders_live, ORDERS);
        assert_int_equal(add(b, 0, BOOK_BID, UINT64_MAX, 1, 100), BOOK_FULL);
        assert_sound(b);
        book_drop(b);
    }
}

static void test_deep_side_grows_and_shrinks(void **state)
{
    (void)state;
    struct book *b = book_make((struct book_config){.symbols = 1, .orders = 20000});
    book_symbol_open(b, 1);
    for (uint32_t i = 0; i < SPAN_LEVELS_MAX; i++)
        assert_false(add(b, 0, BOOK_BID, i + 1, 1, (i * 7919u) % 100003u) & BOOK_FULL);
    assert_int_equal(add(b, 0, BOOK_BID, 90001, 1, 500000), BOOK_FULL);
    assert_sound(b);
    for (uint32_t i = 0; i < SPAN_LEVELS_MAX; i++)
        del(b, 0, i + 1);
    assert_int_equal(b->levels_live, 0);
    assert_int_equal(b->spans.units_used, 1);
    book_drop(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_history_equals_model),
        cmocka_unit_test(test_full_pools_refuse_and_stay_sound),
        cmocka_unit_test(test_wrong_references_change_nothing),
        cmocka_unit_test(test_extreme_prices_sort),
        cmocka_unit_test(test_crowded_table),
        cmocka_unit_test(test_holds_what_it_promises),
        cmocka_unit_test(test_deep_side_grows_and_shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
