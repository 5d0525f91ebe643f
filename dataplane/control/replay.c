#include "dataplane/control/replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/control/dataplane.h"
#include "dataplane/control/replay_book.h"
#include "dataplane/control/replay_client.h"
#include "dataplane/control/replay_limits.h"
#include "dataplane/control/replay_source.h"
#include "dataplane/lane/desk_lease.h"
#include "dataplane/lane/desk_self.h"
#include "dataplane/lane/desk_warm.h"

struct replay {
    FILE *in, *out;
    struct replay_header header;
    struct capture_start start;
    struct capture_record ahead; // header of the next record
    bool more;                   // it is there
    uint8_t *bytes;              // payloads of the turn, CAPTURE_SPAN_MAX
    uint64_t bytes_used;
    struct replay_source source;
    struct dataplane d;
    struct lane *lane;
    uint64_t cursor;         // in the ring of events
    _Atomic uint64_t commit; // what of them the lane takes for durable
    uint64_t *bitmaps[CHANNELS_MAX];
    uint8_t macs[PORTS_MAX][6];
    bool sums_tcp[PORTS_MAX];
    uint32_t input_ports[PORTS_MAX];
    uint32_t slots;          // commands posted for the turn: bits
    struct limits_swap swap; // of the turn; table null: none
};

// --- records ---

// True: the next record is in <r>, its payload behind what the turn has.
static bool record_read(struct replay *p, struct replay_record *r, struct error *err)
{
    const uint32_t len = p->ahead.units * CAPTURE_UNIT;
    if (len < CAPTURE_UNIT || len > CAPTURE_RECORD_MAX || p->ahead.kind >= CAPTURE_KINDS ||
        p->bytes_used + len > CAPTURE_SPAN_MAX)
        return error_set(err, EXIT_FAILED, "the records make no sense");
    *r = (struct replay_record){
        .header = p->ahead, .payload = p->bytes + p->bytes_used, .payload_len = len - CAPTURE_UNIT};
    if (fread(p->bytes + p->bytes_used, 1, r->payload_len, p->in) != r->payload_len) {
        p->more = false; // the end was cut off
        return false;
    }
    p->bytes_used += r->payload_len;
    p->more = fread(&p->ahead, sizeof p->ahead, 1, p->in) == 1;
    return true;
}

static bool has(const struct replay_record *r, uint64_t bytes)
{
    return r->payload_len >= bytes;
}

static bool lease_sound(const struct replay *p, const struct replay_record *r)
{
    const struct desk_leases *l = p->lane && p->lane->desk ? p->lane->desk->leases : NULL;
    const uint8_t word = r->header.index;
    return has(r, sizeof(uint64_t)) && l && r->header.value < l->share_count &&
           (word >= LEASE_GRANT && word <= LEASE_HELD);
}

// Sizes that the rest relies on.
static bool record_sound(const struct replay *p, const struct replay_record *r)
{
    switch (r->header.kind) {
    case CAPTURE_START: return has(r, sizeof(struct capture_start));
    case CAPTURE_PORT: return has(r, sizeof(struct capture_port)) && r->header.index < PORTS_MAX;
    case CAPTURE_RANDOM:
        return r->header.index < SESSIONS_MAX && r->header.value < TCP_LINK_RANDOMS &&
               r->payload_len / 4 <= TCP_LINK_RANDOMS - r->header.value;
    case CAPTURE_TURN:
    case CAPTURE_CLOCK_WIDE:
    case CAPTURE_BURST:
    case CAPTURE_NO_BUFFER:
    case CAPTURE_CREDIT:
    case CAPTURE_JOURNAL:
    case CAPTURE_COMMIT:
    case CAPTURE_LATE: return has(r, 8);
    case CAPTURE_LEASE: return lease_sound(p, r);
    case CAPTURE_FRAME_IN:
    case CAPTURE_FRAME_OUT: return has(r, sizeof(struct capture_frame) + (uint64_t)r->header.value);
    case CAPTURE_ANSWER: return has(r, sizeof(struct capture_answer) + (uint64_t)r->header.value);
    case CAPTURE_KILLS: return has(r, sizeof(struct kill_words)) && r->header.index < KILL_ASKERS;
    case CAPTURE_CLIENT:
    case CAPTURE_REQUESTS: return replay_client_sound(r);
    case CAPTURE_LIMITS: return replay_limits_sound(r);
    case CAPTURE_COMMAND: return r->header.index < COMMAND_SLOTS;
    default: return true;
    }
}

