// What a connection of the HTTP server brings, bytes as they are, against a region with a small
// market. Before a 0xff the bytes are sent at once, behind it after the server has looked. Every
// answer is HTTP; every connection ends.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "controlplane/http/parts.h"
#include "dataplane/base/clock.h"
#include "tests/lib/region_market.h"

enum { TURNS = 64, ANSWER_MAX = 1 << 18, EASY = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct region_file file;
static struct control control;
static struct http *http;
static char answer[ANSWER_MAX];

// A token is wanted, so that what is asked for before it is known goes through that, too.
static void start(void)
{
    struct region_shape shape = region_file_shape();
    struct region_identity identity = region_file_identity();
    struct config_http options = {.listen = {.ip = 0x7f000001}};
    struct error err = {0};
    snprintf(options.token_file, sizeof options.token_file, "/tmp/tickgate-fuzz-XXXXXX");
    const int fd = mkstemp(options.token_file);
    if (fd < 0 || write(fd, "0123456789abcdef0123\n", 21) != 21)
        abort();
    close(fd);
    region_file_make(&file, &shape, &identity);
    region_market_fill(&file);
    region_beat(&file.view, clock_tsc());
    region_publish(&file.view);
    if (!control_init(&control, file.path))
        abort();
    control_tick(&control, 1);
    http = http_open(&control, NULL, &options, &err);
    unlink(options.token_file);
    unlink(file.path);
    if (http == NULL) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

static int dial(void)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(http_port(http)),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // Ends with a reset: millions of connections leave none that waits.
    const struct linger reset = {.l_onoff = 1};
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        abort();
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return fd;
}

// Turns of the server, taking in what it says. True: it has ended the connection.
static bool turns(int fd, size_t *len, int count)
{
    for (int i = 0; i < count; i++) {
        http_run(http);
        const ssize_t n = recv(fd, answer + *len, ANSWER_MAX - *len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            return true;
        *len += n > 0 && *len + (size_t)n < ANSWER_MAX / 2 ? (size_t)n : 0;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len = 0;
    if (http == NULL)
        start();
    const int fd = dial();
    while (size) {
        const uint8_t *pause = memchr(data, 0xff, size);
        const size_t part = pause ? (size_t)(pause - data) : size;
        if (part && send(fd, data, part, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
        if (turns(fd, &len, 4))
            break;
        data += part + (pause != NULL);
        size -= part + (pause != NULL);
    }
    shutdown(fd, SHUT_WR);
    turns(fd, &len, TURNS);
    if (len >= 5 && memcmp(answer, "HTTP/", 5) != 0)
        abort();
    close(fd);
    for (int i = 0; i < TURNS && http->connections; i++)
        http_run(http);
    // A page that has gone is seen when it is to get its next state, up to HTTP_STATE_MS later.
    if (http->connections > HTTP_STREAMS_MAX + EASY || http->benchmark.pending)
        abort();
    return 0;
}
