// Lines of the log: JSON that a parser takes whatever was said, and how many of them.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

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
    log_info("escapes", "%s", "\"quoted\" back\\slash\n\ttab \x1b[31m \xc3\xa9 \xff \xe2\x82");
}

static void test_json(void **state)
{
    (void)state;
    const char *line = heard(say_escapes);
    uint64_t ts;
    assert_int_equal(sscanf(line, "{\"ts\":%lu,", &ts), 1);
    assert_true(ts > 1600000000000000000ull);
    static const char wanted[] =
        ",\"level\":\"info\",\"event\":\"escapes\",\"text\":\"\\\"quoted\\\" back\\\\slash\\u000a"
        "\\u0009tab \\u001b[31m \xc3\xa9 ? ??\"}\n";
    assert_string_equal(strchr(line, ','), wanted);
}

static void say_long(void)
{
    static char text[5000];
    memset(text, '"', sizeof text - 1);
    log_warn("long", "%s", text);
}

static void test_long(void **state)
{
    (void)state;
    const char *line = heard(say_long);
    const size_t len = strlen(line);
    assert_true(len < 2048);
    assert_string_equal(line + len - 5, "\\\"\"}\n"); // the last quote is whole
    assert_int_equal(len, strcspn(line, "\n") + 1);
}

static void say_much(void)
{
    for (int i = 0; i < LOG_LINES_PER_S * 10; i++)
        log_info("much", "line %d", i);
    for (int i = 0; i < LOG_LINES_PER_S + 5; i++)
        log_error("bad", "line %d", i);
    log_info("other", "a word of its own");
}

static uint32_t count_of(const char *text, const char *what)
{
    uint32_t n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void test_limit(void **state)
{
    (void)state;
    const char *lines = heard(say_much);
    // A second may begin in between.
    assert_in_range(count_of(lines, "\"much\""), LOG_LINES_PER_S, LOG_LINES_PER_S * 2);
    assert_int_equal(count_of(lines, "\"bad\""), LOG_LINES_PER_S + 5);
    assert_int_equal(count_of(lines, "\"other\""), 1);
}

static void say_until_told(void)
{
    for (int i = 0; i < 600; i++) {
        log_info("told", "line");
        usleep(5000);
    }
}

// What was left out is told with the next line that is written.
static void test_left_out(void **state)
{
    (void)state;
    const char *lines = heard(say_until_told);
    uint32_t written = count_of(lines, "\"told\""), left_out = 0;
    for (const char *at = lines; (at = strstr(at, "\"left_out\":")) != NULL; at++)
        left_out += (uint32_t)strtoul(at + strlen("\"left_out\":"), NULL, 10);
    assert_true(left_out > 0);
    assert_true(written + left_out <= 600); // the last ones have no line behind them
}

int main(void)
{
    setenv("TICKGATE_LOG", "json", 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_json), cmocka_unit_test(test_long),
                                       cmocka_unit_test(test_limit),
                                       cmocka_unit_test(test_left_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
