// The buddy allocator hands out disjoint blocks, joins neighbours again, and answers when it is
// full.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/book/span.h"

enum { UNITS = 4096 };

struct fixture {
    struct span_arena arena;
    void *units;
    uint8_t state[UNITS];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->units = aligned_alloc(64, (size_t)UNITS * SPAN_UNIT);
    span_init(&f->arena, f->units, f->state, UNITS);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->units);
    free(f);
    return 0;
}

static void test_exhaustion_is_an_answer(void **state)
{
    struct fixture *f = *state;
    uint32_t got = 0;
    while (span_alloc(&f->arena, 0) != SPAN_NONE)
        got++;
    assert_int_equal(got, UNITS);
    assert_int_equal(f->arena.units_used, UNITS);
}

static void test_neighbours_join_again(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < UNITS; i++)
        assert_int_not_equal(span_alloc(&f->arena, 0), SPAN_NONE);
    assert_int_equal(span_alloc(&f->arena, SPAN_CLASSES - 1), SPAN_NONE);
    // Freed in an order that never has two neighbours in sequence.
    for (uint32_t i = 0; i < UNITS; i++)
        span_free(&f->arena, (i * 1579) % UNITS, 0);
    assert_int_equal(f->arena.units_used, 0);
    for (uint32_t i = 0; i < UNITS >> (SPAN_CLASSES - 1); i++)
        assert_int_not_equal(span_alloc(&f->arena, SPAN_CLASSES - 1), SPAN_NONE);
    assert_int_equal(span_alloc(&f->arena, 0), SPAN_NONE);
}

static void test_random_blocks_never_overlap(void **state)
{
    struct fixture *f = *state;
    struct {
        uint32_t unit;
        unsigned size_class;
    } live[512];
    uint8_t owner[UNITS] = {0};
    unsigned n = 0;
    srandom(7);
    for (int step = 0; step < 200000; step++) {
        if (n < 512 && random() % 2) {
            unsigned size_class = (unsigned)(random() % 5);
            uint32_t unit = span_alloc(&f->arena, size_class);
            if (unit == SPAN_NONE)
                continue;
            for (uint32_t i = 0; i < 1u << size_class; i++) {
                assert_int_equal(owner[unit + i], 0);
                owner[unit + i] = 1;
            }
            live[n].unit = unit;
            live[n++].size_class = size_class;
        } else if (n > 0) {
            unsigned k = (unsigned)random() % n;
            memset(owner + live[k].unit, 0, 1u << live[k].size_class);
            span_free(&f->arena, live[k].unit, live[k].size_class);
            live[k] = live[--n];
        }
    }
    uint32_t used = 0;
    for (uint32_t i = 0; i < UNITS; i++)
        used += owner[i];
    assert_int_equal(used, f->arena.units_used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exhaustion_is_an_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_neighbours_join_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_blocks_never_overlap, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
