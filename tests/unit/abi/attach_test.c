// The reader refuses what is not a region of its own build, and outlives a file that is cut under
// it.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "dataplane/abi/attach.h"
#include "tests/lib/region_file.h"

static int setup(void **state)
{
    struct region_file *file = region_file_alloc(sizeof *file);
    struct region_shape shape = region_file_shape();
    struct region_identity identity = region_file_identity();
    region_file_make(file, &shape, &identity);
    region_publish(&file->view);
    *state = file;
    return 0;
}

static int teardown(void **state)
{
    region_file_remove(*state);
    free(*state);
    return 0;
}

// Expects <code> and the words <say> in the reason, which starts with the path.
static void expect_fault(const char *path, enum region_fault code, const char *say)
{
    struct region_reader reader;
    char why[300] = "";
    assert_int_equal(region_attach(&reader, path, REGION_READ, why, sizeof why), code);
    assert_int_equal(reader.fd, -1);
    assert_memory_equal(why, path, strlen(path));
    if (strstr(why, say) == NULL)
        fail_msg("'%s' does not say '%s'", why, say);
}

static void test_attaches(void **state)
{
    struct region_file *file = *state;
    struct region_reader reader;
    char why[300];
    assert_int_equal(region_attach(&reader, file->path, REGION_READ, why, sizeof why), REGION_FINE);
    assert_int_equal(reader.header.identity.epoch, 1234567);
    assert_string_equal(reader.header.identity.node, "node-1");
    assert_int_equal(reader.view.length, file->view.length);
    assert_int_equal(reader.view.parts[PART_COMMANDS].offset,
                     file->view.parts[PART_COMMANDS].offset);
    assert_false(region_replaced(&reader));
    region_detach(&reader);
    assert_int_equal(reader.fd, -1);
    region_detach(&reader);
}

static void test_refuses_wrong_headers(void **state)
{
    struct region_file *file = *state;
    struct region_header *header = region_header(&file->view);
    const struct region_header good = *header;
#define WRONG(field, value, code, say)   \
    header->field = (value);             \
    expect_fault(file->path, code, say); \
    memcpy(header, &good, sizeof good)
    WRONG(magic, good.magic ^ 1, REGION_BAD_MAGIC, "not a tickgate region");
    WRONG(magic, 0, REGION_BAD_MAGIC, "not a tickgate region");
    WRONG(version, 0, REGION_NOT_READY, "try again");
    WRONG(version, REGION_VERSION + 1, REGION_BAD_VERSION, "this program reads");
    WRONG(version, REGION_VERSION + (1u << 16), REGION_BAD_VERSION, "same release");
    WRONG(abi_hash[0], 1, REGION_BAD_HASH, "same build");
    WRONG(abi_hash[1], 1, REGION_BAD_HASH, "same build");
    WRONG(header_len, good.header_len + 8, REGION_BAD_LAYOUT, "damaged");
    WRONG(length, good.length + 1, REGION_BAD_LENGTH, "parts need");
    WRONG(length, 0, REGION_BAD_LENGTH, "parts need");
    WRONG(shape.lanes, LANES_MAX + 1, REGION_BAD_LAYOUT, "beyond limits");
    WRONG(shape.lanes, 3, REGION_BAD_LENGTH, "parts need");
    WRONG(shape.symbols[0], UINT32_MAX, REGION_BAD_LAYOUT, "beyond limits");
    WRONG(shape.trading_slots, 96, REGION_BAD_LAYOUT, "beyond limits");
    WRONG(parts[PART_TOPS].offset, good.parts[PART_TOPS].offset + 64, REGION_BAD_LAYOUT, "table");
    WRONG(parts[PART_EVENTS].count, UINT64_MAX / 2, REGION_BAD_LAYOUT, "table");
    WRONG(parts[PART_NAMES].element_len, 0, REGION_BAD_LAYOUT, "table");
    WRONG(parts[0].kind, 7, REGION_BAD_LAYOUT, "table");
    WRONG(identity.clock.tsc_hz, 0, REGION_BAD_LAYOUT, "identity");
#undef WRONG
    memset(header->identity.node, 'x', sizeof header->identity.node);
    expect_fault(file->path, REGION_BAD_LAYOUT, "identity");
    memcpy(header, &good, sizeof good);
    test_attaches(state);
}

static void test_refuses_wrong_files(void **state)
{
    struct region_file *file = *state;
    expect_fault("/tmp/tickgate-no-such-region", REGION_ABSENT, "is the dataplane running?");
    expect_fault("/tmp", REGION_BAD_MAGIC, "not a regular file");
    assert_return_code(ftruncate(file->fd, (off_t)file->view.length - 1), 0);
    expect_fault(file->path, REGION_BAD_LENGTH, "parts need");
    assert_return_code(ftruncate(file->fd, sizeof(struct region_header) - 1), 0);
    expect_fault(file->path, REGION_BAD_LENGTH, "shorter than a region's header");
    assert_return_code(ftruncate(file->fd, 0), 0);
    expect_fault(file->path, REGION_BAD_LENGTH, "0 bytes");
    // Long enough, but nobody has written it yet.
    assert_return_code(ftruncate(file->fd, (off_t)file->view.length), 0);
    expect_fault(file->path, REGION_NOT_READY, "try again");
}

struct cut {
    struct region_file *file;
    off_t keep; // bytes that are left
    uint64_t sum;
    int steps;
};

