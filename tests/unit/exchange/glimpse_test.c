// Snapshots: the picture against the independent model, and the server over loopback with a simple
// client.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "bench/exchange/generate.h"
#include "bench/exchange/glimpse.h"
#include "tests/unit/exchange/model.h"

static struct generator generator;

static void day_start(uint32_t symbols, uint32_t live, uint64_t messages)
{
    struct generator_config config = {
        .seed = 11, .symbols = symbols, .live_max = live, .messages = messages};
    struct error err = {0};
    assert_true(generator_init(&generator, &config, &err));
}

// Moves picture and model on by up to <messages>; answers how many there were.
static uint64_t day_follow(struct picture *p, struct model *m, uint64_t messages)
{
    uint8_t message[GENERATOR_MESSAGE_MAX];
    uint32_t length;
    uint64_t n = 0;
    while (n < messages && (length = generator_next(&generator, message)) > 0) {
        picture_apply(p, message, length);
        assert_true(model_apply(m, message, false));
        n++;
    }
    return n;
}

// The next order of the model in the order of a snapshot after <last>: locate, bids first, best
// price, arrival.
static bool before(const struct model_order *a, const struct model_order *b)
{
    if (a->locate != b->locate)
        return a->locate < b->locate;
    if (a->side != b->side)
        return a->side == 'B';
    if (a->price != b->price)
        return a->side == 'B' ? a->price > b->price : a->price < b->price;
    return a->arrival < b->arrival;
}

static int model_order_compare(const void *x, const void *y)
{
    const struct model_order *a = x, *b = y;
    return before(a, b) ? -1 : before(b, a);
}

static struct model_order *model_sorted(struct model *m)
{
    struct model_order *all = malloc((m->live + 1) * sizeof *all);
    uint64_t n = 0;
    for (uint32_t locate = 0; locate < 65536; locate++)
        for (uint32_t i = 0; i < m->symbols[locate].count; i++)
            all[n++] = m->orders[m->symbols[locate].orders[i]];
    assert_int_equal(n, m->live);
    qsort(all, n, sizeof all[0], model_order_compare);
    return all;
}

static void picture_is_the_market(void **state)
{
    (void)state;
    day_start(200, 20000, 300000);
    struct picture *p = picture_make(0); // grows on the way
    struct model *m = model_make(300000);
    while (day_follow(p, m, 50000)) {
        struct picture *copy = picture_copy(p);
        picture_sort(copy);
        struct model_order *all = model_sorted(m);
        assert_int_equal(copy->live, m->live);
        for (uint64_t i = 0; i < m->live; i++) {
            assert_int_equal(copy->orders[i].reference, all[i].reference);
            assert_int_equal(copy->orders[i].shares, all[i].shares);
            assert_int_equal(copy->orders[i].price, all[i].price);
            assert_int_equal(copy->orders[i].side, all[i].side);
        }
        free(all);
        picture_drop(copy);
    }
    assert_int_equal(p->unknown, 0);
    assert_int_equal(p->locate_max, 200);
    picture_drop(p);
    model_drop(m);
    generator_free(&generator);
}

// What does not belong to a picture, or refers to nothing, changes nothing.
static void nonsense_changes_nothing(void **state)
{
    (void)state;
    struct picture *p = picture_make(0);
    uint8_t m[64] = {0};
    for (uint32_t type = 0; type < 256; type++)
        for (uint32_t length = 0; length < 50; length++) {
            m[0] = (uint8_t)type;
            if (length == model_length(m[0]) && strchr("SRHYhAF", m[0]))
                continue;
            picture_apply(p, m, length);
        }
    assert_int_equal(p->live, 0);
    assert_int_equal(p->locate_max, 0);
    assert_int_equal(p->unknown, 5); // E, C, X, D, U of their lengths
    assert_int_equal(p->system_event[0], 0);
    picture_drop(p);
}

