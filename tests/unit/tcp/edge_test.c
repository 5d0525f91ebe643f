// Segments at the edges: numbers half a sequence space apart, time stamps that go back or wrap,
// overlaps that contradict each other, blind resets and SYNs, a peer that takes back what it said.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/lib/tcp_open.h"

static struct rig rig;

static int tear_down(void **state)
{
    (void)state;
    rig_free(&rig);
    return 0;
}

static uint32_t answers(void)
{
    uint32_t n = 0;
    while (rig_output(&rig))
        n++;
    return n;
}

// --- what was sent

// Most of the sequence space goes by without a loss; the first one after it is found as fast.
static void a_loss_is_found_however_much_was_sent(void **state)
{
    (void)state;
    const uint32_t round = 14 * 1000, rounds = (1u << 31) / round + 2;
    rig_config(&rig);
    rig.config.timestamps = false;
    rig.config.sack = false;
    rig.config.sums_by_card_out = rig.config.sums_by_card_in = true; // 2 GiB are to be quick
    assert_true(open_with(&rig, 1460, 15000));
    struct tcp_segment s = peer_segment(&rig, 0, 60000);
    struct tcp_runs runs;
    uint8_t frame[PORT_FRAME_MAX], bytes[1000] = {0};
    for (uint32_t i = 0; i < rounds; i++) {
        for (uint32_t k = 0; k < 14; k++)
            assert_true(tcp_frame(&rig.conn, bytes, 1000, rig.now_ns, frame) > 0);
        s.ack = rig.conn.snd_nxt;
        tcp_input(&rig.conn, &s, rig.now_ns, &runs);
    }
    assert_true(rig.conn.snd_una - rig.conn.first_seq > 1u << 31);
    assert_int_equal(rig.conn.count.timeouts + rig.conn.count.retransmits, 0);
    for (uint32_t k = 0; k < 5; k++)
        assert_true(tcp_frame(&rig.conn, bytes, 1000, rig.now_ns, frame) > 0);
    for (uint32_t k = 0; k < 3; k++)
        tcp_input(&rig.conn, &s, rig.now_ns, &runs);
    assert_int_equal(rig.conn.count.fast_retransmits, 1);
}

// An exchange that talks all the time says what it is lacking beside its data.
static void sack_beside_data_shows_a_loss(void **state)
{
    (void)state;
    assert_true(open_sack(&rig));
    assert_true(send_bytes(&rig, 6, 100));
    for (uint32_t i = 1; i <= 3; i++) {
        struct tcp_segment s = peer_segment(&rig, 0, 60000);
        s.payload = (const uint8_t *)"accepted";
        s.payload_len = 8;
        s.sack_count = 1;
        s.sack[0] = (struct tcp_range){rig.isn + 1 + 100, rig.isn + 1 + 100 + i * 100};
        assert_true(rig_segment(&rig, s));
    }
    assert_int_equal(rig.conn.count.fast_retransmits, 1);
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 0);
    assert_int_equal(rig.out.payload_len, 100);
    // The same block again beside data is no news.
    const uint64_t before = rig.conn.count.acks_duplicate;
    struct tcp_segment same = peer_segment(&rig, 0, 60000);
    same.payload = (const uint8_t *)"executed";
    same.payload_len = 8;
    same.sack_count = 1;
    same.sack[0] = (struct tcp_range){rig.isn + 1 + 100, rig.isn + 1 + 400};
    assert_true(rig_segment(&rig, same));
    assert_int_equal(rig.conn.count.acks_duplicate, before);
}

// After a time-out without SACK: duplicates right where it ended answer what was sent again.
static void duplicates_where_a_time_out_ended_are_no_loss(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(send_bytes(&rig, 4, 1000));
    rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
    assert_int_equal(answers(), 1);
    assert_true(peer_acks(&rig, 4000, 60000));
    assert_true(send_bytes(&rig, 5, 100));
    for (int i = 0; i < 4; i++)
        assert_true(peer_acks(&rig, 4000, 60000));
    assert_int_equal(rig.conn.count.fast_retransmits, 0);
    assert_false(rig_output(&rig));
    // One acknowledgement further they are one.
    for (int i = 0; i < 4; i++)
        assert_true(peer_acks(&rig, 4100, 60000));
    assert_int_equal(rig.conn.count.fast_retransmits, 1);
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 4100);
    // With SACK a hole there is one.
    rig_free(&rig);
    assert_true(open_sack(&rig));
    assert_true(send_bytes(&rig, 4, 1000));
    rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
    assert_int_equal(answers(), 1);
    assert_true(peer_acks(&rig, 4000, 60000));
    assert_true(send_bytes(&rig, 5, 100));
    for (uint32_t i = 1; i <= 3; i++)
        assert_true(peer_sacks(&rig, 4000, 4100, 4100 + 100 * i));
    assert_int_equal(rig.conn.count.fast_retransmits, 1);
}

