// What a trip has shown, as text and as JSON.
#include <stdlib.h>
#include <string.h>

#include "bench/latency/trip.h"

static const char *const names[] = {
#define TRIP_FIGURE_NAME(upper, lower, what) #lower,
    TRIP_FIGURE_LIST(TRIP_FIGURE_NAME)};
static const char *const meanings[] = {
#define TRIP_FIGURE_MEANING(upper, lower, what) what,
    TRIP_FIGURE_LIST(TRIP_FIGURE_MEANING)};

static const char *const leg_names[] = {
#define TRIP_LEG_NAME(upper, lower, figure, what) #lower,
    TRIP_LEG_LIST(TRIP_LEG_NAME)};
static const char *const leg_whats[] = {
#define TRIP_LEG_WHAT(upper, lower, figure, what) what,
    TRIP_LEG_LIST(TRIP_LEG_WHAT)};
static const enum trip_figure leg_figures[] = {
#define TRIP_LEG_FIGURE(upper, lower, figure, what) TRIP_##figure,
    TRIP_LEG_LIST(TRIP_LEG_FIGURE)};

const char *trip_leg_name(enum trip_leg leg)
{
    return leg_names[leg];
}

const char *trip_leg_what(enum trip_leg leg)
{
    return leg_whats[leg];
}

enum trip_figure trip_leg_figure(enum trip_leg leg)
{
    return leg_figures[leg];
}

const char *trip_figure_name(enum trip_figure figure)
{
    return names[figure];
}

static const char *loop_of(const struct trip_options *o)
{
    static const char *const kinds[] = {"constant", "Poisson", "recorded"};
    return o->open ? kinds[o->schedule.kind] : "closed";
}

void trip_print(FILE *out, const struct trip_options *o, const struct trip_result *r)
{
    const struct quiet *q = &r->quiet;
    fprintf(out, "trip           %s; %s; %s loop", trip_leg_what(o->leg), trip_port_what(o->port),
            o->open ? "open" : "closed");
    if (o->open)
        fprintf(out, ", %s, %.0f a second; from when a frame was due", loop_of(o), r->rate);
    fprintf(
        out,
        "; %u rounds of each, %lu echoes in %.1f s, %lu trips in %.1f s; lost %lu and %lu; late "
        "%lu and %lu; practice every %u us\n",
        o->rounds, r->sent[0], (double)r->ns[0] / 1e9, r->sent[1], (double)r->ns[1] / 1e9,
        r->lost[0], r->lost[1], r->late[0], r->late[1], o->practice_us);
    fprintf(out, "%-18s %8s %8s %8s %9s %9s\n", "ns", "p50", "p90", "p99", "p99.9", "max");
    for (uint32_t f = 0; f < TRIP_FIGURES; f++) {
        const struct hdr *h = &r->figures[f];
        if (h->total)
            fprintf(out, "%-18s %8lu %8lu %8lu %9lu %9lu  %s\n", names[f], hdr_percentile(h, 50),
                    hdr_percentile(h, 90), hdr_percentile(h, 99), hdr_percentile(h, 99.9), h->max,
                    meanings[f]);
    }
    const struct hdr *echo = &r->figures[TRIP_ECHO], *whole = &r->figures[trip_leg_figure(o->leg)];
    fprintf(out, "over its echo      %8ld %8ld %8ld\n",
            (long)(hdr_percentile(whole, 50) - hdr_percentile(echo, 50)),
            (long)(hdr_percentile(whole, 90) - hdr_percentile(echo, 90)),
            (long)(hdr_percentile(whole, 99) - hdr_percentile(echo, 99)));
    fprintf(out,
            "lane's thread: system calls %s; page faults %lu; voluntary context switches %lu "
            "(preempted %lu times); %lu interrupts of its core\n",
            !q->calls_counted ? "not counted"
            : q->calls        ? "some"
                              : "0",
            q->faults, q->yields, q->preemptions, q->interrupts);
}

static int slower(const void *a, const void *b)
{
    const uint64_t left = trip_slow_ticks(a), right = trip_slow_ticks(b);
    return (left < right) - (left > right);
}

// A turn of the lane may have begun before the client's request was there.
static uint64_t since(const struct clock_calibration *cal, uint64_t from, uint64_t to)
{
    return to > from ? clock_ticks_to_ns(cal, to - from) : 0;
}

