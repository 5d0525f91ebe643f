// The state machine: every message in every state against expectations written down a second time,
// then the stories that consist of several.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/lib/order_rig.h"

enum { SESSION = 1, REF = 10, CHANGE = 11, OLD = 9, SHARES = 500, PRICE = 1000000 };
enum { CHANGE_TOTAL = 700, CHANGE_PRICE = 1000200, SILENCE = 1000 };

static uint64_t now_ns;

static int open_table(void **state)
{
    (void)state;
    const struct order_config config = {
        .orders = 8, .sessions = 2, .refs_max = 64, .executions = 64, .silence_ticks = SILENCE};
    table_make(&config);
    now_ns = 1;
    return 0;
}

static void consistent(void)
{
    char why[128] = "";
    if (!orders_check(&table, why, sizeof why))
        fail_msg("%s", why);
}

static uint32_t enter(uint32_t ref, char side)
{
    const struct order_new new = {.client_id = 77,
                                  .ref = ref,
                                  .quantity = SHARES,
                                  .price = PRICE,
                                  .session = SESSION,
                                  .instrument = 3,
                                  .side = side,
                                  .time_in_force = '0',
                                  .display = 'Y'};
    uint32_t index = orders_open(&table, &new);
    assert_true(index != OWN_NONE);
    return index;
}

static struct ouch_report report_of(enum ouch_report_kind kind, uint32_t ref, uint32_t quantity)
{
    static const uint8_t letters[REPORT_KINDS] = {"AAUUCEFBJPITMR"};
    struct ouch_report r = {.kind = (uint8_t)kind,
                            .letter = letters[kind],
                            .time_ns = now_ns++,
                            .ref = ref,
                            .quantity = quantity,
                            .price = ref == CHANGE ? CHANGE_PRICE : PRICE,
                            .side = 'S',
                            .display = 'Y',
                            .exchange_ref = 4711};
    if (kind == REPORT_EXECUTED || kind == REPORT_BROKEN || kind == REPORT_CORRECTED)
        r.match = 900;
    if (kind == REPORT_REPLACED || kind == REPORT_REPLACED_DEAD) {
        r.ref = CHANGE;
        r.ref_was = ref;
        r.price = CHANGE_PRICE;
    }
    if (kind == REPORT_CANCELED)
        r.reason = 'U';
    return r;
}

static struct order_outcome tell(uint32_t index, struct ouch_report r)
{
    struct order_outcome out;
    order_report(&table, index, &r, &out);
    consistent();
    return out;
}

static struct order_outcome find_out(uint32_t index, enum order_message message)
{
    struct order_outcome out;
    order_found_out(&table, index, message, &out);
    consistent();
    return out;
}

// --- every message in every state ---

static const char *const columns[] = {"P", "PC", "L",  "LR", "LM",  "LC",  "LRC", "LMC",
                                      "U", "UR", "UM", "UC", "URC", "UMC", "D"};

// An order of 500 shares in the state that the name says, a replace to 700 or a modify to 400 on
// its way.
static uint32_t order_in(const char *name)
{
    uint32_t index = enter(REF, 'S');
    struct own_order *o = orders_at(&table, index);
    o->life = name[0] == 'P'   ? LIFE_PENDING
              : name[0] == 'L' ? LIFE_LIVE
              : name[0] == 'U' ? LIFE_UNKNOWN
                               : LIFE_PENDING;
    if (name[0] == 'L')
        o->flags = ORDER_ACCEPTED;
    if (strchr(name, 'R'))
        assert_true(order_replace_begin(&table, index, CHANGE, CHANGE_TOTAL, CHANGE_PRICE));
    if (strchr(name, 'M'))
        order_modify_begin(&table, index, 400, 'E');
    if (strchr(name, 'C'))
        order_cancel_begin(&table, index, 0);
    if (name[0] == 'D')
        tell(index, report_of(REPORT_REJECTED, REF, 0));
    order_timer_start(&table, index, 0);
    if (name[0] == 'D')
        order_timer_stop(&table, index);
    return index;
}

// What a message of one share (of 100 for replaced and modified) leaves behind: state, '!' when it
// is impossible, '+' when a position moves, 'c' when a cancel is to be sent, 'q' when a query is.
struct expectation {
    enum order_message message;
    const char *columns[15];
};

