// A person closes an order in doubt (command ORDER_CLOSE): which orders that takes, what becomes of
// exposure, and what happens when the exchange has the order all the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_parts.h"
#include "tests/lib/desk_world.h"

static const struct desk_order buy = {
    .quantity = 100, .price = 1000000, .side = 'B', .time_in_force = '0', .display = 'Y'};

static uint64_t in_force_from; // event of the last command that was answered

static int world_begin(void **state)
{
    (void)state;
    world_open(7);
    w->lane.desk = &w->desk;
    steps_until(SESSION_READY);
    events_drain();
    return 0;
}

static int world_end(void **state)
{
    (void)state;
    world_close();
    return 0;
}

static enum command_result order(enum command_type type, enum trade_scope scope, uint32_t index,
                                 uint32_t chosen)
{
    struct command_slot *slot = command_claim(region_command_slot(&w->lane.view, 0));
    assert_non_null(slot);
    slot->type = type;
    slot->request.govern = (struct govern_request){
        .scope = scope, .index = index, .chosen = chosen, .user = 1000, .reason = "they said so"};
    const enum command_result result = command_taken(slot);
    in_force_from = slot->sequence;
    return result;
}

static enum command_result close_order(uint32_t ref)
{
    return order(COMMAND_ORDER_CLOSE, TRADE_SESSION, 0, ref);
}

static uint32_t enter(void)
{
    uint32_t index;
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    return index;
}

static struct order_outcome find_out(uint32_t index, enum order_message message)
{
    struct order_outcome out;
    order_found_out(&w->desk.orders, index, message, &out);
    return out;
}

// The exchange has used its number, and never said a word about it.
static struct own_order *order_in_doubt(void)
{
    const uint32_t index = enter();
    w->rig.sent_len = 0; // it is lost
    find_out(index, ORDER_MESSAGE_SEEN);
    events_drain();
    return orders_at(&w->desk.orders, index);
}

static void nothing_is_reserved(void)
{
    char why[128] = "";
    assert_int_equal(w->desk.risk.firm.orders, 0);
    assert_int_equal(w->desk.risk.firm.notional, 0);
    if (!desk_check(&w->desk, why, sizeof why))
        fail_msg("%s", why);
}

static void what_it_held_is_free(void **state)
{
    (void)state;
    struct own_order *o = order_in_doubt();
    assert_int_equal(w->desk.risk.firm.orders, 1);
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_OK);
    assert_int_equal(o->life, LIFE_DEAD);
    nothing_is_reserved();
    const struct event_writer *t = &w->lane.trading;
    const struct event *e = &t->slots[(t->tail - (t->sequence - in_force_from)) & t->mask];
    assert_int_equal(e[0].type, EVENT_GOVERNED);
    assert_int_equal(e[0].governed.command, COMMAND_ORDER_CLOSE);
    assert_string_equal(e[0].governed.reason, "they said so");
    assert_int_equal(e[1].type, EVENT_ORDER);
    assert_int_equal(e[1].order.ref, o->ref);
    assert_int_equal(e[1].order.message, ORDER_MESSAGE_CLOSED);
    assert_int_equal(e[1].order.life, LIFE_DEAD);
    (void)enter();
}

static void what_is_not_there_is_not_closed(void **state)
{
    (void)state;
    struct own_order *o = order_in_doubt();
    assert_int_equal(close_order(o->ref + 1), COMMAND_RESULT_NOT_OPEN);
    assert_int_equal(close_order(0), COMMAND_RESULT_NOT_OPEN);
    assert_int_equal(close_order(REFS), COMMAND_RESULT_NOT_OPEN);
    assert_int_equal(close_order(UINT32_MAX), COMMAND_RESULT_NOT_OPEN);
    assert_int_equal(order(COMMAND_ORDER_CLOSE, TRADE_FIRM, 0, o->ref),
                     COMMAND_RESULT_BAD_ARGUMENT);
    assert_int_equal(order(COMMAND_ORDER_CLOSE, TRADE_SESSION, 1, o->ref),
                     COMMAND_RESULT_BAD_ARGUMENT);
    assert_int_equal(o->life, LIFE_UNKNOWN);
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_OK);
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_NOT_OPEN);
}

