// What the dataplane and a client share: two pieces of memory and two messages over the socket.
//
//   inward   written by the client:     index of requests, index of answers read, beat, requests
//   outward  written by the dataplane:  what the client may know, index of requests taken, index of
//                                       answers, code of the end, answers, names
//
// Each is a memfd that can neither shrink nor grow; the outward one is sealed against writing once
// the dataplane has mapped it, so that a client can only read it (F_SEAL_FUTURE_WRITE): one writer
// per word, held by the page tables. Nothing that the dataplane decides by is in the inward memory
// but what it has copied and checked.
//
// Indices only grow and are compared through their unsigned difference.
//
//   requests_tail  client, with release after the request is written; the lane loads it with
//   acquire
//                  before it copies requests below it
//   requests_head  lane, with release after the request is copied; the client loads it with acquire
//                  before it uses the slot again
//   answers_tail   lane, with release after the answer is written; the client loads it with acquire
//   answers_head   client, with release after the answer is copied; the lane loads it with acquire
//                  before it uses the slot again
//   beat           client, relaxed: that it moves is all that it says
//   closed         lane, with release after the last answer; the client loads it with acquire and
//                  then looks for answers once more
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "dataplane/gateway/tickgate.h"

enum {
    GATEWAY_MAGIC = 0x54474754, // "TGGT"
    GATEWAY_NAME_LEN = 32,      // of clients and venues, with the terminating zero
    GATEWAY_SYMBOL_LEN = 8,     // padded with blanks
};

enum gateway_request_kind {
    GATEWAY_ENTER = 1, // 0 is what empty memory says
    GATEWAY_REPLACE,
    GATEWAY_MODIFY,
    GATEWAY_CANCEL,
    GATEWAY_ROUTE,
    GATEWAY_ROUTE_CANCEL,
    GATEWAY_SIGNAL,
};

struct gateway_request {
    uint64_t client_id;
    uint32_t request;
    uint32_t order;    // or route
    uint32_t quantity; // or total
    uint32_t price;
    uint16_t symbol;
    uint8_t kind; // enum gateway_request_kind
    uint8_t venue;
    char side;
    char time_in_force;
    char display;
    // 1: the next slot is of this request: a struct gateway_options (ENTER) or gateway_signal
    // (SIGNAL, always).
    uint8_t more;
    // ROUTE
    uint16_t venues;
    uint8_t how;
    uint8_t rest;
    uint8_t unused[28];
};

struct gateway_options {
    struct tickgate_options options;
    uint8_t unused[64 - sizeof(struct tickgate_options)];
};

struct gateway_signal {
    struct tickgate_signal signal;
    uint8_t unused[64 - sizeof(struct tickgate_signal)];
};

// What stands in the slot behind a request.
union gateway_more {
    struct gateway_options options;
    struct gateway_signal signal;
};
_Static_assert(sizeof(struct gateway_request) == 64, "one line a request");
_Static_assert(sizeof(union gateway_more) == 64, "and one what more it says");
_Static_assert(sizeof(struct tickgate_answer) == 64, "one line an answer");

struct gateway_inward {
    _Alignas(64) _Atomic uint32_t requests_tail;
    _Alignas(64) _Atomic uint32_t answers_head;
    _Alignas(64) _Atomic uint32_t beat;
    _Alignas(64) struct gateway_request requests[]; // outward->requests of them
};

struct gateway_outward {
    uint32_t magic;
    uint32_t interface;
    uint32_t requests; // slots, powers of two
    uint32_t answers;
    uint32_t symbols; // names behind the answers: symbols, then venues
    uint32_t venues;
    uint32_t heartbeat_ms; // 0: none is wanted
    uint32_t open_orders;  // the client's own limits
    uint32_t rate_per_s;
    uint16_t account;
    uint16_t strategy;
    _Alignas(64) _Atomic uint32_t requests_head;
    _Alignas(64) _Atomic uint32_t answers_tail;
    _Alignas(64) _Atomic uint32_t closed; // enum tickgate_code, 0: it is attached
    _Alignas(64) struct tickgate_answer slots[];
};

static inline uint64_t gateway_inward_bytes(uint32_t requests)
{
    return sizeof(struct gateway_inward) + requests * sizeof(struct gateway_request);
}

// Where the names begin.
static inline uint64_t gateway_names_at(uint32_t answers)
{
    return sizeof(struct gateway_outward) + answers * sizeof(struct tickgate_answer);
}

static inline uint64_t gateway_outward_bytes(uint32_t answers, uint32_t symbols, uint32_t venues)
{
    return gateway_names_at(answers) + (uint64_t)symbols * GATEWAY_SYMBOL_LEN +
           (uint64_t)venues * GATEWAY_NAME_LEN;
}

// --- over the socket (SOCK_SEQPACKET), once each way

struct gateway_hello {
    uint32_t magic;
    uint32_t interface;
    char name[GATEWAY_NAME_LEN]; // of the client, with its zero
};

// With code ATTACHED: descriptors of the inward and the outward memory come along.
struct gateway_welcome {
    uint32_t magic;
    uint32_t interface; // the dataplane's
    uint32_t code;      // enum tickgate_code
    uint32_t unused;
    uint64_t inward_bytes;
    uint64_t outward_bytes;
};
