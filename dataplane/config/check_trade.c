// What no single option of trading can know: sessions, accounts, symbols, strategies.
#include <string.h>
#include <unistd.h>

#include "dataplane/config/places.h"

struct check {
    const struct config *config;
    const struct places *places;
    struct error *err;
};

// --- what belongs to whom ---

// A lane of a port that has several gets what nobody sorts if it is the first of them.
static bool first_on_port(const struct config *config, uint32_t lane, uint32_t port)
{
    for (uint32_t i = 0; i < config->channel_count; i++)
        for (uint32_t l = 0; l < config->channels[i].line_count; l++)
            if (config->channels[i].lines[l].port == port && config->channels[i].lane < lane)
                return false;
    for (uint32_t i = 0; i < config->session_count; i++)
        if (config->sessions[i].port == port && config->sessions[i].lane < lane)
            return false;
    return true;
}

static bool way_check(const struct check *c, const struct config_session *s)
{
    const struct config *config = c->config;
    const struct config_port *port = &config->ports[s->port];
    const uint32_t mask = ~UINT32_C(0) << (32 - port->prefix_len);
    if (port->ip == 0)
        return place_fault(c->places, &s->port, c->err,
                           "port '%s' has no address to connect from; set its ip", port->name);
    if (port->gateway == 0 && ((port->ip ^ s->server.ip) & mask) != 0)
        return place_fault(c->places, &s->server, c->err,
                           "is not in the subnet of port '%s', which has no gateway; set "
                           "ports.gateway or ports.prefix_len",
                           port->name);
    if (!first_on_port(config, s->lane, s->port))
        return place_fault(c->places, &s->lane, c->err,
                           "connections of a port belong to the first lane that uses it, and that "
                           "is not '%s'; give the lane a port or virtual function of its own",
                           config->lanes[s->lane].name);
    return true;
}

// --- sessions ---

static bool token_prefix_good(const char *text)
{
    return strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
           strlen(text);
}

static bool times_check(const struct check *c, const struct config_session *s)
{
    if (s->silence_ms <= s->heartbeat_ms)
        return place_fault(c->places, &s->silence_ms, c->err,
                           "is not longer than heartbeat_ms (%u): the exchange would be given up "
                           "between two of its heartbeats",
                           s->heartbeat_ms);
    if (s->retry_max_ms < s->retry_ms)
        return place_fault(c->places, &s->retry_max_ms, c->err, "is below retry_ms (%u)",
                           s->retry_ms);
    return true;
}

static bool fees_check(const struct check *c, const struct config_session *s)
{
    const int64_t most = 1000000000; // a thousand dollars a share
    bool fit = s->fees.count == 0 || s->fees.count == 2;
    for (uint32_t i = 0; i < s->fees.count; i++)
        fit &= s->fees.values[i] >= -most && s->fees.values[i] <= most;
    return fit || place_fault(c->places, &s->fees, c->err,
                              "takes two numbers up to %lld either way, for shares that execute "
                              "at once and for those that rest",
                              (long long)most);
}

// Capitals and digits, as the codec wants them.
static bool name_good(const char *text)
{
    return strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(text);
}

static bool defaults_check(const struct check *c, const struct config_session *s, bool version_42)
{
    const char *const none = "OUCH 4.2 has no place for it; remove it";
    if (!name_good(s->firm))
        return place_fault(c->places, s->firm, c->err, "takes capitals and digits");
    if (!name_good(s->route))
        return place_fault(c->places, s->route, c->err, "takes capitals and digits");
    if (version_42 && *s->route)
        return place_fault(c->places, s->route, c->err, "%s", none);
    if (version_42 && s->group)
        return place_fault(c->places, &s->group, c->err, "%s", none);
    if (version_42 && s->trade_now)
        return place_fault(c->places, &s->trade_now, c->err, "%s", none);
    return true;
}

static bool session_check(const struct check *c, const struct config_session *s)
{
    const struct config *config = c->config;
    if (s->channel != CONFIG_NONE && config->channels[s->channel].lane != s->lane)
        return place_fault(c->places, &s->channel, c->err,
                           "belongs to lane '%s', the session to '%s'; put both on one lane",
                           config->lanes[config->channels[s->channel].lane].name,
                           config->lanes[s->lane].name);
    const bool version_42 = strcmp(s->protocol, "ouch42") == 0;
    if (*s->token_prefix && (!version_42 || !token_prefix_good(s->token_prefix)))
        return place_fault(c->places, s->token_prefix, c->err, "%s",
                           version_42 ? "takes letters and digits"
                                      : "is for ouch42; OUCH 5.0 has no tokens, remove it");
    if (s->mass_cancel && version_42)
        return place_fault(c->places, &s->mass_cancel, c->err,
                           "OUCH 4.2 has no such message; remove it, single cancels are sent");
    if (s->cancel_pace && s->cancel_rate_per_s == UINT32_MAX)
        return place_fault(c->places, &s->cancel_pace, c->err,
                           "needs a rate at which cancels leave; set cancel_rate_per_s");
    if (s->cancel_on_feed_loss && s->channel == CONFIG_NONE)
        return place_fault(c->places, &s->cancel_on_feed_loss, c->err,
                           "needs the exchange's market data; set channel");
    return defaults_check(c, s, version_42) && fees_check(c, s) && times_check(c, s) &&
           way_check(c, s);
}

