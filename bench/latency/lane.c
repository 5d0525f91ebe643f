#include "bench/latency/lane.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench/latency/grain.h"
#include "bench/latency/lane_wire.h"

static const char *const names[] = {
#define LANE_FIGURE_NAME(upper, lower, what) #lower,
    LANE_FIGURE_LIST(LANE_FIGURE_NAME)};
static const char *const meanings[] = {
#define LANE_FIGURE_MEANING(upper, lower, what) what,
    LANE_FIGURE_LIST(LANE_FIGURE_MEANING)};

enum {
    TRIES_MAX = 1000, // of an order whose record has no place
    // Orders behind each silence: a host that becomes slower or quicker within a run changes the
    // first order after a silence and these alike. The lane is warm again when half are out.
    BESIDE = 200,
    SILENCE = 1 + BESIDE
};

// What is kept of an order until the measured stretch is over: ticks.
struct trip_ticks {
    uint32_t out, decide, gate, encode, send, turn, feed, answer;
};

// The turn that is measured, in a function of its own: callgrind finds it by its name.
static __attribute__((noinline)) uint64_t trigger_turn(struct lane_world *w)
{
    const uint64_t from = clock_tsc();
    lane_world_turn_at(w, from);
    return from;
}

static __attribute__((noinline)) uint32_t other_turn(struct lane_world *w)
{
    const uint64_t from = clock_tsc();
    lane_world_turn_at(w, from);
    return (uint32_t)(clock_tsc() - from);
}

// How an order ended.
enum trip_end { TRIP_CAME, TRIP_WRONG, TRIP_UNRECORDED };

static uint32_t refusal_of(const struct event *e)
{
    return e->type == EVENT_DECISION         ? e->decision.refusal
           : e->type == EVENT_ORDER_NOT_SENT ? e->order_sent.refusal
                                             : REFUSAL_NONE;
}

// For the message when the run ends with it.
static __attribute__((format(printf, 2, 3))) void wrong_say(struct lane_world *w, const char *text,
                                                            ...)
{
    va_list args;
    va_start(args, text);
    vsnprintf(w->wrong, sizeof w->wrong, text, args);
    va_end(args);
}

// The journal takes no records for now: its disk is slow or full, and the lane did as it should.
static bool unrecorded(const struct event *e)
{
    const uint32_t refusal = refusal_of(e);
    return refusal == REFUSAL_JOURNAL || refusal == REFUSAL_NOT_DURABLE ||
           refusal == REFUSAL_PARK_LATE;
}

// The DECISION and the ORDER_SENT of one order; other events may stand between them: what a control
// plane that gets no processor says about its journal. Of a durable session there are turns between
// them until its record is in the journal, and an ORDER_RELEASED before the frame.
static enum trip_end order_events(struct lane_world *w, struct event e[2])
{
    static const uint16_t story[] = {EVENT_DECISION, EVENT_ORDER_RELEASED, EVENT_ORDER_SENT};
    enum { STORY = sizeof story / sizeof story[0], AT_ONCE = 8 };
    const bool parks = w->desk.sessions[0].park != NULL;
    const uint64_t wait_us = parks ? 2 * LANE_PARK_US : 0;
    const uint64_t end = clock_tsc() + clock_ns_to_ticks(&w->cal, wait_us * 1000ull);
    struct event told[AT_ONCE];
    uint32_t at = 0;
    do {
        const uint32_t n = lane_world_events(w, told, AT_ONCE);
        for (uint32_t i = 0; i < n; i++) {
            if (unrecorded(&told[i]))
                return TRIP_UNRECORDED;
            if (told[i].type != EVENT_DECISION && told[i].type != EVENT_ORDER_RELEASED &&
                told[i].type != EVENT_ORDER_SENT)
                continue;
            at += at == 1 && !parks;
            if (at == STORY || told[i].type != story[at]) {
                wrong_say(w, "event of type %u, refusal %s", told[i].type,
                          refusal_name(refusal_of(&told[i])));
                return TRIP_WRONG;
            }
            if (told[i].type != EVENT_ORDER_RELEASED)
                e[at > 0] = told[i];
            at++;
        }
        if (at < STORY && parks)
            lane_world_turn(w);
    } while (at < STORY && clock_tsc() < end);
    if (at == STORY)
        return TRIP_CAME;
    wrong_say(w, "no event of type %u", story[at]);
    return TRIP_WRONG;
}

