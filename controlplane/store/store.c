#include "controlplane/store/store.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "controlplane/store/schema.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

enum { SLICE_RECORDS = 512, IDLE_MS = 10 };

const char *store_state_name(enum store_state state)
{
    static const char *const names[] = {
#define STORE_STATE(upper, lower, help) #lower,
        STORE_STATES(STORE_STATE)
#undef STORE_STATE
    };
    return names[state];
}

// --- status ---

static uint64_t memory_of(const struct batch *b)
{
    uint64_t bytes = b->before.room + b->sums.room;
    for (uint32_t t = 0; t < TABLES; t++)
        bytes += b->rows.tables[t].room;
    return bytes;
}

static uint64_t committed_now(const struct store *s)
{
    return atomic_load_explicit(s->committed, memory_order_acquire);
}

static bool behind(const struct store *s, uint64_t taken)
{
    const uint64_t committed = committed_now(s);
    return committed == UINT64_MAX ? s->fed != FEED_END : committed > taken;
}

static void status_set(struct store *s, enum store_state state, const char *why)
{
    pthread_mutex_lock(&s->lock);
    s->status.state = state;
    s->status.failures += *why != 0;
    snprintf(s->status.why, sizeof s->status.why, "%s", why);
    pthread_mutex_unlock(&s->lock);
    if (*why && strcmp(why, s->said) != 0)
        log_warn(LOG_STORE_BEHIND,
                 LOG_FIELDS(LOG_TEXT("state", store_state_name(state)), LOG_TEXT("cause", why)),
                 "%s: %s", store_state_name(state), why);
    snprintf(s->said, sizeof s->said, "%s", why);
}

static void taken_set(struct store *s, uint64_t record, uint64_t segment)
{
    atomic_store_explicit(&s->taken, record, memory_order_release);
    if (s->config.segment)
        atomic_store_explicit(s->config.segment, segment, memory_order_release);
}

static void status_sent(struct store *s, const struct batch *b)
{
    const bool more = behind(s, b->last);
    pthread_mutex_lock(&s->lock);
    struct store_status *t = &s->status;
    t->state = more ? STORE_BEHIND : STORE_CURRENT;
    t->taken = b->last;
    t->events += b->events;
    t->batches++;
    t->holes = s->feed.holes;
    t->memory_bytes = memory_of(&s->batches[0]) + memory_of(&s->batches[1]);
    t->why[0] = 0;
    s->block_ns = b->block_ns;
    pthread_mutex_unlock(&s->lock);
    taken_set(s, b->last, b->segment);
    s->tries = 0;
    s->said[0] = 0;
}

void store_look(struct store *s, struct store_status *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->status;
    const uint64_t block_ns = s->block_ns;
    pthread_mutex_unlock(&s->lock);
    const uint64_t committed = committed_now(s), now_ns = clock_utc_ns();
    const uint64_t whole_ns = atomic_load_explicit(&s->whole_ns, memory_order_relaxed);
    const uint64_t since_ns = block_ns > whole_ns ? block_ns : whole_ns;
    out->committed = committed == UINT64_MAX ? 0 : committed;
    // Also while the database is away: nobody else counts then.
    out->lag_ns = out->committed > out->taken && now_ns > since_ns ? now_ns - since_ns : 0;
    if (out->state == STORE_CURRENT && out->committed > out->taken)
        out->state = STORE_BEHIND;
}

// --- what stands in the database ---

static bool numbers_ask(struct store *s, const char *sql, uint64_t *out, int columns)
{
    PGresult *result = link_ask(&s->link, sql);
    if (result == NULL)
        return false;
    for (int i = 0; i < columns; i++)
        out[i] = PQntuples(result) ? strtoull(PQgetvalue(result, 0, i), NULL, 10) : 0;
    PQclear(result);
    return true;
}

