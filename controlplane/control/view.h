// Values as the control socket shows them.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "controlplane/control/method.h"

// Integer with four implied decimals as a decimal text: "12.3400".
json_t *view_price(int64_t price4);
// The same of a sum of prices times shares, 64 bits without a sign.
json_t *view_notional(uint64_t price4);
// UTC as "2026-11-21T08:15:00.000000123Z"; null for 0.
json_t *view_utc(uint64_t ns);
json_t *view_ip(uint32_t address); // null for 0
json_t *view_count(uint64_t value);
// The digits as a text where it is more than a number of JSON can be here: whoever counts clips it,
// but a name that is a number is another one then.
json_t *view_number(uint64_t value);
// A character that the exchange sent, as a string; "" for none.
json_t *view_letter(uint8_t letter);
// A limit as the configuration counts it; null: none.
json_t *view_limit(unsigned control, uint64_t value);
// Bits of sessions as their names; "all", or numbers of those that have none.
json_t *view_venues(uint64_t bits, const char *(*name)(const void *context, uint32_t session),
                    const void *context);
// The worst of symbol and channel, by name.
json_t *view_quality(uint64_t symbol, uint64_t channel);

// Every counter of a scope by its name.
json_t *view_counters(enum counter_scope scope, const void *counters);

// Sum and quantiles of a histogram; its times are in nanoseconds.
json_t *view_latency(const struct contact *contact, const struct histogram *histogram);

// Index of a channel by its name, -1 when there is none.
int view_channel(const struct snapshot *snapshot, const char *name);
