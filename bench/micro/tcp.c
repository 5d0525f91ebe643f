// bench-tcp: what the fast path of a session's TCP costs: an approved payload becomes a frame that
// could go to the transmit ring, the way a venue sends it (tcp_send_ready, tcp_frame).
//
// The peer acknowledges every frame before the next one, outside the measured stretch, as with one
// order out at a time. Times are taken per batch with the time stamp counter, whose own cost is
// shared by the frames of a batch.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/rig.h"
#include "dataplane/base/clock.h"
#include "dataplane/tcp/tcp.h"
#include "dataplane/wire/frame_build.h"

enum { BATCH = 16, FRAME_ROOM = 2048, PAYLOAD_MAX = 1448 };

static struct tcp conn;
static struct tcp_config config;
static uint8_t frames[BATCH][FRAME_ROOM];
static uint8_t payload[PAYLOAD_MAX];
static uint64_t checked;

static void die(const char *what)
{
    fprintf(stderr, "bench-tcp: %s\n", what);
    exit(EXIT_FAILED);
}

static void answer(uint8_t flags, uint32_t ack, uint64_t now_ns)
{
    struct tcp_runs runs;
    struct tcp_segment s = {
        .seq = flags & TCP_SYN ? 1 : 2,
        .ack = ack,
        .flags = flags,
        .window = 65000,
        .options = TCP_HAS_MSS | TCP_HAS_SHIFT | TCP_HAS_SACK_OK | TCP_HAS_TIMESTAMP,
        .mss = 1460,
        .shift = 2,
        .ts_value = 1 + (uint32_t)(now_ns >> 20),
        .ts_echo = (uint32_t)(now_ns >> 20),
    };
    if (!config.timestamps)
        s.options &= (uint8_t)~TCP_HAS_TIMESTAMP;
    tcp_input(&conn, &s, now_ns, &runs);
}

static void session_open(bool timestamps, bool card, uint64_t now_ns)
{
    static const uint8_t mac[FRAME_MAC_LEN] = {2, 0, 0, 0, 0, 9};
    struct error err = {0};
    uint32_t isn = 1000;
    tcp_config_default(&config);
    config.local_ip = 0x0a000001;
    config.remote_ip = 0x0a000002;
    config.remote_port = 9000;
    config.timestamps = timestamps;
    config.sums_by_card_out = card;
    void *memory = calloc(1, tcp_memory_bytes(&config));
    if (memory == NULL)
        die("out of memory");
    if (!tcp_init(&conn, &config, memory, "bench", &err))
        die(err.text);
    tcp_neighbour_set(&conn, mac);
    if (!tcp_connect(&conn, 40000, isn, 0, now_ns))
        die("no connection");
    while (tcp_output(&conn, now_ns, frames[0]))
        continue;
    answer(TCP_SYN | TCP_ACK, isn + 1, now_ns);
    if (conn.state != TCP_ESTABLISHED)
        die("no connection");
}

static void session_close(void)
{
    free(conn.send_ring);
}

// A call of its own, so that callgrind can tell it from the rest.
static __attribute__((noinline)) uint32_t batch_send(uint32_t n, uint32_t len, uint64_t now_ns)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        if (tcp_send_ready(&conn, len))
            sum += tcp_frame(&conn, payload, len, now_ns, frames[i]);
    return sum;
}

// Whole and right, but for the checksum that the card would fill in.
static void batch_check(uint32_t n, uint32_t len, bool card)
{
    for (uint32_t i = 0; i < n; i++) {
        struct frame_udp ip;
        struct tcp_segment s;
        uint32_t frame_len = conn.head_len + len;
        if (frame_parse(frames[i], frame_len, &ip) != FRAME_NOT_UDP || !frame_ip_checksum_ok(&ip) ||
            tcp_parse(&ip, card, &s) != TCP_SEGMENT || s.payload_len != len ||
            memcmp(s.payload, payload, len) != 0)
            die("a frame is wrong");
        checked++;
    }
}

static double ns_of(uint64_t ticks, uint64_t hz)
{
    return (double)ticks * 1e9 / (double)hz;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void run(const char *name, uint32_t n, uint32_t len, bool timestamps, bool card,
                uint64_t count)
{
    uint64_t batches = count / n, now_ns = 1000000000;
    uint64_t *ticks = malloc(batches * sizeof *ticks);
    if (ticks == NULL)
        die("out of memory");
    session_open(timestamps, card, now_ns);
    checked = 0;
    for (uint64_t i = 0; i < batches; i++) {
        payload[i % len]++;
        uint64_t start = clock_tsc();
        uint32_t sent = batch_send(n, len, now_ns);
        ticks[i] = clock_tsc() - start;
        if (sent == 0 || conn.count.refused_window + conn.count.refused_congestion)
            die("a send was refused");
        if (i % 64 == 0)
            batch_check(n, len, card);
        now_ns += 20000;
        answer(TCP_ACK, conn.snd_nxt, now_ns);
        while (conn.due && tcp_output(&conn, now_ns, frames[0]))
            continue;
    }
    session_close();
    qsort(ticks, batches, sizeof *ticks, compare);
    struct clock_calibration clock;
    clock_calibrate(&clock, 50);
    uint64_t hz = clock.tsc_hz;
    uint64_t p50 = batches / 2, p99 = batches * 99 / 100;
    printf("tcp_frame case=%s at_once=%u payload=%u messages=%lu p50_ns=%.1f p99_ns=%.1f "
           "checked=%lu\n",
           name, n, len, batches * n, ns_of(ticks[p50], hz) / n, ns_of(ticks[p99], hz) / n,
           checked);
    free(ticks);
}

static void counter_cost(void)
{
    enum { COUNT = 10000 };
    static uint64_t ticks[COUNT];
    struct clock_calibration clock;
    clock_calibrate(&clock, 50);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint64_t start = clock_tsc();
        ticks[i] = clock_tsc() - start;
    }
    qsort(ticks, COUNT, sizeof *ticks, compare);
    uint64_t p50 = ticks[COUNT / 2];
    printf("counter p50_ns=%.1f\n", ns_of(p50, clock.tsc_hz));
}

int main(int argc, char **argv)
{
    uint64_t count = option(argc, argv, "--messages", 2000000);
    uint32_t len = (uint32_t)option(argc, argv, "--payload", 0);
    if (len > PAYLOAD_MAX || count < BATCH) {
        fprintf(stderr, "usage: tcp [--messages N] [--payload 1..%d]\n", PAYLOAD_MAX);
        return EXIT_USAGE;
    }
    memset(payload, 'x', sizeof payload);
    if (len) {
        run("timestamps", BATCH, len, true, false, count);
        return EXIT_OK;
    }
    // One at a time the reading of the counter is in the figure: shown by itself first.
    counter_cost();
    run("timestamps", 1, 52, true, false, count / 4);
    run("timestamps", BATCH, 52, true, false, count);
    run("plain", BATCH, 52, false, false, count);
    run("card", BATCH, 52, true, true, count);
    run("timestamps", BATCH, 200, true, false, count);
    return EXIT_OK;
}
