// Everything the dataplane process owns, built from the configuration by stages and taken down in
// reverse.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/abi/region.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/memory.h"
#include "dataplane/config/config.h"
#include "dataplane/control/clock_watch.h"
#include "dataplane/control/day.h"
#include "dataplane/control/recovery.h"
#include "dataplane/control/snapshot.h"
#include "dataplane/lane/desk_route.h"
#include "dataplane/lane/desk_signal.h"
#include "dataplane/lane/desk_strategy.h"
#include "dataplane/lane/lane.h"
#include "dataplane/port/eal.h"
#include "dataplane/port/slow.h"

struct dataplane_channel {
    struct channel channel;
    struct recovery recovery;
    struct snapshot snapshot;
    uint64_t filter[LOCATES / 64]; // bitmap of the last FILTER_SET
    uint32_t filters_sent;         // to the lane; channel_filters_done says which it has taken in
    void *memory;
    uint64_t bytes;
};

// The trading half of a lane. One block of memory holds everything.
struct dataplane_desk {
    struct desk desk;
    struct desk_strategies strategies;
    struct desk_routes routes;
    struct desk_signals signals;
    struct limit_table *limits;       // in force; main lcore's view
    struct limit_table *limits_spare; // the next one is made here
    void *memory;
    uint64_t bytes;
};

struct dataplane_gateway;
struct dataplane_leases;
struct dataplane_limits;
struct dataplane_restore;
struct limit_warnings;
struct limits_source;
struct door;

struct dataplane_session {
    struct session session;
    struct tcp_link link;
    bool neighbour_known; // as the lane was told
    uint8_t neighbour[6];
    uint8_t halted; // enum session_halt, as the log was told
};

// What the main lcore knows of a lane's turns.
struct lane_watch {
    uint64_t polls;     // as last seen
    uint64_t silent_ns; // while somebody looked, without another turn
    uint32_t reset;     // a bit for each session whose reset has left
    uint32_t repeats;   // of those, still to be sent
    bool hung;
    bool limits_wait; // a change of limits waits for it, which was told
};

// What the main lcore knows of the control plane.
struct control_watch {
    uint64_t beat;      // as last seen
    uint64_t silent_ns; // while somebody looked, without another one
    bool lost;
};

// Of instances before, whose last events are in no journal.
struct region_lost {
    uint64_t events;
    uint32_t regions;
    bool uncounted; // one more is of a build whose events nobody here can count
};

struct dataplane {
    const struct config *config;
    const volatile int *stop; // set by a signal; null: nobody asks a start to end
    struct region_lost lost;
    struct day day;
    struct memory_region region;
    struct region_view view;
    struct memory_bill bill;
    struct clock_calibration clock;
    struct port ports[PORTS_MAX];
    struct port_facts facts[PORTS_MAX];
    struct slow_port slow[PORTS_MAX];
    uint32_t ports_open;
    struct lane *lanes[LANES_MAX];
    void *rings[LANES_MAX];
    struct tape *tapes[LANES_MAX]; // null: nothing is captured
    struct dataplane_channel *channels[CHANNELS_MAX];
    struct dataplane_desk *desks[LANES_MAX];          // null: the lane does not trade
    struct dataplane_session *sessions[SESSIONS_MAX]; // in the memory of their lane's desk
    char (*instruments)[8]; // every symbol that has limits, in the order of the configuration
    uint32_t instrument_count;
    struct lane_watch watches[LANES_MAX];
    uint64_t watched_at_ns;
    struct control_watch control;
    struct clock_watch clock_watch;
    struct dataplane_limits *limits;               // limits_live.h; null: nothing trades
    struct limit_warnings *warnings;               // limits_warn.h; null: nothing trades
    struct dataplane_restore *restore;             // null: starts from the venues
    struct dataplane_acts *acts;                   // trade_act.c; null: nothing trades
    struct dataplane_leases *leases;               // null: no two lanes trade
    void *self_trade;                              // trade_self.c; null: no policy
    struct dataplane_gateway *gateways[LANES_MAX]; // null: the lane has no clients
    struct door *door;                             // null: nobody has
    char (*venues)[SESSIONS_MAX][NAME_LEN];        // per lane, names for its clients
    struct event_writer events;                    // the main lcore's own
    struct main_counters *count;
    uint64_t bell_seen;
    uint64_t signals_at_ns;    // when UTC is looked at next, for signals
    uint64_t signals_moved_ns; // as the lanes were told
    uint64_t setup;            // of a replay: stamp of what is done before the lanes run; 0: now
    bool eal_started;
    bool lanes_running;
};

