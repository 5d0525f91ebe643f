#include "controlplane/cli/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 128 * 1024 * 1024 };

bool client_open(struct client *client, const char *path, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = CLIENT_PATIENCE_S};
    memset(client, 0, sizeof *client);
    client->fd = -1;
    if (strlen(path) == 0 || strlen(path) >= sizeof address.sun_path)
        return error_set(err, EXIT_USAGE, "'%s': not the path of a socket (1 to %zu characters)",
                         path, sizeof address.sun_path - 1);
    memcpy(client->path, path, strlen(path));
    memcpy(address.sun_path, path, strlen(path));
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd >= 0) {
        // Before connect, which waits like a send where the queue of one that hangs is full.
        setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (connect(client->fd, (const struct sockaddr *)&address, sizeof address) == 0)
            return true;
    }
    int cause = errno;
    client_close(client);
    const char *remedy = cause == EACCES
                             ? "use an account of the socket's group"
                             : "is tickgate-controlplane running? --socket names another socket, "
                               "`tickgate kill --direct` needs none";
    return error_set(err, EXIT_NOT_CONNECTED, "%s: %s; %s", path,
                     cause == EAGAIN ? "no answer in time" : strerror(cause), remedy);
}

void client_close(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    free(client->in);
    client->fd = -1;
    client->in = NULL;
    client->in_len = client->in_max = 0;
}

static bool send_line(struct client *client, const char *text, size_t len, struct error *err)
{
    while (len) {
        ssize_t n = send(client->fd, text, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(err, EXIT_NOT_CONNECTED, "%s: the control plane went away: %s",
                             client->path, strerror(errno));
        text += n;
        len -= (size_t)n;
    }
    return true;
}

static bool make_room(struct client *client, struct error *err)
{
    if (client->in_len < client->in_max)
        return true;
    size_t bytes = client->in_max ? client->in_max * 2 : 65536;
    char *grown = bytes <= ANSWER_MAX ? realloc(client->in, bytes) : NULL;
    if (grown == NULL)
        return error_set(err, EXIT_FAILED, "%s: the answer is too long", client->path);
    client->in = grown;
    client->in_max = bytes;
    return true;
}

// One line, without its newline; to be freed. <calm>: that nothing comes is no error.
static char *receive_line(struct client *client, bool calm, struct error *err)
{
    size_t searched = 0;
    for (;;) {
        char *newline =
            client->in ? memchr(client->in + searched, '\n', client->in_len - searched) : NULL;
        if (newline) {
            size_t len = (size_t)(newline - client->in);
            char *line = strndup(client->in, len);
            client->in_len -= len + 1;
            memmove(client->in, newline + 1, client->in_len);
            if (line == NULL)
                error_set(err, EXIT_FAILED, "no memory for the answer");
            return line;
        }
        searched = client->in_len;
        if (!make_room(client, err))
            return NULL;
        ssize_t n =
            recv(client->fd, client->in + client->in_len, client->in_max - client->in_len, 0);
        if (n > 0) {
            client->in_len += (size_t)n;
        } else if (n < 0 && calm && (errno == EINTR || errno == EAGAIN)) {
            return NULL;
        } else if (n == 0 || errno != EINTR) {
            const char *cause = n == 0            ? "it closed the connection"
                                : errno == EAGAIN ? "no answer in time"
                                                  : strerror(errno);
            error_set(err, EXIT_NOT_CONNECTED, "%s: %s; see the log of tickgate-controlplane",
                      client->path, cause);
            return NULL;
        }
    }
}

// Codes: docs/control.md.
static enum exit_code exit_code_of(json_int_t code)
{
    if (code == -32001 || code == -32002)
        return EXIT_NOT_CONNECTED;
    if (code == -32006)
        return EXIT_STATE;
    if (code == -32007)
        return EXIT_FORBIDDEN;
    if (code == -32008)
        return EXIT_APPROVAL;
    return code == -32600 || code == -32601 || code == -32602 ? EXIT_USAGE : EXIT_FAILED;
}

static json_t *result_of(struct client *client, const char *line, struct error *err)
{
    json_t *answer = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const json_t *error = json_object_get(answer, "error");
    json_t *result = json_incref(json_object_get(answer, "result"));
    if (error) {
        const char *text = json_string_value(json_object_get(error, "message"));
        error_set(err, exit_code_of(json_integer_value(json_object_get(error, "code"))), "%s",
                  text ? text : "the control plane gives no reason");
    } else if (result == NULL || json_integer_value(json_object_get(answer, "id")) != client->id) {
        error_set(err, EXIT_FAILED, "%s: what answers here is not tickgate-controlplane",
                  client->path);
        json_decref(result);
        result = NULL;
    }
    json_decref(answer);
    return result;
}

json_t *client_call(struct client *client, const char *method, json_t *params, struct error *err)
{
    json_t *request = json_pack("{s:s,s:I,s:s,s:o}", "jsonrpc", "2.0", "id", ++client->id, "method",
                                method, "params", params);
    char *text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (text == NULL) {
        error_set(err, EXIT_USAGE, "an argument is not valid UTF-8");
        return NULL;
    }
    bool sent = send_line(client, text, strlen(text), err) && send_line(client, "\n", 1, err);
    free(text);
    char *line = sent ? receive_line(client, false, err) : NULL;
    json_t *result = line ? result_of(client, line, err) : NULL;
    free(line);
    return result;
}

json_t *client_next(struct client *client, struct error *err)
{
    char *line = receive_line(client, true, err);
    json_t *message = line ? json_loads(line, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (line && message == NULL)
        error_set(err, EXIT_FAILED, "%s: what answers here is not tickgate-controlplane",
                  client->path);
    free(line);
    return message;
}
