// Files of the day: what their rows become, and what is wrong with them, with line and remedy.
#include <stdio.h>
#include <string.h>

#include "dataplane/base/hints.h"
#include "dataplane/config/reference.h"
#include "tests/lib/sheet_rig.h"

static char names[4][8] = {"ZZ      ", "AAPL    ", "MSFT    ", "X       "};

// Two rows of symbols, two accounts, two lanes of which the first trades.
static int open_rig(void **state)
{
    (void)state;
    struct error err = {0};
    memset(&config, 0, sizeof config);
    config.symbol_count = 2;
    config.symbols[0].names = (struct config_symbols){names, 3};
    config.symbols[1].names = (struct config_symbols){names + 3, 1};
    for (uint32_t i = 0; i < 2; i++) {
        config.symbols[i].average_volume = CONFIG_POSITION_MAX;
        config.symbols[i].volume_percent = 10000;
        config.symbols[i].limits.position = CONFIG_POSITION_MAX;
        config.symbols[i].broker.position = CONFIG_POSITION_MAX;
        config.accounts[i].limits.position = CONFIG_POSITION_MAX;
        config.accounts[i].broker.position = CONFIG_POSITION_MAX;
    }
    config.account_count = config.lane_count = 2;
    strcpy(config.accounts[0].name, "house");
    strcpy(config.accounts[1].name, "fund");
    strcpy(config.lanes[0].name, "l0");
    strcpy(config.lanes[1].name, "l1");
    config.session_count = 1;
    strcpy(config.day.date, "2026-11-23");
    today = day_wanted(&config, (struct local_time){0});
    return symbol_index_make(&index_of_all, &config, &err) ? 0 : -1;
}

static bool read_text(struct sheet *s, const char *text, struct error *err)
{
    return strstr(text, ",positions,")
               ? text_read(s, &positions_kind, positions_check, "f.csv", text, err)
               : text_read(s, &reference_kind, reference_check, "f.csv", text, err);
}

#define REFERENCE "tickgate,reference,1,2026-11-23\n"
#define POSITIONS "tickgate,positions,1,2026-11-23\n"

static void rows_become_values(void **state)
{
    (void)state;
    struct sheet s;
    good(&s, "# of the vendor\r\n" REFERENCE "\n"
             "lot,symbol,previous_close, average_volume ,locates,tick\n"
             "100,MSFT,431.05,22000000,none,0.01\r\n"
             "# a comment\n"
             ",X,,7,0,");
    assert_int_equal(s.count, 2);
    assert_int_equal(s.day, today);
    const struct reference_row *m = sheet_row_at(&s, 0), *x = sheet_row_at(&s, 1);
    assert_int_equal(m->instrument, 2);
    assert_int_equal(m->head.line, 5);
    assert_int_equal(m->lot, 100);
    assert_int_equal(m->previous_close, 4310500);
    assert_int_equal(m->average_volume, 22000000);
    assert_int_equal(m->locates, UINT32_MAX);
    assert_int_equal(m->tick, 100);
    assert_int_equal(m->head.given, 0x3f);
    assert_int_equal(x->instrument, 3);
    assert_int_equal(x->average_volume, 7);
    assert_true(sheet_gives(&x->head, REFERENCE_LOCATES) && x->locates == 0);
    assert_false(sheet_gives(&x->head, REFERENCE_CLOSE) || sheet_gives(&x->head, REFERENCE_LOT) ||
                 sheet_gives(&x->head, REFERENCE_TICK));
    sheet_free(&s);
}

static void a_file_of_another_kind_is_refused(void **state)
{
    (void)state;
    bad("", "f.csv:1:1: |tickgate,reference,1,YYYY-MM-DD");
    bad("symbol,lot\nX,1\n", "f.csv:1:1: |tickgate,reference,1,YYYY-MM-DD");
    bad("tickgate,reference,2,2026-11-23\nsymbol\n", "f.csv:1:20: |version 1");
    bad("tickgate,reference,1\nsymbol\n", "f.csv:1:|the day");
    bad("tickgate,reference,1,2026-11-23,2026-11-24\nsymbol\n", "f.csv:1:|the day");
    bad("tickgate,reference,1,23.11.2026\nsymbol\n", "f.csv:1:22: |'23.11.2026'|YYYY-MM-DD");
    bad(REFERENCE, "f.csv:|names of the columns");
    bad(REFERENCE "symbol,isin\n", "f.csv:2:8: 'isin'|docs/reference.md");
    bad(REFERENCE "symbol,lot,lot\n", "f.csv:2:12: |'lot'|twice");
    bad(REFERENCE "lot\n", "f.csv:2:|'symbol' is missing");
    bad(REFERENCE "symbol,lot,tick,locates,previous_close,average_volume,a,b,c\n",
        "f.csv:2:|more than 8");
}

