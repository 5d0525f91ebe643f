// The SoupBinTCP server: logins, refusals, heartbeats, the stream from any number, ends of all
// kinds.
#include "tests/unit/exchange/trade_rig.h"

static void setup(void)
{
    rig_defaults(BOURSE_OUCH_50);
    rig_start();
}

static enum bourse_closing closing(uint32_t client)
{
    return bourse_closing(rig.b, rig.clients[client].visitor);
}

static void raw_login(const char *payload, uint32_t length)
{
    rig.clients[0].visitor = bourse_connect(rig.b);
    rig_packet(0, 'L', payload, length);
}

// As captured on a port of another market with the same session protocol (JNX): sequence 0.
static void a_captured_login(void **state)
{
    (void)state;
    rig_defaults(BOURSE_OUCH_50);
    memcpy(rig.config.members[0].user, "user", 5);
    memcpy(rig.config.members[0].password, "password", 9);
    rig_start();
    raw_login("user  password                               0", 46);
    struct rig_packet p = rig_expect_packet(0, 'A');
    assert_int_equal(p.length, 30);
    assert_memory_equal(p.payload, "     DAY00                   1", 30);
}

static void logins_refused(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        uint8_t reason;
    } rows[] = {
        {"user0 wrong                                  1", 'A'},
        {"nobodysecret0                                1", 'A'},
        {"user0 secret1                                1", 'A'},
        {"user0 secret0   OTHER                        1", 'S'},
        {"user0 secret0                               x1", 'S'},
        {"user0 secret0                                 ", 'S'},
        {"user0 secret0                               -1", 'S'},
        {"user0 secret0             99999999999999999999", 'S'},
    };
    setup();
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        raw_login(rows[i].payload, 46);
        struct rig_packet p = rig_expect_packet(0, 'J');
        assert_int_equal(p.length, 1);
        assert_int_equal(p.payload[0], rows[i].reason);
        assert_int_equal(closing(0), BOURSE_CLOSES);
        rig_packet(0, 'L', "user0 secret0                                1", 46);
        rig_silence(0); // it is over, whatever comes
        bourse_disconnect(rig.b, rig.clients[0].visitor);
        rig.clients[0].count = rig.clients[0].next = 0;
    }
    assert_int_equal(bourse_counters(rig.b)->logins_refused, 8);
}

static void logins_accepted(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "user0 secret0                                1", // numbers padded on the left
        "USER0 SeCrEt0   DAY00     1                   ", // and on the right, names in any case
        "user0 secret0   DAY00     00000000000000000001",
        "user0 secret0        DAY00                 1  ",
    };
    setup();
    for (uint32_t i = 0; i < 4; i++) {
        raw_login(rows[i], 46);
        rig_expect_packet(0, 'A');
        bourse_disconnect(rig.b, rig.clients[0].visitor);
        rig.clients[0].visitor = -1;
        rig_forget(0);
    }
}

static void nonsense_ends_the_connection(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[5];
        uint32_t length;
    } rows[] = {{{0, 0}, 2},
                {{0, 1, 'R'}, 3},            // a heartbeat before the login
                {{0, 2, 'U', 'Q'}, 4},       // data before the login
                {{0, 1, 'O'}, 3},            // a logout before the login
                {{0, 1, 'X'}, 3},            // no such packet
                {{0, 3, 'L', 'a', 'b'}, 5}}; // a login of another length
    setup();
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int v = rig.clients[0].visitor = bourse_connect(rig.b);
        bourse_receive(rig.b, v, rows[i].bytes, rows[i].length);
        assert_int_equal(closing(0), BOURSE_RESETS);
        bourse_disconnect(rig.b, v);
    }
    rig_login(0, "", 1);
    rig_packet(0, '+', "hello", 5); // debug packets say nothing
    assert_int_equal(closing(0), BOURSE_STAYS);
    rig_packet(0, 'L', "user0 secret0                                1", 46);
    assert_int_equal(closing(0), BOURSE_RESETS);
}

static void bytes_may_come_one_by_one(void **state)
{
    (void)state;
    setup();
    rig_login(0, "", 1);
    rig_forget(0);
    struct entry e = rig_order('B', 100, "AAPL", 1000000);
    uint8_t bytes[ENTRY_MAX + 3];
    uint32_t length = entry_write(ENTRY_50, ENTRY_IN, &e, bytes + 3);
    bytes[0] = 0;
    bytes[1] = (uint8_t)(length + 1);
    bytes[2] = 'U';
    for (uint32_t i = 0; i < length + 3; i++) {
        rig_silence(0);
        bourse_receive(rig.b, rig.clients[0].visitor, bytes + i, 1);
    }
    assert_int_equal(rig_expect(0, 'A').ref, e.ref);
}

