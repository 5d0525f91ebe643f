// Refusals that stand before or behind the gate, and values at the edges of their types: each is an
// answer with its code, is counted, and leaves nothing reserved.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/lane/desk_act.h"
#include "dataplane/lane/desk_park.h"
#include "dataplane/lane/desk_parts.h"
#include "tests/lib/desk_world.h"

static const struct desk_order buy = {
    .quantity = 100, .price = 1000000, .side = 'B', .time_in_force = '0', .display = 'Y'};

static int world_begin(void **state)
{
    (void)state;
    world_open(5);
    w->model.missing = 0;
    steps_until(SESSION_READY);
    return 0;
}

static int world_end(void **state)
{
    (void)state;
    world_close();
    return 0;
}

static enum refusal enter(const struct desk_order *ask)
{
    uint32_t index;
    return desk_enter(&w->desk, &w->who, ask, &index);
}

// Accepted by the exchange and still open.
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

// Refused with <code>, once, and nothing else has changed.
static void counted(enum refusal code, uint64_t before, const struct risk_use *use)
{
    assert_int_equal(w->desk.count.refusals[code], before + 1);
    assert_true(w->desk.risk.firm.orders == use->orders &&
                w->desk.risk.firm.notional == use->notional);
    check();
}

#define REFUSED(call, code)                                   \
    do {                                                      \
        const uint64_t before = w->desk.count.refusals[code]; \
        const struct risk_use use = w->desk.risk.firm;        \
        assert_int_equal(call, code);                         \
        counted(code, before, &use);                          \
    } while (0)

// A turn has places for the newest of what is only told; the others are counted.
static void notes_without_a_place(void **state)
{
    (void)state;
    const uint64_t orders = RISK_NOTES + 3;
    w->limits->firm.owner.day_value = 0;
    w->limits->actions[REFUSAL_BIT(REFUSAL_DAY_VALUE)] = ACTION_NOTIFY;
    for (uint64_t i = 0; i < orders; i++)
        assert_int_equal(enter(&buy), REFUSAL_NONE);
    const uint64_t told = w->desk.lane->trading.sequence;
    desk_notes_tell(&w->desk);
    assert_int_equal(w->desk.lane->trading.sequence - told, RISK_NOTES);
    assert_int_equal(w->desk.count.breaches_untold, 3);
}

static void an_order_that_cannot_be_changed_now(void **state)
{
    uint32_t index;
    (void)state;
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    REFUSED(desk_replace(&w->desk, &w->who, index, 50, 1000000), REFUSAL_ORDER_NOT_LIVE);
    REFUSED(desk_modify(&w->desk, &w->who, index, 50, 'B'), REFUSAL_ORDER_NOT_LIVE);
    index = live_order();
    const struct own_order *o = orders_at(&w->desk.orders, index);
    const uint32_t total = o->filled + o->open;
    assert_int_equal(desk_replace(&w->desk, &w->who, index, total, 1000100), REFUSAL_NONE);
    REFUSED(desk_replace(&w->desk, &w->who, index, total, 1000200), REFUSAL_ORDER_CHANGING);
    REFUSED(desk_modify(&w->desk, &w->who, index, total, 'B'), REFUSAL_ORDER_CHANGING);
    const struct desk_owner other = {.account = 1, .strategy = 3};
    REFUSED(desk_replace(&w->desk, &other, index, total, 1000200), REFUSAL_UNKNOWN_ORDER);
}

static void an_order_about_which_the_exchange_contradicted_itself(void **state)
{
    (void)state;
    const uint32_t index = live_order();
    const struct own_order *o = orders_at(&w->desk.orders, index);
    const struct ouch_report r = {
        .kind = REPORT_RESTATED, .letter = 'R', .time_ns = 9, .ref = o->ref};
    desk_report(&w->desk, 0, &r);
    desk_report(&w->desk, 0, &r); // the same again
    REFUSED(desk_replace(&w->desk, &w->who, index, 50, 1000000), REFUSAL_ORDER_QUARANTINED);
    REFUSED(desk_modify(&w->desk, &w->who, index, 50, 'B'), REFUSAL_ORDER_QUARANTINED);
    assert_int_equal(desk_cancel(&w->desk, index, 0), REFUSAL_NONE);
}

