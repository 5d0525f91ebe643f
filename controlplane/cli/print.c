// Answers as tables.
#include <inttypes.h>
#include <string.h>

#include "controlplane/cli/command.h"
#include "controlplane/cli/table.h"

static const char *text_at(const json_t *object, const char *path, enum column_kind kind,
                           char text[128])
{
    return value_text(value_at(object, path), kind, text, 128);
}

static void pair(FILE *out, const json_t *object, const char *title, const char *path,
                 enum column_kind kind)
{
    char text[128];
    fprintf(out, "%-16s %s\n", title, text_at(object, path, kind, text));
}

void print_status(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"channel", "channel", COLUMN_TEXT},
                                            {"lane", "lane", COLUMN_TEXT},
                                            {"quality", "quality", COLUMN_TEXT},
                                            {"messages", "messages", COLUMN_COUNT},
                                            {"per second", "messages_per_s", COLUMN_COUNT},
                                            {"gaps", "gaps", COLUMN_COUNT},
                                            {"lost", "lost_messages", COLUMN_COUNT},
                                            {"symbols", "symbols", COLUMN_COUNT},
                                            {"suspect", "symbols_suspect", COLUMN_COUNT},
                                            {"orders", "orders_live", COLUMN_COUNT},
                                            {0}};
    (void)options;
    pair(out, result, "node", "node", COLUMN_TEXT);
    pair(out, result, "state", "state", COLUMN_TEXT);
    pair(out, result, "version", "version", COLUMN_TEXT);
    pair(out, result, "pid", "pid", COLUMN_COUNT);
    pair(out, result, "started", "started", COLUMN_TEXT);
    pair(out, result, "uptime s", "uptime_s", COLUMN_COUNT);
    pair(out, result, "heartbeat ms", "heartbeat_age_ms", COLUMN_COUNT);
    pair(out, result, "configuration", "config_hash", COLUMN_TEXT);
    pair(out, result, "region", "region", COLUMN_TEXT);
    pair(out, result, "memory", "memory_bytes", COLUMN_BYTES);
    pair(out, result, "lanes", "lanes", COLUMN_COUNT);
    pair(out, result, "ports", "ports", COLUMN_COUNT);
    pair(out, result, "events", "events.trading", COLUMN_COUNT);
    pair(out, result, "events lost", "events.trading_lost", COLUMN_COUNT);
    pair(out, result, "journal", "journal.state", COLUMN_TEXT);
    if (json_is_string(json_object_get(json_object_get(result, "journal"), "why")))
        pair(out, result, "why", "journal.why", COLUMN_TEXT);
    if (json_integer_value(json_object_get(json_object_get(result, "journal"), "verify_records"))) {
        pair(out, result, "day verified", "journal.verified_records", COLUMN_COUNT);
        pair(out, result, "of records", "journal.verify_records", COLUMN_COUNT);
        pair(out, result, "in ms", "journal.verify_ms", COLUMN_COUNT);
    }
    pair(out, result, "its records", "journal.committed", COLUMN_COUNT);
    pair(out, result, "behind", "journal.behind_events", COLUMN_COUNT);
    pair(out, result, "commit p99 us", "journal.commit_p99_us", COLUMN_COUNT);
    pair(out, result, "store", "store.state", COLUMN_TEXT);
    pair(out, result, "store behind", "store.behind_records", COLUMN_COUNT);
    pair(out, result, "traces", "trace.state", COLUMN_TEXT);
    fputc('\n', out);
    table_print(out, columns, json_object_get(result, "channels"));
}

void print_version(FILE *out, const json_t *result, const json_t *options)
{
    (void)options;
    fprintf(out, "%-16s %s\n", "tickgate", TICKGATE_VERSION);
    pair(out, result, "control plane", "control_plane", COLUMN_TEXT);
    pair(out, result, "dataplane", "dataplane", COLUMN_TEXT);
    pair(out, result, "region", "region", COLUMN_TEXT);
    pair(out, result, "region hash", "region_hash", COLUMN_TEXT);
}

// Lines of all feeds, each with its channel's name.
static json_t *lines_of(const json_t *feeds)
{
    json_t *lines = json_array(), *feed, *line;
    size_t i, k;
    json_array_foreach(feeds, i, feed)
    {
        json_array_foreach(json_object_get(feed, "lines"), k, line)
        {
            json_t *row = json_copy(line);
            json_object_set(row, "channel", json_object_get(feed, "channel"));
            json_array_append_new(lines, row);
        }
    }
    return lines;
}

