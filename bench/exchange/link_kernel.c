#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/exchange/link.h"
#include "dataplane/base/hints.h"

enum { SEND_BUFFER = 8 << 20 };

struct kernel_link {
    int sockets[LINK_ENDPOINTS]; // -1 where not open
    char names[LINK_ENDPOINTS][32];
};

static bool multicast_setup(int fd, const struct link_options *o, const struct link_endpoint *e,
                            const char *name, struct error *err)
{
    const char *interface = o->interfaces[e->device];
    int ttl = (int)o->ttl, loop = 1;
    if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &loop, sizeof loop) != 0)
        return error_set(err, EXIT_FAILED, "line to %s: multicast: %s", name, strerror(errno));
    if (!interface)
        return true;
    struct ip_mreqn request = {.imr_ifindex = (int)if_nametoindex(interface)};
    if (!request.imr_ifindex)
        return error_set(err, EXIT_USAGE, "--interface %s: %s; see `ip link`", interface,
                         strerror(errno));
    if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) != 0)
        return error_set(err, EXIT_FAILED, "--interface %s: %s", interface, strerror(errno));
    return true;
}

static bool endpoint_open(struct kernel_link *k, const struct link_options *o, uint32_t index,
                          struct error *err)
{
    const struct link_endpoint *e = &o->endpoints[index];
    struct in_addr group = {htonl(e->group)};
    char *name = k->names[index];
    snprintf(name, sizeof k->names[index], "%s:%u", inet_ntoa(group), e->port);
    int fd = k->sockets[index] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set(err, EXIT_FAILED, "line to %s: socket: %s", name, strerror(errno));
    int size = SEND_BUFFER;
    // Beyond wmem_max only with CAP_NET_ADMIN; without it bursts are shorter, nothing is lost.
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (link_is_multicast(e->group) && !multicast_setup(fd, o, e, name, err))
        return false;
    if (e->source) {
        struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(e->source)};
        if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
            return error_set(err, EXIT_FAILED, "line to %s: source %s: %s", name,
                             inet_ntoa(from.sin_addr), strerror(errno));
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(e->port), .sin_addr = group};
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        return error_set(err, EXIT_FAILED, "line to %s: %s; name the interface with --interface",
                         name, strerror(errno));
    return true;
}

static uint32_t kernel_send(struct link *l, const struct link_packet *packets, uint32_t count,
                            struct error *err)
{
    struct kernel_link *k = l->state;
    struct mmsghdr messages[LINK_BURST];
    struct iovec vectors[LINK_BURST];
    if (count > LINK_BURST)
        count = LINK_BURST;
    uint16_t endpoint = packets[0].endpoint;
    uint32_t n = 0;
    for (; n < count && packets[n].endpoint == endpoint; n++) {
        // The kernel does not write what it sends; iovec has no const.
        union {
            const uint8_t *from;
            void *base;
        } payload = {packets[n].payload};
        vectors[n] = (struct iovec){payload.base, packets[n].length};
        messages[n] = (struct mmsghdr){.msg_hdr = {.msg_iov = &vectors[n], .msg_iovlen = 1}};
    }
    uint32_t sent = 0;
    // A datagram that nobody listens to (unicast) makes a later call fail once: that says nothing
    // about the packets left.
    for (uint32_t tries = 0; sent < n && tries < 2 * LINK_BURST; tries++) {
        int got = sendmmsg(k->sockets[endpoint], messages + sent, n - sent, 0);
        if (LIKELY(got > 0))
            sent += (uint32_t)got;
        else if (errno == EPERM) // a firewall rule of this host drops it: lost like on a wire
            sent++;
        else if (errno == EAGAIN || errno == ENOBUFS)
            break;
        else if (errno != ECONNREFUSED && errno != EINTR) {
            error_set(err, EXIT_FAILED, "line to %s: send: %s", k->names[endpoint],
                      strerror(errno));
            break;
        }
    }
    return sent;
}

static bool kernel_up(struct link *l)
{
    (void)l;
    return true;
}

static void kernel_close(struct link *l)
{
    struct kernel_link *k = l->state;
    for (uint32_t i = 0; i < LINK_ENDPOINTS; i++)
        if (k->sockets[i] >= 0)
            close(k->sockets[i]);
    free(k);
    memset(l, 0, sizeof *l);
}

bool link_kernel_open(struct link *l, const struct link_options *o, struct error *err)
{
    memset(l, 0, sizeof *l);
    struct kernel_link *k = calloc(1, sizeof *k);
    if (!k)
        return error_set(err, EXIT_FAILED, "kernel sockets: no memory");
    for (uint32_t i = 0; i < LINK_ENDPOINTS; i++)
        k->sockets[i] = -1;
    l->state = k;
    l->send = kernel_send;
    l->up = kernel_up;
    l->close = kernel_close;
    snprintf(l->describe, sizeof l->describe, "kernel UDP%s%s%s%s", o->interfaces[0] ? " on " : "",
             o->interfaces[0] ? o->interfaces[0] : "", o->interfaces[1] ? "," : "",
             o->interfaces[1] ? o->interfaces[1] : "");
    for (uint32_t i = 0; i < o->endpoint_count; i++)
        if (!endpoint_open(k, o, i, err)) {
            kernel_close(l);
            return false;
        }
    return true;
}
