#include "dataplane/control/limits_warn.h"

#include <stdlib.h>

#include "dataplane/base/hints.h"
#include "dataplane/base/log.h"
#include "dataplane/control/limits_rows.h"

enum {
    ROUND_MS = 100,
    NS_PER_MS = 1000000,
    ROWS_A_TURN = 256, // the main lcore has more to do
    POSITIONS_A_TURN = 1024,
    BELOW_PART = 20, // of the limit: so much below the warning it is over
};

struct limit_warnings {
    uint64_t round_at_ns;
    uint64_t row; // of the round, up to <rows>
    uint64_t rows;
    uint64_t *warned;               // by row: bits of enum limit_control
    uint32_t position;              // of the round, on every lane
    uint64_t *held[LANES_MAX];      // bits of positions
    uint32_t held_by[ACCOUNTS_MAX]; // so many of them are the account's
    uint64_t on;                    // all that are warned of now
};

// Sums that grow with orders and executions; what is compared order by order has no use.
static const uint8_t sums[] = {
    LIMIT_LIMITS_open_orders, LIMIT_LIMITS_open_notional, LIMIT_LIMITS_position,
    LIMIT_LIMITS_gross,       LIMIT_LIMITS_day_value,     LIMIT_LIMITS_credit,
    LIMIT_LIMITS_loss,        LIMIT_LIMITS_drawdown,      LIMIT_LIMITS_day_orders,
    LIMIT_LIMITS_repeats,     LIMIT_LIMITS_instruments,   LIMIT_SYMBOL_locates};

// --- set-up ---

bool warnings_start(struct dataplane *d, struct error *err)
{
    const struct limits_source *s = limits_set_now(d);
    if (s == NULL)
        return true;
    struct limit_warnings *w = d->warnings = calloc(1, sizeof *w);
    bool good = w != NULL;
    if (good) {
        w->rows = limit_rows(s, TRADE_SYMBOL);
        w->warned = calloc(w->rows, sizeof *w->warned);
        good = w->warned != NULL;
    }
    for (uint32_t i = 0; good && i < d->config->lane_count; i++) {
        if (d->desks[i] == NULL)
            continue;
        w->held[i] = calloc(d->desks[i]->desk.risk.position_mask / 64 + 1, sizeof *w->held[i]);
        good = w->held[i] != NULL;
    }
    return good || error_set(err, EXIT_FAILED, "no memory for warnings of limits");
}

void warnings_free(struct dataplane *d)
{
    struct limit_warnings *w = d->warnings;
    if (w == NULL)
        return;
    for (uint32_t i = 0; i < LANES_MAX; i++)
        free(w->held[i]);
    free(w->warned);
    free(w);
    d->warnings = NULL;
}

// --- how near is near ---

// Of the scope, or else of the firm; CONFIG_WARN_NONE: neither.
static uint32_t percent_of(struct limits_source *s, enum trade_scope scope, uint32_t index)
{
    const struct config_limits *own = limits_base(s, scope, index, LIMIT_LIMITS);
    const uint32_t percent = own ? own->warn_percent : CONFIG_WARN_NONE;
    return percent != CONFIG_WARN_NONE ? percent : s->firm.warn_percent;
}

// Rounded up: what is below it is below the percentage.
static uint64_t share_of(uint64_t limit, uint32_t percent)
{
    return limit / 100 * percent + (limit % 100 * percent + 99) / 100;
}

uint64_t warning_at(struct limits_source *s, enum trade_scope scope, uint32_t index, uint64_t value)
{
    const uint32_t percent = percent_of(s, scope, index);
    const bool none = percent == CONFIG_WARN_NONE || value == LIMIT_NOTHING || value == 0;
    return none ? LIMIT_NOTHING : share_of(value, percent);
}

// --- telling ---

struct look {
    struct limit_entry entry; // scope, index, control
    uint64_t use;
    uint64_t limit;      // what <use> is compared with
    uint32_t instrument; // of a position, else INSTRUMENT_NONE
    uint8_t lane;        // LANE_MAIN: all of them
    uint8_t percent;
};

