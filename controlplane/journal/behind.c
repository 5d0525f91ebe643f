#include "controlplane/journal/behind.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

enum {
    BEHIND_NICE = 19,
    NAP_US = 10000,
    NAPS = 20,        // between two looks for more
    AGAIN_NAPS = 100, // before what could not be read is looked at again, then twice as many ...
    AGAIN_NAPS_MAX = 6000,
    PROGRESS = 1 << 16, // records between two words of how far it is
};

struct behind {
    const struct day *day;
    struct drain *drain;
    struct contact *contact;
    struct journal_reader reader;
    struct extract_maker maker;
    uint64_t begun_ns;
    uint64_t segment; // that the maker is at
    uint32_t used_at; // of day->used
    uint32_t written; // extracts
    uint64_t first_record;
    struct day_given given; // what the segments so far say of day->given
    enum restore_verdict verdict;
    bool met;   // the record of the instance, below day->doubtful
    bool waits; // orders do
    bool told;  // the whole day was looked at
    bool ends;
    bool again; // from the beginning: something was refused while orders wait
};

// The next control plane finds it, whether or not this one lives.
static void judge(struct behind *b, enum restore_verdict verdict)
{
    b->verdict = verdict;
    if (b->contact)
        restore_judge(b->contact, verdict);
}

static void doubt(struct behind *b, const char *what)
{
    char why[384];
    snprintf(why, sizeof why, "%.100s: %.200s; look with `tickgate journal verify`",
             b->reader.directory, what);
    log_error(LOG_JOURNAL_DAMAGED, LOG_FIELDS(LOG_TEXT("directory", b->reader.directory)), "%s",
              why);
    drain_doubt(b->drain, why);
    b->ends = true;
}

// What no other control plane will find better.
static void damage(struct behind *b, const char *what)
{
    doubt(b, what);
    judge(b, RESTORE_BAD);
}

// Descriptors, memory, the disk. While orders wait nobody knows whether the day is good: it is
// looked at again, and so it is by the next control plane.
static void give_up(struct behind *b, const char *why)
{
    if (b->waits) {
        doubt(b, why);
        b->again = true;
        return;
    }
    log_warn(LOG_EXTRACT, LOG_FIELDS(LOG_NUMBER("segment", b->segment)),
             "%s; hashes are not looked at any more, nor extracts made", why);
    b->ends = true;
}

// False: it has none that is good, or the disk does not give it.
static bool header_of(const struct behind *b, uint64_t segment, struct journal_segment_header *h)
{
    if (b->reader.header.segment == segment) {
        *h = b->reader.header;
        return true;
    }
    return journal_segment_header_of(&b->reader, segment, h) && h->segment == segment;
}

// The one that the start has used; null: it read the segment itself.
static const struct day_used *used_of(struct behind *b, uint64_t segment)
{
    const struct day *d = b->day;
    while (b->used_at < d->used_count && d->used[b->used_at].segment < segment)
        b->used_at++;
    return b->used_at < d->used_count && d->used[b->used_at].segment == segment
               ? &d->used[b->used_at]
               : NULL;
}

// A segment is whole when the one behind it has begun.
static void segment_end(struct behind *b, const struct journal_segment_header *next)
{
    struct error err = {0};
    char text[96];
    const struct day_used *used = used_of(b, b->segment);
    const bool ended = extract_end(&b->maker, next);
    if (b->maker.exhausted && b->waits) {
        give_up(b, "no memory for an extract");
        return;
    }
    if (ended && b->given.count < b->day->given.count)
        day_given_add(&b->given, b->maker.header.hash);
    if (used && ended && memcmp(used->hash, b->maker.header.hash, sizeof used->hash) == 0)
        return;
    if (used && !b->maker.exhausted) {
        snprintf(text, sizeof text, "the extract of segment %" PRIu64 " says another thing than it",
                 b->segment);
        damage(b, text);
    }
    // Also over one that misled: the next start reads what the journal says.
    if (ended && extract_write(&b->maker, b->reader.directory, &err)) {
        b->written++;
        return;
    }
    if (ended)
        log_warn(LOG_EXTRACT, LOG_FIELDS(LOG_NUMBER("segment", b->segment)),
                 "%s; the next start reads the segment itself", err.text);
}

// The reader is in a segment: those before it are whole, also those without a record.
static void segment_look(struct behind *b)
{
    struct journal_segment_header h;
    const uint64_t now = b->reader.header.segment;
    if (b->segment == 0) {
        if (b->day->first == 0 || !header_of(b, b->day->first, &h))
            h = b->reader.header;
        b->segment = h.segment;
        extract_begin(&b->maker, &h);
    }
    while (b->segment < now && !b->ends) {
        if (!header_of(b, b->segment + 1, &h)) {
            give_up(b, "the header of a segment cannot be read");
            return;
        }
        segment_end(b, &h);
        b->segment = h.segment;
        extract_begin(&b->maker, &h);
    }
}

static uint64_t us_since(uint64_t begun_ns)
{
    return (clock_mono_ns() - begun_ns) / 1000;
}

static bool stopped(const struct behind *b)
{
    return atomic_load_explicit(b->day->config.stop, memory_order_relaxed);
}

static void nap(const atomic_bool *stop, uint32_t naps)
{
    for (uint32_t i = 0; i < naps && !atomic_load_explicit(stop, memory_order_relaxed); i++)
        usleep(NAP_US);
}

