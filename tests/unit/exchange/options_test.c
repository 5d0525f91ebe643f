// The command line: every option says what it wants when it gets something else.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "bench/exchange/options.h"

// Splits at blanks.
static bool parse(struct options *o, const char *text, struct error *err)
{
    static char buffer[512];
    static char name[] = "tickgate-exchange";
    char *argv[32] = {name};
    int argc = 1;
    snprintf(buffer, sizeof buffer, "%s", text);
    for (char *next, *word = strtok_r(buffer, " ", &next); word; word = strtok_r(NULL, " ", &next))
        argv[argc++] = word;
    *err = (struct error){0};
    options_defaults(o);
    return options_parse(o, argc, argv, err);
}

#define LINE "--line A=239.1.1.1:26477 "

static void accepted(void **state)
{
    (void)state;
    struct options o;
    struct error err;
    assert_true(parse(&o, LINE, &err));
    assert_int_equal(o.pace.kind, PACE_MAX);
    assert_int_equal(o.lines[0].to.group, 0xef010101);
    assert_int_equal(o.lines[0].to.port, 26477);
    assert_int_equal(o.store_mib, 256);
    assert_int_equal(o.link.ttl, 1);
    assert_int_equal(o.link.core, -1);
    assert_true(parse(&o, LINE "--source day.itch", &err));
    assert_int_equal(o.pace.kind, PACE_RECORDED);
    assert_int_equal(o.pace.speed_1000, 1000);
    assert_true(parse(&o, LINE "--speed 2.5x --idle-max-ms 10", &err));
    assert_int_equal(o.pace.speed_1000, 2500);
    assert_int_equal(o.pace.idle_max_ns, 10000000);
    assert_true(parse(&o, LINE "--mode saturate --rate 5000000", &err));
    assert_int_equal(o.pace.rate, 5000000);
    assert_int_equal(o.store_mib, 4096);
    assert_true(parse(
        &o,
        LINE "--line B=239.1.1.2:1,10.0.0.7 --loss A=0.25 --loss B=1% --loss both=1 --duplicate "
             "B=0.5 --reorder A=0.5,9 --skew-us B=100..300 --skew-us A=7",
        &err));
    assert_int_equal(o.lines[1].to.source, 0x0a000007);
    assert_int_equal(o.lines[1].to.device, 1);
    assert_int_equal(o.lines[0].faults.loss_below, 1u << 30);
    assert_int_equal(o.lines[1].faults.loss_below, 42949672);
    assert_int_equal(o.both_below[0], UINT32_MAX);
    assert_int_equal(o.lines[1].faults.duplicate_below, 1u << 31);
    assert_int_equal(o.lines[0].faults.depth, 9);
    assert_int_equal(o.lines[1].faults.skew_least_us, 100);
    assert_int_equal(o.lines[1].faults.skew_most_us, 300);
    assert_int_equal(o.lines[0].faults.skew_least_us, 0);
    assert_true(parse(
        &o, LINE "--channels 2 --line A2=239.1.1.3:1 --session MON,TUE --glimpse 127.0.0.1:9,me,pw",
        &err));
    assert_string_equal(o.session[1], "TUE");
    assert_string_equal(o.glimpse_user, "me");
    assert_string_equal(o.glimpse_password, "pw");
    assert_true(
        parse(&o, LINE "--port net_memif0 --ip 10.0.0.1 --rerequest-on-port 5 --vlan 141 --core 1",
              &err));
    assert_int_equal(o.link.ttl, 64);
    assert_int_equal(o.link.request_port, 5);
    assert_int_equal(o.link.vlan, 141);
    assert_int_equal(o.link.core, 1);
    assert_true(parse(&o, "--write day.itch", &err));
    assert_true(parse(&o, "--help", &err));
    assert_true(o.help);
}

