// Files are replaced whole, or not at all.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "dataplane/base/file.h"

static char folder[] = "/tmp/tickgate-file-XXXXXX";
static char path[64], draft[64];

static int open_rig(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(draft, sizeof draft, "%s.new", path);
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    rmdir(draft);
    unlink(path);
    return rmdir(folder);
}

static void holds(const char *text)
{
    char now[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    const size_t len = fread(now, 1, sizeof now - 1, file);
    fclose(file);
    assert_int_equal(len, strlen(text));
    assert_string_equal(now, text);
}

static void replaced_whole_or_not(void **state)
{
    (void)state;
    struct error err = {0};
    struct stat status;
    assert_true(file_replace(path, "first", 5, 0600, &err));
    holds("first");
    assert_true(file_replace(path, "2", 1, 0600, &err));
    holds("2");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(access(draft, F_OK), -1);
    // Where its draft cannot be written the file stays.
    assert_int_equal(mkdir(draft, 0700), 0);
    assert_false(file_replace(path, "third", 5, 0600, &err));
    assert_int_equal(err.code, EXIT_FAILED);
    assert_non_null(strstr(err.text, "Is a directory; name a file that can be written"));
    holds("2");
}

static void places_that_cannot_be(void **state)
{
    (void)state;
    struct error err = {0};
    static char longest[8192];
    memset(longest, 'a', sizeof longest - 1);
    assert_false(file_replace(longest, "", 0, 0600, &err));
    assert_int_equal(err.code, EXIT_USAGE);
    err = (struct error){0};
    assert_false(file_replace("/proc/nowhere/file", "", 0, 0600, &err));
    assert_int_equal(err.code, EXIT_FAILED);
    assert_non_null(strstr(err.text, "/proc/nowhere/file: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaced_whole_or_not),
        cmocka_unit_test(places_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, open_rig, close_rig);
}
