// Orders that would meet one of the same account or firm: every policy, at every scope, just
// beside, at and beyond the price.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_self.h"
#include "tests/lib/desk_world.h"

enum { PRICE = 1000000, LANES = 2, GROUPS = 8 };

static struct self_reach reach;
static _Atomic uint64_t words[1 + GROUPS][LANES * MODEL_SYMBOLS];
static void *memory;
static uint32_t order; // of the last one that was entered

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
    steps_until(SESSION_READY);
    w->rig.sent_len = 0;
    events_drain();
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_close();
    free(memory);
    return 0;
}

static void policy(enum trade_scope scope, enum self_trade policy)
{
    struct limit_row *row =
        scope == TRADE_FIRM ? &w->limits->firm : &w->limits->accounts[w->who.account];
    row->owner.self_trade = (uint8_t)policy;
}

static enum refusal enter_as(uint16_t account, char side, uint32_t price, uint32_t shares)
{
    const struct desk_owner who = {.account = account, .strategy = 2};
    const struct desk_order ask = {
        .quantity = shares, .price = price, .side = side, .time_in_force = '0', .display = 'Y'};
    return desk_enter(&w->desk, &who, &ask, &order);
}

static enum refusal enter(char side, uint32_t price, uint32_t shares)
{
    return enter_as(w->who.account, side, price, shares);
}

// Letters of the messages that have left since the last call: O U X.
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

static struct event last_decision(void)
{
    static struct event seen[4096];
    struct event found = {0};
    uint64_t cursor = w->event_cursor;
    uint32_t n;
    assert_true(
        event_read(w->lane.trading.ring, w->lane.trading.slots, 4096, &cursor, seen, 4096, &n));
    for (uint32_t i = 0; i < n; i++)
        if (seen[i].type == EVENT_DECISION)
            found = seen[i];
    return found;
}

static void refused(enum trade_scope scope, uint32_t price, uint32_t met)
{
    const struct event e = last_decision();
    assert_int_equal(e.decision.refusal, REFUSAL_SELF_TRADE);
    assert_int_equal(e.decision.scope, scope);
    assert_int_equal(e.decision.value, price);
    assert_int_equal(e.decision.limit, met);
    assert_true(e.decision.checks == refusal_passed(REFUSAL_SELF_TRADE));
}

// What the words say is what is open.
static void words_are_right(void)
{
    for (uint32_t g = 0; g <= GROUPS; g++)
        for (uint32_t i = 0; i < MODEL_SYMBOLS; i++) {
            uint64_t word = 0;
            for (uint32_t k = 0; k < ORDERS; k++) {
                const struct own_order *o = orders_at(&w->desk.orders, k);
                if (o->held_orders && o->instrument == i && (g == 0 || o->account == g - 1))
                    word = reach_with(word, side_sells(o->side), o->price);
            }
            if (g < 8 && words[g][i * LANES] != word)
                fail_msg("group %u symbol %u: %lx instead of %lx", g, i,
                         (unsigned long)words[g][i * LANES], (unsigned long)word);
        }
}

static void the_newest_is_refused_from_its_price_on(void **state)
{
    for (enum trade_scope scope = TRADE_FIRM; scope <= TRADE_ACCOUNT; scope++)
        for (uint32_t sells = 0; sells < 2; sells++) {
            const char own = sells ? 'B' : 'S', side = sells ? 'S' : 'B';
            const uint32_t beside = sells ? PRICE + 100 : PRICE - 100,
                           beyond = sells ? PRICE - 100 : PRICE + 100;
            end(NULL);
            begin(state);
            policy(scope, SELF_TRADE_NEWEST);
            assert_int_equal(enter(own, PRICE, 100), REFUSAL_NONE);
            assert_int_equal(enter(side, beside, 50), REFUSAL_NONE);
            assert_int_equal(enter(own, PRICE, 100), REFUSAL_NONE);
            assert_string_equal(left(), "OOO");
            assert_int_equal(enter(side, PRICE, 50), REFUSAL_SELF_TRADE);
            refused(scope, PRICE, PRICE);
            assert_int_equal(enter(side, beyond, 50), REFUSAL_SELF_TRADE);
            refused(scope, beyond, PRICE);
            assert_int_equal(w->rig.sent_len, 0);
            words_are_right();
            // Another account: the firm's business only.
            const enum refusal other = scope == TRADE_FIRM ? REFUSAL_SELF_TRADE : REFUSAL_NONE;
            assert_int_equal(enter_as(5, side, PRICE, 50), other);
            check();
        }
}

