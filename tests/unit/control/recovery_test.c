// The re-request client: how it asks, what it believes, and that nothing gets lost between server
// and lane.
#include "tests/unit/control/recovery_rig.h"

// --- asking ---

// One turn of everybody, <after_us> later: requests go out, the server answers each with at most
// <most> messages, the lane takes what is there. Returns the requests.
static uint32_t exchange_turn(uint64_t after_us, uint32_t most)
{
    struct rig_ask ask;
    uint32_t asked = 0;
    rig_turn(after_us);
    for (; rig_asked(&ask); asked++)
        rig_answer(&ask, ask.first, ask.count < most ? ask.count : most);
    recovery_turn(&rig.recovery, rig.now); // what it asks now is for the next turn
    rig_lane();
    return asked;
}

// A server with a round trip of a turn: a window of requests has to be on its way at a time, or it
// takes as many turns as there are datagrams.
static void long_gap_is_asked_for_in_parts_side_by_side(void **state)
{
    (void)state;
    rig_open(rig_config());
    rig_request(5, 100000);
    uint32_t turns = 0, most = 0;
    while (rig.next < 100005) {
        uint32_t asked = exchange_turn(100, 40);
        most = asked > most ? asked : most;
        assert_true(++turns < 100);
    }
    assert_in_range(most, RECOVERY_WINDOW * 3 / 4, RECOVERY_WINDOW);
    // Parts are as long as the server's datagrams: hardly a request more than there are of them.
    assert_in_range(rig.count.requests_sent, 2500, 2500 * 9 / 8);
    assert_int_equal(rig.count.request_retries, 0);
    assert_false(rig.recovery.active);
    rig_turn(1000000);
    assert_false(rig_asked(&(struct rig_ask){0}));
    rig_close();
}

static void first_request_is_alone(void **state)
{
    (void)state;
    struct rig_ask ask;
    rig_open(rig_config());
    rig_request(1, 1000);
    rig_turn(0);
    assert_true(rig_asked(&ask));
    assert_int_equal(ask.first, 1);
    assert_int_equal(ask.count, 64);
    assert_false(rig_asked(&ask));
    rig_answer(&ask, 1, 64);
    rig_turn(0);
    assert_true(rig_asked(&ask));
    assert_int_equal(ask.first, 65);
    assert_true(rig_asked(&ask));
    assert_int_equal(ask.first, 129);
    assert_false(rig_asked(&ask)); // two after one answer
    rig_lane();
    rig_close();
}