// What never comes to the gate counts for the rates: a loop of it ends, and its control may act.
static void a_loop_of_orders_that_cannot_be_ends(void **state)
{
    enum { BURST = 3 };
    struct desk_order wrong = buy;
    (void)state;
    const uint32_t index = live_order();
    wrong.side = 'X';
    w->limits->sessions[0].rate_ticks = 100;
    w->limits->sessions[0].burst = BURST - 1;
    w->now += 100 * STEP;
    desk_turn(&w->desk, w->now);
    REFUSED(enter(&wrong), REFUSAL_ORDER_FIELD);
    REFUSED(desk_replace(&w->desk, &w->who, index, 0, 1000000), REFUSAL_REPLACE_QUANTITY);
    REFUSED(desk_modify(&w->desk, &w->who, index, 0, 'B'), REFUSAL_REPLACE_QUANTITY);
    REFUSED(enter(&wrong), REFUSAL_MESSAGE_RATE);
    REFUSED(enter(&buy), REFUSAL_MESSAGE_RATE);
    const struct desk_owner other = {.account = 1, .strategy = 3};
    REFUSED(desk_replace(&w->desk, &other, index, 50, 1000000), REFUSAL_UNKNOWN_ORDER);
    w->limits->actions[REFUSAL_BIT(REFUSAL_MESSAGE_RATE)] = ACTION_BLOCK;
    REFUSED(enter(&wrong), REFUSAL_MESSAGE_RATE);
    assert_int_equal(w->limits->sessions[0].state, TRADING_HALTED);
    assert_int_equal(desk_cancel(&w->desk, index, 0), REFUSAL_NONE);
}

// What stops an owner takes nothing from the others of the session, however often he asks.
static void who_is_stopped_charges_no_rate(void **state)
{
    enum { BURST = 3 };
    static const struct desk_owner other = {.account = 3, .strategy = 4};
    (void)state;
    const uint32_t index = live_order();
    uint32_t next;
    w->limits->sessions[0].rate_ticks = 100000 * STEP;
    w->limits->sessions[0].burst = BURST - 1;
    kill_ask(&w->desk.kills[KILL_BY_OPERATOR], TRADE_ACCOUNT, w->who.account);
    risk_kills_look(&w->desk.risk);
    for (uint32_t i = 0; i < 2 * BURST; i++)
        REFUSED(desk_replace(&w->desk, &w->who, index, 0, 1000000), REFUSAL_REPLACE_QUANTITY);
    assert_int_equal(desk_enter(&w->desk, &other, &buy, &next), REFUSAL_NONE);
    kill_lift(&w->desk.kills[KILL_BY_OPERATOR], TRADE_ACCOUNT, w->who.account);
    risk_kills_look(&w->desk.risk);
    w->limits->strategies[w->who.strategy].state = TRADING_HALTED;
    for (uint32_t i = 0; i < 2 * BURST; i++)
        REFUSED(desk_replace(&w->desk, &w->who, index, 0, 1000000), REFUSAL_REPLACE_QUANTITY);
    assert_int_equal(desk_enter(&w->desk, &other, &buy, &next), REFUSAL_NONE);
    w->limits->strategies[w->who.strategy].state = TRADING_ACTIVE;
    REFUSED(desk_replace(&w->desk, &w->who, index, 0, 1000000), REFUSAL_REPLACE_QUANTITY);
    REFUSED(desk_enter(&w->desk, &other, &buy, &next), REFUSAL_MESSAGE_RATE);
}

// Its price is what the exchange has said: of a midpoint peg, half a tick.
static void a_modify_is_held_to_no_tick(void **state)
{
    (void)state;
    const uint32_t index = live_order();
    struct own_order *o = orders_at(&w->desk.orders, index);
    w->limits->symbols[0].symbol.tick = 100;
    w->limits->symbols[0].symbol.tick_magic = multiple_magic(100);
    o->price = 1000050;
    desk_hold(&w->desk, o);
    const uint32_t total = o->filled + o->open;
    REFUSED(desk_replace(&w->desk, &w->who, index, total, 1000050), REFUSAL_TICK);
    assert_int_equal(desk_modify(&w->desk, &w->who, index, total, 'B'), REFUSAL_NONE);
}

static void references_run_out(void **state)
{
    (void)state;
    const uint32_t index = live_order();
    w->desk.orders.sessions[0].next_ref = REFS;
    REFUSED(enter(&buy), REFUSAL_REFERENCES_USED);
    REFUSED(desk_replace(&w->desk, &w->who, index, 500, 1000000), REFUSAL_REFERENCES_USED);
    assert_int_equal(desk_cancel(&w->desk, index, 0), REFUSAL_NONE); // needs none
}