static const struct expectation expected[] = {
    {ORDER_MESSAGE_ACCEPTED,
     {"L", "LC", "L!", "LR!", "LM!", "LC!", "LRC!", "LMC!", "L", "LR", "LM", "LC", "LRC", "LMC",
      "D"}},
    {ORDER_MESSAGE_ACCEPTED_DEAD,
     {"D", "D", "L!", "LR!", "LM!", "LC!", "LRC!", "LMC!", "D", "D", "D", "D", "D", "D", "D"}},
    {ORDER_MESSAGE_REPLACED,
     {"P!", "PC!", "L!", "L", "LM!", "LC!", "LC", "LMC!", "U!", "L", "UM!", "UC!", "LC", "UMC!",
      "D!"}},
    {ORDER_MESSAGE_REPLACED_DEAD,
     {"P!", "PC!", "L!", "D", "LM!", "LC!", "D", "LMC!", "U!", "D", "UM!", "UC!", "D", "UMC!",
      "D!"}},
    {ORDER_MESSAGE_CANCELED,
     {"L", "LC", "L", "LR", "LM", "LC", "LRC", "LMC", "L", "LR", "LM", "LC", "LRC", "LMC", "D!"}},
    {ORDER_MESSAGE_EXECUTED,
     {"L+", "LC+", "L+", "LR+", "LM+", "LC+", "LRC+", "LMC+", "L+", "LR+", "LM+", "LC+", "LRC+",
      "LMC+", "D+!"}},
    {ORDER_MESSAGE_CORRECTED,
     {"P!", "PC!", "L!", "LR!", "LM!", "LC!", "LRC!", "LMC!", "U!", "UR!", "UM!", "UC!", "URC!",
      "UMC!", "D!"}},
    {ORDER_MESSAGE_BROKEN,
     {"P!", "PC!", "L!", "LR!", "LM!", "LC!", "LRC!", "LMC!", "U!", "UR!", "UM!", "UC!", "URC!",
      "UMC!", "D!"}},
    {ORDER_MESSAGE_REJECTED,
     {"D", "D", "L!", "LR!", "LM!", "LC!", "LRC!", "LMC!", "D", "D", "D", "D", "D", "D", "D!"}},
    {ORDER_MESSAGE_CANCEL_PENDING,
     {"P!", "LC", "L!", "LR!", "LM!", "LC", "LRC", "LMC", "U!", "UR!", "UM!", "LC", "LRC", "LMC",
      "D!"}},
    {ORDER_MESSAGE_CANCEL_REJECT,
     {"P!", "LC", "L!", "LR!", "LM!", "LC", "LRC", "LMC", "U!", "UR!", "UM!", "LC", "LRC", "LMC",
      "D!"}},
    {ORDER_MESSAGE_PRIORITY,
     {"L", "LC", "L", "LR", "LM", "LC", "LRC", "LMC", "L", "LR", "LM", "LC", "LRC", "LMC", "D!"}},
    {ORDER_MESSAGE_MODIFIED,
     {"P!", "PC!", "L!", "LR!", "L", "LC!", "LRC!", "LC", "U!", "UR!", "L", "UC!", "URC!", "LC",
      "D!"}},
    {ORDER_MESSAGE_RESTATED,
     {"L", "LC", "L", "LR", "LM", "LC", "LRC", "LMC", "L", "LR", "LM", "LC", "LRC", "LMC", "D!"}},
    {ORDER_MESSAGE_NOT_SENT,
     {"D", "D", "L", "L", "L", "LC", "LCc", "LC", "U", "U", "U", "UC", "UCc", "UC", "D"}},
    {ORDER_MESSAGE_SEEN,
     {"Uc", "UCc", "L", "LRc", "L", "LC", "LRCc", "LC", "U", "URc", "U", "UC", "URCc", "UC", "D"}},
    {ORDER_MESSAGE_NOT_SEEN,
     {"D", "D", "L", "L", "L", "LC", "LCc", "LC", "D", "U", "U", "D", "UCc", "UC", "D"}},
    {ORDER_MESSAGE_NO_QUERY,
     {"Uc", "UCc", "L", "LRc", "LMc", "LC", "LRCc", "LMCc", "U", "URc", "UMc", "UC", "URCc", "UMCc",
      "D"}},
    {ORDER_MESSAGE_SILENCE,
     {"Pq", "PCq", "L", "LRq", "LMq", "LCc", "LRCcq", "LMCcq", "U", "UR", "UM", "UCc", "URCc",
      "UMCc", "D"}},
    {ORDER_MESSAGE_CLOSED,
     {"D", "D", "D", "D", "D", "D", "D", "D", "D", "D", "D", "D", "D", "D", "D"}},
    {ORDER_MESSAGE_OTHER_SYMBOL,
     {"P!", "PC!", "L!", "LR!", "LM!", "LC!", "LRC!", "LMC!", "U!", "UR!", "UM!", "UC!", "URC!",
      "UMC!", "D!"}},
};

