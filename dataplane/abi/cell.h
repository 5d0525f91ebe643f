// Sequence cells: records with one writer that never waits and readers that try again.
//
// The writer makes <version> odd, writes, makes it even. x86-64 keeps stores in order among
// themselves and loads among themselves, so both sides need only keep the compiler from reordering.
// A reader that loses the race too often answers "busy", it does not spin for ever.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CELL_ORDER() __asm__ volatile("" ::: "memory")

// Best prices and state of one symbol. Writer: the lane that owns the channel. One cache line.
struct symbol_top {
    _Alignas(64) _Atomic uint32_t version; // odd while being written
    uint16_t locate;                       // 0: the slot was never used
    uint8_t quality;                       // enum quality of the symbol; the channel's is a counter
    uint8_t trading_state;                 // ITCH H state, 0 not said yet
    uint32_t price[2];                     // best bid, best ask: price4
    uint64_t shares[2];                    // 0: the side is empty
    uint32_t orders[2];
    uint32_t last_price;
    uint32_t last_shares;
    uint64_t volume;
    uint32_t changes; // best-price changes, wraps
    uint32_t unused;
};
_Static_assert(sizeof(struct symbol_top) == 64, "one line per symbol");

static inline void symbol_top_begin(struct symbol_top *top)
{
    uint32_t version = atomic_load_explicit(&top->version, memory_order_relaxed);
    atomic_store_explicit(&top->version, version + 1, memory_order_relaxed);
    CELL_ORDER(); // the odd version is visible before the fields change
}

static inline void symbol_top_end(struct symbol_top *top)
{
    uint32_t version = atomic_load_explicit(&top->version, memory_order_relaxed);
    atomic_store_explicit(&top->version, version + 1, memory_order_release);
}

// A consistent copy of the fields; false when the writer was in the way <CELL_TRIES> times.
static inline bool symbol_top_read(const struct symbol_top *top, struct symbol_top *out)
{
    enum { CELL_TRIES = 64 };
    for (int i = 0; i < CELL_TRIES; i++) {
        uint32_t before = atomic_load_explicit(&top->version, memory_order_acquire);
        memcpy((char *)out + sizeof before, (const char *)top + sizeof before,
               sizeof *top - sizeof before);
        CELL_ORDER();
        if (!(before & 1) && atomic_load_explicit(&top->version, memory_order_relaxed) == before)
            return true;
    }
    return false;
}

// Name of the symbol in a slot. Writer: the lane, once per session. <locate> is 0 while there is no
// name or it is being written.
struct symbol_name {
    char name[12]; // without trailing blanks, zero-terminated
    _Atomic uint32_t locate;
};
_Static_assert(sizeof(struct symbol_name) == 16, "symbol_name");

static inline void symbol_name_publish(struct symbol_name *cell, uint16_t locate, const char *name)
{
    atomic_store_explicit(&cell->locate, 0, memory_order_relaxed);
    CELL_ORDER(); // no locate is visible before the name changes
    strncpy(cell->name, name, sizeof cell->name - 1);
    atomic_store_explicit(&cell->locate, locate, memory_order_release);
}

// Copies the name (zero-terminated, whatever the memory holds) and returns its locate; 0: there is
// none.
static inline uint16_t symbol_name_read(const struct symbol_name *cell, char name[12])
{
    uint32_t before = atomic_load_explicit(&cell->locate, memory_order_acquire);
    memcpy(name, cell->name, 12);
    name[11] = 0;
    CELL_ORDER();
    uint32_t after = atomic_load_explicit(&cell->locate, memory_order_relaxed);
    return before == after ? (uint16_t)after : 0;
}
