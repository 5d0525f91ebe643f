// The configuration: one YAML file, checked against one table of options (options.def), into plain
// arrays.
//
// Every error names file, line and key and says what would be right; unknown and repeated keys are
// errors. Nothing is read from anywhere else but the file.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/abi/limit_control.h"
#include "dataplane/abi/limits.h"
#include "dataplane/base/error.h"

enum {
    PATH_LEN = 128,
    DEVICE_LEN = 192,
    SERVERS_MAX = 4,
    FILTER_SYMBOLS_MAX = 4096,
    SYMBOL_ROWS_MAX = 256,
    STRATEGY_SYMBOLS = 64,
    CONTROL_LOSS_MS_MIN = 1000, // the control plane gives ten signs of life in it
    STRATEGY_NUMBERS = 16,
};

#define CONFIG_NONE         UINT32_MAX                // a reference to nothing
#define CONFIG_NOTIONAL_MAX ((uint64_t)INT64_MAX / 2) // none: what a limit may be at most
#define CONFIG_POSITION_MAX ((uint64_t)1 << 40)
#define CONFIG_BAND_MAX     100000u // none: hundredths of a percent
#define CONFIG_BAND16_MAX   65535u  // the same where the gate has 16 bits for it
#define CONFIG_VOLUME_NONE  10000u  // none

// Names padded with blanks; null: every symbol. Owned by the configuration.
struct config_symbols {
    char (*names)[8];
    uint32_t count;
};

struct config_numbers {
    int64_t values[STRATEGY_NUMBERS];
    uint32_t count;
};

struct config_endpoint {
    uint32_t ip; // host order
    uint16_t port;
};

struct config_node {
    char name[64];
    char region[NAME_LEN]; // name of the region file
    char control_socket[PATH_LEN];
    uint64_t page_size;    // bytes: 2 MiB or 1 GiB
    uint64_t memory_limit; // bytes that the bill may reach
    uint32_t main_core;
    bool huge_pages;    // false: ordinary memory, for machines without any reserved
    bool remote_memory; // true: a port or memory on another NUMA node is a warning, not an error
    uint32_t trading_slots; // event ring of each lane
    uint32_t diagnostic_slots;
};

struct config_capture {
    uint64_t ring_size;       // of each lane; 0: nothing is captured
    char directory[PATH_LEN]; // "": /var/lib/tickgate/REGION.capture
    uint64_t file_size;
    uint64_t keep_size; // 0: everything
};

enum config_durability { CONFIG_DURABLE_DISK, CONFIG_DURABLE_MEMORY };
enum config_session_durability { CONFIG_SESSION_ASYNC, CONFIG_SESSION_DURABLE };
enum config_record { CONFIG_RECORD_WANTED, CONFIG_RECORD_NEEDED };
enum config_trade_start { CONFIG_TRADE_VENUE, CONFIG_TRADE_JOURNAL };
enum config_engine { CONFIG_ENGINE_AUTO, CONFIG_ENGINE_URING, CONFIG_ENGINE_THREAD };

struct config_journal {
    bool enabled;
    char directory[PATH_LEN]; // "": /var/lib/tickgate/REGION
    uint64_t segment_size;
    uint64_t keep_size; // 0: everything
    uint32_t keep_days; // 0: always
    uint32_t commit_us;
    uint64_t commit_size;
    enum config_durability durability;
    enum config_engine engine;
    uint32_t stall_ms;
    bool verify_before_ready;
};

struct config_port {
    char name[NAME_LEN];
    char device[DEVICE_LEN]; // PCI address (0000:3b:00.0) or vdev (net_memif0,role=client,...)
    uint8_t mac[6];          // all zero: the device's own
    uint32_t ip;             // host order, 0: none
    uint32_t prefix_len;
    uint32_t gateway;
    uint32_t vlan; // 0: untagged
    uint32_t rx_descriptors;
    uint32_t tx_descriptors;
    uint32_t mbufs;        // 0: worked out from descriptors and held frames
    uint32_t igmp_version; // 2 or 3
    bool promiscuous;
    bool verify_checksums; // by the lane, where the card does not
    bool flow_rules;       // steer groups by the card, where it can
    bool card_checksums;   // of TCP that is sent, where the card can
};

