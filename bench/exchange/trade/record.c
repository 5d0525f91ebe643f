// The exchange's own log: what is true, whatever it told its members.
#include <string.h>

#include "bench/exchange/trade/state.h"

const char *const bourse_event_names[BOURSE_EVENTS] = {
#define BOURSE_EVENT(name, text, help) [BOURSE_##name] = text,
#include "bench/exchange/trade/bourse_events.def"
#undef BOURSE_EVENT
};

void record_write(struct bourse *b, struct bourse_record *r)
{
    r->number = ++b->record_number;
    r->now_ns = b->now_ns;
    r->day_ns = b->day_ns;
    if (b->config.record)
        b->config.record(b->config.context, r);
}

void record_plain(struct bourse *b, enum bourse_event event, uint32_t member, uint64_t quantity,
                  uint32_t reason, const char *text)
{
    struct bourse_record r = {.event = event,
                              .member = (uint8_t)member,
                              .quantity = (uint32_t)quantity,
                              .reason = (uint16_t)reason,
                              .text = text};
    record_write(b, &r);
}

// Without the blanks behind it.
static void trimmed(char *to, const char *from, uint32_t length)
{
    while (length && (from[length - 1] == ' ' || from[length - 1] == 0))
        length--;
    memcpy(to, from, length);
    to[length] = 0;
}

void record_entry(struct bourse *b, struct bourse_record *r, uint32_t member, const struct entry *e)
{
    r->member = (uint8_t)member;
    r->user_ref = (uint32_t)e->ref;
    r->user_ref_original = (uint32_t)e->original;
    r->user_ref_index = (uint8_t)e->ref_index;
    r->side = e->side[0];
    trimmed(r->token, e->token, sizeof e->token);
    trimmed(r->token_original, e->token_original, sizeof e->token_original);
    trimmed(r->symbol, e->symbol, sizeof e->symbol);
    record_write(b, r);
}

void record_fill(struct bourse *b, struct bourse_record *r, const struct ticket *t)
{
    const struct money *money = money_at(b, t->member, t->locate);
    r->locate = t->locate;
    r->open = t->open;
    r->executed = t->chain_executed + t->executed;
    r->reference = t->reference;
    r->position = money->position;
    r->cash_micro = money->cash_micro;
    record_entry(b, r, t->member, &t->e);
}

void record_ticket(struct bourse *b, enum bourse_event event, const struct ticket *t,
                   uint32_t quantity, uint32_t reason, const char *text)
{
    struct bourse_record r = {.event = event,
                              .quantity = quantity,
                              .reason = (uint16_t)reason,
                              .price = t->e.price,
                              .text = text};
    record_fill(b, &r, t);
}
