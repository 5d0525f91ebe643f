// Hot path, but rare. A signal is an input: it is recorded before anybody acts on it, and without
// its record nobody may.
#include "dataplane/lane/desk_signal.h"

#include <string.h>

#include "dataplane/lane/desk_decision.h"
#include "dataplane/lane/desk_strategy.h"
#include "dataplane/wire/signal.h"

_Static_assert((int)SIGNAL_VALUES == (int)STRATEGY_SIGNAL_VALUES &&
                   (int)SIGNAL_VALUES == (int)ARRAY_LEN(((struct tickgate_signal *)0)->value),
               "a signal has the same values everywhere");

enum { EVENTS_OF_A_SIGNAL = 3, NS_PER_MS = 1000000 };

// A signal on its way, whatever way it came.
struct desk_signal {
    struct strategy_signal told;
    uint64_t run;
    uint32_t ttl_ms;
    bool sound;
};

// --- time and symbols ---

static uint64_t utc_now(const struct desk_signals *s, uint64_t now)
{
    // Backwards, too: a test's clock may begin before the calibration.
    const bool back = now < s->clock.tsc_at;
    const uint64_t ticks = back ? s->clock.tsc_at - now : now - s->clock.tsc_at;
    const uint64_t ns = (uint64_t)((unsigned __int128)ticks * s->ns_per_tick >> 32);
    return s->clock.utc_ns_at + s->utc_moved + (back ? -ns : ns);
}

void desk_signals_clock(struct desk *d, uint64_t moved)
{
    if (d->signals)
        d->signals->utc_moved = moved;
}

uint16_t desk_signal_symbol(const struct desk *d, const char symbol[8])
{
    const struct desk_signals *s = d->signals;
    for (uint32_t at = desk_signal_place(s, symbol);; at++) { // half of the places are empty
        const uint16_t i = s->places[at & s->places_mask];
        if (i == INSTRUMENT_NONE || memcmp(d->instruments[i].symbol, symbol, 8) == 0)
            return i;
    }
}

// --- what is told of sources ---

// Of many that are refused one a second is told, with their number.
static COLD void refusal_tell(struct desk *d, uint32_t source, enum signal_verdict verdict,
                              const struct event_signal_refused *facts)
{
    struct desk_signals *s = d->signals;
    struct desk_signal_refusals *r = &s->refusals[source < SIGNALS_MAX ? source : SIGNALS_MAX];
    struct event event = {.type = EVENT_SIGNAL_REFUSED};
    const uint64_t now = d->lane->stamp;
    r->untold[verdict]++;
    if (r->told_at[verdict] && now - r->told_at[verdict] < s->clock.tsc_hz)
        return;
    event.signal_refused = *facts;
    event.signal_refused.count = r->untold[verdict];
    event.signal_refused.source = source < SIGNALS_MAX ? (uint16_t)source : SIGNAL_NOBODY;
    event.signal_refused.verdict = (uint8_t)verdict;
    if (!desk_publish(d, &event))
        return;
    r->told_at[verdict] = now ? now : 1;
    r->untold[verdict] = 0;
}

static COLD void state_tell(struct desk *d, uint32_t source, uint8_t was)
{
    const struct signal_source *s = &d->signals->table.sources[source];
    struct event event = {.type = EVENT_SIGNAL_STATE};
    event.signal_state.number = s->number;
    event.signal_state.faults = s->fault_count;
    event.signal_state.source = (uint16_t)source;
    event.signal_state.was = was;
    event.signal_state.now = s->state;
    event.signal_state.verdict = s->state == SIGNAL_STATE_OPEN ? s->fault : 0;
    desk_publish(d, &event);
}

static COLD void fallback_tell(struct desk *d, uint16_t first, uint16_t was, uint16_t now)
{
    struct event event = {.type = EVENT_SIGNAL_FALLBACK};
    event.signal_fallback.first = first;
    event.signal_fallback.was = was;
    event.signal_fallback.now = now;
    desk_publish(d, &event);
}

// A source's state may have changed since it was <was>, and with it who of its role is heard.
static void source_review(struct desk *d, uint32_t source, uint8_t was, uint16_t heard)
{
    struct signal_table *t = &d->signals->table;
    const struct signal_source *s = &t->sources[source];
    if (UNLIKELY(s->state != was))
        state_tell(d, source, was);
    const uint16_t now = signal_choose(t, s->first);
    if (UNLIKELY(now != heard))
        fallback_tell(d, s->first, heard, now);
}

// --- one signal ---

// Orders need records more: signals leave as much room again as they ask for. The reader's word is
// looked at before one is refused: as long as orders find room nobody else does, and where signals
// alone come nobody ever would.
static enum refusal record_room(struct desk *d)
{
    uint64_t free = credit(d);
    if (UNLIKELY(free / 2 < d->risk.event_credit_min))
        free = event_credit(&d->lane->trading);
    if (LIKELY(free / 2 >= d->risk.event_credit_min && free >= EVENTS_OF_A_SIGNAL))
        return REFUSAL_NONE;
    return d->risk.event_credit_min == RISK_NO_RECORD ? REFUSAL_JOURNAL : REFUSAL_EVENT_CREDIT;
}

