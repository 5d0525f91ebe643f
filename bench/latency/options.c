#include "bench/latency/options.h"

#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: tickgate-bench MODE [options]\n"
    "       tickgate-bench compare A B    two directories that --out has written: what differs by "
    "more\n"
    "                                     than the rounds of each, and in what machines differ\n"
    "\n"
    "Modes:\n"
    "  spin   the jitter floor of a core: gaps between readings of the clock\n"
    "  feed   from the datagram to the books in this process, closed loop (the next packet starts\n"
    "         when the one before is done: what queues behind a pause is not in it)\n"
    "  lane   from a frame of market data to the frame with an order: a whole lane on the "
    "simulated\n"
    "         port, closed loop, with its stages\n"
    "  trip   the same through a port, between two cores, beside an echo over the same port\n"
    "  cores  what two cores cost each other: a line of memory handed over and back, a thread "
    "woken\n"
    "\n"
    "  --core N       run on this core (any)\n"
    "  --seconds S    length of the jitter floor (1)\n"
    "  --seed N       of the generated day (1)\n"
    "  --symbols N    (8000)\n"
    "  --live N       resting orders (200000)\n"
    "  --messages N   feed: measured, after the opening book (2000000)\n"
    "  --pack N       feed: messages in a packet; 0: as many as fit (0)\n"
    "  --orders N     lane: measured (500000)\n"
    "  --warm N       lane: orders before them (20000)\n"
    "  --noise N      lane: messages of other symbols between two orders (8)\n"
    "  --control N    lane: 0 the events are taken away (the default), 1 not any more, 2 never; "
    "the "
    "last\n"
    "                 two take 10000 orders at most\n"
    "  --instances N  lane, trip: of the strategy, each with an account and its part of the "
    "symbols (1)\n"
    "  --clients N    lane, trip: of the gateway, attached (0; --leg client: 1)\n"
    "  --silences N   lane: pauses of a second, the first order after each with practice orders "
    "and\n"
    "                 without (0)\n"
    "  --practice_us N  lane: time between two practice orders (100)\n"
    "  --port NAME    trip: memif, vhost, ring, af_packet, af_xdp, physical, spinning, blocking, "
    "asleep\n"
    "                 (memif);\n"
    "                 the last three are sockets of the kernel: the same logic without the bypass\n"
    "  --leg NAME     trip: tick (frame in, order out), feed (frame in, best price in shared "
    "memory),\n"
    "                 client (order of a client of the gateway in, frame out) (tick)\n"
    "  --far_netns NAME  trip: namespace of the exchange's sockets (bench/latency/veth.sh)\n"
    "  --near IF, --far IF  trip: both ends of a veth pair, the lane's and the exchange's; or two "
    "PCI\n"
    "                 addresses of cards that are cabled to each other\n"
    "  --far_core N   trip, cores: the exchange's core (0); the lane's is --core (1)\n"
    "  --rate N       trip: open loop at so many a second; latency counts from when a frame is "
    "due\n"
    "  --poisson      trip: open loop with random gaps\n"
    "  --recording FILE  trip: open loop with the timing of a pcap or BinaryFILE, its busiest "
    "stretch\n"
    "  --speed X      trip: the recording X times as fast (1)\n"
    "  --round_s S    trip: length of a round; cores: of a figure (1)\n"
    "  --rounds N     trip: echo and orders in turn so often (3)\n"
    "  --pause_us N   trip: closed loop, between an answer and the next frame (20)\n"
    "  --first        feed, lane: measure with a real-time priority, as trip and cores always do "
    "where\n"
    "                 that is allowed\n"
    "  --uncounted    lane: do not count system calls (an emulator makes its own)\n"
    "  --strategies DIR  lane: where taker.so is (strategies/ beside this program)\n"
    "  --region NAME  lane: a region of that name, whose events a control plane takes; the lane "
    "waits\n"
    "                 for it between two orders where it is behind\n"
    "  --durable      lane: orders leave when the journal has their record; with --region\n"
    "  --capture      lane, trip: with a capture, as a dataplane has one by default\n"
    "  --out DIR      write <mode>.hlog, <mode>.hgrm and result.json (HdrHistogram's formats)\n"
    "  --help         this text\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 usage.\n";

enum { UNTAKEN_ORDERS = 12000 }; // their events fill a ring that nobody empties

static const char *const modes[MODES] = {"spin", "feed", "lane", "trip", "cores"};

const char *bench_mode_name(enum bench_mode mode)
{
    return modes[mode];
}

