// Every limit that a person sets while it runs, at every scope that has it: what is just inside and
// at the limit passes, what is just outside is refused by it, with the scope, the value and the
// limit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/limit_set_rig.h"

enum { PRICE = 10000, SYMBOL = 1, LANE = 1 };

static const char *const scopes[] = {"firm", "account", "strategy", "symbol", "session"};
static const uint32_t indices[] = {0, ACCOUNT, 0, SYMBOL, LANE};

static void set(enum trade_scope scope, const char *control, const char *value)
{
    if (set_base(scope, indices[scope], control, value) != COMMAND_RESULT_OK)
        fail_msg("%s of %s: %s", control, scopes[scope], slot->answer.limit_set.why);
}

static void says(enum refusal got, enum refusal want, enum trade_scope scope, uint64_t value,
                 uint64_t limit)
{
    const struct event *e = newest(LANE, EVENT_DECISION);
    if (got != want || (want && (e->decision.scope != scope || e->decision.value != value ||
                                 e->decision.limit != limit)))
        fail_msg("%s of %s, %lu against %lu, instead of %s of %s, %lu against %lu",
                 refusal_name(got), scopes[e->decision.scope], (unsigned long)e->decision.value,
                 (unsigned long)e->decision.limit, refusal_name(want), scopes[scope],
                 (unsigned long)value, (unsigned long)limit);
}

// Limits on one order, which are not divided between lanes.
static void of_one_order(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        open_wide();
        set(scope, "quantity", "50");
        says(enter(LANE, 49, PRICE), REFUSAL_NONE, scope, 0, 0);
        says(enter(LANE, 50, PRICE), REFUSAL_NONE, scope, 0, 0);
        says(enter(LANE, 51, PRICE), REFUSAL_QUANTITY, scope, 51, 50);
        set(scope, "quantity", "none");
        set(scope, "notional", "50");
        says(enter(LANE, 49, PRICE), REFUSAL_NONE, scope, 0, 0);
        says(enter(LANE, 50, PRICE), REFUSAL_NONE, scope, 0, 0);
        says(enter(LANE, 51, PRICE), REFUSAL_NOTIONAL, scope, 510000, 500000);
        says(enter(LANE, 7, 71429), REFUSAL_NOTIONAL, scope, 500003, 500000);
        tidy(NULL);
    }
}

// Sums that grow by one with each order. Of a symbol each of two lanes has half.
static void of_how_many(void **state)
{
    static const struct {
        const char *control;
        enum refusal refusal;
        uint32_t scopes; // bits
    } rows[] = {
        {"open_orders", REFUSAL_OPEN_ORDERS,
         1u << TRADE_STRATEGY | 1u << TRADE_SYMBOL | 1u << TRADE_SESSION},
        {"day_orders", REFUSAL_DAY_ORDERS,
         1u << TRADE_FIRM | 1u << TRADE_ACCOUNT | 1u << TRADE_STRATEGY | 1u << TRADE_SESSION},
        {"repeats", REFUSAL_REPEATED, 1u << TRADE_STRATEGY},
        {"order_ratio", REFUSAL_ORDER_RATIO,
         1u << TRADE_FIRM | 1u << TRADE_ACCOUNT | 1u << TRADE_STRATEGY | 1u << TRADE_SESSION}};
    (void)state;
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
            const bool whole =
                scope == TRADE_STRATEGY || scope == TRADE_SESSION || i == 3; // a ratio is no sum
            if (!(rows[i].scopes >> scope & 1))
                continue;
            open_wide();
            set(scope, rows[i].control, whole ? "3" : "6");
            for (uint32_t n = 0; n < 3; n++) // inside, inside, at
                says(enter(LANE, 10 + n, PRICE), REFUSAL_NONE, scope, 0, 0);
            says(enter(LANE, 20, PRICE), rows[i].refusal, scope, 4, 3);
            set(scope, rows[i].control, whole ? "4" : "8");
            says(enter(LANE, 21, PRICE), REFUSAL_NONE, scope, 0, 0);
            tidy(NULL);
        }
}

