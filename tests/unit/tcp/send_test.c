// Opening, the fast path and what refuses it, windows, probes, keepalives.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "tests/lib/tcp_open.h"

static struct rig rig;
static const char text[] = "order number one, fifty bytes long or so, and more";

static int tear_down(void **state)
{
    (void)state;
    rig_free(&rig);
    return 0;
}

static void the_syn_offers_what_is_configured(void **state)
{
    (void)state;
    rig_config(&rig);
    rig.config.receive_bytes = 1 << 18;
    rig_make(&rig);
    assert_true(rig_connect(&rig));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.seq, rig.isn);
    assert_int_equal(rig.out.options,
                     TCP_HAS_MSS | TCP_HAS_SHIFT | TCP_HAS_SACK_OK | TCP_HAS_TIMESTAMP);
    assert_int_equal(rig.out.mss, 1460);
    assert_int_equal(rig.out.shift, 3); // 2^18 >> 3 fits the field
    assert_int_equal(rig.out.window, 0xffff);
    assert_int_equal(rig.out.ts_value, (uint32_t)(rig.now_ns >> 20) + 77);
    assert_int_equal(rig.out.payload_len, 0);
    assert_false(rig_output(&rig));
    assert_false(tcp_connect(&rig.conn, RIG_LOCAL_PORT, 1, 2, rig.now_ns));
}

static void a_syn_is_sent_again_until_the_time_is_up(void **state)
{
    (void)state;
    rig_config(&rig);
    rig_make(&rig);
    assert_true(rig_connect(&rig));
    uint64_t wait = rig.config.rto_first_us, begin = rig.now_ns;
    for (int i = 0; i < 4; i++) {
        assert_true(rig_output(&rig));
        assert_int_equal(rig.out.flags, TCP_SYN);
        assert_int_equal(rig.out.seq, rig.isn);
        rig_pass(&rig, RIG_US(wait) - 1);
        assert_false(rig_output(&rig));
        rig_pass(&rig, 1);
        wait *= 2;
    }
    while (rig.conn.state == TCP_SYN_SENT)
        rig_pass(&rig, rig.conn.deadline_ns - rig.now_ns);
    assert_int_equal(rig.conn.reason, TCP_REASON_TIMEOUT);
    assert_true(rig.now_ns - begin >= RIG_MS(rig.config.user_timeout_ms));
    assert_false(rig_output(&rig));
}

static void nothing_leaves_without_a_neighbour(void **state)
{
    (void)state;
    rig_config(&rig);
    rig_make(&rig);
    tcp_neighbour_clear(&rig.conn);
    assert_true(rig_connect(&rig));
    assert_false(rig_output(&rig));
    rig_pass(&rig, RIG_MS(300)); // its timer runs out once
    assert_false(rig_output(&rig));
    tcp_neighbour_set(&rig.conn, rig_remote_mac);
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_SYN);
    rig.now_ns += RIG_US(40);
    struct tcp_segment s = {
        .seq = 1, .ack = rig.isn + 1, .flags = TCP_SYN | TCP_ACK, .window = 1000};
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.srtt_ns, RIG_US(40)); // waiting for the neighbour is no round trip
    assert_true(rig.conn.cwnd > rig.conn.mss);
    assert_int_equal(rig.conn.count.retransmits, 0);
    rig_free(&rig);
    assert_true(open_plain(&rig));
    tcp_neighbour_clear(&rig.conn);
    assert_false(rig_send(&rig, text, 10));
    assert_int_equal(rig.conn.count.refused_neighbour, 1);
    assert_true(peer_data(&rig, 0, 10)); // wants an acknowledgement
    assert_false(rig_output(&rig));
    tcp_neighbour_set(&rig.conn, rig_remote_mac);
    assert_true(rig_output(&rig));
    assert_true(rig_send(&rig, text, 10));
}

