// Stages of orders out of the events of the lanes.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controlplane/metrics/stages.h"

enum { HZ = 2000000000 };

struct world {
    struct event_log log;
    struct stages stages;
};

static int make(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_true(event_log_init(&w->log));
    w->log.epoch = 1;
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    event_log_free(&w->log);
    free(w);
    return 0;
}

static void log_add(struct world *w, const struct event *event)
{
    w->log.count++;
    w->log.records[w->log.count % EVENT_LOG_LEN] = (struct logged_event){
        .event = *event, .epoch = w->log.epoch, .number = w->log.count, .ring = EVENT_RING_TRADING};
}

static void decided(struct world *w, uint64_t sequence, enum refusal refusal)
{
    struct event event = {.sequence = sequence, .type = EVENT_DECISION};
    event.decision.started = 200; // 100 ns
    event.decision.gated = 300;   // + 50 ns
    event.decision.encoded = 440; // + 70 ns
    event.decision.refusal = (uint16_t)refusal;
    log_add(w, &event);
}

static void sent(struct world *w, uint64_t decision, uint32_t handed)
{
    struct event event = {.sequence = decision + 1, .type = EVENT_ORDER_SENT};
    event.order_sent.decision = decision;
    event.order_sent.handed = handed;
    log_add(w, &event);
}

static uint64_t samples(const struct world *w, enum stage stage)
{
    return histogram_samples(&w->stages.histograms[stage]);
}

static void test_stages(void **state)
{
    struct world *w = *state;
    decided(w, 1, REFUSAL_NONE);
    sent(w, 1, 5500); // 2.75 us, 2.53 us behind the frame
    stages_take(&w->stages, &w->log, HZ);
    const uint64_t want_ns[STAGES] = {100, 50, 70, 2750, 2750};
    const uint64_t want_ticks[STAGES] = {200, 100, 140, 5060, 5500};
    for (int i = 0; i < STAGES; i++) {
        assert_int_equal(samples(w, (enum stage)i), 1);
        assert_int_equal(histogram_quantile_ns(&w->stages.histograms[i], 0.5), want_ns[i]);
        assert_int_equal(w->stages.histograms[i].max_ticks, want_ticks[i]);
    }
    stages_take(&w->stages, &w->log, HZ); // nothing new
    assert_int_equal(samples(w, STAGE_ORDER), 1);
}

static void test_refused(void **state)
{
    struct world *w = *state;
    decided(w, 1, REFUSAL_POSITION);
    stages_take(&w->stages, &w->log, HZ);
    assert_int_equal(samples(w, STAGE_GATE), 1);
    assert_int_equal(samples(w, STAGE_ENCODE), 0);
    sent(w, 1, 600); // contradicts itself: the way as a whole is counted, its last stage is not
    stages_take(&w->stages, &w->log, HZ);
    assert_int_equal(samples(w, STAGE_ORDER), 1);
    assert_int_equal(samples(w, STAGE_SEND), 0);
}

// Stamps that go backwards, a lane that cannot be, a decision nobody saw.
static void test_nonsense(void **state)
{
    struct world *w = *state;
    struct event event = {.sequence = 9, .type = EVENT_DECISION, .lane = 200};
    log_add(w, &event);
    event.lane = 0;
    event.decision.started = 1000;
    log_add(w, &event);
    sent(w, 12345, 100);
    sent(w, 0, 100);
    stages_take(&w->stages, &w->log, HZ);
    assert_int_equal(samples(w, STAGE_DECIDE), 1);
    assert_int_equal(w->stages.histograms[STAGE_GATE].max_ticks, 0);
    assert_int_equal(samples(w, STAGE_SEND), 0);
    assert_int_equal(samples(w, STAGE_ORDER), 2);
}

static void test_overtaken(void **state)
{
    struct world *w = *state;
    for (uint32_t i = 0; i < EVENT_LOG_LEN + 10; i++)
        decided(w, i + 1, REFUSAL_NONE);
    stages_take(&w->stages, &w->log, HZ);
    assert_int_equal(w->stages.missed, 10);
    assert_int_equal(samples(w, STAGE_DECIDE), EVENT_LOG_LEN);
}

static void test_another_instance(void **state)
{
    struct world *w = *state;
    decided(w, 1, REFUSAL_NONE);
    stages_take(&w->stages, &w->log, HZ);
    w->log.epoch = 2;
    sent(w, 1, 500); // its decision 1 is not the one that was seen
    stages_take(&w->stages, &w->log, HZ);
    assert_int_equal(samples(w, STAGE_DECIDE), 0);
    assert_int_equal(samples(w, STAGE_ORDER), 1);
    assert_int_equal(samples(w, STAGE_SEND), 0);
}

