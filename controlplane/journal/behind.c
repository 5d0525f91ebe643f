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
    NAPS = 20, // between two looks for more
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
    enum restore_verdict verdict;
    bool ends;
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
    judge(b, RESTORE_BAD);
    b->ends = true;
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
static void segment_end(struct behind *b)
{
    struct error err = {0};
    char text[96];
    struct journal_segment_header next;
    const struct day_used *used = used_of(b, b->segment);
    if (!journal_segment_header_of(&b->reader, b->segment + 1, &next) ||
        !extract_end(&b->maker, &next)) {
        if (used) {
            snprintf(text, sizeof text, "segment %" PRIu64 " is not what its extract says",
                     b->segment);
            doubt(b, text);
        }
        return;
    }
    if (used && memcmp(used->hash, b->maker.header.hash, sizeof used->hash) == 0)
        return;
    if (used) {
        snprintf(text, sizeof text, "the extract of segment %" PRIu64 " says another thing than it",
                 b->segment);
        doubt(b, text);
    }
    // Also over one that misled: the next start reads what the journal says.
    if (extract_write(&b->maker, b->reader.directory, &err)) {
        b->written++;
        return;
    }
    log_warn(LOG_EXTRACT, LOG_FIELDS(LOG_NUMBER("segment", b->segment)),
             "%s; the next start reads the segment itself", err.text);
}

// The reader is in a segment: those before it are whole, also those without a record.
static void segment_look(struct behind *b)
{
    struct journal_segment_header h;
    const uint64_t now = b->reader.header.segment;
    if (b->segment == 0)
        extract_begin(&b->maker, &b->reader.header);
    else if (b->segment == now)
        return;
    while (b->segment && b->segment != now && !b->ends) {
        segment_end(b);
        if (!journal_segment_header_of(&b->reader, ++b->segment, &h))
            h = b->reader.header;
        b->segment = h.segment;
        extract_begin(&b->maker, &h);
    }
    b->segment = now;
}

static uint64_t us_since(uint64_t begun_ns)
{
    return (clock_mono_ns() - begun_ns) / 1000;
}

static bool stopped(const struct behind *b)
{
    return atomic_load_explicit(b->day->config.stop, memory_order_relaxed);
}

static void nap(struct behind *b)
{
    for (uint32_t i = 0; i < NAPS && !stopped(b); i++)
        usleep(NAP_US);
}

// The next record, or null for now. While orders wait, what cannot be read is as bad as damage.
static const struct journal_record *record_next(struct behind *b)
{
    struct error err = {0};
    char text[256];
    journal_reader_follow(&b->reader, atomic_load(b->day->config.committed));
    const struct journal_record *r = journal_reader_next(&b->reader, &err);
    if (b->reader.damaged) {
        doubt(b, day_damage(&b->reader, text));
    } else if (err.code != EXIT_OK && b->verdict == RESTORE_UNVERIFIED) {
        doubt(b, err.text);
    } else if (err.code != EXIT_OK) {
        log_warn(LOG_EXTRACT, LOG_FIELDS(LOG_NUMBER("segment", b->segment)),
                 "%s; hashes are not looked at any more, nor extracts made", err.text);
        b->ends = true;
    }
    return b->ends ? NULL : r;
}

static bool reader_begin(struct behind *b)
{
    struct error err = {0};
    if (!journal_reader_open(&b->reader, b->day->config.directory, 0, &err)) {
        doubt(b, err.text);
        return false;
    }
    journal_reader_from(&b->reader, b->day->first);
    return true;
}

// Checksums, numbers and order of what the start did not read itself: that is what orders wait for.
static void sums_look(struct behind *b)
{
    const uint64_t last = b->day->doubtful;
    if (last && reader_begin(b)) {
        journal_reader_unhashed(&b->reader);
        journal_reader_ahead(&b->reader, b->day->config.direct);
        while (!stopped(b) && !b->ends && b->reader.number <= last)
            if (record_next(b) == NULL && !b->ends)
                nap(b);
    }
    if (stopped(b) || b->ends)
        return;
    if (b->verdict == RESTORE_UNVERIFIED)
        judge(b, RESTORE_SOUND);
    drain_verify(b->drain, false);
    log_info(LOG_RESTORE_SUMS,
             LOG_FIELDS(LOG_NUMBER("records", b->reader.records),
                        LOG_NUMBER("took_us", us_since(b->begun_ns))),
             "the day is what was written, orders are taken: checksums of %" PRIu64
             " records, %.3f s",
             b->reader.records, (double)us_since(b->begun_ns) / 1e6);
}

static void hashes_good(struct behind *b)
{
    judge(b, RESTORE_HASHED);
    log_info(LOG_RESTORE_HASHES,
             LOG_FIELDS(LOG_NUMBER("records", b->reader.records),
                        LOG_NUMBER("took_us", us_since(b->begun_ns)),
                        LOG_NUMBER("extracts", b->written)),
             "the hashes of %" PRIu64 " records are good, %u extracts are new; %.3f s",
             b->reader.records, b->written, (double)us_since(b->begun_ns) / 1e6);
}

static void hashes_look(struct behind *b)
{
    while (!stopped(b) && !b->ends) {
        const struct journal_record *r = record_next(b);
        if (r) {
            segment_look(b);
            extract_take(&b->maker, r);
        } else if (!b->ends) {
            if (b->verdict != RESTORE_HASHED && b->reader.number > b->day->last)
                hashes_good(b);
            nap(b);
        }
    }
}

void behind_work(const struct day *day, struct drain *drain, struct contact *contact,
                 enum restore_verdict verdict)
{
    struct behind b = {.day = day,
                       .drain = drain,
                       .contact = contact,
                       .begun_ns = clock_mono_ns(),
                       .verdict = verdict,
                       .reader = {.fd = -1}};
    sums_look(&b);
    journal_reader_close(&b.reader);
    setpriority(PRIO_PROCESS, 0, BEHIND_NICE); // of this thread: nobody waits for it any more
    if (!stopped(&b) && !b.ends && reader_begin(&b))
        hashes_look(&b);
    journal_reader_close(&b.reader);
    extract_maker_free(&b.maker);
}
