// Clients are numbered behind the strategies, lane after lane: those of a lane are neighbours.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dataplane/control/dataplane.h"

static void numbers_of_a_lane_are_neighbours(void **state)
{
    static struct config config;
    static const uint32_t lanes[] = {2, 0, 2, 1, 0, 2}, wanted[] = {8, 5, 9, 7, 6, 10};
    (void)state;
    config.strategy_count = 5;
    config.lane_count = 3;
    config.client_count = 6;
    for (uint32_t i = 0; i < 6; i++)
        config.clients[i].lane = lanes[i];
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(gateway_strategy(&config, i), wanted[i]);
}

static void without_strategies_they_begin_at_0(void **state)
{
    static struct config config;
    (void)state;
    config.lane_count = 1;
    config.client_count = 2;
    assert_int_equal(gateway_strategy(&config, 0), 0);
    assert_int_equal(gateway_strategy(&config, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_a_lane_are_neighbours),
        cmocka_unit_test(without_strategies_they_begin_at_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
