// Metrics out of the tables: names, units, formats, and the bound of what is scraped every second.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "controlplane/capture/capture.h"
#include "controlplane/metrics/metrics.h"
#include "tests/lib/rpc_rig.h"

struct world {
    struct fixture *rig;
    struct metric_text text;
};

static int world_make(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    void *rig;
    assert_non_null(w);
    setup(&rig);
    w->rig = rig;
    *state = w;
    return 0;
}

static int world_end(void **state)
{
    struct world *w = *state;
    void *rig = w->rig;
    metric_text_free(&w->text);
    teardown(&rig);
    free(w);
    return 0;
}

// The text with its terminating zero.
static const char *brief(struct world *w, bool open)
{
    w->text.open = open;
    metrics_brief(&w->text, &w->rig->control);
    assert_false(w->text.failed);
    assert_true(w->text.len < w->text.max);
    w->text.data[w->text.len] = 0;
    return w->text.data;
}

static const char *full(struct world *w)
{
    w->text.open = false;
    metrics_full(&w->text, &w->rig->control);
    assert_false(w->text.failed);
    assert_true(w->text.len < w->text.max);
    w->text.data[w->text.len] = 0;
    return w->text.data;
}

static void has(const char *text, const char *line)
{
    char wanted[256];
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (strstr(text, wanted) == NULL)
        fail_msg("no line '%s'", line);
}

static void test_names_and_units(void **state)
{
    struct world *w = *state;
    region_lane_counters(&w->rig->file.view, 0)->busy_ticks = 3000000000; // 1.5 s at 2 GHz
    region_lane_counters(&w->rig->file.view, 1)->poll_ticks_max = 5000;
    region_lane_counters(&w->rig->file.view, 1)->bytes = 77;
    const char *text = full(w);
    has(text, "tickgate_lane_busy_seconds_total{lane=\"lane0\"} 1.5");
    has(text, "tickgate_lane_poll_seconds_max{lane=\"lane1\"} 2.5e-06");
    has(text, "tickgate_lane_bytes_total{lane=\"lane1\"} 77");
    has(text, "tickgate_channel_messages_total{channel=\"itch\"} 60000");
    has(text, "tickgate_channel_quality{channel=\"deep\"} 4");
    has(text, "tickgate_line_packets_total{channel=\"itch\",line=\"A\"} 0");
    has(text, "tickgate_line_last_seen_timestamp_seconds{channel=\"itch\",line=\"A\"} 0");
    has(text, "tickgate_account_open_notional_dollars{account=\"MM\"} 1234.5678");
    has(text, "tickgate_strategy_seconds_total{strategy=\"quotes\"} 1e-05");
    has(text, "tickgate_desk_approved_total{lane=\"lane0\"} 40");
    has(text, "tickgate_refusals_total{reason=\"POSITION\"} 2");
    has(text, "tickgate_dataplane_up 1");
    has(text, "# TYPE tickgate_lane_busy_seconds_total counter");
    // MM: 30 shares of AAPL for 50 x 100 - 20 x 100, at (100.00 + 100.01) / 2.
    has(text, "tickgate_account_position_shares{account=\"MM\"} 30");
    has(text, "tickgate_account_cash_dollars{account=\"MM\"} -3000");
    has(text, "tickgate_account_realised_dollars{account=\"MM\"} 0");
    has(text, "tickgate_account_unrealised_dollars{account=\"MM\"} 0.15");
    has(text, "tickgate_account_profit_dollars{account=\"MM\"} 0.15");
    has(text, "tickgate_firm_profit_dollars -3012.695");
    has(text, "# TYPE tickgate_clock_synchronised gauge");
    has(text, "# TYPE tickgate_clock_max_error_seconds gauge");
    has(text, "tickgate_account_unpriced_positions{account=\"MM\"} 0");
}

// Every name once, in the characters that Prometheus takes.
static void test_names_differ(void **state)
{
    (void)state;
    char names[256][METRIC_NAME_LEN];
    assert_true(counter_count <= 256);
    for (uint32_t i = 0; i < counter_count; i++) {
        metric_counter_name(&counter_table[i], names[i]);
        assert_int_equal(strspn(names[i], "abcdefghijklmnopqrstuvwxyz0123456789_"),
                         strlen(names[i]));
        assert_null(strstr(names[i], "ticks"));
        assert_null(strstr(names[i], "price4"));
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(names[i], names[k]);
    }
}

