// A journal in a directory of its own, and the events that go into it.
#pragma once

// clang-format off: cmocka.h needs these before it
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>

#include "controlplane/journal/journal.h"
#include "controlplane/journal/reader.h"
#include "tests/lib/fault_disk.h"

enum { RIG_SEGMENT = JOURNAL_SEGMENT_MIB_MIN << 20 };

struct journal_rig {
    char directory[64];
    struct journal journal;
    struct disk disk;
    struct fault_disk faults;
    uint64_t now_ns;
    uint64_t sent; // events given to the journal; each is its number
};

static inline void rig_make_in(struct journal_rig *g, const char *folder)
{
    memset(g, 0, sizeof *g);
    snprintf(g->directory, sizeof g->directory, "%s/journal-XXXXXX", folder);
    assert_non_null(mkdtemp(g->directory));
    g->now_ns = 1000;
}

static inline void rig_make(struct journal_rig *g)
{
    rig_make_in(g, "/tmp");
}

static inline void rig_path(const struct journal_rig *g, const char *name, char out[512])
{
    snprintf(out, 512, "%s/%s", g->directory, name);
}

static inline void rig_remove(const struct journal_rig *g)
{
    char pattern[512];
    glob_t files = {0};
    rig_path(g, "*", pattern);
    if (glob(pattern, 0, NULL, &files) == 0)
        for (size_t i = 0; i < files.gl_pathc; i++)
            unlink(files.gl_pathv[i]);
    globfree(&files);
    assert_int_equal(rmdir(g->directory), 0);
}

// For thousands of changes and reads: what is asked is not how fast this machine's disk is.
static inline void rig_into_memory(struct journal_rig *g)
{
    if (access("/dev/shm", W_OK) != 0)
        return;
    rig_remove(g);
    rig_make_in(g, "/dev/shm");
}

static inline bool rig_try_open(struct journal_rig *g, uint64_t seed, struct error *err)
{
    const struct journal_config config = {
        .directory = g->directory, .segment_bytes = RIG_SEGMENT, .commit_ns = 1000000};
    fault_disk_open(&g->disk, &g->faults, seed);
    if (journal_open(&g->journal, &config, &g->disk, err))
        return true;
    free(g->disk.slots);
    return false;
}

static inline void rig_open(struct journal_rig *g, uint64_t seed)
{
    struct error err = {0};
    if (!rig_try_open(g, seed, &err))
        fail_msg("%s", err.text);
}

// With the disk itself, by an engine of choice.
static inline bool rig_open_by(struct journal_rig *g, enum disk_engine engine, struct error *err)
{
    const struct journal_config config = {.directory = g->directory,
                                          .segment_bytes = RIG_SEGMENT,
                                          .commit_ns = 1000000,
                                          .engine = engine};
    return journal_open(&g->journal, &config, NULL, err);
}

// The same for a test of <engine>, which is skipped where that is not to be had.
static inline void rig_engine(struct journal_rig *g, enum disk_engine engine)
{
    struct error err = {0};
    if (rig_open_by(g, engine, &err))
        return;
    if (engine == DISK_THREAD)
        fail_msg("%s", err.text);
    print_message("%s\n", err.text);
    skip();
}

// The machine stops: what is on its way gets as far as it gets.
static inline void rig_crash(struct journal_rig *g)
{
    fault_crash(&g->journal.disk);
    journal_unlock(&g->journal);
    disk_close(&g->journal.disk);
}

static inline bool rig_send(struct journal_rig *g)
{
    struct event event = {.sequence = g->sent + 1, .tsc = 7 * (g->sent + 1), .type = EVENT_ORDER};
    event.order.client_id = ~(g->sent + 1);
    if (!journal_event(&g->journal, 0, EVENT_RING_TRADING, &event, g->sent + 1, g->now_ns))
        return false;
    g->sent++;
    return true;
}

static inline void rig_turn(struct journal_rig *g, uint32_t wait_us)
{
    g->now_ns += 1000;
    journal_turn(&g->journal, g->now_ns, wait_us);
}

// Many events, some of them before the disk has those of before. True: all are durable.
static inline bool rig_send_all(struct journal_rig *g, uint32_t count)
{
    for (uint32_t i = 0; i < count;) {
        i += rig_send(g);
        if (i % 7 == 0)
            rig_turn(g, i % 3 ? 0 : 100);
    }
    for (int i = 0; i < 20000 && g->journal.committed + 1 < g->journal.number; i++)
        rig_turn(g, 1000);
    return g->journal.committed + 1 == g->journal.number;
}

// Reads everything: events are 1, 2, 3 ... without a hole. Returns the last; the reader's findings
// are in *r, which has been closed.
static inline uint64_t rig_read_as(const struct journal_rig *g, struct journal_reader *r,
                                   bool unhashed)
{
    struct error err = {0};
    const struct journal_record *record;
    uint64_t last = 0, number = 0;
    assert_true(journal_reader_open(r, g->directory, 0, &err));
    if (unhashed) {
        journal_reader_unhashed(r);
        journal_reader_ahead(r, true);
    }
    while ((record = journal_reader_next(r, &err)) != NULL) {
        struct event event;
        if (r->damaged == 0)
            assert_int_equal(record->number, ++number);
        if (record->type != JOURNAL_EVENT)
            continue;
        memcpy(&event, record + 1, sizeof event);
        assert_int_equal(event.order.client_id, ~event.sequence);
        if (r->damaged == 0)
            assert_int_equal(event.sequence, last + 1);
        last = event.sequence;
    }
    assert_int_equal(err.code, EXIT_OK);
    journal_reader_close(r);
    return last;
}

static inline uint64_t rig_read(const struct journal_rig *g, struct journal_reader *r)
{
    return rig_read_as(g, r, false);
}
