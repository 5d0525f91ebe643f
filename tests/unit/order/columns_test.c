// What states_test.c cannot see by one message to an order that has been accepted: cells of the
// table that differ only with more before or behind them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/order_rig.h"

enum { REF = 10, CHANGE = 11, SHARES = 500, PRICE = 1000000, CHANGE_PRICE = 1000200 };
enum { SILENCE = 1000 };

static const char *const columns[] = {"P",   "PC", "L",  "LR", "LM", "LC",  "LRC",
                                      "LMC", "U",  "UR", "UM", "UC", "URC", "UMC"};
static uint64_t now_ns = 1;

static struct own_order *order_in(const char *name, bool accepted)
{
    const struct order_config config = {
        .orders = 8, .sessions = 1, .refs_max = 64, .executions = 64, .silence_ticks = SILENCE};
    const struct order_new new = {.ref = REF,
                                  .quantity = SHARES,
                                  .price = PRICE,
                                  .side = 'S',
                                  .time_in_force = '0',
                                  .display = 'Y'};
    table_make(&config);
    const uint32_t index = orders_open(&table, &new);
    struct own_order *o = orders_at(&table, index);
    o->life = name[0] == 'P' ? LIFE_PENDING : name[0] == 'L' ? LIFE_LIVE : LIFE_UNKNOWN;
    o->flags = accepted ? ORDER_ACCEPTED : 0;
    if (strchr(name, 'R'))
        assert_true(order_replace_begin(&table, index, CHANGE, 700, CHANGE_PRICE));
    if (strchr(name, 'M'))
        order_modify_begin(&table, index, 400, 'S');
    if (strchr(name, 'C'))
        order_cancel_begin(&table, index, 0);
    order_timer_start(&table, index, 0);
    return o;
}

static struct order_outcome tell(struct own_order *o, struct ouch_report r)
{
    struct order_outcome out;
    char why[128] = "";
    r.time_ns = now_ns++;
    r.side = 'S';
    r.display = 'Y';
    order_report(&table, (uint32_t)(o - table.orders), &r, &out);
    if (!orders_check(&table, why, sizeof why))
        fail_msg("%s", why);
    return out;
}

static struct ouch_report replaced(uint32_t quantity)
{
    return (struct ouch_report){.kind = REPORT_REPLACED,
                                .letter = 'U',
                                .ref = CHANGE,
                                .ref_was = REF,
                                .quantity = quantity,
                                .price = CHANGE_PRICE};
}

static struct ouch_report canceled(uint8_t reason)
{
    return (struct ouch_report){
        .kind = REPORT_CANCELED, .letter = 'C', .ref = REF, .quantity = 200, .reason = reason};
}

static void accepted_may_come_behind_a_change(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < ARRAY_LEN(columns); c++) {
        if (columns[c][0] != 'L')
            continue;
        struct own_order *o = order_in(columns[c], false);
        const struct ouch_report a = {
            .kind = REPORT_ACCEPTED, .letter = 'A', .ref = REF, .quantity = SHARES, .price = PRICE};
        if (tell(o, a).did & DID_WRONG || !(o->flags & ORDER_ACCEPTED))
            fail_msg("%s", columns[c]);
        close_table(NULL);
    }
}

// The break, and the correction, count when the execution is read.
static void a_break_may_come_first_in_every_state(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 2 * ARRAY_LEN(columns); c++) {
        const bool breaks = c % 2;
        struct own_order *o = order_in(columns[c / 2], true);
        tell(o, (struct ouch_report){.kind = breaks ? REPORT_BROKEN : REPORT_CORRECTED,
                                     .letter = breaks ? 'B' : 'F',
                                     .ref = REF,
                                     .quantity = 40,
                                     .price = PRICE,
                                     .match = 900});
        tell(o, (struct ouch_report){.kind = REPORT_EXECUTED,
                                     .letter = 'E',
                                     .ref = REF,
                                     .quantity = 100,
                                     .price = PRICE,
                                     .match = 900});
        if (o->filled != (breaks ? 0 : 40))
            fail_msg("%s: %u filled", columns[c / 2], o->filled);
        close_table(NULL);
    }
}

// The original stays as it is.
static void a_replace_may_be_refused_in_every_state(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < ARRAY_LEN(columns); c++) {
        if (!strchr(columns[c], 'R'))
            continue;
        struct own_order *o = order_in(columns[c], true);
        const struct ouch_report r = {
            .kind = REPORT_REJECTED, .letter = 'J', .ref = CHANGE, .reason = 1};
        if (tell(o, r).did & DID_WRONG || o->life != LIFE_LIVE || o->waits & WAIT_CHANGE ||
            o->open != SHARES)
            fail_msg("%s", columns[c]);
        close_table(NULL);
    }
}

