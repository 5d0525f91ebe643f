// Hot path where there is a tape: between the lane and what it asks.
#include "dataplane/lane/tape.h"

#include <string.h>

#include "dataplane/lane/desk_lease.h"
#include "dataplane/lane/desk_limits.h"
#include "dataplane/lane/desk_warm.h"
#include "dataplane/lane/lane_event.h"
#include "dataplane/lane/tape_gateway.h"

// Practice leaves no trace, and so none here.
static bool practises(const struct tape *t)
{
    const struct desk *d = t->lane->desk;
    return d && d->warm && t->lane->trading.ring == &d->warm->ring;
}

// --- the clock and the kill words ---

// New bits of the region go to the lane, what the lane has set or lifted itself to the region.
static COLD void word_sync(_Atomic uint64_t *shared, _Atomic uint64_t *own,
                           _Atomic uint64_t *synced)
{
    const uint64_t was = atomic_load_explicit(synced, memory_order_relaxed);
    uint64_t mine = atomic_load_explicit(own, memory_order_relaxed);
    if (mine & ~was)
        atomic_fetch_or_explicit(shared, mine & ~was, memory_order_release);
    if (was & ~mine)
        atomic_fetch_and_explicit(shared, ~(was & ~mine), memory_order_release);
    const uint64_t theirs = atomic_load_explicit(shared, memory_order_relaxed);
    mine |= theirs;
    atomic_store_explicit(own, mine, memory_order_relaxed);
    atomic_store_explicit(synced, mine, memory_order_relaxed);
}

// <rung> comes last in the region: it is read first here, so that what it counts is seen.
static COLD void kills_take(struct tape *t, uint32_t asker, enum capture_when when)
{
    struct kill_words *shared = &t->kills_shared[asker], *own = &t->kills[asker];
    struct kill_words *synced = &t->synced[asker];
    const uint64_t was = atomic_load_explicit(&synced->rung, memory_order_relaxed);
    const uint64_t mine = atomic_load_explicit(&own->rung, memory_order_relaxed);
    const uint64_t theirs =
        mine == was ? atomic_load_explicit(&shared->rung, memory_order_acquire)
                    : atomic_fetch_add_explicit(&shared->rung, mine - was, memory_order_acq_rel) +
                          (mine - was);
    word_sync(&shared->all, &own->all, &synced->all);
    for (uint32_t i = 0; i < ARRAY_LEN(own->sessions); i++)
        word_sync(&shared->sessions[i], &own->sessions[i], &synced->sessions[i]);
    for (uint32_t i = 0; i < ARRAY_LEN(own->strategies); i++)
        word_sync(&shared->strategies[i], &own->strategies[i], &synced->strategies[i]);
    for (uint32_t i = 0; i < ARRAY_LEN(own->accounts); i++)
        word_sync(&shared->accounts[i], &own->accounts[i], &synced->accounts[i]);
    for (uint32_t i = 0; i < ARRAY_LEN(own->symbols); i++)
        word_sync(&shared->symbols[i], &own->symbols[i], &synced->symbols[i]);
    atomic_store_explicit(&own->rung, theirs, memory_order_relaxed);
    atomic_store_explicit(&synced->rung, theirs, memory_order_relaxed);
    void *to = tape_put(t, CAPTURE_KILLS, asker, when, sizeof *own);
    if (to)
        memcpy(to, own, sizeof *own);
}

HOT_INLINE bool kills_rung(const struct tape *t, uint32_t asker)
{
    return atomic_load_explicit(&t->kills_shared[asker].rung, memory_order_acquire) !=
           atomic_load_explicit(&t->synced[asker].rung, memory_order_relaxed);
}

HOT_INLINE void kills_look(struct tape *t, enum capture_when when)
{
    for (uint32_t i = 0; t->kills_shared && i < KILL_ASKERS; i++)
        if (UNLIKELY(kills_rung(t, i)))
            kills_take(t, i, when);
}

