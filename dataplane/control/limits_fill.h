// The table of limits: from the configuration, the files of the day, and what persons have set
// since.
#pragma once

#include "dataplane/config/config.h"
#include "dataplane/control/day.h"
#include "dataplane/risk/limits.h"

// What is configured, one row for each of a scope: a row of the file may name many symbols, a
// person sets one.
struct limits_source {
    uint32_t account_count;
    uint32_t session_count;
    uint32_t symbol_count;
    uint32_t lanes;                  // that trade
    uint64_t strategies_used;        // bits
    uint32_t venues[STRATEGIES_MAX]; // bits: the sessions of the strategy's lane
    uint32_t price_period_ms;
    struct config_actions actions;
    struct config_limits firm;
    struct config_limits accounts[ACCOUNTS_MAX];
    struct config_limits strategies[STRATEGIES_MAX]; // clients of the gateway behind them
    struct config_limits broker; // for the firm; of sessions and symbols it stands in their rows
    struct config_limits broker_accounts[ACCOUNTS_MAX];
    struct config_limits broker_strategies[STRATEGIES_MAX];
    struct config_session sessions[SESSIONS_MAX];
    struct config_symbol_row symbols[]; // their names are not here
};

// On the heap; null: no memory.
struct limits_source *limits_source_new(const struct config *config, const struct day *day);

uint64_t limits_source_bytes(const struct limits_source *source);

// Where a section of the limits of a scope stands: struct config_limits, config_symbol_row or
// config_session. Null: the scope has none, or there is no such index.
void *limits_base(struct limits_source *source, enum trade_scope scope, uint32_t index,
                  enum limit_section section);

// The same of either owner; null, too: the owner has no such section.
void *limits_owned(struct limits_source *source, enum limit_owned owner, enum trade_scope scope,
                   uint32_t index, enum limit_section section);
// What both owners leave of limits: the lower of each two. Returns bits of enum limit_control:
// those of which it is the broker's.
uint32_t limits_bind(const struct config_limits *firm, const struct config_limits *broker,
                     struct config_limits *both);
// What holds where a control of <base> has <value>: auction_quantity that is not limited is
// quantity.
uint64_t limits_held(unsigned control, uint64_t value, const void *base);
// What holds of both owners (LIMIT_NOTHING: this one has none), and whose of them binds. False:
// there is no such scope, or it does not have this control.
bool limits_both(struct limits_source *source, enum trade_scope scope, uint32_t index,
                 unsigned control, uint64_t limit[LIMIT_OWNERS], enum limit_owned *binds);

// Before the lanes run: a limit that a person had set. False: there is no such limit, or <source>
// is null.
bool limits_restore(struct limits_source *source, const struct event_limit_changed *set);

// As in the file: orders of a strategy leave by the sessions of its lane alone.
bool limits_venues_good(struct limits_source *source, enum trade_scope scope, uint32_t index,
                        struct limit_fault *fault);

// All owners' limits leave room for the smallest order of any symbol: of those of <least>, or of
// those that hold. A fault says whose do not.
bool limits_least_fits(struct limits_source *source, const struct config_least *least,
                       struct limit_fault *fault);
bool limits_least_good(struct limits_source *source, struct limit_fault *fault);
// The same, and each symbol's own limits leave room for its smallest order.
bool limits_room_good(struct limits_source *source, struct limit_fault *fault);
// Every check has an action that it may have beside the broker's limits.
bool limits_actions_good(const struct limits_source *source, struct limit_fault *fault);

// <lanes>: how many trade. Open orders and open notional of the firm and of accounts are whole:
// lanes lease them (desk_lease.h). Of all other sums of firm, accounts and symbols each lane has an
// equal part, rounded down. <t>: zeroed, with a row for every symbol.
void limits_fill(const struct limits_source *source, uint32_t lanes, uint64_t ticks_hz,
                 struct limit_table *t);
