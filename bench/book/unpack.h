// A whole file in memory, unpacked when it is gz.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"

struct unpacked {
    uint8_t *bytes; // the caller's to free, also when unpack_file() fails
    uint64_t len;
    bool damaged;
    char why[128]; // a gz file ends early or is damaged: <bytes> are all that come before that
};

bool unpack_file(struct unpacked *to, const char *path, struct error *err);
