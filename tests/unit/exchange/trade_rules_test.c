// The exchange's own rules: each is broken alone, in both protocols where both know it.
#include "tests/unit/exchange/trade_rig.h"

#include "dataplane/base/hints.h"

static void text_set(char *field, uint32_t length, const char *text)
{
    memset(field, ' ', length);
    memcpy(field, text, strlen(text));
}

static void wrong_firm(struct entry *e)
{
    text_set(e->firm, 4, "x*y");
    rig_option(e, ENTRY_FIRM);
}

static void wrong_symbol(struct entry *e)
{
    text_set(e->symbol, 8, "NOPE");
}

static void wrong_side(struct entry *e)
{
    e->side[0] = 'X';
}

static void no_shares(struct entry *e)
{
    e->quantity = 0;
}

static void a_million_shares(struct entry *e)
{
    e->quantity = 1000000;
}

static void wrong_display(struct entry *e)
{
    e->display[0] = '?';
}

static void wrong_time_in_force(struct entry *e)
{
    e->tif[0] = 'x';
    e->tif_s = 100000;
}

static void wrong_capacity(struct entry *e)
{
    e->capacity[0] = 'Q';
}

static void wrong_sweep(struct entry *e)
{
    e->sweep[0] = 'x';
}

static void routed(struct entry *e)
{
    text_set(e->route, 4, "SCAN");
    rig_option(e, ENTRY_ROUTE);
}

static void wrong_cross(struct entry *e)
{
    e->cross[0] = 'K';
}

static void wrong_customer(struct entry *e)
{
    e->customer[0] = 'z';
    rig_option(e, ENTRY_CUSTOMER);
}

static void wrong_peg(struct entry *e)
{
    e->display[0] = 'N';
    e->price_type[0] = 'Z';
    rig_option(e, ENTRY_PRICE_TYPE);
}

static void peg_to_nothing(struct entry *e)
{
    e->display[0] = 'N';
    e->price_type[0] = 'M';
    rig_option(e, ENTRY_PRICE_TYPE);
}

static void off_the_tick(struct entry *e)
{
    e->price = 1000050;
}

static void no_price(struct entry *e)
{
    e->price = 0;
}

static void beyond_the_highest_price(struct entry *e)
{
    e->price = 1999999901;
}

static void more_minimum_than_shares(struct entry *e)
{
    e->min_quantity = e->quantity + 1;
    rig_option(e, ENTRY_MIN_QUANTITY);
}

static void displayed_minimum(struct entry *e)
{
    e->min_quantity = 10;
    rig_option(e, ENTRY_MIN_QUANTITY);
}

static void odd_floor(struct entry *e)
{
    e->max_floor = 50;
    rig_option(e, ENTRY_MAX_FLOOR);
}

static const struct {
    void (*change)(struct entry *e);
    uint16_t reason; // of 5.0
    char letter;     // of 4.2; 0: it cannot say so
} rows[] = {
    {wrong_firm, 0x0c, 'L'},
    {wrong_symbol, 0x17, 'S'},
    {wrong_side, 0x09, 'O'},
    {no_shares, 0x13, 'Z'},
    {a_million_shares, 0x13, 'Z'},
    {wrong_display, 0x03, 'D'},
    {wrong_time_in_force, 0x0f, 'O'},
    {wrong_capacity, 0x0f, 'O'},
    {wrong_sweep, 0x08, 'O'},
    {routed, 0x16, 0},
    {wrong_cross, 0x14, 'R'},
    {wrong_customer, 0x1a, 0},
    {wrong_peg, 0x11, 0},
    {peg_to_nothing, 0x01, 0},
    {off_the_tick, 0x1d, 'X'},
    {no_price, 0x1d, 'X'},
    {beyond_the_highest_price, 0x1d, 'X'},
    {more_minimum_than_shares, 0x0d, 'N'},
    {displayed_minimum, 0x0d, 'N'},
    {odd_floor, 0x04, 0},
};

