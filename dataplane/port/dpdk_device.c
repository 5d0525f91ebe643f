// Set-up of the device behind a port: queues, buffers, filters, time.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/ip.h"
#include "dataplane/base/log.h"
#include "dataplane/base/memory.h"
#include "dataplane/port/dpdk_port.h"

enum {
    MTU = 1500,
    POOL_CACHE = 256, // buffers each lcore keeps for itself
    RETRY_US = 50000, // between attempts to reach a memif server
    CLOCK_MS = 20,    // for which the card's clock is watched
};

// Name of a device without its arguments.
static void name_of(const char *device, char name[64])
{
    snprintf(name, 64, "%.*s", (int)strcspn(device, ","), device);
}

bool device_find(struct dpdk_port *p, struct error *err)
{
    char name[64];
    name_of(p->config.device, name);
    if (rte_eth_dev_get_port_by_name(name, &p->id) == 0)
        return true;
    return error_set(
        err, EXIT_FAILED,
        "port %s: device %s is not there; a PCI device must exist and be bound to vfio-pci "
        "(dpdk-devbind.py --status), a virtual device must be one of this DPDK's drivers",
        p->config.name, name);
}

// --- NUMA ---

static bool remote(const struct dpdk_port *p, const char *what, int node, struct error *err)
{
    const struct port_config *config = &p->config;
    if (!config->remote_allowed)
        return error_set(err, EXIT_USAGE,
                         "port %s: %s on NUMA node %d, its lane's core on node %d; move the lane "
                         "to a core of node %d, or set node.remote_memory: true",
                         config->name, what, node, config->node_wanted, node);
    log_warn(LOG_PORT_REMOTE,
             LOG_FIELDS(LOG_TEXT("port", config->name), LOG_NUMBER("node", node),
                        LOG_NUMBER("node_wanted", config->node_wanted)),
             "port %s: %s on NUMA node %d, its lane on node %d: every frame crosses the socket",
             config->name, what, node, config->node_wanted);
    return true;
}

static bool node_check(const struct dpdk_port *p, struct error *err)
{
    int node = rte_eth_dev_socket_id(p->id);
    if (node < 0 || p->config.node_wanted < 0 || node == p->config.node_wanted)
        return true;
    return remote(p, "the device is", node, err);
}

struct chunks {
    int node;
    uint64_t local, looked_at;
};

static void chunk_look(struct rte_mempool *pool, void *opaque, struct rte_mempool_memhdr *chunk,
                       unsigned index)
{
    struct chunks *c = opaque;
    uint64_t local, looked_at;
    (void)pool;
    (void)index;
    if (memory_locality(chunk->addr, chunk->len, c->node, &local, &looked_at)) {
        c->local += local;
        c->looked_at += looked_at;
    }
}

// The kernel's word for where the buffers are.
static bool pool_check(const struct dpdk_port *p, int node, struct error *err)
{
    struct chunks c = {.node = node};
    if (node < 0)
        return true;
    rte_mempool_mem_iter(p->pool, chunk_look, &c);
    if (c.local == c.looked_at)
        return true;
    return remote(p, "frame buffers are not", node, err);
}

