// What was sent and may be lost: time-outs, duplicate acknowledgements, SACK, early time-outs,
// windows that shrink.
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

static bool wait_timeout(void)
{
    rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
    return rig_output(&rig);
}

static void the_timer_follows_the_round_trip(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_int_equal(rig.conn.srtt_ns, RIG_US(50));
    assert_int_equal(rig.conn.rto_ns, RIG_US(rig.config.rto_min_us)); // the floor
    // RFC 6298, section 2.3, with a round trip of 20 ms.
    assert_true(send_bytes(&rig, 1, 10));
    rig.now_ns += RIG_MS(20);
    assert_true(peer_acks(&rig, 10, 60000));
    assert_int_equal(rig.conn.srtt_ns, RIG_US(50) + (RIG_MS(20) - RIG_US(50)) / 8);
    uint64_t var = RIG_US(25) + (RIG_MS(20) - RIG_US(50) - RIG_US(25)) / 4;
    assert_int_equal(rig.conn.rttvar_ns, var);
    assert_int_equal(rig.conn.rto_ns, rig.conn.srtt_ns + 4 * var);
}

static void a_time_out_sends_the_same_bytes_again(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(send_bytes(&rig, 3, 50));
    uint64_t wait = RIG_US(rig.config.rto_min_us);
    for (int i = 0; i < 5; i++) {
        rig_pass(&rig, wait - 1);
        assert_false(rig_output(&rig));
        rig_pass(&rig, 1);
        assert_true(rig_output(&rig));
        // All of it fits one segment; the watch has compared every byte.
        assert_int_equal(out_at(&rig), 0);
        assert_int_equal(rig.out.payload_len, 150);
        assert_false(rig_output(&rig));
        wait *= 2; // RFC 6298, section 5.5
    }
    assert_int_equal(rig.watch.again, 5 * 150);
    assert_int_equal(rig.conn.count.retransmits, 5);
    assert_int_equal(rig.conn.cwnd, rig.conn.mss);
    // Karn: no sample from what was sent again, so the longer timer stays until there is one.
    assert_true(peer_acks(&rig, 150, 60000));
    assert_int_equal(rig.conn.rto_ns, wait);
    assert_int_equal(rig.conn.srtt_ns, RIG_US(50));
    assert_true(send_bytes(&rig, 1, 50));
    rig.now_ns += RIG_US(50);
    assert_true(peer_acks(&rig, 200, 60000));
    assert_int_equal(rig.conn.rto_ns, RIG_US(rig.config.rto_min_us));
}

static void a_peer_that_never_answers_is_given_up(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(send_bytes(&rig, 1, 50));
    uint64_t begin = rig.now_ns;
    while (rig.conn.state != TCP_CLOSED) {
        rig_pass(&rig, rig.conn.deadline_ns - rig.now_ns);
        rig_output(&rig);
    }
    assert_int_equal(rig.conn.reason, TCP_REASON_TIMEOUT);
    assert_int_equal(rig.out.flags, TCP_RST | TCP_ACK);
    uint64_t took = rig.now_ns - begin;
    assert_true(took >= RIG_MS(rig.config.user_timeout_ms));
    assert_true(took <= RIG_MS(rig.config.user_timeout_ms) + RIG_US(rig.config.rto_max_us));
}

// Patience is counted from what is out: from when it went out after silence, and from each
// progress.
static void patience_begins_with_what_is_out(void **state)
{
    (void)state;
    rig_config(&rig);
    rig.config.timestamps = rig.config.sack = false;
    rig.config.keepalive_idle_ms = 0;
    assert_true(open_with(&rig, 1460, 15000));
    rig_pass(&rig, RIG_MS(3 * rig.config.user_timeout_ms));
    assert_true(send_bytes(&rig, 1, 50));
    assert_true(wait_timeout());
    assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
    // Something is out all the time, for longer than the patience.
    uint32_t acked = 0;
    for (uint32_t i = 0; i < 3 * rig.config.user_timeout_ms; i++) {
        assert_true(send_bytes(&rig, 1, 1));
        rig_pass(&rig, RIG_MS(1));
        assert_true(peer_acks(&rig, 50 + acked, 60000));
        acked += rig.conn.snd_nxt - rig.conn.snd_una > 1;
        while (rig_output(&rig))
            continue;
    }
    assert_true(rig.conn.snd_nxt != rig.conn.snd_una);
    rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
    assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
}