// False: there is no room for the record, and nothing is as if it had been told.
static bool tell(struct dataplane *d, const struct look *k, bool now)
{
    struct limit_warnings *w = d->warnings;
    struct event event = {.type = EVENT_LIMIT_WARNING, .tsc = clock_tsc()};
    struct event_limit_warning *e = &event.limit_warning;
    if (event_credit(&d->events) == 0)
        return false;
    *e = (struct event_limit_warning){.use = k->use,
                                      .limit = k->limit,
                                      .index = k->entry.index,
                                      .instrument = (uint16_t)k->instrument,
                                      .scope = k->entry.scope,
                                      .control = k->entry.control,
                                      .percent = k->percent,
                                      .of_lane = k->lane,
                                      .now = now};
    event_write(&d->events, &event);
    w->on += now ? 1 : -UINT64_C(1);
    if (d->count) {
        d->count->limit_warnings += now;
        d->count->limits_warned = w->on;
    }
    if (now)
        log_warn(LOG_LIMIT_WARNING,
                 LOG_FIELDS(LOG_TEXT("scope", scope_name(k->entry.scope)),
                            LOG_NUMBER("row", k->entry.index),
                            LOG_TEXT("control", limit_control_name(k->entry.control)),
                            LOG_NUMBER("used", k->use), LOG_NUMBER("limit", k->limit),
                            LOG_NUMBER("percent", k->percent)),
                 "%s %u: %s: %lu of %lu are used, which is %u %% of it or more",
                 scope_name(k->entry.scope), k->entry.index, limit_control_name(k->entry.control),
                 k->use, k->limit, k->percent);
    return true;
}

// What <was> is from now on.
static bool judge(struct dataplane *d, const struct look *k, bool was)
{
    const bool none = k->percent == CONFIG_WARN_NONE || k->limit == LIMIT_NOTHING || k->limit == 0;
    const uint64_t at = none ? 0 : share_of(k->limit, k->percent);
    const uint64_t gap = k->limit / BELOW_PART, over = at > gap ? at - gap : 1;
    const bool now = !none && (was ? k->use >= over : k->use >= at);
    return now != was && tell(d, k, now) ? now : was;
}

// --- rows ---

// What is nearest to the limit: all lanes together, or the lane that has used most of its part.
static bool use_look(const struct dataplane *d, struct look *k)
{
    const bool parts = limit_in_parts(d, &k->entry);
    bool any = false;
    uint64_t use;
    k->lane = LANE_MAIN;
    for (uint32_t i = 0; i < d->config->lane_count; i++) {
        if (d->desks[i] == NULL || !limit_lane_use(d, i, &k->entry, &use))
            continue;
        if (parts && (use > k->use || !any))
            k->lane = (uint8_t)i;
        k->use = !parts ? k->use + use : use > k->use ? use : k->use;
        any = true;
    }
    if (parts && k->limit != LIMIT_NOTHING)
        k->limit /= config_trade_lanes(d->config);
    return any;
}

static void row_look(struct dataplane *d, struct limits_source *s, uint64_t at)
{
    struct limit_warnings *w = d->warnings;
    const struct row_name row = limit_row_at(s, at);
    const uint32_t percent = percent_of(s, row.scope, row.index);
    for (uint32_t i = 0; i < ARRAY_LEN(sums) && (percent != CONFIG_WARN_NONE || w->warned[at]);
         i++) {
        const uint64_t bit = UINT64_C(1) << sums[i];
        struct look k = {
            .entry = {.index = row.index, .scope = (uint8_t)row.scope, .control = sums[i]},
            .instrument = INSTRUMENT_NONE,
            .percent = (uint8_t)percent};
        uint64_t limit[LIMIT_OWNERS];
        enum limit_owned binds;
        k.limit = limits_both(s, row.scope, row.index, sums[i], limit, &binds) ? limit[binds]
                                                                               : LIMIT_NOTHING;
        if (k.limit == LIMIT_NOTHING && !(w->warned[at] & bit))
            continue;
        const bool was = w->warned[at] & bit;
        if (use_look(d, &k))
            w->warned[at] = (w->warned[at] & ~bit) | (judge(d, &k, was) ? bit : 0);
    }
}