// --- set-up ---

// START and what stands before the first turn. Randoms and kill words are kept for a lane that is
// there.
static bool start_read(struct replay *p, struct error *err)
{
    struct replay_record *r = p->source.records;
    uint32_t count = 0;
    bool started = false;
    while (p->more && p->ahead.kind != CAPTURE_TURN && p->ahead.kind != CAPTURE_SKIP) {
        if (count == REPLAY_RECORDS_MAX - 1 || !record_read(p, &r[count], err) ||
            !record_sound(p, &r[count]))
            return error_set(err, EXIT_FAILED, "the beginning of the records makes no sense");
        if (r[count].header.kind == CAPTURE_START) {
            memcpy(&p->start, r[count].payload, sizeof p->start);
            started = true;
        }
        if (r[count].header.kind == CAPTURE_PORT) {
            struct capture_port port;
            memcpy(&port, r[count].payload, sizeof port);
            if (port.port >= PORTS_MAX)
                return error_set(err, EXIT_FAILED, "port %u", port.port);
            memcpy(p->macs[port.port], port.mac, sizeof port.mac);
            p->sums_tcp[port.port] = port.sums_tcp;
            p->input_ports[r[count].header.index] = port.port;
        }
        count++;
    }
    p->source.count = count;
    if (!started || p->start.version != CAPTURE_VERSION || !p->start.first || p->start.step == 0)
        return error_set(err, EXIT_FAILED, "the records do not begin with the lane's first input");
    return true;
}

// Files of the day are what they were: they may have been replaced, and read again, since.
static bool files_same(const struct replay *p, struct error *err)
{
    for (uint32_t f = 0; f < DAY_FILES; f++) {
        const struct sheet *s = &p->d.day.sheets[f];
        if (p->header.files[f] && p->header.files[f] != s->hash)
            return error_set(err, EXIT_FAILED,
                             "%s: not the file with which the instance began (by its hash); bring "
                             "that one back",
                             *s->name ? s->name : day_file_name(f));
    }
    return true;
}

static bool world_make(struct replay *p, const struct config *config, struct error *err)
{
    struct dataplane *d = &p->d;
    const struct clock_calibration clock = {
        .tsc_hz = p->header.tsc_hz, .tsc_at = p->header.tsc_at, .utc_ns_at = p->header.utc_ns_at};
    if (p->header.lane >= config->lane_count)
        return error_set(err, EXIT_FAILED, "the configuration has no lane %u", p->header.lane);
    for (uint32_t i = 0; i < config->port_count; i++) {
        d->ports[i].ops = &replay_port_ops;
        d->ports[i].index = (uint8_t)i;
        d->ports[i].sums_tcp = p->sums_tcp[i];
        memcpy(d->ports[i].mac, p->macs[i], sizeof d->ports[i].mac);
        snprintf(d->ports[i].name, sizeof d->ports[i].name, "%s", config->ports[i].name);
    }
    if (!dataplane_rebuild(d, config, &clock, p->start.setup, err) || !files_same(p, err))
        return false;
    p->lane = d->lanes[p->header.lane];
    if (p->start.inputs > p->lane->input_count)
        return error_set(err, EXIT_FAILED, "the lane had other ports");
    for (uint32_t i = 0; i < p->start.inputs; i++) {
        struct replay_port *port = &p->source.ports[i];
        port->source = &p->source;
        port->input = i;
        if (p->lane->inputs[i].port->index != p->input_ports[i])
            return error_set(err, EXIT_FAILED, "the lane had other ports");
        p->lane->inputs[i].port->driver = port;
    }
    p->lane->now = replay_clock;
    p->lane->clock = &p->source;
    p->lane->verify_checksums = p->start.verify_checksums != 0;
    if (p->lane->desk) {
        p->source.kills = p->lane->desk->kills;
        p->lane->desk->commit = &p->commit;
        p->lane->desk->warm->every = 0; // practice leaves no trace
        p->lane->desk->warm->at = UINT64_MAX;
        if (p->lane->desk->self) {
            p->lane->desk->self->others = replay_others;
            p->lane->desk->self->context = &p->source;
        }
    }
    return true;
}

