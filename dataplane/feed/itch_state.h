// What ITCH 5.0 says beside the order book: directory, trading state, auctions, prints; and
// everything that is wrong with a message.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/feed/channel.h"

// A block that is no message: zero length (legal), unknown type, or a length that its type does not
// have.
void itch_refuse(struct channel *ch, const uint8_t *p, uint32_t len) COLD;

// A letter that decides something and that the field does not have: the message is counted, not
// followed, and its symbol (where it has one) is no longer to be trusted.
void itch_bad_field(struct channel *ch, uint16_t slot) COLD;

static inline bool letter_in(char letter, const char *letters)
{
    for (; *letters; letters++)
        if (letter == *letters)
            return true;
    return false;
}

// Slot for a locate that no directory entry announced; the order message carries the symbol's name
// (8 characters).
uint16_t itch_symbol_open(struct channel *ch, uint16_t locate, const char *stock) COLD;

// An execution of E or C: last trade, volume, and the memory for a broken trade. <result> of the
// reduction: without the order the price is not known.
void itch_executed(struct channel *ch, uint32_t slot, uint64_t match, uint32_t shares,
                   uint32_t price, bool printable, uint32_t result);

// An order message of a symbol that nobody announced: its execution still counts. Returns
// BOOK_UNKNOWN.
uint32_t itch_unannounced(struct channel *ch, const uint8_t *p) COLD;

// Every message that is not an order message.
void itch_state(struct channel *ch, const uint8_t *p, uint16_t slot);

// Result bits other than BOOK_BEST: counted, and the symbol is no longer to be trusted where the
// book may be wrong.
void itch_trouble(struct channel *ch, const uint8_t *p, uint16_t slot, uint32_t result) COLD;
