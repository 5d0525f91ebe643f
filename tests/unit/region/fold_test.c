// Open orders folded from events, against a list kept the simple way; and what is missed or finds
// no room.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "controlplane/region/board.h"
#include "controlplane/region/fold.h"
#include "dataplane/base/clock.h"
#include "tests/lib/region_trade.h"

static struct order_fold fold;
static uint64_t sequences[3];

static int begin(void **state)
{
    (void)state;
    memset(sequences, 0, sizeof sequences);
    return order_fold_init(&fold) ? 0 : 1;
}

static int end(void **state)
{
    (void)state;
    order_fold_free(&fold);
    return 0;
}

static void feed(uint8_t lane, struct event *e)
{
    e->lane = lane;
    e->sequence = ++sequences[lane];
    order_fold_event(&fold, lane, e, 1000 + sequences[lane]);
}

static void decided(uint8_t lane, uint32_t order, char kind, uint16_t refusal)
{
    struct event e = {.type = EVENT_DECISION};
    e.decision.order = order;
    e.decision.kind = (uint8_t)kind;
    e.decision.quantity = order + 1;
    e.decision.price = 2000;
    e.decision.refusal = refusal;
    feed(lane, &e);
}

static void not_sent(uint8_t lane, uint32_t order, char kind)
{
    struct event e = {.type = EVENT_ORDER_NOT_SENT};
    e.order_sent.order = order;
    e.order_sent.kind = (uint8_t)kind;
    feed(lane, &e);
}

static void told(uint8_t lane, uint32_t order, enum fold_life life, uint8_t waits)
{
    struct event e = {.type = EVENT_ORDER};
    e.order.order = order;
    e.order.life = (uint8_t)life;
    e.order.waits = waits;
    e.order.open = 7;
    feed(lane, &e);
}

static const struct folded_order *order_at(uint8_t lane, uint32_t order)
{
    for (uint32_t i = 0; i < FOLD_ORDERS_MAX * 2; i++)
        if (fold.slots[i].used && fold.slots[i].lane == lane && fold.slots[i].order == order)
            return &fold.slots[i];
    return NULL;
}

static void test_life(void **state)
{
    (void)state;
    decided(0, 5, 'O', REFUSAL_POSITION); // refused: no order
    assert_int_equal(fold.count, 0);
    decided(0, 5, 'O', REFUSAL_NONE);
    decided(1, 5, 'O', REFUSAL_NONE); // the same place of another lane
    assert_int_equal(fold.count, 2);
    assert_int_equal(order_at(0, 5)->life, FOLD_PENDING);
    assert_int_equal(order_at(0, 5)->open, 6);
    not_sent(1, 5, 'O');
    assert_null(order_at(1, 5));
    told(0, 5, FOLD_LIVE, 0);
    assert_int_equal(order_at(0, 5)->open, 7);
    decided(0, 5, 'U', REFUSAL_NONE);
    assert_int_equal(order_at(0, 5)->waits, FOLD_REPLACE);
    assert_int_equal(order_at(0, 5)->change_price, 2000);
    not_sent(0, 5, 'U');
    assert_int_equal(order_at(0, 5)->waits, 0);
    decided(0, 5, 'M', REFUSAL_NONE);
    assert_int_equal(order_at(0, 5)->waits, FOLD_MODIFY);
    struct event cancel = {.type = EVENT_CANCEL_SENT};
    cancel.cancel_sent.order = 5;
    feed(0, &cancel);
    assert_int_equal(order_at(0, 5)->waits, FOLD_MODIFY | FOLD_CANCEL);
    told(0, 5, FOLD_DEAD, 0);
    assert_int_equal(fold.count, 0);
    told(0, 5, FOLD_DEAD, 0);          // again
    told(0, UINT32_MAX, FOLD_LIVE, 0); // an execution whose order has lost its place
    assert_int_equal(fold.count, 0);
    told(0, 6, FOLD_UNKNOWN, 0); // adopted
    assert_int_equal(order_at(0, 6)->life, FOLD_UNKNOWN);
    decided(0, 6, 'O', REFUSAL_NONE); // the place is taken again
    assert_int_equal(order_at(0, 6)->life, FOLD_PENDING);
    // What was told before is not told again.
    decided(0, 9, 'O', REFUSAL_NONE);
    sequences[0] -= 2;
    told(0, 6, FOLD_DEAD, 0);
    told(0, 9, FOLD_DEAD, 0);
    assert_int_equal(fold.count, 2);
    assert_true(order_fold_complete(&fold));
}

