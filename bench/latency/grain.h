// How fine the clock is that everything is measured with.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/clock.h"

// What one reading costs.
uint64_t clock_reading_ns(const struct clock_calibration *cal);
// By how much it steps; 0: too little to be seen. Looked at once.
uint64_t clock_step_ns(const struct clock_calibration *cal);
// The same in ticks, from gaps between readings that are apart by this and that.
double clock_step_of(const uint64_t *gaps, uint32_t count);
