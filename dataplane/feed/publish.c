// Hot path.
#include "dataplane/feed/publish.h"

#include "dataplane/feed/told.h"

void symbol_publish(struct channel *ch, uint32_t slot)
{
    const struct book_symbol *sym = &ch->book.symbols[slot];
    struct symbol_top *top = &ch->tops[slot];
    symbol_top_begin(top);
    top->locate = sym->locate;
    top->quality = sym->quality;
    top->trading_state = sym->trading_state;
    top->last_price = sym->last_price;
    top->last_shares = sym->last_shares;
    top->volume = sym->volume;
    symbol_top_end(top);
    channel_touched(ch, slot);
}

static enum quality symbol_own_quality(const struct book_symbol *sym)
{
    if (sym->flags & SYMBOL_SUSPECT)
        return QUALITY_SUSPECT;
    return sym->trading_state != 'T' || sym->flags & SYMBOL_OP_HALT ? QUALITY_HALTED : QUALITY_GOOD;
}

void symbol_requalify(struct channel *ch, uint32_t slot)
{
    struct book_symbol *sym = &ch->book.symbols[slot];
    enum quality was = sym->quality, now = symbol_own_quality(sym);
    sym->quality = (uint8_t)now;
    symbol_publish(ch, slot);
    told_quality(ch, slot);
    ch->count->symbols_suspect += now == QUALITY_SUSPECT;
    ch->count->symbols_suspect -= was == QUALITY_SUSPECT;
}

void channel_requalify(struct channel *ch, enum quality quality)
{
    if (ch->quality == quality)
        return;
    struct event event = {.type = EVENT_CHANNEL_QUALITY};
    event.channel_quality.channel = ch->index;
    event.channel_quality.was = ch->quality;
    event.channel_quality.now = (uint8_t)quality;
    event.channel_quality.sequence = ch->arbiter.next;
    ch->quality = (uint8_t)quality;
    ch->count->quality = quality;
    ch->sink.event(ch->sink.context, &event);
}

void channel_gauges(struct channel *ch)
{
    for (uint32_t line = 0; line < ch->config.line_count; line++)
        ch->lines[line]->last_seen = ch->last_seen[line];
    ch->count->next_sequence = ch->arbiter.next;
    if (ch->book_lent)
        return;
    ch->count->orders_live = ch->book.orders_live;
    ch->count->orders_peak = ch->book.orders_peak;
    ch->count->levels_live = ch->book.levels_live;
}
