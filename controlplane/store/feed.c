#include "controlplane/store/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/hints.h"

bool feed_identify(const char *directory, uint8_t journal[16], struct error *err)
{
    struct journal_reader reader;
    if (!journal_reader_open(&reader, directory, 0, err))
        return false;
    (void)journal_reader_next(&reader, err);
    memcpy(journal, reader.header.journal, 16);
    const bool there = reader.header.segment != 0;
    journal_reader_close(&reader);
    return there && err->code == EXIT_OK;
}

static bool instance_of(const struct journal_record *r, struct journal_instance *out)
{
    if (r->type != JOURNAL_INSTANCE || r->len < sizeof *r + sizeof *out)
        return false;
    memcpy(out, r + 1, sizeof *out);
    return true;
}

static const struct journal_record *next(struct feed *f, struct error *err)
{
    if (f->held == NULL)
        f->held = journal_reader_next(&f->reader, err);
    return f->held;
}

bool feed_open(struct feed *f, const char *directory, uint32_t journal, uint64_t segment,
               uint64_t last, uint64_t committed, struct error *err)
{
    const struct journal_record *r;
    feed_close(f);
    if (!journal_reader_open(&f->reader, directory, 0, err))
        return false;
    f->open = true;
    f->held = NULL;
    f->journal = journal;
    f->last = last;
    memset(&f->instance, 0, sizeof f->instance);
    sums_init(&f->sums);
    key_table_init(&f->names, NAME_LEN);
    journal_reader_from(&f->reader, segment);
    journal_reader_follow(&f->reader, committed);
    for (bool first = true; (r = next(f, err)) != NULL; first = false, f->held = NULL) {
        if (first)
            f->instance = f->reader.header.instance;
        if (r->number > last)
            break;
        (void)instance_of(r, &f->instance);
    }
    return err->code == EXIT_OK;
}

void feed_close(struct feed *f)
{
    if (!f->open)
        return;
    journal_reader_close(&f->reader);
    sums_free(&f->sums);
    key_table_free(&f->names);
    f->open = false;
}

void feed_begin(const struct feed *f, struct batch *b)
{
    batch_begin(b, f->last);
    b->rows.clock = f->instance.clock;
    b->rows.epoch = f->instance.epoch;
    b->rows.journal = f->journal;
}

static void hole_add(struct feed *f, struct batch *b, uint64_t to)
{
    const struct journal_reader *r = &f->reader;
    const uint64_t from = f->last + 1;
    const char *why = r->finding_count ? r->findings[r->finding_count - 1].what
                                       : "the journal does not have them any more";
    f->holes += to - from;
    sql_add(&b->before,
            "INSERT INTO tickgate.holes (journal, first, last, why) VALUES (%" PRIu32 ", %" PRIu64
            ", %" PRIu64 ", ",
            f->journal, from, to - 1);
    sql_add_quoted(&b->before, why, 200);
    sql_add(&b->before, ");");
}

void feed_instance_sql(const struct feed *f, struct sql_text *out)
{
    const struct journal_instance *i = &f->instance;
    sql_add(out, "INSERT INTO tickgate.instances VALUES (%" PRIu32 ", %" PRId64 ", %" PRIu64 ", ",
            f->journal, (int64_t)i->epoch, f->held ? f->held->number : f->last);
    sql_add_quoted(out, i->node, sizeof i->node);
    sql_add(out, ", '");
    sql_add_time(out, i->epoch / 1000000000);
    sql_add(out, "', ");
    sql_add_bytes(out, (const uint8_t *)&i->config_hash, sizeof i->config_hash);
    sql_add(out, ", ");
    sql_add_bytes(out, i->program_hash, sizeof i->program_hash);
    sql_add(out, ", %" PRIu32 ") ON CONFLICT DO NOTHING;", i->limits_version);
}

void feed_instance(struct feed *f, struct batch *b)
{
    struct journal_instance *i = &f->instance;
    if (f->held == NULL || !instance_of(f->held, i))
        return;
    if (i->restores)
        sums_carry(&f->sums);
    else
        key_table_clear(&f->sums.holdings);
    key_table_clear(&f->names);
    feed_begin(f, b);
    feed_instance_sql(f, &b->before);
}

