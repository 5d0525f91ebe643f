// The main lcore: what lanes ask for, what the control plane orders, and everything that has time.
#include <string.h>
#include <time.h>

#include "dataplane/base/log.h"
#include "dataplane/base/notify.h"
#include "dataplane/control/dataplane.h"
#include "dataplane/control/day_live.h"
#include "dataplane/control/drop_copy.h"
#include "dataplane/control/limits_live.h"
#include "dataplane/control/selftest.h"

enum {
    NOTES_MAX = 256,     // notes of a lane taken in one turn
    STATISTICS_MS = 100, // drivers, pools, heartbeat
    LINKS_MS = 10,       // what waits for a link goes on that soon
    IDLE_NS = 20000,     // pause when a turn found nothing: the main lcore shares its core
};

// --- notes of the lanes ---

static void note_request(struct dataplane *d, const struct feed_request *request, uint64_t now_ns)
{
    struct dataplane_channel *c = d->channels[request->channel];
    if (request->kind == FEED_REQUEST_MESSAGES) {
        recovery_request(&c->recovery, request);
        return;
    }
    recovery_cancel(&c->recovery);
    snapshot_request(&c->snapshot, request, now_ns);
}

static uint32_t notes_take(struct dataplane *d, struct lane *lane, uint64_t now_ns)
{
    struct lane_note note;
    uint32_t taken = 0;
    for (; taken < NOTES_MAX && spsc_pop(&lane->notes, &note); taken++) {
        switch (note.kind) {
        case NOTE_REQUEST: note_request(d, &note.request, now_ns); break;
        case NOTE_RETURN:
            recovery_return(&d->channels[note.frame.input]->recovery, &note.frame);
            break;
        case NOTE_FRAME: {
            struct port *port = &d->ports[note.port];
            slow_frame(&d->slow[note.port], &note.frame, now_ns);
            port->ops->release(port, &note.frame);
            break;
        }
        }
    }
    return taken;
}

// --- orders of the control plane ---

static enum command_result filter_set(struct dataplane *d, const struct filter_set_request *request,
                                      struct filter_set_answer *answer)
{
    if (request->channel >= d->config->channel_count)
        return COMMAND_RESULT_BAD_ARGUMENT;
    struct dataplane_channel *c = d->channels[request->channel];
    // The bitmap is the lane's until it has worked it in.
    if (c->filters_sent != channel_filters_done(&c->channel))
        return COMMAND_RESULT_BUSY;
    uint64_t *bitmap = c->filter;
    if (request->all)
        memset(bitmap, 0xff, sizeof c->filter);
    else
        memcpy(bitmap, request->bitmap, sizeof c->filter);
    const struct lane_answer order = {
        .kind = ANSWER_FILTER, .channel = c->channel.index, .bitmap = bitmap};
    struct lane *lane = d->lanes[d->config->channels[request->channel].lane];
    if (!spsc_push(&lane->answers, &order))
        return COMMAND_RESULT_BUSY;
    c->filters_sent++;
    answer->symbols = 0;
    for (uint32_t i = 0; i < LOCATES / 64; i++)
        answer->symbols += (uint32_t)__builtin_popcountll(bitmap[i]);
    return COMMAND_RESULT_OK;
}

// False: it is answered later.
static bool command_do(struct dataplane *d, struct command_slot *slot, enum command_result *result)
{
    static struct filter_set_request filter; // 8 KiB: not on the stack; only the main lcore is here
    struct limits_list_request list;
    *result = COMMAND_RESULT_UNKNOWN;
    // Copies: the poster is another process and may write on.
    switch (slot->type) {
    case COMMAND_FILTER_SET:
        filter = slot->request.filter_set;
        *result = filter_set(d, &filter, &slot->answer.filter_set);
        return true;
    case COMMAND_LIMIT_SET: return !limits_set(d, slot, result);
    case COMMAND_LIMITS_LIST:
        list = slot->request.limits_list;
        *result = limits_list(d, &list, &slot->answer.limits_list);
        return true;
    case COMMAND_DROP_COPY:
        *result = drop_copy_record(&d->events, &slot->request.drop_copy, &slot->answer.drop_copy);
        return true;
    case COMMAND_RELOAD: return !day_reload(d, slot, clock_utc_ns(), result);
    case COMMAND_SELF_TEST:
        *result = selftest_command(d->config, &d->events, &slot->answer.self_test);
        return true;
    default: return true;
    }
}

