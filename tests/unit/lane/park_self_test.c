// Orders and replaces of a durable session that wait for the journal, and self-trade prevention:
// what waits is met like what is open, at the price that it may come to, before, while and after it
// is gated again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_park.h"
#include "dataplane/lane/desk_self.h"
#include "tests/lib/desk_world.h"

enum { PRICE = 1000000, TICK = 100, PLACES = 16, LANES = 2, GROUPS = 8, OTHER = 5 };

static struct self_reach reach;
static _Atomic uint64_t words[1 + GROUPS][LANES * MODEL_SYMBOLS];
static void *memory, *places;
static uint32_t order;

static void turn(void)
{
    w->now += STEP;
    w->lane.stamp = w->now;
    desk_park_turn(&w->desk, w->now);
}

static int begin(void **state)
{
    (void)state;
    world_open(7);
    w->lane.desk = &w->desk;
    memset(words, 0, sizeof words);
    reach = (struct self_reach){.lanes = LANES, .instruments = MODEL_SYMBOLS};
    for (uint32_t g = 0; g <= GROUPS; g++)
        reach.groups[g] = words[g];
    memory = zeroed(desk_self_bytes(ORDERS, MODEL_SYMBOLS));
    desk_self_init(&w->desk, memory, &reach, 0);
    places = zeroed(desk_park_bytes(PLACES));
    atomic_store(&region_record_word(&w->lane.view, 0)->state, RECORD_WRITTEN);
    steps_until(SESSION_READY);
    events_drain();
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_close();
    free(memory);
    free(places);
    return 0;
}

static void policy(enum trade_scope scope, enum self_trade policy)
{
    struct limit_row *row =
        scope == TRADE_FIRM ? &w->limits->firm : &w->limits->accounts[w->who.account];
    row->owner.self_trade = (uint8_t)policy;
}

static void durable(void)
{
    desk_park_add(&w->desk, 0, PLACES, 1000 * STEP, places);
    turn();
    w->rig.sent_len = 0;
}

static enum refusal enter_as(uint16_t account, char side, uint32_t price)
{
    const struct desk_owner who = {.account = account, .strategy = 2};
    const struct desk_order ask = {
        .quantity = 100, .price = price, .side = side, .time_in_force = '0', .display = 'Y'};
    return desk_enter(&w->desk, &who, &ask, &order);
}

static enum refusal enter(char side, uint32_t price)
{
    return enter_as(w->who.account, side, price);
}

// An order that rests, from before the session was durable.
static uint32_t resting(char side, uint32_t price)
{
    assert_int_equal(enter(side, price), REFUSAL_NONE);
    orders_at(&w->desk.orders, order)->life = LIFE_LIVE;
    return order;
}

static enum refusal replace(uint32_t which, uint32_t price)
{
    return desk_replace(&w->desk, &w->who, which, 100, price);
}

// The journal has it, so that it is gated again, and leaves.
static void released(void)
{
    event_commit(w->lane.trading.ring, w->lane.trading.tail);
    turn();
    assert_int_equal(w->desk.sessions[0].park->count, 0);
}

// Letters of what has left since the last call: O U X.
static const char *left(void)
{
    static char letters[64];
    uint32_t count = 0;
    for (uint32_t at = 0; at + 4 <= w->rig.sent_len && count < sizeof letters - 1;
         at += 2u + be16_load(w->rig.sent + at))
        letters[count++] = (char)w->rig.sent[at + 3];
    letters[count] = 0;
    w->rig.sent_len = 0;
    return letters;
}

static uint32_t best(bool sells)
{
    const uint32_t firm = reach_best(words[0][0], sells),
                   account = reach_best(words[1 + w->who.account][0], sells);
    assert_int_equal(firm, account);
    return firm;
}

static void holds(void)
{
    char why[256] = "";
    if (!desk_check(&w->desk, why, sizeof why))
        fail_msg("%s", why);
}

// A buy that is to come nearer is met where it will be: by sales of the account, of another account
// where the firm cares, and of other lanes, which see its word.
static void a_waiting_replace_is_met(void **state)
{
    for (enum trade_scope scope = TRADE_FIRM; scope <= TRADE_ACCOUNT; scope++) {
        end(NULL);
        begin(state);
        policy(scope, SELF_TRADE_NEWEST);
        const uint32_t own = resting('B', PRICE);
        const enum refusal others = scope == TRADE_FIRM ? REFUSAL_SELF_TRADE : REFUSAL_NONE;
        durable();
        assert_int_equal(replace(own, PRICE + 10 * TICK), REFUSAL_NONE);
        assert_string_equal(left(), "");
        for (uint32_t when = 0; when < 2; when++) { // while it waits, and when it has left
            assert_int_equal(best(false), PRICE + 10 * TICK);
            assert_int_equal(enter('S', PRICE + 9 * TICK), REFUSAL_SELF_TRADE);
            assert_int_equal(enter('S', PRICE + 10 * TICK), REFUSAL_SELF_TRADE);
            assert_int_equal(enter_as(OTHER, 'S', PRICE + 10 * TICK), others);
            released();
            holds();
        }
        assert_true(strchr(left(), 'U') != NULL);
        assert_int_equal(enter('S', PRICE + 11 * TICK), REFUSAL_NONE);
    }
}

