#include "controlplane/http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/http/parts.h"
#include "controlplane/metrics/metrics.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"

enum { NS_PER_MS = 1000000, CONNECTION_BYTES = 32 * 1024 };

// --- connections ---

void connection_cut(struct http_connection *connection)
{
    if (connection->cut)
        return;
    connection->cut = true;
    connection->http->control->http.cut_off++;
    shutdown(connection->fd, SHUT_RDWR);
    if (connection->asleep) {
        connection->asleep = false;
        MHD_resume_connection(connection->handle);
    }
}

static struct http_connection *longest_waiting(struct http *http)
{
    struct http_connection *oldest = NULL;
    for (uint32_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        struct http_connection *slot = &http->slots[i];
        if (slot->handle && !slot->stream && !slot->cut &&
            (oldest == NULL || slot->since_ns < oldest->since_ns))
            oldest = slot;
    }
    return oldest;
}

static void connection_begin(struct http *http, struct MHD_Connection *handle, void **context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct http_connection *slot = NULL;
    if (http->connections >= HTTP_CONNECTIONS_EASY && longest_waiting(http))
        connection_cut(longest_waiting(http));
    for (uint32_t i = 0; i < HTTP_CONNECTIONS_MAX && slot == NULL; i++)
        if (http->slots[i].handle == NULL)
            slot = &http->slots[i];
    *context = slot;
    http->connections++;
    if (slot) // else the library has more of them than it was told
        *slot = (struct http_connection){
            .http = http, .handle = handle, .fd = info->connect_fd, .since_ns = clock_mono_ns()};
}

static void on_connection(void *cls, struct MHD_Connection *handle, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = cls;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_begin(http, handle, context);
        return;
    }
    http->connections--;
    struct http_connection *slot = *context;
    if (slot) {
        stream_end(slot);
        benchmark_leave(slot);
        slot->handle = NULL;
    }
}

