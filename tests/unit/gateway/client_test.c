// Clients before the desk, through the door, the library and a simple exchange: what they ask for
// happens, what they are told is true, and whatever they do wrong costs nobody but them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/lib/gateway_rig.h"

static bool attached(uint32_t index)
{
    return rig.door.guests[0][index].attachment != 0;
}

// --- a life ---

static void an_order_is_entered_changed_and_cancelled(void **state)
{
    (void)state;
    gateway_open(1);
    gateway_ready();
    struct tickgate *t = gateway_attach("alpha", NULL);
    assert_non_null(t);
    assert_int_equal(tickgate_symbol(t, "SYMC"), 2);
    assert_int_equal(tickgate_symbol(t, "SYM"), TICKGATE_NONE);
    assert_int_equal(tickgate_symbol(t, "SYMCSYMCSYMC"), TICKGATE_NONE);
    assert_int_equal(tickgate_venue(t, "model"), 0);
    assert_int_equal(tickgate_venue(t, "mode"), TICKGATE_NONE);
    const struct tickgate_answer a = rest(t, 11);
    assert_int_equal(a.client_id, 11);
    assert_int_equal(a.open, 100);
    assert_int_equal(a.state, TICKGATE_PENDING);
    struct tickgate_answer b;
    bool changed = false;
    for (uint32_t i = 0; i < 20 && !changed; i++) { // the model refuses one in twenty
        b = answer_to(t, tickgate_replace(t, a.order, 11, 150, 1000100));
        assert_int_equal(b.kind, TICKGATE_DONE);
        for (uint32_t k = 0; k < 10; k++)
            gateway_step();
        changed = orders_at(&w->desk.orders, a.order)->price == 1000100;
    }
    assert_true(changed);
    if (orders_at(&w->desk.orders, a.order)->life == LIFE_LIVE) {
        b = answer_to(t, tickgate_modify(t, a.order, 11, 120, 'B'));
        assert_int_equal(b.kind, TICKGATE_DONE);
        b = answer_to(t, tickgate_cancel(t, a.order, 11, 0));
        assert_int_equal(b.kind, TICKGATE_DONE);
    }
    dust_settles();
    struct tickgate_answer last = {0};
    while (tickgate_poll(t, &b) == 1)
        last = b;
    assert_int_equal(last.kind, TICKGATE_REPORT);
    assert_int_equal(last.client_id, 11);
    assert_int_equal(last.state, TICKGATE_DEAD);
    assert_int_equal(last.open, 0);
    assert_true(w->event_count[EVENT_CLIENT_ATTACHED] == 1);
    tickgate_detach(t);
    gateway_close();
}

// Executions and cancels nobody asked for; trades are broken as long as their order is open.
static void market_moves(void)
{
    struct venue_model *m = &w->model;
    struct model_order *o = &m->orders[draw(m->order_count + 1)];
    if (o->live)
        draw(8) ? model_execute(m, o, 1 + draw(o->open)) : model_say_canceled(m, o, o->open, 'S');
    const uint32_t trade = draw(m->trade_count + 1);
    if (draw(10) == 0 && trade < m->trade_count && m->orders[m->trades[trade].order].live)
        model_break(m, trade);
}

// A client at random, with a lively exchange: at the end it knows every share that was executed.
static void a_client_knows_its_fills(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        gateway_open(seed);
        gateway_ready();
        struct tickgate *t = gateway_attach("alpha", NULL);
        struct tickgate_answer a;
        int64_t bought = 0, known[ORDERS] = {0};
        uint64_t requests = 0, answers = 0;
        for (uint32_t i = 0; i < 3000; i++) {
            struct tickgate_order o = some_order;
            o.symbol = 0;
            o.quantity = 1 + draw(300);
            const uint32_t order = draw(ORDERS);
            if (i < 2000) {
                switch (draw(5)) {
                case 0:
                case 1: requests += tickgate_enter(t, &o) > 0; break;
                case 2: requests += tickgate_replace(t, order, 7, draw(400), 1000100) > 0; break;
                case 3:
                    requests += tickgate_modify(t, order, 7, draw(400), "BS"[draw(2)]) > 0;
                    break;
                default: requests += tickgate_cancel(t, order, 7, draw(2) * draw(200)) > 0;
                }
                market_moves();
            }
            gateway_step();
            check();
            while (tickgate_poll(t, &a) == 1) {
                answers += a.kind != TICKGATE_REPORT;
                bought += (int64_t)a.fill_shares - a.broken_shares;
                if (a.kind == TICKGATE_REPORT)
                    known[a.order] = a.filled;
            }
        }
        assert_true(attached(0));
        assert_true(requests > 500 && answers == requests);
        assert_true(bought == w->model.position[0]);
        for (uint32_t i = 0; i < ORDERS; i++) {
            const struct own_order *own = orders_at(&w->desk.orders, i);
            if (own->generation && own->life == LIFE_LIVE && own->flags & ORDER_ACCEPTED)
                assert_true(known[i] == own->filled);
        }
        tickgate_detach(t);
        for (uint32_t i = 0; i < 50; i++)
            gateway_step();
        dust_settles();
        gateway_close();
    }
}