// Thousands of orders that begin and end in any order, in few places that collide.
static void test_against_a_list(void **state)
{
    (void)state;
    enum { ORDERS = 3000, STEPS = 60000 };
    static bool open[2][ORDERS];
    uint64_t random = 88172645463325252ull;
    uint32_t count = 0;
    memset(open, 0, sizeof open);
    for (uint32_t i = 0; i < STEPS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const uint8_t lane = random >> 60 & 1;
        const uint32_t order = (uint32_t)(random >> 20) % ORDERS;
        if (open[lane][order]) {
            told(lane, order, FOLD_DEAD, 0);
            count--;
        } else {
            decided(lane, order, 'O', REFUSAL_NONE);
            count++;
        }
        open[lane][order] = !open[lane][order];
        assert_int_equal(fold.count, count);
    }
    uint32_t found = 0;
    for (uint32_t i = 0; i < FOLD_ORDERS_MAX * 2; i++) {
        if (!fold.slots[i].used)
            continue;
        assert_true(open[fold.slots[i].lane][fold.slots[i].order]);
        found++;
    }
    assert_int_equal(found, count);
    // Each is found by its key: ending them all leaves nothing.
    for (uint8_t lane = 0; lane < 2; lane++)
        for (uint32_t order = 0; order < ORDERS; order++)
            if (open[lane][order])
                told(lane, order, FOLD_DEAD, 0);
    assert_int_equal(fold.count, 0);
    assert_true(order_fold_complete(&fold));
}

static void test_missed(void **state)
{
    (void)state;
    decided(0, 1, 'O', REFUSAL_NONE);
    assert_true(order_fold_complete(&fold));
    sequences[0] += 3;
    decided(0, 2, 'O', REFUSAL_NONE);
    assert_int_equal(fold.missed, 1);
    struct event overrun = {.type = EVENT_OVERRUN};
    overrun.overrun.lost = 40;
    feed(1, &overrun);
    assert_int_equal(fold.missed, 41);
    order_fold_reset(&fold);
    assert_true(order_fold_complete(&fold) && fold.count == 0);
}

static void test_full(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < FOLD_ORDERS_MAX + 2; i++)
        decided(0, i, 'O', REFUSAL_NONE);
    assert_int_equal(fold.count, FOLD_ORDERS_MAX);
    assert_int_equal(fold.not_kept, 2);
    assert_false(order_fold_complete(&fold));
    told(0, 0, FOLD_DEAD, 0);
    decided(0, FOLD_ORDERS_MAX + 9, 'O', REFUSAL_NONE);
    assert_non_null(order_at(0, FOLD_ORDERS_MAX + 9));
}

// --- kills past the command slots ---

static void test_direct_kill(void **state)
{
    struct region_file file;
    struct region_shape shape = region_trade_shape();
    struct region_identity identity = region_file_identity();
    struct contact contact;
    struct board_target target;
    struct board *board = board_new();
    uint64_t rung[LANES_MAX], sequence[LANES_MAX], lanes;
    (void)state;
    assert_non_null(board);
    region_file_make(&file, &shape, &identity);
    region_trade_fill(&file.view);
    region_beat(&file.view, clock_tsc());
    region_publish(&file.view);
    contact_init(&contact, file.path);
    char why[256];
    // Beside a control plane that drains.
    struct contact drains;
    contact_init(&drains, file.path);
    assert_true(contact_look(&drains, 1));
    assert_int_equal(region_attach(&contact.reader, file.path, REGION_KILL, why, sizeof why),
                     REGION_FINE);
    assert_true(board_take(board, &contact));
    assert_int_equal(board_find(board, "session", "iex", &target), BOARD_FOUND);
    assert_true(kill_set(&contact.reader, KILL_BY_DIRECT, &target, rung));
    struct kill_words *k = region_kill_words(&file.view, KILL_ASKERS + KILL_BY_DIRECT);
    assert_int_equal(k->sessions[0], 1);
    assert_int_equal(k->rung, 1);
    assert_int_equal(region_kill_words(&file.view, KILL_BY_DIRECT)->rung, 0);
    assert_true(kill_seen(&contact.reader, KILL_BY_DIRECT, &target, rung, &lanes, sequence));
    assert_int_equal(lanes, 0);
    board_kill(region_trade_board(&file.view, 1), KILL_BY_DIRECT, 1, 4242);
    assert_true(kill_seen(&contact.reader, KILL_BY_DIRECT, &target, rung, &lanes, sequence));
    assert_int_equal(lanes, 2);
    assert_int_equal(sequence[1], 4242);
    assert_true(board_take(board, &contact));
    assert_true(board_in_force(board, &target, 1));
    contact_close(&contact);
    contact_close(&drains);
    board_free(board);
    region_file_remove(&file);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_life), TEST(test_against_a_list),          TEST(test_missed),
        TEST(test_full), cmocka_unit_test(test_direct_kill),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
