// What a control plane makes of a dataplane that has its day from one before: orders enter only
// once the journal that the dataplane went on from is good.
#include "tests/lib/drain_rig.h"

#include <sys/resource.h>

#include "controlplane/journal/behind.h"
#include "controlplane/journal/rebuild.h"
#include "tests/lib/region_file.h"

enum { EPOCH = 7 };

struct fixture {
    struct region_file file;
    struct event_writer writer;
    struct contact contact;
    struct drain drain;
    struct rebuild rebuild;
    struct journal_rig rig;
    _Atomic uint64_t committed;
};

static struct restore_area *area(const struct fixture *f)
{
    return region_restore_area(&f->file.view, 0);
}

// A dataplane that has asked for its day.
static void region_new(struct fixture *f, uint64_t epoch, bool restores)
{
    struct region_shape shape = region_file_shape();
    struct region_identity identity = region_file_identity();
    identity.epoch = epoch;
    identity.restores = restores;
    shape.restore_events = 16;
    region_file_make(&f->file, &shape, &identity);
    region_event_writer(&f->file.view, 0, EVENT_RING_TRADING, &f->writer);
    atomic_store(&area(f)->wanted, 1);
    area(f)->to_ns = UINT64_MAX;
    region_file_ready(&f->file);
    contact_init(&f->contact, f->file.path);
    assert_true(contact_look(&f->contact, 0));
}

// The one before has given it back, and judged so far.
static void given(struct fixture *f, enum restore_verdict verdict)
{
    atomic_store(&area(f)->filled, 1);
    atomic_store(&area(f)->taken, 1);
    area(f)->state = RESTORE_DONE;
    atomic_store(&area(f)->verdict, verdict);
}

static int setup(void **state)
{
    struct fixture *f = region_file_alloc(sizeof *f);
    rig_make(&f->rig);
    region_new(f, EPOCH, true);
    f->rebuild = (struct rebuild){.directory = f->rig.directory,
                                  .committed = &f->committed,
                                  .drain = &f->drain,
                                  .contact = {.reader = {.fd = -1}}};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    contact_close(&f->contact);
    region_file_remove(&f->file);
    rig_remove(&f->rig);
    free(f);
    return 0;
}

static void opens(struct fixture *f)
{
    const struct drain_config config = {.journal = {.directory = f->rig.directory,
                                                    .segment_bytes = RIG_SEGMENT,
                                                    .commit_ns = 1000000,
                                                    .cached = true},
                                        .stall_ns = PATIENCE_S * UINT64_C(1000000000),
                                        .committed = &f->committed};
    struct error err = {0};
    if (!drain_start(&f->drain, &config, &err))
        fail_msg("%s", err.text);
}

// As control_tick has it.
static void attach(struct fixture *f)
{
    rebuild_attach(&f->rebuild, &f->contact);
    drain_attach(&f->drain, &f->contact);
}

static void ends(struct fixture *f)
{
    rebuild_stop(&f->rebuild);
    drain_stop(&f->drain);
}

// The journal has the instance of the region, and some events of it.
static void written(struct fixture *f)
{
    const struct event event = {.type = EVENT_LINK_CHANGE, .tsc = 2000};
    opens(f);
    drain_attach(&f->drain, &f->contact);
    for (int i = 0; i < 50; i++)
        assert_true(event_write(&f->writer, &event));
    drain_settle(&f->drain);
    drain_stop(&f->drain);
}

static enum record_state record(const struct fixture *f)
{
    return (enum record_state)atomic_load(&region_record_word(&f->file.view, 0)->state);
}

