// Where in the file each value of the configuration was given, so that every check can name file,
// line and key. Private to this room.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/config/config.h"

enum { PLACES_MAX = 32768, PLACE_KEY_LEN = 64 };

struct place {
    const void *member; // of struct config
    uint32_t line;
    char key[PLACE_KEY_LEN]; // "channels[0].lines[1].group"
};

struct places {
    char file[256];
    struct place list[PLACES_MAX];
    uint32_t count;
};

void place_add(struct places *places, const void *member, const char *key, uint32_t line);
const struct place *place_find(const struct places *places, const void *member);
// Fills <err> with "file:line: key: " and the text; returns false.
bool place_fault(const struct places *places, const void *member, struct error *err,
                 const char *fmt, ...) __attribute__((format(printf, 4, 5)));

// What no single option can know: names, references between sections, cores of the machine.
bool config_check_limits(const struct config *config, const struct places *places,
                         struct error *err);
bool config_check_day(const struct config *config, const struct places *places, struct error *err);
bool config_check_drop(const struct config *config, const struct places *places, struct error *err);
bool config_check_trade(const struct config *config, const struct places *places,
                        struct error *err);
bool config_check_signals(const struct config *config, const struct places *places,
                          struct error *err);
bool config_check(const struct config *config, const struct places *places, struct error *err);