static void leases_drop(const struct lease_lane *l, struct spsc *ring)
{
    struct lease_note note;
    for (uint32_t i = 0; i < lease_ring_len(l->share_count) && spsc_pop(ring, &note); i++)
        continue;
}

// The lane has asked for its first leases; what the main lcore said to that stands in the records.
static bool leases_begin(struct replay *p, struct error *err)
{
    if (!leases_start(&p->d, err))
        return false;
    if (p->lane->desk && p->lane->desk->leases)
        leases_drop(&p->lane->desk->leases->lane, &p->lane->desk->leases->lane.to_lane);
    return true;
}

static void commit_set(struct replay *p, const struct replay_record *r)
{
    uint64_t committed;
    memcpy(&committed, r->payload, sizeof committed);
    atomic_store_explicit(&p->commit, committed, memory_order_relaxed);
}

static void record_set(struct replay *p, const struct replay_record *r)
{
    uint64_t state;
    memcpy(&state, r->payload, sizeof state);
    atomic_store_explicit(&region_record_word(&p->d.view, 0)->state, state, memory_order_relaxed);
}

// What the instance had from the journal of its day.
static bool day_restore(struct replay *p, struct error *err)
{
    if (!p->more || p->ahead.kind != CAPTURE_SKIP)
        return p->start.restored == p->start.setup ||
               error_set(err, EXIT_STATE,
                         "the instance went on from the journal of its day, and the event that "
                         "says from what (RESTORED) is not in the journal any more; bring its "
                         "segment back");
    const bool ok = restore_again(&p->d, p->in, p->start.restored, err);
    p->more = fread(&p->ahead, sizeof p->ahead, 1, p->in) == 1;
    return ok;
}

// What of the beginning is the lane's.
static void start_apply(struct replay *p)
{
    struct event_writer *w = &p->lane->trading;
    for (uint32_t i = 0; i < p->source.count; i++) {
        const struct replay_record *r = &p->source.records[i];
        if (r->header.kind == CAPTURE_RANDOM && p->d.sessions[r->header.index])
            memcpy(p->d.sessions[r->header.index]->link.randoms + r->header.value, r->payload,
                   r->payload_len);
        if (r->header.kind == CAPTURE_KILLS && p->source.kills)
            memcpy((void *)&p->source.kills[r->header.index], r->payload,
                   sizeof p->source.kills[0]);
        if (r->header.kind == CAPTURE_CREDIT)
            memcpy(&w->committed, r->payload, sizeof w->committed);
        if (r->header.kind == CAPTURE_JOURNAL)
            record_set(p, r);
    }
    atomic_store_explicit(&w->ring->committed, w->committed, memory_order_relaxed);
    p->lane->stamp = p->start.restored;
    p->source.count = 0;
    p->bytes_used = 0;
}

// --- before a turn ---