// Sums of shares and money: 60 dollars are at the limit, 60.0001 are not.
static void of_how_much(void **state)
{
    static const struct {
        const char *control;
        enum refusal refusal;
        uint32_t scopes; // bits
        bool shares;
    } rows[] = {
        {"open_notional", REFUSAL_OPEN_NOTIONAL,
         1u << TRADE_STRATEGY | 1u << TRADE_SYMBOL | 1u << TRADE_SESSION, false},
        {"gross", REFUSAL_GROSS, 1u << TRADE_FIRM | 1u << TRADE_ACCOUNT, false},
        {"credit", REFUSAL_CREDIT, 1u << TRADE_FIRM | 1u << TRADE_ACCOUNT, false},
        {"day_value", REFUSAL_DAY_VALUE,
         1u << TRADE_FIRM | 1u << TRADE_ACCOUNT | 1u << TRADE_STRATEGY | 1u << TRADE_SESSION,
         false},
        {"position", REFUSAL_POSITION,
         1u << TRADE_ACCOUNT | 1u << TRADE_STRATEGY | 1u << TRADE_SYMBOL, true}};
    (void)state;
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
            const bool whole = scope == TRADE_STRATEGY || scope == TRADE_SESSION;
            const uint64_t unit = rows[i].shares ? 1 : PRICE;
            if (!(rows[i].scopes >> scope & 1))
                continue;
            open_wide();
            set(scope, rows[i].control, whole ? "60" : "120");
            says(enter(LANE, 50, PRICE), REFUSAL_NONE, scope, 0, 0);
            says(enter(LANE, 9, PRICE), REFUSAL_NONE, scope, 0, 0);
            says(enter(LANE, 2, PRICE), rows[i].refusal, scope, 61 * unit, 60 * unit);
            if (!rows[i].shares)
                says(enter(LANE, 1, PRICE + 1), rows[i].refusal, scope, 60 * unit + 1, 60 * unit);
            says(enter(LANE, 1, PRICE), REFUSAL_NONE, scope, 0, 0);
            says(enter(LANE, 1, PRICE), rows[i].refusal, scope, 61 * unit, 60 * unit);
            tidy(NULL);
        }
}

// What only symbols have.
static void of_a_symbol(void **state)
{
    (void)state;
    open_wide();
    set(TRADE_SYMBOL, "price_low", "1.0");
    says(enter(LANE, 1, 10001), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 1, 10000), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 1, 9999), REFUSAL_PRICE_COLLAR, TRADE_SYMBOL, 9999, 10000);
    set(TRADE_SYMBOL, "price_high", "2.0");
    says(enter(LANE, 1, 19999), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 1, 20000), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 1, 20001), REFUSAL_PRICE_COLLAR, TRADE_SYMBOL, 20001, 20000);
    set(TRADE_SYMBOL, "average_volume", "10");
    set(TRADE_SYMBOL, "lot", "20"); // of no part of it there is nothing to be less than a lot
    says(enter(LANE, 20, PRICE), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    set(TRADE_SYMBOL, "lot", "1");
    set(TRADE_SYMBOL, "average_volume", "1000");
    set(TRADE_SYMBOL, "volume_percent", "500");
    says(enter(LANE, 49, PRICE), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 50, PRICE), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 51, PRICE), REFUSAL_VOLUME, TRADE_SYMBOL, 51, 50);
    set(TRADE_SYMBOL, "previous_close", "1.5");
    set(TRADE_SYMBOL, "last", "1000"); // 10 %
    says(enter(LANE, 1, 16499), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 1, 16500), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 1, 16501), REFUSAL_LAST_TRADE, TRADE_SYMBOL, 16501, 16500);
    set(TRADE_SYMBOL, "last_least", "0.2");
    says(enter(LANE, 1, 17000), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 1, 17001), REFUSAL_LAST_TRADE, TRADE_SYMBOL, 17001, 17000);
    set(TRADE_SYMBOL, "period", "500"); // 5 %
    says(enter(LANE, 1, 15749), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 1, 15750), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 1, 15751), REFUSAL_PRICE_PERIOD, TRADE_SYMBOL, 15751, 15750);
    set(TRADE_SYMBOL, "period_least", "0.1");
    says(enter(LANE, 1, 16000), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 1, 16001), REFUSAL_PRICE_PERIOD, TRADE_SYMBOL, 16001, 16000);
    set(TRADE_SYMBOL, "touch", "100");
    says(enter(LANE, 1, 15000), REFUSAL_REFERENCE, TRADE_SYMBOL, 0, 0);
    set(TRADE_SYMBOL, "no_reference", "collar");
    says(enter(LANE, 1, 15000), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    set(TRADE_SYMBOL, "restricted", "all");
    says(enter(LANE, 1, 15000), REFUSAL_RESTRICTED, TRADE_SYMBOL, RESTRICTION_ALL, 0);
    set(TRADE_SYMBOL, "restricted", "none");
    set(TRADE_SYMBOL, "quality", "good");
    says(enter(LANE, 1, 15000), REFUSAL_BOOK_QUALITY, TRADE_SYMBOL,
         newest(LANE, EVENT_DECISION)->decision.quality, QUALITY_GOOD);
    tidy(NULL);
}

