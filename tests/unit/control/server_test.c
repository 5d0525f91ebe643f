// The control socket with clients that behave badly: half and endless lines, no reading, too many,
// gone in the middle.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "controlplane/control/server.h"

struct fixture {
    struct control control;
    struct server server;
    pthread_t thread;
    atomic_bool stop;
    char folder[64];
    char path[96];
};

static void *serve(void *context)
{
    struct fixture *f = context;
    server_run(&f->server, &f->stop);
    return NULL;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err = {0};
    snprintf(f->folder, sizeof f->folder, "/tmp/tickgate-server-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/control.sock", f->folder);
    assert_true(control_init(&f->control, "/tmp/tickgate-no-such-region"));
    if (!server_open(&f->server, &f->control, f->path, &err))
        fail_msg("%s", err.text);
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    f->stop = 1;
    pthread_join(f->thread, NULL);
    server_close(&f->server);
    control_free(&f->control);
    assert_int_not_equal(access(f->path, F_OK), 0); // nothing left behind
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static int dial(struct fixture *f)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 20};
    memcpy(address.sun_path, f->path, strlen(f->path));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

// Next line; false at the end of the stream.
static bool hear(int fd, char *line, size_t line_len)
{
    size_t n = 0;
    for (bool ended = false; !ended && n + 1 < line_len;) {
        // Looked at first, so that what is behind the newline stays: a byte at a time would be too
        // slow for the server's patience on a machine that is busy.
        ssize_t got = recv(fd, line + n, line_len - n - 1, MSG_PEEK);
        if (got <= 0) {
            if (got < 0)
                assert_int_equal(errno, ECONNRESET);
            return false;
        }
        const char *newline = memchr(line + n, '\n', (size_t)got);
        ended = newline != NULL;
        const size_t take = ended ? (size_t)(newline - (line + n)) + 1 : (size_t)got;
        assert_int_equal(recv(fd, line + n, take, MSG_WAITALL), take);
        n += take;
    }
    line[n && line[n - 1] == '\n' ? n - 1 : n] = 0;
    return true;
}

static void expect(int fd, const char *what)
{
    char line[4096];
    assert_true(hear(fd, line, sizeof line));
    if (strstr(line, what) == NULL)
        fail_msg("'%s' does not hold '%s'", line, what);
}

#define VERSION_CALL(id) "{\"jsonrpc\":\"2.0\",\"id\":" #id ",\"method\":\"version\"}"

static void test_in_pieces_and_in_one(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    say(fd, "{\"jsonrpc\":\"2.0\",");
    usleep(50000);
    say(fd, "\"id\":1,\"method\":\"version\"}\r\n\n\r\n" VERSION_CALL(2) "\n" VERSION_CALL(3));
    expect(fd, "\"id\":1");
    expect(fd, "\"id\":2");
    say(fd, "\n");
    expect(fd, "\"id\":3");
    close(fd);
}

// Programs that say one thing and end leave its newline out; a half is told that it is one.
static void test_last_line_without_newline(void **state)
{
    struct fixture *f = *state;
    char line[64];
    int fd = dial(f);
    say(fd, VERSION_CALL(1) "\n" VERSION_CALL(2));
    shutdown(fd, SHUT_WR);
    expect(fd, "\"id\":1");
    expect(fd, "\"id\":2");
    assert_false(hear(fd, line, sizeof line));
    close(fd);
    fd = dial(f);
    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":");
    shutdown(fd, SHUT_WR);
    expect(fd, "-32700");
    assert_false(hear(fd, line, sizeof line));
    close(fd);
}

static void test_endless_line(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    char *much = malloc(300000);
    memset(much, 'x', 300000);
    much[299999] = 0;
    say(fd, much);
    expect(fd, "the line is too long");
    say(fd, "\n" VERSION_CALL(9) "\n"); // and goes on with the next line
    expect(fd, "\"id\":9");
    free(much);
    close(fd);
}

static void test_longest_line(void **state)
{
    struct fixture *f = *state;
    int fd = dial(f);
    char *line = malloc(SERVER_LINE_MAX + 1);
    memset(line, ' ', SERVER_LINE_MAX);
    memcpy(line, VERSION_CALL(4), strlen(VERSION_CALL(4)));
    line[SERVER_LINE_MAX - 1] = '\n';
    line[SERVER_LINE_MAX] = 0;
    say(fd, line);
    expect(fd, "\"id\":4");
    free(line);
    close(fd);
}

// Thousands of requests without reading an answer: the server stops reading, then cuts the client
// off; others are served meanwhile.
static void test_client_that_does_not_read(void **state)
{
    struct fixture *f = *state;
    f->stop = 1;
    pthread_join(f->thread, NULL);
    f->stop = 0;
    f->server.patience_ns = 300000000;
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
    int deaf = dial(f), fd = dial(f);
    char call[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"help\"}\n";
    size_t sent = 0;
    for (int i = 0; i < 100000; i++) {
        ssize_t n = send(deaf, call, strlen(call), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EPIPE)
            break;
        if (n < 0) {
            usleep(10000);
            if (sent > 0 && i % 10 == 0) {
                say(fd, VERSION_CALL(5) "\n");
                expect(fd, "\"id\":5");
            }
            continue;
        }
        sent += (size_t)n;
    }
    assert_true(sent < 4 * 1024 * 1024); // it stopped reading
    say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"version\"}\n");
    expect(fd, "result");
    f->stop = 1;
    pthread_join(f->thread, NULL);
    assert_int_equal(f->control.clients_cut_off, 1);
    assert_int_equal(f->control.clients, 1);
    f->stop = 0;
    assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
    close(deaf);
    close(fd);
}

