#include "dataplane/control/limits_runs.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORD = sizeof(uint64_t),
    GAP_WORDS = sizeof(struct limits_run) / WORD, // that are the same: shorter than another run
    RUN_WORDS = LIMITS_RUN_MAX / WORD,
};

struct tables {
    const uint64_t *was, *now;
    uint64_t words;
    bool leased;
};

// Limits that the lane leases: the table that it has holds what it was granted, and that changes
// before it takes this one.
static bool is_leased(uint64_t at)
{
    const uint64_t from = offsetof(struct limit_table, firm) / WORD;
    const uint64_t to = offsetof(struct limit_table, strategies) / WORD;
    const uint64_t word = (at - from) % (sizeof(struct limit_row) / WORD);
    return at >= from && at < to &&
           (word == offsetof(struct limit_row, open_orders) / WORD ||
            word == offsetof(struct limit_row, open_notional) / WORD);
}

// The lane writes trading states meanwhile: if it does, it does not take the table.
static bool differs(const struct tables *t, uint64_t at)
{
    if (t->leased && is_leased(at))
        return true;
    return __atomic_load_n(&t->was[at], __ATOMIC_RELAXED) != t->now[at];
}

// The next run from <at> on: from *<from>, so many words; 0: there is none.
static uint64_t run_next(const struct tables *t, uint64_t at, uint64_t *from)
{
    while (at < t->words && !differs(t, at))
        at++;
    *from = at;
    uint64_t end = at;
    for (; at < t->words && at - *from < RUN_WORDS && at - end <= GAP_WORDS; at++)
        if (differs(t, at))
            end = at + 1;
    return end - *from;
}

static uint64_t bytes_wanted(const struct tables *t)
{
    uint64_t from = 0, words, bytes = 0;
    for (uint64_t at = 0; (words = run_next(t, at, &from)) != 0; at = from + words)
        bytes += sizeof(struct limits_run) + words * WORD;
    return bytes;
}

void limits_runs_make(struct limits_swap *s, const struct limit_table *was,
                      const struct limit_table *now, bool leased)
{
    const struct tables t = {(const uint64_t *)(const void *)was,
                             (const uint64_t *)(const void *)now, limit_table_bytes(now) / WORD,
                             leased};
    const uint64_t room = bytes_wanted(&t);
    uint64_t from = 0, words, len = 0;
    limits_runs_free(s);
    uint8_t *bytes = malloc(room + 1);
    // A state that has changed since asks for more room: then the table is made anew.
    for (uint64_t at = 0; bytes && (words = run_next(&t, at, &from)) != 0; at = from + words) {
        const struct limits_run run = {.len = (uint32_t)(words * WORD),
                                       .place = {.at = (uint32_t)(from * WORD)}};
        if (len + sizeof run + run.len > room)
            break;
        memcpy(bytes + len, &run, sizeof run);
        memcpy(bytes + len + sizeof run, t.now + from, run.len);
        len += sizeof run + run.len;
    }
    s->runs = bytes;
    s->runs_len = len;
}

void limits_runs_free(struct limits_swap *s)
{
    free((void *)(uintptr_t)s->runs);
    s->runs = NULL;
    s->runs_len = 0;
}

bool limits_run_apply(const struct capture_limits *place, const uint8_t *bytes, uint32_t len,
                      struct limit_table *t)
{
    const uint32_t symbols = t->symbol_count;
    if (place->at > limit_table_bytes(t) || len > limit_table_bytes(t) - place->at)
        return false;
    memcpy((uint8_t *)t + place->at, bytes, len);
    const bool same = t->symbol_count == symbols;
    t->symbol_count = symbols; // what the table has room for
    return same;
}