// RFC 6298, section 5.3: what is acknowledged gives the rest a whole timer.
static void an_acknowledgement_starts_the_timer_anew(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(send_bytes(&rig, 2, 50));
    rig_pass(&rig, rig.conn.rto_ns - RIG_US(100));
    assert_true(peer_acks(&rig, 50, 60000));
    assert_int_equal(rig.conn.rto_at_ns, rig.now_ns + rig.conn.rto_ns);
    rig_pass(&rig, RIG_US(200));
    assert_false(rig_output(&rig));
    assert_int_equal(rig.conn.count.timeouts, 0);
}

// A frame that never left is not what the next round trip is measured from.
static void what_was_taken_back_is_not_timed(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    rig.watching = false;
    assert_true(rig_send(&rig, "x", 1));
    tcp_frame_undo(&rig.conn, 1);
    rig.watching = true;
    rig.now_ns += RIG_MS(2);
    assert_true(send_bytes(&rig, 1, 1));
    rig.now_ns += RIG_US(50);
    assert_true(peer_acks(&rig, 1, 60000));
    assert_int_equal(rig.conn.srtt_ns, RIG_US(50));
}

static void a_long_loss_is_repaired_by_slow_start(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(send_bytes(&rig, 8, 1460));
    assert_true(wait_timeout());
    assert_int_equal(out_at(&rig), 0);
    assert_int_equal(rig.out.payload_len, 1460);
    assert_false(rig_output(&rig));
    assert_int_equal(rig.conn.ssthresh, 4 * 1460);
    // New orders have to wait until there is room again.
    assert_false(rig_send(&rig, "x", 1));
    assert_true(peer_acks(&rig, 1460, 60000));
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 1460);
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 2 * 1460);
    assert_false(rig_output(&rig));
    // The rest had arrived: nothing more is sent again.
    // Duplicates are answers to what was sent again: no second loss.
    for (int i = 0; i < 4; i++)
        assert_true(peer_acks(&rig, 1460, 60000));
    assert_false(rig_output(&rig));
    assert_int_equal(rig.conn.count.fast_retransmits, 0);
    assert_true(peer_acks(&rig, 8 * 1460, 60000));
    assert_false(rig_output(&rig));
    // The duplicates of then are forgotten.
    assert_true(send_bytes(&rig, 2, 1));
    assert_true(peer_acks(&rig, 8 * 1460, 60000));
    assert_int_equal(rig.conn.count.fast_retransmits, 0);
}

static void three_duplicates_mean_a_loss(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(send_bytes(&rig, 6, 1000));
    // The first, third and fifth are lost.
    for (int i = 0; i < 2; i++)
        assert_true(peer_acks(&rig, 0, 60000));
    assert_false(rig_output(&rig));
    assert_true(peer_acks(&rig, 0, 60000));
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 0);
    assert_int_equal(rig.out.payload_len, 1460); // not the frames of the first time
    assert_false(rig_output(&rig));
    assert_int_equal(rig.conn.count.fast_retransmits, 1);
    assert_int_equal(rig.conn.count.timeouts, 0);
    assert_int_equal(rig.conn.ssthresh, 3000); // half of what was out (RFC 5681, section 3.2)
    // NewReno: an acknowledgement of a part says where the next hole is.
    assert_true(peer_acks(&rig, 2000, 60000));
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 2000);
    assert_false(rig_output(&rig));
    assert_true(peer_acks(&rig, 4000, 60000));
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 4000);
    assert_true(peer_acks(&rig, 6000, 60000));
    assert_false(rig_output(&rig));
    assert_false(rig.conn.in_recovery);
    assert_int_equal(rig.conn.count.fast_retransmits, 1);
}

static void what_is_no_duplicate_does_not_count(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(send_bytes(&rig, 4, 100));
    // New windows, and data of the peer, are no sign of a loss (RFC 5681, section 2).
    for (uint32_t i = 1; i < 6; i++)
        assert_true(peer_acks(&rig, 0, 50000 + 4 * i));
    for (int i = 0; i < 5; i++)
        assert_true(peer_data(&rig, 0, 10));
    assert_int_equal(rig.conn.count.acks_duplicate, 0);
    assert_int_equal(rig.conn.count.fast_retransmits, 0);
}

