// What a start of the day needs of a segment, and nothing else, in a file beside it: the names and
// the events that change state, packed. format.md has the bytes.
//
// An extract is made from a segment that has been read with its hashes, and says less than it,
// never anything else. It counts only while it fits: to its own hash, to the header of its segment,
// to what the next segment says of the last block of this one, to the version of events and to the
// events that this program wants. Without one that fits the segment itself is read.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/journal/block.h"
#include "dataplane/base/error.h"

enum {
    EXTRACT_VERSION = 1,
    EXTRACT_WORDS = sizeof(struct event) / sizeof(uint64_t),
    EXTRACT_PATH_MAX = 512,
};
#define EXTRACT_MAGIC   0x584a4754u // "TGJX"
#define EXTRACT_SUFFIX  ".extract"
#define EXTRACT_LEN_MAX (UINT64_C(1) << 30) // bytes; a segment that has more has no extract

struct extract_header {
    uint32_t magic;
    uint32_t crc; // CRC32C of what follows, to the end of the structure
    uint32_t version;
    uint32_t unused1;
    uint64_t segment;
    uint64_t first_record, next_record; // of the segment, and of the one behind it
    uint8_t journal[16];
    uint8_t begins[JOURNAL_HASH_LEN]; // of the segment's header
    uint8_t link[JOURNAL_HASH_LEN];   // of its last block, as the next segment's header has it
    uint8_t hash[JOURNAL_HASH_LEN];   // of the <len> bytes behind this header
    uint64_t len;
    uint64_t events;
    uint64_t abi_hash[2];
    uint64_t kinds[4]; // types of events that are looked at, a bit each
    uint8_t unused2[296];
};
_Static_assert(sizeof(struct extract_header) == 512, "format.md");

// Whether an event says anything that a start needs.
bool extract_wants(const struct event *event);

// Trading events of an instance in a segment: numbers of each lane, 0: none.
struct extract_run {
    uint64_t first[JOURNAL_SOURCES], last[JOURNAL_SOURCES];
};

// What events are packed against: the last of each type, and the last of all.
struct extract_packing {
    uint64_t words[256][EXTRACT_WORDS];
    uint64_t last[3];
};

// --- making ---

struct extract_maker {
    uint8_t *bytes; // header, and what has been packed
    uint64_t len, room;
    struct extract_header header;
    struct extract_packing packing;
    struct extract_run run;
    uint64_t epoch;
    bool unfit;     // numbers are missing, it gets too long, or there is no memory: no extract
    bool exhausted; // there was no memory
};

// Begins with a segment; what was begun before is forgotten.
void extract_begin(struct extract_maker *m, const struct journal_segment_header *segment);
// Every record of it, in order.
void extract_take(struct extract_maker *m, const struct journal_record *record);
// <next>: the segment behind it. False: there is none to be had.
bool extract_end(struct extract_maker *m, const struct journal_segment_header *next);
bool extract_write(const struct extract_maker *m, const char *directory, struct error *err);
void extract_maker_free(struct extract_maker *m);

// --- reading ---

struct extract {
    struct extract_header header;
    uint8_t *bytes; // behind the header; room for 8 more behind the last
    uint64_t room, at;
    struct extract_packing packing;
    // Of the entry that extract_next has found.
    const struct event *event; // until the next entry
    struct extract_run run;
    uint8_t record_type; // enum journal_record_type
    const void *record;  // its payload, <record_len> bytes, at a multiple of 8
    uint32_t record_len;
};

enum extract_entry {
    EXTRACT_OVER,
    EXTRACT_EVENT,  // <event>
    EXTRACT_RECORD, // <record>
    EXTRACT_RUN,    // <run> ends here: of the instance so far
    EXTRACT_BAD,    // makes no sense: whoever wrote it was no tickgate
};

// The extract of a segment, if it fits to it and to the one behind it. False: <why>, "" if there is
// none. <e> is zeroed before the first use, and used again for others.
bool extract_load(struct extract *e, const char *directory,
                  const struct journal_segment_header *segment,
                  const struct journal_segment_header *next, const char **why);
enum extract_entry extract_next(struct extract *e);
void extract_free(struct extract *e);
bool extract_path(const char *directory, uint64_t segment, char out[EXTRACT_PATH_MAX]);