bool behind_again(struct drain *drain, const atomic_bool *stop, uint32_t *naps)
{
    const uint32_t next = *naps ? 2 * *naps : AGAIN_NAPS;
    *naps = next < AGAIN_NAPS_MAX ? next : AGAIN_NAPS_MAX;
    nap(stop, *naps);
    drain_doubt_lift(drain); // still being verified
    return !atomic_load_explicit(stop, memory_order_relaxed);
}

// The next record, or null for now.
static const struct journal_record *record_next(struct behind *b)
{
    struct error err = {0};
    char text[256];
    journal_reader_follow(&b->reader, atomic_load(b->day->config.committed));
    const struct journal_record *r = journal_reader_next(&b->reader, &err);
    if (b->reader.damaged)
        damage(b, day_damage(&b->reader, text));
    else if (err.code != EXIT_OK)
        give_up(b, err.text);
    return b->ends ? NULL : r;
}

static bool reader_begin(struct behind *b)
{
    struct error err = {0};
    if (!journal_reader_open(&b->reader, b->day->config.directory, 0, &err)) {
        give_up(b, err.text);
        return false;
    }
    journal_reader_from(&b->reader, b->day->first);
    if (b->waits) // else it would take the disk from those that commit
        journal_reader_ahead(&b->reader, b->day->config.direct);
    return true;
}

// Nobody waits for this thread any more.
static void orders_take(struct behind *b)
{
    const bool news = b->verdict != RESTORE_HASHED;
    b->waits = false;
    judge(b, RESTORE_HASHED);
    drain_verify(b->drain, false);
    setpriority(PRIO_PROCESS, 0, BEHIND_NICE); // of this thread
    if (!news)
        return;
    if (!b->day->doubts) {
        log_info(
            LOG_RESTORE_SUMS,
            LOG_FIELDS(LOG_NUMBER("records", b->day->reader.records), LOG_NUMBER("took_us", 0)),
            "the day is what was written, orders are taken: checked before READY");
        return;
    }
    log_info(LOG_RESTORE_SUMS,
             LOG_FIELDS(LOG_NUMBER("records", b->reader.records),
                        LOG_NUMBER("took_us", us_since(b->begun_ns))),
             "the day is what was written, orders are taken: checksums and hashes of %" PRIu64
             " records, %.3f s",
             b->reader.records, (double)us_since(b->begun_ns) / 1e6);
}

static void progress_tell(const struct behind *b)
{
    const struct drain_verified so_far = {.records = b->reader.records,
                                          .of = b->day->doubtful - b->first_record + 1,
                                          .us = us_since(b->begun_ns)};
    drain_verified(b->drain, &so_far);
}

static void whole_day_tell(struct behind *b)
{
    b->told = true;
    log_info(LOG_RESTORE_HASHES,
             LOG_FIELDS(LOG_NUMBER("records", b->reader.records),
                        LOG_NUMBER("took_us", us_since(b->begun_ns)),
                        LOG_NUMBER("extracts", b->written)),
             "the hashes of %" PRIu64 " records are good, %u extracts are new; %.3f s",
             b->reader.records, b->written, (double)us_since(b->begun_ns) / 1e6);
}

// All that was doubtful has been read. The record behind it says that its block's hash is what it
// was.
static void verdict_find(struct behind *b)
{
    const struct day_given *given = &b->day->given;
    if (!b->met)
        doubt(b, "this is not the journal that the dataplane went on from: its instance is not in "
                 "it; bring that back and start this control plane again");
    else if (b->given.count != given->count || b->given.sum != given->sum)
        damage(b, "the extracts that the dataplane went on from said another thing than segments");
    else
        orders_take(b);
}

static bool is_of_instance(const struct behind *b, const struct journal_record *r)
{
    struct journal_instance instance;
    if (r->type != JOURNAL_INSTANCE || r->len < sizeof *r + sizeof instance)
        return false;
    memcpy(&instance, r + 1, sizeof instance);
    return instance.epoch == b->day->config.epoch && r->number <= b->day->doubtful;
}

static void day_look(struct behind *b)
{
    while (!stopped(b) && !b->ends) {
        const struct journal_record *r = record_next(b);
        if (r) {
            segment_look(b);
            if (b->ends)
                return;
            extract_take(&b->maker, r);
            b->met = b->met || is_of_instance(b, r);
            if (b->first_record == 0)
                b->first_record = r->number;
            if (b->waits && (b->reader.records % PROGRESS == 0 || r->number >= b->day->doubtful))
                progress_tell(b);
            if (b->waits && r->number >= b->day->doubtful)
                verdict_find(b);
        } else if (!b->ends) {
            if (!b->told && b->reader.number > b->day->last)
                whole_day_tell(b);
            nap(b->day->config.stop, NAPS);
        }
    }
}

// From the beginning. False: for the last time.
static bool look(struct behind *b)
{
    if (!b->day->doubts)
        orders_take(b);
    if (reader_begin(b))
        day_look(b);
    journal_reader_close(&b->reader);
    extract_maker_free(&b->maker);
    return b->again;
}

void behind_work(const struct day *day, struct drain *drain, struct contact *contact,
                 enum restore_verdict verdict)
{
    const struct behind first = {.day = day,
                                 .drain = drain,
                                 .contact = contact,
                                 .begun_ns = clock_mono_ns(),
                                 .met = day->done, // who read the day has met it
                                 .waits = true,
                                 .verdict = verdict,
                                 .reader = {.fd = -1}};
    struct behind b = first;
    for (uint32_t naps = 0; look(&b) && behind_again(drain, day->config.stop, &naps);)
        b = first;
}
