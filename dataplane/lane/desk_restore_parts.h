// What the files of the restore share.
#pragma once

#include "dataplane/lane/desk_restore.h"

// False, with the event and the cause in <why>.
bool restore_refuse(struct desk_restore *r, const struct event *e, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool restore_session(const struct desk_restore *r, uint32_t session);
// The order that had <place> in the instance's table.
void restore_place(struct desk_restore *r, uint32_t place, uint32_t index);
bool restore_told(struct desk_restore *r, const struct event *e);
bool restore_unclaimed(struct desk_restore *r, const struct event *e);
bool restore_session_state(struct desk_restore *r, const struct event *e);

// --- desk_restore_park.c: durable sessions

bool restore_parks(const struct desk_restore *r, uint32_t session);
// A decision about the order <index>, which waits from here on.
bool restore_park_enter(struct desk_restore *r, const struct event *e, uint32_t index);
bool restore_park_change(struct desk_restore *r, const struct event *e, uint32_t index);
bool restore_released(struct desk_restore *r, const struct event *e);
// ORDER_SENT and ORDER_NOT_SENT of a session that is durable.
bool restore_park_sent(struct desk_restore *r, const struct event *e);
// An instance ends: what waits may have left.
void restore_parks_end(struct desk_restore *r);
