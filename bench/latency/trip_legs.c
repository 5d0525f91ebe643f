// The legs of a trip: what the exchange's thread sends, what it waits for, and for each leg an echo
// that takes the same way and does nothing else: the same port, the same lines of memory, frames as
// long as the leg's own.
#include <string.h>

#include "bench/latency/lane_wire.h"
#include "bench/latency/trip_parts.h"
#include "dataplane/gateway/pipe.h"
#include "dataplane/wire/frame_build.h"

static uint16_t locate_next(struct trip *t)
{
    return (uint16_t)(1 + t->turn++ % LANE_WATCHED);
}

static void arrived(struct trip *t, uint32_t index, uint64_t at)
{
    t->samples[index].done = at;
    t->arrived[t->arrivals++] = index;
}

// --- frames of echoes ---

static uint32_t echo_frame(uint8_t *frame, uint32_t bytes)
{
    static const uint8_t group_mac[FRAME_MAC_LEN] = {1, 0, 0x5e, 0, 0, 1};
    static const uint8_t payload[ECHO_ORDER_BYTES];
    const struct frame_udp_out out = {.src_mac = lane_venue_mac,
                                      .dst_mac = group_mac,
                                      .src_ip = LANE_VENUE_IP,
                                      .dst_ip = LANE_GROUP,
                                      .src_port = 1,
                                      .dst_port = LANE_GROUP_PORT,
                                      .vlan = FRAME_NO_VLAN};
    return frame_udp_build(frame, &out, payload, (uint16_t)bytes);
}

// As long as a trigger.
static void frame_send(struct trip *t)
{
    uint8_t frame[PORT_FRAME_MAX];
    if (trip_of_kernel(t))
        sockets_echo_send(t);
    else
        lane_wire_push(t->world, frame, echo_frame(frame, ECHO_BYTES));
}

static uint32_t frame_take(struct trip *t)
{
    struct frame frame;
    if (trip_of_kernel(t))
        return sockets_echo_take(t);
    while (lane_wire_pop(t->world, &frame)) {
        struct frame_udp udp;
        if (frame_parse(frame.data, frame.len, &udp) == FRAME_UDP &&
            udp.dst_port == LANE_GROUP_PORT)
            return 1; // one at a time: each has its own moment
    }
    return 0;
}

// --- orders: what a trigger or a client asks for, and no other one ---

static bool order_fits(struct trip *t, const struct ouch50_enter *order, uint64_t at)
{
    struct lane_world *w = t->world;
    char symbol[8];
    for (uint16_t locate = 1; locate <= LANE_WATCHED; locate++) {
        struct trip_wait *wait = &t->waits[locate];
        lane_symbol_name(symbol, locate);
        if (wait->index == TRIP_NOBODY || memcmp(order->symbol, symbol, sizeof symbol) != 0)
            continue;
        if (order->side != (wait->up ? 'B' : 'S') || order->price != LANE_TOUCH_MIDDLE)
            return false;
        arrived(t, wait->index, at);
        wait->index = TRIP_NOBODY;
        w->venue.last = *order;
        lane_venue_answer(w); // accepted and executed
        if (wait->ref)
            lane_market_executed(w, locate, wait->ref);
        return true;
    }
    return false;
}

static uint32_t orders_take(struct trip *t)
{
    struct lane_venue *v = &t->world->venue;
    uint32_t n = 0;
    t->broken |= !lane_venue_take(t->world) || v->got - t->taken > LANE_VENUE_ORDERS;
    for (; t->taken != v->got; t->taken++, n++)
        t->broken |= !order_fits(t, &v->orders[t->taken % LANE_VENUE_ORDERS],
                                 v->order_at[t->taken % LANE_VENUE_ORDERS]);
    return n;
}

// --- tick: market data in, an order out ---

static void tick_send(struct trip *t, uint32_t index)
{
    const uint16_t locate = locate_next(t);
    const bool up = random_next(&t->world->random) & 1;
    t->waits[locate] = (struct trip_wait){index, up, lane_market_trigger(t->world, locate, up), 0};
}

static void tick_echo(struct trip *t)
{
    const struct lane_ports *p = &t->world->ports;
    struct frame frames[PORT_BURST];
    // For as many as the port does not take at once there is no room in any ring: they are dropped
    // and show as lost.
    const uint16_t n = p->in->ops->receive(p->in, 0, frames, PORT_BURST);
    const uint16_t sent = n ? p->out->ops->send(p->out, 0, frames, n) : 0;
    for (uint16_t i = sent; i < n; i++)
        p->in->ops->release(p->in, &frames[i]);
}

