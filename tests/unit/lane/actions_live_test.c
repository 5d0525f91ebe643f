// Actions of controls, set by a person while two lanes trade; and what a control of one lane does
// to an owner that trades on the other one, too.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/base/clock.h"
#include "dataplane/lane/desk_act.h"
#include "dataplane/lane/desk_command.h"
#include "tests/lib/limit_set_rig.h"

enum { PRICE = 10000, SYMBOL = 1, LANE = 1, OTHER = 0 };

static const uint32_t indices[] = {0, ACCOUNT, 0, SYMBOL, LANE};

static void act_set(const char *control, const char *action)
{
    if (set_base(TRADE_FIRM, 0, control, action) != COMMAND_RESULT_OK)
        fail_msg("%s %s: %s", control, action, slot->answer.limit_set.why);
}

static const struct limit_row *row_on(uint32_t lane, enum trade_scope scope)
{
    return limit_row_of(d.desks[lane]->desk.limits, scope, indices[scope]);
}

static void rounds(void)
{
    for (uint32_t n = 0; n < 5; n++) {
        acts_turn(&d);
        turn_all();
    }
}

static enum command_result resume(uint32_t lane, enum trade_scope scope)
{
    const struct govern_request ask = {.scope = scope, .index = indices[scope], .reason = "test"};
    struct govern_answer answer;
    uint64_t sequence;
    drained(lane, true);
    return desk_command(lanes[lane], COMMAND_RESUME, &ask, &answer, &sequence);
}

// What is inside and at the limit passes and changes nothing; outside of it the scope is blocked,
// on both lanes where both have it.
static void a_block_holds_on_every_lane_of_the_scope(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        const bool shared = scope != TRADE_STRATEGY && scope != TRADE_SESSION;
        open_wide();
        act_set("QUANTITY", "block");
        assert_int_equal(set_base(scope, indices[scope], "quantity", "50"), COMMAND_RESULT_OK);
        assert_int_equal(enter(LANE, 49, PRICE), REFUSAL_NONE);
        assert_int_equal(enter(LANE, 50, PRICE), REFUSAL_NONE);
        rounds();
        assert_int_equal(row_on(LANE, scope)->state, TRADING_ACTIVE);
        assert_int_equal(enter(LANE, 51, PRICE), REFUSAL_QUANTITY);
        const struct event_breach *b = &newest(LANE, EVENT_BREACH)->breach;
        assert_true(b->refusal == REFUSAL_QUANTITY && b->scope == scope && b->value == 51);
        assert_true(b->index == indices[scope] && b->limit == 50 && b->action == ACTION_BLOCK);
        assert_int_equal(enter(LANE, 1, PRICE), REFUSAL_HALTED);
        assert_int_equal(newest(LANE, EVENT_DECISION)->decision.scope, scope);
        rounds();
        assert_int_equal(row_on(OTHER, scope)->state, shared ? TRADING_HALTED : TRADING_ACTIVE);
        if (shared) {
            assert_int_equal(enter(OTHER, 1, PRICE), REFUSAL_HALTED);
            b = &newest(OTHER, EVENT_BREACH)->breach;
            assert_true(b->of_lane && b->scope == scope && b->action == ACTION_BLOCK);
        }
        assert_int_equal(resume(LANE, scope), COMMAND_RESULT_OK);
        assert_int_equal(enter(LANE, 2, PRICE), REFUSAL_NONE);
        if (shared) {
            assert_int_equal(resume(OTHER, scope), COMMAND_RESULT_OK);
            assert_int_equal(enter(OTHER, 2, PRICE), REFUSAL_NONE);
        }
        // Once more: a person who resumes does not switch the control off.
        assert_int_equal(enter(LANE, 51, PRICE), REFUSAL_QUANTITY);
        rounds();
        assert_int_equal(row_on(LANE, scope)->state, TRADING_HALTED);
        assert_int_equal(row_on(OTHER, scope)->state, shared ? TRADING_HALTED : TRADING_ACTIVE);
        tidy(NULL);
    }
}

static void a_cancel_kills_on_every_lane_of_the_scope(void **state)
{
    (void)state;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++) {
        const bool shared = scope != TRADE_STRATEGY && scope != TRADE_SESSION;
        open_wide();
        act_set("NOTIONAL", "cancel");
        assert_int_equal(set_base(scope, indices[scope], "notional", "50"), COMMAND_RESULT_OK);
        assert_int_equal(enter(LANE, 50, PRICE), REFUSAL_NONE);
        assert_int_equal(enter(LANE, 51, PRICE), REFUSAL_NOTIONAL);
        rounds();
        for (uint32_t lane = 0; lane < LANES; lane++)
            assert_int_equal(kill_bit(kill_scope(&d.desks[lane]->desk.kills[KILL_BY_LANE], scope),
                                      indices[scope]),
                             lane == LANE || shared);
        assert_int_equal(enter(LANE, 1, PRICE), REFUSAL_KILLED);
        if (shared)
            assert_int_equal(enter(OTHER, 1, PRICE), REFUSAL_KILLED);
        assert_int_equal(resume(LANE, scope), COMMAND_RESULT_OK);
        assert_int_equal(enter(LANE, 1, PRICE), REFUSAL_NONE);
        tidy(NULL);
    }
}

