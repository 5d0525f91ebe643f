#include "bench/latency/trip.h"

#include <stdlib.h>
#include <string.h>

#include "bench/latency/lane_wire.h"
#include "bench/latency/trip_parts.h"

enum {
    WARM_TRIPS = 2000, // at the start of a round, in no figure
    SAMPLES_MAX = 1 << 18,
    PATIENCE_MS = 2000, // nothing comes back for so long: it is lost
    LATE_US = 1,
    LOOK_US = 100, // a look at the kernel is over by then
};

static const char *const port_names[] = {
#define TRIP_PORT_NAME(upper, lower, what) #lower,
    TRIP_PORT_LIST(TRIP_PORT_NAME)};
static const char *const port_whats[] = {
#define TRIP_PORT_WHAT(upper, lower, what) what,
    TRIP_PORT_LIST(TRIP_PORT_WHAT)};

const char *trip_port_name(enum trip_port port)
{
    return port_names[port];
}

const char *trip_port_what(enum trip_port port)
{
    return port_whats[port];
}

// --- what the lane has published: decisions and hand-overs in the order of their frames ---

static void events_take(struct trip *t)
{
    struct lane_world *w = t->world;
    struct event e;
    uint32_t n;
    while (event_read(t->ring, t->slots, t->slot_count, &w->events_read, &e, 1, &n) && n) {
        if (e.type == EVENT_DECISION && t->decided < SAMPLES_MAX)
            t->told[t->decided++] = (struct trip_told){e.tsc, e.decision.started, e.decision.gated,
                                                       e.decision.encoded, 0};
        else if (e.type == EVENT_ORDER_SENT && t->decided)
            t->told[t->decided - 1].handed = e.order_sent.handed;
    }
    event_commit(t->ring, w->events_read);
}

// --- one trigger ---

static void trigger_send(struct trip *t, uint32_t index, uint64_t due)
{
    if (t->orders)
        t->leg->send(t, index);
    else
        t->leg->echo_send(t);
    t->samples[index] = (struct trip_sample){.due = due, .sent = t->world->pushed};
}

// The strategy waits for the answer to its order before it looks at the next trigger: whatever is
// due meanwhile waits here, and that counts.
static bool trigger_free(const struct trip *t)
{
    return !t->orders || t->arrivals == t->sent;
}

// Whatever has come back; how much.
static uint32_t answers_take(struct trip *t)
{
    uint32_t n = 0;
    if (!t->orders) {
        n = t->leg->echo_take(t);
        for (uint32_t i = 0; i < n && t->arrivals < t->sent; i++)
            t->samples[t->arrivals++].done = t->world->popped_at;
        return n;
    }
    n = t->leg->take(t);
    events_take(t);
    return n;
}

// --- rounds ---

static uint64_t ticks_of_us(const struct trip *t, uint64_t us)
{
    return clock_ns_to_ticks(&t->world->cal, us * 1000);
}

// Everything that is under way, or the patience ends.
static void rest_take(struct trip *t)
{
    const uint64_t patience = ticks_of_us(t, PATIENCE_MS * 1000ull);
    for (uint64_t moved = clock_tsc(); t->arrivals < t->sent && !t->broken;) {
        if (answers_take(t))
            moved = clock_tsc();
        else if (clock_tsc() - moved > patience)
            break;
    }
}

// While nothing is under way.
static void kernel_look(struct trip *t)
{
    kernel_watch_look(&t->kernel);
    t->look_due = clock_tsc() + ticks_of_us(t, KERNEL_LOOK_US);
}

static void pause_take(struct trip *t)
{
    if (clock_tsc() >= t->look_due)
        kernel_look(t);
    for (const uint64_t end = clock_tsc() + ticks_of_us(t, t->options->pause_us);
         clock_tsc() < end && !t->broken;)
        answers_take(t);
}

static void round_begin(struct trip *t)
{
    t->sent = t->arrivals = t->decided = 0;
    for (uint32_t i = 0; i <= LANE_WATCHED; i++)
        t->waits[i].index = TRIP_NOBODY;
}