// Losses: at the limit everything passes, a tick beyond it only what reduces.
static void of_losses(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope <= TRADE_ACCOUNT; scope++)
        for (uint32_t kind = 0; kind < LOSS_KINDS; kind++) {
            struct desk *desk;
            open_wide();
            desk = &d.desks[LANE]->desk;
            assert_true(desk_carry(desk, ACCOUNT, 0, 100, PRICE));
            set(scope, kind == LOSS_OF_DAY ? "loss" : "drawdown", "2"); // half: a dollar
            const uint32_t at = position_open(&desk->risk, ACCOUNT, 0);
            money_mark(&desk->risk, at, PRICE - 100);
            says(enter(LANE, 1, PRICE), REFUSAL_NONE, scope, 0, 0);
            money_mark(&desk->risk, at, PRICE - 101);
            says(enter(LANE, 1, PRICE), kind == LOSS_OF_DAY ? REFUSAL_LOSS : REFUSAL_DRAWDOWN,
                 scope, 10100, 10000);
            tidy(NULL);
            // A limit that is set below what is lost already breaks with the swap.
            open_wide();
            desk = &d.desks[LANE]->desk;
            assert_true(desk_carry(desk, ACCOUNT, 0, 100, PRICE));
            money_mark(&desk->risk, position_open(&desk->risk, ACCOUNT, 0), PRICE - 101);
            says(enter(LANE, 1, PRICE), REFUSAL_NONE, scope, 0, 0);
            set(scope, kind == LOSS_OF_DAY ? "loss" : "drawdown", "2");
            says(enter(LANE, 1, PRICE), kind == LOSS_OF_DAY ? REFUSAL_LOSS : REFUSAL_DRAWDOWN,
                 scope, 10100, 10000);
            tidy(NULL);
        }
}

