// The tables describe their structs: every word named once, every event field inside its record;
// histogram edges.
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/abi/counters.h"
#include "dataplane/abi/events.h"
#include "dataplane/abi/histograms.h"
#include "dataplane/abi/quality.h"

static const size_t scope_len[SCOPES] = {
    [SCOPE_LANE] = sizeof(struct lane_counters),
    [SCOPE_CHANNEL] = sizeof(struct channel_counters),
    [SCOPE_LINE] = sizeof(struct line_counters),
    [SCOPE_PORT] = sizeof(struct port_counters),
    [SCOPE_POOL] = sizeof(struct pool_counters),
    [SCOPE_MAIN] = sizeof(struct main_counters),
    [SCOPE_DESK] = sizeof(struct trade_counters),
    [SCOPE_SESSION] = sizeof(struct order_session_counters),
    [SCOPE_STRATEGY] = sizeof(struct strategy_counters),
    [SCOPE_ACCOUNT] = sizeof(struct account_counters),
    [SCOPE_CLIENT] = sizeof(struct client_counters),
    [SCOPE_CONNECTION] = sizeof(struct connection_counters),
    [SCOPE_SIGNAL] = sizeof(struct signal_counters),
};

static void test_counters(void **state)
{
    (void)state;
    uint32_t next[SCOPES] = {0};
    for (uint32_t i = 0; i < counter_count; i++) {
        const struct counter_info *info = &counter_table[i];
        assert_true(info->scope < SCOPES);
        assert_true(info->kind <= COUNTER_PEAK);
        assert_int_equal(info->offset, next[info->scope]);
        next[info->scope] += sizeof(uint64_t);
        assert_true(strlen(info->help) > 5);
        for (uint32_t k = 0; k < i; k++)
            if (counter_table[k].scope == info->scope)
                assert_string_not_equal(counter_table[k].name, info->name);
    }
    for (uint32_t scope = 0; scope < SCOPES; scope++) {
        assert_true(next[scope] > 0);
        assert_int_equal(scope_len[scope] % 64, 0);
        assert_true(scope_len[scope] - next[scope] < 64);
    }
}

static void test_events(void **state)
{
    (void)state;
    assert_null(event_info(EVENT_NONE));
    assert_null(event_info(EVENT_TYPES));
    assert_null(event_info(UINT16_MAX));
    for (uint16_t type = 1; type < EVENT_TYPES; type++) {
        const struct event_info *info = event_info(type);
        assert_non_null(info);
        assert_non_null(info->name);
        assert_true(info->field_count > 0);
        assert_true(info->ring < EVENT_RING_KINDS);
        for (uint32_t i = 0; i < info->field_count; i++) {
            assert_true(info->fields[i].offset >= offsetof(struct event, payload));
            assert_true(info->fields[i].len > 0);
            assert_true(info->fields[i].offset + info->fields[i].len <= sizeof(struct event));
        }
    }
    assert_string_equal(event_info(EVENT_GAP_OPEN)->name, "GAP_OPEN");
    assert_string_equal(event_info(EVENT_GAP_LOST)->fields[0].name, "from");
    assert_int_equal(event_info(EVENT_GAP_LOST)->fields[1].offset, offsetof(struct event, gap.to));
}

static void test_qualities(void **state)
{
    (void)state;
    assert_string_equal(quality_name(QUALITY_GOOD), "good");
    assert_string_equal(quality_name(QUALITY_SUSPECT), "suspect");
    assert_string_equal(quality_name(QUALITIES), "?");
    assert_true(QUALITY_SUSPECT > QUALITY_RECOVERING && QUALITY_RECOVERING > QUALITY_STALE);
}

static uint32_t bucket_of(uint64_t ticks)
{
    struct histogram h = {0};
    histogram_record(&h, ticks);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (h.bucket[i]) {
            assert_int_equal(histogram_samples(&h), 1);
            assert_int_equal(h.sum_ticks, ticks);
            assert_int_equal(h.max_ticks, ticks);
            return i;
        }
    fail();
    return 0;
}

static void test_edges(void **state)
{
    (void)state;
    bool alarm_line = false;
    histogram_edges_init(2000000000);
    for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
        uint64_t ns = histogram_edges_ns[i];
        assert_true(i == 0 || ns > histogram_edges_ns[i - 1]);
        assert_int_equal(bucket_of(2 * ns), i); // at the edge: in
        assert_int_equal(bucket_of(2 * ns + 1), i + 1);
        alarm_line |= ns == 2750;
    }
    assert_true(alarm_line);
    assert_int_equal(histogram_edges_ns[HISTOGRAM_BUCKETS - 1], UINT64_MAX);
    assert_int_equal(bucket_of(0), 0);
    assert_int_equal(bucket_of(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
    // Every clock there is keeps the edges in order; a tick that straddles an edge counts above it.
    const uint64_t clocks[] = {1000000000, 1996800000, 2894561000, 5200000000};
    for (size_t c = 0; c < sizeof clocks / sizeof clocks[0]; c++) {
        histogram_edges_init(clocks[c]);
        for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++)
            for (int delta = -1; delta <= 1; delta++) {
                uint64_t ticks =
                    (uint64_t)((unsigned __int128)histogram_edges_ns[i] * clocks[c] / 1000000000) +
                    (uint64_t)delta;
                unsigned __int128 ns_scaled = (unsigned __int128)ticks * 1000000000;
                uint32_t want = 0;
                while (want + 1 < HISTOGRAM_BUCKETS &&
                       ns_scaled > (unsigned __int128)histogram_edges_ns[want] * clocks[c])
                    want++;
                assert_int_equal(bucket_of(ticks), want);
            }
    }
}

static void test_quantiles(void **state)
{
    (void)state;
    histogram_edges_init(1000000000);
    struct histogram h = {0};
    assert_int_equal(histogram_quantile_ns(&h, 0.5), 0);
    for (uint64_t i = 0; i < 90; i++)
        histogram_record(&h, 55);
    for (uint64_t i = 0; i < 9; i++)
        histogram_record(&h, 2750);
    histogram_record(&h, 5000000);
    assert_int_equal(histogram_quantile_ns(&h, 0.5), 60);
    assert_int_equal(histogram_quantile_ns(&h, 0.9), 60);
    assert_int_equal(histogram_quantile_ns(&h, 0.91), 2750);
    assert_int_equal(histogram_quantile_ns(&h, 0.99), 2750);
    assert_int_equal(histogram_quantile_ns(&h, 1.0), 5000000);
}

static void test_histogram_table(void **state)
{
    (void)state;
    uint32_t next[SCOPES] = {0};
    for (uint32_t i = 0; i < histogram_count; i++) {
        assert_int_equal(histogram_table[i].offset, next[histogram_table[i].scope]);
        next[histogram_table[i].scope] += sizeof(struct histogram);
    }
    assert_int_equal(next[SCOPE_LANE], sizeof(struct lane_histograms));
    assert_int_equal(next[SCOPE_CHANNEL], sizeof(struct channel_histograms));
    assert_int_equal(next[SCOPE_LINE], sizeof(struct line_histograms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters),  cmocka_unit_test(test_events),
        cmocka_unit_test(test_qualities), cmocka_unit_test(test_edges),
        cmocka_unit_test(test_quantiles), cmocka_unit_test(test_histogram_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
