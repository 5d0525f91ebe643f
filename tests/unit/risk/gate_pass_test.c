// What gate() approves by itself and what the checks one by one say: the same answer, and the same
// left behind in every byte. Orders and limits are those of the random histories.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dataplane/risk/gate_parts.h"
#include "tests/lib/risk_history.h"

enum { SEEDS = 20, STEPS = 1500, EVERY = 5 };

static struct risk_rig rig;
static struct model m;
static uint64_t approved, refused;

// All that the gate writes.
struct kept {
    struct risk risk;
    uint8_t *memory;
};

static void keep(struct kept *k, uint64_t bytes)
{
    k->risk = rig.risk;
    memcpy(k->memory, rig.memory, bytes);
}

static void put_back(const struct kept *k, uint64_t bytes)
{
    rig.risk = k->risk;
    memcpy(rig.memory, k->memory, bytes);
}

static void compare(struct kept *before, struct kept *after, uint64_t bytes)
{
    struct gate_order o = history_new(&m);
    struct gate_verdict fast, slow;
    memset(&fast, 0, sizeof fast);
    memset(&slow, 0, sizeof slow);
    if (model_draw(&m, 4) == 0) // as a replace of what is held
        o.held = (struct exposure){o.worst.notional / 2, o.worst.shares / 2, 1};
    keep(before, bytes);
    const bool passes = gate(&rig.risk, &o, &fast);
    keep(after, bytes);
    put_back(before, bytes);
    assert_int_equal(gate_in_order(&rig.risk, &o, &slow), passes);
    assert_int_equal(fast.refusal, slow.refusal);
    assert_int_equal(fast.scope, slow.scope);
    assert_int_equal(fast.version, slow.version);
    assert_true(fast.value == slow.value && fast.limit == slow.limit);
    assert_memory_equal(&rig.risk, &after->risk, sizeof rig.risk);
    assert_memory_equal(rig.memory, after->memory, bytes);
    approved += passes;
    refused += !passes;
    put_back(before, bytes);
}

static void both_ways_are_one(void **state)
{
    static struct kept before, after;
    const uint64_t bytes = risk_bytes(&risk_rig_config);
    (void)state;
    before.memory = malloc(bytes);
    after.memory = malloc(bytes);
    assert_true(before.memory && after.memory);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        risk_rig_open(&rig);
        history_open(&m, &rig, seed);
        for (uint32_t i = 0; i < STEPS; i++) {
            history_step(&m);
            if (i % EVERY == 0)
                compare(&before, &after, bytes);
        }
        risk_rig_close(&rig);
    }
    print_message("%lu approved, %lu refused\n", approved, refused);
    assert_true(approved > SEEDS * 20 && refused > SEEDS * 20);
    free(before.memory);
    free(after.memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways_are_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
