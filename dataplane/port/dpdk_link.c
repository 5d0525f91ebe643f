// What the main lcore asks and does of a DPDK port: open, close, statistics, link, mending.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/check.h"
#include "dataplane/base/log.h"
#include "dataplane/port/dpdk_port.h"

enum {
    DOWN_MS = 500,  // a link that may be mended is down for this long
    RETRY_MS = 500, // between attempts to make the device anew
};
static const uint64_t ms = 1000000;

// --- in the stead of a lane ---

static bool dpdk_send_instead(struct port *port, uint16_t queue, struct frame *frame)
{
    struct dpdk_port *p = port->driver;
    struct poller *poller = &p->pollers[queue];
    struct rte_mbuf *m;
    bool sent;
    if (p->paused || !poller_hold(poller, ++p->pauses))
        return false;
    mbufs_of(frame, &m, 1);
    if (p->steer && queue > 0 && queue < LANES_MAX) // the first lane passes it on
        sent = rte_ring_sp_enqueue(p->steer->out[queue], m) == 0;
    else
        sent = rte_eth_tx_burst(p->id, queue, &m, 1) == 1;
    poller_release(poller);
    return sent;
}

// --- open and close ---

bool port_open(struct port *port, const struct port_config *config, uint32_t wait_ms,
               struct port_facts *facts, struct error *err)
{
    struct dpdk_port *p = aligned_alloc(CACHE_LINE, cache_lines(sizeof *p));
    MUST(p != NULL);
    memset(p, 0, sizeof *p);
    memset(facts, 0, sizeof *facts);
    p->config = *config;
    snprintf(p->device, sizeof p->device, "%s", config->device);
    snprintf(port->name, sizeof port->name, "%s", config->name);
    p->config.device = p->device;
    p->config.name = port->name;
    p->config.main_queue |= eal_is_pci(p->device);
    port->driver = p;
    if (!device_open(p, port, wait_ms, facts, err)) {
        port_close(port);
        return false;
    }
    port->ops = p->steer ? &dpdk_steer_ops : &dpdk_ops;
    port->send_instead = dpdk_send_instead;
    return true;
}

void port_close(struct port *port)
{
    struct dpdk_port *p = port->driver;
    device_close(p);
    rte_mempool_free(p->pool);
    free(p);
    port->driver = NULL;
    port->ops = NULL;
}

// --- statistics ---

void stats_add(struct rte_eth_stats *sum, const struct rte_eth_stats *more)
{
    sum->ipackets += more->ipackets;
    sum->ibytes += more->ibytes;
    sum->imissed += more->imissed;
    sum->ierrors += more->ierrors;
    sum->rx_nombuf += more->rx_nombuf;
    sum->opackets += more->opackets;
    sum->obytes += more->obytes;
    sum->oerrors += more->oerrors;
}

void port_statistics(struct port *port, struct port_counters *count)
{
    const struct dpdk_port *p = port->driver;
    struct rte_eth_stats stats, sum = p->before;
    if (p->configured && rte_eth_stats_get(p->id, &stats) == 0)
        stats_add(&sum, &stats);
    count->rx_packets = sum.ipackets;
    count->rx_bytes = sum.ibytes;
    count->rx_missed = sum.imissed + (p->steer ? p->steer->in_dropped : 0);
    count->rx_errors = sum.ierrors;
    count->rx_nombuf = sum.rx_nombuf;
    count->tx_packets = sum.opackets;
    count->tx_bytes = sum.obytes;
    count->tx_errors = sum.oerrors + (p->steer ? p->steer->out_dropped : 0);
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
    count->failures = atomic_load_explicit(&p->pool_failures, memory_order_relaxed);
}

uint64_t port_pool_bytes(const struct port *port)
{
    const struct dpdk_port *p = port->driver;
    const struct rte_mempool *pool = p->pool;
    return (uint64_t)pool->size * (pool->header_size + pool->elt_size + pool->trailer_size);
}

// --- link ---

// "1" in a file that cannot be read while the interface is down.
static bool carrier_is_up(const char *path)
{
    FILE *file = fopen(path, "r");
    int up = file ? fgetc(file) : '0';
    if (file)
        fclose(file);
    return up == '1';
}

static bool link_is_up(const struct dpdk_port *p)
{
    struct rte_eth_link link = {0};
    if (p->carrier[0])
        return p->started && carrier_is_up(p->carrier);
    return p->started && rte_eth_link_get_nowait(p->id, &link) == 0 && link.link_status;
}

bool port_link_changed(struct port *port, struct port_counters *count)
{
    struct dpdk_port *p = port->driver;
    bool up = link_is_up(p);
    if (p->link_up == up)
        return false;
    p->link_up = up;
    count->link_up = up;
    count->link_changes++;
    return true;
}

// --- mending ---

static bool lanes_are_out(const struct dpdk_port *p)
{
    for (uint16_t q = 0; q < p->config.queues; q++)
        if (atomic_load_explicit(&p->pollers[q].paused, memory_order_acquire) != p->pauses)
            return false;
    return true;
}

static void lanes_pause(struct dpdk_port *p, bool paused)
{
    p->paused = paused;
    p->pauses += paused;
    for (uint32_t q = 0; q < PORT_QUEUES_MAX; q++)
        atomic_store_explicit(&p->pollers[q].pause, paused ? p->pauses : 0, memory_order_release);
}

static void device_remove(struct dpdk_port *p)
{
    struct rte_eth_dev_info info;
    struct rte_device *device = rte_eth_dev_info_get(p->id, &info) == 0 ? info.device : NULL;
    device_close(p);
    if (device)
        rte_dev_remove(device);
}

// True when the device is there again. Nobody is told why not: the peer is not back yet.
static bool device_renew(struct dpdk_port *p, struct port *port)
{
    struct error err = {0};
    struct port_facts facts = {0};
    const struct port_config wanted = p->config;
    if (rte_dev_probe(p->device) != 0)
        return false;
    if (device_open(p, port, 0, &facts, &err))
        return true;
    device_remove(p);
    p->config = wanted;
    return false;
}

// Well -> down for a while: pause the lanes -> they are out: remove the device -> try to make it
// anew until the peer is there.
void port_mend(struct port *port, uint64_t now_ns)
{
    struct dpdk_port *p = port->driver;
    if (!p->mendable || now_ns < p->mend_at)
        return;
    if (!p->paused) {
        bool up = link_is_up(p);
        if (up || p->down_since == 0)
            p->down_since = up ? 0 : now_ns;
        if (up || now_ns - p->down_since < DOWN_MS * ms)
            return;
        log_warn(LOG_PEER_GONE, LOG_FIELDS(LOG_TEXT("port", port->name)),
                 "port %s: its peer is gone; waiting for it to come back", port->name);
        rte_log_set_level_pattern("pmd.*", RTE_LOG_CRIT); // each attempt would complain
        lanes_pause(p, true);
        return;
    }
    if (p->configured && lanes_are_out(p))
        device_remove(p);
    if (p->configured)
        return;
    p->mend_at = now_ns + RETRY_MS * ms;
    if (!device_renew(p, port))
        return;
    rte_log_set_level_pattern("pmd.*", RTE_LOG_ERR);
    log_info(LOG_PEER_BACK, LOG_FIELDS(LOG_TEXT("port", port->name)), "port %s: its peer is back",
             port->name);
    p->down_since = 0;
    lanes_pause(p, false);
}
