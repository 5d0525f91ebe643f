// Limits that a person sets while everything runs: judged like the file, in force on all lanes
// between two orders, told before it where it widens, and never more than the limit on two lanes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "dataplane/base/clock.h"
#include "dataplane/config/places.h"
#include "dataplane/lane/desk_command.h"
#include "tests/lib/limit_set_rig.h"

enum { STEPS = 20000, HOUR_S = 3600 };

static const uint64_t hour_ns = HOUR_S * UINT64_C(1000000000);

static enum command_result set_until(const char *value, uint64_t until_ns)
{
    claim();
    ask_change(0, TRADE_ACCOUNT, ACCOUNT, "quantity", value);
    slot->request.limit_set.changes[0].until_ns = until_ns;
    return post() ? answered() : result;
}

static void in_force_between_two_orders(void **state)
{
    (void)state;
    open_lanes();
    for (uint32_t n = 0; n < 3; n++)
        turn_all();
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "position", "none"), COMMAND_RESULT_OK);
    assert_int_equal(set_base(TRADE_FIRM, 0, "open_notional", "none"), COMMAND_RESULT_OK);
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "open_orders", "none"), COMMAND_RESULT_OK);
    assert_int_equal(enter(0, 90, 10000), REFUSAL_NONE);
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "50"), COMMAND_RESULT_OK);
    const struct limit_set_answer *a = &slot->answer.limit_set;
    assert_int_equal(a->lanes, 3);
    assert_true(a->changes[0].was == 90 && a->changes[0].now == 50);
    for (uint32_t i = 0; i < LANES; i++) {
        const struct event *e = newest(i, EVENT_LIMIT_CHANGED);
        assert_int_equal(e->sequence, a->sequence[i]);
        assert_true(e->limit_changed.was == 90 && e->limit_changed.now == 50);
        assert_int_equal(e->limit_changed.control, LIMIT_LIMITS_quantity);
        assert_int_equal(e->limit_changed.user, 501);
        assert_string_equal(e->limit_changed.reason, "news");
        assert_int_equal(e->limit_changed.limits_version, a->version[i]);
        assert_ptr_equal(d.desks[i]->desk.limits, d.desks[i]->limits);
        // Just inside, at and just outside; the record names the version that judged.
        assert_int_equal(enter(i, 49, 10000), REFUSAL_NONE);
        assert_int_equal(enter(i, 51, 10000), REFUSAL_QUANTITY);
        e = newest(i, EVENT_DECISION);
        assert_true(e->decision.value == 51 && e->decision.limit == 50);
        assert_true(e->decision.limits_version >= a->version[i]);
    }
    assert_int_equal(enter(1, 50, 10000), REFUSAL_NONE);
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "50"), COMMAND_RESULT_NOTHING);
}

