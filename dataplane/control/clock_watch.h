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

struct dataplane;

struct clock_watch {
    uint64_t look_at_ns; // CLOCK_MONOTONIC
    uint64_t error_ns;   // as last seen, CLOCK_ERROR_UNKNOWN: the kernel does not know
    struct {
        uint64_t at_ns, error_ns;
        uint8_t verdict;
    } told[LANES_MAX];
};

// Looks from time to time, and tells the lanes whose verdict would be another one; while it is
// doubtful once a second how far off it may be, which a refusal says. <error> stands for what the
// kernel says, null: it is asked. Returns how many were told.
uint32_t clock_watch_turn(struct dataplane *d, uint64_t now_ns, const uint64_t *error);
