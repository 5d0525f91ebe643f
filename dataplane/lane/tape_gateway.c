// Hot path where there is a tape and clients.
#include "dataplane/lane/tape_gateway.h"

#include <string.h>

#include "dataplane/lane/desk_gateway.h"

_Static_assert(sizeof(struct gateway_request) == CAPTURE_SLOT_LEN, "a slot");
_Static_assert(sizeof(struct capture_requests) + (CAPTURE_SLOTS_MAX + 1) * CAPTURE_SLOT_LEN <
                   CAPTURE_RECORD_MAX,
               "a record has room for them");

// --- who comes and goes ---

static COLD void client_let_in(struct tape *t, uint32_t index)
{
    struct tape_gateway *tg = t->gateway;
    const struct gateway_client *real = &tg->door->clients[index];
    struct gateway_client *c = &tg->seen.clients[index];
    struct gateway_inward *inward = tg->inward[index];
    const uint32_t attached = atomic_load_explicit(&real->attached, memory_order_acquire);
    const uint32_t ended = atomic_load_explicit(&real->ended, memory_order_acquire);
    const uint32_t attached_was = atomic_load_explicit(&c->attached, memory_order_relaxed);
    if (attached == attached_was && ended == atomic_load_explicit(&c->ended, memory_order_relaxed))
        return;
    c->why = real->why;
    c->uid = real->uid;
    c->pid = real->pid;
    if (attached != attached_was) {
        atomic_store_explicit(&inward->requests_tail, 0, memory_order_relaxed);
        atomic_store_explicit(&inward->answers_head, 0, memory_order_relaxed);
        tg->more[index] = false;
        c->inward = inward;
        c->outward = real->outward;
    }
    const struct capture_client told = {
        .attached = attached, .ended = ended, .why = c->why, .uid = c->uid, .pid = c->pid};
    void *to = tape_put(t, CAPTURE_CLIENT, index, 0, sizeof told);
    if (to)
        memcpy(to, &told, sizeof told);
    atomic_store_explicit(&c->attached, attached, memory_order_relaxed);
    atomic_store_explicit(&c->ended, ended, memory_order_relaxed);
}

// --- what they ask ---

// Behind a request that says so stands what more it says: both go in together.
static bool wants_more(const struct gateway_request *r)
{
    return r->more == 1 && (r->kind == GATEWAY_ENTER || r->kind == GATEWAY_SIGNAL);
}

// Up to <tail>, as many as fit into a record. Returns how many.
static uint32_t slots_copy(struct tape_gateway *tg, uint32_t index, uint32_t from, uint32_t tail)
{
    const struct gateway_inward *real = tg->door->clients[index].inward;
    struct gateway_inward *own = tg->inward[index];
    const uint32_t mask = tg->seen.requests - 1;
    uint32_t count = 0;
    for (; from + count != tail && (count < CAPTURE_SLOTS_MAX || tg->more[index]); count++) {
        struct gateway_request *to = &own->requests[(from + count) & mask];
        request_copy(to, &real->requests[(from + count) & mask]);
        tg->more[index] = !tg->more[index] && wants_more(to);
    }
    return count;
}

static void requests_let_in(struct tape *t, uint32_t index, uint32_t tail, uint32_t answers_head)
{
    struct tape_gateway *tg = t->gateway;
    const struct gateway_client *c = &tg->seen.clients[index];
    const uint32_t slots = tg->seen.requests, mask = slots - 1;
    const bool fresh = c->attachment != atomic_load_explicit(&c->attached, memory_order_relaxed);
    struct gateway_inward *own = tg->inward[index];
    const uint32_t from = atomic_load_explicit(&own->requests_tail, memory_order_relaxed);
    const uint32_t waiting = from - (fresh ? 0 : c->pipe.requests_head);
    uint32_t count = 0;
    // An index that is impossible is the lane's to see.
    if (LIKELY(waiting <= slots && tail - from <= slots - waiting)) {
        count = slots_copy(tg, index, from, tail);
        tail = from + count;
    }
    const struct capture_requests told = {.tail = tail, .answers_head = answers_head};
    uint8_t *to = tape_put(t, CAPTURE_REQUESTS, index, count,
                           (uint32_t)sizeof told + count * CAPTURE_SLOT_LEN);
    if (LIKELY(to != NULL)) {
        memcpy(to, &told, sizeof told);
        for (uint32_t i = 0; i < count; i++)
            memcpy(to + sizeof told + (size_t)i * CAPTURE_SLOT_LEN,
                   &own->requests[(from + i) & mask], CAPTURE_SLOT_LEN);
    }
    atomic_store_explicit(&own->answers_head, answers_head, memory_order_relaxed);
    atomic_store_explicit(&own->requests_tail, tail, memory_order_relaxed);
}

