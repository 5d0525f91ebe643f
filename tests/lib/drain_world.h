// A region that a test writes into, and a drain that writes it down.
#pragma once

#include "tests/lib/drain_rig.h"
#include "tests/lib/region_file.h"

enum { SOURCES = 3 };

struct fixture {
    struct region_file file;
    struct event_writer writers[SOURCES][EVENT_RING_KINDS];
    struct contact contact;
    struct event_log log;
    struct drain drain;
    struct journal_rig rig;
    struct drain_config config;
};

static inline void region_new(struct fixture *f, uint64_t epoch)
{
    struct region_shape shape = region_file_shape();
    struct region_identity identity = region_file_identity();
    identity.epoch = epoch;
    region_file_make(&f->file, &shape, &identity);
    for (uint32_t s = 0; s < SOURCES; s++)
        for (int kind = 0; kind < EVENT_RING_KINDS; kind++)
            region_event_writer(&f->file.view, s, kind, &f->writers[s][kind]);
    for (uint32_t i = 0; i < shape.lanes; i++)
        snprintf(region_lane_info(&f->file.view, i)->name, NAME_LEN, "lane%u", i);
    region_file_ready(&f->file);
}

static inline void begin(struct fixture *f)
{
    struct error err = {0};
    if (!drain_start(&f->drain, &f->config, &err))
        fail_msg("%s", err.text);
    contact_init(&f->contact, f->file.path);
    assert_true(contact_look(&f->contact, 0));
    drain_attach(&f->drain, &f->contact);
}

static inline void end(struct fixture *f)
{
    drain_stop(&f->drain);
    contact_close(&f->contact);
}

static inline int setup(void **state)
{
    struct fixture *f = region_file_alloc(sizeof *f);
    rig_make(&f->rig);
    region_new(f, 7);
    assert_true(event_log_init(&f->log));
    f->config = (struct drain_config){.journal = {.directory = f->rig.directory,
                                                  .segment_bytes = RIG_SEGMENT,
                                                  .commit_ns = 1000000,
                                                  .cached = true},
                                      .stall_ns = PATIENCE_S * UINT64_C(1000000000)};
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    event_log_free(&f->log);
    region_file_remove(&f->file);
    rig_remove(&f->rig);
    free(f);
    return 0;
}

static inline void publish(struct fixture *f, uint32_t source, enum event_ring_kind kind,
                           uint32_t count)
{
    struct event event = {.type = EVENT_LINK_CHANGE, .tsc = 2000};
    for (uint32_t i = 0; i < count; i++)
        assert_true(event_write(&f->writers[source][kind], &event));
}

// Until everything published is durable and can be taken.
static inline void settle(struct fixture *f)
{
    drain_settle(&f->drain);
    drain_take(&f->drain, &f->log);
}

static inline uint64_t released(const struct fixture *f, uint32_t source, enum event_ring_kind kind)
{
    return atomic_load(&region_ring(&f->file.view, source, kind)->committed);
}

// What the journal holds of a ring of <epoch>: 1, 2, 3 ... up to the answer.
static inline uint64_t written(struct fixture *f, uint64_t epoch, uint32_t lane,
                               enum event_ring_kind kind, uint64_t first)
{
    static struct journal_reader r;
    const struct journal_record *record;
    struct error err = {0};
    uint64_t last = first - 1, at = 0;
    assert_true(journal_reader_open(&r, f->rig.directory, 0, &err));
    while ((record = journal_reader_next(&r, &err)) != NULL) {
        struct event event;
        memcpy(&at, record->type == JOURNAL_INSTANCE ? (const void *)(record + 1) : &at, sizeof at);
        memcpy(&event, record + 1, record->type == JOURNAL_EVENT ? sizeof event : 0);
        if (record->type != JOURNAL_EVENT || at != epoch || event.lane != lane ||
            record->ring != kind)
            continue;
        assert_int_equal(event.sequence, last + 1);
        last = event.sequence;
    }
    assert_int_equal(r.finding_count, 0);
    journal_reader_close(&r);
    return last;
}

static inline enum record_state record(const struct fixture *f)
{
    return (enum record_state)atomic_load(&region_record_word(&f->file.view, 0)->state);
}

static inline void until_record(const struct fixture *f, enum record_state state)
{
    const uint64_t until = clock_mono_ns() + PATIENCE_S * UINT64_C(1000000000);
    while (record(f) != state) {
        assert_true(clock_mono_ns() < until);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}
