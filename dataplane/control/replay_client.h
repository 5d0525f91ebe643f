// Clients of the gateway while a captured lane is run again. Private to replay.
#pragma once

#include "dataplane/control/replay_source.h"
#include "dataplane/lane/desk.h"

// Records that are as long as they say.
bool replay_client_sound(const struct replay_record *r);
// CLIENT and REQUESTS, before a turn. False: the configuration has no such client, or no memory.
bool replay_client_put(struct desk *d, const struct replay_record *r);
