// What a process tells its operator; never on a lane.
//
// "LEVEL event: text" at a terminal, else a line of JSON (docs/operate.md): ts (UTC in ns), level,
// event, code, text, and fields where there are values to look for. TICKGATE_LOG=text or json
// decides otherwise. A line has at most LOG_LINE_MAX bytes and is whole JSON: what does not fit is
// cut, and the line says so. Nothing is allocated.
//
// Of one event at most LOG_LINES_PER_S lines a second are written, errors always; nobody waits for
// a reader that does not read. The next line of the event says how many were left out.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"

enum { LOG_LINES_PER_S = 20, LOG_LINE_MAX = 4096, LOG_FIELDS_MAX = 1536 };

enum log_event {
#define LOG_EVENT(number, name, meaning) LOG_##name = number,
#include "dataplane/base/log_events.def"
#undef LOG_EVENT
};

struct log_field {
    const char *key;                                      // a literal; units last
    enum { LOG_NO_FIELD, LOG_IS_TEXT, LOG_IS_NUMBER } is; // LOG_NO_FIELD: behind the last one
    const char *text;                                     // null: none
    int64_t number;
};

// The fields of one line: LOG_FIELDS(LOG_TEXT("port", name), LOG_NUMBER("lanes", 2)). A key has one
// kind of value, and one meaning, wherever it stands.
#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {.is = LOG_NO_FIELD}})
#define LOG_TEXT(name, value)                             \
    {                                                     \
        .key = (name), .is = LOG_IS_TEXT, .text = (value) \
    }
#define LOG_NUMBER(name, value)                                        \
    {                                                                  \
        .key = (name), .is = LOG_IS_NUMBER, .number = (int64_t)(value) \
    }

// <fields>: null for none. What they say stands in the text, too.
void log_info(enum log_event event, const struct log_field *fields, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_warn(enum log_event event, const struct log_field *fields, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_error(enum log_event event, const struct log_field *fields, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

// Where lines go: standard error, until a daemon, whose standard output is its log, says otherwise.
// Before other threads log.
void log_to(int fd);
// Text for people, not JSON: whatever else is for people may stand beside it.
bool log_is_text(void);
// What ends <program>, on standard error; and in the log, where that goes elsewhere. Its exit code.
int log_end(const char *program, const struct error *err);

struct log_line {
    uint64_t utc_ns;
    const char *level, *event, *code;
    const char *text;
    const char *fields; // a JSON object, less than LOG_FIELDS_MAX bytes
};

// Whoever else wants every line; null: nobody. Called by the thread that logs, which must not log
// itself then.
void log_listen(void (*hear)(const struct log_line *line));
