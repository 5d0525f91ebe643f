// The trading half, from the configuration: limits, desks, sessions, strategies; and its end.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/cpu.h"
#include "dataplane/base/log.h"
#include "dataplane/control/dataplane.h"
#include "dataplane/control/limits_live.h"
#include "dataplane/control/limits_table.h"
#include "dataplane/control/limits_warn.h"
#include "dataplane/lane/desk_lease.h"
#include "dataplane/lane/desk_park.h"
#include "dataplane/lane/desk_warm.h"
#include "dataplane/lane/tape.h"
#include "dataplane/wire/frame.h"

enum {
    LEASE_RETRY_MS = 1, // a lane that got less than it asked for does not ask again before
};

_Static_assert(STRATEGY_SYMBOLS <= (int)STRATEGY_SYMBOLS_MAX &&
                   STRATEGY_NUMBERS <= (int)STRATEGY_PARAMETERS_MAX,
               "what the configuration takes fits into a strategy");

// --- what the configuration means ---

static bool lane_trades(const struct config *config, uint32_t lane)
{
    for (uint32_t i = 0; i < config->session_count; i++)
        if (config->sessions[i].lane == lane)
            return true;
    return false;
}

static bool lane_has_strategies(const struct config *config, uint32_t lane)
{
    return lane_strategies(config, lane) & ((1ull << config->strategy_count) - 1);
}

static uint64_t ms_to_ticks(const struct dataplane *d, uint64_t ms)
{
    return clock_ns_to_ticks(&d->clock, ms * 1000000);
}

static uint32_t symbols_of(const struct config *config)
{
    uint32_t symbols = 0;
    for (uint32_t r = 0; r < config->symbol_count; r++)
        symbols += config->symbols[r].names.count;
    return symbols;
}

// References of a day are the same for all sessions of a lane: the largest.
static struct desk_config desk_config_make(const struct dataplane *d, uint32_t lane)
{
    const struct config *config = d->config;
    struct desk_config to = {
        .orders = {.orders = config->trading.orders,
                   .sessions = config->session_count,
                   .executions = config->trading.executions,
                   .silence_ticks = ms_to_ticks(d, config->trading.silence_ms)},
        .instruments = symbols_of(config),
        .positions = config->trading.positions,
        .strategies = lane_strategies(config, lane),
        .accounts = config->account_count,
        .event_credit_min = config->trading.event_credit,
        .record_needed = config->trading.journal == CONFIG_RECORD_NEEDED,
        .clock_limit = config->trading.clock_error_us * 1000ull};
    for (uint32_t i = 0; i < config->session_count; i++)
        if (config->sessions[i].lane == lane && config->sessions[i].references > to.orders.refs_max)
            to.orders.refs_max = config->sessions[i].references;
    return to;
}

static void tcp_config_make(const struct dataplane *d, const struct config_session *from,
                            struct tcp_config *to)
{
    const struct config_port *port = &d->config->ports[from->port];
    tcp_config_default(to);
    to->local_ip = port->ip;
    to->remote_ip = from->server.ip;
    to->remote_port = from->server.port;
    to->vlan = port->vlan ? (uint16_t)port->vlan : FRAME_NO_VLAN;
    memcpy(to->local_mac, d->ports[from->port].mac, sizeof to->local_mac);
    to->mtu = (uint16_t)from->mtu;
    to->rto_min_us = from->rto_min_us;
    if (to->rto_first_us < to->rto_min_us)
        to->rto_first_us = to->rto_min_us;
    to->user_timeout_ms = from->user_timeout_ms;
    to->keepalive_idle_ms = from->keepalive_ms;
}

// What every order of the session says unless it says otherwise itself.
static void session_options_make(const struct config_session *from, struct ouch50_options *to)
{
    const bool customer = from->customer[1] == 0; // a letter, not a word
    to->present = (uint32_t)customer << OUCH50_TAG_CUSTOMER |
                  (uint32_t)(from->group != 0) << OUCH50_TAG_GROUP |
                  (uint32_t)(from->route[0] != 0) << OUCH50_TAG_ROUTE |
                  (uint32_t)from->trade_now << OUCH50_TAG_TRADE_NOW;
    to->customer = from->customer[0];
    to->group = (uint16_t)from->group;
    to->trade_now = 'Y';
    memset(to->route, ' ', sizeof to->route);
    memcpy(to->route, from->route, strlen(from->route));
}

