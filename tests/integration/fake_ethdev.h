// A card that does not exist: DPDK's null driver with the calls of a real card put in front of it
// by the linker (--wrap, see the Makefile). It records flow rules, filters and queues, offers a
// clock and receive stamps, refuses what it is told to refuse, and delivers the frames of the test.
#pragma once

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/port/dpdk_port.h"
#include "dataplane/wire/frame_build.h"

enum { FAKE_RULES = 80, FAKE_QUEUES = 8, FAKE_FIFO = 8192 };

struct fake_rule {
    bool live;
    bool eth, vlan;
    uint16_t vlan_id;
    uint32_t ip, ip_mask; // host order
    uint16_t udp_port, udp_mask;
    uint16_t queue;
};

struct fake_fifo {
    struct rte_mbuf *mbufs[FAKE_FIFO];
    uint32_t head, tail;
};

struct fake {
    // What the card can do; set by the test.
    uint16_t max_queues;
    uint64_t rx_offloads, tx_offloads;
    uint32_t rules_max; // further ones are refused
    int socket;
    double clock_ghz; // 0: no clock
    bool mc_filter;
    bool refuse_start;
    const char *driver;   // null: the null driver's own name
    const char *firmware; // null: the driver does not tell it
    bool link_up;
    struct rte_eth_stats stats;

    // What was asked of it.
    struct fake_rule rules[FAKE_RULES];
    uint32_t rules_made, rules_live, flushes, rules_at_flush;
    uint16_t rx_queues, tx_queues;
    uint64_t rx_offloads_used, tx_offloads_used;
    uint16_t mtu_used;
    struct rte_ether_addr mc[CHANNELS_MAX * LINES_MAX];
    uint32_t mc_count;
    bool allmulticast;
    uint32_t starts, refused_starts, stops;

    struct fake_fifo rx[FAKE_QUEUES], tx[FAKE_QUEUES];
    uint32_t tx_room;
};

static struct fake fake;

static inline void fake_reset(void)
{
    memset(&fake, 0, sizeof fake);
    fake.max_queues = FAKE_QUEUES;
    fake.rules_max = FAKE_RULES;
    fake.mc_filter = true;
    fake.link_up = true;
    fake.tx_room = UINT32_MAX;
}

#define REAL(result, name, ...)        \
    result __real_##name(__VA_ARGS__); \
    result __wrap_##name(__VA_ARGS__); \
    result __wrap_##name(__VA_ARGS__)

REAL(int, rte_eth_dev_info_get, uint16_t id, struct rte_eth_dev_info *info)
{
    int failed = __real_rte_eth_dev_info_get(id, info);
    info->max_rx_queues = info->max_tx_queues = fake.max_queues;
    info->rx_offload_capa = fake.rx_offloads;
    info->tx_offload_capa = fake.tx_offloads;
    if (fake.driver)
        info->driver_name = fake.driver;
    return failed;
}

REAL(int, rte_eth_dev_fw_version_get, uint16_t id, char *text, size_t len)
{
    if (fake.firmware == NULL)
        return __real_rte_eth_dev_fw_version_get(id, text, len);
    const int needed = snprintf(text, len, "%s", fake.firmware) + 1;
    return (size_t)needed > len ? needed : 0;
}

// The offloads are the fake's business: the null driver has none.
REAL(int, rte_eth_dev_configure, uint16_t id, uint16_t rx, uint16_t tx,
     const struct rte_eth_conf *conf)
{
    struct rte_eth_conf plain = *conf;
    memset(&fake.stats, 0, sizeof fake.stats);
    fake.rx_queues = rx;
    fake.tx_queues = tx;
    fake.rx_offloads_used = conf->rxmode.offloads;
    fake.tx_offloads_used = conf->txmode.offloads;
    fake.mtu_used = (uint16_t)conf->rxmode.mtu;
    if (rx > fake.max_queues || tx > fake.max_queues)
        return -EINVAL;
    plain.rxmode.offloads = plain.txmode.offloads = 0;
    return __real_rte_eth_dev_configure(id, rx, tx, &plain);
}

static uint16_t fake_rx(void *queue, struct rte_mbuf **mbufs, uint16_t n);
static uint16_t fake_tx(void *queue, struct rte_mbuf **mbufs, uint16_t n);

