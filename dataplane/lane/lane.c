// Hot path. The poll loop of a lane, top down in the order of the data.
#include "dataplane/lane/lane.h"

#include "dataplane/lane/answer.h"
#include "dataplane/lane/desk_signal.h"
#include "dataplane/lane/desk_strategy.h"
#include "dataplane/lane/desk_warm.h"
#include "dataplane/lane/lane_event.h"
#include "dataplane/wire/frame.h"

// --- where a frame goes ---

HOT_INLINE uint32_t route_hash(uint32_t ip, uint16_t udp_port)
{
    uint32_t h = (ip ^ ((uint32_t)udp_port << 16 | udp_port)) * 0x9E3779B1u;
    return h >> 24;
}
_Static_assert(LANE_DEMUX_MAX == 256, "route_hash gives eight bits");

HOT_INLINE const struct lane_route *route_find(const struct lane *lane, uint32_t ip,
                                               uint16_t udp_port, uint8_t port)
{
    for (uint32_t at = route_hash(ip, udp_port);; at++) {
        const struct lane_route *r = &lane->routes[at % LANE_DEMUX_MAX];
        if (!r->used)
            return NULL;
        if (r->ip == ip && r->udp_port == udp_port && r->port == port)
            return r;
    }
}

bool lane_route_add(struct lane *lane, uint8_t port, uint32_t ip, uint16_t udp_port,
                    uint8_t channel, uint8_t line)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < LANE_DEMUX_MAX; i++)
        used += lane->routes[i].used;
    if (used >= LANE_DEMUX_MAX / 2 || route_find(lane, ip, udp_port, port))
        return false;
    uint32_t at = route_hash(ip, udp_port);
    while (lane->routes[at % LANE_DEMUX_MAX].used)
        at++;
    lane->routes[at % LANE_DEMUX_MAX] = (struct lane_route){.ip = ip,
                                                            .udp_port = udp_port,
                                                            .channel = channel,
                                                            .line = line,
                                                            .port = port,
                                                            .used = true};
    return true;
}

// --- frames ---

// Not market data: the main lcore answers ARP and IGMP and reads what re-request servers say.
static COLD bool frame_hand_over(struct lane *lane, uint8_t port, const struct frame *frame)
{
    struct lane_note note = {.kind = NOTE_FRAME, .port = port, .frame = *frame};
    lane->count->frames_slow++;
    // Half of the ring is kept for requests and for buffers that come back, which may not get lost.
    bool taken = spsc_room(&lane->notes, LANE_RING_LEN / 2) && spsc_push(&lane->notes, &note);
    lane->count->frames_slow_dropped += !taken;
    return taken;
}

// Cold for the sake of datagrams, which then keep their registers. What sessions say comes along
// here, too, and is parsed again behind it.
static COLD bool frame_refused(struct lane *lane, uint8_t port, const struct frame *frame,
                               enum frame_code code)
{
    if (code == FRAME_NOT_UDP && lane->desk &&
        desk_frame(lane->desk, frame, !lane->verify_checksums))
        return false;
    switch (code) {
    case FRAME_ARP:
    case FRAME_IGMP: return frame_hand_over(lane, port, frame);
    case FRAME_FRAGMENT: lane->count->frames_fragment++; break;
    case FRAME_TRUNCATED:
    case FRAME_BAD_HEADER: lane->count->frames_bad++; break;
    default: lane->count->frames_foreign++; break;
    }
    return false;
}

// A datagram that is no channel's.
static COLD bool frame_elsewhere(struct lane *lane, uint8_t port, const struct frame *frame,
                                 const struct frame_udp *udp)
{
    if (lane->desk && desk_signal_frame(lane->desk, port, udp))
        return false;
    // Unicast to us may be an answer to a request that went through this port.
    if (!(udp->dst_mac[0] & 1))
        return frame_hand_over(lane, port, frame);
    lane->count->frames_foreign++;
    return false;
}

