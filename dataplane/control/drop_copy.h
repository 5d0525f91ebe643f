// What the control plane has found in a drop copy, into the ring of the main lcore.
#pragma once

#include "dataplane/abi/commands.h"
#include "dataplane/abi/ring.h"

// BAD_ARGUMENT, or NO_ROOM where nobody drains the ring; what stands before that is recorded.
enum command_result drop_copy_record(struct event_writer *events,
                                     const struct drop_copy_request *request,
                                     struct drop_copy_answer *answer);
