// Limits one by one: the options of the file, by the numbers under which a person sets them.
#include <stdio.h>
#include <string.h>

#include "dataplane/base/check.h"
#include "dataplane/config/option.h"

_Static_assert((int)LIMIT_WHY_LEN >= (int)VALUE_WHY_LEN, "the cause fits");

// An option and what holds without a word in the file.
struct known {
    const struct option_row *row;
    uint64_t fallback;
};

static struct known look_up(unsigned control)
{
    static const enum section sections[] = {[LIMIT_LIMITS] = SECTION_LIMITS,
                                            [LIMIT_SYMBOL] = SECTION_SYMBOL,
                                            [LIMIT_SESSION] = SECTION_SESSION,
                                            [LIMIT_ACTIONS] = SECTION_ACTIONS};
    const struct limit_control_info *info = &limit_control_table[control];
    char why[VALUE_WHY_LEN];
    struct known known = {0};
    for (uint32_t i = 0; i < option_count; i++)
        if (option_rows[i].section == sections[info->section] &&
            strcmp(option_rows[i].key, info->name) == 0)
            known.row = &option_rows[i];
    MUST(known.row != NULL);
    MUST(known.row->kind == OPTION_WORDS || known.row->kind == OPTION_VENUES ||
         value_parse(known.row, known.row->fallback, strlen(known.row->fallback), &known.fallback,
                     why));
    return known;
}

// Looked up once: lists ask for every limit of every symbol. One thread of a process does.
static const struct known *known_of(unsigned control)
{
    static struct known all[LIMIT_CONTROLS];
    if (all[control].row == NULL)
        all[control] = look_up(control);
    return &all[control];
}

static uint64_t raw(const struct option_row *row, const void *base)
{
    uint64_t value = 0; // little-endian: the low bytes are the value
    memcpy(&value, (const char *)base + row->offset, row->size);
    return value;
}

// What stands where nothing is limited; LIMIT_NOTHING: something always is.
static uint64_t nothing_of(const struct option_row *row)
{
    switch (row->kind) {
    case OPTION_LIMIT:
    case OPTION_MONEY: return row->max;
    case OPTION_VENUES: return 0;
    default: return LIMIT_NOTHING;
    }
}

uint64_t config_limit_get(unsigned control, const void *base)
{
    const struct option_row *row = known_of(control)->row;
    const uint64_t value = raw(row, base);
    return value == nothing_of(row) ? LIMIT_NOTHING : value;
}

bool config_limit_default(unsigned control, const void *base)
{
    return known_of(control)->fallback == raw(known_of(control)->row, base);
}

// The word of <words> at a place.
static void word_at(const char *words, uint64_t place, char text[LIMIT_VALUE_LEN])
{
    for (; place && *words; place--)
        words += strcspn(words, " ") + strspn(words + strcspn(words, " "), " ");
    snprintf(text, LIMIT_VALUE_LEN, "%.*s", (int)strcspn(words, " "), words);
}

// --- lists of words ---

// Of an empty list: nothing is forbidden, and every phase is good.
static const char *no_words(unsigned control)
{
    return control == LIMIT_SYMBOL_phases ? "all" : "none";
}

// --- lists of sessions, by their numbers ---

static bool venues_set(const struct option_row *row, void *base, const char *text,
                       char why[LIMIT_WHY_LEN])
{
    uint32_t bits = 0;
    for (const char *at = text; strcmp(text, "all") != 0 && at;
         at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        int64_t number;
        if (!value_number(at, strcspn(at, ","), &number, why) || number < 0 ||
            number >= SESSIONS_MAX) {
            snprintf(why, LIMIT_WHY_LEN, "wants all, or numbers of sessions separated by commas");
            return false;
        }
        bits |= 1u << number;
    }
    memcpy((char *)base + row->offset, &bits, row->size);
    return true;
}

static void venues_text(uint64_t bits, char text[LIMIT_VALUE_LEN])
{
    size_t used = 0;
    snprintf(text, LIMIT_VALUE_LEN, "all");
    for (uint64_t left = bits; left && bits != LIMIT_NOTHING && used < LIMIT_VALUE_LEN;
         left &= left - 1)
        used += (size_t)snprintf(text + used, LIMIT_VALUE_LEN - used, "%s%d", used ? "," : "",
                                 __builtin_ctzll(left));
}

// Separated by commas; each once or more.
static bool words_set(unsigned control, void *base, const char *text, char why[LIMIT_WHY_LEN])
{
    const struct option_row *row = known_of(control)->row;
    uint32_t bits = 0;
    bool good = true;
    if (strcmp(text, no_words(control)) != 0)
        for (const char *at = text; good && at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
            good = value_word(row, at, strcspn(at, ","), &bits, why);
    if (good)
        memcpy((char *)base + row->offset, &bits, row->size);
    return good;
}

static void words_text(unsigned control, uint64_t bits, char text[LIMIT_VALUE_LEN])
{
    const char *words = known_of(control)->row->words;
    size_t used = 0;
    snprintf(text, LIMIT_VALUE_LEN, "%s", no_words(control));
    for (uint64_t left = bits; left && used < LIMIT_VALUE_LEN; left &= left - 1) {
        char word[LIMIT_VALUE_LEN];
        word_at(words, (uint64_t)__builtin_ctzll(left), word);
        used +=
            (size_t)snprintf(text + used, LIMIT_VALUE_LEN - used, "%s%s", used ? "," : "", word);
    }
}

// --- one limit ---

bool config_limit_named(enum trade_scope scope, const char *name)
{
    for (uint32_t i = 0; i < option_count; i++) {
        const enum section of = option_rows[i].section;
        if (strcmp(option_rows[i].key, name) == 0 &&
            (of == SECTION_LIMITS || (of == SECTION_SYMBOL && scope == TRADE_SYMBOL) ||
             (of == SECTION_SESSION && scope == TRADE_SESSION)))
            return true;
    }
    return false;
}

bool config_limit_set(unsigned control, void *base, const char *text, char why[LIMIT_WHY_LEN])
{
    const struct option_row *row = known_of(control)->row;
    if (row->kind == OPTION_WORDS)
        return words_set(control, base, text, why);
    if (row->kind == OPTION_VENUES)
        return venues_set(row, base, text, why);
    return value_parse(row, text, strlen(text), (char *)base + row->offset, why);
}

void config_limit_text(unsigned control, uint64_t value, char text[LIMIT_VALUE_LEN])
{
    const struct option_row *row = known_of(control)->row;
    if (row->kind == OPTION_VENUES)
        venues_text(value, text);
    else if (value == LIMIT_NOTHING)
        snprintf(text, LIMIT_VALUE_LEN, "none");
    else if (row->kind == OPTION_MONEY || row->kind == OPTION_PRICE)
        snprintf(text, LIMIT_VALUE_LEN, "%lu.%04lu", value / 10000, value % 10000);
    else if (row->kind == OPTION_BOOL)
        snprintf(text, LIMIT_VALUE_LEN, "%s", value ? "true" : "false");
    else if (row->kind == OPTION_ENUM)
        word_at(row->words, value, text);
    else if (row->kind == OPTION_WORDS)
        words_text(control, value, text);
    else
        snprintf(text, LIMIT_VALUE_LEN, "%lu", value);
}

bool config_limit_put(unsigned control, void *base, uint64_t value)
{
    const struct option_row *row = known_of(control)->row;
    if (value == LIMIT_NOTHING)
        value = nothing_of(row);
    if (row->size > sizeof value || (row->size < sizeof value && value >> row->size * 8))
        return false;
    memcpy((char *)base + row->offset, &value, row->size);
    return true;
}
