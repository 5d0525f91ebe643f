#include "bench/book/offline.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

static void sink_event(void *context, const struct event *event)
{
    struct offline *o = context;
    o->events[event->type]++;
}

// There is nobody to ask: a reset is done on the spot, everything else is refused by the
// configuration.
static bool sink_request(void *context, const struct feed_request *request)
{
    struct offline *o = context;
    if (request->kind == FEED_REQUEST_RESET) {
        channel_book_reset(&o->channel);
        channel_book_returned(&o->channel, 1, true, 0);
    }
    return true;
}

static void sink_release(void *context, struct frame *frame)
{
    (void)context; // the bytes belong to the file in memory
    (void)frame;
}

static void *map(uint64_t bytes, bool *huge)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_HUGETLB | MAP_POPULATE, -1, 0);
    *huge = p != MAP_FAILED;
    if (*huge)
        return p;
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p != MAP_FAILED)
        madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

bool offline_init(struct offline *o, const struct channel_config *config, struct error *err)
{
    memset(o, 0, sizeof *o);
    uint64_t tables = channel_bytes(config, NULL);
    uint64_t tops = config->book.symbols * sizeof(struct symbol_top);
    uint64_t names = config->book.symbols * sizeof(struct symbol_name);
    o->bytes = (tables + tops + names + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    o->memory = map(o->bytes, &o->huge_pages);
    if (o->memory == MAP_FAILED)
        return error_set(
            err, EXIT_FAILED,
            "no memory for %lu MiB of book tables: %s; ask for fewer orders or symbols",
            o->bytes >> 20, strerror(errno));
    struct channel *ch = &o->channel;
    channel_init(ch, config, o->memory);
    ch->tops = (struct symbol_top *)(void *)((uint8_t *)o->memory + tables);
    ch->names = (struct symbol_name *)(void *)((uint8_t *)o->memory + tables + tops);
    ch->count = &o->count;
    ch->recovery = &o->recovery;
    for (int i = 0; i < ARBITER_LINES; i++) {
        ch->lines[i] = &o->lines[i];
        ch->lag[i] = &o->lag[i];
    }
    ch->sink = (struct channel_sink){o, sink_event, sink_request, sink_release};
    return true;
}

void offline_free(struct offline *o)
{
    munmap(o->memory, o->bytes);
}