// The gate comes after a look at the clock, so the words it reads are looked at for every order.
static uint64_t tape_clock(void *context)
{
    struct tape *t = context;
    const uint64_t now = t->clock(t->context);
    if (UNLIKELY(practises(t)))
        return now;
    kills_look(t, CAPTURE_AT_CLOCK);
    if (LIKELY(now - t->now <= UINT32_MAX)) {
        tape_put(t, CAPTURE_CLOCK, 0, (uint32_t)(now - t->now), 0);
        return now;
    }
    void *to = tape_put(t, CAPTURE_CLOCK_WIDE, 0, 0, sizeof now);
    if (to)
        memcpy(to, &now, sizeof now);
    return now;
}

// --- ports ---

static void frame_put(struct tape *t, enum capture_kind kind, uint32_t input,
                      const struct frame *frame, uint16_t place, uint64_t number)
{
    const uint32_t len = frame->len < CAPTURE_FRAME_MAX ? frame->len : CAPTURE_FRAME_MAX;
    const struct capture_frame f = {.number = number,
                                    .hw_ns = frame->hw_ns,
                                    .flags = frame->flags,
                                    .place = place,
                                    .len = frame->len};
    uint8_t *to = tape_put(t, kind, input, len, (uint32_t)sizeof f + len);
    t->frames++;
    if (UNLIKELY(to == NULL))
        return;
    memcpy(to, &f, sizeof f);
    memcpy(to + sizeof f, frame->data, len);
}

// Its frames are those that came while the lane had nothing to do, or else what is there now.
static uint16_t tape_receive(struct port *port, uint16_t queue, struct frame *frames, uint16_t max)
{
    struct tape_port *p = port->driver;
    struct tape *t = p->tape;
    uint16_t n = p->waiting;
    if (n)
        memcpy(frames, p->frames, n * sizeof *frames);
    else
        n = p->real->ops->receive(p->real, queue, frames, max);
    p->waiting = 0;
    if (n == 0 || !t->on)
        return n;
    void *to = tape_put(t, CAPTURE_BURST, p->input, n, sizeof t->lane->input);
    if (to)
        memcpy(to, &t->lane->input, sizeof t->lane->input);
    for (uint16_t i = 0; i < n; i++)
        frame_put(t, CAPTURE_FRAME_IN, p->input, &frames[i], (uint16_t)(i + 1), t->lane->input + 1);
    return n;
}

static bool tape_buffer(struct port *port, uint16_t queue, struct frame *frame)
{
    struct tape_port *p = port->driver;
    struct tape *t = p->tape;
    const bool got = p->real->ops->buffer(p->real, queue, frame);
    if (practises(t))
        return got;
    p->buffers++;
    void *to =
        UNLIKELY(!got) ? tape_put(t, CAPTURE_NO_BUFFER, p->input, 0, sizeof p->buffers) : NULL;
    if (UNLIKELY(to != NULL))
        memcpy(to, &p->buffers, sizeof p->buffers);
    return got;
}

// One frame after the other: what is recorded is what the ring has taken. The bytes are copied
// before, as they are the driver's afterwards.
static uint16_t tape_send(struct port *port, uint16_t queue, struct frame *frames, uint16_t n)
{
    struct tape_port *p = port->driver;
    struct tape *t = p->tape;
    uint16_t sent = 0;
    while (sent < n) {
        const uint64_t at = t->at;
        frame_put(t, CAPTURE_FRAME_OUT, p->input, &frames[sent], queue, t->lane->input);
        if (p->real->ops->send(p->real, queue, &frames[sent], 1) != 1) {
            t->at = t->full ? t->at : at;
            t->frames--;
            tape_put(t, CAPTURE_NO_ROOM, p->input, 0, 0);
            break;
        }
        sent++;
    }
    return sent;
}

static void tape_release(struct port *port, struct frame *frame)
{
    struct tape_port *p = port->driver;
    p->real->ops->release(p->real, frame);
}