// OPTION(letter, name, least, most, place)
#define NUMBER_LIST(X)                                   \
    X('c', core, 0, 1023, o->core)                       \
    X('s', seconds, 0.01, 600, o->seconds)               \
    X('e', seed, 1, 1e15, o->feed.seed)                  \
    X('y', symbols, 1, 60000, o->feed.symbols)           \
    X('l', live, 100, 2000000, o->feed.live)             \
    X('m', messages, 1000, 100000000, o->feed.messages)  \
    X('p', pack, 0, 65534, o->feed.messages_a_packet)    \
    X('r', orders, 100, 10000000, o->lane.orders)        \
    X('w', warm, 0, 10000000, o->warm)                   \
    X('i', silences, 0, 1000, o->lane.silences)          \
    X('d', practice_us, 0, 1000000, o->lane.practice_us) \
    X('n', noise, 0, 30, o->lane.noise)                  \
    X('A', control, 0, 2, o->lane.control)               \
    X('a', instances, 1, 32, o->lane.instances)          \
    X('C', clients, 0, 32, o->lane.clients)              \
    X('F', far_core, 0, 1023, o->trip.far_core)          \
    X('R', rate, 1, 10000000, o->trip.schedule.rate)     \
    X('S', speed, 0.001, 1000, o->trip.schedule.speed)   \
    X('D', round_s, 0.01, 3600, o->trip.seconds)         \
    X('N', rounds, 1, TRIP_ROUNDS_MAX, o->trip.rounds)   \
    X('P', pause_us, 0, 1000000, o->trip.pause_us)

static bool number(const char *text, double min, double max, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return *text && *end == 0 && *out >= min && *out <= max;
}

static bool port_take(struct bench_options *o, const char *name, struct error *err)
{
    for (int i = 0; i < TRIP_PORTS; i++)
        if (strcmp(name, trip_port_name((enum trip_port)i)) == 0) {
            o->trip.port = (enum trip_port)i;
            return true;
        }
    return error_set(err, EXIT_USAGE, "--port: '%s' is none; see --help", name);
}

static bool leg_take(struct bench_options *o, const char *name, struct error *err)
{
    for (int i = 0; i < TRIP_LEGS; i++)
        if (strcmp(name, trip_leg_name((enum trip_leg)i)) == 0) {
            o->trip.leg = (enum trip_leg)i;
            return true;
        }
    return error_set(err, EXIT_USAGE, "--leg: '%s' is none; see --help", name);
}

static bool option_take(struct bench_options *o, int letter, const char *value, struct error *err)
{
    double v;
    switch (letter) {
    case 'o': o->out = value; return true;
    case 'u': o->lane.uncounted = true; return true;
    case 'U': o->lane.durable = true; return true;
    case 'x': o->lane.capture = true; return true;
    case 't': o->lane.strategies = value; return true;
    case 'g': o->lane.region = value; return true;
    case 'I': o->trip.near = value; return true;
    case 'K': o->trip.netns = value; return true;
    case 'J': o->trip.far = value; return true;
    case 'Q': o->trip.schedule.kind = SCHEDULE_POISSON; return true;
    case 'G': o->trip.schedule.file = value; return true;
    case 'f': o->first = true; return true;
    case 'T': return port_take(o, value, err);
    case 'L': return leg_take(o, value, err);
#define NUMBER_TAKE(character, name, least, most, place)                                      \
    case character:                                                                           \
        if (!number(value, least, most, &v))                                                  \
            return error_set(err, EXIT_USAGE, "--%s: '%s' is no number from %g to %g", #name, \
                             value, (double)(least), (double)(most));                         \
        (place) = (__typeof__(place))v;                                                       \
        if ((double)(place) < v)                                                              \
            return error_set(err, EXIT_USAGE, "--%s: '%s' is no whole number", #name, value); \
        return true;
        NUMBER_LIST(NUMBER_TAKE)
#undef NUMBER_TAKE
    default: return error_set(err, EXIT_USAGE, "see --help");
    }
}

static const char *strategies_beside_us(void)
{
    static char path[512];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - sizeof "/strategies");
    path[n > 0 ? n : 0] = 0;
    dirname(path); // cuts in place: the path has a slash
    return strcat(path, "/strategies");
}

