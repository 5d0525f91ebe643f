// Command lines: what they become, what is refused, and tables.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controlplane/cli/command.h"
#include "controlplane/cli/table.h"

struct parsed {
    struct invocation invocation;
    struct error err;
    char *out;
    size_t out_len;
    bool ok;
    char *words[32];
    char text[512];
    char name[16];
};

// Splits <line> at blanks.
static struct parsed *parse(const char *line)
{
    struct parsed *p = calloc(1, sizeof *p);
    int argc = 1;
    snprintf(p->text, sizeof p->text, "%s", line);
    snprintf(p->name, sizeof p->name, "tickgate");
    p->words[0] = p->name;
    char *rest = NULL;
    for (char *word = strtok_r(p->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        p->words[argc++] = word;
    FILE *out = open_memstream(&p->out, &p->out_len);
    p->ok = invocation_parse(&p->invocation, argc, p->words, out, &p->err);
    fclose(out);
    return p;
}

static void drop(struct parsed *p)
{
    invocation_free(&p->invocation);
    free(p->out);
    free(p);
}

static void becomes(const char *line, const char *method, const char *params)
{
    struct parsed *p = parse(line);
    if (!p->ok || p->invocation.command == NULL)
        fail_msg("%s: %s", line, p->err.text);
    assert_string_equal(p->invocation.command->method, method);
    json_t *want = json_loads(params, 0, NULL);
    if (!json_equal(want, p->invocation.params))
        fail_msg("%s: %s, not %s", line, json_dumps(p->invocation.params, 0), params);
    json_decref(want);
    drop(p);
}

static void refused(const char *line, const char *say)
{
    struct parsed *p = parse(line);
    assert_false(p->ok);
    assert_int_equal(p->err.code, EXIT_USAGE);
    if (strstr(p->err.text, say) == NULL)
        fail_msg("%s: '%s' does not say '%s'", line, p->err.text, say);
    drop(p);
}

static void test_commands(void **state)
{
    (void)state;
    becomes("status", "status", "{}");
    becomes("show feeds", "feeds", "{}");
    becomes("show book AAPL", "book", "{\"symbol\":\"AAPL\"}");
    becomes("show book --depth 5 AAPL --channel=itch", "book",
            "{\"symbol\":\"AAPL\",\"depth\":5,\"channel\":\"itch\"}");
    becomes("--json show --watch=2 book AAPL --depth=7", "book",
            "{\"symbol\":\"AAPL\",\"depth\":7}");
    becomes("show symbols", "symbols", "{}");
    becomes("show symbols A,B --sort volume --top 3", "symbols",
            "{\"symbols\":[\"A\",\"B\"],\"sort\":\"volume\",\"top\":3}");
    becomes("show counters lane --all", "counters", "{\"scope\":\"lane\"}");
    becomes("show queue itch 123", "queue_position", "{\"channel\":\"itch\",\"reference\":123}");
    becomes("show events --count 5 --type GAP_OPEN", "events",
            "{\"count\":5,\"type\":\"GAP_OPEN\"}");
    becomes("set filter lane0 all --reason r", "filter_set",
            "{\"lane\":\"lane0\",\"reason\":\"r\"}");
    becomes("set filter lane0 A,B --reason r", "filter_set",
            "{\"lane\":\"lane0\",\"reason\":\"r\",\"symbols\":[\"A\",\"B\"]}");
}

static void test_governing(void **state)
{
    (void)state;
    becomes("kill", "kill", "{}");
    becomes("kill account MM --reason why", "kill",
            "{\"scope\":\"account:MM\",\"reason\":\"why\"}");
    becomes("kill account:MM", "kill", "{\"scope\":\"account:MM\"}");
    becomes("kill firm", "kill", "{\"scope\":\"firm\"}");
    becomes("kill account", "kill", "{\"scope\":\"account\"}");
    becomes("kill --direct --region /x session nas", "kill", "{\"scope\":\"session:nas\"}");
    becomes("resume --yes --reason=fixed", "resume", "{\"reason\":\"fixed\"}");
    becomes("cancel symbol A --reason r", "cancel", "{\"scope\":\"symbol:A\",\"reason\":\"r\"}");
    becomes("set limit symbol:A quantity 5 --reason r", "limit_set",
            "{\"scope\":\"symbol:A\",\"control\":\"quantity\",\"value\":\"5\",\"reason\":\"r\"}");
    becomes("set limit symbol A quantity 5 --reason r", "limit_set",
            "{\"scope\":\"symbol:A\",\"control\":\"quantity\",\"value\":\"5\",\"reason\":\"r\"}");
    becomes("set limit firm quantity -5 --reason r", "limit_set",
            "{\"scope\":\"firm\",\"control\":\"quantity\",\"value\":\"-5\",\"reason\":\"r\"}");
    becomes("show limits symbol A", "limits", "{\"scope\":\"symbol:A\"}");
    becomes("show limits symbol", "limits", "{\"scope\":\"symbol\"}");
    becomes("strategy set m a=1,b=-2 --reason r", "strategy_set",
            "{\"strategy\":\"m\",\"values\":[\"a=1\",\"b=-2\"],\"reason\":\"r\"}");
    becomes("strategy disable m --reason r", "strategy_disable",
            "{\"strategy\":\"m\",\"reason\":\"r\"}");
    becomes("show orders --account A --top 3", "orders", "{\"account\":\"A\",\"top\":3}");
    refused("halt", "--reason is missing");
    refused("reduce account A", "--reason is missing");
    refused("resume --reason", "TEXT is missing");
    refused("kill account A B", "one word too many");
    refused("kill --watch", "only for what looks");
    refused("kill --yes", "no option --yes");
    refused("strategy set m --reason r", "KEY=VALUE[,KEY=VALUE] is missing");
    refused("strategy", "not complete");
    refused("set filter lane0 all --watch", "only for what looks");
}

static void test_common_options(void **state)
{
    (void)state;
    struct parsed *p = parse("status --socket /x/y --json --watch");
    assert_true(p->ok);
    assert_string_equal(p->invocation.socket, "/x/y");
    assert_true(p->invocation.json);
    assert_int_equal(p->invocation.watch_ms, 1000);
    drop(p);
    p = parse("status --watch=0.25 --socket=/z");
    assert_int_equal(p->invocation.watch_ms, 250);
    assert_string_equal(p->invocation.socket, "/z");
    drop(p);
    p = parse("show counters --all");
    assert_true(json_is_true(json_object_get(p->invocation.options, "--all")));
    drop(p);
}

static void test_refused(void **state)
{
    (void)state;
    refused("", "no command");
    refused("show", "not complete");
    refused("sho", "no command 'sho'");
    refused("show moon", "no command 'show moon'");
    refused("show book", "SYMBOL is missing");
    refused("show book A B", "one word too many");
    refused("show book A --depth", "N is missing");
    refused("show book A --depth x", "not a number");
    refused("show book A --depth 99999999999999999999", "not a number");
    refused("show book A --wings", "no option --wings");
    refused("show counters --all=1", "takes no value");
    refused("status --json=1", "--json takes no value");
    refused("status --watch=0", "0.1 to 3600");
    refused("status --watch=x", "no number");
    refused("status --watch=nan", "0.1 to 3600");
    refused("status --watch=", "no number");
    refused("status --socket", "a path is missing");
    refused("show symbols A,,B", "empty name");
    refused("show symbols ,", "empty name");
    refused("set filter lane0", "is missing");
    refused("set filter lane0 all --watch", "only for what looks");
    refused("status --an-option-with-a-very-long-name-indeed", "no option");
    refused("show book \xff\xfe", "UTF-8");
}

static void test_help(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"--help", "set filter"},
        {"show --help", "show lanes"},
        {"show book --help", "Usage: tickgate show book SYMBOL [--depth N] [--channel NAME]"},
        {"status --help", "Usage: tickgate status"},
        {"--version", "tickgate " TICKGATE_VERSION},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct parsed *p = parse(lines[i][0]);
        assert_true(p->ok);
        assert_null(p->invocation.command);
        if (strstr(p->out, lines[i][1]) == NULL)
            fail_msg("%s: %s", lines[i][0], p->out);
        drop(p);
    }
    for (uint32_t i = 0; i < command_count; i++) {
        char line[64];
        snprintf(line, sizeof line, "%s %s --help", commands[i].words[0],
                 commands[i].words[1] ? commands[i].words[1] : "");
        struct parsed *p = parse(line);
        assert_true(p->ok);
        assert_non_null(strstr(p->out, commands[i].help));
        drop(p);
    }
}

