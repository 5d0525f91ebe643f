#include "dataplane/control/selftest.h"

#include <errno.h>
#include <string.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/hints.h"
#include "dataplane/base/log.h"
#include "dataplane/control/selftest_desk.h"
#include "dataplane/wire/ouch50.h"

// One control in work: the order that is asked for, first at a limit, then beyond.
struct trial {
    struct test_desk *t;
    struct desk_order ask;
    struct limit_row *firm, *account, *strategy, *symbol, *session;
    struct book_symbol *book;
    uint64_t notional; // of the order as it begins
};

// --- beyond by another order, or by the same once more ---

static void one_share_more(struct trial *w)
{
    w->ask.quantity++;
}
static void a_tick_more(struct trial *w)
{
    w->ask.price++;
}
static void once_more(struct trial *w)
{
    (void)w;
}

// --- controls, in the order of refusals.def: what makes the order stand at the limit, and what
// takes it beyond ---

static void nothing(struct trial *w)
{
    (void)w;
}
static void kill(struct trial *w)
{
    kill_ask(&w->t->desk.kills[KILL_BY_MAIN], TRADE_ACCOUNT, TEST_ACCOUNT);
}
static void halt(struct trial *w)
{
    w->account->state = TRADING_HALTED;
}
static void no_journal(struct trial *w)
{
    w->t->desk.risk.event_credit_min = RISK_NO_RECORD;
}
static void no_clock(struct trial *w)
{
    struct desk *d = &w->t->desk;
    d->clock = CLOCK_GOOD;
    d->risk.clock_limit = 1;
    desk_clock_take(d, 2);
}
static void no_credit(struct trial *w)
{
    w->t->desk.risk.event_credit_min = UINT32_MAX;
}
static void session_lost_now(struct trial *w)
{
    w->t->session.state = SESSION_DOWN;
}
static void no_window(struct trial *w)
{
    w->t->busy = true;
}
static void quarantine(struct trial *w)
{
    w->t->desk.risk.symbols[TEST_SYMBOL].quarantined = true;
}
static void restrict_all(struct trial *w)
{
    w->symbol->symbol.restricted = RESTRICTION_ALL;
}
static void book_stale(struct trial *w)
{
    w->t->channel.quality = QUALITY_STALE;
}
static void trading_only(struct trial *w)
{
    w->symbol->symbol.phases = 1u << PHASE_TRADING;
}
static void quotation(struct trial *w)
{
    w->book->trading_state = 'Q';
}
static void at_market(struct trial *w)
{
    w->symbol->price_high = w->ask.price;
    w->ask.price = OUCH50_PRICE_MARKET;
    w->account->owner.market = MARKET_CONVERTED;
}
static void refuse_market(struct trial *w)
{
    w->account->owner.market = MARKET_REFUSED;
}
static void most_shares(struct trial *w)
{
    w->ask.quantity = OUCH50_QUANTITY_MAX;
}
static void highest_price(struct trial *w)
{
    w->ask.price = OUCH50_PRICE_MAX;
}
static void one_message(struct trial *w)
{
    w->session->rate_ticks = 1000;
    w->session->burst = 0;
}
static void one_cancel(struct trial *w)
{
    w->session->cancel_rate = 1;
    w->session->price_low = 1000; // RATE_UNIT ticks apart
    w->session->price_high = 0;   // ahead
}
static void cancel(struct trial *w)
{
    gate_cancel(&w->t->desk.risk, 0, TEST_NOW);
}
static void forbid_buys(struct trial *w)
{
    w->strategy->forbids = 1u << PERMISSION_BUY;
}
static void other_venues(struct trial *w)
{
    w->strategy->venues = ~1u; // it asks for session 0
}
static void lot(struct trial *w)
{
    w->symbol->symbol.lot = TEST_SHARES;
    w->symbol->symbol.lot_magic = multiple_magic(TEST_SHARES);
}
static void tick(struct trial *w)
{
    w->symbol->symbol.tick = 100;
    w->symbol->symbol.tick_magic = multiple_magic(100);
}
static void quantity(struct trial *w)
{
    w->firm->quantity = TEST_SHARES;
}
static void auction(struct trial *w)
{
    static const struct ouch_extras opening = {.cross = 'O'};
    w->ask.extras = &opening;
    w->symbol->auction_quantity = TEST_SHARES;
    w->symbol->quantity = TEST_SHARES - 1;
}
static void notional(struct trial *w)
{
    w->account->notional = w->notional;
}
static void volume(struct trial *w)
{
    w->symbol->symbol.volume = TEST_SHARES;
}
static void band(struct trial *w)
{
    limit_band_set(w->symbol, 0, w->ask.price);
}
// A reference price whose upper band, 5 % above it, is what the order asks for.
static void estimate(struct trial *w)
{
    struct channel *ch = &w->t->channel;
    ch->time_ns = (LULD_OPEN_S + 1ull) * 1000000000;
    luld_auction(&ch->luld, TEST_SYMBOL, ch->session_number, ch->time_ns,
                 (w->ask.price * 100 + 104) / 105, TEST_SHARES, true);
    w->symbol->symbol.band_estimate = 1;
}
static void collar(struct trial *w)
{
    w->symbol->price_high = w->ask.price;
}
static void spread(struct trial *w)
{
    w->symbol->symbol.spread = 20; // basis points: what the book has
}
static void less_spread(struct trial *w)
{
    w->symbol->symbol.spread = 19;
}
static void touch(struct trial *w)
{
    w->symbol->symbol.touch = 0;
}
static void no_offer(struct trial *w)
{
    w->book->side[BOOK_ASK].top = LEVEL_NONE;
}
static void last(struct trial *w)
{
    w->ask.price = TEST_LAST;
    w->symbol->symbol.last = 0;
}
static void period(struct trial *w)
{
    w->ask.price = TEST_LAST;
    w->symbol->symbol.period = 0;
    w->t->limits->period_ticks = UINT32_MAX;
}
// The market follows, and the order with it: not so the reference.
static void market_moved(struct trial *w)
{
    w->book->last_price = ++w->ask.price;
}
static void marked_long(struct trial *w)
{
    test_desk_hold(w->t);
    w->ask.side = 'S';
    w->symbol->symbol.short_marking = 1;
}
static void short_sale(struct trial *w)
{
    w->ask.side = 'T';
}
static void rule_201(struct trial *w)
{
    w->book->flags |= SYMBOL_SHORT_RESTRICTED;
}
static void located(struct trial *w)
{
    w->ask.side = 'T';
    w->symbol->symbol.locates = TEST_SHARES;
}
static void once(struct trial *w)
{
    w->account->owner.duplicates = 1;
    w->account->owner.duplicate_window = UINT32_MAX;
}
static void one_repeat(struct trial *w)
{
    w->strategy->owner.repeats = 1;
}
static void one_symbol(struct trial *w)
{
    w->strategy->owner.instruments = 1;
}
static void another_symbol(struct trial *w)
{
    w->ask.instrument++;
}
static void one_a_day(struct trial *w)
{
    w->firm->owner.day_orders = 1;
}
static void one_without_execution(struct trial *w)
{
    w->session->owner.ratio = 1;
    w->session->owner.ratio_step = UINT32_MAX;
}
static void one_open(struct trial *w)
{
    w->strategy->open_orders = 1;
}
static void open_notional(struct trial *w)
{
    w->session->open_notional = w->notional;
}
static void position(struct trial *w)
{
    w->account->position = TEST_SHARES;
}
static void gross(struct trial *w)
{
    w->account->owner.gross = w->notional;
}
static void day_value(struct trial *w)
{
    w->firm->owner.day_value = w->notional;
}
static void credit(struct trial *w)
{
    w->account->owner.credit = w->notional;
}
static void loss(struct trial *w)
{
    w->account->owner.loss = 10 * TEST_SHARES;
    money_mark(&w->t->desk.risk, test_desk_hold(w->t), TEST_LAST - 10);
}
static void drawdown(struct trial *w)
{
    const uint32_t p = test_desk_hold(w->t);
    w->firm->owner.drawdown = 10 * TEST_SHARES;
    money_mark(&w->t->desk.risk, p, TEST_LAST + 10);
    money_mark(&w->t->desk.risk, p, TEST_LAST);
}
static void marked_down(struct trial *w)
{
    struct risk *r = &w->t->desk.risk;
    const uint32_t p = position_open(r, TEST_ACCOUNT, TEST_SYMBOL);
    const uint32_t mark = r->money[p].mark;
    money_mark(r, p, mark - 1);
    money_mark(r, p, mark); // broken once is broken until a person says otherwise
}
static void reduce(struct trial *w)
{
    w->session->state = TRADING_REDUCING;
}

