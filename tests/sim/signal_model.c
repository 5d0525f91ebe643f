#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "tests/sim/signal_model.h"

enum { NS_PER_MS = 1000000 };

void model_open(struct signal_model *m, const struct signal_rules *rules)
{
    static const uint16_t first[MODEL_SOURCES] = {0, 0, 2};
    memset(m, 0, sizeof *m);
    for (uint32_t i = 0; i < MODEL_SOURCES; i++) {
        m->sources[i].rules = rules;
        m->sources[i].first = first[i];
        m->heard[i] = SIGNAL_NOBODY;
    }
}

static uint16_t who_is_heard(const struct signal_model *m, uint16_t first)
{
    for (uint16_t i = 0; i < MODEL_SOURCES; i++)
        if (m->sources[i].first == first && m->sources[i].state == SIGNAL_STATE_GOOD)
            return i;
    return SIGNAL_NOBODY;
}

static void fallbacks_count(struct signal_model *m)
{
    for (uint16_t i = 0; i < MODEL_SOURCES; i++) {
        const uint16_t now = who_is_heard(m, i);
        m->fallbacks += now != m->heard[i];
        m->heard[i] = now;
    }
}

// Faults count from the first of them for a while; then the next one is the first.
static void fault(struct model_source *s, uint64_t times, uint64_t now)
{
    if (s->state == SIGNAL_STATE_OPEN)
        return;
    if (s->fault_count > s->faults_from && now >= s->fault_at[s->faults_from] + s->rules->faults_ns)
        s->faults_from = s->fault_count;
    for (uint64_t i = 0; i < times && i < s->rules->faults; i++) {
        assert_true(s->fault_count < MODEL_FAULTS);
        s->fault_at[s->fault_count++] = now;
    }
    if (s->fault_count - s->faults_from >= s->rules->faults) {
        s->state = SIGNAL_STATE_OPEN;
        s->opened_at = now;
        s->opened++;
    }
}

// A bucket that runs out by one message each <rate_ns>, and holds <burst_ns> of them.
static bool in_rate(struct model_source *s, uint64_t now)
{
    const uint64_t gone = now - s->full_at;
    const uint64_t full = s->full_ns > gone ? s->full_ns - gone : 0;
    if (full > s->rules->burst_ns)
        return false;
    s->full_ns = full + s->rules->rate_ns;
    s->full_at = now;
    return true;
}

static enum signal_verdict numbered(struct model_source *s, uint64_t run,
                                    const struct signal_record *r, uint64_t now)
{
    const bool anew = !s->any || run > s->run;
    if (!anew && (run < s->run || r->number < s->number))
        return SIGNAL_BACK;
    if (!anew && r->number == s->number)
        return SIGNAL_DUPLICATE;
    if (!anew && r->number > s->number + 1) {
        s->missing += r->number - s->number - 1;
        fault(s, r->number - s->number - 1, now);
    }
    s->any = true;
    s->run = run;
    s->number = r->number;
    return SIGNAL_TAKEN;
}

static enum signal_verdict timed(struct model_source *s, const struct signal_record *r,
                                 uint64_t utc_ns)
{
    if (r->as_of_ns > utc_ns + s->rules->ahead_ns)
        return SIGNAL_FUTURE;
    if (r->as_of_ns < s->as_of_ns)
        return SIGNAL_BACK;
    s->as_of_ns = r->as_of_ns;
    return r->ttl_ms && r->as_of_ns + (uint64_t)r->ttl_ms * NS_PER_MS <= utc_ns ? SIGNAL_LATE
                                                                                : SIGNAL_TAKEN;
}

static enum signal_verdict judged(struct model_source *s, uint64_t run,
                                  const struct signal_record *r, bool sound, bool traded,
                                  uint64_t now, uint64_t utc_ns)
{
    const bool slow = in_rate(s, now);
    if (!sound || r->number == 0 || r->confidence > 10000)
        return SIGNAL_FORMAT;
    enum signal_verdict verdict = numbered(s, run, r, now);
    if (verdict == SIGNAL_TAKEN)
        verdict = timed(s, r, utc_ns);
    if (s->state == SIGNAL_STATE_OPEN)
        return SIGNAL_BREAKER;
    if (verdict != SIGNAL_TAKEN)
        return verdict;
    return !slow                                  ? SIGNAL_RATE
           : !traded                              ? SIGNAL_SYMBOL
           : r->confidence < s->rules->confidence ? SIGNAL_CONFIDENCE
                                                  : SIGNAL_TAKEN;
}

enum signal_verdict model_record(struct signal_model *m, uint32_t source, uint64_t run,
                                 const struct signal_record *r, bool sound, bool traded,
                                 uint64_t now, uint64_t utc_ns, bool *told)
{
    struct model_source *s = &m->sources[source];
    const enum signal_verdict verdict = judged(s, run, r, sound, traded, now, utc_ns);
    s->verdicts[verdict]++;
    *told = false;
    if (verdict == SIGNAL_TAKEN) {
        s->state = SIGNAL_STATE_GOOD;
        s->heard_at = now;
        *told = who_is_heard(m, s->first) == source;
    } else if (verdict < SIGNAL_SYMBOL) {
        fault(s, 1, now);
    }
    fallbacks_count(m);
    return verdict;
}

void model_garbage(struct signal_model *m, uint32_t source, uint64_t now)
{
    m->sources[source].verdicts[SIGNAL_FORMAT]++;
    fault(&m->sources[source], 1, now);
    fallbacks_count(m);
}

void model_turn(struct signal_model *m, uint64_t now)
{
    for (uint32_t i = 0; i < MODEL_SOURCES; i++) {
        struct model_source *s = &m->sources[i];
        if (s->state == SIGNAL_STATE_OPEN && now >= s->opened_at + s->rules->rest_ns) {
            s->state = SIGNAL_STATE_WAITING;
            s->fault_count = s->faults_from = 0;
        } else if (s->state == SIGNAL_STATE_GOOD && now >= s->heard_at + s->rules->silence_ns) {
            s->state = SIGNAL_STATE_SILENT;
            s->silences++;
        }
    }
    fallbacks_count(m);
}
