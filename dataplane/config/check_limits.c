// What belongs to whom, and limits that contradict each other.
#include <stddef.h>

#include <stdarg.h>
#include <stdio.h>

#include "dataplane/base/hints.h"
#include "dataplane/abi/trade.h"
#include "dataplane/config/places.h"
#include "dataplane/wire/ouch50.h"

enum { DOLLAR = 10000 }; // price4; below it a price is a multiple of 0.0001, whatever tick says

enum owner { FIRM = 1, ACCOUNT = 2, STRATEGY = 4, SYMBOL = 8, SESSION = 16 };

static const char *name_of(enum owner owner)
{
    switch (owner) {
    case FIRM: return "the firm";
    case ACCOUNT: return "accounts";
    case STRATEGY: return "strategies and clients";
    case SYMBOL: return "symbols";
    case SESSION: return "sessions";
    }
    return "?";
}

// Limits that not every owner has: what stands for none, and whose they are.
#define LIMIT_OF(member, none, owners, belongs)                                              \
    {                                                                                        \
        offsetof(struct config_limits, member), sizeof(((struct config_limits *)0)->member), \
            #member, none, owners, belongs                                                   \
    }
static const struct limit_of {
    uint32_t offset;
    uint32_t size;
    const char *key;
    uint64_t none;
    uint32_t owners;
    const char *belongs;
} limits_of[] = {
    LIMIT_OF(position, CONFIG_POSITION_MAX, ACCOUNT | STRATEGY | SYMBOL,
             "positions belong to accounts, strategies, clients and symbols"),
    LIMIT_OF(gross, CONFIG_NOTIONAL_MAX, FIRM | ACCOUNT, "it belongs to the firm and accounts"),
    LIMIT_OF(credit, CONFIG_NOTIONAL_MAX, FIRM | ACCOUNT, "it belongs to the firm and accounts"),
    LIMIT_OF(loss, CONFIG_NOTIONAL_MAX, FIRM | ACCOUNT, "it belongs to the firm and accounts"),
    LIMIT_OF(drawdown, CONFIG_NOTIONAL_MAX, FIRM | ACCOUNT, "it belongs to the firm and accounts"),
    LIMIT_OF(day_value, CONFIG_NOTIONAL_MAX, FIRM | ACCOUNT | STRATEGY | SESSION,
             "it belongs to the firm, accounts, strategies and sessions"),
    LIMIT_OF(day_orders, UINT32_MAX, FIRM | ACCOUNT | STRATEGY | SESSION,
             "it belongs to the firm, accounts, strategies and sessions"),
    LIMIT_OF(order_ratio, UINT16_MAX, FIRM | ACCOUNT | STRATEGY | SESSION,
             "it belongs to the firm, accounts, strategies and sessions"),
    LIMIT_OF(self_trade, 0, FIRM | ACCOUNT, "it belongs to the firm and accounts"),
    LIMIT_OF(duplicates, UINT16_MAX, ACCOUNT, "it belongs to accounts"),
    LIMIT_OF(repeats, UINT32_MAX, STRATEGY, "it belongs to strategies and clients"),
    LIMIT_OF(instruments, UINT16_MAX, STRATEGY, "it belongs to strategies and clients"),
    LIMIT_OF(market, 0, ACCOUNT, "it belongs to accounts"),
    LIMIT_OF(venues, 0, STRATEGY, "it belongs to strategies and clients"),
};

