// A desk is rebuilt from the events of another one, and compared with it field by field: orders,
// executions, references, exposure, positions, days, sessions. Histories are random, exchanges
// break connections and say nonsense.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_command.h"
#include "dataplane/lane/desk_park.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_restore.h"
#include "tests/lib/desk_history.h"

enum { LOG = 1 << 16, ROUNDS = 400, PARKED = 16, PARKED_WAIT = 40 * STEP, RARE = 2 };

static bool contradicts;
static bool durable; // the session's orders wait for the journal
static bool unasked; // the exchange knows no account query
static bool cancels; // what is open is cancelled when the connection is lost

static uint64_t closed; // orders in doubt, by people
static bool closed_refs[REFS];

// Somebody says of an order that the exchange does not have it, right or wrong, and claims what
// comes of that.
static void close_something(void)
{
    const struct own_order *o = orders_at(&w->desk.orders, draw(ORDERS));
    struct govern_request ask = {.scope = TRADE_SESSION, .chosen = o->ref, .reason = "asked them"};
    struct govern_answer answer;
    uint64_t sequence;
    w->lane.desk = &w->desk;
    const uint32_t ref = o->ref, change_ref = o->change_ref;
    if (desk_command(&w->lane, COMMAND_ORDER_CLOSE, &ask, &answer, &sequence) ==
        COMMAND_RESULT_OK) {
        closed++;
        closed_refs[ref] = closed_refs[change_ref] = true;
        closed_refs[0] = false; // no change was on its way
    }
    ask.scope = TRADE_SYMBOL;
    ask.index = o->instrument;
    if (draw(2))
        desk_command(&w->lane, COMMAND_RESUME, &ask, &answer, &sequence);
}

static uint64_t contradictions;

// The exchange says of an open order what cannot be: a price beyond its limit, another side or
// another symbol, or a number that was given up.
static void contradict_something(void)
{
    static const char letters[] = {[REPORT_ACCEPTED] = 'A',
                                   [REPORT_REPLACED] = 'U',
                                   [REPORT_CANCELED] = 'C',
                                   [REPORT_EXECUTED] = 'E',
                                   [REPORT_PRIORITY] = 'T'};
    static const uint8_t kinds[] = {REPORT_ACCEPTED, REPORT_REPLACED, REPORT_CANCELED,
                                    REPORT_EXECUTED, REPORT_PRIORITY};
    const struct own_order *o = orders_at(&w->desk.orders, draw(ORDERS));
    for (uint32_t i = 0; i < 8 && o->life == LIFE_DEAD; i++)
        o = orders_at(&w->desk.orders, draw(ORDERS));
    const uint8_t kind = o->life == LIFE_PENDING && draw(4)   ? REPORT_ACCEPTED
                         : o->waits & WAIT_REPLACE && draw(4) ? REPORT_REPLACED
                                                              : kinds[draw(5)];
    const bool replaces = kind == REPORT_REPLACED, traded = kind == REPORT_EXECUTED,
               names = kind == REPORT_ACCEPTED || replaces;
    if (o->generation == 0)
        return;
    const uint32_t limit = replaces && o->change_ref ? o->change_price : o->limit,
                   by = 100 * draw(2);
    struct ouch_report r = {.kind = kind,
                            .letter = (uint8_t)letters[kind],
                            .time_ns = w->now << 8 | 0xFF,
                            .ref = replaces && o->change_ref ? o->change_ref : o->ref,
                            .ref_was = replaces ? o->ref : 0,
                            .quantity = traded ? 1 : o->open,
                            .price = side_sells(o->side) ? limit - by : limit + by,
                            .side = draw(8) ? o->side : (side_sells(o->side) ? 'B' : 'S'),
                            .match = traded ? UINT64_MAX - contradictions : 0,
                            .display = 'Y'};
    if (names)
        memcpy(r.symbol, symbols[draw(4) ? o->instrument : draw(MODEL_SYMBOLS)], sizeof r.symbol);
    contradictions++;
    desk_report(&w->desk, 0, &r);
}

