// Spans as OTLP: requests of the public schema in opentelemetry/, as protobuf.
#pragma once

#include <stddef.h>

#include "controlplane/trace/resource.h"
#include "controlplane/trace/tree.h"

struct otlp_batch;

// Room for <spans_max> spans. Null: no memory.
struct otlp_batch *otlp_batch_new(uint32_t spans_max);
void otlp_batch_free(struct otlp_batch *b);
// All of them or none. False: it is full.
bool otlp_batch_add(struct otlp_batch *b, const struct trace_key *key,
                    const struct trace_span *spans, uint32_t count);
uint32_t otlp_batch_count(const struct otlp_batch *b);
// An ExportTraceServiceRequest, to be freed; the batch is empty again. Null: no memory, or nothing
// in it. Two of them one behind the other are one with all spans.
uint8_t *otlp_batch_pack(struct otlp_batch *b, struct trace_resource *resource, size_t *len);

// What an answer says of spans that were not taken; 0 where it says nothing, or is none. <why>: one
// line.
uint64_t otlp_rejected(const uint8_t *answer, size_t len, char *why, size_t why_len);