// A ring to a lane that is full: it is told when there is room.
static void nothing_is_lost_on_the_way(void **state)
{
    (void)state;
    open_wide();
    act_set("QUANTITY", "block");
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "quantity", "50"), COMMAND_RESULT_OK);
    const struct lane_answer nobodys = {.kind = ANSWER_NEIGHBOUR, .session = SESSIONS_MAX - 1};
    uint32_t pushed = 0;
    while (spsc_push(&lanes[OTHER]->answers, &nobodys))
        pushed++;
    assert_true(pushed > 0);
    assert_int_equal(enter(LANE, 51, PRICE), REFUSAL_QUANTITY);
    acts_turn(&d);
    acts_turn(&d);
    for (uint32_t n = 0; n < pushed + 5; n++) {
        acts_turn(&d);
        lane_reads(OTHER);
    }
    assert_int_equal(row_on(OTHER, TRADE_ACCOUNT)->state, TRADING_HALTED);
    tidy(NULL);
}

static void actions_are_set_like_limits(void **state)
{
    (void)state;
    open_wide();
    const uint32_t version = d.desks[LANE]->desk.limits->version;
    act_set("DUPLICATE", "block");
    assert_true(d.desks[LANE]->desk.limits->version > version);
    assert_int_equal(d.desks[LANE]->desk.limits->actions[REFUSAL_BIT(REFUSAL_DUPLICATE)],
                     ACTION_BLOCK);
    assert_int_equal(newest(LANE, EVENT_LIMIT_CHANGED)->limit_changed.control,
                     LIMIT_CONTROL_ACTION + REFUSAL_BIT(REFUSAL_DUPLICATE));
    // Less than what is configured lets more pass: that takes an end.
    assert_int_equal(set_one(TRADE_FIRM, 0, "DUPLICATE", "disable"), COMMAND_RESULT_OK);
    assert_int_equal(set_one(TRADE_FIRM, 0, "DUPLICATE", "block"), COMMAND_RESULT_OK);
    assert_int_equal(set_one(TRADE_FIRM, 0, "DUPLICATE", "refuse"), COMMAND_RESULT_LIMIT_REFUSED);
    assert_non_null(strstr(slot->answer.limit_set.why, "has to end"));
    static const struct limits_list_request request = {.scope = TRADE_FIRM, .index = 0};
    static struct limits_list_answer answer;
    assert_int_equal(limits_list(&d, &request, &answer), COMMAND_RESULT_OK);
    uint32_t found = 0;
    for (uint32_t i = 0; i < answer.count; i++)
        found += answer.entries[i].control >= LIMIT_CONTROL_ACTION;
    assert_int_equal(found, 1);
    tidy(NULL);
}

static void what_may_not_be_is_refused(void **state)
{
    static const struct {
        const char *control, *action, *says;
    } rows[] = {
        {"HALTED", "block", "cannot block; it takes: refuse"},
        {"JOURNAL", "notify", "cannot notify; it takes: refuse"},
        {"QUANTITY", "notify", "cannot notify; it takes: refuse, block, cancel, disable"},
        {"CREDIT", "notify", "cannot notify"},
        {"RESTRICTED", "notify", "cannot notify"},
        {"GROSS", "notify", "the broker limits gross"},
        {"GROSS", "ignore", "notify refuse block cancel disable"},
        {"UNKNOWN_SYMBOL", "block", "no such limit"},
    };
    (void)state;
    open_wide();
    assert_int_equal(set_owned(LIMIT_OF_BROKER, TRADE_ACCOUNT, ACCOUNT, "gross", "900"), 0);
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(set_base(TRADE_FIRM, 0, rows[i].control, rows[i].action),
                         COMMAND_RESULT_LIMIT_REFUSED);
        if (strstr(slot->answer.limit_set.why, rows[i].says) == NULL)
            fail_msg("%s %s: %s", rows[i].control, rows[i].action, slot->answer.limit_set.why);
    }
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "QUANTITY", "block"),
                     COMMAND_RESULT_LIMIT_REFUSED);
    // The other way round: a limit of the broker's where the control only tells.
    act_set("DAY_VALUE", "notify");
    assert_int_equal(set_owned(LIMIT_OF_BROKER, TRADE_ACCOUNT, ACCOUNT, "day_value", "9"),
                     COMMAND_RESULT_LIMIT_REFUSED);
    tidy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_holds_on_every_lane_of_the_scope),
        cmocka_unit_test(a_cancel_kills_on_every_lane_of_the_scope),
        cmocka_unit_test(nothing_is_lost_on_the_way),
        cmocka_unit_test(actions_are_set_like_limits),
        cmocka_unit_test(what_may_not_be_is_refused),
    };
    return cmocka_run_group_tests_name("actions_live", tests, NULL, NULL);
}
