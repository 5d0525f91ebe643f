// A gate with wide open limits that a test then narrows.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/check.h"
#include "dataplane/risk/risk.h"

enum { RIG_SYMBOLS = 8, RIG_POSITIONS = 64, RIG_ACCOUNTS = 5, RIG_PRIORS = 16 };

static const struct risk_config risk_rig_config = {
    .symbols = RIG_SYMBOLS,
    .positions = RIG_POSITIONS,
    .strategies = 0xff,
    .accounts = RIG_ACCOUNTS,
    .priors = RIG_PRIORS,
};

struct risk_rig {
    struct risk risk;
    struct kill_words kills[KILL_ASKERS];
    struct limit_table *table;
    void *memory;
};

static inline void risk_rig_open(struct risk_rig *rig)
{
    memset(rig, 0, sizeof *rig);
    uint64_t table = sizeof *rig->table + RIG_SYMBOLS * sizeof(struct limit_row);
    uint64_t bytes = risk_bytes(&risk_rig_config);
    rig->table = aligned_alloc(CACHE_LINE, table);
    rig->memory = aligned_alloc(CACHE_LINE, bytes);
    MUST(rig->table && rig->memory);
    memset(rig->table, 0, table);
    memset(rig->memory, 0, bytes);
    rig->table->version = 7;
    rig->table->symbol_count = RIG_SYMBOLS;
    limit_row_open(&rig->table->firm);
    for (uint32_t i = 0; i < ACCOUNTS_MAX; i++)
        limit_row_open(&rig->table->accounts[i]);
    for (uint32_t i = 0; i < STRATEGIES_MAX; i++)
        limit_row_open(&rig->table->strategies[i]);
    for (uint32_t i = 0; i < SESSIONS_MAX; i++)
        limit_row_open(&rig->table->sessions[i]);
    for (uint32_t i = 0; i < RIG_SYMBOLS; i++)
        limit_symbol_open(&rig->table->symbols[i]);
    risk_init(&rig->risk, &risk_rig_config, rig->table, rig->kills, rig->memory);
}

static inline void risk_rig_close(struct risk_rig *rig)
{
    free(rig->table);
    free(rig->memory);
}
