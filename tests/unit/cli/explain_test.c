// The story of an order over a restart: what is first said of it there names its place, or not.
#include "tests/lib/journal_rig.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/cli/command.h"
#include "controlplane/control/event_view.h"

static struct journal_rig rig;
static uint64_t sequence;

enum life { LIVE = 1, DEAD = 3 };

static int make(void **state)
{
    (void)state;
    rig_make(&rig);
    rig_open(&rig, 1);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    rig_remove(&rig);
    return 0;
}

static void instance(uint64_t epoch, bool restores)
{
    const struct journal_instance i = {.epoch = epoch, .restores = restores, .node = "here"};
    sequence = 0;
    assert_true(journal_instance(&rig.journal, &i, 1));
}

static void say(struct event *event)
{
    event->sequence = ++sequence;
    event->tsc = sequence;
    assert_true(journal_event(&rig.journal, 0, EVENT_RING_TRADING, event, sequence, 1));
}

static void decides(char kind, uint32_t place, uint32_t ref, uint64_t client_id)
{
    struct event event = {.type = EVENT_DECISION};
    event.decision.kind = (uint8_t)kind;
    event.decision.order = place;
    event.decision.ref = ref;
    event.decision.client_id = client_id;
    say(&event);
}

static void answers(uint32_t place, uint32_t ref, enum life life)
{
    struct event event = {.type = EVENT_ORDER};
    event.order.order = place;
    event.order.ref = event.order.named = ref;
    event.order.life = (uint8_t)life;
    say(&event);
}

// Two orders, of which the other one has <client_id>; the instance that goes on from the journal
// has other places for them.
static void entered(uint64_t client_id)
{
    instance(5, false);
    decides('O', 3, 1, 70);
    answers(3, 1, LIVE);
    decides('O', 4, 2, client_id);
    answers(4, 2, LIVE);
    instance(6, true);
}

