// Answers to segments that belong to nobody.
#include <string.h>

#include "dataplane/tcp/tcp.h"
#include "dataplane/wire/frame_build.h"

// Ethernet header with its tags, addresses exchanged. <frame> has been parsed.
static uint32_t eth_answer(const uint8_t *frame, uint8_t *out)
{
    uint32_t len = FRAME_ETH_LEN;
    for (uint32_t tag = 0; tag < 2 && frame_ethertype_is_tag(be16_load(frame + len - 2)); tag++)
        len += FRAME_VLAN_LEN;
    memcpy(out, frame, len);
    memcpy(out, frame + FRAME_MAC_LEN, FRAME_MAC_LEN);
    memcpy(out + FRAME_MAC_LEN, frame, FRAME_MAC_LEN);
    return len;
}

uint32_t tcp_refuse(const struct tcp_segment *s, const uint8_t *frame, void *out)
{
    // Nothing answers a reset, and nobody is answered for a group.
    if (s->flags & TCP_RST || frame[0] & 1)
        return 0;
    uint8_t *p = out;
    bool acks = (s->flags & TCP_ACK) != 0;
    struct frame_ip_out ip = {
        .src_ip = s->dst_ip,
        .dst_ip = s->src_ip,
        .protocol = IP_PROTOCOL_TCP,
        .ttl = IP_TTL_DEFAULT,
    };
    struct tcp_segment answer = {
        .src_port = s->dst_port,
        .dst_port = s->src_port,
        .seq = acks ? s->ack : 0,
        .ack = acks ? 0 : s->seq + tcp_segment_len(s),
        .flags = acks ? TCP_RST : TCP_RST | TCP_ACK,
    };
    uint32_t at = eth_answer(frame, p);
    at += frame_ip_write(p + at, &ip, TCP_HEADER_LEN);
    tcp_header_write(p + at, &answer, 0);
    tcp_checksum_write(p + at, ip.src_ip, ip.dst_ip, TCP_HEADER_LEN);
    return frame_pad(p, at + TCP_HEADER_LEN);
}