static bool session_config_make(const struct dataplane *d, const struct config_session *from,
                                struct session_config *to)
{
    *to = (struct session_config){
        .frames = {.capacity = from->capacity[0], .mass_cancel = from->mass_cancel},
        .sequence = from->sequence,
        .timeout_ms = from->timeout_ms,
        .heartbeat_ticks = ms_to_ticks(d, from->heartbeat_ms),
        .silence_ticks = ms_to_ticks(d, from->silence_ms),
        .login_ticks = ms_to_ticks(d, from->login_ms),
        .retry_ticks = ms_to_ticks(d, from->retry_ms),
        .retry_ticks_max = ms_to_ticks(d, from->retry_max_ms)};
    to->frames.version = strcmp(from->protocol, "ouch42") == 0 ? OUCH_42 : OUCH_50;
    memset(to->frames.firm, ' ', sizeof to->frames.firm);
    memcpy(to->frames.firm, from->firm, strlen(from->firm));
    session_options_make(from, &to->frames.options);
    snprintf(to->username, sizeof to->username, "%s", from->username);
    snprintf(to->password, sizeof to->password, "%s", from->password);
    snprintf(to->session, sizeof to->session, "%s", from->session);
    return ouch_prefix_set(&to->frames.prefix, from->token_prefix);
}

// --- memory ---

// What stands in the block of a lane, in this order.
enum desk_part {
    PART_DESK,
    PART_ORDERS,
    PART_LIMITS,
    PART_LIMITS_SPARE,
    PART_ROUTES,
    PART_WATCHES,
    PART_SESSIONS,
    PART_WARM,
    PART_LEASES,
    PART_PARKS,
    PART_SOURCES,
    DESK_PARTS
};

static uint64_t limits_bytes(const struct config *config)
{
    return sizeof(struct limit_table) + (uint64_t)symbols_of(config) * sizeof(struct limit_row);
}

static uint64_t session_bytes(const struct dataplane *d, uint32_t session)
{
    struct tcp_config tcp;
    tcp_config_make(d, &d->config->sessions[session], &tcp);
    return cache_lines(sizeof(struct dataplane_session)) + cache_lines(tcp_memory_bytes(&tcp));
}

static uint64_t watch_bytes(const struct config *config, uint32_t session)
{
    const uint32_t channel = config->sessions[session].channel;
    return channel == CONFIG_NONE
               ? 0
               : cache_lines(desk_watch_bytes(config->channels[channel].symbols));
}

static uint64_t park_bytes(const struct config_session *session)
{
    const bool durable = session->durability == CONFIG_SESSION_DURABLE;
    return durable ? cache_lines(desk_park_bytes(session->park_orders)) : 0;
}

static void parts_size(const struct dataplane *d, uint32_t lane, uint64_t bytes[DESK_PARTS])
{
    const struct config *config = d->config;
    const struct desk_config dc = desk_config_make(d, lane);
    memset(bytes, 0, DESK_PARTS * sizeof *bytes);
    bytes[PART_DESK] = cache_lines(sizeof(struct dataplane_desk));
    bytes[PART_ORDERS] = cache_lines(desk_bytes(&dc));
    bytes[PART_LIMITS] = bytes[PART_LIMITS_SPARE] = cache_lines(limits_bytes(config));
    bytes[PART_WARM] = cache_lines(desk_warm_bytes());
    if (config_trade_lanes(config) > 1)
        bytes[PART_LEASES] = cache_lines(desk_leases_bytes(config->account_count));
    bytes[PART_SOURCES] = cache_lines(signals_bytes(config, lane, dc.instruments));
    bytes[PART_ROUTES] = cache_lines(routes_bytes(config->trading.routes, dc.orders.orders));
    for (uint32_t i = 0; i < config->session_count; i++) {
        if (config->sessions[i].lane != lane)
            continue;
        bytes[PART_SESSIONS] += session_bytes(d, i);
        bytes[PART_PARKS] += park_bytes(&config->sessions[i]);
        if (lane_has_strategies(config, lane))
            bytes[PART_WATCHES] += watch_bytes(config, i);
    }
}