static void what_is_not_agreed_on_is_not_used(void **state)
{
    (void)state;
    rig_config(&rig);
    rig_make(&rig);
    assert_true(rig_connect(&rig));
    assert_true(rig_output(&rig));
    struct tcp_segment s = {
        .seq = 1, .ack = rig.isn + 1, .flags = TCP_SYN | TCP_ACK, .window = 1000};
    assert_true(rig_segment(&rig, s));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.options, 0);
    assert_int_equal(rig.out.window, 0xffff); // 64 KiB do not fit without a shift
    assert_int_equal(rig.conn.mss, TCP_MSS_DEFAULT);
    assert_true(tcp_send_ready(&rig.conn, TCP_MSS_DEFAULT));
    assert_false(tcp_send_ready(&rig.conn, TCP_MSS_DEFAULT + 1));
    assert_int_equal(rig.conn.count.refused_length, 1);
    assert_false(tcp_send_ready(&rig.conn, 1001));
}

// A frame of the fast path and one of the slow path for the same bytes differ in nothing but time.
static void both_paths_write_the_same_frame(void **state)
{
    (void)state;
    for (int kind = 0; kind < 8; kind++) {
        rig_config(&rig);
        rig.config.timestamps = kind & 1;
        rig.config.sums_by_card_out = kind & 2;
        rig.config.vlan = kind & 4 ? 101 : FRAME_NO_VLAN;
        rig.config.tos = 0x20;
        assert_true(open_with(&rig, 1460, 16000));
        uint8_t fast[PORT_FRAME_MAX];
        for (uint32_t len = 1; len <= 51; len += 7) {
            assert_true(rig_send(&rig, text, len));
            assert_int_equal(rig.out.payload_len, len);
            assert_memory_equal(rig.out.payload, text, len);
            assert_int_equal(rig.out.flags, TCP_ACK | TCP_PSH);
            uint32_t fast_len = rig.frame_len;
            memcpy(fast, rig.frame, fast_len);
            // The slow path at the very same time, so that its time stamp is the same.
            rig.conn.rto_at_ns = rig.now_ns;
            tcp_timers(&rig.conn, rig.now_ns);
            assert_true(rig_output(&rig));
            assert_int_equal(rig.frame_len, fast_len);
            assert_memory_equal(rig.frame, fast, fast_len);
            struct frame_udp ip;
            assert_int_equal(frame_parse(fast, fast_len, &ip), FRAME_NOT_UDP);
            assert_int_equal(ip.vlan[0], rig.config.vlan);
            assert_int_equal(ip.ip[1], 0x20);
            assert_true(peer_acks(&rig, rig.conn.snd_nxt - rig.isn - 1, 60000));
        }
        rig_free(&rig);
    }
}

// Cards add to what the field holds: the sum of the pseudo header, not inverted.
static void the_card_finds_the_pseudo_header(void **state)
{
    (void)state;
    rig_config(&rig);
    rig.config.sums_by_card_out = true;
    assert_true(open_with(&rig, 1460, 16000));
    assert_true(rig_send(&rig, text, 33));
    struct frame_udp ip;
    assert_int_equal(frame_parse(rig.frame, rig.frame_len, &ip), FRAME_NOT_UDP);
    uint8_t tcp[100];
    memcpy(tcp, ip.payload, ip.payload_len);
    uint16_t sum = checksum_finish(checksum_add(0, tcp, ip.payload_len));
    checksum_store(tcp + 16, sum);
    memcpy(rig.frame + (ip.payload - rig.frame), tcp, ip.payload_len);
    struct tcp_segment s;
    assert_int_equal(tcp_parse(&ip, false, &s), TCP_SEGMENT);
}

static void an_order_takes_the_acknowledgement_along(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(peer_data(&rig, 0, 20));
    assert_true(rig.conn.due != 0);
    assert_true(rig_send(&rig, text, 50));
    assert_int_equal(rig.out.ack, open_peer_isn + 1 + 20);
    assert_int_equal(rig.conn.due, 0);
    assert_false(rig_output(&rig));
    assert_int_equal(rig.conn.count.acks_alone, 1); // of the handshake
    // Unless the port does not take the order: then it goes by itself.
    assert_true(peer_data(&rig, 0, 20));
    rig.watching = false;
    assert_true(rig_send(&rig, text, 50));
    tcp_frame_undo(&rig.conn, 50);
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_ACK);
    assert_int_equal(rig.out.ack, open_peer_isn + 1 + 40);
}

