// Limits while it runs. The main lcore holds what is set, makes every lane another table of it and
// hands that over; the lanes take it between two frames (dataplane/lane/desk_limits.h). One change
// is in work at a time. What one lane cannot take is taken back from the others. What lets more
// pass is durable in the journal before the first lane gets it; beyond the configuration it takes
// an end (limits_raise.h).
#pragma once

#include "dataplane/control/dataplane.h"
#include "dataplane/control/limits_fill.h"
#include "dataplane/control/limits_raise.h"

// After instruments, before desks. Null-safe where nothing trades, as all that follow.
bool limits_start(struct dataplane *d, struct error *err);
// What is set now; null: nothing trades.
struct limits_source *limits_set_now(const struct dataplane *d);
// Where something trades.
const struct limit_raises *limits_raised(const struct dataplane *d);
// LIMIT_SET: true: the slot will be answered when the lanes have, else *<result> is the answer now.
bool limits_set(struct dataplane *d, struct command_slot *slot, enum command_result *result);
// LIMITS_LIST.
enum command_result limits_list(struct dataplane *d, const struct limits_list_request *request,
                                struct limits_list_answer *answer);
// A change is in work. Where something trades, as what follows.
bool limits_busy(const struct dataplane *d);
// Every lane gets its table again, for nobody's slot: the files of the day make something else of
// what is set (day_tighten), and <change> changes what is configured and set, where it is not null.
// <asked>: by a person, whose record has been published: where it widens, that is durable first.
// False: a change is in work already.
bool limits_again(struct dataplane *d, bool widens, bool asked,
                  void (*change)(const struct dataplane *d, struct limits_source *source));
// Whether that is over, and what became of it. <answer>: lanes and versions.
bool limits_again_over(const struct dataplane *d, enum command_result *result,
                       struct limit_set_answer *answer);
// Before the lanes run: a raise.
bool limits_restore_raise(struct dataplane *d, const struct event_limit_raise *said);
uint32_t limits_turn(struct dataplane *d);
void limits_free(struct dataplane *d);
