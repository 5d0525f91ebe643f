// `tickgate trace`: the traces of a journal again, without a control plane and without a collector.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/cli/command.h"
#include "controlplane/control/view.h"
#include "controlplane/trace/names.h"
#include "controlplane/trace/otlp.h"
#include "controlplane/trace/post.h"

enum { BATCH_SPANS = 1024, POST_MS = 10000, TURN_MS = 100 };

// --- one trace ---

struct one_trace {
    struct trace_key key;
    json_t *spans; // in the order of their beginning
};

static json_t *attributes_view(const struct trace_span *span)
{
    json_t *out = json_object();
    for (uint32_t i = 0; i < span->attribute_count; i++) {
        const struct trace_attribute *a = &span->attributes[i];
        json_object_set_new(out, a->key,
                            a->kind == TRACE_TEXT     ? json_string(a->text)
                            : a->kind == TRACE_NUMBER ? json_integer(a->number)
                                                      : json_real(a->real));
    }
    return out;
}

static json_t *id_view(uint64_t id)
{
    char text[20];
    snprintf(text, sizeof text, "%016" PRIx64, id);
    return id ? json_string(text) : json_null();
}

static json_t *span_view(const struct trace_key *key, const struct trace_span *span)
{
    char id[TRACE_ID_TEXT], link[TRACE_ID_TEXT] = "";
    trace_id_text(key, id);
    if (span->link)
        trace_id_text(span->link, link);
    json_t *out = json_object();
    json_object_set_new(out, "trace_id", json_string(id));
    json_object_set_new(out, "span_id", id_view(span->id));
    json_object_set_new(out, "parent_span_id", id_view(span->parent));
    json_object_set_new(out, "name", json_string(span->name));
    json_object_set_new(out, "start", view_utc(span->start_ns));
    json_object_set_new(out, "start_ns", view_count(span->start_ns));
    json_object_set_new(out, "ns", view_count(span->end_ns - span->start_ns));
    json_object_set_new(out, "failed", span->failed ? json_string(span->failed) : json_null());
    json_object_set_new(out, "link", *link ? json_string(link) : json_null());
    json_object_set_new(out, "attributes", attributes_view(span));
    return out;
}

static void one_take(void *context, const struct trace_key *key, const struct trace_span *spans,
                     uint32_t count)
{
    struct one_trace *one = context;
    for (uint32_t i = 0; trace_key_equal(key, &one->key) && i < count; i++) {
        json_t *span = span_view(key, &spans[i]);
        if (spans[i].parent == 0) // a kill's root comes behind its cancels
            json_array_insert_new(one->spans, 0, span);
        else
            json_array_append_new(one->spans, span);
    }
}

static const char *text_at(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static void one_print(const json_t *spans)
{
    const json_int_t begun =
        json_integer_value(json_object_get(json_array_get(spans, 0), "start_ns"));
    const char *key;
    json_t *row, *value;
    size_t i;
    json_array_foreach(spans, i, row)
    {
        const bool root = json_is_null(json_object_get(row, "parent_span_id"));
        const char *failed = text_at(row, "failed");
        printf("%s%-10s %s  +%lld ns  %lld ns%s%s\n", root ? "" : "  ", text_at(row, "name"),
               text_at(row, "start"), json_integer_value(json_object_get(row, "start_ns")) - begun,
               json_integer_value(json_object_get(row, "ns")), *failed ? "  FAILED: " : "", failed);
        json_object_foreach(json_object_get(row, "attributes"), key, value)
        {
            char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(10));
            printf("%s    %s = %s\n", root ? "" : "  ", key, text ? text : "?");
            free(text);
        }
    }
}

// --- a journal ---

// <damage>: of what was read; what could be read is told all the same.
static bool journal_tell(const char *directory, uint32_t one_in, trace_emit *emit, void *context,
                         struct error *damage, struct error *err)
{
    static struct journal_events events;
    const struct logged_event *e;
    struct trace_config config = {.emit = emit, .context = context, .one_in = one_in};
    trace_names_of(&events, &config.names);
    struct trace_tree *tree = trace_tree_new(&config);
    bool ok = tree != NULL || error_set(err, EXIT_FAILED, "no memory for open orders");
    if (ok && journal_events_open(&events, directory, err)) {
        while (!invocation_stopped() && (e = journal_events_next(&events, err)) != NULL)
            trace_tree_event(tree, e, events.instance.clock.tsc_hz);
        trace_tree_wait(tree, UINT64_MAX);
        journal_events_whole(&events, damage);
    }
    trace_tree_free(tree);
    journal_events_close(&events);
    return err->code == EXIT_OK;
}

