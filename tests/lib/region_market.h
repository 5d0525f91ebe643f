// A small market in a region_file: names, prices and counters that tests of the control plane
// expect.
#pragma once

#include "tests/lib/region_file.h"

static inline void region_market_symbol(struct region_file *file, uint32_t channel, uint32_t slot,
                                        uint16_t locate, const char *name, uint32_t bid,
                                        uint32_t ask, uint64_t volume, uint32_t changes)
{
    struct symbol_top *top = region_tops(&file->view, channel) + slot;
    symbol_top_begin(top);
    top->locate = locate;
    top->trading_state = 'T';
    top->price[0] = bid;
    top->shares[0] = bid ? 100 : 0;
    top->price[1] = ask;
    top->shares[1] = ask ? 200 : 0;
    top->volume = volume;
    top->changes = changes;
    symbol_top_end(top);
    symbol_name_publish(region_names(&file->view, channel) + slot, locate, name);
}

// Channel "itch" on lane0 with AAPL (10), MSFT (20), ZVZZT (30); channel "deep" on lane1 with AAPL
// (7).
static inline void region_market_fill(struct region_file *file)
{
    const struct region_view *view = &file->view;
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(region_lane_info(view, i)->name, NAME_LEN, "lane%u", i);
        snprintf(region_channel_info(view, i)->name, NAME_LEN, i ? "deep" : "itch");
        region_channel_info(view, i)->lane = (uint8_t)i;
        region_channel_info(view, i)->lines = 1;
        snprintf(region_line_info(view, i * CHANNEL_LINES)->name, NAME_LEN, "A");
    }
    snprintf(region_port_info(view, 0)->name, NAME_LEN, "md0");
    snprintf(region_bill_item(view, 0)->name, 48, "books");
    region_bill_item(view, 0)->bytes = 1000;
    region_market_symbol(file, 0, 0, 10, "AAPL", 1000000, 1000100, 5000, 70);
    region_market_symbol(file, 0, 1, 20, "MSFT", 4012345, 4013345, 9000, 20);
    region_market_symbol(file, 0, 2, 30, "ZVZZT", 0, 120000, 0, 1);
    region_market_symbol(file, 1, 0, 7, "AAPL", 1000000, 999900, 100, 90);
    region_channel_counters(view, 0)->messages = 60000;
    region_channel_counters(view, 1)->quality = QUALITY_SUSPECT;
}