// The client on a core of its own: every request arrives whole, once and in order, and so does its
// answer.
enum { CROSSINGS = 20000, MARK = 0x10001 };

static void *asks_from_another_core(void *arg)
{
    struct rig_attach *x = arg;
    struct tickgate *t = x->client;
    struct tickgate_answer a;
    uint32_t asked = 0, answered = 0;
    while (answered < CROSSINGS && x->code == 0) {
        if (asked < CROSSINGS)
            asked += tickgate_cancel(t, asked, (uint64_t)(asked + 1) * MARK, 0) > 0;
        const int n = tickgate_poll(t, &a);
        if (n < 0)
            x->code = -n;
        if (n <= 0)
            continue;
        answered++;
        if (a.request != answered || a.client_id != (uint64_t)answered * MARK ||
            a.order != answered - 1 || a.refusal != REFUSAL_UNKNOWN_ORDER)
            x->code = TICKGATE_CODES;
    }
    atomic_store(&x->done, true);
    return NULL;
}

static void records_cross_whole(void **state)
{
    (void)state;
    pthread_t thread;
    gateway_open(2);
    gateway_ready();
    struct rig_attach x = {.client = gateway_attach("alpha", NULL)};
    assert_int_equal(pthread_create(&thread, NULL, asks_from_another_core, &x), 0);
    while (!atomic_load(&x.done))
        if (desk_turn(&w->desk, w->now) == 0)
            sched_yield(); // there may be one core only
    pthread_join(thread, NULL);
    assert_int_equal(x.code, 0);
    assert_int_equal(client(0)->requests, CROSSINGS);
    tickgate_detach(x.client);
    gateway_close();
}

// --- limits ---

static void limits_are_the_clients_own(void **state)
{
    (void)state;
    gateway_open(3);
    gateway_ready();
    struct tickgate *t = gateway_attach("alpha", NULL), *u = gateway_attach("beta", NULL);
    struct tickgate_order o = some_order;
    uint32_t refusals[REFUSALS] = {0}, done = 0;
    struct tickgate_answer a;
    for (uint32_t i = 0; i < RIG_REQUESTS; i++)
        assert_int_not_equal(tickgate_enter(t, &o), 0);
    assert_int_equal(tickgate_enter(t, &o), 0); // the ring of requests is full
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->lane.count->client_requests, GATEWAY_REQUESTS_A_TURN);
    for (uint32_t i = 0; i < 2 * RIG_REQUESTS / GATEWAY_REQUESTS_A_TURN; i++)
        desk_turn(&w->desk, w->now); // the clock stands: a burst and no more
    while (tickgate_poll(t, &a) == 1)
        if (a.kind == TICKGATE_DONE)
            done++;
        else if (a.kind == TICKGATE_REFUSED)
            refusals[a.refusal]++;
    assert_int_equal(done, RIG_OPEN);
    assert_int_equal(refusals[REFUSAL_OPEN_ORDERS], RIG_REQUESTS - RIG_OPEN);
    assert_int_equal(w->desk.count.refusals[REFUSAL_OPEN_ORDERS], RIG_REQUESTS - RIG_OPEN);
    // A person has set another limit than the one that it attached with.
    assert_int_equal(w->desk.risk.strategies[FIRST_STRATEGY].orders, RIG_OPEN);
    w->limits->strategies[FIRST_STRATEGY].open_orders = RIG_OPEN + 1;
    w->now += 100 * STEP;
    tickgate_enter(t, &o);
    desk_turn(&w->desk, w->now);
    assert_int_equal(w->desk.risk.strategies[FIRST_STRATEGY].orders, RIG_OPEN + 1);
    assert_int_equal(answer_to(u, tickgate_enter(u, &some_order)).kind, TICKGATE_DONE);
    // Faster than the rate: a burst, then one a step.
    for (uint32_t i = 0; i < 20 * RIG_REQUESTS; i++) {
        tickgate_replace(u, 0, 99, 1, 1);
        tickgate_enter(u, &(struct tickgate_order){.client_id = 1});
        desk_turn(&w->desk, w->now);
        while (tickgate_poll(u, &a) == 1)
            refusals[a.refusal] += a.kind == TICKGATE_REFUSED;
    }
    assert_true(refusals[REFUSAL_CLIENT_RATE] > 0);
    assert_in_range(refusals[REFUSAL_ORDER_FIELD], 1, 64); // those within the burst
    tickgate_detach(t);
    tickgate_detach(u);
    for (uint32_t i = 0; i < 50; i++)
        gateway_step();
    dust_settles();
    gateway_close();
}

