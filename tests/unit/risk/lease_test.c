// Two lanes with one account: the sum of what they use never exceeds the limit. Explored in every
// interleaving of a small world, and by threads.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/risk/lease.h"

enum { LANES = 2, BYTES = 384, RING = 8 };

// --- every interleaving ---
//
// A state is two lanes that enter and end orders of one or two units, the main lcore, and the notes
// on their way, each step being one note read or one order. From the first state on every state
// that can be reached is visited. With orders that are there without a grant, as an exchange tells
// a lane of them, there are too many: then it is random walks.

struct state {
    struct lease_book book;
    struct lease_lane lanes[LANES];
    CACHE_ALIGN uint8_t lane_memory[LANES][BYTES];
    CACHE_ALIGN uint8_t book_memory[BYTES];
    uint64_t used[LANES];
};

// What makes a state: two with the same words behave alike.
struct key {
    uint8_t word[96];
};

enum { STATES_MAX = 1 << 18, LIMIT = 2, LIMIT_LOW = 1 };
enum { TOLD_MOST = 3, WALKS = 200, WALK_STEPS = 10000 };

static bool told; // without a grant

static struct state *states;
static struct key *keys;
static uint32_t *table; // hash of keys: index + 1
static uint32_t state_count;

// A copy has its own memory.
static void state_copy(struct state *to, const struct state *from)
{
    memcpy(to, from, sizeof *to);
    to->book.pools = (void *)to->book_memory;
    for (uint32_t i = 0; i < LANES; i++) {
        const ptrdiff_t main_at =
            from->lanes[i].to_main.records - (const uint8_t *)from->lane_memory[i];
        const ptrdiff_t lane_at =
            from->lanes[i].to_lane.records - (const uint8_t *)from->lane_memory[i];
        to->lanes[i].shares = (void *)to->lane_memory[i];
        to->lanes[i].to_main.records = to->lane_memory[i] + main_at;
        to->lanes[i].to_lane.records = to->lane_memory[i] + lane_at;
        to->lanes[i].heard = &to->lanes[i].to_lane;
        to->book.lanes[i] = &to->lanes[i];
    }
}

static uint32_t on_way(const struct spsc *r, uint32_t number, struct lease_note *note)
{
    const uint32_t head = atomic_load(&r->head), count = atomic_load(&r->tail) - head;
    if (number < count)
        memcpy(note, r->records + (size_t)((head + number) & r->mask) * sizeof *note, sizeof *note);
    return count;
}

static struct key key_of(const struct state *s)
{
    struct key k = {{0}};
    uint32_t at = 0;
    const struct lease_pool *p = &s->book.pools[0];
    k.word[at++] = (uint8_t)p->limit;
    k.word[at++] = (uint8_t)p->looked;
    k.word[at++] = (uint8_t)p->recalled;
    k.word[at++] = (uint8_t)(p->shed << 4 | p->again);
    k.word[at++] = (uint8_t)p->next;
    for (uint32_t i = 0; i < LANES; i++) {
        k.word[at++] = (uint8_t)s->used[i];
        k.word[at++] = (uint8_t)s->lanes[i].shares[0].granted;
        k.word[at++] = (uint8_t)(s->lanes[i].shares[0].owes << 3 |
                                 s->lanes[i].shares[0].holds << 1 | s->lanes[i].shares[0].waits);
        k.word[at++] = (uint8_t)p->out_of[i];
        k.word[at++] = (uint8_t)p->wants[i];
        const struct spsc *rings[] = {&s->lanes[i].to_main, &s->lanes[i].to_lane};
        for (uint32_t r = 0; r < 2; r++)
            for (uint32_t n = 0; n < RING; n++) {
                struct lease_note note = {0};
                const bool there = n < on_way(rings[r], n, &note);
                k.word[at++] = there ? (uint8_t)(note.word + 1) : 0;
                k.word[at++] = there ? (uint8_t)note.amount : 0;
            }
    }
    assert_true(at <= sizeof k.word);
    return k;
}

// What is out of the pool for a lane is what it holds and what is on its way.
static void state_holds(const struct state *s)
{
    const struct lease_pool *p = &s->book.pools[0];
    uint64_t used = 0, out = 0, may = 0;
    bool quiet = true;
    for (uint32_t i = 0; i < LANES; i++) {
        uint64_t held = s->lanes[i].shares[0].granted;
        const struct spsc *rings[] = {&s->lanes[i].to_main, &s->lanes[i].to_lane};
        for (uint32_t r = 0; r < 2; r++)
            for (uint32_t n = 0; n < RING; n++) {
                struct lease_note note;
                if (n >= on_way(rings[r], n, &note))
                    continue;
                quiet = false;
                held +=
                    note.word == LEASE_GRANT || note.word == LEASE_BACK || note.word == LEASE_LESS
                        ? note.amount
                        : 0;
                held -= note.word == LEASE_HOLD ? note.amount : 0;
                may += note.word == LEASE_GRANT ? note.amount : 0;
            }
        assert_int_equal(held, p->out_of[i]);
        assert_true(told || s->used[i] <= s->lanes[i].shares[0].granted);
        assert_true(s->lanes[i].shares[0].owes <= s->lanes[i].shares[0].granted);
        may += lease_may(&s->lanes[i], 0);
        used += s->used[i];
        out += p->out_of[i];
    }
    assert_int_equal(out, p->out);
    assert_true(may <= LIMIT);         // whoever was told of what
    assert_true(told || out <= LIMIT); // the highest that there was
    assert_true(told || used <= LIMIT);
    // Nobody waits for what will not come.
    for (uint32_t i = 0; i < LANES && quiet; i++)
        assert_true(!s->lanes[i].shares[0].waits && p->wants[i] == 0 && p->recalled == 0 &&
                    p->shed == 0 && s->lanes[i].shares[0].holds == 0 &&
                    (p->out > p->limit || s->lanes[i].shares[0].owes == 0));
}

