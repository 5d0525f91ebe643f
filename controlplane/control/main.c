// tickgate-controlplane: attaches to the dataplane's region and answers on the control socket.
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controlplane/capture/capture.h"
#include "controlplane/control/live_config.h"
#include "controlplane/control/server.h"
#include "controlplane/dropcopy/act.h"
#include "controlplane/http/http.h"
#include "controlplane/journal/rebuild.h"
#include "controlplane/store/store.h"
#include "controlplane/trace/export.h"
#include "dataplane/base/date.h"
#include "dataplane/base/log.h"
#include "dataplane/base/notify.h"
#include "dataplane/config/config.h"

static atomic_bool stop; // lock-free: a signal handler may set it

static void on_stop(int number)
{
    (void)number;
    stop = true;
}

static const char help[] =
    "Usage: tickgate-controlplane [--region NAME|PATH] [--socket PATH] [--config FILE]\n"
    "                             [--journal DIR|none] [--http ADDRESS:PORT]\n"
    "\n"
    "Attaches to the region of tickgate-dataplane, waits for it where it is not there,\n"
    "and answers on a Unix socket (docs/control.md). Runs until SIGINT or SIGTERM.\n"
    "\n"
    "  --region NAME|PATH  the dataplane's region: its name in the configuration, looked\n"
    "                      for on hugetlbfs and in /dev/shm, or a file's path (tickgate)\n"
    "  --socket PATH       control socket (/run/tickgate/control.sock); only the folder\n"
    "                      /run/tickgate is made where it is missing\n"
    "  --journal DIR|none  where events are written down before anybody sees them\n"
    "                      (/var/lib/tickgate/ and the region's name); none: no record is kept\n"
    "  --config FILE       take all of it from the dataplane's configuration; options win\n"
    "  --http ADDRESS:PORT metrics, health and the status page (docs/operate.md); port 0: a\n"
    "                      free one. Beyond 127.0.0.0/8 the configuration has to name the\n"
    "                      certificates. Without it and without a section http: none\n"
    "  --migrate           bring the schema of the configuration's store up to date and end\n"
    "  --version           print the version and end\n"
    "  --help              print this and end\n"
    "\n"
    "Exit code: 0 stopped by a signal, 1 failed, 2 usage.\n";

struct options {
    const char *region;
    const char *socket;
    const char *config;
    const char *http;
    struct config_http http_options;
    bool http_wanted;
    bool migrate;
    const char *journal; // "none"
    struct drain_config drain;
    char directory[512];
    char capture[512];
};

// Kept while the program runs: the place of what is wrong in it is told late.
static struct config config;

// In which the store is: what it has not taken yet stays in the journal.
static _Atomic uint64_t store_segment;
static _Atomic uint64_t journal_committed;

static const char name[] = "tickgate-controlplane";

enum { STORE_END_MS = 3000, TRACE_END_MS = 1000 }; // for what is durable, when the program ends

