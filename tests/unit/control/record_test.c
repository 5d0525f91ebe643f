// What lanes hear of the journal from a control plane that keeps none.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "controlplane/control/control.h"
#include "dataplane/base/clock.h"
#include "tests/lib/region_file.h"

static enum record_state heard(bool restores, enum restore_verdict verdict)
{
    struct region_file file;
    struct control control;
    struct region_shape shape = region_file_shape();
    struct region_identity identity = region_file_identity();
    identity.restores = restores;
    region_file_make(&file, &shape, &identity);
    atomic_store(&region_restore_area(&file.view, 0)->verdict, verdict);
    struct record_word *word = region_record_word(&file.view, 0);
    atomic_store(&word->state, RECORD_SLOW); // by the one before
    region_file_ready(&file);
    assert_true(control_init(&control, file.path));
    control_tick(&control, clock_mono_ns());
    const enum record_state state = (enum record_state)atomic_load(&word->state);
    control_free(&control);
    region_file_remove(&file);
    return state;
}

static void test_no_journal_makes_nothing_good(void **state)
{
    (void)state;
    assert_int_equal(heard(true, RESTORE_UNVERIFIED), RECORD_UNVERIFIED);
    assert_int_equal(heard(true, RESTORE_BAD), RECORD_DAMAGED);
    assert_int_equal(heard(true, RESTORE_BAD + 1), RECORD_UNVERIFIED); // of a later version
    assert_int_equal(heard(true, RESTORE_HASHED), RECORD_ABSENT);
    assert_int_equal(heard(false, RESTORE_UNVERIFIED), RECORD_ABSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_journal_makes_nothing_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
