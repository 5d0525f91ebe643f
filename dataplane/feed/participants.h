// Market participant positions (ITCH L): who makes a market in what, and in which state. Fixed
// open-addressing table that only grows during a session: a participant's position changes, it does
// not vanish.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { PARTICIPANTS_MAX = 1 << 18, PARTICIPANTS_PROBE_MAX = 32 };

struct participant {
    uint32_t mpid; // as on the wire; 0: empty
    uint16_t locate;
    char state; // 'A' active, 'E' excused, 'W' withdrawn, 'S' suspended, 'D' deleted
    uint8_t flags;
};
enum { PARTICIPANT_PRIMARY = 1 };

struct participants {
    struct participant *table; // PARTICIPANTS_MAX
    uint32_t count;
};

// The position of <mpid> in <locate>, entered if it is new (state 0); null when its neighbourhood
// is full.
struct participant *participants_get(struct participants *all, uint16_t locate, uint32_t mpid);
void participants_reset(struct participants *all);
