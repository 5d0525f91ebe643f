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
