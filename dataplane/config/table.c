// The tables of options and sections as data.
#include "dataplane/base/hints.h"
#include "dataplane/config/option.h"

// The option rows, from the table.
#define NODE_TYPE     struct config_node
#define JOURNAL_TYPE  struct config_journal
#define CAPTURE_TYPE  struct config_capture
#define PORT_TYPE     struct config_port
#define LANE_TYPE     struct config_lane
#define CHANNEL_TYPE  struct config_channel
#define LINE_TYPE     struct config_line
#define RECOVERY_TYPE struct config_recovery
#define SNAPSHOT_TYPE struct config_snapshot
#define TRADING_TYPE  struct config_trading
#define ACCOUNT_TYPE  struct config_account
#define SYMBOL_TYPE   struct config_symbol_row
#define SESSION_TYPE  struct config_session
#define STRATEGY_TYPE struct config_strategy
#define GATEWAY_TYPE  struct config_gateway
#define CLIENT_TYPE   struct config_client
#define SIGNAL_TYPE   struct config_signal
#define DAY_TYPE      struct config_day
#define CONTROL_TYPE  struct config_control
#define HTTP_TYPE     struct config_http
#define STORE_TYPE    struct config_store
#define TRACE_TYPE    struct config_trace
#define DROP_TYPE     struct config_drop_copy
#define LIMITS_TYPE   struct config_limits
#define BROKER_TYPE   struct config_limits
#define ACTIONS_TYPE  struct config_actions

const struct option_row option_rows[] = {
#define OPTION(section, key, kind, fallback, min, max, words, help) \
    {SECTION_##section,                                             \
     OPTION_##kind,                                                 \
     #key,                                                          \
     fallback,                                                      \
     min,                                                           \
     max,                                                           \
     words,                                                         \
     help,                                                          \
     offsetof(section##_TYPE, key),                                 \
     sizeof(((section##_TYPE *)0)->key)},
#include "dataplane/config/options.def"
#undef OPTION
};
const uint32_t option_count = ARRAY_LEN(option_rows);

const struct section_row section_rows[SECTIONS] = {
#define SECTION(id, key, type, max, help) {#key, max, sizeof(struct type), help},
#include "dataplane/config/sections.def"
#undef SECTION
};
