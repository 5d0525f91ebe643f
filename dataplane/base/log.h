// Messages to the operator, on stderr; never on a lane. <event> is a stable word to search for, a
// literal.
//
// "LEVEL event: text" at a terminal, else a line of JSON: ts (UTC in ns), level, event, text.
// TICKGATE_LOG=text or json decides otherwise. Of one word at most LOG_LINES_PER_S lines a second
// are written, the next one says how many were left out (left_out); errors are always written.
#pragma once

enum { LOG_LINES_PER_S = 20 };

// Whoever else wants every line that is written; null: nobody. Called by the thread that logs,
// which must not log itself then.
void log_listen(void (*hear)(const char *level, const char *event, const char *text));

void log_info(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_error(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