static void no_self_trades(struct trial *w)
{
    w->firm->owner.self_trade = SELF_TRADE_NEWEST;
}
static void sell_to_oneself(struct trial *w)
{
    w->ask.side = 'S';
}

#define TRY(name, at, further, text) [REFUSAL_##name] = {at, further, text}
static const struct control {
    void (*at_limit)(struct trial *w);
    void (*beyond)(struct trial *w);
    const char *tried;
} controls[REFUSALS] = {
    TRY(KILLED, nothing, kill, "a buy, then the same after a kill of its account"),
    TRY(HALTED, nothing, halt, "a buy, then the same with its account halted"),
    TRY(JOURNAL, nothing, no_journal, "a buy, then the same without a journal"),
    TRY(CLOCK, nothing, no_clock, "a buy, then the same with the clock off by too much"),
    TRY(EVENT_CREDIT, nothing, no_credit, "a buy, then the same with too few free records"),
    TRY(SESSION_DOWN, nothing, session_lost_now, "a buy, then the same on a lost session"),
    TRY(SESSION_BUSY, nothing, no_window, "a buy, then the same without a window"),
    TRY(SYMBOL_QUARANTINED, nothing, quarantine, "a buy, then the same in quarantine"),
    TRY(RESTRICTED, nothing, restrict_all, "a buy, then the same on the restricted list"),
    TRY(BOOK_QUALITY, nothing, book_stale, "a buy on a good book, then on a stale one"),
    TRY(PHASE, trading_only, quotation, "a buy while the symbol trades, then in quotation only"),
    TRY(MARKET, at_market, refuse_market, "a market order that is given a limit, then one refused"),
    TRY(QUANTITY_RANGE, most_shares, one_share_more, "the most shares of an order, then one more"),
    TRY(PRICE_RANGE, highest_price, a_tick_more, "the highest price of an order, then one above"),
    TRY(MESSAGE_RATE, one_message, once_more, "a message, then another at once"),
    TRY(CANCEL_RATE, one_cancel, cancel, "a buy, then the same after a cancel too many"),
    TRY(PERMISSION, nothing, forbid_buys, "a buy, then the same where buys are forbidden"),
    TRY(VENUES, nothing, other_venues,
        "a buy, then the same where only other sessions may be used"),
    TRY(LOT, lot, one_share_more, "one lot, then one share more"),
    TRY(TICK, tick, a_tick_more, "a price on the tick, then one off it"),
    TRY(QUANTITY, quantity, one_share_more, "as many shares as the limit, then one more"),
    TRY(AUCTION_QUANTITY, auction, one_share_more, "as many as the auction limit, then one more"),
    TRY(NOTIONAL, notional, one_share_more, "as much as the limit, then one share more"),
    TRY(VOLUME, volume, one_share_more, "as many shares as the limit, then one more"),
    TRY(LULD, band, a_tick_more, "a price at the upper band, then one above"),
    TRY(LULD_ESTIMATED, estimate, a_tick_more, "a price at the estimated band, then one above"),
    TRY(PRICE_COLLAR, collar, a_tick_more, "a price at the collar, then one above"),
    TRY(SPREAD, spread, less_spread, "a buy at the widest spread, then the limit below it"),
    TRY(REFERENCE, touch, no_offer, "a buy at the offer, then without an offer"),
    TRY(TOUCH, touch, a_tick_more, "a buy at the offer, then one above"),
    TRY(LAST_TRADE, last, a_tick_more, "a buy at the last trade, then one above"),
    TRY(PRICE_PERIOD, period, market_moved,
        "a buy at the last trade, then one after a trade above"),
    TRY(SHORT_MARK, marked_long, once_more, "a sale of what is held, then another marked long"),
    TRY(SHORT_RESTRICTED, short_sale, rule_201, "a short sale, then the same under Rule 201"),
    TRY(LOCATE, located, once_more, "a short sale of what was located, then another"),
    TRY(DUPLICATE, once, once_more, "an order, then the same again"),
    TRY(REPEATED, one_repeat, once_more, "the only order until resumed, then another"),
    TRY(INSTRUMENTS, one_symbol, another_symbol, "an order in one symbol, then in another"),
    TRY(DAY_ORDERS, one_a_day, once_more, "the only order of the day, then another"),
    TRY(ORDER_RATIO, one_without_execution, once_more, "an order, then one without an execution"),
    TRY(OPEN_ORDERS, one_open, once_more, "the only open order, then another"),
    TRY(OPEN_NOTIONAL, open_notional, once_more, "as much open as the limit, then more"),
    TRY(POSITION, position, once_more, "a buy up to the limit, then another"),
    TRY(GROSS, gross, once_more, "exposure up to the limit, then more"),
    TRY(DAY_VALUE, day_value, once_more, "the value of the day, then more"),
    TRY(CREDIT, credit, once_more, "a buy up to the credit, then another"),
    TRY(LOSS, loss, marked_down, "a buy at the loss limit, then when it was broken once"),
    TRY(DRAWDOWN, drawdown, marked_down, "a buy at the drawdown, then when it was broken once"),
    TRY(REDUCING, nothing, reduce, "a buy, then the same where only reducing is allowed"),
    TRY(SELF_TRADE, no_self_trades, sell_to_oneself, "a buy, then a sale that would meet it"),
};

