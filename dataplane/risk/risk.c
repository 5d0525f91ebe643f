// Hot path, but for risk_bytes and risk_init.
#include "dataplane/risk/risk.h"

#include <string.h>

#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"
#include "dataplane/risk/gate_parts.h"

static uint64_t symbols_bytes(const struct risk_config *c)
{
    return cache_lines((uint64_t)c->symbols * sizeof(struct symbol_use));
}

static uint64_t held_bytes(const struct risk_config *c)
{
    return cache_lines((uint64_t)c->symbols * sizeof(struct strategy_use));
}

static uint64_t priors_bytes(const struct risk_config *c)
{
    return (uint64_t)c->accounts * c->priors * sizeof(struct prior);
}

uint64_t risk_bytes(const struct risk_config *c)
{
    const uint32_t rows = 1 + (uint32_t)__builtin_popcountll(c->strategies);
    return symbols_bytes(c) + rows * held_bytes(c) +
           (uint64_t)c->positions * (sizeof(struct position) + sizeof(struct position_money)) +
           priors_bytes(c);
}

void risk_init(struct risk *r, const struct risk_config *c, const struct limit_table *limits,
               struct kill_words *kills, void *memory)
{
    uint8_t *p = memory, *const others = p + symbols_bytes(c);
    memset(r, 0, sizeof *r);
    r->limits = limits;
    r->kills = kills;
    r->symbols = (struct symbol_use *)(void *)p;
    p = others;
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++) {
        p += c->strategies >> i & 1 ? held_bytes(c) : 0;
        r->held[i] = (struct strategy_use *)(void *)(c->strategies >> i & 1 ? p : others);
    }
    p += held_bytes(c);
    r->positions = (struct position *)(void *)p;
    r->position_mask = c->positions - 1;
    p += (uint64_t)c->positions * sizeof(struct position);
    r->money = (struct position_money *)(void *)p;
    p += (uint64_t)c->positions * sizeof(struct position_money);
    MUST(c->accounts <= ACCOUNTS_MAX && c->priors && (c->priors & (c->priors - 1)) == 0);
    r->priors = (struct prior *)(void *)p;
    r->prior_bits = (uint32_t)__builtin_ctz(c->priors);
    // Number 0 is none: too old. Rings begin in different places, as accounts that send alike would
    // share a set of the caches.
    enum { STAGGER = 2 * 5 };
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        r->prior_rings[i].last = r->prior_rings[i].free = c->priors + i * STAGGER % c->priors;
    r->symbol_count = c->symbols;
}

static COLD bool kills_nobody(const struct kill_words *k)
{
    uint64_t any = atomic_load_explicit(&k->all, memory_order_relaxed);
    for (uint32_t i = 0; i < ARRAY_LEN(k->sessions); i++)
        any |= atomic_load_explicit(&k->sessions[i], memory_order_relaxed);
    for (uint32_t i = 0; i < ARRAY_LEN(k->strategies); i++)
        any |= atomic_load_explicit(&k->strategies[i], memory_order_relaxed);
    for (uint32_t i = 0; i < ARRAY_LEN(k->accounts); i++)
        any |= atomic_load_explicit(&k->accounts[i], memory_order_relaxed);
    for (uint32_t i = 0; i < ARRAY_LEN(k->symbols); i++)
        any |= atomic_load_explicit(&k->symbols[i], memory_order_relaxed);
    return any == 0;
}

void risk_kills_look(struct risk *r)
{
    for (uint32_t asker = 0; asker < KILL_ASKERS; asker++) {
        // Acquire, and before the words: a kill asked for meanwhile has a later number.
        const uint64_t rung = atomic_load_explicit(&r->kills[asker].rung, memory_order_acquire);
        if (kills_nobody(&r->kills[asker]))
            r->kills_none[asker] = rung;
    }
}

uint32_t position_open(struct risk *r, uint32_t account, uint32_t instrument)
{
    const uint32_t key = position_key(account, instrument);
    uint32_t at = position_home(r, account, instrument);
    while (r->positions[at].key != key) { // ends: at most half of the table is used
        if (r->positions[at].key == 0) {
            if (r->position_count > r->position_mask / 2)
                return POSITION_NONE;
            r->position_count++;
            r->positions[at].key = key;
            return at;
        }
        at = (at + 1) & r->position_mask;
    }
    return at;
}

COLD void position_close(struct risk *r, uint32_t position)
{
    static const struct position_asked nothing;
    struct position *p = &r->positions[position];
    if (memcmp(&p->asked, &nothing, sizeof nothing) != 0)
        return;
    p->key = 0; // it stands at the end of all that is looked through
    r->position_count--;
}

// --- exposure ---

static void use_move(struct risk_use *use, const struct exposure *was, const struct exposure *now)
{
    use->orders += now->orders - was->orders;
    use->notional += now->notional - was->notional;
}

void exposure_move(struct risk *r, const struct exposure_owner *owner, const struct exposure *was,
                   const struct exposure *now)
{
    struct position *p = &r->positions[owner->position];
    struct symbol_use *s = &r->symbols[owner->instrument];
    struct strategy_use *held = strategy_use(r, owner);
    const uint64_t shares = (uint64_t)now->shares - was->shares;
    const uint64_t buys = owner->sells ? 0 : now->notional - was->notional;
    use_move(&r->firm, was, now);
    use_move(&r->accounts[owner->account], was, now);
    use_move(&r->strategies[owner->strategy], was, now);
    use_move(&r->sessions[owner->session], was, now);
    use_move(&s->use, was, now);
    r->day.open_buy += buys;
    r->account_days[owner->account].open_buy += buys;
    if (owner->sells) {
        p->open_sell += shares;
        s->open_sell += shares;
        held->open_sell += shares;
    } else {
        p->open_buy += shares;
        s->open_buy += shares;
        held->open_buy += shares;
    }
}

