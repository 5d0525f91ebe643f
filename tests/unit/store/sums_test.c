// Positions at average cost, sums by minute, and the SQL that they become.
// clang-format off: cmocka.h needs these before it
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdlib.h>
#include <string.h>

#include "controlplane/store/sums.h"

static void test_a_position_is_built_and_closed(void **state)
{
    (void)state;
    struct holding h = {0};
    int64_t gain = 0;
    assert_false(holding_trade(&h, false, 100, 1000, &gain));
    assert_false(holding_trade(&h, false, 100, 2000, &gain));
    assert_int_equal(h.position, 200);
    assert_int_equal(h.cost, 300000); // 1,500 a share
    assert_true(holding_trade(&h, true, 50, 1600, &gain));
    assert_int_equal(gain, 50 * 100);
    assert_int_equal(h.cost, 225000);
    // Through zero: closes 150, opens 50 short.
    assert_true(holding_trade(&h, true, 200, 1400, &gain));
    assert_int_equal(gain, 150 * -100);
    assert_int_equal(h.position, -50);
    assert_int_equal(h.cost, 50 * 1400);
    assert_true(holding_trade(&h, false, 50, 1300, &gain));
    assert_int_equal(gain, 50 * 100);
    assert_int_equal(h.position, 0);
    assert_int_equal(h.cost, 0);
    assert_int_equal(h.realised, 5000 - 15000 + 5000);
    // Flat: what was gained is what came in less what went out.
    assert_int_equal(h.realised, h.sold_value - h.bought_value);
}

// However it is traded: cash and cost say the same as the gains.
static void test_nothing_gets_lost_in_rounding(void **state)
{
    (void)state;
    struct holding h = {0};
    uint64_t random = 1;
    for (int i = 0; i < 100000; i++) {
        int64_t gain;
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        holding_trade(&h, random >> 63, 1 + (random >> 40) % 977, 1 + (random >> 20) % 100003,
                      &gain);
        const int64_t cash = h.sold_value - h.bought_value;
        assert_int_equal(h.realised, cash + (h.position < 0 ? -h.cost : h.cost));
        assert_true(h.cost >= 0 && (h.position != 0 || h.cost == 0));
        assert_int_equal(h.position, h.bought - h.sold);
    }
}

static struct event order(uint32_t shares, uint32_t price, char side)
{
    return (struct event){.type = EVENT_ORDER,
                          .lane = 5,
                          .order = {.fill_shares = shares,
                                    .fill_price = price,
                                    .side = (uint8_t)side,
                                    .account = 2,
                                    .strategy = 3,
                                    .instrument = 40000,
                                    .session = 1}};
}

static void test_sums_become_sql(void **state)
{
    (void)state;
    struct sums s;
    struct sql_text sql = {0};
    struct row_writer w = {.journal = 6, .epoch = 9};
    sums_init(&s);
    w.at_ns = UINT64_C(1795219260) * 1000000000;
    struct event e = order(10, 500, 'B');
    sums_order(&s, &w, &e);
    e = order(10, 700, 'S');
    sums_order(&s, &w, &e);
    assert_true(w.closed);
    assert_int_equal(w.realised, 2000);
    assert_int_equal(w.position, 0);
    sums_close(&s, &w, &sql);
    assert_string_equal(
        sql.text,
        "SELECT "
        "tickgate.sums_add('{\"(2026-11-21T00:01:00Z,6,1,2,3,40000,0,0,2,2,20,12000,1,1,2000,9,5)"
        "\"}');"
        "SELECT tickgate.positions_set('{\"(6,9,2,40000,0,0,10,5000,10,7000,2000,700,"
        "2026-11-21T00:01:00Z)\"}');");
    sql_clear(&sql);
    sums_close(&s, &w, &sql); // nothing has moved since
    assert_string_equal(sql.text, "");
    assert_int_equal(sums_holding(&s, 2, 40000)->realised, 2000);
    // The next start goes on with it; what was never traded is no position.
    (void)sums_holding(&s, 2, 7);
    sums_carry(&s);
    w.epoch = 10;
    sums_close(&s, &w, &sql);
    assert_string_equal(
        sql.text, "SELECT tickgate.positions_set('{\"(6,10,2,40000,0,0,10,5000,10,7000,2000,700,"
                  "2026-11-21T00:01:00Z)\"}');");
    sums_free(&s);
    sql_free(&sql);
}

