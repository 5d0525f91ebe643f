// Messages to the operator, on stderr: "LEVEL event: text". Never on a lane. <event> is a stable
// word to search for.
#pragma once

void log_info(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_error(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