static void a_wrong_value_has_line_and_column(void **state)
{
    (void)state;
    bad(REFERENCE "symbol,lot\nX,0\n", "f.csv:3:3: lot: |1 to 999999");
    bad(REFERENCE "symbol,lot\nX,1000000\n", "f.csv:3:3: lot: ");
    bad(REFERENCE "symbol,lot\nX,-1\n", "f.csv:3:3: lot: ");
    bad(REFERENCE "symbol,lot\nX, many\n", "f.csv:3:4: lot: 'many'");
    bad(REFERENCE "symbol,previous_close\nX,1.00001\n",
        "f.csv:3:3: previous_close: |four decimals");
    bad(REFERENCE "symbol,previous_close\nX,0\n", "f.csv:3:3: previous_close: ");
    bad(REFERENCE "symbol,previous_close\nX,none\n",
        "f.csv:3:3: previous_close: 'none' is not good here; it takes dollars from 0.0001");
    bad(REFERENCE "symbol,tick\nX,none\n", "f.csv:3:3: tick: 'none' is not good here");
    bad(REFERENCE "symbol,average_volume\nX,18446744073709551616\n", "f.csv:3:3: average_volume: ");
    bad(REFERENCE "symbol,lot\nX\n", "f.csv:3:1: |1 values, and there are 2 columns");
    bad(REFERENCE "symbol,lot\nX,1,\n", "f.csv:3:|3 values, and there are 2 columns");
    bad(REFERENCE "symbol,lot\n,1\n", "f.csv:3:1: symbol: |empty");
    bad(REFERENCE "symbol,lot\nNINECHARS,1\n", "f.csv:3:1: symbol: 'NINECHARS'|8 characters");
    bad(REFERENCE "symbol,lot\n\"X\",1\n", "f.csv:3:1: |quote");
    bad(REFERENCE "symbol,lot\nX\t,1\n", "f.csv:3:2: |printable");
}

static void symbols_are_ours_and_stand_once(void **state)
{
    (void)state;
    struct sheet s;
    bad(REFERENCE "symbol,lot\nX,1\nTSLA,1\n",
        "f.csv:4: symbol: 'TSLA|section 'symbols'|unknown_symbols");
    bad(REFERENCE "symbol,lot\nX,1\nAAPL,5\nX,1\n", "f.csv:5: symbol: 'X|line 3 already");
    config.day.unknown_symbols = CONFIG_UNKNOWN_SKIP;
    good(&s, REFERENCE "symbol,lot\nX,1\nTSLA,1\nTSLA,2\n");
    assert_int_equal(((struct reference_row *)sheet_row_at(&s, 1))->instrument, SYMBOL_UNKNOWN);
    sheet_free(&s);
}

static void a_file_is_of_its_day(void **state)
{
    (void)state;
    struct sheet s;
    bad("tickgate,reference,1,2026-11-22\nsymbol\nX\n",
        "f.csv:1: effective date: |2026-11-22|2026-11-23|max_age_days");
    bad("tickgate,reference,1,2026-11-24\nsymbol\nX\n",
        "f.csv:1: effective date: |2026-11-24|2026-11-23|day.date");
    config.day.max_age_days = 3;
    good(&s, "tickgate,reference,1,2026-11-20\nsymbol\nX\n");
    sheet_free(&s);
    bad("tickgate,reference,1,2026-11-19\nsymbol\nX\n", "max_age_days");
    strcpy(config.day.date, "today");
    assert_int_equal(day_wanted(&config, (struct local_time){.day = 5}), 5);
}

static void a_part_of_the_volume_needs_the_volume(void **state)
{
    (void)state;
    struct sheet s;
    config.symbols[1].volume_percent = 100;
    bad(REFERENCE "symbol,lot\nAAPL,1\n", "f.csv:1: average_volume: |'X|volume_percent");
    bad(REFERENCE "symbol,average_volume\nAAPL,1\nX,\n", "f.csv:4: average_volume: |'X");
    good(&s, REFERENCE "symbol,average_volume\nX,100\n");
    sheet_free(&s);
}

