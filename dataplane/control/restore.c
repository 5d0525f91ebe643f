// State of the day, from the journal: the control plane reads it and fills the restore area
// (dataplane/abi/restore.h), the main lcore works it into the desks before the lanes run, and
// later tells what the exchanges made of it.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/log.h"
#include "dataplane/base/notify.h"
#include "dataplane/control/dataplane.h"
#include "dataplane/control/day_live.h"
#include "dataplane/control/limits_live.h"
#include "dataplane/control/limits_table.h"
#include "dataplane/lane/desk_restore.h"
#include "dataplane/lane/tape.h"

enum {
    NAP_US = 50,
    LOOKS_US = 200, // before the first nap: one would be longer than what is waited for
    BEAT_MS = 50,
    BEST_MS = 100,
    MARK_PARTS = 10,  // of the table of positions, one each time
    MARKS_MAX = 256,  // told of a part
    TOLD_MS = 5000,   // between two words about nobody coming
    ZONE_STEP_S = 900 // offsets of zones are multiples of it
};

struct stages {
    uint64_t begun, asked, first, done, running; // CLOCK_MONOTONIC, ns
    uint64_t login[SESSIONS_MAX], settled[SESSIONS_MAX];
};

struct dataplane_restore {
    struct desk_restore desks[LANES_MAX];
    uint64_t taken;
    uint64_t progress_ns, beat_ns, told_ns;
    uint32_t sum;
    uint64_t events;
    uint32_t instances, limits;
    bool reloading;                   // somebody has asked for files of the day
    uint64_t not_received[LANES_MAX]; // of the lane's sessions that are settled already
    struct stages at;
    bool ready;
    int64_t best[LANES_MAX][1 + ACCOUNTS_MAX]; // as written down; firm first
    uint32_t *marks[LANES_MAX];                // as written down, by position
    uint32_t mark_at;                          // which is looked at next
};

bool restore_wanted(const struct config *config)
{
    return config->trading.start == CONFIG_TRADE_JOURNAL && config->session_count > 0;
}

// --- the day ---

// The day of the clock in the configured zone, [from, to).
static void day_bounds(uint64_t now_ns, uint64_t *from_ns, uint64_t *to_ns)
{
    const uint64_t step = ZONE_STEP_S * UINT64_C(1000000000);
    const int32_t day = local_time_at(now_ns).day;
    *from_ns = now_ns / step * step;
    *to_ns = *from_ns + step;
    while (*from_ns >= step && local_time_at(*from_ns - step).day == day)
        *from_ns -= step;
    while (local_time_at(*to_ns).day == day)
        *to_ns += step;
}

// --- one event ---

static struct owner_day *best_of(struct desk *d, uint32_t scope, uint32_t index)
{
    if (scope == TRADE_FIRM)
        return &d->risk.day;
    return scope == TRADE_ACCOUNT && index < ACCOUNTS_MAX ? &d->risk.account_days[index] : NULL;
}

static bool best_take(struct dataplane *d, const struct event *e, struct error *err)
{
    const struct event_day_best *b = &e->day_best;
    struct dataplane_desk *dd = b->of_lane < LANES_MAX ? d->desks[b->of_lane] : NULL;
    if (dd == NULL || best_of(&dd->desk, b->scope, b->index) == NULL)
        return error_set(err, EXIT_STATE,
                         "restart: DAY_BEST of lane %u, which does not trade now; "
                         "start with trading.start: venue",
                         b->of_lane);
    d->restore->best[b->of_lane][b->scope == TRADE_FIRM ? 0 : 1 + b->index] = b->best;
    return true;
}

static bool desk_take(struct dataplane *d, uint32_t lane, const struct event *e, struct error *err)
{
    struct dataplane_restore *r = d->restore;
    if (lane >= LANES_MAX || d->desks[lane] == NULL)
        return error_set(err, EXIT_STATE,
                         "restart: an event of lane %u, which does not trade now; "
                         "start with trading.start: venue",
                         lane);
    return desk_restore_event(&r->desks[lane], e) ||
           error_set(err, EXIT_STATE,
                     "restart: the journal does not fit: %s; look with `tickgate journal dump`, or "
                     "start with trading.start: venue",
                     r->desks[lane].why);
}

