// Persons set limits of two lanes that trade. cmocka.h is included before this header.
#pragma once

#include "dataplane/control/limits_live.h"
#include "dataplane/lane/answer.h"
#include "tests/lib/trade_start_rig.h"

enum { ACCOUNT = 1 };

static struct command_slot *slot;
static enum command_result result;
static bool journal_sleeps;

static inline void open_lanes(void)
{
    start();
    journal_sleeps = false;
    region_event_writer(&d.view, LANES, EVENT_RING_TRADING, &d.events);
    for (uint32_t i = 0; i < LANES; i++) {
        wire_rig_init(&rigs[i]);
        d.sessions[i]->session.transport = &rigs[i].transport;
        d.sessions[i]->session.state = SESSION_READY;
    }
}

static inline void drained(uint32_t lane, bool drains)
{
    struct event_writer *w = &lanes[lane]->trading;
    const uint64_t committed = drains ? w->tail : w->tail - w->mask - 1;
    w->committed = committed;
    atomic_store_explicit(&region_ring(&d.view, lane, EVENT_RING_TRADING)->committed, committed,
                          memory_order_relaxed);
}

static inline void ask_change(uint32_t n, enum trade_scope scope, uint32_t index,
                              const char *control, const char *value)
{
    struct limit_change *c = &slot->request.limit_set.changes[n];
    memset(c, 0, sizeof *c);
    c->scope = scope;
    c->index = index;
    snprintf(c->control, sizeof c->control, "%s", control);
    snprintf(c->value, sizeof c->value, "%s", value);
    slot->request.limit_set.count = n + 1;
    slot->request.limit_set.user = 501;
    slot->request.limit_set.second = LIMIT_NOBODY;
    snprintf(slot->request.limit_set.reason, REASON_LEN, "news");
}

static inline void claim(void)
{
    slot = command_claim(region_command_slot(&d.view, 0));
    assert_non_null(slot);
    memset(&slot->request.limit_set, 0, sizeof slot->request.limit_set);
    slot->type = COMMAND_LIMIT_SET;
}

// False: it was answered at once.
static inline bool post(void)
{
    atomic_store(&slot->state, command_posted(LANE_MAIN));
    assert_true(command_take(slot, LANE_MAIN));
    if (limits_set(&d, slot, &result))
        return true;
    command_release(slot);
    return false;
}

// What a lane reads of the main lcore; nothing plays the exchange here.
static inline void lane_reads(uint32_t lane)
{
    answers_take(lanes[lane], now_ticks += 1000);
    desk_leases_turn(&d.desks[lane]->desk, now_ticks);
}

static uint32_t hung = LANES; // a lane that does not come round, as lanes_watch has found

static inline void turn_all(void)
{
    if (!journal_sleeps)
        atomic_store(&region_ring(&d.view, LANES, EVENT_RING_TRADING)->committed, d.events.tail);
    limits_turn(&d);
    for (uint32_t i = 0; i < LANES; i++)
        if (i != hung)
            lane_reads(i);
    leases_turn(&d);
}

// Until the main lcore has answered.
static inline enum command_result answered(void)
{
    for (uint32_t n = 0; n < 50 && !command_done(slot); n++)
        turn_all();
    assert_true(command_done(slot));
    result = slot->result;
    command_release(slot);
    return result;
}

static inline enum command_result set_one(enum trade_scope scope, uint32_t index,
                                          const char *control, const char *value)
{
    claim();
    ask_change(0, scope, index, control, value);
    return post() ? answered() : result;
}

static inline enum command_result set_owned(enum limit_owned owner, enum trade_scope scope,
                                            uint32_t index, const char *control, const char *value)
{
    claim();
    ask_change(0, scope, index, control, value);
    slot->request.limit_set.changes[0].owner = owner;
    slot->request.limit_set.flags = LIMIT_SET_BASE;
    return post() ? answered() : result;
}

static inline enum command_result set_base(enum trade_scope scope, uint32_t index,
                                           const char *control, const char *value)
{
    claim();
    ask_change(0, scope, index, control, value);
    slot->request.limit_set.flags = LIMIT_SET_BASE;
    return post() ? answered() : result;
}

static inline enum refusal enter_with(uint32_t lane, uint32_t quantity, uint32_t price,
                                      const struct ouch_extras *extras)
{
    const struct desk_owner who = {.account = ACCOUNT, .strategy = 0};
    const struct desk_order ask = {.quantity = quantity,
                                   .price = price,
                                   .instrument = 1,
                                   .session = (uint8_t)lane,
                                   .side = 'B',
                                   .time_in_force = '0',
                                   .display = 'Y',
                                   .extras = extras};
    uint32_t index;
    drained(lane, true);
    lanes[lane]->stamp = now_ticks += HZ;
    rigs[lane].sent_len = 0;
    return desk_enter(&d.desks[lane]->desk, &who, &ask, &index);
}

static inline enum refusal enter(uint32_t lane, uint32_t quantity, uint32_t price)
{
    return enter_with(lane, quantity, price, NULL);
}

static inline const struct event *newest(uint32_t lane, enum event_type type)
{
    const struct event_writer *w = &lanes[lane]->trading;
    for (uint64_t at = w->tail; at > 0 && w->tail - at <= w->mask; at--)
        if (w->slots[(at - 1) & w->mask].type == type)
            return &w->slots[(at - 1) & w->mask];
    fail_msg("no such event");
    return NULL;
}

// Nothing limits but what a test sets.
static inline void open_wide(void)
{
    open_lanes();
    for (uint32_t n = 0; n < 5; n++)
        turn_all();
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "quantity", "none"), COMMAND_RESULT_OK);
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "position", "none"), COMMAND_RESULT_OK);
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "open_orders", "none"), COMMAND_RESULT_OK);
    assert_int_equal(set_base(TRADE_FIRM, 0, "open_notional", "none"), COMMAND_RESULT_OK);
}