static void test_alarm_edge(void **state)
{
    struct world *w = *state;
    struct histogram *h = &region_lane_histograms(&w->rig->file.view, 0)->frame_to_book;
    histogram_edges_init(2000000000);
    histogram_record(h, 5500); // 2.75 us: not above the line
    histogram_record(h, 5502);
    const char *text = brief(w, false);
    has(text, "tickgate_lane_frame_to_book_seconds_bucket{le=\"2e-06\"} 0");
    has(text, "tickgate_lane_frame_to_book_seconds_bucket{le=\"2.75e-06\"} 1");
    has(text, "tickgate_lane_frame_to_book_seconds_bucket{le=\"4e-06\"} 2");
    has(text, "tickgate_lane_frame_to_book_seconds_bucket{le=\"+Inf\"} 2");
    has(text, "tickgate_lane_frame_to_book_seconds_count 2");
    has(text, "tickgate_lane_frame_to_book_seconds_sum 5.501e-06");
    has(text, "tickgate_order_stage_seconds_bucket{stage=\"order\",le=\"2.75e-06\"} 0");
    text = full(w);
    has(text, "tickgate_lane_frame_to_book_seconds_bucket{lane=\"lane0\",le=\"2.75e-06\"} 1");
    has(text, "tickgate_lane_frame_to_book_seconds_bucket{lane=\"lane0\",le=\"1.0\"} 2");
}

// Nobody's thread: what it would tell.
static struct drain journal = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .shown = {.latency = {[0] = 1, [6] = 2, [7] = 3, [JOURNAL_LATENCIES - 1] = 4},
              .latency_ns = 5500000000}};

static void test_commits(void **state)
{
    struct world *w = *state;
    w->rig->control.drain = &journal;
    const char *text = full(w);
    has(text, "# TYPE tickgate_journal_commit_seconds histogram");
    has(text, "tickgate_journal_commit_seconds_bucket{le=\"1e-06\"} 1");
    has(text, "tickgate_journal_commit_seconds_bucket{le=\"3.2e-05\"} 1");
    has(text, "tickgate_journal_commit_seconds_bucket{le=\"6.4e-05\"} 3");
    has(text, "tickgate_journal_commit_seconds_bucket{le=\"0.000128\"} 6");
    has(text, "tickgate_journal_commit_seconds_bucket{le=\"1073.74182\"} 6");
    has(text, "tickgate_journal_commit_seconds_bucket{le=\"+Inf\"} 10");
    has(text, "tickgate_journal_commit_seconds_sum 5.5");
    has(text, "tickgate_journal_commit_seconds_count 10");
    w->rig->control.drain = NULL;
}

static struct capture capture = {.lock = PTHREAD_MUTEX_INITIALIZER};

// Every way in which something is missing in a capture is a counter.
static void test_capture(void **state)
{
    struct world *w = *state;
    assert_null(strstr(full(w), "tickgate_capture"));
    w->rig->control.capture = &capture;
    assert_null(strstr(full(w), "tickgate_capture")); // no dataplane that captures
    capture.shown.there = true;
    capture.shown.bytes = 900;
    capture.shown.behind = 8;
    capture.shown.seen.lanes = 2;
    for (uint32_t i = 0; i < 2; i++) {
        capture.shown.seen.lane[i].recording = true;
        capture.shown.seen.lane[i].lost = 1 + i;
        capture.shown.seen.lane[i].lost_frames = 10 + i;
        capture.shown.seen.lane[i].gaps = 3 * i;
        capture.shown.seen.lane[i].holes = 4 + i;
    }
    const char *text = full(w);
    has(text, "tickgate_capture_recording 1");
    has(text, "tickgate_capture_lost_turns_total 3");
    has(text, "tickgate_capture_lost_frames_total 21");
    has(text, "tickgate_capture_gaps_total 3");
    has(text, "tickgate_capture_holes_total 9");
    has(text, "tickgate_capture_bytes_total 900");
    has(text, "tickgate_capture_lag_bytes 8");
    capture.shown.error = ENOSPC;
    has(full(w), "tickgate_capture_recording 0");
    capture.shown.error = 0;
    w->rig->control.capture = NULL;
}

