#include "tests/unit/port/slow_world.h"

static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void request_for_our_address_is_answered(void **state)
{
    (void)state;
    uint8_t dst[6];
    world_init(own_ip, 3);
    world_arp(ARP_REQUEST, peer_ip, own_ip, FRAME_NO_VLAN);
    struct arp arp = world_arp_sent(dst);
    assert_int_equal(arp.operation, ARP_REPLY);
    assert_int_equal(arp.sender_ip, own_ip);
    assert_int_equal(arp.target_ip, peer_ip);
    assert_memory_equal(arp.target_mac, peer_mac, 6);
    assert_memory_equal(dst, peer_mac, 6);
    assert_int_equal(w.count.arp_in, 1);
    assert_int_equal(w.count.arp_out, 1);
    // A probe of somebody who has no address yet (RFC 5227).
    world_arp(ARP_REQUEST, 0, own_ip, FRAME_NO_VLAN);
    assert_int_equal(world_arp_sent(dst).target_ip, 0);
}

static void what_is_not_ours_is_not_answered(void **state)
{
    (void)state;
    world_init(own_ip, 3);
    world_arp(ARP_REQUEST, peer_ip, IP(10, 0, 0, 3), FRAME_NO_VLAN);
    world_arp(ARP_REPLY, peer_ip, own_ip, FRAME_NO_VLAN);
    world_arp(ARP_REQUEST, peer_ip, own_ip, 7); // another VLAN
    assert_int_equal(world_sent(), 0);
    world_init(0, 3);
    world_arp(ARP_REQUEST, peer_ip, 0, FRAME_NO_VLAN);
    assert_int_equal(world_sent(), 0);
}

static void answers_carry_our_tag(void **state)
{
    (void)state;
    world_init(own_ip, 3);
    w.slow.vlan = 7;
    world_arp(ARP_REQUEST, peer_ip, own_ip, 7);
    assert_int_equal(world_arp_sent(NULL).operation, ARP_REPLY); // looks at the tag
    world_arp(ARP_REQUEST, peer_ip, own_ip, FRAME_NO_VLAN);
    assert_int_equal(world_sent(), 0);
    // A tag with id 0 is a priority, not a VLAN.
    world_init(own_ip, 3);
    world_arp(ARP_REQUEST, peer_ip, own_ip, 0);
    assert_int_equal(world_sent(), 1);
}

static void address_is_announced_twice_and_again_after_the_link(void **state)
{
    (void)state;
    uint8_t dst[6];
    world_init(own_ip, 3);
    slow_link_up(&w.slow, w.now);
    assert_int_equal(world_turn(0), 1);
    struct arp arp = world_arp_sent(dst);
    assert_int_equal(arp.operation, ARP_REQUEST);
    assert_int_equal(arp.sender_ip, own_ip);
    assert_int_equal(arp.target_ip, own_ip);
    assert_memory_equal(dst, everybody, 6);
    assert_int_equal(world_turn(SLOW_ANNOUNCE_MS - 1), 0);
    assert_int_equal(world_turn(1), 1);
    assert_int_equal(world_turn(100000), 0);
    slow_link_up(&w.slow, w.now);
    assert_int_equal(world_turn(0), 1);
}

