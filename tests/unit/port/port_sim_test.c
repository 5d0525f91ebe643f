#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "dataplane/port/port_sim.h"

static struct port_sim sim;
static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};

static void frames_arrive_in_order_on_their_queue(void **state)
{
    (void)state;
    struct frame frames[PORT_BURST];
    port_sim_init(&sim, "p0", mac);
    for (uint8_t i = 0; i < 40; i++)
        assert_true(port_sim_push(&sim, i % 2, &i, 1, 0, i));
    assert_int_equal(sim.port.ops->receive(&sim.port, 0, frames, PORT_BURST), 20);
    for (uint8_t i = 0; i < 20; i++) {
        assert_int_equal(frames[i].data[0], 2 * i);
        assert_int_equal(frames[i].hw_ns, 2 * i);
        sim.port.ops->release(&sim.port, &frames[i]);
    }
    assert_int_equal(sim.port.ops->receive(&sim.port, 1, frames, 3), 3);
    assert_int_equal(port_sim_free(&sim), SIM_BUFFERS - 20);
    assert_int_equal(sim.port.ops->receive(&sim.port, 2, frames, PORT_BURST), 0);
}

static void full_is_an_answer(void **state)
{
    (void)state;
    struct frame frame;
    port_sim_init(&sim, "p0", mac);
    for (uint32_t i = 0; i < SIM_BUFFERS; i++)
        assert_true(port_sim_push(&sim, 0, "x", 1, 0, 0));
    assert_false(port_sim_push(&sim, 0, "x", 1, 0, 0));
    assert_int_equal(sim.missed, 1);
    assert_false(sim.port.ops->buffer(&sim.port, 0, &frame));
    assert_int_equal(sim.port.ops->receive(&sim.port, 0, &frame, 1), 1);
    sim.port.ops->release(&sim.port, &frame);
    assert_true(sim.port.ops->buffer(&sim.port, 0, &frame));
}

static void sent_frames_are_recorded_until_the_ring_is_full(void **state)
{
    (void)state;
    struct frame frames[3], sent;
    port_sim_init(&sim, "p0", mac);
    sim.send_room = 2;
    for (uint8_t i = 0; i < 3; i++) {
        assert_true(sim.port.ops->buffer(&sim.port, 0, &frames[i]));
        memset((uint8_t *)(uintptr_t)frames[i].data, i, 60);
        frames[i].len = 60;
    }
    assert_int_equal(sim.port.ops->send(&sim.port, 1, frames, 3), 2);
    sim.port.ops->release(&sim.port, &frames[2]);
    for (uint8_t i = 0; i < 2; i++) {
        assert_true(port_sim_sent(&sim, &sent));
        assert_int_equal(sent.len, 60);
        assert_int_equal(sent.data[59], i);
        assert_int_equal(sent.input, 1); // the queue
    }
    assert_false(port_sim_sent(&sim, &sent));
    assert_int_equal(port_sim_free(&sim), SIM_BUFFERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_arrive_in_order_on_their_queue),
        cmocka_unit_test(full_is_an_answer),
        cmocka_unit_test(sent_frames_are_recorded_until_the_ring_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
