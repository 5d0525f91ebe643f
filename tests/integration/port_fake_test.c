// What needs a real card, on one that does not exist: flow rules, receive stamps, offloads, several
// queues, NUMA nodes, links, peers that go and come.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/cpu.h"
#include "tests/integration/fake_port.h"

// --- flow rules

static void rules_steer_each_group_to_its_lane(void **state)
{
    (void)state;
    card_new(2);
    card_open();
    assert_int_equal(facts.flow_rules, 3);
    assert_false(facts.sorted_by_software);
    assert_int_equal(fake.rx_queues, 2);
    assert_int_equal(fake.rules_live, 3);
    // What an instance that died left in the card went before the first of ours.
    assert_int_equal(fake.flushes, 1);
    assert_int_equal(fake.rules_at_flush, 0);
    for (int i = 0; i < 3; i++) {
        assert_true(fake.rules[i].eth);
        assert_false(fake.rules[i].vlan);
        assert_int_equal(fake.rules[i].ip_mask, UINT32_MAX);
        assert_int_equal(fake.rules[i].udp_mask, UINT16_MAX);
        assert_int_equal(fake.rules[i].ip, i == 0 ? group_a : group_b);
        assert_int_equal(fake.rules[i].udp_port, i == 2 ? 26478 : 26477);
        assert_int_equal(fake.rules[i].queue, i == 0 ? 0 : 1);
    }
    port_close(&port);
    assert_int_equal(fake.rules_live, 0); // removed on exit
}

static void rules_name_the_vlan(void **state)
{
    (void)state;
    card_new(2);
    config.vlan = 42;
    card_open();
    assert_true(fake.rules[0].vlan);
    assert_int_equal(fake.rules[0].vlan_id, 42);
    port_close(&port);
}

static void one_lane_needs_no_rules(void **state)
{
    (void)state;
    card_new(1);
    card_open();
    assert_int_equal(fake.rules_made, 0);
    assert_int_equal(fake.rx_queues, 1);
    assert_int_equal(port.main_queue, 0);
    port_close(&port);
}

static void main_lcore_gets_a_queue_and_its_answers(void **state)
{
    (void)state;
    card_new(1);
    config.main_queue = true;
    config.routes[config.route_count++] = (struct port_route){own_ip, 40000, PORT_MAIN_QUEUE};
    card_open();
    assert_int_equal(fake.rx_queues, 2);
    assert_int_equal(fake.tx_queues, 2);
    assert_int_equal(port.main_queue, 1);
    assert_int_equal(fake.rules_live, 4);
    assert_int_equal(fake.rules[3].ip, own_ip);
    assert_int_equal(fake.rules[3].udp_port, 40000);
    assert_int_equal(fake.rules[3].queue, 1);
    arrive(1, own_ip, 40000);
    assert_int_equal(drain(1), 1);
    port_close(&port);

    // Rules refused, or not wanted: its queue still sends, and the lane hands over what arrives.
    for (int wanted = 0; wanted < 2; wanted++) {
        card_new(1);
        config.main_queue = true;
        config.flow_rules = wanted;
        fake.rules_max = 0;
        card_open();
        assert_int_equal(fake.flushes, wanted); // a card that is not to have rules is left alone
        assert_int_equal(port.main_queue, 1);
        assert_false(facts.sorted_by_software);
        port_close(&port);
    }
    // A card with one queue has none to spare.
    card_new(1);
    config.main_queue = true;
    fake.max_queues = 1;
    card_open();
    assert_int_equal(port.main_queue, 0);
    assert_int_equal(fake.rx_queues, 1);
    port_close(&port);
}

// --- sorting by software

static void assert_sorted_by_software(void)
{
    struct frame frames[4];
    struct rte_mbuf *m;
    uint8_t bytes[PORT_FRAME_MAX];
    assert_true(facts.sorted_by_software);
    assert_int_equal(facts.flow_rules, 0);
    assert_int_equal(fake.rx_queues, 1);
    arrive(0, group_b, 26477);
    arrive(0, group_a, 26477);
    arrive(0, group_b, 26478);
    arrive(0, group_b, 9999); // nobody's: lane 0 counts it
    assert_int_equal(drain(1), 0);
    assert_int_equal(drain(0), 2);
    assert_int_equal(port.ops->receive(&port, 1, frames, 4), 2);
    struct frame_udp udp;
    assert_int_equal(frame_parse(frames[1].data, frames[1].len, &udp), FRAME_UDP);
    assert_int_equal(udp.dst_port, 26478);

    // What lane 1 sends goes out with lane 0's next poll.
    uint32_t len = datagram(bytes, group_a, 1);
    memcpy((uint8_t *)(uintptr_t)frames[0].data, bytes, len);
    frames[0].len = len;
    assert_int_equal(port.ops->send(&port, 1, &frames[0], 1), 1);
    assert_null(fake_sent(0));
    assert_int_equal(drain(0), 0);
    assert_non_null(m = fake_sent(0));
    assert_int_equal(m->pkt_len, len);
    rte_pktmbuf_free(m);
    port.ops->release(&port, &frames[1]);
    assert_int_equal(pool_in_use(), 0);
}

