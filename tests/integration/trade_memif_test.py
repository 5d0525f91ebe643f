#!/usr/bin/env python3
"""The dataplane trades with the exchange over memif, our TCP against lwIP: both keep the same account of the day.

A maker and a taker enter, replace and cancel while a day runs. The second time the exchange cuts the connection again
and again, at any byte: every reconnect goes on where it was, nothing is lost and nothing counted twice. The last times it
does all at once that an exchange may do wrong without a message being lost for good, from TICKGATE_SEEDS seeds (3), the
first of them TICKGATE_SEED (1). The stop cancels what is open and logs out.
"""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import System, need_programs, wait_for  # noqa: E402
from trading import Exchange, Ledger, configure_memif, flat, reconcile, sections, start_memif_trade  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 2000 --messages 160000 --rate 8000 --end-s 2 --linger-s 30".split()
MEMBER = "alice,secret,firm=ALCE"
FAULTS = ("late=3%,5000", "duplicate=3%", "missing=3%", "reorder=3%", "reject=3%", "cancel=3%", "break=5%", "garbage=2%", "silent=5%")


def trade(name, faults, protocol, lost):
    with System(name) as s:
        log = s.dir / "orders.jsonl"
        session = f"protocol: ouch{protocol.replace('.', '')}" + ("\n    mass_cancel: true" if protocol == "5.0" else "")
        configure_memif(s, sections("10.0.0.1:26400", SYMBOLS, session))
        start_memif_trade(s, DAY, f"{MEMBER},protocol={protocol}", "--order-log", log, *faults)
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        ledger = Ledger(s)
        wait_for("orders and fills", lambda: len(ledger.collect().fills) >= 50, s.alive,
                 lambda: f"; {len(ledger.sent)} sent, {len(ledger.fills)} fills, {ledger.session_states}")
        wait_for("more of the day", lambda: ledger.collect() and s.counters()["messages"] >= 16000, s.alive)
        assert s.end("dataplane") == 0, "an unclean end"
        assert s.end("exchange") == 0  # at once: it gives up where nobody takes its packets
        ledger.collect()
        flat(s)
        exchange = Exchange(log)
        reconcile(ledger, exchange, SYMBOLS, lost)
        assert [r for r in exchange.of("canceled") if r["reason"] == "U"], "the stop has cancelled nothing"
        if not faults:  # a connection that was cut may have taken it along
            assert bool(exchange.of("mass_cancel")) == (protocol == "5.0"), "everything at once, where the exchange takes that"
        assert not any(r["event"] == "disconnect" and "reset" in r.get("text", "") for r in exchange.all[-3:])
        logins = len(exchange.of("login"))
        return f"{name}: {len(ledger.sent)} orders, {len(ledger.fills)} fills, {logins} logins"


def main():
    need_programs()
    print(trade("quiet", [], "5.0", 0))
    print(trade("older", [], "4.2", 0))
    cuts = ["--misbehave", "cut-bytes=2500", "--misbehave", "cut-in-bytes=4000"]
    print(trade("cuts", cuts, "5.0", 100))
    print(trade("resets", [*cuts, "--misbehave", "cut=reset"], "5.0", 100))
    first = int(os.environ.get("TICKGATE_SEED", 1))
    for seed in range(first, first + int(os.environ.get("TICKGATE_SEEDS", 3))):
        faults = [w for fault in (*FAULTS, f"seed={seed}") for w in ("--misbehave", fault)]
        print(trade(f"seed{seed}", [*cuts, *faults], "5.0", 100))


if __name__ == "__main__":
    main()
