// What the micro-benchmarks share: numbers from the command line, memory as the dataplane has it.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/error.h"
#include "dataplane/base/memory.h"

// The number behind <name>; <value> where it is not given.
static inline uint64_t option(int argc, char **argv, const char *name, uint64_t value)
{
    for (int i = 1; i + 1 < argc; i += 2)
        if (strcmp(argv[i], name) == 0)
            return strtoull(argv[i + 1], NULL, 10);
    return value;
}

// Huge pages, as the dataplane's tables have them. Without memory the program ends.
static inline void *zeroed(uint64_t bytes)
{
    struct error err = {0};
    bool huge;
    void *p = memory_private(bytes, -1, true, &huge, &err);
    if (p == NULL) {
        fprintf(stderr, "%s\n", err.text);
        exit(EXIT_FAILED);
    }
    return p;
}
