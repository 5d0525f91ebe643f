#include "bench/latency/options.h"

#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: tickgate-bench MODE [options]\n"
    "\n"
    "Modes:\n"
    "  spin   the jitter floor of a core: gaps between readings of the clock\n"
    "  feed   from the datagram to the books in this process, closed loop (the next packet starts\n"
    "         when the one before is done: what queues behind a pause is not in it)\n"
    "  lane   from a frame of market data to the frame with an order: a whole lane on the "
    "simulated\n"
    "         port, closed loop, with its stages\n"
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
    "  --silences N   lane: pauses of a second, the first order after each with practice orders "
    "and\n"
    "                 without (0)\n"
    "  --practice_us N  lane: time between two practice orders (100)\n"
    "  --uncounted    lane: do not count system calls (an emulator makes its own)\n"
    "  --strategies DIR  lane: where taker.so is (strategies/ beside this program)\n"
    "  --out DIR      write <mode>.hlog, <mode>.hgrm and result.json (HdrHistogram's formats)\n"
    "  --help         this text\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 usage.\n";

static const char *const modes[MODES] = {"spin", "feed", "lane"};

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
    X('d', practice_us, 1, 1000000, o->lane.practice_us) \
    X('n', noise, 0, 30, o->lane.noise)

static bool number(const char *text, double min, double max, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return *text && *end == 0 && *out >= min && *out <= max;
}

static bool option_take(struct bench_options *o, int letter, const char *value, struct error *err)
{
    double v;
    switch (letter) {
    case 'o': o->out = value; return true;
    case 'u': o->lane.uncounted = true; return true;
    case 't': o->lane.strategies = value; return true;
#define NUMBER_TAKE(character, name, least, most, place)                                      \
    case character:                                                                           \
        if (!number(value, least, most, &v))                                                  \
            return error_set(err, EXIT_USAGE, "--%s: '%s' is no number from %g to %g", #name, \
                             value, (double)(least), (double)(most));                         \
        (place) = (__typeof__(place))v;                                                       \
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

bool bench_options_read(struct bench_options *o, int argc, char **argv, struct error *err)
{
    static const struct option longs[] = {
#define NUMBER_LONG(character, name, least, most, place) {#name, 1, NULL, character},
        NUMBER_LIST(NUMBER_LONG)
#undef NUMBER_LONG
            {"uncounted", 0, NULL, 'u'},
        {"strategies", 1, NULL, 't'},
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
                 .noise = 8,
                 .practice_us = 100,
                 .strategies = strategies_beside_us()}};
    for (int letter; (letter = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (letter == 'h') {
            fputs(usage, stdout);
            exit(0);
        }
        if (!option_take(o, letter, optarg, err))
            return false;
    }
    o->lane.seed = o->feed.seed;
    o->lane.symbols = o->feed.symbols;
    o->lane.live = o->feed.live;
    for (int i = 0; i < MODES && optind + 1 == argc; i++)
        if (strcmp(argv[optind], modes[i]) == 0)
            o->mode = (enum bench_mode)i;
    return o->mode != MODES ||
           error_set(err, EXIT_USAGE, "name one mode: spin, feed or lane; see --help");
}