static void sack_sends_only_the_holes(void **state)
{
    (void)state;
    assert_true(open_sack(&rig));
    assert_true(send_bytes(&rig, 10, 1000));
    // Lost: 0, 3 and 4.
    assert_true(peer_sacks(&rig, 0, 1000, 2000));
    assert_true(peer_sacks(&rig, 0, 1000, 3000));
    assert_true(peer_sacks(&rig, 0, 5000, 6000));
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 0);
    assert_int_equal(rig.out.payload_len, 1000);
    assert_false(rig_output(&rig));
    assert_true(peer_sacks(&rig, 0, 5000, 7000));
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 3000);
    assert_int_equal(rig.out.payload_len, 1460);
    assert_true(peer_sacks(&rig, 0, 5000, 8000));
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 4460);
    assert_int_equal(rig.out.payload_len, 540);
    assert_true(peer_sacks(&rig, 0, 5000, 10000));
    assert_false(rig_output(&rig));
    assert_true(peer_acks(&rig, 10000, 60000));
    assert_false(rig_output(&rig));
    assert_int_equal(rig.watch.again, 3000);
    assert_int_equal(rig.conn.sacked_count, 0);
}

static void sack_that_cannot_be_is_ignored(void **state)
{
    (void)state;
    assert_true(open_sack(&rig));
    assert_true(send_bytes(&rig, 4, 1000));
    assert_true(peer_acks(&rig, 1000, 60000));
    assert_true(peer_sacks(&rig, 1000, 0, 500));     // a duplicate (RFC 2883): no fault
    assert_true(peer_sacks(&rig, 1000, 3000, 4001)); // never sent
    assert_true(peer_sacks(&rig, 1000, 3000, 2000));
    assert_true(peer_sacks(&rig, 1000, 500, 2000));
    assert_int_equal(rig.conn.count.sack_bad, 3);
    assert_int_equal(rig.conn.sacked_count, 0);
    // The same block again tells nothing new: no duplicate.
    for (int i = 0; i < 5; i++)
        assert_true(peer_sacks(&rig, 1000, 2000, 3000));
    assert_int_equal(rig.conn.count.acks_duplicate, 1);
    // More ranges than are remembered.
    rig_free(&rig);
    assert_true(open_sack(&rig));
    assert_true(send_bytes(&rig, 100, 100));
    for (uint32_t i = 1; i < 50; i++)
        assert_true(peer_sacks(&rig, 0, i * 200, i * 200 + 100));
    assert_int_equal(rig.conn.sacked_count, TCP_SACKED_MAX);
    assert_true(peer_acks(&rig, 10000, 60000));
    assert_int_equal(rig.conn.sacked_count, 0);
}

static void a_time_out_forgets_what_was_sacked(void **state)
{
    (void)state;
    assert_true(open_sack(&rig));
    assert_true(send_bytes(&rig, 4, 1000));
    assert_true(peer_sacks(&rig, 0, 1000, 4000));
    assert_true(wait_timeout());
    assert_int_equal(out_at(&rig), 0);
    // The peer has dropped what it had (RFC 2018, section 8), and gets it again.
    assert_true(peer_acks(&rig, 1460, 60000));
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 1460);
    assert_int_equal(rig.out.payload_len, 1460);
}

static void an_early_time_out_is_taken_back(void **state)
{
    (void)state;
    assert_true(open_timestamps(&rig));
    assert_true(send_bytes(&rig, 3, 1000));
    uint32_t first_ts = rig.out.ts_value, cwnd = rig.conn.cwnd;
    assert_true(wait_timeout());
    assert_int_not_equal(rig.out.ts_value, first_ts);
    assert_int_equal(rig.conn.cwnd, rig.conn.mss);
    // The answer to what was sent the first time comes 40 ms late.
    rig.now_ns += RIG_MS(35);
    struct tcp_segment s = peer_segment(&rig, 2000, 60000);
    s.ts_echo = first_ts;
    assert_true(rig_segment(&rig, s));
    assert_int_equal(rig.conn.count.spurious, 1);
    assert_true(rig.conn.cwnd >= cwnd);
    assert_false(rig_output(&rig));
    // The timer has learned from it.
    assert_true(rig.conn.rto_ns > RIG_MS(30));
    // It comes when the timer has run out, but nothing has been sent again.
    uint64_t spurious = rig.conn.count.spurious;
    assert_true(peer_acks(&rig, 3000, 60000));
    assert_true(send_bytes(&rig, 1, 1000));
    rig_pass(&rig, rig.conn.rto_at_ns - rig.now_ns);
    assert_true(peer_acks(&rig, 4000, 60000));
    assert_int_equal(rig.conn.count.spurious, spurious + 1);
    assert_false(rig_output(&rig));
    assert_true(rig.conn.cwnd > rig.conn.mss);
    // An answer to what was sent again takes nothing back.
    rig_free(&rig);
    assert_true(open_timestamps(&rig));
    assert_true(send_bytes(&rig, 3, 1000));
    assert_true(wait_timeout());
    assert_true(peer_acks(&rig, 2000, 60000));
    assert_int_equal(rig.conn.count.spurious, 0);
    assert_int_equal(rig.conn.ssthresh, 2 * rig.conn.mss);
}

