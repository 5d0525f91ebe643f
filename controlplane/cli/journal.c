// `tickgate journal verify` and `stats`: what a journal holds, and whether that is what was
// written.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/cli/command.h"
#include "controlplane/cli/journal_events.h"
#include "controlplane/cli/journal_seal.h"
#include "controlplane/control/view.h"

// Numbers of one ring of an instance, as they come.
struct ring_sum {
    uint64_t first, last, events;
    uint64_t missing; // numbers that were passed over; a diagnostic ring may
    uint64_t doubled; // numbers that came again
    uint64_t overrun; // lost in the ring, as its OVERRUN events say
};

struct instance_sum {
    struct journal_instance instance;
    uint64_t first_ns, last_ns;
    struct ring_sum rings[JOURNAL_SOURCES][EVENT_RING_KINDS];
};

struct sum {
    struct instance_sum *instances;
    uint32_t count;
    uint64_t types[EVENT_TYPES], types_unknown;
    uint64_t events, missing, doubled, overrun; // of trading events, but <events>
    json_t *places;                             // where numbers are missing or come again
};

enum { PLACES_MAX = 32 };

static const char *directory_of(const struct invocation *invocation)
{
    return json_string_value(json_object_get(invocation->options, "DIR"));
}

// The instance of the event; one that comes again goes on. Null: no memory.
static struct instance_sum *instance_of(struct sum *sum, const struct journal_events *f)
{
    for (uint32_t i = sum->count; i > 0; i--)
        if (sum->instances[i - 1].instance.epoch == f->event.epoch)
            return &sum->instances[i - 1];
    struct instance_sum *more = realloc(sum->instances, (sum->count + 1) * sizeof *sum->instances);
    if (more == NULL)
        return NULL;
    sum->instances = more;
    more[sum->count] = (struct instance_sum){.instance = f->instance};
    return &more[sum->count++];
}

static void place_add(struct sum *sum, const struct journal_events *f, const char *what,
                      uint64_t from)
{
    if (json_array_size(sum->places) == PLACES_MAX)
        return;
    const struct logged_event *e = &f->event;
    json_array_append_new(sum->places,
                          json_pack("{s:s,s:I,s:I,s:I,s:I,s:i,s:I,s:I}", "what", what, "segment",
                                    (json_int_t)f->segment, "block", (json_int_t)f->block, "record",
                                    (json_int_t)e->number, "epoch", (json_int_t)e->epoch, "lane",
                                    (int)e->event.lane, "from", (json_int_t)from, "to",
                                    (json_int_t)e->event.sequence));
}

static void ring_add(struct sum *sum, const struct journal_events *f, struct ring_sum *ring,
                     bool first_known)
{
    const struct event *event = &f->event.event;
    const bool trading = f->event.ring == EVENT_RING_TRADING;
    if (ring->events == 0) {
        ring->first = event->sequence;
        ring->last = first_known ? 0 : event->sequence - 1; // older segments are gone
    }
    if (event->sequence <= ring->last) {
        ring->doubled++;
        sum->doubled++;
        place_add(sum, f, "comes again", ring->last);
    } else if (event->sequence > ring->last + 1) {
        ring->missing += event->sequence - ring->last - 1;
        if (trading) {
            sum->missing += event->sequence - ring->last - 1;
            place_add(sum, f, "missing before it", ring->last + 1);
        }
    }
    if (event->type == EVENT_OVERRUN) {
        ring->overrun += event->overrun.lost;
        sum->overrun += event->overrun.lost;
    }
    ring->last = event->sequence > ring->last ? event->sequence : ring->last;
    ring->events++;
}

static bool sum_take(struct sum *sum, struct journal_events *f, struct error *err)
{
    const struct logged_event *e;
    // Without its beginning nobody knows with which numbers a journal's first instance began.
    const bool whole = f->reader.segments[0] == 1;
    uint64_t oldest = 0;
    sum->places = json_array();
    while (!invocation_stopped() && (e = journal_events_next(f, err)) != NULL) {
        struct instance_sum *in = instance_of(sum, f);
        if (in == NULL)
            return error_set(err, EXIT_FAILED, "no memory for another instance");
        oldest = oldest ? oldest : e->epoch;
        ring_add(sum, f, &in->rings[e->source][e->ring], whole || e->epoch != oldest);
        in->first_ns = in->first_ns ? in->first_ns : e->utc_ns;
        in->last_ns = e->utc_ns;
        sum->events++;
        if (e->event.type < EVENT_TYPES)
            sum->types[e->event.type]++;
        else
            sum->types_unknown++;
    }
    return err->code == EXIT_OK;
}

