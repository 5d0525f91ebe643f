// The door: main lcore, system calls, no lane. See door.h and layout.h.
#include "dataplane/gateway/door.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/base/log.h"
#include "dataplane/base/unix_path.h"

#ifndef F_SEAL_FUTURE_WRITE
#error "the kernel's headers are older than 5.1"
#endif

enum { NS_PER_MS = 1000000 };

// --- set-up ---

static bool power_of_two(uint32_t n)
{
    return n >= 2 && (n & (n - 1)) == 0;
}

bool gateway_init(struct gateway *g, uint32_t requests, uint32_t answers, uint32_t first_strategy,
                  struct error *err)
{
    if (!power_of_two(requests) || !power_of_two(answers))
        return error_set(err, EXIT_USAGE,
                         "gateway: rings of %u requests and %u answers: take "
                         "powers of two",
                         requests, answers);
    g->requests = requests;
    g->answers = answers;
    g->first_strategy = first_strategy;
    return true;
}

bool gateway_client_add(struct gateway *g, struct gateway_client_config *config, uint64_t tsc_hz,
                        struct error *err)
{
    if (g->count == GATEWAY_CLIENTS_MAX || g->first_strategy + g->count >= STRATEGY_NOBODY)
        return error_set(err, EXIT_USAGE,
                         "client %s: a lane has at most %d clients, and with its strategies %d",
                         config->name, GATEWAY_CLIENTS_MAX, STRATEGY_NOBODY);
    if (config->account >= ACCOUNTS_MAX || config->rate_per_s == 0 || config->burst == 0)
        return error_set(err, EXIT_USAGE,
                         "client %s: takes an account below %d, a rate and a burst of 1 or more",
                         config->name, ACCOUNTS_MAX);
    struct gateway_client *c = &g->clients[g->count];
    config->strategy = (uint16_t)(g->first_strategy + g->count++);
    c->config = *config;
    // Rounded up: never more than so many in a second.
    c->rate_ticks = (tsc_hz + config->rate_per_s - 1) / config->rate_per_s;
    c->burst_ticks = c->rate_ticks * (config->burst - 1);
    return true;
}

uint64_t gateway_client_bytes(const struct gateway *g, const struct door_names *names)
{
    return gateway_inward_bytes(g->requests) +
           gateway_outward_bytes(g->answers, names->symbol_count, names->venue_count);
}

bool door_open(struct door *door, const char *path, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *door = (struct door){.fd = -1};
    for (uint32_t i = 0; i < DOOR_WAITING_MAX; i++)
        door->waiting[i].fd = -1;
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(err, EXIT_USAGE, "gateway: %s: longer than %zu characters", path,
                         sizeof address.sun_path - 1);
    snprintf(door->path, sizeof door->path, "%s", path);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    const enum unix_path there = unix_path_look(path, SOCK_SEQPACKET);
    if (there == UNIX_PATH_LIVE || there == UNIX_PATH_OTHER)
        return error_set(err, EXIT_FAILED, "gateway: %s: %s", path,
                         there == UNIX_PATH_LIVE ? "another process listens there; stop it first"
                                                 : "is no socket; remove it or take another path");
    if (there == UNIX_PATH_STALE)
        unlink(path);
    door->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (door->fd >= 0 && bind(door->fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        chmod(path, 0666) == 0 && listen(door->fd, DOOR_WAITING_MAX) == 0)
        return true;
    error_set(err, EXIT_FAILED, "gateway: %s: %s; does its folder exist?", path, strerror(errno));
    if (door->fd >= 0)
        close(door->fd);
    door->fd = -1;
    return false;
}

void door_gateway_add(struct door *door, struct gateway *g, const struct door_names *names)
{
    for (uint32_t i = 0; i < GATEWAY_CLIENTS_MAX; i++)
        door->guests[door->gateway_count][i] = (struct door_guest){.fd = -1};
    door->names[door->gateway_count] = *names;
    door->gateways[door->gateway_count++] = g;
}

// --- memory of an attachment ---

// Zeroed, of this size for ever, every page there. Small pages: a huge one that a client gives back
// (it may punch holes into what it may write) might not be there when it is wanted again, and that
// would be a bus error on the lane.
static void *memory_make(const char *name, uint64_t bytes, int *fd)
{
    *fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0)
        return NULL;
    void *p = MAP_FAILED;
    if (ftruncate(*fd, (off_t)bytes) == 0 &&
        fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0)
        p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, *fd, 0);
    if (p == MAP_FAILED) {
        close(*fd);
        *fd = -1;
        return NULL;
    }
    mlock(p, bytes); // where the limit allows it; there is nothing to swap it to otherwise
    return p;
}

