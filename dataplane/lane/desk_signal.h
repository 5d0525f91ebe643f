// Signals: numbers from models outside, of clients of the gateway and by UDP. One policy for both
// (source.h), one record, and the strategies that watch the symbol are told.
#pragma once

#include <string.h>

#include "dataplane/gateway/tickgate.h"
#include "dataplane/lane/desk.h"
#include "dataplane/strategy/source.h"
#include "dataplane/strategy/strategy.h"
#include "dataplane/wire/frame.h"

enum { SIGNAL_NO_CLIENT = UINT8_MAX };

// Where a source's signals come from.
struct desk_signal_way {
    uint32_t group; // destination; 0: by the gateway
    uint32_t sender;
    uint16_t udp_port;
    uint16_t sender_port; // 0: any
    uint16_t number;      // in the records
    uint8_t port;
    uint8_t client; // place among the lane's clients; SIGNAL_NO_CLIENT
};

// UTC of the lane: from the calibration of the start, moved by what the main lcore has found since.
struct desk_signal_clock {
    uint64_t tsc_hz;
    uint64_t tsc_at;
    uint64_t utc_ns_at;
};

// Refusals that have not been told yet.
struct desk_signal_refusals {
    uint64_t told_at[SIGNAL_VERDICTS];
    uint64_t untold[SIGNAL_VERDICTS];
};

struct desk_signals {
    struct signal_table table;
    struct desk_signal_way ways[SIGNALS_MAX];
    char names[SIGNALS_MAX][NAME_LEN];
    struct desk_signal_refusals refusals[SIGNALS_MAX + 1]; // the last: of nobody known
    struct desk_signal_clock clock;
    uint64_t ns_per_tick; // 32 bits behind the point
    uint64_t utc_moved;   // ns, two's complement
    uint16_t *places;     // instruments by the hash of their symbols; INSTRUMENT_NONE: empty
    uint32_t places_mask;
};

// Where the search for a symbol begins.
static inline uint32_t desk_signal_place(const struct desk_signals *s, const char symbol[8])
{
    uint64_t word;
    memcpy(&word, symbol, sizeof word);
    return (uint32_t)(word * 0x9E3779B97F4A7C15ull >> 40) & s->places_mask;
}

// --- the lane

// Of the lane's client <client>, in its attachment <run>; *<verdict>: what its policy says.
enum refusal desk_signal_client(struct desk *d, uint32_t client, uint64_t run,
                                const struct tickgate_signal *s, enum signal_verdict *verdict);
// True: the datagram went to a destination of signals, and has been worked through.
bool desk_signal_frame(struct desk *d, uint8_t port, const struct frame_udp *f);
// Silences, and breakers that close.
uint32_t desk_signals_turn(struct desk *d, uint64_t now);
// UTC is so much later than the lane's clock and the calibration say; ns, two's complement.
void desk_signals_clock(struct desk *d, uint64_t moved);

// A person: a source of this lane, that can be stopped or resumed, is.
bool desk_signal_own(const struct desk *d, uint32_t source);
bool desk_signal_can(const struct desk *d, uint32_t source, bool resume);
void desk_signal_switch(struct desk *d, uint32_t source, bool resume);

// --- set-up (desk_signal_setup.c)

// Bytes for the symbols of <instruments>.
uint64_t desk_signals_bytes(uint32_t instruments);
// Once the desk has its symbols, before strategies; <memory>: desk_signals_bytes(), zeroed.
// <sources>: of all lanes.
void desk_signals_init(struct desk *d, struct desk_signals *s, uint32_t sources,
                       const struct desk_signal_clock *clock, void *memory);
// One of this lane.
void desk_signal_add(struct desk *d, uint32_t source, const char *name, uint16_t first,
                     const struct signal_policy *policy, const struct desk_signal_way *way);
// What a strategy may know of them.
void desk_signals_name(const struct desk *d, struct strategy_setup *setup);
// Place of a symbol, padded with blanks, among the lane's; INSTRUMENT_NONE: it is not traded.
uint16_t desk_signal_symbol(const struct desk *d, const char symbol[8]);