static struct http_connection *slot_of(struct MHD_Connection *handle)
{
    return MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

// --- answers ---

static void header(struct MHD_Response *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

static struct MHD_Response *dressed(struct MHD_Response *response, const char *type)
{
    if (response) {
        header(response, "Content-Type", type);
        header(response, "Cache-Control", "no-store");
        header(response, "X-Content-Type-Options", "nosniff");
    }
    return response;
}

static enum MHD_Result answer(struct MHD_Connection *handle, unsigned status,
                              struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result queued = MHD_queue_response(handle, status, response);
    MHD_destroy_response(response); // the queue holds it
    return queued;
}

// <text> becomes the response's.
static enum MHD_Result answer_own(struct MHD_Connection *handle, unsigned status, const char *type,
                                  char *text)
{
    if (text == NULL)
        return MHD_NO;
    return answer(
        handle, status,
        dressed(MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE), type));
}

static enum MHD_Result answer_words(struct MHD_Connection *handle, unsigned status,
                                    const char *name, const char *value, const char *words)
{
    struct MHD_Response *response =
        dressed(MHD_create_response_from_buffer(strlen(words), (void *)(uintptr_t)words,
                                                MHD_RESPMEM_MUST_COPY),
                "text/plain; charset=utf-8");
    if (response && name)
        header(response, name, value);
    return answer(handle, status, response);
}

// --- metrics ---

static bool wants_open(struct MHD_Connection *handle)
{
    const char *accept = MHD_lookup_connection_value(handle, MHD_HEADER_KIND, "Accept");
    return accept && strstr(accept, "application/openmetrics-text");
}

static void metrics_make(struct http *http, struct cached *cached, bool full, bool open)
{
    http->text.open = open;
    if (full)
        metrics_full(&http->text, http->control);
    else
        metrics_brief(&http->text, http->control);
    if (cached->response)
        MHD_destroy_response(cached->response);
    cached->response = NULL;
    if (!http->text.failed)
        cached->response = dressed(
            MHD_create_response_from_buffer(http->text.len, http->text.data, MHD_RESPMEM_MUST_COPY),
            metric_content_type(open));
    cached->ns = clock_mono_ns();
}

static enum MHD_Result answer_metrics(struct http *http, struct MHD_Connection *handle, bool full)
{
    const bool open = wants_open(handle);
    struct cached *cached = &http->metrics[(full ? 2 : 0) + (open ? 1 : 0)];
    if (cached->response == NULL ||
        clock_mono_ns() - cached->ns > (uint64_t)HTTP_CACHE_MS * NS_PER_MS)
        metrics_make(http, cached, full, open);
    return cached->response ? MHD_queue_response(handle, MHD_HTTP_OK, cached->response) : MHD_NO;
}

static enum MHD_Result on_metrics(struct http *http, struct MHD_Connection *handle)
{
    return answer_metrics(http, handle, false);
}

static enum MHD_Result on_metrics_full(struct http *http, struct MHD_Connection *handle)
{
    return answer_metrics(http, handle, true);
}

// --- health ---

static enum MHD_Result on_live(struct http *http, struct MHD_Connection *handle)
{
    (void)http;
    return answer_words(handle, MHD_HTTP_OK, NULL, NULL, "live\n");
}

static enum MHD_Result on_ready(struct http *http, struct MHD_Connection *handle)
{
    const bool ready = dataplane_ready(http->control);
    return answer_words(handle, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, NULL, NULL,
                        ready ? "ready\n" : "the dataplane is not ready; /healthz says why\n");
}

static enum MHD_Result on_health(struct http *http, struct MHD_Connection *handle)
{
    bool healthy;
    char *text = health_text(http->control, &healthy);
    return answer_own(handle, healthy ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
                      "application/json", text);
}

static enum MHD_Result on_latency(struct http *http, struct MHD_Connection *handle)
{
    return answer_own(handle, MHD_HTTP_OK, "application/json", latency_text(http->control));
}

// Called a second time when the report is there.
static enum MHD_Result on_benchmark(struct http *http, struct MHD_Connection *handle)
{
    struct http_connection *slot = slot_of(handle);
    if (slot == NULL || slot->cut)
        return MHD_NO;
    if (slot->report.text == NULL && !benchmark_begin(http, slot)) {
        slot->asleep = true;
        MHD_suspend_connection(handle);
        return MHD_YES;
    }
    char *text = slot->report.text;
    slot->report.text = NULL;
    return answer_own(handle, slot->report.status, "application/json", text);
}

// --- page ---

static enum MHD_Result on_page(struct http *http, struct MHD_Connection *handle)
{
    (void)http;
    struct MHD_Response *response = dressed(
        MHD_create_response_from_buffer((size_t)((uintptr_t)page_end - (uintptr_t)page_begin),
                                        (void *)(uintptr_t)page_begin, MHD_RESPMEM_PERSISTENT),
        "text/html; charset=utf-8");
    if (response) {
        header(response, "Content-Security-Policy", page_policy());
        header(response, "Referrer-Policy", "no-referrer");
        header(response, "X-Frame-Options", "DENY");
    }
    return answer(handle, MHD_HTTP_OK, response);
}

static enum MHD_Result on_stream(struct http *http, struct MHD_Connection *handle)
{
    struct http_connection *slot = slot_of(handle);
    if (slot == NULL || slot->stream || http->control->http.streams >= HTTP_STREAMS_MAX)
        return answer_words(handle, MHD_HTTP_SERVICE_UNAVAILABLE, "Retry-After", "10",
                            "too many pages are open; close one\n");
    return answer(handle, MHD_HTTP_OK, dressed(stream_open(slot), "text/event-stream"));
}

static const struct route {
    const char *path;
    bool open; // for everybody: says nothing but yes or no
    bool acts; // POST, and GET for who has only a browser; no HEAD
    enum MHD_Result (*run)(struct http *http, struct MHD_Connection *handle);
} routes[] = {
    {"/", false, false, on_page},
    {"/stream", false, false, on_stream},
    {"/metrics", false, false, on_metrics},
    {"/metrics/full", false, false, on_metrics_full},
    {"/livez", true, false, on_live},
    {"/readyz", true, false, on_ready},
    {"/healthz", false, false, on_health},
    {"/health/e2e-latency", false, false, on_latency},
    {"/benchmarks/run", false, true, on_benchmark},
};

static bool method_fits(const struct route *route, const char *method)
{
    return strcmp(method, MHD_HTTP_METHOD_GET) == 0 ||
           strcmp(method, route->acts ? MHD_HTTP_METHOD_POST : MHD_HTTP_METHOD_HEAD) == 0;
}

static enum MHD_Result route(struct http *http, struct MHD_Connection *handle, const char *url,
                             const char *method)
{
    const struct route *found = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (strcmp(routes[i].path, url) == 0)
            found = &routes[i];
    if ((found == NULL || !found->open) && !credentials_fit(&http->credentials, handle))
        return answer_words(handle, MHD_HTTP_UNAUTHORIZED, "WWW-Authenticate",
                            "Bearer realm=\"tickgate\"",
                            "a bearer token or a client certificate is wanted\n");
    if (found == NULL)
        return answer_words(handle, MHD_HTTP_NOT_FOUND, NULL, NULL,
                            "nothing is here; there are /, /metrics, /metrics/full, /livez, "
                            "/readyz, /healthz, /health/e2e-latency and /benchmarks/run\n");
    if (!method_fits(found, method))
        return answer_words(handle, MHD_HTTP_METHOD_NOT_ALLOWED, "Allow",
                            found->acts ? "GET, POST" : "GET, HEAD",
                            found->acts ? "only GET and POST\n" : "only GET and HEAD\n");
    return found->run(http, handle);
}

// Called first with the headers, then with pieces of a body, which nobody wants, then at the end.
static enum MHD_Result on_request(void *cls, struct MHD_Connection *handle, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_len, void **begun)
{
    struct http *http = cls;
    (void)version;
    (void)body;
    if (*begun == NULL) {
        *begun = http;
        return MHD_YES;
    }
    if (*body_len) {
        *body_len = 0;
        return MHD_YES;
    }
    struct http_connection *slot = slot_of(handle);
    if (slot)
        slot->since_ns = clock_mono_ns();
    http->control->http.requests++;
    return route(http, handle, url, method);
}

// --- the server ---

__attribute__((format(printf, 2, 0))) static void on_log(void *cls, const char *fmt, va_list args)
{
    const struct http *http = cls;
    char text[256];
    // From then on it speaks of clients that do wrong, as often as they like.
    if (http->started)
        return;
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = 0;
    log_warn(LOG_HTTP, NULL, "%s", text);
}

static bool beyond_loopback(const struct config_http *options)
{
    return options->listen.ip >> 24 != 127;
}

// What is wrong with <options> taken together: the key that is told, the cause and the remedy.
struct objection {
    const char *key;
    const void *member; // of <options>
    const char *cause;
};

static struct objection objection_of(const struct config_http *o)
{
    if (o->tls_key[0] && !o->tls_certificate[0])
        return (struct objection){"tls_key", o->tls_key,
                                  "is of no use without tls_certificate; set both or none"};
    if (o->tls_certificate[0] && !o->tls_key[0])
        return (struct objection){"tls_certificate", o->tls_certificate,
                                  "is of no use without tls_key; set both or none"};
    if (o->client_ca[0] && !o->tls_certificate[0])
        return (struct objection){"client_ca", o->client_ca,
                                  "certificates of clients need TLS; set tls_certificate and "
                                  "tls_key"};
    if (beyond_loopback(o) && !o->tls_certificate[0])
        return (struct objection){"listen", &o->listen,
                                  "other machines can reach this address, which takes TLS; set "
                                  "tls_certificate and tls_key, or listen on 127.0.0.1"};
    if (beyond_loopback(o) && !o->token_file[0] && !o->client_ca[0])
        return (struct objection){"listen", &o->listen,
                                  "other machines can reach this address, so whoever asks has to "
                                  "be known; set token_file or client_ca, or listen on 127.0.0.1"};
    return (struct objection){0};
}

static bool guarded(const struct config *config, const struct config_http *options,
                    struct error *err)
{
    const struct objection objection = objection_of(options);
    if (objection.cause == NULL)
        return true;
    if (config && options == &config->http)
        return config_fault(config, objection.member, err, "%s", objection.cause);
    return error_set(err, EXIT_USAGE, "http.%s: %s", objection.key, objection.cause);
}

static int listen_at(const struct config_http *options, struct error *err)
{
    char where[32];
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(options->listen.port),
                                        .sin_addr.s_addr = htonl(options->listen.ip)};
    const int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    inet_ntop(AF_INET, &address.sin_addr, where, sizeof where);
    if (fd >= 0)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        listen(fd, HTTP_CONNECTIONS_MAX) == 0)
        return fd;
    const int cause = errno;
    error_set(err, EXIT_FAILED, "http.listen: %s:%u: %s; %s", where, options->listen.port,
              strerror(cause),
              cause == EADDRINUSE      ? "another program has the port: name a free one"
              : cause == EADDRNOTAVAIL ? "no interface of this machine has the address"
              : cause == EACCES        ? "ports below 1024 are for root: name a higher one"
                                       : "name another address");
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool daemon_start(struct http *http, int fd)
{
    const struct http_credentials *c = &http->credentials;
    struct MHD_OptionItem tls[] = {
        {c->certificate ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, c->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, c->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t) "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1"},
        {c->client_ca ? MHD_OPTION_HTTPS_MEM_TRUST : MHD_OPTION_END, 0, c->client_ca},
        {MHD_OPTION_END, 0, NULL}};
    // The logger comes first: it hears of what is wrong with the others.
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME |
            (c->certificate ? MHD_USE_TLS : 0),
        0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_log, http,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_PATIENCE_MS / 1000,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, http, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    return http->daemon != NULL;
}

