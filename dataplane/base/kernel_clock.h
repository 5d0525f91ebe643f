// What the kernel says of the node's clock: adjtimex(2).
#pragma once

#include <stdint.h>
#include <sys/timex.h>

#define CLOCK_ERROR_UNKNOWN UINT64_MAX

// The clock's state beside <t>; -1: it cannot be asked.
int kernel_clock_read(struct timex *t);
// The most that the clock is off, ns, by what kernel_clock_read has said.
uint64_t clock_error_of(int state, const struct timex *t);
