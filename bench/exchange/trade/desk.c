// What members ask for: one function for each message (OUCH 5.0 section 2, 4.2 section 2).
#include "bench/exchange/trade/state.h"

#include <string.h>

#include "dataplane/base/hints.h"

static void ignore(struct bourse *b, uint32_t member, const struct entry *e, const char *text)
{
    struct bourse_record r = {
        .event = BOURSE_IGNORED, .quantity = (uint32_t)e->quantity, .text = text};
    b->counters.ignored++;
    record_entry(b, &r, member, e);
}

// Whether a number or token was not used yet. Numbers of 5.0 only grow.
static bool unused(struct bourse *b, uint32_t member, const struct entry *e)
{
    if (member_protocol(b, member) == ENTRY_50)
        return e->ref >= b->members[member].next_ref[e->ref_index] && e->ref < UINT32_MAX;
    return !ticket_find(b, member, 0, 0, e->token);
}

static void consume(struct bourse *b, uint32_t member, const struct entry *e)
{
    if (member_protocol(b, member) == ENTRY_50)
        b->members[member].next_ref[e->ref_index] = (uint32_t)e->ref + 1;
}

// A refused order of 4.2 stays known by its token, which cannot be used again.
static void refuse(struct bourse *b, uint32_t member, const struct entry *e, uint32_t code,
                   const char *text)
{
    reply_rejected(b, member, e, code, text);
    if (member_protocol(b, member) != ENTRY_42 || ticket_find(b, member, 0, 0, e->token))
        return;
    uint32_t number = ticket_new(b, member, e);
    ticket_at(b, number)->open = 0;
    ticket_index(b, number, false);
}

static void firm_default(const struct bourse *b, uint32_t member, struct entry *e)
{
    if (e->firm[0] != 0 && memcmp(e->firm, "    ", 4) != 0)
        return;
    const char *firm = b->config.members[member].firm;
    memset(e->firm, ' ', sizeof e->firm);
    memcpy(e->firm, firm, strnlen(firm, sizeof e->firm));
}

static void expire_set(const struct bourse *b, struct ticket *t)
{
    if (field_is(t->e.tif, "6"))
        t->expire_ns = b->day_ns + t->e.expire_s * BOURSE_SECOND;
}

static enum rule judge(struct bourse *b, struct ticket *t, bool bad_options, uint32_t *code)
{
    enum rule rule = bad_options ? RULE_OPTIONS : rules_check(b, t);
    if (rule != RULE_NONE)
        *code = rule_code(member_protocol(b, t->member), rule);
    return rule;
}

static void enter(struct bourse *b, uint32_t member, struct entry *e, bool bad_options)
{
    uint32_t code = 0;
    if (!unused(b, member, e)) {
        ignore(b, member, e, "number or token used before");
        return;
    }
    consume(b, member, e);
    firm_default(b, member, e);
    uint32_t number = ticket_new(b, member, e);
    struct ticket *t = ticket_at(b, number);
    enum rule rule = judge(b, t, bad_options, &code);
    if (rule != RULE_NONE) {
        refuse(b, member, e, code, rule_text(rule));
        return;
    }
    if (mischief_reject(b, member, &code)) {
        refuse(b, member, e, code, "on purpose");
        return;
    }
    expire_set(b, t);
    ticket_index(b, number, true);
    bool live = match_prepare(b, number);
    if (!live)
        t->open = 0;
    reply_accepted(b, t, live);
    if (live)
        match_enter(b, number, 0);
}

// The original is cancelled when the replacement cannot be; its number may be used again.
static void replace_failed(struct bourse *b, uint32_t original, const struct entry *e,
                           const char *text)
{
    struct ticket *old = ticket_at(b, original);
    struct bourse_record r = {.event = BOURSE_IGNORED, .text = text};
    record_entry(b, &r, old->member, e);
    ticket_cancel(b, original, old->open, 'U', text);
}

static void replace_do(struct bourse *b, uint32_t original, uint32_t number)
{
    struct ticket *t = ticket_at(b, number), *old = ticket_at(b, original);
    uint64_t line = old->pit && old->shown ? old->reference : 0;
    consume(b, t->member, &t->e);
    expire_set(b, t);
    match_leave(b, original, false);
    old->open = 0;
    ticket_close(b, original);
    ticket_index(b, number, true);
    bool live = match_prepare(b, number);
    if (!live)
        t->open = 0;
    reply_replaced(b, t, old, live);
    if (live)
        match_enter(b, number, line);
    else if (line)
        lines_delete(b, line, t->locate);
}