static void facts_write(struct gateway_outward *out, const struct gateway *g,
                        const struct gateway_client_config *c, const struct door_names *names)
{
    char *at = (char *)out + gateway_names_at(g->answers);
    out->magic = GATEWAY_MAGIC;
    out->interface = TICKGATE_INTERFACE;
    out->requests = g->requests;
    out->answers = g->answers;
    out->symbols = names->symbol_count;
    out->venues = names->venue_count;
    out->heartbeat_ms = c->heartbeat_ms;
    out->open_orders = c->open_orders;
    out->rate_per_s = c->rate_per_s;
    out->account = c->account;
    out->strategy = c->strategy;
    memcpy(at, names->symbols, (size_t)names->symbol_count * GATEWAY_SYMBOL_LEN);
    at += (size_t)names->symbol_count * GATEWAY_SYMBOL_LEN;
    memcpy(at, names->venues, (size_t)names->venue_count * GATEWAY_NAME_LEN);
}

// Both pieces, with the descriptors for the client in <fds>.
static bool memory_attach(const struct gateway *g, struct gateway_client *c,
                          struct door_guest *guest, const struct door_names *names, int fds[2])
{
    guest->inward_bytes = gateway_inward_bytes(g->requests);
    guest->outward_bytes =
        gateway_outward_bytes(g->answers, names->symbol_count, names->venue_count);
    c->inward = memory_make("tickgate-inward", guest->inward_bytes, &fds[0]);
    c->outward = memory_make("tickgate-outward", guest->outward_bytes, &fds[1]);
    // Ours stays writable, every later mapping and write is refused; nor can holes be punched.
    if (c->inward && c->outward && fcntl(fds[0], F_ADD_SEALS, F_SEAL_SEAL) == 0 &&
        fcntl(fds[1], F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == 0) {
        facts_write(c->outward, g, &c->config, names);
        return true;
    }
    if (c->inward)
        munmap(c->inward, guest->inward_bytes);
    if (c->outward)
        munmap(c->outward, guest->outward_bytes);
    c->inward = NULL;
    c->outward = NULL;
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return false;
}

// --- attaching ---

static bool welcome_send(int fd, enum tickgate_code code, const struct door_guest *guest,
                         const int fds[2])
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct gateway_welcome w = {
        .magic = GATEWAY_MAGIC, .interface = TICKGATE_INTERFACE, .code = code};
    struct iovec part = {&w, sizeof w};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (code == TICKGATE_ATTACHED) {
        w.inward_bytes = guest->inward_bytes;
        w.outward_bytes = guest->outward_bytes;
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(2 * sizeof(int));
        memcpy(CMSG_DATA(c), fds, 2 * sizeof(int));
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof w;
}

// The client of that name; false: there is none.
static bool client_find(const struct door *door, const char *name, uint32_t *lane, uint32_t *index)
{
    for (*lane = 0; *lane < door->gateway_count; ++*lane)
        for (*index = 0; *index < door->gateways[*lane]->count; ++*index)
            if (strcmp(door->gateways[*lane]->clients[*index].config.name, name) == 0)
                return true;
    return false;
}

static enum tickgate_code hello_judge(const struct door *door, const struct gateway_hello *hello,
                                      int64_t len, const struct ucred *who, uint32_t *lane,
                                      uint32_t *index)
{
    if (len != sizeof *hello || hello->magic != GATEWAY_MAGIC ||
        memchr(hello->name, 0, sizeof hello->name) == NULL)
        return TICKGATE_PROTOCOL;
    if (hello->interface != TICKGATE_INTERFACE)
        return TICKGATE_OTHER_INTERFACE;
    if (!client_find(door, hello->name, lane, index))
        return TICKGATE_UNKNOWN_CLIENT;
    if (who->uid != door->gateways[*lane]->clients[*index].config.uid)
        return TICKGATE_WRONG_USER;
    return door->guests[*lane][*index].attachment ? TICKGATE_ATTACHED_ALREADY : TICKGATE_ATTACHED;
}

// The client's memory is made, the lane is told and the process gets it. True: <fd> is the guest's.
static enum tickgate_code guest_let_in(struct door *door, uint32_t lane, uint32_t index, int fd,
                                       const struct ucred *who, uint64_t now_ns)
{
    struct gateway *g = door->gateways[lane];
    struct gateway_client *c = &g->clients[index];
    struct door_guest *guest = &door->guests[lane][index];
    int fds[2];
    if (!memory_attach(g, c, guest, &door->names[lane], fds))
        return TICKGATE_NO_MEMORY;
    const bool sent = welcome_send(fd, TICKGATE_ATTACHED, guest, fds);
    close(fds[0]);
    close(fds[1]);
    if (!sent) {
        munmap(c->inward, guest->inward_bytes);
        munmap(c->outward, guest->outward_bytes);
        c->inward = NULL;
        c->outward = NULL;
        return TICKGATE_PROTOCOL;
    }
    guest->fd = fd;
    guest->attachment = ++door->attachments;
    guest->beat = 0;
    guest->beat_ns = now_ns;
    guest->ended = false;
    c->uid = who->uid;
    c->pid = (uint32_t)who->pid;
    c->attachments++;
    atomic_store_explicit(&c->attached, guest->attachment, memory_order_release);
    gateway_ring(g);
    log_info(LOG_CLIENT_ATTACHED,
             LOG_FIELDS(LOG_TEXT("client", c->config.name), LOG_NUMBER("pid", c->pid),
                        LOG_NUMBER("user", c->uid)),
             "%s: process %u of user %u", c->config.name, c->pid, c->uid);
    return TICKGATE_ATTACHED;
}

// What a process that waits has said; true: it waits no longer.
static bool hello_take(struct door *door, struct door_waiting *w, uint64_t now_ns)
{
    struct gateway_hello hello;
    struct ucred who = {0};
    socklen_t len = sizeof who;
    uint32_t lane = 0, index = 0;
    const ssize_t n = recv(w->fd, &hello, sizeof hello, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR) && now_ns < w->until_ns)
        return false;
    enum tickgate_code code = TICKGATE_PROTOCOL;
    if (n > 0 && getsockopt(w->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
        code = hello_judge(door, &hello, n, &who, &lane, &index);
    if (code == TICKGATE_ATTACHED)
        code = guest_let_in(door, lane, index, w->fd, &who, now_ns);
    if (code != TICKGATE_ATTACHED) {
        door->refused++;
        log_warn(LOG_CLIENT_REFUSED,
                 LOG_FIELDS(LOG_NUMBER("pid", who.pid), LOG_NUMBER("user", who.uid),
                            LOG_NUMBER("answer", code)),
                 "process %d of user %u: %s", (int)who.pid, who.uid,
                 n == 0 ? "went away" : tickgate_code_text((int)code));
        welcome_send(w->fd, code, NULL, NULL);
        close(w->fd);
    }
    w->fd = -1;
    return true;
}

static uint32_t knocks_take(struct door *door, uint64_t now_ns)
{
    uint32_t work = 0;
    bool more = true;
    for (uint32_t i = 0; i < DOOR_WAITING_MAX; i++) {
        struct door_waiting *w = &door->waiting[i];
        if (w->fd < 0 && more) {
            w->fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
            more = w->fd >= 0;
            w->until_ns = now_ns + (uint64_t)DOOR_HELLO_MS * NS_PER_MS;
        }
        if (w->fd >= 0)
            work += hello_take(door, w, now_ns);
    }
    return work;
}

// --- guests ---

static void guest_end(struct gateway *g, uint32_t index, struct door_guest *guest,
                      enum tickgate_code why)
{
    struct gateway_client *c = &g->clients[index];
    guest->ended = true;
    c->why = why;
    atomic_store_explicit(&c->ended, guest->attachment, memory_order_release);
    gateway_ring(g);
}

// The lane has left: nobody looks at the memory any more.
static void guest_forget(struct gateway_client *c, struct door_guest *guest)
{
    const uint32_t cut = atomic_load_explicit(&c->cut, memory_order_relaxed);
    log_info(LOG_CLIENT_LEFT,
             LOG_FIELDS(LOG_TEXT("client", c->config.name), LOG_NUMBER("pid", c->pid),
                        LOG_NUMBER("answer", cut)),
             "%s: process %u: %s", c->config.name, c->pid, tickgate_code_text((int)cut));
    close(guest->fd);
    munmap(c->inward, guest->inward_bytes);
    munmap(c->outward, guest->outward_bytes);
    c->inward = NULL;
    c->outward = NULL;
    *guest = (struct door_guest){.fd = -1};
}

// A client says nothing on its socket once it is attached: what can be read is its end, or
// nonsense.
static enum tickgate_code guest_look(const struct gateway_client *c, struct door_guest *guest,
                                     uint64_t now_ns)
{
    char byte;
    const ssize_t n = recv(guest->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return TICKGATE_DETACHED;
    if (n > 0)
        return TICKGATE_PROTOCOL;
    const uint32_t beat = atomic_load_explicit(&c->inward->beat, memory_order_relaxed);
    if (beat != guest->beat) {
        guest->beat = beat;
        guest->beat_ns = now_ns;
    }
    const bool silent = c->config.heartbeat_ms &&
                        now_ns - guest->beat_ns > (uint64_t)c->config.heartbeat_ms * NS_PER_MS;
    return silent ? TICKGATE_SILENT : TICKGATE_ATTACHED;
}

static uint32_t guest_turn(struct gateway *g, uint32_t index, struct door_guest *guest,
                           uint64_t now_ns)
{
    struct gateway_client *c = &g->clients[index];
    if (atomic_load_explicit(&c->left, memory_order_acquire) == guest->attachment) {
        guest_forget(c, guest);
        return 1;
    }
    if (guest->ended)
        return 0;
    const enum tickgate_code why = guest_look(c, guest, now_ns);
    if (why == TICKGATE_ATTACHED)
        return 0;
    guest_end(g, index, guest, why);
    return 1;
}

uint32_t door_turn(struct door *door, uint64_t now_ns)
{
    if (door->fd < 0 || now_ns < door->next_ns)
        return 0;
    door->next_ns = now_ns + (uint64_t)DOOR_TURN_MS * NS_PER_MS;
    uint32_t work = knocks_take(door, now_ns);
    for (uint32_t lane = 0; lane < door->gateway_count; lane++)
        for (uint32_t i = 0; i < door->gateways[lane]->count; i++)
            if (door->guests[lane][i].attachment)
                work += guest_turn(door->gateways[lane], i, &door->guests[lane][i], now_ns);
    return work;
}

void door_close(struct door *door)
{
    if (door->fd < 0)
        return;
    for (uint32_t lane = 0; lane < door->gateway_count; lane++)
        for (uint32_t i = 0; i < door->gateways[lane]->count; i++) {
            struct gateway_client *c = &door->gateways[lane]->clients[i];
            if (!door->guests[lane][i].attachment)
                continue;
            // No lane runs: its words are ours.
            if (atomic_load_explicit(&c->left, memory_order_acquire) !=
                door->guests[lane][i].attachment) {
                atomic_store_explicit(&c->cut, TICKGATE_STOPPED, memory_order_relaxed);
                atomic_store_explicit(&c->outward->closed, TICKGATE_STOPPED, memory_order_release);
            }
            guest_forget(c, &door->guests[lane][i]);
        }
    for (uint32_t i = 0; i < DOOR_WAITING_MAX; i++)
        if (door->waiting[i].fd >= 0)
            close(door->waiting[i].fd);
    close(door->fd);
    unlink(door->path);
    door->fd = -1;
}
