// The lane's side of a trip over a port of DPDK.
#include <sched.h>
#include <unistd.h>

#include "bench/latency/lane_wire.h"
#include "bench/latency/trip_parts.h"
#include "dataplane/port/eal.h"
#include "dataplane/wire/frame_build.h"

static int lane_thread(void *arg)
{
    struct trip *t = arg;
    thread_first(true);
    atomic_store(&t->runs, gettid());
    quiet_begin(t->quiet, true);
    lane_run(&t->world->lane);
    quiet_end(t->quiet);
    thread_first(false);
    return 0;
}

// Returns frames as they came; for as many as the port does not take at once there is no room in
// any ring: they are dropped and show as lost.
static int echo_thread(void *arg)
{
    struct trip *t = arg;
    const struct lane_ports *p = &t->world->ports;
    struct frame frames[PORT_BURST];
    thread_first(true);
    atomic_store(&t->runs, gettid());
    while (!atomic_load_explicit(&t->stop, memory_order_relaxed)) {
        const uint16_t n = p->in->ops->receive(p->in, 0, frames, PORT_BURST);
        const uint16_t sent = n ? p->out->ops->send(p->out, 0, frames, n) : 0;
        for (uint16_t i = sent; i < n; i++)
            p->in->ops->release(p->in, &frames[i]);
    }
    thread_first(false);
    return 0;
}

static bool of_kernel(const struct trip *t)
{
    const enum trip_port port = t->options->port;
    return port == TRIP_PORT_BLOCKING || port == TRIP_PORT_ASLEEP || port == TRIP_PORT_SPINNING;
}

bool near_open(struct trip *t, const struct lane_options *lane, struct error *err)
{
    struct lane_options all = *lane;
    if (of_kernel(t))
        return sockets_open(t, lane, err);
    if (!trip_ports_open(t->options, &all.ports, err))
        return false;
    t->world = lane_world_open(&all, err);
    return t->world != NULL;
}

bool near_start(struct trip *t, struct error *err)
{
    atomic_store(&t->stop, false);
    atomic_store(&t->world->lane.stop, false);
    t->world->desk.warm->every =
        clock_ns_to_ticks(&t->world->cal, t->options->practice_us * 1000ull);
    t->world->desk.warm->at = t->options->practice_us ? 0 : UINT64_MAX;
    atomic_store(&t->runs, 0);
    if (of_kernel(t) ? !sockets_start(t, err)
                     : !eal_launch((uint32_t)t->options->near_core,
                                   t->orders ? lane_thread : echo_thread, t, err))
        return false;
    while (!atomic_load(&t->runs))
        sched_yield(); // it was launched, so it will come
    return true;
}

void near_stop(struct trip *t)
{
    atomic_store(&t->stop, true);
    atomic_store(&t->world->lane.stop, true);
    if (of_kernel(t))
        sockets_stop(t);
    else
        eal_join((uint32_t)t->options->near_core);
}

void near_close(struct trip *t)
{
    if (t->world)
        lane_world_close(t->world);
    if (of_kernel(t))
        sockets_close();
    else
        trip_ports_close();
}

// As long as a trigger.
void echo_send(struct trip *t)
{
    static const uint8_t group_mac[FRAME_MAC_LEN] = {1, 0, 0x5e, 0, 0, 1};
    const struct frame_udp_out out = {.src_mac = lane_venue_mac,
                                      .dst_mac = group_mac,
                                      .src_ip = LANE_VENUE_IP,
                                      .dst_ip = LANE_GROUP,
                                      .src_port = 1,
                                      .dst_port = LANE_GROUP_PORT,
                                      .vlan = FRAME_NO_VLAN};
    const uint8_t payload[ECHO_BYTES] = {0};
    uint8_t frame[PORT_FRAME_MAX];
    if (of_kernel(t)) {
        sockets_echo_send(t);
        return;
    }
    lane_wire_push(t->world, frame, frame_udp_build(frame, &out, payload, sizeof payload));
}

uint32_t echo_take(struct trip *t)
{
    struct frame frame;
    uint32_t n = 0;
    if (of_kernel(t))
        return sockets_echo_take(t);
    while (lane_wire_pop(t->world, &frame)) {
        struct frame_udp udp;
        if (frame_parse(frame.data, frame.len, &udp) == FRAME_UDP &&
            udp.dst_port == LANE_GROUP_PORT)
            return ++n; // one at a time: each has its own moment
    }
    return n;
}
