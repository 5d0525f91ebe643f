#!/usr/bin/env python3
"""Self-trade prevention across two sessions with an exchange that does not prevent it: no order of ours ever meets another.

An account for each word of `self_trade`, and one that leaves it to the firm. Each rests a buy on one session, and sells at its
price on the same and on the other one: what leaves, what becomes smaller, what is refused, and what the exchange has then.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from gateway_desk import BID, Desk, configure, need_library, refused, start  # noqa: E402
from system import System, need_programs  # noqa: E402
from trading import Ledger, flat  # noqa: E402

PRICE = BID + 100  # between the best prices: only our own orders meet there
WORDS = ("newest", "oldest", "both", "decrement")


class Account:
    def __init__(self, s, ledger, number, name):
        self.desk, self.ledger, self.number = Desk(s, name), ledger, number

    def buy(self, shares=300, venue="nas"):
        return self.desk.rests("AAAA", "B", shares, PRICE, venue=venue)

    def sell(self, shares, venue, price=PRICE):
        refusal = self.desk.enter("AAAA", "S", shares, price, venue=venue)
        if refusal:
            record = refused(self.ledger, self.number, self.desk.numbers)
            assert record == ("SELF_TRADE", PRICE, PRICE), record
            return None
        assert self.desk.live() == "live"
        return self.desk.numbers

    def open(self, number, shares):
        """The exchange has said that so many shares of it are open."""
        self.desk.report(number, lambda a: a.open == shares)

    def gone(self, number):
        assert self.desk.dead(number) == 0, "something has executed"


def newest(a):
    rests = a.buy()
    for venue in ("nas", "two"):
        assert a.sell(100, venue) is None
        a.desk.away(a.sell(100, venue, PRICE + 100))  # just beside
    a.open(rests, 300)
    a.desk.away(rests)


def on_the_other_session(a, shares):
    rests = a.buy()
    assert a.sell(shares, "two") is None, "it could overtake the cancel on the other session"
    a.gone(rests)
    a.desk.away(a.sell(shares, "two"))


def oldest(a):
    rests = a.buy()
    sells = a.sell(100, "nas")
    a.gone(rests)
    a.open(sells, 100)
    a.desk.away(sells)
    on_the_other_session(a, 100)


def both(a):
    for venue in ("nas", "two"):
        rests = a.buy()
        assert a.sell(100, venue) is None
        a.gone(rests)
        a.desk.away(a.sell(100, venue))


def decrement(a):
    for venue in ("nas", "two"):
        rests = a.buy()
        assert a.sell(100, venue) is None, "nothing is left of it"
        a.open(rests, 200)
        a.desk.away(rests)
    rests = a.buy()
    sells = a.sell(500, "nas")
    a.gone(rests)
    a.open(sells, 200)
    a.desk.away(sells)
    on_the_other_session(a, 500)


def firm(a, other):
    """What the firm says holds between accounts, and for one that says nothing itself."""
    rests = a.buy()
    for seller in (a, other):
        for venue in ("nas", "two"):
            assert seller.sell(100, venue) is None
    a.open(rests, 300)
    a.desk.away(rests)
    other.desk.away(other.sell(100, "two"))


def main():
    need_programs()
    need_library()
    with System("selftrade") as s:
        names = (*WORDS, "plain")
        configure(s, ["names: [AAAA], limits: {}"],
                  [f"name: {word}, limits: {{self_trade: {word}}}" for word in WORDS] +
                  ["name: plain, limits: {}", "name: house, limits: {}"],
                  [(name, name, "") for name in names], trading="limits: {self_trade: newest}")
        start(s, ("AAAA",))
        ledger = Ledger(s)
        accounts = {name: Account(s, ledger, i, name) for i, name in enumerate(names)}
        newest(accounts["newest"])
        oldest(accounts["oldest"])
        both(accounts["both"])
        decrement(accounts["decrement"])
        firm(accounts["plain"], accounts["both"])
        told = {(e["policy"], e["shares"]) for e in ledger.collect().of("SELF_TRADE")}
        assert {policy for policy, _ in told} == {2, 3, 4} and (4, 100) in told, told
        for account in accounts.values():
            account.desk.detach()
        assert s.end("dataplane") == 0, "an unclean end"
        flat(s)
        assert s.end("exchange") == 0
        log = [json.loads(line) for line in (s.dir / "orders.jsonl").read_text().splitlines()]
        assert not [r for r in log if r["event"] == "executed"], "an order of ours has traded"
        entered = [r for r in log if r["event"] == "accepted"]
        print(f"{len(entered)} orders, {ledger.refusals['SELF_TRADE']} refused, {len(told)} ways of making way")


if __name__ == "__main__":
    main()
