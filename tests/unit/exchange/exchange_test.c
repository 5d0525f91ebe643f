// The whole exchange over a link that only records: what reaches each line is the day, but for the
// faults asked for.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "bench/exchange/exchange.h"
#include "tests/unit/exchange/model.h"

enum { RECORDED_MAX = 200000 };

struct recorded {
    uint64_t sequence;
    uint32_t count, length, sum;
    uint32_t hash; // of the payload
};

static struct {
    struct recorded *packets[LINK_ENDPOINTS];
    uint32_t count[LINK_ENDPOINTS], ends[LINK_ENDPOINTS], heartbeats[LINK_ENDPOINTS];
    uint64_t last_end;
    uint32_t refuse; // of 100 sends, so many take only a part
    uint32_t calls;
    uint32_t take_after; // packets are taken only so many calls later
    bool down;
    bool broken;
} fake;

static uint32_t hash_of(const uint8_t *p, uint32_t length)
{
    uint32_t h = 2166136261;
    for (uint32_t i = 0; i < length; i++)
        h = (h ^ p[i]) * 16777619;
    return h;
}

static uint32_t fake_send(struct link *l, const struct link_packet *packets, uint32_t count,
                          struct error *err)
{
    (void)l;
    if (fake.broken)
        return error_set(err, EXIT_FAILED, "the cable is cut"), 0;
    if (fake.calls++ < fake.take_after)
        return 0;
    if (fake.refuse && fake.calls % 100 < fake.refuse)
        count /= 2;
    for (uint32_t i = 0; i < count; i++) {
        const struct link_packet *p = &packets[i];
        uint16_t e = p->endpoint, messages = (uint16_t)model_int(p->payload + 18, 2);
        uint64_t sequence = model_int(p->payload + 10, 8);
        assert_int_equal(p->sum, store_sum(p->payload, p->length));
        if (messages == 0 && p->length == 20) {
            fake.heartbeats[e]++;
        } else if (messages == 0xffff) {
            fake.ends[e]++;
            fake.last_end = sequence;
        } else {
            assert_in_range(fake.count[e], 0, RECORDED_MAX - 1);
            fake.packets[e][fake.count[e]++] = (struct recorded){
                sequence, messages, p->length, p->sum, hash_of(p->payload, p->length)};
        }
    }
    return count;
}

static bool fake_up(struct link *l)
{
    (void)l;
    return !fake.down;
}

static void fake_close(struct link *l)
{
    memset(l, 0, sizeof *l);
}

static bool fake_open(struct link *l, const struct link_options *o, struct error *err)
{
    (void)o;
    (void)err;
    *l = (struct link){.send = fake_send, .up = fake_up, .close = fake_close, .wants_sums = true};
    snprintf(l->describe, sizeof l->describe, "fake");
    return true;
}

static int setup(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    for (uint32_t i = 0; i < LINK_ENDPOINTS; i++)
        fake.packets[i] = malloc(RECORDED_MAX * sizeof *fake.packets[i]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < LINK_ENDPOINTS; i++)
        free(fake.packets[i]);
    return 0;
}

static struct options options;
static struct exchange x;
static struct error err;

static void run_args(const char *text)
{
    static char buffer[512], name[] = "tickgate-exchange";
    char *argv[40] = {name};
    int argc = 1;
    snprintf(buffer, sizeof buffer, "--port fake --line A=239.1.1.1:1 --end-s 0 --idle poll %s",
             text);
    for (char *next, *word = strtok_r(buffer, " ", &next); word; word = strtok_r(NULL, " ", &next))
        argv[argc++] = word;
    err = (struct error){0};
    options_defaults(&options);
    if (!options_parse(&options, argc, argv, &err))
        fail_msg("%s", err.text);
}

// Runs an exchange with these arguments; everything but x's memory is there afterwards.
static bool run(const char *text)
{
    static const volatile int never = 0;
    run_args(text);
    for (uint32_t i = 0; i < LINK_ENDPOINTS; i++)
        fake.count[i] = fake.ends[i] = fake.heartbeats[i] = 0;
    bool done = exchange_open(&x, &options, fake_open, &err) && exchange_run(&x, &never, &err);
    return done;
}

static void must_run(const char *text)
{
    if (!run(text))
        fail_msg("%s", err.text);
}

// Each packet of a line follows the one before without a gap.
static void assert_whole(uint32_t endpoint, uint64_t messages)
{
    uint64_t next = 1;
    for (uint32_t i = 0; i < fake.count[endpoint]; i++) {
        assert_int_equal(fake.packets[endpoint][i].sequence, next);
        next += fake.packets[endpoint][i].count;
    }
    assert_int_equal(next, messages + 1);
}

#define DAY "--symbols 50 --live 1000 --messages 50000 "

