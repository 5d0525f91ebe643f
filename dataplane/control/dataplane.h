// Everything the dataplane process owns, built from the configuration by stages and taken down in
// reverse.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/region.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/memory.h"
#include "dataplane/config/config.h"
#include "dataplane/control/recovery.h"
#include "dataplane/control/snapshot.h"
#include "dataplane/lane/lane.h"
#include "dataplane/port/eal.h"
#include "dataplane/port/slow.h"

struct dataplane_channel {
    struct channel channel;
    struct recovery recovery;
    struct snapshot snapshot;
    uint64_t filter[2][LOCATES / 64]; // bitmaps of FILTER_SET, by turns
    uint32_t filter_turn;
    void *memory;
    uint64_t bytes;
};

struct dataplane {
    const struct config *config;
    struct memory_region region;
    struct region_view view;
    struct memory_bill bill;
    struct clock_calibration clock;
    struct port ports[PORTS_MAX];
    struct port_facts facts[PORTS_MAX];
    struct slow_port slow[PORTS_MAX];
    uint32_t ports_open;
    struct lane *lanes[LANES_MAX];
    void *rings[LANES_MAX];
    struct dataplane_channel *channels[CHANNELS_MAX];
    struct event_writer events; // the main lcore's own
    struct main_counters *count;
    uint64_t bell_seen;
    bool eal_started;
    bool lanes_running;
};

// Stages up to READY. On false everything that was started is taken down again.
bool dataplane_start(struct dataplane *d, const struct config *config, struct error *err);
// The main lcore's loop: until <stop> is set by a signal.
void dataplane_loop(struct dataplane *d, const volatile int *stop);
// Reverse order: lanes, groups, ports, region.
void dataplane_stop(struct dataplane *d);
