// The region: the one named file that dataplane and control plane share. A header, then parts
// (parts.def), each an array of one struct. Offsets, never pointers.
//
//   region_format     layout from a shape, everything zero, header filled in, version still 0
//   (the dataplane fills in the descriptors)
//   region_publish    version stored last, with release: from here on readers attach (attach.h)
//
// One file per instance: a restart makes a new one with a new epoch. The identity of an event is
// (epoch, lane, sequence).
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/abi/board.h"
#include "dataplane/abi/capture.h"
#include "dataplane/abi/cell.h"
#include "dataplane/abi/commands.h"
#include "dataplane/abi/counters.h"
#include "dataplane/abi/events.h"
#include "dataplane/abi/histograms.h"
#include "dataplane/abi/limits.h"
#include "dataplane/abi/quality.h"
#include "dataplane/abi/record.h"
#include "dataplane/abi/restore.h"
#include "dataplane/abi/ring.h"
#include "dataplane/abi/signal.h"

#define REGION_MAGIC   0x657461676b636974ull // "tickgate", little-endian
#define REGION_MAJOR   0u                    // another major: refused
#define REGION_MINOR   8u
#define REGION_VERSION (REGION_MAJOR << 16 | REGION_MINOR)

enum region_state {
    REGION_STARTING = 0,
    REGION_READY = 1,
    REGION_STOPPING = 2,
    REGION_STOPPED = 3
};

// --- descriptors: written once, before region_publish ---

struct lane_info {
    char name[NAME_LEN];
    int32_t cpu;       // core it is pinned to, -1 = none
    int32_t numa_node; // -1 = unknown
    uint8_t port;      // index
    uint8_t queue;
    uint8_t unused[6];
};

struct channel_info {
    char name[NAME_LEN];
    char protocol[16];
    uint32_t first_symbol; // element of TOPS and NAMES
    uint32_t symbols;      // slots
    uint32_t orders;       // size of the book's tables
    uint32_t levels;
    uint32_t hold_frames;
    uint32_t reorder_us;
    uint8_t lane;
    uint8_t lines; // in use
    uint8_t can_request;
    uint8_t can_snapshot;
    uint8_t unused[4];
};

struct line_info {
    char name[NAME_LEN]; // empty: the channel has no such line
    uint32_t group;      // IPv4 address, host byte order
    uint32_t source;     // 0 = any
    uint16_t udp_port;
    uint8_t port; // index
    uint8_t unused[5];
};

struct port_info {
    char name[NAME_LEN];
    char device[64]; // PCI address or vdev arguments
    char driver[NAME_LEN];
    uint8_t mac[6];
    uint16_t mtu;
    int32_t numa_node;   // -1 = the device does not say
    uint32_t speed_mbps; // at start, 0 = unknown
    uint32_t address;    // IPv4, host byte order, 0 = none
    uint16_t queues;
    uint8_t hardware_steering; // 1: the card steers groups to their lane, 0: software does
    uint8_t hardware_time;     // 1: receive stamps by the card
};

struct pool_info {
    char name[NAME_LEN];
};

// One line of what start-up prints: all memory of the dataplane.
struct bill_item {
    char name[48];
    uint64_t bytes;
    uint32_t page_len; // 0 = not known
    int32_t numa_node;
};

// --- header ---

struct region_shape {
    uint32_t lanes;
    uint32_t channels;
    uint32_t ports;
    uint32_t pools;
    uint32_t bill_items;
    uint32_t trading_slots; // of the ring of each lane and of the main lcore; power of two
    uint32_t diagnostic_slots;
    uint32_t accounts;    // all zero from here to positions: nothing trades
    uint32_t instruments; // symbols with limits
    uint32_t order_sessions;
    uint32_t strategies;
    uint32_t clients;
    uint32_t signals;               // sources
    uint32_t capture_bytes;         // of each lane's ring, power of two; 0: none
    uint32_t positions;             // per lane, power of two
    uint32_t restore_events;        // slots of the restore area; 0: nothing is restored
    uint32_t symbols[CHANNELS_MAX]; // slots per channel
};

// Conversion of TSC to UTC: utc_ns_at + (tsc - tsc_at) * 1e9 / tsc_hz.
struct region_clock {
    uint64_t tsc_hz;
    uint64_t tsc_at;
    uint64_t utc_ns_at;
};

// What the dataplane says about itself; zero-terminated texts.
struct region_identity {
    uint64_t epoch;         // UTC ns at start: names this instance
    uint64_t config_hash;   // of the configuration file's bytes
    uint64_t pid_namespace; // inode of /proc/self/ns/pid: pid means something only within it
    uint32_t pid;
    uint32_t restores; // 1: goes on from the journal of its day, else from the venues alone
    char node[64];
    char program[NAME_LEN]; // program version
    struct region_clock clock;
};

