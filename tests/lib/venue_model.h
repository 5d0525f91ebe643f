// An exchange as simple as can be: orders in an array, executions by dice, OUCH 5.0 over
// SoupBinTCP. It keeps every sequenced message, so that a client can resume; acknowledgements may
// be lost, doubled or change places, and the connection may break at any byte.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/wire/ouch50.h"

enum { MODEL_ORDERS = 16384, MODEL_MESSAGES = 1 << 17, MODEL_SYMBOLS = 4, MODEL_INPUT = 1 << 16 };

struct model_order {
    uint32_t ref, root; // root: index of the first of the chain
    uint32_t open, executed, prevented;
    uint32_t price, limit; // price: as it rests
    char side, symbol[8];
    bool live;
};

struct model_message {
    uint8_t bytes[72];
    uint8_t len;
};

struct venue_model {
    uint64_t random;
    struct model_order orders[MODEL_ORDERS];
    uint32_t order_count;
    uint32_t next_ref;
    struct model_message *stream; // number 1 is the first
    uint32_t stream_count;
    struct {
        uint32_t order, quantity, price;
        uint64_t match;
    } trades[MODEL_ORDERS];
    uint32_t trade_count;
    int64_t position[MODEL_SYMBOLS];
    int64_t cash[MODEL_SYMBOLS];
    uint64_t clock_ns;
    // The connection.
    bool connected, logged_in;
    uint32_t sent; // sequenced messages on this connection, counted from 1
    uint8_t input[MODEL_INPUT];
    uint32_t input_len;
    // Misbehaviour, in 1/1000.
    uint32_t missing, doubled, swapped, late;
    uint32_t better;    // buys that rest at a better price until they are moved back, in 1/1000
    uint32_t prevented; // orders that match with their member's own, of which two parts go at once
    uint32_t idle;      // times that there was nothing to send
};

static inline uint32_t model_draw(struct venue_model *m, uint32_t below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return below ? (uint32_t)((m->random >> 11) % below) : 0;
}

static inline void model_init(struct venue_model *m, uint64_t seed)
{
    memset(m, 0, sizeof *m);
    m->random = seed * 0x9E3779B97F4A7C15ull + 1;
    m->next_ref = 1;
    m->stream = calloc(MODEL_MESSAGES, sizeof *m->stream);
}

static inline uint32_t model_symbol(const char symbol[8])
{
    return (uint32_t)(symbol[3] - 'A') % MODEL_SYMBOLS;
}

static inline void model_append(struct venue_model *m, const uint8_t *bytes, uint32_t len)
{
    struct model_message *to = &m->stream[++m->stream_count];
    memcpy(to->bytes, bytes, len);
    to->len = (uint8_t)len;
}

// What is said, or is not, or twice, or in the wrong order.
static inline void model_say(struct venue_model *m, const uint8_t *bytes, uint32_t len)
{
    const bool acknowledgement = bytes[0] == 'A' || bytes[0] == 'U';
    if (acknowledgement && model_draw(m, 1000) < m->missing)
        return;
    model_append(m, bytes, len);
    if (model_draw(m, 1000) < m->doubled)
        model_append(m, bytes, len);
    struct model_message *last = &m->stream[m->stream_count];
    // Only what has not been sent yet can change places, and only an acknowledgement with what
    // follows.
    if (m->stream_count >= 2 && m->sent + 2 <= m->stream_count &&
        (last[-1].bytes[0] == 'A' || last[-1].bytes[0] == 'U') && last[0].bytes[0] == 'E' &&
        model_draw(m, 1000) < m->swapped) {
        struct model_message t = last[0];
        last[0] = last[-1];
        last[-1] = t;
    }
}

static inline struct model_order *model_find(struct venue_model *m, uint32_t ref)
{
    for (uint32_t i = 0; i < m->order_count; i++)
        if (m->orders[i].ref == ref && m->orders[i].live)
            return &m->orders[i];
    return NULL;
}