// What the port refused is not acknowledged by anybody, and its bytes never show.
static void what_was_taken_back_is_not_there(void **state)
{
    (void)state;
    rig_config(&rig);
    rig.config.timestamps = false;
    rig.config.send_bytes = TCP_BUFFER_MIN;
    assert_true(open_with(&rig, 1460, 16000));
    assert_true(send_bytes(&rig, 1, 100));
    assert_true(peer_acks(&rig, 100, 60000));
    rig.watching = false; // these stay here
    uint8_t other[1448];
    memset(other, 0xee, sizeof other);
    uint32_t lens[4], n = 0;
    for (uint32_t len = sizeof other; len > 0; len = rig.conn.room < len ? rig.conn.room : len) {
        assert_true(rig_send(&rig, other, len));
        lens[n++] = len;
        assert_true(n < 4);
    }
    assert_true(n > 1); // the whole buffer
    while (n > 0)
        tcp_frame_undo(&rig.conn, lens[--n]);
    rig.watching = true;
    assert_true(peer_acks(&rig, 200, 60000)); // of what was never sent
    assert_int_equal(rig.conn.count.blind_ack, 1);
    assert_int_equal(rig.conn.snd_una, rig.isn + 1 + 100);
    // The probe of a shut window is the last byte that was sent, as it was.
    assert_true(peer_acks(&rig, 100, 0));
    answers();
    const uint64_t probes = rig.conn.count.window_probes;
    while (rig.conn.count.window_probes == probes) {
        rig_pass(&rig, RIG_MS(1));
        answers();
    }
    assert_int_equal(out_at(&rig), 99);
    assert_int_equal(rig.out.payload_len, 1); // the watch has compared it
}

// A peer takes back what it said it had, then what it offered, in the middle of the repair.
static void a_peer_may_take_back_what_it_said(void **state)
{
    (void)state;
    assert_true(open_sack(&rig));
    assert_true(send_bytes(&rig, 10, 1000));
    for (uint32_t i = 1; i <= 3; i++)
        assert_true(peer_sacks(&rig, 0, 1000, 1000 + 1000 * i));
    assert_int_equal(answers(), 1);
    assert_int_equal(out_at(&rig), 0);
    // It has dropped 1000 to 4000 and closes its window to 500.
    assert_true(peer_acks(&rig, 1000, 500));
    uint32_t reach = 0;
    for (int i = 0; i < 400 && reach < 10000; i++) {
        rig_pass(&rig, RIG_MS(5));
        while (rig_output(&rig))
            if (rig.out.payload_len) {
                assert_true(out_at(&rig) + rig.out.payload_len <= (reach ? reach : 1000) + 500);
                if (out_at(&rig) <= (reach ? reach : 1000))
                    reach = out_at(&rig) + rig.out.payload_len;
            }
        assert_true(peer_acks(&rig, reach ? reach : 1000, 500));
    }
    assert_int_equal(reach, 10000); // all of it, byte by byte the same
    assert_int_equal(rig.conn.snd_una, rig.conn.snd_nxt);
}

// The ceiling of the doubling, and of the pause between probes.
static void the_timer_has_a_ceiling(void **state)
{
    (void)state;
    rig_config(&rig);
    rig.config.timestamps = false;
    rig.config.rto_max_us = rig.config.rto_first_us;
    rig.config.user_timeout_ms = 60000;
    assert_true(open_with(&rig, 1460, 15000));
    assert_true(send_bytes(&rig, 1, 10));
    for (int i = 0; i < 20; i++) {
        assert_true(rig.conn.rto_at_ns - rig.now_ns <= RIG_US(rig.config.rto_max_us));
        rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
        assert_int_equal(answers(), 1);
    }
    assert_int_equal(rig.conn.rto_ns, RIG_US(rig.config.rto_max_us));
    assert_true(peer_acks(&rig, 10, 0));
    for (int i = 0; i < 20; i++) {
        assert_true(rig.conn.rto_at_ns - rig.now_ns <= RIG_US(rig.config.rto_max_us));
        rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
        assert_true(answers() >= 1);
        assert_true(peer_acks(&rig, 10, 0));
    }
}

