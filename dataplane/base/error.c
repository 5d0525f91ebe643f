#include "dataplane/base/error.h"

#include <stdarg.h>
#include <stdio.h>

bool error_set(struct error *err, enum exit_code code, const char *fmt, ...)
{
    if (err->code != EXIT_OK)
        return false;
    va_list ap;
    va_start(ap, fmt);
    err->code = code;
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return false;
}
