#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bench/exchange/source.h"
#include "dataplane/base/bytes.h"

struct capture {
    pcap_t *pcap;
    uint64_t first_ns, time_ns;
    uint64_t packets;
    bool any, filtered;
    int link;
    char path[256];
};

// libpcap reads a stdio stream; this one inflates, and passes plain files through.
static ssize_t gz_stream_read(void *cookie, char *buffer, size_t size)
{
    return gzread(cookie, buffer, (unsigned)(size < 1u << 30 ? size : 1u << 30));
}

static int gz_stream_close(void *cookie)
{
    return gzclose(cookie) == Z_OK ? 0 : EOF;
}

// Payload of a UDP datagram in an Ethernet (or raw IP) frame of <length> bytes. Lengths come from
// the IP and UDP headers: captures carry trailers behind the datagram. False: not a whole UDP
// datagram over IPv4.
static bool udp_payload(const uint8_t *p, uint32_t length, int link, const uint8_t **data,
                        uint32_t *size)
{
    if (link == DLT_EN10MB) {
        uint32_t at = 12;
        while (length >= at + 4 && (be16_load(p + at) == 0x8100 || be16_load(p + at) == 0x88a8))
            at += 4;
        if (length < at + 2 || be16_load(p + at) != 0x0800)
            return false;
        p += at + 2;
        length -= at + 2;
    }
    if (length < 20 || p[0] >> 4 != 4 || p[9] != 17)
        return false;
    uint32_t header = (p[0] & 15u) * 4, total = be16_load(p + 2);
    if (header < 20 || total > length || total < header + 8 || (be16_load(p + 6) & 0x3fff) != 0)
        return false;
    uint32_t udp = be16_load(p + header + 4);
    if (udp < 8 || udp > total - header)
        return false;
    *data = p + header + 8;
    *size = udp - 8;
    return true;
}

// The end of a capture with nothing in it that could be sent.
static enum source_result nothing_found(const struct capture *c, struct error *err)
{
    error_set(
        err, EXIT_FAILED,
        "%s: expected UDP datagrams over IPv4, found %llu frames%s and none with a whole one; "
        "record the multicast groups of a feed%s",
        c->path, (unsigned long long)c->packets, c->filtered ? " that match --filter" : "",
        c->filtered ? ", or widen --filter" : "");
    return SOURCE_FAILED;
}

static enum source_result capture_next(struct source *s, struct source_item *item,
                                       struct error *err)
{
    struct capture *c = s->state;
    for (;;) {
        struct pcap_pkthdr *h;
        const uint8_t *frame;
        int got = pcap_next_ex(c->pcap, &h, &frame);
        if (got == PCAP_ERROR_BREAK)
            return c->any ? SOURCE_END : nothing_found(c, err);
        if (got < 0) {
            if (!c->packets)
                return error_set(err, EXIT_FAILED, "%s: %s", c->path, pcap_geterr(c->pcap)),
                       SOURCE_FAILED;
            snprintf(s->warning, sizeof s->warning,
                     "%.120s: after frame %llu: %.80s; what is before it counts", c->path,
                     (unsigned long long)c->packets, pcap_geterr(c->pcap));
            return c->any ? SOURCE_END : nothing_found(c, err);
        }
        c->packets++;
        // Opened with nanosecond precision: tv_usec holds nanoseconds.
        uint64_t t = (uint64_t)h->ts.tv_sec * 1000000000ull + (uint64_t)h->ts.tv_usec;
        if (!udp_payload(frame, h->caplen, c->link, &item->data, &item->length))
            continue;
        if (!c->any)
            c->first_ns = t;
        c->any = true;
        if (t >= c->first_ns && t - c->first_ns > c->time_ns)
            c->time_ns = t - c->first_ns;
        item->time_ns = c->time_ns;
        return SOURCE_ITEM;
    }
}

static void capture_close(struct source *s)
{
    struct capture *c = s->state;
    pcap_close(c->pcap); // closes the stream too
    free(c);
}

static bool capture_filter(struct capture *c, const char *filter, struct error *err)
{
    struct bpf_program program;
    if (pcap_compile(c->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
        return error_set(err, EXIT_USAGE, "--filter: %s", pcap_geterr(c->pcap));
    int set = pcap_setfilter(c->pcap, &program);
    pcap_freecode(&program);
    if (set != 0)
        return error_set(err, EXIT_FAILED, "--filter: %s", pcap_geterr(c->pcap));
    return true;
}

bool source_pcap_open(struct source *s, const char *path, const char *filter, struct error *err)
{
    memset(s, 0, sizeof *s);
    errno = 0;
    gzFile gz = gzopen(path, "rb");
    if (!gz)
        return error_set(err, EXIT_FAILED, "%s: %s", path, strerror(errno ? errno : ENOMEM));
    cookie_io_functions_t functions = {.read = gz_stream_read, .close = gz_stream_close};
    FILE *stream = fopencookie(gz, "r", functions);
    struct capture *c = calloc(1, sizeof *c);
    if (!stream || !c) {
        if (stream)
            fclose(stream);
        else
            gzclose(gz);
        free(c);
        return error_set(err, EXIT_FAILED, "%s: no memory to read it", path);
    }
    char reason[PCAP_ERRBUF_SIZE];
    c->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, reason);
    if (!c->pcap) {
        fclose(stream);
        free(c);
        return error_set(err, EXIT_FAILED, "%s: %s", path, reason);
    }
    snprintf(c->path, sizeof c->path, "%s", path);
    c->link = pcap_datalink(c->pcap);
    c->filtered = filter != NULL;
    s->state = c;
    s->kind = SOURCE_PAYLOADS;
    s->next = capture_next;
    s->close = capture_close;
    if (c->link != DLT_EN10MB && c->link != DLT_RAW && c->link != DLT_IPV4)
        error_set(err, EXIT_FAILED,
                  "%s: expected a capture of Ethernet or raw IP, found link type %s; record on an "
                  "Ethernet interface",
                  path, pcap_datalink_val_to_name(c->link));
    else if (!filter || capture_filter(c, filter, err))
        return true;
    source_close(s);
    return false;
}
