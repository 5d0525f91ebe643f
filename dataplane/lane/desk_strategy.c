// Hot path, but for what is for set-up: strategies are told, and ask.
#include "dataplane/lane/desk_strategy.h"

#include <string.h>

#include "dataplane/book/book.h"
#include "dataplane/lane/desk_extras.h"
#include "dataplane/lane/desk_parts.h"
#include "dataplane/lane/desk_route.h"
#include "dataplane/lane/desk_signal.h"

// --- time ---

static uint64_t scaled(uint64_t value, uint64_t factor)
{
    return (uint64_t)((unsigned __int128)value * factor >> 32);
}

static uint64_t ticks_now(const struct desk *d)
{
    return d->lane->now(d->lane->clock);
}

// --- what they may ask ---

static struct desk_owner owner_of(const struct strategy_host *h)
{
    return (struct desk_owner){.account = h->slot.account, .strategy = h->slot.index};
}

static uint32_t call_submit(struct strategy_host *h, const struct strategy_order *ask,
                            uint32_t *order)
{
    struct ouch_extras extras;
    const struct desk_owner who = owner_of(h);
    struct desk_order o = {.client_id = ask->client_id,
                           .quantity = ask->quantity,
                           .price = ask->price,
                           .instrument = ask->symbol,
                           .session = ask->venue,
                           .side = ask->side,
                           .time_in_force = ask->time_in_force,
                           .display = ask->display};
    if (UNLIKELY(h->slot.off))
        return REFUSAL_STRATEGY_DISABLED;
    if (UNLIKELY(ask->options != NULL)) {
        desk_extras_from(ask->options, &extras);
        o.extras = &extras;
    }
    return desk_enter(h->desk, &who, &o, order);
}

static uint32_t call_replace(struct strategy_host *h, uint32_t order, uint32_t total,
                             uint32_t price)
{
    const struct desk_owner who = owner_of(h);
    if (UNLIKELY(h->slot.off))
        return REFUSAL_STRATEGY_DISABLED;
    if (UNLIKELY(desk_is_child(h->desk, order)))
        return REFUSAL_ROUTED;
    return desk_replace(h->desk, &who, order, total, price);
}

static uint32_t call_cancel(struct strategy_host *h, uint32_t order)
{
    const struct desk_owner who = owner_of(h);
    if (desk_order_of(h->desk, &who, order) == NULL)
        return REFUSAL_UNKNOWN_ORDER;
    return desk_cancel(h->desk, order, 0);
}

// Of a book that is lent only what its channel says.
static void best_make(struct desk *d, uint32_t session, uint32_t instrument, uint32_t slot,
                      struct strategy_best *out)
{
    const struct channel *ch = d->sessions[session].channel;
    if (UNLIKELY(ch->book_lent)) {
        *out = (struct strategy_best){
            .symbol = (uint16_t)instrument, .venue = (uint8_t)session, .quality = ch->quality};
        return;
    }
    const struct book_symbol *symbol = &ch->book.symbols[slot];
    const struct level *bid = book_best(&ch->book, symbol, BOOK_BID);
    const struct level *ask = book_best(&ch->book, symbol, BOOK_ASK);
    *out = (struct strategy_best){.bid = bid ? bid->price : 0,
                                  .ask = ask ? ask->price : 0,
                                  .bid_shares = bid ? bid->shares : 0,
                                  .ask_shares = ask ? ask->shares : 0,
                                  .last_price = symbol->last_price,
                                  .symbol = (uint16_t)instrument,
                                  .venue = (uint8_t)session,
                                  .quality = (uint8_t)channel_symbol_quality(ch, slot)};
}

static bool call_best(struct strategy_host *h, uint8_t venue, uint16_t symbol,
                      struct strategy_best *out)
{
    struct desk *d = h->desk;
    if (venue >= d->session_count || symbol >= d->instrument_count)
        return false;
    const uint16_t slot = desk_slot(d, venue, symbol);
    if (slot == SYMBOL_NONE)
        return false;
    best_make(d, venue, symbol, slot, out);
    return true;
}