// True: somebody else owns the frame now.
HOT_INLINE bool frame_take(struct lane *lane, const struct port *port, const struct frame *frame)
{
    struct frame_udp udp;
    lane->count->bytes += frame->len;
    lane->input++;
    if (UNLIKELY(frame->flags)) {
        lane->count->frames_jumbo += (frame->flags & FRAME_SEGMENTED) != 0;
        lane->count->frames_bad_checksum += (frame->flags & FRAME_BAD_SUM) != 0;
        return false;
    }
    enum frame_code code = frame_parse(frame->data, frame->len, &udp);
    if (UNLIKELY(code != FRAME_UDP))
        return frame_refused(lane, port->index, frame, code);
    if (lane->verify_checksums &&
        UNLIKELY(!frame_ip_checksum_ok(&udp) || !frame_udp_checksum_ok(&udp))) {
        lane->count->frames_bad_checksum++;
        return false;
    }
    const struct lane_route *route = route_find(lane, udp.dst_ip, udp.dst_port, port->index);
    if (UNLIKELY(route == NULL))
        return frame_elsewhere(lane, port->index, frame, &udp);
    return channel_datagram(lane->channels[route->channel], route->line, udp.payload,
                            udp.payload_len, frame, lane->stamp);
}

// The channel that <frame> will be offered to has it as a hint from now on; null where it is none
// of a channel's.
HOT_INLINE struct channel *frame_expect(const struct lane *lane, const struct port *port,
                                        const struct frame *frame)
{
    struct frame_udp udp;
    if (UNLIKELY(frame->flags) || frame_parse(frame->data, frame->len, &udp) != FRAME_UDP)
        return NULL;
    const struct lane_route *route = route_find(lane, udp.dst_ip, udp.dst_port, port->index);
    if (UNLIKELY(route == NULL))
        return NULL;
    struct channel *ch = lane->channels[route->channel];
    channel_expect(ch, udp.payload, udp.payload_len);
    return ch;
}

// Messages delivered by any channel so far.
HOT_INLINE uint64_t delivered(const struct lane *lane)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < lane->channel_count; i++)
        sum += lane->channels[i]->count->messages;
    return sum;
}

// The frames of a burst are asked for together; each is then worked through to the end.
uint32_t lane_burst(struct lane *lane, uint16_t input)
{
    struct frame frames[PORT_BURST];
    const struct lane_input *in = &lane->inputs[input];
    struct port *port = in->port;
    uint16_t n = port->ops->receive(port, in->queue, frames, PORT_BURST);
    if (n == 0)
        return 0;
    for (uint16_t i = 0; i < n; i++)
        PREFETCH(frames[i].data);
    lane->stamp = lane->now(lane->clock);
    lane->input++; // the burst boundary and its clock sample
    lane->count->frames += n;
    for (uint16_t i = 0; i < n; i++) {
        struct channel *ch = i + 1 < n ? frame_expect(lane, port, &frames[i + 1]) : NULL;
        frames[i].input = input;
        if (!frame_take(lane, port, &frames[i]))
            port->ops->release(port, &frames[i]);
        if (ch)
            channel_expect(ch, NULL, 0); // the frame may be given back before the hint is used
        if (lane->desk)
            desk_market(lane->desk);
    }
    const uint64_t messages = delivered(lane);
    if (messages != lane->delivered) { // copies of what the other line brought are no books
        lane->delivered = messages;
        histogram_record(&lane->histograms->frame_to_book, lane->now(lane->clock) - lane->stamp);
    }
    return n;
}

// --- the loop ---

// A burst that is not full has emptied the ring of what had arrived by <now>, when the turn began.
// Behind full ones there may be more; in the end it has come through the whole ring.
HOT_INLINE void input_received(struct lane_input *in, uint32_t n, uint64_t now)
{
    if (LIKELY(n < PORT_BURST)) {
        in->emptied = now;
        in->full = 0;
    } else if (in->full == 0) {
        in->full_at = now;
        in->full = LANE_BEHIND_MAX;
    } else if (--in->full == 0) {
        in->emptied = in->full_at;
    }
}

