// Members on the DPDK port, through lwIP: a TCP that is neither the kernel's nor the dataplane's.
// Debian's lwIP is built for threads of its own; here one thread does everything, so its clock and
// its check for threads are replaced.
#include <stdlib.h>
#include <string.h>

#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <netif/ethernet.h>

#include "bench/exchange/link.h"
#include "bench/exchange/trade/gate.h"
#include "dataplane/base/clock.h"

enum {
    // lwIP counts its timeouts in ticks of 250 ms; ticking ten times as fast, a lost segment is
    // sent
    // again after 300 ms at first instead of 3 s.
    TICK_NS = 25000000,
    ARP_NS = 1000000000,
    FRAME_MAX = 1518,
};

struct lwip_gate;

struct caller {
    struct lwip_gate *gate;
    struct tcp_pcb *pcb; // NULL: free
    int visitor;
};

struct lwip_gate {
    struct bourse *b;
    struct link *link;
    struct netif net;
    struct tcp_pcb *listener;
    struct caller callers[BOURSE_VISITORS];
    uint64_t tick_ns, arp_ns;
    bool heard;
};

u32_t sys_now(void);
void sys_check_core_locking(void);

u32_t sys_now(void)
{
    return (u32_t)(clock_mono_ns() / 1000000);
}

void sys_check_core_locking(void)
{
}

static err_t frame_out(struct netif *net, struct pbuf *p)
{
    struct lwip_gate *g = net->state;
    uint8_t frame[FRAME_MAX];
    u16_t length = pbuf_copy_partial(p, frame, sizeof frame, 0);
    // A frame that does not leave is lost, as on a wire.
    (void)g->link->send_frame(g->link, frame, length);
    return ERR_OK;
}

static err_t net_init(struct netif *net)
{
    struct lwip_gate *g = net->state;
    net->name[0] = 't';
    net->name[1] = 'g';
    net->mtu = 1500;
    net->hwaddr_len = 6;
    memcpy(net->hwaddr, g->link->mac, 6);
    net->output = etharp_output;
    net->linkoutput = frame_out;
    net->flags = NETIF_FLAG_UP | NETIF_FLAG_LINK_UP | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
                 NETIF_FLAG_BROADCAST;
    return ERR_OK;
}

static void frame_in(void *context, const uint8_t *frame, uint32_t length)
{
    struct lwip_gate *g = context;
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);
    g->heard = true;
    if (!p)
        return;
    pbuf_take(p, frame, (u16_t)length);
    if (g->net.input(p, &g->net) != ERR_OK)
        pbuf_free(p);
}

// Lets go of a connection without telling the other end; lwIP does that.
static void caller_forget(struct caller *c)
{
    tcp_arg(c->pcb, NULL);
    tcp_recv(c->pcb, NULL);
    tcp_err(c->pcb, NULL);
    c->pcb = NULL;
    bourse_disconnect(c->gate->b, c->visitor);
}

