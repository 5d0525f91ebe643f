// Hot path: bursts of a DPDK port.
#include "dataplane/port/dpdk_port.h"

void frames_of(const struct dpdk_port *p, struct rte_mbuf **mbufs, struct frame *frames, uint16_t n)
{
    const struct stamp *stamp = &p->stamp;
    for (uint16_t i = 0; i < n; i++) {
        const struct rte_mbuf *m = mbufs[i];
        const bool bad =
            (m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD ||
            (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_BAD;
        const bool segmented = m->nb_segs > 1 || m->data_len > PORT_FRAME_MAX;
        frames[i] = (struct frame){
            .data = rte_pktmbuf_mtod(m, const uint8_t *),
            .len = m->data_len,
            .flags = (uint16_t)((segmented ? FRAME_SEGMENTED : 0) | (bad ? FRAME_BAD_SUM : 0)),
            .owner = mbufs[i],
        };
        if (stamp->offset >= 0 && m->ol_flags & stamp->flag) {
            uint64_t ticks = *RTE_MBUF_DYNFIELD(m, stamp->offset, const rte_mbuf_timestamp_t *);
            frames[i].hw_ns = (uint64_t)((unsigned __int128)ticks * stamp->mult >> stamp->shift);
        }
    }
}

// TCP behind IPv4 without options, which is all that asks for it.
static void sum_ask(struct rte_mbuf *m, const uint8_t *bytes)
{
    const bool tagged = bytes[12] == 0x81 && bytes[13] == 0x00;
    m->l2_len = tagged ? RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN : RTE_ETHER_HDR_LEN;
    m->l3_len = sizeof(struct rte_ipv4_hdr);
    m->ol_flags |= RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_TCP_CKSUM;
}

uint16_t mbufs_of(struct frame *frames, struct rte_mbuf **mbufs, uint16_t n)
{
    n = n < PORT_BURST ? n : PORT_BURST;
    for (uint16_t i = 0; i < n; i++) {
        mbufs[i] = frames[i].owner;
        mbufs[i]->data_len = (uint16_t)frames[i].len;
        mbufs[i]->pkt_len = frames[i].len;
        if (frames[i].flags & FRAME_SUM_TCP)
            sum_ask(mbufs[i], frames[i].data);
    }
    return n;
}

static uint16_t dpdk_receive(struct port *port, uint16_t queue, struct frame *frames, uint16_t max)
{
    struct dpdk_port *p = port->driver;
    struct rte_mbuf *mbufs[PORT_BURST];
    if (UNLIKELY(!poller_enter(&p->pollers[queue])))
        return 0;
    uint16_t n = rte_eth_rx_burst(p->id, queue, mbufs, max < PORT_BURST ? max : PORT_BURST);
    poller_leave(&p->pollers[queue]);
    frames_of(p, mbufs, frames, n);
    return n;
}

bool dpdk_buffer(struct port *port, uint16_t queue, struct frame *frame)
{
    struct dpdk_port *p = port->driver;
    struct rte_mbuf *m = rte_pktmbuf_alloc(p->pool);
    (void)queue;
    if (UNLIKELY(m == NULL)) {
        atomic_fetch_add_explicit(&p->pool_failures, 1, memory_order_relaxed);
        return false;
    }
    *frame = (struct frame){.data = rte_pktmbuf_mtod(m, const uint8_t *), .owner = m};
    return true;
}

static uint16_t dpdk_send(struct port *port, uint16_t queue, struct frame *frames, uint16_t n)
{
    struct dpdk_port *p = port->driver;
    struct rte_mbuf *mbufs[PORT_BURST];
    if (UNLIKELY(!poller_enter(&p->pollers[queue])))
        return 0;
    n = mbufs_of(frames, mbufs, n);
    n = rte_eth_tx_burst(p->id, queue, mbufs, n);
    poller_leave(&p->pollers[queue]);
    return n;
}

void dpdk_release(struct port *port, struct frame *frame)
{
    (void)port;
    rte_pktmbuf_free(frame->owner);
}

const struct port_ops dpdk_ops = {dpdk_receive, dpdk_buffer, dpdk_send, dpdk_release};
