// A desk is rebuilt: what single events leave behind, of controls, losses, sessions and strategies.
// Whole histories are in desk_restore_test.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_restore.h"
#include "dataplane/lane/desk_strategy.h"
#include "tests/lib/desk_world.h"

enum { LOG = 1 << 12 };

// Whom a control has cancelled, and whose session: that scope again, and not everybody.
static void what_controls_did_comes_back(void **state)
{
    static uint32_t places[ORDERS];
    static struct desk_restore r;
    struct event e = {.type = EVENT_BREACH};
    (void)state;
    world_open(7);
    desk_restore_init(&r, &w->desk, places);
    e.breach.scope = TRADE_ACCOUNT;
    e.breach.index = 1;
    e.breach.action = ACTION_NOTIFY;
    assert_true(desk_restore_event(&r, &e));
    const struct kill_words *k = &w->desk.kills[KILL_BY_LANE];
    assert_false(kill_bit(k->accounts, 1));
    e.breach.action = ACTION_DISABLE;
    assert_true(desk_restore_event(&r, &e));
    e.type = EVENT_KILL;
    e.kill = (struct event_kill){.asker = KILL_BY_LANE};
    assert_true(desk_restore_event(&r, &e));
    assert_true(kill_bit(k->accounts, 1) && kill_bit(k->sessions, 0));
    assert_false(kill_bit(&k->all, 0));
    e.type = EVENT_LIFTED;
    e.lifted = (struct event_lifted){.scope = TRADE_ACCOUNT, .index = 1, .asker = KILL_BY_LANE};
    assert_true(desk_restore_event(&r, &e));
    assert_false(kill_bit(k->accounts, 1));
    e.type = EVENT_BREACH;
    e.breach = (struct event_breach){
        .scope = TRADE_ACCOUNT, .index = ACCOUNTS_MAX, .action = ACTION_CANCEL};
    assert_false(desk_restore_event(&r, &e));
    world_close();
}

// A person took back the drawdown of an account whose loss was still beyond its limit: the loss is
// broken after a restart, too.
static void only_the_losses_that_were_lifted_are(void **state)
{
    static uint32_t places[ORDERS];
    static struct desk_restore r;
    struct event e = {.type = EVENT_LOSS_BROKEN};
    (void)state;
    world_open(7);
    const struct owner_day *day = &w->desk.risk.account_days[1];
    desk_restore_init(&r, &w->desk, places);
    e.loss_broken = (struct event_loss_broken){
        .scope = TRADE_ACCOUNT, .index = 1, .control = LIMIT_LIMITS_drawdown};
    assert_true(desk_restore_event(&r, &e));
    e.loss_broken.control = LIMIT_LIMITS_loss;
    e.loss_broken.value = 6000;
    assert_true(desk_restore_event(&r, &e));
    e.type = EVENT_LIFTED;
    e.lifted = (struct event_lifted){
        .scope = TRADE_ACCOUNT, .index = 1, .asker = KILL_ASKERS, .losses = 1u << LOSS_FROM_BEST};
    assert_true(desk_restore_event(&r, &e));
    desk_restore_end(&r, 0);
    assert_int_equal(day->broken, 1u << LOSS_OF_DAY);
    assert_int_equal(day->losses[LOSS_OF_DAY].value, 6000);
    world_close();
}

static void the_stream_goes_on_as_it_was(void **state)
{
    static uint32_t places[ORDERS];
    static struct desk_restore r;
    (void)state;
    for (int ended = 0; ended <= 1; ended++) {
        struct event e = {.type = EVENT_ORDER_SESSION};
        world_open(7);
        desk_restore_init(&r, &w->desk, places);
        e.order_session.now = SESSION_READY;
        e.order_session.next_sequence = 8;
        e.order_session.halted = SESSION_HALT_GAP;
        memcpy(e.order_session.id, "DAY1", 4);
        assert_true(desk_restore_event(&r, &e));
        e.order_session.now = SESSION_DOWN;
        memset(e.order_session.id, 0, ended ? 4 : 0);
        assert_true(desk_restore_event(&r, &e));
        desk_restore_end(&r, 0);
        assert_int_equal(w->session.halted, SESSION_HALT_GAP);
        assert_string_equal(w->session.session_id, "DAY1");
        assert_true(w->session.next_sequence == 8);
        assert_true(w->session.ended == ended && w->session.asks_any == ended);
        world_close();
    }
}

