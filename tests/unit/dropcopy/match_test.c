// Both sides' messages side by side: every difference, any order, duplicates, memory.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controlplane/dropcopy/match.h"

enum { GRACE = 1000, CAPACITY = 256, TOLD_MAX = 1024 };

static struct {
    struct drop_table table;
    struct drop_holds holds;
    uint64_t now_ns;
    uint32_t told;
    struct {
        struct drop_entry e;
        enum drop_difference difference;
        bool now;
    } tellings[TOLD_MAX];
} f;

static void tell(void *context, const struct drop_entry *e, enum drop_difference difference,
                 bool now, uint64_t now_ns)
{
    assert_ptr_equal(context, &f);
    assert_int_equal(now_ns, f.now_ns);
    assert_in_range(f.told, 0, TOLD_MAX - 1);
    f.tellings[f.told].e = *e;
    f.tellings[f.told].difference = difference;
    f.tellings[f.told++].now = now;
}

static int setup(void **state)
{
    (void)state;
    memset(&f, 0, sizeof f);
    f.now_ns = 10000;
    return drop_table_init(&f.table, CAPACITY, tell, &f) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    drop_table_free(&f.table);
    return 0;
}

static struct drop_item item(uint8_t what, uint32_t ref, uint64_t match, uint64_t shares,
                             uint32_t price)
{
    return (struct drop_item){
        .what = what, .ref = ref, .match = match, .shares = shares, .price = price};
}

static bool put(enum drop_side side, struct drop_item i)
{
    return drop_table_put(&f.table, side, &i, f.now_ns);
}

static void after(uint64_t ns)
{
    f.now_ns += ns;
    drop_table_due(&f.table, &f.holds, GRACE, f.now_ns);
}

// What was told last; nothing else was.
static void told_once(enum drop_difference difference, bool now)
{
    assert_int_equal(f.told, 1);
    assert_int_equal(f.tellings[0].difference, difference);
    assert_int_equal(f.tellings[0].now, now);
    f.told = 0;
}

static void in_any_order(void **state)
{
    (void)state;
    for (uint32_t first = 0; first < DROP_SIDES; first++) {
        const uint32_t ref = 7 + first;
        const struct drop_item said[] = {item('A', ref, 0, 0, 0), item('E', ref, 5, 100, 10000),
                                         item('E', ref, 6, 50, 10100), item('C', ref, 0, 50, 0),
                                         item('B', ref, 6, 0, 0)};
        for (uint32_t i = 0; i < 5; i++)
            assert_true(put((enum drop_side)first, said[i]));
        for (uint32_t i = 5; i-- > 0;)
            assert_true(put((enum drop_side)(1 - first), said[i]));
        assert_int_equal(f.table.counts[DROP_WAITS], 0);
    }
    after(10 * GRACE);
    assert_int_equal(f.told, 0);
    assert_int_equal(f.table.equal, 10);
}

static void every_difference(void **state)
{
    (void)state;
    static const struct {
        uint32_t ours, theirs;
        uint64_t our_shares, their_shares;
        uint32_t our_price, their_price;
        enum drop_difference difference;
    } rows[] = {
        {1, 0, 100, 0, 10000, 0, DROP_THEIRS_MISSING},
        {0, 1, 0, 100, 0, 10000, DROP_OURS_MISSING},
        {1, 2, 100, 100, 10000, 10000, DROP_DOUBLED},
        {2, 1, 100, 100, 10000, 10000, DROP_THEIRS_MISSING},
        {1, 1, 100, 101, 10000, 10000, DROP_SHARES},
        {1, 1, 100, 100, 10000, 10001, DROP_PRICE},
        {1, 1, 100, 100, 10000, 10000, DROP_NONE},
    };
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (uint32_t n = 0; n < rows[i].ours; n++)
            put(DROP_OURS, item('E', 7, i, rows[i].our_shares, rows[i].our_price));
        for (uint32_t n = 0; n < rows[i].theirs; n++)
            put(DROP_THEIRS, item('E', 7, i, rows[i].their_shares, rows[i].their_price));
        after(GRACE - 1);
        assert_int_equal(f.told, 0); // just inside
        after(1);
        if (rows[i].difference == DROP_NONE) {
            assert_int_equal(f.told, 0);
            continue;
        }
        assert_int_equal(f.tellings[0].e.match, i);
        assert_int_equal(f.tellings[0].e.shares[DROP_THEIRS],
                         rows[i].their_shares * rows[i].theirs);
        told_once(rows[i].difference, true);
        after(10 * GRACE);
        assert_int_equal(f.told, 0); // once
    }
    assert_int_equal(f.table.counts[DROP_DIFFERS], 6);
}

