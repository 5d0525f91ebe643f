#include "bench/latency/quiet.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <ucontext.h>

#include "bench/latency/kernel.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF          0
#define PR_SYS_DISPATCH_ON           1
#endif

enum { PASS = 0, CATCH = 1, SYSCALL_BYTES = 2 };

// Read by the kernel at every system call of the thread.
static volatile char selector = PASS;
static volatile sig_atomic_t caught;
static volatile uint64_t caught_number;

// Notes the call, lets every call pass from now on, and has this one made again.
static void on_call(int number, siginfo_t *info, void *context)
{
    ucontext_t *c = context;
    (void)number;
    selector = PASS;
    caught = 1;
    caught_number = (uint64_t)info->si_syscall;
    c->uc_mcontext.gregs[REG_RIP] -= SYSCALL_BYTES;
    c->uc_mcontext.gregs[REG_RAX] = info->si_syscall;
}

static void usage_read(struct quiet *q, int64_t sign)
{
    struct rusage u;
    getrusage(RUSAGE_THREAD, &u);
    q->faults += (uint64_t)(sign * (u.ru_minflt + u.ru_majflt));
    q->yields += (uint64_t)(sign * u.ru_nvcsw);
    q->preemptions += (uint64_t)(sign * u.ru_nivcsw);
}

bool thread_first(bool first)
{
    const struct sched_param p = {.sched_priority = first ? 10 : 0};
    return sched_setscheduler(0, first ? SCHED_FIFO : SCHED_OTHER, &p) == 0;
}

void quiet_begin(struct quiet *q, bool calls)
{
    struct sigaction action = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO};
    caught = 0;
    q->core = (uint32_t)sched_getcpu();
    q->interrupts -= kernel_core_interrupts(q->core);
    q->calls_counted =
        calls && sigaction(SIGSYS, &action, NULL) == 0 &&
        prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) == 0;
    usage_read(q, -1);
    selector = q->calls_counted ? CATCH : PASS;
}

void quiet_end(struct quiet *q)
{
    selector = PASS;
    usage_read(q, 1);
    if (q->calls_counted)
        prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
    q->interrupts += kernel_core_interrupts(q->core);
    if (q->calls == 0 && caught)
        q->call_number = caught_number;
    q->calls += (uint64_t)caught;
}