static void what_is_not_ones_own_is_unknown(void **state)
{
    (void)state;
    gateway_open(4);
    gateway_ready();
    struct tickgate *t = gateway_attach("alpha", NULL), *u = gateway_attach("beta", NULL);
    const struct tickgate_answer a = rest(t, 21);
    assert_int_equal(refused(u, tickgate_cancel(u, a.order, 21, 0)), REFUSAL_UNKNOWN_ORDER);
    assert_int_equal(refused(u, tickgate_replace(u, a.order, 21, 1, 1)), REFUSAL_UNKNOWN_ORDER);
    assert_int_equal(refused(t, tickgate_cancel(t, a.order, 22, 0)), REFUSAL_UNKNOWN_ORDER);
    assert_int_equal(refused(t, tickgate_cancel(t, UINT32_MAX, 21, 0)), REFUSAL_UNKNOWN_ORDER);
    assert_int_equal(refused(t, tickgate_cancel(t, ORDERS, 21, 0)), REFUSAL_UNKNOWN_ORDER);
    assert_int_equal(refused(t, tickgate_modify(t, a.order, 21, 90, 'x')), REFUSAL_ORDER_FIELD);
    assert_int_equal(refused(t, tickgate_modify(t, a.order, 21, 90, 'S')), REFUSAL_ORDER_FIELD);
    struct tickgate_order o = some_order;
    o.symbol = MODEL_SYMBOLS;
    assert_int_equal(refused(t, tickgate_enter(t, &o)), REFUSAL_UNKNOWN_SYMBOL);
    o = some_order;
    o.venue = 1;
    w->desk.sessions[1].session = &w->session; // whatever stands behind the last one
    assert_int_equal(refused(t, tickgate_enter(t, &o)), REFUSAL_UNKNOWN_ACCOUNT);
    w->desk.sessions[1].session = NULL;
    o = some_order;
    o.options = &(struct tickgate_options){.post_only = 'Q'};
    assert_int_equal(refused(t, tickgate_enter(t, &o)), REFUSAL_ORDER_FIELD);
    o = some_order;
    o.quantity = UINT32_MAX;
    assert_int_equal(refused(t, tickgate_enter(t, &o)), REFUSAL_QUANTITY_RANGE);
    o = some_order;
    o.price = UINT32_MAX;
    assert_int_equal(refused(t, tickgate_enter(t, &o)), REFUSAL_PRICE_RANGE);
    // A cancel on its way is not sent twice, however often it is asked; one that leaves less is.
    const uint64_t before = w->session.count.cancels;
    const uint32_t to_80 = tickgate_cancel(t, a.order, 21, 80);
    const uint32_t to_90 = tickgate_cancel(t, a.order, 21, 90);
    const uint32_t to_50 = tickgate_cancel(t, a.order, 21, 50);
    desk_turn(&w->desk, w->now);
    assert_int_equal(answer_to(t, to_80).kind, TICKGATE_DONE);
    assert_int_equal(refused(t, to_90), REFUSAL_ORDER_CHANGING);
    assert_int_equal(answer_to(t, to_50).kind, TICKGATE_DONE);
    assert_int_equal(w->session.count.cancels, before + 2);
    const uint64_t sent = w->session.count.cancels;
    const uint32_t first = tickgate_cancel(t, a.order, 21, 0);
    const uint32_t second = tickgate_cancel(t, a.order, 21, 0);
    desk_turn(&w->desk, w->now);
    assert_int_equal(answer_to(t, first).kind, TICKGATE_DONE);
    assert_int_equal(w->session.count.cancels, sent + 1);
    assert_int_equal(refused(t, second), REFUSAL_ORDER_CHANGING);
    tickgate_detach(t);
    tickgate_detach(u);
    gateway_close();
}

