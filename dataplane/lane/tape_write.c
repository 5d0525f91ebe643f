// Hot path where there is a tape: records into the ring.
#include <string.h>

#include "dataplane/lane/desk.h"
#include "dataplane/lane/tape.h"

// --- room ---

static bool room(struct tape *t, uint64_t bytes)
{
    const uint64_t size = t->mask + 1 - t->reserve;
    if (LIKELY(t->at + bytes - t->head <= size))
        return true;
    const uint64_t head = atomic_load_explicit(&t->ring->head, memory_order_acquire);
    if (head >= t->head && head <= t->begun)
        t->head = head;
    return t->at + bytes - t->head <= size;
}

// Records do not go around the end of the ring.
void *tape_put(struct tape *t, enum capture_kind kind, uint32_t index, uint32_t value,
               uint32_t payload)
{
    const uint64_t len = (uint64_t)capture_units(payload) * CAPTURE_UNIT;
    const uint64_t left = t->mask + 1 - (t->at & t->mask);
    const uint64_t skip = left < len ? left : 0;
    if (!t->on || t->full)
        return NULL;
    if (UNLIKELY(!room(t, skip + len) || t->at + skip + len - t->begun > CAPTURE_SPAN_MAX)) {
        t->full = true;
        return NULL;
    }
    if (UNLIKELY(skip)) {
        const struct capture_record r = {.units = 1, .kind = CAPTURE_SKIP};
        memcpy(t->bytes + (t->at & t->mask), &r, sizeof r);
        t->at += skip;
    }
    const struct capture_record r = {.units = (uint16_t)(len / CAPTURE_UNIT),
                                     .kind = (uint8_t)kind,
                                     .index = (uint8_t)index,
                                     .value = value};
    uint8_t *place = t->bytes + (t->at & t->mask);
    memcpy(place, &r, sizeof r);
    if (payload)
        memset(place + len - CAPTURE_UNIT, 0, CAPTURE_UNIT); // what the payload leaves of it
    t->at += len;
    return place + sizeof r;
}

// --- turns ---

static void word_put(struct tape *t, enum capture_kind kind, uint32_t index, uint32_t value,
                     uint64_t word)
{
    void *to = tape_put(t, kind, index, value, sizeof word);
    if (LIKELY(to != NULL))
        memcpy(to, &word, sizeof word);
}

static void publish(struct tape *t)
{
    t->begun = t->at;
    atomic_store_explicit(&t->ring->tail, t->at, memory_order_release);
}

