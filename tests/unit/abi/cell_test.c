// A reader in another process sees a symbol's record whole or not at all.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/abi/cell.h"

struct shared {
    struct symbol_top top;
    struct symbol_name name;
    _Atomic uint32_t stop;
};

static struct shared *shared_new(void)
{
    void *memory = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    return memory;
}

static void top_write(struct symbol_top *top, uint32_t n)
{
    symbol_top_begin(top);
    top->price[0] = n;
    top->shares[0] = (uint64_t)n * 3;
    top->price[1] = n + 1;
    top->shares[1] = (uint64_t)n * 5;
    top->volume = (uint64_t)n * 7;
    symbol_top_end(top);
}

static void test_busy_writer_is_an_answer(void **state)
{
    (void)state;
    struct symbol_top top = {0}, out;
    symbol_top_begin(&top);
    assert_false(symbol_top_read(&top, &out));
    symbol_top_end(&top);
    assert_true(symbol_top_read(&top, &out));
    assert_int_equal(top.version, 2);
}

static void test_never_torn(void **state)
{
    (void)state;
    struct shared *s = shared_new();
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (uint32_t n = 1; !s->stop; n++)
            top_write(&s->top, n);
        _exit(0);
    }
    uint32_t read = 0, last = 0;
    while (read < 200000) {
        struct symbol_top out;
        if (!symbol_top_read(&s->top, &out) || out.price[0] == 0)
            continue;
        uint32_t n = out.price[0];
        if (out.shares[0] != (uint64_t)n * 3 || out.price[1] != n + 1 ||
            out.shares[1] != (uint64_t)n * 5 || out.volume != (uint64_t)n * 7) {
            kill(pid, SIGKILL);
            fail_msg("torn record at %u", n);
        }
        assert_true(n - last < 1u << 31); // never back
        last = n;
        read++;
    }
    s->stop = 1;
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    munmap(s, sizeof *s);
}

static void test_names(void **state)
{
    (void)state;
    struct symbol_name cell = {0};
    char name[12];
    assert_int_equal(symbol_name_read(&cell, name), 0);
    symbol_name_publish(&cell, 7, "AAPL");
    assert_int_equal(symbol_name_read(&cell, name), 7);
    assert_string_equal(name, "AAPL");
    symbol_name_publish(&cell, 7, "A");
    assert_int_equal(symbol_name_read(&cell, name), 7);
    assert_string_equal(name, "A");
    // Whatever the memory holds, the copy ends.
    memset(cell.name, 'x', sizeof cell.name);
    symbol_name_read(&cell, name);
    assert_int_equal(strlen(name), 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_busy_writer_is_an_answer),
        cmocka_unit_test(test_never_torn),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
