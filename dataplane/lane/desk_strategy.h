// Strategies at the desk: which symbols they watch, and what they are told.
#pragma once

#include "dataplane/lane/desk.h"
#include "dataplane/strategy/host.h"

// A pause of the machine falls into a practice now and then. A late one weighs as much as so many
// in time take away again; at twice that the strategy is disabled: two in a row, or three close by.
enum { STRATEGY_LATE_WEIGHT = 64, STRATEGY_LATE_MOST = 2 * STRATEGY_LATE_WEIGHT };

// What a strategy's handle is inside: its slot and the desk that it trades at.
struct strategy_host {
    struct strategy_slot slot;
    struct desk *desk;
    uint32_t late_weight; // what the late ones weigh
};

// A symbol of a channel as the strategies last saw it.
struct desk_watch {
    uint64_t watchers; // bit of a strategy
    uint64_t changes;
    uint64_t volume;
    uint16_t instrument;
    uint8_t quality;
    bool resolved;     // <instrument> and <watchers> are known
    uint32_t position; // in it, of the first who watches: where it stands, or would be searched
};

struct desk_strategies {
    struct strategy_host hosts[STRATEGIES_MAX];
    uint32_t
        count;   // places of hosts[] that are looked at; those of other lanes' strategies are empty
    uint64_t on; // bit of a strategy that is enabled
    uint64_t ns_per_tick;                     // 32 bits behind the point
    uint64_t ticks_per_ns;                    // the same
    uint64_t timer_at;                        // the earliest, ticks
    struct desk_watch *watches[SESSIONS_MAX]; // per slot of the session's channel
    struct channel_touch touches[SESSIONS_MAX];
    uint8_t channel_quality[SESSIONS_MAX];
};

// Bytes for the symbols of one session's channel.
uint64_t desk_watch_bytes(uint32_t symbols);
// Once all sessions are added; <memory>: per session desk_watch_bytes() of its channel, zeroed.
// Null for a session without a channel.
void desk_strategies_init(struct desk *d, struct desk_strategies *s, uint64_t tsc_hz,
                          void *const memory[SESSIONS_MAX]);
// A loaded strategy. Strategies have one number in all lanes: the place that <host> has in
// s->hosts. <symbols>: instruments.
void desk_strategy_add(struct desk *d, struct strategy_host *host, uint16_t account,
                       const uint16_t *symbols, uint32_t count, uint64_t budget_ns);

// The books have changed: tells whoever watches. Called after each frame.
void desk_market(struct desk *d);
// The main lcore has filled a book anew: its symbols may stand elsewhere in it. Each place is
// looked up again where it is asked for.
void desk_book_back(struct desk *d, const struct channel *ch);
// A signal, which has been recorded: tells whoever is enabled and has its symbol.
void desk_strategies_signal(struct desk *d, const struct strategy_signal *told);
// The time that strategies see, ns.
uint64_t desk_strategies_now(const struct desk *d);
// Timers of strategies that are due; returns how many.
uint32_t desk_strategy_timers(struct desk *d, uint64_t now);
// A person switches a strategy.
void desk_strategy_switch(struct desk *d, uint32_t index, enum strategy_off off);
// Its practice took <ticks>, beyond its budget; the late ones weigh <weight> with it.
void desk_strategy_late(struct desk *d, uint32_t index, uint64_t ticks, uint32_t weight);
// It is on from the start. Set-up: the main lcore's core is shared, so what the call takes is not
// held against it.
void desk_strategy_first(struct desk *d, uint32_t index);
bool desk_strategy_parameters(struct desk *d, uint32_t index,
                              const struct strategy_parameters *parameters);
