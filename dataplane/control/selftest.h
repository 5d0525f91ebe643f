// Start-of-day self-test: every control of the gate is broken once, and has to say so.
//
// It runs on the main lcore, on a desk of its own with a book, a session and a way out that is a
// closed egress gate: frames are counted there and go nowhere. No lane, exchange or record sees an
// order of it. For every control an order exactly at a limit has to pass and to reach the closed
// gate, and the next step beyond has to be refused with that control's code, and not to reach it.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/abi/commands.h"
#include "dataplane/abi/ring.h"
#include "dataplane/abi/trade.h"
#include "dataplane/base/error.h"
#include "dataplane/config/config.h"

struct selftest_row {
    const char *tried; // what the orders were
    uint64_t value;    // of the refusal, and its limit
    uint64_t limit;
    uint16_t at_limit; // enum refusal: REFUSAL_NONE is right
    uint16_t beyond;   // the control's own is right
    uint8_t scope;     // enum trade_scope: whose limit it was
    bool passed;
};

struct selftest {
    uint32_t controls;
    uint32_t failed;
    uint32_t untested;                  // controls that the self-test does not know
    uint32_t first;                     // refusal of the first that failed
    struct selftest_row rows[REFUSALS]; // by refusal; tried null: it is no control
};

// Takes some milliseconds and some memory, which is given back. False with <err>: it could not run,
// or a control did not hold: the first of them is named.
bool selftest_run(struct selftest *t, struct error *err);
// The record, as JSON. <utc_ns>: when it ran. <config_hash>: of the configuration it ran for.
void selftest_print(const struct selftest *t, FILE *out, uint64_t utc_ns, uint64_t config_hash);
// The same into a file, whole or not at all. False with <err>.
bool selftest_record(const struct selftest *t, const char *path, uint64_t utc_ns,
                     uint64_t config_hash, struct error *err);

// What the configuration wants before the lanes run: test, record, event. False with <err>: nothing
// may trade.
bool selftest_at_start(const struct config *config, struct event_writer *events, struct error *err);
// SELF_TEST. Only says what it found: what trades goes on.
enum command_result selftest_command(const struct config *config, struct event_writer *events,
                                     struct self_test_answer *answer);
