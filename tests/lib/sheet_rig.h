// Files of the day in tests: a configuration with symbols, what <text> becomes as a sheet, and what
// is said where it is not good.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dataplane/config/reference.h"

static struct config config;
static struct symbol_index index_of_all;
static int32_t today;

typedef bool sheet_check(struct sheet *s, const struct config *config,
                         const struct symbol_index *symbols, int32_t today, struct error *err);

// Two symbols, AAPL and X, on 2026-11-23.
static inline int two_symbols(void)
{
    static char names[2][8] = {"AAPL    ", "X       "};
    struct error err = {0};
    memset(&config, 0, sizeof config);
    config.symbol_count = 1;
    config.symbols[0].names = (struct config_symbols){names, 2};
    strcpy(config.day.date, "2026-11-23");
    today = day_wanted(&config, (struct local_time){0});
    return symbol_index_make(&index_of_all, &config, &err) ? 0 : -1;
}

static int close_rig(void **state)
{
    (void)state;
    symbol_index_free(&index_of_all);
    return 0;
}

static bool text_read(struct sheet *s, const struct sheet_kind *kind, sheet_check *check,
                      const char *file, const char *text, struct error *err)
{
    *err = (struct error){0};
    if (!sheet_read(s, kind, file, text, strlen(text), err))
        return false;
    if (check(s, &config, &index_of_all, today, err))
        return true;
    sheet_free(s);
    return false;
}

// Each test says which kind a text is.
static bool read_text(struct sheet *s, const char *text, struct error *err);

static void good(struct sheet *s, const char *text)
{
    struct error err;
    if (!read_text(s, text, &err))
        fail_msg("%s", err.text);
}

// <words>: separated by |, all of them are said.
static void bad(const char *text, const char *words)
{
    struct error err;
    struct sheet s;
    char list[256], *save = NULL;
    snprintf(list, sizeof list, "%s", words);
    assert_false(read_text(&s, text, &err));
    assert_int_equal(err.code, EXIT_USAGE);
    for (char *w = strtok_r(list, "|", &save); w; w = strtok_r(NULL, "|", &save))
        if (strstr(err.text, w) == NULL)
            fail_msg("'%s' is not in: %s", w, err.text);
}