// --- answers and commands ---

// How the lane's next table differs from the one that it has.
static COLD void limits_put(struct tape *t, const struct limits_swap *s)
{
    struct limits_run run;
    if (s->runs == NULL)
        tape_without(t, CAPTURE_WITHOUT_LIMITS);
    for (uint64_t at = 0; s->runs && at < s->runs_len; at += sizeof run + run.len) {
        memcpy(&run, s->runs + at, sizeof run);
        uint8_t *to = tape_put(t, CAPTURE_LIMITS, 0, run.len, (uint32_t)sizeof run.place + run.len);
        if (to == NULL)
            return;
        memcpy(to, &run.place, sizeof run.place);
        memcpy(to + sizeof run.place, s->runs + at + sizeof run, run.len);
    }
}
_Static_assert(sizeof(struct capture_limits) + LIMITS_RUN_MAX < CAPTURE_RECORD_MAX, "has room");

static COLD void answer_put(struct tape *t, const struct lane_answer *a)
{
    const uint8_t *bytes = NULL;
    uint32_t len = 0;
    struct capture_answer c = {.sequence = a->sequence,
                               .frame_flags = a->frame.flags,
                               .kind = (uint8_t)a->kind,
                               .channel = a->channel,
                               .port = a->port,
                               .loaded = a->loaded,
                               .session = a->session};
    memcpy(c.mac, a->mac, sizeof c.mac);
    if (a->kind == ANSWER_FRAME || a->kind == ANSWER_SEND) {
        bytes = a->frame.data;
        len = a->frame.len < CAPTURE_FRAME_MAX ? a->frame.len : CAPTURE_FRAME_MAX;
    } else if (a->kind == ANSWER_FILTER) {
        bytes = (const uint8_t *)a->bitmap;
        len = LOCATES / 8;
    } else if (a->kind == ANSWER_LOADED) {
        bytes = a->part->bytes;
        len = a->part->len;
    } else if (a->kind == ANSWER_BOOK && !a->recorded) {
        tape_without(t, CAPTURE_WITHOUT_BOOK);
    } else if (a->kind == ANSWER_LIMITS) {
        limits_put(t, a->swap);
        bytes = (const uint8_t *)a->swap->records;
        len = a->swap->count * (uint32_t)sizeof a->swap->records[0];
        c.sequence = a->swap->states;
        c.loaded = a->swap->widens;
    }
    uint8_t *to = tape_put(t, CAPTURE_ANSWER, 0, len, (uint32_t)sizeof c + len);
    if (to == NULL)
        return;
    memcpy(to, &c, sizeof c);
    if (len)
        memcpy(to + sizeof c, bytes, len);
}
_Static_assert(sizeof(struct capture_answer) + LOCATES / 8 < CAPTURE_RECORD_MAX &&
                   sizeof(struct capture_answer) + BOOK_PART_LEN < CAPTURE_RECORD_MAX &&
                   sizeof(struct limits_swap) < CAPTURE_RECORD_MAX &&
                   sizeof(struct capture_frame) + CAPTURE_FRAME_MAX < CAPTURE_RECORD_MAX,
               "records have room for it");

static void answers_let_in(struct tape *t)
{
    struct lane_answer answer;
    for (uint32_t n = 0; n < LANE_ANSWERS_MAX; n++) {
        if (LIKELY(!spsc_room(&t->inbox, 1) || !spsc_pop(&t->lane->answers, &answer)))
            return;
        answer_put(t, &answer);
        if (UNLIKELY(answer.kind == ANSWER_LOADED))
            atomic_store_explicit(&answer.part->given, false, memory_order_release);
        else
            spsc_push(&t->inbox, &answer);
    }
}

