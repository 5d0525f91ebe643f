// What the peer sends: order, holes, acknowledgements and when they go, time stamps, limits on
// challenges.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "dataplane/tcp/ranges.h"
#include "tests/lib/tcp_open.h"

static struct rig rig;

static int tear_down(void **state)
{
    (void)state;
    rig_free(&rig);
    return 0;
}

static uint32_t acked(void)
{
    return rig.out.ack - open_peer_isn - 1;
}

static void bytes_in_order_are_handed_over_in_place(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    uint8_t frame[PORT_FRAME_MAX];
    struct frame_udp ip;
    struct tcp_segment s = peer_segment(&rig, 0, 60000);
    struct tcp_runs runs;
    s.src_port = RIG_REMOTE_PORT;
    s.dst_port = RIG_LOCAL_PORT;
    s.payload = (const uint8_t *)"accepted";
    s.payload_len = 8;
    uint32_t len = rig_frame_build(frame, &s, NULL, 0);
    assert_int_equal(frame_parse(frame, len, &ip), FRAME_NOT_UDP);
    assert_int_equal(tcp_parse(&ip, false, &s), TCP_SEGMENT);
    tcp_input(&rig.conn, &s, rig.now_ns, &runs);
    assert_int_equal(runs.count, 1);
    assert_ptr_equal(runs.run[0].data, s.payload); // no copy
    assert_int_equal(runs.run[0].len, 8);
    tcp_input(&rig.conn, &s, rig.now_ns, &runs);
    assert_int_equal(runs.count, 0); // once only
    assert_int_equal(rig.conn.count.duplicates, 1);
}

static void holes_are_filled_in_any_order(void **state)
{
    (void)state;
    // 12 pieces, every order of a seeded shuffle, overlaps and repetitions included.
    for (uint32_t seed = 1; seed <= 300; seed++) {
        uint64_t x = seed * 0x9e3779b97f4a7c15ull;
        rig_config(&rig);
        rig.config.timestamps = false;
        rig.config.receive_bytes = TCP_BUFFER_MIN;
        assert_true(open_with(&rig, 1460, 15000));
        uint32_t got = 0;
        for (int i = 0; i < 4000 && rig.received_len < 6000; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            // Anywhere around what is waited for, old bytes and behind the window included.
            int32_t at = (int32_t)(x % 2400) - 200;
            uint32_t len = 1 + (uint32_t)((x >> 20) % 300);
            if (at < 0 && (uint32_t)-at > rig.received_len)
                at = 0;
            if (x >> 40 & 1)
                at = 0;
            assert_true(peer_data(&rig, at, len));
            assert_true(rig.received_len >= got);
            got = rig.received_len;
            while (rig_output(&rig))
                assert_int_equal(acked(), rig.received_len);
        }
        assert_true(rig.received_len >= 6000);
        assert_true(received_right(&rig));
        assert_int_equal(rig.conn.count.bytes_in, rig.received_len);
        rig_free(&rig);
    }
}

