// A desk is rebuilt from the events of another one, and compared with it field by field: orders,
// executions, references, exposure, positions, days, sessions. Histories are random, exchanges
// break connections and say nonsense.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_restore.h"
#include "tests/lib/desk_history.h"

enum { LOG = 1 << 16, ROUNDS = 400 };

static void live(uint32_t steps)
{
    for (uint32_t i = 0; i < steps; i++) {
        for (uint32_t asks = draw(4); asks; asks--)
            ask_something();
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
        check();
    }
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
        // Lists of what is over mean nothing.
        if (x.life == LIFE_DEAD)
            x.open_next = y.open_next = x.open_prev = y.open_prev = 0;
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
    day.ratio_until = 0;
    day.ratio_orders = day.ratio_fills = 0;
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
        struct position p = a->positions[position_open(a, w->who.account, s)],
                        q = b->positions[position_open(b, w->who.account, s)];
        memset(p.asks, 0, sizeof p.asks);
        assert_memory_equal(&p, &q, sizeof p);
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
}

// --- rebuilding ---

// Another world with the same seed, and what <before> has written down worked in. *<why> stays
// empty, or says what was refused.
static void restore_from(const struct world *before, uint64_t seed, char why[192])
{
    static uint32_t places[ORDERS];
    struct desk_restore r;
    world_open(seed);
    desk_restore_init(&r, &w->desk, places);
    why[0] = 0;
    for (uint32_t i = 0; i < before->log_count && why[0] == 0; i++)
        if (!desk_restore_event(&r, &before->log[i]))
            snprintf(why, 192, "%s", r.why);
    desk_restore_end(&r, 0);
}

static void as_it_was(uint64_t seed)
{
    struct world *before = w;
    char why[256];
    restore_from(before, seed, why);
    if (why[0])
        fail_msg("seed %lu: %s", (unsigned long)seed, why);
    if (!desk_check(&w->desk, why, sizeof why))
        fail_msg("seed %lu: %s", (unsigned long)seed, why);
    orders_equal(&before->desk.orders, &w->desk.orders);
    risk_equal(&before->desk.risk, &w->desk.risk);
    sessions_equal(&before->session, &w->session);
    world_close();
    w = before;
}

static void random_open(uint64_t seed, bool breaks, bool nonsense)
{
    world_open(seed);
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
    world_close();
}

static uint32_t seeds(uint32_t fallback)
{
    const char *text = getenv("TICKGATE_SEEDS");
    return text ? (uint32_t)strtoul(text, NULL, 10) : fallback;
}

static void everything_comes_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= seeds(24); seed++) {
        random_open(seed, seed % 2, seed % 3 == 0);
        for (uint32_t part = 0; part < 4; part++) {
            live(ROUNDS);
            as_it_was(seed);
        }
        random_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
