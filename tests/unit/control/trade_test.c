// What the control plane shows of trading: sessions, strategies, positions, orders, what is in
// force.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/rpc_rig.h"

static const json_t *row_of(const json_t *result, const char *list, size_t i)
{
    return json_array_get(json_object_get(result, list), i);
}

static size_t rows_of(const json_t *result, const char *list)
{
    return json_array_size(json_object_get(result, list));
}

static json_int_t number_of(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

static void test_sessions(void **state)
{
    struct fixture *f = *state;
    struct trade_board *board = region_trade_board(&f->file.view, 1);
    json_t *r = result_of(f, "sessions", "{}");
    const json_t *row = row_of(r, "sessions", 0);
    assert_int_equal(rows_of(r, "sessions"), 2);
    assert_string_equal(text_of(row, "session"), "nsdq");
    assert_string_equal(text_of(row, "lane"), "lane0");
    assert_string_equal(text_of(row, "state"), "ready");
    assert_string_equal(text_of(row, "trading"), "active");
    assert_string_equal(text_of(row, "server"), "10.0.0.1");
    assert_string_equal(text_of(row, "channel"), "itch");
    assert_int_equal(number_of(row, "next_sequence"), 77);
    assert_int_equal(number_of(row, "sent"), 12);
    assert_int_equal(number_of(json_object_get(row, "connection"), "retransmits"), 6);
    assert_int_equal(number_of(json_object_get(row, "connection"), "round_trip_ns"), 21000);
    assert_int_equal(number_of(json_object_get(row, "connection"), "blind_reset"), 0);
    json_decref(r);
    board->sessions[0] = TRADING_HALTED;
    region_order_session_counters(&f->file.view, 1)->state = 99; // nonsense
    r = result_of(f, "sessions", "{}");
    assert_string_equal(text_of(row_of(r, "sessions", 1), "trading"), "halted");
    assert_string_equal(text_of(row_of(r, "sessions", 1), "state"), "?");
    json_decref(r);
}

static void test_clients(void **state)
{
    struct fixture *f = *state;
    json_t *r = result_of(f, "clients", "{}");
    const json_t *row = row_of(r, "clients", 0);
    assert_int_equal(rows_of(r, "clients"), 1);
    assert_string_equal(text_of(row, "client"), "desk");
    assert_string_equal(text_of(row, "account"), "ARB");
    assert_string_equal(text_of(row, "lane"), "lane1");
    assert_string_equal(text_of(row, "state"), "attached");
    assert_string_equal(text_of(row, "trading"), "active");
    assert_int_equal(number_of(row, "user"), 1000);
    assert_int_equal(number_of(row, "pid"), 4711);
    assert_int_equal(number_of(row, "requests"), 90);
    assert_int_equal(number_of(row, "refused"), 3);
    assert_int_equal(number_of(row, "answers_unread"), 17);
    assert_int_equal(number_of(row, "answers_slots"), 1024);
    assert_int_equal(number_of(row, "open_orders"), 5);
    assert_true(json_is_null(json_object_get(row, "open_orders_limit")));
    json_decref(r);
    region_client_counters(&f->file.view, 0)->attached = 0;
    kill_ask(region_kill_words(&f->file.view, KILL_ASKERS + KILL_BY_OPERATOR), TRADE_STRATEGY, 3);
    r = result_of(f, "clients", "{}");
    row = row_of(r, "clients", 0);
    assert_string_equal(text_of(row, "state"), "away");
    assert_string_equal(text_of(row, "trading"), "killed");
    assert_true(json_is_null(json_object_get(row, "pid")));
    json_decref(r);
    // What the region says is nobody's promise.
    struct client_info *info = region_client_info(&f->file.view, 0);
    info->lane = info->strategy = 255;
    info->account = UINT32_MAX;
    memset(info->name, 'x', sizeof info->name);
    r = result_of(f, "clients", "{}");
    assert_int_equal(strlen(text_of(row_of(r, "clients", 0), "client")), NAME_LEN - 1);
    json_decref(r);
}

static void test_strategies(void **state)
{
    struct fixture *f = *state;
    json_t *r = result_of(f, "strategies", "{}");
    const json_t *row = row_of(r, "strategies", 0);
    assert_string_equal(text_of(row, "strategy"), "quotes");
    assert_string_equal(text_of(row, "state"), "on");
    assert_string_equal(text_of(row, "account"), "MM");
    assert_string_equal(json_string_value(row_of(row, "symbols", 0)), "AAPL");
    assert_int_equal(number_of(row, "mean_ns"), 1000);
    assert_int_equal(number_of(row, "max_ns"), 4000);
    assert_int_equal(number_of(json_object_get(row, "parameters"), "distance"), 250);
    row = row_of(r, "strategies", 1);
    assert_string_equal(text_of(row, "state"), "off");
    assert_string_equal(text_of(row, "why"), "was late");
    json_decref(r);
}

static void test_positions(void **state)
{
    struct fixture *f = *state;
    json_t *r = result_of(f, "positions", "{}");
    assert_int_equal(rows_of(r, "positions"), 2);
    const json_t *row = row_of(r, "positions", 0); // of both lanes
    assert_string_equal(text_of(row, "account"), "MM");
    assert_string_equal(text_of(row, "symbol"), "AAPL");
    assert_int_equal(number_of(row, "shares"), 30);
    assert_int_equal(number_of(row, "bought"), 50);
    assert_int_equal(rows_of(row, "lanes"), 2);
    assert_string_equal(text_of(row_of(row, "lanes", 1), "lane"), "lane1");
    assert_int_equal(number_of(row_of(row, "lanes", 0), "shares"), 50);
    assert_int_equal(number_of(row_of(row, "lanes", 1), "shares"), -20);
    assert_int_equal(number_of(row, "sold"), 20);
    assert_int_equal(number_of(row, "open_buy"), 600);
    assert_string_equal(text_of(row, "cash"), "-3000.0000");
    assert_string_equal(text_of(row, "mark"), "100.0050"); // middle of itch's AAPL
    assert_string_equal(text_of(row, "average"), "100.0000");
    assert_string_equal(text_of(row, "realised"), "0.0000");
    assert_string_equal(text_of(row, "unrealised"), "0.1500");
    assert_string_equal(text_of(row, "profit"), "0.1500");
    row = row_of(r, "positions", 1);
    assert_string_equal(text_of(row, "account"), "ARB");
    assert_int_equal(number_of(row, "shares"), -10);
    row = row_of(r, "accounts", 0);
    assert_string_equal(text_of(row, "account"), "MM");
    assert_int_equal(number_of(row, "open_orders"), 4);
    assert_string_equal(text_of(row, "open_notional"), "1234.5678");
    json_decref(r);
    r = result_of(f, "positions", "{\"account\":\"ARB\",\"symbol\":\"MSFT\"}");
    assert_int_equal(rows_of(r, "positions"), 1);
    assert_int_equal(rows_of(r, "accounts"), 1);
    json_decref(r);
    refused_call(f, "positions", "{\"account\":\"XX\"}", -32003, "no account 'XX'");
    refused_call(f, "positions", "{\"symbol\":\"QQQ\"}", -32003, "no limits are configured");
}

// Average cost, what was realised and what was not, in sums of accounts and the firm.
static void test_profit(void **state)
{
    struct fixture *f = *state;
    // MM, first lane: 80 bought at 100, 30 of them sold at 101; second lane: 20 short at 100.
    struct position_cell *cell = region_position_cell(&f->file.view, 3);
    cell->bought = 80;
    cell->bought_value = 80 * 1000000;
    cell->sold = 30;
    cell->sold_value = 30 * 1010000;
    json_t *r = result_of(f, "positions", "{\"account\":\"MM\"}");
    const json_t *row = row_of(r, "positions", 0);
    assert_int_equal(number_of(row, "shares"), 30);
    assert_string_equal(text_of(row, "average"), "100.0000");
    assert_string_equal(text_of(row, "cash"), "-2970.0000");
    assert_string_equal(text_of(row, "realised"), "30.0000");
    assert_string_equal(text_of(row, "unrealised"), "0.1500");
    assert_string_equal(text_of(row, "profit"), "30.1500");
    row = row_of(r, "accounts", 0);
    assert_int_equal(number_of(row, "shares"), 30);
    assert_string_equal(text_of(row, "realised"), "30.0000");
    assert_string_equal(text_of(row, "profit"), "30.1500");
    assert_int_equal(number_of(row, "unpriced"), 0);
    row = json_object_get(r, "firm"); // with ARB, which is short of 10 and not shown
    assert_int_equal(number_of(row, "shares"), 40);
    assert_string_equal(text_of(row, "realised"), "30.0000");
    assert_string_equal(text_of(row, "cash"), "-1970.0000");
    assert_int_equal(number_of(row, "busy"), 0);
    json_decref(r);
    // What was held on one lane cost more than what the others are short of was sold for: they have
    // no common price.
    cell->cost = 15 * 1000000;
    r = result_of(f, "positions", "{}");
    assert_null(json_string_value(json_object_get(row_of(r, "positions", 0), "average")));
    json_decref(r);
}

// A symbol without a price: what it is worth is not known, and the sums take what it cost.
static void test_no_price(void **state)
{
    struct fixture *f = *state;
    region_trade_position(&f->file.view, 0, 5, 1, 2, 10); // ZVZZT
    region_position_cell(&f->file.view, 5)->sold_value = 7 * 10000;
    json_t *r = result_of(f, "positions", "{\"symbol\":\"ZVZZT\"}");
    const json_t *row = row_of(r, "positions", 0);
    assert_int_equal(number_of(row, "shares"), 10);
    assert_string_equal(text_of(row, "average"), "100.0000");
    assert_true(json_is_null(json_object_get(row, "mark")));
    assert_true(json_is_null(json_object_get(row, "unrealised")));
    assert_true(json_is_null(json_object_get(row, "profit")));
    assert_string_equal(text_of(row, "realised"), "7.0000");
    row = row_of(r, "accounts", 1);
    assert_string_equal(text_of(row, "account"), "ARB");
    assert_string_equal(text_of(row, "realised"), "7.0000");
    assert_int_equal(number_of(row, "unpriced"), 1);
    json_decref(r);
}

// A lane that is always in the way, and a key that is none.
static void test_torn_positions(void **state)
{
    struct fixture *f = *state;
    region_position_cell(&f->file.view, 3)->version |= 1;
    region_position_cell(&f->file.view, 7)->key = (5u << 16 | 1) + 1; // there are two accounts
    json_t *r = result_of(f, "positions", "{}");
    assert_int_equal(rows_of(r, "positions"), 2);
    assert_string_equal(text_of(row_of(r, "positions", 0), "state"), "busy");
    assert_null(json_object_get(row_of(r, "positions", 0), "shares"));
    assert_string_equal(text_of(row_of(r, "positions", 1), "state"), "ok");
    json_decref(r);
}

static void test_in_force(void **state)
{
    struct fixture *f = *state;
    const struct region_view *view = &f->file.view;
    json_t *r = result_of(f, "trading", "{}");
    assert_int_equal(rows_of(r, "in_force"), 0);
    assert_string_equal(text_of(row_of(r, "lanes", 0), "trading"), "active");
    assert_int_equal(number_of(row_of(r, "lanes", 0), "approved"), 40);
    assert_int_equal(number_of(json_object_get(r, "refusals"), "POSITION"), 2);
    json_decref(r);
    kill_ask(region_kill_words(view, KILL_BY_LANE), TRADE_STRATEGY, 1);
    kill_ask(region_kill_words(view, KILL_ASKERS + KILL_BY_DIRECT), TRADE_FIRM, 0);
    region_trade_board(view, 0)->accounts[1] = TRADING_REDUCING;
    region_trade_board(view, 1)->quarantined[0] = 1u << 1;
    r = result_of(f, "trading", "{}");
    assert_int_equal(rows_of(r, "in_force"), 4);
    const json_t *row = row_of(r, "in_force", 0);
    assert_string_equal(text_of(row, "what"), "reducing");
    assert_string_equal(text_of(row, "scope"), "account");
    assert_string_equal(text_of(row, "name"), "ARB");
    row = row_of(r, "in_force", 1);
    assert_string_equal(text_of(row, "what"), "kill");
    assert_string_equal(text_of(row, "name"), "takes");
    assert_string_equal(text_of(row, "by"), "lane");
    row = row_of(r, "in_force", 2);
    assert_string_equal(text_of(row, "scope"), "global");
    assert_string_equal(text_of(row, "by"), "direct");
    assert_string_equal(text_of(row, "lane"), "lane1");
    row = row_of(r, "in_force", 3);
    assert_string_equal(text_of(row, "what"), "quarantine");
    assert_string_equal(text_of(row, "scope"), "symbol");
    assert_string_equal(text_of(row, "name"), "MSFT");
    assert_string_equal(text_of(row, "lane"), "lane1");
    json_decref(r);
    r = result_of(f, "strategies", "{}");
    assert_string_equal(text_of(row_of(r, "strategies", 1), "trading"), "killed");
    json_decref(r);
}

// --- orders ---

static struct event_writer writer;

static void enter(uint32_t order, uint16_t account, uint16_t instrument, uint32_t price)
{
    struct event e = {.type = EVENT_DECISION, .tsc = 1000 + order};
    e.decision.order = e.decision.ref = order;
    e.decision.kind = 'O';
    e.decision.side = 'B';
    e.decision.account = account;
    e.decision.instrument = instrument;
    e.decision.quantity = 500;
    e.decision.price = price;
    assert_true(event_write(&writer, &e));
}

static void test_orders(void **state)
{
    struct fixture *f = *state;
    region_event_writer(&f->file.view, 0, EVENT_RING_TRADING, &writer);
    for (uint32_t i = 0; i < 6; i++)
        enter(i, i & 1, 0, 1000000 + i);
    struct event e = {.type = EVENT_ORDER};
    e.order = (struct event_order){.order = 1,
                                   .ref = 1,
                                   .open = 400,
                                   .filled = 100,
                                   .price = 1000001,
                                   .account = 1,
                                   .life = FOLD_LIVE,
                                   .waits = FOLD_CANCEL,
                                   .side = 'B'};
    assert_true(event_write(&writer, &e));
    json_t *r = result_of(f, "orders", "{}");
    assert_int_equal(rows_of(r, "orders"), 6);
    assert_true(json_is_true(json_object_get(r, "complete")));
    const json_t *row = row_of(r, "orders", 1);
    assert_string_equal(text_of(row, "session"), "nsdq");
    assert_string_equal(text_of(row, "strategy"), "quotes");
    assert_string_equal(text_of(row, "side"), "buy");
    assert_string_equal(text_of(row, "price"), "100.0001");
    assert_string_equal(text_of(row, "state"), "live");
    assert_string_equal(json_string_value(row_of(row, "waits", 0)), "cancel");
    assert_int_equal(number_of(row, "filled"), 100);
    json_decref(r);
    r = result_of(f, "orders", "{\"account\":\"ARB\",\"top\":2}");
    assert_int_equal(rows_of(r, "orders"), 2);
    assert_int_equal(number_of(r, "total"), 3);
    json_decref(r);
    r = result_of(f, "orders", "{\"session\":\"iex\"}");
    assert_int_equal(rows_of(r, "orders"), 0);
    json_decref(r);
    refused_call(f, "orders", "{\"strategy\":\"none\"}", -32003, "`strategies` lists them");
    refused_call(f, "orders", "{\"session\":\"none\"}", -32003, "`sessions` lists them");
    // The lane was not drained for a while: the answer says that it may not be all.
    e = (struct event){.type = EVENT_OVERRUN};
    e.overrun.lost = 12;
    assert_true(event_write(&writer, &e));
    r = result_of(f, "orders", "{}");
    assert_true(json_is_false(json_object_get(r, "complete")));
    assert_int_equal(number_of(r, "missed_events"), 12);
    json_decref(r);
}

// A control plane that comes later cannot know what it did not read.
// A refusal says what was compared, with its unit.
static void test_refusals(void **state)
{
    struct fixture *f = *state;
    struct event e = {.type = EVENT_DECISION, .tsc = 1000};
    region_event_writer(&f->file.view, 0, EVENT_RING_TRADING, &writer);
    enter(0, 0, 0, 1000000); // approved: there is nothing to say
    e.decision.refusal = REFUSAL_PRICE_COLLAR;
    e.decision.value = 1012500;
    e.decision.limit = 1010000;
    assert_true(event_write(&writer, &e));
    e.decision.refusal = REFUSAL_GROSS; // both owners may limit that: who binds is said
    e.decision.checks = CHECKS_OF_BROKER;
    assert_true(event_write(&writer, &e));
    e.decision.checks = 0;
    assert_true(event_write(&writer, &e));
    json_t *r = result_of(f, "events", "{\"type\":\"DECISION\"}");
    assert_int_equal(rows_of(r, "events"), 4);
    const json_t *brokers = json_object_get(row_of(r, "events", 2), "fields");
    assert_string_equal(text_of(brokers, "binds"), "broker");
    assert_string_equal(text_of(brokers, "why"),
                        "GROSS: dollars=101.2500 limit=101.0000, the broker's");
    const json_t *firms = json_object_get(row_of(r, "events", 3), "fields");
    assert_string_equal(text_of(firms, "binds"), "firm");
    assert_string_equal(text_of(firms, "why"), "GROSS: dollars=101.2500 limit=101.0000");
    const json_t *approved = json_object_get(row_of(r, "events", 0), "fields");
    const json_t *refused = json_object_get(row_of(r, "events", 1), "fields");
    assert_null(json_object_get(approved, "why"));
    assert_null(json_object_get(refused, "binds"));
    assert_string_equal(text_of(refused, "why"), "PRICE_COLLAR: price=101.2500 limit=101.0000");
    json_decref(r);
}

static void test_orders_after_a_restart(void **state)
{
    struct fixture *f = *state;
    region_event_writer(&f->file.view, 0, EVENT_RING_TRADING, &writer);
    enter(1, 0, 0, 1000000);
    json_decref(result_of(f, "orders", "{}"));
    control_free(&f->control);
    assert_true(control_init(&f->control, f->file.path));
    control_tick(&f->control, 1);
    enter(2, 0, 0, 1000000);
    region_trade_counters(&f->file.view, 0)->open_orders = 2;
    json_t *r = result_of(f, "orders", "{}");
    assert_int_equal(rows_of(r, "orders"), 1);
    assert_true(json_is_false(json_object_get(r, "complete")));
    assert_int_equal(number_of(r, "missing"), 1);
    assert_int_equal(number_of(r, "missed_events"), 1);
    json_decref(r);
}

// --- nothing trades ---

static void test_nothing_trades(void **state)
{
    struct fixture *f = region_file_alloc(sizeof *f);
    struct region_shape shape = region_file_shape();
    struct region_identity identity = region_file_identity();
    (void)state;
    region_file_make(&f->file, &shape, &identity);
    region_market_fill(&f->file);
    region_file_ready(&f->file);
    assert_true(control_init(&f->control, f->file.path));
    f->job.role = ROLE_RISK;
    control_tick(&f->control, 1);
    static const char *const views[] = {"trading",  "orders",  "positions",
                                        "sessions", "clients", "strategies"};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
        refused_call(f, views[i], "{}", -32006, "nothing trades");
    refused_call(f, "kill", "{}", -32006, "nothing trades");
    json_decref(result_of(f, "counters", "{}"));
    void *fixture = f;
    teardown(&fixture);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_sessions),
        TEST(test_clients),
        TEST(test_strategies),
        TEST(test_positions),
        TEST(test_profit),
        TEST(test_no_price),
        TEST(test_torn_positions),
        TEST(test_in_force),
        TEST(test_orders),
        TEST(test_refusals),
        TEST(test_orders_after_a_restart),
        cmocka_unit_test(test_nothing_trades),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
