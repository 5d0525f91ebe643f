#include "dataplane/feed/told.h"

#include <string.h>

// As last told in this session; a symbol of which nothing was said does not trade.
static struct symbol_told *told_of(struct channel *ch, uint16_t locate)
{
    struct symbol_told *told = &ch->told[locate];
    if (told->session != ch->session_number)
        *told = (struct symbol_told){.session = ch->session_number, .quality = QUALITY_HALTED};
    return told;
}

void told_quality(struct channel *ch, uint32_t slot)
{
    const struct book_symbol *sym = &ch->book.symbols[slot];
    if (ch->told == NULL)
        return;
    struct symbol_told *told = told_of(ch, sym->locate);
    if (told->quality == sym->quality)
        return;
    struct event event = {.type = EVENT_SYMBOL_QUALITY};
    event.symbol_quality.channel = ch->index;
    event.symbol_quality.locate = sym->locate;
    event.symbol_quality.was = told->quality;
    event.symbol_quality.now = sym->quality;
    told->quality = sym->quality;
    ch->sink.event(ch->sink.context, &event);
}

void told_status(struct channel *ch, uint32_t slot)
{
    const struct book_symbol *sym = &ch->book.symbols[slot];
    if (ch->told == NULL)
        return;
    struct symbol_told *told = told_of(ch, sym->locate);
    struct event event = {.type = EVENT_TRADING_STATUS};
    told->trading_state = sym->trading_state;
    told->operational_halt = (sym->flags & SYMBOL_OP_HALT) != 0;
    memcpy(told->reason, ch->book.infos[slot].halt_reason, sizeof told->reason);
    event.trading_status.channel = ch->index;
    event.trading_status.locate = sym->locate;
    event.trading_status.state = told->trading_state;
    event.trading_status.operational_halt = told->operational_halt;
    memcpy(event.trading_status.reason, told->reason, sizeof told->reason);
    ch->sink.event(ch->sink.context, &event);
}

void told_system_event(struct channel *ch, uint8_t code)
{
    struct event event = {.type = EVENT_SYSTEM_EVENT};
    ch->market.system_event = code;
    if (ch->told == NULL)
        return;
    event.system_event.channel = ch->index;
    event.system_event.code = code;
    ch->sink.event(ch->sink.context, &event);
}

void told_breaker(struct channel *ch, uint8_t level)
{
    struct event event = {.type = EVENT_CIRCUIT_BREAKER};
    ch->market.mwcb_breached = level;
    if (ch->told == NULL)
        return;
    event.circuit_breaker.channel = ch->index;
    event.circuit_breaker.level = level;
    ch->sink.event(ch->sink.context, &event);
}

// --- a book that came back ---

// What a snapshot leaves out of the market is as it was.
void told_review_begin(struct channel *ch)
{
    const struct channel_market loaded = ch->loaded;
    ch->loaded = (struct channel_market){0};
    if (loaded.mwcb_levels[0])
        memcpy(ch->market.mwcb_levels, loaded.mwcb_levels, sizeof loaded.mwcb_levels);
    if (loaded.system_event && loaded.system_event != ch->market.system_event)
        told_system_event(ch, loaded.system_event);
    if (loaded.mwcb_breached && loaded.mwcb_breached != ch->market.mwcb_breached)
        told_breaker(ch, loaded.mwcb_breached);
    ch->told_next = 0;
    ch->told_end = ch->book.symbol_count;
}

static bool status_differs(struct channel *ch, uint32_t slot)
{
    const struct book_symbol *sym = &ch->book.symbols[slot];
    if (sym->trading_state == 0 && !(sym->flags & SYMBOL_OP_HALT))
        return false; // the snapshot does not say
    const struct symbol_told *told = told_of(ch, sym->locate);
    return told->trading_state != sym->trading_state ||
           told->operational_halt != ((sym->flags & SYMBOL_OP_HALT) != 0) ||
           memcmp(told->reason, ch->book.infos[slot].halt_reason, sizeof told->reason) != 0;
}

void told_review(struct channel *ch)
{
    if (!told_review_due(ch))
        return;
    for (uint32_t n = 0; n < TOLD_SYMBOLS_A_TURN && ch->told_next < ch->told_end; n++) {
        const uint32_t slot = ch->told_next++;
        if (status_differs(ch, slot))
            told_status(ch, slot);
        told_quality(ch, slot);
    }
}
