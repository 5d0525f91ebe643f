// Stages of the start, and the same in reverse.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/cpu.h"
#include "dataplane/base/log.h"
#include "dataplane/control/dataplane.h"
#include "dataplane/control/selftest.h"
#include "dataplane/lane/tape.h"

enum {
    PORT_WAIT_MS = 30000, // for the other end of a memif
    TRADE_STOP_MS = 3000, // for cancels and logouts
    ORDINARY_PAGE = 4096, // bytes, of what is not the lanes'
    MBUF_SPARE = 2048,    // frames on their way through lane and main lcore
    MBUF_BYTES = 2560, // of one buffer with its headers: what the bill says before the pool exists
};

static uint64_t tsc_now(void *clock)
{
    (void)clock;
    return clock_tsc();
}

// --- what the configuration means ---

static uint64_t us_to_ticks(const struct dataplane *d, uint64_t us)
{
    return clock_ns_to_ticks(&d->clock, us * 1000);
}

static bool bands_estimated(const struct config *config)
{
    for (uint32_t i = 0; i < config->symbol_count; i++)
        if (config->symbols[i].band_estimate)
            return true;
    return false;
}

// Bands are estimated where a session trades by the channel.
static bool channel_estimates(const struct config *config, const struct config_channel *channel)
{
    for (uint32_t i = 0; i < config->session_count; i++)
        if (config->sessions[i].channel == (uint32_t)(channel - config->channels))
            return bands_estimated(config);
    return false;
}

static void channel_config_make(const struct dataplane *d, const struct config_channel *from,
                                struct channel_config *to)
{
    static const enum channel_start starts[] = {[CONFIG_START_FIRST] = CHANNEL_START_FIRST,
                                                [CONFIG_START_SNAPSHOT] = CHANNEL_START_SNAPSHOT,
                                                [CONFIG_START_LIVE] = CHANNEL_START_LIVE};
    *to = (struct channel_config){
        .protocol = feed_protocol_find(from->protocol),
        .start = starts[from->start],
        .can_request = from->recovery.server_count > 0,
        .can_snapshot = from->snapshot.server.ip != 0,
        .reorder_frames = from->reorder_frames,
        .reorder_ticks = us_to_ticks(d, from->reorder_us),
        .hold_frames = from->hold_frames,
        .request_messages_max = from->request_messages_max,
        .line_stale_ticks = us_to_ticks(d, from->line_stale_ms * 1000ull),
        .line_count = from->line_count,
        .luld = channel_estimates(d->config, from),
        .book = {.symbols = from->symbols,
                 .orders = from->orders,
                 .levels = from->levels,
                 .matches = from->matches},
    };
    // A feed of levels has no orders: the table of levels is what is left to size.
    if (to->protocol == &feed_deep10) {
        to->book.levels = from->levels ? from->levels : from->orders;
        to->book.orders = 0;
    }
    book_config_defaults(&to->book);
}

// Buffers of a port: both rings, what its channels may hold, and some on their way.
static uint32_t mbufs_of(const struct config *config, uint32_t port, uint32_t queues)
{
    const struct config_port *p = &config->ports[port];
    uint32_t mbufs = queues * (p->rx_descriptors + p->tx_descriptors) + MBUF_SPARE;
    for (uint32_t i = 0; i < config->channel_count; i++)
        for (uint32_t l = 0; l < config->channels[i].line_count; l++)
            if (config->channels[i].lines[l].port == port) {
                mbufs += config->channels[i].hold_frames;
                break;
            }
    return p->mbufs ? p->mbufs : mbufs;
}

static uint32_t port_queues(const struct config *config, uint32_t port)
{
    uint32_t queues = 0;
    for (uint32_t lane = 0; lane < config->lane_count; lane++)
        queues += lane_uses_port(config, lane, port);
    return queues ? queues : 1;
}

static int node_of_lane(const struct config *config, uint32_t lane)
{
    return cpu_node(config->lanes[lane].core);
}

// --- stages ---

