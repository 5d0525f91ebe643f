#include "controlplane/store/sums.h"

#include <inttypes.h>

#include "dataplane/base/hints.h"

// The alarm line that operators know, 2,750, is an edge.
const int64_t latency_edges[] = {
    100,      150,       200,       250,       300,        400,       500,     600,      800,
    1000,     1200,      1500,      2000,      2750,       3500,      5000,    7500,     10000,
    15000,    20000,     30000,     50000,     75000,      100000,    150000,  200000,   300000,
    500000,   750000,    1000000,   1500000,   2000000,    3000000,   5000000, 10000000, 20000000,
    50000000, 100000000, 200000000, 500000000, 1000000000, INT64_MAX,
};
const uint32_t latency_edge_count = ARRAY_LEN(latency_edges);

enum stage { STAGE_STARTED, STAGE_GATED, STAGE_ENCODED, STAGE_HANDED };

void sums_init(struct sums *s)
{
    key_table_init(&s->minutes, SUMS * sizeof(int64_t));
    key_table_init(&s->latencies, sizeof(int64_t));
    key_table_init(&s->holdings, sizeof(struct holding));
}

void sums_free(struct sums *s)
{
    key_table_free(&s->minutes);
    key_table_free(&s->latencies);
    key_table_free(&s->holdings);
}

// Wraps where nothing real gets to: what a journal says is not trusted.
static void add(int64_t *to, int64_t more)
{
    *to = (int64_t)((uint64_t)*to + (uint64_t)more);
}

static uint64_t minute_of(const struct row_writer *w)
{
    return w->at_ns / (60 * UINT64_C(1000000000));
}

static int64_t *minute_at(struct sums *s, const struct row_writer *w, uint32_t lane,
                          uint32_t session, uint32_t account, uint32_t strategy,
                          uint32_t instrument)
{
    return key_table_at(&s->minutes, minute_of(w) << 24 | lane << 16 | session,
                        (uint64_t)account << 32 | strategy << 16 | instrument);
}

static void latency_add(struct sums *s, const struct row_writer *w, uint32_t lane, uint32_t session,
                        enum stage stage, uint32_t ticks)
{
    const int64_t ns = row_ticks_ns(w, ticks);
    uint32_t low = 0, high = latency_edge_count - 1;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (ns < latency_edges[middle])
            high = middle;
        else
            low = middle + 1;
    }
    int64_t *count =
        key_table_at(&s->latencies, minute_of(w), lane << 24 | session << 16 | stage << 8 | low);
    add(count, 1);
}

void sums_decision(struct sums *s, const struct row_writer *w, const struct event *e)
{
    const struct event_decision *p = &e->decision;
    int64_t *sum = minute_at(s, w, e->lane, p->session, p->account, p->strategy, p->instrument);
    add(&sum[SUM_DECISIONS], 1);
    add(&sum[SUM_REFUSED], p->refusal != 0);
    latency_add(s, w, e->lane, p->session, STAGE_STARTED, p->started);
    if (p->gated)
        latency_add(s, w, e->lane, p->session, STAGE_GATED, p->gated);
    if (p->encoded)
        latency_add(s, w, e->lane, p->session, STAGE_ENCODED, p->encoded);
}

void sums_sent(struct sums *s, const struct row_writer *w, const struct event *e)
{
    if (e->type == EVENT_ORDER_SENT)
        latency_add(s, w, e->lane, e->order_sent.session, STAGE_HANDED, e->order_sent.handed);
}

// --- positions ---

struct holding *sums_holding(struct sums *s, uint32_t account, uint32_t instrument)
{
    return key_table_at(&s->holdings, account, instrument);
}

void sums_carry(struct sums *s)
{
    for (uint32_t i = 0; i < s->holdings.count; i++) {
        struct holding *h = key_table_value(&s->holdings, i);
        h->moved = h->bought != 0 || h->sold != 0;
    }
}

bool holding_trade(struct holding *h, bool sells, uint64_t shares, uint64_t price, int64_t *gain)
{
    const int64_t value = (int64_t)(shares * price);
    const bool against = sells ? h->position > 0 : h->position < 0;
    const uint64_t held = h->position < 0 ? -(uint64_t)h->position : (uint64_t)h->position;
    const uint64_t closes = !against ? 0 : shares < held ? shares : held;
    if (closes) {
        const int64_t cost = (int64_t)((__int128)h->cost * closes / held);
        const int64_t paid = (int64_t)(closes * price);
        *gain =
            (int64_t)(sells ? (uint64_t)paid - (uint64_t)cost : (uint64_t)cost - (uint64_t)paid);
        add(&h->realised, *gain);
        add(&h->cost, -cost);
    }
    add(&h->cost, (int64_t)((shares - closes) * price));
    add(&h->position, sells ? -(int64_t)shares : (int64_t)shares);
    add(sells ? &h->sold : &h->bought, (int64_t)shares);
    add(sells ? &h->sold_value : &h->bought_value, value);
    h->last_price = (int64_t)price;
    h->moved = true;
    return closes != 0;
}

