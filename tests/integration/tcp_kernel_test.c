// Our TCP against the kernel's, which answers on a tun device in a network namespace of its own.
// Between the two lies a wire that loses, repeats, delays, reorders and damages frames by a seed;
// the time is the clock's, as the kernel's timers know no other.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/base/clock.h"
#include "tests/lib/tcp_world.h"

enum { LINUX_TCP_NODELAY = 1, LINUX_TCP_MAXSEG = 2, LINUX_TCP_WINDOW_CLAMP = 10 };

static struct world world;
static int tun_fd = -1, listen_fd = -1;

// The server's application.
static struct {
    int fd;
    uint32_t sent, received;
    uint64_t read_ns, stall_ns;
    bool ended, done; // our FIN has been read; its own has been sent
    int error;
} server;

// --- the namespace

static bool device_up(const char *name)
{
    struct ifreq r = {0};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(rig_remote_ip)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
    memcpy(&r.ifr_addr, &in, sizeof in);
    bool up = fd >= 0 && ioctl(fd, SIOCSIFADDR, &r) == 0;
    in.sin_addr.s_addr = htonl(0xffffff00);
    memcpy(&r.ifr_netmask, &in, sizeof in);
    up = up && ioctl(fd, SIOCSIFNETMASK, &r) == 0;
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    up = up && ioctl(fd, SIOCSIFFLAGS, &r) == 0;
    if (fd >= 0)
        close(fd);
    return up;
}

static bool space_make(void)
{
    struct ifreq r = {.ifr_name = "tg0", .ifr_flags = IFF_TUN | IFF_NO_PI};
    if (unshare(CLONE_NEWNET) != 0)
        return false;
    tun_fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun_fd < 0 || ioctl(tun_fd, TUNSETIFF, &r) != 0 || !device_up("tg0"))
        return false;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(RIG_REMOTE_PORT)};
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return listen_fd >= 0 && bind(listen_fd, (struct sockaddr *)&at, sizeof at) == 0 &&
           listen(listen_fd, 4) == 0;
}

// --- the wire's other end

static void tun_deliver(struct world *w, const uint8_t *frame, uint32_t len)
{
    (void)w;
    // The kernel may refuse what was damaged: lost like any other.
    ssize_t done = write(tun_fd, frame + FRAME_ETH_LEN, len - FRAME_ETH_LEN);
    (void)done;
}

static void tun_take(void)
{
    uint8_t frame[PORT_FRAME_MAX];
    uint32_t at =
        frame_eth_write(frame, rig_local_mac, rig_remote_mac, FRAME_NO_VLAN, ETHERTYPE_IPV4);
    for (;;) {
        ssize_t len = read(tun_fd, frame + at, sizeof frame - at);
        if (len <= 0)
            return;
        // Router solicitations and the like stay out of the dice.
        if (frame[at] >> 4 == 4)
            world_send(&world, false, frame, at + (uint32_t)len);
    }
}

// --- the server

static void server_accept(void)
{
    int one = 1;
    if (server.fd >= 0)
        return;
    server.fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (server.fd >= 0)
        setsockopt(server.fd, IPPROTO_TCP, LINUX_TCP_NODELAY, &one, sizeof one);
}

static void server_read(void)
{
    uint8_t bytes[4096];
    if (server.ended || world.rig.now_ns < server.read_ns)
        return;
    // With stalls it reads little, and then nothing for a while.
    size_t most = server.stall_ns ? 200 : sizeof bytes;
    ssize_t got = recv(server.fd, bytes, most, 0);
    if (got < 0 && errno != EAGAIN)
        server.error = errno;
    if (got == 0)
        server.ended = true;
    for (ssize_t i = 0; i < got; i++, server.received++)
        RIG_MUST(bytes[i] == world_byte(0, server.received));
    if (got > 0 && server.stall_ns)
        server.read_ns = world.rig.now_ns + world_below(&world.random, (uint32_t)server.stall_ns);
}

static void server_write(void)
{
    uint8_t bytes[1000];
    uint32_t left = world.config.receive_total - server.sent;
    if (left == 0 || world_below(&world.random, 4) != 0)
        return;
    uint32_t len = 1 + world_below(&world.random, sizeof bytes - 1);
    len = len < left ? len : left;
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = world_byte(1, server.sent + i);
    ssize_t done = send(server.fd, bytes, len, MSG_NOSIGNAL);
    if (done > 0)
        server.sent += (uint32_t)done;
    else if (done < 0 && errno != EAGAIN)
        server.error = errno;
}

static void server_turn(void)
{
    server_accept();
    if (server.fd < 0 || server.error)
        return;
    server_read();
    if (!server.error) // the first one tells the cause
        server_write();
    // We send nothing after the peer's FIN: it waits for all of ours.
    bool all =
        server.sent == world.config.receive_total && server.received == world.config.send_total;
    if (!server.done && all && (!world.config.we_close_first || server.ended)) {
        shutdown(server.fd, SHUT_WR);
        server.done = true;
    }
}