// Every scope, and each kind of value: what is shown in the lanes' tables is what was said.
static void every_scope(void **state)
{
    (void)state;
    open_lanes();
    claim();
    ask_change(0, TRADE_FIRM, 0, "notional", "12.5");
    ask_change(1, TRADE_STRATEGY, 0, "day_orders", "7");
    ask_change(2, TRADE_SYMBOL, 1, "touch", "25");
    ask_change(3, TRADE_SYMBOL, 1, "touch_least", "0.05");
    ask_change(4, TRADE_SESSION, 1, "rate_per_s", "10");
    ask_change(5, TRADE_SYMBOL, 0, "restricted", "opening");
    ask_change(6, TRADE_ACCOUNT, 0, "gross", "1000");
    ask_change(7, TRADE_SESSION, 0, "cancel_rate_per_s", "100");
    ask_change(8, TRADE_SESSION, 1, "cancel_rate_per_s", "50");
    limits_set_now(&d)->sessions[1].cancel_pace = 1;
    slot->request.limit_set.flags = LIMIT_SET_BASE;
    assert_true(post());
    assert_int_equal(answered(), COMMAND_RESULT_OK);
    for (uint32_t i = 0; i < LANES; i++) {
        const struct limit_table *t = d.desks[i]->desk.limits;
        assert_int_equal(t->firm.notional, 125000);
        assert_int_equal(t->strategies[0].owner.day_orders, 7);
        assert_int_equal(t->symbols[1].symbol.touch, 25);
        assert_int_equal(t->symbols[1].symbol.touch_least, 500);
        assert_int_equal(t->symbols[0].symbol.touch, LIMIT_BAND_OPEN); // of the same row
        assert_int_equal(t->sessions[1].rate_ticks, HZ / 10 / RATE_UNIT);
        assert_int_equal(t->sessions[0].cancel_rate, CANCELS_PASS);
        assert_int_equal(t->sessions[0].price_low, HZ / 100 / RATE_UNIT);
        assert_int_equal(t->sessions[0].price_high, 99); // a burst of 100
        assert_int_equal(t->sessions[1].cancel_rate, CANCELS_WAIT);
        assert_int_equal(t->sessions[1].price_low, HZ / 50 / RATE_UNIT);
        assert_int_equal(t->symbols[0].symbol.restricted, RESTRICTION_OPENING);
        assert_int_equal(t->accounts[0].owner.gross, 5000000); // half: two lanes
        assert_int_equal(t->symbols[1].quality, QUALITY_SUSPECT);
    }
}

static void refused(enum trade_scope scope, uint32_t index, const char *control, const char *value,
                    const char *say)
{
    struct limit_table *before = d.desks[0]->desk.limits;
    assert_int_equal(set_one(scope, index, control, value), COMMAND_RESULT_LIMIT_REFUSED);
    if (strstr(slot->answer.limit_set.why, say) == NULL)
        fail_msg("'%s' does not say '%s'", slot->answer.limit_set.why, say);
    turn_all();
    assert_ptr_equal(d.desks[0]->desk.limits, before); // the last good table stays
    assert_int_equal(enter(0, 90, 10000), REFUSAL_NONE);
}

// The same in the file.
static void a_lane_without_a_part_is_refused_at_the_start(void **state)
{
    struct error err = {0};
    (void)state;
    configure(100, STRATEGIES_DIR "/maker.so");
    prepare();
    config.accounts[ACCOUNT].limits.day_orders = LANES;
    assert_true(config_check_trade(&config, config.places, &err));
    config.accounts[ACCOUNT].limits.day_orders = LANES - 1;
    assert_false(config_check_trade(&config, config.places, &err));
    assert_non_null(strstr(err.text, ".day_orders: 2 lanes trade, and each has an equal part"));
    config.accounts[ACCOUNT].limits.day_orders = UINT32_MAX;
    config.symbols[0].broker.open_orders = LANES - 1;
    err = (struct error){0};
    assert_false(config_check_trade(&config, config.places, &err));
    assert_non_null(strstr(err.text, ".open_orders: 2 lanes trade, and each has an equal part"));
}