// --- what arrives

// Bytes that have been handed over are not handed over again with other values, and every number
// once, whatever the overlaps say.
static void overlaps_may_contradict_each_other(void **state)
{
    (void)state;
    assert_true(open_sack(&rig));
    uint8_t a[100], b[100];
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    struct tcp_segment s = peer_segment(&rig, 0, 60000);
    const uint32_t first = s.seq;
    s.payload = a;
    s.payload_len = 50;
    s.seq = first + 20; // 20 to 70 of a
    assert_true(rig_segment(&rig, s));
    s.payload = b;
    s.payload_len = 30;
    s.seq = first; // 0 to 30 of b: 20 to 30 are there already
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.received_len, 70);
    s.payload_len = 100;
    s.seq = first + 10; // 10 to 110 of b: only what is new
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.received_len, 110);
    assert_int_equal(rig.conn.count.bytes_in, 110);
    for (uint32_t i = 0; i < 110; i++)
        assert_int_equal(rig.received[i], i < 30 || i >= 70 ? 'b' : 'a');
    // One that begins before everything and goes beyond the window.
    s.payload = a;
    s.payload_len = 100;
    s.seq = rig.conn.rcv_nxt + rig.conn.rcv_wnd - 40;
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.held[0].to, rig.conn.rcv_nxt + rig.conn.rcv_wnd);
}

// RFC 5961, section 3.2: the number of the RST itself counts, not what it carries.
static void a_reset_is_judged_by_its_own_number(void **state)
{
    (void)state;
    static const uint8_t text[] = "reason";
    const struct {
        int32_t seq;
        uint32_t len;
        uint32_t answers;
    } rows[] = {
        {-3, 6, 0},    // reaches into the window
        {65536, 0, 0}, // right behind it
        {65535, 0, 1}, {1, 6, 1}, {1, 0, 1},
    };
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(open_sack(&rig));
        struct tcp_segment s = peer_segment(&rig, 0, 0);
        s.flags = TCP_RST | TCP_ACK;
        s.seq += (uint32_t)rows[i].seq;
        s.payload = text;
        s.payload_len = rows[i].len;
        assert_true(rig_segment(&rig, s));
        assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
        assert_int_equal(answers(), rows[i].answers);
        // Text beside the exact number is allowed (RFC 9293, section 3.5.3), and not handed over.
        s.seq = rig.conn.rcv_nxt;
        s.payload_len = 6;
        assert_true(rig_segment(&rig, s));
        assert_int_equal(rig.conn.reason, TCP_REASON_RESET);
        assert_int_equal(rig.received_len, 0);
        rig_free(&rig);
    }
}

// Whatever stands in its time stamp: a SYN on an open connection is a question like any other.
static void blind_syns_share_one_limit(void **state)
{
    (void)state;
    rig_config(&rig);
    rig.config.challenges_max = 5;
    rig.now_ns = 7ull << 30;
    assert_true(open_with(&rig, 1460, 15000));
    rig.peer_ts += 100;
    assert_true(peer_data(&rig, 0, 10));
    answers();
    uint32_t said = 0;
    for (uint32_t i = 0; i < 60; i++) {
        struct tcp_segment s = peer_segment(&rig, 0, 60000);
        s.flags = i & 1 ? TCP_SYN : TCP_SYN | TCP_ACK;
        s.seq += i * 0x11111111u;
        s.ts_value -= i % 3 * 50; // some are older than what was seen
        assert_true(rig_segment(&rig, s));
        said += answers();
    }
    assert_int_equal(said, 5);
    assert_int_equal(rig.conn.count.challenges_limited, 55);
    assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
    // Data that was sent again is answered all the same: its timer is the limit.
    assert_true(peer_data(&rig, -10, 10));
    assert_int_equal(answers(), 1);
}

