// A session over our own TCP on a port of the lane: from the handshake to an order, its answer and
// the end of the connection, frame by frame.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/link_world.h"

static void an_order_leaves_in_the_call_and_its_answer_comes_back(void **state)
{
    (void)state;
    uint32_t index;
    uint8_t m[64];
    connect_up();
    const uint32_t free_before = port_sim_free(&w->port);
    assert_int_equal(desk_enter(&w->desk, &who, &buy, &index), REFUSAL_NONE);
    assert_int_equal(sent_take(), 1); // before any turn
    assert_int_equal(w->got_len, 50);
    assert_true(w->got[3] == 'O' && ouch50_enter_user_ref(w->got + 3) == 1);
    const struct ouch50_accepted a = {.timestamp_ns = 2,
                                      .user_ref = 1,
                                      .side = 'B',
                                      .quantity = 100,
                                      .price = 1000000,
                                      .order_ref = 5,
                                      .state = 'L'};
    packet_push('S', m, ouch50_accepted_write(m, &a));
    turn();
    assert_int_equal(orders_at(&w->desk.orders, index)->life, LIFE_LIVE);
    sent_take();
    assert_int_equal(port_sim_free(&w->port), free_before);
    assert_int_equal(w->lane.count->frames_foreign, 0);
}

static void sums_are_left_to_a_card_that_takes_them(void **state)
{
    (void)state;
    uint32_t index;
    struct tcp_config tc = w->link.tcp.config;
    struct error err = {0};
    w->port.port.sums_tcp = true;
    assert_true(
        tcp_link_init(&w->link, &tc, w->link.tcp.send_ring, &w->port.port, 0, HZ, "s", &err));
    tcp_link_bind(&w->link, &w->session);
    connect_up();
    assert_int_equal(desk_enter(&w->desk, &who, &buy, &index), REFUSAL_NONE);
    assert_int_equal(sent_take(), 1);
    assert_int_equal(w->got_len, 50);
}

static void a_full_transmit_ring_takes_the_order_back(void **state)
{
    (void)state;
    uint32_t index;
    connect_up();
    const uint32_t next = w->link.tcp.snd_nxt;
    w->port.send_room = 0;
    assert_int_equal(desk_enter(&w->desk, &who, &buy, &index), REFUSAL_TRANSMIT);
    assert_int_equal(w->desk.risk.firm.orders, 0);
    assert_int_equal(w->link.tcp.snd_nxt, next); // nor would they be sent again
    w->port.send_room = 1000;
    assert_int_equal(desk_enter(&w->desk, &who, &buy, &index), REFUSAL_NONE);
    sent_take();
    assert_int_equal(w->got_len, 50); // the refused bytes never became part of the stream
    assert_int_equal(ouch50_enter_user_ref(w->got + 3), 1);
}

static void many_messages_in_one_burst_are_all_read(void **state)
{
    (void)state;
    uint8_t p[1400];
    connect_up();
    for (uint32_t i = 0; i < 20; i++) { // more than the session's buffer holds
        uint32_t len = 0;
        for (; len + 16 < sizeof p; len += 16) {
            const struct ouch50_query_answer q = {.timestamp_ns = 1, .next_user_ref = 1};
            be16_store(p + len, 14);
            p[len + 2] = 'S';
            ouch50_query_answer_write(p + len + 3, &q);
        }
        segment_push(TCP_ACK, p, len);
    }
    turn();
    assert_int_equal(w->session.state, SESSION_READY);
    assert_true(w->session.count.sequenced == 1 + 20 * 87);
}

// Two bursts of segments behind one that is missing: the hole's last byte brings more at once than
// the session's buffer holds.
static void a_hole_that_closes_brings_more_than_the_session_holds(void **state)
{
    (void)state;
    uint8_t p[1400];
    const uint32_t first = 20;
    connect_up();
    const uint32_t hole = w->peer_seq;
    uint32_t len = 0;
    for (; len + 16 <= sizeof p; len += 16) {
        const struct ouch50_query_answer q = {.timestamp_ns = 1, .next_user_ref = 1};
        be16_store(p + len, 14);
        p[len + 2] = 'S';
        ouch50_query_answer_write(p + len + 3, &q);
    }
    w->peer_seq += len;
    for (uint32_t i = 1; i < first; i++)
        segment_push(TCP_ACK, p, len);
    turn();
    sent_take();
    assert_int_equal(w->session.count.sequenced, 1);
    const uint32_t end = w->peer_seq;
    w->peer_seq = hole;
    segment_push(TCP_ACK, p, len);
    w->peer_seq = end;
    turn();
    sent_take();
    assert_int_equal(w->session.state, SESSION_READY);
    assert_int_equal(w->session.count.sequenced, 1 + first * len / 16);
}

