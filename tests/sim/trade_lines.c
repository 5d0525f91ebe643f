// The market data lines of an exchange: what it publishes becomes packets on lines A and B, of
// which some are lost, some on both, and some come late; a server repeats them on request.
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/check.h"
#include "dataplane/wire/frame_build.h"
#include "tests/sim/trade_world.h"

enum {
    HEADER = 20,
    SKEW_NS = 15000,
    LATE_NS = 120000,
    BEAT_NS = 1000000,
    ANSWER_NS = 100000,
    PACKET_MAX = 1100,
    PPM = 1000000,
    GROUP = 0xE9000001,
    UDP_PORT = 26400,
};

static void header_write(const struct trade_venue *v, uint8_t *p, uint64_t sequence, uint32_t count)
{
    memcpy(p, "TRADESIM00", 10);
    p[9] = (uint8_t)('0' + v->index);
    be64_store(p + 10, sequence);
    be16_store(p + 18, (uint16_t)count);
}

void lines_open(struct trade_venue *v)
{
    v->next_sequence = 1;
    v->building_len = HEADER;
    for (uint8_t line = 0; line < TRADE_LINES; line++)
        MUST(lane_route_add(&sim->lane, 0, GROUP + v->index * 2u + line, UDP_PORT, v->index, line));
}

static void arrival_add(struct trade_venue *v, uint32_t packet, uint32_t line, uint64_t later)
{
    if (v->arrival_count == TRADE_ARRIVALS)
        return; // lost, as on a wire
    v->arrivals[v->arrival_count++] = (struct trade_arrival){.due = sim->now + later,
                                                             .order = v->arrival_order++,
                                                             .packet = packet,
                                                             .line = (uint8_t)line};
}

// Sends the packet that is being built on both lines.
static void packet_send(struct trade_venue *v)
{
    const struct trade_config *c = sim->config;
    if (v->packet_count == v->packet_room) {
        v->packet_room = v->packet_room ? 2 * v->packet_room : 1024;
        v->packets = realloc(v->packets, v->packet_room * sizeof *v->packets);
        MUST(v->packets);
    }
    struct trade_packet *p = &v->packets[v->packet_count];
    *p = (struct trade_packet){.sequence = v->next_sequence,
                               .count = v->building_count,
                               .len = v->building_len,
                               .bytes = malloc(v->building_len)};
    MUST(p->bytes);
    header_write(v, v->building, p->sequence, p->count);
    memcpy(p->bytes, v->building, p->len);
    v->next_sequence += p->count;
    v->building_len = HEADER;
    v->building_count = 0;
    v->beat_at = sim->now + BEAT_NS;
    const bool both = trade_draw(PPM) < c->both_loss_ppm && v->packet_count > 0;
    const uint32_t unlucky = trade_draw(TRADE_LINES);
    for (uint32_t line = 0; line < TRADE_LINES && !both; line++) {
        const bool late = trade_draw(PPM) < c->reorder_ppm;
        const bool lost = trade_draw(PPM) < c->line_loss_ppm && line == unlucky;
        if (!lost)
            arrival_add(v, v->packet_count, line,
                        line * trade_draw(SKEW_NS) + (late ? trade_draw(LATE_NS) : 0));
    }
    v->packet_count++;
}

void lines_message(struct trade_venue *v, const uint8_t *message, uint32_t length)
{
    if (v->building_len + 2 + length > PACKET_MAX)
        packet_send(v);
    be16_store(v->building + v->building_len, (uint16_t)length);
    memcpy(v->building + v->building_len + 2, message, length);
    v->building_len += 2 + length;
    v->building_count++;
}

static void frame_push(struct trade_venue *v, uint32_t line, const uint8_t *bytes, uint32_t len)
{
    static const uint8_t from[6] = {2, 0, 0, 0, 0, 9}, to[6] = {1, 0, 0x5e, 0, 0, 1};
    uint8_t frame[PORT_FRAME_MAX];
    const struct frame_udp_out out = {.src_mac = from,
                                      .dst_mac = to,
                                      .src_ip = 0x0A000009,
                                      .dst_ip = GROUP + v->index * 2u + line,
                                      .src_port = 1,
                                      .dst_port = UDP_PORT,
                                      .vlan = FRAME_NO_VLAN};
    // Without a free buffer the port loses it, as a card would.
    (void)port_sim_push(&sim->port, 0, frame, frame_udp_build(frame, &out, bytes, (uint16_t)len), 0,
                        0);
}

static bool earlier(const struct trade_arrival *a, const struct trade_arrival *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void arrivals_push(struct trade_venue *v)
{
    for (;;) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < v->arrival_count; i++)
            if (earlier(&v->arrivals[i], &v->arrivals[first]))
                first = i;
        if (v->arrival_count == 0 || v->arrivals[first].due > sim->now)
            return;
        const struct trade_arrival a = v->arrivals[first];
        v->arrivals[first] = v->arrivals[--v->arrival_count];
        frame_push(v, a.line, v->packets[a.packet].bytes, v->packets[a.packet].len);
    }
}

// --- the server ---

void lines_asked(struct trade_venue *v, const struct feed_request *request)
{
    MUST(request->kind == FEED_REQUEST_MESSAGES &&
         request->sequence + request->count <= v->next_sequence);
    v->asked = true;
    v->ask_next = request->sequence;
    v->ask_end = request->sequence + request->count;
    v->answer_at = sim->now + 1 + trade_draw(ANSWER_NS);
}

// What the packet with the wanted message holds from there on.
static void answer(struct trade_venue *v)
{
    uint32_t i = v->packet_count;
    v->answer_at = sim->now + 1 + trade_draw(ANSWER_NS);
    if (trade_draw(PPM) < sim->config->server_loss_ppm)
        return;
    while (v->packets[--i].sequence > v->ask_next)
        ;
    const struct trade_packet *p = &v->packets[i];
    uint32_t at = HEADER, skip = (uint32_t)(v->ask_next - p->sequence);
    for (uint32_t k = 0; k < skip; k++)
        at += 2u + be16_load(p->bytes + at);
    const uint32_t len = HEADER + p->len - at;
    uint8_t *bytes = malloc(len);
    MUST(bytes);
    header_write(v, bytes, v->ask_next, p->count - skip);
    memcpy(bytes + HEADER, p->bytes + at, p->len - at);
    const struct lane_answer a = {
        .kind = ANSWER_FRAME,
        .channel = v->index,
        .frame = {.data = bytes, .len = len, .input = v->index, .owner = bytes}};
    if (!spsc_push(&sim->lane.answers, &a)) {
        free(bytes);
        return;
    }
    sim->frames_out++;
    v->ask_next += p->count - skip;
    v->asked = v->ask_next < v->ask_end;
}

void lines_step(struct trade_venue *v)
{
    uint8_t beat[HEADER];
    if (v->building_count)
        packet_send(v);
    arrivals_push(v);
    if (sim->now >= v->beat_at) {
        v->beat_at = sim->now + BEAT_NS;
        header_write(v, beat, v->next_sequence, 0);
        for (uint32_t line = 0; line < TRADE_LINES; line++)
            frame_push(v, line, beat, sizeof beat);
    }
    if (v->asked && sim->now >= v->answer_at)
        answer(v);
}

void lines_close(struct trade_venue *v)
{
    for (uint32_t i = 0; i < v->packet_count; i++)
        free(v->packets[i].bytes);
    free(v->packets);
}