// A record that ends between the two must not know the message and not the gap before it.
static void a_gap_is_told_before_what_stands_behind_it(void **state)
{
    uint8_t bytes[33 + 3 + 64] = {0, 31, 'A'};
    const struct ouch50_executed filled = {
        .user_ref = 77, .quantity = 1, .price = 1000000, .match = 5};
    (void)state;
    world_open(7);
    w->log = calloc(LOG, sizeof *w->log);
    w->log_max = LOG;
    for (int i = 0; i < 100 && w->session.state != SESSION_CONNECTING; i++) {
        w->now += STEP;
        desk_turn(&w->desk, w->now);
    }
    session_opened(&w->session, w->now);
    memcpy(bytes + 3, "      DAY1                   5", 30);
    const uint32_t len = ouch50_executed_write(bytes + 36, &filled);
    be16_store(bytes + 33, (uint16_t)(1 + len));
    bytes[35] = 'S';
    session_received(&w->session, bytes, 36 + len, w->now);
    desk_turn(&w->desk, w->now);
    events_drain();
    uint32_t told = 0;
    for (uint32_t i = 0; i < w->log_count; i++) {
        const struct event *e = &w->log[i];
        if (e->type == EVENT_ORDER_SESSION && e->order_session.halted == SESSION_HALT_GAP) {
            assert_true(told > 0 || e->order_session.next_sequence == 5);
            told++;
        }
        assert_true(e->type != EVENT_UNCLAIMED || (told > 0 && e->unclaimed.sequence == 5));
    }
    assert_true(told > 0 && w->event_count[EVENT_UNCLAIMED] == 1);
    free(w->log);
    world_close();
}

// The exchange came back without its tail: the record has where it goes on, not what was read
// before, and over a restart, too, it waits there for a person.
static void a_short_stream_is_told_with_its_end(void **state)
{
    static uint32_t places[ORDERS];
    static struct desk_restore r;
    uint8_t bytes[33] = {0, 31, 'A'};
    struct event e = {.type = EVENT_ORDER_SESSION};
    (void)state;
    world_open(7);
    w->log = calloc(LOG, sizeof *w->log);
    w->log_max = LOG;
    session_restore(&w->session, "DAY1\0\0\0\0\0", 5, false, 0);
    for (int i = 0; i < 100 && w->session.state != SESSION_CONNECTING; i++) {
        w->now += STEP;
        desk_turn(&w->desk, w->now);
    }
    session_opened(&w->session, w->now);
    memcpy(bytes + 3, "      DAY1                   3", 30);
    session_received(&w->session, bytes, sizeof bytes, w->now);
    desk_turn(&w->desk, w->now);
    events_drain();
    for (uint32_t i = 0; i < w->log_count; i++)
        if (w->log[i].type == EVENT_ORDER_SESSION)
            e = w->log[i];
    assert_int_equal(e.order_session.halted, SESSION_HALT_SHORT);
    assert_true(e.order_session.next_sequence == 3 && w->session.next_sequence == 5);
    assert_int_equal(e.order_session.queries,
                     1 + 5 - 3); // answers may stand where it is read again
    free(w->log);
    world_close();
    world_open(7);
    desk_restore_init(&r, &w->desk, places);
    assert_true(desk_restore_event(&r, &e));
    desk_restore_end(&r, 0);
    assert_true(w->session.next_sequence == 3 && w->session.short_at == 3);
    assert_int_equal(w->session.halted, SESSION_HALT_SHORT);
    world_close();
}

// The journal has no parameters: until a person has looked the strategy waits, in this instance;
// one that was enabled in a later one had those of the file.
static void parameters_set_live_keep_a_strategy_off(void **state)
{
    static uint32_t places[ORDERS];
    static struct desk_restore r;
    static const struct strategy any;
    (void)state;
    for (int later = 0; later <= 1; later++) {
        struct event e = {.type = EVENT_GOVERNED};
        world_open(7);
        struct desk_strategies *s = zeroed(sizeof *s);
        s->count = 2;
        s->on = 3;
        s->hosts[0].slot.strategy = s->hosts[1].slot.strategy = &any;
        w->desk.strategies = s;
        desk_restore_init(&r, &w->desk, places);
        e.governed.command = COMMAND_STRATEGY_SET;
        e.governed.scope = TRADE_STRATEGY;
        assert_true(desk_restore_event(&r, &e));
        if (later)
            desk_restore_instance(&r);
        e = (struct event){.type = EVENT_STRATEGY};
        e.strategy.enabled = true;
        assert_true(desk_restore_event(&r, &e));
        desk_restore_end(&r, 0);
        assert_int_equal(s->hosts[0].slot.off, later ? STRATEGY_ON : STRATEGY_OFF_RESET);
        assert_int_equal(s->on, later ? 3 : 2);
        w->desk.strategies = NULL;
        free(s);
        world_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_controls_did_comes_back),
        cmocka_unit_test(only_the_losses_that_were_lifted_are),
        cmocka_unit_test(the_stream_goes_on_as_it_was),
        cmocka_unit_test(a_gap_is_told_before_what_stands_behind_it),
        cmocka_unit_test(a_short_stream_is_told_with_its_end),
        cmocka_unit_test(parameters_set_live_keep_a_strategy_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
