// What to write instead of a key that is not known. Private to this room.
#pragma once

#include <stdint.h>

struct advice {
    const char *meant; // null: no key is near
    uint32_t edits;    // fewer than these make <meant> of it
    char keys[320];    // all of them, each after a blank
};

// For the wrong key <wrong>; then each <key> that stands to choice.
void advice_begin(struct advice *a, const char *wrong);
void advice_consider(struct advice *a, const char *wrong, const char *key);
