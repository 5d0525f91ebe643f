#!/usr/bin/env python3
"""Limits of a file by real programs: what `config apply` puts into force holds the next order on the wire, and what `config
rollback` takes back holds none any more.

Two sessions over memif, two clients of the gateway with accounts of their own. The file changes the quantity of one account,
the position per account and symbol, and the venues of a client and of a strategy; the other account trades on all the while. A
file that is not good, or takes a restart, changes nothing.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from gateway_desk import ASK, BID, Desk, configure, need_library, refused, start  # noqa: E402
from system import BUILD, System, need_programs, run, wait_for  # noqa: E402
from trading import Exchange, Ledger, flat  # noqa: E402

SYMBOLS = ("AAAA", "BBBB")
FAR = BID - 10000  # rests
STRATEGY, ALPHA, BETA = 0, 1, 2  # strategies first, clients behind them
BEFORE = {"main": "quantity: 500, position: 1000", "alpha": "venues: [nas, two]", "quotes": "venues: [nas, two]"}


def write(s, **changes):
    """The configuration, with other limits of an account, a client or a strategy."""
    limits = {**BEFORE, **changes}
    return configure(
        s, [f"names: [{', '.join(SYMBOLS)}], limits: {{}}"],
        [f"name: main, limits: {{{limits['main']}}}", "name: house, limits: {}"],
        [("alpha", "main", limits["alpha"]), ("beta", "house", "")],
        more=f"""strategies:
  - {{name: quotes, lane: lane0, file: {BUILD}/strategies/maker.so, account: house, symbols: [BBBB],
     parameters: [100, 300, 1000], budget_us: 1000000, limits: {{{limits['quotes']}}}}}
