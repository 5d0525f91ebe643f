// What no single option of a source of signals can know.
#include <string.h>

#include "dataplane/base/ip.h"
#include "dataplane/config/places.h"

struct check {
    const struct config *config;
    const struct places *places;
    struct error *err;
};

// --- by the gateway ---

static bool client_check(const struct check *c, const struct config_signal *s)
{
    const struct config *config = c->config;
    const struct config_client *client = &config->clients[s->client];
    if (s->port != CONFIG_NONE)
        return place_fault(c->places, &s->port, c->err,
                           "a source comes from a client or by UDP; remove port or client");
    if (client->lane != s->lane)
        return place_fault(c->places, &s->lane, c->err,
                           "client '%s' belongs to lane '%s'; take that lane", client->name,
                           config->lanes[client->lane].name);
    for (const struct config_signal *other = config->signals; other < s; other++)
        if (other->client == s->client)
            return place_fault(c->places, &s->client, c->err,
                               "client '%s' is the source '%s' already (line %u)", client->name,
                               other->name, place_find(c->places, other->name)->line);
    return true;
}

// --- by UDP ---

static bool fields_check(const struct check *c, const struct config_signal *s)
{
    const struct config *config = c->config;
    const struct config_port *port;
    if (s->port == CONFIG_NONE)
        return place_fault(c->places, s->name, c->err,
                           "comes from nowhere; set client, or port, group, udp_port, sender and "
                           "number");
    port = &config->ports[s->port];
    if (!ip_is_multicast(s->group) && (s->group == 0 || s->group != port->ip))
        return place_fault(c->places, &s->group, c->err,
                           "is neither a multicast group (224.0.0.0 to 239.255.255.255) nor the "
                           "address of port '%s'",
                           port->name);
    if (s->udp_port == 0)
        return place_fault(c->places, &s->udp_port, c->err, "takes 1 to 65535");
    if (s->sender == 0 || ip_is_multicast(s->sender) || s->sender == UINT32_MAX)
        return place_fault(c->places, &s->sender, c->err,
                           "is the address of nobody; name the one machine that may send");
    return s->number ||
           place_fault(c->places, &s->number, c->err, "takes 1 to 65535, as its records have it");
}

static bool same_destination(const struct config_signal *a, const struct config_signal *b)
{
    return a->port == b->port && a->group == b->group && a->udp_port == b->udp_port;
}

static bool destination_check(const struct check *c, const struct config_signal *s)
{
    const struct config *config = c->config;
    for (uint32_t i = 0; i < config->channel_count; i++)
        for (uint32_t l = 0; l < config->channels[i].line_count; l++) {
            const struct config_line *line = &config->channels[i].lines[l];
            if (line->port == s->port && line->group == s->group && line->udp_port == s->udp_port)
                return place_fault(c->places, &s->udp_port, c->err,
                                   "line '%s' of channel '%s' (line %u of the file) has the same "
                                   "port, group and UDP port",
                                   line->name, config->channels[i].name,
                                   place_find(c->places, &line->udp_port)->line);
        }
    for (const struct config_signal *other = config->signals; other < s; other++) {
        if (other->client != CONFIG_NONE || !same_destination(s, other))
            continue;
        if (other->lane != s->lane)
            return place_fault(c->places, &s->lane, c->err,
                               "source '%s' (line %u) has the same port, group and UDP port on "
                               "another lane; a datagram goes to one",
                               other->name, place_find(c->places, other->name)->line);
        if (other->sender == s->sender && other->number == s->number)
            return place_fault(c->places, &s->number, c->err,
                               "source '%s' (line %u) has this number of the same sender",
                               other->name, place_find(c->places, other->name)->line);
    }
    return true;
}

static bool source_check(const struct check *c, const struct config_signal *s)
{
    const struct config *config = c->config;
    bool trades = false;
    for (uint32_t i = 0; i < config->session_count; i++)
        trades |= config->sessions[i].lane == s->lane;
    if (!trades)
        return place_fault(c->places, &s->lane, c->err,
                           "lane '%s' has no session to trade with; take the lane of one",
                           config->lanes[s->lane].name);
    if (s->client != CONFIG_NONE)
        return client_check(c, s);
    return fields_check(c, s) && destination_check(c, s);
}

bool config_check_signals(const struct config *config, const struct places *places,
                          struct error *err)
{
    const struct check c = {config, places, err};
    // A signal leaves half of the ring's free slots to orders (desk_signal.c).
    if (config->signal_count && config->trading.event_credit > config->node.trading_slots / 2)
        return place_fault(places, &config->trading.event_credit, err,
                           "is above half of node.trading_slots (%u): no signal would be taken; "
                           "name %u or less, or raise node.trading_slots",
                           config->node.trading_slots, config->node.trading_slots / 2);
    for (uint32_t i = 0; i < config->signal_count; i++)
        if (!source_check(&c, &config->signals[i]))
            return false;
    return true;
}
