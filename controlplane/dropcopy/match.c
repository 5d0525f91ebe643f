#include "controlplane/dropcopy/match.h"

#include <stdlib.h>
#include <string.h>

// --- lists: circular, through the heads at the beginning of the entries ---

static void unlink_entry(struct drop_table *t, uint32_t at)
{
    struct drop_entry *e = &t->entries[at];
    t->entries[e->before].behind = e->behind;
    t->entries[e->behind].before = e->before;
    t->counts[e->list]--;
}

static void append(struct drop_table *t, uint32_t at, enum drop_list list)
{
    struct drop_entry *e = &t->entries[at], *head = &t->entries[list];
    e->before = head->before;
    e->behind = list;
    t->entries[head->before].behind = at;
    head->before = at;
    e->list = (uint8_t)list;
    t->counts[list]++;
}

static void move(struct drop_table *t, uint32_t at, enum drop_list list)
{
    unlink_entry(t, at);
    append(t, at, list);
}

bool drop_table_init(struct drop_table *t, uint32_t capacity, drop_tell *tell, void *context)
{
    *t = (struct drop_table){
        .capacity = capacity, .mask = capacity * 2 - 1, .tell = tell, .context = context};
    t->entries = calloc((size_t)capacity + DROP_LISTS, sizeof *t->entries);
    t->buckets = calloc((size_t)capacity * 2, sizeof *t->buckets);
    if (t->entries == NULL || t->buckets == NULL) {
        drop_table_free(t);
        return false;
    }
    for (uint32_t list = 0; list < DROP_LISTS; list++)
        t->entries[list].before = t->entries[list].behind = list;
    for (uint32_t i = 0; i < capacity; i++)
        append(t, DROP_LISTS + i, DROP_FREE);
    return true;
}

void drop_table_free(struct drop_table *t)
{
    free(t->entries);
    free(t->buckets);
    t->entries = NULL;
    t->buckets = NULL;
}

// --- finding ---

static uint32_t bucket_of(const struct drop_table *t, uint64_t match, uint32_t ref, uint8_t session,
                          uint8_t what)
{
    // Numbers of an exchange: nobody gains by making them meet, so a plain mix will do.
    uint64_t h = match * 0x9e3779b97f4a7c15ull;
    h ^= ((uint64_t)ref << 16 | (uint64_t)session << 8 | what) * 0xc2b2ae3d27d4eb4full;
    h ^= h >> 29;
    h *= 0x165667b19e3779f9ull;
    return (uint32_t)(h >> 32) & t->mask;
}

static uint32_t find(const struct drop_table *t, const struct drop_item *i, uint32_t bucket,
                     bool old)
{
    uint32_t at = t->buckets[bucket];
    for (; at; at = t->entries[at].chain) {
        const struct drop_entry *e = &t->entries[at];
        if (e->match == i->match && e->ref == i->ref && e->session == i->session &&
            e->what == i->what && e->old == old)
            break;
    }
    return at;
}

static void take_out(struct drop_table *t, uint32_t at)
{
    const struct drop_entry *e = &t->entries[at];
    uint32_t *link = &t->buckets[bucket_of(t, e->match, e->ref, e->session, e->what)];
    while (*link != at)
        link = &t->entries[*link].chain;
    *link = e->chain;
    move(t, at, DROP_FREE);
}

// A place for a new thing in <list>; 0: none.
static uint32_t place(struct drop_table *t, const struct drop_item *i, uint32_t bucket,
                      enum drop_list list)
{
    if (t->counts[DROP_FREE] == 0 && t->counts[DROP_EQUAL])
        take_out(t, t->entries[DROP_EQUAL].behind);
    const uint32_t at = t->entries[DROP_FREE].behind;
    if (at == DROP_FREE)
        return 0;
    struct drop_entry *e = &t->entries[at];
    unlink_entry(t, at);
    *e = (struct drop_entry){.match = i->match,
                             .ref = i->ref,
                             .session = i->session,
                             .what = i->what,
                             .chain = t->buckets[bucket]};
    t->buckets[bucket] = at;
    append(t, at, list);
    return at;
}

// --- comparing ---

enum drop_difference drop_entry_verdict(const struct drop_entry *e)
{
    if (e->count[DROP_OURS] > e->count[DROP_THEIRS])
        return DROP_THEIRS_MISSING;
    if (e->count[DROP_OURS] < e->count[DROP_THEIRS])
        return e->count[DROP_OURS] ? DROP_DOUBLED : DROP_OURS_MISSING;
    if (e->bare)
        return DROP_NONE;
    if (e->shares[DROP_OURS] != e->shares[DROP_THEIRS])
        return DROP_SHARES;
    return e->price[DROP_OURS] != e->price[DROP_THEIRS] ? DROP_PRICE : DROP_NONE;
}

