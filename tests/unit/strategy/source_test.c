// The policy of sources of signals: each bound just inside, at and just outside of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/strategy/source.h"

enum { SECOND = 1000, NS = 1000000 }; // ticks are milliseconds

static struct signal_table t;
static uint64_t now;
static struct signal_facts facts;

static const struct signal_policy strict = {.rate_ticks = 100,
                                            .burst_ticks = 200, // three at once
                                            .faults_ticks = SECOND,
                                            .rest_ticks = 5000,
                                            .silence_ticks = 2000,
                                            .second_ticks = SECOND,
                                            .ahead_ns = 10 * NS,
                                            .faults = 3,
                                            .confidence = 500};

static void add(uint32_t source, uint16_t first, const struct signal_policy *policy)
{
    signal_add(&t, source, first, policy);
}

static int begin(void **state)
{
    (void)state;
    signals_init(&t, 4);
    add(0, 0, &strict);
    now = 1000000;
    facts = (struct signal_facts){.run = 1,
                                  .number = 0,
                                  .as_of_ns = now * NS,
                                  .ttl_ms = 50,
                                  .confidence = 9000,
                                  .sound = true,
                                  .symbol = true};
    return 0;
}

// The next number, taken if it may be.
static enum signal_verdict offer(uint32_t source, uint64_t number)
{
    facts.number = number;
    const enum signal_verdict v = signal_judge(&t, source, &facts, now, now * NS);
    if (v == SIGNAL_TAKEN)
        signal_keep(&t, source, now);
    return v;
}

static enum signal_verdict fresh(uint32_t source, uint64_t number)
{
    facts.as_of_ns = now * NS;
    return offer(source, number);
}

static uint8_t state_of(uint32_t source)
{
    return t.sources[source].state;
}

static void numbers_go_on(void **state)
{
    (void)state;
    const struct signal_counters *c = &t.sources[0].count;
    assert_int_equal(state_of(0), SIGNAL_STATE_WAITING);
    assert_int_equal(fresh(0, 0), SIGNAL_FORMAT);
    now += 1000;
    assert_int_equal(fresh(0, 40), SIGNAL_TAKEN); // the first may have any
    assert_int_equal(state_of(0), SIGNAL_STATE_GOOD);
    now += 1000;
    assert_int_equal(fresh(0, 41), SIGNAL_TAKEN);
    now += 1000;
    assert_int_equal(fresh(0, 41), SIGNAL_DUPLICATE);
    assert_int_equal(fresh(0, 40), SIGNAL_BACK);
    now += 1000;
    assert_int_equal(fresh(0, 43), SIGNAL_TAKEN); // one is missing, and that is all
    assert_true(c->missing == 1 && c->faults == 1 && c->number == 43);
    // Who begins anew says so; who goes back to an earlier run does not.
    now += 1000;
    facts.run = 2;
    assert_int_equal(fresh(0, 1), SIGNAL_TAKEN);
    facts.run = 1;
    assert_int_equal(fresh(0, 44), SIGNAL_BACK);
    facts.run = 2;
    assert_int_equal(fresh(0, 2), SIGNAL_TAKEN);
    assert_true(c->refused_format == 1 && c->refused_duplicate == 1 && c->refused_back == 2);
    assert_true(c->told == 5 && c->stood_by == 0);
    // The number of what is not sound is not believed: it may come again, or it is missing.
    now += 1000;
    facts.sound = false;
    assert_int_equal(fresh(0, 3), SIGNAL_FORMAT);
    facts.sound = true;
    assert_int_equal(fresh(0, 3), SIGNAL_TAKEN);
    assert_true(c->refused_format == 2 && c->missing == 1 && c->number == 3);
}

