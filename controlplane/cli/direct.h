// A kill past the control plane: this command's own words in the region, which it only sets.
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "dataplane/base/error.h"

enum { DIRECT_PATIENCE_MS = 1000 };

// <params> as those of the method kill; <region> as tickgate-controlplane's. The words are set on
// every lane of the scope; waits until the lanes say that they have seen them. The result is as the
// method's and the caller's; null with <err>: EXIT_NOT_CONNECTED when there is no dataplane or a
// lane says nothing (the words stay set), EXIT_STATE when nothing trades.
json_t *direct_kill(const json_t *params, const char *region, struct error *err);
// Tells a control plane that is there, and waits for nobody. For the stopwatch.
void direct_tell(const char *socket_path, uint64_t asked_ns);