static void test_table(void **state)
{
    (void)state;
    static const struct column columns[] = {{"name", "name", COLUMN_TEXT},
                                            {"n", "n", COLUMN_COUNT},
                                            {"deep", "a.b", COLUMN_NS},
                                            {"tags", "tags", COLUMN_WORDS},
                                            {0}};
    json_t *rows =
        json_loads("[{\"name\":\"x\",\"n\":12345,\"a\":{\"b\":950},\"tags\":[\"p\",\"q\"]},"
                   "{\"name\":\"longer\",\"n\":1,\"a\":{}}]",
                   0, NULL);
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    table_print(out, columns, rows);
    fclose(out);
    assert_string_equal(text, "name        n   deep  tags\n"
                              "x       12345  950ns  p,q\n"
                              "longer      1      -  -\n");
    free(text);
    json_decref(rows);
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        enum column_kind kind;
        json_int_t value;
        const char *text;
    } cases[] = {
        {COLUMN_NS, 999, "999ns"},       {COLUMN_NS, 1000, "1.0us"},
        {COLUMN_NS, 2750, "2.7us"},      {COLUMN_NS, 12345678, "12.3ms"},
        {COLUMN_NS, 2500000000, "2.5s"}, {COLUMN_BYTES, 2097152, "2.0MiB"},
        {COLUMN_BYTES, 512, "0.5KiB"},   {COLUMN_PERMILLE, 999, "99.9%"},
        {COLUMN_COUNT, -1, "-1"},
    };
    char text[64];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *value = json_integer(cases[i].value);
        assert_string_equal(value_text(value, cases[i].kind, text, sizeof text), cases[i].text);
        json_decref(value);
    }
    json_t *yes = json_true();
    assert_string_equal(value_text(yes, COLUMN_TEXT, text, sizeof text), "yes");
    assert_string_equal(value_text(NULL, COLUMN_TEXT, text, sizeof text), "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),       cmocka_unit_test(test_governing),
        cmocka_unit_test(test_common_options), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_help),           cmocka_unit_test(test_table),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