// The steps that are told of the order; owned. <id>: a reference, or # and the number of a
// DECISION.
static json_t *steps_of_id(const char *id)
{
    char path[512];
    struct error err = {0};
    json_error_t wrong;
    rig_path(&rig, "said", path);
    const struct invocation ask = {
        .options = json_pack("{s:s,s:s}", "ID", id, "DIR", rig.directory), .json = true};
    fflush(stdout);
    const int out = dup(STDOUT_FILENO);
    assert_non_null(freopen(path, "w", stdout));
    run_explain(&ask, &err);
    fflush(stdout);
    assert_int_equal(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
    close(out);
    json_decref(ask.options);
    assert_int_equal(err.code, EXIT_OK);
    json_t *steps = json_load_file(path, 0, &wrong);
    assert_true(json_is_array(steps));
    return steps;
}

static json_t *steps_of(uint32_t ref)
{
    char text[16];
    snprintf(text, sizeof text, "%u", ref);
    return steps_of_id(text);
}

// References as its events name them, 0 behind the last.
static void told(uint32_t ref, uint32_t refs[16])
{
    const json_t *step;
    size_t i;
    json_t *steps = steps_of(ref);
    assert_true(json_array_size(steps) < 16);
    memset(refs, 0, 16 * sizeof *refs);
    json_array_foreach(steps, i, step) refs[i] =
        (uint32_t)json_integer_value(json_object_get(json_object_get(step, "fields"), "ref"));
    json_decref(steps);
}

static void tells(uint32_t ref, const uint32_t wanted[16])
{
    uint32_t refs[16];
    told(ref, refs);
    assert_memory_equal(refs, wanted, sizeof refs);
}

static void test_a_replace_is_first_after_a_restart(void **state)
{
    (void)state;
    static const uint32_t story[16] = {1, 1, 3, 3, 4, 4}, other[16] = {2, 2, 2};
    entered(71);
    decides('U', 9, 3, 70);
    answers(9, 3, LIVE);
    decides('U', 9, 4, 70);
    answers(9, 4, DEAD);
    answers(8, 2, DEAD);
    assert_true(journal_close(&rig.journal));
    tells(1, story);
    tells(3, story); // from where it was entered, by the reference of the replace, too
    tells(2, other);
}

static void test_a_modify_is_first_after_a_restart(void **state)
{
    (void)state;
    static const uint32_t story[16] = {1, 1, 1, 1};
    entered(70);
    decides('M', 9, 1, 70);
    answers(9, 1, DEAD);
    assert_true(journal_close(&rig.journal));
    tells(1, story);
}

// Nothing says whose replace it is: it is told of neither, and begins a story of its own.
static void test_two_orders_are_alike(void **state)
{
    (void)state;
    static const uint32_t one[16] = {1, 1}, other[16] = {2, 2}, replace[16] = {3, 3};
    entered(70);
    decides('U', 9, 3, 70);
    answers(9, 3, DEAD);
    assert_true(journal_close(&rig.journal));
    tells(1, one);
    tells(2, other);
    tells(3, replace);
}

// Numbers of clients begin anew with a day: the order of the day before was another.
static void test_the_same_number_on_another_day(void **state)
{
    (void)state;
    static const uint32_t story[16] = {1, 1, 3, 3};
    instance(4, false);
    decides('O', 3, 1, 70);
    answers(3, 1, LIVE);
    entered(71);
    decides('U', 9, 3, 70);
    answers(9, 3, DEAD);
    assert_true(journal_close(&rig.journal));
    tells(1, story);
    tells(3, story);
}

// The place of an order that is over has another one when its trade is broken, by the reference
// that it had when it traded.
static void breaks(uint8_t session, uint32_t ref)
{
    struct event event = {.type = EVENT_ORDER};
    event.order.order = UINT32_MAX;
    event.order.session = session;
    event.order.ref = event.order.named = ref;
    event.order.life = DEAD;
    event.order.broken_shares = 100;
    say(&event);
}

static void test_a_trade_is_broken_behind_the_end(void **state)
{
    (void)state;
    static const uint32_t story[16] = {1, 1, 2, 2, 2, 1, 2, 1}, other[16] = {3, 3, 3};
    instance(5, false);
    decides('O', 3, 1, 70);
    answers(3, 1, LIVE);
    decides('U', 3, 2, 70);
    answers(3, 2, LIVE);
    answers(3, 2, DEAD);
    decides('O', 3, 3, 71);
    answers(3, 3, LIVE);
    breaks(0, 1);
    breaks(1, 1); // of another session
    breaks(0, 2);
    answers(3, 3, DEAD);
    instance(6, true);
    breaks(0, 1);
    decides('O', 3, 1, 72); // references have begun anew
    breaks(0, 2);
    instance(7, false);
    breaks(0, 2);
    assert_true(journal_close(&rig.journal));
    tells(2, story);
    tells(3, other);
}

static void route_begins(uint32_t route, uint32_t round)
{
    struct event event = {.type = EVENT_ROUTE, .input = round};
    event.route.route = route;
    event.route.round = round;
    event.route.client_id = 77;
    event.route.how = ROUTE_SPLIT;
    event.route.side = 'B';
    event.route.best = 1000000;
    say(&event);
}

// <place>: of the child that went there, 0: none did.
static void venue_is(uint32_t route, uint32_t round, uint8_t session, uint32_t place,
                     enum route_verdict verdict)
{
    struct event event = {.type = EVENT_ROUTE_VENUE, .input = round};
    event.route_venue.route = route;
    event.route_venue.round = round;
    event.route_venue.session = session;
    event.route_venue.order = place ? place : UINT32_MAX;
    event.route_venue.decision = place ? sequence : 0;
    event.route_venue.verdict = (uint8_t)verdict;
    say(&event);
}

static bool step_is(const json_t *steps, size_t at, const char *event, const char *why)
{
    const json_t *step = json_array_get(steps, at);
    const char *said = json_string_value(json_object_get(step, "why"));
    return strcmp(json_string_value(json_object_get(step, "event")), event) == 0 &&
           (why == NULL || strcmp(said ? said : "", why) == 0);
}

// A child of a routed order: what was to be placed, and what was decided about every venue, also
// before it.
static void test_a_part_of_a_routed_order(void **state)
{
    (void)state;
    instance(5, false);
    route_begins(1, 1); // another one, in the same place before
    venue_is(1, 1, 0, 0, VENUE_PRICE);
    route_begins(1, 2);
    decides('O', 3, 1, 77);
    venue_is(1, 2, 0, 3, VENUE_TAKES);
    decides('O', 4, 2, 77);
    venue_is(1, 2, 1, 4, VENUE_TAKES);
    venue_is(1, 2, 2, 0, VENUE_QUALITY);
    answers(4, 2, LIVE);
    decides('O', 5, 3, 78); // nobody's part
    route_begins(1, 3);
    venue_is(1, 3, 2, 0, VENUE_SPENT);
    answers(3, 1, DEAD);
    answers(4, 2, DEAD);
    answers(5, 3, DEAD);
    assert_true(journal_close(&rig.journal));
    json_t *steps = steps_of(2);
    assert_int_equal(json_array_size(steps), 7);
    const json_t *route = json_array_get(steps, 0);
    assert_true(step_is(steps, 0, "ROUTE", NULL));
    assert_string_equal(json_string_value(json_object_get(route, "how")), "split");
    assert_string_equal(json_string_value(json_object_get(route, "best")), "100.0000");
    assert_true(step_is(steps, 1, "ROUTE_VENUE", "A child order went there"));
    assert_true(step_is(steps, 2, "DECISION", NULL));
    assert_true(step_is(steps, 3, "ROUTE_VENUE", "A child order went there"));
    assert_true(step_is(steps, 4, "ROUTE_VENUE", "Its book is not good: see the quality beside"));
    assert_true(step_is(steps, 5, "ORDER", NULL) && step_is(steps, 6, "ORDER", NULL));
    json_decref(steps);
    steps = steps_of(3);
    assert_int_equal(json_array_size(steps), 2);
    json_decref(steps);
}

// The gate refused a child: its share went to another venue in the next round, which is not its
// story.
static void test_a_refused_part_of_a_routed_order(void **state)
{
    (void)state;
    struct event event = {.type = EVENT_DECISION, .input = 2};
    event.decision.kind = 'O';
    event.decision.order = UINT32_MAX;
    event.decision.refusal = REFUSAL_POSITION;
    instance(5, false);
    route_begins(1, 2);
    decides('O', 4, 2, 77);
    venue_is(1, 2, 1, 4, VENUE_TAKES);
    say(&event);
    const uint64_t refused = sequence;
    venue_is(1, 2, 0, UINT32_MAX, VENUE_REFUSED);
    venue_is(1, 2, 2, 0, VENUE_QUALITY);
    route_begins(1, 3);
    venue_is(1, 3, 2, 0, VENUE_SPENT);
    answers(4, 2, DEAD);
    assert_true(journal_close(&rig.journal));
    char id[24];
    snprintf(id, sizeof id, "#%" PRIu64, refused);
    json_t *steps = steps_of_id(id);
    assert_int_equal(json_array_size(steps), 5);
    assert_true(step_is(steps, 0, "ROUTE", NULL));
    assert_true(step_is(steps, 1, "ROUTE_VENUE", "A child order went there"));
    assert_true(step_is(steps, 2, "DECISION", NULL));
    assert_true(step_is(steps, 3, "ROUTE_VENUE", refusal_help(0)));
    assert_true(step_is(steps, 4, "ROUTE_VENUE", "Its book is not good: see the quality beside"));
    json_decref(steps);
}

// Numbers of 64 bits, with a sign and without, are said as they are.
static void test_large_numbers_and_negative_ones(void **state)
{
    (void)state;
    const struct event_names none = {0};
    struct logged_event logged = {.event = {.type = EVENT_SIGNAL, .signal = {.value_0 = -7}}};
    json_t *view = event_view(&logged, "", &none);
    const json_t *fields = json_object_get(view, "fields");
    assert_int_equal(json_integer_value(json_object_get(fields, "value_0")), -7);
    json_decref(view);
    instance(5, false);
    decides('O', 3, 1, UINT64_MAX);
    decides('O', 4, 2, INT64_MAX);
    assert_true(journal_close(&rig.journal));
    json_t *steps = steps_of(1);
    fields = json_object_get(json_array_get(steps, 0), "fields");
    assert_string_equal(json_string_value(json_object_get(fields, "client_id")),
                        "18446744073709551615");
    json_decref(steps);
    steps = steps_of(2);
    fields = json_object_get(json_array_get(steps, 0), "fields");
    assert_true(json_integer_value(json_object_get(fields, "client_id")) == INT64_MAX);
    json_decref(steps);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, make, drop)
    const struct CMUnitTest tests[] = {
        CASE(test_a_replace_is_first_after_a_restart),
        CASE(test_a_modify_is_first_after_a_restart),
        CASE(test_two_orders_are_alike),
        CASE(test_the_same_number_on_another_day),
        CASE(test_a_trade_is_broken_behind_the_end),
        CASE(test_a_part_of_a_routed_order),
        CASE(test_a_refused_part_of_a_routed_order),
        CASE(test_large_numbers_and_negative_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
