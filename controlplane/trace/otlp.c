#include "controlplane/trace/otlp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/region/snapshot.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb-c.h"

// The generated names are long.
#define COMMON(name) Opentelemetry__Proto__Common__V1__##name
#define TRACE(name)  Opentelemetry__Proto__Trace__V1__##name

// Bytes of the arena: of a text, of one span with all its attributes at most, and of one as they
// come.
enum {
    TEXT_MAX = 127,
    SPAN_MOST = 640 + TRACE_ATTRIBUTES_MAX * (sizeof(COMMON(KeyValue)) + sizeof(COMMON(AnyValue)) +
                                              2 * (TEXT_MAX + 1) + 4 * 16),
    SPAN_USUAL = 1024,
};

// Everything that a request is made of, until it is packed.
struct otlp_batch {
    uint32_t count, max;
    size_t used, room;
    TRACE(Span) * *spans;
    _Alignas(16) uint8_t arena[];
};

struct otlp_batch *otlp_batch_new(uint32_t spans_max)
{
    const size_t room = (size_t)spans_max * SPAN_USUAL + (size_t)TRACE_SPANS_MAX * SPAN_MOST;
    struct otlp_batch *b = malloc(sizeof *b + room);
    if (b == NULL)
        return NULL;
    *b = (struct otlp_batch){.max = spans_max, .room = room};
    b->spans = calloc(spans_max, sizeof *b->spans);
    if (b->spans == NULL) {
        free(b);
        return NULL;
    }
    return b;
}

void otlp_batch_free(struct otlp_batch *b)
{
    if (b)
        free(b->spans);
    free(b);
}

uint32_t otlp_batch_count(const struct otlp_batch *b)
{
    return b->count;
}

// The caller has seen to it that there is room.
static void *take(struct otlp_batch *b, size_t len)
{
    void *at = b->arena + b->used;
    b->used += (len + 15) / 16 * 16;
    return at;
}

static char *text_take(struct otlp_batch *b, const char *text)
{
    const size_t len = strnlen(text, TEXT_MAX);
    char *copy = take(b, len + 1);
    memcpy(copy, text, len);
    copy[len] = 0;
    return copy;
}

static ProtobufCBinaryData bytes_take(struct otlp_batch *b, const void *bytes, size_t len)
{
    ProtobufCBinaryData data = {.len = len, .data = take(b, len)};
    memcpy(data.data, bytes, len);
    return data;
}

static ProtobufCBinaryData id_take(struct otlp_batch *b, uint64_t id)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(id >> (56 - 8 * i));
    return bytes_take(b, bytes, sizeof bytes);
}

static COMMON(KeyValue) * attribute_make(struct otlp_batch *b, const struct trace_attribute *a)
{
    COMMON(KeyValue) *pair = take(b, sizeof *pair);
    COMMON(AnyValue) *value = take(b, sizeof *value);
    opentelemetry__proto__common__v1__key_value__init(pair);
    opentelemetry__proto__common__v1__any_value__init(value);
    pair->key = text_take(b, a->key);
    pair->value = value;
    switch (a->kind) {
    case TRACE_TEXT:
        value->value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE;
        value->string_value = text_take(b, a->text);
        break;
    case TRACE_NUMBER:
        value->value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE;
        value->int_value = a->number;
        break;
    case TRACE_REAL:
        value->value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_DOUBLE_VALUE;
        value->double_value = a->real;
        break;
    }
    return pair;
}