// A bucket keeps the newest order whose trace is told.
static void test_exemplars(void **state)
{
    struct world *w = *state;
    uint32_t kept = 0;
    decided(w, 6, REFUSAL_NONE);
    sent(w, 6, 5500);
    stages_take(&w->stages, &w->log, HZ);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        kept += w->stages.exemplars[i].key.sequence != 0;
    assert_int_equal(kept, 0); // nobody tells traces
    w->stages.traced = true;
    w->stages.one_in = 4;
    for (uint64_t decision = 9; decision < 15; decision += 2) { // 9, 11, 13: none is one in 4
        decided(w, decision, REFUSAL_NONE);
        sent(w, decision, decision == 11 ? 8000 : 500); // 4 us: late, so it is told
    }
    decided(w, 16, REFUSAL_NONE);
    sent(w, 16, 500);
    stages_take(&w->stages, &w->log, HZ);
    uint64_t keys[2] = {0};
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (w->stages.exemplars[i].key.sequence)
            keys[kept++ % 2] = w->stages.exemplars[i].key.sequence;
    assert_int_equal(kept, 2);
    assert_int_equal(keys[0], 16);
    assert_int_equal(keys[1], 11);
}

static void kill_event(struct kill_watch *k, uint16_t type, uint8_t lane, uint64_t utc_ns,
                       uint32_t handed)
{
    struct logged_event logged = {.utc_ns = utc_ns, .event = {.type = type, .lane = lane}};
    if (type == EVENT_ORDER_SENT)
        logged.event.order_sent.handed = handed;
    kill_watch_event(k, &logged, HZ);
}

// The stopwatch: orders before, between and after, on two lanes.
static void test_kill_watch(void **state)
{
    (void)state;
    struct kill_watch k = {0};
    kill_event(&k, EVENT_ORDER_SENT, 0, 1000, 2000); // leaves at 2000
    kill_event(&k, EVENT_ORDER_SENT, 1, 10400, 400); // at 10600, seen before the kill is
    kill_watch_ask(&k, 10500, 20000);
    assert_int_equal(k.asked_ns, 10500);
    assert_int_equal(k.last_order_ns, 10600);
    kill_event(&k, EVENT_ORDER_SENT, 0, 10900, 200); // at 11000
    kill_event(&k, EVENT_KILL, 0, 11500, 0);
    kill_event(&k, EVENT_KILL, 1, 11200, 0);
    assert_int_equal(k.noticed, 3);
    assert_int_equal(k.noticed_ns, 11500);
    kill_event(&k, EVENT_ORDER_SENT, 0, 90000, 0); // somebody resumed
    assert_int_equal(k.last_order_ns, 11000);
    kill_event(&k, EVENT_KILL, 200, 1, 0);
    kill_watch_ask(&k, 5, UINT64_C(1000000000000)); // long ago: now counts
    assert_int_equal(k.asked_ns, UINT64_C(1000000000000));
    kill_watch_ask(&k, UINT64_C(2000000000000), UINT64_C(1000000000000)); // to come
    assert_int_equal(k.asked_ns, UINT64_C(1000000000000));
    assert_int_equal(k.kills, 3);
}

static void direct_event(struct kill_watch *k, uint8_t lane, uint64_t utc_ns)
{
    const struct logged_event logged = {
        .utc_ns = utc_ns,
        .event = {.type = EVENT_KILL, .lane = lane, .kill = {.asker = KILL_BY_DIRECT}}};
    kill_watch_event(k, &logged, HZ);
}

// Past the control plane: told of before the lanes, behind them, or never.
static void test_kill_watch_direct(void **state)
{
    (void)state;
    struct kill_watch k = {0};
    kill_event(&k, EVENT_ORDER_SENT, 0, 1000, 400); // at 1200
    direct_event(&k, 0, 2000);
    assert_true(k.direct && k.asked_ns == 2000 && k.kills == 1);
    direct_event(&k, 1, 2300);
    assert_true(k.kills == 1 && k.noticed == 3 && k.noticed_ns == 2300);
    assert_int_equal(k.last_order_ns, 0);
    kill_watch_told(&k, 900, 5000);
    assert_true(k.kills == 1 && k.asked_ns == 900 && k.noticed_ns == 2300);
    assert_int_equal(k.last_order_ns, 1200);
    direct_event(&k, 0, 9000); // the next
    assert_true(k.kills == 2 && k.asked_ns == 9000 && k.noticed == 1);
    kill_watch_ask(&k, 10000, 10000); // an operator's; what a direct one says is another
    kill_event(&k, EVENT_KILL, 0, 10100, 0);
    assert_true(k.kills == 3 && k.noticed == 1 && !k.direct);
    kill_watch_told(&k, 20000, 20001);
    direct_event(&k, 1, 20100);
    assert_true(k.kills == 4 && k.asked_ns == 20000 && k.noticed == 2 && k.noticed_ns == 20100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, end)
    const struct CMUnitTest tests[] = {TEST(test_stages),
                                       TEST(test_refused),
                                       TEST(test_nonsense),
                                       TEST(test_overtaken),
                                       TEST(test_another_instance),
                                       TEST(test_exemplars),
                                       cmocka_unit_test(test_kill_watch),
                                       cmocka_unit_test(test_kill_watch_direct)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