static uint32_t call_depth(struct strategy_host *h, uint8_t venue, uint16_t symbol, bool bids,
                           uint32_t levels_max, struct strategy_level *out)
{
    struct desk *d = h->desk;
    struct book_level levels[STRATEGY_DEPTH_MAX];
    if (venue >= d->session_count || symbol >= d->instrument_count)
        return 0;
    const uint16_t slot = desk_slot(d, venue, symbol);
    if (slot == SYMBOL_NONE || desk_book_lent(d, venue))
        return 0;
    const uint32_t most = levels_max < STRATEGY_DEPTH_MAX ? levels_max : STRATEGY_DEPTH_MAX;
    const uint32_t n = book_depth(&d->sessions[venue].channel->book, slot,
                                  bids ? BOOK_BID : BOOK_ASK, most, levels);
    for (uint32_t i = 0; i < n; i++)
        out[i] = (struct strategy_level){levels[i].shares, levels[i].price, levels[i].orders};
    return n;
}

static bool call_position(struct strategy_host *h, uint16_t symbol, struct strategy_position *out)
{
    struct desk *d = h->desk;
    if (symbol >= d->instrument_count)
        return false;
    const uint32_t at = position_look(&d->risk, h->slot.account, symbol);
    const struct position *p = &d->risk.positions[at];
    *out = (struct strategy_position){.shares = 0};
    if (p->key != position_key(h->slot.account, symbol))
        return true; // only an order opens its place
    *out = (struct strategy_position){.shares = p->shares,
                                      .bought_value = d->risk.money[at].bought_value,
                                      .sold_value = d->risk.money[at].sold_value,
                                      .open_buy = p->open_buy,
                                      .open_sell = p->open_sell};
    return true;
}

static uint64_t call_now_ns(struct strategy_host *h)
{
    return scaled(h->desk->lane->stamp, h->desk->strategies->ns_per_tick);
}

static void call_timer_set(struct strategy_host *h, uint64_t at_ns)
{
    struct desk_strategies *s = h->desk->strategies;
    h->slot.timer_at = at_ns ? scaled(at_ns, s->ticks_per_ns) : UINT64_MAX;
    s->timer_at = h->slot.timer_at < s->timer_at ? h->slot.timer_at : s->timer_at;
}

static uint32_t call_route(struct strategy_host *h, const struct strategy_route *ask,
                           uint32_t *route)
{
    const struct desk_owner who = owner_of(h);
    const struct desk_route o = {.client_id = ask->client_id,
                                 .quantity = ask->quantity,
                                 .limit = ask->price,
                                 .instrument = ask->symbol,
                                 .venues = ask->venues,
                                 .how = ask->how,
                                 .rest = ask->rest,
                                 .side = ask->side};
    if (UNLIKELY(h->slot.off))
        return REFUSAL_STRATEGY_DISABLED;
    return desk_route(h->desk, &who, &o, route);
}

static uint32_t call_route_cancel(struct strategy_host *h, uint32_t route)
{
    const struct desk_owner who = owner_of(h);
    return desk_route_cancel(h->desk, &who, route);
}

static bool call_route_state(struct strategy_host *h, uint32_t route,
                             struct strategy_route_report *out)
{
    const struct desk_owner who = owner_of(h);
    const struct route *r = desk_route_of(h->desk, &who, route);
    if (r)
        desk_route_facts(r, route, out);
    return r != NULL;
}

static bool call_consolidated(struct strategy_host *h, uint16_t symbol,
                              struct strategy_consolidated *out)
{
    struct desk_best_of_all bid, ask;
    const bool known = desk_consolidated(h->desk, symbol, &bid, &ask);
    *out = (struct strategy_consolidated){.bid = bid.price,
                                          .ask = ask.price,
                                          .bid_shares = bid.shares,
                                          .ask_shares = ask.shares,
                                          .bid_venue = bid.venue,
                                          .ask_venue = ask.venue};
    return known;
}

static bool call_refused(struct strategy_host *h, uint32_t refusal, struct strategy_refusal *out)
{
    return desk_refused_tell(h->desk, h->slot.index, refusal, out);
}

