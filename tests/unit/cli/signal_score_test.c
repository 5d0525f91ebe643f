// Forecasts held to prices: what counts, what does not, and the sums; against a slow model too.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controlplane/cli/signal_score.h"
#include "tests/lib/journal_rig.h"

enum { SYMBOLS = 4, MS = 1000000 };
enum { DID_FILL = 1 << 2, DID_BREAK = 1 << 3 }; // of ORDER events

static struct score score; // large: not on the stack

static int setup(void **state)
{
    (void)state;
    assert_true(score_init(&score, SYMBOLS, true, 10 * MS));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    score_free(&score);
    return 0;
}

static void test_changes(void **state)
{
    (void)state;
    const struct score_source *r = &score.sources[0];
    score_price(&score, 1, 1000000, 0);
    assert_true(score_signal(&score, "model", "AAPL", 1, 300, 1 * MS, 5 * MS)); // due at 6
    score_price(&score, 1, 1000900, 5 * MS);                                    // too early
    assert_int_equal(r->scored, 0);
    score_price(&score, 2, 1, 6 * MS); // of another symbol
    assert_int_equal(r->scored, 0);
    score_price(&score, 1, 1000200, 6 * MS);
    assert_true(r->signals == 1 && r->scored == 1 && r->unpriced == 0);
    assert_true(r->error == 100 && r->error_size == 100 && r->error_square == 10000);
    assert_true(r->change_size == 200 && r->direction == 1 && r->right == 1);
    assert_true(score_signal(&score, "model", "AAPL", 1, -50, 6 * MS, 0)); // due at once
    score_price(&score, 1, 1000240, 6 * MS);
    assert_true(r->scored == 2 && r->error == 100 - 90 && r->error_size == 190);
    assert_true(r->direction == 2 && r->right == 1);
    assert_true(score_signal(&score, "model", "AAPL", 1, 0, 7 * MS, 0)); // has no direction
    score_price(&score, 1, 1000250, 8 * MS);
    assert_true(r->scored == 3 && r->direction == 2);
}

static void test_prices(void **state)
{
    (void)state;
    score.change = false;
    score_price(&score, 0, 500, 0);
    assert_true(score_signal(&score, "model", "X", 0, 480, 0, MS));
    score_price(&score, 0, 470, MS);
    assert_true(score.sources[0].error == 10 && score.sources[0].change_size == 30);
    assert_true(score.sources[0].right == 1);
}

// Just soon enough, and one nanosecond later; before the first price; at the end; no such symbol.
static void test_what_does_not_count(void **state)
{
    (void)state;
    const struct score_source *r = &score.sources[0];
    assert_true(score_signal(&score, "m", "X", 3, 1, 0, MS)); // no price yet
    assert_int_equal(r->unpriced, 1);
    score_price(&score, 3, 100, 1 * MS);
    assert_true(score_signal(&score, "m", "X", 3, 1, 1 * MS, 0));
    score_price(&score, 3, 101, 11 * MS);
    assert_true(r->scored == 1 && r->unpriced == 1);
    assert_true(score_signal(&score, "m", "X", 3, 1, 20 * MS, 0));
    score_price(&score, 3, 101, 30 * MS + 1);
    assert_true(r->scored == 1 && r->unpriced == 2);
    assert_true(score_signal(&score, "m", "X", 3, 1, 31 * MS, UINT64_MAX));
    assert_true(score_signal(&score, "m", "X", 3, 1, 31 * MS, MS));
    score_cut(&score);
    assert_true(r->scored == 1 && r->unpriced == 4);
    assert_true(score_signal(&score, "m", "X", 3, 1, 32 * MS, 0)); // the price is gone as well
    assert_true(score_signal(&score, "m", "X", SYMBOLS, 1, 32 * MS, 0));
    assert_true(r->unpriced == 6 && r->signals == 7);
    score_price(&score, SYMBOLS, 1, 40 * MS);
    score_price(&score, 3, 0, 40 * MS); // no price
    assert_int_equal(score.by_symbol[3].price, 0);
}

static void test_sources_are_bounded(void **state)
{
    char name[16];
    (void)state;
    for (int i = 0; i < SCORE_SOURCES_MAX + 3; i++) {
        snprintf(name, sizeof name, "m%d", i);
        assert_true(score_signal(&score, name, "X", 0, 1, 0, 0));
    }
    assert_int_equal(score.count, SCORE_SOURCES_MAX);
    assert_int_equal(score.left_out, 3);
    assert_true(score_signal(&score, "m7", "X", 0, 1, 0, 0));
    assert_int_equal(score.sources[7].signals, 2);
}

// --- against a model that looks at everything ---

struct forecast {
    uint64_t due_ns;
    int64_t forecast, base;
    bool over;
};