static void neighbour_is_asked_for_and_used(void **state)
{
    (void)state;
    uint8_t dst[6];
    struct frame frame;
    struct frame_udp f;
    world_init(own_ip, 3);
    assert_int_equal(slow_udp_send(&w.slow, peer_ip, 18300, 40000, "hello", 5, w.now),
                     SLOW_RESOLVING);
    assert_int_equal(world_turn(0), 1);
    struct arp arp = world_arp_sent(dst);
    assert_int_equal(arp.operation, ARP_REQUEST);
    assert_int_equal(arp.target_ip, peer_ip);
    assert_memory_equal(dst, everybody, 6);
    assert_false(slow_neighbour_mac(&w.slow, peer_ip, dst));
    world_arp(ARP_REPLY, peer_ip, own_ip, FRAME_NO_VLAN);
    assert_true(slow_neighbour_mac(&w.slow, peer_ip, dst));
    assert_memory_equal(dst, peer_mac, 6);
    assert_false(slow_neighbour_mac(&w.slow, IP(239, 0, 0, 1), dst));

    assert_int_equal(slow_udp_send(&w.slow, peer_ip, 18300, 40000, "hello", 5, w.now), SLOW_SENT);
    assert_true(port_sim_sent(&w.sim, &frame));
    assert_int_equal(frame_parse(frame.data, frame.len, &f), FRAME_UDP);
    assert_memory_equal(f.dst_mac, peer_mac, 6);
    assert_int_equal(f.src_ip, own_ip);
    assert_int_equal(f.dst_ip, peer_ip);
    assert_int_equal(f.src_port, 40000);
    assert_int_equal(f.dst_port, 18300);
    assert_int_equal(f.payload_len, 5);
    assert_memory_equal(f.payload, "hello", 5);
    assert_true(frame_ip_checksum_ok(&f) && frame_udp_checksum_ok(&f));
}

static void other_subnets_go_through_the_gateway(void **state)
{
    (void)state;
    world_init(own_ip, 3);
    assert_int_equal(slow_udp_send(&w.slow, IP(192, 0, 2, 1), 1, 2, "x", 1, w.now), SLOW_RESOLVING);
    assert_int_equal(world_turn(0), 1);
    assert_int_equal(world_arp_sent(NULL).target_ip, router_ip);
    w.slow.gateway = 0;
    assert_int_equal(slow_udp_send(&w.slow, IP(192, 0, 2, 2), 1, 2, "x", 1, w.now), SLOW_NO_ROUTE);
    world_init(0, 3);
    assert_int_equal(slow_udp_send(&w.slow, peer_ip, 1, 2, "x", 1, w.now), SLOW_NO_ROUTE);
}

static void silent_neighbour_is_given_up_and_asked_again_when_needed(void **state)
{
    (void)state;
    world_init(own_ip, 3);
    slow_udp_send(&w.slow, peer_ip, 1, 2, "x", 1, w.now);
    w.slow.neighbours[0].used = false; // nobody sends again
    uint32_t asked = 0;
    for (int i = 0; i < 100; i++)
        asked += world_turn(SLOW_ASK_MS);
    assert_int_equal(asked, SLOW_ASK_TRIES);
    assert_int_equal(w.slow.neighbours[0].state, NEIGHBOUR_FREE);
    assert_int_equal(slow_udp_send(&w.slow, peer_ip, 1, 2, "x", 1, w.now), SLOW_RESOLVING);
    assert_int_equal(world_turn(0), 1);
}

static void neighbour_in_use_is_asked_whether_it_is_still_there(void **state)
{
    (void)state;
    uint8_t dst[6];
    world_init(own_ip, 3);
    slow_neighbour_want(&w.slow, peer_ip, w.now);
    assert_int_equal(world_turn(0), 1);
    world_sent();
    world_arp(ARP_REPLY, peer_ip, own_ip, FRAME_NO_VLAN);
    assert_int_equal(world_turn(SLOW_REFRESH_MS - 1), 0);
    assert_int_equal(world_turn(1), 1);
    world_arp_sent(dst);
    assert_memory_equal(dst, peer_mac, 6); // to it alone
    assert_int_equal(slow_udp_send(&w.slow, peer_ip, 1, 2, "x", 1, w.now), SLOW_SENT);
    // It does not answer any more: forgotten, then asked for from the start.
    for (int i = 0; i < SLOW_ASK_TRIES + 1; i++)
        world_turn(SLOW_ASK_MS);
    assert_int_equal(slow_udp_send(&w.slow, peer_ip, 1, 2, "x", 1, w.now), SLOW_RESOLVING);
    world_sent();
    world_turn(SLOW_ASK_MS);
    world_arp_sent(dst);
    assert_memory_equal(dst, everybody, 6);
    // One that nobody uses is let go without a question.
    world_init(own_ip, 3);
    slow_udp_send(&w.slow, peer_ip, 1, 2, "x", 1, w.now);
    world_arp(ARP_REPLY, peer_ip, own_ip, FRAME_NO_VLAN);
    assert_int_equal(world_turn(SLOW_REFRESH_MS), 0);
    assert_int_equal(w.slow.neighbours[0].state, NEIGHBOUR_FREE);
}