// An execution of what a person has closed and whose place was taken again halts the session.
static bool may_be_halted(void)
{
    bool executed = false;
    for (uint32_t i = 0; i < w->log_count; i++) {
        const struct event *e = &w->log[i];
        executed |= e->type == EVENT_UNCLAIMED && e->unclaimed.message == REPORT_EXECUTED &&
                    closed_refs[e->unclaimed.ref];
    }
    return executed;
}

static void check_all(void)
{
    const uint8_t halted = w->session.halted;
    if (halted) {
        events_drain();
        assert_true(halted == SESSION_HALT_ORDER && may_be_halted());
    }
    w->session.halted = SESSION_HALT_NONE;
    check();
    w->session.halted = halted;
}

static void live(uint32_t steps)
{
    w->model.better = 300;
    w->model.prevented = 30;
    for (uint32_t i = 0; i < steps; i++) {
        if (draw(4) == 0)
            close_something();
        for (uint32_t asks = draw(4); asks; asks--)
            ask_something();
        if (contradicts && draw(8) == 0)
            contradict_something();
        model_live(&w->model);
        if (w->max_cut && w->cut_after == 0)
            w->cut_after = 1 + draw((uint32_t)w->max_cut);
        if (w->max_cut && draw(80) == 0)
            break_connection();
        if (draw(30) == 0)
            w->rig.busy = !w->rig.busy;
        w->rig.refuse = draw(40) == 0;
        step();
        w->rig.refuse = false;
        if (contradicts)
            events_drain();           // nonsense may halt the session
        else if (!durable || draw(3)) // else nothing more is committed
            check_all();
    }
}

static void world_make(uint64_t seed)
{
    world_open(seed);
    w->limits->firm.owner.ratio = w->limits->accounts[1].owner.ratio = UINT16_MAX - 1;
    w->limits->firm.owner.ratio_step = w->limits->accounts[1].owner.ratio_step = 1 << 20;
    w->desk.sessions[0].cancels_on_disconnect = cancels;
    if (unasked)
        w->session.frames.query.len = 0;
    if (durable)
        desk_park_add(&w->desk, 0, PARKED, PARKED_WAIT, zeroed(desk_park_bytes(PARKED)));
}

static void world_drop(void)
{
    free(w->desk.sessions[0].park);
    world_close();
}

// Nothing waits any more.
static void unpark(void)
{
    const struct desk_park *p = w->desk.sessions[0].park;
    for (int i = 0; p && p->count && i < LOOSE_ENDS; i++) {
        step();
        check_all();
    }
    assert_true(p == NULL || p->count == 0);
    check_all();
}

// --- comparing ---

static void orders_equal(const struct order_table *a, const struct order_table *b)
{
    for (uint32_t i = 0; i < a->capacity; i++) {
        struct own_order x = *orders_at(a, i), y = *orders_at(b, i);
        x.flags &= (uint8_t)~ORDER_TIMED; // timers begin again
        y.flags &= (uint8_t)~ORDER_TIMED;
        if (x.flags != y.flags)
            fail_msg("order %u: flags %x and %x", i, x.flags, y.flags);
        x.silent_at = y.silent_at = 0;
        x.timer_next = y.timer_next = x.timer_prev = y.timer_prev = 0;
        if (!(x.flags & ORDER_CANCEL_QUEUED))
            x.cancel_next = y.cancel_next = x.cancel_prev = y.cancel_prev = 0;
        // Asked for while it waited, and never sent: it stands in no event, and means nothing.
        if (durable && !(x.waits & WAIT_CANCEL) && !(x.flags & ORDER_CANCEL_QUEUED))
            x.cancel_total = y.cancel_total = 0;
        // Lists of what is over mean nothing.
        if (x.life == LIFE_DEAD)
            x.open_next = y.open_next = x.open_prev = y.open_prev = 0;
        // Accepted with fewer shares than it had executed: its event says that nothing is open.
        if (x.life == LIFE_DEAD && x.reason_kind == ORDER_MESSAGE_ACCEPTED)
            x.quantity = y.quantity = 0;
        assert_memory_equal(&x, &y, sizeof x);
    }
    assert_int_equal(a->ended_count, b->ended_count);
    for (uint32_t i = 0; i < a->ended_count; i++)
        assert_int_equal(a->ended[(a->ended_first + i) % ORDERS],
                         b->ended[(b->ended_first + i) % ORDERS]);
    const struct order_session *s = &a->sessions[0], *t = &b->sessions[0];
    assert_int_equal(s->next_ref, t->next_ref);
    assert_int_equal(s->open_count, t->open_count);
    assert_int_equal(s->open.first, t->open.first);
    assert_memory_equal(s->refs, t->refs, a->refs_max * sizeof s->refs[0]);
    assert_int_equal(a->execution_count, b->execution_count);
    assert_memory_equal(a->executions, b->executions,
                        ((uint64_t)a->execution_mask + 1) * sizeof a->executions[0]);
}

