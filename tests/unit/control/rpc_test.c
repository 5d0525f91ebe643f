// Requests as text: every way to be wrong, and what each method answers from a region with known
// content.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/rpc_rig.h"

// --- envelopes ---

static void test_wrong_envelopes(void **state)
{
    struct fixture *f = *state;
    refused(f, "", -32700, "column");
    refused(f, "{", -32700, "column");
    refused(f, "{\"jsonrpc\":\"2.0\",\"jsonrpc\":\"2.0\"}", -32700, "duplicate");
    refused(f, "\"\xff\"", -32700, "decode byte");
    refused(f, "{} x", -32700, "column");
    refused(f, "1", -32600, "not a request");
    refused(f, "null", -32600, "not a request");
    refused(f, "{}", -32600, "not a request");
    refused(f, "[]", -32600, "batches");
    refused(f, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}]", -32600, "batches");
    refused(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"depth\":3}", -32600,
            "no member 'depth'");
    refused(f, "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"status\"}", -32600, "not a request");
    refused(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", -32600, "not a request");
    refused(f, "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"status\"}", -32600, "id must be");
    refused(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":3}", -32600,
            "not a request");
    refused(f, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nope\"}", -32601, "no method 'nope'");
    char deep[8192];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    refused(f, deep, -32700, "column");
}

static void test_ids_come_back(void **state)
{
    struct fixture *f = *state;
    json_t *answer = ask_text(f, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"version\"}");
    assert_string_equal(text_of(answer, "id"), "x");
    json_decref(answer);
    answer = ask_text(f, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"version\"}");
    assert_true(json_is_null(json_object_get(answer, "id")));
    assert_non_null(json_object_get(answer, "result"));
    json_decref(answer);
    answer = ask_text(f, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"nope\"}");
    assert_int_equal(json_integer_value(json_object_get(answer, "id")), 5);
    json_decref(answer);
    // A notification is done and not answered, right or wrong.
    assert_null(ask_text(f, "{\"jsonrpc\":\"2.0\",\"method\":\"version\"}"));
    assert_null(ask_text(f, "{\"jsonrpc\":\"2.0\",\"method\":\"nope\"}"));
}

static void test_wrong_parameters(void **state)
{
    struct fixture *f = *state;
    refused_call(f, "book", "{}", -32602, "symbol is missing");
    refused_call(f, "book", "{\"symbol\":\"\"}", -32602, "1 to 11 characters");
    refused_call(f, "book", "{\"symbol\":\"ABCDEFGHIJKL\"}", -32602, "1 to 11 characters");
    refused_call(f, "book", "{\"symbol\":5}", -32602, "must be a string");
    refused_call(f, "book", "{\"symbol\":\"AAPL\",\"depth\":0}", -32602, "from 1 to 64");
    refused_call(f, "book", "{\"symbol\":\"AAPL\",\"depth\":65}", -32602, "from 1 to 64");
    refused_call(f, "book", "{\"symbol\":\"AAPL\",\"depth\":1.5}", -32602, "integer");
    refused_call(f, "book", "{\"symbol\":\"AAPL\",\"wings\":2}", -32602, "no parameter 'wings'");
    refused_call(f, "book", "[\"AAPL\",1,\"itch\",4]", -32602, "it takes 3");
    refused_call(f, "status", "{\"x\":1}", -32602, "no parameter");
    refused_call(f, "symbols", "{\"symbols\":[]}", -32602, "array of 1 to");
    refused_call(f, "symbols", "{\"symbols\":[1]}", -32602, "strings");
    refused_call(f, "symbols", "{\"sort\":\"size\"}", -32602, "sort must be");
    refused_call(f, "counters", "{\"scope\":\"moon\"}", -32602, "no scope 'moon'");
    refused_call(f, "events", "{\"count\":0}", -32602, "from 1");
    refused_call(f, "events", "{\"type\":\"GAP_OPNE\"}", -32602, "no type 'GAP_OPNE'");
    refused_call(f, "symbols", "{\"symbols\":[\"NOPE\"]}", -32003, "no symbol 'NOPE'");
    refused_call(f, "symbols", "{\"channel\":\"moon\"}", -32003, "no channel 'moon'");
    refused_call(f, "book", "{\"symbol\":\"MSFT\",\"channel\":\"deep\"}", -32003, "no symbol");
    refused_call(f, "filter_set", "{\"lane\":\"lane9\",\"reason\":\"r\"}", -32003, "no lane");
    refused_call(f, "filter_set", "{\"lane\":\"2\",\"reason\":\"r\"}", -32003, "no lane");
    refused_call(f, "filter_set",
                 "{\"lane\":\"1\",\"reason\":\"r\",\"symbols\":[\"AAPL\",\"MSFT\"]}", -32003,
                 "nothing was changed");
}

