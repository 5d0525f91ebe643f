// Hot path. What positions are worth now: one of them a turn, all in turn.
#include "dataplane/lane/desk_parts.h"

#include "dataplane/book/book.h"

// The middle of the best prices, else the last trade; 0: not known.
static uint32_t mark_in(const struct channel *ch, uint16_t slot)
{
    const struct book_symbol *symbol = &ch->book.symbols[slot];
    const struct level *bid = book_best(&ch->book, symbol, BOOK_BID);
    const struct level *ask = book_best(&ch->book, symbol, BOOK_ASK);
    return bid && ask ? (uint32_t)(((uint64_t)bid->price + ask->price) / 2) : symbol->last_price;
}

// By the first venue whose book can be trusted and has a price.
static uint32_t mark_of(const struct desk *d, uint32_t instrument)
{
    const struct desk_instrument *in = &d->instruments[instrument];
    uint32_t mark = 0;
    for (uint32_t s = 0; s < d->session_count && mark == 0; s++) {
        const struct channel *ch = d->sessions[s].channel;
        const uint16_t slot = in->slot[s];
        if (ch && slot != SYMBOL_NONE && !ch->book_lent &&
            channel_symbol_quality(ch, slot) <= QUALITY_HALTED)
            mark = mark_in(ch, slot);
    }
    return mark;
}

void desk_mark_turn(struct desk *d)
{
    struct risk *r = &d->risk;
    if (r->position_count == 0)
        return;
    const uint32_t at = d->mark_at;
    const struct position *p = &r->positions[at];
    d->mark_at = (at + 1) & r->position_mask;
    if (LIKELY(p->shares == 0))
        return;
    const uint32_t mark = mark_of(d, (p->key - 1) & UINT16_MAX);
    if (mark == 0 || mark == p->mark)
        return;
    d->lane->input++;
    money_mark(r, at, mark);
}