static void version_take(struct dataplane *d, uint32_t lane, uint32_t version)
{
    struct dataplane_restore *r = d->restore;
    if (lane < LANES_MAX && d->desks[lane] && version > r->desks[lane].version)
        r->desks[lane].version = version;
}

// Files of the day that were read again, those of now are in force already, and leases, which are
// taken anew: of both the versions of tables go on. True: <e> is about them.
static bool day_take(struct dataplane *d, const struct event *e)
{
    struct dataplane_restore *r = d->restore;
    if (e->type == EVENT_LIMITS)
        version_take(d, e->lane, e->limits.version);
    else if (e->type == EVENT_LEASE)
        version_take(d, e->lane, e->lease.limits_version);
    else if (e->type == EVENT_GOVERNED && e->lane == LANE_MAIN)
        r->reloading = e->governed.command == COMMAND_RELOAD;
    else if (e->type != EVENT_DAY_FILE)
        return false;
    else if (r->reloading && e->day_file.kind == DAY_REFERENCE)
        day_restore_reference(d);
    return true;
}

static bool event_take(struct dataplane *d, const struct event *e, struct error *err)
{
    struct dataplane_restore *r = d->restore;
    if (e->type == EVENT_NONE) {
        r->reloading = false; // files of a start are not read again
        for (uint32_t lane = 0; lane < LANES_MAX; lane++)
            if (d->desks[lane])
                desk_restore_instance(&r->desks[lane]);
        return true;
    }
    if (day_take(d, e))
        return true;
    if (e->type == EVENT_DAY_BEST)
        return best_take(d, e, err);
    if (e->type == EVENT_LIMIT_CHANGED) {
        const struct event_limit_changed *c = &e->limit_changed;
        version_take(d, e->lane, c->limits_version);
        r->limits++;
        return limits_restore(limits_set_now(d), c) ||
               error_set(err, EXIT_STATE,
                         "restart: LIMIT_CHANGED of a limit that the configuration does not have; "
                         "start with trading.start: venue");
    }
    if (e->type == EVENT_LIMIT_RAISE)
        return limits_restore_raise(d, &e->limit_raise) ||
               error_set(err, EXIT_STATE,
                         "restart: LIMIT_RAISE of a limit that the configuration does not have; "
                         "start with trading.start: venue");
    return desk_take(d, e->type == EVENT_MARK ? e->mark.of_lane : e->lane, e, err);
}

// --- the area ---

// What stands in the slots, and then in the desks. *<state>: what the control plane says.
static bool slots_take(struct dataplane *d, uint32_t *state, struct error *err)
{
    struct dataplane_restore *r = d->restore;
    struct restore_area *a = region_restore_area(&d->view, 0);
    const uint32_t count = a->count, sum = a->sum;
    const struct event *slots = region_restore_event(&d->view, 0);
    *state = a->state;
    if (*state == RESTORE_REFUSED) {
        char why[RESTORE_WHY_LEN];
        memcpy(why, a->why, sizeof why);
        why[sizeof why - 1] = 0;
        return error_set(err, EXIT_STATE, "restart: %s", why);
    }
    if (count > d->view.shape.restore_events || (*state != RESTORE_MORE && *state != RESTORE_DONE))
        return error_set(err, EXIT_STATE, "restart: the restore area makes no sense");
    r->sum = restore_sum(r->sum, slots, (uint64_t)count * sizeof *slots);
    if (r->sum != sum)
        return error_set(err, EXIT_STATE,
                         "restart: the restore area has another checksum than the control plane "
                         "says, behind event %" PRIu64 "; start again",
                         r->events);
    for (uint32_t i = 0; i < count; i++) {
        const struct event e = slots[i]; // a copy: another process could write on
        if (!event_take(d, &e, err))
            return false;
    }
    r->events += count;
    r->instances = a->instances;
    return true;
}

static const char *cause(const struct dataplane *d, char *text, size_t len)
{
    return control_plane_cause(d->config, control_plane_look(d->region.fd, &d->view), text, len);
}

