// What our codecs make of a capture, a file or one message, in lines that another decoder's can be
// compared with.
//
//   decode frames FILE MOLD SOUP  one line a frame: code|vlans| and
//       udp   source|destination|protocol|ports|payload length|trailing|sums| and, where the
//             destination port is MOLD, session|sequence|count|lengths of blocks
//       other (TCP) source|destination|protocol|sum|ports|seq|ack|window|flags|payload length| and,
//             where a port is SOUP, length,type,[session,sequence] of each SoupBinTCP packet
//       igmp  source|destination|protocol| and of a query version|group|response time|sources
//       arp   operation|MAC|address|MAC|address
//   decode build FILE             writes a capture of frames we build; a line for each says what
//                                 was put in
//   decode messages FILE          every message of a BinaryFILE or capture, one line each
//   decode itch50|deep10 HEX      one message
//
// A message is letter|field|field|..., in wire order, without blanks behind texts; ? is a message
// that is not of the protocol.
#include "tests/lib/decode.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/book/input.h"
#include "dataplane/wire/deep10.h"
#include "dataplane/wire/iextp.h"
#include "dataplane/wire/itch50.h"
#include "dataplane/wire/mold64.h"
#include "tests/lib/hex.h"

static void text_show(const char *text, int len)
{
    while (len > 0 && text[len - 1] == ' ')
        len--;
    printf("|%.*s", len, text);
}

#define SHOW_u8(v)     printf("|%u", (unsigned)(v));
#define SHOW_u16(v)    printf("|%u", (unsigned)(v));
#define SHOW_u32(v)    printf("|%" PRIu32, v);
#define SHOW_u48(v)    printf("|%" PRIu64, v);
#define SHOW_u64(v)    printf("|%" PRIu64, v);
#define SHOW_i64(v)    printf("|%" PRId64, v);
#define SHOW_chr(v)    text_show(&(v), 1);
#define SHOW_alpha2(v) text_show(v, 2);
#define SHOW_alpha4(v) text_show(v, 4);
#define SHOW_alpha8(v) text_show(v, 8);

static bool itch50_show(const uint8_t *p, uint32_t len)
{
    if (len == 0 || itch50_length(p[0]) != len)
        return false;
    switch (p[0]) {
#define ITCH50_MESSAGE(letter, upper, lower, length, title) \
    case letter: {                                          \
        struct itch50_##lower m;                            \
        itch50_##lower##_read(p, &m);                       \
        printf("%c|%u|%u|%" PRIu64, p[0], m.locate, m.tracking, m.timestamp_ns);
#define ITCH50_FIELD(lower, kind, field, offset) SHOW_##kind(m.field)
#define ITCH50_END(lower) \
    break;                \
    }
#include "dataplane/wire/itch50.def"
    }
    return true;
}

static bool deep10_show(const uint8_t *p, uint32_t len)
{
    if (len == 0 || deep10_length(p[0]) == 0 || deep10_length(p[0]) > len)
        return false;
    printf("%c", p[0]);
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
    return true;
}

static void line_show(bool (*show)(const uint8_t *p, uint32_t len), const uint8_t *p, uint32_t len)
{
    puts(show(p, len) ? "" : "?");
}

static void datagram_show(const struct input_datagram *d)
{
    struct iextp_header iex;
    struct mold64_header mold;
    if (iextp_parse(d->payload, d->len, &iex) && iex.protocol == IEXTP_DEEP10) {
        struct iextp_walk walk;
        struct iextp_block block;
        iextp_walk_begin(&walk, d->payload, &iex);
        while (iextp_next(&walk, &block))
            line_show(deep10_show, block.data, block.len);
    } else if (mold64_parse(d->payload, d->len, &mold)) {
        struct mold64_walk walk;
        struct mold64_block block;
        mold64_walk_begin(&walk, d->payload, d->len, &mold);
        while (mold64_next(&walk, &block))
            line_show(itch50_show, block.data, block.len);
    }
}

static int messages_show(const char *path)
{
    struct input in;
    struct error err = {0};
    if (!input_load(&in, path, &err)) {
        fprintf(stderr, "decode: %s\n", err.text);
        return 1;
    }
    for (uint64_t i = 0; i < in.datagram_count; i++)
        datagram_show(&in.datagrams[i]);
    for (uint64_t i = 0; i < in.slice_count; i++) {
        const struct input_slice *s = &in.slices[i];
        struct mold64_walk walk = {.next = s->blocks, .end = s->blocks + s->len, .left = s->count};
        struct mold64_block block;
        while (mold64_next(&walk, &block))
            line_show(itch50_show, block.data, block.len);
    }
    input_free(&in);
    return 0;
}

static int message_show(bool (*show)(const uint8_t *p, uint32_t len), const char *hex)
{
    uint8_t bytes[256] = {0};
    line_show(show, bytes, hex_bytes(hex, bytes, sizeof bytes));
    return 0;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (argc == 5 && strcmp(verb, "frames") == 0)
        return frames_show(argv[2], (uint16_t)atoi(argv[3]), (uint16_t)atoi(argv[4]));
    if (argc == 3 && strcmp(verb, "build") == 0)
        return frames_build(argv[2]);
    if (argc == 3 && strcmp(verb, "messages") == 0)
        return messages_show(argv[2]);
    if (argc == 3 && strcmp(verb, "itch50") == 0)
        return message_show(itch50_show, argv[2]);
    if (argc == 3 && strcmp(verb, "deep10") == 0)
        return message_show(deep10_show, argv[2]);
    fprintf(stderr,
            "usage: decode frames FILE MOLD SOUP | decode build FILE | decode messages FILE | "
            "decode itch50|deep10 HEX\n");
    return 2;
}
