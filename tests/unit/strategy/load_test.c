// Files that are strategies, and files that are none.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/abi/limits.h"
#include "dataplane/strategy/host.h"

// As docs/strategies.md lists them: a person sets parameters by name.
static void every_example_names_its_parameters(void **state)
{
    static const struct {
        const char *file;
        uint32_t parameters;
    } examples[] = {{"maker", 4}, {"taker", 4}, {"arbitrage", 3}, {"iceberg", 5},
                    {"stop", 4},  {"oco", 6},   {"follow", 4}};
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(examples); i++) {
        struct strategy_slot slot = {.off = 0};
        struct error err = {0};
        char path[256];
        snprintf(path, sizeof path, STRATEGIES_DIR "/%s.so", examples[i].file);
        assert_true(strategy_load(&slot, path, path, &err));
        for (uint32_t k = 0; k < STRATEGY_PARAMETERS_MAX; k++) {
            const char *name = slot.strategy->parameter_names[k];
            assert_true((name != NULL) == (k < examples[i].parameters));
            assert_true(name == NULL || strlen(name) < PARAMETER_LEN);
        }
        strategy_unload(&slot);
    }
}

static bool started(void *state, const struct strategy_setup *setup, const char **why)
{
    (void)state;
    (void)setup;
    (void)why;
    return true;
}

static void what_cannot_be_loaded_is_named(void **state)
{
    (void)state;
    struct error err = {0};
    struct strategy_slot slot = {.strategy = NULL};
    assert_false(strategy_load(&slot, STRATEGIES_DIR "/none.so", "x", &err));
    assert_int_equal(err.code, EXIT_USAGE);
    assert_non_null(strstr(err.text, "strategy x: "));
    struct strategy old = {.interface = STRATEGY_INTERFACE, .name = "old", .start = started};
    old.interface = STRATEGY_INTERFACE + 1;
    err = (struct error){0};
    assert_false(strategy_attach(&slot, &old, "old", &err));
    assert_non_null(strstr(err.text, "interface 9, this dataplane speaks 8"));
    old.interface = STRATEGY_INTERFACE;
    old.start = NULL;
    err = (struct error){0};
    assert_false(strategy_attach(&slot, &old, "old", &err));
    assert_non_null(strstr(err.text, "has no start function"));
    old.start = started;
    old.state_bytes = (1u << 26) + 1;
    err = (struct error){0};
    assert_false(strategy_attach(&slot, &old, "old", &err));
    assert_non_null(strstr(err.text, "at most 64 MiB"));
    err = (struct error){0};
    assert_false(strategy_load(&slot, "libc.so.6", "other", &err));
    assert_non_null(strstr(err.text, "exports no tickgate_strategy"));
    err = (struct error){0};
    char here[PATH_MAX];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(STRATEGIES_DIR), 0);
    const bool loaded = strategy_load(&slot, "taker.so", "taker", &err);
    assert_int_equal(chdir(here), 0);
    assert_true(loaded);
    assert_false(strategy_start(&slot, &err)); // no parameters
    assert_non_null(strstr(err.text, "strategy taker: wants four parameters"));
    strategy_unload(&slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_names_its_parameters),
        cmocka_unit_test(what_cannot_be_loaded_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
