#include <stdlib.h>
#include <string.h>

#include "bench/exchange/trade/state.h"
#include "dataplane/base/check.h"

void *array_room(void *array, uint32_t count, uint32_t *room, uint32_t size)
{
    if (count < *room)
        return array;
    *room = *room ? 2 * *room : 64;
    array = realloc(array, (size_t)*room * size);
    MUST(array);
    return array;
}

void tape_add(struct tape *t, const uint8_t *message, uint32_t length, uint64_t due_ns)
{
    if (t->count == t->room) {
        t->room = t->room ? 2 * t->room : 256;
        t->messages = realloc(t->messages, t->room * sizeof *t->messages);
        MUST(t->messages);
    }
    while (t->bytes_have + length > t->bytes_room) {
        t->bytes_room = t->bytes_room ? 2 * t->bytes_room : 16384;
        t->bytes = realloc(t->bytes, t->bytes_room);
        MUST(t->bytes);
    }
    // A stream does not overtake itself.
    if (due_ns < t->last_due_ns)
        due_ns = t->last_due_ns;
    t->last_due_ns = due_ns;
    memcpy(t->bytes + t->bytes_have, message, length);
    t->messages[t->count++] = (struct tape_message){t->bytes_have, due_ns, length};
    t->bytes_have += length;
}

void tape_clear(struct tape *t)
{
    free(t->bytes);
    free(t->messages);
    memset(t, 0, sizeof *t);
}
