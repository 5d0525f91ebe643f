// The continuous part of a generated day, and the draws that its other parts share with it.
// Internal to generate*.c.
#pragma once

#include "bench/exchange/generate.h"
#include "bench/exchange/itch_write.h"

// Moves the clock on by a heavy-tailed gap and fills the common fields.
struct itch_common mix_stamp(struct generator *g, uint32_t symbol);

void mix_init(struct generator *g);

// A new order of the symbol near its fair price; <pick> is a random number that decides side and
// distance.
uint32_t mix_add(struct generator *g, uint32_t symbol, uint64_t pick, uint8_t *message);

// Once, before the first mix_next.
void mix_begin(struct generator *g);

// One message of the mix.
uint32_t mix_next(struct generator *g, uint8_t *message);

// Executes up to <shares> of the first order at the best price of a side away from its display
// price.
uint32_t mix_executed_price(struct generator *g, uint32_t symbol, bool bid, char printable,
                            uint8_t *message);

uint32_t mix_shares(struct generator *g);

// Halts and other events that happen a few times a day (generate_rare.c).
void rare_init(struct generator *g, uint64_t mix_messages);
void rare_ipo(struct generator *g);
uint32_t rare_next(struct generator *g, uint8_t *message);
