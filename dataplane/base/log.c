#include "dataplane/base/log.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/clock.h"

enum {
    TEXT_LEN = 640,
    ESCAPED_LEN = 2048,
    VALUE_LEN = 512,
    WINDOW_NS = 1000000000,
    PATIENCE_MS = 100
};
// Head, text, fields, and what stands behind them.
_Static_assert(192 + ESCAPED_LEN + LOG_FIELDS_MAX + 96 <= LOG_LINE_MAX, "a line has room for all");

static const char *const names[] = {
#define LOG_EVENT(number, name, meaning) [number] = #name,
#include "dataplane/base/log_events.def"
#undef LOG_EVENT
};

enum { EVENTS = sizeof names / sizeof names[0], WORD_LEN = 32, CODE_LEN = 16 };

static struct {
    pthread_mutex_t lock;
    int fd;
    bool begun;
    bool json;
    void (*hear)(const struct log_line *line);
    struct tally {
        uint64_t window_ns; // begin of the second that is counted
        uint32_t lines;
        uint32_t left_out; // since the last line that was written
    } tallies[EVENTS];
} logger = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO};

void log_listen(void (*hear)(const struct log_line *line))
{
    logger.hear = hear;
}

void log_to(int fd)
{
    logger.fd = fd;
    logger.begun = false;
}

static void begin(void)
{
    const char *format = getenv("TICKGATE_LOG");
    logger.begun = true;
    logger.json = !isatty(logger.fd);
    if (format && strcmp(format, "json") == 0)
        logger.json = true;
    else if (format && strcmp(format, "text") == 0)
        logger.json = false;
}

bool log_is_text(void)
{
    pthread_mutex_lock(&logger.lock);
    if (!logger.begun)
        begin();
    const bool text = !logger.json;
    pthread_mutex_unlock(&logger.lock);
    return text;
}

// False: too many of them in this second.
static bool may_say(struct tally *tally, uint64_t now_ns)
{
    if (now_ns - tally->window_ns >= WINDOW_NS) {
        tally->window_ns = now_ns;
        tally->lines = 0;
    }
    tally->lines += tally->lines < LOG_LINES_PER_S + 1;
    return tally->lines <= LOG_LINES_PER_S;
}

// --- JSON ---

struct out {
    char *text;
    size_t len, max;
    bool full; // something did not fit and is not there
    bool cut;  // a string is shorter than what was to be said
};

static void put(struct out *o, const char *text, size_t len)
{
    o->full = o->full || len > o->max - o->len;
    if (o->full)
        return;
    memcpy(o->text + o->len, text, len);
    o->len += len;
}

static void put_text(struct out *o, const char *text)
{
    put(o, text, strlen(text));
}

static void put_number(struct out *o, int64_t number)
{
    char text[24];
    put(o, text, (size_t)snprintf(text, sizeof text, "%" PRId64, number));
}

// Bytes of the character at <c> (UTF-8, RFC 3629, section 4); 0 for what is none.
static size_t character_len(const unsigned char *c)
{
    const size_t len = *c < 0x80 ? 1 : *c < 0xc2 ? 0 : *c < 0xe0 ? 2 : *c < 0xf0 ? 3 : 4;
    for (size_t k = 1; k < len; k++)
        if ((c[k] & 0xc0) != 0x80)
            return 0;
    // Forms that are too long, surrogates, and what is beyond U+10FFFF.
    if ((*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] >= 0xa0) ||
        (*c == 0xf0 && c[1] < 0x90) || (*c == 0xf4 && c[1] >= 0x90) || *c > 0xf4)
        return 0;
    return len;
}

// The character at <*c> as it stands in a string: quotes, backslashes and control characters
// escaped (RFC 8259, section 7), '?' for a byte that is none. Moves on behind it.
static size_t character_escape(char one[8], const unsigned char **c)
{
    const unsigned char first = **c;
    const size_t len = character_len(*c);
    const unsigned char *from = *c;
    *c += len ? len : 1;
    if (first == '"' || first == '\\')
        return (size_t)snprintf(one, 8, "\\%c", first);
    if (first < ' ' || first == 0x7f)
        return (size_t)snprintf(one, 8, "\\u%04x", first);
    one[0] = '?';
    memcpy(one, from, len);
    return len ? len : 1;
}

// With its quotes, and at most <max> bytes between them.
static void put_string(struct out *o, const char *text, size_t max)
{
    char one[8];
    put(o, "\"", 1);
    o->full = o->full || o->len == o->max;
    if (o->full)
        return;
    const size_t room = o->max - o->len - 1, end = o->len + (max < room ? max : room);
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        const size_t len = character_escape(one, &c);
        if (o->len + len > end) {
            o->cut = true;
            break;
        }
        put(o, one, len);
    }
    put(o, "\"", 1);
}

// A field that does not fit is left out whole.
static bool fields_json(char json[LOG_FIELDS_MAX], const struct log_field *fields)
{
    struct out o = {json, 1, LOG_FIELDS_MAX - 2, false, false};
    json[0] = '{';
    for (const struct log_field *f = fields; f && f->is != LOG_NO_FIELD; f++) {
        struct out one = o;
        if (one.len > 1)
            put(&one, ",", 1);
        put_string(&one, f->key, VALUE_LEN);
        put(&one, ":", 1);
        if (f->is == LOG_IS_NUMBER)
            put_number(&one, f->number);
        else if (f->text)
            put_string(&one, f->text, VALUE_LEN);
        else
            put_text(&one, "null");
        o.cut = one.full || one.cut;
        if (!one.full)
            o = one;
    }
    memcpy(json + o.len, "}", 2);
    return o.cut;
}