static void until_record(const struct fixture *f, enum record_state state)
{
    const uint64_t until = clock_mono_ns() + PATIENCE_S * UINT64_C(1000000000);
    while (record(f) != state) {
        assert_true(clock_mono_ns() < until);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static void until_doubted(struct fixture *f)
{
    const uint64_t until = clock_mono_ns() + PATIENCE_S * UINT64_C(1000000000);
    while (!atomic_load(&f->drain.doubted))
        assert_true(clock_mono_ns() < until);
}

// ... and nothing else before that would have let an order in.
static void never_good(struct fixture *f, const char *why)
{
    struct drain_status status;
    const uint64_t until = clock_mono_ns() + PATIENCE_S * UINT64_C(1000000000);
    do {
        assert_true(record(f) != RECORD_WRITTEN && record(f) != RECORD_MEMORY);
        assert_true(clock_mono_ns() < until);
        drain_status_take(&f->drain, &status);
    } while (record(f) != RECORD_DAMAGED || strstr(status.why, why) == NULL);
    drain_settle(&f->drain); // its own record is durable by now, where it can be
    assert_int_equal(record(f), RECORD_DAMAGED);
}

static void test_the_journal_that_it_went_on_from(void **state)
{
    struct fixture *f = *state;
    struct drain_status status;
    written(f);
    given(f, RESTORE_UNVERIFIED);
    opens(f);
    attach(f);
    until_record(f, RECORD_MEMORY);
    assert_int_equal(atomic_load(&area(f)->verdict), RESTORE_HASHED);
    drain_status_take(&f->drain, &status);
    assert_true(status.verified.records > 0);
    // The figures were of that instance.
    ends(f);
    opens(f);
    drain_verified(&f->drain, &(struct drain_verified){.records = 5, .of = 5});
    attach(f);
    drain_status_take(&f->drain, &status);
    assert_int_equal(status.verified.records, 0);
    until_record(f, RECORD_MEMORY);
    ends(f);
}

// Somebody has moved it away: what this control plane writes is no word of what was there.
static void test_an_empty_directory(void **state)
{
    struct fixture *f = *state;
    given(f, RESTORE_UNVERIFIED);
    opens(f);
    drain_verify(&f->drain, true);
    drain_attach(&f->drain, &f->contact);
    drain_settle(&f->drain); // its instance stands in the journal
    rebuild_attach(&f->rebuild, &f->contact);
    never_good(f, "bring the journal back");
    assert_int_equal(atomic_load(&area(f)->verdict), RESTORE_UNVERIFIED);
    ends(f);
}

static void test_the_journal_of_another(void **state)
{
    struct fixture *f = *state;
    struct region_file ours = f->file;
    contact_close(&f->contact);
    region_new(f, EPOCH - 1, true);
    written(f);
    contact_close(&f->contact);
    region_file_remove(&f->file);
    f->file = ours;
    contact_init(&f->contact, f->file.path);
    assert_true(contact_look(&f->contact, 0));
    given(f, RESTORE_UNVERIFIED);
    opens(f);
    drain_verify(&f->drain, true);
    drain_attach(&f->drain, &f->contact);
    drain_settle(&f->drain);
    rebuild_attach(&f->rebuild, &f->contact);
    never_good(f, "not the journal that the dataplane went on from");
    assert_int_equal(atomic_load(&area(f)->verdict), RESTORE_UNVERIFIED);
    ends(f);
}

// Nothing was read: nothing is said of it.
static void test_a_journal_that_does_not_open(void **state)
{
    struct fixture *f = *state;
    char path[512];
    written(f);
    rig_path(&f->rig, "0000000000000001.journal", path);
    const int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "x", 1, JOURNAL_ALIGN_MAX + 200), 1);
    close(fd);
    given(f, RESTORE_UNVERIFIED);
    opens(f);
    attach(f);
    until_record(f, RECORD_DAMAGED);
    const struct timespec until = {.tv_sec = time(NULL) + PATIENCE_S};
    assert_int_equal(pthread_timedjoin_np(f->rebuild.thread, NULL, &until), 0);
    f->rebuild.started = false;
    contact_close(&f->rebuild.contact);
    assert_int_equal(atomic_load(&area(f)->verdict), RESTORE_UNVERIFIED);
    ends(f);
}

// It is of that instance, and stays until the next one is there: while nothing is attached the
// drain has the old region.
static void test_an_inherited_doubt_goes_with_its_instance(void **state)
{
    struct fixture *f = *state;
    written(f);
    given(f, RESTORE_BAD);
    opens(f);
    attach(f);
    never_good(f, "found damage");
    struct region_file old = f->file;
    contact_close(&f->contact);
    rebuild_attach(&f->rebuild, &f->contact);
    assert_true(atomic_load(&f->drain.doubted) && atomic_load(&f->drain.verifying));
    drain_attach(&f->drain, &f->contact);
    drain_settle(&f->drain);
    assert_int_equal(record(f), RECORD_DAMAGED);
    region_new(f, EPOCH + 1, false);
    attach(f);
    until_record(f, RECORD_MEMORY);
    ends(f);
    region_file_remove(&old);
}

// Where the control plane before it had its journal nothing is to be found, for now.
static void test_a_successor_looks_again(void **state)
{
    struct fixture *f = *state;
    char later[512];
    written(f);
    given(f, RESTORE_UNVERIFIED);
    assert_true(snprintf(later, sizeof later, "%s.later", f->rig.directory) < (int)sizeof later);
    f->rebuild.directory = later;
    opens(f);
    attach(f);
    until_doubted(f);
    assert_int_equal(symlink(f->rig.directory, later), 0);
    until_record(f, RECORD_MEMORY);
    assert_int_equal(unlink(later), 0);
    assert_int_equal(atomic_load(&area(f)->verdict), RESTORE_HASHED);
    ends(f);
}