enum region_part_kind {
#define PART(upper, lower, element, count, help) PART_##upper,
#include "dataplane/abi/parts.def"
    PARTS
};

struct region_part {
    uint64_t offset; // from the start of the region, multiple of REGION_PART_ALIGN
    uint64_t count;
    uint32_t element_len;
    uint32_t kind; // enum region_part_kind, its own index
};

struct region_header {
    uint64_t magic;
    _Atomic uint32_t version; // REGION_VERSION, stored last with release; 0 while being formatted
    uint32_t header_len;
    uint64_t abi_hash[2]; // of the text of all abi headers
    uint64_t length;      // of the whole region
    struct region_identity identity;
    struct region_shape shape;
    struct region_part parts[PARTS];
    // Written by the main lcore after publication.
    _Alignas(CACHE_LINE_LEN) _Atomic uint64_t heartbeat_tsc; // several times a second
    _Atomic uint32_t state;                                  // enum region_state
    uint32_t unused[13];
};

enum { REGION_PART_ALIGN = 128 }; // two lines: the card next door fetches lines in pairs

// One side's way to the parts. Everything but <base> is private memory: nobody else can move a
// part.
struct region_view {
    uint8_t *base;
    uint64_t length;
    struct region_shape shape;
    struct region_part parts[PARTS];
    uint32_t first_symbol[CHANNELS_MAX];
};

static inline uint64_t region_symbols(const struct region_shape *shape)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < shape->channels; i++)
        sum += shape->symbols[i];
    return sum;
}

// Producers of events: the lanes and the main lcore.
static inline uint32_t region_sources(const struct region_shape *shape)
{
    return shape->lanes + 1;
}

// Hash of the abi headers that this program was compiled with.
void region_abi_hash(uint64_t hash[2]);

// Fills <view> (base stays) with the layout of <shape>; false when a value is beyond its limit
// (limits.h) or a ring is no power of two.
bool region_layout(const struct region_shape *shape, struct region_view *view);

// Bytes that a region of this shape needs; 0 when the shape is refused.
uint64_t region_bytes(const struct region_shape *shape);

// Dataplane. Clears <memory> (and so touches every page), writes the header but its version, and
// fills <view>. False when <length> is too short or the shape is refused.
bool region_format(void *memory, uint64_t length, const struct region_shape *shape,
                   const struct region_identity *identity, struct region_view *view);
void region_publish(const struct region_view *view);

static inline struct region_header *region_header(const struct region_view *view)
{
    return (struct region_header *)(void *)view->base;
}

static inline void region_beat(const struct region_view *view, uint64_t tsc)
{
    atomic_store_explicit(&region_header(view)->heartbeat_tsc, tsc, memory_order_relaxed);
}

static inline void region_state_set(const struct region_view *view, enum region_state state)
{
    atomic_store_explicit(&region_header(view)->state, state, memory_order_release);
}

// region_<element>(view, index), for example region_lane_counters(view, 0). The caller keeps the
// index below the count of the part.
#define PART(upper, lower, element, number, help)                                          \
    static inline element *region_##lower(const struct region_view *view, uint64_t index)  \
    {                                                                                      \
        return (element *)(void *)(view->base + view->parts[PART_##upper].offset) + index; \
    }
#include "dataplane/abi/parts.def"

// First cell of a channel; <slot> of the channel's book is added to it.
static inline struct symbol_top *region_tops(const struct region_view *view, uint32_t channel)
{
    return region_symbol_top(view, view->first_symbol[channel]);
}

static inline struct symbol_name *region_names(const struct region_view *view, uint32_t channel)
{
    return region_symbol_name(view, view->first_symbol[channel]);
}

static inline struct event_ring *region_ring(const struct region_view *view, uint32_t source,
                                             enum event_ring_kind kind)
{
    return region_event_ring(view, (uint64_t)source * EVENT_RING_KINDS + kind);
}

static inline uint32_t region_ring_slots(const struct region_view *view, enum event_ring_kind kind)
{
    return kind == EVENT_RING_TRADING ? view->shape.trading_slots : view->shape.diagnostic_slots;
}

static inline struct event *region_ring_events(const struct region_view *view, uint32_t source,
                                               enum event_ring_kind kind)
{
    uint64_t per_source = (uint64_t)view->shape.trading_slots + view->shape.diagnostic_slots;
    uint64_t first = kind == EVENT_RING_TRADING ? 0 : view->shape.trading_slots;
    return region_event(view, source * per_source + first);
}

// Producer of a ring. <source>: lane, or view->shape.lanes for the main lcore.
static inline void region_event_writer(const struct region_view *view, uint32_t source,
                                       enum event_ring_kind kind, struct event_writer *writer)
{
    uint8_t lane = source == view->shape.lanes ? LANE_MAIN : (uint8_t)source;
    event_writer_init(writer, kind, lane, region_ring(view, source, kind),
                      region_ring_events(view, source, kind), region_ring_slots(view, kind));
}