static void record(struct desk *d, const struct desk_signal *s, bool heard)
{
    struct event event = {.type = EVENT_SIGNAL};
    struct event_signal *e = &event.signal;
    e->as_of_ns = s->told.as_of_ns;
    e->number = s->told.sequence;
    e->value_0 = s->told.value[0];
    e->value_1 = s->told.value[1];
    e->value_2 = s->told.value[2];
    e->value_3 = s->told.value[3];
    e->horizon_ms = s->told.horizon_ms;
    e->ttl_ms = s->ttl_ms;
    e->source = s->told.source;
    e->instrument = s->told.symbol;
    e->confidence = s->told.confidence;
    e->told = heard;
    desk_publish(d, &event);
}

// <utc_ns>: now; it is good for a while from its as-of on.
static void tell(struct desk *d, struct desk_signal *s, uint64_t utc_ns)
{
    if (d->strategies == NULL)
        return;
    const uint64_t ttl_ns = (uint64_t)s->ttl_ms * NS_PER_MS;
    s->told.until_ns =
        ttl_ns ? desk_strategies_now(d) + (s->told.as_of_ns + ttl_ns - utc_ns) : UINT64_MAX;
    s->told.first = d->signals->table.sources[s->told.source].first;
    desk_strategies_signal(d, &s->told);
}

// <arrived>: the lane's clock, once it was there. <*refusal>: why there is no record, where the
// policy has nothing against it.
static enum signal_verdict signal_take(struct desk *d, struct desk_signal *s, uint64_t arrived,
                                       enum refusal *refusal)
{
    struct signal_table *t = &d->signals->table;
    const uint32_t source = s->told.source;
    const uint8_t was = t->sources[source].state;
    const uint16_t heard = t->heard[t->sources[source].first];
    const uint64_t now = d->lane->stamp, utc_ns = utc_now(d->signals, arrived);
    const struct signal_facts facts = {.run = s->run,
                                       .number = s->told.sequence,
                                       .as_of_ns = s->told.as_of_ns,
                                       .ttl_ms = s->ttl_ms,
                                       .confidence = s->told.confidence,
                                       .sound = s->sound,
                                       .symbol = s->told.symbol < d->instrument_count};
    enum signal_verdict verdict = signal_judge(t, source, &facts, now, utc_ns);
    *refusal = REFUSAL_NONE;
    if (LIKELY(verdict == SIGNAL_TAKEN)) {
        *refusal = record_room(d);
        if (UNLIKELY(*refusal != REFUSAL_NONE)) {
            verdict = SIGNAL_RECORD;
            signal_refused(t, source, verdict, now);
        }
    }
    if (UNLIKELY(verdict != SIGNAL_TAKEN)) {
        const struct event_signal_refused e = {.as_of_ns = facts.as_of_ns, .number = facts.number};
        source_review(d, source, was, heard);
        if (verdict != SIGNAL_RECORD)
            refusal_tell(d, source, verdict, &e);
        return verdict;
    }
    const bool told = signal_keep(t, source, now);
    source_review(d, source, was, heard);
    record(d, s, told);
    if (told)
        tell(d, s, utc_ns);
    return SIGNAL_TAKEN;
}

// --- by the gateway ---

static uint32_t source_of_client(const struct desk *d, uint32_t client)
{
    for (uint32_t i = 0; d->signals && i < d->signals->table.count; i++) // at most SIGNALS_MAX
        if (d->signals->table.sources[i].own && d->signals->ways[i].client == client)
            return i;
    return SIGNAL_NOBODY;
}

enum refusal desk_signal_client(struct desk *d, uint32_t client, uint64_t run,
                                const struct tickgate_signal *s, enum signal_verdict *verdict)
{
    const struct lane *lane = d->lane;
    const uint32_t source = source_of_client(d, client);
    struct desk_signal taken = {.told = {.as_of_ns = s->as_of_ns,
                                         .sequence = s->sequence,
                                         .horizon_ms = s->horizon_ms,
                                         .symbol = s->symbol,
                                         .source = (uint16_t)source,
                                         .confidence = s->confidence},
                                .run = run,
                                .ttl_ms = s->ttl_ms,
                                .sound = true};
    enum refusal refusal;
    *verdict = SIGNAL_SENDER;
    if (UNLIKELY(source == SIGNAL_NOBODY)) {
        d->lane->count->signal_strangers++;
        return REFUSAL_SIGNAL;
    }
    memcpy(taken.told.value, s->value, sizeof taken.told.value);
    // It may have been made since the turn began, by whose time it would be of the future.
    *verdict = signal_take(d, &taken, lane->now(lane->clock), &refusal);
    if (LIKELY(*verdict == SIGNAL_TAKEN))
        return REFUSAL_NONE;
    return *verdict == SIGNAL_RECORD   ? refusal
           : *verdict == SIGNAL_SYMBOL ? REFUSAL_UNKNOWN_SYMBOL
                                       : REFUSAL_SIGNAL;
}

