#include "bench/exchange/line.h"

#include <string.h>

#include "bench/exchange/random.h"
#include "dataplane/base/check.h"

static bool chance(uint64_t draw, uint32_t below)
{
    return (draw >> 32) < below;
}

struct line_fate line_fate(const struct line_faults *f, uint64_t packet)
{
    struct line_fate fate = {false, false, 0, (uint64_t)f->skew_least_us * 1000};
    uint64_t draw = random_mix(f->seed + packet * 0x9e3779b97f4a7c15ull);
    fate.lost = chance(draw, f->loss_below);
    if (f->duplicate_below)
        fate.duplicated = chance(random_mix(draw ^ 1), f->duplicate_below);
    if (f->reorder_below) {
        uint64_t r = random_mix(draw ^ 2);
        if (chance(r, f->reorder_below))
            fate.behind = 1 + (uint32_t)((r & 0xffffffff) * f->depth >> 32);
    }
    if (f->skew_most_us > f->skew_least_us) {
        uint64_t range_ns = (uint64_t)(f->skew_most_us - f->skew_least_us) * 1000;
        fate.skew_ns += (random_mix(draw ^ 3) >> 32) * range_ns >> 32;
    }
    return fate;
}

static void queue_push(struct line *l, uint64_t packet, uint64_t due_ns)
{
    MUST(l->tail - l->head < LINE_QUEUE);
    if (due_ns < l->last_due_ns)
        due_ns = l->last_due_ns;
    l->last_due_ns = due_ns;
    l->queue[l->tail++ % LINE_QUEUE] = (struct line_waiting){packet, due_ns};
}

static void held_release(struct line *l, uint64_t now_ns, bool all)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < l->held_count; i++) {
        if (!all && l->held[i].after > l->counters.offered) {
            l->held[kept++] = l->held[i];
            continue;
        }
        queue_push(l, l->held[i].packet, now_ns + l->held[i].skew_ns);
        if (l->held[i].duplicated)
            queue_push(l, l->held[i].packet, now_ns + l->held[i].skew_ns);
    }
    l->held_count = kept;
}

bool line_offer(struct line *l, uint64_t packet, bool lost, uint64_t now_ns)
{
    struct line_fate fate = line_fate(&l->faults, packet);
    l->counters.offered++;
    lost |= fate.lost;
    if (lost) {
        l->counters.lost++;
    } else {
        l->counters.duplicated += fate.duplicated;
        l->counters.skewed += fate.skew_ns > 0;
        if (fate.behind && l->held_count < LINE_HELD) {
            l->counters.reordered++;
            l->held[l->held_count].packet = packet;
            l->held[l->held_count].after = l->counters.offered + fate.behind;
            l->held[l->held_count].skew_ns = fate.skew_ns;
            l->held[l->held_count++].duplicated = fate.duplicated;
        } else {
            queue_push(l, packet, now_ns + fate.skew_ns);
            if (fate.duplicated)
                queue_push(l, packet, now_ns + fate.skew_ns);
        }
    }
    // Behind the packet that was just offered, so that one that waits for one packet is overtaken
    // by one.
    if (l->held_count)
        held_release(l, now_ns, false);
    return lost;
}

void line_flush(struct line *l, uint64_t now_ns)
{
    held_release(l, now_ns, true);
}
