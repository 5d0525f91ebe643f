// A table of orders in memory of its own. cmocka.h is included before this header.
#pragma once

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/hints.h"
#include "dataplane/order/order.h"

static struct order_table table;
static void *table_memory;

static inline void table_make(const struct order_config *config)
{
    const uint64_t bytes = cache_lines(orders_bytes(config));
    table_memory = aligned_alloc(CACHE_LINE, bytes);
    assert_non_null(table_memory);
    memset(table_memory, 0, bytes);
    orders_init(&table, config, table_memory);
}

static inline int close_table(void **state)
{
    (void)state;
    free(table_memory);
    return 0;
}
