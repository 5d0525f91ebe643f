#!/usr/bin/env python3
"""A durable session with the real journal: every order that leaves has its record on disk before, by what the journal itself
says. The control plane is stopped under it: orders that wait are given up, no other is taken, and both go on when it does; it
is killed, and the next one goes on. The exchange's account of the day and ours are the same, and the whole day replays byte for
byte: commits are inputs of the lane."""

import json
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, System, need_programs, wait_for  # noqa: E402
from trading import Exchange, Ledger, configure_memif, flat, reconcile, sections, start_memif_trade  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 2000 --messages 300000 --rate 4000 --end-s 1 --linger-s 60".split()
SESSION = "durability: durable\n    park_orders: 16\n    park_us: 500000"


def tickgate(*words):
    done = subprocess.run([str(BUILD / "tickgate"), *map(str, words)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words}: {done.stdout[-500:]}{done.stderr}"
    return done.stdout


def refusals(s):
    trading = s.ask("show", "trading")
    return trading["refusals"] if trading else {}


def stopped(s, ledger):
    """Until both has happened: an order was given up, and one was not taken."""
    seen = {}

    def refused():
        s.processes["controlplane"].send_signal(signal.SIGSTOP)
        time.sleep(1)  # twice as long as an order waits
        s.processes["controlplane"].send_signal(signal.SIGCONT)
        seen.update(refusals(s))
        return seen.get("PARK_LATE", 0) > 0 and seen.get("NOT_DURABLE", 0) > 0

    wait_for("orders that are given up and refused", refused, s.alive, lambda: f"; {seen}")
    sent = len(ledger.collect().sent)
    wait_for("orders after the pause", lambda: len(ledger.collect().sent) > sent + 5, s.alive)
    return seen


def killed(s, ledger):
    sent = len(ledger.collect().sent)
    s.end("controlplane", signal.SIGKILL)
    s.start_controlplane()
    s.wait_ready()
    wait_for("orders with the next control plane", lambda: len(ledger.collect().sent) > sent + 5, s.alive)


def day(s):
    """Our account of it, from the journal."""
    ledger = Ledger(s)
    ledger.take([json.loads(line) for line in tickgate("journal", "dump", s.dir / "journal", "--json").splitlines()])
    return ledger


def recorded(s, ledger):
    """Every frame that was taken by the port: approved, durable, gated again, in this order."""

    def rows(kind):
        return [{**e["fields"], "number": e["sequence"]} for e in ledger.events if e["event"] == kind]

    decided = {r["number"]: r for r in rows("DECISION")}
    released = {r["decision"]: r for r in rows("ORDER_RELEASED")}
    sent = rows("ORDER_SENT")
    for row in sent:
        again = released[row["decision"]]
        assert decided[row["decision"]]["refusal"] == "NONE", row
        assert row["decision"] < again["number"] < row["number"] and again["parked"] > 0, (row, again)
    story = tickgate("explain", "order", f"#{sent[-1]['decision']}", s.dir / "journal")
    assert "in wait of the journal, gated again: approved" in story, story
    return len(sent), sorted(r["parked"] for r in released.values())[len(released) // 2]


def main():
    need_programs()
    with System("durable") as s:
        log = s.dir / "orders.jsonl"
        configure_memif(s, sections("10.0.0.1:26400", SYMBOLS, SESSION)
                        + f"capture: {{ring_size: 32MiB, directory: {s.dir}/capture, file_size: 8MiB}}\n", {"durability": "disk"})
        start_memif_trade(s, DAY, "alice,secret,firm=ALCE,protocol=5.0", "--order-log", log)
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        ledger = Ledger(s)
        wait_for("orders", lambda: len(ledger.collect().sent) >= 20, s.alive, lambda: f"; {refusals(s)} {s.ask('status')}")
        seen = stopped(s, ledger)
        killed(s, ledger)
        assert s.end("dataplane") == 0, "an unclean end"
        s.end("exchange")
        s.end("controlplane")
        flat(s)
        ledger = day(s)
        reconcile(ledger, Exchange(log), SYMBOLS, 0)
        count, ticks = recorded(s, ledger)
        replayed = tickgate("replay", s.dir / "journal", s.dir / "capture", "--config", s.dir / "config.yaml")
        assert "events are the same" in replayed, replayed
        print(f"{count} orders, half of them waited less than {ticks} ticks; {seen['PARK_LATE']} given up, "
              f"{seen['NOT_DURABLE']} not taken; {replayed.strip()}")


if __name__ == "__main__":
    main()