static const struct strategy_calls strategy_host_calls = {
    .submit = call_submit,
    .replace = call_replace,
    .cancel = call_cancel,
    .best = call_best,
    .depth = call_depth,
    .position = call_position,
    .now_ns = call_now_ns,
    .timer_set = call_timer_set,
    .route = call_route,
    .route_cancel = call_route_cancel,
    .route_state = call_route_state,
    .consolidated = call_consolidated,
    .refused = call_refused,
};

// --- switching ---

static void switch_tell(struct desk *d, const struct strategy_slot *slot, enum strategy_off reason,
                        uint64_t ticks)
{
    struct event event = {.type = EVENT_STRATEGY};
    event.strategy.strategy = slot->index;
    event.strategy.enabled = slot->off == STRATEGY_ON;
    event.strategy.reason = (uint8_t)reason;
    event.strategy.ticks = ticks;
    desk_publish(d, &event);
}

static void switch_set(struct desk *d, uint32_t index, enum strategy_off off)
{
    struct desk_strategies *s = d->strategies;
    struct strategy_slot *slot = &s->hosts[index].slot;
    slot->off = (uint8_t)off;
    s->on = off ? s->on & ~(1ull << index) : s->on | 1ull << index;
    switch_tell(d, slot, off, slot->ticks_max);
    if (off)
        desk_mass_cancel(d, TRADE_STRATEGY, index);
}

// The call began at <from>. Whoever is late is trusted no longer, and its orders are cancelled; of
// one that is off already, for whatever reason, it only counts. False: it is told no more.
HOT_INLINE bool called(struct desk *d, struct strategy_host *h, uint64_t from)
{
    if (UNLIKELY(strategy_called(&h->slot, ticks_now(d) - from)) && h->slot.off == STRATEGY_ON)
        switch_set(d, h->slot.index, STRATEGY_OFF_LATE);
    return h->slot.off == STRATEGY_ON;
}

// Practice fills a lane without work, and pauses of the machine fall into it: late, it is weighed.
COLD void desk_strategy_late(struct desk *d, uint32_t index, uint64_t ticks, uint32_t weight)
{
    struct strategy_host *h = &d->strategies->hosts[index];
    strategy_called(&h->slot, ticks);
    if (weight < STRATEGY_LATE_MOST) {
        switch_tell(d, &h->slot, STRATEGY_OFF_LATE, ticks);
        return;
    }
    h->late_weight = 0; // a person who enables it begins anew
    switch_set(d, index, STRATEGY_OFF_LATE);
}

void desk_strategy_switch(struct desk *d, uint32_t index, enum strategy_off off)
{
    struct strategy_host *h = &d->strategies->hosts[index];
    switch_set(d, index, off);
    if (h->slot.strategy->enabled == NULL)
        return;
    const uint64_t from = ticks_now(d);
    h->slot.strategy->enabled(h->slot.state, off == STRATEGY_ON);
    called(d, h, from);
}

void desk_strategy_first(struct desk *d, uint32_t index)
{
    const struct strategy_slot *slot = &d->strategies->hosts[index].slot;
    switch_set(d, index, STRATEGY_ON);
    if (slot->strategy->enabled)
        slot->strategy->enabled(slot->state, true);
}

bool desk_strategy_parameters(struct desk *d, uint32_t index,
                              const struct strategy_parameters *parameters)
{
    struct strategy_host *h = &d->strategies->hosts[index];
    const uint64_t from = ticks_now(d);
    const bool takes =
        h->slot.strategy->parameters && h->slot.strategy->parameters(h->slot.state, parameters);
    called(d, h, from);
    return takes;
}

// --- what they are told: the market ---

HOT_INLINE const struct strategy_host *first_watcher(const struct desk_strategies *s,
                                                     const struct desk_watch *w)
{
    return &s->hosts[__builtin_ctzll(w->watchers)];
}

