#include "tests/unit/port/slow_world.h"

// A version 3 report as it left the port: type, group and sources of each record.
struct report {
    uint32_t records;
    struct {
        uint8_t type;
        uint32_t group;
        uint32_t sources;
        uint32_t source;
    } record[SLOW_GROUPS_MAX];
};

// What every IGMP frame has to be like: RFC 3376, section 4 (time to live 1, router alert).
static const uint8_t *igmp_of(const struct frame *frame, uint32_t dst_ip, uint32_t *len)
{
    struct frame_udp f;
    uint8_t mac[6];
    assert_int_equal(frame_parse(frame->data, frame->len, &f), FRAME_IGMP);
    assert_true(frame->len >= 60);
    assert_int_equal(f.dst_ip, dst_ip);
    assert_int_equal(f.src_ip, w.slow.ip);
    frame_mac_of_group(mac, dst_ip);
    assert_memory_equal(f.dst_mac, mac, 6);
    assert_memory_equal(f.dst_mac + 6, own_mac, 6);
    assert_int_equal(f.ip[0], 0x46);
    assert_int_equal(f.ip[8], 1);
    assert_int_equal(be32_load(f.ip + 20), 0x94040000);
    assert_true(frame_ip_checksum_ok(&f));
    assert_true(checksum_ok(f.payload, f.payload_len));
    *len = f.payload_len;
    return f.payload;
}

static struct report report_sent(void)
{
    struct report r = {0};
    struct frame frame;
    uint32_t len, at = IGMP_LEN;
    assert_true(port_sim_sent(&w.sim, &frame));
    const uint8_t *p = igmp_of(&frame, IP(224, 0, 0, 22), &len);
    assert_int_equal(p[0], IGMP_REPORT_V3);
    r.records = be16_load(p + 6);
    for (uint32_t i = 0; i < r.records; i++) {
        assert_true(at + IGMP_RECORD_LEN <= len);
        r.record[i].type = p[at];
        r.record[i].sources = be16_load(p + at + 2);
        r.record[i].group = be32_load(p + at + 4);
        at += IGMP_RECORD_LEN;
        if (r.record[i].sources)
            r.record[i].source = be32_load(p + at);
        at += 4 * r.record[i].sources;
    }
    assert_int_equal(at, len);
    return r;
}

static void assert_v2_sent(uint8_t type, uint32_t group, uint32_t dst_ip)
{
    struct frame frame;
    uint32_t len;
    assert_true(port_sim_sent(&w.sim, &frame));
    const uint8_t *p = igmp_of(&frame, dst_ip, &len);
    assert_int_equal(len, IGMP_LEN);
    assert_int_equal(p[0], type);
    assert_int_equal(be32_load(p + 4), group);
}

static void query(uint32_t version, uint32_t group, uint32_t response_ds, uint32_t source)
{
    uint8_t bytes[PORT_FRAME_MAX], mac[6];
    const uint32_t dst = group ? group : IP(224, 0, 0, 1);
    const struct frame_ip_out ip = {.src_ip = router_ip,
                                    .dst_ip = dst,
                                    .protocol = IP_PROTOCOL_IGMP,
                                    .ttl = 1,
                                    .router_alert = true};
    uint32_t len = version == 3 ? 12 + (source ? 4 : 0) : 8;
    frame_mac_of_group(mac, dst);
    uint32_t at = frame_eth_write(bytes, mac, peer_mac, FRAME_NO_VLAN, ETHERTYPE_IPV4);
    at += frame_ip_write(bytes + at, &ip, (uint16_t)len);
    uint8_t *p = bytes + at;
    memset(p, 0, 16);
    p[0] = IGMP_QUERY;
    p[1] = (uint8_t)response_ds;
    be32_store(p + 4, group);
    if (source) {
        be16_store(p + 10, 1);
        be32_store(p + 12, source);
    }
    checksum_store(p + 2, checksum_finish(checksum_add(0, p, len)));
    world_push(bytes, frame_pad(bytes, at + len));
}

static void joined(uint8_t version)
{
    world_init(own_ip, version);
    assert_true(slow_group_add(&w.slow, group_a, 0, w.now));
    assert_true(slow_group_add(&w.slow, group_b, 0, w.now));
    assert_true(slow_group_add(&w.slow, group_a, 0, w.now)); // the other port of the same group
}

// Join and its repetition are over.
static void settled(uint8_t version)
{
    joined(version);
    world_turn(0);
    world_turn(SLOW_REPEAT_MS);
    world_sent();
}

