// tickgate-bench: how long things take, with the machine's own pauses beside every figure.
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/latency/measure.h"

static const char usage[] =
    "usage: tickgate-bench MODE [options]\n"
    "\n"
    "Modes:\n"
    "  spin   the jitter floor of a core: gaps between readings of the clock\n"
    "  feed   from the datagram to the books in this process, closed loop (the next packet starts\n"
    "         when the one before is done: what queues behind a pause is not in it)\n"
    "\n"
    "  --core N       run on this core (any)\n"
    "  --seconds S    length of the jitter floor (1)\n"
    "  --seed N       of the generated day (1)\n"
    "  --symbols N    (8000)\n"
    "  --live N       resting orders (200000)\n"
    "  --messages N   measured, after the opening book (2000000)\n"
    "  --pack N       messages in a packet; 0: as many as fit (0)\n"
    "  --out DIR      write feed.hlog, feed.hgrm and result.json (HdrHistogram's formats)\n"
    "  --help         this text\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 usage.\n";

struct options {
    const char *mode;
    bool spin; // the other mode: feed
    const char *out;
    double seconds;
    long core;
    struct feed_options feed;
};

static bool number(const char *text, double min, double max, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return *text && *end == 0 && *out >= min && *out <= max;
}

static bool option_take(struct options *o, int letter, const char *value, struct error *err)
{
    static const struct {
        char letter;
        const char *name;
        double min, max;
    } limits[] = {{'c', "core", 0, 1023},      {'s', "seconds", 0.01, 600},
                  {'e', "seed", 1, 1e15},      {'y', "symbols", 1, 60000},
                  {'l', "live", 100, 2000000}, {'m', "messages", 1000, 100000000},
                  {'p', "pack", 0, 65534}};
    double v = 0;
    if (letter == 'o') {
        o->out = value;
        return true;
    }
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (limits[i].letter == letter && !number(value, limits[i].min, limits[i].max, &v))
            return error_set(err, EXIT_USAGE, "--%s: '%s' is no number from %g to %g",
                             limits[i].name, value, limits[i].min, limits[i].max);
    switch (letter) {
    case 'c': o->core = (long)v; break;
    case 's': o->seconds = v; break;
    case 'e': o->feed.seed = (uint64_t)v; break;
    case 'y': o->feed.symbols = (uint32_t)v; break;
    case 'l': o->feed.live = (uint32_t)v; break;
    case 'm': o->feed.messages = (uint64_t)v; break;
    default: o->feed.messages_a_packet = (uint32_t)v; break;
    }
    return true;
}

