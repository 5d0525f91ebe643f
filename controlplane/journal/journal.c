#include "controlplane/journal/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/journal/reader.h"
#include "controlplane/journal/retain.h"

enum { CLOSE_MS = 10000 };

static uint64_t utc_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// --- segments ---

// What a disk without space has not taken it can be given again: nothing of it was synced.
static void stop(struct journal *j, int error, uint64_t now_ns)
{
    j->state = error == ENOSPC || error == EDQUOT ? JOURNAL_FULL : JOURNAL_FAILED;
    j->error = error;
    j->retry_ns = now_ns + JOURNAL_RETRY_MS * UINT64_C(1000000);
}

// Space behind the last block was kept for blocks that go elsewhere now. What cannot be given back
// stays: readers pass over it.
static void tail_return(struct journal *j)
{
    if (j->disk.fd >= 0 && j->offset < j->config.segment_bytes)
        (void)!ftruncate(j->disk.fd, (off_t)j->offset);
}

// The next segment; nothing is on its way. Its header links it to the last block.
static bool segment_next(struct journal *j, uint64_t now_ns)
{
    char path[JOURNAL_PATH_MAX];
    _Alignas(JOURNAL_ALIGN_MAX) uint8_t bytes[JOURNAL_ALIGN_MAX] = {0};
    struct journal_segment_header h = j->header;
    h.segment++;
    h.first_record = j->number;
    h.created_ns = utc_now_ns();
    memcpy(h.previous, j->place.previous, sizeof h.previous);
    segment_header_close(&h);
    memcpy(bytes, &h, sizeof h);
    int failed = ENAMETOOLONG;
    tail_return(j);
    if (journal_segment_path(j->directory, h.segment, path))
        failed = j->disk.ops->segment(&j->disk, path, j->config.segment_bytes, bytes);
    if (failed) {
        stop(j, failed, now_ns);
        return false;
    }
    j->state = JOURNAL_WRITING;
    j->error = 0;
    j->header = h;
    j->offset = h.align;
    j->place.segment = h.segment;
    j->place.block = 0;
    sha256(&h, sizeof h, j->place.previous);
    journal_retain(j);
    return true;
}

// --- blocks ---

static uint32_t slot_next(uint32_t slot)
{
    return (slot + 1) % DISK_SLOTS;
}

static bool any(const struct journal *j, enum slot_state state)
{
    for (uint32_t i = 0; i < DISK_SLOTS; i++)
        if (j->slots[i].state == state)
            return true;
    return false;
}

static bool on_its_way(const struct journal *j)
{
    return any(j, SLOT_ON_ITS_WAY) || any(j, SLOT_REFUSED);
}

static void slot_send(struct journal *j, uint32_t slot)
{
    j->slots[slot].state = SLOT_ON_ITS_WAY;
    j->disk.ops->submit(&j->disk, slot, j->slots[slot].len, j->slots[slot].offset);
}

static void block_leave(struct journal *j, uint32_t flags)
{
    struct journal_slot *s = &j->slots[j->filling];
    j->place.committed = j->committed;
    const uint32_t len =
        block_close(&s->block, &j->place, j->header.align, utc_now_ns(), flags, j->place.previous);
    s->mark = j->mark;
    s->len = len;
    s->offset = j->offset;
    slot_send(j, j->filling);
    j->offset += len;
    j->place.block++;
    j->bytes += len;
    j->blocks += s->block.records > 0; // as their latencies are counted
    j->filling = slot_next(j->filling);
}

// A segment is of one day (UTC), so that what is old can go however little is written.
static bool of_today(const struct journal *j)
{
    const uint64_t day_ns = 86400 * UINT64_C(1000000000);
    return j->header.created_ns / day_ns == utc_now_ns() / day_ns;
}

// And the mark behind it.
static bool block_fits(const struct journal *j)
{
    return j->header.segment && of_today(j) &&
           j->offset + JOURNAL_BLOCK_MAX + JOURNAL_ALIGN_MAX <= j->config.segment_bytes;
}

static struct journal_slot *block_fill(struct journal *j, uint64_t now_ns)
{
    struct journal_slot *s = &j->slots[j->filling];
    block_begin(&s->block, disk_slot(&j->disk, j->filling),
                j->config.block_bytes ? j->config.block_bytes : JOURNAL_BLOCK_MAX, j->number);
    s->state = SLOT_FILLING;
    s->begun_ns = now_ns;
    return s;
}

