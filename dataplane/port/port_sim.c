#include "dataplane/port/port_sim.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/base/check.h"

static bool fifo_push(struct sim_fifo *fifo, struct sim_frame frame)
{
    if (fifo->tail - fifo->head == SIM_BUFFERS)
        return false;
    fifo->frames[fifo->tail++ % SIM_BUFFERS] = frame;
    return true;
}

static bool fifo_pop(struct sim_fifo *fifo, struct sim_frame *frame)
{
    if (fifo->tail == fifo->head)
        return false;
    *frame = fifo->frames[fifo->head++ % SIM_BUFFERS];
    return true;
}

static uint16_t buffer_of(const struct port_sim *sim, const struct frame *frame)
{
    uint64_t at = (uint64_t)((const uint8_t *)frame->owner - sim->buffers[0]);
    MUST(at % SIM_BUFFER_LEN == 0 && at / SIM_BUFFER_LEN < SIM_BUFFERS); // one of ours
    return (uint16_t)(at / SIM_BUFFER_LEN);
}

static void buffer_free(struct port_sim *sim, uint16_t buffer)
{
    MUST(sim->held[buffer]); // not given back twice
    sim->held[buffer] = false;
    sim->free[sim->free_count++] = buffer;
}

static uint16_t sim_receive(struct port *port, uint16_t queue, struct frame *frames, uint16_t max)
{
    struct port_sim *sim = port->driver;
    struct sim_frame f;
    uint16_t n = 0;
    while (n < max && n < PORT_BURST && fifo_pop(&sim->arrived[queue], &f))
        frames[n++] = (struct frame){
            .data = sim->buffers[f.buffer],
            .len = f.len,
            .flags = f.flags,
            .hw_ns = f.hw_ns,
            .owner = sim->buffers[f.buffer],
        };
    return n;
}

// The caller has seen that there is one.
static uint16_t buffer_take(struct port_sim *sim)
{
    const uint16_t buffer = sim->free[--sim->free_count];
    sim->held[buffer] = true;
    return buffer;
}

static bool sim_buffer(struct port *port, uint16_t queue, struct frame *frame)
{
    struct port_sim *sim = port->driver;
    (void)queue;
    if (sim->free_count == 0)
        return false;
    uint8_t *bytes = sim->buffers[buffer_take(sim)];
    PREFETCHW(&sim->sent.frames[sim->sent.tail % SIM_BUFFERS]); // where it will soon be put
    *frame = (struct frame){.data = bytes, .owner = bytes};
    return true;
}

static uint16_t sim_send(struct port *port, uint16_t queue, struct frame *frames, uint16_t n)
{
    struct port_sim *sim = port->driver;
    uint16_t taken = 0;
    while (taken < n && sim->send_room > 0) {
        const struct sim_frame f = {.buffer = buffer_of(sim, &frames[taken]),
                                    .flags = frames[taken].flags,
                                    .len = frames[taken].len,
                                    .queue = queue};
        if (!fifo_push(&sim->sent, f))
            break;
        sim->send_room--;
        taken++;
    }
    return taken;
}

static bool sim_send_instead(struct port *port, uint16_t queue, struct frame *frame)
{
    const struct port_sim *sim = port->driver;
    return !sim->lane_inside && sim_send(port, queue, frame, 1) == 1;
}

static void sim_release(struct port *port, struct frame *frame)
{
    struct port_sim *sim = port->driver;
    buffer_free(sim, buffer_of(sim, frame));
}

void port_sim_init(struct port_sim *sim, const char *name, const uint8_t mac[6])
{
    static const struct port_ops ops = {sim_receive, sim_buffer, sim_send, sim_release};
    memset(sim, 0, sizeof *sim);
    sim->port.ops = &ops;
    sim->port.send_instead = sim_send_instead;
    sim->port.driver = sim;
    sim->port.numa_node = -1;
    snprintf(sim->port.name, sizeof sim->port.name, "%s", name);
    memcpy(sim->port.mac, mac, sizeof sim->port.mac);
    sim->send_room = UINT32_MAX;
    for (uint16_t i = 0; i < SIM_BUFFERS; i++)
        sim->free[sim->free_count++] = i;
}

bool port_sim_push(struct port_sim *sim, uint16_t queue, const void *bytes, uint32_t len,
                   uint16_t flags, uint64_t hw_ns)
{
    MUST(len <= SIM_BUFFER_LEN && queue < SIM_QUEUES);
    if (sim->free_count == 0) {
        sim->missed++;
        return false;
    }
    const struct sim_frame f = {
        .buffer = buffer_take(sim), .flags = flags, .len = len, .hw_ns = hw_ns};
    memcpy(sim->buffers[f.buffer], bytes, len);
    MUST(fifo_push(&sim->arrived[queue], f)); // as many places as buffers
    return true;
}

bool port_sim_sent(struct port_sim *sim, struct frame *frame)
{
    struct sim_frame f;
    if (!fifo_pop(&sim->sent, &f))
        return false;
    *frame = (struct frame){.data = sim->buffers[f.buffer],
                            .len = f.len,
                            .flags = f.flags,
                            .input = f.queue,
                            .owner = sim->buffers[f.buffer]};
    buffer_free(sim, f.buffer); // whoever looks is done with it before anything else happens
    return true;
}

uint32_t port_sim_free(const struct port_sim *sim)
{
    return sim->free_count;
}
