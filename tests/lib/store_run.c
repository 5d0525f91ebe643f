// A journal and a store, told what to do line by line: the other half of tests/lib/postgres.py.
//
//   store_run DIRECTORY EPOCH_S
//
//   instance EPOCH_S      another start of the dataplane, which is told everything again
//   restart EPOCH_S       another start, which goes on from the journal
//   restored N            ... of N starts of its day
//   write N [SEED]        N events into the journal, durable when it answers; SEED begins anew
//   start FLUSH_MS EVENTS CONNECTION...    starts the store
//   rival FLUSH_MS EVENTS CONNECTION...    and another one on the same journal
//   status                one line of JSON
//   wait SECONDS          until everything durable is in the database
//   stop MS               ends both, which get so long to finish
//   expect                one line of JSON: what the journal says should be in the database
//   quit
//
// Every line is answered by one.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/micro/store_events.h"
#include "controlplane/journal/journal.h"
#include "controlplane/journal/reader.h"
#include "controlplane/store/store.h"
#include "dataplane/base/clock.h"

enum {
    TSC_HZ = 2000000000,
    SEGMENT_BYTES = JOURNAL_SEGMENT_MIB_MIN << 20,
    PAIRS_MAX = 1 << 16,
    CONNECTION_LEN = 1024
};

static struct journal journal;
static struct store store, rival;
static struct store_events events;
static _Atomic uint64_t committed;
static char connections[2][CONNECTION_LEN];
static const char *directory;

static void die(const char *text)
{
    fprintf(stderr, "store_run: %s\n", text);
    exit(1);
}

static void turn(uint32_t wait_us)
{
    journal_turn(&journal, clock_utc_ns(), wait_us);
    atomic_store(&committed, journal.committed);
}

static void settle(void)
{
    while (journal.committed + 1 < journal.number) {
        turn(1000);
        if (journal.state == JOURNAL_FAILED)
            die("the journal has failed");
    }
}

static void instance(uint64_t epoch_s, bool restores)
{
    struct journal_instance i = {.epoch = epoch_s * UINT64_C(1000000000),
                                 .config_hash = 7,
                                 .limits_version = 3,
                                 .restores = restores,
                                 .clock = {.tsc_hz = TSC_HZ, .tsc_at = 1, .utc_ns_at = 0},
                                 .node = "node's"};
    i.clock.utc_ns_at = i.epoch - 50000000; // the first events are of the day before
    while (!journal_instance(&journal, &i, clock_utc_ns()))
        turn(1000);
    events.sequence = 0;
    settle();
}

static void restored(uint32_t instances)
{
    const struct event e = {.type = EVENT_RESTORED,
                            .sequence = 1,
                            .tsc = events.tsc,
                            .lane = LANE_MAIN,
                            .restored = {.instances = instances}};
    while (!journal_event(&journal, LANES_MAX, EVENT_RING_TRADING, &e, e.sequence, clock_utc_ns()))
        turn(1000);
    settle();
}

static void write_events(uint64_t count)
{
    for (uint64_t n = 0; n < count; n++) {
        struct event e;
        store_events_next(&events, &e);
        while (!journal_event(&journal, 0, EVENT_RING_TRADING, &e, e.sequence, clock_utc_ns()))
            turn(1000);
        if (n % 2000 == 0)
            turn(0);
    }
    settle();
}

static void status(void)
{
    struct store_status s;
    store_look(&store, &s);
    for (char *c = s.why; *c; c++)
        if (*c == '"' || *c == '\\')
            *c = '\'';
    printf("{\"state\": \"%s\", \"taken\": %" PRIu64 ", \"committed\": %" PRIu64
           ", \"events\": %" PRIu64 ", \"batches\": %" PRIu64 ", \"connects\": %" PRIu64
           ", \"failures\": %" PRIu64 ", \"holes\": %" PRIu64 ", \"memory_bytes\": %" PRIu64
           ", \"lag_ns\": %" PRIu64 ", \"where\": \"%s\", \"why\": \"%s\"}\n",
           store_state_name(s.state), s.taken, s.committed, s.events, s.batches, s.connects,
           s.failures, s.holes, s.memory_bytes, s.lag_ns, s.where, s.why);
}

static void wait_for(unsigned long seconds)
{
    const uint64_t until = clock_mono_ns() + seconds * UINT64_C(1000000000);
    while (atomic_load(&store.taken) < journal.committed && clock_mono_ns() < until)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    status();
}

static void start(struct store *s, char kept[CONNECTION_LEN], const char *arguments)
{
    struct error err = {0};
    int at = 0;
    uint32_t flush_ms;
    uint64_t most;
    if (sscanf(arguments, "%" SCNu32 " %" SCNu64 " %n", &flush_ms, &most, &at) < 2)
        die("start FLUSH_MS EVENTS CONNECTION");
    snprintf(kept, CONNECTION_LEN, "%s", arguments + at);
    const struct store_config config = {.connection = kept,
                                        .directory = directory,
                                        .migrate = true,
                                        .batch = {.events = most, .bytes = 32 << 20},
                                        .flush_ms = flush_ms,
                                        .connect_ms = 3000,
                                        .silence_ms = 20000,
                                        .retry_ms = 20,
                                        .retry_max_ms = 500};
    if (!store_start(s, &config, &committed, &err))
        printf("{\"error\": \"%s\"}\n", err.text);
    else
        printf("{}\n");
}