static void priority_moves_the_price_in_every_state(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < ARRAY_LEN(columns); c++) {
        struct own_order *o = order_in(columns[c], true);
        const struct ouch_report t = {
            .kind = REPORT_PRIORITY, .letter = 'T', .ref = REF, .price = PRICE + 50};
        if (tell(o, t).did & DID_WRONG || o->price != PRICE + 50)
            fail_msg("%s", columns[c]);
        close_table(NULL);
    }
}

// Of two that wait one is answered: silence about the other is noticed all the same.
static void an_answer_leaves_the_other_its_timer(void **state)
{
    (void)state;
    struct own_order *o = order_in("LRC", true);
    tell(o, replaced(700));
    assert_int_equal(o->waits, WAIT_CANCEL);
    assert_int_equal(order_overdue(&table, UINT64_MAX), (uint32_t)(o - table.orders));
    close_table(NULL);
}

// A cancel to less is done with its answer, and does not wait for another one.
static void a_part_that_is_cancelled_waits_no_longer(void **state)
{
    (void)state;
    struct own_order *o = order_in("L", true);
    order_cancel_begin(&table, (uint32_t)(o - table.orders), 300);
    tell(o, canceled('U'));
    assert_int_equal(o->open, 300);
    assert_int_equal(o->waits, 0);
    close_table(NULL);
}

// Live as something else has shown: a refusal of the order itself is impossible all the same.
static void what_is_live_is_not_refused(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < ARRAY_LEN(columns); c++) {
        if (columns[c][0] != 'L')
            continue;
        struct own_order *o = order_in(columns[c], false);
        const struct ouch_report r = {.kind = REPORT_REJECTED, .letter = 'J', .ref = REF};
        if (!strchr(columns[c], 'R') && (!(tell(o, r).did & DID_WRONG) || o->life != LIFE_LIVE))
            fail_msg("%s", columns[c]);
        close_table(NULL);
    }
}

// A person has closed it: whatever shows that the exchange has it stops the symbol.
static void what_was_closed_is_there_after_all(void **state)
{
    static const enum ouch_report_kind kinds[] = {REPORT_REPLACED,      REPORT_CANCEL_PENDING,
                                                  REPORT_CANCEL_REJECT, REPORT_PRIORITY,
                                                  REPORT_MODIFIED,      REPORT_RESTATED};
    (void)state;
    for (uint32_t i = 0; i <= ARRAY_LEN(kinds); i++) {
        struct own_order *o = order_in("L", true);
        struct order_outcome out;
        order_found_out(&table, (uint32_t)(o - table.orders), ORDER_MESSAGE_CLOSED, &out);
        if (i < ARRAY_LEN(kinds))
            out =
                tell(o, (struct ouch_report){
                            .kind = (uint8_t)kinds[i], .letter = 'T', .ref = REF, .price = PRICE});
        else
            order_found_out(&table, (uint32_t)(o - table.orders), ORDER_MESSAGE_OTHER_SYMBOL, &out);
        if (!(out.did & DID_UNCLAIMED))
            fail_msg("%u", i);
        close_table(NULL);
    }
}

// What self-match prevention takes off counts in the total of the chain.
static void what_is_prevented_counts_in_the_total(void **state)
{
    (void)state;
    struct own_order *o = order_in("L", true);
    tell(o, canceled('Q'));
    assert_int_equal(o->open, 300);
    assert_int_equal(order_total(o), SHARES);
    close_table(NULL);
}

// It says fewer shares than were asked for: executions that are still to be read. The total stays.
static void a_replaced_total_is_what_was_asked_for(void **state)
{
    (void)state;
    struct own_order *o = order_in("LR", true);
    tell(o, replaced(600));
    assert_int_equal(o->open, 600);
    assert_int_equal(o->quantity, 700);
    close_table(NULL);
}

// The replaced message names a link of the chain that was gone before.
static void a_replaced_message_of_another_link_is_impossible(void **state)
{
    (void)state;
    struct own_order *o = order_in("LR", true);
    struct ouch_report r = replaced(700);
    r.ref_was = REF - 1;
    assert_true(tell(o, r).did & DID_WRONG);
    assert_int_equal(o->ref, REF);
    assert_int_equal(o->waits, WAIT_REPLACE);
    close_table(NULL);
}