static void what_is_not_good_changes_nothing(void **state)
{
    (void)state;
    open_lanes();
    turn_all();
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "open_orders", "none"), COMMAND_RESULT_OK);
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "position", "none"), COMMAND_RESULT_OK);
    assert_int_equal(set_base(TRADE_FIRM, 0, "open_notional", "none"), COMMAND_RESULT_OK);
    refused(TRADE_ACCOUNT, ACCOUNT, "quantty", "1", "quantty: no such limit; there are quantity");
    refused(TRADE_ACCOUNT, ACCOUNT, "touch", "1", "no such limit");
    refused(TRADE_SYMBOL, 1, "tuch", "1", " phases band_needed period period_least market venues");
    refused(TRADE_ACCOUNT, ACCOUNT, "quantity", "-1", "quantity: '-1' is not good here; it takes");
    refused(TRADE_ACCOUNT, ACCOUNT, "notional", "1.00001", "none, or dollars");
    // What stands for none is no number: a limit does not go by being as large as can be.
    refused(TRADE_ACCOUNT, ACCOUNT, "quantity", "4294967295", "none, or 0 to 4294967294");
    refused(TRADE_ACCOUNT, ACCOUNT, "notional", "461168601842738.7903", "none, or dollars below");
    refused(TRADE_SYMBOL, 1, "touch", "100000", "none, or 0 to 99999");
    refused(TRADE_ACCOUNT, 2, "quantity", "1", "there is no account 2");
    refused(TRADE_STRATEGY, 2, "quantity", "1", "there is no strategy 2");
    refused(TRADE_SYMBOL, 2, "quantity", "1", "there is no symbol 2");
    refused(TRADE_SYMBOL, 1, "touch_least", "0.01", "touch_least: does nothing without touch");
    refused(TRADE_SYMBOL, 1, "price_low", "9.51", "price_low: is above price_high");
    refused(TRADE_SYMBOL, 1, "rate_per_s", "1", "rate_per_s: 2 lanes trade, and each has an equal");
    refused(TRADE_SYMBOL, 1, "open_orders", "1", "open_orders: 2 lanes trade, and each has an");
    refused(TRADE_ACCOUNT, ACCOUNT, "day_orders", "1", "day_orders: 2 lanes trade, and each has");
    refused(TRADE_FIRM, 0, "position", "5",
            "position: positions belong to accounts, strategies, clients and symbols");
    refused(TRADE_SESSION, 0, "loss", "5", "loss: it belongs to the firm and accounts");
    refused(TRADE_STRATEGY, 0, "venues", "0", "venues: session 0 is none of the strategy's lane");
    refused(TRADE_STRATEGY, 0, "venues", "nas", "venues: wants all, or numbers of sessions");
    refused(TRADE_STRATEGY, 0, "venues", "16", "venues: wants all, or numbers of sessions");
    refused(TRADE_ACCOUNT, ACCOUNT, "venues", "1", "venues: it belongs to strategies and clients");
    claim(); // one that is good and one that is not: neither
    ask_change(0, TRADE_ACCOUNT, ACCOUNT, "quantity", "1");
    ask_change(1, TRADE_ACCOUNT, ACCOUNT, "quantity", "x");
    assert_false(post());
    assert_int_equal(result, COMMAND_RESULT_LIMIT_REFUSED);
    assert_int_equal(slot->answer.limit_set.faulty, 1);
    turn_all();
    assert_int_equal(enter(0, 90, 10000), REFUSAL_NONE);
    claim();
    slot->request.limit_set.count = LIMIT_CHANGES_MAX + 1;
    assert_false(post());
    assert_int_equal(result, COMMAND_RESULT_BAD_ARGUMENT);
}

// A trading state that a person sets while the table is on its way is in the table that comes.
static void a_halt_is_not_lost(void **state)
{
    (void)state;
    struct govern_request halt = {.scope = TRADE_ACCOUNT, .index = ACCOUNT, .reason = "r"};
    struct govern_answer answer;
    uint64_t sequence;
    open_lanes();
    turn_all();
    claim();
    ask_change(0, TRADE_ACCOUNT, ACCOUNT, "quantity", "50");
    assert_true(post());
    limits_turn(&d); // on its way
    assert_int_equal(desk_command(lanes[0], COMMAND_HALT, &halt, &answer, &sequence),
                     COMMAND_RESULT_OK);
    assert_int_equal(answered(), COMMAND_RESULT_OK);
    assert_int_equal(d.desks[0]->desk.limits->accounts[ACCOUNT].quantity, 50);
    assert_int_equal(d.desks[0]->desk.limits->accounts[ACCOUNT].state, TRADING_HALTED);
    assert_int_equal(d.desks[1]->desk.limits->accounts[ACCOUNT].state, TRADING_ACTIVE);
    assert_int_equal(enter(0, 50, 10000), REFUSAL_HALTED);
}

