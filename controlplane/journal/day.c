#include "controlplane/journal/day.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "controlplane/journal/extract_ahead.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/hints.h"

enum {
    NAP_US = 100,
    NEW_INSTANCE_MS = 20000, // until its record stands in the journal
};

// --- refusals ---

bool day_refuse(struct day *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(d->why, sizeof d->why, fmt, ap);
    va_end(ap);
    d->refused = true;
    return false;
}

static const char *time_of(uint64_t utc_ns, char out[32])
{
    const time_t seconds = (time_t)(utc_ns / 1000000000u);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm);
    return out;
}

// --- instances ---

static bool instance_begin(struct day *d, const struct journal_instance *i)
{
    char when[32];
    uint64_t hash[2];
    if (i->epoch == d->instance.epoch)
        return true; // another control plane met it once more
    d->instance = *i;
    d->of_today = i->epoch >= d->config.from_ns && i->epoch < d->config.to_ns;
    if (!d->of_today) {
        d->skipped++;
        return true;
    }
    region_abi_hash(hash);
    if (memcmp(hash, i->abi_hash, sizeof hash) != 0)
        return day_refuse(d,
                          "the instance of %s UTC wrote another version of events; start with "
                          "trading.start: venue, or with the programs of that instance",
                          time_of(i->epoch, when));
    if (!i->restores)
        return day_refuse(d,
                          "the instance of %s UTC did not go on from the journal (trading.start: "
                          "venue): what it knew stands in no journal; start with trading.start: "
                          "venue until the day is over",
                          time_of(i->epoch, when));
    d->instances++;
    memset(d->sequences, 0, sizeof d->sequences);
    d->named = d->config.names == NULL || i->config_hash == d->config.config_hash;
    const struct event marker = {.type = EVENT_NONE, .input = i->epoch};
    return d->config.take(d->config.context, &marker);
}

// What follows is of an instance whose beginning is not there: of another day, or the day's own was
// taken away.
static bool instance_goes_on(struct day *d)
{
    struct journal_segment_header h;
    char when[32];
    if (d->instance.epoch || !journal_segment_header_of(&d->reader, d->first, &h))
        return true;
    d->instance = h.instance;
    if (h.instance.epoch < d->config.from_ns || h.instance.epoch >= d->config.to_ns)
        return true;
    return day_refuse(d,
                      "%s: what the instance of %s UTC did before segment %" PRIu64
                      " is not there any more (journal.keep_size, journal.keep_days); start with "
                      "trading.start: venue",
                      d->config.directory, time_of(h.instance.epoch, when), d->first);
}

// The name that is asked for; null: none.
static const char *name_now(const struct day *d, const struct journal_names *n, uint32_t index)
{
    const struct restore_names *r = d->config.names;
    switch (n->kind) {
    case JOURNAL_NAME_LANE: return index < r->shape.lanes ? r->lanes[index].name : NULL;
    case JOURNAL_NAME_ACCOUNT: return index < r->shape.accounts ? r->accounts[index].name : NULL;
    case JOURNAL_NAME_INSTRUMENT:
        return index < r->shape.instruments ? r->instruments[index].symbol : NULL;
    case JOURNAL_NAME_SESSION:
        for (uint32_t i = 0; i < r->shape.order_sessions; i++)
            if (r->sessions[i].lane == n->lane && r->sessions[i].index == index)
                return r->sessions[i].name;
        return NULL;
    case JOURNAL_NAME_STRATEGY:
        for (uint32_t i = 0; i < r->shape.strategies; i++)
            if (r->strategies[i].lane == n->lane && r->strategies[i].index == index)
                return r->strategies[i].name;
        return NULL;
    default: return NULL;
    }
}