static void card_without_room_for_rules_is_sorted_by_software(void **state)
{
    (void)state;
    card_new(2);
    fake.rules_max = 2;
    card_open();
    assert_int_equal(fake.rules_live, 0); // all or none
    assert_sorted_by_software();
    port_close(&port);
    assert_int_equal(fake.stops, 2); // once to lose the second queue
}

static void card_with_one_queue_is_sorted_by_software(void **state)
{
    (void)state;
    card_new(2);
    fake.max_queues = 1;
    card_open();
    assert_int_equal(fake.rules_made, 0);
    assert_sorted_by_software();
    port_close(&port);
}

static void rules_may_be_switched_off(void **state)
{
    (void)state;
    card_new(2);
    config.flow_rules = false;
    card_open();
    assert_int_equal(fake.rules_made, 0);
    assert_sorted_by_software();
    port_close(&port);
}

static void slow_lane_loses_its_own_frames_only(void **state)
{
    (void)state;
    struct port_counters count = {0};
    struct frame frames[PORT_BURST];
    card_new(2);
    config.flow_rules = false;
    card_open();
    uint32_t passed = 0, kept = 0;
    for (int i = 0; i < 400; i++) {
        arrive(0, group_b, 26477);
        arrive(0, group_a, 26477);
        kept += drain(0);
    }
    assert_int_equal(kept, 400);
    passed = drain(1);
    port_statistics(&port, &count);
    assert_true(passed >= 2 * 128 - 1);
    assert_int_equal(passed + count.rx_missed, 400);
    assert_int_equal(pool_in_use(), 0);

    // The transmit ring is full: lost and counted, nothing waits.
    fake.tx_room = 0;
    assert_true(port.ops->buffer(&port, 1, &frames[0]));
    frames[0].len = 60;
    assert_int_equal(port.ops->send(&port, 1, frames, 1), 1);
    drain(0);
    port_statistics(&port, &count);
    assert_int_equal(count.tx_errors, 1);
    assert_int_equal(pool_in_use(), 0);
    port_close(&port);
}

// --- time, offloads, odd frames

static uint64_t stamp_received(uint64_t ticks)
{
    const struct dpdk_port *p = port.driver;
    struct frame frame;
    uint8_t bytes[PORT_FRAME_MAX];
    struct rte_mbuf *m = fake_arrive(&port, 0, bytes, datagram(bytes, group_a, 26477));
    if (p->stamp.offset >= 0) {
        *RTE_MBUF_DYNFIELD(m, p->stamp.offset, rte_mbuf_timestamp_t *) = ticks;
        m->ol_flags |= p->stamp.flag;
    }
    assert_int_equal(port.ops->receive(&port, 0, &frame, 1), 1);
    port.ops->release(&port, &frame);
    return frame.hw_ns;
}

static void firmware_is_what_the_driver_tells(void **state)
{
    (void)state;
    static const char *const told[] = {
        NULL, "4.20 0x8001778b 1.3346.0",
        "longer than what any driver is known to tell of itself, by far, really"};
    for (size_t i = 0; i < 3; i++) {
        card_new(1);
        fake.firmware = told[i];
        card_open();
        assert_string_equal(facts.firmware, i == 1 ? told[i] : "");
        port_close(&port);
    }
}

static void receive_stamps_become_nanoseconds(void **state)
{
    (void)state;
    card_new(1);
    fake.rx_offloads = RTE_ETH_RX_OFFLOAD_TIMESTAMP;
    fake.clock_ghz = 1;
    card_open();
    assert_true(facts.hardware_time);
    assert_true(fake.rx_offloads_used & RTE_ETH_RX_OFFLOAD_TIMESTAMP);
    assert_true(stamp_received(1234567890123456789) == 1234567890123456789);
    // A frame that the card did not stamp has no time.
    struct frame frame;
    arrive(0, group_a, 26477);
    assert_int_equal(port.ops->receive(&port, 0, &frame, 1), 1);
    assert_true(frame.hw_ns == 0);
    port.ops->release(&port, &frame);
    port_close(&port);
    card_new(1);
    fake.rx_offloads = RTE_ETH_RX_OFFLOAD_TIMESTAMP;
    fake.clock_ghz = 0.25; // ticks of 4 ns
    card_open();
    uint64_t second = stamp_received(250000000);
    assert_in_range(second, 990000000, 1010000000);
    assert_in_range(stamp_received(500000000), 2 * second - 2, 2 * second + 2);
    port_close(&port);
    card_new(1); // no clock to read: the driver's stamps are taken for nanoseconds
    fake.rx_offloads = RTE_ETH_RX_OFFLOAD_TIMESTAMP;
    card_open();
    assert_int_equal(stamp_received(77), 77);
    port_close(&port);
    card_new(1);
    card_open();
    assert_false(facts.hardware_time);
    assert_int_equal(stamp_received(77), 0);
    port_close(&port);
}

