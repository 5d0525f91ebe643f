// Cancels that wait, and one message for all of a session: what leaves, when, and how often.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_limits.h"
#include "tests/lib/desk_world.h"

enum { CANCEL_LEN = 12 };

static const struct desk_order buy = {
    .quantity = 100, .price = 1000000, .side = 'B', .time_in_force = '0', .display = 'Y'};

static int world_begin(void **state)
{
    (void)state;
    world_open(11);
    w->model.missing = 0;
    return 0;
}

static int world_end(void **state)
{
    (void)state;
    check();
    world_close();
    return 0;
}

// As many as <count>, in a session that has just become ready.
static void orders_enter(uint32_t *index, uint32_t count)
{
    steps_until(SESSION_READY);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index[i]), REFUSAL_NONE);
}

// The same session at an exchange that takes one message for everything.
static void mass_cancel_possible(void)
{
    struct error err = {0};
    const struct session_config sc = {
        .frames = {.firm = "    ", .capacity = 'P', .mass_cancel = true},
        .username = "user",
        .password = "secret",
        .sequence = 1,
        .heartbeat_ticks = 1000 * STEP,
        .silence_ticks = 100000 * STEP,
        .login_ticks = 500 * STEP,
        .retry_ticks = 2 * STEP,
        .retry_ticks_max = 8 * STEP};
    assert_true(session_init(&w->session, &sc, &w->rig.transport, "session x", &err));
}

// Entered, and as the exchange has it: the random world may execute some of it, or all.
static uint32_t live_order(void)
{
    for (int tries = 0; tries < 20; tries++) {
        uint32_t index;
        assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
        for (int i = 0; i < 20 && orders_at(&w->desk.orders, index)->life == LIFE_PENDING; i++)
            step();
        if (orders_at(&w->desk.orders, index)->life == LIFE_LIVE)
            return index;
    }
    fail_msg("no order stays live");
    return OWN_NONE;
}

static uint32_t open_count(void)
{
    return w->desk.orders.sessions[0].open_count;
}

static const uint8_t *sent_cancel(uint32_t number)
{
    const uint8_t *p = w->rig.sent + number * CANCEL_LEN;
    assert_true(w->rig.sent_len >= (number + 1) * CANCEL_LEN);
    assert_memory_equal(p, "\0\12UX", 4);
    return p + 4; // number of the order, then the total
}

// --- cancels that wait ---

static void cancels_wait_in_order_and_leave_some_a_turn(void **state)
{
    enum { COUNT = 40 };
    uint32_t index[COUNT];
    (void)state;
    orders_enter(index, COUNT);
    w->rig.busy = true;
    for (uint32_t i = COUNT; i-- > 0;)
        assert_int_equal(desk_cancel(&w->desk, index[i], 0), REFUSAL_NONE);
    assert_int_equal(w->desk.orders.sessions[0].cancel_count, COUNT);
    assert_int_equal(w->session.count.cancels, 0);
    w->rig.sent_len = 0;
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->rig.sent_len, 0); // the window is closed
    w->rig.busy = false;
    for (uint32_t turn = 1; turn <= 3; turn++) {
        const uint32_t most = turn * DESK_CANCELS_A_TURN;
        desk_turn(&w->desk, w->now);
        assert_int_equal(w->rig.sent_len, (most < COUNT ? most : COUNT) * CANCEL_LEN);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(be32_load(sent_cancel(i)),
                         orders_at(&w->desk.orders, index[COUNT - 1 - i])->ref);
    assert_int_equal(w->desk.orders.sessions[0].cancel_count, 0);
}

// --- cancels that leave at a rate ---

enum { APART = 100, BURST = 3 };

static void paced(uint8_t how)
{
    struct limit_row *row = &w->limits->sessions[0];
    row->cancel_rate = how;
    row->price_low = APART / RATE_UNIT;
    row->price_high = BURST - 1;
}

static uint64_t cancels_at(uint64_t now)
{
    desk_turn(&w->desk, now);
    return w->session.count.cancels;
}