// The cursor. The row stays locked until the answer is here: a connection that was given up may
// still be committing.
static bool cursor_load(struct store *s, const uint8_t journal[16], uint64_t cursor[3])
{
    struct sql_text sql = {0};
    sql_add(&sql, "BEGIN; INSERT INTO tickgate.journals (journal) VALUES (encode(");
    sql_add_bytes(&sql, journal, 16);
    sql_add(&sql, ", 'hex')::uuid) ON CONFLICT DO NOTHING;"
                  "SELECT id, segment, number FROM tickgate.journals WHERE journal = encode(");
    sql_add_bytes(&sql, journal, 16);
    sql_add(&sql, ", 'hex')::uuid FOR UPDATE");
    const bool done = numbers_ask(s, sql.text, cursor, 3) && link_run(&s->link, "COMMIT");
    sql_free(&sql);
    return done;
}

static bool holdings_load(struct store *s)
{
    char sql[400];
    snprintf(sql, sizeof sql,
             "SELECT account, instrument, position, cost, bought, bought_value, sold, sold_value, "
             "realised, last_price, floor(extract(epoch FROM moved_at)) "
             "FROM tickgate.positions WHERE journal = %" PRIu32 " AND epoch = %" PRId64,
             s->feed.journal, (int64_t)s->feed.instance.epoch);
    PGresult *result = link_ask(&s->link, sql);
    for (int i = 0; result && i < PQntuples(result); i++) {
        int64_t v[11];
        for (int c = 0; c < 11; c++)
            v[c] = strtoll(PQgetvalue(result, i, c), NULL, 10);
        struct holding *h = sums_holding(&s->feed.sums, (uint16_t)v[0], (uint32_t)v[1]);
        *h = (struct holding){.position = v[2],
                              .cost = v[3],
                              .bought = v[4],
                              .bought_value = v[5],
                              .sold = v[6],
                              .sold_value = v[7],
                              .realised = v[8],
                              .last_price = v[9],
                              .moved_ns = (uint64_t)v[10] * 1000000000};
    }
    PQclear(result);
    return result != NULL;
}

// What the instance in force adds to.
static bool instance_load(struct store *s)
{
    struct sql_text sql = {0};
    uint64_t earlier[2] = {0};
    const int64_t epoch = (int64_t)s->feed.instance.epoch;
    sql_add(&sql,
            "WITH earlier AS (SELECT * FROM tickgate.instances WHERE epoch < %" PRId64
            ") SELECT (SELECT count(*) FROM earlier WHERE node = ",
            epoch);
    sql_add_quoted(&sql, s->feed.instance.node, sizeof s->feed.instance.node);
    sql_add(&sql,
            "), (SELECT count(*) FROM earlier WHERE journal = %" PRIu32
            " AND epoch >= coalesce((SELECT max(epoch) FROM earlier WHERE journal = %" PRIu32
            " AND restored IS NOT NULL), 0))",
            s->feed.journal, s->feed.journal);
    const bool done = numbers_ask(s, sql.text, earlier, 2) && holdings_load(s);
    sql_free(&sql);
    s->again = earlier[0] > 0;
    s->feed.starts = earlier[1];
    return done;
}

static bool instance_write(struct store *s)
{
    struct sql_text sql = {0};
    feed_instance_sql(&s->feed, &sql);
    const bool done = link_run(&s->link, sql.text);
    sql_free(&sql);
    return done;
}

// --- one connection ---

static bool finishing(const struct store *s)
{
    return atomic_load_explicit(&s->finish_ns, memory_order_acquire) != 0;
}

// The thread comes by often, with and without a connection.
static void whole_note(struct store *s)
{
    if (!behind(s, atomic_load_explicit(&s->taken, memory_order_relaxed)))
        atomic_store_explicit(&s->whole_ns, clock_utc_ns(), memory_order_relaxed);
}

// False: it is time to end.
static bool pause_ms(struct store *s, uint64_t ms)
{
    struct pollfd fd = {.fd = s->stop_fd, .events = POLLIN};
    const uint64_t until = clock_mono_ns() + ms * 1000000;
    do {
        const uint64_t finish_ns = atomic_load_explicit(&s->finish_ns, memory_order_acquire);
        const uint64_t now_ns = clock_mono_ns();
        whole_note(s);
        if (finish_ns && now_ns >= finish_ns)
            return false;
        const uint64_t left_ms = now_ns < until ? (until - now_ns) / 1000000 + 1 : 0;
        if (poll(&fd, 1, left_ms < 50 ? (int)left_ms : 50) > 0)
            return false;
    } while (clock_mono_ns() < until);
    return true;
}

