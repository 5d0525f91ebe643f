#include "dataplane/wire/igmp.h"

uint32_t igmp_v3_write(uint8_t *p, uint32_t max, const struct igmp_record *records,
                       uint32_t records_len, uint32_t *written)
{
    uint32_t at = IGMP_LEN;
    uint32_t n = 0;
    *written = 0;
    if (max < IGMP_LEN)
        return 0;
    for (; n < records_len && n < UINT16_MAX; n++) {
        const struct igmp_record *r = &records[n];
        if (IGMP_RECORD_LEN + 4u * r->sources_len > max - at)
            break;
        p[at] = (uint8_t)r->type;
        p[at + 1] = 0; // no auxiliary data
        be16_store(p + at + 2, r->sources_len);
        be32_store(p + at + 4, r->group);
        at += IGMP_RECORD_LEN;
        for (uint32_t i = 0; i < r->sources_len; i++, at += 4)
            be32_store(p + at, r->sources[i]);
    }
    if (n == 0)
        return 0;
    memset(p, 0, IGMP_LEN);
    p[0] = IGMP_REPORT_V3;
    be16_store(p + 6, (uint16_t)n);
    checksum_store(p + 2, checksum_finish(checksum_add(0, p, at)));
    *written = n;
    return at;
}

// Ethernet and IP around an IGMP message. Time to live 1, router alert and the precedence of
// network control as RFC 3376, section 4, wants them; version 2 asks for the first two.
static uint32_t headers_write(uint8_t *p, const struct igmp_host *host, uint32_t dst_ip,
                              uint16_t message_len)
{
    struct frame_ip_out ip = {
        .src_ip = host->ip,
        .dst_ip = dst_ip,
        .protocol = IP_PROTOCOL_IGMP,
        .ttl = IP_TTL_LINK,
        .tos = 0xc0,
        .router_alert = true,
    };
    uint8_t dst_mac[FRAME_MAC_LEN];
    frame_mac_of_group(dst_mac, dst_ip);
    uint32_t at = frame_eth_write(p, dst_mac, host->mac, host->vlan, ETHERTYPE_IPV4);
    return at + frame_ip_write(p + at, &ip, message_len);
}

uint32_t igmp_v2_frame_build(uint8_t *p, const struct igmp_host *host, uint8_t type, uint32_t group)
{
    uint32_t dst_ip = type == IGMP_LEAVE_V2 ? IGMP_ALL_ROUTERS : group;
    uint32_t at = headers_write(p, host, dst_ip, IGMP_LEN);
    at += igmp_v2_write(p + at, type, group);
    return frame_pad(p, at);
}

uint32_t igmp_v3_frame_build(uint8_t *p, uint32_t max, const struct igmp_host *host,
                             const struct igmp_record *records, uint32_t records_len,
                             uint32_t *written)
{
    uint32_t eth_len = FRAME_ETH_LEN + (host->vlan == FRAME_NO_VLAN ? 0 : FRAME_VLAN_LEN);
    uint32_t head_len = eth_len + FRAME_IP_ROUTER_ALERT_LEN;
    *written = 0;
    if (max < FRAME_LEN_MIN || max < head_len)
        return 0;
    uint32_t room = max - head_len < IGMP_REPORT_LEN_MAX ? max - head_len : IGMP_REPORT_LEN_MAX;
    uint32_t len = igmp_v3_write(p + head_len, room, records, records_len, written);
    if (len == 0)
        return 0;
    headers_write(p, host, IGMP_ALL_ROUTERS_V3, (uint16_t)len);
    return frame_pad(p, head_len + len);
}
