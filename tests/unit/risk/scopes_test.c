// Every control of controls.def at every scope that it names there, of a buy and of a sale, and
// where there is a lowest beside a highest at both: an order just inside its limit and one at it
// pass, one just outside is refused by it and names this scope.
// A control or a scope without a trial fails.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/wire/ouch50.h"
#include "tests/lib/control_rig.h"

enum { ALL = (1u << TRADE_SCOPES) - 1, NOW = 1 << 30 };
#define BITS(scope) (1u << TRADE_##scope)

enum place { INSIDE, AT, OUTSIDE };
enum { BUYS = 1, SELLS = 2, BOTH = BUYS | SELLS };

// The order of a trial, and how far it is from just inside: 0, 1, 2.
static struct gate_order o;
static uint32_t far;
static enum trade_scope at_scope;
static bool lowest; // it is the lower of two limits that is tried

static struct limit_row *row(void)
{
    return row_of(at_scope);
}

static struct limit_symbol *symbol(void)
{
    return &row_of(TRADE_SYMBOL)->symbol;
}

static void shares(uint32_t count)
{
    o.quantity = count;
    o.worst = (struct exposure){(uint64_t)count * o.price, count, 1};
}

static void price(uint32_t to)
{
    o.price = to;
    shares(o.quantity);
}

// Around the higher or the lower limit.
static uint32_t around(uint32_t low, uint32_t high)
{
    return lowest ? low + 1 - far : high - 1 + far;
}

static uint64_t notional(void)
{
    return (uint64_t)SHARES * PRICE;
}

// --- what stands or not: inside is another's, at is nobody's any more ---

static void killed(void)
{
    const uint32_t index[] = {0, ACCOUNT, STRATEGY, SYMBOL, SESSION};
    if (far != AT)
        kill_ask(&rig.kills[KILL_BY_LANE], far == INSIDE ? TRADE_SYMBOL : at_scope,
                 far == INSIDE ? SYMBOL + 1 : index[at_scope]);
}
static void halted(void)
{
    if (far == OUTSIDE)
        row()->state = TRADING_HALTED;
}
static void no_credit(void)
{
    rig.risk.event_credit_min = 10;
    rig.risk.event_credit = 11 - far;
}
static void no_journal(void)
{
    no_credit();
    if (far == OUTSIDE)
        rig.risk.event_credit_min = RISK_NO_RECORD;
}
static void no_clock(void)
{
    no_journal();
    rig.risk.clock_only = true;
    rig.risk.clock_limit = 100;
    rig.risk.clock_error = 99 + far;
}
static void session_down(void)
{
    o.session_up = far != OUTSIDE;
}
static void session_busy(void)
{
    o.session_free = far != OUTSIDE;
}
static void quarantined(void)
{
    rig.risk.symbols[SYMBOL + (far == INSIDE)].quarantined = far != AT;
}
static void restricted(void)
{
    fill(SHARES, PRICE, false); // a sale of what is held is not short
    symbol()->restricted = far == OUTSIDE ? RESTRICTION_ALL : far ? RESTRICTION_SHORT : 0;
}
static void quality(void)
{
    row()->quality = QUALITY_HALTED;
    o.quality = (uint8_t)(QUALITY_HALTED - 1 + far);
}
static void phase(void)
{
    symbol()->phases = 1u << PHASE_BEFORE | 1u << PHASE_AFTER;
    o.phase = far == INSIDE ? PHASE_BEFORE : far == AT ? PHASE_AFTER : PHASE_TRADING;
}
static void permission(void)
{
    o.asks = 1u << (PERMISSION_IOC + far);
    row()->forbids = 1u << (PERMISSION_IOC + OUTSIDE);
}
static void venues(void)
{
    const uint32_t own = 1u << SESSION;
    row()->venues = far == INSIDE ? UINT32_MAX : far == AT ? own : ~own;
}
static void reducing(void)
{
    fill(SHARES + 1, PRICE, !o.owner.sells);
    row()->state = TRADING_REDUCING;
    shares(SHARES + far);
}

// --- the order ---