// Where order_expect finds the position next time: an order may have opened it.
HOT_INLINE void position_note(const struct desk *d, struct desk_watch *w)
{
    const uint32_t account = first_watcher(d->strategies, w)->slot.account;
    if (UNLIKELY(d->risk.positions[w->position].key != position_key(account, w->instrument)))
        w->position = position_look(&d->risk, account, w->instrument);
}

// The first time a symbol changes: is it traded, and who watches it.
static COLD void watch_resolve(struct desk *d, uint32_t session, uint32_t slot)
{
    const struct channel *ch = d->sessions[session].channel;
    struct desk_strategies *s = d->strategies;
    struct desk_watch *w = &s->watches[session][slot];
    char name[9] = "        ";
    const char *known = ch->book.infos[slot].name;
    if (ch->book_lent || known[0] == 0)
        return; // not announced yet
    for (uint32_t i = 0; i < 8 && known[i]; i++)
        name[i] = known[i];
    w->resolved = true;
    w->instrument = INSTRUMENT_NONE;
    for (uint32_t i = 0; i < d->instrument_count; i++) // once per symbol and session
        if (memcmp(d->instruments[i].symbol, name, 8) == 0)
            w->instrument = (uint16_t)i;
    if (w->instrument == INSTRUMENT_NONE)
        return;
    d->instruments[w->instrument].slot[session] = (uint16_t)slot;
    for (uint32_t i = 0; i < s->count; i++)
        for (uint32_t k = 0; k < s->hosts[i].slot.setup.symbol_count; k++)
            if (s->hosts[i].slot.setup.symbols[k] == w->instrument)
                w->watchers |= 1ull << i;
    if (w->watchers)
        position_note(d, w);
}

// Whoever is told may ask for an order: what the gate needs is on its way meanwhile.
HOT_INLINE void order_expect(const struct desk *d, const struct desk_watch *w)
{
    const struct strategy_slot *slot = &first_watcher(d->strategies, w)->slot;
    risk_expect(&d->risk, slot->account, slot->index, w->instrument, w->position);
}

static void tell_one(struct desk *d, struct strategy_host *h, const struct strategy_best *best,
                     bool quality, bool trade, bool change)
{
    const struct strategy *strategy = h->slot.strategy;
    uint64_t from = ticks_now(d);
    if (quality && strategy->quality) {
        strategy->quality(h->slot.state, best);
        if (!called(d, h, from))
            return;
        from = ticks_now(d);
    }
    if (trade && strategy->trade) {
        strategy->trade(h->slot.state, best);
        if (!called(d, h, from))
            return;
        from = ticks_now(d);
    }
    if (change && strategy->best) {
        strategy->best(h->slot.state, best);
        called(d, h, from);
    }
}

// What has changed in a book that is lent is told once it is back.
static void tell_watchers(struct desk *d, uint32_t session, uint32_t slot)
{
    struct desk_strategies *s = d->strategies;
    struct desk_watch *w = &s->watches[session][slot];
    if (UNLIKELY(!w->resolved))
        watch_resolve(d, session, slot);
    uint64_t watchers = w->watchers & s->on;
    if (LIKELY(!watchers))
        return;
    order_expect(d, w);
    struct strategy_best best;
    const struct channel *ch = d->sessions[session].channel;
    const struct book_symbol *symbol = &ch->book.symbols[slot];
    best_make(d, session, w->instrument, slot, &best);
    const bool quality = best.quality != w->quality;
    const uint64_t volume = UNLIKELY(ch->book_lent) ? w->volume : symbol->volume;
    const uint64_t changes = UNLIKELY(ch->book_lent) ? w->changes : symbol->changes;
    const bool trade = volume != w->volume, change = changes != w->changes;
    w->quality = best.quality;
    w->volume = volume;
    w->changes = changes;
    for (; watchers; watchers &= watchers - 1)
        tell_one(d, &s->hosts[__builtin_ctzll(watchers)], &best, quality, trade, change);
    position_note(d, w);
}

