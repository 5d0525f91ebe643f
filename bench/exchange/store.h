// Packets of one channel as they go out, kept for sending, for both lines, and for whoever asks
// again. A ring of bytes and a ring of descriptions: when either is full the oldest packets go.
// Belongs to one thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"

struct store_packet {
    uint64_t sequence; // of the first message; 0 for payloads that carry no numbers we know of
    uint64_t due_ns;   // when to send, since the start of the run
    uint64_t offset;   // of the payload, counted from the first byte ever stored
    uint32_t length;   // of the payload
    uint16_t count;    // messages
    uint16_t sum; // one's complement sum of the payload (for the UDP checksum), if the store was
                  // asked to compute it
};

struct store {
    uint8_t *bytes;
    struct store_packet *packets; // ring of packets_max, a power of two
    uint64_t bytes_max, packets_max;
    uint64_t first, next; // numbers of the oldest packet kept and of the next one; they only grow
    uint64_t offset;      // of the next payload
    uint64_t memory_bytes;
    bool keep_all; // a packet that does not fit is refused instead of pushing out old ones
    bool sums;
};

enum {
    STORE_MIB_MIN = 16, // so that no packet is pushed out while a line still holds it (line.h)
};

bool store_init(struct store *s, uint32_t mib, bool keep_all, bool sums, struct error *err);
void store_free(struct store *s);

// Room for a payload of up to <length_max> bytes, valid until the commit; NULL when all is to be
// kept and it is full.
uint8_t *store_reserve(struct store *s, uint32_t length_max);

// Keeps what was written into the reserved room and answers its number.
uint64_t store_commit(struct store *s, uint32_t length, uint64_t sequence, uint16_t count,
                      uint64_t due_ns);

// A packet by number, NULL when it is gone or not there yet.
static inline const struct store_packet *store_packet(const struct store *s, uint64_t number)
{
    if (number - s->first >= s->next - s->first)
        return (const struct store_packet *)0;
    return &s->packets[number & (s->packets_max - 1)];
}

static inline const uint8_t *store_payload(const struct store *s, const struct store_packet *p)
{
    return s->bytes + p->offset % s->bytes_max;
}

// Number of the packet that holds a message, or <next> when none does.
uint64_t store_find(const struct store *s, uint64_t sequence);

// One's complement sum of big-endian 16-bit words, folded to 16 bits (RFC 1071).
uint16_t store_sum(const uint8_t *p, uint32_t length);