// What is broken is traded back at its price, and first: the rule of EVENT_ORDER (events.def).
static void executed(struct sums *s, struct row_writer *w, const struct event_order *p)
{
    struct holding *h = sums_holding(s, p->account, p->instrument);
    const bool sells = p->side != 'B';
    int64_t gain = 0;
    w->closed = false;
    w->realised = 0;
    w->position = h->position;
    if (p->broken_shares == p->fill_shares && p->broken_price == p->fill_price)
        return;
    if (p->broken_shares && holding_trade(h, !sells, p->broken_shares, p->broken_price, &gain)) {
        w->closed = true;
        add(&w->realised, gain);
    }
    if (p->fill_shares && holding_trade(h, sells, p->fill_shares, p->fill_price, &gain)) {
        w->closed = true;
        add(&w->realised, gain);
    }
    h->moved_ns = w->at_ns;
    w->position = h->position;
}

void sums_order(struct sums *s, struct row_writer *w, const struct event *e)
{
    const struct event_order *p = &e->order;
    int64_t *sum = minute_at(s, w, e->lane, p->session, p->account, p->strategy, p->instrument);
    add(&sum[SUM_MESSAGES], 1);
    if (p->fill_shares == 0 && p->broken_shares == 0)
        return;
    executed(s, w, p);
    add(&sum[SUM_EXECUTIONS], p->fill_shares != 0);
    add(&sum[SUM_SHARES], (int64_t)p->fill_shares - p->broken_shares);
    add(&sum[SUM_VALUE], (int64_t)((uint64_t)p->fill_shares * p->fill_price -
                                   (uint64_t)p->broken_shares * p->broken_price));
    if (!w->closed)
        return;
    add(&sum[SUM_CLOSES], 1);
    add(&sum[SUM_WINS], w->realised > 0);
    add(&sum[SUM_REALISED], w->realised);
}

// --- as SQL ---

static void minutes_close(struct sums *s, const struct row_writer *w, struct sql_text *out)
{
    if (s->minutes.count)
        sql_add(out, "SELECT tickgate.sums_add('{");
    for (uint32_t i = 0; i < s->minutes.count; i++) {
        const uint64_t a = s->minutes.keys[i][0], b = s->minutes.keys[i][1];
        const int64_t *sum = key_table_value(&s->minutes, i);
        sql_add(out, "%s\"(", i ? "," : "");
        sql_add_time(out, (a >> 24) * 60);
        sql_add(out, ",%" PRIu32 ",%u,%d,%d,%u", w->journal, (unsigned)(a & 0xffff),
                (int16_t)(b >> 32), (int16_t)(b >> 16), (unsigned)(b & 0xffff));
        for (uint32_t k = 0; k < SUMS; k++)
            sql_add(out, ",%" PRId64, sum[k]);
        sql_add(out, ",%" PRId64 ",%u)\"", (int64_t)w->epoch, (unsigned)(a >> 16 & 0xff));
    }
    if (s->minutes.count)
        sql_add(out, "}');");
    key_table_clear(&s->minutes);
}

static void latencies_close(struct sums *s, const struct row_writer *w, struct sql_text *out)
{
    if (s->latencies.count)
        sql_add(out, "SELECT tickgate.latency_add('{");
    for (uint32_t i = 0; i < s->latencies.count; i++) {
        const uint64_t b = s->latencies.keys[i][1];
        const int64_t *count = key_table_value(&s->latencies, i);
        sql_add(out, "%s\"(", i ? "," : "");
        sql_add_time(out, s->latencies.keys[i][0] * 60);
        sql_add(out, ",%" PRIu32 ",%u,%u,%u,%" PRId64 ",%" PRId64 ")\"", w->journal,
                (unsigned)(b >> 24 & 0xff), (unsigned)(b >> 16 & 0xff), (unsigned)(b >> 8 & 0xff),
                latency_edges[b & 0xff], *count);
    }
    if (s->latencies.count)
        sql_add(out, "}');");
    key_table_clear(&s->latencies);
}

static void holdings_close(struct sums *s, const struct row_writer *w, struct sql_text *out)
{
    uint32_t moved = 0;
    for (uint32_t i = 0; i < s->holdings.count; i++) {
        struct holding *h = key_table_value(&s->holdings, i);
        if (!h->moved)
            continue;
        h->moved = false;
        sql_add(out, moved++ ? ",\"(" : "SELECT tickgate.positions_set('{\"(");
        sql_add(out,
                "%" PRIu32 ",%" PRId64 ",%d,%" PRIu64 ",%" PRId64 ",%" PRId64 ",%" PRId64
                ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",",
                w->journal, (int64_t)w->epoch, (int16_t)s->holdings.keys[i][0],
                s->holdings.keys[i][1], h->position, h->cost, h->bought, h->bought_value, h->sold,
                h->sold_value, h->realised, h->last_price);
        sql_add_time(out, h->moved_ns / 1000000000);
        sql_add(out, ")\"");
    }
    if (moved)
        sql_add(out, "}');");
}

void sums_close(struct sums *s, const struct row_writer *w, struct sql_text *out)
{
    minutes_close(s, w, out);
    latencies_close(s, w, out);
    holdings_close(s, w, out);
}
