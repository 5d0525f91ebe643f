// The instance: configuration, clocks, what the exchange does by itself, what is true.
#include <stdlib.h>
#include <string.h>

#include "bench/exchange/trade/state.h"
#include "dataplane/base/check.h"

enum { INDEX_FIRST = 4096 };

// Of all parties, members first.
static bool party_next(const struct bourse_config *c, uint32_t *place)
{
    if (*place >= c->member_count && *place < BOURSE_MEMBERS)
        *place = BOURSE_MEMBERS;
    return *place < BOURSE_MEMBERS + c->copy_count;
}

static bool config_check(const struct bourse_config *c, struct error *err)
{
    if (c->member_count == 0 || c->member_count > BOURSE_MEMBERS)
        return error_set(err, EXIT_USAGE, "members: %u are not 1 to %d", c->member_count,
                         BOURSE_MEMBERS);
    if (c->copy_count > BOURSE_COPIES)
        return error_set(err, EXIT_USAGE, "drop copies: %u are more than %d", c->copy_count,
                         BOURSE_COPIES);
    for (uint32_t i = 0; party_next(c, &i); i++) {
        const struct bourse_member *m = &c->members[i];
        if (!m->user[0] || !m->session[0])
            return error_set(err, EXIT_USAGE, "member %u: a user and a session are wanted", i + 1);
        for (uint32_t j = i < BOURSE_MEMBERS ? 0 : BOURSE_MEMBERS; j < i; j++)
            if (strcmp(m->user, c->members[j].user) == 0)
                return error_set(err, EXIT_USAGE, "member %s: given twice", m->user);
    }
    return true;
}

struct bourse *bourse_make(const struct bourse_config *config, struct error *err)
{
    if (!config_check(config, err))
        return NULL;
    struct bourse *b = calloc(1, sizeof *b);
    if (!b || !pit_init(&b->pit) || !(b->index = calloc(INDEX_FIRST, sizeof *b->index))) {
        error_set(err, EXIT_FAILED, "the books of the exchange: no memory");
        bourse_free(b);
        return NULL;
    }
    b->config = *config;
    b->index_count = INDEX_FIRST;
    b->ticket_count = 1;
    b->tickets = array_room(NULL, 0, &b->ticket_room, sizeof *b->tickets);
    b->expire_next_ns = UINT64_MAX;
    random_seed(&b->random, config->seed);
    for (uint32_t i = 0; party_next(config, &i); i++) {
        struct member *m = &b->members[i];
        memcpy(m->session, config->members[i].session, sizeof m->session);
        if (!b->config.members[i].firm[0])
            memcpy(b->config.members[i].firm, "TGTE", 5);
        m->visitor = -1;
        for (uint32_t k = 0; k < 256; k++)
            m->next_ref[k] = 1;
    }
    return b;
}

void bourse_free(struct bourse *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; i < BOURSE_PARTIES; i++) {
        tape_clear(&b->members[i].tape);
        free(b->members[i].tickets);
        free(b->members[i].money);
        free(b->members[i].executions);
    }
    for (uint32_t i = 0; i < BOURSE_VISITORS; i++)
        visitor_free(&b->visitors[i]);
    pit_free(&b->pit);
    free(b->tickets);
    free(b->index);
    free(b->executions);
    free(b->watched);
    free(b);
}

void bourse_clock(struct bourse *b, uint64_t now_ns, uint64_t day_ns)
{
    if (now_ns > b->now_ns)
        b->now_ns = now_ns;
    day_clock(b, day_ns);
    for (uint32_t i = 0; i < b->config.member_count; i++)
        mischief_release(b, i, false);
    visitor_clock(b);
    mischief_settle(b);
}

uint64_t bourse_due(const struct bourse *b)
{
    uint64_t due_ns = visitor_due(b);
    for (uint32_t i = 0; i < b->config.member_count; i++) {
        const struct tape *t = &b->members[i].tape;
        if (t->held_length && t->held_until_ns < due_ns)
            due_ns = t->held_until_ns;
    }
    return due_ns;
}