static uint32_t commands_take(struct dataplane *d)
{
    uint32_t taken = 0;
    if (!command_rung(region_command_bell(&d->view, d->view.shape.lanes), &d->bell_seen))
        return 0;
    for (uint32_t i = 0; i < COMMAND_SLOTS; i++) {
        struct command_slot *slot = region_command_slot(&d->view, i);
        enum command_result result;
        if (!command_take(slot, LANE_MAIN))
            continue;
        if (command_do(d, slot, &result))
            command_answer(slot, result, 0);
        taken++;
    }
    return taken;
}

// --- what has time ---

static void link_report(struct dataplane *d, uint32_t i)
{
    const struct port_counters *count = region_port_counters(&d->view, i);
    struct event event = {.type = EVENT_LINK_CHANGE, .tsc = clock_tsc()};
    event.link_change.port = (uint8_t)i;
    event.link_change.up = (uint8_t)count->link_up;
    event_write(&d->events, &event);
    log_info(LOG_LINK,
             LOG_FIELDS(LOG_TEXT("port", d->ports[i].name),
                        LOG_TEXT("state", count->link_up ? "up" : "down")),
             "port %s is %s", d->ports[i].name, count->link_up ? "up" : "down");
}

static void statistics_take(struct dataplane *d, uint64_t now_ns)
{
    region_beat(&d->view, clock_tsc());
    notify_alive(now_ns);
    trade_sample(d);
    lanes_watch(d, now_ns);
    for (uint32_t i = 0; i < d->ports_open; i++) {
        port_statistics(&d->ports[i], region_port_counters(&d->view, i));
        port_pool(&d->ports[i], region_pool_counters(&d->view, i));
        port_mend(&d->ports[i], now_ns);
    }
}

static void links_look(struct dataplane *d, uint64_t now_ns)
{
    for (uint32_t i = 0; i < d->ports_open; i++) {
        struct port_counters *count = region_port_counters(&d->view, i);
        if (!port_link_changed(&d->ports[i], count))
            continue;
        link_report(d, i);
        if (count->link_up)
            slow_link_up(&d->slow[i], now_ns);
    }
}

void dataplane_loop(struct dataplane *d, const volatile int *stop)
{
    uint64_t statistics_at = 0, links_at = 0;
    while (!*stop) {
        uint64_t now_ns = clock_mono_ns();
        if (now_ns >= links_at) { // before what is sent over them
            links_at = now_ns + LINKS_MS * 1000000ull;
            links_look(d, now_ns);
        }
        uint32_t work = commands_take(d);
        for (uint32_t i = 0; i < d->config->lane_count; i++)
            work += notes_take(d, d->lanes[i], now_ns);
        for (uint32_t i = 0; i < d->config->channel_count; i++) {
            work += recovery_turn(&d->channels[i]->recovery, now_ns);
            work += snapshot_turn(&d->channels[i]->snapshot, now_ns);
        }
        work += trade_turn(d, now_ns) + day_turn(d, now_ns, clock_utc_ns());
        for (uint32_t i = 0; i < d->ports_open; i++)
            work += slow_receive(&d->slow[i], now_ns) + slow_turn(&d->slow[i], now_ns);
        if (now_ns >= statistics_at) {
            statistics_at = now_ns + STATISTICS_MS * 1000000ull;
            statistics_take(d, now_ns);
        }
        d->count->turns++;
        if (work == 0)
            nanosleep(&(struct timespec){.tv_nsec = IDLE_NS}, NULL);
    }
}
