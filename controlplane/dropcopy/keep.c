#include "controlplane/dropcopy/keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/journal/block.h"
#include "dataplane/base/file.h"

enum { KEEP_VERSION = 2, KEEP_BYTES_MAX = 1 << 29 };
#define KEEP_MAGIC 0x504f5244u // "DROP"

struct keep_head {
    uint32_t magic, version;
    uint32_t crc;   // CRC32C of what follows
    uint32_t entry; // bytes of one
    uint64_t count;
    struct drop_kept kept;
};

static uint32_t crc_of(const uint8_t *file, size_t len)
{
    const size_t from = offsetof(struct keep_head, entry);
    return crc32c(file + from, (uint32_t)(len - from));
}

bool drop_keep_write(const char *path, const struct drop_kept *kept, const struct drop_table *table,
                     struct error *err)
{
    const uint64_t count = (uint64_t)table->counts[DROP_WAITS] + table->counts[DROP_DIFFERS];
    const size_t len = sizeof(struct keep_head) + count * sizeof(struct drop_entry);
    uint8_t *file = calloc(1, len);
    if (file == NULL)
        return error_set(err, EXIT_FAILED, "%s: no memory", path);
    struct keep_head head = {.magic = KEEP_MAGIC,
                             .version = KEEP_VERSION,
                             .entry = sizeof(struct drop_entry),
                             .count = count,
                             .kept = *kept};
    uint8_t *to = file + sizeof head;
    static const enum drop_list lists[] = {DROP_DIFFERS, DROP_WAITS};
    for (uint32_t i = 0; i < 2; i++)
        for (const struct drop_entry *e = drop_table_first(table, lists[i]); e;
             e = drop_table_next(table, e), to += sizeof *e)
            memcpy(to, e, sizeof *e);
    memcpy(file, &head, sizeof head);
    head.crc = crc_of(file, len);
    memcpy(file, &head, sizeof head);
    const bool ok = file_replace(path, (const char *)file, len, 0600, err);
    free(file);
    return ok;
}

// Null with <err> where it is there and cannot be read; null without where it is not there.
static uint8_t *file_read(const char *path, size_t *len, struct error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        if (errno != ENOENT)
            error_set(err, EXIT_FAILED, "%s: %s", path, strerror(errno));
        return NULL;
    }
    long end = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    rewind(file);
    uint8_t *bytes = end >= 0 && end <= KEEP_BYTES_MAX ? malloc((size_t)end + 1) : NULL;
    *len = bytes ? fread(bytes, 1, (size_t)end, file) : 0;
    fclose(file);
    if (bytes == NULL || *len != (size_t)end) {
        free(bytes);
        error_set(err, EXIT_FAILED, "%s: cannot be read", path);
        return NULL;
    }
    return bytes;
}

// Places of sessions that mean the same session as before.
static uint32_t places_same(const struct drop_sessions *sessions, struct drop_kept *kept)
{
    uint32_t same = 0;
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        kept->names[i][NAME_LEN - 1] = 0;
    for (uint32_t i = 0; i < sessions->count; i++)
        if (strcmp(kept->names[sessions->rows[i].place], sessions->rows[i].name) == 0)
            same |= 1u << sessions->rows[i].place;
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        if (!(same >> i & 1))
            memset(&kept->heard[i], 0, sizeof kept->heard[i]);
    return same;
}

enum drop_found drop_keep_read(const char *path, const struct drop_sessions *sessions,
                               struct drop_kept *kept, struct drop_table *table, uint64_t now_ns,
                               struct error *err)
{
    struct keep_head head;
    size_t len;
    uint8_t *file = file_read(path, &len, err);
    if (file == NULL)
        return err->code == EXIT_OK ? DROP_NONE_THERE : DROP_NO_GOOD;
    bool good = len >= sizeof head;
    if (good)
        memcpy(&head, file, sizeof head);
    good = good && head.magic == KEEP_MAGIC && head.version == KEEP_VERSION &&
           head.entry == sizeof(struct drop_entry) &&
           head.count <= KEEP_BYTES_MAX / sizeof(struct drop_entry) &&
           len == sizeof head + head.count * sizeof(struct drop_entry) &&
           head.crc == crc_of(file, len);
    if (!good) {
        free(file);
        error_set(err, EXIT_FAILED, "%s: is not what was written", path);
        return DROP_NO_GOOD;
    }
    *kept = head.kept;
    kept->session[sizeof kept->session - 1] = 0;
    const uint32_t same = places_same(sessions, kept);
    for (uint64_t i = 0; i < head.count; i++) {
        struct drop_entry e;
        memcpy(&e, file + sizeof head + i * sizeof e, sizeof e);
        if (e.session < SESSIONS_MAX && same >> e.session & 1)
            (void)drop_table_restore(table, &e, now_ns);
    }
    free(file);
    return DROP_FOUND;
}
