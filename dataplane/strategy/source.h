// Sources of signals: what may be taken of each, and which of a role is heard.
//
// One policy whatever way a signal comes: its number and its time go forwards, it is not from the
// future and not too old, it keeps the source's rate, it is sure enough. What breaks that is
// refused and counted; faults open the source's circuit breaker. Sources of one role stand in for
// each other, in the order of the configuration: the first that is good is heard.
//
//   waiting ─► good ◄─► silent          a signal that is taken, or none for too long
//      ▲        │         │
//      └─ open ◄┴─────────┘             so many faults in so long; closed again after a while, or
//        stopped                        by a person alone
//
// Times are ticks of the lane's clock, as-of and its bounds nanoseconds of UTC. No state but its
// own: the same signals at the same times are judged the same. Hot path, but for the set-up.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/counters.h"
#include "dataplane/abi/signal.h"

enum { SIGNAL_CONFIDENCE_MAX = 10000 };

// What is asked of one source. Ticks of UINT64_MAX: never.
struct signal_policy {
    uint64_t rate_ticks;   // between two signals in the long run
    uint64_t burst_ticks;  // how far ahead of that it may be
    uint64_t faults_ticks; // faults count so long, from the first of them
    uint64_t rest_ticks;   // until an open breaker closes; UINT64_MAX: a person closes it
    uint64_t silence_ticks;
    uint64_t second_ticks;
    uint64_t ahead_ns;   // so much later than now its as-of may be: clocks differ
    uint32_t faults;     // that open the breaker; 0: none do
    uint16_t confidence; // least
};

struct signal_source {
    struct signal_policy policy;
    uint8_t state;  // enum signal_state
    bool own;       // of this lane
    bool known;     // it has sent something: run, number and as_of_ns count
    uint16_t first; // source of its role that goes before all others
    uint64_t run;
    uint64_t number; // last one that came, whatever became of it
    uint64_t as_of_ns;
    uint64_t rate_at;  // when the next one would be on time (virtual scheduling)
    uint64_t heard_at; // last one that was taken
    uint64_t faults_from;
    uint64_t closes_at; // of an open breaker
    uint64_t second_from;
    uint64_t second_count;
    uint32_t fault_count;
    uint8_t fault; // the last one, enum signal_verdict
    struct signal_counters count;
};

// What every way in knows of a signal.
struct signal_facts {
    uint64_t run; // of the sender: a larger one numbers anew
    uint64_t number;
    uint64_t as_of_ns;
    uint64_t ttl_ms; // 0: always good
    uint16_t confidence;
    bool sound;  // its format is
    bool symbol; // it is traded here
};

struct signal_table {
    struct signal_source sources[SIGNALS_MAX];
    uint16_t heard[SIGNALS_MAX]; // of a role, by its first source; SIGNAL_NOBODY: none is good
    uint32_t count;              // sources of other lanes are empty places
    uint64_t deadline;           // ticks: signals_due has something to do
};

// May it be taken? SIGNAL_TAKEN: signal_keep follows, once it has its record. The state may be
// another one when it returns.
enum signal_verdict signal_judge(struct signal_table *t, uint32_t source,
                                 const struct signal_facts *facts, uint64_t now, uint64_t utc_ns);
// It is taken: the source is good. True: strategies hear it, else it stands by.
bool signal_keep(struct signal_table *t, uint32_t source, uint64_t now);
// Refused by what is no part of the policy, or without being judged at all.
void signal_refused(struct signal_table *t, uint32_t source, enum signal_verdict verdict,
                    uint64_t now);

// Silences and breakers that close. Returns how many states have changed; each call takes all.
uint32_t signals_due(struct signal_table *t, uint64_t now);
// Which source of the role of <first> is to be heard now, SIGNAL_NOBODY: none. It is, from here on.
uint16_t signal_choose(struct signal_table *t, uint16_t first);

// A person. False: it is so already.
bool signal_stop(struct signal_table *t, uint32_t source);
bool signal_resume(struct signal_table *t, uint32_t source);

// --- set-up

void signals_init(struct signal_table *t, uint32_t count);
// <first>: of its role, or itself.
void signal_add(struct signal_table *t, uint32_t source, uint16_t first,
                const struct signal_policy *policy);
