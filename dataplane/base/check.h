// Graded checks. Risk and state checks are never compiled out.
#pragma once

#include "dataplane/base/hints.h"

// Cannot go on: prints the place and the broken expectation, then aborts. Start-up and invariants
// only: a lane counts what a wire or a client gets wrong, it does not die of it.
_Noreturn void must_failed(const char *file, int line, const char *what) COLD;

#define MUST(cond)                                  \
    do {                                            \
        if (UNLIKELY(!(cond)))                      \
            must_failed(__FILE__, __LINE__, #cond); \
    } while (0)
