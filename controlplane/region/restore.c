#include "controlplane/region/restore.h"

#include <stdlib.h>
#include <string.h>

static void copy_seen(const struct region_view *view, void *context)
{
    struct restore_seen *seen = context;
    const struct restore_area *a = region_restore_area(view, 0);
    seen->wanted = atomic_load_explicit(&a->wanted, memory_order_acquire) == 1;
    seen->slots = view->shape.restore_events;
    seen->from_ns = a->from_ns;
    seen->to_ns = a->to_ns;
    seen->taken = atomic_load_explicit(&a->taken, memory_order_acquire);
    seen->filled = atomic_load_explicit(&a->filled, memory_order_relaxed);
    seen->state = a->state;
    seen->extracts = a->extracts;
    seen->extracts_sum = a->extracts_sum;
    seen->verdict = atomic_load_explicit(&a->verdict, memory_order_acquire);
}

bool restore_look(struct contact *contact, struct restore_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    return contact_attached(contact) && contact_pass(contact, copy_seen, seen);
}

static void do_fill(const struct region_view *view, void *context)
{
    const struct restore_chunk *c = context;
    struct restore_area *a = region_restore_area(view, 0);
    const uint32_t count =
        c->count < view->shape.restore_events ? c->count : view->shape.restore_events;
    if (count)
        memcpy(region_restore_event(view, 0), c->events, (uint64_t)count * sizeof c->events[0]);
    a->state = c->state;
    a->count = count;
    a->sum = c->sum;
    a->instances = c->instances;
    a->skipped = c->skipped;
    a->read_us = c->read_us;
    a->extracts = c->extracts;
    a->extracts_sum = c->extracts_sum;
    a->events = c->total;
    memcpy(a->why, c->why, sizeof a->why);
    atomic_fetch_add_explicit(&a->filled, 1, memory_order_release);
}

bool restore_fill(struct contact *contact, const struct restore_chunk *chunk)
{
    return contact_pass(contact, do_fill, (void *)(uintptr_t)chunk);
}

static void do_judge(const struct region_view *view, void *context)
{
    const enum restore_verdict *verdict = context;
    atomic_store_explicit(&region_restore_area(view, 0)->verdict, *verdict, memory_order_release);
}

bool restore_judge(struct contact *contact, enum restore_verdict verdict)
{
    return contact_pass(contact, do_judge, &verdict);
}

static void copy_names(const struct region_view *view, void *context)
{
    struct restore_names *n = context;
    const struct region_shape *s = &n->shape;
    memcpy(n->lanes, region_lane_info(view, 0), s->lanes * sizeof n->lanes[0]);
    memcpy(n->accounts, region_account_info(view, 0), s->accounts * sizeof n->accounts[0]);
    memcpy(n->instruments, region_instrument_info(view, 0),
           s->instruments * sizeof n->instruments[0]);
    memcpy(n->sessions, region_order_session_info(view, 0),
           s->order_sessions * sizeof n->sessions[0]);
    memcpy(n->strategies, region_strategy_info(view, 0), s->strategies * sizeof n->strategies[0]);
}

bool restore_names_take(struct contact *contact, struct restore_names *n)
{
    memset(n, 0, sizeof *n);
    n->shape = contact->reader.view.shape;
    n->accounts = calloc(n->shape.accounts + 1, sizeof *n->accounts);
    n->instruments = calloc(n->shape.instruments + 1, sizeof *n->instruments);
    n->sessions = calloc(n->shape.order_sessions + 1, sizeof *n->sessions);
    n->strategies = calloc(n->shape.strategies + 1, sizeof *n->strategies);
    return n->accounts && n->instruments && n->sessions && n->strategies &&
           contact_pass(contact, copy_names, n);
}

void restore_names_free(struct restore_names *n)
{
    free(n->accounts);
    free(n->instruments);
    free(n->sessions);
    free(n->strategies);
    memset(n, 0, sizeof *n);
}
