// What a session needs of the way to its exchange. TCP on a port, a kernel socket and a simulated
// wire fill the same table; it is fixed at READY, so the indirect calls of a lane are the ones
// listed in docs/hot-path.md. What arrives is handed to session_received by whoever polls the
// transport.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct transport;

struct transport_ops {
    // Starts to connect; session_opened or session_lost follows. False: not now (no next hop, the
    // last connection is not over): the session asks again.
    bool (*open)(struct transport *t, uint64_t now);
    // True when a payload of <len> bytes may leave now in one piece.
    bool (*ready)(struct transport *t, uint32_t len);
    // All of it leaves now, or nothing (false): it never waits in between.
    bool (*send)(struct transport *t, const void *payload, uint32_t len, uint64_t now);
    // Orderly end; session_lost follows.
    void (*close)(struct transport *t, uint64_t now);
    // Over at once; no session_lost.
    void (*abort)(struct transport *t);
    // Between <begins> and not, send does all it does but hand over, and everything is as before
    // afterwards: keeps its code and tables near. Null: it cannot.
    void (*practise)(struct transport *t, bool begins);
};

struct transport {
    const struct transport_ops *ops; // fixed at READY
    void *driver;                    // the implementation's own state
};