// A burst leaves at once, then one in an interval, just when it is due, the oldest first; no order
// follows them before.
static void cancels_above_their_rate_wait(void **state)
{
    enum { COUNT = 8 };
    uint32_t index[COUNT], another;
    (void)state;
    orders_enter(index, COUNT);
    paced(CANCELS_WAIT);
    w->rig.sent_len = 0;
    const uint64_t now = w->lane.stamp;
    for (uint32_t i = 0; i < COUNT - 1; i++)
        assert_int_equal(desk_cancel(&w->desk, index[i], 0), REFUSAL_NONE);
    assert_int_equal(w->session.count.cancels, BURST);
    assert_int_equal(w->desk.orders.sessions[0].cancel_count, COUNT - 1 - BURST);
    assert_int_equal(w->event_count[EVENT_CANCEL_WAITS], 0); // not read yet
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &another), REFUSAL_CANCEL_RATE);
    for (uint32_t i = 0; i < COUNT - 1 - BURST; i++) {
        assert_int_equal(cancels_at(now + (i + 1) * APART - 1), BURST + i);
        assert_int_equal(cancels_at(now + (i + 1) * APART), BURST + i + 1);
        if (i == 0) // whoever comes later has to wait behind the others
            assert_int_equal(desk_cancel(&w->desk, index[COUNT - 1], 0), REFUSAL_NONE);
    }
    assert_int_equal(cancels_at(now + (COUNT - BURST) * APART), COUNT);
    assert_int_equal(w->desk.orders.sessions[0].cancel_count, 0);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(be32_load(sent_cancel(i)), orders_at(&w->desk.orders, index[i])->ref);
    w->now = w->lane.stamp;
}

// Without the word they pass, and only orders wait for them.
static void cancels_that_only_count_pass(void **state)
{
    enum { COUNT = 8 };
    uint32_t index[COUNT], another;
    (void)state;
    orders_enter(index, COUNT);
    paced(CANCELS_PASS);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(desk_cancel(&w->desk, index[i], 0), REFUSAL_NONE);
    assert_int_equal(w->session.count.cancels, COUNT);
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &another), REFUSAL_CANCEL_RATE);
}

// Another rate: what is ahead of the old one is as many cancels ahead of the new one.
static void a_debt_of_cancels_follows_their_rate(void **state)
{
    enum { COUNT = 8 };
    static const uint64_t aparts[] = {APART / 5, APART * 4};
    const size_t bytes = sizeof *w->limits + MODEL_SYMBOLS * sizeof(struct limit_row);
    uint32_t index[COUNT], another;
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct limit_table *next = zeroed(bytes), *before = w->limits;
        orders_enter(index, COUNT);
        paced(CANCELS_PASS);
        memcpy(next, before, bytes);
        next->sessions[0].price_low = (uint32_t)(aparts[i] / RATE_UNIT);
        for (uint32_t k = 0; k < COUNT; k++)
            assert_int_equal(desk_cancel(&w->desk, index[k], 0), REFUSAL_NONE);
        const uint64_t from = w->lane.stamp;
        const uint64_t due = from + (COUNT - (BURST - 1)) * aparts[i];
        desk_limits_restore(&w->desk, next, before->version + 1);
        desk_turn(&w->desk, due - 1);
        assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &another), REFUSAL_CANCEL_RATE);
        desk_turn(&w->desk, due);
        assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &another), REFUSAL_NONE);
        desk_limits_restore(&w->desk, before, next->version + 1);
        free(next);
        w->now = due + COUNT * APART * 4;
        desk_turn(&w->desk, w->now);
    }
}

// A person takes the rate away: what waits leaves.
static void no_rate_and_nothing_waits(void **state)
{
    uint32_t index[2 * BURST];
    (void)state;
    orders_enter(index, 2 * BURST);
    paced(CANCELS_WAIT);
    desk_mass_cancel(&w->desk, TRADE_ACCOUNT, w->who.account);
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->session.count.cancels, BURST);
    w->limits->sessions[0].cancel_rate = CANCELS_UNCOUNTED;
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->session.count.cancels, 2 * BURST);
}