static void test_a_correction_trades_back_and_again(void **state)
{
    (void)state;
    struct sums s;
    struct row_writer w = {0};
    sums_init(&s);
    struct event e = order(100, 1000, 'B');
    sums_order(&s, &w, &e);
    assert_false(w.closed);
    e.order.broken_shares = 100;
    e.order.broken_price = 1000;
    e.order.fill_shares = 90;
    e.order.fill_price = 1100;
    sums_order(&s, &w, &e);
    assert_int_equal(w.position, 90);
    assert_int_equal(w.realised, 0);
    const struct holding *h = sums_holding(&s, 2, 40000);
    assert_int_equal(h->cost, 90 * 1100);
    sums_free(&s);
}

// The wrong shares leave with their part of the cost first; alike, nothing moves.
static void test_a_correction_at_average_cost(void **state)
{
    (void)state;
    struct sums s;
    struct row_writer w = {0};
    sums_init(&s);
    struct event e = order(7, 100000, 'B');
    sums_order(&s, &w, &e);
    e = order(3, 100010, 'B');
    sums_order(&s, &w, &e);
    e.order.broken_shares = 3;
    e.order.broken_price = 100010;
    e.order.fill_price = 100050;
    sums_order(&s, &w, &e);
    const struct holding *h = sums_holding(&s, 2, 40000);
    assert_int_equal(h->cost, 1000030 - 300009 + 3 * 100050);
    const struct holding before = *h;
    e.order.broken_price = 100050;
    sums_order(&s, &w, &e);
    assert_memory_equal(h, &before, sizeof before);
    assert_false(w.closed);
    assert_int_equal(w.position, 10);
    sums_free(&s);
}

static void test_latency_edges(void **state)
{
    (void)state;
    bool alarm = false;
    for (uint32_t i = 1; i < latency_edge_count; i++) {
        assert_true(latency_edges[i] > latency_edges[i - 1]);
        alarm = alarm || latency_edges[i] == 2750;
    }
    assert_true(alarm);
    assert_int_equal(latency_edges[latency_edge_count - 1], INT64_MAX);
    for (int64_t handed = 2749; handed <= 2750; handed++) {
        struct sums s;
        struct sql_text sql = {0};
        struct row_writer w = {.clock = {.tsc_hz = 1000000000}};
        struct event e = {.type = EVENT_ORDER_SENT, .order_sent = {.handed = (uint32_t)handed}};
        sums_init(&s);
        sums_sent(&s, &w, &e);
        sums_close(&s, &w, &sql);
        assert_non_null(strstr(sql.text, handed < 2750 ? ",3,2750,1)" : ",3,3500,1)"));
        sums_free(&s);
        sql_free(&sql);
    }
}

static void test_a_table_grows_and_forgets(void **state)
{
    (void)state;
    struct key_table t;
    key_table_init(&t, sizeof(uint64_t));
    for (int round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 20000; i++)
            *(uint64_t *)key_table_at(&t, i % 5000, i / 10000) += i;
        assert_int_equal(t.count, 10000);
        assert_int_equal(*(uint64_t *)key_table_at(&t, 17, 1), 10017 + 15017);
        key_table_clear(&t);
        assert_int_equal(*(uint64_t *)key_table_at(&t, 17, 1), 0);
        key_table_clear(&t);
    }
    key_table_free(&t);
}

static void test_quotes(void **state)
{
    (void)state;
    struct sql_text sql = {0};
    sql_add_quoted(&sql, "it's\\\n.", 99);
    sql_add_bytes(&sql, (const uint8_t *)"\x01\xfe", 2);
    sql_add_time(&sql, 0);
    assert_string_equal(sql.text, "'it''s?"
                                  "?.'decode('01fe', 'hex')1970-01-01T00:00:00Z");
    sql_free(&sql);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_position_is_built_and_closed),
        cmocka_unit_test(test_nothing_gets_lost_in_rounding),
        cmocka_unit_test(test_sums_become_sql),
        cmocka_unit_test(test_a_correction_trades_back_and_again),
        cmocka_unit_test(test_a_correction_at_average_cost),
        cmocka_unit_test(test_latency_edges),
        cmocka_unit_test(test_a_table_grows_and_forgets),
        cmocka_unit_test(test_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
