// Start and end of day against a control plane that answers by a script: what is asked in which
// order, that the first step that fails ends the sequence, what the record says of it, and what
// the files of the end are.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <unistd.h>

#include "controlplane/cli/day.h"
#include "controlplane/cli/journal_seal.h"
#include "tests/lib/journal_rig.h"

enum { ANSWERS = 16, ASKED_LEN = 1024 };

struct script {
    struct {
        const char *method;
        const char *answer;   // JSON, or what is wrong
        enum exit_code wrong; // EXIT_OK: an answer
        const char *until;    // asked before: the answer holds until this was asked; null: always
    } answers[ANSWERS];
    char asked[ASKED_LEN]; // methods that change something
    int64_t practised;
    uint64_t record; // the last of the journal
};

struct world {
    struct script script;
    struct journal_rig rig;
    struct day_asks asks;
    struct day_order order;
    char record[512];
    char positions[512];
};

static json_t *answer_of(const struct script *s, const char *method, struct error *err)
{
    for (uint32_t i = 0; i < ANSWERS && s->answers[i].method; i++) {
        const char *until = s->answers[i].until;
        if (strcmp(s->answers[i].method, method) != 0 || (until && strstr(s->asked, until)))
            continue;
        if (s->answers[i].wrong != EXIT_OK) {
            error_set(err, s->answers[i].wrong, "%s", s->answers[i].answer);
            return NULL;
        }
        json_t *answer = json_loads(s->answers[i].answer, 0, NULL);
        assert_non_null(answer);
        return answer;
    }
    fail_msg("%s was not to be asked", method);
    return NULL;
}

static json_t *call(void *context, const char *method, json_t *params, struct error *err)
{
    struct script *s = context;
    json_t *answer = answer_of(s, method, err), *lane;
    size_t i;
    if (json_object_get(params, "reason")) {
        assert_string_equal(json_string_value(json_object_get(params, "reason")), "by plan");
        strcat(strcat(s->asked, method), " ");
    }
    if (strcmp(method, "trading") == 0)
        json_array_foreach(json_object_get(answer, "lanes"), i, lane)
        {
            if (json_object_get(lane, "cold") == NULL)
                json_object_set_new(lane, "practised", json_integer(s->practised += 40));
        }
    if (strcmp(method, "status") == 0) {
        json_t *journal = json_object_get(answer, "journal");
        json_object_set_new(journal, "committed", json_integer((json_int_t)s->record));
        json_object_set_new(journal, "records", json_integer((json_int_t)s->record));
        if (json_object_get(journal, "directory") == NULL)
            json_object_set_new(journal, "directory", json_string(s->asked));
    }
    json_decref(params);
    return answer;
}

#define READY "{\"sessions\":[{\"session\":\"nsdq\",\"state\":\"ready\",\"halted\":false}]}"
#define POSITIONS                                                                           \
    "{\"firm\":{\"profit\":\"12.5000\"},\"positions\":["                                    \
    "{\"account\":\"MM\",\"symbol\":\"AAPL\",\"state\":\"ok\",\"mark\":\"101.2500\","       \
    "\"lanes\":[{\"lane\":\"l0\",\"shares\":50},{\"lane\":\"l1\",\"shares\":-20}]},"        \
    "{\"account\":\"MM\",\"symbol\":\"FLAT\",\"state\":\"ok\",\"mark\":null,\"lanes\":[]}," \
    "{\"account\":\"ARB\",\"symbol\":\"MSFT\",\"state\":\"ok\",\"mark\":null,"              \
    "\"average\":\"400.0000\",\"lanes\":[{\"lane\":\"l0\",\"shares\":-7}]}]}"

static void script_set(struct world *w, const char *method, const char *answer,
                       enum exit_code wrong, const char *until)
{
    for (uint32_t i = ANSWERS - 1; i > 0; i--) // the newest counts
        w->script.answers[i] = w->script.answers[i - 1];
    w->script.answers[0].method = method;
    w->script.answers[0].answer = answer;
    w->script.answers[0].wrong = wrong;
    w->script.answers[0].until = until;
}