// The exchange would say nothing to it: the client would wait for ever.
static void a_cancel_that_takes_nothing_off_is_refused(void **state)
{
    (void)state;
    gateway_open(4);
    gateway_ready();
    struct tickgate *t = gateway_attach("alpha", NULL);
    const struct tickgate_answer a = rest(t, 21);
    const uint64_t before = w->session.count.cancels;
    assert_int_equal(refused(t, tickgate_cancel(t, a.order, 21, 100)), REFUSAL_CANCEL_QUANTITY);
    assert_int_equal(refused(t, tickgate_cancel(t, a.order, 21, UINT32_MAX)),
                     REFUSAL_CANCEL_QUANTITY);
    assert_int_equal(orders_at(&w->desk.orders, a.order)->waits, 0);
    // Behind a replace it is compared with what that may bring.
    const uint32_t larger = tickgate_replace(t, a.order, 21, 300, 1000000);
    const uint32_t to_300 = tickgate_cancel(t, a.order, 21, 300);
    const uint32_t to_299 = tickgate_cancel(t, a.order, 21, 299);
    desk_turn(&w->desk, w->now);
    assert_int_equal(answer_to(t, larger).kind, TICKGATE_DONE);
    assert_int_equal(refused(t, to_300), REFUSAL_CANCEL_QUANTITY);
    assert_int_equal(answer_to(t, to_299).kind, TICKGATE_DONE);
    assert_int_equal(w->session.count.cancels, before + 1);
    tickgate_detach(t);
    gateway_close();
}

// --- what ends an attachment ---

// <t>, client 0, is cut off with <code>; beta trades on as if nothing had been.
static void is_cut_off(struct tickgate *t, struct tickgate *beta, enum tickgate_code code)
{
    assert_int_equal(end_of(t), code);
    assert_int_equal(tickgate_enter(t, &some_order), 0);
    tickgate_cancel(beta, rest(beta, 5).order, 5, 0);
    for (uint32_t i = 0; i < 100; i++)
        gateway_step();
    dust_settles();
    assert_false(attached(0));
    assert_true(attached(1));
    assert_int_equal(w->event_count[EVENT_CLIENT_LEFT], 1);
    assert_int_equal(w->lane.count->clients_cut, 1);
    tickgate_detach(t);
    tickgate_detach(beta);
    gateway_close();
}

static struct tickgate *two_clients(uint64_t seed, struct tickgate **beta)
{
    gateway_open(seed);
    gateway_ready();
    struct tickgate *t = gateway_attach("alpha", NULL);
    *beta = gateway_attach("beta", NULL);
    assert_non_null(t);
    assert_non_null(*beta);
    rest(t, 1);
    return t;
}

static void an_impossible_index_of_requests(void **state)
{
    struct tickgate *beta, *t = two_clients(5, &beta);
    (void)state;
    atomic_fetch_add(&client(0)->inward->requests_tail, RIG_REQUESTS + 1);
    is_cut_off(t, beta, TICKGATE_INDEX);
}

static void an_index_of_requests_that_goes_back(void **state)
{
    struct tickgate *beta, *t = two_clients(6, &beta);
    (void)state;
    atomic_fetch_sub(&client(0)->inward->requests_tail, 1);
    is_cut_off(t, beta, TICKGATE_INDEX);
}

static void an_impossible_index_of_answers(void **state)
{
    struct tickgate *beta, *t = two_clients(7, &beta);
    struct gateway_pipe *p = &client(0)->pipe;
    (void)state;
    // Nothing is read any more, so that the lane has to look.
    for (uint32_t i = 0; i < 1000 && attached(0); i++) {
        tickgate_cancel(t, 0, 99, 0);
        gateway_step();
        atomic_store(&client(0)->inward->answers_head, p->answers_tail + 1);
        if (rig.desk.leaving & 1)
            break;
    }
    is_cut_off(t, beta, TICKGATE_INDEX);
}