// Live as something else has shown, with a replace on its way: its refusal as impossible as ever.
static void what_is_live_is_not_refused_beside_a_replace(void **state)
{
    static const enum ouch_report_kind kinds[] = {REPORT_PRIORITY, REPORT_EXECUTED};
    (void)state;
    for (uint32_t c = 0; c < ARRAY_LEN(columns) * ARRAY_LEN(kinds); c++) {
        const char *name = columns[c / 2];
        if (!strchr(name, 'R'))
            continue;
        struct own_order *o = order_in(name, false);
        tell(o, (struct ouch_report){.kind = (uint8_t)kinds[c % 2],
                                     .letter = 'T',
                                     .ref = REF,
                                     .quantity = 100,
                                     .price = PRICE,
                                     .match = 900});
        const struct ouch_report r = {.kind = REPORT_REJECTED, .letter = 'J', .ref = REF};
        if (!(tell(o, r).did & DID_WRONG) || o->life != LIFE_LIVE || !(o->waits & WAIT_REPLACE))
            fail_msg("%s", name);
        close_table(NULL);
    }
}

// Nobody knows whether the exchange has the order; of a replace that it never saw it says nothing
// about the order.
static void a_refusal_of_what_was_given_up_ends_nothing(void **state)
{
    (void)state;
    struct own_order *o = order_in("UR", false);
    struct order_outcome out;
    order_found_out(&table, (uint32_t)(o - table.orders), ORDER_MESSAGE_NOT_SEEN, &out);
    assert_int_equal(o->waits, 0);
    const struct ouch_report r = {.kind = REPORT_REJECTED, .letter = 'J', .ref = CHANGE};
    assert_true(tell(o, r).did & DID_WRONG);
    assert_int_equal(o->life, LIFE_UNKNOWN);
    assert_int_equal(o->open, SHARES);
    close_table(NULL);
}

// Whatever is on its way: the exchange will take it off after the cross, and waits for no cancel of
// its own. Of an order that it has said nothing about that is impossible.
static void a_cancel_of_all_may_wait_in_every_state(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < ARRAY_LEN(columns); c++) {
        struct own_order *o = order_in(columns[c], true);
        order_mass_begin(&table, 0);
        const struct ouch_report p = {.kind = REPORT_CANCEL_PENDING, .letter = 'P', .ref = REF};
        const bool impossible = tell(o, p).did & DID_WRONG;
        if (strcmp(columns[c], "P") == 0 ? !impossible || o->waits
                                         : impossible || o->life != LIFE_LIVE ||
                                               !(o->waits & WAIT_CANCEL) || o->cancel_total)
            fail_msg("%s", columns[c]);
        close_table(NULL);
    }
}

// The edge of the type: what is open and what has executed are more than a total can say.
static void a_total_ends_where_its_type_does(void **state)
{
    (void)state;
    struct own_order *o = order_in("LR", true);
    tell(o, (struct ouch_report){.kind = REPORT_EXECUTED,
                                 .letter = 'E',
                                 .ref = REF,
                                 .quantity = 100,
                                 .price = PRICE,
                                 .match = 900});
    assert_true(tell(o, replaced(UINT32_MAX)).did & DID_WRONG);
    assert_int_equal(o->open, UINT32_MAX);
    assert_int_equal(o->quantity, UINT32_MAX);
    close_table(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted_may_come_behind_a_change),
        cmocka_unit_test(a_break_may_come_first_in_every_state),
        cmocka_unit_test(a_replace_may_be_refused_in_every_state),
        cmocka_unit_test(priority_moves_the_price_in_every_state),
        cmocka_unit_test(an_answer_leaves_the_other_its_timer),
        cmocka_unit_test(what_is_live_is_not_refused),
        cmocka_unit_test(what_was_closed_is_there_after_all),
        cmocka_unit_test(what_is_prevented_counts_in_the_total),
        cmocka_unit_test(a_part_that_is_cancelled_waits_no_longer),
        cmocka_unit_test(a_replaced_total_is_what_was_asked_for),
        cmocka_unit_test(a_replaced_message_of_another_link_is_impossible),
        cmocka_unit_test(what_is_live_is_not_refused_beside_a_replace),
        cmocka_unit_test(a_refusal_of_what_was_given_up_ends_nothing),
        cmocka_unit_test(a_cancel_of_all_may_wait_in_every_state),
        cmocka_unit_test(a_total_ends_where_its_type_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