static bool pool_make(struct dpdk_port *p, struct error *err)
{
    const struct port_config *config = &p->config;
    char name[RTE_MEMPOOL_NAMESIZE];
    int device_node = rte_eth_dev_socket_id(p->id);
    int node = device_node >= 0 ? device_node : config->node_wanted;
    snprintf(name, sizeof name, "mbufs-%.18s", config->name);
    p->pool = rte_pktmbuf_pool_create(name, config->mbufs, POOL_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                      node);
    if (p->pool == NULL) // nothing left on that node: pool_check says whether others will do
        p->pool = rte_pktmbuf_pool_create(name, config->mbufs, POOL_CACHE, 0,
                                          RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
    if (p->pool == NULL)
        return error_set(err, EXIT_FAILED,
                         "port %s: no memory for %u frame buffers (%u MiB): %s; reserve more huge "
                         "pages (/sys/kernel/mm/hugepages), lower ports.mbufs or "
                         "channels.hold_frames, or set node.huge_pages: false",
                         config->name, config->mbufs, config->mbufs / 400 + 1,
                         rte_strerror(rte_errno));
    p->pool_free_min = config->mbufs;
    return pool_check(p, node, err);
}

// --- queues ---

static bool queues_refused(const struct dpdk_port *p, const char *what, int failed,
                           struct error *err)
{
    return error_set(err, EXIT_FAILED,
                     "port %s: the device refuses %s: %s; lower ports.rx_descriptors or "
                     "ports.tx_descriptors, or give the port fewer lanes",
                     p->config.name, what, strerror(-failed));
}

// <queues> pairs. The device is stopped.
static bool queues_setup(struct dpdk_port *p, const struct rte_eth_dev_info *info, uint16_t queues,
                         struct error *err)
{
    struct rte_eth_conf conf = {0};
    char what[64];
    uint16_t rx = p->config.rx_descriptors, tx = p->config.tx_descriptors;
    const uint64_t wanted =
        RTE_ETH_RX_OFFLOAD_CHECKSUM | RTE_ETH_RX_OFFLOAD_TIMESTAMP; // of IP, UDP and TCP
    unsigned node = (unsigned)rte_eth_dev_socket_id(p->id);
    conf.rxmode.offloads = info->rx_offload_capa & wanted;
    // All buffers sent on a queue come from one pool and are nobody else's.
    conf.txmode.offloads =
        info->tx_offload_capa & (RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE |
                                 (p->config.sums_tcp ? RTE_ETH_TX_OFFLOAD_TCP_CKSUM : 0));
    if (MTU >= info->min_mtu && MTU <= info->max_mtu)
        conf.rxmode.mtu = MTU;
    snprintf(what, sizeof what, "%u queues", queues);
    int failed = rte_eth_dev_configure(p->id, queues, queues, &conf);
    if (failed)
        return queues_refused(p, what, failed, err);
    p->configured = true;
    failed = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &rx, &tx);
    for (uint16_t q = 0; q < queues && failed == 0; q++) {
        failed = rte_eth_rx_queue_setup(p->id, q, rx, node, NULL, p->pool);
        if (failed == 0)
            failed = rte_eth_tx_queue_setup(p->id, q, tx, node, NULL);
    }
    snprintf(what, sizeof what, "queues of %u and %u descriptors", rx, tx);
    return failed == 0 || queues_refused(p, what, failed, err);
}

// A memif client's start fails until its server listens.
static bool start(struct dpdk_port *p, uint32_t wait_ms, struct error *err)
{
    int failed = rte_eth_dev_start(p->id);
    for (uint64_t waited_us = 0; failed && waited_us < wait_ms * 1000ull; waited_us += RETRY_US) {
        if (usleep(RETRY_US) != 0 && errno == EINTR)
            return error_set(err, EXIT_FAILED, "port %s: interrupted while it waited for its peer",
                             p->config.name);
        failed = rte_eth_dev_start(p->id);
    }
    p->started = failed == 0;
    return p->started ||
           error_set(err, EXIT_FAILED,
                     "port %s: %s does not start within %u ms: %s; for a memif client, is the "
                     "server running and its socket the same?",
                     p->config.name, p->device, wait_ms, strerror(-failed));
}

static void dev_stop(void *arg)
{
    const struct dpdk_port *p = arg;
    rte_eth_dev_stop(p->id);
}

static void dev_close(void *arg)
{
    const struct dpdk_port *p = arg;
    rte_eth_dev_close(p->id);
}

// memif shakes hands on DPDK's interrupt thread, and would go on with what a stop or a close on
// this one has freed.
static void apart(struct dpdk_port *p, void (*what)(void *arg))
{
    if (p->shares_memory)
        interrupt_thread_call(what, p);
    else
        what(p);
}

static bool stop(struct dpdk_port *p)
{
    if (p->started)
        apart(p, dev_stop);
    p->started = false;
    return true;
}

