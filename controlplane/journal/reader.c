#include "controlplane/journal/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// --- the directory ---

bool journal_segment_path(const char *directory, uint64_t segment, char out[JOURNAL_PATH_MAX])
{
    int n = snprintf(out, JOURNAL_PATH_MAX, "%s/%016" PRIu64 JOURNAL_SUFFIX, directory, segment);
    return n > 0 && n < JOURNAL_PATH_MAX;
}

// Number of a segment's file; 0: another file.
static uint64_t name_number(const char *name)
{
    char *end;
    if (*name < '0' || *name > '9')
        return 0;
    uint64_t number = strtoull(name, &end, 10);
    return end - name == 16 && strcmp(end, JOURNAL_SUFFIX) == 0 ? number : 0;
}

static int is_segment(const struct dirent *d)
{
    return name_number(d->d_name) != 0;
}

static const char *remedy(int why, const char *otherwise)
{
    return why == EACCES ? "; run this as its owner or as root" : otherwise;
}

// Segments behind the last one known. False: <err>.
static bool segments_list(struct journal_reader *r, struct error *err)
{
    const uint64_t known = r->segment_count ? r->segments[r->segment_count - 1] : 0;
    struct dirent **names = NULL;
    const int count = scandir(r->directory, &names, is_segment, alphasort); // as by number
    if (count < 0)
        return error_set(err, EXIT_FAILED, "%s: %s%s", r->directory, strerror(errno),
                         remedy(errno, "; name a journal's directory"));
    uint64_t *segments =
        realloc(r->segments, (r->segment_count + (size_t)count + 1) * sizeof *segments);
    if (segments)
        r->segments = segments;
    for (int i = 0; i < count; i++) {
        if (segments && name_number(names[i]->d_name) > known)
            segments[r->segment_count++] = name_number(names[i]->d_name);
        free(names[i]);
    }
    free(names);
    if (segments == NULL)
        return error_set(err, EXIT_FAILED, "%s: no memory for its names", r->directory);
    return true;
}

// --- findings ---

// Every crash may have left a torn end: where there is no room any more the newest of them goes for
// damage. Null: there is none for this one.
static struct journal_finding *finding_place(struct journal_reader *r, bool torn)
{
    uint32_t i = r->finding_count;
    if (i < JOURNAL_FINDINGS_MAX)
        return &r->findings[r->finding_count++];
    while (!torn && i-- > 0)
        if (r->findings[i].torn) {
            memmove(&r->findings[i], &r->findings[i + 1],
                    (JOURNAL_FINDINGS_MAX - 1 - i) * sizeof r->findings[0]);
            return &r->findings[JOURNAL_FINDINGS_MAX - 1];
        }
    return NULL;
}

static void finding_add(struct journal_reader *r, bool torn, uint64_t lost, const char *what)
{
    r->torn += torn;
    r->damaged += !torn;
    struct journal_finding *f = finding_place(r, torn);
    if (f == NULL)
        return;
    *f = (struct journal_finding){.segment = r->place.segment,
                                  .block = r->place.block,
                                  .offset = r->offset,
                                  .record = r->number,
                                  .lost = lost,
                                  .torn = torn};
    snprintf(f->what, sizeof f->what, "%s", what);
}

void journal_finding_text(const struct journal_finding *f, char *out, uint32_t out_len)
{
    char lost[64] = "";
    if (f->lost)
        snprintf(lost, sizeof lost, "; %" PRIu64 " records are lost", f->lost);
    snprintf(
        out, out_len,
        "%s: segment %" PRIu64 " block %" PRIu64 " (byte %" PRIu64 ") record %" PRIu64 ": %s%s",
        f->torn ? "torn end" : "damage", f->segment, f->block, f->offset, f->record, f->what, lost);
}

// --- segments ---