// The bound holds for one long gap and for many short ones, whatever the server could do.
static void rate_is_bounded(void **state)
{
    (void)state;
    struct config_recovery config = rig_config();
    config.rate_per_s = 10000;
    for (int gaps = 0; gaps < 2; gaps++) {
        rig_open(config);
        uint64_t from = 1;
        for (uint32_t i = 0; i < 20000; i++) { // 200 ms
            if (rig.next == from || i == 0)
                rig_request(from, gaps ? 1 : 1000000);
            exchange_turn(10, 1);
            if (gaps && rig.next > from)
                from = rig.next;
        }
        // Ten milliseconds' worth ahead.
        assert_in_range(rig.count.requests_sent, 1980, 2000 + 100);
        rig_close();
    }
    config.rate_per_s = 100; // no more than that: one at a time
    rig_open(config);
    rig_request(1, 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(exchange_turn(100, 1) <= 1);
    assert_in_range(rig.count.requests_sent, 9, 11);
    rig_close();
}

// --- silence ---

static void assert_asked_at(uint64_t start, uint64_t after_ms, uint32_t server)
{
    struct rig_ask ask;
    const uint64_t due = start + after_ms * 1000 * us;
    rig.now = due - 1;
    rig_turn(0);
    assert_false(rig_asked(&ask));
    rig.now = due;
    rig_turn(0);
    assert_true(rig_asked(&ask));
    assert_int_equal(ask.server, server);
    assert_int_equal(ask.first, 7);
}

static void silence_is_met_with_retries_then_the_next_server_then_failure(void **state)
{
    (void)state;
    struct config_recovery config = rig_config();
    config.server_count = 2;
    rig_open(config);
    rig_request(7, 10);
    struct rig_ask ask;
    const uint64_t start = rig.now;
    rig_turn(0);
    assert_true(rig_asked(&ask));
    assert_asked_at(start, 20, 0);
    assert_asked_at(start, 20 + 40, 0);
    assert_asked_at(start, 20 + 40 + 80, 1);
    assert_asked_at(start, 140 + 20, 1);
    assert_asked_at(start, 140 + 20 + 40, 1);
    rig.now = start + 280 * 1000 * us - 1;
    rig_turn(0);
    assert_int_equal(rig_lane(), 0);
    rig.now++;
    rig_turn(0);
    rig_lane();
    assert_int_equal(rig.failures, 1);
    assert_int_equal(rig.failed_from, 7);
    assert_int_equal(rig.count.request_retries, 5);
    rig_turn(1000000);
    assert_int_equal(rig_lane(), 0);
    rig_close();

    config.server_count = 0; // nobody to ask
    rig_open(config);
    rig_request(7, 10);
    rig_turn(0);
    rig_lane();
    assert_int_equal(rig.failures, 1);
    rig_close();
}

// The first of a pair is dead: once the second has answered, everything else goes there.
static void server_that_answers_is_asked_first(void **state)
{
    (void)state;
    struct config_recovery config = rig_config();
    struct rig_ask ask;
    config.server_count = 2;
    rig_open(config);
    rig_request(1, 100000);
    uint32_t dead = 0, turns = 0;
    while (rig.next < 100001) {
        rig_turn(1000);
        while (rig_asked(&ask)) {
            dead += ask.server == 0;
            if (ask.server == 1)
                rig_answer(&ask, ask.first, ask.count);
        }
        rig_turn(0);
        rig_lane();
        assert_true(++turns < 2000);
    }
    assert_int_equal(dead, 3); // a request and its retries
    // It dies too, with a window of requests on its way: the other one has everything.
    rig_request(100001, 100000);
    uint32_t switched = 0;
    for (turns = 0; rig.next < 200001; turns++) {
        rig_turn(1000);
        while (rig_asked(&ask)) {
            switched += ask.server == 1;
            if (ask.server == 0)
                rig_answer(&ask, ask.first, ask.count);
        }
        rig_turn(0);
        rig_lane();
        assert_true(turns < 2000);
    }
    assert_in_range(switched, 3, RECOVERY_WINDOW + 3);
    assert_int_equal(rig.failures, 0);
    rig_close();
}

// One answer of a window is lost: answers to later requests say so long before its time is up.
static void lost_answer_is_asked_for_again_at_once(void **state)
{
    (void)state;
    struct rig_ask ask;
    rig_open(rig_config());
    rig_request(1, 64 * 20);
    bool lost = false;
    const uint64_t start = rig.now;
    while (rig.next < 64 * 20 + 1) {
        rig_turn(100);
        while (rig_asked(&ask)) {
            if (ask.first == 64 * 5 + 1 && !lost)
                lost = true;
            else
                rig_answer(&ask, ask.first, ask.count);
        }
        rig_turn(0);
        rig_lane();
        assert_true(rig.now < start + 15000 * us); // the retry is due after 20 ms
    }
    assert_int_equal(rig.count.request_retries, 1);
    rig_close();
}

// What this server does not have fails after the same retries, however much of the rest it answers.
static void hole_of_the_server_fails(void **state)
{
    (void)state;
    struct rig_ask ask;
    uint32_t asked = 0;
    rig_open(rig_config());
    rig_request(1, 100000);
    for (uint32_t i = 0; i < 3000 && rig.failures == 0; i++) {
        rig_turn(100);
        while (rig_asked(&ask)) {
            if (ask.first == 64 * 40 + 1)
                asked++;
            else
                rig_answer(&ask, ask.first, ask.count);
        }
        rig_turn(0);
        rig_lane();
    }
    assert_int_equal(rig.failures, 1);
    assert_int_equal(rig.failed_from, 64 * 40 + 1);
    assert_int_equal(rig.next, 64 * 40 + 1);
    assert_in_range(asked, 3, 4); // once more because others passed it
    rig_close();
}

// --- what it believes ---

static void stray_answers_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[2100] = {0};
    struct rig_ask ask;
    rig_open(rig_config());
    rig_request(100, 50);
    rig_turn(0);
    assert_true(rig_asked(&ask));
    uint32_t refused = 0;

    rig_packet(bytes, 100, 10, 10);
    bytes[0] ^= 1; // another session
    rig_send(&ask, bytes, MOLD64_HEADER_LEN + 10 * RIG_BLOCK);
    rig_turn(0);
    assert_int_equal(rig.count.answers_refused, ++refused);
    static const struct {
        uint64_t first;
        uint32_t count, says;
    } strays[] = {
        {90, 10, 10},        // what is there already
        {110, 10, 10},       // not from the first missing one on
        {150, 10, 10},       // behind the gap
        {100, 0, 0},         // a heartbeat
        {100, 0, MOLD64_END} // end of session
    };
    for (uint32_t i = 0; i < ARRAY_LEN(strays); i++) {
        uint32_t len = rig_packet(bytes, strays[i].first, strays[i].count, strays[i].says);
        rig_send(&ask, bytes, len);
        rig_turn(0);
        assert_int_equal(rig.count.answers_refused, ++refused);
    }
    rig_packet(bytes, 100, 10, 10);
    rig_send(&ask, bytes, 19); // too short for a header
    rig_turn(0);
    assert_int_equal(rig.count.answers_refused, ++refused);
    rig_send(&ask, bytes, MOLD64_HEADER_LEN); // says ten messages, holds none
    rig_turn(0);
    assert_int_equal(rig.count.answers_refused, ++refused);
    memset(bytes + 10, 0xff, 8); // numbers that would wrap
    rig_send(&ask, bytes, MOLD64_HEADER_LEN + 10 * RIG_BLOCK);
    rig_turn(0);
    assert_int_equal(rig.count.answers_refused, ++refused);
    struct rig_ask other = ask; // from an address that is no server's
    other.server = 1;
    rig_answer(&other, 100, 10);
    rig_turn(0);
    assert_int_equal(rig.count.answers_refused, ++refused);

    assert_int_equal(rig_lane(), 0);
    assert_int_equal(rig.count.answers, 0);
    rig_answer(&ask, 98, 20); // more than was asked for, from before it on
    rig_turn(0);
    rig_lane();
    assert_int_equal(rig.next, 118);
    rig_answer(&ask, 100, 10); // late copy
    rig_turn(0);
    assert_int_equal(rig.count.answers_refused, refused + 1);
    rig_close();
}

