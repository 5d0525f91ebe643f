// What a client that follows is sent, and when it is too slow.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controlplane/control/stream.h"
#include "dataplane/base/log.h"
#include "tests/lib/rpc_rig.h"

static void events_add(struct fixture *f, uint32_t count)
{
    struct event_log *log = &f->control.log;
    for (uint32_t i = 0; i < count; i++) {
        struct logged_event *record = &log->records[++log->count % EVENT_LOG_LEN];
        memset(record, 0, sizeof *record);
        record->number = log->count;
        record->event.type = EVENT_LANE_READY;
        record->event.sequence = log->count;
    }
}

// The next notification as JSON; null: none. To be released.
static json_t *next(struct fixture *f, struct stream *s, uint64_t now_ns)
{
    stream_round(s, &f->control);
    char *text = stream_next(s, &f->control, false, now_ns);
    if (text == NULL)
        return NULL;
    assert_null(strchr(text, '\n'));
    json_t *view = json_loads(text, 0, NULL);
    assert_non_null(view);
    assert_null(json_object_get(view, "id"));
    free(text);
    return view;
}

static void expect(struct fixture *f, struct stream *s, const char *method, const char *key,
                   int64_t value)
{
    json_t *view = next(f, s, 1);
    assert_string_equal(text_of(view, "method"), method);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(view, "params"), key)),
                     value);
    json_decref(view);
}

static void test_events(void **state)
{
    struct fixture *f = *state;
    struct stream s;
    events_add(f, 5);
    stream_begin(&s, &f->control, STREAM_EVENTS, 3); // from the fourth on
    expect(f, &s, "event", "number", 4);
    expect(f, &s, "event", "number", 5);
    assert_null(next(f, &s, 1));
    events_add(f, 1);
    expect(f, &s, "event", "number", 6);
    assert_null(next(f, &s, 1));
    stream_begin(&s, &f->control, STREAM_EVENTS, 1000); // later than there are: from now on
    assert_null(next(f, &s, 1));
    events_add(f, 1);
    expect(f, &s, "event", "number", 7);
}

// A burst that is longer than the log: said, and followed from the oldest there is.
static void test_burst(void **state)
{
    struct fixture *f = *state;
    struct stream s;
    stream_begin(&s, &f->control, STREAM_EVENTS, 0);
    events_add(f, EVENT_LOG_LEN + 10);
    expect(f, &s, "missed", "count", 10);
    assert_false(s.behind);
    expect(f, &s, "event", "number", 11);
}

static void test_too_slow(void **state)
{
    struct fixture *f = *state;
    struct stream s;
    stream_begin(&s, &f->control, STREAM_EVENTS, 0);
    events_add(f, EVENT_LOG_LEN);
    assert_null(stream_next(&s, &f->control, true, 1));
    assert_false(s.behind); // nothing was lost to it yet
    events_add(f, 1);
    assert_null(stream_next(&s, &f->control, true, 1));
    assert_true(s.behind);
}

static void test_logs(void **state)
{
    struct fixture *f = *state;
    struct stream s;
    stream_logs_begin();
    log_info(LOG_READY, NULL, "not sent");
    stream_begin(&s, &f->control, STREAM_LOGS, 0);
    log_warn(LOG_CLIENT_CUT_OFF, LOG_FIELDS(LOG_NUMBER("user", 7), LOG_TEXT("cause", "a\tcause")),
             "a %s \"text\"", "quoted");
    log_info(LOG_READY, NULL, "without a field");
    json_t *view = next(f, &s, 1), *params = json_object_get(view, "params");
    assert_string_equal(text_of(view, "method"), "log");
    assert_string_equal(text_of(params, "level"), "warn");
    assert_string_equal(text_of(params, "event"), "client_cut_off");
    assert_string_equal(text_of(params, "code"), "TG-0048");
    assert_string_equal(text_of(params, "text"), "a quoted \"text\"");
    json_t *fields = json_object_get(params, "fields");
    assert_int_equal(json_integer_value(json_object_get(fields, "user")), 7);
    assert_string_equal(text_of(fields, "cause"), "a\tcause");
    json_decref(view);
    view = next(f, &s, 1);
    fields = json_object_get(json_object_get(view, "params"), "fields");
    assert_true(json_is_object(fields) && json_object_size(fields) == 0);
    json_decref(view);
    assert_null(next(f, &s, 1));
    log_listen(NULL);
}

static void test_counters(void **state)
{
    struct fixture *f = *state;
    struct stream s;
    const uint64_t second = 1000000000, now = 50 * second;
    stream_begin(&s, &f->control, STREAM_COUNTERS, 0);
    json_t *view = next(f, &s, now);
    assert_string_equal(text_of(view, "method"), "counters");
    const json_t *channels = json_object_get(json_object_get(view, "params"), "channel");
    assert_int_equal(json_array_size(channels), 2);
    json_decref(view);
    assert_null(next(f, &s, now + second - 1));
    view = next(f, &s, now + second);
    assert_non_null(view);
    json_decref(view);
    region_state_set(&f->file.view, REGION_STOPPED); // nobody has counters any more
    control_tick(&f->control, 2);
    assert_null(next(f, &s, now + 3 * second));
}

static void test_subscribe(void **state)
{
    struct fixture *f = *state;
    json_t *result = result_of(f, "subscribe", "{\"topics\":[\"events\",\"logs\"],\"after\":0}");
    assert_true(f->job.subscribes);
    assert_int_equal(f->job.topics, STREAM_EVENTS | STREAM_LOGS);
    assert_int_equal(f->job.after, 0);
    json_decref(result);
    f->job.subscribes = false;
    refused_call(f, "subscribe", "{\"topics\":[\"moon\"]}", -32602, "no topic 'moon'");
    refused_call(f, "subscribe", "{}", -32602, "topics is missing");
    refused_call(f, "subscribe", "{\"topics\":[]}", -32602, "array of 1 to 3 strings");
    assert_false(f->job.subscribes);
    json_decref(result_of(f, "unsubscribe", "{}"));
    assert_true(f->job.subscribes);
    assert_int_equal(f->job.topics, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_events),   TEST(test_burst),
                                       TEST(test_too_slow), TEST(test_logs),
                                       TEST(test_counters), TEST(test_subscribe)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
