// What belongs to whom, and limits that contradict each other.
#include <stddef.h>

#include "dataplane/base/hints.h"
#include "dataplane/config/places.h"

struct check {
    const struct config *config;
    const struct places *places;
    struct error *err;
};

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
#define LIMIT_OF(member, none, owners, belongs)                                                    \
    {                                                                                              \
        offsetof(struct config_limits, member), sizeof(((struct config_limits *)0)->member), none, \
            owners, belongs                                                                        \
    }
static const struct limit_of {
    uint32_t offset;
    uint32_t size;
    uint64_t none;
    uint32_t owners;
    const char *belongs;
} limits_of[] = {
    LIMIT_OF(position, CONFIG_POSITION_MAX, ACCOUNT | SYMBOL,
             "positions belong to accounts and symbols"),
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
    LIMIT_OF(duplicates, UINT16_MAX, ACCOUNT, "it belongs to accounts"),
    LIMIT_OF(repeats, UINT32_MAX, STRATEGY, "it belongs to strategies and clients"),
    LIMIT_OF(instruments, UINT16_MAX, STRATEGY, "it belongs to strategies and clients"),
};

static bool limits_check(const struct check *c, const struct config_limits *limits,
                         enum owner owner)
{
    for (uint32_t i = 0; i < ARRAY_LEN(limits_of); i++) {
        const struct limit_of *l = &limits_of[i];
        const char *member = (const char *)limits + l->offset;
        const uint64_t value = l->size == sizeof(uint64_t)
                                   ? *(const uint64_t *)(const void *)member
                                   : *(const uint32_t *)(const void *)member;
        if (value != l->none && !(l->owners & owner))
            return place_fault(c->places, member, c->err, "%s, not to %s; limit it there",
                               l->belongs, name_of(owner));
    }
    return true;
}

static bool symbol_check(const struct check *c, const struct config_symbol_row *row)
{
    const bool collar = row->price_low > 0 && row->price_high < UINT32_MAX;
    if (row->price_low > row->price_high)
        return place_fault(c->places, &row->price_low, c->err, "is above price_high");
    if (row->no_reference && !collar)
        return place_fault(
            c->places, &row->no_reference, c->err,
            "needs price_low and price_high: without them nothing would hold a price");
    if (row->touch_least && row->touch == CONFIG_BAND_MAX)
        return place_fault(c->places, &row->touch_least, c->err, "does nothing without touch");
    if (row->last_least && row->last == CONFIG_BAND_MAX)
        return place_fault(c->places, &row->last_least, c->err, "does nothing without last");
    if (row->volume_percent < 10000 && row->average_volume == CONFIG_POSITION_MAX &&
        *c->config->day.reference == 0)
        return place_fault(c->places, &row->volume_percent, c->err,
                           "needs average_volume, here or in the file day.reference");
    return limits_check(c, &row->limits, SYMBOL);
}

bool config_check_limits(const struct config *config, const struct places *places,
                         struct error *err)
{
    const struct check c = {config, places, err};
    if (config->trading.orders && !limits_check(&c, &config->trading.limits, FIRM))
        return false;
    for (uint32_t i = 0; i < config->account_count; i++)
        if (!limits_check(&c, &config->accounts[i].limits, ACCOUNT))
            return false;
    for (uint32_t i = 0; i < config->symbol_count; i++)
        if (!symbol_check(&c, &config->symbols[i]))
            return false;
    for (uint32_t i = 0; i < config->session_count; i++)
        if (!limits_check(&c, &config->sessions[i].limits, SESSION))
            return false;
    for (uint32_t i = 0; i < config->strategy_count; i++)
        if (!limits_check(&c, &config->strategies[i].limits, STRATEGY))
            return false;
    for (uint32_t i = 0; i < config->client_count; i++)
        if (!limits_check(&c, &config->clients[i].limits, STRATEGY))
            return false;
    return true;
}
