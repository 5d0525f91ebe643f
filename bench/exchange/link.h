// What the exchange sends through: kernel sockets or a DPDK port. One interface, so that nothing
// above it knows which.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"

enum { LINK_ENDPOINTS = 4, LINK_BURST = 32 };

// Where a line goes. Addresses in host order.
struct link_endpoint {
    uint32_t group;  // multicast or unicast destination
    uint32_t source; // 0: the link's own
    uint16_t port;
    uint8_t device; // 0 or 1: which of the link's interfaces or ports
};

struct link_packet {
    const uint8_t *payload;
    uint32_t length;
    uint16_t sum; // one's complement sum of the payload, where the link wants it
    uint16_t endpoint;
};

// Answers one re-request: writes at most 1,472 bytes into <answer> and returns their number, 0 for
// silence.
typedef uint32_t (*link_answer)(void *context, const uint8_t *request, uint32_t length,
                                uint8_t *answer);

struct link_counters {
    uint64_t arp_answered;
    uint64_t ignored; // frames that were neither ARP for us nor a request
};

struct gate;
struct bourse;

struct link {
    // Sends in order and answers how many were taken; never waits. The payloads are not needed any
    // more afterwards. Fills the error when it will not work any more at all.
    uint32_t (*send)(struct link *l, const struct link_packet *packets, uint32_t count,
                     struct error *err);
    // Handles what arrived on the port: ARP for our address, and re-requests when <answer> is not
    // NULL. Returns whether there was anything. A link that receives nothing has no poll.
    bool (*poll)(struct link *l, link_answer answer, void *context);
    // Somebody can receive what is sent.
    bool (*up)(struct link *l);
    void (*close)(struct link *l);
    void *state;
    // A link with frames of its own: gets those of the first port that concern ARP or TCP, without
    // tag, instead of answering ARP itself. NULL: nobody wants them.
    void (*frames)(void *context, const uint8_t *frame, uint32_t length);
    void *frames_context;
    // Sends a whole frame, without tag, from the first port; false: it did not leave. NULL: the
    // link has no frames.
    bool (*send_frame)(struct link *l, const uint8_t *frame, uint32_t length);
    // Lets members connect through the link's port; NULL where it cannot.
    bool (*gate_open)(struct gate *g, struct bourse *b, struct link *l, uint32_t address,
                      uint16_t port, struct error *err);
    uint8_t mac[6]; // of the first port
    bool wants_sums;
    struct link_counters counters;
    char describe[96]; // for the summary
};

struct link_options {
    struct link_endpoint endpoints[LINK_ENDPOINTS];
    uint32_t endpoint_count;
    uint32_t ttl;
    // Kernel.
    const char *interfaces[2]; // NULL: what the routing table says
    // DPDK.
    const char *ports[2]; // vdev arguments or PCI address
    uint32_t port_count;
    uint32_t own_ip;       // of the ports; 0: none, then no ARP and no requests
    uint16_t request_port; // UDP port for re-requests on the port; 0: none
    uint16_t vlan;         // tag of every frame sent; 0: none
    int core;              // -1: wherever the process runs
    bool no_huge;
    uint32_t memory_mib;
};

bool link_kernel_open(struct link *l, const struct link_options *o, struct error *err);
bool link_dpdk_open(struct link *l, const struct link_options *o, struct error *err);

static inline bool link_is_multicast(uint32_t address)
{
    return address >> 28 == 14;
}
