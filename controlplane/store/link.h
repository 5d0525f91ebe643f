// The connection to PostgreSQL: libpq without ever blocking in it, for one thread that has other
// work.
//
// Every call looks as if it waited; while the server does not answer, <idle> is called for as long
// as it has work, then the thread sleeps on the socket and on <stop_fd>. Nothing depends on the
// state of a session (no prepared statements, no settings), so that a pooler may stand between.
// A call that fails leaves one line in <why>; the connection is to be closed then.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"

// libpq's PGconn and PGresult: who only holds a link needs no header of it.
struct pg_conn;
struct pg_result;

enum { LINK_HOSTS_MAX = 16 };

struct link {
    const char *connection; // conninfo or URI, as given
    uint32_t connect_ms;    // for one host
    uint32_t silence_ms;    // the server does not move for so long: given up
    int stop_fd;            // readable: no call waits any more; -1: none
    bool (*idle)(void *context);
    void *context;
    struct pg_conn *conn; // null: not connected
    uint32_t host;        // the next to be tried
    uint32_t host_count;
    char where[128]; // host and port of the connection
    char why[400];
    char sqlstate[6]; // of the server's last error; empty: none
};

// Reads the connection string. False: EXIT_USAGE.
bool link_check(const char *connection, struct error *err);
// Tries one host of the connection string, the next one each time. A host that does not answer
// within connect_ms, or is not what target_session_attrs wants, is passed over.
bool link_connect(struct link *l);
void link_close(struct link *l);

// Runs statements and drops what they answer.
bool link_run(struct link *l, const char *sql);
// The answer of the last statement; the caller clears it. Null: failed.
struct pg_result *link_ask(struct link *l, const char *sql);
// COPY ... FROM STDIN with all of <bytes>. libpq holds one piece at a time.
bool link_copy(struct link *l, const char *sql, const uint8_t *bytes, uint64_t len);