""")


class People:
    def __init__(self, s):
        self.s = s

    def config(self, what, *words):
        answer = self.s.ask("config", what, *words, "--reason", "a test", "--yes")
        assert answer, f"config {what} was refused: {self.s.log('controlplane')[-400:]}"
        return answer

    def apply(self, **changes):
        path = write(self.s, **changes)
        rows = self.s.ask("config", "diff")["rows"]
        answer = self.config("apply")
        assert len(rows) == len(changes) and all(row["takes"] == "live" for row in rows), rows
        assert self.s.ask("config", "diff")["rows"] == [], path
        return answer

    def rollback(self):
        return self.config("rollback")


def quantity(people, alpha, beta, ledger):
    """Of one account: the other one is not touched, a larger order that is open stays."""
    large = alpha.rests("AAAA", "B", 500, FAR)
    assert alpha.enter("AAAA", "B", 501, FAR) == "QUANTITY"
    assert refused(ledger, ALPHA, alpha.numbers) == ("QUANTITY", 501, 500)
    people.apply(main="quantity: 99, position: 1000")
    assert alpha.enter("AAAA", "B", 100, FAR) == "QUANTITY"
    assert refused(ledger, ALPHA, alpha.numbers) == ("QUANTITY", 100, 99)
    alpha.away(alpha.rests("AAAA", "B", 99, FAR))
    beta.away(beta.rests("AAAA", "B", 100, FAR))
    alpha.away(large)  # cancels pass
    people.rollback()
    alpha.away(alpha.rests("AAAA", "B", 500, FAR))


def position(people, alpha, ledger):
    """Per account and symbol, with what is held: 200 shares bought."""
    assert alpha.enter("AAAA", "B", 200, ASK) == "" and alpha.dead() == 200
    assert alpha.enter("AAAA", "B", 400, FAR) == "" and alpha.live() == "live"
    rests = alpha.numbers
    people.apply(main="quantity: 500, position: 300")
    assert alpha.enter("AAAA", "B", 1, FAR) == "POSITION"
    assert refused(ledger, ALPHA, alpha.numbers) == ("POSITION", 601, 300)
    alpha.away(rests)
    assert alpha.enter("AAAA", "B", 101, FAR) == "POSITION"
    assert refused(ledger, ALPHA, alpha.numbers) == ("POSITION", 301, 300)
    at_it = alpha.rests("AAAA", "B", 100, FAR)
    other = alpha.rests("BBBB", "B", 300, FAR)  # each symbol has its own
    assert alpha.enter("BBBB", "B", 1, FAR) == "POSITION"
    people.rollback()
    alpha.away(at_it, other, alpha.rests("AAAA", "B", 500, FAR))
    assert alpha.enter("AAAA", "S", 200, BID) == "" and alpha.dead() == 200


def venues(people, s, alpha, beta, ledger):
    """Of a client, whose orders on the other session stay, and of a strategy, whose quotes go away with their next change."""
    rests = alpha.rests("AAAA", "B", 100, FAR, venue="two")

    def quotes(refusal, version=0):
        return [d for d in ledger.collect().of("DECISION")
                if d["strategy"] == STRATEGY and d["refusal"] == refusal and d["limits_version"] >= version]

    def nudge():
        """Another best price of its symbol, and the one before again: it quotes on the first session."""
        beta.away(beta.rests("BBBB", "B", 100, BID + 100))

    nudge()
    wait_for("quotes", lambda: quotes("NONE"), s.alive)
    people.apply(alpha="venues: [nas]", quotes="venues: [two]")
    assert alpha.enter("AAAA", "B", 100, FAR, venue="two") == "VENUES"
    assert refused(ledger, ALPHA, alpha.numbers)[0] == "VENUES"
    version = max(d["limits_version"] for d in ledger.of("DECISION"))
    alpha.away(alpha.rests("AAAA", "B", 100, FAR), rests)
    beta.away(beta.rests("AAAA", "B", 100, FAR, venue="two"))
    nudge()
    wait_for("a quote that is refused", lambda: quotes("VENUES", version), s.alive)
    assert not quotes("NONE", version), quotes("NONE", version)[:2]
    people.rollback()
    alpha.away(alpha.rests("AAAA", "B", 100, FAR, venue="two"))
    nudge()
    wait_for("quotes again", lambda: quotes("NONE", version), s.alive)


def versions(ledger):
    """Every decision names its table, and no table takes over while another still judges."""
    numbers = [d["limits_version"] for d in ledger.collect().of("DECISION")]
    assert numbers == sorted(numbers) and len(set(numbers)) >= 6, sorted(set(numbers))


def not_good(s, alpha):
    """What cannot be, or takes a restart, is said by its place, and what was in force stays."""
    cases = {"quantity: 9o": "accounts[0].limits.quantity: '9o' is not good here",
             "quantity: 4294967296": "accounts[0].limits.quantity",
             "quantity: -1": "accounts[0].limits.quantity",
             "quantity: 1, venues: [nas]": "accounts[0].limits.venues: it belongs to strategies and clients, not to accounts",
             "quantity: 1, self_trade: newest": "accounts[main].limits.self_trade (dataplane)"}
    for limits, said in cases.items():
        write(s, main=limits)
        assert s.ask("config", "apply", "--reason", "a test", "--yes") is None, limits
        told = run_cli(s, "config", "apply", "--reason", "a test", "--yes")
        assert said in told and "nothing was changed" in told, f"{limits}: {told}"
    write(s)
    assert s.ask("config", "diff")["rows"] == []
    alpha.away(alpha.rests("AAAA", "B", 500, FAR))


def run_cli(s, *words):
    done = run(str(BUILD / "tickgate"), *words, "--socket", str(s.socket))
    return done.stdout + done.stderr


def main():
    need_programs()
    need_library()
    with System("configlimits") as s:
        write(s)
        start(s, SYMBOLS)
        people, ledger = People(s), Ledger(s)
        alpha, beta = Desk(s, "alpha"), Desk(s, "beta")
        quantity(people, alpha, beta, ledger)
        position(people, alpha, ledger)
        venues(people, s, alpha, beta, ledger)
        not_good(s, alpha)
        versions(ledger)
        alpha.detach()
        beta.detach()
        assert s.end("dataplane") == 0, "an unclean end"
        ledger.collect()
        flat(s)
        assert s.end("exchange") == 0
        log = s.dir / "orders.jsonl"
        sent = len(ledger.sent)
        assert sent == len(Exchange(log, "alice").requests) + len(Exchange(log, "bob").requests), "an order without a decision"
        print(f"{sent} orders, {sum(ledger.refusals.values())} refused: {dict(ledger.refusals)}")


if __name__ == "__main__":
    main()