// What narrows needs no room for its record; what widens is taken by all lanes or by none.
static void nobody_drains(void **state)
{
    (void)state;
    open_lanes();
    turn_all();
    drained(1, false);
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "quantity", "91"), COMMAND_RESULT_NO_ROOM);
    for (uint32_t i = 0; i < LANES; i++)
        assert_int_equal(d.desks[i]->desk.limits->accounts[ACCOUNT].quantity, 90);
    const struct event *undone = newest(0, EVENT_LIMIT_CHANGED);
    assert_true(undone->limit_changed.was == 91 && undone->limit_changed.now == 90);
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "89"), COMMAND_RESULT_OK);
    assert_int_equal(slot->answer.limit_set.sequence[1], 0);
    assert_true(slot->answer.limit_set.sequence[0] > 0);
    for (uint32_t i = 0; i < LANES; i++)
        assert_int_equal(d.desks[i]->desk.limits->accounts[ACCOUNT].quantity, 89);
    drained(1, true);
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "quantity", "91"), COMMAND_RESULT_OK);
    claim();
    ask_change(0, TRADE_ACCOUNT, ACCOUNT, "quantity", "1");
    assert_true(post());
    struct command_slot *first = slot;
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "2"), COMMAND_RESULT_BUSY);
    slot = first;
    assert_int_equal(answered(), COMMAND_RESULT_OK);
}

// --- raises ---

static uint32_t quantity_of(uint32_t lane)
{
    return d.desks[lane]->desk.limits->accounts[ACCOUNT].quantity;
}

static const struct event *main_event(uint64_t back, enum event_type type)
{
    const struct event *e = &d.events.slots[(d.events.tail - 1 - back) & d.events.mask];
    assert_int_equal(e->type, type);
    return e;
}

// Until the clock says so; then it goes back by itself, on all lanes, and is told.
static void over_and_back(uint32_t back)
{
    for (uint32_t n = 0; n < 60000 && quantity_of(0) != back; n++) {
        turn_all();
        usleep(1000);
    }
    for (uint32_t n = 0; n < 10; n++)
        turn_all();
    for (uint32_t i = 0; i < LANES; i++) {
        assert_int_equal(quantity_of(i), back);
        const struct event *e = newest(i, EVENT_LIMIT_CHANGED);
        assert_int_equal(e->limit_changed.now, back);
        assert_int_equal(e->limit_changed.user, LIMIT_NOBODY);
        assert_string_equal(e->limit_changed.reason, "its time is over");
    }
    const struct event *e = main_event(0, EVENT_LIMIT_RAISE);
    assert_true(e->limit_raise.state == LIMIT_RAISE_OVER && e->limit_raise.back == back);
    assert_int_equal(limits_raised(&d)->count, 0);
}

static void a_raise_ends_by_itself(void **state)
{
    (void)state;
    open_lanes();
    turn_all();
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "91"),
                     COMMAND_RESULT_LIMIT_REFUSED);
    assert_non_null(strstr(slot->answer.limit_set.why, "so it has to end: say for how long"));
    const uint64_t until = clock_utc_ns() + 50000000;
    assert_int_equal(set_until("100", until), COMMAND_RESULT_OK);
    assert_int_equal(slot->answer.limit_set.widens, 1);
    assert_int_equal(quantity_of(1), 100);
    const struct event *e = main_event(0, EVENT_LIMIT_RAISE);
    assert_true(e->limit_raise.state == LIMIT_RAISED && e->limit_raise.until_ns == until);
    e = main_event(1, EVENT_LIMIT_ASKED);
    assert_true(e->limit_asked.user == 501 && e->limit_asked.now == 100);
    assert_string_equal(e->limit_asked.reason, "news");
    static struct limits_list_answer a;
    struct limits_list_request one = {.scope = TRADE_ACCOUNT, .index = ACCOUNT};
    assert_int_equal(limits_list(&d, &one, &a), COMMAND_RESULT_OK);
    for (uint32_t i = 0; i < a.count; i++) {
        const bool raised = a.entries[i].control == LIMIT_LIMITS_quantity;
        assert_int_equal(a.entries[i].until_ns, raised ? until : 0);
        assert_int_equal(a.entries[i].back, raised ? 90 : 0);
    }
    over_and_back(90);
}