static err_t received(void *context, struct tcp_pcb *pcb, struct pbuf *p, err_t status)
{
    struct caller *c = context;
    (void)status;
    if (!p) { // the client has closed
        caller_forget(c);
        if (tcp_close(pcb) == ERR_OK)
            return ERR_OK;
        tcp_abort(pcb);
        return ERR_ABRT;
    }
    for (struct pbuf *q = p; q; q = q->next)
        bourse_receive(c->gate->b, c->visitor, q->payload, q->len);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

// lwIP has freed the connection already.
static void failed(void *context, err_t status)
{
    struct caller *c = context;
    (void)status;
    c->pcb = NULL;
    bourse_disconnect(c->gate->b, c->visitor);
}

static err_t accepted(void *context, struct tcp_pcb *pcb, err_t status)
{
    struct lwip_gate *g = context;
    int visitor = status == ERR_OK && pcb ? bourse_connect(g->b) : -1;
    if (visitor < 0)
        return ERR_MEM; // lwIP resets it
    struct caller *c = &g->callers[visitor];
    *c = (struct caller){g, pcb, visitor};
    tcp_arg(pcb, c);
    tcp_recv(pcb, received);
    tcp_err(pcb, failed);
    tcp_nagle_disable(pcb);
    return ERR_OK;
}

static bool caller_turn(struct caller *c)
{
    uint8_t bytes[4096];
    bool any = false, drained = false;
    struct tcp_pcb *pcb = c->pcb;
    if (bourse_closing(c->gate->b, c->visitor) == BOURSE_RESETS) {
        caller_forget(c);
        tcp_abort(pcb);
        return true;
    }
    for (;;) {
        // A quarter of the queue stays free: a write that lwIP refuses could not be given back.
        uint32_t room = tcp_sndbuf(pcb);
        if (room > sizeof bytes)
            room = sizeof bytes;
        if (tcp_sndqueuelen(pcb) > TCP_SND_QUEUELEN * 3 / 4)
            room = 0;
        uint32_t n = room ? bourse_send(c->gate->b, c->visitor, bytes, room) : 0;
        drained = room && !n;
        if (!n)
            break;
        any = true;
        if (tcp_write(pcb, bytes, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK) {
            caller_forget(c); // bytes are lost: the connection cannot go on
            tcp_abort(pcb);
            return true;
        }
    }
    if (any)
        tcp_output(pcb);
    if (bourse_closing(c->gate->b, c->visitor) == BOURSE_CLOSES && drained) {
        caller_forget(c);
        if (tcp_close(pcb) != ERR_OK)
            tcp_abort(pcb);
        return true;
    }
    return any;
}

static bool lwip_turn(struct gate *gate)
{
    struct lwip_gate *g = gate->state;
    uint64_t now_ns = clock_mono_ns();
    bool any = g->heard;
    g->heard = false;
    if (now_ns - g->tick_ns >= TICK_NS) {
        g->tick_ns = now_ns;
        tcp_tmr();
    }
    if (now_ns - g->arp_ns >= ARP_NS) {
        g->arp_ns = now_ns;
        etharp_tmr();
    }
    for (uint32_t i = 0; i < BOURSE_VISITORS; i++)
        if (g->callers[i].pcb)
            any |= caller_turn(&g->callers[i]);
    return any;
}

static void lwip_close(struct gate *gate)
{
    struct lwip_gate *g = gate->state;
    g->link->frames = NULL;
    for (uint32_t i = 0; i < BOURSE_VISITORS; i++) {
        struct tcp_pcb *pcb = g->callers[i].pcb;
        if (!pcb)
            continue;
        caller_forget(&g->callers[i]);
        tcp_abort(pcb);
    }
    if (g->listener)
        tcp_close(g->listener);
    netif_remove(&g->net);
    free(g);
    memset(gate, 0, sizeof *gate);
}

bool gate_lwip_open(struct gate *gate, struct bourse *b, struct link *l, uint32_t address,
                    uint16_t port, struct error *err)
{
    ip4_addr_t own = {lwip_htonl(address)}, none = {0};
    memset(gate, 0, sizeof *gate);
    struct lwip_gate *g = calloc(1, sizeof *g);
    if (!g)
        return error_set(err, EXIT_FAILED, "--orders-on-port: no memory");
    g->b = b;
    g->link = l;
    lwip_init();
    // A mask of 0: everybody is asked for by ARP, there is no router on such a link.
    netif_add(&g->net, &own, &none, &none, g, net_init, ethernet_input);
    netif_set_default(&g->net);
    netif_set_up(&g->net);
    *gate = (struct gate){.turn = lwip_turn, .close = lwip_close, .wake = -1, .state = g};
    struct tcp_pcb *pcb = tcp_new();
    if (pcb && tcp_bind(pcb, IP4_ADDR_ANY, port) == ERR_OK)
        g->listener = tcp_listen(pcb);
    if (!g->listener) {
        lwip_close(gate);
        return error_set(err, EXIT_FAILED, "--orders-on-port %u: lwIP cannot listen", port);
    }
    tcp_arg(g->listener, g);
    tcp_accept(g->listener, accepted);
    l->frames_context = g;
    l->frames = frame_in;
    return true;
}