static void each_rule_has_its_code(void **state)
{
    (void)state;
    for (uint32_t protocol = 0; protocol < 2; protocol++) {
        rig_defaults((enum bourse_protocol)protocol);
        rig_ready();
        for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
            struct entry e = rig_order('B', 100, "AAPL", 1000000);
            if (protocol == BOURSE_OUCH_42 && !rows[i].letter)
                continue;
            rows[i].change(&e);
            rig_say(0, &e);
            struct entry j = rig_expect(0, 'J');
            const uint64_t want = protocol ? (uint8_t)rows[i].letter : rows[i].reason;
            const uint64_t got = protocol ? (uint8_t)j.code[0] : j.reason;
            if (got != want)
                fail_msg("row %u of protocol %u: %lu instead of %lu", i, protocol, got, want);
        }
        rig_silence(0);
        rig_line_silence();
        assert_int_equal(bourse_open_orders(rig.b, 0), 0);
        if (protocol == 0)
            rig_stop(NULL);
    }
}

// Below one dollar a hundredth of a cent is a price.
static void ticks_below_a_dollar(void **state)
{
    (void)state;
    static const struct {
        uint64_t price;
        char answer;
    } prices[] = {{1, 'A'},     {9999, 'A'},  {10000, 'A'},     {10001, 'J'},
                  {10100, 'A'}, {10150, 'J'}, {1999999900, 'A'}};
    rig_defaults(BOURSE_OUCH_50);
    rig_ready();
    for (uint32_t i = 0; i < ARRAY_LEN(prices); i++) {
        struct entry e = rig_order('B', 100, "CHEAP", prices[i].price);
        rig_say(0, &e);
        rig_expect(0, prices[i].answer);
    }
}

static void halts_are_enforced(void **state)
{
    (void)state;
    for (uint32_t protocol = 0; protocol < 2; protocol++) {
        rig_defaults((enum bourse_protocol)protocol);
        rig_ready();
        uint32_t before = rig_enter(0, 'B', 100, 1000000);
        rig_expect(0, 'A');
        assert_true(bourse_halt(rig.b, 1, 'H'));
        rig_enter(0, 'B', 100, 1000000);
        struct entry j = rig_expect(0, 'J');
        assert_int_equal(protocol ? (uint8_t)j.code[0] : j.reason, protocol ? 'H' : 7);
        struct entry u = rig_order('B', 200, "AAPL", 1000000);
        u.type = 'U';
        u.original = before;
        memcpy(u.token_original, "T1            ", 14);
        rig_say(0, &u);
        rig_expect(0, 'J'); // and the original stays
        assert_int_equal(bourse_open_orders(rig.b, 0), 1);
        struct entry x = {.type = 'X', .ref = before};
        memcpy(x.token, "T1            ", 14);
        rig_say(0, &x);
        rig_expect(0, 'C'); // cancels pass
        assert_true(bourse_halt(rig.b, 1, 'T'));
        rig_enter(0, 'B', 100, 1000000);
        rig_expect(0, 'A');
        if (protocol == 0)
            rig_stop(NULL);
    }
}

// A number of 5.0 only grows, a token of 4.2 is used once; neither is answered.
static void duplicates_are_ignored(void **state)
{
    (void)state;
    for (uint32_t protocol = 0; protocol < 2; protocol++) {
        rig_defaults((enum bourse_protocol)protocol);
        rig_ready();
        struct entry e = rig_order('B', 100, "AAPL", 1000000);
        rig_say(0, &e);
        rig_expect(0, 'A');
        rig_say(0, &e);
        rig_silence(0);
        struct entry bad = rig_order('B', 100, "NOPE", 1000000);
        rig_say(0, &bad);
        rig_expect(0, 'J');
        text_set(bad.symbol, 8, "AAPL");
        rig_say(0, &bad); // a refused order has used it up too
        rig_silence(0);
        assert_int_equal(rig_records(BOURSE_IGNORED), 2);
        assert_int_equal(bourse_counters(rig.b)->ignored, 2);
        struct entry other = e;
        other.ref = 1;
        rig_say(1, &other); // of another member it is another one
        rig_expect(1, 'A');
        if (protocol == 0)
            rig_stop(NULL);
    }
}