// A later end, more and less meanwhile: what comes back is what was there before the first raise.
static void a_raise_is_moved(void **state)
{
    (void)state;
    const uint64_t now = clock_utc_ns();
    open_lanes();
    turn_all();
    assert_int_equal(set_until("95", now - 1), COMMAND_RESULT_LIMIT_REFUSED);
    assert_int_equal(set_until("80", now + hour_ns), COMMAND_RESULT_LIMIT_REFUSED);
    assert_int_equal(set_until("95", now + hour_ns), COMMAND_RESULT_OK);
    assert_int_equal(set_until("99", now + 2 * hour_ns), COMMAND_RESULT_OK);
    assert_int_equal(set_until("99", now + 2 * hour_ns), COMMAND_RESULT_NOTHING);
    assert_int_equal(set_until("99", now + 3 * hour_ns), COMMAND_RESULT_OK); // only its end
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "100"),
                     COMMAND_RESULT_LIMIT_REFUSED);
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "97"), COMMAND_RESULT_OK);
    assert_int_equal(limits_raised(&d)->count, 1);
    const struct limit_changed *changed = &slot->answer.limit_set.changes[0]; // less, but raised
    assert_true(changed->until_ns == now + 3 * hour_ns && changed->back == 90);
    assert_int_equal(set_until("97", clock_utc_ns() + 50000000), COMMAND_RESULT_OK);
    over_and_back(90);
    // Taken back by a person: nothing is left that would end.
    assert_int_equal(set_until("95", clock_utc_ns() + hour_ns), COMMAND_RESULT_OK);
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "60"), COMMAND_RESULT_OK);
    assert_int_equal(main_event(0, EVENT_LIMIT_RAISE)->limit_raise.state, LIMIT_RAISE_TAKEN_BACK);
    assert_int_equal(limits_raised(&d)->count, 0);
    assert_int_equal(changed->until_ns, 0);
    // Up to the configuration it takes no end; from below it may have one.
    assert_int_equal(set_until("70", clock_utc_ns() + 50000000), COMMAND_RESULT_OK);
    over_and_back(60);
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "90"), COMMAND_RESULT_OK);
    // Another configuration is the new bound, and ends what was raised.
    assert_int_equal(set_until("95", clock_utc_ns() + hour_ns), COMMAND_RESULT_OK);
    assert_int_equal(set_base(TRADE_ACCOUNT, ACCOUNT, "quantity", "200"), COMMAND_RESULT_OK);
    assert_int_equal(limits_raised(&d)->count, 0);
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "150"), COMMAND_RESULT_OK);
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "200"), COMMAND_RESULT_OK);
}

// What lets more pass waits for the journal, what lets less pass does not, and does not wait behind
// the other either.
static void a_raise_is_durable_first(void **state)
{
    (void)state;
    open_lanes();
    turn_all();
    journal_sleeps = true;
    claim();
    ask_change(0, TRADE_ACCOUNT, ACCOUNT, "quantity", "95");
    slot->request.limit_set.changes[0].until_ns = clock_utc_ns() + hour_ns;
    assert_true(post());
    for (uint32_t n = 0; n < 20; n++)
        turn_all();
    assert_false(command_done(slot));
    for (uint32_t i = 0; i < LANES; i++)
        assert_int_equal(quantity_of(i), 90);
    struct command_slot *asking = slot;
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "80"), COMMAND_RESULT_OK);
    assert_true(command_done(asking) && asking->result == COMMAND_RESULT_BUSY);
    command_release(asking);
    assert_int_equal(quantity_of(0), 80);
    claim();
    ask_change(0, TRADE_ACCOUNT, ACCOUNT, "quantity", "85");
    assert_true(post());
    for (uint32_t n = 0; n < 60000 && !command_done(slot); n++) {
        turn_all();
        usleep(1000);
    }
    assert_int_equal(answered(), COMMAND_RESULT_NOT_RECORDED);
    assert_int_equal(quantity_of(0), 80);
    // Nor without room for the record.
    d.events.committed = d.events.tail - d.events.mask - 1; // full
    atomic_store(&region_ring(&d.view, LANES, EVENT_RING_TRADING)->committed, d.events.committed);
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "85"), COMMAND_RESULT_NO_ROOM);
    journal_sleeps = false;
    d.events.committed = d.events.tail;
    claim(); // what it would do, and nothing done
    ask_change(0, TRADE_ACCOUNT, ACCOUNT, "quantity", "85");
    slot->request.limit_set.flags = LIMIT_SET_DRY;
    assert_false(post());
    assert_true(result == COMMAND_RESULT_OK && slot->answer.limit_set.widens);
    assert_int_equal(set_one(TRADE_ACCOUNT, ACCOUNT, "quantity", "85"), COMMAND_RESULT_OK);
    assert_int_equal(quantity_of(1), 85);
}

