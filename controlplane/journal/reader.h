// Reads a journal's directory, record by record, and says what is wrong with it.
//
// The end of a journal that was cut off by a crash is no damage: blocks that no later block calls
// durable may be missing or torn, and their whole records count. Everything else that does not fit
// is damage: it is named, and reading goes on behind it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/journal/ahead.h"
#include "controlplane/journal/block.h"
#include "dataplane/base/error.h"

enum { JOURNAL_FINDINGS_MAX = 32, JOURNAL_PATH_MAX = 512 };

struct journal_finding {
    uint64_t segment, block;
    uint64_t offset; // in the file
    uint64_t record; // the first that is concerned
    uint64_t lost;   // records that are missing; 0: not known, or none
    bool torn;       // the end of what was written, not damage
    char what[96];
};

struct journal_reader {
    char directory[JOURNAL_PATH_MAX];
    uint64_t *segments; // numbers, ascending
    uint32_t segment_count;
    uint32_t at_segment;   // index
    int fd;                // of the open segment; -1: none
    uint64_t offset;       // of the next block
    uint8_t *bytes;        // JOURNAL_BLOCK_MAX of them
    const uint8_t *window; // what is known of the file, many blocks where they are small
    uint64_t from, there;  // which of its bytes, and how many
    uint32_t ahead;        // how many are read at once
    const uint8_t *block;  // whose records are given out
    uint32_t cursor, end;  // in it
    struct journal_segment_header header;
    struct block_place place; // of the next block
    uint64_t number;          // of the next record
    uint64_t blocks, records;
    uint64_t closed_ns;     // of the last block
    bool closed;            // in order: nothing is missing at the end
    bool broken;            // the directory or a file cannot be read
    bool follows;           // the journal is being written
    bool unhashed;          // hashes are not looked at
    struct ahead *helper;   // reads ahead; null: nobody does
    uint64_t committed;     // then: the last record that is given out
    uint32_t torn, damaged; // findings of each kind
    uint32_t finding_count; // of those kept
    struct journal_finding findings[JOURNAL_FINDINGS_MAX];
};

// <skip>: segments to leave out at the beginning; past the last: only the last. False: EXIT_FAILED.
bool journal_reader_open(struct journal_reader *r, const char *directory, uint32_t skip,
                         struct error *err);
void journal_reader_close(struct journal_reader *r);
// Before the first record: begins with this segment, or the first that is there behind it.
void journal_reader_from(struct journal_reader *r, uint64_t segment);
// The journal is being written meanwhile: null at its end means not yet. Records behind
// r->committed are not given out; the caller moves it with what is durable, UINT64_MAX takes every
// whole record that can be seen.
void journal_reader_follow(struct journal_reader *r, uint64_t committed);
// Behind an <err> of journal_reader_next, where nothing is read ahead: segments that went before
// they were read are passed over, which is a finding. False: that is not why, <err> stays.
bool journal_reader_pass(struct journal_reader *r, struct error *err);
// Before the first record: checksums, numbers and order are checked, hashes are not. That finds
// what a disk does to a journal, not what somebody does who makes new checksums, and it is many
// times quicker.
void journal_reader_unhashed(struct journal_reader *r);
// The same: a thread reads the segments that are there ahead, <direct>: past the page cache.
void journal_reader_ahead(struct journal_reader *r, bool direct);
// The next record; null at the end, or with <err> when the disk does not give what it has. Good
// until the next call.
const struct journal_record *journal_reader_next(struct journal_reader *r, struct error *err);
// The same as one line of text.
void journal_finding_text(const struct journal_finding *f, char *out, uint32_t out_len);
// The header of one of the reader's segments, without entering it. False: there is none that is
// good.
bool journal_segment_header_of(const struct journal_reader *r, uint64_t segment,
                               struct journal_segment_header *header);
// Path of a segment; false: too long.
bool journal_segment_path(const char *directory, uint64_t segment, char out[JOURNAL_PATH_MAX]);