// Two replaces that wait, towards each other: the second is refused at the price of the first.
static void two_that_wait_do_not_meet(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_NEWEST);
    const uint32_t buy = resting('B', PRICE), sale = resting('S', PRICE + 20 * TICK);
    durable();
    assert_int_equal(replace(buy, PRICE + 10 * TICK), REFUSAL_NONE);
    assert_int_equal(replace(sale, PRICE + 10 * TICK), REFUSAL_SELF_TRADE);
    assert_int_equal(best(true), PRICE + 20 * TICK); // what was said of the refused one is unsaid
    assert_int_equal(replace(sale, PRICE + 11 * TICK), REFUSAL_NONE);
    assert_int_equal(best(true), PRICE + 11 * TICK);
    released();
    assert_string_equal(left(), "UU");
    assert_int_equal(best(false), PRICE + 10 * TICK);
    assert_int_equal(best(true), PRICE + 11 * TICK);
    holds();
}

// A replace that goes away from the other side is met at its old price until it is accepted.
static void going_away_counts_at_the_old_price(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_NEWEST);
    const uint32_t buy = resting('B', PRICE);
    durable();
    assert_int_equal(replace(buy, PRICE - 10 * TICK), REFUSAL_NONE);
    assert_int_equal(enter('S', PRICE), REFUSAL_SELF_TRADE);
    released();
    assert_int_equal(enter('S', PRICE), REFUSAL_SELF_TRADE);
    assert_int_equal(enter('S', PRICE + TICK), REFUSAL_NONE);
}

// What is refused when it is gated again is met no more where it would have come to.
static void refused_again_is_unsaid(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_NEWEST);
    const uint32_t buy = resting('B', PRICE);
    durable();
    assert_int_equal(replace(buy, PRICE + 10 * TICK), REFUSAL_NONE);
    w->limits->symbols[0].price_high = PRICE + 9 * TICK;
    released();
    assert_string_equal(left(), "");
    w->limits->symbols[0].price_high = UINT32_MAX;
    assert_int_equal(best(false), PRICE);
    assert_int_equal(enter('S', PRICE), REFUSAL_SELF_TRADE);
    assert_int_equal(enter('S', PRICE + TICK), REFUSAL_NONE);
    holds();
}

// Another lane's order that came meanwhile has seen the word, or it had been seen: the gate at the
// end need not look again. Whoever comes first says so first.
static void another_lane_sees_it_wait(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_NEWEST);
    const uint32_t buy = resting('B', PRICE);
    durable();
    assert_int_equal(self_others(&reach, 0, 1, 0, true, PRICE + 10 * TICK), 0);
    assert_int_equal(replace(buy, PRICE + 10 * TICK), REFUSAL_NONE);
    assert_int_equal(self_others(&reach, 0, 1, 0, true, PRICE + 10 * TICK), PRICE + 10 * TICK);
    self_say(&reach, 0, 1, 0, reach_with(0, true, PRICE + 11 * TICK)); // it rests just beside
    released();
    assert_string_equal(left(), "U");
    assert_int_equal(self_others(&reach, 0, 1, 0, true, PRICE + 10 * TICK), PRICE + 10 * TICK);
    orders_at(&w->desk.orders, buy)->waits = 0;
    assert_int_equal(replace(buy, PRICE + 11 * TICK), REFUSAL_SELF_TRADE);
}

// The oldest makes way when the replace is asked for: its cancel is at the exchange before the
// replace has its record. What waits itself cannot be cancelled there: then the newest is refused.
static void the_oldest_makes_way_before_it_waits(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_OLDEST);
    const uint32_t sale = resting('S', PRICE + 10 * TICK), buy = resting('B', PRICE);
    durable();
    assert_int_equal(replace(buy, PRICE + 10 * TICK), REFUSAL_NONE);
    assert_string_equal(left(), "X");
    assert_true(orders_at(&w->desk.orders, sale)->waits & WAIT_CANCEL);
    released();
    assert_string_equal(left(), "U");
    holds();
}

// Whose replace waits makes way as well, but that the exchange takes the cancel before the sale is
// not sure: both go.
static void what_waits_makes_way_for_nobody_who_stays(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_OLDEST);
    const uint32_t buy = resting('B', PRICE);
    durable();
    assert_int_equal(replace(buy, PRICE + 10 * TICK), REFUSAL_NONE);
    assert_int_equal(enter('S', PRICE + 10 * TICK), REFUSAL_SELF_TRADE);
    assert_string_equal(left(), "X");
    released();
    assert_string_equal(left(), ""); // the replace is taken back
    assert_int_equal(best(false), PRICE);
    holds();
}

// An order that waits is met as well, and until it is known to be gone.
static void a_waiting_order_is_met(void **state)
{
    (void)state;
    policy(TRADE_ACCOUNT, SELF_TRADE_NEWEST);
    durable();
    assert_int_equal(enter('B', PRICE), REFUSAL_NONE);
    const uint32_t buy = order;
    assert_int_equal(enter('S', PRICE), REFUSAL_SELF_TRADE);
    assert_int_equal(desk_cancel(&w->desk, buy, 0), REFUSAL_NONE);
    turn();
    assert_int_equal(best(false), 0);
    assert_int_equal(enter('S', PRICE), REFUSAL_NONE);
    released();
    assert_string_equal(left(), "O");
    assert_int_equal(best(true), PRICE);
    holds();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_waiting_replace_is_met, begin, end),
        cmocka_unit_test_setup_teardown(two_that_wait_do_not_meet, begin, end),
        cmocka_unit_test_setup_teardown(going_away_counts_at_the_old_price, begin, end),
        cmocka_unit_test_setup_teardown(refused_again_is_unsaid, begin, end),
        cmocka_unit_test_setup_teardown(another_lane_sees_it_wait, begin, end),
        cmocka_unit_test_setup_teardown(the_oldest_makes_way_before_it_waits, begin, end),
        cmocka_unit_test_setup_teardown(what_waits_makes_way_for_nobody_who_stays, begin, end),
        cmocka_unit_test_setup_teardown(a_waiting_order_is_met, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
