// What the files of the day make tighter: by symbol, at a moment.
#include "dataplane/config/restricted.h"
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

void day_force_make(const struct sheet sheets[DAY_FILES], struct local_time now,
                    struct day_force *out)
{
    memset(out->symbols, 0, out->count * sizeof out->symbols[0]);
    restricted_make(&sheets[DAY_RESTRICTED], now, out);
}

bool day_force_loosens(const struct day_force *was, const struct day_force *now)
{
    for (uint32_t i = 0; i < now->count; i++)
        if (now->symbols[i].restricted < was->symbols[i].restricted)
            return true;
    return false;
}

void day_force_apply(const struct day_force *f, struct limit_table *t)
{
    for (uint32_t i = 0; i < f->count && i < t->symbol_count; i++)
        restrict_to(&t->symbols[i].symbol.restricted, f->symbols[i].restricted);
}
