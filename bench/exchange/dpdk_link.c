// Link through DPDK ports: the only file of the exchange that knows DPDK. One transmit and one
// receive queue a port, both used by the thread that opened the link.
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <rte_mbuf.h>

#include "bench/exchange/link.h"
#include "bench/exchange/pack.h"
#include "bench/exchange/store.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/hints.h"
#include "dataplane/base/unix_path.h"
#include "dataplane/port/dpdk_unmap.h"

enum {
    PORTS_MAX = 2,
    RING = 1024, // descriptors a queue
    POOL = 8191, // two ports' rings and what is on its way
    CACHE = 256,
    HEADER_MAX = 46, // Ethernet with a tag, IPv4, UDP
    FRAME_ROOM = 1518,
    ETHERTYPE_IP = 0x0800,
    ETHERTYPE_ARP = 0x0806,
    ETHERTYPE_VLAN = 0x8100,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
};

// Header of a line's frames; lengths, identification and sums are filled in for each.
struct template
{
    uint8_t bytes[HEADER_MAX];
    uint32_t ip;     // offset of the IP header
    uint32_t length; // of the headers
    uint16_t ip_sum; // sums over what does not change
    uint16_t udp_sum;
    uint16_t id;
};

struct port {
    uint16_t number;
    uint8_t mac[6];
};

struct dpdk_link {
    struct poller poller; // the thread that opened the link
    struct rte_mempool *pool;
    struct port ports[PORTS_MAX];
    uint32_t port_count;
    struct template templates[LINK_ENDPOINTS];
    uint8_t devices[LINK_ENDPOINTS];
    uint32_t own_ip;
    uint16_t request_port;
    uint16_t vlan;
    uint8_t ttl;
};

static uint16_t fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void template_make(struct template *t, const struct dpdk_link *d, const uint8_t to_mac[6],
                          const uint8_t mac[6], uint32_t to, uint32_t from, uint16_t to_port,
                          uint16_t from_port)
{
    uint8_t *p = t->bytes;
    memset(t, 0, sizeof *t);
    memcpy(p, to_mac, 6);
    memcpy(p + 6, mac, 6);
    t->ip = 14;
    if (d->vlan) {
        be16_store(p + 12, ETHERTYPE_VLAN);
        be16_store(p + 14, d->vlan);
        t->ip = 18;
    }
    be16_store(p + t->ip - 2, ETHERTYPE_IP);
    uint8_t *ip = p + t->ip;
    ip[0] = 0x45;
    ip[6] = 0x40; // don't fragment
    ip[8] = d->ttl;
    ip[9] = PROTOCOL_UDP;
    be32_store(ip + 12, from);
    be32_store(ip + 16, to);
    be16_store(ip + 20, from_port);
    be16_store(ip + 22, to_port);
    t->length = t->ip + 28;
    t->ip_sum = store_sum(ip, 20);
    t->udp_sum = fold((uint64_t)store_sum(ip + 12, 8) + PROTOCOL_UDP + from_port + to_port);
}

static void frame_write(uint8_t *frame, struct template *t, const uint8_t *payload, uint32_t length,
                        uint16_t sum)
{
    uint8_t *ip = frame + t->ip;
    uint16_t udp_length = (uint16_t)(length + 8), id = ++t->id;
    memcpy(frame, t->bytes, t->length);
    be16_store(ip + 2, udp_length + 20);
    be16_store(ip + 4, id);
    be16_store(ip + 10, (uint16_t)~fold((uint64_t)t->ip_sum + udp_length + 20 + id));
    be16_store(ip + 24, udp_length);
    // The length counts twice, in the header and in the pseudo header; a sum of 0 is sent as its
    // equal, all ones.
    uint16_t udp = (uint16_t)~fold((uint64_t)t->udp_sum + 2ull * udp_length + sum);
    be16_store(ip + 26, udp ? udp : 0xffff);
    memcpy(frame + t->length, payload, length);
}

