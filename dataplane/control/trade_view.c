// What the region shows of trading: who trades, written once, and counts of the lanes' private
// memory, copied ten times a second so that they cost a lane nothing.
#include <stdio.h>
#include <string.h>

#include "dataplane/control/dataplane.h"
#include "dataplane/lane/desk_gateway.h"
#include "dataplane/lane/desk_park.h"
#include "dataplane/lane/desk_warm.h"

_Static_assert((int)PARAMETERS_MAX == (int)STRATEGY_PARAMETERS_MAX,
               "the region shows all parameters");
_Static_assert(sizeof(((struct strategy_info *)0)->symbols) / sizeof(uint16_t) ==
                   STRATEGY_SYMBOLS_MAX,
               "the region shows all symbols of a strategy");

void trade_shape(const struct config *config, struct region_shape *shape)
{
    if (config->session_count == 0)
        return;
    shape->accounts = config->account_count;
    shape->order_sessions = config->session_count;
    shape->strategies = config->strategy_count + config->client_count;
    shape->clients = config->client_count;
    shape->signals = config->signal_count;
    shape->positions = config->trading.positions;
    shape->restore_events =
        config->trading.start == CONFIG_TRADE_JOURNAL ? (uint32_t)RESTORE_EVENTS : 0;
    for (uint32_t r = 0; r < config->symbol_count; r++)
        shape->instruments += config->symbols[r].names.count;
}

// --- once ---

static void sessions_describe(const struct dataplane *d)
{
    for (uint32_t i = 0; i < d->config->session_count; i++) {
        const struct config_session *from = &d->config->sessions[i];
        struct order_session_info *info = region_order_session_info(&d->view, i);
        snprintf(info->name, sizeof info->name, "%s", from->name);
        snprintf(info->protocol, sizeof info->protocol, "%s", from->protocol);
        info->server = from->server.ip;
        info->server_port = from->server.port;
        info->lane = (uint8_t)from->lane;
        info->index = (uint8_t)i;
        info->channel = from->channel == CONFIG_NONE ? UINT8_MAX : (uint8_t)from->channel;
    }
}

static void strategies_describe(const struct dataplane *d)
{
    for (uint32_t i = 0; i < d->config->strategy_count; i++) {
        const struct config_strategy *from = &d->config->strategies[i];
        const struct strategy_slot *slot = &d->desks[from->lane]->strategies.hosts[i].slot;
        struct strategy_info *info = region_strategy_info(&d->view, i);
        struct strategy_values *values = region_strategy_values(&d->view, i);
        snprintf(info->name, sizeof info->name, "%s", from->name);
        snprintf(info->kind, sizeof info->kind, "%s", slot->strategy->name);
        info->budget_ns = from->budget_us * 1000ull;
        info->account = (uint16_t)from->account;
        info->lane = (uint8_t)from->lane;
        info->index = (uint8_t)i;
        info->symbol_count = slot->setup.symbol_count;
        memcpy(info->symbols, slot->setup.symbols, sizeof info->symbols);
        values->count = slot->setup.parameters.count;
        for (uint32_t k = 0; k < PARAMETERS_MAX; k++) {
            const char *name = slot->strategy->parameter_names[k];
            snprintf(info->parameters[k], PARAMETER_LEN, "%s", name ? name : "");
            values->value[k] = slot->setup.parameters.value[k];
        }
    }
}

// Clients of the gateway trade under numbers of strategies: rows behind theirs.
static void clients_describe(const struct dataplane *d)
{
    for (uint32_t i = 0; i < d->config->client_count; i++) {
        const struct config_client *from = &d->config->clients[i];
        struct strategy_info *info = region_strategy_info(&d->view, d->config->strategy_count + i);
        snprintf(info->name, sizeof info->name, "%s", from->name);
        snprintf(info->kind, sizeof info->kind, "client");
        info->account = (uint16_t)from->account;
        info->lane = (uint8_t)from->lane;
        info->index = (uint8_t)gateway_strategy(d->config, i);
        struct client_info *client = region_client_info(&d->view, i);
        *client = (struct client_info){.user = from->user,
                                       .account = from->account,
                                       .open_orders = from->limits.open_orders,
                                       .rate_per_s = from->rate_per_s,
                                       .burst = from->burst,
                                       .heartbeat_ms = from->heartbeat_ms,
                                       .requests_slots = d->config->gateway.requests,
                                       .answers_slots = d->config->gateway.answers,
                                       .lane = info->lane,
                                       .strategy = info->index};
        snprintf(client->name, sizeof client->name, "%s", from->name);
    }
}

