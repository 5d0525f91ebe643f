// bench-journal: events from memory to the disk, beside what the disk does with the same blocks.
//
//   bench/journal [--dir DIR] [--events N] [--engine uring|thread] [--keep]
//
// First the journal takes events as fast as they come, then fio writes as much into the same
// directory, in blocks of the same size. Then single events, each waited for until it is durable,
// in turns with a bare write and fdatasync of the same size. Everything in one run: only its ratios
// say something, disks have good and bad hours.
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/journal/journal.h"

enum {
    COMMITS = 1000,
    TARGET_EVENTS = 5000000, // a second
    TARGET_OF_100 = 90,      // of fio's bandwidth, if that is less
    TARGET_COMMIT = 2,       // times the bare one
};

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

// Time from one event to its commit; 0: it stopped.
static uint64_t single(struct journal *j, uint64_t *sequence)
{
    struct event event = {0};
    const uint64_t begun = now_ns();
    event_make(&event, ++*sequence);
    if (!journal_event(j, 0, EVENT_RING_TRADING, &event, *sequence, begun))
        return 0;
    while (j->committed + 1 < j->number) {
        if (stopped(j))
            return 0;
        journal_turn(j, now_ns(), 1000);
    }
    return now_ns() - begun;
}

// --- the bare disk ---

// A file for <count> blocks of <len>, preallocated as a segment is; -1: the disk refuses.
static int bare_open(const struct disk *d, const char *directory, uint32_t len, int count)
{
    char path[600];
    snprintf(path, sizeof path, "%s/bare", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | (d->direct ? O_DIRECT : 0), 0600);
    if (fd >= 0 && (posix_fallocate(fd, 0, (off_t)len * count) != 0 || fsync(fd) != 0)) {
        close(fd);
        fd = -1;
    }
    if (fd < 0)
        perror(path);
    return fd;
}

// The same through plain calls: a write of <len> and its fdatasync; 0: refused.
static uint64_t bare(const struct disk *d, int fd, uint32_t len, int at)
{
    const uint64_t begun = now_ns();
    if (pwrite(fd, disk_slot(d, 0), len, (off_t)len * at) != (ssize_t)len || fdatasync(fd) != 0)
        return 0;
    return now_ns() - begun;
}

// Bytes a second that fio writes into <directory> one after the other, <bytes> in all; 0: no fio,
// or it says nothing.
static double fio(const struct journal *j, uint64_t bytes)
{
    char command[1024];
    json_error_t wrong;
    snprintf(
        command, sizeof command,
        "fio --name=bare --filename='%s/fio' --rw=write --bs=1M --size=%" PRIu64
        "M --direct=%d --ioengine=%s --iodepth=4 --end_fsync=1 --output-format=json 2>/dev/null",
        j->directory, (bytes >> 20) + 1, j->disk.direct,
        strcmp(j->disk.ops->name, "io_uring") == 0 ? "io_uring" : "psync");
    // Its words are ours, but for the directory that the caller names.
    // NOLINTNEXTLINE(cert-env33-c)
    FILE *out = popen(command, "r");
    json_t *said = out ? json_loadf(out, 0, &wrong) : NULL;
    const json_t *job = json_array_get(json_object_get(said, "jobs"), 0);
    const double rate =
        json_number_value(json_object_get(json_object_get(job, "write"), "bw_bytes"));
    json_decref(said);
    if (out)
        pclose(out);
    return rate;
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

// --- what is printed ---

static double us_at(const uint64_t *sorted, uint32_t of_1000)
{
    const uint32_t at = COMMITS * of_1000 / 1000;
    return (double)sorted[at] / 1e3;
}

static bool commits_measure(struct journal *j, uint64_t *sequence)
{
    static uint64_t ours[COMMITS], plain[COMMITS];
    const uint32_t used =
        sizeof(struct journal_block_header) + sizeof(struct journal_record) + EVENT_LEN;
    const uint32_t len = (used + j->disk.align - 1) / j->disk.align * j->disk.align;
    const int fd = bare_open(&j->disk, j->directory, len, COMMITS);
    bool good = fd >= 0;
    for (int i = 0; i < COMMITS && good; i++) {
        ours[i] = single(j, sequence);
        plain[i] = bare(&j->disk, fd, len, i);
        good = ours[i] && plain[i];
    }
    if (fd >= 0)
        close(fd);
    if (!good)
        return false;
    qsort(ours, COMMITS, sizeof ours[0], ascending);
    qsort(plain, COMMITS, sizeof plain[0], ascending);
    const double ratio = us_at(ours, 500) / us_at(plain, 500);
    printf("one event       p50 %.1f us, p99 %.1f us until it is durable\n", us_at(ours, 500),
           us_at(ours, 990));
    printf("bare            p50 %.1f us, p99 %.1f us: a write of %" PRIu32 " bytes and fdatasync\n",
           us_at(plain, 500), us_at(plain, 990), len);
    printf("commit          %.2f times the bare one (target: at most %d): %s\n", ratio,
           TARGET_COMMIT, ratio <= TARGET_COMMIT ? "met" : "NOT met");
    return true;
}

static bool measure(struct journal *j, uint64_t events)
{
    uint64_t sequence = 0;
    const uint64_t took = stream(j, &sequence, events);
    if (took == 0)
        return false;
    const uint64_t bytes = j->bytes;
    const double rate = (double)events * 1e9 / (double)took;
    const double bandwidth = (double)bytes * 1e9 / (double)took, disk = fio(j, bytes);
    const double disk_events = disk / ((double)bytes / (double)events) * TARGET_OF_100 / 100;
    const double target =
        disk_events > 0 && disk_events < TARGET_EVENTS ? disk_events : TARGET_EVENTS;
    printf("engine          %s%s, blocks of %" PRIu32 " bytes\n", j->disk.ops->name,
           j->disk.direct ? ", past the page cache" : "", j->disk.align);
    printf("stream          %.2f million events/s, %.0f MB/s, %" PRIu64 " blocks of %.0f KiB\n",
           rate / 1e6, bandwidth / 1e6, j->blocks, (double)bytes / 1024 / (double)j->blocks);
    if (disk > 0)
        printf("fio             %.0f MB/s; the journal has %.2f of it\n", disk / 1e6,
               bandwidth / disk);
    else
        printf("fio             says nothing; install it (apt-get install fio)\n");
    printf("sustained       %.2f million events/s (target: %.2f): %s\n", rate / 1e6, target / 1e6,
           rate >= target ? "met" : "NOT met");
    return commits_measure(j, &sequence);
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
    uint64_t events = 6000000;
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
