// A thousand clients of the control socket that look, never read, send half a request or far too
// much: somebody else is answered as ever, and no word of the region has changed, so that a lane,
// which knows of the control plane by nothing else, executes what it would have executed.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "controlplane/control/server.h"
#include "tests/lib/rpc_rig.h"

enum { CROWD = 1000, ANSWER_MAX = 1 << 20 };

struct world {
    struct fixture *rig;
    struct server server;
    pthread_t thread;
    atomic_bool stop;
    char folder[64], path[96];
    int crowd[CROWD];
    char answer[ANSWER_MAX];
};

static void *serve(void *context)
{
    struct world *w = context;
    server_run(&w->server, &w->stop);
    return NULL;
}

static int world_make(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct error err = {0};
    void *rig;
    assert_non_null(w);
    setup(&rig);
    w->rig = rig;
    snprintf(w->folder, sizeof w->folder, "/tmp/tickgate-crowd-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof w->path, "%s/control.sock", w->folder);
    if (!server_open(&w->server, &w->rig->control, w->path, &err))
        fail_msg("%s", err.text);
    *state = w;
    return 0;
}

static int world_end(void **state)
{
    struct world *w = *state;
    void *rig = w->rig;
    w->stop = true;
    pthread_join(w->thread, NULL);
    server_close(&w->server);
    teardown(&rig);
    rmdir(w->folder);
    free(w);
    return 0;
}

static int dial(const struct world *w)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = 60};
    memcpy(address.sun_path, w->path, strlen(w->path));
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

// As much of it as goes: whoever does not read is not read from either.
static void say(int fd, const char *text, size_t len)
{
    while (len) {
        const ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

// The answer to a request, of somebody who waits for it.
static const char *ask(struct world *w, int fd, const char *method)
{
    char line[128];
    size_t len = 0;
    const int n =
        snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}\n", method);
    region_beat(&w->rig->file.view, clock_tsc());
    say(fd, line, (size_t)n);
    do {
        const ssize_t got = recv(fd, w->answer + len, ANSWER_MAX - 1 - len, 0);
        if (got <= 0)
            fail_msg("%s: no answer among the crowd: %d", method, errno);
        len += (size_t)got;
    } while (w->answer[len - 1] != '\n' && len < ANSWER_MAX - 1);
    w->answer[len] = 0;
    return w->answer;
}

// Methods that only look, and at no lane.
static bool looks(const struct method *m)
{
    bool required = false;
    for (uint32_t k = 0; k < PARAMS_MAX && m->params[k].name; k++)
        required |= m->params[k].required;
    return m->role == ROLE_VIEW && m->answered == NULL && !required &&
           strcmp(m->name, "subscribe") != 0;
}

// What changes by itself, or counts clients: not to be compared.
static bool stays(const char *method)
{
    static const char *const moving[] = {"status", "config_diff"};
    for (size_t i = 0; i < sizeof moving / sizeof moving[0]; i++)
        if (strcmp(method, moving[i]) == 0)
            return false;
    return true;
}

static void crowd_come(struct world *w)
{
    static char much[3 * SERVER_LINE_MAX];
    static const char half[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"meth";
    memset(much, 'x', sizeof much);
    for (uint32_t i = 0; i < CROWD; i++) {
        const int fd = w->crowd[i] = dial(w);
        switch (i % 4) {
        case 0: say(fd, half, sizeof half - 1); break;
        case 1: say(fd, much, sizeof much); break;
        case 2: break; // says nothing
        default:       // asks for everything, and never reads
            for (uint32_t m = 0; m < method_count; m++) {
                char line[128];
                const int n =
                    snprintf(line, sizeof line,
                             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"}\n", methods[m].name);
                if (looks(&methods[m]))
                    say(fd, line, (size_t)n);
            }
        }
    }
}

static void test_crowd(void **state)
{
    struct world *w = *state;
    const struct region_view *view = &w->rig->file.view;
    char *before[64] = {0}, *words = malloc(view->length);
    uint32_t compared = 0;
    assert_non_null(words);
    assert_in_range(method_count, 1, 64);
    assert_int_equal(pthread_create(&w->thread, NULL, serve, w), 0);
    const int good = dial(w);
    for (uint32_t m = 0; m < method_count; m++)
        if (looks(&methods[m]) && stays(methods[m].name))
            before[m] = strdup(ask(w, good, methods[m].name));
    memcpy(words, view->base, view->length);
    crowd_come(w);
    for (uint32_t m = 0; m < method_count; m++) {
        if (before[m] == NULL)
            continue;
        if (strcmp(ask(w, good, methods[m].name), before[m]) != 0)
            fail_msg("%s: another answer than before: %s, not %s", methods[m].name, w->answer,
                     before[m]);
        free(before[m]);
        compared++;
    }
    assert_in_range(compared, 10, 64);
    for (int i = 0; i < 10000 && strstr(ask(w, good, "status"), "\"clients\":1001,") == NULL; i++)
        usleep(1000);
    assert_non_null(strstr(w->answer, "\"clients\":1001,")); // all are there
    // What the region holds is what it held: no command, no kill, no word a lane looks at. Not the
    // signs of life of both sides.
    const size_t head = sizeof(struct region_header);
    const uint64_t beat = view->parts[PART_RECORD].offset + offsetof(struct record_word, beat);
    const uint64_t behind = beat + sizeof(uint64_t);
    assert_memory_equal((char *)view->base + head, words + head, beat - head);
    assert_memory_equal((char *)view->base + behind, words + behind, view->length - behind);
    for (uint32_t i = 0; i < CROWD; i++)
        close(w->crowd[i]);
    for (int i = 0; i < 10000 && strstr(ask(w, good, "status"), "\"clients\":1,") == NULL; i++)
        usleep(1000);
    assert_non_null(strstr(w->answer, "\"clients\":1,"));
    close(good);
    free(words);
}

int main(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < 4096) {
        fprintf(stderr, "a process may have %lu descriptors here, and 4096 are needed\n",
                (unsigned long)limit.rlim_max);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_crowd, world_make, world_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
