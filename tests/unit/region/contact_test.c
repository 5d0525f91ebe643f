// The control plane's view of a dataplane that lives, falls silent, dies, is replaced; and of a
// region whose content is not to be trusted.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include "controlplane/region/events.h"
#include "controlplane/region/path.h"
#include "controlplane/region/snapshot.h"
#include "controlplane/region/symbols.h"
#include "dataplane/base/clock.h"
#include "tests/lib/region_file.h"

struct fixture {
    struct region_file file;
    struct contact contact;
    struct event_log log;
    struct snapshot snapshot;
    struct symbol_table symbols;
};

static uint64_t pid_namespace(void)
{
    struct stat status;
    assert_int_equal(stat("/proc/self/ns/pid", &status), 0);
    return status.st_ino;
}

static void make(struct fixture *f, uint64_t epoch, uint32_t pid)
{
    struct region_shape shape = region_file_shape();
    struct region_identity identity = region_file_identity();
    identity.epoch = epoch;
    identity.pid = pid;
    identity.pid_namespace = pid_namespace();
    region_file_make(&f->file, &shape, &identity);
    region_file_ready(&f->file);
}

static int setup(void **state)
{
    struct fixture *f = region_file_alloc(sizeof *f);
    make(f, 1, (uint32_t)getpid());
    contact_init(&f->contact, f->file.path);
    assert_true(event_log_init(&f->log));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    contact_close(&f->contact);
    event_log_free(&f->log);
    symbol_table_free(&f->symbols);
    region_file_remove(&f->file);
    free(f);
    return 0;
}

static void test_lives(void **state)
{
    struct fixture *f = *state;
    assert_false(contact_attached(&f->contact));
    assert_true(contact_look(&f->contact, 1000));
    assert_int_equal(f->contact.state, CONTACT_LIVE);
    assert_string_equal(f->contact.why, "");
    assert_false(contact_look(&f->contact, 2000));
    region_state_set(&f->file.view, REGION_STARTING);
    assert_true(contact_look(&f->contact, 3000));
    assert_int_equal(f->contact.state, CONTACT_STARTING);
    assert_int_equal(contact_ticks_ns(&f->contact, 2000000000), 1000000000);
}

static void test_silence_and_back(void **state)
{
    struct fixture *f = *state;
    contact_look(&f->contact, 0);
    region_beat(&f->file.view, clock_tsc() - 3ull * 2000000000);
    assert_true(contact_look(&f->contact, 1));
    assert_int_equal(f->contact.state, CONTACT_SILENT);
    assert_non_null(strstr(f->contact.why, "no heartbeat"));
    region_beat(&f->file.view, clock_tsc());
    assert_true(contact_look(&f->contact, 2));
    assert_int_equal(f->contact.state, CONTACT_LIVE);
}

static void test_stopped(void **state)
{
    struct fixture *f = *state;
    contact_look(&f->contact, 0);
    region_state_set(&f->file.view, REGION_STOPPED);
    assert_true(contact_look(&f->contact, 1));
    assert_int_equal(f->contact.state, CONTACT_DEAD);
    assert_non_null(strstr(f->contact.why, "has stopped"));
}

static void test_process_ended(void **state)
{
    struct fixture *f = *state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    struct region_header *header = region_header(&f->file.view);
    header->identity.pid = (uint32_t)pid;
    assert_true(contact_look(&f->contact, 0));
    assert_int_equal(f->contact.state, CONTACT_DEAD);
    assert_non_null(strstr(f->contact.why, "ended without stopping"));
    // Of another pid namespace: the number says nothing, the heartbeat does.
    contact_close(&f->contact);
    header->identity.pid_namespace++;
    f->contact.retry_ns = 0;
    assert_true(contact_look(&f->contact, 1));
    assert_int_equal(f->contact.state, CONTACT_LIVE);
}

static void test_waits_and_retries(void **state)
{
    struct fixture *f = *state;
    struct region_header *header = region_header(&f->file.view);
    uint64_t ms = 1000000;
    header->version = 0;
    contact_look(&f->contact, 0);
    assert_false(contact_attached(&f->contact));
    assert_non_null(strstr(f->contact.why, "try again"));
    region_publish(&f->file.view);
    contact_look(&f->contact, (CONTACT_RETRY_MS - 1) * ms); // too early
    assert_false(contact_attached(&f->contact));
    assert_true(contact_look(&f->contact, CONTACT_RETRY_MS * ms));
    assert_int_equal(f->contact.state, CONTACT_LIVE);
    assert_int_equal(f->contact.attached, 1);
}

