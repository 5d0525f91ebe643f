// How a test talks to tests/lib/lwip_peer.c: one request, then any number of frames, then a status.
// lwIP runs in a process of its own, as its functions have the names of ours, and lives in the
// test's time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LWIP_PEER_FD = 3, LWIP_FRAME_MAX = 1600 };

enum lwip_kind {
    LWIP_START,  // request: the settings follow
    LWIP_FRAME,  // request: a frame arrives; answer: a frame leaves
    LWIP_TIME,   // request: nothing but the time
    LWIP_STATUS, // answer
};

struct lwip_settings {
    uint64_t seed;
    uint32_t send_total;    // of the peer's stream
    uint32_t receive_total; // of ours
    uint32_t window;        // receive window, bytes; 0: lwIP's own
    uint32_t stall_ms;      // its application reads nothing for up to this long, again and again
    uint32_t mtu;
    bool close_first; // when it has sent and received everything
};

struct lwip_status {
    uint64_t wake_ms; // it wants the time then
    uint32_t sent, received;
    bool wrong; // a byte was not what the stream has there
    bool open, closed;
    int32_t error; // lwIP's err_t of a connection that failed
};

struct lwip_message {
    uint32_t kind;
    uint32_t len; // of frame
    uint64_t now_ms;
    union {
        struct lwip_settings settings;
        struct lwip_status status;
        uint8_t frame[LWIP_FRAME_MAX];
    };
};
