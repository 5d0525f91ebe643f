#include "controlplane/dropcopy/act.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/log.h"

enum { CALL_MS = 1000, NS_PER_MS = 1000000 };

bool drop_copies_start(struct drop_copies *a, const struct config *config, const char *directory,
                       struct drain *drain, const _Atomic uint64_t *committed, struct error *err)
{
    memset(a, 0, sizeof *a);
    a->board = board_new();
    if (a->board == NULL)
        return error_set(err, EXIT_FAILED, "drop copies: no memory");
    for (; a->count < config->drop_copy_count; a->count++) {
        a->copies[a->count] = drop_copy_start(config, a->count, directory, drain, committed, err);
        if (a->copies[a->count] == NULL)
            return false;
    }
    return true;
}

void drop_copies_stop(struct drop_copies *a)
{
    for (uint32_t i = 0; i < a->count; i++)
        drop_copy_stop(a->copies[i]);
    a->count = 0;
    board_free(a->board);
    a->board = NULL;
}

// --- answers ---

static void records_done(struct drop_copy *d, uint32_t sent, uint32_t recorded, bool refused)
{
    pthread_mutex_lock(&d->lock);
    uint32_t gone = recorded < sent ? recorded : sent;
    if (refused && gone < sent) {
        gone++; // it will not be taken another time either
        d->counts.unrecorded++;
    }
    gone = gone < d->count ? gone : d->count;
    d->first = (d->first + gone) % DROP_ASKS;
    d->count -= gone;
    pthread_mutex_unlock(&d->lock);
}

// True: a command is on its way still.
static bool call_done(struct drop_copies *a, struct contact *contact, uint64_t now_ns)
{
    if (!a->calling)
        return false;
    const enum call_state state = call_look(&a->call, contact, now_ns);
    if (state == CALL_PENDING)
        return true;
    a->calling = false;
    if (state == CALL_ANSWERED && a->records)
        records_done(a->copies[a->of], a->records, a->call.answer.drop_copy.recorded,
                     a->call.result != COMMAND_RESULT_OK &&
                         a->call.result != COMMAND_RESULT_NO_ROOM);
    return false;
}

static bool post(struct drop_copies *a, struct contact *contact, uint32_t of, uint32_t records,
                 uint64_t now_ns)
{
    a->of = of;
    a->records = records;
    a->calling =
        call_post(&a->call, contact, now_ns + CALL_MS * (uint64_t)NS_PER_MS) == CALL_PENDING;
    return a->calling;
}

// --- new orders are stopped ---

// A lane of the target that takes orders still; LANES_MAX: none.
static uint32_t lane_open(struct board *b, const struct board_target *target)
{
    for (uint32_t lane = 0; lane < b->shape.lanes; lane++)
        if (target->lanes >> lane & 1 && board_lane_trades(b, lane) &&
            board_states(&b->boards[lane], target->scope)[target->index[lane]] < TRADING_HALTED)
            return lane;
    return LANES_MAX;
}

static void stopped(struct drop_copy *d, uint32_t bit, const char *what)
{
    atomic_fetch_and_explicit(&d->wanted, ~bit, memory_order_relaxed);
    log_warn(
        LOG_DROP_COPY_STOPPED, LOG_FIELDS(LOG_TEXT("drop_copy", d->config.name)),
        "%s: new orders of %s are stopped, cancels pass; tickgate resume %s%s when a person has "
        "looked",
        d->config.name, *what ? what : "all", *what ? "session " : "", what);
}

