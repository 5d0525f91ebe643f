// Hot path, when there is nothing to do: practice orders.
#include "dataplane/lane/desk_warm.h"

#include <stddef.h>
#include <string.h>

#include "dataplane/base/check.h"
#include "dataplane/book/book_hot.h"
#include "dataplane/lane/desk_strategy.h"
#include "dataplane/lane/desk_warm_market.h"
#include "dataplane/lane/tape.h"

// --- what is put back ---

static void keep(struct desk_warm *w, void *place, uint64_t len)
{
    MUST(w->kept < DESK_WARM_KEPT && w->kept_bytes + len <= DESK_WARM_KEPT_BYTES);
    w->places[w->kept++] = (struct desk_kept){place, w->kept_bytes, (uint32_t)len};
    memcpy(w->bytes + w->kept_bytes, place, len);
    w->kept_bytes += (uint32_t)(len + 7) / 8 * 8;
}

// Last one first: a place that was kept twice is as it was the first time.
static void put_back(struct desk_warm *w)
{
    while (w->kept) {
        const struct desk_kept *k = &w->places[--w->kept];
        memcpy(k->place, w->bytes + k->at, k->len);
    }
    w->kept_bytes = 0;
}

static void keep_orders(struct desk_warm *w, struct order_table *t, uint32_t session)
{
    const uint32_t last = t->sessions[session].open.last, timed = t->timers.last;
    keep(w, orders_at(t, t->ended[t->ended_first]), sizeof(struct own_order));
    if (last != OWN_NONE)
        keep(w, orders_at(t, last), sizeof(struct own_order));
    if (timed != OWN_NONE)
        keep(w, orders_at(t, timed), sizeof(struct own_order));
    keep(w, &t->sessions[session].refs[t->sessions[session].next_ref], sizeof(struct order_ref));
    keep(w, t, sizeof *t);
}

static void keep_risk(struct desk_warm *w, struct risk *r, const struct desk_owner *who,
                      uint32_t session, uint32_t instrument, uint32_t position)
{
    keep(w, &r->event_credit, sizeof r->event_credit);
    keep(w, &r->firm, sizeof r->firm);
    keep(w, &r->accounts[who->account], sizeof r->accounts[0]);
    keep(w, &r->strategies[who->strategy], sizeof r->strategies[0]);
    keep(w, &r->sessions[session], sizeof r->sessions[0]);
    keep(w, &r->rate_at[session], sizeof r->rate_at[0]);
    keep(w, &r->cancel_at[session], sizeof r->cancel_at[0]);
    keep(w, &r->prior_rings[who->account], sizeof r->prior_rings[0]);
    keep(w, &r->day, sizeof r->day);
    keep(w, &r->account_days[who->account], sizeof r->account_days[0]);
    keep(w, &r->strategy_days[who->strategy], sizeof r->strategy_days[0]);
    keep(w, &r->session_days[session], sizeof r->session_days[0]);
    keep(w, &r->traded_in[who->strategy][instrument / 64], sizeof r->traded_in[0][0]);
    keep(w, &r->symbols[instrument], sizeof r->symbols[0]);
    keep(w, &r->held[who->strategy][instrument], sizeof *r->held[0]);
    keep(w, &r->positions[position], sizeof r->positions[0]);
    keep(w, &r->overflows, sizeof r->overflows);
}

static void keep_session(struct desk_warm *w, struct session *s)
{
    keep(w, s, offsetof(struct session, next_sequence)); // all that an order needs
    keep(w, &s->count, sizeof s->count);
    keep(w, &s->frames.enter, sizeof s->frames.enter);
}

static void keep_lane(struct desk_warm *w, struct desk *d)
{
    struct lane *lane = d->lane;
    keep(w, &lane->trading, sizeof lane->trading);
    keep(w, &lane->count, sizeof(void *));
    keep(w, &lane->histograms, sizeof(void *));
    keep(w, &lane->input, sizeof lane->input);
    keep(w, &lane->stamp, sizeof lane->stamp);
    keep(w, &lane->delivered, sizeof lane->delivered);
    keep(w, &d->count, sizeof d->count);
    atomic_store_explicit(&w->ring.committed, lane->trading.committed, memory_order_relaxed);
    lane->trading.ring = &w->ring;
    lane->count = &w->count;
    lane->histograms = &w->histograms;
}

