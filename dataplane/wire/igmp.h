// IGMP for a host that receives: version 2 reports and leaves (RFC 2236), version 3 reports (RFC
// 3376), and the queries of all versions that ask for them.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/frame_build.h"

enum {
    IGMP_QUERY = 0x11,
    IGMP_REPORT_V2 = 0x16,
    IGMP_LEAVE_V2 = 0x17,
    IGMP_REPORT_V3 = 0x22,

    IGMP_LEN = 8, // version 1 and 2 messages, version 3 report without records
    IGMP_QUERY_V3_LEN = 12,
    IGMP_RECORD_LEN = 8,
    IGMP_REPORT_LEN_MAX = 1476, // 1,500 bytes less the IP header with router alert

    // Unit of the query's response time: tenths of a second.
    IGMP_RESPONSE_V1_DS = 100, // version 1 has no field for it
};

#define IGMP_ALL_SYSTEMS    0xe0000001u // 224.0.0.1, where general queries go
#define IGMP_ALL_ROUTERS    0xe0000002u // 224.0.0.2, where version 2 leaves go
#define IGMP_ALL_ROUTERS_V3 0xe0000016u // 224.0.0.22, where version 3 reports go

// Type of a group record (RFC 3376, section 4.2.12).
enum igmp_record_type {
    IGMP_IS_INCLUDE = 1, // answer to a query: these sources only
    IGMP_IS_EXCLUDE = 2, // answer to a query: all sources but these
    IGMP_TO_INCLUDE = 3, // change; without sources: leave the group
    IGMP_TO_EXCLUDE = 4, // change; without sources: join the group from any source
    IGMP_ALLOW = 5,
    IGMP_BLOCK = 6,
};

// --- queries ---

struct igmp_query {
    uint8_t version;            // 1, 2 or 3
    uint32_t group;             // 0: general query
    uint32_t response_ds;       // answer within this many tenths of a second
    uint32_t sources;           // version 3: asked about these sources of the group only; 0: any
    const uint8_t *source_list; // 4 * sources bytes in the packet, big-endian addresses
};

// Time codes of version 3 (RFC 3376, section 4.1.1): from 128 on a floating-point number.
static inline uint32_t igmp_time(uint8_t code)
{
    if (code < 128)
        return code;
    return ((code & 15u) | 16u) << ((code >> 4 & 7u) + 3);
}

// <p>, <len>: the payload of a FRAME_IGMP frame. False when it is no query, cut, or its checksum is
// wrong. The version follows from length and response code (RFC 3376, section 7.1).
static inline bool igmp_query_parse(const uint8_t *p, uint32_t len, struct igmp_query *out)
{
    if (len < IGMP_LEN || p[0] != IGMP_QUERY || !checksum_ok(p, len))
        return false;
    out->group = be32_load(p + 4);
    out->sources = 0;
    out->source_list = NULL;
    if (len == IGMP_LEN) {
        out->version = p[1] ? 2 : 1;
        out->response_ds = p[1] ? p[1] : IGMP_RESPONSE_V1_DS;
        return true;
    }
    if (len < IGMP_QUERY_V3_LEN)
        return false;
    out->version = 3;
    out->response_ds = igmp_time(p[1]);
    out->sources = be16_load(p + 10);
    out->source_list = p + IGMP_QUERY_V3_LEN;
    return out->sources * 4 <= len - IGMP_QUERY_V3_LEN;
}

// --- messages ---

// Version 2 report or leave, IGMP_LEN bytes.
static inline uint32_t igmp_v2_write(uint8_t *p, uint8_t type, uint32_t group)
{
    p[0] = type;
    p[1] = 0;
    be16_store(p + 2, 0);
    be32_store(p + 4, group);
    checksum_store(p + 2, checksum_finish(checksum_add(0, p, IGMP_LEN)));
    return IGMP_LEN;
}

struct igmp_record {
    enum igmp_record_type type;
    uint32_t group;
    const uint32_t *sources; // host order
    uint16_t sources_len;
};

// Version 3 report into <p> of <max> bytes (IGMP_REPORT_LEN_MAX fits any link). Writes whole
// records from the first on, stores in <*written> how many went in, and returns the length: the
// caller sends the rest in the next report. 0 when not even one record fits.
uint32_t igmp_v3_write(uint8_t *p, uint32_t max, const struct igmp_record *records,
                       uint32_t records_len, uint32_t *written);

// --- whole frames ---

struct igmp_host {
    const uint8_t *mac;
    uint32_t ip; // 0.0.0.0 is allowed: a port without an address joins all the same (RFC 3376,
                 // section 4.2.13)
    uint16_t vlan;
};

// <p> has FRAME_LEN_MIN bytes (4 more with a tag at most). <type> is IGMP_REPORT_V2 or
// IGMP_LEAVE_V2. Returns the length.
uint32_t igmp_v2_frame_build(uint8_t *p, const struct igmp_host *host, uint8_t type,
                             uint32_t group);

// <p> has <max> bytes. <*written> as in igmp_v3_write. Returns the length, 0 when nothing fits.
uint32_t igmp_v3_frame_build(uint8_t *p, uint32_t max, const struct igmp_host *host,
                             const struct igmp_record *records, uint32_t records_len,
                             uint32_t *written);
