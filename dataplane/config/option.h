// The table of options as data, and how the text of a value becomes a value. Private to this room.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/config/config.h"

enum option_kind {
    OPTION_TEXT,        // printable characters; char[]
    OPTION_NAME,        // letters, digits, '.', '_' and '-'; char[]
    OPTION_DEVICE,      // as NAME plus what PCI addresses and device arguments need; char[]
    OPTION_WORD,        // one of <words>; char[]
    OPTION_ENUM,        // one of <words>; its position as a C enum
    OPTION_BOOL,        // true or false
    OPTION_U32,         // decimal
    OPTION_POWER2,      // decimal, a power of two; uint32_t
    OPTION_SIZE,        // number and KiB, MiB or GiB; bytes as uint64_t
    OPTION_US,          // number, alone or with us, ms or s; microseconds as uint32_t
    OPTION_MS,          // the same in milliseconds
    OPTION_IPV4,        // dotted; uint32_t, host order
    OPTION_MAC,         // six bytes in hex with colons
    OPTION_ENDPOINT,    // address:port
    OPTION_LISTEN,      // the same; 0.0.0.0: every address of the machine
    OPTION_ENDPOINTS,   // list of them; struct config_recovery
    OPTION_SYMBOLS,     // list of symbols, or one of <words>: "all"; struct config_symbols
    OPTION_NUMBERS,     // list of whole numbers; struct config_numbers
    OPTION_WORDS,       // list of <words>; bits of their positions as uint32_t
    OPTION_LIMIT,       // decimal, or none (<max>); uint32_t or uint64_t
    OPTION_MONEY,       // dollars with up to four decimals, or none (<max>); price4
    OPTION_PRICE,       // the same, and none is none: it would be a price of 429,496 dollars
    OPTION_LANE_REF,    // name of a lane; its index as uint32_t
    OPTION_PORT_REF,    // name of a port
    OPTION_CHANNEL_REF, // name of a channel, or one of <words>: "none" (CONFIG_NONE)
    OPTION_ACCOUNT_REF, // name of an account
    OPTION_CLIENT_REF,  // name of a client, or one of <words>: "none" (CONFIG_NONE)
    OPTION_DROP_REF,    // name of a drop copy, or "none" (CONFIG_NONE)
    OPTION_VENUES,      // list of names of sessions; bits of their indices as uint32_t
};

enum section {
#define SECTION(id, key, type, max, help) SECTION_##id,
#include "dataplane/config/sections.def"
#undef SECTION
    SECTIONS
};

struct option_row {
    enum section section;
    enum option_kind kind;
    const char *key;
    const char *fallback; // null: required
    uint64_t min;
    uint64_t max;
    const char *words;
    const char *help;
    uint32_t offset; // of the member in the section's structure
    uint32_t size;
};

struct section_row {
    const char *key;
    uint32_t max; // 0: stands once
    uint32_t size;
    const char *help;
};

extern const struct option_row option_rows[];
extern const uint32_t option_count;
extern const struct section_row section_rows[SECTIONS];

enum { VALUE_WHY_LEN = 256 };

// Parses one scalar of <row> (not a list, not a reference) into <member>. False with the cause and
// the remedy in <why>.
bool value_parse(const struct option_row *row, const char *text, size_t len, void *member,
                 char why[VALUE_WHY_LEN]);
bool value_endpoint(const char *text, size_t len, struct config_endpoint *out,
                    char why[VALUE_WHY_LEN]);
bool value_number(const char *text, size_t len, int64_t *out, char why[VALUE_WHY_LEN]);
// Sets the bit of a word's position in row->words.
bool value_word(const struct option_row *row, const char *text, size_t len, uint32_t *bits,
                char why[VALUE_WHY_LEN]);
// A symbol of at most 8 printable characters, padded with blanks.
bool value_symbol(const char *text, size_t len, char out[8], char why[VALUE_WHY_LEN]);
// At most 40 characters of something from the file, made printable, for messages.
const char *value_shown(const char *text, size_t len, char out[48]);
// "1 to 65535", "2MiB or more" and the like: what a value may be, for messages and documentation.
void value_range(const struct option_row *row, char *out, size_t len);
