// Kills of every scope on a connection whose window is narrow, byte by byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/link_world.h"

// From the kill on: nothing that enters or changes, and one cancel for each open order, as many at
// a time as the window of the peer takes.
static void a_kill_is_paced_by_the_window(void **state)
{
    (void)state;
    enum { OPEN = 12, CANCEL = 12, WINDOW = 30 };
    for (uint32_t scope = 0; scope < TRADE_SCOPES; scope++) {
        uint32_t index, seen = 0, taken = 0;
        assert_int_equal(scope ? open_world(NULL) : 0, 0);
        open_at_the_exchange(&index);
        for (uint32_t i = 1; i < OPEN; i++)
            assert_int_equal(desk_enter(&w->desk, &who, &buy, &(uint32_t){0}), REFUSAL_NONE);
        sent_take();
        w->window = WINDOW;
        segment_push(TCP_ACK, NULL, 0);
        turn();
        sent_take();
        w->got_len = 0;
        kill_ask(&w->desk.kills[KILL_BY_OPERATOR], (enum trade_scope)scope, 0);
        assert_int_equal(desk_replace(&w->desk, &who, index, 50, 1000000), REFUSAL_KILLED);
        assert_int_equal(desk_modify(&w->desk, &who, index, 50, 'B'), REFUSAL_KILLED);
        // One message for everything, where everything of the session is meant.
        const uint32_t all = scope == TRADE_FIRM || scope == TRADE_SESSION ? 3 + 19 : 0;
        for (uint32_t i = 0; i < 4 * OPEN; i++) {
            turn();
            sent_take();
            assert_true(w->got_len - taken <= WINDOW);
            taken = w->got_len;
            assert_int_equal(desk_enter(&w->desk, &who, &buy, &(uint32_t){0}), REFUSAL_KILLED);
            segment_push(TCP_ACK, NULL, 0);
        }
        assert_int_equal(w->got_len, all + OPEN * CANCEL);
        assert_true(all == 0 || w->got[3] == 'C');
        for (uint32_t at = all; at < w->got_len; at += CANCEL) {
            assert_memory_equal(w->got + at, "\0\12UX", 4);
            const uint32_t ref = ouch50_cancel_user_ref(w->got + at + 3);
            assert_true(ref >= 1 && ref <= OPEN && !(seen >> ref & 1));
            seen |= 1u << ref;
        }
        if (scope + 1 < TRADE_SCOPES)
            close_world(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_kill_is_paced_by_the_window, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