// What an order may be, at every scope: the kinds that are forbidden, as words.
static void of_kinds(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        open_wide();
        set(scope, "forbid", "short,hidden");
        says(enter(LANE, 10, PRICE), REFUSAL_NONE, scope, 0, 0);
        set(scope, "forbid", "short,buy");
        says(enter(LANE, 11, PRICE), REFUSAL_PERMISSION, scope, PERMISSION_BUY, 0);
        const struct limit_changed *c = &slot->answer.limit_set.changes[0];
        assert_true(c->was == (1u << PERMISSION_SHORT | 1u << PERMISSION_HIDDEN) &&
                    c->now == (1u << PERMISSION_SHORT | 1u << PERMISSION_BUY));
        const struct ouch_extras sweep = {.iso = 'Y'}, no_sweep = {.iso = 'N'};
        struct ouch_extras post = {.options = {.present = 1u << OUCH50_TAG_POST_ONLY}};
        set(scope, "forbid", "iso");
        says(enter_with(LANE, 12, PRICE, &sweep), REFUSAL_PERMISSION, scope, PERMISSION_ISO, 0);
        says(enter_with(LANE, 12, PRICE, &no_sweep), REFUSAL_NONE, scope, 0, 0);
        post.options.post_only = 'P';
        says(enter_with(LANE, 13, PRICE, &post), REFUSAL_NONE, scope, 0, 0);
        set(scope, "forbid", "post_only");
        says(enter_with(LANE, 14, PRICE, &post), REFUSAL_PERMISSION, scope, PERMISSION_POST_ONLY,
             0);
        post.options.post_only = 'N';
        says(enter_with(LANE, 14, PRICE, &post), REFUSAL_NONE, scope, 0, 0);
        says(enter_with(LANE, 15, PRICE, &sweep), REFUSAL_NONE, scope, 0, 0);
        set(scope, "forbid", "none");
        says(enter(LANE, 11, PRICE), REFUSAL_NONE, scope, 0, 0);
        assert_int_equal(newest(LANE, EVENT_DECISION)->decision.limits_version,
                         slot->answer.limit_set.version[LANE]);
        tidy(NULL);
    }
}

// The sessions that a strategy may send to. Those of its lane alone can be named; the lane of the
// test has one, so that the row says the rest.
static void of_venues(void **state)
{
    (void)state;
    open_wide();
    set(TRADE_STRATEGY, "venues", "1");
    const struct limit_set_answer *answer = &slot->answer.limit_set;
    assert_true(answer->widens == 0 && answer->changes[0].was == LIMIT_NOTHING &&
                answer->changes[0].now == 1u << LANE);
    assert_true(d.desks[LANE]->desk.limits->strategies[0].venues == 1u << LANE);
    says(enter(LANE, 10, PRICE), REFUSAL_NONE, TRADE_STRATEGY, 0, 0);
    d.desks[LANE]->desk.limits->strategies[0].venues = 1u << 5;
    says(enter(LANE, 10, PRICE), REFUSAL_VENUES, TRADE_STRATEGY, LANE, 0);
    set(TRADE_STRATEGY, "venues", "all");
    assert_true(answer->widens == 1 && answer->changes[0].now == LIMIT_NOTHING);
    assert_true(d.desks[LANE]->desk.limits->strategies[0].venues == UINT32_MAX);
    says(enter(LANE, 10, PRICE), REFUSAL_NONE, TRADE_STRATEGY, 0, 0);
    tidy(NULL);
}

