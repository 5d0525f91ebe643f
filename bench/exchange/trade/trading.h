// --mode trade: the running exchange with its trading half. The source's messages pass through the
// books when they are due; what members do is published between them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/exchange/exchange.h"

// Books, log and gates. After a failure trading_close is still needed.
bool trading_open(struct exchange *x, struct error *err);
void trading_close(struct exchange *x);

// Moves what members send and get; with <failed> also the market. True when there was anything.
bool trading_turn(struct exchange *x, uint64_t now_ns, bool *failed, struct error *err);

// When the next turn has something to do as far as the clock decides it, and what to poll for the
// rest (-1: nothing).
uint64_t trading_due(const struct exchange *x);
int trading_wake(const struct exchange *x);

// The source is not over, or --linger-s has not passed since. False without trading.
bool trading_lingers(const struct exchange *x, uint64_t now_ns);

// The day is over: orders are cancelled, sessions end. What members still have to get goes out in
// the turns that follow.
void trading_end(struct exchange *x);

const struct bourse_counters *trading_counters(const struct exchange *x);
