#include "bench/exchange/trade/entry.h"

#include <stddef.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"

enum kind { KIND_N, KIND_A };
enum appendage { APPENDAGE_NONE, APPENDAGE_MUST, APPENDAGE_MAY };

struct field {
    uint8_t offset, size; // size 0: there is none
    uint8_t kind;
    uint16_t member; // of struct entry
};

struct layout {
    uint8_t protocol, direction, type, length, appendage;
    struct field fields[20];
};

struct option {
    uint8_t tag, size, kind;
    uint16_t member;
    const char *messages[2]; // by direction
};

#define MEMBER(field) (uint16_t) offsetof(struct entry, field)

static const struct layout layouts[] = {
#define N(offset, size, field)              \
    {                                       \
        offset, size, KIND_N, MEMBER(field) \
    }
#define A(offset, size, field)              \
    {                                       \
        offset, size, KIND_A, MEMBER(field) \
    }
#define ENTRY(protocol, direction, type, length, options, ...) \
    {ENTRY_##protocol, ENTRY_##direction, type, length, APPENDAGE_##options, {__VA_ARGS__}},
#include "bench/exchange/trade/entry.def"
#undef ENTRY
#undef N
#undef A
};

static const struct option options[] = {
#define ENTRY_OPTION(name, tag, size, kind, field, in, out) \
    {tag, size, KIND_##kind, MEMBER(field), {in, out}},
#include "bench/exchange/trade/entry_options.def"
#undef ENTRY_OPTION
};

static const struct layout *layout_find(enum entry_protocol protocol,
                                        enum entry_direction direction, uint8_t type)
{
    for (uint32_t i = 0; i < ARRAY_LEN(layouts); i++)
        if (layouts[i].protocol == protocol && layouts[i].direction == direction &&
            layouts[i].type == type)
            return &layouts[i];
    return NULL;
}

static void value_read(struct entry *e, uint8_t kind, uint16_t member, const uint8_t *p,
                       uint32_t size)
{
    uint8_t *to = (uint8_t *)e + member;
    if (kind == KIND_A) {
        memcpy(to, p, size);
        return;
    }
    uint64_t v = 0;
    for (uint32_t i = 0; i < size; i++)
        v = v << 8 | p[i];
    memcpy(to, &v, sizeof v);
}

static void value_write(const struct entry *e, uint8_t kind, uint16_t member, uint8_t *p,
                        uint32_t size)
{
    const uint8_t *from = (const uint8_t *)e + member;
    uint64_t v;
    if (kind == KIND_A) {
        memcpy(p, from, size);
        return;
    }
    memcpy(&v, from, sizeof v);
    for (uint32_t i = size; i-- > 0; v >>= 8)
        p[i] = (uint8_t)v;
}

// Elements must fill the appendage exactly. An option that is not of this message is skipped, like
// one that nobody knows; of a repeated one the last counts.
static bool options_read(struct entry *e, enum entry_direction direction, const uint8_t *p,
                         uint32_t length)
{
    for (uint32_t at = 0; at < length;) {
        uint32_t size = p[at];
        if (size == 0 || size > length - at - 1)
            return false;
        for (uint32_t i = 0; i < ARRAY_LEN(options); i++) {
            const struct option *o = &options[i];
            if (o->tag != p[at + 1] || !strchr(o->messages[direction], e->type))
                continue;
            if (size != 1u + o->size)
                return false;
            value_read(e, o->kind, o->member, p + at + 2, o->size);
            e->has |= 1u << o->tag;
        }
        at += 1 + size;
    }
    return true;
}

enum entry_result entry_read(enum entry_protocol protocol, enum entry_direction direction,
                             const uint8_t *message, uint32_t length, struct entry *e)
{
    memset(e, 0, sizeof *e);
    const struct layout *l = length ? layout_find(protocol, direction, message[0]) : NULL;
    if (!l)
        return ENTRY_UNKNOWN;
    // MUST: the last two bytes of the fixed part count the options. MAY: two more bytes do.
    if (length < l->length || (length > l->length && l->appendage == APPENDAGE_NONE))
        return ENTRY_LENGTH;
    e->type = (char)l->type;
    for (uint32_t i = 0; i < ARRAY_LEN(l->fields) && l->fields[i].size; i++)
        value_read(e, l->fields[i].kind, l->fields[i].member, message + l->fields[i].offset,
                   l->fields[i].size);
    uint32_t end = l->length + (l->appendage == APPENDAGE_MAY ? 2 : 0);
    if (l->appendage == APPENDAGE_NONE || (l->appendage == APPENDAGE_MAY && length == l->length))
        return ENTRY_READ;
    if (length < end || be16_load(message + end - 2) != length - end)
        return ENTRY_APPENDAGE;
    return options_read(e, direction, message + end, length - end) ? ENTRY_READ : ENTRY_APPENDAGE;
}

uint32_t entry_write(enum entry_protocol protocol, enum entry_direction direction,
                     const struct entry *e, uint8_t message[ENTRY_MAX])
{
    const struct layout *l = layout_find(protocol, direction, (uint8_t)e->type);
    MUST(l);
    memset(message, 0, l->length + 2u);
    message[0] = l->type;
    for (uint32_t i = 0; i < ARRAY_LEN(l->fields) && l->fields[i].size; i++)
        value_write(e, l->fields[i].kind, l->fields[i].member, message + l->fields[i].offset,
                    l->fields[i].size);
    if (l->appendage == APPENDAGE_NONE)
        return l->length;
    uint32_t start = l->length + (l->appendage == APPENDAGE_MAY ? 2 : 0), at = start;
    for (uint32_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct option *o = &options[i];
        if (!entry_has(e, o->tag) || !strchr(o->messages[direction], e->type))
            continue;
        message[at] = (uint8_t)(1 + o->size);
        message[at + 1] = o->tag;
        value_write(e, o->kind, o->member, message + at + 2, o->size);
        at += 2 + o->size;
    }
    if (l->appendage == APPENDAGE_MAY && at == start)
        return l->length;
    be16_store(message + start - 2, (uint16_t)(at - start));
    return at;
}