// Queues as the card can serve them: sorted by its rules, or all lanes behind one queue.
static bool sort_setup(struct dpdk_port *p, const struct rte_eth_dev_info *info, uint32_t wait_ms,
                       struct error *err)
{
    struct port_config *config = &p->config;
    const uint16_t most =
        info->max_rx_queues < info->max_tx_queues ? info->max_rx_queues : info->max_tx_queues;
    const bool by_rules = config->queues == 1 || (config->flow_rules && most >= config->queues);
    config->main_queue = config->main_queue && by_rules && most > config->queues;
    const uint16_t queues = by_rules ? (uint16_t)(config->queues + config->main_queue) : 1;
    if (!queues_setup(p, info, queues, err) || !start(p, wait_ms, err))
        return false;
    if (queues == 1 && config->queues == 1)
        return true;
    // Without rules the main lcore's own queue stays empty and the lane hands its frames over.
    if (by_rules && ((config->flow_rules && flows_install(p)) || config->queues == 1))
        return true;
    config->main_queue = false;
    if (queues > 1 && !(stop(p) && queues_setup(p, info, 1, err) && start(p, wait_ms, err)))
        return false;
    return steer_open(p, err);
}

// --- filters and time ---

// Groups in the card's filter; a driver that has none is told to let all multicast through.
static void groups_join(struct dpdk_port *p)
{
    const struct port_config *config = &p->config;
    struct rte_ether_addr macs[PORT_GROUPS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < config->group_count; i++) {
        uint8_t *m = macs[count].addr_bytes;
        if (!ip_is_multicast(config->groups[i]))
            continue;
        m[0] = 0x01, m[1] = 0x00, m[2] = 0x5e;
        m[3] = (uint8_t)(config->groups[i] >> 16 & 0x7f);
        m[4] = (uint8_t)(config->groups[i] >> 8);
        m[5] = (uint8_t)config->groups[i];
        count++;
    }
    bool filtered = rte_eth_dev_set_mc_addr_list(p->id, macs, count) == 0 ||
                    rte_eth_allmulticast_enable(p->id) == 0;
    if (config->promiscuous || !filtered)
        p->promiscuous = rte_eth_promiscuous_enable(p->id) == 0;
    if (config->promiscuous && !p->promiscuous)
        log_warn(LOG_PROMISCUOUS, LOG_FIELDS(LOG_TEXT("port", config->name)),
                 "port %s: the device cannot be promiscuous", config->name);
}

// Drivers that stamp in other units than nanoseconds and have no clock that could be read.
static uint64_t stamp_unit_ns(const char *driver)
{
    return strcmp(driver, "net_pcap") == 0 ? 1000 : 1;
}

void stamp_calibrate(struct dpdk_port *p, const char *driver)
{
    struct stamp *stamp = &p->stamp;
    uint64_t ticks0, ticks1, ns0, ns1;
    stamp->mult = stamp_unit_ns(driver);
    stamp->shift = 0;
    if (stamp->offset < 0 || rte_eth_read_clock(p->id, &ticks0) != 0)
        return;
    ns0 = clock_mono_ns();
    usleep(CLOCK_MS * 1000);
    if (rte_eth_read_clock(p->id, &ticks1) != 0 || ticks1 <= ticks0)
        return;
    ns1 = clock_mono_ns();
    uint64_t ticks = ticks1 - ticks0, ns = ns1 - ns0;
    uint64_t off = ticks > ns ? ticks - ns : ns - ticks;
    if (off < ns / 100)
        return; // it counts nanoseconds; the difference is what reading takes
    stamp->shift = 32;
    stamp->mult = (uint64_t)(((unsigned __int128)ns << 32) / ticks);
}

static void stamp_register(struct dpdk_port *p, const struct rte_eth_dev_info *info)
{
    p->stamp.offset = -1;
    if (!(info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP) &&
        strcmp(info->driver_name, "net_pcap") != 0) // stamps without saying so
        return;
    if (rte_mbuf_dyn_rx_timestamp_register(&p->stamp.offset, &p->stamp.flag) != 0)
        p->stamp.offset = -1;
}

// --- the whole ---

