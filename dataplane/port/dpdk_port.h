// A DPDK port from the inside; only the dpdk_*.c files include it.
//
// Two ways to give several lanes their frames: the card's flow rules sort into one queue a lane, or
// (no rules, or too few queues) lane 0 polls the only queue and passes frames on (struct steer).
#pragma once

#include <stdatomic.h>

#include "dataplane/port/dpdk_compat.h"
#include "dataplane/port/dpdk_unmap.h"
#include "dataplane/port/eal.h"

enum {
    PORT_QUEUES_MAX = LANES_MAX + 1, // lanes and the main lcore
    STEER_TABLE_LEN = 256,           // power of two, at most a third full
};

// Ticks of the card's clock to nanoseconds: ticks * mult >> shift.
struct stamp {
    int offset; // of the receive time in an mbuf, -1 without
    uint64_t flag;
    uint64_t mult;
    uint32_t shift;
};

// Sorting by software. Everything of lane q > 0 goes through the rings of lane 0's queue.
struct steer {
    uint16_t lanes;
    struct rte_ring *in[LANES_MAX];  // producer lane 0, consumer the lane
    struct rte_ring *out[LANES_MAX]; // the other way round
    uint64_t in_dropped;             // ring full; writer: lane 0
    uint64_t out_dropped;            // transmit ring full; writer: lane 0
    struct steer_entry {
        uint32_t ip;
        uint16_t udp_port;
        uint16_t lane; // PORT_NO_LANE: empty
    } table[STEER_TABLE_LEN];
};

struct dpdk_port {
    // Read by every call of a lane.
    uint16_t id;
    struct steer *steer; // null: a queue of the device per lane
    struct rte_mempool *pool;
    struct stamp stamp;

    // Main lcore.
    struct port_config config; // name and device are copies
    char device[DEVICE_NAME_LEN];
    struct rte_flow *flows[PORT_ROUTES_MAX];
    uint32_t flow_count;
    bool started;
    bool configured; // the device is open
    bool link_up;
    bool shares_memory;  // with a process that can go away at any time (memif)
    bool mendable;       // its peer can go away and come back (memif client, virtio-user)
    bool promiscuous;    // we made it so
    char carrier[64];    // file of the kernel that says whether the link is up; empty: ask DPDK
    bool paused;         // the device is being made anew: everybody keeps out
    uint32_t pauses;     // how often pollers were asked to keep out: the value of the last <pause>
    uint64_t down_since; // ns; 0: up
    uint64_t mend_at;    // ns: not before
    uint32_t pool_free_min;
    _Atomic uint64_t pool_failures; // buffers that were not to be had
    struct rte_eth_stats before;    // of devices that were made anew
    struct poller pollers[PORT_QUEUES_MAX];
};

#define PORT_NO_LANE UINT16_MAX

extern const struct port_ops dpdk_ops;       // a queue per lane
extern const struct port_ops dpdk_steer_ops; // sorted by software

// Configures and starts the device; on false it may be half configured, device_close tidies up.
bool device_open(struct dpdk_port *p, struct port *port, uint32_t wait_ms, struct port_facts *facts,
                 struct error *err);
void device_close(struct dpdk_port *p);
void stats_add(struct rte_eth_stats *sum, const struct rte_eth_stats *more);
bool device_find(struct dpdk_port *p, struct error *err);

// True when every route has its rule; else none is left.
bool flows_install(struct dpdk_port *p);
void flows_remove(struct dpdk_port *p);

bool steer_open(struct dpdk_port *p, struct error *err);
void steer_close(struct dpdk_port *p);

// Learns how the device counts time. After dev_start.
void stamp_calibrate(struct dpdk_port *p, const char *driver);

// Frames of mbufs and back, for both tables of operations.
void frames_of(const struct dpdk_port *p, struct rte_mbuf **mbufs, struct frame *frames,
               uint16_t n);
uint16_t mbufs_of(struct frame *frames, struct rte_mbuf **mbufs, uint16_t n);
bool dpdk_buffer(struct port *port, uint16_t queue, struct frame *frame);
void dpdk_release(struct port *port, struct frame *frame);
