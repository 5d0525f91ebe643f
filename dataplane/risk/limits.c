// Set-up of the rows of the table of limits.
#include "dataplane/risk/limits.h"

static void line_open(struct limit_row *row)
{
    *row = (struct limit_row){
        .quantity = UINT32_MAX,
        .auction_quantity = UINT32_MAX,
        .open_orders = UINT32_MAX,
        .notional = LIMIT_NOTIONAL_MAX,
        .open_notional = LIMIT_NOTIONAL_MAX,
        .position = LIMIT_POSITION_MAX,
        .price_high = UINT32_MAX,
        .band_high = UINT32_MAX,
        .state = TRADING_ACTIVE,
        .quality = QUALITY_GOOD,
    };
}

void limit_row_open(struct limit_row *row)
{
    line_open(row);
    row->owner = (struct limit_owner){
        .gross = LIMIT_NOTIONAL_MAX,
        .day_value = LIMIT_NOTIONAL_MAX,
        .credit = LIMIT_NOTIONAL_MAX,
        .loss = LIMIT_NOTIONAL_MAX,
        .drawdown = LIMIT_NOTIONAL_MAX,
        .day_orders = UINT32_MAX,
        .repeats = UINT32_MAX,
        .ratio = UINT16_MAX,
        .duplicates = UINT16_MAX,
        .instruments = UINT16_MAX,
    };
}

void limit_symbol_open(struct limit_row *row)
{
    line_open(row);
    row->symbol = (struct limit_symbol){
        .tick_magic = multiple_magic(1),
        .lot_magic = multiple_magic(1),
        .tick = 1,
        .lot = 1,
        .volume = UINT32_MAX,
        .spread = LIMIT_BAND16_OPEN,
        .period = LIMIT_BAND16_OPEN,
        .touch = LIMIT_BAND_OPEN,
        .last = LIMIT_BAND_OPEN,
        .locates = UINT32_MAX,
        .rule_201 = 1,
        .no_reference = NO_REFERENCE_REFUSES,
        .phases = UINT8_MAX,
    };
}

void limit_band_set(struct limit_row *row, uint32_t low, uint32_t high)
{
    row->symbol.band_low = low;
    row->band_high = high;
    row->price_low = low > row->price_low ? low : row->price_low;
    row->price_high = high < row->price_high ? high : row->price_high;
}