// What windows of milliseconds count is not restored.
static struct owner_day lasting(struct owner_day day)
{
    day.ratio_until = day.ratio_at = 0;
    day.ratio_most = day.ratio_step = 0;
    memset(day.ratio_marks, 0, sizeof day.ratio_marks);
    return day;
}

static void day_equal(const struct owner_day *a, const struct owner_day *b)
{
    const struct owner_day x = lasting(*a), y = lasting(*b);
    assert_memory_equal(&x, &y, sizeof x);
}

static void risk_equal(struct risk *a, struct risk *b)
{
    assert_memory_equal(&a->firm, &b->firm, sizeof a->firm);
    assert_memory_equal(a->sessions, b->sessions, sizeof a->sessions);
    assert_memory_equal(a->strategies, b->strategies, sizeof a->strategies);
    assert_memory_equal(a->accounts, b->accounts, sizeof a->accounts);
    assert_memory_equal(a->traded_in, b->traded_in, sizeof a->traded_in);
    day_equal(&a->day, &b->day);
    for (uint32_t i = 0; i < 8; i++) {
        day_equal(&a->account_days[i], &b->account_days[i]);
        day_equal(&a->strategy_days[i], &b->strategy_days[i]);
    }
    day_equal(&a->session_days[0], &b->session_days[0]);
    for (uint32_t s = 0; s < MODEL_SYMBOLS; s++) {
        const uint32_t at = position_open(a, w->who.account, s),
                       is = position_open(b, w->who.account, s);
        struct position p = a->positions[at], q = b->positions[is];
        memset(&p.asked, 0, sizeof p.asked);
        assert_memory_equal(&p, &q, sizeof p);
        assert_memory_equal(&a->money[at], &b->money[is], sizeof a->money[at]);
        assert_int_equal(a->symbols[s].quarantined, b->symbols[s].quarantined);
        assert_memory_equal(&a->symbols[s].use, &b->symbols[s].use, sizeof a->symbols[s].use);
        assert_true(a->symbols[s].shares == b->symbols[s].shares &&
                    a->symbols[s].open_buy == b->symbols[s].open_buy &&
                    a->symbols[s].open_sell == b->symbols[s].open_sell);
    }
}

static void sessions_equal(const struct session *a, const struct session *b)
{
    assert_int_equal(b->halted, a->halted);
    assert_string_equal(b->session_id, a->session_id);
    assert_true(b->was_connected);
    const uint32_t due = unasked ? 0 : a->queries_due + 1u, most = SESSION_QUERIES_DUE_MAX;
    assert_true(b->queries_due >= (due < most ? due : most));
}

// --- rebuilding ---

// Another world with the same seed, and the first <count> that <before> has written down worked in.
// *<why> stays empty, or says what was refused.
static void restore_from(const struct world *before, uint32_t count, uint64_t seed, char why[192])
{
    static uint32_t places[ORDERS];
    struct desk_restore r;
    world_make(seed);
    desk_restore_init(&r, &w->desk, places);
    why[0] = 0;
    for (uint32_t i = 0; i < count && why[0] == 0; i++)
        if (!desk_restore_event(&r, &before->log[i]))
            snprintf(why, 192, "%s", r.why);
    desk_restore_end(&r, 0);
}

static void restored_holds(uint64_t seed, const char *said)
{
    char why[256];
    if (said[0])
        fail_msg("seed %lu: %s", (unsigned long)seed, said);
    if (!desk_check(&w->desk, why, sizeof why))
        fail_msg("seed %lu: %s", (unsigned long)seed, why);
    assert_true(!durable || w->desk.sessions[0].park->count == 0);
    assert_int_equal(w->desk.commits_wanted, 0);
    // Orders and executions of before do not count as those of the first moment.
    assert_int_equal(w->desk.risk.day.ratio_until, 0);
    assert_int_equal(w->desk.risk.account_days[1].ratio_until, 0);
}

