// What the control plane knows: the dataplane's region, its latest events, rates. One thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/control/approvals.h"
#include "controlplane/control/past_orders.h"
#include "controlplane/journal/drain.h"
#include "controlplane/metrics/stages.h"
#include "controlplane/region/board.h"
#include "controlplane/region/events.h"
#include "controlplane/region/snapshot.h"
#include "controlplane/region/contact.h"
#include "controlplane/region/symbols.h"

// Totals of the last two seconds, for rates.
struct rate_sample {
    uint64_t epoch;
    uint64_t ns; // CLOCK_MONOTONIC
    uint64_t tsc;
    uint64_t frames[LANES_MAX];
    uint64_t busy_ticks[LANES_MAX];
    uint64_t messages[CHANNELS_MAX];
};

// What the configuration says about changes. All zero: one person, and no longest time.
struct control_policy {
    bool second_person;    // what lets more pass takes another one's approval
    uint64_t raise_max_ns; // of a raise; 0: a day
};

struct live_config;
struct store;
struct capture;
struct drop_copies;
struct rebuild;
struct trace_export;

struct control {
    struct contact contact;
    struct drain *drain;        // null: no journal, and this thread drains the rings
    struct store *store;        // null: none
    struct trace_export *trace; // null: no traces are sent
    struct drop_copies *drops;  // null: none is read
    struct rebuild *rebuild;    // null: nobody fills the restore area
    struct capture *capture;    // null: nothing is written of what lanes take in
    struct event_log log;
    struct past_orders past;  // under those of the log
    struct snapshot snapshot; // of the method in work
    struct symbol_table symbols;
    struct board *board;         // of the method in work
    struct rate_sample rates[2]; // older, newer
    struct stages stages;        // of orders
    uint64_t started_ns;         // CLOCK_MONOTONIC
    struct control_policy policy;
    struct approvals approvals;
    struct live_config *live; // null: a test without one
    // Written by the server.
    uint64_t clients;
    uint64_t clients_refused;
    uint64_t clients_cut_off;
    uint64_t requests;
    struct {
        uint64_t requests;
        uint64_t cut_off;
        uint64_t streams; // open now
    } http;               // written by the HTTP server
};

// False: no memory.
bool control_init(struct control *control, const char *region);
void control_free(struct control *control);

enum { CONTROL_TICK_MS = 100 };
// Every CONTROL_TICK_MS: take in events, look after the dataplane, sample rates. True when the
// state of the dataplane has changed.
bool control_tick(struct control *control, uint64_t now_ns);

// Events that are there into the log.
void control_events(struct control *control);

// Per second over the last second; 0 while there are not two samples of this instance.
uint64_t control_rate(const struct control *control, uint64_t newer, uint64_t older);
// Thousandths of the time that a lane was busy.
uint64_t control_busy_permille(const struct control *control, uint32_t lane);