// A block that fills; null: all are on their way, or a new segment has to wait for them.
static struct journal_slot *block_open(struct journal *j, uint64_t now_ns)
{
    struct journal_slot *s = &j->slots[j->filling];
    if (s->state == SLOT_FILLING)
        return s;
    if (j->state == JOURNAL_FAILED || s->state != SLOT_FREE)
        return NULL;
    const bool rotate = !block_fits(j);
    if (rotate && (on_its_way(j) || (j->state == JOURNAL_FULL && now_ns < j->retry_ns) ||
                   !segment_next(j, now_ns)))
        return NULL;
    block_fill(j, now_ns);
    if (rotate && j->number > 1) {
        block_add(&s->block, JOURNAL_CURSORS, 0, &j->cursors, sizeof j->cursors);
        j->number++;
    }
    return s;
}

static bool record_add(struct journal *j, enum journal_record_type type, uint8_t ring,
                       const void *payload, uint32_t len, uint64_t now_ns)
{
    for (int tries = 0; tries < 2; tries++) {
        struct journal_slot *s = block_open(j, now_ns);
        if (s == NULL)
            return false;
        if (block_add(&s->block, type, ring, payload, len)) {
            j->number++;
            return true;
        }
        block_leave(j, 0); // full
    }
    return false;
}

// --- records ---

void journal_limits(struct journal *j, uint32_t lane, uint64_t version, uint64_t hash)
{
    j->header.limits[lane] = (struct journal_limits){.hash = hash, .version = version};
}

bool journal_instance(struct journal *j, const struct journal_instance *instance, uint64_t now_ns)
{
    // A segment that begins with this record has it in its header too.
    const struct journal_instance before = j->header.instance;
    j->header.instance = *instance;
    if (!record_add(j, JOURNAL_INSTANCE, 0, instance, sizeof *instance, now_ns)) {
        j->header.instance = before;
        return false;
    }
    if (j->cursors.epoch != instance->epoch)
        j->cursors = (struct journal_cursors){.epoch = instance->epoch};
    memset(&j->mark, 0, sizeof j->mark);
    return true;
}

bool journal_event(struct journal *j, uint32_t source, enum event_ring_kind kind,
                   const struct event *event, uint64_t cursor, uint64_t now_ns)
{
    uint64_t *last = &j->cursors.sequence[source][kind];
    if (event->sequence > *last) {
        if (!record_add(j, JOURNAL_EVENT, (uint8_t)kind, event, sizeof *event, now_ns))
            return false;
        *last = event->sequence;
    }
    j->mark.cursor[source][kind] = cursor;
    return true;
}

bool journal_note(struct journal *j, enum journal_record_type type, const void *payload,
                  uint32_t len, uint64_t now_ns)
{
    return record_add(j, type, 0, payload, len, now_ns);
}

// --- what becomes durable ---

static bool take_note(struct journal *j, const struct disk_done *done, uint64_t now_ns)
{
    struct journal_slot *s = &j->slots[done->slot];
    if (done->error) {
        s->state = SLOT_REFUSED;
        if (j->state != JOURNAL_FAILED)
            stop(j, done->error, now_ns);
        return j->state != JOURNAL_FAILED;
    }
    s->state = SLOT_DURABLE;
    if (j->state == JOURNAL_FULL && !any(j, SLOT_REFUSED)) {
        j->state = JOURNAL_WRITING;
        j->error = 0;
    }
    if (s->block.records == 0)
        return true;
    const uint64_t took_ns = now_ns > s->begun_ns ? now_ns - s->begun_ns : 0;
    const uint64_t took_us = (took_ns + 999) / 1000;
    const uint32_t bits = took_us > 1 ? 64 - (uint32_t)__builtin_clzll(took_us - 1) : 0;
    j->latency[bits < JOURNAL_LATENCIES ? bits : JOURNAL_LATENCIES - 1]++;
    j->latency_ns += took_ns;
    return true;
}

uint64_t journal_waits_ns(const struct journal *j, uint64_t now_ns)
{
    const struct journal_slot *s = &j->slots[j->first];
    return s->state == SLOT_ON_ITS_WAY && now_ns > s->begun_ns ? now_ns - s->begun_ns : 0;
}

