// The other end of a cable: a veth pair whose far end is in a network namespace of its own, and
// children of the test that act there with the kernel's stack or with raw frames.
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PEER_SKIP = 77, PEER_PATIENCE_MS = 8000 };

struct peer {
    char space[32]; // network namespace
    char near[16];  // interface on our side
    pid_t child;
};

static inline bool peer_shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static inline bool peer_shell(const char *fmt, ...)
{
    char command[512], quiet[540];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    snprintf(quiet, sizeof quiet, "{ %s ; } >/dev/null 2>&1", command);
    // NOLINTNEXTLINE(cert-env33-c)
    return system(quiet) == 0;
}

// False when this machine does not allow it (no root, no iproute2).
static inline bool peer_make(struct peer *p, const char *address)
{
    snprintf(p->space, sizeof p->space, "tickgate-%d", (int)getpid());
    snprintf(p->near, sizeof p->near, "tg%da", (int)getpid());
    p->child = 0;
    bool made =
        peer_shell("ip netns add %s", p->space) &&
        peer_shell("ip link add %s type veth peer name k0 netns %s", p->near, p->space) &&
        peer_shell("ip -n %s addr add %s/24 dev k0", p->space, address) &&
        peer_shell("ip -n %s link set lo up", p->space) &&
        peer_shell("ip netns exec %s sysctl -qw net.ipv6.conf.all.disable_ipv6=1", p->space) &&
        peer_shell("sysctl -qw net.ipv6.conf.%s.disable_ipv6=1", p->near) &&
        // The kernel leaves checksums to the card; a veth pair has none.
        peer_shell("ip netns exec %s ethtool -K k0 tx off", p->space) &&
        peer_shell("ip -n %s link set k0 up", p->space) &&
        peer_shell("ip -n %s route add 224.0.0.0/4 dev k0", p->space) &&
        peer_shell("ip link set %s up", p->near);
    return made;
}

static inline void peer_remove(const struct peer *p)
{
    peer_shell("ip link del %s", p->near);
    peer_shell("ip netns del %s", p->space);
}

static inline void peer_enter(const struct peer *p)
{
    char path[64];
    snprintf(path, sizeof path, "/var/run/netns/%s", p->space);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
        _exit(99);
    close(fd);
}

// <act> runs in the peer's namespace, in a process of its own; it answers whether it saw what it
// was to see.
static inline void peer_start(struct peer *p, bool (*act)(void))
{
    p->child = fork();
    if (p->child != 0)
        return;
    peer_enter(p);
    _exit(act() ? 0 : 1);
}

// -1: still at it; else its exit code.
static inline int peer_done(struct peer *p)
{
    int status;
    if (waitpid(p->child, &status, WNOHANG) == 0)
        return -1;
    p->child = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static inline void peer_kill(struct peer *p)
{
    if (p->child) {
        kill(p->child, SIGKILL);
        waitpid(p->child, NULL, 0);
    }
    p->child = 0;
}

// --- what children use

static inline int peer_raw(uint16_t protocol)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(protocol),
                             .sll_ifindex = (int)if_nametoindex("k0")};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(protocol));
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0)
        _exit(97);
    return fd;
}

static inline int peer_udp(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0)
        _exit(97);
    return fd;
}

static inline bool peer_wait(int fd, int ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    return poll(&ready, 1, ms) == 1;
}

static inline struct sockaddr_in peer_to(uint32_t ip, uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
}