static void sack_tells_what_is_held(void **state)
{
    (void)state;
    assert_true(open_sack(&rig));
    assert_true(peer_data(&rig, 100, 50));
    assert_true(rig_output(&rig));
    assert_int_equal(acked(), 0);
    assert_int_equal(rig.out.sack_count, 1);
    assert_int_equal(rig.out.sack[0].from, open_peer_isn + 1 + 100);
    assert_int_equal(rig.out.sack[0].to, open_peer_isn + 1 + 150);
    assert_true(peer_data(&rig, 300, 50));
    assert_true(rig_output(&rig));
    assert_true(peer_data(&rig, 200, 50));
    assert_true(rig_output(&rig));
    // What came last stands first (RFC 2018, section 4).
    assert_int_equal(rig.out.sack_count, 3);
    assert_int_equal(rig.out.sack[0].from, open_peer_isn + 1 + 200);
    assert_int_equal(rig.out.sack[1].from, open_peer_isn + 1 + 100);
    assert_int_equal(rig.out.sack[2].from, open_peer_isn + 1 + 300);
    assert_true(peer_data(&rig, 150, 50));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.sack_count, 2);
    assert_int_equal(rig.out.sack[0].from, open_peer_isn + 1 + 100);
    assert_int_equal(rig.out.sack[0].to, open_peer_isn + 1 + 250);
    // What is held already and comes again stands first, too.
    assert_true(peer_data(&rig, 300, 50));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.sack[0].from, open_peer_isn + 1 + 300);
    // An order does not stand in for the answer that shows a hole.
    assert_true(peer_data(&rig, 150, 50));
    assert_true(rig_send(&rig, "order", 5));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.sack_count, 2);
    assert_true(peer_data(&rig, 0, 100));
    assert_int_equal(rig.received_len, 250);
    assert_true(rig_output(&rig));
    assert_int_equal(acked(), 250);
    assert_int_equal(rig.out.sack_count, 1);
    assert_true(received_right(&rig));
}

static void holes_are_bounded(void **state)
{
    (void)state;
    assert_true(open_sack(&rig));
    for (int i = 0; i < TCP_HOLES_MAX + 5; i++)
        assert_true(peer_data(&rig, 100 + i * 100, 50));
    assert_int_equal(rig.conn.hole_count, TCP_HOLES_MAX);
    assert_int_equal(rig.conn.count.out_of_order, TCP_HOLES_MAX);
    assert_int_equal(rig.conn.count.out_of_order_dropped, 5);
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.sack_count, TCP_SACK_MAX);
    assert_true(peer_data(&rig, 0, 1460));
    assert_true(received_right(&rig));
}

static void acknowledgements_can_wait(void **state)
{
    (void)state;
    rig_config(&rig);
    rig.config.timestamps = false;
    rig.config.ack_delay_us = 2000;
    assert_true(open_with(&rig, 1460, 15000));
    assert_true(peer_data(&rig, 0, 100));
    assert_false(rig_output(&rig));
    rig_pass(&rig, RIG_US(1999));
    assert_false(rig_output(&rig));
    rig_pass(&rig, RIG_US(1));
    assert_true(rig_output(&rig));
    assert_int_equal(acked(), 100);
    // Two full segments never wait (RFC 5681, section 4.2).
    assert_true(peer_data(&rig, 0, 1460));
    assert_false(rig_output(&rig));
    assert_true(peer_data(&rig, 0, 1460));
    assert_true(rig_output(&rig));
    assert_int_equal(acked(), 3020);
    // Neither does what is out of order, nor what fills a hole.
    assert_true(peer_data(&rig, 10, 10));
    assert_true(rig_output(&rig));
    assert_true(peer_data(&rig, 0, 10));
    assert_true(rig_output(&rig));
    assert_int_equal(acked(), 3040);
    // An order on its way takes it along.
    assert_true(peer_data(&rig, 0, 10));
    assert_true(rig_send(&rig, "x", 1));
    assert_int_equal(acked(), 3050);
    rig_pass(&rig, RIG_US(4000));
    assert_false(rig_output(&rig));
    assert_true(peer_acks(&rig, 1, 60000));
    // More that comes meanwhile does not put it off.
    for (int i = 0; i < 4; i++) {
        assert_false(rig_output(&rig));
        assert_true(peer_data(&rig, 0, 10));
        rig_pass(&rig, RIG_US(500));
    }
    assert_true(rig_output(&rig));
    assert_int_equal(acked(), 3090);
}

// What an order acknowledges is acknowledged: the next segment's time stamp is the one to echo.
static void an_order_renews_what_is_echoed(void **state)
{
    (void)state;
    rig_config(&rig);
    rig.config.ack_delay_us = 2000;
    assert_true(open_with(&rig, 1460, 15000));
    assert_true(peer_data(&rig, 0, 10));
    assert_true(rig_send(&rig, "x", 1));
    rig.peer_ts += 7;
    assert_true(peer_data(&rig, 0, 10));
    assert_true(rig_send(&rig, "x", 1));
    assert_int_equal(rig.out.ts_echo, rig.peer_ts);
}

