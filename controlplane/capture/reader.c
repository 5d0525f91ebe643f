#include "controlplane/capture/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/capture/files.h"
#include "controlplane/capture/pcapng.h"

enum { LAST_TRIES = 5, LAST_NAP_MS = 100 };

// --- blocks ---

struct block {
    uint32_t type;
    const uint8_t *body;
    uint64_t len; // of the body
};

static uint32_t word_at(const uint8_t *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

// The block at *<at>, which moves behind it. False: none, or not a whole one; zeros are what a
// writer that ended amid work has left.
static bool block_at(const struct capture_bytes *b, uint64_t *at, struct block *block)
{
    if (b->len - *at < PCAPNG_BLOCK_BYTES)
        return false;
    const uint64_t len = word_at(b->bytes + *at + 4);
    block->type = word_at(b->bytes + *at);
    if (len < PCAPNG_BLOCK_BYTES || len % 4 || len > b->len - *at ||
        word_at(b->bytes + *at + len - 4) != len)
        return false;
    block->body = b->bytes + *at + 8;
    block->len = len - PCAPNG_BLOCK_BYTES;
    *at += len;
    return true;
}

static bool unwritten(const struct capture_bytes *b, uint64_t at)
{
    return b->len - at < PCAPNG_BLOCK_BYTES ||
           (word_at(b->bytes + at) == 0 && word_at(b->bytes + at + 4) == 0);
}

void capture_bytes_open(struct capture_bytes *b, const void *bytes, uint64_t len)
{
    *b = (struct capture_bytes){.bytes = bytes, .len = len};
}

uint64_t capture_bytes_whole(const void *bytes, uint64_t len)
{
    const struct capture_bytes b = {.bytes = bytes, .len = len};
    struct block block;
    uint64_t at = 0;
    while (block_at(&b, &at, &block))
        continue;
    return at;
}

static void bad(struct capture_item *item, const char *why)
{
    item->kind = CAPTURE_ITEM_BAD;
    item->why = why;
}

// --- records ---

// The packet of the frame in <item>.
static bool frame_take(struct capture_bytes *b, struct capture_item *item)
{
    enum { FIXED = 20 };
    struct block block;
    do {
        if (!block_at(b, &b->packet, &block) || block.type == PCAPNG_RECORDS)
            return false;
    } while (block.type != PCAPNG_PACKET);
    if (block.len < FIXED || word_at(block.body + 12) != item->record.data_len ||
        block.len - FIXED < item->record.data_len)
        return false;
    item->utc_ns = (uint64_t)word_at(block.body + 4) << 32 | word_at(block.body + 8);
    item->data = block.body + FIXED;
    return true;
}

static void record_take(struct capture_bytes *b, struct capture_item *item)
{
    struct capture_parsed *r = &item->record;
    if (capture_record_next(b->records + b->records_at, b->records_len - b->records_at, true, r) !=
        CAPTURE_CODE_RECORD) {
        bad(item, "a record that makes no sense");
        return;
    }
    item->kind = CAPTURE_ITEM_RECORD;
    item->lane = b->lane;
    item->position = b->position;
    b->position += (uint64_t)r->header.units * CAPTURE_UNIT;
    b->records_at += r->len;
    if (b->records_at == b->records_len) // behind what was skipped at the ring's end
        b->position = b->end;
    item->behind = b->position;
    if (capture_is_frame(r) && !frame_take(b, item))
        bad(item, "a frame without its packet");
}

static void piece_begin(struct capture_bytes *b, const struct block *block,
                        struct capture_item *item)
{
    struct capture_piece_header header;
    if (block->len < sizeof header || !b->instance_seen) {
        bad(item, "records of nobody");
        return;
    }
    memcpy(&header, block->body, sizeof header);
    if (header.lane >= LANES_MAX || header.position % CAPTURE_UNIT ||
        header.end <= header.position) {
        bad(item, "records of no lane");
        return;
    }
    b->lane = header.lane;
    b->position = header.position;
    b->end = header.end;
    b->records = block->body + sizeof header;
    b->records_len = block->len - sizeof header;
    b->records_at = 0;
    b->packet = b->at;
}

static void instance_take(struct capture_bytes *b, const struct block *block,
                          struct capture_item *item)
{
    if (block->len != sizeof item->instance) {
        bad(item, "another version of the capture's format");
        return;
    }
    memcpy(&item->instance, block->body, sizeof item->instance);
    if (item->instance.version != CAPTURE_VERSION || item->instance.lanes > LANES_MAX ||
        item->instance.ports > PORTS_MAX || item->instance.clock.tsc_hz == 0) {
        bad(item, "another version of the capture's format");
        return;
    }
    item->instance.node[sizeof item->instance.node - 1] = 0;
    b->instance_seen = true;
    item->kind = CAPTURE_ITEM_INSTANCE;
}

void capture_bytes_next(struct capture_bytes *b, struct capture_item *item)
{
    struct block block;
    *item = (struct capture_item){.kind = CAPTURE_ITEM_END};
    while (b->records_at >= b->records_len) {
        if (!block_at(b, &b->at, &block)) {
            if (b->at < b->len && !unwritten(b, b->at))
                bad(item, "a block that is not whole");
            return;
        }
        if (block.type == PCAPNG_INSTANCE) {
            instance_take(b, &block, item);
            return;
        }
        if (block.type == PCAPNG_RECORDS)
            piece_begin(b, &block, item);
        if (item->kind == CAPTURE_ITEM_BAD)
            return;
    }
    record_take(b, item);
}

// --- a directory ---

bool capture_reader_open(struct capture_reader *r, const char *directory, struct error *err)
{
    memset(r, 0, sizeof *r);
    if (snprintf(r->directory, sizeof r->directory, "%s", directory) >= (int)sizeof r->directory)
        return error_set(err, EXIT_USAGE, "%s: the path is too long", directory);
    r->files = calloc(CAPTURE_FILES_MAX, sizeof *r->files);
    r->count = r->files ? capture_file_list(directory, r->files, CAPTURE_FILES_MAX) : SIZE_MAX;
    if (r->count != SIZE_MAX && r->count > 0)
        return true;
    const bool none = r->count == 0;
    const int cause = errno;
    capture_reader_close(r);
    return none ? error_set(err, EXIT_FAILED, "%s: no file of a capture is there", directory)
                : error_set(err, EXIT_FAILED, "%s: %s", directory, strerror(cause));
}

static void unmap(struct capture_reader *r)
{
    if (r->map)
        munmap(r->map, r->map_len);
    r->map = NULL;
}

void capture_reader_close(struct capture_reader *r)
{
    unmap(r);
    free(r->files);
    r->files = NULL;
    r->count = 0;
}

// Bytes of the whole blocks that the file begins with. *<torn>: something else than zeros follows.
static uint64_t written_bytes(int fd, bool *torn)
{
    uint8_t *bytes = malloc(JOURNAL_BLOCK_MAX);
    uint64_t at = 0, whole = 0;
    ssize_t got = -1;
    do {
        at += whole;
        got = bytes ? pread(fd, bytes, JOURNAL_BLOCK_MAX, (off_t)at) : -1;
        whole = got > 0 ? capture_bytes_whole(bytes, (uint64_t)got) : 0;
    } while (whole);
    const struct capture_bytes rest = {.bytes = bytes, .len = got > 0 ? (uint64_t)got : 0};
    *torn = got < 0 || !unwritten(&rest, 0);
    free(bytes);
    return at;
}

static bool makes_sense(const struct capture_reader *r)
{
    struct capture_bytes bytes;
    struct capture_item item;
    capture_bytes_open(&bytes, r->map, r->map_len);
    do
        capture_bytes_next(&bytes, &item);
    while (item.kind != CAPTURE_ITEM_END && item.kind != CAPTURE_ITEM_BAD);
    return item.kind == CAPTURE_ITEM_END;
}

// The last file may be written at this moment. What was preallocated may be taken off it, and
// whoever looks at that through a map dies of it; and what is on its way there becomes whole soon.
static bool last_map(struct capture_reader *r, int fd)
{
    const struct timespec nap = {.tv_nsec = LAST_NAP_MS * 1000000L};
    for (uint32_t tries = 1;; tries++) {
        r->map_len = written_bytes(fd, &r->torn);
        if (r->map_len)
            r->map = mmap(NULL, r->map_len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (r->map == MAP_FAILED || (!r->torn && (r->map == NULL || makes_sense(r))) ||
            tries == LAST_TRIES)
            break;
        unmap(r);
        nanosleep(&nap, NULL);
    }
    r->map = r->map == MAP_FAILED ? NULL : r->map;
    return r->map_len == 0 || r->map;
}

static bool file_open(struct capture_reader *r, struct error *err)
{
    char path[CAPTURE_PATH_MAX];
    struct stat status;
    unmap(r);
    if (!capture_file_path(r->directory, r->files[r->next++], path))
        return error_set(err, EXIT_FAILED, "%s: the path is too long", r->directory);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool there = fd >= 0 && fstat(fd, &status) == 0;
    const int cause = errno;
    bool mapped = there;
    if (there && r->next == r->count) {
        mapped = last_map(r, fd);
    } else if (there && status.st_size > 0) {
        r->map_len = (uint64_t)status.st_size;
        r->map = mmap(NULL, r->map_len, PROT_READ, MAP_PRIVATE, fd, 0);
        r->map = r->map == MAP_FAILED ? NULL : r->map;
        mapped = r->map != NULL;
    }
    const int failed = there ? errno : cause;
    if (fd >= 0)
        close(fd);
    if (!mapped)
        return error_set(err, EXIT_FAILED, "%s: %s", path, strerror(failed));
    capture_bytes_open(&r->bytes, r->map, r->map ? r->map_len : 0);
    return true;
}

static void hole(struct capture_reader *r, const char *what, uint32_t lane, uint64_t bytes)
{
    if (r->holes++ == 0)
        snprintf(r->why, sizeof r->why,
                 "file %016" PRIu64 ": %s (lane %u, %" PRIu64 " bytes of its records)",
                 r->next ? r->files[r->next - 1] : 0, what, lane, bytes);
}

// False: it has been given already.
static bool in_order(struct capture_reader *r, const struct capture_item *item)
{
    uint64_t *expected = &r->expected[item->lane];
    if (r->known[item->lane] && item->position < *expected)
        return false;
    if (r->known[item->lane] && item->position > *expected)
        hole(r, "a piece before it is missing", item->lane, item->position - *expected);
    r->known[item->lane] = true;
    *expected = item->behind;
    return true;
}

bool capture_reader_next(struct capture_reader *r, struct capture_item *item, struct error *err)
{
    for (;;) {
        *item = (struct capture_item){.kind = CAPTURE_ITEM_END};
        if (r->map)
            capture_bytes_next(&r->bytes, item);
        switch (item->kind) {
        case CAPTURE_ITEM_RECORD:
            if (in_order(r, item))
                return true;
            break;
        case CAPTURE_ITEM_INSTANCE: {
            const bool same = r->instance.epoch == item->instance.epoch;
            r->instance = item->instance;
            if (same)
                break;
            memset(r->known, 0, sizeof r->known);
            return true;
        }
        case CAPTURE_ITEM_BAD:
            hole(r, item->why, item->lane, 0);
            unmap(r);
            r->torn = false;
            break;
        case CAPTURE_ITEM_END:
            if (r->torn)
                hole(r, "a block that is not whole", 0, 0);
            r->torn = false;
            if (r->next == r->count)
                return true;
            if (!file_open(r, err))
                return false;
            break;
        }
    }
}
