// The door: who is let in and who is not, and what may be done with the memory that a client gets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/lib/gateway_rig.h"

// A process that writes its own bytes instead of using the library.
struct stranger {
    int fd;
    struct gateway_welcome welcome;
    int fds[2];
};

static void turns(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        gateway_step();
}

static int knock(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", rig.path);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

// Says <len> bytes; answers the code of the welcome, or -1: hung up without one.
static int say(struct stranger *s, const void *bytes, size_t len)
{
    char control[CMSG_SPACE(2 * sizeof(int))] __attribute__((aligned(8)));
    struct iovec part = {&s->welcome, sizeof s->welcome};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    s->fd = knock();
    s->fds[0] = s->fds[1] = -1;
    assert_int_equal(send(s->fd, bytes, len, MSG_NOSIGNAL), len);
    turns(2);
    const ssize_t n = recvmsg(s->fd, &message, MSG_DONTWAIT);
    if (n != (ssize_t)sizeof s->welcome)
        return -1;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c)
        memcpy(s->fds, CMSG_DATA(c), sizeof s->fds);
    return (int)s->welcome.code;
}

static int hello(struct stranger *s, const char *name)
{
    struct gateway_hello h = {.magic = GATEWAY_MAGIC, .interface = TICKGATE_INTERFACE};
    snprintf(h.name, sizeof h.name, "%s", name);
    return say(s, &h, sizeof h);
}

static void leave(struct stranger *s)
{
    close(s->fd);
    for (int i = 0; i < 2; i++)
        if (s->fds[i] >= 0)
            close(s->fds[i]);
    turns(20);
}

// --- who comes in ---

static void strangers_are_told_why(void **state)
{
    struct gateway_hello h = {
        .magic = GATEWAY_MAGIC, .interface = TICKGATE_INTERFACE + 1, .name = "alpha"};
    struct stranger s, again;
    (void)state;
    gateway_open(1);
    assert_int_equal(say(&s, &h, sizeof h), TICKGATE_OTHER_INTERFACE);
    assert_int_equal(s.welcome.interface, TICKGATE_INTERFACE);
    leave(&s);
    h.interface = TICKGATE_INTERFACE;
    h.magic ^= 1;
    assert_int_equal(say(&s, &h, sizeof h), TICKGATE_PROTOCOL);
    leave(&s);
    h.magic ^= 1;
    assert_int_equal(say(&s, &h, sizeof h - 1), TICKGATE_PROTOCOL);
    leave(&s);
    char longer[sizeof h + 1] = {0};
    memcpy(longer, &h, sizeof h);
    assert_int_equal(say(&s, longer, sizeof longer), TICKGATE_PROTOCOL);
    leave(&s);
    memset(h.name, 'a', sizeof h.name); // no end
    assert_int_equal(say(&s, &h, sizeof h), TICKGATE_PROTOCOL);
    leave(&s);
    assert_int_equal(hello(&s, "nobody"), TICKGATE_UNKNOWN_CLIENT);
    leave(&s);
    assert_int_equal(hello(&s, ""), TICKGATE_UNKNOWN_CLIENT);
    leave(&s);
    assert_int_equal(hello(&s, "other"), TICKGATE_WRONG_USER);
    assert_int_equal(s.fds[0], -1);
    leave(&s);
    assert_int_equal(rig.door.refused, 8);
    assert_int_equal(hello(&s, "alpha"), TICKGATE_ATTACHED);
    assert_int_equal(hello(&again, "alpha"), TICKGATE_ATTACHED_ALREADY);
    leave(&again);
    leave(&s);
    assert_int_equal(hello(&s, "alpha"), TICKGATE_ATTACHED);
    leave(&s);
    gateway_close();
}

// Refused before there is a socket: nothing of the process is closed.
static void names_that_are_too_long(void **state)
{
    char longer[DOOR_PATH_LEN + 1] = {0};
    int code = 0;
    (void)state;
    memset(longer, 'a', DOOR_PATH_LEN);
    const int input = dup(STDIN_FILENO), lowest = open("/dev/null", O_RDONLY);
    assert_true(lowest >= 0 && dup2(lowest, STDIN_FILENO) == STDIN_FILENO);
    assert_null(tickgate_attach("/tmp/none", longer, &code));
    assert_int_equal(code, TICKGATE_UNKNOWN_CLIENT);
    assert_null(tickgate_attach(longer, "alpha", &code));
    assert_int_equal(code, TICKGATE_NO_DATAPLANE);
    assert_int_not_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
    if (input >= 0) {
        dup2(input, STDIN_FILENO);
        close(input);
    }
    close(lowest);
}

static void those_who_say_nothing_make_room(void **state)
{
    struct stranger s;
    int silent[DOOR_WAITING_MAX + 2];
    (void)state;
    gateway_open(2);
    for (uint32_t i = 0; i < ARRAY_LEN(silent); i++)
        silent[i] = knock(), turns(1);
    assert_int_equal(hello(&s, "alpha"), -1); // nobody looks at it yet
    turns(2 * DOOR_HELLO_MS + 10);
    struct gateway_welcome welcome;
    assert_int_equal(recv(s.fd, &welcome, sizeof welcome, MSG_DONTWAIT), sizeof welcome);
    assert_int_equal(welcome.code, TICKGATE_ATTACHED);
    for (uint32_t i = 0; i < ARRAY_LEN(silent); i++)
        close(silent[i]);
    leave(&s);
    gateway_close();
}

