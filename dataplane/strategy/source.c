#include "dataplane/strategy/source.h"

#include <stddef.h>
#include <string.h>

#include "dataplane/base/hints.h"

enum { NS_PER_MS = 1000000 };

// Counters of refusals stand in the order of the verdicts.
#define AT(name) offsetof(struct signal_counters, name) / sizeof(uint64_t)
#define SIGNAL_COUNTED(upper, lower) \
    _Static_assert(AT(refused_##lower) == AT(refused_format) + SIGNAL_##upper - SIGNAL_FORMAT, "")
SIGNAL_COUNTED(DUPLICATE, duplicate);
SIGNAL_COUNTED(BACK, back);
SIGNAL_COUNTED(FUTURE, future);
SIGNAL_COUNTED(LATE, late);
SIGNAL_COUNTED(RATE, rate);
SIGNAL_COUNTED(SYMBOL, symbol);
SIGNAL_COUNTED(CONFIDENCE, confidence);
SIGNAL_COUNTED(BREAKER, breaker);
SIGNAL_COUNTED(RECORD, record);

static const bool is_fault[SIGNAL_VERDICTS] = {
#define SIGNAL_ROW(upper, lower, fault, help) fault,
    SIGNAL_VERDICT_LIST(SIGNAL_ROW)
#undef SIGNAL_ROW
};

// UINT64_MAX where the sum is beyond it.
static uint64_t later(uint64_t now, uint64_t ticks)
{
    return ticks > UINT64_MAX - now ? UINT64_MAX : now + ticks;
}

static void deadline_lower(struct signal_table *t, uint64_t at)
{
    t->deadline = at < t->deadline ? at : t->deadline;
}

static void state_set(struct signal_source *s, enum signal_state state)
{
    s->state = (uint8_t)state;
    s->count.state = state;
}

// --- the circuit breaker ---

static void faults_clear(struct signal_source *s)
{
    s->fault_count = 0;
    s->count.faults = 0;
}

static COLD void breaker_open(struct signal_table *t, struct signal_source *s, uint64_t now)
{
    state_set(s, SIGNAL_STATE_OPEN);
    s->count.opened++;
    s->closes_at = later(now, s->policy.rest_ticks);
    deadline_lower(t, s->closes_at);
}

static COLD void faults_add(struct signal_table *t, struct signal_source *s, uint64_t faults,
                            enum signal_verdict verdict, uint64_t now)
{
    const uint32_t most = s->policy.faults;
    if (most == 0 || s->state >= SIGNAL_STATE_OPEN)
        return;
    if (s->fault_count == 0 || now - s->faults_from >= s->policy.faults_ticks) {
        s->fault_count = 0;
        s->faults_from = now;
    }
    const uint32_t room = most - s->fault_count;
    s->fault_count += faults < room ? (uint32_t)faults : room;
    s->count.faults = s->fault_count;
    s->fault = (uint8_t)verdict;
    if (s->fault_count >= most)
        breaker_open(t, s, now);
}

COLD void signal_refused(struct signal_table *t, uint32_t source, enum signal_verdict verdict,
                         uint64_t now)
{
    struct signal_source *s = &t->sources[source];
    uint64_t *counters = (uint64_t *)(void *)&s->count + AT(refused_format);
    if (verdict >= SIGNAL_FORMAT && verdict <= SIGNAL_RECORD)
        counters[verdict - SIGNAL_FORMAT]++;
    if (is_fault[verdict])
        faults_add(t, s, 1, verdict, now);
}

// --- judging ---

// Its number, and how many are missing before it. What came once is not taken again, whatever
// became of it.
static enum signal_verdict number_take(struct signal_table *t, struct signal_source *s,
                                       const struct signal_facts *f, uint64_t now)
{
    if (UNLIKELY(!s->known || f->run > s->run)) {
        s->known = true;
        s->run = f->run;
    } else if (UNLIKELY(f->run < s->run || f->number < s->number)) {
        return SIGNAL_BACK;
    } else if (UNLIKELY(f->number == s->number)) {
        return SIGNAL_DUPLICATE;
    } else if (UNLIKELY(f->number != s->number + 1)) {
        const uint64_t missing = f->number - s->number - 1;
        s->count.missing += missing;
        faults_add(t, s, missing, SIGNAL_TAKEN, now);
    }
    s->number = f->number;
    s->count.number = f->number;
    return SIGNAL_TAKEN;
}

static enum signal_verdict time_take(struct signal_source *s, const struct signal_facts *f,
                                     uint64_t utc_ns)
{
    if (UNLIKELY(f->as_of_ns > utc_ns && f->as_of_ns - utc_ns > s->policy.ahead_ns))
        return SIGNAL_FUTURE;
    if (UNLIKELY(f->as_of_ns < s->as_of_ns))
        return SIGNAL_BACK;
    s->as_of_ns = f->as_of_ns;
    const uint64_t age = utc_ns > f->as_of_ns ? utc_ns - f->as_of_ns : 0;
    return f->ttl_ms && UNLIKELY(age >= f->ttl_ms * NS_PER_MS) ? SIGNAL_LATE : SIGNAL_TAKEN;
}

// Also what is refused for something else counts for the rate: a flood is one whatever is in it.
static bool rate_take(struct signal_table *t, struct signal_source *s, uint64_t now)
{
    if (s->second_count++ == 0) {
        s->second_from = now;
        deadline_lower(t, later(now, s->policy.second_ticks));
    }
    const uint64_t at = s->rate_at > now ? s->rate_at : now;
    if (UNLIKELY(at - now > s->policy.burst_ticks))
        return false;
    s->rate_at = later(at, s->policy.rate_ticks);
    return true;
}

static enum signal_verdict judge(struct signal_table *t, struct signal_source *s,
                                 const struct signal_facts *f, uint64_t now, uint64_t utc_ns)
{
    const bool in_rate = rate_take(t, s, now);
    if (UNLIKELY(!f->sound || f->number == 0 || f->confidence > SIGNAL_CONFIDENCE_MAX))
        return SIGNAL_FORMAT;
    enum signal_verdict verdict = number_take(t, s, f, now);
    if (LIKELY(verdict == SIGNAL_TAKEN))
        verdict = time_take(s, f, utc_ns);
    if (UNLIKELY(s->state >= SIGNAL_STATE_OPEN))
        return SIGNAL_BREAKER; // numbers go on behind it, so that nothing is missing afterwards
    if (UNLIKELY(verdict != SIGNAL_TAKEN))
        return verdict;
    if (UNLIKELY(!in_rate))
        return SIGNAL_RATE;
    if (UNLIKELY(!f->symbol))
        return SIGNAL_SYMBOL;
    return UNLIKELY(f->confidence < s->policy.confidence) ? SIGNAL_CONFIDENCE : SIGNAL_TAKEN;
}

enum signal_verdict signal_judge(struct signal_table *t, uint32_t source,
                                 const struct signal_facts *facts, uint64_t now, uint64_t utc_ns)
{
    const enum signal_verdict verdict = judge(t, &t->sources[source], facts, now, utc_ns);
    if (UNLIKELY(verdict != SIGNAL_TAKEN))
        signal_refused(t, source, verdict, now);
    return verdict;
}

bool signal_keep(struct signal_table *t, uint32_t source, uint64_t now)
{
    struct signal_source *s = &t->sources[source];
    s->heard_at = now;
    s->count.last_taken = now;
    deadline_lower(t, later(now, s->policy.silence_ticks));
    if (UNLIKELY(s->state != SIGNAL_STATE_GOOD))
        state_set(s, SIGNAL_STATE_GOOD);
    const bool heard = signal_choose(t, s->first) == source;
    s->count.told += heard;
    s->count.stood_by += !heard;
    return heard;
}

// --- roles ---

uint16_t signal_choose(struct signal_table *t, uint16_t first)
{
    uint16_t chosen = SIGNAL_NOBODY;
    for (uint32_t i = first; i < t->count; i++) { // at most SIGNALS_MAX
        const struct signal_source *s = &t->sources[i];
        if (s->own && s->first == first && s->state == SIGNAL_STATE_GOOD) {
            chosen = (uint16_t)i;
            break;
        }
    }
    if (UNLIKELY(chosen != t->heard[first])) {
        if (t->heard[first] != SIGNAL_NOBODY)
            t->sources[t->heard[first]].count.heard = 0;
        if (chosen != SIGNAL_NOBODY)
            t->sources[chosen].count.heard = 1;
        t->heard[first] = chosen;
    }
    return chosen;
}

// --- time ---

static uint32_t source_due(struct signal_table *t, struct signal_source *s, uint64_t now)
{
    const uint8_t was = s->state;
    if (s->second_count || s->count.rate) {
        const uint64_t second = s->policy.second_ticks;
        if (now - s->second_from >= second) {
            // More than one second gone by: nothing came in the last whole one.
            s->count.rate = now - s->second_from < 2 * second ? s->second_count : 0;
            s->second_count = 0;
            s->second_from = now;
        }
        deadline_lower(t, later(s->second_from, second));
    }
    if (s->state == SIGNAL_STATE_OPEN && now >= s->closes_at) {
        state_set(s, SIGNAL_STATE_WAITING);
        faults_clear(s);
    } else if (s->state == SIGNAL_STATE_OPEN) {
        deadline_lower(t, s->closes_at);
    }
    if (s->state == SIGNAL_STATE_GOOD) {
        const uint64_t silent_at = later(s->heard_at, s->policy.silence_ticks);
        if (now >= silent_at && silent_at != UINT64_MAX) {
            state_set(s, SIGNAL_STATE_SILENT);
            s->count.silences++;
        } else {
            deadline_lower(t, silent_at);
        }
    }
    return s->state != was;
}

uint32_t signals_due(struct signal_table *t, uint64_t now)
{
    uint32_t changed = 0;
    t->deadline = UINT64_MAX;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->sources[i].own)
            changed += source_due(t, &t->sources[i], now);
    return changed;
}

// --- people ---

bool signal_stop(struct signal_table *t, uint32_t source)
{
    struct signal_source *s = &t->sources[source];
    if (s->state == SIGNAL_STATE_STOPPED)
        return false;
    state_set(s, SIGNAL_STATE_STOPPED);
    return true;
}

bool signal_resume(struct signal_table *t, uint32_t source)
{
    struct signal_source *s = &t->sources[source];
    if (s->state < SIGNAL_STATE_OPEN)
        return false;
    state_set(s, SIGNAL_STATE_WAITING);
    faults_clear(s);
    // Otherwise one number far ahead, or a run of a clock that was set back since, would shut it
    // out for good.
    s->known = false;
    s->as_of_ns = 0;
    return true;
}

// --- set-up ---

void signals_init(struct signal_table *t, uint32_t count)
{
    memset(t, 0, sizeof *t);
    t->count = count;
    t->deadline = UINT64_MAX;
    for (uint32_t i = 0; i < SIGNALS_MAX; i++)
        t->heard[i] = SIGNAL_NOBODY;
}

void signal_add(struct signal_table *t, uint32_t source, uint16_t first,
                const struct signal_policy *policy)
{
    struct signal_source *s = &t->sources[source];
    s->policy = *policy;
    s->first = first;
    s->own = true;
}
