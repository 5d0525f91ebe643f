#include "controlplane/region/captures.h"

#include <string.h>

static uint32_t lanes_of(const struct region_view *view)
{
    return view->shape.capture_bytes ? view->shape.lanes : 0;
}

static void copy_seen(const struct region_view *view, void *context)
{
    struct captures_seen *seen = context;
    seen->lanes = lanes_of(view);
    for (uint32_t i = 0; i < seen->lanes; i++) {
        const struct capture_ring *r = region_capture_ring(view, i);
        seen->lane[i].tail = atomic_load_explicit(&r->tail, memory_order_acquire);
        seen->lane[i].head = atomic_load_explicit(&r->head, memory_order_relaxed);
        seen->lane[i].frames = atomic_load_explicit(&r->frames, memory_order_relaxed);
        seen->lane[i].ports = atomic_load_explicit(&r->ports, memory_order_relaxed);
        seen->lane[i].lost = atomic_load_explicit(&r->lost, memory_order_relaxed);
        seen->lane[i].lost_frames = atomic_load_explicit(&r->lost_frames, memory_order_relaxed);
        seen->lane[i].gaps = atomic_load_explicit(&r->gaps, memory_order_relaxed);
        seen->lane[i].holes = atomic_load_explicit(&r->holes, memory_order_relaxed);
        seen->lane[i].recording = atomic_load_explicit(&r->recording, memory_order_relaxed) != 0;
        seen->lane[i].wanted = atomic_load_explicit(&r->wanted, memory_order_relaxed) != 0;
        seen->lane[i].held = atomic_load_explicit(&r->held, memory_order_relaxed) != 0;
    }
}

bool captures_look(struct contact *contact, struct captures_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    return contact_attached(contact) && contact_pass(contact, copy_seen, seen);
}

bool captures_complete(const struct captures_seen *seen)
{
    for (uint32_t i = 0; i < seen->lanes; i++)
        if (seen->lane[i].lost || seen->lane[i].gaps || seen->lane[i].holes || seen->lane[i].held)
            return false;
    return true;
}

static void copy_piece(const struct region_view *view, void *context)
{
    struct capture_piece *p = context;
    const uint64_t size = view->shape.capture_bytes;
    const struct capture_ring *r = region_capture_ring(view, p->lane);
    const uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    const uint64_t at = p->position & (size - 1);
    uint64_t len = tail - p->position;
    p->damaged = len > size || len % CAPTURE_UNIT;
    p->len = 0;
    if (p->damaged)
        return;
    len = len < size - at ? len : size - at;
    p->len = (uint32_t)(len < p->room ? len : p->room);
    memcpy(p->bytes, region_capture_byte(view, p->lane * size + at), p->len);
}

bool capture_read(struct contact *contact, struct capture_piece *piece)
{
    return contact_pass(contact, copy_piece, piece);
}

static void do_release(const struct region_view *view, void *context)
{
    const struct capture_heads *heads = context;
    for (uint32_t i = 0; i < lanes_of(view); i++) {
        struct capture_ring *r = region_capture_ring(view, i);
        if (heads->at[i] > atomic_load_explicit(&r->head, memory_order_relaxed))
            atomic_store_explicit(&r->head, heads->at[i], memory_order_release);
    }
}

bool captures_release(struct contact *contact, const struct capture_heads *heads)
{
    return contact_pass(contact, do_release, (void *)(uintptr_t)heads);
}

static void do_want(const struct region_view *view, void *context)
{
    const enum captures_want *want = context;
    for (uint32_t i = 0; i < lanes_of(view); i++) {
        struct capture_ring *r = region_capture_ring(view, i);
        atomic_store_explicit(&r->held, *want == CAPTURES_HOLD ? 1 : 0, memory_order_relaxed);
        atomic_store_explicit(&r->wanted, *want == CAPTURES_RECORD ? 1 : 0, memory_order_relaxed);
    }
}

bool captures_want(struct contact *contact, enum captures_want want)
{
    return contact_pass(contact, do_want, &want);
}

static void do_hole(const struct region_view *view, void *context)
{
    const uint32_t *lane = context;
    if (*lane < lanes_of(view))
        atomic_fetch_add_explicit(&region_capture_ring(view, *lane)->holes, 1,
                                  memory_order_relaxed);
}

bool captures_hole(struct contact *contact, uint32_t lane)
{
    return contact_pass(contact, do_hole, &lane);
}