static const struct {
    const char *line, *says;
} wrong[] = {
    {"", "line A is missing"},
    {LINE "--nonsense 1", "--nonsense: unknown"},
    {LINE LINE, "this line was given before"},
    {LINE "--se 1", "--se: unknown or ambiguous"},
    {LINE "--seed", "--seed: a value is missing"},
    {LINE "-x", "-x: unknown"},
    {LINE "day.itch", "day.itch: not an option; a file is given by --source"},
    {LINE "--symbols 0", "--symbols 0: a whole number from 1 to 65535"},
    {LINE "--symbols 65536", "--symbols 65536"},
    {LINE "--seed -1", "--seed -1"},
    {LINE "--seed 99999999999999999999", "--seed 99999999999999999999"},
    {LINE "--messages 1e6", "--messages 1e6"},
    {LINE "--mode fly", "--mode fly: replay, saturate or trade"},
    {LINE "--speed fast", "--speed fast"},
    {LINE "--speed x", "--speed x"},
    {LINE "--speed 0x", "--speed 0x"},
    {LINE "--speed -3x", "--speed -3x"},
    {LINE "--speed nanx", "--speed nanx"},
    {LINE "--rate 0", "--rate 0"},
    {LINE "--rate 5 --speed max", "--speed and --rate: one of them"},
    {LINE "--mode saturate --speed 2x", "--mode saturate: goes with"},
    {LINE "--session TOOLONGNAME", "--session TOOLONGNAME"},
    {LINE "--session a\"b", "--session"},
    {LINE "--session ,B", "--session ,B"},
    {"--line 239.1.1.1:5", "--line 239.1.1.1:5: NAME=VALUE"},
    {"--line C=239.1.1.1:5", "--line C=239.1.1.1:5: NAME=VALUE"},
    {"--line A=239.1.1.1", "--line A=239.1.1.1: an address and a port"},
    {"--line A=239.1.1:5", "--line A=239.1.1:5"},
    {"--line A=239.1.1.1:0", "--line A=239.1.1.1:0"},
    {"--line A=239.1.1.1:5,nobody", "--line A=239.1.1.1:5,nobody"},
    {LINE "--line A2=239.1.1.1:5", "--line A2: there is no second channel"},
    {LINE "--channels 2", "line A2 is missing"},
    {LINE "--channels 3", "--channels 3"},
    {LINE "--channels 2 --line A2=239.1.1.2:1 --session A,A", "two different sessions"},
    {LINE "--loss A=2", "--loss A=2: a probability"},
    {LINE "--loss A=-0.1", "--loss A=-0.1"},
    {LINE "--loss A=0.1q", "'q' is too much"},
    {LINE "--loss B=0.1", "a fault of line B is given, but no --line B"},
    {LINE "--loss both2=0.1", "--loss both2: there is no second channel"},
    {LINE "--loss rerequest=0.1", "--loss rerequest: needs --rerequest"},
    {LINE "--duplicate both=0.1", "--duplicate both=0.1: NAME=VALUE"},
    {LINE "--reorder A=0.1,0", "--reorder 0"},
    {LINE "--reorder A=0.1,65", "--reorder 65"},
    {LINE "--skew-us A=5..4", "--skew-us 4"},
    {LINE "--vlan 5", "--vlan: needs --port"},
    {LINE "--ip 10.0.0.1", "--ip: is the address of a --port"},
    {LINE "--port x --ip 0.0.0.0", "--ip 0.0.0.0"},
    {LINE "--rerequest-on-port 5 --port x", "--rerequest-on-port: needs"},
    {LINE "--port a --port b --port c", "--port c"},
    {LINE "--port net_memif0,roel=server", "has no argument 'roel'; did you mean 'role'"},
    {LINE "--port a --interface lo", "--interface and --port: one of them"},
    {"--line A=10.0.0.1:5 --port x", "--line A: a DPDK port sends to multicast groups"},
    {LINE "--rerequest 5", "--rerequest 5"},
    {LINE "--glimpse 127.0.0.1:5,user", "--glimpse 127.0.0.1:5,user"},
    {LINE "--glimpse 127.0.0.1:5,longuser,x", "at most 6 and 10"},
    {LINE "--when-full perhaps", "--when-full perhaps"},
    {LINE "--idle never", "--idle never"},
    {LINE "--filter udp", "--filter: needs a capture"},
    {LINE "--store-mib 15", "--store-mib 15"},
    {LINE "--payload-max 1473", "--payload-max 1473"},
};

// Faults from another seed: the day stays the same.
static void seeds_of_faults(void **state)
{
#define TRADE LINE "--mode trade --orders 127.0.0.1:26400 --member a,b --seed 5 "
    (void)state;
    struct options o;
    struct error err;
    assert_true(parse(&o, TRADE "--misbehave late=1%", &err));
    assert_int_equal(o.trade.seed, 5);
    assert_true(parse(&o, TRADE "--misbehave seed=9", &err));
    assert_int_equal(o.trade.seed, 9);
    assert_int_equal(o.generator.seed, 5);
    assert_false(parse(&o, TRADE "--misbehave seed=x", &err));
#undef TRADE
}

static void refused(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct options o;
        struct error err;
        if (parse(&o, wrong[i].line, &err))
            fail_msg("'%s' was accepted", wrong[i].line);
        assert_int_equal(err.code, EXIT_USAGE);
        if (!strstr(err.text, wrong[i].says))
            fail_msg("'%s' is answered by '%s', not '%s'", wrong[i].line, err.text, wrong[i].says);
    }
}

// Due times: exact over any length, cut silences, never backwards.
static void pace(void **state)
{
    (void)state;
    struct pace p = {.kind = PACE_RATE, .rate = 7};
    uint64_t due = 0;
    for (uint32_t i = 0; i <= 7000; i++)
        due = pace_next(&p, 0);
    assert_int_equal(due, 1000ull * 1000000000);
    p = (struct pace){.kind = PACE_RECORDED, .speed_1000 = 3000};
    pace_next(&p, 5000000000);
    for (uint64_t i = 1; i <= 3000; i++)
        due = pace_next(&p, 5000000000 + i);
    assert_int_equal(due, 1000);
    assert_int_equal(pace_next(&p, 1), 1000); // a source that goes back is not early
    p = (struct pace){.kind = PACE_RECORDED, .speed_1000 = 500, .idle_max_ns = 100};
    assert_int_equal(pace_next(&p, 11000000000000), 0);
    assert_int_equal(pace_next(&p, 11000000000040), 80);
    assert_int_equal(pace_next(&p, 34000000000000), 180);
    p = (struct pace){.kind = PACE_MAX};
    assert_int_equal(pace_next(&p, 1) + pace_next(&p, 1000000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted),
        cmocka_unit_test(seeds_of_faults),
        cmocka_unit_test(refused),
        cmocka_unit_test(pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