// Cuts the file in the middle of a pass, as a dataplane that starts anew might.
static void copy_while_cut(const struct region_view *view, void *context)
{
    struct cut *cut = context;
    cut->sum += region_command_slot(view, COMMAND_SLOTS - 1)->type;
    cut->steps = 1;
    if (ftruncate(cut->file->fd, cut->keep) != 0)
        abort();
    cut->sum += region_command_slot(view, COMMAND_SLOTS - 1)->type;
    cut->steps = 2;
}

static void copy_nothing(const struct region_view *view, void *context)
{
    (void)view;
    ++*(int *)context;
}

static void test_outlives_a_cut(void **state)
{
    struct region_file *file = *state;
    struct region_reader reader;
    char why[300];
    for (int round = 0; round < 3; round++) {
        assert_return_code(ftruncate(file->fd, (off_t)file->view.length), 0);
        struct region_shape shape = region_file_shape();
        struct region_identity identity = region_file_identity();
        assert_true(
            region_format(file->view.base, file->view.length, &shape, &identity, &file->view));
        region_publish(&file->view);
        assert_int_equal(region_attach(&reader, file->path, REGION_READ, why, sizeof why),
                         REGION_FINE);
        struct cut cut = {.file = file, .keep = 4096};
        int calls = 0;
        assert_true(region_pass(&reader, copy_nothing, &calls));
        assert_int_equal(calls, 1);
        assert_false(region_pass(&reader, copy_while_cut, &cut));
        assert_int_equal(cut.steps, 1);
        // Before a pass the size is looked at: the function does not even start.
        assert_false(region_pass(&reader, copy_nothing, &calls));
        assert_int_equal(calls, 1);
        region_detach(&reader);
    }
}

// The same on huge pages, where whole pages go. Wants two free ones of 2 MiB.
static void test_outlives_a_cut_of_huge_pages(void **state)
{
    enum { HUGE = 2 << 20 };
    (void)state;
    struct region_shape shape = region_file_shape();
    struct region_identity identity = region_file_identity();
    struct region_file file = {.path = "/dev/hugepages/tickgate-test-XXXXXX"};
    shape.symbols[0] = 30000; // longer than one page
    file.fd = mkstemp(file.path);
    if (file.fd < 0)
        skip();
    uint64_t length = (region_bytes(&shape) + HUGE - 1) / HUGE * HUGE;
    void *memory = MAP_FAILED;
    if (fallocate(file.fd, 0, 0, (off_t)length) == 0)
        memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd, 0);
    if (memory == MAP_FAILED) {
        close(file.fd);
        unlink(file.path);
        skip();
    }
    assert_true(region_format(memory, length, &shape, &identity, &file.view));
    region_publish(&file.view);
    struct region_reader reader;
    char why[300];
    struct cut cut = {.file = &file, .keep = HUGE};
    assert_int_equal(region_attach(&reader, file.path, REGION_READ, why, sizeof why), REGION_FINE);
    assert_int_equal(reader.mapped, length);
    assert_false(region_pass(&reader, copy_while_cut, &cut));
    assert_int_equal(cut.steps, 1);
    region_detach(&reader);
    munmap(memory, length);
    close(file.fd);
    unlink(file.path);
}

// A SIGBUS that is none of ours still ends the process.
static void test_other_bus_errors_kill(void **state)
{
    struct region_file *file = *state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct region_reader reader;
        char why[300];
        if (region_attach(&reader, file->path, REGION_READ, why, sizeof why) != REGION_FINE ||
            ftruncate(file->fd, 0) != 0)
            _exit(3);
        signal(SIGALRM, SIG_DFL);
        alarm(10);
        *(volatile uint8_t *)file->view.base = 1;
        _exit(4);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
#ifdef __SANITIZE_ADDRESS__
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 4);
#else
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGBUS);
#endif
}

static void test_one_drains(void **state)
{
    struct region_file *file = *state;
    struct region_reader first, second;
    char why[300];
    // The dataplane's own lock is of another kind and in nobody's way.
    assert_return_code(flock(file->fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(region_attach(&first, file->path, REGION_DRAIN, why, sizeof why), REGION_FINE);
    assert_int_equal(region_attach(&second, file->path, REGION_DRAIN, why, sizeof why),
                     REGION_BUSY);
    assert_non_null(strstr(why, "another control plane is attached"));
    assert_int_equal(region_attach(&second, file->path, REGION_READ, why, sizeof why), REGION_FINE);
    region_detach(&second);
    region_detach(&first);
    assert_int_equal(region_attach(&second, file->path, REGION_DRAIN, why, sizeof why),
                     REGION_FINE);
    region_detach(&second);
}

static void test_notices_another_file(void **state)
{
    struct region_file *file = *state;
    struct region_reader reader;
    char why[300];
    assert_int_equal(region_attach(&reader, file->path, REGION_READ, why, sizeof why), REGION_FINE);
    assert_return_code(unlink(file->path), 0);
    assert_true(region_replaced(&reader));
    int fd = open(file->path, O_CREAT | O_RDWR, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_true(region_replaced(&reader));
    // The old file is still there for whoever has it open.
    int calls = 0;
    assert_true(region_pass(&reader, copy_nothing, &calls));
    region_detach(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_attaches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuses_wrong_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuses_wrong_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outlives_a_cut, setup, teardown),
        cmocka_unit_test(test_outlives_a_cut_of_huge_pages),
        cmocka_unit_test_setup_teardown(test_other_bus_errors_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_drains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_notices_another_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