enum config_idle { CONFIG_IDLE_POLL, CONFIG_IDLE_PAUSE, CONFIG_IDLE_YIELD, CONFIG_IDLE_SLEEP };

struct config_lane {
    char name[NAME_LEN];
    uint32_t core;
    enum config_idle idle;
    uint32_t practice_us;
    uint32_t hung_ms; // 0: nobody looks
};

struct config_line {
    char name[NAME_LEN];
    uint32_t port;  // index
    uint32_t group; // multicast group or own address, host order
    uint16_t udp_port;
    uint32_t source; // 0: any
};

enum config_start { CONFIG_START_FIRST, CONFIG_START_SNAPSHOT, CONFIG_START_LIVE };

enum config_via { CONFIG_VIA_KERNEL, CONFIG_VIA_PORT };

struct config_recovery {
    struct config_endpoint servers[SERVERS_MAX];
    uint32_t server_count;
    enum config_via via; // kernel sockets, or the first line's port
    uint32_t retry_ms;
    uint32_t retries;      // per server, then the next
    uint32_t rate_per_s;   // request datagrams
    uint32_t messages_max; // wanted in one request datagram
};

struct config_snapshot {
    struct config_endpoint server; // ip 0: none
    char username[7];
    char password[11];
    uint32_t timeout_ms;
};

struct config_channel {
    char name[NAME_LEN];
    char protocol[16];
    uint32_t lane; // index
    uint32_t symbols;
    uint32_t orders;
    uint32_t levels;  // 0: as many as orders
    uint32_t matches; // executions remembered for broken trades, power of two
    uint32_t reorder_frames;
    uint32_t reorder_us;
    uint32_t hold_frames;
    uint64_t request_messages_max; // a larger gap is left to the snapshot
    uint32_t line_stale_ms;        // 0: never
    enum config_start start;
    struct config_line lines[LINES_MAX];
    uint32_t line_count;
    struct config_recovery recovery;
    struct config_snapshot snapshot;
    struct config_symbols filter;
};

// --- trading ---

// What may be reached, for one firm, account, strategy, session or symbol. Money is price4 x
// shares; what is not limited has its type's or its limit's largest value.
struct config_limits {
    uint32_t quantity;
    uint32_t auction_quantity; // not limited: <quantity> counts
    uint32_t open_orders;
    uint64_t notional;
    uint64_t open_notional;
    uint64_t position;
    uint64_t gross;
    uint64_t day_value;
    uint64_t credit;
    uint64_t loss;
    uint64_t drawdown;
    uint32_t day_orders;
    uint32_t order_ratio;
    uint32_t order_ratio_ms;
    uint32_t duplicates;
    uint32_t duplicate_ms;
    uint32_t repeats;
    uint32_t instruments;
    uint32_t forbid;       // bits of enum order_permission
    uint32_t market;       // enum market_policy
    uint32_t venues;       // bits of sessions; 0: all
    uint32_t state;        // enum trading_state
    uint32_t self_trade;   // enum self_trade
    uint32_t warn_percent; // of each sum; CONFIG_WARN_NONE: the firm's counts, or nobody is warned
};
#define CONFIG_WARN_NONE 100u

// What each check of the gate does, in their order: place in "notify refuse block cancel disable"
// (action_of).
struct config_actions {
#define REFUSAL(number, upper, help)
#define CHECK(number, upper, unit, word, help) uint32_t upper;
#include "dataplane/abi/refusals.def"
};

struct config_trading {
    uint32_t orders; // 0: the section is not there
    uint32_t executions;
    uint32_t positions;
    uint32_t routes;
    uint32_t silence_ms;
    uint32_t event_credit;
    uint32_t journal;         // enum config_record
    uint32_t control_loss_ms; // 0: trading goes on
    uint32_t start;           // enum config_trade_start
    uint32_t restore_ms;
    uint32_t price_period_ms;
    uint32_t clock_error_us;     // 0: the clock is not looked at
    struct config_limits limits; // of the firm
    struct config_limits broker; // of the second owner, as beside all that follow
    struct config_actions actions;
};

struct config_account {
    char name[NAME_LEN];
    struct config_limits limits;
    struct config_limits broker;
};

