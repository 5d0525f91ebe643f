#!/usr/bin/env python3
# beside others
"""The demo's last word on market data: every book and every message as the day without losses has them, or it is not good."""

import contextlib
import copy
import io
import json
import pathlib
import sys
import tempfile
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench/demo"))
import market  # noqa: E402

ROW = {"symbol": "ONE", "bid_price": "9.9900", "bid_shares": "300", "bid_orders": "2", "ask_price": "", "ask_shares": "", "ask_orders": ""}
SYMBOL = {"symbol": "ONE", "bid_price": "9.9900", "bid_shares": 300, "bid_orders": 2, "ask_price": None, "ask_shares": 0,
          "ask_orders": 0, "changes": 5, "spread": None}
EMPTY = dict(SYMBOL, symbol="TWO", bid_price=None, bid_shares=0, bid_orders=0, changes=0)
LINE = {"line": "A", "group": "233.54.12.111", "lost_messages": 2, "used": 8, "duplicate": 1}
FEED = {"messages": 10, "packets": 9, "lines": [LINE], "gaps": 1, "recovered_messages": 2, "lost_messages": 0, "quality": "good"}
LANE = {"frame_to_book": {"samples": 0}}


class Lane:
    """What the control plane answers of a day with one book, and an empty one."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        (self.dir / "exchange.json").write_text(json.dumps({"channels": [{"lines": [{"name": "A", "lost": 2}]}]}))
        self.feed, self.symbols = copy.deepcopy(FEED), [dict(SYMBOL), dict(EMPTY)]

    def ask(self, _, what, *__):
        return {"feeds": {"feeds": [self.feed]}, "lanes": {"lanes": [LANE]}, "symbols": {"symbols": self.symbols}}.get(what)


def verdict(change, **reference):
    day = types.SimpleNamespace(**{"rows": [ROW], "totals": "messages=10", "messages": 10, "missing": 0, "quality": "good", **reference})
    with tempfile.TemporaryDirectory() as folder:
        lane, said = Lane(folder), io.StringIO()
        change(lane)
        with contextlib.redirect_stdout(said):
            good = market.summary(lane, day, [])
        return good, next(line for line in said.getvalue().splitlines() if line.startswith("compared")), market.complete(lane, day)


def main():
    def nothing(lane):
        del lane

    good, said, complete = verdict(nothing)
    assert good and complete and said.endswith("all equal"), said
    # A book that differs, in each of its fields, one that is not there, and one that should not be.
    for field in market.FIELDS:
        good, said, _ = verdict(lambda lane, key=field: lane.symbols[0].update({key: 7}))
        assert not good and said.endswith("1 differ: ONE"), (field, said)
    good, said, _ = verdict(lambda lane: lane.symbols.pop(0))
    assert not good and said.endswith("1 differ: ONE"), said
    good, said, _ = verdict(lambda lane: lane.symbols[1].update(ask_price="1.0000", ask_shares=1))
    assert not good and said.endswith("1 differ: TWO"), said
    # The feed: all messages, none given up, and the quality that follows.
    for change in ({"messages": 9}, {"messages": 11}, {"lost_messages": 1}, {"quality": "suspect"}):
        good, said, _ = verdict(lambda lane, c=change: lane.feed.update(c))
        assert not good and said.endswith("all equal"), (change, said)
    # A capture that begins with messages missing is as good as it can be, and waits until they are given up.
    assert verdict(lambda lane: lane.feed.update(lost_messages=3, quality="suspect"), missing=3, quality="suspect")[::2] == (True, True)
    assert verdict(lambda lane: lane.feed.update(quality="suspect"), missing=3, quality="suspect")[::2] == (False, False)
    print("books and feeds that are as they should be and others are told apart")
    return 0


if __name__ == "__main__":
    sys.exit(main())
