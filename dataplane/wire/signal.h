// Signals over UDP, version 1: numbers of models outside. Little-endian; docs/signals.md has the
// same table for whoever sends.
//
//   header   0 magic 4 "TGSG" | 4 version 1 | 5 records 1 | 6 bytes of a record 2 | 8 run 8
//   record   0 number 8 | 8 as-of 8 | 16 values 4 x 8 | 48 symbol 8 | 56 horizon 4 |
//            60 time to live 4 | 64 source 2 | 66 confidence 2 | 68 zero 4
//
// The datagram is exactly its header and its records: a byte more or less, and none of it counts.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/hints.h"

enum {
    SIGNAL_MAGIC = 0x47534754, // "TGSG" in the order of the bytes
    SIGNAL_VERSION = 1,
    SIGNAL_HEADER_LEN = 16,
    SIGNAL_RECORD_LEN = 72,
    SIGNAL_RECORDS_MAX = 16, // fit the frame that every network takes
    SIGNAL_VALUES = 4,
    SIGNAL_SYMBOL_LEN = 8,
};

struct signal_header {
    uint64_t run; // of the sender: another one, which is larger, numbers anew
    uint32_t records;
};

struct signal_record {
    uint64_t number; // of the source: one more each time, from 1
    uint64_t as_of_ns;
    int64_t value[SIGNAL_VALUES];
    char symbol[SIGNAL_SYMBOL_LEN]; // padded with blanks
    uint32_t horizon_ms;
    uint32_t ttl_ms;
    uint16_t source;
    uint16_t confidence; // of 10,000
};

// <p>, <len>: the UDP payload. False: it is no such datagram, of another version, or of another
// length than it says.
HOT_INLINE bool signal_parse(const uint8_t *p, uint32_t len, struct signal_header *out)
{
    if (UNLIKELY(len < SIGNAL_HEADER_LEN || le32_load(p) != SIGNAL_MAGIC || p[4] != SIGNAL_VERSION))
        return false;
    out->records = p[5];
    out->run = le64_load(p + 8);
    return out->records >= 1 && out->records <= SIGNAL_RECORDS_MAX &&
           le16_load(p + 6) == SIGNAL_RECORD_LEN &&
           len == SIGNAL_HEADER_LEN + out->records * SIGNAL_RECORD_LEN;
}

// Record <at> of a datagram for which signal_parse has answered true. False: a field that is not
// used yet is not zero.
HOT_INLINE bool signal_read(const uint8_t *datagram, uint32_t at, struct signal_record *out)
{
    const uint8_t *p = datagram + SIGNAL_HEADER_LEN + at * SIGNAL_RECORD_LEN;
    out->number = le64_load(p);
    out->as_of_ns = le64_load(p + 8);
    for (uint32_t i = 0; i < SIGNAL_VALUES; i++)
        out->value[i] = (int64_t)le64_load(p + 16 + 8 * i);
    memcpy(out->symbol, p + 48, SIGNAL_SYMBOL_LEN);
    out->horizon_ms = le32_load(p + 56);
    out->ttl_ms = le32_load(p + 60);
    out->source = le16_load(p + 64);
    out->confidence = le16_load(p + 66);
    return le32_load(p + 68) == 0;
}

// --- for senders

// SIGNAL_HEADER_LEN bytes; <records>: 1 to SIGNAL_RECORDS_MAX of them follow.
static inline void signal_header_write(uint8_t *p, uint64_t run, uint32_t records)
{
    le32_store(p, SIGNAL_MAGIC);
    p[4] = SIGNAL_VERSION;
    p[5] = (uint8_t)records;
    le16_store(p + 6, SIGNAL_RECORD_LEN);
    le64_store(p + 8, run);
}

// Record <at> behind the header at <datagram>; returns the length up to its end.
static inline uint32_t signal_record_write(uint8_t *datagram, uint32_t at,
                                           const struct signal_record *r)
{
    uint8_t *p = datagram + SIGNAL_HEADER_LEN + at * SIGNAL_RECORD_LEN;
    le64_store(p, r->number);
    le64_store(p + 8, r->as_of_ns);
    for (uint32_t i = 0; i < SIGNAL_VALUES; i++)
        le64_store(p + 16 + 8 * i, (uint64_t)r->value[i]);
    memcpy(p + 48, r->symbol, SIGNAL_SYMBOL_LEN);
    le32_store(p + 56, r->horizon_ms);
    le32_store(p + 60, r->ttl_ms);
    le16_store(p + 64, r->source);
    le16_store(p + 66, r->confidence);
    le32_store(p + 68, 0);
    return SIGNAL_HEADER_LEN + (at + 1) * SIGNAL_RECORD_LEN;
}