static TRACE(Span) *
    span_make(struct otlp_batch *b, const struct trace_key *key, const struct trace_span *from)
{
    uint8_t id[TRACE_ID_LEN];
    TRACE(Span) *span = take(b, sizeof *span);
    opentelemetry__proto__trace__v1__span__init(span);
    trace_id_make(key, id);
    span->trace_id = bytes_take(b, id, sizeof id);
    span->span_id = id_take(b, from->id);
    if (from->parent)
        span->parent_span_id = id_take(b, from->parent);
    span->name = text_take(b, from->name);
    span->kind = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__SPAN_KIND__SPAN_KIND_INTERNAL;
    span->start_time_unix_nano = from->start_ns;
    span->end_time_unix_nano = from->end_ns;
    span->n_attributes = from->attribute_count;
    span->attributes = take(b, from->attribute_count * sizeof *span->attributes);
    for (uint32_t i = 0; i < from->attribute_count; i++)
        span->attributes[i] = attribute_make(b, &from->attributes[i]);
    if (from->link) {
        TRACE(Span__Link) *link = take(b, sizeof *link);
        opentelemetry__proto__trace__v1__span__link__init(link);
        trace_id_make(from->link, id);
        link->trace_id = bytes_take(b, id, sizeof id);
        link->span_id = id_take(b, trace_root_span(from->link->sequence));
        span->n_links = 1;
        span->links = take(b, sizeof *span->links);
        span->links[0] = link;
    }
    if (from->failed) {
        span->status = take(b, sizeof *span->status);
        opentelemetry__proto__trace__v1__status__init(span->status);
        span->status->code =
            OPENTELEMETRY__PROTO__TRACE__V1__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
        span->status->message = text_take(b, from->failed);
    }
    return span;
}

bool otlp_batch_add(struct otlp_batch *b, const struct trace_key *key,
                    const struct trace_span *spans, uint32_t count)
{
    if (b->count + count > b->max || b->used + (size_t)count * SPAN_MOST > b->room)
        return false;
    for (uint32_t i = 0; i < count; i++)
        b->spans[b->count++] = span_make(b, key, &spans[i]);
    return true;
}

// Attributes of the resource while a request is packed.
struct resource_pairs {
    COMMON(KeyValue) pairs[TRACE_LABELS_MAX];
    COMMON(AnyValue) values[TRACE_LABELS_MAX];
    COMMON(KeyValue) * all[TRACE_LABELS_MAX];
};

static void resource_fill(struct resource_pairs *to, struct trace_resource *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        opentelemetry__proto__common__v1__key_value__init(&to->pairs[i]);
        opentelemetry__proto__common__v1__any_value__init(&to->values[i]);
        to->values[i].value_case = OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE;
        to->values[i].string_value = from->labels[i].value;
        to->pairs[i].key = from->labels[i].key;
        to->pairs[i].value = &to->values[i];
        to->all[i] = &to->pairs[i];
    }
}

uint8_t *otlp_batch_pack(struct otlp_batch *b, struct trace_resource *resource, size_t *len)
{
    Opentelemetry__Proto__Resource__V1__Resource who;
    COMMON(InstrumentationScope) scope;
    TRACE(ScopeSpans) scoped;
    TRACE(ResourceSpans) all;
    Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest request;
    struct resource_pairs pairs;
    char name[] = "tickgate", version[] = TICKGATE_VERSION;
    if (b->count == 0)
        return NULL;
    opentelemetry__proto__resource__v1__resource__init(&who);
    opentelemetry__proto__common__v1__instrumentation_scope__init(&scope);
    opentelemetry__proto__trace__v1__scope_spans__init(&scoped);
    opentelemetry__proto__trace__v1__resource_spans__init(&all);
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__init(&request);
    resource_fill(&pairs, resource);
    who.n_attributes = resource->count;
    who.attributes = pairs.all;
    scope.name = name;
    scope.version = version;
    scoped.scope = &scope;
    scoped.n_spans = b->count;
    scoped.spans = b->spans;
    all.resource = &who;
    all.n_scope_spans = 1;
    all.scope_spans = (TRACE(ScopeSpans) *[]){&scoped};
    request.n_resource_spans = 1;
    request.resource_spans = (TRACE(ResourceSpans) *[]){&all};
    *len = protobuf_c_message_get_packed_size(&request.base);
    uint8_t *bytes = malloc(*len);
    if (bytes)
        protobuf_c_message_pack(&request.base, bytes);
    b->count = 0;
    b->used = 0;
    return bytes;
}

uint64_t otlp_rejected(const uint8_t *answer, size_t len, char *why, size_t why_len)
{
    Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse *r =
        opentelemetry__proto__collector__trace__v1__export_trace_service_response__unpack(NULL, len,
                                                                                          answer);
    uint64_t rejected = 0;
    if (r && r->partial_success && r->partial_success->rejected_spans > 0) {
        rejected = (uint64_t)r->partial_success->rejected_spans;
        snprintf(why, why_len, "%s", r->partial_success->error_message);
        text_clean(why, why_len);
    }
    if (r)
        protobuf_c_message_free_unpacked(&r->base, NULL);
    return rejected;
}
