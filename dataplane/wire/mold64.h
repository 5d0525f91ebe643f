// MoldUDP64 1.0: sessions of numbered messages in UDP datagrams. Big-endian.
//
//   session 10 | sequence 8 | count 2 | count times: length 2, message
//
// The message at index i of a packet has number sequence + i, a zero-length one included. A request
// to a re-request server has the same twenty bytes with the first number and the number of messages
// wanted.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/hints.h"

enum {
    MOLD64_HEADER_LEN = 20,
    MOLD64_SESSION_LEN = 10,
    MOLD64_REQUEST_LEN = 20,
    MOLD64_HEARTBEAT = 0, // a count: no messages, sequence is the next number to be sent
    MOLD64_END = 0xffff, // a count that is none: the session is over, sequence is the next it would
                         // have sent
};

struct mold64_header {
    const uint8_t *session; // MOLD64_SESSION_LEN raw bytes in the packet: compared, never parsed
    uint64_t sequence; // number of the first message; next number for heartbeat and end of session
    uint32_t count;    // as on the wire: MOLD64_HEARTBEAT, MOLD64_END, or messages in the packet
};

// <p>, <len>: the UDP payload. False when it is too short to be MoldUDP64, or numbered so high that
// sequence + count would wrap (no sender gets there; whoever adds to a number need not think of
// it).
HOT_INLINE bool mold64_parse(const uint8_t *p, uint32_t len, struct mold64_header *out)
{
    if (UNLIKELY(len < MOLD64_HEADER_LEN))
        return false;
    out->session = p;
    out->sequence = be64_load(p + 10);
    out->count = be16_load(p + 18);
    return LIKELY(out->sequence <= UINT64_MAX - MOLD64_END);
}

// Messages that the packet says it holds: 0 for heartbeat and end of session.
HOT_INLINE uint32_t mold64_messages(const struct mold64_header *h)
{
    return h->count == MOLD64_END ? 0 : h->count;
}

HOT_INLINE bool mold64_session_equal(const uint8_t *a, const uint8_t *b)
{
    return ((le64_load(a) ^ le64_load(b)) | (uint64_t)(le16_load(a + 8) ^ le16_load(b + 8))) == 0;
}

// --- messages of one packet ---

struct mold64_walk {
    const uint8_t *next; // length field of the next block
    const uint8_t *end;  // end of the UDP payload
    uint32_t left;       // blocks not yet given out
};

struct mold64_block {
    const uint8_t *data;
    uint32_t len; // 0 is legal: the number is taken, there is nothing to deliver
};

// <p>, <len> as given to mold64_parse, which has answered true.
HOT_INLINE void mold64_walk_begin(struct mold64_walk *w, const uint8_t *p, uint32_t len,
                                  const struct mold64_header *h)
{
    w->next = p + MOLD64_HEADER_LEN;
    w->end = p + len;
    w->left = mold64_messages(h);
}

// The next block, or false: after the last one (w->left == 0), or where a block would run past the
// payload (w->left > 0: that many are missing and are a gap; the blocks before are good).
HOT_INLINE bool mold64_next(struct mold64_walk *w, struct mold64_block *out)
{
    if (w->left == 0)
        return false;
    uint64_t room = (uint64_t)(w->end - w->next);
    if (UNLIKELY(room < 2))
        return false;
    uint32_t len = be16_load(w->next);
    if (UNLIKELY(len > room - 2))
        return false;
    out->data = w->next + 2;
    out->len = len;
    w->next = out->data + len;
    w->left--;
    return true;
}

// Payload bytes behind the counted blocks. Not foreseen by the text; counted as an anomaly, not
// used.
HOT_INLINE uint32_t mold64_trailing(const struct mold64_walk *w)
{
    return w->left == 0 ? (uint32_t)(w->end - w->next) : 0;
}

// --- requests ---

// Writes MOLD64_REQUEST_LEN bytes. The answer is an ordinary packet to the port that asked, with as
// many whole messages as fit one datagram; there is no negative answer.
static inline void mold64_request_write(uint8_t *p, const uint8_t *session, uint64_t first,
                                        uint16_t count)
{
    memcpy(p, session, MOLD64_SESSION_LEN);
    be64_store(p + 10, first);
    be16_store(p + 18, count);
}