bool bourse_symbol(struct bourse *b, uint16_t locate, const char *name)
{
    uint8_t padded[8], m[ITCH_MAX];
    memset(padded, ' ', sizeof padded);
    memcpy(padded, name, strnlen(name, sizeof padded));
    if (!locate || b->pit.symbols[locate].known || !pit_name(&b->pit, locate, padded))
        return false;
    struct itch_common c = lines_stamp(b, locate);
    static const struct itch_directory d = {.category = 'Q',
                                            .financial = 'N',
                                            .round_lot = 100,
                                            .round_lots_only = 'N',
                                            .classification = 'C',
                                            .sub_type = {'Z', ' '},
                                            .authenticity = 'P',
                                            .threshold = 'N',
                                            .ipo = 'N',
                                            .tier = '1',
                                            .etp = 'N',
                                            .inverse = 'N'};
    bourse_market(b, m, itch_stock_directory(m, &c, padded, &d));
    bourse_market(b, m, itch_trading_action(m, &c, padded, 'T', "    "));
    return true;
}

bool bourse_halt(struct bourse *b, uint16_t locate, char state)
{
    uint8_t m[ITCH_MAX];
    if (!b->pit.symbols[locate].known)
        return false;
    struct itch_common c = lines_stamp(b, locate);
    const char *reason = state == 'T' ? "    " : "T1  ";
    bourse_market(b, m, itch_trading_action(m, &c, b->pit.symbols[locate].name, state, reason));
    return true;
}

bool bourse_cancel(struct bourse *b, uint64_t reference, char reason)
{
    uint32_t number = pit_find(&b->pit, reference);
    uint32_t owner = number ? b->pit.orders[number].owner : 0;
    // Orders that wait for a cross are not in the pit.
    for (uint32_t i = 1; !number && i < b->ticket_count; i++)
        if (b->tickets[i].reference == reference && b->tickets[i].open)
            owner = i;
    if (!owner)
        return false;
    ticket_cancel(b, owner, ticket_at(b, owner)->open, reason, "by the exchange");
    return true;
}

static void balances(struct bourse *b, uint32_t member)
{
    const struct money *money = b->members[member].money;
    for (uint32_t i = 1; money && i < PIT_LOCATES; i++) {
        if (!money[i].traded)
            continue;
        struct bourse_record r = {.event = BOURSE_BALANCE,
                                  .member = (uint8_t)member,
                                  .locate = (uint16_t)i,
                                  .position = money[i].position,
                                  .cash_micro = money[i].cash_micro};
        memcpy(r.symbol, b->pit.symbols[i].name, 8);
        for (uint32_t k = 8; k-- > 0 && r.symbol[k] == ' ';)
            r.symbol[k] = 0;
        record_write(b, &r);
    }
}

void bourse_end(struct bourse *b)
{
    if (b->ended)
        return;
    day_done(b);
    b->ended = true;
    for (uint32_t i = 0; i < b->config.member_count; i++) {
        balances(b, i);
        visitor_say_end(b, i);
    }
    for (uint32_t i = 0; i < b->config.copy_count; i++)
        visitor_say_end(b, BOURSE_MEMBERS + i);
}

uint32_t bourse_order_count(const struct bourse *b, uint32_t member)
{
    return b->members[member].ticket_count;
}

void bourse_order_at(const struct bourse *b, uint32_t member, uint32_t place,
                     struct bourse_order *order)
{
    MUST(place < b->members[member].ticket_count);
    const struct ticket *t = &b->tickets[b->members[member].tickets[place]];
    *order = (struct bourse_order){
        .user_ref = (uint32_t)t->e.ref,
        .user_ref_index = (uint8_t)t->e.ref_index,
        .locate = t->locate,
        .side = t->e.side[0],
        .price = t->e.price,
        .limit = t->limit,
        .discretion = entry_has(&t->e, ENTRY_DISCRETION_PRICE) ? t->e.discretion_price : 0,
        .reference = t->reference,
        .quantity = t->quantity,
        .open = t->open,
        .executed = t->executed};
    memcpy(order->token, t->e.token, sizeof t->e.token);
}

int64_t bourse_position(const struct bourse *b, uint32_t member, uint16_t locate)
{
    const struct money *money = b->members[member].money;
    return money ? money[locate].position : 0;
}

int64_t bourse_cash_micro(const struct bourse *b, uint32_t member, uint16_t locate)
{
    const struct money *money = b->members[member].money;
    return money ? money[locate].cash_micro : 0;
}

uint32_t bourse_open_orders(const struct bourse *b, uint32_t member)
{
    return b->members[member].open_count;
}

uint64_t bourse_sequenced(const struct bourse *b, uint32_t member)
{
    return b->members[member].tape.count;
}

uint32_t bourse_best(const struct bourse *b, uint16_t locate, bool bid, uint64_t *shares)
{
    return pit_best(&b->pit, locate, bid, shares);
}

const struct bourse_counters *bourse_counters(const struct bourse *b)
{
    return &b->counters;
}