// It would have room for answers where nobody has read the ones before.
static void an_index_of_answers_ahead_of_what_was_said(void **state)
{
    struct tickgate *beta, *t = two_clients(17, &beta);
    struct gateway_pipe *p = &client(0)->pipe;
    struct tickgate_order o = some_order;
    (void)state;
    o.quantity = 0; // refused by the gate: one answer each
    while (pipe_room(p) >= RIG_ANSWERS / 4) {
        tickgate_enter(t, &o);
        gateway_step();
    }
    tickgate_enter(t, &o);
    atomic_store(&client(0)->inward->answers_head, p->answers_tail + 8);
    gateway_step();
    is_cut_off(t, beta, TICKGATE_INDEX);
}

static void an_unknown_request(void **state)
{
    struct tickgate *beta, *t = two_clients(8, &beta);
    struct gateway_inward *in = client(0)->inward;
    (void)state;
    const uint32_t tail = atomic_load(&in->requests_tail);
    memset(&in->requests[tail % RIG_REQUESTS], 0xff, sizeof in->requests[0]);
    atomic_store(&in->requests_tail, tail + 1);
    is_cut_off(t, beta, TICKGATE_REQUEST);
}

// What it says would stand in the slot behind it.
static void a_signal_that_says_nothing(void **state)
{
    struct tickgate *beta, *t = two_clients(18, &beta);
    struct gateway_inward *in = client(0)->inward;
    (void)state;
    const uint32_t tail = atomic_load(&in->requests_tail);
    in->requests[tail % RIG_REQUESTS] = (struct gateway_request){.kind = GATEWAY_SIGNAL};
    atomic_store(&in->requests_tail, tail + 1);
    is_cut_off(t, beta, TICKGATE_REQUEST);
}

static void answers_that_nobody_reads(void **state)
{
    struct tickgate *beta, *t = two_clients(9, &beta);
    struct tickgate_answer a;
    uint32_t slow = 0;
    (void)state;
    struct tickgate_order o = some_order;
    o.quantity = 0; // refused by the gate: one answer each
    for (uint32_t i = 0; i < 2 * RIG_ANSWERS && client(0)->pipe.outward->closed == 0; i++) {
        tickgate_enter(t, &o);
        gateway_step();
    }
    // First it may not enter any more, then there is no room at all.
    while (tickgate_poll(t, &a) == 1)
        slow += a.kind == TICKGATE_REFUSED && a.refusal == REFUSAL_CLIENT_SLOW;
    assert_in_range(slow, RIG_ANSWERS / 4 - 8, RIG_ANSWERS / 4);
    is_cut_off(t, beta, TICKGATE_SLOW);
}

static void a_process_that_detaches_and_comes_back(void **state)
{
    (void)state;
    int code;
    gateway_open(11);
    gateway_ready();
    struct tickgate *t = gateway_attach("alpha", NULL);
    const struct tickgate_answer a = rest(t, 31);
    const struct tickgate_answer b = rest(t, 32);
    w->rig.busy = true; // its cancels have to wait
    tickgate_detach(t);
    rig.ns += 1000000;
    door_turn(&rig.door, rig.ns);
    assert_null(gateway_attach("alpha", &code)); // the lane does not turn in between
    assert_int_equal(code, TICKGATE_ATTACHED_ALREADY);
    for (uint32_t i = 0; i < 20; i++)
        gateway_step();
    t = gateway_attach("alpha", &code);
    assert_int_equal(code, TICKGATE_ATTACHED);
    // What was entered before is not this attachment's, and it is told nothing about it.
    assert_int_equal(refused(t, tickgate_cancel(t, a.order, 31, 0)), REFUSAL_UNKNOWN_ORDER);
    assert_int_equal(refused(t, tickgate_replace(t, b.order, 32, 300, 1000000)),
                     REFUSAL_UNKNOWN_ORDER);
    w->rig.busy = false;
    dust_settles();
    struct tickgate_answer none;
    assert_int_equal(tickgate_poll(t, &none), 0);
    assert_true(rig.desk.untold >= 2);
    tickgate_detach(t);
    gateway_close();
}

