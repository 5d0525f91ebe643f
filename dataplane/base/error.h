// One error, written once, at the depth that knows the cause. Callers pass it up unchanged.
#pragma once

#include <stdbool.h>

// Exit codes of every program (docs/operate.md).
enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOT_CONNECTED = 3,
    EXIT_STATE = 4,     // refused by the state that things are in
    EXIT_APPROVAL = 5,  // somebody has to say yes first
    EXIT_FORBIDDEN = 6, // not with this user
};

struct error {
    enum exit_code code; // EXIT_OK while nothing went wrong
    char text[496];      // place, cause and remedy, one line, no trailing newline
};

// Fills <err> (unless it already holds an error: the first cause wins) and returns false, so that a
// function that answers bool can `return error_set(...)`. <fmt> names the place (file, line, key,
// device), the cause and the remedy.
bool error_set(struct error *err, enum exit_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
