// What no single option can know.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/cpu.h"
#include "dataplane/base/ip.h"
#include "dataplane/base/log.h"
#include "dataplane/config/device.h"
#include "dataplane/config/places.h"

struct check {
    const struct config *config;
    const struct places *places;
    struct error *err;
};

// --- names ---

// <names>: <count> texts, <step> bytes apart.
static bool names_differ(const struct check *c, const char *names, uint32_t count, size_t step)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(names + i * step, names + j * step) == 0)
                return place_fault(c->places, names + i * step, c->err,
                                   "'%s' is taken by the entry of line %u; give it another name",
                                   names + i * step, place_find(c->places, names + j * step)->line);
    return true;
}

// Both are strategies to whoever kills, resumes or limits one.
static bool clients_differ(const struct check *c)
{
    const struct config *config = c->config;
    for (uint32_t i = 0; i < config->client_count; i++)
        for (uint32_t j = 0; j < config->strategy_count; j++)
            if (strcmp(config->clients[i].name, config->strategies[j].name) == 0)
                return place_fault(c->places, config->clients[i].name, c->err,
                                   "'%s' is the strategy of line %u, and a client is named like "
                                   "one; give it another name",
                                   config->clients[i].name,
                                   place_find(c->places, config->strategies[j].name)->line);
    return true;
}

static bool names_check(const struct check *c)
{
    const struct config *config = c->config;
    for (uint32_t i = 0; i < config->channel_count; i++)
        if (!names_differ(c, config->channels[i].lines[0].name, config->channels[i].line_count,
                          sizeof(struct config_line)))
            return false;
    return names_differ(c, config->accounts[0].name, config->account_count,
                        sizeof(struct config_account)) &&
           names_differ(c, config->sessions[0].name, config->session_count,
                        sizeof(struct config_session)) &&
           names_differ(c, config->strategies[0].name, config->strategy_count,
                        sizeof(struct config_strategy)) &&
           names_differ(c, config->drop_copies[0].name, config->drop_copy_count,
                        sizeof(struct config_drop_copy)) &&
           names_differ(c, config->clients[0].name, config->client_count,
                        sizeof(struct config_client)) &&
           clients_differ(c) &&
           names_differ(c, config->signals[0].name, config->signal_count,
                        sizeof(struct config_signal)) &&
           names_differ(c, config->ports[0].name, config->port_count, sizeof(struct config_port)) &&
           names_differ(c, config->lanes[0].name, config->lane_count, sizeof(struct config_lane)) &&
           names_differ(c, config->channels[0].name, config->channel_count,
                        sizeof(struct config_channel));
}

// --- cores ---

static bool core_usable(const struct check *c, const uint32_t *core)
{
    char allowed[64];
    cpu_allowed_text(allowed, sizeof allowed);
    if (!cpu_exists(*core))
        return place_fault(c->places, core, c->err,
                           "core %u does not exist on this machine; take one of %s", *core,
                           allowed);
    return cpu_allowed(*core) ||
           place_fault(c->places, core, c->err,
                       "core %u is not given to this process (cgroup or taskset); take one of %s",
                       *core, allowed);
}

static bool cores_check(const struct check *c)
{
    const struct config *config = c->config;
    if (!core_usable(c, &config->node.main_core))
        return false;
    for (uint32_t i = 0; i < config->lane_count; i++) {
        const struct config_lane *lane = &config->lanes[i];
        if (!core_usable(c, &lane->core))
            return false;
        for (uint32_t j = 0; j < i; j++) {
            const struct config_lane *other = &config->lanes[j];
            if (other->core == lane->core)
                return place_fault(c->places, &lane->core, c->err,
                                   "core %u belongs to lane '%s' (line %u); a lane needs a core "
                                   "of its own",
                                   lane->core, other->name,
                                   place_find(c->places, &other->core)->line);
            if (cpu_siblings(lane->core, other->core))
                log_warn(LOG_CORE_SHARED,
                         LOG_FIELDS(LOG_TEXT("lane", lane->name), LOG_NUMBER("core", lane->core),
                                    LOG_NUMBER("other_core", other->core)),
                         "lanes '%s' and '%s' are on two threads of one physical core (%u and "
                         "%u): each slows the other down",
                         other->name, lane->name, other->core, lane->core);
        }
        // Neither policy gives the core up; the main thread would never run.
        if (lane->core == config->node.main_core && lane->idle < CONFIG_IDLE_YIELD)
            return place_fault(c->places, &lane->core, c->err,
                               "core %u is node.main_core, and a lane that polls starves the main "
                               "thread; take another core, or set lanes.idle to yield or sleep",
                               lane->core);
        if (lane->core == config->node.main_core)
            log_warn(LOG_CORE_SHARED,
                     LOG_FIELDS(LOG_TEXT("lane", lane->name), LOG_NUMBER("core", lane->core),
                                LOG_NUMBER("other_core", lane->core)),
                     "lane '%s' and the main thread share core %u: recovery and timers wait for "
                     "the lane",
                     lane->name, lane->core);
    }
    return true;
}