bool drop_table_put(struct drop_table *t, enum drop_side side, const struct drop_item *item,
                    uint64_t now_ns)
{
    const uint32_t bucket = bucket_of(t, item->match, item->ref, item->session, item->what);
    // A copy that is behind has still to say what was; we have said it.
    uint32_t at = side == DROP_THEIRS ? find(t, item, bucket, true) : 0;
    if (at && t->entries[at].count[DROP_THEIRS] >= t->entries[at].count[DROP_OURS])
        at = 0;
    if (at == 0)
        at = find(t, item, bucket, false);
    if (at == 0)
        at = place(t, item, bucket, DROP_WAITS);
    if (at == 0) {
        t->dropped++;
        return false;
    }
    struct drop_entry *e = &t->entries[at];
    e->count[side] += e->count[side] < UINT32_MAX;
    e->shares[side] += item->shares;
    e->price[side] = item->price;
    e->bare |= item->bare;
    e->since_ns = now_ns;
    if (side == DROP_THEIRS)
        e->theirs_sequence = item->sequence;
    if (drop_entry_verdict(e) != DROP_NONE) {
        move(t, at, DROP_WAITS);
        return true;
    }
    t->equal += e->list != DROP_EQUAL;
    move(t, at, DROP_EQUAL);
    if (e->told != DROP_NONE) {
        const enum drop_difference told = (enum drop_difference)e->told;
        e->told = DROP_NONE;
        t->tell(t->context, e, told, false, now_ns);
    }
    return true;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

// When the side that is behind has had its chance to speak; UINT64_MAX: not now.
static uint64_t held_until(const struct drop_holds *holds, const struct drop_entry *e,
                           enum drop_difference verdict)
{
    const uint64_t ours = e->session < SESSIONS_MAX ? holds->ours_ns[e->session] : 0;
    switch (verdict) {
    case DROP_THEIRS_MISSING: return holds->theirs_ns;
    case DROP_OURS_MISSING:
    case DROP_DOUBLED: return ours;
    default: return later(ours, holds->theirs_ns);
    }
}

void drop_table_due(struct drop_table *t, const struct drop_holds *holds, uint64_t grace_ns,
                    uint64_t now_ns)
{
    uint32_t next;
    for (uint32_t at = t->entries[DROP_WAITS].behind; at != DROP_WAITS; at = next) {
        struct drop_entry *e = &t->entries[at];
        next = e->behind;
        if (e->since_ns + grace_ns > now_ns)
            break; // those behind it came later
        const enum drop_difference verdict = drop_entry_verdict(e);
        const uint64_t held = held_until(holds, e, verdict);
        if (held > now_ns || held + grace_ns > now_ns)
            continue;
        move(t, at, DROP_DIFFERS);
        if (e->told == verdict)
            continue;
        e->told = (uint8_t)verdict;
        t->tell(t->context, e, verdict, true, now_ns);
    }
}

// <over>: all of it goes, else it is old.
static void ours_turn(struct drop_table *t, uint8_t session, bool over)
{
    static const enum drop_list lists[] = {DROP_EQUAL, DROP_WAITS, DROP_DIFFERS};
    uint32_t next;
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t at = t->entries[lists[i]].behind; at != (uint32_t)lists[i]; at = next) {
            struct drop_entry *e = &t->entries[at];
            next = e->behind;
            if (e->session != session || (e->count[DROP_OURS] == 0 && e->told == DROP_NONE))
                continue;
            if (over || lists[i] == DROP_EQUAL)
                take_out(t, at);
            else
                e->old = true;
        }
}

static void old_take_out(struct drop_table *t, uint8_t session)
{
    static const enum drop_list lists[] = {DROP_EQUAL, DROP_WAITS, DROP_DIFFERS};
    uint32_t next;
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t at = t->entries[lists[i]].behind; at != (uint32_t)lists[i]; at = next) {
            next = t->entries[at].behind;
            if (t->entries[at].session == session && t->entries[at].old)
                take_out(t, at);
        }
}

void drop_table_turn(struct drop_table *t, uint8_t session, enum drop_side side, bool at_once,
                     uint8_t *turned)
{
    const uint8_t other = side == DROP_OURS ? DROP_TURNED_THEIRS : DROP_TURNED_OURS;
    const bool over = at_once || *turned == other;
    if (over || side == DROP_OURS)
        old_take_out(t, session);
    if (side == DROP_OURS)
        ours_turn(t, session, over);
    *turned = over ? DROP_TURNED_BOTH : side == DROP_OURS ? DROP_TURNED_OURS : DROP_TURNED_THEIRS;
}

// --- lists for others ---

const struct drop_entry *drop_table_first(const struct drop_table *t, enum drop_list list)
{
    const uint32_t at = t->entries[list].behind;
    return at == (uint32_t)list ? NULL : &t->entries[at];
}

const struct drop_entry *drop_table_next(const struct drop_table *t, const struct drop_entry *e)
{
    return e->behind < DROP_LISTS ? NULL : &t->entries[e->behind];
}

bool drop_table_restore(struct drop_table *t, const struct drop_entry *from, uint64_t now_ns)
{
    const struct drop_item item = {
        .match = from->match, .ref = from->ref, .session = from->session, .what = from->what};
    const uint32_t bucket = bucket_of(t, item.match, item.ref, item.session, item.what);
    const enum drop_difference verdict = drop_entry_verdict(from);
    if (verdict == DROP_NONE || from->told >= DROP_DIFFERENCES || from->session >= SESSIONS_MAX ||
        find(t, &item, bucket, from->old))
        return false;
    const bool differs = from->told == verdict;
    const uint32_t at = place(t, &item, bucket, differs ? DROP_DIFFERS : DROP_WAITS);
    if (at == 0)
        return false;
    struct drop_entry *e = &t->entries[at];
    e->since_ns = now_ns;
    e->theirs_sequence = from->theirs_sequence;
    memcpy(e->shares, from->shares, sizeof e->shares);
    memcpy(e->price, from->price, sizeof e->price);
    memcpy(e->count, from->count, sizeof e->count);
    e->told = from->told;
    e->bare = from->bare;
    e->old = from->old;
    return true;
}
