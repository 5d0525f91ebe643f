// Sources of signals, from the configuration: the policy of each, where it comes from, what the
// region shows of it, and the lanes' idea of UTC.
#include <stdio.h>
#include <string.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/ip.h"
#include "dataplane/control/dataplane.h"

enum {
    CLOCK_LOOK_MS = 1000,
    CLOCK_MOVED_NS = 100000, // less makes no difference to a signal
};

static bool lane_has_sources(const struct config *config, uint32_t lane)
{
    for (uint32_t i = 0; i < config->signal_count; i++)
        if (config->signals[i].lane == lane)
            return true;
    return false;
}

uint64_t signals_bytes(const struct config *config, uint32_t lane, uint32_t symbols)
{
    return lane_has_sources(config, lane) ? desk_signals_bytes(symbols) : 0;
}

// The source of its role that goes before all others; itself where it has none.
static uint16_t first_of(const struct config *config, uint32_t source)
{
    const struct config_signal *s = &config->signals[source];
    for (uint32_t i = 0; i < source && s->role[0]; i++)
        if (config->signals[i].lane == s->lane && strcmp(config->signals[i].role, s->role) == 0)
            return (uint16_t)i;
    return (uint16_t)source;
}

static uint64_t ticks_of_ms(const struct dataplane *d, uint32_t ms, uint64_t of_none)
{
    return ms ? clock_ns_to_ticks(&d->clock, ms * UINT64_C(1000000)) : of_none;
}

static struct signal_policy policy_of(const struct dataplane *d, const struct config_signal *from)
{
    // Rounded up: never more than so many in a second.
    const uint64_t rate_ticks = (d->clock.tsc_hz + from->rate_per_s - 1) / from->rate_per_s;
    return (struct signal_policy){.rate_ticks = rate_ticks,
                                  .burst_ticks = rate_ticks * (from->burst - 1),
                                  .faults_ticks = ticks_of_ms(d, from->faults_ms, 0),
                                  .rest_ticks = ticks_of_ms(d, from->rest_ms, UINT64_MAX),
                                  .silence_ticks = ticks_of_ms(d, from->silence_ms, UINT64_MAX),
                                  .second_ticks = d->clock.tsc_hz,
                                  .ahead_ns = from->ahead_us * UINT64_C(1000),
                                  .faults = from->faults,
                                  .confidence = (uint16_t)from->confidence};
}

// Clients of a lane count from its first on, in the order of the configuration.
static uint8_t client_place(const struct config *config, uint32_t client)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < client; i++)
        place += config->clients[i].lane == config->clients[client].lane;
    return (uint8_t)place;
}

static struct desk_signal_way way_of(const struct config *config, const struct config_signal *from)
{
    if (from->client != CONFIG_NONE)
        return (struct desk_signal_way){.client = client_place(config, from->client)};
    return (struct desk_signal_way){.group = from->group,
                                    .sender = from->sender,
                                    .udp_port = from->udp_port,
                                    .sender_port = from->sender_port,
                                    .number = (uint16_t)from->number,
                                    .port = (uint8_t)from->port,
                                    .client = SIGNAL_NO_CLIENT};
}

void signals_make(struct dataplane *d, uint32_t lane, void *memory)
{
    const struct config *config = d->config;
    struct dataplane_desk *dd = d->desks[lane];
    const struct desk_signal_clock clock = {d->clock.tsc_hz, d->clock.tsc_at, d->clock.utc_ns_at};
    if (!lane_has_sources(config, lane))
        return;
    desk_signals_init(&dd->desk, &dd->signals, config->signal_count, &clock, memory);
    for (uint32_t i = 0; i < config->signal_count; i++) {
        const struct config_signal *from = &config->signals[i];
        const struct signal_policy policy = policy_of(d, from);
        const struct desk_signal_way way = way_of(config, from);
        if (from->lane == lane)
            desk_signal_add(&dd->desk, i, from->name, first_of(config, i), &policy, &way);
    }
}

// --- what the region shows ---

