// Headers of frames that are sent off the hot path: ARP, IGMP, re-requests. Each writer fills its
// header in place and returns its length, so that a frame is built front to back; IP and UDP go
// last over a payload that is already there.
#pragma once

#include <stdint.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/frame.h"

enum {
    FRAME_LEN_MIN = 60, // without FCS
    FRAME_IP_ROUTER_ALERT_LEN = 24,
    IP_TTL_LINK = 1, // never forwarded
    IP_TTL_DEFAULT = 64,
};

static const uint8_t frame_mac_broadcast[FRAME_MAC_LEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

// The group's MAC (RFC 1112, section 6.4): 23 of its 28 bits, so 32 groups share one address.
static inline void frame_mac_of_group(uint8_t *mac, uint32_t group)
{
    mac[0] = 0x01;
    mac[1] = 0x00;
    mac[2] = 0x5e;
    mac[3] = group >> 16 & 0x7f;
    be16_store(mac + 4, (uint16_t)group);
}

// FRAME_ETH_LEN bytes, and one tag more unless <vlan> is FRAME_NO_VLAN.
static inline uint32_t frame_eth_write(uint8_t *p, const uint8_t *dst_mac, const uint8_t *src_mac,
                                       uint16_t vlan, uint16_t ethertype)
{
    uint32_t at = 2 * FRAME_MAC_LEN;
    memcpy(p, dst_mac, FRAME_MAC_LEN);
    memcpy(p + FRAME_MAC_LEN, src_mac, FRAME_MAC_LEN);
    if (vlan != FRAME_NO_VLAN) {
        be16_store(p + at, ETHERTYPE_VLAN);
        be16_store(p + at + 2, vlan & 0xfff);
        at += FRAME_VLAN_LEN;
    }
    be16_store(p + at, ethertype);
    return at + 2;
}

struct frame_ip_out {
    uint32_t src_ip;
    uint32_t dst_ip;
    uint8_t protocol;
    uint8_t ttl;
    uint8_t tos;
    bool router_alert; // RFC 2113: a router looks at the packet though it is not addressed to it
};

static inline uint32_t frame_ip_len(const struct frame_ip_out *ip)
{
    return ip->router_alert ? FRAME_IP_ROUTER_ALERT_LEN : FRAME_IP_LEN;
}

// frame_ip_len bytes, checksum included. Do-not-fragment is set, so the identification may stay 0
// (RFC 6864).
static inline uint32_t frame_ip_write(uint8_t *p, const struct frame_ip_out *ip,
                                      uint16_t payload_len)
{
    uint32_t len = frame_ip_len(ip);
    memset(p, 0, len);
    p[0] = (uint8_t)(0x40 | len / 4);
    p[1] = ip->tos;
    be16_store(p + 2, (uint16_t)(len + payload_len));
    be16_store(p + 6, 0x4000);
    p[8] = ip->ttl;
    p[9] = ip->protocol;
    be32_store(p + 12, ip->src_ip);
    be32_store(p + 16, ip->dst_ip);
    if (ip->router_alert)
        be32_store(p + 20, 0x94040000);
    checksum_store(p + 10, checksum_finish(checksum_add(0, p, len)));
    return len;
}

// The UDP header for a payload of <payload_len> bytes that already stands behind it. A sum of zero
// is sent as 0xffff: zero would say that there is no checksum.
static inline uint32_t frame_udp_write(uint8_t *p, const struct frame_ip_out *ip, uint16_t src_port,
                                       uint16_t dst_port, uint16_t payload_len)
{
    uint16_t len = (uint16_t)(FRAME_UDP_LEN + payload_len);
    be16_store(p, src_port);
    be16_store(p + 2, dst_port);
    be16_store(p + 4, len);
    be16_store(p + 6, 0);
    uint64_t sum = checksum_pseudo(ip->src_ip, ip->dst_ip, IP_PROTOCOL_UDP, len);
    uint16_t checksum = checksum_finish(checksum_add(sum, p, len));
    checksum_store(p + 6, checksum ? checksum : 0xffff);
    return FRAME_UDP_LEN;
}

// Pads a frame of <len> bytes with zeros to the least length of Ethernet and returns the new
// length; for drivers that do not pad.
static inline uint32_t frame_pad(uint8_t *p, uint32_t len)
{
    if (len >= FRAME_LEN_MIN)
        return len;
    memset(p + len, 0, FRAME_LEN_MIN - len);
    return FRAME_LEN_MIN;
}

// --- a whole UDP frame ---

struct frame_udp_out {
    const uint8_t *dst_mac;
    const uint8_t *src_mac;
    uint16_t vlan; // FRAME_NO_VLAN: untagged
    uint16_t src_port;
    uint16_t dst_port;
    uint32_t src_ip;
    uint32_t dst_ip;
};

// Writes the frame to <p>, which has at least payload_len + 46 bytes and FRAME_LEN_MIN, and returns
// its length. The payload fits one frame: the caller checks against the MTU of the port.
static inline uint32_t frame_udp_build(uint8_t *p, const struct frame_udp_out *out,
                                       const void *payload, uint16_t payload_len)
{
    struct frame_ip_out ip = {
        .src_ip = out->src_ip,
        .dst_ip = out->dst_ip,
        .protocol = IP_PROTOCOL_UDP,
        .ttl = IP_TTL_DEFAULT,
    };
    uint32_t at = frame_eth_write(p, out->dst_mac, out->src_mac, out->vlan, ETHERTYPE_IPV4);
    at += frame_ip_write(p + at, &ip, (uint16_t)(FRAME_UDP_LEN + payload_len));
    memcpy(p + at + FRAME_UDP_LEN, payload, payload_len);
    at += frame_udp_write(p + at, &ip, out->src_port, out->dst_port, payload_len);
    return frame_pad(p, at + payload_len);
}
