// A world for the feed in virtual time: generated days on lines A and B, with loss, duplication,
// reordering and skew from a seed, a re-request server that loses datagrams too, and a snapshot
// server that is behind or fails. No threads, no clock: the same seed gives the same run.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/book/offline.h"

enum { WORLD_LINES = 2, WORLD_DAYS_MAX = 2 };

struct world_config {
    uint64_t seed;
    uint32_t messages;
    uint32_t symbols;
    uint32_t live;
    uint32_t loss_ppm[WORLD_LINES]; // packets lost on one line, never the same packet on both
    uint32_t both_ppm;              // packets lost on both lines
    uint32_t duplicate_ppm;
    uint32_t reorder_ppm;       // packets delayed by up to <delay_max>
    uint64_t skew[WORLD_LINES]; // ticks that a line is behind
    uint64_t delay_max;
    uint32_t
        pause_ppm; // packets, while a gap waits, after which the lane is away up to <pause_max>
    uint64_t pause_max; // ticks; what arrives meanwhile waits in the receive ring
    bool cut_differs;   // lines cut the day into packets at different messages
    bool server;
    uint32_t server_loss_ppm;
    uint32_t zero_ppm;  // messages of no length between those of the day
    uint32_t days;      // sessions, one after the other without a pause
    bool ends;          // the last session ends; otherwise its lines go on with heartbeats
    bool breaks_off;    // those before it do not, but are followed by the next one at once
    bool line_leaves;   // from its half on line A carries a session of its own
    uint32_t stray_ppm; // packets that come with one of nowhere: another session, absurd numbers
    uint64_t join_at;   // messages before this one reached nobody: a late joiner
    bool snapshots; // a snapshot server, which is up to SNAPSHOT_BEHIND messages behind the lane
    uint32_t snapshot_fail_ppm;
    struct channel_config channel; // protocol and book sizes are filled in by the world
};

struct world_result {
    uint32_t lost_both;      // packets
    uint32_t lies;           // times at which a GOOD channel had another book than the session's
    uint64_t first_lost;     // first message of the first of them, UINT64_MAX without
    uint32_t suspect_events; // transitions of the channel to SUSPECT
    uint64_t
        good_after_loss; // ticks at which the channel called itself good with an unrepaired gap
    uint32_t frames_out; // frames held by the channel at the end
    uint64_t last_sequence;
};

// Runs the days through <o>, which the world initialises; the caller frees it with offline_free.
void world_run(const struct world_config *config, struct offline *o, struct world_result *result);

// The last day alone, every packet in order, no loss.
void world_run_clean(const struct world_config *config, struct offline *o);

// Same symbols, levels, queues, volumes; <why> says what differs first.
bool world_books_equal(const struct book *a, const struct book *b, char *why, uint32_t why_len);
