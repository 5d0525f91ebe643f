#include "bench/latency/schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/exchange/random.h"
#include "bench/exchange/source.h"

enum { SHARE_NS = 10000 }; // messages of a BinaryFILE that are due within this share a packet

static bool times_add(struct schedule *s, uint64_t *room, uint64_t at, struct error *err)
{
    if (s->count == *room) {
        *room = *room ? 2 * *room : 1 << 16;
        uint64_t *more = realloc(s->due_ns, *room * sizeof *more);
        if (more == NULL)
            return error_set(err, EXIT_FAILED, "no memory for the times of %lu packets", *room);
        s->due_ns = more;
    }
    s->due_ns[s->count++] = at;
    return true;
}

static bool times_read(struct schedule *s, const char *file, struct error *err)
{
    struct source source;
    struct source_item item;
    enum source_result got = SOURCE_FAILED;
    uint64_t room = 0;
    bool ok = source_file_open(&source, file, NULL, err);
    while (ok && (got = source.next(&source, &item, err)) == SOURCE_ITEM) {
        bool shares = source.kind == SOURCE_MESSAGES && s->count &&
                      item.time_ns < s->due_ns[s->count - 1] + SHARE_NS;
        ok = shares || times_add(s, &room, item.time_ns, err);
    }
    source_close(&source);
    if (!ok || got == SOURCE_FAILED)
        return false;
    return s->count > 1 || error_set(err, EXIT_FAILED, "%s: fewer than two packets", file);
}

// First packet of the window of <length> ns that holds the most.
static uint64_t busiest(const struct schedule *s, double length, uint64_t *most)
{
    uint64_t first = 0, end = 0;
    *most = 0;
    for (uint64_t i = 0; i < s->count; i++) {
        while (end < s->count && (double)(s->due_ns[end] - s->due_ns[i]) < length)
            end++;
        if (end - i > *most) {
            *most = end - i;
            first = i;
        }
    }
    return first;
}

static bool recorded_make(struct schedule *s, const struct schedule_options *o, uint64_t room,
                          struct error *err)
{
    uint64_t count;
    if (!times_read(s, o->file, err))
        return false;
    uint64_t first = busiest(s, o->seconds * o->speed * 1e9, &count);
    const uint64_t day_start = s->due_ns[0], start = s->due_ns[first];
    s->count = count < room ? count : room;
    for (uint64_t i = 0; i < s->count; i++)
        s->due_ns[i] = (uint64_t)((double)(s->due_ns[first + i] - start) / o->speed);
    s->stretch_start_s = (double)(start - day_start) / 1e9;
    s->stretch_s = (double)s->due_ns[s->count - 1] * o->speed / 1e9;
    return true;
}

// Gaps of a Poisson process are exponential; drawn by inversion, in [2^-53, 1].
static double gap_draw(struct random *r, double mean)
{
    return -log((double)((random_next(r) >> 11) + 1) / 9007199254740992.0) * mean;
}

bool schedule_make(struct schedule *s, const struct schedule_options *o, uint64_t room,
                   struct error *err)
{
    struct random r;
    double at = 0, gap = 1e9 / (o->rate > 0 ? o->rate : 1);
    memset(s, 0, sizeof *s);
    random_seed(&r, o->seed);
    if (o->kind == SCHEDULE_RECORDED) {
        if (!recorded_make(s, o, room, err)) {
            schedule_free(s);
            return false;
        }
    } else {
        double wanted = o->rate * o->seconds * (o->kind == SCHEDULE_POISSON ? 1.2 : 1) + 1000;
        uint64_t most = wanted < (double)room ? (uint64_t)wanted : room;
        s->due_ns = malloc(most * sizeof *s->due_ns);
        if (s->due_ns == NULL)
            return error_set(err, EXIT_FAILED, "no memory for the times of %lu triggers", most);
        while (s->count < most && at < o->seconds * 1e9) {
            s->due_ns[s->count++] = (uint64_t)at;
            // Constant: from the number, so that no rounding adds up.
            at = o->kind == SCHEDULE_POISSON ? at + gap_draw(&r, gap) : (double)s->count * gap;
        }
    }
    uint64_t last = s->count ? s->due_ns[s->count - 1] : 0;
    s->rate = last ? (double)(s->count - 1) * 1e9 / (double)last : 0;
    return s->count > 0 || error_set(err, EXIT_USAGE, "--rate, --seconds: not one trigger is due");
}

void schedule_free(struct schedule *s)
{
    free(s->due_ns);
    memset(s, 0, sizeof *s);
}
