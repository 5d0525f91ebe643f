// Opening a journal: what is there is read to its end, and writing goes on behind it.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/journal/journal.h"
#include "controlplane/journal/reader.h"

// --- one writer ---

static bool writer_lock(struct journal *j, struct error *err)
{
    char path[JOURNAL_PATH_MAX], holder[32] = "";
    if (mkdir(j->directory, 0750) != 0 && errno != EEXIST)
        return error_set(err, EXIT_FAILED, "%s: %s; %s", j->directory, strerror(errno),
                         errno == EACCES ? "give this user the directory above it"
                                         : "make the directory above it");
    if (snprintf(path, sizeof path, "%s/writer", j->directory) >= (int)sizeof path)
        return error_set(err, EXIT_FAILED, "%s: the path is too long", j->directory);
    j->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (j->lock < 0)
        return error_set(err, EXIT_FAILED, "%s: %s; give this user the directory", path,
                         strerror(errno));
    if (flock(j->lock, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(j->lock, holder, sizeof holder - 1, 0);
        holder[n > 0 ? strcspn(holder, "\n") : 0] = 0;
        close(j->lock);
        j->lock = -1;
        return error_set(err, EXIT_FAILED,
                         "%s: process %s writes this journal; stop it, or name another directory",
                         j->directory, holder);
    }
    // For whoever comes second; a full disk keeps nobody out.
    int n = snprintf(holder, sizeof holder, "%d\n", (int)getpid());
    (void)!ftruncate(j->lock, 0);
    (void)!pwrite(j->lock, holder, (size_t)n, 0);
    return true;
}

void journal_unlock(struct journal *j)
{
    if (j->lock >= 0)
        close(j->lock);
    j->lock = -1;
}

// --- what is there ---

// Follows the records of the last segment: who wrote last, and what stands in it of each ring.
static void follow(struct journal *j, const struct journal_record *r)
{
    const void *payload = r + 1;
    const uint32_t len = r->len - (uint32_t)sizeof *r;
    struct event event;
    if (r->type == JOURNAL_INSTANCE && len >= sizeof j->header.instance) {
        memcpy(&j->header.instance, payload, sizeof j->header.instance);
        if (j->cursors.epoch != j->header.instance.epoch)
            j->cursors = (struct journal_cursors){.epoch = j->header.instance.epoch};
    } else if (r->type == JOURNAL_CURSORS && len >= sizeof j->cursors) {
        memcpy(&j->cursors, payload, sizeof j->cursors);
    } else if (r->type == JOURNAL_EVENT && len >= sizeof event) {
        memcpy(&event, payload, sizeof event);
        const uint32_t source = event.lane < LANES_MAX ? event.lane : LANES_MAX;
        if (r->ring < EVENT_RING_KINDS)
            j->cursors.sequence[source][r->ring] = event.sequence;
    }
}

static bool found_read(struct journal *j, struct journal_reader *r, struct error *err)
{
    char text[256];
    const struct journal_record *record;
    while ((record = journal_reader_next(r, err)) != NULL)
        follow(j, record);
    if (err->code != EXIT_OK)
        return false;
    if (r->damaged) {
        for (uint32_t i = 0; i < r->finding_count; i++)
            if (!r->findings[i].torn) {
                journal_finding_text(&r->findings[i], text, sizeof text);
                break;
            }
        return error_set(
            err, EXIT_STATE,
            "%s: %s; look with `tickgate journal verify`, then move the directory away",
            j->directory, text);
    }
    return true;
}

// What stands in the last segments may never have been synced by whoever wrote it, and after a sync
// that failed the kernel's copy may not be the disk's: it is synced, and then read from the disk.
static bool found_sync(const struct journal *j, const struct journal_reader *r, struct error *err)
{
    char path[JOURNAL_PATH_MAX];
    for (uint32_t i = r->at_segment; i < r->segment_count && !j->config.cached; i++) {
        if (!journal_segment_path(j->directory, r->segments[i], path))
            continue;
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        const bool synced = fd >= 0 && fsync(fd) == 0;
        const int failed = errno;
        if (fd >= 0) {
            posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
            close(fd);
        }
        if (!synced)
            return error_set(err, EXIT_FAILED, "%s: %s", path, strerror(failed));
    }
    return true;
}

// What was kept for blocks that go to the next segment is given back, unless something stands
// there. What cannot be given back stays.
static void found_trim(const struct journal *j, const struct journal_reader *r)
{
    char path[JOURNAL_PATH_MAX];
    const uint64_t last = r->segments[r->segment_count - 1];
    // The reader's offset is that of the last file, if that has a header.
    if (last == r->header.segment && r->torn == 0 && r->offset >= r->header.align &&
        journal_segment_path(j->directory, last, path))
        (void)!truncate(path, (off_t)r->offset);
}

static bool found_whole(const struct journal *j, const struct journal_reader *r, struct error *err)
{
    for (uint32_t i = 1; i < r->segment_count; i++)
        if (r->segments[i] != r->segments[i - 1] + 1)
            return error_set(err, EXIT_STATE,
                             "%s: damage: segment %" PRIu64
                             " is missing; bring its file back, or move the directory away",
                             j->directory, r->segments[i - 1] + 1);
    return true;
}

// The newest segment that has a header; a file behind it without one was never written.
static bool found_take(struct journal *j, struct error *err)
{
    struct journal_reader r;
    // The last two: the newest may be a file without a header yet. Writers that were killed before
    // their first block leave segments without a record: what stands in the journal of each ring is
    // said by the newest that has one.
    bool ok = false, again = true;
    for (uint32_t back = 2; again; back++) {
        ok = journal_reader_open(&r, j->directory, 0, err);
        if (ok && r.segment_count > back)
            r.at_segment = r.segment_count - back;
        const bool whole = r.at_segment == 0;
        ok = ok && found_whole(j, &r, err) && found_sync(j, &r, err) && found_read(j, &r, err);
        again = ok && r.records == 0 && !whole;
        if (again)
            journal_reader_close(&r);
    }
    if (ok && r.header.segment) {
        const struct journal_instance instance = j->header.instance;
        j->header = r.header;
        if (instance.epoch)
            j->header.instance = instance;
        j->number = r.number;
        memcpy(j->place.previous, r.place.previous, sizeof j->place.previous);
        j->committed = r.number - 1;
        j->torn = r.torn > 0;
        found_trim(j, &r);
    }
    journal_reader_close(&r);
    return ok;
}

bool journal_open(struct journal *j, const struct journal_config *config, struct disk *disk,
                  struct error *err)
{
    *j = (struct journal){
        .config = *config, .lock = -1, .number = 1, .marked = true, .disk = {.fd = -1}};
    if (disk)
        j->disk = *disk;
    if (snprintf(j->directory, sizeof j->directory, "%s", config->directory) >=
        (int)sizeof j->directory)
        return error_set(err, EXIT_FAILED, "%s: the path is too long", config->directory);
    if (config->segment_bytes < (uint64_t)JOURNAL_SEGMENT_MIB_MIN << 20)
        return error_set(err, EXIT_USAGE, "%s: a segment of %" PRIu64 " bytes; at least %d MiB",
                         j->directory, config->segment_bytes, JOURNAL_SEGMENT_MIB_MIN);
    if (!writer_lock(j, err) || !found_take(j, err) ||
        (disk == NULL && !disk_open(&j->disk, config->engine, j->directory, err))) {
        journal_unlock(j);
        return false;
    }
    if (j->header.segment == 0 &&
        getrandom(j->header.journal, sizeof j->header.journal, 0) != sizeof j->header.journal) {
        journal_unlock(j);
        return error_set(err, EXIT_FAILED, "%s: no random numbers: %s", j->directory,
                         strerror(errno));
    }
    j->disk.cached = config->cached;
    j->disk.direct = j->disk.direct && !config->cached;
    j->header.version = JOURNAL_VERSION;
    j->header.align = j->disk.align;
    // A new segment with the first record.
    j->offset = config->segment_bytes;
    return true;
}
