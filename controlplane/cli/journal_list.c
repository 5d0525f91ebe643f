// `tickgate journal dump`, `tail` and `export`: events of a journal, one line each.
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controlplane/cli/command.h"
#include "controlplane/cli/journal_events.h"

enum { TAIL_DEFAULT = 20, TAIL_MAX = 100000, FOLLOW_MS = 100 };

static const char *text_option(const struct invocation *invocation, const char *name)
{
    return json_string_value(json_object_get(invocation->options, name));
}

static bool type_known(const char *type, struct error *err)
{
    for (uint16_t i = 0; type && i < EVENT_TYPES; i++)
        if (event_info(i) && strcmp(event_info(i)->name, type) == 0)
            return true;
    return type == NULL || error_set(err, EXIT_USAGE,
                                     "--type: no event is called '%.32s'; journal stats lists "
                                     "those of a journal",
                                     type);
}

static bool chosen(const struct logged_event *e, const char *type)
{
    const struct event_info *info = event_info(e->event.type);
    return type == NULL || (info && strcmp(info->name, type) == 0);
}

// "key=value key=value"
static void fields_print(const json_t *fields)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)fields, key, value)
    {
        if (json_is_string(value))
            printf(" %s=%s", key, json_string_value(value));
        else
            printf(" %s=%lld", key, json_integer_value(value));
    }
}

static void line_print(const json_t *view, bool json)
{
    if (json) {
        json_dumpf(view, stdout, JSON_COMPACT);
    } else {
        const char *time = json_string_value(json_object_get(view, "time"));
        const json_t *lane = json_object_get(view, "lane");
        printf("%lld %s ", json_integer_value(json_object_get(view, "number")), time ? time : "-");
        if (json_is_string(lane))
            printf("%s", json_string_value(lane));
        else
            printf("%lld", json_integer_value(lane));
        const json_t *event = json_object_get(view, "event");
        printf("/%lld %s", json_integer_value(json_object_get(view, "sequence")),
               json_is_string(event) ? json_string_value(event) : "?");
        fields_print(json_object_get(view, "fields"));
    }
    fputc('\n', stdout);
}

void run_journal_dump(const struct invocation *invocation, struct error *err)
{
    static struct journal_events f;
    const char *type = text_option(invocation, "--type");
    const struct logged_event *e;
    if (!type_known(type, err))
        return;
    if (journal_events_open(&f, text_option(invocation, "DIR"), err)) {
        while (!invocation_stopped() && !ferror(stdout) &&
               (e = journal_events_next(&f, err)) != NULL) {
            if (!chosen(e, type))
                continue;
            json_t *view = journal_events_view(&f);
            line_print(view, invocation->json);
            json_decref(view);
        }
        journal_events_whole(&f, err);
    }
    journal_events_close(&f);
}

// --- tail ---

// The newest are kept until the end is reached; from then on, each as it comes.
struct tail {
    json_t **kept;
    uint64_t room, count;
    uint32_t told; // of the damage
};

static void tail_show(struct tail *t, bool json)
{
    const uint64_t have = t->count < t->room ? t->count : t->room;
    for (uint64_t i = t->count - have; i < t->count; i++) {
        line_print(t->kept[i % t->room], json);
        json_decref(t->kept[i % t->room]);
    }
    t->count = 0;
}

// What is missing between two events is said between them: one that follows may have no end.
static void tail_tell(struct tail *t, const struct journal_reader *r)
{
    char text[256];
    for (uint32_t i = 0, damage = 0; i < r->finding_count; i++) {
        if (r->findings[i].torn || damage++ < t->told)
            continue;
        t->told++;
        journal_finding_text(&r->findings[i], text, sizeof text);
        fflush(stdout);
        fprintf(stderr, "tickgate: %s: %s\n", r->directory, text);
    }
}

static void tail_run(struct journal_events *f, const struct invocation *invocation, struct tail *t,
                     struct error *err)
{
    const char *type = text_option(invocation, "--type");
    const bool follow = json_is_true(json_object_get(invocation->options, "-f"));
    const struct logged_event *e;
    if (follow)
        journal_reader_follow(&f->reader, UINT64_MAX);
    for (bool caught_up = false; !invocation_stopped() && !ferror(stdout);) {
        while (!invocation_stopped() && (e = journal_events_next(f, err)) != NULL) {
            if (caught_up)
                tail_tell(t, &f->reader);
            if (!chosen(e, type))
                continue;
            if (t->count >= t->room)
                json_decref(t->kept[t->count % t->room]);
            t->kept[t->count++ % t->room] = journal_events_view(f);
            if (caught_up)
                tail_show(t, invocation->json);
        }
        // Nobody may have read what this writes for so long that its segments are gone.
        if (follow && err->code != EXIT_OK && journal_reader_pass(&f->reader, err))
            continue;
        tail_show(t, invocation->json);
        fflush(stdout);
        caught_up = true;
        if (follow)
            tail_tell(t, &f->reader);
        if (!follow || err->code != EXIT_OK)
            return;
        nanosleep(&(struct timespec){.tv_nsec = FOLLOW_MS * 1000000L}, NULL);
    }
}