// Side, symbol, capacity, cross and firm stay; everything else, options included, is as asked now.
static void replacement(const struct ticket *old, struct entry *e)
{
    memcpy(e->side, old->e.side, sizeof e->side);
    memcpy(e->symbol, old->e.symbol, sizeof e->symbol);
    memcpy(e->capacity, old->e.capacity, sizeof e->capacity);
    memcpy(e->cross, old->e.cross, sizeof e->cross);
    memcpy(e->firm, old->e.firm, sizeof e->firm);
    memcpy(e->customer, old->e.customer, sizeof e->customer);
}

static void replace(struct bourse *b, uint32_t member, struct entry *e, bool bad_options)
{
    uint32_t original = ticket_find(b, member, e->ref_index, e->original, e->token_original);
    uint32_t code = 0;
    if (!original || !ticket_at(b, original)->open) {
        ignore(b, member, e, "the original is not open");
        return;
    }
    if (!unused(b, member, e)) {
        ignore(b, member, e, "number or token used before");
        return;
    }
    replacement(ticket_at(b, original), e);
    uint32_t number = ticket_new(b, member, e);
    struct ticket *t = ticket_at(b, number), *old = ticket_at(b, original);
    uint64_t total = e->quantity, used = ticket_used(old);
    t->chain = ticket_used(old);
    t->chain_executed = old->chain_executed + old->executed;
    t->quantity = t->open = total > used ? (uint32_t)(total - used) : 0;
    enum rule rule = cross_late(b, old) ? RULE_CANCEL_LATE : judge(b, t, bad_options, &code);
    if (rule == RULE_CANCEL_LATE)
        code = rule_code(member_protocol(b, member), rule);
    if (rule != RULE_NONE && rule_keeps(rule)) {
        consume(b, member, e);
        refuse(b, member, e, code, rule_text(rule));
    } else if (rule != RULE_NONE || total > BOURSE_QUANTITY_MAX) {
        replace_failed(b, original, e, rule == RULE_NONE ? "invalid quantity" : rule_text(rule));
    } else if (mischief_reject(b, member, &code)) {
        consume(b, member, e);
        refuse(b, member, e, code, "on purpose");
    } else {
        replace_do(b, original, number);
    }
}

// What may be open when at most <total> shares of the whole chain shall trade.
static uint32_t target(const struct ticket *t, uint64_t total)
{
    uint32_t used = ticket_used(t);
    return total > used ? (uint32_t)(total - used) : 0;
}

// A late cross order: told once that it stays until the cross.
static void cancel_late(struct bourse *b, uint32_t member, struct ticket *t, const struct entry *e,
                        bool whole)
{
    bool *told = whole ? &t->pending_told : &t->reject_told;
    if (*told) {
        ignore(b, member, e, "answered before");
        return;
    }
    *told = true;
    reply_plain(b, t, whole ? 'P' : 'I');
}

static void cancel(struct bourse *b, uint32_t member, struct entry *e, bool bad_options)
{
    uint32_t number = ticket_find(b, member, e->ref_index, e->ref, e->token);
    struct ticket *t = ticket_at(b, number);
    (void)bad_options;
    if (!number || !t->open) {
        ignore(b, member, e, "the order is not open");
        return;
    }
    uint32_t keep = target(t, e->quantity);
    if (keep >= t->open)
        ignore(b, member, e, "nothing to cancel");
    else if (cross_late(b, t))
        cancel_late(b, member, t, e, keep == 0);
    else
        ticket_cancel(b, number, t->open - keep, 'U', NULL);
}

// 5.0 lets a sale become a shorter one only; 4.2 every change among sales.
static bool side_allowed(enum entry_protocol protocol, char from, char to)
{
    if (from == to)
        return true;
    if (protocol == ENTRY_42)
        return from != 'B' && field_is(&to, "STE");
    return (from == 'S' && field_is(&to, "ET")) || (from == 'E' && to == 'T');
}