// What is sent again carries no SACK: the answer that shows a hole goes by itself.
static void a_repetition_does_not_stand_in_for_a_hole(void **state)
{
    (void)state;
    assert_true(open_sack(&rig));
    assert_true(rig_send(&rig, "order", 5));
    rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
    struct tcp_segment s = peer_segment(&rig, 0, 60000);
    s.seq += 10;
    s.payload = (const uint8_t *)"ahead";
    s.payload_len = 5;
    assert_true(rig_segment(&rig, s));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.payload_len, 5);
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.payload_len, 0);
    assert_int_equal(rig.out.sack_count, 1);
}

// A FIN behind the window is not where the window ends.
static void a_fin_behind_the_window_is_not_taken(void **state)
{
    (void)state;
    static const uint8_t bytes[100];
    assert_true(open_sack(&rig));
    struct tcp_segment s = peer_segment(&rig, 0, 60000);
    const uint32_t edge = rig.conn.rcv_nxt + rig.conn.rcv_wnd;
    s.seq = edge - 50;
    s.payload = bytes;
    s.payload_len = sizeof bytes;
    s.flags |= TCP_FIN;
    assert_true(rig_segment(&rig, s));
    assert_false(rig.conn.peer_fin_known);
    assert_int_equal(rig.conn.held[0].to, edge);
}

static void old_time_stamps_are_refused(void **state)
{
    (void)state;
    rig_config(&rig);
    assert_true(open_with(&rig, 1460, 15000));
    rig.peer_ts += 10;
    assert_true(peer_data(&rig, 0, 10));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.ts_echo, rig.peer_ts);
    rig.peer_ts -= 5;
    assert_true(peer_data(&rig, 0, 10));
    assert_int_equal(rig.received_len, 10);
    assert_int_equal(rig.conn.count.paws, 1);
    assert_true(rig_output(&rig)); // RFC 7323, section 5.3, R1
    // A reset is believed without a time stamp, nothing else is.
    struct tcp_segment s = peer_segment(&rig, 0, 60000);
    s.options = 0;
    s.payload = (const uint8_t *)"x";
    s.payload_len = 1;
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.count.timestamp_missing, 1);
    assert_int_equal(rig.received_len, 10);
    // After 24 days of silence the old value says nothing.
    rig.now_ns += RIG_MS(1000) * 86400 * 25;
    assert_true(peer_data(&rig, 0, 10));
    assert_int_equal(rig.received_len, 20);
    // Only a segment that reaches back to our last acknowledgement sets the echo.
    while (rig_output(&rig))
        continue;
    uint32_t recent = rig.peer_ts;
    rig.peer_ts += 3;
    assert_true(peer_data(&rig, 50, 10));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.ts_echo, recent);
    s = peer_segment(&rig, 0, 0);
    s.options = 0;
    s.flags = TCP_RST;
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.reason, TCP_REASON_RESET);
}

static void challenges_are_limited(void **state)
{
    (void)state;
    rig_config(&rig);
    rig.config.timestamps = false;
    rig.config.challenges_max = 5;
    rig.now_ns = 7ull << 30;
    assert_true(open_with(&rig, 1460, 15000));
    struct tcp_segment s = peer_segment(&rig, 0, 60000);
    s.flags = TCP_RST;
    s.seq += 100;
    uint32_t answers = 0;
    for (int i = 0; i < 20; i++) {
        assert_true(rig_segment(&rig, s));
        answers += rig_output(&rig);
    }
    assert_int_equal(answers, 5);
    assert_int_equal(rig.conn.count.challenges_limited, 15);
    assert_int_equal(rig.conn.count.blind_reset, 20);
    rig.now_ns += 1ull << 30;
    assert_true(rig_segment(&rig, s));
    assert_true(rig_output(&rig));
    // The peer proves itself by the number it is told.
    s.seq = rig.out.ack;
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.state, TCP_CLOSED);
}