// A burst larger than what may wait to be sent is answered to the last, in order.
static void test_long_burst_is_answered(void **state)
{
    struct fixture *f = *state;
    enum { CALLS = 1200 };
    int fd = dial(f);
    char call[128], line[16384];
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (int i = 0; i < CALLS; i++) {
            snprintf(call, sizeof call, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"help\"}\n", i);
            if (send(fd, call, strlen(call), MSG_NOSIGNAL) < 0)
                _exit(1);
        }
        _exit(0);
    }
    usleep(100000);
    for (int i = 0; i < CALLS; i++) {
        char want[32];
        assert_true(hear(fd, line, sizeof line));
        snprintf(want, sizeof want, "\"id\":%d,", i);
        assert_non_null(strstr(line, want));
    }
    close(fd);
}

static void test_too_many(void **state)
{
    struct fixture *f = *state;
    static int fds[SERVER_USER_MAX];
    char line[256];
    for (int i = 0; i < SERVER_USER_MAX; i++) {
        fds[i] = dial(f);
        say(fds[i], VERSION_CALL(1) "\n");
        expect(fds[i], "result");
    }
    int fd = dial(f);
    expect(fd, "too many clients of this user");
    assert_false(hear(fd, line, sizeof line));
    close(fd);
    close(fds[10]);
    // Its place is free as soon as the server has seen it go.
    for (int i = 0; i < 100; i++) {
        fd = dial(f);
        say(fd, VERSION_CALL(2) "\n");
        assert_true(hear(fd, line, sizeof line));
        close(fd);
        if (strstr(line, "result"))
            break;
        usleep(20000);
    }
    assert_non_null(strstr(line, "result"));
    for (int i = 0; i < SERVER_USER_MAX; i++)
        if (i != 10)
            close(fds[i]);
}

static void test_gone_in_the_middle(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 200; i++) {
        int fd = dial(f);
        say(fd, i % 2 ? VERSION_CALL(1) "\n" : "{\"jsonrpc\"");
        close(fd);
    }
    int fd = dial(f);
    say(fd, VERSION_CALL(1) "\n");
    expect(fd, "result");
    close(fd);
}

static void test_socket_path(void **state)
{
    struct fixture *f = *state;
    struct server second;
    struct error err = {0};
    struct stat status;
    assert_int_equal(stat(f->path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    assert_false(server_open(&second, &f->control, f->path, &err));
    assert_int_equal(err.code, EXIT_FAILED);
    assert_non_null(strstr(err.text, "another control plane answers here"));
    server_close(&second);
    assert_int_equal(access(f->path, F_OK), 0); // not its own to remove
    err = (struct error){0};
    assert_false(server_open(&second, &f->control, f->folder, &err));
    assert_int_equal(err.code, EXIT_USAGE);
    server_close(&second);
    char lengthy[200];
    memset(lengthy, 'x', sizeof lengthy);
    lengthy[sizeof lengthy - 1] = 0;
    err = (struct error){0};
    assert_false(server_open(&second, &f->control, lengthy, &err));
    assert_int_equal(err.code, EXIT_USAGE);
    server_close(&second);
    // A folder that is not there is a mistake in the path: it is named, and not made.
    char stale[128];
    snprintf(stale, sizeof stale, "%s/run/control.sock", f->folder);
    err = (struct error){0};
    assert_false(server_open(&second, &f->control, stale, &err));
    assert_int_equal(err.code, EXIT_FAILED);
    assert_non_null(strstr(err.text, "/run: the folder of the control socket"));
    assert_non_null(strstr(err.text, "mkdir -p"));
    server_close(&second);
    *strrchr(stale, '/') = 0;
    assert_int_not_equal(access(stale, F_OK), 0);
    snprintf(stale, sizeof stale, "%s/below.sock", f->path); // a socket is no folder
    err = (struct error){0};
    assert_false(server_open(&second, &f->control, stale, &err));
    assert_int_equal(err.code, EXIT_USAGE);
    server_close(&second);
    // What a killed control plane left behind is taken over.
    snprintf(stale, sizeof stale, "%s/stale.sock", f->folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, stale, strlen(stale));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    err = (struct error){0};
    assert_true(server_open(&second, &f->control, stale, &err));
    server_close(&second);
    assert_int_not_equal(access(stale, F_OK), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_in_pieces_and_in_one),
        TEST(test_last_line_without_newline),
        TEST(test_endless_line),
        TEST(test_longest_line),
        TEST(test_client_that_does_not_read),
        TEST(test_long_burst_is_answered),
        TEST(test_too_many),
        TEST(test_gone_in_the_middle),
        TEST(test_socket_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
