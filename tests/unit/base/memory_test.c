#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <hugetlbfs.h>
#include <limits.h>
#include <linux/magic.h>
#include <numa.h>
#include <numaif.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/base/log.h"
#include "dataplane/base/memory.h"

static const uint64_t page_2m = 2 << 20;
static char name[32]; // of a region that only this run of the test has

static uint64_t huge_free(void)
{
    unsigned long long count = 0;
    FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
    if (file && fscanf(file, "%llu", &count) != 1)
        count = 0;
    if (file)
        fclose(file);
    return count;
}

static void need_huge(uint64_t pages)
{
    if (huge_free() >= pages && hugetlbfs_find_path_for_size((long)page_2m))
        return;
    print_message("no hugetlbfs mount or fewer than %lu free pages of 2 MiB\n", pages);
    skip();
}

static bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void assert_zeroed(const uint8_t *p, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++)
        assert_int_equal(p[i], 0);
}

static void region_lies_where_libhugetlbfs_says(void **state)
{
    (void)state;
    need_huge(2);
    struct memory_region r;
    struct error err = {0};
    struct statfs fs;
    char wanted[256];
    assert_true(memory_region_open(&r, name, page_2m + 1, page_2m, -1, true, &err));
    assert_true(r.huge);
    assert_int_equal(r.length, 2 * page_2m);
    snprintf(wanted, sizeof wanted, "%s/tickgate.%s", hugetlbfs_find_path_for_size((long)page_2m),
             name);
    assert_string_equal(r.path, wanted);
    assert_int_equal(statfs(r.path, &fs), 0);
    assert_int_equal(fs.f_type, HUGETLBFS_MAGIC);
    assert_int_equal(fs.f_bsize, page_2m);
    assert_zeroed(r.memory, r.length);
    memory_region_close(&r);
    assert_false(file_exists(wanted));
}

static void region_falls_back_to_ordinary_memory(void **state)
{
    (void)state;
    struct memory_region r;
    struct error err = {0};
    struct statfs fs;
    char wanted[256];
    assert_true(memory_region_open(&r, name, 10000, page_2m, -1, false, &err));
    assert_false(r.huge);
    snprintf(wanted, sizeof wanted, "/dev/shm/tickgate.%s", name);
    assert_string_equal(r.path, wanted);
    assert_int_equal(statfs(r.path, &fs), 0);
    assert_int_equal(fs.f_type, TMPFS_MAGIC);
    assert_int_equal(r.length, (10000 + r.page_size - 1) / r.page_size * r.page_size);
    assert_zeroed(r.memory, r.length);
    memory_region_close(&r);
    assert_false(file_exists(wanted));

    // A page size that no machine has: a warning, and ordinary memory.
    assert_true(memory_region_open(&r, name, 10000, 3 << 20, -1, true, &err));
    assert_false(r.huge);
    memory_region_close(&r);
}

// A process that holds the region and says so on a pipe; ends when it is killed.
static pid_t holder_start(bool huge)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct memory_region r;
        struct error err = {0};
        if (!memory_region_open(&r, name, page_2m, page_2m, -1, huge, &err))
            _exit(1);
        memset(r.memory, 0xff, r.length);
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void second_holder(bool huge)
{
    struct memory_region r;
    struct error err = {0};
    char process[32], path[192];
    pid_t pid = holder_start(huge);
    assert_true(memory_region_path(name, page_2m, huge, path, sizeof path));
    assert_false(memory_region_open(&r, name, page_2m, page_2m, -1, huge, &err));
    assert_int_equal(err.code, EXIT_FAILED);
    snprintf(process, sizeof process, "process %d", (int)pid);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, process));
    assert_non_null(strstr(err.text, "node.region"));
    assert_true(file_exists(path));

    // Killed without a chance to tidy up: the file stays, and the next instance replaces it.
    struct stat old, fresh;
    assert_int_equal(stat(path, &old), 0);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_true(file_exists(path));
    int reader = open(path, O_RDONLY); // keeps the old file's number from being used again
    err = (struct error){0};
    assert_true(memory_region_open(&r, name, page_2m, page_2m, -1, huge, &err));
    assert_int_equal(stat(path, &fresh), 0);
    assert_int_not_equal(old.st_ino, fresh.st_ino);
    assert_zeroed(r.memory, r.length);
    close(reader);
    memory_region_close(&r);
    assert_false(file_exists(path));
}

static void second_holder_is_refused_and_a_dead_one_replaced(void **state)
{
    (void)state;
    second_holder(false);
    need_huge(4);
    second_holder(true);
}

// The configuration changed between a death and the next start, or there are two of them: the name
// is taken all the same.
static void second_holder_elsewhere(bool first_huge)
{
    struct memory_region r;
    struct error err = {0};
    char path[192], process[32];
    pid_t pid = holder_start(first_huge);
    assert_true(memory_region_path(name, page_2m, first_huge, path, sizeof path));
    assert_false(memory_region_open(&r, name, page_2m, page_2m, -1, !first_huge, &err));
    snprintf(process, sizeof process, "process %d", (int)pid);
    assert_int_equal(err.code, EXIT_FAILED);
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, process));
    assert_true(file_exists(path));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    err = (struct error){0};
    assert_true(memory_region_open(&r, name, page_2m, page_2m, -1, !first_huge, &err));
    assert_false(file_exists(path));
    memory_region_close(&r);
}