static void answer_push(struct replay *p, const struct replay_record *r)
{
    struct capture_answer c;
    const uint8_t *bytes = r->payload + sizeof c;
    memcpy(&c, r->payload, sizeof c);
    struct lane_answer a = {.kind = (enum lane_answer_kind)c.kind,
                            .channel = c.channel,
                            .port = c.port,
                            .loaded = c.loaded,
                            .session = c.session,
                            .sequence = c.sequence};
    memcpy(a.mac, c.mac, sizeof a.mac);
    if (a.kind == ANSWER_LOADED) {
        if (!replay_book_put(&p->d, r))
            replay_differs(&p->source, "a book is loaded that is not lent");
        return;
    }
    if (a.kind == ANSWER_BOOK && !replay_book_return(&p->d, r))
        replay_differs(&p->source, "a book comes back that is not lent");
    if (a.kind == ANSWER_FILTER) {
        uint64_t **bitmap = &p->bitmaps[c.channel % CHANNELS_MAX];
        *bitmap = *bitmap ? *bitmap : calloc(1, LOCATES / 8);
        if (*bitmap && r->header.value == LOCATES / 8)
            memcpy(*bitmap, bytes, LOCATES / 8);
        a.bitmap = *bitmap;
    } else if (a.kind == ANSWER_LIMITS) {
        a.swap = &p->swap;
        if (!replay_limits_ask(&p->d, p->lane->index, &p->swap, r)) {
            replay_differs(&p->source, "limits were set that the configuration does not have");
            return;
        }
    } else if (r->header.value) {
        uint8_t *copy = calloc(1, r->header.value + PORT_FRAME_MAX);
        if (copy)
            memcpy(copy, bytes, r->header.value);
        a.frame = (struct frame){.data = copy,
                                 .owner = copy,
                                 .len = r->header.value,
                                 .flags = (uint16_t)c.frame_flags,
                                 .input = c.channel};
    }
    spsc_push(&p->lane->answers, &a);
}

static void lease_push(struct replay *p, const struct replay_record *r)
{
    struct lease_note note = {.share = r->header.value, .word = r->header.index};
    memcpy(&note.amount, r->payload, sizeof note.amount);
    if (!spsc_push(&p->lane->desk->leases->lane.to_lane, &note))
        replay_differs(&p->source, "more is said of leases than a lane can be told");
}

static void command_push(struct replay *p, const struct replay_record *r)
{
    struct command_slot *slot = region_command_slot(&p->d.view, r->header.index);
    slot->type = r->header.value;
    memset(&slot->request, 0, sizeof slot->request);
    memcpy(&slot->request, r->payload,
           r->payload_len < sizeof slot->request.govern ? r->payload_len
                                                        : sizeof slot->request.govern);
    command_post(slot, p->lane->index, p->lane->bell);
    p->slots |= 1u << r->header.index;
}

static void kills_set(struct replay *p, enum capture_when when)
{
    for (uint32_t i = 0; i < p->source.count; i++) {
        struct replay_record *r = &p->source.records[i];
        if (r->header.kind != CAPTURE_KILLS || r->header.value != when || !p->source.kills)
            continue;
        memcpy((void *)&p->source.kills[r->header.index], r->payload, sizeof p->source.kills[0]);
        r->used = true;
    }
}

// What the turn's practice found, which would be its end.
static void late_set(struct replay *p, const struct replay_record *r)
{
    struct desk *d = p->lane->desk;
    if (d == NULL || d->strategies == NULL || r->header.index >= d->strategies->count ||
        d->strategies->hosts[r->header.index].slot.strategy == NULL) {
        replay_differs(&p->source, "a strategy that the configuration does not have");
        return;
    }
    d->warm->late = r->header.index;
    d->warm->late_weight = r->header.value;
    memcpy(&d->warm->late_ticks, r->payload, sizeof d->warm->late_ticks);
    d->warm->at = 0;
}

