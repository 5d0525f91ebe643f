// Size and offset of everything in the region against tests/golden/abi_layout.txt, and docs/abi.md
// against the tables it is made from. TICKGATE_GOLDEN=write writes both anew; the difference is
// then for the reviewer.
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "dataplane/abi/region.h"
#include "tests/lib/golden.h"

struct field {
    const char *name;
    size_t offset;
    size_t len;
};

// One function per struct: F finds the struct through <it>.
#define LAYOUT(type)                               \
    static size_t layout_##type(struct field *out) \
    {                                              \
        size_t n = 0;                              \
        static const struct type *const it = NULL; \
        (void)it;
#define F(member) \
    out[n++] = (struct field){#member, offsetof(__typeof__(*it), member), sizeof it->member};
#define LAYOUT_END(type) \
    return n;            \
    }
#include "tests/lib/abi_layout.def"

enum { FIELDS_MAX = 128 };

static void print_layout(FILE *out, const char *name, size_t len, size_t align,
                         const struct field *fields, size_t count)
{
    size_t end = 0;
    fprintf(out, "struct %s: %zu bytes, alignment %zu\n", name, len, align);
    for (size_t i = 0; i < count; i++) {
        // A hole that is no alignment to a cache line is a field that the table forgot.
        if (fields[i].offset != end && fields[i].offset % CACHE_LINE_LEN != 0)
            fail_msg("struct %s: %zu bytes without a name before %s", name, fields[i].offset - end,
                     fields[i].name);
        end = fields[i].offset + fields[i].len;
        fprintf(out, "  %6zu %6zu  %s\n", fields[i].offset, fields[i].len, fields[i].name);
    }
    if (len - end >= align)
        fail_msg("struct %s: %zu bytes without a name at its end", name, len - end);
}

static void print_counters(FILE *out, enum counter_scope scope, const char *name, size_t len)
{
    struct field fields[FIELDS_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < counter_count; i++)
        if (counter_table[i].scope == scope)
            fields[n++] = (struct field){counter_table[i].name, counter_table[i].offset, 8};
    print_layout(out, name, len, CACHE_LINE_LEN, fields, n);
}

static void print_histograms(FILE *out, enum counter_scope scope, const char *name, size_t len)
{
    struct field fields[FIELDS_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < histogram_count; i++)
        if (histogram_table[i].scope == scope)
            fields[n++] = (struct field){histogram_table[i].name, histogram_table[i].offset,
                                         sizeof(struct histogram)};
    print_layout(out, name, len, CACHE_LINE_LEN, fields, n);
}

static void print_events(FILE *out)
{
    for (uint16_t type = 1; type < EVENT_TYPES; type++) {
        const struct event_info *info = event_info(type);
        fprintf(out, "event %u %s\n", type, info->name);
        for (uint32_t i = 0; i < info->field_count; i++)
            fprintf(out, "  %6u %6s  %s\n", info->fields[i].offset, info->fields[i].kind_name,
                    info->fields[i].name);
    }
}

static void print_all(FILE *out)
{
    struct field fields[FIELDS_MAX];
    fprintf(out, "region version %u.%u\n", REGION_MAJOR, REGION_MINOR);
#define LAYOUT(type)                                                             \
    print_layout(out, #type, sizeof(struct type), _Alignof(struct type), fields, \
                 layout_##type(fields));
#define F(member)
#define LAYOUT_END(type)
#include "tests/lib/abi_layout.def"
    print_counters(out, SCOPE_LANE, "lane_counters", sizeof(struct lane_counters));
    print_counters(out, SCOPE_CHANNEL, "channel_counters", sizeof(struct channel_counters));
    print_counters(out, SCOPE_LINE, "line_counters", sizeof(struct line_counters));
    print_counters(out, SCOPE_PORT, "port_counters", sizeof(struct port_counters));
    print_counters(out, SCOPE_POOL, "pool_counters", sizeof(struct pool_counters));
    print_counters(out, SCOPE_MAIN, "main_counters", sizeof(struct main_counters));
    print_counters(out, SCOPE_DESK, "trade_counters", sizeof(struct trade_counters));
    print_counters(out, SCOPE_SESSION, "order_session_counters",
                   sizeof(struct order_session_counters));
    print_counters(out, SCOPE_STRATEGY, "strategy_counters", sizeof(struct strategy_counters));
    print_counters(out, SCOPE_ACCOUNT, "account_counters", sizeof(struct account_counters));
    print_counters(out, SCOPE_CLIENT, "client_counters", sizeof(struct client_counters));
    print_counters(out, SCOPE_CONNECTION, "connection_counters",
                   sizeof(struct connection_counters));
    print_counters(out, SCOPE_SIGNAL, "signal_counters", sizeof(struct signal_counters));
    print_histograms(out, SCOPE_LANE, "lane_histograms", sizeof(struct lane_histograms));
    print_histograms(out, SCOPE_CHANNEL, "channel_histograms", sizeof(struct channel_histograms));
    print_histograms(out, SCOPE_LINE, "line_histograms", sizeof(struct line_histograms));
    print_events(out);
}

// --- docs/abi.md ---

static void print_parts(FILE *out)
{
    fprintf(out,
            "## Parts\n\n"
            "They follow the header in this order, each at the next multiple of 128 bytes. The "
            "table in the header\n"
            "gives offset, count and element size of each; a reader compares it with what "
            "follows from the shape.\n\n"
            "| part | element | bytes | what, and who writes |\n|---|---|---|---|\n");
#define PART(upper, lower, element, number, help) \
    fprintf(out, "| %s | `%s` | %zu | %s |\n", #upper, #element, sizeof(element), help);
#include "dataplane/abi/parts.def"
}

static void print_doc_counters(FILE *out)
{
    static const char *const scopes[SCOPES] = {[SCOPE_LANE] = "Per lane",
                                               [SCOPE_CHANNEL] = "Per channel",
                                               [SCOPE_LINE] = "Per line",
                                               [SCOPE_PORT] = "Per port",
                                               [SCOPE_POOL] = "Per buffer pool",
                                               [SCOPE_MAIN] = "Main lcore",
                                               [SCOPE_DESK] = "Per lane that trades",
                                               [SCOPE_SESSION] = "Per order session",
                                               [SCOPE_STRATEGY] = "Per strategy",
                                               [SCOPE_ACCOUNT] = "Per account",
                                               [SCOPE_CLIENT] = "Per client of the gateway",
                                               [SCOPE_CONNECTION] =
                                                   "Per order session's connection",
                                               [SCOPE_SIGNAL] = "Per source of signals"};
    static const char *const kinds[] = {
        [COUNTER_TOTAL] = "total", [COUNTER_GAUGE] = "gauge", [COUNTER_PEAK] = "peak"};
    fprintf(out, "\n## Counters\n\n"
                 "Plain 64-bit words with one writer. `total` only grows, `gauge` is a present "
                 "value, `peak` the highest since start.\n");
    for (uint32_t scope = 0; scope < SCOPES; scope++) {
        fprintf(out, "\n### %s\n\n| name | kind | unit | meaning |\n|---|---|---|---|\n",
                scopes[scope]);
        for (uint32_t i = 0; i < counter_count; i++)
            if (counter_table[i].scope == scope)
                fprintf(out, "| `%s` | %s | %s | %s |\n", counter_table[i].name,
                        kinds[counter_table[i].kind], counter_table[i].unit, counter_table[i].help);
    }
}

static void print_doc_histograms(FILE *out)
{
    static const char *const scopes[SCOPES] = {
        [SCOPE_LANE] = "lane", [SCOPE_CHANNEL] = "channel", [SCOPE_LINE] = "line"};
    fprintf(out, "\n## Histograms\n\nCounts of TSC ticks per bucket. A bucket holds what is at or "
                 "below its edge and above the "
                 "one before.\n\n| name | per | measures |\n|---|---|---|\n");
    for (uint32_t i = 0; i < histogram_count; i++)
        fprintf(out, "| `%s` | %s | %s |\n", histogram_table[i].name,
                scopes[histogram_table[i].scope], histogram_table[i].help);
    fprintf(out, "\nEdges in nanoseconds (the last bucket is open):\n\n```\n");
    for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++)
        fprintf(out, "%llu%s", (unsigned long long)histogram_edges_ns[i],
                i % 12 == 11 || i + 2 == HISTOGRAM_BUCKETS ? "\n" : " ");
    fprintf(out, "```\n");
}

static void print_doc_events(FILE *out)
{
    fprintf(
        out,
        "\n## Events\n\n"
        "Records of %u bytes. Each lane and the main lcore have a ring of trading events, gap-free "
        "in sequence, whose\n"
        "slots are used again only after the control plane has committed them, and a ring of "
        "diagnostics that may drop.\n"
        "When the trading ring is full the lane goes on; the first event that finds room again is "
        "preceded by OVERRUN.\n\n"
        "| number | event | ring | fields | meaning |\n|---|---|---|---|---|\n",
        EVENT_LEN);
    for (uint16_t type = 1; type < EVENT_TYPES; type++) {
        const struct event_info *info = event_info(type);
        fprintf(out, "| %u | `%s` | %s |", type, info->name,
                info->ring == EVENT_RING_TRADING ? "trading" : "diagnostic");
        for (uint32_t i = 0; i < info->field_count; i++)
            fprintf(out, "%s `%s` %s", i ? "," : "", info->fields[i].name,
                    info->fields[i].kind_name);
        fprintf(out, " | %s |\n", info->help);
    }
}

static void print_doc_commands(FILE *out)
{
    fprintf(out,
            "\n## Commands\n\n%u slots of %u bytes; a request that finds none free is refused "
            "by the control plane.\n\n"
            "| number | command | answered by | meaning |\n|---|---|---|---|\n",
            COMMAND_SLOTS, COMMAND_SLOT_LEN);
#define COMMAND(upper, lower, target, help)                            \
    fprintf(out, "| %u | `%s` | %s | %s |\n", COMMAND_##upper, #upper, \
            strcmp(#target, "LANE") == 0   ? "the channel's lane"      \
            : strcmp(#target, "DESK") == 0 ? "the lane that trades"    \
                                           : "the main lcore",         \
            help);
#include "dataplane/abi/commands.def"
    fprintf(out, "\n| result | meaning |\n|---|---|\n");
#define RESULT_ROW(upper, text) fprintf(out, "| `%s` | %s |\n", #upper, text);
    COMMAND_RESULT_LIST(RESULT_ROW)
    fprintf(out, "\n## Quality\n\nThe worst of channel and symbol counts.\n\n| number | name | "
                 "meaning |\n|---|---|---|\n");
#define QUALITY_ROW(upper, number, name, help) \
    fprintf(out, "| %u | %s | %s |\n", number, name, help);
    QUALITY_LIST(QUALITY_ROW)
}

static void print_doc(FILE *out)
{
    fprintf(
        out,
        "# The contract between dataplane and control plane\n\n"
        "Made from the tables in `dataplane/abi`; `make unit` fails when this page is behind them "
        "(`TICKGATE_GOLDEN=write`\nrewrites it).\n\n"
        "The two processes share one file, the region: on hugetlbfs, or on tmpfs where there are "
        "no huge pages. It holds a\n"
        "header (magic, version %u.%u, a hash of the text of all contract headers, shape, table "
        "of parts) and the parts.\n"
        "The dataplane formats it and stores the version last, with release; a reader refuses "
        "another magic, version, hash\n"
        "or length, each with its own message, and looks at the file only in passes that survive "
        "its being cut.\n"
        "Every word has one writer. The control plane writes command slots, doorbells and the "
        "committed position of the\nevent rings, nothing else. Offsets and sizes of every "
        "field: `tests/golden/abi_layout.txt`.\n\n",
        REGION_MAJOR, REGION_MINOR);
    print_parts(out);
    print_doc_counters(out);
    print_doc_histograms(out);
    print_doc_events(out);
    print_doc_commands(out);
}

static void test_layout(void **state)
{
    (void)state;
    golden_compare("tests/golden/abi_layout.txt", print_all);
}

static void test_document(void **state)
{
    (void)state;
    golden_compare("docs/abi.md", print_doc);
}

int main(void)
{
    if (access("tests/golden", F_OK) != 0) {
        fprintf(stderr, "start this from the root of the tree: tests/golden is not here\n");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