static void shape_make(const struct config *config, uint32_t bill_items, struct region_shape *shape)
{
    *shape = (struct region_shape){
        .lanes = config->lane_count,
        .channels = config->channel_count,
        .ports = config->port_count,
        .pools = config->port_count,
        .bill_items = bill_items,
        .trading_slots = config->node.trading_slots,
        .diagnostic_slots = config->node.diagnostic_slots,
        .capture_bytes = (uint32_t)config->capture.ring_size,
    };
    for (uint32_t i = 0; i < config->channel_count; i++)
        shape->symbols[i] = config->channels[i].symbols;
    trade_shape(config, shape);
}

// The whole bill before anything is allocated. <list>: it is what was asked for; else its sum is
// logged, and people see all of it.
static bool stage_bill(struct dataplane *d, bool list, struct error *err)
{
    const struct config *config = d->config;
    struct region_shape shape;
    struct channel_config cc;
    struct bill_line lines[CHANNEL_BILL_LINES];
    char name[sizeof((struct bill_item *)0)->name];
    for (uint32_t i = 0; i < config->channel_count; i++) {
        const struct config_channel *from = &config->channels[i];
        channel_config_make(d, from, &cc);
        channel_bytes(&cc, lines);
        for (int l = 0; l < CHANNEL_BILL_LINES; l++) {
            snprintf(name, sizeof name, "%.15s: %s", config->channels[i].name, lines[l].name);
            bill_add(&d->bill, name, lines[l].bytes, config->node.page_size,
                     node_of_lane(config, config->channels[i].lane));
        }
        if (from->recovery.server_count == 0)
            continue;
        snprintf(name, sizeof name, "%.15s: recovered datagrams", config->channels[i].name);
        bill_add(&d->bill, name, (uint64_t)RECOVERY_BUFFERS * RECOVERY_BUFFER_LEN, ORDINARY_PAGE,
                 -1);
    }
    for (uint32_t i = 0; i < config->port_count; i++) {
        snprintf(name, sizeof name, "%.15s: frame buffers", config->ports[i].name);
        bill_add(&d->bill, name, (uint64_t)mbufs_of(config, i, port_queues(config, i)) * MBUF_BYTES,
                 config->node.page_size, -1);
    }
    trade_bill(d);
    shape_make(config, d->bill.count + 1, &shape);
    bill_add(&d->bill, "region (events, counters, prices)", region_bytes(&shape),
             config->node.page_size, -1);
    if (!list)
        bill_log(&d->bill);
    if (list || log_is_text())
        bill_print(&d->bill, stdout);
    struct error cause = {0};
    if (bill_check(&d->bill, config->node.memory_limit, &cause))
        return true;
    return config_fault(config, &config->node.memory_limit, err, "%s", cause.text);
}

static bool stage_region(struct dataplane *d, struct error *err)
{
    const struct config *config = d->config;
    struct region_shape shape;
    struct stat ns;
    struct region_identity identity = {
        .epoch = clock_utc_ns(),
        .config_hash = config->hash,
        .restores = restore_wanted(config),
        .pid = (uint32_t)getpid(),
        .clock = {d->clock.tsc_hz, d->clock.tsc_at, d->clock.utc_ns_at},
    };
    if (stat("/proc/self/ns/pid", &ns) == 0)
        identity.pid_namespace = ns.st_ino;
    snprintf(identity.node, sizeof identity.node, "%s", config->node.name);
    snprintf(identity.program, sizeof identity.program, "%s", TICKGATE_VERSION);
    shape_make(config, d->bill.count, &shape);
    uint64_t bytes = region_bytes(&shape);
    if (bytes == 0)
        return error_set(
            err, EXIT_USAGE,
            "node: trading_slots and diagnostic_slots must be powers of two from %d to %d",
            EVENT_RING_MIN, EVENT_RING_MAX);
    if (!region_left_wait(d, err) ||
        !memory_region_open(&d->region, config->node.region, bytes, config->node.page_size,
                            node_of_lane(config, 0), config->node.huge_pages, err))
        return false;
    region_format(d->region.memory, d->region.length, &shape, &identity, &d->view);
    for (uint32_t i = 0; i < d->bill.count; i++) {
        struct bill_item *item = region_bill_item(&d->view, i);
        snprintf(item->name, sizeof item->name, "%s", d->bill.items[i].name);
        item->bytes = d->bill.items[i].bytes;
        item->page_len = (uint32_t)d->bill.items[i].page_size;
        item->numa_node = d->bill.items[i].node;
    }
    region_event_writer(&d->view, shape.lanes, EVENT_RING_TRADING, &d->events);
    d->count = region_main_counters(&d->view, 0);
    region_lost_tell(d);
    return true;
}

