// TCP segments over IPv4 (RFC 9293, section 3.1): parsed once, off the frame that
// dataplane/wire/frame.h has parsed, and written front to back. Options: maximum segment size (RFC
// 9293, section 3.2), window scale and timestamps (RFC 7323), SACK (RFC 2018). Sequence numbers are
// compared modulo 2^32.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/hints.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/frame.h"

enum {
    TCP_HEADER_LEN = 20, // without options
    TCP_OPTIONS_MAX = 40,
    TCP_TIMESTAMP_LEN = 12, // two no-operations before it, so that its words are aligned
    TCP_SACK_MAX = 4,
    TCP_SHIFT_MAX = 14,        // of a window (RFC 7323, section 2.3)
    TCP_MSS_DEFAULT = 536,     // where the peer names none (RFC 9293, section 3.7.1)
    TCP_MSS_LEAST = 64,        // a peer that asks for less gets this: its headers would outweigh
    TCP_WINDOW_FIELD = 0xffff, // unscaled
    TCP_OPTION_END = 0,        // kinds of option
    TCP_OPTION_NOP = 1,
    TCP_OPTION_MSS = 2,
    TCP_OPTION_SHIFT = 3,
    TCP_OPTION_SACK_OK = 4,
    TCP_OPTION_SACK = 5,
    TCP_OPTION_TIMESTAMP = 8,
};

enum tcp_flag {
    TCP_FIN = 1u << 0,
    TCP_SYN = 1u << 1,
    TCP_RST = 1u << 2,
    TCP_PSH = 1u << 3,
    TCP_ACK = 1u << 4,
};

// Which options a segment carries.
enum tcp_option {
    TCP_HAS_MSS = 1u << 0,
    TCP_HAS_SHIFT = 1u << 1,
    TCP_HAS_SACK_OK = 1u << 2,
    TCP_HAS_TIMESTAMP = 1u << 3,
};

struct tcp_range {
    uint32_t from; // first byte
    uint32_t to;   // behind the last
};

struct tcp_segment {
    const uint8_t *payload; // in the frame
    uint32_t payload_len;
    uint32_t src_ip; // host order, as every field
    uint32_t dst_ip;
    uint16_t src_port;
    uint16_t dst_port;
    uint32_t seq;
    uint32_t ack;    // with TCP_ACK
    uint16_t window; // as it stands in the header, unscaled
    uint8_t flags;   // enum tcp_flag
    uint8_t options; // enum tcp_option
    uint16_t mss;
    uint8_t shift; // of the window, at most TCP_SHIFT_MAX
    uint8_t sack_count;
    uint32_t ts_value;
    uint32_t ts_echo;
    struct tcp_range sack[TCP_SACK_MAX];
};

enum tcp_code {
    TCP_SEGMENT,    // everything
    TCP_TRUNCATED,  // IP ends inside the TCP header
    TCP_BAD_HEADER, // data offset or an option's length contradicts the length of the header
    TCP_BAD_SUM,    // checksum of IP or TCP
};

// --- sequence numbers (RFC 9293, section 3.4)

static inline bool seq_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

static inline bool seq_after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

// --- reading

// False when the options contradict themselves. <len> is at most TCP_OPTIONS_MAX, so the loop is.
bool tcp_options_parse(const uint8_t *p, uint32_t len, struct tcp_segment *out);

// <ip> is what frame_parse made of a frame: code FRAME_NOT_UDP with protocol TCP. The checksums are
// looked at unless the card has done it (<sums_good>).
enum tcp_code tcp_parse(const struct frame_udp *ip, bool sums_good, struct tcp_segment *out);

// Sequence space that the segment takes: SYN and FIN count as one byte each.
static inline uint32_t tcp_segment_len(const struct tcp_segment *s)
{
    return s->payload_len + ((s->flags & TCP_SYN) ? 1u : 0u) + ((s->flags & TCP_FIN) ? 1u : 0u);
}

// --- writing: each returns the length it wrote

static inline uint32_t tcp_option_mss_write(uint8_t *p, uint16_t mss)
{
    p[0] = TCP_OPTION_MSS;
    p[1] = 4;
    be16_store(p + 2, mss);
    return 4;
}

static inline uint32_t tcp_option_sack_ok_write(uint8_t *p)
{
    be32_store(p, 0x01010402);
    return 4;
}

static inline uint32_t tcp_option_shift_write(uint8_t *p, uint8_t shift)
{
    be32_store(p, 0x01030300u | shift);
    return 4;
}

static inline uint32_t tcp_option_timestamp_write(uint8_t *p, uint32_t value, uint32_t echo)
{
    be32_store(p, 0x0101080a);
    be32_store(p + 4, value);
    be32_store(p + 8, echo);
    return TCP_TIMESTAMP_LEN;
}

// <count> of 1 to TCP_SACK_MAX.
static inline uint32_t tcp_option_sack_write(uint8_t *p, const struct tcp_range *ranges,
                                             uint32_t count)
{
    be32_store(p, 0x01010502 + 8 * count);
    for (uint32_t i = 0; i < count; i++) {
        be32_store(p + 4 + 8 * i, ranges[i].from);
        be32_store(p + 8 + 8 * i, ranges[i].to);
    }
    return 4 + 8 * count;
}

// The header proper; <options_len>, a multiple of four, stands behind it. Checksum and urgent
// pointer are zero.
static inline void tcp_header_write(uint8_t *p, const struct tcp_segment *s, uint32_t options_len)
{
    be16_store(p, s->src_port);
    be16_store(p + 2, s->dst_port);
    be32_store(p + 4, s->seq);
    be32_store(p + 8, s->ack);
    p[12] = (uint8_t)((TCP_HEADER_LEN + options_len) / 4 << 4);
    p[13] = s->flags;
    be16_store(p + 14, s->window);
    be32_store(p + 16, 0);
}

// The checksum over header, options and payload, <len> bytes from <p> whose checksum field is zero.
static inline void tcp_checksum_write(uint8_t *p, uint32_t src_ip, uint32_t dst_ip, uint16_t len)
{
    uint64_t sum = checksum_pseudo(src_ip, dst_ip, IP_PROTOCOL_TCP, len);
    checksum_store(p + 16, checksum_finish(checksum_add(sum, p, len)));
}
