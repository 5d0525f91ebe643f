// Who tells a trace: this program, its host, its pod.
#pragma once

#include <stdint.h>

enum { TRACE_LABELS_MAX = 24 };

struct trace_resource {
    struct {
        char key[64];
        char value[192]; // printable ASCII
    } labels[TRACE_LABELS_MAX];
    uint32_t count;
};

// service.*, host.* and, where the environment has them, k8s.* (docs/traces.md). <node>: of whom is
// told. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win, as the public conventions want it.
void trace_resource_make(struct trace_resource *r, const char *node);
// "" for one that is not there.
const char *trace_resource_get(const struct trace_resource *r, const char *key);