static void without_a_policy_everything_passes(void **state)
{
    (void)state;
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    assert_int_equal(enter('B', PRICE, 100), REFUSAL_NONE);
    assert_string_equal(left(), "OO");
}

static void what_is_over_is_met_no_more(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_NEWEST);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    desk_cancel(&w->desk, order, 0);
    assert_int_equal(enter('B', PRICE, 100), REFUSAL_SELF_TRADE); // it may still execute
    for (int i = 0; i < 40; i++)
        step();
    assert_int_equal(w->desk.orders.sessions[0].open_count, 0);
    words_are_right();
    assert_int_equal(enter('B', PRICE, 100), REFUSAL_NONE);
}

static void the_oldest_make_way(void **state)
{
    (void)state;
    policy(TRADE_ACCOUNT, SELF_TRADE_OLDEST);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    assert_int_equal(enter('S', PRICE + 100, 100), REFUSAL_NONE);
    assert_int_equal(enter('S', PRICE + 200, 100), REFUSAL_NONE);
    left();
    assert_int_equal(enter('B', PRICE + 100, 300), REFUSAL_NONE);
    assert_string_equal(left(), "XXO"); // in this order: the exchange takes them so
    events_drain();
    assert_int_equal(w->event_count[EVENT_SELF_TRADE], 2);
    assert_int_equal(orders_at(&w->desk.orders, order)->quantity, 300);
    words_are_right();
    check();
}

// Nobody knows which of two numbers an order has while a replace is on its way: its cancel may
// miss.
static void the_newest_does_not_rest_on_a_cancel_that_may_miss(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_OLDEST);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    const uint32_t open = order;
    orders_at(&w->desk.orders, open)->life = LIFE_LIVE;
    assert_int_equal(desk_replace(&w->desk, &w->who, open, 100, PRICE - 500), REFUSAL_NONE);
    left();
    assert_int_equal(enter('B', PRICE - 600, 100), REFUSAL_NONE);
    assert_int_equal(enter('B', PRICE - 500, 100), REFUSAL_SELF_TRADE); // the price that may come
    refused(TRADE_FIRM, PRICE - 500, PRICE - 500);
    assert_string_equal(left(), "OX");
}

static void both_go(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_BOTH);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    left();
    assert_int_equal(enter('B', PRICE, 300), REFUSAL_SELF_TRADE);
    refused(TRADE_FIRM, PRICE, PRICE);
    assert_string_equal(left(), "X");
    check();
}

// The order is refused by another check: what it would have met stays.
static void an_order_that_is_refused_anyway_takes_nothing_with_it(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_BOTH);
    w->limits->firm.quantity = 200;
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    left();
    assert_int_equal(enter('B', PRICE, 300), REFUSAL_QUANTITY);
    assert_string_equal(left(), "");
    words_are_right();
}

static void both_become_smaller_by_what_they_share(void **state)
{
    static const struct {
        uint32_t asked;
        enum refusal refusal;
        uint32_t leaves; // of the newest
        uint32_t total;  // that may still execute of the oldest
        const char *left;
    } cases[] = {{99, REFUSAL_SELF_TRADE, 0, 1, "X"},
                 {100, REFUSAL_SELF_TRADE, 0, 0, "X"},
                 {101, REFUSAL_NONE, 1, 0, "XO"},
                 {250, REFUSAL_NONE, 150, 0, "XO"}};
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        end(NULL);
        begin(state);
        policy(TRADE_FIRM, SELF_TRADE_DECREMENT);
        assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
        const uint32_t oldest = order;
        left();
        assert_int_equal(enter('B', PRICE, cases[i].asked), cases[i].refusal);
        assert_int_equal(orders_at(&w->desk.orders, oldest)->cancel_total, cases[i].total);
        if (cases[i].refusal == REFUSAL_NONE) {
            assert_int_equal(orders_at(&w->desk.orders, order)->quantity, cases[i].leaves);
            assert_int_equal(last_decision().decision.quantity, cases[i].leaves);
        }
        assert_string_equal(left(), cases[i].left);
        words_are_right();
        check();
    }
}