static void second_holder_with_other_pages(void **state)
{
    (void)state;
    need_huge(4);
    second_holder_elsewhere(true);
    second_holder_elsewhere(false);
}

// A node that is not there stands for one whose memory ran out: the kernel is asked where the pages
// are, and what it says decides.
static void pages_on_another_node_are_an_error_unless_allowed(void **state)
{
    (void)state;
    if (numa_available() < 0) {
        print_message("no NUMA system calls here\n");
        skip();
    }
    struct memory_region r;
    struct error err = {0};
    char path[192];
    bool huge;
    const int nowhere = numa_max_node() + 1;
    assert_null(memory_private(4 << 20, nowhere, false, &huge, &err));
    assert_int_equal(err.code, EXIT_FAILED);
    assert_non_null(strstr(err.text, "are not on NUMA node"));
    assert_non_null(strstr(err.text, "node.remote_memory"));
    err = (struct error){0};
    assert_false(memory_region_open(&r, name, 1 << 20, page_2m, nowhere, false, &err));
    assert_non_null(strstr(err.text, "are not on NUMA node"));
    assert_true(memory_region_path(name, page_2m, false, path, sizeof path));
    assert_false(file_exists(path)); // the start that failed left nothing

    memory_remote_allow(true);
    err = (struct error){0};
    void *p = memory_private(4 << 20, nowhere, false, &huge, &err);
    memory_remote_allow(false);
    assert_non_null(p);
    memory_private_free(p, 4 << 20);
}

static void too_few_huge_pages_are_an_error_before_any_is_touched(void **state)
{
    (void)state;
    need_huge(1);
    struct memory_region r;
    struct error err = {0};
    bool huge;
    char wanted[64], path[192];
    const uint64_t pages = huge_free() + 100000;
    snprintf(wanted, sizeof wanted, "%lu huge pages of 2 MiB are needed", pages);
    assert_false(memory_region_open(&r, name, pages * page_2m, page_2m, -1, true, &err));
    assert_int_equal(err.code, EXIT_FAILED);
    assert_non_null(strstr(err.text, wanted));
    assert_non_null(strstr(err.text, "/sys/kernel/mm/hugepages"));
    assert_true(memory_region_path(name, page_2m, true, path, sizeof path));
    assert_false(file_exists(path));

    err = (struct error){0};
    assert_null(memory_private(pages * page_2m, -1, true, &huge, &err));
    assert_int_equal(err.code, EXIT_FAILED);
    assert_non_null(strstr(err.text, wanted));
}

static void what_to_reserve_is_pages_of_the_size_asked_for(void **state)
{
    (void)state;
    const uint64_t page_1g = 1 << 30;
    struct memory_region r;
    struct error err = {0};
    char path[192], said[1024] = "";
    if (memory_region_path(name, page_1g, true, path, sizeof path)) {
        print_message("hugetlbfs with pages of 1 GiB is mounted\n");
        skip();
    }
    FILE *log = tmpfile();
    assert_non_null(log);
    log_to(fileno(log));
    const bool opened = memory_region_open(&r, name, 1, page_1g, -1, true, &err);
    log_to(STDERR_FILENO);
    assert_true(opened);
    assert_false(r.huge);
    memory_region_close(&r);
    rewind(log);
    assert_true(fread(said, 1, sizeof said - 1, log) > 0);
    fclose(log);
    assert_non_null(strstr(said, "hugepages-1048576kB/nr_hugepages"));
    assert_non_null(strstr(said, "pagesize=1024M"));
    assert_null(strstr(said, "vm.nr_hugepages"));
}

static void private_memory(bool want_huge)
{
    struct error err = {0};
    bool huge = !want_huge;
    const int node = numa_available() < 0 ? -1 : 0;
    uint8_t *p = memory_private(3 << 20, node, want_huge, &huge, &err);
    assert_non_null(p);
    assert_int_equal(huge, want_huge);
    assert_zeroed(p, 3 << 20);
    p[(3 << 20) - 1] = 1;
    memory_private_free(p, 3 << 20);
}

static void private_memory_is_zeroed_and_of_the_kind_asked_for(void **state)
{
    (void)state;
    private_memory(false);
    need_huge(2);
    private_memory(true);
}