static bool order_right(struct lane_world *w, uint32_t before, uint16_t locate, bool up)
{
    char symbol[8];
    const struct ouch50_enter *sent = &w->venue.last;
    lane_symbol_name(symbol, locate);
    return lane_venue_take(w) && w->venue.got == before + 1 && sent->side == (up ? 'B' : 'S') &&
           sent->price == LANE_TOUCH_MIDDLE && memcmp(sent->symbol, symbol, sizeof symbol) == 0;
}

// From the trigger to the execution.
static enum trip_end order_once(struct lane_world *w, uint32_t noise, bool up, struct trip_ticks *t)
{
    struct event e[2];
    const uint16_t locate = (uint16_t)(1 + random_below(&w->random, LANE_WATCHED));
    if (noise) {
        lane_market_noise(w, noise);
        t->feed = other_turn(w);
    }
    const uint32_t before = w->venue.got;
    lane_world_events(w, NULL, 0);
    // From here, so that idle turns have the stack of the turn that is measured, as in a lane's
    // loop.
    while (clock_tsc() < w->silent_until)
        other_turn(w);
    const uint64_t ref = lane_market_trigger(w, locate, up);
    const uint64_t from = trigger_turn(w);
    t->turn = (uint32_t)(clock_tsc() - from);
    const enum trip_end end = order_events(w, e);
    if (end == TRIP_UNRECORDED) { // what it was for goes away again
        lane_market_executed(w, locate, ref);
        other_turn(w);
    }
    if (end != TRIP_CAME)
        return end;
    if (!order_right(w, before, locate, up)) {
        wrong_say(w, "%u orders at the exchange, where one like the lane's was due",
                  w->venue.got - before);
        return TRIP_WRONG;
    }
    const struct event_decision *d = &e[0].decision;
    t->out = (uint32_t)(e[1].tsc - from) + e[1].order_sent.handed;
    t->decide = d->started;
    t->gate = d->gated - d->started;
    t->encode = d->encoded - d->gated;
    // Of a durable session the stamps are of two turns: what lies between them is the journal's.
    t->send = w->desk.sessions[0].park ? t->out - d->encoded : e[1].order_sent.handed - d->encoded;
    lane_venue_answer(w);
    t->answer = other_turn(w);
    lane_market_executed(w, locate, ref);
    other_turn(w);
    if (lane_venue_take(w))
        return TRIP_CAME;
    wrong_say(w, "a frame that makes no sense");
    return TRIP_WRONG;
}

// Number <n>, when there is a place for its record. False: it did not come, or was another one.
static bool order_trip(struct lane_world *w, uint32_t noise, uint64_t n, struct trip_ticks *t)
{
    enum trip_end end = TRIP_UNRECORDED;
    for (uint32_t tries = 0; end == TRIP_UNRECORDED && tries < TRIES_MAX; tries++) {
        if (w->shared && !lane_region_ready(w))
            return false;
        end = order_once(w, noise, n & 1, t);
        w->unrecorded += end == TRIP_UNRECORDED;
    }
    return end == TRIP_CAME;
}

static void trips_record(struct lane_result *r, const struct trip_ticks *t, uint64_t n, bool noise,
                         const struct clock_calibration *cal)
{
    for (uint32_t f = 0; f < LANE_FIGURES; f++)
        hdr_reset(&r->figures[f]);
    for (uint64_t i = 0; i < n; i++) {
        const uint32_t ticks[LANE_FIGURES] = {
            [LANE_FIGURE_OUT] = t[i].out,       [LANE_FIGURE_DECIDE] = t[i].decide,
            [LANE_FIGURE_GATE] = t[i].gate,     [LANE_FIGURE_ENCODE] = t[i].encode,
            [LANE_FIGURE_SEND] = t[i].send,     [LANE_FIGURE_RING] = t[i].encode + t[i].send,
            [LANE_FIGURE_TURN] = t[i].turn,     [LANE_FIGURE_FEED] = t[i].feed,
            [LANE_FIGURE_ANSWER] = t[i].answer,
        };
        for (uint32_t f = 0; f < LANE_FIGURES; f++)
            if (f != LANE_FIGURE_COLD && f != LANE_FIGURE_WARM && f != LANE_FIGURE_BESIDE &&
                (f != LANE_FIGURE_FEED || noise))
                hdr_record(&r->figures[f], clock_ticks_to_ns(cal, ticks[f]));
    }
}