static void sum_free(struct sum *sum)
{
    free(sum->instances);
    json_decref(sum->places);
}

// --- verify ---

static json_t *findings_view(const struct journal_reader *r)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->finding_count; i++) {
        const struct journal_finding *f = &r->findings[i];
        json_array_append_new(
            list, json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:s}", "kind", f->torn ? "torn" : "damage",
                            "segment", (json_int_t)f->segment, "block", (json_int_t)f->block,
                            "byte", (json_int_t)f->offset, "record", (json_int_t)f->record,
                            "lost_records", (json_int_t)f->lost, "what", f->what));
    }
    return list;
}

static void verify_json(const struct journal_events *f, const struct sum *sum, bool good,
                        const struct journal_seal *seal)
{
    const struct journal_reader *r = &f->reader;
    json_t *view = json_object();
    json_object_set_new(view, "good", json_boolean(good));
    json_object_set_new(view, "closed", json_boolean(r->closed));
    json_object_set_new(view, "segments", view_count(r->segment_count));
    json_object_set_new(view, "blocks", view_count(r->blocks));
    json_object_set_new(view, "records", view_count(r->records));
    json_object_set_new(view, "events", view_count(sum->events));
    json_object_set_new(view, "damaged", view_count(r->damaged));
    json_object_set_new(view, "torn", view_count(r->torn));
    json_object_set_new(view, "missing_events", view_count(sum->missing));
    json_object_set_new(view, "doubled_events", view_count(sum->doubled));
    json_object_set_new(view, "overrun_events", view_count(sum->overrun));
    json_object_set_new(view, "findings", findings_view(r));
    json_object_set(view, "places", sum->places);
    json_object_set_new(view, "seal", seal->record ? journal_seal_view(seal) : json_null());
    json_dumpf(view, stdout, JSON_INDENT(2));
    fputc('\n', stdout);
    json_decref(view);
}

static void verify_text(const struct journal_events *f, const struct sum *sum, bool good)
{
    const struct journal_reader *r = &f->reader;
    char line[256];
    size_t i;
    json_t *at;
    for (uint32_t k = 0; k < r->finding_count; k++) {
        journal_finding_text(&r->findings[k], line, sizeof line);
        puts(line);
    }
    json_array_foreach(sum->places, i, at)
    {
        printf("sequence: segment %lld block %lld record %lld: lane %lld, number %lld: %s (%lld)\n",
               json_integer_value(json_object_get(at, "segment")),
               json_integer_value(json_object_get(at, "block")),
               json_integer_value(json_object_get(at, "record")),
               json_integer_value(json_object_get(at, "lane")),
               json_integer_value(json_object_get(at, "to")),
               json_string_value(json_object_get(at, "what")),
               json_integer_value(json_object_get(at, "from")));
    }
    printf("%s: %" PRIu64 " events in %" PRIu64 " records, %" PRIu64
           " blocks, %u segments; %s; missing %" PRIu64 ", doubled %" PRIu64
           ", lost in full rings %" PRIu64 "\n",
           good ? "good" : "NOT good", sum->events, r->records, r->blocks, r->segment_count,
           r->closed ? "closed in order" : "not closed: still written, or its writer was killed",
           sum->missing, sum->doubled, sum->overrun);
}

void run_journal_verify(const struct invocation *invocation, struct error *err)
{
    static struct journal_events f;
    struct sum sum = {0};
    struct journal_seal seal = {0};
    struct error broken = {0};
    const char *sealed = json_string_value(json_object_get(invocation->options, "--seal"));
    if (journal_events_open(&f, directory_of(invocation), err) && sum_take(&sum, &f, err)) {
        const bool good = f.reader.damaged == 0 && sum.missing == 0 && sum.doubled == 0;
        const bool holds =
            sealed == NULL || journal_seal_check(f.reader.directory, sealed, &seal, &broken);
        if (invocation->json)
            verify_json(&f, &sum, good, &seal);
        else
            verify_text(&f, &sum, good);
        if (holds && sealed && !invocation->json)
            printf("the seal of %s holds: %" PRIu64 " records\n", sealed, seal.record);
        if (!holds)
            *err = broken;
        if (!good)
            error_set(err, EXIT_FAILED,
                      "%s: %u damaged places, %" PRIu64 " events missing, %" PRIu64 " doubled",
                      f.reader.directory, f.reader.damaged, sum.missing, sum.doubled);
    }
    sum_free(&sum);
    journal_events_close(&f);
}

// --- stats ---