static bool options_read(struct options *o, int argc, char **argv, struct error *err)
{
    static const struct option longs[] = {{"core", 1, NULL, 'c'}, {"seconds", 1, NULL, 's'},
                                          {"seed", 1, NULL, 'e'}, {"symbols", 1, NULL, 'y'},
                                          {"live", 1, NULL, 'l'}, {"messages", 1, NULL, 'm'},
                                          {"pack", 1, NULL, 'p'}, {"out", 1, NULL, 'o'},
                                          {"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0}};
    *o =
        (struct options){.seconds = 1,
                         .core = -1,
                         .feed = {.seed = 1, .symbols = 8000, .live = 200000, .messages = 2000000}};
    for (int letter; (letter = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (letter == 'h') {
            fputs(usage, stdout);
            exit(0);
        }
        if (letter == '?')
            return error_set(err, EXIT_USAGE, "see --help");
        if (!option_take(o, letter, optarg, err))
            return false;
    }
    o->mode = optind + 1 == argc && argv[optind] ? argv[optind] : "";
    o->spin = strcmp(o->mode, "spin") == 0;
    if (!o->spin && strcmp(o->mode, "feed") != 0)
        return error_set(err, EXIT_USAGE, "name one mode, spin or feed; see --help");
    return true;
}

static bool core_take(long core, struct error *err)
{
    cpu_set_t set;
    if (core < 0)
        return true;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ||
           error_set(err, EXIT_FAILED, "--core: core %ld does not exist or is not ours to use",
                     core);
}

static void feed_print(FILE *out, const struct hdr *h, const struct feed_result *r)
{
    fprintf(out,
            "feed           closed loop, %lu packets, %lu messages, %u live orders, %.1f %% "
            "change a best price\n",
            r->packets, r->messages, r->orders_live,
            100.0 * (double)r->best_changes / (double)r->messages);
    fprintf(out,
            "per packet     p50 %lu ns, p90 %lu ns, p99 %lu ns, p99.9 %lu ns, max %lu ns, above "
            "2.75 us %.3f %%\n",
            hdr_percentile(h, 50), hdr_percentile(h, 90), hdr_percentile(h, 99),
            hdr_percentile(h, 99.9), h->max, 100.0 * (double)hdr_above(h, 2750) / (double)h->total);
    fprintf(out, "per message    %.1f ns (mean, %.2f M a second)\n", h->sum / (double)r->messages,
            (double)r->messages * 1e3 / h->sum);
}

static void result_write(FILE *out, const struct options *o, const struct hdr *h,
                         const struct feed_result *r, const struct jitter *j)
{
    fprintf(out, "{\n  \"mode\": \"feed\",\n  \"loop\": \"closed\",\n  \"environment\": ");
    environment_write(out, "  ");
    fprintf(out,
            ",\n  \"jitter\": {\"ns\": %lu, \"above_1us\": %lu, \"above_10us\": %lu, "
            "\"above_100us\": %lu, \"max_ns\": %lu, \"lost_ns\": %lu},\n",
            j->ns, j->above_1us, j->above_10us, j->above_100us, j->max_ns, j->lost_ns);
    fprintf(out,
            "  \"seed\": %lu, \"symbols\": %u, \"live_orders\": %u, \"packets\": %lu, "
            "\"messages\": %lu, \"ns_per_message\": %.2f,\n",
            o->feed.seed, o->feed.symbols, r->orders_live, r->packets, r->messages,
            h->sum / (double)r->messages);
    fprintf(out,
            "  \"packet_ns\": {\"p50\": %lu, \"p90\": %lu, \"p99\": %lu, \"p999\": %lu, \"max\": "
            "%lu, \"above_2750\": %lu}\n}\n",
            hdr_percentile(h, 50), hdr_percentile(h, 90), hdr_percentile(h, 99),
            hdr_percentile(h, 99.9), h->max, hdr_above(h, 2750));
}

static bool files_write(const struct options *o, const struct hdr *h, const struct feed_result *r,
                        const struct jitter *j, struct error *err)
{
    static const char *const names[] = {"feed.hlog", "feed.hgrm", "result.json"};
    if (o->out == NULL)
        return true;
    mkdir(o->out, 0755);
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", o->out, names[i]);
        FILE *file = fopen(path, "w");
        if (file == NULL)
            return error_set(err, EXIT_FAILED, "--out: %s cannot be written", path);
        bool ok = true;
        if (i == 0)
            ok = hdr_write_log(h, file, (double)clock_utc_ns() / 1e9, (double)r->ns / 1e9);
        else if (i == 1)
            hdr_write_percentiles(h, file, 1);
        else
            result_write(file, o, h, r, j);
        if (fclose(file) != 0 || !ok)
            return error_set(err, EXIT_FAILED, "--out: %s cannot be written", path);
        printf("written        %s\n", path);
    }
    return true;
}

static bool run(const struct options *o, struct error *err)
{
    static struct hdr h;
    struct clock_calibration cal;
    struct feed_result result;
    struct jitter j;
    if (!core_take(o->core, err))
        return false;
    clock_calibrate(&cal, 100);
    environment_warn(stderr, sched_getcpu());
    jitter_look(&j, &cal, o->seconds);
    jitter_print(&j, stdout);
    if (o->spin)
        return true;
    hdr_reset(&h);
    if (!feed_measure(&o->feed, &cal, &h, &result, err))
        return false;
    feed_print(stdout, &h, &result);
    return files_write(o, &h, &result, &j, err);
}

int main(int argc, char **argv)
{
    struct options o;
    struct error err = {0};
    if (options_read(&o, argc, argv, &err) && run(&o, &err))
        return 0;
    fprintf(stderr, "tickgate-bench: %s\n", err.text);
    return (int)err.code;
}
