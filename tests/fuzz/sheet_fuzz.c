// Files of the day: whatever the bytes, an answer with its place; what is accepted keeps its
// promises.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/abi/trade.h"
#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"
#include "dataplane/config/bands.h"
#include "dataplane/config/calendar.h"
#include "dataplane/config/restricted.h"
#include "dataplane/config/windows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void reference_promises(const struct sheet *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct reference_row *row = sheet_row_at(s, i);
        MUST(row->instrument == 0 || row->instrument == SYMBOL_UNKNOWN);
        MUST(!sheet_gives(&row->head, REFERENCE_LOT) || (row->lot >= 1 && row->lot <= 999999));
        MUST(!sheet_gives(&row->head, REFERENCE_TICK) || row->tick > 0);
    }
}

static void positions_promises(const struct sheet *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct position_row *row = sheet_row_at(s, i);
        MUST(row->account_index == 0 && row->lane_index == 0 && row->price > 0);
        MUST(row->shares <= (int64_t)CONFIG_POSITION_MAX &&
             row->shares >= -(int64_t)CONFIG_POSITION_MAX);
    }
}

static void restricted_promises(const struct sheet *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct restricted_row *row = sheet_row_at(s, i);
        const struct local_time late = {.day = INT32_MAX, .second = DAY_SECONDS - 1};
        MUST(row->instrument == 0 || row->instrument == SYMBOL_UNKNOWN);
        MUST(row->restriction > RESTRICTION_NONE && row->restriction < RESTRICTIONS);
        MUST(!restricted_holds(s, row, (struct local_time){.day = s->day - 1, .second = 0}));
        MUST(restricted_holds(s, row, late) != sheet_gives(&row->head, RESTRICTED_UNTIL));
    }
}

static void windows_promises(const struct sheet *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct window_row *row = sheet_row_at(s, i);
        const struct local_time before = {.day = s->day - 1, .second = row->from};
        MUST(row->percent < 100 && row->from < row->until && row->until <= DAY_SECONDS);
        MUST(row->instrument == SYMBOL_UNKNOWN || (row->instrument == 0 && !row->all));
        MUST(!window_holds(s, row, before));
    }
}

static void calendar_promises(const struct sheet *s)
{
    for (int32_t day = s->day - 1; day < s->day + 8; day++) {
        const struct calendar_row *row = calendar_of(s, day);
        const enum trading_phase late =
            calendar_phase(s, (struct local_time){.day = day, .second = DAY_SECONDS - 1});
        MUST(late != PHASE_UNKNOWN && (late == PHASE_AFTER || row != NULL));
        MUST(row == NULL || !sheet_gives(&row->head, CALENDAR_OPEN) || row->open < row->close);
    }
}

static void bands_promises(const struct sheet *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct band_row *row = sheet_row_at(s, i);
        MUST(row->low > 0 && row->low <= row->high && row->high < UINT32_MAX - 1);
        MUST(row->instrument == 0 || row->instrument == SYMBOL_UNKNOWN);
        MUST(!band_holds(s, row, (struct local_time){.day = s->day + 1, .second = row->from}));
    }
}

static const struct file {
    const struct sheet_kind *kind;
    bool (*check)(struct sheet *s, const struct config *config, const struct symbol_index *index,
                  int32_t today, struct error *err);
    void (*promises)(const struct sheet *s);
} files[] = {{&reference_kind, reference_check, reference_promises},
             {&positions_kind, positions_check, positions_promises},
             {&restricted_kind, restricted_check, restricted_promises},
             {&windows_kind, windows_check, windows_promises},
             {&calendar_kind, calendar_check, calendar_promises},
             {&bands_kind, bands_check, bands_promises}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char names[1][8] = {"X       "};
    static struct config config;
    static struct symbol_index index;
    struct error err = {0};
    struct sheet s;
    if (index.places == NULL) {
        config.symbol_count = config.account_count = config.lane_count = config.session_count = 1;
        config.symbols[0].names = (struct config_symbols){names, 1};
        config.symbols[0].volume_percent = 10000;
        strcpy(config.accounts[0].name, "a");
        config.accounts[0].limits.position = CONFIG_POSITION_MAX;
        config.day.unknown_symbols = CONFIG_UNKNOWN_SKIP;
        config.day.max_age_days = 31;
        MUST(symbol_index_make(&index, &config, &err));
    }
    if (size == 0)
        return 0;
    const struct file *f = &files[(data[0] & 7) % ARRAY_LEN(files)]; // what the rest is read as
    bool ok = sheet_read(&s, f->kind, "fuzz.csv", (const char *)data + 1, size - 1, &err);
    if (ok) {
        MUST(s.count <= SHEET_ROWS_MAX);
        ok = f->check(&s, &config, &index, s.day, &err);
        if (ok)
            f->promises(&s);
        sheet_free(&s);
    }
    MUST(ok == (err.code == EXIT_OK));
    MUST(ok || (err.code == EXIT_USAGE && strncmp(err.text, "fuzz.csv:", 9) == 0));
    MUST(memchr(err.text, '\n', sizeof err.text) == NULL);
    return 0;
}