// What each type of event adds up to, from the journal alone.
static void expect(void)
{
    static uint64_t counts[EVENT_TYPES];
    static int64_t positions[PAIRS_MAX];
    struct journal_instance start;
    struct journal_reader reader;
    struct error err = {0};
    const struct journal_record *r;
    uint64_t all = 0, quantity = 0, executions = 0, shares = 0, value = 0, last = 0;
    memset(counts, 0, sizeof counts);
    memset(positions, 0, sizeof positions);
    if (!journal_reader_open(&reader, directory, 0, &err))
        die(err.text);
    while ((r = journal_reader_next(&reader, &err)) != NULL) {
        struct event e;
        last = r->number;
        if (r->type == JOURNAL_INSTANCE) {
            memcpy(&start, r + 1, sizeof start);
            if (!start.restores)
                memset(positions, 0, sizeof positions);
        }
        if (r->type != JOURNAL_EVENT)
            continue;
        memcpy(&e, r + 1, sizeof e);
        if (e.type == EVENT_RESTORED && e.restored.instances == 0)
            memset(positions, 0, sizeof positions); // the first of its day
        counts[e.type]++;
        all++;
        quantity += e.type == EVENT_DECISION ? e.decision.quantity : 0;
        if (e.type != EVENT_ORDER || (e.order.fill_shares == 0 && e.order.broken_shares == 0))
            continue;
        const int64_t moved = (int64_t)e.order.fill_shares - e.order.broken_shares;
        executions++;
        shares += (uint64_t)moved;
        value += (uint64_t)e.order.fill_shares * e.order.fill_price -
                 (uint64_t)e.order.broken_shares * e.order.broken_price;
        positions[(e.order.account * 4096u + e.order.instrument) % PAIRS_MAX] +=
            e.order.side == 'B' ? moved : -moved;
    }
    journal_reader_close(&reader);
    uint64_t held = 0;
    for (uint32_t i = 0; i < PAIRS_MAX; i++)
        held += (uint64_t)(positions[i] < 0 ? -positions[i] : positions[i]);
    printf("{\"last\": %" PRIu64 ", \"events\": %" PRIu64 ", \"quantity\": %" PRIu64
           ", \"executions\": %" PRIu64 ", \"shares\": %" PRIu64 ", \"value\": %" PRIu64
           ", \"held\": %" PRIu64 ", \"types\": {",
           last, all, quantity, executions, shares, value, held);
    for (uint32_t t = 0, n = 0; t < EVENT_TYPES; t++)
        if (counts[t])
            printf("%s\"%s\": %" PRIu64, n++ ? ", " : "", event_info((uint16_t)t)->name, counts[t]);
    printf("}}\n");
}

static bool obey(char *line)
{
    uint64_t n = 0, seed = 0;
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "write %" SCNu64 " %" SCNu64, &n, &seed) >= 1) {
        if (seed) {
            const uint64_t sequence = events.sequence;
            store_events_init(&events, seed, 1);
            events.sequence = sequence;
        }
        write_events(n);
        printf("{\"committed\": %" PRIu64 "}\n", journal.committed);
    } else if (sscanf(line, "instance %" SCNu64, &n) == 1) {
        instance(n, false);
        printf("{}\n");
    } else if (sscanf(line, "restart %" SCNu64, &n) == 1) {
        instance(n, true);
        printf("{}\n");
    } else if (sscanf(line, "restored %" SCNu64, &n) == 1) {
        restored((uint32_t)n);
        printf("{}\n");
    } else if (strncmp(line, "start ", 6) == 0) {
        start(&store, connections[0], line + 6);
    } else if (strncmp(line, "rival ", 6) == 0) {
        start(&rival, connections[1], line + 6);
    } else if (sscanf(line, "wait %" SCNu64, &n) == 1) {
        wait_for(n);
    } else if (sscanf(line, "stop %" SCNu64, &n) == 1) {
        store_stop(&store, (uint32_t)n);
        store_stop(&rival, (uint32_t)n);
        printf("{}\n");
    } else if (strcmp(line, "status") == 0) {
        status();
    } else if (strcmp(line, "expect") == 0) {
        expect();
    } else if (strcmp(line, "quit") == 0) {
        return false;
    } else {
        die(line);
    }
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    struct error err = {0};
    static char line[2048];
    if (argc != 3)
        die("DIRECTORY EPOCH_S");
    directory = argv[1];
    const struct journal_config config = {
        .directory = directory, .segment_bytes = SEGMENT_BYTES, .commit_ns = 1000000};
    if (!journal_open(&journal, &config, NULL, &err))
        die(err.text);
    store_events_init(&events, 1, 1);
    events.sequence = journal.cursors.sequence[0][EVENT_RING_TRADING];
    atomic_store(&committed, journal.committed);
    if (journal.number == 1)
        instance(strtoull(argv[2], NULL, 10), false);
    while (fgets(line, sizeof line, stdin) && obey(line))
        continue;
    store_stop(&store, 0);
    store_stop(&rival, 0);
    return journal_close(&journal) ? 0 : 1;
}