// Each reason of a refusal is news once.
static void test_says_why_it_refuses(void **state)
{
    struct fixture *f = *state;
    const uint64_t turn = CONTACT_RETRY_MS * 1000000ull;
    const uint64_t magic = region_header(&f->file.view)->magic;
    region_header(&f->file.view)->magic = 0;
    assert_true(contact_look(&f->contact, 0));
    assert_int_equal(f->contact.refused, REGION_BAD_MAGIC);
    assert_false(contact_look(&f->contact, turn));
    region_header(&f->file.view)->magic = magic;
    region_header(&f->file.view)->version = 0; // being formatted: no answer yet
    assert_false(contact_look(&f->contact, 2 * turn));
    region_header(&f->file.view)->version = REGION_VERSION + 1;
    assert_true(contact_look(&f->contact, 3 * turn));
    assert_int_equal(f->contact.refused, REGION_BAD_VERSION);
    assert_non_null(strstr(f->contact.why, "version"));
    assert_false(contact_look(&f->contact, 4 * turn));
}

static void write_gap(struct event_writer *writer, uint64_t from)
{
    struct event event = {.type = EVENT_GAP_OPEN, .tsc = 2000};
    event.gap.from = from;
    assert_true(event_write(writer, &event));
}

// A new instance under the same name: the last events of the old one are not lost.
static void test_replaced(void **state)
{
    struct fixture *f = *state;
    struct region_file old = f->file;
    struct event_writer writer;
    contact_look(&f->contact, 0);
    event_log_drain(&f->log, &f->contact);
    region_event_writer(&old.view, 1, EVENT_RING_TRADING, &writer);
    make(f, 2, (uint32_t)getpid());
    char made[64];
    memcpy(made, f->file.path, sizeof made);
    assert_int_equal(rename(made, old.path), 0);
    memcpy(f->file.path, old.path, sizeof made);
    write_gap(&writer, 77);
    assert_int_equal(event_log_drain(&f->log, &f->contact), 1);
    contact_look(&f->contact, 1); // sees it
    write_gap(&writer, 78);
    assert_int_equal(event_log_drain(&f->log, &f->contact), 1);
    assert_true(contact_look(&f->contact, 2)); // lets go and attaches to the new one
    assert_int_equal(contact_header(&f->contact)->identity.epoch, 2);
    assert_int_equal(f->contact.attached, 2);
    assert_int_equal(event_log_at(&f->log, 2)->event.gap.from, 78);
    assert_int_equal(event_log_at(&f->log, 2)->epoch, 1);
    region_event_writer(&f->file.view, 0, EVENT_RING_TRADING, &writer);
    write_gap(&writer, 5);
    assert_int_equal(event_log_drain(&f->log, &f->contact), 1);
    assert_int_equal(event_log_at(&f->log, 3)->epoch, 2);
    munmap(old.view.base, old.view.length);
    close(old.fd);
}

static void test_formatted_anew_in_place(void **state)
{
    struct fixture *f = *state;
    contact_look(&f->contact, 0);
    struct region_shape shape = region_file_shape();
    struct region_identity identity = region_file_identity();
    identity.epoch = 9;
    region_format(f->file.view.base, f->file.view.length, &shape, &identity, &f->file.view);
    contact_look(&f->contact, 1);
    assert_int_equal(f->contact.state, CONTACT_ABSENT);
    region_beat(&f->file.view, clock_tsc());
    region_publish(&f->file.view);
    f->contact.retry_ns = 0;
    contact_look(&f->contact, 2);
    assert_int_equal(contact_header(&f->contact)->identity.epoch, 9);
}

static void test_cut_under_everything(void **state)
{
    struct fixture *f = *state;
    contact_look(&f->contact, 0);
    assert_true(snapshot_take(&f->snapshot, &f->contact));
    assert_int_equal(ftruncate(f->file.fd, 4096), 0);
    assert_false(snapshot_take(&f->snapshot, &f->contact));
    assert_int_equal(f->contact.state, CONTACT_ABSENT);
    assert_non_null(strstr(f->contact.why, "vanished"));
    assert_false(symbol_table_copy(&f->symbols, &f->contact));
    assert_int_equal(event_log_drain(&f->log, &f->contact), 0);
    assert_int_equal(ftruncate(f->file.fd, (off_t)f->file.view.length), 0);
}