static void neighbour_is_asked_as_soon_as_the_link_is_up(void **state)
{
    (void)state;
    uint8_t mac[6];
    world_init(own_ip, 3);
    slow_neighbour_want(&w.slow, peer_ip, w.now);
    for (int i = 0; i < SLOW_ASK_TRIES - 1; i++) // into a link that is down
        assert_int_equal(world_turn(i ? SLOW_ASK_MS : 0), 1);
    assert_int_equal(world_turn(1), 0);
    world_sent();
    slow_link_up(&w.slow, w.now);
    assert_int_equal(world_turn(0), 2);
    assert_int_equal(world_arp_sent(NULL).target_ip, own_ip); // the announcement
    assert_int_equal(world_arp_sent(NULL).target_ip, peer_ip);
    world_arp(ARP_REPLY, peer_ip, own_ip, FRAME_NO_VLAN);
    assert_true(slow_neighbour_mac(&w.slow, peer_ip, mac));
    // With all its tries again.
    world_init(own_ip, 3);
    slow_neighbour_want(&w.slow, peer_ip, w.now);
    world_turn(0);
    slow_link_up(&w.slow, w.now);
    world_turn(0);
    assert_int_equal(w.slow.neighbours[0].tries, 1);
    // One that is known is not troubled.
    world_arp(ARP_REPLY, peer_ip, own_ip, FRAME_NO_VLAN);
    world_sent();
    slow_link_up(&w.slow, w.now);
    assert_int_equal(world_turn(0), 1);
    assert_int_equal(world_arp_sent(NULL).target_ip, own_ip);
}

static void strangers_cannot_fill_the_table(void **state)
{
    (void)state;
    world_init(own_ip, 3);
    for (uint32_t i = 0; i < 1000; i++) {
        world_arp(ARP_REQUEST, IP(10, 0, 1, 0) + i, own_ip, FRAME_NO_VLAN);
        world_arp(ARP_REPLY, IP(10, 0, 1, 0) + i, own_ip, FRAME_NO_VLAN);
        world_sent();
    }
    for (uint32_t i = 0; i < SLOW_NEIGHBOURS_MAX; i++)
        assert_int_equal(w.slow.neighbours[i].state, NEIGHBOUR_FREE);
    // And what we ask for ourselves is bounded, too.
    for (uint32_t i = 0; i < SLOW_NEIGHBOURS_MAX; i++)
        assert_int_equal(slow_udp_send(&w.slow, IP(10, 0, 0, 100) + i, 1, 2, "x", 1, w.now),
                         SLOW_RESOLVING);
    assert_int_equal(slow_udp_send(&w.slow, peer_ip, 1, 2, "x", 1, w.now), SLOW_NO_ROUTE);
}

static void mac_of_a_group_or_of_nobody_is_not_believed(void **state)
{
    (void)state;
    uint8_t bytes[PORT_FRAME_MAX];
    struct arp arp = {.operation = ARP_REPLY, .sender_ip = peer_ip, .target_ip = own_ip};
    world_init(own_ip, 3);
    slow_udp_send(&w.slow, peer_ip, 1, 2, "x", 1, w.now);
    world_push(bytes, arp_frame_build(bytes, FRAME_NO_VLAN, &arp)); // zero
    memset(arp.sender_mac, 0xff, 6);
    world_push(bytes, arp_frame_build(bytes, FRAME_NO_VLAN, &arp));
    assert_int_equal(w.slow.neighbours[0].state, NEIGHBOUR_ASKED);
}

static void conflict_is_noticed_and_not_answered(void **state)
{
    (void)state;
    world_init(own_ip, 3);
    world_arp(ARP_REQUEST, own_ip, own_ip, FRAME_NO_VLAN);
    assert_int_equal(world_sent(), 0);
    assert_int_equal(w.slow.conflict_at, w.now);
    uint64_t first = w.now;
    w.now += 1000 * ms;
    world_arp(ARP_REPLY, own_ip, own_ip, FRAME_NO_VLAN);
    assert_int_equal(w.slow.conflict_at, first); // one warning a minute
}