struct config_symbol_row {
    struct config_symbols names;
    uint32_t price_low; // price4
    uint32_t price_high;
    uint32_t tick; // price4
    uint32_t lot;
    uint64_t average_volume; // CONFIG_POSITION_MAX: not known
    uint32_t volume_percent; // hundredths of a percent, as all bands; CONFIG_VOLUME_NONE
    uint32_t spread;         // 100000: none, as touch and last
    uint32_t touch;
    uint32_t touch_least; // price4
    uint32_t last;
    uint32_t last_least;
    uint32_t period; // CONFIG_BAND16_MAX: none
    uint32_t period_least;
    uint32_t previous_close;
    uint32_t no_reference; // 0 refuse, 1 the collar decides
    uint32_t locates;      // UINT32_MAX: none
    uint32_t restricted;   // enum restriction
    bool short_marking;
    bool rule_201;
    bool band_needed;
    bool band_estimate;
    uint32_t phases;     // bits of enum trading_phase; 0: all
    uint32_t rate_per_s; // UINT32_MAX: any
    uint32_t burst;
    uint32_t quality; // enum quality
    struct config_limits limits;
    struct config_limits broker;
};

struct config_session {
    char name[NAME_LEN];
    char protocol[8];
    struct config_endpoint server;
    uint32_t port;    // index
    uint32_t lane;    // index
    uint32_t channel; // index, or CONFIG_NONE
    uint32_t account; // index: orders of earlier runs
    char username[7];
    char password[11];
    char session[11];
    uint32_t sequence;
    char firm[5];
    char capacity[2];
    char customer[5]; // letter, or none
    uint32_t group;   // 0: not said
    char route[5];    // empty: not said
    bool trade_now;
    char token_prefix[7];
    uint32_t drop_copy; // index, or CONFIG_NONE
    uint32_t heartbeat_ms;
    uint32_t silence_ms;
    uint32_t login_ms;
    uint32_t retry_ms;
    uint32_t retry_max_ms;
    uint32_t timeout_ms; // 0: not said
    uint32_t references;
    uint32_t rate_per_s; // UINT32_MAX: any
    uint32_t burst;
    uint32_t cancel_rate_per_s;
    uint32_t cancel_burst;
    uint32_t cancel_pace; // 0: pass, 1: wait
    bool mass_cancel;
    enum config_session_durability durability;
    uint32_t park_orders;
    uint32_t park_us;
    bool cancel_on_stop;
    bool cancel_on_disconnect;
    bool cancel_on_feed_loss;
    struct config_numbers fees; // none, or two: taking, resting
    uint32_t latency_ns;
    uint32_t mtu;
    uint32_t rto_min_us;
    uint32_t user_timeout_ms;
    uint32_t keepalive_ms;
    struct config_limits limits;
    struct config_limits broker;
};

struct config_strategy {
    char name[NAME_LEN];
    uint32_t lane; // index
    char file[PATH_LEN];
    uint32_t account; // index
    struct config_symbols symbols;
    struct config_numbers parameters;
    uint32_t budget_us;
    bool enabled;
    struct config_limits limits;
    struct config_limits broker;
};

// The gateway: where local processes attach.
struct config_gateway {
    char socket[PATH_LEN]; // empty: the section is not there
    uint32_t requests;     // slots of each client's rings
    uint32_t answers;
};

struct config_client {
    char name[NAME_LEN];
    uint32_t user;    // number
    uint32_t lane;    // index
    uint32_t account; // index
    uint32_t rate_per_s;
    uint32_t burst;
    uint32_t heartbeat_ms; // 0: only its socket says that it lives
    struct config_limits limits;
    struct config_limits broker;
};

// A source of signals: a client of the gateway, or datagrams of one sender.
struct config_signal {
    char name[NAME_LEN];
    char role[NAME_LEN]; // empty: nobody stands in for it
    uint32_t lane;       // index
    uint32_t client;     // index, or CONFIG_NONE
    uint32_t port;       // index, or CONFIG_NONE
    uint32_t group;      // as of a line
    uint16_t udp_port;
    uint32_t sender;
    uint16_t sender_port; // 0: any
    uint32_t number;
    uint32_t rate_per_s;
    uint32_t burst;
    uint32_t confidence;
    uint32_t faults; // 0: none open the breaker
    uint32_t faults_ms;
    uint32_t rest_ms;    // 0: until a person resumes it
    uint32_t silence_ms; // 0: nobody looks
    uint32_t ahead_us;
};

