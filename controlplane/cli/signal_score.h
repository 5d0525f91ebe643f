// How good the forecasts of signals were: each is held to the first price of its symbol that is
// known once its horizon is over.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"

enum { SCORE_NAME_LEN = 32, SCORE_SOURCES_MAX = 1024 };

// What a source says of a symbol.
struct score_source {
    char source[SCORE_NAME_LEN];
    char symbol[SCORE_NAME_LEN];
    uint64_t signals;
    uint64_t scored;
    uint64_t unpriced;  // no price before it, or none soon enough behind its horizon
    uint64_t direction; // scored: where both a change was forecast and one came ...
    uint64_t right;     // ... and of them those that went the same way
    // Sums over the scored, in price4: forecast less what came, and what came by itself.
    double error;
    double error_size;
    double error_square;
    double change_size;
};

// A forecast whose horizon is not over, or not known to be.
struct score_pending {
    uint64_t due_ns;
    double forecast; // price4
    uint32_t base;   // price when it was made
    uint32_t source; // in sources[]
};

struct score_symbol {
    uint32_t price; // the last one; 0: none yet
    uint32_t count, room;
    struct score_pending *pending; // heap: the first is due first
};

struct score {
    bool change;       // a value is a change of the price, not the price
    uint64_t late_ns;  // a price that comes later behind the horizon says nothing
    uint32_t count;    // sources
    uint32_t symbols;  // places of by_symbol
    uint64_t left_out; // signals of sources for which there was no room
    struct score_source sources[SCORE_SOURCES_MAX];
    struct score_symbol *by_symbol;
};

// <symbols>: how many numbers of symbols there are. False: no memory.
bool score_init(struct score *s, uint32_t symbols, bool change, uint64_t late_ns);
void score_free(struct score *s);
// A signal that came at <now_ns>. False: no memory.
bool score_signal(struct score *s, const char *source, const char *symbol, uint32_t instrument,
                  int64_t value, uint64_t now_ns, uint64_t horizon_ns);
// A price of the symbol, above 0. Times of a symbol do not go back.
void score_price(struct score *s, uint32_t instrument, uint32_t price, uint64_t now_ns);
// signals.c: every signal of a journal, <value> of its values, by the prices that stand in it.
// False with <err>.
bool score_journal(struct score *s, const char *directory, uint32_t value, struct error *err);
// What is still pending will have no price: the end, or symbols have other numbers from now on.
void score_cut(struct score *s);
