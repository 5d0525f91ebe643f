#include "dataplane/config/reference.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/abi/trade.h"
#include "dataplane/base/hints.h"
#include "dataplane/config/sheet_check.h"

// --- symbols of the configuration ---

static int by_name(const void *a, const void *b)
{
    const struct symbol_place *x = a, *y = b;
    return memcmp(x->name, y->name, sizeof x->name);
}

bool symbol_index_make(struct symbol_index *index, const struct config *config, struct error *err)
{
    uint32_t count = 0, at = 0;
    for (uint32_t r = 0; r < config->symbol_count; r++)
        count += config->symbols[r].names.count;
    *index =
        (struct symbol_index){.places = calloc(count + 1, sizeof *index->places), .count = count};
    if (index->places == NULL)
        return error_set(err, EXIT_FAILED, "no memory for the names of %u symbols", count);
    for (uint32_t r = 0; r < config->symbol_count; r++)
        for (uint32_t i = 0; i < config->symbols[r].names.count; i++, at++) {
            memcpy(index->places[at].name, config->symbols[r].names.names[i],
                   sizeof index->places[at].name);
            index->places[at].instrument = at;
        }
    qsort(index->places, count, sizeof *index->places, by_name);
    return true;
}

void symbol_index_free(struct symbol_index *index)
{
    free(index->places);
    *index = (struct symbol_index){0};
}

uint32_t symbol_find(const struct symbol_index *index, const char name[8])
{
    struct symbol_place wanted;
    memcpy(wanted.name, name, sizeof wanted.name);
    const struct symbol_place *found =
        bsearch(&wanted, index->places, index->count, sizeof wanted, by_name);
    return found ? found->instrument : SYMBOL_UNKNOWN;
}

// --- kinds ---

// Ranges are those of the options of the same name.
static const struct sheet_column reference_columns[] = {
    [REFERENCE_SYMBOL] = COLUMN(reference_row, symbol, CELL_SYMBOL, true, 0, 0, 0, ""),
    [REFERENCE_VOLUME] =
        VALUE(reference_row, average_volume, OPTION_LIMIT, 1, CONFIG_POSITION_MAX, ""),
    [REFERENCE_CLOSE] = VALUE(reference_row, previous_close, OPTION_PRICE, 1, UINT32_MAX - 1, ""),
    [REFERENCE_TICK] = VALUE(reference_row, tick, OPTION_PRICE, 1, UINT32_MAX - 1, ""),
    [REFERENCE_LOT] = VALUE(reference_row, lot, OPTION_U32, 1, 999999, ""),
    [REFERENCE_LOCATES] = VALUE(reference_row, locates, OPTION_LIMIT, 0, UINT32_MAX, ""),
};

enum position_column {
    POSITION_ACCOUNT,
    POSITION_SYMBOL,
    POSITION_SHARES,
    POSITION_PRICE,
    POSITION_LANE,
};

static const struct sheet_column position_columns[] = {
    [POSITION_ACCOUNT] =
        COLUMN(position_row, account, CELL_VALUE, true, OPTION_NAME, 1, NAME_LEN - 1, ""),
    [POSITION_SYMBOL] = COLUMN(position_row, symbol, CELL_SYMBOL, true, 0, 0, 0, ""),
    [POSITION_SHARES] = COLUMN(position_row, shares, CELL_SHARES, true, 0, 0, 0, ""),
    [POSITION_PRICE] =
        COLUMN(position_row, price, CELL_VALUE, true, OPTION_PRICE, 1, UINT32_MAX - 1, ""),
    [POSITION_LANE] = VALUE(position_row, lane, OPTION_NAME, 1, NAME_LEN - 1, ""),
};

const struct sheet_kind reference_kind = {.name = "reference",
                                          .version = 1,
                                          .row_bytes = sizeof(struct reference_row),
                                          .columns = reference_columns,
                                          .column_count = ARRAY_LEN(reference_columns)};
const struct sheet_kind positions_kind = {.name = "positions",
                                          .version = 1,
                                          .row_bytes = sizeof(struct position_row),
                                          .columns = position_columns,
                                          .column_count = ARRAY_LEN(position_columns)};

// --- what every file has to be ---

int32_t day_wanted(const struct config *config, struct local_time now)
{
    int32_t day;
    return date_parse(config->day.date, strlen(config->day.date), &day) ? day : now.day;
}

bool day_by_clock(const struct config *config)
{
    return strcmp(config->day.date, "today") == 0;
}

// --- reference data ---

bool reference_has(const char *key)
{
    for (uint32_t i = REFERENCE_VOLUME; i < ARRAY_LEN(reference_columns); i++)
        if (strcmp(key, reference_columns[i].value.key) == 0)
            return true;
    return false;
}