static void positions_run_out(void **state)
{
    uint32_t index, opened = 0;
    (void)state;
    for (uint16_t account = 1; account <= 16; account++)
        for (uint16_t i = 0; i < MODEL_SYMBOLS; i++)
            opened += position_open(&w->desk.risk, account, i) != POSITION_NONE;
    assert_int_equal(opened, 32); // half of the table
    const struct desk_owner who = {.account = 20, .strategy = 2};
    REFUSED(desk_enter(&w->desk, &who, &buy, &index), REFUSAL_POSITION_TABLE_FULL);
    assert_int_equal(enter(&buy), REFUSAL_NONE); // where there is a place trading goes on
}

// Refused orders take no place of the table, whatever refuses them.
static void refused_orders_open_no_position(void **state)
{
    struct desk_order far = buy;
    uint32_t index;
    (void)state;
    const uint32_t open = w->desk.risk.position_count;
    w->limits->symbols[0].price_high = buy.price;
    far.price = buy.price + 100;
    for (uint16_t account = 20; account < 60; account++) {
        const struct desk_owner who = {.account = account, .strategy = 2};
        w->limits->accounts[account] = w->limits->accounts[w->who.account];
        REFUSED(desk_enter(&w->desk, &who, &far, &index), REFUSAL_PRICE_COLLAR);
        assert_int_equal(w->desk.risk.position_count, open);
        const uint32_t at = position_look(&w->desk.risk, account, 0);
        assert_int_not_equal(w->desk.risk.positions[at].key, position_key(account, 0));
    }
    const struct desk_owner who = {.account = 20, .strategy = 2};
    assert_int_equal(desk_enter(&w->desk, &who, &buy, &index), REFUSAL_NONE);
    assert_int_equal(w->desk.risk.position_count, open + 1);
    REFUSED(desk_enter(&w->desk, &who, &far, &index), REFUSAL_PRICE_COLLAR);
    assert_int_equal(w->desk.risk.position_count, open + 1); // it was there before
}

static void orders_run_out(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ORDERS; i++)
        assert_int_equal(enter(&buy), REFUSAL_NONE);
    REFUSED(enter(&buy), REFUSAL_ORDER_TABLE_FULL);
}

// What is about to leave is not what was approved: it does not, and the session stops.
static void a_frame_that_is_another(void **state)
{
    uint32_t index;
    (void)state;
    w->session.frames.enter.bytes[3] = 'X';
    const uint64_t before = w->desk.count.refusals[REFUSAL_EGRESS];
    const uint32_t len = w->rig.sent_len;
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_EGRESS);
    assert_int_equal(w->desk.count.refusals[REFUSAL_EGRESS], before + 1);
    assert_int_equal(w->rig.sent_len, len);
    assert_true(w->session.halted);
    assert_true(w->desk.risk.firm.orders == 0 && w->desk.risk.firm.notional == 0);
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_SESSION_DOWN);
}

// Lost with its connection: closed as never received, and never sent again by itself.
static void an_order_that_never_arrived(void **state)
{
    uint32_t index;
    (void)state;
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    const uint64_t sent = w->session.count.sent;
    break_connection();
    for (int i = 0; i < 200 && w->session.state != SESSION_READY; i++)
        step();
    for (int i = 0; i < 10; i++)
        step();
    const struct own_order *o = orders_at(&w->desk.orders, index);
    assert_true(o->life == LIFE_DEAD && o->reason == REFUSAL_NOT_RECEIVED);
    assert_int_equal(w->desk.count.refusals[REFUSAL_NOT_RECEIVED], 1);
    assert_int_equal(w->session.count.sent, sent);
    assert_true(w->desk.risk.firm.orders == 0 && w->desk.risk.firm.notional == 0);
    check();
}