// Questions of the peer: one without a byte is limited as a challenge, one with a byte never.
static void keepalives_are_answered(void **state)
{
    (void)state;
    for (uint32_t len = 0; len < 2; len++) {
        rig_config(&rig);
        rig.config.challenges_max = 5;
        rig.now_ns = 7ull << 30;
        assert_true(open_with(&rig, 1460, 15000));
        assert_true(peer_data(&rig, 0, 10));
        answers();
        uint32_t said = 0;
        for (uint32_t i = 0; i < 20; i++) {
            struct tcp_segment s = peer_segment(&rig, 0, 60000);
            s.seq -= 1;
            s.payload = (const uint8_t *)"?";
            s.payload_len = len;
            assert_true(rig_segment(&rig, s));
            said += answers();
        }
        assert_int_equal(said, len ? 20 : 5);
        assert_int_equal(rig.received_len, 10);
        rig_free(&rig);
    }
}

// The peer's clock goes round: what comes after it is newer.
static void time_stamps_wrap(void **state)
{
    (void)state;
    rig_config(&rig);
    rig.peer_ts = 0xfffffffe;
    assert_true(open_with(&rig, 1460, 15000));
    for (uint32_t i = 0; i < 8; i++) {
        assert_true(peer_data(&rig, 0, 10));
        assert_true(rig_output(&rig));
        assert_int_equal(rig.out.ts_echo, rig.peer_ts);
        rig.peer_ts++;
    }
    assert_int_equal(rig.received_len, 80);
    rig.peer_ts = 0xffffffff; // of before it went round
    assert_true(peer_data(&rig, 0, 10));
    assert_int_equal(rig.received_len, 80);
    assert_int_equal(rig.conn.count.paws, 1);
}

// With time stamps a full segment is shorter: the second one is acknowledged at once, too.
static void two_full_segments_with_time_stamps_never_wait(void **state)
{
    (void)state;
    rig_config(&rig);
    rig.config.ack_delay_us = 2000;
    assert_true(open_with(&rig, 1460, 15000));
    assert_true(peer_data(&rig, 0, 1448));
    assert_false(rig_output(&rig));
    assert_true(peer_data(&rig, 0, 1448));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.ack, rig.conn.rcv_nxt);
}

// Both finish at the same time, with data of both still missing.
static void both_may_finish_at_once(void **state)
{
    (void)state;
    assert_true(open_sack(&rig));
    assert_true(send_bytes(&rig, 2, 100));
    tcp_close(&rig.conn, rig.now_ns);
    answers();
    struct tcp_segment fin = peer_segment(&rig, 0, 60000);
    fin.flags |= TCP_FIN;
    fin.seq += 10; // its data before is lost
    assert_true(rig_segment(&rig, fin));
    assert_int_equal(rig.conn.state, TCP_FIN_WAIT_1);
    assert_true(peer_data(&rig, 0, 10));
    assert_int_equal(rig.conn.state, TCP_CLOSING);
    assert_int_equal(rig.received_len, 10);
    // Ours is sent again with its data until it is seen.
    rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
    answers();
    assert_true(rig.out.flags & TCP_FIN);
    assert_int_equal(rig.out.payload_len, 200);
    struct tcp_segment all = peer_segment(&rig, 201, 60000);
    assert_true(rig_segment(&rig, all));
    assert_int_equal(rig.conn.state, TCP_TIME_WAIT);
    assert_int_equal(rig.conn.reason, TCP_REASON_FIN);
}

// --- the next hop, and a peer that has forgotten us

// Another router takes over: what is out goes to it with the next repetition, the same bytes.
static void the_next_hop_may_change(void **state)
{
    (void)state;
    static const uint8_t other[6] = {2, 0, 0, 0, 0, 0x77};
    uint8_t frame[PORT_FRAME_MAX];
    assert_true(open_timestamps(&rig));
    assert_true(send_bytes(&rig, 2, 100));
    tcp_neighbour_set(&rig.conn, other);
    rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
    uint32_t len = tcp_output(&rig.conn, rig.now_ns, frame);
    assert_true(len > 0);
    assert_memory_equal(frame, other, 6);
    memcpy(frame, rig_remote_mac, 6); // for the rig, which knows one
    rig_look(&rig, frame, len);
    assert_int_equal(rig.watch.again, 200);
    assert_true(tcp_send_ready(&rig.conn, 10));
    len = tcp_frame(&rig.conn, "0123456789", 10, rig.now_ns, frame);
    assert_memory_equal(frame, other, 6);
    memcpy(frame, rig_remote_mac, 6);
    rig_look(&rig, frame, len); // its sums are right
}

