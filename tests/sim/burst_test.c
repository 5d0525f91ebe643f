// What a gap on one channel costs another one of the same lane: the instructions of the lane's turn
// for every packet of the untouched channel, counted one by one, with and without the gap. The two
// runs are processes with the same memory at the same addresses; the parent steps them through
// those turns (ptrace), so that the count is exact on any machine and does not depend on time.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/book/offline.h"
#include "bench/exchange/generate.h"
#include "dataplane/lane/lane.h"
#include "dataplane/wire/frame_build.h"
#include "dataplane/wire/mold64.h"

enum {
    PACKETS = 120,   // of each channel
    A_PACKET = 4,    // messages
    COUNT_FROM = 20, // the directory is not of interest
    COUNTED = PACKETS - COUNT_FROM,
    GAP_FROM = 40, // packets of the lossy channel that no line brings
    GAP_TO = 48,
    REPAIR = 95, // when the server's answers come
    HOLD = 64,
    PAYLOAD_MAX = MOLD64_HEADER_LEN + A_PACKET * (GENERATOR_MESSAGE_MAX + 2),
    UDP_PORT = 26477,
};

enum { LOSSY, QUIET, CHANNELS };

// What a run tells its parent.
struct told {
    volatile uint32_t counting; // the parent steps and counts while it is set
    uint32_t turns;
    uint64_t gaps, recovered, held_peak, lost;
    uint64_t delivered[CHANNELS];
    uint8_t quality[CHANNELS];
    uint64_t quiet_gaps, quiet_held, quiet_requests;
};

struct payload {
    uint32_t len;
    uint8_t bytes[PAYLOAD_MAX];
};

static struct {
    struct lane lane;
    struct offline channels[CHANNELS];
    struct port port;
    struct frame arrived; // owner null: nothing
    struct payload packets[CHANNELS][PACKETS];
    uint8_t frames[CHANNELS][PACKETS][PORT_FRAME_MAX];
    uint64_t now;
    struct told *told;
} w;

static uint64_t world_now(void *clock)
{
    (void)clock;
    return w.now;
}

// A port whose calls take the same work whatever is held.
static uint16_t port_receive(struct port *port, uint16_t queue, struct frame *frames, uint16_t max)
{
    (void)port;
    (void)queue;
    (void)max;
    if (w.arrived.owner == NULL)
        return 0;
    frames[0] = w.arrived;
    w.arrived.owner = NULL;
    return 1;
}

static void port_release(struct port *port, struct frame *frame)
{
    (void)port;
    frame->owner = NULL;
}

static const struct port_ops port_ops = {.receive = port_receive, .release = port_release};

static void *zeroed(uint64_t bytes)
{
    const uint64_t whole = (bytes + 4095) / 4096 * 4096;
    void *p = aligned_alloc(4096, whole);
    assert_non_null(p);
    return memset(p, 0, whole);
}

static uint32_t group_of(uint32_t channel)
{
    return 0xE9360C6Fu + channel; // 233.54.12.111 and the next
}

// A day for each channel, in packets of few messages.
static void packets_make(uint32_t channel)
{
    static struct generator g;
    struct error err = {0};
    const struct generator_config config = {
        .seed = 40 + channel, .symbols = 20, .live_max = 200, .messages = PACKETS * A_PACKET};
    assert_true(generator_init(&g, &config, &err));
    for (uint32_t i = 0; i < PACKETS; i++) {
        struct payload *p = &w.packets[channel][i];
        mold64_request_write(p->bytes, (const uint8_t *)"BURSTTEST1", 1 + i * A_PACKET, A_PACKET);
        p->len = MOLD64_HEADER_LEN;
        for (uint32_t m = 0; m < A_PACKET; m++) {
            uint32_t len = generator_next(&g, p->bytes + p->len + 2);
            be16_store(p->bytes + p->len, (uint16_t)len);
            p->len += 2 + len;
        }
    }
    generator_free(&g);
}