static bool volume_known(const struct sheet *s, const struct config *config, const uint32_t *row_of,
                         struct error *err)
{
    uint32_t at = 0;
    char word[SYMBOL_WORD_LEN];
    for (uint32_t r = 0; r < config->symbol_count; r++) {
        const struct config_symbol_row *row = &config->symbols[r];
        for (uint32_t i = 0; i < row->names.count; i++, at++) {
            const struct reference_row *given = row_of[at] ? sheet_row_at(s, row_of[at] - 1) : NULL;
            const bool known = row->average_volume != CONFIG_POSITION_MAX ||
                               (given && sheet_gives(&given->head, REFERENCE_VOLUME));
            if (row->volume_percent < CONFIG_VOLUME_NONE && !known)
                return sheet_fault(s, given ? given->head.line : 1, "average_volume", err,
                                   "none for '%s', whose volume_percent needs it; add it",
                                   symbol_word(row->names.names[i], word));
        }
    }
    return true;
}

bool reference_check(struct sheet *s, const struct config *config, const struct symbol_index *index,
                     int32_t today, struct error *err)
{
    uint32_t *row_of = calloc(index->count + 1, sizeof *row_of);
    if (row_of == NULL)
        return error_set(err, EXIT_FAILED, "no memory for reference data");
    bool ok = sheet_of_today(s, config, today, err);
    for (uint32_t i = 0; ok && i < s->count; i++) {
        struct reference_row *row = sheet_row_at(s, i);
        ok = sheet_symbol(s, config, index, row->head.line, row->symbol, &row->instrument, err);
        if (!ok || row->instrument == SYMBOL_UNKNOWN)
            continue;
        uint32_t *before = &row_of[row->instrument];
        if (*before) {
            const struct reference_row *first = sheet_row_at(s, *before - 1);
            char word[SYMBOL_WORD_LEN];
            ok = sheet_fault(s, row->head.line, "symbol", err,
                             "'%s' stands in line %u already; remove one",
                             symbol_word(row->symbol, word), first->head.line);
        }
        *before = i + 1;
    }
    ok = ok && volume_known(s, config, row_of, err);
    free(row_of);
    return ok;
}

// --- positions ---

static bool account_resolve(const struct sheet *s, const struct config *config,
                            struct position_row *row, struct error *err)
{
    for (uint32_t i = 0; i < config->account_count; i++)
        if (strcmp(config->accounts[i].name, row->account) == 0) {
            row->account_index = i;
            return true;
        }
    return sheet_fault(s, row->head.line, "account", err,
                       "there is no account '%s' in the configuration", row->account);
}

static bool lane_trades(const struct config *config, uint32_t lane)
{
    for (uint32_t i = 0; i < config->session_count; i++)
        if (config->sessions[i].lane == lane)
            return true;
    return false;
}

// Where one lane trades, shares are its own; else the row has to say whose.
static bool lane_resolve(const struct sheet *s, const struct config *config,
                         struct position_row *row, struct error *err)
{
    uint32_t lanes = 0;
    for (uint32_t i = 0; i < config->lane_count; i++) {
        if (!lane_trades(config, i))
            continue;
        lanes++;
        row->lane_index = i;
        if (*row->lane && strcmp(config->lanes[i].name, row->lane) == 0)
            return true;
    }
    if (*row->lane)
        return sheet_fault(s, row->head.line, "lane", err, "no lane '%s' has a session", row->lane);
    return lanes == 1 ||
           sheet_fault(s, row->head.line, "lane", err,
                       "several lanes trade: say which one may sell or buy back these shares");
}

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

// Lanes have equal parts of what an account may hold, and none knows of the others: more than a
// part on one of them, and all together could hold more than the limit. Of two owners the lower
// one.
static bool within_part(const struct sheet *s, const struct config *config,
                        const struct position_row *row, struct error *err)
{
    const uint32_t lanes = config_trade_lanes(config);
    const struct config_account *account = &config->accounts[row->account_index];
    const uint64_t limit = lower(account->limits.position, account->broker.position);
    const uint64_t held = row->shares < 0 ? (uint64_t)-row->shares : (uint64_t)row->shares;
    return lanes < 2 || limit == CONFIG_POSITION_MAX || held <= limit / lanes ||
           sheet_fault(s, row->head.line, "shares", err,
                       "%lu are more than the part of account '%s' that each of %u lanes has "
                       "(%lu); raise its limit 'position' or spread the shares over lanes",
                       held, row->account, lanes, limit / lanes);
}

static int by_owner(const void *a, const void *b)
{
    const struct position_row *const *x = a, *const *y = b;
    const uint64_t p =
        (uint64_t)(*x)->account_index << 48 | (uint64_t)(*x)->lane_index << 32 | (*x)->instrument;
    const uint64_t q =
        (uint64_t)(*y)->account_index << 48 | (uint64_t)(*y)->lane_index << 32 | (*y)->instrument;
    return p < q ? -1 : p > q;
}

