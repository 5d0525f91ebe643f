// What a copy's thread tells: log, record, stop, status. The thread's own, but for what stands
// under the lock.
#pragma once

#include "controlplane/dropcopy/copy.h"

void told_begin(struct drop_copy *d);
drop_tell told_entry; // context: struct drop_copy
void told_foreign(struct drop_copy *d, const struct drop_item *item);
void told_unreadable(struct drop_copy *d, uint64_t sequence);
// <now>: something found no room; else whether there is some again.
void told_full(struct drop_copy *d, bool now);
void told_lost(struct drop_copy *d, bool now, uint64_t for_ns);
// When the connection has changed.
void told_link(struct drop_copy *d);
void told_show(struct drop_copy *d, uint64_t now_ns);
