// DPDK's environment and its ports, without DPDK's headers: what the start-up code and the main
// lcore need.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/counters.h"
#include "dataplane/abi/limits.h"
#include "dataplane/base/error.h"
#include "dataplane/port/port.h"

enum {
    DEVICE_NAME_LEN = 192,
    PORT_GROUPS_MAX = CHANNELS_MAX * LINES_MAX + SIGNALS_MAX,
    PORT_ROUTES_MAX = PORT_GROUPS_MAX + CHANNELS_MAX, // lines, and answers to re-requests
};

struct eal_config {
    uint32_t main_core;
    uint32_t cores[LANES_MAX]; // of the lanes; one may be the main core
    uint32_t core_count;
    const char *devices[PORTS_MAX]; // PCI addresses or vdev strings
    uint32_t device_count;
    bool huge_pages;     // false: --no-huge, for machines without any reserved
    uint32_t memory_mib; // of --no-huge
    // With huge pages, taken at start and kept. Where both ends of vhost are in this process,
    // nothing may be added later: the one that adds waits for the other, which waits for its lock.
    uint32_t reserved_mib;
    bool verbose;
};

enum { EAL_NO_DEVICE = UINT32_MAX };

// "DPDK 22.11.7"; of the library that runs.
const char *eal_version(void);

// Starts DPDK on main_core and the lanes' cores, in memory that vanishes with the process
// (--in-memory), and attaches the devices.
// *<device>: the one that is at fault, EAL_NO_DEVICE: none of them.
bool eal_start(const struct eal_config *config, uint32_t *device, struct error *err);
void eal_stop(void);

// Attaches one more virtual device: one whose peer is in this process and has to be open before.
bool eal_attach(const char *device, struct error *err);

// Runs <fn>(<arg>) on a lane's core; eal_join waits for it to return.
bool eal_launch(uint32_t core, int (*fn)(void *), void *arg, struct error *err);
void eal_join(uint32_t core);
// It has not returned yet.
bool eal_runs(uint32_t core);

// A PCI address, and not a virtual device.
bool eal_is_pci(const char *device);

// Datagrams for <ip> and <udp_port> belong to <queue>.
struct port_route {
    uint32_t ip; // host order
    uint16_t udp_port;
    uint16_t queue; // of a lane, or PORT_MAIN_QUEUE
};
#define PORT_MAIN_QUEUE UINT16_MAX

struct port_config {
    const char *name;
    const char *device;
    uint16_t queues; // lanes that poll it: queue 0 to queues - 1
    bool main_queue; // one pair more for the main lcore, where the device has it
    bool sums_tcp;   // let the card fill in TCP's checksums, where it can
    bool flow_rules; // let the card sort by <routes>; else lane 0 passes frames on
    uint16_t rx_descriptors;
    uint16_t tx_descriptors;
    uint32_t mbufs;
    uint16_t vlan;       // tag of what arrives, for flow rules; 0: none
    uint8_t mac[6];      // all zero: the device's own
    int node_wanted;     // NUMA node of the lanes, -1 any
    bool remote_allowed; // a device or its buffers on another node is a warning
    bool promiscuous;
    uint32_t groups[PORT_GROUPS_MAX]; // multicast groups to receive, host order
    uint32_t group_count;
    struct port_route routes[PORT_ROUTES_MAX];
    uint32_t route_count;
};

// What the device turned out to be.
struct port_facts {
    char driver[NAME_LEN];
    char firmware[64]; // as the driver tells it; "": it does not
    uint16_t mtu;
    uint32_t speed_mbps;
    bool checks_sums; // the card verifies IP and UDP checksums
    bool hardware_time;
    bool sorted_by_software; // several lanes and no flow rules: lane 0 passes frames on
    uint32_t flow_rules;     // in force
    int node;
};

// Finds, configures and starts a device. <wait_ms>: how long a memif client waits for its server; a
// signal ends the wait. On false nothing is left open.
bool port_open(struct port *port, const struct port_config *config, uint32_t wait_ms,
               struct port_facts *facts, struct error *err);
void port_close(struct port *port);

// Main lcore: driver statistics into the counters, link state (true: it changed), buffer pool.
void port_statistics(struct port *port, struct port_counters *count);
bool port_link_changed(struct port *port, struct port_counters *count);
void port_pool(struct port *port, struct pool_counters *count);
uint64_t port_pool_bytes(const struct port *port);

// Main lcore, every 100 ms or so: where the peer of a memif client or a virtio-user port went away,
// the device is made anew and waits for the peer. The lanes keep polling; they see no frames
// meanwhile. <now_ns>: CLOCK_MONOTONIC.
void port_mend(struct port *port, uint64_t now_ns);