// Trust in a whole channel has changed: every symbol that a strategy watches.
static COLD void tell_quality(struct desk *d, uint32_t session)
{
    struct desk_strategies *s = d->strategies;
    s->channel_quality[session] = d->sessions[session].channel->quality;
    for (uint32_t i = 0; i < s->count; i++)
        for (uint32_t k = 0; k < s->hosts[i].slot.setup.symbol_count; k++) {
            const uint16_t slot = desk_slot(d, session, s->hosts[i].slot.setup.symbols[k]);
            if (slot != SYMBOL_NONE)
                tell_watchers(d, session, slot);
        }
}

void desk_market(struct desk *d)
{
    struct desk_strategies *s = d->strategies;
    if (s == NULL)
        return;
    for (uint32_t i = 0; i < d->session_count; i++) {
        struct channel_touch *t = &s->touches[i];
        if (s->watches[i] == NULL) // no market data, or watched under another session
            continue;
        if (UNLIKELY(d->sessions[i].channel->quality != s->channel_quality[i]))
            tell_quality(d, i);
        for (uint32_t n = 0; n < t->count; n++) {
            t->marks[t->slots[n]] = 0;
            tell_watchers(d, i, t->slots[n]);
        }
        t->count = 0;
    }
}

// --- what they are told: their orders ---

// Also who is not enabled, for whatever reason: orders that are being cancelled may still execute,
// and whoever is enabled again goes on from what it was told. No more calls than its open orders
// still have messages.
static void tell_order(struct desk *d, uint32_t order, const struct order_outcome *out)
{
    const struct own_order *o = orders_at(&d->orders, order);
    struct desk_strategies *s = d->strategies;
    if (o->strategy >= s->count || o->flags & ORDER_ADOPTED)
        return;
    struct strategy_host *h = &s->hosts[o->strategy];
    if (h->slot.strategy == NULL || h->slot.strategy->order == NULL)
        return;
    const struct strategy_report report = {
        .client_id = o->client_id,
        .order = order,
        .open = o->open,
        .filled = o->filled,
        .price = o->price,
        .fill_shares = out->did & DID_FILL ? out->shares : 0,
        .fill_price = out->did & DID_FILL ? out->price : 0,
        .broken_shares = out->did & DID_BREAK ? out->broken_shares : 0,
        .reason = o->reason,
        .route = desk_route_of_order(d, order),
        .symbol = o->instrument,
        .venue = o->session,
        .state = o->life,
        .side = o->side,
        .quarantined = (o->flags & ORDER_QUARANTINED) != 0,
        .not_received = order_not_received(o),
    };
    const uint64_t from = ticks_now(d);
    h->slot.strategy->order(h->slot.state, &report);
    called(d, h, from);
}
static void tell_route(struct desk *d, const struct route *r, uint32_t route)
{
    struct desk_strategies *s = d->strategies;
    struct strategy_route_report report;
    if (r->strategy >= s->count)
        return;
    struct strategy_host *h = &s->hosts[r->strategy];
    if (h->slot.strategy == NULL || h->slot.strategy->routed == NULL)
        return;
    desk_route_facts(r, route, &report);
    const uint64_t from = ticks_now(d);
    h->slot.strategy->routed(h->slot.state, &report);
    called(d, h, from);
}
_Static_assert((int)STRATEGY_ROUTE_SWEEP == (int)ROUTE_SWEEP &&
                   (int)STRATEGY_REST_POST == (int)ROUTE_REST_POST &&
                   STRATEGY_NO_ROUTE == ROUTE_NONE,
               "words of the router have the same numbers");
_Static_assert((int)STRATEGY_DEAD == (int)LIFE_DEAD && (int)STRATEGY_LIVE == (int)LIFE_LIVE &&
                   (int)STRATEGY_UNKNOWN == (int)LIFE_UNKNOWN,
               "lives have the same numbers");

// --- what they are told: signals ---

static bool trades_in(const struct strategy_setup *setup, uint16_t instrument)
{
    bool found = false;
    for (uint32_t i = 0; i < setup->symbol_count; i++) // at most STRATEGY_SYMBOLS_MAX
        found |= setup->symbols[i] == instrument;
    return found;
}

uint64_t desk_strategies_now(const struct desk *d)
{
    return scaled(d->lane->stamp, d->strategies->ns_per_tick);
}

