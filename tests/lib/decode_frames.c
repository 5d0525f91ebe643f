#include "tests/lib/decode.h"

#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/check.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/frame.h"
#include "dataplane/wire/igmp.h"
#include "dataplane/wire/mold64.h"
#include "dataplane/wire/soupbin.h"
#include "dataplane/wire/tcp.h"

static void address(uint32_t ip, const char *behind)
{
    printf("%u.%u.%u.%u%s", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255, behind);
}

static void mac(const uint8_t *p)
{
    printf("%02x:%02x:%02x:%02x:%02x:%02x|", p[0], p[1], p[2], p[3], p[4], p[5]);
}

static void mold_show(const struct frame_udp *f)
{
    struct mold64_header h;
    struct mold64_walk w;
    struct mold64_block b;
    if (!mold64_parse(f->payload, f->payload_len, &h))
        return;
    printf("%.10s|%" PRIu64 "|%u|", h.session, h.sequence, h.count);
    mold64_walk_begin(&w, f->payload, f->payload_len, &h);
    for (const char *comma = ""; mold64_next(&w, &b); comma = ",")
        printf("%s%u", comma, b.len);
}

static void udp_show(const struct frame_udp *f, uint16_t mold_port)
{
    printf("%u,%u|%u|%u|%d%d|", f->src_port, f->dst_port, f->payload_len, f->trailing,
           frame_ip_checksum_ok(f), frame_udp_checksum_ok(f));
    if (f->dst_port == mold_port)
        mold_show(f);
}

static void soup_show(const uint8_t *p, uint32_t len)
{
    struct soupbin_packet packet;
    struct soupbin_accepted accepted;
    for (uint32_t used; soupbin_next(p, len, &used, &packet) == SOUPBIN_PACKET;
         p += used, len -= used) {
        printf("%u,%c,", packet.len + 1, packet.type);
        if (soupbin_accepted_read(&packet, &accepted))
            printf("%s,%" PRIu64, accepted.session, accepted.sequence);
        putchar(' ');
    }
}

static void tcp_show(const struct frame_udp *f, uint16_t soup_port)
{
    struct tcp_segment s;
    enum tcp_code code = tcp_parse(f, false, &s);
    if (code == TCP_BAD_SUM) {
        printf("bad sum|");
        code = tcp_parse(f, true, &s);
    } else {
        printf("good sum|");
    }
    if (code != TCP_SEGMENT)
        return;
    printf("%u,%u|%u|%u|%u|%u|%u|", s.src_port, s.dst_port, s.seq, s.ack, s.window, s.flags,
           s.payload_len);
    if (s.src_port == soup_port || s.dst_port == soup_port)
        soup_show(s.payload, s.payload_len);
}

static void igmp_show(const struct frame_udp *f)
{
    struct igmp_query q;
    if (!igmp_query_parse(f->payload, f->payload_len, &q))
        return;
    printf("%u|", q.version);
    address(q.group, "|");
    printf("%u|", q.response_ds);
    for (uint32_t i = 0; i < q.sources; i++)
        address(be32_load(q.source_list + (size_t)4 * i), i + 1 < q.sources ? "," : "");
}

static void arp_show(const struct frame_udp *f)
{
    struct arp arp;
    if (!arp_parse(f->payload, f->payload_len, &arp))
        return;
    printf("%u|", arp.operation);
    mac(arp.sender_mac);
    address(arp.sender_ip, "|");
    mac(arp.target_mac);
    address(arp.target_ip, "|");
}

static void frame_show(const uint8_t *data, uint32_t len, uint16_t mold_port, uint16_t soup_port)
{
    static const char *const codes[] = {"udp",      "igmp",     "other",     "arp",
                                        "not ipv4", "fragment", "truncated", "bad"};
    struct frame_udp f = {0};
    enum frame_code code = frame_parse(data, len, &f);
    printf("%s|", codes[code]);
    if (code > FRAME_ARP)
        return;
    for (int i = 0; i < 2 && f.vlan[i] != FRAME_NO_VLAN; i++)
        printf("%s%u", i ? "," : "", f.vlan[i]);
    putchar('|');
    if (code == FRAME_ARP) {
        arp_show(&f);
        return;
    }
    address(f.src_ip, "|");
    address(f.dst_ip, "|");
    printf("%u|", f.protocol);
    if (code == FRAME_UDP)
        udp_show(&f, mold_port);
    else if (code == FRAME_IGMP)
        igmp_show(&f);
    else if (f.protocol == IP_PROTOCOL_TCP)
        tcp_show(&f, soup_port);
}

