// bench-journal: events from memory to the disk, beside what the disk does with the same blocks.
//
//   bench/journal [--dir DIR] [--events N] [--engine uring|thread] [--keep]
//
// First the journal takes events as fast as they come, then single ones, each waited for; between
// the two the bare disk writes blocks of the sizes that the journal wrote. Everything in one run.
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/journal/journal.h"

enum { COMMITS = 500 };

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void event_make(struct event *event, uint64_t sequence)
{
    event->sequence = sequence;
    event->tsc = 1000 * sequence;
    event->type = EVENT_ORDER;
    event->order.client_id = sequence;
}

static bool stopped(const struct journal *j)
{
    if (j->state == JOURNAL_WRITING)
        return false;
    fprintf(stderr, "bench-journal: %s: %s\n", j->directory, strerror(j->error));
    return true;
}

// Nanoseconds until <events> are durable; 0: it stopped.
static uint64_t stream(struct journal *j, uint64_t *sequence, uint64_t events)
{
    const uint64_t begun = now_ns(), last = *sequence + events;
    struct event event = {0};
    while (j->committed + 1 < j->number || *sequence < last) {
        const uint64_t now = now_ns();
        for (int i = 0; i < 1024 && *sequence < last; i++) {
            event_make(&event, *sequence + 1);
            if (!journal_event(j, 0, EVENT_RING_TRADING, &event, *sequence + 1, now))
                break;
            ++*sequence;
        }
        journal_turn(j, now, 0);
        if (stopped(j))
            return 0;
    }
    return now_ns() - begun;
}

// Median of the time from one event to its commit.
static uint64_t single(struct journal *j, uint64_t *sequence)
{
    static uint64_t took[COMMITS];
    for (int i = 0; i < COMMITS; i++) {
        struct event event = {0};
        const uint64_t begun = now_ns();
        event_make(&event, ++*sequence);
        if (!journal_event(j, 0, EVENT_RING_TRADING, &event, *sequence, begun))
            return 0;
        while (j->committed + 1 < j->number && !stopped(j))
            journal_turn(j, now_ns(), 1000);
        took[i] = now_ns() - begun;
    }
    qsort(took, COMMITS, sizeof took[0], ascending);
    return took[COMMITS / 2];
}

// The same through plain calls: median of a write of <len> and its fdatasync.
static uint64_t bare(const struct disk *d, const char *directory, uint32_t len, int count)
{
    static uint64_t took[COMMITS];
    char path[600];
    snprintf(path, sizeof path, "%s/bare", directory);
    int fd = open(path, O_WRONLY | O_CREAT | (d->direct ? O_DIRECT : 0), 0600);
    if (fd < 0 || posix_fallocate(fd, 0, (off_t)len * count) != 0)
        return 0;
    for (int i = 0; i < count; i++) {
        const uint64_t begun = now_ns();
        if (pwrite(fd, disk_slot(d, 0), len, (off_t)len * i) != (ssize_t)len || fdatasync(fd) != 0)
            return 0;
        took[i] = now_ns() - begun;
    }
    close(fd);
    unlink(path);
    qsort(took, (size_t)count, sizeof took[0], ascending);
    return took[count / 2];
}

static void directory_remove(const char *directory)
{
    char pattern[600];
    glob_t files = {0};
    snprintf(pattern, sizeof pattern, "%s/*", directory);
    if (glob(pattern, 0, NULL, &files) == 0)
        for (size_t i = 0; i < files.gl_pathc; i++)
            unlink(files.gl_pathv[i]);
    globfree(&files);
    rmdir(directory);
}

static bool measure(struct journal *j, uint64_t events)
{
    uint64_t sequence = 0;
    const uint64_t took = stream(j, &sequence, events);
    if (took == 0)
        return false;
    const uint64_t one = single(j, &sequence);
    const uint32_t len = (uint32_t)(sizeof(struct journal_block_header) +
                                    sizeof(struct journal_record) + EVENT_LEN + j->disk.align - 1) /
                         j->disk.align * j->disk.align;
    const uint64_t bare_one = bare(&j->disk, j->directory, len, COMMITS);
    const uint64_t bare_many = bare(&j->disk, j->directory, JOURNAL_BLOCK_MAX, 64);
    printf("engine          %s%s, blocks of %" PRIu32 " bytes\n", j->disk.ops->name,
           j->disk.direct ? ", past the page cache" : "", j->disk.align);
    printf("stream          %.2f million events/s, %.0f MB/s, %" PRIu64 " blocks of %.0f KiB\n",
           (double)events * 1e3 / (double)took, (double)j->bytes * 1e3 / (double)took, j->blocks,
           (double)j->bytes / 1024 / (double)j->blocks);
    if (bare_many)
        printf("bare disk       %.0f MB/s with a sync for each MiB\n",
               JOURNAL_BLOCK_MAX * 1e3 / (double)bare_many);
    printf("single commit   p50 %.1f us, bare write and fdatasync %.1f us, ratio %.2f\n",
           (double)one / 1e3, (double)bare_one / 1e3,
           bare_one ? (double)one / (double)bare_one : 0);
    return true;
}

int main(int argc, char **argv)
{
    static const struct option table[] = {{"dir", required_argument, NULL, 'd'},
                                          {"events", required_argument, NULL, 'n'},
                                          {"engine", required_argument, NULL, 'e'},
                                          {"keep", no_argument, NULL, 'k'},
                                          {NULL, 0, NULL, 0}};
    struct journal_config config = {
        .directory = "bench-journal", .segment_bytes = 256u << 20, .commit_ns = 1000000};
    static struct journal j;
    struct error err = {0};
    uint64_t events = 2000000;
    bool keep = false;
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        switch (c) {
        case 'd': config.directory = optarg; break;
        case 'n': events = strtoull(optarg, NULL, 10); break;
        case 'e':
            config.engine = strcmp(optarg, "thread") == 0  ? DISK_THREAD
                            : strcmp(optarg, "uring") == 0 ? DISK_URING
                                                           : DISK_AUTO;
            if (config.engine != DISK_AUTO)
                break;
            fprintf(stderr, "bench-journal: --engine %s: uring or thread\n", optarg);
            return EXIT_USAGE;
        case 'k': keep = true; break;
        default: return EXIT_USAGE;
        }
    }
    if (!journal_open(&j, &config, NULL, &err)) {
        fprintf(stderr, "bench-journal: %s\n", err.text);
        return (int)err.code;
    }
    bool good = measure(&j, events);
    good = journal_close(&j) && good;
    if (!keep)
        directory_remove(config.directory);
    return good ? EXIT_OK : EXIT_FAILED;
}