static void market(void)
{
    o.price = far == INSIDE ? PRICE : PRICE - 1;
    o.market = far == OUTSIDE; // the desk gives it a price: market_test of the lane
}
static void quantity_range(void)
{
    shares(around(1, OUCH50_QUANTITY_MAX));
}
static void price_range(void)
{
    price(around(1, OUCH50_PRICE_MAX));
}
static void lot(void)
{
    symbol()->lot = 50;
    symbol()->lot_magic = multiple_magic(50);
    shares(far == INSIDE ? 50 : far == AT ? 100 : 101);
}
static void tick(void)
{
    symbol()->tick = 100;
    symbol()->tick_magic = multiple_magic(100);
    price(far == INSIDE ? 9999 : far == AT ? 10000 : 10001);
}
static void quantity(void)
{
    row()->quantity = SHARES;
    shares(SHARES - 1 + far);
}
static void auction_quantity(void)
{
    o.auction = true;
    row()->auction_quantity = SHARES;
    row()->quantity = 1;
    shares(SHARES - 1 + far);
}
static void of_notional(void)
{
    row()->notional = notional();
    price(PRICE - 1 + far);
}
static void volume(void)
{
    symbol()->volume = SHARES;
    shares(SHARES - 1 + far);
}

// --- prices ---

static void luld(void)
{
    limit_band_set(row(), PRICE - 10, PRICE);
    price(around(PRICE - 10, PRICE));
}
static void luld_estimated(void)
{
    o.band_edge = PRICE;
    o.band_out = far == OUTSIDE; // the desk compares: day_test of the simulation does that
    o.band_below = o.band_out && lowest;
    price(around(PRICE, PRICE));
}
static void collar(void)
{
    row()->price_low = PRICE - 10;
    row()->price_high = PRICE;
    price(around(PRICE - 10, PRICE));
}
static void spread(void)
{
    symbol()->spread = 20;
    o.bid = lowest ? 999999 + far : 999000;
    o.ask = lowest ? 1000000 : 1000999 + far; // the lower: bid and ask alike
}
static void reference(void)
{
    symbol()->last = 0;
    o.last = far == INSIDE ? PRICE : 0;
    symbol()->previous_close = far == AT ? PRICE : 0;
}
static void touch(void)
{
    symbol()->touch = 100;
    o.bid = 900000;
    o.ask = 1000000;
    price(around(891000, 1010000));
}
static void last_trade(void)
{
    symbol()->last = 100;
    o.last = 1000000;
    price(around(990000, 1010000));
}

static void price_period(void)
{
    rig.table->period_ticks = 100;
    symbol()->period = 100;
    o.last = 1000000;
    struct gate_order first = o;
    passes(&first);
    o.last = 2000000; // the reference stays
    price(around(990000, 1010000));
}

// --- sales ---

static void short_mark(void)
{
    symbol()->short_marking = 1;
    fill(SHARES, PRICE, false);
    shares(SHARES - 1 + far);
}
static void short_restricted(void)
{
    o.side = far == AT ? 'E' : 'T';
    o.short_rule = far != INSIDE;
}
static void locate(void)
{
    symbol()->locates = SHARES;
    o.side = 'T';
    shares(SHARES - 1 + far);
}

// --- how often ---

static void approved(uint32_t times)
{
    struct gate_order before = o;
    for (uint32_t i = 0; i < times; i++) {
        before.now = o.now;
        passes(&before);
    }
}
static void rate(void)
{
    row()->rate_ticks = 100;
    row()->burst = 1;
    approved(far == INSIDE ? 0 : far);
}
static void cancel_rate(void)
{
    row()->cancel_rate = 1;
    row()->price_low = 100;
    row()->price_high = 1;
    for (uint32_t i = 0; i < far; i++)
        gate_cancel(&rig.risk, SESSION, o.now);
}
static void duplicate(void)
{
    row()->owner.duplicates = 2;
    row()->owner.duplicate_window = 10;
    approved(far);
}
static void repeated(void)
{
    row()->owner.repeats = 2;
    approved(far);
}
static void instruments(void)
{
    row()->owner.instruments = 2;
    for (uint16_t i = 0; i < far; i++) {
        struct gate_order other = o;
        other.owner.instrument = (uint16_t)(SYMBOL + 1 + i);
        other.owner.position = position_open(&rig.risk, ACCOUNT, other.owner.instrument);
        passes(&other);
    }
}
static void day_orders(void)
{
    row()->owner.day_orders = 2;
    approved(far);
}
static void order_ratio(void)
{
    row()->owner.ratio = 2;
    row()->owner.ratio_step = 10;
    approved(far);
}

// --- sums ---

