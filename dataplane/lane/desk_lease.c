// Hot path, but for desk_leases_init and want of lease.
#include "dataplane/lane/desk_lease.h"

#include "dataplane/lane/desk_parts.h"

enum { ORDERS, NOTIONAL, KINDS };

// --- shares ---

static struct limit_row *row_of(const struct desk *d, uint32_t share)
{
    return share < KINDS ? &d->limits->firm : &d->limits->accounts[share / KINDS - 1];
}

static uint64_t used_of(const struct desk *d, uint32_t share)
{
    const struct risk_use *use =
        share < KINDS ? &d->risk.firm : &d->risk.accounts[share / KINDS - 1];
    return share % KINDS == ORDERS ? use->orders : use->notional;
}

static uint64_t row_get(const struct limit_row *row, uint32_t share)
{
    return share % KINDS == ORDERS ? row->open_orders : row->open_notional;
}

static bool limits_nothing(const struct limit_row *row, uint32_t share)
{
    return share % KINDS == ORDERS ? row->open_orders == UINT32_MAX
                                   : row->open_notional >= LIMIT_NOTIONAL_MAX;
}

static void row_set(const struct desk *d, uint32_t share)
{
    const uint64_t may = lease_may(&d->leases->lane, share);
    struct limit_row *row = row_of(d, share);
    if (share % KINDS == ORDERS)
        row->open_orders = may < UINT32_MAX ? (uint32_t)may : UINT32_MAX;
    else
        row->open_notional = may;
}

// --- the turn ---

static void tell(struct desk *d, uint32_t share)
{
    const struct desk_leases *l = d->leases;
    struct event event = {.type = EVENT_LEASE};
    d->limits->version++;
    atomic_store_explicit(&d->board->limits_version, d->limits->version, memory_order_relaxed);
    event.lease.granted = lease_may(&l->lane, share);
    event.lease.whole = l->shares[share].whole;
    event.lease.limits_version = d->limits->version;
    event.lease.index = share < KINDS ? 0 : share / KINDS - 1;
    event.lease.scope = share < KINDS ? TRADE_FIRM : TRADE_ACCOUNT;
    event.lease.notional = share % KINDS == NOTIONAL;
    desk_publish(d, &event);
}

// Another limit is in force: it is an input of the lane, and has its record.
static void note_take(struct desk *d, const struct lease_note *note, uint64_t now)
{
    struct desk_leases *l = d->leases;
    struct desk_lease_share *s = &l->shares[note->share];
    const uint64_t before = lease_may(&l->lane, note->share);
    lease_take(&l->lane, note, used_of(d, note->share));
    if (note->word == LEASE_GRANT && note->amount < s->wanted)
        s->want_at = now + l->retry_ticks; // there is no more now: no need to ask at every turn
    if (lease_may(&l->lane, note->share) == before || s->whole == LEASE_NOT_SHARED)
        return; // also what was on its way when the share was left
    d->lane->input++;
    row_set(d, note->share);
    tell(d, note->share);
}

static void want(struct desk_leases *l, uint32_t share, uint64_t amount, bool spare)
{
    struct desk_lease_share *s = &l->shares[share];
    const uint64_t granted = l->lane.shares[share].granted;
    const uint64_t most = s->whole > granted ? s->whole - granted : 0;
    if (l->lane.shares[share].waits)
        return;
    s->wanted = amount < most ? amount : most;
    if (spare)
        lease_want_spare(&l->lane, share, s->wanted);
    else
        lease_want(&l->lane, share, s->wanted);
}

