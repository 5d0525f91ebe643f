// The whole way inside the process, closed loop: a frame of market data in, a frame with an order
// out, and what lies between them by the stamps of the lane's own events.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/latency/hdr.h"
#include "bench/latency/lane_world.h"
#include "bench/latency/measure.h"
#include "bench/latency/quiet.h"

// LANE_FIGURE(NAME, name, from where to where)
#define LANE_FIGURE_LIST(X)                                                                   \
    X(OUT, frame_to_frame, "turn begins to the port has the order's frame")                   \
    X(DECIDE, receive_decide, "burst stamped to decision begun: parse, book, strategy")       \
    X(GATE, decide_approved, "decision begun to approved: checks")                            \
    X(ENCODE, approved_encoded, "approved to encoded: order, exposure, message")              \
    X(SEND, encoded_sent, "encoded to the port has it: DECISION published, TCP, port")        \
    X(RING, approved_sent, "approved to the port has it")                                     \
    X(TURN, turn, "the whole turn of the trigger")                                            \
    X(FEED, market_turn, "a turn with market data that nobody trades on")                     \
    X(COLD, first_unpractised, "frame_to_frame of the first order after a second of silence") \
    X(WARM, first_practised, "the same, with practice orders in that second")                 \
    X(BESIDE, beside_first, "the same of orders behind those, when the lane is warm again")   \
    X(ANSWER, answer_turn, "a turn with the exchange's answer: accepted, executed")

enum lane_figure {
#define LANE_FIGURE_ENUM(upper, lower, what) LANE_FIGURE_##upper,
    LANE_FIGURE_LIST(LANE_FIGURE_ENUM)
#undef LANE_FIGURE_ENUM
        LANE_FIGURES
};

struct lane_result {
    struct hdr figures[LANE_FIGURES]; // ns
    struct quiet quiet;               // over all measured turns
    uint64_t orders;
    uint64_t practised, passed; // practice orders in all silences, and those that were approved
    uint64_t ns;                // of the measured stretch
    uint64_t stamp_ns;          // cost of one reading of the clock: a figure of stages holds one
    uint64_t unrecorded;        // orders that the lane refused while the journal took no records
    uint64_t memory;
    uint32_t orders_live;
    bool huge_pages;
};

// <warm> orders are sent before the first measured one. False: the lane did not do what it should.
bool lane_measure(const struct lane_options *o, uint64_t warm, struct lane_result *r,
                  struct error *err);
void lane_print(FILE *out, const struct lane_options *o, const struct lane_result *r);
// Members of a JSON object.
void lane_write(FILE *out, const struct lane_options *o, const struct lane_result *r);