// While nobody looks after the loop's things.
static void beat(struct dataplane *d, uint64_t now_ns)
{
    struct dataplane_restore *r = d->restore;
    char why[CONTROL_CAUSE_LEN];
    if (now_ns - r->beat_ns < BEAT_MS * UINT64_C(1000000))
        return;
    r->beat_ns = now_ns;
    region_beat(&d->view, clock_tsc());
    notify_alive(now_ns);
    if (now_ns - r->told_ns < TOLD_MS * UINT64_C(1000000))
        return;
    r->told_ns = now_ns;
    log_info(LOG_RESTORE, LOG_FIELDS(LOG_NUMBER("events", r->events)),
             "%s%s; %" PRIu64 " events so far",
             r->taken ? "the journal is being read" : "the journal is waited for: ",
             r->taken ? "" : cause(d, why, sizeof why), r->events);
}

static bool late(const struct dataplane *d, uint64_t now_ns, struct error *err)
{
    const struct dataplane_restore *r = d->restore;
    char why[CONTROL_CAUSE_LEN];
    if (now_ns - r->progress_ns < d->config->trading.restore_ms * UINT64_C(1000000))
        return false;
    error_set(err, EXIT_FAILED,
              "restart: no control plane has %s the journal for %u ms (trading.restore_ms): %s, or "
              "start with trading.start: venue",
              r->taken ? "gone on with" : "begun with", d->config->trading.restore_ms,
              cause(d, why, sizeof why));
    return true;
}

static bool area_take(struct dataplane *d, struct error *err)
{
    struct dataplane_restore *r = d->restore;
    struct restore_area *a = region_restore_area(&d->view, 0);
    uint32_t state = RESTORE_MORE;
    while (state != RESTORE_DONE) {
        const uint64_t now_ns = clock_mono_ns();
        const uint64_t filled = atomic_load_explicit(&a->filled, memory_order_acquire);
        beat(d, now_ns);
        if (start_stopped(d, "the journal", err))
            return false;
        if (filled == r->taken) {
            if (late(d, now_ns, err))
                return false;
            if (now_ns - r->progress_ns > LOOKS_US * UINT64_C(1000))
                usleep(NAP_US);
            continue;
        }
        if (filled != r->taken + 1)
            return error_set(err, EXIT_STATE,
                             "restart: two control planes fill the restore area; "
                             "leave one, and start again");
        r->at.first = r->at.first ? r->at.first : now_ns;
        if (!slots_take(d, &state, err))
            return false;
        r->taken = filled;
        r->progress_ns = clock_mono_ns();
        atomic_store_explicit(&a->taken, filled, memory_order_release);
    }
    return true;
}

// --- all of it ---

static bool restore_make(struct dataplane *d, struct error *err)
{
    struct dataplane_restore *r = d->restore = calloc(1, sizeof *r);
    const uint64_t places = d->config->trading.orders;
    if (r == NULL)
        return error_set(err, EXIT_FAILED, "no memory to start from the journal with");
    for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
        if (d->desks[lane] == NULL)
            continue;
        uint32_t *words = calloc(places, sizeof *words);
        r->marks[lane] = calloc(d->config->trading.positions, sizeof *r->marks[lane]);
        r->desks[lane].places = words;
        if (words == NULL || r->marks[lane] == NULL)
            return error_set(err, EXIT_FAILED, "no memory for the places of %" PRIu64 " orders",
                             places);
        desk_restore_init(&r->desks[lane], &d->desks[lane]->desk, words);
    }
    return true;
}

static uint64_t clients_of(const struct dataplane *d, uint32_t lane)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < d->config->client_count; i++)
        if (d->config->clients[i].lane == lane)
            bits |= 1ull << gateway_strategy(d->config, i);
    return bits;
}

static uint32_t quarantined(const struct desk *d)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < d->instrument_count; i++)
        count += d->risk.symbols[i].quarantined;
    return count;
}

static void desks_end(struct dataplane *d, uint64_t stamp, struct event_restored *e)
{
    struct dataplane_restore *r = d->restore;
    uint32_t versions[LANES_MAX] = {0};
    e->events = r->events;
    e->instances = r->instances;
    e->limits = r->limits;
    for (uint32_t lane = 0; lane < LANES_MAX; lane++)
        versions[lane] = d->desks[lane] ? r->desks[lane].version : 0;
    limits_restored(d, versions);
    clients_limits_show(d);
    for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
        if (d->desks[lane] == NULL)
            continue;
        struct desk *desk = &d->desks[lane]->desk;
        if (d->tapes[lane])
            d->tapes[lane]->setup = d->lanes[lane]->stamp;
        d->lanes[lane]->stamp = stamp;
        desk_restore_end(&r->desks[lane], clients_of(d, lane));
        e->orders += r->desks[lane].orders;
        e->fills += r->desks[lane].fills;
        e->kills += r->desks[lane].kills;
        e->open_orders += desk->risk.firm.orders;
        e->quarantined += quarantined(desk);
        desk->risk.day.best = r->best[lane][0];
        for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
            desk->risk.account_days[i].best = r->best[lane][1 + i];
    }
}

