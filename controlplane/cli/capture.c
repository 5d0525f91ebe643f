// `tickgate show capture`, `capture start`, `stop` and `export`.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/capture/pcapng.h"
#include "controlplane/capture/reader.h"
#include "controlplane/cli/command.h"
#include "controlplane/cli/table.h"

void print_capture(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"lane", "lane", COLUMN_TEXT},
                                            {"recording", "recording", COLUMN_TEXT},
                                            {"frames", "frames", COLUMN_COUNT},
                                            {"bytes", "bytes", COLUMN_BYTES},
                                            {"lost turns", "lost_turns", COLUMN_COUNT},
                                            {"lost frames", "lost_frames", COLUMN_COUNT},
                                            {"gaps", "gaps", COLUMN_COUNT},
                                            {"holes", "holes", COLUMN_COUNT},
                                            {0}};
    static const struct column pairs[] = {{"state", "state", COLUMN_TEXT},
                                          {"complete", "complete", COLUMN_TEXT},
                                          {"directory", "directory", COLUMN_TEXT},
                                          {"file", "file", COLUMN_COUNT},
                                          {"written", "written_bytes", COLUMN_BYTES},
                                          {"behind", "behind_bytes", COLUMN_BYTES},
                                          {0}};
    char text[600];
    (void)options;
    for (const struct column *c = pairs; c->title; c++)
        fprintf(out, "%-16s %s\n", c->title,
                value_text(value_at(result, c->key), c->kind, text, sizeof text));
    fputc('\n', out);
    table_print(out, columns, json_object_get(result, "lanes"));
}

// --- export ---

struct exported {
    FILE *file;
    uint8_t *block;
    uint64_t frames;
    uint64_t lost; // turns
    uint64_t gaps; // recording began, and not with the first input
    struct capture_instance instance;
    uint64_t ports[LANES_MAX]; // of inputs, as PORT records say: four bits each
};

static bool put(struct exported *e, uint32_t len)
{
    return fwrite(e->block, 1, len, e->file) == len;
}

// Every instance is a section of its own, with its interfaces.
static bool section_put(struct exported *e)
{
    char name[48];
    bool ok = put(e, pcapng_section(e->block));
    for (uint32_t lane = 0; ok && lane < e->instance.lanes; lane++)
        for (uint32_t port = 0; ok && port < e->instance.ports; port++) {
            snprintf(name, sizeof name, "lane %u/port %u", lane, port);
            ok = put(e, pcapng_interface(e->block, name));
        }
    return ok;
}

static bool frame_put(struct exported *e, const struct capture_item *item)
{
    const struct capture_parsed *r = &item->record;
    const uint32_t port = e->ports[item->lane] >> r->header.index % PORTS_MAX * 4 & 15;
    struct pcapng_packet packet = {.interface = item->lane * e->instance.ports + port,
                                   .utc_ns = item->utc_ns,
                                   .data = item->data,
                                   .captured = r->data_len,
                                   .len = r->frame.len,
                                   .outward = r->header.kind == CAPTURE_FRAME_OUT};
    if (packet.outward)
        snprintf(packet.comment, sizeof packet.comment, "lane %u input %" PRIu64, item->lane,
                 r->frame.number);
    else
        snprintf(packet.comment, sizeof packet.comment, "lane %u burst %" PRIu64 " frame %u",
                 item->lane, r->frame.number, r->frame.place);
    e->frames++;
    return put(e, pcapng_packet(e->block, &packet));
}

static bool item_put(struct exported *e, const struct capture_item *item, int64_t lane)
{
    const struct capture_parsed *r = &item->record;
    struct capture_port port;
    struct capture_start start;
    if (item->kind == CAPTURE_ITEM_INSTANCE) {
        e->instance = item->instance;
        memset(e->ports, 0, sizeof e->ports);
        return section_put(e);
    }
    if (r->header.kind == CAPTURE_PORT) {
        memcpy(&port, r->payload, sizeof port);
        const uint32_t shift = r->header.index % PORTS_MAX * 4;
        e->ports[item->lane] &= ~(UINT64_C(15) << shift);
        e->ports[item->lane] |= (uint64_t)(port.port & 15) << shift;
    }
    if (lane >= 0 && item->lane != (uint64_t)lane)
        return true;
    if (r->header.kind == CAPTURE_LOST)
        e->lost += r->header.value;
    if (r->header.kind == CAPTURE_START) {
        memcpy(&start, r->payload, sizeof start);
        e->gaps += start.first == 0;
    }
    if (!capture_is_frame(r))
        return true;
    return frame_put(e, item);
}

void run_capture_export(const struct invocation *invocation, struct error *err)
{
    const char *directory = json_string_value(json_object_get(invocation->options, "DIR"));
    const char *path = json_string_value(json_object_get(invocation->options, "FILE"));
    const json_t *only = json_object_get(invocation->options, "--lane");
    if (only && (json_integer_value(only) < 0 || json_integer_value(only) >= LANES_MAX)) {
        error_set(err, EXIT_USAGE, "--lane: from 0 to %d", LANES_MAX - 1);
        return;
    }
    struct exported e = {.block = malloc(CAPTURE_FRAME_MAX + 1024)};
    struct capture_reader reader;
    struct capture_item item;
    if (e.block == NULL) {
        error_set(err, EXIT_FAILED, "no memory");
        return;
    }
    if (!capture_reader_open(&reader, directory, err)) {
        free(e.block);
        return;
    }
    e.file = fopen(path, "wb");
    bool ok = e.file != NULL;
    while (ok && capture_reader_next(&reader, &item, err) && item.kind != CAPTURE_ITEM_END)
        ok = item_put(&e, &item, only ? json_integer_value(only) : -1);
    if (e.file && fclose(e.file) != 0)
        ok = false;
    if (!ok)
        error_set(err, EXIT_FAILED, "%s: %s", path, strerror(errno));
    else if (err->code == EXIT_OK)
        printf("%" PRIu64 " frames\n", e.frames);
    if (ok && reader.holes)
        fprintf(stderr, "tickgate: %s: not complete: %s\n", directory, reader.why);
    else if (ok && e.lost)
        fprintf(stderr, "tickgate: %s: not complete: %" PRIu64 " turns of lanes found no room\n",
                directory, e.lost);
    else if (ok && e.gaps)
        fprintf(stderr,
                "tickgate: %s: not complete: %" PRIu64
                " times lanes were recorded again after they had not been\n",
                directory, e.gaps);
    capture_reader_close(&reader);
    free(e.block);
}
