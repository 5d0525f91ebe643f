#include "dataplane/wire/tcp.h"

// Length that a kind must have; 0: any.
static uint32_t option_len(uint8_t kind)
{
    switch (kind) {
    case TCP_OPTION_MSS: return 4;
    case TCP_OPTION_SHIFT: return 3;
    case TCP_OPTION_SACK_OK: return 2;
    case TCP_OPTION_TIMESTAMP: return 10;
    default: return 0;
    }
}

static bool sack_take(const uint8_t *p, uint32_t len, struct tcp_segment *out)
{
    uint32_t count = (len - 2) >> 3;
    if (count == 0 || count > TCP_SACK_MAX || len != 2 + 8 * count)
        return false;
    out->sack_count = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++) {
        out->sack[i].from = be32_load(p + 2 + 8 * i);
        out->sack[i].to = be32_load(p + 6 + 8 * i);
    }
    return true;
}

static bool option_take(const uint8_t *p, uint32_t len, struct tcp_segment *out)
{
    uint32_t wanted = option_len(p[0]);
    if (wanted && len != wanted)
        return false;
    switch (p[0]) {
    case TCP_OPTION_MSS:
        out->options |= TCP_HAS_MSS;
        out->mss = be16_load(p + 2);
        break;
    case TCP_OPTION_SHIFT:
        out->options |= TCP_HAS_SHIFT;
        out->shift = p[2] < TCP_SHIFT_MAX ? p[2] : TCP_SHIFT_MAX;
        break;
    case TCP_OPTION_SACK_OK: out->options |= TCP_HAS_SACK_OK; break;
    case TCP_OPTION_SACK: return sack_take(p, len, out);
    case TCP_OPTION_TIMESTAMP:
        out->options |= TCP_HAS_TIMESTAMP;
        out->ts_value = be32_load(p + 2);
        out->ts_echo = be32_load(p + 6);
        break;
    default: break;
    }
    return true;
}

bool tcp_options_parse(const uint8_t *p, uint32_t len, struct tcp_segment *out)
{
    uint32_t at = 0;
    // What almost every segment of a session carries, and nothing else.
    if (LIKELY(len == TCP_TIMESTAMP_LEN && be32_load(p) == 0x0101080a))
        return option_take(p + 2, 10, out);
    while (at < len && p[at] != TCP_OPTION_END) {
        if (p[at] == TCP_OPTION_NOP) {
            at++;
            continue;
        }
        if (len - at < 2 || p[at + 1] < 2 || p[at + 1] > len - at)
            return false;
        if (!option_take(p + at, p[at + 1], out))
            return false;
        at += p[at + 1];
    }
    return true;
}

enum tcp_code tcp_parse(const struct frame_udp *ip, bool sums_good, struct tcp_segment *out)
{
    const uint8_t *p = ip->payload;
    if (UNLIKELY(ip->payload_len < TCP_HEADER_LEN))
        return TCP_TRUNCATED;
    uint32_t header_len = (uint32_t)(p[12] >> 4) * 4;
    if (UNLIKELY(header_len < TCP_HEADER_LEN))
        return TCP_BAD_HEADER;
    if (UNLIKELY(header_len > ip->payload_len))
        return TCP_TRUNCATED;
    if (!sums_good) {
        uint16_t len = (uint16_t)ip->payload_len;
        uint64_t sum = checksum_pseudo(ip->src_ip, ip->dst_ip, IP_PROTOCOL_TCP, len);
        if (UNLIKELY(checksum_fold(checksum_add(sum, p, len)) != 0xffff ||
                     !frame_ip_checksum_ok(ip)))
            return TCP_BAD_SUM;
    }
    out->src_ip = ip->src_ip;
    out->dst_ip = ip->dst_ip;
    out->src_port = be16_load(p);
    out->dst_port = be16_load(p + 2);
    out->seq = be32_load(p + 4);
    out->ack = be32_load(p + 8);
    out->flags = p[13];
    out->window = be16_load(p + 14);
    out->options = 0;
    out->sack_count = 0;
    out->payload = p + header_len;
    out->payload_len = ip->payload_len - header_len;
    if (header_len > TCP_HEADER_LEN &&
        UNLIKELY(!tcp_options_parse(p + TCP_HEADER_LEN, header_len - TCP_HEADER_LEN, out)))
        return TCP_BAD_HEADER;
    return TCP_SEGMENT;
}
