// What no single option of the trading day can know.
#include <string.h>

#include "dataplane/base/date.h"
#include "dataplane/config/places.h"

bool config_check_day(const struct config *config, const struct places *places, struct error *err)
{
    const struct config_day *d = &config->day;
    int32_t day;
    if (strcmp(d->date, "today") != 0 && !date_parse(d->date, strlen(d->date), &day))
        return place_fault(places, d->date, err, "'%s' is no day; write today or YYYY-MM-DD",
                           d->date);
    if (*d->positions && config->trading.orders == 0)
        return place_fault(places, d->positions, err,
                           "needs sessions to trade with: there is no section 'trading'");
    return true;
}
