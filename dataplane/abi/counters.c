#include "dataplane/abi/counters.h"

#include <stddef.h>

#define STRUCT_OF_LANE       struct lane_counters
#define STRUCT_OF_CHANNEL    struct channel_counters
#define STRUCT_OF_LINE       struct line_counters
#define STRUCT_OF_PORT       struct port_counters
#define STRUCT_OF_POOL       struct pool_counters
#define STRUCT_OF_MAIN       struct main_counters
#define STRUCT_OF_DESK       struct trade_counters
#define STRUCT_OF_SESSION    struct order_session_counters
#define STRUCT_OF_STRATEGY   struct strategy_counters
#define STRUCT_OF_ACCOUNT    struct account_counters
#define STRUCT_OF_CLIENT     struct client_counters
#define STRUCT_OF_CONNECTION struct connection_counters
#define STRUCT_OF_SIGNAL     struct signal_counters

const struct counter_info counter_table[] = {
#define COUNTER(scope, name, kind, unit, help) \
    {SCOPE_##scope, COUNTER_##kind, offsetof(STRUCT_OF_##scope, name), #name, unit, help},
#include "dataplane/abi/counters.def"
};

const uint32_t counter_count = sizeof counter_table / sizeof counter_table[0];