static void test_name_is_found(void **state)
{
    (void)state;
    char path[256], name[64];
    assert_true(region_path_find("/tmp/x y", path, sizeof path));
    assert_string_equal(path, "/tmp/x y");
    snprintf(name, sizeof name, "test-%d", (int)getpid());
    char wanted[128];
    snprintf(wanted, sizeof wanted, "/dev/shm/tickgate.%s", name);
    assert_true(region_path_find(name, path, sizeof path));
    assert_string_equal(path, wanted); // nowhere: where it was looked for last
    FILE *file = fopen(wanted, "w");
    assert_non_null(file);
    fclose(file);
    assert_true(region_path_find(name, path, sizeof path));
    unlink(wanted);
    assert_string_equal(path, wanted);
    assert_false(region_path_find("/tmp/too-long", path, 4));
}

// --- events ---

static void test_a_successor_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct event_writer writer;
    region_event_writer(&f->file.view, 0, EVENT_RING_TRADING, &writer);
    for (uint64_t i = 1; i <= 10; i++)
        write_gap(&writer, i);
    // As if a control plane had committed four and died.
    event_commit(region_ring(&f->file.view, 0, EVENT_RING_TRADING), 4);
    contact_look(&f->contact, 0);
    assert_int_equal(event_log_drain(&f->log, &f->contact), 6);
    assert_int_equal(event_log_at(&f->log, 1)->event.gap.from, 5);
    assert_int_equal(event_log_at(&f->log, 1)->event.sequence, 5);
    assert_int_equal(region_ring(&f->file.view, 0, EVENT_RING_TRADING)->committed, 10);
    assert_int_equal(event_log_drain(&f->log, &f->contact), 0);
    assert_int_equal(f->log.drained[EVENT_RING_TRADING], 6);
}

static void test_all_rings_and_losses(void **state)
{
    struct fixture *f = *state;
    struct event event = {.type = EVENT_LINK_CHANGE};
    struct event_writer writers[3][EVENT_RING_KINDS];
    contact_look(&f->contact, 0);
    for (uint32_t s = 0; s < 3; s++)
        for (int kind = 0; kind < EVENT_RING_KINDS; kind++) {
            region_event_writer(&f->file.view, s, kind, &writers[s][kind]);
            for (int i = 0; i < 70; i++) // six more than there are slots
                event_write(&writers[s][kind], &event);
        }
    assert_int_equal(event_log_drain(&f->log, &f->contact), 6 * 64);
    assert_int_equal(f->log.lost[EVENT_RING_TRADING], 18);
    assert_int_equal(f->log.lost[EVENT_RING_DIAGNOSTIC], 18);
    event_write(&writers[2][EVENT_RING_TRADING], &event);
    assert_int_equal(event_log_drain(&f->log, &f->contact), 2);
    const struct logged_event *overrun = event_log_at(&f->log, f->log.count - 1);
    assert_int_equal(overrun->event.type, EVENT_OVERRUN);
    assert_int_equal(overrun->event.overrun.lost, 6);
    assert_int_equal(overrun->event.lane, LANE_MAIN);
}

static void test_log_keeps_the_newest(void **state)
{
    struct fixture *f = *state;
    struct event_writer writer;
    contact_look(&f->contact, 0);
    region_event_writer(&f->file.view, 0, EVENT_RING_TRADING, &writer);
    for (uint64_t i = 1; i <= EVENT_LOG_LEN + 100; i++) {
        write_gap(&writer, i);
        if (i % 50 == 0)
            event_log_drain(&f->log, &f->contact);
    }
    event_log_drain(&f->log, &f->contact);
    assert_int_equal(f->log.count, EVENT_LOG_LEN + 100);
    assert_null(event_log_at(&f->log, 0));
    assert_null(event_log_at(&f->log, 100));
    assert_null(event_log_at(&f->log, f->log.count + 1));
    assert_int_equal(event_log_at(&f->log, 101)->event.gap.from, 101);
    assert_int_equal(event_log_at(&f->log, f->log.count)->event.gap.from, EVENT_LOG_LEN + 100);
}

static void test_impossible_ring(void **state)
{
    struct fixture *f = *state;
    struct event_ring *ring = region_ring(&f->file.view, 1, EVENT_RING_TRADING);
    contact_look(&f->contact, 0);
    event_log_drain(&f->log, &f->contact);
    ring->tail = 1000000;
    assert_int_equal(event_log_drain(&f->log, &f->contact), 0);
    assert_int_equal(f->log.damaged, 1);
    assert_int_equal(ring->committed, 1000000); // goes on from there
    event_log_drain(&f->log, &f->contact);
    assert_int_equal(f->log.damaged, 1);
}

// --- snapshot, symbols ---

