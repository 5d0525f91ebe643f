// The desk of the self-test: one session in front of a closed egress gate, two symbols with a book,
// limits that limit nothing. Private to selftest*.c.
#pragma once

#include "dataplane/lane/desk_self.h"

enum {
    TEST_ACCOUNT = 1,
    TEST_STRATEGY = 2,
    TEST_SYMBOL = 0,
    TEST_SHARES = 100,
    TEST_BID = 99900, // price4
    TEST_ASK = 100100,
    TEST_LAST = 100000,
    TEST_NOW = 1 << 30, // ticks
};

struct test_desk {
    struct lane lane;
    struct desk desk;
    struct session session;
    struct channel channel;
    struct transport transport;
    uint64_t reached; // frames at the closed gate
    bool busy;        // it takes none
    struct self_reach reach;
    struct limit_table *limits;
    struct gate_verdict last; // of the last order that was asked for
    void *blocks[8];
    uint32_t block_count;
};

// Null with <err>: no memory. test_desk_close afterwards.
struct test_desk *test_desk_open(struct error *err);
void test_desk_close(struct test_desk *t);
// Asks for an order of TEST_ACCOUNT and TEST_STRATEGY; t->last says how the gate answered.
enum refusal test_desk_ask(struct test_desk *t, const struct desk_order *ask);
// The account has held TEST_SHARES at TEST_LAST since before the start; its position.
uint32_t test_desk_hold(struct test_desk *t);
