#include "bench/exchange/glimpse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/exchange/itch_write.h"
#include "bench/exchange/soup.h"

enum { LINGER_MS = 2000 };

static void sleep_us(long us)
{
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

static bool stopped(const struct glimpse *g)
{
    return atomic_load_explicit(&g->stop, memory_order_relaxed);
}

// 0: welcome, otherwise the reason of the refusal (SoupBinTCP: A not authorized, S session not
// available).
static char login_refused(const struct glimpse *g, const struct soup_login *login)
{
    char session[11] = {0};
    memcpy(session, g->session, PACK_SESSION);
    session[strcspn(session, " ")] = 0;
    if (g->user[0] &&
        (strcasecmp(g->user, login->user) != 0 || strcasecmp(g->password, login->password) != 0))
        return 'A';
    if (login->session[0] && strcmp(login->session, session) != 0)
        return 'S';
    return login->sequence_valid && login->sequence == 1 ? 0 : 'S'; // GLIMPSE: a spin starts at 1
}

static void orders_write(struct soup *s, const struct picture *p)
{
    uint8_t message[ITCH_MAX];
    for (uint64_t i = 0; i < p->live && !s->broken; i++) {
        const struct picture_order *o = &p->orders[i];
        struct itch_common c = {o->locate, 0, o->time_ns};
        struct itch_order order = {o->reference, o->shares, o->price, o->side};
        static const uint8_t blank[8] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
        const uint8_t *directory = p->symbols[o->locate].directory;
        uint32_t length = itch_add(message, &c, directory[0] ? directory + 11 : blank, &order,
                                   o->attributed ? o->mpid : NULL);
        soup_sequenced(s, message, length);
    }
}

// The spin: directory, state of every symbol, orders in priority, and where to go on (GLIMPSE 5.0).
static void spin_write(struct soup *s, const struct picture *p, uint64_t next)
{
    if (p->system_event[0])
        soup_sequenced(s, p->system_event, sizeof p->system_event);
    for (uint32_t i = 0; i <= p->locate_max; i++)
        if (p->symbols[i].directory[0])
            soup_sequenced(s, p->symbols[i].directory, sizeof p->symbols[i].directory);
    for (uint32_t i = 0; i <= p->locate_max; i++) {
        const struct picture_symbol *symbol = &p->symbols[i];
        if (symbol->trading[0])
            soup_sequenced(s, symbol->trading, sizeof symbol->trading);
        if (symbol->reg_sho[0])
            soup_sequenced(s, symbol->reg_sho, sizeof symbol->reg_sho);
        if (symbol->operational[0])
            soup_sequenced(s, symbol->operational, sizeof symbol->operational);
    }
    orders_write(s, p);
    char end[22];
    snprintf(end, sizeof end, "G%20llu", (unsigned long long)next);
    soup_sequenced(s, (const uint8_t *)end, 21);
    soup_end(s);
}

// The copy that the sender makes for us, or NULL. Heartbeats go out while we wait.
static struct picture *copy_wait(struct glimpse_server *server, struct soup *s)
{
    atomic_store_explicit(&server->wish, WISH_OPEN, memory_order_release);
    for (uint32_t waited_us = 0;; waited_us += 200) {
        if (atomic_load_explicit(&server->wish, memory_order_acquire) == WISH_READY)
            break;
        if (stopped(server->glimpse))
            return NULL; // the sender makes no more copies; glimpse_close drops one that it has
                         // just made
        if (waited_us % (SOUP_HEARTBEAT_MS * 1000) == 0 && waited_us)
            soup_heartbeat(s);
        sleep_us(200);
    }
    struct picture *copy = server->copy;
    server->copy = NULL;
    atomic_store_explicit(&server->wish, WISH_NONE, memory_order_release);
    return copy;
}

static void client_serve(struct glimpse_server *server, int fd)
{
    struct glimpse *g = server->glimpse;
    struct soup s;
    struct soup_login login;
    soup_init(&s, fd, &g->stop);
    if (!soup_login(&s, &login)) {
        atomic_fetch_add(&g->refused, 1);
        return;
    }
    char reason = login_refused(g, &login);
    if (reason) {
        soup_reject(&s, reason);
        atomic_fetch_add(&g->refused, 1);
        return;
    }
    soup_accept(&s, g->session, 1);
    struct picture *copy = copy_wait(server, &s);
    if (!copy) { // stopped, or no memory for it
        atomic_fetch_add(&g->broken, 1);
        return;
    }
    picture_sort(copy);
    spin_write(&s, copy, server->next);
    if (s.broken) {
        atomic_fetch_add(&g->broken, 1);
    } else {
        atomic_fetch_add(&g->orders, copy->live);
        atomic_fetch_add(&g->snapshots, 1);
    }
    picture_drop(copy);
    // Let the client close first: closing with its unread heartbeats in our buffer would reset the
    // connection and could take the end of the spin with it.
    shutdown(fd, SHUT_WR);
    uint8_t ignored[256];
    for (uint32_t ms = 0; ms < LINGER_MS && !stopped(g); ms += 20) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 20) > 0 && recv(fd, ignored, sizeof ignored, MSG_DONTWAIT) <= 0)
            break;
    }
}