static void describe(const struct own_order *o, const struct order_outcome *out, char text[16])
{
    snprintf(text, 16, "%c%s%s%s%s%s%s%s", "PLUD"[o->life], o -> waits &WAIT_REPLACE ? "R" : "",
             o->waits &WAIT_MODIFY ? "M" : "", o->waits &WAIT_CANCEL ? "C" : "",
             out->did &DID_FILL ? "+" : "", out->did &DID_WRONG ? "!" : "",
             out->did &DO_CANCEL ? "c" : "", out->did &DO_ASK ? "q" : "");
}

static uint32_t quantity_for(enum order_message message)
{
    switch (message) {
    case ORDER_MESSAGE_ACCEPTED:
    case ORDER_MESSAGE_ACCEPTED_DEAD: return SHARES;
    case ORDER_MESSAGE_REPLACED: return CHANGE_TOTAL;
    case ORDER_MESSAGE_MODIFIED: return 400;
    default: return 1;
    }
}

static void every_message_has_its_effect_in_every_state(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(expected), ORDER_MESSAGES);
    for (uint32_t m = 0; m < ORDER_MESSAGES; m++) {
        assert_int_equal(expected[m].message, m);
        for (uint32_t c = 0; c < 15; c++) {
            char got[16];
            struct order_outcome out;
            close_table(NULL);
            open_table(NULL);
            uint32_t index = order_in(columns[c]);
            struct own_order *o = orders_at(&table, index);
            const struct order_worst before = order_worst(o);
            const uint64_t wrong = table.wrong;
            if (m < REPORT_ORDER_KINDS)
                out = tell(index, report_of((enum ouch_report_kind)m, REF, quantity_for(m)));
            else
                out = find_out(index, m);
            describe(o, &out, got);
            if (strcmp(got, expected[m].columns[c]) != 0)
                fail_msg("%s in %s: %s, expected %s", order_message_name(m), columns[c], got,
                         expected[m].columns[c]);
            assert_int_equal(table.wrong - wrong, strchr(got, '!') != NULL);
            // An impossible message leaves what is open alone, whatever it says.
            const struct order_worst after = order_worst(o);
            if (strchr(got, '!') && m != ORDER_MESSAGE_EXECUTED)
                assert_memory_equal(&before, &after, sizeof after);
            const bool doubt = m == ORDER_MESSAGE_SEEN || m == ORDER_MESSAGE_NO_QUERY;
            if (!doubt)
                assert_int_equal((o->flags & ORDER_QUARANTINED) != 0, strchr(got, '!') != NULL);
            if (o->life == LIFE_DEAD)
                assert_true(after.shares == 0 && after.notional == 0 && after.orders == 0);
        }
    }
}

// Any quantity, any link of the chain, accepted or not: the table stays consistent, no share is
// executed twice or invented, and only acceptance, replaced and modified may leave more open.
static void no_value_of_a_message_breaks_the_table(void **state)
{
    (void)state;
    static const uint32_t quantities[] = {0, 1, 400, 499, 500, 501, 700, 701, 999999, UINT32_MAX};
    static const uint32_t refs[] = {REF, CHANGE, OLD, 0};
    for (uint32_t m = 0; m < REPORT_ORDER_KINDS; m++)
        for (uint32_t c = 0; c < 15; c++)
            for (uint32_t v = 0; v < ARRAY_LEN(quantities) * ARRAY_LEN(refs) * 2; v++) {
                close_table(NULL);
                open_table(NULL);
                uint32_t index = order_in(columns[c]);
                struct own_order *o = orders_at(&table, index);
                o->flags = (uint8_t)((o->flags & ~ORDER_ACCEPTED) | (v & 1));
                const uint32_t open = o->open;
                struct ouch_report r =
                    report_of((enum ouch_report_kind)m, refs[v / 2 % 4], quantities[v / 8]);
                const struct order_outcome out = tell(index, r);
                if (out.did & DID_FILL)
                    assert_int_equal(out.shares, quantities[v / 8]);
                else
                    assert_int_equal(o->filled, 0);
                if (m != ORDER_MESSAGE_REPLACED && m != ORDER_MESSAGE_MODIFIED &&
                    !(r.ref == CHANGE))
                    assert_true(o->open <= open);
            }
}

