#include "dataplane/base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void must_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, what);
    abort();
}
