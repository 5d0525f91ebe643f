#include "controlplane/cli/journal_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/region/snapshot.h"

// One table a kind: how many lanes have one of their own, and its places.
static const struct {
    uint32_t lanes, places;
} sizes[JOURNAL_NAME_KINDS] = {
    [JOURNAL_NAME_LANE] = {1, LANES_MAX},
    [JOURNAL_NAME_CHANNEL] = {1, CHANNELS_MAX},
    [JOURNAL_NAME_LINE] = {1, CHANNELS_MAX *CHANNEL_LINES},
    [JOURNAL_NAME_PORT] = {1, PORTS_MAX},
    [JOURNAL_NAME_ACCOUNT] = {1, ACCOUNTS_MAX},
    [JOURNAL_NAME_INSTRUMENT] = {1, INSTRUMENTS_MAX},
    [JOURNAL_NAME_SESSION] = {LANES_MAX, SESSIONS_MAX},
    [JOURNAL_NAME_STRATEGY] = {LANES_MAX, STRATEGIES_MAX},
    [JOURNAL_NAME_SIGNAL] = {1, SIGNALS_MAX},
};

struct known_names {
    char (*of[JOURNAL_NAME_KINDS])[NAME_LEN];
};

static char *place(const struct journal_events *f, uint32_t kind, uint32_t lane, uint64_t index)
{
    if (kind >= JOURNAL_NAME_KINDS || f->names->of[kind] == NULL || index >= sizes[kind].places)
        return NULL;
    lane = sizes[kind].lanes == 1 ? 0 : lane;
    return lane < sizes[kind].lanes ? f->names->of[kind][lane * sizes[kind].places + index] : NULL;
}

static void names_take(struct journal_events *f, const void *payload, uint32_t len)
{
    struct journal_names head;
    if (len < sizeof head)
        return;
    memcpy(&head, payload, sizeof head);
    const char *from = (const char *)payload + sizeof head;
    for (uint32_t i = 0; i < head.count && sizeof head + (i + 1) * (size_t)NAME_LEN <= len; i++) {
        char *to = place(f, head.kind, head.lane, (uint64_t)head.first + i);
        if (to == NULL)
            continue;
        memcpy(to, from + (size_t)i * NAME_LEN, NAME_LEN);
        text_clean(to, NAME_LEN);
    }
    locates_note(&f->locates, payload, len);
}

static void instance_take(struct journal_events *f, const void *payload, uint32_t len)
{
    if (len < sizeof f->instance)
        return;
    memcpy(&f->instance, payload, sizeof f->instance);
    text_clean(f->instance.node, sizeof f->instance.node);
    locates_reset(&f->locates);
    for (uint32_t kind = 0; kind < JOURNAL_NAME_KINDS; kind++)
        if (f->names->of[kind])
            memset(f->names->of[kind], 0,
                   (size_t)sizes[kind].lanes * sizes[kind].places * NAME_LEN);
}

static bool event_take(struct journal_events *f, const struct journal_record *r)
{
    uint32_t channel;
    uint16_t locate;
    if (r->len - sizeof *r < sizeof f->event.event)
        return false;
    f->event = (struct logged_event){
        .epoch = f->instance.epoch, .number = r->number, .ring = r->ring ? 1 : 0};
    memcpy(&f->event.event, r + 1, sizeof f->event.event);
    f->event.utc_ns = journal_clock_utc_ns(&f->instance.clock, f->event.event.tsc);
    f->event.source = f->event.event.lane < LANES_MAX ? f->event.event.lane : LANES_MAX;
    if (locate_of_event(&f->event.event, &channel, &locate))
        snprintf(f->event.symbol, sizeof f->event.symbol, "%s",
                 locates_get(&f->locates, channel, locate));
    return true;
}

bool journal_events_open(struct journal_events *f, const char *directory, struct error *err)
{
    memset(f, 0, sizeof *f);
    f->names = calloc(1, sizeof *f->names);
    for (uint32_t kind = 0; f->names && kind < JOURNAL_NAME_KINDS; kind++)
        f->names->of[kind] = calloc((size_t)sizes[kind].lanes * sizes[kind].places + 1, NAME_LEN);
    if (f->names == NULL)
        return error_set(err, EXIT_FAILED, "no memory for names");
    if (!journal_reader_open(&f->reader, directory, 0, err))
        return false;
    return f->reader.segment_count > 0 ||
           error_set(err, EXIT_FAILED, "%s: no segment of a journal is there", directory);
}

void journal_events_close(struct journal_events *f)
{
    journal_reader_close(&f->reader);
    locates_reset(&f->locates);
    for (uint32_t kind = 0; f->names && kind < JOURNAL_NAME_KINDS; kind++)
        free(f->names->of[kind]);
    free(f->names);
    f->names = NULL;
}

const struct logged_event *journal_events_next(struct journal_events *f, struct error *err)
{
    const struct journal_record *r;
    while ((r = journal_reader_next(&f->reader, err)) != NULL) {
        const uint32_t len = r->len - (uint32_t)sizeof *r;
        // Segments that went away took the record with them; the header has it, too.
        if (f->instance.epoch == 0 && f->reader.header.instance.epoch)
            instance_take(f, &f->reader.header.instance, sizeof f->instance);
        if (r->type == JOURNAL_INSTANCE)
            instance_take(f, r + 1, len);
        else if (r->type == JOURNAL_NAMES)
            names_take(f, r + 1, len);
        else if (r->type == JOURNAL_EVENT && event_take(f, r)) {
            f->segment = f->reader.place.segment;
            f->block = f->reader.place.block ? f->reader.place.block - 1 : 0;
            return &f->event;
        }
    }
    return NULL;
}

const char *journal_events_name(const struct journal_events *f, enum journal_name_kind kind,
                                uint32_t lane, uint32_t index)
{
    const char *name = place(f, kind, lane, index);
    return name ? name : "";
}

static const char *name_of(const void *context, enum event_field_kind kind, uint32_t channel,
                           uint64_t number)
{
    const struct journal_events *f = context;
    switch (kind) {
    case FIELD_channel: return journal_events_name(f, JOURNAL_NAME_CHANNEL, 0, channel);
    case FIELD_line:
        return channel < CHANNELS_MAX && number < CHANNEL_LINES
                   ? journal_events_name(f, JOURNAL_NAME_LINE, 0,
                                         channel * CHANNEL_LINES + (uint32_t)number)
                   : NULL;
    case FIELD_port:
        return number < PORTS_MAX ? journal_events_name(f, JOURNAL_NAME_PORT, 0, (uint32_t)number)
                                  : NULL;
    default: return NULL;
    }
}

json_t *journal_events_view(const struct journal_events *f)
{
    const struct event_names names = {.context = f, .name = name_of};
    return event_view(&f->event, journal_events_name(f, JOURNAL_NAME_LANE, 0, f->event.event.lane),
                      &names);
}

bool journal_events_whole(const struct journal_events *f, struct error *err)
{
    char text[256];
    for (uint32_t i = 0; f->reader.damaged && i < f->reader.finding_count; i++)
        if (!f->reader.findings[i].torn) {
            journal_finding_text(&f->reader.findings[i], text, sizeof text);
            return error_set(err, EXIT_FAILED, "%s: %s; journal verify lists everything",
                             f->reader.directory, text);
        }
    return true;
}