static void trial_make(struct trial *w, struct test_desk *t)
{
    *w = (struct trial){.t = t,
                        .ask = {.quantity = TEST_SHARES,
                                .price = TEST_ASK,
                                .instrument = TEST_SYMBOL,
                                .side = 'B',
                                .time_in_force = '0',
                                .display = 'Y'},
                        .firm = &t->limits->firm,
                        .account = &t->limits->accounts[TEST_ACCOUNT],
                        .strategy = &t->limits->strategies[TEST_STRATEGY],
                        .symbol = &t->limits->symbols[TEST_SYMBOL],
                        .session = &t->limits->sessions[0],
                        .book = &t->channel.book.symbols[TEST_SYMBOL],
                        .notional = (uint64_t)TEST_SHARES * TEST_ASK};
}

static bool control_try(const struct control *c, enum refusal control, struct selftest_row *row,
                        struct error *err)
{
    struct test_desk *t = test_desk_open(err);
    struct trial w;
    if (t == NULL)
        return false;
    trial_make(&w, t);
    c->at_limit(&w);
    row->at_limit = (uint16_t)test_desk_ask(t, &w.ask);
    const bool went = t->reached == 1;
    c->beyond(&w);
    row->beyond = (uint16_t)test_desk_ask(t, &w.ask);
    row->value = t->last.value;
    row->limit = t->last.limit;
    row->scope = t->last.scope;
    row->tried = c->tried;
    row->passed = row->at_limit == REFUSAL_NONE && went && row->beyond == control &&
                  t->reached == 1 && !t->session.halted;
    test_desk_close(t);
    return true;
}

