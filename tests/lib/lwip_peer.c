// A server on lwIP in virtual time (see lwip_peer.h): it accepts one connection, checks what
// arrives against the stream that is expected, and sends a stream of its own.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include "tests/lib/lwip_peer.h"

enum { PORT = 9000, PIECE_MAX = 900 };

static uint64_t now_ms, random_state;
static struct lwip_settings settings;
static struct lwip_status status;
static struct tcp_pcb *session;
static uint32_t unread; // bytes that lwIP has handed over and that still close its window
static uint64_t read_ms, write_ms, timer_ms;
static struct netif net;

// lwIP's own clock and its check for threads are replaced: there is one thread, and its time is
// what the test says.
u32_t sys_now(void);
void sys_check_core_locking(void);

u32_t sys_now(void)
{
    return (u32_t)now_ms;
}

void sys_check_core_locking(void)
{
}

static uint32_t below(uint32_t n)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1dull >> 32) * n >> 32);
}

static uint8_t stream_byte(uint32_t side, uint32_t i)
{
    uint32_t x = (i + 1) * 0x9e3779b1u + side * 0x85ebca6bu;
    return (uint8_t)(x >> 24 ^ x >> 11);
}

static void message_send(const struct lwip_message *m, size_t len)
{
    if (send(LWIP_PEER_FD, m, len, 0) != (ssize_t)len)
        exit(1);
}

// lwIP answers the SYN with its own window before a connection can be told to have a smaller one,
// and does not bear it when a peer fills what it takes back: so the answer names the smaller one.
static void window_patch(uint8_t *ip)
{
    uint8_t *tcp = ip + (ip[0] & 15) * 4;
    if (!(tcp[13] & TCP_SYN) || settings.window == 0 || settings.window > 0xffff)
        return;
    uint16_t before, after = lwip_htons((uint16_t)settings.window), sum;
    memcpy(&before, tcp + 14, 2);
    memcpy(&sum, tcp + 16, 2);
    memcpy(tcp + 14, &after, 2);
    uint32_t total = (uint16_t)~sum + (uint16_t)~before + (uint32_t)after; // RFC 1624
    total = (total & 0xffff) + (total >> 16);
    total = (total & 0xffff) + (total >> 16);
    sum = (uint16_t)~total;
    memcpy(tcp + 16, &sum, 2);
}

static err_t frame_out(struct netif *netif, struct pbuf *p, const ip4_addr_t *to)
{
    struct lwip_message m = {.kind = LWIP_FRAME};
    (void)netif;
    (void)to;
    m.len = pbuf_copy_partial(p, m.frame, sizeof m.frame, 0);
    window_patch(m.frame);
    message_send(&m, offsetof(struct lwip_message, frame) + m.len);
    return ERR_OK;
}

static err_t net_init(struct netif *netif)
{
    netif->name[0] = 't';
    netif->name[1] = 'g';
    netif->mtu = (u16_t)settings.mtu;
    netif->output = frame_out;
    netif->flags = NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

static void session_close(void)
{
    // lwIP resets what is closed before all of it was read, and takes a small window for that.
    session->rcv_wnd = TCP_WND_MAX(session);
    unread = 0;
    tcp_arg(session, NULL);
    tcp_recv(session, NULL);
    tcp_err(session, NULL);
    tcp_sent(session, NULL);
    if (tcp_close(session) == ERR_OK) {
        status.closed = true;
        session = NULL;
    }
}

static err_t session_receive(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    (void)arg;
    (void)err;
    (void)pcb;
    if (p == NULL) {
        // Our side has finished. What is left of the stream is still sent before the FIN.
        if (status.sent == settings.send_total)
            session_close();
        else
            settings.close_first = true;
        return ERR_OK;
    }
    for (struct pbuf *q = p; q; q = q->next)
        for (uint32_t i = 0; i < q->len; i++, status.received++)
            status.wrong |= ((uint8_t *)q->payload)[i] != stream_byte(0, status.received);
    unread += p->tot_len;
    pbuf_free(p);
    return ERR_OK;
}

static void session_error(void *arg, err_t err)
{
    (void)arg;
    session = NULL;
    status.error = (int32_t)err; // err_t is a signed char
    status.closed = true;
}

static err_t session_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)arg;
    if (err != ERR_OK || session)
        return ERR_VAL;
    session = pcb;
    status.open = true;
    tcp_recv(pcb, session_receive);
    tcp_err(pcb, session_error);
    tcp_nagle_disable(pcb);
    if (settings.window && settings.window < pcb->rcv_wnd) {
        pcb->rcv_wnd = (tcpwnd_size_t)settings.window;
        pcb->rcv_ann_wnd = (tcpwnd_size_t)settings.window;
        pcb->rcv_ann_right_edge = pcb->rcv_nxt + settings.window;
    }
    return ERR_OK;
}

