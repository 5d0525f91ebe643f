// The exchange misbehaves on demand, from a seed: each fault alone, then all of them twice.
#include "tests/unit/exchange/trade_rig.h"

static void setup(const struct bourse_faults *faults)
{
    rig_defaults(BOURSE_OUCH_50);
    rig_start();
    rig_stop(NULL);
    rig.config.faults = *faults;
    rig_start();
}

static void enter_some(uint32_t client, uint32_t orders)
{
    for (uint32_t i = 0; i < orders; i++)
        rig_enter(client, 'B', 100 + i, 1000000);
}

static struct rig_packet *packet_at(uint32_t client, uint32_t place)
{
    assert_in_range(place, 0, rig.clients[client].count - 1);
    return &rig.clients[client].packets[place];
}

static void missing(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){.missing_below = UINT32_MAX});
    rig_login(0, "", 1);
    rig_forget(0);
    uint32_t ref = rig_enter(0, 'B', 100, 1000000);
    rig_silence(0); // accepted all the same
    assert_int_equal(bourse_open_orders(rig.b, 0), 1);
    assert_int_equal(rig_records(BOURSE_ACCEPTED), 1);
    struct entry x = {.type = 'X', .ref = ref};
    rig_say(0, &x);
    rig_expect(0, 'C'); // not one of A, U, M
}

static void of_the_types_that_were_asked_for(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){.missing_below = UINT32_MAX, .missing_types = "C"});
    rig_login(0, "", 1);
    rig_forget(0);
    struct entry x = {.type = 'X', .ref = rig_enter(0, 'B', 100, 1000000)};
    rig_expect(0, 'A');
    rig_say(0, &x);
    rig_silence(0);
    assert_int_equal(bourse_open_orders(rig.b, 0), 0);
}

static void duplicate(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){.duplicate_below = UINT32_MAX});
    rig_login(0, "", 1);
    rig_forget(0);
    uint32_t ref = rig_enter(0, 'B', 100, 1000000);
    struct entry first = rig_expect(0, 'A'), second = rig_expect(0, 'A');
    assert_int_equal(first.ref, ref);
    assert_memory_equal(&first, &second, sizeof first);
    rig_silence(0);
    assert_int_equal(bourse_sequenced(rig.b, 0), 4); // each with its own number, the day's too
}

static void late(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){.late_below = UINT32_MAX, .late_us = 4000});
    rig_login(0, "", 1);
    rig_forget(0);
    rig_clock(100);
    rig_forget(0);
    rig_enter(0, 'B', 100, 1000000);
    rig_silence(0);
    assert_in_range(bourse_due(rig.b), rig.now_ns + 1, rig.now_ns + 4000000);
    rig_clock(4);
    rig_expect(0, 'A');
}

static void reordered(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){.reorder_below = UINT32_MAX});
    rig_login(0, "", 1);
    rig_forget(0);
    uint32_t first = rig_enter(0, 'B', 100, 1000000);
    rig_silence(0); // waits for the next one
    rig_enter(0, 'B', 200, 1000000);
    assert_int_equal(rig_expect(0, 'A').ref, first + 1);
    assert_int_equal(rig_expect(0, 'A').ref, first);
    rig_enter(0, 'B', 300, 1000000);
    rig_silence(0);
    rig_clock(1); // but not for ever
    assert_int_equal(rig_expect(0, 'A').quantity, 300);
}

static void rejects(void **state)
{
    (void)state;
    for (uint32_t protocol = 0; protocol < 2; protocol++) {
        rig_defaults((enum bourse_protocol)protocol);
        rig.config.faults.reject_below = UINT32_MAX;
        rig_start();
        rig_login(0, "", 1);
        rig_forget(0);
        rig_enter(0, 'B', 100, 1000000);
        struct entry j = rig_expect(0, 'J');
        assert_true(protocol ? j.code[0] != 0 : j.reason != 0);
        assert_int_equal(bourse_open_orders(rig.b, 0), 0);
        rig_stop(NULL);
    }
    setup(&(struct bourse_faults){0});
}

