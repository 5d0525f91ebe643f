// tickgate-bench: how long things take, with the machine's own pauses beside every figure.
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/latency/compare.h"
#include "bench/latency/cores.h"
#include "bench/latency/grain.h"
#include "bench/latency/lane.h"
#include "bench/latency/options.h"

// What one run has measured.
struct results {
    struct jitter jitter;
    struct feed_result feed;
    struct lane_result lane;
    struct trip_result trip;
    struct cores_result cores;
    struct hdr *whole; // the mode's figure
    uint64_t ns;       // how long that took
};

// <core> < 0: any.
static bool core_take(const char *option, long core, struct error *err)
{
    static cpu_set_t all;
    cpu_set_t set;
    if (CPU_COUNT(&all) == 0)
        sched_getaffinity(0, sizeof all, &all);
    if (core < 0)
        return sched_setaffinity(0, sizeof all, &all) == 0;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ||
           error_set(err, EXIT_FAILED, "--%s: core %ld does not exist or is not ours to use",
                     option, core);
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

static void feed_write(FILE *out, const struct feed_options *o, const struct hdr *h,
                       const struct feed_result *r)
{
    fprintf(out,
            "  \"seed\": %lu, \"symbols\": %u, \"live_orders\": %u, \"packets\": %lu, "
            "\"messages\": %lu, \"ns_per_message\": %.2f,\n  \"figures_ns\": {",
            o->seed, o->symbols, r->orders_live, r->packets, r->messages,
            h->sum / (double)r->messages);
    hdr_write_json(h, out, "packet", "");
    fprintf(out, "\n  }\n");
}

static void string_write(FILE *out, const char *text, size_t len)
{
    fputc('"', out);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            fputc('\\', out);
        if ((unsigned char)text[i] >= ' ')
            fputc(text[i], out);
    }
    fputc('"', out);
}

// What was asked for, with its hash: results with the same one are of the same measurement.
static void arguments_write(FILE *out, const struct bench_options *o)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325); // FNV-1a
    fprintf(out, ",\n  \"arguments\": [");
    for (int i = 1; i < o->argc; i++) {
        fputs(i > 1 ? ", " : "", out);
        string_write(out, o->argv[i], strlen(o->argv[i]));
        // Where results go is no part of the configuration.
        for (const char *c = o->argv[i]; strcmp(o->argv[i - 1], "--out") != 0 && *c; c++)
            hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001B3);
    }
    fprintf(out, "], \"configuration_hash\": \"%016lx\"", hash);
}

static void distortions_write(FILE *out, const struct bench_options *o, uint64_t step_ns)
{
    char *text = NULL;
    size_t len;
    FILE *lines = open_memstream(&text, &len);
    fprintf(out, ",\n  \"distortions\": [");
    if (lines) {
        environment_warn(lines, sched_getcpu(), o->first, step_ns);
        fclose(lines);
        for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
            fputs(line == text ? "" : ", ", out);
            string_write(out, line, (size_t)(end - line));
        }
        free(text);
    }
    fprintf(out, "]");
}

static void result_write(FILE *out, const struct bench_options *o, const struct results *r)
{
    const struct jitter *j = &r->jitter;
    fprintf(out, "{\n  \"mode\": \"%s\",\n  \"loop\": \"%s\",\n  \"environment\": ",
            bench_mode_name(o->mode), o->mode == MODE_TRIP && o->trip.open ? "open" : "closed");
    environment_write(out, "  ");
    arguments_write(out, o);
    distortions_write(out, o, j->step_ns);
    fprintf(out,
            ",\n  \"jitter\": {\"ns\": %lu, \"above_1us\": %lu, \"above_10us\": %lu, "
            "\"above_100us\": %lu, \"max_ns\": %lu, \"lost_ns\": %lu, "
            "\"clock_step_ns\": %lu},\n",
            j->ns, j->above_1us, j->above_10us, j->above_100us, j->max_ns, j->lost_ns, j->step_ns);
    if (o->mode == MODE_FEED)
        feed_write(out, &o->feed, r->whole, &r->feed);
    else if (o->mode == MODE_TRIP)
        trip_write(out, &o->trip, &r->trip);
    else if (o->mode == MODE_CORES)
        cores_write(out, &r->cores);
    else
        lane_write(out, &o->lane, &r->lane);
    fprintf(out, "}\n");
}

static FILE *file_open(const struct bench_options *o, const char *name, const char *ending,
                       struct error *err)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s%s", o->out, name, ending);
    FILE *file = fopen(path, "w");
    if (file)
        printf("written        %s\n", path);
    else
        error_set(err, EXIT_FAILED, "--out: %s cannot be written", path);
    return file;
}