static bool positions_once(const struct sheet *s, struct error *err)
{
    const struct position_row **sorted = calloc(s->count + 1, sizeof *sorted);
    char word[SYMBOL_WORD_LEN];
    bool ok = true;
    if (sorted == NULL)
        return error_set(err, EXIT_FAILED, "no memory for positions");
    for (uint32_t i = 0; i < s->count; i++)
        sorted[i] = sheet_row_at(s, i);
    qsort((void *)sorted, s->count, sizeof *sorted, by_owner);
    for (uint32_t i = 1; ok && i < s->count; i++)
        if (by_owner(&sorted[i - 1], &sorted[i]) == 0 && sorted[i]->instrument != SYMBOL_UNKNOWN)
            ok = sheet_fault(s, sorted[i]->head.line, "symbol", err,
                             "'%s' of account '%s' stands in line %u too; make one row of them",
                             symbol_word(sorted[i]->symbol, word), sorted[i]->account,
                             sorted[i - 1]->head.line);
    free((void *)sorted);
    return ok;
}

// Of a symbol and a lane all accounts together, as the limits of the symbol count them.
static int by_symbol(const void *a, const void *b)
{
    const struct position_row *const *x = a, *const *y = b;
    const uint64_t p = (uint64_t)(*x)->instrument << 32 | (*x)->lane_index;
    const uint64_t q = (uint64_t)(*y)->instrument << 32 | (*y)->lane_index;
    return p < q ? -1 : p > q;
}

static const struct config_symbol_row *symbol_row(const struct config *config, uint32_t instrument)
{
    const struct config_symbol_row *row = config->symbols;
    for (; instrument >= row->names.count; row++)
        instrument -= row->names.count;
    return row;
}

static bool symbol_within_part(const struct sheet *s, const struct config *config,
                               const struct position_row *last, int64_t shares, struct error *err)
{
    const uint32_t lanes = config_trade_lanes(config);
    const struct config_symbol_row *row = symbol_row(config, last->instrument);
    const uint64_t limit = lower(row->limits.position, row->broker.position);
    const uint64_t held = shares < 0 ? (uint64_t)-shares : (uint64_t)shares;
    char word[SYMBOL_WORD_LEN];
    if (limit != CONFIG_POSITION_MAX && held > limit / lanes)
        return sheet_fault(s, last->head.line, "shares", err,
                           "%lu of all accounts are more than the part of '%s' that each of %u "
                           "lanes has (%lu); raise its limit 'position' or spread the shares over "
                           "lanes",
                           held, symbol_word(last->symbol, word), lanes, limit / lanes);
    return true;
}

static bool symbols_within_part(const struct sheet *s, const struct config *config,
                                struct error *err)
{
    const struct position_row **sorted;
    bool ok = true;
    if (config_trade_lanes(config) < 2)
        return true;
    sorted = calloc(s->count + 1, sizeof *sorted);
    if (sorted == NULL)
        return error_set(err, EXIT_FAILED, "no memory for positions");
    for (uint32_t i = 0; i < s->count; i++)
        sorted[i] = sheet_row_at(s, i);
    qsort((void *)sorted, s->count, sizeof *sorted, by_symbol);
    int64_t shares = 0;
    for (uint32_t i = 0; ok && i < s->count && sorted[i]->instrument != SYMBOL_UNKNOWN; i++) {
        shares += sorted[i]->shares;
        if (i + 1 < s->count && by_symbol(&sorted[i], &sorted[i + 1]) == 0)
            continue;
        ok = symbol_within_part(s, config, sorted[i], shares, err);
        shares = 0;
    }
    free((void *)sorted);
    return ok;
}

bool positions_check(struct sheet *s, const struct config *config, const struct symbol_index *index,
                     int32_t today, struct error *err)
{
    uint64_t value = 0; // of all rows: what the firm begins with
    if (!sheet_of_today(s, config, today, err))
        return false;
    for (uint32_t i = 0; i < s->count; i++) {
        struct position_row *row = sheet_row_at(s, i);
        const uint64_t held = row->shares < 0 ? (uint64_t)-row->shares : (uint64_t)row->shares;
        if (held > CONFIG_POSITION_MAX)
            return sheet_fault(s, row->head.line, "shares", err, "are more than %lu either way",
                               CONFIG_POSITION_MAX);
        if (held > CONFIG_NOTIONAL_MAX / row->price)
            return sheet_fault(s, row->head.line, "price", err,
                               "times shares is more than any limit; correct one of them");
        value += held * row->price;
        if (value > CONFIG_NOTIONAL_MAX)
            return sheet_fault(s, row->head.line, "price", err,
                               "times shares and the rows before it, long and short, are more than "
                               "any limit; correct one of them");
        if (!account_resolve(s, config, row, err) || !lane_resolve(s, config, row, err) ||
            !within_part(s, config, row, err) ||
            !sheet_symbol(s, config, index, row->head.line, row->symbol, &row->instrument, err))
            return false;
    }
    return positions_once(s, err) && symbols_within_part(s, config, err);
}
