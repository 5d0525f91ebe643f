// What an order may ask for beside its price: values and combinations that the specification has,
// and those that it has not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dataplane/base/hints.h"
#include "dataplane/wire/ouch_extras.h"

#define BIT(name) (1u << OUCH50_TAG_##name)

static const struct ouch_asked plain = {
    .quantity = 300, .price = 1000000, .side = 'B', .time_in_force = '0', .display = 'Y'};
static const struct ouch_asked sale = {
    .quantity = 300, .price = 1000000, .side = 'T', .time_in_force = '0', .display = 'Y'};
static const struct ouch_asked timed = {
    .quantity = 300, .price = 1000000, .side = 'B', .time_in_force = '6', .display = 'Y'};
static const struct ouch_asked ioc = {
    .quantity = 300, .price = 1000000, .side = 'B', .time_in_force = '3', .display = 'Y'};
static const struct ouch_asked hidden = {
    .quantity = 300, .price = 1000000, .side = 'B', .time_in_force = '0', .display = 'N'};

static void judge(uint32_t line, bool good, const struct ouch_extras *extras,
                  const struct ouch_asked *asked)
{
    if (ouch_extras_good(extras, asked) != good)
        fail_msg("line %u: %s", line, good ? "refused" : "taken");
}

#define JUDGE(good, asked, ...)                           \
    do {                                                  \
        const struct ouch_extras extras_ = {__VA_ARGS__}; \
        judge(__LINE__, good, &extras_, &(asked));        \
    } while (0)
#define SAYS(name, member, value) .options = {.present = BIT(name), .member = (value)}

static void sizes(void **state)
{
    (void)state;
    JUDGE(true, plain, .options = {.present = 0});
    JUDGE(true, plain, SAYS(MIN_QUANTITY, min_quantity, 300));
    JUDGE(false, plain, SAYS(MIN_QUANTITY, min_quantity, 301));
    JUDGE(false, plain, SAYS(MIN_QUANTITY, min_quantity, 0));
    JUDGE(true, plain, SAYS(MAX_FLOOR, max_floor, 100));
    JUDGE(false, plain, SAYS(MAX_FLOOR, max_floor, 0));
    JUDGE(false, plain, SAYS(MAX_FLOOR, max_floor, 1000000));
    JUDGE(false, hidden, SAYS(MAX_FLOOR, max_floor, 100));
    JUDGE(false, plain, SAYS(RANDOM_RESERVES, random_reserves, 10));
    for (uint32_t reserve = 0; reserve < 200; reserve += 33)
        JUDGE(reserve > 0 && reserve < 100, plain,
              .options = {.present = BIT(MAX_FLOOR) | BIT(RANDOM_RESERVES),
                          .max_floor = 100,
                          .random_reserves = reserve});
    JUDGE(true, timed, SAYS(EXPIRE_S, expire_s, 86399));
    JUDGE(false, timed, SAYS(EXPIRE_S, expire_s, 86400));
    JUDGE(false, timed, SAYS(EXPIRE_S, expire_s, 0));
    JUDGE(false, timed, .options = {.present = 0});
    JUDGE(false, plain, SAYS(EXPIRE_S, expire_s, 60));
}

