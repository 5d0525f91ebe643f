#include "dataplane/control/limits_fill.h"

#include <stdio.h>
#include <stdlib.h>

#include "dataplane/control/dataplane.h"

// The file names phases, permissions, restrictions and states in the order of their enums, and what
// stands for none has the same value on both sides.

struct fill {
    uint32_t lanes; // that share what is filled
    uint64_t ticks_hz;
};

// Rounded down: the parts of all lanes together are never more than the limit.
static uint64_t part_of(uint64_t limit, uint64_t none, uint32_t lanes)
{
    return limit < none && lanes > 1 ? limit / lanes : limit;
}

// Of what counts no sum, nothing would pass with a part of 0: one at least.
static uint32_t count_of(uint32_t limit, uint32_t none, uint32_t lanes)
{
    const uint32_t part = (uint32_t)part_of(limit, none, lanes);
    return part ? part : 1;
}

static uint32_t ticks_clamp(uint64_t ticks)
{
    return ticks < UINT32_MAX ? (uint32_t)ticks : UINT32_MAX;
}

// Milliseconds, a part of them in each of <parts>, in so many ticks. Rounded up: nothing that has
// to count is too old.
static uint32_t window_of(const struct fill *f, uint32_t ms, uint32_t parts, uint32_t unit)
{
    const uint64_t each = 1000ull * parts * unit;
    return ticks_clamp((f->ticks_hz * ms + each - 1) / each);
}

static void owner_fill(const struct fill *f, struct limit_owner *to,
                       const struct config_limits *from)
{
    to->gross = part_of(from->gross, LIMIT_NOTIONAL_MAX, f->lanes);
    to->day_value = part_of(from->day_value, LIMIT_NOTIONAL_MAX, f->lanes);
    to->credit = part_of(from->credit, LIMIT_NOTIONAL_MAX, f->lanes);
    to->loss = part_of(from->loss, LIMIT_NOTIONAL_MAX, f->lanes);
    to->drawdown = part_of(from->drawdown, LIMIT_NOTIONAL_MAX, f->lanes);
    to->day_orders = (uint32_t)part_of(from->day_orders, UINT32_MAX, f->lanes);
    to->repeats = from->repeats;
    to->ratio = (uint16_t)from->order_ratio;
    to->ratio_step = window_of(f, from->order_ratio_ms, RATIO_STEPS, RATIO_UNIT);
    to->duplicates = (uint16_t)count_of(from->duplicates, UINT16_MAX, f->lanes);
    to->duplicate_window = window_of(f, from->duplicate_ms, 1, DUPLICATE_UNIT);
    to->instruments = (uint16_t)from->instruments;
    to->self_trade = (uint8_t)from->self_trade;
    to->market = (uint8_t)from->market;
}

static void line_fill(const struct fill *f, struct limit_row *row, const struct config_limits *from)
{
    row->quantity = from->quantity;
    row->auction_quantity = from->auction_quantity;
    row->notional = from->notional;
    row->open_orders = from->open_orders;
    row->open_notional = from->open_notional;
    row->position = part_of(from->position, LIMIT_POSITION_MAX, f->lanes);
    row->forbids = (uint16_t)from->forbid;
    row->state = (uint8_t)from->state;
}

static void row_fill(const struct fill *f, struct limit_row *row, const struct config_limits *firm,
                     const struct config_limits *broker)
{
    struct config_limits both;
    limit_row_open(row);
    limit_row_owners(row, limits_bind(firm, broker, &both));
    line_fill(f, row, &both);
    row->venues = both.venues ? both.venues : UINT32_MAX;
    owner_fill(f, &row->owner, &both);
}

// <rate> UINT32_MAX: any. Rounded up: never more of them than are configured.
static void rate_fill(const struct fill *f, uint32_t rate, uint32_t burst, uint32_t *apart,
                      uint32_t *ahead)
{
    const uint64_t each = (uint64_t)rate * RATE_UNIT;
    if (rate == UINT32_MAX)
        return;
    *apart = ticks_clamp((f->ticks_hz * f->lanes + each - 1) / each);
    *ahead = count_of(burst, UINT32_MAX, f->lanes) - 1;
}

static void session_fill(const struct fill *f, struct limit_row *row,
                         const struct config_session *from)
{
    row_fill(f, row, &from->limits, &from->broker);
    rate_fill(f, from->rate_per_s, from->burst, &row->rate_ticks, &row->burst);
    if (from->cancel_rate_per_s == UINT32_MAX)
        return;
    row->cancel_rate = from->cancel_pace ? CANCELS_WAIT : CANCELS_PASS;
    rate_fill(f, from->cancel_rate_per_s, from->cancel_burst, &row->price_low, &row->price_high);
}

static uint32_t band_of(uint32_t band)
{
    return band == CONFIG_BAND_MAX ? LIMIT_BAND_OPEN : band;
}

