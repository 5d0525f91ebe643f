// What a stretch of this thread's run asked of the kernel, counted by the program itself: system
// calls by syscall user dispatch (Linux 5.11: every call is turned into a signal), page faults and
// context switches by getrusage.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct quiet {
    uint64_t calls;       // system calls; at the first one counting ends: a stretch adds 0 or 1
    uint64_t call_number; // of that one
    uint64_t faults;      // page faults, minor and major
    uint64_t yields;      // voluntary context switches
    uint64_t preemptions; // involuntary ones: the machine's, not ours
    uint64_t interrupts;  // of the thread's core: the machine's, too
    uint32_t core;
    bool calls_counted; // false: the kernel (or an emulator) cannot
};

// Ahead of every ordinary thread of its core, where we may; false: not allowed.
bool thread_first(bool first);

// Zeroed before the first stretch; several add up. <calls> false: system calls are not counted (an
// emulator makes its own).
void quiet_begin(struct quiet *q, bool calls);
void quiet_end(struct quiet *q);
