// The schema's version, and the migrations that lead to it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "controlplane/store/link.h"

// Number of the newest migration in this program.
uint32_t schema_newest(void);
// Version of the database's schema, 0: none yet. False: link->why.
bool schema_version(struct link *link, uint32_t *version);
// Brings the schema to the newest version, one transaction under an advisory lock, so that of
// several programs one does it. A newer schema, or an older one without <migrate>, is EXIT_STATE;
// EXIT_FAILED when the database does not do what it is told (link->why).
bool schema_prepare(struct link *link, bool migrate, struct error *err);