struct behind_thread {
    struct fixture *f;
    struct day day;
    atomic_bool stop;
};

static void *behind_main(void *arg)
{
    struct behind_thread *t = arg;
    behind_work(&t->day, &t->f->drain, &t->f->contact, RESTORE_UNVERIFIED);
    return NULL;
}

// A look behind a start while no descriptor is left, up to its doubt. <was>: how many there were.
static void behind_doubts(struct fixture *f, struct behind_thread *t, pthread_t *thread,
                          struct rlimit *was)
{
    const struct restore_seen seen = {.verdict = RESTORE_UNVERIFIED};
    written(f);
    given(f, RESTORE_UNVERIFIED);
    opens(f);
    drain_verify(&f->drain, true);
    *t = (struct behind_thread){.f = f};
    const struct day_config config = {.directory = f->rig.directory,
                                      .committed = &f->committed,
                                      .stop = &t->stop,
                                      .to_ns = UINT64_MAX,
                                      .epoch = EPOCH};
    assert_true(day_resume(&t->day, &config, &seen, atomic_load(&f->committed)));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, was), 0);
    const struct rlimit none = {0, was->rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(pthread_create(thread, NULL, behind_main, t), 0);
    until_doubted(f);
    assert_int_equal(atomic_load(&area(f)->verdict), RESTORE_UNVERIFIED);
    assert_true(atomic_load(&f->drain.verifying));
}

static void behind_ends(struct behind_thread *t, pthread_t thread)
{
    atomic_store(&t->stop, true);
    pthread_join(thread, NULL);
    day_free(&t->day);
}

// No descriptor is left: that is no damage, and no word to those who come later. Orders wait, and
// as soon as there are some again it is looked at once more.
static void test_what_cannot_be_read_is_looked_at_again(void **state)
{
    struct fixture *f = *state;
    static struct behind_thread t;
    struct rlimit was;
    pthread_t thread;
    behind_doubts(f, &t, &thread, &was);
    const uint64_t until = clock_mono_ns() + PATIENCE_S * UINT64_C(1000000000);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    while (atomic_load(&area(f)->verdict) != RESTORE_HASHED || atomic_load(&f->drain.verifying))
        assert_true(clock_mono_ns() < until);
    assert_false(atomic_load(&f->drain.doubted));
    behind_ends(&t, thread);
    drain_stop(&f->drain);
}

// The dataplane starts again meanwhile: nothing is held against the instance that comes.
static void test_a_doubt_goes_with_its_instance(void **state)
{
    struct fixture *f = *state;
    struct region_file old = f->file;
    static struct behind_thread t;
    struct rlimit was;
    pthread_t thread;
    behind_doubts(f, &t, &thread, &was);
    behind_ends(&t, thread); // descriptors are lacking to the last
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    assert_true(atomic_load(&f->drain.verifying));
    assert_false(atomic_load(&f->drain.doubted));
    contact_close(&f->contact);
    region_new(f, EPOCH + 1, false);
    attach(f);
    until_record(f, RECORD_MEMORY);
    ends(f);
    region_file_remove(&old);
}

// The same when no order waits: hashes are not looked at any more, that is all.
static void test_what_cannot_be_read_is_not_judged(void **state)
{
    struct fixture *f = *state;
    static struct day day;
    atomic_bool stop = false;
    struct rlimit was, none;
    written(f);
    given(f, RESTORE_UNVERIFIED);
    opens(f);
    const struct day_config config = {.directory = f->rig.directory,
                                      .committed = &f->committed,
                                      .stop = &stop,
                                      .to_ns = UINT64_MAX,
                                      .epoch = EPOCH};
    const struct restore_seen seen = {.verdict = RESTORE_HASHED};
    atomic_store(&area(f)->verdict, RESTORE_HASHED);
    assert_true(day_resume(&day, &config, &seen, atomic_load(&f->committed)));
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    none = (struct rlimit){0, was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    behind_work(&day, &f->drain, &f->contact, RESTORE_HASHED);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    day_free(&day);
    assert_false(atomic_load(&f->drain.doubted));
    assert_int_equal(atomic_load(&area(f)->verdict), RESTORE_HASHED);
    drain_stop(&f->drain);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_the_journal_that_it_went_on_from),
        TEST(test_an_empty_directory),
        TEST(test_the_journal_of_another),
        TEST(test_a_journal_that_does_not_open),
        TEST(test_an_inherited_doubt_goes_with_its_instance),
        TEST(test_a_successor_looks_again),
        TEST(test_what_cannot_be_read_is_looked_at_again),
        TEST(test_a_doubt_goes_with_its_instance),
        TEST(test_what_cannot_be_read_is_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