// --- the market's half ---

static struct desk_owner somebody(const struct desk *d, uint32_t session)
{
    const struct desk_strategies *s = d->strategies;
    if (s == NULL || s->on == 0)
        return (struct desk_owner){.account = d->sessions[session].account};
    const uint32_t index = (uint32_t)__builtin_ctzll(s->on);
    return (struct desk_owner){.account = s->hosts[index].slot.account,
                               .strategy = (uint16_t)index};
}

// Asks for all lines that hold some of it; nothing is read. To gcc a prefetch is no effect: a
// function that does nothing else is pure, and calls of it go away. So whatever only asks asks
// here.
static void near(const void *place, uint64_t bytes)
{
    const uint64_t in_line = (uintptr_t)place % CACHE_LINE;
    __asm__ volatile("" : : "r"(place));
    for (uint64_t at = 0; at < in_line + bytes; at += CACHE_LINE)
        PREFETCHW((const uint8_t *)place - in_line + at);
}

static void home_near(const struct pair_table *t, uint64_t key)
{
    near(&t->records[2 * (uint64_t)pair_home(t, key)], CACHE_LINE);
}

// One side of a symbol's book: its best prices, the levels that are best and next, and where a
// better one by a tick would stand.
static void side_near(const struct book *book, const struct book_symbol *symbol, uint32_t slot,
                      enum book_side side)
{
    enum { TICK = 100 }; // of stocks above a dollar
    const struct symbol_side *s = &symbol->side[side];
    if (s->count == 0)
        return;
    const uint32_t *keys = span_keys(&book->spans, s->span);
    const uint32_t owner = owner_of(slot, side), best = price_key(keys[s->count - 1], side);
    const uint32_t next = s->count > 1 ? price_key(keys[s->count - 2], side) : best;
    home_near(&book->level_table, level_key(owner, best));
    home_near(&book->level_table, level_key(owner, next));
    home_near(&book->level_table, level_key(owner, side == BOOK_BID ? best + TICK : best - TICK));
    near(&book->records[s->top], 1); // where it stands, should that not be its home
    book_look_side(book, s);
}

// The ways to the book's pages must not be forgotten either: some a time, all in turn.
static void pages_near(struct desk_warm *w, const struct book *book, uint32_t session)
{
    enum { PAGE = 2 << 20, PAGES = 8 };
    const uint8_t *memory = (const uint8_t *)book->records;
    for (uint32_t i = 0; i < PAGES; i++) {
        PREFETCH(memory + w->page);
        w->page = w->page + PAGE < w->book_bytes[session] ? w->page + PAGE : 0;
    }
}

// What an order of one symbol needs: its line, best prices, limits, exposure.
static void symbol_near(const struct desk *d, uint32_t session, uint32_t instrument,
                        uint32_t account)
{
    const struct channel *ch = d->sessions[session].channel;
    const uint16_t slot = d->instruments[instrument].slot[session];
    if (slot == SYMBOL_NONE)
        return;
    const struct book_symbol *symbol = &ch->book.symbols[slot];
    near(symbol, sizeof *symbol);
    near(&ch->book.slot_of_locate[ch->tops[slot].locate], sizeof ch->book.slot_of_locate[0]);
    near(&ch->tops[slot], sizeof ch->tops[0]);
    near(&d->risk.limits->symbols[instrument], sizeof d->risk.limits->symbols[0]);
    near(&d->risk.symbols[instrument], sizeof d->risk.symbols[0]);
    const uint32_t position = position_home(&d->risk, account, instrument);
    near(&d->risk.positions[position], sizeof d->risk.positions[0]);
    near(&d->risk.money[position], sizeof d->risk.money[0]);
    if (d->strategies && d->strategies->watches[session])
        near(&d->strategies->watches[session][slot], sizeof(struct desk_watch));
    side_near(&ch->book, symbol, slot, BOOK_BID);
    side_near(&ch->book, symbol, slot, BOOK_ASK);
}

