// The ring from a lane to the main lcore under a flood of frames: what may not get lost finds room.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dataplane/lane/lane.h"
#include "dataplane/wire/arp.h"

// A port on which an ARP frame arrives whenever it is polled.
struct flood {
    struct port port;
    uint8_t bytes[PORT_FRAME_MAX];
    uint32_t len;
    uint32_t released;
};

static uint16_t flood_receive(struct port *port, uint16_t queue, struct frame *frames, uint16_t max)
{
    struct flood *f = port->driver;
    (void)queue;
    (void)max;
    frames[0] = (struct frame){.data = f->bytes, .len = f->len, .owner = f};
    return 1;
}

static void flood_release(struct port *port, struct frame *frame)
{
    struct flood *f = port->driver;
    assert_ptr_equal(frame->owner, f);
    f->released++;
}

static const struct port_ops flood_ops = {.receive = flood_receive, .release = flood_release};

static void *zeroed(uint64_t bytes)
{
    uint64_t whole = (bytes + 4095) / 4096 * 4096;
    void *p = aligned_alloc(4096, whole);
    assert_non_null(p);
    return memset(p, 0, whole);
}

static uint64_t clock_stopped(void *clock)
{
    (void)clock;
    return 1;
}

// The main lcore is busy elsewhere. Frames beyond half of the ring are dropped and counted, and go
// back to their port; requests and buffers that come back still find the other half.
static void flood_leaves_half_of_the_ring(void **state)
{
    (void)state;
    static struct lane lane;
    static struct flood flood;
    const struct region_shape shape = {
        .lanes = 1, .trading_slots = EVENT_RING_MIN, .diagnostic_slots = EVENT_RING_MIN};
    const struct region_identity identity = {.pid = 1};
    struct region_view view;
    void *region = zeroed(region_bytes(&shape));
    void *notes = zeroed(LANE_RING_LEN * sizeof(struct lane_note));
    void *answers = zeroed(LANE_RING_LEN * sizeof(struct lane_answer));
    assert_true(region_format(region, region_bytes(&shape), &shape, &identity, &view));
    lane_init(&lane, &view, 0, notes, answers);
    lane.now = clock_stopped;
    const struct arp arp = {.operation = ARP_REQUEST, .sender_ip = 1, .target_ip = 2};
    flood.port = (struct port){.ops = &flood_ops, .driver = &flood};
    flood.len = arp_frame_build(flood.bytes, 0, &arp);
    lane_input_add(&lane, &flood.port, 0);

    for (uint32_t i = 0; i < LANE_RING_LEN; i++)
        assert_int_equal(lane_turn(&lane, 1), 1);
    assert_int_equal(lane.count->frames_slow, LANE_RING_LEN);
    assert_int_equal(lane.count->frames_slow_dropped, LANE_RING_LEN / 2 - 1);
    assert_int_equal(flood.released, LANE_RING_LEN / 2 - 1);

    const struct lane_note returned = {.kind = NOTE_RETURN};
    uint32_t room = 0;
    while (spsc_push(&lane.notes, &returned))
        room++;
    assert_int_equal(room, LANE_RING_LEN / 2 - 1);

    // What the main lcore has taken makes room for frames again.
    struct lane_note note;
    for (uint32_t i = 0; i < LANE_RING_LEN / 2 + 8; i++)
        assert_true(spsc_pop(&lane.notes, &note));
    for (uint32_t i = 0; i < 16; i++)
        lane_turn(&lane, 1);
    assert_int_equal(lane.count->frames_slow_dropped, LANE_RING_LEN / 2 - 1 + 7);
    free(region);
    free(notes);
    free(answers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flood_leaves_half_of_the_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
