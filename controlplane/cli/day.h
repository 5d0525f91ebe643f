// Start and end of a trading day: what the control plane can do anyway, one step after the other.
// The first step that fails ends the sequence; a written record says how far it came.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"

// What the control plane answers. Null with <err>; <params> is taken over.
struct day_asks {
    json_t *(*call)(void *context, const char *method, json_t *params, struct error *err);
    void *context;
};

struct day_order {
    const char *reason;    // recorded with everything that changes something
    const char *record;    // path of the written record
    const char *next;      // end: the trading day that follows, YYYY-MM-DD; null: the calendar's
    const char *positions; // end: path of its file of positions
    uint64_t within_ms;    // patience of a step that waits
};

// The record, which is in its file as well; null: not even that could be written. A step that
// failed is in <err> too, with the remedy.
json_t *day_start(const struct day_asks *asks, const struct day_order *order, struct error *err);
json_t *day_end(const struct day_asks *asks, const struct day_order *order, struct error *err);

// --- day.c, for day_start.c and day_end.c

enum { DAY_FILE_MODE = 0640 };

struct day {
    const struct day_asks *asks;
    const struct day_order *order;
    json_t *record;
    json_t *step; // that is in work
    uint64_t until_ns;
};

struct day_step {
    const char *name;
    bool (*go)(struct day *day, struct error *err); // false with <err>
};

json_t *day_sequence(const char *name, const struct day_step *steps, uint32_t count,
                     const struct day_asks *asks, const struct day_order *order, struct error *err);

json_t *day_ask(struct day *day, const char *method, json_t *params, struct error *err);
// The same with the reason of the order.
json_t *day_change(struct day *day, const char *method, struct error *err);
// One line about the step, for the record.
void day_say(struct day *day, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
// A moment later, to look again; false: it has taken too long, or a signal came.
bool day_again(const struct day *day);
// Every order session is logged in, has what the exchange said, and was not stopped. Waits for it.
bool day_sessions(struct day *day, struct error *err);

int64_t day_number(const json_t *object, const char *key);
const char *day_text(const json_t *object, const char *key); // "" for what is no text
