// A file of market data in memory: BinaryFILE (plain or gz), pcap or pcapng (plain or gz).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/error.h"

enum input_kind {
    INPUT_BINARYFILE, // 2-byte big-endian length, message: the same blocks that MoldUDP64 carries
    INPUT_CAPTURE,    // Ethernet frames
};

// One UDP datagram of a capture.
struct input_datagram {
    const uint8_t *payload;
    uint32_t len;
    uint32_t dst_ip; // host order
    uint16_t dst_port;
    uint64_t time_ns; // of capture, since the Unix epoch
};

// Whole messages of a BinaryFILE that lie together.
struct input_slice {
    const uint8_t *blocks;
    uint32_t len;
    uint32_t count;
};

struct input {
    enum input_kind kind;
    uint8_t *bytes; // the file, unpacked
    uint64_t len;
    uint64_t whole;             // BinaryFILE: bytes of whole messages
    struct input_slice *slices; // BinaryFILE: the whole messages in file order
    uint64_t slice_count;
    char why[256]; // of a capture or gz file that is truncated, or cannot be read further
    bool damaged;  // a gz file whose bytes are not what was packed; <why> says where
    struct input_datagram *datagrams; // capture: UDP datagrams in file order
    uint64_t datagram_count;
    uint64_t other_frames; // capture: frames that are no UDP
    uint8_t *frames;       // capture: the frames' bytes
};

// False when the file cannot be read or is of none of these kinds.
bool input_load(struct input *in, const char *path, struct error *err);
void input_free(struct input *in);
