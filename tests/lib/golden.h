// Comparison of what the code says now with a file of the tree. TICKGATE_GOLDEN=write writes the
// file anew; the difference is then for the reviewer.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// cmocka.h is included before this header.

static inline char *golden_read(const char *path)
{
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return calloc(1, 1);
    char *text = NULL;
    size_t len = 0;
    FILE *copy = open_memstream(&text, &len);
    for (int c; (c = fgetc(in)) != EOF;)
        fputc(c, copy);
    fclose(in);
    fclose(copy);
    return text;
}

static inline void golden_compare(const char *path, void (*print)(FILE *out))
{
    char *now = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&now, &len);
    print(out);
    fclose(out);
    const char *mode = getenv("TICKGATE_GOLDEN");
    if (mode && strcmp(mode, "write") == 0) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(now, 1, len, file), len);
        assert_int_equal(fclose(file), 0);
    }
    char *was = golden_read(path);
    size_t line = 1, i = 0;
    for (; was[i] && was[i] == now[i]; i++)
        line += was[i] == '\n';
    if (was[i] != now[i])
        fail_msg(
            "%s:%zu differs from the code. If the change is meant, run this test with "
            "TICKGATE_GOLDEN=write; a change of layout also raises REGION_MINOR or REGION_MAJOR",
            path, line);
    free(was);
    free(now);
}