static void time_goes_on(void **state)
{
    (void)state;
    facts.as_of_ns = now * NS + 10 * NS; // as far ahead as clocks may differ
    assert_int_equal(offer(0, 1), SIGNAL_TAKEN);
    now += 500;
    facts.as_of_ns = now * NS + 10 * NS + 1;
    assert_int_equal(offer(0, 2), SIGNAL_FUTURE);
    now += 500;
    facts.as_of_ns = now * NS - 50 * NS + 1; // good for 50 ms
    assert_int_equal(offer(0, 3), SIGNAL_TAKEN);
    now += 500;
    facts.as_of_ns = now * NS - 50 * NS;
    assert_int_equal(offer(0, 4), SIGNAL_LATE);
    now += 500;
    facts.as_of_ns -= 1; // behind the one that was late
    assert_int_equal(offer(0, 5), SIGNAL_BACK);
    now += 500;
    facts.as_of_ns += 1;
    facts.ttl_ms = 0; // always good
    assert_int_equal(offer(0, 6), SIGNAL_TAKEN);
    now += 2000;
    facts.as_of_ns = UINT64_MAX;
    facts.ttl_ms = UINT32_MAX;
    assert_int_equal(offer(0, 7), SIGNAL_FUTURE);
    // What was refused as future does not move what counts as back.
    assert_int_equal(fresh(0, 8), SIGNAL_TAKEN);
}

static void a_flood_ends_at_the_rate(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 3; n++)
        assert_int_equal(fresh(0, n), SIGNAL_TAKEN);
    assert_int_equal(fresh(0, 4), SIGNAL_RATE);
    now += 99;
    assert_int_equal(fresh(0, 5), SIGNAL_RATE);
    now += 1;
    assert_int_equal(fresh(0, 6), SIGNAL_TAKEN);
    assert_int_equal(state_of(0), SIGNAL_STATE_GOOD);
    assert_int_equal(fresh(0, 7), SIGNAL_RATE); // the third fault
    assert_int_equal(state_of(0), SIGNAL_STATE_OPEN);
    assert_int_equal(fresh(0, 8), SIGNAL_BREAKER);
    assert_true(t.sources[0].count.refused_rate == 3 && t.sources[0].count.refused_breaker == 1);
    assert_int_equal(t.sources[0].fault, SIGNAL_RATE);
}

static void who_is_not_sure_enough(void **state)
{
    (void)state;
    facts.confidence = 500;
    assert_int_equal(fresh(0, 1), SIGNAL_TAKEN);
    facts.confidence = 499;
    assert_int_equal(fresh(0, 2), SIGNAL_CONFIDENCE);
    facts.confidence = 10000;
    assert_int_equal(fresh(0, 3), SIGNAL_TAKEN);
    now += 1000;
    facts.confidence = 10001;
    assert_int_equal(fresh(0, 4), SIGNAL_FORMAT);
    facts.confidence = 9000;
    facts.symbol = false;
    assert_int_equal(fresh(0, 4), SIGNAL_SYMBOL);
    facts.symbol = true;
    facts.sound = false;
    assert_int_equal(fresh(0, 5), SIGNAL_FORMAT);
    // Low confidence and foreign symbols are no faults.
    assert_int_equal(t.sources[0].count.faults, 2);
}

// Three faults within a second, counted from the first of them.
static void the_breaker_opens_and_closes(void **state)
{
    (void)state;
    assert_int_equal(fresh(0, 10), SIGNAL_TAKEN);
    for (uint32_t i = 0; i < 2; i++, now += 499)
        assert_int_equal(fresh(0, 10), SIGNAL_DUPLICATE);
    now += 2; // a second after the first: they count no more
    assert_int_equal(fresh(0, 10), SIGNAL_DUPLICATE);
    assert_int_equal(t.sources[0].count.faults, 1);
    assert_int_equal(fresh(0, 10), SIGNAL_DUPLICATE);
    assert_int_equal(state_of(0), SIGNAL_STATE_GOOD);
    now += 999; // and just before it they do
    assert_int_equal(fresh(0, 10), SIGNAL_DUPLICATE);
    assert_int_equal(state_of(0), SIGNAL_STATE_OPEN);
    assert_int_equal(t.sources[0].count.opened, 1);
    assert_int_equal(signal_choose(&t, 0), SIGNAL_NOBODY);
    now += 4999;
    assert_int_equal(fresh(0, 11), SIGNAL_BREAKER);
    assert_int_equal(signals_due(&t, now), 0);
    now += 1;
    assert_true(t.deadline <= now);
    assert_int_equal(signals_due(&t, now), 1);
    assert_int_equal(state_of(0), SIGNAL_STATE_WAITING);
    assert_int_equal(signal_choose(&t, 0), SIGNAL_NOBODY); // until it has sent a good one
    assert_int_equal(fresh(0, 12), SIGNAL_TAKEN);          // 11 was heard, and is not missing
    assert_int_equal(t.sources[0].count.missing, 0);
    assert_true(state_of(0) == SIGNAL_STATE_GOOD && t.sources[0].count.faults == 0);
}