static void world_make(void)
{
    const struct region_shape shape = {.lanes = 1,
                                       .channels = CHANNELS,
                                       .trading_slots = 1 << 15,
                                       .diagnostic_slots = EVENT_RING_MIN,
                                       .symbols = {64, 64}};
    const struct region_identity identity = {.pid = 1};
    const struct channel_config config = {.protocol = &feed_itch50,
                                          .start = CHANNEL_START_FIRST,
                                          .can_request = true,
                                          .reorder_frames = 8,
                                          .reorder_ticks = 1000000,
                                          .hold_frames = HOLD,
                                          .request_messages_max = 1000,
                                          .line_count = 1,
                                          .book = {.symbols = 64, .orders = 1024}};
    struct channel_config sized = config;
    struct region_view view;
    struct error err = {0};
    histogram_edges_init(1000000000);
    void *region = zeroed(region_bytes(&shape));
    assert_true(region_format(region, region_bytes(&shape), &shape, &identity, &view));
    lane_init(&w.lane, &view, 0, zeroed(LANE_RING_LEN * sizeof(struct lane_note)),
              zeroed(LANE_RING_LEN * sizeof(struct lane_answer)));
    w.lane.now = world_now;
    w.port.ops = &port_ops;
    lane_input_add(&w.lane, &w.port, 0);
    book_config_defaults(&sized.book);
    for (uint32_t i = 0; i < CHANNELS; i++) {
        assert_true(offline_init(&w.channels[i], &sized, &err));
        w.channels[i].channel.index = (uint8_t)i;
        lane_channel_add(&w.lane, &w.channels[i].channel);
        assert_true(lane_route_add(&w.lane, 0, group_of(i), UDP_PORT, (uint8_t)i, 0));
        packets_make(i);
    }
}

// --- one run, in a process of its own ---

static void packet_arrives(uint32_t channel, uint32_t number)
{
    static const uint8_t peer[6] = {2, 0, 0, 0, 0, 2};
    uint8_t *bytes = w.frames[channel][number], mac[6];
    const struct payload *p = &w.packets[channel][number];
    frame_mac_of_group(mac, group_of(channel));
    const struct frame_udp_out out = {.dst_mac = mac,
                                      .src_mac = peer,
                                      .vlan = FRAME_NO_VLAN,
                                      .src_port = UDP_PORT,
                                      .dst_port = UDP_PORT,
                                      .src_ip = 0x0A000001,
                                      .dst_ip = group_of(channel)};
    const uint32_t len = frame_udp_build(bytes, &out, p->bytes, (uint16_t)p->len);
    w.arrived = (struct frame){.data = bytes, .len = len, .owner = bytes};
}

static void turn(void)
{
    w.now += 1000;
    lane_turn(&w.lane, w.now);
}

// A turn that the parent counts: it starts at the trap and goes on until the word is cleared.
static void turn_counted(void)
{
    w.now += 1000;
    w.told->counting = 1;
    raise(SIGTRAP);
    lane_turn(&w.lane, w.now);
    w.told->counting = 0;
    w.told->turns++;
}

// The server's answers, as the main lcore hands them to the lane.
static void answers_arrive(void)
{
    for (uint32_t i = GAP_FROM; i < GAP_TO; i++) {
        const struct payload *p = &w.packets[LOSSY][i];
        const struct lane_answer answer = {
            .kind = ANSWER_FRAME,
            .channel = LOSSY,
            .frame = {.data = p->bytes, .len = p->len, .input = LOSSY},
        };
        if (!spsc_push(&w.lane.answers, &answer))
            _exit(2);
    }
}

static void tell(void)
{
    struct told *t = w.told;
    const struct channel *lossy = &w.channels[LOSSY].channel, *quiet = &w.channels[QUIET].channel;
    t->gaps = lossy->count->gaps;
    t->recovered = lossy->count->recovered_messages;
    t->held_peak = lossy->count->held_peak;
    t->lost = lossy->count->lost_messages;
    t->quiet_gaps = quiet->count->gaps;
    t->quiet_held = quiet->count->held_peak;
    t->quiet_requests = quiet->count->requests;
    for (uint32_t i = 0; i < CHANNELS; i++) {
        t->delivered[i] = w.channels[i].channel.count->delivered;
        t->quality[i] = w.channels[i].channel.quality;
    }
}

