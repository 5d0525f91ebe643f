// The way to an exchange: a stream each way with delays, cut into pieces anywhere, that breaks when
// either side or the wire says so. What was on its way then arrives in part or not at all.
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/base/hints.h"
#include "tests/sim/trade_cover.h"
#include "tests/sim/trade_world.h"

enum { PIECES = 1024, DELAY_NS = 5000, JITTER_NS = 60000, SEGMENT = 1400 };

// --- pipes ---

static void pipe_clear(struct trade_pipe *p)
{
    p->have = p->ready = p->first = p->count = 0;
    p->last_due = 0;
}

// SIM_WIRE=file: what both sides say, each piece behind its venue, its direction (1: to the
// exchange) and its length, for other decoders.
static void piece_write(const struct trade_venue *v, bool ours, const void *bytes, uint32_t len)
{
    uint8_t head[6] = {v->index, ours};
    if (sim->wire == NULL)
        return;
    be32_store(head + 2, len);
    MUST(fwrite(head, sizeof head, 1, sim->wire) == 1 && fwrite(bytes, len, 1, sim->wire) == 1);
}

static void pipe_put(struct trade_pipe *p, const uint8_t *bytes, uint32_t len)
{
    uint64_t due = sim->now + DELAY_NS + trade_draw(JITTER_NS);
    MUST(p->count < PIECES);
    if (p->have + len > p->room) {
        p->room = 2 * (p->have + len);
        p->bytes = realloc(p->bytes, p->room);
        MUST(p->bytes);
    }
    memcpy(p->bytes + p->have, bytes, len);
    p->have += len;
    due = due > p->last_due ? due : p->last_due;
    p->last_due = due;
    p->pieces[(p->first + p->count) % PIECES].due = due;
    p->pieces[(p->first + p->count) % PIECES].len = len;
    p->count++;
}

// Bytes that may be read now, at most <most>.
static uint32_t pipe_ready(struct trade_pipe *p, uint32_t most)
{
    while (p->count && p->pieces[p->first].due <= sim->now) {
        p->ready += p->pieces[p->first].len;
        p->first = (p->first + 1) % PIECES;
        p->count--;
    }
    return p->ready < most ? p->ready : most;
}

static void pipe_taken(struct trade_pipe *p, uint32_t len)
{
    p->have -= len;
    p->ready -= len;
    memmove(p->bytes, p->bytes + len, p->have);
}

// --- ends ---

// The exchange reads a part of what is still under way and then sees the end.
static void exchange_end(struct trade_venue *v)
{
    const uint32_t some = v->to_exchange.have ? trade_draw(v->to_exchange.have + 1) : 0;
    if (v->visitor >= 0) {
        if (some)
            bourse_receive(v->b, v->visitor, v->to_exchange.bytes, some);
        bourse_disconnect(v->b, v->visitor);
    }
    v->visitor = -1;
    v->opening = v->closing = false;
    pipe_clear(&v->to_exchange);
}

static void both_end(struct trade_venue *v)
{
    exchange_end(v);
    pipe_clear(&v->to_client);
    session_lost(&v->session, sim->now);
}

void wire_break(struct trade_venue *v)
{
    uint32_t some = v->to_client.have ? trade_draw(v->to_client.have + 1) : 0;
    if (v->visitor < 0)
        return;
    some = some < SEGMENT ? some : SEGMENT;
    if (some)
        session_received(&v->session, v->to_client.bytes, some, sim->now);
    desk_turn(&sim->desk, sim->now); // what has arrived is read first
    if (v->visitor < 0)
        return;
    if (session_room(&v->session) < v->session.stream.size)
        cover_case(COVER_CUT_INSIDE);
    if (v->to_exchange.have)
        cover_case(COVER_CUT_INSIDE_THERE);
    both_end(v);
}

// --- what the session calls ---

static bool transport_open(struct transport *t, uint64_t now)
{
    struct trade_venue *v = t->driver;
    if (trade_draw(8) == 0)
        return false;
    v->opening = true;
    v->open_at = now + 1 + trade_draw(200000);
    return true;
}

static bool transport_ready(struct transport *t, uint32_t len)
{
    const struct trade_venue *v = t->driver;
    return v->visitor >= 0 && !v->busy && !v->closing && v->to_exchange.count < PIECES - 2 &&
           len <= SEGMENT;
}

static bool transport_send(struct transport *t, const void *payload, uint32_t len, uint64_t now)
{
    struct trade_venue *v = t->driver;
    (void)now;
    if (v->visitor < 0 || v->closing || v->to_exchange.count >= PIECES - 2)
        return false;
    pipe_put(&v->to_exchange, payload, len);
    piece_write(v, true, payload, len);
    return true;
}

static void transport_close(struct transport *t, uint64_t now)
{
    struct trade_venue *v = t->driver;
    (void)now;
    v->closing = true;
}

static void transport_abort(struct transport *t)
{
    struct trade_venue *v = t->driver;
    exchange_end(v);
    pipe_clear(&v->to_client);
}

static const struct transport_ops wire_ops = {.open = transport_open,
                                              .ready = transport_ready,
                                              .send = transport_send,
                                              .close = transport_close,
                                              .abort = transport_abort};

void wire_open(struct trade_venue *v)
{
    v->transport = (struct transport){&wire_ops, v};
    v->visitor = -1;
}

// --- time ---

static void connect_now(struct trade_venue *v)
{
    v->opening = false;
    v->visitor = bourse_connect(v->b);
    if (v->visitor < 0)
        session_lost(&v->session, sim->now);
    else
        session_opened(&v->session, sim->now);
}

static void exchange_reads(struct trade_venue *v)
{
    uint32_t n;
    while (v->visitor >= 0 && (n = pipe_ready(&v->to_exchange, SEGMENT)) > 0) {
        n = 1 + trade_draw(n);
        bourse_receive(v->b, v->visitor, v->to_exchange.bytes, n);
        pipe_taken(&v->to_exchange, n);
    }
}

static void exchange_writes(struct trade_venue *v)
{
    uint8_t out[SEGMENT];
    uint32_t n;
    while (v->to_client.count < PIECES - 2 &&
           (n = bourse_send(v->b, v->visitor, out, 1 + trade_draw(SEGMENT))) > 0) {
        pipe_put(&v->to_client, out, n);
        piece_write(v, false, out, n);
    }
    const enum bourse_closing closing = bourse_closing(v->b, v->visitor);
    if (closing == BOURSE_RESETS || (closing == BOURSE_CLOSES && v->to_client.have == 0))
        both_end(v);
}

static void client_reads(struct trade_venue *v)
{
    const uint32_t n = pipe_ready(&v->to_client, SEGMENT);
    if (n == 0)
        return;
    session_received(&v->session, v->to_client.bytes, n, sim->now);
    if (v->visitor >= 0) // else the session gave it up
        pipe_taken(&v->to_client, n);
}

void wire_step(struct trade_venue *v)
{
    if (v->opening && sim->now >= v->open_at)
        connect_now(v);
    exchange_reads(v);
    if (v->visitor >= 0)
        exchange_writes(v);
    if (v->visitor >= 0)
        client_reads(v);
    if (v->visitor >= 0 && v->closing && v->to_exchange.have == 0)
        both_end(v);
}