// An execution that nobody here ordered stops its symbol until a person claims it.
static void a_symbol_with_an_unknown_execution(void **state)
{
    uint32_t index;
    (void)state;
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &index), REFUSAL_NONE);
    const uint32_t ref = orders_at(&w->desk.orders, index)->ref;
    struct ouch_report r = {
        .kind = REPORT_REJECTED, .letter = 'J', .time_ns = 1, .ref = ref, .reason = 1};
    desk_report(&w->desk, 0, &r);
    r = (struct ouch_report){.kind = REPORT_EXECUTED,
                             .letter = 'E',
                             .time_ns = 2,
                             .ref = ref,
                             .quantity = 100,
                             .price = 1000000,
                             .match = 7};
    desk_report(&w->desk, 0, &r);
    assert_int_equal(w->desk.count.unclaimed, 1);
    assert_int_equal(w->desk.risk.symbols[0].shares, 100); // the position is real
    struct desk_order ask = buy;
    REFUSED(enter(&ask), REFUSAL_SYMBOL_QUARANTINED);
    assert_int_equal(w->desk.board->quarantined[0], 1);
    ask.instrument = 1;
    assert_int_equal(enter(&ask), REFUSAL_NONE); // the others go on
}

// --- the edges of types ---

static void values_at_the_edges(void **state)
{
    static const struct {
        uint32_t quantity, price;
        enum refusal code;
    } edges[] = {
        {0, 1000000, REFUSAL_QUANTITY_RANGE},
        {999999, 1000000, REFUSAL_NONE},
        {1000000, 1000000, REFUSAL_QUANTITY_RANGE},
        {INT32_MAX, 1000000, REFUSAL_QUANTITY_RANGE},
        {UINT32_MAX, 1000000, REFUSAL_QUANTITY_RANGE},
        {UINT32_MAX, UINT32_MAX, REFUSAL_QUANTITY_RANGE},
        {100, 0, REFUSAL_PRICE_RANGE},
        {100, 1, REFUSAL_NONE},
        {100, 1999999900, REFUSAL_NONE},
        {100, 1999999901, REFUSAL_PRICE_RANGE},
        {100, INT32_MAX - 1, REFUSAL_PRICE_RANGE},
        {100, INT32_MAX, REFUSAL_MARKET},
        {100, INT32_MAX + 1u, REFUSAL_PRICE_RANGE},
        {100, UINT32_MAX, REFUSAL_PRICE_RANGE},
        {999999, 1999999900, REFUSAL_NONE},
    };
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(edges); i++) {
        struct desk_order ask = buy;
        ask.quantity = edges[i].quantity;
        ask.price = edges[i].price;
        if (edges[i].code)
            REFUSED(enter(&ask), edges[i].code);
        else
            assert_int_equal(enter(&ask), REFUSAL_NONE);
        check();
    }
    struct desk_order ask = buy;
    ask.instrument = MODEL_SYMBOLS;
    REFUSED(enter(&ask), REFUSAL_UNKNOWN_SYMBOL);
    ask.instrument = UINT16_MAX;
    REFUSED(enter(&ask), REFUSAL_UNKNOWN_SYMBOL);
    ask = buy;
    ask.session = UINT8_MAX;
    REFUSED(enter(&ask), REFUSAL_UNKNOWN_ACCOUNT);
}

static void changes_at_the_edges(void **state)
{
    (void)state;
    const uint32_t index = live_order();
    const struct own_order *o = orders_at(&w->desk.orders, index);
    REFUSED(desk_replace(&w->desk, &w->who, index, 0, 1000000), REFUSAL_REPLACE_QUANTITY);
    REFUSED(desk_replace(&w->desk, &w->who, index, UINT32_MAX, 1000000), REFUSAL_QUANTITY_RANGE);
    REFUSED(desk_replace(&w->desk, &w->who, index, 500, 0), REFUSAL_PRICE_RANGE);
    REFUSED(desk_replace(&w->desk, &w->who, index, 500, UINT32_MAX), REFUSAL_PRICE_RANGE);
    REFUSED(desk_modify(&w->desk, &w->who, index, 0, 'B'), REFUSAL_REPLACE_QUANTITY);
    REFUSED(desk_modify(&w->desk, &w->who, index, UINT32_MAX, 'B'), REFUSAL_REPLACE_QUANTITY);
    REFUSED(desk_modify(&w->desk, &w->who, index, o->filled + o->open, 'S'), REFUSAL_ORDER_FIELD);
    REFUSED(desk_modify(&w->desk, &w->who, index, o->filled + o->open, 0), REFUSAL_ORDER_FIELD);
    assert_int_equal(desk_cancel(&w->desk, index, UINT32_MAX), REFUSAL_NONE);
    check();
}