static void server_clear(uint32_t window, uint64_t stall_ns)
{
    if (server.fd > 0)
        close(server.fd);
    memset(&server, 0, sizeof server);
    server.fd = -1;
    server.stall_ns = stall_ns;
    // An accepted socket takes these over. The kernel has its own least.
    int bytes = window ? (int)window : 1 << 18, clamp = window ? (int)window : 1 << 18;
    setsockopt(listen_fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(listen_fd, IPPROTO_TCP, LINUX_TCP_WINDOW_CLAMP, &clamp, sizeof clamp);
}

// --- a run

static void turn(void)
{
    tun_take();
    server_turn();
    world.rig.now_ns = clock_mono_ns();
    world_step(&world);
    uint64_t next = world_next(&world), now = clock_mono_ns();
    if (next > now + RIG_US(100)) {
        struct timespec wait = {.tv_nsec = 100000};
        struct pollfd fds = {.fd = tun_fd, .events = POLLIN};
        ppoll(&fds, 1, &wait, NULL);
    }
}

static uint16_t port_next(void)
{
    static uint16_t port = RIG_LOCAL_PORT;
    return port++;
}

static void begin(const struct world_config *config, void (*tune)(struct tcp_config *, uint64_t))
{
    rig_config(&world.rig);
    if (tune)
        tune(&world.rig.config, config->seed);
    rig_make(&world.rig);
    world_make(&world, config);
    world.deliver = tun_deliver;
    world.send_again_ns = RIG_US(300);
    world.rig.now_ns = clock_mono_ns();
    world.rig.isn = (uint32_t)world_random(&world.random);
    world.rig.watch.first_seq = world.rig.isn + 1;
    world.rig.watching = true;
    assert_true(tcp_connect(&world.rig.conn, port_next(), world.rig.isn,
                            (uint32_t)world_random(&world.random), world.rig.now_ns));
}

static void run(struct world_config config, uint32_t window, uint64_t stall_ns,
                void (*tune)(struct tcp_config *, uint64_t))
{
    server_clear(window, stall_ns);
    begin(&config, tune);
    uint64_t end = clock_mono_ns() + RIG_MS(60000);
    while (!world_over(&world) || !server.ended || !server.done) {
        turn();
        if (clock_mono_ns() > end || server.error) {
            world_print(&world, "stands still");
            fprintf(stderr, "server: sent %u, received %u, error %d\n", server.sent,
                    server.received, server.error);
            abort();
        }
    }
    if (world.rig.conn.reason != TCP_REASON_FIN)
        world_print(&world, "not finished");
    assert_int_equal(world.rig.conn.reason, TCP_REASON_FIN);
    assert_int_equal(server.received, config.send_total);
    assert_int_equal(world.received, config.receive_total);
    assert_int_equal(world.rig.watch.len, config.send_total);
    world_free(&world);
}

static void until(bool (*wanted)(void))
{
    uint64_t end = clock_mono_ns() + RIG_MS(10000);
    while (!wanted() && clock_mono_ns() < end)
        turn();
    if (!wanted())
        world_print(&world, "never came");
    assert_true(wanted());
}

static bool is_open(void)
{
    return server.fd >= 0 && world.rig.conn.state == TCP_ESTABLISHED;
}

static bool is_closed(void)
{
    return world.rig.conn.state == TCP_CLOSED;
}

static bool server_failed(void)
{
    return server.error != 0;
}

// --- tests

static void everything_the_kernel_offers_is_used(void **state)
{
    (void)state;
    struct world_config config = {.seed = 3,
                                  .delay_us = 20,
                                  .send_total = 200000,
                                  .receive_total = 200000,
                                  .message_max = 200,
                                  .we_close_first = true};
    run(config, 0, 0, NULL);
    const struct tcp *c = &world.rig.conn;
    assert_true(c->timestamps);
    assert_true(c->sack_ok);
    assert_true(c->snd_shift > 0);
    const struct tcp_counters *count = &c->count;
    assert_int_equal(count->paws + count->blind_ack + count->blind_syn + count->blind_reset, 0);
    assert_int_equal(count->timestamp_missing + count->sack_bad + count->fast_retransmits, 0);
    assert_int_equal(count->bytes_out, 200000);
}

static void tune_options(struct tcp_config *config, uint64_t seed)
{
    config->timestamps = seed & 1;
    config->sack = seed & 2;
    config->ack_delay_us = seed & 4 ? 1000 : 0;
    config->receive_bytes = seed & 8 ? TCP_BUFFER_MIN : 1 << 17;
    config->mtu = seed & 16 ? 576 : 1500;
}

static struct world_config hostile(uint64_t seed)
{
    uint64_t x = seed * 0x2545f4914f6cdd1dull + 99;
    return (struct world_config){
        .seed = seed,
        .loss_ppm = world_below(&x, 60000),
        .twice_ppm = world_below(&x, 60000),
        .late_ppm = world_below(&x, 200000),
        .damage_ppm = world_below(&x, 10000),
        .refuse_ppm = world_below(&x, 20000),
        .delay_us = world_below(&x, 1000),
        .jitter_us = world_below(&x, 3000),
        .send_total = 1 + world_below(&x, 30000),
        .receive_total = 1 + world_below(&x, 30000),
        .message_max = 1 + world_below(&x, x & 1 ? 60 : 1000),
        .we_close_first = x >> 8 & 1,
    };
}

static uint64_t seed_count(uint64_t usual)
{
    const char *text = getenv("TICKGATE_SEEDS");
    return text ? strtoull(text, NULL, 10) : usual;
}

static uint64_t seed_first(void)
{
    const char *text = getenv("TICKGATE_SEED");
    return text ? strtoull(text, NULL, 10) : 1;
}

static void streams_survive_a_hostile_wire(void **state)
{
    (void)state;
    struct tcp_counters sum = {0};
    uint64_t first = seed_first(), count = seed_count(32);
    for (uint64_t seed = first; seed < first + count; seed++) {
        run(hostile(seed), 0, 0, tune_options);
        sum.retransmits += world.rig.conn.count.retransmits;
        sum.out_of_order += world.rig.conn.count.out_of_order;
        sum.duplicates += world.rig.conn.count.duplicates;
    }
    assert_true(sum.retransmits && sum.out_of_order && sum.duplicates);
}

static void windows_may_be_tiny(void **state)
{
    (void)state;
    uint64_t first = seed_first(), count = seed_count(8), refused = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct world_config config = hostile(seed);
        config.send_total = 1 + config.send_total % 8000;
        config.message_max = 100;
        run(config, 200, RIG_MS(10), tune_options);
        refused += world.rig.conn.count.refused_window;
    }
    assert_true(refused > 0);
}