uint32_t desk_leases_turn(struct desk *d, uint64_t now)
{
    struct desk_leases *l = d->leases;
    struct lease_note note;
    uint32_t taken = 0;
    while (taken < LEASE_NOTES_A_TURN && event_credit(&d->lane->trading) >= LEASE_NOTES_A_TURN &&
           lease_read(&l->lane, &note)) {
        note_take(d, &note, now);
        taken++;
    }
    const uint32_t share = l->next;
    const struct desk_lease_share *s = &l->shares[share];
    l->next = share + 1 < l->share_count ? share + 1 : 0;
    if (s->whole != LEASE_NOT_SHARED)
        lease_hold(&l->lane, share, used_of(d, share));
    if (s->whole != LEASE_NOT_SHARED && now >= s->want_at &&
        !lease_covers(&l->lane, share, used_of(d, share), s->chunk / 2))
        want(l, share, s->chunk, true);
    return taken;
}

bool desk_lease_short(struct desk *d, enum refusal refusal, enum trade_scope scope,
                      uint32_t account, uint64_t value, uint64_t *limit)
{
    struct desk_leases *l = d->leases;
    if (scope != TRADE_FIRM && scope != TRADE_ACCOUNT)
        return false;
    const uint32_t share = (scope == TRADE_FIRM ? 0 : KINDS * (1 + account)) +
                           (refusal == REFUSAL_OPEN_ORDERS ? ORDERS : NOTIONAL);
    if (share >= l->share_count || l->shares[share].whole == LEASE_NOT_SHARED)
        return false;
    if (value > l->shares[share].whole) {
        *limit = l->shares[share].whole;
        return false;
    }
    const uint64_t missing = value - lease_may(&l->lane, share);
    if (d->lane->stamp >= l->shares[share].want_at)
        want(l, share, missing > l->shares[share].chunk ? missing : l->shares[share].chunk, false);
    return true;
}

// What the lanes share of a limit; LEASE_NOT_SHARED: it limits nothing, or everything.
static uint64_t whole_of(const struct limit_row *row, uint32_t share)
{
    return limits_nothing(row, share) ? LEASE_NOT_SHARED : row_get(row, share);
}

static COLD void share_change(struct desk *d, uint32_t share, uint64_t whole)
{
    struct desk_leases *l = d->leases;
    struct desk_lease_share *s = &l->shares[share];
    if (whole == LEASE_NOT_SHARED)
        lease_leave(&l->lane, share);
    else if (s->whole == LEASE_NOT_SHARED)
        lease_join(&l->lane, share, used_of(d, share));
    s->whole = whole;
    s->chunk = lease_part(whole, l->lanes);
}

void desk_leases_limits(struct desk *d)
{
    const struct desk_leases *l = d->leases;
    for (uint32_t i = 0; i < l->share_count; i++) { // two of the firm and of each account
        const uint64_t whole = whole_of(row_of(d, i), i);
        if (whole != l->shares[i].whole)
            share_change(d, i, whole);
        if (whole != LEASE_NOT_SHARED)
            row_set(d, i);
    }
}

// --- set-up ---

uint64_t desk_leases_bytes(uint32_t accounts)
{
    const uint32_t shares = lease_shares(accounts);
    return cache_lines(sizeof(struct desk_leases)) +
           cache_lines(shares * sizeof(struct desk_lease_share)) + lease_lane_bytes(shares);
}

void desk_leases_init(struct desk *d, void *memory, uint32_t accounts, uint32_t lanes,
                      uint64_t retry_ticks)
{
    uint8_t *p = memory;
    struct desk_leases *l = memory;
    l->share_count = lease_shares(accounts);
    l->retry_ticks = retry_ticks;
    l->lanes = lanes;
    p += cache_lines(sizeof *l);
    l->shares = (struct desk_lease_share *)(void *)p;
    p += cache_lines(l->share_count * sizeof *l->shares);
    lease_lane_init(&l->lane, l->share_count, p);
    d->leases = l;
    for (uint32_t i = 0; i < l->share_count; i++) {
        l->shares[i].whole = whole_of(row_of(d, i), i);
        if (l->shares[i].whole == LEASE_NOT_SHARED)
            continue;
        l->shares[i].chunk = lease_part(l->shares[i].whole, lanes);
        row_set(d, i);
    }
}
