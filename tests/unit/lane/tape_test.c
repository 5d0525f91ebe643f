// A tape whose ring nobody empties: what finds no room is left out by whole turns and counted, and
// the records say so before they go on, end or begin again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "dataplane/lane/tape.h"

enum { FRAME_LEN = 1400, FRAMES = 3 }; // of a turn

static struct capture_ring ring;
static _Alignas(CACHE_LINE_LEN) uint8_t bytes[CAPTURE_RING_MIN];
static struct lane lane;
static struct tape tape;
static struct port port;
static uint64_t now;

static uint64_t clock_now(void *clock)
{
    return *(uint64_t *)clock;
}

static uint16_t receive(struct port *p, uint16_t queue, struct frame *frames, uint16_t max)
{
    static const uint8_t data[FRAME_LEN];
    (void)p;
    (void)queue;
    assert_true(max >= FRAMES);
    for (uint32_t i = 0; i < FRAMES; i++)
        frames[i] = (struct frame){.data = data, .len = FRAME_LEN};
    return FRAMES;
}

static const struct port_ops ops = {.receive = receive};

static int setup(void **state)
{
    (void)state;
    memset(&ring, 0, sizeof ring);
    memset(&lane, 0, sizeof lane);
    memset(&tape, 0, sizeof tape);
    now = 1000;
    port = (struct port){.ops = &ops};
    lane.now = clock_now;
    lane.clock = &now;
    lane.tsc_hz = 1000000000;
    lane.inputs[0].port = &port;
    lane.input_count = 1;
    tape_init(&tape, &lane, &ring, bytes, sizeof bytes);
    tape_start(&tape, now);
    assert_true(tape.on);
    return 0;
}

static void turn(void)
{
    struct frame frames[PORT_BURST];
    struct port *seen = lane.inputs[0].port;
    tape_turn_begin(&tape, now += 1000);
    assert_int_equal(seen->ops->receive(seen, 0, frames, PORT_BURST), FRAMES);
    tape_turn_end(&tape, false);
}

// --- the reader ---

struct seen {
    uint64_t frames;
    uint64_t lost; // turns, as the records say
    uint64_t records[CAPTURE_KINDS];
    uint8_t first, last; // kinds
};

// What a control plane finds; it gives back what it has read.
static struct seen take(void)
{
    struct seen s = {.first = CAPTURE_SKIP};
    const uint64_t tail = atomic_load(&ring.tail);
    uint64_t at = atomic_load(&ring.head);
    assert_true(tail - at <= sizeof bytes);
    while (at < tail) {
        struct capture_record r;
        const uint64_t left = sizeof bytes - at % sizeof bytes;
        memcpy(&r, bytes + at % sizeof bytes, sizeof r);
        assert_true(r.kind < CAPTURE_KINDS && r.units > 0);
        at += r.kind == CAPTURE_SKIP ? left : r.units * (uint64_t)CAPTURE_UNIT;
        if (r.kind == CAPTURE_SKIP)
            continue;
        s.first = s.first == CAPTURE_SKIP ? r.kind : s.first;
        s.last = r.kind;
        s.records[r.kind]++;
        s.frames += r.kind == CAPTURE_FRAME_IN;
        s.lost += r.kind == CAPTURE_LOST ? r.value : 0;
    }
    assert_int_equal(at, tail);
    atomic_store(&ring.head, tail);
    return s;
}

// Turns until <lost> of them have found no room. Returns how many have.
static uint64_t overflow(uint64_t lost)
{
    uint64_t recorded = 0;
    for (uint64_t before = 0; before < lost; before = atomic_load(&ring.lost)) {
        turn();
        recorded += atomic_load(&ring.lost) == 0;
    }
    return recorded;
}

// --- tests ---