// At the time of what was said before.
static inline void model_say_canceled_too(struct venue_model *m, struct model_order *o,
                                          uint32_t quantity, char reason)
{
    uint8_t p[18];
    const struct ouch50_canceled c = {
        .timestamp_ns = m->clock_ns, .user_ref = o->ref, .quantity = quantity, .reason = reason};
    o->open -= quantity;
    o->live = o->open > 0;
    model_say(m, p, ouch50_canceled_write(p, &c));
}

static inline void model_say_canceled(struct venue_model *m, struct model_order *o,
                                      uint32_t quantity, char reason)
{
    m->clock_ns++;
    model_say_canceled_too(m, o, quantity, reason);
}

// Self-match prevention takes off two parts in one match. Alike they could not be told from one.
static inline void model_prevent(struct venue_model *m, struct model_order *o)
{
    const uint32_t one = model_draw(m, o->open / 2), two = o->open / 2 - one;
    if (one == 0 || two == 0 || one == two)
        return;
    o->prevented += one + two;
    model_say_canceled(m, o, one, 'Q');
    model_say_canceled_too(m, o, two, 'Q');
}

static inline void model_execute(struct venue_model *m, struct model_order *o, uint32_t quantity)
{
    uint8_t p[36];
    const uint32_t s = model_symbol(o->symbol);
    const struct ouch50_executed e = {.timestamp_ns = ++m->clock_ns,
                                      .user_ref = o->ref,
                                      .quantity = quantity,
                                      .price = o->price,
                                      .liquidity = 'A',
                                      .match = 1000 + m->trade_count};
    if (m->trade_count == MODEL_ORDERS)
        return;
    m->trades[m->trade_count].order = (uint32_t)(o - m->orders);
    m->trades[m->trade_count].quantity = quantity;
    m->trades[m->trade_count].price = o->price;
    m->trades[m->trade_count++].match = e.match;
    o->open -= quantity;
    o->executed += quantity;
    o->live = o->open > 0;
    m->position[s] += o->side == 'B' ? quantity : -(int64_t)quantity;
    m->cash[s] += (o->side == 'B' ? -1 : 1) * (int64_t)quantity * o->price;
    model_say(m, p, ouch50_executed_write(p, &e));
}

static inline void model_break(struct venue_model *m, uint32_t trade)
{
    uint8_t p[36];
    struct model_order *o = &m->orders[m->trades[trade].order];
    const uint32_t s = model_symbol(o->symbol), quantity = m->trades[trade].quantity;
    const struct ouch50_broken b = {.timestamp_ns = ++m->clock_ns,
                                    .user_ref = o->ref,
                                    .match = m->trades[trade].match,
                                    .reason = 'E'};
    if (quantity == 0)
        return;
    m->position[s] -= o->side == 'B' ? quantity : -(int64_t)quantity;
    m->cash[s] += (o->side == 'B' ? 1 : -1) * (int64_t)quantity * m->trades[trade].price;
    m->trades[trade].quantity = 0;
    model_say(m, p, ouch50_broken_write(p, &b));
}

static inline void model_reject(struct venue_model *m, uint32_t ref)
{
    uint8_t p[29];
    const struct ouch50_rejected j = {.timestamp_ns = ++m->clock_ns, .user_ref = ref, .reason = 15};
    model_say(m, p, ouch50_rejected_write(p, &j));
}

static inline void model_price(struct venue_model *m, struct model_order *o, uint64_t price)
{
    o->price = o->limit = (uint32_t)price;
    if (m->better && o->side == 'B' && model_draw(m, 1000) < m->better)
        o->price -= 100 * (1 + model_draw(m, 3));
}

static inline void model_move_back(struct venue_model *m, struct model_order *o)
{
    uint8_t p[30];
    const struct ouch50_priority t = {.timestamp_ns = ++m->clock_ns,
                                      .user_ref = o->ref,
                                      .price = o->limit,
                                      .display = 'Y',
                                      .order_ref = o->ref + 80000};
    o->price = o->limit;
    model_say(m, p, ouch50_priority_write(p, &t));
}

