#include "dataplane/base/log.h"

#include <stdarg.h>
#include <stdio.h>

// One write per line, so that lines of several threads do not mix.
static void line(const char *level, const char *event, const char *fmt, va_list ap)
{
    char text[512];
    vsnprintf(text, sizeof text, fmt, ap);
    fprintf(stderr, "%s %s: %s\n", level, event, text);
}

#define LOG_AT(level)            \
    va_list ap;                  \
    va_start(ap, fmt);           \
    line(level, event, fmt, ap); \
    va_end(ap)

void log_info(const char *event, const char *fmt, ...)
{
    LOG_AT("INFO");
}

void log_warn(const char *event, const char *fmt, ...)
{
    LOG_AT("WARN");
}

void log_error(const char *event, const char *fmt, ...)
{
    LOG_AT("ERROR");
}