static void each_that_is_missing_is_a_fault(void **state)
{
    (void)state;
    assert_int_equal(fresh(0, 1), SIGNAL_TAKEN);
    assert_int_equal(fresh(0, 4), SIGNAL_TAKEN); // two
    assert_int_equal(t.sources[0].count.faults, 2);
    now += 1000;
    assert_int_equal(fresh(0, 8), SIGNAL_BREAKER); // three at once
    assert_int_equal(state_of(0), SIGNAL_STATE_OPEN);
    assert_int_equal(t.sources[0].count.missing, 5);
    now += 5000;
    signals_due(&t, now);
    assert_int_equal(fresh(0, UINT64_MAX), SIGNAL_BREAKER); // as many as there are
    assert_int_equal(state_of(0), SIGNAL_STATE_OPEN);
}

static void a_breaker_without_rest_waits_for_a_person(void **state)
{
    struct signal_policy by_hand = strict;
    (void)state;
    by_hand.rest_ticks = UINT64_MAX;
    add(1, 1, &by_hand);
    assert_int_equal(fresh(1, 1), SIGNAL_TAKEN);
    assert_false(signal_resume(&t, 1));
    for (uint32_t i = 0; i < 3; i++)
        fresh(1, 1);
    assert_int_equal(state_of(1), SIGNAL_STATE_OPEN);
    now += UINT32_MAX;
    signals_due(&t, now);
    assert_int_equal(state_of(1), SIGNAL_STATE_OPEN);
    assert_true(signal_resume(&t, 1));
    assert_int_equal(fresh(1, 2), SIGNAL_TAKEN);
    // And what a person stops stays so, whatever comes.
    assert_true(signal_stop(&t, 1));
    assert_false(signal_stop(&t, 1));
    assert_int_equal(fresh(1, 3), SIGNAL_BREAKER);
    now += UINT32_MAX;
    signals_due(&t, now);
    assert_int_equal(state_of(1), SIGNAL_STATE_STOPPED);
    assert_true(signal_resume(&t, 1));
    assert_int_equal(state_of(1), SIGNAL_STATE_WAITING);
}

// A sender whose clock was set back, and one damaged number: everything behind it goes back.
static void whom_a_person_resumes_begins_anew(void **state)
{
    (void)state;
    facts.run = UINT64_MAX;
    assert_int_equal(fresh(0, UINT64_MAX), SIGNAL_TAKEN);
    now += 1000;
    facts.run = 1;
    facts.as_of_ns = (now - 2000) * NS;
    facts.ttl_ms = 5000;
    for (uint64_t n = 1; n <= 3; n++)
        assert_int_equal(offer(0, n), SIGNAL_BACK);
    assert_int_equal(state_of(0), SIGNAL_STATE_OPEN);
    now += 5000;
    signals_due(&t, now);
    facts.as_of_ns = (now - 3500) * NS; // and what rests by itself does not begin anew
    for (uint64_t n = 4; n <= 6; n++)
        assert_int_equal(offer(0, n), SIGNAL_BACK);
    assert_int_equal(state_of(0), SIGNAL_STATE_OPEN);
    assert_true(signal_resume(&t, 0));
    now += 1000;
    facts.as_of_ns = UINT64_C(1000000) * NS - 1; // behind the first of all
    facts.ttl_ms = 0;
    assert_int_equal(offer(0, 7), SIGNAL_TAKEN);
    assert_int_equal(offer(0, 7), SIGNAL_DUPLICATE);
    facts.as_of_ns -= 1;
    assert_int_equal(offer(0, 8), SIGNAL_BACK);
    assert_int_equal(t.sources[0].count.missing, 0);
}

