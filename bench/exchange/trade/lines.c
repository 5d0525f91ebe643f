// What the market data lines say about orders of members.
#include <string.h>

#include "bench/exchange/trade/state.h"
#include "dataplane/base/bytes.h"

struct itch_common lines_stamp(const struct bourse *b, uint16_t locate)
{
    return (struct itch_common){locate, 0, b->day_ns};
}

void lines_publish(struct bourse *b, const uint8_t *message, uint32_t length)
{
    b->counters.published++;
    if (b->config.publish)
        b->config.publish(b->config.context, message, length);
}

void lines_add(struct bourse *b, const struct ticket *t, uint32_t shares)
{
    uint8_t m[ITCH_MAX];
    struct itch_common c = lines_stamp(b, t->locate);
    struct itch_order o = {t->reference, shares, (uint32_t)t->e.price, t->bid ? 'B' : 'S'};
    const char *mpid = field_is(t->e.display, "A") ? t->e.firm : NULL;
    lines_publish(b, m, itch_add(m, &c, b->pit.symbols[t->locate].name, &o, mpid));
}

void lines_replace(struct bourse *b, const struct ticket *t, uint64_t old, uint32_t shares)
{
    uint8_t m[ITCH_MAX];
    struct itch_common c = lines_stamp(b, t->locate);
    struct itch_order o = {t->reference, shares, (uint32_t)t->e.price, t->bid ? 'B' : 'S'};
    lines_publish(b, m, itch_replace(m, &c, old, &o));
}

void lines_delete(struct bourse *b, uint64_t reference, uint16_t locate)
{
    uint8_t m[ITCH_MAX];
    struct itch_common c = lines_stamp(b, locate);
    lines_publish(b, m, itch_delete(m, &c, reference));
}

void lines_cancel(struct bourse *b, uint64_t reference, uint16_t locate, uint32_t shares)
{
    uint8_t m[ITCH_MAX];
    struct itch_common c = lines_stamp(b, locate);
    lines_publish(b, m, itch_cancel(m, &c, reference, shares));
}
