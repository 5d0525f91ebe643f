// How near the node's clock is to true time, for the lanes: no time of a record means anything
// without it.
//
// What is asked is the kernel, which whoever keeps its clock tells: chrony, ntpd and systemd's
// timesyncd the most that it may be off, phc2sys that it is kept at all. Between two corrections
// the kernel adds what a clock may drift (500 millionths); 16 s without any it says that it does
// not know. So a keeper of the clock that has ended, or cannot reach its servers, is found out by
// the bound itself, by whoever asks. The main lcore asks, and not the control plane: what trades
// goes on without it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"

#define CLOCK_ERROR_UNKNOWN UINT64_MAX

struct dataplane;
struct timex;

struct clock_watch {
    uint64_t look_at_ns; // CLOCK_MONOTONIC
    uint64_t error_ns;   // as last seen
    uint8_t told[LANES_MAX];
};

// The most that the clock is off, ns. <state>: what adjtimex(2) has returned beside <t>, -1: it
// failed.
uint64_t clock_error_of(int state, const struct timex *t);
// Looks from time to time, and tells the lanes whose verdict would be another one. <error> stands
// for what the kernel says, null: it is asked. Returns how many were told.
uint32_t clock_watch_turn(struct dataplane *d, uint64_t now_ns, const uint64_t *error);
