// What the kernel did on the lane's core around a moment: interrupts, and the lane's page faults,
// context switches and stolen time, from proc(5). Another thread looks, about once a millisecond;
// what a slow order met is the difference between the looks before and after it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct kernel_counts {
    uint64_t interrupts;  // of the core, every kind (/proc/interrupts)
    uint64_t faults;      // of the thread, minor and major
    uint64_t yields;      // voluntary context switches
    uint64_t preemptions; // involuntary ones
    uint64_t steal_ticks; // of the core, 10 ms each: its host ran somebody else
};

// Time of a core by kind (proc(5), /proc/stat), in ticks of 10 ms. False: there is no such core.
enum kernel_time {
    KERNEL_USER,
    KERNEL_NICE,
    KERNEL_SYSTEM,
    KERNEL_IDLE,
    KERNEL_IOWAIT,
    KERNEL_IRQ,
    KERNEL_SOFTIRQ,
    KERNEL_STEAL,
    KERNEL_TIMES
};
bool kernel_core_time(uint32_t core, uint64_t ticks[KERNEL_TIMES]);

// Interrupts that a core has had, every kind; 0: there is no such core.
uint64_t kernel_core_interrupts(uint32_t core);

enum { KERNEL_LOOKS_MAX = 1 << 14, KERNEL_LOOK_US = 1000 };

struct kernel_look {
    uint64_t tsc;
    struct kernel_counts counts;
};

struct kernel_watch {
    uint32_t core;
    int interrupts, status, stat; // files; -1: cannot be read here
    struct kernel_look *looks;    // KERNEL_LOOKS_MAX
    uint32_t count;
};

// False: no memory. What /proc does not show stays 0.
bool kernel_watch_open(struct kernel_watch *w, uint32_t core, int thread);
// 20 to 50 us, and no system call of the thread that is watched.
void kernel_watch_look(struct kernel_watch *w);
// What changed between the last look before <from> and the first one after <to>, ticks; 0: there
// are none around them. Otherwise their distance.
uint64_t kernel_watch_between(const struct kernel_watch *w, uint64_t from, uint64_t to,
                              struct kernel_counts *out);
void kernel_watch_close(struct kernel_watch *w);