static void what_no_connection_expects_is_reset_but_not_in_a_row(void **state)
{
    (void)state;
    connect_up();
    const uint16_t port = w->local_port;
    w->local_port = 1234;
    segment_push(TCP_ACK, "old", 3);
    segment_push(TCP_ACK, "old", 3);
    turn();
    assert_int_equal(sent_take(), 1);
    assert_true(w->flags & TCP_RST);
    assert_int_equal(w->local_port, 1234);
    assert_int_equal(w->link.strays, 2);
    assert_int_equal(w->lane.count->frames_foreign, 0);
    w->local_port = port;
    assert_int_equal(w->session.state, SESSION_READY);
}

// Nor is a host answered that is none of ours, or a frame for another.
static void what_is_of_other_hosts_is_not_answered(void **state)
{
    (void)state;
    connect_up();
    uint32_t *const ends[] = {&w->link.tcp.config.remote_ip, &w->link.tcp.config.local_ip};
    for (uint32_t i = 0; i < 2; i++) {
        ++*ends[i];
        segment_push(TCP_ACK, "old", 3);
        turn();
        assert_true(sent_take() == 0 && w->link.strays == 0);
        --*ends[i];
    }
    assert_int_equal(w->lane.count->frames_foreign, 2);
}

static void without_a_neighbour_orders_are_refused(void **state)
{
    (void)state;
    uint32_t index;
    struct lane_answer answer = {.kind = ANSWER_NEIGHBOUR, .loaded = false};
    connect_up();
    assert_true(spsc_push(&w->lane.answers, &answer));
    turn();
    assert_int_equal(desk_enter(&w->desk, &who, &buy, &index), REFUSAL_SESSION_BUSY);
    assert_int_equal(sent_take(), 0);
    answer.loaded = true;
    memcpy(answer.mac, remote_mac, 6);
    assert_true(spsc_push(&w->lane.answers, &answer));
    turn();
    assert_int_equal(desk_enter(&w->desk, &who, &buy, &index), REFUSAL_NONE);
    assert_int_equal(sent_take(), 1);
}

static void a_neighbour_that_answers_ends_the_back_off(void **state)
{
    (void)state;
    struct lane_answer answer = {.kind = ANSWER_NEIGHBOUR, .loaded = true};
    turn();
    turn();
    assert_int_equal(sent_take(), 0);
    memcpy(answer.mac, remote_mac, 6);
    assert_true(spsc_push(&w->lane.answers, &answer));
    turn();
    assert_int_equal(sent_take(), 1);
    assert_int_equal(w->flags, TCP_SYN);
}

static void a_logout_ends_session_and_connection_for_good(void **state)
{
    (void)state;
    const struct lane_answer answer = {.kind = ANSWER_LOGOUT};
    connect_up();
    assert_true(spsc_push(&w->lane.answers, &answer));
    turn();
    assert_true(sent_take() >= 1);
    assert_int_equal(w->got_len, 3);
    assert_int_equal(w->got[2], 'O');
    assert_true(w->flags & TCP_FIN);
    segment_push(TCP_ACK | TCP_FIN, NULL, 0);
    turn();
    sent_take();
    assert_int_equal(w->session.state, SESSION_DOWN);
    w->now += 10ull * HZ;
    turn();
    assert_int_equal(sent_take(), 0);
}

static void a_feed_that_is_lost_cancels_what_is_open_once(void **state)
{
    (void)state;
    uint32_t index;
    struct channel *channel = zeroed(sizeof *channel);
    open_at_the_exchange(&index);
    channel->quality = QUALITY_GOOD;
    w->desk.sessions[0].channel = channel;
    w->desk.sessions[0].cancels_on_feed_loss = true;
    turn();
    assert_int_equal(sent_take(), 0);
    channel->quality = QUALITY_STALE;
    turn();
    turn();
    turn();
    sent_take();
    assert_int_equal(w->got_len, 3 + 19 + 3 + 9); // all, then each
    assert_int_equal(w->got[3 + 19 + 3], 'X');
    assert_int_equal(orders_at(&w->desk.orders, index)->waits, WAIT_CANCEL);
}

static void everything_of_a_session_is_cancelled_by_one_message_first(void **state)
{
    (void)state;
    uint32_t index;
    open_at_the_exchange(&index);
    kill_ask(&w->desk.kills[KILL_BY_OPERATOR], TRADE_SESSION, 0);
    turn();
    sent_take();
    const uint8_t *all = w->got, *single = w->got + 3 + 19;
    assert_int_equal(w->got_len, 3 + 19 + 3 + 9);
    assert_int_equal(all[3], 'C');
    assert_int_equal(ouch50_mass_cancel_user_ref(all + 3), 2);
    assert_memory_equal(all + 3 + 5, "            ", 12); // every firm and symbol
    assert_int_equal(single[3], 'X');
    assert_int_equal(ouch50_cancel_user_ref(single + 3), 1);
    kill_lift(&w->desk.kills[KILL_BY_OPERATOR], TRADE_SESSION, 0);
    assert_int_equal(desk_enter(&w->desk, &who, &buy, &index), REFUSAL_NONE);
    assert_int_equal(orders_at(&w->desk.orders, index)->ref, 3);
    assert_false(w->session.halted);
}

