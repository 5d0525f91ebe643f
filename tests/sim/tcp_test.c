// Our TCP against lwIP in virtual time, over a wire that loses, repeats, delays, reorders and
// damages frames by a seed, with windows that are shut again and again. Both streams arrive whole
// and once, what is sent again is the same (the rig looks at every frame), nothing stands still,
// and the connection ends on both sides.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/lwip_peer.h"
#include "tests/lib/tcp_world.h"

static struct world world;
static struct lwip_status peer_status;
static int peer_fd = -1;
static pid_t peer_pid;
static char peer_path[512];

// --- the peer

static bool peer_find(void)
{
    const char *build = getenv("TICKGATE_BUILD");
    snprintf(peer_path, sizeof peer_path, "%s/tests/lib/lwip_peer", build ? build : "build");
    return access(peer_path, X_OK) == 0;
}

static void peer_begin(void)
{
    int ends[2];
    RIG_MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    peer_pid = fork();
    RIG_MUST(peer_pid >= 0);
    if (peer_pid == 0) {
        dup2(ends[1], LWIP_PEER_FD);
        for (int fd = LWIP_PEER_FD + 1; fd < 64; fd++)
            close(fd);
        execl(peer_path, peer_path, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    peer_fd = ends[0];
}

static void peer_end(void)
{
    int code;
    close(peer_fd);
    waitpid(peer_pid, &code, 0);
    RIG_MUST(WIFEXITED(code) && WEXITSTATUS(code) == 0);
}

// lwIP knows no Ethernet here.
static void peer_ask(struct world *w, struct lwip_message *m, size_t len)
{
    static struct lwip_message answer;
    uint8_t frame[PORT_FRAME_MAX];
    m->now_ms = w->rig.now_ns / 1000000;
    RIG_MUST(send(peer_fd, m, len, 0) == (ssize_t)len);
    for (;;) {
        ssize_t got = recv(peer_fd, &answer, sizeof answer, 0);
        if (got <= 0) {
            world_print(w, "peer is gone");
            abort();
        }
        if (answer.kind == LWIP_STATUS)
            break;
        RIG_MUST(answer.len <= 1500);
        uint32_t at =
            frame_eth_write(frame, rig_local_mac, rig_remote_mac, FRAME_NO_VLAN, ETHERTYPE_IPV4);
        memcpy(frame + at, answer.frame, answer.len);
        world_send(w, false, frame, at + answer.len);
    }
    peer_status = answer.status;
    if (peer_status.wrong) {
        world_print(w, "peer got a wrong byte");
        abort();
    }
}

static void peer_deliver(struct world *w, const uint8_t *frame, uint32_t len)
{
    static struct lwip_message m;
    m.kind = LWIP_FRAME;
    m.len = len - FRAME_ETH_LEN;
    memcpy(m.frame, frame + FRAME_ETH_LEN, m.len);
    peer_ask(w, &m, offsetof(struct lwip_message, frame) + m.len);
}

static void peer_time(struct world *w)
{
    struct lwip_message m = {.kind = LWIP_TIME};
    peer_ask(w, &m, offsetof(struct lwip_message, frame));
}

// --- a run

// Time jumps to the next thing that happens. Returns the length of the run in virtual ns.
static uint64_t run(struct world_config config, struct lwip_settings settings,
                    void (*tune)(struct tcp_config *, uint64_t *))
{
    uint64_t random = config.seed;
    rig_config(&world.rig);
    // lwIP's timers grow to a minute; what stands still is seen all the same.
    world.rig.config.user_timeout_ms = 600000;
    if (tune)
        tune(&world.rig.config, &random);
    rig_make(&world.rig);
    world_make(&world, &config);
    world.deliver = peer_deliver;
    peer_begin();
    struct lwip_message m = {.kind = LWIP_START};
    settings.seed = config.seed;
    settings.send_total = config.receive_total;
    settings.receive_total = config.send_total;
    settings.close_first = !config.we_close_first;
    settings.mtu = 1500;
    m.settings = settings;
    peer_ask(&world, &m, offsetof(struct lwip_message, settings) + sizeof m.settings);

    uint64_t begin = world.rig.now_ns, end = begin + RIG_MS(1000) * 3600;
    world.rig.isn = 0u - 1 - world_below(&world.random, 60000); // wraps on the way
    RIG_MUST(rig_connect(&world.rig));
    while (!world_over(&world) || !peer_status.closed) {
        world_step(&world);
        uint64_t next = world_next(&world), wake = peer_status.wake_ms * 1000000;
        next = next < wake ? next : wake;
        if (world.rig.now_ns < next)
            world.rig.now_ns = next;
        if (world.rig.now_ns >= wake)
            peer_time(&world);
        if (world.rig.now_ns >= end) {
            world_print(&world, "stands still");
            abort();
        }
    }
    if (peer_status.received != config.send_total || world.received != config.receive_total ||
        world.rig.conn.reason != TCP_REASON_FIN) {
        world_print(&world, "not all arrived");
        fprintf(stderr, "peer: received %u, sent %u, error %d, %s; %lu s\n", peer_status.received,
                peer_status.sent, peer_status.error, peer_status.closed ? "closed" : "open",
                (world.rig.now_ns - begin) / 1000000000);
        abort();
    }
    assert_int_equal(world.rig.watch.len, config.send_total);
    peer_end();
    uint64_t took = world.rig.now_ns - begin;
    world_free(&world);
    return took;
}

enum { ENOUGH = 40 }; // seeds, for all that is rare to have happened

static uint64_t seed_first(void)
{
    const char *text = getenv("TICKGATE_SEED");
    return text ? strtoull(text, NULL, 10) : 1;
}

static uint64_t seed_count(uint64_t usual)
{
    const char *text = getenv("TICKGATE_SEEDS");
    uint64_t count = text ? strtoull(text, NULL, 10) : usual;
    // A run is a process and some thousand messages: a soak does a part of what others do.
    return text ? (count + 19) / 20 : count;
}

#define NEED_PEER                                                           \
    do {                                                                    \
        (void)state;                                                        \
        if (!peer_find()) {                                                 \
            print_message("no %s: liblwip-dev was not there\n", peer_path); \
            skip();                                                         \
        }                                                                   \
    } while (0)

static void a_clean_wire_needs_no_repair(void **state)
{
    NEED_PEER;
    struct world_config config = {.seed = 1,
                                  .delay_us = 50,
                                  .send_total = 50000,
                                  .receive_total = 50000,
                                  .message_max = 100,
                                  .we_close_first = true};
    run(config, (struct lwip_settings){0}, NULL);
    const struct tcp_counters *count = &world.rig.conn.count;
    assert_int_equal(count->fast_retransmits, 0);
    assert_int_equal(count->out_of_order, 0);
    assert_int_equal(count->duplicates, 0);
    assert_int_equal(count->bytes_out, 50000);
    assert_int_equal(count->bytes_in, 50000);
    assert_int_equal(count->paws + count->blind_ack + count->blind_syn + count->blind_reset, 0);
}

static struct world_config hostile(uint64_t seed)
{
    uint64_t x = seed * 0x2545f4914f6cdd1dull + 99;
    return (struct world_config){
        .seed = seed,
        .loss_ppm = world_below(&x, 150000),
        .twice_ppm = world_below(&x, 100000),
        .late_ppm = world_below(&x, 300000),
        .damage_ppm = world_below(&x, 20000),
        .refuse_ppm = world_below(&x, 50000),
        .delay_us = 20 + world_below(&x, 20000),
        .jitter_us = world_below(&x, 50000),
        .send_total = 1 + world_below(&x, 60000),
        .receive_total = 1 + world_below(&x, 60000),
        .message_max = 1 + world_below(&x, x & 1 ? 60 : 1400),
        .we_close_first = x >> 8 & 1,
    };
}

static void streams_survive_a_hostile_wire(void **state)
{
    NEED_PEER;
    uint64_t first = seed_first(), count = seed_count(60);
    struct tcp_counters sum = {0};
    for (uint64_t seed = first; seed < first + count; seed++) {
        run(hostile(seed), (struct lwip_settings){0}, NULL);
        sum.retransmits += world.rig.conn.count.retransmits;
        sum.fast_retransmits += world.rig.conn.count.fast_retransmits;
        sum.out_of_order += world.rig.conn.count.out_of_order;
        sum.duplicates += world.rig.conn.count.duplicates;
        sum.undone += world.rig.conn.count.undone;
    }
    if (count < ENOUGH)
        return;
    // The wire did what it was to do.
    assert_true(sum.retransmits && sum.fast_retransmits && sum.out_of_order && sum.duplicates);
    assert_true(sum.undone);
}

static void tune_small(struct tcp_config *config, uint64_t *random)
{
    config->mtu = (uint16_t)(576 + world_below(random, 900));
    config->receive_bytes = TCP_BUFFER_MIN;
    config->send_bytes = TCP_BUFFER_MIN;
    config->ack_delay_us = 1000;
}

static void windows_may_shut(void **state)
{
    NEED_PEER;
    uint64_t first = seed_first(), count = seed_count(40), refused = 0, probes = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct world_config config = hostile(seed);
        uint64_t x = seed * 0x9e3779b97f4a7c15ull;
        struct lwip_settings settings = {
            .window = 1500 + world_below(&x, 1500), // with less than a segment lwIP never opens it
            .stall_ms = world_below(&x, 400),
        };
        config.message_max = 100;
        config.send_total = 1 + config.send_total % 10000;
        run(config, settings, tune_small);
        refused += world.rig.conn.count.refused_window;
        probes += world.rig.conn.count.window_probes;
    }
    assert_true(count < ENOUGH || (refused && probes));
}

static void the_same_seed_gives_the_same_run(void **state)
{
    NEED_PEER;
    static struct tcp_counters count;
    uint64_t took = run(hostile(7), (struct lwip_settings){0}, NULL);
    count = world.rig.conn.count;
    assert_int_equal(run(hostile(7), (struct lwip_settings){0}, NULL), took);
    assert_memory_equal(&count, &world.rig.conn.count, sizeof count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_wire_needs_no_repair),
        cmocka_unit_test(streams_survive_a_hostile_wire),
        cmocka_unit_test(windows_may_shut),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
