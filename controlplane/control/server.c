#include "controlplane/control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "controlplane/control/live_config.h"
#include "controlplane/control/rpc.h"
#include "controlplane/http/http.h"
#include "dataplane/base/clock.h"
#include "dataplane/base/log.h"
#include "dataplane/base/notify.h"
#include "dataplane/base/unix_path.h"

enum {
    NS_PER_MS = 1000000,
    SERVER_EVENTS = SERVER_CLIENTS_MAX + 2,
    GROUPS_MAX = 1024,
    DESCRIPTORS = 4096
};

// --- one client ---

static void client_close(struct server *server, struct client *client)
{
    if (client->job.pending && !client->job.settling)
        call_drop(&client->job.call, &server->control->contact);
    job_clear(&client->job);
    close(client->fd); // epoll forgets it
    free(client->out);
    client->fd = -1;
    client->out = NULL;
    client->in_len = client->out_len = client->out_at = client->out_max = 0;
    client->skipping = client->ended = false;
    client->stream.topics = 0;
    server->control->clients--;
}

static void client_cut(struct server *server, struct client *client, const char *why)
{
    log_warn(LOG_CLIENT_CUT_OFF,
             LOG_FIELDS(LOG_NUMBER("user", client->job.user), LOG_TEXT("cause", why)), "%s", why);
    server->control->clients_cut_off++;
    client_close(server, client);
}

static size_t client_waiting(const struct client *client)
{
    return client->out_len - client->out_at;
}

// Adds <text> and a newline to what is to be sent; takes ownership. False: the client was cut off.
static bool client_say(struct server *server, struct client *client, char *text)
{
    size_t len = text ? strlen(text) : 0;
    if (text == NULL)
        return true;
    if (client->out_at) {
        memmove(client->out, client->out + client->out_at, client_waiting(client));
        client->out_len -= client->out_at;
        client->out_at = 0;
    }
    if (client->out_len == 0)
        client->moved_ns = clock_mono_ns();
    size_t need = client->out_len + len + 1;
    if (need > client->out_max && need <= SERVER_OUT_MAX) {
        char *grown = realloc(client->out, need * 3 / 2);
        if (grown) {
            client->out = grown;
            client->out_max = need * 3 / 2;
        }
    }
    if (need > client->out_max) {
        free(text);
        client_cut(server, client, "too much waits to be sent");
        return false;
    }
    memcpy(client->out + client->out_len, text, len);
    client->out[need - 1] = '\n';
    client->out_len = need;
    free(text);
    return true;
}

// What the request has asked to follow begins behind its answer.
static void client_subscribe(const struct server *server, struct client *client)
{
    if (!client->job.subscribes)
        return;
    client->job.subscribes = false;
    stream_begin(&client->stream, server->control, client->job.topics, client->job.after);
}

// Requests that are complete, until one has to wait. False: the client was cut off.
static bool client_serve(struct server *server, struct client *client)
{
    size_t at = 0;
    char *newline;
    while (!client->job.pending && client_waiting(client) < SERVER_OUT_SOFT &&
           (newline = memchr(client->in + at, '\n', client->in_len - at)) != NULL) {
        char *line = client->in + at;
        char *reply = NULL;
        at = (size_t)(newline - client->in) + 1;
        if (client->skipping)
            client->skipping = false;
        else if (newline > line && !(newline == line + 1 && *line == '\r'))
            rpc_handle(server->control, line, (size_t)(newline - line), &client->job, &reply);
        if (!client_say(server, client, reply))
            return false;
        client_subscribe(server, client);
    }
    memmove(client->in, client->in + at, client->in_len - at);
    client->in_len -= at;
    if (client->in_len == sizeof client->in && memchr(client->in, '\n', client->in_len) == NULL) {
        client->in_len = 0;
        if (!client->skipping) {
            client->skipping = true;
            return client_say(server, client,
                              rpc_error_text(RPC_ERROR_REQUEST, "the line is too long"));
        }
    }
    return true;
}

// The last line counts without its newline too.
static void client_ends(struct client *client)
{
    if (!client->ended && client->in_len && client->in_len < sizeof client->in &&
        client->in[client->in_len - 1] != '\n')
        client->in[client->in_len++] = '\n';
    client->ended = true;
}