// --- methods ---

static void test_every_method_answers(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < method_count; i++) {
        bool required = false;
        for (uint32_t k = 0; k < PARAMS_MAX && methods[i].params[k].name; k++)
            required |= methods[i].params[k].required;
        // Who asks a lane, or changes something, has its own test; nothing is known here of what
        // configuration is in force.
        if (!required && strcmp(methods[i].name, "config_diff") != 0 &&
            strncmp(methods[i].name, "calendar", 8) != 0 && methods[i].answered == NULL &&
            methods[i].role == ROLE_VIEW)
            json_decref(result_of(f, methods[i].name, "{}"));
        assert_true(strlen(methods[i].help) > 5);
        assert_true(methods[i].params[0].name == NULL || strlen(methods[i].params[0].help) > 5);
    }
    refused_call(f, "calendar", "{}", -32006, "started without --config");
    refused_call(f, "config_diff", "{}", -32006, "not known which configuration is in force");
    f->job.role = ROLE_VIEW;
    refused_call(f, "config_diff", "{\"file\":\"/etc/shadow\"}", -32007, "another file takes risk");
}

static void test_status(void **state)
{
    struct fixture *f = *state;
    json_t *r = result_of(f, "status", "{}");
    assert_string_equal(text_of(r, "node"), "node-1");
    assert_string_equal(text_of(r, "state"), "ready");
    assert_int_equal(json_integer_value(json_object_get(r, "memory_bytes")), 1000);
    const json_t *channels = json_object_get(r, "channels");
    assert_int_equal(json_array_size(channels), 2);
    assert_string_equal(text_of(json_array_get(channels, 0), "quality"), "good");
    assert_string_equal(text_of(json_array_get(channels, 1), "quality"), "suspect");
    json_decref(r);
}

static void test_symbols(void **state)
{
    struct fixture *f = *state;
    json_t *r = result_of(f, "symbols", "{}");
    const json_t *rows = json_object_get(r, "symbols");
    assert_int_equal(json_array_size(rows), 4);
    const json_t *row = json_array_get(rows, 0);
    assert_string_equal(text_of(row, "symbol"), "AAPL");
    assert_string_equal(text_of(row, "channel"), "itch");
    assert_string_equal(text_of(row, "bid_price"), "100.0000");
    assert_string_equal(text_of(row, "spread"), "0.0100");
    assert_string_equal(text_of(row, "quality"), "good");
    // The channel's doubt is every symbol's doubt; a crossed book has a negative spread.
    assert_string_equal(text_of(json_array_get(rows, 1), "quality"), "suspect");
    assert_string_equal(text_of(json_array_get(rows, 1), "spread"), "-0.0100");
    assert_true(json_is_null(json_object_get(json_array_get(rows, 3), "bid_price")));
    assert_true(json_is_null(json_object_get(json_array_get(rows, 3), "spread")));
    json_decref(r);
    static const char *const sorted[][2] = {
        {"{\"sort\":\"volume\",\"top\":1}", "MSFT"},
        {"{\"sort\":\"activity\",\"top\":2,\"channel\":\"itch\"}", "AAPL"},
        {"{\"sort\":\"spread\"}", "MSFT"},
        {"{\"symbols\":[\"ZVZZT\"]}", "ZVZZT"},
        {"[\"volume\",3]", "MSFT"},
    };
    for (size_t i = 0; i < sizeof sorted / sizeof sorted[0]; i++) {
        r = result_of(f, "symbols", sorted[i][0]);
        assert_string_equal(text_of(json_array_get(json_object_get(r, "symbols"), 0), "symbol"),
                            sorted[i][1]);
        json_decref(r);
    }
    r = result_of(f, "symbols", "{\"symbols\":[\"AAPL\",\"AAPL\"]}");
    assert_int_equal(json_array_size(json_object_get(r, "symbols")), 2);
    json_decref(r);
}