// The answer of the kernel, asked here a second time and page by page, is the one we give.
static void locality_is_what_the_kernel_says(void **state)
{
    (void)state;
    if (numa_available() < 0) {
        print_message("no NUMA system calls here\n");
        skip();
    }
    struct error err = {0};
    bool huge;
    uint64_t local, looked_at, counted = 0;
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), len = 64 * page;
    uint8_t *p = memory_private(len, 0, false, &huge, &err);
    assert_non_null(p);
    assert_true(memory_locality(p, len, 0, &local, &looked_at));
    assert_int_equal(looked_at, 64);
    for (uint64_t i = 0; i < 64; i++) {
        int node = -1;
        assert_int_equal(get_mempolicy(&node, NULL, 0, p + i * page, MPOL_F_NODE | MPOL_F_ADDR), 0);
        counted += node == 0;
    }
    assert_int_equal(local, counted);
    assert_int_equal(local, 64);
    assert_true(memory_locality(p, len, 1000, &local, &looked_at));
    assert_int_equal(local, 0);
    memory_private_free(p, len);

    // Pages that were never touched are nowhere: only a kernel that was asked can know.
    char *untouched = numa_alloc_onnode(len, 0);
    assert_non_null(untouched);
    assert_false(memory_locality(untouched, len, 0, &local, &looked_at));
    assert_int_equal(looked_at, 0);
    numa_free(untouched, len);
}

static void locality_of_huge_pages_is_known(void **state)
{
    (void)state;
    need_huge(4);
    if (numa_available() < 0)
        skip();
    struct memory_region r;
    struct error err = {0};
    uint64_t local, looked_at;
    assert_true(memory_region_open(&r, name, 4 * page_2m, page_2m, 0, true, &err));
    assert_true(memory_locality(r.memory, r.length, 0, &local, &looked_at));
    assert_true(looked_at > 4);
    assert_int_equal(local, looked_at);
    memory_region_close(&r);
}

static void bill_adds_up_and_names_the_largest(void **state)
{
    (void)state;
    static struct memory_bill bill;
    struct error err = {0};
    char *text = NULL;
    size_t len = 0;
    bill_add(&bill, "rings", 3 << 20, page_2m, 0);
    bill_add(&bill, "orders", 100 << 20, page_2m, 0);
    bill_add(&bill, "levels", 7 << 20, page_2m, 0);
    assert_int_equal(bill_total(&bill), 110 << 20);
    assert_true(bill_check(&bill, 110 << 20, &err));
    assert_false(bill_check(&bill, (110 << 20) - 1, &err));
    assert_int_equal(err.code, EXIT_USAGE);
    assert_non_null(strstr(err.text, "'orders' with 100 MiB"));
    FILE *out = open_memstream(&text, &len);
    bill_print(&bill, out);
    fclose(out);
    assert_non_null(strstr(text, "orders"));
    assert_non_null(strstr(text, "110.00 MiB"));
    free(text);

    for (uint32_t i = 0; i < BILL_ITEMS_MAX + 10; i++)
        bill_add(&bill, "more", 1 << 20, page_2m, 0);
    assert_int_equal(bill.count, BILL_ITEMS_MAX);
    assert_int_equal(bill_total(&bill), (uint64_t)(110 + BILL_ITEMS_MAX + 10) << 20);
}

static uint64_t locked_kib(void)
{
    char line[128];
    unsigned long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) && sscanf(line, "VmLck: %lu kB", &kib) != 1)
        continue;
    fclose(status);
    return kib;
}

// How many of the files' readable parts are mapped, all of each.
static uint32_t parts_whole(uint32_t *parts)
{
    char line[PATH_MAX + 128], mode[5] = "";
    unsigned long kib, size = 0, file = 0;
    uint32_t whole = *parts = 0;
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        sscanf(line, "%*x-%*x %4s %*x %*s %lu", mode, &file);
        if (sscanf(line, "Size: %lu kB", &kib) == 1)
            size = kib;
        if (sscanf(line, "Rss: %lu kB", &kib) == 1 && file && mode[0] == 'r' && mode[3] == 'p') {
            *parts += 1;
            whole += kib == size;
        }
    }
    fclose(maps);
    return whole;
}

static void code_and_stacks_stay_in_memory(void **state)
{
    (void)state;
    uint32_t parts;
    const uint64_t before = locked_kib();
    assert_true(parts_whole(&parts) < parts);
    if (!memory_stay()) {
        print_message("the limit of locked memory is too low here\n");
        skip();
    }
#ifdef __SANITIZE_ADDRESS__
    skip(); // it takes the call, and locks nothing
#endif
    assert_true(locked_kib() > before + 1024);    // libraries alone are more
    assert_int_equal(parts_whole(&parts), parts); // what has not run yet, too
    assert_true(parts > 10);
    munlockall();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(region_lies_where_libhugetlbfs_says),
        cmocka_unit_test(region_falls_back_to_ordinary_memory),
        cmocka_unit_test(second_holder_is_refused_and_a_dead_one_replaced),
        cmocka_unit_test(second_holder_with_other_pages),
        cmocka_unit_test(pages_on_another_node_are_an_error_unless_allowed),
        cmocka_unit_test(too_few_huge_pages_are_an_error_before_any_is_touched),
        cmocka_unit_test(what_to_reserve_is_pages_of_the_size_asked_for),
        cmocka_unit_test(private_memory_is_zeroed_and_of_the_kind_asked_for),
        cmocka_unit_test(locality_is_what_the_kernel_says),
        cmocka_unit_test(locality_of_huge_pages_is_known),
        cmocka_unit_test(bill_adds_up_and_names_the_largest),
        cmocka_unit_test(code_and_stacks_stay_in_memory),
    };
    snprintf(name, sizeof name, "unit-test-%d", (int)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