static void slow_write(FILE *out, const struct clock_calibration *cal, const struct trip_slow *slow)
{
    const struct trip_sample *s = &slow->sample;
    const struct kernel_counts *k = &slow->kernel;
    fprintf(out, "{\"whole\": %lu, \"sent\": %lu", since(cal, s->due, s->done),
            since(cal, s->due, s->sent));
    if (s->stamped)
        fprintf(out,
                ", \"stamped\": %lu, \"decide\": %lu, \"approved\": %lu, \"encoded\": %lu, "
                "\"handed\": %lu",
                since(cal, s->due, s->stamped), since(cal, s->due, s->stamped + s->decide),
                since(cal, s->due, s->stamped + s->gate),
                since(cal, s->due, s->stamped + s->encode),
                since(cal, s->due, s->stamped + s->handed));
    if (slow->window)
        fprintf(out,
                ",\n     \"kernel\": {\"window_ns\": %lu, \"interrupts\": %lu, "
                "\"page_faults\": %lu, \"voluntary_switches\": %lu, \"preemptions\": %lu, "
                "\"steal_ticks\": %lu}",
                clock_ticks_to_ns(cal, slow->window), k->interrupts, k->faults, k->yields,
                k->preemptions, k->steal_ticks);
    fputc('}', out);
}

// Sockets of the kernel have no driver.
static void ends_write(FILE *out, const struct trip_result *r)
{
    fprintf(out, "  \"hardware_time\": %s,\n  \"ends\": [",
            r->ends[0].hardware_time && r->ends[1].hardware_time ? "true" : "false");
    for (int i = 0; i < 2 && r->ends[i].driver[0]; i++)
        fprintf(out,
                "%s{\"end\": \"%s\", \"driver\": \"%s\", \"firmware\": \"%s\", "
                "\"speed_mbps\": %u}",
                i ? ", " : "", i ? "far" : "near", r->ends[i].driver, r->ends[i].firmware,
                r->ends[i].speed_mbps);
    fprintf(out, "],\n");
}

static void slowest_write(FILE *out, const struct trip_result *r)
{
    const struct clock_calibration cal = {.tsc_hz = r->tsc_hz};
    struct trip_slow s[TRIP_SLOWEST];
    memcpy(s, r->slowest, sizeof s);
    qsort(s, r->slowest_count, sizeof *s, slower);
    fprintf(out, "  \"slowest_ns\": [");
    for (uint32_t i = 0; i < r->slowest_count; i++) {
        fputs(i ? ",\n    " : "\n    ", out);
        slow_write(out, &cal, &s[i]);
    }
    fprintf(out, "],\n");
}

void trip_write(FILE *out, const struct trip_options *o, const struct trip_result *r)
{
    const struct quiet *q = &r->quiet;
    fprintf(out,
            "  \"port\": \"%s\", \"leg\": \"%s\", \"whole\": \"%s\", \"schedule\": \"%s\", "
            "\"rate\": %.1f, \"rounds\": %u, "
            "\"practice_us\": %u,\n  \"echoes\": %lu, \"echoes_lost\": %lu, \"echoes_late\": %lu, "
            "\"echoes_ns\": %lu,\n  \"orders\": %lu, \"orders_lost\": %lu, \"orders_late\": %lu, "
            "\"orders_ns\": %lu,\n",
            trip_port_name(o->port), leg_names[o->leg], names[leg_figures[o->leg]], loop_of(o),
            r->rate, o->rounds, o->practice_us, r->sent[0], r->lost[0], r->late[0], r->ns[0],
            r->sent[1], r->lost[1], r->late[1], r->ns[1]);
    fprintf(out,
            "  \"system_calls\": %s, \"page_faults\": %lu, \"voluntary_switches\": %lu, "
            "\"preemptions\": %lu, \"interrupts\": %lu,\n",
            !q->calls_counted ? "null"
            : q->calls        ? "true"
                              : "false",
            q->faults, q->yields, q->preemptions, q->interrupts);
    for (int orders = 0; orders < 2; orders++) {
        fprintf(out, "  \"%s\": [", orders ? "order_rounds_ns" : "echo_rounds_ns");
        for (uint32_t i = 0; i < r->round_count[orders]; i++)
            fprintf(out, "%s{\"p50\": %lu, \"p99\": %lu}", i ? ", " : "", r->rounds[orders][i].p50,
                    r->rounds[orders][i].p99);
        fprintf(out, "],\n");
    }
    ends_write(out, r);
    slowest_write(out, r);
    fprintf(out, "  \"figures_ns\": {");
    for (uint32_t f = 0; f < TRIP_FIGURES; f++)
        if (r->figures[f].total)
            hdr_write_json(&r->figures[f], out, names[f], f ? "," : "");
    fprintf(out, "\n  }\n");
}
