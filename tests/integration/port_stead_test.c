// The main lcore sends in the stead of a lane that stands still: through the lane's queue of a card
// that does not exist, and only while the lane is not inside the driver.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dataplane/base/cpu.h"
#include "tests/integration/fake_port.h"

static struct frame frame_of_ours(uint16_t queue)
{
    struct frame frame;
    assert_true(port.ops->buffer(&port, queue, &frame));
    memset((uint8_t *)(uintptr_t)frame.data, 0, 60);
    frame.len = 60;
    return frame;
}

// Whether a frame goes out on the card's queue.
static void assert_sent_instead(uint16_t queue)
{
    struct frame frame = frame_of_ours(queue);
    struct rte_mbuf *m;
    assert_true(port.send_instead(&port, queue, &frame));
    if (facts.sorted_by_software && queue > 0)
        drain(0); // the first lane passes it on
    assert_non_null(m = fake_sent(facts.sorted_by_software ? 0 : queue));
    rte_pktmbuf_free(m);
}

static void a_lane_that_stands_still_has_its_frames_sent(void **state)
{
    (void)state;
    for (int sorted = 0; sorted < 2; sorted++) {
        card_new(2);
        config.flow_rules = !sorted;
        card_open();
        struct dpdk_port *p = port.driver;
        for (uint16_t q = 0; q < 2; q++) {
            assert_sent_instead(q);
            // The lane comes round again.
            arrive(sorted ? 0 : q, q ? group_b : group_a, 26477);
            assert_int_equal((q && sorted ? drain(0) : 0) + drain(q), 1);
            // Inside the driver, whatever it does there.
            assert_true(poller_enter(&p->pollers[q]));
            struct frame frame = frame_of_ours(q);
            assert_false(port.send_instead(&port, q, &frame));
            poller_leave(&p->pollers[q]);
            fake.tx_room = 0;
            if (!sorted || q == 0)
                assert_false(port.send_instead(&port, q, &frame));
            fake.tx_room = UINT32_MAX;
            assert_int_equal(port.ops->send(&port, q, &frame, 1), 1); // nothing was kept
            drain(0);
            struct rte_mbuf *m = fake_sent(sorted ? 0 : q);
            assert_non_null(m);
            rte_pktmbuf_free(m);
        }
        assert_int_equal(pool_in_use(), 0);
        port_close(&port);
    }
}

static int environment_start(void **state)
{
    struct eal_config eal = {.memory_mib = 128};
    struct error failed = {0};
    (void)state;
    while (!cpu_allowed(eal.main_core))
        eal.main_core++;
    uint32_t fault;
    if (eal_start(&eal, &fault, &failed))
        return 0;
    print_message("%s\n", failed.text);
    return 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_that_stands_still_has_its_frames_sent),
    };
    return cmocka_run_group_tests(tests, environment_start, NULL);
}
