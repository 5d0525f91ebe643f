// A lane run again on what its capture says it took in (dataplane/abi/capture.h): the same code on
// ports, a clock and answers that come from the records. No device, no region file, no socket.
//
// Input: struct replay_header, then the records of one lane as they stood in its ring. Output: the
// trading events that it makes, struct event after struct event; who runs this compares them with
// the journal. What a lane asks for and the records do not say, or the other way round, and every
// frame that is not the one that was sent, is a difference and ends the replay.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/abi/capture.h"
#include "dataplane/base/error.h"
#include "dataplane/config/config.h"

// False: EXIT_FAILED for what cannot be replayed, EXIT_STATE for a difference.
bool replay_run(const struct config *config, FILE *in, FILE *out, struct error *err);