static uint32_t dpdk_send(struct link *l, const struct link_packet *packets, uint32_t count,
                          struct error *err)
{
    struct dpdk_link *d = l->state;
    struct rte_mbuf *mbufs[LINK_BURST];
    uint16_t endpoint = packets[0].endpoint;
    uint32_t n = 0;
    if (count > LINK_BURST)
        count = LINK_BURST;
    while (n < count && packets[n].endpoint == endpoint)
        n++;
    if (rte_pktmbuf_alloc_bulk(d->pool, mbufs, n) != 0)
        return 0; // all on their way: the ring is full
    struct template *t = &d->templates[endpoint];
    for (uint32_t i = 0; i < n; i++) {
        const struct link_packet *p = &packets[i];
        if (UNLIKELY(p->length + t->length > FRAME_ROOM)) {
            error_set(err, EXIT_FAILED,
                      "%s: a payload of %u bytes does not fit into a frame of 1,514", l->describe,
                      p->length);
            rte_pktmbuf_free_bulk(mbufs, n);
            return 0;
        }
        frame_write(rte_pktmbuf_mtod(mbufs[i], uint8_t *), t, p->payload, p->length, p->sum);
        mbufs[i]->data_len = (uint16_t)(t->length + p->length);
        mbufs[i]->pkt_len = mbufs[i]->data_len;
    }
    uint16_t id = t->id;
    uint16_t taken = rte_eth_tx_burst(d->ports[d->devices[endpoint]].number, 0, mbufs, (uint16_t)n);
    if (taken < n) {
        rte_pktmbuf_free_bulk(mbufs + taken, n - taken);
        t->id = (uint16_t)(id - (n - taken)); // they will be written again
    }
    return taken;
}

// ARP request for our address (RFC 826): the frame itself becomes the answer.
static bool arp_answer(const struct dpdk_link *d, const struct port *port, uint8_t *frame,
                       uint32_t at, uint32_t length)
{
    uint8_t *arp = frame + at;
    if (!d->own_ip || length < at + 28 || be32_load(arp) != 0x00010800 ||
        be32_load(arp + 4) != 0x06040001 || be32_load(arp + 24) != d->own_ip)
        return false;
    memcpy(frame, arp + 8, 6);
    memcpy(frame + 6, port->mac, 6);
    arp[7] = 2;
    memcpy(arp + 18, arp + 8, 10);
    memcpy(arp + 8, port->mac, 6);
    be32_store(arp + 14, d->own_ip);
    return true;
}

// A re-request to our address and port. Answers with the length of the frame that replaces it, 0
// for none.
static uint32_t request_answer(struct dpdk_link *d, const struct port *port, uint8_t *frame,
                               uint32_t at, uint32_t length, link_answer answer, void *context)
{
    uint8_t *ip = frame + at, payload[PACK_PAYLOAD_MAX];
    if (length < at + 28 || ip[0] != 0x45 || ip[9] != PROTOCOL_UDP ||
        be32_load(ip + 16) != d->own_ip || be16_load(ip + 22) != d->request_port ||
        (be16_load(ip + 6) & 0x3fff) != 0)
        return 0;
    uint32_t total = be16_load(ip + 2), udp = be16_load(ip + 24);
    if (total > length - at || total < 28 || udp < 8 || udp > total - 20)
        return 0;
    uint32_t size = answer(context, ip + 28, udp - 8, payload);
    if (!size)
        return 0;
    struct template t;
    template_make(&t, d, frame + 6, port->mac, be32_load(ip + 12), d->own_ip, be16_load(ip + 20),
                  d->request_port);
    frame_write(frame, &t, payload, size, store_sum(payload, size));
    return t.length + size;
}

// ARP and TCP for whoever has asked for frames, without the tag that they came with.
static bool frame_hand_over(struct link *l, uint8_t *frame, uint32_t at, uint32_t length,
                            uint16_t type)
{
    bool tcp = type == ETHERTYPE_IP && length >= at + 20 && frame[at + 9] == PROTOCOL_TCP;
    if (type != ETHERTYPE_ARP && !tcp)
        return false;
    uint32_t tag = at - 14;
    memmove(frame + tag, frame, 12);
    l->frames(l->frames_context, frame + tag, length - tag);
    return true;
}

static bool dpdk_send_frame(struct link *l, const uint8_t *frame, uint32_t length)
{
    struct dpdk_link *d = l->state;
    uint32_t tag = d->vlan ? 4 : 0;
    struct rte_mbuf *m =
        length >= 14 && length + tag <= FRAME_ROOM ? rte_pktmbuf_alloc(d->pool) : NULL;
    if (!m)
        return false;
    uint8_t *to = rte_pktmbuf_mtod(m, uint8_t *);
    memcpy(to, frame, 12);
    if (tag) {
        be16_store(to + 12, ETHERTYPE_VLAN);
        be16_store(to + 14, d->vlan);
    }
    memcpy(to + 12 + tag, frame + 12, length - 12);
    m->data_len = (uint16_t)(length + tag);
    m->pkt_len = m->data_len;
    if (rte_eth_tx_burst(d->ports[0].number, 0, &m, 1) == 1)
        return true;
    rte_pktmbuf_free(m);
    return false;
}