static void both_lines_carry_the_day(void **state)
{
    (void)state;
    static const char *const ways[] = {DAY "--line B=239.1.1.2:1",
                                       DAY "--line B=239.1.1.2:1 --mode saturate",
                                       DAY "--line B=239.1.1.2:1 --rate 1000000",
                                       DAY "--line B=239.1.1.2:1 --speed 1000000x --idle-max-ms 1",
                                       DAY "--line B=239.1.1.2:1 --pack-messages 3",
                                       DAY
                                       "--line B=239.1.1.2:1 --payload-max 100 --skew-us B=5..50"};
    for (uint32_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        must_run(ways[i]);
        assert_int_equal(fake.count[0], fake.count[1]);
        assert_memory_equal(fake.packets[0], fake.packets[1],
                            fake.count[0] * sizeof *fake.packets[0]);
        assert_whole(0, 50000);
        assert_int_equal(x.channels[0].messages, 50000);
        assert_int_equal(x.channels[0].sent_next, 50001);
        assert_int_equal(x.channels[0].lines[0].counters.packets, fake.count[0]);
        exchange_close(&x);
    }
    // Full packets where nothing else is said, none above the size asked for.
    must_run(DAY);
    for (uint32_t i = 0; i + 1 < fake.count[0]; i++)
        assert_in_range(fake.packets[0][i].length, 1472 - 52, 1472);
    exchange_close(&x);
}

static uint64_t covered(const bool *seen, uint64_t messages)
{
    uint64_t n = 0;
    for (uint64_t i = 1; i <= messages; i++)
        n += seen[i];
    return n;
}

// What the summary says was done is what the lines show; a packet lost on both is in neither.
static void faults_are_counted_as_they_happen(void **state)
{
    (void)state;
    must_run(DAY "--pack-messages 10 --line B=239.1.1.2:1 --loss A=5% --loss B=10% --loss both=2% "
                 "--duplicate A=3% "
                 "--reorder B=4%,3");
    static bool seen[2][50001];
    memset(seen, 0, sizeof seen);
    uint64_t doubled = 0, behind = 0, highest = 0;
    for (uint32_t e = 0; e < 2; e++)
        for (uint32_t i = 0; i < fake.count[e]; i++) {
            const struct recorded *p = &fake.packets[e][i];
            doubled += e == 0 && seen[0][p->sequence];
            if (e == 1 && p->sequence < highest)
                behind++;
            if (e == 1 && p->sequence > highest)
                highest = p->sequence;
            for (uint32_t j = 0; j < p->count; j++)
                seen[e][p->sequence + j] = true;
        }
    const struct channel *c = &x.channels[0];
    const struct line_counters *a = &c->lines[0].counters, *b = &c->lines[1].counters;
    assert_int_equal(a->duplicated, doubled);
    assert_int_equal(a->packets, c->offered - a->lost + doubled);
    assert_int_equal(b->packets, c->offered - b->lost);
    assert_in_range(behind, b->reordered / 2, b->reordered); // some were held at the end of others
    assert_in_range(a->lost, c->offered * 5 / 100, c->offered * 9 / 100);
    assert_in_range(b->lost, c->offered * 9 / 100, c->offered * 15 / 100);
    uint64_t nowhere = 0;
    for (uint64_t i = 1; i <= 50000; i++)
        nowhere += !seen[0][i] && !seen[1][i];
    assert_int_equal(nowhere, c->lost_both * 10);
    assert_in_range(c->lost_both, c->offered * 2 / 100, c->offered * 4 / 100);
    assert_int_equal(50000 - covered(seen[0], 50000), a->lost * 10);
    exchange_close(&x);
}

static void two_runs_inject_the_same(void **state)
{
    (void)state;
    static const char faults[] =
        DAY "--rate 2000000 --line B=239.1.1.2:1 --loss A=5% --loss both=1% --duplicate B=3% "
            "--reorder B=4%,3 --skew-us A=0..200 --seed 99";
    must_run(faults);
    exchange_close(&x);
    struct recorded *first[2];
    uint32_t count[2];
    for (uint32_t e = 0; e < 2; e++) {
        count[e] = fake.count[e];
        first[e] = malloc(count[e] * sizeof *first[e]);
        memcpy(first[e], fake.packets[e], count[e] * sizeof *first[e]);
    }
    fake.refuse = 30; // a port that is full now and then changes nothing
    must_run(faults);
    exchange_close(&x);
    fake.refuse = 0;
    for (uint32_t e = 0; e < 2; e++) {
        assert_int_equal(fake.count[e], count[e]);
        assert_memory_equal(fake.packets[e], first[e], count[e] * sizeof *first[e]);
        free(first[e]);
    }
}

