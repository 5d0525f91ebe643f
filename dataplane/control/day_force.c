// What the files of the day make tighter: by symbol, at a moment.
#include "dataplane/config/bands.h"
#include "dataplane/config/calendar.h"
#include "dataplane/config/restricted.h"
#include "dataplane/config/windows.h"
#include "dataplane/control/day.h"

// Of two restrictions the later one of short, opening, all.
static void restrict_to(uint8_t *restricted, uint32_t restriction)
{
    if (restriction > *restricted)
        *restricted = (uint8_t)restriction;
}

static void restricted_make(const struct sheet *s, struct local_time now, struct day_force *out)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct restricted_row *row = sheet_row_at(s, i);
        if (row->instrument != SYMBOL_UNKNOWN && restricted_holds(s, row, now))
            restrict_to(&out->symbols[row->instrument].restricted, row->restriction);
    }
}

// The tightest of all windows that are open.
static void window_add(struct day_tight *t, uint32_t percent)
{
    if (percent == 0)
        restrict_to(&t->restricted, RESTRICTION_ALL);
    else if (100 - percent > t->cut)
        t->cut = (uint8_t)(100 - percent);
}

static void windows_make(const struct sheet *s, struct local_time now, struct day_force *out)
{
    struct day_tight all = {0};
    for (uint32_t i = 0; i < s->count; i++) {
        const struct window_row *row = sheet_row_at(s, i);
        if (!window_holds(s, row, now))
            continue;
        if (row->all)
            window_add(&all, row->percent);
        else if (row->instrument != SYMBOL_UNKNOWN)
            window_add(&out->symbols[row->instrument], row->percent);
    }
    for (uint32_t i = 0; i < out->count && (all.restricted || all.cut); i++) {
        restrict_to(&out->symbols[i].restricted, all.restricted);
        if (all.cut)
            window_add(&out->symbols[i], 100u - all.cut);
    }
}

// The one that began last; of rows that begin together the last of the file.
static void bands_make(const struct sheet *s, struct local_time now, struct day_force *out)
{
    for (uint32_t i = 0; i < s->count; i++) {
        const struct band_row *row = sheet_row_at(s, i);
        if (row->instrument == SYMBOL_UNKNOWN || !band_holds(s, row, now))
            continue;
        struct day_tight *t = &out->symbols[row->instrument];
        if (t->band_high && row->from < t->band_from)
            continue;
        t->band_from = row->from;
        t->band_low = row->low;
        t->band_high = row->high;
    }
}

// In which bands are estimated. Without a calendar those of an ordinary day.
static struct luld_hours hours_of(const struct sheet *s, struct local_time now)
{
    uint32_t open, close;
    if (*s->name == 0)
        return (struct luld_hours){LULD_OPEN_S, LULD_CLOSE_S, 0};
    if (calendar_hours(s, now.day, &open, &close))
        return (struct luld_hours){open, close, 0};
    return (struct luld_hours){LULD_NEVER_S, LULD_NEVER_S, 0};
}

void day_force_make(const struct sheet sheets[DAY_FILES], struct local_time now,
                    struct day_force *out)
{
    memset(out->symbols, 0, out->count * sizeof out->symbols[0]);
    restricted_make(&sheets[DAY_RESTRICTED], now, out);
    windows_make(&sheets[DAY_WINDOWS], now, out);
    bands_make(&sheets[DAY_BANDS], now, out);
    out->market = calendar_phase(&sheets[DAY_CALENDAR], now);
    out->luld = hours_of(&sheets[DAY_CALENDAR], now);
}

// Where there is none any more less is checked, and where there was none one may have been needed.
static bool band_loosens(const struct day_tight *was, const struct day_tight *now)
{
    if (now->band_half == BAND_BEGINS && was->band_high == 0)
        return false;
    if (was->band_half && now->band_half != was->band_half)
        return true;
    return (was->band_high == 0) != (now->band_high == 0) || now->band_low < was->band_low ||
           now->band_high > was->band_high;
}

// A symbol may be traded in any phases, so another phase may let something pass.
bool day_force_loosens(const struct day_force *was, const struct day_force *now)
{
    for (uint32_t i = 0; i < now->count; i++)
        if (now->symbols[i].restricted < was->symbols[i].restricted ||
            now->symbols[i].cut < was->symbols[i].cut ||
            band_loosens(&was->symbols[i], &now->symbols[i]))
            return true;
    return now->market != was->market || memcmp(&now->luld, &was->luld, sizeof now->luld) != 0;
}

