#include "bench/exchange/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "dataplane/base/bytes.h"

struct generated {
    struct generator generator;
    uint8_t message[GENERATOR_MESSAGE_MAX];
};

static enum source_result generated_next(struct source *s, struct source_item *item,
                                         struct error *err)
{
    struct generated *g = s->state;
    (void)err;
    uint32_t length = generator_next(&g->generator, g->message);
    *item = (struct source_item){g->generator.clock_ns, g->message, length};
    return length ? SOURCE_ITEM : SOURCE_END;
}

static void generated_close(struct source *s)
{
    struct generated *g = s->state;
    generator_free(&g->generator);
    free(g);
}

bool source_generate_open(struct source *s, const struct generator_config *config,
                          struct error *err)
{
    memset(s, 0, sizeof *s);
    struct generated *g = malloc(sizeof *g);
    if (!g)
        return error_set(err, EXIT_FAILED, "generator: no memory");
    s->state = g;
    if (!generator_init(&g->generator, config, err)) {
        generated_close(s);
        return false;
    }
    s->kind = SOURCE_MESSAGES;
    s->total = config->messages;
    s->next = generated_next;
    s->close = generated_close;
    return true;
}

static bool is_capture(uint32_t magic)
{
    return magic == 0xa1b2c3d4 || magic == 0xd4c3b2a1 || // pcap, microseconds
           magic == 0xa1b23c4d || magic == 0x4d3cb2a1 || // pcap, nanoseconds
           magic == 0x0a0d0d0a;                          // pcapng
}

bool source_file_open(struct source *s, const char *path, const char *filter, struct error *err)
{
    memset(s, 0, sizeof *s);
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (!file)
        return error_set(err, EXIT_FAILED, "%s: %s", path, strerror(errno ? errno : ENOMEM));
    uint8_t first[4];
    int have = gzread(file, first, sizeof first);
    gzclose(file);
    if (have == (int)sizeof first && is_capture(be32_load(first)))
        return source_pcap_open(s, path, filter, err) && source_order(s, err);
    if (filter)
        return error_set(err, EXIT_USAGE,
                         "%s: --filter works on captures, this is no pcap or pcapng file", path);
    return source_itch_open(s, path, err);
}

void source_close(struct source *s)
{
    if (s->close)
        s->close(s);
    memset(s, 0, sizeof *s);
}
