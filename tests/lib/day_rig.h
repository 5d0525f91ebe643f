// Days in a journal, read by extracts and without them.
#pragma once

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "controlplane/journal/behind.h"
#include "tests/lib/journal_rig.h"

enum { YESTERDAY = 1000, TODAY = 2000, TOMORROW = 3000, LANES = 3 };

static struct journal_rig rig;
static uint64_t seed;
static uint64_t sequences[JOURNAL_SOURCES], cursors[JOURNAL_SOURCES];
static _Atomic uint64_t committed;
static atomic_bool stop;

static inline uint32_t draw(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((seed >> 33) % n);
}

static inline int make(void **state)
{
    (void)state;
    rig_make(&rig);
    memset(sequences, 0, sizeof sequences);
    memset(cursors, 0, sizeof cursors);
    atomic_store(&stop, false);
    return 0;
}

static inline int drop(void **state)
{
    (void)state;
    rig_remove(&rig);
    return 0;
}

// --- a history ---

static inline void settle(void)
{
    while (!journal_idle(&rig.journal))
        rig_turn(&rig, 100);
    atomic_store(&committed, rig.journal.committed);
}

static inline void instance(uint64_t epoch)
{
    struct journal_instance i = {.epoch = epoch, .restores = 1, .config_hash = 7};
    region_abi_hash(i.abi_hash);
    while (!journal_instance(&rig.journal, &i, rig.now_ns))
        rig_turn(&rig, 100);
    memset(sequences, 0, sizeof sequences);
    memset(cursors, 0, sizeof cursors);
}

static inline void name(uint8_t kind, uint32_t first, const char *text)
{
    union {
        struct journal_names names;
        uint8_t bytes[sizeof(struct journal_names) + NAME_LEN];
    } note = {.bytes = {0}};
    note.names.kind = kind;
    note.names.count = 1;
    note.names.first = first;
    snprintf(note.names.names[0], NAME_LEN, "%s", text);
    while (!journal_note(&rig.journal, JOURNAL_NAMES, &note, sizeof note, rig.now_ns))
        rig_turn(&rig, 100);
}

// Bytes of any kind: what they mean is the dataplane's.
static inline void event(uint32_t source, uint32_t type)
{
    uint8_t bytes[sizeof(struct event_decision)];
    struct event e = {.sequence = ++sequences[source],
                      .tsc = rig.now_ns,
                      .input = rig.now_ns / 3,
                      .type = (uint16_t)type,
                      .lane = (uint8_t)(source < LANES ? source : LANE_MAIN)};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = draw(4) ? 0 : (uint8_t)draw(256);
    memcpy(&e.decision, bytes, sizeof bytes);
    if (type == EVENT_DECISION && draw(3))
        e.decision.refusal = REFUSAL_NONE;
    while (!journal_event(&rig.journal, source, EVENT_RING_TRADING, &e, ++cursors[source],
                          rig.now_ns)) {
        cursors[source]--;
        rig_turn(&rig, 100);
    }
    rig.now_ns += draw(5000);
}

static inline void events(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t type = 1 + draw(EVENT_TYPES - 1);
        const uint32_t source = draw(LANES + 1);
        event(source < LANES ? source : LANES_MAX, type == EVENT_OVERRUN ? EVENT_ORDER : type);
        if (draw(40) == 0)
            rig_turn(&rig, 0); // a block ends, where it may
    }
}

// The next writer, in a new segment.
static inline void writer_next(void)
{
    settle();
    assert_true(journal_close(&rig.journal));
    rig_open(&rig, seed);
}

// <segments> with some blocks each, a few of them long or empty, of one or more instances, one of
// them of today.
static inline void history(uint32_t segments)
{
    rig_open(&rig, seed);
    bool today = draw(2) == 0;
    instance(today ? TODAY : YESTERDAY);
    name(JOURNAL_NAME_ACCOUNT, 0, "house");
    for (uint32_t i = 0; i < segments; i++) {
        events(draw(8) ? 1 + draw(400) : 20000);
        if (draw(4) == 0 || (i == segments / 2 && !today)) {
            today = true;
            instance(TODAY + 1 + i);
            name(JOURNAL_NAME_ACCOUNT, 0, "house");
            name(JOURNAL_NAME_LOCATE, 3, "AAPL");
        }
        writer_next();
        if (draw(5) == 0)
            writer_next();
    }
    events(100);
    instance(TOMORROW - 1);
    settle();
}

// --- reading it ---

struct taken {
    uint64_t count;
    uint32_t sum;
};

static inline bool take(void *context, const struct event *e)
{
    struct taken *t = context;
    t->count++;
    t->sum = crc32c(e, sizeof *e) ^ (t->sum << 1 | t->sum >> 31);
    return true;
}

static inline bool idle(void *context)
{
    (void)context;
    return true;
}

static struct account_info house = {.name = "house"};
static struct restore_names names = {.shape = {.accounts = 1}, .accounts = &house};

static uint64_t asks = TOMORROW - 1; // epoch of the instance

static inline bool read_as(struct day *d, struct taken *t, bool verify, uint64_t config_hash)
{
    const struct day_config config = {.directory = rig.directory,
                                      .committed = &committed,
                                      .stop = &stop,
                                      .verify = verify,
                                      .from_ns = TODAY,
                                      .to_ns = TOMORROW,
                                      .epoch = asks,
                                      .config_hash = config_hash,
                                      .names = &names,
                                      .take = take,
                                      .idle = idle,
                                      .context = t};
    *t = (struct taken){0};
    const bool ok = day_read(d, &config);
    day_free(d);
    return ok;
}

