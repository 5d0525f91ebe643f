// A memif port that is closed while DPDK's interrupt thread shakes hands with its peer: what the
// thread works with is not taken from under it. The peer is this test, and says no more than hello.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/base/cpu.h"
#include "dataplane/port/dpdk_port.h"

enum { ROUNDS = 60, MESSAGE_LEN = 128, HELLO = 2, VERSION = 2 << 8, DELAYS = 6, DELAY_US = 40 };

// docs of libmemif: the first message of a server.
struct hello {
    uint16_t type;
    uint8_t name[32];
    uint16_t version_min, version_max;
    uint16_t region_max, rings_max_out, rings_max_in;
    uint8_t ring_size_log2_max;
} __attribute__((packed));
_Static_assert(sizeof(struct hello) <= MESSAGE_LEN, "a message of the control channel");

static char path[64];
static int listener;
static _Atomic uint32_t greeted;

// Takes every client, greets it, and reads what it says until it hangs up.
static void *serve(void *unused)
{
    union {
        struct hello hello;
        uint8_t bytes[MESSAGE_LEN];
    } message = {.hello = {.type = HELLO,
                           .version_min = VERSION,
                           .version_max = VERSION,
                           .region_max = 255,
                           .rings_max_out = 255,
                           .rings_max_in = 255,
                           .ring_size_log2_max = 14}};
    (void)unused;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
        uint8_t heard[MESSAGE_LEN];
        if (send(fd, &message, sizeof message, MSG_NOSIGNAL) == sizeof message)
            greeted++;
        while (recv(fd, heard, sizeof heard, 0) > 0)
            ;
    }
    return NULL;
}

// Two lanes: the port is stopped once more while it opens, as no card sorts for them.
static bool open_it(struct port *port, uint16_t lanes, struct error *err)
{
    static unsigned number;
    char device[192];
    snprintf(device, sizeof device, "net_memif%u,role=client,socket=%s,socket-abstract=no,rsize=14",
             number++, path);
    const struct port_config config = {.name = "p0",
                                       .device = device,
                                       .queues = lanes,
                                       .flow_rules = true,
                                       .rx_descriptors = 1024,
                                       .tx_descriptors = 1024,
                                       .mbufs = 4095,
                                       .node_wanted = -1};
    struct port_facts facts;
    if (rte_dev_probe(device) != 0)
        return error_set(err, EXIT_FAILED, "no driver for '%s'", device);
    return port_open(port, &config, 5000, &facts, err);
}

static void closing_meets_no_handshake(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct port port = {.index = 0};
        struct error err = {0};
        const uint32_t before = greeted;
        if (!open_it(&port, (uint16_t)(1 + i % 2), &err))
            fail_msg("%s", err.text);
        while (greeted == before)
            usleep(10);
        usleep(i % DELAYS * DELAY_US);
        port_close(&port);
    }
}

static int prepare(void **state)
{
    struct eal_config eal = {.memory_mib = 128};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct error err = {0};
    uint32_t fault;
    pthread_t thread;
    (void)state;
    snprintf(path, sizeof path, "/tmp/tickgate-memif-%d.sock", (int)getpid());
    memcpy(at.sun_path, path, sizeof path);
    listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    while (!cpu_allowed(eal.main_core))
        eal.main_core++;
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(listener, 8) != 0 || pthread_create(&thread, NULL, serve, NULL) != 0)
        return 1;
    if (eal_start(&eal, &fault, &err))
        return 0;
    print_message("%s\n", err.text);
    return 1;
}

static int tidy(void **state)
{
    (void)state;
    unlink(path);
    eal_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(closing_meets_no_handshake)};
    return cmocka_run_group_tests(tests, prepare, tidy);
}
