// A capture in the order of its numbers. What was recorded need not be in order: two lines in one
// capture overtake one another, and a packet that one of them has lost comes late with the other.
#include <stdlib.h>
#include <string.h>

#include "bench/exchange/pack.h"
#include "bench/exchange/source.h"

enum { HELD_MAX = 1024 }; // packets that wait for one before them

struct held {
    uint64_t sequence;
    struct source_item item; // <data> is a copy, and ours
};

struct order {
    struct source inner;
    struct held held[HELD_MAX]; // by number
    uint32_t count;
    uint64_t next; // number of the message that is due
    uint64_t time_ns;
    uint8_t session[PACK_SESSION];
    bool begun, numbered, over;
    void *last; // copy that the caller may still look at
};

// The number of a packet of the capture's session; false: whatever else, which is not held back.
static bool number_of(struct order *o, const struct source_item *item, uint64_t *sequence,
                      uint32_t *count)
{
    const bool mold = pack_parse(item->data, item->length, sequence, count);
    if (!o->begun && mold)
        memcpy(o->session, item->data, PACK_SESSION);
    if (!o->begun)
        o->numbered = mold;
    o->begun = true;
    return o->numbered && mold && *count && memcmp(o->session, item->data, PACK_SESSION) == 0;
}

static void advance(struct order *o, uint64_t sequence, uint32_t count)
{
    if (sequence + count > o->next)
        o->next = sequence + count;
}

static bool hold(struct order *o, const struct source_item *item, uint64_t sequence,
                 struct error *err)
{
    uint8_t *copy = malloc(item->length);
    uint32_t at = o->count;
    if (!copy)
        return error_set(err, EXIT_FAILED, "no memory to put a capture in order");
    memcpy(copy, item->data, item->length);
    while (at > 0 && o->held[at - 1].sequence > sequence)
        at--;
    memmove(&o->held[at + 1], &o->held[at], (o->count - at) * sizeof o->held[0]);
    o->held[at] = (struct held){sequence, {item->time_ns, copy, item->length}};
    o->count++;
    return true;
}

static void release_first(struct order *o, struct source_item *item)
{
    uint64_t sequence;
    uint32_t count;
    *item = o->held[0].item;
    o->last = (void *)(uintptr_t)item->data;
    o->count--;
    memmove(&o->held[0], &o->held[1], o->count * sizeof o->held[0]);
    if (pack_parse(item->data, item->length, &sequence, &count))
        advance(o, sequence, count);
}

// What waits goes when its turn has come, when no more can wait, or when nothing comes any more.
static bool first_is_due(const struct order *o)
{
    return o->count && (o->over || o->count == HELD_MAX || o->held[0].sequence <= o->next);
}

static enum source_result order_find(struct order *o, struct source_item *item, struct error *err)
{
    while (!first_is_due(o)) {
        uint64_t sequence;
        uint32_t count;
        const enum source_result got = o->over ? SOURCE_END : o->inner.next(&o->inner, item, err);
        if (got == SOURCE_FAILED || (got == SOURCE_END && o->over))
            return got;
        o->over = got == SOURCE_END;
        if (o->over)
            continue;
        if (!number_of(o, item, &sequence, &count))
            return SOURCE_ITEM;
        if (sequence <= o->next) {
            advance(o, sequence, count);
            return SOURCE_ITEM;
        }
        if (!hold(o, item, sequence, err))
            return SOURCE_FAILED;
    }
    release_first(o, item);
    return SOURCE_ITEM;
}

static enum source_result order_next(struct source *s, struct source_item *item, struct error *err)
{
    struct order *o = s->state;
    free(o->last);
    o->last = NULL;
    const enum source_result got = order_find(o, item, err);
    memcpy(s->warning, o->inner.warning, sizeof s->warning);
    if (got != SOURCE_ITEM)
        return got;
    if (item->time_ns > o->time_ns)
        o->time_ns = item->time_ns;
    item->time_ns = o->time_ns;
    return got;
}

static void order_close(struct source *s)
{
    struct order *o = s->state;
    for (uint32_t i = 0; i < o->count; i++)
        free((void *)(uintptr_t)o->held[i].item.data);
    free(o->last);
    source_close(&o->inner);
    free(o);
}

bool source_order(struct source *s, struct error *err)
{
    struct order *o = calloc(1, sizeof *o);
    if (!o) {
        source_close(s);
        return error_set(err, EXIT_FAILED, "no memory to put a capture in order");
    }
    o->inner = *s;
    o->next = 1; // of a session; where a capture begins later is known when no more can wait
    s->next = order_next;
    s->close = order_close;
    s->state = o;
    return true;
}
