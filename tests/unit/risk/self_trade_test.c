// Two lanes of one owner: no two open orders of theirs could ever meet, whatever the order of their
// steps. In every interleaving of a small world, and by threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "dataplane/risk/self_trade.h"

enum { LANES = 2, SYMBOLS = 2, SYMBOL = 1 };

static _Atomic uint64_t words[LANES * SYMBOLS];
static struct self_reach reach = {.lanes = LANES, .instruments = SYMBOLS, .groups = {words}};

static void a_word_holds_the_best_of_both_sides(void **state)
{
    (void)state;
    uint64_t word = reach_with(0, false, 1000);
    assert_int_equal(reach_best(word, false), 1000);
    assert_int_equal(reach_best(word, true), 0);
    assert_false(reach_meets(word, false, 2000)); // buys do not meet buys
    assert_true(reach_meets(word, true, 999));
    assert_true(reach_meets(word, true, 1000));
    assert_false(reach_meets(word, true, 1001));
    word = reach_with(word, true, 2000);
    word = reach_with(word, true, 3000); // no better
    word = reach_with(word, false, 900);
    assert_int_equal(reach_best(word, false), 1000);
    assert_int_equal(reach_best(word, true), 2000);
    assert_false(reach_meets(word, false, 1999));
    assert_true(reach_meets(word, false, 2000));
    assert_true(reach_meets(word, false, 2001));
    assert_int_equal(reach_best(reach_with(0, true, 1999999900), true), 1999999900);
    assert_int_equal(reach_best(reach_with(0, true, 1), true), 1);
}

// --- every interleaving ---

enum step { SAYS, LOOKS, TAKES_BACK, DONE };

struct walker {
    enum step at;
    bool sells, open;
    uint32_t price;
    uint64_t before;
};

static uint32_t ends, both_open, none_open;

static void one_step(struct walker *w, uint32_t lane)
{
    if (w->at == SAYS) {
        w->before = self_own(&reach, 0, lane, SYMBOL);
        self_say(&reach, 0, lane, SYMBOL, reach_with(w->before, w->sells, w->price));
        w->at = LOOKS;
        return;
    }
    if (w->at == LOOKS) {
        w->open = self_others(&reach, 0, lane, SYMBOL, w->sells, w->price) == 0;
        w->at = w->open ? DONE : TAKES_BACK;
        return;
    }
    self_say(&reach, 0, lane, SYMBOL, w->before);
    w->at = DONE;
}

static void walk(const struct walker from[LANES])
{
    const uint64_t kept[LANES] = {words[LANES * SYMBOL], words[LANES * SYMBOL + 1]};
    bool moved = false;
    for (uint32_t lane = 0; lane < LANES; lane++) {
        struct walker w[LANES];
        memcpy(w, from, sizeof w);
        if (w[lane].at == DONE)
            continue;
        moved = true;
        one_step(&w[lane], lane);
        walk(w);
        for (uint32_t i = 0; i < LANES; i++)
            words[LANES * SYMBOL + i] = kept[i];
    }
    if (moved)
        return;
    const struct walker *a = &from[0], *b = &from[1];
    const bool meet =
        a->sells != b->sells && (a->sells ? b->price >= a->price : a->price >= b->price);
    ends++;
    both_open += a->open && b->open;
    none_open += !a->open && !b->open;
    assert_false(meet && a->open && b->open);
    assert_true(meet || (a->open && b->open)); // what would not meet is not refused
    for (uint32_t i = 0; i < LANES; i++) {
        const uint64_t word = self_own(&reach, 0, i, SYMBOL);
        assert_true(word == (from[i].open ? reach_with(0, from[i].sells, from[i].price) : 0));
    }
}

static void in_any_interleaving_at_most_one_is_open(void **state)
{
    (void)state;
    for (uint32_t sides = 0; sides < 4; sides++)
        for (uint32_t a = 99; a <= 101; a++) {
            const struct walker w[LANES] = {{.sells = sides & 1, .price = a},
                                            {.sells = sides >> 1, .price = 100}};
            walk(w);
        }
    assert_true(ends >= 4 * 3 * 6);
    assert_true(both_open > 0 && none_open > 0);
    assert_int_equal(words[0] | words[1], 0); // the other symbol's
}

// --- threads ---

enum { ROUNDS = 200000 };

static _Atomic uint64_t held[LANES]; // price << 1 | sells of the open order, 0: none
static _Atomic uint32_t wrong, opened[LANES];

static void *trader(void *argument)
{
    const uint32_t lane = *(const uint32_t *)argument;
    uint64_t random = lane + 88172645463325252ull;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const bool sells = random >> 20 & 1;
        const uint32_t price = 99 + (uint32_t)(random >> 30) % 3;
        self_say(&reach, 0, lane, SYMBOL, reach_with(0, sells, price));
        if (self_others(&reach, 0, lane, SYMBOL, sells, price) == 0) {
            atomic_store(&held[lane], (uint64_t)price << 1 | sells);
            const uint64_t other = atomic_load(&held[!lane]);
            const uint32_t its = (uint32_t)(other >> 1);
            if (other && (other & 1) != sells && (sells ? its >= price : its <= price))
                atomic_fetch_add(&wrong, 1);
            atomic_fetch_add(&opened[lane], 1);
            atomic_store(&held[lane], 0); // over, before it is taken back
        }
        self_say(&reach, 0, lane, SYMBOL, 0);
    }
    return NULL;
}

static void threads_never_hold_orders_that_meet(void **state)
{
    (void)state;
    pthread_t threads[LANES];
    uint32_t lanes[LANES] = {0, 1};
    memset(words, 0, sizeof words);
    for (uint32_t i = 0; i < LANES; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, trader, &lanes[i]), 0);
    for (uint32_t i = 0; i < LANES; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(wrong, 0);
    assert_true(opened[0] > 0 && opened[1] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_holds_the_best_of_both_sides),
        cmocka_unit_test(in_any_interleaving_at_most_one_is_open),
        cmocka_unit_test(threads_never_hold_orders_that_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