// False: the client is gone.
static bool client_receive(struct server *server, struct client *client)
{
    size_t room = sizeof client->in - client->in_len;
    if (room == 0) // its requests wait for their turn
        return true;
    ssize_t n = recv(client->fd, client->in + client->in_len, room, MSG_DONTWAIT);
    if (n > 0)
        client->in_len += (size_t)n;
    else if (n == 0)
        client_ends(client);
    else if (errno != EAGAIN && errno != EINTR) {
        client_close(server, client);
        return false;
    }
    return client_serve(server, client);
}

static bool client_send(struct server *server, struct client *client)
{
    while (client_waiting(client)) {
        ssize_t n = send(client->fd, client->out + client->out_at, client_waiting(client),
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n < 0) {
            client_close(server, client);
            return false;
        }
        client->out_at += (size_t)n;
        client->moved_ns = clock_mono_ns();
    }
    client->out_len = client->out_at = 0;
    return true;
}

// Sends what can be sent, takes further requests, and tells epoll what to wait for. Closes a client
// that has said everything and got every answer.
static void client_settle(struct server *server, struct client *client)
{
    size_t before;
    do {
        before = client->in_len;
        if (!client_send(server, client) || !client_serve(server, client))
            return;
    } while (client->in_len != before);
    bool idle = !client->job.pending && client_waiting(client) == 0;
    if (client->ended && idle && !client->stream.topics) {
        client_close(server, client);
        return;
    }
    uint32_t events = client_waiting(client) ? EPOLLOUT : 0;
    if (!client->ended && client->in_len < sizeof client->in)
        events |= EPOLLIN;
    if (events == client->events)
        return;
    client->events = events;
    struct epoll_event event = {.events = events, .data.ptr = client};
    epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, client->fd, &event);
}

static void client_event(struct server *server, struct client *client, uint32_t events)
{
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !client_receive(server, client))
        return;
    // Both directions are closed: what it asked for is done, nobody waits for the answer.
    if (events & (EPOLLHUP | EPOLLERR))
        client_close(server, client);
    else
        client_settle(server, client);
}

// --- all clients ---

// Who it is, as the kernel says. Its groups are those that it connected with; without them it has
// its first.
static void client_know(const struct server *server, struct client *client, int fd)
{
    struct ucred peer = {.uid = (uid_t)-1, .gid = (gid_t)-1};
    gid_t groups[GROUPS_MAX];
    socklen_t peer_len = sizeof peer, groups_len = sizeof groups - sizeof groups[0];
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_len) != 0)
        groups_len = 0;
    const uint32_t count = (uint32_t)(groups_len / sizeof groups[0]);
    groups[count] = peer.gid;
    client->job.user = peer.uid;
    client->job.role = roles_of(&server->roles, peer.uid, groups, count + 1);
    client->job.broker = roles_broker(&server->roles, peer.uid, groups, count + 1);
}

// Looks who is there, for a place that is free, and whether they have all that one user gets.
static bool user_crowds(const struct server *server, struct client *client, int fd)
{
    uint32_t count = 0;
    client_know(server, client, fd);
    for (uint32_t i = 0; i < server->top; i++)
        count += server->clients[i].fd >= 0 && server->clients[i].job.user == client->job.user;
    return count >= SERVER_USER_MAX;
}

static void accept_clients(struct server *server)
{
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct client *client = NULL;
    for (uint32_t i = 0; i < SERVER_CLIENTS_MAX && client == NULL; i++)
        if (server->clients[i].fd < 0)
            client = &server->clients[i];
    const bool crowded = client && user_crowds(server, client, fd);
    if (client == NULL || crowded) {
        char *text = rpc_error_text(RPC_ERROR_REFUSED,
                                    crowded ? "too many clients of this user" : "too many clients");
        server->control->clients_refused++;
        if (text && send(fd, text, strlen(text), MSG_NOSIGNAL) > 0)
            (void)!send(fd, "\n", 1, MSG_NOSIGNAL);
        free(text);
        close(fd);
        return;
    }
    const uint32_t place = (uint32_t)(client - server->clients);
    server->top = place >= server->top ? place + 1 : server->top;
    client->fd = fd;
    client->events = EPOLLIN;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    server->control->clients++;
}