static void test_counters_and_histograms(void **state)
{
    struct fixture *f = *state;
    json_t *r = result_of(f, "counters", "{\"scope\":\"channel\"}");
    assert_int_equal(json_object_size(r), 1);
    const json_t *itch = json_array_get(json_object_get(r, "channel"), 0);
    assert_string_equal(text_of(itch, "name"), "itch");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(itch, "counters"), "messages")), 60000);
    json_decref(r);
    r = result_of(f, "counters", "{}");
    // Lines that a channel does not have are left out: one line and recovery of two channels.
    assert_int_equal(json_array_size(json_object_get(r, "line")), 4);
    json_decref(r);
    r = result_of(f, "histograms", "{}");
    assert_int_equal(json_array_size(json_object_get(r, "edges_ns")), HISTOGRAM_BUCKETS - 1);
    json_decref(r);
}

static uint64_t first_number(const json_t *r)
{
    const json_t *events = json_object_get(r, "events");
    return (uint64_t)json_integer_value(json_object_get(json_array_get(events, 0), "number"));
}

static void test_events(void **state)
{
    struct fixture *f = *state;
    struct event_writer writer;
    struct event event = {.type = EVENT_CHANNEL_QUALITY, .tsc = 1};
    region_event_writer(&f->file.view, 0, EVENT_RING_TRADING, &writer);
    event.channel_quality.channel = 1;
    event.channel_quality.now = QUALITY_SUSPECT;
    event_write(&writer, &event);
    event = (struct event){.type = EVENT_SYMBOL_QUALITY};
    event.symbol_quality.locate = 20;
    for (int i = 0; i < 10; i++)
        event_write(&writer, &event);
    event = (struct event){.type = 999}; // of a later version
    event_write(&writer, &event);
    json_t *r = result_of(f, "events", "{}");
    const json_t *events = json_object_get(r, "events");
    assert_int_equal(json_array_size(events), 12);
    const json_t *fields = json_object_get(json_array_get(events, 0), "fields");
    assert_string_equal(text_of(fields, "channel"), "deep");
    assert_string_equal(text_of(fields, "now"), "suspect");
    assert_string_equal(text_of(json_array_get(events, 0), "lane"), "lane0");
    fields = json_object_get(json_array_get(events, 1), "fields");
    assert_string_equal(text_of(fields, "symbol"), "MSFT");
    assert_int_equal(json_integer_value(json_object_get(json_array_get(events, 11), "event")), 999);
    assert_int_equal(json_integer_value(json_object_get(r, "next_after")), 12);
    json_decref(r);
    r = result_of(f, "events", "{\"count\":3}"); // the newest three
    assert_int_equal(first_number(r), 10);
    json_decref(r);
    r = result_of(f, "events", "{\"count\":3,\"after\":2}"); // the next three
    assert_int_equal(first_number(r), 3);
    assert_int_equal(json_integer_value(json_object_get(r, "next_after")), 5);
    json_decref(r);
    r = result_of(f, "events", "{\"after\":12}");
    assert_int_equal(json_array_size(json_object_get(r, "events")), 0);
    assert_int_equal(json_integer_value(json_object_get(r, "next_after")), 12);
    json_decref(r);
    r = result_of(f, "events", "{\"after\":9223372036854775807}");
    assert_int_equal(json_array_size(json_object_get(r, "events")), 0);
    json_decref(r);
    r = result_of(f, "events", "{\"type\":\"CHANNEL_QUALITY\",\"count\":1}");
    assert_int_equal(first_number(r), 1);
    json_decref(r);
    // The region goes; its last events keep their names.
    region_state_set(&f->file.view, REGION_STOPPED);
    unlink(f->file.path);
    control_tick(&f->control, clock_mono_ns());
    control_tick(&f->control, clock_mono_ns());
    assert_false(contact_attached(&f->control.contact));
    r = result_of(f, "events", "{}");
    assert_string_equal(text_of(json_array_get(json_object_get(r, "events"), 0), "lane"), "lane0");
    json_decref(r);
}