// For a replay: lanes, channels and desks as they were at the start, on <d>'s ports, which the
// caller has filled in, and in ordinary memory that nobody else sees. <setup>: stamp of what
// happens in it. Nothing is taken down again: the process ends.
bool dataplane_rebuild(struct dataplane *d, const struct config *config,
                       const struct clock_calibration *clock, uint64_t setup, struct error *err);
// What the configuration will take, on standard output. False: more than its limit.
bool dataplane_bill(struct dataplane *d, const struct config *config, struct error *err);
// Stages up to READY. On false everything that was started is taken down again.
// <stop>: set by a signal, ends the waits of a start.
bool dataplane_start(struct dataplane *d, const struct config *config, const volatile int *stop,
                     struct error *err);
// The main lcore's loop: until <stop> is set by a signal.
void dataplane_loop(struct dataplane *d, const volatile int *stop);
// Reverse order: orders and sessions, lanes, groups, ports, region.
void dataplane_stop(struct dataplane *d);

// The cores of the configuration, until the process ends; false where another dataplane has one
// (start_cores.c).
bool cores_take(const struct config *config, struct error *err);

// --- addresses and groups of the ports (start_slow.c)

// When the channels and the lanes are there; groups are joined from now on.
void slow_start(struct dataplane *d);

// --- trading (start_trade.c), null-safe where the configuration has none

void trade_bill(struct dataplane *d);
// After ports and channels: limits, desks, sessions, strategies. Nothing runs yet.
bool trade_make(struct dataplane *d, struct error *err);
// What other processes and lanes have to do with, once desks are as they are to be.
bool trade_start(struct dataplane *d, struct error *err);
// Next hops of the sessions: asks for them, and tells the lanes. Once a turn of the main lcore.
uint32_t trade_turn(struct dataplane *d, uint64_t now_ns);
// While the lanes still run: no new orders, cancels (up to <wait_ms>), logouts (up to a second).
void trade_stop(struct dataplane *d, uint32_t wait_ms);
void trade_free(struct dataplane *d);
// What the region shows of it (trade_view.c): room for it; who trades, before the region is
// published; and counts, ten times a second.
void trade_shape(const struct config *config, struct region_shape *shape);
void trade_describe(const struct dataplane *d);
void trade_sample(const struct dataplane *d);

// --- self-trade prevention (trade_self.c): of all desks, when they are made
bool self_start(struct dataplane *d, struct error *err);
void self_free(struct dataplane *d);

// --- limits that lanes share (trade_lease.c), null-safe where there are none

// Once all desks are there: the first grants are on their way.
bool leases_start(struct dataplane *d, struct error *err);
uint32_t leases_turn(struct dataplane *d);
// Limits change: before the lanes get them, what becomes lower; and all of it once they have taken
// in what was set.
// What controls of one lane have done, told to the others. When desks are there.
bool acts_start(struct dataplane *d, struct error *err);
uint32_t acts_turn(struct dataplane *d);
void acts_free(struct dataplane *d);
void leases_lower(struct dataplane *d, const struct limits_source *next);
void leases_set(struct dataplane *d, const struct limits_source *now);
// Every lane knows what it owes of a limit that is lower now.
bool leases_settled(const struct dataplane *d);
// After the lanes have stopped.
void leases_free(struct dataplane *d);

// --- state from the journal (restore.c), null-safe where the configuration wants none

// The start goes on from the journal of its day.
bool restore_wanted(const struct config *config);
// Once all is described in the region, which is published if it is wanted: waits for the control
// plane, and works in what it says. False: the journal or it refuses, nothing may start.
bool restore_take(struct dataplane *d, struct error *err);
// The same for a replay: the events come <from> a file, with what RESTORED said of them at their
// end, and everything is done at <stamp>. False: it does not come out as it was.
bool restore_again(struct dataplane *d, FILE *from, uint64_t stamp, struct error *err);
// What has come out of comparing it with the exchanges. Once a turn of the main lcore.
void restore_turn(struct dataplane *d, uint64_t now_ns);
void restore_free(struct dataplane *d);

// --- sources of signals (start_signals.c), null-safe where the configuration has none