enum config_unknown { CONFIG_UNKNOWN_REFUSE, CONFIG_UNKNOWN_SKIP };

// The trading day: its files (day_files.h), each empty where there is none.
struct config_day {
    char zone[NAME_LEN];
    char date[11]; // "today", or YYYY-MM-DD
    uint32_t max_age_days;
    enum config_unknown unknown_symbols;
    char reference[PATH_LEN];
    char positions[PATH_LEN];
    char restricted[PATH_LEN];
    char windows[PATH_LEN];
    char bands[PATH_LEN];
    char calendar[PATH_LEN];
    uint32_t calendar_days;
    bool self_test; // before READY, where something trades
    char self_test_record[PATH_LEN];
};

// Roles on the control socket: names of users, groups with @, or *.
struct config_control {
    char group[NAME_LEN];
    char view[PATH_LEN];
    char operate[PATH_LEN];
    char risk[PATH_LEN];
    char broker[PATH_LEN];
    bool second_person;
    uint32_t raise_max_ms;
};

// Metrics, health and the status page of the control plane. Files; empty: none.
struct config_http {
    struct config_endpoint listen; // port 0: the section is not there
    char tls_certificate[PATH_LEN];
    char tls_key[PATH_LEN];
    char client_ca[PATH_LEN];
    char token_file[PATH_LEN];
};

// The journal in PostgreSQL.
struct config_store {
    char connection[512]; // empty: the section is not there
    bool migrate;         // bring the schema up to date
    uint32_t batch_events;
    uint64_t batch_size; // bytes
    uint32_t flush_ms;
    uint32_t connect_ms;
    uint32_t silence_ms;
    uint32_t retry_ms;
    uint32_t retry_max_ms;
};

// Traces of orders to a collector.
struct config_trace {
    char endpoint[256]; // empty: the section is not there
    uint32_t one_in;
    uint32_t flush_ms;
    uint32_t timeout_ms;
    uint64_t queue_size; // bytes
    char ca[PATH_LEN];
    char headers_file[PATH_LEN];
};

enum config_drop_action {
    CONFIG_DROP_NOTIFY,
    CONFIG_DROP_STOP_SESSION,
    CONFIG_DROP_STOP_ALL,
};

// A stream of what an exchange did for our orders.
struct config_drop_copy {
    char name[NAME_LEN];
    struct config_endpoint server;
    char username[7];
    char password[11];
    uint32_t grace_ms;
    uint32_t entries;
    uint32_t on_difference; // enum config_drop_action
    uint32_t lost_ms;
    uint32_t on_loss; // enum config_drop_action
    uint32_t heartbeat_ms;
    uint32_t silence_ms;
    uint32_t retry_ms;
    uint32_t retry_max_ms;
};

struct places;

struct config {
    struct config_node node;
    struct config_journal journal;
    struct config_capture capture;
    struct config_port ports[PORTS_MAX];
    uint32_t port_count;
    struct config_lane lanes[LANES_MAX];
    uint32_t lane_count;
    struct config_channel channels[CHANNELS_MAX];
    uint32_t channel_count;
    struct config_trading trading;
    struct config_account accounts[ACCOUNTS_MAX];
    uint32_t account_count;
    struct config_symbol_row symbols[SYMBOL_ROWS_MAX];
    uint32_t symbol_count;
    struct config_session sessions[SESSIONS_MAX];
    uint32_t session_count;
    struct config_strategy strategies[STRATEGY_NOBODY];
    uint32_t strategy_count;
    struct config_gateway gateway;
    struct config_client clients[CLIENTS_MAX];
    uint32_t client_count;
    struct config_signal signals[SIGNALS_MAX];
    uint32_t signal_count;
    struct config_day day;
    struct config_control control;
    struct config_http http;
    struct config_store store;
    struct config_trace trace;
    struct config_drop_copy drop_copies[DROP_COPIES_MAX];
    uint32_t drop_copy_count;
    uint64_t hash;         // of the file's bytes
    struct places *places; // where every value stands
};

