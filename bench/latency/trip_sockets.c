// The same book, strategy, checks and session over sockets of the kernel: market data by UDP
// multicast, orders by TCP. What a system without the bypass has, to be measured beside it.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/latency/lane_wire.h"
#include "bench/latency/trip_parts.h"

enum { WAKE_MS = 50, BYTES_MAX = 1024, NODELAY = 1 }; // the kernel's header has names of ours

struct sockets {
    int near_udp, near_tcp, far_udp, listener, far_tcp;
    struct sockaddr_in group, venue;
    struct transport transport;
    bool opened;       // connected, and the session does not know yet
    bool closed;       // for practice: nothing is handed over
    bool sleeps;       // between two frames, in the kernel
    uint32_t answered; // trip.sent when something last came: nothing else is waited for
    bool far_sleeps;   // so does the exchange, while it waits for an answer
    bool echoes;
    pthread_t thread;
    struct trip *trip;
};

static struct sockets sockets;

// --- the lane's end ---

static bool socket_open(struct transport *t, uint64_t now)
{
    struct sockets *s = t->driver;
    const int on = 1;
    (void)now;
    s->near_tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->near_tcp < 0)
        return false;
    setsockopt(s->near_tcp, IPPROTO_TCP, NODELAY, &on, sizeof on);
    s->opened = connect(s->near_tcp, (void *)&s->venue, sizeof s->venue) == 0;
    return s->opened;
}

static bool socket_ready(struct transport *t, uint32_t len)
{
    (void)t;
    (void)len;
    return true; // one order is under way at most
}

static bool socket_send(struct transport *t, const void *payload, uint32_t len, uint64_t now)
{
    const struct sockets *s = t->driver;
    (void)now;
    return s->closed || send(s->near_tcp, payload, len, MSG_DONTWAIT | MSG_NOSIGNAL) == len;
}

static void socket_close(struct transport *t, uint64_t now)
{
    const struct sockets *s = t->driver;
    (void)now;
    shutdown(s->near_tcp, SHUT_WR);
}

static void socket_abort(struct transport *t)
{
    const struct sockets *s = t->driver;
    close(s->near_tcp);
}

static void socket_practise(struct transport *t, bool begins)
{
    struct sockets *s = t->driver;
    s->closed = begins;
}

static const struct transport_ops socket_ops = {socket_open,  socket_ready, socket_send,
                                                socket_close, socket_abort, socket_practise};

// One turn: what has arrived, then what a lane does without frames.
static uint32_t near_turn(struct lane_world *w)
{
    struct sockets *s = w->sockets_state;
    uint8_t bytes[BYTES_MAX * 2];
    struct lane *lane = &w->lane;
    uint32_t work = 0;
    ssize_t n = recv(s->near_udp, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0) {
        const struct frame frame = {.data = bytes, .len = (uint32_t)n};
        lane->stamp = clock_tsc();
        lane->input += 2;
        channel_datagram(&w->channel, 0, bytes, (uint32_t)n, &frame, lane->stamp);
        desk_market(&w->desk);
        work++;
    }
    if (s->opened)
        session_opened(&w->session, clock_tsc());
    s->opened = false;
    n = s->near_tcp >= 0 ? recv(s->near_tcp, bytes, BYTES_MAX, MSG_DONTWAIT) : 0;
    if (n > 0)
        session_received(&w->session, bytes, (uint32_t)n, clock_tsc());
    return work + (n > 0) + lane_turn(lane, clock_tsc());
}

static void echo_turn(const struct sockets *s)
{
    uint8_t bytes[BYTES_MAX];
    const ssize_t n = recv(s->near_udp, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0 && send(s->near_tcp, bytes, (size_t)n, MSG_NOSIGNAL) != n)
        sockets.trip->broken = true;
}

static void *near_thread(void *arg)
{
    struct sockets *s = arg;
    struct trip *t = s->trip;
    struct epoll_event event = {.events = EPOLLIN};
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)t->options->near_core, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    thread_first(true);
    epoll_ctl(poll, EPOLL_CTL_ADD, s->near_udp, &event);
    epoll_ctl(poll, EPOLL_CTL_ADD, s->near_tcp, &event);
    if (t->quiet)
        quiet_begin(t->quiet, false);
    atomic_store(&t->runs, gettid());
    while (!atomic_load_explicit(&t->stop, memory_order_relaxed)) {
        if (s->sleeps)
            epoll_wait(poll, &event, 1, WAKE_MS);
        if (s->echoes)
            echo_turn(s);
        else
            near_turn(t->world);
    }
    if (t->quiet)
        quiet_end(t->quiet);
    close(poll);
    return NULL;
}

// --- the exchange's end ---

static void far_datagram(struct lane_world *w, const void *bytes, uint32_t len)
{
    const struct sockets *s = w->sockets_state;
    w->pushed = clock_tsc();
    if (sendto(s->far_udp, bytes, len, 0, (const void *)&s->group, sizeof s->group) != len)
        sockets.trip->broken = true;
}

static void far_stream(struct lane_world *w, const void *bytes, uint32_t len)
{
    const struct sockets *s = w->sockets_state;
    if (len && send(s->far_tcp, bytes, len, MSG_NOSIGNAL) != len)
        sockets.trip->broken = true;
}