// Before the logout nothing waits for a rate any more, but for the window.
static void nothing_waits_before_the_logout(void **state)
{
    enum { COUNT = 40 };
    uint32_t index;
    (void)state;
    steps_until(SESSION_READY);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    paced(CANCELS_WAIT);
    desk_mass_cancel(&w->desk, TRADE_SESSION, 0);
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->session.count.cancels, BURST);
    desk_unpace(&w->desk, UINT8_MAX); // none of ours
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->session.count.cancels, BURST);
    desk_unpace(&w->desk, 0);
    paced(CANCELS_WAIT); // nor where the table of limits is another one by then
    w->rig.busy = true;
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->session.count.cancels, BURST);
    w->rig.busy = false;
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->session.count.cancels, BURST + DESK_CANCELS_A_TURN);
    for (uint32_t i = 0; i < COUNT / DESK_CANCELS_A_TURN; i++)
        desk_turn(&w->desk, w->now);
    assert_int_equal(w->session.count.cancels, COUNT);
}

// The strongest of what was asked for leaves, once.
static void a_cancel_that_waits_becomes_stronger_not_weaker(void **state)
{
    (void)state;
    uint32_t index;
    steps_until(SESSION_READY);
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    w->rig.busy = true;
    assert_int_equal(desk_cancel(&w->desk, index, 70), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, index, 30), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, index, 90), REFUSAL_NONE);
    assert_int_equal(w->desk.orders.sessions[0].cancel_count, 1);
    w->rig.busy = false;
    w->rig.sent_len = 0;
    desk_turn(&w->desk, w->now);
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->rig.sent_len, CANCEL_LEN);
    assert_int_equal(be32_load(sent_cancel(0) + 4), 30);
}

// However often it is asked for: one frame, and the repeats are left to the timer.
static void a_cancel_without_an_answer_is_repeated_by_the_timer_only(void **state)
{
    (void)state;
    steps_until(SESSION_READY);
    const uint32_t index = live_order();
    const struct own_order *o = orders_at(&w->desk.orders, index);
    const uint64_t sent = w->session.count.cancels;
    for (int i = 0; i < 20; i++)
        assert_int_equal(desk_cancel(&w->desk, index, 0), REFUSAL_NONE);
    assert_int_equal(w->session.count.cancels, sent + 1);
    assert_int_equal(o->cancels, 1);
    struct order_outcome out;
    for (uint32_t i = 2; i <= ORDER_CANCELS_MAX; i++) {
        order_timer_stop(&w->desk.orders, index);
        order_found_out(&w->desk.orders, index, ORDER_MESSAGE_SILENCE, &out);
        desk_settle(&w->desk, index, NULL, ORDER_MESSAGE_SILENCE, &out);
        assert_int_equal(w->session.count.cancels, sent + i);
        assert_int_equal(desk_cancel(&w->desk, index, 0), REFUSAL_NONE);
        assert_int_equal(w->session.count.cancels, sent + i);
    }
    assert_int_equal(o->flags & ORDER_QUARANTINED, 0);
}

// What leaves less passes at once, and a mass cancel is that; so does any behind a Cancel Pending,
// which is an answer, and none that the timer would repeat.
static void a_stronger_cancel_and_one_behind_cancel_pending_pass(void **state)
{
    (void)state;
    steps_until(SESSION_READY);
    const uint32_t index = live_order();
    const struct own_order *o = orders_at(&w->desk.orders, index);
    const uint64_t sent = w->session.count.cancels;
    assert_int_equal(desk_cancel(&w->desk, index, o->filled + 2), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, index, o->filled + 3), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, index, o->filled + 2), REFUSAL_NONE);
    assert_int_equal(w->session.count.cancels, sent + 1);
    assert_int_equal(desk_cancel(&w->desk, index, o->filled + 1), REFUSAL_NONE);
    assert_int_equal(w->session.count.cancels, sent + 2);
    assert_int_equal(o->cancels, 1);
    w->rig.sent_len = 0;
    desk_mass_cancel(&w->desk, TRADE_SESSION, 0);
    for (int i = 0; i < 4 && w->rig.sent_len == 0; i++)
        desk_turn(&w->desk, w->now);
    assert_int_equal(be32_load(sent_cancel(0) + 4), 0);
    assert_int_equal(w->session.count.cancels, sent + 3);
    const struct ouch_report pending = {
        .kind = REPORT_CANCEL_PENDING, .letter = 'P', .time_ns = 1, .ref = o->ref};
    desk_report(&w->desk, 0, &pending);
    assert_int_equal(o->flags & ORDER_TIMED, 0);
    assert_int_equal(desk_cancel(&w->desk, index, 0), REFUSAL_NONE);
    assert_int_equal(desk_cancel(&w->desk, index, 0), REFUSAL_NONE);
    assert_int_equal(w->session.count.cancels, sent + 4);
    assert_true(o->flags & ORDER_TIMED);
}