static void prices(void **state)
{
    (void)state;
    for (const char *type = "LPMRQm"; *type; type++) {
        JUDGE(true, plain, SAYS(PRICE_TYPE, price_type, *type));
        JUDGE(*type != 'L' && *type != 'm', plain,
              .options = {.present = BIT(PRICE_TYPE) | BIT(PEG_OFFSET),
                          .price_type = *type,
                          .peg_offset = -100});
    }
    JUDGE(false, plain, SAYS(PRICE_TYPE, price_type, 'X'));
    JUDGE(false, plain, SAYS(PRICE_TYPE, price_type, 0));
    JUDGE(false, plain, SAYS(PEG_OFFSET, peg_offset, 100));
    // A discretion goes beyond the price, never back, and never without its bound.
    JUDGE(true, plain, SAYS(DISCRETION_PRICE, discretion_price, 1000000));
    JUDGE(false, plain, SAYS(DISCRETION_PRICE, discretion_price, 999999));
    JUDGE(true, sale, SAYS(DISCRETION_PRICE, discretion_price, 999900));
    JUDGE(false, sale, SAYS(DISCRETION_PRICE, discretion_price, 1000001));
    JUDGE(false, sale, SAYS(DISCRETION_PRICE, discretion_price, 0));
    JUDGE(true, plain, SAYS(DISCRETION_PRICE, discretion_price, OUCH50_PRICE_MAX));
    JUDGE(false, plain, SAYS(DISCRETION_PRICE, discretion_price, OUCH50_PRICE_MAX + 1ull));
    JUDGE(false, plain, SAYS(DISCRETION_PRICE, discretion_price, UINT64_MAX));
    JUDGE(false, plain, SAYS(DISCRETION_TYPE, discretion_type, 'M'));
    JUDGE(false, plain, SAYS(DISCRETION_OFFSET, discretion_offset, 1));
    for (const char *type = "LPMRQ"; *type; type++)
        JUDGE(*type == 'P' || *type == 'M' || *type == 'R', plain,
              .options = {.present =
                              BIT(DISCRETION_PRICE) | BIT(DISCRETION_TYPE) | BIT(DISCRETION_OFFSET),
                          .discretion_price = 1000100,
                          .discretion_type = *type,
                          .discretion_offset = 1});
}

static bool fits(char handle, char cross)
{
    return (handle == 'I' && (cross == 'O' || cross == 'C')) ||
           (memchr("OTQR", handle, 4) && cross == 'R') || (handle == 'B' && cross == 'E') ||
           (handle == 'D' && cross == 'H');
}

static void letters(void **state)
{
    (void)state;
    for (uint32_t c = 1; c < 256; c++) {
        const char l = (char)c;
        JUDGE(l == 'R' || l == 'N', plain, SAYS(CUSTOMER, customer, l));
        JUDGE(l == 'P' || l == 'N', plain, SAYS(POST_ONLY, post_only, l));
        JUDGE(l == 'Y' || l == 'N', plain, SAYS(TRADE_NOW, trade_now, l));
        JUDGE(l == 'Y' || l == 'N', sale, SAYS(LOCATED, located, l));
        JUDGE(false, plain, SAYS(LOCATED, located, l));
        JUDGE(memchr("APRO", l, 4) != NULL, plain, .capacity = l);
        JUDGE(memchr("YN", l, 2) != NULL, plain, .iso = l);
        JUDGE(memchr("NOCHSREA", l, 8) != NULL, plain, .cross = l);
        for (uint32_t k = 0; k < 8; k++)
            JUDGE(fits(l, "NOCHSREA"[k]), plain, SAYS(HANDLE, handle, l), .cross = "NOCHSREA"[k]);
    }
    // Takes nothing and does not rest, or takes everywhere and nothing.
    JUDGE(false, ioc, SAYS(POST_ONLY, post_only, 'P'));
    JUDGE(true, ioc, SAYS(POST_ONLY, post_only, 'N'));
    JUDGE(false, plain, SAYS(POST_ONLY, post_only, 'P'), .iso = 'Y');
}

static void names(void **state)
{
    static const struct {
        const char *name;
        bool four, two;
    } rows[] = {{"LIME", true, true},   {"AB  ", true, true},    {"A1  ", true, true},
                {"    ", true, true},   {"lime", false, false},  {"A B ", false, true},
                {" ABC", false, false}, {"AB\0\0", false, true}, {"AB-C", false, true}};
    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ouch_extras x = {.options = {.present = BIT(FIRM)}};
        memcpy(x.options.firm, rows[i].name, 4);
        judge(i, rows[i].four, &x, &plain);
        x = (struct ouch_extras){.options = {.present = BIT(ROUTE)}};
        memcpy(x.options.route, rows[i].name, 4);
        judge(i, rows[i].four, &x, &plain);
        x = (struct ouch_extras){.options = {.present = BIT(LOCATE_BROKER)}};
        memcpy(x.options.locate_broker, rows[i].name, 4);
        judge(i, rows[i].four, &x, &sale);
        judge(i, false, &x, &plain); // not of a purchase
        x = (struct ouch_extras){.options = {.present = BIT(AIQ_GROUP)}};
        memcpy(x.options.aiq_group, rows[i].name, 2);
        judge(i, rows[i].two, &x, &plain);
    }
}

