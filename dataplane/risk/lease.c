// Leased sub-limits. The lane's functions stand first; the rest is the main lcore's.
#include "dataplane/risk/lease.h"

#include <string.h>

#include "dataplane/base/check.h"

// --- the lane ---

static void note_push(struct spsc *ring, enum lease_word word, uint32_t share, uint64_t amount)
{
    const struct lease_note note = {.amount = amount, .share = share, .word = (uint8_t)word};
    MUST(spsc_push(ring, &note)); // lease_ring_len
}

static void ask(struct lease_lane *l, enum lease_word word, uint32_t share, uint64_t amount)
{
    struct lease_share *s = &l->shares[share];
    if (s->waits || amount == 0)
        return;
    s->waits = true;
    note_push(&l->to_main, word, share, amount);
}

void lease_want(struct lease_lane *l, uint32_t share, uint64_t amount)
{
    ask(l, LEASE_WANT, share, amount);
}

void lease_want_spare(struct lease_lane *l, uint32_t share, uint64_t amount)
{
    ask(l, LEASE_SPARE, share, amount);
}

bool lease_read(struct lease_lane *l, struct lease_note *note)
{
    return spsc_pop(l->heard ? l->heard : &l->to_lane, note);
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

void lease_take(struct lease_lane *l, const struct lease_note *note, uint64_t used)
{
    struct lease_share *s = &l->shares[note->share];
    if (note->word == LEASE_GRANT) {
        s->granted += note->amount;
        s->waits = false;
        if (note->amount && s->holds == 0) // the pool has something again: nothing is too much
            s->owes = 0;
        return;
    }
    if (note->word == LEASE_HELD) {
        s->holds -= s->holds > 0;
        if (s->holds == 0)
            s->owes = at_most(note->amount, s->granted);
        return;
    }
    const uint64_t spare = s->granted > used ? s->granted - used : 0;
    const uint64_t back = at_most(note->amount, spare);
    s->granted -= back; // before the note: what is on its way back is nobody's to use
    const uint64_t owes = note->word == LEASE_SHED ? note->amount - back : s->owes;
    const bool less = s->holds && owes < s->owes; // says who has not heard what is held
    s->owes = at_most(less ? s->owes : owes, s->granted);
    note_push(&l->to_main, note->word == LEASE_SHED ? LEASE_LESS : LEASE_BACK, note->share, back);
}

static void hold(struct lease_lane *l, uint32_t share, uint64_t used)
{
    struct lease_share *s = &l->shares[share];
    const uint64_t more = used - s->granted;
    note_push(&l->to_main, LEASE_HOLD, share, more);
    s->holds++;
    s->granted += more;
    s->owes += more; // until the main lcore has heard it, and says
}

void lease_join(struct lease_lane *l, uint32_t share, uint64_t used)
{
    struct lease_share *s = &l->shares[share];
    if (used <= s->granted)
        return; // a grant that was on its way when the share was left
    hold(l, share, used);
    s->owes = s->granted; // until it has heard all lanes
}

void lease_hold(struct lease_lane *l, uint32_t share, uint64_t used)
{
    if (used > l->shares[share].granted && l->shares[share].holds == 0)
        hold(l, share, used);
}

void lease_leave(struct lease_lane *l, uint32_t share)
{
    struct lease_share *s = &l->shares[share];
    note_push(&l->to_main, LEASE_LEFT, share, s->granted);
    s->granted = s->owes = 0;
}

// --- the main lcore ---

static uint16_t bit_of(uint32_t lane)
{
    return (uint16_t)(1u << (lane & (LANES_MAX - 1)));
}
_Static_assert(LANES_MAX == 16, "a bit per lane in 16");

static uint64_t pool_free(const struct lease_pool *p)
{
    return p->limit > p->out ? p->limit - p->out : 0;
}

// Asks the lanes of <lanes> (bits) for up to <amount> each; too much only fills the pool.
static void recall(struct lease_book *b, uint32_t share, uint32_t lanes, uint64_t amount)
{
    struct lease_pool *p = &b->pools[share];
    for (uint32_t i = 0; i < b->lane_count; i++) {
        if (!(lanes >> i & 1) || p->recalled >> i & 1 || p->out_of[i] == 0)
            continue;
        p->recalled |= bit_of(i);
        note_push(&b->lanes[i]->to_lane, LEASE_RECALL, share, amount);
    }
}

static void hand_out(struct lease_book *b, uint32_t share, uint32_t lane, uint64_t amount)
{
    struct lease_pool *p = &b->pools[share];
    p->out += amount;
    p->out_of[lane] += amount;
    note_push(&b->lanes[lane]->to_lane, LEASE_GRANT, share, amount);
}

static void grant(struct lease_book *b, uint32_t share, uint32_t lane, uint64_t amount)
{
    struct lease_pool *p = &b->pools[share];
    p->wants[lane] = 0;
    p->looked &= (uint16_t)~bit_of(lane);
    p->next = lane + 1 < b->lane_count ? lane + 1 : 0;
    hand_out(b, share, lane, amount);
}

// What others wait for is not spare.
static void spare_answer(struct lease_book *b, uint32_t share, uint32_t lane, uint64_t amount)
{
    const struct lease_pool *p = &b->pools[share];
    uint64_t spare = pool_free(p);
    for (uint32_t i = 0; i < b->lane_count; i++)
        spare = p->wants[i] ? 0 : spare;
    hand_out(b, share, lane, amount < spare ? amount : spare);
}

// Answers wants in turn. One that cannot be met waits until the other lanes were asked, once; then
// it gets what there is.
static void wants_answer(struct lease_book *b, uint32_t share)
{
    struct lease_pool *p = &b->pools[share];
    for (uint32_t n = 0, lane = p->next; n < b->lane_count; n++) {
        const uint64_t want = p->wants[lane], missing = want - pool_free(p);
        const uint16_t bit = bit_of(lane);
        if (want && want > pool_free(p) && !(p->looked & bit)) {
            p->looked |= bit;
            recall(b, share, (uint16_t)~bit, missing);
        }
        if (want && want > pool_free(p) && p->recalled)
            return; // in turn: who comes later does not take what comes back for this one
        const uint32_t then = lane + 1 < b->lane_count ? lane + 1 : 0;
        if (want)
            grant(b, share, lane, want < pool_free(p) ? want : pool_free(p));
        lane = then;
    }
}

static uint64_t too_much(const struct lease_pool *p)
{
    return p->out > p->limit ? p->out - p->limit : 0;
}

// What is too much of a limit; a lane that has not read the last word hears the next one then.
static void lane_tell(struct lease_book *b, uint32_t share, uint32_t lane)
{
    struct lease_pool *p = &b->pools[share];
    if (p->shed >> lane & 1) {
        p->again |= bit_of(lane);
        return;
    }
    p->shed |= bit_of(lane);
    p->again &= (uint16_t)~bit_of(lane);
    note_push(&b->lanes[lane]->to_lane, LEASE_SHED, share, too_much(p));
}

static void lanes_tell(struct lease_book *b, uint32_t share)
{
    for (uint32_t i = 0; i < b->lane_count; i++)
        lane_tell(b, share, i);
}

void lease_trim(struct lease_book *b, uint32_t share)
{
    if (too_much(&b->pools[share]))
        lanes_tell(b, share);
}

// It is in use: whether there is as much in the pool is no question any more.
static void held(struct lease_book *b, uint32_t share, uint32_t lane, uint64_t amount)
{
    struct lease_pool *p = &b->pools[share];
    p->out_of[lane] += amount;
    p->out += amount;
    note_push(&b->lanes[lane]->to_lane, LEASE_HELD, share, too_much(p));
    lease_trim(b, share);
}

static void come_back(struct lease_book *b, uint32_t share, uint32_t lane, uint64_t amount)
{
    struct lease_pool *p = &b->pools[share];
    const bool above = too_much(p);
    MUST(amount <= p->out_of[lane]);
    p->out_of[lane] -= amount;
    p->out -= amount;
    if (above && !too_much(p)) // nothing is owed any more
        lanes_tell(b, share);
}

bool lease_serve(struct lease_book *b, uint32_t lane)
{
    struct lease_note note;
    if (!spsc_pop(&b->lanes[lane]->to_main, &note))
        return false;
    struct lease_pool *p = &b->pools[note.share];
    if (note.word == LEASE_SPARE) {
        spare_answer(b, note.share, lane, note.amount);
        return true;
    }
    switch ((enum lease_word)note.word) {
    case LEASE_WANT: p->wants[lane] = note.amount; break;
    case LEASE_HOLD: held(b, note.share, lane, note.amount); break;
    case LEASE_BACK: p->recalled &= (uint16_t)~bit_of(lane); break;
    case LEASE_LESS: p->shed &= (uint16_t)~bit_of(lane); break;
    default: break;
    }
    if (note.word == LEASE_BACK || note.word == LEASE_LESS || note.word == LEASE_LEFT)
        come_back(b, note.share, lane, note.amount);
    if (note.word == LEASE_LESS && p->again >> lane & 1)
        lane_tell(b, note.share, lane);
    wants_answer(b, note.share);
    return true;
}

void lease_limit(struct lease_book *b, uint32_t share, uint64_t limit)
{
    b->pools[share].limit = limit;
    lanes_tell(b, share);
    wants_answer(b, share);
}

// --- set-up ---

uint32_t lease_ring_len(uint32_t shares)
{
    uint32_t len = 4;
    while (len < 6 * shares) // a want, BACK, LESS, HOLD; HOLD and LEFT of a limit that is undone
        len *= 2;
    return len;
}

uint64_t lease_lane_bytes(uint32_t shares)
{
    return cache_lines(shares * sizeof(struct lease_share)) +
           2 * cache_lines(lease_ring_len(shares) * sizeof(struct lease_note));
}

uint64_t lease_book_bytes(uint32_t shares)
{
    return cache_lines(shares * sizeof(struct lease_pool));
}

void lease_lane_init(struct lease_lane *l, uint32_t shares, void *memory)
{
    const uint32_t len = lease_ring_len(shares);
    uint8_t *p = memory;
    l->shares = memory;
    l->share_count = shares;
    p += cache_lines(shares * sizeof(struct lease_share));
    spsc_init(&l->to_main, p, len, sizeof(struct lease_note));
    p += cache_lines(len * sizeof(struct lease_note));
    spsc_init(&l->to_lane, p, len, sizeof(struct lease_note));
}

void lease_book_init(struct lease_book *b, uint32_t shares, void *memory)
{
    *b = (struct lease_book){.pools = memory, .share_count = shares};
}

void lease_lane_add(struct lease_book *b, struct lease_lane *lane)
{
    b->lanes[b->lane_count++] = lane;
}
