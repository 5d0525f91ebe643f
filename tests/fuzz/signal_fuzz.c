// Signals over UDP, from any bytes to the policy of their sources: nothing is read outside of a
// datagram, what is taken keeps the policy, and at any time at most one source of a role is heard.
#include <stdlib.h>
#include <string.h>

#include "dataplane/strategy/source.h"
#include "dataplane/wire/signal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SOURCES = 4, MS = 1000000 };

static struct signal_table t;
static uint64_t now, taken[SOURCES], as_of[SOURCES], run_of[SOURCES];

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void table_check(void)
{
    uint32_t heard = 0;
    for (uint32_t i = 0; i < SOURCES; i++) {
        const struct signal_source *s = &t.sources[i];
        check(s->state < SIGNAL_STATES && s->count.state == s->state);
        check(s->policy.faults == 0 || s->fault_count <= s->policy.faults);
        check(s->policy.faults != 0 || s->state != SIGNAL_STATE_OPEN);
        check(s->state == SIGNAL_STATE_OPEN || s->policy.faults == 0 ||
              s->fault_count < s->policy.faults || s->state == SIGNAL_STATE_STOPPED);
        heard += s->first == 0 && s->count.heard;
        // Nobody is passed over: who goes before the one that is heard is not good.
        if (s->first == 0 && s->state == SIGNAL_STATE_GOOD)
            check(t.heard[0] <= i);
    }
    check(heard == (t.heard[0] != SIGNAL_NOBODY));
}

static void record_offer(const struct signal_record *r, uint64_t run, bool sound)
{
    const uint32_t source = r->source % SOURCES;
    const struct signal_facts f = {.run = run,
                                   .number = r->number,
                                   .as_of_ns = r->as_of_ns,
                                   .ttl_ms = r->ttl_ms,
                                   .confidence = r->confidence,
                                   .sound = sound,
                                   .symbol = r->symbol[0] != 'X'};
    const uint64_t utc = now * MS;
    const uint8_t was = t.sources[source].state;
    if (signal_judge(&t, source, &f, now, utc) == SIGNAL_TAKEN) {
        check(sound && f.symbol && f.number > 0 && was < SIGNAL_STATE_OPEN);
        check(f.confidence >= 100 && f.confidence <= SIGNAL_CONFIDENCE_MAX);
        check(f.as_of_ns <= utc + MS && f.as_of_ns >= as_of[source]);
        check(f.ttl_ms == 0 || f.as_of_ns + f.ttl_ms * MS > utc);
        check(run > run_of[source] || (run == run_of[source] && f.number > taken[source]));
        taken[source] = f.number;
        as_of[source] = f.as_of_ns;
        run_of[source] = run;
        check(signal_keep(&t, source, now) == (t.heard[t.sources[source].first] == source));
    }
    signal_choose(&t, t.sources[source].first);
}

// A time, what a person does, and a datagram behind a length.
static size_t step(const uint8_t *p, size_t len)
{
    struct signal_header h;
    struct signal_record r;
    if (len < 4)
        return 0;
    now += p[0] * 16u;
    if (p[1] < 8)
        (void)(p[1] & 4 ? signal_stop(&t, p[1] % SOURCES) : signal_resume(&t, p[1] % SOURCES));
    const uint32_t want = le16_load(p + 2);
    const uint32_t have = want < len - 4 ? want : (uint32_t)(len - 4);
    uint8_t *datagram = malloc(have ? have : 1); // its very bytes, for the sanitizer
    check(datagram != NULL);
    memcpy(datagram, p + 4, have);
    if (now >= t.deadline)
        signals_due(&t, now);
    check(t.deadline > now);
    for (uint16_t i = 0; i < SOURCES; i++)
        signal_choose(&t, t.sources[i].first);
    if (signal_parse(datagram, have, &h)) {
        check(h.records >= 1 && h.records <= SIGNAL_RECORDS_MAX);
        for (uint32_t i = 0; i < h.records; i++) {
            const bool sound = signal_read(datagram, i, &r);
            // Times near the present, so that there is something to judge.
            if (r.as_of_ns >> 32 == 0)
                r.as_of_ns = now * MS + (r.as_of_ns & 0xffffff) - 0x7fffff;
            record_offer(&r, h.run, sound);
            uint8_t again[2][SIGNAL_HEADER_LEN + SIGNAL_RECORD_LEN] = {{0}};
            struct signal_record same;
            signal_record_write(again[0], 0, &r);
            check(signal_read(again[0], 0, &same));
            signal_record_write(again[1], 0, &same);
            check(memcmp(again[0], again[1], sizeof again[0]) == 0);
        }
    } else {
        signal_refused(&t, 0, SIGNAL_FORMAT, now);
        signal_choose(&t, 0);
    }
    free(datagram);
    table_check();
    return 4 + have;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct signal_policy policy = {.rate_ticks = 10,
                                   .burst_ticks = 40,
                                   .faults_ticks = 1000,
                                   .rest_ticks = 500,
                                   .silence_ticks = 2000,
                                   .second_ticks = 1000,
                                   .ahead_ns = MS,
                                   .faults = 4,
                                   .confidence = 100};
    signals_init(&t, SOURCES);
    now = 1u << 20;
    memset(taken, 0, sizeof taken);
    memset(as_of, 0, sizeof as_of);
    memset(run_of, 0, sizeof run_of);
    for (uint16_t i = 0; i < SOURCES; i++) {
        policy.faults = i == 2 ? 0 : 4;
        policy.rest_ticks = i == 1 ? UINT64_MAX : 500;
        signal_add(&t, i, i == 3 ? 3 : 0, &policy);
    }
    for (size_t at = 0, n; at < size && (n = step(data + at, size - at)) > 0; at += n)
        ;
    return 0;
}