static void cancels_unasked(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){.cancel_below = UINT32_MAX});
    rig_login(0, "", 1);
    rig_forget(0);
    rig_enter(0, 'B', 100, 1000000);
    rig_expect(0, 'A');
    struct entry c = rig_expect(0, 'C');
    assert_int_equal(c.quantity, 100);
    assert_true(c.code[0] != 'U');
    rig_line('A');
    rig_line('D');
    assert_int_equal(bourse_open_orders(rig.b, 0), 0);
}

static void breaks_trades(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){.break_below = UINT32_MAX});
    rig_login(0, "", 1);
    rig_login(1, "", 1);
    rig_forget(0);
    rig_enter(0, 'S', 100, 1000000);
    rig_enter(1, 'B', 100, 1000000);
    rig_expect(0, 'A');
    uint64_t match = rig_expect(0, 'E').match;
    assert_int_equal(rig_expect(0, 'B').match, match);
    assert_int_equal(bourse_position(rig.b, 0, 1), 0);
    assert_int_equal(bourse_position(rig.b, 1, 1), 0);
}

// The shares of a broken trade do not come back, not even by a replace.
static void broken_shares_stay_used(void **state)
{
    (void)state;
    rig_defaults(BOURSE_OUCH_50);
    rig_ready();
    uint32_t ref = rig_enter(0, 'S', 300, 1000000);
    rig_enter(1, 'B', 100, 1000000);
    rig_expect(0, 'A');
    assert_true(bourse_break(rig.b, rig_expect(0, 'E').match, 'E'));
    rig_forget(0);
    struct entry u = rig_order('S', 300, "AAPL", 1000000);
    u.type = 'U';
    u.original = ref;
    rig_say(0, &u);
    assert_int_equal(rig_expect(0, 'U').quantity, 200);
    struct entry x = {.type = 'X', .ref = u.ref, .quantity = 150};
    rig_say(0, &x);
    assert_int_equal(rig_expect(0, 'C').quantity, 150);
}

static void garbage(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){.garbage_below = UINT32_MAX});
    rig_login(0, "", 1);
    rig_forget(0);
    rig_enter(0, 'B', 100, 1000000);
    rig_pump(0);
    assert_int_equal(rig.clients[0].count, 2);
    assert_true(packet_at(0, 0)->payload[0] >= 0x80);
    assert_int_equal(packet_at(0, 1)->payload[0], 'A');
}

// After any number of bytes, in either direction; what is left of the stream comes after the next
// login, and nothing of it is lost.
static void connections_are_cut(void **state)
{
    (void)state;
    uint32_t cuts = 0;
    setup(&(struct bourse_faults){.cut_bytes = 100});
    uint64_t next = 1;
    for (uint32_t i = 0; i < 60; i++) {
        struct rig_client *c = &rig.clients[0];
        c->count = c->next = 0;
        rig_login(0, "", next);
        if (bourse_closing(rig.b, c->visitor) == BOURSE_STAYS)
            rig_enter(0, 'B', 100, 1000000);
        rig_pump(0);
        cuts += bourse_closing(rig.b, c->visitor) == BOURSE_CLOSES;
        for (uint32_t k = 0; k < c->count; k++)
            next += packet_at(0, k)->type == 'S';
        rig_clock(1);
    }
    assert_in_range(cuts, 20, 60);
    bourse_behave(rig.b);
    rig.clients[0].count = rig.clients[0].next = 0;
    rig_login(0, "", next);
    rig_pump(0);
    for (uint32_t k = 0; k < rig.clients[0].count; k++)
        next += packet_at(0, k)->type == 'S';
    assert_int_equal(next, bourse_sequenced(rig.b, 0) + 1);
}

static void requests_are_read_in_part(void **state)
{
    (void)state;
    uint32_t read = 0;
    setup(&(struct bourse_faults){.cut_in_bytes = 100, .cut_resets = true});
    for (uint32_t i = 0; i < 60; i++) {
        rig_login(0, "", 1);
        const struct rig_client *c = &rig.clients[0];
        if (bourse_closing(rig.b, c->visitor) != BOURSE_STAYS)
            continue;
        const uint32_t before = bourse_open_orders(rig.b, 0);
        rig_enter(0, 'B', 100, 1000000);
        read += bourse_open_orders(rig.b, 0) > before;
    }
    assert_in_range(read, 10, 50);
}