// True: a command is on its way.
static bool stop_one(struct drop_copies *a, struct contact *contact, uint32_t of, uint64_t now_ns)
{
    struct drop_copy *d = a->copies[of];
    const uint32_t wanted = atomic_load_explicit(&d->wanted, memory_order_relaxed);
    struct board_target target;
    if (wanted == 0)
        return false;
    const uint32_t bit = wanted & DROP_STOP_ALL ? DROP_STOP_ALL : wanted & -wanted;
    const char *name =
        bit == DROP_STOP_ALL ? "" : drop_session_at(&d->sessions, (uint32_t)__builtin_ctz(bit));
    if (board_find(a->board, bit == DROP_STOP_ALL ? NULL : "session",
                   bit == DROP_STOP_ALL ? NULL : name, &target) != BOARD_FOUND) {
        // The dataplane has another configuration: nothing of it can be stopped there.
        atomic_fetch_and_explicit(&d->wanted, ~bit, memory_order_relaxed);
        return false;
    }
    const uint32_t lane = lane_open(a->board, &target);
    if (lane == LANES_MAX) {
        stopped(d, bit, name);
        return false;
    }
    struct govern_request *request = &a->call.request.govern;
    memset(request, 0, sizeof *request);
    request->scope = target.scope;
    request->index = target.index[lane];
    request->user = getuid();
    request->chosen = HALT_BY_DROP_COPY;
    snprintf(request->reason, sizeof request->reason, "drop copy %s", d->config.name);
    a->call.type = COMMAND_HALT;
    a->call.target = lane;
    return post(a, contact, of, 0, now_ns);
}

// --- records ---

static bool record_some(struct drop_copies *a, struct contact *contact, uint32_t of,
                        uint64_t now_ns)
{
    struct drop_copy *d = a->copies[of];
    struct drop_copy_request *request = &a->call.request.drop_copy;
    memset(request, 0, sizeof *request);
    pthread_mutex_lock(&d->lock);
    while (request->count < d->count && request->count < DROP_RECORDS_MAX) {
        request->rows[request->count] = d->asks[(d->first + request->count) % DROP_ASKS];
        request->count++;
    }
    pthread_mutex_unlock(&d->lock);
    if (request->count == 0)
        return false;
    a->call.type = COMMAND_DROP_COPY;
    a->call.target = LANE_MAIN;
    return post(a, contact, of, request->count, now_ns);
}

// --- all ---

static void sessions_ready(const struct drop_copies *a, struct drop_copy *d)
{
    uint32_t ready = 0;
    for (uint32_t i = 0; i < d->sessions.count; i++) {
        const int row = board_session(a->board, d->sessions.rows[i].name);
        if (row >= 0 && a->board->session_counters[row].state == SESSION_READY)
            ready |= UINT32_C(1) << d->sessions.rows[i].place;
    }
    atomic_store_explicit(&d->ready, ready, memory_order_relaxed);
}

// What stands is stopped in a dataplane that has started since.
static void epoch_look(struct drop_copy *d, uint64_t epoch)
{
    if (atomic_load_explicit(&d->epoch, memory_order_relaxed) == epoch)
        return;
    atomic_fetch_or_explicit(&d->wanted, atomic_load_explicit(&d->standing, memory_order_relaxed),
                             memory_order_relaxed);
    atomic_store_explicit(&d->epoch, epoch, memory_order_relaxed);
}

void drop_copies_turn(struct drop_copies *a, struct contact *contact, uint64_t now_ns)
{
    // Lanes obey also while the main thread is silent.
    const bool live = contact_attached(contact) && contact->state != CONTACT_DEAD &&
                      board_take(a->board, contact);
    for (uint32_t i = 0; i < a->count; i++) {
        if (!live) {
            atomic_store_explicit(&a->copies[i]->ready, 0, memory_order_relaxed);
            continue;
        }
        sessions_ready(a, a->copies[i]);
        epoch_look(a->copies[i], contact_header(contact)->identity.epoch);
    }
    if (call_done(a, contact, now_ns) || !live)
        return;
    for (uint32_t i = 0; i < a->count; i++) // what narrows risk goes first
        if (stop_one(a, contact, i, now_ns))
            return;
    for (uint32_t i = 0; i < a->count; i++)
        if (record_some(a, contact, i, now_ns))
            return;
}
