// Cuts a stream of messages into MoldUDP64 packets (MoldUDP64 1.00). Written apart from the
// dataplane's decoder.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/bytes.h"

enum {
    PACK_PAYLOAD_MAX = 1472, // UDP payload of a 1,500-byte MTU
    PACK_HEADER = 20,
    PACK_SESSION = 10,
    PACK_COUNT_HEARTBEAT = 0,
    PACK_COUNT_END = 0xffff,
    PACK_COUNT_MAX = 0xfffe,
};

// Header of a downstream packet, of a heartbeat and of an end of session (by <count>). <sequence>:
// of the first message, or the next one that will be sent.
static inline void pack_header(uint8_t *payload, const uint8_t session[PACK_SESSION],
                               uint64_t sequence, uint16_t count)
{
    memcpy(payload, session, PACK_SESSION);
    be64_store(payload + 10, sequence);
    be16_store(payload + 18, count);
}

struct pack {
    uint8_t session[PACK_SESSION];
    uint64_t next;         // sequence number of the next message that is added
    uint32_t payload_max;  // bytes of a packet, at most PACK_PAYLOAD_MAX
    uint32_t messages_max; // messages of a packet
    uint8_t *payload;      // the open packet
    uint32_t length;       // its bytes so far
    uint32_t count;        // its messages so far
};

// <session> is cut at, or padded on the right with blanks to, ten characters. The first message
// gets number 1.
void pack_init(struct pack *p, const char *session, uint32_t payload_max, uint32_t messages_max);

// Opens a packet in <payload>, which has room for payload_max bytes.
void pack_open(struct pack *p, uint8_t *payload);

// False when the message does not fit any more: close the packet, open another, add it there. A
// message must fit into an empty packet (payload_max - 22 bytes); the caller checks that where
// messages come from.
bool pack_add(struct pack *p, const uint8_t *message, uint32_t length);

// Completes the open packet and answers its length; its first sequence number is next - count.
uint32_t pack_close(struct pack *p);

// Checks that a UDP payload is one whole downstream packet: header, then exactly as many blocks as
// it says, to the last byte. Heartbeats and ends of session pass with *count = 0.
bool pack_parse(const uint8_t *payload, uint32_t length, uint64_t *sequence, uint32_t *count);

// Walks the blocks of a packet that pack_parse or pack_close has passed; *offset starts at
// PACK_HEADER.
static inline uint32_t pack_block(const uint8_t *payload, uint32_t *offset, const uint8_t **message)
{
    uint32_t length = be16_load(payload + *offset);
    *message = payload + *offset + 2;
    *offset += 2 + length;
    return length;
}