// The exchange can still be asked, or has not had its time: nobody's word is needed.
static void what_is_not_in_doubt_is_not_closed(void **state)
{
    (void)state;
    const uint32_t index = enter();
    struct own_order *o = orders_at(&w->desk.orders, index);
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_NOT_IN_DOUBT); // it was just sent
    find_out(index, ORDER_MESSAGE_SILENCE);
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_NOT_IN_DOUBT); // the query will tell
    o->life = LIFE_LIVE;
    for (uint32_t i = 0; i < ORDER_CANCELS_MAX; i++) {
        assert_int_equal(close_order(o->ref), COMMAND_RESULT_NOT_IN_DOUBT);
        desk_cancel_repeat(&w->desk, index);
    }
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_NOT_IN_DOUBT); // the last is on its way
    order_timer_stop(&w->desk.orders, index);
    o->flags |= ORDER_PARKED;
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_NOT_IN_DOUBT); // a change has not left
    o->flags &= (uint8_t)~ORDER_PARKED;
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_OK);
    nothing_is_reserved();
}

// Silence is all that an exchange without an account query says of an order that it does not have.
static void without_a_query_silence_is_doubt(void **state)
{
    (void)state;
    const uint32_t index = enter();
    struct own_order *o = orders_at(&w->desk.orders, index);
    w->session.frames.query.len = 0;
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_NOT_IN_DOUBT);
    find_out(index, ORDER_MESSAGE_SILENCE);
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_OK);
    nothing_is_reserved();
}

// <o> is closed, and then told of: <shares> are bought, and nothing enters until somebody looks.
static void stops_its_symbol(const struct own_order *o, const struct ouch_report *told,
                             int64_t shares)
{
    const int64_t before = w->desk.risk.positions[o->position].shares;
    uint32_t index;
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_OK);
    desk_report(&w->desk, 0, told);
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_SYMBOL_QUARANTINED);
    assert_int_equal(w->desk.risk.positions[o->position].shares - before, shares);
    nothing_is_reserved();
    assert_int_equal(w->desk.board->quarantined[0], 1); // somebody can see it
    assert_int_equal(order(COMMAND_RESUME, TRADE_SYMBOL, 0, 0), COMMAND_RESULT_OK);
    assert_int_equal(w->desk.board->quarantined[0], 0);
}

// The word was wrong: positions are right all the same, and the symbol stops until somebody looks.
static void one_that_lives_stops_its_symbol(void **state)
{
    static const enum ouch_report_kind kinds[] = {REPORT_ACCEPTED, REPORT_EXECUTED};
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct own_order *o = order_in_doubt();
        const struct ouch_report r = {.kind = kinds[i],
                                      .letter = "AE"[i],
                                      .time_ns = w->now,
                                      .ref = o->ref,
                                      .match = i ? 77 : 0,
                                      .quantity = 100,
                                      .price = 1000000,
                                      .side = 'B',
                                      .display = 'Y'};
        stops_its_symbol(o, &r, i ? 100 : 0);
    }
}

// Live, and none of its cancels answered.
static struct own_order *order_not_cancelled(bool replaced)
{
    const uint32_t index = enter();
    struct own_order *o = orders_at(&w->desk.orders, index);
    o->life = LIFE_LIVE;
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 100, 999900), REFUSAL_NONE);
    const struct ouch_report r = {.kind = REPORT_REPLACED,
                                  .letter = 'U',
                                  .time_ns = w->now,
                                  .ref = o->change_ref,
                                  .ref_was = o->ref,
                                  .quantity = 100,
                                  .price = 999900,
                                  .side = 'B',
                                  .display = 'Y'};
    if (replaced)
        desk_report(&w->desk, 0, &r);
    for (uint32_t i = 0; i < ORDER_CANCELS_MAX; i++)
        desk_cancel_repeat(&w->desk, index);
    order_timer_stop(&w->desk.orders, index);
    return o;
}