static void test_snapshot_copies(void **state)
{
    struct fixture *f = *state;
    contact_look(&f->contact, 0);
    region_line_counters(&f->file.view, CHANNEL_LINES + 4)->packets = 11;
    region_lane_counters(&f->file.view, 1)->transmit_refused = 12;
    region_main_counters(&f->file.view, 0)->snapshot_messages = 13;
    region_line_histograms(&f->file.view, 1)->lag.bucket[5] = 14;
    assert_true(snapshot_take(&f->snapshot, &f->contact));
    assert_int_equal(f->snapshot.line_counters[1][4].packets, 11);
    assert_int_equal(f->snapshot.lane_counters[1].transmit_refused, 12);
    assert_int_equal(f->snapshot.main_counters.snapshot_messages, 13);
    assert_int_equal(f->snapshot.line_histograms[0][1].lag.bucket[5], 14);
    assert_int_equal(f->snapshot.shape.symbols[1], 50);
}

static void test_snapshot_is_made_safe(void **state)
{
    struct fixture *f = *state;
    contact_look(&f->contact, 0);
    struct channel_info *channel = region_channel_info(&f->file.view, 1);
    memset(channel->name, 0xff, sizeof channel->name);
    channel->lane = 200;
    channel->lines = 99;
    memcpy(region_lane_info(&f->file.view, 0)->name, "a\nb\x1b[2J", 8);
    memset(region_bill_item(&f->file.view, 2)->name, 'z', 48);
    assert_true(snapshot_take(&f->snapshot, &f->contact));
    assert_int_equal(strlen(f->snapshot.channels[1].name), NAME_LEN - 1);
    assert_int_equal(f->snapshot.channels[1].name[0], '?');
    assert_int_equal(f->snapshot.channels[1].lane, 0);
    assert_int_equal(f->snapshot.channels[1].lines, LINES_MAX);
    assert_string_equal(f->snapshot.lanes[0].name, "a?b?[2J");
    assert_int_equal(strlen(f->snapshot.bill[2].name), 47);
}

static void put_symbol(struct fixture *f, uint32_t channel, uint32_t slot, const char *name)
{
    symbol_name_publish(region_names(&f->file.view, channel) + slot, (uint16_t)(slot + 1), name);
    struct symbol_top *top = region_tops(&f->file.view, channel) + slot;
    symbol_top_begin(top);
    top->price[0] = 10 * channel + slot;
    symbol_top_end(top);
}

static void test_symbols(void **state)
{
    struct fixture *f = *state;
    uint64_t count;
    contact_look(&f->contact, 0);
    put_symbol(f, 0, 0, "MSFT");
    put_symbol(f, 0, 7, "AAPL");
    put_symbol(f, 1, 49, "AAPL");
    put_symbol(f, 1, 2, "\xff\n");
    assert_true(symbol_table_copy(&f->symbols, &f->contact));
    assert_int_equal(f->symbols.count, 4);
    assert_string_equal(f->symbols.rows[0].name, "??");
    assert_non_null(symbol_table_find(&f->symbols, "AAPL", &count));
    assert_int_equal(count, 2);
    assert_int_equal(symbol_table_get(&f->symbols, "AAPL", -1)->channel, 0);
    assert_int_equal(symbol_table_get(&f->symbols, "AAPL", 1)->top.price[0], 59);
    assert_null(symbol_table_get(&f->symbols, "MSFT", 1));
    assert_null(symbol_table_get(&f->symbols, "AAP", -1));
    assert_null(symbol_table_get(&f->symbols, "ZZZ", -1));
    assert_string_equal(symbol_table_name(&f->symbols, 0, 8), "AAPL");
    assert_string_equal(symbol_table_name(&f->symbols, 1, 8), "");
    // Half written: shown as such, not shown wrong.
    symbol_top_begin(region_tops(&f->file.view, 0));
    assert_true(symbol_table_copy(&f->symbols, &f->contact));
    assert_true(symbol_table_get(&f->symbols, "MSFT", 0)->torn);
    assert_false(symbol_table_get(&f->symbols, "AAPL", 0)->torn);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_lives),
        TEST(test_silence_and_back),
        TEST(test_stopped),
        TEST(test_process_ended),
        TEST(test_waits_and_retries),
        TEST(test_says_why_it_refuses),
        TEST(test_replaced),
        TEST(test_formatted_anew_in_place),
        TEST(test_cut_under_everything),
        TEST(test_name_is_found),
        TEST(test_a_successor_loses_nothing),
        TEST(test_all_rings_and_losses),
        TEST(test_log_keeps_the_newest),
        TEST(test_impossible_ring),
        TEST(test_snapshot_copies),
        TEST(test_snapshot_is_made_safe),
        TEST(test_symbols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