// It names the number that a replace before it in the stream has brought, even if it was asked for
// before the replace was answered.
static void a_cancel_behind_a_replace_names_the_new_number(void **state)
{
    (void)state;
    steps_until(SESSION_READY);
    const uint32_t index = live_order();
    const struct own_order *o = orders_at(&w->desk.orders, index);
    w->rig.sent_len = 0;
    assert_int_equal(desk_replace(&w->desk, &w->who, index, o->filled + 50, 999900), REFUSAL_NONE);
    const uint32_t change = o->change_ref;
    w->rig.busy = true;
    assert_int_equal(desk_cancel(&w->desk, index, 0), REFUSAL_NONE);
    w->rig.busy = false;
    const uint32_t at = w->rig.sent_len;
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->rig.sent_len, at + CANCEL_LEN);
    assert_int_equal(be32_load(w->rig.sent + at + 4), change);
    assert_true(change != o->ref);
    for (int i = 0; i < 50 && o->life != LIFE_DEAD; i++)
        step();
    assert_int_equal(o->life, LIFE_DEAD);
}

// An order that ends while its cancel waits takes the cancel along.
static void no_cancel_is_left_of_an_order_that_ended(void **state)
{
    (void)state;
    uint32_t index;
    steps_until(SESSION_READY);
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    const struct own_order *o = orders_at(&w->desk.orders, index);
    w->rig.busy = true;
    assert_int_equal(desk_cancel(&w->desk, index, 0), REFUSAL_NONE);
    const struct ouch_report r = {.kind = REPORT_EXECUTED,
                                  .letter = 'E',
                                  .time_ns = 1,
                                  .ref = o->ref,
                                  .quantity = 100,
                                  .price = 1000000,
                                  .match = 1};
    desk_report(&w->desk, 0, &r);
    assert_int_equal(o->life, LIFE_DEAD);
    assert_int_equal(w->desk.orders.sessions[0].cancel_count, 0);
    w->rig.busy = false;
    w->rig.sent_len = 0;
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->rig.sent_len, 0);
    assert_int_equal(w->desk.risk.firm.orders, 0);
}

// Asked for while the connection is away: sent when the new one is reconciled, once per order that
// is still open.
static void cancels_wait_for_the_next_connection(void **state)
{
    (void)state;
    steps_until(SESSION_READY);
    for (int i = 0; i < 5; i++)
        (void)live_order();
    to_exchange(); // nothing is on the way
    break_connection();
    assert_true(open_count() > 0);
    const uint32_t open = open_count();
    desk_mass_cancel(&w->desk, TRADE_FIRM, 0);
    for (int i = 0; i < 4; i++)
        desk_turn(&w->desk, w->now);
    assert_int_equal(w->desk.orders.sessions[0].cancel_count, open);
    const uint64_t cancels = w->session.count.cancels;
    steps_until(SESSION_READY);
    for (int i = 0; i < 200 && open_count(); i++)
        step();
    assert_int_equal(open_count(), 0);
    assert_true(w->session.count.cancels - cancels >= 1 &&
                w->session.count.cancels - cancels <= open);
    assert_true(w->desk.risk.firm.orders == 0 && w->desk.risk.firm.notional == 0);
}