static void what_the_port_refuses_was_never_sent(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    rig.watching = false; // these bytes may change: they stay here
    uint32_t room = rig.conn.room;
    assert_true(rig_send(&rig, "aaaa", 4));
    assert_true(rig_send(&rig, "bbbbb", 5));
    assert_true(rig_send(&rig, "cccccc", 6));
    tcp_frame_undo(&rig.conn, 6);
    tcp_frame_undo(&rig.conn, 5);
    assert_int_equal(rig.conn.room, room - 4);
    rig.watching = true;
    assert_true(rig_send(&rig, "BB", 2));
    assert_int_equal(rig.out.seq, rig.isn + 1 + 4);
    assert_true(peer_acks(&rig, 6, 60000));
    assert_true(rig_send(&rig, "x", 1));
    tcp_frame_undo(&rig.conn, 1);
    assert_int_equal(rig.conn.count.undone, 12);
    // Nothing is out, so nothing is sent again.
    uint64_t end = rig.now_ns + RIG_MS(3000);
    while (rig_output(&rig))
        assert_int_equal(rig.out.payload_len, 0);
    while (rig.now_ns < end) {
        rig_pass(&rig, RIG_MS(10));
        assert_false(rig_output(&rig));
    }
    assert_int_equal(rig.conn.count.timeouts, 0);
}

static void a_window_lets_only_whole_payloads_through(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(peer_acks(&rig, 0, 100));
    assert_true(rig_send(&rig, text, 50));
    assert_true(rig_send(&rig, text, 40));
    assert_false(rig_send(&rig, text, 11));
    assert_int_equal(rig.conn.count.refused_window, 1);
    assert_true(rig_send(&rig, text, 10));
    assert_false(rig_send(&rig, text, 1));
    assert_true(peer_acks(&rig, 50, 100));
    assert_true(rig_send(&rig, text, 50));
    // An older segment says nothing about the window (RFC 9293, section 3.10.7.4).
    struct tcp_segment old = peer_segment(&rig, 50, 60000);
    old.seq -= 1;
    old.payload = (const uint8_t *)"xy";
    old.payload_len = 2;
    rig.conn.snd_wl1 = rig.conn.rcv_nxt;
    assert_true(rig_segment(&rig, old));
    assert_int_equal(rig.conn.snd_wnd, 100);
}

// A peer whose data was lost acknowledges ours on what it sends again: its number is lower than
// that of acknowledgements before, and the window is no wider for it.
static void a_window_does_not_move_with_an_acknowledgement(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    struct tcp_segment ahead = peer_segment(&rig, 0, 100);
    ahead.seq += 500; // its data before that was lost
    assert_true(rig_segment(&rig, ahead));
    assert_true(rig_send(&rig, text, 50));
    assert_true(rig_send(&rig, text, 50));
    struct tcp_segment again = peer_segment(&rig, 80, 20);
    again.payload = (const uint8_t *)text;
    again.payload_len = 20;
    assert_true(rig_segment(&rig, again));
    assert_int_equal(rig.received_len, 20);
    assert_false(rig_send(&rig, text, 1));
    assert_int_equal(rig.conn.snd_wnd, 20);
}

static void the_send_buffer_is_a_limit(void **state)
{
    (void)state;
    rig_config(&rig);
    rig.config.timestamps = false;
    rig.config.send_bytes = TCP_BUFFER_MIN;
    assert_true(open_with(&rig, 1460, 16000));
    rig.conn.cwnd = 1 << 20;
    tcp_neighbour_set(&rig.conn, rig_remote_mac);
    uint8_t bytes[1024] = {0};
    assert_true(rig_send(&rig, bytes, 1024));
    assert_true(rig_send(&rig, bytes, 1023)); // one byte stays for window probes
    assert_false(rig_send(&rig, bytes, 1));
    assert_int_equal(rig.conn.count.refused_buffer, 1);
}

