#include "bench/latency/compare.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// Least and largest of a figure over the rounds of a result.
struct span {
    double low, high, middle;
};

static json_t *result_read(const char *folder, struct error *err)
{
    char path[512];
    json_error_t why;
    snprintf(path, sizeof path, "%s/result.json", folder);
    json_t *result = json_load_file(path, 0, &why);
    if (json_is_object(json_object_get(result, "figures_ns")))
        return result;
    error_set(err, EXIT_FAILED, "%s: %s; name directories that --out has written", path,
              result ? "no result of a measurement" : why.text);
    json_decref(result);
    return NULL;
}

// Rounds where there are some; else the figure alone, and a tenth of it for noise, which is what
// runs of a quiet machine differ by. A step of the clock more either way.
static bool span_read(const json_t *result, const char *figure, const char *percentile,
                      struct span *out)
{
    const json_t *whole =
        json_object_get(json_object_get(json_object_get(result, "figures_ns"), figure), percentile);
    if (!json_is_number(whole))
        return false;
    out->middle = json_number_value(whole);
    out->low = out->middle * 0.95;
    out->high = out->middle * 1.05;
    const json_t *rounds = strcmp(figure, "tick_to_order") == 0
                               ? json_object_get(result, "order_rounds_ns")
                           : strcmp(figure, "echo") == 0 ? json_object_get(result, "echo_rounds_ns")
                                                         : NULL;
    for (size_t i = 0; i < json_array_size(rounds); i++) {
        const double value =
            json_number_value(json_object_get(json_array_get(rounds, i), percentile));
        out->low = value < out->low ? value : out->low;
        out->high = value > out->high ? value : out->high;
    }
    const json_t *jitter = json_object_get(result, "jitter");
    const double step = json_number_value(json_object_get(jitter, "clock_step_ns"));
    out->low -= step;
    out->high += step;
    return true;
}

static void text_compare(const json_t *a, const json_t *b, const char *name)
{
    const char *left = json_string_value(json_object_get(a, name));
    const char *right = json_string_value(json_object_get(b, name));
    if (left && right && strcmp(left, right) != 0)
        printf("%s differs: '%s', '%s'\n", name, left, right);
}

static void figure_print(const char *figure, const char *percentile, const struct span *a,
                         const struct span *b)
{
    const char *verdict = b->low > a->high   ? "slower"
                          : b->high < a->low ? "faster"
                                             : "within noise";
    char change[32] = "";
    if (a->middle > 0)
        snprintf(change, sizeof change, "%+.1f %%", 100.0 * (b->middle / a->middle - 1));
    printf("%-20s %-4s %10.0f %10.0f %10s  %s\n", figure, percentile, a->middle, b->middle, change,
           verdict);
}

// How many both have.
static uint32_t figures_compare(const json_t *a, const json_t *b)
{
    static const char *const percentiles[] = {"p50", "p99"};
    const char *figure;
    const json_t *ignored;
    uint32_t n = 0;
    printf("%-20s %-4s %10s %10s %8s\n", "ns", "", "A", "B", "");
    json_object_foreach(json_object_get(a, "figures_ns"), figure, ignored)
    {
        for (size_t i = 0; i < 2; i++) {
            struct span left, right;
            if (!span_read(a, figure, percentiles[i], &left) ||
                !span_read(b, figure, percentiles[i], &right))
                continue;
            figure_print(figure, percentiles[i], &left, &right);
            n++;
        }
    }
    return n;
}

bool compare_run(const char *a, const char *b, struct error *err)
{
    static const char *const machine[] = {
        "cpu",      "microcode", "kernel",         "kernel_command_line", "governor",
        "compiler", "version",   "isolated_cores", "network_cards",       "dpdk"};
    json_t *left = result_read(a, err), *right = left ? result_read(b, err) : NULL;
    if (right) {
        text_compare(left, right, "mode");
        text_compare(left, right, "port");
        text_compare(left, right, "schedule");
        for (size_t i = 0; i < sizeof machine / sizeof machine[0]; i++)
            text_compare(json_object_get(left, "environment"),
                         json_object_get(right, "environment"), machine[i]);
    }
    const bool ok = right && (figures_compare(left, right) > 0 ||
                              error_set(err, EXIT_FAILED, "%s, %s: no figure in common", a, b));
    json_decref(left);
    json_decref(right);
    return ok;
}
