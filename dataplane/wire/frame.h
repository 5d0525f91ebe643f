// Ethernet II, up to two VLAN tags, IPv4, UDP. Lengths come from the IP and UDP headers, never from
// the frame: captures and switches append bytes, and short frames are padded.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/hints.h"
#include "dataplane/wire/checksum.h"

enum {
    FRAME_MAC_LEN = 6,
    FRAME_ETH_LEN = 14,
    FRAME_VLAN_LEN = 4,
    FRAME_IP_LEN = 20, // without options
    FRAME_UDP_LEN = 8,
    FRAME_NO_VLAN = 0xffff,

    ETHERTYPE_IPV4 = 0x0800,
    ETHERTYPE_ARP = 0x0806,
    ETHERTYPE_VLAN = 0x8100,
    ETHERTYPE_QINQ = 0x88a8,

    IP_PROTOCOL_IGMP = 2,
    IP_PROTOCOL_TCP = 6,
    IP_PROTOCOL_UDP = 17,
};

// What a frame is. Each code says which fields of struct frame_udp are set.
enum frame_code {
    FRAME_UDP,        // everything
    FRAME_IGMP,       // all but ports; payload is the IGMP message
    FRAME_NOT_UDP,    // all but ports; payload is what protocol says (TCP, ICMP, ...)
    FRAME_ARP,        // payload is the ARP packet and whatever follows it in the frame
    FRAME_NOT_IPV4,   // ethertype only (IPv6, LLDP, a third tag, an 802.3 length, ...)
    FRAME_FRAGMENT,   // an IP fragment: addresses and protocol, no payload
    FRAME_TRUNCATED,  // the frame ends inside a header, or before the IP total length
    FRAME_BAD_HEADER, // a header contradicts itself: version, header length, UDP length
};

struct frame_udp {
    const uint8_t *dst_mac; // FRAME_MAC_LEN bytes; the source MAC follows
    const uint8_t *ip;      // IP header
    const uint8_t *payload;
    uint32_t payload_len;
    uint32_t trailing; // bytes of the frame behind the payload: Ethernet padding, trailers
    uint32_t src_ip;   // host order
    uint32_t dst_ip;
    uint16_t src_port;
    uint16_t dst_port;
    uint16_t ethertype;
    uint16_t vlan[2]; // ids, outermost first; FRAME_NO_VLAN where there is no tag
    uint8_t protocol;
};

static inline bool frame_ethertype_is_tag(uint16_t ethertype)
{
    return ethertype == ETHERTYPE_VLAN || ethertype == ETHERTYPE_QINQ;
}

// Layer 4 of a whole, unfragmented IP datagram whose payload is set.
HOT_INLINE enum frame_code frame_parse_transport(struct frame_udp *out)
{
    if (UNLIKELY(out->protocol != IP_PROTOCOL_UDP))
        return out->protocol == IP_PROTOCOL_IGMP ? FRAME_IGMP : FRAME_NOT_UDP;
    const uint8_t *udp = out->payload;
    if (UNLIKELY(out->payload_len < FRAME_UDP_LEN))
        return FRAME_BAD_HEADER;
    uint32_t udp_len = be16_load(udp + 4);
    if (UNLIKELY(udp_len < FRAME_UDP_LEN || udp_len > out->payload_len))
        return FRAME_BAD_HEADER;
    out->src_port = be16_load(udp);
    out->dst_port = be16_load(udp + 2);
    out->trailing += out->payload_len - udp_len;
    out->payload = udp + FRAME_UDP_LEN;
    out->payload_len = udp_len - FRAME_UDP_LEN;
    return FRAME_UDP;
}

// IPv4 from <ip>, with <room> bytes of the frame left.
HOT_INLINE enum frame_code frame_parse_ip(const uint8_t *ip, uint32_t room, struct frame_udp *out)
{
    if (UNLIKELY(room < FRAME_IP_LEN))
        return FRAME_TRUNCATED;
    uint32_t head_len = (ip[0] & 15u) * 4;
    uint32_t total_len = be16_load(ip + 2);
    if (UNLIKELY(ip[0] >> 4 != 4 || head_len < FRAME_IP_LEN || total_len < head_len))
        return FRAME_BAD_HEADER;
    if (UNLIKELY(total_len > room))
        return FRAME_TRUNCATED;
    out->ip = ip;
    out->src_ip = be32_load(ip + 12);
    out->dst_ip = be32_load(ip + 16);
    out->protocol = ip[9];
    // More-fragments flag or an offset: ports and lengths of the whole datagram are not here.
    if (UNLIKELY(be16_load(ip + 6) & 0x3fff))
        return FRAME_FRAGMENT;
    out->payload = ip + head_len;
    out->payload_len = total_len - head_len;
    out->trailing = room - total_len;
    return frame_parse_transport(out);
}

// <data>, <len>: from the destination MAC on, without FCS. <out> points into the frame.
HOT_INLINE enum frame_code frame_parse(const uint8_t *data, uint32_t len, struct frame_udp *out)
{
    if (UNLIKELY(len < FRAME_ETH_LEN))
        return FRAME_TRUNCATED;
    uint32_t at = FRAME_ETH_LEN;
    uint16_t ethertype = be16_load(data + 12);
    out->dst_mac = data;
    out->vlan[0] = FRAME_NO_VLAN;
    out->vlan[1] = FRAME_NO_VLAN;
    for (uint32_t tag = 0; tag < 2 && frame_ethertype_is_tag(ethertype); tag++) {
        if (UNLIKELY(len < at + FRAME_VLAN_LEN))
            return FRAME_TRUNCATED;
        out->vlan[tag] = be16_load(data + at) & 0xfff;
        ethertype = be16_load(data + at + 2);
        at += FRAME_VLAN_LEN;
    }
    out->ethertype = ethertype;
    if (LIKELY(ethertype == ETHERTYPE_IPV4))
        return frame_parse_ip(data + at, len - at, out);
    if (ethertype != ETHERTYPE_ARP)
        return FRAME_NOT_IPV4;
    out->payload = data + at;
    out->payload_len = len - at;
    out->trailing = 0;
    return FRAME_ARP;
}

// --- checksums, for drivers that do not check them ---

// After any code that sets ip.
static inline bool frame_ip_checksum_ok(const struct frame_udp *f)
{
    return checksum_ok(f->ip, (f->ip[0] & 15u) * 4);
}

// After FRAME_UDP. A checksum field of zero means that the sender made none, which is legal over
// IPv4.
static inline bool frame_udp_checksum_ok(const struct frame_udp *f)
{
    const uint8_t *udp = f->payload - FRAME_UDP_LEN;
    if (be16_load(udp + 6) == 0)
        return true;
    uint16_t len = (uint16_t)(f->payload_len + FRAME_UDP_LEN);
    uint64_t sum = checksum_pseudo(f->src_ip, f->dst_ip, IP_PROTOCOL_UDP, len);
    return checksum_fold(checksum_add(sum, udp, len)) == 0xffff;
}