// Jobs that wait for the dataplane. True: some still do.
static bool resume_jobs(struct server *server)
{
    bool waiting = false;
    for (uint32_t i = 0; i < server->top; i++) {
        struct client *client = &server->clients[i];
        char *reply;
        if (client->fd < 0 || !client->job.pending)
            continue;
        rpc_resume(server->control, &client->job, &reply);
        if (client->job.pending)
            waiting = true;
        else if (client_say(server, client, reply))
            client_settle(server, client);
    }
    return waiting;
}

static void cut_slow_clients(struct server *server, uint64_t now_ns)
{
    for (uint32_t i = 0; i < server->top; i++) {
        struct client *client = &server->clients[i];
        if (client->fd >= 0 && client_waiting(client) &&
            now_ns > client->moved_ns + server->patience_ns)
            client_cut(server, client, "it does not read its answers");
    }
}

// What is new for those who follow something. False for one that was cut off.
static bool stream_send(struct server *server, struct client *client, uint64_t now_ns)
{
    bool full = client_waiting(client) >= SERVER_STREAM_SOFT, said = false;
    stream_round(&client->stream, server->control);
    char *text;
    while ((text = stream_next(&client->stream, server->control, full, now_ns)) != NULL) {
        if (!client_say(server, client, text))
            return false;
        said = true;
        full = client_waiting(client) >= SERVER_STREAM_SOFT;
    }
    if (client->stream.behind) {
        client_cut(server, client, "it does not keep up with what it follows");
        return false;
    }
    return said;
}

static void streams_send(struct server *server, uint64_t now_ns)
{
    for (uint32_t i = 0; i < server->top; i++) {
        struct client *client = &server->clients[i];
        if (client->fd >= 0 && client->stream.topics && stream_send(server, client, now_ns))
            client_settle(server, client);
    }
}

static void tick(struct server *server, uint64_t now_ns)
{
    struct contact *contact = &server->control->contact;
    notify_alive(now_ns);
    if (control_tick(server->control, now_ns)) {
        if (contact->state == CONTACT_LIVE || contact->state == CONTACT_STARTING)
            log_info(LOG_ATTACHED,
                     LOG_FIELDS(LOG_TEXT("path", contact->reader.path),
                                LOG_NUMBER("pid", contact_header(contact)->identity.pid)),
                     "%s, dataplane with pid %u", contact->reader.path,
                     contact_header(contact)->identity.pid);
        else
            log_warn(
                LOG_NOT_CONNECTED,
                LOG_FIELDS(LOG_TEXT("path", contact->reader.path), LOG_TEXT("cause", contact->why)),
                "%s", contact->why);
    }
    live_config_tick(server->control, now_ns);
    streams_send(server, now_ns);
    cut_slow_clients(server, now_ns);
}

void server_run(struct server *server, const atomic_bool *stop)
{
    uint64_t next_tick = 0;
    bool waiting = false;
    while (!*stop) {
        struct epoll_event events[SERVER_EVENTS];
        uint64_t now = clock_mono_ns();
        if (now >= next_tick) {
            tick(server, now);
            next_tick = now + (uint64_t)CONTROL_TICK_MS * NS_PER_MS;
        }
        int timeout_ms = waiting ? 1 : (int)((next_tick - now) / NS_PER_MS) + 1;
        if (server->http)
            timeout_ms = http_wait_ms(server->http, timeout_ms);
        int n = epoll_wait(server->epoll_fd, events, SERVER_EVENTS, timeout_ms);
        for (int i = 0; i < n; i++) {
            struct client *client = events[i].data.ptr;
            if (client == NULL)
                accept_clients(server);
            else if (events[i].data.ptr == server->http)
                continue; // served below, whatever happened
            else if (client->fd >= 0)
                client_event(server, client, events[i].events);
        }
        if (server->http)
            http_run(server->http);
        waiting = resume_jobs(server);
    }
}

// --- socket ---

