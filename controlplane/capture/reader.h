// Reads the files of a capture: the records of all lanes in the order in which they were written,
// each lane's own without a hole or with the news of one. Nothing in a file is believed.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/capture/format.h"
#include "controlplane/capture/records.h"
#include "dataplane/base/error.h"

enum capture_item_kind {
    CAPTURE_ITEM_END,      // of the bytes
    CAPTURE_ITEM_INSTANCE, // whose records follow
    CAPTURE_ITEM_RECORD,
    CAPTURE_ITEM_BAD, // <why>: nothing more can be read of these bytes
};

struct capture_item {
    enum capture_item_kind kind;
    struct capture_instance instance;
    uint32_t lane;
    uint64_t position; // of the record in the lane's stream
    uint64_t behind;   // of the next one
    struct capture_parsed record;
    const uint8_t *data; // of a frame: data_len bytes
    uint64_t utc_ns;     // of its packet
    const char *why;
};

// One file, in memory.
struct capture_bytes {
    const uint8_t *bytes;
    uint64_t len;
    uint64_t at;     // next block
    uint64_t packet; // next block that may be a frame's packet
    const uint8_t *records;
    uint64_t records_len, records_at;
    uint64_t position; // of the record at records_at
    uint64_t end;      // behind the piece
    uint32_t lane;
    bool instance_seen;
};

void capture_bytes_open(struct capture_bytes *b, const void *bytes, uint64_t len);
void capture_bytes_next(struct capture_bytes *b, struct capture_item *item);

// Bytes up to the end of the last whole block: what is behind was on its way when its writer ended.
uint64_t capture_bytes_whole(const void *bytes, uint64_t len);

// --- a directory

enum { CAPTURE_FILES_MAX = 1 << 16 };

struct capture_reader {
    char directory[512];
    uint64_t *files;
    size_t count, next;
    void *map;
    uint64_t map_len;
    bool torn; // behind what is mapped of the last file something stands that is no whole block
    struct capture_bytes bytes;
    struct capture_instance instance; // of the file in work
    uint64_t expected[LANES_MAX];     // position of the next record
    bool known[LANES_MAX];            // it is
    uint64_t holes;                   // pieces that are missing
    char why[160];                    // the first of them, or what cannot be read
};

// False: EXIT_FAILED.
bool capture_reader_open(struct capture_reader *r, const char *directory, struct error *err);
void capture_reader_close(struct capture_reader *r);
// The next record, or CAPTURE_ITEM_INSTANCE when another instance's begin; CAPTURE_ITEM_END at the
// end of the last file. A piece that is there twice is given once. False: <err>.
bool capture_reader_next(struct capture_reader *r, struct capture_item *item, struct error *err);
