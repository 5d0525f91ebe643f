// Methods about symbols: prices from the published cells, books and queue positions asked of the
// lane.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/control/view.h"

enum { BOOK_DEPTH_DEFAULT = 10, SYMBOLS_SHOWN_MAX = 100000 };

static bool job_symbols(struct control *control, struct job *job)
{
    if (!job_snapshot(control, job))
        return false;
    if (symbol_table_copy(&control->symbols, &control->contact))
        return true;
    if (contact_attached(&control->contact))
        job_fail(job, RPC_ERROR_INTERNAL, "no memory for a copy of the symbol table");
    else
        job_fail(job, RPC_ERROR_NOT_CONNECTED, "%s", control->contact.why);
    return false;
}

// Channel that the job names, -1 when it names none; false when there is no such channel.
static bool job_channel(const struct control *control, struct job *job, int *channel)
{
    const char *name = job_string(job, "channel");
    *channel = name ? view_channel(&control->snapshot, name) : -1;
    if (name == NULL || *channel >= 0)
        return true;
    job_fail(job, RPC_ERROR_UNKNOWN, "no channel '%s'; `feeds` lists them", name);
    return false;
}

// --- symbols ---

static int64_t spread_of(const struct symbol_row *row)
{
    const struct symbol_top *top = &row->top;
    bool both = !row->torn && top->shares[0] && top->shares[1];
    return both ? (int64_t)top->price[1] - (int64_t)top->price[0] : INT64_MIN;
}

#define LARGEST_FIRST(a, b) (((a) < (b)) - ((a) > (b)))

static int compare_volume(const void *pa, const void *pb)
{
    const struct symbol_row *a = pa, *b = pb;
    int order = LARGEST_FIRST(a->top.volume, b->top.volume);
    return order ? order : symbol_row_compare(a, b);
}

static int compare_activity(const void *pa, const void *pb)
{
    const struct symbol_row *a = pa, *b = pb;
    int order = LARGEST_FIRST(a->top.changes, b->top.changes);
    return order ? order : symbol_row_compare(a, b);
}

static int compare_spread(const void *pa, const void *pb)
{
    const struct symbol_row *a = pa, *b = pb;
    int order = LARGEST_FIRST(spread_of(a), spread_of(b));
    return order ? order : symbol_row_compare(a, b);
}

static const struct sort {
    const char *name;
    int (*compare)(const void *a, const void *b);
} sorts[] = {
    {"name", symbol_row_compare},
    {"volume", compare_volume},
    {"activity", compare_activity},
    {"spread", compare_spread},
};

static void side_view(json_t *row, const char *const names[3], uint32_t price, uint64_t shares,
                      uint32_t orders)
{
    json_object_set_new(row, names[0], shares ? view_price(price) : json_null());
    json_object_set_new(row, names[1], view_count(shares));
    json_object_set_new(row, names[2], view_count(orders));
}

static json_t *symbol_view(const struct snapshot *s, const struct symbol_row *row)
{
    static const char *const bid[3] = {"bid_price", "bid_shares", "bid_orders"};
    static const char *const ask[3] = {"ask_price", "ask_shares", "ask_orders"};
    struct symbol_top top = row->top;
    if (row->torn)
        memset(&top, 0, sizeof top);
    int64_t spread = spread_of(row);
    json_t *view = json_object();
    json_object_set_new(view, "symbol", json_string(row->name));
    json_object_set_new(view, "channel", json_string(s->channels[row->channel].name));
    json_object_set_new(view, "locate", view_count(row->locate));
    json_object_set_new(view, "quality",
                        row->torn
                            ? json_string("busy")
                            : view_quality(top.quality, s->channel_counters[row->channel].quality));
    json_object_set_new(view, "trading_state", view_letter(top.trading_state));
    side_view(view, bid, top.price[0], top.shares[0], top.orders[0]);
    side_view(view, ask, top.price[1], top.shares[1], top.orders[1]);
    json_object_set_new(view, "spread", spread == INT64_MIN ? json_null() : view_price(spread));
    json_object_set_new(view, "last_price",
                        top.last_shares ? view_price(top.last_price) : json_null());
    json_object_set_new(view, "last_shares", view_count(top.last_shares));
    json_object_set_new(view, "volume", view_count(top.volume));
    json_object_set_new(view, "changes", view_count(top.changes));
    return view;
}

// Keeps the rows that the job asks for; false when it names a symbol that is not there.
static bool symbols_choose(struct control *control, struct job *job, int channel)
{
    struct symbol_table *table = &control->symbols;
    const json_t *wanted = json_object_get(job->params, "symbols");
    uint64_t count, kept = 0;
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const char *name = json_string_value(json_array_get(wanted, i));
        struct symbol_row *first = symbol_table_find(table, name, &count);
        if (symbol_table_get(table, name, channel) == NULL) {
            job_fail(job, RPC_ERROR_UNKNOWN, "no symbol '%.16s'", name);
            return false;
        }
        for (uint64_t k = 0; k < count; k++)
            first[k].chosen = true;
    }
    for (uint64_t i = 0; i < table->count; i++) {
        const struct symbol_row *row = &table->rows[i];
        if ((wanted == NULL || row->chosen) && (channel < 0 || row->channel == channel))
            table->rows[kept++] = *row;
    }
    table->count = kept;
    return true;
}