// The exchange's answer, said to the desk.
static void told(uint32_t index, enum ouch_report_kind kind, char letter)
{
    static uint64_t time_ns = 1 << 20;
    const struct own_order *o = orders_at(&w->desk.orders, index);
    const bool changes = kind == REPORT_MODIFIED;
    time_ns++;
    const struct ouch_report r = {.kind = (uint8_t)kind,
                                  .letter = (uint8_t)letter,
                                  .time_ns = time_ns,
                                  .ref = o->ref,
                                  .quantity = changes ? o->change_total : o->open,
                                  .price = o->price,
                                  .side = changes ? o->change_side : o->side,
                                  .display = o->display,
                                  .reason = kind == REPORT_CANCELED ? 'S' : 0};
    desk_report(&w->desk, 0, &r);
}

// A replace has fewer letters than an enter: what would cost the original at the exchange stays
// here.
static void a_replace_of_an_order_for_after_hours(void **state)
{
    struct desk_order ask = buy;
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t index;
        ask.time_in_force = i ? 'E' : '5';
        assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_NONE);
        told(index, REPORT_ACCEPTED, 'A');
        if (!i) {
            assert_int_equal(desk_replace(&w->desk, &w->who, index, 50, 1000000), REFUSAL_NONE);
            continue;
        }
        REFUSED(desk_replace(&w->desk, &w->who, index, 50, 1000000), REFUSAL_ORDER_FIELD);
        assert_int_equal(orders_at(&w->desk.orders, index)->life, LIFE_LIVE);
        assert_int_equal(desk_modify(&w->desk, &w->who, index, 50, 'B'), REFUSAL_NONE);
    }
}

// OUCH 5.0 and 4.2, Modify Order: the sides that an order of each side may take on.
static void sides_of_a_modify(void **state)
{
    static const struct {
        enum ouch_version version;
        char from;
        const char *to;
    } rows[] = {
        {OUCH_50, 'B', "B"}, {OUCH_50, 'S', "STE"}, {OUCH_50, 'T', "T"},   {OUCH_50, 'E', "ET"},
        {OUCH_42, 'B', "B"}, {OUCH_42, 'S', "STE"}, {OUCH_42, 'T', "STE"}, {OUCH_42, 'E', "STE"},
    };
    static const char sides[] = "BSTEx"; // and the zero behind it
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++)
        for (uint32_t k = 0; k < sizeof sides; k++) {
            struct frames_config frames = {
                .version = rows[i].version, .firm = "    ", .capacity = 'P'};
            struct desk_order ask = buy;
            uint32_t index;
            ouch_prefix_set(&frames.prefix, "T");
            frames_init(&w->session.frames, &frames);
            ask.side = rows[i].from;
            assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_NONE);
            told(index, REPORT_ACCEPTED, 'A');
            const struct own_order *o = orders_at(&w->desk.orders, index);
            if (sides[k] && strchr(rows[i].to, sides[k])) {
                assert_int_equal(desk_modify(&w->desk, &w->who, index, 60, sides[k]), REFUSAL_NONE);
                told(index, REPORT_MODIFIED, 'M');
                assert_int_equal(o->side, sides[k]);
            } else {
                REFUSED(desk_modify(&w->desk, &w->who, index, 60, sides[k]), REFUSAL_ORDER_FIELD);
                assert_int_equal(o->side, rows[i].from);
            }
            assert_false(o->flags & ORDER_QUARANTINED);
            told(index, REPORT_CANCELED, 'C');
            assert_int_equal(o->life, LIFE_DEAD);
            w->rig.sent_len = 0;
        }
    check();
}

// What could not be entered as a long sale does not become one.
static void a_short_sale_is_not_made_a_long_one(void **state)
{
    struct frames_config frames = {.version = OUCH_42, .firm = "    ", .capacity = 'P'};
    struct desk_order ask = buy;
    uint32_t index;
    (void)state;
    ouch_prefix_set(&frames.prefix, "T");
    frames_init(&w->session.frames, &frames);
    w->limits->symbols[0].symbol.short_marking = true;
    ask.side = 'S';
    REFUSED(enter(&ask), REFUSAL_SHORT_MARK);
    ask.side = 'T';
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_NONE);
    told(index, REPORT_ACCEPTED, 'A');
    REFUSED(desk_modify(&w->desk, &w->who, index, 60, 'S'), REFUSAL_SHORT_MARK);
    assert_int_equal(desk_modify(&w->desk, &w->who, index, 60, 'E'), REFUSAL_NONE);
}

