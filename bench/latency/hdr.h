// Recorder of latencies: the counting scheme of HdrHistogram with three significant digits, from 1
// ns to an hour, and its two file formats. Recording is a shift, an add and an increment;
// everything else is for afterwards.
//
// Source: HdrHistogram (public domain), V2 encoding of org.HdrHistogram 2.1: sub-buckets of 2,048,
// counts as ZigZag LEB128, runs of zeros as negative counts.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    HDR_SUB_BITS = 11, // 2,048 sub-buckets: three significant digits
    HDR_BUCKETS = 32,  // up to 2^42 ns
    HDR_COUNTS = (HDR_BUCKETS + 1) << (HDR_SUB_BITS - 1),
};
#define HDR_HIGHEST UINT64_C(3600000000000)

struct hdr {
    uint64_t count[HDR_COUNTS];
    uint64_t total;
    uint64_t max, min;
    double sum, squares;
};

void hdr_reset(struct hdr *h);

static inline uint32_t hdr_index(uint64_t value)
{
    const uint64_t mask = (1u << HDR_SUB_BITS) - 1;
    uint32_t bucket = 64 - HDR_SUB_BITS - (uint32_t)__builtin_clzll(value | mask);
    uint32_t sub = (uint32_t)(value >> bucket);
    return ((bucket + 1) << (HDR_SUB_BITS - 1)) + sub - (1u << (HDR_SUB_BITS - 1));
}

// Values above HDR_HIGHEST count as that.
static inline void hdr_record(struct hdr *h, uint64_t value)
{
    value = value > HDR_HIGHEST ? HDR_HIGHEST : value;
    h->count[hdr_index(value)]++;
    h->total++;
    h->max = value > h->max ? value : h->max;
    h->min = value < h->min ? value : h->min;
    h->sum += (double)value;
    h->squares += (double)value * (double)value;
}

// Largest value that counts the same as those at <percentile> (0 to 100); 0 when nothing is
// recorded.
uint64_t hdr_percentile(const struct hdr *h, double percentile);
uint64_t hdr_above(const struct hdr *h, uint64_t value); // samples beyond what equals <value>

// Percentile distribution (.hgrm), values divided by <unit>.
void hdr_write_percentiles(const struct hdr *h, FILE *out, double unit);

// "name": {...} of a JSON object, on a line of its own behind <before>.
void hdr_write_json(const struct hdr *h, FILE *out, const char *name, const char *before);

// One interval log (.hlog) with one line, values in ns. <start_s>: since the Unix epoch.
bool hdr_write_log(const struct hdr *h, FILE *out, double start_s, double length_s);
