// The table of limits, from the configuration and the files of the day.
#pragma once

#include "dataplane/config/config.h"
#include "dataplane/control/day.h"
#include "dataplane/risk/limits.h"

// <lanes>: how many trade. Open orders and open notional of the firm and of accounts are whole:
// lanes lease them (desk_lease.h). Of all other sums of firm, accounts and symbols each lane has an
// equal part, rounded down. <t>: zeroed, with a row for every symbol of the configuration.
void limits_fill(const struct config *config, const struct day *day, uint32_t lanes,
                 uint64_t ticks_hz, struct limit_table *t);