static void visit(const struct state *s)
{
    const struct key k = key_of(s);
    uint64_t hash = 0xcbf29ce484222325ull;
    for (uint32_t i = 0; i < sizeof k.word; i++)
        hash = (hash ^ k.word[i]) * 0x100000001b3ull;
    uint32_t at = (uint32_t)(hash >> 20) & (2 * STATES_MAX - 1);
    for (; table[at]; at = (at + 1) & (2 * STATES_MAX - 1))
        if (memcmp(&keys[table[at] - 1], &k, sizeof k) == 0)
            return;
    if (state_count == STATES_MAX)
        fail_msg("more than %d states", STATES_MAX);
    state_holds(s);
    state_copy(&states[state_count], s);
    keys[state_count] = k;
    table[at] = ++state_count;
}

// Something is in use of which the main lcore does not know.
static bool unheard(const struct state *s)
{
    bool is = false;
    for (uint32_t i = 0; i < LANES; i++)
        is |= s->lanes[i].shares[0].holds || s->used[i] > s->lanes[i].shares[0].granted;
    return is;
}

static void order_enter(struct state *s, uint32_t lane, uint64_t units)
{
    if (lease_covers(&s->lanes[lane], 0, s->used[lane], units)) {
        s->used[lane] += units;
        // Once every lane has read of a lower limit, or of what another one holds, nothing more is
        // taken above the limit.
        const struct lease_pool *p = &s->book.pools[0];
        assert_true(p->shed || unheard(s) || s->used[0] + s->used[1] <= p->limit);
    } else {
        lease_want(&s->lanes[lane], 0, s->used[lane] + units - lease_may(&s->lanes[lane], 0));
    }
}

static void note_read(struct state *s, uint32_t lane)
{
    struct lease_note note;
    if (lease_read(&s->lanes[lane], &note))
        lease_take(&s->lanes[lane], &note, s->used[lane]);
}

enum {
    STEP_ENTER_1,
    STEP_ENTER_2,
    STEP_SPARE,
    STEP_END,
    STEP_READ,
    STEP_SERVE,
    STEP_LIMIT,
    STEP_TOLD,
    STEP_HOLD,
    STEPS
};

static void step_told(struct state *s, uint32_t lane)
{
    s->used[lane] += told && s->used[0] + s->used[1] < TOLD_MOST;
}

static void step(struct state *s, uint32_t lane, uint32_t what)
{
    const uint64_t limit = s->book.pools[0].limit, out = s->book.pools[0].out;
    switch (what) {
    case STEP_ENTER_1: order_enter(s, lane, 1); break;
    case STEP_ENTER_2: order_enter(s, lane, 2); break;
    case STEP_SPARE: lease_want_spare(&s->lanes[lane], 0, 1); break;
    case STEP_END: s->used[lane] -= s->used[lane] > 0; break;
    case STEP_READ: note_read(s, lane); break;
    case STEP_SERVE: lease_serve(&s->book, lane); break;
    case STEP_TOLD: step_told(s, lane); break;
    case STEP_HOLD: lease_hold(&s->lanes[lane], 0, s->used[lane]); break;
    default:
        if (lane == 0 && !s->book.pools[0].shed) // one change at a time
            lease_limit(&s->book, 0, limit == LIMIT ? LIMIT_LOW : LIMIT);
        else if (lane && !s->book.pools[0].shed)
            lease_trim(&s->book, 0);
        break;
    }
    const struct lease_pool *p = &s->book.pools[0];
    assert_true(told || p->out <= (out > p->limit ? out : p->limit)); // no grant above the limit
}

static void state_first(struct state *s)
{
    assert_int_equal(lease_ring_len(1), RING);
    assert_true(lease_lane_bytes(1) <= BYTES && lease_book_bytes(1) <= BYTES);
    memset(s, 0, sizeof *s);
    lease_book_init(&s->book, 1, s->book_memory);
    for (uint32_t i = 0; i < LANES; i++) {
        lease_lane_init(&s->lanes[i], 1, s->lane_memory[i]);
        lease_lane_add(&s->book, &s->lanes[i]);
    }
    lease_limit(&s->book, 0, LIMIT);
}

