#include "bench/book/unpack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum {
    STEP = 16 << 20,
    // zlib's window bits: 15, and 16 for "a gzip header, nothing else" (zlib.h, inflateInit2).
    GZIP = 15 + 16,
};

static bool make_room(struct unpacked *to, uint64_t *room, const char *path, struct error *err)
{
    if (to->len + STEP <= *room)
        return true;
    *room = *room ? 2 * *room : 2ul * STEP;
    uint8_t *grown = realloc(to->bytes, *room);
    if (grown == NULL)
        return error_set(err, EXIT_FAILED, "%s: does not fit in memory", path);
    to->bytes = grown;
    return true;
}

static bool read_file(struct unpacked *to, const char *path, struct error *err)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return error_set(err, EXIT_FAILED, "%s: is a directory; name a capture or an ITCH file",
                         path);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return error_set(err, EXIT_FAILED, "%s: %s", path, strerror(errno));
    uint64_t room = 0;
    bool ok;
    while ((ok = make_room(to, &room, path, err))) {
        const size_t got = fread(to->bytes + to->len, 1, STEP, file);
        to->len += got;
        if (got < STEP)
            break;
    }
    if (ok && ferror(file))
        ok = error_set(err, EXIT_FAILED, "%s: byte %lu: %s", path, to->len, strerror(errno));
    fclose(file);
    return ok;
}

// gzread() forgets what it has unpacked in the call that meets the damage; inflate() does not.
static bool inflate_all(struct unpacked *to, const struct unpacked *packed, const char *path,
                        struct error *err)
{
    z_stream z = {0};
    uint64_t at = 0;
    uint64_t room = 0;
    int got = inflateInit2(&z, GZIP);
    bool ok = got == Z_OK || error_set(err, EXIT_FAILED, "%s: zlib: %s", path, zError(got));
    while (ok && got == Z_OK && (ok = make_room(to, &room, path, err))) {
        const uint64_t left = packed->len - at;
        z.next_in = packed->bytes + at;
        z.avail_in = left < STEP ? (uint32_t)left : STEP;
        z.next_out = to->bytes + to->len;
        z.avail_out = STEP;
        got = inflate(&z, Z_NO_FLUSH);
        at = (uint64_t)(z.next_in - packed->bytes);
        to->len = (uint64_t)(z.next_out - to->bytes);
        // One member ends; another may follow (RFC 1952, section 2.2). Other bytes behind it do
        // not belong to the file.
        if (got == Z_STREAM_END && packed->len - at > 2 && packed->bytes[at] == 0x1f &&
            packed->bytes[at + 1] == 0x8b)
            got = inflateReset(&z);
    }
    to->damaged = ok && got != Z_STREAM_END && got != Z_BUF_ERROR;
    if (to->damaged)
        snprintf(to->why, sizeof to->why, "the gz file is damaged at byte %lu: %s", at,
                 z.msg ? z.msg : zError(got));
    else if (ok && got == Z_BUF_ERROR)
        snprintf(to->why, sizeof to->why, "the gz file ends early");
    inflateEnd(&z);
    return ok;
}

bool unpack_file(struct unpacked *to, const char *path, struct error *err)
{
    memset(to, 0, sizeof *to);
    if (!read_file(to, path, err))
        return false;
    if (to->len < 2 || to->bytes[0] != 0x1f || to->bytes[1] != 0x8b)
        return true;
    const struct unpacked packed = *to;
    memset(to, 0, sizeof *to);
    const bool ok = inflate_all(to, &packed, path, err);
    free(packed.bytes);
    return ok;
}