static void checksums_are_the_cards_where_it_can(void **state)
{
    (void)state;
    struct frame frames[3];
    uint8_t bytes[PORT_FRAME_MAX];
    card_new(1);
    card_open();
    assert_false(facts.checks_sums);
    assert_int_equal(fake.rx_offloads_used, 0);
    port_close(&port);

    card_new(1);
    fake.rx_offloads = RTE_ETH_RX_OFFLOAD_CHECKSUM | RTE_ETH_RX_OFFLOAD_RSS_HASH;
    card_open();
    assert_true(facts.checks_sums);
    assert_int_equal(fake.rx_offloads_used, RTE_ETH_RX_OFFLOAD_CHECKSUM);
    uint32_t len = datagram(bytes, group_a, 26477);
    fake_arrive(&port, 0, bytes, len)->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_BAD;
    fake_arrive(&port, 0, bytes, len)->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_BAD;
    fake_arrive(&port, 0, bytes, len)->ol_flags |=
        RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    assert_int_equal(port.ops->receive(&port, 0, frames, 3), 3);
    assert_int_equal(frames[0].flags, FRAME_BAD_SUM);
    assert_int_equal(frames[1].flags, FRAME_BAD_SUM);
    assert_int_equal(frames[2].flags, 0);
    for (int i = 0; i < 3; i++)
        port.ops->release(&port, &frames[i]);
    port_close(&port);
}

