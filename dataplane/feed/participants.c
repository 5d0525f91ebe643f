#include "dataplane/feed/participants.h"

#include <stddef.h>
#include <string.h>

struct participant *participants_get(struct participants *all, uint16_t locate, uint32_t mpid)
{
    uint64_t h = ((uint64_t)locate << 32 | mpid) * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t at = (uint32_t)(h >> 46);
    for (uint32_t i = 0; i < PARTICIPANTS_PROBE_MAX; i++) {
        struct participant *p = &all->table[(at + i) & (PARTICIPANTS_MAX - 1)];
        if (p->mpid == mpid && p->locate == locate)
            return p;
        if (p->mpid == 0) {
            *p = (struct participant){.mpid = mpid, .locate = locate};
            all->count++;
            return p;
        }
    }
    return NULL;
}

void participants_reset(struct participants *all)
{
    if (all->count == 0)
        return;
    memset(all->table, 0, PARTICIPANTS_MAX * sizeof all->table[0]);
    all->count = 0;
}
