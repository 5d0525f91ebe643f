// The fast path: from a payload that has been approved to a frame, by patching the template.
#include <string.h>

#include "dataplane/tcp/parts.h"
#include "dataplane/wire/frame_build.h"

bool tcp_send_refused(struct tcp *c, uint32_t len)
{
    if (c->state != TCP_ESTABLISHED)
        c->count.refused_state++;
    else if (!c->neighbour)
        c->count.refused_neighbour++;
    else if (len > c->mss)
        c->count.refused_length++;
    else if (tcp_flight(c) + len > c->send_mask)
        c->count.refused_buffer++;
    else if (tcp_flight(c) + len > c->snd_wnd) {
        c->count.refused_window++;
        if (len > c->want)
            c->want = len;
        // The clock is not here: tcp_timers arms the probe if nothing is out that asks for it.
        if (c->rto_at_ns == UINT64_MAX)
            c->deadline_ns = 0;
    } else {
        c->count.refused_congestion++;
    }
    return false;
}

// Keeps the payload where retransmissions find it.
HOT_INLINE void ring_put(struct tcp *c, const uint8_t *payload, uint32_t len)
{
    uint32_t at = c->snd_nxt & c->send_mask;
    uint32_t first = c->send_mask + 1 - at;
    if (LIKELY(len <= first)) {
        memcpy(c->send_ring + at, payload, len);
        return;
    }
    memcpy(c->send_ring + at, payload, first);
    memcpy(c->send_ring, payload + first, len - first);
}

uint32_t tcp_frame(struct tcp *c, const void *payload, uint32_t len, uint64_t now_ns, void *out)
{
    if (UNLIKELY(len > c->room || len > c->mss || len == 0))
        return 0;
    uint8_t *frame = out;
    uint8_t *ip = frame + c->eth_len;
    uint8_t *tcp = ip + FRAME_IP_LEN;
    uint16_t tcp_len = (uint16_t)(c->head_len - c->eth_len - FRAME_IP_LEN + len);
    uint16_t ip_len_be = __builtin_bswap16((uint16_t)(tcp_len + FRAME_IP_LEN));
    uint32_t seq_be = __builtin_bswap32(c->snd_nxt);

    memcpy(frame, c->head, TCP_HEAD_MAX);
    memcpy(frame + c->head_len, payload, len);
    ring_put(c, payload, len);
    memcpy(ip + 2, &ip_len_be, 2);
    checksum_store(ip + 10, checksum_finish((uint64_t)c->ip_sum + ip_len_be));
    memcpy(tcp + 4, &seq_be, 4);
    uint64_t sum = (uint64_t)c->head_sum + seq_be + __builtin_bswap16(tcp_len);
    if (c->timestamps) {
        uint32_t tick_be = __builtin_bswap32(tcp_tick(c, now_ns));
        memcpy(tcp + TCP_HEADER_LEN + 4, &tick_be, 4);
        sum += tick_be;
    }
    if (c->sums_by_card)
        checksum_store(tcp + 16,
                       checksum_fold((uint64_t)c->pseudo_sum + __builtin_bswap16(tcp_len)));
    else
        checksum_store(tcp + 16, checksum_finish(checksum_add(sum, payload, len)));

    if (c->snd_una == c->snd_nxt) {
        c->oldest_ns = now_ns;
        c->rto_at_ns = now_ns + c->rto_ns;
        c->deadline_ns = ns_min(c->deadline_ns, c->rto_at_ns);
    }
    c->snd_nxt += len;
    c->room -= len;
    PREFETCHW(c->send_ring + ((c->snd_nxt + CACHE_LINE) & c->send_mask)); // for the next one
    if (c->timed_ns == 0) {
        c->timed_ns = now_ns;
        c->timed_seq = c->snd_nxt;
    }
    // The frame acknowledges too; a duplicate acknowledgement only counts without data.
    if (LIKELY(c->hole_count == 0)) {
        c->due &= (uint8_t)~TCP_DUE_ACK;
        c->ack_at_ns = UINT64_MAX;
        c->unacked = 0;
    }
    c->last_ack = c->rcv_nxt;
    c->count.segments_out++;
    c->count.bytes_out += len;
    return frame_pad(frame, c->head_len + len);
}

void tcp_frame_undo(struct tcp *c, uint32_t len)
{
    c->snd_nxt -= len;
    if (c->timed_ns && seq_after(c->timed_seq, c->snd_nxt))
        c->timed_ns = 0;
    // Whatever it acknowledged has not been acknowledged.
    c->due |= TCP_DUE_ACK;
    c->count.undone += len;
    room_update(c);
}
