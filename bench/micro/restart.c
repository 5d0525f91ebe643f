// bench-restart: the journal of a full day, for a dataplane to go on from (bench/restart/run).
//
//   bench/restart --config FILE --journal DIR --session NAME [--refs N] [--seed N]
//
// Every session of the configuration uses up the numbers that it has for the day (or N of them),
// and all of the executions that a lane remembers are used: behind that no order could be taken.
// The orders go through the dataplane's own order table, so that each event says what the table
// made of it. What is published at one moment shares a block and nothing else does, as on a day on
// which the disk is never behind: the journal is as long as it can be. NAME%02u00 is how the
// exchange calls the stream of a session; the day ends with a stream that begins anew, so that an
// exchange without a past can take it over.
//
// Prints what the rebuilt dataplane has to say: records, orders, fills and the net shares.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/micro/rig.h"
#include "controlplane/journal/journal.h"
#include "dataplane/config/config.h"
#include "dataplane/order/order.h"

enum {
    OPEN_EACH = 64,      // orders of a session that are open at once
    REPLACE_OF_100 = 25, // what becomes of an open order, of 100
    FILL_OF_100 = 4,
    PRICE = 1000000, // price4, and up to a dollar more
    SECOND_TSC = 1000000000,
    WRITE_LEN = 8 << 20, // bytes that go to the disk at once
};

struct live {
    uint32_t orders[OPEN_EACH];
    uint32_t count;
};

struct day {
    struct journal journal;
    struct order_table table;
    const struct config *config;
    uint32_t instruments, accounts;
    struct live live[SESSIONS_MAX];
    uint64_t sequence; // of the lane's events
    uint64_t stream[SESSIONS_MAX];
    uint64_t random, refs, orders, fills, matches;
    int64_t net; // shares
};

static uint32_t draw(struct day *d, uint32_t n)
{
    d->random = d->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((d->random >> 33) % n);
}

static uint64_t utc_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// --- a disk that is never behind ---

struct sink {
    uint8_t *bytes;
    uint64_t offset, len; // in the segment
    uint32_t done[DISK_SLOTS], done_count;
    int error;
};

static void sink_flush(struct disk *d)
{
    struct sink *s = d->engine;
    for (uint64_t at = 0; at < s->len && s->error == 0;) {
        const ssize_t n = pwrite(d->fd, s->bytes + at, s->len - at, (off_t)(s->offset + at));
        if (n <= 0)
            s->error = n < 0 ? errno : EIO;
        else
            at += (uint64_t)n;
    }
    s->len = 0;
}

static int sink_segment(struct disk *d, const char *path, uint64_t bytes, const void *header)
{
    sink_flush(d);
    return disk_segment_make(d, path, bytes, header);
}

static void sink_submit(struct disk *d, uint32_t slot, uint32_t len, uint64_t offset)
{
    struct sink *s = d->engine;
    if (s->len + len > WRITE_LEN)
        sink_flush(d);
    if (s->len == 0)
        s->offset = offset;
    memcpy(s->bytes + s->len, disk_slot(d, slot), len);
    s->len += len;
    s->done[s->done_count++] = slot;
}

static uint32_t sink_reap(struct disk *d, struct disk_done *done, uint32_t max, uint32_t wait_us)
{
    struct sink *s = d->engine;
    uint32_t count = 0;
    (void)wait_us;
    while (count < max && s->done_count)
        done[count++] = (struct disk_done){.slot = s->done[--s->done_count], .error = s->error};
    return count;
}

static void sink_close(struct disk *d)
{
    struct sink *s = d->engine;
    sink_flush(d);
    free(s->bytes);
    free(s);
}

static struct disk sink_make(void)
{
    static const struct disk_ops ops = {"bench", sink_segment, sink_submit, sink_reap, sink_close};
    struct sink *s = calloc(1, sizeof *s);
    s->bytes = malloc(WRITE_LEN);
    const struct disk d = {
        .ops = &ops,
        .engine = s,
        .fd = -1,
        .align = JOURNAL_ALIGN_MIN,
        .slots = aligned_alloc(JOURNAL_ALIGN_MAX, (size_t)DISK_SLOTS * JOURNAL_BLOCK_MAX)};
    memset(d.slots, 0, (size_t)DISK_SLOTS * JOURNAL_BLOCK_MAX);
    return d;
}

