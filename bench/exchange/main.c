// tickgate-exchange: a simulated exchange (docs/exchange.md).
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bench/exchange/exchange.h"
#include "bench/exchange/trade/gate.h"

static volatile int stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static int failed(const struct error *err)
{
    fprintf(stderr, "tickgate-exchange: %s\n", err->text);
    return (int)err->code;
}

static void signals_set(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL); // a peer that goes away is an answer, not a reason to die
}

static bool day_write(const struct options *o, struct error *err)
{
    struct source source;
    uint64_t messages = 0;
    bool generated = strcmp(o->source, "generate") == 0;
    if (!(generated ? source_generate_open(&source, &o->generator, err)
                    : source_file_open(&source, o->source, o->filter, err)))
        return false;
    bool written =
        source.kind == SOURCE_MESSAGES
            ? feeder_write(&source, o->write, &messages, err)
            : error_set(err, EXIT_USAGE,
                        "--write: works on a generated day or a BinaryFILE, not on a capture");
    if (source.warning[0])
        fprintf(stderr, "tickgate-exchange: %s\n", source.warning);
    source_close(&source);
    if (written)
        printf("%s: %llu messages\n", o->write, (unsigned long long)messages);
    return written;
}

// Only the sending thread, and only once the threads of the services run: they are to stay off its
// core.
static bool core_pin(const struct options *o, struct error *err)
{
    if (o->link.core < 0)
        return true;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)o->link.core, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ||
           error_set(err, EXIT_USAGE,
                     "--core %d: no such core, or not for this process; see `taskset -p $$`",
                     o->link.core);
}

// Here, so that everything but the program itself is free of DPDK and lwIP.
static bool port_open(struct link *l, const struct link_options *o, struct error *err)
{
    if (!link_dpdk_open(l, o, err))
        return false;
    l->gate_open = gate_lwip_open;
    return true;
}

static bool run(const struct options *o, struct error *err)
{
    static struct exchange x;
    bool done =
        exchange_open(&x, o, port_open, err) && core_pin(o, err) && exchange_run(&x, &stop, err);
    if (x.warning[0])
        fprintf(stderr, "tickgate-exchange: %s\n", x.warning);
    // What was sent is worth knowing after a failure too.
    if (x.start_ns) {
        bool json_on_stdout = o->summary_json && strcmp(o->summary_json, "-") == 0;
        if (!json_on_stdout)
            summary_print(&x);
        if (o->summary_json)
            done &= summary_json(&x, o->summary_json, err);
    }
    exchange_close(&x);
    return done;
}

int main(int argc, char **argv)
{
    struct options options;
    struct error err = {0};
    options_defaults(&options);
    if (!options_parse(&options, argc, argv, &err))
        return failed(&err);
    if (options.help)
        return options_help(stdout), EXIT_OK;
    if (options.version)
        return printf("tickgate-exchange %s\n", TICKGATE_VERSION), EXIT_OK;
    signals_set();
    return (options.write ? day_write(&options, &err) : run(&options, &err)) ? EXIT_OK
                                                                             : failed(&err);
}
