// Lanes that hang. A plug-in that never returns, or a lane that waits for what it must not wait
// for, leaves orders at exchanges with nobody to take them back: the connections are reset from
// here, and the exchanges cancel on disconnect. Where the main lcore has no queue of its own it
// uses the lane's, which it may while the lane is not inside the port: a lane that comes round
// again in that moment finds nothing there, and no room.
#include "dataplane/base/log.h"
#include "dataplane/control/dataplane.h"

enum {
    LOOK_NS_MAX = 200000000, // counted for one look, however long ago the last one was
    RESET_REPEATS = 2,       // after the one that left: it may be lost like any frame
};

// Both numbers, where they differ: the peer takes only the exact one, and what was last sent may be
// lost. True: one has left.
static bool connection_reset(struct dataplane *d, uint32_t session)
{
    const struct tcp_link *link = &d->sessions[session]->link;
    const struct tcp *c = &link->tcp;
    // Not link->port: that is the lane's own tape where it has one.
    struct port *port = &d->ports[d->config->sessions[session].port];
    uint8_t frame[PORT_FRAME_MAX];
    bool sent = false;
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t len = tcp_reset_write(c, i == 1, frame);
        if (len == 0 || (i == 1 && c->snd_una == c->snd_nxt))
            continue;
        if (port->main_queue)
            sent |= main_queue_send(port, frame, len, link->frame_flags);
        else
            sent |= lane_queue_send(port, link->queue, frame, len, link->frame_flags);
    }
    return sent;
}

static void tell(struct dataplane *d, uint32_t lane, bool hung, uint32_t sessions)
{
    const uint64_t silent_ms = d->watches[lane].silent_ns / 1000000;
    const uint32_t resets = (uint32_t)__builtin_popcount(d->watches[lane].reset);
    struct event event = {.type = hung ? EVENT_LANE_HUNG : EVENT_LANE_BACK, .tsc = clock_tsc()};
    event.lane_hung.silent_ms = silent_ms;
    event.lane_hung.sessions = sessions;
    event.lane_hung.resets = hung ? resets : 0;
    event.lane_hung.lane = (uint8_t)lane;
    event_write(&d->events, &event);
    if (hung)
        log_error(LOG_LANE_HUNG,
                  LOG_FIELDS(LOG_TEXT("lane", d->config->lanes[lane].name),
                             LOG_NUMBER("silent_ms", silent_ms), LOG_NUMBER("resets", resets),
                             LOG_NUMBER("sessions", sessions)),
                  "lane %s has not come round for %lu ms: %u of its %u connections are reset",
                  d->config->lanes[lane].name, silent_ms, resets, sessions);
    else
        log_warn(LOG_LANE_BACK, LOG_FIELDS(LOG_TEXT("lane", d->config->lanes[lane].name)),
                 "lane %s comes round again", d->config->lanes[lane].name);
}

// A connection whose reset could not leave is tried again with every look: the lane may have left
// the port since then, and hang elsewhere. Each is counted once, and told when it has left.
static void lane_hangs(struct dataplane *d, uint32_t lane)
{
    struct lane_watch *w = &d->watches[lane];
    const bool first = !w->hung;
    const uint32_t before = w->reset;
    uint32_t sessions = 0;
    for (uint32_t i = 0; i < d->config->session_count; i++) {
        if (d->config->sessions[i].lane != lane)
            continue;
        sessions++;
        if ((w->reset & 1u << i) == 0 || w->repeats > 0)
            w->reset |= (uint32_t)connection_reset(d, i) << i;
    }
    const uint32_t more = w->reset & ~before;
    w->repeats = more ? RESET_REPEATS : w->repeats - (w->repeats > 0);
    w->hung = true;
    d->count->lanes_hung += first;
    d->count->sessions_reset += (uint32_t)__builtin_popcount(more);
    if (first || more)
        tell(d, lane, true, sessions);
}

static void lane_look(struct dataplane *d, uint32_t lane, uint64_t looked_ns)
{
    struct lane_watch *w = &d->watches[lane];
    const uint64_t polls = __atomic_load_n(&d->lanes[lane]->count->polls, __ATOMIC_RELAXED);
    if (polls != w->polls) {
        if (w->hung)
            tell(d, lane, false, 0);
        *w = (struct lane_watch){.polls = polls};
        return;
    }
    w->silent_ns += looked_ns;
    if (w->silent_ns >= d->config->lanes[lane].hung_ms * 1000000ull)
        lane_hangs(d, lane);
}

void lanes_watch(struct dataplane *d, uint64_t now_ns)
{
    const uint64_t since = now_ns - d->watched_at_ns;
    const bool first = d->watched_at_ns == 0;
    d->watched_at_ns = now_ns;
    if (first)
        return;
    const uint64_t looked_ns = since < LOOK_NS_MAX ? since : LOOK_NS_MAX;
    for (uint32_t i = 0; i < d->config->lane_count; i++)
        if (d->config->lanes[i].hung_ms)
            lane_look(d, i, looked_ns);
    control_watch(d, looked_ns);
}

void lane_given_up(struct dataplane *d, uint32_t lane, uint64_t silent_ns)
{
    struct lane_watch *w = &d->watches[lane];
    w->silent_ns = w->silent_ns > silent_ns ? w->silent_ns : silent_ns;
    lane_hangs(d, lane);
}

void lanes_hold_limits(struct dataplane *d, uint64_t lanes)
{
    for (uint32_t i = 0; i < d->config->lane_count; i++) {
        struct lane_watch *w = &d->watches[i];
        if (!(lanes >> i & 1) || !w->hung || w->limits_wait)
            continue;
        w->limits_wait = true;
        log_error(LOG_LIMITS_WAIT, LOG_FIELDS(LOG_TEXT("lane", d->config->lanes[i].name)),
                  "lane %s hangs, and a change of limits waits for it: until it is back no limit "
                  "changes on any lane, no raise ends, and nothing of the day's files begins; halt "
                  "what has to stop (tickgate halt, kill), then restart tickgate-dataplane",
                  d->config->lanes[i].name);
    }
}