// All that waits is durable: it is released, and gated again.
static void journal_has_all(void)
{
    events_drain();
    event_commit(w->lane.trading.ring, w->lane.trading.tail);
    w->rig.sent_len = 0;
    desk_turn(&w->desk, w->now);
}

static void traded(uint32_t index, enum ouch_report_kind kind, char letter)
{
    const struct ouch_report r = {.kind = (uint8_t)kind,
                                  .letter = (uint8_t)letter,
                                  .time_ns = 1,
                                  .ref = orders_at(&w->desk.orders, index)->ref,
                                  .quantity = 100,
                                  .price = 1000000,
                                  .match = 5};
    desk_report(&w->desk, 0, &r);
}

// The side that a modify asks for waits with it. What it may be called is judged once more when it
// leaves: by then the shares may be gone.
static void a_modify_that_waits_for_the_journal_has_its_side(void **state)
{
    enum { SIDE_AT = 18 }; // in a Modify of OUCH 4.2, behind the head of SoupBinTCP
    struct frames_config frames = {.version = OUCH_42, .firm = "    ", .capacity = 'P'};
    struct desk_order ask = buy;
    uint32_t bought, index;
    (void)state;
    ouch_prefix_set(&frames.prefix, "T");
    frames_init(&w->session.frames, &frames);
    w->limits->symbols[0].symbol.short_marking = true;
    assert_int_equal(desk_enter(&w->desk, &w->who, &buy, &bought), REFUSAL_NONE);
    told(bought, REPORT_ACCEPTED, 'A');
    traded(bought, REPORT_EXECUTED, 'E');
    ask.side = 'T';
    assert_int_equal(desk_enter(&w->desk, &w->who, &ask, &index), REFUSAL_NONE);
    told(index, REPORT_ACCEPTED, 'A');
    const struct own_order *o = orders_at(&w->desk.orders, index);
    void *places = zeroed(desk_park_bytes(4));
    desk_park_add(&w->desk, 0, 4, 1000 * STEP, places);
    atomic_store(&region_record_word(&w->lane.view, 0)->state, RECORD_WRITTEN);
    journal_has_all();
    for (const char *to = "SETS"; *to; to++) {
        assert_int_equal(desk_modify(&w->desk, &w->who, index, 60, *to), REFUSAL_NONE);
        assert_true(o->flags & ORDER_PARKED && o->side != *to);
        journal_has_all();
        assert_int_equal(w->rig.sent[3], 'M');
        assert_int_equal(w->rig.sent[SIDE_AT], (uint8_t)*to);
        told(index, REPORT_MODIFIED, 'M');
        assert_int_equal(o->side, *to);
        check();
    }
    assert_int_equal(desk_modify(&w->desk, &w->who, index, 60, 'T'), REFUSAL_NONE);
    journal_has_all();
    told(index, REPORT_MODIFIED, 'M');
    assert_int_equal(desk_modify(&w->desk, &w->who, index, 60, 'S'), REFUSAL_NONE);
    traded(bought, REPORT_BROKEN, 'B');
    const uint64_t before = w->desk.count.refusals[REFUSAL_SHORT_MARK];
    journal_has_all();
    assert_int_equal(w->rig.sent_len, 0);
    assert_int_equal(w->desk.count.refusals[REFUSAL_SHORT_MARK], before + 1);
    assert_true(o->life == LIFE_LIVE && o->side == 'T' && o->waits == 0);
    assert_false(o->flags & (ORDER_PARKED | ORDER_QUARANTINED));
    check();
    free(places);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)
    const struct CMUnitTest tests[] = {
        TEST(notes_without_a_place),
        TEST(an_order_that_cannot_be_changed_now),
        TEST(an_order_about_which_the_exchange_contradicted_itself),
        TEST(a_loop_of_orders_that_cannot_be_ends),
        TEST(who_is_stopped_charges_no_rate),
        TEST(a_modify_is_held_to_no_tick),
        TEST(references_run_out),
        TEST(positions_run_out),
        TEST(refused_orders_open_no_position),
        TEST(orders_run_out),
        TEST(a_frame_that_is_another),
        TEST(an_order_that_never_arrived),
        TEST(a_symbol_with_an_unknown_execution),
        TEST(values_at_the_edges),
        TEST(changes_at_the_edges),
        TEST(a_replace_of_an_order_for_after_hours),
        TEST(sides_of_a_modify),
        TEST(a_short_sale_is_not_made_a_long_one),
        TEST(a_modify_that_waits_for_the_journal_has_its_side),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