// As the gate does it when it approves (gate.c, pass.c).
void owners_count(struct risk *r, const struct exposure_owner *owner)
{
    struct owner_day *strategy = &r->strategy_days[owner->strategy];
    struct owner_day *days[] = {&r->day, &r->account_days[owner->account], strategy,
                                &r->session_days[owner->session]};
    uint64_t *word = &r->traded_in[owner->strategy][owner->instrument / 64];
    const uint64_t bit = 1ull << (owner->instrument % 64);
    for (uint32_t i = 0; i < ARRAY_LEN(days); i++)
        days[i]->orders++;
    strategy->applied++;
    strategy->instruments += !(*word & bit);
    *word |= bit;
}

// A sum that would not fit stays at its maximum, and is counted: no day comes near it.
static void sum_add(struct risk *r, uint64_t *sum, uint64_t more)
{
    if (UNLIKELY(__builtin_add_overflow(*sum, more, sum))) {
        *sum = UINT64_MAX;
        r->overflows++;
    }
}

static void executed(struct risk *r, const struct exposure_owner *owner, uint32_t shares,
                     uint32_t price)
{
    struct position *p = &r->positions[owner->position];
    struct position_money *m = &r->money[owner->position];
    const uint64_t value = (uint64_t)shares * price;
    const int64_t change = owner->sells ? -(int64_t)shares : (int64_t)shares;
    sum_add(r, owner->sells ? &m->sold : &m->bought, shares);
    sum_add(r, owner->sells ? &m->sold_value : &m->bought_value, value);
    p->shares += change;
    p->fills++;
    r->symbols[owner->instrument].shares += change;
    strategy_use(r, owner)->shares += change;
    money_fill(r, owner, shares, price, false);
}

void exposure_fill(struct risk *r, const struct exposure_owner *owner, uint32_t shares,
                   uint32_t price, uint64_t now)
{
    ratio_fill(r, owner, now);
    executed(r, owner, shares, price);
    money_look(r, owner->account);
}

void exposure_carry(struct risk *r, const struct exposure_owner *owner, int64_t shares,
                    uint32_t price)
{
    struct position *p = &r->positions[owner->position];
    struct position_money *m = &r->money[owner->position];
    const uint64_t size = shares < 0 ? (uint64_t)-shares : (uint64_t)shares;
    sum_add(r, shares < 0 ? &m->sold : &m->bought, size);
    sum_add(r, shares < 0 ? &m->sold_value : &m->bought_value, size * price);
    p->shares += shares;
    r->symbols[owner->instrument].shares += shares;
    money_carry(r, owner, shares, price);
}

static void undone(struct risk *r, const struct exposure_owner *owner, uint32_t shares,
                   uint32_t price)
{
    struct position *p = &r->positions[owner->position];
    struct position_money *m = &r->money[owner->position];
    const uint64_t value = (uint64_t)shares * price;
    const int64_t change = owner->sells ? (int64_t)shares : -(int64_t)shares;
    *(owner->sells ? &m->sold : &m->bought) -= shares;
    *(owner->sells ? &m->sold_value : &m->bought_value) -= value;
    p->shares += change;
    p->fills--;
    r->symbols[owner->instrument].shares += change;
    strategy_use(r, owner)->shares += change;
    money_fill(r, owner, shares, price, true);
}

void exposure_break(struct risk *r, const struct exposure_owner *owner, uint32_t shares,
                    uint32_t price)
{
    undone(r, owner, shares, price);
    money_look(r, owner->account);
}

void exposure_correct(struct risk *r, const struct exposure_owner *owner,
                      const struct exposure_trade *was, const struct exposure_trade *now)
{
    if (was->shares == now->shares && was->price == now->price)
        return;
    undone(r, owner, was->shares, was->price);
    executed(r, owner, now->shares, now->price);
    money_look(r, owner->account);
}

// --- rates ---

void gate_cancel(struct risk *r, uint32_t session, uint64_t now)
{
    const struct limit_row *row = &r->limits->sessions[session];
    if (UNLIKELY(row->cancel_rate))
        r->cancel_at[session] =
            now + ahead_of(r->cancel_at[session], now) + limit_cancels_apart(row);
}

void gate_cancels_limits(struct risk *r, const struct limit_table *next, uint64_t now)
{
    for (uint32_t i = 0; i < SESSIONS_MAX; i++) {
        const uint64_t was = limit_cancels_apart(&r->limits->sessions[i]);
        const uint64_t is = limit_cancels_apart(&next->sessions[i]);
        const bool counted = r->limits->sessions[i].cancel_rate && next->sessions[i].cancel_rate;
        if (counted && was && was != is)
            r->cancel_at[i] = now + (ahead_of(r->cancel_at[i], now) + was - 1) / was * is;
    }
}

bool gate_cancels_due(struct risk *r, uint32_t session, uint32_t cancels, uint64_t now)
{
    const struct limit_row *row = &r->limits->sessions[session];
    const uint64_t burst = limit_cancels_burst(row), apart = limit_cancels_apart(row);
    return rate_ahead(&r->cancel_at[session], apart, burst, now) + (cancels - 1) * apart <= burst;
}

bool gate_cancel_due(struct risk *r, uint32_t session, uint64_t now)
{
    return gate_cancels_due(r, session, 1, now);
}
