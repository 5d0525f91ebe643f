// AF_PACKET and AF_XDP ports against the kernel's own stack on a veth pair: ARP both ways, IGMP,
// datagrams both ways, and everything odd that a kernel or a switch may send.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/cpu.h"
#include "dataplane/port/dpdk_port.h"
#include "dataplane/port/slow.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/igmp.h"
#include "tests/integration/peer.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const uint32_t own_ip = IP(10, 77, 0, 2), peer_ip = IP(10, 77, 0, 9);
static const uint32_t group = IP(233, 54, 12, 111);
static const uint16_t own_udp = 40000, peer_udp_port = 18300, group_udp = 26477;

static struct peer peer;
static struct port port;
static struct port_counters count;
static struct slow_port slow;
static unsigned device_number;

// What has arrived since the last look.
static struct seen {
    uint32_t codes[FRAME_BAD_HEADER + 1];
    uint32_t segmented;
    uint32_t to_group; // datagrams for the group's port
    uint32_t payload_len, trailing;
    uint16_t vlan;
    bool sums_good;
    char payload[16];
    uint32_t for_us; // handed over by the slow side
    char answer[16];
} seen;

static bool send_now(void *context, struct port *to, const uint8_t *bytes, uint32_t len)
{
    struct frame frame;
    (void)context;
    if (!to->ops->buffer(to, 0, &frame))
        return false;
    memcpy((uint8_t *)(uintptr_t)frame.data, bytes, len);
    frame.len = len;
    if (to->ops->send(to, 0, &frame, 1) == 1)
        return true;
    to->ops->release(to, &frame);
    return false;
}

static void datagram(void *context, struct port *from, const struct frame_udp *f, uint64_t now_ns)
{
    (void)context;
    (void)from;
    (void)now_ns;
    if (f->dst_port != own_udp)
        return;
    seen.for_us++;
    memcpy(seen.answer, f->payload,
           f->payload_len < sizeof seen.answer ? f->payload_len : sizeof seen.answer);
}

static void look(const struct frame *frame)
{
    struct frame_udp f;
    if (frame->flags & FRAME_SEGMENTED) {
        seen.segmented++;
        return;
    }
    enum frame_code code = frame_parse(frame->data, frame->len, &f);
    seen.codes[code]++;
    if (code != FRAME_UDP || f.dst_ip != group || f.dst_port != group_udp)
        return;
    seen.to_group++;
    seen.payload_len = f.payload_len;
    seen.trailing = f.trailing;
    seen.vlan = f.vlan[0];
    seen.sums_good = frame_ip_checksum_ok(&f) && frame_udp_checksum_ok(&f);
    memcpy(seen.payload, f.payload,
           f.payload_len < sizeof seen.payload ? f.payload_len : sizeof seen.payload);
}

// One turn of lane and main lcore in one.
static void turn(void)
{
    struct frame frames[PORT_BURST];
    uint64_t now = clock_mono_ns();
    uint16_t n = port.ops->receive(&port, 0, frames, PORT_BURST);
    for (uint16_t i = 0; i < n; i++) {
        look(&frames[i]);
        slow_frame(&slow, &frames[i], now);
        port.ops->release(&port, &frames[i]);
    }
    slow_turn(&slow, now);
    if (n == 0)
        usleep(200); // the peer may be on this core
}

// Turns until the peer is done (and <wanted>, if any, has become true); the peer must be content.
static void turns(bool (*wanted)(void))
{
    uint64_t end = clock_mono_ns() + PEER_PATIENCE_MS * 1000000ull;
    int code = peer.child ? -1 : 0;
    while (clock_mono_ns() < end && (code < 0 || (wanted && !wanted()))) {
        turn();
        if (code < 0)
            code = peer_done(&peer);
    }
    peer_kill(&peer);
    assert_int_equal(code, 0);
    if (wanted)
        assert_true(wanted());
}

static void quiet_turns(void)
{
    for (int i = 0; i < 100; i++)
        turn();
    memset(&seen, 0, sizeof seen);
}

// --- devices