void run_trace(const struct invocation *invocation, struct error *err)
{
    const char *id = json_string_value(json_object_get(invocation->options, "ID"));
    const char *directory = json_string_value(json_object_get(invocation->options, "DIR"));
    struct one_trace one = {.spans = json_array()};
    struct error damage = {0};
    if (!trace_id_read(id, &one.key))
        error_set(err, EXIT_USAGE, "ID: '%.40s' is not the 32 hexadecimal digits of a trace", id);
    else if (journal_tell(directory, 1, one_take, &one, &damage, err) &&
             json_array_size(one.spans) == 0 && damage.code == EXIT_OK)
        error_set(err, EXIT_FAILED, "%s: no event of this journal belongs to trace %s", directory,
                  id);
    else if (err->code == EXIT_OK && invocation->json) {
        json_dumpf(one.spans, stdout, JSON_INDENT(2));
        fputc('\n', stdout);
    } else if (err->code == EXIT_OK)
        one_print(one.spans);
    if (err->code == EXIT_OK)
        *err = damage;
    json_decref(one.spans);
}

// --- all of them ---

struct trace_output {
    struct otlp_batch *batch;
    struct trace_resource resource;
    FILE *file;
    struct post *post;
    uint64_t traces, spans, rejected;
    struct error *err;
};

static bool post_all(struct trace_output *o, const uint8_t *bytes, size_t len)
{
    char why[256];
    uint64_t rejected;
    enum post_state state = POST_FAILED;
    if (post_begin(o->post, bytes, len))
        while ((state = post_turn(o->post, TURN_MS, &rejected, why, sizeof why)) == POST_BUSY)
            if (invocation_stopped())
                return error_set(o->err, EXIT_FAILED, "interrupted");
    if (state != POST_TAKEN)
        return error_set(o->err, EXIT_FAILED, "%s", why);
    o->rejected += rejected;
    return true;
}

static void flush_out(struct trace_output *o)
{
    size_t len;
    if (otlp_batch_count(o->batch) == 0 || o->err->code != EXIT_OK)
        return;
    uint8_t *bytes = otlp_batch_pack(o->batch, &o->resource, &len);
    if (bytes == NULL)
        error_set(o->err, EXIT_FAILED, "no memory for a request");
    else if (o->post)
        post_all(o, bytes, len);
    else if (fwrite(bytes, 1, len, o->file) != len)
        error_set(o->err, EXIT_FAILED, "the file cannot be written");
    free(bytes);
}

static void output_take(void *context, const struct trace_key *key, const struct trace_span *spans,
                        uint32_t count)
{
    struct trace_output *o = context;
    if (!otlp_batch_add(o->batch, key, spans, count)) {
        flush_out(o);
        otlp_batch_add(o->batch, key, spans, count);
    }
    o->traces += spans[0].parent == 0;
    o->spans += count;
}

static bool output_open(struct trace_output *o, const char *to, const char *directory)
{
    static struct journal_events first; // for the node's name
    const struct post_config post = {
        .url = to, .ca = "", .headers_file = "", .timeout_ms = POST_MS};
    if (!journal_events_open(&first, directory, o->err))
        return false;
    (void)journal_events_next(&first, o->err);
    trace_resource_make(&o->resource, first.instance.node);
    journal_events_close(&first);
    if (strstr(to, "://"))
        return (o->post = post_open(&post, o->err)) != NULL;
    o->file = strcmp(to, "-") == 0 ? stdout : fopen(to, "wbe");
    return o->file || error_set(o->err, EXIT_FAILED, "%s: cannot be written", to);
}

void run_trace_export(const struct invocation *invocation, struct error *err)
{
    const char *directory = json_string_value(json_object_get(invocation->options, "DIR"));
    const char *to = json_string_value(json_object_get(invocation->options, "--to"));
    const json_t *one_in = json_object_get(invocation->options, "--one-in");
    const bool all = json_object_get(invocation->options, "--all") != NULL;
    const json_int_t n = all ? 1 : one_in ? json_integer_value(one_in) : 1000;
    struct trace_output o = {.err = err};
    struct error damage = {0};
    if (n < 0 || n > UINT32_MAX) {
        error_set(err, EXIT_USAGE, "--one-in: from 0 to %u", UINT32_MAX);
        return;
    }
    o.batch = otlp_batch_new(BATCH_SPANS);
    if (o.batch == NULL)
        error_set(err, EXIT_FAILED, "no memory for a request");
    else if (output_open(&o, to, directory) &&
             journal_tell(directory, (uint32_t)n, output_take, &o, &damage, err))
        flush_out(&o);
    if (err->code == EXIT_OK)
        fprintf(stderr, "%" PRIu64 " traces, %" PRIu64 " spans, %" PRIu64 " not taken\n", o.traces,
                o.spans, o.rejected);
    if (o.file && o.file != stdout && fclose(o.file) != 0 && err->code == EXIT_OK)
        error_set(err, EXIT_FAILED, "%s: cannot be written", to);
    if (err->code == EXIT_OK)
        *err = damage;
    post_close(o.post);
    otlp_batch_free(o.batch);
}
