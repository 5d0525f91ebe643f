// The store of past packets and the answers made from it.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "bench/exchange/rerequest.h"
#include "dataplane/base/bytes.h"

// Message <n> of the test channel: its length and bytes follow from its number.
static uint32_t message_make(uint64_t n, uint8_t *m)
{
    uint32_t length = n % 17 == 0 ? 0 : 12 + (uint32_t)(n * 7 % 39);
    memset(m, (int)(n % 251), 64);
    if (length)
        be64_store(m, n);
    return length;
}

// A channel that has sent messages 1 .. <messages>.
static struct channel *channel_make(uint64_t messages, uint32_t mib)
{
    struct channel *c = calloc(1, sizeof *c);
    struct error err = {0};
    c->numbered = true;
    c->sent_next = 1;
    pack_init(&c->pack, "TESTDAY", PACK_PAYLOAD_MAX, 60000);
    assert_true(store_init(&c->store, mib, false, true, &err));
    for (uint64_t n = 1; n <= messages; n++) {
        uint8_t m[64];
        struct source_item item = {0, m, message_make(n, m)};
        assert_true(channel_add(c, &item, n));
        while (channel_pending(c))
            channel_offer(c, 0);
    }
    channel_close(c);
    while (channel_pending(c))
        channel_offer(c, 0);
    return c;
}

static void channel_drop(struct channel *c)
{
    store_free(&c->store);
    free(c);
}

static struct rerequest server_of(struct channel *c)
{
    return (struct rerequest){.channels = c, .channel_count = 1, .socket = -1};
}

static uint32_t ask(struct rerequest *r, const char *session, uint64_t sequence, uint16_t count,
                    uint8_t *answer)
{
    uint8_t request[PACK_HEADER];
    struct pack p;
    pack_init(&p, session, PACK_PAYLOAD_MAX, 1);
    pack_header(request, p.session, sequence, count);
    return rerequest_answer(r, request, sizeof request, answer);
}

// Every answer holds exactly the messages asked for, as many as fit.
static void answers_are_the_messages(void **state)
{
    (void)state;
    struct channel *c = channel_make(20000, 16);
    struct rerequest r = server_of(c);
    uint8_t answer[PACK_PAYLOAD_MAX];
    for (uint64_t sequence = 1; sequence <= 20000; sequence += 37) {
        uint16_t wanted = (uint16_t)(1 + sequence % 97);
        uint32_t length = ask(&r, "TESTDAY", sequence, wanted, answer), count, offset = PACK_HEADER;
        uint64_t first;
        assert_true(pack_parse(answer, length, &first, &count));
        assert_int_equal(first, sequence);
        uint64_t rest = 20001 - sequence;
        assert_in_range(count, 1, wanted < rest ? wanted : rest);
        for (uint32_t i = 0; i < count; i++) {
            const uint8_t *m;
            uint8_t expected[64];
            uint32_t size = pack_block(answer, &offset, &m);
            assert_int_equal(size, message_make(sequence + i, expected));
            assert_memory_equal(m, expected, size);
        }
        uint8_t next[64];
        if (count < wanted && count < rest) // the next one did not fit
            assert_true(length + 2 + message_make(sequence + count, next) > PACK_PAYLOAD_MAX);
    }
    assert_int_equal(r.received, r.answered);
    channel_drop(c);
}

static void what_cannot_be_answered_is_silence(void **state)
{
    (void)state;
    struct channel *c = channel_make(100, 16);
    struct rerequest r = server_of(c);
    uint8_t answer[PACK_PAYLOAD_MAX], request[64] = {0};
    assert_int_equal(ask(&r, "OTHERDAY", 1, 1, answer), 0);
    assert_int_equal(ask(&r, "TESTDAY", 0, 1, answer), 0);
    assert_int_equal(ask(&r, "TESTDAY", 1, 0, answer), 0);
    assert_int_equal(ask(&r, "TESTDAY", 101, 1, answer), 0);
    assert_int_equal(ask(&r, "TESTDAY", UINT64_MAX, 0xffff, answer), 0);
    for (uint32_t length = 0; length < sizeof request; length++) {
        pack_header(request, c->pack.session, 1, 1);
        assert_int_equal(rerequest_answer(&r, request, length, answer) > 0, length == PACK_HEADER);
    }
    assert_int_equal(r.silent, 5 + sizeof request - 1);
    assert_true(ask(&r, "TESTDAY", 100, 50, answer) > 0); // ends with the last message there is
    channel_drop(c);
}

// What is packed but was not sent yet is not given away, as in saturate mode.
static void the_future_is_not_answered(void **state)
{
    (void)state;
    struct channel *c = channel_make(1000, 16);
    struct rerequest r = server_of(c);
    uint8_t answer[PACK_PAYLOAD_MAX];
    uint64_t first = store_packet(&c->store, 3)->sequence;
    c->offered = 3;
    assert_int_equal(ask(&r, "TESTDAY", first, 1, answer), 0);
    uint32_t count;
    uint64_t sequence;
    assert_true(pack_parse(answer, ask(&r, "TESTDAY", first - 1, 100, answer), &sequence, &count));
    assert_int_equal(count, 1);
    channel_drop(c);
}