void method_symbols(struct control *control, struct job *job)
{
    const char *name = job_string(job, "sort");
    const struct sort *sort = name ? NULL : &sorts[0];
    int channel;
    for (size_t i = 0; name && i < sizeof sorts / sizeof sorts[0]; i++)
        if (strcmp(sorts[i].name, name) == 0)
            sort = &sorts[i];
    if (sort == NULL) {
        job_fail(job, RPC_ERROR_PARAMS, "symbols: sort must be name, volume, activity or spread");
        return;
    }
    if (!job_symbols(control, job) || !job_channel(control, job, &channel) ||
        !symbols_choose(control, job, channel))
        return;
    struct symbol_table *table = &control->symbols;
    uint64_t top = (uint64_t)job_integer(job, "top", INT64_MAX);
    if (table->count)
        qsort(table->rows, table->count, sizeof *table->rows, sort->compare);
    if (table->count > SYMBOLS_SHOWN_MAX && top > SYMBOLS_SHOWN_MAX) {
        job_fail(
            job, RPC_ERROR_REFUSED,
            "symbols: there are %llu, more than the %u of one answer; use top, symbols or channel",
            (unsigned long long)table->count, SYMBOLS_SHOWN_MAX);
        return;
    }
    json_t *list = json_array();
    for (uint64_t i = 0; i < table->count && i < top; i++)
        json_array_append_new(list, symbol_view(&control->snapshot, &table->rows[i]));
    job->result = json_pack("{s:o,s:o}", "symbols", list, "total", view_count(table->count));
}

// --- book ---

// The symbol's row of limits; UINT32_MAX: it has none, or nothing trades.
static uint32_t instrument_of(struct control *control, const char *symbol)
{
    const struct board *b = control->board;
    if (!board_take(control->board, &control->contact) || !board_trades(b))
        return UINT32_MAX;
    for (uint32_t i = 0; i < b->shape.instruments; i++)
        if (strcmp(b->instruments[i].symbol, symbol) == 0)
            return i;
    return UINT32_MAX;
}

static json_t *band_view(const struct book_snapshot_answer *answer)
{
    static const char *const sources[BAND_SOURCES] = {
        [BAND_OF_FILE] = "file", [BAND_ESTIMATED] = "estimated", [BAND_UNKNOWN] = "unknown"};
    const bool known = answer->band == BAND_OF_FILE || answer->band == BAND_ESTIMATED;
    if (answer->band >= BAND_SOURCES || sources[answer->band] == NULL)
        return json_null();
    return json_pack("{s:s,s:o,s:o}", "source", sources[answer->band], "low",
                     known ? view_price(answer->band_low) : json_null(), "high",
                     known ? view_price(answer->band_high) : json_null());
}

void method_book(struct control *control, struct job *job)
{
    const char *symbol = job_string(job, "symbol");
    int channel;
    if (!job_symbols(control, job) || !job_channel(control, job, &channel))
        return;
    const struct symbol_row *row = symbol_table_get(&control->symbols, symbol, channel);
    if (row == NULL) {
        job_fail(job, RPC_ERROR_UNKNOWN, "no symbol '%.16s'", symbol);
        return;
    }
    job->channel = row->channel;
    memcpy(job->symbol, row->name, sizeof job->symbol);
    job->call.request.book_snapshot = (struct book_snapshot_request){
        .channel = row->channel,
        .locate = row->locate,
        .depth = (uint32_t)job_integer(job, "depth", BOOK_DEPTH_DEFAULT),
        .instrument = instrument_of(control, job->symbol),
    };
    job_call(control, job, COMMAND_BOOK_SNAPSHOT, control->snapshot.channels[row->channel].lane);
}

static json_t *levels_view(const struct command_level *levels, uint32_t count)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++) {
        json_t *level = json_object();
        json_object_set_new(level, "price", view_price(levels[i].price));
        json_object_set_new(level, "shares", view_count(levels[i].shares));
        json_object_set_new(level, "orders", view_count(levels[i].orders));
        json_array_append_new(list, level);
    }
    return list;
}

void method_book_answered(struct control *control, struct job *job)
{
    const struct book_snapshot_answer *answer = &job->call.answer.book_snapshot;
    if (!job_snapshot(control, job))
        return;
    json_t *result = job->result = json_object();
    json_object_set_new(result, "symbol", json_string(job->symbol));
    json_object_set_new(result, "channel",
                        json_string(control->snapshot.channels[job->channel].name));
    json_object_set_new(result, "quality", view_quality(answer->quality, 0));
    json_object_set_new(result, "trading_state", view_letter(answer->trading_state));
    json_object_set_new(result, "next_sequence", view_count(answer->next_sequence));
    json_object_set_new(result, "time_ns", view_count(answer->time_ns));
    json_object_set_new(result, "band", band_view(answer));
    json_object_set_new(result, "bids", levels_view(answer->bids, answer->bid_count));
    json_object_set_new(result, "asks", levels_view(answer->asks, answer->ask_count));
}