static uint32_t us_between(uint64_t from_ns, uint64_t to_ns)
{
    const uint64_t us = to_ns > from_ns ? (to_ns - from_ns) / 1000 : 0;
    return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static void restored_tell(struct dataplane *d, struct event *event)
{
    struct dataplane_restore *r = d->restore;
    struct event_restored *e = &event->restored;
    e->waited = us_between(r->at.asked, r->at.first);
    e->took = us_between(r->at.asked, r->at.done);
    event->tsc = clock_tsc();
    event_write(&d->events, event);
    d->count->restored_events = e->events;
    d->count->restored_orders = e->orders;
    d->count->restored_open = e->open_orders;
    d->count->restore_ns = r->at.done - r->at.asked;
    log_info(LOG_RESTORED,
             LOG_FIELDS(LOG_NUMBER("events", e->events), LOG_NUMBER("instances", e->instances),
                        LOG_NUMBER("orders", e->orders), LOG_NUMBER("fills", e->fills),
                        LOG_NUMBER("open_orders", e->open_orders), LOG_NUMBER("limits", e->limits),
                        LOG_NUMBER("kills", e->kills), LOG_NUMBER("quarantined", e->quarantined),
                        LOG_NUMBER("waited_us", e->waited), LOG_NUMBER("took_us", e->took)),
             "%" PRIu64 " events of %u earlier instances of the day: %" PRIu64 " orders, %" PRIu64
             " fills, %u orders open, %u limits set, %u kills, %u symbols in quarantine; %.3f s to "
             "the first event, %.3f s to the last",
             e->events, e->instances, e->orders, e->fills, e->open_orders, e->limits, e->kills,
             e->quarantined, e->waited / 1e6, e->took / 1e6);
}

// The journal's day is that of the clock. What it says stands in the files of another day already.
static bool date_good(const struct dataplane *d, struct error *err)
{
    char clock[DATE_LEN];
    const int32_t by_clock = local_time_at(clock_utc_ns()).day;
    return day_by_clock(d->config) || d->day.today == by_clock ||
           error_set(err, EXIT_STATE,
                     "day.date: the trading day is %s, and with trading.start: journal what came "
                     "on %s, the day of the clock, would count beside the files of that day; leave "
                     "it out, or take start: venue",
                     d->config->day.date, date_text(clock, by_clock));
}

bool restore_take(struct dataplane *d, struct error *err)
{
    struct event event = {.type = EVENT_RESTORED};
    if (!restore_wanted(d->config))
        return true;
    if (!date_good(d, err) || !restore_make(d, err))
        return false;
    struct dataplane_restore *r = d->restore;
    struct restore_area *a = region_restore_area(&d->view, 0);
    r->at.asked = r->progress_ns = r->told_ns = clock_mono_ns();
    day_bounds(clock_utc_ns(), &a->from_ns, &a->to_ns);
    atomic_store_explicit(&a->wanted, 1, memory_order_release);
    region_beat(&d->view, clock_tsc());
    region_publish(&d->view);
    if (!area_take(d, err) || !limits_restored_good(d, err))
        return false;
    desks_end(d, clock_tsc(), &event.restored);
    r->at.done = clock_mono_ns();
    restored_tell(d, &event);
    return true;
}

// --- in a replay ---

bool restore_again(struct dataplane *d, FILE *from, uint64_t stamp, struct error *err)
{
    struct event e = {.type = EVENT_NONE};
    struct event_restored now = {.events = 0};
    const struct event_restored *was = &e.restored;
    if (!restore_make(d, err))
        return false;
    while (fread(&e, sizeof e, 1, from) == 1 && e.type != EVENT_RESTORED) {
        if (!event_take(d, &e, err))
            return false;
        d->restore->events++;
        d->restore->instances += e.type == EVENT_NONE;
    }
    if (e.type != EVENT_RESTORED)
        return error_set(err, EXIT_STATE, "the events that came back from the journal are cut off");
    desks_end(d, stamp, &now);
    if (now.events == was->events && now.instances == was->instances && now.orders == was->orders &&
        now.fills == was->fills && now.limits == was->limits && now.kills == was->kills &&
        now.open_orders == was->open_orders && now.quarantined == was->quarantined)
        return true;
    return error_set(err, EXIT_STATE,
                     "another day comes back from the journal: %" PRIu64 " events of %u instances, "
                     "%" PRIu64 " orders, %" PRIu64 " fills, %u orders open; it was %" PRIu64
                     ", %u, %" PRIu64 ", %" PRIu64 ", %u",
                     now.events, now.instances, now.orders, now.fills, now.open_orders, was->events,
                     was->instances, was->orders, was->fills, was->open_orders);
}

// --- while it runs ---

// Words that the lanes change meanwhile.
#define WORD(from) __atomic_load_n(&(from), __ATOMIC_RELAXED)

static void best_look(struct dataplane *d, uint32_t lane, uint32_t scope, uint32_t index)
{
    int64_t *known = &d->restore->best[lane][scope == TRADE_FIRM ? 0 : 1 + index];
    const int64_t best = WORD(best_of(&d->desks[lane]->desk, scope, index)->best);
    struct event event = {.type = EVENT_DAY_BEST, .tsc = clock_tsc()};
    if (best == *known)
        return;
    event.day_best.best = best;
    event.day_best.index = index;
    event.day_best.scope = (uint8_t)scope;
    event.day_best.of_lane = (uint8_t)lane;
    if (event_write(&d->events, &event))
        *known = best;
}

// Some of them every time: all of them in a second or more.
static void marks_look(struct dataplane *d, uint32_t lane)
{
    struct dataplane_restore *r = d->restore;
    const struct risk *risk = &d->desks[lane]->desk.risk;
    const uint32_t count = risk->position_mask + 1, step = (count + MARK_PARTS - 1) / MARK_PARTS;
    const uint32_t first = r->mark_at * step;
    uint32_t told = 0;
    for (uint32_t i = first; i < first + step && i < count && told < MARKS_MAX; i++) {
        const struct position *p = &risk->positions[i];
        const uint32_t key = WORD(p->key), mark = WORD(risk->money[i].mark);
        struct event event = {.type = EVENT_MARK, .tsc = clock_tsc()};
        if (key == 0 || mark == r->marks[lane][i])
            continue;
        event.mark.price = mark;
        event.mark.account = (uint16_t)((key - 1) >> 16);
        event.mark.instrument = (uint16_t)(key - 1);
        event.mark.of_lane = (uint8_t)lane;
        if (!event_write(&d->events, &event))
            return;
        r->marks[lane][i] = mark;
        told++;
    }
}

static void bests_look(struct dataplane *d)
{
    d->restore->mark_at = (d->restore->mark_at + 1) % MARK_PARTS;
    for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
        if (d->desks[lane] == NULL)
            continue;
        marks_look(d, lane);
        best_look(d, lane, TRADE_FIRM, 0);
        for (uint32_t i = 0; i < d->config->account_count; i++)
            best_look(d, lane, TRADE_ACCOUNT, i);
    }
}