void trade_describe(const struct dataplane *d)
{
    const struct config *config = d->config;
    if (config->session_count == 0)
        return;
    for (uint32_t i = 0; i < config->account_count; i++)
        snprintf(region_account_info(&d->view, i)->name, NAME_LEN, "%s", config->accounts[i].name);
    for (uint32_t i = 0; i < d->instrument_count; i++) {
        char *symbol = region_instrument_info(&d->view, i)->symbol;
        memcpy(symbol, d->instruments[i], sizeof d->instruments[i]);
        for (uint32_t n = sizeof d->instruments[i]; n && symbol[n - 1] == ' '; n--)
            symbol[n - 1] = 0;
    }
    sessions_describe(d);
    strategies_describe(d);
    clients_describe(d);
    clients_limits_show(d); // the broker's may be the lower ones
    signals_describe(d);
}

// --- ten times a second ---

// A word that its lane changes meanwhile, into one that the control plane reads.
#define COPY(to, from) \
    __atomic_store_n(&(to), (uint64_t)__atomic_load_n(&(from), __ATOMIC_RELAXED), __ATOMIC_RELAXED)

static void use_copy(const struct risk_use *use, uint64_t *orders, uint64_t *notional)
{
    COPY(*orders, use->orders);
    COPY(*notional, use->notional);
}

static void desk_copy(const struct dataplane *d, uint32_t lane)
{
    const struct desk *desk = &d->desks[lane]->desk;
    struct trade_counters *to = region_trade_counters(&d->view, lane);
    struct refusal_counters *refusals = region_refusal_counters(&d->view, lane);
    COPY(to->approved, desk->count.approved);
    COPY(to->refused, desk->count.refused);
    COPY(to->not_sent, desk->count.not_sent);
    COPY(to->reports, desk->count.reports);
    COPY(to->fills, desk->count.fills);
    COPY(to->unclaimed, desk->count.unclaimed);
    COPY(to->breaches_untold, desk->count.breaches_untold);
    COPY(to->wrong, desk->orders.wrong);
    COPY(to->duplicates, desk->orders.duplicates);
    COPY(to->executions_refused, desk->orders.executions_refused);
    if (desk->warm) {
        COPY(to->practised, desk->warm->practised);
        COPY(to->practice_passed, desk->warm->passed);
    }
    use_copy(&desk->risk.firm, &to->open_orders, &to->open_notional);
    for (uint32_t i = 0; i < REFUSALS; i++)
        COPY(refusals->count[i], desk->count.refusals[i]);
}

static void session_copy(const struct dataplane *d, uint32_t i)
{
    const struct desk *desk = &d->desks[d->config->sessions[i].lane]->desk;
    const struct session *s = &d->sessions[i]->session;
    struct order_session_counters *to = region_order_session_counters(&d->view, i);
    COPY(to->state, s->state);
    COPY(to->halted, s->halted);
    COPY(to->reject, s->reject);
    COPY(to->next_sequence, s->next_sequence);
    COPY(to->cancels_waiting, desk->orders.sessions[i].cancel_count);
    COPY(to->logins, s->count.logins);
    COPY(to->rejected, s->count.rejected);
    COPY(to->lost, s->count.lost);
    COPY(to->sequenced, s->count.sequenced);
    COPY(to->repeated, s->count.repeated);
    COPY(to->missing, s->count.missing);
    COPY(to->renewed, s->count.renewed);
    COPY(to->malformed, s->count.malformed);
    COPY(to->foreign, s->count.foreign);
    COPY(to->sent, s->count.sent);
    COPY(to->cancels, s->count.cancels);
    COPY(to->refused, s->count.refused);
    COPY(to->egress, s->count.egress);
    if (desk->sessions[i].park)
        COPY(to->parked, desk->sessions[i].park->count);
    use_copy(&desk->risk.sessions[i], &to->open_orders, &to->open_notional);
}

static void connection_copy(const struct dataplane *d, uint32_t i)
{
    const struct tcp_link *link = &d->sessions[i]->link;
    struct connection_counters *to = region_connection_counters(&d->view, i);
    COPY(to->round_trip_ns, link->tcp.srtt_ns);
    COPY(to->window, link->tcp.snd_wnd);
    COPY(to->congestion_window, link->tcp.cwnd);
    COPY(to->transmit_refused, link->transmit_refused);
    COPY(to->strays, link->strays);
#define COUNTER(name, help) COPY(to->name, link->tcp.count.name);
#include "dataplane/tcp/counters.def"
#undef COUNTER
}