static void symbol_fill(const struct fill *f, struct limit_row *row,
                        const struct config_symbol_row *from)
{
    struct limit_symbol *to = &row->symbol;
    struct config_limits both;
    limit_symbol_open(row);
    limit_row_owners(row, limits_bind(&from->limits, &from->broker, &both));
    line_fill(f, row, &both);
    row->open_orders = (uint32_t)part_of(row->open_orders, UINT32_MAX, f->lanes);
    row->open_notional = part_of(row->open_notional, LIMIT_NOTIONAL_MAX, f->lanes);
    row->price_low = from->price_low;
    row->price_high = from->price_high;
    row->quality = (uint8_t)from->quality;
    rate_fill(f, from->rate_per_s, from->burst, &row->rate_ticks, &row->burst);
    to->tick = from->tick;
    to->tick_magic = multiple_magic(from->tick);
    to->lot = from->lot;
    to->lot_magic = multiple_magic(from->lot);
    if (from->average_volume != CONFIG_POSITION_MAX && from->volume_percent < CONFIG_VOLUME_NONE) {
        const uint64_t most = from->average_volume * from->volume_percent / 10000;
        to->volume = most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
    }
    // Less than the ask is the spread, and less than twice the middle: more says no more.
    to->spread = from->spread == CONFIG_BAND_MAX ? LIMIT_BAND16_OPEN
                 : from->spread < 20000          ? (uint16_t)from->spread
                                                 : 20000;
    to->touch = band_of(from->touch);
    to->touch_least = from->touch_least;
    to->last = band_of(from->last);
    to->last_least = from->last_least;
    to->period = (uint16_t)from->period;
    to->period_least = (uint16_t)from->period_least;
    to->previous_close = from->previous_close;
    to->no_reference = (uint8_t)from->no_reference;
    to->locates = (uint32_t)part_of(from->locates, UINT32_MAX, f->lanes);
    to->restricted = from->restricted & 3;
    to->short_marking = from->short_marking;
    to->rule_201 = from->rule_201;
    to->phases = from->phases ? (uint8_t)from->phases : UINT8_MAX;
    to->band_needed = from->band_needed;
    to->band_estimate = from->band_estimate;
}

static void actions_fill(const struct config_actions *from, struct limit_table *t)
{
    const uint32_t *configured = (const uint32_t *)from;
    unsigned check;
    for (unsigned i = 0; (check = refusal_check(i)) != REFUSAL_NONE; i++)
        t->actions[REFUSAL_BIT(check)] = (uint8_t)action_of(configured[i]);
}

void limits_fill(const struct limits_source *source, uint32_t lanes, uint64_t ticks_hz,
                 struct limit_table *t)
{
    const struct fill all = {lanes, ticks_hz}, one = {1, ticks_hz};
    t->version = 1;
    t->period_ticks = ticks_hz / 1000 * source->price_period_ms;
    actions_fill(&source->actions, t);
    row_fill(&all, &t->firm, &source->firm, &source->broker);
    for (uint32_t i = 0; i < source->account_count; i++)
        row_fill(&all, &t->accounts[i], &source->accounts[i], &source->broker_accounts[i]);
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++)
        if (source->strategies_used >> i & 1)
            row_fill(&one, &t->strategies[i], &source->strategies[i],
                     &source->broker_strategies[i]);
    for (uint32_t i = 0; i < source->session_count; i++)
        session_fill(&one, &t->sessions[i], &source->sessions[i]);
    for (uint32_t i = 0; i < source->symbol_count; i++)
        symbol_fill(&all, &t->symbols[i], &source->symbols[i]);
    t->symbol_count = source->symbol_count;
}

// --- two owners ---

// In an auction as well, where it is not said otherwise.
static uint32_t auction_of(const struct config_limits *from)
{
    return from->auction_quantity == UINT32_MAX ? from->quantity : from->auction_quantity;
}

// A number that is counted within a time brings its own: two such times are one
// (config_owners_good).
uint32_t limits_bind(const struct config_limits *firm, const struct config_limits *broker,
                     struct config_limits *both)
{
    struct config_limits his = *broker;
    uint32_t of_broker = 0;
    his.auction_quantity = auction_of(broker);
    *both = *firm;
    both->auction_quantity = auction_of(firm);
#define BIND(check, key)                       \
    if (his.key < both->key) {                 \
        both->key = his.key;                   \
        of_broker |= 1u << LIMIT_LIMITS_##key; \
    }
    LIMIT_OWNED_LIST(BIND)
#undef BIND
    if (of_broker >> LIMIT_LIMITS_order_ratio & 1)
        both->order_ratio_ms = broker->order_ratio_ms;
    if (of_broker >> LIMIT_LIMITS_duplicates & 1)
        both->duplicate_ms = broker->duplicate_ms;
    return of_broker;
}

