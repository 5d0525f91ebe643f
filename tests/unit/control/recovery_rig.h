// A re-request client between a lane and its servers: the test is both. Time is virtual, the
// servers are sockets of the loopback, messages are their own number.
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/control/recovery.h"
#include "dataplane/wire/mold64.h"

enum { RIG_SERVERS = 2, RIG_BLOCK = 2 + 8, RIG_WAIT_MS = 5000 };

static const uint64_t us = 1000; // in ns
static const uint8_t rig_session[SESSION_LEN] = "SESSION001";

struct rig {
    struct recovery recovery;
    struct lane lane; // its ring of answers
    struct main_counters count;
    struct lane_answer ring[LANE_RING_LEN];
    int servers[RIG_SERVERS];
    uint64_t requests_read;
    uint64_t now; // ns
    // The lane.
    uint64_t next; // first message it does not have
    bool keeps;    // holds on to the buffers
    struct frame kept[RECOVERY_BUFFERS];
    uint32_t kept_count;
    uint32_t failures;
    uint64_t failed_from;
};

struct rig_ask {
    uint32_t server;
    uint64_t first;
    uint32_t count;
    struct sockaddr_in from;
};

static struct rig rig;

static inline struct config_recovery rig_config(void)
{
    return (struct config_recovery){.server_count = 1,
                                    .via = CONFIG_VIA_KERNEL,
                                    .retry_ms = 20,
                                    .retries = 2,
                                    .rate_per_s = 1000000,
                                    .messages_max = 64};
}

// Servers on 127.0.0.1 and 127.0.0.2.
static inline void rig_open(struct config_recovery config)
{
    struct error err = {0};
    memset(&rig, 0, sizeof rig);
    spsc_init(&rig.lane.answers, rig.ring, LANE_RING_LEN, sizeof rig.ring[0]);
    for (uint32_t i = 0; i < RIG_SERVERS; i++) {
        struct sockaddr_in at = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK + i)};
        socklen_t len = sizeof at;
        rig.servers[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(rig.servers[i], (struct sockaddr *)&at, len), 0);
        assert_int_equal(getsockname(rig.servers[i], (struct sockaddr *)&at, &len), 0);
        config.servers[i] =
            (struct config_endpoint){.ip = INADDR_LOOPBACK + i, .port = ntohs(at.sin_port)};
    }
    assert_true(
        recovery_init(&rig.recovery, &config, 3, &feed_itch50, &rig.lane, &rig.count, &err));
    rig.now = 1000000 * us;
}

// Every buffer is free, with the lane, or in a part.
static inline void rig_assert_buffers(void)
{
    const struct recovery *r = &rig.recovery;
    uint32_t buffers = r->free_count + rig.kept_count;
    struct lane_answer waiting;
    struct spsc ring = rig.lane.answers; // looked at, not taken
    while (spsc_pop(&ring, &waiting))
        buffers += waiting.kind == ANSWER_FRAME;
    for (uint32_t i = 0; i < r->part_count; i++)
        buffers += r->parts[i].len > 0;
    assert_int_equal(buffers, RECOVERY_BUFFERS);
}

static inline void rig_close(void)
{
    if (rig.recovery.config.server_count)
        rig_assert_buffers();
    for (uint32_t i = 0; i < RIG_SERVERS; i++)
        close(rig.servers[i]);
    recovery_close(&rig.recovery);
}

static inline void rig_request(uint64_t first, uint64_t count)
{
    struct feed_request request = {
        .kind = FEED_REQUEST_MESSAGES, .channel = 3, .sequence = first, .count = count};
    memcpy(request.session, rig_session, SESSION_LEN);
    recovery_request(&rig.recovery, &request);
    rig.next = first;
}

// --- a server ---

// The next request that reached a server; false when there is none on its way.
static inline bool rig_asked(struct rig_ask *ask)
{
    struct pollfd p[RIG_SERVERS];
    uint8_t bytes[64];
    if (rig.requests_read == rig.count.requests_sent)
        return false;
    for (uint32_t i = 0; i < RIG_SERVERS; i++)
        p[i] = (struct pollfd){.fd = rig.servers[i], .events = POLLIN};
    assert_true(poll(p, RIG_SERVERS, RIG_WAIT_MS) > 0);
    ask->server = p[0].revents ? 0 : 1;
    socklen_t len = sizeof ask->from;
    assert_int_equal(recvfrom(rig.servers[ask->server], bytes, sizeof bytes, 0,
                              (struct sockaddr *)&ask->from, &len),
                     MOLD64_REQUEST_LEN);
    assert_memory_equal(bytes, rig_session, SESSION_LEN);
    ask->first = be64_load(bytes + 10);
    ask->count = be16_load(bytes + 18);
    rig.requests_read++;
    return true;
}

static inline void rig_send(const struct rig_ask *to, const uint8_t *bytes, uint32_t len)
{
    struct pollfd p = {.fd = rig.recovery.fd, .events = POLLIN};
    assert_int_equal(sendto(rig.servers[to->server], bytes, len, 0,
                            (const struct sockaddr *)&to->from, sizeof to->from),
                     len);
    assert_int_equal(poll(&p, 1, RIG_WAIT_MS), 1);
}

// A packet of <count> messages that says it has <says>. Returns its length.
static inline uint32_t rig_packet(uint8_t *p, uint64_t first, uint32_t count, uint32_t says)
{
    mold64_request_write(p, rig_session, first, (uint16_t)says); // the same header
    uint32_t len = MOLD64_HEADER_LEN;
    for (uint32_t i = 0; i < count; i++, len += RIG_BLOCK) {
        be16_store(p + len, 8);
        be64_store(p + len + 2, first + i);
    }
    return len;
}

static inline void rig_answer(const struct rig_ask *to, uint64_t first, uint32_t count)
{
    uint8_t bytes[MOLD64_HEADER_LEN + 128 * RIG_BLOCK];
    assert_true(count <= 128);
    rig_send(to, bytes, rig_packet(bytes, first, count, count));
}

// --- the lane ---

// Each answer goes on where the one before ended: nothing missing, nothing in vain.
static inline void rig_frame(const struct lane_answer *answer)
{
    struct mold64_header h;
    struct mold64_walk walk;
    struct mold64_block block;
    assert_int_equal(answer->channel, 3);
    assert_true(mold64_parse(answer->frame.data, answer->frame.len, &h));
    assert_in_range(h.sequence, 1, rig.next);
    mold64_walk_begin(&walk, answer->frame.data, answer->frame.len, &h);
    for (uint64_t number = h.sequence; mold64_next(&walk, &block); number++) {
        assert_true(be64_load(block.data) == number);
        if (number == rig.next)
            rig.next++;
    }
    assert_true(h.sequence < rig.next);
    rig.kept[rig.kept_count++] = answer->frame;
}

static inline void rig_return(void)
{
    while (rig.kept_count)
        recovery_return(&rig.recovery, &rig.kept[--rig.kept_count]);
}

static inline uint32_t rig_lane(void)
{
    struct lane_answer answer;
    uint32_t taken = 0;
    for (; spsc_pop(&rig.lane.answers, &answer); taken++) {
        if (answer.kind == ANSWER_FAILED) {
            rig.failures++;
            rig.failed_from = answer.sequence;
            continue;
        }
        const uint64_t before = rig.next;
        rig_frame(&answer);
        assert_true(rig.next > before);
    }
    if (!rig.keeps)
        rig_return();
    return taken;
}

static inline void rig_turn(uint64_t after_us)
{
    rig.now += after_us * us;
    recovery_turn(&rig.recovery, rig.now);
}
