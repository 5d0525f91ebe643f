// What a control of one lane has done to somebody who trades on others, too: the main lcore tells
// them. Nothing is lost: lanes set bits, and what a lane has no room for waits here.
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/log.h"
#include "dataplane/control/dataplane.h"
#include "dataplane/lane/desk_act.h"

struct dataplane_acts {
    uint64_t seen[LANES_MAX][ACTED_KINDS];             // <rung>
    struct kill_words waiting[LANES_MAX][ACTED_KINDS]; // to be told, by lane that is told
    bool waits[LANES_MAX];
};

static const struct act_kind {
    enum control_action action;
    const char *word;
} kinds[ACTED_KINDS] = {[ACTED_BLOCK] = {ACTION_BLOCK, "blocked"},
                        [ACTED_CANCEL] = {ACTION_CANCEL, "blocked and cancelled"}};

bool acts_start(struct dataplane *d, struct error *err)
{
    bool trades = false;
    for (uint32_t i = 0; i < LANES_MAX; i++)
        trades |= d->desks[i] != NULL;
    if (!trades)
        return true;
    d->acts = aligned_alloc(CACHE_LINE, cache_lines(sizeof *d->acts));
    if (d->acts == NULL)
        return error_set(err, EXIT_FAILED, "no memory for what controls do");
    memset(d->acts, 0, sizeof *d->acts);
    return true;
}

void acts_free(struct dataplane *d)
{
    free(d->acts);
    d->acts = NULL;
}

static uint32_t words_of(enum trade_scope scope)
{
    switch (scope) {
    case TRADE_ACCOUNT: return ACCOUNTS_MAX / 64;
    case TRADE_STRATEGY: return STRATEGIES_MAX / 64;
    case TRADE_SYMBOL: return INSTRUMENTS_MAX / 64;
    case TRADE_SESSION: return SESSIONS_MAX / 64 + 1;
    default: return 1;
    }
}

static void told(struct dataplane *d, uint32_t lane, uint32_t kind, enum trade_scope scope,
                 uint32_t index)
{
    if (d->count)
        d->count->controls_acted++;
    log_warn(LOG_CONTROL_ACTED,
             LOG_FIELDS(LOG_TEXT("lane", d->config->lanes[lane].name),
                        LOG_TEXT("scope", scope_name(scope)), LOG_NUMBER("row", index),
                        LOG_TEXT("action", kinds[kind].word)),
             "%s %u is %s by a control, until a person resumes: tickgate resume", scope_name(scope),
             index, kinds[kind].word);
}

// Strategies and sessions are one lane's.
static void bits_take(struct dataplane *d, uint32_t lane, uint32_t kind, enum trade_scope scope,
                      uint32_t word, uint64_t bits)
{
    const bool shared = scope != TRADE_STRATEGY && scope != TRADE_SESSION;
    for (uint64_t left = bits; left; left &= left - 1)
        told(d, lane, kind, scope, word * 64 + (uint32_t)__builtin_ctzll(left));
    for (uint32_t other = 0; shared && other < LANES_MAX; other++) {
        if (other == lane || d->desks[other] == NULL)
            continue;
        atomic_fetch_or_explicit(&kill_scope(&d->acts->waiting[other][kind], scope)[word], bits,
                                 memory_order_relaxed);
        d->acts->waits[other] = true;
    }
}

static uint32_t lane_take(struct dataplane *d, uint32_t lane, uint32_t kind)
{
    struct kill_words *k = &d->desks[lane]->desk.acted[kind];
    const uint64_t rung = atomic_load_explicit(&k->rung, memory_order_acquire);
    if (rung == d->acts->seen[lane][kind])
        return 0;
    d->acts->seen[lane][kind] = rung;
    for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++)
        for (uint32_t word = 0; word < words_of(scope); word++) {
            const uint64_t bits =
                atomic_exchange_explicit(&kill_scope(k, scope)[word], 0, memory_order_acquire);
            if (bits)
                bits_take(d, lane, kind, scope, word, bits);
        }
    return 1;
}

// As many as its ring takes.
static void lane_tell(struct dataplane *d, uint32_t lane)
{
    for (uint32_t kind = 0; kind < ACTED_KINDS; kind++)
        for (enum trade_scope scope = TRADE_FIRM; scope < TRADE_SCOPES; scope++)
            for (uint32_t word = 0; word < words_of(scope); word++) {
                _Atomic uint64_t *bits = &kill_scope(&d->acts->waiting[lane][kind], scope)[word];
                while (*bits) {
                    const uint32_t bit = (uint32_t)__builtin_ctzll(*bits);
                    const struct lane_answer answer = {
                        .kind = ANSWER_ACT,
                        .sequence = act_word(kinds[kind].action, scope, word * 64 + bit)};
                    if (!spsc_push(&d->lanes[lane]->answers, &answer))
                        return;
                    *bits &= *bits - 1;
                }
            }
    d->acts->waits[lane] = false;
}

uint32_t acts_turn(struct dataplane *d)
{
    uint32_t work = 0;
    uint64_t noted = 0;
    if (d->acts == NULL)
        return 0;
    for (uint32_t lane = 0; lane < LANES_MAX; lane++) {
        if (d->desks[lane] == NULL)
            continue;
        for (uint32_t kind = 0; kind < ACTED_KINDS; kind++)
            work += lane_take(d, lane, kind);
        noted += __atomic_load_n(&d->desks[lane]->desk.risk.noted, __ATOMIC_RELAXED);
    }
    for (uint32_t lane = 0; lane < LANES_MAX; lane++)
        if (d->acts->waits[lane])
            lane_tell(d, lane);
    if (d->count)
        d->count->checks_noted = noted;
    return work;
}
