#include "dataplane/control/limits_raise.h"

#include <stdio.h>
#include <string.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"
#include "dataplane/config/config.h"
#include "dataplane/config/reference.h"
#include "dataplane/control/limits_fill.h"

const struct limit_raise *raises_find(const struct limit_raises *r, uint32_t scope, uint32_t index,
                                      uint32_t owner, enum limit_control control)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (r->rows[i].scope == scope && r->rows[i].index == index && r->rows[i].owner == owner &&
            r->rows[i].control == control)
            return &r->rows[i];
    return NULL;
}

bool raises_room(const struct limit_raises *r, uint32_t count)
{
    return r->count + count <= LIMIT_RAISES_MAX;
}

static void soonest_find(struct limit_raises *r)
{
    r->soonest_ns = 0;
    for (uint32_t i = 0; i < r->count; i++)
        if (r->soonest_ns == 0 || r->rows[i].until_ns < r->soonest_ns)
            r->soonest_ns = r->rows[i].until_ns;
}

static void tell(const struct limit_raise *row, enum limit_raise_state state,
                 struct event_writer *events)
{
    static const char *const words[] = {"raised", "back, its time is over", "set back by a person"};
    struct event event = {.type = EVENT_LIMIT_RAISE, .tsc = clock_tsc()};
    event.limit_raise = (struct event_limit_raise){.now = row->now,
                                                   .back = row->back,
                                                   .until_ns = row->until_ns,
                                                   .index = row->index,
                                                   .user = row->user,
                                                   .second = row->second,
                                                   .scope = (uint8_t)row->scope,
                                                   .owner = (uint8_t)row->owner,
                                                   .control = (uint8_t)row->control,
                                                   .state = (uint8_t)state};
    event_write(events, &event);
    log_info(LOG_LIMIT_RAISE,
             LOG_FIELDS(LOG_TEXT("scope", scope_name(row->scope)), LOG_NUMBER("row", row->index),
                        LOG_TEXT("control", limit_control_name(row->control)),
                        LOG_NUMBER("user", row->user), LOG_TEXT("state", words[state])),
             "%s %u %s: %s", scope_name(row->scope), row->index, limit_control_name(row->control),
             words[state]);
}

static void end(struct limit_raises *r, uint32_t i, enum limit_raise_state state,
                struct event_writer *events)
{
    tell(&r->rows[i], state, events);
    r->rows[i] = r->rows[--r->count];
}

void raises_note(struct limit_raises *r, const struct limit_change *c,
                 const struct limit_changed *changed, const void *base,
                 const struct limit_set_request *request, struct event_writer *events)
{
    const enum limit_control control = limit_control_find(c->scope, c->control);
    const struct limit_raise *known = raises_find(r, c->scope, c->index, c->owner, control);
    const uint32_t i = known ? (uint32_t)(known - r->rows) : r->count;
    struct limit_raise *row = &r->rows[i];
    if (c->until_ns && i < LIMIT_RAISES_MAX) {
        if (i == r->count)
            r->rows[r->count++] = (struct limit_raise){.back = changed->was,
                                                       .scope = c->scope,
                                                       .index = c->index,
                                                       .owner = c->owner,
                                                       .control = control};
        row->until_ns = c->until_ns;
        row->now = changed->now;
        row->user = request->user;
        row->second = request->second;
        tell(row, LIMIT_RAISED, events);
    } else if (i < r->count) {
        // Less than it was raised to, and more than before, is still a raise.
        const bool raised =
            limit_widens(control, limits_held(control, row->back, base), changed->now) &&
            !limit_widens(control, row->now, changed->now);
        row->now = changed->now;
        if (request->flags & LIMIT_SET_BASE || !raised)
            end(r, i, request->user == LIMIT_NOBODY ? LIMIT_RAISE_OVER : LIMIT_RAISE_TAKEN_BACK,
                events);
    }
    soonest_find(r);
}

void raises_over(const struct limit_raises *r, uint64_t now_ns, struct limit_set_request *request)
{
    memset(request, 0, sizeof *request);
    request->user = request->second = LIMIT_NOBODY;
    snprintf(request->reason, sizeof request->reason, "its time is over");
    for (uint32_t i = 0; i < r->count && request->count < LIMIT_CHANGES_MAX; i++) {
        const struct limit_raise *row = &r->rows[i];
        struct limit_change *c = &request->changes[request->count];
        if (row->until_ns > now_ns)
            continue;
        request->count++;
        c->scope = row->scope;
        c->index = row->index;
        c->owner = row->owner;
        snprintf(c->control, sizeof c->control, "%s", limit_control_name(row->control));
        config_limit_text(row->control, row->back, c->value);
    }
}

void raises_drop(struct limit_raises *r, struct event_writer *events)
{
    for (uint32_t i = r->count; i-- > 0;)
        if (r->rows[i].scope == TRADE_SYMBOL &&
            reference_has(limit_control_name(r->rows[i].control)))
            end(r, i, LIMIT_RAISE_TAKEN_BACK, events);
    soonest_find(r);
}

bool raises_restore(struct limit_raises *r, const struct event_limit_raise *said)
{
    const struct limit_raise *known =
        raises_find(r, said->scope, said->index, said->owner, (enum limit_control)said->control);
    const uint32_t i = known ? (uint32_t)(known - r->rows) : r->count;
    if (said->state != LIMIT_RAISED && known)
        r->rows[i] = r->rows[--r->count];
    if (said->state == LIMIT_RAISED) {
        if (i == LIMIT_RAISES_MAX || !limit_control_has(said->scope, said->control))
            return false;
        r->count += known == NULL;
        r->rows[i] = (struct limit_raise){.until_ns = said->until_ns,
                                          .back = said->back,
                                          .now = said->now,
                                          .scope = said->scope,
                                          .index = said->index,
                                          .owner = said->owner,
                                          .user = said->user,
                                          .second = said->second,
                                          .control = (enum limit_control)said->control};
    }
    soonest_find(r);
    return true;
}