// Turns a received frame into its answer, in place. 0: no answer.
static uint32_t frame_answer(struct link *l, const struct port *port, uint8_t *frame,
                             uint32_t length, link_answer answer, void *context)
{
    struct dpdk_link *d = l->state;
    uint32_t at = 14;
    if (length >= 18 && be16_load(frame + 12) == ETHERTYPE_VLAN)
        at = 18;
    uint16_t type = length >= at ? be16_load(frame + at - 2) : 0;
    if (l->frames && port == &d->ports[0] && frame_hand_over(l, frame, at, length, type))
        return 0;
    if (type == ETHERTYPE_ARP && arp_answer(d, port, frame, at, length)) {
        l->counters.arp_answered++;
        return length;
    }
    uint32_t size = type == ETHERTYPE_IP && answer
                        ? request_answer(d, port, frame, at, length, answer, context)
                        : 0;
    l->counters.ignored += size == 0;
    return size;
}

static bool dpdk_poll(struct link *l, link_answer answer, void *context)
{
    struct dpdk_link *d = l->state;
    struct rte_mbuf *mbufs[LINK_BURST];
    bool any = false;
    poller_look(&d->poller);
    for (uint32_t i = 0; i < d->port_count; i++) {
        uint16_t number = d->ports[i].number;
        uint16_t n = rte_eth_rx_burst(number, 0, mbufs, LINK_BURST);
        any |= n > 0;
        for (uint16_t j = 0; j < n; j++) {
            struct rte_mbuf *m = mbufs[j];
            uint32_t size = m->nb_segs == 1 && m->buf_len - m->data_off >= FRAME_ROOM
                                ? frame_answer(l, &d->ports[i], rte_pktmbuf_mtod(m, uint8_t *),
                                               m->data_len, answer, context)
                                : 0;
            m->data_len = (uint16_t)size;
            m->pkt_len = size;
            if (!size || rte_eth_tx_burst(number, 0, &m, 1) != 1)
                rte_pktmbuf_free(m);
        }
    }
    return any;
}

static bool dpdk_up(struct link *l)
{
    const struct dpdk_link *d = l->state;
    for (uint32_t i = 0; i < d->port_count; i++) {
        struct rte_eth_link link;
        memset(&link, 0, sizeof link);
        if (rte_eth_link_get_nowait(d->ports[i].number, &link) != 0 || !link.link_status)
            return false;
    }
    return true;
}

// On the thread that shakes hands with a memif's peer.
static void ports_close(void *state)
{
    struct dpdk_link *d = state;
    for (uint32_t i = 0; i < d->port_count; i++) {
        (void)rte_eth_dev_stop(d->ports[i].number);
        (void)rte_eth_dev_close(d->ports[i].number);
    }
}

static void dpdk_close(struct link *l)
{
    struct dpdk_link *d = l->state;
    pollers_forget(&d->poller);
    interrupt_thread_call(ports_close, d);
    (void)rte_eal_cleanup();
    free(d);
    memset(l, 0, sizeof *l);
}

// 0000:03:00.0 or 03:00.0; names of virtual devices have no colon there.
static bool is_pci(const char *device)
{
    size_t digits = strspn(device, "0123456789abcdefABCDEF");
    return (digits == 4 || digits == 2) && device[digits] == ':';
}

// Free huge pages of 2 MiB; DPDK says little when there are too few.
static uint64_t huge_free_mib(void)
{
    char line[32] = "";
    FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
    if (f) {
        if (!fgets(line, sizeof line, f))
            line[0] = 0;
        fclose(f);
    }
    return strtoull(line, NULL, 10) * 2;
}

enum { ARGUMENTS_MAX = 24 };

static void argument(char *list[ARGUMENTS_MAX], int *count, const char *text)
{
    list[(*count)++] = strdup(text);
}

