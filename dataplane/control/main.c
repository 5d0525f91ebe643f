// tickgate-dataplane: configuration in, lanes running, until SIGINT or SIGTERM.
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dataplane/base/log.h"
#include "dataplane/base/notify.h"
#include "dataplane/control/dataplane.h"
#include "dataplane/control/replay.h"

static volatile int stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static const char usage[] =
    "usage: tickgate-dataplane --config FILE [--check]\n"
    "\n"
    "  --config FILE   the configuration (docs/configuration.md)\n"
    "  --check         read and check the configuration, print its memory bill, then stop\n"
    "  --replay        run a lane again on what comes in on standard input, as\n"
    "                  `tickgate replay` asks for it (docs/replay.md)\n"
    "  --options       print the table of options as Markdown\n"
    "  --help          this text\n"
    "  --version       version of program and contract\n";

struct arguments {
    const char *config;
    bool check;
    bool replay;
    bool done; // answered already
};

static bool arguments_parse(struct arguments *a, int argc, char **argv, struct error *err)
{
    static const struct option table[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"replay", no_argument, NULL, 'r'},
        {"options", no_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "c:h", table, NULL)) != -1) {
        switch (c) {
        case 'c': a->config = optarg; break;
        case 'k': a->check = true; break;
        case 'r': a->replay = true; break;
        case 'o':
            config_print_options();
            a->done = true;
            return true;
        case 'h':
            fputs(usage, stdout);
            a->done = true;
            return true;
        case 'v':
            printf("tickgate-dataplane %s, contract %u.%u\n", TICKGATE_VERSION, REGION_MAJOR,
                   REGION_MINOR);
            a->done = true;
            return true;
        default: return error_set(err, EXIT_USAGE, "try tickgate-dataplane --help");
        }
    }
    if (optind < argc)
        return error_set(err, EXIT_USAGE, "'%s': no such argument; try tickgate-dataplane --help",
                         argv[optind]);
    return a->config != NULL ||
           error_set(err, EXIT_USAGE, "--config FILE is wanted; try tickgate-dataplane --help");
}

static bool run(const struct arguments *a, struct error *err)
{
    static struct dataplane dataplane;
    static struct config config;
    struct sigaction action = {.sa_handler = on_signal};
    if (!a->check && !a->replay)
        log_to(STDOUT_FILENO);
    signal(SIGPIPE, SIG_IGN); // who reads the log may go away
    if (!config_load(&config, a->config, err))
        return false;
    if (a->check) {
        bool fits = dataplane_bill(&dataplane, &config, err);
        if (fits)
            printf("%s: good: %u lanes, %u ports, %u channels\n", a->config, config.lane_count,
                   config.port_count, config.channel_count);
        config_free(&config);
        return fits;
    }
    if (a->replay)
        return replay_run(&config, stdin, stdout, err); // the process ends with it
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    bool ok = dataplane_start(&dataplane, &config, &stop, err);
    if (ok) {
        log_info(LOG_READY,
                 LOG_FIELDS(LOG_NUMBER("lanes", config.lane_count),
                            LOG_TEXT("path", dataplane.region.path)),
                 "%u lanes on region %s", config.lane_count, dataplane.region.path);
        notify_ready();
        dataplane_loop(&dataplane, &stop);
        notify_stopping();
        log_info(LOG_STOPPING, NULL, "signal received");
        dataplane_stop(&dataplane);
    } else if (stop) { // asked for, so no failure; what it was about says why it took so long
        log_info(LOG_STOPPING, NULL, "signal received before READY: %s", err->text);
        ok = true;
    }
    config_free(&config);
    return ok;
}

int main(int argc, char **argv)
{
    struct error err = {0};
    struct arguments arguments = {0};
    if (arguments_parse(&arguments, argc, argv, &err) && (arguments.done || run(&arguments, &err)))
        return EXIT_OK;
    return log_end("tickgate-dataplane", &err);
}
