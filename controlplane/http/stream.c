// The live page: everybody who looks gets the same state, made once. Whoever is slower than the
// states come skips some; whoever does not take one in time is cut off.
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/control/rpc.h"
#include "controlplane/control/view.h"
#include "controlplane/http/parts.h"
#include "dataplane/base/clock.h"

enum { NS_PER_MS = 1000000, BLOCK_BYTES = 16 * 1024, REFUSED_SHOWN = 8, POSITIONS_SHOWN = 100 };

// --- a state ---

static void document_drop(struct document *doc)
{
    if (doc && --doc->users == 0)
        free(doc);
}

static json_t *stages_view(const struct control *control)
{
    json_t *list = json_array(), *edges = json_array();
    for (uint32_t i = 0; i + 1 < HISTOGRAM_BUCKETS; i++)
        json_array_append_new(edges, view_count(histogram_edges_ns[i]));
    for (uint32_t i = 0; i < STAGES; i++) {
        const struct histogram *h = &control->stages.histograms[i];
        json_t *buckets = json_array();
        for (uint32_t k = 0; k < HISTOGRAM_BUCKETS; k++)
            json_array_append_new(buckets, view_count(h->bucket[k]));
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:o,s:o}", "stage", stage_name((enum stage)i),
                                        "help", stage_help((enum stage)i), "summary",
                                        view_latency(&control->contact, h), "buckets", buckets));
    }
    return json_pack("{s:o,s:o}", "edges_ns", edges, "stages", list);
}

static void shorten(json_t *view, const char *key, size_t most)
{
    json_t *list = json_object_get(view, key);
    while (json_array_size(list) > most)
        json_array_remove(list, json_array_size(list) - 1);
}

static char *state_text(const struct http *http)
{
    static const char *const methods_shown[] = {"status",    "feeds",      "lanes",
                                                "sessions",  "trading",    "strategies",
                                                "positions", "histograms", "drop_copies"};
    struct control *control = http->control;
    json_t *state = json_object();
    char why[512];
    json_object_set_new(state, "time", view_utc(clock_utc_ns()));
    json_object_set_new(state, "connected", json_boolean(dataplane_ready(control)));
    json_object_set_new(state, "why", json_string(control->contact.why));
    for (size_t i = 0; i < sizeof methods_shown / sizeof methods_shown[0]; i++) {
        json_t *view = rpc_view(control, methods_shown[i], why, sizeof why);
        shorten(view, "positions", POSITIONS_SHOWN);
        json_object_set_new(state, methods_shown[i], view ? view : json_null());
    }
    json_object_set(state, "limits", http->limits ? http->limits : json_null());
    json_object_set_new(state, "stages", stages_view(control));
    json_object_set_new(state, "refused", events_refused(control, REFUSED_SHOWN));
    char *text = json_dumps(state, JSON_COMPACT);
    json_decref(state);
    return text;
}

static void state_make(struct http *http)
{
    static const char head[] = "event: state\ndata: ", tail[] = "\n\n";
    char *text = state_text(http);
    const size_t len = text ? strlen(text) : 0;
    struct document *doc = text ? malloc(sizeof *doc + len + sizeof head + sizeof tail) : NULL;
    if (doc) {
        doc->number = ++http->states;
        doc->users = 1;
        doc->len = (size_t)sprintf(doc->text, "%s%s%s", head, text, tail);
        document_drop(http->latest);
        http->latest = doc;
    }
    free(text);
}

// --- one stream ---

static ssize_t on_read(void *cls, uint64_t position, char *to, size_t room)
{
    struct http_connection *c = cls;
    struct http *http = c->http;
    (void)position;
    if (c->cut)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (c->doc && c->doc_at == c->doc->len) {
        document_drop(c->doc);
        c->doc = NULL;
    }
    if (c->doc == NULL && http->latest && http->latest->number > c->number) {
        c->doc = http->latest;
        c->doc->users++;
        c->doc_at = 0;
        c->doc_ns = clock_mono_ns();
        c->number = c->doc->number;
    }
    if (c->doc == NULL) {
        c->asleep = true;
        MHD_suspend_connection(c->handle);
        return 0;
    }
    const size_t left = c->doc->len - c->doc_at, len = left < room ? left : room;
    memcpy(to, c->doc->text + c->doc_at, len);
    c->doc_at += len;
    return (ssize_t)len;
}

void stream_end(struct http_connection *c)
{
    if (!c->stream)
        return;
    document_drop(c->doc);
    c->doc = NULL;
    c->stream = c->asleep = false;
    c->http->control->http.streams--;
}

// The answer is over, also when its connection goes on.
static void on_free(void *cls)
{
    stream_end(cls);
}

struct MHD_Response *stream_open(struct http_connection *c)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, on_read, c, on_free);
    if (response == NULL)
        return NULL;
    c->stream = true;
    c->number = 0;
    c->http->control->http.streams++;
    if (c->http->latest == NULL)
        state_make(c->http);
    return response;
}

void streams_tick(struct http *http, uint64_t now_ns)
{
    if (http->control->http.streams == 0) {
        // The next page begins with a state of its own time.
        document_drop(http->latest);
        http->latest = NULL;
        http->latest_ns = 0;
        return;
    }
    if (now_ns - http->latest_ns >= (uint64_t)HTTP_STATE_MS * NS_PER_MS) {
        state_make(http);
        http->latest_ns = now_ns;
    }
    for (uint32_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        struct http_connection *c = &http->slots[i];
        if (c->handle == NULL || !c->stream)
            continue;
        if (c->asleep && http->latest && http->latest->number > c->number) {
            c->asleep = false;
            MHD_resume_connection(c->handle);
        } else if (!c->asleep && c->doc &&
                   now_ns - c->doc_ns > (uint64_t)HTTP_STREAM_PATIENCE_MS * NS_PER_MS) {
            connection_cut(c);
        }
    }
}