static bool fault(struct limit_fault *f, const void *member, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static bool fault(struct limit_fault *f, const void *member, const char *key, const char *fmt, ...)
{
    va_list ap;
    f->member = member;
    f->key = key;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
    return false;
}

static bool limits_check(const struct config_limits *limits, enum owner owner,
                         struct limit_fault *f)
{
    for (uint32_t i = 0; i < ARRAY_LEN(limits_of); i++) {
        const struct limit_of *l = &limits_of[i];
        const char *member = (const char *)limits + l->offset;
        const uint64_t value = l->size == sizeof(uint64_t)
                                   ? *(const uint64_t *)(const void *)member
                                   : *(const uint32_t *)(const void *)member;
        if (value != l->none && !(l->owners & owner))
            return fault(f, member, l->key, "%s, not to %s; limit it there", l->belongs,
                         name_of(owner));
    }
    return true;
}

bool config_limits_good(enum trade_scope scope, const struct config_limits *limits,
                        struct limit_fault *f)
{
    static const enum owner owners[TRADE_SCOPES] = {[TRADE_FIRM] = FIRM,
                                                    [TRADE_ACCOUNT] = ACCOUNT,
                                                    [TRADE_STRATEGY] = STRATEGY,
                                                    [TRADE_SYMBOL] = SYMBOL,
                                                    [TRADE_SESSION] = SESSION};
    return limits_check(limits, owners[scope], f);
}

// The lowest price within the collar that tick lets pass; above price_high: there is none.
static uint64_t lowest_price(const struct config_symbol_row *row)
{
    const uint64_t low = row->price_low ? row->price_low : 1;
    return low < DOLLAR ? low : (low + row->tick - 1) / row->tick * row->tick;
}

// The smallest order that lot, tick and collar leave has to fit: where it does not, nothing enters,
// and whoever means that says 0.
static bool smallest_fits(const struct config_symbol_row *row, const struct config_limits *l,
                          struct limit_fault *f)
{
    const uint64_t money = lowest_price(row) * row->lot;
    const struct {
        const void *member;
        const char *key;
        uint64_t limit;
    } shares[] = {{&l->quantity, "quantity", l->quantity},
                  {&l->auction_quantity, "auction_quantity", l->auction_quantity},
                  {&l->position, "position", l->position}},
      sums[] = {{&l->notional, "notional", l->notional},
                {&l->open_notional, "open_notional", l->open_notional}};
    for (uint32_t i = 0; i < ARRAY_LEN(shares); i++)
        if (shares[i].limit && shares[i].limit < row->lot)
            return fault(f, shares[i].member, shares[i].key,
                         "is below lot (%u): no order would enter; name %u or more, or 0 if none "
                         "is to",
                         row->lot, row->lot);
    for (uint32_t i = 0; i < ARRAY_LEN(sums); i++)
        if (sums[i].limit && sums[i].limit < money)
            return fault(f, sums[i].member, sums[i].key,
                         "is below the smallest order that lot, tick and price_low leave "
                         "(%lu.%04lu): none would enter; name that or more, or 0 if none is to",
                         money / 10000, money % 10000);
    return true;
}

// A lane whose part is below the smallest order takes none, however much the others have.
static bool parts_good(enum trade_scope scope, const struct config_limits *l,
                       const struct config_least *least, uint32_t lanes, struct limit_fault *f)
{
    const bool symbol = scope == TRADE_SYMBOL; // of others these two are leased
    const struct {
        const void *member;
        const char *key;
        uint64_t limit, least;
        bool money;
    } parts[] = {
        {&l->position, "position", l->position, least->lot, false},
        {&l->day_orders, "day_orders", l->day_orders, 1, false},
        {&l->gross, "gross", l->gross, least->money, true},
        {&l->day_value, "day_value", l->day_value, least->money, true},
        {&l->credit, "credit", l->credit, least->money, true},
        {&l->open_orders, "open_orders", symbol ? l->open_orders : 0, 1, false},
        {&l->open_notional, "open_notional", symbol ? l->open_notional : 0, least->money, true}};
    if (lanes < 2 || (!symbol && scope != TRADE_FIRM && scope != TRADE_ACCOUNT))
        return true;
    for (uint32_t i = 0; i < ARRAY_LEN(parts); i++) {
        const uint64_t all = parts[i].least * lanes;
        if (parts[i].limit == 0 || parts[i].limit >= all)
            continue;
        if (parts[i].money)
            return fault(f, parts[i].member, parts[i].key,
                         "%u lanes trade, and each has an equal part of it: no order would enter; "
                         "name %lu.%04lu or more, or 0 if none is to",
                         lanes, all / 10000, all % 10000);
        return fault(f, parts[i].member, parts[i].key,
                     "%u lanes trade, and each has an equal part of it: no order would enter; "
                     "name %lu or more, or 0 if none is to",
                     lanes, all);
    }
    return true;
}

static bool both_parts_good(enum trade_scope scope, const struct config_limits *limits,
                            const struct config_limits *broker, const struct config_least *least,
                            uint32_t lanes, struct limit_fault *f)
{
    return parts_good(scope, limits, least, lanes, f) && parts_good(scope, broker, least, lanes, f);
}

void config_least_add(struct config_least *least, const struct config_symbol_row *row)
{
    const uint64_t money = lowest_price(row) * row->lot;
    least->lot = row->lot < least->lot ? row->lot : least->lot;
    least->money = money < least->money ? money : least->money;
}

static bool least_fits(const struct config_least *least, const struct config_limits *l,
                       struct limit_fault *f)
{
    const struct {
        const void *member;
        const char *key;
        uint64_t limit, least;
    } limits[] = {{&l->quantity, "quantity", l->quantity, least->lot},
                  {&l->auction_quantity, "auction_quantity", l->auction_quantity, least->lot},
                  {&l->position, "position", l->position, least->lot},
                  {&l->notional, "notional", l->notional, least->money},
                  {&l->open_notional, "open_notional", l->open_notional, least->money},
                  {&l->gross, "gross", l->gross, least->money},
                  {&l->day_value, "day_value", l->day_value, least->money},
                  {&l->credit, "credit", l->credit, least->money}};
    for (uint32_t i = 0; i < ARRAY_LEN(limits); i++) {
        const uint64_t most = limits[i].limit, smallest = limits[i].least;
        if (most == 0 || most >= smallest)
            continue;
        if (i < 3)
            return fault(f, limits[i].member, limits[i].key,
                         "is below the lot of every symbol: no order would enter; name %lu or "
                         "more, or 0 if none is to",
                         smallest);
        return fault(f, limits[i].member, limits[i].key,
                     "is below the smallest order that lot, tick and price_low of any symbol "
                     "leave: none would enter; name %lu.%04lu or more, or 0 if none is to",
                     smallest / 10000, smallest % 10000);
    }
    return true;
}

bool config_symbol_good(const struct config_symbol_row *row, bool volume_later,
                        struct limit_fault *f)
{
    const bool collar = row->price_low > 0 && row->price_high < UINT32_MAX;
    if (row->price_low > OUCH50_PRICE_MAX)
        return fault(
            f, &row->price_low, "price_low",
            "is above %u.%04u, the highest price of an order; name a lower one, 0 for none, "
            "or restricted: all where nothing may enter",
            OUCH50_PRICE_MAX / 10000, OUCH50_PRICE_MAX % 10000);
    if (row->price_low > row->price_high)
        return fault(f, &row->price_low, "price_low", "is above price_high");
    if (lowest_price(row) > row->price_high)
        return fault(f, &row->tick, "tick",
                     "has no multiple between price_low and price_high: no order would enter; name "
                     "a smaller one, or widen the collar");
    if (row->no_reference && !collar)
        return fault(f, &row->no_reference, "no_reference",
                     "needs price_low and price_high: without them nothing would hold a price");
    if (row->touch_least && row->touch == CONFIG_BAND_MAX)
        return fault(f, &row->touch_least, "touch_least", "does nothing without touch");
    if (row->last_least && row->last == CONFIG_BAND_MAX)
        return fault(f, &row->last_least, "last_least", "does nothing without last");
    if (row->period_least && row->period == CONFIG_BAND16_MAX)
        return fault(f, &row->period_least, "period_least", "does nothing without period");
    if (row->volume_percent < CONFIG_VOLUME_NONE && row->average_volume == CONFIG_POSITION_MAX &&
        !volume_later)
        return fault(f, &row->volume_percent, "volume_percent",
                     "needs average_volume, here or in the file day.reference");
    return smallest_fits(row, &row->limits, f) && smallest_fits(row, &row->broker, f);
}

bool config_volume_good(const struct config_symbol_row *row, struct limit_fault *f)
{
    if (row->average_volume == CONFIG_POSITION_MAX || row->volume_percent == CONFIG_VOLUME_NONE ||
        row->average_volume * row->volume_percent / 10000 >= row->lot)
        return true;
    return fault(f, &row->volume_percent, "volume_percent",
                 "of average_volume is below lot (%u): no order would enter; name more", row->lot);
}

uint32_t config_trade_lanes(const struct config *config)
{
    uint64_t lanes = 0;
    for (uint32_t i = 0; i < config->session_count; i++)
        lanes |= UINT64_C(1) << config->sessions[i].lane;
    return (uint32_t)__builtin_popcountll(lanes);
}

// Every lane has a part of the rate, of a message at least: less would be more than the row says.
bool config_row_parts_good(const struct config_symbol_row *row, uint32_t lanes,
                           struct limit_fault *f)
{
    if (row->rate_per_s < lanes)
        return fault(f, &row->rate_per_s, "rate_per_s",
                     "%u lanes trade, and each has an equal part of it: name %u or more", lanes,
                     lanes);
    if (row->rate_per_s != UINT32_MAX && row->burst < lanes)
        return fault(f, &row->burst, "burst",
                     "%u lanes trade, and each has an equal part of it: name %u or more", lanes,
                     lanes);
    const struct config_least least = {row->lot, lowest_price(row) * row->lot};
    return both_parts_good(TRADE_SYMBOL, &row->limits, &row->broker, &least, lanes, f);
}

// Of two numbers in two times neither is the lower one.
bool config_owners_good(const struct config_limits *limits, const struct config_limits *broker,
                        struct limit_fault *f)
{
    if (limits->order_ratio != UINT16_MAX && broker->order_ratio != UINT16_MAX &&
        limits->order_ratio_ms != broker->order_ratio_ms)
        return fault(f, &broker->order_ratio, "order_ratio",
                     "counts within %u ms, that of limits within %u: give both one order_ratio_ms",
                     broker->order_ratio_ms, limits->order_ratio_ms);
    if (limits->duplicates != UINT16_MAX && broker->duplicates != UINT16_MAX &&
        limits->duplicate_ms != broker->duplicate_ms)
        return fault(f, &broker->duplicates, "duplicates",
                     "counts within %u ms, that of limits within %u: give both one duplicate_ms",
                     broker->duplicate_ms, limits->duplicate_ms);
    return true;
}

uint32_t config_limited(const struct config_limits *l)
{
    uint32_t limited = 0;
#define LIMITED(check, key) \
    limited |=              \
        config_limit_get(LIMIT_LIMITS_##key, l) == LIMIT_NOTHING ? 0 : 1u << LIMIT_LIMITS_##key;
    LIMIT_OWNED_LIST(LIMITED)
#undef LIMITED
    return limited;
}

// The words of the actions that a check may have.
static void actions_say(uint32_t permitted, char *text, size_t len)
{
    size_t used = 0;
    *text = 0;
    for (unsigned action = 0; action < CONTROL_ACTIONS && used < len; action++)
        if (permitted >> action & 1)
            used += (size_t)snprintf(text + used, len - used, "%s%s", used ? ", " : "",
                                     action_name(action));
}

bool config_actions_good(const struct config_actions *actions, uint32_t broker,
                         struct limit_fault *f)
{
    const uint32_t *configured = (const uint32_t *)actions;
    unsigned check;
    for (unsigned i = 0; (check = refusal_check(i)) != REFUSAL_NONE; i++) {
        const enum control_action action = action_of(configured[i]);
        char may[64];
        actions_say(actions_permitted(check), may, sizeof may);
        if (!(actions_permitted(check) >> action & 1))
            return fault(f, &configured[i], refusal_name(check),
                         "this control cannot %s; it takes: %s", action_name(action), may);
        if (action == ACTION_NOTIFY && broker >> limit_control_of(check) & 1 &&
            limit_control_of(check) != LIMIT_CONTROL_NONE)
            return fault(f, &configured[i], refusal_name(check),
                         "the broker limits %s: what is only told could be beyond his limit; say "
                         "refuse, or more",
                         limit_control_name(limit_control_of(check)));
    }
    return true;
}

static bool both_good(enum trade_scope scope, const struct config_limits *limits,
                      const struct config_limits *broker, struct limit_fault *f)
{
    return config_limits_good(scope, limits, f) && config_limits_good(scope, broker, f) &&
           config_owners_good(limits, broker, f);
}

bool config_least_fits(enum trade_scope scope, const struct config_limits *limits,
                       const struct config_limits *broker, const struct config_least *least,
                       uint32_t lanes, struct limit_fault *f)
{
    return least_fits(least, limits, f) && least_fits(least, broker, f) &&
           both_parts_good(scope, limits, broker, least, lanes, f);
}

bool config_least_good(const struct config *config, const struct config_least *least,
                       struct limit_fault *f)
{
    const uint32_t lanes = config_trade_lanes(config);
    bool good =
        config->trading.orders == 0 || config_least_fits(TRADE_FIRM, &config->trading.limits,
                                                         &config->trading.broker, least, lanes, f);
    for (uint32_t i = 0; good && i < config->account_count; i++)
        good = config_least_fits(TRADE_ACCOUNT, &config->accounts[i].limits,
                                 &config->accounts[i].broker, least, lanes, f);
    for (uint32_t i = 0; good && i < config->session_count; i++)
        good = config_least_fits(TRADE_SESSION, &config->sessions[i].limits,
                                 &config->sessions[i].broker, least, lanes, f);
    for (uint32_t i = 0; good && i < config->strategy_count; i++)
        good = config_least_fits(TRADE_STRATEGY, &config->strategies[i].limits,
                                 &config->strategies[i].broker, least, lanes, f);
    for (uint32_t i = 0; good && i < config->client_count; i++)
        good = config_least_fits(TRADE_STRATEGY, &config->clients[i].limits,
                                 &config->clients[i].broker, least, lanes, f);
    return good;
}

bool config_check_limits(const struct config *config, const struct places *places,
                         struct error *err)
{
    struct limit_fault f;
    struct config_least all = CONFIG_LEAST_NONE;
    for (uint32_t i = 0; i < config->symbol_count; i++)
        config_least_add(&all, &config->symbols[i]);
    bool good = config->trading.orders == 0 ||
                both_good(TRADE_FIRM, &config->trading.limits, &config->trading.broker, &f);
    for (uint32_t i = 0; good && i < config->account_count; i++)
        good =
            both_good(TRADE_ACCOUNT, &config->accounts[i].limits, &config->accounts[i].broker, &f);
    for (uint32_t i = 0; good && i < config->symbol_count; i++)
        good = config_symbol_good(&config->symbols[i], *config->day.reference != 0, &f) &&
               (*config->day.reference || config_volume_good(&config->symbols[i], &f)) &&
               config_row_parts_good(&config->symbols[i], config_trade_lanes(config), &f) &&
               both_good(TRADE_SYMBOL, &config->symbols[i].limits, &config->symbols[i].broker, &f);
    for (uint32_t i = 0; good && i < config->session_count; i++)
        good =
            both_good(TRADE_SESSION, &config->sessions[i].limits, &config->sessions[i].broker, &f);
    for (uint32_t i = 0; good && i < config->strategy_count; i++)
        good = both_good(TRADE_STRATEGY, &config->strategies[i].limits,
                         &config->strategies[i].broker, &f);
    for (uint32_t i = 0; good && i < config->client_count; i++)
        good =
            both_good(TRADE_STRATEGY, &config->clients[i].limits, &config->clients[i].broker, &f);
    // Of a file of the day that says other lots it is asked when that is read.
    good = good && (config->symbol_count == 0 || *config->day.reference ||
                    config_least_good(config, &all, &f));
    uint32_t broker = config->trading.orders ? config_limited(&config->trading.broker) : 0;
    for (uint32_t i = 0; i < config->account_count; i++)
        broker |= config_limited(&config->accounts[i].broker);
    for (uint32_t i = 0; i < config->symbol_count; i++)
        broker |= config_limited(&config->symbols[i].broker);
    for (uint32_t i = 0; i < config->session_count; i++)
        broker |= config_limited(&config->sessions[i].broker);
    for (uint32_t i = 0; i < config->strategy_count; i++)
        broker |= config_limited(&config->strategies[i].broker);
    for (uint32_t i = 0; i < config->client_count; i++)
        broker |= config_limited(&config->clients[i].broker);
    good = good && (config->trading.orders == 0 ||
                    config_actions_good(&config->trading.actions, broker, &f));
    return good || place_fault(places, f.member, err, "%s", f.text);
}
