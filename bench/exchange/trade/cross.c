// Orders for the opening, closing and halt cross: held until the replay prints that cross, then
// executed at its price.
#include <stdlib.h>

#include "bench/exchange/trade/state.h"
#include "dataplane/base/check.h"

// Nasdaq takes no cancels of such orders from these times on.
enum { OPENING_LATE_S = 9 * 3600 + 28 * 60, CLOSING_LATE_S = 15 * 3600 + 55 * 60 };

bool cross_late(const struct bourse *b, const struct ticket *t)
{
    uint64_t from_s = t->e.cross[0] == 'O' ? OPENING_LATE_S : CLOSING_LATE_S;
    return t->crossing && !field_is(t->e.cross, "H") && b->day_ns >= from_s * BOURSE_SECOND;
}

static int number_compare(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

uint32_t *open_list(struct bourse *b, uint16_t locate, uint32_t *count)
{
    uint32_t *numbers = NULL, room = 0;
    *count = 0;
    for (uint32_t m = 0; m < b->config.member_count; m++)
        for (uint32_t n = b->members[m].open_first; n; n = b->tickets[n].next) {
            if (locate && b->tickets[n].locate != locate)
                continue;
            numbers = array_room(numbers, *count, &room, sizeof *numbers);
            numbers[(*count)++] = n;
        }
    if (*count)
        qsort(numbers, *count, sizeof *numbers, number_compare);
    return numbers;
}

static void cross_one(struct bourse *b, uint32_t number, uint64_t *left, uint32_t price)
{
    struct ticket *t = ticket_at(b, number);
    bool imbalance = field_is(t->e.handle_inst, "I");
    char type = t->e.cross[0];
    char liquidity = !imbalance ? type : type == 'O' ? 'M' : 'L';
    bool good = price && (t->limit >= BOURSE_PRICE_MARKET || pit_crosses(t->bid, t->limit, price));
    uint32_t shares = t->open < *left ? t->open : (uint32_t)*left;
    if (good && shares) {
        *left -= shares;
        trade_cross(b, number, shares, price, liquidity);
    }
    t = ticket_at(b, number);
    if (!t->open)
        return;
    char reason = t->pending_told              ? 'U'
                  : match_halted(b, t->locate) ? 'H'
                  : type == 'C'                ? 'E'
                                               : 'T';
    ticket_cancel(b, number, t->open, reason, "after the cross");
}

void cross_run(struct bourse *b, uint16_t locate, char type, uint64_t shares, uint32_t price)
{
    uint32_t count;
    uint32_t *numbers = open_list(b, locate, &count);
    if (price)
        b->pit.symbols[locate].last_price = price;
    for (uint32_t i = 0; i < count; i++) {
        const struct ticket *t = ticket_at(b, numbers[i]);
        if (t->crossing && t->e.cross[0] == type)
            cross_one(b, numbers[i], &shares, price);
        else if (type == 'C' && t->open && field_is(t->e.tif, "0"))
            ticket_cancel(b, numbers[i], t->open, 'E', "the day is over");
    }
    free(numbers);
}
