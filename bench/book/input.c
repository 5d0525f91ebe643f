#include "bench/book/input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "bench/book/unpack.h"
#include "dataplane/base/bytes.h"
#include "dataplane/wire/frame.h"
#include "dataplane/wire/itch50.h"

// Room for one more element behind <count>: doubled at each power of two.
static bool grow(void **array, uint64_t count, size_t size)
{
    if (count & (count - 1))
        return true;
    void *grown = realloc(*array, (count ? 2 * count : 1) * size);
    if (grown)
        *array = grown;
    return grown != NULL;
}

static bool looks_like_capture(const struct input *in)
{
    static const uint32_t magics[] = {0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0x0a0d0d0a};
    if (in->len < 24)
        return false;
    for (uint32_t i = 0; i < ARRAY_LEN(magics); i++)
        if (le32_load(in->bytes) == magics[i])
            return true;
    return false;
}

enum { SLICE_MESSAGES = 4096 };

static bool scan_binaryfile(struct input *in, const char *path, struct error *err)
{
    if (in->len < 3 || itch50_length(in->bytes[2]) == 0 ||
        be16_load(in->bytes) != itch50_length(in->bytes[2]))
        return error_set(err, EXIT_FAILED,
                         "%s: neither a capture (pcap, pcapng) nor a BinaryFILE of ITCH 5.0 (first "
                         "message: length %u, "
                         "type 0x%02x); unpack archives other than gz first",
                         path, be16_load(in->bytes), in->bytes[2]);
    for (;;) {
        struct input_slice slice = {.blocks = in->bytes + in->whole};
        while (slice.count < SLICE_MESSAGES && in->whole + 2 <= in->len) {
            uint64_t end = in->whole + 2 + be16_load(in->bytes + in->whole);
            if (end > in->len)
                break;
            in->whole = end;
            slice.count++;
        }
        if (slice.count == 0)
            break;
        slice.len = (uint32_t)(in->bytes + in->whole - slice.blocks);
        if (!grow((void **)&in->slices, in->slice_count, sizeof slice))
            return error_set(err, EXIT_FAILED, "%s: does not fit in memory", path);
        in->slices[in->slice_count++] = slice;
    }
    return in->slice_count > 0 ||
           error_set(err, EXIT_FAILED,
                     "%s: neither a capture (pcap, pcapng) nor a BinaryFILE of ITCH 5.0: %lu bytes "
                     "and no whole message; is it the beginning of a file?",
                     path, in->len);
}

static bool datagram_add(struct input *in, const struct pcap_pkthdr *head, const uint8_t *data)
{
    struct frame_udp udp;
    if (frame_parse(data, head->caplen, &udp) != FRAME_UDP) {
        in->other_frames++;
        return true;
    }
    if (in->frames == NULL ||
        !grow((void **)&in->datagrams, in->datagram_count, sizeof in->datagrams[0]))
        return false;
    uint8_t *copy = in->frames + in->whole; // <whole> counts the bytes copied
    memcpy(copy, udp.payload, udp.payload_len);
    in->whole += udp.payload_len;
    in->datagrams[in->datagram_count++] = (struct input_datagram){
        .payload = copy,
        .len = udp.payload_len,
        .dst_ip = udp.dst_ip,
        .dst_port = udp.dst_port,
        .time_ns = (uint64_t)head->ts.tv_sec * 1000000000ull + (uint64_t)head->ts.tv_usec,
    };
    return true;
}

static bool read_capture(struct input *in, const char *path, struct error *err)
{
    char why[PCAP_ERRBUF_SIZE];
    FILE *file = fmemopen(in->bytes, in->len, "rb");
    pcap_t *capture =
        file ? pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why)
             : NULL;
    if (capture == NULL) {
        if (file)
            fclose(file);
        return error_set(err, EXIT_FAILED, "%s: %s", path, file ? why : strerror(errno));
    }
    in->frames = malloc(in->len);
    bool ok = in->frames != NULL;
    if (ok && pcap_datalink(capture) != DLT_EN10MB)
        ok = error_set(err, EXIT_FAILED, "%s: link type %s; only Ethernet captures are read", path,
                       pcap_datalink_val_to_name(pcap_datalink(capture)));
    struct pcap_pkthdr *head;
    const uint8_t *data;
    int got = 1;
    while (ok && (got = pcap_next_ex(capture, &head, &data)) == 1)
        ok = datagram_add(in, head, data);
    if (ok && got == PCAP_ERROR && !in->why[0])
        snprintf(in->why, sizeof in->why, "%s", pcap_geterr(capture));
    pcap_close(capture);
    return ok || error_set(err, EXIT_FAILED, "%s: does not fit in memory", path);
}

bool input_load(struct input *in, const char *path, struct error *err)
{
    memset(in, 0, sizeof *in);
    struct unpacked file;
    const bool ok = unpack_file(&file, path, err);
    in->bytes = file.bytes;
    in->len = file.len;
    if (!ok)
        return false;
    in->damaged = file.damaged;
    memcpy(in->why, file.why, sizeof file.why);
    if (in->len == 0)
        return error_set(err, EXIT_FAILED, "%s: empty%s%s", path, in->why[0] ? ": " : "", in->why);
    in->kind = looks_like_capture(in) ? INPUT_CAPTURE : INPUT_BINARYFILE;
    return in->kind == INPUT_CAPTURE ? read_capture(in, path, err) : scan_binaryfile(in, path, err);
}

void input_free(struct input *in)
{
    free(in->bytes);
    free(in->frames);
    free(in->datagrams);
    free(in->slices);
}