// The lane looks at the memory of these.
static uint32_t clients_on(const struct tape *t)
{
    const struct tape_gateway *tg = t->gateway;
    uint32_t bits = t->lane->desk->gateway->on;
    if (UNLIKELY(t->lane->desk->gateway->bell_seen !=
                 atomic_load_explicit(&tg->seen.bell, memory_order_relaxed)))
        for (uint32_t i = 0; i < tg->seen.count; i++) {
            const struct gateway_client *c = &tg->seen.clients[i];
            const uint32_t attached = atomic_load_explicit(&c->attached, memory_order_relaxed);
            bits |= (uint32_t)(attached != c->attachment) << i;
        }
    return bits;
}

void tape_gateway_let_in(struct tape *t)
{
    struct tape_gateway *tg = t->gateway;
    const uint32_t bell = atomic_load_explicit(&tg->door->bell, memory_order_acquire);
    if (UNLIKELY(bell != atomic_load_explicit(&tg->seen.bell, memory_order_relaxed))) {
        for (uint32_t i = 0; i < tg->seen.count; i++)
            client_let_in(t, i);
        atomic_store_explicit(&tg->seen.bell, bell, memory_order_relaxed);
    }
    for (uint32_t bits = clients_on(t); bits; bits &= bits - 1) {
        const uint32_t i = (uint32_t)__builtin_ctz(bits);
        const struct gateway_inward *real = tg->door->clients[i].inward, *own = tg->inward[i];
        const uint32_t tail = atomic_load_explicit(&real->requests_tail, memory_order_acquire);
        const uint32_t head = atomic_load_explicit(&real->answers_head, memory_order_acquire);
        if (tail != atomic_load_explicit(&own->requests_tail, memory_order_relaxed) ||
            head != atomic_load_explicit(&own->answers_head, memory_order_relaxed))
            requests_let_in(t, i, tail, head);
    }
}

// --- what the main lcore is told ---

void tape_gateway_tell(struct tape *t)
{
    struct tape_gateway *tg = t->gateway;
    for (uint32_t i = 0; i < tg->seen.count; i++) {
        const struct gateway_client *c = &tg->seen.clients[i];
        struct gateway_client *real = &tg->door->clients[i];
        const uint32_t left = atomic_load_explicit(&c->left, memory_order_relaxed);
        const uint32_t cut = atomic_load_explicit(&c->cut, memory_order_relaxed);
        if (real->taken != c->taken || real->answers != c->answers) {
            real->taken = c->taken;
            real->refused = c->refused;
            real->answers = c->answers;
        }
        if (UNLIKELY(cut != atomic_load_explicit(&real->cut, memory_order_relaxed)))
            atomic_store_explicit(&real->cut, cut, memory_order_release);
        if (UNLIKELY(left != atomic_load_explicit(&real->left, memory_order_relaxed)))
            atomic_store_explicit(&real->left, left, memory_order_release);
    }
}

bool tape_gateway_waits(const struct tape *t)
{
    const struct tape_gateway *tg = t->gateway;
    const struct desk_gateway *dg = t->lane->desk->gateway;
    bool waits = atomic_load_explicit(&tg->door->bell, memory_order_relaxed) !=
                     atomic_load_explicit(&tg->seen.bell, memory_order_relaxed) ||
                 dg->leaving;
    for (uint32_t bits = dg->on; bits && !waits; bits &= bits - 1) {
        const uint32_t i = (uint32_t)__builtin_ctz(bits);
        waits =
            atomic_load_explicit(&tg->door->clients[i].inward->requests_tail,
                                 memory_order_relaxed) != tg->seen.clients[i].pipe.requests_head;
    }
    return waits;
}

// --- set-up ---

static uint64_t inward_bytes(const struct gateway *door)
{
    return cache_lines(gateway_inward_bytes(door->requests));
}

uint64_t tape_gateway_bytes(const struct gateway *door)
{
    return cache_lines(sizeof(struct tape_gateway)) + door->count * inward_bytes(door);
}

void tape_gateway_init(struct tape *t, struct gateway *door, void *memory)
{
    struct tape_gateway *tg = t->gateway = memory;
    uint8_t *rings = (uint8_t *)memory + cache_lines(sizeof *tg);
    tg->door = door;
    memcpy(&tg->seen, door, sizeof tg->seen);
    for (uint32_t i = 0; i < door->count; i++)
        tg->inward[i] = (void *)(rings + i * inward_bytes(door));
    t->lane->desk->gateway->gateway = &tg->seen;
}