static void device_open_as(const char *driver, const char *arguments)
{
    struct port_config config = {
        .name = "p0",
        .queues = 1,
        .flow_rules = true,
        .rx_descriptors = 512,
        .tx_descriptors = 512,
        .mbufs = 4095,
        .node_wanted = -1,
        .groups = {group},
        .group_count = 1,
        .routes = {{group, group_udp, 0}},
        .route_count = 1,
    };
    struct port_facts facts;
    struct error err = {0};
    char device[96];
    snprintf(device, sizeof device, "%s%u,iface=%s%s", driver, device_number++, peer.near,
             arguments);
    config.device = device;
    memset(&port, 0, sizeof port);
    if (rte_dev_probe(device) != 0)
        return; // every test says so
    if (!port_open(&port, &config, 0, &facts, &err))
        fail_msg("%s", err.text);
}

// A fresh slow side on the port that is open: AF_XDP gives its program back only at exit, so one
// device serves all tests.
static int fresh(void **state)
{
    (void)state;
    if (port.driver == NULL)
        return 0;
    memset(&count, 0, sizeof count);
    slow = (struct slow_port){
        .port = &port,
        .count = &count,
        .ip = own_ip,
        .prefix_len = 24,
        .igmp_version = 3,
        .random = 1,
        .send = send_now,
        .datagram = datagram,
    };
    quiet_turns();
    return 0;
}

static int tidy(void **state)
{
    (void)state;
    peer_kill(&peer);
    peer_shell("ip -n %s neigh flush dev k0", peer.space);
    return 0;
}

static void need_port(void)
{
    if (port.driver)
        return;
    print_message("the driver does not open the interface here\n");
    skip();
}

static int open_af_packet(void **state)
{
    (void)state;
    device_open_as("net_af_packet", "");
    return 0;
}

static int open_af_xdp(void **state)
{
    (void)state;
    device_open_as("net_af_xdp", ",busy_budget=0");
    return 0;
}

static int close_port(void **state)
{
    (void)state;
    if (port.driver)
        port_close(&port);
    return 0;
}

// --- ARP and datagrams

static bool peer_sends_to_us(void)
{
    int fd = peer_udp(peer_udp_port);
    struct sockaddr_in to = peer_to(own_ip, own_udp);
    for (int i = 0; i < 5; i++, usleep(100000)) // the kernel drops some while it resolves
        sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof to);
    return true;
}

static bool got_hello(void)
{
    return seen.for_us > 0 && memcmp(seen.answer, "hello", 5) == 0;
}

static void kernel_resolves_us_and_its_datagram_arrives(void **state)
{
    (void)state;
    need_port();
    peer_start(&peer, peer_sends_to_us);
    turns(got_hello);
    assert_true(count.arp_in >= 1);
    assert_true(count.arp_out >= 1);
}

static bool peer_answers(void)
{
    char text[16];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    int fd = peer_udp(peer_udp_port);
    if (!peer_wait(fd, 5000) ||
        recvfrom(fd, text, sizeof text, 0, (struct sockaddr *)&from, &len) != 7 ||
        // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage)
        memcmp(text, "request", 7) != 0 || ntohl(from.sin_addr.s_addr) != own_ip)
        return false;
    return sendto(fd, "answer", 6, 0, (struct sockaddr *)&from, len) == 6;
}

static bool asked_until_answered(void)
{
    static uint64_t next;
    uint64_t now = clock_mono_ns();
    if (seen.for_us > 0)
        return memcmp(seen.answer, "answer", 6) == 0;
    if (now >= next) {
        slow_udp_send(&slow, peer_ip, peer_udp_port, own_udp, "request", 7, now);
        next = now + 50000000;
    }
    return false;
}

static bool ask_and_never_finish(void)
{
    return asked_until_answered();
}

static void we_resolve_the_kernel_and_it_answers(void **state)
{
    (void)state;
    need_port();
    uint64_t end = clock_mono_ns() + PEER_PATIENCE_MS * 1000000ull;
    peer_start(&peer, peer_answers);
    while (!ask_and_never_finish() && clock_mono_ns() < end)
        turn();
    turns(asked_until_answered);
    assert_int_equal(slow.neighbours[0].state, NEIGHBOUR_KNOWN);
}

// --- IGMP