// --- by UDP ---

static bool goes_there(const struct desk_signals *s, uint32_t i, uint8_t port,
                       const struct frame_udp *f)
{
    const struct desk_signal_way *way = &s->ways[i];
    return s->table.sources[i].own && way->group == f->dst_ip && way->udp_port == f->dst_port &&
           way->group != 0 && way->port == port;
}

static bool comes_from(const struct desk_signal_way *way, const struct frame_udp *f)
{
    return way->sender == f->src_ip && (way->sender_port == 0 || way->sender_port == f->src_port);
}

static COLD void stranger_tell(struct desk *d, const struct frame_udp *f)
{
    const struct event_signal_refused e = {.sender = f->src_ip, .sender_port = f->src_port};
    d->lane->count->signal_strangers++;
    refusal_tell(d, SIGNAL_NOBODY, SIGNAL_SENDER, &e);
}

// Its length, version or count is wrong: whose it would have been nobody knows but its sender.
static COLD void datagram_refuse(struct desk *d, uint32_t source)
{
    static const struct event_signal_refused nothing;
    struct signal_table *t = &d->signals->table;
    const uint8_t was = t->sources[source].state;
    const uint16_t heard = t->heard[t->sources[source].first];
    signal_refused(t, source, SIGNAL_FORMAT, d->lane->stamp);
    source_review(d, source, was, heard);
    refusal_tell(d, source, SIGNAL_FORMAT, &nothing);
}

// <mask>: sources that may have sent it.
static void record_take(struct desk *d, uint32_t mask, const struct frame_udp *f, uint64_t run,
                        uint32_t at)
{
    struct signal_record r;
    struct desk_signal s = {.run = run, .sound = signal_read(f->payload, at, &r)};
    enum refusal refusal;
    uint32_t source = SIGNAL_NOBODY;
    for (uint32_t bits = mask; bits; bits &= bits - 1)
        if (d->signals->ways[__builtin_ctz(bits)].number == r.source)
            source = (uint32_t)__builtin_ctz(bits);
    if (UNLIKELY(source == SIGNAL_NOBODY)) {
        stranger_tell(d, f);
        return;
    }
    s.told.as_of_ns = r.as_of_ns;
    s.told.sequence = r.number;
    memcpy(s.told.value, r.value, sizeof s.told.value);
    s.told.horizon_ms = r.horizon_ms;
    s.told.symbol = desk_signal_symbol(d, r.symbol);
    s.told.source = (uint16_t)source;
    s.told.confidence = r.confidence;
    s.ttl_ms = r.ttl_ms;
    signal_take(d, &s, d->lane->stamp, &refusal);
}

bool desk_signal_frame(struct desk *d, uint8_t port, const struct frame_udp *f)
{
    const struct desk_signals *s = d->signals;
    struct signal_header header;
    uint32_t there = 0, from = 0;
    for (uint32_t i = 0; s && i < s->table.count; i++) { // at most SIGNALS_MAX
        const uint32_t bit = (uint32_t)goes_there(s, i, port, f) << i;
        there |= bit;
        from |= bit && comes_from(&s->ways[i], f) ? bit : 0;
    }
    if (!there)
        return false;
    d->lane->count->signal_frames++;
    if (UNLIKELY(!from)) {
        stranger_tell(d, f);
        return true;
    }
    if (UNLIKELY(!signal_parse(f->payload, f->payload_len, &header))) {
        datagram_refuse(d, (uint32_t)__builtin_ctz(from));
        return true;
    }
    for (uint32_t i = 0; i < header.records; i++)
        record_take(d, from, f, header.run, i);
    return true;
}

// --- time, people ---

uint32_t desk_signals_turn(struct desk *d, uint64_t now)
{
    struct signal_table *t = &d->signals->table;
    uint8_t was[SIGNALS_MAX] = {0};
    if (LIKELY(now < t->deadline))
        return 0;
    d->lane->input++;
    for (uint32_t i = 0; i < t->count; i++)
        was[i] = t->sources[i].state;
    if (signals_due(t, now) == 0)
        return 0;
    for (uint32_t i = 0; i < t->count; i++)
        if (t->sources[i].own)
            source_review(d, i, was[i], t->heard[t->sources[i].first]);
    return 1;
}

bool desk_signal_own(const struct desk *d, uint32_t source)
{
    return d->signals && source < d->signals->table.count && d->signals->table.sources[source].own;
}

bool desk_signal_can(const struct desk *d, uint32_t source, bool resume)
{
    const uint8_t state = d->signals->table.sources[source].state;
    return resume ? state >= SIGNAL_STATE_OPEN : state != SIGNAL_STATE_STOPPED;
}

void desk_signal_switch(struct desk *d, uint32_t source, bool resume)
{
    struct signal_table *t = &d->signals->table;
    const uint8_t was = t->sources[source].state;
    const uint16_t heard = t->heard[t->sources[source].first];
    if (resume)
        signal_resume(t, source);
    else
        signal_stop(t, source);
    source_review(d, source, was, heard);
}