// Larger: the order loses its priority. Smaller: as a cancel, but answered by M.
static void modify(struct bourse *b, uint32_t member, struct entry *e, bool bad_options)
{
    uint32_t number = ticket_find(b, member, e->ref_index, e->ref, e->token);
    struct ticket *t = ticket_at(b, number);
    (void)bad_options;
    if (!number || !t->open) {
        ignore(b, member, e, "the order is not open");
        return;
    }
    uint32_t keep = target(t, e->quantity);
    if (!side_allowed(member_protocol(b, member), t->e.side[0], e->side[0]) ||
        e->quantity > BOURSE_QUANTITY_MAX || cross_late(b, t)) {
        ignore(b, member, e, "no such change is allowed");
        return;
    }
    t->e.side[0] = e->side[0];
    if (keep == 0) {
        ticket_cancel(b, number, t->open, 'U', "modified to nothing");
        return;
    }
    bool grows = keep > t->open;
    if (keep < t->open)
        ticket_shrink(b, number, t->open - keep);
    t->open = keep;
    reply_plain(b, t, 'M');
    if (grows && t->pit)
        match_again(b, number);
}

static bool number_taken(struct bourse *b, uint32_t member, const struct entry *e)
{
    if (unused(b, member, e)) {
        consume(b, member, e);
        return true;
    }
    ignore(b, member, e, "number used before");
    return false;
}

static bool blank(const char *field, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        if (field[i] != ' ' && field[i] != 0)
            return false;
    return true;
}

// Firm, symbol, side and group narrow the scope where they are given.
static bool in_scope(const struct ticket *t, const struct entry *e)
{
    if (!blank(e->firm, 4) && memcmp(t->e.firm, e->firm, 4) != 0)
        return false;
    if (!blank(e->symbol, 8) && memcmp(t->e.symbol, e->symbol, 8) != 0)
        return false;
    if (entry_has(e, ENTRY_MASS_SIDE) && t->bid != (e->side[0] == 'B'))
        return false;
    return !entry_has(e, ENTRY_GROUP) || (entry_has(&t->e, ENTRY_GROUP) && t->e.group == e->group);
}

static void mass_cancel(struct bourse *b, uint32_t member, struct entry *e, bool bad_options)
{
    if (!number_taken(b, member, e))
        return;
    if (bad_options || (!blank(e->symbol, 8) && !pit_locate(&b->pit, e->symbol))) {
        enum rule rule = bad_options ? RULE_OPTIONS : RULE_SYMBOL;
        reply_rejected(b, member, e, rule_code(ENTRY_50, rule), rule_text(rule));
        return;
    }
    reply_firm(b, member, e, 'X');
    for (uint32_t n = b->members[member].open_first, next; n; n = next) {
        struct ticket *t = ticket_at(b, n);
        next = t->next;
        if (!in_scope(t, e))
            continue;
        if (cross_late(b, t))
            cancel_late(b, member, t, e, true);
        else
            ticket_cancel(b, n, t->open, 'U', "mass cancel");
    }
}

static void firm_switch(struct bourse *b, uint32_t member, struct entry *e, bool bad_options)
{
    struct member *m = &b->members[member];
    bool disable = e->type == 'D';
    uint32_t place = 0;
    if (!number_taken(b, member, e))
        return;
    firm_default(b, member, e);
    while (place < m->disabled_count && memcmp(m->disabled[place], e->firm, 4) != 0)
        place++;
    if (bad_options || (disable && place == BOURSE_FIRMS_DISABLED)) {
        reply_rejected(b, member, e, rule_code(ENTRY_50, RULE_OPTIONS), rule_text(RULE_OPTIONS));
        return;
    }
    if (disable && place == m->disabled_count)
        memcpy(m->disabled[m->disabled_count++], e->firm, 4);
    else if (!disable && place < m->disabled_count)
        memcpy(m->disabled[place], m->disabled[--m->disabled_count], 4);
    reply_firm(b, member, e, disable ? 'G' : 'K');
}

static void query(struct bourse *b, uint32_t member, struct entry *e, bool bad_options)
{
    (void)bad_options;
    reply_query(b, member, e->ref_index);
}

