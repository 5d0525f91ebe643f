// Hot path. What a symbol's book and state look like from outside: one sequence cell per symbol,
// rewritten whenever the best price, the last trade or the quality changes.
#pragma once

#include "dataplane/abi/cell.h"
#include "dataplane/base/hints.h"
#include "dataplane/book/book.h"
#include "dataplane/feed/channel.h"

HOT_INLINE void best_publish(struct channel *ch, uint32_t slot)
{
    struct book_symbol *sym = &ch->book.symbols[slot];
    struct symbol_top *top = &ch->tops[slot];
    const struct level *bid = book_best(&ch->book, sym, BOOK_BID);
    const struct level *ask = book_best(&ch->book, sym, BOOK_ASK);
    sym->changes++;
    ch->count->best_changes++;
    symbol_top_begin(top);
    top->bid_price = bid ? bid->price : 0;
    top->bid_shares = bid ? bid->shares : 0;
    top->bid_orders = bid ? bid->orders : 0;
    top->ask_price = ask ? ask->price : 0;
    top->ask_shares = ask ? ask->shares : 0;
    top->ask_orders = ask ? ask->orders : 0;
    top->changes = (uint32_t)sym->changes;
    symbol_top_end(top);
}

// Last trade, volume, quality and trading state; rarer than the best price.
void symbol_publish(struct channel *ch, uint32_t slot);

// Works out the symbol's own quality from its flags and trading state; publishes it and raises an
// event if it changed.
void symbol_requalify(struct channel *ch, uint32_t slot);

// The channel as a whole; raises an event if it changed.
void channel_requalify(struct channel *ch, enum quality quality);
