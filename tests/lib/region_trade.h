// What trades in a region_file, for tests of the control plane. Lane 0 trades with session "nsdq"
// and strategies "quotes" and "takes", lane 1 with session "iex"; accounts MM and ARB; symbols
// AAPL, MSFT and ZVZZT.
#pragma once

#include "tests/lib/region_file.h"

static inline struct region_shape region_trade_shape(void)
{
    struct region_shape shape = region_file_shape();
    shape.accounts = 2;
    shape.instruments = 3;
    shape.order_sessions = 2;
    shape.strategies = 2;
    shape.clients = 1;
    shape.positions = 16;
    return shape;
}

static inline void region_trade_position(const struct region_view *view, uint32_t lane,
                                         uint32_t place, uint32_t account, uint32_t instrument,
                                         int64_t shares)
{
    struct position_cell *cell =
        region_position_cell(view, (uint64_t)lane * view->shape.positions + place);
    position_cell_begin(cell);
    cell->key = (account << 16 | instrument) + 1;
    cell->bought = shares > 0 ? (uint64_t)shares : 0;
    cell->sold = shares < 0 ? (uint64_t)-shares : 0;
    cell->bought_value = cell->bought * 1000000; // at 100.0000
    cell->sold_value = cell->sold * 1000000;
    cell->cost = shares * 1000000;
    cell->open_buy = 300;
    position_cell_end(cell);
}

static inline void region_trade_fill(const struct region_view *view)
{
    static const char *const symbols[] = {"AAPL", "MSFT", "ZVZZT"};
    static const char *const strategies[] = {"quotes", "takes"};
    for (uint32_t i = 0; i < 2; i++) {
        struct order_session_info *session = region_order_session_info(view, i);
        struct strategy_info *strategy = region_strategy_info(view, i);
        snprintf(region_account_info(view, i)->name, NAME_LEN, i ? "ARB" : "MM");
        snprintf(session->name, NAME_LEN, i ? "iex" : "nsdq");
        snprintf(session->protocol, sizeof session->protocol, i ? "ouch42" : "ouch50");
        session->lane = (uint8_t)i;
        session->channel = (uint8_t)i;
        session->server = 0x0A000001;
        session->server_port = 9000;
        snprintf(strategy->name, NAME_LEN, "%s", strategies[i]);
        snprintf(strategy->kind, NAME_LEN, "maker");
        strategy->index = (uint8_t)i;
        strategy->account = (uint16_t)i;
        strategy->symbol_count = 1;
        strategy->symbols[0] = (uint16_t)i;
        strategy->budget_ns = 5000;
        snprintf(strategy->parameters[0], PARAMETER_LEN, "shares");
        snprintf(strategy->parameters[1], PARAMETER_LEN, "distance");
    }
    for (uint32_t i = 0; i < 3; i++)
        snprintf(region_instrument_info(view, i)->symbol, 12, "%s", symbols[i]);
    region_strategy_values(view, 0)->count = 2;
    region_strategy_values(view, 0)->value[0] = 100;
    region_strategy_values(view, 0)->value[1] = 250;
    region_order_session_counters(view, 0)->state = 5;
    region_order_session_counters(view, 0)->next_sequence = 77;
    region_order_session_counters(view, 0)->sent = 12;
    region_strategy_counters(view, 0)->calls = 10;
    region_strategy_counters(view, 0)->ticks = 20000;
    region_strategy_counters(view, 0)->ticks_max = 8000;
    region_strategy_counters(view, 1)->off = 3;
    region_strategy_counters(view, 1)->late = 1;
    *region_client_info(view, 0) = (struct client_info){.name = "desk",
                                                        .user = 1000,
                                                        .account = 1,
                                                        .open_orders = UINT32_MAX,
                                                        .rate_per_s = 500,
                                                        .requests_slots = 256,
                                                        .answers_slots = 1024,
                                                        .lane = 1,
                                                        .strategy = 3};
    *region_client_counters(view, 0) = (struct client_counters){.attached = 1,
                                                                .pid = 4711,
                                                                .attachments = 2,
                                                                .requests = 90,
                                                                .refused = 3,
                                                                .answers_unread = 17,
                                                                .open_orders = 5};
    region_connection_counters(view, 0)->retransmits = 6;
    region_connection_counters(view, 0)->round_trip_ns = 21000;
    region_account_counters(view, 0)->open_orders = 4;
    region_account_counters(view, 0)->open_notional = 12345678;
    region_trade_counters(view, 0)->approved = 40;
    region_trade_counters(view, 0)->refused = 2;
    region_trade_counters(view, 0)->open_orders = 1;
    region_refusal_counters(view, 0)->count[REFUSAL_POSITION] = 2;
    region_trade_position(view, 0, 3, 0, 0, 50);
    region_trade_position(view, 1, 9, 0, 0, -20);
    region_trade_position(view, 0, 4, 1, 1, -10);
}