// False with <err> filled: EXIT_USAGE for what is wrong in the file, EXIT_FAILED when it cannot be
// read. Warns (log_warn) of what works but costs. config_free afterwards in both cases.
bool config_load(struct config *config, const char *path, struct error *err);
// The same for text in memory; <name> stands for the path in errors.
bool config_load_text(struct config *config, const char *name, const char *text, uint64_t len,
                      struct error *err);
// Of the sections that need not be there, what holds without a file.
bool config_defaults(struct config *config, struct error *err);
void config_free(struct config *config);
// What only shows when a value is used: fills <err> with EXIT_USAGE, "file:line: key: " of <member>
// (of <config>) and the text. Always false.
bool config_fault(const struct config *config, const void *member, struct error *err,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
// Lanes with a session.
uint32_t config_trade_lanes(const struct config *config);

// --- single limits, while it runs (dataplane/abi/limit_control.h)

// What contradicts something else, and why: "does nothing without touch".
struct limit_fault {
    const void *member;
    const char *key;
    char text[160];
    enum trade_scope scope; // whose limit it is, where several were looked at
    uint32_t index;
};
bool config_limits_good(enum trade_scope scope, const struct config_limits *limits,
                        struct limit_fault *fault);
// The limits of both owners of one scope can be told apart: one of two is the lower one.
bool config_owners_good(const struct config_limits *limits, const struct config_limits *broker,
                        struct limit_fault *fault);
// The smallest order that enters in any symbol at all: where a limit of another owner is below it,
// nothing does, and whoever means that says 0.
struct config_least {
    uint32_t lot;
    uint64_t money;
};
#define CONFIG_LEAST_NONE      \
    {                          \
        UINT32_MAX, UINT64_MAX \
    }
void config_least_add(struct config_least *least, const struct config_symbol_row *row);
// <lanes>: how many trade. What they have equal parts of leaves each the smallest order, too.
bool config_least_fits(enum trade_scope scope, const struct config_limits *limits,
                       const struct config_limits *broker, const struct config_least *least,
                       uint32_t lanes, struct limit_fault *fault);
// The limits of all owners in the file but those of symbols.
bool config_least_good(const struct config *config, const struct config_least *least,
                       struct limit_fault *fault);
// Bits of enum limit_control: what is limited at all.
uint32_t config_limited(const struct config_limits *limits);
// Every check has an action that it may have. <broker>: what the broker limits anywhere.
bool config_actions_good(const struct config_actions *actions, uint32_t broker,
                         struct limit_fault *fault);
// What <lanes> share of a row leaves each a part: of a rate a message, of a limit the smallest
// order.
bool config_row_parts_good(const struct config_symbol_row *row, uint32_t lanes,
                           struct limit_fault *fault);
// <volume_later>: its part of the average volume is not asked about: a file of the day may give the
// volume, or it was so before.
bool config_symbol_good(const struct config_symbol_row *row, bool volume_later,
                        struct limit_fault *fault);
// Its part of the average volume is a lot at least. Not asked of what a file of the day says: a
// symbol that hardly trades takes no order, and the others trade.
bool config_volume_good(const struct config_symbol_row *row, struct limit_fault *fault);
// <base>: struct config_limits, config_symbol_row or config_session, as the control's section says.
// LIMIT_NOTHING stands for none.
uint64_t config_limit_get(unsigned control, const void *base);
// It is what holds without a word in the file.
bool config_limit_default(unsigned control, const void *base);
// Parses as the file is parsed; false with cause and remedy in <why>.
bool config_limit_set(unsigned control, void *base, const char *text, char why[LIMIT_WHY_LEN]);
// The configuration has such a key of the scope, whether it is set live or not.
bool config_limit_named(enum trade_scope scope, const char *name);
// A value as config_limit_get gives it, as config_limit_set takes it.
void config_limit_text(unsigned control, uint64_t value, char text[LIMIT_VALUE_LEN]);
// A value that config_limit_get has given; false: no option has room for it.
bool config_limit_put(unsigned control, void *base, uint64_t value);

// The table of options as Markdown: docs/configuration.md.
void config_print_options(void);
