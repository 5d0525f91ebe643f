// Where a table of limits is another than the one before: put into that one it makes the table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dataplane/control/limits_runs.h"

enum { SYMBOLS = 700, ROUNDS = 200 };

static uint64_t seed = 11;

static uint32_t draw(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % n);
}

static struct limit_table *table(void)
{
    const size_t bytes = sizeof(struct limit_table) + SYMBOLS * sizeof(struct limit_row);
    struct limit_table *t = aligned_alloc(CACHE_LINE, bytes);
    assert_non_null(t);
    memset(t, 0, bytes);
    t->symbol_count = SYMBOLS;
    return t;
}

// All runs of <s> into <t>; how many there are.
static uint32_t apply(const struct limits_swap *s, struct limit_table *t)
{
    struct limits_run run;
    uint32_t count = 0;
    for (uint64_t at = 0; at < s->runs_len; at += sizeof run + run.len, count++) {
        memcpy(&run, s->runs + at, sizeof run);
        assert_in_range(run.len, 8, LIMITS_RUN_MAX);
        assert_true(limits_run_apply(&run.place, s->runs + at + sizeof run, run.len, t));
    }
    return count;
}

static void test_runs_make_the_next_table(void **state)
{
    (void)state;
    struct limit_table *was = table(), *now = table(), *made = table();
    struct limits_swap s = {.runs = NULL};
    const uint64_t bytes = limit_table_bytes(was);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const uint32_t changes = round == 0 ? 0 : draw(30);
        for (uint32_t i = 0; i < changes; i++) {
            const uint64_t from = sizeof *was + draw(SYMBOLS * sizeof(struct limit_row) - 256);
            memset((uint8_t *)now + from, (int)draw(256), 1 + draw(i % 7 ? 16 : 256));
        }
        if (round % 50 == 49) // all of it
            memset(now->symbols, (int)(1 + round), SYMBOLS * sizeof now->symbols[0]);
        now->version = draw(3);
        memcpy(made, was, bytes);
        limits_runs_make(&s, was, now, false);
        assert_non_null(s.runs);
        const uint32_t count = apply(&s, made);
        assert_memory_equal(made, now, bytes);
        assert_true(count > 0 || memcmp(was, now, bytes) == 0);
        memcpy(was, now, bytes);
    }
    limits_runs_free(&s);
    assert_null(s.runs);
    free(was);
    free(now);
    free(made);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const uint8_t ones[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    struct limit_table *t = table();
    const uint32_t bytes = (uint32_t)limit_table_bytes(t);
    assert_true(limits_run_apply(&(struct capture_limits){.at = bytes - 8}, ones, 8, t));
    assert_false(limits_run_apply(&(struct capture_limits){.at = bytes - 8}, ones, 16, t));
    assert_false(limits_run_apply(&(struct capture_limits){.at = bytes + 8}, ones, 8, t));
    assert_false(limits_run_apply(&(struct capture_limits){.at = UINT32_MAX}, ones, 8, t));
    assert_false(limits_run_apply(&(struct capture_limits){.at = 0}, ones, 8, t)); // other symbols
    assert_int_equal(t->symbol_count, SYMBOLS);
    free(t);
}

// The lane writes what it was granted into its table before it takes the next one.
static void test_leased_limits_are_always_told(void **state)
{
    (void)state;
    struct limit_table *was = table(), *now = table(), *made = table();
    struct limits_swap s = {.runs = NULL};
    limits_runs_make(&s, was, now, true);
    made->firm.open_orders = 7;
    made->accounts[0].open_notional = 8;
    made->accounts[ACCOUNTS_MAX - 1].open_orders = 9;
    apply(&s, made);
    assert_memory_equal(made, now, limit_table_bytes(now));
    limits_runs_free(&s);
    free(was);
    free(now);
    free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_make_the_next_table),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
        cmocka_unit_test(test_leased_limits_are_always_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
