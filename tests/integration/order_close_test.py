#!/usr/bin/env python3
"""OUCH 4.2 has no account query: orders that were lost with their connection stay unknown, and what they hold reserved, until
a person who has asked the exchange closes them.

The exchange cuts the connection again and again while it reads; what was half read never was. The test is the person: it
looks into the exchange's own log.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, System, need_programs, run, wait_for  # noqa: E402
from trading import Exchange, Ledger, configure_memif, flat, reconcile, sections, start_memif_trade  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 2000 --messages 1600000 --rate 8000 --end-s 2 --linger-s 30".split()
CLOSED = 3  # orders at least


class Person:
    def __init__(self, system, log):
        self.system, self.log = system, log

    def tickgate(self, *words):
        return run(str(BUILD / "tickgate"), *map(str, words), "--socket", str(self.system.socket))

    def orders(self):
        answer = self.system.ask("show", "orders")
        return answer["orders"] if answer else []

    def arrived(self):
        """References of the orders that the exchange has read."""
        whole = self.log.read_text().rpartition("\n")[0]  # it is being written
        records = map(json.loads, whole.splitlines())
        return {int(r["token"][:8], 16) for r in records if r["event"] == "request" and r["text"] in ("enter", "replace")}

    def lost(self):
        """In doubt here, never seen there: nothing will ever be said about them."""
        unknown = [o["ref"] for o in self.orders() if o["state"] == "unknown"]
        return sorted(set(unknown) - self.arrived())

    def close(self, ref):
        done = self.tickgate("order", "close", "nas", ref, "--reason", "they do not have it", "--yes", "--json")
        assert done.returncode == 0, done.stderr
        row = json.loads(done.stdout)["lanes"][0]
        assert row["in_force_from_event"], row
        wait_for(f"the end of order {ref}", lambda: ref not in [o["ref"] for o in self.orders()], self.system.alive)


def refused(person):
    """What is not in doubt, or not there, is not closed."""
    for words, code, why in ((("iex", 1), 1, "no session 'iex'"), (("nas", 99999999), 1, "no open order of this reference"),
                             (("nas", "x"), 2, "")):
        done = person.tickgate("order", "close", *words, "--reason", "r", "--yes")
        assert done.returncode == code and why in done.stderr, done
    done = person.tickgate("order", "close", "nas", "1", "--yes")
    assert done.returncode == 2 and "--reason is missing" in done.stderr, done


def live_refused(person):
    """An order that the exchange has said it has is cancelled, not closed. It may end meanwhile: then another one."""
    def asked():
        for o in person.orders():
            if o["state"] == "live" and not o["waits"]:
                done = person.tickgate("order", "close", "nas", o["ref"], "--reason", "r", "--yes")
                return done.returncode == 4 and "not in doubt: cancel it" in done.stderr
        return False

    wait_for("a refusal for an order that is live", asked, person.system.alive)


def main():
    need_programs()
    with System("close") as s:
        log = s.dir / "orders.jsonl"
        configure_memif(s, sections("10.0.0.1:26400", SYMBOLS, "protocol: ouch42"))
        start_memif_trade(s, DAY, "alice,secret,firm=ALCE,protocol=4.2", "--order-log", log,
                          "--misbehave", "cut-in-bytes=1500")
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        ledger, person, closed = Ledger(s), Person(s, log), []
        wait_for("orders", lambda: len(ledger.collect().sent) > 5, s.alive)
        refused(person)
        live_refused(person)
        # A strategy whose order is lost waits for its end: each that is closed lets it go on.
        while len(closed) < CLOSED:
            wait_for("an order that was lost", person.lost, s.alive, lambda: f"; {person.orders()}")
            for ref in person.lost():
                person.close(ref)
                closed.append(ref)
        before = len(ledger.collect().fills)
        wait_for("more fills", lambda: len(ledger.collect().fills) > before or person.lost(), s.alive)
        s.ask("halt", "--reason", "the end")
        s.ask("cancel", "--reason", "the end")
        wait_for("nothing open but what was lost", lambda: [o["ref"] for o in person.orders()] == person.lost(), s.alive,
                 lambda: f"; {person.orders()}")
        for ref in person.lost():
            person.close(ref)
            closed.append(ref)
        of_main = lambda: s.ask("show", "positions", "--account", "main")["accounts"][0]  # noqa: E731
        wait_for("nothing reserved", lambda: (of_main()["open_orders"], of_main()["open_notional"]) == (0, "0.0000"), s.alive,
                 of_main)
        assert s.end("dataplane") == 0, "an unclean end"
        assert s.end("exchange") == 0
        ledger.collect()
        flat(s)
        reconcile(ledger, Exchange(log), SYMBOLS, len(closed) + 100)
        said = [f for f in ledger.of("GOVERNED") if f["reason"] == "they do not have it"]
        assert len(said) == len(closed), said
        print(f"{len(closed)} orders closed, {len(ledger.sent)} sent, {len(ledger.fills)} fills")


if __name__ == "__main__":
    main()
