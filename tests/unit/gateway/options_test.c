// Orders with options from a client: two slots of its ring.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/gateway_rig.h"

// A slot more than the order's own; both come round the end of the ring.
static void options_go_along(void **state)
{
    (void)state;
    gateway_open(6);
    gateway_ready();
    struct tickgate *t = gateway_attach("alpha", NULL);
    const struct tickgate_options floor = {.max_floor = 100, .group = 7, .capacity = 'A'};
    const struct tickgate_options bad = {.peg_offset = 100};
    uint32_t with = 0;
    for (uint32_t i = 0; i < 3 * RIG_REQUESTS; i++) {
        struct tickgate_order o = some_order;
        o.client_id = i;
        o.options = i % 3 == 0 ? NULL : i % 3 == 1 ? &floor : &bad;
        const struct tickgate_answer a = answer_to(t, tickgate_enter(t, &o));
        if (i % 3 == 2) {
            assert_true(a.kind == TICKGATE_REFUSED && a.refusal == REFUSAL_ORDER_FIELD);
            continue;
        }
        assert_int_equal(a.kind, TICKGATE_DONE);
        const struct ouch_extras *x = order_extras(&w->desk.orders, a.order);
        assert_int_equal(x != NULL, i % 3 == 1);
        with += x && x->options.max_floor == 100 && x->options.group == 7 && x->capacity == 'A';
        tickgate_cancel(t, a.order, i, 0);
        gateway_step();
    }
    assert_int_equal(with, RIG_REQUESTS);
    // Two slots or none.
    const struct tickgate_order plain = some_order;
    struct tickgate_order o = some_order;
    o.options = &floor;
    for (uint32_t i = 0; i < RIG_REQUESTS - 1; i++)
        assert_int_not_equal(tickgate_enter(t, &plain), 0);
    assert_int_equal(tickgate_enter(t, &o), 0);
    assert_int_not_equal(tickgate_enter(t, &plain), 0);
    tickgate_detach(t);
    for (uint32_t i = 0; i < 50; i++)
        gateway_step();
    dust_settles();
    gateway_close();
}

// A request that announces options and has none behind it, or is none that may have any.
static void options_that_are_not_there(void **state)
{
    (void)state;
    gateway_open(7);
    gateway_ready();
    for (uint32_t i = 0; i < 3; i++) {
        struct tickgate *t = gateway_attach("alpha", NULL);
        assert_non_null(t);
        struct gateway_inward *in = client(0)->inward;
        in->requests[0] = (struct gateway_request){.kind = i == 1 ? GATEWAY_CANCEL : GATEWAY_ENTER,
                                                   .more = i == 2 ? 2 : 1};
        atomic_store(&in->requests_tail, i == 0 ? 1 : 2);
        assert_int_equal(end_of(t), TICKGATE_REQUEST);
        tickgate_detach(t);
        for (uint32_t k = 0; k < 50; k++)
            gateway_step();
    }
    dust_settles();
    gateway_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_go_along),
        cmocka_unit_test(options_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