// Another configuration may only have more names: numbers mean what they meant.
static bool names_check(struct day *d, const struct journal_names *n, uint32_t len)
{
    static const char *const kinds[] = {[JOURNAL_NAME_LANE] = "lane",
                                        [JOURNAL_NAME_ACCOUNT] = "account",
                                        [JOURNAL_NAME_INSTRUMENT] = "symbol",
                                        [JOURNAL_NAME_SESSION] = "session",
                                        [JOURNAL_NAME_STRATEGY] = "strategy or client"};
    if (len < sizeof *n || len < sizeof *n + (uint64_t)n->count * NAME_LEN ||
        n->kind >= ARRAY_LEN(kinds) || kinds[n->kind] == NULL)
        return true;
    for (uint32_t i = 0; i < n->count; i++) {
        const char *now = name_now(d, n, n->first + i);
        if (now == NULL || strncmp(now, n->names[i], NAME_LEN) != 0)
            return day_refuse(d,
                              "the configuration has changed: %s %u was %.31s and is %.31s; bring "
                              "the order of names back, or start with trading.start: venue",
                              kinds[n->kind], n->first + i, n->names[i], now ? now : "not there");
    }
    return true;
}

// --- what is not an event, from either ---

static bool payload_take(struct day *d, uint8_t type, const void *payload, uint32_t len)
{
    struct journal_instance instance;
    if (type == JOURNAL_INSTANCE && len >= sizeof instance) {
        memcpy(&instance, payload, sizeof instance);
        d->done = instance.epoch == d->config.epoch;
        return d->done || instance_begin(d, &instance);
    }
    if (type != JOURNAL_NAMES)
        return true;
    return instance_goes_on(d) && (!d->of_today || d->named || names_check(d, payload, len));
}

static bool missing(struct day *d, uint64_t first, uint64_t last, uint32_t source,
                    const char *where, uint64_t at)
{
    char when[32];
    return day_refuse(d,
                      "events %" PRIu64 " to %" PRIu64 " of lane %u of the instance of %s UTC "
                      "are not in the journal (%s %" PRIu64 "); start with trading.start: "
                      "venue",
                      first, last, source < LANES_MAX ? source : LANE_MAIN,
                      time_of(d->instance.epoch, when), where, at);
}

// --- extracts ---

static bool run_take(struct day *d, const struct extract *e)
{
    for (uint32_t s = 0; s < JOURNAL_SOURCES && d->of_today; s++) {
        const uint64_t first = e->run.first[s];
        if (first == 0)
            continue;
        if (first != d->sequences[s] + 1)
            return missing(d, d->sequences[s] + 1, first - 1, s, "segment", e->header.segment);
        d->sequences[s] = e->run.last[s];
    }
    return true;
}

static bool extract_work(struct day *d, struct extract *e)
{
    for (bool ok = true; ok && !d->done;)
        switch (extract_next(e)) {
        case EXTRACT_EVENT:
            ok = (d->instance.epoch || instance_goes_on(d)) &&
                 (!d->of_today || d->config.take(d->config.context, e->event));
            break;
        case EXTRACT_RECORD: ok = payload_take(d, e->record_type, e->record, e->record_len); break;
        case EXTRACT_RUN: ok = run_take(d, e); break;
        case EXTRACT_OVER: return true;
        case EXTRACT_BAD:
            return day_refuse(d,
                              "%s: the extract of segment %" PRIu64 " makes no sense; remove "
                              "its file",
                              d->config.directory, e->header.segment);
        }
    return d->done;
}

void day_given_add(struct day_given *given, const uint8_t hash[JOURNAL_HASH_LEN])
{
    given->count++;
    given->sum = restore_sum(given->sum, hash, JOURNAL_HASH_LEN);
}

// As far as one fits behind the other. <at>: the segment that has to be read by itself then.
static bool extracts_work(struct day *d, struct extract_ahead *ahead, uint32_t *at)
{
    const uint32_t segments = d->reader.segment_count;
    struct extract *e;
    const char *why = "";
    d->used = calloc(segments + 1, sizeof *d->used);
    while (d->used && !d->done && (e = extract_ahead_take(ahead, &why)) != NULL) {
        if (!extract_work(d, e))
            return false;
        d->used[d->used_count].segment = e->header.segment;
        memcpy(d->used[d->used_count++].hash, e->header.hash, JOURNAL_HASH_LEN);
        day_given_add(&d->given, e->header.hash);
        d->last = e->header.next_record - 1;
        d->doubts = true;
        d->doubtful = e->header.next_record; // the first behind it says the last hash
        ++*at;
    }
    if (!d->done && *why) // the last one that was taken fitted
        snprintf(d->passed, sizeof d->passed, "%s/%016" PRIu64 EXTRACT_SUFFIX ": %s",
                 d->config.directory, d->reader.segments[*at], why);
    return true;
}

