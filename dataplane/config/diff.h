// What differs between two configurations, key by key, and what has to happen for each key to be in
// force.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum config_takes {
    CONFIG_TAKES_NOTHING,      // set while everything runs
    CONFIG_TAKES_CONTROLPLANE, // a restart of tickgate-controlplane, which no lane notices
    CONFIG_TAKES_DATAPLANE,    // a restart of tickgate-dataplane
};

enum { CONFIG_KEY_LEN = 96, CONFIG_TEXT_LEN = 48 };

struct config_difference {
    char key[CONFIG_KEY_LEN];  // "accounts[MM].limits.position"
    char was[CONFIG_TEXT_LEN]; // as the file says it, "" where it says nothing; shortened
    char now[CONFIG_TEXT_LEN];
    enum config_takes takes;
};

// Two texts that were loaded without an error. Into <out>, at most <max>, in the order of keys;
// returns how many there are. Lists that have names are compared by name.
uint32_t config_diff(const char *was, uint64_t was_len, const char *now, uint64_t now_len,
                     struct config_difference *out, uint32_t max);

// Of a key as config_difference has it.
enum config_takes config_takes(const char *key);
const char *config_takes_text(enum config_takes takes);