static void strategy_copy(const struct dataplane *d, uint32_t i)
{
    const struct dataplane_desk *desk = d->desks[d->config->strategies[i].lane];
    const struct strategy_slot *slot = &desk->strategies.hosts[i].slot;
    struct strategy_counters *to = region_strategy_counters(&d->view, i);
    COPY(to->off, slot->off);
    COPY(to->calls, slot->calls);
    COPY(to->ticks, slot->ticks);
    COPY(to->ticks_max, slot->ticks_max);
    COPY(to->late, slot->late);
    use_copy(&desk->desk.risk.strategies[i], &to->open_orders, &to->open_notional);
}

static uint64_t at_most(uint32_t count, uint32_t most)
{
    return count < most ? count : most;
}

// How full its rings are, by indices of which the client writes one each: nonsense shows as full.
static void rings_copy(const struct gateway_client *c, const struct client_info *info,
                       struct client_counters *to)
{
    uint64_t waiting = 0, unread = 0;
    if (c->inward) {
        const uint32_t asked =
            atomic_load_explicit(&c->inward->requests_tail, memory_order_relaxed);
        const uint32_t read = atomic_load_explicit(&c->inward->answers_head, memory_order_relaxed);
        const uint32_t taken =
            atomic_load_explicit(&c->outward->requests_head, memory_order_relaxed);
        const uint32_t told = atomic_load_explicit(&c->outward->answers_tail, memory_order_relaxed);
        waiting = at_most(asked - taken, info->requests_slots);
        unread = at_most(told - read, info->answers_slots);
    }
    COPY(to->requests_waiting, waiting);
    COPY(to->answers_unread, unread);
}

static void client_copy(const struct dataplane *d, uint32_t i)
{
    const uint32_t lane = d->config->clients[i].lane, strategy = gateway_strategy(d->config, i);
    const struct desk *desk = &d->desks[lane]->desk;
    const struct gateway *g = desk->gateway->door;
    const struct gateway_client *c = &g->clients[strategy - g->first_strategy];
    struct strategy_counters *as_strategy =
        region_strategy_counters(&d->view, d->config->strategy_count + i);
    struct client_counters *to = region_client_counters(&d->view, i);
    const uint64_t attached = c->inward != NULL;
    const uint64_t ended = attached ? 0 : atomic_load_explicit(&c->cut, memory_order_relaxed);
    use_copy(&desk->risk.strategies[strategy], &as_strategy->open_orders,
             &as_strategy->open_notional);
    use_copy(&desk->risk.strategies[strategy], &to->open_orders, &to->open_notional);
    COPY(to->attached, attached);
    COPY(to->ended, ended);
    COPY(to->pid, c->pid);
    COPY(to->uid, c->uid);
    COPY(to->attachments, c->attachments);
    COPY(to->requests, c->taken);
    COPY(to->refused, c->refused);
    COPY(to->answers, c->answers);
    rings_copy(c, region_client_info(&d->view, i), to);
}

// All lanes together.
static void account_copy(const struct dataplane *d, uint32_t i)
{
    struct account_counters *to = region_account_counters(&d->view, i);
    uint64_t orders = 0, notional = 0;
    for (uint32_t lane = 0; lane < d->config->lane_count; lane++) {
        if (d->desks[lane] == NULL)
            continue;
        const struct risk_use *use = &d->desks[lane]->desk.risk.accounts[i];
        orders += __atomic_load_n(&use->orders, __ATOMIC_RELAXED);
        notional += __atomic_load_n(&use->notional, __ATOMIC_RELAXED);
    }
    COPY(to->open_orders, orders);
    COPY(to->open_notional, notional);
}

void trade_sample(const struct dataplane *d)
{
    const struct config *config = d->config;
    for (uint32_t lane = 0; lane < config->lane_count; lane++)
        if (d->desks[lane])
            desk_copy(d, lane);
    for (uint32_t i = 0; i < config->session_count; i++)
        session_copy(d, i);
    for (uint32_t i = 0; i < config->session_count; i++)
        connection_copy(d, i);
    for (uint32_t i = 0; i < config->strategy_count; i++)
        strategy_copy(d, i);
    for (uint32_t i = 0; i < config->client_count; i++)
        client_copy(d, i);
    for (uint32_t i = 0; config->session_count && i < config->account_count; i++)
        account_copy(d, i);
    signals_sample(d);
}
