// Files of the trading day, and how they are read again while everything runs.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limits.h"

// DAY_FILE(NAME, name, again): the name is the key in the section `day`; again: it may be read
// again while something trades. Their order is that of the numbers in events.
#define DAY_FILE_LIST(X)            \
    X(REFERENCE, reference, true)   \
    X(POSITIONS, positions, false)  \
    X(RESTRICTED, restricted, true) \
    X(WINDOWS, windows, true)       \
    X(CALENDAR, calendar, true)     \
    X(BANDS, bands, true)

enum day_file {
#define DAY_FILE_ENUM(upper, lower, again) DAY_##upper,
    DAY_FILE_LIST(DAY_FILE_ENUM)
#undef DAY_FILE_ENUM
        DAY_FILES
};

// "?" for a number that this version does not know.
const char *day_file_name(unsigned file);
// DAY_FILES: there is none of this name.
enum day_file day_file_find(const char *name);
bool day_file_again(enum day_file file);

enum { DAY_FILES_MAX = 8, DAY_WHY_LEN = 512 };
_Static_assert((int)DAY_FILES <= (int)DAY_FILES_MAX, "a bit and a row for every file");

// A file that is in force.
struct day_file_row {
    uint64_t hash; // FNV-1a of its bytes
    uint32_t date; // YYYYMMDD from which it holds
    uint32_t rows;
    uint8_t file; // enum day_file
    uint8_t unused[7];
};

// RELOAD: all of the files or none, at one place in the stream of every lane's orders.
struct reload_request {
    uint32_t user;  // uid of whoever asks
    uint32_t files; // bits of enum day_file; 0: all that the configuration names and that may be
    char reason[REASON_LEN];
};

struct reload_answer {
    uint64_t lanes;              // bits of the lanes that trade
    uint32_t version[LANES_MAX]; // of the lane's table of limits
    uint32_t count;
    uint32_t started; // YYYYMMDD: the trading day of positions and sums, that of the start
    uint32_t today;   // the trading day that it is now, whose the files are
    uint32_t unused;
    struct day_file_row files[DAY_FILES_MAX];
    char why[DAY_WHY_LEN]; // DAY_REFUSED: file, line, cause and remedy
};
