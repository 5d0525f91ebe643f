#include "dataplane/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/clock.h"

enum { TEXT_LEN = 640, LINE_LEN = 2048, EVENTS_KNOWN = 64, WINDOW_NS = 1000000000 };

// How often each word was said lately. Words beyond the table share its last place.
struct tally {
    const char *event;
    uint64_t window_ns; // begin of the second that is counted
    uint32_t lines;
    uint32_t left_out; // since the last line that was written
};

static struct {
    pthread_mutex_t lock;
    bool begun;
    bool json;
    void (*hear)(const char *level, const char *event, const char *text);
    struct tally tallies[EVENTS_KNOWN];
} logger = {.lock = PTHREAD_MUTEX_INITIALIZER};

void log_listen(void (*hear)(const char *level, const char *event, const char *text))
{
    logger.hear = hear;
}

static void begin(void)
{
    const char *format = getenv("TICKGATE_LOG");
    logger.begun = true;
    logger.json = !isatty(STDERR_FILENO);
    if (format && strcmp(format, "json") == 0)
        logger.json = true;
    else if (format && strcmp(format, "text") == 0)
        logger.json = false;
}

static struct tally *tally_of(const char *event)
{
    struct tally *tally = logger.tallies;
    for (; tally < logger.tallies + EVENTS_KNOWN - 1 && tally->event; tally++)
        if (strcmp(tally->event, event) == 0)
            return tally;
    tally->event = event;
    return tally;
}

// False: too many of them in this second; counted. <left_out>: how many were not written before.
static bool may_say(const char *event, uint64_t now_ns, uint32_t *left_out)
{
    struct tally *tally = tally_of(event);
    if (now_ns - tally->window_ns >= WINDOW_NS) {
        tally->window_ns = now_ns;
        tally->lines = 0;
    }
    *left_out = 0;
    if (tally->lines >= LOG_LINES_PER_S) {
        tally->left_out++;
        return false;
    }
    tally->lines++;
    *left_out = tally->left_out;
    tally->left_out = 0;
    return true;
}

// --- text and JSON ---

// Appends at <at>, never beyond <max>; returns the new end.
static size_t append(char *line, size_t at, size_t max, const char *text)
{
    const size_t len = strlen(text), room = max - at;
    memcpy(line + at, text, len < room ? len : room);
    return at + (len < room ? len : room);
}

// Quotes, backslashes and control characters escaped (RFC 8259, section 7); what is not ASCII goes
// through when it is UTF-8 by its look, else as '?'.
static size_t escape(char *line, size_t at, size_t max, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        char one[8] = {(char)*c, 0};
        size_t more = *c >= 0xf0 ? 3 : *c >= 0xe0 ? 2 : *c >= 0xc2 ? 1 : 0, k = 0;
        if (*c == '"' || *c == '\\')
            snprintf(one, sizeof one, "\\%c", *c);
        else if (*c < ' ' || *c == 0x7f)
            snprintf(one, sizeof one, "\\u%04x", *c);
        else if (*c >= 0x80) {
            while (k < more && (c[k + 1] & 0xc0) == 0x80)
                k++;
            if (more == 0 || k < more || *c > 0xf4)
                one[0] = '?';
            else
                memcpy(one, c, more + 1);
        }
        if (at + strlen(one) > max)
            return at;
        at = append(line, at, max, one);
        c += one[0] == '?' ? 0 : k;
    }
    return at;
}

static size_t line_json(char line[LINE_LEN], uint64_t utc_ns, const char *level, const char *event,
                        const char *text, uint32_t left_out)
{
    enum { ROOM = LINE_LEN - 64 }; // what stands behind the text always fits
    int n =
        snprintf(line, LINE_LEN, "{\"ts\":%llu,\"level\":\"%s\",\"event\":\"%.32s\",\"text\":\"",
                 (unsigned long long)utc_ns, level, event);
    size_t at = escape(line, (size_t)n, ROOM, text);
    at = append(line, at, LINE_LEN, "\"");
    if (left_out)
        at += (size_t)snprintf(line + at, LINE_LEN - at, ",\"left_out\":%u", left_out);
    return append(line, at, LINE_LEN, "}\n");
}

// A terminal is not to be told anything by what others have said.
static size_t line_text(char line[LINE_LEN], const char *level, const char *event, const char *text,
                        uint32_t left_out)
{
    char upper[8];
    size_t i = 0;
    for (; i < sizeof upper - 1 && level[i]; i++)
        upper[i] = (char)(level[i] - 'a' + 'A');
    upper[i] = 0;
    size_t at = (size_t)snprintf(line, LINE_LEN, "%s %.32s: ", upper, event);
    for (const char *c = text; *c && at < LINE_LEN - 64; c++)
        line[at++] = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
    if (left_out)
        at +=
            (size_t)snprintf(line + at, LINE_LEN - at, " (%u such lines were left out)", left_out);
    return append(line, at, LINE_LEN, "\n");
}

__attribute__((format(printf, 3, 0))) static void say(const char *level, const char *event,
                                                      const char *fmt, va_list ap)
{
    char text[TEXT_LEN], line[LINE_LEN];
    uint32_t left_out = 0;
    const uint64_t utc_ns = clock_utc_ns();
    vsnprintf(text, sizeof text, fmt, ap);
    pthread_mutex_lock(&logger.lock);
    if (!logger.begun)
        begin();
    // What ends a program is always said.
    if (*level == 'e' || may_say(event, clock_mono_ns(), &left_out)) {
        const size_t len = logger.json ? line_json(line, utc_ns, level, event, text, left_out)
                                       : line_text(line, level, event, text, left_out);
        // One write per line. Nobody is there to be told that stderr is closed.
        const ssize_t written = write(STDERR_FILENO, line, len);
        (void)written;
        if (logger.hear)
            logger.hear(level, event, text);
    }
    pthread_mutex_unlock(&logger.lock);
}

#define LOG_AT(level)           \
    va_list ap;                 \
    va_start(ap, fmt);          \
    say(level, event, fmt, ap); \
    va_end(ap)

void log_info(const char *event, const char *fmt, ...)
{
    LOG_AT("info");
}

void log_warn(const char *event, const char *fmt, ...)
{
    LOG_AT("warn");
}

void log_error(const char *event, const char *fmt, ...)
{
    LOG_AT("error");
}