static bool eal_start(const struct link_options *o, struct error *err)
{
    char *list[ARGUMENTS_MAX], text[512];
    int count = 0;
    bool pci = false, huge = !o->no_huge;
    if (huge && huge_free_mib() < o->memory_mib) {
        fprintf(stderr,
                "tickgate-exchange: fewer than %u MiB of free huge pages, using ordinary memory "
                "(slower); reserve some "
                "with: sysctl vm.nr_hugepages=%u\n",
                o->memory_mib, o->memory_mib / 2 + 1);
        huge = false;
    }
    argument(list, &count, "tickgate-exchange");
    argument(list, &count, "--log-level=lib.*:error");
    argument(list, &count, "--log-level=pmd.*:error");
    argument(list, &count, "--no-telemetry");
    argument(list, &count, huge ? "--in-memory" : "--no-huge");
    if (!huge)
        argument(list, &count, "--no-shconf");
    snprintf(text, sizeof text, "%u", o->memory_mib);
    argument(list, &count, "-m");
    argument(list, &count, text);
    snprintf(text, sizeof text, "%d", o->core >= 0 ? o->core : sched_getcpu());
    argument(list, &count, "-l");
    argument(list, &count, text);
    for (uint32_t i = 0; i < o->port_count; i++) {
        unix_path_clear_memif(o->ports[i]);
        argument(list, &count, is_pci(o->ports[i]) ? "-a" : "--vdev");
        argument(list, &count, o->ports[i]);
        pci |= is_pci(o->ports[i]);
    }
    if (!pci)
        argument(list, &count, "--no-pci");
    // EAL pins the calling thread, and the service threads that it starts later would share its
    // core. Whoever opened the link pins itself when they run.
    cpu_set_t before;
    bool known = sched_getaffinity(0, sizeof before, &before) == 0;
    int started = rte_eal_init(count, list);
    if (known)
        (void)sched_setaffinity(0, sizeof before, &before);
    // EAL keeps pointers into its arguments: they stay allocated.
    return started >= 0 ||
           error_set(
               err, EXIT_FAILED,
               "--port %s: DPDK does not start: %s; see its messages above, and check device, "
               "--core and --memory-mib",
               o->ports[0], rte_strerror(rte_errno));
}

// The port of a device argument: its name is what comes before the first comma.
static bool port_open(struct dpdk_link *d, uint32_t index, const char *device, struct error *err)
{
    struct port *p = &d->ports[index];
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(device, ","), device);
    if (rte_eth_dev_get_port_by_name(name, &p->number) != 0)
        return error_set(err, EXIT_FAILED,
                         "--port %s: DPDK has no such device; see its messages above", device);
    struct rte_eth_conf conf;
    memset(&conf, 0, sizeof conf);
    int failed = rte_eth_dev_configure(p->number, 1, 1, &conf);
    int node = rte_eth_dev_socket_id(p->number);
    unsigned numa = node < 0 ? 0 : (unsigned)node;
    if (!failed)
        failed = rte_eth_rx_queue_setup(p->number, 0, RING, numa, NULL, d->pool);
    if (!failed)
        failed = rte_eth_tx_queue_setup(p->number, 0, RING, numa, NULL);
    struct rte_ether_addr mac;
    if (!failed)
        failed = rte_eth_macaddr_get(p->number, &mac);
    if (!failed) {
        memcpy(p->mac, mac.addr_bytes, 6);
        failed = rte_eth_dev_start(p->number);
    }
    if (failed)
        return error_set(err, EXIT_FAILED, "--port %s: cannot be set up: %s", device,
                         rte_strerror(-failed));
    d->port_count = index + 1;
    return true;
}

bool link_dpdk_open(struct link *l, const struct link_options *o, struct error *err)
{
    memset(l, 0, sizeof *l);
    if (!eal_start(o, err))
        return false;
    struct dpdk_link *d = aligned_alloc(_Alignof(struct dpdk_link), sizeof *d);
    if (!d)
        return error_set(err, EXIT_FAILED, "--port %s: no memory", o->ports[0]);
    memset(d, 0, sizeof *d);
    pollers_watch(&d->poller, 1);
    *l = (struct link){.send = dpdk_send,
                       .poll = dpdk_poll,
                       .up = dpdk_up,
                       .close = dpdk_close,
                       .state = d,
                       .send_frame = dpdk_send_frame};
    l->wants_sums = true;
    snprintf(l->describe, sizeof l->describe, "%s", o->ports[0]);
    d->own_ip = o->own_ip;
    d->request_port = o->request_port;
    d->vlan = o->vlan;
    d->ttl = (uint8_t)o->ttl;
    d->pool = rte_pktmbuf_pool_create("exchange", POOL, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
                                      (int)rte_socket_id());
    if (!d->pool)
        error_set(err, EXIT_FAILED, "--port %s: no packet memory: %s; raise --memory-mib",
                  o->ports[0], rte_strerror(rte_errno));
    for (uint32_t i = 0; i < o->port_count && !err->code; i++)
        port_open(d, i, o->ports[i], err);
    for (uint32_t i = 0; i < o->endpoint_count && !err->code; i++) {
        const struct link_endpoint *e = &o->endpoints[i];
        uint8_t group[6] = {
            1, 0, 0x5e, e->group >> 16 & 0x7f, (uint8_t)(e->group >> 8), (uint8_t)e->group};
        d->devices[i] = e->device;
        template_make(&d->templates[i], d, group, d->ports[e->device].mac, e->group,
                      e->source ? e->source : d->own_ip, e->port, e->port);
    }
    memcpy(l->mac, d->ports[0].mac, sizeof l->mac);
    if (!err->code)
        return true;
    dpdk_close(l);
    return false;
}
