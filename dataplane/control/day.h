// The trading day on the main lcore: what its files say, put over the rows of the configuration and
// over the table of limits.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/abi/commands.h"
#include "dataplane/abi/ring.h"
#include "dataplane/config/config.h"
#include "dataplane/config/day_files.h"
#include "dataplane/risk/limits.h"

// A band of which only what it makes tighter holds yet (day_force_tighten).
enum band_half {
    BAND_WHOLE,
    BAND_BEGINS, // there was none before: what holds without one still does
    BAND_ENDS,   // there is none any more: what holds without one does too
};

// What the files make tighter at some moment, of one symbol.
struct day_tight {
    uint8_t restricted; // enum restriction
    uint8_t cut;        // percent of its limits that are not there
    uint8_t band_half;  // enum band_half
    uint8_t unused;
    uint32_t band_from; // second of the day
    uint32_t band_low;  // price4
    uint32_t band_high; // 0: there is no band
};

struct day_force {
    uint32_t count;
    uint32_t market; // enum trading_phase by the calendar
    struct luld_hours luld;
    struct day_tight symbols[];
};

// Files that are read again, until the lanes have what they say (day_live.h).
struct day_change {
    bool on;
    uint32_t files; // bits: those of <sheets> that take the place of others
    struct sheet sheets[DAY_FILES];
    uint32_t *row_of;
    struct command_slot *slot; // null: nobody asked, it was time
    struct reload_answer answer;
    uint64_t look_ns; // when the files are looked at again
    bool told;        // that the lanes do not take what they say now
};

struct day {
    const struct config *config;
    struct symbol_index index;
    int32_t today;                  // the trading day, at the start
    struct sheet sheets[DAY_FILES]; // empty where there is no file
    uint32_t *row_of;               // of reference data, by symbol: 1 + number of the row; 0: none
    struct day_force *force;        // what lanes have
    struct day_force *force_next;   // and are being given
    struct day_change change;
};

// Reads all files of the configuration, for the day of <utc_ns> and what they say then. Sets the
// process's time zone, so there must be no second thread yet. False with <err>; day_close
// afterwards in both cases.
bool day_open(struct day *day, const struct config *config, uint64_t utc_ns, struct error *err);
void day_close(struct day *day);

// Which files are in force, for the record and the log: those of the bits <files>.
void day_record(const struct day *day, uint32_t files, struct event_writer *events);

// What reference data say of a symbol replaces what the configuration says of it. A day that is all
// zero has no files.
void day_overlay(const struct day *day, uint32_t instrument, struct config_symbol_row *row);
// The same of rows that are not in force yet.
void day_overlay_of(const struct sheet *reference, const uint32_t *row_of, uint32_t instrument,
                    struct config_symbol_row *row);
// Whether <row>, over which a reference file was laid, limits nothing that contradicts something
// else. False with <err>.
bool day_row_good(const struct sheet *reference, const uint32_t *row_of, uint32_t instrument,
                  const char name[8], const struct config_symbol_row *row, uint32_t lanes,
                  struct error *err);
// On the heap, for <reference>; null: no memory.
uint32_t *day_rows(const struct day *day, const struct sheet *reference);

// --- what is tighter

// What the zone is ahead of UTC, in seconds.
static inline int32_t day_zone(struct local_time now, uint64_t utc_ns)
{
    return (int32_t)((int64_t)now.day * 86400 + now.second - (int64_t)(utc_ns / 1000000000));
}

// What <sheets> say at <now>; hours are left without a zone.
void day_force_make(const struct sheet sheets[DAY_FILES], struct local_time now,
                    struct day_force *out);
// <now> instead of <was> may let something pass that was refused.
bool day_force_loosens(const struct day_force *was, const struct day_force *now);
// <now> becomes the tighter of both, of each symbol: what goes before a <now> that loosens, as it
// waits for nobody.
void day_force_tighten(const struct day_force *was, struct day_force *now);
static inline bool day_force_same(const struct day_force *a, const struct day_force *b)
{
    return memcmp(a, b, sizeof *a + a->count * sizeof a->symbols[0]) == 0;
}
void day_force_apply(const struct day_force *f, struct limit_table *t);

// A table that was filled anew. <back>: what lanes had before the change that is in work.
static inline void day_tighten(const struct day *day, bool back, struct limit_table *t)
{
    const struct day_force *f = back || !day->change.on ? day->force : day->force_next;
    if (f)
        day_force_apply(f, t);
}
