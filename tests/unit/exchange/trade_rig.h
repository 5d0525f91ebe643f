// A trading exchange in virtual time with one client that keeps what it got, for tests.
#pragma once

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bench/exchange/itch_write.h"
#include "bench/exchange/trade/bourse.h"
#include "bench/exchange/trade/entry.h"

enum { RIG_MESSAGES = 4096, RIG_NOON_S = 12 * 3600 };

struct rig_client {
    int visitor;
    uint32_t have;
    uint8_t bytes[1 << 17];
    // Packets since the last rig_forget, heartbeats left out.
    uint32_t count, next;
    struct rig_packet {
        char type;
        uint32_t length;
        uint8_t payload[ENTRY_MAX];
    } packets[RIG_MESSAGES];
    uint32_t heartbeats;
};

static struct {
    struct bourse *b;
    struct bourse_config config;
    enum entry_protocol protocol;
    uint64_t now_ns, day_ns;
    struct rig_client clients[2];
    uint32_t itch_count, itch_next;
    struct {
        uint32_t length;
        uint8_t m[64];
    } itch[RIG_MESSAGES];
    uint32_t record_count;
    struct bourse_record records[RIG_MESSAGES];
    char texts[RIG_MESSAGES][64];
    uint32_t ref; // last number used
} rig;

static inline void rig_publish(void *context, const uint8_t *message, uint32_t length)
{
    (void)context;
    assert_in_range(length, 1, 50);
    assert_in_range(rig.itch_count, 0, RIG_MESSAGES - 1);
    memcpy(rig.itch[rig.itch_count].m, message, length);
    rig.itch[rig.itch_count++].length = length;
}

static inline void rig_record(void *context, const struct bourse_record *r)
{
    (void)context;
    uint32_t at = rig.record_count++ % RIG_MESSAGES;
    rig.records[at] = *r;
    snprintf(rig.texts[at], sizeof rig.texts[at], "%s", r->text ? r->text : "");
    rig.records[at].text = rig.texts[at];
}

static inline void rig_defaults(enum bourse_protocol protocol)
{
    memset(&rig, 0, sizeof rig);
    rig.protocol = protocol == BOURSE_OUCH_42 ? ENTRY_42 : ENTRY_50;
    rig.config.seed = 1;
    rig.config.member_count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        struct bourse_member *m = &rig.config.members[i];
        snprintf(m->user, sizeof m->user, "user%u", i);
        snprintf(m->password, sizeof m->password, "secret%u", i);
        snprintf(m->session, sizeof m->session, "DAY%u0", i);
        snprintf(m->firm, sizeof m->firm, "FRM%u", i);
        m->protocol = protocol;
    }
    rig.config.publish = rig_publish;
    rig.config.record = rig_record;
    rig.clients[0].visitor = rig.clients[1].visitor = -1;
}

static inline void rig_clock(uint64_t ms)
{
    rig.now_ns += ms * 1000000;
    rig.day_ns += ms * 1000000;
    bourse_clock(rig.b, rig.now_ns, rig.day_ns);
}

// Locate 1 is AAPL, locate 2 is CHEAP, both trading; noon.
static inline void rig_start(void)
{
    struct error err = {0};
    rig.b = bourse_make(&rig.config, &err);
    if (!rig.b)
        fail_msg("%s", err.text);
    rig.day_ns = RIG_NOON_S * 1000000000ull;
    rig.now_ns = 1000000000;
    bourse_clock(rig.b, rig.now_ns, rig.day_ns);
    assert_true(bourse_symbol(rig.b, 1, "AAPL"));
    assert_true(bourse_symbol(rig.b, 2, "CHEAP"));
    rig.itch_count = rig.itch_next = 0;
}

static inline int rig_stop(void **state)
{
    (void)state;
    bourse_free(rig.b);
    rig.b = NULL;
    return 0;
}

// Takes all bytes and cuts them into packets.
static inline void rig_pump(uint32_t client)
{
    struct rig_client *c = &rig.clients[client];
    uint32_t n, at = 0;
    while (c->visitor >= 0 &&
           (n = bourse_send(rig.b, c->visitor, c->bytes + c->have, sizeof c->bytes - c->have)) > 0)
        c->have += n;
    while (c->have - at >= 2) {
        uint32_t length = (uint32_t)c->bytes[at] << 8 | c->bytes[at + 1];
        assert_in_range(length, 1, ENTRY_MAX);
        if (c->have - at < 2 + length)
            break;
        struct rig_packet *p = &c->packets[c->count % RIG_MESSAGES];
        p->type = (char)c->bytes[at + 2];
        p->length = length - 1;
        memcpy(p->payload, c->bytes + at + 3, length - 1);
        c->heartbeats += p->type == 'H';
        c->count += p->type != 'H';
        at += 2 + length;
    }
    c->have -= at;
    memmove(c->bytes, c->bytes + at, c->have);
}

static inline void rig_packet(uint32_t client, char type, const void *payload, uint32_t length)
{
    uint8_t bytes[3 + 2 * ENTRY_MAX];
    bytes[0] = (uint8_t)((length + 1) >> 8);
    bytes[1] = (uint8_t)(length + 1);
    bytes[2] = (uint8_t)type;
    memcpy(bytes + 3, payload, length);
    bourse_receive(rig.b, rig.clients[client].visitor, bytes, 3 + length);
}

