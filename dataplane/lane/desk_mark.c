// Hot path. What positions are worth now: one of them a turn, all in turn; and what a loss breaks.
#include "dataplane/lane/desk_act.h"
#include "dataplane/lane/desk_parts.h"

#include "dataplane/abi/limit_control.h"
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
    if (mark == 0 || mark == r->money[at].mark)
        return;
    d->lane->input++;
    money_mark(r, at, mark);
}

static void day_tell(struct desk *d, enum trade_scope scope, uint32_t index)
{
    static const enum limit_control controls[] = {
        [LOSS_OF_DAY] = LIMIT_LIMITS_loss, [LOSS_FROM_BEST] = LIMIT_LIMITS_drawdown};
    struct owner_day *day = money_day(&d->risk, scope, index);
    for (uint32_t kind = 0; kind < LOSS_KINDS; kind++) {
        struct event event = {.type = EVENT_LOSS_BROKEN};
        if (!((day->broken & ~day->broken_told) >> kind & 1))
            continue;
        event.loss_broken.value = day->losses[kind].value;
        event.loss_broken.limit = day->losses[kind].limit;
        event.loss_broken.index = index;
        event.loss_broken.limits_version = d->limits->version;
        event.loss_broken.scope = (uint8_t)scope;
        event.loss_broken.control = (uint8_t)controls[kind];
        if (desk_publish(d, &event))
            day->broken_told |= (uint16_t)(1u << kind);
    }
    if (day->broken != day->broken_told)
        d->broken--; // no room: again in the next turn
}

// Rare, and bounded by the number of accounts.
void desk_losses_tell(struct desk *d)
{
    d->broken = d->risk.broken;
    desk_notes_tell(d);
    day_tell(d, TRADE_FIRM, 0);
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        day_tell(d, TRADE_ACCOUNT, i);
}