bool selftest_run(struct selftest *t, struct error *err)
{
    memset(t, 0, sizeof *t);
    for (uint32_t i = 1; i < REFUSALS; i++) {
        if (!refusal_is_check(i))
            continue;
        struct selftest_row *row = &t->rows[i];
        t->controls++;
        if (controls[i].at_limit == NULL) {
            row->tried = "nothing: the self-test does not know this control";
            t->untested++;
            continue;
        }
        if (!control_try(&controls[i], (enum refusal)i, row, err))
            return false;
        if (!row->passed)
            t->first = t->failed++ ? t->first : i;
    }
    return t->failed == 0 ||
           error_set(err, EXIT_FAILED,
                     "self-test: %u of %u controls do not hold, the first is %s (%s): at the limit "
                     "%s, beyond it %s; do not trade with this program",
                     t->failed, t->controls, refusal_name(t->first), t->rows[t->first].tried,
                     refusal_name(t->rows[t->first].at_limit),
                     refusal_name(t->rows[t->first].beyond));
}

// --- the record ---

static const char *answer(unsigned refusal)
{
    return refusal == REFUSAL_NONE ? "approved" : refusal_name(refusal);
}

void selftest_print(const struct selftest *t, FILE *out, uint64_t utc_ns, uint64_t config_hash)
{
    char text[REFUSAL_TEXT_LEN];
    bool more = false;
    fprintf(out,
            "{\"program\": \"%s\", \"utc_ns\": %lu, \"config_hash\": \"%016lx\", "
            "\"controls\": %u, \"failed\": %u, \"untested\": %u, \"rows\": [",
            TICKGATE_VERSION, utc_ns, config_hash, t->controls, t->failed, t->untested);
    for (uint32_t i = 1; i < REFUSALS; i++) {
        const struct selftest_row *row = &t->rows[i];
        if (row->tried == NULL)
            continue;
        refusal_text(text, row->beyond, row->value, row->limit, 0);
        fprintf(out,
                "%s\n  {\"control\": \"%s\", \"number\": %u, \"tried\": \"%s\", "
                "\"at_limit\": \"%s\", \"beyond\": \"%s\", \"verdict\": \"%s\", "
                "\"scope\": \"%s\", \"passed\": %s}",
                more ? "," : "", refusal_name(i), i, row->tried, answer(row->at_limit),
                answer(row->beyond), text, scope_name(row->scope), row->passed ? "true" : "false");
        more = true;
    }
    fputs("\n]}\n", out);
}