static json_t *rings_view(const struct journal_events *f, const struct instance_sum *in)
{
    static const char *const kinds[EVENT_RING_KINDS] = {"trading", "diagnostic"};
    json_t *list = json_array();
    for (uint32_t s = 0; s < JOURNAL_SOURCES; s++)
        for (uint32_t kind = 0; kind < EVENT_RING_KINDS; kind++) {
            const struct ring_sum *ring = &in->rings[s][kind];
            const char *name =
                s == LANES_MAX ? "main" : journal_events_name(f, JOURNAL_NAME_LANE, 0, s);
            if (ring->events == 0)
                continue;
            json_array_append_new(
                list, json_pack("{s:i,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "source", (int)s, "lane",
                                name, "ring", kinds[kind], "first", (json_int_t)ring->first, "last",
                                (json_int_t)ring->last, "events", (json_int_t)ring->events,
                                "missing", (json_int_t)ring->missing, "doubled",
                                (json_int_t)ring->doubled, "overrun", (json_int_t)ring->overrun));
        }
    return list;
}

static json_t *stats_view(const struct journal_events *f, const struct sum *sum)
{
    json_t *view = json_object(), *instances = json_array(), *types = json_object();
    for (uint32_t i = 0; i < sum->count; i++) {
        const struct instance_sum *in = &sum->instances[i];
        json_t *row = json_object();
        json_object_set_new(row, "epoch", view_count(in->instance.epoch));
        json_object_set_new(row, "node", json_string(in->instance.node));
        json_object_set_new(row, "first", view_utc(in->first_ns));
        json_object_set_new(row, "last", view_utc(in->last_ns));
        json_object_set_new(row, "rings", rings_view(f, in));
        json_array_append_new(instances, row);
    }
    for (uint32_t type = 0; type < EVENT_TYPES; type++)
        if (sum->types[type] && event_info((uint16_t)type))
            json_object_set_new(types, event_info((uint16_t)type)->name,
                                view_count(sum->types[type]));
    if (sum->types_unknown)
        json_object_set_new(types, "?", view_count(sum->types_unknown));
    json_object_set_new(view, "events", view_count(sum->events));
    json_object_set_new(view, "records", view_count(f->reader.records));
    json_object_set_new(view, "blocks", view_count(f->reader.blocks));
    json_object_set_new(view, "segments", view_count(f->reader.segment_count));
    json_object_set_new(view, "instances", instances);
    json_object_set_new(view, "types", types);
    return view;
}

static void stats_text(const json_t *view)
{
    const char *type;
    json_t *in, *ring, *count;
    size_t i, k;
    printf("%lld events, %lld records, %lld blocks, %lld segments\n",
           json_integer_value(json_object_get(view, "events")),
           json_integer_value(json_object_get(view, "records")),
           json_integer_value(json_object_get(view, "blocks")),
           json_integer_value(json_object_get(view, "segments")));
    json_array_foreach(json_object_get(view, "instances"), i, in)
    {
        const char *first = json_string_value(json_object_get(in, "first"));
        const char *last = json_string_value(json_object_get(in, "last"));
        printf(
            "\ninstance %lld on %s, %s to %s\n", json_integer_value(json_object_get(in, "epoch")),
            json_string_value(json_object_get(in, "node")), first ? first : "-", last ? last : "-");
        json_array_foreach(json_object_get(in, "rings"), k, ring)
        {
            printf("  %-12s %-10s %10lld events, %lld to %lld, missing %lld, doubled %lld, "
                   "overrun %lld\n",
                   json_string_value(json_object_get(ring, "lane")),
                   json_string_value(json_object_get(ring, "ring")),
                   json_integer_value(json_object_get(ring, "events")),
                   json_integer_value(json_object_get(ring, "first")),
                   json_integer_value(json_object_get(ring, "last")),
                   json_integer_value(json_object_get(ring, "missing")),
                   json_integer_value(json_object_get(ring, "doubled")),
                   json_integer_value(json_object_get(ring, "overrun")));
        }
    }
    fputc('\n', stdout);
    json_object_foreach(json_object_get(view, "types"), type, count)
    {
        printf("  %-20s %10lld\n", type, json_integer_value(count));
    }
}

void run_journal_stats(const struct invocation *invocation, struct error *err)
{
    static struct journal_events f;
    struct sum sum = {0};
    if (journal_events_open(&f, directory_of(invocation), err) && sum_take(&sum, &f, err)) {
        json_t *view = stats_view(&f, &sum);
        if (invocation->json)
            json_dumpf(view, stdout, JSON_INDENT(2));
        else
            stats_text(view);
        if (invocation->json)
            fputc('\n', stdout);
        json_decref(view);
        journal_events_whole(&f, err);
    }
    sum_free(&sum);
    journal_events_close(&f);
}
