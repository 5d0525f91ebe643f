#include "controlplane/metrics/metrics.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/metrics/parts.h"

// --- histograms ---

enum { BRIEF_EDGES = 16 };

// Edges of the table that a scrape every second gets; 2.75 us is the line that alerts are about.
static const uint64_t brief_edges_ns[BRIEF_EDGES] = {
    100,  250,  500,   750,   1000,  1500,   2000,    2750,
    4000, 6000, 10000, 25000, 50000, 100000, 1000000, 10000000,
};

// The newest of those whose buckets are shown as one.
static void exemplar_take(struct metric_exemplar *to, const struct contact *contact,
                          const struct stage_exemplar *from)
{
    const double utc_s = (double)from->utc_ns / 1e9;
    if (from->key.sequence == 0 || utc_s < to->utc_s)
        return;
    trace_id_text(&from->key, to->trace_id);
    to->value = seconds_of(contact, from->ticks);
    to->utc_s = utc_s;
}

void histogram_write(struct metric_text *text, const struct metric_label *labels,
                     const struct contact *contact, const struct histogram *histogram, bool brief,
                     const struct stage_exemplar *exemplars)
{
    double edges[HISTOGRAM_BUCKETS];
    uint64_t below[HISTOGRAM_BUCKETS], seen = 0;
    struct metric_exemplar shown[HISTOGRAM_BUCKETS];
    struct metric_buckets buckets = {
        .edges = edges, .below = below, .exemplars = exemplars ? shown : NULL};
    memset(shown, 0, sizeof shown);
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        const uint64_t edge = histogram_edges_ns[i];
        const bool last = i + 1 == HISTOGRAM_BUCKETS;
        seen += histogram->bucket[i];
        if (exemplars)
            exemplar_take(&shown[buckets.count], contact, &exemplars[i]);
        if (!last && brief &&
            (buckets.count >= BRIEF_EDGES || edge != brief_edges_ns[buckets.count]))
            continue;
        edges[buckets.count] = (double)edge / 1e9;
        below[buckets.count++] = seen;
    }
    buckets.sum = seconds_of(contact, histogram->sum_ticks);
    metric_buckets(text, labels, &buckets);
}

static void histogram_add(struct histogram *to, const struct histogram *from)
{
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        to->bucket[i] += from->bucket[i];
    to->sum_ticks += from->sum_ticks;
}

static void histogram_name(const struct histogram_info *info, char name[METRIC_NAME_LEN])
{
    snprintf(name, METRIC_NAME_LEN, "tickgate_%s_%s_seconds", counter_scope_name(info->scope),
             info->name);
}

static void stages_write(struct metric_text *text, const struct control *control, bool brief)
{
    metric_family(text, METRIC_HISTOGRAM, "tickgate_order_stage_seconds",
                  "Stages of orders from the burst that caused them to the port; stage order: all");
    for (uint32_t i = 0; i < STAGES; i++) {
        const struct metric_label labels[] = {{"stage", stage_name((enum stage)i)}, {0}};
        if (!brief || i == STAGE_ORDER)
            histogram_write(text, labels, &control->contact, &control->stages.histograms[i], brief,
                            i == STAGE_ORDER ? control->stages.exemplars : NULL);
    }
}

// --- the brief ones ---

enum fold { FOLD_SUM, FOLD_MAX, FOLD_MIN };

static const struct brief {
    enum counter_scope scope;
    uint32_t offset;
    enum fold fold;
} briefs[] = {
#define STRUCT_LANE                 struct lane_counters
#define STRUCT_CHANNEL              struct channel_counters
#define STRUCT_LINE                 struct line_counters
#define STRUCT_PORT                 struct port_counters
#define STRUCT_POOL                 struct pool_counters
#define STRUCT_DESK                 struct trade_counters
#define STRUCT_SESSION              struct order_session_counters
#define STRUCT_STRATEGY             struct strategy_counters
#define STRUCT_ACCOUNT              struct account_counters
#define STRUCT_SIGNAL               struct signal_counters
#define BRIEF(scope, counter, fold) {SCOPE_##scope, offsetof(STRUCT_##scope, counter), FOLD_##fold},
#include "controlplane/metrics/brief.def"
};

// Rows of a scope that /metrics shows one by one; with more there is one for all of them.
static uint32_t rows_shown(enum counter_scope scope)
{
    return scope == SCOPE_LINE ? 8 : scope == SCOPE_DESK || scope == SCOPE_STRATEGY ? 2 : 4;
}

static uint32_t rows_of(const struct control *control, enum counter_scope scope)
{
    struct instance instance;
    uint32_t count = 0;
    for (uint32_t i = 0; instance_at(&control->snapshot, control->board, scope, i, &instance); i++)
        count += instance.name[0] != 0;
    return count;
}

static uint64_t folded(enum fold fold, bool first, uint64_t sum, uint64_t value)
{
    if (first)
        return value;
    switch (fold) {
    case FOLD_MAX: return value > sum ? value : sum;
    case FOLD_MIN: return value < sum ? value : sum;
    default: return sum + value;
    }
}

