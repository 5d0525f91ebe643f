#include "controlplane/store/link.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/clock.h"
#include "dataplane/base/hints.h"

enum { PIECE_LEN = 128 << 10, WORDS_MAX = 64 };

static bool fail(struct link *l, const char *what, const char *why)
{
    int n = snprintf(l->why, sizeof l->why, "%s%s%s", what, *what ? ": " : "", why);
    for (n = n < (int)sizeof l->why ? n : (int)sizeof l->why - 1; n > 0 && l->why[n - 1] == '\n';)
        l->why[--n] = 0;
    for (char *c = l->why; *c; c++) // libpq tells more than one line
        if (*c == '\n' || *c == '\t')
            *c = ' ';
    return false;
}

static bool fail_conn(struct link *l, const char *what)
{
    return fail(l, what, PQerrorMessage(l->conn));
}

static void notice_drop(void *context, const char *message)
{
    (void)context;
    (void)message;
}

// --- waiting ---

// Until the socket can be read (or written too), work of <idle> in between. False: stopped, or
// nothing moved until <deadline_ns>.
static bool link_wait(struct link *l, bool write, uint64_t deadline_ns)
{
    struct pollfd fds[2] = {{.fd = PQsocket(l->conn), .events = POLLIN},
                            {.fd = l->stop_fd, .events = POLLIN}};
    if (write)
        fds[0].events |= POLLOUT;
    for (bool busy = l->idle != NULL;;) {
        const uint64_t now_ns = clock_mono_ns();
        const uint64_t left_ms = now_ns < deadline_ns ? (deadline_ns - now_ns) / 1000000 + 1 : 0;
        const int n = poll(fds, 2, busy ? 0 : (int)left_ms);
        if (n < 0 && errno != EINTR)
            return fail(l, "poll", strerror(errno));
        if (n > 0 && fds[1].revents)
            return fail(l, "", "stopped");
        if (n > 0)
            return true;
        if (clock_mono_ns() >= deadline_ns)
            return fail(l, l->where, "the server does not answer");
        busy = busy && l->idle(l->context);
    }
}

static uint64_t deadline(uint32_t ms)
{
    return clock_mono_ns() + ms * UINT64_C(1000000);
}

// --- connecting ---

// libpq itself would go from host to host, but knows no time limit when it is not to block: a host
// that swallows packets would keep it for ever. So each attempt names one.
static const char *part_of(const char *list, uint32_t index, char *out, size_t room)
{
    for (; index && list; index--)
        list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL;
    if (list == NULL)
        return NULL;
    const size_t len = strcspn(list, ",");
    snprintf(out, room, "%.*s", (int)(len < room ? len : room - 1), list);
    return out;
}

static uint32_t parts(const char *list)
{
    uint32_t count = 1;
    for (; list && (list = strchr(list, ',')) != NULL; list++)
        count++;
    return count;
}

static PQconninfoOption *option_find(PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options;
    return NULL;
}

static const char *option_value(PQconninfoOption *options, const char *keyword)
{
    const PQconninfoOption *o = option_find(options, keyword);
    return o && o->val && *o->val ? o->val : NULL;
}

bool link_check(const char *connection, struct error *err)
{
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(connection, &why);
    if (options == NULL) {
        char text[200];
        snprintf(text, sizeof text, "%s", why ? why : "no memory");
        text[strcspn(text, "\n")] = 0;
        PQfreemem(why);
        return error_set(err, EXIT_USAGE,
                         "store.connection: %s; it is what libpq takes: host=... dbname=... or a "
                         "postgresql:// address",
                         text);
    }
    const char *hosts = option_value(options, "host"), *ports = option_value(options, "port");
    if (hosts == NULL)
        hosts = option_value(options, "hostaddr");
    const uint32_t count = parts(hosts);
    const bool fits = count <= LINK_HOSTS_MAX && (parts(ports) == 1 || parts(ports) == count);
    PQconninfoFree(options);
    return fits || error_set(err, EXIT_USAGE,
                             "store.connection: at most %d hosts, and one port or one for each",
                             LINK_HOSTS_MAX);
}

static PGconn *attempt_start(struct link *l, PQconninfoOption *options)
{
    // Ours first: of a word that comes twice the last counts.
    const char *words[WORDS_MAX + 1] = {"fallback_application_name", "tcp_user_timeout"};
    const char *values[WORDS_MAX + 1] = {"tickgate", "30000"};
    static const char *const listed[] = {"host", "hostaddr", "port"};
    char one[ARRAY_LEN(listed)][256];
    uint32_t n = 2;
    const char *hosts = option_value(options, "host");
    l->host_count = parts(hosts ? hosts : option_value(options, "hostaddr"));
    const uint32_t host = l->host++ % l->host_count;
    for (const PQconninfoOption *o = options; o->keyword && n < WORDS_MAX; o++) {
        if (o->val == NULL || *o->val == 0)
            continue;
        const char *value = o->val;
        for (uint32_t i = 0; i < ARRAY_LEN(listed); i++)
            if (strcmp(o->keyword, listed[i]) == 0)
                value = part_of(o->val, parts(o->val) > 1 ? host : 0, one[i], sizeof one[i]);
        words[n] = o->keyword;
        values[n++] = value;
    }
    return PQconnectStartParams(words, values, 0);
}