static void in_no_interleaving_is_the_limit_exceeded(void **state)
{
    (void)state;
    static struct state first, next;
    uint32_t all_of[LANES] = {0};
    states = aligned_alloc(CACHE_LINE, (size_t)STATES_MAX * sizeof *states);
    keys = malloc((size_t)STATES_MAX * sizeof *keys);
    table = calloc(2 * (size_t)STATES_MAX, sizeof *table);
    assert_true(states && keys && table);
    state_count = 0;
    state_first(&first);
    visit(&first);
    for (uint32_t at = 0; at < state_count; at++) {
        for (uint32_t i = 0; i < LANES * STEPS; i++) {
            state_copy(&next, &states[at]);
            step(&next, i % LANES, i / LANES);
            visit(&next);
        }
        for (uint32_t i = 0; i < LANES; i++)
            all_of[i] += states[at].used[i] == LIMIT;
    }
    print_message("leases: %u states\n", state_count);
    assert_true(state_count > 1000);
    assert_true(all_of[0] > 0 && all_of[1] > 0); // either may come to use all of it
    free(states);
    free(keys);
    free(table);
}

static uint32_t draw(uint32_t below)
{
    static uint64_t random = 5;
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((random >> 33) % below);
}

static void nor_by_who_was_told_of_orders(void **state)
{
    (void)state;
    static struct state s;
    uint32_t above = 0, refused = 0;
    told = true;
    for (uint32_t walk = 0; walk < WALKS; walk++) {
        state_first(&s);
        for (uint32_t n = 0; n < WALK_STEPS; n++) {
            const uint32_t lane = draw(LANES), what = draw(STEPS);
            const bool enters = what == STEP_ENTER_1 && s.book.pools[0].out > LIMIT;
            const uint64_t before = s.used[lane];
            step(&s, lane, what);
            state_holds(&s);
            above += s.book.pools[0].out > LIMIT;
            refused += enters && s.used[lane] == before;
        }
    }
    told = false;
    assert_true(above > WALKS && refused > WALKS);
}

// --- threads ---

enum { SHARED_LIMIT = 1000, ENTERED = 3000 };

static struct lease_lane lanes[LANES];
static struct lease_book book;
static _Atomic int64_t total;
static _Atomic uint32_t running, exceeded;

static void notes_read(struct lease_lane *l, uint64_t used)
{
    struct lease_note note;
    while (lease_read(l, &note))
        lease_take(l, &note, used);
}

static void *lane_runs(void *number)
{
    struct lease_lane *l = &lanes[(uintptr_t)number];
    uint64_t used = 0, random = (uintptr_t)number * 77 + 5;
    for (uint32_t entered = 0; entered < ENTERED;) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        const uint64_t units = 1 + (random >> 33) % 300;
        notes_read(l, used);
        if (random >> 63) {
            const uint64_t less = units < used ? units : used;
            atomic_fetch_sub(&total, (int64_t)less);
            used -= less;
        } else if (lease_covers(l, 0, used, units)) {
            used += units;
            if (atomic_fetch_add(&total, (int64_t)units) + (int64_t)units > SHARED_LIMIT)
                atomic_fetch_add(&exceeded, 1);
            entered++;
        } else {
            if (random >> 62 & 1)
                lease_want_spare(l, 0, units);
            else
                lease_want(l, 0, units);
            sched_yield();
        }
    }
    atomic_fetch_sub(&total, (int64_t)used);
    atomic_fetch_sub(&running, 1);
    while (atomic_load(&running)) { // gives back to who still runs
        notes_read(l, 0);
        sched_yield();
    }
    return NULL;
}

static void lanes_that_run_at_once_share_the_limit(void **state)
{
    (void)state;
    pthread_t threads[LANES];
    void *memory[LANES + 1];
    memory[LANES] = aligned_alloc(CACHE_LINE, lease_book_bytes(1));
    assert_non_null(memory[LANES]);
    memset(memory[LANES], 0, lease_book_bytes(1));
    lease_book_init(&book, 1, memory[LANES]);
    for (uint32_t i = 0; i < LANES; i++) {
        memory[i] = aligned_alloc(CACHE_LINE, lease_lane_bytes(1));
        assert_non_null(memory[i]);
        memset(memory[i], 0, lease_lane_bytes(1));
        lease_lane_init(&lanes[i], 1, memory[i]);
        lease_lane_add(&book, &lanes[i]);
    }
    lease_limit(&book, 0, SHARED_LIMIT);
    atomic_store(&running, LANES);
    for (uint32_t i = 0; i < LANES; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, lane_runs, (void *)(uintptr_t)i), 0);
    while (atomic_load(&running)) {
        bool work = false;
        for (uint32_t i = 0; i < LANES; i++)
            work |= lease_serve(&book, i);
        if (!work)
            sched_yield();
    }
    for (uint32_t i = 0; i < LANES; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&exceeded), 0);
    assert_int_equal(atomic_load(&total), 0);
    for (uint32_t i = 0; i <= LANES; i++)
        free(memory[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_no_interleaving_is_the_limit_exceeded),
        cmocka_unit_test(nor_by_who_was_told_of_orders),
        cmocka_unit_test(lanes_that_run_at_once_share_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
