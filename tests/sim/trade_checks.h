// What holds of a world of trade_world.h: always, and when it has come to rest. cmocka.h is
// included before this header.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// After every step. Every order that is open at an exchange holds here at least as many shares, and
// as much notional, as the exchange may still execute of it.
void exposure_covers_the_exchanges(void);
// Now and then: the same, and what is reserved in every scope is the sum over its orders.
void check(void);

// The market stands still until nothing is on its way; the lines then show the books of the
// exchanges.
void settle(void);
// The numbers that are compared with the logs of the exchanges, both ways:
// - requests: kind, venue, number, shares, price, symbol and side of each that an exchange has
//   read; <all_arrived>: of each that was sent;
// - trades: match number, order, shares, price, symbol and side of each execution and each break;
// - positions: shares and money (sold less bought) by symbol, and by account from the events, with
//   the cost, realised and unrealised profit that the control plane reads;
// - open orders: none, and no frame that nobody approved.
void everything_is_equal(bool all_arrived);
// Of the venue with an account query, or of both.
uint32_t orders_in_doubt(bool both);
// Somebody asks the exchanges about what is still in doubt: they have none of it, and nothing is
// reserved for anybody any more. Returns how many orders there were.
uint64_t doubts_end(void);
// Messages that nobody can read any more, as their session is over.
int64_t lost_messages(void);