static inline void model_enter(struct venue_model *m, const uint8_t *p)
{
    struct ouch50_enter e;
    uint8_t out[64];
    ouch50_enter_read(p, &e);
    if (e.user_ref < m->next_ref)
        return;
    m->next_ref = e.user_ref + 1;
    if (model_draw(m, 20) == 0) {
        model_reject(m, e.user_ref);
        return;
    }
    struct model_order *o = &m->orders[m->order_count];
    *o = (struct model_order){.ref = e.user_ref,
                              .root = m->order_count++,
                              .open = e.quantity,
                              .side = e.side,
                              .live = true};
    memcpy(o->symbol, e.symbol, 8);
    model_price(m, o, e.price);
    struct ouch50_accepted a = {.timestamp_ns = ++m->clock_ns,
                                .user_ref = e.user_ref,
                                .side = e.side,
                                .quantity = e.quantity,
                                .price = o->price,
                                .display = 'Y',
                                .order_ref = e.user_ref + 70000,
                                .state = 'L'};
    memcpy(a.symbol, e.symbol, 8);
    if (e.time_in_force == '3' && model_draw(m, 2)) {
        a.state = 'D';
        o->live = false;
        o->open = 0;
    }
    model_say(m, out, ouch50_accepted_write(out, &a));
    if (o->live && model_draw(m, 4) == 0)
        model_execute(m, o, 1 + model_draw(m, o->open));
    if (o->live && e.time_in_force == '3')
        model_say_canceled(m, o, o->open, 'I');
}

static inline void model_replace(struct venue_model *m, const uint8_t *p)
{
    struct ouch50_replace u;
    uint8_t out[68];
    ouch50_replace_read(p, &u);
    struct model_order *o = model_find(m, u.orig_user_ref);
    if (o == NULL || u.user_ref < m->next_ref)
        return; // silently ignored
    if (model_draw(m, 20) == 0) {
        m->next_ref = u.user_ref + 1;
        model_reject(m, u.user_ref);
        return;
    }
    const uint32_t gone = o->executed + o->prevented;
    if (u.quantity <= gone) {
        model_say_canceled(m, o, o->open, 'Z');
        return;
    }
    m->next_ref = u.user_ref + 1;
    struct model_order *n = &m->orders[m->order_count++];
    *n = *o;
    n->ref = u.user_ref;
    n->open = u.quantity - gone;
    model_price(m, n, u.price);
    o->live = false;
    o->open = 0;
    struct ouch50_replaced r = {.timestamp_ns = ++m->clock_ns,
                                .orig_user_ref = u.orig_user_ref,
                                .user_ref = u.user_ref,
                                .side = n->side,
                                .quantity = n->open,
                                .price = n->price,
                                .display = 'Y',
                                .order_ref = u.user_ref + 70000,
                                .state = 'L'};
    memcpy(r.symbol, n->symbol, 8);
    if (model_draw(m, 20) == 0) {
        r.state = 'D';
        n->live = false;
        n->open = 0;
    }
    model_say(m, out, ouch50_replaced_write(out, &r));
}

static inline void model_cancel(struct venue_model *m, const uint8_t *p)
{
    struct ouch50_cancel x;
    ouch50_cancel_read(p, &x);
    struct model_order *o = model_find(m, x.user_ref);
    if (o == NULL)
        return;
    const uint32_t may = x.quantity > o->executed ? x.quantity - o->executed : 0;
    if (may < o->open)
        model_say_canceled(m, o, o->open - may, 'U');
}

static inline void model_modify(struct venue_model *m, const uint8_t *p)
{
    struct ouch50_modify q;
    uint8_t out[18];
    ouch50_modify_read(p, &q);
    struct model_order *o = model_find(m, q.user_ref);
    const uint32_t gone = o ? o->executed + o->prevented : 0;
    if (o == NULL || q.quantity <= gone)
        return;
    o->open = q.quantity - gone;
    o->side = q.side;
    const struct ouch50_modified a = {
        .timestamp_ns = ++m->clock_ns, .user_ref = q.user_ref, .side = q.side, .quantity = o->open};
    model_say(m, out, ouch50_modified_write(out, &a));
}