// Options of the exchange's own messages, and bits of no option.
static void what_is_not_an_orders(void **state)
{
    (void)state;
    for (uint32_t tag = 0; tag < 32; tag++)
        if (!(ouch_extras_enter >> tag & 1))
            judge(tag, false, &(struct ouch_extras){.options = {.present = 1u << tag}}, &plain);
    assert_false(ouch_extras_enter & (BIT(SECONDARY_REF) | BIT(BBO_WEIGHT) | BIT(DISPLAY_PRICE) |
                                      BIT(DISPLAY_QUANTITY) | BIT(SIDE) | BIT(REF_SERIES)));
    assert_int_equal(ouch_extras_enter & ~ouch_extras_replace,
                     BIT(FIRM) | BIT(ROUTE) | BIT(LOCATE_BROKER) | BIT(AIQ_STRATEGY) |
                         BIT(AIQ_GROUP));
}

static void displays_of_42(void **state)
{
    (void)state;
    struct ouch_extras x = {.options = {.present = 0}};
    assert_int_equal(ouch42_display(&x, 'A'), 'A');
    x = (struct ouch_extras){SAYS(POST_ONLY, post_only, 'P')};
    assert_int_equal(ouch42_display(&x, 'Y'), 'P');
    assert_int_equal(ouch42_display(&x, 'A'), 'L');
    assert_int_equal(ouch42_display(&x, 'N'), 0);
    x = (struct ouch_extras){SAYS(PRICE_TYPE, price_type, 'M')};
    assert_int_equal(ouch42_display(&x, 'N'), 'M');
    assert_int_equal(ouch42_display(&x, 'Y'), 0);
    x.options.present |= BIT(POST_ONLY);
    x.options.post_only = 'P';
    assert_int_equal(ouch42_display(&x, 'N'), 'W');
    x = (struct ouch_extras){SAYS(PRICE_TYPE, price_type, 'm')};
    assert_int_equal(ouch42_display(&x, 'N'), 'm');
    x = (struct ouch_extras){SAYS(PRICE_TYPE, price_type, 'R')};
    assert_int_equal(ouch42_display(&x, 'N'), 0);
    x = (struct ouch_extras){SAYS(HANDLE, handle, 'I'), .cross = 'O'};
    assert_int_equal(ouch42_display(&x, 'N'), 'I');
    x = (struct ouch_extras){SAYS(FIRM, firm[0], 'A')};
    assert_int_equal(ouch42_display(&x, 'Y'), 'Y');
    x = (struct ouch_extras){SAYS(GROUP, group, 1)};
    assert_int_equal(ouch42_display(&x, 'Y'), 0);
    x = (struct ouch_extras){.cross = 'A'};
    assert_int_equal(ouch42_display(&x, 'Y'), 0);
}

static void the_orders_own_come_first(void **state)
{
    struct ouch50_options own = {.present = BIT(FIRM) | BIT(GROUP), .firm = "OWN ", .group = 3};
    const struct ouch50_options other = {.present = BIT(FIRM) | BIT(CUSTOMER) | BIT(BBO_WEIGHT),
                                         .firm = "THEY",
                                         .customer = 'R',
                                         .bbo_weight = '1'};
    (void)state;
    ouch50_options_join(&own, &other);
    assert_int_equal(own.present, BIT(FIRM) | BIT(GROUP) | BIT(CUSTOMER));
    assert_memory_equal(own.firm, "OWN ", 4);
    assert_true(own.group == 3 && own.customer == 'R');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(prices),
        cmocka_unit_test(letters),
        cmocka_unit_test(names),
        cmocka_unit_test(what_is_not_an_orders),
        cmocka_unit_test(displays_of_42),
        cmocka_unit_test(the_orders_own_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
