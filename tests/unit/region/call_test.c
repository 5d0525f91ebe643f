// Commands from the control plane: answered, late, given up, with the region gone, left behind by a
// predecessor.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controlplane/region/call.h"
#include "dataplane/base/clock.h"
#include "tests/lib/region_file.h"

struct fixture {
    struct region_file file;
    struct contact contact;
    struct call call;
};

static int setup(void **state)
{
    struct fixture *f = region_file_alloc(sizeof *f);
    struct region_shape shape = region_file_shape();
    struct region_identity identity = region_file_identity();
    region_file_make(&f->file, &shape, &identity);
    region_beat(&f->file.view, clock_tsc());
    region_publish(&f->file.view);
    contact_init(&f->contact, f->file.path);
    contact_look(&f->contact, 0);
    f->call.type = COMMAND_BOOK_SNAPSHOT;
    f->call.target = 1;
    f->call.request.book_snapshot =
        (struct book_snapshot_request){.channel = 1, .locate = 9, .depth = 5};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    contact_close(&f->contact);
    region_file_remove(&f->file);
    free(f);
    return 0;
}

static struct command_slot *slot_of(struct fixture *f)
{
    return region_command_slot(&f->file.view, f->call.slot);
}

static void test_answered(void **state)
{
    struct fixture *f = *state;
    uint64_t seen = 0;
    assert_int_equal(call_post(&f->call, &f->contact, 100), CALL_PENDING);
    assert_true(command_rung(region_command_bell(&f->file.view, 1), &seen));
    assert_int_equal(call_look(&f->call, &f->contact, 50), CALL_PENDING);
    struct command_slot *slot = slot_of(f);
    assert_true(command_take(slot, 1));
    assert_int_equal(slot->request.book_snapshot.locate, 9);
    slot->answer.book_snapshot.bid_count = 2;
    slot->answer.book_snapshot.ask_count = UINT32_MAX; // not believed
    slot->answer.book_snapshot.bids[1].shares = 33;
    command_answer(slot, COMMAND_RESULT_OK, 21);
    assert_int_equal(call_look(&f->call, &f->contact, 51), CALL_ANSWERED);
    assert_int_equal(f->call.result, COMMAND_RESULT_OK);
    assert_int_equal(f->call.sequence, 21);
    assert_int_equal(f->call.answer.book_snapshot.bid_count, 2);
    assert_int_equal(f->call.answer.book_snapshot.ask_count, BOOK_DEPTH_MAX);
    assert_int_equal(f->call.answer.book_snapshot.bids[1].shares, 33);
    assert_int_equal(slot->state, COMMAND_FREE);
}

static void test_main_lcore_has_its_bell(void **state)
{
    struct fixture *f = *state;
    uint64_t seen = 0;
    f->call.type = COMMAND_FILTER_SET;
    f->call.target = LANE_MAIN;
    memset(&f->call.request, 0, sizeof f->call.request);
    f->call.request.filter_set.bitmap[1023] = 1ull << 63;
    assert_int_equal(call_post(&f->call, &f->contact, 100), CALL_PENDING);
    assert_true(command_rung(region_command_bell(&f->file.view, 2), &seen));
    assert_false(command_take(slot_of(f), 1));
    assert_true(command_take(slot_of(f), LANE_MAIN));
    assert_int_equal(slot_of(f)->request.filter_set.bitmap[1023], 1ull << 63);
}

static void test_too_late(void **state)
{
    struct fixture *f = *state;
    call_post(&f->call, &f->contact, 100);
    assert_int_equal(call_look(&f->call, &f->contact, 100), CALL_TIMEOUT);
    assert_int_equal(slot_of(f)->state, COMMAND_FREE); // nobody had taken it
    call_post(&f->call, &f->contact, 100);
    assert_true(command_take(slot_of(f), 1));
    assert_int_equal(call_look(&f->call, &f->contact, 100), CALL_TIMEOUT);
    assert_int_equal(slot_of(f)->state, COMMAND_ABANDONED);
    command_answer(slot_of(f), COMMAND_RESULT_OK, 0);
    assert_int_equal(slot_of(f)->state, COMMAND_FREE);
    // Answered just in time.
    call_post(&f->call, &f->contact, 100);
    assert_true(command_take(slot_of(f), 1));
    command_answer(slot_of(f), COMMAND_RESULT_BUSY, 0);
    assert_int_equal(call_look(&f->call, &f->contact, 500), CALL_ANSWERED);
    assert_int_equal(f->call.result, COMMAND_RESULT_BUSY);
}

static void test_no_slot(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < COMMAND_SLOTS; i++)
        assert_int_equal(call_post(&f->call, &f->contact, 100), CALL_PENDING);
    assert_int_equal(call_post(&f->call, &f->contact, 100), CALL_NO_SLOT);
    call_drop(&f->call, &f->contact);
    assert_int_equal(call_post(&f->call, &f->contact, 100), CALL_PENDING);
}

static void test_lost(void **state)
{
    struct fixture *f = *state;
    call_post(&f->call, &f->contact, 100);
    f->call.epoch++;
    assert_int_equal(call_look(&f->call, &f->contact, 1), CALL_LOST);
    call_drop(&f->call, &f->contact); // of another instance: its slots are not ours
    assert_true(command_take(slot_of(f), 1));
    assert_int_equal(ftruncate(f->file.fd, 4096), 0);
    f->call.epoch--;
    assert_int_equal(call_look(&f->call, &f->contact, 1), CALL_LOST);
    assert_int_equal(call_post(&f->call, &f->contact, 1), CALL_LOST);
    assert_int_equal(ftruncate(f->file.fd, (off_t)f->file.view.length), 0);
}

static void test_sweep(void **state)
{
    struct fixture *f = *state;
    struct command_slot *slots = region_command_slot(&f->file.view, 0);
    assert_ptr_equal(command_claim(slots), &slots[0]); // died while it wrote the request
    for (int i = 1; i <= 4; i++)
        call_post(&f->call, &f->contact, 100);
    assert_true(command_take(&slots[2], 1)); // being worked on
    assert_true(command_take(&slots[3], 1)); // given up before
    assert_false(command_abandon(&slots[3], 1));
    assert_true(command_take(&slots[4], 1)); // answered, never read
    command_answer(&slots[4], COMMAND_RESULT_OK, 0);
    call_sweep(&f->contact);
    assert_int_equal(slots[0].state, COMMAND_FREE);
    assert_int_equal(slots[1].state, COMMAND_FREE);
    assert_int_equal(slots[2].state, COMMAND_ABANDONED);
    assert_int_equal(slots[3].state, COMMAND_ABANDONED);
    assert_int_equal(slots[4].state, COMMAND_FREE);
    assert_int_equal(slots[5].state, COMMAND_FREE);
    // What the taker still holds comes back when it answers.
    command_answer(&slots[2], COMMAND_RESULT_OK, 0);
    assert_int_equal(slots[2].state, COMMAND_FREE);
}

static void test_texts(void **state)
{
    (void)state;
    assert_string_equal(command_result_text(COMMAND_RESULT_OK), "done");
    assert_non_null(strstr(command_result_text(999), "not know"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_answered), TEST(test_main_lcore_has_its_bell),
        TEST(test_too_late), TEST(test_no_slot),
        TEST(test_lost),     TEST(test_sweep),
        TEST(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