static bool sessions_check(const struct check *c)
{
    const struct config *config = c->config;
    if (config->session_count == 0)
        return true;
    if (config->trading.orders == 0)
        return place_fault(c->places, config->sessions[0].name, c->err,
                           "needs the section 'trading' with the firm's limits; write trading: "
                           "{limits: {...}}");
    if (config->trading.control_loss_ms && config->trading.control_loss_ms < CONTROL_LOSS_MS_MIN)
        return place_fault(c->places, &config->trading.control_loss_ms, c->err,
                           "is shorter than a control plane may take between two signs of life; "
                           "take %u or more, or 0",
                           CONTROL_LOSS_MS_MIN);
    if (config->trading.event_credit >= config->node.trading_slots)
        return place_fault(c->places, &config->trading.event_credit, c->err,
                           "is not below node.trading_slots (%u): no order would be taken",
                           config->node.trading_slots);
    for (uint32_t i = 0; i < config->session_count; i++)
        if (!session_check(c, &config->sessions[i]))
            return false;
    return true;
}

// --- symbols ---

static bool same_symbol(const struct config_symbols *symbols, uint32_t count, const char name[8])
{
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(symbols->names[i], name, sizeof symbols->names[i]) == 0)
            return true;
    return false;
}

static bool symbol_unique(const struct check *c, uint32_t row, uint32_t at)
{
    const struct config_symbols *own = &c->config->symbols[row].names;
    for (uint32_t r = 0; r <= row; r++) {
        const struct config_symbols *other = &c->config->symbols[r].names;
        if (same_symbol(other, r == row ? at : other->count, own->names[at]))
            return place_fault(c->places, own, c->err,
                               "'%.8s' stands here or in an earlier row already; remove one",
                               own->names[at]);
    }
    return true;
}

static bool symbols_check(const struct check *c)
{
    uint32_t total = 0;
    for (uint32_t r = 0; r < c->config->symbol_count; r++) {
        const struct config_symbol_row *row = &c->config->symbols[r];
        total += row->names.count;
        if (total > INSTRUMENTS_MAX)
            return place_fault(c->places, &row->names, c->err, "makes more than %d symbols",
                               INSTRUMENTS_MAX);
        for (uint32_t i = 0; i < row->names.count; i++)
            if (!symbol_unique(c, r, i))
                return false;
    }
    return true;
}

// --- strategies ---

static bool traded(const struct config *config, const char name[8])
{
    for (uint32_t r = 0; r < config->symbol_count; r++)
        if (same_symbol(&config->symbols[r].names, config->symbols[r].names.count, name))
            return true;
    return false;
}

static bool lane_trades(const struct check *c, const uint32_t *lane)
{
    for (uint32_t i = 0; i < c->config->session_count; i++)
        if (c->config->sessions[i].lane == *lane)
            return true;
    return place_fault(c->places, lane, c->err,
                       "lane '%s' has no session to trade with; take the lane of one",
                       c->config->lanes[*lane].name);
}

// Orders leave by the sessions of the lane alone.
static bool venues_check(const struct check *c, const struct config_limits *limits, uint32_t lane)
{
    const struct config *config = c->config;
    for (uint32_t i = 0; i < config->session_count; i++)
        if (limits->venues >> i & 1 && config->sessions[i].lane != lane)
            return place_fault(c->places, &limits->venues, c->err,
                               "session '%s' belongs to lane '%s', the orders to '%s'; name "
                               "sessions of that lane",
                               config->sessions[i].name,
                               config->lanes[config->sessions[i].lane].name,
                               config->lanes[lane].name);
    return true;
}

static bool strategy_check(const struct check *c, const struct config_strategy *s)
{
    const struct config *config = c->config;
    if (!lane_trades(c, &s->lane) || !venues_check(c, &s->limits, s->lane))
        return false;
    if (access(s->file, R_OK) != 0)
        return place_fault(c->places, s->file, c->err,
                           "'%s' cannot be read; name the strategy's shared object", s->file);
    for (uint32_t i = 0; i < s->symbols.count; i++)
        if (!traded(config, s->symbols.names[i]))
            return place_fault(c->places, &s->symbols, c->err,
                               "'%.8s' has no limits; add it to a row of the section 'symbols'",
                               s->symbols.names[i]);
    return true;
}

// --- clients ---

static bool clients_check(const struct check *c)
{
    const struct config *config = c->config;
    if (config->client_count == 0)
        return true;
    if (config->gateway.socket[0] == 0)
        return place_fault(c->places, config->clients[0].name, c->err,
                           "needs the section 'gateway' with a socket; write gateway: {socket: "
                           "/run/tickgate/gateway.sock}");
    for (uint32_t i = 0; i < config->client_count; i++) {
        const struct config_client *client = &config->clients[i];
        if (config->strategy_count + i >= STRATEGY_NOBODY)
            return place_fault(c->places, client->name, c->err,
                               "strategies and clients together are more than %d", STRATEGY_NOBODY);
        if (!lane_trades(c, &client->lane) || !venues_check(c, &client->limits, client->lane))
            return false;
    }
    return true;
}

bool config_check_trade(const struct config *config, const struct places *places, struct error *err)
{
    const struct check c = {config, places, err};
    if (!sessions_check(&c) || !symbols_check(&c) || !config_check_limits(config, places, err))
        return false;
    for (uint32_t i = 0; i < config->strategy_count; i++)
        if (!strategy_check(&c, &config->strategies[i]))
            return false;
    return clients_check(&c);
}
