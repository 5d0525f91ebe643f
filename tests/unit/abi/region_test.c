// Layout of the region: parts in order, apart, inside; limits refused; nothing visible before
// publication.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dataplane/abi/region.h"
#include "tests/lib/region_file.h"

static void test_parts_follow_each_other(void **state)
{
    (void)state;
    struct region_shape shape = region_file_shape();
    struct region_view view;
    assert_true(region_layout(&shape, &view));
    uint64_t end = sizeof(struct region_header);
    for (uint32_t i = 0; i < PARTS; i++) {
        assert_int_equal(view.parts[i].kind, i);
        assert_int_equal(view.parts[i].offset % REGION_PART_ALIGN, 0);
        assert_true(view.parts[i].offset >= end);
        assert_true(view.parts[i].offset - end < REGION_PART_ALIGN);
        end = view.parts[i].offset + view.parts[i].count * view.parts[i].element_len;
    }
    assert_true(view.length >= end && view.length - end < REGION_PART_ALIGN);
    assert_int_equal(view.length, region_bytes(&shape));
    assert_int_equal(view.parts[PART_LINES].count, 2 * CHANNEL_LINES);
    assert_int_equal(view.parts[PART_TOPS].count, 150);
    assert_int_equal(view.parts[PART_EVENT_RINGS].count, 3 * 2);
    assert_int_equal(view.parts[PART_EVENTS].count, 3 * 128);
    assert_int_equal(view.first_symbol[1], 100);
}

static void test_limits_are_refused(void **state)
{
    (void)state;
    struct region_shape good = region_file_shape(), bad;
    assert_true(region_bytes(&good) > 0);
#define REFUSED(field, value) \
    bad = good;               \
    bad.field = (value);      \
    assert_int_equal(region_bytes(&bad), 0)
    REFUSED(lanes, LANES_MAX + 1);
    REFUSED(channels, CHANNELS_MAX + 1);
    REFUSED(channels, UINT32_MAX);
    REFUSED(ports, PORTS_MAX + 1);
    REFUSED(pools, POOLS_MAX + 1);
    REFUSED(bill_items, BILL_LINES_MAX + 1);
    REFUSED(accounts, ACCOUNTS_MAX + 1);
    REFUSED(instruments, INSTRUMENTS_MAX + 1);
    REFUSED(order_sessions, SESSIONS_MAX * LANES_MAX + 1);
    REFUSED(strategies, STRATEGIES_MAX * LANES_MAX + 1);
    REFUSED(clients, CLIENTS_MAX + 1);
    REFUSED(signals, SIGNALS_MAX + 1);
    REFUSED(positions, POSITIONS_MAX * 2);
    REFUSED(positions, 63);
    REFUSED(trading_slots, 0);
    REFUSED(trading_slots, 65);
    REFUSED(trading_slots, EVENT_RING_MAX * 2u);
    REFUSED(diagnostic_slots, EVENT_RING_MIN / 2);
    REFUSED(symbols[1], SYMBOLS_MAX + 1);
#undef REFUSED
    // The largest region there can be: nothing wraps.
    struct region_shape most = {.lanes = LANES_MAX,
                                .channels = CHANNELS_MAX,
                                .ports = PORTS_MAX,
                                .pools = POOLS_MAX,
                                .bill_items = BILL_LINES_MAX,
                                .accounts = ACCOUNTS_MAX,
                                .instruments = INSTRUMENTS_MAX,
                                .order_sessions = SESSIONS_MAX * LANES_MAX,
                                .strategies = STRATEGIES_MAX * LANES_MAX,
                                .clients = CLIENTS_MAX,
                                .positions = POSITIONS_MAX,
                                .trading_slots = EVENT_RING_MAX,
                                .diagnostic_slots = EVENT_RING_MAX};
    for (uint32_t i = 0; i < CHANNELS_MAX; i++)
        most.symbols[i] = SYMBOLS_MAX;
    uint64_t bytes = region_bytes(&most);
    assert_true(bytes > 17ull * 2 * EVENT_RING_MAX * EVENT_LEN);
    assert_true(bytes < 1ull << 40);
}

static void test_version_is_stored_last(void **state)
{
    (void)state;
    struct region_shape shape = region_file_shape();
    struct region_identity identity = region_file_identity();
    struct region_view view;
    uint64_t length = region_bytes(&shape);
    uint8_t *memory = aligned_alloc(4096, (length + 4095) / 4096 * 4096);
    memset(memory, 0xa5, length);
    assert_false(region_format(memory, length - 1, &shape, &identity, &view));
    assert_int_equal(memory[0], 0xa5);
    assert_true(region_format(memory, length, &shape, &identity, &view));
    const struct region_header *header = region_header(&view);
    assert_int_equal(header->version, 0);
    assert_int_equal(header->magic, REGION_MAGIC);
    assert_memory_equal(memory, "tickgate", 8);
    assert_int_equal(header->length, length);
    assert_int_equal(region_lane_counters(&view, 1)->frames, 0);
    assert_int_equal(region_channel_info(&view, 1)->first_symbol, 100);
    assert_int_equal(region_channel_info(&view, 1)->symbols, 50);
    region_publish(&view);
    assert_int_equal(header->version, REGION_VERSION);
    region_beat(&view, 77);
    region_state_set(&view, REGION_READY);
    assert_int_equal(header->heartbeat_tsc, 77);
    assert_int_equal(header->state, REGION_READY);
    free(memory);
}

static void test_accessors_reach_the_last_byte(void **state)
{
    (void)state;
    struct region_shape shape = region_file_shape();
    struct region_view view;
    assert_true(region_layout(&shape, &view));
    view.base = (uint8_t *)(uintptr_t)0x100000;
    uintptr_t end = (uintptr_t)view.base + view.parts[PART_EVENTS].offset +
                    view.parts[PART_EVENTS].count * sizeof(struct event);
    struct event *last = region_ring_events(&view, 2, EVENT_RING_DIAGNOSTIC) +
                         region_ring_slots(&view, EVENT_RING_DIAGNOSTIC);
    assert_int_equal((uintptr_t)last, end);
    assert_ptr_equal(region_ring_events(&view, 1, EVENT_RING_TRADING), region_event(&view, 128));
    assert_ptr_equal(region_ring_events(&view, 1, EVENT_RING_DIAGNOSTIC), region_event(&view, 192));
    assert_ptr_equal(region_tops(&view, 1), region_symbol_top(&view, 100));
    assert_ptr_equal(region_names(&view, 1) + 49, region_symbol_name(&view, 149));
}

static void test_hash_is_there(void **state)
{
    (void)state;
    uint64_t hash[2];
    region_abi_hash(hash);
    assert_true(hash[0] != 0 && hash[1] != 0 && hash[0] != hash[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_follow_each_other),
        cmocka_unit_test(test_limits_are_refused),
        cmocka_unit_test(test_version_is_stored_last),
        cmocka_unit_test(test_accessors_reach_the_last_byte),
        cmocka_unit_test(test_hash_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