// The same without being asked for, where the configuration says so.
static void a_lost_connection_cancels_what_was_open(void **state)
{
    (void)state;
    for (int wanted = 0; wanted <= 1; wanted++) {
        w->desk.sessions[0].cancels_on_disconnect = wanted;
        steps_until(SESSION_READY);
        for (int i = 0; i < 5; i++)
            (void)live_order();
        to_exchange();
        break_connection();
        const uint32_t open = open_count();
        assert_true(open > 0);
        for (int i = 0; i < 4; i++)
            desk_turn(&w->desk, w->now);
        assert_int_equal(w->desk.orders.sessions[0].cancel_count, wanted ? open : 0);
    }
    steps_until(SESSION_READY);
    for (int i = 0; i < 200 && open_count(); i++)
        step();
    assert_int_equal(open_count(), 0);
    assert_true(w->desk.risk.firm.orders == 0 && w->desk.risk.firm.notional == 0);
    (void)live_order(); // and it goes on
    session_stop(&w->session, w->now);
    break_connection();
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->desk.orders.sessions[0].cancel_count, 0); // we have ended it ourselves
    assert_true(open_count() > 0);
}

// Whatever has become of the replace when the kill comes: nothing but cancels leaves, and in the
// end nothing is open or reserved.
static void a_kill_while_a_replace_is_on_its_way(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 40; round++) {
        steps_until(SESSION_READY);
        const uint32_t index = live_order();
        const struct own_order *o = orders_at(&w->desk.orders, index);
        const uint32_t total = o->filled + o->open + (round % 3) * 50;
        assert_int_equal(desk_replace(&w->desk, &w->who, index, total, 1000000 + round % 2 * 100),
                         REFUSAL_NONE);
        const uint64_t worst = w->desk.risk.firm.notional;
        assert_true(worst >= (uint64_t)o->open * o->price);
        if (round % 4 == 0) { // lost with its connection
            break_connection();
            steps_until(SESSION_READY);
        } else if (round % 4 > 1) { // it has arrived, the answer not
            to_exchange();
        }
        const uint64_t sent = w->session.count.sent;
        kill_ask(&w->desk.kills[KILL_BY_OPERATOR], TRADE_FIRM, 0);
        for (int i = 0; i < 400 && open_count(); i++) {
            step();
            check();
        }
        assert_int_equal(open_count(), 0);
        assert_int_equal(w->session.count.sent, sent);
        assert_true(w->desk.risk.firm.orders == 0 && w->desk.risk.firm.notional == 0);
        kill_lift(&w->desk.kills[KILL_BY_OPERATOR], TRADE_FIRM, 0);
        risk_kills_look(&w->desk.risk);
    }
}

// --- one message for all ---

static void everything_of_a_session_is_one_message_and_single_cancels(void **state)
{
    enum { COUNT = 5 };
    (void)state;
    mass_cancel_possible();
    steps_until(SESSION_READY);
    uint32_t index;
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    const uint32_t ref = w->desk.orders.sessions[0].next_ref;
    const uint32_t len = w->session.frames.mass_cancel.len;
    w->rig.sent_len = 0;
    kill_ask(&w->desk.kills[KILL_BY_OPERATOR], TRADE_SESSION, 0);
    desk_turn(&w->desk, w->now);
    assert_true(len > 0);
    assert_int_equal(w->rig.sent_len, len + COUNT * CANCEL_LEN);
    assert_true(w->rig.sent[2] == 'U' && w->rig.sent[3] == 'C');
    assert_int_equal(be32_load(w->rig.sent + 4), ref);
    assert_int_equal(w->desk.orders.sessions[0].next_ref, ref + 1); // the message has a number
    for (uint32_t i = 0; i < COUNT; i++)
        assert_memory_equal(w->rig.sent + len + i * CANCEL_LEN, "\0\12UX", 4);
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->rig.sent_len, len + COUNT * CANCEL_LEN); // and nothing twice
}