static void a_half_open_peer_is_reset_first(void **state)
{
    (void)state;
    rig_config(&rig);
    rig_make(&rig);
    assert_true(rig_connect(&rig));
    assert_true(rig_output(&rig));
    // It answers the SYN out of a connection that we have forgotten.
    struct tcp_segment s = {.seq = 5000, .ack = 1234567, .flags = TCP_ACK, .window = 1000};
    assert_true(rig_segment(&rig, s));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_RST);
    assert_int_equal(rig.out.seq, 1234567);
    rig_pass(&rig, RIG_US(rig.config.rto_first_us));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_SYN);
    struct tcp_segment yes = {
        .seq = 1, .ack = rig.isn + 1, .flags = TCP_SYN | TCP_ACK, .window = 1000};
    assert_true(rig_segment(&rig, yes));
    assert_int_equal(rig.events, TCP_EVENT_OPEN);
    assert_int_equal(rig.conn.cwnd, rig.conn.mss); // the SYN had to be sent again
}

static void ranges_stay_apart_and_in_order(void **state)
{
    (void)state;
    struct tcp_range r[4];
    uint32_t count = 0;
    assert_int_equal(ranges_add(r, &count, 4, (struct tcp_range){20, 30}), RANGES_ADDED);
    assert_int_equal(ranges_add(r, &count, 4, (struct tcp_range){20, 30}), RANGES_KNOWN);
    assert_int_equal(ranges_add(r, &count, 4, (struct tcp_range){22, 28}), RANGES_KNOWN);
    assert_int_equal(ranges_add(r, &count, 4, (struct tcp_range){0xfffffff0, 4}), RANGES_ADDED);
    assert_int_equal(ranges_add(r, &count, 4, (struct tcp_range){40, 50}), RANGES_ADDED);
    assert_int_equal(ranges_add(r, &count, 4, (struct tcp_range){10, 12}), RANGES_ADDED);
    assert_int_equal(ranges_add(r, &count, 4, (struct tcp_range){60, 70}), RANGES_FULL);
    assert_int_equal(count, 4);
    assert_int_equal(r[0].from, 0xfffffff0);
    assert_int_equal(r[3].to, 50);
    assert_int_equal(ranges_add(r, &count, 4, (struct tcp_range){12, 40}), RANGES_ADDED);
    assert_int_equal(count, 2);
    assert_int_equal(r[1].from, 10);
    assert_int_equal(r[1].to, 50);
    ranges_drop(r, &count, 15);
    assert_int_equal(count, 1);
    assert_int_equal(r[0].from, 15);
    ranges_drop(r, &count, 50);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(bytes_in_order_are_handed_over_in_place, tear_down),
        cmocka_unit_test_teardown(holes_are_filled_in_any_order, tear_down),
        cmocka_unit_test_teardown(sack_tells_what_is_held, tear_down),
        cmocka_unit_test_teardown(holes_are_bounded, tear_down),
        cmocka_unit_test_teardown(acknowledgements_can_wait, tear_down),
        cmocka_unit_test_teardown(an_order_renews_what_is_echoed, tear_down),
        cmocka_unit_test_teardown(a_repetition_does_not_stand_in_for_a_hole, tear_down),
        cmocka_unit_test_teardown(a_fin_behind_the_window_is_not_taken, tear_down),
        cmocka_unit_test_teardown(old_time_stamps_are_refused, tear_down),
        cmocka_unit_test_teardown(challenges_are_limited, tear_down),
        cmocka_unit_test_teardown(a_half_open_peer_is_reset_first, tear_down),
        cmocka_unit_test(ranges_stay_apart_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
