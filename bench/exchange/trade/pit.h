// The order books of all symbols, replayed orders and orders of members side by side, in price-time
// priority: best price, then displayed before hidden, then first come. Finds any order by its
// reference number. Grows as needed; an exchange without memory for its book cannot go on.
//
// A replayed order has two sizes: <shares> can trade, <recorded> is what the replay believes is
// there. Where members have taken shares the second is larger, and the order stays known with no
// shares at all until the replay takes it away.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { PIT_LOCATES = 65536, PIT_NONE = 0 };

struct pit_order {
    uint64_t reference;
    uint32_t price; // four decimals
    uint32_t shares, recorded;
    uint32_t owner;      // number of a member's order; 0: replayed
    uint32_t prev, next; // in the queue of its level
    uint32_t level;      // PIT_NONE: not in a queue
    uint16_t locate;
    bool bid, hidden;
    char mpid[4]; // replayed with attribution; otherwise zeros
};

struct pit_level {
    uint32_t price;
    uint32_t head[2], tail[2]; // displayed, hidden
    uint64_t displayed;        // shares
};

struct pit_side {
    uint32_t *levels; // sorted, the best one last
    uint32_t count, room;
};

struct pit_symbol {
    uint8_t name[8];
    bool known;
    char state;       // of the last H, 0: none yet
    bool operational; // halted by h
    char reg_sho;
    bool lots_only;
    uint32_t round_lot;
    uint32_t last_price;      // of the last trade, 0: none
    struct pit_side sides[2]; // asks, bids
};

struct pit {
    struct pit_order *orders;
    struct pit_level *levels;
    struct pit_symbol *symbols;                   // by locate
    uint32_t order_count, order_room, order_free; // order_free: list through <next>
    uint32_t level_count, level_room, level_free; // list through <head[0]>
    uint32_t *slots;                              // open addressing by reference
    uint32_t slot_count, live;
    uint16_t *names; // open addressing by name: locates
};

bool pit_init(struct pit *p);
void pit_free(struct pit *p);

// The end of the queue at its price. Answers the order's number, which stays until it is removed.
// Numbers and pointers: any addition may move the orders, so no pointer is kept across one.
uint32_t pit_add(struct pit *p, const struct pit_order *order);

// Number of an order, PIT_NONE when unknown.
uint32_t pit_find(const struct pit *p, uint64_t reference);

// Out of the queue, still known.
void pit_unlink(struct pit *p, uint32_t number);
void pit_remove(struct pit *p, uint32_t number);

// Fewer shares, same priority; at 0 it leaves the queue.
void pit_reduce(struct pit *p, uint32_t number, uint32_t shares);

// The first order in priority of a side, and the one behind an order; PIT_NONE at the end.
uint32_t pit_front(const struct pit *p, uint16_t locate, bool bid);
uint32_t pit_behind(const struct pit *p, uint32_t number);

// The best displayed price of a side and its displayed shares; 0 when there is none.
uint32_t pit_best(const struct pit *p, uint16_t locate, bool bid, uint64_t *shares);

// Gives a locate its name (eight characters); it keeps the first one. False when it has another.
bool pit_name(struct pit *p, uint16_t locate, const void *name);

// A locate by its eight-character name; 0 when unknown.
uint16_t pit_locate(const struct pit *p, const char name[8]);

// <price> is at least as good for the other side as <limit>: a bid of <price> would trade with an
// ask of <limit>, or the other way round.
static inline bool pit_crosses(bool bid, uint64_t price, uint64_t limit)
{
    return bid ? price >= limit : price <= limit;
}