// --- ports and lines ---

static bool port_check(const struct check *c, const struct config_port *port)
{
    const uint32_t mask = ~UINT32_C(0) << (32 - port->prefix_len);
    char why[DEVICE_WHY_LEN];
    if (!device_check(port->device, why))
        return place_fault(c->places, port->device, c->err, "%s", why);
    for (const struct config_port *other = c->config->ports; other < port; other++)
        if (strcmp(other->device, port->device) == 0)
            return place_fault(c->places, port->device, c->err,
                               "port '%s' (line %u) has this device already", other->name,
                               place_find(c->places, other->device)->line);
    if (ip_is_multicast(port->ip) || port->ip == UINT32_MAX)
        return place_fault(c->places, &port->ip, c->err,
                           "is a group's address; give the port one of its own, or none");
    if (port->gateway &&
        (port->ip == 0 || ((port->gateway ^ port->ip) & mask) != 0 || port->gateway == port->ip))
        return place_fault(c->places, &port->gateway, c->err,
                           "is not another host of the port's subnet; set ports.ip and "
                           "ports.prefix_len, or remove the gateway");
    return true;
}

static bool ports_check(const struct check *c)
{
    const struct config *config = c->config;
    bool used[PORTS_MAX] = {false};
    for (uint32_t i = 0; i < config->port_count; i++)
        if (!port_check(c, &config->ports[i]))
            return false;
    for (uint32_t i = 0; i < config->channel_count; i++)
        for (uint32_t l = 0; l < config->channels[i].line_count; l++)
            used[config->channels[i].lines[l].port] = true;
    for (uint32_t i = 0; i < config->session_count; i++)
        used[config->sessions[i].port] = true;
    for (uint32_t i = 0; i < config->signal_count; i++)
        if (config->signals[i].port != CONFIG_NONE)
            used[config->signals[i].port] = true;
    for (uint32_t i = 0; i < config->port_count; i++)
        if (!used[i])
            log_warn(LOG_PORT_UNUSED, LOG_FIELDS(LOG_TEXT("port", config->ports[i].name)),
                     "no line and no signal arrives on port '%s', and no session is there",
                     config->ports[i].name);
    return true;
}

static bool same_destination(const struct config_line *a, const struct config_line *b)
{
    return a->port == b->port && a->group == b->group && a->udp_port == b->udp_port;
}

// Against every line that stands before it in the file.
static bool line_unique(const struct check *c, uint32_t channel, uint32_t line)
{
    const struct config_line *own = &c->config->channels[channel].lines[line];
    for (uint32_t i = 0; i <= channel; i++) {
        const struct config_channel *other = &c->config->channels[i];
        uint32_t count = i == channel ? line : other->line_count;
        for (uint32_t l = 0; l < count; l++)
            if (same_destination(own, &other->lines[l]))
                return place_fault(c->places, &own->udp_port, c->err,
                                   "line '%s' of channel '%s' (line %u of the file) has the same "
                                   "port, group and UDP port",
                                   other->lines[l].name, other->name,
                                   place_find(c->places, &other->lines[l].udp_port)->line);
    }
    return true;
}

static bool line_check(const struct check *c, uint32_t channel, uint32_t index)
{
    const struct config_line *line = &c->config->channels[channel].lines[index];
    const struct config_port *port = &c->config->ports[line->port];
    if (!ip_is_multicast(line->group) && (line->group == 0 || line->group != port->ip))
        return place_fault(c->places, &line->group, c->err,
                           "is neither a multicast group (224.0.0.0 to 239.255.255.255) nor the "
                           "address of port '%s'",
                           port->name);
    if (line->source && port->igmp_version < 3)
        return place_fault(c->places, &line->source, c->err,
                           "needs IGMPv3; set ports.igmp_version: 3, or remove it");
    return line_unique(c, channel, index);
}