// Partial cancels of an order are the same thing: their shares are added up.
static void cancels_add_up(void **state)
{
    (void)state;
    put(DROP_OURS, item('C', 7, 0, 100, 0));
    put(DROP_THEIRS, item('C', 7, 0, 40, 0));
    after(GRACE);
    told_once(DROP_SHARES, true);
    put(DROP_OURS, item('C', 7, 0, 40, 0));
    put(DROP_THEIRS, item('C', 7, 0, 100, 0));
    told_once(DROP_SHARES, false);
    struct drop_item bare = item('C', 8, 0, 0, 0);
    bare.bare = true; // how many is not known: that both have said it is all
    put(DROP_OURS, bare);
    put(DROP_THEIRS, item('C', 8, 0, 77, 0));
    after(GRACE);
    assert_int_equal(f.told, 0);
    put(DROP_THEIRS, item('C', 8, 0, 77, 0));
    after(GRACE);
    told_once(DROP_DOUBLED, true);
}

static void late_is_settled(void **state)
{
    (void)state;
    put(DROP_THEIRS, item('E', 7, 5, 100, 10000));
    after(GRACE);
    told_once(DROP_OURS_MISSING, true);
    after(GRACE);
    put(DROP_OURS, item('E', 7, 5, 100, 10000));
    told_once(DROP_OURS_MISSING, false);
    assert_int_equal(f.table.counts[DROP_DIFFERS], 0);
    // Late, and then another difference than before.
    put(DROP_THEIRS, item('E', 7, 6, 100, 10000));
    after(GRACE);
    told_once(DROP_OURS_MISSING, true);
    put(DROP_OURS, item('E', 7, 6, 99, 10000));
    after(GRACE);
    told_once(DROP_SHARES, true);
    // The same message again after both had said it.
    put(DROP_THEIRS, item('E', 7, 5, 100, 10000));
    after(GRACE);
    told_once(DROP_DOUBLED, true);
}

// A side that is away or catches up is waited for, from when it is back; the other one is not.
static void who_is_away_is_waited_for(void **state)
{
    (void)state;
    f.holds.theirs_ns = UINT64_MAX;
    put(DROP_OURS, item('E', 7, 5, 100, 10000));
    put(DROP_THEIRS, item('E', 7, 6, 100, 10000));
    after(100 * GRACE);
    told_once(DROP_OURS_MISSING, true);
    f.holds.theirs_ns = f.now_ns;
    f.holds.ours_ns[0] = UINT64_MAX;
    put(DROP_THEIRS, item('E', 7, 8, 100, 10000));
    after(GRACE - 1);
    assert_int_equal(f.told, 0);
    after(1);
    told_once(DROP_THEIRS_MISSING, true);
    put(DROP_OURS, item('E', 7, 7, 1, 1));
    put(DROP_THEIRS, item('E', 7, 7, 2, 1));
    after(GRACE);
    assert_int_equal(f.told, 0);
    f.holds.ours_ns[0] = f.now_ns;
    after(GRACE);
    assert_int_equal(f.told, 2);
}

static void full_is_an_answer(void **state)
{
    (void)state;
    // Equal things make room, oldest first.
    for (uint32_t i = 0; i < 3 * CAPACITY; i++) {
        assert_true(put(DROP_OURS, item('E', 7, i, 100, 10000)));
        assert_true(put(DROP_THEIRS, item('E', 7, i, 100, 10000)));
    }
    assert_int_equal(f.table.counts[DROP_EQUAL], CAPACITY);
    for (uint32_t i = 0; i < CAPACITY; i++)
        assert_true(put(DROP_OURS, item('E', 8, i, 100, 10000)));
    assert_int_equal(f.table.counts[DROP_EQUAL], 0);
    assert_false(put(DROP_OURS, item('E', 8, CAPACITY, 100, 10000)));
    assert_int_equal(f.table.dropped, 1);
    assert_true(put(DROP_THEIRS, item('E', 8, 17, 100, 10000))); // that has its place
    assert_true(put(DROP_OURS, item('E', 8, CAPACITY, 100, 10000)));
    after(GRACE);
    assert_int_equal(f.told, CAPACITY);
}