static inline void rig_login(uint32_t client, const char *session, uint64_t sequence)
{
    struct rig_client *c = &rig.clients[client];
    char payload[64], user[8], password[12];
    if (c->visitor >= 0)
        bourse_disconnect(rig.b, c->visitor);
    c->visitor = bourse_connect(rig.b);
    assert_true(c->visitor >= 0);
    c->have = 0;
    snprintf(user, sizeof user, "user%u", client);
    snprintf(password, sizeof password, "secret%u", client);
    snprintf(payload, sizeof payload, "%-6s%-10s%10s%20llu", user, password, session,
             (unsigned long long)sequence);
    rig_packet(client, 'L', payload, 46);
    rig_pump(client);
}

static inline void rig_forget(uint32_t client)
{
    rig_pump(client);
    rig.clients[client].count = rig.clients[client].next = 0;
    rig.itch_next = rig.itch_count;
}

// A rig with both clients logged in and nothing in their hands.
static inline void rig_ready(void)
{
    rig_start();
    rig_login(0, "", 1);
    rig_login(1, "", 1);
    rig_forget(0);
    rig_forget(1);
}

static inline void rig_say(uint32_t client, const struct entry *e)
{
    uint8_t message[ENTRY_MAX];
    rig_packet(client, 'U', message, entry_write(rig.protocol, ENTRY_IN, e, message));
}

// A limit order for the day; everything else is changed by the test before rig_say.
static inline struct entry rig_order(char side, uint32_t quantity, const char *symbol,
                                     uint64_t price)
{
    struct entry e = {.type = 'O', .ref = ++rig.ref, .quantity = quantity, .price = price};
    e.side[0] = side;
    memset(e.symbol, ' ', sizeof e.symbol);
    memcpy(e.symbol, symbol, strlen(symbol));
    memset(e.token, ' ', sizeof e.token);
    char text[16];
    snprintf(text, sizeof text, "T%u", rig.ref);
    memcpy(e.token, text, strlen(text));
    memset(e.firm, ' ', sizeof e.firm);
    e.tif[0] = '0';
    e.tif_s = 99998;
    e.display[0] = 'Y';
    e.capacity[0] = 'P';
    e.sweep[0] = 'N';
    e.cross[0] = 'N';
    e.customer[0] = 'N';
    return e;
}

static inline uint32_t rig_enter(uint32_t client, char side, uint32_t quantity, uint64_t price)
{
    struct entry e = rig_order(side, quantity, "AAPL", price);
    rig_say(client, &e);
    return rig.ref;
}

static inline void rig_option(struct entry *e, uint32_t tag)
{
    e->has |= 1u << tag;
}

// The next OUCH message of a client, which must be of this type.
static inline struct entry rig_expect(uint32_t client, char type)
{
    struct rig_client *c = &rig.clients[client];
    struct entry e;
    rig_pump(client);
    if (c->next == c->count)
        fail_msg("%c is missing", type);
    const struct rig_packet *p = &c->packets[c->next++ % RIG_MESSAGES];
    assert_int_equal(p->type, 'S');
    if (p->payload[0] != (uint8_t)type)
        fail_msg("%c instead of %c", p->payload[0], type);
    assert_int_equal(entry_read(rig.protocol, ENTRY_OUT, p->payload, p->length, &e), ENTRY_READ);
    return e;
}

static inline struct rig_packet rig_expect_packet(uint32_t client, char type)
{
    struct rig_client *c = &rig.clients[client];
    rig_pump(client);
    if (c->next == c->count)
        fail_msg("packet %c is missing", type);
    const struct rig_packet *p = &c->packets[c->next++ % RIG_MESSAGES];
    if (p->type != type)
        fail_msg("packet %c instead of %c", p->type, type);
    return *p;
}

static inline void rig_silence(uint32_t client)
{
    struct rig_client *c = &rig.clients[client];
    rig_pump(client);
    if (c->next != c->count)
        fail_msg("unexpected %c%c", c->packets[c->next % RIG_MESSAGES].type,
                 c->packets[c->next % RIG_MESSAGES].payload[0]);
}

static inline uint64_t rig_int(const uint8_t *p, uint32_t bytes)
{
    uint64_t v = 0;
    while (bytes--)
        v = v << 8 | *p++;
    return v;
}

// The next published message, which must be of this type.
static inline const uint8_t *rig_line(char type)
{
    if (rig.itch_next == rig.itch_count)
        fail_msg("ITCH %c is missing", type);
    const uint8_t *m = rig.itch[rig.itch_next++].m;
    if (m[0] != (uint8_t)type)
        fail_msg("ITCH %c instead of %c", m[0], type);
    return m;
}

static inline void rig_line_silence(void)
{
    if (rig.itch_next != rig.itch_count)
        fail_msg("unexpected ITCH %c", rig.itch[rig.itch_next].m[0]);
}

// The replayed market. Its own echo on the lines is left for the test to look at.
static inline void rig_market_add(uint64_t reference, char side, uint32_t shares, uint32_t price)
{
    uint8_t m[ITCH_MAX];
    struct itch_common c = {1, 0, rig.day_ns};
    struct itch_order o = {reference, shares, price, side};
    bourse_market(rig.b, m, itch_add(m, &c, (const uint8_t *)"AAPL    ", &o, NULL));
}

static inline uint32_t rig_records(enum bourse_event event)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rig.record_count && i < RIG_MESSAGES; i++)
        n += rig.records[i].event == event;
    return n;
}