static void heartbeats_both_ways(void **state)
{
    (void)state;
    setup();
    rig_login(0, "", 1);
    rig_clock(999);
    rig_pump(0);
    assert_int_equal(rig.clients[0].heartbeats, 0);
    assert_int_equal(bourse_due(rig.b), rig.now_ns + 1000000);
    rig_clock(1);
    rig_pump(0);
    assert_int_equal(rig.clients[0].heartbeats, 1);
    for (uint32_t i = 0; i < 20; i++) {
        rig_packet(0, 'R', "", 0);
        rig_clock(1000);
        rig_pump(0);
    }
    assert_int_equal(rig.clients[0].heartbeats, 21);
    assert_int_equal(closing(0), BOURSE_STAYS);
    rig_packet(0, 'R', "", 0);
    for (uint32_t i = 0; i < 15; i++) {
        assert_int_equal(closing(0), BOURSE_STAYS);
        rig_clock(1000); // the client says nothing more
    }
    assert_int_equal(closing(0), BOURSE_CLOSES);
}

// 4.10: the login says how long the client may be silent.
static void silence_of_the_clients_choice(void **state)
{
    (void)state;
    setup();
    raw_login("user0 secret0                                1 2500", 51);
    rig_expect_packet(0, 'A');
    rig_clock(2499);
    assert_int_equal(closing(0), BOURSE_STAYS);
    rig_clock(1);
    assert_int_equal(closing(0), BOURSE_CLOSES);
}

static void no_login_no_patience(void **state)
{
    (void)state;
    setup();
    rig.clients[0].visitor = bourse_connect(rig.b);
    rig_clock(29999);
    assert_int_equal(closing(0), BOURSE_STAYS);
    rig_clock(1);
    assert_int_equal(closing(0), BOURSE_CLOSES);
}

static void the_stream_from_any_number(void **state)
{
    (void)state;
    setup();
    rig_login(0, "", 1);
    for (uint32_t i = 0; i < 5; i++)
        rig_enter(0, 'B', 100 + i, 1000000);
    bourse_disconnect(rig.b, rig.clients[0].visitor); // all were read, no answer was taken
    rig.clients[0].visitor = -1;
    assert_int_equal(bourse_sequenced(rig.b, 0), 6);
    for (uint64_t from = 1; from <= 7; from++) {
        rig.clients[0].count = rig.clients[0].next = 0;
        rig_login(0, "DAY00", from);
        struct rig_packet p = rig_expect_packet(0, 'A');
        char number[21] = {0};
        memcpy(number, p.payload + 10, 20);
        assert_int_equal(strtoull(number, NULL, 10), from);
        if (from == 1)
            rig_expect(0, 'S');
        for (uint64_t n = from < 2 ? 2 : from; n <= 6; n++)
            assert_int_equal(rig_expect(0, 'A').quantity, 100 + n - 2);
        rig_silence(0);
    }
    // 0: from now on; beyond the end: the answer says where it goes on.
    static const uint64_t odd[] = {0, 8, 1000000000000000000};
    for (uint32_t i = 0; i < 3; i++) {
        rig.clients[0].count = rig.clients[0].next = 0;
        rig_login(0, "", odd[i]);
        struct rig_packet p = rig_expect_packet(0, 'A');
        assert_memory_equal(p.payload + 10, "                   7", 20);
        rig_silence(0);
    }
}

static void a_second_login_takes_over(void **state)
{
    (void)state;
    setup();
    rig_login(0, "", 1);
    int first = rig.clients[0].visitor;
    rig.clients[0].visitor = -1;
    rig_login(0, "", 1);
    assert_int_equal(bourse_closing(rig.b, first), BOURSE_CLOSES);
    assert_int_equal(closing(0), BOURSE_STAYS);
    rig_forget(0);
    rig_enter(0, 'B', 100, 1000000);
    rig_expect(0, 'A');
    bourse_disconnect(rig.b, first); // does not touch the second one
    rig_enter(0, 'B', 100, 1000000);
    rig_expect(0, 'A');
}

static void logout(void **state)
{
    (void)state;
    setup();
    rig_login(0, "", 1);
    rig_packet(0, 'O', "", 0);
    assert_int_equal(closing(0), BOURSE_CLOSES);
    assert_int_equal(rig_records(BOURSE_DISCONNECT), 1);
}

