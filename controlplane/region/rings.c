#include "controlplane/region/rings.h"

#include <string.h>

static void copy_seen(const struct region_view *view, void *context)
{
    struct rings_seen *seen = context;
    for (uint32_t s = 0; s < region_sources(&view->shape); s++)
        for (int kind = 0; kind < EVENT_RING_KINDS; kind++) {
            const struct event_ring *ring = region_ring(view, s, kind);
            seen->tail.at[s][kind] = atomic_load_explicit(&ring->tail, memory_order_acquire);
            seen->committed.at[s][kind] =
                atomic_load_explicit(&ring->committed, memory_order_acquire);
            seen->lost.at[s][kind] = atomic_load_explicit(&ring->lost, memory_order_relaxed);
        }
    for (uint32_t lane = 0; lane < view->shape.lanes; lane++) {
        const struct trade_board *b = region_trade_board(view, lane);
        seen->limits[lane] = (struct limits_seen){
            .version = atomic_load_explicit(&b->limits_version, memory_order_relaxed),
            .hash = atomic_load_explicit(&b->limits_hash, memory_order_relaxed)};
    }
}

bool rings_look(struct contact *contact, struct rings_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    if (!contact_attached(contact))
        return false;
    seen->sources = region_sources(&contact->reader.view.shape);
    return contact_pass(contact, copy_seen, seen);
}

static void copy_chunk(const struct region_view *view, void *context)
{
    struct ring_chunk *chunk = context;
    const struct event_ring *ring = region_ring(view, chunk->source, chunk->kind);
    locate_names_look(chunk->names, view, chunk->source, chunk->kind, &chunk->looked);
    chunk->damaged = !event_read(ring, region_ring_events(view, chunk->source, chunk->kind),
                                 region_ring_slots(view, chunk->kind), &chunk->cursor,
                                 chunk->events, RING_CHUNK, &chunk->count);
    if (chunk->damaged)
        chunk->cursor = atomic_load_explicit(&ring->tail, memory_order_acquire);
}

bool ring_read(struct contact *contact, struct ring_chunk *chunk)
{
    return contact_pass(contact, copy_chunk, chunk);
}

static void do_release(const struct region_view *view, void *context)
{
    const struct ring_cursors *to = context;
    for (uint32_t s = 0; s < region_sources(&view->shape); s++)
        for (int kind = 0; kind < EVENT_RING_KINDS; kind++) {
            struct event_ring *ring = region_ring(view, s, kind);
            if (to->at[s][kind] > atomic_load_explicit(&ring->committed, memory_order_relaxed))
                event_commit(ring, to->at[s][kind]);
        }
}

bool rings_release(struct contact *contact, const struct ring_cursors *to)
{
    return contact_pass(contact, do_release, (void *)(uintptr_t)to);
}

static void do_record(const struct region_view *view, void *context)
{
    const enum record_state *state = context;
    atomic_store_explicit(&region_record_word(view, 0)->state, *state, memory_order_release);
}

static void do_beat(const struct region_view *view, void *context)
{
    _Atomic uint64_t *beat = &region_record_word(view, 0)->beat;
    (void)context;
    atomic_store_explicit(beat, atomic_load_explicit(beat, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

bool rings_beat(struct contact *contact)
{
    return contact_pass(contact, do_beat, NULL);
}

bool rings_record(struct contact *contact, enum record_state state)
{
    return contact_pass(contact, do_record, &state);
}
