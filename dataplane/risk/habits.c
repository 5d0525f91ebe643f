// Seldom gone: an order that may be one of many of its kind, and what counts as time goes by.
#include "dataplane/risk/duplicates.h"

// Within the time, at its very edge too.
static bool counts(const struct prior *p, const struct limit_owner *l, uint64_t now)
{
    return p->print != 0 && now - p->at <= (uint64_t)l->duplicate_window << DUPLICATE_SHIFT;
}

uint32_t priors_like(const struct risk *r, const struct gate_order *o, const struct limit_owner *l)
{
    const uint32_t account = o->owner.account, last = r->prior_rings[account].last;
    const uint64_t print = prior_print(o);
    uint32_t count = 0, at = r->positions[o->owner.position].asked.newest[prior_chain(print)];
    // Ends: each is older than the one before, and the ring has so many.
    while (count < l->duplicates && last - at < 1u << r->prior_bits) {
        const struct prior *p = prior_of(r, account, at);
        if (!counts(p, l, o->now))
            break;
        count += p->print == print;
        at = p->before;
    }
    return count;
}

// Where it is the newest of all its place is the next to be written, and its chain begins with the
// one before again. One that waited for the journal has others behind it: it keeps its place, and
// is like none.
COLD void prior_forget(struct risk *r, const struct gate_order *o, uint64_t at)
{
    enum { LIKE_NONE = 2 }; // bit 0 of a print is set
    const uint64_t print = prior_print(o);
    uint32_t *last = &r->prior_rings[o->owner.account].last,
             *newest = &r->positions[o->owner.position].asked.newest[prior_chain(print)];
    uint32_t number = *newest;
    // Ends as that of priors_like.
    while (!r->practises && *last - number < 1u << r->prior_bits) {
        struct prior *p = prior_of(r, o->owner.account, number);
        if (p->print == 0 || p->at < at)
            return;
        if (p->print == print && p->at == at) {
            const bool first = number == *last;
            p->print = first ? 0 : LIKE_NONE;
            *newest = first ? p->before : *newest;
            *last -= first;
            return;
        }
        number = p->before;
    }
}

// The place behind the newest holds the oldest: what is up to one that does not count is older.
COLD bool priors_room(struct risk *r, const struct gate_order *o, const struct limit_owner *l)
{
    const uint32_t account = o->owner.account, last = r->prior_rings[account].last;
    uint32_t room = (1u << r->prior_bits) / 4;
    while (room > 0 && counts(prior_of(r, account, last + room), l, o->now))
        room /= 2;
    r->prior_rings[account].free = last + room;
    return room > 0;
}

// --- orders for executions ---
//
// N orders for each execution, and N more, in every time of its length. It slides in steps of an
// eighth: orders count from the beginning of the step in which it began, executions from the next
// one. So no time of that length has more orders than its own executions allow; an order counts up
// to a step longer, an execution up to one shorter.

static void most_make(struct owner_day *day, const struct limit_owner *l)
{
    const uint64_t fills = day->fills - ratio_fills(day);
    day->ratio_most = ratio_orders(day) + (fills + 1) * l->ratio;
}

COLD void ratio_turn(struct owner_day *day, const struct limit_owner *l, uint64_t now)
{
    const uint64_t length = l->ratio_step ? l->ratio_step : 1; // 0: a row that takes nothing
    const uint64_t step = length * RATIO_UNIT, at = now / step;
    const bool anew = day->ratio_until == 0 || day->ratio_step != l->ratio_step;
    const uint64_t since = at - day->ratio_at, steps = 2 * RATIO_STEPS;
    // What passed without an order or an execution began with what counts now.
    const uint64_t begun = anew || since > RATIO_STEPS ? RATIO_STEPS + 1 : since;
    for (uint64_t i = 0; i < begun; i++)
        day->ratio_marks[(at - i) % steps] = (struct ratio_mark){day->orders, day->fills};
    day->ratio_step = l->ratio_step;
    day->ratio_at = at;
    day->ratio_until = (at + 1) * step;
    most_make(day, l);
}

static void fill_of(struct owner_day *day, const struct limit_owner *l, uint64_t now)
{
    if (l->ratio != UINT16_MAX && now >= day->ratio_until)
        ratio_turn(day, l, now);
    day->fills++;
    most_make(day, l);
}

void ratio_fill(struct risk *r, const struct exposure_owner *w, uint64_t now)
{
    const struct limit_table *t = r->limits;
    fill_of(&r->day, &t->firm.owner, now);
    fill_of(&r->account_days[w->account], &t->accounts[w->account].owner, now);
    fill_of(&r->strategy_days[w->strategy], &t->strategies[w->strategy].owner, now);
    fill_of(&r->session_days[w->session], &t->sessions[w->session].owner, now);
}

static void limit_of(struct owner_day *day, const struct limit_owner *l)
{
    const uint32_t step = l->ratio == UINT16_MAX ? 0 : l->ratio_step;
    most_make(day, l);
    if (day->ratio_step == step)
        return;
    day->ratio_step = step;
    day->ratio_until = 0;
}

static void begin_of(struct owner_day *day, const struct limit_owner *l)
{
    (void)l;
    day->ratio_until = 0;
}

static void owners_do(struct risk *r, void (*each)(struct owner_day *, const struct limit_owner *))
{
    const struct limit_table *t = r->limits;
    each(&r->day, &t->firm.owner);
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        each(&r->account_days[i], &t->accounts[i].owner);
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++)
        each(&r->strategy_days[i], &t->strategies[i].owner);
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        each(&r->session_days[i], &t->sessions[i].owner);
}

void habits_begin(struct risk *r)
{
    owners_do(r, begin_of);
}

void habits_limits(struct risk *r)
{
    owners_do(r, limit_of);
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        r->prior_rings[i].free = r->prior_rings[i].last; // of a longer time more counts
}
