// Span trees of orders and kills, from the events of a journal in their order.
//
// One tree for every DECISION that is sampled: the root is the order from the burst that caused it
// to the exchange's answer, its children are the stages. What comes later (executions, cancels)
// follows as further spans of the same trace. A kill is a tree of its own, with every cancel under
// it. Identifiers come from (epoch, lane, number of the event): whoever reads the same journal
// again gets the same traces.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/region/events.h"

enum {
    TRACE_ID_LEN = 16,
    TRACE_ID_TEXT = 2 * TRACE_ID_LEN + 1,
    TRACE_LATE_NS = 2750, // the alarm line: from the burst to the port
    TRACE_ANSWER_MS = 1000,
    TRACE_ATTRIBUTES_MAX = 32,
    TRACE_SPANS_MAX = 8, // that are told at once
};

// The event that began a trace.
struct trace_key {
    uint64_t epoch;
    uint64_t sequence; // of the lane's trading events; 56 bits of it count
    uint8_t lane;
};

void trace_id_make(const struct trace_key *key, uint8_t out[TRACE_ID_LEN]);
// Number of its root.
uint64_t trace_root_span(uint64_t sequence);
void trace_id_text(const struct trace_key *key, char out[TRACE_ID_TEXT]);
// False: not 32 hexadecimal digits.
bool trace_id_read(const char *text, struct trace_key *key);
static inline bool trace_key_equal(const struct trace_key *a, const struct trace_key *b)
{
    return a->epoch == b->epoch && a->sequence == b->sequence && a->lane == b->lane;
}

// WHY(NAME, name): why a tree is there.
#define TRACE_WHY_LIST(X)   \
    X(NOT, "")              \
    X(ONE_IN, "one_in")     \
    X(REFUSED, "refused")   \
    X(NOT_SENT, "not_sent") \
    X(LATE, "late")         \
    X(KILL, "kill")

enum trace_why {
#define TRACE_WHY_ENUM(upper, name) TRACE_##upper,
    TRACE_WHY_LIST(TRACE_WHY_ENUM)
#undef TRACE_WHY_ENUM
};

// Why the trace of a decision that left is kept. <one_in> 0: only those above the alarm line.
enum trace_why trace_sampled(uint64_t sequence, uint64_t handed_ns, uint32_t one_in);

enum trace_value { TRACE_TEXT, TRACE_NUMBER, TRACE_REAL };

struct trace_attribute {
    const char *key;
    enum trace_value kind;
    union {
        const char *text;
        int64_t number;
        double real;
    };
};

struct trace_span {
    const char *name;
    uint64_t id;
    uint64_t parent;              // 0: the root
    const struct trace_key *link; // another trace that it belongs to; null: none
    uint64_t start_ns, end_ns;    // UTC
    const char *failed;           // why; null: it did not
    uint32_t attribute_count;
    struct trace_attribute attributes[TRACE_ATTRIBUTES_MAX];
};

// Names of what events name by number; good until the next event. Never null.
struct trace_names {
    const void *context;
    const char *(*account)(const void *context, uint32_t index);
    const char *(*instrument)(const void *context, uint32_t index);
    const char *(*session)(const void *context, uint32_t lane, uint32_t index);
    const char *(*strategy)(const void *context, uint32_t lane, uint32_t index);
    const char *(*lane)(const void *context, uint32_t lane);
};

// Spans of one trace. What they point to is good during the call.
typedef void trace_emit(void *context, const struct trace_key *key, const struct trace_span *spans,
                        uint32_t count);

struct trace_config {
    struct trace_names names;
    trace_emit *emit;
    void *context;
    uint32_t one_in; // 1: every order, 0: only refusals, kills, what did not leave or was late
};

struct trace_tree;

// Null: no memory.
struct trace_tree *trace_tree_new(const struct trace_config *config);
void trace_tree_free(struct trace_tree *t);
// The next trading event. <tsc_hz>: of its instance.
void trace_tree_event(struct trace_tree *t, const struct logged_event *logged, uint64_t tsc_hz);
// What waits for an answer for longer than TRACE_ANSWER_MS at <utc_ns> is told without it;
// UINT64_MAX: everything.
void trace_tree_wait(struct trace_tree *t, uint64_t utc_ns);
