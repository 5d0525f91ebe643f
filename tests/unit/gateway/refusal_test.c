// A client is told what a refusal has compared: value, limit, whose limit, and the line of text.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/gateway_rig.h"

static struct tickgate_answer refusal_of(struct tickgate *t, uint32_t request, enum refusal code)
{
    const struct tickgate_answer a = answer_to(t, request);
    assert_int_equal(a.kind, TICKGATE_REFUSED);
    assert_int_equal(a.refusal, code);
    return a;
}

static void says(const struct tickgate_answer *a, const char *text, const char *scope)
{
    char out[96], cut[8];
    assert_string_equal(tickgate_refusal_text(a, out, sizeof out), text);
    assert_string_equal(tickgate_scope_name(a->scope), scope);
    assert_true(strncmp(tickgate_refusal_text(a, cut, sizeof cut), text, sizeof cut - 1) == 0);
    assert_int_equal(strlen(cut), strlen(text) < 7 ? strlen(text) : 7);
    assert_ptr_equal(tickgate_refusal_text(a, NULL, 0), NULL);
}

static void nothing_compared(const struct tickgate_answer *a, const char *name)
{
    assert_true(a->fill_shares == 0 && a->broken_shares == 0 && a->owner == 0);
    says(a, name, "none");
}

static void limit_of_broker(struct limit_row *row, unsigned control)
{
    row->of_broker[control / 8] |= (uint8_t)(1u << control % 8);
}

static struct tickgate *open_one(void)
{
    gateway_open(3);
    gateway_ready();
    return gateway_attach("alpha", NULL);
}

static void close_one(struct tickgate *t)
{
    tickgate_detach(t);
    gateway_close();
}

// Units of several kinds at every scope; the tightest is named.
static void value_limit_and_scope(void **state)
{
    (void)state;
    struct tickgate *t = open_one();
    struct limit_table *l = w->limits;
    struct tickgate_order o = some_order;
    l->symbols[0].price_high = 1010000;
    o.price = 1012500;
    struct tickgate_answer a = refusal_of(t, tickgate_enter(t, &o), REFUSAL_PRICE_COLLAR);
    assert_true(a.value == 1012500 && a.limit == 1010000 && a.owner == 0);
    says(&a, "PRICE_COLLAR: price=101.2500 limit=101.0000", "symbol");
    o.price = 1000000;
    l->firm.quantity = 99;
    limit_of_broker(&l->firm, LIMIT_LIMITS_quantity);
    a = refusal_of(t, tickgate_enter(t, &o), REFUSAL_QUANTITY);
    assert_true(a.value == 100 && a.limit == 99 && a.owner == 1);
    says(&a, "QUANTITY: shares=100 limit=99", "firm");
    l->accounts[1].quantity = 98;
    a = refusal_of(t, tickgate_enter(t, &o), REFUSAL_QUANTITY);
    assert_true(a.limit == 98 && a.owner == 0);
    says(&a, "QUANTITY: shares=100 limit=98", "account");
    l->firm.quantity = l->accounts[1].quantity = UINT32_MAX;
    l->strategies[FIRST_STRATEGY].open_notional = 99999999;
    a = refusal_of(t, tickgate_enter(t, &o), REFUSAL_OPEN_NOTIONAL);
    says(&a, "OPEN_NOTIONAL: dollars=10000.0000 limit=9999.9999", "strategy");
    l->strategies[FIRST_STRATEGY].open_notional = UINT64_MAX;
    l->symbols[0].symbol.restricted = RESTRICTION_ALL;
    a = refusal_of(t, tickgate_enter(t, &o), REFUSAL_RESTRICTED);
    assert_int_equal(a.value, RESTRICTION_ALL);
    assert_int_equal(a.scope, TICKGATE_SCOPE_SYMBOL);
    close_one(t);
}

// Ticks of this machine mean nothing to a client.
static void times_are_nanoseconds(void **state)
{
    enum { BURST = 2, APART = 100 };
    (void)state;
    struct tickgate *t = open_one();
    struct tickgate_answer a;
    char out[96];
    w->desk.ns_per_tick = UINT64_C(3) << 32; // of a slow one
    w->limits->sessions[0].rate_ticks = APART;
    w->limits->sessions[0].burst = BURST;
    w->now += 1000 * STEP;
    for (uint32_t i = 0; i <= BURST; i++)
        assert_int_not_equal(tickgate_enter(t, &some_order), 0);
    const uint32_t late = tickgate_enter(t, &some_order);
    desk_turn(&w->desk, w->now);
    while (tickgate_poll(t, &a) == 1 && a.request != late)
        ;
    assert_true(a.kind == TICKGATE_REFUSED && a.refusal == REFUSAL_MESSAGE_RATE);
    const uint64_t ns = UINT64_C(3) * APART * RATE_UNIT;
    assert_int_equal(a.limit, BURST * ns);
    assert_in_range(a.value, BURST * ns + 1, (BURST + 1) * ns);
    assert_int_equal(a.scope, TICKGATE_SCOPE_SESSION);
    snprintf(out, sizeof out, "MESSAGE_RATE: ahead=%uus limit=%uus", (uint32_t)(a.value / 1000),
             (uint32_t)(a.limit / 1000));
    says(&a, out, "session");
    close_one(t);
}

