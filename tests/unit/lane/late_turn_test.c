// A lane that was away longer than the window of a gap: what the other line sent in time waits in
// the receive ring, and is looked at before anything is called lost.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/bytes.h"
#include "dataplane/lane/lane.h"
#include "dataplane/port/port_sim.h"
#include "dataplane/wire/frame_build.h"

enum { GROUP = 0xE9000001, UDP_PORT = 26400, WINDOW = 1000, REGION_ALIGN = 128 };

static struct lane lane;
static struct port_sim sim;
static struct channel channel;
static uint64_t now;
static void *blocks[4];
static uint32_t block_count;

static uint64_t clock_now(void *clock)
{
    return *(uint64_t *)clock;
}

static void *zeroed(uint64_t bytes)
{
    bytes = (bytes + REGION_ALIGN - 1) / REGION_ALIGN * REGION_ALIGN;
    void *p = aligned_alloc(REGION_ALIGN, bytes);
    assert_non_null(p);
    memset(p, 0, bytes);
    blocks[block_count++] = p;
    return p;
}

static int begin(void **state)
{
    (void)state;
    const struct region_shape shape = {.lanes = 1,
                                       .channels = 1,
                                       .ports = 1,
                                       .pools = 1,
                                       .bill_items = 1,
                                       .trading_slots = 1024,
                                       .diagnostic_slots = 64,
                                       .symbols = {8}};
    const struct region_identity identity = {.epoch = 1};
    const struct channel_config cc = {
        .protocol = &feed_itch50,
        .reorder_frames = 128,
        .reorder_ticks = WINDOW,
        .hold_frames = 200,
        .line_count = 2,
        .book = {.symbols = 8, .orders = 1024, .levels = 1024, .spans = 1024, .matches = 1024}};
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    struct region_view view;
    now = 1;
    void *region = zeroed(region_bytes(&shape));
    assert_true(region_format(region, region_bytes(&shape), &shape, &identity, &view));
    lane_init(&lane, &view, 0, zeroed(LANE_RING_LEN * sizeof(struct lane_note)),
              zeroed(LANE_RING_LEN * sizeof(struct lane_answer)));
    lane.now = clock_now;
    lane.clock = &now;
    port_sim_init(&sim, "sim", mac);
    lane_input_add(&lane, &sim.port, 0);
    channel_init(&channel, &cc, zeroed(channel_bytes(&cc, NULL)));
    lane_channel_add(&lane, &channel);
    for (uint8_t line = 0; line < 2; line++)
        assert_true(lane_route_add(&lane, 0, GROUP + line, UDP_PORT, 0, line));
    return 0;
}

static int end(void **state)
{
    (void)state;
    channel_drop_held(&channel);
    assert_int_equal(port_sim_free(&sim), SIM_BUFFERS);
    while (block_count)
        free(blocks[--block_count]);
    return 0;
}

// Message <sequence> (of no length) arrives on <line>.
static void arrive(uint32_t line, uint64_t sequence)
{
    static const uint8_t from[6] = {2, 0, 0, 0, 0, 9}, to[6] = {1, 0, 0x5e, 0, 0, 1};
    uint8_t frame[PORT_FRAME_MAX], packet[22] = "SESSION001";
    be64_store(packet + 10, sequence);
    be16_store(packet + 18, 1);
    be16_store(packet + 20, 0);
    const struct frame_udp_out out = {.src_mac = from,
                                      .dst_mac = to,
                                      .src_ip = 0x0A000009,
                                      .dst_ip = GROUP + line,
                                      .src_port = 1,
                                      .dst_port = UDP_PORT,
                                      .vlan = FRAME_NO_VLAN};
    const uint32_t len = frame_udp_build(frame, &out, packet, sizeof packet);
    assert_true(len > 0);
    assert_true(port_sim_push(&sim, 0, frame, len, 0, 0));
}

// A turn that begins at the end of the one before and finds the clock at <later>.
static void turn(uint64_t later)
{
    const uint64_t begun = now;
    now = later;
    lane_turn(&lane, begun);
}

static void the_copy_waits_behind_two_full_bursts(void **state)
{
    (void)state;
    arrive(0, 1);
    arrive(0, 3);
    turn(10);
    assert_int_equal(channel.state, CHANNEL_WAITING);
    for (uint64_t n = 0; n < 70; n++)
        arrive(0, 4 + n);
    arrive(1, 2);
    while (channel.state == CHANNEL_WAITING && now < 20 * WINDOW)
        turn(now + 3 * WINDOW);
    assert_int_equal(channel.count->gaps, 0);
    assert_int_equal(channel.count->repaired, 1);
    assert_int_equal(channel.quality, QUALITY_GOOD);
}

// Nothing waits, and the clock says that the window is over only since this turn has begun: the
// frame that arrived meanwhile on a queue that was looked at before is the next turn's.
static void a_gap_is_declared_in_a_turn_that_began_after_its_window(void **state)
{
    (void)state;
    arrive(0, 1);
    arrive(0, 3);
    turn(10);
    arrive(0, 4);
    turn(10 + 2 * WINDOW);
    assert_int_equal(channel.count->gaps, 0);
    turn(20 + 2 * WINDOW);
    assert_int_equal(channel.count->gaps, 1);
    assert_int_equal(channel.quality, QUALITY_SUSPECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_copy_waits_behind_two_full_bursts, begin, end),
        cmocka_unit_test_setup_teardown(a_gap_is_declared_in_a_turn_that_began_after_its_window,
                                        begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
