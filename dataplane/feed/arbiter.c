// Hot path.
#include "dataplane/feed/arbiter.h"

#include <string.h>

#include "dataplane/base/check.h"

uint64_t arbiter_bytes(uint32_t held_max)
{
    return cache_lines(held_max * sizeof(struct arbiter_held)) +
           cache_lines(held_max * sizeof(struct arbiter_order)) +
           cache_lines(held_max * sizeof(uint32_t));
}

void arbiter_init(struct arbiter *a, uint32_t held_max, void *memory)
{
    MUST((uintptr_t)memory % CACHE_LINE == 0);
    uint8_t *at = memory;
    memset(a, 0, sizeof *a);
    a->held_max = held_max;
    a->slots = (struct arbiter_held *)(void *)at;
    at += cache_lines(held_max * sizeof(struct arbiter_held));
    a->heap = (struct arbiter_order *)(void *)at;
    at += cache_lines(held_max * sizeof(struct arbiter_order));
    a->free_slots = (uint32_t *)(void *)at;
    for (uint32_t i = 0; i < held_max; i++)
        a->free_slots[i] = held_max - 1 - i;
}

void arbiter_start(struct arbiter *a, uint64_t next)
{
    // A snapshot that is older than what was delivered: its copies are wanted again. Those of
    // packets that wait are not.
    for (uint32_t i = 0; next < a->next && i < ARBITER_RECENT; i++)
        if (a->recent[i].sequence < a->next)
            a->recent[i].sequence = 0;
    a->next = next;
    if (a->seen_end < next)
        a->seen_end = next;
}

void arbiter_forget(struct arbiter *a)
{
    a->next = 0;
    a->seen_end = 0;
    memset(a->recent, 0, sizeof a->recent);
    memset(a->lines, 0, sizeof a->lines);
}

static uint32_t recent_slot(uint64_t sequence)
{
    return (uint32_t)((sequence * UINT64_C(0x9E3779B97F4A7C15)) >> 54) & (ARBITER_RECENT - 1);
}

// What this packet says about its own line: numbers skipped before it, or that it comes late.
static void line_track(struct arbiter_line *l, const struct feed_packet *packet, uint32_t slot,
                       struct arbiter_offer *out)
{
    const uint64_t end = packet->sequence + packet->count;
    if (LIKELY(packet->sequence == l->next)) {
        l->next = end;
    } else if (packet->sequence > l->next) {
        out->line_gap = l->next ? packet->sequence - l->next : 0;
        l->next = end;
    } else {
        out->late = l->seen[slot] != packet->sequence;
        if (end > l->next)
            l->next = end;
    }
    l->seen[slot] = packet->sequence;
}

void arbiter_near(const struct arbiter *a)
{
    const uint32_t slot = recent_slot(a->next);
    PREFETCHW(&a->recent[slot]);
    for (uint32_t i = 0; i < ARBITER_LINES; i++) {
        PREFETCHW(&a->lines[i].next);
        PREFETCHW(&a->lines[i].seen[slot]);
    }
}

static void heap_push(struct arbiter *a, uint64_t sequence, uint32_t slot)
{
    uint32_t at = a->held++;
    while (at > 0 && a->heap[(at - 1) / 2].sequence > sequence) {
        a->heap[at] = a->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    a->heap[at] = (struct arbiter_order){.sequence = sequence, .slot = slot};
}

static void heap_pop(struct arbiter *a)
{
    const struct arbiter_order last = a->heap[--a->held];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= a->held)
            break;
        if (child + 1 < a->held && a->heap[child + 1].sequence < a->heap[child].sequence)
            child++;
        if (a->heap[child].sequence >= last.sequence)
            break;
        a->heap[at] = a->heap[child];
        at = child;
    }
    a->heap[at] = last;
}

static uint32_t slot_take(struct arbiter *a, uint32_t line, const struct feed_packet *packet,
                          const struct frame *frame, uint64_t now)
{
    const uint32_t slot = a->free_slots[a->held_max - 1 - a->used++];
    a->slots[slot] = (struct arbiter_held){
        .packet = *packet, .frame = *frame, .arrived = now, .line = (uint8_t)line};
    return slot;
}