// What arrives on the port, and whose it is.
static void port_lines_add(const struct config *config, uint32_t port, struct port_config *pc)
{
    for (uint32_t c = 0; c < config->channel_count; c++) {
        const uint32_t lane = config->channels[c].lane;
        for (uint32_t l = 0; l < config->channels[c].line_count; l++) {
            const struct config_line *line = &config->channels[c].lines[l];
            if (line->port != port)
                continue;
            pc->groups[pc->group_count++] = line->group;
            pc->routes[pc->route_count++] =
                (struct port_route){.ip = line->group,
                                    .udp_port = line->udp_port,
                                    .queue = queue_of_lane(config, port, lane)};
            pc->node_wanted = node_of_lane(config, lane);
        }
    }
    signals_port_add(config, port, pc);
    for (uint32_t i = 0; i < config->session_count; i++)
        if (config->sessions[i].port == port)
            pc->node_wanted = node_of_lane(config, config->sessions[i].lane);
}

// Answers to what is asked for through the port are the main lcore's, where it has a queue.
static void port_answers_add(const struct config *config, uint32_t port, struct port_config *pc)
{
    for (uint32_t c = 0; c < config->channel_count; c++) {
        const struct config_channel *channel = &config->channels[c];
        if (channel->recovery.server_count && channel->recovery.via == CONFIG_VIA_PORT &&
            channel->lines[0].port == port)
            pc->routes[pc->route_count++] =
                (struct port_route){.ip = config->ports[port].ip,
                                    .udp_port = (uint16_t)(RECOVERY_UDP_FIRST + c),
                                    .queue = PORT_MAIN_QUEUE};
    }
}

// The cause is known below, the place here.
static bool fault_at(const struct config *config, const void *member, const struct error *cause,
                     struct error *err)
{
    config_fault(config, member, err, "%s", cause->text);
    err->code = cause->code;
    return false;
}

// <device>: index of its port.
static bool device_fault(const struct config *config, uint32_t device, const struct error *cause,
                         struct error *err)
{
    if (device == EAL_NO_DEVICE)
        return error_set(err, cause->code, "%s", cause->text);
    return fault_at(config, config->ports[device].device, cause, err);
}

static bool stage_ports(struct dataplane *d, struct error *err)
{
    const struct config *config = d->config;
    struct eal_config eal = {
        .main_core = config->node.main_core, .huge_pages = d->region.huge, .memory_mib = 64};
    for (uint32_t i = 0; i < config->lane_count; i++)
        eal.cores[eal.core_count++] = config->lanes[i].core;
    for (uint32_t i = 0; i < config->port_count; i++) {
        eal.devices[eal.device_count++] = config->ports[i].device;
        eal.memory_mib += mbufs_of(config, i, port_queues(config, i)) /
                          256; // about 2.5 KiB each, with room to spare
    }
    struct error cause = {0};
    uint32_t device;
    if (!eal_start(&eal, &device, &cause))
        return device_fault(config, device, &cause, err);
    d->eal_started = true;
    for (uint32_t i = 0; i < config->port_count; i++) {
        const struct config_port *from = &config->ports[i];
        struct port_config pc = {
            .name = from->name,
            .device = from->device,
            .queues = (uint16_t)port_queues(config, i),
            .rx_descriptors = (uint16_t)from->rx_descriptors,
            .tx_descriptors = (uint16_t)from->tx_descriptors,
            .mbufs = mbufs_of(config, i, port_queues(config, i)),
            .node_wanted = -1,
            .remote_allowed = config->node.remote_memory,
            .promiscuous = from->promiscuous,
            .flow_rules = from->flow_rules,
            .sums_tcp = from->card_checksums,
            .vlan = (uint16_t)from->vlan,
        };
        memcpy(pc.mac, from->mac, sizeof pc.mac);
        port_lines_add(config, i, &pc);
        port_answers_add(config, i, &pc);
        d->ports[i].index = (uint8_t)i;
        if (!port_open(&d->ports[i], &pc, PORT_WAIT_MS, &d->facts[i], err))
            return false;
        d->ports_open++;
    }
    return true;
}