static size_t line_json(char to[LOG_LINE_MAX], const struct log_line *line, uint32_t left_out,
                        bool cut)
{
    struct out o = {to, 0, LOG_LINE_MAX, false, cut};
    put_text(&o, "{\"ts\":");
    put_number(&o, (int64_t)line->utc_ns);
    const struct {
        const char *key, *value;
    } words[] = {{"level", line->level}, {"event", line->event}, {"code", line->code}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        put_text(&o, ",\"");
        put_text(&o, words[i].key);
        put_text(&o, "\":");
        put_string(&o, words[i].value, WORD_LEN);
    }
    put_text(&o, ",\"text\":");
    put_string(&o, line->text, ESCAPED_LEN);
    if (strcmp(line->fields, "{}") != 0) {
        put_text(&o, ",\"fields\":");
        put_text(&o, line->fields);
    }
    if (left_out) {
        put_text(&o, ",\"left_out\":");
        put_number(&o, left_out);
    }
    put_text(&o, o.cut ? ",\"cut\":true}\n" : "}\n");
    return o.len;
}

// --- text ---

// A terminal is not to be told anything by what others have said.
static size_t line_text(char to[LOG_LINE_MAX], const struct log_line *line, uint32_t left_out)
{
    char upper[8];
    size_t i = 0;
    for (; i < sizeof upper - 1 && line->level[i]; i++)
        upper[i] = (char)(line->level[i] - 'a' + 'A');
    upper[i] = 0;
    size_t at = (size_t)snprintf(to, LOG_LINE_MAX, "%s %s: ", upper, line->event);
    for (const char *c = line->text; *c; c++) // TEXT_LEN at most
        to[at++] = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
    if (left_out)
        at += (size_t)snprintf(to + at, LOG_LINE_MAX - at, " (%u such lines were left out)",
                               left_out);
    to[at++] = '\n';
    return at;
}

// --- saying it ---

// One write per line. False: whoever reads does not, and a pipe or socket is full; a process that
// waited would be one that its watchdog ends. Nobody is there to be told that the log is closed.
static bool line_write(const char *line, size_t len, bool important)
{
    struct pollfd look = {.fd = logger.fd, .events = POLLOUT};
    if (poll(&look, 1, important ? PATIENCE_MS : 0) == 0)
        return false;
    const ssize_t written = write(logger.fd, line, len);
    (void)written;
    return true;
}

// The lock is held.
static void line_say(enum log_event event, const struct log_line *line, bool cut)
{
    char to[LOG_LINE_MAX];
    struct tally *tally = &logger.tallies[event];
    const bool error = *line->level == 'e'; // what may end a program is always said
    if (!logger.begun)
        begin();
    if (!error && !may_say(tally, clock_mono_ns())) {
        tally->left_out++;
        return;
    }
    const size_t len = logger.json ? line_json(to, line, tally->left_out, cut)
                                   : line_text(to, line, tally->left_out);
    tally->left_out = line_write(to, len, error) ? 0 : tally->left_out + 1;
    if (logger.hear)
        logger.hear(line);
}

__attribute__((format(printf, 4, 0))) static void say(const char *level, enum log_event event,
                                                      const struct log_field *fields,
                                                      const char *fmt, va_list ap)
{
    char text[TEXT_LEN], json[LOG_FIELDS_MAX], word[WORD_LEN], code[CODE_LEN];
    const struct log_line line = {clock_utc_ns(), level, word, code, text, json};
    const bool cut = vsnprintf(text, sizeof text, fmt, ap) >= TEXT_LEN;
    const bool short_of = fields_json(json, fields);
    size_t i = 0;
    for (const char *c = names[event]; *c && i < WORD_LEN - 1; c++)
        word[i++] = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    word[i] = 0;
    snprintf(code, sizeof code, "TG-%04u", (unsigned)event);
    pthread_mutex_lock(&logger.lock);
    line_say(event, &line, cut || short_of);
    pthread_mutex_unlock(&logger.lock);
}

#define LOG_AT(level)                   \
    va_list ap;                         \
    va_start(ap, fmt);                  \
    say(level, event, fields, fmt, ap); \
    va_end(ap)

void log_info(enum log_event event, const struct log_field *fields, const char *fmt, ...)
{
    LOG_AT("info");
}

void log_warn(enum log_event event, const struct log_field *fields, const char *fmt, ...)
{
    LOG_AT("warn");
}

void log_error(enum log_event event, const struct log_field *fields, const char *fmt, ...)
{
    LOG_AT("error");
}

int log_end(const char *program, const struct error *err)
{
    if (logger.fd != STDERR_FILENO && !(isatty(logger.fd) && isatty(STDERR_FILENO)))
        log_error(LOG_START_FAILED, LOG_FIELDS(LOG_NUMBER("exit_code", err->code)), "%s",
                  err->text);
    fprintf(stderr, "%s: %s\n", program, err->text);
    return (int)err->code;
}