// What came out for the orders of a session, by a walk over the lane's table.
static void orders_count(const struct desk *desk, uint32_t session, struct event_reconciled *e)
{
    for (uint32_t i = 0; i < desk->orders.capacity; i++) {
        const struct own_order *o = orders_at(&desk->orders, i);
        if (WORD(o->generation) == 0 || WORD(o->session) != session)
            continue;
        const uint8_t life = WORD(o->life);
        e->unknown += life == LIFE_UNKNOWN;
        e->adopted += (WORD(o->flags) & ORDER_ADOPTED) != 0;
        e->open_orders += life != LIFE_DEAD;
    }
}

static void session_settled(struct dataplane *d, uint32_t i, uint64_t now_ns)
{
    struct dataplane_restore *r = d->restore;
    const uint32_t lane = d->config->sessions[i].lane;
    const struct desk *desk = &d->desks[lane]->desk;
    const struct session *s = &d->sessions[i]->session;
    struct event event = {.type = EVENT_RECONCILED, .tsc = clock_tsc()};
    struct event_reconciled *e = &event.reconciled;
    const uint64_t not_received = WORD(desk->count.refusals[REFUSAL_NOT_RECEIVED]);
    orders_count(desk, i, e);
    e->next_sequence = WORD(s->next_sequence);
    e->replayed = WORD(s->count.sequenced);
    e->missing = WORD(s->count.missing);
    e->not_received = (uint32_t)(not_received - r->not_received[lane]);
    e->took = us_between(r->at.login[i], now_ns);
    e->session = (uint8_t)i;
    r->not_received[lane] = not_received;
    event_write(&d->events, &event);
    d->count->reconciled_not_received += e->not_received;
    d->count->reconciled_unknown += e->unknown;
    d->count->reconciled_adopted += e->adopted;
    log_info(LOG_RECONCILED,
             LOG_FIELDS(LOG_TEXT("session", d->config->sessions[i].name),
                        LOG_NUMBER("messages", e->replayed), LOG_NUMBER("missing", e->missing),
                        LOG_NUMBER("open_orders", e->open_orders),
                        LOG_NUMBER("not_received", e->not_received),
                        LOG_NUMBER("unknown", e->unknown), LOG_NUMBER("adopted", e->adopted)),
             "session %s: %" PRIu64 " messages of the stream replayed, %" PRIu64 " missing; %u "
             "orders open, %u never received, %u unknown to it, %u that stand in no journal",
             d->config->sessions[i].name, e->replayed, e->missing, e->open_orders, e->not_received,
             e->unknown, e->adopted);
}