static void open_orders(void)
{
    row()->open_orders = 2;
    for (uint32_t i = 0; i < far; i++)
        reserve(&o);
}
static void open_notional(void)
{
    row()->open_notional = 2 * notional();
    reserve(&o);
    price(PRICE - 1 + far);
}
static void position(void)
{
    row()->position = 2 * SHARES;
    fill(SHARES, PRICE, o.owner.sells);
    shares(SHARES - 1 + far);
}
static void gross(void)
{
    row()->owner.gross = 2 * notional();
    reserve(&o);
    price(PRICE - 1 + far);
}
static void day_value(void)
{
    row()->owner.day_value = 2 * notional();
    fill(SHARES, PRICE, o.owner.sells);
    price(PRICE - 1 + far);
}
static void credit(void)
{
    row()->owner.credit = 2 * notional();
    fill(SHARES, PRICE, false);
    price(PRICE - 1 + far);
}

// What is held, on the order's side, is worth more by <profit> for each share.
static void marked(int32_t profit)
{
    money_mark(&rig.risk, o.owner.position,
               (uint32_t)(o.owner.sells ? PRICE - profit : PRICE + profit));
}
static void loss(void)
{
    row()->owner.loss = 10 * SHARES;
    fill(SHARES, PRICE, o.owner.sells);
    marked(-9 - (int32_t)far);
}
static void drawdown(void)
{
    row()->owner.drawdown = 10 * SHARES;
    fill(SHARES, PRICE, o.owner.sells);
    marked(5);
    marked(-4 - (int32_t)far);
}
static void self_trade(void)
{
    o.self_scope = (uint8_t)at_scope;
    o.self_met = far == OUTSIDE ? PRICE : 0; // the desk looks: self_trade_test of the lane
}

#define TRY(name, scopes, place)            [REFUSAL_##name] = {scopes, place, BOTH, false}
#define TRY_LOWEST(name, scopes, place)     [REFUSAL_##name] = {scopes, place, BOTH, true}
#define TRY_SIDE(name, scopes, place, side) [REFUSAL_##name] = {scopes, place, side, false}
static const struct {
    uint32_t scopes; // bits
    void (*place)(void);
    uint8_t sides;
    bool has_lowest;
} trials[REFUSALS] = {
    TRY(KILLED, ALL, killed),
    TRY(HALTED, ALL, halted),
    TRY(JOURNAL, BITS(FIRM), no_journal),
    TRY(CLOCK, BITS(FIRM), no_clock),
    TRY(EVENT_CREDIT, BITS(FIRM), no_credit), // the lane's: it has no limits of its own
    TRY(SESSION_DOWN, BITS(SESSION), session_down),
    TRY(SESSION_BUSY, BITS(SESSION), session_busy),
    TRY(SYMBOL_QUARANTINED, BITS(SYMBOL), quarantined),
    TRY(RESTRICTED, BITS(SYMBOL), restricted),
    TRY(BOOK_QUALITY, BITS(SYMBOL), quality),
    TRY(PHASE, BITS(SYMBOL), phase),
    TRY(MARKET, BITS(ACCOUNT), market),
    TRY_LOWEST(QUANTITY_RANGE, BITS(FIRM), quantity_range),
    TRY_LOWEST(PRICE_RANGE, BITS(FIRM), price_range),
    TRY(MESSAGE_RATE, BITS(SESSION) | BITS(SYMBOL), rate),
    TRY(CANCEL_RATE, BITS(SESSION), cancel_rate),
    TRY(PERMISSION, ALL, permission),
    TRY(VENUES, BITS(STRATEGY), venues),
    TRY(LOT, BITS(SYMBOL), lot),
    TRY(TICK, BITS(SYMBOL), tick),
    TRY(QUANTITY, ALL, quantity),
    TRY(AUCTION_QUANTITY, ALL, auction_quantity),
    TRY(NOTIONAL, ALL, of_notional),
    TRY(VOLUME, BITS(SYMBOL), volume),
    TRY_LOWEST(LULD, BITS(SYMBOL), luld),
    TRY_LOWEST(LULD_ESTIMATED, BITS(SYMBOL), luld_estimated),
    TRY_LOWEST(PRICE_COLLAR, BITS(SYMBOL), collar),
    TRY_LOWEST(SPREAD, BITS(SYMBOL), spread),
    TRY(REFERENCE, BITS(SYMBOL), reference),
    TRY_LOWEST(TOUCH, BITS(SYMBOL), touch),
    TRY_LOWEST(LAST_TRADE, BITS(SYMBOL), last_trade),
    TRY_LOWEST(PRICE_PERIOD, BITS(SYMBOL), price_period),
    TRY_SIDE(SHORT_MARK, BITS(SYMBOL), short_mark, SELLS),
    TRY_SIDE(SHORT_RESTRICTED, BITS(SYMBOL), short_restricted, SELLS),
    TRY_SIDE(LOCATE, BITS(SYMBOL), locate, SELLS),
    TRY(DUPLICATE, BITS(ACCOUNT), duplicate),
    TRY(REPEATED, BITS(STRATEGY), repeated),
    TRY(INSTRUMENTS, BITS(STRATEGY), instruments),
    TRY(DAY_ORDERS, ALL & ~BITS(SYMBOL), day_orders),
    TRY(ORDER_RATIO, ALL & ~BITS(SYMBOL), order_ratio),
    TRY(OPEN_ORDERS, ALL, open_orders),
    TRY(OPEN_NOTIONAL, ALL, open_notional),
    TRY(POSITION, BITS(ACCOUNT) | BITS(STRATEGY) | BITS(SYMBOL), position),
    TRY(GROSS, BITS(FIRM) | BITS(ACCOUNT), gross),
    TRY(DAY_VALUE, ALL & ~BITS(SYMBOL), day_value),
    TRY_SIDE(CREDIT, BITS(FIRM) | BITS(ACCOUNT), credit, BUYS),
    TRY(LOSS, BITS(FIRM) | BITS(ACCOUNT), loss),
    TRY(DRAWDOWN, BITS(FIRM) | BITS(ACCOUNT), drawdown),
    TRY(REDUCING, ALL, reducing),
    TRY(SELF_TRADE, BITS(FIRM) | BITS(ACCOUNT), self_trade),
};

