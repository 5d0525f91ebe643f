// What a random client asks of the desk of desk_world.h. cmocka.h is included before this header.
#pragma once

#include "tests/lib/desk_world.h"

static void ask_something(void)
{
    const uint32_t order = draw(ORDERS);
    struct own_order *o = desk_order_of(&w->desk, &w->who, order);
    uint32_t index;
    switch (draw(8)) {
    case 0:
    case 1:
    case 2:
    case 3: {
        const struct desk_order ask = {.client_id = draw(1000),
                                       .quantity = 1 + draw(500),
                                       .price = 1000000 + 100 * draw(50),
                                       .instrument = (uint16_t)draw(MODEL_SYMBOLS),
                                       .side = "BSBT"[draw(4)],
                                       .time_in_force = draw(5) ? '0' : '3',
                                       .display = 'Y'};
        desk_enter(&w->desk, &w->who, &ask, &index);
        break;
    }
    case 4:
    case 5:
        if (o)
            desk_replace(&w->desk, &w->who, order, o->filled + 1 + draw(600),
                         1000000 + 100 * draw(50));
        break;
    case 6:
        if (o)
            desk_cancel(&w->desk, order, draw(2) ? 0 : 1 + draw(500));
        break;
    default:
        if (o)
            desk_modify(&w->desk, &w->who, order, o->filled + 1 + draw(400),
                        o->side == 'S'   ? 'E'
                        : o->side == 'E' ? 'T'
                                         : o->side);
    }
}