// Only in OpenMetrics, in the bucket where the order is.
static void test_exemplars(void **state)
{
    struct world *w = *state;
    struct stages *s = &w->rig->control.stages;
    s->histograms[STAGE_ORDER].bucket[0] = 1;
    s->exemplars[0] = (struct stage_exemplar){
        .key = {.epoch = 1, .lane = 2, .sequence = 3}, .ticks = 100, .utc_ns = 5000000000};
    has(brief(w, true), "tickgate_order_stage_seconds_bucket{stage=\"order\",le=\"1e-07\"} 1 # "
                        "{trace_id=\"00000000000000010200000000000003\"} 5e-08 5.000");
    has(brief(w, false), "tickgate_order_stage_seconds_bucket{stage=\"order\",le=\"1e-07\"} 1");
}

static void test_pools_and_kills(void **state)
{
    struct world *w = *state;
    region_pool_counters(&w->rig->file.view, 0)->failures = 25;
    region_port_counters(&w->rig->file.view, 0)->rx_packets = 75;
    const char *text = brief(w, false);
    has(text, "tickgate_kills_total 0");
    assert_null(strstr(text, "tickgate_kill_noticed_seconds"));
    assert_non_null(strstr(text, "\ntickgate_pool_efficiency_ratio{pool=\""));
    assert_non_null(strstr(text, "} 0.75\n"));
    struct kill_watch *k = &w->rig->control.stages.kills;
    kill_watch_ask(k, 1000000000, 2000000000);
    k->noticed_ns = 1500000000;
    text = brief(w, false);
    has(text, "tickgate_kills_total 1");
    has(text, "tickgate_kill_noticed_seconds 0.5");
    has(text, "tickgate_kill_last_order_seconds 0");
}

static void test_formats(void **state)
{
    struct world *w = *state;
    const char *text = brief(w, false);
    assert_null(strstr(text, "# EOF"));
    assert_null(strstr(text, "# UNIT"));
    has(text, "# TYPE tickgate_build_info gauge");
    text = brief(w, true);
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
    has(text, "# TYPE tickgate_lane_frames counter");
    has(text, "# TYPE tickgate_build info");
    has(text, "# UNIT tickgate_lane_busy_seconds seconds");
    assert_non_null(strstr(text, "\ntickgate_lane_frames_total{"));
}

static void test_escapes(void **state)
{
    struct world *w = *state;
    const struct metric_label labels[] = {{"name", "a\"b\\c\ne"}, {0}};
    w->text.open = false;
    metric_family(&w->text, METRIC_GAUGE, "x", "back\\slash \"and\"\nline");
    metric_count(&w->text, labels, 1);
    metric_real(&w->text, NULL, 0.5);
    static const char wanted[] = "# HELP x back\\\\slash \"and\"\\nline\n# TYPE x gauge\n"
                                 "x{name=\"a\\\"b\\\\c\\ne\"} 1\nx 0.5\n";
    assert_int_equal(w->text.len, sizeof wanted - 1);
    assert_memory_equal(w->text.data, wanted, sizeof wanted - 1);
    assert_int_equal(w->text.series, 2);
}

static void test_no_dataplane(void **state)
{
    struct world *w = *state;
    struct control control;
    assert_true(control_init(&control, "/tmp/there-is-no-such-region"));
    control_tick(&control, 1);
    metrics_full(&w->text, &control);
    w->text.data[w->text.len] = 0;
    has(w->text.data, "tickgate_dataplane_up 0");
    assert_null(strstr(w->text.data, "tickgate_lane_"));
    assert_true(w->text.series > 5);
    control_free(&control);
}

// --- the bound ---

