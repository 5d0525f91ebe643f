// The slow side of a port against everything a network may hold. Input: a list of frames, each
// behind two bytes of length and one of time (units of 100 ms). Nothing may be read out of bounds,
// what goes out is a whole frame, and no buffer is lost.
#include <stdlib.h>
#include <string.h>

#include "dataplane/port/port_sim.h"
#include "dataplane/port/slow.h"

static struct port_sim sim;
static struct port_counters count;
static struct slow_port slow;

static bool frame_send(void *context, struct port *port, const uint8_t *bytes, uint32_t len)
{
    struct frame frame;
    (void)context;
    if (len < 60 || len > PORT_FRAME_MAX)
        abort();
    if (!port->ops->buffer(port, 0, &frame))
        return false;
    memcpy((uint8_t *)(uintptr_t)frame.data, bytes, len);
    frame.len = len;
    if (port->ops->send(port, 0, &frame, 1) == 1)
        return true;
    port->ops->release(port, &frame);
    return false;
}

static void datagram(void *context, struct port *port, const struct frame_udp *f, uint64_t now_ns)
{
    (void)context;
    (void)port;
    (void)now_ns;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < f->payload_len; i++)
        sum += f->payload[i];
    if (f->dst_ip != slow.ip || sum == UINT32_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    struct frame out;
    uint64_t now = 1;
    size_t at = 0;
    port_sim_init(&sim, "fuzz", mac);
    memset(&count, 0, sizeof count);
    slow = (struct slow_port){
        .port = &sim.port,
        .count = &count,
        .ip = 0x0a000002,
        .prefix_len = 24,
        .gateway = 0x0a000001,
        .igmp_version = 3,
        .random = 1,
        .send = frame_send,
        .datagram = datagram,
    };
    slow_group_add(&slow, 0xe9360c6f, 0, now);
    slow_group_add(&slow, 0xe931c46f, 0x0a000009, now);
    while (at + 3 <= size) {
        uint32_t len = (uint32_t)data[at] << 8 | data[at + 1];
        now += data[at + 2] * 100000000ull;
        at += 3;
        len = len < size - at ? len : (uint32_t)(size - at);
        // A copy of its own size, so that the sanitizer sees a read behind it.
        uint8_t *copy = malloc(len ? len : 1);
        memcpy(copy, data + at, len);
        const struct frame frame = {.data = copy, .len = len};
        slow_frame(&slow, &frame, now);
        free(copy);
        at += len;
        slow_udp_send(&slow, 0x0a000009, 18300, 40000, "request", 7, now);
        slow_turn(&slow, now);
        while (port_sim_sent(&sim, &out))
            ;
    }
    slow_leave(&slow, now);
    while (port_sim_sent(&sim, &out))
        ;
    if (port_sim_free(&sim) != SIM_BUFFERS)
        abort();
    return 0;
}
