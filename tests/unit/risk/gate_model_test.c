// The whole gate against a slow model that keeps every order and execution and adds them up anew
// for each question: random limits, random histories of orders, replaces, ends, executions, breaks,
// marks and cancels. Answer, scope, value and limit are the same.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/lib/risk_history.h"

enum { SEEDS = 60, STEPS = 3000 };

static struct risk_rig rig;
static struct model m;
static uint64_t approved, executed;

static void one_history(uint64_t seed)
{
    risk_rig_open(&rig);
    history_open(&m, &rig, seed);
    for (uint32_t i = 0; i < STEPS; i++)
        history_step(&m);
    history_check(&m);
    approved += m.approved;
    executed += m.executed;
    risk_rig_close(&rig);
}

static void the_gate_is_its_model(void **state)
{
    (void)state;
    uint64_t told = 0;
    const char *seeds = getenv("TICKGATE_SEEDS");
    const uint64_t count = seeds ? strtoull(seeds, NULL, 10) : SEEDS;
    for (uint64_t seed = 1; seed <= count; seed++) {
        one_history(seed);
        told |= m.told;
    }
    print_message("%lu orders approved, %lu executions\n", approved, executed);
    assert_true(approved > count * 100 && executed > count * 10);
    for (uint32_t n = 1; n < REFUSALS; n++)
        if (refusal_is_check(n) && !refusal_has_passed(told, n))
            fail_msg("no history was refused by %s", refusal_name(n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_gate_is_its_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