static void forgets_what_only_we_have_said(void **state)
{
    (void)state;
    struct drop_item other = item('E', 7, 5, 100, 10000);
    other.session = 3;
    put(DROP_OURS, item('E', 7, 5, 100, 10000));
    put(DROP_THEIRS, item('E', 7, 6, 100, 10000));
    put(DROP_OURS, other);
    uint8_t turned = DROP_TURNED_BOTH;
    drop_table_turn(&f.table, 0, DROP_OURS, true, &turned);
    assert_int_equal(turned, DROP_TURNED_BOTH);
    assert_int_equal(f.table.counts[DROP_WAITS], 2);
    after(GRACE);
    assert_int_equal(f.told, 2);
    assert_int_equal(f.tellings[0].difference, DROP_OURS_MISSING);
    assert_int_equal(f.tellings[1].e.session, 3);
}

// References begin anew: what differed on another day of both streams is not made out of today's,
// whichever side has begun it first, and hides nothing of today.
static void another_day(void **state)
{
    (void)state;
    for (uint32_t first = 0; first < DROP_SIDES; first++) {
        uint8_t turned = DROP_TURNED_BOTH;
        put(DROP_OURS, item('A', 7, 0, 0, 0));       // not copied
        put(DROP_THEIRS, item('A', 8, 0, 0, 0));     // never was
        put(DROP_OURS, item('E', 9, 5, 100, 10000)); // the same
        put(DROP_THEIRS, item('E', 9, 5, 100, 10000));
        after(2 * GRACE);
        assert_int_equal(f.told, 2);
        if (first == DROP_THEIRS)
            drop_table_turn(&f.table, 0, DROP_THEIRS, false, &turned);
        assert_int_equal(f.table.counts[DROP_DIFFERS], 2); // one side: the other may still say it
        drop_table_turn(&f.table, 0, DROP_OURS, false, &turned);
        assert_int_equal(f.table.counts[DROP_DIFFERS], first == DROP_OURS ? 2 : 0);
        put(DROP_OURS, item('A', 7, 0, 0, 0));
        put(DROP_OURS, item('A', 8, 0, 0, 0)); // not copied
        put(DROP_OURS, item('E', 9, 5, 200, 10000));
        if (first == DROP_OURS)
            drop_table_turn(&f.table, 0, DROP_THEIRS, false, &turned);
        assert_int_equal(turned, DROP_TURNED_BOTH);
        put(DROP_THEIRS, item('A', 7, 0, 0, 0));
        put(DROP_THEIRS, item('E', 9, 5, 200, 10000));
        f.told = 0;
        after(2 * GRACE);
        assert_int_equal(f.tellings[0].e.ref, 8);
        told_once(DROP_THEIRS_MISSING, true);
        teardown(NULL);
        setup(NULL);
    }
}

// A copy that is behind says the rest of the day before, when ours is another already; and one that
// never begins another stream is compared with what we say in ours.
static void one_side_has_another_stream(void **state)
{
    (void)state;
    uint8_t turned = DROP_TURNED_BOTH;
    struct drop_item other = item('A', 7, 0, 0, 0);
    other.session = 3;
    put(DROP_OURS, other);
    put(DROP_OURS, item('A', 7, 0, 0, 0));
    after(GRACE);
    assert_int_equal(f.told, 2);
    f.told = 0;
    drop_table_turn(&f.table, 0, DROP_OURS, false, &turned);
    assert_int_equal(turned, DROP_TURNED_OURS);
    put(DROP_OURS, item('A', 7, 0, 0, 0));
    put(DROP_THEIRS, item('A', 7, 0, 0, 0));
    told_once(DROP_THEIRS_MISSING, false);
    put(DROP_THEIRS, item('A', 7, 0, 0, 0));
    after(GRACE);
    assert_int_equal(f.told, 0);
    put(DROP_OURS, item('A', 8, 0, 0, 0));
    after(GRACE);
    told_once(DROP_THEIRS_MISSING, true);
    drop_table_turn(&f.table, 0, DROP_OURS, false, &turned); // the copy misses a day
    assert_int_equal(f.table.counts[DROP_DIFFERS], 2);
    drop_table_turn(&f.table, 0, DROP_OURS, false, &turned);
    assert_int_equal(f.table.counts[DROP_DIFFERS], 1);
    assert_int_equal(turned, DROP_TURNED_OURS);
    drop_table_turn(&f.table, 0, DROP_THEIRS, false, &turned);
    drop_table_turn(&f.table, 0, DROP_THEIRS, false, &turned);
    assert_int_equal(turned, DROP_TURNED_THEIRS);
    assert_int_equal(f.table.counts[DROP_EQUAL], 0);
    assert_int_equal(f.table.counts[DROP_DIFFERS], 1); // of the other session
}