// --- stories ---

static void a_partial_fill_crosses_a_cancel(void **state)
{
    (void)state;
    uint32_t i = enter(1, 'B');
    struct own_order *o = orders_at(&table, i);
    struct ouch_report a = report_of(REPORT_ACCEPTED, 1, SHARES);
    a.side = 'B';
    tell(i, a);
    assert_int_equal(order_cancel_begin(&table, i, 0), 1);
    tell(i, report_of(REPORT_EXECUTED, 1, 200));
    assert_int_equal(order_worst(o).shares, 300);
    struct order_outcome out = tell(i, report_of(REPORT_CANCELED, 1, 300));
    assert_true(out.did & DID_END);
    assert_int_equal(o->filled, 200);
    assert_int_equal(order_worst(o).shares, 0);
}

static void a_replace_holds_the_worst_of_both(void **state)
{
    (void)state;
    uint32_t i = enter(1, 'B');
    struct own_order *o = orders_at(&table, i);
    struct ouch_report a = report_of(REPORT_ACCEPTED, 1, SHARES);
    a.side = 'B';
    tell(i, a);
    tell(i, report_of(REPORT_EXECUTED, 1, 100));
    assert_true(order_replace_begin(&table, i, 2, 300, 2 * PRICE));
    assert_int_equal(orders_find(&table, SESSION, 2), i);
    assert_int_equal(order_worst(o).shares, 400);           // as it is
    assert_true(order_worst(o).notional == 400ull * PRICE); // 200 at twice the price is as much
    // Executed on the old number while the replace is under way.
    struct ouch_report e = report_of(REPORT_EXECUTED, 1, 150);
    e.match = 901;
    tell(i, e);
    assert_int_equal(order_worst(o).shares, 250);
    assert_int_equal(o->filled, 250);
    struct ouch_report u = report_of(REPORT_REPLACED, 1, 50);
    u.ref = 2;
    u.side = 'B';
    u.price = 2 * PRICE;
    assert_int_equal(tell(i, u).did, DID_CHANGE);
    assert_int_equal(o->ref, 2);
    assert_int_equal(o->open, 50);
    assert_true(order_worst(o).notional == 100ull * PRICE);
}

// The exchange tells the execution after the replaced message, which has left it out already.
static void an_execution_told_late_is_not_taken_off_twice(void **state)
{
    (void)state;
    uint32_t i = order_in("LR");
    struct own_order *o = orders_at(&table, i);
    tell(i, report_of(REPORT_REPLACED, REF, CHANGE_TOTAL - 120));
    assert_int_equal(o->open, CHANGE_TOTAL - 120);
    struct order_outcome out = tell(i, report_of(REPORT_EXECUTED, REF, 120));
    assert_true(out.did & DID_FILL && !(out.did & DID_WRONG));
    assert_int_equal(o->open, CHANGE_TOTAL - 120);
    assert_int_equal(o->filled, 120);
}

static void an_unsaid_replace_is_seen_from_what_follows(void **state)
{
    (void)state;
    uint32_t i = order_in("LR");
    struct own_order *o = orders_at(&table, i);
    const struct order_outcome out = tell(i, report_of(REPORT_EXECUTED, CHANGE, 100));
    assert_int_equal(out.did, DID_CHANGE | DID_FILL);
    assert_int_equal(o->ref, CHANGE);
    assert_int_equal(o->open, CHANGE_TOTAL - 100);
    assert_int_equal(o->waits, 0);
}