void trade_bill(struct dataplane *d)
{
    static const char *const names[DESK_PARTS] = {[PART_DESK] = "trading",
                                                  [PART_ORDERS] = "orders, executions, positions",
                                                  [PART_LIMITS] = "limits",
                                                  [PART_LIMITS_SPARE] = "limits, the next ones",
                                                  [PART_ROUTES] = "routed orders",
                                                  [PART_WATCHES] = "symbols that strategies watch",
                                                  [PART_SESSIONS] = "sessions and connections",
                                                  [PART_WARM] = "practice orders",
                                                  [PART_LEASES] = "limits that lanes share",
                                                  [PART_PARKS] = "orders that wait to be durable",
                                                  [PART_SOURCES] = "symbols of signals"};
    const struct config *config = d->config;
    uint64_t bytes[DESK_PARTS];
    char name[sizeof d->bill.items[0].name];
    for (uint32_t lane = 0; lane < config->lane_count; lane++) {
        if (!lane_trades(config, lane))
            continue;
        parts_size(d, lane, bytes);
        for (int p = 0; p < DESK_PARTS; p++) {
            snprintf(name, sizeof name, "%.15s: %s", config->lanes[lane].name, names[p]);
            if (bytes[p])
                bill_add(&d->bill, name, bytes[p], config->node.page_size,
                         cpu_node(config->lanes[lane].core));
        }
        gateway_bill(d, lane, symbols_of(config));
    }
}

// --- sessions ---

static bool session_make(struct dataplane *d, uint32_t index, uint8_t *memory, struct error *err)
{
    const struct config *config = d->config;
    const struct config_session *from = &config->sessions[index];
    struct dataplane_session *s = d->sessions[index] = (void *)memory;
    struct tcp_config tcp;
    struct session_config sc;
    struct error why = {0};
    tcp_config_make(d, from, &tcp);
    if (!session_config_make(d, from, &sc))
        return config_fault(config, from->token_prefix, err, "takes letters and digits");
    if (!tcp_link_init(&s->link, &tcp, memory + cache_lines(sizeof *s),
                       tape_port_of(d->tapes[from->lane], &d->ports[from->port]),
                       queue_of_lane(config, from->port, from->lane), d->clock.tsc_hz, from->name,
                       &why) ||
        !session_init(&s->session, &sc, &s->link.transport, from->name, &why))
        return config_fault(config, from->name, err, "%s", why.text);
    tcp_link_bind(&s->link, &s->session);
    return true;
}

// Every desk knows every session by its number; those of other lanes are empty places.
static bool sessions_add(struct dataplane *d, uint32_t lane, uint8_t *memory, struct error *err)
{
    const struct config *config = d->config;
    struct desk *desk = &d->desks[lane]->desk;
    for (uint32_t i = 0; i < config->session_count; i++) {
        const struct config_session *from = &config->sessions[i];
        if (from->lane != lane) {
            desk_session_add(desk, NULL, NULL, NULL);
            continue;
        }
        if (!session_make(d, i, memory, err))
            return false;
        memory += session_bytes(d, i);
        struct channel *channel =
            from->channel == CONFIG_NONE ? NULL : &d->channels[from->channel]->channel;
        desk_session_add(desk, &d->sessions[i]->session, channel, &d->sessions[i]->link);
        desk->sessions[i].account = (uint16_t)from->account;
        desk->sessions[i].cancels_on_disconnect = from->cancel_on_disconnect;
        desk->sessions[i].cancels_on_feed_loss = from->cancel_on_feed_loss;
    }
    return true;
}

static void parks_add(const struct dataplane *d, uint32_t lane, uint8_t *memory)
{
    for (uint32_t i = 0; i < d->config->session_count; i++) {
        const struct config_session *from = &d->config->sessions[i];
        if (from->lane != lane || park_bytes(from) == 0)
            continue;
        desk_park_add(&d->desks[lane]->desk, i, from->park_orders,
                      clock_ns_to_ticks(&d->clock, from->park_us * 1000ull), memory);
        memory += park_bytes(from);
    }
}