REAL(int, rte_eth_dev_start, uint16_t id)
{
    fake.starts++;
    if (fake.refuse_start) {
        fake.refused_starts++;
        return -ENODEV;
    }
    int failed = __real_rte_eth_dev_start(id);
    // The table of burst functions is public; queues are told apart by their number.
    for (uintptr_t q = 0; q < FAKE_QUEUES; q++) {
        rte_eth_fp_ops[id].rxq.data[q] = &fake.rx[q];
        rte_eth_fp_ops[id].txq.data[q] = &fake.tx[q];
    }
    rte_eth_fp_ops[id].rx_pkt_burst = fake_rx;
    rte_eth_fp_ops[id].tx_pkt_burst = fake_tx;
    return failed;
}

REAL(int, rte_eth_dev_stop, uint16_t id)
{
    fake.stops++;
    return __real_rte_eth_dev_stop(id);
}

REAL(int, rte_eth_dev_socket_id, uint16_t id)
{
    (void)id;
    return fake.socket;
}

REAL(int, rte_eth_read_clock, uint16_t id, uint64_t *clock)
{
    struct timespec t;
    (void)id;
    if (fake.clock_ghz == 0)
        return -ENOTSUP;
    clock_gettime(CLOCK_MONOTONIC, &t);
    *clock = (uint64_t)((double)(t.tv_sec * 1000000000ll + t.tv_nsec) * fake.clock_ghz);
    return 0;
}

REAL(int, rte_eth_dev_set_mc_addr_list, uint16_t id, struct rte_ether_addr *list, uint32_t n)
{
    (void)id;
    if (!fake.mc_filter)
        return -ENOTSUP;
    memcpy(fake.mc, list, n * sizeof *list);
    fake.mc_count = n;
    return 0;
}

REAL(int, rte_eth_allmulticast_enable, uint16_t id)
{
    (void)id;
    fake.allmulticast = true;
    return 0;
}

REAL(int, rte_eth_link_get_nowait, uint16_t id, struct rte_eth_link *link)
{
    (void)id;
    memset(link, 0, sizeof *link);
    link->link_status = fake.link_up;
    link->link_speed = 25000;
    return 0;
}

REAL(int, rte_eth_stats_get, uint16_t id, struct rte_eth_stats *stats)
{
    (void)id;
    *stats = fake.stats;
    return 0;
}

// --- flow rules

// Fills <rule>; false for a pattern or action that this card does not know.
static bool fake_rule_read(const struct rte_flow_item *item, const struct rte_flow_action *action,
                           struct fake_rule *rule)
{
    memset(rule, 0, sizeof *rule);
    for (; item->type != RTE_FLOW_ITEM_TYPE_END; item++) {
        if (item->type == RTE_FLOW_ITEM_TYPE_ETH) {
            rule->eth = true;
        } else if (item->type == RTE_FLOW_ITEM_TYPE_VLAN) {
            const struct rte_flow_item_vlan *spec = item->spec, *mask = item->mask;
            rule->vlan = true;
            rule->vlan_id = rte_be_to_cpu_16(spec->hdr.vlan_tci & mask->hdr.vlan_tci);
        } else if (item->type == RTE_FLOW_ITEM_TYPE_IPV4) {
            const struct rte_flow_item_ipv4 *spec = item->spec, *mask = item->mask;
            rule->ip = rte_be_to_cpu_32(spec->hdr.dst_addr);
            rule->ip_mask = rte_be_to_cpu_32(mask->hdr.dst_addr);
        } else if (item->type == RTE_FLOW_ITEM_TYPE_UDP) {
            const struct rte_flow_item_udp *spec = item->spec, *mask = item->mask;
            rule->udp_port = rte_be_to_cpu_16(spec->hdr.dst_port);
            rule->udp_mask = rte_be_to_cpu_16(mask->hdr.dst_port);
        } else {
            return false;
        }
    }
    if (action->type != RTE_FLOW_ACTION_TYPE_QUEUE || action[1].type != RTE_FLOW_ACTION_TYPE_END)
        return false;
    rule->queue = ((const struct rte_flow_action_queue *)action->conf)->index;
    return rule->queue < fake.rx_queues;
}

