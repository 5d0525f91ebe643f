// Hot path (port_receive to port_release) and set-up of a DPDK port.
#include "dataplane/port/eal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_version.h>

#include "dataplane/base/check.h"
#include "dataplane/base/log.h"

// Both Debian 12 (22.11) and Debian 13 (24.11) have every call of this file under the same name.
#if RTE_VERSION < RTE_VERSION_NUM(22, 11, 0, 0)
#error "DPDK 22.11 or later is needed"
#endif

struct dpdk_port {
    uint16_t id;
    int stamp_offset; // of the receive time in an mbuf, -1 without
    uint64_t stamp_flag;
    struct rte_mempool *pool;
    uint32_t pool_free_min;
    bool link_up;
};

// --- hot ---

static uint16_t port_receive(struct port *port, uint16_t queue, struct frame *frames, uint16_t max)
{
    const struct dpdk_port *p = port->driver;
    struct rte_mbuf *mbufs[PORT_BURST];
    uint16_t n = rte_eth_rx_burst(p->id, queue, mbufs, max < PORT_BURST ? max : PORT_BURST);
    for (uint16_t i = 0; i < n; i++) {
        const struct rte_mbuf *m = mbufs[i];
        const uint64_t bad =
            (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD ||
            (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_BAD;
        frames[i] = (struct frame){
            .data = rte_pktmbuf_mtod(m, const uint8_t *),
            .len = m->data_len,
            .flags = (uint16_t)((m->nb_segs > 1 ? FRAME_SEGMENTED : 0) | (bad ? FRAME_BAD_SUM : 0)),
            .owner = mbufs[i],
        };
        if (p->stamp_offset >= 0 && m->ol_flags & p->stamp_flag)
            frames[i].hw_ns = *RTE_MBUF_DYNFIELD(m, p->stamp_offset, const rte_mbuf_timestamp_t *);
    }
    return n;
}

static bool port_buffer(struct port *port, uint16_t queue, struct frame *frame)
{
    const struct dpdk_port *p = port->driver;
    struct rte_mbuf *m = rte_pktmbuf_alloc(p->pool);
    (void)queue;
    if (m == NULL)
        return false;
    *frame = (struct frame){.data = rte_pktmbuf_mtod(m, const uint8_t *), .owner = m};
    return true;
}

static uint16_t port_send(struct port *port, uint16_t queue, struct frame *frames, uint16_t n)
{
    const struct dpdk_port *p = port->driver;
    struct rte_mbuf *mbufs[PORT_BURST];
    n = n < PORT_BURST ? n : PORT_BURST;
    for (uint16_t i = 0; i < n; i++) {
        mbufs[i] = frames[i].owner;
        mbufs[i]->data_len = (uint16_t)frames[i].len;
        mbufs[i]->pkt_len = frames[i].len;
    }
    return rte_eth_tx_burst(p->id, queue, mbufs, n);
}

static void port_release(struct port *port, struct frame *frame)
{
    (void)port;
    rte_pktmbuf_free(frame->owner);
}

static const struct port_ops dpdk_ops = {port_receive, port_buffer, port_send, port_release};

// --- set-up ---

static bool find(struct dpdk_port *p, const struct port_config *config, struct error *err)
{
    char device[64];
    snprintf(device, sizeof device, "%.*s", (int)strcspn(config->device, ","), config->device);
    if (rte_eth_dev_get_port_by_name(device, &p->id) == 0)
        return true;
    return error_set(
        err, EXIT_FAILED,
        "port %s: device %s is not there; a PCI device must exist and be bound to vfio-pci "
        "(dpdk-devbind.py --status), a vdev must be one of this DPDK's drivers",
        config->name, device);
}

static bool node_check(const struct dpdk_port *p, const struct port_config *config,
                       struct error *err)
{
    int node = rte_eth_dev_socket_id(p->id);
    if (node < 0 || config->node_wanted < 0 || node == config->node_wanted)
        return true;
    if (config->remote_allowed) {
        log_warn("port_remote",
                 "port %s is on NUMA node %d, its lane on node %d: every frame crosses the socket",
                 config->name, node, config->node_wanted);
        return true;
    }
    return error_set(err, EXIT_USAGE,
                     "port %s is on NUMA node %d, its lane's core on node %d; move the lane to a "
                     "core of node %d, or "
                     "set node.remote_memory: true",
                     config->name, node, config->node_wanted, node);
}

static bool queues_setup(struct dpdk_port *p, const struct port_config *config,
                         const struct rte_eth_dev_info *info, struct error *err)
{
    struct rte_eth_conf conf = {0};
    uint16_t rx = config->rx_descriptors, tx = config->tx_descriptors;
    const uint64_t sums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
    unsigned node = (unsigned)rte_eth_dev_socket_id(p->id);
    int failed;
    if (config->queues > info->max_rx_queues || config->queues > info->max_tx_queues)
        return error_set(err, EXIT_USAGE,
                         "port %s: %u lanes poll it, but %s has %u receive and %u transmit queues",
                         config->name, config->queues, info->driver_name, info->max_rx_queues,
                         info->max_tx_queues);
    conf.rxmode.offloads = info->rx_offload_capa & (sums | RTE_ETH_RX_OFFLOAD_TIMESTAMP);
    p->stamp_offset = -1;
    if (conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP)
        rte_mbuf_dyn_rx_timestamp_register(&p->stamp_offset, &p->stamp_flag);
    failed = rte_eth_dev_configure(p->id, config->queues, config->queues, &conf);
    if (failed == 0)
        failed = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx);
    for (uint16_t q = 0; q < config->queues && failed == 0; q++) {
        failed = rte_eth_rx_queue_setup(p->id, q, rx, node, NULL, p->pool);
        if (failed == 0)
            failed = rte_eth_tx_queue_setup(p->id, q, tx, node, NULL);
    }
    return failed == 0 ||
           error_set(err, EXIT_FAILED, "port %s: %s refuses %u queues of %u and %u descriptors: %s",
                     config->name, info->driver_name, config->queues, rx, tx, strerror(-failed));
}

// Groups in the card's filter; a driver that has none is told to let all multicast through.
static void groups_join(const struct dpdk_port *p, const struct port_config *config)
{
    struct rte_ether_addr macs[CHANNELS_MAX * LINES_MAX];
    for (uint32_t i = 0; i < config->group_count; i++) {
        uint8_t *m = macs[i].addr_bytes;
        m[0] = 0x01, m[1] = 0x00, m[2] = 0x5e;
        m[3] = (uint8_t)(config->groups[i] >> 16 & 0x7f);
        m[4] = (uint8_t)(config->groups[i] >> 8);
        m[5] = (uint8_t)config->groups[i];
    }
    if (config->promiscuous)
        rte_eth_promiscuous_enable(p->id);
    if (rte_eth_dev_set_mc_addr_list(p->id, macs, config->group_count) != 0)
        rte_eth_allmulticast_enable(p->id);
}

// A memif client's start fails until its server listens.
static bool start(const struct dpdk_port *p, const struct port_config *config, uint32_t wait_ms,
                  struct error *err)
{
    int failed = rte_eth_dev_start(p->id);
    for (uint32_t waited = 0; failed && waited < wait_ms; waited += 50) {
        usleep(50000);
        failed = rte_eth_dev_start(p->id);
    }
    return failed == 0 ||
           error_set(err, EXIT_FAILED,
                     "port %s: does not start within %u ms: %s; for memif, is the server running?",
                     config->name, wait_ms, strerror(-failed));
}

static bool pool_make(struct dpdk_port *p, const struct port_config *config, struct error *err)
{
    char name[RTE_MEMPOOL_NAMESIZE];
    snprintf(name, sizeof name, "mbufs-%u", p->id);
    p->pool = rte_pktmbuf_pool_create(name, config->mbufs, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                      rte_eth_dev_socket_id(p->id));
    p->pool_free_min = config->mbufs;
    return p->pool != NULL || error_set(err, EXIT_FAILED,
                                        "port %s: no memory for %u buffers: %s; reserve more huge "
                                        "pages or lower ports.mbufs",
                                        config->name, config->mbufs, rte_strerror(rte_errno));
}

bool port_open(struct port *port, const struct port_config *config, uint32_t wait_ms,
               struct port_facts *facts, struct error *err)
{
    struct dpdk_port *p = calloc(1, sizeof *p);
    struct rte_eth_dev_info info;
    struct rte_ether_addr mac;
    MUST(p != NULL);
    memset(facts, 0, sizeof *facts);
    port->ops = &dpdk_ops;
    port->driver = p;
    snprintf(port->name, sizeof port->name, "%s", config->name);
    if (!find(p, config, err) || !node_check(p, config, err))
        return false;
    int failed = rte_eth_dev_info_get(p->id, &info);
    if (failed)
        return error_set(err, EXIT_FAILED, "port %s: %s", config->name, strerror(-failed));
    if (!pool_make(p, config, err) || !queues_setup(p, config, &info, err))
        return false;
    memcpy(mac.addr_bytes, config->mac, 6);
    if (!rte_is_zero_ether_addr(&mac))
        rte_eth_dev_default_mac_addr_set(p->id, &mac);
    if (!start(p, config, wait_ms, err))
        return false;
    groups_join(p, config);
    rte_eth_macaddr_get(p->id, &mac);
    memcpy(port->mac, rte_is_zero_ether_addr(&mac) ? config->mac : mac.addr_bytes, 6);
    port->numa_node = (int16_t)rte_eth_dev_socket_id(p->id);
    snprintf(facts->driver, sizeof facts->driver, "%s", info.driver_name);
    rte_eth_dev_get_mtu(p->id, &facts->mtu);
    facts->node = port->numa_node;
    facts->hardware_time = p->stamp_offset >= 0;
    facts->checks_sums = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_UDP_CKSUM) != 0;
    return true;
}