// Before strategies: they are told of their routed orders.
static void routes_make(const struct dataplane *d, struct dataplane_desk *dd, uint8_t *memory)
{
    const struct config *config = d->config;
    desk_routes_init(&dd->desk, &dd->routes, config->trading.routes, memory);
    for (uint32_t i = 0; i < config->session_count; i++) {
        const struct config_session *from = &config->sessions[i];
        const struct route_venue venue = {.take_fee6 = (int32_t)from->fees.values[0],
                                          .post_fee6 = (int32_t)from->fees.values[1],
                                          .latency_ns = from->latency_ns};
        desk_route_venue(&dd->desk, i, &venue);
    }
}

// --- strategies ---

static uint16_t instrument_find(const struct dataplane *d, const char name[8])
{
    for (uint32_t i = 0; i < d->instrument_count; i++)
        if (memcmp(d->instruments[i], name, sizeof d->instruments[i]) == 0)
            return (uint16_t)i;
    return INSTRUMENT_NONE; // config_check_trade has seen that there is one
}

static bool strategy_make(struct dataplane *d, uint32_t index, struct error *err)
{
    const struct config_strategy *from = &d->config->strategies[index];
    struct desk *desk = &d->desks[from->lane]->desk;
    struct strategy_host *host = &desk->strategies->hosts[index];
    struct strategy_parameters *parameters = &host->slot.setup.parameters;
    uint16_t symbols[STRATEGY_SYMBOLS];
    struct error why = {0};
    for (uint32_t i = 0; i < from->symbols.count; i++)
        symbols[i] = instrument_find(d, from->symbols.names[i]);
    parameters->count = from->parameters.count;
    memcpy(parameters->value, from->parameters.values, sizeof from->parameters.values);
    if (!strategy_load(&host->slot, from->file, from->name, &why))
        return config_fault(d->config, from->file, err, "%s", why.text);
    desk_strategy_add(desk, host, (uint16_t)from->account, symbols, from->symbols.count,
                      from->budget_us * 1000ull);
    if (!strategy_start(&host->slot, &why))
        return config_fault(d->config, from->name, err, "%s", why.text);
    if (from->enabled)
        desk_strategy_first(desk, index);
    return true;
}

static bool strategies_make(struct dataplane *d, uint32_t lane, uint8_t *memory, struct error *err)
{
    const struct config *config = d->config;
    struct dataplane_desk *dd = d->desks[lane];
    void *watches[SESSIONS_MAX] = {NULL};
    if (!lane_has_strategies(config, lane))
        return true;
    for (uint32_t i = 0; i < config->session_count; i++) {
        if (config->sessions[i].lane != lane || config->sessions[i].channel == CONFIG_NONE)
            continue;
        watches[i] = memory;
        memory += watch_bytes(config, i);
    }
    desk_strategies_init(&dd->desk, &dd->strategies, d->clock.tsc_hz, watches);
    for (uint32_t i = 0; i < config->strategy_count; i++)
        if (config->strategies[i].lane == lane && !strategy_make(d, i, err))
            return false;
    return true;
}

// --- start ---

static void instruments_make(struct dataplane *d)
{
    const struct config *config = d->config;
    d->instruments = calloc(symbols_of(config) + 1, sizeof *d->instruments);
    for (uint32_t r = 0; d->instruments && r < config->symbol_count; r++)
        for (uint32_t i = 0; i < config->symbols[r].names.count; i++)
            memcpy(d->instruments[d->instrument_count++], config->symbols[r].names.names[i],
                   sizeof d->instruments[0]);
}