static bool stage_channels(struct dataplane *d, struct error *err)
{
    const struct config *config = d->config;
    for (uint32_t i = 0; i < config->channel_count; i++) {
        const struct config_channel *from = &config->channels[i];
        struct dataplane_channel *c = d->channels[i] =
            aligned_alloc(CACHE_LINE, cache_lines(sizeof *c));
        struct channel_config cc;
        struct error cause = {0};
        bool huge;
        memset(c, 0, sizeof *c);
        channel_config_make(d, from, &cc);
        c->bytes = channel_bytes(&cc, NULL);
        c->memory = memory_private(c->bytes, node_of_lane(config, from->lane), d->region.huge,
                                   &huge, &cause);
        if (c->memory == NULL)
            return fault_at(config, &from->orders, &cause, err);
        channel_init(&c->channel, &cc, c->memory);
        c->channel.index = (uint8_t)i;
        channel_follow(&c->channel, (const char(*)[8])from->filter.names, from->filter.count);
        if (!recovery_init(&c->recovery, &from->recovery, (uint8_t)i, cc.protocol,
                           d->lanes[from->lane], d->count, err))
            return false;
        snapshot_init(&c->snapshot, &from->snapshot, &c->channel, d->lanes[from->lane], d->count);
    }
    return true;
}

static void stage_lanes(struct dataplane *d)
{
    const struct config *config = d->config;
    for (uint32_t i = 0; i < config->lane_count; i++) {
        struct lane *lane = d->lanes[i] = aligned_alloc(CACHE_LINE, cache_lines(sizeof *lane));
        uint64_t notes = LANE_RING_LEN * sizeof(struct lane_note),
                 answers = LANE_RING_LEN * sizeof(struct lane_answer);
        d->rings[i] = calloc(1, notes + answers);
        lane_init(lane, &d->view, (uint8_t)i, d->rings[i], (uint8_t *)d->rings[i] + notes);
        lane->now = tsc_now;
        lane->tsc_hz = d->clock.tsc_hz;
        lane->gauges_ticks = d->clock.tsc_hz / 1000;
        lane->idle = (enum lane_idle)config->lanes[i].idle;
    }
}

// Lanes get their queues, channels and routes; descriptors of the region are filled in.
static bool stage_wire_up(struct dataplane *d, struct error *err)
{
    const struct config *config = d->config;
    for (uint32_t i = 0; i < config->lane_count; i++)
        for (uint32_t p = 0; p < config->port_count; p++)
            if (lane_uses_port(config, i, p)) {
                lane_input_add(d->lanes[i], &d->ports[p], queue_of_lane(config, p, i));
                d->lanes[i]->verify_checksums |=
                    config->ports[p].verify_checksums && !d->facts[p].checks_sums;
            }
    for (uint32_t i = 0; i < config->channel_count; i++) {
        const struct config_channel *from = &config->channels[i];
        struct lane *lane = d->lanes[from->lane];
        lane_channel_add(lane, &d->channels[i]->channel);
        for (uint32_t l = 0; l < from->line_count; l++)
            if (!lane_route_add(lane, (uint8_t)from->lines[l].port, from->lines[l].group,
                                from->lines[l].udp_port, (uint8_t)(lane->channel_count - 1),
                                (uint8_t)l))
                return error_set(err, EXIT_USAGE,
                                 "channel %s, line %s: another line has the same group and port",
                                 from->name, from->lines[l].name);
    }
    return true;
}