void print_feeds(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column channels[] = {{"channel", "channel", COLUMN_TEXT},
                                             {"protocol", "protocol", COLUMN_TEXT},
                                             {"lane", "lane", COLUMN_TEXT},
                                             {"quality", "quality", COLUMN_TEXT},
                                             {"next", "next_sequence", COLUMN_COUNT},
                                             {"messages", "messages", COLUMN_COUNT},
                                             {"per second", "messages_per_s", COLUMN_COUNT},
                                             {"gaps", "gaps", COLUMN_COUNT},
                                             {"missing", "gap_messages", COLUMN_COUNT},
                                             {"recovered", "recovered_messages", COLUMN_COUNT},
                                             {"lost", "lost_messages", COLUMN_COUNT},
                                             {"snapshots", "snapshots", COLUMN_COUNT},
                                             {"held", "held", COLUMN_COUNT},
                                             {"held peak", "held_peak", COLUMN_COUNT},
                                             {"recovery p50", "recovery.p50_ns", COLUMN_NS},
                                             {0}};
    static const struct column lines[] = {{"channel", "channel", COLUMN_TEXT},
                                          {"line", "line", COLUMN_TEXT},
                                          {"state", "state", COLUMN_TEXT},
                                          {"group", "group", COLUMN_TEXT},
                                          {"udp", "udp_port", COLUMN_COUNT},
                                          {"port", "port", COLUMN_TEXT},
                                          {"silent ms", "silent_ms", COLUMN_COUNT},
                                          {"packets", "packets", COLUMN_COUNT},
                                          {"used", "used", COLUMN_COUNT},
                                          {"duplicate", "duplicate", COLUMN_COUNT},
                                          {"late", "late", COLUMN_COUNT},
                                          {"lost", "lost_messages", COLUMN_COUNT},
                                          {"malformed", "malformed", COLUMN_COUNT},
                                          {"behind p50", "lag.p50_ns", COLUMN_NS},
                                          {"p99", "lag.p99_ns", COLUMN_NS},
                                          {"max", "lag.max_ns", COLUMN_NS},
                                          {0}};
    (void)options;
    const json_t *feeds = json_object_get(result, "feeds");
    json_t *rows = lines_of(feeds);
    table_print(out, channels, feeds);
    fputc('\n', out);
    table_print(out, lines, rows);
    json_decref(rows);
}

void print_lanes(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {
        {"lane", "lane", COLUMN_TEXT},
        {"core", "core", COLUMN_COUNT},
        {"node", "numa_node", COLUMN_COUNT},
        {"channels", "channels", COLUMN_WORDS},
        {"busy", "busy_permille", COLUMN_PERMILLE},
        {"frames", "frames", COLUMN_COUNT},
        {"per second", "frames_per_s", COLUMN_COUNT},
        {"foreign", "frames_foreign", COLUMN_COUNT},
        {"refused", "frames_refused", COLUMN_COUNT},
        {"frame to book p50", "frame_to_book.p50_ns", COLUMN_NS},
        {"p99", "frame_to_book.p99_ns", COLUMN_NS},
        {"p99.9", "frame_to_book.p999_ns", COLUMN_NS},
        {"max", "frame_to_book.max_ns", COLUMN_NS},
        {"longest poll", "poll_max_ns", COLUMN_NS},
        {0}};
    (void)options;
    table_print(out, columns, json_object_get(result, "lanes"));
}

static void print_buckets(FILE *out, const json_t *edges, const json_t *histogram)
{
    const json_t *buckets = json_object_get(histogram, "buckets");
    char name[128], instance[128];
    fprintf(out, "\n%s %s\n", text_at(histogram, "name", COLUMN_TEXT, instance),
            text_at(histogram, "histogram", COLUMN_TEXT, name));
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        json_int_t count = json_integer_value(json_array_get(buckets, i));
        const json_t *edge = json_array_get(edges, i);
        char text[128] = "more";
        if (edge)
            value_text(edge, COLUMN_NS, text, sizeof text);
        if (count)
            fprintf(out, "%s%10s  %" JSON_INTEGER_FORMAT "\n", edge ? "<= " : "   ", text, count);
    }
}