// --- commands ---

static void test_book(void **state)
{
    struct fixture *f = *state;
    struct command_slot *slot = posted(f, "book", "{\"symbol\":\"AAPL\",\"depth\":3}");
    assert_null(resumed(f));
    assert_true(command_take(slot, 0));
    assert_int_equal(slot->request.book_snapshot.locate, 10);
    assert_int_equal(slot->request.book_snapshot.depth, 3);
    slot->answer.book_snapshot.ask_count = 1;
    slot->answer.book_snapshot.asks[0] = (struct command_level){4294967295u, 2, 300};
    slot->answer.book_snapshot.quality = QUALITY_RECOVERING;
    slot->answer.book_snapshot.band = BAND_ESTIMATED;
    slot->answer.book_snapshot.band_low = 950000;
    slot->answer.book_snapshot.band_high = 1050000;
    command_answer(slot, COMMAND_RESULT_OK, 0);
    json_t *answer = resumed(f);
    const json_t *result = json_object_get(answer, "result");
    assert_string_equal(text_of(result, "symbol"), "AAPL");
    assert_string_equal(text_of(result, "quality"), "recovering");
    const json_t *band = json_object_get(result, "band");
    assert_string_equal(text_of(band, "source"), "estimated");
    assert_string_equal(text_of(band, "low"), "95.0000");
    assert_string_equal(text_of(band, "high"), "105.0000");
    assert_int_equal(json_array_size(json_object_get(result, "bids")), 0);
    assert_string_equal(text_of(json_array_get(json_object_get(result, "asks"), 0), "price"),
                        "429496.7295");
    json_decref(answer);
    assert_null(f->job.method); // ready for the next
}

static void test_command_fails(void **state)
{
    struct fixture *f = *state;
    static const struct {
        uint32_t result;
        int code;
    } cases[] = {{COMMAND_RESULT_BUSY, -32004},
                 {COMMAND_RESULT_NO_SYMBOL, -32003},
                 {COMMAND_RESULT_BAD_ARGUMENT, -32005},
                 {4711, -32005}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct command_slot *slot = posted(f, "book", "{\"symbol\":\"AAPL\"}");
        assert_true(command_take(slot, 0));
        command_answer(slot, cases[i].result, 0);
        json_t *answer = resumed(f);
        assert_int_equal(
            json_integer_value(json_object_get(json_object_get(answer, "error"), "code")),
            cases[i].code);
        json_decref(answer);
    }
    posted(f, "queue_position", "{\"channel\":\"deep\",\"reference\":5}");
    f->job.call.deadline_ns = 0;
    json_t *answer = resumed(f);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(answer, "error"), "code")),
                     -32002);
    json_decref(answer);
    for (uint32_t i = 0; i < COMMAND_SLOTS; i++)
        assert_non_null(command_claim(region_command_slot(&f->file.view, 0)));
    refused_call(f, "book", "{\"symbol\":\"AAPL\"}", -32004, "all 16 command slots");
}

