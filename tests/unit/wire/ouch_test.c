// OUCH 5.0 and 4.2: lengths from the texts, captured messages, and every table both ways.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/mman.h>

#include "dataplane/base/hints.h"
#include "dataplane/wire/ouch.h"
#include "dataplane/wire/ouch42.h"
#include "dataplane/wire/ouch50.h"
#include "tests/lib/hex.h"

// Written down from the specifications a second time, on purpose not from the tables.
struct length {
    char letter;
    uint8_t bytes;
};
static const struct length in50[] = {{'O', 47}, {'U', 40}, {'X', 9},  {'M', 10},
                                     {'Q', 1},  {'C', 19}, {'D', 11}, {'E', 11}};
static const struct length out50[] = {{'S', 10}, {'A', 64}, {'U', 68}, {'C', 18}, {'D', 32},
                                      {'E', 36}, {'B', 36}, {'J', 29}, {'P', 13}, {'I', 13},
                                      {'T', 30}, {'M', 18}, {'R', 16}, {'Q', 13}, {'X', 27},
                                      {'G', 19}, {'K', 19}};
static const struct length in42[] = {{'O', 49}, {'U', 47}, {'X', 19}, {'M', 20}, {'N', 15}};
static const struct length out42[] = {{'S', 10}, {'A', 66}, {'U', 80}, {'C', 28}, {'D', 37},
                                      {'E', 40}, {'B', 32}, {'G', 45}, {'F', 41}, {'J', 24},
                                      {'P', 23}, {'I', 23}, {'T', 36}, {'M', 28}, {'N', 23}};

static uint32_t bytes_of(const struct length *table, size_t n, uint32_t type)
{
    for (size_t i = 0; i < n; i++)
        if ((uint8_t)table[i].letter == type)
            return table[i].bytes;
    return 0;
}

// Types whose fixed part ends with the length of options; zeros there say "none".
static void lengths_are_those_of_the_texts(void **state)
{
    (void)state;
    struct ouch50_message m;
    for (uint32_t type = 0; type < 256; type++) {
        uint8_t p[80] = {(uint8_t)type};
        assert_int_equal(ouch42_in_len((uint8_t)type), bytes_of(in42, ARRAY_LEN(in42), type));
        assert_int_equal(ouch42_out_len((uint8_t)type), bytes_of(out42, ARRAY_LEN(out42), type));
        uint32_t in = bytes_of(in50, ARRAY_LEN(in50), type);
        uint32_t out = bytes_of(out50, ARRAY_LEN(out50), type);
        assert_int_equal(ouch50_in_check(p, in ? in : 20, &m),
                         in ? OUCH50_OK : OUCH50_UNKNOWN_TYPE);
        assert_int_equal(ouch50_out_check(p, out ? out : 20, &m),
                         out ? OUCH50_OK : OUCH50_UNKNOWN_TYPE);
        for (uint32_t len = 0; len < in; len++)
            assert_int_equal(ouch50_in_check(p, len, &m), OUCH50_BAD_LENGTH);
        for (uint32_t len = 0; len < out; len++)
            assert_int_equal(ouch50_out_check(p, len, &m), OUCH50_BAD_LENGTH);
    }
}

// Revision 1.05 lets options follow where the text of 2023 has none.
static void trailing_options_are_accepted_where_they_fit(void **state)
{
    (void)state;
    struct ouch50_message m;
    uint8_t p[40] = {'C'};
    assert_int_equal(ouch50_out_check(p, 18 + 1, &m), OUCH50_BAD_LENGTH);
    assert_int_equal(ouch50_out_check(p, 18 + 2, &m), OUCH50_OK);
    assert_int_equal(m.options_len, 0);
    const uint8_t series[] = {0, 3, 2, OUCH50_TAG_REF_SERIES, 7};
    memcpy(p + 18, series, sizeof series);
    assert_int_equal(ouch50_out_check(p, 18 + 5, &m), OUCH50_OK);
    struct ouch50_options o;
    assert_true(ouch50_options_read(m.options, m.options_len, &o));
    assert_int_equal(o.present, 1u << OUCH50_TAG_REF_SERIES);
    assert_int_equal(o.ref_series, 7);
    assert_int_equal(ouch50_out_check(p, 18 + 6, &m), OUCH50_BAD_LENGTH);
    assert_int_equal(ouch50_out_check(p, 18 + 4, &m), OUCH50_BAD_LENGTH);
}

// --- every table both ways: bytes that all differ come back as they were ---

static void fill(uint8_t *p, uint32_t len, char letter)
{
    for (uint32_t i = 0; i < len; i++)
        p[i] = (uint8_t)(i * 37 + 11);
    p[0] = (uint8_t)letter;
}

