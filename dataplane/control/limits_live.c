#include "dataplane/control/limits_live.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/hints.h"
#include "dataplane/base/log.h"
#include "dataplane/control/limits_runs.h"
#include "dataplane/control/limits_table.h"
#include "dataplane/lane/desk_limits.h"

enum { RECORD_MS = 700, AGAIN_MS = 1000, NS_PER_MS = 1000000 };

enum phase {
    PHASE_IDLE,
    PHASE_ASKING,  // what lets more pass waits until its record is durable
    PHASE_SENDING, // the lanes get <next>
    PHASE_UNDOING, // one of them could not take it: the others get <now> again
    PHASE_SETTLING // what lanes hold of a lower limit comes back
};

struct dataplane_limits {
    struct limits_source *now;
    struct limits_source *next;
    struct limits_source *base; // of the configuration: beyond it only until a time
    uint64_t source_bytes;
    struct command_slot *slot; // of the change in work; null: a raise whose time is over
    enum phase phase;
    bool over;         // the same
    uint64_t asked_at; // of the main lcore's ring: durable when it is committed
    uint64_t asked_ns; // CLOCK_MONOTONIC
    uint16_t wants;    // bits: of this phase, not sent yet
    uint16_t sent;     // not answered yet
    uint16_t taken;
    uint16_t failed;
    struct limit_set_request request; // private copy
    struct limit_set_answer answer;
    struct limits_swap swaps[LANES_MAX];
    struct limit_raises raises;
    bool again_on; // limits_again is in work, and what it changes
    enum command_result again;
    void (*again_change)(const struct dataplane *d, struct limits_source *source);
};

// --- set-up ---

bool limits_start(struct dataplane *d, struct error *err)
{
    struct dataplane_limits *l = d->limits = calloc(1, sizeof *l);
    if (l) {
        l->now = limits_source_new(d->config, &d->day);
        l->next = limits_source_new(d->config, &d->day);
        l->base = limits_source_new(d->config, &d->day);
    }
    if (l == NULL || l->now == NULL || l->next == NULL || l->base == NULL)
        return error_set(err, EXIT_FAILED, "no memory for the limits of %u symbols",
                         d->instrument_count);
    l->source_bytes = limits_source_bytes(l->now);
    return true;
}

void limits_free(struct dataplane *d)
{
    if (d->limits) {
        for (uint32_t i = 0; i < LANES_MAX; i++)
            limits_runs_free(&d->limits->swaps[i]);
        free(d->limits->now);
        free(d->limits->next);
        free(d->limits->base);
    }
    free(d->limits);
    d->limits = NULL;
}

struct limits_source *limits_set_now(const struct dataplane *d)
{
    return d->limits ? d->limits->now : NULL;
}

const struct limit_raises *limits_raised(const struct dataplane *d)
{
    return &d->limits->raises;
}

// --- what is asked for ---