// A header that says more than the datagram holds: what is missing is asked for again.
static void cut_answer_counts_to_the_cut(void **state)
{
    (void)state;
    uint8_t bytes[1000];
    struct rig_ask ask;
    rig_open(rig_config());
    rig_request(1, 20);
    rig_turn(0);
    assert_true(rig_asked(&ask));
    rig_packet(bytes, 1, 20, 20);
    rig_send(&ask, bytes, MOLD64_HEADER_LEN + 12 * RIG_BLOCK + 5);
    rig_turn(0);
    rig_lane();
    assert_int_equal(rig.next, 13);
    assert_true(rig_asked(&ask));
    assert_int_equal(ask.first, 13);
    assert_int_equal(ask.count, 8);
    rig_answer(&ask, 13, 8);
    rig_turn(0);
    rig_lane();
    assert_int_equal(rig.next, 21);
    assert_false(rig.recovery.active);
    rig_close();
}

// A server that answers everything but the first part, a message at a time: parts fall apart until
// there is no place for more of them, and the gap still closes.
static void parts_that_fall_apart_stay_within_their_table(void **state)
{
    (void)state;
    struct rig_ask ask;
    rig_open(rig_config());
    rig_request(1, 5000);
    for (uint32_t i = 0; i < 6; i++)
        exchange_turn(100, 64); // the window opens
    const uint64_t first = rig.next;
    assert_true(rig.recovery.window >= 16);
    for (uint32_t i = 0; i < 120; i++) {
        rig_turn(10);
        while (rig_asked(&ask))
            if (ask.first > first)
                rig_answer(&ask, ask.first, 1);
        assert_true(rig.recovery.part_count <= RECOVERY_PARTS);
    }
    assert_int_equal(rig.next, first);
    assert_int_equal(rig.recovery.part_count, RECOVERY_PARTS);
    rig_assert_buffers();
    for (uint32_t i = 0; i < 20000 && rig.next < 5001; i++)
        exchange_turn(1000, 1);
    assert_int_equal(rig.next, 5001);
    assert_int_equal(rig.failures, 0);
    rig_close();
}