static void round_closed(struct trip *t, uint32_t count, uint64_t ticks)
{
    round_begin(t);
    const uint64_t start = clock_tsc();
    while (t->sent < count && clock_tsc() - start < ticks && !t->broken) {
        trigger_send(t, t->sent, clock_tsc());
        t->sent++;
        rest_take(t);
        if (t->arrivals < t->sent)
            break; // lost
        pause_take(t);
    }
    t->ticks = clock_tsc() - start;
}

static void round_open(struct trip *t, const struct schedule *schedule)
{
    round_begin(t);
    const uint64_t start = clock_tsc() + ticks_of_us(t, 100);
    uint64_t due = start;
    while (t->sent < schedule->count && !t->broken) {
        const uint64_t now = clock_tsc();
        if (now >= due && trigger_free(t)) {
            trigger_send(t, t->sent, due);
            if (++t->sent < schedule->count)
                due = start + clock_ns_to_ticks(&t->world->cal, schedule->due_ns[t->sent]);
        } else if (now > due + ticks_of_us(t, PATIENCE_MS * 1000ull)) {
            break; // an answer is lost
        } else if (now >= t->look_due && trigger_free(t) && due - now > ticks_of_us(t, LOOK_US)) {
            kernel_look(t);
        }
        answers_take(t);
    }
    rest_take(t);
    t->ticks = clock_tsc() - start;
}

// --- what a round has shown ---

static void slow_keep(const struct trip *t, struct trip_result *r, const struct trip_sample *s)
{
    struct trip_slow *slow = &r->slowest[0];
    if (r->slowest_count < TRIP_SLOWEST) {
        slow = &r->slowest[r->slowest_count++];
    } else {
        for (uint32_t i = 1; i < TRIP_SLOWEST; i++)
            if (trip_slow_ticks(&r->slowest[i]) < trip_slow_ticks(slow))
                slow = &r->slowest[i];
        if (s->done - s->due <= trip_slow_ticks(slow))
            return;
    }
    slow->sample = *s;
    slow->window = kernel_watch_between(&t->kernel, s->due, s->done, &slow->kernel);
}

static void stages_record(struct trip *t, struct trip_result *r)
{
    const struct clock_calibration *cal = &t->world->cal;
    events_take(t);
    for (uint32_t k = 0; k < t->arrivals && k < t->decided; k++) {
        struct trip_sample *s = &t->samples[t->arrived[k]];
        const struct trip_told *e = &t->told[k];
        s->stamped = e->stamped;
        s->decide = e->decide;
        s->gate = e->gate;
        s->encode = e->encode;
        s->handed = e->handed;
        const uint64_t ticks[TRIP_FIGURES] = {
            [TRIP_OUT] = e->stamped - s->sent,   [TRIP_DECIDE] = e->decide,
            [TRIP_GATE] = e->gate - e->decide,   [TRIP_ENCODE] = e->encode - e->gate,
            [TRIP_SEND] = e->handed - e->encode, [TRIP_BACK] = s->done - e->stamped - e->handed,
        };
        for (uint32_t f = TRIP_OUT; f < TRIP_FIGURES; f++)
            hdr_record(&r->figures[f], clock_ticks_to_ns(cal, ticks[f] >> 63 ? 0 : ticks[f]));
    }
}

static void round_record(struct trip *t, struct trip_result *r)
{
    static struct hdr round;
    const struct clock_calibration *cal = &t->world->cal;
    struct hdr *h = &r->figures[t->orders ? trip_leg_figure(t->options->leg) : TRIP_ECHO];
    hdr_reset(&round);
    if (t->orders)
        stages_record(t, r);
    for (uint32_t i = 0; i < t->sent; i++) {
        struct trip_sample *s = &t->samples[i];
        r->lost[t->orders] += s->done == 0;
        r->late[t->orders] += s->sent > s->due + ticks_of_us(t, LATE_US);
        if (!t->options->open)
            s->due = s->sent;
        if (s->done == 0)
            continue;
        hdr_record(h, clock_ticks_to_ns(cal, s->done - s->due));
        hdr_record(&round, clock_ticks_to_ns(cal, s->done - s->due));
        if (t->orders)
            slow_keep(t, r, s);
    }
    r->rounds[t->orders][r->round_count[t->orders]++] =
        (struct trip_round){hdr_percentile(&round, 50), hdr_percentile(&round, 99)};
    r->sent[t->orders] += t->sent;
    r->ns[t->orders] += clock_ticks_to_ns(cal, t->ticks);
}