// Whichever link of its chain the exchange names, and whatever says that it is there.
static void a_chain_that_lives_stops_its_symbol(void **state)
{
    static const struct {
        enum ouch_report_kind kind;
        char letter;
        bool replaced; // the exchange had answered the replace before the order was closed
        int link;      // named: the order's number then, the one after it, the one before it
    } says[] = {{REPORT_EXECUTED, 'E', false, 1}, {REPORT_EXECUTED, 'E', true, -1},
                {REPORT_REPLACED, 'U', false, 1}, {REPORT_MODIFIED, 'M', false, 0},
                {REPORT_RESTATED, 'R', false, 0}, {REPORT_PRIORITY, 'T', false, 0}};
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(says); i++) {
        struct own_order *o = order_not_cancelled(says[i].replaced);
        const bool executed = says[i].kind == REPORT_EXECUTED;
        const struct ouch_report r = {.kind = (uint8_t)says[i].kind,
                                      .letter = (uint8_t)says[i].letter,
                                      .time_ns = w->now + 1,
                                      .ref = o->ref + (uint32_t)says[i].link,
                                      .ref_was = o->ref,
                                      .match = executed ? 80 + i : 0,
                                      .quantity = 100,
                                      .price = 999900,
                                      .side = 'B',
                                      .display = 'Y'};
        stops_its_symbol(o, &r, executed ? 100 : 0);
    }
}

// It will be cancelled after the cross: there is nothing to wait for, and nothing in doubt.
static void one_whose_cancel_is_answered_is_not_closed(void **state)
{
    (void)state;
    struct own_order *o = order_not_cancelled(true);
    const struct ouch_report r = {
        .kind = REPORT_CANCEL_PENDING, .letter = 'P', .time_ns = w->now + 1, .ref = o->ref};
    desk_report(&w->desk, 0, &r);
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_NOT_IN_DOUBT);
    assert_int_equal(o->life, LIFE_LIVE);
}

// A cancel that leaves the order all it has is over with the silence: the replace still waits.
static void silence_has_a_timer_while_a_replace_has_no_answer(void **state)
{
    (void)state;
    const uint32_t index = enter();
    struct own_order *o = orders_at(&w->desk.orders, index);
    o->life = LIFE_LIVE;
    assert_int_equal(desk_replace(&w->desk, &w->who, index, 100, 999900), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, index, 100), REFUSAL_NONE);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(o->flags & ORDER_TIMED);
        o->silent_at = w->now;
        desk_turn(&w->desk, w->now);
        assert_int_equal(o->waits, WAIT_REPLACE);
        assert_true(o->flags & ORDER_ASKED);
    }
}

// It lets more pass: not without its record.
static void a_full_ring_closes_no_order(void **state)
{
    struct event filler = {.type = EVENT_LANE_READY};
    (void)state;
    struct own_order *o = order_in_doubt();
    while (event_write(&w->lane.trading, &filler))
        ;
    assert_int_equal(close_order(o->ref), COMMAND_RESULT_NO_ROOM);
    assert_int_equal(o->life, LIFE_UNKNOWN);
    assert_int_equal(w->desk.risk.firm.orders, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
    const struct CMUnitTest tests[] = {
        TEST(what_it_held_is_free),
        TEST(what_is_not_there_is_not_closed),
        TEST(what_is_not_in_doubt_is_not_closed),
        TEST(without_a_query_silence_is_doubt),
        TEST(one_that_lives_stops_its_symbol),
        TEST(a_chain_that_lives_stops_its_symbol),
        TEST(one_whose_cancel_is_answered_is_not_closed),
        TEST(silence_has_a_timer_while_a_replace_has_no_answer),
        TEST(a_full_ring_closes_no_order),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