// --- towards the lane ---

static void full_ring_loses_nothing(void **state)
{
    (void)state;
    const struct lane_answer other = {.kind = ANSWER_SEND};
    struct lane_answer answer;
    struct rig_ask ask;
    rig_open(rig_config());
    while (spsc_push(&rig.lane.answers, &other))
        ;
    rig_request(1, 64 * 100);
    for (uint32_t i = 0; i < 100; i++) {
        rig_turn(100);
        while (rig_asked(&ask))
            rig_answer(&ask, ask.first, ask.count);
    }
    assert_in_range(rig.recovery.part_count, 2, RECOVERY_PARTS);
    for (uint32_t i = 0; i < LANE_RING_LEN; i++) {
        assert_true(spsc_pop(&rig.lane.answers, &answer));
        assert_int_equal(answer.kind, ANSWER_SEND);
    }
    while (rig.next < 64 * 100 + 1)
        exchange_turn(100, 64);
    assert_int_equal(rig.count.request_retries, 0);
    rig_close();
}

// A lane that gives no buffer back stops the asking: no answer comes for which there is none.
static void lane_that_keeps_buffers_is_waited_for(void **state)
{
    (void)state;
    rig_open(rig_config());
    rig_request(1, 64 * 400);
    rig.keeps = true;
    for (uint32_t i = 0; i < 200; i++)
        exchange_turn(10, 64);
    assert_int_equal(rig.kept_count, RECOVERY_BUFFERS);
    rig_turn(1000000);
    rig_return();
    rig.keeps = false;
    for (uint32_t i = 0; i < 2000 && rig.next < 64 * 400 + 1; i++)
        exchange_turn(1000, 64);
    assert_int_equal(rig.next, 64 * 400 + 1);
    assert_int_equal(rig.failures, 0);
    assert_int_equal(rig.count.request_retries, 0);
    assert_int_equal(rig.count.answers_refused, 0);
    rig_close();
}

// The next gap, or a book that is put away: answers to what was asked before are nobody's.
static void new_request_takes_the_place_of_the_old(void **state)
{
    (void)state;
    struct rig_ask old[RECOVERY_WINDOW];
    uint32_t count = 0;
    rig_open(rig_config());
    rig_request(1, 10000);
    for (uint32_t i = 0; i < 8; i++)
        exchange_turn(100, 64);
    rig_turn(100);
    while (count < RECOVERY_WINDOW && rig_asked(&old[count]))
        count++;
    assert_true(count > 4);
    rig_answer(&old[2], old[2].first, 64); // is here, and waits for what comes before
    rig_turn(0);
    rig_lane();
    rig_assert_buffers();
    rig_request(50001, 64);
    rig_assert_buffers();
    rig_answer(&old[0], old[0].first, 64);
    rig_turn(0);
    assert_int_equal(rig.count.answers_refused, 1);
    assert_int_equal(rig_lane(), 0);
    struct rig_ask ask;
    assert_true(rig_asked(&ask));
    assert_int_equal(ask.first, 50001);
    recovery_cancel(&rig.recovery);
    rig_answer(&ask, 50001, 64);
    rig_turn(0);
    rig_turn(1000000);
    assert_int_equal(rig_lane(), 0);
    assert_int_equal(rig.failures, 0);
    assert_false(rig_asked(&ask));
    rig_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_gap_is_asked_for_in_parts_side_by_side),
        cmocka_unit_test(first_request_is_alone),
        cmocka_unit_test(rate_is_bounded),
        cmocka_unit_test(silence_is_met_with_retries_then_the_next_server_then_failure),
        cmocka_unit_test(server_that_answers_is_asked_first),
        cmocka_unit_test(lost_answer_is_asked_for_again_at_once),
        cmocka_unit_test(hole_of_the_server_fails),
        cmocka_unit_test(stray_answers_are_refused),
        cmocka_unit_test(cut_answer_counts_to_the_cut),
        cmocka_unit_test(parts_that_fall_apart_stay_within_their_table),
        cmocka_unit_test(full_ring_loses_nothing),
        cmocka_unit_test(lane_that_keeps_buffers_is_waited_for),
        cmocka_unit_test(new_request_takes_the_place_of_the_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