// Up to <len> bytes; what the file does not have is missing in *<got>. False: the disk refuses.
static bool read_at(struct journal_reader *r, uint64_t offset, uint8_t *out, uint64_t len,
                    uint64_t *got, struct error *err)
{
    *got = 0;
    while (*got < len) {
        ssize_t n = pread(r->fd, out + *got, len - *got, (off_t)(offset + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            r->broken = true;
            return error_set(err, EXIT_FAILED,
                             "%s/%016" PRIu64 JOURNAL_SUFFIX ": byte %" PRIu64 ": %s", r->directory,
                             r->segments[r->at_segment], offset, strerror(errno));
        }
        if (n == 0)
            break;
        *got += (uint64_t)n;
    }
    return true;
}

static void segment_leave(struct journal_reader *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}

static bool segment_file(struct journal_reader *r, struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    if (!journal_segment_path(r->directory, r->segments[r->at_segment], path))
        return error_set(err, EXIT_FAILED, "%s: the path is too long", r->directory);
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    r->from = r->there = 0;
    r->ahead = JOURNAL_ALIGN_MAX;
    if (r->fd >= 0)
        return true;
    r->broken = true;
    return error_set(err, EXIT_FAILED, "%s: %s%s", path, strerror(errno), remedy(errno, ""));
}

bool journal_segment_header_of(const struct journal_reader *r, uint64_t segment,
                               struct journal_segment_header *header)
{
    uint8_t bytes[sizeof *header];
    char path[JOURNAL_PATH_MAX];
    const char *why;
    const int fd =
        journal_segment_path(r->directory, segment, path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    const ssize_t got = fd >= 0 ? pread(fd, bytes, sizeof bytes, 0) : -1;
    if (fd >= 0)
        close(fd);
    return got > 0 && segment_header_check(bytes, (uint64_t)got, header, &why);
}

// A file that was made and not written yet, as a crash may leave the last one.
static bool untouched(struct journal_reader *r, uint64_t got)
{
    for (uint64_t i = 0; i < got; i++)
        if (r->bytes[i])
            return false;
    return r->at_segment + 1 == r->segment_count;
}

// Records are missing before the segment; are whole segments?
static void ended_early(struct journal_reader *r, uint64_t lost)
{
    const uint64_t now = r->segments[r->at_segment];
    const uint64_t first = r->at_segment ? r->segments[r->at_segment - 1] + 1 : now;
    char what[96] = "the segment before ends too early";
    if (first + 1 == now)
        snprintf(what, sizeof what, "segment %" PRIu64 " is missing", first);
    else if (first < now)
        snprintf(what, sizeof what, "segments %" PRIu64 " to %" PRIu64 " are missing", first,
                 now - 1);
    finding_add(r, false, lost, what);
}

// How the header of a segment fits to what was read before.
static void header_follow(struct journal_reader *r, const struct journal_segment_header *before)
{
    const struct journal_segment_header *h = &r->header;
    if (h->segment != r->segments[r->at_segment])
        finding_add(r, false, 0, "the file has the name of another segment");
    if (before->segment == 0)
        return;
    if (memcmp(h->journal, before->journal, sizeof h->journal) != 0)
        finding_add(r, false, 0, "a segment of another journal");
    else if (h->first_record > r->number)
        ended_early(r, h->first_record - r->number);
    else if (h->first_record < r->number ||
             (!r->unhashed && memcmp(h->previous, r->place.previous, JOURNAL_HASH_LEN) != 0))
        finding_add(r, false, 0, "what stands in the segments before was changed");
}

// True: a segment is open. False: none is left, or <err>.
static bool segment_enter(struct journal_reader *r, struct error *err)
{
    const struct journal_segment_header before = r->header;
    for (; r->at_segment < r->segment_count; r->at_segment++, segment_leave(r)) {
        uint64_t got;
        const char *why;
        struct journal_segment_header h;
        if (!segment_file(r, err) || !read_at(r, 0, r->bytes, sizeof h, &got, err))
            return false;
        r->offset = 0;
        r->place.segment = r->segments[r->at_segment];
        r->place.block = 0;
        if (!segment_header_check(r->bytes, got, &h, &why)) {
            if (r->follows && untouched(r, got)) { // it is being made
                segment_leave(r);
                return false;
            }
            if (!untouched(r, got))
                finding_add(r, false, 0, why);
            continue;
        }
        r->header = h;
        header_follow(r, &before);
        r->closed = false;
        r->number = h.first_record;
        r->offset = h.align;
        if (!r->unhashed)
            sha256(&h, sizeof h, r->place.previous);
        return true;
    }
    return false;
}

// --- blocks ---

// What stands in this file behind a block that is not whole.
struct later {
    bool found; // a whole block that was made later: the first of them
    uint64_t offset;
    struct block_place place;
    uint64_t first_record;
};

// A whole block at <bytes> that was made later than the reader's place. True: it says that what is
// missing was durable.
static bool later_look(const struct journal_reader *r, const uint8_t *bytes, uint64_t len,
                       uint64_t offset, struct later *later)
{
    struct journal_block_header h;
    struct block_place place = {0};
    uint32_t whole, end;
    memcpy(&h, bytes, sizeof h);
    if (h.magic != JOURNAL_BLOCK_MAGIC || h.segment != r->place.segment ||
        h.block <= r->place.block || h.first_record < r->number)
        return false;
    place.segment = h.segment;
    place.block = h.block;
    memcpy(place.previous, h.previous, sizeof place.previous);
    // A block that goes on behind what was read looks cut here.
    const enum block_fault fault =
        block_check(bytes, len, r->header.align, &place, h.first_record, &h, &whole, &end);
    if (fault != BLOCK_GOOD && fault != BLOCK_CUT)
        return false;
    if (!later->found)
        *later = (struct later){true, offset, place, h.first_record};
    return h.committed >= r->number;
}

// True: something behind the reader's place says that what is missing there was durable. False:
// nobody was told so, though blocks that were on their way with it may be there; or <err>.
static bool later_find(struct journal_reader *r, struct later *later, struct error *err)
{
    uint64_t got = 1;
    const uint64_t step = r->header.align;
    *later = (struct later){0};
    r->there = 0;
    for (uint64_t from = r->offset + step; got; from += JOURNAL_BLOCK_MAX) {
        if (!read_at(r, from, r->bytes, JOURNAL_BLOCK_MAX, &got, err))
            return false;
        for (uint64_t at = 0; at + sizeof(struct journal_block_header) <= got; at += step)
            if (later_look(r, r->bytes + at, got - at, from + at, later))
                return true;
    }
    return false;
}

// It is damage, and the reader goes on at the next whole block.
static void later_take(struct journal_reader *r, const struct later *later)
{
    finding_add(r, false, later->first_record - r->number, "blocks are missing or destroyed");
    r->there = 0;
    r->offset = later->offset;
    r->place = later->place;
    r->number = later->first_record;
}

static void block_take(struct journal_reader *r, const struct journal_block_header *h, uint32_t end,
                       uint32_t whole)
{
    r->cursor = 0;
    r->end = end;
    r->blocks++;
    r->number += whole;
    r->closed = (h->flags & JOURNAL_CLOSED) != 0;
    r->closed_ns = h->closed_ns;
    r->offset += h->len;
    r->place.block++;
    if (!r->unhashed)
        sha256(r->block, end, r->place.previous);
}

// The end of a segment: what stands there is torn, or zeros.
static void segment_end(struct journal_reader *r, enum block_fault fault,
                        const struct journal_block_header *h, uint32_t whole, uint32_t end)
{
    if (fault != BLOCK_EMPTY) {
        char what[96];
        snprintf(what, sizeof what, "%s; %" PRIu32 " whole records of it count",
                 block_fault_text(fault), whole);
        finding_add(r, true, 0, what);
    }
    if (whole)
        block_take(r, h, end, whole);
    segment_leave(r);
    r->at_segment++;
}

// Bytes of the file from the reader's place on, as they are now. False: <err>.
static bool window_read(struct journal_reader *r, uint64_t len, struct error *err)
{
    r->window = r->bytes;
    r->from = r->offset;
    return read_at(r, r->offset, r->bytes, len, &r->there, err);
}

// ... as they were read ahead. False: they were not.
static bool window_take(struct journal_reader *r)
{
    const uint8_t *bytes = NULL;
    uint64_t there;
    if (r->helper)
        bytes = ahead_take(r->helper, r->segments[r->at_segment], r->offset, &there);
    if (bytes == NULL)
        return false;
    r->window = bytes;
    r->from = r->offset;
    r->there = there;
    return true;
}

// The block's end is there, or it is none.
static bool block_there(const struct journal_reader *r)
{
    struct journal_block_header h;
    const uint64_t left = r->from + r->there - r->offset;
    if (r->offset < r->from || r->offset > r->from + r->there || left < sizeof h)
        return false;
    memcpy(&h, r->window + (r->offset - r->from), sizeof h);
    return h.magic != JOURNAL_BLOCK_MAGIC || h.len <= left || h.len > JOURNAL_BLOCK_MAX;
}

// The block at the reader's place, of which *<got> bytes are there. <again>: as it is now; it may
// have been written since. *<fresh>: it is that. More and more is read at once, as long as what was
// read was good. False: <err>.
static bool block_load(struct journal_reader *r, bool again, bool *fresh, uint64_t *got,
                       struct error *err)
{
    const bool all_used = !again && r->there && r->offset >= r->from;
    *fresh = again || !(block_there(r) || (window_take(r) && block_there(r)));
    if (*fresh) {
        const uint32_t more = r->ahead < JOURNAL_BLOCK_MAX / 4 ? r->ahead * 4 : JOURNAL_BLOCK_MAX;
        r->ahead = all_used ? more : JOURNAL_ALIGN_MAX;
        if (!window_read(r, r->ahead, err) ||
            (r->there == r->ahead && !block_there(r) && !window_read(r, JOURNAL_BLOCK_MAX, err)))
            return false;
    }
    r->block = r->window + (r->offset - r->from);
    *got = r->from + r->there - r->offset;
    return true;
}

// ... and what is to be said of it.
static bool block_look(struct journal_reader *r, struct journal_block_header *h, uint32_t *whole,
                       uint32_t *end, enum block_fault *fault, struct error *err)
{
    uint64_t got;
    bool fresh = false;
    for (bool again = false;; again = true) {
        if (!block_load(r, again, &fresh, &got, err))
            return false;
        if (r->unhashed && got >= sizeof *h)
            memcpy(r->place.previous, r->block + offsetof(struct journal_block_header, previous),
                   sizeof r->place.previous);
        *fault = block_check(r->block, got, r->header.align, &r->place, r->number, h, whole, end);
        if (*fault == BLOCK_GOOD || fresh)
            return true;
    }
}

// Nothing behind what was read can be seen yet. A segment that has come meanwhile means that the
// one before has all its blocks.
static bool waits(struct journal_reader *r, struct error *err)
{
    const uint32_t count = r->segment_count;
    return r->follows && r->at_segment + 1 >= count &&
           (!segments_list(r, err) || r->segment_count == count);
}

// The next block with records to give out. False: there is none, or <err>.
static bool block_enter(struct journal_reader *r, struct error *err)
{
    struct journal_block_header h;
    struct later later;
    uint32_t whole, end;
    enum block_fault fault;
    while (!r->broken) {
        if (r->follows && r->number > r->committed && r->segment_count)
            return false;
        if (r->fd < 0 && !segment_enter(r, err)) {
            if (err->code != EXIT_OK || r->at_segment < r->segment_count || waits(r, err) ||
                r->at_segment >= r->segment_count)
                return false;
            continue;
        }
        if (!block_look(r, &h, &whole, &end, &fault, err))
            return false;
        if (fault == BLOCK_UNLINKED) {
            finding_add(r, false, 0, block_fault_text(fault));
            memcpy(r->place.previous, h.previous, sizeof h.previous);
            continue;
        }
        if (fault == BLOCK_GOOD) {
            block_take(r, &h, end, whole);
            if (whole)
                return true;
            continue;
        }
        const uint32_t segments = r->segment_count;
        if (r->follows && fault == BLOCK_EMPTY && waits(r, err))
            return false;
        if (r->segment_count > segments) // its last block may have come meanwhile
            continue;
        if (later_find(r, &later, err)) {
            // Where the journal is being written it may have come since it was looked at.
            if (!block_look(r, &h, &whole, &end, &fault, err))
                return false;
            if (fault != BLOCK_GOOD && fault != BLOCK_UNLINKED)
                later_take(r, &later);
            continue;
        }
        if (err->code != EXIT_OK || (r->follows && waits(r, err)))
            return false;
        if (r->segment_count > segments)
            continue;
        if (whole && !window_read(r, JOURNAL_BLOCK_MAX, err))
            return false;
        r->block = r->bytes;
        segment_end(r, fault, &h, whole, end);
        if (whole)
            return true;
    }
    return false;
}

// --- the reader ---

bool journal_reader_open(struct journal_reader *r, const char *directory, uint32_t skip,
                         struct error *err)
{
    *r = (struct journal_reader){.fd = -1, .number = 1};
    if (snprintf(r->directory, sizeof r->directory, "%s", directory) >= (int)sizeof r->directory)
        return error_set(err, EXIT_FAILED, "%s: the path is too long", directory);
    r->bytes = aligned_alloc(JOURNAL_ALIGN_MAX, JOURNAL_BLOCK_MAX);
    if (r->bytes == NULL)
        return error_set(err, EXIT_FAILED, "%s: no memory for a block", directory);
    if (!segments_list(r, err)) {
        journal_reader_close(r);
        return false;
    }
    r->at_segment = skip < r->segment_count ? skip : r->segment_count ? r->segment_count - 1 : 0;
    return true;
}

void journal_reader_from(struct journal_reader *r, uint64_t segment)
{
    while (r->at_segment + 1 < r->segment_count && r->segments[r->at_segment] < segment)
        r->at_segment++;
}

void journal_reader_follow(struct journal_reader *r, uint64_t committed)
{
    r->follows = true;
    r->committed = committed;
}

void journal_reader_ahead(struct journal_reader *r, bool direct)
{
    r->helper = ahead_start(r->directory, r->segments + r->at_segment,
                            r->segment_count - r->at_segment, direct);
}

bool journal_reader_pass(struct journal_reader *r, struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    struct error listing = {0};
    uint32_t next = r->at_segment;
    if (r->fd >= 0 || !segments_list(r, &listing))
        return false;
    while (next < r->segment_count && journal_segment_path(r->directory, r->segments[next], path) &&
           access(path, F_OK) != 0 && errno == ENOENT)
        next++;
    if (next == r->at_segment || next == r->segment_count)
        return false;
    r->segment_count -= next - r->at_segment;
    memmove(&r->segments[r->at_segment], &r->segments[next],
            (r->segment_count - r->at_segment) * sizeof *r->segments);
    r->broken = false;
    *err = (struct error){0};
    return true;
}

void journal_reader_unhashed(struct journal_reader *r)
{
    r->unhashed = true;
}

void journal_reader_close(struct journal_reader *r)
{
    segment_leave(r);
    ahead_stop(r->helper);
    r->helper = NULL;
    free(r->segments);
    free(r->bytes);
    r->segments = NULL;
    r->bytes = NULL;
}

const struct journal_record *journal_reader_next(struct journal_reader *r, struct error *err)
{
    const struct journal_record *record;
    while ((record = r->end ? block_next(r->block, r->end, &r->cursor) : NULL) == NULL) {
        r->end = 0;
        if (!block_enter(r, err))
            return NULL;
    }
    r->records++;
    return record;
}
