#include "bench/latency/hdr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "dataplane/base/bytes.h"

enum { HALF = 1 << (HDR_SUB_BITS - 1), TICKS_PER_HALF = 5 };

void hdr_reset(struct hdr *h)
{
    memset(h, 0, sizeof *h);
    h->min = UINT64_MAX;
}

// Smallest and largest value of an index.
static uint64_t lowest_of(uint32_t index, uint64_t *highest)
{
    uint32_t bucket = index / HALF, sub = index % HALF + HALF;
    if (bucket == 0)
        sub -= HALF;
    else
        bucket--;
    *highest = ((uint64_t)(sub + 1) << bucket) - 1;
    return (uint64_t)sub << bucket;
}

uint64_t hdr_percentile(const struct hdr *h, double percentile)
{
    uint64_t seen = 0, highest = 0;
    // Just below, so that rounding does not ask for one sample too many.
    uint64_t wanted = (uint64_t)ceil(nextafter(percentile, 0) * (double)h->total / 100.0);
    wanted = wanted ? wanted : 1;
    for (uint32_t i = 0; i < HDR_COUNTS && h->total; i++) {
        seen += h->count[i];
        if (seen < wanted)
            continue;
        lowest_of(i, &highest);
        return highest < h->max ? highest : h->max;
    }
    return 0;
}

uint64_t hdr_above(const struct hdr *h, uint64_t value)
{
    uint64_t above = 0;
    for (uint32_t i = hdr_index(value > HDR_HIGHEST ? HDR_HIGHEST : value) + 1; i < HDR_COUNTS; i++)
        above += h->count[i];
    return above;
}

void hdr_write_percentiles(const struct hdr *h, FILE *out, double unit)
{
    double mean = h->total ? h->sum / (double)h->total : 0, level = 0;
    double variance = h->total ? h->squares / (double)h->total - mean * mean : 0;
    uint64_t seen = 0, highest;
    fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
            "1/(1-Percentile)");
    for (uint32_t i = 0; i < HDR_COUNTS && seen < h->total; i++) {
        seen += h->count[i];
        lowest_of(i, &highest);
        // Each value is reported for every step of the percentiles that it reaches.
        double reached = 100.0 * (double)seen / (double)h->total;
        if (h->count[i] == 0 || reached < level)
            continue;
        if (seen == h->total)
            break;
        fprintf(out, "%12.3f %2.12f %10lu %14.2f\n", (double)highest / unit, reached / 100, seen,
                1 / (1 - reached / 100));
        while (level <= reached) {
            double half = pow(2, floor(log2(100.0 / (100.0 - level))) + 1);
            level += 100.0 / (TICKS_PER_HALF * half);
        }
    }
    if (h->total)
        fprintf(out, "%12.3f %2.12f %10lu\n", (double)h->max / unit, 1.0, h->total);
    fprintf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean / unit,
            sqrt(variance > 0 ? variance : 0) / unit);
    fprintf(out, "#[Max     = %12.3f, Total count    = %12lu]\n", (double)h->max / unit, h->total);
    fprintf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n", HDR_BUCKETS, 1 << HDR_SUB_BITS);
}

void hdr_write_json(const struct hdr *h, FILE *out, const char *name, const char *before)
{
    fprintf(out,
            "%s\n    \"%s\": {\"count\": %lu, \"mean\": %.2f, \"min\": %lu, \"p50\": %lu, \"p90\": "
            "%lu, \"p99\": %lu, \"p999\": %lu, \"max\": %lu, \"above_2750\": %lu}",
            before, name, h->total, h->total ? h->sum / (double)h->total : 0, h->total ? h->min : 0,
            hdr_percentile(h, 50), hdr_percentile(h, 90), hdr_percentile(h, 99),
            hdr_percentile(h, 99.9), h->max, hdr_above(h, 2750));
}

// --- interval log ---

enum { COOKIE = 0x1c849303 | 0x10, COOKIE_COMPRESSED = 0x1c849304 | 0x10, HEADER_LEN = 40 };

// ZigZag LEB128 with a ninth byte of eight bits.
static uint32_t number_write(uint8_t *p, int64_t value)
{
    uint64_t v = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
    uint32_t n = 0;
    for (; n < 8 && v >= 0x80; n++, v >>= 7)
        p[n] = (uint8_t)(v | 0x80);
    p[n] = (uint8_t)v;
    return n + 1;
}

static uint32_t counts_write(const struct hdr *h, uint8_t *p)
{
    uint32_t at = 0, last = h->total ? hdr_index(h->max) : 0;
    for (uint32_t i = 0; i <= last;) {
        int64_t zeros = 0;
        while (i <= last && h->count[i] == 0)
            zeros++, i++;
        if (zeros)
            at += number_write(p + at, -zeros);
        if (i <= last)
            at += number_write(p + at, (int64_t)h->count[i++]);
    }
    return at;
}

static void base64_write(FILE *out, const uint8_t *p, uint64_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (uint64_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) |
                     (i + 2 < len ? p[i + 2] : 0);
        putc(digits[v >> 18], out);
        putc(digits[v >> 12 & 63], out);
        putc(i + 1 < len ? digits[v >> 6 & 63] : '=', out);
        putc(i + 2 < len ? digits[v & 63] : '=', out);
    }
}

bool hdr_write_log(const struct hdr *h, FILE *out, double start_s, double length_s)
{
    const double ratio = 1;
    uint64_t ratio_bits;
    uint8_t *plain = calloc(1, HEADER_LEN + 9 * (uint64_t)HDR_COUNTS);
    uLongf packed_len = compressBound(HEADER_LEN + 9 * (uLong)HDR_COUNTS);
    uint8_t *packed = malloc(8 + packed_len);
    bool ok = plain && packed;
    if (ok) {
        uint32_t len = counts_write(h, plain + HEADER_LEN);
        memcpy(&ratio_bits, &ratio, sizeof ratio_bits);
        be32_store(plain, COOKIE);
        be32_store(plain + 4, len);
        be32_store(plain + 12, 3); // significant digits
        be64_store(plain + 16, 1);
        be64_store(plain + 24, HDR_HIGHEST);
        be64_store(plain + 32, ratio_bits);
        ok = compress2(packed + 8, &packed_len, plain, HEADER_LEN + len, 9) == Z_OK;
        be32_store(packed, COOKIE_COMPRESSED);
        be32_store(packed + 4, (uint32_t)packed_len);
    }
    if (ok) {
        fprintf(out, "#[Histogram log format version 1.3]\n");
        fprintf(out, "#[StartTime: %.3f (seconds since epoch)]\n", start_s);
        fprintf(out, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
                     "\"Interval_Compressed_Histogram\"\n");
        fprintf(out, "0.000,%.3f,%.3f,", length_s, (double)h->max / 1e6);
        base64_write(out, packed, 8 + packed_len);
        putc('\n', out);
    }
    free(plain);
    free(packed);
    return ok;
}