// The default's folder is ours and vanishes with every boot, so it is made where nobody (systemd's
// RuntimeDirectory) has; any other is the operator's, and a missing one a mistake in the path.
static bool folder_ready(const char *path, struct error *err)
{
    char folder[108];
    struct stat status;
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return true;
    *slash = 0;
    if (stat(folder, &status) == 0)
        return S_ISDIR(status.st_mode) ||
               error_set(err, EXIT_USAGE,
                         "%s: is no folder, so %s cannot be there; name another "
                         "path",
                         folder, path);
    if (strcmp(folder, SERVER_FOLDER) != 0)
        return error_set(err, EXIT_FAILED,
                         "%s: the folder of the control socket cannot be used: %s; make it (mkdir "
                         "-p), or name another path",
                         folder, strerror(errno));
    mode_t mask = umask(022); // the socket says who may talk; who may look for it is no secret
    int made = mkdir(folder, 0755);
    umask(mask);
    return made == 0 || errno == EEXIST ||
           error_set(err, EXIT_FAILED,
                     "%s: cannot make the folder of the control socket: %s; make it for this user "
                     "(systemd: RuntimeDirectory=tickgate), or name another path with --socket",
                     folder, strerror(errno));
}

static bool bind_socket(struct server *server, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, server->path, sizeof address.sun_path);
    if (!folder_ready(server->path, err))
        return false;
    switch (unix_path_look(server->path, SOCK_STREAM)) {
    case UNIX_PATH_FREE: break;
    case UNIX_PATH_STALE: unlink(server->path); break;
    case UNIX_PATH_OTHER:
        return error_set(err, EXIT_USAGE, "%s: is there and no socket; name another path",
                         server->path);
    case UNIX_PATH_LIVE:
        return error_set(err, EXIT_FAILED, "%s: another control plane answers here; stop it first",
                         server->path);
    }
    server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t mask = umask(0117); // owner and group
    int bound = server->listen_fd < 0
                    ? -1
                    : bind(server->listen_fd, (const struct sockaddr *)&address, sizeof address);
    umask(mask);
    server->bound = bound == 0;
    if (bound != 0 || listen(server->listen_fd, SERVER_CLIENTS_MAX) != 0)
        return error_set(err, EXIT_FAILED, "%s: cannot listen: %s", server->path, strerror(errno));
    return true;
}

// Every client is a descriptor, and a shell gives 1024.
static void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
}

bool server_open(struct server *server, struct control *control, const char *path,
                 struct error *err)
{
    memset(server, 0, sizeof *server);
    server->listen_fd = server->epoll_fd = -1;
    server->control = control;
    server->patience_ns = (uint64_t)SERVER_PATIENCE_MS * NS_PER_MS;
    roles_open(&server->roles);
    descriptors_raise();
    if (strlen(path) >= sizeof server->path)
        return error_set(err, EXIT_USAGE, "%s: longer than the %zu characters of a socket's path",
                         path, sizeof server->path - 1);
    memcpy(server->path, path, strlen(path));
    server->clients = calloc(SERVER_CLIENTS_MAX, sizeof *server->clients);
    if (server->clients == NULL)
        return error_set(err, EXIT_FAILED, "no memory for %u clients", SERVER_CLIENTS_MAX);
    for (uint32_t i = 0; i < SERVER_CLIENTS_MAX; i++)
        server->clients[i].fd = -1;
    if (!bind_socket(server, err))
        return false;
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (server->epoll_fd < 0 ||
        epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->listen_fd, &event) != 0)
        return error_set(err, EXIT_FAILED, "%s: epoll: %s", server->path, strerror(errno));
    return true;
}

bool server_set_roles(struct server *server, const struct roles *roles, struct error *err)
{
    server->roles = *roles;
    if (roles->group == (gid_t)-1 || chown(server->path, (uid_t)-1, roles->group) == 0)
        return true;
    return error_set(err, EXIT_FAILED,
                     "control.group: %s cannot be given to the group: %s; name one that the "
                     "control plane's user is in",
                     server->path, strerror(errno));
}

bool server_add_http(struct server *server, struct http *http, struct error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = http};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, http_fd(http), &event) != 0)
        return error_set(err, EXIT_FAILED, "http: epoll: %s", strerror(errno));
    server->http = http;
    return true;
}

void server_close(struct server *server)
{
    for (uint32_t i = 0; server->clients && i < server->top; i++)
        if (server->clients[i].fd >= 0)
            client_close(server, &server->clients[i]);
    free(server->clients);
    server->clients = NULL;
    if (server->epoll_fd >= 0)
        close(server->epoll_fd);
    if (server->bound)
        unlink(server->path);
    if (server->listen_fd >= 0)
        close(server->listen_fd);
}