// Orders that were restored, by life and what waited.
static uint64_t restored[LIVES][WAITS];

static bool is_rare(void)
{
    for (uint32_t i = 0; i < w->desk.orders.capacity; i++) {
        const struct own_order *o = orders_at(&w->desk.orders, i);
        if (o->generation && restored[o->life][o->waits] < RARE)
            return true;
    }
    return false;
}

// On to a state that was seldom restored: most are over with the next answer.
static void live_on(void)
{
    live(ROUNDS / 2);
    for (uint32_t i = 0; i < 2 * ROUNDS && !is_rare(); i++)
        live(1);
}

static void as_it_was(uint64_t seed)
{
    struct world *before = w;
    char why[256];
    for (uint32_t i = 0; i < before->desk.orders.capacity; i++) {
        const struct own_order *o = orders_at(&before->desk.orders, i);
        restored[o->life][o->waits] += o->generation > 0;
    }
    restore_from(before, before->log_count, seed, why);
    restored_holds(seed, why);
    orders_equal(&before->desk.orders, &w->desk.orders);
    risk_equal(&before->desk.risk, &w->desk.risk);
    sessions_equal(&before->session, &w->session);
    world_drop();
    w = before;
}

// The record ends anywhere: whatever waited then may have left, and holds what it may cost.
static void ends_anywhere(uint64_t seed)
{
    struct world *before = w;
    char why[256];
    const uint32_t count = draw(before->log_count + 1);
    restore_from(before, count, seed, why);
    restored_holds(seed, why);
    for (uint32_t i = 0; i < w->desk.orders.capacity; i++) {
        const struct own_order *o = orders_at(&w->desk.orders, i);
        assert_true(o->life == LIFE_DEAD || !(o->flags & ORDER_PARKED));
    }
    world_drop();
    w = before;
}

static void random_open(uint64_t seed, bool breaks, bool nonsense)
{
    memset(closed_refs, 0, sizeof closed_refs);
    world_make(seed);
    if (durable)
        atomic_store(&region_record_word(&w->lane.view, 0)->state, RECORD_WRITTEN);
    w->log = calloc(LOG, sizeof *w->log);
    w->log_max = LOG;
    w->max_cut = breaks ? 3000 : 0;
    if (nonsense) {
        w->model.missing = 20;
        w->model.doubled = 20;
        w->model.swapped = 50;
        w->model.late = 20;
    }
}

static void random_close(void)
{
    free(w->log);
    world_drop();
}

static uint32_t seeds(uint32_t fallback)
{
    const char *text = getenv("TICKGATE_SEEDS");
    return text ? (uint32_t)strtoul(text, NULL, 10) : fallback;
}

// All states there are: of an order in doubt nothing else is changed.
static void all_states_were_restored(void)
{
    static const uint8_t states[][2] = {{LIFE_PENDING, 0},
                                        {LIFE_PENDING, WAIT_CANCEL},
                                        {LIFE_LIVE, 0},
                                        {LIFE_LIVE, WAIT_REPLACE},
                                        {LIFE_LIVE, WAIT_MODIFY},
                                        {LIFE_LIVE, WAIT_CANCEL},
                                        {LIFE_LIVE, WAIT_REPLACE | WAIT_CANCEL},
                                        {LIFE_LIVE, WAIT_MODIFY | WAIT_CANCEL},
                                        {LIFE_UNKNOWN, 0},
                                        {LIFE_UNKNOWN, WAIT_CANCEL},
                                        {LIFE_DEAD, 0}};
    for (uint32_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (restored[states[i][0]][states[i][1]] == 0)
            fail_msg("no order was restored in life %u with %u waiting", states[i][0],
                     states[i][1]);
}

static void everything_comes_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= seeds(24); seed++) {
        unasked = seed % 4 == 1;
        random_open(seed, seed % 2, seed % 3 == 0);
        for (uint32_t part = 0; part < 4; part++) {
            live_on();
            as_it_was(seed);
        }
        random_close();
    }
    unasked = false;
    all_states_were_restored();
    assert_true(closed > 0);
}