static bool extracts_read(struct day *d)
{
    struct extract_ahead ahead;
    uint32_t at = d->reader.at_segment;
    bool ok = true;
    if (!d->config.verify && extract_ahead_start(&ahead, &d->reader, at)) {
        ok = extracts_work(d, &ahead, &at);
        extract_ahead_stop(&ahead);
    }
    d->reader.at_segment = at;
    return ok;
}

// --- segments ---

static bool event_take(struct day *d, const struct journal_record *r)
{
    const struct event *event = (const void *)(r + 1); // records begin at multiples of 8
    char when[32];
    if (r->ring != EVENT_RING_TRADING || r->len < sizeof *r + sizeof *event)
        return true;
    if (!instance_goes_on(d))
        return false;
    if (!d->of_today)
        return true;
    const uint32_t source = event->lane < LANES_MAX ? event->lane : LANES_MAX;
    uint64_t *last = &d->sequences[source];
    if (event->sequence != *last + 1)
        return missing(d, *last + 1, event->sequence - 1, source, "record", r->number);
    *last = event->sequence;
    if (event->type == EVENT_OVERRUN)
        return day_refuse(d,
                          "%" PRIu64 " events of lane %u of the instance of %s UTC found the event "
                          "ring full and are lost (record %" PRIu64 "); start with trading.start: "
                          "venue",
                          event->overrun.lost, event->lane, time_of(d->instance.epoch, when),
                          r->number);
    return !extract_wants(event) || d->config.take(d->config.context, event);
}

// The newest segment that begins before the day does, by what its header says of the instance.
static uint64_t segment_first(const struct day *d)
{
    const struct journal_reader *reader = &d->reader;
    uint64_t first = reader->segment_count ? reader->segments[0] : 0;
    for (uint32_t i = 0; i < reader->segment_count; i++) {
        struct journal_segment_header h;
        if (!journal_segment_header_of(reader, reader->segments[i], &h) || // the reader says why
            h.instance.epoch >= d->config.from_ns)
            break;
        first = reader->segments[i];
    }
    return first;
}

// Bytes of the segments that are read by themselves.
static uint64_t rest_bytes(const struct day *d)
{
    uint64_t bytes = 0;
    for (uint32_t i = d->reader.at_segment; i < d->reader.segment_count; i++) {
        char path[JOURNAL_PATH_MAX];
        struct stat status;
        if (journal_segment_path(d->config.directory, d->reader.segments[i], path) &&
            stat(path, &status) == 0)
            bytes += (uint64_t)status.st_size;
    }
    return bytes;
}

static bool reader_begin(struct day *d)
{
    struct error err = {0};
    journal_reader_close(&d->reader);
    d->open = journal_reader_open(&d->reader, d->config.directory, 0, &err);
    if (!d->open)
        return true; // it may be there later
    d->first = segment_first(d);
    journal_reader_from(&d->reader, d->first);
    if (!extracts_read(d))
        return false;
    d->hashed = d->config.verify || rest_bytes(d) <= DAY_HASHED_MAX;
    if (!d->hashed)
        journal_reader_unhashed(&d->reader);
    journal_reader_ahead(&d->reader, d->config.direct);
    return true;
}

const char *day_damage(const struct journal_reader *r, char text[256])
{
    text[0] = 0;
    for (uint32_t i = 0; i < r->finding_count && text[0] == 0; i++)
        if (!r->findings[i].torn)
            journal_finding_text(&r->findings[i], text, 256);
    return text;
}

