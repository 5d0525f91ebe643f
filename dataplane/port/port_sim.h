// A port without a device, for tests and simulations: they push the frames that arrive and look at
// those that were sent. Same table of operations as a device; one thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/port/port.h"

enum { SIM_BUFFERS = 256, SIM_QUEUES = 4, SIM_BUFFER_LEN = 2048 };

struct sim_frame {
    uint16_t buffer;
    uint16_t flags;
    uint16_t queue; // of a sent frame
    uint32_t len;
    uint64_t hw_ns;
};

struct sim_fifo {
    struct sim_frame frames[SIM_BUFFERS];
    uint32_t head, tail; // only grow
};

struct port_sim {
    struct port port;
    uint32_t send_room; // frames that the transmit ring still takes
    uint64_t missed;    // pushed while there was no buffer
    bool lane_inside;   // what the main lcore finds who wants to send in the lane's stead
    uint32_t free_count;
    uint16_t free[SIM_BUFFERS];
    bool held[SIM_BUFFERS]; // by whoever has not given it back
    struct sim_fifo arrived[SIM_QUEUES];
    struct sim_fifo sent;
    uint8_t buffers[SIM_BUFFERS][SIM_BUFFER_LEN];
};

// <sim->port> is what a lane polls; the transmit ring takes everything.
void port_sim_init(struct port_sim *sim, const char *name, const uint8_t mac[6]);
// A frame of at most SIM_BUFFER_LEN bytes arrives. False: no buffer, it is counted as missed.
bool port_sim_push(struct port_sim *sim, uint16_t queue, const void *bytes, uint32_t len,
                   uint16_t flags, uint64_t hw_ns);
// The oldest frame that was sent and not looked at: valid until the next call. False: none.
bool port_sim_sent(struct port_sim *sim, struct frame *frame);
// Buffers that nobody holds; SIM_BUFFERS when nothing has leaked.
uint32_t port_sim_free(const struct port_sim *sim);
