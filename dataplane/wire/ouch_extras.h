// What few orders ask for: options of OUCH 5.0, and fields in which they differ from their session.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/wire/ouch50.h"

struct ouch_extras {
    struct ouch50_options options;
    char capacity; // A P R O; 0: the session's
    char iso;      // Y, N: intermarket sweep; 0: N
    char cross;    // N O C H S R E A; 0: N
};

// What extras are asked for, to be judged by.
struct ouch_asked {
    uint32_t quantity;
    uint32_t price;
    char side;          // B S T E
    char time_in_force; // 0 3 5 6 E
    char display;       // Y N A
};

// Bits of the tags that an enter, a replace and OUCH 4.2 may carry.
extern const uint32_t ouch_extras_enter, ouch_extras_replace, ouch_extras_42;

// False: a value that the specification does not have, or words that contradict each other
// (docs/orders.md has the list).
bool ouch_extras_good(const struct ouch_extras *extras, const struct ouch_asked *asked);

// Display letter of OUCH 4.2 that says the same; 0: there is none, or more is asked for than 4.2
// has.
char ouch42_display(const struct ouch_extras *extras, char display);

// Options of <own>, and of <other> those that <own> does not have.
void ouch50_options_join(struct ouch50_options *own, const struct ouch50_options *other);

// It takes part in a cross alone: opening, closing, halt or after hours. R, E and S trade in the
// continuous market.
static inline bool ouch_extras_auction(const struct ouch_extras *extras)
{
    const char cross = extras->cross;
    return cross == 'O' || cross == 'C' || cross == 'H' || cross == 'A';
}

static inline bool ouch_extras_opening(const struct ouch_extras *extras)
{
    return extras->cross == 'O';
}

// It does not execute on entry. N says nothing.
static inline bool ouch_extras_post_only(const struct ouch_extras *extras)
{
    return extras->options.present & 1u << OUCH50_TAG_POST_ONLY && extras->options.post_only == 'P';
}

// Its price, or the price of its discretion, follows the market.
static inline bool ouch_extras_pegs(const struct ouch_extras *extras)
{
    const struct ouch50_options *o = &extras->options;
    return (o->present & 1u << OUCH50_TAG_PRICE_TYPE && o->price_type != 'L') ||
           (o->present & 1u << OUCH50_TAG_DISCRETION_TYPE && o->discretion_type != 'L');
}

// The furthest an order may execute: its price, or its discretion.
static inline uint32_t ouch_extras_reach(const struct ouch_extras *extras)
{
    return extras->options.present & 1u << OUCH50_TAG_DISCRETION_PRICE
               ? (uint32_t)extras->options.discretion_price
               : 0;
}