static void test_filter(void **state)
{
    struct fixture *f = *state;
    struct command_slot *slot = posted(
        f, "filter_set", "{\"lane\":\"lane0\",\"reason\":\"r\",\"symbols\":[\"MSFT\",\"AAPL\"]}");
    assert_true(command_take(slot, LANE_MAIN));
    assert_int_equal(slot->request.filter_set.channel, 0);
    assert_int_equal(slot->request.filter_set.all, 0);
    assert_int_equal(slot->request.filter_set.bitmap[0], 1ull << 10 | 1ull << 20);
    slot->answer.filter_set.symbols = 2;
    command_answer(slot, COMMAND_RESULT_OK, 9);
    json_t *answer = resumed(f);
    const json_t *result = json_object_get(answer, "result");
    assert_string_equal(text_of(result, "lane"), "lane0");
    const json_t *row = json_array_get(json_object_get(result, "channels"), 0);
    assert_int_equal(json_integer_value(json_object_get(row, "symbols")), 2);
    assert_int_equal(json_integer_value(json_object_get(row, "in_force_from_event")), 9);
    json_decref(answer);
    // Both channels on one lane: one command after the other.
    region_channel_info(&f->file.view, 1)->lane = 0;
    slot = posted(f, "filter_set", "{\"lane\":\"0\",\"reason\":\"r\"}");
    assert_true(command_take(slot, LANE_MAIN));
    assert_int_equal(slot->request.filter_set.all, 1);
    command_answer(slot, COMMAND_RESULT_OK, 0);
    assert_null(resumed(f));
    assert_true(f->job.pending);
    slot = region_command_slot(&f->file.view, f->job.call.slot);
    assert_true(command_take(slot, LANE_MAIN));
    assert_int_equal(slot->request.filter_set.channel, 1);
    command_answer(slot, COMMAND_RESULT_OK, 0);
    answer = resumed(f);
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(answer, "result"), "channels")), 2);
    json_decref(answer);
}

// --- no dataplane ---

static void test_no_dataplane(void **state)
{
    struct fixture *f = *state;
    uint64_t now = 1000;
    region_beat(&f->file.view, clock_tsc() - 5ull * 2000000000);
    control_tick(&f->control, now++);
    refused_call(f, "status", "{}", -32002, "no heartbeat");
    region_state_set(&f->file.view, REGION_STOPPED);
    control_tick(&f->control, now++);
    refused_call(f, "book", "{\"symbol\":\"AAPL\"}", -32001, "has stopped");
    unlink(f->file.path);
    control_tick(&f->control, now++);
    control_tick(&f->control, now++);
    refused_call(f, "symbols", "{}", -32001, "is the dataplane running?");
    json_decref(result_of(f, "version", "{}"));
    json_decref(result_of(f, "events", "{}"));
    json_decref(result_of(f, "help", "{}"));
}

static void test_vanishes_between_look_and_copy(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ftruncate(f->file.fd, 4096), 0);
    refused_call(f, "symbols", "{}", -32001, "vanished");
    assert_int_equal(ftruncate(f->file.fd, (off_t)f->file.view.length), 0);
}

static void test_rates(void **state)
{
    struct fixture *f = *state;
    uint64_t s = 1000000000;
    struct channel_counters *count = region_channel_counters(&f->file.view, 0);
    control_tick(&f->control, 10 * s);
    count->messages += 5000;
    control_tick(&f->control, 12 * s);
    assert_int_equal(
        control_rate(&f->control, f->control.rates[1].messages[0], f->control.rates[0].messages[0]),
        2500);
    assert_int_equal(control_rate(&f->control, 1, 2), 0); // counters of a new instance
    f->control.rates[0].busy_ticks[1] = 0;
    f->control.rates[1].busy_ticks[1] = (f->control.rates[1].tsc - f->control.rates[0].tsc) / 4;
    assert_int_equal((control_busy_permille(&f->control, 1) + 5) / 10, 25);
    f->control.rates[1].epoch++;
    assert_int_equal(control_rate(&f->control, 100, 0), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_wrong_envelopes),
        TEST(test_ids_come_back),
        TEST(test_wrong_parameters),
        TEST(test_every_method_answers),
        TEST(test_status),
        TEST(test_symbols),
        TEST(test_counters_and_histograms),
        TEST(test_events),
        TEST(test_book),
        TEST(test_command_fails),
        TEST(test_filter),
        TEST(test_no_dataplane),
        TEST(test_vanishes_between_look_and_copy),
        TEST(test_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