static bool refuse(struct dataplane_limits *l, uint32_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse(struct dataplane_limits *l, uint32_t at, const char *fmt, ...)
{
    va_list ap;
    l->answer.faulty = at;
    va_start(ap, fmt);
    vsnprintf(l->answer.why, sizeof l->answer.why, fmt, ap);
    va_end(ap);
    return false;
}

// Whoever asked names the scope of the change; another one's limit is named here.
static bool refuse_fault(struct dataplane_limits *l, uint32_t at, const struct limit_fault *f)
{
    const struct limit_change *c = &l->request.changes[at];
    if (f->scope == c->scope && f->index == c->index)
        return refuse(l, at, "%s: %s", f->key, f->text);
    return refuse(l, at, "%s %u: %s: %s", scope_name(f->scope), f->index, f->key, f->text);
}

// The limits that a scope has, for a name that is none of them.
static bool refuse_name(struct dataplane_limits *l, uint32_t at, const struct limit_change *c)
{
    char names[LIMIT_WHY_LEN - 80] = "";
    size_t used = 0;
    if (strcmp(c->control, "state") == 0)
        return refuse(l, at, "state: set by halt, reduce and resume; by the file with a restart");
    if (config_limit_named(c->scope, c->control))
        return refuse(l, at, "%.23s: takes a restart of tickgate-dataplane", c->control);
    for (unsigned i = 1; i < LIMIT_CONTROL_ACTION && used < sizeof names; i++)
        if (limit_control_has(c->scope, i))
            used +=
                (size_t)snprintf(names + used, sizeof names - used, " %s", limit_control_name(i));
    return refuse(l, at, "%.23s: no such limit; there are%s", c->control, names);
}

// Where the value stands that a change is about.
static void *base_of(struct limits_source *s, const struct limit_change *c,
                     enum limit_control control)
{
    return limits_owned(s, c->owner, c->scope, c->index, limit_control_table[control].section);
}

static uint64_t held(struct limits_source *s, const struct limit_change *c,
                     enum limit_control control)
{
    const void *base = base_of(s, c, control);
    return limits_held(control, config_limit_get(control, base), base);
}

// What has an end lets more pass than before the raise, and what goes beyond the configuration has
// one.
static bool end_fits(struct dataplane_limits *l, uint32_t at, bool *widens)
{
    const struct limit_change *c = &l->request.changes[at];
    const enum limit_control control = limit_control_find(c->scope, c->control);
    const struct limit_raise *raise =
        raises_find(&l->raises, c->scope, c->index, c->owner, control);
    const uint64_t base = held(l->base, c, control);
    const uint64_t was = held(l->now, c, control), now = held(l->next, c, control);
    const uint64_t before =
        raise ? limits_held(control, raise->back, base_of(l->now, c, control)) : was;
    const bool more = limit_widens(control, was, now);
    *widens |= more;
    *widens |= raise && c->until_ns > raise->until_ns;
    if (l->over || l->request.flags & LIMIT_SET_BASE)
        return c->until_ns == 0 || refuse(l, at, "%s: a configuration has no end", c->control);
    if (c->until_ns && c->until_ns <= clock_utc_ns())
        return refuse(l, at, "%s: its time is over already; name a later one", c->control);
    if (c->until_ns && !limit_widens(control, before, now))
        return refuse(l, at, "%s: lets no more pass than before, so it takes no time to end",
                      c->control);
    if (c->until_ns == 0 && more && limit_widens(control, base, now))
        return refuse(l, at,
                      "%s: lets more pass than the configuration, so it has to end: say for "
                      "how long, such as 30m",
                      c->control);
    return c->until_ns == 0 || raise || raises_room(&l->raises, l->request.count) ||
           refuse(l, at, "%s: %u limits are raised already", c->control, LIMIT_RAISES_MAX);
}

static bool change_make(struct dataplane_limits *l, uint32_t at)
{
    struct limit_change *c = &l->request.changes[at];
    struct limit_changed *changed = &l->answer.changes[at];
    char why[LIMIT_WHY_LEN];
    c->control[LIMIT_NAME_LEN - 1] = c->value[LIMIT_VALUE_LEN - 1] = 0;
    if (c->scope >= TRADE_SCOPES || c->owner >= LIMIT_OWNERS)
        return refuse(l, at, "there is no such scope or owner of limits");
    const enum limit_control control = limit_control_find(c->scope, c->control);
    if (control == LIMIT_CONTROL_NONE)
        return refuse_name(l, at, c);
    if (!limit_owner_has(c->owner, control))
        return refuse(l, at,
                      "%s: no limit of the broker's: its limits are those of the section "
                      "broker",
                      c->control);
    void *base = base_of(l->next, c, control);
    if (base == NULL)
        return refuse(l, at, "%s: there is no %s %u", c->control, scope_name(c->scope), c->index);
    changed->was = config_limit_get(control, base);
    if (!config_limit_set(control, base, c->value, why))
        return refuse(l, at, "%s: %.200s", c->control, why);
    changed->now = config_limit_get(control, base);
    return true;
}

// Limits that leave no order of any symbol. Who found them so (a file of the day has the lots) may
// still lower others.
static bool least_fits(const struct dataplane_limits *l, struct limit_fault *f)
{
    struct limit_fault before;
    return limits_least_good(l->next, f) || !limits_least_good(l->now, &before);
}

// What a file of the day says stands in the row. Whose part of a volume limited nothing before (a
// restart put it back beside another file) may still change other limits.
static bool row_fits(const struct limits_source *next, const struct limit_change *c,
                     const struct config_symbol_row *row, struct limit_fault *f)
{
    const enum limit_control control = limit_control_find(c->scope, c->control);
    const bool volume = control == LIMIT_SYMBOL_average_volume ||
                        control == LIMIT_SYMBOL_volume_percent || control == LIMIT_SYMBOL_lot;
    return config_symbol_good(row, !volume, f) && (!volume || config_volume_good(row, f)) &&
           config_row_parts_good(row, next->lanes, f);
}

// Of the scopes that a change has touched, when all are made.
static bool change_fits(struct dataplane_limits *l, uint32_t at)
{
    const struct limit_change *c = &l->request.changes[at];
    const struct config_limits *limits = limits_base(l->next, c->scope, c->index, LIMIT_LIMITS);
    const struct config_limits *broker =
        limits_owned(l->next, LIMIT_OF_BROKER, c->scope, c->index, LIMIT_LIMITS);
    const struct config_symbol_row *row = limits_base(l->next, c->scope, c->index, LIMIT_SYMBOL);
    struct limit_fault f = {.scope = c->scope, .index = c->index};
    return (config_limits_good(c->scope, limits, &f) && config_limits_good(c->scope, broker, &f) &&
            config_owners_good(limits, broker, &f) && limits_actions_good(l->next, &f) &&
            least_fits(l, &f) && limits_venues_good(l->next, c->scope, c->index, &f) &&
            (!row || row_fits(l->next, c, row, &f))) ||
           refuse_fault(l, at, &f);
}

// What holds after the change, whoever has set it.
static void binds_look(struct dataplane_limits *l, uint32_t at)
{
    const struct limit_change *c = &l->request.changes[at];
    struct limit_changed *changed = &l->answer.changes[at];
    uint64_t limit[LIMIT_OWNERS];
    enum limit_owned binds;
    if (limits_both(l->next, c->scope, c->index, limit_control_find(c->scope, c->control), limit,
                    &binds)) {
        changed->binds = binds;
        changed->bound = limit[binds];
    }
}

static bool changes_make(struct dataplane_limits *l, bool *widens)
{
    bool good = true;
    memcpy(l->next, l->now, l->source_bytes);
    for (uint32_t i = 0; good && i < l->request.count; i++)
        good = change_make(l, i);
    // What was there before a raise comes back whatever has been set beside it meanwhile.
    for (uint32_t i = 0; good && !l->over && i < l->request.count; i++)
        good = change_fits(l, i);
    for (uint32_t i = 0; good && i < l->request.count; i++)
        good = end_fits(l, i, widens);
    for (uint32_t i = 0; good && i < l->request.count; i++)
        binds_look(l, i);
    l->answer.widens = *widens;
    return good;
}

static bool nothing_changes(const struct dataplane_limits *l)
{
    for (uint32_t i = 0; i < l->request.count; i++) {
        const struct limit_change *c = &l->request.changes[i];
        const struct limit_raise *raise = raises_find(&l->raises, c->scope, c->index, c->owner,
                                                      limit_control_find(c->scope, c->control));
        if (l->answer.changes[i].was != l->answer.changes[i].now ||
            (raise && (c->until_ns != raise->until_ns && c->until_ns)) ||
            l->request.flags & LIMIT_SET_BASE)
            return false;
    }
    return true;
}

// --- handing over ---

static void records_make(const struct dataplane_limits *l, struct limits_swap *s, bool undo)
{
    s->count = l->request.count;
    for (uint32_t i = 0; i < l->request.count; i++) {
        const struct limit_change *c = &l->request.changes[i];
        const struct limit_changed *changed = &l->answer.changes[i];
        struct event_limit_changed *r = &s->records[i];
        *r = (struct event_limit_changed){.was = undo ? changed->now : changed->was,
                                          .now = undo ? changed->was : changed->now,
                                          .index = c->index,
                                          .user = l->request.user,
                                          .scope = (uint8_t)c->scope,
                                          .owner = (uint8_t)c->owner,
                                          .control =
                                              (uint8_t)limit_control_find(c->scope, c->control)};
        memcpy(r->reason, l->request.reason, sizeof r->reason);
    }
}

static void lane_send(struct dataplane *d, uint32_t lane)
{
    struct dataplane_limits *l = d->limits;
    struct dataplane_desk *dd = d->desks[lane];
    struct limits_swap *s = &l->swaps[lane];
    const bool undo = l->phase == PHASE_UNDOING;
    const struct lane_answer answer = {.kind = ANSWER_LIMITS, .swap = s};
    s->states = limits_table_make(d, lane, undo ? l->now : l->next, undo);
    s->table = dd->limits_spare;
    limits_runs_make(s, dd->limits, dd->limits_spare, d->leases != NULL);
    records_make(l, s, undo);
    atomic_store_explicit(&s->done, false, memory_order_relaxed);
    if (!spsc_push(&d->lanes[lane]->answers, &answer))
        return; // the next turn
    l->wants &= (uint16_t) ~(1u << lane);
    l->sent |= (uint16_t)(1u << lane);
}

static void lane_answered(struct dataplane *d, uint32_t lane)
{
    struct dataplane_limits *l = d->limits;
    struct dataplane_desk *dd = d->desks[lane];
    const struct limits_swap *s = &l->swaps[lane];
    const uint16_t bit = (uint16_t)(1u << lane);
    l->sent &= (uint16_t)~bit;
    switch ((enum limits_taken)s->taken) {
    case LIMITS_AGAIN: l->wants |= bit; return;
    case LIMITS_NO_ROOM: l->failed |= bit; return;
    case LIMITS_TAKEN: break;
    }
    limits_table_swap(dd);
    l->taken |= bit;
    l->answer.sequence[lane] = s->sequence;
    l->answer.version[lane] = s->version;
}

static void begin(struct dataplane_limits *l, enum phase phase, uint16_t lanes, bool widens)
{
    l->phase = phase;
    l->wants = lanes;
    l->sent = l->taken = l->failed = 0;
    for (uint32_t i = 0; i < LANES_MAX; i++)
        l->swaps[i].widens = widens;
}

static void answer(struct dataplane_limits *l, enum command_result result)
{
    const uint64_t sequence = l->answer.sequence[__builtin_ctzll(l->answer.lanes)];
    if (l->slot) {
        l->slot->answer.limit_set = l->answer;
        command_answer(l->slot, result, sequence);
    }
    if (l->again_on)
        l->again = result;
    l->again_on = false;
    l->slot = NULL;
    l->over = false;
    l->phase = PHASE_IDLE;
}

// The lanes get <next>.
static void send_begin(struct dataplane *d, bool widens)
{
    struct dataplane_limits *l = d->limits;
    begin(l, PHASE_SENDING, (uint16_t)l->answer.lanes, widens);
    leases_lower(d, l->next);
}

// What lets more pass is said before; false: there is no room to say it.
static bool ask_begin(struct dataplane *d)
{
    struct dataplane_limits *l = d->limits;
    if (event_credit(&d->events) < l->request.count)
        return false;
    for (uint32_t i = 0; i < l->request.count; i++) {
        const struct limit_change *c = &l->request.changes[i];
        struct event event = {.type = EVENT_LIMIT_ASKED, .tsc = clock_tsc()};
        struct event_limit_asked *r = &event.limit_asked;
        *r = (struct event_limit_asked){.now = l->answer.changes[i].now,
                                        .until_ns = c->until_ns,
                                        .index = c->index,
                                        .user = l->request.user,
                                        .second = l->request.second,
                                        .scope = (uint8_t)c->scope,
                                        .owner = (uint8_t)c->owner,
                                        .control =
                                            (uint8_t)limit_control_find(c->scope, c->control)};
        memcpy(r->reason, l->request.reason, sizeof r->reason);
        event_write(&d->events, &event);
    }
    l->asked_at = d->events.tail;
    l->asked_ns = clock_mono_ns();
    l->phase = PHASE_ASKING;
    return true;
}

static void lanes_find(struct dataplane *d)
{
    for (uint32_t i = 0; i < LANES_MAX; i++)
        d->limits->answer.lanes |= d->desks[i] ? 1ull << i : 0;
}

// Judges <request>; false: it is answered now.
static bool request_good(struct dataplane *d, bool *widens, enum command_result *result)
{
    struct dataplane_limits *l = d->limits;
    memset(&l->answer, 0, sizeof l->answer);
    if (l->request.count < 1 || l->request.count > LIMIT_CHANGES_MAX)
        *result = COMMAND_RESULT_BAD_ARGUMENT;
    else if (!changes_make(l, widens))
        *result = COMMAND_RESULT_LIMIT_REFUSED;
    else if (nothing_changes(l))
        *result = COMMAND_RESULT_NOTHING;
    l->answer.count = l->request.count;
    return *result == COMMAND_RESULT_OK && !(l->request.flags & LIMIT_SET_DRY);
}

bool limits_set(struct dataplane *d, struct command_slot *slot, enum command_result *result)
{
    struct dataplane_limits *l = d->limits;
    bool widens = false;
    *result = COMMAND_RESULT_OK;
    if (l == NULL)
        *result = COMMAND_RESULT_NO_TRADING;
    else if (l->phase == PHASE_ASKING) // nothing was done yet: nobody waits behind a slow disk
        answer(l, COMMAND_RESULT_BUSY);
    else if (l->phase != PHASE_IDLE)
        *result = COMMAND_RESULT_BUSY;
    if (*result != COMMAND_RESULT_OK)
        return false;
    l->request = slot->request.limit_set;
    l->request.reason[REASON_LEN - 1] = 0;
    const bool goes_on = request_good(d, &widens, result);
    slot->answer.limit_set = l->answer;
    if (!goes_on)
        return false;
    lanes_find(d);
    if (!widens)
        send_begin(d, false);
    else if (!ask_begin(d))
        *result = COMMAND_RESULT_NO_ROOM;
    l->slot = *result == COMMAND_RESULT_OK ? slot : NULL;
    return *result == COMMAND_RESULT_OK;
}

bool limits_busy(const struct dataplane *d)
{
    return d->limits->phase != PHASE_IDLE;
}

bool limits_again(struct dataplane *d, bool widens, bool asked,
                  void (*change)(const struct dataplane *d, struct limits_source *source))
{
    struct dataplane_limits *l = d->limits;
    if (l->phase != PHASE_IDLE)
        return false;
    memcpy(l->next, l->now, l->source_bytes);
    if (change)
        change(d, l->next);
    memset(&l->request, 0, sizeof l->request);
    memset(&l->answer, 0, sizeof l->answer);
    lanes_find(d);
    l->again_change = change;
    l->again_on = true;
    if (!widens || !asked)
        send_begin(d, widens);
    else
        ask_begin(d); // there is nothing more to say than was said
    return true;
}

bool limits_again_over(const struct dataplane *d, enum command_result *result,
                       struct limit_set_answer *answer)
{
    const struct dataplane_limits *l = d->limits;
    *result = l->again;
    *answer = l->answer;
    return !l->again_on;
}

// --- turn by turn ---

static void asking_turn(struct dataplane *d)
{
    struct dataplane_limits *l = d->limits;
    event_credit(&d->events); // looks how far the journal is
    if (d->events.committed >= l->asked_at)
        send_begin(d, true);
    else if (clock_mono_ns() - l->asked_ns > RECORD_MS * (uint64_t)NS_PER_MS)
        answer(l, COMMAND_RESULT_NOT_RECORDED);
}

// Sets back what is raised for too long, all that there is at once.
static void over_turn(struct dataplane *d)
{
    struct dataplane_limits *l = d->limits;
    const uint64_t now = l->raises.soonest_ns ? clock_utc_ns() : 0;
    enum command_result result = COMMAND_RESULT_OK;
    bool widens = false;
    if (now == 0 || now < l->raises.soonest_ns)
        return;
    raises_over(&l->raises, now, &l->request);
    l->over = true;
    if (request_good(d, &widens, &result) || result == COMMAND_RESULT_NOTHING) {
        lanes_find(d);
        send_begin(d, false);
        return;
    }
    log_error(LOG_LIMIT_RAISE_STAYS, LOG_FIELDS(LOG_TEXT("cause", l->answer.why)),
              "cannot be set back: %s", l->answer.why);
    l->over = false;
    l->raises.soonest_ns = now + AGAIN_MS * (uint64_t)NS_PER_MS;
}

// <now> is another table, on all lanes.
static void in_force(struct dataplane *d)
{
    struct dataplane_limits *l = d->limits;
    char why[LIMIT_WHY_LEN];
    clients_limits_show(d);
    if (l->again_on && l->again_change) {
        l->again_change(d, l->base);
        raises_drop(&l->raises, &d->events);
    }
    for (uint32_t i = 0; i < l->request.count; i++) {
        const struct limit_change *c = &l->request.changes[i];
        const enum limit_control control = limit_control_find(c->scope, c->control);
        struct limit_changed *changed = &l->answer.changes[i];
        raises_note(&l->raises, c, changed, base_of(l->now, c, control), &l->request, &d->events);
        const struct limit_raise *raise =
            raises_find(&l->raises, c->scope, c->index, c->owner, control);
        changed->until_ns = raise ? raise->until_ns : 0;
        changed->back = raise ? raise->back : 0;
        if (l->request.flags & LIMIT_SET_BASE)
            config_limit_set(control, base_of(l->base, c, control), c->value, why);
    }
}

static void all_answered(struct dataplane *d)
{
    struct dataplane_limits *l = d->limits;
    if (l->phase == PHASE_UNDOING || (l->failed && l->taken == 0)) {
        leases_set(d, l->now);
        answer(l, COMMAND_RESULT_NO_ROOM);
    } else if (l->failed) {
        begin(l, PHASE_UNDOING, l->taken, false);
    } else {
        struct limits_source *old = l->now;
        l->now = l->next;
        l->next = old;
        l->phase = PHASE_SETTLING;
        leases_set(d, l->now);
        in_force(d);
    }
}

uint32_t limits_turn(struct dataplane *d)
{
    struct dataplane_limits *l = d->limits;
    if (l && l->phase == PHASE_IDLE)
        over_turn(d);
    if (l == NULL || l->phase == PHASE_IDLE)
        return 0;
    if (l->phase == PHASE_ASKING) {
        asking_turn(d);
        return 1;
    }
    if (l->phase == PHASE_SETTLING) {
        if (leases_settled(d))
            answer(l, COMMAND_RESULT_OK);
        else
            lanes_hold_limits(d, l->answer.lanes);
        return 1;
    }
    for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
        if (l->wants >> lane & 1)
            lane_send(d, lane);
        if (l->sent >> lane & 1 && atomic_load_explicit(&l->swaps[lane].done, memory_order_acquire))
            lane_answered(d, lane);
    }
    lanes_hold_limits(d, l->wants | l->sent);
    if (l->wants == 0 && l->sent == 0)
        all_answered(d);
    return 1;
}

// --- after a restart ---

bool limits_restore_raise(struct dataplane *d, const struct event_limit_raise *said)
{
    return d->limits && said->scope < TRADE_SCOPES && said->control < LIMIT_CONTROLS &&
           raises_restore(&d->limits->raises, said);
}