static const struct world_config quiet = {
    .seed = 5, .delay_us = 20, .send_total = 0, .receive_total = 100000, .message_max = 100};

static void a_port_without_a_listener_refuses(void **state)
{
    (void)state;
    server_clear(0, 0);
    rig_config(&world.rig);
    begin(&quiet, NULL);
    tcp_abort(&world.rig.conn);
    world.rig.conn.config.remote_port = RIG_REMOTE_PORT + 1;
    assert_true(tcp_connect(&world.rig.conn, port_next(), 1, 2, world.rig.now_ns));
    world.rig.watching = false;
    until(is_closed);
    assert_int_equal(world.rig.conn.reason, TCP_REASON_REFUSED);
    world_free(&world);
}

static void a_reset_of_the_kernel_ends_it(void **state)
{
    (void)state;
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    server_clear(0, 0);
    begin(&quiet, NULL);
    until(is_open);
    setsockopt(server.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(server.fd);
    server.fd = -1;
    until(is_closed);
    assert_int_equal(world.rig.conn.reason, TCP_REASON_RESET);
    world_free(&world);
}

static void an_abort_reaches_the_kernel(void **state)
{
    (void)state;
    server_clear(0, 0);
    begin(&quiet, NULL);
    until(is_open);
    tcp_abort(&world.rig.conn);
    until(server_failed);
    assert_int_equal(server.error, ECONNRESET);
    world_free(&world);
}

static void another_thread_can_reset(void **state)
{
    (void)state;
    uint8_t frame[PORT_FRAME_MAX];
    server_clear(0, 0);
    begin(&quiet, NULL);
    until(is_open);
    uint32_t len = tcp_reset_write(&world.rig.conn, false, frame);
    rig_look(&world.rig, frame, len);
    tun_deliver(&world, frame, len);
    until(server_failed);
    assert_int_equal(server.error, ECONNRESET);
    world_free(&world);
}

// A restart of ours: the kernel still holds a connection from the same port (RFC 9293, 3.5.1).
static void a_forgotten_connection_gives_way(void **state)
{
    (void)state;
    server_clear(0, 0);
    begin(&quiet, NULL);
    until(is_open);
    uint16_t port = world.rig.conn.local_port;
    int old = server.fd;
    world_free(&world);
    server.fd = -1;
    server_clear(0, 0);
    begin(&quiet, NULL);
    tcp_abort(&world.rig.conn);
    world.rig.isn -= 1000000; // a number that the kernel does not take for the next connection's
    world.rig.watch.first_seq = world.rig.isn + 1;
    assert_true(tcp_connect(&world.rig.conn, port, world.rig.isn, 5, world.rig.now_ns));
    until(is_open);
    assert_true(world.rig.conn.count.blind_ack > 0);
    uint8_t byte;
    assert_int_equal(recv(old, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
    assert_int_equal(errno, ECONNRESET);
    close(old);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_the_kernel_offers_is_used),
        cmocka_unit_test(streams_survive_a_hostile_wire),
        cmocka_unit_test(windows_may_be_tiny),
        cmocka_unit_test(a_port_without_a_listener_refuses),
        cmocka_unit_test(a_reset_of_the_kernel_ends_it),
        cmocka_unit_test(an_abort_reaches_the_kernel),
        cmocka_unit_test(another_thread_can_reset),
        cmocka_unit_test(a_forgotten_connection_gives_way),
    };
    server.fd = -1;
    if (!space_make()) {
        printf("no tun device in a network namespace: %s\n", strerror(errno));
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