struct client {
    uint16_t port;
    char login[50];   // after the length: type and fields
    uint32_t dribble; // bytes of the login per write
    uint8_t *in;      // everything received
    size_t have, room;
    pthread_t thread;
    _Atomic bool done;
};

static void *client_run(void *argument)
{
    struct client *c = argument;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(c->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    uint8_t out[49] = {0, 47};
    memcpy(out + 2, c->login, 47);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0) {
        for (uint32_t at_byte = 0; at_byte < sizeof out; at_byte += c->dribble) {
            uint32_t n =
                at_byte + c->dribble < sizeof out ? c->dribble : (uint32_t)sizeof out - at_byte;
            if (send(fd, out + at_byte, n, MSG_NOSIGNAL) != (ssize_t)n)
                break;
            poll(NULL, 0, c->dribble < 49 ? 2 : 0);
        }
        ssize_t n;
        while (c->have < c->room && (n = recv(fd, c->in + c->have, c->room - c->have, 0)) > 0)
            c->have += (size_t)n;
    }
    close(fd);
    atomic_store(&c->done, true);
    return NULL;
}

// Runs a client against the server while the "exchange" polls.
static void client_serve(struct client *c, struct glimpse *g, const struct picture *p,
                         uint64_t next)
{
    c->room = 4 << 20;
    c->in = malloc(c->room);
    pthread_create(&c->thread, NULL, client_run, c);
    while (!atomic_load(&c->done)) {
        glimpse_poll(g, p, next);
        poll(NULL, 0, 1);
    }
    pthread_join(c->thread, NULL);
}

static struct glimpse *server_make(uint16_t *port)
{
    struct glimpse *g = calloc(1, sizeof *g);
    struct error err = {0};
    struct pack p;
    pack_init(&p, "TESTDAY", PACK_PAYLOAD_MAX, 1);
    memcpy(g->session, p.session, sizeof g->session);
    for (*port = 28000; *port < 28200; ++*port, err = (struct error){0})
        if (glimpse_open(g, INADDR_LOOPBACK, *port, &err))
            return g;
    fail_msg("%s", err.text);
    return NULL;
}

// Walks the SoupBinTCP packets a client got. NULL at the end.
static const uint8_t *packet_next(const struct client *c, size_t *at, uint32_t *length)
{
    if (*at + 3 > c->have)
        return NULL;
    *length = (uint32_t)model_int(c->in + *at, 2);
    const uint8_t *packet = c->in + *at + 2;
    *at += 2 + *length;
    assert_true(*at <= c->have);
    return packet;
}

static void late_joiner_gets_the_market(void **state)
{
    (void)state;
    day_start(100, 8000, 100000);
    struct picture *p = picture_make(0);
    struct model *m = model_make(100000);
    uint64_t sent = day_follow(p, m, 60000);
    uint16_t port;
    struct glimpse *g = server_make(&port);
    struct client c = {.port = port, .dribble = 5};
    snprintf(c.login, sizeof c.login, "L%-6s%-10s%10s%20s", "user", "password", "", "1");
    client_serve(&c, g, p, sent + 1);

    struct model *seen = model_make(100000);
    size_t at = 0;
    uint32_t length = 0, types[256] = {0};
    const uint8_t *packet = packet_next(&c, &at, &length);
    assert_int_equal(length, 31);
    assert_memory_equal(packet, "A   TESTDAY                   1", 31);
    uint64_t next = 0;
    while ((packet = packet_next(&c, &at, &length)) != NULL && packet[0] == 'S') {
        types[packet[1]]++;
        if (packet[1] == 'G') {
            assert_int_equal(length, 22);
            char digits[21] = {0};
            memcpy(digits, packet + 2, 20);
            next = strtoull(digits, NULL, 10);
            continue;
        }
        assert_int_equal(next, 0); // nothing behind G
        assert_int_equal(length - 1, model_length(packet[1]));
        assert_true(model_apply(seen, packet + 1, false));
    }
    assert_non_null(packet);
    assert_int_equal(packet[0], 'Z');
    assert_int_equal(at, c.have);
    assert_int_equal(next, sent + 1);
    assert_int_equal(types['R'], 100);
    assert_int_equal(types['H'], 100);
    assert_int_equal(types['A'] + types['F'], m->live);
    assert_true(types['F'] > 0);
    // Priority survives: both sorted by priority have the same orders in the same places.
    struct model_order *ours = model_sorted(seen), *theirs = model_sorted(m);
    assert_int_equal(seen->live, m->live);
    for (uint64_t i = 0; i < m->live; i++) {
        assert_int_equal(ours[i].reference, theirs[i].reference);
        assert_int_equal(ours[i].shares, theirs[i].shares);
        assert_int_equal(ours[i].price, theirs[i].price);
    }
    assert_memory_equal(seen->state, m->state, sizeof seen->state);
    assert_int_equal(g->snapshots, 1);
    assert_int_equal(g->orders, m->live);
    glimpse_close(g);
    free(g);
    free(c.in);
    free(ours);
    free(theirs);
    model_drop(seen);
    model_drop(m);
    picture_drop(p);
    generator_free(&generator);
}

