// What a line does to packets: as often as asked, always to the same packets, and all of it
// counted.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench/exchange/line.h"

#define PER_MILLE 4294967u // of 2^32

static struct line *line_make(struct line_faults faults)
{
    struct line *l = calloc(1, sizeof *l);
    l->used = true;
    l->faults = faults;
    return l;
}

// Takes everything out that is due and notes it behind <at>; answers the new end.
static uint32_t drain(struct line *l, uint64_t now, uint64_t *out, uint32_t at)
{
    const struct line_waiting *w;
    while ((w = line_peek(l, 0)) != NULL && w->due_ns <= now) {
        out[at++] = w->packet;
        line_pop(l, 1);
    }
    return at;
}

static void no_faults_no_change(void **state)
{
    (void)state;
    struct line *l = line_make((struct line_faults){.seed = 1});
    uint64_t out[1000];
    uint32_t n = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        assert_true(line_room(l));
        assert_false(line_offer(l, i, false, i));
        n = drain(l, i, out, n);
        assert_true(line_empty(l));
    }
    assert_int_equal(n, 1000);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(out[i], i);
    free(l);
}

// Two runs give the same packets in the same order, whatever the clock says; another seed gives
// others.
static void faults_depend_on_the_seed_only(void **state)
{
    (void)state;
    enum { PACKETS = 20000 };
    static uint64_t out[3][PACKETS * 2];
    uint32_t n[3] = {0};
    for (uint32_t run = 0; run < 3; run++) {
        struct line *l = line_make((struct line_faults){.seed = run < 2 ? 7 : 8,
                                                        .loss_below = 20 * PER_MILLE,
                                                        .duplicate_below = 30 * PER_MILLE,
                                                        .reorder_below = 40 * PER_MILLE,
                                                        .depth = 5,
                                                        .skew_most_us = 100});
        uint64_t now = 0;
        for (uint64_t i = 0; i < PACKETS; i++) {
            now += run == 1 ? i * 1009 % 50000 : 10;
            line_offer(l, i, false, now);
            n[run] = drain(l, run == 2 ? UINT64_MAX : now, out[run], n[run]);
            if (!line_room(l))
                n[run] = drain(l, UINT64_MAX, out[run], n[run]);
        }
        line_flush(l, now);
        n[run] = drain(l, UINT64_MAX, out[run], n[run]);
        assert_true(line_empty(l));
        const struct line_counters *c = &l->counters;
        assert_int_equal(c->offered, PACKETS);
        assert_int_equal(n[run], PACKETS - c->lost + c->duplicated);
        assert_in_range(c->lost, PACKETS * 15 / 1000, PACKETS * 25 / 1000);
        assert_in_range(c->duplicated, PACKETS * 25 / 1000, PACKETS * 35 / 1000);
        assert_in_range(c->reordered, PACKETS * 34 / 1000, PACKETS * 46 / 1000);
        free(l);
    }
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(out[0], out[1], n[0] * sizeof **out);
    assert_true(n[0] != n[2] || memcmp(out[0], out[2], n[0] * sizeof **out) != 0);
}

// A reordered packet is overtaken by 1 to DEPTH later ones that are not lost or held themselves.
static void reordering_has_the_depth_asked_for(void **state)
{
    (void)state;
    enum { PACKETS = 50000, DEPTH = 6 };
    static uint64_t out[PACKETS];
    struct line *l =
        line_make((struct line_faults){.seed = 3, .reorder_below = 10 * PER_MILLE, .depth = DEPTH});
    uint32_t n = 0, late[DEPTH + 2] = {0};
    for (uint64_t i = 0; i < PACKETS; i++) {
        line_offer(l, i, false, 0);
        n = drain(l, 0, out, n);
    }
    line_flush(l, 0);
    n = drain(l, 0, out, n);
    assert_int_equal(n, PACKETS);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t passed = 0;
        for (uint32_t j = i > 2 * DEPTH ? i - 2 * DEPTH : 0; j < i; j++)
            passed += out[j] > out[i];
        assert_in_range(passed, 0, DEPTH);
        late[passed]++;
    }
    for (uint32_t depth = 1; depth < DEPTH; depth++)
        assert_in_range(late[depth], PACKETS / 1000,
                        PACKETS / 300); // 10 in 1,000 spread over six depths
    free(l);
}

// Skew delays within its bounds and keeps the order.
static void skew_delays_in_order(void **state)
{
    (void)state;
    struct line *l =
        line_make((struct line_faults){.seed = 4, .skew_least_us = 50, .skew_most_us = 80});
    uint64_t last = 0, spread[2] = {UINT64_MAX, 0};
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t now = i * 1000000;
        line_offer(l, i, false, now);
        const struct line_waiting *w = line_peek(l, 0);
        assert_in_range(w->due_ns - now, 50000, 80000);
        spread[0] = w->due_ns - now < spread[0] ? w->due_ns - now : spread[0];
        spread[1] = w->due_ns - now > spread[1] ? w->due_ns - now : spread[1];
        line_pop(l, 1);
    }
    assert_true(spread[0] < 55000 && spread[1] > 75000);
    for (uint64_t i = 0; i < 1000; i++)
        line_offer(l, i, false, 1000000000 + i); // much closer together than the skew
    const struct line_waiting *w;
    for (uint64_t i = 0; i < 1000; i++) {
        w = line_peek(l, 0);
        assert_int_equal(w->packet, i);
        assert_true(w->due_ns >= last);
        last = w->due_ns;
        line_pop(l, 1);
    }
    assert_int_equal(l->counters.skewed, 2000);
    free(l);
}

// With everything doubled and held, an offer that had room never overflows.
static void room_is_enough(void **state)
{
    (void)state;
    struct line *l = line_make((struct line_faults){.seed = 5,
                                                    .duplicate_below = UINT32_MAX,
                                                    .reorder_below = UINT32_MAX,
                                                    .depth = LINE_DEPTH_MAX});
    uint64_t i = 0;
    while (line_room(l))
        line_offer(l, i++, false, 0);
    assert_in_range(l->tail - l->head, LINE_QUEUE - 2 * LINE_HELD - 2, LINE_QUEUE);
    line_flush(l, 0);
    assert_true(l->tail - l->head <= LINE_QUEUE);
    free(l);
}

static void lost_everywhere_is_lost_here(void **state)
{
    (void)state;
    struct line *l = line_make((struct line_faults){.seed = 6});
    assert_true(line_offer(l, 0, true, 0));
    assert_true(line_empty(l));
    assert_int_equal(l->counters.lost, 1);
    l->faults.loss_below = UINT32_MAX;
    for (uint64_t i = 1; i < 1000; i++)
        assert_true(line_offer(l, i, false, 0));
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_faults_no_change),
        cmocka_unit_test(faults_depend_on_the_seed_only),
        cmocka_unit_test(reordering_has_the_depth_asked_for),
        cmocka_unit_test(skew_delays_in_order),
        cmocka_unit_test(room_is_enough),
        cmocka_unit_test(lost_everywhere_is_lost_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
