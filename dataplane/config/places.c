#include "dataplane/config/places.h"

#include <stdarg.h>
#include <stdio.h>

#include "dataplane/base/check.h"

void place_add(struct places *places, const void *member, const char *key, uint32_t line)
{
    MUST(places->count < PLACES_MAX); // more than every option of every section
    struct place *place = &places->list[places->count++];
    place->member = member;
    place->line = line;
    snprintf(place->key, sizeof place->key, "%s", key);
}

const struct place *place_find(const struct places *places, const void *member)
{
    for (uint32_t i = 0; i < places->count; i++)
        if (places->list[i].member == member)
            return &places->list[i];
    return NULL;
}

static bool fault(const struct places *places, const void *member, struct error *err,
                  const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

static bool fault(const struct places *places, const void *member, struct error *err,
                  const char *fmt, va_list ap)
{
    const struct place *place = place_find(places, member);
    char text[sizeof err->text];
    MUST(place != NULL);
    vsnprintf(text, sizeof text, fmt, ap);
    return error_set(err, EXIT_USAGE, "%s:%u: %s: %s", places->file, place->line, place->key, text);
}

bool place_fault(const struct places *places, const void *member, struct error *err,
                 const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fault(places, member, err, fmt, ap);
    va_end(ap);
    return false;
}

bool config_fault(const struct config *config, const void *member, struct error *err,
                  const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fault(config->places, member, err, fmt, ap);
    va_end(ap);
    return false;
}