// Where the orders will stand that are added next: exchanges number them one after the other.
static void orders_near(const struct channel *ch)
{
    enum { REFS = 16 };
    for (uint64_t i = 1; i <= REFS && ch->newest_ref; i++)
        home_near(&ch->book.order_table, ch->newest_ref + i);
}

// What the next real frame needs and a practice frame has of its own: the channel, its counters and
// the lane's, and what is a symbol's, of some symbols in turn.
static void market_near(struct desk_warm *w, const struct desk *d, uint32_t session)
{
    enum { SYMBOLS = 8 };
    const struct channel *ch = d->sessions[session].channel;
    const uint32_t account = somebody(d, session).account;
    near(ch, offsetof(struct channel, arbiter) + offsetof(struct arbiter, recent));
    near(&ch->arbiter + 1, offsetof(struct channel, participants) -
                               offsetof(struct channel, arbiter) - sizeof ch->arbiter);
    near(ch->count, sizeof *ch->count);
    arbiter_near(&ch->arbiter);
    orders_near(ch);
    for (uint32_t line = 0; line < ch->config.line_count; line++)
        near(ch->lines[line], sizeof *ch->lines[line]);
    for (uint32_t i = 0; i < SYMBOLS; i++) {
        w->symbol = w->symbol + 1 < d->instrument_count ? w->symbol + 1 : 0;
        symbol_near(d, session, w->symbol, account);
    }
    pages_near(w, &ch->book, session);
}

// <function>: where its address stands. Its first lines are fetched as data: near enough, and
// nothing of it runs.
static void code_near(const void *function)
{
    enum { CODE_BYTES = 512 };
    const void *code;
    memcpy(&code, function, sizeof code);
    if (code)
        near(code, CODE_BYTES);
}

static void strategy_near(const struct strategy_slot *slot)
{
    enum { STATE_BYTES = 4096 };
    const uint32_t state = slot->strategy->state_bytes;
    code_near(&slot->strategy->best);
    near(slot->state, state < STATE_BYTES ? state : STATE_BYTES);
}

// Code that does not run is forgotten even where it is fetched: the way to its page is. What the
// call took beyond its budget is kept: a frame may have waited for its end.
static void strategy_practise(struct desk_warm *w, struct strategy_host *h, uint32_t session,
                              uint32_t instrument)
{
    struct strategy_slot *slot = &h->slot;
    struct lane *lane = h->desk->lane;
    struct strategy_best best;
    strategy_near(slot);
    if (slot->strategy->practise == NULL ||
        !slot->setup.calls->best(h, (uint8_t)session, (uint16_t)instrument, &best))
        return;
    slot->off = STRATEGY_OFF_ASKED;
    const uint64_t from = lane->now(lane->clock);
    slot->strategy->practise(slot->state, &best);
    const uint64_t ticks = lane->now(lane->clock) - from;
    slot->off = STRATEGY_ON;
    if (LIKELY(ticks <= slot->budget_ticks)) {
        h->late_weight -= h->late_weight > 0;
        return;
    }
    h->late_weight += STRATEGY_LATE_WEIGHT;
    w->late = slot->index;
    w->late_ticks = ticks;
    w->late_weight = h->late_weight;
}

// Practice is over and nothing of it is left, but who was late in it. Nobody can tell that from
// other inputs: it is one.
static COLD void late_take(struct desk *d)
{
    struct desk_warm *w = d->warm;
    const uint64_t ticks = w->late_ticks;
    w->late_ticks = 0;
    d->lane->input++;
    if (d->lane->tape)
        tape_late(d->lane->tape, w->late, w->late_weight, ticks);
    desk_strategy_late(d, w->late, ticks, w->late_weight);
}

