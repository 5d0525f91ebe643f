// What members are told about their orders, each with the line of the log that says what is true.
#include <string.h>

#include "bench/exchange/trade/state.h"

static void reply_send(struct bourse *b, uint32_t member, struct entry *e)
{
    uint8_t message[ENTRY_MAX];
    // No two answers leave a matching engine in one nanosecond.
    b->stamp_ns = b->day_ns > b->stamp_ns ? b->day_ns : b->stamp_ns + 1;
    e->time = b->stamp_ns;
    if (e->ref_index)
        e->has |= 1u << ENTRY_REF_INDEX;
    mischief_tape(b, member, message,
                  entry_write(member_protocol(b, member), ENTRY_OUT, e, message));
    copy_tell(b, member, e);
}

// An answer about an order: its numbers, nothing else of it.
static struct entry about(const struct ticket *t, char type)
{
    struct entry e = {.type = type, .ref = t->e.ref, .ref_index = t->e.ref_index};
    memcpy(e.token, t->e.token, sizeof e.token);
    return e;
}

static struct entry echo(const struct ticket *t, char type, bool live)
{
    struct entry e = t->e;
    e.type = type;
    e.quantity = live ? t->open : t->quantity;
    if (e.wire_display)
        e.display[0] = e.wire_display;
    e.reference = t->reference;
    e.state[0] = live ? 'L' : 'D';
    e.has |= 1u << ENTRY_FIRM;
    if (!e.bbo_weight[0])
        e.bbo_weight[0] = ' ';
    return e;
}

void reply_accepted(struct bourse *b, struct ticket *t, bool live)
{
    struct entry e = echo(t, 'A', live);
    b->counters.accepted++;
    record_ticket(b, BOURSE_ACCEPTED, t, t->quantity, 0, live ? NULL : "dead");
    reply_send(b, t->member, &e);
}

void reply_replaced(struct bourse *b, struct ticket *t, const struct ticket *old, bool live)
{
    struct entry e = echo(t, 'U', live);
    e.original = old->e.ref;
    memcpy(e.token_original, old->e.token, sizeof e.token_original);
    b->counters.replaced++;
    record_ticket(b, BOURSE_REPLACED, t, t->quantity, 0, live ? NULL : "dead");
    reply_send(b, t->member, &e);
}

void reply_canceled(struct bourse *b, struct ticket *t, uint32_t shares, char reason,
                    const char *text)
{
    struct entry e = about(t, 'C');
    e.quantity = shares;
    e.code[0] = reason;
    b->counters.canceled++;
    record_ticket(b, BOURSE_CANCELED, t, shares, (uint8_t)reason, text);
    reply_send(b, t->member, &e);
}

void reply_self_match(struct bourse *b, struct ticket *t, uint32_t shares, uint32_t prevented,
                      uint64_t price, char strategy)
{
    struct entry e = about(t, 'D');
    e.quantity = shares;
    e.prevented = prevented;
    e.price = price;
    e.code[0] = 'Q';
    e.strategy[0] = strategy;
    e.liquidity[0] = t->pit ? 'A' : 'R';
    record_ticket(b, BOURSE_SELF_MATCH, t, shares, 'Q', NULL);
    reply_send(b, t->member, &e);
}

void reply_executed(struct bourse *b, struct ticket *t, uint32_t shares, uint64_t price,
                    uint64_t match, char liquidity, int64_t fee_micro)
{
    struct entry e = about(t, 'E');
    struct money *money = money_at(b, t->member, t->locate);
    e.quantity = shares;
    e.price = price;
    e.match = match;
    e.liquidity[0] = liquidity;
    money->traded = true;
    money->position += t->bid ? (int64_t)shares : -(int64_t)shares;
    money->cash_micro -= (t->bid ? 1 : -1) * (int64_t)(price * shares) * 100 + fee_micro;
    b->counters.executed++;
    struct bourse_record r = {.event = BOURSE_EXECUTED,
                              .quantity = shares,
                              .price = price,
                              .match = match,
                              .liquidity = liquidity,
                              .fee_micro = fee_micro};
    record_fill(b, &r, t);
    reply_send(b, t->member, &e);
}

