// Which lane polls which queue of a port, and the main lcore's own.
#include <string.h>

#include "dataplane/control/dataplane.h"

bool lane_uses_port(const struct config *config, uint32_t lane, uint32_t port)
{
    for (uint32_t i = 0; i < config->channel_count; i++)
        for (uint32_t l = 0; l < config->channels[i].line_count; l++)
            if (config->channels[i].lane == lane && config->channels[i].lines[l].port == port)
                return true;
    for (uint32_t i = 0; i < config->session_count; i++)
        if (config->sessions[i].lane == lane && config->sessions[i].port == port)
            return true;
    for (uint32_t i = 0; i < config->signal_count; i++)
        if (config->signals[i].lane == lane && config->signals[i].port == port)
            return true;
    return false;
}

// Lanes count in the order of the configuration.
uint16_t queue_of_lane(const struct config *config, uint32_t port, uint32_t lane)
{
    uint16_t queue = 0;
    for (uint32_t i = 0; i < lane; i++)
        queue += lane_uses_port(config, i, port);
    return queue;
}

static bool frame_make(struct port *port, uint16_t queue, const uint8_t *bytes, uint32_t len,
                       uint16_t flags, struct frame *frame)
{
    if (!port->ops->buffer(port, queue, frame))
        return false;
    memcpy((uint8_t *)(uintptr_t)frame->data, bytes, len); // ours until it is sent
    frame->len = len;
    frame->flags = flags;
    return true;
}

bool main_queue_send(struct port *port, const uint8_t *bytes, uint32_t len, uint16_t flags)
{
    struct frame frame;
    if (port->main_queue == 0 || !frame_make(port, port->main_queue, bytes, len, flags, &frame))
        return false;
    if (port->ops->send(port, port->main_queue, &frame, 1) == 1)
        return true;
    port->ops->release(port, &frame);
    return false;
}

bool lane_queue_send(struct port *port, uint16_t queue, const uint8_t *bytes, uint32_t len,
                     uint16_t flags)
{
    struct frame frame;
    if (port->send_instead == NULL || !frame_make(port, queue, bytes, len, flags, &frame))
        return false;
    if (port->send_instead(port, queue, &frame))
        return true;
    port->ops->release(port, &frame);
    return false;
}