// What a turn finds when it begins.
static void turn_prepare(struct replay *p)
{
    struct event_writer *w = &p->lane->trading;
    kills_set(p, CAPTURE_BEFORE_TURN);
    for (uint32_t i = 0; i < p->source.count; i++) {
        struct replay_record *r = &p->source.records[i];
        r->used |= r->header.kind == CAPTURE_ANSWER || r->header.kind == CAPTURE_COMMAND ||
                   r->header.kind == CAPTURE_CREDIT || r->header.kind == CAPTURE_JOURNAL ||
                   r->header.kind == CAPTURE_COMMIT || r->header.kind == CAPTURE_CLIENT ||
                   r->header.kind == CAPTURE_REQUESTS || r->header.kind == CAPTURE_LATE ||
                   r->header.kind == CAPTURE_LIMITS || r->header.kind == CAPTURE_LEASE;
        if ((r->header.kind == CAPTURE_CLIENT || r->header.kind == CAPTURE_REQUESTS) &&
            !replay_client_put(p->lane->desk, r))
            replay_differs(&p->source, "a client that the configuration does not have");
        if (r->header.kind == CAPTURE_LATE)
            late_set(p, r);
        if (r->header.kind == CAPTURE_LIMITS &&
            !replay_limits_put(&p->d, p->lane->index, &p->swap, r))
            replay_differs(&p->source, "a table of limits that the configuration does not have");
        if (r->header.kind == CAPTURE_COMMIT)
            commit_set(p, r);
        if (r->header.kind == CAPTURE_JOURNAL)
            record_set(p, r);
        if (r->header.kind == CAPTURE_ANSWER)
            answer_push(p, r);
        if (r->header.kind == CAPTURE_LEASE)
            lease_push(p, r);
        if (r->header.kind == CAPTURE_COMMAND)
            command_push(p, r);
        if (r->header.kind == CAPTURE_CREDIT) {
            memcpy(&w->committed, r->payload, sizeof w->committed);
            atomic_store_explicit(&w->ring->committed, w->committed, memory_order_relaxed);
        }
    }
}

// --- behind it ---

static void notes_drop(struct replay *p)
{
    struct lane_note note;
    while (spsc_pop(&p->lane->notes, &note))
        if (note.kind == NOTE_RETURN || note.kind == NOTE_FRAME)
            free(note.frame.owner);
    if (p->lane->desk && p->lane->desk->leases)
        leases_drop(&p->lane->desk->leases->lane, &p->lane->desk->leases->lane.to_main);
}

static bool events_write(struct replay *p, struct error *err)
{
    const struct event_writer *w = &p->lane->trading;
    while (p->cursor < w->tail)
        if (fwrite(&w->slots[p->cursor++ & w->mask], sizeof(struct event), 1, p->out) != 1)
            return error_set(err, EXIT_FAILED, "events: nobody takes them");
    return true;
}

static bool turn_run(struct replay *p, uint64_t now, struct error *err)
{
    struct replay_source *s = &p->source;
    s->now = s->last = now;
    s->at_clock = s->at_out = s->at_others = 0;
    s->turns++;
    turn_prepare(p);
    lane_turn(p->lane, now);
    kills_set(p, CAPTURE_BEHIND_TURN);
    replay_limits_settle(&p->d, p->lane->index, &p->swap);
    for (uint32_t i = 0; p->slots && i < COMMAND_SLOTS; i++) {
        struct command_slot *slot = region_command_slot(&p->d.view, i);
        if (p->slots >> i & 1 && !command_done(slot))
            replay_differs(s, "a command is not taken");
        if (p->slots >> i & 1)
            command_release(slot);
    }
    p->slots = 0;
    replay_turn_check(s);
    notes_drop(p);
    s->count = 0;
    p->bytes_used = 0;
    if (!events_write(p, err))
        return false;
    return s->difference[0] == 0 || error_set(err, EXIT_STATE, "%s", s->difference);
}

// --- turns ---