// Shares of a broken trade do not come back to the order, and the exchange counts them.
static void a_broken_trade_makes_no_cancel_larger(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_DECREMENT);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    const uint32_t oldest = order;
    const struct own_order *o = orders_at(&w->desk.orders, oldest);
    struct ouch_report r = {.kind = REPORT_EXECUTED,
                            .letter = 'E',
                            .time_ns = 1,
                            .ref = o->ref,
                            .quantity = 30,
                            .price = PRICE,
                            .match = 9};
    desk_report(&w->desk, 0, &r);
    r.kind = REPORT_BROKEN;
    r.letter = 'B';
    desk_report(&w->desk, 0, &r);
    assert_true(o->filled == 0 && o->open == 70);
    assert_int_equal(enter('B', PRICE, 20), REFUSAL_SELF_TRADE);
    assert_int_equal(o->cancel_total, 30 + 70 - 20);
}

// Two that are decremented before the exchange has answered: each takes its own part.
static void what_is_taken_off_twice_adds_up(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_DECREMENT);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    const uint32_t oldest = order;
    assert_int_equal(enter('B', PRICE, 30), REFUSAL_SELF_TRADE);
    assert_int_equal(orders_at(&w->desk.orders, oldest)->cancel_total, 70);
    assert_int_equal(enter('B', PRICE, 30), REFUSAL_SELF_TRADE);
    assert_int_equal(orders_at(&w->desk.orders, oldest)->cancel_total, 40);
}

// One that does not follow its cancels, as they wait for their rate, is refused and counts for no
// sum of the day.
static void what_waits_for_cancels_is_not_counted(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_OLDEST);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    w->limits->sessions[0].cancel_rate = CANCELS_WAIT;
    w->limits->sessions[0].price_low = 1 << 20;
    w->limits->sessions[0].price_high = 0;
    const uint32_t orders = w->desk.risk.day.orders, again = w->desk.risk.strategy_days[2].applied;
    assert_int_equal(enter('B', PRICE, 100), REFUSAL_SELF_TRADE);
    assert_int_equal(w->desk.risk.strategy_days[2].applied, again);
    assert_int_equal(w->desk.risk.day.orders, orders);
    assert_int_equal(strlen(left()), 3); // two orders, and the cancel that was due
}

// The cancel finds no room on its way out: it waits, and the order that would follow it is refused.
static void one_does_not_leave_before_its_cancels(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_OLDEST);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    const uint32_t oldest = order;
    left();
    w->rig.refuse = true;
    assert_int_equal(enter('B', PRICE, 300), REFUSAL_SELF_TRADE);
    refused(TRADE_FIRM, PRICE, PRICE);
    w->rig.refuse = false;
    assert_string_equal(left(), "");
    assert_true(orders_at(&w->desk.orders, oldest)->flags & ORDER_CANCEL_QUEUED);
    desk_turn(&w->desk, w->now);
    assert_string_equal(left(), "X");
    assert_int_equal(w->desk.risk.firm.orders, 1);
    words_are_right();
    check();
}

// As many cancels as may leave at once do, and it follows.
static void what_follows_its_cancels_is_counted(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_OLDEST);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    w->limits->sessions[0].cancel_rate = CANCELS_WAIT;
    w->limits->sessions[0].price_low = 1 << 20;
    w->limits->sessions[0].price_high = 1;
    left();
    assert_int_equal(enter('B', PRICE, 100), REFUSAL_NONE);
    assert_string_equal(left(), "XXO");
}

// What a cancel on its way takes off is not shared a second time.
static void what_is_taken_off_already_is_not_met(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_DECREMENT);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    assert_int_equal(enter('B', PRICE, 30), REFUSAL_SELF_TRADE);
    left();
    assert_int_equal(enter('B', PRICE, 120), REFUSAL_NONE);
    assert_int_equal(orders_at(&w->desk.orders, order)->quantity, 50);
    assert_string_equal(left(), "XO");
}