int frames_show(const char *path, uint16_t mold_port, uint16_t soup_port)
{
    char error[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *header;
    const u_char *data;
    pcap_t *capture = pcap_open_offline(path, error);
    if (capture == NULL) {
        fprintf(stderr, "decode: %s\n", error);
        return 1;
    }
    while (pcap_next_ex(capture, &header, &data) == 1) {
        frame_show(data, header->caplen, mold_port, soup_port);
        putchar('\n');
    }
    pcap_close(capture);
    return 0;
}

// --- the other way round ---

static const uint8_t our_mac[FRAME_MAC_LEN] = {2, 0, 0, 0, 0, 7};
static const uint8_t their_mac[FRAME_MAC_LEN] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

static void frame_keep(pcap_dumper_t *out, const uint8_t *bytes, uint32_t len)
{
    const struct pcap_pkthdr header = {.caplen = len, .len = len};
    pcap_dump((u_char *)out, &header, bytes);
    putchar('\n');
}

static void vlan_show(uint16_t vlan)
{
    if (vlan != FRAME_NO_VLAN)
        printf("%u", vlan);
    putchar('|');
}

static void arp_build(pcap_dumper_t *out, uint16_t vlan, uint16_t operation)
{
    uint8_t bytes[FRAME_LEN_MIN + FRAME_VLAN_LEN];
    struct arp arp = {
        .operation = operation, .sender_ip = 0x0a4d0002 + vlan, .target_ip = 0xc0a80901};
    memcpy(arp.sender_mac, our_mac, FRAME_MAC_LEN);
    if (operation == ARP_REPLY)
        memcpy(arp.target_mac, their_mac, FRAME_MAC_LEN);
    printf("arp|");
    vlan_show(vlan);
    mac(operation == ARP_REPLY ? their_mac : frame_mac_broadcast);
    printf("%u|", operation);
    mac(arp.sender_mac);
    address(arp.sender_ip, "|");
    mac(arp.target_mac);
    address(arp.target_ip, "|");
    frame_keep(out, bytes, arp_frame_build(bytes, vlan, &arp));
}

static void igmp_head(const struct igmp_host *host, uint32_t dst, uint8_t type)
{
    uint8_t dst_mac[FRAME_MAC_LEN];
    frame_mac_of_group(dst_mac, dst);
    printf("igmp|");
    vlan_show(host->vlan);
    mac(dst_mac);
    address(host->ip, "|");
    address(dst, "|");
    printf("%u|", type);
}

static void igmp_v2_build(pcap_dumper_t *out, const struct igmp_host *host, uint8_t type,
                          uint32_t group)
{
    uint8_t bytes[FRAME_LEN_MIN + FRAME_VLAN_LEN];
    igmp_head(host, type == IGMP_LEAVE_V2 ? IGMP_ALL_ROUTERS : group, type);
    printf("|");
    address(group, "|");
    frame_keep(out, bytes, igmp_v2_frame_build(bytes, host, type, group));
}

// A report of <count> records with as many sources each as its place says.
static void igmp_v3_build(pcap_dumper_t *out, const struct igmp_host *host, uint32_t count)
{
    enum { SOURCES = 5, RECORDS = 8 };
    uint8_t bytes[FRAME_ETH_LEN + FRAME_VLAN_LEN + 1500];
    struct igmp_record records[RECORDS];
    uint32_t sources[SOURCES], written;
    for (uint32_t i = 0; i < SOURCES; i++)
        sources[i] = 0x0a000001 + (i << 16);
    igmp_head(host, IGMP_ALL_ROUTERS_V3, IGMP_REPORT_V3);
    for (uint32_t i = 0; i < count; i++) {
        records[i] = (struct igmp_record){.type = (enum igmp_record_type)(1 + i % IGMP_BLOCK),
                                          .group = 0xe9360c6f + i,
                                          .sources = sources,
                                          .sources_len = (uint16_t)(i % (SOURCES + 1))};
        printf("%s%u", i ? "," : "", records[i].type);
    }
    putchar('|');
    for (uint32_t i = 0; i < count; i++)
        address(records[i].group, i + 1 < count ? "," : "|");
    const char *comma = "";
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < records[i].sources_len; k++, comma = ",") {
            fputs(comma, stdout);
            address(sources[k], "");
        }
    uint32_t len = igmp_v3_frame_build(bytes, sizeof bytes, host, records, count, &written);
    MUST(written == count);
    frame_keep(out, bytes, len);
}

static void udp_build(pcap_dumper_t *out, uint16_t vlan, uint32_t dst_ip, uint32_t len)
{
    uint8_t bytes[FRAME_ETH_LEN + FRAME_VLAN_LEN + 1500], payload[1400], dst_mac[FRAME_MAC_LEN];
    for (uint32_t i = 0; i < len; i++)
        payload[i] = (uint8_t)(i * 7 + vlan);
    frame_mac_of_group(dst_mac, dst_ip);
    const struct frame_udp_out udp = {.dst_mac = dst_mac,
                                      .src_mac = our_mac,
                                      .vlan = vlan,
                                      .src_ip = 0x0a4d0002,
                                      .dst_ip = dst_ip,
                                      .src_port = 40000,
                                      .dst_port = 18300};
    printf("udp|");
    vlan_show(vlan);
    mac(dst_mac);
    address(0x0a4d0002, "|");
    address(dst_ip, "|");
    printf("40000,18300|%u|", len);
    for (uint32_t i = 0; i < len; i++)
        printf("%02x", payload[i]);
    frame_keep(out, bytes, frame_udp_build(bytes, &udp, payload, (uint16_t)len));
}

int frames_build(const char *path)
{
    static const uint16_t vlans[] = {FRAME_NO_VLAN, 0, 141, 4094};
    pcap_t *kind = pcap_open_dead(DLT_EN10MB, 65535);
    pcap_dumper_t *out = pcap_dump_open(kind, path);
    if (out == NULL) {
        fprintf(stderr, "decode: %s\n", pcap_geterr(kind));
        return 1;
    }
    for (size_t i = 0; i < ARRAY_LEN(vlans); i++) {
        const struct igmp_host host = {.mac = our_mac, .ip = 0x0a4d0002, .vlan = vlans[i]};
        arp_build(out, vlans[i], ARP_REQUEST);
        arp_build(out, vlans[i], ARP_REPLY);
        igmp_v2_build(out, &host, IGMP_REPORT_V2, 0xe9360c6f + (uint32_t)i);
        igmp_v2_build(out, &host, IGMP_LEAVE_V2, 0xe9360c6f + (uint32_t)i);
        for (uint32_t count = 1; count <= 8; count++)
            igmp_v3_build(out, &host, count);
        for (uint32_t len = 0; len <= 1400; len += len < 40 ? 1 : 97)
            udp_build(out, vlans[i], 0xefc00001 + len, len);
    }
    pcap_dump_close(out);
    pcap_close(kind);
    return 0;
}