// 4.2: a waiting order takes what it can.
static void trade_now(struct bourse *b, uint32_t member, struct entry *e, bool bad_options)
{
    uint32_t number = ticket_find(b, member, 0, 0, e->token);
    struct ticket *t = ticket_at(b, number);
    (void)bad_options;
    if (!number || !t->open || !t->pit) {
        ignore(b, member, e, "the order is not open");
        return;
    }
    reply_plain(b, t, 'N');
    if (!match_halted(b, t->locate))
        match_uncross_one(b, number);
}

// What 4.2 says with fields of its own, in terms of 5.0.
static void translate(struct entry *e)
{
    static const struct {
        char wire, display, post_only, price_type, instruction;
    } rows[] = {{'A', 'A', 0, 0, 0},     {'Y', 'Y', 0, 0, 0},   {'N', 'N', 0, 0, 0},
                {'P', 'Y', 'P', 0, 0},   {'I', 'N', 0, 0, 'I'}, {'M', 'N', 0, 'M', 0},
                {'W', 'N', 'P', 'M', 0}, {'L', 'A', 'P', 0, 0}, {'m', 'N', 0, 'm', 0},
                {'n', 'N', 0, 0, 0}};
    e->wire_display = e->display[0];
    e->display[0] = '?';
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].wire != e->wire_display)
            continue;
        e->display[0] = rows[i].display;
        e->post_only[0] = rows[i].post_only;
        e->price_type[0] = rows[i].price_type;
        e->handle_inst[0] = rows[i].instruction;
        e->has |= (rows[i].price_type ? 1u << ENTRY_PRICE_TYPE : 0) |
                  (rows[i].instruction ? 1u << ENTRY_HANDLE_INST : 0);
    }
    e->tif[0] = e->tif_s == 0       ? '3'
                : e->tif_s < 99998  ? '6'
                : e->tif_s == 99998 ? '0'
                : e->tif_s == 99999 ? '5'
                                    : '?';
    e->expire_s = e->tif_s < 86400 ? e->tif_s : 86399;
    if (e->price >= BOURSE_PRICE_MARKET && e->price != 0x7fffffff)
        e->price = 0; // 4.2 knows one market price only
}

static const struct {
    uint8_t protocol;
    char type;
    void (*handle)(struct bourse *b, uint32_t member, struct entry *e, bool bad_options);
    const char *text;
} rows[] = {
    {ENTRY_50, 'O', enter, "enter"},         {ENTRY_50, 'U', replace, "replace"},
    {ENTRY_50, 'X', cancel, "cancel"},       {ENTRY_50, 'M', modify, "modify"},
    {ENTRY_50, 'Q', query, "query"},         {ENTRY_50, 'C', mass_cancel, "mass cancel"},
    {ENTRY_50, 'D', firm_switch, "disable"}, {ENTRY_50, 'E', firm_switch, "enable"},
    {ENTRY_42, 'O', enter, "enter"},         {ENTRY_42, 'U', replace, "replace"},
    {ENTRY_42, 'X', cancel, "cancel"},       {ENTRY_42, 'M', modify, "modify"},
    {ENTRY_42, 'N', trade_now, "trade now"},
};

void desk_message(struct bourse *b, uint32_t member, const uint8_t *message, uint32_t length)
{
    enum entry_protocol protocol = member_protocol(b, member);
    struct entry e;
    enum entry_result result = entry_read(protocol, ENTRY_IN, message, length, &e);
    b->counters.requests++;
    if (result == ENTRY_UNKNOWN || result == ENTRY_LENGTH) {
        b->counters.malformed++;
        ignore(b, member, &e, result == ENTRY_LENGTH ? "wrong length" : "unknown message");
        return;
    }
    b->counters.malformed += result == ENTRY_APPENDAGE;
    if (protocol == ENTRY_42 && (e.type == 'O' || e.type == 'U'))
        translate(&e);
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].protocol != protocol || rows[i].type != e.type)
            continue;
        struct bourse_record r = {.event = BOURSE_REQUEST,
                                  .quantity = (uint32_t)e.quantity,
                                  .price = e.price,
                                  .text = rows[i].text};
        record_entry(b, &r, member, &e);
        rows[i].handle(b, member, &e, result == ENTRY_APPENDAGE);
    }
    if (b->watched_count)
        match_watched(b, 0);
    mischief_request(b, member);
    mischief_settle(b);
}