static void describe(struct dataplane *d)
{
    const struct config *config = d->config;
    for (uint32_t i = 0; i < config->lane_count; i++) {
        struct lane_info *info = region_lane_info(&d->view, i);
        snprintf(info->name, sizeof info->name, "%s", config->lanes[i].name);
        info->cpu = (int32_t)config->lanes[i].core;
        info->numa_node = node_of_lane(config, i);
    }
    for (uint32_t i = 0; i < config->port_count; i++) {
        struct port_info *info = region_port_info(&d->view, i);
        snprintf(info->name, sizeof info->name, "%s", config->ports[i].name);
        snprintf(info->device, sizeof info->device, "%.60s", config->ports[i].device);
        snprintf(info->driver, sizeof info->driver, "%s", d->facts[i].driver);
        memcpy(info->mac, d->ports[i].mac, sizeof info->mac);
        info->mtu = d->facts[i].mtu;
        info->numa_node = d->facts[i].node;
        info->address = config->ports[i].ip;
        info->queues = (uint16_t)port_queues(config, i);
        info->hardware_time = d->facts[i].hardware_time;
        struct pool_info *pool = region_pool_info(&d->view, i);
        snprintf(pool->name, sizeof pool->name, "%s", config->ports[i].name);
    }
    for (uint32_t i = 0; i < config->channel_count; i++) {
        const struct config_channel *from = &config->channels[i];
        const struct channel_config *cc = &d->channels[i]->channel.config;
        struct channel_info *info = region_channel_info(&d->view, i);
        snprintf(info->name, sizeof info->name, "%s", from->name);
        snprintf(info->protocol, sizeof info->protocol, "%s", from->protocol);
        info->first_symbol = d->view.first_symbol[i];
        info->symbols = cc->book.symbols;
        info->orders = cc->book.orders;
        info->levels = cc->book.levels;
        info->hold_frames = cc->hold_frames;
        info->reorder_us = from->reorder_us;
        info->lane = (uint8_t)from->lane;
        info->lines = (uint8_t)from->line_count;
        info->can_request = cc->can_request;
        info->can_snapshot = cc->can_snapshot;
        for (uint32_t l = 0; l < from->line_count; l++) {
            struct line_info *line = region_line_info(&d->view, (uint64_t)i * CHANNEL_LINES + l);
            snprintf(line->name, sizeof line->name, "%s", from->lines[l].name);
            line->group = from->lines[l].group;
            line->udp_port = from->lines[l].udp_port;
            line->port = (uint8_t)from->lines[l].port;
        }
    }
}

static int lane_main(void *arg)
{
    struct lane *lane = arg;
    if (lane->tape)
        tape_run(lane);
    else
        lane_run(lane);
    return 0;
}

static bool stage_run(struct dataplane *d, struct error *err)
{
    memory_stay(); // it reads from the disk: ports are open, strategies loaded, and no lane runs
    region_beat(&d->view, clock_tsc()); // whoever attaches finds it alive
    region_publish(&d->view);
    d->lanes_running = true;
    for (uint32_t i = 0; i < d->config->lane_count; i++)
        if (!eal_launch(d->config->lanes[i].core, lane_main, d->lanes[i], err))
            return false;
    region_beat(&d->view, clock_tsc());
    region_state_set(&d->view, REGION_READY);
    region_lost_said(d);
    return true;
}

bool dataplane_bill(struct dataplane *d, const struct config *config, struct error *err)
{
    memset(d, 0, sizeof *d);
    d->config = config;
    const bool ok = day_open(&d->day, config, clock_utc_ns(), err) && stage_bill(d, true, err);
    day_close(&d->day);
    return ok;
}