static void leases_let_in(struct tape *t)
{
    struct lease_lane *l = &t->lane->desk->leases->lane;
    struct lease_note note;
    while (spsc_room(&t->leases, 1) && spsc_pop(&l->to_lane, &note)) {
        void *to = tape_put(t, CAPTURE_LEASE, note.word, note.share, sizeof note.amount);
        if (to)
            memcpy(to, &note.amount, sizeof note.amount);
        spsc_push(&t->leases, &note);
    }
}

void tape_others(struct tape *t, uint32_t price)
{
    if (!practises(t))
        tape_put(t, CAPTURE_OTHERS, 0, price, 0);
}

COLD void tape_command(struct tape *t, uint32_t slot, uint32_t type,
                       const struct govern_request *request)
{
    const bool govern = command_governs(type);
    void *to = tape_put(t, CAPTURE_COMMAND, slot, type, govern ? sizeof *request : 0);
    t->commanded = true;
    if (to && govern)
        memcpy(to, request, sizeof *request);
}

COLD void tape_late(struct tape *t, uint32_t strategy, uint32_t weight, uint64_t ticks)
{
    void *to = tape_put(t, CAPTURE_LATE, strategy, weight, sizeof ticks);
    if (to)
        memcpy(to, &ticks, sizeof ticks);
}

// --- turns ---

static bool spsc_waits(const struct spsc *r)
{
    return atomic_load_explicit(&r->tail, memory_order_relaxed) !=
           atomic_load_explicit(&r->head, memory_order_relaxed);
}

static COLD bool others_wait(struct tape *t)
{
    const struct desk *d = t->lane->desk;
    return (d->leases && (spsc_waits(&d->leases->lane.to_lane) || spsc_waits(&t->leases))) ||
           (t->gateway && tape_gateway_waits(t));
}

// Only while somebody waits for it.
HOT_INLINE bool commit_differs(const struct tape *t)
{
    const struct desk *d = t->lane->desk;
    return d && UNLIKELY(d->commits_wanted != 0) && t->commit_shared &&
           atomic_load_explicit(t->commit_shared, memory_order_acquire) !=
               atomic_load_explicit(&t->commit, memory_order_relaxed);
}

HOT_INLINE bool record_differs(const struct tape *t)
{
    return t->record_shared &&
           atomic_load_explicit(&t->record_shared->state, memory_order_acquire) !=
               atomic_load_explicit(&t->record.state, memory_order_relaxed);
}

// Something is there that a turn would take.
static bool something_waits(struct tape *t)
{
    struct lane *lane = t->lane;
    const struct desk *d = lane->desk;
    bool waits = commit_differs(t) || record_differs(t) || spsc_waits(&lane->answers) ||
                 spsc_waits(&t->inbox) ||
                 atomic_load_explicit(&lane->bell->rung, memory_order_relaxed) != lane->bell_seen;
    for (uint32_t i = 0; t->ports[i].real; i++) {
        struct tape_port *p = &t->ports[i];
        if (p->waiting == 0)
            p->waiting = p->real->ops->receive(p->real, p->queue, p->frames, PORT_BURST);
        waits |= p->waiting != 0;
    }
    for (uint32_t i = 0; t->kills_shared && i < KILL_ASKERS; i++)
        waits |= kills_rung(t, i);
    if (d && (t->gateway || d->leases))
        waits |= others_wait(t);
    return waits;
}

// Slots of the trading ring that are free as far as the tape says; the lane may know of more.
static uint64_t credit_told(const struct tape *t)
{
    const struct event_writer *w = &t->lane->trading;
    return w->mask + 1 - (w->tail - t->credit);
}

// How far the reader of the events is: looked at here while there is room for what any decision
// asks for, so that it makes no difference when the lane looks itself.
static void credit_take(struct tape *t)
{
    struct event_writer *w = &t->lane->trading;
    const uint64_t spare = (uint64_t)w->mask + 1 - t->credit_min;
    if (LIKELY(credit_told(t) >= t->credit_min + spare / 2))
        return;
    event_credit(w);
    if (w->committed == t->credit)
        return;
    t->credit = w->committed;
    void *to = tape_put(t, CAPTURE_CREDIT, 0, 0, sizeof t->credit);
    if (to)
        memcpy(to, &t->credit, sizeof t->credit);
}

