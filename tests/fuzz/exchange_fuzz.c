// What the exchange reads from others: packets of captures, messages of files, re-requests, whole
// files. The first byte chooses.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/exchange/rerequest.h"
#include "bench/exchange/source.h"
#include "dataplane/base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Blocks of a packet that parses lie inside it; a picture takes whatever they hold, and its orders
// stay consistent.
static void packet(const uint8_t *data, uint32_t size)
{
    uint64_t sequence;
    uint32_t count, offset = PACK_HEADER;
    if (!pack_parse(data, size, &sequence, &count))
        return;
    struct picture *p = picture_make(0);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *message;
        uint32_t length = pack_block(data, &offset, &message);
        picture_prefetch(p, message, length);
        picture_apply(p, message, length);
    }
    struct picture *copy = picture_copy(p);
    picture_sort(copy);
    for (uint64_t i = 1; i < copy->live; i++)
        MUST(copy->orders[i - 1].locate <= copy->orders[i].locate);
    picture_drop(copy);
    picture_drop(p);
}

static void request(const uint8_t *data, uint32_t size)
{
    static struct channel *c;
    uint8_t answer[PACK_PAYLOAD_MAX];
    if (!c) {
        struct error err = {0};
        c = calloc(1, sizeof *c);
        pack_init(&c->pack, "FUZZ", PACK_PAYLOAD_MAX, 7);
        c->numbered = true;
        MUST(store_init(&c->store, STORE_MIB_MIN, false, false, &err));
        for (uint32_t i = 0; i < 1000; i++) {
            struct source_item item = {0, (const uint8_t *)"message", i % 8};
            channel_add(c, &item, 0);
        }
        channel_close(c);
        c->offered = c->store.next / 2; // half of it was sent
    }
    struct rerequest r = {.channels = c, .channel_count = 1, .socket = -1};
    uint32_t length = rerequest_answer(&r, data, size, answer), count;
    uint64_t sequence;
    if (!length)
        return;
    MUST(pack_parse(answer, length, &sequence, &count) && count > 0);
    MUST(sequence + count <= store_packet(&c->store, c->offered)->sequence);
}

static void file(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("fuzz", 0);
    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct source s;
    struct source_item item;
    struct error err = {0};
    if (source_file_open(&s, path, NULL, &err)) {
        volatile uint8_t touched = 0;
        while (s.next(&s, &item, &err) == SOURCE_ITEM)
            for (uint32_t i = 0; i < item.length; i++)
                touched = touched + item.data[i];
    }
    source_close(&s);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 65536)
        return 0;
    // An allocation of its own, so that a read past the end is seen.
    uint8_t *copy = malloc(size - 1 ? size - 1 : 1);
    memcpy(copy, data + 1, size - 1);
    switch (data[0] % 3) {
    case 0: packet(copy, (uint32_t)size - 1); break;
    case 1: request(copy, (uint32_t)size - 1); break;
    case 2: file(copy, size - 1); break;
    }
    free(copy);
    return 0;
}
