// The quantity of an order for an auction: set while everything runs, at every scope, of both
// owners, and what holds where nobody sets it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "dataplane/base/clock.h"
#include "tests/lib/limit_set_rig.h"

enum { PRICE = 10000, SYMBOL = 1, LANE = 1 };

static const uint32_t indices[] = {0, ACCOUNT, 0, SYMBOL, LANE};
static const uint64_t hour_ns = 3600000000000;

static void set(enum limit_owned owner, enum trade_scope scope, const char *control,
                const char *value)
{
    if (set_owned(owner, scope, indices[scope], control, value) != COMMAND_RESULT_OK)
        fail_msg("%s of %s: %s", control, scope_name(scope), slot->answer.limit_set.why);
}

static enum refusal cross(char letter, uint32_t shares)
{
    const struct ouch_extras extras = {.cross = letter};
    return enter_with(LANE, shares, PRICE, &extras);
}

static void refused(enum refusal got, enum trade_scope scope, uint32_t shares, uint32_t limit,
                    enum limit_owned owner)
{
    const struct event_decision *e = &newest(LANE, EVENT_DECISION)->decision;
    assert_string_equal(refusal_name(got), "AUCTION_QUANTITY");
    assert_int_equal(e->scope, scope);
    assert_int_equal(e->value, shares);
    assert_int_equal(e->limit, limit);
    assert_int_equal((e->checks & CHECKS_OF_BROKER) != 0, owner == LIMIT_OF_BROKER);
}

static void it_binds_at_every_scope(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        open_wide();
        set(LIMIT_OF_FIRM, scope, "quantity", "50");
        set(LIMIT_OF_FIRM, scope, "auction_quantity", "80");
        assert_int_equal(cross('C', 79), REFUSAL_NONE);
        assert_int_equal(cross('C', 80), REFUSAL_NONE);
        refused(cross('C', 81), scope, 81, 80, LIMIT_OF_FIRM);
        set(LIMIT_OF_FIRM, scope, "auction_quantity", "40"); // the lower one of both
        refused(cross('C', 41), scope, 41, 40, LIMIT_OF_FIRM);
        assert_int_equal(enter(LANE, 50, PRICE), REFUSAL_NONE);
        assert_int_equal(enter(LANE, 51, PRICE), REFUSAL_QUANTITY);
        tidy(NULL);
    }
}

// R, E and S trade with everybody else, and so does what says N.
static void only_crosses_are_auctions(void **state)
{
    (void)state;
    open_wide();
    set(LIMIT_OF_FIRM, TRADE_ACCOUNT, "quantity", "50");
    set(LIMIT_OF_FIRM, TRADE_ACCOUNT, "auction_quantity", "80");
    for (const char *letter = "OCH"; *letter; letter++) {
        assert_int_equal(cross(*letter, 80), REFUSAL_NONE);
        assert_int_equal(cross(*letter, 81), REFUSAL_AUCTION_QUANTITY);
    }
    for (const char *letter = "NSRE"; *letter; letter++) {
        assert_int_equal(cross(*letter, 50), REFUSAL_NONE);
        assert_int_equal(cross(*letter, 51), REFUSAL_QUANTITY);
    }
    tidy(NULL);
}

static void quantity_counts_where_nothing_is_said(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        open_wide();
        set(LIMIT_OF_FIRM, scope, "quantity", "50");
        assert_int_equal(cross('O', 50), REFUSAL_NONE);
        refused(cross('O', 51), scope, 51, 50, LIMIT_OF_FIRM);
        set(LIMIT_OF_FIRM, scope, "quantity", "60"); // it follows
        assert_int_equal(cross('O', 60), REFUSAL_NONE);
        refused(cross('O', 61), scope, 61, 60, LIMIT_OF_FIRM);
        set(LIMIT_OF_FIRM, scope, "auction_quantity", "70");
        assert_int_equal(cross('O', 70), REFUSAL_NONE);
        set(LIMIT_OF_FIRM, scope, "auction_quantity", "none"); // and again
        refused(cross('O', 61), scope, 61, 60, LIMIT_OF_FIRM);
        tidy(NULL);
    }
}