// --- what lanes share ---

static const char *const words[] = {"none", "0", "1", "3", "7", "12"};
static const uint32_t bounds[] = {UINT32_MAX, 0, 1, 3, 7, 12};

static uint32_t open_orders(void)
{
    return d.desks[0]->desk.risk.accounts[ACCOUNT].orders +
           d.desks[1]->desk.risk.accounts[ACCOUNT].orders;
}

static void order_ends(uint32_t lane)
{
    struct desk *desk = &d.desks[lane]->desk;
    const uint32_t index = desk->orders.sessions[lane].open.first;
    if (index == OWN_NONE)
        return;
    const struct own_order *o = orders_at(&desk->orders, index);
    const struct ouch_report r = {.kind = REPORT_REJECTED, .letter = 'E', .ref = o->ref};
    drained(lane, true);
    desk_report(desk, lane, &r);
}

// Two lanes trade while the limit on what both have open goes up, down and away: no order is taken
// that makes it more than the limit, or than the larger one while another is on its way.
static void two_lanes_never_exceed_a_limit_that_moves(void **state)
{
    (void)state;
    uint32_t limit = OPEN_ORDERS, coming = OPEN_ORDERS, sets = 0, approved = 0, leased = 0;
    bool on_its_way = false;
    open_lanes();
    for (uint32_t n = 0; n < STEPS; n++) {
        const uint32_t lane = draw(LANES), what = draw(12);
        if (on_its_way && command_done(slot)) {
            assert_int_equal(slot->result, COMMAND_RESULT_OK);
            command_release(slot);
            limit = coming;
            on_its_way = false;
        }
        if (what == 0 && !on_its_way && draw(8) == 0) {
            const uint32_t pick = draw(6);
            claim();
            ask_change(0, TRADE_ACCOUNT, ACCOUNT, "open_orders", words[pick]);
            slot->request.limit_set.flags = LIMIT_SET_BASE;
            on_its_way = post();
            coming = on_its_way ? bounds[pick] : limit;
            sets += on_its_way;
        } else if (what < 4) {
            drained(lane, true);
            lane_reads(lane);
        } else if (what < 6) {
            atomic_store(&region_ring(&d.view, LANES, EVENT_RING_TRADING)->committed,
                         d.events.tail);
            limits_turn(&d);
            leases_turn(&d);
        } else if (what < 8) {
            order_ends(lane);
        } else {
            const enum refusal r = enter(lane, 1, 10000);
            const uint32_t most = on_its_way && coming > limit ? coming : limit;
            approved += r == REFUSAL_NONE;
            leased += r == REFUSAL_LEASE;
            if (r == REFUSAL_NONE && open_orders() > most)
                fail_msg("step %u: %u orders are open, the limit is %u", n, open_orders(), most);
        }
    }
    assert_true(sets > 50 && approved > STEPS / 20 && leased > 100);
    for (uint32_t i = 0; i < LANES; i++) {
        char why[256];
        if (!desk_check(&d.desks[i]->desk, why, sizeof why))
            fail_msg("%s", why);
    }
}

