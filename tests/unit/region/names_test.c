// An event is about the symbol that had its locate when it happened, whatever later sessions make
// of the number.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controlplane/region/events.h"
#include "tests/lib/region_file.h"

struct fixture {
    struct region_file file;
    struct contact contact;
    struct event_log log;
    struct event_writer writers[2]; // trading and diagnostic ring of lane 0
    uint64_t now;
};

static int setup(void **state)
{
    struct fixture *f = region_file_alloc(sizeof *f);
    struct region_shape shape = region_file_shape();
    shape.trading_slots = 1024;
    const struct region_identity identity = region_file_identity();
    region_file_make(&f->file, &shape, &identity);
    region_state_set(&f->file.view, REGION_READY);
    region_publish(&f->file.view);
    for (int kind = 0; kind < EVENT_RING_KINDS; kind++)
        region_event_writer(&f->file.view, 0, kind, &f->writers[kind]);
    contact_init(&f->contact, f->file.path);
    contact_look(&f->contact, 0);
    assert_true(contact_attached(&f->contact) && event_log_init(&f->log));
    f->now = 1000;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    contact_close(&f->contact);
    event_log_free(&f->log);
    region_file_remove(&f->file);
    free(f);
    return 0;
}

static void named(struct fixture *f, uint8_t channel, uint32_t slot, uint16_t locate,
                  const char *name)
{
    struct symbol_name *cell = &region_names(&f->file.view, channel)[slot];
    memset(cell->name, 0, sizeof cell->name);
    symbol_name_publish(cell, locate, name);
}

static void write_at(struct fixture *f, enum event_ring_kind ring, uint64_t tsc,
                     struct event *event)
{
    event->tsc = tsc;
    assert_true(event_write(&f->writers[ring], event));
}

static void doubt_at(struct fixture *f, enum event_ring_kind ring, uint64_t tsc, uint8_t channel,
                     uint16_t locate)
{
    struct event event = {.type = EVENT_SYMBOL_QUALITY};
    event.symbol_quality.channel = channel;
    event.symbol_quality.locate = locate;
    write_at(f, ring, tsc, &event);
}

static void doubt(struct fixture *f, uint8_t channel, uint16_t locate)
{
    doubt_at(f, EVENT_RING_TRADING, ++f->now, channel, locate);
}

static void session(struct fixture *f, uint8_t channel)
{
    struct event event = {.type = EVENT_SESSION_START};
    event.session.channel = channel;
    write_at(f, EVENT_RING_TRADING, ++f->now, &event);
}

static const char *symbol(const struct fixture *f, uint64_t number)
{
    const struct logged_event *logged = event_log_at(&f->log, number);
    assert_non_null(logged);
    return logged->symbol;
}

static void test_a_later_session_changes_nothing(void **state)
{
    struct fixture *f = *state;
    session(f, 0);
    named(f, 0, 0, 7, "MONDAY");
    named(f, 1, 0, 7, "OTHER");
    doubt(f, 0, 7);
    doubt(f, 1, 7);
    doubt(f, 0, 8); // never named
    assert_int_equal(event_log_drain(&f->log, &f->contact), 4);
    session(f, 0);
    named(f, 0, 0, 7, "TUESDAY");
    doubt(f, 0, 7);
    doubt(f, 1, 7);
    assert_int_equal(event_log_drain(&f->log, &f->contact), 3);
    assert_string_equal(symbol(f, 1), "");
    assert_string_equal(symbol(f, 2), "MONDAY");
    assert_string_equal(symbol(f, 3), "OTHER");
    assert_string_equal(symbol(f, 4), "");
    assert_string_equal(symbol(f, 6), "TUESDAY");
    assert_string_equal(symbol(f, 7), "OTHER");
}

// Read only after the next session has begun: what was known then is right, what the region says
// now would not be.
static void test_read_late(void **state)
{
    struct fixture *f = *state;
    session(f, 0);
    named(f, 0, 0, 7, "MONDAY");
    doubt(f, 0, 7);
    event_log_drain(&f->log, &f->contact);
    doubt(f, 0, 7);
    doubt(f, 0, 9);
    uint64_t before = f->now;
    session(f, 0);
    named(f, 0, 0, 7, "TUESDAY");
    named(f, 0, 1, 9, "TUESDAY9");
    doubt(f, 0, 9);
    // The other ring of the lane is read behind this one.
    doubt_at(f, EVENT_RING_DIAGNOSTIC, before, 0, 7);
    doubt_at(f, EVENT_RING_DIAGNOSTIC, f->now, 0, 7);
    doubt_at(f, EVENT_RING_DIAGNOSTIC, 1, 0, 7); // of no session that is known
    assert_int_equal(event_log_drain(&f->log, &f->contact), 7);
    assert_string_equal(symbol(f, 3), "MONDAY");
    assert_string_equal(symbol(f, 4), "");
    assert_string_equal(symbol(f, 6), "TUESDAY9");
    assert_string_equal(symbol(f, 7), "MONDAY");
    assert_string_equal(symbol(f, 8), "TUESDAY");
    assert_string_equal(symbol(f, 9), "");
}

// More than one copy of the ring, the next session at its end.
static void test_a_long_backlog(void **state)
{
    struct fixture *f = *state;
    named(f, 0, 0, 7, "TUESDAY");
    for (int i = 0; i < 600; i++)
        doubt(f, 0, 7);
    session(f, 0);
    doubt(f, 0, 7);
    assert_int_equal(event_log_drain(&f->log, &f->contact), 602);
    assert_string_equal(symbol(f, 1), "");
    assert_string_equal(symbol(f, 600), "");
    assert_string_equal(symbol(f, 602), "TUESDAY");
}

static void test_what_is_not_to_be_trusted(void **state)
{
    struct fixture *f = *state;
    named(f, 0, 0, 7, "A\x1b[2JBCDEF");
    doubt(f, 0, 7);
    doubt(f, 2, 7);   // no such channel
    doubt(f, 255, 7); // never one
    doubt(f, 0, 0);
    session(f, 255);
    assert_int_equal(event_log_drain(&f->log, &f->contact), 5);
    assert_string_equal(symbol(f, 1), "A?[2JBCDEF");
    for (uint64_t i = 2; i <= 5; i++)
        assert_string_equal(symbol(f, i), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_later_session_changes_nothing),
        TEST(test_read_late),
        TEST(test_a_long_backlog),
        TEST(test_what_is_not_to_be_trusted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
