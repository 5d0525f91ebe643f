// Readers of option values that are more than a number. Each names the option in its error.
// Internal to options*.c.
#pragma once

#include "bench/exchange/options.h"

// Whole number without sign, blanks or anything behind it.
bool value_number(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out,
                  struct error *err);

// 0 .. 1, or per cent with a sign, as a threshold of 2^32. NULL after an error, otherwise what is
// behind the number.
const char *value_probability(const char *option, const char *text, const char *number,
                              uint32_t *below, struct error *err);

bool value_speed(struct options *o, const char *text, struct error *err);
bool value_rate(struct options *o, const char *text, struct error *err);
bool value_mode(struct options *o, const char *text, struct error *err);
bool value_session(struct options *o, const char *text, struct error *err);
bool value_line(struct options *o, const char *text, struct error *err);
bool value_loss(struct options *o, const char *text, struct error *err);
bool value_duplicate(struct options *o, const char *text, struct error *err);
bool value_reorder(struct options *o, const char *text, struct error *err);
bool value_skew(struct options *o, const char *text, struct error *err);
bool value_interface(struct options *o, const char *text, struct error *err);
bool value_port(struct options *o, const char *text, struct error *err);
bool value_ip(struct options *o, const char *text, struct error *err);
bool value_when_full(struct options *o, const char *text, struct error *err);
bool value_rerequest(struct options *o, const char *text, struct error *err);
bool value_glimpse(struct options *o, const char *text, struct error *err);
bool value_idle(struct options *o, const char *text, struct error *err);

// option_trade.c
bool value_member(struct options *o, const char *text, struct error *err);
bool value_orders(struct options *o, const char *text, struct error *err);
bool value_drop_copy(struct options *o, const char *text, struct error *err);
bool value_drop_user(struct options *o, const char *text, struct error *err);
bool value_venue(struct options *o, const char *text, struct error *err);
bool value_fee(struct options *o, const char *text, struct error *err);
bool value_latency(struct options *o, const char *text, struct error *err);
bool value_rule(struct options *o, const char *text, struct error *err);
bool value_misbehave(struct options *o, const char *text, struct error *err);
bool trade_check(struct options *o, struct error *err);