// The cancel was addressed to a number that turned out not to be alive.
static void a_cancel_that_missed_is_sent_again(void **state)
{
    (void)state;
    uint32_t i = order_in("L");
    assert_int_equal(order_cancel_begin(&table, i, 0), REF);
    assert_true(order_replace_begin(&table, i, CHANGE, CHANGE_TOTAL, CHANGE_PRICE));
    struct order_outcome out = tell(i, report_of(REPORT_REPLACED, REF, CHANGE_TOTAL));
    assert_true(out.did & DO_CANCEL);
    assert_int_equal(order_cancel_begin(&table, i, 0), CHANGE);
    out = tell(i, report_of(REPORT_CANCELED, CHANGE, CHANGE_TOTAL));
    assert_true(out.did & DID_END);
    close_table(NULL);
    open_table(NULL);
    i = order_in("LR");
    assert_int_equal(order_cancel_begin(&table, i, 0), CHANGE);
    struct ouch_report j = report_of(REPORT_REJECTED, CHANGE, 0);
    out = tell(i, j);
    assert_true(out.did & DO_CANCEL);
    assert_int_equal(order_cancel_begin(&table, i, 0), REF);
}

static void messages_that_come_twice_count_once(void **state)
{
    (void)state;
    uint32_t i = order_in("L");
    struct own_order *o = orders_at(&table, i);
    struct ouch_report c = report_of(REPORT_CANCELED, REF, 200);
    struct ouch_report e = report_of(REPORT_EXECUTED, REF, 100);
    tell(i, c);
    tell(i, e);
    assert_int_equal(o->open, 200);
    assert_int_equal(tell(i, c).did, DID_DUPLICATE);
    e.time_ns += 5; // an execution has its own number, whatever the stamp says
    assert_int_equal(tell(i, e).did, DID_DUPLICATE);
    assert_int_equal(o->open, 200);
    assert_int_equal(o->filled, 100);
    assert_int_equal(table.duplicates, 2);
    assert_true(o->flags & ORDER_QUARANTINED);
}

static void executions_are_broken_and_corrected(void **state)
{
    (void)state;
    uint32_t i = order_in("L");
    struct own_order *o = orders_at(&table, i);
    tell(i, report_of(REPORT_EXECUTED, REF, 500));
    assert_int_equal(o->life, LIFE_DEAD);
    struct ouch_report f = report_of(REPORT_CORRECTED, REF, 400);
    f.price = PRICE + 1;
    struct order_outcome out = tell(i, f);
    assert_int_equal(out.did & (DID_BREAK | DID_FILL), DID_BREAK | DID_FILL);
    assert_true(out.broken_shares == 500 && out.broken_price == PRICE && out.shares == 400 &&
                out.price == PRICE + 1);
    out = tell(i, report_of(REPORT_BROKEN, REF, 0));
    assert_true(out.did & DID_BREAK && !(out.did & DID_WRONG));
    assert_true(out.broken_shares == 400 && out.broken_price == PRICE + 1);
    assert_int_equal(o->filled, 0);
    out = tell(i, report_of(REPORT_BROKEN, REF, 0));
    assert_true(out.did & DID_WRONG && !(out.did & DID_BREAK));
}

// Then the execution moves the position and moves it back, and takes its shares off the order.
static void a_break_may_come_before_its_execution(void **state)
{
    (void)state;
    uint32_t i = order_in("L");
    struct own_order *o = orders_at(&table, i);
    struct order_outcome out = tell(i, report_of(REPORT_BROKEN, REF, 0));
    assert_true(out.did & DID_WRONG && !(out.did & DID_BREAK));
    assert_true(tell(i, report_of(REPORT_BROKEN, REF, 0)).did & DID_WRONG); // and once only
    out = tell(i, report_of(REPORT_EXECUTED, REF, 300));
    assert_int_equal(out.did & (DID_BREAK | DID_FILL), DID_BREAK | DID_FILL);
    assert_true(out.shares == 300 && out.price == PRICE && out.broken_shares == 300 &&
                out.broken_price == PRICE && out.match == 900);
    assert_true(o->open == SHARES - 300 && o->filled == 0);
    assert_int_equal(tell(i, report_of(REPORT_EXECUTED, REF, 300)).did, DID_DUPLICATE);
    assert_int_equal(o->open, SHARES - 300);
    assert_int_equal(table.execution_count, 1);
}

