// Every maximum of the dataplane, named in one place.
#pragma once

enum {
    LANES_MAX = 16,
    PORTS_MAX = 16,
    CHANNELS_MAX = 16,
    LINES_MAX = 4,             // per channel, recovery not counted
    SYMBOLS_MAX = 65535,       // per channel: locates are 16 bits, one value says "none"
    NAME_LEN = 32,             // lanes, ports, channels, lines; with the terminating zero
    COMMAND_SLOTS = 16,
    COMMAND_SLOT_LEN = 4096,
    BOOK_DEPTH_MAX = 64,       // levels a side in one answer
    EVENT_LEN = 128,
    EVENT_RING_MIN = 1024,     // slots; powers of two
    EVENT_RING_MAX = 1 << 22,
    BILL_LINES_MAX = 256,
    CACHE_LINE_LEN = 64,
};