// False: nothing more to do, <code> says how it went.
static bool options_read(struct options *options, int argc, char **argv, int *code)
{
    static const struct option table[] = {{"region", required_argument, NULL, 'r'},
                                          {"socket", required_argument, NULL, 's'},
                                          {"config", required_argument, NULL, 'c'},
                                          {"journal", required_argument, NULL, 'j'},
                                          {"http", required_argument, NULL, 'w'},
                                          {"migrate", no_argument, NULL, 'm'},
                                          {"version", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        switch (c) {
        case 'r': options->region = optarg; break;
        case 's': options->socket = optarg; break;
        case 'c': options->config = optarg; break;
        case 'j': options->journal = optarg; break;
        case 'w': options->http = optarg; break;
        case 'm': options->migrate = true; break;
        case 'v':
            puts("tickgate-controlplane " TICKGATE_VERSION);
            *code = EXIT_OK;
            return false;
        case 'h':
            fputs(help, stdout);
            *code = EXIT_OK;
            return false;
        default:
            fputs("tickgate-controlplane: --help lists the options\n", stderr);
            *code = EXIT_USAGE;
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "tickgate-controlplane: '%s' is no option; --help lists them\n",
                argv[optind]);
        *code = EXIT_USAGE;
        return false;
    }
    return true;
}

static bool http_address(struct options *options, struct error *err)
{
    char address[INET_ADDRSTRLEN], *end = NULL;
    const char *colon = strrchr(options->http, ':');
    const size_t len = colon ? (size_t)(colon - options->http) : sizeof address;
    struct in_addr ip;
    unsigned long port = 0;
    if (len < sizeof address) {
        memcpy(address, options->http, len);
        address[len] = 0;
        port = strtoul(colon + 1, &end, 10);
    }
    if (end == NULL || end == colon + 1 || *end || port > UINT16_MAX ||
        inet_pton(AF_INET, address, &ip) != 1)
        return error_set(err, EXIT_USAGE, "--http: '%s' is not ADDRESS:PORT, like 127.0.0.1:9180",
                         options->http);
    options->http_options.listen =
        (struct config_endpoint){.ip = ntohl(ip.s_addr), .port = (uint16_t)port};
    options->http_wanted = true;
    return true;
}

static void journal_take(struct options *options, const struct config_journal *c)
{
    static const enum disk_engine engines[] = {[CONFIG_ENGINE_AUTO] = DISK_AUTO,
                                               [CONFIG_ENGINE_URING] = DISK_URING,
                                               [CONFIG_ENGINE_THREAD] = DISK_THREAD};
    options->drain = (struct drain_config){
        .journal = {.segment_bytes = c->segment_size,
                    .commit_ns = c->commit_us * UINT64_C(1000),
                    .block_bytes = (uint32_t)c->commit_size,
                    .keep_bytes = c->keep_size,
                    .keep_ns = c->keep_days * UINT64_C(86400) * 1000000000u,
                    .cached = c->durability == CONFIG_DURABLE_MEMORY,
                    .keep_from = config.store.connection[0] ? &store_segment : NULL,
                    .engine = engines[c->engine]},
        .stall_ns = c->stall_ms * UINT64_C(1000000),
        .committed = &journal_committed};
}

// The directory of a region that is named by its path is named by that file. The capture stands
// beside the journal, on the same disk unless the configuration says otherwise.
static bool directory_make(struct options *options, const char *configured, struct error *err)
{
    static const char home[] = "/var/lib/tickgate";
    const char *slash = strrchr(options->region, '/');
    const char *region = slash ? slash + 1 : options->region;
    const char *journal = options->journal ? options->journal : configured;
    const char *beside = options->directory;
    char own[sizeof options->directory];
    if (snprintf(own, sizeof own, "%s/%s", home, region) >= (int)sizeof own)
        return error_set(err, EXIT_USAGE, "--region: the path is too long");
    if (*journal == 0 || strcmp(journal, "none") == 0) {
        mkdir(home, 0755); // where it cannot be made the journal says so
        beside = own;
    }
    if (snprintf(options->directory, sizeof options->directory, "%s", *journal ? journal : own) >=
        (int)sizeof options->directory)
        return error_set(err, EXIT_USAGE, "--journal: the path is too long");
    options->drain.journal.directory = options->directory;
    int len = (int)strlen(beside);
    while (len > 1 && beside[len - 1] == '/')
        len--;
    const char *capture = config.capture.directory;
    const int n =
        *capture ? snprintf(options->capture, sizeof options->capture, "%s", capture)
                 : snprintf(options->capture, sizeof options->capture, "%.*s.capture", len, beside);
    return n < (int)sizeof options->capture ||
           error_set(err, EXIT_USAGE, "--journal: the path is too long for the capture beside it");
}

// What no option says comes from the configuration, or is what the configuration would have by
// default.
static bool options_complete(struct options *options, struct error *err)
{
    struct error unknown = {0};
    if (!(options->config ? config_load(&config, options->config, err)
                          : config_defaults(&config, err)))
        return false;
    if (options->region == NULL)
        options->region = config.node.region;
    if (options->socket == NULL)
        options->socket = config.node.control_socket;
    options->http_options = config.http;
    options->http_wanted = config.http.listen.port != 0;
    if (options->journal == NULL && !config.journal.enabled)
        options->journal = "none";
    journal_take(options, &config.journal);
    // There is no second thread yet. Where the zone is not known, who needs it says so.
    if (options->config)
        zone_set(config.day.zone, &unknown);
    return directory_make(options, config.journal.directory, err) &&
           (options->http == NULL || http_address(options, err));
}

static struct http *http_start(struct control *control, struct server *server,
                               const struct options *options, struct error *err)
{
    // What the configuration says as it says it, so that a fault has its line.
    const struct config_http *chosen = options->http ? &options->http_options : &config.http;
    struct http *http = http_open(control, options->config ? &config : NULL, chosen, err);
    if (http == NULL || !server_add_http(server, http, err))
        return http;
    char url[48];
    snprintf(url, sizeof url, "http%s://%u.%u.%u.%u:%u/", chosen->tls_certificate[0] ? "s" : "",
             chosen->listen.ip >> 24, chosen->listen.ip >> 16 & 255, chosen->listen.ip >> 8 & 255,
             chosen->listen.ip & 255, http_port(http));
    log_info(LOG_READY, LOG_FIELDS(LOG_TEXT("endpoint", url)), "metrics and page on %s", url);
    return http;
}

static bool journal_start(const struct options *options, struct control *control,
                          struct drain *drain, struct error *err)
{
    if (options->journal && strcmp(options->journal, "none") == 0) {
        log_warn(LOG_JOURNAL_OFF, NULL, "no record of any event is kept");
        return true;
    }
    control->drain = drain;
    return drain_start(drain, &options->drain, err);
}

// Without a journal it says so to a dataplane that wants one.
static void rebuild_begin(const struct options *options, struct control *control,
                          struct rebuild *rebuild)
{
    rebuild->directory = control->drain ? options->directory : NULL;
    rebuild->committed = &journal_committed;
    rebuild->drain = control->drain;
    rebuild->verify = options->config && config.journal.verify_before_ready;
    control->rebuild = rebuild;
}

static bool capture_start(const struct options *options, struct control *control,
                          struct capture *capture, struct error *err)
{
    static const enum disk_engine engines[] = {[CONFIG_ENGINE_AUTO] = DISK_AUTO,
                                               [CONFIG_ENGINE_URING] = DISK_URING,
                                               [CONFIG_ENGINE_THREAD] = DISK_THREAD};
    const struct config_capture *c = &config.capture;
    const struct capture_config chosen = {.directory = options->capture,
                                          .file_bytes = c->file_size,
                                          .keep_bytes = c->keep_size,
                                          .engine = engines[config.journal.engine]};
    if (!capture_open(capture, &chosen, err))
        return false;
    control->capture = capture;
    return true;
}

static struct store_config store_take(const struct options *options)
{
    const struct config_store *c = &config.store;
    return (struct store_config){.connection = c->connection,
                                 .directory = options->directory,
                                 .migrate = c->migrate,
                                 .batch = {.events = c->batch_events, .bytes = c->batch_size},
                                 .flush_ms = c->flush_ms,
                                 .connect_ms = c->connect_ms,
                                 .silence_ms = c->silence_ms,
                                 .retry_ms = c->retry_ms,
                                 .retry_max_ms = c->retry_max_ms,
                                 .segment = &store_segment};
}

static bool store_begin(const struct options *options, struct control *control, struct store *store,
                        struct error *err)
{
    if (config.store.connection[0] == 0)
        return true;
    if (control->drain == NULL)
        return config_fault(&config, config.store.connection, err,
                            "the store reads the journal, which is off");
    const struct store_config chosen = store_take(options);
    if (!store_start(store, &chosen, &journal_committed, err))
        return false;
    control->store = store;
    return true;
}

static bool trace_begin(const struct options *options, struct control *control, struct error *err)
{
    const struct config_trace *c = &config.trace;
    if (c->endpoint[0] == 0)
        return true;
    if (control->drain == NULL)
        return config_fault(&config, c->endpoint, err,
                            "traces are made from the journal, which is off");
    struct drain_status journal;
    drain_status_take(control->drain, &journal);
    const struct trace_export_config chosen = {.endpoint = c->endpoint,
                                               .directory = options->directory,
                                               .node = config.node.name,
                                               .ca = c->ca,
                                               .headers_file = c->headers_file,
                                               .one_in = c->one_in,
                                               .flush_ms = c->flush_ms,
                                               .timeout_ms = c->timeout_ms,
                                               .queue_bytes = c->queue_size,
                                               .from = journal.found};
    control->trace = trace_export_start(&chosen, &journal_committed, err);
    control->stages.traced = control->trace != NULL;
    control->stages.one_in = c->one_in;
    return control->trace != NULL;
}

static bool drops_begin(const struct options *options, struct control *control,
                        struct drop_copies *drops, struct error *err)
{
    if (config.drop_copy_count == 0)
        return true;
    if (control->drain == NULL)
        return config_fault(&config, config.drop_copies[0].name, err,
                            "drop copies are compared with the journal, which is off; set "
                            "journal.enabled: true");
    const bool started = drop_copies_start(drops, &config, options->directory, control->drain,
                                           &journal_committed, err);
    if (started)
        control->drops = drops;
    else
        drop_copies_stop(drops);
    return started;
}

// Versions of the configuration stand beside the journal.
static void live_begin(const struct options *options, struct control *control)
{
    char directory[sizeof options->directory + 8] = "", *file = NULL;
    if (options->journal == NULL || strcmp(options->journal, "none") != 0)
        snprintf(directory, sizeof directory, "%s.config", options->directory);
    if (options->config)
        file = realpath(options->config, NULL);
    control->live = live_config_new(file, directory);
    free(file);
    control->policy =
        (struct control_policy){.second_person = config.control.second_person,
                                .raise_max_ns = config.control.raise_max_ms * UINT64_C(1000000)};
}

// --migrate: the schema, and no more.
static int migrate(const struct options *options)
{
    struct error err = {0};
    const struct store_config chosen = store_take(options);
    if (config.store.connection[0] == 0)
        error_set(&err, EXIT_USAGE, "--migrate: no configuration with a section store");
    else
        store_migrate(&chosen, &err);
    return err.code == EXIT_OK ? EXIT_OK : log_end(name, &err);
}

static int run(const struct options *options)
{
    static struct drain drain;
    static struct store store;
    static struct capture capture;
    static struct rebuild rebuild;
    static struct drop_copies drops;
    struct error err = {0};
    struct control control;
    struct server server;
    struct roles roles;
    struct http *http = NULL;
    stream_logs_begin();
    if (!control_init(&control, options->region)) {
        error_set(&err, EXIT_FAILED, "no memory for the event log");
        return log_end(name, &err);
    }
    live_begin(options, &control);
    const bool opened = server_open(&server, &control, options->socket, &err) &&
                        journal_start(options, &control, &drain, &err) &&
                        capture_start(options, &control, &capture, &err);
    if (opened)
        rebuild_begin(options, &control, &rebuild);
    if (opened)
        store_begin(options, &control, &store, &err);
    if (opened && err.code == EXIT_OK)
        trace_begin(options, &control, &err);
    if (opened && err.code == EXIT_OK)
        drops_begin(options, &control, &drops, &err);
    if (opened && err.code == EXIT_OK && options->config &&
        roles_load(&roles, &config, &config.control, &err))
        server_set_roles(&server, &roles, &err);
    if (opened && err.code == EXIT_OK && options->http_wanted)
        http = http_start(&control, &server, options, &err);
    if (opened && err.code == EXIT_OK) {
        log_info(LOG_READY, LOG_FIELDS(LOG_TEXT("path", options->socket)), "listening on %s",
                 options->socket);
        notify_ready();
        server_run(&server, &stop);
        notify_stopping();
    } else {
        log_end(name, &err);
    }
    http_close(http);
    server_close(&server);
    rebuild_stop(&rebuild);
    if (control.drops)
        drop_copies_stop(&drops);
    if (control.drain)
        drain_stop(&drain);
    capture_close(&capture);
    trace_export_stop(control.trace, TRACE_END_MS);
    store_stop(&store, STORE_END_MS);
    live_config_free(control.live);
    control_free(&control);
    return (int)err.code;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct error err = {0};
    int code;
    if (!options_read(&options, argc, argv, &code))
        return code;
    signal(SIGPIPE, SIG_IGN);
    if (!options.migrate)
        log_to(STDOUT_FILENO);
    if (!options_complete(&options, &err))
        return log_end(name, &err);
    struct sigaction action = {.sa_handler = on_stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return options.migrate ? migrate(&options) : run(&options);
}