static void the_congestion_window_is_a_limit(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    uint8_t bytes[1460] = {0};
    for (int i = 0; i < 10; i++)
        assert_true(rig_send(&rig, bytes, 1460)); // RFC 6928: ten segments to begin with
    assert_false(rig_send(&rig, bytes, 1));
    assert_int_equal(rig.conn.count.refused_congestion, 1);
    // Slow start: what is acknowledged comes on top.
    assert_true(peer_acks(&rig, 1460, 60000));
    assert_true(rig_send(&rig, bytes, 1460));
    assert_true(rig_send(&rig, bytes, 1460));
    assert_false(rig_send(&rig, bytes, 1));
    // After silence the network is as unknown as at the start (RFC 5681, section 4.1).
    assert_true(peer_acks(&rig, 12 * 1460, 60000));
    assert_true(rig.conn.cwnd > 14600);
    rig_pass(&rig, RIG_MS(500));
    assert_int_equal(rig.conn.cwnd, 14600);
    assert_int_equal(rig.conn.count.timeouts, 0);
}

static void a_shut_window_is_asked_about(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(rig_send(&rig, text, 50));
    assert_true(peer_acks(&rig, 50, 0));
    assert_false(rig_send(&rig, text, 50));
    uint64_t last = rig.now_ns;
    for (int i = 0; i < 6; i++) {
        while (!rig_output(&rig))
            rig_pass(&rig, RIG_US(100));
        // The byte before, which the peer has: it answers, and the stream does not change.
        assert_int_equal(rig.out.seq, rig.isn + 1 + 49);
        assert_int_equal(rig.out.payload_len, 1);
        assert_memory_equal(rig.out.payload, text + 49, 1);
        if (i > 1)
            assert_true(rig.now_ns - last >= RIG_US(rig.config.rto_min_us) << (i - 1));
        last = rig.now_ns;
    }
    assert_int_equal(rig.conn.count.window_probes, 6);
    assert_true(peer_acks(&rig, 50, 100));
    assert_true(rig_send(&rig, text, 50));
    // Shut once more, it is asked as soon as the first time.
    assert_true(peer_acks(&rig, 100, 0));
    assert_false(rig_send(&rig, text, 50));
    for (int i = 0; i < 2; i++) {
        rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
        assert_true(rig_output(&rig));
        assert_true(rig.conn.rto_at_ns - rig.now_ns <= rig.conn.rto_ns << i);
    }
    // A peer that answers probes is not given up, one that does not is.
    for (int i = 0; i < 40; i++) {
        rig_pass(&rig, RIG_MS(500));
        rig_output(&rig);
        assert_true(peer_acks(&rig, 100, 0));
    }
    assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
    rig.conn.keep_at_ns = UINT64_MAX; // not by these
    for (int i = 0; i < 40 && rig.conn.state != TCP_CLOSED; i++) {
        rig_pass(&rig, RIG_MS(500));
        rig_output(&rig);
    }
    assert_int_equal(rig.conn.reason, TCP_REASON_TIMEOUT);
}

// The window is open, but not wide enough for what was refused: an update may have been lost.
static void a_small_window_is_asked_about_too(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(peer_acks(&rig, 0, 40));
    while (rig_output(&rig))
        continue;
    rig.conn.keep_at_ns = UINT64_MAX;
    rig_pass(&rig, RIG_MS(20000)); // silence before the first question is no lack of answers
    assert_int_equal(rig.conn.count.window_probes, 0);
    assert_false(rig_send(&rig, text, 50));
    rig_pass(&rig, 0); // the caller looks at the deadline
    rig_pass(&rig, RIG_MS(10));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.conn.count.window_probes, 1);
    assert_int_equal(rig.out.payload_len, 0); // nothing has been sent that could be sent again
    rig_pass(&rig, RIG_MS(100));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
    assert_true(peer_acks(&rig, 0, 100));
    assert_true(rig_send(&rig, text, 50));
    // What had to wait has gone: a small window is nobody's trouble again.
    assert_true(peer_acks(&rig, 50, 40));
    for (int i = 0; i < 3; i++) {
        rig_pass(&rig, RIG_MS(1000));
        assert_false(rig_output(&rig));
    }
}