static void a_correction_may_come_before_its_execution(void **state)
{
    (void)state;
    uint32_t i = order_in("L");
    struct own_order *o = orders_at(&table, i);
    struct ouch_report f = report_of(REPORT_CORRECTED, REF, 250);
    f.price = PRICE - 100;
    assert_true(tell(i, f).did & DID_WRONG);
    struct order_outcome out = tell(i, report_of(REPORT_EXECUTED, REF, 300));
    assert_int_equal(out.did & (DID_BREAK | DID_FILL), DID_FILL);
    assert_true(out.shares == 250 && out.price == PRICE - 100);
    assert_true(o->open == SHARES - 300 && o->filled == 250);
    out = tell(i, report_of(REPORT_BROKEN, REF, 0));
    assert_true(out.did & DID_BREAK && out.broken_shares == 250 && out.broken_price == PRICE - 100);
    assert_int_equal(o->filled, 0);
}

static void acceptance_may_come_after_an_execution(void **state)
{
    (void)state;
    uint32_t i = order_in("P");
    struct own_order *o = orders_at(&table, i);
    tell(i, report_of(REPORT_EXECUTED, REF, 100));
    assert_int_equal(o->life, LIFE_LIVE);
    struct ouch_report a = report_of(REPORT_ACCEPTED, REF, SHARES);
    a.price = PRICE + 100; // better
    assert_false(tell(i, a).did & DID_WRONG);
    assert_int_equal(o->open, 400);
    assert_int_equal(o->price, PRICE + 100);
    assert_true(o->exchange_ref == 4711);
    a.time_ns++;
    assert_true(tell(i, a).did & DID_WRONG);
}

// --- places, references, lists ---

static void places_are_taken_again_oldest_end_first(void **state)
{
    (void)state;
    uint32_t first = enter(1, 'B');
    for (uint32_t ref = 2; ref <= 8; ref++)
        enter(ref, 'B');
    const struct order_new more = {.ref = 9, .quantity = 1, .session = SESSION};
    assert_int_equal(orders_open(&table, &more), OWN_NONE);
    assert_true(orders_full(&table));
    tell(first, report_of(REPORT_REJECTED, 1, 0));
    assert_int_equal(orders_find(&table, SESSION, 1), first); // still there for a late message
    assert_int_equal(orders_open(&table, &more), first);
    assert_int_equal(orders_find(&table, SESSION, 1), OWN_NONE);
    assert_int_equal(orders_find(&table, SESSION, 9), first);
    assert_int_equal(orders_find(&table, 0, 9), OWN_NONE); // another session's
    assert_int_equal(orders_find(&table, SESSION, 64), OWN_NONE);
    assert_int_equal(orders_find(&table, 7, 1), OWN_NONE);
    consistent();
}

static void references_run_out_with_an_answer(void **state)
{
    (void)state;
    assert_int_equal(orders_next_ref(&table, SESSION), 1);
    uint32_t i = enter(62, 'B');
    assert_int_equal(orders_next_ref(&table, SESSION), 63);
    assert_true(order_replace_begin(&table, i, 63, 1, 1));
    assert_int_equal(orders_next_ref(&table, SESSION), 0);
    assert_false(order_replace_begin(&table, i, 64, 1, 1));
    const struct order_new beyond = {.ref = 64, .quantity = 1, .session = SESSION};
    assert_int_equal(orders_open(&table, &beyond), OWN_NONE);
}

// Nothing is reserved for what the account query has ended: when it is there, somebody has to look.
static void what_was_never_received_does_not_come_back_unseen(void **state)
{
    (void)state;
    for (int restated = 0; restated <= 1; restated++) {
        const uint32_t index = enter(REF + (uint32_t)restated, 'S');
        find_out(index, ORDER_MESSAGE_NOT_SEEN);
        const struct order_outcome out =
            tell(index, report_of(restated ? REPORT_RESTATED : REPORT_ACCEPTED, REF, SHARES));
        assert_true(out.did & DID_UNCLAIMED && out.did & DID_WRONG);
    }
}

static void silence_is_noticed_in_order(void **state)
{
    (void)state;
    uint32_t a = enter(1, 'B'), b = enter(2, 'B'), c = enter(3, 'B');
    order_timer_start(&table, a, 0);
    order_timer_start(&table, b, 10);
    order_timer_start(&table, c, 20);
    order_timer_start(&table, a, 30); // something else was sent for it
    consistent();
    assert_int_equal(order_overdue(&table, SILENCE + 9), OWN_NONE);
    assert_int_equal(order_overdue(&table, SILENCE + 10), b);
    tell(c, report_of(REPORT_REJECTED, 3, 0)); // an answer takes it out
    assert_int_equal(order_overdue(&table, SILENCE + 29), OWN_NONE);
    assert_int_equal(order_overdue(&table, SILENCE + 30), a);
    assert_int_equal(order_overdue(&table, UINT64_MAX), OWN_NONE);
}

