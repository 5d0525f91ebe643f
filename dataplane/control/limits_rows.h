// Rows of what is limited, one after the other, and how much of a limit the lanes use.
#pragma once

#include "dataplane/abi/limit_control.h"
#include "dataplane/control/dataplane.h"
#include "dataplane/control/limits_fill.h"

struct row_name {
    enum trade_scope scope;
    uint32_t index;
};

// <scope> TRADE_SCOPES: all but symbols, which come last.
uint64_t limit_rows(const struct limits_source *s, uint32_t scope);
struct row_name limit_row_at(const struct limits_source *s, uint64_t at);
// Lanes have each a part of the limit that <e> names.
bool limit_in_parts(const struct dataplane *d, const struct limit_entry *e);
// Of scope, index and control of <e> what one lane uses. False: it is no sum, or one that is looked
// up elsewhere (an account's position in each symbol).
bool limit_lane_use(const struct dataplane *d, uint32_t lane, const struct limit_entry *e,
                    uint64_t *use);
