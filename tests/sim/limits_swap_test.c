// Tables of limits that are swapped while a whole lane trades: every decision is judged by the one
// table that it names, whole, and everything that is asked for meanwhile finds its answer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/lane/desk_limits.h"
#include "tests/sim/trade_world.h"

enum { STEPS = 3000, SWAP_EVERY = 7, TABLES = 4096 };

// By version: what the firm and the symbols allowed, so that a table that were half of another one
// would be seen.
static struct {
    uint32_t firm, symbol;
} tables[TABLES];

static struct limits_swap swap;
static struct limit_table *spare;
static uint64_t judged, by_firm, by_symbol, swaps;

static uint64_t table_bytes(void)
{
    return sizeof *spare + TRADE_SYMBOLS * sizeof(struct limit_row);
}

static void swap_send(void)
{
    const struct lane_answer answer = {.kind = ANSWER_LIMITS, .swap = &swap};
    const uint32_t version = sim->desk.limits->version + 1;
    assert_true(version < TABLES);
    memcpy(spare, sim->desk.limits, table_bytes());
    tables[version].firm = 50 + trade_draw(400);
    tables[version].symbol = 50 + trade_draw(400);
    spare->firm.quantity = tables[version].firm;
    for (uint32_t i = 0; i < TRADE_SYMBOLS; i++)
        spare->symbols[i].quantity = tables[version].symbol;
    memset(&swap, 0, sizeof swap);
    swap.table = spare;
    swap.states = sim->desk.limits_states;
    swap.count = 1;
    swap.widens = trade_draw(2);
    swap.records[0].now = tables[version].firm;
    assert_true(spsc_push(&sim->lane.answers, &answer));
}

// The old table is the next one's place.
static void swap_look(struct limit_table *was)
{
    assert_true(swap.done);
    if (swap.taken != LIMITS_TAKEN)
        return;
    swaps++;
    assert_ptr_equal(sim->desk.limits, spare);
    assert_int_equal(sim->desk.limits->version, swap.version);
    assert_int_equal(sim->desk.board->limits_version, swap.version);
    memset(was, 0xff, sizeof *was); // nobody looks at it any more
    spare = was;
}

static void judge(const struct event_decision *e)
{
    const uint32_t firm = e->limits_version == 1 ? UINT32_MAX : tables[e->limits_version].firm;
    const uint32_t symbol = e->limits_version == 1 ? UINT32_MAX : tables[e->limits_version].symbol;
    const uint32_t most = firm < symbol ? firm : symbol;
    if (e->limits_version == 0 || e->quantity == 0)
        return; // refused before the gate
    judged++;
    if (e->refusal == REFUSAL_NONE) {
        assert_true(e->quantity <= most);
    } else if (e->refusal == REFUSAL_QUANTITY) {
        assert_true(e->quantity > most);
        assert_int_equal(e->value, e->quantity);
        assert_int_equal(e->limit, most);
        assert_int_equal(e->scope, firm == most ? TRADE_FIRM : TRADE_SYMBOL);
        *(e->scope == TRADE_FIRM ? &by_firm : &by_symbol) += 1;
    }
}

static void asks_now(void)
{
    static const struct desk_owner owner = {.account = 1, .strategy = TRADE_DRIVER};
    for (uint32_t n = trade_draw(4); n > 0; n--) {
        const struct desk_order ask = {.quantity = 1 + trade_draw(500),
                                       .price = 10000 + trade_draw(50) * 100,
                                       .instrument = (uint16_t)trade_draw(TRADE_SYMBOLS),
                                       .session = (uint8_t)trade_draw(TRADE_VENUES),
                                       .side = 'B',
                                       .time_in_force = '3',
                                       .display = 'Y'};
        uint32_t order;
        desk_enter(&sim->desk, &owner, &ask, &order);
    }
}

static void a_swap_under_load_is_whole(void **state)
{
    static const struct trade_config config = {
        .seed = 23, .steps = STEPS, .messages = 6000, .asks = 0};
    uint32_t version = 1;
    (void)state;
    trade_open(&config);
    void *own = spare = aligned_alloc(CACHE_LINE, table_bytes());
    assert_non_null(spare);
    for (uint32_t step = 0; step < STEPS; step++) {
        struct limit_table *was = sim->desk.limits;
        const struct event_writer *w = &sim->lane.trading;
        const uint64_t from = w->tail;
        if (step % SWAP_EVERY == 0)
            swap_send();
        asks_now();
        trade_step();
        if (step % SWAP_EVERY == 0)
            swap_look(was);
        assert_true(w->tail - from <= w->mask);
        for (uint64_t at = from; at < w->tail; at++) {
            const struct event *e = &w->slots[at & w->mask];
            if (e->type != EVENT_DECISION)
                continue;
            judge(&e->decision);
            // A version never comes back.
            assert_true(e->decision.limits_version == 0 || e->decision.limits_version >= version);
            version = e->decision.limits_version ? e->decision.limits_version : version;
        }
    }
    assert_true(trade_settle());
    print_message("%lu swaps, %lu decisions, %lu refused by the firm, %lu by symbols\n", swaps,
                  judged, by_firm, by_symbol);
    assert_true(swaps > STEPS / SWAP_EVERY - 10 && judged > 1000 && by_firm > 50 && by_symbol > 50);
    assert_int_equal(sim->event_count[EVENT_LIMIT_CHANGED], swaps);
    trade_close();
    free(own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_swap_under_load_is_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