static uint32_t far_take(struct lane_world *w, uint8_t *bytes, uint32_t max)
{
    struct sockets *s = w->sockets_state;
    if (s->far_tcp < 0)
        s->far_tcp = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (s->far_tcp < 0)
        return 0;
    const int on = 1;
    setsockopt(s->far_tcp, IPPROTO_TCP, NODELAY, &on, sizeof on);
    struct pollfd answer = {.fd = s->far_tcp, .events = POLLIN};
    if (s->far_sleeps && s->trip->arrivals < s->trip->sent && s->answered != s->trip->sent)
        poll(&answer, 1, WAKE_MS);
    const ssize_t n = recv(s->far_tcp, bytes, max, MSG_DONTWAIT);
    if (n > 0)
        s->answered = s->trip->sent;
    w->popped_at = clock_tsc();
    return n > 0 ? (uint32_t)n : 0;
}

// --- set-up ---

static struct sockaddr_in address(uint32_t ip, uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip), .sin_port = htons(port)};
}

static bool near_sockets(struct sockets *s)
{
    const struct ip_mreqn member = {.imr_multiaddr.s_addr = htonl(LANE_GROUP),
                                    .imr_address.s_addr = htonl(LANE_LOCAL_IP)};
    const int on = 1;
    s->near_udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return s->near_udp >= 0 &&
           setsockopt(s->near_udp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           bind(s->near_udp, (void *)&s->group, sizeof s->group) == 0 &&
           setsockopt(s->near_udp, IPPROTO_IP, IP_ADD_MEMBERSHIP, &member, sizeof member) == 0;
}

static bool far_sockets(struct sockets *s)
{
    const struct ip_mreqn from = {.imr_address.s_addr = htonl(LANE_VENUE_IP)};
    const int on = 1;
    s->far_udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return s->far_udp >= 0 && s->listener >= 0 &&
           setsockopt(s->far_udp, IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof from) == 0 &&
           setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           bind(s->listener, (void *)&s->venue, sizeof s->venue) == 0 &&
           listen(s->listener, 1) == 0;
}

// A socket belongs to the namespace that its thread was in when it was made.
static bool far_open(struct sockets *s, const char *netns, struct error *err)
{
    char path[128];
    snprintf(path, sizeof path, "/run/netns/%s", netns);
    const int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    const int there = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = home >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0;
    if (!ok)
        error_set(err, EXIT_FAILED, "--far_netns: %s: %s", path, strerror(errno));
    else if (!far_sockets(s))
        ok = error_set(err, EXIT_FAILED,
                       "--far_netns %s: 10.0.0.9: %s; bench/latency/veth.sh sets it up", netns,
                       strerror(errno));
    if (there >= 0)
        close(there);
    if (home >= 0) {
        ok &= setns(home, CLONE_NEWNET) == 0;
        close(home);
    }
    return ok;
}

static const struct lane_sockets far_ops = {far_datagram, far_stream, far_take, near_turn};

bool sockets_open(struct trip *t, const struct lane_options *lane, struct error *err)
{
    struct lane_options all = *lane;
    struct sockets *s = &sockets;
    *s = (struct sockets){.near_udp = -1,
                          .near_tcp = -1,
                          .far_udp = -1,
                          .listener = -1,
                          .far_tcp = -1,
                          .group = address(LANE_GROUP, LANE_GROUP_PORT),
                          .venue = address(LANE_VENUE_IP, LANE_VENUE_PORT),
                          .transport = {&socket_ops, s},
                          .sleeps = t->options->port != TRIP_PORT_SPINNING,
                          .far_sleeps = t->options->port == TRIP_PORT_ASLEEP,
                          .trip = t};
    if (t->options->netns == NULL)
        return error_set(err, EXIT_USAGE,
                         "--far_netns: name the exchange's namespace; "
                         "bench/latency/veth.sh makes one");
    if (!far_open(s, t->options->netns, err))
        return false;
    if (!near_sockets(s))
        return error_set(err, EXIT_FAILED, "10.0.0.1: %s; bench/latency/veth.sh sets it up",
                         strerror(errno));
    all.sockets = &far_ops;
    all.sockets_state = s;
    all.transport = &s->transport;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)t->options->far_core, &set);
    sched_setaffinity(0, sizeof set, &set);
    t->world = lane_world_open(&all, err);
    return t->world != NULL;
}

bool sockets_start(struct trip *t, struct error *err)
{
    sockets.echoes = !t->orders;
    return pthread_create(&sockets.thread, NULL, near_thread, &sockets) == 0 ||
           error_set(err, EXIT_FAILED, "no thread for the lane");
}

void sockets_stop(struct trip *t)
{
    (void)t;
    pthread_join(sockets.thread, NULL);
}

void sockets_close(void)
{
    const int all[] = {sockets.near_udp, sockets.near_tcp, sockets.far_udp, sockets.listener,
                       sockets.far_tcp};
    for (uint32_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i] >= 0)
            close(all[i]);
}

void sockets_echo_send(struct trip *t)
{
    static const uint8_t bytes[ECHO_BYTES];
    far_datagram(t->world, bytes, sizeof bytes);
}

uint32_t sockets_echo_take(struct trip *t)
{
    static uint32_t part; // of an echo that has not come whole
    uint8_t bytes[BYTES_MAX];
    part += far_take(t->world, bytes, sizeof bytes);
    const uint32_t whole = part / ECHO_BYTES;
    part %= ECHO_BYTES;
    return whole;
}