// Packets of the two channels by turns. What happens to the lossy one happens in its own turns.
static void run(bool gap)
{
    for (uint32_t i = 0; i < PACKETS; i++) {
        if (!gap || i < GAP_FROM || i >= GAP_TO)
            packet_arrives(LOSSY, i);
        if (gap && i == REPAIR)
            answers_arrive();
        turn();
        packet_arrives(QUIET, i);
        if (i < COUNT_FROM)
            turn();
        else
            turn_counted();
    }
    tell();
    _exit(0);
}

// --- the parent ---

// Instructions until the word is cleared. The child stands behind its trap.
static uint32_t steps_count(pid_t child, const struct told *told)
{
    uint32_t steps = 0;
    int status;
    while (told->counting) {
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSTOPPED(status));
        steps++;
    }
    return steps;
}

// Runs a child and fills in what each of its counted turns took. False: it cannot be traced here.
static bool run_counted(bool gap, uint32_t counts[COUNTED], struct told *told)
{
    int status;
    uint32_t turns = 0;
    memset(told, 0, sizeof *told);
    w.told = told;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        run(gap);
    }
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        assert_int_equal(WSTOPSIG(status), SIGTRAP);
        assert_true(turns < COUNTED);
        counts[turns++] = steps_count(child, told);
        assert_int_equal(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
    }
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        return false;
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(turns, COUNTED);
    assert_int_equal(told->turns, COUNTED);
    return true;
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void distribution_print(const char *name, const uint32_t counts[COUNTED])
{
    uint32_t sorted[COUNTED];
    memcpy(sorted, counts, sizeof sorted);
    qsort(sorted, COUNTED, sizeof sorted[0], ascending);
    print_message("%s: instructions a turn: least %u, p50 %u, p90 %u, p99 %u, most %u\n", name,
                  sorted[0], sorted[COUNTED / 2], sorted[COUNTED * 9 / 10],
                  sorted[COUNTED * 99 / 100], sorted[COUNTED - 1]);
}

static void assert_quiet(const struct told *t)
{
    assert_int_equal(t->delivered[QUIET], PACKETS * A_PACKET);
    assert_int_equal(t->quality[QUIET], QUALITY_GOOD);
    assert_int_equal(t->quiet_gaps + t->quiet_held + t->quiet_requests, 0);
}

static void other_channel_costs_what_it_did(void **state)
{
    (void)state;
    static uint32_t clean[COUNTED], burdened[COUNTED];
    struct told *told =
        mmap(NULL, 2 * sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(told != MAP_FAILED);
    world_make();
    if (!run_counted(false, clean, &told[0]) || !run_counted(true, burdened, &told[1])) {
        print_message("no process may be traced here\n");
        skip();
    }
    // There was a gap, held packets within the bill, and a recovery; and none without.
    assert_int_equal(told[0].gaps + told[0].held_peak + told[0].recovered, 0);
    assert_int_equal(told[1].gaps, 1);
    assert_int_equal(told[1].recovered, (GAP_TO - GAP_FROM) * A_PACKET);
    assert_in_range(told[1].held_peak, REPAIR - GAP_TO, HOLD);
    assert_int_equal(told[1].lost, 0);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(told[i].delivered[LOSSY], PACKETS * A_PACKET);
        assert_int_equal(told[i].quality[LOSSY], QUALITY_GOOD);
        assert_quiet(&told[i]);
    }
    distribution_print("without the gap", clean);
    distribution_print("with it", burdened);
    // Not like distributions: the same instructions, packet by packet.
    for (uint32_t i = 0; i < COUNTED; i++)
        assert_int_equal(burdened[i], clean[i]);
    munmap(told, 2 * sizeof *told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(other_channel_costs_what_it_did)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
