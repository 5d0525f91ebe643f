// A port as a lane sees it: bursts of frames in, bursts out. The DPDK port and the simulated port
// fill the same table; it is fixed at READY, so the indirect calls of a lane are the ones listed in
// docs/hot-path.md.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/hints.h"

enum {
    PORT_BURST = 32,       // frames per receive call
    PORT_FRAME_MAX = 1522, // Ethernet header, two VLAN tags less, 1,500 bytes, no FCS; longer is
                           // counted and refused
};

enum frame_flag {
    FRAME_SEGMENTED = 1u << 0, // longer than PORT_FRAME_MAX or chained buffers, of which only the
                               // first is visible: the lane refuses it
    FRAME_BAD_SUM = 1u << 1,   // the card says that an IP or UDP checksum is wrong
    FRAME_RECOVERED = 1u << 2, // fetched by the main lcore: the buffer is its own, not a port's
    FRAME_SUM_TCP = 1u << 3, // to send, where the port has sums_tcp: TCP's checksum field holds the
                             // sum of the pseudo header, the card does the rest
};

// One Ethernet frame. The holder of <owner> owns the bytes until it gives the frame to port_release
// or port_send.
struct frame {
    const uint8_t *data; // first byte of the Ethernet header
    uint32_t len;        // bytes visible at data, no FCS
    uint16_t flags;      // enum frame_flag
    uint16_t input; // filled in by the holder: input of the lane, or channel of a recovered one
    uint64_t hw_ns; // receive time by the card's clock in ns, 0 where there is none
    void *owner;    // the driver's buffer
};

struct port;

struct port_ops {
    // Up to <max> frames that have arrived on <queue>; never waits. The caller owns what it gets.
    uint16_t (*receive)(struct port *port, uint16_t queue, struct frame *frames, uint16_t max);
    // A writable buffer of PORT_FRAME_MAX bytes for a frame to send, in <frame>->owner and ->data;
    // false when the pool is empty. The caller sets ->len.
    bool (*buffer)(struct port *port, uint16_t queue, struct frame *frame);
    // Hands <n> frames to the transmit ring in order and returns how many it took; the caller still
    // owns the rest.
    uint16_t (*send)(struct port *port, uint16_t queue, struct frame *frames, uint16_t n);
    // Gives a received frame (or an unsent buffer) back.
    void (*release)(struct port *port, struct frame *frame);
};

// Everything but <ops> and <driver> is for the slow side: the main lcore asks, shows and closes.
struct port {
    const struct port_ops *ops; // fixed at READY
    void *driver;               // the implementation's own state
    uint8_t mac[6];
    uint8_t index;       // position in the configuration
    int16_t numa_node;   // -1: the device does not say
    uint16_t main_queue; // queue pair of the main lcore; 0: none (queue 0 is a lane's)
    bool sums_tcp;       // the card fills in TCP's checksum of frames with FRAME_SUM_TCP
    // Main lcore, in the stead of a lane that stands still: one frame through the lane's <queue>.
    // False: the lane may be inside one of the calls above, or there is no room; the caller still
    // owns the frame. Meanwhile the lane finds nothing and no room. Null: there is no such way.
    bool (*send_instead)(struct port *port, uint16_t queue, struct frame *frame);
    char name[32];
};
