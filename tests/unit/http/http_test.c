// The HTTP server in the control plane's loop: answers, bounds, and clients that do wrong.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "controlplane/http/parts.h"
#include "tests/lib/rpc_rig.h"

enum { TURNS_MAX = 20000, ANSWER_MAX = 1 << 20 };

struct world {
    struct fixture *rig;
    struct http *http;
    char answer[ANSWER_MAX];
};

static const struct config_http loopback = {.listen = {.ip = 0x7f000001}};

static int world_make(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct error err = {0};
    void *rig;
    assert_non_null(w);
    setup(&rig);
    w->rig = rig;
    w->http = http_open(&w->rig->control, NULL, &loopback, &err);
    if (w->http == NULL)
        fail_msg("%s", err.text);
    *state = w;
    return 0;
}

static int world_end(void **state)
{
    struct world *w = *state;
    void *rig = w->rig;
    http_close(w->http);
    teardown(&rig);
    free(w);
    return 0;
}

static void turn(struct world *w)
{
    http_run(w->http);
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

static int client(const struct world *w)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(http_port(w->http)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void tell(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

// Reads until <enough> stands in what came, or the connection ends where <enough> is null.
static const char *hear(struct world *w, int fd, const char *enough)
{
    size_t len = 0;
    for (int i = 0; i < TURNS_MAX; i++) {
        const ssize_t n = recv(fd, w->answer + len, ANSWER_MAX - 1 - len, MSG_DONTWAIT);
        len += n > 0 ? (size_t)n : 0;
        w->answer[len] = 0;
        const bool over = n == 0 || (n < 0 && errno != EAGAIN);
        if (enough ? strstr(w->answer, enough) != NULL : over)
            return w->answer;
        if (over)
            fail_msg("the connection ended before '%s': %s", enough, w->answer);
        turn(w);
    }
    fail_msg("never: '%s'; there is: %s", enough ? enough : "the end", w->answer);
    return NULL;
}

// A whole answer.
static const char *get(struct world *w, const char *method, const char *path)
{
    char request[128];
    const int fd = client(w);
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
             method, path);
    tell(fd, request);
    const char *answer = hear(w, fd, NULL);
    close(fd);
    return answer;
}

static void begins(const char *answer, const char *wanted)
{
    if (strncmp(answer, wanted, strlen(wanted)) != 0)
        fail_msg("not '%s' but '%.60s'", wanted, answer);
}

static void test_routes(void **state)
{
    struct world *w = *state;
    begins(get(w, "GET", "/livez"), "HTTP/1.1 200");
    begins(get(w, "GET", "/readyz"), "HTTP/1.1 200");
    assert_non_null(strstr(get(w, "GET", "/metrics"), "\ntickgate_dataplane_up 1\n"));
    assert_non_null(strstr(get(w, "GET", "/metrics/full"), "\ntickgate_lane_inputs_total"));
    assert_non_null(strstr(get(w, "GET", "/"), "Content-Security-Policy: default-src 'none'"));
    const char *answer = get(w, "HEAD", "/metrics");
    begins(answer, "HTTP/1.1 200");
    assert_null(strstr(answer, "tickgate_"));
    begins(get(w, "POST", "/metrics"), "HTTP/1.1 405");
    begins(get(w, "GET", "/metrics/"), "HTTP/1.1 404");
    begins(get(w, "GET", "/%2e%2e/etc/passwd"), "HTTP/1.1 404");
    assert_int_equal(w->rig->control.http.requests, 9);
}

static void test_health(void **state)
{
    struct world *w = *state;
    const struct region_view *view = &w->rig->file.view;
    // A channel is suspect, a session down, the link too.
    begins(get(w, "GET", "/healthz"), "HTTP/1.1 503");
    region_channel_counters(view, 1)->quality = QUALITY_GOOD;
    region_order_session_counters(view, 1)->state = 5;
    region_port_counters(view, 0)->link_up = 1;
    begins(get(w, "GET", "/healthz"), "HTTP/1.1 200");
    region_order_session_counters(view, 1)->halted = 1;
    const char *answer = get(w, "GET", "/healthz");
    begins(answer, "HTTP/1.1 503");
    assert_non_null(strstr(answer, "\"state\": \"halted\""));
    region_state_set(view, REGION_STOPPED);
    control_tick(&w->rig->control, 2);
    begins(get(w, "GET", "/readyz"), "HTTP/1.1 503");
    begins(get(w, "GET", "/livez"), "HTTP/1.1 200");
}

static void test_latency(void **state)
{
    struct world *w = *state;
    struct histogram *h = &region_lane_histograms(&w->rig->file.view, 0)->frame_to_book;
    histogram_edges_init(2000000000);
    for (int i = 0; i < 3; i++)
        histogram_record(h, 200);
    histogram_record(h, 8000); // 4 us
    const char *body = strstr(get(w, "GET", "/health/e2e-latency"), "\r\n\r\n");
    assert_non_null(body);
    json_t *answer = json_loads(body, 0, NULL);
    const json_t *stage = json_array_get(json_object_get(answer, "stages"), 0);
    assert_string_equal(text_of(stage, "stage"), "frame_to_book");
    assert_string_equal(text_of(stage, "lane"), "lane0");
    assert_int_equal(json_integer_value(json_object_get(stage, "p50_ns")), 100);
    assert_int_equal(json_integer_value(json_object_get(stage, "max_ns")), 4000);
    assert_true(json_real_value(json_object_get(stage, "fraction_above_alarm")) == 0.25);
    assert_int_equal(json_integer_value(json_object_get(answer, "alarm_ns")), 2750);
    assert_int_equal(json_array_size(json_object_get(answer, "stages")), 2 + STAGES);
    json_decref(answer);
}

static void test_keeps_connection(void **state)
{
    struct world *w = *state;
    const int fd = client(w);
    for (int i = 0; i < 3; i++) {
        tell(fd, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        hear(w, fd, "live\n");
    }
    close(fd);
}

// --- clients that do wrong ---

static void test_half_sent(void **state)
{
    struct world *w = *state;
    const int fd = client(w);
    tell(fd, "GET /metrics HT");
    for (int i = 0; i < 20; i++)
        turn(w);
    begins(get(w, "GET", "/livez"), "HTTP/1.1 200");
    tell(fd, "TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    begins(hear(w, fd, NULL), "HTTP/1.1 200");
    close(fd);
    // Its time is over: closed, and counted.
    const int slow = client(w);
    tell(slow, "GET /metrics HT");
    for (int i = 0; i < TURNS_MAX && w->http->connections == 0; i++)
        turn(w);
    for (uint32_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        w->http->slots[i].since_ns -= (HTTP_PATIENCE_MS + 1) * 1000000ull;
    hear(w, slow, NULL);
    assert_int_equal(w->rig->control.http.cut_off, 1);
    close(slow);
}

// More of them than there are places: who comes next is served all the same.
static void test_crowd(void **state)
{
    struct world *w = *state;
    int fds[HTTP_CONNECTIONS_MAX * 2];
    for (int i = 0; i < HTTP_CONNECTIONS_MAX * 2; i++) {
        fds[i] = client(w);
        tell(fds[i], "GET /met");
        turn(w);
        assert_true(w->http->connections <= HTTP_CONNECTIONS_MAX);
    }
    begins(get(w, "GET", "/metrics"), "HTTP/1.1 200");
    assert_true(w->rig->control.http.cut_off >= HTTP_CONNECTIONS_MAX);
    for (int i = 0; i < HTTP_CONNECTIONS_MAX * 2; i++)
        close(fds[i]);
    for (int i = 0; i < TURNS_MAX && w->http->connections; i++)
        turn(w);
    assert_int_equal(w->http->connections, 0);
}

// Asks for much and reads nothing.
static void test_never_reads(void **state)
{
    struct world *w = *state;
    const int fd = client(w);
    for (int i = 0; i < 50; i++)
        tell(fd, "GET /metrics/full HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 200; i++)
        turn(w);
    begins(get(w, "GET", "/metrics"), "HTTP/1.1 200");
    close(fd);
}

static void test_oversized(void **state)
{
    struct world *w = *state;
    static char blanks[65536];
    const int fd = client(w);
    memset(blanks, 'a', sizeof blanks - 1);
    tell(fd, "GET /");
    tell(fd, blanks);
    const char *answer = hear(w, fd, NULL);
    if (*answer)
        begins(answer, "HTTP/1.1 414");
    close(fd);
    const int body = client(w);
    tell(body, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\nabc");
    begins(get(w, "GET", "/livez"), "HTTP/1.1 200");
    close(body);
}

// --- live pages ---

static int stream(const struct world *w)
{
    const int fd = client(w);
    tell(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    return fd;
}

static void test_stream(void **state)
{
    struct world *w = *state;
    const int fd = stream(w);
    const char *state_begin = strstr(hear(w, fd, "\n\n"), "data: ");
    assert_non_null(state_begin);
    json_t *view = json_loads(state_begin + 6, JSON_DISABLE_EOF_CHECK, NULL);
    assert_true(json_is_true(json_object_get(view, "connected")));
    assert_string_equal(text_of(json_object_get(view, "status"), "node"), "node-1");
    static const char *const parts[] = {"feeds",      "lanes",      "sessions",
                                        "trading",    "strategies", "positions",
                                        "histograms", "stages",     "drop_copies"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        assert_true(json_is_object(json_object_get(view, parts[i])));
    json_decref(view);
    assert_int_equal(w->rig->control.http.streams, 1);
    w->http->latest_ns = 0; // time for another
    hear(w, fd, "event: state");
    close(fd);
    w->http->latest_ns = 0;
    for (int i = 0; i < TURNS_MAX && w->rig->control.http.streams; i++) {
        w->http->latest_ns = 0;
        turn(w);
    }
    assert_int_equal(w->rig->control.http.streams, 0);
}

static void test_streams_are_bounded(void **state)
{
    struct world *w = *state;
    int fds[HTTP_STREAMS_MAX];
    for (int i = 0; i < HTTP_STREAMS_MAX; i++) {
        fds[i] = stream(w);
        hear(w, fds[i], "\n\n");
    }
    const char *answer = get(w, "GET", "/stream");
    begins(answer, "HTTP/1.1 503");
    assert_non_null(strstr(answer, "Retry-After"));
    for (int i = 0; i < HTTP_STREAMS_MAX; i++)
        close(fds[i]);
}

// A page that reads nothing: states are made for the others, and it is cut off in the end.
static void test_stream_never_reads(void **state)
{
    struct world *w = *state;
    const int deaf = stream(w);
    for (int i = 0; i < TURNS_MAX && w->rig->control.http.cut_off == 0; i++) {
        w->http->latest_ns = 0;
        for (uint32_t k = 0; k < HTTP_CONNECTIONS_MAX; k++)
            if (w->http->slots[k].doc)
                w->http->slots[k].doc_ns -= (HTTP_STREAM_PATIENCE_MS / 100) * 1000000ull;
        http_run(w->http);
    }
    assert_int_equal(w->rig->control.http.cut_off, 1);
    begins(get(w, "GET", "/livez"), "HTTP/1.1 200");
    close(deaf);
}

// --- addresses ---

static void refuses(struct world *w, const struct config_http *options, enum exit_code code,
                    const char *say)
{
    struct error err = {0};
    assert_null(http_open(&w->rig->control, NULL, options, &err));
    assert_int_equal(err.code, code);
    if (strstr(err.text, say) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, say);
}

static void test_addresses(void **state)
{
    struct world *w = *state;
    struct config_http options = {.listen = {.ip = 0, .port = 0}};
    refuses(w, &options, EXIT_USAGE, "set tls_certificate and tls_key");
    options.listen.ip = 0x0a000001;
    snprintf(options.token_file, sizeof options.token_file, "/tmp/token");
    refuses(w, &options, EXIT_USAGE, "set tls_certificate and tls_key");
    snprintf(options.tls_certificate, sizeof options.tls_certificate, "/tmp/certificate");
    refuses(w, &options, EXIT_USAGE, "http.tls_certificate: is of no use without tls_key");
    snprintf(options.tls_key, sizeof options.tls_key, "/tmp/key");
    options.token_file[0] = 0;
    refuses(w, &options, EXIT_USAGE, "set token_file or client_ca");
    options = loopback;
    snprintf(options.client_ca, sizeof options.client_ca, "/tmp/ca");
    refuses(w, &options, EXIT_USAGE, "certificates of clients need TLS");
    options = loopback;
    options.listen.port = http_port(w->http);
    refuses(w, &options, EXIT_FAILED, "another program has the port");
}

// What a job of the server's own has asked the main lcore, which has it now.
static struct command_slot *job_taken(struct world *w, const struct job *job,
                                      enum command_type type)
{
    for (int i = 0; i < TURNS_MAX && !job->pending; i++)
        turn(w);
    assert_true(job->pending);
    struct command_slot *slot = region_command_slot(&w->rig->file.view, job->call.slot);
    assert_true(command_take(slot, LANE_MAIN));
    assert_int_equal(slot->type, type);
    memset(&slot->answer, 0, sizeof slot->answer);
    return slot;
}

// --- limits on the page ---

// The main lcore is asked while a page is open, and the rows of which most is used come first.
static void test_limits(void **state)
{
    struct world *w = *state;
    static const struct {
        uint64_t limit, use;
        uint8_t control, flags;
    } rows[] = {{1000, 10, LIMIT_LIMITS_open_orders, LIMIT_ENTRY_USE},
                {1000, 0, LIMIT_LIMITS_quantity, 0},
                {LIMIT_NOTHING, 7, LIMIT_LIMITS_day_orders, LIMIT_ENTRY_USE},
                {2000, 1500, LIMIT_LIMITS_gross, LIMIT_ENTRY_USE},
                {5000, 1, LIMIT_LIMITS_loss, LIMIT_ENTRY_USE | LIMIT_ENTRY_BROKEN}};
    for (int i = 0; i < 50; i++)
        turn(w);
    assert_false(w->http->limits_job.pending); // nobody looks
    const int fd = stream(w);
    hear(w, fd, "\"limits\":null");
    struct command_slot *slot = job_taken(w, &w->http->limits_job, COMMAND_LIMITS_LIST);
    assert_int_equal(http_wait_ms(w->http, 50), 1);
    struct limits_list_answer *a = &slot->answer.limits_list;
    a->count = sizeof rows / sizeof rows[0];
    for (uint32_t i = 0; i < a->count; i++)
        a->entries[i] = (struct limit_entry){.limit = {rows[i].limit, LIMIT_NOTHING},
                                             .use = rows[i].use,
                                             .control = rows[i].control,
                                             .flags = rows[i].flags};
    command_answer(slot, COMMAND_RESULT_OK, 0);
    while (w->http->limits_job.pending)
        turn(w);
    assert_int_equal(json_array_size(w->http->limits), 3);
    static const char *const order[] = {"loss", "gross", "open_orders"};
    static const int used[] = {0, 750, 10};
    for (size_t i = 0; i < 3; i++) {
        const json_t *row = json_array_get(w->http->limits, i);
        assert_string_equal(text_of(row, "control"), order[i]);
        assert_int_equal(json_integer_value(json_object_get(row, "used_permille")), used[i]);
    }
    w->http->latest_ns = 0;
    hear(w, fd, "\"control\":\"gross\"");
    // Again after a while; no answer is no list.
    w->http->limits_ns = 0;
    slot = job_taken(w, &w->http->limits_job, COMMAND_LIMITS_LIST);
    command_answer(slot, COMMAND_RESULT_NO_TRADING, 0);
    while (w->http->limits_job.pending)
        turn(w);
    assert_null(w->http->limits);
    // The server ends while it waits for one.
    w->http->limits_ns = 0;
    job_taken(w, &w->http->limits_job, COMMAND_LIMITS_LIST);
    close(fd);
}

// --- /benchmarks/run ---

static struct command_slot *self_test_taken(struct world *w)
{
    return job_taken(w, &w->http->benchmark, COMMAND_SELF_TEST);
}

static void sessions_down(struct world *w)
{
    for (uint32_t i = 0; i < 2; i++)
        region_order_session_counters(&w->rig->file.view, i)->state = 0;
}

static void test_benchmark_armed(void **state)
{
    struct world *w = *state;
    _Atomic uint8_t *firm = &board_states(region_trade_board(&w->rig->file.view, 0), TRADE_FIRM)[0];
    const char *answer = get(w, "POST", "/benchmarks/run");
    begins(answer, "HTTP/1.1 409");
    if (strstr(answer, "armed: session nsdq is ready") == NULL)
        fail_msg("%s", answer);
    *firm = TRADING_REDUCING; // orders leave all the same
    begins(get(w, "GET", "/benchmarks/run"), "HTTP/1.1 409");
    *firm = TRADING_HALTED;
    const int fd = client(w);
    tell(fd, "GET /benchmarks/run HTTP/1.1\r\nHost: x\r\n\r\n");
    command_answer(self_test_taken(w), COMMAND_RESULT_OK, 0);
    begins(hear(w, fd, "took_ns"), "HTTP/1.1 200");
    close(fd);
    begins(get(w, "HEAD", "/benchmarks/run"), "HTTP/1.1 405");
}

static void test_benchmark(void **state)
{
    struct world *w = *state;
    static const char ask[] =
        "POST /benchmarks/run HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    sessions_down(w);
    const int first = client(w), second = client(w);
    tell(first, ask);
    struct command_slot *slot = self_test_taken(w);
    tell(second, ask); // one at a time
    begins(hear(w, second, "one runs already"), "HTTP/1.1 503");
    slot->answer.self_test.controls = 41;
    slot->answer.self_test.rows[0] =
        (struct self_test_row){.number = REFUSAL_QUANTITY, .beyond = REFUSAL_QUANTITY, .passed = 1};
    command_answer(slot, COMMAND_RESULT_OK, 0);
    begins(hear(w, first, "\"passed\": true"), "HTTP/1.1 200");
    // On the same connection once more: a control does not hold.
    tell(first, ask);
    slot = self_test_taken(w);
    slot->answer.self_test.failed = 1;
    slot->answer.self_test.rows[0].number = REFUSAL_QUANTITY;
    command_answer(slot, COMMAND_RESULT_OK, 0);
    begins(hear(w, first, "do not hold"), "HTTP/1.1 500");
    // Who asked is gone before the answer; the next one gets the place.
    tell(first, ask);
    slot = self_test_taken(w);
    close(first);
    for (int i = 0; i < 200; i++)
        turn(w);
    command_answer(slot, COMMAND_RESULT_OK, 0);
    for (int i = 0; i < TURNS_MAX && w->http->benchmark.pending; i++)
        turn(w);
    assert_false(w->http->benchmark.pending);
    tell(second, ask);
    command_answer(self_test_taken(w), COMMAND_RESULT_NO_TRADING, 0);
    begins(hear(w, second, "does not trade"), "HTTP/1.1 500");
    close(second);
    // The server ends while one runs.
    const int last = client(w);
    tell(last, ask);
    self_test_taken(w);
    close(last);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)
    const struct CMUnitTest tests[] = {
        TEST(test_routes),      TEST(test_health),
        TEST(test_latency),     TEST(test_keeps_connection),
        TEST(test_half_sent),   TEST(test_crowd),
        TEST(test_never_reads), TEST(test_oversized),
        TEST(test_stream),      TEST(test_streams_are_bounded),
        TEST(test_addresses),   TEST(test_stream_never_reads),
        TEST(test_benchmark),   TEST(test_benchmark_armed),
        TEST(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