// --- feed: market data in, its best price where others read it ---

static const struct symbol_top *top_of(const struct lane_world *w, uint16_t locate)
{
    const struct symbol_top *top = w->channel.tops;
    while (top->locate != locate)
        top++; // the opening named every symbol
    return top;
}

static void feed_send(struct trip *t, uint32_t index)
{
    const uint16_t locate = locate_next(t);
    struct trip_wait *wait = &t->waits[locate];
    if (t->tops[locate] == NULL)
        t->tops[locate] = top_of(t->world, locate);
    wait->index = index;
    wait->price = lane_market_touch(t->world, locate);
    t->feed_waits = locate;
}

static uint32_t feed_take(struct trip *t)
{
    struct symbol_top top;
    const uint16_t locate = t->feed_waits;
    if (locate == 0 || !symbol_top_read(t->tops[locate], &top) ||
        top.price[0] != t->waits[locate].price)
        return 0;
    arrived(t, t->waits[locate].index, clock_tsc());
    t->feed_waits = 0;
    return 1;
}

// A frame is taken and given back, and a line that the exchange's thread reads is written.
static void feed_echo(struct trip *t)
{
    const struct lane_ports *p = &t->world->ports;
    struct frame frames[PORT_BURST];
    const uint16_t n = p->in->ops->receive(p->in, 0, frames, PORT_BURST);
    for (uint16_t i = 0; i < n; i++) {
        symbol_top_begin(&t->words.top);
        t->words.top.price[0]++;
        symbol_top_end(&t->words.top);
        p->in->ops->release(p->in, &frames[i]);
    }
}

static uint32_t feed_echo_take(struct trip *t)
{
    struct symbol_top top;
    if (!symbol_top_read(&t->words.top, &top) || top.price[0] == t->echoes_seen)
        return 0;
    t->world->popped_at = clock_tsc();
    const uint32_t n = top.price[0] - t->echoes_seen;
    t->echoes_seen = top.price[0];
    return n;
}

// --- client: a request in the gateway's ring in, an order out ---

static void client_send(struct trip *t, uint32_t index)
{
    const uint16_t locate = locate_next(t);
    const bool up = random_next(&t->world->random) & 1;
    t->waits[locate] = (struct trip_wait){index, up, 0, 0};
    lane_client_ask(t->world, locate, up);
}

static uint32_t client_take(struct trip *t)
{
    const uint32_t n = orders_take(t);
    t->broken |= !lane_client_read(t->world);
    return n;
}

static void client_echo_send(struct trip *t)
{
    struct trip_words *w = &t->words;
    t->world->pushed = clock_tsc();
    w->request.client_id = t->sent;
    atomic_fetch_add_explicit(&w->asked, 1, memory_order_release);
}

// The request is copied as a lane does it, and a frame as long as an order leaves.
static void client_echo(struct trip *t)
{
    static uint8_t bytes[PORT_FRAME_MAX];
    static uint32_t len;
    struct trip_words *w = &t->words;
    struct port *out = t->world->ports.out;
    struct gateway_request request;
    struct frame frame = {0};
    if (len == 0)
        len = echo_frame(bytes, ECHO_ORDER_BYTES);
    if (atomic_load_explicit(&w->asked, memory_order_acquire) == w->shown)
        return;
    request_copy(&request, &w->request);
    if (!out->ops->buffer(out, 0, &frame))
        return; // the exchange's thread has not given any back yet
    memcpy((void *)(uintptr_t)frame.data, bytes, len);
    memcpy((void *)(uintptr_t)(frame.data + len - sizeof request.client_id), &request.client_id,
           sizeof request.client_id);
    frame.len = len;
    if (out->ops->send(out, 0, &frame, 1) == 1)
        w->shown++;
    else
        out->ops->release(out, &frame);
}

const struct trip_leg_ops trip_legs[TRIP_LEGS] = {
    [TRIP_LEG_TICK] = {tick_send, orders_take, frame_send, frame_take, tick_echo},
    [TRIP_LEG_FEED] = {feed_send, feed_take, frame_send, feed_echo_take, feed_echo},
    [TRIP_LEG_CLIENT] = {client_send, client_take, client_echo_send, frame_take, client_echo},
};
