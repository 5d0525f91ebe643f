// Between the files of this room: what is remembered of an order until its spans are told, and the
// spans made of it (spans.c).
#pragma once

#include "controlplane/trace/tree.h"
#include "controlplane/region/call.h"

struct pending {
    uint64_t number; // of this decision, from 1
    struct event event;
    struct event_order_sent sent;
    struct trace_key first; // the trace of the order's enter; epoch 0: this is it
    uint64_t utc_ns;
    uint64_t tsc_hz;
    uint64_t epoch;
    bool waits;
    bool place; // it has one that is followed
    bool left;  // <sent> says when
    enum trace_why why;
    char account[NAME_LEN], strategy[NAME_LEN], session[NAME_LEN], symbol[NAME_LEN], lane[NAME_LEN];
};

struct open_kill {
    uint64_t sequence; // of its KILL; 0: none is open
    uint64_t utc_ns;
    uint64_t cancels;
    uint32_t open_orders;
    uint8_t asker;
    char lane[NAME_LEN];
};

struct governed {
    uint64_t utc_ns; // 0: none yet
    uint32_t user;
    char reason[REASON_LEN];
};

static inline uint64_t ticks_to_ns(const struct pending *p, uint64_t ticks)
{
    return p->tsc_hz ? (uint64_t)((unsigned __int128)ticks * 1000000000u / p->tsc_hz) : 0;
}

// Root and stages; <answer>: what the exchange said first, null: nothing in time.
uint32_t spans_of_decision(const struct pending *p, const struct logged_event *answer,
                           struct trace_span spans[TRACE_SPANS_MAX]);
void span_of_report(const struct logged_event *logged, uint64_t root, struct trace_span *span);
void span_of_cancel(const struct logged_event *logged, uint64_t since_ns, uint64_t root,
                    struct trace_span *span);
// <done>: null while not every order has its cancel.
void span_of_kill(const struct open_kill *k, const struct logged_event *done,
                  const struct governed *governed, struct trace_span *span);