static void slot_give(struct arbiter *a, uint32_t slot)
{
    a->free_slots[a->held_max - a->used--] = slot;
}

static enum arbiter_verdict hold(struct arbiter *a, uint32_t line, const struct feed_packet *packet,
                                 const struct frame *frame, uint64_t now)
{
    if (UNLIKELY(a->used == a->held_max))
        return ARBITER_FULL;
    heap_push(a, packet->sequence, slot_take(a, line, packet, frame, now));
    return ARBITER_HOLD;
}

struct arbiter_offer arbiter_offer(struct arbiter *a, uint32_t line,
                                   const struct feed_packet *packet, const struct frame *frame,
                                   uint64_t now, bool hold_all)
{
    struct arbiter_offer out = {.verdict = ARBITER_DUPLICATE};
    const uint64_t end = packet->sequence + packet->count;
    const uint32_t slot = recent_slot(packet->sequence);
    struct arbiter_recent *recent = &a->recent[slot];
    line_track(&a->lines[line], packet, slot, &out);
    if (end > a->seen_end)
        a->seen_end = end;
    // The same packet is here already, delivered or held.
    if (recent->sequence == packet->sequence && recent->count >= packet->count) {
        out.lag_known = recent->line != line;
        out.lag = now - recent->arrived;
        out.first_line = (uint8_t)recent->line;
        return out;
    }
    if (UNLIKELY(end <= a->next))
        return out;
    if (LIKELY(packet->sequence <= a->next && !hold_all)) {
        out.skip = (uint32_t)(a->next - packet->sequence);
        out.verdict = ARBITER_DELIVER;
    } else {
        out.verdict = hold(a, line, packet, frame, now);
        if (out.verdict == ARBITER_FULL)
            return out; // not remembered: the next copy may find room
    }
    *recent = (struct arbiter_recent){
        .sequence = packet->sequence, .arrived = now, .count = packet->count, .line = line};
    return out;
}

uint64_t arbiter_heartbeat(struct arbiter *a, uint32_t line, uint64_t next)
{
    struct arbiter_line *l = &a->lines[line];
    uint64_t lost = l->next && next > l->next ? next - l->next : 0;
    if (next > l->next)
        l->next = next;
    if (next > a->seen_end)
        a->seen_end = next;
    return lost;
}

void arbiter_unremember(struct arbiter *a, uint64_t sequence)
{
    struct arbiter_recent *recent = &a->recent[recent_slot(sequence)];
    if (recent->sequence == sequence)
        recent->sequence = 0;
}

bool arbiter_pop(struct arbiter *a, bool any, struct arbiter_held *out)
{
    if (a->held == 0 || (!any && a->heap[0].sequence > a->next))
        return false;
    uint32_t slot = a->heap[0].slot;
    *out = a->slots[slot];
    heap_pop(a);
    slot_give(a, slot);
    return true;
}

bool arbiter_set_aside(struct arbiter *a, uint32_t index, uint32_t line,
                       const struct feed_packet *packet, const struct frame *frame, uint64_t now)
{
    struct arbiter_aside *all = &a->aside[index];
    if (a->used == a->held_max)
        return false;
    const uint32_t slot = slot_take(a, line, packet, frame, now);
    if (all->count == 0) {
        all->first = slot;
        all->lowest = packet->sequence;
    } else {
        a->slots[all->last].aside_next = slot;
        all->lowest = packet->sequence < all->lowest ? packet->sequence : all->lowest;
    }
    all->last = slot;
    all->count++;
    return true;
}

bool arbiter_take_aside(struct arbiter *a, uint32_t index, struct arbiter_held *out)
{
    struct arbiter_aside *all = &a->aside[index];
    if (all->count == 0)
        return false;
    const uint32_t slot = all->first;
    *out = a->slots[slot];
    all->first = out->aside_next;
    all->count--;
    slot_give(a, slot);
    return true;
}