// --- channels ---

static bool channel_check(const struct check *c, uint32_t index)
{
    const struct config_channel *ch = &c->config->channels[index];
    for (uint32_t l = 0; l < ch->line_count; l++)
        if (!line_check(c, index, l))
            return false;
    if (ch->start == CONFIG_START_SNAPSHOT && ch->snapshot.server.ip == 0)
        return place_fault(c->places, &ch->start, c->err,
                           "'snapshot' needs a server; add the section snapshot, or start first "
                           "or live");
    if (ch->snapshot.server.ip && strcmp(ch->protocol, "itch50") != 0)
        return place_fault(c->places, &ch->snapshot.server, c->err,
                           "GLIMPSE sends ITCH only; remove the section snapshot of a %s channel",
                           ch->protocol);
    if (ch->reorder_frames > ch->hold_frames)
        return place_fault(c->places, &ch->reorder_frames, c->err,
                           "is above hold_frames (%u): a gap would never be declared by it",
                           ch->hold_frames);
    for (uint32_t i = 1; i < ch->recovery.server_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (ch->recovery.servers[i].ip == ch->recovery.servers[j].ip &&
                ch->recovery.servers[i].port == ch->recovery.servers[j].port)
                return place_fault(c->places, &ch->recovery.servers, c->err,
                                   "server %u is server %u again; remove one", i + 1, j + 1);
    if (ch->recovery.server_count && ch->recovery.via == CONFIG_VIA_PORT &&
        c->config->ports[ch->lines[0].port].ip == 0)
        return place_fault(c->places, &ch->recovery.via, c->err,
                           "port '%s' has no address to ask from; set its ip, or via: kernel",
                           c->config->ports[ch->lines[0].port].name);
    return true;
}

static bool lanes_used(const struct check *c)
{
    const struct config *config = c->config;
    for (uint32_t i = 0; i < config->lane_count; i++) {
        uint32_t channels = 0;
        for (uint32_t ch = 0; ch < config->channel_count; ch++)
            channels += config->channels[ch].lane == i;
        for (uint32_t s = 0; s < config->session_count; s++)
            channels += config->sessions[s].lane == i;
        if (channels == 0)
            log_warn(LOG_LANE_UNUSED, LOG_FIELDS(LOG_TEXT("lane", config->lanes[i].name)),
                     "no channel and no session belongs to lane '%s'", config->lanes[i].name);
    }
    return true;
}

static bool journal_check(const struct check *c)
{
    const struct config_journal *journal = &c->config->journal;
    return journal->keep_size == 0 || journal->keep_size >= 3 * journal->segment_size ||
           place_fault(c->places, &journal->keep_size, c->err,
                       "is less than three segments; the last two always stay: give it %" PRIu64
                       "MiB or more, or 0",
                       3 * journal->segment_size >> 20);
}

static bool capture_check(const struct check *c)
{
    const struct config_capture *capture = &c->config->capture;
    const uint64_t ring = capture->ring_size;
    if (ring && (ring & (ring - 1) || ring < 1 << 20))
        return place_fault(c->places, &capture->ring_size, c->err,
                           "is a power of two from 1MiB, or 0MiB for no capture");
    return capture->keep_size == 0 || capture->keep_size >= 3 * capture->file_size ||
           place_fault(c->places, &capture->keep_size, c->err,
                       "is less than three files: give it %" PRIu64 "MiB or more, or 0",
                       3 * capture->file_size >> 20);
}

bool config_check(const struct config *config, const struct places *places, struct error *err)
{
    const struct check c = {config, places, err};
    if (config->node.page_size != 2ull << 20 && config->node.page_size != 1ull << 30)
        return place_fault(places, &config->node.page_size, err,
                           "huge pages are 2MiB or 1GiB on this architecture");
    if (!journal_check(&c) || !capture_check(&c) || !names_check(&c) || !ports_check(&c))
        return false;
    for (uint32_t i = 0; i < config->channel_count; i++)
        if (!channel_check(&c, i))
            return false;
    return config_check_day(config, places, err) && config_check_trade(config, places, err) &&
           config_check_signals(config, places, err) && config_check_drop(config, places, err) &&
           cores_check(&c) && lanes_used(&c);
}