// Waits for a version 3 report of <type> about the group.
static bool report_seen(int fd, uint8_t type)
{
    uint8_t bytes[2048];
    struct frame_udp f;
    while (peer_wait(fd, 5000)) {
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n <= 0 || frame_parse(bytes, (uint32_t)n, &f) != FRAME_IGMP ||
            f.dst_ip != IGMP_ALL_ROUTERS_V3 || f.payload[0] != IGMP_REPORT_V3)
            continue;
        if (f.payload_len >= 16 && f.payload[8] == type && be32_load(f.payload + 12) == group &&
            f.src_ip == own_ip && frame_ip_checksum_ok(&f) && checksum_ok(f.payload, f.payload_len))
            return true;
    }
    return false;
}

static bool peer_sees_join(void)
{
    return report_seen(peer_raw(ETH_P_ALL), IGMP_TO_EXCLUDE);
}

static bool peer_sees_leave(void)
{
    return report_seen(peer_raw(ETH_P_ALL), IGMP_TO_INCLUDE);
}

static bool peer_asks_who_is_there(void)
{
    static const uint8_t all_systems[6] = {1, 0, 0x5e, 0, 0, 1}, from[6] = {2, 0, 0, 0, 0, 9};
    uint8_t bytes[64];
    const struct frame_ip_out ip = {.src_ip = peer_ip,
                                    .dst_ip = IGMP_ALL_SYSTEMS,
                                    .protocol = IP_PROTOCOL_IGMP,
                                    .ttl = 1,
                                    .router_alert = true};
    int fd = peer_raw(ETH_P_ALL);
    uint32_t at = frame_eth_write(bytes, all_systems, from, FRAME_NO_VLAN, ETHERTYPE_IPV4);
    at += frame_ip_write(bytes + at, &ip, 12);
    memset(bytes + at, 0, 12);
    bytes[at] = IGMP_QUERY;
    bytes[at + 1] = 5; // half a second
    checksum_store(bytes + at + 2, checksum_finish(checksum_add(0, bytes + at, 12)));
    return send(fd, bytes, at + 12, 0) > 0 && report_seen(fd, IGMP_IS_EXCLUDE);
}

static void joins_answers_and_leaves_are_seen_on_the_wire(void **state)
{
    (void)state;
    need_port();
    peer_start(&peer, peer_sees_join);
    usleep(300000); // until it listens
    slow_group_add(&slow, group, 0, clock_mono_ns());
    turns(NULL);
    peer_start(&peer, peer_asks_who_is_there);
    turns(NULL);
    assert_true(count.igmp_in >= 1);
    peer_start(&peer, peer_sees_leave);
    usleep(300000);
    slow_leave(&slow, clock_mono_ns());
    turns(NULL);
}

// --- frames of all kinds

static bool peer_multicasts(void)
{
    int fd = peer_udp(0);
    struct sockaddr_in to = peer_to(group, group_udp);
    return sendto(fd, "data", 4, 0, (struct sockaddr *)&to, sizeof to) == 4;
}

static bool to_group(void)
{
    return seen.to_group > 0;
}

static void multicast_of_the_kernel_arrives(void **state)
{
    (void)state;
    need_port();
    peer_start(&peer, peer_multicasts);
    turns(to_group);
    assert_int_equal(seen.payload_len, 4);
    assert_memory_equal(seen.payload, "data", 4);
    assert_int_equal(seen.vlan, FRAME_NO_VLAN);
    assert_true(seen.sums_good);
}

static bool peer_sends_odd_frames(void)
{
    static const uint8_t to[6] = {1, 0, 0x5e, 54, 12, 111}, from[6] = {2, 0, 0, 0, 0, 9};
    uint8_t bytes[256] = {0};
    int fd = peer_raw(ETH_P_ALL);
    const struct frame_udp_out out = {.dst_mac = to,
                                      .src_mac = from,
                                      .vlan = 7,
                                      .src_port = 1,
                                      .dst_port = group_udp,
                                      .src_ip = peer_ip,
                                      .dst_ip = group};
    uint32_t len = frame_udp_build(bytes, &out, "tagged and trailed payload", 26);
    memset(bytes + len, 0xaa, 20);
    return send(fd, bytes, len + 20, 0) == (ssize_t)len + 20;
}