// --- what is shown ---

static const struct limit_entry *entry_of(const struct limits_list_answer *a,
                                          enum trade_scope scope, uint32_t index,
                                          enum limit_control control)
{
    for (uint32_t i = 0; i < a->count; i++)
        if (a->entries[i].scope == scope && a->entries[i].index == index &&
            a->entries[i].control == control)
            return &a->entries[i];
    return NULL;
}

static void limit_use_and_headroom(void **state)
{
    (void)state;
    static struct limits_list_answer a;
    struct limits_list_request all = {.scope = TRADE_SCOPES, .index = UINT32_MAX};
    struct limits_list_request one = {.scope = TRADE_SYMBOL, .index = 1};
    open_lanes();
    turn_all();
    turn_all();
    assert_int_equal(enter(0, 5, 10000), REFUSAL_NONE);
    assert_int_equal(enter(1, 7, 20000), REFUSAL_NONE);
    assert_int_equal(limits_list(&d, &all, &a), COMMAND_RESULT_OK);
    assert_int_equal(a.next, 0);
    const struct limit_entry *e = entry_of(&a, TRADE_FIRM, 0, LIMIT_LIMITS_open_notional);
    assert_true(e->limit[LIMIT_OF_FIRM] == open_notional && e->use == 5 * 10000 + 7 * 20000);
    assert_true(e->room == open_notional - e->use && !(e->flags & LIMIT_ENTRY_PART));
    e = entry_of(&a, TRADE_ACCOUNT, ACCOUNT, LIMIT_LIMITS_open_orders);
    assert_true(e->limit[LIMIT_OF_FIRM] == OPEN_ORDERS && e->use == 2 && e->room == 5);
    e = entry_of(&a, TRADE_ACCOUNT, ACCOUNT, LIMIT_LIMITS_quantity);
    assert_true(e->limit[LIMIT_OF_FIRM] == 90 && !(e->flags & LIMIT_ENTRY_USE));
    assert_null(entry_of(&a, TRADE_ACCOUNT, 0, LIMIT_LIMITS_quantity)); // nothing is limited
    assert_null(entry_of(&a, TRADE_SYMBOL, 1, LIMIT_SYMBOL_price_high));
    assert_int_equal(set_one(TRADE_SYMBOL, 1, "position", "20"), COMMAND_RESULT_OK);
    assert_int_equal(limits_list(&d, &one, &a), COMMAND_RESULT_OK);
    e = entry_of(&a, TRADE_SYMBOL, 1, LIMIT_LIMITS_position);
    assert_true(e->use == 12 && e->room == 5 + 3 && e->flags & LIMIT_ENTRY_PART);
    assert_non_null(entry_of(&a, TRADE_SYMBOL, 1, LIMIT_SYMBOL_price_high));
    one.cursor = UINT64_MAX;
    assert_int_equal(limits_list(&d, &one, &a), COMMAND_RESULT_OK);
    assert_true(a.count == 0 && a.next == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(in_force_between_two_orders, tidy),
        cmocka_unit_test_teardown(every_scope, tidy),
        cmocka_unit_test_teardown(a_lane_without_a_part_is_refused_at_the_start, tidy),
        cmocka_unit_test_teardown(what_is_not_good_changes_nothing, tidy),
        cmocka_unit_test_teardown(a_halt_is_not_lost, tidy),
        cmocka_unit_test_teardown(nobody_drains, tidy),
        cmocka_unit_test_teardown(a_raise_ends_by_itself, tidy),
        cmocka_unit_test_teardown(a_raise_is_moved, tidy),
        cmocka_unit_test_teardown(a_raise_is_durable_first, tidy),
        cmocka_unit_test_teardown(two_lanes_never_exceed_a_limit_that_moves, tidy),
        cmocka_unit_test_teardown(limit_use_and_headroom, tidy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
