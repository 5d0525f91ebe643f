// Positions, what they have brought, and what they are worth at the present prices.
#include <string.h>

#include "controlplane/control/view.h"

static void set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

// What a share is worth now, price4: the middle of the best prices, else the last trade; 0: not
// known. By the copy of the symbols.
static uint32_t mark_of(const struct control *control, const struct board_position *p)
{
    uint64_t count;
    const struct symbol_row *row = symbol_table_find(
        &control->symbols, control->board->instruments[p->instrument].symbol, &count);
    for (uint64_t i = 0; i < count; i++)
        if (!row[i].torn && row[i].top.shares[0] && row[i].top.shares[1])
            return (uint32_t)(((uint64_t)row[i].top.price[0] + row[i].top.price[1]) / 2);
    for (uint64_t i = 0; i < count; i++)
        if (!row[i].torn && row[i].top.last_shares)
            return row[i].top.last_price;
    return 0;
}

static void profit_add(struct profit *to, const struct board_position *p, uint32_t mark)
{
    const struct position_cell *c = &p->sum;
    const int64_t shares = position_cell_shares(c);
    const __int128 cash = (__int128)c->sold_value - (__int128)c->bought_value;
    if (p->torn) {
        to->busy++;
        return;
    }
    to->cash += cash;
    to->realised += cash + c->cost;
    to->unrealised += mark || shares == 0 ? (__int128)shares * mark - c->cost : 0;
    to->shares += shares < 0 ? -(uint64_t)shares : (uint64_t)shares;
    to->unpriced += shares != 0 && mark == 0;
}

void profit_take(const struct control *control, struct profit *accounts, struct profit *firm)
{
    const struct board *b = control->board;
    memset(accounts, 0, ACCOUNTS_MAX * sizeof *accounts);
    memset(firm, 0, sizeof *firm);
    for (uint32_t i = 0; i < b->position_count; i++) {
        const uint32_t mark = mark_of(control, &b->positions[i]);
        profit_add(&accounts[b->positions[i].account], &b->positions[i], mark);
        profit_add(firm, &b->positions[i], mark);
    }
}

static json_t *money(__int128 price4)
{
    return view_price(price4 > INT64_MAX    ? INT64_MAX
                      : price4 < -INT64_MAX ? -INT64_MAX
                                            : (int64_t)price4);
}

static void set_profit(json_t *row, const struct profit *p)
{
    set(row, "cash", money(p->cash));
    set(row, "realised", money(p->realised));
    set(row, "unrealised", money(p->unrealised));
    set(row, "profit", money(p->realised + p->unrealised));
}

static json_t *lanes_view(const struct control *control, const struct board_position *p)
{
    json_t *list = json_array();
    for (uint32_t lane = 0; lane < control->board->shape.lanes; lane++)
        if (p->shares[lane])
            json_array_append_new(list,
                                  json_pack("{s:s,s:I}", "lane", control->snapshot.lanes[lane].name,
                                            "shares", (json_int_t)p->shares[lane]));
    return list;
}

static json_t *position_row(const struct control *control, const struct board_position *p)
{
    const struct board *b = control->board;
    const struct position_cell *c = &p->sum;
    const int64_t shares = position_cell_shares(c);
    const uint32_t mark = mark_of(control, p);
    struct profit profit = {0};
    json_t *row = json_object();
    set(row, "account", json_string(b->accounts[p->account].name));
    set(row, "symbol", json_string(b->instruments[p->instrument].symbol));
    set(row, "state", json_string(p->torn ? "busy" : "ok"));
    if (p->torn)
        return row;
    profit_add(&profit, p, mark);
    set(row, "shares", json_integer(shares));
    set(row, "lanes", lanes_view(control, p));
    set(row, "open_buy", view_count(c->open_buy));
    set(row, "open_sell", view_count(c->open_sell));
    set(row, "bought", view_count(c->bought));
    set(row, "sold", view_count(c->sold));
    // Lanes that hold the symbol on different sides have no common price.
    set(row, "average",
        shares != 0 && (c->cost < 0) == (shares < 0) ? money((__int128)c->cost / shares)
                                                     : json_null());
    set(row, "mark", mark ? view_price(mark) : json_null());
    set_profit(row, &profit);
    if (profit.unpriced) {
        set(row, "unrealised", json_null());
        set(row, "profit", json_null());
    }
    return row;
}

static json_t *total_view(const struct profit *p)
{
    json_t *view = json_object();
    set(view, "shares", view_count(p->shares));
    set_profit(view, p);
    set(view, "unpriced", view_count(p->unpriced));
    set(view, "busy", view_count(p->busy));
    return view;
}

static json_t *accounts_view(const struct control *control, const struct profit *profits, int only)
{
    const struct board *b = control->board;
    json_t *list = json_array();
    for (uint32_t i = 0; i < b->shape.accounts; i++) {
        if (only >= 0 && i != (uint32_t)only)
            continue;
        json_t *row = total_view(&profits[i]);
        set(row, "account", json_string(b->accounts[i].name));
        set(row, "trading", trading_word(b, (1ull << b->shape.lanes) - 1, TRADE_ACCOUNT, i));
        set(row, "open_orders", view_count(b->account_counters[i].open_orders));
        set(row, "open_notional", view_notional(b->account_counters[i].open_notional));
        json_array_append_new(list, row);
    }
    return list;
}

// Sums are those of all positions, whatever is chosen.
void method_positions(struct control *control, struct job *job)
{
    int account, symbol;
    struct board *b = control->board;
    struct profit accounts[ACCOUNTS_MAX], firm;
    if (!job_board(control, job) || !job_named(control, job, "account", board_account, &account) ||
        !job_named(control, job, "symbol", board_symbol, &symbol))
        return;
    if (!board_take_positions(b, &control->contact) ||
        !symbol_table_copy(&control->symbols, &control->contact)) {
        job_fail(job, RPC_ERROR_INTERNAL, "no memory for a copy of the positions");
        return;
    }
    profit_take(control, accounts, &firm);
    json_t *list = json_array();
    for (uint32_t i = 0; i < b->position_count; i++) {
        const struct board_position *p = &b->positions[i];
        if ((account < 0 || p->account == account) && (symbol < 0 || p->instrument == symbol))
            json_array_append_new(list, position_row(control, p));
    }
    job->result = json_pack("{s:o,s:o,s:o}", "positions", list, "accounts",
                            accounts_view(control, accounts, account), "firm", total_view(&firm));
}