// One histogram in both of HdrHistogram's formats.
static bool histogram_write(const struct bench_options *o, const char *name, const struct hdr *h,
                            uint64_t ns, struct error *err)
{
    FILE *log = file_open(o, name, ".hlog", err);
    FILE *percentiles = log ? file_open(o, name, ".hgrm", err) : NULL;
    if (percentiles == NULL)
        return false;
    bool ok = hdr_write_log(h, log, (double)clock_utc_ns() / 1e9, (double)ns / 1e9);
    hdr_write_percentiles(h, percentiles, 1);
    ok &= fclose(log) == 0;
    ok &= fclose(percentiles) == 0;
    return ok || error_set(err, EXIT_FAILED, "--out: %s/%s.* cannot be written", o->out, name);
}

static bool files_write(const struct bench_options *o, const struct results *r, struct error *err)
{
    if (o->out == NULL)
        return true;
    bool ok = true;
    if (r->whole)
        ok = histogram_write(o, bench_mode_name(o->mode), r->whole, r->ns, err);
    for (uint32_t f = 0; o->mode == MODE_CORES && ok && f < CORES_FIGURES; f++)
        ok = histogram_write(o, cores_figure_name((enum cores_figure)f), &r->cores.figures[f],
                             r->cores.ns, err);
    for (uint32_t f = 0; o->mode == MODE_TRIP && ok && f < TRIP_FIGURES; f++)
        if (r->trip.figures[f].total)
            ok = histogram_write(o, trip_figure_name((enum trip_figure)f), &r->trip.figures[f],
                                 r->trip.ns[f != TRIP_ECHO], err);
    FILE *result = ok ? file_open(o, "result", ".json", err) : NULL;
    if (result == NULL)
        return false;
    result_write(result, o, r);
    return fclose(result) == 0 ||
           error_set(err, EXIT_FAILED, "--out: %s/result.json cannot be written", o->out);
}

// Before minutes of measuring.
static bool out_check(const struct bench_options *o, struct error *err)
{
    if (o->out == NULL)
        return true;
    const bool there = mkdir(o->out, 0755) == 0 || errno == EEXIST;
    return (there && access(o->out, W_OK | X_OK) == 0) ||
           error_set(err, EXIT_FAILED, "--out: %s: %s", o->out, strerror(errno));
}

static bool trip_run(const struct bench_options *o, struct results *r, struct error *err)
{
    // The threads take their cores themselves.
    if (!core_take("core", -1, err) || !trip_measure(&o->trip, &o->lane, &r->trip, err))
        return false;
    trip_print(stdout, &o->trip, &r->trip);
    return true;
}

static bool run(const struct bench_options *o, struct error *err)
{
    static struct hdr packets;
    static struct results r;
    struct clock_calibration cal;
    const bool two = o->mode == MODE_TRIP || o->mode == MODE_CORES;
    if (!out_check(o, err) || (two && !core_take("far_core", o->trip.far_core, err)) ||
        !core_take("core", two ? o->trip.near_core : o->core, err))
        return false;
    clock_calibrate(&cal, 100);
    environment_warn(stderr, sched_getcpu(), o->first, clock_step_ns(&cal));
    jitter_look(&r.jitter, &cal, o->seconds);
    jitter_print(&r.jitter, stdout);
    switch (o->mode) {
    case MODE_FEED:
        hdr_reset(&packets);
        if (!feed_measure(&o->feed, &cal, &packets, &r.feed, err))
            return false;
        feed_print(stdout, &packets, &r.feed);
        r.whole = &packets;
        r.ns = r.feed.ns;
        break;
    case MODE_LANE:
        if (!lane_measure(&o->lane, o->warm, &r.lane, err))
            return false;
        lane_print(stdout, &o->lane, &r.lane);
        r.whole = &r.lane.figures[LANE_FIGURE_OUT];
        r.ns = r.lane.ns;
        break;
    case MODE_TRIP:
        if (!trip_run(o, &r, err))
            return false;
        break;
    case MODE_CORES:
        if (!core_take("core", -1, err) ||
            !cores_measure(o->trip.near_core, o->trip.far_core, o->trip.seconds, &r.cores, err))
            return false;
        cores_print(stdout, &r.cores);
        break;
    default: return true;
    }
    return files_write(o, &r, err);
}

int main(int argc, char **argv)
{
    struct bench_options o;
    struct error err = {0};
    const bool compares = argc > 1 && strcmp(argv[1], "compare") == 0;
    if (compares && argc != 4)
        error_set(&err, EXIT_USAGE, "compare: name two directories that --out has written");
    else if (compares && compare_run(argv[2], argv[3], &err))
        return 0;
    if (err.code == 0 && bench_options_read(&o, argc, argv, &err) && run(&o, &err))
        return 0;
    fprintf(stderr, "tickgate-bench: %s\n", err.text);
    return (int)err.code;
}
