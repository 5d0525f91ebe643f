// A replay's books that were loaded while they were lent: from the same messages
// (snapshot_record.c).
#pragma once

#include "dataplane/control/dataplane.h"
#include "dataplane/control/replay_source.h"

// ANSWER_LOADED. False: there is no such book, or the messages make no sense.
bool replay_book_put(struct dataplane *d, const struct replay_record *r);
// ANSWER_BOOK, before the lane gets it. False: nothing was loaded.
bool replay_book_return(struct dataplane *d, const struct replay_record *r);
