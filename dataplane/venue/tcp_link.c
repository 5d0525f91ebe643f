// Hot path: tcp_link_setup.c has the set-up.
#include "dataplane/venue/tcp_link.h"

#include <string.h>

static uint64_t ns_of(const struct tcp_link *l, uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * l->ns_per_tick >> 32);
}

// --- what the session asks for ---

static bool link_open(struct transport *t, uint64_t now)
{
    struct tcp_link *l = t->driver;
    const uint32_t n = l->connects;
    // A neighbour that is not known yet: asked again after the back-off.
    if (!l->tcp.neighbour)
        return false;
    const uint32_t isn = l->randoms[2 * n % TCP_LINK_RANDOMS];
    const uint32_t ts_offset = l->randoms[(2 * n + 1) % TCP_LINK_RANDOMS];
    const uint16_t port =
        (uint16_t)(TCP_LINK_PORT_FIRST + (l->randoms[TCP_LINK_RANDOMS - 1] + n) % TCP_LINK_PORTS);
    if (!tcp_connect(&l->tcp, port, isn, ts_offset, ns_of(l, now)))
        return false;
    l->connects++;
    return true;
}

static bool link_ready(struct transport *t, uint32_t len)
{
    struct tcp_link *l = t->driver;
    return tcp_send_ready(&l->tcp, len);
}

// From an approved order to the transmit ring: a buffer, a patched frame, the port.
static bool link_send(struct transport *t, const void *payload, uint32_t len, uint64_t now)
{
    struct tcp_link *l = t->driver;
    struct port *port = l->port;
    struct frame frame = {.len = 0};
    if (UNLIKELY(!port->ops->buffer(port, l->queue, &frame)))
        return false;
    frame.flags = l->frame_flags;
    frame.len = tcp_frame(&l->tcp, payload, len, ns_of(l, now), (void *)(uintptr_t)frame.data);
    const uint16_t frames = l->closed ? 0 : 1;
    if (LIKELY(frame.len > 0 && port->ops->send(port, l->queue, &frame, frames) == frames)) {
        if (UNLIKELY(l->closed))
            port->ops->release(port, &frame);
        return true;
    }
    l->transmit_refused++;
    if (frame.len > 0)
        tcp_frame_undo(&l->tcp, len);
    port->ops->release(port, &frame);
    return false;
}

// While the way is closed the port is handed no frame. Bytes behind the end of the stream are
// nobody's: what is written there needs no undoing.
static void link_practise(struct transport *t, bool begins)
{
    struct tcp_link *l = t->driver;
    l->closed = begins;
    if (begins)
        l->was = l->tcp;
    else
        l->tcp = l->was;
}

static void link_close(struct transport *t, uint64_t now)
{
    struct tcp_link *l = t->driver;
    tcp_close(&l->tcp, ns_of(l, now));
}

static void link_abort(struct transport *t)
{
    struct tcp_link *l = t->driver;
    tcp_abort(&l->tcp);
    tcp_events(&l->tcp); // the session knows
}

const struct transport_ops tcp_link_ops = {
    .open = link_open,
    .ready = link_ready,
    .send = link_send,
    .close = link_close,
    .abort = link_abort,
    .practise = link_practise,
};

// --- what the lane hands over ---

static void events_take(struct tcp_link *l, uint64_t now)
{
    const uint32_t events = tcp_events(&l->tcp);
    if (LIKELY(!events))
        return;
    if (events & TCP_EVENT_OPEN)
        session_opened(l->session, now);
    if (events & TCP_EVENT_PEER_FIN)
        tcp_close(&l->tcp, ns_of(l, now));
    if (events & TCP_EVENT_CLOSED)
        session_lost(l->session, now);
}

bool tcp_link_segment(struct tcp_link *l, const struct tcp_segment *segment, uint64_t now,
                      struct tcp_runs *runs)
{
    if (!tcp_match(&l->tcp, segment))
        return false;
    tcp_input(&l->tcp, segment, ns_of(l, now), runs);
    // The handshake may be over with this segment, and bytes may come with it.
    if (l->tcp.events & TCP_EVENT_OPEN) {
        l->tcp.events &= (uint8_t)~TCP_EVENT_OPEN;
        session_opened(l->session, now);
    }
    return true;
}

bool tcp_link_stray(struct tcp_link *l, const struct tcp_segment *segment, const uint8_t *bytes,
                    uint64_t now)
{
    struct port *port = l->port;
    struct frame frame = {.len = 0};
    const uint64_t now_ns = ns_of(l, now);
    if (segment->src_ip != l->tcp.config.remote_ip || segment->dst_ip != l->tcp.config.local_ip)
        return false;
    l->strays++;
    if (now_ns < l->stray_at_ns || !port->ops->buffer(port, l->queue, &frame))
        return true;
    l->stray_at_ns = now_ns + TCP_LINK_STRAY_NS;
    frame.len = tcp_refuse(segment, bytes, (void *)(uintptr_t)frame.data);
    if (frame.len == 0 || port->ops->send(port, l->queue, &frame, 1) != 1)
        port->ops->release(port, &frame);
    return true;
}

uint32_t tcp_link_turn(struct tcp_link *l, uint64_t now)
{
    struct port *port = l->port;
    const uint64_t now_ns = ns_of(l, now);
    uint32_t sent = 0;
    if (UNLIKELY(now_ns >= l->tcp.deadline_ns))
        tcp_timers(&l->tcp, now_ns);
    events_take(l, now);
    while (l->tcp.due && sent < TCP_LINK_FRAMES_A_TURN) {
        struct frame frame = {.len = 0};
        if (!port->ops->buffer(port, l->queue, &frame))
            break;
        frame.flags = l->frame_flags;
        frame.len = tcp_output(&l->tcp, now_ns, (void *)(uintptr_t)frame.data);
        if (frame.len == 0 || port->ops->send(port, l->queue, &frame, 1) != 1) {
            l->transmit_refused += frame.len > 0; // counts as lost on the wire
            port->ops->release(port, &frame);
            break;
        }
        sent++;
    }
    return sent;
}