// The lane polls and nothing comes; then one order, and those behind it.
static bool silence_trip(struct lane_world *w, uint64_t every, uint32_t noise, uint64_t n,
                         struct lane_result *r)
{
    struct trip_ticks t[SILENCE];
    w->desk.warm->every = every;
    w->desk.warm->at = every ? 0 : UINT64_MAX;
    // Not always the same length: the scheduler takes its share of a core once a second too.
    const uint64_t more = clock_ns_to_ticks(&w->cal, 1000ull * random_below(&w->random, 300000));
    w->silent_until = clock_tsc() + w->cal.tsc_hz + more;
    for (uint32_t i = 0; i < SILENCE; i++)
        if (!order_trip(w, i ? noise : 0, n + i, &t[i]))
            return false;
    hdr_record(&r->figures[every ? LANE_FIGURE_WARM : LANE_FIGURE_COLD],
               clock_ticks_to_ns(&w->cal, t[0].out));
    for (uint32_t i = SILENCE - BESIDE / 2; i < SILENCE; i++)
        hdr_record(&r->figures[LANE_FIGURE_BESIDE], clock_ticks_to_ns(&w->cal, t[i].out));
    return true;
}

static uint64_t silences_measure(struct lane_world *w, const struct lane_options *o, uint64_t n,
                                 struct lane_result *r)
{
    const uint64_t every = clock_ns_to_ticks(&w->cal, o->practice_us * 1000ull);
    uint64_t done = 0;
    while (done < 2ull * o->silences &&
           silence_trip(w, done & 1 ? every : 0, o->noise, n + done * SILENCE, r))
        done++;
    r->practised = w->desk.warm->practised;
    r->passed = w->desk.warm->passed;
    return done * SILENCE;
}

bool lane_measure(const struct lane_options *o, uint64_t warm, struct lane_result *r,
                  struct error *err)
{
    struct lane_options all = *o;
    uint64_t done = 0, i = 0;
    char why[256] = "";
    all.orders += warm + 2ull * o->silences * SILENCE;
    memset(r, 0, sizeof *r);
    struct trip_ticks *trips = calloc(o->orders, sizeof *trips);
    if (trips == NULL)
        return error_set(err, EXIT_FAILED, "no memory for the samples; take fewer --orders");
    memset(trips, 1, o->orders * sizeof *trips); // its pages are there
    struct lane_world *w = lane_world_open(&all, err);
    if (w == NULL) {
        free(trips);
        return false;
    }
    if (o->durable && !lane_region_ready(w)) {
        lane_world_close(w);
        free(trips);
        return error_set(err, EXIT_FAILED,
                         "--durable: no journal that is synced; run tickgate-controlplane --region "
                         "%s --journal DIR",
                         o->region);
    }
    if (o->first)
        thread_first(true);
    while (i < warm && order_trip(w, o->noise, i, &trips[i % o->orders]))
        i++;
    quiet_begin(&r->quiet, !o->uncounted);
    const uint64_t from = clock_tsc();
    if (i == warm)
        while (done < o->orders && order_trip(w, o->noise, i + done, &trips[done]))
            done++;
    const uint64_t took = clock_tsc() - from;
    quiet_end(&r->quiet);
    r->orders = done;
    r->ns = clock_ticks_to_ns(&w->cal, took);
    r->stamp_ns = clock_reading_ns(&w->cal);
    r->memory = w->memory;
    r->huge_pages = w->huge_pages;
    r->orders_live = w->channel.book.orders_live;
    trips_record(r, trips, done, o->noise > 0, &w->cal);
    free(trips);
    if (done == o->orders)
        done += silences_measure(w, o, i + done, r);
    if (o->first)
        thread_first(false);
    r->unrecorded = w->unrecorded;
    const bool taken = !w->shared || lane_region_ready(w);
    const bool whole = i + done == all.orders && desk_check(&w->desk, why, sizeof why) &&
                       w->desk.count.approved == all.orders && w->desk.count.unclaimed == 0;
    if (why[0] == 0)
        snprintf(why, sizeof why, "%s", w->wrong);
    lane_world_close(w);
    if (!taken)
        return error_set(err, EXIT_FAILED,
                         "--region: nobody takes the events; run tickgate-controlplane --region "
                         "%s, and see in its log what becomes of its journal",
                         o->region);
    return whole || error_set(err, EXIT_FAILED,
                              "order %lu did not come as it should (%s): a defect", i + done, why);
}