static void the_lower_of_both_owners_binds(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        open_wide();
        set(LIMIT_OF_FIRM, scope, "auction_quantity", "80");
        set(LIMIT_OF_BROKER, scope, "quantity", "60"); // in auctions too
        refused(cross('H', 61), scope, 61, 60, LIMIT_OF_BROKER);
        set(LIMIT_OF_BROKER, scope, "auction_quantity", "90");
        assert_int_equal(cross('H', 80), REFUSAL_NONE);
        refused(cross('H', 81), scope, 81, 80, LIMIT_OF_FIRM);
        set(LIMIT_OF_BROKER, scope, "auction_quantity", "70");
        assert_int_equal(cross('H', 70), REFUSAL_NONE);
        refused(cross('H', 71), scope, 71, 70, LIMIT_OF_BROKER);
        assert_int_equal(enter(LANE, 61, PRICE), REFUSAL_QUANTITY);
        tidy(NULL);
    }
}

static enum command_result set_until(const char *value, uint64_t until_ns)
{
    claim();
    ask_change(0, TRADE_ACCOUNT, ACCOUNT, "auction_quantity", value);
    slot->request.limit_set.changes[0].until_ns = until_ns;
    return post() ? answered() : result;
}

// More than the quantity that counted so far is a raise, though there was no number before: it has
// to end, stays one while it is more, and then the quantity counts again.
static void more_than_quantity_is_a_raise(void **state)
{
    (void)state;
    open_wide();
    set(LIMIT_OF_FIRM, TRADE_ACCOUNT, "quantity", "50");
    assert_int_equal(set_until("80", 0), COMMAND_RESULT_LIMIT_REFUSED);
    assert_non_null(strstr(slot->answer.limit_set.why, "it has to end"));
    assert_int_equal(set_until("40", clock_utc_ns() + hour_ns), COMMAND_RESULT_LIMIT_REFUSED);
    assert_int_equal(set_until("80", clock_utc_ns() + 150000000), COMMAND_RESULT_OK);
    assert_int_equal(slot->answer.limit_set.widens, 1);
    assert_int_equal(set_until("70", 0), COMMAND_RESULT_OK);
    assert_int_equal(limits_raised(&d)->count, 1);
    assert_int_equal(cross('C', 70), REFUSAL_NONE);
    for (uint32_t n = 0; n < 1000 && limits_raised(&d)->count; n++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        turn_all();
    }
    assert_int_equal(limits_raised(&d)->count, 0);
    for (uint32_t n = 0; n < 5; n++)
        turn_all();
    refused(cross('C', 51), TRADE_ACCOUNT, 51, 50, LIMIT_OF_FIRM);
    assert_int_equal(set_until("40", 0), COMMAND_RESULT_OK); // less takes none
    assert_int_equal(slot->answer.limit_set.widens, 0);
    refused(cross('C', 41), TRADE_ACCOUNT, 41, 40, LIMIT_OF_FIRM);
    tidy(NULL);
}

static const struct limit_entry *listed(void)
{
    static struct limits_list_answer answer;
    const struct limits_list_request request = {.scope = TRADE_ACCOUNT, .index = ACCOUNT};
    assert_int_equal(limits_list(&d, &request, &answer), COMMAND_RESULT_OK);
    for (uint32_t i = 0; i < answer.count; i++)
        if (answer.entries[i].control == LIMIT_LIMITS_auction_quantity)
            return &answer.entries[i];
    return NULL;
}

// A list has it where somebody has set it, with what holds of the other.
static void it_is_listed_where_it_is_set(void **state)
{
    (void)state;
    open_wide();
    set(LIMIT_OF_FIRM, TRADE_ACCOUNT, "quantity", "50");
    set(LIMIT_OF_BROKER, TRADE_ACCOUNT, "quantity", "60");
    assert_null(listed());
    set(LIMIT_OF_FIRM, TRADE_ACCOUNT, "auction_quantity", "80");
    const struct limit_entry *e = listed();
    assert_non_null(e);
    assert_int_equal(e->limit[LIMIT_OF_FIRM], 80);
    assert_int_equal(e->limit[LIMIT_OF_BROKER], 60);
    assert_int_equal(e->binds, LIMIT_OF_BROKER);
    set(LIMIT_OF_BROKER, TRADE_ACCOUNT, "auction_quantity", "90");
    e = listed();
    assert_int_equal(e->limit[LIMIT_OF_BROKER], 90);
    assert_int_equal(e->binds, LIMIT_OF_FIRM);
    tidy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_binds_at_every_scope),
        cmocka_unit_test(only_crosses_are_auctions),
        cmocka_unit_test(quantity_counts_where_nothing_is_said),
        cmocka_unit_test(the_lower_of_both_owners_binds),
        cmocka_unit_test(more_than_quantity_is_a_raise),
        cmocka_unit_test(it_is_listed_where_it_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
