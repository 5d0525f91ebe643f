// A slow side on a simulated port: tests push what arrives and look at what goes out.
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "dataplane/port/port_sim.h"
#include "dataplane/port/slow.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/igmp.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const uint8_t own_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 2};
static const uint32_t own_ip = IP(10, 0, 0, 2), peer_ip = IP(10, 0, 0, 9),
                      router_ip = IP(10, 0, 0, 1);
static const uint32_t group_a = IP(233, 54, 12, 111), group_b = IP(233, 49, 196, 111);
static const uint64_t ms = 1000000;

struct world {
    struct port_sim sim;
    struct port_counters count;
    struct slow_port slow;
    uint64_t now;
    uint32_t datagrams; // handed over
    uint32_t last_src_ip;
    uint32_t last_len;
    char last[64];
};

static struct world w;

static bool world_send(void *context, struct port *port, const uint8_t *bytes, uint32_t len)
{
    struct frame frame;
    (void)context;
    if (!port->ops->buffer(port, 0, &frame))
        return false;
    memcpy((uint8_t *)(uintptr_t)frame.data, bytes, len);
    frame.len = len;
    if (port->ops->send(port, 0, &frame, 1) == 1)
        return true;
    port->ops->release(port, &frame);
    return false;
}

static void world_datagram(void *context, struct port *port, const struct frame_udp *f,
                           uint64_t now_ns)
{
    (void)context;
    (void)port;
    assert_int_equal(now_ns, w.now);
    w.datagrams++;
    w.last_src_ip = f->src_ip;
    w.last_len = f->payload_len;
    memcpy(w.last, f->payload, f->payload_len < sizeof w.last ? f->payload_len : sizeof w.last);
}

static inline void world_init(uint32_t ip, uint8_t igmp_version)
{
    memset(&w, 0, sizeof w);
    port_sim_init(&w.sim, "p0", own_mac);
    w.now = 1000 * ms;
    w.slow = (struct slow_port){
        .port = &w.sim.port,
        .count = &w.count,
        .ip = ip,
        .prefix_len = 24,
        .gateway = ip ? router_ip : 0,
        .igmp_version = igmp_version,
        .random = 1,
        .send = world_send,
        .datagram = world_datagram,
    };
}

static inline void world_push(const uint8_t *bytes, uint32_t len)
{
    const struct frame frame = {.data = bytes, .len = len};
    slow_frame(&w.slow, &frame, w.now);
}

// One turn <after_ms> later; returns how many frames went out.
static inline uint32_t world_turn(uint64_t after_ms)
{
    w.now += after_ms * ms;
    return slow_turn(&w.slow, w.now);
}

static inline uint32_t world_sent(void)
{
    struct frame frame;
    uint32_t n = 0;
    while (port_sim_sent(&w.sim, &frame))
        n++;
    return n;
}

// The next frame that went out is ARP; everything about it that does not depend on the case is
// checked here.
static inline struct arp world_arp_sent(uint8_t dst_mac[6])
{
    struct frame frame;
    struct frame_udp f;
    struct arp arp = {0};
    assert_true(port_sim_sent(&w.sim, &frame));
    assert_true(frame.len >= 60);
    assert_int_equal(frame_parse(frame.data, frame.len, &f), FRAME_ARP);
    assert_memory_equal(frame.data + 6, own_mac, 6);
    assert_true(arp_parse(f.payload, f.payload_len, &arp));
    assert_memory_equal(arp.sender_mac, own_mac, 6);
    assert_int_equal(f.vlan[0], w.slow.vlan ? w.slow.vlan : FRAME_NO_VLAN);
    if (dst_mac)
        memcpy(dst_mac, frame.data, 6);
    return arp;
}

static inline void world_arp(uint16_t operation, uint32_t sender_ip, uint32_t target_ip,
                             uint16_t vlan)
{
    uint8_t bytes[PORT_FRAME_MAX];
    struct arp arp = {.operation = operation, .sender_ip = sender_ip, .target_ip = target_ip};
    memcpy(arp.sender_mac, peer_mac, 6);
    if (operation == ARP_REPLY)
        memcpy(arp.target_mac, own_mac, 6);
    world_push(bytes, arp_frame_build(bytes, vlan, &arp));
}