static void a_fin_waits_for_its_place_in_the_window(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(peer_acks(&rig, 0, 100));
    assert_true(rig_send(&rig, text, 50));
    assert_true(rig_send(&rig, text, 50));
    tcp_close(&rig.conn, rig.now_ns);
    assert_false(rig_output(&rig));
    assert_true(peer_data(&rig, 0, 5));
    rig.conn.snd_wnd = 100; // the helper's data opens the window
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_ACK);
    assert_false(rig_output(&rig));
    assert_true(peer_acks(&rig, 50, 52));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_FIN | TCP_ACK);
    assert_int_equal(rig.out.seq, rig.isn + 1 + 100);
    rig_free(&rig);
    // Into a window that is shut it goes alone, when nothing else is out.
    assert_true(open_plain(&rig));
    assert_true(rig_send(&rig, text, 50));
    tcp_close(&rig.conn, rig.now_ns);
    assert_true(rig_output(&rig));
    assert_true(peer_acks(&rig, 50, 0));
    rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_FIN | TCP_ACK);
}

static void a_silent_peer_is_asked_and_given_up(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    rig_pass(&rig, RIG_MS(rig.config.keepalive_idle_ms) - 1);
    assert_false(rig_output(&rig));
    rig_pass(&rig, 1);
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.seq, rig.isn); // one before the next
    assert_int_equal(rig.out.payload_len, 0);
    assert_true(peer_acks(&rig, 0, 60000));
    rig_pass(&rig, RIG_MS(rig.config.keepalive_interval_ms));
    assert_false(rig_output(&rig));
    rig_pass(&rig, RIG_MS(rig.config.keepalive_idle_ms - rig.config.keepalive_interval_ms));
    for (uint32_t i = 0; i < rig.config.keepalive_count; i++) {
        assert_true(rig_output(&rig));
        assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
        rig_pass(&rig, RIG_MS(rig.config.keepalive_interval_ms));
    }
    assert_int_equal(rig.conn.reason, TCP_REASON_SILENT);
    assert_int_equal(rig.events, TCP_EVENT_CLOSED);
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_RST | TCP_ACK);
    assert_int_equal(rig.conn.count.keepalives, 1 + rig.config.keepalive_count);
}

static void resets_from_outside(void **state)
{
    (void)state;
    struct frame_udp ip;
    struct tcp_segment s, answer;
    uint8_t frame[PORT_FRAME_MAX];
    assert_true(open_plain(&rig));
    assert_true(rig_send(&rig, text, 50));
    // The main lcore, for a lane that hangs.
    uint32_t len = tcp_reset_write(&rig.conn, true, frame);
    rig_look(&rig, frame, len);
    assert_int_equal(rig.out.flags, TCP_RST | TCP_ACK);
    assert_int_equal(rig.out.seq, rig.isn + 1);
    len = tcp_reset_write(&rig.conn, false, frame);
    rig_look(&rig, frame, len);
    assert_int_equal(rig.out.flags, TCP_RST | TCP_ACK);
    assert_int_equal(rig.out.seq, rig.isn + 1 + 50);
    assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
    // The answer to a frame of nobody's goes back where it came from.
    struct tcp_segment in = {.src_port = 9, .dst_port = 8, .seq = 100, .ack = 7, .flags = TCP_ACK};
    for (int i = 0; i < 2; i++) {
        in.flags = i ? TCP_SYN : TCP_ACK;
        len = rig_frame_build(frame, &in, NULL, 0);
        assert_int_equal(frame_parse(frame, len, &ip), FRAME_NOT_UDP);
        assert_int_equal(tcp_parse(&ip, false, &s), TCP_SEGMENT);
        len = tcp_refuse(&s, frame, rig.frame);
        rig.watching = false;
        rig_look(&rig, rig.frame, len);
        answer = rig.out;
        assert_int_equal(answer.src_port, 8);
        assert_int_equal(answer.dst_port, 9);
        assert_int_equal(answer.seq, i ? 0 : 7);
        assert_int_equal(answer.ack, i ? 101 : 0);
        assert_int_equal(answer.flags, i ? TCP_RST | TCP_ACK : TCP_RST);
    }
    s.flags = TCP_RST;
    assert_int_equal(tcp_refuse(&s, frame, rig.frame), 0);
    tcp_abort(&rig.conn);
    assert_int_equal(tcp_reset_write(&rig.conn, false, frame), 0);
}