static void sessions_look(struct dataplane *d, uint64_t now_ns)
{
    struct dataplane_restore *r = d->restore;
    uint64_t login = 0;
    bool all = true;
    r->at.running = r->at.running ? r->at.running : now_ns;
    for (uint32_t i = 0; i < d->config->session_count; i++) {
        const uint8_t state = WORD(d->sessions[i]->session.state);
        if (r->at.login[i] == 0 && state >= SESSION_REPLAY)
            r->at.login[i] = now_ns;
        if (r->at.settled[i] == 0 && state == SESSION_READY) {
            r->at.settled[i] = now_ns;
            session_settled(d, i, now_ns);
        }
        all &= r->at.settled[i] != 0;
        login = r->at.login[i] > login ? r->at.login[i] : login;
    }
    if (!all)
        return;
    r->ready = true;
    const struct stages *at = &r->at;
    d->count->restart_ns = now_ns - at->asked;
    log_info(LOG_RESTART,
             LOG_FIELDS(LOG_NUMBER("took_us", us_between(at->asked, now_ns)),
                        LOG_NUMBER("journal_us", us_between(at->asked, at->first)),
                        LOG_NUMBER("rebuild_us", us_between(at->first, at->done)),
                        LOG_NUMBER("lanes_us", us_between(at->done, at->running)),
                        LOG_NUMBER("login_us", us_between(at->running, login)),
                        LOG_NUMBER("reconcile_us", us_between(login, now_ns))),
             "READY after %.3f s: %.3f s until the journal was read, %.3f s to rebuild and take "
             "over, %.3f s to start the lanes, %.3f s to log in, %.3f s to reconcile",
             us_between(at->asked, now_ns) / 1e6, us_between(at->asked, at->first) / 1e6,
             us_between(at->first, at->done) / 1e6, us_between(at->done, at->running) / 1e6,
             us_between(at->running, login) / 1e6, us_between(login, now_ns) / 1e6);
}

void restore_turn(struct dataplane *d, uint64_t now_ns)
{
    struct dataplane_restore *r = d->restore;
    if (r == NULL)
        return;
    if (!r->ready)
        sessions_look(d, now_ns);
    if (now_ns - r->beat_ns < BEST_MS * UINT64_C(1000000))
        return;
    r->beat_ns = now_ns;
    bests_look(d);
}

void restore_free(struct dataplane *d)
{
    for (uint32_t lane = 0; d->restore && lane < LANES_MAX; lane++) {
        free(d->restore->desks[lane].places);
        free(d->restore->marks[lane]);
    }
    free(d->restore);
    d->restore = NULL;
}