static void *server_run(void *argument)
{
    struct glimpse_server *server = argument;
    struct glimpse *g = server->glimpse;
    while (!stopped(g)) {
        struct pollfd p = {.fd = g->listener, .events = POLLIN};
        if (poll(&p, 1, 50) <= 0)
            continue;
        int fd = accept4(g->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            continue; // another server was quicker
        client_serve(server, fd);
        close(fd);
    }
    return NULL;
}

bool glimpse_open(struct glimpse *g, uint32_t address, uint16_t port, struct error *err)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    int on = 1;
    atomic_store(&g->stop, false);
    g->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (g->listener < 0)
        return error_set(err, EXIT_FAILED, "--glimpse: socket: %s", strerror(errno));
    (void)setsockopt(g->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(g->listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(g->listener, 16) != 0) {
        error_set(err, EXIT_FAILED,
                  "--glimpse %s:%u: %s; give an address of this host and a free port",
                  inet_ntoa(at.sin_addr), port, strerror(errno));
        glimpse_close(g);
        return false;
    }
    for (uint32_t i = 0; i < GLIMPSE_SERVERS; i++) {
        struct glimpse_server *server = &g->servers[i];
        *server = (struct glimpse_server){.glimpse = g};
        int failed = pthread_create(&server->thread, NULL, server_run, server);
        if (failed) {
            error_set(err, EXIT_FAILED, "--glimpse: thread: %s", strerror(failed));
            glimpse_close(g);
            return false;
        }
        server->running = true;
    }
    return true;
}

bool glimpse_poll(struct glimpse *g, const struct picture *picture, uint64_t next)
{
    bool any = false;
    for (uint32_t i = 0; i < GLIMPSE_SERVERS; i++) {
        struct glimpse_server *server = &g->servers[i];
        if (atomic_load_explicit(&server->wish, memory_order_acquire) != WISH_OPEN)
            continue;
        server->copy = picture_copy(picture);
        server->next = next;
        atomic_store_explicit(&server->wish, WISH_READY, memory_order_release);
        any = true;
    }
    return any;
}

void glimpse_close(struct glimpse *g)
{
    atomic_store(&g->stop, true);
    for (uint32_t i = 0; i < GLIMPSE_SERVERS; i++) {
        struct glimpse_server *server = &g->servers[i];
        if (server->running)
            pthread_join(server->thread, NULL);
        server->running = false;
        picture_drop(server->copy);
        server->copy = NULL;
    }
    if (g->listener >= 0)
        close(g->listener);
    g->listener = -1;
}