#define ROUND(version, letter, lower, length)                         \
    {                                                                 \
        uint8_t p[(length)], q[(length)] = {0};                       \
        struct version##_##lower m;                                   \
        fill(p, (length), letter);                                    \
        version##_##lower##_read(p, &m);                              \
        assert_int_equal(version##_##lower##_write(q, &m), (length)); \
        assert_memory_equal(p, q, (length));                          \
    }

static void messages_survive_reading_and_writing(void **state)
{
    (void)state;
#define OUCH50_IN(letter, upper, lower, length, appendage, title) \
    ROUND(ouch50, letter, lower, length)
#define OUCH50_OUT(letter, upper, lower, length, appendage, title) \
    ROUND(ouch50, letter, lower, length)
#include "dataplane/wire/ouch50.def"
#define OUCH42_IN(letter, upper, lower, length, title)  ROUND(ouch42, letter, lower, length)
#define OUCH42_OUT(letter, upper, lower, length, title) ROUND(ouch42, letter, lower, length)
#include "dataplane/wire/ouch42.def"
}

// --- captured ---

static const char captured_enter[] = "4f0000007154000000e143564c54202020200000000000099db83059414e4"
                                     "e4838465542384956202020202020000605"
                                     "024c494d45";
static const char captured_accepted[] = "410000289b4d64af8700753a8d42000000284144424520202020000000"
                                        "000048e7483559000000000f56b4f5414e4e4c"
                                        "3736383237303120202020202020000905024d4c524f021230";
static const char captured_canceled[] = "430000289b4d68131700753a8d0000002855";

static void captured_enter_decodes_and_is_written_again(void **state)
{
    (void)state;
    uint32_t len;
    uint8_t *p = hex_alloc(captured_enter, &len), q[OUCH50_MESSAGE_MAX];
    struct ouch50_message m;
    struct ouch50_enter e;
    struct ouch50_options o;
    assert_int_equal(ouch50_in_check(p, len, &m), OUCH50_OK);
    ouch50_enter_read(p, &e);
    assert_int_equal(e.user_ref, 113);
    assert_int_equal(e.side, 'T');
    assert_int_equal(e.quantity, 225);
    assert_memory_equal(e.symbol, "CVLT    ", 8);
    assert_int_equal(e.price, 630200);
    assert_int_equal(e.time_in_force, '0');
    assert_int_equal(e.display, 'Y');
    assert_int_equal(e.capacity, 'A');
    assert_int_equal(e.iso, 'N');
    assert_int_equal(e.cross, 'N');
    assert_memory_equal(e.client_id, "H8FUB8IV      ", 14);
    assert_true(ouch50_options_read(m.options, m.options_len, &o));
    assert_int_equal(o.present, 1u << OUCH50_TAG_FIRM);
    assert_memory_equal(o.firm, "LIME", 4);
    uint32_t n = ouch50_enter_write(q, &e);
    n += ouch50_options_write(q + n, &o);
    assert_int_equal(n, len);
    assert_memory_equal(p, q, len);
    free(p);
}

static void captured_answers_become_reports(void **state)
{
    (void)state;
    uint32_t len;
    struct ouch_report r;
    uint8_t *p = hex_alloc(captured_accepted, &len);
    assert_int_equal(ouch50_report(p, len, &r), OUCH_OK);
    assert_int_equal(r.kind, REPORT_ACCEPTED);
    assert_true(r.time_ns == 44647483486087 && r.exchange_ref == 257340661);
    assert_int_equal(r.ref, 7682701);
    assert_int_equal(r.side, 'B');
    assert_int_equal(r.quantity, 40);
    assert_int_equal(r.price, 4777800);
    assert_memory_equal(r.symbol, "ADBE    ", 8);
    p[47] = 'D';
    assert_int_equal(ouch50_report(p, len, &r), OUCH_OK);
    assert_int_equal(r.kind, REPORT_ACCEPTED_DEAD);
    p[47] = 'x';
    assert_int_equal(ouch50_report(p, len, &r), OUCH_BAD_VALUE);
    p[47] = 'L';
    p[29] = 1; // a price above 32 bits
    assert_int_equal(ouch50_report(p, len, &r), OUCH_BAD_VALUE);
    p[29] = 0;
    be32_store(p + 14, 1000000);
    assert_int_equal(ouch50_report(p, len, &r), OUCH_BAD_VALUE);
    free(p);
    p = hex_alloc(captured_canceled, &len);
    assert_int_equal(ouch50_report(p, len, &r), OUCH_OK);
    assert_int_equal(r.kind, REPORT_CANCELED);
    assert_int_equal(r.ref, 7682701);
    assert_int_equal(r.quantity, 40);
    assert_int_equal(r.reason, 'U');
    assert_int_equal(ouch50_report(p, len - 1, &r), OUCH_BAD_LENGTH);
    assert_int_equal(ouch50_report(p, 0, &r), OUCH_BAD_LENGTH);
    p[0] = 'O';
    assert_int_equal(ouch50_report(p, len, &r), OUCH_UNKNOWN_TYPE);
    free(p);
}

// --- options ---

static void options_are_taken_apart_and_checked(void **state)
{
    (void)state;
    struct ouch50_options o = {.present = 0}, back;
    uint8_t p[OUCH50_APPENDAGE_MAX];
#define OUCH50_OPTION(tag, upper, lower, kind, help) \
    o.present |= 1u << (tag);                        \
    memset(&o.lower, (tag) + 1, sizeof o.lower);
#include "dataplane/wire/ouch50_options.def"
    uint32_t n = ouch50_options_write(p, &o);
    assert_true(n <= sizeof p);
    assert_true(ouch50_options_read(p, n, &back));
    assert_int_equal(back.present, o.present);
#define OUCH50_OPTION(tag, upper, lower, kind, help) \
    assert_memory_equal(&back.lower, &o.lower, sizeof o.lower);
#include "dataplane/wire/ouch50_options.def"
    assert_false(ouch50_options_read(p, n - 1, &back));                        // runs past the end
    assert_false(ouch50_options_read((const uint8_t[]){0, 2}, 2, &back));      // length 0
    assert_false(ouch50_options_read((const uint8_t[]){2, 2, 'A'}, 3, &back)); // size of Firm
    assert_true(ouch50_options_read((const uint8_t[]){2, 19, 'A'}, 3, &back)); // not assigned
    assert_int_equal(back.present, 0);
    assert_true(ouch50_options_read((const uint8_t[]){2, 12, 'N', 2, 12, 'P'}, 6, &back));
    assert_int_equal(back.post_only, 'P'); // the last one counts
    assert_true(ouch50_options_read((const uint8_t[]){5, 7, 0xff, 0xff, 0xff, 0x9c}, 6, &back));
    assert_int_equal(back.peg_offset, -100);
}

// --- the same reports from both versions ---

static const struct ouch_prefix prefix = {"TG1", 3};

static void tokens_carry_the_reference(void **state)
{
    (void)state;
    char token[14];
    struct ouch_prefix other;
    ouch_token_write(token, &prefix, 0xDEADBEEF);
    assert_memory_equal(token, "TG1DEADBEEF   ", 14);
    assert_true(ouch_token_read(token, &prefix) == 0xDEADBEEF);
    assert_int_equal(ouch_token_read("TG2DEADBEEF   ", &prefix), 0);
    assert_int_equal(ouch_token_read("TG1DEADBEEF  x", &prefix), 0);
    assert_int_equal(ouch_token_read("TG1DEADBEEG   ", &prefix), 0);
    assert_int_equal(ouch_token_read("TG1deadbeef   ", &prefix), 0); // tokens have a case
    assert_true(ouch_prefix_set(&other, "abc123"));
    assert_int_equal(other.len, 6);
    assert_false(ouch_prefix_set(&other, "abc1234"));
    assert_false(ouch_prefix_set(&other, "a-b"));
    assert_true(ouch_prefix_set(&other, ""));
}

static void report_of(uint8_t *p, uint32_t len, struct ouch_report *r)
{
    assert_int_equal(ouch42_report(p, len, &prefix, r), OUCH_OK);
    assert_int_equal(r->letter, p[0]);
}

static void version_42_gives_the_same_reports(void **state)
{
    (void)state;
    uint8_t p[OUCH42_MESSAGE_MAX];
    struct ouch_report r;
    struct ouch42_replaced u = {.timestamp_ns = 5,
                                .side = 'B',
                                .quantity = 300,
                                .price = 1000100,
                                .display = 'Z',
                                .order_ref = 9,
                                .capacity = 'P',
                                .state = 'L'};
    memcpy(u.symbol, "MSFT    ", 8);
    ouch_token_write(u.token, &prefix, 8);
    ouch_token_write(u.orig_token, &prefix, 7);
    report_of(p, ouch42_replaced_write(p, &u), &r);
    assert_int_equal(r.kind, REPORT_REPLACED);
    assert_int_equal(r.ref, 8);
    assert_int_equal(r.ref_was, 7);
    assert_int_equal(r.quantity, 300);
    assert_int_equal(r.price, 1000100);
    assert_true(r.time_ns == 5 && r.exchange_ref == 9);
    assert_memory_equal(r.symbol, "MSFT    ", 8);
    p[65] = 'x'; // a previous token of somebody else
    assert_int_equal(ouch42_report(p, 80, &prefix, &r), OUCH_FOREIGN);

    struct ouch42_executed_reference g = {.timestamp_ns = 6,
                                          .quantity = 10,
                                          .price = 55,
                                          .liquidity = 'R',
                                          .match = 77,
                                          .reference_price = 1};
    memcpy(g.token, u.token, 14);
    report_of(p, ouch42_executed_reference_write(p, &g), &r);
    assert_int_equal(r.kind, REPORT_EXECUTED);
    assert_true(r.match == 77 && r.quantity == 10 && r.price == 55 && r.liquidity == 'R');
    struct ouch42_corrected f = {.timestamp_ns = 6, .quantity = 10, .price = 56, .match = 77};
    memcpy(f.token, u.token, 14);
    report_of(p, ouch42_corrected_write(p, &f), &r);
    assert_int_equal(r.kind, REPORT_CORRECTED);
    assert_true(r.match == 77 && r.price == 56);
    struct ouch42_rejected j = {.timestamp_ns = 6, .reason = 'H'};
    memcpy(j.token, u.token, 14);
    report_of(p, ouch42_rejected_write(p, &j), &r);
    assert_int_equal(r.kind, REPORT_REJECTED);
    assert_int_equal(r.reason, 'H');
    p[9] = 'x';
    assert_int_equal(ouch42_report(p, 24, &prefix, &r), OUCH_FOREIGN);
    struct ouch42_system s = {.timestamp_ns = 1, .event = 'S'};
    report_of(p, ouch42_system_write(p, &s), &r);
    assert_int_equal(r.kind, REPORT_SYSTEM);
    assert_int_equal(r.reason, 'S');
    assert_int_equal(ouch42_report(p, 11, &prefix, &r), OUCH_BAD_LENGTH);
    assert_int_equal(ouch42_report((const uint8_t *)"Z", 1, &prefix, &r), OUCH_UNKNOWN_TYPE);
}

// Every type of either version has a kind, and its reference where the reader looks.
// The shortest form of every message, before memory that nobody may read.
static void no_message_is_read_beyond_its_end(void **state)
{
    enum { PAGE = 4096, LEN_MAX = 256 };
    struct ouch50_message message;
    struct ouch_report r;
    uint32_t read50 = 0, read42 = 0;
    (void)state;
    uint8_t *pages =
        mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
    for (uint32_t letter = 'A'; letter <= 'Z'; letter++)
        for (uint32_t len = 1; len <= LEN_MAX; len++) {
            uint8_t *p = pages + PAGE - len;
            memset(pages, 0, PAGE);
            p[0] = (uint8_t)letter;
            const enum ouch_code code = ouch50_report(p, len, &r);
            read50 += code != OUCH_UNKNOWN_TYPE && code != OUCH_BAD_LENGTH;
            (void)ouch50_out_check(p, len, &message);
            const enum ouch_code old = ouch42_report(p, len, &prefix, &r);
            read42 += old != OUCH_UNKNOWN_TYPE && old != OUCH_BAD_LENGTH;
        }
    assert_true(read50 >= 17 && read42 >= 12);
    assert_int_equal(munmap(pages, 2 * PAGE), 0);
}

static void every_message_has_a_kind(void **state)
{
    (void)state;
    struct ouch_report r;
    for (size_t i = 0; i < ARRAY_LEN(out50); i++) {
        uint8_t p[80] = {(uint8_t)out50[i].letter};
        p[12] = 42; // the last byte of the reference, but in 'U' and 'S'
        if (p[0] == 'A')
            p[47] = 'L';
        if (p[0] == 'U')
            p[51] = 'D';
        assert_int_equal(ouch50_report(p, out50[i].bytes, &r), OUCH_OK);
        if (r.kind < REPORT_ORDER_KINDS && p[0] != 'U')
            assert_int_equal(r.ref, 42);
        assert_true(r.kind < REPORT_KINDS && (r.kind != REPORT_ACCEPTED || p[0] == 'A'));
        assert_string_not_equal(ouch_report_name(r.kind), "?");
    }
    assert_int_equal(r.kind, REPORT_NOTICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_those_of_the_texts),
        cmocka_unit_test(trailing_options_are_accepted_where_they_fit),
        cmocka_unit_test(messages_survive_reading_and_writing),
        cmocka_unit_test(captured_enter_decodes_and_is_written_again),
        cmocka_unit_test(captured_answers_become_reports),
        cmocka_unit_test(options_are_taken_apart_and_checked),
        cmocka_unit_test(tokens_carry_the_reference),
        cmocka_unit_test(version_42_gives_the_same_reports),
        cmocka_unit_test(no_message_is_read_beyond_its_end),
        cmocka_unit_test(every_message_has_a_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