// --- the source ---

static void strategy_add(struct limits_source *s, const struct config *config, uint32_t index,
                         uint32_t lane, const struct config_limits *firm,
                         const struct config_limits *broker)
{
    for (uint32_t i = 0; i < config->session_count; i++)
        s->venues[index] |= (uint32_t)(config->sessions[i].lane == lane) << i;
    s->strategies_used |= 1ull << index;
    s->strategies[index] = *firm;
    s->broker_strategies[index] = *broker;
}

uint64_t limits_source_bytes(const struct limits_source *s)
{
    return sizeof *s + s->symbol_count * sizeof s->symbols[0];
}

struct limits_source *limits_source_new(const struct config *config, const struct day *day)
{
    uint32_t symbols = 0, at = 0;
    for (uint32_t r = 0; r < config->symbol_count; r++)
        symbols += config->symbols[r].names.count;
    struct limits_source *s = calloc(1, sizeof *s + symbols * sizeof s->symbols[0]);
    if (s == NULL)
        return NULL;
    s->account_count = config->account_count;
    s->session_count = config->session_count;
    s->symbol_count = symbols;
    s->lanes = config_trade_lanes(config);
    s->actions = config->trading.actions;
    s->price_period_ms = config->trading.price_period_ms;
    s->firm = config->trading.limits;
    s->broker = config->trading.broker;
    for (uint32_t i = 0; i < config->account_count; i++) {
        s->accounts[i] = config->accounts[i].limits;
        s->broker_accounts[i] = config->accounts[i].broker;
    }
    for (uint32_t i = 0; i < config->strategy_count; i++)
        strategy_add(s, config, i, config->strategies[i].lane, &config->strategies[i].limits,
                     &config->strategies[i].broker);
    for (uint32_t i = 0; i < config->client_count; i++)
        strategy_add(s, config, gateway_strategy(config, i), config->clients[i].lane,
                     &config->clients[i].limits, &config->clients[i].broker);
    for (uint32_t i = 0; i < config->session_count; i++)
        s->sessions[i] = config->sessions[i];
    for (uint32_t r = 0; r < config->symbol_count; r++)
        for (uint32_t i = 0; i < config->symbols[r].names.count; i++) {
            s->symbols[at] = config->symbols[r];
            day_overlay(day, at, &s->symbols[at]);
            s->symbols[at++].names = (struct config_symbols){0};
        }
    return s;
}

static struct config_limits *limits_of(struct limits_source *s, bool broker, enum trade_scope scope,
                                       uint32_t i)
{
    switch (scope) {
    case TRADE_FIRM: return i > 0 ? NULL : broker ? &s->broker : &s->firm;
    case TRADE_ACCOUNT:
        return i >= s->account_count ? NULL : broker ? &s->broker_accounts[i] : &s->accounts[i];
    case TRADE_STRATEGY:
        return i >= STRATEGIES_MAX || !(s->strategies_used >> i & 1) ? NULL
               : broker                                              ? &s->broker_strategies[i]
                                                                     : &s->strategies[i];
    case TRADE_SYMBOL:
        return i >= s->symbol_count ? NULL : broker ? &s->symbols[i].broker : &s->symbols[i].limits;
    case TRADE_SESSION:
        return i >= s->session_count ? NULL
               : broker              ? &s->sessions[i].broker
                                     : &s->sessions[i].limits;
    default: return NULL;
    }
}

void *limits_owned(struct limits_source *s, enum limit_owned owner, enum trade_scope scope,
                   uint32_t index, enum limit_section section)
{
    if (section == LIMIT_LIMITS)
        return limits_of(s, owner == LIMIT_OF_BROKER, scope, index);
    if (owner != LIMIT_OF_FIRM)
        return NULL;
    if (section == LIMIT_ACTIONS)
        return scope == TRADE_FIRM && index == 0 ? &s->actions : NULL;
    if (section == LIMIT_SYMBOL)
        return scope == TRADE_SYMBOL && index < s->symbol_count ? &s->symbols[index] : NULL;
    return scope == TRADE_SESSION && index < s->session_count ? &s->sessions[index] : NULL;
}

void *limits_base(struct limits_source *s, enum trade_scope scope, uint32_t index,
                  enum limit_section section)
{
    return limits_owned(s, LIMIT_OF_FIRM, scope, index, section);
}

bool limits_venues_good(struct limits_source *s, enum trade_scope scope, uint32_t index,
                        struct limit_fault *f)
{
    const struct config_limits *limits = limits_of(s, false, scope, index);
    const uint32_t others =
        scope == TRADE_STRATEGY && limits ? limits->venues & ~s->venues[index] : 0;
    f->key = "venues";
    if (others)
        snprintf(f->text, sizeof f->text, "session %d is none of the strategy's lane",
                 __builtin_ctz(others));
    return others == 0;
}