// Where nothing was compared nothing is told, whatever was refused before, to whom and for what.
static void no_value_is_anothers(void **state)
{
    (void)state;
    struct tickgate *t = open_one(), *u = gateway_attach("beta", NULL);
    struct tickgate_order o = some_order;
    w->limits->accounts[1].quantity = 99;
    refusal_of(t, tickgate_enter(t, &some_order), REFUSAL_QUANTITY);
    o.side = 'X';
    struct tickgate_answer a = refusal_of(t, tickgate_enter(t, &o), REFUSAL_ORDER_FIELD);
    nothing_compared(&a, "ORDER_FIELD");
    refusal_of(t, tickgate_enter(t, &some_order), REFUSAL_QUANTITY);
    a = refusal_of(u, tickgate_cancel(u, 0, 1, 0), REFUSAL_UNKNOWN_ORDER);
    nothing_compared(&a, "UNKNOWN_ORDER");
    // One that the gate has approved.
    w->limits->accounts[1].quantity = UINT32_MAX;
    w->rig.refuse = true;
    a = refusal_of(t, tickgate_enter(t, &some_order), REFUSAL_TRANSMIT);
    nothing_compared(&a, "TRANSMIT");
    w->rig.refuse = false;
    tickgate_detach(u);
    close_one(t);
}

// A change that is refused tells of the order, too.
static void a_refused_change_keeps_the_order(void **state)
{
    (void)state;
    struct tickgate *t = open_one();
    const struct tickgate_answer r = rest(t, 5);
    w->limits->symbols[0].price_low = 990000;
    struct tickgate_answer a =
        refusal_of(t, tickgate_replace(t, r.order, 5, 90, 980000), REFUSAL_PRICE_COLLAR);
    assert_true(a.order == r.order && a.client_id == 5 && a.open == 100 && a.filled == 0);
    assert_true(a.fill_shares == 0 && a.broken_shares == 0); // whoever adds these up needs no kind
    assert_true(a.state == TICKGATE_LIVE && a.route == TICKGATE_NO_ROUTE);
    says(&a, "PRICE_COLLAR: price=98.0000 limit=99.0000", "symbol");
    // Where nothing is compared its price is still there.
    a = refusal_of(t, tickgate_modify(t, r.order, 5, 100, 'X'), REFUSAL_ORDER_FIELD);
    assert_true(a.price == 1000000 && a.reason == 0 && a.open == 100);
    nothing_compared(&a, "ORDER_FIELD");
    close_one(t);
}

// Each takes a share less, so each would leave: as many do as the client's rate lets. One of
// everything always does.
static void partial_cancels_have_the_rate_of_orders(void **state)
{
    enum { BURST = 64, MORE = 10 };
    (void)state;
    struct tickgate *t = open_one();
    const struct tickgate_answer r = rest(t, 5);
    const uint64_t before = w->session.count.cancels;
    uint32_t number[BURST + MORE];
    for (uint32_t i = 0; i < 2 * BURST; i++)
        gateway_step(); // all of the burst is there again
    assert_int_equal(orders_at(&w->desk.orders, r.order)->open, 100);
    for (uint32_t i = 0; i < BURST + MORE; i++) {
        number[i] = tickgate_cancel(t, r.order, 5, 99 - i);
        assert_int_not_equal(number[i], 0);
        desk_turn(&w->desk, w->now);
    }
    assert_int_equal(w->session.count.cancels, before + BURST);
    assert_int_not_equal(tickgate_cancel(t, r.order, 5, 0), 0);
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->session.count.cancels, before + BURST + 1);
    assert_int_equal(answer_to(t, number[BURST - 1]).kind, TICKGATE_DONE);
    refusal_of(t, number[BURST], REFUSAL_CLIENT_RATE);
    close_one(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_limit_and_scope),
        cmocka_unit_test(times_are_nanoseconds),
        cmocka_unit_test(no_value_is_anothers),
        cmocka_unit_test(a_refused_change_keeps_the_order),
        cmocka_unit_test(partial_cancels_have_the_rate_of_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