static bool can_mend(const struct dpdk_port *p, const struct rte_eth_dev_info *info)
{
    if (p->shares_memory)
        return strstr(p->device, "role=server") == NULL; // a server takes its client back itself
    return strcmp(info->driver_name, "net_virtio_user") == 0;
}

// Drivers over an interface of the kernel say that the link is up whatever happens to it.
static void carrier_find(struct dpdk_port *p, const char *driver)
{
    const char *at = strstr(p->device, "iface=");
    p->carrier[0] = '\0';
    if (at == NULL || (strcmp(driver, "net_af_packet") != 0 && strcmp(driver, "net_af_xdp") != 0))
        return;
    at += strlen("iface=");
    snprintf(p->carrier, sizeof p->carrier, "/sys/class/net/%.*s/carrier",
             (int)strcspn(at, ",") % 16, at);
}

static void facts_fill(const struct dpdk_port *p, const struct rte_eth_dev_info *info,
                       struct port_facts *facts)
{
    struct rte_eth_link link = {0};
    snprintf(facts->driver, sizeof facts->driver, "%s", info->driver_name);
    if (rte_eth_dev_fw_version_get(p->id, facts->firmware, sizeof facts->firmware) != 0)
        facts->firmware[0] = '\0'; // not told, or longer than any that is known
    rte_eth_dev_get_mtu(p->id, &facts->mtu);
    if (rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
        facts->speed_mbps = link.link_speed;
    facts->node = rte_eth_dev_socket_id(p->id);
    facts->hardware_time = p->stamp.offset >= 0;
    facts->checks_sums =
        (info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_CHECKSUM) == RTE_ETH_RX_OFFLOAD_CHECKSUM;
    facts->sorted_by_software = p->steer != NULL;
    facts->flow_rules = p->flow_count;
}

bool device_open(struct dpdk_port *p, struct port *port, uint32_t wait_ms, struct port_facts *facts,
                 struct error *err)
{
    struct rte_eth_dev_info info;
    struct rte_ether_addr mac;
    if (!device_find(p, err) || !node_check(p, err))
        return false;
    int failed = rte_eth_dev_info_get(p->id, &info);
    if (failed)
        return error_set(err, EXIT_FAILED, "port %s: %s", p->config.name, strerror(-failed));
    stamp_register(p, &info);
    p->shares_memory = strcmp(info.driver_name, "net_memif") == 0;
    p->mendable = can_mend(p, &info);
    carrier_find(p, info.driver_name);
    memcpy(mac.addr_bytes, p->config.mac, 6);
    if (!rte_is_zero_ether_addr(&mac) && rte_eth_dev_default_mac_addr_set(p->id, &mac) != 0)
        log_info(LOG_MAC, LOG_FIELDS(LOG_TEXT("port", p->config.name)),
                 "port %s: the device keeps its own address; ours is used in what we send",
                 p->config.name);
    if ((p->pool == NULL && !pool_make(p, err)) || !sort_setup(p, &info, wait_ms, err))
        return false;
    groups_join(p);
    stamp_calibrate(p, info.driver_name);
    if (rte_is_zero_ether_addr(&mac))
        rte_eth_macaddr_get(p->id, &mac);
    memcpy(port->mac, mac.addr_bytes, 6);
    port->numa_node = (int16_t)rte_eth_dev_socket_id(p->id);
    port->sums_tcp = p->config.sums_tcp && (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_CKSUM);
    port->main_queue = p->config.main_queue ? p->config.queues : 0;
    if (p->shares_memory)
        pollers_watch(p->pollers, p->config.queues + p->config.main_queue);
    facts_fill(p, &info, facts);
    return true;
}

void device_close(struct dpdk_port *p)
{
    struct rte_eth_stats stats;
    pollers_forget(p->pollers);
    if (!p->configured)
        return;
    if (p->started)
        flows_remove(p);
    if (p->promiscuous)
        rte_eth_promiscuous_disable(p->id); // an interface of the kernel would stay so
    p->promiscuous = false;
    if (rte_eth_stats_get(p->id, &stats) == 0)
        stats_add(&p->before, &stats);
    stop(p);
    apart(p, dev_close);
    p->configured = false;
    steer_close(p);
}
