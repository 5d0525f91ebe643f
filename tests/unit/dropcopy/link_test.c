// The client of a drop copy against a server that this test plays: logins, resuming, other
// sessions, silence, nonsense.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "controlplane/dropcopy/link.h"

enum { MS = 1000000, TURNS = 2000, LOGIN = 49 };

static struct {
    struct drop_link *link;
    struct drop_link_config config;
    int listener, peer; // -1: none
    uint64_t now_ns;
    uint32_t taken;
    uint64_t sequence; // of the last one
    char text[64];
} f;

static void take(void *context, uint64_t sequence, const uint8_t *p, uint32_t len)
{
    assert_ptr_equal(context, &f);
    f.taken++;
    f.sequence = sequence;
    snprintf(f.text, sizeof f.text, "%.*s", (int)len, (const char *)p);
}

static void link_new(const char *session, uint64_t next)
{
    drop_link_init(f.link, &f.config, session, next);
    f.link->take = take;
    f.link->context = &f;
}

static int setup(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    (void)state;
    memset(&f, 0, sizeof f);
    f.link = calloc(1, sizeof *f.link);
    f.peer = -1;
    f.now_ns = 1000 * (uint64_t)MS;
    f.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (f.link == NULL || bind(f.listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(f.listener, 4) != 0 || getsockname(f.listener, (struct sockaddr *)&at, &len) != 0)
        return -1;
    f.config = (struct drop_link_config){.ip = INADDR_LOOPBACK,
                                         .port = ntohs(at.sin_port),
                                         .username = "copy",
                                         .password = "secret",
                                         .heartbeat_ms = 1000,
                                         .silence_ms = 3000,
                                         .retry_ms = 10,
                                         .retry_max_ms = 40};
    link_new("", 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    drop_link_close(f.link);
    free(f.link);
    if (f.peer >= 0)
        close(f.peer);
    close(f.listener);
    return 0;
}

// The client goes on until it is in <state>; its clock stands still.
static void until(enum drop_link_state state)
{
    for (uint32_t i = 0; i < TURNS && f.link->state != state; i++)
        (void)drop_link_turn(f.link, f.now_ns, 1);
    assert_string_equal(drop_link_state_name(f.link->state), drop_link_state_name(state));
}

static void peer_read(void *to, size_t len)
{
    struct pollfd p = {.fd = f.peer, .events = POLLIN};
    for (size_t have = 0; have < len;) {
        assert_int_equal(poll(&p, 1, 10000), 1);
        const ssize_t n = recv(f.peer, (char *)to + have, len - have, 0);
        assert_true(n > 0);
        have += (size_t)n;
    }
}

// Takes the connection and the login, which asks for <session> from <next> on.
static void greet(const char *session, uint64_t next)
{
    char login[LOGIN], want[LOGIN + 1];
    until(DROP_LINK_LOGIN);
    if (f.peer >= 0)
        close(f.peer);
    f.peer = accept(f.listener, NULL, NULL);
    assert_true(f.peer >= 0);
    peer_read(login, sizeof login);
    assert_memory_equal(login, "\x00\x2fL", 3);
    assert_memory_equal(login + 3, "copy  secret    ", 16);
    snprintf(want, sizeof want, "%10s%20llu", session, (unsigned long long)next);
    char session_asked[11] = "", number[21] = "";
    memcpy(session_asked, login + 19, 10);
    memcpy(number, login + 29, 20);
    for (size_t n = 10; n > 0 && session_asked[n - 1] == ' '; n--)
        session_asked[n - 1] = 0;
    assert_string_equal(session_asked + strspn(session_asked, " "), session);
    assert_int_equal(strtoull(number, NULL, 10), next);
}

static void say(char type, const char *payload)
{
    char packet[128];
    const size_t len = strlen(payload);
    packet[0] = 0;
    packet[1] = (char)(len + 1);
    packet[2] = type;
    memcpy(packet + 3, payload, len);
    assert_int_equal(send(f.peer, packet, len + 3, MSG_NOSIGNAL), (ssize_t)(len + 3));
}

static void accept_login(const char *session, uint64_t next)
{
    char payload[32];
    snprintf(payload, sizeof payload, "%10s%20llu", session, (unsigned long long)next);
    say('A', payload);
    until(DROP_LINK_UP);
}

static void until_taken(uint32_t count)
{
    for (uint32_t i = 0; i < TURNS && f.taken < count; i++)
        (void)drop_link_turn(f.link, f.now_ns, 1);
    assert_int_equal(f.taken, count);
}

static void reads_and_goes_on_where_it_was(void **state)
{
    (void)state;
    greet("", 1);
    accept_login("DROP01", 1);
    say('S', "one");
    say('+', "debug");
    say('H', "");
    say('S', "two");
    until_taken(2);
    assert_int_equal(f.sequence, 2);
    assert_string_equal(f.text, "two");
    close(f.peer);
    f.peer = -1;
    until(DROP_LINK_DOWN);
    assert_string_equal(f.link->why, "the server has closed the connection");
    f.now_ns += 10 * (uint64_t)MS;
    greet("DROP01", 3);
    accept_login("DROP01", 3);
    assert_int_equal(f.link->connects, 2);
    assert_string_equal(f.link->why, "");
    say('S', "three");
    until_taken(3);
    assert_int_equal(f.sequence, 3);
}

static void begins_where_an_earlier_run_has_stopped(void **state)
{
    (void)state;
    link_new("DROP07", 4711);
    greet("DROP07", 4711);
    accept_login("DROP07", 4711);
    say('S', "on");
    until_taken(1);
    assert_int_equal(f.sequence, 4711);
}

// A new day: the old session is gone, the current one is read from its beginning, at once.
static void another_session(void **state)
{
    (void)state;
    link_new("DROP01", 100);
    greet("DROP01", 100);
    say('J', "S");
    until(DROP_LINK_DOWN);
    greet("", 1);
    accept_login("DROP02", 1);
    assert_string_equal(f.link->session, "DROP02");
    say('S', "first");
    until_taken(1);
    assert_int_equal(f.sequence, 1);
    say('Z', "");
    until(DROP_LINK_ENDED);
    assert_int_equal(f.link->next, 1);
    assert_string_equal(f.link->session, "");
    f.now_ns += 39 * (uint64_t)MS;
    (void)drop_link_turn(f.link, f.now_ns, 0);
    assert_int_equal(f.link->state, DROP_LINK_ENDED);
    f.now_ns += 1 * (uint64_t)MS;
    greet("", 1);
}

static void place_is(const char *session, uint64_t next)
{
    uint64_t have;
    assert_string_equal(drop_link_place(f.link, &have), session);
    assert_int_equal(have, next);
}

// The exchange ends its session, and offers the same one still: what was read is not read again.
static void the_same_session_after_its_end(void **state)
{
    (void)state;
    greet("", 1);
    accept_login("DROP01", 1);
    say('S', "one");
    say('S', "two");
    until_taken(2);
    say('Z', "");
    until(DROP_LINK_ENDED);
    place_is("DROP01", 3);
    f.now_ns += 40 * (uint64_t)MS;
    greet("", 1);
    accept_login("DROP01", 1);
    say('S', "one");
    for (uint32_t i = 0; i < TURNS && f.link->next < 2; i++)
        (void)drop_link_turn(f.link, f.now_ns, 1);
    place_is("DROP01", 3);
    say('S', "two");
    say('S', "three");
    until_taken(3);
    assert_int_equal(f.sequence, 3);
    assert_string_equal(f.text, "three");
    place_is("DROP01", 4);
    // Over again, as a login finds it; what comes then is another one.
    close(f.peer);
    f.peer = -1;
    until(DROP_LINK_DOWN);
    f.now_ns += 10 * (uint64_t)MS;
    greet("DROP01", 4);
    say('J', "S");
    until(DROP_LINK_DOWN);
    place_is("DROP01", 4);
    greet("", 1);
    accept_login("DROP02", 1);
    place_is("DROP02", 1);
    say('S', "first");
    until_taken(4);
}

static void refused(void **state)
{
    (void)state;
    greet("", 1);
    say('J', "A");
    until(DROP_LINK_REFUSED);
    assert_string_equal(f.link->why, "the login was refused: user or password");
    f.now_ns += 10 * (uint64_t)MS; // the second pause is twice as long, up to retry_max_ms
    greet("", 1);
    say('J', "S");
    until(DROP_LINK_REFUSED);
    f.now_ns += 19 * (uint64_t)MS;
    (void)drop_link_turn(f.link, f.now_ns, 0);
    assert_int_equal(f.link->state, DROP_LINK_REFUSED);
    f.now_ns += 1 * (uint64_t)MS;
    greet("", 1);
}

static void silence_and_heartbeats(void **state)
{
    (void)state;
    char heartbeat[3];
    greet("", 1);
    accept_login("DROP01", 1);
    f.now_ns += 1001 * (uint64_t)MS;
    (void)drop_link_turn(f.link, f.now_ns, 0);
    peer_read(heartbeat, sizeof heartbeat);
    assert_memory_equal(heartbeat, "\x00\x01R", 3);
    f.now_ns += 1999 * (uint64_t)MS; // just inside
    (void)drop_link_turn(f.link, f.now_ns, 0);
    assert_int_equal(f.link->state, DROP_LINK_UP);
    f.now_ns += 1 * (uint64_t)MS;
    until(DROP_LINK_DOWN);
    assert_string_equal(f.link->why, "the server says nothing any more");
}

static void nonsense(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *why;
    } rows[] = {
        {"\x00\x00", 2, "what the server says is not SoupBinTCP"},
        {"\x00\x04Sabc", 6, "the server speaks before the login"},
        {"\x00\x05"
         "Aabcd",
         7, "the server's answer to the login is none"},
    };
    for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        f.now_ns += 1000 * (uint64_t)MS;
        greet("", 1);
        assert_int_equal(send(f.peer, rows[i].bytes, rows[i].len, MSG_NOSIGNAL),
                         (ssize_t)rows[i].len);
        until(DROP_LINK_DOWN);
        assert_string_equal(f.link->why, rows[i].why);
    }
    assert_int_equal(f.taken, 0);
    close(f.listener); // nobody there
    f.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    f.now_ns += 1000 * (uint64_t)MS;
    f.link->state = DROP_LINK_CONNECTING;
    until(DROP_LINK_DOWN);
    assert_non_null(strstr(f.link->why, "no connection"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_and_goes_on_where_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(begins_where_an_earlier_run_has_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(another_session, setup, teardown),
        cmocka_unit_test_setup_teardown(refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_session_after_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(silence_and_heartbeats, setup, teardown),
        cmocka_unit_test_setup_teardown(nonsense, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
