// tickgate-controlplane: attaches to the dataplane's region and answers on the control socket.
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "controlplane/control/server.h"
#include "dataplane/base/log.h"
#include "dataplane/config/config.h"

static atomic_bool stop; // lock-free: a signal handler may set it

static void on_stop(int number)
{
    (void)number;
    stop = true;
}

static const char help[] =
    "Usage: tickgate-controlplane [--region NAME|PATH] [--socket PATH] [--config FILE]\n"
    "\n"
    "Attaches to the region of tickgate-dataplane, waits for it where it is not there,\n"
    "and answers on a Unix socket (docs/control.md). Runs until SIGINT or SIGTERM.\n"
    "\n"
    "  --region NAME|PATH  the dataplane's region: its name in the configuration, looked\n"
    "                      for on hugetlbfs and in /dev/shm, or a file's path (tickgate)\n"
    "  --socket PATH       control socket (/run/tickgate/control.sock); only the folder\n"
    "                      /run/tickgate is made where it is missing\n"
    "  --config FILE       take both from the dataplane's configuration; options win\n"
    "  --version           print the version and end\n"
    "  --help              print this and end\n"
    "\n"
    "Exit code: 0 stopped by a signal, 1 failed, 2 usage.\n";

struct options {
    const char *region;
    const char *socket;
    const char *config;
};

// False: nothing more to do, <code> says how it went.
static bool options_read(struct options *options, int argc, char **argv, int *code)
{
    static const struct option table[] = {
        {"region", required_argument, NULL, 'r'}, {"socket", required_argument, NULL, 's'},
        {"config", required_argument, NULL, 'c'}, {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
        switch (c) {
        case 'r': options->region = optarg; break;
        case 's': options->socket = optarg; break;
        case 'c': options->config = optarg; break;
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

// What no option says comes from the configuration, or is what the configuration would have by
// default.
static bool options_complete(struct options *options, struct error *err)
{
    static struct config config;
    if (options->config) {
        if (!config_load(&config, options->config, err))
            return false;
        if (options->region == NULL)
            options->region = config.node.region;
        if (options->socket == NULL)
            options->socket = config.node.control_socket;
        config_free(&config);
    }
    if (options->region == NULL)
        options->region = "tickgate";
    if (options->socket == NULL)
        options->socket = SERVER_FOLDER "/control.sock";
    return true;
}

static int run(const struct options *options)
{
    struct error err = {0};
    struct control control;
    struct server server;
    if (!control_init(&control, options->region)) {
        log_error("start", "no memory for the event log");
        return EXIT_FAILED;
    }
    if (server_open(&server, &control, options->socket, &err)) {
        log_info("ready", "listening on %s", options->socket);
        server_run(&server, &stop);
    } else {
        log_error("start", "%s", err.text);
    }
    server_close(&server);
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
    if (!options_complete(&options, &err)) {
        fprintf(stderr, "tickgate-controlplane: %s\n", err.text);
        return (int)err.code;
    }
    struct sigaction action = {.sa_handler = on_stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    return run(&options);
}