static bool attempt_finish(struct link *l)
{
    const uint64_t until = deadline(l->connect_ms);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    snprintf(l->where, sizeof l->where, "%s:%s", PQhost(l->conn) ? PQhost(l->conn) : "",
             PQport(l->conn) ? PQport(l->conn) : "");
    if (PQstatus(l->conn) == CONNECTION_BAD)
        return fail_conn(l, "");
    // A socket that waits to be written only would spin on what is readable.
    while (state != PGRES_POLLING_OK) {
        struct pollfd fds[2] = {
            {.fd = PQsocket(l->conn), .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT},
            {.fd = l->stop_fd, .events = POLLIN}};
        const uint64_t now_ns = clock_mono_ns();
        const int n = poll(fds, 2, now_ns < until ? (int)((until - now_ns) / 1000000 + 1) : 0);
        if (n > 0 && fds[1].revents)
            return fail(l, "", "stopped");
        if (clock_mono_ns() >= until)
            return fail(l, l->where, "no answer in time");
        if (n <= 0)
            continue;
        state = PQconnectPoll(l->conn);
        if (state == PGRES_POLLING_FAILED)
            return fail_conn(l, "");
    }
    return PQsetnonblocking(l->conn, 1) == 0 || fail_conn(l, "");
}

bool link_connect(struct link *l)
{
    char *why = NULL;
    link_close(l);
    PQconninfoOption *options = PQconninfoParse(l->connection, &why);
    if (options == NULL) {
        fail(l, "store.connection", why ? why : "no memory");
        PQfreemem(why);
        return false;
    }
    l->conn = attempt_start(l, options);
    PQconninfoFree(options);
    if (l->conn == NULL)
        return fail(l, "", "no memory for a connection");
    PQsetNoticeProcessor(l->conn, notice_drop, NULL);
    l->sqlstate[0] = 0;
    if (attempt_finish(l))
        return true;
    link_close(l);
    return false;
}

void link_close(struct link *l)
{
    PQfinish(l->conn);
    l->conn = NULL;
}

// --- statements ---

static bool flush(struct link *l)
{
    for (;;) {
        const int left = PQflush(l->conn);
        if (left == 0)
            return true;
        if (left < 0)
            return fail_conn(l, "");
        // What the server says meanwhile has to be read, else both may wait for the other.
        if (!link_wait(l, true, deadline(l->silence_ms)))
            return false;
        if (!PQconsumeInput(l->conn))
            return fail_conn(l, "");
    }
}

static bool refused(struct link *l, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    snprintf(l->sqlstate, sizeof l->sqlstate, "%s", state ? state : "");
    const char *why = PQresultErrorMessage(result);
    return fail(l, l->sqlstate, *why ? why : "an answer that was not asked for");
}

// The next result; null with *failed unset: there is none.
static PGresult *next_result(struct link *l, bool *failed)
{
    *failed = true;
    while (PQisBusy(l->conn)) {
        if (!link_wait(l, false, deadline(l->silence_ms)))
            return NULL;
        if (!PQconsumeInput(l->conn)) {
            fail_conn(l, "");
            return NULL;
        }
    }
    *failed = false;
    return PQgetResult(l->conn);
}

PGresult *link_ask(struct link *l, const char *sql)
{
    PGresult *last = NULL, *result;
    bool failed = false, good = true;
    if (!PQsendQuery(l->conn, sql)) {
        fail_conn(l, "");
        return NULL;
    }
    if (!flush(l))
        return NULL;
    while ((result = next_result(l, &failed)) != NULL) {
        const ExecStatusType status = PQresultStatus(result);
        PQclear(last);
        last = result;
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && good)
            good = refused(l, result);
        if (PQstatus(l->conn) == CONNECTION_BAD)
            break;
    }
    if (!failed && good && last)
        return last;
    if (last == NULL && !failed)
        fail(l, "", "no answer");
    PQclear(last);
    return NULL;
}

bool link_run(struct link *l, const char *sql)
{
    PGresult *result = link_ask(l, sql);
    PQclear(result);
    return result != NULL;
}

static bool copy_begin(struct link *l, const char *sql)
{
    bool failed;
    if (!PQsendQuery(l->conn, sql))
        return fail_conn(l, "");
    if (!flush(l))
        return false;
    PGresult *result = next_result(l, &failed);
    const bool good = result && PQresultStatus(result) == PGRES_COPY_IN;
    if (result && !good)
        refused(l, result);
    PQclear(result);
    return good;
}

static bool copy_end(struct link *l)
{
    bool failed, good = true;
    int sent;
    while ((sent = PQputCopyEnd(l->conn, NULL)) == 0)
        if (!link_wait(l, true, deadline(l->silence_ms)))
            return false;
    if (sent < 0)
        return fail_conn(l, "");
    if (!flush(l))
        return false;
    PGresult *result;
    while ((result = next_result(l, &failed)) != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK && good)
            good = refused(l, result);
        PQclear(result);
        if (PQstatus(l->conn) == CONNECTION_BAD)
            return false;
    }
    return good && !failed;
}

bool link_copy(struct link *l, const char *sql, const uint8_t *bytes, uint64_t len)
{
    if (!copy_begin(l, sql))
        return false;
    for (uint64_t at = 0; at < len;) {
        const uint64_t piece = len - at < PIECE_LEN ? len - at : PIECE_LEN;
        const int taken = PQputCopyData(l->conn, (const char *)bytes + at, (int)piece);
        if (taken < 0)
            return fail_conn(l, "");
        at += taken ? piece : 0;
        if (!flush(l)) // libpq would take all of it into its own memory
            return false;
    }
    return copy_end(l);
}