// Symbols are split between channels; every channel has the system events, its own numbers, and all
// of its symbols.
static void two_channels_share_the_symbols(void **state)
{
    (void)state;
    must_run(DAY "--channels 2 --line A2=239.1.1.2:1 --mode saturate --session ONE,TWO");
    struct generator *g = malloc(sizeof *g);
    uint8_t message[GENERATOR_MESSAGE_MAX];
    uint64_t expected[2] = {0};
    assert_true(generator_init(g, &options.generator, &err));
    while (generator_next(g, message)) {
        uint64_t locate = model_int(message + 1, 2);
        expected[0] += locate == 0 || locate % 2 == 1;
        expected[1] += locate == 0 || locate % 2 == 0;
    }
    generator_free(g);
    free(g);
    for (uint32_t i = 0; i < 2; i++) {
        assert_whole(i, expected[i]);
        assert_int_equal(x.channels[i].messages, expected[i]);
    }
    assert_memory_equal(x.channels[1].pack.session, "TWO       ", 10);
    exchange_close(&x);
}

static void a_full_port_loses_nothing_or_is_counted(void **state)
{
    (void)state;
    fake.refuse = 50;
    must_run(DAY "--pack-messages 5");
    assert_whole(0, 50000);
    assert_true(x.waits > 0);
    exchange_close(&x);
    must_run(DAY "--pack-messages 5 --when-full drop");
    const struct line_counters *c = &x.channels[0].lines[0].counters;
    assert_true(c->dropped > 0);
    assert_int_equal(c->packets + c->dropped, x.channels[0].offered);
    assert_int_equal(c->packets, fake.count[0]);
    exchange_close(&x);
    fake.refuse = 0;
}

static void nobody_there_is_said(void **state)
{
    (void)state;
    fake.down = true;
    assert_false(run(DAY "--wait-link-s 0"));
    assert_int_equal(err.code, EXIT_NOT_CONNECTED);
    assert_non_null(strstr(err.text, "fake: link is down"));
    exchange_close(&x);
    fake.down = false;
    fake.take_after = UINT32_MAX;
    assert_false(run(DAY "--wait-link-s 1"));
    assert_int_equal(err.code, EXIT_NOT_CONNECTED);
    assert_non_null(strstr(err.text, "no packet was taken for 1 s"));
    exchange_close(&x);
    fake.take_after = 0;
    fake.broken = true;
    assert_false(run(DAY));
    assert_string_equal(err.text, "the cable is cut");
    exchange_close(&x);
    fake.broken = false;
}

static void heartbeats_before_and_ends_after(void **state)
{
    (void)state;
    must_run(DAY "--start-delay-ms 60 --heartbeat-ms 20 --end-s 1 --line B=239.1.1.2:1");
    for (uint32_t e = 0; e < 2; e++) {
        assert_in_range(fake.heartbeats[e], 1, 6);
        assert_in_range(fake.ends[e], 2, 51);
    }
    assert_int_equal(fake.last_end, 50001);
    exchange_close(&x);
}

static void what_saturate_cannot_hold_is_refused(void **state)
{
    (void)state;
    assert_false(run("--symbols 50 --live 1000 --messages 5000000 --mode saturate --store-mib 16"));
    assert_non_null(strstr(err.text, "--mode saturate: 16 MiB are full after"));
    exchange_close(&x);
}

// A capture of MoldUDP64 goes out as it is, once, with its own session; other captures pass as they
// are.
static void captures_pass_as_they_are(void **state)
{
    (void)state;
    char path[512], line[600];
    const char *root = getenv("TICKGATE_SHARED");
    snprintf(path, sizeof path, "%s/data", root ? root : "../shared");
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is not at hand\n", path);
        skip();
    }
    snprintf(line, sizeof line, "--source %s/totalview-pcap/Multiple.Packets.pcap --speed max",
             path);
    must_run(line);
    assert_int_equal(fake.count[0], 2);
    assert_int_equal(fake.packets[0][1].sequence, 19009117);
    assert_int_equal(fake.packets[0][1].count, 38);
    assert_int_equal(x.channels[0].sent_next, 19009155);
    assert_memory_equal(x.channels[0].pack.session, "000010059B", 10);
    exchange_close(&x);
    snprintf(line, sizeof line, "--source %s/iex/deep_20231002.pcap.gz --speed max --loss A=1%%",
             path);
    must_run(line);
    assert_int_equal(x.channels[0].offered, 5000);
    assert_false(x.channels[0].numbered);
    assert_int_equal(x.channels[0].lines[0].counters.packets,
                     5000 - x.channels[0].lines[0].counters.lost);
    assert_int_equal(fake.ends[0], 0);
    exchange_close(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_lines_carry_the_day),
        cmocka_unit_test(faults_are_counted_as_they_happen),
        cmocka_unit_test(two_runs_inject_the_same),
        cmocka_unit_test(two_channels_share_the_symbols),
        cmocka_unit_test(a_full_port_loses_nothing_or_is_counted),
        cmocka_unit_test(nobody_there_is_said),
        cmocka_unit_test(heartbeats_before_and_ends_after),
        cmocka_unit_test(what_saturate_cannot_hold_is_refused),
        cmocka_unit_test(captures_pass_as_they_are),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
