// IEX-TP 1.0 (IEX Transport Specification 1.26): sessions of numbered messages in UDP datagrams.
// Little-endian.
//
//   version 1 | reserved 1 | protocol 2 | channel 4 | session 4 | payload length 2 | count 2 |
//   stream offset 8 | first sequence 8 | send time 8 | count times: length 2, message
//
// Count 0 is a heartbeat. Lines A and B carry the same messages but may cut packets differently:
// compare per message.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/hints.h"

enum {
    IEXTP_VERSION = 1,
    IEXTP_HEADER_LEN = 40,
    IEXTP_DEEP10 = 0x8004, // message protocol id of DEEP 1.0

    IEXTP_REQUEST_HEADER_LEN = 16,
    IEXTP_RANGE_LEN = 16,
    IEXTP_REQUEST_MESSAGES = 1,    // request type: sequence numbers. DEEP has no other
    IEXTP_UDP_MESSAGES_MAX = 1000, // wanted in one request over UDP
};

struct iextp_header {
    uint16_t protocol;
    uint32_t channel;
    uint32_t session;
    uint32_t payload_len;   // bytes of message blocks behind the header, within the datagram
    uint32_t count;         // messages; 0 for a heartbeat
    uint64_t stream_offset; // bytes of message blocks in the session before this packet
    uint64_t sequence;      // number of the first message; the next number when count is 0
    int64_t send_time_ns;   // since the Unix epoch, UTC
};

// <p>, <len>: the UDP payload. False when it is too short, of another version, shorter than it
// says, or numbered so high (or negative: the fields are signed) that adding a packet's messages or
// bytes would wrap.
HOT_INLINE bool iextp_parse(const uint8_t *p, uint32_t len, struct iextp_header *out)
{
    if (UNLIKELY(len < IEXTP_HEADER_LEN || p[0] != IEXTP_VERSION))
        return false;
    out->protocol = le16_load(p + 2);
    out->channel = le32_load(p + 4);
    out->session = le32_load(p + 8);
    out->payload_len = le16_load(p + 12);
    out->count = le16_load(p + 14);
    out->stream_offset = le64_load(p + 16);
    out->sequence = le64_load(p + 24);
    out->send_time_ns = (int64_t)le64_load(p + 32);
    const uint64_t highest = (uint64_t)INT64_MAX - 0xffff;
    return LIKELY(out->payload_len <= len - IEXTP_HEADER_LEN && out->sequence <= highest &&
                  out->stream_offset <= highest);
}

// --- messages of one packet ---

struct iextp_walk {
    const uint8_t *next; // length field of the next block
    const uint8_t *end;  // end of the blocks by the header's payload length
    uint32_t left;       // blocks not yet given out
};

struct iextp_block {
    const uint8_t *data;
    uint32_t len; // 0 is legal
};

HOT_INLINE void iextp_walk_begin(struct iextp_walk *w, const uint8_t *p,
                                 const struct iextp_header *h)
{
    w->next = p + IEXTP_HEADER_LEN;
    w->end = w->next + h->payload_len;
    w->left = h->count;
}

// The next block, or false: after the last one (w->left == 0), or where a block would run past the
// payload (w->left > 0: that many are missing).
HOT_INLINE bool iextp_next(struct iextp_walk *w, struct iextp_block *out)
{
    if (w->left == 0)
        return false;
    uint64_t room = (uint64_t)(w->end - w->next);
    if (UNLIKELY(room < 2))
        return false;
    uint32_t len = le16_load(w->next);
    if (UNLIKELY(len > room - 2))
        return false;
    out->data = w->next + 2;
    out->len = len;
    w->next = out->data + len;
    w->left--;
    return true;
}

// --- gap fill ---

// Message numbers, both wanted. Ranges of one request ascend and do not overlap.
struct iextp_range {
    uint64_t first;
    uint64_t last;
};

// Writes IEXTP_REQUEST_HEADER_LEN + ranges_len * IEXTP_RANGE_LEN bytes and returns how many. <feed>
// gives protocol, channel and session: only the current session can be asked for. No range is a
// test request (UDP), answered by a heartbeat.
static inline uint32_t iextp_request_write(uint8_t *p, const struct iextp_header *feed,
                                           const struct iextp_range *ranges, uint32_t ranges_len)
{
    p[0] = IEXTP_VERSION;
    p[1] = IEXTP_REQUEST_MESSAGES;
    le16_store(p + 2, feed->protocol);
    le32_store(p + 4, feed->channel);
    le32_store(p + 8, feed->session);
    le32_store(p + 12, ranges_len);
    uint8_t *range = p + IEXTP_REQUEST_HEADER_LEN;
    for (uint32_t i = 0; i < ranges_len; i++, range += IEXTP_RANGE_LEN) {
        le64_store(range, ranges[i].first);
        le64_store(range + 8, ranges[i].last);
    }
    return IEXTP_REQUEST_HEADER_LEN + ranges_len * IEXTP_RANGE_LEN;
}