static bool desk_make(struct dataplane *d, uint32_t lane, struct error *err)
{
    const struct config *config = d->config;
    const struct desk_config dc = desk_config_make(d, lane);
    uint64_t bytes[DESK_PARTS], total = 0;
    bool huge;
    parts_size(d, lane, bytes);
    for (int p = 0; p < DESK_PARTS; p++)
        total += bytes[p];
    uint8_t *memory =
        memory_private(total, cpu_node(config->lanes[lane].core), d->region.huge, &huge, err);
    if (memory == NULL)
        return false;
    struct dataplane_desk *dd = d->desks[lane] = (void *)memory;
    uint8_t *part[DESK_PARTS] = {memory};
    for (int p = 1; p < DESK_PARTS; p++)
        part[p] = part[p - 1] + bytes[p - 1];
    dd->memory = memory;
    dd->bytes = total;
    dd->limits = (void *)part[PART_LIMITS];
    dd->limits_spare = (void *)part[PART_LIMITS_SPARE];
    limits_fill(limits_set_now(d), config_trade_lanes(config), d->clock.tsc_hz, dd->limits);
    day_tighten(&d->day, true, dd->limits);
    limits_table_seal(dd->limits);
    d->lanes[lane]->stamp = d->setup ? d->setup : clock_tsc();
    desk_init(&dd->desk, d->lanes[lane], &dc, (const char(*)[8])d->instruments, dd->limits,
              part[PART_ORDERS]);
    if (!sessions_add(d, lane, part[PART_SESSIONS], err))
        return false;
    parks_add(d, lane, part[PART_PARKS]);
    routes_make(d, dd, part[PART_ROUTES]);
    signals_make(d, lane, part[PART_SOURCES]);
    if (!strategies_make(d, lane, part[PART_WATCHES], err) || !gateway_start(d, lane, err))
        return false;
    desk_warm_init(&dd->desk, part[PART_WARM],
                   clock_ns_to_ticks(&d->clock, config->lanes[lane].practice_us * 1000ull));
    if (config_trade_lanes(config) > 1)
        desk_leases_init(&dd->desk, part[PART_LEASES], config->account_count,
                         config_trade_lanes(config), ms_to_ticks(d, LEASE_RETRY_MS));
    d->lanes[lane]->desk = &dd->desk;
    return true;
}

// Who brings shares into the day.
static bool positions_carry(struct dataplane *d, struct error *err)
{
    const struct sheet *s = &d->day.sheets[DAY_POSITIONS];
    for (uint32_t i = 0; i < s->count; i++) {
        const struct position_row *row = sheet_row_at(s, i);
        if (row->instrument == SYMBOL_UNKNOWN || row->shares == 0)
            continue;
        if (!desk_carry(&d->desks[row->lane_index]->desk, row->account_index, row->instrument,
                        row->shares, row->price))
            return sheet_fault(s, row->head.line, "symbol", err,
                               "no more room for positions; raise trading.positions (%u)",
                               d->config->trading.positions);
    }
    return true;
}

bool trade_make(struct dataplane *d, struct error *err)
{
    const struct config *config = d->config;
    instruments_make(d);
    if (d->instruments == NULL)
        return error_set(err, EXIT_FAILED, "no memory for the names of %u symbols",
                         symbols_of(config));
    if (config_trade_lanes(config) && !limits_start(d, err))
        return false;
    for (uint32_t lane = 0; lane < config->lane_count; lane++)
        if (lane_trades(config, lane) && !desk_make(d, lane, err))
            return false;
    return self_start(d, err) && positions_carry(d, err);
}

bool trade_start(struct dataplane *d, struct error *err)
{
    return leases_start(d, err) && acts_start(d, err) && warnings_start(d, err) &&
           gateway_open(d, err);
}

// --- while it runs ---

static uint32_t neighbour_look(struct dataplane *d, uint32_t index, uint64_t now_ns)
{
    const struct config_session *from = &d->config->sessions[index];
    struct dataplane_session *s = d->sessions[index];
    struct slow_port *slow = &d->slow[from->port];
    struct lane_answer answer = {.kind = ANSWER_NEIGHBOUR, .session = (uint8_t)index};
    answer.loaded = slow_neighbour_mac(slow, from->server.ip, answer.mac);
    if (!answer.loaded)
        slow_neighbour_want(slow, from->server.ip, now_ns);
    const bool same = answer.loaded == s->neighbour_known &&
                      memcmp(answer.mac, s->neighbour, sizeof answer.mac) == 0;
    if (same || !spsc_push(&d->lanes[from->lane]->answers, &answer))
        return 0;
    s->neighbour_known = answer.loaded;
    memcpy(s->neighbour, answer.mac, sizeof s->neighbour);
    return 1;
}

// A control that halts a session and a frame that was none are told elsewhere.
static const char *const halts[SESSION_HALTS] = {
    [SESSION_HALT_GAP] = "messages are missing that the exchange does not repeat",
    [SESSION_HALT_NAME] = "the exchange has another session, and the one before had not ended",
    [SESSION_HALT_SHORT] = "the exchange has less of the session than was read before",
};

