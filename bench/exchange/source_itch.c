#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bench/exchange/source.h"
#include "dataplane/base/bytes.h"

enum {
    BUFFER = 1 << 20,
    RECORD_MAX = 2 + 65535,
    TIME_END = 11, // the common fields of a message end here
};

struct itch_file {
    gzFile file;
    uint8_t *buffer; // BUFFER bytes
    uint32_t have, at;
    uint64_t offset; // in the uncompressed file, of buffer[0]
    uint64_t time_ns;
    uint64_t messages;
    bool eof;
    char path[256];
};

// Keeps what is unread and reads on behind it. A file that cannot be read any further for another
// reason than its end counts up to there.
static void refill(struct source *s)
{
    struct itch_file *f = s->state;
    f->offset += f->at;
    memmove(f->buffer, f->buffer + f->at, f->have - f->at);
    f->have -= f->at;
    f->at = 0;
    while (!f->eof && f->have < BUFFER) {
        int n = gzread(f->file, f->buffer + f->have, BUFFER - f->have);
        if (n > 0) {
            f->have += (uint32_t)n;
            continue;
        }
        f->eof = true;
        int code = Z_OK;
        gzerror(f->file, &code);
        if (n < 0 || code != Z_OK)
            snprintf(s->warning, sizeof s->warning,
                     "%s: byte %llu: the file is cut off or damaged here; what is before it counts",
                     f->path, (unsigned long long)f->offset + f->have);
    }
}

static enum source_result itch_next(struct source *s, struct source_item *item, struct error *err)
{
    struct itch_file *f = s->state;
    (void)err;
    if (f->have - f->at < RECORD_MAX && !f->eof)
        refill(s);
    uint32_t left = f->have - f->at;
    uint32_t length = left >= 2 ? be16_load(f->buffer + f->at) : 0;
    if (left == 0 || (left >= 2 && length == 0)) // length 0: end of session in a BinaryFILE
        return SOURCE_END;
    if (left < 2 || left - 2 < length) {
        if (!s->warning[0])
            snprintf(s->warning, sizeof s->warning,
                     "%s: byte %llu: the file ends in the middle of message %llu; what is before "
                     "it counts",
                     f->path, (unsigned long long)f->offset + f->at,
                     (unsigned long long)f->messages + 1);
        return SOURCE_END;
    }
    const uint8_t *m = f->buffer + f->at + 2;
    if (length >= TIME_END) {
        uint64_t t = (uint64_t)be16_load(m + 5) << 32 | be32_load(m + 7);
        if (t > f->time_ns)
            f->time_ns = t;
    }
    f->at += 2 + length;
    f->messages++;
    *item = (struct source_item){f->time_ns, m, length};
    return SOURCE_ITEM;
}

static void itch_close(struct source *s)
{
    struct itch_file *f = s->state;
    gzclose(f->file);
    free(f->buffer);
    free(f);
}

bool source_itch_open(struct source *s, const char *path, struct error *err)
{
    memset(s, 0, sizeof *s);
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (!file)
        return error_set(err, EXIT_FAILED, "%s: %s", path, strerror(errno ? errno : ENOMEM));
    struct itch_file *f = calloc(1, sizeof *f);
    uint8_t *buffer = malloc(BUFFER);
    if (!f || !buffer) {
        gzclose(file);
        free(f);
        free(buffer);
        return error_set(err, EXIT_FAILED, "%s: no memory to read it", path);
    }
    gzbuffer(file, 1 << 18);
    f->file = file;
    f->buffer = buffer;
    snprintf(f->path, sizeof f->path, "%s", path);
    s->state = f;
    s->kind = SOURCE_MESSAGES;
    s->next = itch_next;
    s->close = itch_close;
    // A BinaryFILE starts with a message of a known shape: a length that a message of the protocol
    // can have, and a capital letter. Anything else would be replayed as nonsense.
    refill(s);
    if (f->have < 2) {
        source_close(s);
        return error_set(err, EXIT_FAILED, "%s: empty or unreadable as a BinaryFILE", path);
    }
    uint32_t length = be16_load(buffer);
    if (length == 0 || length > 1450 || (f->have > 2 && (buffer[2] < 'A' || buffer[2] > 'z'))) {
        uint32_t type = f->have > 2 ? buffer[2] : 0;
        source_close(s);
        return error_set(
            err, EXIT_FAILED,
            "%s: expected a BinaryFILE (2-byte length, message), a pcap or a pcapng file, "
            "plain or gzip, found a first message of length %u and type 0x%02x; unpack "
            "other archives first",
            path, length, type);
    }
    return true;
}
