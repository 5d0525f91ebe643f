// Events as rows of COPY's binary format, read back by what PostgreSQL's documentation says of it.
// clang-format off: cmocka.h needs these before it
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controlplane/store/rows.h"
#include "dataplane/base/bytes.h"

#define AT_NS (UINT64_C(1795219200) * 1000000000 + 123456789)

static struct row_writer writer;

static int make(void **state)
{
    (void)state;
    memset(&writer, 0, sizeof writer);
    row_writer_clear(&writer);
    writer.clock = (struct journal_clock){.tsc_hz = 2000000000, .tsc_at = 1000, .utc_ns_at = AT_NS};
    writer.block_ns = AT_NS;
    writer.epoch = 77;
    writer.journal = 5;
    writer.number = 42;
    return 0;
}

static int drop(void **state)
{
    (void)state;
    row_writer_free(&writer);
    return 0;
}

// The field of a column in the one row of a table; *len is -1 for null.
static const uint8_t *field(enum store_table table, const char *column, int32_t *len)
{
    const struct rows *r = &writer.tables[table];
    const struct row_table *t = &row_tables[table];
    const uint8_t *at = r->bytes + 19, *found = NULL;
    assert_memory_equal(r->bytes, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
    assert_int_equal(be16_load(at), t->column_count);
    at += 2;
    for (uint32_t c = 0; c < t->column_count; c++) {
        const int32_t n = (int32_t)be32_load(at);
        at += 4;
        if (strcmp(t->columns[c].name, column) == 0) {
            found = at;
            *len = n;
        }
        at += n > 0 ? n : 0;
    }
    assert_non_null(found);
    assert_ptr_equal(at, r->bytes + r->len);
    return found;
}

static int64_t number(enum store_table table, const char *column)
{
    int32_t len;
    const uint8_t *at = field(table, column, &len);
    switch (len) {
    case 1: return *at;
    case 2: return (int16_t)be16_load(at);
    case 4: return (int32_t)be32_load(at);
    case 8: return (int64_t)be64_load(at);
    default: fail_msg("%s has %d bytes", column, len); return 0;
    }
}

static const char *text(enum store_table table, const char *column)
{
    static char out[2048];
    int32_t len;
    const uint8_t *at = field(table, column, &len);
    snprintf(out, sizeof out, "%.*s", len, (const char *)at);
    return out;
}

static void write_event(const struct event *e)
{
    row_writer_clear(&writer);
    row_write(&writer, row_table_of(e->type), e);
}

static void test_a_decision(void **state)
{
    (void)state;
    const struct event e = {.sequence = 9,
                            .tsc = 1000 + 2 * 211, // 211 ns later
                            .type = EVENT_DECISION,
                            .lane = 3,
                            .decision = {.client_id = UINT64_MAX,
                                         .order = UINT32_MAX,
                                         .price = UINT32_MAX,
                                         .refusal = 16,
                                         .side = 'S',
                                         .gated = 5000}};
    write_event(&e);
    assert_int_equal(number(TABLE_decisions, "at"),
                     (AT_NS + 211) / 1000 - INT64_C(946684800) * 1000000);
    assert_int_equal(number(TABLE_decisions, "ns"), 0);
    assert_int_equal(number(TABLE_decisions, "journal"), 5);
    assert_int_equal(number(TABLE_decisions, "number"), 42);
    assert_int_equal(number(TABLE_decisions, "epoch"), 77);
    assert_int_equal(number(TABLE_decisions, "lane"), 3);
    assert_int_equal(number(TABLE_decisions, "sequence"), 9);
    assert_int_equal(number(TABLE_decisions, "client_id"), -1);
    assert_int_equal(number(TABLE_decisions, "place"), -1);
    assert_int_equal(number(TABLE_decisions, "price"), UINT32_MAX);
    assert_int_equal(number(TABLE_decisions, "refusal"), 16);
    assert_int_equal(number(TABLE_decisions, "side"), 'S');
    assert_int_equal(number(TABLE_decisions, "gated_ns"), 2500);
}

static void test_a_wait_of_seconds_is_no_stage(void **state)
{
    (void)state;
    const struct event e = {.type = EVENT_ORDER_RELEASED,
                            .order_released = {.decision = 8,
                                               .parked = UINT64_C(2000000000) * 7,
                                               .refusal = REFUSAL_NOTIONAL,
                                               .limit = 500}};
    write_event(&e);
    assert_int_equal(number(TABLE_releases, "decision"), 8);
    assert_int_equal(number(TABLE_releases, "parked_ns"), INT64_C(7000000000));
    assert_int_equal(number(TABLE_releases, "refusal"), REFUSAL_NOTIONAL);
    assert_int_equal(number(TABLE_releases, "limit_value"), 500);
}

static void test_an_execution_that_closes_nothing_has_no_gain(void **state)
{
    (void)state;
    const struct event e = {.type = EVENT_ORDER, .order = {.fill_shares = 7, .fill_price = 8}};
    int32_t len;
    for (int closed = 0; closed < 2; closed++) {
        row_writer_clear(&writer);
        writer.closed = closed;
        writer.realised = -3;
        row_write(&writer, TABLE_executions, &e);
        assert_int_equal(number(TABLE_executions, "shares"), 7);
        (void)field(TABLE_executions, "realised", &len);
        assert_int_equal(len, closed ? 8 : -1);
    }
    assert_int_equal(number(TABLE_executions, "realised"), -3);
}

static void test_every_type_has_a_row(void **state)
{
    (void)state;
    for (uint32_t type = 0; type < EVENT_TYPES + 3; type++) {
        struct event e = {.type = (uint16_t)type};
        for (int fill = 0; fill < 256; fill += 85) {
            memset(e.payload, fill, sizeof e.payload);
            write_event(&e);
            const enum store_table table = row_table_of(e.type);
            assert_int_equal(writer.tables[table].count, 1);
            assert_int_equal(number(table, "number"), 42);
            assert_true(writer.used <= ROW_LEN_MAX);
        }
    }
}

static void test_texts_are_plain(void **state)
{
    (void)state;
    struct event e = {.type = EVENT_GOVERNED};
    memcpy(e.governed.reason, "a\x01\xff'b", 5);
    write_event(&e);
    assert_string_equal(text(TABLE_governed, "reason"), "a?"
                                                        "?'b");
    memset(e.governed.reason, 'x', sizeof e.governed.reason); // without an end
    write_event(&e);
    assert_int_equal(strlen(text(TABLE_governed, "reason")), sizeof e.governed.reason);
    e = (struct event){.type = EVENT_TRADING_STATUS, .trading_status = {.reason = "a\"\\\x80"}};
    write_event(&e);
    assert_non_null(strstr(text(TABLE_events, "fields"), "\"reason\":\"a\\\"\\\\?\""));
    e = (struct event){.type = 999};
    write_event(&e);
    assert_string_equal(text(TABLE_events, "type"), "999");
}

static void test_numbers_with_a_sign_keep_it(void **state)
{
    (void)state;
    const struct event e = {.type = EVENT_SIGNAL,
                            .signal = {.value_0 = -7, .value_3 = INT64_MIN, .number = UINT64_MAX}};
    write_event(&e);
    const char *fields = text(TABLE_events, "fields");
    assert_non_null(strstr(fields, "\"value_0\":-7,"));
    assert_non_null(strstr(fields, "\"value_3\":-9223372036854775808,"));
    assert_non_null(strstr(fields, "\"number\":18446744073709551615,"));
}

static void test_time_stays_near_the_block(void **state)
{
    (void)state;
    const uint64_t day_ns = UINT64_C(86400) * 1000000000;
    assert_int_equal(row_time(&writer, 1000), AT_NS);
    assert_int_equal(row_time(&writer, 0), AT_NS - 500);
    assert_int_equal(row_time(&writer, 1000 + 4 * day_ns), AT_NS);
    assert_int_equal(row_time(&writer, UINT64_MAX), AT_NS);
    writer.clock.tsc_hz = 0;
    assert_int_equal(row_time(&writer, 5000), AT_NS);
    assert_int_equal(row_ticks_ns(&writer, 5000), 0);
    writer.clock.tsc_hz = 1;
    assert_int_equal(row_ticks_ns(&writer, UINT64_MAX), INT32_MAX);
}

// The migrations, as text.
static const char *const sql =
#define MIGRATION(name, text) text
#include "migrations.inc"
    ;

// Each table of the migrations has the columns that are copied, in that order and of that type.
static void test_columns_are_those_of_the_schema(void **state)
{
    (void)state;
    for (uint32_t t = 0; t < TABLES; t++) {
        const struct row_table *table = &row_tables[t];
        char word[128];
        snprintf(word, sizeof word, "CREATE TABLE tickgate.%s (\n", table->name);
        const char *at = strstr(sql, word);
        assert_non_null(at);
        const char *end = strstr(at, "\n);");
        assert_non_null(end);
        at += strlen(word);
        for (uint32_t c = 0; c < table->column_count; c++) {
            const bool stamp = strncmp(table->columns[c].type, "timestamp", 9) == 0;
            char name[64], type[64];
            assert_int_equal(sscanf(at, " %63[^ ,] %63[^ ,\n]", name, type), 2);
            assert_string_equal(name, table->columns[c].name);
            assert_string_equal(type, stamp ? "timestamptz" : table->columns[c].type);
            at = c + 1 < table->column_count ? strchr(at, ',') + 1 : end;
            const char *line = strchr(at, '\n');
            if (strncmp(at + strspn(at, " "), "--", 2) == 0)
                at = line;
            assert_true(at <= end);
        }
        // No column of the table is left out.
        assert_null(memchr(at, ',', (size_t)(end - at)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_decision, make, drop),
        cmocka_unit_test_setup_teardown(test_a_wait_of_seconds_is_no_stage, make, drop),
        cmocka_unit_test_setup_teardown(test_an_execution_that_closes_nothing_has_no_gain, make,
                                        drop),
        cmocka_unit_test_setup_teardown(test_every_type_has_a_row, make, drop),
        cmocka_unit_test_setup_teardown(test_texts_are_plain, make, drop),
        cmocka_unit_test_setup_teardown(test_numbers_with_a_sign_keep_it, make, drop),
        cmocka_unit_test_setup_teardown(test_time_stays_near_the_block, make, drop),
        cmocka_unit_test(test_columns_are_those_of_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
