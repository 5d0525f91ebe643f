// The thread that writes captures, where nothing can be written for a while: the lanes stop
// recording and go on by themselves, also when the control plane was restarted in between; unless a
// person has stopped them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <time.h>

#include <sys/stat.h>

#include "controlplane/capture/capture.h"
#include "tests/lib/region_file.h"

enum { PATIENCE_S = 60 };

static struct {
    struct region_file file;
    struct contact contact;
    struct capture capture;
    char folder[64], directory[96];
} w;

static struct capture_ring *ring(uint32_t lane)
{
    return region_capture_ring(&w.file.view, lane);
}

// A record of lane 0, whole and without meaning for who only writes it down.
static void put(enum capture_kind kind)
{
    const uint64_t at = atomic_load(&ring(0)->tail);
    const struct capture_record r = {.units = 1, .kind = (uint8_t)kind};
    memcpy(region_capture_byte(&w.file.view, at), &r, sizeof r);
    atomic_store(&ring(0)->tail, at + sizeof r);
}

static int setup(void **state)
{
    struct region_shape shape = region_file_shape();
    const struct region_identity identity = region_file_identity();
    (void)state;
    memset(&w, 0, sizeof w);
    snprintf(w.folder, sizeof w.folder, "/tmp/tickgate-capture-XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    snprintf(w.directory, sizeof w.directory, "%s/in/capture", w.folder);
    shape.capture_bytes = CAPTURE_RING_MIN;
    region_file_make(&w.file, &shape, &identity);
    region_file_ready(&w.file);
    for (uint32_t lane = 0; lane < shape.lanes; lane++)
        atomic_store(&ring(lane)->wanted, 1);
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    region_file_remove(&w.file);
    snprintf(command, sizeof command, "rm -rf %s", w.folder);
    return system(command);
}

// The directory's own one, of which it needs one.
static void writable(bool yes)
{
    char path[96];
    snprintf(path, sizeof path, "%s/in", w.folder);
    assert_int_equal(yes ? mkdir(path, 0700) : rmdir(path), 0);
}

static void begin(void)
{
    const struct capture_config config = {
        .directory = w.directory, .file_bytes = CAPTURE_FILE_MIN, .engine = DISK_THREAD};
    struct error err = {0};
    assert_true(capture_open(&w.capture, &config, &err));
    contact_init(&w.contact, w.file.path);
    assert_true(contact_look(&w.contact, 0));
    capture_attach(&w.capture, &w.contact);
}

static void end(void)
{
    capture_close(&w.capture);
    contact_close(&w.contact);
}

static void until(bool (*condition)(void))
{
    const uint64_t end_ns = clock_mono_ns() + PATIENCE_S * UINT64_C(1000000000);
    while (!condition()) {
        assert_true(clock_mono_ns() < end_ns);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static struct capture_status status(void)
{
    struct capture_status s;
    capture_status_take(&w.capture, &s);
    return s;
}

static bool complete(void)
{
    const struct capture_status s = status();
    return captures_complete(&s.seen);
}

static bool incomplete(void)
{
    return !complete();
}

static bool failed(void)
{
    return status().error && !atomic_load(&ring(0)->wanted) && !atomic_load(&ring(1)->wanted);
}

static bool wanted(void)
{
    return atomic_load(&ring(0)->wanted) && atomic_load(&ring(1)->wanted);
}

static bool written(void)
{
    const struct capture_status s = status();
    return s.there && s.behind == 0 && s.error == 0 && s.file &&
           atomic_load(&ring(0)->head) == atomic_load(&ring(0)->tail);
}

static bool holed(void)
{
    return status().seen.lane[0].holes != 0;
}

static bool stopped(void)
{
    return status().there && !atomic_load(&ring(0)->wanted);
}

static void test_goes_on_by_itself(void **state)
{
    (void)state;
    put(CAPTURE_STOP);
    begin();
    until(failed);
    until(incomplete);
    writable(true);
    until(wanted);
    until(written);
    until(complete); // so far: the lane has not gone on yet
    end();
}

static void test_goes_on_after_a_restart(void **state)
{
    (void)state;
    put(CAPTURE_STOP);
    begin();
    until(failed);
    end();
    assert_false(wanted());
    writable(true);
    begin();
    until(wanted);
    until(written);
    end();
}

// More than once, and the time after it as before.
static void test_restarted_while_it_cannot(void **state)
{
    (void)state;
    put(CAPTURE_STOP);
    for (uint32_t i = 0; i < 2; i++) {
        begin();
        until(failed);
        end();
    }
    writable(true);
    begin();
    until(wanted);
    end();
}

// A person's word stands through restarts, and through what cannot be written.
static void test_stopped_by_a_person(void **state)
{
    (void)state;
    writable(true);
    begin();
    capture_want(&w.capture, false);
    until(stopped);
    end();
    begin();
    put(CAPTURE_STOP); // what the lane still had to say
    until(written);
    assert_false(wanted());
    end();
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", w.directory);
    assert_int_equal(system(command), 0);
    writable(false);
    put(CAPTURE_STOP);
    begin();
    until(failed);
    assert_int_equal(atomic_load(&ring(0)->held), 0);
    writable(true);
    until(written);
    assert_false(wanted());
    end();
}

// What cannot be read is left out, and whoever looks later knows of it too.
static void test_a_hole_is_remembered(void **state)
{
    (void)state;
    writable(true);
    put(CAPTURE_KINDS);
    begin();
    until(holed);
    until(written); // its room is the lane's again, which would say nothing more in a full ring
    put(CAPTURE_STOP);
    until(written);
    assert_int_equal(status().seen.lane[0].holes, 1);
    assert_false(complete());
    end();
    begin();
    until(holed);
    assert_false(complete());
    end();
}

static void test_a_gap_is_not_complete(void **state)
{
    (void)state;
    struct captures_seen seen = {.lanes = 2};
    assert_true(captures_complete(&seen));
    seen.lane[1].gaps = 1;
    assert_false(captures_complete(&seen));
    seen.lane[1].gaps = 0;
    seen.lane[0].lost = 1;
    assert_false(captures_complete(&seen));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_goes_on_by_itself),         TEST(test_goes_on_after_a_restart),
        TEST(test_restarted_while_it_cannot), TEST(test_stopped_by_a_person),
        TEST(test_a_hole_is_remembered),      TEST(test_a_gap_is_not_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
