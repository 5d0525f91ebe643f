// The recorder against sorted samples, and its files against what other readers of the format
// expect.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench/latency/hdr.h"

static struct hdr h;

static int order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void test_three_digits(void **state)
{
    (void)state;
    enum { SAMPLES = 20000 };
    static uint64_t sample[SAMPLES];
    srandom(1);
    hdr_reset(&h);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        sample[i] = (uint64_t)random() >> random() % 31;
        hdr_record(&h, sample[i]);
    }
    qsort(sample, SAMPLES, sizeof sample[0], order);
    static const double levels[] = {1, 10, 50, 90, 99, 99.9, 100};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        uint64_t want = sample[(uint32_t)(levels[i] / 100 * SAMPLES) - 1];
        uint64_t got = hdr_percentile(&h, levels[i]);
        assert_true(got >= want && got - want <= want / 1000 + 1);
    }
    assert_int_equal(h.max, sample[SAMPLES - 1]);
    assert_int_equal(h.min, sample[0]);
    assert_int_equal(h.total, SAMPLES);
}

static void test_edges(void **state)
{
    (void)state;
    hdr_reset(&h);
    assert_int_equal(hdr_percentile(&h, 50), 0);
    // Small values are exact; the first of two digits more shares its place with its neighbour.
    for (uint64_t v = 0; v < 2048; v++)
        assert_int_equal(hdr_index(v), v);
    assert_int_equal(hdr_index(2048), hdr_index(2049));
    assert_int_not_equal(hdr_index(2047), hdr_index(2048));
    hdr_record(&h, UINT64_MAX);
    assert_int_equal(h.max, HDR_HIGHEST);
    assert_true(hdr_index(HDR_HIGHEST) < HDR_COUNTS);
    hdr_record(&h, 2750);
    hdr_record(&h, 2760);
    assert_int_equal(hdr_above(&h, 2750), 2);
}

static void test_percentile_file(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    hdr_reset(&h);
    for (uint64_t v = 1; v <= 1000; v++)
        hdr_record(&h, v);
    FILE *out = open_memstream(&text, &len);
    hdr_write_percentiles(&h, out, 1);
    fclose(out);
    assert_non_null(strstr(text, "     500.000 0.500000000000        500           2.00\n"));
    assert_non_null(strstr(text, "    1000.000 1.000000000000       1000\n"));
    assert_non_null(strstr(text, "#[Mean    =      500.500, StdDeviation   =      288.675]\n"));
    assert_non_null(strstr(text, "#[Max     =     1000.000, Total count    =         1000]\n"));
    free(text);
}

// The line that the Java library writes for the same three values.
static void test_log_file(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    hdr_reset(&h);
    hdr_record(&h, 1);
    hdr_record(&h, 1000);
    hdr_record(&h, 1000000);
    FILE *out = open_memstream(&text, &len);
    assert_true(hdr_write_log(&h, out, 1700000000, 2));
    fclose(out);
    assert_non_null(strstr(text, "#[Histogram log format version 1.3]\n"));
    assert_non_null(strstr(text, "#[StartTime: 1700000000.000 (seconds since epoch)]\n"));
    assert_non_null(strstr(text, "\n0.000,2.000,1.000,HISTFAAAA"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_digits),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_percentile_file),
        cmocka_unit_test(test_log_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