static void tag_and_trailing_bytes_do_no_harm(void **state)
{
    (void)state;
    need_port();
    peer_start(&peer, peer_sends_odd_frames);
    turns(to_group);
    assert_int_equal(seen.vlan, 7);
    assert_int_equal(seen.payload_len, 26);
    assert_int_equal(seen.trailing, 20);
    assert_true(seen.sums_good);
}

static bool peer_sends_3000_bytes(void)
{
    char bytes[3000] = {0};
    int fd = peer_udp(0);
    struct sockaddr_in to = peer_to(group, group_udp);
    return sendto(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&to, sizeof to) == sizeof bytes;
}

// AF_PACKET's fan-out puts fragments together again and cuts what is too long for its ring.
static bool fragments_refused(void)
{
    return seen.codes[FRAME_FRAGMENT] == 3 || seen.segmented + seen.codes[FRAME_TRUNCATED] == 1;
}

static void fragments_are_told_from_datagrams(void **state)
{
    (void)state;
    need_port();
    peer_start(&peer, peer_sends_3000_bytes);
    turns(fragments_refused);
    assert_int_equal(seen.to_group, 0);
}

static bool refused_as_too_long(void)
{
    return seen.segmented + seen.codes[FRAME_TRUNCATED] > 0;
}

// AF_XDP does not attach to an interface with such frames at all.
static void jumbo_frame_is_refused(void **state)
{
    (void)state;
    need_port();
    assert_true(peer_shell("ip link set %s mtu 9000 && ip -n %s link set k0 mtu 9000", peer.near,
                           peer.space));
    peer_start(&peer, peer_sends_3000_bytes);
    turns(refused_as_too_long);
    assert_int_equal(seen.to_group, 0);
    assert_true(peer_shell("ip -n %s link set k0 mtu 1500 && ip link set %s mtu 1500", peer.space,
                           peer.near));
}

static void link_of_the_interface_is_the_ports(void **state)
{
    (void)state;
    need_port();
    port_link_changed(&port, &count);
    assert_int_equal(count.link_up, 1);
    assert_true(peer_shell("ip -n %s link set k0 down", peer.space));
    usleep(100000);
    assert_true(port_link_changed(&port, &count));
    assert_int_equal(count.link_up, 0);
    assert_true(peer_shell("ip -n %s link set k0 up && ip -n %s route add 224.0.0.0/4 dev k0",
                           peer.space, peer.space));
    usleep(100000);
    assert_true(port_link_changed(&port, &count));
    assert_int_equal(count.link_up, 1);
}

static bool environment_start(void)
{
    struct eal_config eal = {.memory_mib = 128};
    struct error err = {0};
    while (!cpu_allowed(eal.main_core))
        eal.main_core++;
    uint32_t device;
    bool started = eal_start(&eal, &device, &err);
    if (!started)
        fprintf(stderr, "%s\n", err.text);
    return started;
}

#define TEST(kind, test)                             \
    {                                                \
#test " (" kind ")", test, fresh, tidy, NULL \
    }

// What both drivers have to do.
#define COMMON(kind)                                               \
    TEST(kind, kernel_resolves_us_and_its_datagram_arrives),       \
        TEST(kind, we_resolve_the_kernel_and_it_answers),          \
        TEST(kind, joins_answers_and_leaves_are_seen_on_the_wire), \
        TEST(kind, multicast_of_the_kernel_arrives),               \
        TEST(kind, tag_and_trailing_bytes_do_no_harm),             \
        TEST(kind, fragments_are_told_from_datagrams),             \
        TEST(kind, link_of_the_interface_is_the_ports)

int main(void)
{
    const struct CMUnitTest af_packet[] = {COMMON("af_packet"),
                                           TEST("af_packet", jumbo_frame_is_refused)};
    const struct CMUnitTest af_xdp[] = {COMMON("af_xdp")};
    if (!peer_make(&peer, "10.77.0.9")) {
        peer_remove(&peer);
        fprintf(stderr, "no veth pair in a namespace of its own here (root, iproute2, ethtool)\n");
        return PEER_SKIP;
    }
    int failed = !environment_start();
    if (!failed) {
        failed += cmocka_run_group_tests(af_packet, open_af_packet, close_port);
        failed += cmocka_run_group_tests(af_xdp, open_af_xdp, close_port);
    }
    peer_remove(&peer);
    return failed;
}
