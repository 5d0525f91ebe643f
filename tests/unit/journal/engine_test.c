// The engines that write, and the one that takes over where the kernel or a container's seccomp
// refuses io_uring.
#include "tests/lib/journal_rig.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EVENTS = 100000, FEW = 1000 };

static struct journal_rig rig;
static struct journal_reader reader;

static int make(void **state)
{
    (void)state;
    rig_make(&rig);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    rig_remove(&rig);
    return 0;
}

static void all_is_there(uint64_t events)
{
    assert_int_equal(rig_read(&rig, &reader), events);
    assert_true(reader.closed);
    assert_int_equal(reader.finding_count, 0);
}

static void engine_round(enum disk_engine engine)
{
    rig_engine(&rig, engine);
    assert_true(rig_send_all(&rig, EVENTS));
    assert_true(journal_close(&rig.journal));
    all_is_there(EVENTS);
}

static void test_io_uring(void **state)
{
    (void)state;
    engine_round(DISK_URING);
}

static void test_thread(void **state)
{
    (void)state;
    engine_round(DISK_THREAD);
}

// --- refused ---

// From now on <call> ends with <error> in this process, as the default profiles of containers do
// it.
static bool refuse(uint32_t call, uint32_t error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum outcome { DONE, NO_FILTER, NOT_OPENED, NOT_THE_THREAD, NOT_WRITTEN, NOT_NAMED };

static enum outcome write_without(uint32_t call, uint32_t error)
{
    struct error err = {0};
    if (!refuse(call, error))
        return NO_FILTER;
    if (rig_open_by(&rig, DISK_URING, &err))
        return NOT_THE_THREAD;
    if (strstr(err.text, "io_uring") == NULL || strstr(err.text, "let the engine be auto") == NULL)
        return NOT_NAMED;
    err = (struct error){0};
    if (!rig_open_by(&rig, DISK_AUTO, &err))
        return NOT_OPENED;
    if (strstr(rig.journal.disk.ops->name, "pwritev2 and fdatasync") == NULL)
        return NOT_THE_THREAD;
    return rig_send_all(&rig, FEW) && journal_close(&rig.journal) ? DONE : NOT_WRITTEN;
}

static void refused_round(uint32_t call, uint32_t error)
{
    int status = -1;
    const pid_t child = fork();
    if (child == 0)
        _exit(write_without(call, error));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_FILTER) {
        print_message("this kernel takes no seccomp filter\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), DONE);
    all_is_there(FEW);
}

static void test_setup_is_not_permitted(void **state)
{
    (void)state;
    refused_round(SYS_io_uring_setup, EPERM);
}

static void test_setup_is_not_there(void **state)
{
    (void)state;
    refused_round(SYS_io_uring_setup, ENOSYS);
}

static void test_register_is_not_permitted(void **state)
{
    (void)state;
    refused_round(SYS_io_uring_register, EPERM);
}

static void test_enter_is_not_permitted(void **state)
{
    (void)state;
    refused_round(SYS_io_uring_enter, EPERM);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_io_uring),
        CASE(test_thread),
        CASE(test_setup_is_not_permitted),
        CASE(test_setup_is_not_there),
        CASE(test_register_is_not_permitted),
        CASE(test_enter_is_not_permitted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