// --- an account's position in each symbol ---

static uint64_t above_zero(int64_t value)
{
    return value > 0 ? (uint64_t)value : 0;
}

static void held_look(struct dataplane *d, struct limits_source *s, uint32_t lane, uint32_t at)
{
    struct limit_warnings *w = d->warnings;
    const struct position *p = &d->desks[lane]->desk.risk.positions[at];
    const uint32_t key = __atomic_load_n(&p->key, __ATOMIC_RELAXED);
    if (key == 0)
        return;
    const uint32_t account = (key - 1) >> 16;
    const int64_t shares = __atomic_load_n(&p->shares, __ATOMIC_RELAXED);
    const uint64_t longer =
        above_zero(shares + (int64_t)__atomic_load_n(&p->open_buy, __ATOMIC_RELAXED));
    const uint64_t shorter =
        above_zero((int64_t)__atomic_load_n(&p->open_sell, __ATOMIC_RELAXED) - shares);
    const uint64_t limit = d->desks[lane]->limits->accounts[account].position;
    const struct look k = {
        .entry = {.index = account, .scope = TRADE_ACCOUNT, .control = LIMIT_LIMITS_position},
        .use = longer > shorter ? longer : shorter,
        .limit = limit == LIMIT_POSITION_MAX ? LIMIT_NOTHING : limit,
        .instrument = (key - 1) & UINT16_MAX,
        .lane = (uint8_t)lane,
        .percent = (uint8_t)percent_of(s, TRADE_ACCOUNT, account)};
    uint64_t *word = &w->held[lane][at / 64];
    const uint64_t bit = UINT64_C(1) << at % 64;
    const bool was = *word & bit, now = judge(d, &k, was);
    if (now == was)
        return;
    *word ^= bit;
    w->held_by[account] += now ? 1 : -1u;
}

// --- all ---

bool warning_on(const struct dataplane *d, uint64_t row, const struct limit_entry *e)
{
    const struct limit_warnings *w = d->warnings;
    if (w == NULL || row >= w->rows || e->control >= LIMIT_CONTROL_ACTION) // no sum
        return false;
    if (e->scope == TRADE_ACCOUNT && e->control == LIMIT_LIMITS_position)
        return w->held_by[e->index] > 0;
    return w->warned[row] >> e->control & 1;
}

// True: the round is over.
static bool part_of_round(struct dataplane *d, struct limits_source *s)
{
    struct limit_warnings *w = d->warnings;
    bool over = true;
    for (uint32_t n = 0; n < ROWS_A_TURN && w->row < w->rows; n++)
        row_look(d, s, w->row++);
    for (uint32_t lane = 0; lane < d->config->lane_count; lane++) {
        if (w->held[lane] == NULL)
            continue;
        const uint32_t last = d->desks[lane]->desk.risk.position_mask;
        for (uint32_t n = 0; n < POSITIONS_A_TURN && w->position + n <= last; n++)
            held_look(d, s, lane, w->position + n);
        over &= w->position + POSITIONS_A_TURN > last;
    }
    w->position += over ? 0 : POSITIONS_A_TURN;
    return over && w->row == w->rows;
}

void warnings_turn(struct dataplane *d, uint64_t now_ns)
{
    struct limit_warnings *w = d->warnings;
    if (w == NULL || now_ns < w->round_at_ns || !part_of_round(d, limits_set_now(d)))
        return;
    w->row = 0;
    w->position = 0;
    w->round_at_ns = now_ns + ROUND_MS * (uint64_t)NS_PER_MS;
}