static void less_than_a_session_is_cancelled_one_by_one(void **state)
{
    (void)state;
    uint32_t index;
    open_at_the_exchange(&index);
    kill_ask(&w->desk.kills[KILL_BY_OPERATOR], TRADE_ACCOUNT, 0);
    turn();
    sent_take();
    assert_int_equal(w->got_len, 3 + 9);
    assert_int_equal(w->got[3], 'X');
}

// A packet that the session's buffer holds is read, whatever comes behind it in the same run.
static void a_long_packet_may_come_with_others(void **state)
{
    (void)state;
    enum { PIECE = 1000, LONG = 7500, BEATS = 500, HOLE = 5 * PIECE };
    static uint8_t p[2 + LONG + BEATS * SOUPBIN_HEADER_LEN];
    connect_up();
    be16_store(p, LONG);
    p[2] = SOUPBIN_DEBUG;
    for (uint32_t i = 0; i < BEATS; i++)
        memcpy(p + 2 + LONG + i * SOUPBIN_HEADER_LEN, "\0\1H", SOUPBIN_HEADER_LEN);
    const uint32_t first = w->peer_seq;
    for (uint32_t at = 0; at < sizeof p; at += PIECE) {
        w->peer_seq = first + at;
        if (at != HOLE)
            segment_push(TCP_ACK, p + at, sizeof p - at < PIECE ? sizeof p - at : PIECE);
    }
    turn();
    w->peer_seq = first + HOLE;
    segment_push(TCP_ACK, p + HOLE, PIECE);
    w->peer_seq = first + sizeof p;
    turn();
    sent_take();
    assert_int_equal(w->session.state, SESSION_READY);
    assert_int_equal(w->session.count.malformed, 0);
    assert_int_equal(w->session.count.heartbeats_in, BEATS);
}

static void a_session_of_another_lane_takes_no_order_here(void **state)
{
    (void)state;
    uint32_t index;
    struct desk_order elsewhere = buy;
    connect_up();
    desk_session_add(&w->desk, NULL, NULL, NULL);
    elsewhere.session = 1;
    assert_int_equal(desk_enter(&w->desk, &who, &elsewhere, &index), REFUSAL_UNKNOWN_ACCOUNT);
    turn();
    assert_int_equal(desk_enter(&w->desk, &who, &buy, &index), REFUSAL_NONE);
    assert_int_equal(sent_take(), 1);
}

static void the_end_of_the_connection_ends_the_session_and_another_follows(void **state)
{
    (void)state;
    uint32_t index;
    connect_up();
    segment_push(TCP_RST, NULL, 0);
    turn();
    assert_int_equal(w->session.state, SESSION_DOWN);
    assert_int_equal(desk_enter(&w->desk, &who, &buy, &index), REFUSAL_SESSION_DOWN);
    const uint16_t port = w->local_port;
    sent_take();
    w->now += HZ;
    turn();
    sent_take();
    assert_int_equal(w->flags, TCP_SYN);
    assert_int_not_equal(w->local_port, port);
}

// The exchange ends its half: ours follows, no order goes out any more, and another connection is
// made once both have ended.
static void an_exchange_that_finishes_is_finished_with(void **state)
{
    (void)state;
    uint32_t index;
    connect_up();
    segment_push(TCP_FIN | TCP_ACK, NULL, 0);
    turn();
    sent_take();
    turn();
    sent_take();
    assert_true(w->flags & TCP_FIN);
    assert_int_not_equal(desk_enter(&w->desk, &who, &buy, &index), REFUSAL_NONE);
    segment_push(TCP_ACK, NULL, 0);
    turn();
    turn();
    assert_int_equal(w->session.state, SESSION_DOWN);
    w->now += HZ;
    turn();
    sent_take();
    assert_int_equal(w->flags, TCP_SYN);
}

int main(void)
{
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WORLD_TEST(an_order_leaves_in_the_call_and_its_answer_comes_back),
        WORLD_TEST(sums_are_left_to_a_card_that_takes_them),
        WORLD_TEST(a_full_transmit_ring_takes_the_order_back),
        WORLD_TEST(many_messages_in_one_burst_are_all_read),
        WORLD_TEST(a_hole_that_closes_brings_more_than_the_session_holds),
        WORLD_TEST(what_no_connection_expects_is_reset_but_not_in_a_row),
        WORLD_TEST(what_is_of_other_hosts_is_not_answered),
        WORLD_TEST(without_a_neighbour_orders_are_refused),
        WORLD_TEST(a_neighbour_that_answers_ends_the_back_off),
        WORLD_TEST(a_logout_ends_session_and_connection_for_good),
        WORLD_TEST(a_feed_that_is_lost_cancels_what_is_open_once),
        WORLD_TEST(everything_of_a_session_is_cancelled_by_one_message_first),
        WORLD_TEST(less_than_a_session_is_cancelled_one_by_one),
        WORLD_TEST(a_long_packet_may_come_with_others),
        WORLD_TEST(a_session_of_another_lane_takes_no_order_here),
        WORLD_TEST(the_end_of_the_connection_ends_the_session_and_another_follows),
        WORLD_TEST(an_exchange_that_finishes_is_finished_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
