// The trading half stops while the lanes still run: what is open is cancelled, sessions log out.
#include <unistd.h>

#include "dataplane/base/log.h"
#include "dataplane/control/dataplane.h"

enum {
    STOP_STEP_US = 2000,
    LOGOUT_MS = 1000,
    UNPACED_MS = 1000,    // for cancels that would still wait then
    PACE_STOP_MS = 20000, // at most so much longer where cancels leave at a rate
};

#define WORD(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)

// Words that the lane changes meanwhile.
static bool session_empty(const struct dataplane *d, uint32_t index)
{
    const struct desk *desk = &d->desks[d->config->sessions[index].lane]->desk;
    return WORD(desk->orders.sessions[index].open_count) == 0;
}

static bool session_over(const struct dataplane *d, uint32_t index)
{
    const uint8_t state = __atomic_load_n(&d->sessions[index]->link.tcp.state, __ATOMIC_RELAXED);
    return state == TCP_CLOSED || state == TCP_TIME_WAIT;
}

static bool all(const struct dataplane *d, bool (*is)(const struct dataplane *, uint32_t))
{
    for (uint32_t i = 0; i < d->config->session_count; i++)
        if (!is(d, i))
            return false;
    return true;
}

static void wait_for(const struct dataplane *d, bool (*is)(const struct dataplane *, uint32_t),
                     uint64_t until_ns)
{
    while (!all(d, is) && clock_mono_ns() < until_ns)
        usleep(STOP_STEP_US);
}

static bool stays_open(const struct dataplane *d, uint32_t index)
{
    return !d->config->sessions[index].cancel_on_stop || session_empty(d, index);
}

// What cancels that leave at a rate (cancel_pace) need longer than others.
static uint64_t pace_ms(const struct dataplane *d)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < d->config->session_count; i++) {
        const struct desk *desk = &d->desks[d->config->sessions[i].lane]->desk;
        const struct limit_row *row = &desk->limits->sessions[i];
        const uint64_t open = WORD(desk->orders.sessions[i].open_count);
        const bool paced =
            row->cancel_rate == CANCELS_WAIT && d->config->sessions[i].cancel_on_stop;
        const uint64_t ms = paced ? open * limit_cancels_apart(row) / (d->clock.tsc_hz / 1000) : 0;
        most = ms > most ? ms : most;
    }
    return most < PACE_STOP_MS ? most : PACE_STOP_MS;
}

static bool no_cancel_waits(const struct dataplane *d, uint32_t index)
{
    const struct desk *desk = &d->desks[d->config->sessions[index].lane]->desk;
    return WORD(desk->orders.sessions[index].cancel_count) == 0;
}

static bool settled(const struct dataplane *d, uint32_t index)
{
    return no_cancel_waits(d, index) && stays_open(d, index);
}

// The rate is the exchange's wish, but an order that nobody watches is worse than a message too
// many.
static void cancels_unpace(struct dataplane *d)
{
    bool any = false;
    for (uint32_t i = 0; i < d->config->session_count; i++) {
        const struct lane_answer answer = {.kind = ANSWER_UNPACE, .session = (uint8_t)i};
        const uint32_t lane = d->config->sessions[i].lane;
        if (no_cancel_waits(d, i) ||
            WORD(d->desks[lane]->desk.limits->sessions[i].cancel_rate) != CANCELS_WAIT)
            continue;
        any |= spsc_push(&d->lanes[lane]->answers, &answer);
    }
    if (any)
        wait_for(d, settled, clock_mono_ns() + UNPACED_MS * 1000000ull);
}

static uint32_t logout(struct dataplane *d, uint32_t index)
{
    const struct lane_answer answer = {.kind = ANSWER_LOGOUT, .session = (uint8_t)index};
    spsc_push(&d->lanes[d->config->sessions[index].lane]->answers, &answer);
    return 1u << index;
}

// Sessions whose orders stay have nothing to wait for but cancels that somebody asked for, and no
// order is to enter meanwhile. <gone>: bits of those that are logged out; returns them.
static uint32_t leave(struct dataplane *d, uint32_t gone)
{
    for (uint32_t i = 0; i < d->config->session_count; i++)
        if (!d->config->sessions[i].cancel_on_stop && !(gone >> i & 1) && no_cancel_waits(d, i))
            gone |= logout(d, i);
    return gone;
}

void trade_stop(struct dataplane *d, uint32_t wait_ms)
{
    const struct config *config = d->config;
    const uint64_t until_ns = clock_mono_ns() + (wait_ms + pace_ms(d)) * 1000000ull;
    for (uint32_t i = 0; i < config->session_count; i++)
        if (config->sessions[i].cancel_on_stop)
            kill_ask(region_kill_words(&d->view, (uint64_t)config->sessions[i].lane * KILL_ASKERS +
                                                     KILL_BY_MAIN),
                     TRADE_SESSION, i);
    uint32_t gone = leave(d, 0);
    // A session that is down may come back in this time, and its cancels are sent then.
    while (!all(d, stays_open) && clock_mono_ns() < until_ns) {
        usleep(STOP_STEP_US);
        gone = leave(d, gone);
    }
    cancels_unpace(d);
    for (uint32_t i = 0; i < config->session_count; i++) {
        if (!stays_open(d, i))
            log_warn(LOG_ORDERS_OPEN, LOG_FIELDS(LOG_TEXT("session", config->sessions[i].name)),
                     "session %s: orders are still open at the exchange", config->sessions[i].name);
        if (!(gone >> i & 1))
            logout(d, i);
    }
    usleep(STOP_STEP_US);
    wait_for(d, session_over, clock_mono_ns() + LOGOUT_MS * 1000000ull);
}
