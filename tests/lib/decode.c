// What our codecs make of a capture or of one message, in lines that another decoder's can be
// compared with.
//
//   decode frames FILE PORT    one line a frame: code|vlans|source|destination|protocol|ports|
//                          payload length|trailing|sums, and where the UDP port is PORT
//                          (MoldUDP64) session|sequence|count|lengths of blocks
//   decode itch50|deep10 HEX     one line a field, in wire order, without blanks behind texts
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/wire/deep10.h"
#include "dataplane/wire/frame.h"
#include "dataplane/wire/itch50.h"
#include "dataplane/wire/mold64.h"
#include "tests/lib/hex.h"

static void address(uint32_t ip)
{
    printf("%u.%u.%u.%u|", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
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

static void frame_show(const uint8_t *data, uint32_t len, uint16_t mold_port)
{
    static const char *const codes[] = {"udp",      "igmp",     "other",     "arp",
                                        "not ipv4", "fragment", "truncated", "bad"};
    struct frame_udp f = {0};
    enum frame_code code = frame_parse(data, len, &f);
    printf("%s|", codes[code]);
    if (code > FRAME_NOT_UDP) {
        putchar('\n');
        return;
    }
    for (int i = 0; i < 2 && f.vlan[i] != FRAME_NO_VLAN; i++)
        printf("%s%u", i ? "," : "", f.vlan[i]);
    putchar('|');
    address(f.src_ip);
    address(f.dst_ip);
    printf("%u|", f.protocol);
    if (code == FRAME_UDP) {
        printf("%u,%u|%u|%u|%d%d|", f.src_port, f.dst_port, f.payload_len, f.trailing,
               frame_ip_checksum_ok(&f), frame_udp_checksum_ok(&f));
        if (f.dst_port == mold_port)
            mold_show(&f);
    }
    putchar('\n');
}

static int frames_show(const char *path, uint16_t mold_port)
{
    char error[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *header;
    const u_char *data;
    pcap_t *capture = pcap_open_offline(path, error);
    if (capture == NULL) {
        fprintf(stderr, "decode: %s\n", error);
        return 1;
    }
    while (pcap_next_ex(capture, &header, &data) == 1)
        frame_show(data, header->caplen, mold_port);
    pcap_close(capture);
    return 0;
}

static void text_show(const char *text, int len)
{
    while (len > 0 && text[len - 1] == ' ')
        len--;
    printf("%.*s\n", len, text);
}

#define SHOW_u8(v)     printf("%u\n", (unsigned)(v));
#define SHOW_u16(v)    printf("%u\n", (unsigned)(v));
#define SHOW_u32(v)    printf("%" PRIu32 "\n", v);
#define SHOW_u48(v)    printf("%" PRIu64 "\n", v);
#define SHOW_u64(v)    printf("%" PRIu64 "\n", v);
#define SHOW_i64(v)    printf("%" PRId64 "\n", v);
#define SHOW_chr(v)    text_show(&(v), 1);
#define SHOW_alpha2(v) text_show(v, 2);
#define SHOW_alpha4(v) text_show(v, 4);
#define SHOW_alpha8(v) text_show(v, 8);

static int itch50_show(const uint8_t *p, uint32_t len)
{
    if (len == 0 || itch50_length(p[0]) != len)
        return 1;
    switch (p[0]) {
#define ITCH50_MESSAGE(letter, upper, lower, length, title) \
    case letter: {                                          \
        struct itch50_##lower m;                            \
        itch50_##lower##_read(p, &m);                       \
        printf("%c\n%u\n%u\n%" PRIu64 "\n", p[0], m.locate, m.tracking, m.timestamp_ns);
#define ITCH50_FIELD(lower, kind, field, offset) SHOW_##kind(m.field)
#define ITCH50_END(lower) \
    break;                \
    }
#include "dataplane/wire/itch50.def"
    }
    return 0;
}

static int deep10_show(const uint8_t *p, uint32_t len)
{
    if (len == 0 || deep10_length(p[0]) == 0 || deep10_length(p[0]) > len)
        return 1;
    printf("%c\n", p[0]);
    switch (p[0]) {
#define DEEP10_MESSAGE(letter, upper, lower, length, title) \
    case letter: {                                          \
        struct deep10_##lower m;                            \
        deep10_##lower##_read(p, &m);
#define DEEP10_FIELD(lower, kind, field, offset) SHOW_##kind(m.field)
#define DEEP10_END(lower) \
    break;                \
    }
#include "dataplane/wire/deep10.def"
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint8_t bytes[256] = {0};
    if (argc == 4 && strcmp(argv[1], "frames") == 0)
        return frames_show(argv[2], (uint16_t)atoi(argv[3]));
    if (argc == 3 && strcmp(argv[1], "itch50") == 0)
        return itch50_show(bytes, hex_bytes(argv[2], bytes, sizeof bytes));
    if (argc == 3 && strcmp(argv[1], "deep10") == 0)
        return deep10_show(bytes, hex_bytes(argv[2], bytes, sizeof bytes));
    fprintf(stderr, "usage: decode frames FILE PORT | decode itch50|deep10 HEX\n");
    return 2;
}