static void impossible_answers_come_back(void **state)
{
    (void)state;
    contradicts = true;
    for (uint64_t seed = 201; seed <= 200 + seeds(40); seed++) {
        random_open(seed, seed % 2, seed % 3 == 0);
        live(ROUNDS);
        as_it_was(seed);
        random_close();
    }
    contradicts = false;
    assert_true(contradictions > 100);
}

static void durable_orders_come_back(void **state)
{
    (void)state;
    uint64_t released = 0, given_up = 0;
    durable = true;
    for (uint64_t seed = 101; seed <= 100 + seeds(24); seed++) {
        random_open(seed, seed % 2, seed % 3 == 0);
        for (uint32_t part = 0; part < 4; part++) {
            live(ROUNDS);
            unpark();
            as_it_was(seed);
            for (uint32_t i = 0; i < 4; i++)
                ends_anywhere(seed);
        }
        released += w->event_count[EVENT_ORDER_RELEASED];
        given_up += w->event_count[EVENT_ORDER_NOT_SENT];
        random_close();
    }
    durable = false;
    assert_true(released > 1000 && given_up > 100);
}

// What waited when the record ends is as if it had been sent: the exchange is asked for it.
static void what_waits_at_the_end_may_have_left(void **state)
{
    (void)state;
    const struct desk_order buy = {.client_id = 1,
                                   .quantity = 100,
                                   .price = 1000000,
                                   .instrument = 0,
                                   .side = 'B',
                                   .time_in_force = '0',
                                   .display = 'Y'};
    char why[256];
    uint32_t index = OWN_NONE;
    durable = true;
    random_open(7, false, false);
    for (int i = 0; i < LOOSE_ENDS && w->session.state != SESSION_READY; i++) {
        step();
        check();
    }
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    events_drain();
    struct world *before = w;
    const uint32_t ref = before->desk.orders.sessions[0].next_ref - 1;
    restore_from(before, before->log_count, 7, why);
    restored_holds(7, why);
    const struct own_order *o = orders_at(&w->desk.orders, index);
    assert_int_equal(o->life, LIFE_PENDING);
    assert_int_equal(o->ref, ref);
    assert_int_equal(o->held_shares, 100);
    assert_int_equal(w->desk.orders.sessions[0].open_count, 1);
    world_drop();
    w = before;
    random_close();
    durable = false;
}

static void another_durability_is_refused(void **state)
{
    (void)state;
    char why[256];
    for (int as = 0; as < 2; as++) {
        durable = as == 0;
        random_open(31, false, false);
        live(ROUNDS);
        struct world *before = w;
        durable = !durable;
        restore_from(before, before->log_count, 31, why);
        assert_true(strstr(why, "durability") || strstr(why, "was used before"));
        world_drop();
        w = before;
        random_close();
    }
    durable = false;
}

// Orders are open when the record ends; whoever has closed the connection before has left them.
static void a_connection_that_ended_with_us_was_lost(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        const bool closed_before = how == 2;
        char why[256];
        uint32_t open = 0;
        random_open(5, false, false);
        while (open == 0) {
            live(ROUNDS);
            steps_until(SESSION_READY);
            open = w->desk.orders.sessions[0].open_count;
        }
        if (closed_before) {
            session_stop(&w->session, w->now);
            break_connection();
            desk_turn(&w->desk, w->now);
        }
        events_drain();
        struct world *before = w;
        const uint32_t waited = w->desk.orders.sessions[0].cancel_count;
        cancels = how > 0;
        restore_from(before, before->log_count, 5, why);
        restored_holds(5, why);
        for (int i = 0; i < 8; i++)
            desk_turn(&w->desk, w->now);
        const struct order_session *os = &w->desk.orders.sessions[0];
        assert_int_equal(os->open_count, before->desk.orders.sessions[0].open_count);
        assert_int_equal(os->cancel_count, how == 1 ? os->open_count : waited);
        cancels = false;
        world_drop();
        w = before;
        random_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(impossible_answers_come_back),
        cmocka_unit_test(durable_orders_come_back),
        cmocka_unit_test(what_waits_at_the_end_may_have_left),
        cmocka_unit_test(another_durability_is_refused),
        cmocka_unit_test(a_connection_that_ended_with_us_was_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
