// What ports send and get beside market data and orders: addresses, groups, answers to requests
// (dataplane/port/slow.h).
#include <string.h>

#include "dataplane/base/ip.h"
#include "dataplane/control/dataplane.h"

// Frames of the main lcore go out through its own queue, or else through the lane that polls the
// port.
static bool slow_send(void *context, struct port *port, const uint8_t *bytes, uint32_t len)
{
    struct dataplane *d = context;
    struct lane_answer answer = {.kind = ANSWER_SEND, .port = port->index};
    if (port->main_queue)
        return main_queue_send(port, bytes, len, 0);
    for (uint32_t i = 0; i < d->config->lane_count; i++) {
        if (!lane_uses_port(d->config, i, port->index))
            continue;
        if (!port->ops->buffer(port, 0, &answer.frame))
            return false;
        memcpy((uint8_t *)(uintptr_t)answer.frame.data, bytes, len); // ours until it is sent
        answer.frame.len = len;
        if (spsc_push(&d->lanes[i]->answers, &answer))
            return true;
        port->ops->release(port, &answer.frame);
        return false;
    }
    return false;
}

// A datagram to our address: an answer to the requests of one of the channels, or nobody's.
static void slow_datagram(void *context, struct port *port, const struct frame_udp *f,
                          uint64_t now_ns)
{
    struct dataplane *d = context;
    (void)now_ns;
    for (uint32_t i = 0; i < d->config->channel_count; i++)
        if (recovery_datagram(&d->channels[i]->recovery, &d->slow[port->index], f))
            return;
}

void slow_start(struct dataplane *d)
{
    const struct config *config = d->config;
    uint64_t now = clock_mono_ns();
    for (uint32_t i = 0; i < config->port_count; i++) {
        d->slow[i] = (struct slow_port){
            .port = &d->ports[i],
            .count = region_port_counters(&d->view, i),
            .ip = config->ports[i].ip,
            .prefix_len = config->ports[i].prefix_len,
            .gateway = config->ports[i].gateway,
            .vlan = (uint16_t)config->ports[i].vlan,
            .igmp_version = (uint8_t)config->ports[i].igmp_version,
            .random = d->clock.tsc_at,
            .send = slow_send,
            .datagram = slow_datagram,
            .context = d,
        };
        for (uint32_t c = 0; c < config->channel_count; c++)
            for (uint32_t l = 0; l < config->channels[c].line_count; l++)
                if (config->channels[c].lines[l].port == i &&
                    ip_is_multicast(config->channels[c].lines[l].group))
                    slow_group_add(&d->slow[i], config->channels[c].lines[l].group,
                                   config->channels[c].lines[l].source, now);
        signals_groups_add(config, i, &d->slow[i], now);
    }
    for (uint32_t c = 0; c < config->channel_count; c++)
        recovery_through(&d->channels[c]->recovery, &d->slow[config->channels[c].lines[0].port],
                         now);
}