// The turn in work finds no room: it is left out whole. The first of several is told at once: a
// process that is killed says nothing more, and what it has left is not to pass for everything.
static COLD void lose(struct tape *t)
{
    t->at = t->begun;
    t->full = false;
    if (t->hole) {
        t->lost++;
    } else {
        t->reserve = 0;
        tape_put(t, CAPTURE_LOST, 0, 1, 0);
        t->reserve = TAPE_RESERVE;
        t->hole = true;
        publish(t);
    }
    atomic_store_explicit(&t->ring->lost,
                          atomic_load_explicit(&t->ring->lost, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    atomic_store_explicit(&t->ring->lost_frames,
                          atomic_load_explicit(&t->ring->lost_frames, memory_order_relaxed) +
                              t->frames,
                          memory_order_relaxed);
}

void tape_turn_begin(struct tape *t, uint64_t now)
{
    t->now = now;
    t->full = false;
    t->frames = 0;
    t->commanded = false;
    if (UNLIKELY(t->lost))
        tape_put(t, CAPTURE_LOST, 0, t->lost, 0);
    word_put(t, CAPTURE_TURN, 0, t->idle, now);
    t->body = t->at;
}

void tape_turn_end(struct tape *t, bool step)
{
    if (!t->on)
        return;
    if (UNLIKELY(t->full)) {
        lose(t);
        return;
    }
    if (step && t->at == t->body && t->lost == 0 && t->idle < TAPE_IDLE_MAX) {
        t->at = t->begun;
        t->idle++;
        return;
    }
    t->idle = 0;
    t->lost = 0;
    t->hole = false;
    if (t->frames)
        atomic_store_explicit(&t->ring->frames,
                              atomic_load_explicit(&t->ring->frames, memory_order_relaxed) +
                                  t->frames,
                              memory_order_relaxed);
    publish(t);
}

// --- the beginning and the end ---

static COLD void ports_put(struct tape *t)
{
    for (uint32_t i = 0; t->ports[i].real; i++) {
        const struct port *port = t->ports[i].real;
        struct capture_port c = {.port = port->index, .sums_tcp = port->sums_tcp};
        void *to = tape_put(t, CAPTURE_PORT, i, 0, sizeof c);
        memcpy(c.mac, port->mac, sizeof c.mac);
        t->ports[i].buffers = 0;
        if (to)
            memcpy(to, &c, sizeof c);
    }
}

// What its connections draw their first numbers from.
static COLD void randoms_put(struct tape *t)
{
    const struct desk *d = t->lane->desk;
    for (uint32_t i = 0; d && i < d->session_count; i++) {
        const struct tcp_link *link = d->sessions[i].link;
        for (uint32_t at = 0; link && at < TCP_LINK_RANDOMS; at += CAPTURE_RANDOMS_A_RECORD) {
            const uint32_t left = TCP_LINK_RANDOMS - at;
            const uint32_t words =
                left < CAPTURE_RANDOMS_A_RECORD ? left : CAPTURE_RANDOMS_A_RECORD;
            void *to = tape_put(t, CAPTURE_RANDOM, i, at, words * 4);
            if (to)
                memcpy(to, link->randoms + at, words * 4);
        }
    }
}

COLD void tape_start(struct tape *t, uint64_t now)
{
    const struct lane *lane = t->lane;
    struct capture_start s = {.version = CAPTURE_VERSION,
                              .first = t->first,
                              .step = t->step,
                              .setup = t->setup ? t->setup : lane->stamp,
                              .restored = lane->stamp,
                              .now = now,
                              .input = lane->input,
                              .sequence = lane->trading.sequence,
                              .verify_checksums = lane->verify_checksums};
    t->on = true;
    t->full = t->hole = false;
    t->reserve = TAPE_RESERVE;
    t->idle = t->without = 0;
    t->now = now;
    t->credit = lane->trading.committed;
    while (t->ports[s.inputs].real)
        s.inputs++;
    void *to = tape_put(t, CAPTURE_START, lane->index, 0, sizeof s);
    if (to)
        memcpy(to, &s, sizeof s);
    ports_put(t);
    randoms_put(t);
    for (uint32_t i = 0; lane->desk && i < KILL_ASKERS; i++) {
        to = tape_put(t, CAPTURE_KILLS, i, 0, sizeof t->kills[i]);
        if (to)
            memcpy(to, &t->kills[i], sizeof t->kills[i]);
    }
    word_put(t, CAPTURE_CREDIT, 0, 0, t->credit);
    word_put(t, CAPTURE_JOURNAL, 0, 0,
             atomic_load_explicit(&t->record.state, memory_order_relaxed));
    if (t->full) { // tried again
        t->at = t->begun;
        t->on = false;
        return;
    }
    if (!t->first)
        atomic_store_explicit(&t->ring->gaps,
                              atomic_load_explicit(&t->ring->gaps, memory_order_relaxed) + 1,
                              memory_order_relaxed);
    atomic_store_explicit(&t->ring->recording, 1, memory_order_relaxed);
    publish(t);
}

// The last records, for which there is always room.
static void last_put(struct tape *t, uint64_t now, enum capture_kind kind)
{
    t->reserve = 0;
    t->full = false;
    t->now = now;
    if (t->lost)
        tape_put(t, CAPTURE_LOST, 0, t->lost, 0);
    word_put(t, CAPTURE_TURN, 0, t->idle, now); // with the idle ones before it
    tape_put(t, kind, 0, 0, 0);
    t->lost = 0;
    publish(t);
}

COLD void tape_stop(struct tape *t)
{
    last_put(t, t->now, CAPTURE_STOP);
    t->on = false;
    atomic_store_explicit(&t->ring->recording, 0, memory_order_relaxed);
}

COLD void tape_end(struct tape *t, uint64_t now)
{
    last_put(t, now, CAPTURE_END);
}

COLD void tape_without(struct tape *t, enum capture_not_recorded what)
{
    if (t->without >> what & 1 || !tape_put(t, CAPTURE_NOT_RECORDED, 0, what, 0))
        return;
    t->without |= (uint8_t)(1u << what);
}
