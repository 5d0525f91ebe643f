#include "dataplane/control/limits_live.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/hints.h"
#include "dataplane/lane/desk_limits.h"

enum phase {
    PHASE_IDLE,
    PHASE_SENDING, // the lanes get <next>
    PHASE_UNDOING, // one of them could not take it: the others get <now> again
    PHASE_SETTLING // what lanes hold of a lower limit comes back
};

struct dataplane_limits {
    struct limits_source *now;
    struct limits_source *next;
    uint64_t source_bytes;
    bool day_file;             // a file of the day gives reference data
    struct command_slot *slot; // of the change in work
    enum phase phase;
    uint16_t lanes; // bits: those that trade
    uint16_t wants; // bits: of this phase, not sent yet
    uint16_t sent;  // not answered yet
    uint16_t taken;
    uint16_t failed;
    struct limit_set_request request; // private copy
    struct limit_set_answer answer;
    struct limits_swap swaps[LANES_MAX];
};

// --- set-up ---

bool limits_start(struct dataplane *d, struct error *err)
{
    struct dataplane_limits *l = d->limits = calloc(1, sizeof *l);
    if (l) {
        l->now = limits_source_new(d->config, &d->day);
        l->next = limits_source_new(d->config, &d->day);
    }
    if (l == NULL || l->now == NULL || l->next == NULL)
        return error_set(err, EXIT_FAILED, "no memory for the limits of %u symbols",
                         d->instrument_count);
    l->day_file = *d->config->day.reference != 0;
    l->source_bytes = limits_source_bytes(l->now);
    return true;
}

void limits_free(struct dataplane *d)
{
    if (d->limits) {
        free(d->limits->now);
        free(d->limits->next);
    }
    free(d->limits);
    d->limits = NULL;
}