// A bounded store forgets the oldest first and never answers with anything else.
static void the_store_forgets_the_oldest(void **state)
{
    (void)state;
    enum { MESSAGES = 1500000 };
    struct channel *c = channel_make(MESSAGES, 16);
    struct rerequest r = server_of(c);
    uint8_t answer[PACK_PAYLOAD_MAX], expected[64];
    const uint8_t *m;
    uint64_t kept = 0;
    for (uint64_t sequence = 1; sequence <= MESSAGES; sequence += 997) {
        uint32_t offset = PACK_HEADER;
        if (!ask(&r, "TESTDAY", sequence, 1, answer)) {
            assert_int_equal(kept, 0); // once it remembers, it remembers everything after
            continue;
        }
        kept++;
        uint32_t size = pack_block(answer, &offset, &m);
        assert_int_equal(size, message_make(sequence, expected));
        assert_memory_equal(m, expected, size);
    }
    uint64_t bytes = kept * 997 * 30; // about 30 bytes a message
    assert_in_range(bytes, 14 << 20, 18 << 20);
    assert_in_range(c->store.offset - store_packet(&c->store, c->store.first)->offset, 15 << 20,
                    16 << 20);
    channel_drop(c);
}

static void a_store_that_keeps_all_refuses(void **state)
{
    (void)state;
    struct store s;
    struct error err = {0};
    assert_true(store_init(&s, 16, true, false, &err));
    uint64_t n = 0;
    while (store_reserve(&s, 1472)) {
        store_commit(&s, 1472, n * 10 + 1, 10, 0);
        n++;
    }
    assert_in_range(n, (16 << 20) / 1472 - 1, (16 << 20) / 1472);
    assert_int_equal(s.first, 0);
    assert_int_equal(store_find(&s, 1), 0);
    assert_int_equal(store_find(&s, n * 10), n - 1);
    assert_int_equal(store_find(&s, n * 10 + 1), n);
    store_free(&s);
}

// One's complement sums against the example of RFC 1071 and against the definition.
static void sums(void **state)
{
    (void)state;
    static const uint8_t rfc[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    assert_int_equal(store_sum(rfc, 8), 0xddf2);
    uint8_t bytes[1472];
    for (uint32_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i + 255);
    for (uint32_t length = 0; length <= sizeof bytes; length += 7) {
        uint32_t slow = 0;
        for (uint32_t i = 0; i < length; i++)
            slow += i % 2 ? bytes[i] : bytes[i] << 8;
        while (slow >> 16)
            slow = (slow & 0xffff) + (slow >> 16);
        assert_int_equal(store_sum(bytes, length), slow);
    }
}

static void answers_can_get_lost(void **state)
{
    (void)state;
    struct channel *c = channel_make(100, 16);
    struct rerequest r = server_of(c);
    uint8_t answer[PACK_PAYLOAD_MAX];
    r.loss_below = 1u << 30;
    for (uint32_t i = 0; i < 1000; i++)
        ask(&r, "TESTDAY", 5, 3, answer);
    assert_int_equal(r.answered + r.lost, 1000);
    assert_in_range(r.lost, 200, 300);
    channel_drop(c);
}

// Over a real socket: to the address that asked.
static void server_over_loopback(void **state)
{
    (void)state;
    struct channel *c = channel_make(100, 16);
    struct rerequest r = server_of(c);
    struct error err = {0};
    int client = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    assert_int_equal(bind(client, (struct sockaddr *)&at, sizeof at), 0);
    // A port that is free right now.
    getsockname(client, (struct sockaddr *)&at, &size);
    close(client);
    uint16_t port = ntohs(at.sin_port);
    assert_true(rerequest_listen(&r, INADDR_LOOPBACK, port, &err));
    client = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&at, sizeof at), 0);
    uint8_t request[PACK_HEADER], answer[2000];
    pack_header(request, c->pack.session, 42, 2);
    assert_int_equal(send(client, request, sizeof request, 0), sizeof request);
    for (int i = 0; i < 1000 && !r.answered; i++) {
        rerequest_poll(&r);
        poll(NULL, 0, 1);
    }
    ssize_t got = recv(client, answer, sizeof answer, MSG_DONTWAIT);
    uint64_t sequence;
    uint32_t count;
    assert_in_range(got, PACK_HEADER, sizeof answer);
    assert_true(pack_parse(answer, (uint32_t)got, &sequence, &count));
    assert_int_equal(sequence, 42);
    assert_int_equal(count, 2);
    struct rerequest second = server_of(c);
    assert_false(rerequest_listen(&second, 0x01010101, port, &err));
    assert_non_null(strstr(err.text, "--rerequest 1.1.1.1"));
    close(client);
    rerequest_close(&second);
    rerequest_close(&r);
    channel_drop(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_the_messages),
        cmocka_unit_test(what_cannot_be_answered_is_silence),
        cmocka_unit_test(the_future_is_not_answered),
        cmocka_unit_test(the_store_forgets_the_oldest),
        cmocka_unit_test(a_store_that_keeps_all_refuses),
        cmocka_unit_test(sums),
        cmocka_unit_test(answers_can_get_lost),
        cmocka_unit_test(server_over_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
