// Drop copies: what a firm's members are told, on a stream of its own, and what can be wrong with
// it.
#include "tests/unit/exchange/trade_rig.h"

enum { COPY = 1, HEAD = 10 }; // COPY: the rig's client that reads the copy

// Member 0 of FRM0, whose copy is read; member 1 of FRM1, whose is not.
static void setup(const struct bourse_faults *faults)
{
    rig_defaults(BOURSE_OUCH_50);
    struct bourse_member *copy = &rig.config.members[BOURSE_MEMBERS];
    rig.config.copy_count = 1;
    rig.config.faults = *faults;
    snprintf(copy->user, sizeof copy->user, "user1"); // that of a member: another door
    snprintf(copy->password, sizeof copy->password, "copies");
    snprintf(copy->session, sizeof copy->session, "DROP01");
    snprintf(copy->firm, sizeof copy->firm, "FRM0");
    rig_start();
    rig_login(0, "", 1);
    rig_forget(0);
}

static void copy_login(const char *session, uint64_t sequence, bool copy)
{
    struct rig_client *c = &rig.clients[COPY];
    char payload[64];
    if (c->visitor >= 0)
        bourse_disconnect(rig.b, c->visitor);
    c->visitor = copy ? bourse_connect_copy(rig.b) : bourse_connect(rig.b);
    c->have = c->count = c->next = 0;
    snprintf(payload, sizeof payload, "user1 copies    %10s%20llu", session,
             (unsigned long long)sequence);
    rig_packet(COPY, 'L', payload, 46);
}

static struct entry copied(uint8_t type)
{
    struct rig_packet p = rig_expect_packet(COPY, 'S');
    struct entry e;
    assert_memory_equal(p.payload, "FRM0user0 ", HEAD);
    assert_int_equal(p.payload[HEAD], type);
    assert_int_equal(entry_read(ENTRY_50, ENTRY_OUT, p.payload + HEAD, p.length - HEAD, &e),
                     ENTRY_READ);
    return e;
}

static void what_happens_is_copied(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){0});
    copy_login("", 1, true);
    assert_memory_equal(rig_expect_packet(COPY, 'A').payload, "    DROP01                   1", 30);
    const uint32_t ref = rig_enter(0, 'B', 300, 1000000);
    assert_int_equal(copied('A').quantity, 300);
    rig_market_add(77, 'S', 100, 1000000);
    const struct entry told = (rig_expect(0, 'A'), rig_expect(0, 'E')), same = copied('E');
    assert_int_equal(same.ref, ref);
    assert_int_equal(same.match, told.match);
    assert_int_equal(same.time, told.time);
    assert_int_equal(same.quantity, 100);
    struct entry u = rig_order('B', 200, "AAPL", 999900);
    u.type = 'U';
    u.original = ref;
    u.quantity = 250;
    rig_say(0, &u);
    assert_int_equal(copied('U').quantity, 150);
    struct entry x = {.type = 'X', .ref = rig.ref, .quantity = 200};
    rig_say(0, &x);
    assert_int_equal(copied('C').quantity, 50);
    assert_true(bourse_break(rig.b, told.match, 'E'));
    assert_int_equal(copied('B').match, told.match);
    rig_enter(0, 'B', 100, 1000050); // refused: nothing happened
    rig_silence(COPY);
    assert_int_equal(bourse_counters(rig.b)->copied, 5);
}

static void from_any_number_and_by_its_own_door(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){0});
    for (uint32_t i = 0; i < 5; i++)
        rig_enter(0, 'B', 100 + i, 1000000);
    copy_login("DROP01", 4, true);
    assert_int_equal(rig_expect_packet(COPY, 'A').payload[29], '4');
    assert_int_equal(copied('A').quantity, 103);
    assert_int_equal(copied('A').quantity, 104);
    rig_silence(COPY);
    copy_login("DROP01", 4, false); // user1 exists there, with another password
    assert_int_equal(rig_expect_packet(COPY, 'J').payload[0], 'A');
    copy_login("DROP02", 4, true);
    assert_int_equal(rig_expect_packet(COPY, 'J').payload[0], 'S');
}

// What another firm does is not copied, and who reads a copy cannot trade by it.
static void nothing_of_others(void **state)
{
    (void)state;
    setup(&(struct bourse_faults){0});
    rig_login(1, "", 1);
    rig_enter(1, 'B', 100, 1000000);
    rig_forget(1);
    copy_login("", 1, true);
    rig_expect_packet(COPY, 'A');
    const uint64_t requests = bourse_counters(rig.b)->requests;
    rig_enter(COPY, 'B', 100, 1000000);
    rig_silence(COPY);
    assert_int_equal(bourse_counters(rig.b)->requests, requests);
}

static uint32_t count_of(uint8_t type)
{
    const struct rig_client *c = &rig.clients[COPY];
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->count; i++)
        count += c->packets[i].type == 'S' && c->packets[i].payload[HEAD] == type;
    return count;
}

static void fill_one(void)
{
    rig_enter(0, 'B', 100, 1000000);
    rig_market_add(77, 'S', 100, 1000000);
    assert_int_equal((rig_expect(0, 'A'), rig_expect(0, 'E')).quantity, 100); // the truth
    rig_clock(100);
    rig_pump(COPY);
}

static void wrong_on_purpose(void **state)
{
    (void)state;
    static const struct {
        struct bourse_faults faults;
        uint32_t executions;
    } rows[] = {
        {{.drop_missing_below = UINT32_MAX}, 0},
        {{.drop_missing_below = UINT32_MAX, .drop_types = "C"}, 1},
        {{.drop_double_below = UINT32_MAX}, 2},
        {{.drop_wrong_below = UINT32_MAX}, 1},
        {{.drop_foreign_below = UINT32_MAX}, 2},
        {{.drop_late_below = UINT32_MAX, .drop_late_us = 1000}, 1},
    };
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i)
            rig_stop(NULL);
        setup(&rows[i].faults);
        copy_login("", 1, true);
        rig_expect_packet(COPY, 'A');
        fill_one();
        assert_int_equal(count_of('E'), rows[i].executions);
        assert_int_equal(count_of('A'), 1);
        copied('A');
        if (rows[i].executions == 0)
            continue;
        const struct entry first = copied('E');
        assert_int_equal(first.quantity, rows[i].faults.drop_wrong_below ? 101 : 100);
        if (rows[i].executions < 2)
            continue;
        const struct entry second = copied('E');
        if (rows[i].faults.drop_double_below)
            assert_int_equal(second.match, first.match);
        else
            assert_int_not_equal(second.match, first.match);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_happens_is_copied, rig_stop),
        cmocka_unit_test_teardown(from_any_number_and_by_its_own_door, rig_stop),
        cmocka_unit_test_teardown(nothing_of_others, rig_stop),
        cmocka_unit_test_teardown(wrong_on_purpose, rig_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
