#include "controlplane/metrics/instance.h"

#include <string.h>

const char *counter_scope_name(enum counter_scope scope)
{
    static const char *const names[SCOPES] = {
        [SCOPE_LANE] = "lane",       [SCOPE_CHANNEL] = "channel", [SCOPE_LINE] = "line",
        [SCOPE_PORT] = "port",       [SCOPE_POOL] = "pool",       [SCOPE_MAIN] = "main",
        [SCOPE_DESK] = "desk",       [SCOPE_SESSION] = "session", [SCOPE_STRATEGY] = "strategy",
        [SCOPE_ACCOUNT] = "account", [SCOPE_CLIENT] = "client",   [SCOPE_CONNECTION] = "connection",
        [SCOPE_SIGNAL] = "signal",
    };
    return names[scope];
}

static const char *line_name(const struct snapshot *s, uint32_t channel, uint32_t line)
{
    return line == CHANNEL_LINES - 1 ? "recovery" : s->lines[channel][line].name;
}

// What trades, by the board.
static bool trade_instance_at(const struct snapshot *s, const struct board *b,
                              enum counter_scope scope, uint32_t i, struct instance *out)
{
    const uint32_t counts[SCOPES] = {
        [SCOPE_DESK] = board_trades(b) ? b->shape.lanes : 0,
        [SCOPE_SESSION] = b->shape.order_sessions,
        [SCOPE_STRATEGY] = b->shape.strategies,
        [SCOPE_ACCOUNT] = b->shape.accounts,
        [SCOPE_CLIENT] = b->shape.clients,
        [SCOPE_CONNECTION] = b->shape.order_sessions,
        [SCOPE_SIGNAL] = b->shape.signals,
    };
    if (i >= counts[scope])
        return false;
    switch (scope) {
    case SCOPE_DESK:
        out->name = board_lane_trades(b, i) ? s->lanes[i].name : "";
        out->counters = &b->desk_counters[i];
        break;
    case SCOPE_SESSION:
        out->name = b->sessions[i].name;
        out->counters = &b->session_counters[i];
        break;
    case SCOPE_STRATEGY:
        out->name = b->strategies[i].name;
        out->counters = &b->strategy_counters[i];
        break;
    case SCOPE_CLIENT:
        out->name = b->clients[i].name;
        out->counters = &b->client_counters[i];
        break;
    case SCOPE_SIGNAL:
        out->name = b->signals[i].name;
        out->counters = &b->signal_counters[i];
        break;
    case SCOPE_CONNECTION:
        out->name = b->sessions[i].name;
        out->counters = &b->connection_counters[i];
        break;
    default:
        out->name = b->accounts[i].name;
        out->counters = &b->account_counters[i];
        break;
    }
    return true;
}

bool instance_at(const struct snapshot *s, const struct board *board, enum counter_scope scope,
                 uint32_t i, struct instance *out)
{
    uint32_t channel = i / CHANNEL_LINES, line = i % CHANNEL_LINES;
    memset(out, 0, sizeof *out);
    switch (scope) {
    case SCOPE_LANE:
        if (i >= s->shape.lanes)
            return false;
        *out =
            (struct instance){s->lanes[i].name, NULL, &s->lane_counters[i], &s->lane_histograms[i]};
        return true;
    case SCOPE_CHANNEL:
        if (i >= s->shape.channels)
            return false;
        *out = (struct instance){s->channels[i].name, NULL, &s->channel_counters[i],
                                 &s->channel_histograms[i]};
        return true;
    case SCOPE_LINE:
        if (channel >= s->shape.channels)
            return false;
        *out =
            (struct instance){line_name(s, channel, line), s->channels[channel].name,
                              &s->line_counters[channel][line], &s->line_histograms[channel][line]};
        return true;
    case SCOPE_PORT:
        *out = (struct instance){s->ports[i % PORTS_MAX].name, NULL,
                                 &s->port_counters[i % PORTS_MAX], NULL};
        return i < s->shape.ports;
    case SCOPE_POOL:
        *out = (struct instance){s->pools[i % POOLS_MAX].name, NULL,
                                 &s->pool_counters[i % POOLS_MAX], NULL};
        return i < s->shape.pools;
    case SCOPE_MAIN: *out = (struct instance){"main", NULL, &s->main_counters, NULL}; return i < 1;
    default: return trade_instance_at(s, board, scope, i, out);
    }
}