static void sessions_end(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){.reset_below = UINT32_MAX});
    rig_login(0, "", 1);
    rig_forget(0);
    rig_enter(0, 'B', 100, 1000000);
    rig_expect(0, 'A');
    rig_clock(1000);
    rig_expect(0, 'C');
    rig_expect_packet(0, 'Z');
    rig.clients[0].count = rig.clients[0].next = 0;
    rig_login(0, "", 1);
    assert_memory_equal(rig_expect_packet(0, 'A').payload, "     DAY01                   1", 30);
}

static void sessions_are_forgotten(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){.forget_below = UINT32_MAX});
    rig_login(0, "", 1);
    assert_memory_equal(rig_expect_packet(0, 'A').payload, "     DAY01                   1", 30);
    rig.clients[0].count = rig.clients[0].next = 0;
    rig_login(0, "DAY01", 2);
    assert_int_equal(rig_expect_packet(0, 'J').payload[0], 'S');
}

static void silence(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){.silent_below = UINT32_MAX});
    rig_login(0, "", 1);
    rig_clock(1000);
    rig_forget(0);
    rig_packet(0, 'R', "", 0);
    enter_some(0, 3);
    rig_clock(1000);
    rig_silence(0);
    assert_int_equal(bourse_open_orders(rig.b, 0), 3); // it listens
    rig_login(0, "", 2);
    rig_expect_packet(0, 'A');
    rig_expect(0, 'A');
}

// A storm of orders against everything at once: what was said, to the byte.
static uint64_t storm(uint64_t seed)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    rig_defaults(BOURSE_OUCH_50);
    const uint32_t often = UINT32_MAX / 10;
    rig.config.seed = seed;
    rig.config.faults = (struct bourse_faults){.cut_bytes = 2000,
                                               .late_below = often,
                                               .late_us = 500,
                                               .duplicate_below = often,
                                               .missing_below = often,
                                               .reorder_below = often,
                                               .reject_below = often,
                                               .cancel_below = often,
                                               .break_below = often,
                                               .reset_below = often,
                                               .forget_below = often,
                                               .garbage_below = often,
                                               .silent_below = often};
    rig_start();
    for (uint32_t i = 0; i < 400; i++) {
        uint8_t out[512];
        uint32_t n;
        for (uint32_t k = 0; k < 2; k++) {
            struct rig_client *c = &rig.clients[k];
            if (c->visitor < 0 || bourse_closing(rig.b, c->visitor) != BOURSE_STAYS || i % 50 == 0)
                rig_login(k, "", 1);
            rig_enter(k, k ? 'B' : 'S', 100 + i, 1000000);
            while ((n = bourse_send(rig.b, c->visitor, out, sizeof out)) > 0)
                for (uint32_t at = 0; at < n; at++)
                    hash = (hash ^ out[at]) * 0x100000001b3ull;
        }
        rig_clock(i % 7 ? 1 : 1100);
    }
    assert_true(bourse_counters(rig.b)->faults > 100);
    rig_stop(NULL);
    return hash ^ rig.record_count;
}

static void the_same_seed_the_same_mischief(void **state)
{
    (void)state;
    const uint64_t first = storm(7);
    assert_true(first == storm(7));
    assert_true(first != storm(8));
    setup(&(struct bourse_faults){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(missing, rig_stop),
        cmocka_unit_test_teardown(of_the_types_that_were_asked_for, rig_stop),
        cmocka_unit_test_teardown(duplicate, rig_stop),
        cmocka_unit_test_teardown(late, rig_stop),
        cmocka_unit_test_teardown(reordered, rig_stop),
        cmocka_unit_test_teardown(rejects, rig_stop),
        cmocka_unit_test_teardown(cancels_unasked, rig_stop),
        cmocka_unit_test_teardown(breaks_trades, rig_stop),
        cmocka_unit_test_teardown(broken_shares_stay_used, rig_stop),
        cmocka_unit_test_teardown(garbage, rig_stop),
        cmocka_unit_test_teardown(connections_are_cut, rig_stop),
        cmocka_unit_test_teardown(requests_are_read_in_part, rig_stop),
        cmocka_unit_test_teardown(sessions_end, rig_stop),
        cmocka_unit_test_teardown(sessions_are_forgotten, rig_stop),
        cmocka_unit_test_teardown(silence, rig_stop),
        cmocka_unit_test_teardown(the_same_seed_the_same_mischief, rig_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