static void a_socket_that_is_left_over_is_replaced(void **state)
{
    struct door second;
    struct error err = {0};
    (void)state;
    gateway_open(3);
    assert_false(door_open(&second, rig.path, &err)); // somebody listens
    assert_non_null(strstr(err.text, "another process listens"));
    assert_int_equal(second.fd, -1);
    door_close(&second); // nothing to close
    close(rig.door.fd);  // as if it had been killed
    err = (struct error){0};
    assert_true(door_open(&second, rig.path, &err));
    door_close(&second);
    rig.door.fd = -1;
    err = (struct error){0};
    assert_false(door_open(&second, "/tmp/no/such/folder", &err));
    err = (struct error){0};
    assert_false(door_open(&second, "/tmp", &err));
    assert_non_null(strstr(err.text, "is no socket"));
    gateway_close();
}

static void words_after_the_welcome_end_it(void **state)
{
    struct stranger s;
    (void)state;
    gateway_open(4);
    assert_int_equal(hello(&s, "alpha"), TICKGATE_ATTACHED);
    turns(10);
    assert_true(rig.desk.on & 1);
    assert_int_equal(send(s.fd, "x", 1, 0), 1);
    turns(10);
    assert_int_equal(rig.desk.on & 1, 0);
    assert_int_equal(atomic_load(&rig.gateway->clients[0].cut), TICKGATE_PROTOCOL);
    leave(&s);
    gateway_close();
}

// --- the memory ---

static void memory_keeps_its_size(void **state)
{
    struct stranger s;
    (void)state;
    gateway_open(5);
    assert_int_equal(hello(&s, "alpha"), TICKGATE_ATTACHED);
    for (int i = 0; i < 2; i++) {
        assert_int_not_equal(ftruncate(s.fds[i], 0), 0);
        assert_int_not_equal(ftruncate(s.fds[i], 1 << 20), 0);
        assert_int_not_equal(fcntl(s.fds[i], F_ADD_SEALS, F_SEAL_WRITE), 0);
    }
    leave(&s);
    gateway_close();
}

static void what_the_lane_writes_can_only_be_read(void **state)
{
    struct stranger s;
    (void)state;
    gateway_open(6);
    assert_int_equal(hello(&s, "alpha"), TICKGATE_ATTACHED);
    const size_t bytes = s.welcome.outward_bytes;
    void *writable = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s.fds[1], 0);
    assert_true(writable == MAP_FAILED);
    const struct gateway_outward *out = mmap(NULL, bytes, PROT_READ, MAP_SHARED, s.fds[1], 0);
    assert_true(out != MAP_FAILED);
    assert_int_not_equal(mprotect((void *)(uintptr_t)out, bytes, PROT_READ | PROT_WRITE), 0);
    assert_true(pwrite(s.fds[1], "x", 1, 0) < 0);
    assert_true(fallocate(s.fds[1], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) < 0);
    assert_int_equal(out->magic, GATEWAY_MAGIC);
    assert_int_equal(out->requests, RIG_REQUESTS);
    assert_int_equal(out->account, 1);
    assert_int_equal(out->strategy, FIRST_STRATEGY);
    munmap((void *)(uintptr_t)out, bytes);
    leave(&s);
    gateway_close();
}

// Pages that a client gives back read as zero: its index has gone back.
static void memory_that_is_given_back(void **state)
{
    struct stranger s;
    (void)state;
    gateway_open(7);
    assert_int_equal(hello(&s, "alpha"), TICKGATE_ATTACHED);
    struct gateway_inward *in =
        mmap(NULL, s.welcome.inward_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, s.fds[0], 0);
    assert_true(in != MAP_FAILED);
    turns(2);
    in->requests[0].kind = GATEWAY_CANCEL;
    atomic_store(&in->requests_tail, 1);
    turns(2);
    assert_int_equal(rig.gateway->clients[0].requests, 1);
    assert_int_equal(fallocate(s.fds[0], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
    turns(2);
    assert_int_equal(atomic_load(&rig.gateway->clients[0].cut), TICKGATE_INDEX);
    munmap(in, s.welcome.inward_bytes);
    leave(&s);
    gateway_close();
}

// --- set-up ---

static void what_cannot_be_configured(void **state)
{
    struct error err = {0};
    struct gateway_client_config c = {.name = "x", .rate_per_s = 1, .burst = 1};
    (void)state;
    struct gateway *g = zeroed(sizeof *g);
    assert_false(gateway_init(g, 100, 64, 0, &err));
    err = (struct error){0};
    assert_false(gateway_init(g, 64, 1, 0, &err));
    assert_true(gateway_init(g, 64, 64, STRATEGY_NOBODY - 2, &err));
    c.account = ACCOUNTS_MAX;
    assert_false(gateway_client_add(g, &c, 1000, &err));
    c.account = 0;
    c.rate_per_s = 0;
    assert_false(gateway_client_add(g, &c, 1000, &err));
    c.rate_per_s = 3;
    assert_true(gateway_client_add(g, &c, 1000, &err));
    assert_int_equal(c.strategy, STRATEGY_NOBODY - 2);
    assert_int_equal(g->clients[0].rate_ticks, 334); // not a tick short of a third
    assert_true(gateway_client_add(g, &c, 1000, &err));
    assert_false(gateway_client_add(g, &c, 1000, &err)); // no strategy is left
    free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_are_told_why),
        cmocka_unit_test(names_that_are_too_long),
        cmocka_unit_test(those_who_say_nothing_make_room),
        cmocka_unit_test(a_socket_that_is_left_over_is_replaced),
        cmocka_unit_test(words_after_the_welcome_end_it),
        cmocka_unit_test(memory_keeps_its_size),
        cmocka_unit_test(what_the_lane_writes_can_only_be_read),
        cmocka_unit_test(memory_that_is_given_back),
        cmocka_unit_test(what_cannot_be_configured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
