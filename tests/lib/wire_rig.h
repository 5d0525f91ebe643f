// A transport that keeps what is sent, for tests of sessions.
#pragma once

#include <string.h>

#include "dataplane/venue/transport.h"

enum { RIG_BYTES = 1 << 16 };

struct wire_rig {
    struct transport transport;
    uint8_t sent[RIG_BYTES];
    uint32_t sent_len;
    uint32_t practice_from;
    uint32_t opens, closes, aborts;
    bool busy;   // ready says no
    bool refuse; // send says no although ready said yes
    bool closed; // open says no
};

static bool rig_open(struct transport *t, uint64_t now)
{
    struct wire_rig *rig = t->driver;
    (void)now;
    rig->opens++;
    return !rig->closed;
}

static bool rig_ready(struct transport *t, uint32_t len)
{
    const struct wire_rig *rig = t->driver;
    return !rig->busy && rig->sent_len + len <= RIG_BYTES;
}

static bool rig_send(struct transport *t, const void *payload, uint32_t len, uint64_t now)
{
    struct wire_rig *rig = t->driver;
    (void)now;
    if (rig->refuse || rig->busy)
        return false;
    memcpy(rig->sent + rig->sent_len, payload, len);
    rig->sent_len += len;
    return true;
}

static void rig_close(struct transport *t, uint64_t now)
{
    struct wire_rig *rig = t->driver;
    (void)now;
    rig->closes++;
}

static void rig_abort(struct transport *t)
{
    struct wire_rig *rig = t->driver;
    rig->aborts++;
}

static void rig_practise(struct transport *t, bool begins)
{
    struct wire_rig *rig = t->driver;
    if (begins)
        rig->practice_from = rig->sent_len;
    else
        rig->sent_len = rig->practice_from;
}

static const struct transport_ops rig_ops = {.open = rig_open,
                                             .ready = rig_ready,
                                             .send = rig_send,
                                             .close = rig_close,
                                             .abort = rig_abort,
                                             .practise = rig_practise};

static inline void wire_rig_init(struct wire_rig *rig)
{
    memset(rig, 0, sizeof *rig);
    rig->transport = (struct transport){&rig_ops, rig};
}