void reply_broken(struct bourse *b, struct ticket *t, uint64_t match, const struct execution *x,
                  int64_t fee_micro, char reason)
{
    struct entry e = about(t, 'B');
    struct money *money = money_at(b, t->member, t->locate);
    e.match = match;
    e.code[0] = reason;
    money->position -= t->bid ? (int64_t)x->shares : -(int64_t)x->shares;
    money->cash_micro += (t->bid ? 1 : -1) * (int64_t)(x->price * x->shares) * 100 + fee_micro;
    b->counters.broken++;
    struct bourse_record r = {.event = BOURSE_BROKEN,
                              .quantity = x->shares,
                              .price = x->price,
                              .match = match,
                              .reason = (uint8_t)reason,
                              .fee_micro = -fee_micro};
    record_fill(b, &r, t);
    reply_send(b, t->member, &e);
}

void reply_rejected(struct bourse *b, uint32_t member, const struct entry *request, uint32_t reason,
                    const char *text)
{
    struct entry e = {.type = 'J', .ref = request->ref, .ref_index = request->ref_index};
    memcpy(e.token, request->token, sizeof e.token);
    e.reason = reason;
    e.code[0] = (char)reason; // of 4.2: a letter
    b->counters.rejected++;
    struct bourse_record r = {.event = BOURSE_REJECTED,
                              .reason = (uint16_t)reason,
                              .quantity = (uint32_t)request->quantity,
                              .price = request->price,
                              .text = text};
    record_entry(b, &r, member, request);
    reply_send(b, member, &e);
}

void reply_plain(struct bourse *b, struct ticket *t, char type)
{
    struct entry e = about(t, type);
    e.side[0] = t->e.side[0];
    e.quantity = t->open;
    static const struct {
        char type;
        enum bourse_event event;
    } events[] = {
        {'P', BOURSE_CANCEL_PENDING}, {'I', BOURSE_CANCEL_REJECTED}, {'M', BOURSE_MODIFIED}};
    for (uint32_t i = 0; i < 3; i++)
        if (events[i].type == type)
            record_ticket(b, events[i].event, t, t->open, 0, NULL);
    reply_send(b, t->member, &e);
}

void reply_priority(struct bourse *b, struct ticket *t)
{
    struct entry e = about(t, 'T');
    e.price = t->e.price;
    e.display[0] = t->e.display[0];
    e.reference = t->reference;
    record_ticket(b, BOURSE_PRIORITY, t, t->open, 0, NULL);
    reply_send(b, t->member, &e);
}

void reply_restated(struct bourse *b, struct ticket *t, uint32_t shown)
{
    record_ticket(b, BOURSE_RESTATED, t, shown, 'R', NULL);
    if (member_protocol(b, t->member) == ENTRY_42)
        return; // has no such message
    struct entry e = about(t, 'R');
    e.code[0] = 'R';
    e.secondary = t->reference;
    e.display_quantity = shown;
    e.has = 1u << ENTRY_SECONDARY | 1u << ENTRY_DISPLAY_QUANTITY;
    reply_send(b, t->member, &e);
}

void reply_system(struct bourse *b, uint32_t member, char code)
{
    struct entry e = {.type = 'S'};
    e.code[0] = code;
    record_plain(b, BOURSE_DAY, member, 0, (uint8_t)code, NULL);
    reply_send(b, member, &e);
}

void reply_query(struct bourse *b, uint32_t member, uint64_t index)
{
    struct entry e = {.type = 'Q', .ref_index = index};
    e.ref = b->members[member].next_ref[index];
    record_plain(b, BOURSE_QUERY, member, e.ref, 0, NULL);
    reply_send(b, member, &e);
}

void reply_firm(struct bourse *b, uint32_t member, const struct entry *request, char type)
{
    struct entry e = *request;
    enum bourse_event event = type == 'X'   ? BOURSE_MASS_CANCEL
                              : type == 'G' ? BOURSE_DISABLED
                                            : BOURSE_ENABLED;
    e.type = type;
    struct bourse_record r = {.event = event};
    record_entry(b, &r, member, request);
    reply_send(b, member, &e);
}