void port_close(struct port *port)
{
    struct dpdk_port *p = port->driver;
    rte_eth_dev_stop(p->id);
    rte_eth_dev_close(p->id);
    rte_mempool_free(p->pool);
    free(p);
    port->driver = NULL;
}

// --- main lcore ---

void port_statistics(struct port *port, struct port_counters *count)
{
    const struct dpdk_port *p = port->driver;
    struct rte_eth_stats stats;
    if (rte_eth_stats_get(p->id, &stats) != 0)
        return;
    count->rx_packets = stats.ipackets;
    count->rx_bytes = stats.ibytes;
    count->rx_missed = stats.imissed;
    count->rx_errors = stats.ierrors;
    count->rx_nombuf = stats.rx_nombuf;
    count->tx_packets = stats.opackets;
    count->tx_bytes = stats.obytes;
    count->tx_errors = stats.oerrors;
}

bool port_link_changed(struct port *port, struct port_counters *count)
{
    struct dpdk_port *p = port->driver;
    struct rte_eth_link link;
    if (rte_eth_link_get_nowait(p->id, &link) != 0 || p->link_up == link.link_status)
        return false;
    p->link_up = link.link_status;
    count->link_up = p->link_up;
    count->link_changes++;
    return true;
}

void port_pool(struct port *port, struct pool_counters *count)
{
    struct dpdk_port *p = port->driver;
    uint32_t available = rte_mempool_avail_count(p->pool);
    if (available < p->pool_free_min)
        p->pool_free_min = available;
    count->size = p->pool->size;
    count->free = available;
    count->free_min = p->pool_free_min;
}

uint64_t port_pool_bytes(const struct port *port)
{
    const struct dpdk_port *p = port->driver;
    const struct rte_mempool *pool = p->pool;
    return (uint64_t)pool->size * (pool->header_size + pool->elt_size + pool->trailer_size);
}
