#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/exchange/trade/gate.h"
#include "dataplane/base/clock.h"

enum {
    EVENTS = 32,
    OUT = 1 << 16,
    DOORS = 2,              // of members, of drop copies
    LINGER_NS = 1000000000, // a client gets so long to close after our end
};

struct caller {
    int fd; // -1: free
    int visitor;
    bool ending; // our side is closed
    uint64_t ending_ns;
    uint32_t have, at;
    uint8_t out[OUT];
};

struct kernel_gate {
    struct bourse *b;
    int listeners[DOORS], epoll; // -1: none
    struct caller *callers;      // BOURSE_VISITORS
};

static void caller_close(struct kernel_gate *k, struct caller *c, bool reset)
{
    struct linger now = {1, 0};
    if (reset)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(c->fd);
    bourse_disconnect(k->b, c->visitor);
    c->fd = -1;
}

static void accept_all(struct kernel_gate *k, uint32_t door)
{
    for (;;) {
        int fd = accept4(k->listeners[door], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        int on = 1, visitor = door ? bourse_connect_copy(k->b) : bourse_connect(k->b);
        if (visitor < 0) {
            close(fd);
            continue;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct caller *c = &k->callers[visitor];
        c->fd = fd;
        c->visitor = visitor;
        c->ending = false;
        c->have = c->at = 0;
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = (uint32_t)visitor};
        if (epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
            caller_close(k, c, true);
    }
}

static void caller_receive(struct kernel_gate *k, struct caller *c)
{
    uint8_t bytes[16384];
    while (c->fd >= 0) {
        ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
        if (n > 0)
            bourse_receive(k->b, c->visitor, bytes, (uint32_t)n);
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && errno == EAGAIN)
            return;
        else
            caller_close(k, c, false);
    }
}

// Hands over what the socket takes; the rest stays here, in order.
static bool caller_send(struct kernel_gate *k, struct caller *c)
{
    bool any = false;
    for (;;) {
        if (c->at == c->have) {
            c->at = 0;
            c->have = bourse_send(k->b, c->visitor, c->out, OUT);
            if (!c->have)
                return any;
        }
        ssize_t n = send(c->fd, c->out + c->at, c->have - c->at, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno != EAGAIN)
                caller_close(k, c, true);
            return any;
        }
        c->at += (uint32_t)n;
        any = true;
    }
}

static bool caller_turn(struct kernel_gate *k, struct caller *c)
{
    if (bourse_closing(k->b, c->visitor) == BOURSE_RESETS) {
        caller_close(k, c, true);
        return true;
    }
    bool any = !c->ending && caller_send(k, c);
    if (c->fd < 0 || c->at < c->have || bourse_closing(k->b, c->visitor) == BOURSE_STAYS)
        return any;
    // Closing at once would reset the connection when the client has just sent something, and take
    // our last bytes with it.
    uint64_t now_ns = clock_mono_ns();
    if (!c->ending) {
        shutdown(c->fd, SHUT_WR);
        c->ending = true;
        c->ending_ns = now_ns;
    } else if (now_ns - c->ending_ns > LINGER_NS) {
        caller_close(k, c, false);
    }
    return any;
}

static bool kernel_turn(struct gate *g)
{
    struct kernel_gate *k = g->state;
    struct epoll_event events[EVENTS];
    int n = epoll_wait(k->epoll, events, EVENTS, 0);
    bool any = n > 0;
    for (int i = 0; i < n; i++) {
        if (events[i].data.u32 >= BOURSE_VISITORS)
            accept_all(k, events[i].data.u32 - BOURSE_VISITORS);
        else if (k->callers[events[i].data.u32].fd >= 0)
            caller_receive(k, &k->callers[events[i].data.u32]);
    }
    for (uint32_t i = 0; i < BOURSE_VISITORS; i++)
        if (k->callers[i].fd >= 0)
            any |= caller_turn(k, &k->callers[i]);
    return any;
}

static void kernel_close(struct gate *g)
{
    struct kernel_gate *k = g->state;
    for (uint32_t i = 0; i < BOURSE_VISITORS; i++)
        if (k->callers[i].fd >= 0)
            caller_close(k, &k->callers[i], false);
    for (uint32_t i = 0; i < DOORS; i++)
        if (k->listeners[i] >= 0)
            close(k->listeners[i]);
    if (k->epoll >= 0)
        close(k->epoll);
    free(k->callers);
    free(k);
    memset(g, 0, sizeof *g);
}

static bool listen_at(struct kernel_gate *k, uint32_t door, struct gate_door at, struct error *err)
{
    static const char *const options[DOORS] = {"--orders", "--drop-copy"};
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(at.port), .sin_addr.s_addr = htonl(at.address)};
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = BOURSE_VISITORS + door};
    int on = 1;
    if (!at.port)
        return true;
    const int fd = k->listeners[door] =
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set(err, EXIT_FAILED, "%s: socket: %s", options[door], strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 16) != 0 ||
        epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &e) != 0)
        return error_set(err, EXIT_FAILED,
                         "%s %s:%u: %s; give an address of this host and a free port",
                         options[door], inet_ntoa(address.sin_addr), at.port, strerror(errno));
    return true;
}

bool gate_kernel_open(struct gate *g, struct bourse *b, struct gate_door orders,
                      struct gate_door copies, struct error *err)
{
    memset(g, 0, sizeof *g);
    struct kernel_gate *k = calloc(1, sizeof *k);
    if (k)
        k->callers = calloc(BOURSE_VISITORS, sizeof *k->callers);
    if (!k || !k->callers) {
        free(k);
        return error_set(err, EXIT_FAILED, "--orders: no memory");
    }
    k->b = b;
    k->listeners[0] = k->listeners[1] = -1;
    for (uint32_t i = 0; i < BOURSE_VISITORS; i++)
        k->callers[i].fd = -1;
    *g = (struct gate){.turn = kernel_turn, .close = kernel_close, .state = k};
    k->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (k->epoll < 0)
        error_set(err, EXIT_FAILED, "--orders: epoll: %s", strerror(errno));
    if (k->epoll < 0 || !listen_at(k, 0, orders, err) || !listen_at(k, 1, copies, err)) {
        kernel_close(g);
        return false;
    }
    g->wake = k->epoll;
    return true;
}