static void sums_of_what_is_sent_are_the_cards_where_asked(void **state)
{
    (void)state;
    struct frame frames[2];
    card_new(1);
    fake.tx_offloads = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    card_open();
    assert_false(port.sums_tcp); // nobody wants it
    assert_int_equal(fake.tx_offloads_used, 0);
    port_close(&port);

    card_new(1);
    config.sums_tcp = true;
    card_open();
    assert_false(port.sums_tcp); // it cannot
    port_close(&port);

    card_new(1);
    config.sums_tcp = true;
    fake.tx_offloads = RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
    card_open();
    assert_true(port.sums_tcp);
    assert_int_equal(fake.tx_offloads_used, RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
    for (int i = 0; i < 2; i++) {
        assert_true(port.ops->buffer(&port, 0, &frames[i]));
        memset((void *)(uintptr_t)frames[i].data, 0, 100);
        frames[i].len = 100;
    }
    memcpy((uint8_t *)(uintptr_t)frames[1].data + 12, "\x81\x00", 2);
    frames[0].flags = 0;
    frames[1].flags = FRAME_SUM_TCP;
    assert_int_equal(port.ops->send(&port, 0, frames, 2), 2);
    struct rte_mbuf *plain = fake_sent(0), *asked = fake_sent(0);
    assert_int_equal(plain->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM, 0);
    assert_true(asked->ol_flags & RTE_MBUF_F_TX_TCP_CKSUM && asked->ol_flags & RTE_MBUF_F_TX_IPV4);
    assert_int_equal(asked->l2_len, 18);
    assert_int_equal(asked->l3_len, 20);
    rte_pktmbuf_free(plain);
    rte_pktmbuf_free(asked);
    port_close(&port);
}

static void long_and_chained_frames_are_marked(void **state)
{
    (void)state;
    static const uint8_t zeros[2000];
    struct frame frames[3];
    card_new(1);
    card_open();
    assert_int_equal(fake.mtu_used, 1500);
    const struct dpdk_port *p = port.driver;
    assert_non_null(fake_arrive(&port, 0, zeros, PORT_FRAME_MAX));
    assert_non_null(fake_arrive(&port, 0, zeros, PORT_FRAME_MAX + 1));
    struct rte_mbuf *head = fake_arrive(&port, 0, zeros, 1000);
    struct rte_mbuf *more = rte_pktmbuf_alloc(p->pool);
    rte_pktmbuf_append(more, 500);
    rte_pktmbuf_chain(head, more);
    assert_int_equal(port.ops->receive(&port, 0, frames, 3), 3);
    assert_int_equal(frames[0].flags, 0);
    assert_int_equal(frames[1].flags, FRAME_SEGMENTED);
    assert_int_equal(frames[2].flags, FRAME_SEGMENTED);
    assert_int_equal(frames[2].len, 1000);
    for (int i = 0; i < 3; i++)
        port.ops->release(&port, &frames[i]);
    assert_int_equal(pool_in_use(), 0); // the whole chain
    port_close(&port);
}

static void groups_are_filtered_by_the_card_or_let_through(void **state)
{
    (void)state;
    static const uint8_t mac_a[6] = {0x01, 0x00, 0x5e, 54, 12, 111};
    card_new(1);
    config.groups[1] = own_ip; // a line on the port's own address is no group
    card_open();
    assert_int_equal(fake.mc_count, 1);
    assert_memory_equal(fake.mc[0].addr_bytes, mac_a, 6);
    assert_false(fake.allmulticast);
    port_close(&port);
    card_new(1);
    fake.mc_filter = false;
    card_open();
    assert_true(fake.allmulticast);
    port_close(&port);
}

static void empty_pool_is_an_answer_and_counted(void **state)
{
    (void)state;
    struct pool_counters count = {0};
    struct frame frame;
    card_new(1);
    card_open();
    struct frame *all = calloc(config.mbufs, sizeof *all);
    uint32_t n = 0;
    while (n < config.mbufs && port.ops->buffer(&port, 0, &all[n]))
        n++;
    assert_int_equal(n, config.mbufs);
    assert_false(port.ops->buffer(&port, 0, &frame));
    port_pool(&port, &count);
    assert_int_equal(count.free, 0);
    assert_int_equal(count.failures, 1);
    while (n > 0)
        port.ops->release(&port, &all[--n]);
    free(all);
    port_pool(&port, &count);
    assert_int_equal(count.free, config.mbufs);
    assert_int_equal(count.free_min, 0);
    port_close(&port);
}

// --- refusals

static void assert_refused(const char *first, const char *second)
{
    memset(&facts, 0xff, sizeof facts);
    assert_false(port_open(&port, &config, 0, &facts, &err));
    assert_int_not_equal(err.code, EXIT_OK);
    if (!strstr(err.text, first) || !strstr(err.text, second))
        fail_msg("'%s' says neither '%s' nor '%s'", err.text, first, second);
    assert_null(port.driver);
}

static void card_on_another_node_is_refused_or_warned_about(void **state)
{
    (void)state;
    card_new(1);
    fake.socket = 1;
    config.node_wanted = 0;
    assert_refused("port p0: the device is on NUMA node 1", "node.remote_memory");
    assert_int_equal(err.code, EXIT_USAGE);
    card_new(1);
    fake.socket = 1;
    config.node_wanted = 0;
    config.remote_allowed = true;
    card_open();
    assert_int_equal(port.numa_node, 1);
    port_close(&port);
    card_new(1);
    fake.socket = -1; // says nothing
    config.node_wanted = 0;
    card_open();
    port_close(&port);
}

static void missing_and_stubborn_devices_are_named(void **state)
{
    (void)state;
    card_new(1);
    config.device = "net_nothing0";
    assert_refused("port p0: device net_nothing0 is not there", "dpdk-devbind.py");
    card_new(1);
    fake.refuse_start = true;
    assert_refused("does not start", "p0");
    assert_int_equal(fake.refused_starts, 1);
    card_new(1);
    config.mbufs = 1 << 22; // more than the memory of this test
    assert_refused("no memory for 4194304 frame buffers", "ports.mbufs");
}

static void start_is_tried_again_while_there_is_time(void **state)
{
    (void)state;
    card_new(1);
    fake.refuse_start = true;
    assert_false(port_open(&port, &config, 200, &facts, &err));
    assert_int_equal(fake.refused_starts, 5); // at once and every 50 ms
}

// --- links and peers

static void link_changes_are_seen_once(void **state)
{
    (void)state;
    struct port_counters count = {0};
    card_new(1);
    card_open();
    assert_int_equal(facts.speed_mbps, 25000);
    assert_true(port_link_changed(&port, &count));
    assert_int_equal(count.link_up, 1);
    assert_false(port_link_changed(&port, &count));
    fake.link_up = false;
    assert_true(port_link_changed(&port, &count));
    assert_int_equal(count.link_up, 0);
    assert_int_equal(count.link_changes, 2);
    port_mend(&port, 100000 * ms); // a card is not made anew: it comes back by itself
    port_mend(&port, 200000 * ms);
    arrive(0, group_a, 26477);
    assert_int_equal(drain(0), 1);
    port_close(&port);
}

static void peer_that_went_away_is_waited_for_off_the_lane(void **state)
{
    (void)state;
    struct port_counters count = {0};
    struct frame frame;
    uint64_t now = 1000 * ms;
    card_new(2);
    fake.driver = "net_memif";
    config.flow_rules = false;
    card_open();
    const uint32_t starts = fake.starts;
    fake.stats.ipackets = 1000;
    port_mend(&port, now);
    arrive(0, group_b, 26477);
    assert_int_equal(drain(0), 0);
    assert_int_equal(drain(1), 1);

    // Down, but not for long enough.
    fake.link_up = false;
    port_mend(&port, now += 100 * ms);
    port_mend(&port, now += 400 * ms);
    arrive(0, group_a, 26477);
    assert_int_equal(drain(0), 1);
    // Long enough: the lanes are asked to stay out, and the device is touched only when both have.
    port_mend(&port, now += 100 * ms);
    arrive(0, group_a, 26477);
    assert_int_equal(drain(0), 0);
    port_mend(&port, now += 100 * ms);
    assert_int_equal(fake.stops, 0);
    assert_true(port.ops->buffer(&port, 1, &frame)); // buffers are the port's and stay
    frame.len = 60;
    assert_int_equal(port.ops->send(&port, 1, &frame, 1), 0);
    fake.refuse_start = true; // the server is not there yet
    port_mend(&port, now += 100 * ms);
    assert_int_equal(fake.stops, 1);
    assert_int_equal(fake.refused_starts, 1);
    assert_int_equal(drain(0), 0);
    port_statistics(&port, &count);
    assert_int_equal(count.rx_packets, 1000); // does not go back
    port_mend(&port, now += 100 * ms);        // too early for the next attempt
    assert_int_equal(fake.refused_starts, 1);
    port_mend(&port, now += 500 * ms);
    assert_int_equal(fake.refused_starts, 2);
    fake.refuse_start = false;
    fake.link_up = true;
    port_mend(&port, now += 500 * ms); // NOLINT(clang-analyzer-deadcode.DeadStores)
    fake.stats.ipackets = 5;
    assert_int_equal(fake.starts, starts + 3);
    assert_int_equal(fake.rx_queues, 1);
    fake.rx[0].head = fake.rx[0].tail; // what was on its way is gone with the device
    arrive(0, group_b, 26477);
    assert_int_equal(drain(0), 0);
    assert_int_equal(drain(1), 1);
    assert_int_equal(port.ops->send(&port, 1, &frame, 1), 1);
    port_statistics(&port, &count);
    assert_int_equal(count.rx_packets, 1005);
    port_close(&port);
}

static int environment_start(void **state)
{
    struct eal_config eal = {.memory_mib = 128};
    struct error failed = {0};
    (void)state;
    while (!cpu_allowed(eal.main_core))
        eal.main_core++;
    uint32_t fault;
    if (eal_start(&eal, &fault, &failed))
        return 0;
    print_message("%s\n", failed.text);
    return 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_steer_each_group_to_its_lane),
        cmocka_unit_test(rules_name_the_vlan),
        cmocka_unit_test(one_lane_needs_no_rules),
        cmocka_unit_test(main_lcore_gets_a_queue_and_its_answers),
        cmocka_unit_test(card_without_room_for_rules_is_sorted_by_software),
        cmocka_unit_test(card_with_one_queue_is_sorted_by_software),
        cmocka_unit_test(rules_may_be_switched_off),
        cmocka_unit_test(slow_lane_loses_its_own_frames_only),
        cmocka_unit_test(firmware_is_what_the_driver_tells),
        cmocka_unit_test(receive_stamps_become_nanoseconds),
        cmocka_unit_test(checksums_are_the_cards_where_it_can),
        cmocka_unit_test(sums_of_what_is_sent_are_the_cards_where_asked),
        cmocka_unit_test(long_and_chained_frames_are_marked),
        cmocka_unit_test(groups_are_filtered_by_the_card_or_let_through),
        cmocka_unit_test(empty_pool_is_an_answer_and_counted),
        cmocka_unit_test(card_on_another_node_is_refused_or_warned_about),
        cmocka_unit_test(missing_and_stubborn_devices_are_named),
        cmocka_unit_test(start_is_tried_again_while_there_is_time),
        cmocka_unit_test(link_changes_are_seen_once),
        cmocka_unit_test(peer_that_went_away_is_waited_for_off_the_lane),
    };
    return cmocka_run_group_tests(tests, environment_start, NULL);
}
