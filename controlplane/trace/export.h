// Follows the journal and sends the traces of sampled orders to a collector, in a thread of its
// own.
//
// Nobody waits for it: it reads what is durable, and what the collector does not take in time is
// dropped and counted. What was dropped is still in the journal (`tickgate trace export`).
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"

struct trace_export_config {
    const char *endpoint;  // URL of the collector's /v1/traces
    const char *directory; // the journal's
    const char *node;
    const char *ca;           // file; empty: those of the system
    const char *headers_file; // one a line, "Name: value"; empty: none
    uint32_t one_in;
    uint32_t flush_ms;
    uint32_t timeout_ms;
    uint64_t queue_bytes;
    uint64_t from; // records of the journal up to this one were there before
};

#define TRACE_STATES(X)                                             \
    X(WAITING, waiting, "there is no journal yet")                  \
    X(SENDING, sending, "the collector takes what is sent")         \
    X(DOWN, down, "the collector does not answer; tried again")     \
    X(REFUSED, refused, "the collector does not want what is sent") \
    X(FAILED, failed, "the journal cannot be read; tried again")

enum trace_state {
#define TRACE_STATE(upper, lower, help) TRACE_STATE_##upper,
    TRACE_STATES(TRACE_STATE)
#undef TRACE_STATE
};
const char *trace_state_name(enum trace_state state);

struct trace_status {
    enum trace_state state;
    uint64_t taken;          // record of the journal up to which it has read
    uint64_t committed;      // record up to which the journal is durable
    uint64_t traces;         // told: orders and kills
    uint64_t spans;          // that the collector has taken
    uint64_t dropped_spans;  // that found no room while it did not take any
    uint64_t rejected_spans; // that it did not want
    uint64_t missed_records; // that the journal did not have any more
    uint64_t requests;       // that were answered well
    uint64_t failures;
    uint64_t queue_bytes; // waiting to be sent
    char why[256];        // of the last failure; empty while all is well
};

struct trace_export;

// Null: EXIT_USAGE for a file that cannot be read or an address that is none, else EXIT_FAILED.
// <committed>: as the journal's writer says; it lives as long as this.
struct trace_export *trace_export_start(const struct trace_export_config *config,
                                        const _Atomic uint64_t *committed, struct error *err);
// Sends what is there, for at most <wait_ms>.
void trace_export_stop(struct trace_export *t, uint32_t wait_ms);
// From any thread.
void trace_export_look(struct trace_export *t, struct trace_status *out);
