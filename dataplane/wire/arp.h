// ARP for IPv4 over Ethernet (RFC 826).
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/wire/frame_build.h"

enum {
    ARP_LEN = 28,
    ARP_REQUEST = 1,
    ARP_REPLY = 2,
};

struct arp {
    uint16_t operation; // ARP_REQUEST, ARP_REPLY; others are to be ignored
    uint8_t sender_mac[FRAME_MAC_LEN];
    uint32_t sender_ip; // host order; 0 in a probe (RFC 5227)
    uint8_t target_mac[FRAME_MAC_LEN];
    uint32_t target_ip;
};

// <p>, <len>: the payload of a FRAME_ARP frame. False when it is cut or about other kinds of
// address.
static inline bool arp_parse(const uint8_t *p, uint32_t len, struct arp *out)
{
    if (len < ARP_LEN)
        return false;
    // Hardware type Ethernet, protocol IPv4, address lengths 6 and 4.
    if (be32_load(p) != 0x00010800 || be16_load(p + 4) != 0x0604)
        return false;
    out->operation = be16_load(p + 6);
    memcpy(out->sender_mac, p + 8, FRAME_MAC_LEN);
    out->sender_ip = be32_load(p + 14);
    memcpy(out->target_mac, p + 18, FRAME_MAC_LEN);
    out->target_ip = be32_load(p + 24);
    return true;
}

// ARP_LEN bytes.
static inline uint32_t arp_write(uint8_t *p, const struct arp *arp)
{
    be32_store(p, 0x00010800);
    be16_store(p + 4, 0x0604);
    be16_store(p + 6, arp->operation);
    memcpy(p + 8, arp->sender_mac, FRAME_MAC_LEN);
    be32_store(p + 14, arp->sender_ip);
    memcpy(p + 18, arp->target_mac, FRAME_MAC_LEN);
    be32_store(p + 24, arp->target_ip);
    return ARP_LEN;
}

// A frame of FRAME_LEN_MIN bytes (4 more with a tag at most). Requests go to everybody, replies to
// their target.
static inline uint32_t arp_frame_build(uint8_t *p, uint16_t vlan, const struct arp *arp)
{
    const uint8_t *dst = arp->operation == ARP_REQUEST ? frame_mac_broadcast : arp->target_mac;
    uint32_t at = frame_eth_write(p, dst, arp->sender_mac, vlan, ETHERTYPE_ARP);
    at += arp_write(p + at, arp);
    return frame_pad(p, at);
}
