// Hot path, for the few orders that have options.
#include "dataplane/lane/desk_extras.h"

#include <string.h>

#include "dataplane/lane/desk_parts.h"

#define SAID_u16(value)    ((value) != 0)
#define SAID_u32(value)    ((value) != 0)
#define SAID_i32(value)    ((value) != 0)
#define SAID_chr(value)    ((value) != 0)
#define SAID_alpha2(value) ((value)[0] != 0)
#define SAID_alpha4(value) ((value)[0] != 0)

void desk_extras_from(const struct strategy_options *said, struct ouch_extras *out)
{
    struct ouch50_options *o = &out->options;
    memset(out, 0, sizeof *out);
#define OUCH_EXTRA(upper, lower, kind, replace, version_42) \
    if (SAID_##kind(said->lower)) {                         \
        o->present |= 1u << OUCH50_TAG_##upper;             \
        FIELD_COPY_##kind(o->lower, said->lower);           \
    }
#include "dataplane/wire/ouch_extras.def"
    out->capacity = said->capacity;
    out->iso = said->iso;
    out->cross = said->cross;
}

void desk_extras_publish(struct desk *d, const struct desk_owner *who, const struct event *decision,
                         const struct ouch_extras *extras)
{
    const struct ouch50_options *o = &extras->options;
    struct event event = {.type = EVENT_ORDER_OPTIONS};
    struct event_order_options *e = &event.order_options;
    *e = (struct event_order_options){.client_id = decision->decision.client_id,
                                      .present = o->present,
                                      .min_quantity = o->min_quantity,
                                      .max_floor = o->max_floor,
                                      .random_reserves = o->random_reserves,
                                      .expire_s = o->expire_s,
                                      .discretion_price = (uint32_t)o->discretion_price,
                                      .peg_offset = (uint32_t)o->peg_offset,
                                      .discretion_offset = (uint32_t)o->discretion_offset,
                                      .account = who->account,
                                      .strategy = who->strategy,
                                      .instrument = decision->decision.instrument,
                                      .group = o->group,
                                      .session = decision->decision.session,
                                      .customer = (uint8_t)o->customer,
                                      .price_type = (uint8_t)o->price_type,
                                      .discretion_type = (uint8_t)o->discretion_type,
                                      .post_only = (uint8_t)o->post_only,
                                      .trade_now = (uint8_t)o->trade_now,
                                      .handle = (uint8_t)o->handle,
                                      .located = (uint8_t)o->located,
                                      .aiq_strategy = (uint8_t)o->aiq_strategy,
                                      .aiq_group_first = (uint8_t)o->aiq_group[0],
                                      .aiq_group_second = (uint8_t)o->aiq_group[1],
                                      .capacity = (uint8_t)extras->capacity,
                                      .iso = (uint8_t)extras->iso,
                                      .cross = (uint8_t)extras->cross};
    memcpy(e->firm, o->firm, sizeof e->firm);
    memcpy(e->route, o->route, sizeof e->route);
    memcpy(e->locate_broker, o->locate_broker, sizeof e->locate_broker);
    desk_publish(d, &event);
}