static void without_a_bound_no_breaker_opens(void **state)
{
    struct signal_policy open = strict;
    (void)state;
    open.faults = 0;
    add(2, 2, &open);
    assert_int_equal(fresh(2, 7), SIGNAL_TAKEN);
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_not_equal(fresh(2, 7), SIGNAL_TAKEN);
    assert_int_equal(state_of(2), SIGNAL_STATE_GOOD);
}

static void silence_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(fresh(0, 1), SIGNAL_TAKEN);
    now += 1999;
    signals_due(&t, now);
    assert_int_equal(state_of(0), SIGNAL_STATE_GOOD);
    now += 1;
    assert_true(t.deadline <= now);
    assert_int_equal(signals_due(&t, now), 1);
    assert_int_equal(state_of(0), SIGNAL_STATE_SILENT);
    assert_int_equal(t.sources[0].count.silences, 1);
    assert_int_equal(fresh(0, 2), SIGNAL_TAKEN);
    assert_int_equal(state_of(0), SIGNAL_STATE_GOOD);
    // What is refused does not break it.
    now += 1500;
    assert_int_equal(fresh(0, 2), SIGNAL_DUPLICATE);
    now += 500;
    assert_int_equal(signals_due(&t, now), 1);
    assert_int_equal(state_of(0), SIGNAL_STATE_SILENT);
}

// Three of one role, and one by itself between them.
static void the_first_that_is_good_is_heard(void **state)
{
    (void)state;
    add(1, 0, &strict);
    add(2, 2, &strict);
    add(3, 0, &strict);
    assert_int_equal(fresh(2, 1), SIGNAL_TAKEN);
    assert_true(t.heard[0] == SIGNAL_NOBODY && t.heard[2] == 2);
    assert_int_equal(fresh(3, 1), SIGNAL_TAKEN);
    assert_int_equal(t.heard[0], 3);
    assert_int_equal(fresh(1, 1), SIGNAL_TAKEN);
    assert_int_equal(t.heard[0], 1);
    assert_int_equal(fresh(0, 1), SIGNAL_TAKEN);
    assert_int_equal(t.heard[0], 0);
    now += 1000;
    assert_int_equal(fresh(1, 2), SIGNAL_TAKEN);
    assert_int_equal(fresh(3, 2), SIGNAL_TAKEN);
    assert_true(t.sources[1].count.stood_by == 1 && t.sources[3].count.stood_by == 1);
    assert_true(t.sources[0].count.heard == 1 && t.sources[1].count.heard == 0);
    now += 1000; // the first falls silent, then a person stops the second
    assert_int_equal(signals_due(&t, now), 2);
    assert_int_equal(signal_choose(&t, 0), 1);
    signal_stop(&t, 1);
    assert_int_equal(signal_choose(&t, 0), 3);
    assert_int_equal(fresh(0, 2), SIGNAL_TAKEN);
    assert_int_equal(t.heard[0], 0);
    signal_stop(&t, 0);
    signal_stop(&t, 3);
    assert_int_equal(signal_choose(&t, 0), SIGNAL_NOBODY);
    assert_true(t.sources[0].count.heard == 0 && t.heard[2] == 2);
}

static void the_rate_is_that_of_the_last_second(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 3; n++)
        fresh(0, n);
    assert_int_equal(t.sources[0].count.rate, 0);
    now += 1000;
    assert_true(t.deadline <= now);
    signals_due(&t, now);
    assert_int_equal(t.sources[0].count.rate, 3);
    now += 1000;
    signals_due(&t, now);
    assert_int_equal(t.sources[0].count.rate, 0);
    now += 1000;
    signals_due(&t, now);
    assert_true(t.sources[0].state == SIGNAL_STATE_SILENT && t.deadline == UINT64_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(numbers_go_on),
        TEST(time_goes_on),
        TEST(a_flood_ends_at_the_rate),
        TEST(who_is_not_sure_enough),
        TEST(the_breaker_opens_and_closes),
        TEST(each_that_is_missing_is_a_fault),
        TEST(a_breaker_without_rest_waits_for_a_person),
        TEST(whom_a_person_resumes_begins_anew),
        TEST(without_a_bound_no_breaker_opens),
        TEST(silence_is_noticed),
        TEST(the_first_that_is_good_is_heard),
        TEST(the_rate_is_that_of_the_last_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