static void logins(void **state)
{
    (void)state;
    static const struct {
        const char *user, *password, *session, *sequence, *answer;
    } cases[] = {
        {"me", "secret", "", "1", "A"},
        {"ME", "SECRET", "TESTDAY", "1", "A"}, // names and passwords know no case
        {"me", "wrong", "", "1", "JA"},
        {"you", "secret", "", "1", "JA"},
        {"me", "secret", "OTHERDAY", "1", "JS"},
        {"me", "secret", "", "0", "JS"},
        {"me", "secret", "", "2", "JS"},
        {"me", "secret", "", "", "JS"},
        {"me", "secret", "", "1x", "JS"},
    };
    struct picture *p = picture_make(0);
    uint16_t port;
    struct glimpse *g = server_make(&port);
    snprintf(g->user, sizeof g->user, "Me");
    snprintf(g->password, sizeof g->password, "secret");
    uint32_t refused = 0;
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client c = {.port = port, .dribble = 49};
        snprintf(c.login, sizeof c.login, "L%-6s%-10s%-10s%-20s", cases[i].user, cases[i].password,
                 cases[i].session, cases[i].sequence);
        client_serve(&c, g, p, 7);
        size_t at = 0;
        uint32_t length;
        const uint8_t *packet = packet_next(&c, &at, &length);
        assert_non_null(packet);
        assert_memory_equal(packet, cases[i].answer, strlen(cases[i].answer));
        refused += cases[i].answer[0] == 'J';
        free(c.in);
    }
    // Not a login: closed without a word.
    struct client c = {.port = port, .dribble = 49};
    snprintf(c.login, sizeof c.login, "U%46s", "");
    client_serve(&c, g, p, 7);
    assert_int_equal(c.have, 0);
    free(c.in);
    assert_int_equal(g->refused, refused + 1);
    assert_int_equal(g->snapshots, 2);
    glimpse_close(g);
    free(g);
    picture_drop(p);
}

// Closing ends servers that wait for a login or for a copy that never comes.
static void close_ends_waiting_clients(void **state)
{
    (void)state;
    uint16_t port;
    struct glimpse *g = server_make(&port);
    struct client waiting = {.port = port, .dribble = 49, .room = 100, .in = malloc(100)};
    snprintf(waiting.login, sizeof waiting.login, "L%-6s%-10s%10s%20s", "", "", "", "1");
    pthread_create(&waiting.thread, NULL, client_run, &waiting);
    poll(NULL, 0, 100);
    glimpse_close(g);
    pthread_join(waiting.thread, NULL);
    assert_int_equal(waiting.have, 33); // accepted, then nothing
    assert_int_equal(g->broken, 1);
    free(waiting.in);
    free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picture_is_the_market),       cmocka_unit_test(nonsense_changes_nothing),
        cmocka_unit_test(late_joiner_gets_the_market), cmocka_unit_test(logins),
        cmocka_unit_test(close_ends_waiting_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
