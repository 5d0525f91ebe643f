// Every maximum of the dataplane, named in one place.
#pragma once

enum {
    LANES_MAX = 16,
    PORTS_MAX = 16,
    CHANNELS_MAX = 16,
    POOLS_MAX = 16,
    LINES_MAX = 4,                 // per channel, recovery not counted
    CHANNEL_LINES = LINES_MAX + 1, // the last one counts what recovery brings
    SYMBOLS_MAX = 65535,           // per channel: locates are 16 bits, one value says "none"
    LOCATES = 65536,
    NAME_LEN = 32, // lanes, ports, channels, lines, pools; with the terminating zero
    COMMAND_SLOTS = 16,
    COMMAND_SLOT_LEN = 12288,
    BOOK_DEPTH_MAX = 64, // levels a side in one answer
    EVENT_LEN = 128,
    EVENT_RING_MIN = 64, // slots; powers of two
    EVENT_RING_MAX = 1 << 22,
    BILL_LINES_MAX = 256,
    CACHE_LINE_LEN = 64,
    SESSIONS_MAX = 16, // order sessions
    DROP_COPIES_MAX = 4,
    ACCOUNTS_MAX = 256,
    STRATEGIES_MAX = 64,                  // clients of the gateway and nobody included
    STRATEGY_NOBODY = STRATEGIES_MAX - 1, // has the orders of earlier runs, and no limits
    CLIENTS_MAX = 32,                     // of the gateway
    SIGNALS_MAX = 16,                     // sources of signals
    INSTRUMENTS_MAX = 16384,              // symbols with limits
    POSITIONS_MAX = 1 << 22,              // of accounts in symbols, per lane
    PARAMETERS_MAX = 16,                  // of a strategy
    PARAMETER_LEN = 16,                   // of a parameter's name, with the terminating zero
    REASON_LEN = 64,                      // of what a person orders, with the terminating zero
    LANE_MAIN = 255,                      // stands for the main lcore where a lane is named
};
