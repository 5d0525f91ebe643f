// The store: follows the journal and writes what stands in it into PostgreSQL, in a thread of its
// own.
//
// Each batch and the cursor (journal, segment, record) are one transaction. Whatever happens to the
// connection, the cursor in the database says what counts, and reading goes on behind it: nothing
// is lost or doubled. The journal never waits for the store. Memory: two batches and libpq's piece.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "controlplane/store/batch.h"
#include "controlplane/store/feed.h"
#include "controlplane/store/link.h"
#include "dataplane/base/error.h"

struct store_config {
    // Set to the segment of the last record that is in the database: older ones are not needed any
    // more. Null: nobody asks.
    _Atomic uint64_t *segment;
    const char *connection; // libpq's conninfo or URI
    const char *directory;  // the journal's
    bool migrate;           // bring the schema up to date; else that is an error
    struct batch_limits batch;
    uint32_t flush_ms; // age at which a batch is sent though it is not full
    uint32_t connect_ms, silence_ms;
    uint32_t retry_ms, retry_max_ms; // pause before the next try, doubled up to
};

#define STORE_STATES(X)                                                                \
    X(CONNECTING, connecting, "no connection yet")                                     \
    X(WAITING, waiting, "there is no journal yet")                                     \
    X(BEHIND, behind, "the journal has records that are not in the database yet")      \
    X(CURRENT, current, "everything durable is in the database, or in the next batch") \
    X(DOWN, down, "the database does not answer; tried again")                         \
    X(REFUSED, refused, "the database or the journal cannot be used as it is; tried again")

enum store_state {
#define STORE_STATE(upper, lower, help) STORE_##upper,
    STORE_STATES(STORE_STATE)
#undef STORE_STATE
};
const char *store_state_name(enum store_state state);

struct store_status {
    enum store_state state;
    uint64_t taken;        // record of the journal up to which the database has it
    uint64_t committed;    // record up to which the journal is durable; 0: not known
    uint64_t lag_ns;       // how long there has been more than the database has; 0: there is not
    uint64_t events;       // stored by this process ...
    uint64_t batches;      // ... in so many transactions
    uint64_t connects;     // connections made
    uint64_t failures;     // of connections, statements, the journal
    uint64_t holes;        // records that the journal did not have
    uint64_t memory_bytes; // of the batches
    char where[128];       // host and port
    char why[496];         // of the last failure; empty while all is well
};

struct store {
    struct store_config config;
    // Written by whoever writes the journal: records up to this one are durable. UINT64_MAX: nobody
    // says, what can be seen counts.
    const _Atomic uint64_t *committed;
    pthread_t thread;
    bool running;
    int stop_fd;                // readable: now
    _Atomic uint64_t finish_ns; // CLOCK_MONOTONIC; 0: runs, else: ends by then
    _Atomic uint64_t taken;     // as in the status
    pthread_mutex_t lock;       // of status
    struct store_status status; // written by the thread
    uint64_t block_ns;          // UTC of the last block that was taken; 0: none yet. Under the lock
    _Atomic uint64_t whole_ns;  // UTC when the database last had everything, or of the start
    // The thread's own.
    struct link link;
    struct feed feed;
    struct batch batches[2];
    uint32_t filling;
    enum feed_state fed;
    struct error feed_error;
    bool again;     // earlier starts of the node are in the database
    uint32_t tries; // since something was committed
    uint64_t random;
    char said[496]; // the last failure that was logged
};

// False: EXIT_USAGE for a connection string that is none, EXIT_FAILED for no thread. <committed>
// lives as long as the store.
bool store_start(struct store *s, const struct store_config *config,
                 const _Atomic uint64_t *committed, struct error *err);
// Brings the schema up to date, and no more. False: EXIT_NOT_CONNECTED, EXIT_STATE for a newer
// schema, EXIT_USAGE, EXIT_FAILED.
bool store_migrate(const struct store_config *config, struct error *err);
// Takes what is durable, for at most <wait_ms>, and ends.
void store_stop(struct store *s, uint32_t wait_ms);
// From any thread.
void store_look(struct store *s, struct store_status *out);