static void one(enum refusal control, enum trade_scope scope, char side, enum place place)
{
    static const char *const places[] = {"inside", "at", "outside"};
    open_rig(NULL);
    at_scope = scope;
    far = place;
    o = order_of(SHARES, PRICE, side);
    o.now = NOW;
    trials[control].place();
    const bool approved_it = gate(&rig.risk, &o, &verdict);
    if (approved_it != (place != OUTSIDE) ||
        (!approved_it && (verdict.refusal != control || verdict.scope != scope)))
        fail_msg("%s of %s, side %c, %s its %slimit: %s of %s", refusal_name(control),
                 scope_name(scope), side, places[place], lowest ? "lowest " : "",
                 refusal_name(verdict.refusal), scope_name(verdict.scope));
    close_rig(NULL);
}

static void each_side(enum refusal control, enum trade_scope scope)
{
    for (uint32_t side = 0; side < 2; side++)
        for (enum place place = INSIDE; place <= OUTSIDE; place++)
            if (trials[control].sides >> side & 1)
                one(control, scope, "BS"[side], place);
}

// Scopes as controls.def words them; those of the lane are nobody's.
static uint32_t scopes_of(const char *words)
{
    uint32_t bits = strcmp(words, "all") == 0 ? ALL : strcmp(words, "lane") == 0 ? BITS(FIRM) : 0;
    for (uint32_t s = 0; s < TRADE_SCOPES; s++)
        bits |= strstr(words, scope_name(s)) ? 1u << s : 0;
    return bits;
}

static const struct {
    enum refusal control;
    const char *scopes;
} documented[] = {
#define CONTROL(name, scopes, keys, regulation) {REFUSAL_##name, scopes},
#include "dataplane/risk/controls.def"
};

static void every_control_holds_at_every_scope(void **state)
{
    uint32_t tried = 0;
    (void)state;
    for (uint32_t i = 0; i < sizeof documented / sizeof documented[0]; i++) {
        const enum refusal control = documented[i].control;
        if (trials[control].place == NULL)
            fail_msg("%s has no trial", refusal_name(control));
        assert_int_equal(trials[control].scopes, scopes_of(documented[i].scopes));
        for (uint32_t s = 0; s < TRADE_SCOPES; s++)
            for (uint32_t low = 0; low < (trials[control].has_lowest ? 2u : 1u); low++) {
                lowest = low;
                if (trials[control].scopes >> s & 1)
                    each_side(control, s);
            }
        tried++;
    }
    assert_int_equal(tried, __builtin_popcountll(refusal_checks()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_control_holds_at_every_scope)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