static void full_ring_is_tried_again(void **state)
{
    (void)state;
    world_init(own_ip, 3);
    w.sim.send_room = 0;
    slow_udp_send(&w.slow, peer_ip, 1, 2, "x", 1, w.now);
    assert_int_equal(world_turn(0), 0);
    assert_int_equal(w.count.arp_out, 0);
    w.sim.send_room = 1;
    assert_int_equal(world_turn(0), 1);
    world_arp(ARP_REPLY, peer_ip, own_ip, FRAME_NO_VLAN);
    assert_int_equal(slow_udp_send(&w.slow, peer_ip, 1, 2, "x", 1, w.now), SLOW_NO_ROOM);
    world_sent();
    assert_int_equal(port_sim_free(&w.sim), SIM_BUFFERS);
}

static uint32_t datagram_build(uint8_t *bytes, uint32_t dst_ip)
{
    const struct frame_udp_out out = {.dst_mac = own_mac,
                                      .src_mac = peer_mac,
                                      .vlan = FRAME_NO_VLAN,
                                      .src_port = 18300,
                                      .dst_port = 40000,
                                      .src_ip = peer_ip,
                                      .dst_ip = dst_ip};
    return frame_udp_build(bytes, &out, "answer", 6);
}

static void datagrams_for_us_are_handed_over(void **state)
{
    (void)state;
    uint8_t bytes[PORT_FRAME_MAX];
    world_init(own_ip, 3);
    world_push(bytes, datagram_build(bytes, own_ip));
    assert_int_equal(w.datagrams, 1);
    assert_int_equal(w.last_src_ip, peer_ip);
    assert_int_equal(w.last_len, 6);
    assert_memory_equal(w.last, "answer", 6);
    world_push(bytes, datagram_build(bytes, IP(10, 0, 0, 3)));
    uint32_t len = datagram_build(bytes, own_ip);
    bytes[FRAME_ETH_LEN + FRAME_IP_LEN + FRAME_UDP_LEN] ^= 1; // damaged
    world_push(bytes, len);
    assert_int_equal(w.datagrams, 1);
}

static void own_queue_is_emptied(void **state)
{
    (void)state;
    uint8_t bytes[PORT_FRAME_MAX];
    world_init(own_ip, 3);
    uint32_t len = datagram_build(bytes, own_ip);
    assert_true(port_sim_push(&w.sim, 1, bytes, len, 0, 0));
    assert_int_equal(slow_receive(&w.slow, w.now), 0); // there is no such queue
    w.sim.port.main_queue = 1;
    for (int i = 0; i < 40; i++)
        assert_true(port_sim_push(&w.sim, 1, bytes, len, i % 2 ? FRAME_SEGMENTED : 0, 0));
    assert_int_equal(slow_receive(&w.slow, w.now), 41);
    assert_int_equal(w.datagrams, 21);
    assert_int_equal(port_sim_free(&w.sim), SIM_BUFFERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_for_our_address_is_answered),
        cmocka_unit_test(what_is_not_ours_is_not_answered),
        cmocka_unit_test(answers_carry_our_tag),
        cmocka_unit_test(address_is_announced_twice_and_again_after_the_link),
        cmocka_unit_test(neighbour_is_asked_for_and_used),
        cmocka_unit_test(other_subnets_go_through_the_gateway),
        cmocka_unit_test(silent_neighbour_is_given_up_and_asked_again_when_needed),
        cmocka_unit_test(neighbour_in_use_is_asked_whether_it_is_still_there),
        cmocka_unit_test(neighbour_is_asked_as_soon_as_the_link_is_up),
        cmocka_unit_test(strangers_cannot_fill_the_table),
        cmocka_unit_test(mac_of_a_group_or_of_nobody_is_not_believed),
        cmocka_unit_test(conflict_is_noticed_and_not_answered),
        cmocka_unit_test(full_ring_is_tried_again),
        cmocka_unit_test(datagrams_for_us_are_handed_over),
        cmocka_unit_test(own_queue_is_emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