void print_latency(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"histogram", "histogram", COLUMN_TEXT},
                                            {"per", "scope", COLUMN_TEXT},
                                            {"channel", "channel", COLUMN_TEXT},
                                            {"name", "name", COLUMN_TEXT},
                                            {"samples", "summary.samples", COLUMN_COUNT},
                                            {"mean", "summary.mean_ns", COLUMN_NS},
                                            {"p50", "summary.p50_ns", COLUMN_NS},
                                            {"p90", "summary.p90_ns", COLUMN_NS},
                                            {"p99", "summary.p99_ns", COLUMN_NS},
                                            {"p99.9", "summary.p999_ns", COLUMN_NS},
                                            {"max", "summary.max_ns", COLUMN_NS},
                                            {"over 2.75us", "summary.over_2750_ns", COLUMN_COUNT},
                                            {0}};
    const json_t *histograms = json_object_get(result, "histograms");
    json_t *histogram;
    size_t i;
    table_print(out, columns, histograms);
    if (!json_is_true(json_object_get(options, "--buckets")))
        return;
    json_array_foreach(histograms, i, histogram)
    {
        if (json_integer_value(value_at(histogram, "summary.samples")))
            print_buckets(out, json_object_get(result, "edges_ns"), histogram);
    }
}

void print_counters(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {
        {"scope", "scope", COLUMN_TEXT},  {"channel", "channel", COLUMN_TEXT},
        {"name", "name", COLUMN_TEXT},    {"counter", "counter", COLUMN_TEXT},
        {"value", "value", COLUMN_COUNT}, {0}};
    bool all = json_is_true(json_object_get(options, "--all"));
    json_t *rows = json_array(), *instances, *instance, *value;
    const char *scope, *counter;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)result, scope, instances)
    {
        json_array_foreach(instances, i, instance)
        {
            json_object_foreach(json_object_get(instance, "counters"), counter, value)
            {
                if (!all && json_integer_value(value) == 0)
                    continue;
                json_t *row = json_object();
                json_object_set_new(row, "scope", json_string(scope));
                json_object_set(row, "channel", json_object_get(instance, "channel"));
                json_object_set(row, "name", json_object_get(instance, "name"));
                json_object_set_new(row, "counter", json_string(counter));
                json_object_set(row, "value", value);
                json_array_append_new(rows, row);
            }
        }
    }
    table_print(out, columns, rows);
    json_decref(rows);
}

void print_symbols(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"symbol", "symbol", COLUMN_TEXT},
                                            {"channel", "channel", COLUMN_TEXT},
                                            {"quality", "quality", COLUMN_TEXT},
                                            {"state", "trading_state", COLUMN_TEXT},
                                            {"bid shares", "bid_shares", COLUMN_COUNT},
                                            {"bid", "bid_price", COLUMN_PRICE},
                                            {"ask", "ask_price", COLUMN_PRICE},
                                            {"ask shares", "ask_shares", COLUMN_COUNT},
                                            {"spread", "spread", COLUMN_PRICE},
                                            {"last", "last_price", COLUMN_PRICE},
                                            {"volume", "volume", COLUMN_COUNT},
                                            {"changes", "changes", COLUMN_COUNT},
                                            {0}};
    (void)options;
    table_print(out, columns, json_object_get(result, "symbols"));
}

// Prices beyond it are refused. An estimate is ours, not the tape's.
static void band_print(FILE *out, const json_t *band)
{
    char source[128], low[128], high[128];
    if (!json_is_object(band))
        return;
    text_at(band, "source", COLUMN_TEXT, source);
    if (json_is_null(json_object_get(band, "low")))
        fprintf(out, "price band: %s\n", source);
    else
        fprintf(out, "price band: %s to %s, %s\n", text_at(band, "low", COLUMN_PRICE, low),
                text_at(band, "high", COLUMN_PRICE, high),
                strcmp(source, "estimated") == 0 ? "ESTIMATED" : "of the file of the day");
}