// --- events ---

static void fail(const struct day *d, const char *why)
{
    fprintf(stderr, "bench-restart: %s: %s\n", d->journal.directory, why);
    exit(EXIT_FAILED);
}

static void publish(struct day *d, struct event *event)
{
    struct journal *j = &d->journal;
    event->sequence = ++d->sequence;
    event->tsc = event->sequence;
    event->input = event->sequence;
    while (!journal_event(j, 0, EVENT_RING_TRADING, event, event->sequence, event->sequence))
        journal_turn(j, event->sequence, 0);
}

// What was published until now is on the disk.
static void moment_end(struct day *d)
{
    struct journal *j = &d->journal;
    while (!journal_idle(j)) {
        if (j->state != JOURNAL_WRITING)
            fail(d, strerror(j->error));
        journal_turn(j, d->sequence, 0);
    }
}

// An order or a replace: its decision, and that it left.
static void decided(struct day *d, uint32_t index, char kind, uint32_t ref, uint32_t quantity,
                    uint32_t price)
{
    const struct own_order *o = orders_at(&d->table, index);
    struct event event = {.type = EVENT_DECISION};
    event.decision = (struct event_decision){.client_id = o->client_id,
                                             .order = index,
                                             .ref = ref,
                                             .quantity = quantity,
                                             .price = price,
                                             .limits_version = 1,
                                             .account = o->account,
                                             .strategy = o->strategy,
                                             .instrument = o->instrument,
                                             .session = o->session,
                                             .kind = (uint8_t)kind,
                                             .side = (uint8_t)o->side,
                                             .time_in_force = (uint8_t)o->time_in_force,
                                             .display = (uint8_t)o->display};
    publish(d, &event);
    const uint64_t decision = event.sequence;
    event = (struct event){.type = EVENT_ORDER_SENT};
    event.order_sent = (struct event_order_sent){.decision = decision,
                                                 .order = index,
                                                 .ref = ref,
                                                 .session = o->session,
                                                 .kind = (uint8_t)kind};
    publish(d, &event);
    moment_end(d);
}

// The exchange says <r> about it.
static void told(struct day *d, uint32_t index, const struct ouch_report *r)
{
    struct order_outcome out;
    order_report(&d->table, index, r, &out);
    const struct own_order *o = orders_at(&d->table, index);
    struct event event = {.type = EVENT_ORDER};
    event.order = (struct event_order){.client_id = o->client_id,
                                       .exchange_ref = o->exchange_ref,
                                       .match = order_report_number(r),
                                       .exchange_ns = r->time_ns,
                                       .order = index,
                                       .ref = o->ref,
                                       .sequence = (uint32_t)++d->stream[o->session],
                                       .named = r->ref,
                                       .open = o->open,
                                       .filled = o->filled,
                                       .price = o->price,
                                       .fill_shares = out.shares,
                                       .fill_price = out.price,
                                       .account = o->account,
                                       .strategy = o->strategy,
                                       .instrument = o->instrument,
                                       .did = (uint16_t)out.did,
                                       .session = o->session,
                                       .message = r->kind,
                                       .life = o->life,
                                       .waits = o->waits,
                                       .side = (uint8_t)o->side,
                                       .display = (uint8_t)r->display};
    if (out.did & (DID_WRONG | DID_DUPLICATE | DID_UNCLAIMED))
        fail(d, "the generated day contradicts itself");
    if (out.did & DID_FILL) {
        d->fills++;
        d->net += side_sells(o->side) ? -(int64_t)out.shares : (int64_t)out.shares;
    }
    publish(d, &event);
    moment_end(d);
}

// --- what happens to orders ---

static uint32_t price_draw(struct day *d)
{
    return PRICE + 100 * draw(d, 100);
}