static bool round_run(struct trip *t, bool orders, const struct schedule *schedule,
                      struct trip_result *r, struct error *err)
{
    t->orders = orders;
    t->quiet = orders ? &r->quiet : NULL;
    if (!near_start(t, err))
        return false;
    if (!kernel_watch_open(&t->kernel, (uint32_t)t->options->near_core, atomic_load(&t->runs))) {
        near_stop(t);
        return error_set(err, EXIT_FAILED, "no memory for looks at the kernel");
    }
    thread_first(true);
    round_closed(t, WARM_TRIPS, UINT64_MAX);
    if (!t->broken && t->arrivals == t->sent) {
        if (t->options->open)
            round_open(t, schedule);
        else
            round_closed(t, SAMPLES_MAX, ticks_of_us(t, (uint64_t)(t->options->seconds * 1e6)));
    }
    t->look_due = 0;
    pause_take(t);
    thread_first(false);
    near_stop(t);
    const bool came = !t->broken && t->sent != WARM_TRIPS - 1 && t->arrivals;
    if (came)
        round_record(t, r);
    kernel_watch_close(&t->kernel);
    return came || error_set(err, EXIT_FAILED, "%s: %s did not come as it should (%u of %u)",
                             trip_port_name(t->options->port), orders ? "an order" : "an echo",
                             t->arrivals, t->sent);
}

// Its pages are there.
static void *touched(uint64_t bytes, struct error *err)
{
    void *p = malloc(bytes);
    if (p)
        memset(p, 1, bytes);
    else
        error_set(err, EXIT_FAILED, "no memory for the samples");
    return p;
}

bool trip_measure(const struct trip_options *o, const struct lane_options *lane,
                  struct trip_result *r, struct error *err)
{
    static struct trip t;
    struct schedule schedule = {0};
    memset(r, 0, sizeof *r);
    for (uint32_t f = 0; f < TRIP_FIGURES; f++)
        hdr_reset(&r->figures[f]);
    t.options = o;
    t.leg = &trip_legs[o->leg];
    t.samples = touched(SAMPLES_MAX * sizeof *t.samples, err);
    t.told = touched(SAMPLES_MAX * sizeof *t.told, err);
    t.arrived = touched(SAMPLES_MAX * sizeof *t.arrived, err);
    bool ok = t.samples && t.told && t.arrived &&
              (!o->open || schedule_make(&schedule, &o->schedule, SAMPLES_MAX, err));
    r->rate = schedule.rate;
    struct lane_options all = *lane;
    if (o->leg == TRIP_LEG_CLIENT && all.clients == 0)
        all.clients = 1;
    all.orders = (uint64_t)o->rounds * (SAMPLES_MAX + WARM_TRIPS);
    ok = ok && near_open(&t, &all, err);
    memcpy(r->ends, trip_ports_facts(), sizeof r->ends);
    if (ok) { // the lane has its own for practice meanwhile
        t.ring = t.world->lane.trading.ring;
        t.slots = t.world->lane.trading.slots;
        t.slot_count = t.world->lane.trading.mask + 1;
    }
    for (uint32_t i = 0; ok && i < 2 * o->rounds; i++)
        ok = round_run(&t, i & 1, &schedule, r, err);
    r->tsc_hz = ok ? t.world->cal.tsc_hz : 0;
    near_close(&t);
    schedule_free(&schedule);
    free(t.samples);
    free(t.told);
    free(t.arrived);
    return ok;
}