bool journal_idle(const struct journal *j)
{
    for (uint32_t i = 0; i < DISK_SLOTS; i++)
        if (j->slots[i].state != SLOT_FREE)
            return false;
    return true;
}

static void durable_tell(struct journal *j, const struct journal_slot *s)
{
    const struct journal_record *r;
    uint32_t at = 0;
    while (j->durable && (r = block_next(s->block.bytes, s->block.used, &at)) != NULL)
        j->durable(j->context, r);
}

// In order: a block counts when all before it do.
static bool committed_move(struct journal *j, uint64_t now_ns)
{
    bool moved = false;
    while (j->slots[j->first].state == SLOT_DURABLE && j->state != JOURNAL_FAILED) {
        struct journal_slot *s = &j->slots[j->first];
        j->committed = s->block.first_record + s->block.records - 1;
        j->committed_mark = s->mark;
        j->committed_ns = now_ns;
        j->marked = s->block.records == 0;
        durable_tell(j, s);
        s->state = SLOT_FREE;
        j->first = slot_next(j->first);
        moved = true;
    }
    // Events that stood in the journal already moved the mark without a record.
    if (j->first == j->filling && j->slots[j->filling].state == SLOT_FREE &&
        memcmp(&j->committed_mark, &j->mark, sizeof j->mark) != 0) {
        j->committed_mark = j->mark;
        moved = true;
    }
    return moved;
}

// The last block cannot say itself that it became durable: damage in it would pass for an end that
// a crash tore off. The block behind it says so, and where none follows an empty one does.
static void mark_leave(struct journal *j, uint64_t now_ns)
{
    if (j->marked || !journal_idle(j) || j->state != JOURNAL_WRITING ||
        now_ns - j->committed_ns < JOURNAL_MARK_MS * UINT64_C(1000000))
        return;
    block_fill(j, now_ns);
    block_leave(j, 0);
}

static void refused_send(struct journal *j, uint64_t now_ns)
{
    for (uint32_t i = 0; i < DISK_SLOTS && j->state == JOURNAL_FULL && now_ns >= j->retry_ns; i++)
        if (j->slots[i].state == SLOT_REFUSED)
            slot_send(j, i);
}

bool journal_turn(struct journal *j, uint64_t now_ns, uint32_t wait_us)
{
    struct disk_done done[DISK_SLOTS];
    const uint32_t count =
        j->disk.ops->reap(&j->disk, done, DISK_SLOTS, any(j, SLOT_ON_ITS_WAY) ? wait_us : 0);
    for (uint32_t i = 0; i < count; i++)
        if (!take_note(j, &done[i], now_ns))
            break;
    refused_send(j, now_ns);
    const struct journal_slot *s = &j->slots[j->filling];
    if (j->state == JOURNAL_WRITING && s->state == SLOT_FILLING &&
        (!on_its_way(j) || now_ns - s->begun_ns >= j->config.commit_ns))
        block_leave(j, 0);
    const bool moved = committed_move(j, now_ns);
    mark_leave(j, now_ns);
    if (now_ns - j->retained_ns >= JOURNAL_RETAIN_MS * UINT64_C(1000000)) {
        j->retained_ns = now_ns;
        journal_retain(j);
    }
    return moved;
}

// --- the end ---

// Everything that has left is durable; a disk that hangs does not keep us.
static bool all_durable(struct journal *j)
{
    const uint64_t begun = utc_now_ns();
    while (on_its_way(j) && j->state == JOURNAL_WRITING &&
           utc_now_ns() - begun < CLOSE_MS * UINT64_C(1000000))
        journal_turn(j, utc_now_ns(), 10000);
    return !on_its_way(j) && j->state == JOURNAL_WRITING;
}

bool journal_close(struct journal *j)
{
    bool whole = j->state == JOURNAL_WRITING;
    if (whole && j->slots[j->filling].state == SLOT_FILLING)
        block_leave(j, 0);
    // The last block says of those before it that they are durable.
    whole = whole && all_durable(j);
    if (whole && j->header.segment && block_open(j, utc_now_ns()))
        block_leave(j, JOURNAL_CLOSED);
    else
        whole = whole && j->header.segment == 0;
    whole = whole && all_durable(j);
    if (whole)
        tail_return(j);
    journal_unlock(j);
    disk_close(&j->disk);
    return whole;
}