static struct batch *filling(struct store *s)
{
    return &s->batches[s->filling];
}

// While the server works: the next batch. True: there is more to do.
static bool fill_slice(void *context)
{
    struct store *s = context;
    s->feed.reader.committed = committed_now(s);
    if (s->fed == FEED_FULL || s->fed == FEED_INSTANCE || s->fed == FEED_FAILED)
        return false;
    s->fed = feed_fill(&s->feed, filling(s), &s->config.batch, SLICE_RECORDS, &s->feed_error);
    return s->fed == FEED_MORE;
}

static bool due(struct store *s)
{
    const struct batch *b = filling(s);
    if (batch_empty(b) || s->fed == FEED_MORE)
        return false;
    const uint64_t age_ns = clock_mono_ns() - b->begun_ns;
    return s->fed == FEED_FULL || s->fed == FEED_INSTANCE || finishing(s) ||
           age_ns >= s->config.flush_ms * UINT64_C(1000000);
}

static bool send_filled(struct store *s)
{
    struct batch *b = filling(s);
    sums_close(&s->feed.sums, &b->rows, &b->sums);
    row_writer_end(&b->rows);
    s->filling ^= 1;
    feed_begin(&s->feed, filling(s));
    if (s->fed == FEED_FULL || s->fed == FEED_END)
        s->fed = FEED_MORE;
    s->link.idle = fill_slice;
    const bool sent = batch_send(b, &s->link, s->again);
    s->link.idle = NULL;
    if (sent)
        status_sent(s, b);
    return sent;
}

// Until the connection or the journal fails, or it is time to end. Nothing but the cursor in the
// database is taken along to the next connection.
static bool run(struct store *s, struct error *err)
{
    s->feed_error = (struct error){0};
    s->fed = FEED_MORE;
    s->filling = 0;
    feed_begin(&s->feed, filling(s));
    for (;;) {
        fill_slice(s);
        if (due(s)) {
            if (!send_filled(s))
                return error_set(err, EXIT_FAILED, "%s", s->link.why);
        } else if (s->fed == FEED_INSTANCE) {
            feed_instance(&s->feed, filling(s));
            if (!instance_load(s))
                return error_set(err, EXIT_FAILED, "%s", s->link.why);
            s->fed = FEED_MORE;
        } else if (s->fed == FEED_FAILED) {
            *err = s->feed_error;
            return false;
        } else if (s->fed == FEED_END) {
            if (batch_empty(filling(s)) && finishing(s))
                return true;
            if (!pause_ms(s, finishing(s) ? 0 : IDLE_MS))
                return true;
            s->fed = FEED_MORE;
        }
    }
}

// Every failure before something was committed makes the next pause longer; half of it is by
// chance, so that many nodes do not come back at once.
static uint64_t backoff_ms(struct store *s)
{
    const uint32_t doubled = s->tries < 16 ? s->tries : 16;
    uint64_t ms = (uint64_t)s->config.retry_ms << doubled;
    ms = ms < s->config.retry_max_ms ? ms : s->config.retry_max_ms;
    s->tries++;
    s->random = s->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ms / 2 + (s->random >> 33) % (ms / 2 + 1);
}

static bool connect_any(struct store *s)
{
    for (uint32_t i = 0; i == 0 || i < s->link.host_count; i++)
        if (link_connect(&s->link))
            return true;
    return false;
}

bool store_migrate(const struct store_config *config, struct error *err)
{
    struct store s = {.link = {.connection = config->connection,
                               .connect_ms = config->connect_ms,
                               .silence_ms = config->silence_ms,
                               .stop_fd = -1}};
    if (!link_check(config->connection, err))
        return false;
    const bool done = connect_any(&s) ? schema_prepare(&s.link, true, err)
                                      : error_set(err, EXIT_NOT_CONNECTED, "store: %s", s.link.why);
    link_close(&s.link);
    return done;
}

