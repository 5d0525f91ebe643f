// Re-request client of the main lcore: turns a channel's request for messages into datagrams to its
// servers, and hands what comes back to the lane.
//
// One gap of a channel is in work at a time (the lane asks for the next when it is closed). Each
// request names what is still missing; an answer moves it on. Silence is met with a retry, then
// with the next server, then with ANSWER_FAILED. The rate of request datagrams is bounded, so that
// a burst of gaps does not become a burst of requests.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/counters.h"
#include "dataplane/base/error.h"
#include "dataplane/config/config.h"
#include "dataplane/lane/lane.h"
#include "dataplane/port/slow.h"

enum {
    RECOVERY_BUFFER_LEN = 2048, // longer answers are no MoldUDP64 over Ethernet
    RECOVERY_BUFFERS = 512,     // per channel; lent to the lane with each answer
    RECOVERY_READS_MAX = 32,    // answers read per channel and turn
    RECOVERY_UDP_FIRST = 49152, // own UDP port of channel 0 on a port of the dataplane, and so on
};

struct recovery {
    struct config_recovery config;
    struct lane *lane;
    const struct feed_protocol *protocol;
    struct main_counters *count;
    uint8_t channel;        // index
    int fd;                 // UDP, non-blocking; -1 when the channel has no server, or another way
    struct slow_port *port; // way to the servers; null: the kernel's
    bool active;
    bool cancelled;
    uint32_t server;
    uint32_t tries;
    uint64_t next; // first message still missing
    uint64_t end;
    uint64_t send_at; // ns: when to ask (again)
    uint64_t gap_ns;  // between request datagrams
    uint64_t sent_at;
    uint8_t session[SESSION_LEN];
    uint8_t *buffers; // RECOVERY_BUFFERS * RECOVERY_BUFFER_LEN
    uint32_t free_count;
    uint16_t free[RECOVERY_BUFFERS];
    bool failed; // ANSWER_FAILED is due
};

bool recovery_init(struct recovery *r, const struct config_recovery *config, uint8_t channel,
                   const struct feed_protocol *protocol, struct lane *lane,
                   struct main_counters *count, struct error *err);
// Requests go through <port> from now on: for a channel with via: port, before the first turn.
void recovery_through(struct recovery *r, struct slow_port *port, uint64_t now_ns);
void recovery_request(struct recovery *r, const struct feed_request *request);
// A datagram to our address on <port>. True: it is an answer to this channel's requests.
bool recovery_datagram(struct recovery *r, const struct slow_port *port, const struct frame_udp *f,
                       uint64_t now_ns);
// The lane is done with a buffer.
void recovery_return(struct recovery *r, const struct frame *frame);
// One turn: reads answers, asks, retries. Returns work done.
uint32_t recovery_turn(struct recovery *r, uint64_t now_ns);
void recovery_close(struct recovery *r);