// Horizons in any order, many at a time: the heap gives each the first price that fits.
static void test_like_a_slow_model(void **state)
{
    enum { STEPS = 4000 };
    static struct forecast model[STEPS];
    uint64_t random = 88172645463325252u, now = 0, scored = 0, unpriced = 0;
    int64_t error = 0, price = 0;
    uint32_t count = 0;
    (void)state;
    for (int i = 0; i < STEPS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        now += random % (3 * MS);
        if (random >> 20 & 1 && price) {
            const int64_t value = (int64_t)(random >> 24 & 255) - 128;
            const uint64_t horizon = (random >> 33) % (40 * MS);
            assert_true(score_signal(&score, "m", "X", 0, value, now, horizon));
            model[count++] = (struct forecast){now + horizon, price + value, price, false};
            continue;
        }
        price = 1000 + (int64_t)(random >> 40 & 511);
        score_price(&score, 0, (uint32_t)price, now);
        for (uint32_t k = 0; k < count; k++) {
            struct forecast *m = &model[k];
            if (m->over || m->due_ns > now)
                continue;
            m->over = true;
            scored += now - m->due_ns <= 10 * MS;
            unpriced += now - m->due_ns > 10 * MS;
            error += now - m->due_ns <= 10 * MS ? m->forecast - price : 0;
        }
    }
    assert_true(scored > 100 && count > 1000);
    assert_int_equal(score.sources[0].scored, scored);
    assert_int_equal(score.sources[0].unpriced, unpriced);
    assert_true(score.sources[0].error == (double)error);
}

// --- from a journal ---

static void event_put(struct journal_rig *g, struct event event, uint64_t ms)
{
    event.sequence = ++g->sent;
    event.tsc = ms * MS; // the instance's clock has nanoseconds
    assert_true(journal_event(&g->journal, 0, EVENT_RING_TRADING, &event, g->sent, g->now_ns));
}

static void decision_put(struct journal_rig *g, uint64_t ms, uint32_t bid, uint32_t ask,
                         enum quality quality)
{
    struct event event = {.type = EVENT_DECISION};
    event.decision.instrument = 1;
    event.decision.bid = bid;
    event.decision.ask = ask;
    event.decision.quality = (uint8_t)quality;
    event_put(g, event, ms);
}

static void signal_put(struct journal_rig *g, uint64_t ms, int64_t value, uint32_t horizon_ms)
{
    struct event event = {.type = EVENT_SIGNAL};
    event.signal.instrument = 1;
    event.signal.source = 2;
    event.signal.horizon_ms = horizon_ms;
    event.signal.value_0 = 12345;
    event.signal.value_3 = value;
    event_put(g, event, ms);
}

static void instance_put(struct journal_rig *g, uint64_t epoch)
{
    const struct journal_instance instance = {.epoch = epoch, .clock = {.tsc_hz = 1000000000}};
    assert_true(journal_instance(&g->journal, &instance, g->now_ns));
    g->sent = 0;
}

static void test_journal(void **state)
{
    struct journal_rig g;
    struct error err = {0};
    (void)state;
    rig_make(&g);
    rig_open(&g, 1);
    instance_put(&g, 1);
    decision_put(&g, 1, 900, 1100, QUALITY_GOOD); // 1,000
    signal_put(&g, 2, -30, 5);                    // 970 at 7
    decision_put(&g, 8, 1, 3, QUALITY_SUSPECT);   // no price
    decision_put(&g, 9, 0, 900, QUALITY_GOOD);    // nor one
    struct event fill = {.type = EVENT_ORDER};
    fill.order.instrument = 1;
    fill.order.fill_shares = 1;
    fill.order.fill_price = 960;
    fill.order.did = DID_FILL;
    fill.order.exchange_ns = 14400 * UINT64_C(1000000000); // it counts from another midnight
    event_put(&g, fill, 10);
    signal_put(&g, 11, 7, 5);
    instance_put(&g, 2); // and nothing is known any more
    decision_put(&g, 17, 960, 960, QUALITY_GOOD);
    assert_true(journal_close(&g.journal));
    assert_true(score_journal(&score, g.directory, 3, &err));
    const struct score_source *r = &score.sources[0];
    assert_int_equal(score.count, 1);
    assert_string_equal(r->source, "2");
    assert_string_equal(r->symbol, "1");
    assert_true(r->signals == 2 && r->scored == 1 && r->unpriced == 1);
    assert_true(r->error == 10 && r->change_size == 40 && r->right == 1);
    rig_remove(&g);
    assert_false(score_journal(&score, g.directory, 0, &err));
    assert_non_null(strstr(err.text, g.directory));
}

// A correction, and what was read again or broken before it was told, is of an execution that lies
// behind: no price of now.
static void test_old_executions_are_no_price(void **state)
{
    struct journal_rig g;
    struct error err = {0};
    (void)state;
    rig_make(&g);
    rig_open(&g, 1);
    instance_put(&g, 1);
    decision_put(&g, 1, 1000, 1000, QUALITY_GOOD);
    signal_put(&g, 2, 0, 5); // 1,000 at 7
    struct event fill = {.type = EVENT_ORDER};
    fill.order.instrument = 1;
    fill.order.fill_shares = 1;
    fill.order.fill_price = 500; // of this morning
    fill.order.broken_shares = 1;
    fill.order.broken_price = 501;
    fill.order.did = DID_FILL | DID_BREAK;
    event_put(&g, fill, 8);
    fill.order.did = DID_FILL;
    fill.order.exchange_ns = 1700 * UINT64_C(1000000000); // read again
    event_put(&g, fill, 8);
    decision_put(&g, 9, 1000, 1000, QUALITY_GOOD);
    assert_true(journal_close(&g.journal));
    assert_true(score_journal(&score, g.directory, 3, &err));
    const struct score_source *r = &score.sources[0];
    assert_true(r->scored == 1 && r->error == 0);
    rig_remove(&g);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_changes),
        TEST(test_prices),
        TEST(test_what_does_not_count),
        TEST(test_sources_are_bounded),
        TEST(test_like_a_slow_model),
        TEST(test_journal),
        TEST(test_old_executions_are_no_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