static bool open_all(struct store *s, struct error *err)
{
    uint8_t journal[16];
    uint64_t cursor[3];
    struct error none = {0};
    if (!feed_identify(s->config.directory, journal, &none)) {
        status_set(s, STORE_WAITING, none.text);
        return false;
    }
    if (!connect_any(s))
        return error_set(err, EXIT_FAILED, "%s", s->link.why);
    pthread_mutex_lock(&s->lock);
    s->status.connects++;
    memcpy(s->status.where, s->link.where, sizeof s->status.where);
    pthread_mutex_unlock(&s->lock);
    if (!schema_prepare(&s->link, s->config.migrate, err))
        return false;
    if (!cursor_load(s, journal, cursor))
        return error_set(err, EXIT_FAILED, "%s", s->link.why);
    const uint64_t committed = committed_now(s);
    if (committed && committed < cursor[2])
        return error_set(
            err, EXIT_STATE,
            "%s: the database has records up to %" PRIu64 ", the journal ends with %" PRIu64
            ": it is an older copy or has lost its end; move it away and begin another",
            s->config.directory, cursor[2], committed);
    if (!feed_open(&s->feed, s->config.directory, (uint32_t)cursor[0], cursor[1], cursor[2],
                   committed, err))
        return false;
    taken_set(s, cursor[2], cursor[1]);
    pthread_mutex_lock(&s->lock);
    s->status.taken = cursor[2];
    pthread_mutex_unlock(&s->lock);
    if (s->feed.instance.epoch && (!instance_write(s) || !instance_load(s)))
        return error_set(err, EXIT_FAILED, "%s", s->link.why);
    status_set(s, behind(s, cursor[2]) ? STORE_BEHIND : STORE_CURRENT, "");
    log_info(LOG_STORE,
             LOG_FIELDS(LOG_TEXT("endpoint", s->link.where), LOG_NUMBER("record", cursor[2])),
             "%s: behind record %" PRIu64, s->link.where, cursor[2]);
    return true;
}

static void *work(void *context)
{
    struct store *s = context;
    uint64_t wait_ms = 0;
    do {
        struct error err = {0};
        const bool ended = open_all(s, &err) && run(s, &err);
        link_close(&s->link);
        feed_close(&s->feed);
        if (ended)
            break;
        if (err.code != EXIT_OK)
            status_set(s, err.code == EXIT_STATE ? STORE_REFUSED : STORE_DOWN, err.text);
        wait_ms = err.code != EXIT_OK ? backoff_ms(s) : 100;
    } while (pause_ms(s, wait_ms));
    return NULL;
}

// --- the thread ---

bool store_start(struct store *s, const struct store_config *config,
                 const _Atomic uint64_t *committed, struct error *err)
{
    *s = (struct store){.config = *config, .committed = committed, .stop_fd = -1};
    if (!link_check(config->connection, err))
        return false;
    s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->link = (struct link){.connection = config->connection,
                            .connect_ms = config->connect_ms,
                            .silence_ms = config->silence_ms,
                            .stop_fd = s->stop_fd,
                            .context = s};
    s->whole_ns = clock_utc_ns();
    s->random = s->whole_ns ^ (uint64_t)getpid() << 32;
    pthread_mutex_init(&s->lock, NULL);
    if (s->stop_fd < 0 || pthread_create(&s->thread, NULL, work, s) != 0) {
        if (s->stop_fd >= 0)
            close(s->stop_fd);
        return error_set(err, EXIT_FAILED, "store: no thread");
    }
    pthread_setname_np(s->thread, "store");
    s->running = true;
    return true;
}

void store_stop(struct store *s, uint32_t wait_ms)
{
    if (!s->running)
        return;
    const uint64_t finish_ns = clock_mono_ns() + wait_ms * UINT64_C(1000000);
    atomic_store_explicit(&s->finish_ns, finish_ns, memory_order_release);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    if (pthread_timedjoin_np(s->thread, NULL, &until) != 0) {
        (void)!write(s->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
        pthread_join(s->thread, NULL);
    }
    for (int i = 0; i < 2; i++)
        batch_free(&s->batches[i]);
    close(s->stop_fd);
    pthread_mutex_destroy(&s->lock);
    s->running = false;
}