static COLD void commit_take(struct tape *t)
{
    const uint64_t committed = atomic_load_explicit(t->commit_shared, memory_order_acquire);
    void *to = tape_put(t, CAPTURE_COMMIT, 0, 0, sizeof committed);
    atomic_store_explicit(&t->commit, committed, memory_order_relaxed);
    if (to)
        memcpy(to, &committed, sizeof committed);
}

static COLD void record_take(struct tape *t)
{
    const uint64_t state = atomic_load_explicit(&t->record_shared->state, memory_order_acquire);
    void *to = tape_put(t, CAPTURE_JOURNAL, 0, 0, sizeof state);
    atomic_store_explicit(&t->record.state, state, memory_order_relaxed);
    if (to)
        memcpy(to, &state, sizeof state);
}

static uint32_t notes_waiting(const struct lane *lane)
{
    return atomic_load_explicit(&lane->notes.tail, memory_order_relaxed) -
           atomic_load_explicit(&lane->notes.head, memory_order_relaxed);
}

static COLD void kills_show(struct tape *t)
{
    for (uint32_t i = 0; t->kills_shared && i < KILL_ASKERS; i++)
        kills_take(t, i, CAPTURE_BEHIND_TURN);
}

// Actions of controls ask in the lane's own name.
HOT_INLINE bool kills_acted(const struct tape *t)
{
    return atomic_load_explicit(&t->kills[KILL_BY_LANE].rung, memory_order_relaxed) !=
           atomic_load_explicit(&t->synced[KILL_BY_LANE].rung, memory_order_relaxed);
}

static uint32_t turn(struct tape *t, uint64_t now, bool step)
{
    struct lane *lane = t->lane;
    tape_turn_begin(t, now);
    kills_look(t, CAPTURE_BEFORE_TURN);
    if (UNLIKELY(commit_differs(t))) // before the state, which says what it means
        commit_take(t);
    if (UNLIKELY(record_differs(t)))
        record_take(t);
    credit_take(t);
    answers_let_in(t);
    if (UNLIKELY(lane->desk && lane->desk->leases))
        leases_let_in(t);
    if (UNLIKELY(t->gateway != NULL))
        tape_gateway_let_in(t);
    if (UNLIKELY(notes_waiting(lane) > TAPE_NOTES_MAX))
        tape_without(t, CAPTURE_WITHOUT_NOTES);
    const uint32_t work = lane_turn(lane, now);
    if (UNLIKELY(credit_told(t) < t->credit_min && lane->trading.committed != t->credit)) {
        t->credit = lane->trading.committed;
        tape_without(t, CAPTURE_WITHOUT_CREDIT);
    }
    if (UNLIKELY(t->gateway != NULL))
        tape_gateway_tell(t);
    // Commands have set or lifted kills, or actions of controls have: whoever looks is to see them.
    if (UNLIKELY(t->commanded || kills_acted(t)))
        kills_show(t);
    tape_turn_end(t, step);
    return work;
}

static COLD void switch_look(struct tape *t, uint64_t now)
{
    if (t->on) {
        tape_stop(t);
        return;
    }
    tape_start(t, now);
}

// Time of the next turn while there is nothing to do; 0: not yet.
static uint64_t step_next(const struct tape *t, uint64_t now)
{
    const uint64_t since = now - t->now;
    if (now < t->now || since < t->step)
        return 0;
    return t->now + t->step;
}

uint32_t tape_pass(struct tape *t, uint64_t now, uint32_t work)
{
    const uint64_t wanted = atomic_load_explicit(&t->ring->wanted, memory_order_relaxed);
    if (UNLIKELY((wanted != 0) != t->on))
        switch_look(t, now);
    const bool late = t->on && now > t->now && now - t->now > TAPE_BEHIND_MAX * t->step;
    const uint64_t step = step_next(t, now);
    if (work || something_waits(t) || !t->on || late)
        return turn(t, now > t->now ? now : t->now, false);
    return step ? turn(t, step, true) : 0;
}

