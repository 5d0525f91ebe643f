// libtickgate: the client's end of the rings. Runs in processes of others, never on a lane; trusts
// the dataplane that it attached to, and keeps to the orders of memory in layout.h.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/abi/trade.h"
#include "dataplane/gateway/layout.h"

enum {
    ANSWER_MS = 5000,
    LOOK_POLLS = 65536, // polls that find nothing until the socket is looked at
};

struct tickgate {
    struct gateway_inward *in;
    const struct gateway_outward *out;
    uint64_t in_bytes;
    uint64_t out_bytes;
    uint32_t requests_tail;
    uint32_t requests_head; // as last seen
    uint32_t requests_mask;
    uint32_t answers_head;
    uint32_t answers_tail; // as last seen
    uint32_t answers_mask;
    uint32_t number; // of the last request
    uint32_t beat;
    uint32_t idle;
    int code; // of the end
    int fd;
};

// --- attaching ---

// The answer and both descriptors; false: none came, or it makes no sense.
static bool welcome_receive(int fd, struct gateway_welcome *w, int fds[2])
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {w, sizeof *w};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    fds[0] = fds[1] = -1;
    int n;
    do
        n = poll(&wait, 1, ANSWER_MS);
    while (n < 0 && errno == EINTR);
    if (n <= 0 || recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof *w)
        return false;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(2 * sizeof(int)))
        memcpy(fds, CMSG_DATA(c), 2 * sizeof(int));
    return w->magic == GATEWAY_MAGIC && (w->code != TICKGATE_ATTACHED || fds[1] >= 0);
}

