// The rules that an order must keep, one function and one row each.
#include <stddef.h>
#include <string.h>

#include "bench/exchange/trade/state.h"

static const struct {
    uint16_t codes[2]; // by protocol
    bool keeps;
    const char *text;
} rows[RULE_NONE] = {
#define RULE(name, code50, code42, replace_keeps, text) \
    [RULE_##name] = {{code50, code42}, replace_keeps, text},
#include "bench/exchange/trade/rules.def"
#undef RULE
};

uint32_t rule_code(enum entry_protocol protocol, enum rule rule)
{
    return rows[rule].codes[protocol];
}

bool rule_keeps(enum rule rule)
{
    return rows[rule].keeps;
}

const char *rule_text(enum rule rule)
{
    return rows[rule].text;
}

static bool is_cross(const struct ticket *t)
{
    return !field_is(t->e.cross, "N");
}

static bool is_market(const struct ticket *t)
{
    return t->limit >= BOURSE_PRICE_MARKET;
}

static bool is_pegged(const struct ticket *t)
{
    return entry_has(&t->e, ENTRY_PRICE_TYPE) && !field_is(t->e.price_type, "L");
}

static bool is_ioc(const struct ticket *t)
{
    return field_is(t->e.tif, "3");
}

static bool closed(const struct bourse *b, const struct ticket *t)
{
    (void)t;
    return b->phase == PHASE_BEFORE || b->phase == PHASE_DONE;
}

static bool firm(const struct bourse *b, const struct ticket *t)
{
    const struct member *m = &b->members[t->member];
    for (uint32_t i = 0; i < m->disabled_count; i++)
        if (memcmp(m->disabled[i], t->e.firm, 4) == 0)
            return true;
    for (uint32_t i = 0; i < sizeof t->e.firm; i++)
        if (t->e.firm[i] != ' ' && (t->e.firm[i] < 'A' || t->e.firm[i] > 'Z') &&
            (t->e.firm[i] < '0' || t->e.firm[i] > '9'))
            return true;
    return false;
}

static bool symbol(const struct bourse *b, const struct ticket *t)
{
    (void)b;
    return t->locate == 0;
}

static bool side(const struct bourse *b, const struct ticket *t)
{
    (void)b;
    return !field_is(t->e.side, "BSTE");
}

static bool quantity(const struct bourse *b, const struct ticket *t)
{
    (void)b;
    return t->quantity == 0 || t->e.quantity > BOURSE_QUANTITY_MAX;
}

static bool lot(const struct bourse *b, const struct ticket *t)
{
    const struct pit_symbol *s = &b->pit.symbols[t->locate];
    return s->lots_only && s->round_lot && t->quantity % s->round_lot != 0;
}

// A display that is no price on the lines goes with pegs.
static bool display(const struct bourse *b, const struct ticket *t)
{
    (void)b;
    return !field_is(t->e.display, "YNA") || (is_pegged(t) && !field_is(t->e.display, "N"));
}

static bool time_in_force(const struct bourse *b, const struct ticket *t)
{
    if (!field_is(t->e.tif, "0356E"))
        return true;
    if (field_is(t->e.tif, "6"))
        return t->e.expire_s == 0 || t->e.expire_s >= 86400;
    if (field_is(t->e.tif, "E"))
        return b->phase != PHASE_AFTER || t->e.type == 'U'; // OUCH 5.0 section 2.2 does not list it
    return is_cross(t) && field_is(t->e.tif, "6");
}

static bool capacity(const struct bourse *b, const struct ticket *t)
{
    (void)b;
    return !field_is(t->e.capacity, "APRO");
}

static bool sweep(const struct bourse *b, const struct ticket *t)
{
    (void)b;
    return !field_is(t->e.sweep, "YN");
}

static bool route(const struct bourse *b, const struct ticket *t)
{
    (void)b;
    return entry_has(&t->e, ENTRY_ROUTE) && memcmp(t->e.route, "    ", 4) != 0;
}

// Opening, closing and halt crosses are held; the others belong to markets that are not played
// here.
static bool cross(const struct bourse *b, const struct ticket *t)
{
    if (!field_is(t->e.cross, "NOCH"))
        return true;
    if (entry_has(&t->e, ENTRY_HANDLE_INST) && !field_is(t->e.handle_inst, " "))
        return !field_is(t->e.handle_inst, "I") || !field_is(t->e.cross, "OC");
    return is_cross(t) && (is_pegged(t) || (b->phase == PHASE_AFTER && t->e.cross[0] == 'O'));
}

static bool retail(const struct bourse *b, const struct ticket *t)
{
    (void)b;
    return entry_has(&t->e, ENTRY_CUSTOMER) && !field_is(t->e.customer, "RN ");
}

static bool peg(const struct bourse *b, const struct ticket *t)
{
    if (entry_has(&t->e, ENTRY_DISCRETION_TYPE) && !field_is(t->e.discretion_type, "L"))
        return true;
    return is_pegged(t) && (b->config.rules.pegs_refused || !field_is(t->e.price_type, "PMRm"));
}

static bool no_quote(const struct bourse *b, const struct ticket *t)
{
    return is_pegged(t) && (!pit_best(&b->pit, t->locate, true, NULL) ||
                            !pit_best(&b->pit, t->locate, false, NULL));
}

// Regulation NMS, rule 612: a cent from one dollar on, a hundredth of it below.
static bool off_tick(uint64_t price)
{
    return price == 0 || price > BOURSE_PRICE_MAX || (price >= 10000 && price % 100 != 0);
}

static bool price(const struct bourse *b, const struct ticket *t)
{
    (void)b;
    if (is_market(t))
        return !is_cross(t) && !is_pegged(t);
    if (entry_has(&t->e, ENTRY_DISCRETION_PRICE) && t->e.discretion_price &&
        (off_tick(t->e.discretion_price) || !pit_crosses(t->bid, t->e.discretion_price, t->limit)))
        return true;
    return off_tick(t->limit);
}

static bool limit(const struct bourse *b, const struct ticket *t)
{
    uint64_t last = b->pit.symbols[t->locate].last_price;
    uint64_t percent = b->config.rules.price_limit_percent;
    if (!percent || !last || is_market(t) || is_pegged(t))
        return false;
    uint64_t distance = t->limit > last ? t->limit - last : last - t->limit;
    return distance * 100 > last * percent;
}

// A minimum is for what takes at once, or waits unseen.
static bool min_quantity(const struct bourse *b, const struct ticket *t)
{
    (void)b;
    if (!t->e.min_quantity)
        return false;
    return t->e.min_quantity > t->quantity || is_cross(t) ||
           (!is_ioc(t) && !field_is(t->e.display, "N"));
}

static bool max_floor(const struct bourse *b, const struct ticket *t)
{
    (void)b;
    if (!t->e.max_floor)
        return t->e.random_reserve != 0;
    return t->e.max_floor % 100 != 0 || t->e.random_reserve >= t->e.max_floor ||
           field_is(t->e.display, "N") || is_ioc(t) || is_cross(t);
}

// In a halt only orders for the halt's cross are taken.
static bool halted(const struct bourse *b, const struct ticket *t)
{
    return match_halted(b, t->locate) && !is_cross(t);
}

static bool short_sale(const struct bourse *b, const struct ticket *t)
{
    const struct pit_symbol *s = &b->pit.symbols[t->locate];
    uint32_t bid = pit_best(&b->pit, t->locate, true, NULL);
    return field_is(t->e.side, "T") && (s->reg_sho == '1' || s->reg_sho == '2') && !is_pegged(t) &&
           !is_cross(t) && t->limit <= bid;
}

static bool too_many(const struct bourse *b, const struct ticket *t)
{
    uint32_t most = b->config.rules.orders_max ? b->config.rules.orders_max : 1000000;
    return b->members[t->member].open_count >= most && t->e.type == 'O';
}

// Both are found elsewhere: where the message is read, and where a replace is.
static bool never(const struct bourse *b, const struct ticket *t)
{
    (void)b;
    (void)t;
    return false;
}

enum rule rules_check(const struct bourse *b, const struct ticket *t)
{
    static bool (*const broken[RULE_NONE])(const struct bourse *b, const struct ticket *t) = {
        [RULE_CLOSED] = closed,         [RULE_FIRM] = firm,
        [RULE_SYMBOL] = symbol,         [RULE_SIDE] = side,
        [RULE_QUANTITY] = quantity,     [RULE_LOT] = lot,
        [RULE_DISPLAY] = display,       [RULE_TIME_IN_FORCE] = time_in_force,
        [RULE_CAPACITY] = capacity,     [RULE_SWEEP] = sweep,
        [RULE_ROUTE] = route,           [RULE_CROSS] = cross,
        [RULE_RETAIL] = retail,         [RULE_PEG] = peg,
        [RULE_NO_QUOTE] = no_quote,     [RULE_PRICE] = price,
        [RULE_LIMIT] = limit,           [RULE_MIN_QUANTITY] = min_quantity,
        [RULE_MAX_FLOOR] = max_floor,   [RULE_HALTED] = halted,
        [RULE_SHORT_SALE] = short_sale, [RULE_TOO_MANY] = too_many,
        [RULE_OPTIONS] = never,         [RULE_CANCEL_LATE] = never,
    };
    for (uint32_t i = 0; i < RULE_NONE; i++)
        if (broken[i](b, t))
            return (enum rule)i;
    return RULE_NONE;
}