static void name_all(const struct region_view *view)
{
    const struct region_shape *s = &view->shape;
    for (uint32_t i = 0; i < s->lanes; i++) {
        snprintf(region_lane_info(view, i)->name, NAME_LEN, "lane%u", i);
        for (uint32_t n = 0; n < REFUSALS; n++)
            region_refusal_counters(view, i)->count[n] = 1;
    }
    for (uint32_t i = 0; i < s->channels; i++) {
        snprintf(region_channel_info(view, i)->name, NAME_LEN, "channel%u", i);
        region_channel_info(view, i)->lines = s->channels <= 4 ? 1 : LINES_MAX;
        for (uint32_t k = 0; k < region_channel_info(view, i)->lines; k++)
            snprintf(region_line_info(view, i * CHANNEL_LINES + k)->name, NAME_LEN, "L%u", k);
    }
    for (uint32_t i = 0; i < s->ports; i++)
        snprintf(region_port_info(view, i)->name, NAME_LEN, "port%u", i);
    for (uint32_t i = 0; i < s->pools; i++)
        snprintf(region_pool_info(view, i)->name, NAME_LEN, "pool%u", i);
    for (uint32_t i = 0; i < s->accounts; i++)
        snprintf(region_account_info(view, i)->name, NAME_LEN, "account%u", i);
    for (uint32_t i = 0; i < s->order_sessions; i++) {
        snprintf(region_order_session_info(view, i)->name, NAME_LEN, "session%u", i);
        region_order_session_info(view, i)->lane = (uint8_t)(i & 1);
    }
    for (uint32_t i = 0; i < s->strategies; i++)
        snprintf(region_strategy_info(view, i)->name, NAME_LEN, "strategy%u", i);
}

// Series of a dataplane of that shape; <text> keeps what was written.
static uint32_t series_of(struct metric_text *text, const struct region_shape *shape)
{
    struct region_identity identity = region_file_identity();
    struct region_file file = {0};
    struct control control;
    region_file_make(&file, shape, &identity);
    name_all(&file.view);
    for (uint32_t i = 0; i < shape->channels; i++)
        region_channel_counters(&file.view, i)->quality = i % 3;
    for (uint32_t i = 0; i < shape->ports; i++)
        region_port_counters(&file.view, i)->link_up = i != 1;
    region_file_ready(&file);
    assert_true(control_init(&control, file.path));
    control_tick(&control, 1);
    kill_watch_ask(&control.stages.kills, 1, 2);
    control.drain = &journal;
    metrics_brief(text, &control);
    control.drain = NULL;
    assert_true(text->len < text->max);
    text->data[text->len] = 0;
    has(text->data, "tickgate_journal_records_total 0");
    control_free(&control);
    region_file_remove(&file);
    return text->series;
}

// A store and traces have these beside.
enum { DURABLE_SERIES = 2 + 2 };

static void test_bound(void **state)
{
    struct world *w = *state;
    struct region_shape shape = region_file_shape();
    shape.lanes = LANES_MAX;
    shape.channels = CHANNELS_MAX;
    shape.ports = PORTS_MAX;
    shape.pools = POOLS_MAX;
    shape.accounts = ACCOUNTS_MAX;
    shape.instruments = 3;
    shape.order_sessions = SESSIONS_MAX;
    shape.strategies = STRATEGIES_MAX;
    shape.positions = 16;
    for (uint32_t i = 0; i < CHANNELS_MAX; i++)
        shape.symbols[i] = 8;
    assert_in_range(series_of(&w->text, &shape), 100, METRICS_BRIEF_MAX - DURABLE_SERIES);
    // The worst rows and the sums of all.
    has(w->text.data, "tickgate_channel_quality 2");
    has(w->text.data, "tickgate_port_link_up 0");
    has(w->text.data, "tickgate_refusals_total{reason=\"KILLED\"} 16");
    // The most rows that are still shown one by one.
    shape.lanes = shape.channels = shape.ports = shape.pools = 4;
    shape.accounts = shape.order_sessions = 4;
    shape.strategies = 2;
    memset(shape.symbols + 4, 0, sizeof shape.symbols - 4 * sizeof shape.symbols[0]);
    assert_in_range(series_of(&w->text, &shape), 200, METRICS_BRIEF_MAX - DURABLE_SERIES);
    has(w->text.data, "tickgate_channel_quality{channel=\"channel3\"} 0");
    has(w->text.data, "tickgate_port_link_up{port=\"port1\"} 0");
    has(w->text.data, "tickgate_line_packets_total{channel=\"channel3\",line=\"recovery\"} 0");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)
    const struct CMUnitTest tests[] = {
        TEST(test_names_and_units), TEST(test_names_differ), TEST(test_alarm_edge),
        TEST(test_formats),         TEST(test_exemplars),    TEST(test_pools_and_kills),
        TEST(test_capture),         TEST(test_escapes),      TEST(test_no_dataplane),
        TEST(test_bound),           TEST(test_commits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