bool dataplane_rebuild(struct dataplane *d, const struct config *config,
                       const struct clock_calibration *clock, uint64_t setup, struct error *err)
{
    const struct region_identity identity = {.epoch = clock->utc_ns_at};
    struct region_shape shape;
    bool huge;
    d->config = config;
    d->clock = *clock;
    d->setup = setup;
    memory_remote_allow(true);
    histogram_edges_init(clock->tsc_hz);
    shape_make(config, 1, &shape);
    shape.capture_bytes = 0;
    const uint64_t bytes = region_bytes(&shape);
    void *memory = bytes ? memory_private(bytes, -1, false, &huge, err) : NULL;
    if (memory == NULL)
        return err->code != EXIT_OK ? false : error_set(err, EXIT_USAGE, "node: trading_slots");
    region_format(memory, bytes, &shape, &identity, &d->view);
    region_event_writer(&d->view, shape.lanes, EVENT_RING_TRADING, &d->events);
    d->count = region_main_counters(&d->view, 0);
    stage_lanes(d);
    return day_open(&d->day, config, clock->utc_ns_at, err) && stage_channels(d, err) &&
           stage_wire_up(d, err) && trade_make(d, err);
}

bool dataplane_start(struct dataplane *d, const struct config *config, const volatile int *stop,
                     struct error *err)
{
    memset(d, 0, sizeof *d);
    d->config = config;
    d->stop = stop;
    memory_remote_allow(config->node.remote_memory);
    clock_calibrate(&d->clock, 50);
    histogram_edges_init(d->clock.tsc_hz);
    bool ok = day_open(&d->day, config, d->clock.utc_ns_at, err) && stage_bill(d, false, err) &&
              stage_region(d, err) && selftest_at_start(config, &d->events, err) &&
              cores_take(config, err) && stage_ports(d, err);
    if (ok) {
        stage_lanes(d);
        ok = stage_channels(d, err) && stage_wire_up(d, err) && tapes_start(d, err) &&
             trade_make(d, err);
    }
    if (ok) {
        describe(d);
        trade_describe(d);
        ok = restore_take(d, err) && trade_start(d, err);
    }
    ok = ok && tapes_desks(d, err);
    if (ok) {
        day_record(&d->day, UINT32_MAX, &d->events);
        slow_start(d);
        ok = stage_run(d, err);
    }
    if (!ok)
        dataplane_stop(d);
    return ok;
}

// A lane hangs in code that never returns: the process ends around it.
static void give_up(struct dataplane *d)
{
    log_error(LOG_STOP_FORCED, NULL, "a lane does not come round: the process ends without it");
    region_state_set(&d->view, REGION_STOPPED);
    region_leave(d);
    if (d->region.named)
        unlink(d->region.path); // unmapped it would be gone from under the lane
    _exit(EXIT_FAILED);
}

void dataplane_stop(struct dataplane *d)
{
    const bool ran = d->lanes_running;
    if (d->view.base)
        region_state_set(&d->view, REGION_STOPPING);
    if (d->lanes_running)
        trade_stop(d, TRADE_STOP_MS);
    for (uint32_t i = 0; i < d->ports_open; i++)
        if (d->lanes_running)
            slow_leave(&d->slow[i], clock_mono_ns());
    if (d->lanes_running)
        usleep(20000); // the leaves go out through the lanes
    if (d->lanes_running && !lanes_end(d))
        give_up(d);
    trade_free(d);
    for (uint32_t i = 0; i < CHANNELS_MAX; i++) {
        if (d->channels[i] == NULL)
            continue;
        recovery_close(&d->channels[i]->recovery);
        if (d->channels[i]->memory)
            memory_private_free(d->channels[i]->memory, d->channels[i]->bytes);
        free(d->channels[i]);
    }
    for (uint32_t i = 0; i < d->ports_open; i++)
        port_close(&d->ports[i]);
    tapes_free(d);
    for (uint32_t i = 0; i < LANES_MAX; i++) {
        free(d->lanes[i]);
        free(d->rings[i]);
    }
    if (d->view.base) {
        region_state_set(&d->view, REGION_STOPPED);
        if (ran)
            region_leave(d);
        memory_region_close(&d->region);
    }
    if (d->eal_started)
        eal_stop();
    day_close(&d->day);
}