static void application_read(void)
{
    if (unread == 0 || now_ms < read_ms)
        return;
    uint32_t len = settings.stall_ms ? 1 + below(unread) : unread;
    read_ms = now_ms + (settings.stall_ms ? below(settings.stall_ms) : 0);
    unread -= len;
    tcp_recved(session, (u16_t)len);
}

static void application_write(void)
{
    uint8_t piece[PIECE_MAX];
    if (now_ms < write_ms)
        return;
    write_ms = now_ms + below(10);
    for (int i = 0; i < 4 && status.sent < settings.send_total; i++) {
        uint32_t len = 1 + below(PIECE_MAX);
        if (len > settings.send_total - status.sent)
            len = settings.send_total - status.sent;
        if (len > tcp_sndbuf(session))
            len = tcp_sndbuf(session);
        for (uint32_t k = 0; k < len; k++)
            piece[k] = stream_byte(1, status.sent + k);
        if (len == 0 || tcp_write(session, piece, (u16_t)len, TCP_WRITE_FLAG_COPY) != ERR_OK)
            break;
        status.sent += len;
    }
    tcp_output(session);
}

static void turn(void)
{
    while (timer_ms <= now_ms) {
        tcp_tmr();
        timer_ms += TCP_TMR_INTERVAL;
    }
    if (session) {
        application_read();
        application_write();
        if (settings.close_first && status.sent == settings.send_total &&
            status.received >= settings.receive_total && unread == 0)
            session_close();
    }
    status.wake_ms = timer_ms;
    if (session && status.sent < settings.send_total && write_ms < status.wake_ms)
        status.wake_ms = write_ms > now_ms ? write_ms : now_ms + 1;
    if (session && unread && read_ms < status.wake_ms)
        status.wake_ms = read_ms > now_ms ? read_ms : now_ms + 1;
}

static void start(const struct lwip_message *m)
{
    ip4_addr_t address, mask, none;
    settings = m->settings;
    random_state = settings.seed * 77 + 5;
    timer_ms = now_ms + TCP_TMR_INTERVAL;
    lwip_init();
    IP4_ADDR(&address, 10, 77, 0, 9);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&none, 0, 0, 0, 0);
    netif_add(&net, &address, &mask, &none, NULL, net_init, ip4_input);
    netif_set_default(&net);
    netif_set_up(&net);
    struct tcp_pcb *listener = tcp_new();
    if (listener == NULL || tcp_bind(listener, IP4_ADDR_ANY, PORT) != ERR_OK)
        exit(1);
    listener = tcp_listen(listener);
    if (listener == NULL)
        exit(1);
    tcp_accept(listener, session_accept);
}

int main(void)
{
    static struct lwip_message m;
    for (;;) {
        ssize_t got = recv(LWIP_PEER_FD, &m, sizeof m, 0);
        if (got <= 0)
            return 0;
        now_ms = m.now_ms;
        if (m.kind == LWIP_START)
            start(&m);
        if (m.kind == LWIP_FRAME) {
            struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)m.len, PBUF_RAM);
            if (p == NULL)
                return 1;
            pbuf_take(p, m.frame, (u16_t)m.len);
            if (net.input(p, &net) != ERR_OK)
                pbuf_free(p);
        }
        turn();
        struct lwip_message answer = {.kind = LWIP_STATUS, .now_ms = now_ms};
        answer.status = status;
        message_send(&answer, offsetof(struct lwip_message, status) + sizeof answer.status);
    }
}
