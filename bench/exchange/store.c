#include "bench/exchange/store.h"

#include <string.h>
#include <sys/mman.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"

enum {
    BYTES_FOR_A_PACKET = 256
}; // below this average size the packet ring is full before the bytes are

bool store_init(struct store *s, uint32_t mib, bool keep_all, bool sums, struct error *err)
{
    memset(s, 0, sizeof *s);
    s->bytes_max = (uint64_t)mib << 20;
    s->packets_max = 1;
    // A quarter of the small messages' worth: packets of a slow feed carry one message of some 30
    // bytes each.
    while (s->packets_max < s->bytes_max / BYTES_FOR_A_PACKET)
        s->packets_max *= 2;
    s->memory_bytes = s->bytes_max + s->packets_max * sizeof *s->packets;
    s->keep_all = keep_all;
    s->sums = sums;
    // Touched only as it fills.
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    // cppcheck-suppress invalidFunctionArg ; -1 is what anonymous memory wants
    void *memory = mmap(NULL, s->memory_bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED)
        return error_set(err, EXIT_FAILED, "--store-mib %u: no memory; lower it", mib);
    (void)madvise(memory, s->memory_bytes, MADV_HUGEPAGE); // fewer page faults while it fills
    s->bytes = memory;
    s->packets = (struct store_packet *)(s->bytes + s->bytes_max);
    return true;
}

void store_free(struct store *s)
{
    if (s->bytes)
        munmap(s->bytes, s->memory_bytes);
    memset(s, 0, sizeof *s);
}

uint8_t *store_reserve(struct store *s, uint32_t length_max)
{
    // A payload lies in one piece: what is left at the end of the ring is skipped.
    uint64_t at = s->offset % s->bytes_max;
    uint64_t offset = at + length_max > s->bytes_max ? s->offset + s->bytes_max - at : s->offset;
    while (s->first < s->next) {
        const struct store_packet *oldest = &s->packets[s->first & (s->packets_max - 1)];
        if (offset + length_max - oldest->offset <= s->bytes_max &&
            s->next - s->first < s->packets_max)
            break;
        if (s->keep_all)
            return NULL;
        s->first++;
    }
    s->offset = offset;
    return s->bytes + offset % s->bytes_max;
}

uint64_t store_commit(struct store *s, uint32_t length, uint64_t sequence, uint16_t count,
                      uint64_t due_ns)
{
    struct store_packet *p = &s->packets[s->next & (s->packets_max - 1)];
    *p = (struct store_packet){sequence, due_ns, s->offset, length, count, 0};
    if (s->sums)
        p->sum = store_sum(store_payload(s, p), length);
    s->offset += length;
    return s->next++;
}

// Packets lie in ascending order of their first message.
uint64_t store_find(const struct store *s, uint64_t sequence)
{
    uint64_t low = s->first, high = s->next;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        const struct store_packet *p = store_packet(s, middle);
        if (p->sequence + p->count <= sequence)
            low = middle + 1;
        else
            high = middle;
    }
    const struct store_packet *p = store_packet(s, low);
    return p && p->sequence <= sequence ? low : s->next;
}

uint16_t store_sum(const uint8_t *p, uint32_t length)
{
    uint64_t sum = 0;
    for (; length >= 4; length -= 4, p += 4)
        sum += be32_load(p);
    if (length >= 2) {
        sum += be16_load(p);
        p += 2;
        length -= 2;
    }
    if (length)
        sum += (uint32_t)*p << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}
