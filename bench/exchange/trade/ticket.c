// Orders of members: numbers, how they are found, which are open, what they have earned.
#include <stdlib.h>
#include <string.h>

#include "bench/exchange/trade/state.h"
#include "dataplane/base/check.h"

// OUCH 5.0 knows an order by series and number, 4.2 by its token.
static uint64_t key_hash(uint32_t member, uint64_t index, uint64_t ref, const char token[14])
{
    uint64_t h = random_mix(member << 8 | index);
    if (!token)
        return random_mix(h ^ ref);
    uint64_t words[2] = {0, 0};
    memcpy(words, token, 14);
    return random_mix(random_mix(h ^ words[0]) ^ words[1]);
}

static const char *token_of(const struct bourse *b, uint32_t member, const char token[14])
{
    return member_protocol(b, member) == ENTRY_42 ? token : NULL;
}

static bool key_is(const struct bourse *b, const struct ticket *t, uint32_t member, uint64_t index,
                   uint64_t ref, const char token[14])
{
    (void)b;
    if (t->member != member)
        return false;
    return token ? memcmp(t->e.token, token, 14) == 0 : t->e.ref == ref && t->e.ref_index == index;
}

static uint32_t slot_find(const struct bourse *b, uint32_t member, uint64_t index, uint64_t ref,
                          const char token[14])
{
    uint32_t mask = b->index_count - 1;
    uint32_t i = (uint32_t)key_hash(member, index, ref, token) & mask;
    while (b->index[i] && !key_is(b, &b->tickets[b->index[i]], member, index, ref, token))
        i = (i + 1) & mask;
    return i;
}

static uint32_t ticket_slot(const struct bourse *b, const struct ticket *t)
{
    return slot_find(b, t->member, t->e.ref_index, t->e.ref, token_of(b, t->member, t->e.token));
}

uint32_t ticket_find(const struct bourse *b, uint32_t member, uint64_t index, uint64_t ref,
                     const char token[14])
{
    return b->index[slot_find(b, member, index, ref, token_of(b, member, token))];
}

static void index_grow(struct bourse *b)
{
    uint32_t *old = b->index, count = b->index_count;
    b->index_count *= 2;
    b->index = calloc(b->index_count, sizeof *b->index);
    MUST(b->index);
    for (uint32_t i = 0; i < count; i++)
        if (old[i])
            b->index[ticket_slot(b, &b->tickets[old[i]])] = old[i];
    free(old);
}

uint32_t ticket_new(struct bourse *b, uint32_t member, const struct entry *e)
{
    b->tickets = array_room(b->tickets, b->ticket_count, &b->ticket_room, sizeof *b->tickets);
    struct ticket *t = &b->tickets[b->ticket_count];
    *t = (struct ticket){.e = *e,
                         .member = (uint8_t)member,
                         .limit = e->price,
                         .bid = e->side[0] == 'B',
                         .quantity = (uint32_t)e->quantity,
                         .open = (uint32_t)e->quantity,
                         .locate = pit_locate(&b->pit, e->symbol)};
    return b->ticket_count; // not counted before it is indexed: a rejected one leaves no trace
}

void ticket_index(struct bourse *b, uint32_t number, bool accepted)
{
    MUST(number == b->ticket_count);
    b->ticket_count++;
    if (2 * b->ticket_count > b->index_count)
        index_grow(b);
    struct ticket *t = &b->tickets[number];
    b->index[ticket_slot(b, t)] = number;
    struct member *m = &b->members[t->member];
    if (!accepted)
        return;
    m->tickets = array_room(m->tickets, m->ticket_count, &m->ticket_room, sizeof *m->tickets);
    m->tickets[m->ticket_count++] = number;
}

void ticket_open(struct bourse *b, uint32_t number)
{
    struct ticket *t = &b->tickets[number];
    struct member *m = &b->members[t->member];
    t->previous = 0;
    t->next = m->open_first;
    if (t->next)
        b->tickets[t->next].previous = number;
    m->open_first = number;
    m->open_count++;
    if (t->expire_ns && t->expire_ns < b->expire_next_ns)
        b->expire_next_ns = t->expire_ns;
}

void ticket_close(struct bourse *b, uint32_t number)
{
    struct ticket *t = &b->tickets[number];
    struct member *m = &b->members[t->member];
    if (t->pit)
        pit_remove(&b->pit, t->pit);
    t->pit = 0;
    t->crossing = false;
    if (t->previous)
        b->tickets[t->previous].next = t->next;
    else if (m->open_first == number)
        m->open_first = t->next;
    else
        return; // was not in the list
    if (t->next)
        b->tickets[t->next].previous = t->previous;
    t->previous = t->next = 0;
    m->open_count--;
    for (uint32_t i = 0; t->watched && i < b->watched_count; i++)
        if (b->watched[i] == number) {
            b->watched[i] = b->watched[--b->watched_count];
            break;
        }
    t->watched = false;
}

struct money *money_at(struct bourse *b, uint32_t member, uint16_t locate)
{
    struct member *m = &b->members[member];
    if (!m->money) {
        m->money = calloc(PIT_LOCATES, sizeof *m->money);
        MUST(m->money);
    }
    return &m->money[locate];
}
