#!/usr/bin/env python3
# beside others
"""The comparison by which the demo and the tests of trading say that both accounts of a day are the same finds each way in
which they may differ: an order with other terms, one that nobody decided, one twice, another fill, another position."""

import copy
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import trading  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
BUY, MORE, LESS = (1, "O", 100, 5000), (2, "U", 150, 5100), (2, "M", 120, 0)
TEXTS = {"O": "enter", "U": "replace", "M": "modify"}


def events():
    """An order is entered, replaced, made smaller, and executes in part."""
    rows = []
    for ref, kind, quantity, price in (BUY, MORE, LESS):
        decision = {"refusal": "NONE", "ref": ref, "kind": kind, "quantity": quantity, "price": price, "side": "B",
                    "instrument": 1}
        rows.append(("DECISION", decision))
        rows.append(("ORDER_SENT", {"ref": ref, "kind": kind, "decision": len(rows)}))
    rows.append(("ORDER", {"did": 4, "match": 9, "fill_shares": 50, "fill_price": 5100, "broken_shares": 0, "broken_price": 0,
                          "side": "B", "instrument": 1}))
    return [{"event": name, "lane": "lane0", "ring": "trading", "sequence": n, "number": n, "fields": fields}
            for n, (name, fields) in enumerate(rows, 1)]


def log():
    rows = [{"event": "request", "user_ref": ref, "text": TEXTS[kind], "quantity": quantity, "side": "B", "symbol": "TRBP"}
            | ({"price": price} if price else {}) for ref, kind, quantity, price in (BUY, MORE, LESS)]
    rows.append({"event": "executed", "match": 9, "quantity": 50, "price": 5100, "side": "B"})
    rows.append({"event": "balance", "symbol": "TRBP", "position": 50})
    return [row | {"member": "alice"} for row in rows]


def compare(ours, theirs):
    """What the comparison says; empty: all is the same."""
    ledger = trading.Ledger.__new__(trading.Ledger)
    ledger.after, ledger.sequence, ledger.events, ledger.before = 0, 0, [], []
    ledger.take(ours)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "orders.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in theirs))
        try:
            trading.reconcile(ledger, trading.Exchange(path), SYMBOLS)
        except AssertionError as difference:
            return str(difference)
    return ""


def changed(row, **fields):
    theirs = log()
    theirs[row] |= fields
    return events(), theirs


def main():
    assert compare(events(), log()) == "", compare(events(), log())
    twice = log()
    twice.insert(1, copy.deepcopy(twice[0]))
    cases = {
        "not as decided": [changed(0, quantity=101), changed(0, price=5001), changed(0, side="S"), changed(0, symbol="BUAH"),
                           changed(1, quantity=151), changed(1, price=5101), changed(2, quantity=121)],
        "without a decision": [changed(0, user_ref=7), changed(0, text="modify")],
        "arrived twice": [(events(), twice)],
        "never arrived": [(events(), log()[1:])],
        "fills here": [changed(3, quantity=49), changed(3, price=5000), changed(3, side="S"), (events(), log()[:3] + log()[4:])],
        "TRBP": [changed(4, position=49)],
        "own decision": [(events() + [{"event": "DECISION", "lane": "lane0", "ring": "trading", "sequence": 99, "number": 99,
                                       "fields": {"refusal": "NONE"}}], log())],
    }
    for words, differences in cases.items():
        for ours, theirs in differences:
            said = compare(ours, theirs)
            assert words in said, f"'{said}' instead of '{words}'"
    print(f"{sum(map(len, cases.values()))} differences are found")


if __name__ == "__main__":
    main()