void tape_run(struct lane *lane)
{
    struct tape *t = lane->tape;
    uint64_t now = t->clock(t->context);
    uint32_t work = 0;
    if (atomic_load_explicit(&t->ring->wanted, memory_order_relaxed))
        switch_look(t, now);
    t->now = now;
    t->first = false;
    lane_begin(lane, now);
    while (!atomic_load_explicit(&lane->stop, memory_order_relaxed)) {
        const uint64_t from = now;
        work = tape_pass(t, now, work);
        now = t->clock(t->context);
        lane_account(lane, work, from, now);
        if (work == 0) {
            lane_idle(lane);
            now = t->clock(t->context);
        }
    }
    if (t->on)
        tape_end(t, now > t->now ? now : t->now);
    lane_end(lane, t->now);
    for (uint32_t i = 0; t->ports[i].real; i++) // arrived, and too late
        for (uint16_t k = 0; k < t->ports[i].waiting; k++)
            t->ports[i].real->ops->release(t->ports[i].real, &t->ports[i].frames[k]);
}

// --- set-up ---

static const struct port_ops tape_ops = {
    .receive = tape_receive, .buffer = tape_buffer, .send = tape_send, .release = tape_release};

void tape_init(struct tape *t, struct lane *lane, struct capture_ring *ring, uint8_t *bytes,
               uint64_t ring_bytes)
{
    uint64_t ports = 0;
    t->lane = lane;
    t->ring = ring;
    t->bytes = bytes;
    t->mask = ring_bytes - 1;
    t->first = true;
    t->clock = lane->now;
    t->context = lane->clock;
    t->step = lane->tsc_hz / 1000000 * TAPE_STEP_US;
    lane->tape = t;
    lane->now = tape_clock;
    lane->clock = t;
    spsc_init(&t->inbox, t->inbox_memory, TAPE_INBOX_LEN, sizeof(struct lane_answer));
    lane->inbox = &t->inbox;
    t->credit_min = TAPE_CREDIT_MIN;
    for (uint32_t i = 0; i < lane->input_count; i++) {
        struct tape_port *p = &t->ports[i];
        p->real = lane->inputs[i].port;
        p->tape = t;
        p->input = (uint16_t)i;
        p->queue = lane->inputs[i].queue;
        p->port = *p->real;
        p->port.ops = &tape_ops;
        p->port.send_instead = NULL; // the main lcore goes to the real one
        p->port.driver = p;
        lane->inputs[i].port = &p->port;
        ports |= (uint64_t)p->real->index << 4 * i;
    }
    atomic_store_explicit(&ring->ports, ports, memory_order_relaxed);
}

void tape_kills(struct tape *t)
{
    struct desk *d = t->lane->desk;
    const uint64_t slots = (uint64_t)t->lane->trading.mask + 1;
    const uint64_t asked = (uint64_t)d->event_credit_min * (d->signals ? 2 : 1); // by signals twice
    const uint64_t most = asked + TAPE_CREDIT_MIN;
    t->credit_min = most < slots ? most : slots;
    t->commit_shared = d->commit;
    d->commit = &t->commit;
    t->record_shared = d->record;
    d->record = &t->record;
    t->kills_shared = d->kills;
    d->kills = t->kills;
    d->risk.kills = t->kills;
    spsc_init(&t->leases, t->leases_memory, TAPE_LEASES_LEN, sizeof t->leases_memory[0]);
    if (d->leases)
        d->leases->lane.heard = &t->leases;
}

struct port *tape_port_of(struct tape *t, struct port *port)
{
    for (uint32_t i = 0; t && t->ports[i].real; i++)
        if (t->ports[i].real == port)
            return &t->ports[i].port;
    return port;
}
