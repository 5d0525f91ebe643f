// A world for the feed in virtual time: a generated day on lines A and B, with loss, duplication,
// reordering and skew from a seed, and a re-request server that loses datagrams too. No threads, no
// clock: the same seed gives the same run.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/book/offline.h"

enum { WORLD_LINES = 2 };

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
    bool cut_differs; // lines cut the day into packets at different messages
    bool server;
    uint32_t server_loss_ppm;
    struct channel_config channel; // protocol and book sizes are filled in by the world
};

struct world_result {
    uint32_t lost_both;      // packets
    uint64_t first_lost;     // first message of the first of them, UINT64_MAX without
    uint32_t suspect_events; // transitions of the channel to SUSPECT
    uint64_t
        good_after_loss; // ticks at which the channel called itself good with an unrepaired gap
    uint32_t frames_out; // frames held by the channel at the end
    uint64_t last_sequence;
};

// Runs the day through <o>, which the world initialises; the caller frees it with offline_free.
void world_run(const struct world_config *config, struct offline *o, struct world_result *result);

// The same day, every packet in order, no loss.
void world_run_clean(const struct world_config *config, struct offline *o);

// Same symbols, levels, queues, volumes; <why> says what differs first.
bool world_books_equal(const struct book *a, const struct book *b, char *why, uint32_t why_len);
