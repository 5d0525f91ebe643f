// Hot path. What a symbol's book and state look like from outside: one sequence cell per symbol,
// rewritten whenever the best price, the last trade or the quality changes.
#pragma once

#include "dataplane/abi/cell.h"
#include "dataplane/base/hints.h"
#include "dataplane/book/book.h"
#include "dataplane/feed/channel.h"

// The best price of one side.
HOT_INLINE void best_publish(struct channel *ch, uint32_t slot, enum book_side side)
{
    static const struct level none;
    struct book_symbol *sym = &ch->book.symbols[slot];
    struct symbol_top *top = &ch->tops[slot];
    const uint32_t index = sym->side[side].top;
    const struct level *best = index == LEVEL_NONE ? &none : level_at(&ch->book, index);
    sym->changes++;
    ch->count->best_changes++;
    symbol_top_begin(top);
    top->price[side] = best->price;
    top->shares[side] = best->shares;
    top->orders[side] = best->orders;
    top->changes = (uint32_t)sym->changes;
    symbol_top_end(top);
    channel_touched(ch, slot);
}

// Last trade, volume, quality and trading state; rarer than the best price.
void symbol_publish(struct channel *ch, uint32_t slot);

// Works out the symbol's own quality from its flags and trading state; publishes it and raises an
// event if it changed.
void symbol_requalify(struct channel *ch, uint32_t slot);

// The channel as a whole; raises an event if it changed.
void channel_requalify(struct channel *ch, enum quality quality);