REAL(int, rte_flow_validate, uint16_t id, const struct rte_flow_attr *attr,
     const struct rte_flow_item items[], const struct rte_flow_action actions[],
     struct rte_flow_error *error)
{
    struct fake_rule rule;
    (void)id;
    if (attr->ingress && fake.rules_live < fake.rules_max && fake_rule_read(items, actions, &rule))
        return 0;
    error->message = "no room in the fake card";
    return -ENOSPC;
}

REAL(struct rte_flow *, rte_flow_create, uint16_t id, const struct rte_flow_attr *attr,
     const struct rte_flow_item items[], const struct rte_flow_action actions[],
     struct rte_flow_error *error)
{
    (void)id;
    (void)attr;
    (void)error;
    struct fake_rule *rule = &fake.rules[fake.rules_made++ % FAKE_RULES];
    if (!fake_rule_read(items, actions, rule))
        return NULL;
    rule->live = true;
    fake.rules_live++;
    return (struct rte_flow *)rule;
}

REAL(int, rte_flow_destroy, uint16_t id, struct rte_flow *flow, struct rte_flow_error *error)
{
    struct fake_rule *rule = (struct fake_rule *)flow;
    (void)id;
    (void)error;
    if (!rule->live)
        return -EINVAL;
    rule->live = false;
    fake.rules_live--;
    return 0;
}

REAL(int, rte_flow_flush, uint16_t id, struct rte_flow_error *error)
{
    (void)id;
    (void)error;
    fake.flushes++;
    fake.rules_at_flush = fake.rules_made;
    return 0;
}

// --- frames

static uint16_t fake_rx(void *queue, struct rte_mbuf **mbufs, uint16_t n)
{
    struct fake_fifo *fifo = queue;
    uint16_t taken = 0;
    while (taken < n && fifo->head != fifo->tail)
        mbufs[taken++] = fifo->mbufs[fifo->head++ % FAKE_FIFO];
    return taken;
}

static uint16_t fake_tx(void *queue, struct rte_mbuf **mbufs, uint16_t n)
{
    struct fake_fifo *fifo = queue;
    uint16_t taken = 0;
    while (taken < n && fake.tx_room > 0) {
        fifo->mbufs[fifo->tail++ % FAKE_FIFO] = mbufs[taken++];
        fake.tx_room--;
    }
    return taken;
}

// A frame of the port's own pool arrives on a queue of the card.
static inline struct rte_mbuf *fake_arrive(struct port *port, uint16_t queue, const void *bytes,
                                           uint32_t len)
{
    const struct dpdk_port *p = port->driver;
    struct rte_mbuf *m = rte_pktmbuf_alloc(p->pool);
    struct fake_fifo *fifo = &fake.rx[queue];
    if (m == NULL)
        return NULL;
    memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
    fifo->mbufs[fifo->tail++ % FAKE_FIFO] = m;
    return m;
}

// The oldest frame that the card has sent on a queue, null when there is none.
static inline struct rte_mbuf *fake_sent(uint16_t queue)
{
    struct fake_fifo *fifo = &fake.tx[queue];
    return fifo->head == fifo->tail ? NULL : fifo->mbufs[fifo->head++ % FAKE_FIFO];
}

// --- frames for it ---

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const uint32_t group_a = IP(233, 54, 12, 111), group_b = IP(233, 49, 196, 111);
static const uint32_t own_ip = IP(10, 0, 0, 2);
static const uint64_t ms = 1000000;

// A UDP datagram to <ip> as a whole frame; returns its length.
static uint32_t datagram(uint8_t *bytes, uint32_t ip, uint16_t udp_port)
{
    static const uint8_t to[6] = {1, 0, 0x5e, 1, 2, 3}, from[6] = {2, 0, 0, 0, 0, 9};
    const struct frame_udp_out out = {.dst_mac = to,
                                      .src_mac = from,
                                      .vlan = FRAME_NO_VLAN,
                                      .src_port = 1,
                                      .dst_port = udp_port,
                                      .src_ip = IP(10, 0, 0, 9),
                                      .dst_ip = ip};
    return frame_udp_build(bytes, &out, "payload", 7);
}