static void positions_have_owners(void **state)
{
    (void)state;
    struct sheet s;
    good(&s, POSITIONS "account,symbol,shares,price\nfund,X,-300,17.25\nhouse,ZZ,5,1\n");
    const struct position_row *p = sheet_row_at(&s, 0);
    assert_int_equal(p->account_index, 1);
    assert_int_equal(p->lane_index, 0);
    assert_int_equal(p->instrument, 3);
    assert_int_equal(p->shares, -300);
    assert_int_equal(p->price, 172500);
    sheet_free(&s);
    bad(POSITIONS "account,symbol,shares\nfund,X,1\n", "f.csv:2:|'price' is missing");
    bad(POSITIONS "account,symbol,shares,price\ndesk,X,1,1\n", "f.csv:3: account: |'desk'");
    bad(POSITIONS "account,symbol,shares,price\nfund,X,1,none\n",
        "f.csv:3:10: price: 'none' is not good here; it takes dollars from 0.0001");
    bad(POSITIONS "account,symbol,shares,price\nfund,X,1.5,1\n",
        "f.csv:3:8: shares: |whole shares");
    bad(POSITIONS "account,symbol,shares,price\nfund,X,1099511627777,1\n",
        "f.csv:3: shares: |1099511627776");
    // All rows together: sums of the firm that had to stop at their end would be wrong afterwards.
    good(&s, POSITIONS "account,symbol,shares,price\nfund,X,1099511627776,400\n"
                       "house,X,-1099511627776,19.4303\n");
    sheet_free(&s);
    bad(POSITIONS "account,symbol,shares,price\nfund,X,1099511627776,400\n"
                  "house,X,-1099511627776,19.4304\n",
        "f.csv:4: price: |rows before it");
    bad(POSITIONS "account,symbol,shares,price\nfund,X,-9223372036854775808,1\n",
        "f.csv:3:8: shares: ");
    bad(POSITIONS "account,symbol,shares,price\nfund,X,1099511627776,400000\n", "f.csv:3: price: ");
    bad(POSITIONS "account,symbol,shares,price\nfund,X,1,1\nhouse,X,1,1\nfund,X,2,1\n",
        "symbol: 'X|'fund'|one row");
    bad(POSITIONS "account,symbol,shares,price,lane\nfund,X,1,1,l1\n",
        "f.csv:3: lane: |'l1'|session");
}

static void lanes_share_an_account(void **state)
{
    (void)state;
    struct sheet s;
    config.session_count = 2;
    config.sessions[1].lane = 1;
    config.accounts[1].limits.position = 101;
    bad(POSITIONS "account,symbol,shares,price\nfund,X,1,1\n", "f.csv:3: lane: |several lanes");
    good(&s, POSITIONS "account,symbol,shares,price,lane\nfund,X,50,1,l0\nfund,X,-50,1,l1\n");
    assert_int_equal(((struct position_row *)sheet_row_at(&s, 1))->lane_index, 1);
    sheet_free(&s);
    bad(POSITIONS "account,symbol,shares,price,lane\nfund,X,51,1,l0\n",
        "f.csv:3: shares: |'fund'|(50)");
    config.accounts[1].broker.position = 81; // the lower of two owners
    bad(POSITIONS "account,symbol,shares,price,lane\nfund,X,41,1,l0\n",
        "f.csv:3: shares: |'fund'|(40)");
    config.accounts[1].broker.position = CONFIG_POSITION_MAX;
}

// The limit of a symbol is divided, too, and counts all accounts together, long and short.
static void lanes_share_a_symbol(void **state)
{
    (void)state;
    struct sheet s;
    config.session_count = 2;
    config.sessions[1].lane = 1;
    config.symbols[1].limits.position = 101;
    good(&s, POSITIONS "account,symbol,shares,price,lane\n"
                       "fund,X,30,1,l0\nhouse,X,20,1,l0\nfund,X,-60,1,l1\nhouse,X,10,1,l1\n"
                       "house,ZZ,1000,1,l1\n");
    sheet_free(&s);
    bad(POSITIONS "account,symbol,shares,price,lane\nfund,X,30,1,l0\nhouse,X,21,1,l0\n",
        "shares: 51 of all accounts|'X|(50)");
    bad(POSITIONS "account,symbol,shares,price,lane\nfund,X,-51,1,l1\n", "shares: 51 |(50)");
    config.symbols[1].broker.position = 60;
    bad(POSITIONS "account,symbol,shares,price,lane\nfund,X,11,1,l0\nhouse,X,20,1,l0\n",
        "shares: 31 of all accounts|(30)");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        TEST(rows_become_values),
        TEST(a_file_of_another_kind_is_refused),
        TEST(a_wrong_value_has_line_and_column),
        TEST(symbols_are_ours_and_stand_once),
        TEST(a_file_is_of_its_day),
        TEST(a_part_of_the_volume_needs_the_volume),
        TEST(positions_have_owners),
        TEST(lanes_share_an_account),
        TEST(lanes_share_a_symbol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
