#include "controlplane/store/table.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/check.h"

enum { ROOM_MIN = 256 };

static uint32_t slot_of(const struct key_table *t, uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ (b << 32 | b >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
    h ^= h >> 32;
    return (uint32_t)(h * UINT64_C(0xd6e8feb86659fd93) >> 32) & t->mask;
}

static void slots_fill(struct key_table *t)
{
    memset(t->slots, 0, (t->mask + UINT64_C(1)) * sizeof *t->slots);
    for (uint32_t i = 0; i < t->count; i++) {
        uint32_t s = slot_of(t, t->keys[i][0], t->keys[i][1]);
        while (t->slots[s])
            s = (s + 1) & t->mask;
        t->slots[s] = i + 1;
    }
}

static void grow(struct key_table *t)
{
    t->room = t->room ? t->room * 2 : ROOM_MIN;
    t->mask = t->room * 2 - 1;
    t->keys = realloc(t->keys, t->room * sizeof *t->keys);
    t->values = realloc(t->values, (uint64_t)t->room * t->value_len);
    t->slots = realloc(t->slots, (t->mask + UINT64_C(1)) * sizeof *t->slots);
    MUST(t->keys != NULL && t->values != NULL && t->slots != NULL);
    slots_fill(t);
}

void key_table_init(struct key_table *t, uint32_t value_len)
{
    *t = (struct key_table){.value_len = value_len};
    grow(t);
}

void key_table_free(struct key_table *t)
{
    free(t->keys);
    free(t->values);
    free(t->slots);
    *t = (struct key_table){0};
}

void key_table_clear(struct key_table *t)
{
    t->count = 0;
    slots_fill(t);
}

void *key_table_at(struct key_table *t, uint64_t a, uint64_t b)
{
    uint32_t s = slot_of(t, a, b);
    for (; t->slots[s]; s = (s + 1) & t->mask) {
        const uint32_t i = t->slots[s] - 1;
        if (t->keys[i][0] == a && t->keys[i][1] == b)
            return key_table_value(t, i);
    }
    if (t->count == t->room) {
        grow(t);
        return key_table_at(t, a, b);
    }
    t->keys[t->count][0] = a;
    t->keys[t->count][1] = b;
    t->slots[s] = ++t->count;
    return memset(key_table_value(t, t->count - 1), 0, t->value_len);
}