// --- queue position ---

void method_queue_position(struct control *control, struct job *job)
{
    int channel;
    if (!job_snapshot(control, job) || !job_channel(control, job, &channel))
        return;
    job->channel = (uint32_t)channel;
    job->call.request.queue_position = (struct queue_position_request){
        .channel = job->channel, .reference = (uint64_t)job_integer(job, "reference", 0)};
    job_call(control, job, COMMAND_QUEUE_POSITION, control->snapshot.channels[channel].lane);
}

void method_queue_position_answered(struct control *control, struct job *job)
{
    const struct queue_position_answer *answer = &job->call.answer.queue_position;
    if (!job_symbols(control, job))
        return;
    const char *symbol = symbol_table_name(&control->symbols, job->channel, answer->locate);
    json_t *result = job->result = json_object();
    json_object_set_new(result, "symbol", json_string(symbol));
    json_object_set_new(result, "side", json_string(answer->side ? "ask" : "bid"));
    json_object_set_new(result, "price", view_price(answer->price));
    json_object_set_new(result, "shares", view_count(answer->shares));
    json_object_set_new(result, "orders_ahead", view_count(answer->orders_ahead));
    json_object_set_new(result, "shares_ahead", view_count(answer->shares_ahead));
    json_object_set_new(result, "quality", view_quality(answer->quality, 0));
    json_object_set_new(result, "next_sequence", view_count(answer->next_sequence));
}

// --- filter ---

static int lane_find(const struct snapshot *s, const char *name)
{
    char *end;
    for (uint32_t i = 0; i < s->shape.lanes; i++)
        if (strcmp(s->lanes[i].name, name) == 0)
            return (int)i;
    unsigned long number = strtoul(name, &end, 10);
    return *end == 0 && number < s->shape.lanes ? (int)number : -1;
}

// Every symbol must be known on a channel of the lane: a typing error shall not silence a feed.
static bool filter_symbols_known(struct control *control, struct job *job, uint32_t lane)
{
    const json_t *wanted = json_object_get(job->params, "symbols");
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const char *name = json_string_value(json_array_get(wanted, i));
        bool known = false;
        for (uint32_t k = 0; !known && k < control->snapshot.shape.channels; k++)
            known = control->snapshot.channels[k].lane == lane &&
                    symbol_table_get(&control->symbols, name, (int)k);
        if (!known) {
            job_fail(job, RPC_ERROR_UNKNOWN, "no symbol '%.16s' on this lane; nothing was changed",
                     name);
            return false;
        }
    }
    return true;
}

// Posts the filter of the next channel of the lane, job->step being the first that is left; sets
// the result when there is none.
static void filter_next(struct control *control, struct job *job, uint32_t lane)
{
    const struct snapshot *s = &control->snapshot;
    const json_t *wanted = json_object_get(job->params, "symbols");
    struct filter_set_request *request = &job->call.request.filter_set;
    while (job->step < s->shape.channels && s->channels[job->step].lane != lane)
        job->step++;
    if (job->step >= s->shape.channels)
        return;
    memset(request, 0, sizeof *request);
    request->channel = job->channel = job->step++;
    request->all = wanted == NULL;
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        const char *name = json_string_value(json_array_get(wanted, i));
        const struct symbol_row *row =
            symbol_table_get(&control->symbols, name, (int)request->channel);
        if (row)
            request->bitmap[row->locate >> 6] |= 1ull << (row->locate & 63);
    }
    job_call(control, job, COMMAND_FILTER_SET, LANE_MAIN);
}

void method_filter_set(struct control *control, struct job *job)
{
    if (!job_symbols(control, job))
        return;
    int lane = lane_find(&control->snapshot, job_string(job, "lane"));
    if (lane < 0) {
        job_fail(job, RPC_ERROR_UNKNOWN, "no lane '%s'; `lanes` lists them",
                 job_string(job, "lane"));
        return;
    }
    if (!filter_symbols_known(control, job, (uint32_t)lane))
        return;
    job->result = json_pack("{s:s,s:[]}", "lane", control->snapshot.lanes[lane].name, "channels");
    filter_next(control, job, (uint32_t)lane);
}

void method_filter_set_answered(struct control *control, struct job *job)
{
    if (!job_symbols(control, job))
        return;
    uint32_t symbols = job->call.answer.filter_set.symbols;
    json_t *row = json_object();
    json_object_set_new(row, "channel", json_string(control->snapshot.channels[job->channel].name));
    json_object_set_new(row, "symbols",
                        job->call.request.filter_set.all ? json_string("all")
                                                         : view_count(symbols));
    json_object_set_new(row, "in_force_from_event",
                        job->call.sequence ? view_count(job->call.sequence) : json_null());
    json_array_append_new(json_object_get(job->result, "channels"), row);
    filter_next(control, job, control->snapshot.channels[job->channel].lane);
}