struct limits_source *limits_set_now(const struct dataplane *d)
{
    return d->limits ? d->limits->now : NULL;
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

// The limits that a scope has, for a name that is none of them.
static bool refuse_name(struct dataplane_limits *l, uint32_t at, const struct limit_change *c)
{
    char names[LIMIT_WHY_LEN - 80] = "";
    size_t used = 0;
    for (unsigned i = 1; i < LIMIT_CONTROLS && used < sizeof names; i++)
        if (limit_control_has(c->scope, i))
            used +=
                (size_t)snprintf(names + used, sizeof names - used, " %s", limit_control_name(i));
    return refuse(l, at, "%.23s: no such limit; there are%s", c->control, names);
}

static bool change_make(struct dataplane_limits *l, uint32_t at, bool *widens)
{
    struct limit_change *c = &l->request.changes[at];
    struct limit_changed *changed = &l->answer.changes[at];
    char why[LIMIT_WHY_LEN];
    c->control[LIMIT_NAME_LEN - 1] = c->value[LIMIT_VALUE_LEN - 1] = 0;
    if (c->scope >= TRADE_SCOPES || c->owner != LIMIT_OF_FIRM)
        return refuse(l, at, "there is no such scope or owner of limits");
    const enum limit_control control = limit_control_find(c->scope, c->control);
    if (control == LIMIT_CONTROL_NONE)
        return refuse_name(l, at, c);
    void *base = limits_base(l->next, c->scope, c->index, limit_control_table[control].section);
    if (base == NULL)
        return refuse(l, at, "%s: there is no %s %u", c->control, scope_name(c->scope), c->index);
    changed->was = config_limit_get(control, base);
    if (!config_limit_set(control, base, c->value, why))
        return refuse(l, at, "%s: %.200s", c->control, why);
    changed->now = config_limit_get(control, base);
    *widens |= limit_widens(control, changed->was, changed->now);
    return true;
}

// Of the scopes that a change has touched, when all are made.
static bool change_fits(struct dataplane_limits *l, uint32_t at)
{
    const struct limit_change *c = &l->request.changes[at];
    const struct config_limits *limits = limits_base(l->next, c->scope, c->index, LIMIT_LIMITS);
    const struct config_symbol_row *row = limits_base(l->next, c->scope, c->index, LIMIT_SYMBOL);
    struct limit_fault f;
    return (config_limits_good(c->scope, limits, &f) &&
            (!row || config_symbol_good(row, l->day_file, &f))) ||
           refuse(l, at, "%s: %s", f.key, f.text);
}

static bool changes_make(struct dataplane_limits *l, bool *widens)
{
    bool good = true;
    memcpy(l->next, l->now, l->source_bytes);
    for (uint32_t i = 0; good && i < l->request.count; i++)
        good = change_make(l, i, widens);
    for (uint32_t i = 0; good && i < l->request.count; i++)
        good = change_fits(l, i);
    return good;
}

static bool nothing_changes(const struct dataplane_limits *l)
{
    for (uint32_t i = 0; i < l->request.count; i++)
        if (l->answer.changes[i].was != l->answer.changes[i].now)
            return false;
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

static void state_copy(struct limit_row *to, const struct limit_row *from)
{
    to->state = __atomic_load_n(&from->state, __ATOMIC_RELAXED);
}

// Trading states are the lane's: the table gets those that it has, and says how many changes of
// them it knows of.
static void states_copy(struct dataplane_desk *dd, struct limits_swap *s)
{
    struct limit_table *to = dd->limits_spare;
    const struct limit_table *from = dd->limits;
    s->states = __atomic_load_n(&dd->desk.limits_states, __ATOMIC_ACQUIRE);
    state_copy(&to->firm, &from->firm);
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        state_copy(&to->accounts[i], &from->accounts[i]);
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++)
        state_copy(&to->strategies[i], &from->strategies[i]);
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        state_copy(&to->sessions[i], &from->sessions[i]);
    for (uint32_t i = 0; i < to->symbol_count; i++)
        state_copy(&to->symbols[i], &from->symbols[i]);
}

static void lane_send(struct dataplane *d, uint32_t lane)
{
    struct dataplane_limits *l = d->limits;
    struct dataplane_desk *dd = d->desks[lane];
    struct limits_swap *s = &l->swaps[lane];
    const bool undo = l->phase == PHASE_UNDOING;
    const uint64_t bytes =
        sizeof *dd->limits_spare + dd->limits->symbol_count * sizeof dd->limits_spare->symbols[0];
    const struct lane_answer answer = {.kind = ANSWER_LIMITS, .swap = s};
    memset(dd->limits_spare, 0, bytes);
    limits_fill(undo ? l->now : l->next, trade_lanes(d->config), d->clock.tsc_hz, dd->limits_spare);
    states_copy(dd, s);
    s->table = dd->limits_spare;
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
    struct limit_table *old = dd->limits;
    dd->limits = dd->limits_spare;
    dd->limits_spare = old;
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

bool limits_set(struct dataplane *d, struct command_slot *slot, enum command_result *result)
{
    struct dataplane_limits *l = d->limits;
    bool widens = false;
    *result = COMMAND_RESULT_OK;
    if (l == NULL)
        *result = COMMAND_RESULT_NO_TRADING;
    else if (l->phase != PHASE_IDLE)
        *result = COMMAND_RESULT_BUSY;
    if (*result != COMMAND_RESULT_OK)
        return false;
    l->request = slot->request.limit_set;
    l->request.reason[REASON_LEN - 1] = 0;
    memset(&l->answer, 0, sizeof l->answer);
    if (l->request.count < 1 || l->request.count > LIMIT_CHANGES_MAX)
        *result = COMMAND_RESULT_BAD_ARGUMENT;
    else if (!changes_make(l, &widens))
        *result = COMMAND_RESULT_LIMIT_REFUSED;
    else if (nothing_changes(l))
        *result = COMMAND_RESULT_NOTHING;
    l->answer.count = l->request.count;
    slot->answer.limit_set = l->answer;
    if (*result != COMMAND_RESULT_OK)
        return false;
    for (uint32_t i = 0; i < LANES_MAX; i++)
        l->answer.lanes |= d->desks[i] ? 1ull << i : 0;
    l->slot = slot;
    begin(l, PHASE_SENDING, (uint16_t)l->answer.lanes, widens);
    leases_lower(d, l->next);
    return true;
}

// --- turn by turn ---

static void answer(struct dataplane_limits *l, enum command_result result)
{
    const uint64_t sequence = l->answer.sequence[__builtin_ctzll(l->answer.lanes)];
    l->slot->answer.limit_set = l->answer;
    command_answer(l->slot, result, sequence);
    l->slot = NULL;
    l->phase = PHASE_IDLE;
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
    }
}

uint32_t limits_turn(struct dataplane *d)
{
    struct dataplane_limits *l = d->limits;
    if (l == NULL || l->phase == PHASE_IDLE)
        return 0;
    if (l->phase == PHASE_SETTLING) {
        if (leases_settled(d))
            answer(l, COMMAND_RESULT_OK);
        return 1;
    }
    for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
        if (l->wants >> lane & 1)
            lane_send(d, lane);
        if (l->sent >> lane & 1 && atomic_load_explicit(&l->swaps[lane].done, memory_order_acquire))
            lane_answered(d, lane);
    }
    if (l->wants == 0 && l->sent == 0)
        all_answered(d);
    return 1;
}
