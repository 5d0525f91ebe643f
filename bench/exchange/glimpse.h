// Snapshots of a channel for late joiners: GLIMPSE 5.0 over SoupBinTCP (3.00), on kernel TCP.
//
// A few threads accept and serve clients; the thread that sends market data only makes the copy of
// the picture that a client waits for (some tens of milliseconds for a million and a half orders),
// at a sequence number it knows.
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/exchange/pack.h"
#include "bench/exchange/picture.h"
#include "dataplane/base/error.h"

enum { GLIMPSE_SERVERS = 4 }; // clients of a channel at a time; others wait in the backlog

enum glimpse_wish {
    WISH_NONE,  // written by the server thread when it has taken the copy
    WISH_OPEN,  // written by the server thread: a client has logged in
    WISH_READY, // written by the sender: <copy> and <next> are there
};

struct glimpse;

struct glimpse_server {
    struct glimpse *glimpse;
    pthread_t thread;
    bool running;
    _Atomic int wish; // enum glimpse_wish; release with the fields below, acquire on the other side
    struct picture *copy; // NULL when there was no memory for it
    uint64_t next;        // first live sequence number that is not in the copy
};

struct glimpse {
    int listener;
    uint8_t session[PACK_SESSION];
    char user[7], password[11]; // empty: any
    _Atomic bool stop;
    _Atomic uint64_t snapshots, orders, refused,
        broken; // served whole, orders in them, logins refused, gone early
    struct glimpse_server servers[GLIMPSE_SERVERS];
};

// Listens and starts the threads, which run wherever the calling thread may run at that moment.
// Address in host order.
bool glimpse_open(struct glimpse *g, uint32_t address, uint16_t port, struct error *err);

// Called by the sender now and then: makes the copies that clients wait for. <next>: sequence
// number of the next message that will be sent, all before it are in the picture. True when there
// was one.
bool glimpse_poll(struct glimpse *g, const struct picture *picture, uint64_t next);

// Ends clients and threads.
void glimpse_close(struct glimpse *g);