static void enter(struct day *d, uint32_t session)
{
    struct live *live = &d->live[session];
    const struct order_new new = {.client_id = ++d->orders,
                                  .ref = orders_next_ref(&d->table, session),
                                  .quantity = 100 * (1 + draw(d, 5)),
                                  .price = price_draw(d),
                                  .account = (uint16_t)(session % d->accounts),
                                  .strategy = 0,
                                  .instrument = (uint16_t)draw(d, d->instruments),
                                  .session = (uint8_t)session,
                                  .side = draw(d, 2) ? 'B' : 'S',
                                  .time_in_force = '0',
                                  .display = 'Y'};
    const uint32_t index = orders_open(&d->table, &new);
    if (index == OWN_NONE)
        fail(d, "no place for an order; raise trading.orders");
    decided(d, index, 'O', new.ref, new.quantity, new.price);
    told(d, index,
         &(struct ouch_report){.kind = REPORT_ACCEPTED,
                               .time_ns = d->sequence,
                               .exchange_ref = new.client_id,
                               .ref = new.ref,
                               .quantity = new.quantity,
                               .price = new.price,
                               .side = new.side,
                               .display = new.display});
    live->orders[live->count++] = index;
}

static void replace(struct day *d, uint32_t session, uint32_t index)
{
    const struct own_order *o = orders_at(&d->table, index);
    const uint32_t ref = orders_next_ref(&d->table, session), was = o->ref, price = price_draw(d);
    const uint32_t quantity = o->quantity;
    if (!order_replace_begin(&d->table, index, ref, quantity, price))
        fail(d, "no number for a replace");
    decided(d, index, 'U', ref, quantity, price);
    told(d, index,
         &(struct ouch_report){.kind = REPORT_REPLACED,
                               .time_ns = d->sequence,
                               .exchange_ref = ++d->orders,
                               .ref = ref,
                               .ref_was = was,
                               .quantity = o->open,
                               .price = price,
                               .side = o->side,
                               .display = o->display});
    d->orders--; // a chain is one order
}

static void cancel(struct day *d, uint32_t session, uint32_t index)
{
    const struct own_order *o = orders_at(&d->table, index);
    struct event event = {.type = EVENT_CANCEL_SENT};
    const uint32_t ref = order_cancel_begin(&d->table, index, 0);
    event.cancel_sent = (struct event_cancel_sent){
        .order = index, .ref = ref, .session = (uint8_t)session, .cancels = o->cancels};
    publish(d, &event);
    moment_end(d);
    told(d, index,
         &(struct ouch_report){.kind = REPORT_CANCELED,
                               .time_ns = d->sequence,
                               .ref = o->ref,
                               .quantity = o->open,
                               .reason = 'U'});
}

static void fill(struct day *d, uint32_t index)
{
    const struct own_order *o = orders_at(&d->table, index);
    told(d, index,
         &(struct ouch_report){.kind = REPORT_EXECUTED,
                               .time_ns = d->sequence,
                               .match = ++d->matches,
                               .ref = o->ref,
                               .quantity = o->open,
                               .price = o->price});
}

static bool numbers_left(const struct day *d, uint32_t session)
{
    const uint32_t ref = orders_next_ref(&d->table, session);
    return ref && ref <= d->refs;
}

static void end_one(struct day *d, uint32_t session, bool last)
{
    struct live *live = &d->live[session];
    const uint32_t at = draw(d, live->count), index = live->orders[at], what = draw(d, 100);
    if (!last && what < REPLACE_OF_100) {
        replace(d, session, index);
        return;
    }
    if (what < REPLACE_OF_100 + FILL_OF_100 && !last &&
        d->table.execution_count < d->table.execution_mask / 2)
        fill(d, index);
    else
        cancel(d, session, index);
    live->orders[at] = live->orders[--live->count];
}

