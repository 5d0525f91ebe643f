// Where members connect: carries bytes between TCP and the trading exchange. Two of them, the
// kernel's TCP and lwIP on a DPDK port; neither knows anything of what the bytes mean.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bench/exchange/trade/bourse.h"
#include "dataplane/base/error.h"

struct link;

struct gate {
    // Moves what can be moved, never waits. True when there was anything.
    bool (*turn)(struct gate *g);
    void (*close)(struct gate *g);
    int wake; // readable when there is something to do; -1: none
    void *state;
};

// A door of the kernel's gate: address in host order; port 0: there is none.
struct gate_door {
    uint32_t address;
    uint16_t port;
};

// One door for members, one for those who read drop copies; at least one of them is there.
bool gate_kernel_open(struct gate *g, struct bourse *b, struct gate_door orders,
                      struct gate_door copies, struct error *err);

// On the link's port; its address must be known.
bool gate_lwip_open(struct gate *g, struct bourse *b, struct link *l, uint32_t address,
                    uint16_t port, struct error *err);