struct http *http_open(struct control *control, const struct config *config,
                       const struct config_http *options, struct error *err)
{
    struct http *http = calloc(1, sizeof *http);
    int fd = -1;
    if (http == NULL) {
        error_set(err, EXIT_FAILED, "no memory for HTTP");
        return NULL;
    }
    http->control = control;
    if (guarded(config, options, err) && credentials_load(&http->credentials, options, err))
        fd = listen_at(options, err);
    if (fd >= 0 && !daemon_start(http, fd)) {
        close(fd);
        error_set(err, EXIT_FAILED, "http: cannot be started; the line before says why");
    }
    http->started = http->daemon != NULL;
    if (http->started)
        return http;
    http_close(http);
    return NULL;
}

void http_close(struct http *http)
{
    if (http == NULL)
        return;
    for (uint32_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
        if (http->slots[i].handle && http->slots[i].asleep) {
            http->slots[i].asleep = false;
            http->slots[i].cut = true;
            MHD_resume_connection(http->slots[i].handle);
        }
    if (http->daemon) {
        MHD_run(http->daemon); // what was resumed has to be seen before the end
        MHD_stop_daemon(http->daemon);
    }
    benchmark_end(http);
    limits_end(http);
    for (uint32_t i = 0; i < CACHED_METRICS; i++)
        if (http->metrics[i].response)
            MHD_destroy_response(http->metrics[i].response);
    free(http->latest);
    metric_text_free(&http->text);
    credentials_free(&http->credentials);
    free(http);
}

int http_fd(const struct http *http)
{
    return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

void http_run(struct http *http)
{
    const uint64_t now = clock_mono_ns();
    for (uint32_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        struct http_connection *slot = &http->slots[i];
        if (slot->handle && !slot->stream &&
            now > slot->since_ns + (uint64_t)HTTP_PATIENCE_MS * NS_PER_MS)
            connection_cut(slot);
    }
    limits_turn(http, now);
    streams_tick(http, now);
    benchmark_turn(http);
    MHD_run(http->daemon);
}

int http_wait_ms(const struct http *http, int most_ms)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES && wait_ms == 0)
        return 0;
    return http->benchmark.pending || http->limits_job.pending ? 1 : most_ms;
}

uint16_t http_port(const struct http *http)
{
    struct sockaddr_in address = {0};
    socklen_t len = sizeof address;
    const int fd = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_LISTEN_FD)->listen_fd;
    return getsockname(fd, (struct sockaddr *)&address, &len) == 0 ? ntohs(address.sin_port) : 0;
}