static void set_up_refuses_what_cannot_work(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint32_t value;
        const char *word;
    } bad[] = {
        {offsetof(struct tcp_config, send_bytes), 3000, "power of two"},
        {offsetof(struct tcp_config, receive_bytes), 1024, "power of two"},
        {offsetof(struct tcp_config, rto_min_us), 10, "retransmission"},
        {offsetof(struct tcp_config, rto_max_us), 2000, "in this order"},
        {offsetof(struct tcp_config, rto_first_us), 1000, "first"},
        {offsetof(struct tcp_config, user_timeout_ms), 0, "user timeout"},
        {offsetof(struct tcp_config, keepalive_count), 0, "keepalives"},
        {offsetof(struct tcp_config, remote_ip), 0, "addresses"},
    };
    for (uint32_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = {0};
        rig_config(&rig);
        memcpy((char *)&rig.config + bad[i].at, &bad[i].value, sizeof bad[i].value);
        assert_false(tcp_init(&rig.conn, &rig.config, rig.frame, "s.yaml:3: sessions", &err));
        assert_int_equal(err.code, EXIT_USAGE);
        assert_non_null(strstr(err.text, "s.yaml:3: sessions: "));
        assert_non_null(strstr(err.text, bad[i].word));
    }
    rig_config(&rig);
    rig.config.mtu = 9000;
    struct error err = {0};
    assert_false(tcp_init(&rig.conn, &rig.config, rig.frame, "x", &err));
    assert_int_equal(tcp_memory_bytes(&rig.config), 1 << 17);
    assert_string_equal(tcp_state_name(TCP_LAST_ACK), "last-ack");
    assert_string_equal(tcp_reason_name(TCP_REASON_SILENT), "silent");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_syn_offers_what_is_configured, tear_down),
        cmocka_unit_test_teardown(a_syn_is_sent_again_until_the_time_is_up, tear_down),
        cmocka_unit_test_teardown(nothing_leaves_without_a_neighbour, tear_down),
        cmocka_unit_test_teardown(what_is_not_agreed_on_is_not_used, tear_down),
        cmocka_unit_test_teardown(both_paths_write_the_same_frame, tear_down),
        cmocka_unit_test_teardown(the_card_finds_the_pseudo_header, tear_down),
        cmocka_unit_test_teardown(an_order_takes_the_acknowledgement_along, tear_down),
        cmocka_unit_test_teardown(what_the_port_refuses_was_never_sent, tear_down),
        cmocka_unit_test_teardown(a_window_lets_only_whole_payloads_through, tear_down),
        cmocka_unit_test_teardown(a_window_does_not_move_with_an_acknowledgement, tear_down),
        cmocka_unit_test_teardown(the_send_buffer_is_a_limit, tear_down),
        cmocka_unit_test_teardown(the_congestion_window_is_a_limit, tear_down),
        cmocka_unit_test_teardown(a_shut_window_is_asked_about, tear_down),
        cmocka_unit_test_teardown(a_small_window_is_asked_about_too, tear_down),
        cmocka_unit_test_teardown(a_fin_waits_for_its_place_in_the_window, tear_down),
        cmocka_unit_test_teardown(a_silent_peer_is_asked_and_given_up, tear_down),
        cmocka_unit_test_teardown(resets_from_outside, tear_down),
        cmocka_unit_test_teardown(set_up_refuses_what_cannot_work, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