void signals_describe(const struct dataplane *d)
{
    const struct config *config = d->config;
    for (uint32_t i = 0; i < config->signal_count; i++) {
        const struct config_signal *from = &config->signals[i];
        struct signal_info *info = region_signal_info(&d->view, i);
        *info = (struct signal_info){.group = from->group,
                                     .sender = from->sender,
                                     .udp_port = from->udp_port,
                                     .sender_port = from->sender_port,
                                     .number = (uint16_t)from->number,
                                     .confidence = (uint16_t)from->confidence,
                                     .rate_per_s = from->rate_per_s,
                                     .faults = from->faults,
                                     .lane = (uint8_t)from->lane,
                                     .first = (uint8_t)first_of(config, i)};
        snprintf(info->name, sizeof info->name, "%s", from->name);
        snprintf(info->role, sizeof info->role, "%s", from->role);
        if (from->client != CONFIG_NONE)
            snprintf(info->client, sizeof info->client, "%s", config->clients[from->client].name);
    }
}

// Words that the lane changes meanwhile, into ones that the control plane reads.
void signals_sample(const struct dataplane *d)
{
    for (uint32_t i = 0; i < d->config->signal_count; i++) {
        const struct signal_table *t = &d->desks[d->config->signals[i].lane]->signals.table;
        const uint64_t *from = &t->sources[i].count.state;
        uint64_t *to = &region_signal_counters(&d->view, i)->state;
        for (uint32_t k = 0; k < sizeof(struct signal_counters) / sizeof *to; k++)
            __atomic_store_n(&to[k], __atomic_load_n(&from[k], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    }
}

// --- UTC ---

// How long ago a signal was made counts by UTC, and the lane's clock runs on from the calibration
// of the start: it is told how far the two have moved apart. An input of the lane.
void signals_turn(struct dataplane *d, uint64_t now_ns)
{
    if (d->config->signal_count == 0 || now_ns < d->signals_at_ns)
        return;
    d->signals_at_ns = now_ns + CLOCK_LOOK_MS * UINT64_C(1000000);
    uint64_t utc_ns;
    const uint64_t tsc = clock_utc_pair(&utc_ns);
    const uint64_t moved = utc_ns - clock_tsc_to_utc_ns(&d->clock, tsc);
    const int64_t since = (int64_t)(moved - d->signals_moved_ns);
    const struct lane_answer answer = {.kind = ANSWER_UTC, .sequence = moved};
    if (since < CLOCK_MOVED_NS && since > -CLOCK_MOVED_NS)
        return;
    bool told = true;
    for (uint32_t i = 0; i < d->config->lane_count; i++)
        if (lane_has_sources(d->config, i))
            told &= spsc_push(&d->lanes[i]->answers, &answer);
    if (told)
        d->signals_moved_ns = moved;
}

// --- ports ---

// Another source goes to the same place before it: it is received once.
static bool goes_along(const struct config *config, uint32_t source)
{
    const struct config_signal *s = &config->signals[source];
    for (const struct config_signal *other = config->signals; other < s; other++)
        if (other->client == CONFIG_NONE && other->port == s->port && other->group == s->group &&
            other->udp_port == s->udp_port)
            return true;
    return false;
}

void signals_port_add(const struct config *config, uint32_t port, struct port_config *pc)
{
    for (uint32_t i = 0; i < config->signal_count; i++) {
        const struct config_signal *s = &config->signals[i];
        if (s->port != port || goes_along(config, i))
            continue;
        pc->groups[pc->group_count++] = s->group;
        pc->routes[pc->route_count++] = (struct port_route){
            .ip = s->group, .udp_port = s->udp_port, .queue = queue_of_lane(config, port, s->lane)};
    }
}

void signals_groups_add(const struct config *config, uint32_t port, struct slow_port *slow,
                        uint64_t now_ns)
{
    for (uint32_t i = 0; i < config->signal_count; i++) {
        const struct config_signal *s = &config->signals[i];
        if (s->port == port && ip_is_multicast(s->group) && !goes_along(config, i))
            slow_group_add(slow, s->group, 0, now_ns);
    }
}
