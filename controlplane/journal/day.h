// The events of the day, out of a journal: what a dataplane needs that goes on from it.
//
// Whole segments by their extracts (extract.h), as long as one after the other fits; what is behind
// them from the segments themselves, with hashes where that is little. Both ways give out the same.
//
// Reading ends with the record that names the instance that asks. Nothing is known of a day of
// which something is missing: it is refused, with the place.
#pragma once

#include <stdatomic.h>

#include "controlplane/journal/extract.h"
#include "controlplane/journal/reader.h"
#include "controlplane/region/restore.h"

// More than this at the end of a journal, that no extract has, is read without its hashes.
#define DAY_HASHED_MAX (UINT64_C(512) << 20)

struct day_config {
    const char *directory;
    const _Atomic uint64_t *committed; // the last record that is durable
    const atomic_bool *stop;
    bool direct;                       // reads past the page cache
    bool verify;                       // everything from the segments, with its hashes
    uint64_t from_ns, to_ns;           // instances that began in [from_ns, to_ns)
    uint64_t epoch;                    // of the dataplane that asks
    uint64_t config_hash;              // its configuration
    const struct restore_names *names; // its names; null: it has gone on already, they are good
    // Takes an event; EVENT_NONE: another instance follows. False: it takes no more.
    bool (*take)(void *context, const struct event *event);
    // Now and then while nothing comes. True: nothing will, day_refuse() says why.
    bool (*idle)(void *context);
    void *context;
};

// An extract that was used.
struct day_used {
    uint64_t segment;
    uint8_t hash[JOURNAL_HASH_LEN];
};

// All extracts that a dataplane was given events from, from day->first on.
struct day_given {
    uint32_t count;
    uint32_t sum; // restore_sum of their hashes
};

struct day {
    struct day_config config;
    struct journal_reader reader;
    bool open;
    uint64_t first; // segment
    struct day_used *used;
    uint32_t used_count;
    bool hashed;       // the rest was
    char passed[160];  // why the extracts end where they do, if they could go on; else ""
    uint64_t last;     // record
    bool doubts;       // there are records whose hashes nobody has looked at:
    uint64_t doubtful; // the last of them, or the one that says its hash
    struct day_given given;

    uint32_t instances, skipped;      // of the day, and of others
    struct journal_instance instance; // whose events are read
    bool of_today;
    bool named; // its names are those that are asked for, or have to be looked at
    uint64_t sequences[JOURNAL_SOURCES];
    bool done, refused;
    char why[RESTORE_WHY_LEN];
};

// False: day->refused with <why>, or it was to stop, or nobody takes events.
bool day_read(struct day *d, const struct day_config *config);
// A day that was read already, by another control plane: what there is to verify and to extract.
// <seen>: how far that control plane was; where all was hashed, only what has no extract yet is
// left. <known>: the last record that was there before anything was written for this one.
bool day_resume(struct day *d, const struct day_config *config, const struct restore_seen *seen,
                uint64_t known);
void day_given_add(struct day_given *given, const uint8_t hash[JOURNAL_HASH_LEN]);
bool day_refuse(struct day *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void day_free(struct day *d);
// The first damage that a reader has found.
const char *day_damage(const struct journal_reader *r, char text[256]);
