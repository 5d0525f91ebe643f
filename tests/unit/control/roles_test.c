// Roles: who has which by the configuration, and what each may ask for.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <unistd.h>

#include "controlplane/control/roles.h"
#include "tests/lib/rpc_rig.h"

// A user that is neither root nor this process'.
enum { STRANGER = 54321, COLLEAGUE = 54322 };

static struct config_control named(const char *view, const char *operate, const char *risk)
{
    struct config_control c = {0};
    snprintf(c.view, sizeof c.view, "%s", view);
    snprintf(c.operate, sizeof c.operate, "%s", operate);
    snprintf(c.risk, sizeof c.risk, "%s", risk);
    return c;
}

static enum role role_with(const struct config_control *c, uid_t user, gid_t group)
{
    struct roles roles;
    struct error err = {0};
    const gid_t groups[] = {7777, group};
    if (!roles_load(&roles, NULL, c, &err))
        fail_msg("%s", err.text);
    return roles_of(&roles, user, groups, 2);
}

static void test_lists(void **state)
{
    (void)state;
    struct config_control c = named("*", "54321 root", "@54400,@root");
    assert_int_equal(role_with(&c, COLLEAGUE, 1), ROLE_VIEW);
    assert_int_equal(role_with(&c, STRANGER, 1), ROLE_OPERATE);
    assert_int_equal(role_with(&c, STRANGER, 54400), ROLE_RISK);
    assert_int_equal(role_with(&c, COLLEAGUE, 0), ROLE_RISK); // the group root
    c = named("", "", "54321");
    assert_int_equal(role_with(&c, COLLEAGUE, 1), ROLE_NONE);
    assert_int_equal(role_with(&c, STRANGER, 1), ROLE_RISK);
    c = named("", "", "");
    assert_int_equal(role_with(&c, STRANGER, 1), ROLE_NONE);
    assert_int_equal(role_with(&c, 0, 1), ROLE_RISK);
    assert_int_equal(role_with(&c, geteuid(), 1), ROLE_RISK);
}

// Beside every role, and nobody's without a word.
static void test_broker(void **state)
{
    (void)state;
    struct config_control c = named("*", "*", "*");
    struct error err = {0};
    struct roles roles;
    const gid_t groups[] = {7777, 1};
    assert_true(roles_load(&roles, NULL, &c, &err));
    assert_false(roles_broker(&roles, STRANGER, groups, 2));
    assert_true(roles_broker(&roles, 0, groups, 2));
    assert_true(roles_broker(&roles, geteuid(), groups, 2));
    snprintf(c.broker, sizeof c.broker, "54321");
    assert_true(roles_load(&roles, NULL, &c, &err));
    assert_true(roles_broker(&roles, STRANGER, groups, 2));
    assert_false(roles_broker(&roles, COLLEAGUE, groups, 2));
    roles_open(&roles);
    assert_false(roles_broker(&roles, STRANGER, groups, 2));
}

static void test_open(void **state)
{
    (void)state;
    struct roles roles;
    roles_open(&roles);
    assert_int_equal(roles_of(&roles, STRANGER, NULL, 0), ROLE_RISK);
}

// Names that the machine does not know, with line and key.
static void test_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *say;
    } cases[] = {
        {"risk: nobody-of-this-name", "t.yaml:8: control.risk: 'nobody-of-this-name': this machine "
                                      "has no such user"},
        {"operate: 'root @no-such-group'", "t.yaml:8: control.operate: '@no-such-group': this "
                                           "machine has no such group"},
        {"group: no-such-group", "t.yaml:8: control.group: 'no-such-group'"},
        {"view: 4294967295", "has no such user"},
    };
    static const char format[] = "node: {main_core: 0}\n"
                                 "ports: [{name: p, device: net_ring0}]\n"
                                 "lanes: [{name: l, core: 0, idle: sleep}]\n"
                                 "channels:\n"
                                 "  - {name: c, lane: l, lines: [{name: A, port: p,\n"
                                 "     group: 233.54.12.111, udp_port: 1}]}\n"
                                 "control:\n  %s\n";
    static struct config config;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        struct error err = {0};
        struct roles roles;
        const int len = snprintf(text, sizeof text, format, cases[i].line);
        if (!config_load_text(&config, "t.yaml", text, (uint64_t)len, &err))
            fail_msg("%s", err.text);
        assert_false(roles_load(&roles, &config, &config.control, &err));
        assert_int_equal(err.code, EXIT_USAGE);
        if (strstr(err.text, cases[i].say) == NULL)
            fail_msg("'%s' does not say '%s'", err.text, cases[i].say);
        config_free(&config);
    }
}

// Every method with the role before its own is refused, and with its own is not for that reason.
static void test_methods(void **state)
{
    struct fixture *f = *state;
    uint32_t of[ROLES] = {0};
    for (uint32_t i = 0; i < method_count; i++) {
        const struct method *method = &methods[i];
        char line[128], wants[32];
        of[method->role]++;
        assert_true(method->role > ROLE_NONE);
        snprintf(line, sizeof line,
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{}}", method->name);
        // Parameters are looked at first; give what is required.
        json_t *request = json_loads(line, 0, NULL), *params = json_object_get(request, "params");
        for (uint32_t k = 0; k < PARAMS_MAX && method->params[k].name; k++)
            if (method->params[k].required)
                json_object_set_new(params, method->params[k].name,
                                    method->params[k].type == PARAM_INTEGER ? json_integer(1)
                                    : method->params[k].type == PARAM_STRINGS
                                        ? json_pack("[s]", "events")
                                        : json_string("x"));
        char *text = json_dumps(request, JSON_COMPACT);
        f->job.role = (enum role)(method->role - 1);
        f->job.user = STRANGER;
        snprintf(wants, sizeof wants, "takes %s;", role_name(method->role));
        refused(f, text, -32007, wants);
        free(text);
        json_decref(request);
    }
    assert_int_equal(of[ROLE_RISK], 11);
    assert_int_equal(of[ROLE_OPERATE], 11);
}

// A kill by somebody who may not: nothing is set.
static void test_kill_is_not_set(void **state)
{
    struct fixture *f = *state;
    f->job.role = ROLE_VIEW;
    refused_call(f, "kill", "{}", -32007, "this takes operate");
    for (uint32_t lane = 0; lane < 2; lane++)
        assert_int_equal(
            region_kill_words(&f->file.view, lane * KILL_ASKERS + KILL_BY_OPERATOR)->all, 0);
    f->job.role = ROLE_OPERATE;
    posted(f, "kill", "{}");
    assert_int_equal(region_kill_words(&f->file.view, KILL_BY_OPERATOR)->all, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(test_lists),   TEST(test_open),
                                       TEST(test_broker),  TEST(test_unknown),
                                       TEST(test_methods), TEST(test_kill_is_not_set)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