static COLD void timers_run(struct lane *lane, uint64_t now)
{
    uint64_t received = now;
    for (uint32_t i = 0; i < lane->input_count; i++)
        received = lane->inputs[i].emptied < received ? lane->inputs[i].emptied : received;
    uint64_t earliest = UINT64_MAX;
    lane->input++;
    lane->stamp = now;
    for (uint32_t i = 0; i < lane->channel_count; i++) {
        struct channel *ch = lane->channels[i];
        if (now >= ch->deadline)
            channel_timers(ch, now, received);
        if (ch->deadline < earliest)
            earliest = ch->deadline;
    }
    lane->deadline = earliest;
}

// Deadlines move when packets come: the earliest is worked out again after every busy turn.
HOT_INLINE void deadline_review(struct lane *lane)
{
    uint64_t earliest = UINT64_MAX;
    for (uint32_t i = 0; i < lane->channel_count; i++)
        earliest = lane->channels[i]->deadline < earliest ? lane->channels[i]->deadline : earliest;
    lane->deadline = earliest;
}

// Gauges of the channels' books, for readers.
static COLD void gauges_publish(struct lane *lane, uint64_t now)
{
    lane->gauges_at = now + lane->gauges_ticks;
    for (uint32_t i = 0; i < lane->channel_count; i++)
        channel_gauges(lane->channels[i]);
}

uint32_t lane_turn(struct lane *lane, uint64_t now)
{
    uint32_t work = 0;
    for (uint32_t i = 0; i < lane->input_count; i++) {
        const uint32_t n = lane_burst(lane, (uint16_t)i);
        input_received(&lane->inputs[i], n, now);
        work += n;
    }
    // What follows happens after the frames: time does not go back.
    if (now < lane->stamp)
        now = lane->stamp;
    work += answers_take(lane, now);
    if (UNLIKELY(command_rung(lane->bell, &lane->bell_seen)))
        work += commands_take(lane);
    if (work)
        deadline_review(lane);
    if (UNLIKELY(now >= lane->deadline))
        timers_run(lane, now);
    if (UNLIKELY(now >= lane->gauges_at))
        gauges_publish(lane, now);
    if (lane->desk) {
        work += desk_turn(lane->desk, now);
        if (work == 0)
            desk_idle(lane->desk, now);
    }
    return work;
}

void lane_begin(struct lane *lane, uint64_t now)
{
    struct event ready = {.type = EVENT_LANE_READY};
    lane->stamp = now;
    ready.lane_ready.tsc_hz = lane->tsc_hz;
    lane_event(lane, &ready);
}

void lane_account(struct lane *lane, uint32_t work, uint64_t now, uint64_t end)
{
    lane->count->polls++;
    if (work == 0)
        return;
    lane->count->polls_busy++;
    lane->count->busy_ticks += end - now;
    lane->count->inputs = lane->input;
    histogram_record(&lane->histograms->poll, end - now);
    if (end - now > lane->count->poll_ticks_max)
        lane->count->poll_ticks_max = end - now;
}

void lane_end(struct lane *lane, uint64_t now)
{
    for (uint32_t i = 0; i < lane->channel_count; i++)
        channel_drop_held(lane->channels[i]);
    gauges_publish(lane, now);
    struct event stopped = {.type = EVENT_LANE_STOPPED};
    stopped.lane_stopped.inputs = lane->input;
    lane_event(lane, &stopped);
}

void lane_run(struct lane *lane)
{
    uint64_t now = lane->now(lane->clock);
    lane_begin(lane, now);
    while (!atomic_load_explicit(&lane->stop, memory_order_relaxed)) {
        const uint32_t work = lane_turn(lane, now);
        uint64_t end = lane->now(lane->clock);
        lane_account(lane, work, now, end);
        if (work == 0) {
            lane_idle(lane);
            end = lane->now(lane->clock); // what was slept is no part of the next turn
        }
        now = end;
    }
    lane_end(lane, now);
}
