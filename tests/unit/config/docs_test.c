#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/cpu.h"
#include "dataplane/config/config.h"

enum { TEXT_MAX = 1 << 16 };

static void all_read(FILE *file, char text[TEXT_MAX])
{
    rewind(file);
    size_t len = fread(text, 1, TEXT_MAX - 1, file);
    text[len] = '\0';
    fclose(file);
}

// What config_print_options writes to stdout.
static void printed(char text[TEXT_MAX])
{
    FILE *to = tmpfile();
    assert_non_null(to);
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    assert_true(saved >= 0 && dup2(fileno(to), STDOUT_FILENO) >= 0);
    config_print_options();
    fflush(stdout);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    all_read(to, text);
}

static void document_is_the_table(void **state)
{
    (void)state;
    static char want[TEXT_MAX], have[TEXT_MAX];
    FILE *file = fopen("docs/configuration.md", "r"); // tests run in the root of the project
    assert_non_null(file);
    all_read(file, have);
    printed(want);
    assert_true(strlen(want) > 4000);
    if (strcmp(want, have) != 0)
        fail_msg("docs/configuration.md is not what the table says; run make docs");
}

// The example of the document is a configuration that is accepted.
static void example_is_accepted(void **state)
{
    (void)state;
    static char text[TEXT_MAX];
    static struct config config;
    struct error err = {0};
    if (!cpu_allowed(0) || !cpu_allowed(1)) {
        print_message("the example uses cores 0 and 1\n");
        skip();
    }
    printed(text);
    char *begin = strstr(text, "```yaml\n");
    assert_non_null(begin);
    begin += strlen("```yaml\n");
    char *end = strstr(begin, "```");
    assert_non_null(end);
    if (!config_load_text(&config, "example", begin, (uint64_t)(end - begin), &err))
        fail_msg("%s", err.text);
    config_free(&config);
}

// And the one that trades; the strategy of its example is not installed here.
static void trading_example_is_accepted(void **state)
{
    (void)state;
    static char text[TEXT_MAX];
    static struct config config;
    static const char installed[] = "/usr/local/lib/tickgate/maker.so";
    struct error err = {0};
    FILE *file = fopen("docs/trading.md", "r");
    if (!cpu_allowed(0) || !cpu_allowed(1)) {
        print_message("the example uses cores 0 and 1\n");
        skip();
    }
    assert_non_null(file);
    all_read(file, text);
    char *begin = strstr(text, "```yaml\n");
    assert_non_null(begin);
    begin += strlen("```yaml\n");
    char *end = strstr(begin, "```"), *path = strstr(begin, installed);
    assert_true(end != NULL && path != NULL);
    memcpy(path, "Makefile                        ", strlen(installed));
    if (!config_load_text(&config, "example", begin, (uint64_t)(end - begin), &err))
        fail_msg("%s", err.text);
    assert_int_equal(config.session_count, 1);
    assert_int_equal(config.strategy_count, 1);
    config_free(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_is_the_table),
        cmocka_unit_test(example_is_accepted),
        cmocka_unit_test(trading_example_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
