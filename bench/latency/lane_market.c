// The exchange's market data for the lane under test: ITCH 5.0 over MoldUDP64.
#include <string.h>

#include "bench/latency/lane_world.h"
#include "bench/latency/lane_wire.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/wire/frame_build.h"

enum { SHARES_DEEP = 1000, SHARES_THIN = 100, LEVELS = 20, TICK = 100, BASE = 1000000 };

// --- packets ---

static void packet_push(struct lane_world *w)
{
    uint8_t frame[PORT_FRAME_MAX];
    const struct frame_udp_out out = {.src_mac = lane_venue_mac,
                                      .dst_mac = (const uint8_t[]){1, 0, 0x5e, 0, 0, 1},
                                      .src_ip = LANE_VENUE_IP,
                                      .dst_ip = LANE_GROUP,
                                      .src_port = 1,
                                      .dst_port = LANE_GROUP_PORT,
                                      .vlan = FRAME_NO_VLAN};
    if (w->packet_count == 0)
        return;
    memcpy(w->packet, "BENCH     ", 10);
    be64_store(w->packet + 10, w->sequence);
    be16_store(w->packet + 18, (uint16_t)w->packet_count);
    w->sequence += w->packet_count;
    if (w->sockets)
        w->sockets->datagram(w, w->packet, w->packet_len);
    else
        lane_wire_push(w, frame, frame_udp_build(frame, &out, w->packet, (uint16_t)w->packet_len));
    w->packet_len = w->packet_count = 0;
}

// Room for a message of <len> bytes of <locate>, zero but for its head.
static uint8_t *message(struct lane_world *w, char type, uint32_t len, uint16_t locate)
{
    if (w->packet_len == 0)
        w->packet_len = 20;
    MUST(w->packet_len + 2 + len <= LANE_PACKET_MAX);
    uint8_t *p = w->packet + w->packet_len + 2;
    be16_store(p - 2, (uint16_t)len);
    memset(p, 0, len);
    p[0] = (uint8_t)type;
    be16_store(p + 1, locate);
    w->packet_len += len + 2;
    w->packet_count++;
    return p;
}

// Sends what is collected before a message of up to 40 bytes would not fit any more.
static void flush_full(struct lane_world *w)
{
    if (w->packet_len + 42 <= LANE_PACKET_MAX)
        return;
    packet_push(w);
    lane_world_settle(w);
}

void lane_symbol_name(char name[8], uint32_t locate)
{
    memset(name, ' ', 8);
    name[0] = 'S';
    for (uint32_t i = 4; i > 0; i--, locate /= 26)
        name[i] = (char)('A' + locate % 26);
}

static uint64_t add(struct lane_world *w, uint16_t locate, char side, uint32_t shares,
                    uint32_t price)
{
    uint8_t *p = message(w, 'A', 36, locate);
    be64_store(p + 11, ++w->ref);
    p[19] = (uint8_t)side;
    be32_store(p + 20, shares);
    lane_symbol_name((char *)p + 24, locate);
    be32_store(p + 32, price);
    return w->ref;
}

// --- the other symbols ---

// Prices gather at the touch, as in a real book: half of all orders are within two ticks of it.
static void resting_add(struct lane_world *w, struct lane_resting *r)
{
    const uint32_t others = w->symbols - LANE_WATCHED;
    const uint32_t a = random_below(&w->random, LEVELS), b = random_below(&w->random, LEVELS);
    const uint32_t away = (a < b ? a : b) * TICK;
    const bool buys = random_next(&w->random) & 1;
    r->locate = (uint16_t)(LANE_WATCHED + 1 + random_below(&w->random, others));
    r->ref = add(w, r->locate, buys ? 'B' : 'S', 100 * (1 + random_below(&w->random, 9)),
                 buys ? BASE - away : BASE + TICK + away);
}

void lane_market_open(struct lane_world *w, uint32_t live)
{
    for (uint32_t locate = 1; locate <= w->symbols; locate++) {
        uint8_t *p = message(w, 'R', 39, (uint16_t)locate);
        lane_symbol_name((char *)p + 11, locate);
        flush_full(w);
        p = message(w, 'H', 25, (uint16_t)locate);
        lane_symbol_name((char *)p + 11, locate);
        p[19] = 'T';
        flush_full(w);
    }
    for (uint32_t locate = 1; locate <= LANE_WATCHED; locate++)
        for (uint32_t level = 0; level < LEVELS; level++) {
            add(w, (uint16_t)locate, 'B', SHARES_DEEP, LANE_TOUCH_BID - level * TICK);
            flush_full(w);
            add(w, (uint16_t)locate, 'S', SHARES_DEEP, LANE_TOUCH_ASK + level * TICK);
            flush_full(w);
        }
    for (uint32_t i = 0; i < live && w->symbols > LANE_WATCHED; i++) {
        resting_add(w, &w->resting[w->resting_count++]);
        flush_full(w);
    }
    packet_push(w);
    lane_world_settle(w);
}

void lane_market_noise(struct lane_world *w, uint32_t messages)
{
    for (uint32_t i = 0; i + 2 <= messages && w->resting_count; i += 2) {
        struct lane_resting *r = &w->resting[random_below(&w->random, w->resting_count)];
        be64_store(message(w, 'D', 19, r->locate) + 11, r->ref);
        resting_add(w, r);
        flush_full(w);
    }
    packet_push(w);
}

// --- the watched symbols ---

uint64_t lane_market_trigger(struct lane_world *w, uint16_t locate, bool up)
{
    const uint64_t ref = add(w, locate, up ? 'S' : 'B', SHARES_THIN, LANE_TOUCH_MIDDLE);
    packet_push(w);
    return ref;
}

uint32_t lane_market_touch(struct lane_world *w, uint16_t locate)
{
    uint64_t *ref = &w->touches[locate];
    if (*ref) {
        be64_store(message(w, 'D', 19, locate) + 11, *ref);
        *ref = 0;
    } else { // as deep as the other side: no strategy takes from either
        *ref = add(w, locate, 'B', SHARES_DEEP, LANE_TOUCH_MIDDLE);
    }
    packet_push(w);
    return *ref ? LANE_TOUCH_MIDDLE : LANE_TOUCH_BID;
}

void lane_market_executed(struct lane_world *w, uint16_t locate, uint64_t ref)
{
    uint8_t *p = message(w, 'E', 31, locate);
    be64_store(p + 11, ref);
    be32_store(p + 19, SHARES_THIN);
    be64_store(p + 23, w->venue.match);
    packet_push(w);
}