void desk_strategies_signal(struct desk *d, const struct strategy_signal *told)
{
    for (uint64_t on = d->strategies->on; on; on &= on - 1) {
        struct strategy_host *h = &d->strategies->hosts[__builtin_ctzll(on)];
        const struct strategy *strategy = h->slot.strategy;
        if (strategy->signal == NULL || !trades_in(&h->slot.setup, told->symbol))
            continue;
        const uint64_t from = ticks_now(d);
        strategy->signal(h->slot.state, told);
        called(d, h, from);
    }
}

// --- what they are told: time ---

uint32_t desk_strategy_timers(struct desk *d, uint64_t now)
{
    struct desk_strategies *s = d->strategies;
    uint32_t called_back = 0;
    if (LIKELY(s == NULL || now < s->timer_at))
        return 0;
    s->timer_at = UINT64_MAX;
    d->lane->input++;
    for (uint32_t i = 0; i < s->count; i++) {
        struct strategy_slot *slot = &s->hosts[i].slot;
        if (slot->timer_at <= now) {
            slot->timer_at = UINT64_MAX;
            if (slot->off == STRATEGY_ON && slot->strategy->timer) {
                const uint64_t from = ticks_now(d);
                slot->strategy->timer(slot->state, scaled(now, s->ns_per_tick));
                called(d, &s->hosts[i], from);
                called_back++;
            }
        }
        s->timer_at = slot->timer_at < s->timer_at ? slot->timer_at : s->timer_at;
    }
    return called_back;
}

// --- set-up ---

uint64_t desk_watch_bytes(uint32_t symbols)
{
    return (uint64_t)symbols * (sizeof(struct desk_watch) + sizeof(uint16_t) + 1);
}

void desk_strategies_init(struct desk *d, struct desk_strategies *s, uint64_t tsc_hz,
                          void *const memory[SESSIONS_MAX])
{
    memset(s, 0, sizeof *s);
    s->ns_per_tick = (1000000000ull << 32) / tsc_hz;
    s->ticks_per_ns = (uint64_t)(((unsigned __int128)tsc_hz << 32) / 1000000000u);
    s->timer_at = UINT64_MAX;
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++)
        s->hosts[i].slot.timer_at = UINT64_MAX;
    d->strategies = s;
    d->told = tell_order;
    if (d->routes)
        d->routes->told = tell_route;
    for (uint32_t i = 0; i < d->session_count; i++) {
        struct channel *ch = d->sessions[i].channel;
        // Sessions that share a channel: its symbols are watched under the first.
        if (ch == NULL || memory[i] == NULL || ch->touch != NULL)
            continue;
        const uint32_t symbols = ch->config.book.symbols;
        s->watches[i] = memory[i];
        s->touches[i].slots = (uint16_t *)(void *)(s->watches[i] + symbols);
        s->touches[i].marks = (uint8_t *)(s->touches[i].slots + symbols);
        s->channel_quality[i] = ch->quality;
        ch->touch = &s->touches[i];
    }
}

void desk_strategy_add(struct desk *d, struct strategy_host *host, uint16_t account,
                       const uint16_t *symbols, uint32_t count, uint64_t budget_ns)
{
    struct desk_strategies *s = d->strategies;
    struct strategy_setup *setup = &host->slot.setup;
    host->desk = d;
    host->slot.index = (uint16_t)(host - s->hosts);
    if (host->slot.index >= s->count)
        s->count = host->slot.index + 1u;
    host->slot.account = account;
    host->slot.budget_ticks = scaled(budget_ns, s->ticks_per_ns);
    host->slot.off = STRATEGY_OFF_CONFIGURED;
    setup->calls = &strategy_host_calls;
    setup->host = host;
    setup->symbol_count = count;
    setup->venue_count = d->session_count;
    desk_signals_name(d, setup);
    for (uint32_t i = 0; i < count; i++) {
        setup->symbols[i] = symbols[i];
        memcpy(setup->names[i], d->instruments[symbols[i]].symbol, 8);
    }
}