bool selftest_record(const struct selftest *t, const char *path, uint64_t utc_ns,
                     uint64_t config_hash, struct error *err)
{
    char part[256];
    snprintf(part, sizeof part, "%s.part", path);
    FILE *out = fopen(part, "we");
    bool good = out != NULL;
    if (good) {
        selftest_print(t, out, utc_ns, config_hash);
        good = !ferror(out);
        good = fclose(out) == 0 && good && rename(part, path) == 0;
    }
    return good || error_set(err, EXIT_FAILED,
                             "%s: %s; name a file that can be written for the record of the "
                             "self-test",
                             path, strerror(errno));
}

// --- in the dataplane ---

static bool recorded(const struct selftest *t, const struct config *config, struct error *err)
{
    const char *path = config->day.self_test_record;
    return *path == 0 || selftest_record(t, path, clock_utc_ns(), config->hash, err);
}

static void tell(const struct selftest *t, struct event_writer *events)
{
    struct event event = {.type = EVENT_SELF_TEST, .tsc = clock_tsc()};
    event.self_test.controls = t->controls;
    event.self_test.failed = t->failed;
    event.self_test.untested = t->untested;
    event.self_test.first = (uint16_t)t->first;
    event_write(events, &event);
    if (t->untested)
        log_warn(LOG_SELF_TEST_MISSING, LOG_FIELDS(LOG_NUMBER("untested", t->untested)),
                 "%u controls have no self-test", t->untested);
    log_info(LOG_SELF_TEST,
             LOG_FIELDS(LOG_NUMBER("controls", t->controls), LOG_NUMBER("failed", t->failed),
                        LOG_NUMBER("untested", t->untested)),
             "%u of %u controls hold", t->controls - t->failed - t->untested, t->controls);
}

bool selftest_at_start(const struct config *config, struct event_writer *events, struct error *err)
{
    struct selftest t;
    struct error unwritten = {0};
    if (!config->day.self_test || config->session_count == 0)
        return true;
    const bool holds = selftest_run(&t, err);
    if (t.controls == 0)
        return false; // it did not run
    tell(&t, events);
    if (!recorded(&t, config, &unwritten))
        return error_set(err, unwritten.code, "%s", unwritten.text);
    return holds;
}

enum command_result selftest_command(const struct config *config, struct event_writer *events,
                                     struct self_test_answer *answer)
{
    struct selftest t;
    struct error err = {0};
    if (config->session_count == 0)
        return COMMAND_RESULT_NO_TRADING;
    if (!selftest_run(&t, &err))
        log_error(LOG_SELF_TEST_FAILED, NULL, "%s", err.text);
    if (t.controls == 0)
        return COMMAND_RESULT_NO_ROOM;
    tell(&t, events);
    memset(answer, 0, sizeof *answer);
    answer->controls = t.controls;
    answer->failed = t.failed;
    answer->untested = t.untested;
    err = (struct error){0};
    answer->recorded = *config->day.self_test_record && recorded(&t, config, &err);
    if (err.code != EXIT_OK)
        log_error(LOG_SELF_TEST_FAILED, NULL, "%s", err.text);
    for (uint32_t i = 1, at = 0; i < REFUSALS; i++) {
        const struct selftest_row *row = &t.rows[i];
        if (row->tried)
            answer->rows[at++] = (struct self_test_row){.value = row->value,
                                                        .limit = row->limit,
                                                        .number = (uint16_t)i,
                                                        .at_limit = row->at_limit,
                                                        .beyond = row->beyond,
                                                        .scope = row->scope,
                                                        .passed = row->passed};
    }
    return COMMAND_RESULT_OK;
}
_Static_assert((int)COMMAND_CONTROLS_MAX >= 64, "a row for every control: each is a bit of a word");