// A replace that was lost with its connection, at a venue that nobody can ask: the exchange still
// has the old number, or the new one.
static void in_doubt_a_cancel_names_both_numbers(void **state)
{
    (void)state;
    for (uint32_t has_old = 0; has_old < 2; has_old++) {
        close_table(NULL);
        open_table(NULL);
        const uint32_t i = order_in("LR");
        struct own_order *o = orders_at(&table, i);
        assert_int_equal(order_cancel_ref(o), CHANGE);
        assert_true(find_out(i, ORDER_MESSAGE_NO_QUERY).did & DO_CANCEL);
        assert_int_equal(order_cancel_begin(&table, i, 0), CHANGE);
        assert_true(find_out(i, ORDER_MESSAGE_SILENCE).did & DO_CANCEL);
        assert_int_equal(order_cancel_begin(&table, i, 0), REF);
        assert_true(find_out(i, ORDER_MESSAGE_SILENCE).did & DO_CANCEL);
        assert_int_equal(order_cancel_begin(&table, i, 0), CHANGE);
        tell(i,
             report_of(REPORT_CANCELED, has_old ? REF : CHANGE, has_old ? SHARES : CHANGE_TOTAL));
        assert_int_equal(o->life, LIFE_DEAD);
        assert_int_equal(order_worst(o).shares, 0);
    }
}

static void cancels_queue_in_order_and_leave_with_their_order(void **state)
{
    (void)state;
    uint32_t a = enter(1, 'B'), b = enter(2, 'B'), c = enter(3, 'B');
    order_cancel_enqueue(&table, c, 0);
    order_cancel_enqueue(&table, a, 0);
    order_cancel_enqueue(&table, b, 7);
    order_cancel_enqueue(&table, c, 0); // is there already
    tell(a, report_of(REPORT_REJECTED, 1, 0));
    assert_int_equal(order_cancel_dequeue(&table, SESSION), c);
    assert_int_equal(order_cancel_dequeue(&table, SESSION), b);
    assert_int_equal(orders_at(&table, b)->cancel_total, 7);
    assert_int_equal(order_cancel_dequeue(&table, SESSION), OWN_NONE);
    consistent();
}

static void names_are_there(void **state)
{
    (void)state;
    assert_string_equal(order_life_name(LIFE_UNKNOWN), "unknown");
    assert_string_equal(order_message_name(ORDER_MESSAGE_NOT_SEEN), "NOT_SEEN");
    assert_string_equal(order_message_name(ORDER_MESSAGES), "?");
}

int main(void)
{
#define ORDER_TEST(name) cmocka_unit_test_setup_teardown(name, open_table, close_table)
    const struct CMUnitTest tests[] = {
        ORDER_TEST(every_message_has_its_effect_in_every_state),
        ORDER_TEST(no_value_of_a_message_breaks_the_table),
        ORDER_TEST(a_partial_fill_crosses_a_cancel),
        ORDER_TEST(a_replace_holds_the_worst_of_both),
        ORDER_TEST(an_execution_told_late_is_not_taken_off_twice),
        ORDER_TEST(an_unsaid_replace_is_seen_from_what_follows),
        ORDER_TEST(a_cancel_that_missed_is_sent_again),
        ORDER_TEST(messages_that_come_twice_count_once),
        ORDER_TEST(executions_are_broken_and_corrected),
        ORDER_TEST(a_break_may_come_before_its_execution),
        ORDER_TEST(a_correction_may_come_before_its_execution),
        ORDER_TEST(acceptance_may_come_after_an_execution),
        ORDER_TEST(places_are_taken_again_oldest_end_first),
        ORDER_TEST(references_run_out_with_an_answer),
        ORDER_TEST(what_was_never_received_does_not_come_back_unseen),
        ORDER_TEST(silence_is_noticed_in_order),
        ORDER_TEST(in_doubt_a_cancel_names_both_numbers),
        ORDER_TEST(cancels_queue_in_order_and_leave_with_their_order),
        ORDER_TEST(names_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