static inline void model_take(struct venue_model *m, const uint8_t *p)
{
    uint8_t out[13];
    const struct ouch50_query_answer a = {.timestamp_ns = ++m->clock_ns,
                                          .next_user_ref = m->next_ref};
    switch (p[0]) {
    case 'O': model_enter(m, p); break;
    case 'U': model_replace(m, p); break;
    case 'X': model_cancel(m, p); break;
    case 'M': model_modify(m, p); break;
    case 'Q': model_append(m, out, ouch50_query_answer_write(out, &a)); break;
    default: break;
    }
}

// The market moves: some order is moved back to its limit, executed, cancelled unasked, or a trade
// is broken.
static inline void model_live(struct venue_model *m)
{
    if (m->order_count && m->better) {
        struct model_order *o = &m->orders[model_draw(m, m->order_count)];
        if (o->live && o->price != o->limit)
            model_move_back(m, o);
    }
    if (m->order_count && model_draw(m, 3) == 0) {
        struct model_order *o = &m->orders[model_draw(m, m->order_count)];
        if (o->live)
            model_execute(m, o, model_draw(m, 3) ? 1 + model_draw(m, o->open) : o->open);
    }
    if (m->order_count && model_draw(m, 60) == 0) {
        struct model_order *o = &m->orders[model_draw(m, m->order_count)];
        if (o->live)
            model_say_canceled(m, o, o->open, 'S');
    }
    if (m->order_count && m->prevented && model_draw(m, 1000) < m->prevented) {
        struct model_order *o = &m->orders[model_draw(m, m->order_count)];
        if (o->live)
            model_prevent(m, o);
    }
    if (m->trade_count && model_draw(m, 60) == 0)
        model_break(m, model_draw(m, m->trade_count));
}

static inline void model_disconnect(struct venue_model *m)
{
    m->connected = m->logged_in = false;
    m->input_len = 0;
    m->idle = 0;
}

// Bytes of the client. Answers the login through <login>: bytes of Login Accepted, 33.
static inline bool model_receive(struct venue_model *m, const uint8_t *bytes, uint32_t len,
                                 uint8_t login[33])
{
    bool accepted = false;
    memcpy(m->input + m->input_len, bytes, len);
    m->input_len += len;
    uint32_t at = 0;
    while (m->input_len - at >= 3 && m->input_len - at >= 2u + be16_load(m->input + at)) {
        const uint8_t *p = m->input + at;
        at += 2u + be16_load(p);
        if (p[2] == 'U' && m->logged_in)
            model_take(m, p + 3);
        if (p[2] != 'L')
            continue;
        char text[34], number[21] = {0};
        memcpy(number, p + 29, 20);
        m->sent = (uint32_t)strtoul(number, NULL, 10) - 1;
        m->logged_in = accepted = true;
        snprintf(text, sizeof text, "xxA%10s%20u", "MODEL", m->sent + 1);
        memcpy(login, text, 33);
        be16_store(login, 31);
    }
    memmove(m->input, m->input + at, m->input_len - at);
    m->input_len -= at;
    return accepted;
}

// The next sequenced packet for the client; 0: none now.
static inline uint32_t model_send(struct venue_model *m, uint8_t *out)
{
    if (!m->logged_in)
        return 0;
    if (m->sent >= m->stream_count) {
        if (++m->idle % 20 != 0)
            return 0;
        memcpy(out, "\0\1H", 3);
        return 3;
    }
    if (model_draw(m, 1000) < m->late)
        return 0;
    m->idle = 0;
    const struct model_message *msg = &m->stream[++m->sent];
    be16_store(out, (uint16_t)(msg->len + 1));
    out[2] = 'S';
    memcpy(out + 3, msg->bytes, msg->len);
    return msg->len + 3u;
}
