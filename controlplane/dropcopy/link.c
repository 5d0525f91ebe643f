#include "controlplane/dropcopy/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    NS_PER_MS = 1000000,
    CONNECT_MS = 5000, // for a connection and for the answer to the login
    READS_A_TURN = 8,  // of a full buffer each; then others have their turn
};

const char *drop_link_state_name(enum drop_link_state state)
{
    static const char *const names[DROP_LINK_STATE_COUNT] = {
#define DROP_LINK_STATE(upper, lower, help) #lower,
        DROP_LINK_STATES(DROP_LINK_STATE)
#undef DROP_LINK_STATE
    };
    return state < DROP_LINK_STATE_COUNT ? names[state] : "?";
}

void drop_link_init(struct drop_link *l, const struct drop_link_config *config, const char *session,
                    uint64_t next)
{
    memset(l, 0, sizeof *l);
    l->config = *config;
    l->fd = -1;
    snprintf(l->session, sizeof l->session, "%s", session);
    l->next = next ? next : 1;
}

const char *drop_link_place(const struct drop_link *l, uint64_t *next)
{
    *next = l->over_next ? l->over_next : l->next;
    return l->over_next ? l->over : l->session;
}

static void state_set(struct drop_link *l, enum drop_link_state state, uint64_t now_ns)
{
    l->since_ns = l->state == state ? l->since_ns : now_ns;
    l->state = state;
}

static void leave(struct drop_link *l, enum drop_link_state state, uint64_t now_ns, const char *why)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    snprintf(l->why, sizeof l->why, "%s", why);
    state_set(l, state, now_ns);
    uint64_t ms = (uint64_t)l->config.retry_ms << (l->retries < 16 ? l->retries : 16);
    ms = ms < l->config.retry_max_ms ? ms : l->config.retry_max_ms;
    l->retries++;
    l->retry_at_ns = now_ns + ms * NS_PER_MS;
}

static void lost(struct drop_link *l, uint64_t now_ns, const char *what, int error)
{
    char why[sizeof l->why];
    snprintf(why, sizeof why, "%s%s%s", what, error ? ": " : "", error ? strerror(error) : "");
    leave(l, DROP_LINK_DOWN, now_ns, why);
}

void drop_link_close(struct drop_link *l)
{
    uint8_t logout[SOUPBIN_HEADER_LEN];
    if (l->fd >= 0 && l->state == DROP_LINK_UP)
        (void)!send(l->fd, logout, soupbin_logout_write(logout), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

// What a client says is short: a socket that does not take it is as good as gone.
static bool say(struct drop_link *l, const uint8_t *p, uint32_t len, uint64_t now_ns)
{
    if (len && send(l->fd, p, len, MSG_NOSIGNAL) == (ssize_t)len) {
        l->said_ns = now_ns;
        return true;
    }
    lost(l, now_ns, "the server takes nothing", len ? errno : 0);
    return false;
}

// --- connecting ---

static void login(struct drop_link *l, uint64_t now_ns)
{
    uint8_t p[SOUPBIN_LOGIN_LEN_410];
    const struct soupbin_login request = {.username = l->config.username,
                                          .password = l->config.password,
                                          .session = l->session,
                                          .sequence = l->next};
    if (!say(l, p, soupbin_login_write(p, &request), now_ns))
        return;
    soupbin_stream_init(&l->stream, l->buffer, sizeof l->buffer);
    l->heard_ns = now_ns;
    state_set(l, DROP_LINK_LOGIN, now_ns);
}

static void open_begin(struct drop_link *l, uint64_t now_ns)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_port = htons(l->config.port),
                                   .sin_addr.s_addr = htonl(l->config.ip)};
    const int on = 1;
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0) {
        lost(l, now_ns, "socket", errno);
        return;
    }
    (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    l->since_ns = now_ns;
    l->state = DROP_LINK_CONNECTING;
    if (connect(l->fd, (const struct sockaddr *)&at, sizeof at) != 0 && errno != EINPROGRESS)
        lost(l, now_ns, "no connection", errno);
}

static void open_look(struct drop_link *l, uint64_t now_ns)
{
    struct pollfd p = {.fd = l->fd, .events = POLLOUT};
    int error = 0;
    socklen_t len = sizeof error;
    if (poll(&p, 1, 0) <= 0)
        return;
    (void)getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error)
        lost(l, now_ns, "no connection", error);
    else
        login(l, now_ns);
}

// --- packets ---

static void accepted(struct drop_link *l, const struct soupbin_packet *packet, uint64_t now_ns)
{
    struct soupbin_accepted a;
    if (l->state != DROP_LINK_LOGIN || !soupbin_accepted_read(packet, &a) || a.sequence == 0) {
        lost(l, now_ns, "the server's answer to the login is none", 0);
        return;
    }
    if (strcmp(a.session, l->over) != 0)
        l->over_next = 0;
    snprintf(l->session, sizeof l->session, "%s", a.session);
    l->next = a.sequence;
    l->connects++;
    l->retries = 0;
    l->why[0] = 0;
    state_set(l, DROP_LINK_UP, now_ns);
}