static void rules_that_are_asked_for(void **state)
{
    (void)state;
    rig_defaults(BOURSE_OUCH_50);
    rig.config.rules = (struct bourse_rules){
        .price_limit_percent = 10, .orders_max = 2, .pegs_refused = true, .status_needed = true};
    rig_ready();
    rig_enter(0, 'S', 100, 1000000);
    rig_enter(1, 'B', 100, 1000000);
    rig_forget(0);
    rig_enter(0, 'B', 100, 1100000);
    rig_expect(0, 'A');
    rig_enter(0, 'B', 100, 1100100);
    assert_int_equal(rig_expect(0, 'J').reason, 0x06);
    rig_enter(0, 'B', 100, 899900);
    assert_int_equal(rig_expect(0, 'J').reason, 0x06);
    rig_enter(0, 'B', 100, 900000);
    rig_expect(0, 'A');
    rig_enter(0, 'B', 100, 1000000);
    assert_int_equal(rig_expect(0, 'J').reason, 0x0f); // two are open
    rig_market_add(1, 'S', 100, 1200000);
    struct entry e = rig_order('B', 100, "AAPL", 1000000);
    peg_to_nothing(&e);
    rig_say(0, &e);
    assert_int_equal(rig_expect(0, 'J').reason, 0x11);
}

static void short_sales_at_the_bid(void **state)
{
    (void)state;
    uint8_t m[ITCH_MAX];
    rig_defaults(BOURSE_OUCH_50);
    rig_ready();
    struct itch_common c = {1, 0, rig.day_ns};
    rig_market_add(1, 'B', 100, 1000000);
    bourse_market(rig.b, m, itch_reg_sho(m, &c, (const uint8_t *)"AAPL    ", '1'));
    rig_enter(0, 'T', 100, 1000000);
    assert_int_equal(rig_expect(0, 'J').reason, 0x23);
    rig_enter(0, 'T', 100, 1000100);
    rig_expect(0, 'A');
    rig_enter(0, 'S', 100, 1000000);
    rig_expect(0, 'A');
    rig_expect(0, 'E');
}

static void before_and_after_the_day(void **state)
{
    (void)state;
    uint8_t m[ITCH_MAX];
    rig_defaults(BOURSE_OUCH_50);
    rig_start();
    bourse_market(rig.b, m, itch_system_event(m, rig.day_ns, 'O'));
    rig_login(0, "", 1);
    rig_forget(0);
    rig_enter(0, 'B', 100, 1000000);
    assert_int_equal(rig_expect(0, 'J').reason, 0x02);
    bourse_market(rig.b, m, itch_system_event(m, rig.day_ns, 'S'));
    assert_int_equal(rig_expect(0, 'S').code[0], 'S');
    rig_enter(0, 'B', 100, 1000000);
    rig_expect(0, 'A');
    bourse_market(rig.b, m, itch_system_event(m, rig.day_ns, 'E'));
    assert_int_equal(rig_expect(0, 'C').quantity, 100);
    assert_int_equal(rig_expect(0, 'S').code[0], 'E');
    rig_enter(0, 'B', 100, 1000000);
    assert_int_equal(rig_expect(0, 'J').reason, 0x02);
}

// Time in force E is for orders entered after hours: a replace that says it costs the original.
static void no_replace_is_for_after_hours(void **state)
{
    (void)state;
    uint8_t m[ITCH_MAX];
    rig_defaults(BOURSE_OUCH_50);
    rig_ready();
    bourse_market(rig.b, m, itch_system_event(m, rig.day_ns, 'M'));
    for (uint32_t i = 0; i < 2; i++) {
        struct entry e = rig_order('B', 100, "AAPL", 1000000);
        e.tif[0] = 'E';
        rig_say(0, &e);
        rig_expect(0, 'A');
        struct entry u = rig_order('B', 200, "AAPL", 1000000);
        u.type = 'U';
        u.original = e.ref;
        u.tif[0] = i ? 'E' : '5';
        rig_say(0, &u);
        rig_expect(0, i ? 'C' : 'U');
    }
    assert_int_equal(bourse_open_orders(rig.b, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_rule_has_its_code, rig_stop),
        cmocka_unit_test_teardown(ticks_below_a_dollar, rig_stop),
        cmocka_unit_test_teardown(halts_are_enforced, rig_stop),
        cmocka_unit_test_teardown(duplicates_are_ignored, rig_stop),
        cmocka_unit_test_teardown(rules_that_are_asked_for, rig_stop),
        cmocka_unit_test_teardown(short_sales_at_the_bid, rig_stop),
        cmocka_unit_test_teardown(before_and_after_the_day, rig_stop),
        cmocka_unit_test_teardown(no_replace_is_for_after_hours, rig_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
