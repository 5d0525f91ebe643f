#include "dataplane/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

// One write per line, so that lines of several threads do not mix.
__attribute__((format(printf, 3, 0))) static void line_write(const char *level, const char *event,
                                                             const char *fmt, va_list ap)
{
    char text[768];
    int len = snprintf(text, sizeof text - 1, "%s %s: ", level, event);
    int more = vsnprintf(text + len, sizeof text - 1 - (size_t)len, fmt, ap);
    len = more < (int)sizeof text - 1 - len ? len + more : (int)sizeof text - 2;
    text[len++] = '\n';
    // Nobody is there to be told that stderr is closed.
    ssize_t written = write(STDERR_FILENO, text, (size_t)len);
    (void)written;
}

#define LOG_AT(level)                  \
    va_list ap;                        \
    va_start(ap, fmt);                 \
    line_write(level, event, fmt, ap); \
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