static void name_add(struct feed *f, struct batch *b, const struct journal_names *head,
                     uint32_t number, const char name[NAME_LEN], uint64_t since)
{
    static const char *const kinds[JOURNAL_NAME_KINDS] = {
        [JOURNAL_NAME_LANE] = "lane",       [JOURNAL_NAME_CHANNEL] = "channel",
        [JOURNAL_NAME_LINE] = "line",       [JOURNAL_NAME_PORT] = "port",
        [JOURNAL_NAME_ACCOUNT] = "account", [JOURNAL_NAME_INSTRUMENT] = "instrument",
        [JOURNAL_NAME_SESSION] = "session", [JOURNAL_NAME_STRATEGY] = "strategy",
        [JOURNAL_NAME_LOCATE] = "locate",   [JOURNAL_NAME_SIGNAL] = "signal",
    };
    if (head->kind >= JOURNAL_NAME_KINDS || number > INT32_MAX || name[0] == 0)
        return;
    char *known = key_table_at(&f->names, (uint64_t)head->kind << 8 | head->lane, number);
    if (memcmp(known, name, NAME_LEN) == 0)
        return; // every segment says them again
    memcpy(known, name, NAME_LEN);
    sql_add(&b->before,
            "INSERT INTO tickgate.names VALUES (%" PRIu32 ", %" PRId64 ", '%s', %u, %" PRIu32 ", ",
            f->journal, (int64_t)f->instance.epoch, kinds[head->kind], head->lane, number);
    sql_add_quoted(&b->before, name, NAME_LEN);
    sql_add(&b->before,
            ", %" PRIu64 ") ON CONFLICT (journal, epoch, kind, lane, number) DO UPDATE "
            "SET name = EXCLUDED.name, since = EXCLUDED.since WHERE names.name <> EXCLUDED.name;",
            since);
}

static void names_take(struct feed *f, struct batch *b, const struct journal_record *r)
{
    struct journal_names head;
    char name[NAME_LEN];
    const uint8_t *bytes = (const uint8_t *)(r + 1);
    const uint64_t len = r->len - sizeof *r;
    if (len < sizeof head)
        return;
    memcpy(&head, bytes, sizeof head);
    for (uint32_t i = 0; i < head.count && sizeof head + (i + 1) * sizeof name <= len; i++) {
        memcpy(name, bytes + sizeof head + i * sizeof name, sizeof name);
        name_add(f, b, &head, head.first + i, name, r->number);
    }
}

// How many starts of its day this one has gone on from. Those that told nothing have not traded, so
// positions are of the newest that did: of another day, if it is further back than that. Lanes run
// behind this event, so nothing of this start is among them.
static void restored_take(struct feed *f, struct batch *b, const struct event *e)
{
    const uint32_t instances = e->restored.instances;
    sql_add(&b->before,
            "UPDATE tickgate.instances SET restored = %" PRIu32 " WHERE journal = %" PRIu32
            " AND epoch = %" PRId64 ";",
            instances, f->journal, (int64_t)f->instance.epoch);
    if (instances >= f->starts)
        return;
    key_table_clear(&f->sums.holdings);
    sql_add(&b->before,
            "DELETE FROM tickgate.positions WHERE journal = %" PRIu32 " AND epoch = %" PRId64 ";",
            f->journal, (int64_t)f->instance.epoch);
}

// The batch has room for what comes.
static bool record_take(struct feed *f, struct batch *b, const struct journal_record *r)
{
    struct event event;
    if (batch_empty(b))
        b->begun_ns = clock_mono_ns();
    b->rows.block_ns = b->block_ns = f->reader.closed_ns;
    if (r->type == JOURNAL_EVENT && r->len >= sizeof *r + sizeof event) {
        memcpy(&event, r + 1, sizeof event);
        b->rows.number = r->number;
        b->rows.ring = r->ring;
        if (!batch_add(b, &f->sums, &event))
            return false;
        if (UNLIKELY(event.type == EVENT_RESTORED))
            restored_take(f, b, &event);
    }
    if (r->type == JOURNAL_NAMES)
        names_take(f, b, r);
    if (UNLIKELY(r->number > f->last + 1))
        hole_add(f, b, r->number);
    b->last = f->last = r->number;
    b->segment = f->reader.header.segment;
    return true;
}

enum feed_state feed_fill(struct feed *f, struct batch *b, const struct batch_limits *limits,
                          uint32_t max, struct error *err)
{
    for (uint32_t n = 0; n < max; n++) {
        struct journal_instance instance;
        if (b->events >= limits->events || b->rows.used >= limits->bytes)
            return FEED_FULL;
        const struct journal_record *r = next(f, err);
        if (r == NULL)
            return err->code == EXIT_OK ? FEED_END : FEED_FAILED;
        if (r->number > f->last) {
            if (instance_of(r, &instance) && instance.epoch != f->instance.epoch)
                return FEED_INSTANCE;
            if (r->type == JOURNAL_INSTANCE && instance_of(r, &f->instance))
                b->rows.clock = f->instance.clock;
            if (!record_take(f, b, r))
                return FEED_FULL;
        }
        f->held = NULL;
    }
    return FEED_MORE;
}