static void a_window_that_shrinks_is_respected(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(send_bytes(&rig, 4, 1000));
    assert_true(peer_acks(&rig, 1000, 0));
    while (rig_output(&rig))
        continue;
    assert_true(wait_timeout());
    assert_int_equal(out_at(&rig), 1000);
    assert_int_equal(rig.out.payload_len, 1);
    // It answers that it has no room, for longer than our patience: it is alive.
    for (int i = 0; i < 30; i++) {
        assert_true(peer_acks(&rig, 1000, 0));
        rig_pass(&rig, RIG_MS(500));
        while (rig_output(&rig))
            assert_true(out_at(&rig) == 1000 && rig.out.payload_len <= 1);
    }
    assert_int_equal(rig.conn.state, TCP_ESTABLISHED);
    assert_true(peer_acks(&rig, 1001, 500));
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 1001);
    assert_int_equal(rig.out.payload_len, 500);
    assert_true(peer_acks(&rig, 1501, 60000));
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.payload_len, 1460);
    // An acknowledgement without data has a number inside the window.
    assert_true(peer_acks(&rig, 1501, 100));
    rig.conn.due = 0;
    struct tcp_segment s = peer_segment(&rig, 1501, 100);
    s.payload = (const uint8_t *)"x";
    s.payload_len = 1;
    assert_true(rig_segment(&rig, s));
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 1601);
}

static void a_fin_goes_with_the_last_bytes_sent_again(void **state)
{
    (void)state;
    assert_true(open_plain(&rig));
    assert_true(send_bytes(&rig, 3, 1000));
    tcp_close(&rig.conn, rig.now_ns);
    assert_true(rig_output(&rig));
    assert_int_equal(rig.out.flags, TCP_FIN | TCP_ACK);
    assert_int_equal(out_at(&rig), 3000);
    assert_true(wait_timeout());
    assert_int_equal(rig.out.flags, TCP_ACK | TCP_PSH);
    assert_true(peer_acks(&rig, 1460, 60000));
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 1460);
    assert_true(rig_output(&rig));
    assert_int_equal(out_at(&rig), 2920);
    assert_int_equal(rig.out.payload_len, 80);
    assert_int_equal(rig.out.flags, TCP_FIN | TCP_ACK | TCP_PSH);
    assert_true(peer_acks(&rig, 3001, 60000));
    assert_int_equal(rig.conn.state, TCP_FIN_WAIT_2);
    assert_false(rig_output(&rig));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_timer_follows_the_round_trip, tear_down),
        cmocka_unit_test_teardown(a_time_out_sends_the_same_bytes_again, tear_down),
        cmocka_unit_test_teardown(a_peer_that_never_answers_is_given_up, tear_down),
        cmocka_unit_test_teardown(patience_begins_with_what_is_out, tear_down),
        cmocka_unit_test_teardown(an_acknowledgement_starts_the_timer_anew, tear_down),
        cmocka_unit_test_teardown(what_was_taken_back_is_not_timed, tear_down),
        cmocka_unit_test_teardown(a_long_loss_is_repaired_by_slow_start, tear_down),
        cmocka_unit_test_teardown(three_duplicates_mean_a_loss, tear_down),
        cmocka_unit_test_teardown(what_is_no_duplicate_does_not_count, tear_down),
        cmocka_unit_test_teardown(sack_sends_only_the_holes, tear_down),
        cmocka_unit_test_teardown(sack_that_cannot_be_is_ignored, tear_down),
        cmocka_unit_test_teardown(a_time_out_forgets_what_was_sacked, tear_down),
        cmocka_unit_test_teardown(an_early_time_out_is_taken_back, tear_down),
        cmocka_unit_test_teardown(a_window_that_shrinks_is_respected, tear_down),
        cmocka_unit_test_teardown(a_fin_goes_with_the_last_bytes_sent_again, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