static void test_lost_turns_are_counted_and_told(void **state)
{
    (void)state;
    const uint64_t recorded = overflow(4);
    assert_true(recorded > 100);
    assert_int_equal(atomic_load(&ring.lost), 4);
    assert_int_equal(atomic_load(&ring.lost_frames), 4 * FRAMES);
    assert_int_equal(atomic_load(&ring.frames), recorded * FRAMES);
    struct seen s = take(); // whole turns, up to the first that found no room
    assert_int_equal(s.first, CAPTURE_START);
    assert_int_equal(s.records[CAPTURE_TURN], recorded);
    assert_int_equal(s.frames, recorded * FRAMES);
    assert_int_equal(s.last, CAPTURE_LOST); // of that one
    assert_int_equal(s.lost, 1);
    turn();
    s = take();
    assert_int_equal(s.first, CAPTURE_LOST);
    assert_int_equal(s.lost, 3);
    assert_int_equal(s.frames, FRAMES);
    turn();
    s = take();
    assert_int_equal(s.first, CAPTURE_TURN); // once
    assert_int_equal(s.records[CAPTURE_LOST], 0);
    assert_int_equal(atomic_load(&ring.lost), 4);
}

// Recording ends before a turn could say it.
static void test_told_at_the_end(void **state)
{
    (void)state;
    overflow(4);
    assert_int_equal(take().lost, 1);
    tape_stop(&tape);
    const struct seen s = take();
    assert_int_equal(s.first, CAPTURE_LOST);
    assert_int_equal(s.lost, 3);
    assert_int_equal(s.last, CAPTURE_STOP);
    assert_int_equal(atomic_load(&ring.recording), 0);
    tape_start(&tape, now);
    assert_int_equal(take().records[CAPTURE_LOST], 0);
}

// Up to the last bytes: turns with nothing in them.
static void fill(uint64_t lost)
{
    while (atomic_load(&ring.lost) < lost) {
        tape_turn_begin(&tape, now += 1000);
        tape_turn_end(&tape, false);
    }
}

// Recording stops, or the lane ends, while the ring is full, wherever its room ends: that is there,
// and that turns are not.
static void last_in_full_ring(bool stops)
{
    for (uint64_t lost = 1; lost < 4; lost++) {
        for (uint64_t from = 0; from < 2 * TAPE_RESERVE; from += CAPTURE_UNIT) {
            setup(NULL);
            atomic_store(&ring.head, from);
            fill(lost);
            const uint64_t before = atomic_load(&ring.tail);
            if (stops)
                tape_stop(&tape);
            else
                tape_end(&tape, now);
            assert_true(atomic_load(&ring.tail) - from <= sizeof bytes);
            atomic_store(&ring.head, before);
            const struct seen s = take();
            assert_int_equal(s.last, stops ? CAPTURE_STOP : CAPTURE_END);
            assert_int_equal(s.lost, lost - 1); // the first has been told
        }
    }
}

static void test_there_is_room_for_the_stop(void **state)
{
    (void)state;
    last_in_full_ring(true);
    assert_false(tape.on);
    tape_start(&tape, now);
    assert_int_equal(take().lost, 0);
}

static void test_there_is_room_for_the_end(void **state)
{
    (void)state;
    last_in_full_ring(false);
}

// Whatever the lane takes in while nothing is recorded is missing behind it.
static void test_gaps_are_counted(void **state)
{
    (void)state;
    assert_int_equal(atomic_load(&ring.gaps), 0); // from the first input on
    tape.first = false;
    for (uint64_t gaps = 1; gaps < 3; gaps++) {
        turn();
        tape_stop(&tape);
        assert_int_equal(atomic_load(&ring.gaps), gaps - 1);
        tape_start(&tape, now);
        assert_int_equal(atomic_load(&ring.gaps), gaps);
    }
}

// The process is killed in a full ring: what it leaves behind does not pass for everything.
static void test_killed_in_a_full_ring(void **state)
{
    (void)state;
    for (uint64_t lost = 1; lost < 3; lost++) {
        setup(NULL);
        overflow(lost);
        assert_int_equal(take().lost, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_lost_turns_are_counted_and_told, setup),
        cmocka_unit_test_setup(test_told_at_the_end, setup),
        cmocka_unit_test_setup(test_there_is_room_for_the_stop, setup),
        cmocka_unit_test_setup(test_there_is_room_for_the_end, setup),
        cmocka_unit_test_setup(test_gaps_are_counted, setup),
        cmocka_unit_test_setup(test_killed_in_a_full_ring, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
