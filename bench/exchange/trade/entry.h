// Codec of the exchange for OUCH 5.0 and 4.2, both directions, from two tables (entry.def,
// entry_options.def). Written apart from the dataplane's. Messages are without SoupBinTCP around
// them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum entry_protocol { ENTRY_50, ENTRY_42 };
enum entry_direction { ENTRY_IN, ENTRY_OUT };

enum {
    ENTRY_MAX = 512, // bytes of the longest message with all its options is far below
#define ENTRY_OPTION(name, tag, size, kind, field, in, out) ENTRY_##name = tag,
#include "bench/exchange/trade/entry_options.def"
#undef ENTRY_OPTION
};

// One message of either protocol; what a message has not is 0. Characters are as on the wire,
// padded with blanks.
struct entry {
    uint32_t has; // options present, bit 1 << tag
    char type;
    char wire_display; // 4.2: display as it came, where <display> was put into terms of 5.0
    uint64_t time, ref, original, ref_index;
    uint64_t quantity, price, tif_s, expire_s, min_quantity, max_floor, random_reserve;
    uint64_t reference, secondary, match, reason, prevented;
    uint64_t peg_offset, discretion_price, discretion_offset; // offsets: 32 bits, two's complement
    uint64_t display_quantity, display_price, group;
    char token[14], token_original[14]; // 5.0: <token> is the ClOrdID
    char symbol[8], firm[4], route[4], locate_broker[4], aiq_group[2];
    char side[1], tif[1], display[1], capacity[1], sweep[1], cross[1], state[1], code[1],
        liquidity[1], strategy[1], customer[1], price_type[1], discretion_type[1], post_only[1],
        trade_now[1], handle_inst[1], bbo_weight[1], located[1], aiq_strategy[1];
};

enum entry_result {
    ENTRY_READ,
    ENTRY_UNKNOWN,   // no such type in this protocol and direction
    ENTRY_LENGTH,    // too short or too long
    ENTRY_APPENDAGE, // the fixed part is read, the options are nonsense
};

enum entry_result entry_read(enum entry_protocol protocol, enum entry_direction direction,
                             const uint8_t *message, uint32_t length, struct entry *e);

// Answers the length. The type must exist; options of <has> that the message may carry follow in
// the order of their tags.
uint32_t entry_write(enum entry_protocol protocol, enum entry_direction direction,
                     const struct entry *e, uint8_t message[ENTRY_MAX]);

static inline bool entry_has(const struct entry *e, uint32_t tag)
{
    return e->has >> tag & 1;
}
