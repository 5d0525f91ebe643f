#include "dataplane/base/kernel_clock.h"

#include <sys/syscall.h>
#include <unistd.h>

enum { NS_PER_US = 1000 };

// Not by the C library: its adjtimex is clock_adjtime(2), which some container runtimes forbid even
// where it only reads.
int kernel_clock_read(struct timex *t)
{
    *t = (struct timex){.modes = 0};
    return (int)syscall(SYS_adjtimex, t);
}

uint64_t clock_error_of(int state, const struct timex *t)
{
    if (state < 0 || state == TIME_ERROR || t->status & STA_UNSYNC || t->maxerror < 0)
        return CLOCK_ERROR_UNKNOWN;
    return (uint64_t)t->maxerror * NS_PER_US; // microseconds, also with STA_NANO
}