static void day_make(struct day *d)
{
    uint32_t busy = d->config->session_count;
    while (busy) {
        busy = 0;
        for (uint32_t s = 0; s < d->config->session_count; s++) {
            if (!numbers_left(d, s))
                continue;
            busy++;
            if (d->live[s].count < OPEN_EACH)
                enter(d, s);
            else
                end_one(d, s, false);
        }
    }
    for (uint32_t s = 0; s < d->config->session_count; s++)
        while (d->live[s].count)
            end_one(d, s, true);
}

// --- the journal ---

static void instance_begin(struct day *d)
{
    struct journal_instance i = {.epoch = utc_now_ns(),
                                 .config_hash = d->config->hash,
                                 .limits_version = 1,
                                 .restores = 1,
                                 .clock = {.tsc_hz = SECOND_TSC, .utc_ns_at = utc_now_ns()},
                                 .node = "bench-restart"};
    region_abi_hash(i.abi_hash);
    if (!journal_instance(&d->journal, &i, 0))
        fail(d, "no room for the instance");
}

static void streams_begin_anew(struct day *d, const char *name)
{
    for (uint32_t s = 0; s < d->config->session_count; s++) {
        struct event event = {.type = EVENT_ORDER_SESSION};
        char id[16];
        event.order_session.next_sequence = 1;
        event.order_session.session = (uint8_t)s;
        snprintf(id, sizeof id, "%s%02u00", name, s);
        memset(event.order_session.id, ' ', sizeof event.order_session.id);
        memcpy(event.order_session.id, id, strnlen(id, sizeof event.order_session.id));
        publish(d, &event);
    }
}

static void table_make(struct day *d)
{
    const struct config *c = d->config;
    struct order_config o = {.orders = (uint32_t)c->trading.orders,
                             .sessions = c->session_count,
                             .executions = (uint32_t)c->trading.executions,
                             .silence_ticks = SECOND_TSC};
    for (uint32_t s = 0; s < c->session_count; s++)
        o.refs_max = c->sessions[s].references > o.refs_max ? (uint32_t)c->sessions[s].references
                                                            : o.refs_max;
    orders_init(&d->table, &o, zeroed(orders_bytes(&o)));
}

static const char *word(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i += 2)
        if (strcmp(argv[i], name) == 0)
            return argv[i + 1];
    return NULL;
}

int main(int argc, char **argv)
{
    static struct day d;
    static struct config config;
    struct error err = {0};
    const char *file = word(argc, argv, "--config"), *directory = word(argc, argv, "--journal");
    const char *name = word(argc, argv, "--session");
    if (file == NULL || directory == NULL || name == NULL) {
        fprintf(stderr, "bench-restart: --config FILE --journal DIR --session NAME\n");
        return EXIT_USAGE;
    }
    // Nothing has to survive the machine here, and the disk's pace is no matter.
    const struct journal_config journal = {
        .directory = directory, .segment_bytes = 64u << 20, .commit_ns = 1000000, .cached = true};
    struct disk disk = sink_make();
    if (!config_load(&config, file, &err) || !journal_open(&d.journal, &journal, &disk, &err)) {
        fprintf(stderr, "bench-restart: %s\n", err.text);
        disk_close(&disk);
        return (int)err.code;
    }
    d.config = &config;
    d.refs = option(argc, argv, "--refs", UINT32_MAX);
    d.random = option(argc, argv, "--seed", 1);
    for (uint32_t i = 0; i < config.symbol_count; i++)
        d.instruments += config.symbols[i].names.count;
    d.accounts = config.account_count;
    table_make(&d);
    instance_begin(&d);
    day_make(&d);
    streams_begin_anew(&d, name);
    moment_end(&d);
    const uint64_t records = d.journal.number - 1;
    if (!journal_close(&d.journal))
        fail(&d, "not everything could be written");
    printf("records=%" PRIu64 " orders=%" PRIu64 " fills=%" PRIu64 " net=%" PRId64 " bytes=%" PRIu64
           " blocks=%" PRIu64 "\n",
           records, d.orders, d.fills, d.net, d.journal.bytes, d.journal.blocks);
    return EXIT_OK;
}