void run_journal_tail(const struct invocation *invocation, struct error *err)
{
    static struct journal_events f;
    const json_t *count = json_object_get(invocation->options, "--count");
    const json_int_t room = count ? json_integer_value(count) : TAIL_DEFAULT;
    struct tail t = {0};
    if (room < 1 || room > TAIL_MAX) {
        error_set(err, EXIT_USAGE, "--count: from 1 to %d", TAIL_MAX);
        return;
    }
    if (!type_known(text_option(invocation, "--type"), err))
        return;
    t.room = (uint64_t)room;
    t.kept = calloc(t.room, sizeof(json_t *));
    if (t.kept == NULL)
        error_set(err, EXIT_FAILED, "no memory for so many events");
    else if (journal_events_open(&f, text_option(invocation, "DIR"), err)) {
        tail_run(&f, invocation, &t, err);
        journal_events_whole(&f, err);
    }
    journal_events_close(&f);
    free(t.kept);
}

// --- export ---

// RFC 4180: quotes around a text that has one, a comma or a line's end in it.
static void csv_text(const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stdout);
        return;
    }
    fputc('"', stdout);
    for (; *text; text++)
        printf(*text == '"' ? "\"\"" : "%c", *text);
    fputc('"', stdout);
}

static void csv_value(const json_t *value)
{
    fputc(',', stdout);
    if (json_is_string(value))
        csv_text(json_string_value(value));
    else if (json_is_integer(value))
        printf("%lld", json_integer_value(value));
}

static const char *const csv_keys[] = {"time",     "epoch", "lane", "ring",
                                       "sequence", "input", "event"};

// With one type a column for each of its fields; else all fields in one, as JSON.
static void csv_row(const json_t *view, bool columns)
{
    json_t *fields = json_object_get(view, "fields"), *value;
    const char *key;
    printf("%lld", json_integer_value(json_object_get(view, "number")));
    for (size_t i = 0; i < sizeof csv_keys / sizeof csv_keys[0]; i++)
        csv_value(json_object_get(view, csv_keys[i]));
    if (columns) {
        json_object_foreach(fields, key, value)
        {
            csv_value(value);
        }
    } else {
        char *text = json_dumps(fields, JSON_COMPACT);
        fputc(',', stdout);
        csv_text(text ? text : "");
        free(text);
    }
    fputs("\r\n", stdout);
}

// A field that is called as what every event has gets the name that it has in JSON.
static void csv_name(const char *field)
{
    bool taken = false;
    for (size_t i = 0; i < sizeof csv_keys / sizeof csv_keys[0]; i++)
        taken = taken || strcmp(csv_keys[i], field) == 0;
    printf(",%s%s", taken ? "fields." : "", field);
}

static void csv_header(const char *type)
{
    fputs("record", stdout);
    for (size_t i = 0; i < sizeof csv_keys / sizeof csv_keys[0]; i++)
        printf(",%s", csv_keys[i]);
    for (uint16_t i = 0; type && i < EVENT_TYPES; i++) {
        const struct event_info *info = event_info(i);
        if (info == NULL || strcmp(info->name, type) != 0)
            continue;
        for (uint32_t k = 0; k < info->field_count; k++)
            csv_name(info->fields[k].kind == FIELD_locate ? "symbol" : info->fields[k].name);
    }
    fputs(type ? "\r\n" : ",fields\r\n", stdout);
}

void run_journal_export(const struct invocation *invocation, struct error *err)
{
    static struct journal_events f;
    const char *type = text_option(invocation, "--type");
    const struct logged_event *e;
    if (strcmp(text_option(invocation, "csv"), "csv") != 0) {
        error_set(err, EXIT_USAGE, "'%.16s' is no format; there is csv",
                  text_option(invocation, "csv"));
        return;
    }
    if (!type_known(type, err))
        return;
    if (journal_events_open(&f, text_option(invocation, "DIR"), err)) {
        csv_header(type);
        while (!invocation_stopped() && !ferror(stdout) &&
               (e = journal_events_next(&f, err)) != NULL) {
            if (!chosen(e, type))
                continue;
            json_t *view = journal_events_view(&f);
            csv_row(view, type != NULL);
            json_decref(view);
        }
        journal_events_whole(&f, err);
    }
    journal_events_close(&f);
}