// The next record, or null for now. False: refused.
static bool record_next(struct day *d, const struct journal_record **r)
{
    struct error err = {0};
    char text[256];
    *r = NULL;
    if (!d->open && !reader_begin(d))
        return false;
    if (!d->open || d->done)
        return true;
    journal_reader_follow(&d->reader, atomic_load(d->config.committed));
    *r = journal_reader_next(&d->reader, &err);
    if (d->reader.damaged)
        return day_refuse(d,
                          "%s: %s; look with `tickgate journal verify`, or start with "
                          "trading.start: venue and another directory",
                          d->config.directory, day_damage(&d->reader, text));
    return err.code == EXIT_OK || day_refuse(d, "%.300s", err.text);
}

static bool nothing_came(struct day *d, uint64_t *idle_since)
{
    const uint64_t now = clock_mono_ns();
    if (d->config.idle(d->config.context) || atomic_load(d->config.stop))
        return false;
    *idle_since = *idle_since ? *idle_since : now;
    if (now - *idle_since > NEW_INSTANCE_MS * UINT64_C(1000000))
        return day_refuse(d,
                          "%s: the new instance has not come into the journal for %u s; see "
                          "the log of tickgate-controlplane",
                          d->config.directory, NEW_INSTANCE_MS / 1000);
    usleep(NAP_US);
    return true;
}

// Reading takes what it takes; what is waited for is the next record.
bool day_read(struct day *d, const struct day_config *config)
{
    uint64_t idle_since = 0;
    *d = (struct day){.config = *config, .reader = {.fd = -1}};
    while (!d->done) {
        const struct journal_record *r;
        if (!record_next(d, &r))
            return false;
        if (r == NULL) {
            if (!d->done && !nothing_came(d, &idle_since))
                return false;
            continue;
        }
        idle_since = 0;
        d->last = r->number;
        if (!d->hashed) {
            d->doubts = true;
            d->doubtful = d->last;
        }
        if (!(r->type == JOURNAL_EVENT
                  ? event_take(d, r)
                  : payload_take(d, r->type, r + 1, r->len - (uint32_t)sizeof *r)))
            return false;
    }
    return true;
}

// Extracts that fit, from the first segment of the day on, one behind the other.
static bool used_find(struct day *d)
{
    const struct journal_reader *r = &d->reader;
    struct extract e = {0};
    uint32_t at = 0;
    d->used = calloc(r->segment_count + 1, sizeof *d->used);
    while (at < r->segment_count && r->segments[at] < d->first)
        at++;
    for (bool fits = d->used != NULL; fits && at + 1 < r->segment_count; at++) {
        struct journal_segment_header h, next;
        const char *why = "";
        fits = journal_segment_header_of(r, r->segments[at], &h) &&
               journal_segment_header_of(r, r->segments[at + 1], &next) &&
               extract_load(&e, r->directory, &h, &next, &why);
        if (!fits)
            break;
        d->used[d->used_count].segment = r->segments[at];
        memcpy(d->used[d->used_count++].hash, e.header.hash, JOURNAL_HASH_LEN);
    }
    extract_free(&e);
    return d->used != NULL;
}

bool day_resume(struct day *d, const struct day_config *config, const struct restore_seen *seen,
                uint64_t known)
{
    struct error err = {0};
    *d = (struct day){.config = *config, .reader = {.fd = -1}};
    d->last = d->doubtful = known;
    d->doubts = seen->verdict != RESTORE_HASHED;
    if (d->doubts && known == 0)
        return day_refuse(d, "nothing is there of what the dataplane went on from; bring the "
                             "journal back and start this control plane again");
    d->open = journal_reader_open(&d->reader, config->directory, 0, &err);
    if (!d->open)
        return day_refuse(d, "%.300s", err.text);
    d->first = segment_first(d);
    if (!used_find(d))
        return day_refuse(d, "no memory for the segments of the journal");
    if (d->doubts)
        d->given = (struct day_given){seen->extracts, seen->extracts_sum};
    if (!d->doubts && d->used_count) {
        d->first = d->used[d->used_count - 1].segment;
        d->used[0] = d->used[d->used_count - 1];
        d->used_count = 1;
    }
    return true;
}

void day_free(struct day *d)
{
    if (d->open)
        journal_reader_close(&d->reader);
    d->open = false;
    free(d->used);
    d->used = NULL;
}
