// Hot path: several lanes on a device that cannot sort. Lane 0 polls the one queue, keeps its own
// frames and passes the others on by reference; what the others send goes out through it.
#include <stdio.h>

#include "dataplane/base/log.h"
#include "dataplane/port/dpdk_port.h"
#include "dataplane/wire/frame.h"

static uint32_t steer_place(uint32_t ip, uint16_t udp_port)
{
    return ((ip ^ ((uint32_t)udp_port << 16 | udp_port)) * 0x9E3779B1u) >> 24;
}
_Static_assert(STEER_TABLE_LEN == 256, "steer_place gives eight bits");
_Static_assert(PORT_GROUPS_MAX <= STEER_TABLE_LEN / 3, "every search ends at an empty entry");

// Lane of a frame; 0 for everything that no route names.
static uint16_t steer_lane(const struct steer *steer, const struct rte_mbuf *m)
{
    struct frame_udp udp;
    if (frame_parse(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &udp) != FRAME_UDP)
        return 0;
    for (uint32_t at = steer_place(udp.dst_ip, udp.dst_port);; at++) {
        const struct steer_entry *e = &steer->table[at % STEER_TABLE_LEN];
        if (e->lane == PORT_NO_LANE)
            return 0;
        if (e->ip == udp.dst_ip && e->udp_port == udp.dst_port)
            return e->lane;
    }
}

// What the other lanes want to send.
static void others_send(struct dpdk_port *p)
{
    struct rte_mbuf *mbufs[PORT_BURST];
    struct steer *steer = p->steer;
    for (uint16_t lane = 1; lane < steer->lanes; lane++) {
        uint16_t n =
            (uint16_t)rte_ring_sc_dequeue_burst(steer->out[lane], (void **)mbufs, PORT_BURST, NULL);
        uint16_t sent = n ? rte_eth_tx_burst(p->id, 0, mbufs, n) : 0;
        steer->out_dropped += n - sent;
        if (UNLIKELY(sent < n))
            rte_pktmbuf_free_bulk(mbufs + sent, n - sent);
    }
}

static uint16_t first_lane_receive(struct dpdk_port *p, struct rte_mbuf **own, uint16_t max)
{
    struct rte_mbuf *mbufs[PORT_BURST];
    struct steer *steer = p->steer;
    uint16_t kept = 0;
    uint16_t n = rte_eth_rx_burst(p->id, 0, mbufs, max);
    for (uint16_t i = 0; i < n; i++)
        rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], const void *));
    for (uint16_t i = 0; i < n; i++) {
        uint16_t lane = steer_lane(steer, mbufs[i]);
        if (lane == 0) {
            own[kept++] = mbufs[i];
        } else if (UNLIKELY(rte_ring_sp_enqueue(steer->in[lane], mbufs[i]) != 0)) {
            steer->in_dropped++;
            rte_pktmbuf_free(mbufs[i]);
        }
    }
    others_send(p);
    return kept;
}

static uint16_t steer_receive(struct port *port, uint16_t queue, struct frame *frames, uint16_t max)
{
    struct dpdk_port *p = port->driver;
    struct rte_mbuf *mbufs[PORT_BURST];
    uint16_t n;
    max = max < PORT_BURST ? max : PORT_BURST;
    if (UNLIKELY(!poller_enter(&p->pollers[queue])))
        return 0;
    if (queue == 0)
        n = first_lane_receive(p, mbufs, max);
    else
        n = (uint16_t)rte_ring_sc_dequeue_burst(p->steer->in[queue], (void **)mbufs, max, NULL);
    poller_leave(&p->pollers[queue]);
    frames_of(p, mbufs, frames, n);
    return n;
}

static uint16_t steer_send(struct port *port, uint16_t queue, struct frame *frames, uint16_t n)
{
    struct dpdk_port *p = port->driver;
    struct rte_mbuf *mbufs[PORT_BURST];
    if (UNLIKELY(!poller_enter(&p->pollers[queue])))
        return 0;
    n = mbufs_of(frames, mbufs, n);
    if (queue == 0)
        n = rte_eth_tx_burst(p->id, 0, mbufs, n);
    else
        n = (uint16_t)rte_ring_sp_enqueue_burst(p->steer->out[queue], (void **)mbufs, n, NULL);
    poller_leave(&p->pollers[queue]);
    return n;
}

const struct port_ops dpdk_steer_ops = {steer_receive, dpdk_buffer, steer_send, dpdk_release};

// --- set-up ---

static void table_fill(struct steer *steer, const struct port_config *config)
{
    for (uint32_t i = 0; i < STEER_TABLE_LEN; i++)
        steer->table[i].lane = PORT_NO_LANE;
    for (uint32_t i = 0; i < config->route_count; i++) {
        const struct port_route *route = &config->routes[i];
        if (route->queue == PORT_MAIN_QUEUE)
            continue; // lane 0 hands it over
        uint32_t at = steer_place(route->ip, route->udp_port);
        while (steer->table[at % STEER_TABLE_LEN].lane != PORT_NO_LANE)
            at++;
        steer->table[at % STEER_TABLE_LEN] =
            (struct steer_entry){route->ip, route->udp_port, route->queue};
    }
}

static struct rte_ring *ring_make(const struct dpdk_port *p, const char *kind, uint16_t lane,
                                  uint32_t length)
{
    char name[RTE_RING_NAMESIZE];
    snprintf(name, sizeof name, "steer-%s-%.12s-%u", kind, p->config.name, lane);
    return rte_ring_create(name, rte_align32pow2(length), p->config.node_wanted,
                           RING_F_SP_ENQ | RING_F_SC_DEQ);
}

bool steer_open(struct dpdk_port *p, struct error *err)
{
    struct steer *steer = rte_zmalloc(NULL, sizeof *steer, CACHE_LINE);
    bool good = steer != NULL;
    p->steer = steer;
    for (uint16_t lane = 1; good && lane < p->config.queues; lane++) {
        steer->in[lane] = ring_make(p, "in", lane, 2u * p->config.rx_descriptors);
        steer->out[lane] = ring_make(p, "out", lane, 256);
        good = steer->in[lane] && steer->out[lane];
    }
    if (!good)
        return error_set(err, EXIT_FAILED, "port %s: no memory to pass frames between %u lanes: %s",
                         p->config.name, p->config.queues, rte_strerror(rte_errno));
    steer->lanes = p->config.queues;
    table_fill(steer, &p->config);
    log_warn(LOG_PORT_SORTED_BY_SOFTWARE,
             LOG_FIELDS(LOG_TEXT("port", p->config.name), LOG_NUMBER("lanes", p->config.queues)),
             "port %s: %u lanes share a device without flow rules: the first passes frames on to "
             "the others; give each lane a port or virtual function of its own",
             p->config.name, p->config.queues);
    return true;
}

static void ring_free(struct rte_ring *ring)
{
    void *m;
    while (ring && rte_ring_sc_dequeue(ring, &m) == 0)
        rte_pktmbuf_free(m);
    rte_ring_free(ring);
}

void steer_close(struct dpdk_port *p)
{
    for (uint16_t lane = 1; p->steer && lane < p->config.queues; lane++) {
        ring_free(p->steer->in[lane]);
        ring_free(p->steer->out[lane]);
    }
    rte_free(p->steer);
    p->steer = NULL;
}
