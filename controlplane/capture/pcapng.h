// Blocks of pcapng into memory. The caller has seen that there is room.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/capture/format.h"

enum { PCAPNG_BLOCK_BYTES = 12 }; // of every block, beside its body

// Each returns the bytes it has written: a whole block.
uint32_t pcapng_section(uint8_t *out);
uint32_t pcapng_interface(uint8_t *out, const char *name);
uint32_t pcapng_block(uint8_t *out, uint32_t type, const void *body, uint32_t len);
// The same of a body that stands at out + 8 already; <len>: multiple of 4.
uint32_t pcapng_sealed(uint8_t *out, uint32_t type, uint32_t len);
// <bytes>: multiple of 4, at least PCAPNG_BLOCK_BYTES.
uint32_t pcapng_padding(uint8_t *out, uint32_t bytes);

struct pcapng_packet {
    uint32_t interface;
    uint64_t utc_ns;
    const uint8_t *data;
    uint32_t captured, len;
    bool outward;
    char comment[96];
};

enum { PCAPNG_PACKET_OVERHEAD = 32 + 4 + 96 + 4 + 8 + 4 + 4 }; // at most
uint32_t pcapng_packet(uint8_t *out, const struct pcapng_packet *packet);