bool limits_least_fits(struct limits_source *s, const struct config_least *least,
                       struct limit_fault *f)
{
    static const enum trade_scope scopes[] = {TRADE_FIRM, TRADE_ACCOUNT, TRADE_STRATEGY,
                                              TRADE_SESSION};
    const uint32_t counts[] = {1, s->account_count, STRATEGIES_MAX, s->session_count};
    for (uint32_t n = 0; n < ARRAY_LEN(scopes); n++)
        for (uint32_t i = 0; i < counts[n]; i++) {
            const struct config_limits *firm = limits_of(s, false, scopes[n], i),
                                       *broker = limits_of(s, true, scopes[n], i);
            if (firm == NULL || config_least_fits(scopes[n], firm, broker, least, s->lanes, f))
                continue;
            f->scope = scopes[n];
            f->index = i;
            return false;
        }
    return true;
}

bool limits_least_good(struct limits_source *s, struct limit_fault *f)
{
    struct config_least least = CONFIG_LEAST_NONE;
    for (uint32_t i = 0; i < s->symbol_count; i++)
        config_least_add(&least, &s->symbols[i]);
    return s->symbol_count == 0 || limits_least_fits(s, &least, f);
}

bool limits_room_good(struct limits_source *s, struct limit_fault *f)
{
    if (!limits_least_good(s, f))
        return false;
    f->scope = TRADE_SYMBOL;
    for (f->index = 0; f->index < s->symbol_count; f->index++)
        if (!config_symbol_good(&s->symbols[f->index], false, f) ||
            !config_row_parts_good(&s->symbols[f->index], s->lanes, f))
            return false;
    return true;
}

bool limits_actions_good(const struct limits_source *s, struct limit_fault *f)
{
    uint32_t broker = config_limited(&s->broker);
    for (uint32_t i = 0; i < s->account_count; i++)
        broker |= config_limited(&s->broker_accounts[i]);
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++)
        broker |= s->strategies_used >> i & 1 ? config_limited(&s->broker_strategies[i]) : 0;
    for (uint32_t i = 0; i < s->session_count; i++)
        broker |= config_limited(&s->sessions[i].broker);
    for (uint32_t i = 0; i < s->symbol_count; i++)
        broker |= config_limited(&s->symbols[i].broker);
    if (config_actions_good(&s->actions, broker, f))
        return true;
    f->scope = TRADE_FIRM;
    f->index = 0;
    return false;
}

// The time in which a number is counted is whose the number is.
static unsigned number_of(unsigned control)
{
    return control == LIMIT_LIMITS_order_ratio_ms ? LIMIT_LIMITS_order_ratio
           : control == LIMIT_LIMITS_duplicate_ms ? LIMIT_LIMITS_duplicates
                                                  : control;
}

uint64_t limits_held(unsigned control, uint64_t value, const void *base)
{
    return control == LIMIT_LIMITS_auction_quantity && value == LIMIT_NOTHING
               ? config_limit_get(LIMIT_LIMITS_quantity, base)
               : value;
}

static uint64_t held_of(unsigned control, const void *base)
{
    return base ? limits_held(control, config_limit_get(control, base), base) : LIMIT_NOTHING;
}

bool limits_both(struct limits_source *s, enum trade_scope scope, uint32_t index, unsigned control,
                 uint64_t limit[LIMIT_OWNERS], enum limit_owned *binds)
{
    if (!limit_control_has(scope, control))
        return false;
    const unsigned number = number_of(control);
    const enum limit_section section = limit_control_table[control].section;
    const void *firm = limits_owned(s, LIMIT_OF_FIRM, scope, index, section);
    const void *broker = limit_owner_has(LIMIT_OF_BROKER, control)
                             ? limits_owned(s, LIMIT_OF_BROKER, scope, index, section)
                             : NULL;
    if (firm == NULL)
        return false;
    const uint64_t of_broker = held_of(number, broker);
    *binds = of_broker < held_of(number, firm) ? LIMIT_OF_BROKER : LIMIT_OF_FIRM;
    limit[LIMIT_OF_FIRM] = held_of(control, firm);
    limit[LIMIT_OF_BROKER] = of_broker == LIMIT_NOTHING ? LIMIT_NOTHING : held_of(control, broker);
    return true;
}

bool limits_restore(struct limits_source *s, const struct event_limit_changed *set)
{
    if (s == NULL || set->scope >= TRADE_SCOPES || set->control >= LIMIT_CONTROLS ||
        !limit_control_has(set->scope, set->control) || !limit_owner_has(set->owner, set->control))
        return false;
    void *base = limits_owned(s, set->owner, set->scope, set->index,
                              limit_control_table[set->control].section);
    return base && config_limit_put(set->control, base, set->now);
}