static void brief_write(struct metric_text *text, const struct control *control,
                        const struct counter_info *info, enum fold fold)
{
    const uint32_t rows = rows_of(control, info->scope);
    struct metric_label labels[METRIC_LABELS_MAX];
    struct instance instance;
    uint64_t sum = 0;
    bool first = true;
    for (uint32_t i = 0; instance_at(&control->snapshot, control->board, info->scope, i, &instance);
         i++) {
        if (instance.name[0] == 0)
            continue;
        instance_labels(info->scope, &instance, labels);
        if (rows <= rows_shown(info->scope))
            counter_write(text, labels, &control->contact, info, counter_value(&instance, info));
        sum = folded(fold, first, sum, counter_value(&instance, info));
        first = false;
    }
    if (rows > rows_shown(info->scope))
        counter_write(text, NULL, &control->contact, info, sum);
}

static void family_of(struct metric_text *text, const struct counter_info *info)
{
    char name[METRIC_NAME_LEN];
    metric_counter_name(info, name);
    metric_family(text, info->kind == COUNTER_TOTAL ? METRIC_COUNTER : METRIC_GAUGE, name,
                  info->help);
}

static const struct brief *brief_of(const struct counter_info *info)
{
    for (size_t i = 0; i < sizeof briefs / sizeof briefs[0]; i++)
        if (briefs[i].scope == info->scope && briefs[i].offset == info->offset)
            return &briefs[i];
    return NULL;
}

static void brief_histograms(struct metric_text *text, const struct control *control)
{
    const struct histogram_info *info = &histogram_table[0];
    struct histogram sum = {0};
    char name[METRIC_NAME_LEN];
    // The first of the table is the one that alerts are about; all lanes together.
    for (uint32_t i = 0; i < control->snapshot.shape.lanes; i++)
        histogram_add(&sum, &control->snapshot.lane_histograms[i].frame_to_book);
    histogram_name(info, name);
    metric_family(text, METRIC_HISTOGRAM, name, info->help);
    histogram_write(text, NULL, &control->contact, &sum, true, NULL);
    stages_write(text, control, true);
}

static void begin(struct metric_text *text)
{
    text->len = 0;
    text->series = 0;
    text->failed = false;
}

static bool dataplane_take(struct control *control)
{
    return snapshot_take(&control->snapshot, &control->contact) &&
           board_take(control->board, &control->contact);
}

void metrics_brief(struct metric_text *text, struct control *control)
{
    begin(text);
    const bool there = dataplane_take(control);
    own_write(text, control, true);
    for (uint32_t i = 0; there && i < counter_count; i++) {
        const struct brief *brief = brief_of(&counter_table[i]);
        if (brief && rows_of(control, counter_table[i].scope)) {
            family_of(text, &counter_table[i]);
            brief_write(text, control, &counter_table[i], brief->fold);
        }
    }
    if (there) {
        pools_write(text, &control->snapshot);
        brief_histograms(text, control);
        if (board_trades(control->board)) {
            refusals_write(text, control->board);
            money_write(text, control, true);
        }
    }
    metric_end(text);
}

// --- all of them ---

static void counter_rows(struct metric_text *text, const struct control *control,
                         const struct counter_info *info)
{
    struct metric_label labels[METRIC_LABELS_MAX];
    struct instance instance;
    for (uint32_t i = 0; instance_at(&control->snapshot, control->board, info->scope, i, &instance);
         i++)
        if (instance.name[0]) {
            instance_labels(info->scope, &instance, labels);
            counter_write(text, labels, &control->contact, info, counter_value(&instance, info));
        }
}

static void histogram_rows(struct metric_text *text, const struct control *control,
                           const struct histogram_info *info)
{
    struct metric_label labels[METRIC_LABELS_MAX];
    struct instance instance;
    char name[METRIC_NAME_LEN];
    histogram_name(info, name);
    metric_family(text, METRIC_HISTOGRAM, name, info->help);
    for (uint32_t i = 0; instance_at(&control->snapshot, control->board, info->scope, i, &instance);
         i++)
        if (instance.name[0]) {
            instance_labels(info->scope, &instance, labels);
            histogram_write(text, labels, &control->contact, histogram_of(&instance, info), false,
                            NULL);
        }
}

void metrics_full(struct metric_text *text, struct control *control)
{
    begin(text);
    const bool there = dataplane_take(control);
    own_write(text, control, false);
    for (uint32_t i = 0; there && i < counter_count; i++)
        if (rows_of(control, counter_table[i].scope)) {
            family_of(text, &counter_table[i]);
            counter_rows(text, control, &counter_table[i]);
        }
    for (uint32_t i = 0; there && i < histogram_count; i++)
        if (rows_of(control, histogram_table[i].scope))
            histogram_rows(text, control, &histogram_table[i]);
    if (there) {
        pools_write(text, &control->snapshot);
        stages_write(text, control, false);
        if (board_trades(control->board)) {
            refusals_write(text, control->board);
            money_write(text, control, false);
        }
    }
    metric_end(text);
}