// The next login asks for whatever is current, from its beginning: that may be the same still.
static void forget(struct drop_link *l)
{
    if (l->session[0]) {
        memcpy(l->over, l->session, sizeof l->over);
        l->over_next = l->next > l->over_next ? l->next : l->over_next;
    }
    l->session[0] = 0;
    l->next = 1;
}

// A session that is over: the current one, at once.
static void rejected(struct drop_link *l, char reason, uint64_t now_ns)
{
    char why[sizeof l->why];
    if (reason == SOUPBIN_NO_SESSION && l->session[0]) {
        forget(l);
        leave(l, DROP_LINK_DOWN, now_ns, "the session is not there any more");
        l->retry_at_ns = now_ns;
        return;
    }
    snprintf(why, sizeof why, "the login was refused: %s",
             reason == SOUPBIN_NOT_AUTHORIZED ? "user or password"
             : reason == SOUPBIN_NO_SESSION   ? "there is no session"
                                              : "for a reason that is not known");
    leave(l, DROP_LINK_REFUSED, now_ns, why);
}

static void ended(struct drop_link *l, uint64_t now_ns)
{
    forget(l);
    leave(l, DROP_LINK_ENDED, now_ns, "the server has ended its session");
    l->retry_at_ns = now_ns + l->config.retry_max_ms * (uint64_t)NS_PER_MS;
}

static void sequenced(struct drop_link *l, const struct soupbin_packet *packet)
{
    const uint64_t number = l->next++;
    if (number < l->over_next)
        return; // read before the session was over
    l->over_next = 0;
    l->take(l->context, number, packet->payload, packet->len);
}

static void packet_take(struct drop_link *l, const struct soupbin_packet *packet, uint64_t now_ns)
{
    switch (packet->type) {
    case SOUPBIN_LOGIN_ACCEPTED: accepted(l, packet, now_ns); break;
    case SOUPBIN_LOGIN_REJECTED: rejected(l, soupbin_rejected_read(packet), now_ns); break;
    case SOUPBIN_END_OF_SESSION: ended(l, now_ns); break;
    case SOUPBIN_SEQUENCED:
        if (l->state != DROP_LINK_UP)
            lost(l, now_ns, "the server speaks before the login", 0);
        else
            sequenced(l, packet);
        break;
    default: break; // heartbeats, and what only the server knows
    }
}

// True: there may be more.
static bool read_some(struct drop_link *l, uint64_t now_ns)
{
    struct soupbin_packet packet;
    uint32_t room;
    uint8_t *to = soupbin_stream_room(&l->stream, &room);
    const ssize_t n = recv(l->fd, to, room, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        lost(l, now_ns, "the server has closed the connection", n < 0 ? errno : 0);
        return false;
    }
    l->heard_ns = now_ns;
    soupbin_stream_received(&l->stream, (uint32_t)n);
    enum soupbin_code code = SOUPBIN_MORE;
    while (l->fd >= 0 && (code = soupbin_stream_next(&l->stream, &packet)) == SOUPBIN_PACKET)
        packet_take(l, &packet, now_ns);
    if (l->fd >= 0 && code == SOUPBIN_BAD)
        lost(l, now_ns, "what the server says is not SoupBinTCP", 0);
    return l->fd >= 0 && (uint32_t)n == room;
}

// --- all ---

static bool older(uint64_t since_ns, uint32_t ms, uint64_t now_ns)
{
    return now_ns > since_ns && now_ns - since_ns > ms * (uint64_t)NS_PER_MS;
}

static void timers(struct drop_link *l, uint64_t now_ns)
{
    uint8_t p[SOUPBIN_HEADER_LEN];
    if (l->fd < 0) {
        if (now_ns >= l->retry_at_ns)
            open_begin(l, now_ns);
    } else if (l->state != DROP_LINK_UP && older(l->since_ns, CONNECT_MS, now_ns)) {
        lost(l, now_ns, "the server does not answer", 0);
    } else if (l->state == DROP_LINK_UP && older(l->heard_ns, l->config.silence_ms, now_ns)) {
        lost(l, now_ns, "the server says nothing any more", 0);
    } else if (l->state == DROP_LINK_UP && older(l->said_ns, l->config.heartbeat_ms, now_ns)) {
        (void)say(l, p, soupbin_heartbeat_write(p), now_ns);
    }
}

bool drop_link_turn(struct drop_link *l, uint64_t now_ns, uint32_t wait_ms)
{
    bool more = false;
    timers(l, now_ns);
    if (l->state == DROP_LINK_CONNECTING)
        open_look(l, now_ns);
    if (l->fd < 0) {
        const struct timespec pause = {.tv_nsec = (long)wait_ms * NS_PER_MS};
        if (wait_ms)
            nanosleep(&pause, NULL);
        return false;
    }
    struct pollfd p = {.fd = l->fd, .events = l->state == DROP_LINK_CONNECTING ? POLLOUT : POLLIN};
    if (poll(&p, 1, (int)wait_ms) <= 0 || l->state == DROP_LINK_CONNECTING)
        return false;
    for (uint32_t i = 0; i < READS_A_TURN && l->fd >= 0; i++) {
        more = read_some(l, now_ns);
        if (!more)
            break;
    }
    return more;
}