static inline struct taken reads(uint32_t used)
{
    static struct day d;
    struct taken t;
    if (!read_as(&d, &t, false, 0))
        fail_msg("%s", d.why);
    assert_int_equal(d.used_count, used);
    assert_true(d.hashed);
    return t;
}

static inline void same(struct taken a, struct taken b)
{
    assert_int_equal(a.count, b.count);
    assert_int_equal(a.sum, b.sum);
}

// --- extracts ---

static struct drain doubts;
static bool admitted; // orders were, before anything was found

static enum restore_verdict verdict; // that behind_thread begins with
static struct day_given given;       // what the one before says that the day came from

static inline void *behind_thread(void *day)
{
    behind_work(day, &doubts, NULL, verdict);
    return NULL;
}

// Of the segments from <first> on, as far as they are whole, all have one that fits.
static inline bool all_fit(const struct day *d)
{
    bool fit = true;
    for (uint64_t i = d->first; fit && i < rig.journal.header.segment; i++) {
        struct extract e = {0};
        struct journal_segment_header h, next;
        const char *why = "";
        fit = journal_segment_header_of(&d->reader, i, &h) &&
              journal_segment_header_of(&d->reader, i + 1, &next) &&
              extract_load(&e, rig.directory, &h, &next, &why);
        extract_free(&e);
    }
    return fit;
}

static inline uint32_t extracts(void)
{
    char pattern[512];
    glob_t files = {0};
    rig_path(&rig, "*" EXTRACT_SUFFIX, pattern);
    const uint32_t count = glob(pattern, 0, NULL, &files) == 0 ? (uint32_t)files.gl_pathc : 0;
    globfree(&files);
    return count;
}

// What is verified and extracted behind a start. <doubted>: it finds something. Returns how many
// extracts are there.
static inline uint32_t behind(const struct day *d, bool doubted)
{
    pthread_t thread;
    atomic_store(&doubts.doubted, false);
    drain_verify(&doubts, true);
    assert_int_equal(pthread_create(&thread, NULL, behind_thread, (void *)(uintptr_t)d), 0);
    for (int i = 0; i < 6000 && !(doubted ? atomic_load(&doubts.doubted)
                                          : all_fit(d) && !atomic_load(&doubts.verifying));
         i++)
        usleep(5000);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    atomic_store(&stop, false);
    assert_int_equal(atomic_load(&doubts.doubted), doubted);
    admitted = !atomic_load(&doubts.verifying);
    assert_true(admitted || doubted);
    return extracts();
}

// What a start leaves behind.
static inline uint32_t start(bool doubted)
{
    static struct day d;
    struct taken t;
    if (!read_as(&d, &t, false, 0))
        fail_msg("%s", d.why);
    d.used = NULL; // freed; what was used is read again below
    const uint32_t used = d.used_count;
    d.used_count = 0;
    struct day_used *again = calloc(used + 1, sizeof *again);
    for (uint32_t i = 0; i < used; i++) {
        struct extract e = {0};
        struct journal_segment_header h, next;
        const char *why = "";
        again[i].segment = d.first + i;
        assert_true(journal_segment_header_of(&d.reader, d.first + i, &h));
        assert_true(journal_segment_header_of(&d.reader, d.first + i + 1, &next));
        assert_true(extract_load(&e, rig.directory, &h, &next, &why));
        memcpy(again[i].hash, e.header.hash, sizeof again[i].hash);
        extract_free(&e);
    }
    d.used = again;
    d.used_count = used;
    const uint32_t count = behind(&d, doubted);
    free(again);
    return count;
}

// The same by a control plane that came after the one that gave the day back.
static inline uint32_t start_resumed(enum restore_verdict before, bool doubted)
{
    static struct day d;
    const struct restore_seen seen = {
        .verdict = before, .extracts = given.count, .extracts_sum = given.sum};
    const struct day_config config = {.directory = rig.directory,
                                      .committed = &committed,
                                      .stop = &stop,
                                      .from_ns = TODAY,
                                      .to_ns = TOMORROW,
                                      .epoch = asks};
    if (!day_resume(&d, &config, &seen, atomic_load(&committed)))
        fail_msg("%s", d.why);
    verdict = before;
    const uint32_t count = behind(&d, doubted);
    verdict = RESTORE_UNVERIFIED;
    day_free(&d);
    return count;
}

static inline void path_of(uint64_t segment, char path[512])
{
    assert_true(extract_path(rig.directory, segment, path));
}

static inline uint8_t *file_read(const char *path, size_t *len)
{
    struct stat status;
    const int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &status) == 0);
    uint8_t *bytes = malloc((size_t)status.st_size + 1);
    assert_int_equal(read(fd, bytes, (size_t)status.st_size), status.st_size);
    *len = (size_t)status.st_size;
    close(fd);
    return bytes;
}

static inline void file_write(const char *path, const uint8_t *bytes, size_t len)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

// The extract of a segment, whatever stands behind READY.
static inline bool extract_make(uint64_t segment)
{
    struct extract_maker m = {0};
    struct journal_reader r;
    struct journal_segment_header h, next;
    struct error err = {0};
    const struct journal_record *record;
    assert_true(journal_reader_open(&r, rig.directory, 0, &err));
    assert_true(journal_segment_header_of(&r, segment, &h) &&
                journal_segment_header_of(&r, segment + 1, &next));
    extract_begin(&m, &h);
    while ((record = journal_reader_next(&r, &err)) != NULL)
        if (r.header.segment == segment)
            extract_take(&m, record);
    journal_reader_close(&r);
    const bool made = extract_end(&m, &next) && extract_write(&m, rig.directory, &err);
    extract_maker_free(&m);
    return made;
}
