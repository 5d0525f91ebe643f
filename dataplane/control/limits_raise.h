// Raises: limits that let more pass than what was there before, until a time. Of the main lcore,
// which sets the limit back by itself, also when nobody is there who could ask.
#pragma once

#include "dataplane/abi/limit_control.h"
#include "dataplane/abi/ring.h"

enum { LIMIT_RAISES_MAX = 256 };

struct limit_raise {
    uint64_t until_ns; // UTC
    uint64_t back;     // what was there before the first raise, as config_limit_get counts
    uint64_t now;
    uint32_t scope, index, owner, user, second;
    enum limit_control control;
};

struct limit_raises {
    uint32_t count;
    uint64_t soonest_ns; // UTC, 0: none
    struct limit_raise rows[LIMIT_RAISES_MAX];
};

// Null: the limit is not raised.
const struct limit_raise *raises_find(const struct limit_raises *r, uint32_t scope, uint32_t index,
                                      uint32_t owner, enum limit_control control);
// A change is in force: begins a raise, moves its end, or ends it. What has no room was refused
// before (raises_room). <base>: where the limit stands.
void raises_note(struct limit_raises *r, const struct limit_change *c,
                 const struct limit_changed *changed, const void *base,
                 const struct limit_set_request *request, struct event_writer *events);
// There is a place for as many new ones.
bool raises_room(const struct limit_raises *r, uint32_t count);
// What sets back raises whose time is over, as a request of nobody's; its count is 0 where there is
// none.
void raises_over(const struct limit_raises *r, uint64_t now_ns, struct limit_set_request *request);
// Reference data were read again: what they say stands for what was raised of it, and nothing comes
// back when its time is over.
void raises_drop(struct limit_raises *r, struct event_writer *events);
// After a restart, before anything runs: what the record says of a raise. False: it makes no sense.
bool raises_restore(struct limit_raises *r, const struct event_limit_raise *said);
