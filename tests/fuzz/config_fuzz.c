// The configuration file: whatever the bytes, an answer; what is accepted keeps its promises.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/base/check.h"
#include "dataplane/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void text_check(const char *text, size_t size)
{
    MUST(memchr(text, '\0', size) != NULL);
}

static void channel_check(const struct config *c, const struct config_channel *ch)
{
    text_check(ch->name, sizeof ch->name);
    text_check(ch->protocol, sizeof ch->protocol);
    text_check(ch->snapshot.username, sizeof ch->snapshot.username);
    text_check(ch->snapshot.password, sizeof ch->snapshot.password);
    MUST(ch->lane < c->lane_count);
    MUST(ch->symbols > 0 && ch->symbols <= SYMBOLS_MAX);
    MUST(ch->matches > 0 && (ch->matches & (ch->matches - 1)) == 0);
    MUST(ch->line_count > 0 && ch->line_count <= LINES_MAX);
    for (uint32_t i = 0; i < ch->line_count; i++) {
        MUST(ch->lines[i].port < c->port_count && ch->lines[i].udp_port > 0);
        text_check(ch->lines[i].name, sizeof ch->lines[i].name);
    }
    MUST(ch->recovery.server_count <= SERVERS_MAX);
    MUST(ch->recovery.server_count == 0 || ch->recovery.rate_per_s > 0);
    MUST(ch->filter.count <= FILTER_SYMBOLS_MAX &&
         (ch->filter.count == 0) == (ch->filter.names == NULL));
}

static void session_check(const struct config *c, const struct config_session *s)
{
    text_check(s->name, sizeof s->name);
    text_check(s->firm, sizeof s->firm);
    text_check(s->token_prefix, sizeof s->token_prefix);
    MUST(s->port < c->port_count && s->lane < c->lane_count && s->account < c->account_count);
    MUST(s->channel == CONFIG_NONE || c->channels[s->channel].lane == s->lane);
    MUST(s->server.ip && s->server.port && c->ports[s->port].ip && s->burst > 0 && s->rate_per_s);
    MUST(c->trading.orders > 0 && c->trading.limits.notional <= CONFIG_NOTIONAL_MAX);
}

static void strategy_check(const struct config *c, const struct config_strategy *s)
{
    text_check(s->name, sizeof s->name);
    text_check(s->file, sizeof s->file);
    MUST(s->lane < c->lane_count && s->account < c->account_count && c->session_count > 0);
    MUST(s->symbols.count > 0 && s->symbols.count <= STRATEGY_SYMBOLS && s->symbols.names);
    MUST(s->parameters.count <= STRATEGY_NUMBERS);
}

static void config_promises(const struct config *c)
{
    text_check(c->node.name, sizeof c->node.name);
    text_check(c->node.region, sizeof c->node.region);
    text_check(c->node.control_socket, sizeof c->node.control_socket);
    MUST(strchr(c->node.region, '/') == NULL);
    MUST(c->port_count > 0 && c->port_count <= PORTS_MAX);
    MUST(c->lane_count > 0 && c->lane_count <= LANES_MAX);
    MUST(c->channel_count > 0 && c->channel_count <= CHANNELS_MAX);
    for (uint32_t i = 0; i < c->port_count; i++) {
        text_check(c->ports[i].name, sizeof c->ports[i].name);
        text_check(c->ports[i].device, sizeof c->ports[i].device);
        MUST(c->ports[i].prefix_len >= 1 && c->ports[i].prefix_len <= 32);
    }
    for (uint32_t i = 0; i < c->lane_count; i++)
        for (uint32_t j = 0; j < i; j++)
            MUST(c->lanes[i].core != c->lanes[j].core);
    for (uint32_t i = 0; i < c->channel_count; i++)
        channel_check(c, &c->channels[i]);
    MUST(c->session_count <= SESSIONS_MAX && c->strategy_count <= STRATEGIES_MAX);
    for (uint32_t i = 0; i < c->session_count; i++)
        session_check(c, &c->sessions[i]);
    for (uint32_t i = 0; i < c->strategy_count; i++)
        strategy_check(c, &c->strategies[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config config;
    struct error err = {0};
    bool ok = config_load_text(&config, "fuzz.yaml", (const char *)data, size, &err);
    MUST(ok == (err.code == EXIT_OK));
    if (ok) {
        config_promises(&config);
    } else {
        MUST(err.code == EXIT_USAGE);
        MUST(strncmp(err.text, "fuzz.yaml:", 10) == 0);
        text_check(err.text, sizeof err.text);
        MUST(strchr(err.text, '\n') == NULL);
    }
    config_free(&config);
    return 0;
}
