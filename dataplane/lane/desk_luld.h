// Estimated price bands at the desk (dataplane/feed/luld.h).
#pragma once

#include "dataplane/abi/commands.h"
#include "dataplane/lane/desk.h"

// The table of limits is another one, or sessions have been added: whether anything is estimated,
// and in which hours.
void desk_luld_limits(struct desk *d);
// Whether the order is outside of its symbol's band. Price, owner and the symbol's slot are known.
void desk_luld_gate(struct desk *d, struct gate_order *o);
// The edges of its symbol's band; 0 and UINT32_MAX where there is none, or none is known.
void desk_luld_band(struct desk *d, const struct gate_order *o, uint32_t *low, uint32_t *high);
// The band as somebody wants to see it, of the symbol at <slot> of the channel's book; nothing is
// changed by it.
enum band_source desk_luld_shown(const struct desk *d, const struct channel *ch, uint16_t slot,
                                 uint32_t instrument, uint32_t *low, uint32_t *high);
