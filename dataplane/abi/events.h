// Events: what a lane tells the world. Records of EVENT_LEN bytes, little-endian, made from
// events.def.
#pragma once

#include <stdint.h>

#include "dataplane/abi/drop_copy.h"
#include "dataplane/abi/limits.h"
#include "dataplane/abi/route.h"
#include "dataplane/abi/trade.h"

// Trading events are gap-free: a slot is used again only after the reader has committed it.
// Diagnostics may drop, and are counted.
enum event_ring_kind { EVENT_RING_TRADING, EVENT_RING_DIAGNOSTIC, EVENT_RING_KINDS };

enum event_type {
    EVENT_NONE = 0,
#define EVENT(upper, lower, ring, help)      EVENT_##upper,
#define EVENT_SAME(upper, lower, ring, help) EVENT_##upper,
#define EVENT_END(lower)
#define FIELD(lower, kind, field)
#include "dataplane/abi/events.def"
    EVENT_TYPES
};

#define EVENT_FIELD_u8(f)            uint8_t f;
#define EVENT_FIELD_u16(f)           uint16_t f;
#define EVENT_FIELD_u32(f)           uint32_t f;
#define EVENT_FIELD_u64(f)           uint64_t f;
#define EVENT_FIELD_i64(f)           int64_t f;
#define EVENT_FIELD_chr4(f)          char f[4];
#define EVENT_FIELD_chr8(f)          char f[8];
#define EVENT_FIELD_refusal(f)       uint16_t f;
#define EVENT_FIELD_text(f)          char f[REASON_LEN];
#define EVENT_FIELD_id(f)            uint8_t f[10];
#define EVENT_FIELD_channel(f)       uint8_t f;
#define EVENT_FIELD_line(f)          uint8_t f;
#define EVENT_FIELD_port(f)          uint8_t f;
#define EVENT_FIELD_quality(f)       uint8_t f;
#define EVENT_FIELD_letter(f)        uint8_t f;
#define EVENT_FIELD_locate(f)        uint16_t f;
#define EVENT_FIELD_route_verdict(f) uint8_t f;
#define EVENT_FIELD_route_ending(f)  uint8_t f;
#define EVENT_FIELD_control(f)       uint8_t f;
#define EVENT_FIELD_record(f)        uint8_t f;
#define EVENT_FIELD_difference(f)    uint8_t f;

#define EVENT(upper, lower, ring, help) struct event_##lower {
#define EVENT_SAME(upper, lower, ring, help)
#define FIELD(lower, kind, field) EVENT_FIELD_##kind(field)
#define EVENT_END(lower) \
    }                    \
    ;
#include "dataplane/abi/events.def"

struct event {
    uint64_t
        sequence;   // per ring of a lane, from 1; a number that a diagnostic ring skips was dropped
    uint64_t tsc;   // receive stamp of the burst that caused it
    uint64_t input; // number of the lane's input that caused it
    uint16_t type;  // enum event_type
    uint8_t lane;   // LANE_MAIN for the main lcore
    uint8_t unused[5];
    union {
#define EVENT(upper, lower, ring, help) struct event_##lower lower;
#define EVENT_SAME(upper, lower, ring, help)
#define FIELD(lower, kind, field)
#define EVENT_END(lower)
#include "dataplane/abi/events.def"
        uint8_t payload[EVENT_LEN - 32];
    };
};
_Static_assert(sizeof(struct event) == EVENT_LEN, "event");

enum event_field_kind {
    FIELD_u8,
    FIELD_u16,
    FIELD_u32,
    FIELD_u64,
    FIELD_i64,
    FIELD_chr4,
    FIELD_id,
    FIELD_channel,
    FIELD_line,
    FIELD_port,
    FIELD_quality,
    FIELD_letter,
    FIELD_locate,
    FIELD_chr8,
    FIELD_refusal,
    FIELD_text,
    FIELD_route_verdict,
    FIELD_route_ending,
    FIELD_control,
    FIELD_record,
    FIELD_difference,
};

// For whoever shows events: fields of each type in the order of events.def.
struct event_field {
    const char *name;
    const char *kind_name;
    enum event_field_kind kind;
    uint16_t offset; // in struct event
    uint16_t len;    // bytes
};

struct event_info {
    const char *name; // upper case, as in EVENT_<name>
    const char *help;
    enum event_ring_kind ring;
    const struct event_field *fields;
    uint32_t field_count;
};

// Null for a type that this version does not know.
const struct event_info *event_info(uint16_t type);