uint64_t signals_bytes(const struct config *config, uint32_t lane, uint32_t symbols);
// Before the lane's strategies, which may know their names.
void signals_make(struct dataplane *d, uint32_t lane, void *memory);
void signals_describe(const struct dataplane *d);
void signals_sample(const struct dataplane *d);
void signals_turn(struct dataplane *d, uint64_t now_ns);
// What a port has to receive for them, and the groups that it joins.
void signals_port_add(const struct config *config, uint32_t port, struct port_config *pc);
void signals_groups_add(const struct config *config, uint32_t port, struct slow_port *slow,
                        uint64_t now_ns);

// --- clients (start_gateway.c), null-safe where the configuration has none

void gateway_bill(struct dataplane *d, uint32_t lane, uint32_t symbols);
// Number of a client in the scopes of strategies.
uint32_t gateway_strategy(const struct config *config, uint32_t client);
// Bits of the numbers of a lane's strategies and clients.
uint64_t lane_strategies(const struct config *config, uint32_t lane);
// Limits have changed: what is shown of the clients' own, and told to those that attach.
void clients_limits_show(const struct dataplane *d);
// Once the desk of the lane has its strategies.
bool gateway_start(struct dataplane *d, uint32_t lane, struct error *err);
// Once all desks are there: from here on clients may knock.
bool gateway_open(struct dataplane *d, struct error *err);
uint32_t gateway_turn(struct dataplane *d, uint64_t now_ns);
// After the lanes have stopped.
void gateway_stop(struct dataplane *d);

// --- a start that waits for the control plane (start_wait.c)

// What can be seen of it.
struct control_seen {
    bool attached;
    uint32_t journal; // enum record_state, as it, or the one before, said last
};

enum { CONTROL_CAUSE_LEN = 256 };

// True, with <err>: a signal has asked for the end.
bool start_stopped(const struct dataplane *d, const char *waited_for, struct error *err);
struct control_seen control_plane_look(int fd, const struct region_view *view);
// Why it does not go on, and the remedy: <text>, of CONTROL_CAUSE_LEN.
const char *control_plane_cause(const struct config *config, struct control_seen seen, char *text,
                                size_t len);

// --- events of an instance that has ended (region_left.c)

// Until the journal has what a region of our name holds. False: it did not come, and the start
// needs it, or a signal.
bool region_left_wait(struct dataplane *d, struct error *err);
// What was lost, once there are events.
void region_lost_tell(struct dataplane *d);
// Lanes run: this instance says it, no other has to.
void region_lost_said(const struct dataplane *d);
// Lanes have ended: where events wait for the journal the region's file is not removed.
void region_leave(struct dataplane *d);

// --- captures (start_tape.c), null-safe where the configuration has none

// Once the lanes have their ports, before sessions are given theirs.
bool tapes_start(struct dataplane *d, struct error *err);
// Once they have their desks.
bool tapes_desks(const struct dataplane *d, struct error *err);
void tapes_free(struct dataplane *d);

// --- queues (queues.c)

// A line or a session of the lane is on the port.
bool lane_uses_port(const struct config *config, uint32_t lane, uint32_t port);
// Queue of <port> that belongs to <lane>.
uint16_t queue_of_lane(const struct config *config, uint32_t port, uint32_t lane);
// Sends a frame (<flags>: enum frame_flag) through the main lcore's own queue. False: the port has
// none, or no room.
bool main_queue_send(struct port *port, const uint8_t *bytes, uint32_t len, uint16_t flags);
// The same through the queue of a lane that stands still. False: it stands inside the port, or
// there is no room.
bool lane_queue_send(struct port *port, uint16_t queue, const uint8_t *bytes, uint32_t len,
                     uint16_t flags);

// --- a control plane that dies (control_watch.c)

// Looks whether it still gives signs of life, <since_ns> after the last look. Once it has given
// none for trading.control_loss_ms every lane is killed, until a person resumes.
void control_watch(struct dataplane *d, uint64_t since_ns);

// --- lanes that hang (lane_watch.c)

// Looks whether every lane has come round, every so often; the last looks decide, not the clock
// alone, so that a machine that stood still as a whole accuses nobody.
void lanes_watch(struct dataplane *d, uint64_t now_ns);
// A lane that does not end hangs from now on; what was not reset before is tried once more.
// A change of limits waits for <lanes> (bits): told of those that hang, once.
void lanes_hold_limits(struct dataplane *d, uint64_t lanes);
void lane_given_up(struct dataplane *d, uint32_t lane, uint64_t silent_ns);

// Lanes are to end (lane_end.c). False: one of them hangs; its sessions are reset, and nothing that
// it may use can be taken down any more.
bool lanes_end(struct dataplane *d);