static void join_is_reported_twice(void **state)
{
    (void)state;
    joined(3);
    assert_int_equal(world_turn(0), 1);
    struct report r = report_sent();
    assert_int_equal(r.records, 2);
    assert_int_equal(r.record[0].type, IGMP_TO_EXCLUDE);
    assert_int_equal(r.record[0].group, group_a);
    assert_int_equal(r.record[0].sources, 0);
    assert_int_equal(r.record[1].group, group_b);
    assert_int_equal(world_turn(SLOW_REPEAT_MS - 1), 0);
    assert_int_equal(world_turn(1), 1);
    assert_int_equal(report_sent().records, 2);
    assert_int_equal(world_turn(100000), 0);
    assert_int_equal(w.count.igmp_out, 2);
}

static void join_works_without_an_address(void **state)
{
    (void)state;
    world_init(0, 3);
    slow_group_add(&w.slow, group_a, 0, w.now);
    assert_int_equal(world_turn(0), 1);
    assert_int_equal(report_sent().record[0].group, group_a); // from 0.0.0.0: igmp_of looks
}

static void sender_is_named_in_the_report(void **state)
{
    (void)state;
    world_init(own_ip, 3);
    slow_group_add(&w.slow, group_a, peer_ip, w.now);
    world_turn(0);
    struct report r = report_sent();
    assert_int_equal(r.record[0].type, IGMP_ALLOW);
    assert_int_equal(r.record[0].sources, 1);
    assert_int_equal(r.record[0].source, peer_ip);
    world_turn(SLOW_REPEAT_MS);
    world_sent();
    query(3, 0, 10, 0);
    world_turn(1000);
    assert_int_equal(report_sent().record[0].type, IGMP_IS_INCLUDE);
    // A query about another sender is not for us, one about ours is.
    query(3, group_a, 10, router_ip);
    assert_int_equal(world_turn(1000), 0);
    query(3, group_a, 10, peer_ip);
    assert_int_equal(world_turn(1000), 1);
    world_sent();
    slow_leave(&w.slow, w.now);
    assert_int_equal(report_sent().record[0].type, IGMP_BLOCK);
    // Wanted from anybody as well: the names go.
    slow_group_add(&w.slow, group_a, 0, w.now);
    world_sent();
    world_turn(0);
    assert_int_equal(report_sent().record[0].type, IGMP_TO_EXCLUDE);
}

static void general_query_is_answered_within_its_time(void **state)
{
    (void)state;
    uint64_t waited_max = 0;
    settled(3);
    for (int i = 0; i < 200; i++) {
        uint64_t waited = 0;
        query(3, 0, 10, 0); // one second
        while (world_turn(1) == 0)
            assert_true(++waited <= 1000);
        struct report r = report_sent();
        assert_int_equal(r.records, 2); // all groups in one
        assert_int_equal(r.record[0].type, IGMP_IS_EXCLUDE);
        waited_max = waited > waited_max ? waited : waited_max;
    }
    assert_true(waited_max > 500); // not all at once
}

static void group_query_is_answered_for_that_group_only(void **state)
{
    (void)state;
    settled(3);
    query(3, group_b, 10, 0);
    world_turn(1000);
    struct report r = report_sent();
    assert_int_equal(r.records, 1);
    assert_int_equal(r.record[0].group, group_b);
    query(3, IP(239, 1, 1, 1), 10, 0);
    assert_int_equal(world_turn(1000), 0);
}

static void answer_does_not_replace_the_repeated_join(void **state)
{
    (void)state;
    joined(3);
    world_turn(0);
    world_sent();
    query(3, 0, 1, 0); // within 100 ms
    world_turn(100);
    assert_int_equal(report_sent().record[0].type, IGMP_IS_EXCLUDE);
    world_turn(SLOW_REPEAT_MS);
    assert_int_equal(report_sent().record[0].type, IGMP_TO_EXCLUDE);
    assert_int_equal(world_turn(SLOW_REPEAT_MS * 10), 0);
}

static void older_querier_is_followed_and_forgotten(void **state)
{
    (void)state;
    settled(3);
    query(2, 0, 10, 0);
    world_turn(1000);
    assert_v2_sent(IGMP_REPORT_V2, group_a, group_a);
    assert_v2_sent(IGMP_REPORT_V2, group_b, group_b);
    query(1, 0, 0, 0); // has no time of its own: 10 s
    world_turn(10000);
    assert_v2_sent(IGMP_REPORT_V2, group_a, group_a);
    assert_v2_sent(IGMP_REPORT_V2, group_b, group_b);
    w.now += SLOW_OLDER_MS * ms;
    query(3, 0, 10, 0);
    world_turn(1000);
    assert_int_equal(report_sent().records, 2);
}

