#include "dataplane/abi/region.h"

#include <string.h>

#include "abi_hash.h" // made by the build from the text of this folder

void region_abi_hash(uint64_t hash[2])
{
    hash[0] = ABI_HASH_HIGH;
    hash[1] = ABI_HASH_LOW;
}

static bool power_of_two(uint32_t value)
{
    return value && (value & (value - 1)) == 0;
}

static bool ring_allowed(uint32_t slots)
{
    return power_of_two(slots) && slots >= EVENT_RING_MIN && slots <= EVENT_RING_MAX;
}

static bool shape_allowed(const struct region_shape *shape)
{
    if (shape->lanes > LANES_MAX || shape->channels > CHANNELS_MAX || shape->ports > PORTS_MAX ||
        shape->pools > POOLS_MAX || shape->bill_items > BILL_LINES_MAX)
        return false;
    if (shape->accounts > ACCOUNTS_MAX || shape->instruments > INSTRUMENTS_MAX ||
        shape->order_sessions > SESSIONS_MAX * LANES_MAX ||
        shape->strategies > STRATEGIES_MAX * LANES_MAX || shape->clients > CLIENTS_MAX ||
        shape->signals > SIGNALS_MAX || shape->positions > POSITIONS_MAX ||
        (shape->positions && !power_of_two(shape->positions)))
        return false;
    if (!ring_allowed(shape->trading_slots) || !ring_allowed(shape->diagnostic_slots))
        return false;
    if (shape->capture_bytes &&
        (!power_of_two(shape->capture_bytes) || shape->capture_bytes < CAPTURE_RING_MIN ||
         shape->capture_bytes > CAPTURE_RING_MAX))
        return false;
    if (shape->restore_events > RESTORE_EVENTS_MAX)
        return false;
    for (uint32_t i = 0; i < shape->channels; i++)
        if (shape->symbols[i] > SYMBOLS_MAX)
            return false;
    return true;
}

static uint64_t align_up(uint64_t value)
{
    return (value + REGION_PART_ALIGN - 1) / REGION_PART_ALIGN * REGION_PART_ALIGN;
}

// With every value at its limit the sum stays below 2^40: nothing here can wrap.
bool region_layout(const struct region_shape *shape, struct region_view *view)
{
    if (!shape_allowed(shape))
        return false;
    const struct region_part sizes[PARTS] = {
#define PART(upper, lower, element, number, help) \
    [PART_##upper] = {.kind = PART_##upper, .element_len = sizeof(element), .count = (number)},
#include "dataplane/abi/parts.def"
    };
    uint64_t offset = align_up(sizeof(struct region_header));
    for (uint32_t i = 0; i < PARTS; i++) {
        view->parts[i] = sizes[i];
        view->parts[i].offset = offset;
        offset = align_up(offset + sizes[i].count * sizes[i].element_len);
    }
    view->length = offset;
    view->shape = *shape;
    uint32_t symbols = 0;
    for (uint32_t i = 0; i < shape->channels; i++) {
        view->first_symbol[i] = symbols;
        symbols += shape->symbols[i];
    }
    return true;
}

uint64_t region_bytes(const struct region_shape *shape)
{
    struct region_view view;
    return region_layout(shape, &view) ? view.length : 0;
}

bool region_format(void *memory, uint64_t length, const struct region_shape *shape,
                   const struct region_identity *identity, struct region_view *view)
{
    if (!region_layout(shape, view) || view->length > length)
        return false;
    view->base = memory;
    struct region_header *header = region_header(view);
    // A reader that has an older content of this file open must not take it for complete meanwhile.
    atomic_store_explicit(&header->version, 0, memory_order_relaxed);
    CELL_ORDER();
    memset(memory, 0, view->length);
    header->magic = REGION_MAGIC;
    header->header_len = sizeof *header;
    region_abi_hash(header->abi_hash);
    header->length = view->length;
    header->identity = *identity;
    header->shape = *shape;
    memcpy(header->parts, view->parts, sizeof header->parts);
    for (uint32_t i = 0; i < shape->channels; i++) {
        region_channel_info(view, i)->first_symbol = view->first_symbol[i];
        region_channel_info(view, i)->symbols = shape->symbols[i];
    }
    return true;
}

void region_publish(const struct region_view *view)
{
    atomic_store_explicit(&region_header(view)->version, REGION_VERSION, memory_order_release);
}
