// What a segment's header says of the dataplane whose events it holds.
#include "tests/lib/drain_rig.h"

#include "controlplane/journal/block.h"
#include "tests/lib/region_file.h"

enum { EPOCH = 7, AT_ONCE = 60 };

struct fixture {
    struct region_file file;
    struct event_writer writer;
    struct contact contact;
    struct drain drain;
    struct journal_rig rig;
};

static void table_show(const struct fixture *f, uint32_t lane, uint64_t version, uint64_t hash)
{
    struct trade_board *b = region_trade_board(&f->file.view, lane);
    atomic_store(&b->limits_hash, hash);
    atomic_store(&b->limits_version, version);
}

static int setup(void **state)
{
    struct fixture *f = region_file_alloc(sizeof *f);
    struct region_shape shape = region_file_shape();
    struct region_identity identity = region_file_identity();
    struct stat names;
    assert_int_equal(stat("/proc/self/ns/pid", &names), 0);
    identity.epoch = EPOCH;
    identity.config_hash = 77;
    identity.pid_namespace = names.st_ino;
    identity.clock =
        (struct region_clock){.tsc_hz = 2500000000, .tsc_at = 5, .utc_ns_at = 1700000000000000000};
    rig_make(&f->rig);
    region_file_make(&f->file, &shape, &identity);
    region_event_writer(&f->file.view, 0, EVENT_RING_TRADING, &f->writer);
    region_file_ready(&f->file);
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

static void begin(struct fixture *f)
{
    const struct drain_config config = {.journal = {.directory = f->rig.directory,
                                                    .segment_bytes = RIG_SEGMENT,
                                                    .commit_ns = 1000000},
                                        .stall_ns = PATIENCE_S * UINT64_C(1000000000)};
    struct error err = {0};
    if (!drain_start(&f->drain, &config, &err))
        fail_msg("%s", err.text);
    contact_init(&f->contact, f->file.path);
    assert_true(contact_look(&f->contact, 0));
    drain_attach(&f->drain, &f->contact);
}

// One segment and the beginning of the next.
static void fill(struct fixture *f)
{
    const struct event event = {.type = EVENT_LINK_CHANGE, .tsc = 2000};
    for (uint32_t sent = 0; sent < RIG_SEGMENT / sizeof event; sent += AT_ONCE) {
        for (int i = 0; i < AT_ONCE; i++)
            assert_true(event_write(&f->writer, &event));
        drain_settle(&f->drain);
    }
}

static void program_hash(uint8_t hash[JOURNAL_HASH_LEN])
{
    struct stat status;
    const int fd = open("/proc/self/exe", O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &status) == 0);
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(bytes != MAP_FAILED);
    sha256(bytes, (uint64_t)status.st_size, hash);
    munmap(bytes, (size_t)status.st_size);
    close(fd);
}

static void test_a_header_says_what_it_is_of(void **state)
{
    struct fixture *f = *state;
    static struct journal_reader r;
    struct journal_segment_header first, second;
    uint8_t program[JOURNAL_HASH_LEN];
    struct error err = {0};
    table_show(f, 0, 3, 0x1111);
    table_show(f, 1, 5, 0x2222);
    begin(f);
    drain_settle(&f->drain);
    table_show(f, 0, 4, 0x3333);
    fill(f);
    drain_stop(&f->drain);
    assert_true(journal_reader_open(&r, f->rig.directory, 0, &err));
    assert_true(journal_segment_header_of(&r, 1, &first));
    assert_true(journal_segment_header_of(&r, 2, &second));
    journal_reader_close(&r);

    const struct region_header *region = (const void *)f->file.view.base;
    program_hash(program);
    assert_int_equal(first.instance.epoch, EPOCH);
    assert_int_equal(first.instance.config_hash, 77);
    assert_memory_equal(first.instance.abi_hash, region->abi_hash, sizeof region->abi_hash);
    assert_memory_equal(first.instance.program_hash, program, sizeof program);
    assert_int_equal(first.instance.clock.tsc_hz, 2500000000);
    assert_int_equal(first.instance.clock.tsc_at, 5);
    assert_int_equal(first.instance.clock.utc_ns_at, 1700000000000000000);
    assert_memory_equal(&second.instance, &first.instance, sizeof first.instance);

    const struct journal_limits was[] = {{0x1111, 3}, {0x2222, 5}, {0, 0}};
    const struct journal_limits is[] = {{0x3333, 4}, {0x2222, 5}, {0, 0}};
    assert_memory_equal(first.limits, was, sizeof was);
    assert_memory_equal(second.limits, is, sizeof is);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_header_says_what_it_is_of, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