static void *map(int fd, uint64_t bytes, int protection)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || (uint64_t)status.st_size < bytes)
        return NULL;
    void *p = mmap(NULL, bytes, protection, MAP_SHARED | MAP_POPULATE, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void unmap(struct tickgate *t)
{
    if (t->in)
        munmap(t->in, t->in_bytes);
    if (t->out)
        munmap((void *)(uintptr_t)t->out, t->out_bytes);
}

// True: both are mapped and fit each other.
static bool rings_map(struct tickgate *t, const struct gateway_welcome *w, const int fds[2])
{
    t->in_bytes = w->inward_bytes;
    t->out_bytes = w->outward_bytes;
    t->in = map(fds[0], t->in_bytes, PROT_READ | PROT_WRITE);
    t->out = map(fds[1], t->out_bytes, PROT_READ);
    if (t->in && t->out && t->out->magic == GATEWAY_MAGIC &&
        t->in_bytes >= gateway_inward_bytes(t->out->requests) &&
        t->out_bytes >= gateway_outward_bytes(t->out->answers, t->out->symbols, t->out->venues)) {
        t->requests_mask = t->out->requests - 1;
        t->answers_mask = t->out->answers - 1;
        return true;
    }
    unmap(t);
    return false;
}

static int attach(struct tickgate *t, const char *path, const char *client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct gateway_hello hello = {.magic = GATEWAY_MAGIC, .interface = TICKGATE_INTERFACE};
    struct gateway_welcome welcome;
    int fds[2];
    if (strlen(path) >= sizeof address.sun_path)
        return TICKGATE_NO_DATAPLANE;
    if (strlen(client) >= sizeof hello.name)
        return TICKGATE_UNKNOWN_CLIENT;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    snprintf(hello.name, sizeof hello.name, "%s", client);
    t->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (t->fd < 0 || connect(t->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return TICKGATE_NO_DATAPLANE;
    if (send(t->fd, &hello, sizeof hello, MSG_NOSIGNAL) != (ssize_t)sizeof hello)
        return TICKGATE_NO_DATAPLANE;
    int code = TICKGATE_PROTOCOL;
    if (welcome_receive(t->fd, &welcome, fds)) {
        code = (int)welcome.code;
        if (code == TICKGATE_ATTACHED && !rings_map(t, &welcome, fds))
            code = TICKGATE_NO_MEMORY;
    }
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return code;
}

struct tickgate *tickgate_attach(const char *socket_path, const char *client, int *code)
{
    struct tickgate *t = calloc(1, sizeof *t);
    int failed = TICKGATE_NO_MEMORY;
    if (t != NULL) {
        t->fd = -1;
        failed = attach(t, socket_path, client);
        if (failed != TICKGATE_ATTACHED) {
            if (t->fd >= 0)
                close(t->fd);
            free(t);
            t = NULL;
        }
    }
    if (code)
        *code = failed;
    return t;
}

void tickgate_detach(struct tickgate *t)
{
    if (t == NULL)
        return;
    unmap(t);
    close(t->fd);
    free(t);
}

// --- names ---

static uint16_t find(const char *names, uint32_t count, uint32_t stride, const char *wanted)
{
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(names + (uint64_t)i * stride, wanted, stride) == 0)
            return (uint16_t)i;
    return TICKGATE_NONE;
}

uint16_t tickgate_symbol(const struct tickgate *t, const char *name)
{
    char padded[GATEWAY_SYMBOL_LEN];
    const size_t len = strlen(name);
    if (len == 0 || len > sizeof padded)
        return TICKGATE_NONE;
    memset(padded, ' ', sizeof padded);
    memcpy(padded, name, len);
    return find((const char *)t->out + gateway_names_at(t->out->answers), t->out->symbols,
                GATEWAY_SYMBOL_LEN, padded);
}

uint16_t tickgate_venue(const struct tickgate *t, const char *name)
{
    char padded[GATEWAY_NAME_LEN] = {0};
    const size_t len = strlen(name);
    if (len == 0 || len >= sizeof padded)
        return TICKGATE_NONE;
    memcpy(padded, name, len);
    return find((const char *)t->out + gateway_names_at(t->out->answers) +
                    (uint64_t)t->out->symbols * GATEWAY_SYMBOL_LEN,
                t->out->venues, GATEWAY_NAME_LEN, padded);
}

// --- requests ---

// <more>: the slot behind the request's, null: none. Both are there with one index.
static uint32_t request_put_with(struct tickgate *t, struct gateway_request *r,
                                 const union gateway_more *more)
{
    const uint32_t slots = more ? 2 : 1, size = t->requests_mask + 1;
    if (__builtin_expect(t->requests_tail - t->requests_head > size - slots, 0)) {
        t->requests_head = atomic_load_explicit(&t->out->requests_head, memory_order_acquire);
        if (t->requests_tail - t->requests_head > size - slots)
            return 0;
    }
    if (__builtin_expect(t->code != 0, 0))
        return 0;
    if (++t->number == 0) // stands for none
        t->number = 1;
    r->request = t->number;
    r->more = more != NULL;
    t->in->requests[t->requests_tail & t->requests_mask] = *r;
    if (more)
        memcpy(&t->in->requests[(t->requests_tail + 1) & t->requests_mask], more, sizeof *more);
    t->requests_tail += slots;
    atomic_store_explicit(&t->in->requests_tail, t->requests_tail, memory_order_release);
    return t->number;
}

static uint32_t request_put(struct tickgate *t, struct gateway_request *r)
{
    return request_put_with(t, r, NULL);
}

uint32_t tickgate_enter(struct tickgate *t, const struct tickgate_order *order)
{
    struct gateway_request r = {.kind = GATEWAY_ENTER,
                                .client_id = order->client_id,
                                .quantity = order->quantity,
                                .price = order->price,
                                .symbol = order->symbol,
                                .venue = order->venue,
                                .side = order->side,
                                .time_in_force = order->time_in_force,
                                .display = order->display};
    if (order->options == NULL)
        return request_put(t, &r);
    const union gateway_more more = {.options = {.options = *order->options}};
    return request_put_with(t, &r, &more);
}

uint32_t tickgate_replace(struct tickgate *t, uint32_t order, uint64_t client_id, uint32_t total,
                          uint32_t price)
{
    struct gateway_request r = {.kind = GATEWAY_REPLACE,
                                .client_id = client_id,
                                .order = order,
                                .quantity = total,
                                .price = price};
    return request_put(t, &r);
}

uint32_t tickgate_modify(struct tickgate *t, uint32_t order, uint64_t client_id, uint32_t total,
                         char side)
{
    struct gateway_request r = {.kind = GATEWAY_MODIFY,
                                .client_id = client_id,
                                .order = order,
                                .quantity = total,
                                .side = side};
    return request_put(t, &r);
}

uint32_t tickgate_cancel(struct tickgate *t, uint32_t order, uint64_t client_id, uint32_t total)
{
    struct gateway_request r = {
        .kind = GATEWAY_CANCEL, .client_id = client_id, .order = order, .quantity = total};
    return request_put(t, &r);
}

uint32_t tickgate_route(struct tickgate *t, const struct tickgate_route *route)
{
    struct gateway_request r = {.kind = GATEWAY_ROUTE,
                                .client_id = route->client_id,
                                .quantity = route->quantity,
                                .price = route->price,
                                .symbol = route->symbol,
                                .side = route->side,
                                .venues = route->venues,
                                .how = route->how,
                                .rest = route->rest};
    return request_put(t, &r);
}

uint32_t tickgate_route_cancel(struct tickgate *t, uint32_t route, uint64_t client_id)
{
    struct gateway_request r = {
        .kind = GATEWAY_ROUTE_CANCEL, .client_id = client_id, .order = route};
    return request_put(t, &r);
}

uint32_t tickgate_signal(struct tickgate *t, const struct tickgate_signal *signal)
{
    struct gateway_request r = {.kind = GATEWAY_SIGNAL};
    union gateway_more more;
    memset(&more, 0, sizeof more);
    more.signal.signal = *signal;
    return request_put_with(t, &r, &more);
}

// --- answers ---

static bool answer_take(struct tickgate *t, struct tickgate_answer *answer)
{
    if (t->answers_head == t->answers_tail) {
        t->answers_tail = atomic_load_explicit(&t->out->answers_tail, memory_order_acquire);
        if (t->answers_head == t->answers_tail)
            return false;
    }
    *answer = t->out->slots[t->answers_head & t->answers_mask];
    atomic_store_explicit(&t->in->answers_head, ++t->answers_head, memory_order_release);
    return true;
}

// The dataplane says nothing on the socket after its welcome: what can be read is its end.
static bool hung_up(const struct tickgate *t)
{
    char byte;
    const ssize_t n = recv(t->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static int nothing(struct tickgate *t, struct tickgate_answer *answer)
{
    if (t->code == 0)
        t->code = (int)atomic_load_explicit(&t->out->closed, memory_order_acquire);
    if (t->code == 0) {
        if (++t->idle % LOOK_POLLS != 0 || !hung_up(t))
            return 0;
        t->code = (int)atomic_load_explicit(&t->out->closed, memory_order_acquire);
        t->code = t->code ? t->code : TICKGATE_STOPPED;
    }
    // Answers that were put before the end.
    return answer_take(t, answer) ? 1 : -t->code;
}

int tickgate_poll(struct tickgate *t, struct tickgate_answer *answer)
{
    atomic_store_explicit(&t->in->beat, ++t->beat, memory_order_relaxed);
    return answer_take(t, answer) ? 1 : nothing(t, answer);
}

// --- texts ---

const char *tickgate_code_text(int code)
{
    static const char *const texts[TICKGATE_CODES] = {
#define TEXT(number, upper, help) [number] = help,
        TICKGATE_CODE_LIST(TEXT)
#undef TEXT
    };
    if (code < 0)
        code = -code;
    return code < TICKGATE_CODES ? texts[code] : "?";
}

const char *tickgate_refusal_name(unsigned refusal)
{
    return refusal_name(refusal);
}

const char *tickgate_refusal_help(unsigned refusal)
{
    return refusal_help(refusal);
}

char *tickgate_refusal_text(const struct tickgate_answer *answer, char *out, uint64_t size)
{
    enum { TICKS_HZ = 1000000000 }; // times came as nanoseconds
    char text[REFUSAL_TEXT_LEN];
    if (size == 0)
        return out;
    if (answer->scope == TICKGATE_SCOPE_NONE)
        snprintf(out, size, "%s", refusal_name(answer->refusal));
    else
        snprintf(out, size, "%s",
                 refusal_text(text, answer->refusal, answer->value, answer->limit, TICKS_HZ));
    return out;
}

const char *tickgate_scope_name(unsigned scope)
{
    return scope == TICKGATE_SCOPE_NONE ? "none" : scope_name(scope - 1);
}
_Static_assert((int)TICKGATE_SCOPE_FIRM == (int)TRADE_FIRM + 1 &&
                   (int)TICKGATE_SCOPE_SESSION == (int)TRADE_SESSION + 1 &&
                   (int)TICKGATE_SCOPE_SESSION == (int)TRADE_SCOPES,
               "scopes have the same numbers");