static void band_tighten(const struct day_tight *was, struct day_tight *now)
{
    const struct day_tight to = *now;
    now->band_from = was->band_from;
    now->band_low = was->band_low;
    now->band_high = was->band_high;
    now->band_half = was->band_half;
    if (was->band_high && to.band_high) { // nothing enters where they have no price in common
        now->band_low = to.band_low > was->band_low ? to.band_low : was->band_low;
        now->band_high = to.band_high < was->band_high ? to.band_high : was->band_high;
    } else if (to.band_high) {
        *now = to;
        now->band_half = BAND_BEGINS;
    } else if (was->band_high && !was->band_half) {
        now->band_half = BAND_ENDS;
    }
}

void day_force_tighten(const struct day_force *was, struct day_force *now)
{
    now->market = was->market;
    now->luld = was->luld;
    for (uint32_t i = 0; i < now->count; i++) {
        const struct day_tight *before = &was->symbols[i];
        struct day_tight *t = &now->symbols[i];
        restrict_to(&t->restricted, before->restricted);
        t->cut = t->cut > before->cut ? t->cut : before->cut;
        band_tighten(before, t);
    }
}

// --- the table ---

static uint64_t rest_of(uint64_t limit, uint64_t none, uint32_t percent)
{
    return limit < none ? limit / 100 * percent + limit % 100 * percent / 100 : limit;
}

static uint32_t rest_of_32(uint32_t limit, uint32_t percent)
{
    return (uint32_t)rest_of(limit, UINT32_MAX, percent);
}

static uint16_t rest_of_16(uint16_t limit, uint32_t percent)
{
    return (uint16_t)rest_of(limit, UINT16_MAX, percent);
}
_Static_assert(LIMIT_BAND16_OPEN == UINT16_MAX && LIMIT_BAND_OPEN == UINT32_MAX,
               "a band that is open stays open");

// What is not limited stays so; rounded down.
static void row_tighten(struct limit_row *row, uint32_t percent)
{
    struct limit_symbol *s = &row->symbol;
    row->quantity = rest_of_32(row->quantity, percent);
    row->auction_quantity = rest_of_32(row->auction_quantity, percent);
    row->notional = rest_of(row->notional, LIMIT_NOTIONAL_MAX, percent);
    row->open_orders = rest_of_32(row->open_orders, percent);
    row->open_notional = rest_of(row->open_notional, LIMIT_NOTIONAL_MAX, percent);
    row->position = rest_of(row->position, LIMIT_POSITION_MAX, percent);
    s->volume = rest_of_32(s->volume, percent);
    s->spread = rest_of_16(s->spread, percent);
    s->touch = rest_of_32(s->touch, percent);
    s->touch_least = rest_of_32(s->touch_least, percent);
    s->last = rest_of_32(s->last, percent);
    s->last_least = rest_of_32(s->last_least, percent);
    s->period = rest_of_16(s->period, percent);
    s->period_least = rest_of_16(s->period_least, percent);
}

// Where a band is estimated the lane says whether one is known.
static void band_apply(struct limit_row *row, const struct day_tight *t)
{
    const bool estimate = row->symbol.band_estimate;
    const bool refuses =
        !estimate && row->symbol.band_needed && row->symbol.no_reference == NO_REFERENCE_REFUSES;
    const bool holds =
        t->band_high && !(refuses && t->band_half) && !(estimate && t->band_half == BAND_BEGINS);
    if (holds) {
        limit_band_set(row, t->band_low, t->band_high);
        row->symbol.band_estimate = 0;
    } else if (refuses) {
        limit_band_set(row, UINT32_MAX, 0);
    }
}

void day_force_apply(const struct day_force *f, struct limit_table *t)
{
    t->market = (uint8_t)f->market;
    t->luld = f->luld;
    for (uint32_t i = 0; i < f->count && i < t->symbol_count; i++) {
        struct limit_symbol *s = &t->symbols[i].symbol;
        if (f->symbols[i].restricted > s->restricted)
            s->restricted = f->symbols[i].restricted & 3;
        band_apply(&t->symbols[i], &f->symbols[i]);
        if (f->symbols[i].cut)
            row_tighten(&t->symbols[i], 100u - f->symbols[i].cut);
    }
}