// It restarts and answers our order with a reset of the number that we have named (RFC 9293,
// section 3.5.1): no time stamp is asked for.
static void a_peer_that_restarted_ends_it(void **state)
{
    (void)state;
    assert_true(open_timestamps(&rig));
    assert_true(peer_data(&rig, 0, 10));
    assert_true(send_bytes(&rig, 1, 50));
    struct tcp_segment s = {.seq = rig.out.ack, .flags = TCP_RST};
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.reason, TCP_REASON_RESET);
    // Before that it may try to open a connection of the same ports: not with us.
    rig_free(&rig);
    assert_true(open_timestamps(&rig));
    struct tcp_segment syn = peer_segment(&rig, 0, 60000);
    syn.flags = TCP_SYN;
    syn.seq = 12345;
    assert_true(rig_segment(&rig, syn));
    assert_int_equal(answers(), 1);
    assert_int_equal(rig.out.flags, TCP_ACK);
    assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
    struct tcp_segment rst = {.seq = rig.out.ack, .flags = TCP_RST};
    assert_true(rig_segment(&rig, rst));
    assert_int_equal(rig.conn.reason, TCP_REASON_RESET);
}

// --- the handshake

static void open_offered(uint16_t mss, uint8_t shift, uint16_t window)
{
    rig_config(&rig);
    rig.config.timestamps = false;
    rig_make(&rig);
    assert_true(rig_connect(&rig) && rig_output(&rig));
    struct tcp_segment s = {.seq = 1,
                            .ack = rig.isn + 1,
                            .flags = TCP_SYN | TCP_ACK,
                            .window = window,
                            .options = TCP_HAS_MSS | TCP_HAS_SHIFT,
                            .mss = mss,
                            .shift = shift};
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
    answers();
}

static void offers_at_their_edges(void **state)
{
    (void)state;
    open_offered(0, 255, 1000);
    assert_int_equal(rig.conn.mss, TCP_MSS_LEAST);
    assert_int_equal(rig.conn.snd_wnd, 1000); // a SYN's window is as it stands
    struct tcp_segment s = {
        .seq = rig.conn.rcv_nxt, .ack = rig.isn + 1, .flags = TCP_ACK, .window = 3};
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.snd_wnd, 3 << TCP_SHIFT_MAX); // RFC 7323, section 2.3
    rig_free(&rig);
    open_offered(65535, 0, 1000);
    assert_int_equal(rig.conn.mss, 1460);
    rig_free(&rig);
    // Shut from the start: it is asked until it opens.
    open_offered(1460, 0, 0);
    assert_false(rig_send(&rig, "login", 5));
    const uint64_t begin = rig.now_ns;
    while (!rig_output(&rig))
        rig_pass(&rig, RIG_MS(1));
    assert_true(rig.now_ns - begin <= RIG_US(rig.config.rto_first_us));
    assert_int_equal(rig.conn.count.window_probes, 1);
    s.seq = rig.conn.rcv_nxt;
    s.window = 5;
    assert_true(rig_segment(&rig, s));
    assert_true(rig_send(&rig, "login", 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_loss_is_found_however_much_was_sent, tear_down),
        cmocka_unit_test_teardown(sack_beside_data_shows_a_loss, tear_down),
        cmocka_unit_test_teardown(duplicates_where_a_time_out_ended_are_no_loss, tear_down),
        cmocka_unit_test_teardown(what_was_taken_back_is_not_there, tear_down),
        cmocka_unit_test_teardown(a_peer_may_take_back_what_it_said, tear_down),
        cmocka_unit_test_teardown(the_timer_has_a_ceiling, tear_down),
        cmocka_unit_test_teardown(overlaps_may_contradict_each_other, tear_down),
        cmocka_unit_test(a_reset_is_judged_by_its_own_number),
        cmocka_unit_test_teardown(blind_syns_share_one_limit, tear_down),
        cmocka_unit_test(keepalives_are_answered),
        cmocka_unit_test_teardown(time_stamps_wrap, tear_down),
        cmocka_unit_test_teardown(two_full_segments_with_time_stamps_never_wait, tear_down),
        cmocka_unit_test_teardown(both_may_finish_at_once, tear_down),
        cmocka_unit_test_teardown(the_next_hop_may_change, tear_down),
        cmocka_unit_test_teardown(a_peer_that_restarted_ends_it, tear_down),
        cmocka_unit_test_teardown(offers_at_their_edges, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