// A scope that is not all of the session: only its orders.
static void part_of_a_session_has_single_cancels_only(void **state)
{
    (void)state;
    uint32_t index;
    mass_cancel_possible();
    steps_until(SESSION_READY);
    const struct desk_owner other = {.account = 3, .strategy = 4};
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    const uint32_t ref = orders_at(&w->desk.orders, index)->ref;
    assert_int_equal(desk_enter(&w->desk, &other, &buy, &index), REFUSAL_NONE);
    w->rig.sent_len = 0;
    desk_mass_cancel(&w->desk, TRADE_ACCOUNT, w->who.account);
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->rig.sent_len, CANCEL_LEN);
    assert_int_equal(be32_load(sent_cancel(0)), ref);
}

// Without a window the one message is not sent late: the single cancels, which wait, say it all.
static void one_message_does_not_wait(void **state)
{
    (void)state;
    uint32_t index;
    mass_cancel_possible();
    steps_until(SESSION_READY);
    for (int i = 0; i < 3; i++)
        assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    const uint32_t ref = w->desk.orders.sessions[0].next_ref;
    w->rig.busy = true;
    desk_mass_cancel(&w->desk, TRADE_FIRM, 0);
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->desk.orders.sessions[0].cancel_count, 3);
    w->rig.busy = false;
    w->rig.sent_len = 0;
    desk_turn(&w->desk, w->now);
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->rig.sent_len, 3 * CANCEL_LEN);
    for (uint32_t i = 0; i < 3; i++)
        (void)sent_cancel(i);
    assert_int_equal(w->desk.orders.sessions[0].next_ref, ref); // it has used no number
}

// While a new connection is not reconciled the message would make lost orders pass for seen ones.
static void one_message_waits_for_no_account_query(void **state)
{
    (void)state;
    uint32_t index;
    mass_cancel_possible();
    steps_until(SESSION_READY);
    for (int i = 0; i < 3; i++)
        assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    const uint32_t lost = orders_at(&w->desk.orders, index)->ref;
    break_connection(); // and what was sent is lost with it
    for (int i = 0; i < 200 && w->session.state < SESSION_REPLAY; i++)
        step();
    assert_int_equal(w->session.state, SESSION_REPLAY);
    const uint32_t ref = w->desk.orders.sessions[0].next_ref;
    desk_mass_cancel(&w->desk, TRADE_SESSION, 0);
    for (int i = 0; i < 4; i++)
        desk_turn(&w->desk, w->now);
    assert_int_equal(w->desk.orders.sessions[0].next_ref, ref);
    steps_until(SESSION_READY);
    for (int i = 0; i < 50; i++)
        step();
    // The exchange never saw them: closed, nothing reserved, and no cancel for them in doubt.
    assert_int_equal(open_count(), 0);
    assert_int_equal(w->desk.risk.firm.orders, 0);
    const uint32_t found = orders_find(&w->desk.orders, 0, lost);
    assert_int_equal(orders_at(&w->desk.orders, found)->reason_kind, ORDER_MESSAGE_NOT_SEEN);
    assert_int_equal(orders_at(&w->desk.orders, found)->reason, REFUSAL_NOT_RECEIVED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
    const struct CMUnitTest tests[] = {
        TEST(cancels_wait_in_order_and_leave_some_a_turn),
        TEST(cancels_above_their_rate_wait),
        TEST(cancels_that_only_count_pass),
        TEST(a_debt_of_cancels_follows_their_rate),
        TEST(no_rate_and_nothing_waits),
        TEST(nothing_waits_before_the_logout),
        TEST(a_cancel_that_waits_becomes_stronger_not_weaker),
        TEST(a_cancel_without_an_answer_is_repeated_by_the_timer_only),
        TEST(a_stronger_cancel_and_one_behind_cancel_pending_pass),
        TEST(a_cancel_behind_a_replace_names_the_new_number),
        TEST(no_cancel_is_left_of_an_order_that_ended),
        TEST(cancels_wait_for_the_next_connection),
        TEST(a_lost_connection_cancels_what_was_open),
        TEST(a_kill_while_a_replace_is_on_its_way),
        TEST(everything_of_a_session_is_one_message_and_single_cancels),
        TEST(part_of_a_session_has_single_cancels_only),
        TEST(one_message_does_not_wait),
        TEST(one_message_waits_for_no_account_query),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