// Whoever watches the symbol is looked at, and has nothing to be told: its price is the one that
// was told last.
static void watchers_practise(struct desk_warm *w, struct desk *d, uint32_t session,
                              uint32_t instrument)
{
    struct desk_strategies *s = d->strategies;
    struct channel_touch *t = &s->touches[session];
    const uint16_t slot = d->instruments[instrument].slot[session];
    const struct desk_watch *watch = &s->watches[session][slot];
    const struct book_symbol *symbol = &d->sessions[session].channel->book.symbols[slot];
    // A change that is still to be told waits for whoever tells it.
    if (t->count || !watch->resolved || symbol->changes != watch->changes ||
        symbol->volume != watch->volume)
        return;
    for (uint64_t left = watch->watchers & s->on; left; left &= left - 1) {
        struct strategy_host *h = &s->hosts[__builtin_ctzll(left)];
        if (w->kept + 8 > DESK_WARM_KEPT)
            break;
        keep(w, &h->slot, offsetof(struct strategy_slot, index));
        if (LIKELY(w->late_ticks == 0)) // one a round can be told of
            strategy_practise(w, h, session, instrument);
        h->slot.budget_ticks = UINT64_MAX; // what follows is the lane's, not the strategy's
    }
    t->marks[slot] = 1;
    t->slots[t->count++] = slot;
}

// --- one order ---

// Prices at which nobody would be surprised; both sides in turn.
static struct desk_order order_like_any(const struct desk *d, uint32_t session, uint32_t instrument,
                                        bool sells)
{
    const struct channel *ch = d->sessions[session].channel;
    const struct book_symbol *symbol = &ch->book.symbols[d->instruments[instrument].slot[session]];
    const struct level *best = book_best(&ch->book, symbol, sells ? BOOK_ASK : BOOK_BID);
    return (struct desk_order){.quantity = 1,
                               .price = best ? best->price : 10000,
                               .instrument = (uint16_t)instrument,
                               .session = (uint8_t)session,
                               .side = sells ? 'S' : 'B',
                               .time_in_force = '3',
                               .display = 'N'};
}

// The way of a strategy's order where there are strategies.
static uint32_t order_enter(struct desk *d, const struct desk_owner *who,
                            const struct desk_order *ask, uint32_t *index)
{
    const struct desk_strategies *s = d->strategies;
    if (s == NULL || s->on == 0)
        return desk_enter(d, who, ask, index);
    struct strategy_host *h = &d->strategies->hosts[who->strategy];
    const struct strategy_calls *calls = h->slot.setup.calls;
    const struct strategy_order order = {.quantity = ask->quantity,
                                         .price = ask->price,
                                         .symbol = ask->instrument,
                                         .venue = ask->session,
                                         .side = ask->side,
                                         .time_in_force = ask->time_in_force,
                                         .display = ask->display};
    struct strategy_position position;
    struct strategy_best best;
    calls->best(h, ask->session, ask->instrument, &best);
    calls->position(h, ask->instrument, &position);
    return calls->submit(h, &order, index);
}

static void order_practise(struct desk *d, uint32_t session, uint32_t instrument, bool sells)
{
    struct desk_warm *w = d->warm;
    struct session *s = d->sessions[session].session;
    const struct desk_owner who = somebody(d, session);
    const struct desk_order ask = order_like_any(d, session, instrument, sells);
    const uint32_t positions = d->risk.position_count;
    const uint32_t position = position_open(&d->risk, who.account, instrument);
    uint32_t index;
    if (UNLIKELY(position == POSITION_NONE))
        return;
    keep_orders(w, &d->orders, session);
    keep_risk(w, &d->risk, &who, session, instrument, position);
    keep_session(w, s);
    keep(w, &d->sessions[session].park, sizeof(void *));
    d->sessions[session].park = NULL; // practice waits for nobody
    if (d->sessions[session].link)
        code_near(&d->sessions[session].link->port->ops->send); // handed no frame, it is left soon
    s->transport->ops->practise(s->transport, true);
    struct position_cell *const shown = d->shown;
    d->shown = NULL; // readers of the region see no practice
    d->risk.practises = true;
    w->passed += order_enter(d, &who, &ask, &index) == REFUSAL_NONE;
    d->risk.practises = false;
    s->transport->ops->practise(s->transport, false);
    d->shown = shown;
    put_back(w);
    // The newest place of its table: nothing is behind it.
    if (UNLIKELY(d->risk.position_count != positions)) {
        memset(&d->risk.positions[position], 0, sizeof d->risk.positions[0]);
        d->risk.position_count = positions;
    }
}

