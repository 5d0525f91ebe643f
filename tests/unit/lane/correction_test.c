// A correction moves the position by one rule, whether its order is still known or only the
// execution, and a desk that is rebuilt from the events has the same cost to the last digit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_restore.h"
#include "tests/lib/desk_world.h"

enum { LOG = 1024, SEED = 7, WRONG = 100010, RIGHT = 100050, MATCH = 77 };

static const struct position *position_of(struct world *world)
{
    return &world->desk.risk.positions[position_open(&world->desk.risk, w->who.account, 0)];
}

static const struct position_money *money_of(struct world *world)
{
    return &world->desk.risk.money[position_open(&world->desk.risk, w->who.account, 0)];
}

static void begin(void)
{
    world_open(SEED);
    w->log = calloc(LOG, sizeof *w->log);
    w->log_max = LOG;
    for (int i = 0; i < LOOSE_ENDS && w->session.state != SESSION_READY; i++) {
        step();
        check();
    }
    assert_int_equal(w->session.state, SESSION_READY);
}

static uint32_t bought(uint32_t shares, uint32_t price)
{
    const struct desk_order buy = {.client_id = 1,
                                   .quantity = shares,
                                   .price = price,
                                   .side = 'B',
                                   .time_in_force = '0',
                                   .display = 'Y'};
    uint32_t index;
    w->rig.sent_len = 0; // what the exchange says is said by hand
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    return orders_at(&w->desk.orders, index)->ref;
}

static void say(enum ouch_report_kind kind, uint32_t ref, uint64_t match, uint32_t shares,
                uint32_t price)
{
    static uint64_t clock;
    const struct ouch_report r = {.time_ns = ++clock,
                                  .match = match,
                                  .ref = ref,
                                  .quantity = shares,
                                  .price = price,
                                  .kind = (uint8_t)kind,
                                  .letter = 'E'};
    desk_report(&w->desk, 0, &r);
    check();
}

static void executed(uint32_t shares, uint32_t price, uint64_t match)
{
    say(REPORT_EXECUTED, bought(shares, price), match, shares, price);
}

// Another desk, from the events alone.
static void restored_is_the_same(void)
{
    static uint32_t places[ORDERS];
    struct world *before = w;
    struct desk_restore r;
    world_open(SEED);
    desk_restore_init(&r, &w->desk, places);
    for (uint32_t i = 0; i < before->log_count; i++)
        if (!desk_restore_event(&r, &before->log[i]))
            fail_msg("event %u: %s", i, r.why);
    desk_restore_end(&r, 0);
    struct position had = *position_of(before), has = *position_of(w);
    memset(&had.asked, 0, sizeof had.asked);
    memset(&has.asked, 0, sizeof has.asked);
    assert_memory_equal(&had, &has, sizeof had);
    assert_memory_equal(money_of(before), money_of(w), sizeof(struct position_money));
    assert_int_equal(w->desk.risk.account_days[1].best, before->desk.risk.account_days[1].best);
    world_close();
    w = before;
}

static void end(void)
{
    restored_is_the_same();
    free(w->log);
    world_close();
}

// 7 at 100000, 3 at WRONG and <more> orders of one share at 100000 behind them; then the
// correction.
static void correct_behind(uint32_t more)
{
    begin();
    executed(7, 100000, 1);
    const uint32_t ref = bought(3, WRONG);
    say(REPORT_EXECUTED, ref, MATCH, 3, WRONG);
    for (uint32_t i = 0; i < more; i++)
        executed(1, 100000, 1000 + i);
    assert_int_equal(orders_find(&w->desk.orders, 0, ref) == OWN_NONE, more >= ORDERS);
    const struct position *p = position_of(w);
    const struct position_money *m = money_of(w);
    const int64_t held = 10 + more, cost = 7 * 100000 + 3 * WRONG + (int64_t)more * 100000;
    const int64_t right = cost - cost * 3 / held + 3 * RIGHT;
    const int64_t both = cost + 3 * RIGHT;
    assert_int_equal(m->cost, cost);
    assert_int_not_equal(both - both * 3 / (held + 3), right); // the other order tells itself
    say(REPORT_CORRECTED, ref, MATCH, 3, RIGHT);
    assert_int_equal(m->cost, right);
    assert_int_equal(p->shares, held);
    assert_int_equal(m->bought_value, cost - 3 * WRONG + 3 * RIGHT);
    end();
}

static void of_an_order_that_is_known(void **state)
{
    (void)state;
    correct_behind(0);
}

static void of_an_order_whose_place_was_taken_again(void **state)
{
    (void)state;
    correct_behind(2 * ORDERS);
}

// Read before the execution that it is about, corrected before or not: neither shares nor money
// ever move.
static void a_break_that_came_first_moves_nothing(void **state)
{
    (void)state;
    for (int corrected = 0; corrected <= 1; corrected++) {
        begin();
        executed(7, 100000, 1);
        const struct position *p = position_of(w);
        const struct position_money *m = money_of(w);
        const uint32_t ref = bought(300, WRONG);
        if (corrected)
            say(REPORT_CORRECTED, ref, MATCH, 300, RIGHT);
        say(REPORT_BROKEN, ref, MATCH, 0, 0);
        const int64_t realised = position_realised(m);
        say(REPORT_EXECUTED, ref, MATCH, 300, WRONG);
        assert_int_equal(m->cost, 7 * 100000);
        assert_int_equal(p->shares, 7);
        assert_int_equal(m->bought, 7);
        assert_int_equal(position_realised(m), realised);
        assert_int_equal(w->desk.risk.overflows, 0);
        end();
    }
}

// Booked as corrected when it comes; what was executed leaves the order, whatever it became.
static void a_correction_that_came_first_is_booked(void **state)
{
    (void)state;
    for (uint32_t executes = 2; executes <= 4; executes++) {
        begin();
        executed(7, 100000, 1);
        const uint32_t ref = bought(4, RIGHT);
        const uint32_t index = orders_find(&w->desk.orders, 0, ref);
        say(REPORT_CORRECTED, ref, MATCH, 3, RIGHT - 10);
        assert_int_equal(position_of(w)->shares, 7);
        say(REPORT_EXECUTED, ref, MATCH, executes, RIGHT);
        assert_int_equal(position_of(w)->shares, 10);
        assert_int_equal(money_of(w)->cost, 7 * 100000 + 3 * (RIGHT - 10));
        assert_int_equal(orders_at(&w->desk.orders, index)->open, 4 - executes);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_an_order_that_is_known),
        cmocka_unit_test(of_an_order_whose_place_was_taken_again),
        cmocka_unit_test(a_break_that_came_first_moves_nothing),
        cmocka_unit_test(a_correction_that_came_first_is_booked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