// What each option allows, and all together do not.
static bool options_fit(const struct bench_options *o, struct error *err)
{
    const bool trades = o->mode == MODE_LANE || o->mode == MODE_TRIP;
    const struct schedule_options *s = &o->trip.schedule;
    if (o->lane.durable && o->lane.region == NULL)
        return error_set(err, EXIT_USAGE, "--durable: name the --region of a control plane, too");
    if (o->lane.region && (*o->lane.region == 0 || strchr(o->lane.region, '/')))
        return error_set(err, EXIT_USAGE, "--region: '%s' is no name of a region", o->lane.region);
    if (trades && o->lane.symbols <= LANE_WATCHED)
        return error_set(err, EXIT_USAGE,
                         "--symbols: %u is too few: %d are traded, and the resting orders are of "
                         "others",
                         o->lane.symbols, LANE_WATCHED);
    if (o->mode == MODE_LANE && o->lane.control != LANE_CONTROL_ALIVE &&
        o->lane.orders + o->warm > UNTAKEN_ORDERS)
        return error_set(err, EXIT_USAGE,
                         "--control: nobody takes the events, and there is room for those of %d "
                         "orders; take fewer --orders and --warm",
                         UNTAKEN_ORDERS);
    if (s->file && (s->rate > 0 || s->kind == SCHEDULE_POISSON))
        return error_set(err, EXIT_USAGE,
                         "--recording: it has its own times; leave --rate and --poisson out");
    if (s->kind == SCHEDULE_POISSON && s->rate <= 0)
        return error_set(err, EXIT_USAGE, "--poisson: name the --rate, too");
    return (o->mode != MODE_TRIP && o->mode != MODE_CORES) ||
           o->trip.near_core != o->trip.far_core ||
           error_set(err, EXIT_USAGE, "--core, --far_core: name two cores, not %ld twice",
                     o->trip.far_core);
}

bool bench_options_read(struct bench_options *o, int argc, char **argv, struct error *err)
{
    static const struct option longs[] = {
#define NUMBER_LONG(character, name, least, most, place) {#name, 1, NULL, character},
        NUMBER_LIST(NUMBER_LONG)
#undef NUMBER_LONG
            {"uncounted", 0, NULL, 'u'},
        {"durable", 0, NULL, 'U'},
        {"capture", 0, NULL, 'x'},
        {"first", 0, NULL, 'f'},
        {"port", 1, NULL, 'T'},
        {"leg", 1, NULL, 'L'},
        {"near", 1, NULL, 'I'},
        {"far", 1, NULL, 'J'},
        {"far_netns", 1, NULL, 'K'},
        {"poisson", 0, NULL, 'Q'},
        {"recording", 1, NULL, 'G'},
        {"strategies", 1, NULL, 't'},
        {"region", 1, NULL, 'g'},
        {"out", 1, NULL, 'o'},
        {"help", 0, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    *o = (struct bench_options){
        .mode = MODES,
        .seconds = 1,
        .core = -1,
        .warm = 20000,
        .feed = {.seed = 1, .symbols = 8000, .live = 200000, .messages = 2000000},
        .lane = {.orders = 500000,
                 .instances = 1,
                 .noise = 8,
                 .practice_us = 100,
                 .strategies = strategies_beside_us()},
        .trip = {.seconds = 1, .rounds = 3, .pause_us = 20, .schedule = {.seed = 1, .speed = 1}}};
    for (int letter; (letter = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (letter == 'h') {
            fputs(usage, stdout);
            exit(0);
        }
        if (!option_take(o, letter, optarg, err))
            return false;
    }
    o->argc = argc;
    o->argv = argv;
    o->lane.first = o->feed.first = o->first;
    o->lane.seed = o->feed.seed;
    o->lane.symbols = o->feed.symbols;
    o->lane.live = o->feed.live;
    o->trip.near_core = o->core >= 0 ? o->core : 1;
    o->trip.practice_us = o->lane.practice_us;
    o->trip.open = o->trip.schedule.rate > 0 || o->trip.schedule.file;
    o->trip.schedule.seconds = o->trip.seconds;
    o->trip.schedule.seed = o->feed.seed;
    for (int i = 0; i < MODES && optind + 1 == argc; i++)
        if (strcmp(argv[optind], modes[i]) == 0)
            o->mode = (enum bench_mode)i;
    if (o->mode == MODES)
        return error_set(err, EXIT_USAGE,
                         "name one mode: spin, feed, lane, trip or cores; see --help");
    if (!options_fit(o, err))
        return false;
    if (o->trip.schedule.file)
        o->trip.schedule.kind = SCHEDULE_RECORDED;
    o->first |= o->mode == MODE_TRIP || o->mode == MODE_CORES;
    return true;
}