// Tick, lot, phases and whether a band is needed, of a symbol.
static void of_what_a_symbol_takes(void **state)
{
    (void)state;
    open_wide();
    set(TRADE_SYMBOL, "lot", "10");
    says(enter(LANE, 20, PRICE), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 19, PRICE), REFUSAL_LOT, TRADE_SYMBOL, 19, 10);
    says(enter(LANE, 21, PRICE), REFUSAL_LOT, TRADE_SYMBOL, 21, 10);
    set(TRADE_SYMBOL, "lot", "1");
    set(TRADE_SYMBOL, "tick", "0.05");
    says(enter(LANE, 21, PRICE + 500), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    says(enter(LANE, 21, PRICE + 499), REFUSAL_TICK, TRADE_SYMBOL, PRICE + 499, 500);
    says(enter(LANE, 21, PRICE + 501), REFUSAL_TICK, TRADE_SYMBOL, PRICE + 501, 500);
    set(TRADE_SYMBOL, "tick", "0.0001");
    const uint8_t phase = PHASE_UNKNOWN; // no channel, no calendar
    set(TRADE_SYMBOL, "phases", "trading,after");
    says(enter(LANE, 22, PRICE), REFUSAL_PHASE, TRADE_SYMBOL, phase,
         1u << PHASE_TRADING | 1u << PHASE_AFTER);
    set(TRADE_SYMBOL, "phases", "unknown,trading");
    says(enter(LANE, 22, PRICE), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    set(TRADE_SYMBOL, "phases", "all");
    says(enter(LANE, 23, PRICE), REFUSAL_NONE, TRADE_SYMBOL, 0, 0);
    tidy(NULL);
}

static void refused_with(enum trade_scope scope, const char *control, const char *value,
                         const char *cause)
{
    const uint32_t version = d.desks[LANE]->desk.limits->version;
    assert_int_equal(set_base(scope, indices[scope], control, value), COMMAND_RESULT_LIMIT_REFUSED);
    if (strstr(slot->answer.limit_set.why, cause) == NULL)
        fail_msg("'%s' is not in '%s'", cause, slot->answer.limit_set.why);
    assert_int_equal(d.desks[LANE]->desk.limits->version, version);
}

// Nothing is taken of what is not good or not live; the answer says what would be.
static void not_taken(void **state)
{
    (void)state;
    open_wide();
    refused_with(TRADE_FIRM, "forbid", "buy,shorts", "it takes a list of day ioc");
    refused_with(TRADE_FIRM, "forbid", "buy,", "a list of");
    refused_with(TRADE_FIRM, "forbid", "", "a list of");
    refused_with(TRADE_FIRM, "forbid", "all", "a list of");
    refused_with(TRADE_SYMBOL, "phases", "none", "a list of");
    refused_with(TRADE_SYMBOL, "lot", "0", "1 to 999999");
    refused_with(TRADE_SYMBOL, "price_low", "199999.9901", "name a lower one");
    refused_with(TRADE_SYMBOL, "tick", "0", "dollars");
    refused_with(TRADE_SYMBOL, "tick", "0.00001", "dollars");
    refused_with(TRADE_ACCOUNT, "state", "halted", "halt, reduce and resume");
    refused_with(TRADE_FIRM, "self_trade", "newest", "takes a restart of tickgate-dataplane");
    refused_with(TRADE_SYMBOL, "band_estimate", "true", "takes a restart of tickgate-dataplane");
    refused_with(TRADE_FIRM, "lot", "1", "no such limit");
    assert_int_equal(set_owned(LIMIT_OF_BROKER, TRADE_FIRM, 0, "forbid", "buy"),
                     COMMAND_RESULT_LIMIT_REFUSED);
    says(enter(LANE, 10, PRICE), REFUSAL_NONE, TRADE_FIRM, 0, 0);
    // To let more pass takes an end, where it is not another configuration: by words as well.
    set(TRADE_FIRM, "forbid", "short");
    assert_int_equal(set_one(TRADE_FIRM, 0, "forbid", "short,ioc"), COMMAND_RESULT_OK);
    assert_int_equal(set_one(TRADE_FIRM, 0, "forbid", "ioc"), COMMAND_RESULT_LIMIT_REFUSED);
    assert_non_null(strstr(slot->answer.limit_set.why, "it has to end"));
    assert_int_equal(set_one(TRADE_FIRM, 0, "forbid", "short"), COMMAND_RESULT_OK);
    tidy(NULL);
}

// Below the smallest order of every symbol: whoever's limit it is, and whichever of both is set.
static void what_leaves_no_order_is_not_taken(void **state)
{
    (void)state;
    open_wide();
    set(TRADE_SYMBOL, "lot", "10");
    set(TRADE_ACCOUNT, "quantity", "9"); // the other symbol takes one share
    set(TRADE_ACCOUNT, "quantity", "10");
    assert_int_equal(set_base(TRADE_SYMBOL, !SYMBOL, "lot", "20"), COMMAND_RESULT_OK);
    refused_with(TRADE_ACCOUNT, "quantity", "9", "name 10 or more, or 0 if none is to");
    refused_with(TRADE_SYMBOL, "lot", "11",
                 "account 1: quantity: is below the lot of every symbol");
    assert_int_equal(set_owned(LIMIT_OF_BROKER, TRADE_FIRM, 0, "auction_quantity", "9"),
                     COMMAND_RESULT_LIMIT_REFUSED);
    says(enter(LANE, 10, PRICE), REFUSAL_NONE, TRADE_FIRM, 0, 0);
    tidy(NULL);
}

// The lots of a file of the day may be above a limit of before: another limit is set all the same.
static void what_leaves_no_order_already_holds_nobody_back(void **state)
{
    (void)state;
    lot_of_day = 91; // of account b's quantity there are 90
    open_lanes();
    for (uint32_t n = 0; n < 5; n++)
        turn_all();
    set(TRADE_FIRM, "notional", "50");
    tidy(NULL);
    lot_of_day = 0;
}

// A part of a volume that nobody knows is no limit, also where a file of the day is read.
static void a_part_of_no_volume_is_not_taken(void **state)
{
    (void)state;
    reference_of_day = "reference";
    open_wide();
    const enum command_result got =
        set_base(TRADE_SYMBOL, SYMBOL, "volume_percent", "1"); // a hundredth of a percent
    // Whom it was restored for without its volume may still lower others.
    limits_set_now(&d)->symbols[SYMBOL].volume_percent = 1;
    const enum command_result other = set_base(TRADE_SYMBOL, SYMBOL, "quantity", "50");
    const enum command_result again = set_base(TRADE_SYMBOL, SYMBOL, "volume_percent", "2");
    tidy(NULL);
    reference_of_day = "";
    assert_int_equal(got, COMMAND_RESULT_LIMIT_REFUSED);
    assert_int_equal(other, COMMAND_RESULT_OK);
    assert_int_equal(again, COMMAND_RESULT_LIMIT_REFUSED);
}

// Nor one that leaves no lot.
static void a_part_of_a_volume_that_leaves_no_lot(void **state)
{
    (void)state;
    reference_of_day = "reference";
    open_wide();
    set(TRADE_SYMBOL, "average_volume", "1000");
    const enum command_result got = set_base(TRADE_SYMBOL, SYMBOL, "volume_percent", "1");
    tidy(NULL);
    reference_of_day = "";
    assert_int_equal(got, COMMAND_RESULT_LIMIT_REFUSED);
}

// A lane that hangs keeps limits from changing: that is told, and who halts is heard on the others.
static void a_lane_that_hangs_is_told(void **state)
{
    (void)state;
    open_wide();
    hung = !LANE;
    claim();
    ask_change(0, TRADE_ACCOUNT, ACCOUNT, "quantity", "50");
    assert_true(post());
    turn_all();
    turn_all();
    assert_false(d.watches[hung].limits_wait); // it has time
    d.watches[hung].hung = true;
    turn_all();
    assert_true(d.watches[hung].limits_wait);
    assert_false(d.watches[LANE].limits_wait);
    says(enter(LANE, 51, PRICE), REFUSAL_QUANTITY, TRADE_ACCOUNT, 51, 50);
    kill_ask(&d.desks[LANE]->desk.kills[KILL_BY_OPERATOR], TRADE_FIRM, 0);
    assert_int_equal(enter(LANE, 1, PRICE), REFUSAL_KILLED);
    hung = LANES;
    assert_int_equal(answered(), COMMAND_RESULT_OK);
    assert_int_equal(enter(!LANE, 51, PRICE), REFUSAL_QUANTITY);
    tidy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_one_order),
        cmocka_unit_test(of_how_many),
        cmocka_unit_test(of_how_much),
        cmocka_unit_test(of_a_symbol),
        cmocka_unit_test(of_losses),
        cmocka_unit_test(of_kinds),
        cmocka_unit_test(of_venues),
        cmocka_unit_test(of_what_a_symbol_takes),
        cmocka_unit_test(not_taken),
        cmocka_unit_test(a_lane_that_hangs_is_told),
        cmocka_unit_test(a_part_of_no_volume_is_not_taken),
        cmocka_unit_test(a_part_of_a_volume_that_leaves_no_lot),
        cmocka_unit_test(what_leaves_no_order_is_not_taken),
        cmocka_unit_test(what_leaves_no_order_already_holds_nobody_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
