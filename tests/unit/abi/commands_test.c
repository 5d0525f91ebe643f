// Command slots: every way through the states, and many posters at once.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "dataplane/abi/commands.h"

struct board {
    struct command_slot slots[COMMAND_SLOTS];
    struct command_bell bells[2];
};

static struct board *board_new(void)
{
    struct board *b = aligned_alloc(64, sizeof *b);
    memset(b, 0, sizeof *b);
    return b;
}

static struct command_slot *post(struct board *b, uint32_t target, uint64_t reference)
{
    struct command_slot *slot = command_claim(b->slots);
    if (slot == NULL)
        return NULL;
    slot->type = COMMAND_QUEUE_POSITION;
    slot->request.queue_position = (struct queue_position_request){.reference = reference};
    command_post(slot, target, &b->bells[target]);
    return slot;
}

static void test_answered(void **state)
{
    (void)state;
    struct board *b = board_new();
    uint64_t seen = 0;
    assert_false(command_rung(&b->bells[1], &seen));
    struct command_slot *slot = post(b, 1, 42);
    assert_true(command_rung(&b->bells[1], &seen));
    assert_false(command_rung(&b->bells[1], &seen));
    assert_false(command_take(slot, 0)); // for somebody else
    assert_true(command_take(slot, 1));
    assert_false(command_take(slot, 1));
    assert_false(command_done(slot));
    assert_int_equal(slot->request.queue_position.reference, 42);
    slot->answer.queue_position.orders_ahead = 7;
    command_answer(slot, COMMAND_RESULT_NO_ORDER, 99);
    assert_true(command_done(slot));
    assert_int_equal(slot->result, COMMAND_RESULT_NO_ORDER);
    assert_int_equal(slot->sequence, 99);
    assert_int_equal(slot->answer.queue_position.orders_ahead, 7);
    command_release(slot);
    assert_int_equal(slot->state, COMMAND_FREE);
    free(b);
}

static void test_full_is_an_answer(void **state)
{
    (void)state;
    struct board *b = board_new();
    for (uint32_t i = 0; i < COMMAND_SLOTS; i++)
        assert_non_null(post(b, 0, i));
    assert_null(command_claim(b->slots));
    command_abandon(&b->slots[5], 0);
    assert_ptr_equal(command_claim(b->slots), &b->slots[5]);
    free(b);
}

static void test_given_up(void **state)
{
    (void)state;
    struct board *b = board_new();
    // Nobody has taken it: withdrawn, and it can no longer be taken.
    struct command_slot *slot = post(b, 0, 1);
    assert_false(command_abandon(slot, 0));
    assert_int_equal(slot->state, COMMAND_FREE);
    assert_false(command_take(slot, 0));
    // Taken: it stays in use until the taker is done with it.
    slot = post(b, 0, 2);
    assert_true(command_take(slot, 0));
    assert_false(command_abandon(slot, 0));
    assert_int_equal(slot->state, COMMAND_ABANDONED);
    assert_ptr_not_equal(command_claim(b->slots), slot);
    command_answer(slot, COMMAND_RESULT_OK, 1);
    assert_int_equal(slot->state, COMMAND_FREE);
    // Answered at the last moment: the answer is there to be read.
    slot = post(b, 0, 3);
    assert_true(command_take(slot, 0));
    command_answer(slot, COMMAND_RESULT_OK, 2);
    assert_true(command_abandon(slot, 0));
    assert_true(command_done(slot));
    free(b);
}

enum { POSTERS = 3, POSTS = 4000 };
static _Atomic int posters_left;

static void *poster(void *context)
{
    struct board *b = context;
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < POSTS; i++) {
        struct command_slot *slot;
        while ((slot = post(b, 0, i)) == NULL)
            sched_yield();
        // Every third one loses patience.
        int patience = i % 3 == 0 ? 2 : 1 << 30;
        bool done = false;
        while (!(done = command_done(slot)) && patience-- > 0)
            sched_yield();
        if (!done && !command_abandon(slot, 0))
            continue;
        wrong += slot->answer.queue_position.shares_ahead != i * 3 || slot->sequence != i;
        command_release(slot);
    }
    posters_left--;
    return (void *)(uintptr_t)wrong;
}

static void test_many_posters(void **state)
{
    (void)state;
    struct board *b = board_new();
    pthread_t threads[POSTERS];
    posters_left = POSTERS;
    for (int i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, poster, b), 0);
    uint64_t seen = 0;
    while (posters_left > 0) {
        if (!command_rung(&b->bells[0], &seen)) {
            sched_yield();
            continue;
        }
        for (uint32_t i = 0; i < COMMAND_SLOTS; i++) {
            struct command_slot *slot = &b->slots[i];
            if (!command_take(slot, 0))
                continue;
            uint64_t reference = slot->request.queue_position.reference;
            slot->answer.queue_position.shares_ahead = reference * 3;
            command_answer(slot, COMMAND_RESULT_OK, reference);
        }
    }
    for (int i = 0; i < POSTERS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_int_equal((uintptr_t)wrong, 0);
    }
    for (uint32_t i = 0; i < COMMAND_SLOTS; i++)
        assert_int_equal(b->slots[i].state, COMMAND_FREE);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answered),
        cmocka_unit_test(test_full_is_an_answer),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_many_posters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
