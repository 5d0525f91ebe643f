#include "controlplane/journal/retain.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/journal/extract.h"
#include "controlplane/journal/reader.h"
#include "dataplane/base/log.h"

enum { KEPT_ALWAYS = 2 };

struct kept {
    uint64_t bytes; // on disk, of all segments
    struct timespec changed;
};

static bool look(const struct journal *j, uint64_t segment, struct kept *kept)
{
    char path[JOURNAL_PATH_MAX];
    struct stat status;
    if (!journal_segment_path(j->directory, segment, path) || stat(path, &status) != 0)
        return false;
    kept->bytes += (uint64_t)status.st_blocks * 512;
    kept->changed = status.st_mtim;
    return true;
}

static bool too_old(const struct journal *j, const struct kept *oldest)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const int64_t age_s = (int64_t)now.tv_sec - (int64_t)oldest->changed.tv_sec;
    return j->config.keep_ns && age_s > 0 && (uint64_t)age_s > j->config.keep_ns / 1000000000u;
}

void journal_retain(struct journal *j)
{
    char path[JOURNAL_PATH_MAX];
    struct kept all = {0};
    uint64_t first = j->header.segment;
    if (j->config.keep_bytes == 0 && j->config.keep_ns == 0)
        return;
    while (first > 0 && look(j, first, &all)) // without a hole: the first that is missing is gone
        first--;
    const uint64_t keep_from = j->config.keep_from ? *j->config.keep_from : UINT64_MAX;
    for (first++; first + KEPT_ALWAYS <= j->header.segment && first < keep_from; first++) {
        struct kept oldest = {0};
        look(j, first, &oldest);
        if (!(j->config.keep_bytes && all.bytes > j->config.keep_bytes) && !too_old(j, &oldest))
            break;
        if (!journal_segment_path(j->directory, first, path) || unlink(path) != 0) {
            log_warn(LOG_JOURNAL_RETAIN,
                     LOG_FIELDS(LOG_TEXT("path", path), LOG_TEXT("cause", strerror(errno))),
                     "%s: %s; it stays", path, strerror(errno));
            break;
        }
        if (extract_path(j->directory, first, path))
            unlink(path); // there may be none
        all.bytes -= oldest.bytes < all.bytes ? oldest.bytes : all.bytes;
    }
}