static void halt_look(struct dataplane *d, uint32_t index)
{
    struct dataplane_session *s = d->sessions[index];
    const uint8_t halted = __atomic_load_n(&s->session.halted, __ATOMIC_RELAXED);
    if (halted == s->halted)
        return;
    s->halted = halted;
    if (halted >= SESSION_HALTS || halts[halted] == NULL)
        return;
    log_warn(LOG_SESSION_HALTED,
             LOG_FIELDS(LOG_TEXT("session", d->config->sessions[index].name),
                        LOG_NUMBER("halted", halted)),
             "session %s takes no orders, cancels pass: %s; compare orders and positions with "
             "the exchange, then tickgate resume session:%s",
             d->config->sessions[index].name, halts[halted], d->config->sessions[index].name);
}

uint32_t trade_turn(struct dataplane *d, uint64_t now_ns)
{
    uint32_t work = acts_turn(d) + clock_watch_turn(d, now_ns, NULL);
    for (uint32_t i = 0; i < d->config->session_count; i++) {
        work += neighbour_look(d, i, now_ns);
        halt_look(d, i);
    }
    restore_turn(d, now_ns);
    warnings_turn(d, now_ns);
    signals_turn(d, now_ns);
    return work + leases_turn(d) + limits_turn(d) + gateway_turn(d, now_ns);
}

// --- end ---

// The day in a line: what an operator compares with the exchange's own account of it.
static void traded(const struct dataplane *d, uint32_t lane)
{
    const struct desk *desk = &d->desks[lane]->desk;
    for (uint32_t i = 0; i < d->config->session_count; i++) {
        const struct session *s = desk->sessions[i].session;
        if (s)
            log_info(LOG_SESSION_OVER,
                     LOG_FIELDS(LOG_TEXT("session", d->config->sessions[i].name),
                                LOG_NUMBER("orders", s->count.sent),
                                LOG_NUMBER("cancels", s->count.cancels),
                                LOG_NUMBER("messages", s->count.sequenced),
                                LOG_NUMBER("next_sequence", s->next_sequence),
                                LOG_NUMBER("open_orders", desk->orders.sessions[i].open_count)),
                     "session %s: %lu orders and %lu cancels sent, %lu messages read, next is %lu, "
                     "%u orders open",
                     d->config->sessions[i].name, s->count.sent, s->count.cancels,
                     s->count.sequenced, s->next_sequence, desk->orders.sessions[i].open_count);
    }
    log_info(LOG_TRADED,
             LOG_FIELDS(LOG_TEXT("lane", d->config->lanes[lane].name),
                        LOG_NUMBER("approved", desk->count.approved),
                        LOG_NUMBER("refused", desk->count.refused),
                        LOG_NUMBER("not_sent", desk->count.not_sent),
                        LOG_NUMBER("fills", desk->count.fills),
                        LOG_NUMBER("unclaimed", desk->count.unclaimed)),
             "lane %s: %lu approved, %lu refused, %lu not sent, %lu fills, %lu unclaimed; "
             "%u orders and %lu price4 x shares still reserved",
             d->config->lanes[lane].name, desk->count.approved, desk->count.refused,
             desk->count.not_sent, desk->count.fills, desk->count.unclaimed, desk->risk.firm.orders,
             desk->risk.firm.notional);
}

void trade_free(struct dataplane *d)
{
    gateway_stop(d);
    restore_free(d);
    leases_free(d);
    acts_free(d);
    warnings_free(d);
    self_free(d);
    limits_free(d);
    for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
        struct dataplane_desk *dd = d->desks[lane];
        if (dd == NULL)
            continue;
        if (d->lanes_running)
            traded(d, lane);
        for (uint32_t i = 0; i < STRATEGIES_MAX; i++)
            if (dd->strategies.hosts[i].slot.strategy)
                strategy_unload(&dd->strategies.hosts[i].slot);
        d->desks[lane] = NULL;
        memory_private_free(dd->memory, dd->bytes);
    }
    free(d->instruments);
    d->instruments = NULL;
}
