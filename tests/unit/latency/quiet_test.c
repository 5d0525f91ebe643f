// The watch of a stretch: it sees a system call and a page fault, and nothing where there is none.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include <sys/syscall.h>

#include "bench/latency/quiet.h"

static void nothing_is_nothing(void **state)
{
    struct quiet q = {0};
    volatile uint64_t sum = 0;
    (void)state;
    quiet_begin(&q, true);
    for (uint32_t i = 0; i < 1000; i++)
        sum += i;
    quiet_end(&q);
    assert_int_equal(q.calls, 0);
    assert_int_equal(q.yields, 0);
    assert_int_equal(sum, 499500);
}

static void a_system_call_is_seen_and_made(void **state)
{
    struct quiet q = {0};
    (void)state;
    quiet_begin(&q, true);
    const long first = syscall(SYS_getppid), second = syscall(SYS_getppid);
    quiet_end(&q);
    assert_int_equal(first, getppid());
    assert_int_equal(second, first);
    if (!q.calls_counted)
        skip();
    assert_int_equal(q.calls, 1);
    assert_int_equal(q.call_number, SYS_getppid);
}

static void page_faults_are_counted(void **state)
{
    enum { PAGES = 8, PAGE = 4096 };
    struct quiet q = {0};
    (void)state;
    volatile char *p = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    madvise((void *)(uintptr_t)p, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE);
    quiet_begin(&q, false);
    for (uint32_t i = 0; i < PAGES; i++)
        p[(size_t)i * PAGE] = 1;
    quiet_end(&q);
    assert_false(q.calls_counted);
    assert_true(q.faults >= PAGES);
    munmap((void *)(uintptr_t)p, (size_t)PAGES * PAGE);
}

static void stretches_add_up(void **state)
{
    struct quiet q = {0};
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        quiet_begin(&q, true);
        if (i == 0)
            syscall(SYS_getppid);
        quiet_end(&q);
    }
    if (!q.calls_counted)
        skip();
    assert_int_equal(q.calls, 1);
    assert_int_equal(q.call_number, SYS_getppid);
}

static void interrupts_of_the_core_are_counted(void **state)
{
    struct quiet q = {0};
    (void)state;
    quiet_begin(&q, false);
    usleep(50000); // its timer is one
    quiet_end(&q);
    assert_in_range(q.interrupts, 1, 10000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(a_system_call_is_seen_and_made),
        cmocka_unit_test(page_faults_are_counted),
        cmocka_unit_test(stretches_add_up),
        cmocka_unit_test(interrupts_of_the_core_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