static void a_replace_is_an_order_too(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_NEWEST);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    assert_int_equal(enter('B', PRICE - 100, 100), REFUSAL_NONE);
    const uint32_t own = order;
    orders_at(&w->desk.orders, own)->life = LIFE_LIVE;
    left();
    assert_int_equal(desk_replace(&w->desk, &w->who, own, 200, PRICE), REFUSAL_SELF_TRADE);
    refused(TRADE_FIRM, PRICE, PRICE);
    words_are_right();
    policy(TRADE_FIRM, SELF_TRADE_DECREMENT);
    assert_int_equal(desk_replace(&w->desk, &w->who, own, 200, PRICE), REFUSAL_SELF_TRADE);
    assert_string_equal(left(), ""); // a replace is not decremented, it is refused
    policy(TRADE_FIRM, SELF_TRADE_OLDEST);
    assert_int_equal(desk_replace(&w->desk, &w->who, own, 200, PRICE - 1), REFUSAL_NONE);
    assert_string_equal(left(), "U");
    orders_at(&w->desk.orders, own)->waits = 0;
    orders_at(&w->desk.orders, own)->price = PRICE - 1;
    assert_int_equal(desk_replace(&w->desk, &w->who, own, 200, PRICE), REFUSAL_NONE);
    assert_string_equal(left(), "XU");
}

// The account's own word goes before the firm's; where an order meets both, and they differ, the
// newest is refused.
static void the_account_goes_before_the_firm(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_NEWEST);
    policy(TRADE_ACCOUNT, SELF_TRADE_OLDEST);
    assert_int_equal(enter('S', PRICE, 100), REFUSAL_NONE);
    left();
    assert_int_equal(enter('B', PRICE, 100), REFUSAL_NONE);
    assert_string_equal(left(), "XO");
    assert_int_equal(enter_as(5, 'S', PRICE + 100, 100), REFUSAL_NONE);
    assert_int_equal(enter_as(w->who.account, 'S', PRICE + 100, 100), REFUSAL_NONE);
    left();
    assert_int_equal(enter('B', PRICE + 100, 100), REFUSAL_SELF_TRADE);
    assert_string_equal(left(), "");
}

// Of another lane only the reach is known: the newest is refused, whatever the policy.
static void another_lanes_orders_are_met(void **state)
{
    for (enum self_trade p = SELF_TRADE_NEWEST; p <= SELF_TRADE_DECREMENT; p++)
        for (enum trade_scope scope = TRADE_FIRM; scope <= TRADE_ACCOUNT; scope++) {
            const uint32_t group = scope == TRADE_FIRM ? 0 : 1u + w->who.account;
            end(NULL);
            begin(state);
            policy(scope, p);
            self_say(&reach, group, 1, 0, reach_with(0, true, PRICE));
            assert_int_equal(enter('B', PRICE - 1, 100), REFUSAL_NONE);
            assert_int_equal(enter('B', PRICE, 100), REFUSAL_SELF_TRADE);
            refused(scope, PRICE, PRICE);
            assert_int_equal(reach_best(words[group][0], false), PRICE - 1); // taken back
            self_say(&reach, group, 1, 0, 0);
            assert_int_equal(enter('B', PRICE, 100), REFUSAL_NONE);
            assert_int_equal(reach_best(words[group][0], false), PRICE);
        }
}

static void too_many_are_not_dealt_with_at_once(void **state)
{
    (void)state;
    policy(TRADE_FIRM, SELF_TRADE_OLDEST);
    for (uint32_t i = 0; i <= SELF_FOUND_MAX; i++)
        assert_int_equal(enter('S', PRICE, 10), REFUSAL_NONE);
    left();
    assert_int_equal(enter('B', PRICE, 100), REFUSAL_SELF_TRADE);
    assert_int_equal(strlen(left()), SELF_FOUND_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(the_newest_is_refused_from_its_price_on),
        TEST(without_a_policy_everything_passes),
        TEST(what_is_over_is_met_no_more),
        TEST(the_oldest_make_way),
        TEST(the_newest_does_not_rest_on_a_cancel_that_may_miss),
        TEST(both_go),
        TEST(an_order_that_is_refused_anyway_takes_nothing_with_it),
        TEST(both_become_smaller_by_what_they_share),
        TEST(a_broken_trade_makes_no_cancel_larger),
        TEST(what_is_taken_off_twice_adds_up),
        TEST(what_waits_for_cancels_is_not_counted),
        TEST(one_does_not_leave_before_its_cancels),
        TEST(what_follows_its_cancels_is_counted),
        TEST(what_is_taken_off_already_is_not_met),
        TEST(a_replace_is_an_order_too),
        TEST(the_account_goes_before_the_firm),
        TEST(another_lanes_orders_are_met),
        TEST(too_many_are_not_dealt_with_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
