#include "controlplane/control/stream.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/control/rpc.h"
#include "controlplane/control/view.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

enum { NS_PER_MS = 1000000 };

// The log is the process's, so this is, too. Any thread logs, one reads.
static struct {
    pthread_mutex_t lock;
    uint64_t count; // ever; the newest line is number <count>
    struct line {
        uint64_t utc_ns;
        char level[8];
        char event[32];
        char code[16];
        char text[LOG_LINE_LEN];
        char fields[LOG_FIELDS_MAX];
    } lines[LOG_LINES];
} logs = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void hear(const struct log_line *said)
{
    pthread_mutex_lock(&logs.lock);
    struct line *line = &logs.lines[++logs.count % LOG_LINES];
    line->utc_ns = said->utc_ns;
    snprintf(line->level, sizeof line->level, "%s", said->level);
    snprintf(line->event, sizeof line->event, "%s", said->event);
    snprintf(line->code, sizeof line->code, "%s", said->code);
    snprintf(line->text, sizeof line->text, "%s", said->text);
    snprintf(line->fields, sizeof line->fields, "%s", said->fields);
    pthread_mutex_unlock(&logs.lock);
}

static uint64_t lines_logged(void)
{
    pthread_mutex_lock(&logs.lock);
    const uint64_t count = logs.count;
    pthread_mutex_unlock(&logs.lock);
    return count;
}

void stream_logs_begin(void)
{
    log_listen(hear);
}

enum stream_topic stream_topic_of(const char *word)
{
    static const struct {
        const char *word;
        enum stream_topic topic;
    } topics[] = {{"events", STREAM_EVENTS}, {"counters", STREAM_COUNTERS}, {"logs", STREAM_LOGS}};
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
        if (strcmp(topics[i].word, word) == 0)
            return topics[i].topic;
    return 0;
}

void stream_begin(struct stream *stream, const struct control *control, uint32_t topics,
                  uint64_t after)
{
    const uint64_t newest = control->log.count;
    *stream = (struct stream){.topics = topics,
                              .event = (after < newest ? after : newest) + 1,
                              .line = lines_logged() + 1};
}

// --- notifications ---

static char *notification(const char *method, json_t *params)
{
    json_t *view = json_pack("{s:s,s:s,s:o}", "jsonrpc", "2.0", "method", method, "params", params);
    char *text = json_dumps(view, JSON_COMPACT);
    json_decref(view);
    return text;
}

// What is asked for has left its log: moves on to the oldest there is. The number of what was
// missed.
static uint64_t overtaken(uint64_t *next, uint64_t count, uint64_t len)
{
    const uint64_t oldest = count >= len ? count - len + 1 : 1;
    const uint64_t missed = *next < oldest ? oldest - *next : 0;
    *next += missed;
    return missed;
}

static char *missed_text(const char *topic, uint64_t missed)
{
    return notification("missed",
                        json_pack("{s:s,s:o}", "topic", topic, "count", view_count(missed)));
}

void stream_round(struct stream *s, struct control *control)
{
    s->names = s->topics & STREAM_EVENTS && s->event <= control->log.count &&
               snapshot_take(&control->snapshot, &control->contact);
}

static char *event_next(struct stream *s, struct control *control)
{
    const struct event_log *log = &control->log;
    const uint64_t missed = overtaken(&s->event, log->count, EVENT_LOG_LEN);
    if (missed)
        return missed_text("events", missed);
    if (s->event > log->count)
        return NULL;
    return notification("event", event_show(control, event_log_at(log, s->event++), s->names));
}

static char *line_next(struct stream *s)
{
    struct line copy;
    pthread_mutex_lock(&logs.lock);
    const uint64_t missed = overtaken(&s->line, logs.count, LOG_LINES);
    const bool any = missed == 0 && s->line <= logs.count;
    if (any)
        copy = logs.lines[s->line++ % LOG_LINES];
    pthread_mutex_unlock(&logs.lock);
    if (missed)
        return missed_text("logs", missed);
    if (!any)
        return NULL;
    const struct line *line = &copy;
    json_t *text = json_string(line->text);
    return notification("log",
                        json_pack("{s:o,s:s,s:s,s:s,s:o,s:o}", "time", view_utc(line->utc_ns),
                                  "level", line->level, "event", line->event, "code", line->code,
                                  "text", text ? text : json_string("(not UTF-8)"), "fields",
                                  json_loads(line->fields, 0, NULL)));
}

static char *counters_next(struct stream *s, struct control *control, uint64_t now_ns)
{
    char why[512];
    if (now_ns - s->counters_ns < (uint64_t)STREAM_COUNTERS_MS * NS_PER_MS)
        return NULL;
    s->counters_ns = now_ns;
    json_t *view = rpc_view(control, "counters", why, sizeof why);
    return view ? notification("counters", view) : NULL;
}

char *stream_next(struct stream *s, struct control *control, bool full, uint64_t now_ns)
{
    char *text = NULL;
    if (full) {
        const bool events =
            s->topics & STREAM_EVENTS && s->event + EVENT_LOG_LEN <= control->log.count;
        const bool lines = s->topics & STREAM_LOGS && s->line + LOG_LINES <= lines_logged();
        s->behind = s->behind || events || lines;
        return NULL;
    }
    if (s->topics & STREAM_EVENTS)
        text = event_next(s, control);
    if (text == NULL && s->topics & STREAM_LOGS)
        text = line_next(s);
    if (text == NULL && s->topics & STREAM_COUNTERS)
        text = counters_next(s, control, now_ns);
    return text;
}