void print_book(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"orders", "bid.orders", COLUMN_COUNT},
                                            {"shares", "bid.shares", COLUMN_COUNT},
                                            {"bid", "bid.price", COLUMN_PRICE},
                                            {"ask", "ask.price", COLUMN_PRICE},
                                            {"shares", "ask.shares", COLUMN_COUNT},
                                            {"orders", "ask.orders", COLUMN_COUNT},
                                            {0}};
    char symbol[128], channel[128], quality[128], next[128];
    const json_t *bids = json_object_get(result, "bids"), *asks = json_object_get(result, "asks");
    json_t *rows = json_array();
    (void)options;
    for (size_t i = 0; i < json_array_size(bids) || i < json_array_size(asks); i++) {
        json_t *row = json_object();
        json_object_set(row, "bid", json_array_get(bids, i));
        json_object_set(row, "ask", json_array_get(asks, i));
        json_array_append_new(rows, row);
    }
    fprintf(out, "%s on %s, %s, before message %s\n",
            text_at(result, "symbol", COLUMN_TEXT, symbol),
            text_at(result, "channel", COLUMN_TEXT, channel),
            text_at(result, "quality", COLUMN_TEXT, quality),
            text_at(result, "next_sequence", COLUMN_COUNT, next));
    band_print(out, json_object_get(result, "band"));
    table_print(out, columns, rows);
    json_decref(rows);
}

void print_queue(FILE *out, const json_t *result, const json_t *options)
{
    (void)options;
    pair(out, result, "symbol", "symbol", COLUMN_TEXT);
    pair(out, result, "side", "side", COLUMN_TEXT);
    pair(out, result, "price", "price", COLUMN_PRICE);
    pair(out, result, "shares", "shares", COLUMN_COUNT);
    pair(out, result, "orders ahead", "orders_ahead", COLUMN_COUNT);
    pair(out, result, "shares ahead", "shares_ahead", COLUMN_COUNT);
    pair(out, result, "quality", "quality", COLUMN_TEXT);
}

void print_ports(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {{"port", "port", COLUMN_TEXT},
                                            {"driver", "driver", COLUMN_TEXT},
                                            {"link", "link", COLUMN_TEXT},
                                            {"mac", "mac", COLUMN_TEXT},
                                            {"address", "address", COLUMN_TEXT},
                                            {"node", "numa_node", COLUMN_COUNT},
                                            {"queues", "queues", COLUMN_COUNT},
                                            {"steering", "steering", COLUMN_TEXT},
                                            {"received", "rx_packets", COLUMN_COUNT},
                                            {"missed", "rx_missed", COLUMN_COUNT},
                                            {"errors", "rx_errors", COLUMN_COUNT},
                                            {"no buffer", "rx_nombuf", COLUMN_COUNT},
                                            {"sent", "tx_packets", COLUMN_COUNT},
                                            {0}};
    (void)options;
    table_print(out, columns, json_object_get(result, "ports"));
}

void print_memory(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column bill[] = {{"item", "item", COLUMN_TEXT},
                                         {"size", "bytes", COLUMN_BYTES},
                                         {"page", "page_bytes", COLUMN_BYTES},
                                         {"node", "numa_node", COLUMN_COUNT},
                                         {0}};
    static const struct column pools[] = {
        {"pool", "pool", COLUMN_TEXT},          {"buffers", "buffers", COLUMN_COUNT},
        {"free", "free", COLUMN_COUNT},         {"fewest free", "free_min", COLUMN_COUNT},
        {"failures", "failures", COLUMN_COUNT}, {0}};
    (void)options;
    json_t *rows = json_copy(json_object_get(result, "bill"));
    json_array_append_new(rows, json_pack("{s:s,s:O}", "item", "total", "bytes",
                                          json_object_get(result, "total_bytes")));
    table_print(out, bill, rows);
    json_decref(rows);
    fputc('\n', out);
    table_print(out, pools, json_object_get(result, "pools"));
}

void print_events(FILE *out, const json_t *result, const json_t *options)
{
    json_t *event, *value;
    const char *name;
    size_t i;
    (void)options;
    json_array_foreach(json_object_get(result, "events"), i, event)
    {
        char time[128], lane[128], what[128], field[128];
        fprintf(out, "%s  %-8s %-16s", text_at(event, "time", COLUMN_TEXT, time),
                text_at(event, "lane", COLUMN_TEXT, lane),
                text_at(event, "event", COLUMN_TEXT, what));
        json_object_foreach(json_object_get(event, "fields"), name, value)
        {
            fprintf(out, " %s=%s", name, value_text(value, COLUMN_COUNT, field, sizeof field));
        }
        fputc('\n', out);
    }
}

void print_filter(FILE *out, const json_t *result, const json_t *options)
{
    static const struct column columns[] = {
        {"channel", "channel", COLUMN_TEXT}, {"symbols", "symbols", COLUMN_COUNT}, {0}};
    (void)options;
    table_print(out, columns, json_object_get(result, "channels"));
}
