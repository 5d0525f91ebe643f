// Values by a key of two words, in the order in which the keys came. Grows by itself; clearing
// keeps the memory.
#pragma once

#include <stdint.h>

struct key_table {
    uint64_t (*keys)[2];
    uint8_t *values; // <value_len> each
    uint32_t *slots; // index + 1; 0: free
    uint32_t value_len;
    uint32_t count, room;
    uint32_t mask; // of the slots
};

void key_table_init(struct key_table *t, uint32_t value_len);
void key_table_free(struct key_table *t);
void key_table_clear(struct key_table *t);
// The value of a key, zeros when it is new. Good until the next key.
void *key_table_at(struct key_table *t, uint64_t a, uint64_t b);

static inline void *key_table_value(const struct key_table *t, uint32_t index)
{
    return t->values + (uint64_t)index * t->value_len;
}