static void practise(struct desk *d, uint32_t session, uint32_t instrument, bool sells)
{
    enum { STACK_BYTES = 4096 }; // below us: a real order's calls go deeper than practice does
    struct desk_warm *w = d->warm;
    near((const uint8_t *)__builtin_frame_address(0) - STACK_BYTES, STACK_BYTES);
    near(d->lane->count, sizeof *d->lane->count);
    near(&d->lane->histograms->frame_to_book, sizeof d->lane->histograms->frame_to_book);
    near(d->lane->routes, sizeof d->lane->routes);
    near(d->lane->trading.ring, sizeof *d->lane->trading.ring);
    w->input = w->input + 1u < d->lane->input_count ? w->input + 1u : 0;
    code_near(&d->lane->inputs[w->input].port->ops->receive); // the half that runs with frames
    keep_lane(w, d);
    if (w->market) {
        market_near(w, d, session);
        if (d->strategies && d->strategies->watches[session])
            watchers_practise(w, d, session, instrument);
        desk_warm_market_turn(w->market, d->lane);
    }
    order_practise(d, session, instrument, sells);
    put_back(w);
    w->practised++;
}

// The session takes an order now, and its records have slots that nobody reads.
static bool can_practise(const struct desk *d, uint32_t session, uint32_t instrument)
{
    const struct desk_session *ds = &d->sessions[session];
    const struct event_writer *ring = &d->lane->trading;
    const struct order_session *os = &d->orders.sessions[session];
    return ds->session && ds->channel && !ds->channel->book_lent &&
           session_may_enter(ds->session) && ds->session->transport->ops->practise &&
           d->instruments[instrument].slot[session] != SYMBOL_NONE &&
           (uint64_t)ring->mask + 1 - (ring->tail - ring->committed) > 2 &&
           os->next_ref < d->orders.refs_max && !orders_full(&d->orders);
}

bool desk_practise(struct desk *d)
{
    struct desk_warm *w = d->warm;
    const uint32_t sessions = d->session_count, instruments = d->instrument_count;
    if (UNLIKELY(w->late_ticks)) { // a replay: nothing is practised
        late_take(d);
        return false;
    }
    for (uint32_t tries = 0; tries < DESK_WARM_TRIES && sessions && instruments; tries++) {
        if (++w->at_instrument >= instruments) {
            w->at_instrument = 0;
            w->at_session = w->at_session + 1 < sessions ? w->at_session + 1 : 0;
        }
        if (!can_practise(d, w->at_session, w->at_instrument))
            continue;
        practise(d, w->at_session, w->at_instrument, w->practised & 1);
        if (UNLIKELY(w->late_ticks))
            late_take(d);
        return true;
    }
    return false;
}

uint64_t desk_warm_bytes(void)
{
    return cache_lines(sizeof(struct desk_warm)) + cache_lines(desk_warm_market_bytes());
}

void desk_warm_init(struct desk *d, void *memory, uint64_t every)
{
    struct desk_warm *w = memory;
    w->every = every;
    w->at = every ? 0 : UINT64_MAX;
    w->market = desk_warm_market_init(d->lane, (uint8_t *)memory + cache_lines(sizeof *w));
    for (uint32_t i = 0; i < d->session_count; i++)
        if (d->sessions[i].channel)
            w->book_bytes[i] = book_bytes(&d->sessions[i].channel->config.book, NULL);
    d->warm = w;
}