// --- what is said ---

void lane_print(FILE *out, const struct lane_options *o, const struct lane_result *r)
{
    const struct quiet *q = &r->quiet;
    fprintf(out,
            "lane           closed loop, simulated port: %lu orders in %.2f s (%.0f a second), %u "
            "symbols, %u resting orders, %u other messages before each, %lu MiB%s%s\n",
            r->orders, (double)r->ns / 1e9, (double)r->orders * 1e9 / (double)r->ns, o->symbols,
            r->orders_live, o->noise, r->memory >> 20, r->huge_pages ? "" : " (no huge pages)",
            o->capture ? ", with a capture" : "");
    fprintf(out, "%-18s %7s %7s %7s %8s %9s\n", "ns", "p50", "p90", "p99", "p99.9", "max");
    for (uint32_t f = 0; f < LANE_FIGURES; f++) {
        const struct hdr *h = &r->figures[f];
        if (h->total)
            fprintf(out, "%-18s %7lu %7lu %7lu %8lu %9lu  %s\n", names[f], hdr_percentile(h, 50),
                    hdr_percentile(h, 90), hdr_percentile(h, 99), hdr_percentile(h, 99.9), h->max,
                    meanings[f]);
    }
    if (r->figures[LANE_FIGURE_WARM].total)
        fprintf(out,
                "%lu practice orders, one every %u us, %lu of them approved: the first order costs "
                "%.1f times the median of those behind it\n",
                r->practised, o->practice_us, r->passed,
                (double)hdr_percentile(&r->figures[LANE_FIGURE_WARM], 50) /
                    (double)hdr_percentile(&r->figures[LANE_FIGURE_BESIDE], 50));
    if (r->unrecorded)
        fprintf(out, "%lu orders were refused while the journal took no records: in no figure\n",
                r->unrecorded);
    fprintf(out, "a reading of the clock costs %lu ns; a stage holds one, frame_to_frame six\n",
            r->stamp_ns);
    if (q->calls_counted)
        fprintf(out, "system calls   %lu", q->calls);
    else
        fprintf(out, "system calls   not counted");
    if (q->calls)
        fprintf(out, " at least, the first has number %lu", q->call_number);
    fprintf(out,
            "; page faults %lu; voluntary context switches %lu (preempted %lu times); %lu "
            "interrupts of "
            "its core\n",
            q->faults, q->yields, q->preemptions, q->interrupts);
}

void lane_write(FILE *out, const struct lane_options *o, const struct lane_result *r)
{
    const struct quiet *q = &r->quiet;
    fprintf(out,
            "  \"seed\": %lu, \"symbols\": %u, \"live_orders\": %u, \"instances\": %u, "
            "\"clients\": %u, \"noise\": %u, \"orders\": %lu, "
            "\"ns\": %lu, \"stamp_ns\": %lu, \"huge_pages\": %s,\n",
            o->seed, o->symbols, r->orders_live, o->instances, o->clients, o->noise, r->orders,
            r->ns, r->stamp_ns, r->huge_pages ? "true" : "false");
    fprintf(out,
            "  \"system_calls\": %ld, \"page_faults\": %lu, \"voluntary_switches\": %lu, "
            "\"preemptions\": %lu, \"interrupts\": %lu, \"unrecorded\": %lu,\n  \"figures_ns\": {",
            q->calls_counted ? (long)q->calls : -1L, q->faults, q->yields, q->preemptions,
            q->interrupts, r->unrecorded);
    for (uint32_t f = 0; f < LANE_FIGURES; f++)
        if (r->figures[f].total)
            hdr_write_json(&r->figures[f], out, names[f], f ? "," : "");
    fprintf(out, "\n  }\n");
}