static void a_process_that_is_killed(void **state)
{
    (void)state;
    gateway_open(12);
    gateway_ready();
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // should the test fail before
        struct tickgate *t = tickgate_attach(rig.path, "alpha", NULL);
        for (uint32_t i = 0; t && i < 10; i++)
            tickgate_enter(t, &some_order);
        for (;;)
            pause();
    }
    for (uint32_t i = 0; i < 200000 && client(0)->requests < 10; i++)
        gateway_wait();
    gateway_step();
    assert_int_equal(client(0)->requests, 10);
    assert_int_equal(client(0)->pid, child);
    assert_true(left_at_exchange() > 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    for (uint32_t i = 0; i < 100; i++)
        gateway_step();
    dust_settles();
    assert_false(attached(0));
    assert_int_equal(atomic_load(&client(0)->cut), TICKGATE_DETACHED);
    gateway_close();
}

static void a_process_that_gives_no_sign_of_life(void **state)
{
    (void)state;
    gateway_open(13);
    gateway_ready();
    struct tickgate *t = gateway_attach("quiet", NULL);
    struct tickgate_answer a;
    for (uint32_t i = 0; i < 200; i++) { // turns of the door are a millisecond apart
        gateway_step();
        while (tickgate_poll(t, &a) == 1)
            ;
    }
    assert_true(attached(3));
    rest(t, 1);
    for (uint32_t i = 0; i < 40; i++)
        gateway_step();
    assert_int_equal(end_of(t), TICKGATE_SILENT);
    dust_settles();
    tickgate_detach(t);
    gateway_close();
}

static void a_dataplane_that_stops(void **state)
{
    (void)state;
    gateway_open(14);
    gateway_ready();
    struct tickgate *t = gateway_attach("alpha", NULL);
    struct tickgate_answer a;
    int n = 0;
    door_close(&rig.door);
    for (uint32_t i = 0; i < 10 && n == 0; i++)
        n = tickgate_poll(t, &a);
    assert_int_equal(n, -TICKGATE_STOPPED);
    assert_string_equal(tickgate_code_text(n), "the dataplane stopped");
    tickgate_detach(t);
    gateway_close();
}

// The session is away: orders are refused, a client that dies leaves its cancels in the queue.
static void a_client_that_dies_while_the_exchange_is_away(void **state)
{
    (void)state;
    gateway_open(15);
    gateway_ready();
    struct tickgate *t = gateway_attach("alpha", NULL);
    rest(t, 1);
    rest(t, 2);
    w->rig.closed = true;
    break_connection();
    gateway_step();
    assert_int_equal(refused(t, tickgate_enter(t, &some_order)), REFUSAL_SESSION_DOWN);
    tickgate_detach(t);
    for (uint32_t i = 0; i < 20; i++)
        gateway_step();
    assert_false(attached(0));
    assert_true(w->desk.risk.firm.orders >
                0); // reserved until the exchange says that they are gone
    w->rig.closed = false;
    dust_settles();
    gateway_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_entered_changed_and_cancelled),
        cmocka_unit_test(a_client_knows_its_fills),
        cmocka_unit_test(records_cross_whole),
        cmocka_unit_test(limits_are_the_clients_own),
        cmocka_unit_test(what_is_not_ones_own_is_unknown),
        cmocka_unit_test(a_cancel_that_takes_nothing_off_is_refused),
        cmocka_unit_test(an_impossible_index_of_requests),
        cmocka_unit_test(an_index_of_requests_that_goes_back),
        cmocka_unit_test(an_impossible_index_of_answers),
        cmocka_unit_test(an_index_of_answers_ahead_of_what_was_said),
        cmocka_unit_test(an_unknown_request),
        cmocka_unit_test(a_signal_that_says_nothing),
        cmocka_unit_test(answers_that_nobody_reads),
        cmocka_unit_test(a_process_that_detaches_and_comes_back),
        cmocka_unit_test(a_process_that_is_killed),
        cmocka_unit_test(a_process_that_gives_no_sign_of_life),
        cmocka_unit_test(a_dataplane_that_stops),
        cmocka_unit_test(a_client_that_dies_while_the_exchange_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
