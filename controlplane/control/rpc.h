// JSON-RPC 2.0, one request a line: from text to a job and from a job to text.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "controlplane/control/method.h"

// Handles one line without its newline. The answer (to be freed, without newline) goes to *<reply>,
// null when none is due: a notification, or a job that waits for the dataplane (job->pending).
void rpc_handle(struct control *control, const char *line, size_t len, struct job *job,
                char **reply);

// Looks after the call of a pending job; as rpc_handle when it is no longer pending.
void rpc_resume(struct control *control, struct job *job, char **reply);

// Result of a method that takes no parameters and no answer of the dataplane, for whoever shows it
// elsewhere; to be released. Null with the cause in <why>.
json_t *rpc_view(struct control *control, const char *method, char *why, size_t why_len);

// An error that belongs to no request.
char *rpc_error_text(enum rpc_error error, const char *message);