struct turn {
    uint64_t now;
    uint32_t idle;
    bool ends;  // the lane left its loop
    bool stops; // nothing was recorded any more
};

// False without <err>: the records are over.
static bool turn_read(struct replay *p, struct turn *t, struct error *err)
{
    struct replay_record r = {.payload_len = 0};
    *t = (struct turn){.idle = 0};
    if (!p->more || p->ahead.kind != CAPTURE_TURN || !record_read(p, &r, err) || !has(&r, 8))
        return false;
    memcpy(&t->now, r.payload, sizeof t->now);
    t->idle = r.header.value;
    while (p->more && p->ahead.kind != CAPTURE_TURN) {
        if (p->source.count == REPLAY_RECORDS_MAX || !record_read(p, &r, err))
            return false;
        if (!record_sound(p, &r) || r.header.kind == CAPTURE_START)
            return error_set(err, EXIT_FAILED, "the records make no sense");
        if (r.header.kind == CAPTURE_LOST || r.header.kind == CAPTURE_NOT_RECORDED)
            return error_set(err, EXIT_FAILED, "the records are not complete");
        t->ends |= r.header.kind == CAPTURE_END;
        t->stops |= r.header.kind == CAPTURE_STOP;
        p->source.records[p->source.count++] = r;
        if (t->ends || t->stops)
            return true;
    }
    return p->more; // the last one may be cut
}

static bool turns_run(struct replay *p, struct error *err)
{
    struct turn t;
    uint64_t now = p->start.now;
    while (turn_read(p, &t, err)) {
        const uint32_t count = p->source.count;
        p->source.count = 0;
        const uint64_t bytes = p->bytes_used;
        for (uint32_t i = 0; i < t.idle; i++) {
            now += p->start.step;
            if (!turn_run(p, now, err))
                return false;
        }
        p->source.count = count;
        p->bytes_used = bytes;
        if (t.stops)
            return true;
        now = t.now;
        if (t.ends) {
            lane_end(p->lane, now);
            return events_write(p, err);
        }
        if (!turn_run(p, now, err))
            return false;
    }
    return err->code == EXIT_OK;
}

bool replay_run(const struct config *config, FILE *in, FILE *out, struct error *err)
{
    static struct replay p;
    uint64_t hash[2];
    p.in = in;
    p.out = out;
    p.bytes = malloc(CAPTURE_SPAN_MAX);
    p.source.records = calloc(REPLAY_RECORDS_MAX, sizeof *p.source.records);
    region_abi_hash(hash);
    if (p.bytes == NULL || p.source.records == NULL)
        return error_set(err, EXIT_FAILED, "no memory");
    if (fread(&p.header, sizeof p.header, 1, in) != 1 || p.header.magic != REPLAY_MAGIC)
        return error_set(err, EXIT_USAGE, "standard input is no stream of `tickgate replay`");
    if (p.header.abi_hash[0] != hash[0] || p.header.abi_hash[1] != hash[1])
        return error_set(err, EXIT_FAILED,
                         "the capture is of another build: use the programs that made it");
    if (p.header.config_hash != config->hash)
        return error_set(err, EXIT_FAILED,
                         "this is not the configuration that the capture was made with");
    p.more = fread(&p.ahead, sizeof p.ahead, 1, in) == 1;
    bool ok = start_read(&p, err) && world_make(&p, config, err) && day_restore(&p, err) &&
              leases_begin(&p, err);
    if (ok) {
        start_apply(&p);
        lane_begin(p.lane, p.start.now);
        ok = events_write(&p, err) && turns_run(&p, err);
    }
    if (fflush(out) != 0 && ok)
        ok = error_set(err, EXIT_FAILED, "events: nobody takes them");
    if (ok)
        fprintf(stderr, "%" PRIu64 " turns, %" PRIu64 " frames in, %" PRIu64 " frames out\n",
                p.source.turns, p.source.frames_in, p.source.frames_out);
    return ok;
}