static void goes_on_in_another_table(void **state)
{
    (void)state;
    struct drop_table next;
    put(DROP_OURS, item('E', 7, 5, 100, 10000));
    after(GRACE);
    told_once(DROP_THEIRS_MISSING, true);
    put(DROP_THEIRS, item('E', 7, 6, 100, 10000));
    uint8_t turned = DROP_TURNED_BOTH;
    drop_table_turn(&f.table, 0, DROP_OURS, false, &turned);
    put(DROP_OURS, item('E', 7, 5, 200, 10000)); // of another day
    put(DROP_OURS, item('E', 7, 6, 100, 10000));
    assert_true(drop_table_init(&next, CAPACITY, tell, &f));
    static const enum drop_list lists[] = {DROP_DIFFERS, DROP_WAITS};
    for (uint32_t i = 0; i < 2; i++)
        for (const struct drop_entry *e = drop_table_first(&f.table, lists[i]); e;
             e = drop_table_next(&f.table, e)) {
            assert_true(drop_table_restore(&next, e, f.now_ns));
            assert_false(drop_table_restore(&next, e, f.now_ns)); // it is there
        }
    drop_table_free(&f.table);
    f.table = next;
    assert_int_equal(f.table.counts[DROP_DIFFERS], 1);
    put(DROP_THEIRS, item('E', 7, 5, 100, 10000));
    told_once(DROP_THEIRS_MISSING, false); // it was told before
    after(GRACE);
    assert_int_equal(f.tellings[0].e.shares[DROP_OURS], 200);
    told_once(DROP_THEIRS_MISSING, true);
    struct drop_entry balanced = {.count = {1, 1}}, told = {.count = {1, 0}, .told = 200};
    struct drop_entry nobody = {.count = {1, 0}, .session = 99};
    assert_false(drop_table_restore(&f.table, &balanced, f.now_ns));
    assert_false(drop_table_restore(&f.table, &told, f.now_ns));
    assert_false(drop_table_restore(&f.table, &nobody, f.now_ns));
}

// Random histories against counting by hand: at the end exactly what is unlike is told.
static void like_counting_by_hand(void **state)
{
    (void)state;
    srand(1);
    for (uint32_t round = 0; round < 200; round++) {
        uint32_t counts[DROP_SIDES][64] = {{0}};
        teardown(NULL);
        setup(NULL);
        for (uint32_t n = 0; n < 300; n++) {
            const uint32_t side = (uint32_t)rand() & 1, which = (uint32_t)rand() % 64;
            counts[side][which]++;
            assert_true(put((enum drop_side)side, item('E', which % 5, which, 100, 10000)));
            if (rand() % 8 == 0)
                after((uint64_t)rand() % GRACE);
        }
        after(GRACE);
        uint32_t unlike = 0, standing = 0;
        for (uint32_t i = 0; i < 64; i++)
            unlike += counts[0][i] != counts[1][i];
        for (const struct drop_entry *e = drop_table_first(&f.table, DROP_DIFFERS); e;
             e = drop_table_next(&f.table, e)) {
            assert_int_not_equal(counts[0][e->match], counts[1][e->match]);
            standing++;
        }
        assert_int_equal(standing, unlike);
        assert_int_equal(f.table.counts[DROP_WAITS], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(every_difference, setup, teardown),
        cmocka_unit_test_setup_teardown(cancels_add_up, setup, teardown),
        cmocka_unit_test_setup_teardown(late_is_settled, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_away_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(full_is_an_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(forgets_what_only_we_have_said, setup, teardown),
        cmocka_unit_test_setup_teardown(another_day, setup, teardown),
        cmocka_unit_test_setup_teardown(one_side_has_another_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(goes_on_in_another_table, setup, teardown),
        cmocka_unit_test_setup_teardown(like_counting_by_hand, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
