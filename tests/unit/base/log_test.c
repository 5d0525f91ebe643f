// Lines of the log: JSON that a parser takes whatever was said, and how many of them.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "dataplane/base/log.h"

enum { OUT_MAX = 65536 };

static char out[OUT_MAX];

// What <say> writes to stderr.
static const char *heard(void (*say)(void))
{
    FILE *file = tmpfile();
    assert_non_null(file);
    const int saved = dup(STDERR_FILENO);
    assert_true(saved >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    say();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    rewind(file);
    out[fread(out, 1, OUT_MAX - 1, file)] = 0;
    fclose(file);
    return out;
}

static void say_escapes(void)
{
    log_info(LOG_READY, NULL, "%s",
             "\"quoted\" back\\slash\n\ttab \x1b[31m \xc3\xa9 \xff \xe2\x82");
}

static void test_json(void **state)
{
    (void)state;
    const char *line = heard(say_escapes);
    uint64_t ts;
    assert_int_equal(sscanf(line, "{\"ts\":%lu,", &ts), 1);
    assert_true(ts > 1600000000000000000ull);
    static const char wanted[] =
        ",\"level\":\"info\",\"event\":\"ready\",\"code\":\"TG-0001\",\"text\":\"\\\"quoted\\\" "
        "back\\\\slash\\u000a\\u0009tab \\u001b[31m \xc3\xa9 ? ??\"}\n";
    assert_string_equal(strchr(line, ','), wanted);
}

// What no strict reader of UTF-8 takes: forms that are too long, surrogates, beyond U+10FFFF.
static void say_no_text(void)
{
    log_info(LOG_READY, NULL, "%s",
             "\xc0\xaf \xe0\x80\xaf \xed\xa0\x80 \xf0\x80\x80\xaf \xf4\x90\x80\x80");
    log_info(LOG_READY, NULL, "%s",
             "\xe0\xa0\x80 \xed\x9f\xbf \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf \x7f");
}

static void test_no_text(void **state)
{
    (void)state;
    const char *lines = heard(say_no_text);
    assert_non_null(strstr(lines, "\"text\":\"?? ??? ??? ???? ????\"}\n"));
    assert_non_null(strstr(lines, "\"text\":\"\xe0\xa0\x80 \xed\x9f\xbf \xf0\x90\x80\x80 "
                                  "\xf4\x8f\xbf\xbf \\u007f\"}\n"));
}

static void say_fields(void)
{
    const char *nothing = NULL;
    log_warn(LOG_PEER_GONE,
             LOG_FIELDS(LOG_TEXT("port", "p\"0\n"), LOG_NUMBER("lane_number", 3u),
                        LOG_NUMBER("node", -1), LOG_NUMBER("first", INT64_MAX),
                        LOG_TEXT("reason", nothing), LOG_TEXT("a\"key", "")),
             "port %s", "p0");
}

static void test_fields(void **state)
{
    (void)state;
    static const char wanted[] =
        ",\"level\":\"warn\",\"event\":\"peer_gone\",\"code\":\"TG-0017\",\"text\":\"port p0\","
        "\"fields\":{\"port\":\"p\\\"0\\u000a\",\"lane_number\":3,\"node\":-1,"
        "\"first\":9223372036854775807,\"reason\":null,\"a\\\"key\":\"\"}}\n";
    assert_string_equal(strchr(heard(say_fields), ','), wanted);
}

static char filler[5000];

static void say_long(void)
{
    log_warn(LOG_HTTP, LOG_FIELDS(LOG_TEXT("path", filler), LOG_NUMBER("first", 1)), "%s", filler);
}

static uint32_t count_of(const char *text, const char *what)
{
    uint32_t n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

// Whatever is cut, the line is whole: strings end behind a whole character, and it says so.
static void test_long(void **state)
{
    (void)state;
    memset(filler, '"', sizeof filler - 1);
    const char *line = heard(say_long);
    const size_t len = strlen(line);
    assert_in_range(len, 1024, LOG_LINE_MAX);
    assert_int_equal(len, strcspn(line, "\n") + 1);
    // 639 characters of the text and 256 of the value, each two bytes.
    assert_int_equal(count_of(line, "\\\""), 639 + 256);
    assert_non_null(strstr(line, "\\\"\",\"fields\":{\"path\":\"\\\""));
    assert_non_null(strstr(line, "\\\"\",\"first\":1},\"cut\":true}\n"));
}

static void say_longest(void)
{
    log_error(LOG_HTTP,
              LOG_FIELDS(LOG_TEXT("a", filler), LOG_TEXT("b", filler), LOG_NUMBER("c", INT64_MIN),
                         LOG_TEXT("d", filler), LOG_TEXT("e", filler), LOG_NUMBER("f", 2)),
              "%s", filler);
}

// Six bytes a character: everything is at its bound, and a field that has no room is not there.
static void test_longest(void **state)
{
    (void)state;
    memset(filler, 1, sizeof filler - 1);
    const char *line = heard(say_longest);
    const size_t len = strlen(line);
    assert_in_range(len, 3500, LOG_LINE_MAX);
    assert_int_equal(count_of(line, "\\u0001"), 2048 / 6 + 2 * (512 / 6) + (1533 - 1065) / 6);
    assert_non_null(strstr(line, "\\u0001\",\"c\":-9223372036854775808,\"d\":\"\\u0001"));
    assert_null(strstr(line, "\"e\":"));
    assert_non_null(strstr(line, "},\"cut\":true}\n"));
}

// A field fits or is not there, at whatever byte the room ends.
static void test_bound(void **state)
{
    (void)state;
    memset(filler, 'x', sizeof filler - 1);
    for (size_t len = 480; len < 512; len++) {
        FILE *file = tmpfile();
        filler[len] = 0;
        log_to(fileno(file));
        log_error(LOG_HTTP,
                  LOG_FIELDS(LOG_TEXT("a", filler), LOG_TEXT("b", filler), LOG_TEXT("c", filler),
                             LOG_NUMBER("d", 1234567), LOG_NUMBER("e", 5)),
                  "bound");
        log_to(STDERR_FILENO);
        rewind(file);
        out[fread(out, 1, OUT_MAX - 1, file)] = 0;
        fclose(file);
        const char *fields = strstr(out, ",\"fields\":{");
        assert_non_null(fields);
        fields += strlen(",\"fields\":");
        const size_t fields_len = strcspn(fields, "}") + 1;
        assert_true(fields_len < LOG_FIELDS_MAX);
        // Without their three texts the fields are one of these.
        char rest[64] = "";
        for (size_t i = 0, n = 0; i < fields_len && n < sizeof rest - 1; i++)
            if (fields[i] != 'x')
                rest[n++] = fields[i];
        const bool whole = count_of(fields, "x") == 3 * len;
        const char *last = strstr(rest, ",\"c\":\"\"");
        assert_non_null(last);
        last += strlen(",\"c\":\"\"");
        assert_true(strcmp(last, "}") == 0 || strcmp(last, ",\"d\":1234567}") == 0 ||
                    strcmp(last, ",\"e\":5}") == 0 || strcmp(last, ",\"d\":1234567,\"e\":5}") == 0);
        const bool all = whole && strcmp(last, ",\"d\":1234567,\"e\":5}") == 0;
        assert_int_equal(count_of(out, ",\"cut\":true}\n"), !all);
        filler[len] = 'x';
    }
}

static void say_plain(void)
{
    log_warn(LOG_PEER_GONE, LOG_FIELDS(LOG_TEXT("port", "p0")), "port %s: \x1b[31mits peer", "p0");
}

// For people: the text, and nothing that a terminal obeys.
static void test_text(void **state)
{
    (void)state;
    setenv("TICKGATE_LOG", "text", 1);
    log_to(STDERR_FILENO);
    assert_string_equal(heard(say_plain), "WARN peer_gone: port p0: ?[31mits peer\n");
    setenv("TICKGATE_LOG", "json", 1);
    log_to(STDERR_FILENO);
}

static struct {
    uint32_t count;
    char code[16], event[32], fields[LOG_FIELDS_MAX];
} listener;

static void hear(const struct log_line *line)
{
    listener.count++;
    snprintf(listener.code, sizeof listener.code, "%s", line->code);
    snprintf(listener.event, sizeof listener.event, "%s", line->event);
    snprintf(listener.fields, sizeof listener.fields, "%s", line->fields);
}

static void test_listener(void **state)
{
    (void)state;
    log_listen(hear);
    heard(say_plain);
    assert_int_equal(listener.count, 1);
    assert_string_equal(listener.code, "TG-0017");
    assert_string_equal(listener.event, "peer_gone");
    assert_string_equal(listener.fields, "{\"port\":\"p0\"}");
    log_listen(NULL);
}

static void say_much(void)
{
    for (int i = 0; i < LOG_LINES_PER_S * 10; i++)
        log_info(LOG_LINK, NULL, "line %d", i);
    for (int i = 0; i < LOG_LINES_PER_S + 5; i++)
        log_error(LOG_LANE_HUNG, NULL, "line %d", i);
    log_info(LOG_LANE_BACK, NULL, "an event of its own");
}

static void test_limit(void **state)
{
    (void)state;
    const char *lines = heard(say_much);
    // A second may begin in between.
    assert_in_range(count_of(lines, "\"link\""), LOG_LINES_PER_S, LOG_LINES_PER_S * 2);
    assert_int_equal(count_of(lines, "\"lane_hung\""), LOG_LINES_PER_S + 5);
    assert_int_equal(count_of(lines, "\"lane_back\""), 1);
}

static uint32_t left_out_of(const char *lines)
{
    uint32_t left_out = 0;
    for (const char *at = lines; (at = strstr(at, "\"left_out\":")) != NULL; at++)
        left_out += (uint32_t)strtoul(at + strlen("\"left_out\":"), NULL, 10);
    return left_out;
}

static void say_until_told(void)
{
    for (int i = 0; i < LOG_LINES_PER_S * 10; i++)
        log_info(LOG_TRADED, NULL, "line");
    usleep(1100000); // the second is over
    log_info(LOG_TRADED, NULL, "line");
}

// What was left out is told with the next line that is written.
static void test_left_out(void **state)
{
    (void)state;
    const char *lines = heard(say_until_told);
    const uint32_t written = count_of(lines, "\"traded\""), left_out = left_out_of(lines);
    assert_true(left_out > 0);
    assert_int_equal(written + left_out, LOG_LINES_PER_S * 10 + 1);
}

// Nobody reads, and the pipe is full: nothing waits, and what is lost is told when somebody does.
static void test_nobody_reads(void **state)
{
    (void)state;
    int ends[2];
    uint32_t said = 0;
    char byte = 0;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    while (write(ends[1], &byte, 1) == 1 || write(ends[1], out, OUT_MAX) > 0)
        continue;
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
    log_to(ends[1]);
    for (; said < 3; said++)
        log_warn(LOG_STORE_BEHIND, NULL, "not read");
    log_error(LOG_STORE_BEHIND, NULL, "not read either");
    while (read(ends[0], out, OUT_MAX) > 0)
        continue;
    log_warn(LOG_STORE_BEHIND, NULL, "read");
    log_to(STDERR_FILENO);
    const ssize_t n = read(ends[0], out, OUT_MAX - 1);
    assert_true(n > 0);
    out[n] = 0;
    assert_int_equal(count_of(out, "\n"), 1);
    assert_non_null(strstr(out, "\"text\":\"read\",\"left_out\":4}\n"));
    close(ends[0]);
    close(ends[1]);
}

static void say_end(void)
{
    const struct error err = {.code = EXIT_USAGE, .text = "a.yaml:3: key: cause; remedy"};
    assert_int_equal(log_end("program", &err), EXIT_USAGE);
}

// On standard error for whoever started it; in the log, too, where that is another.
static void test_end(void **state)
{
    (void)state;
    assert_string_equal(heard(say_end), "program: a.yaml:3: key: cause; remedy\n");
    FILE *file = tmpfile();
    assert_non_null(file);
    log_to(fileno(file));
    assert_string_equal(heard(say_end), "program: a.yaml:3: key: cause; remedy\n");
    log_to(STDERR_FILENO);
    rewind(file);
    out[fread(out, 1, OUT_MAX - 1, file)] = 0;
    fclose(file);
    assert_non_null(strstr(
        out,
        ",\"level\":\"error\",\"event\":\"start_failed\",\"code\":\"TG-0003\",\"text\":\"a.yaml:3: "
        "key: cause; remedy\",\"fields\":{\"exit_code\":2}}\n"));
}

int main(void)
{
    setenv("TICKGATE_LOG", "json", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),         cmocka_unit_test(test_no_text),
        cmocka_unit_test(test_fields),       cmocka_unit_test(test_long),
        cmocka_unit_test(test_longest),      cmocka_unit_test(test_bound),
        cmocka_unit_test(test_text),         cmocka_unit_test(test_listener),
        cmocka_unit_test(test_limit),        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_nobody_reads), cmocka_unit_test(test_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