static void version_2_joins_and_leaves(void **state)
{
    (void)state;
    joined(2);
    assert_int_equal(world_turn(0), 2);
    assert_v2_sent(IGMP_REPORT_V2, group_a, group_a);
    assert_v2_sent(IGMP_REPORT_V2, group_b, group_b);
    slow_leave(&w.slow, w.now);
    for (int i = 0; i < SLOW_REPORTS; i++)
        assert_v2_sent(IGMP_LEAVE_V2, group_a, IP(224, 0, 0, 2));
    assert_v2_sent(IGMP_LEAVE_V2, group_b, IP(224, 0, 0, 2));
    assert_int_equal(world_turn(100000), 0); // no more reports
}

static void leave_names_every_group(void **state)
{
    (void)state;
    settled(3);
    slow_leave(&w.slow, w.now);
    for (int i = 0; i < SLOW_REPORTS; i++) {
        struct report r = report_sent();
        assert_int_equal(r.records, 2);
        assert_int_equal(r.record[1].type, IGMP_TO_INCLUDE);
        assert_int_equal(r.record[1].sources, 0);
    }
    assert_int_equal(world_sent(), 0);
}

static void link_that_came_back_is_joined_anew(void **state)
{
    (void)state;
    settled(3);
    slow_link_up(&w.slow, w.now);
    world_turn(0);
    assert_int_equal(report_sent().record[0].type, IGMP_TO_EXCLUDE);
}

static void damaged_and_unicast_queries_are_ignored(void **state)
{
    (void)state;
    uint8_t bytes[PORT_FRAME_MAX];
    settled(3);
    const struct frame_ip_out ip = {
        .src_ip = router_ip, .dst_ip = own_ip, .protocol = IP_PROTOCOL_IGMP, .ttl = 1};
    for (int damaged = 0; damaged < 2; damaged++) {
        struct frame_ip_out to = ip;
        to.dst_ip = damaged ? IP(224, 0, 0, 1) : own_ip;
        uint32_t at = frame_eth_write(bytes, own_mac, peer_mac, FRAME_NO_VLAN, ETHERTYPE_IPV4);
        at += frame_ip_write(bytes + at, &to, 12);
        memset(bytes + at, 0, 12);
        bytes[at] = IGMP_QUERY;
        bytes[at + 1] = 10;
        if (!damaged)
            checksum_store(bytes + at + 2, checksum_finish(checksum_add(0, bytes + at, 12)));
        world_push(bytes, frame_pad(bytes, at + 12));
    }
    assert_int_equal(w.count.igmp_in, 2);
    assert_int_equal(world_turn(20000), 0);
}

static void every_group_fits_and_one_more_is_refused(void **state)
{
    (void)state;
    world_init(own_ip, 3);
    for (uint32_t i = 0; i < SLOW_GROUPS_MAX; i++)
        assert_true(slow_group_add(&w.slow, IP(239, 1, 0, 0) + i, 0, w.now));
    assert_false(slow_group_add(&w.slow, group_a, 0, w.now));
    assert_true(world_turn(0) >= 1);
    uint32_t records = 0;
    while (records < SLOW_GROUPS_MAX)
        records += report_sent().records;
    assert_int_equal(records, SLOW_GROUPS_MAX);
    assert_int_equal(world_sent(), 0);
}

static void full_ring_loses_no_report(void **state)
{
    (void)state;
    joined(3);
    w.sim.send_room = 0;
    assert_int_equal(world_turn(0), 0);
    w.sim.send_room = 10;
    assert_int_equal(world_turn(1), 1);
    assert_int_equal(report_sent().records, 2);
    joined(2);
    w.sim.send_room = 1;
    assert_int_equal(world_turn(0), 1);
    w.sim.send_room = 10;
    assert_int_equal(world_turn(1), 1);
    assert_v2_sent(IGMP_REPORT_V2, group_a, group_a);
    assert_v2_sent(IGMP_REPORT_V2, group_b, group_b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(join_is_reported_twice),
        cmocka_unit_test(join_works_without_an_address),
        cmocka_unit_test(sender_is_named_in_the_report),
        cmocka_unit_test(general_query_is_answered_within_its_time),
        cmocka_unit_test(group_query_is_answered_for_that_group_only),
        cmocka_unit_test(answer_does_not_replace_the_repeated_join),
        cmocka_unit_test(older_querier_is_followed_and_forgotten),
        cmocka_unit_test(version_2_joins_and_leaves),
        cmocka_unit_test(leave_names_every_group),
        cmocka_unit_test(link_that_came_back_is_joined_anew),
        cmocka_unit_test(damaged_and_unicast_queries_are_ignored),
        cmocka_unit_test(every_group_fits_and_one_more_is_refused),
        cmocka_unit_test(full_ring_loses_no_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