static void script_good(struct world *w)
{
    static const char *const good[][2] = {
        {"status", "{\"state\":\"ready\",\"node\":\"n\",\"config_hash\":\"c\","
                   "\"journal\":{\"state\":\"writing\"}}"},
        {"reload", "{\"files\":[{\"file\":\"restricted\",\"date\":\"2026-11-23\"}]}"},
        {"selftest", "{\"controls\":48,\"rows\":[{\"control\":\"KILLED\",\"passed\":true}]}"},
        {"sessions", READY},
        {"resume", "{\"lanes\":[]}"},
        {"halt", "{\"lanes\":[{\"lane\":\"l0\"}]}"},
        {"cancel", "{\"lanes\":[]}"},
        {"orders", "{\"total\":0,\"missing\":0}"},
        {"drop_copies",
         "{\"drop_copies\":[{\"drop_copy\":\"d\",\"journal_read\":true,\"state\":\"up\","
         "\"foreign\":9,\"foreign_before\":9,\"dropped\":1,\"dropped_before\":1}]}"},
        {"positions", POSITIONS},
        {"trading", "{\"lanes\":[{\"lane\":\"l0\",\"open_orders\":0}],\"in_force\":[]}"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        script_set(w, good[i][0], good[i][1], EXIT_OK, NULL);
    script_set(w, "calendar", "the configuration names no calendar", EXIT_STATE, NULL);
    script_set(
        w, "trading",
        "{\"lanes\":[{\"lane\":\"l0\",\"open_orders\":0},{\"lane\":\"l1\",\"open_orders\":0}],"
        "\"in_force\":[{\"what\":\"halted\",\"scope\":\"global\"},"
        "{\"what\":\"kill\",\"scope\":\"account\",\"name\":\"MM\"}]}",
        EXIT_OK, "resume");
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    rig_make(&w->rig);
    snprintf(w->record, sizeof w->record, "%s/record.json", w->rig.directory);
    snprintf(w->positions, sizeof w->positions, "%s/positions.csv", w->rig.directory);
    w->asks = (struct day_asks){call, &w->script};
    w->order = (struct day_order){.reason = "by plan",
                                  .record = w->record,
                                  .next = "2026-11-24",
                                  .positions = w->positions,
                                  .within_ms = 2000};
    script_good(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    rig_remove(&w->rig);
    free(w);
    return 0;
}

// --- what the record says ---

static const char *step_text(const json_t *record, const char *step, const char *key)
{
    const json_t *row;
    size_t i;
    json_array_foreach(json_object_get(record, "steps"), i, row)
    {
        if (strcmp(day_text(row, "step"), step) == 0)
            return day_text(row, key);
    }
    fail_msg("the record has no step %s", step);
    return NULL;
}

// The file has what was returned.
static void written(const struct world *w, const json_t *record)
{
    json_t *file = json_load_file(w->record, 0, NULL);
    assert_true(json_equal(file, record));
    json_decref(file);
}

// The sequence ends at <step>, which says <text>; steps behind it were not reached.
static void fails(struct world *w, bool end, const char *step, const char *text)
{
    struct error err = {0};
    const json_t *row;
    bool before = true;
    size_t i;
    // A second look, where the first is what others are compared with.
    w->order.within_ms = strcmp(step, "warm") == 0 ? 500 : 0;
    json_t *record = (end ? day_end : day_start)(&w->asks, &w->order, &err);
    assert_non_null(record);
    if (strstr(err.text, text) == NULL || strstr(step_text(record, step, "said"), text) == NULL)
        fail_msg("'%s' is not in '%s'", text, err.text);
    assert_int_equal(strncmp(err.text, step, strlen(step)), 0);
    assert_true(err.code != EXIT_OK);
    assert_true(json_is_false(json_object_get(record, "complete")));
    json_array_foreach(json_object_get(record, "steps"), i, row)
    {
        const bool it = strcmp(day_text(row, "step"), step) == 0;
        before = before && !it;
        assert_string_equal(day_text(row, "state"), it       ? "failed"
                                                    : before ? "passed"
                                                             : "not reached");
    }
    written(w, record);
    json_decref(record);
}

// --- start ---

static void test_start(void **state)
{
    struct world *w = *state;
    struct error err = {0};
    json_t *record = day_start(&w->asks, &w->order, &err);
    assert_int_equal(err.code, EXIT_OK);
    assert_true(json_is_true(json_object_get(record, "complete")));
    assert_string_equal(w->script.asked, "reload resume ");
    assert_string_equal(step_text(record, "self-test", "said"), "48 controls hold");
    assert_string_equal(step_text(record, "arm", "said"),
                        "armed; 0 kills, halts or reductions of smaller scopes stay");
    written(w, record);
    json_decref(record);
}

static void test_start_that_is_armed(void **state)
{
    struct world *w = *state;
    struct error err = {0};
    script_set(w, "trading",
               "{\"lanes\":[{\"lane\":\"l0\"}],\"in_force\":[{\"scope\":\"symbol\"}]}", EXIT_OK,
               NULL);
    json_t *record = day_start(&w->asks, &w->order, &err);
    assert_int_equal(err.code, EXIT_OK);
    assert_string_equal(w->script.asked, "reload ");
    assert_string_equal(step_text(record, "arm", "said"),
                        "was armed already; 1 kills, halts or reductions of smaller scopes stay");
    json_decref(record);
}

// A step that fails: nothing behind it is asked.
static void start_fails(void **state, const char *method, const char *answer, enum exit_code wrong,
                        const char *step, const char *text, const char *asked)
{
    struct world *w = *state;
    script_set(w, method, answer, wrong, NULL);
    fails(w, false, step, text);
    assert_string_equal(w->script.asked, asked);
}

static void test_start_without_a_dataplane(void **state)
{
    start_fails(state, "status", "no region; start it", EXIT_NOT_CONNECTED, "node", "start it", "");
}

static void test_start_while_it_stops(void **state)
{
    start_fails(state, "status", "{\"state\":\"stopping\",\"journal\":{\"state\":\"writing\"}}",
                EXIT_OK, "node", "the dataplane is stopping", "");
}

static void test_start_without_a_journal(void **state)
{
    start_fails(state, "status", "{\"state\":\"ready\",\"journal\":{\"state\":\"full\"}}", EXIT_OK,
                "node", "the journal is full", "");
}

static void test_start_with_yesterdays_file(void **state)
{
    start_fails(state, "reload", "list.csv:1: effective date: is of 2026-11-20", EXIT_FAILED,
                "files", "list.csv:1", "reload ");
}

static void test_start_of_yesterdays_dataplane(void **state)
{
    start_fails(state, "reload",
                "{\"files\":[],\"started\":\"2026-11-20\",\"today\":\"2026-11-23\"}", EXIT_OK,
                "files", "was started for 2026-11-20, and today is 2026-11-23", "reload ");
}

static void test_start_with_a_control_that_does_not_hold(void **state)
{
    start_fails(state, "selftest", "1 controls do not hold: LOT", EXIT_STATE, "self-test",
                "do not hold: LOT", "reload ");
}

static void test_start_with_a_session_that_is_down(void **state)
{
    start_fails(state, "sessions",
                "{\"sessions\":[{\"session\":\"a\",\"state\":\"ready\"},"
                "{\"session\":\"b\",\"state\":\"login\"}]}",
                EXIT_OK, "sessions", "order session b is login", "reload ");
}

static void test_start_with_a_session_that_was_stopped(void **state)
{
    start_fails(state, "sessions",
                "{\"sessions\":[{\"session\":\"a\",\"state\":\"ready\",\"halted\":true}]}", EXIT_OK,
                "sessions", "stopped by its own checks", "reload ");
}

static void test_start_with_a_cold_lane(void **state)
{
    start_fails(state, "trading",
                "{\"lanes\":[{\"lane\":\"l0\"},{\"lane\":\"l1\",\"cold\":1,\"practised\":9}],"
                "\"in_force\":[]}",
                EXIT_OK, "warm", "lane l1 is cold: 0 practice orders", "reload ");
}

static void test_start_that_is_not_permitted(void **state)
{
    struct world *w = *state;
    struct error err = {0};
    script_set(w, "resume", "takes the role risk", EXIT_FORBIDDEN, NULL);
    json_t *record = day_start(&w->asks, &w->order, &err);
    assert_int_equal(err.code, EXIT_FORBIDDEN);
    assert_string_equal(step_text(record, "warm", "state"), "passed");
    assert_string_equal(step_text(record, "arm", "state"), "failed");
    json_decref(record);
}

// A kill that another asker has set is not taken back by ours.
static void test_start_that_stays_killed(void **state)
{
    struct world *w = *state;
    struct error err = {0};
    script_set(w, "trading",
               "{\"lanes\":[{\"lane\":\"l0\"}],"
               "\"in_force\":[{\"what\":\"kill\",\"scope\":\"global\",\"by\":\"direct\"}]}",
               EXIT_OK, NULL);
    json_t *record = day_start(&w->asks, &w->order, &err);
    assert_int_equal(err.code, EXIT_STATE);
    assert_non_null(strstr(err.text, "arm: the firm is still killed or halted"));
    json_decref(record);
}

// Nothing is touched without a record.
static void test_no_record(void **state)
{
    struct world *w = *state;
    struct error err = {0};
    snprintf(w->record, sizeof w->record, "%s/absent/record.json", w->rig.directory);
    assert_null(day_start(&w->asks, &w->order, &err));
    assert_non_null(strstr(err.text, w->record));
    assert_string_equal(w->script.asked, "");
}

// --- end ---

// A journal of some blocks; the script says that it ends there.
static void journal_make(struct world *w, uint32_t blocks)
{
    rig_open(&w->rig, 1);
    for (uint32_t i = 0; i < blocks; i++) {
        for (uint32_t k = 0; k < 20; k++)
            assert_true(rig_send(&w->rig));
        for (uint32_t k = 0; k < 100 && !journal_idle(&w->rig.journal); k++)
            rig_turn(&w->rig, 1000);
        assert_true(journal_idle(&w->rig.journal));
    }
    w->script.record = w->rig.journal.committed;
}

static const char *status_of(const struct world *w)
{
    static char text[512];
    snprintf(text, sizeof text, "{\"journal\":{\"state\":\"writing\",\"directory\":\"%s\"}}",
             w->rig.directory);
    return text;
}

static void is_text(const char *path, const char *want)
{
    char have[1024] = "";
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    have[fread(have, 1, sizeof have - 1, file)] = 0;
    fclose(file);
    assert_string_equal(have, want);
}

static void test_end(void **state)
{
    struct world *w = *state;
    struct error err = {0};
    struct journal_seal seal;
    journal_make(w, 3);
    script_set(w, "status", status_of(w), EXIT_OK, NULL);
    json_t *record = day_end(&w->asks, &w->order, &err);
    if (err.code != EXIT_OK)
        fail_msg("%s", err.text);
    assert_true(json_is_true(json_object_get(record, "complete")));
    assert_string_equal(w->script.asked, "halt cancel ");
    written(w, record);
    json_decref(record);
    is_text(w->positions, "tickgate,positions,1,2026-11-24\naccount,symbol,shares,price,lane\n"
                          "MM,AAPL,50,101.2500,l0\nMM,AAPL,-20,101.2500,l1\n"
                          "ARB,MSFT,-7,400.0000,l0\n");
    // It still holds when more has been written behind it, and when the journal is closed.
    assert_true(journal_seal_check(w->rig.directory, w->record, &seal, &err));
    assert_int_equal(seal.record, w->script.record);
    for (uint32_t k = 0; k < 20; k++)
        assert_true(rig_send(&w->rig));
    assert_true(journal_close(&w->rig.journal));
    assert_true(journal_seal_check(w->rig.directory, w->record, &seal, &err));
}

static void segment_change(const struct world *w, off_t at)
{
    char path[JOURNAL_PATH_MAX];
    uint8_t byte;
    assert_true(journal_segment_path(w->rig.directory, 1, path));
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

// A byte that was changed, a journal of other events, a record without a seal.
static void test_seals_that_do_not_hold(void **state)
{
    struct world *w = *state;
    struct error err = {0};
    struct journal_seal seal;
    journal_make(w, 3);
    script_set(w, "status", status_of(w), EXIT_OK, NULL);
    json_decref(day_end(&w->asks, &w->order, &err));
    assert_int_equal(err.code, EXIT_OK);
    assert_true(journal_close(&w->rig.journal));
    segment_change(w, JOURNAL_ALIGN_MAX + 300);
    assert_false(journal_seal_check(w->rig.directory, w->record, &seal, &err));
    segment_change(w, JOURNAL_ALIGN_MAX + 300);
    err = (struct error){0};
    assert_true(journal_seal_check(w->rig.directory, w->record, &seal, &err));

    json_t *record = json_load_file(w->record, 0, NULL);
    json_t *of_step = json_object_get(json_array_get(json_object_get(record, "steps"), 4), "seal");
    json_object_set_new(of_step, "hash", json_string("00"));
    assert_int_equal(json_dump_file(record, w->record, 0), 0);
    assert_false(journal_seal_check(w->rig.directory, w->record, &seal, &err));
    assert_non_null(strstr(err.text, "this is not what was written that day"));
    err = (struct error){0};
    json_object_set_new(of_step, "record", json_integer((json_int_t)w->script.record - 1));
    assert_int_equal(json_dump_file(record, w->record, 0), 0);
    assert_false(journal_seal_check(w->rig.directory, w->record, &seal, &err));
    assert_non_null(strstr(err.text, "no block ends with record"));
    err = (struct error){0};
    json_object_clear(record);
    assert_int_equal(json_dump_file(record, w->record, 0), 0);
    assert_false(journal_seal_check(w->rig.directory, w->record, &seal, &err));
    assert_non_null(strstr(err.text, "there is no seal in it"));
    json_decref(record);
}

static void end_fails(void **state, const char *method, const char *answer, enum exit_code wrong,
                      const char *step, const char *text)
{
    struct world *w = *state;
    script_set(w, method, answer, wrong, NULL);
    fails(w, true, step, text);
    if (strcmp(step, "seal") != 0)
        assert_int_equal(access(w->positions, F_OK), -1);
}

static void test_end_with_open_orders(void **state)
{
    end_fails(state, "trading",
              "{\"lanes\":[{\"open_orders\":0},{\"open_orders\":3}],\"in_force\":[]}", EXIT_OK,
              "cancel", "3 orders are still open");
    assert_string_equal(((struct world *)*state)->script.asked, "halt cancel ");
}

#define COPY(rest) "{\"drop_copies\":[{\"drop_copy\":\"d\",\"journal_read\":true," rest "}]}"

static void test_end_in_doubt(void **state)
{
    static const struct {
        const char *method, *answer, *step, *text;
    } ends[] = {
        {"sessions", "{\"sessions\":[{\"session\":\"a\",\"state\":\"connecting\"}]}", "reconcile",
         "order session a is connecting"},
        {"sessions",
         "{\"sessions\":[{\"session\":\"a\",\"state\":\"ready\",\"cancels_waiting\":2}]}",
         "reconcile", "2 cancels that wait"},
        {"orders", "{\"total\":1,\"missing\":0}", "reconcile", "by their events 1 orders are"},
        {"trading",
         "{\"lanes\":[{\"open_orders\":0}],\"in_force\":[{\"what\":\"quarantine\","
         "\"scope\":\"symbol\",\"name\":\"XYZ\",\"lane\":\"l0\"}]}",
         "reconcile", "an execution in XYZ on lane l0 is not claimed"},
        {"drop_copies", COPY("\"state\":\"up\",\"differing\":2"), "reconcile",
         "drop copy d is up: 2 executions or orders differ"},
        {"drop_copies", COPY("\"state\":\"up\",\"waiting\":1"), "reconcile", "differ, 1 wait"},
        {"drop_copies", COPY("\"state\":\"lost\""), "reconcile", "drop copy d is lost"},
        {"drop_copies", COPY("\"state\":\"up\",\"foreign\":3,\"foreign_before\":2,\"dropped\":7"),
         "reconcile", "and 8 messages of its session are of nobody here"},
        {"status", "{\"journal\":{\"state\":\"writing\",\"overrun_events\":5}}", "reconcile",
         "lacks 5 events"},
        {"status", "{\"journal\":{\"state\":\"slow\",\"behind_events\":9}}", "reconcile",
         "the journal is slow and 9 events behind"},
        {"positions",
         "{\"positions\":[{\"account\":\"a\",\"symbol\":\"XYZ\",\"state\":\"ok\",\"mark\":null,"
         "\"average\":null,\"lanes\":[{\"lane\":\"l0\",\"shares\":1}]}]}",
         "roll", "XYZ has no price"},
        {"positions", "{\"positions\":[{\"account\":\"a\",\"symbol\":\"XYZ\",\"state\":\"busy\"}]}",
         "roll", "being written all the time"},
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        end_fails(state, ends[i].method, ends[i].answer, EXIT_OK, ends[i].step, ends[i].text);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

static void test_end_with_a_damaged_journal(void **state)
{
    struct world *w = *state;
    journal_make(w, 3);
    segment_change(w, JOURNAL_ALIGN_MAX + 300);
    end_fails(state, "status", status_of(w), EXIT_OK, "seal", "damage");
    assert_true(journal_close(&w->rig.journal));
}

static void test_end_of_no_day(void **state)
{
    static const char *const wrong[][2] = {
        {"2026-02-30", "--next: '2026-02-30'"},
        {"2026-11-24", "--next: 2026-11-24 is over, it is 2026-11-25"},
        {"2026-11-25", "--next: 2026-11-25 does not follow: the dataplane was started for"},
        {"2026-11-26", "--next: no trading on 2026-11-26"}};
    struct world *w = *state;
    script_set(w, "calendar",
               "{\"today\":\"2026-11-25\",\"started\":\"2026-11-25\",\"next\":\"2026-11-27\"}",
               EXIT_OK, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error err = {0};
        w->order.next = wrong[i][0];
        assert_null(day_end(&w->asks, &w->order, &err));
        assert_int_equal(err.code, EXIT_USAGE);
        assert_non_null(strstr(err.text, wrong[i][1]));
        assert_string_equal(w->script.asked, "");
    }
}

// Without --next the calendar says which day follows; where it cannot, nothing is touched.
static void test_end_by_the_calendar(void **state)
{
    struct world *w = *state;
    struct error err = {0};
    char text[64] = "";
    w->order.next = NULL;
    assert_null(day_end(&w->asks, &w->order, &err));
    assert_int_equal(err.code, EXIT_STATE);
    assert_non_null(strstr(err.text, "names no calendar; or say which trading day follows with "
                                     "--next"));
    assert_string_equal(w->script.asked, "");
    journal_make(w, 3);
    assert_true(journal_close(&w->rig.journal));
    script_set(w, "calendar", "{\"today\":\"2026-11-25\",\"next\":\"2026-11-27\"}", EXIT_OK, NULL);
    script_set(w, "status", status_of(w), EXIT_OK, NULL);
    err = (struct error){0};
    json_decref(day_end(&w->asks, &w->order, &err));
    FILE *file = fopen(w->positions, "r");
    assert_true(file && fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "tickgate,positions,1,2026-11-27\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_start),
        TEST(test_start_that_is_armed),
        TEST(test_start_without_a_dataplane),
        TEST(test_start_while_it_stops),
        TEST(test_start_without_a_journal),
        TEST(test_start_with_yesterdays_file),
        TEST(test_start_of_yesterdays_dataplane),
        TEST(test_start_with_a_control_that_does_not_hold),
        TEST(test_start_with_a_session_that_is_down),
        TEST(test_start_with_a_session_that_was_stopped),
        TEST(test_start_with_a_cold_lane),
        TEST(test_start_that_is_not_permitted),
        TEST(test_start_that_stays_killed),
        TEST(test_no_record),
        TEST(test_end),
        TEST(test_seals_that_do_not_hold),
        TEST(test_end_with_open_orders),
        TEST(test_end_in_doubt),
        TEST(test_end_with_a_damaged_journal),
        TEST(test_end_of_no_day),
        TEST(test_end_by_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