static void orders_stay_or_go_with_the_connection(void **state)
{
    (void)state;
    for (uint32_t cancels = 0; cancels < 2; cancels++) {
        rig_defaults(BOURSE_OUCH_50);
        rig.config.members[0].cancel_on_disconnect = cancels;
        rig_ready();
        rig_enter(0, 'B', 100, 1000000);
        rig_enter(0, 'B', 100, 1000100);
        rig_forget(0);
        bourse_disconnect(rig.b, rig.clients[0].visitor);
        rig.clients[0].visitor = -1;
        assert_int_equal(bourse_open_orders(rig.b, 0), cancels ? 0 : 2);
        if (cancels) {
            rig_line('D');
            rig_line('D');
            rig_login(0, "DAY00", 4);
            rig_expect_packet(0, 'A');
            assert_int_equal(rig_expect(0, 'C').code[0], 'Z');
            rig_expect(0, 'C');
        }
        rig_stop(NULL);
    }
    rig_defaults(BOURSE_OUCH_50);
    rig_ready();
}

static void end_of_session(void **state)
{
    (void)state;
    rig_defaults(BOURSE_OUCH_50);
    rig_ready();
    rig_enter(0, 'B', 100, 1000000);
    rig_forget(0);
    bourse_session_end(rig.b, 0);
    assert_int_equal(rig_expect(0, 'C').quantity, 100);
    rig_expect_packet(0, 'Z');
    assert_int_equal(closing(0), BOURSE_CLOSES);
    rig_login(0, "DAY00", 3);
    rig_forget(0);
    rig.clients[0].count = rig.clients[0].next = 0;
    rig_login(0, "DAY00", 1);
    assert_int_equal(rig_expect_packet(0, 'J').payload[0], 'S');
    rig_login(0, "", 1);
    struct rig_packet p = rig_expect_packet(0, 'A');
    assert_memory_equal(p.payload, "     DAY01                   1", 30);
    rig_expect(0, 'S');
    rig_enter(0, 'B', 100, 1000000); // numbers of orders go on
    assert_int_equal(rig_expect(0, 'A').ref, 2);
}

static void end_of_the_day(void **state)
{
    (void)state;
    rig_defaults(BOURSE_OUCH_50);
    rig_ready();
    rig_enter(0, 'S', 100, 1000000);
    rig_enter(1, 'B', 150, 1000000);
    rig_forget(0);
    rig_forget(1);
    bourse_end(rig.b);
    assert_int_equal(rig_expect(1, 'C').quantity, 50);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(rig_expect(i, 'S').code[0], 'E');
        rig_expect_packet(i, 'Z');
    }
    assert_int_equal(rig_records(BOURSE_BALANCE), 2);
    rig_login(0, "", 1);
    rig_forget(0);
    assert_int_equal(bourse_counters(rig.b)->logins_refused, 1);
}

static void latency(void **state)
{
    (void)state;
    rig_defaults(BOURSE_OUCH_50);
    rig.config.latency_in_us = 3000;
    rig.config.latency_out_us = 2000;
    rig_start();
    rig_login(0, "", 1);
    rig_silence(0); // the login itself takes its time
    rig_clock(3);
    rig_expect_packet(0, 'A');
    rig_clock(2);
    rig_expect(0, 'S');
    rig_enter(0, 'B', 100, 1000000);
    assert_int_equal(bourse_due(rig.b), rig.now_ns + 3000000);
    rig_clock(2);
    assert_int_equal(bourse_open_orders(rig.b, 0), 0);
    rig_clock(1);
    assert_int_equal(bourse_open_orders(rig.b, 0), 1);
    rig_silence(0);
    rig_clock(2);
    rig_expect(0, 'A');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_captured_login, rig_stop),
        cmocka_unit_test_teardown(logins_refused, rig_stop),
        cmocka_unit_test_teardown(logins_accepted, rig_stop),
        cmocka_unit_test_teardown(nonsense_ends_the_connection, rig_stop),
        cmocka_unit_test_teardown(bytes_may_come_one_by_one, rig_stop),
        cmocka_unit_test_teardown(heartbeats_both_ways, rig_stop),
        cmocka_unit_test_teardown(silence_of_the_clients_choice, rig_stop),
        cmocka_unit_test_teardown(no_login_no_patience, rig_stop),
        cmocka_unit_test_teardown(the_stream_from_any_number, rig_stop),
        cmocka_unit_test_teardown(a_second_login_takes_over, rig_stop),
        cmocka_unit_test_teardown(logout, rig_stop),
        cmocka_unit_test_teardown(orders_stay_or_go_with_the_connection, rig_stop),
        cmocka_unit_test_teardown(end_of_session, rig_stop),
        cmocka_unit_test_teardown(end_of_the_day, rig_stop),
        cmocka_unit_test_teardown(latency, rig_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
