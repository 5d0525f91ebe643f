#!/usr/bin/env python3
"""`tickgate show orders` of a control plane that was started while a dataplane trades: all open orders, also those that
began before it, and once more after it was killed. Without the journal it says how many it does not know.

Where the configuration says so, a control plane that dies takes the orders with it: they are cancelled, and none enters
until there is another one and a person resumes.
"""

import json
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, System, need_programs, wait_for  # noqa: E402
from trading import configure_memif, sections, start_memif_trade  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 500 --messages 400000 --rate 1000 --end-s 2 --linger-s 60".split()
RESTING = 3  # orders of tests/lib/hang.c, which stay while the others come and go


def begin(s, log, trading="", strategies=True):
    """Two strategies that trade, unless they are not wanted, and one whose orders rest."""
    text = sections("10.0.0.1:26400", SYMBOLS, strategies=strategies).replace("trading:", f"trading:{trading}")
    text += ("" if strategies else "strategies:\n") + f"""  - name: rests
    lane: lane0
    file: {BUILD}/tests/lib/hang.so
    account: house
    symbols: [{SYMBOLS[0]}]
    parameters: [0]
    budget_us: 100000
"""
    configure_memif(s, text)
    start_memif_trade(s, DAY, "alice,secret,firm=ALCE", "--order-log", log)
    s.start_dataplane()
    s.start_controlplane()
    s.wait_ready()


def resting(s):
    answer = s.ask("show", "orders")
    return {(o["ref"], o["price"], o["open"], o["since"]) for o in answer["orders"]
            if o["strategy"] == "rests" and o["state"] == "live"} if answer else set()


def shown(s, want):
    """Everything is there: the orders of before with what was known of them, and as many in all as the lane counts."""
    seen = {}

    def whole():
        a = seen["answer"] = s.ask("show", "orders")
        return a and a["complete"] and a["missing"] == a["missed_events"] == 0 and a["total"] == a["open_orders"]

    wait_for("all orders", whole, s.alive, lambda: f"; {str(seen)[-600:]}")
    assert resting(s) == want, f"{resting(s)} and not {want}"


def cancelled_at(log):
    whole = log.read_text().rpartition("\n")[0]  # it is being written
    return [json.loads(line)["event"] for line in whole.splitlines()].count("canceled")


def dies():
    with System("controlloss") as s:
        log = s.dir / "orders.jsonl"
        begin(s, log, trading="\n  control_loss_ms: 3s", strategies=False)
        wait_for("orders that rest", lambda: len(resting(s)) == RESTING, s.alive)
        s.end("controlplane", signal.SIGKILL)
        wait_for("the control plane to be missed", lambda: "control_lost: " in s.log("dataplane"), s.alive)
        wait_for("the orders to be cancelled", lambda: cancelled_at(log) == RESTING, s.alive)
        s.start_controlplane()
        s.wait_ready()
        wait_for("the kill to be shown", lambda: '"main"' in json.dumps(s.ask("show", "trading")), s.alive,
                 lambda: f"; {s.ask('show', 'trading')}")
        answer = s.ask("resume", "--reason", "the control plane is back", "--yes")
        assert answer and "kill" in str(answer), answer
        assert s.end("dataplane") == 0, "an unclean end"
        assert s.end("exchange") == 0


def main():
    need_programs()
    dies()
    with System("oldorders") as s:
        begin(s, s.dir / "orders.jsonl")
        wait_for("orders that rest", lambda: len(resting(s)) == RESTING, s.alive)
        want = resting(s)
        for how in (signal.SIGTERM, signal.SIGKILL):
            s.end("controlplane", how)
            s.start_controlplane()
            s.wait_ready()
            shown(s, want)
        s.end("controlplane")
        s.start("controlplane", "tickgate-controlplane", "--config", s.dir / "config.yaml", "--journal", "none")
        s.wait_ready()
        answer = s.ask("show", "orders")
        assert not answer["complete"] and answer["missed_events"] and not resting(s), str(answer)[-400:]
        assert s.end("dataplane") == 0, "an unclean end"
        assert s.end("exchange") == 0


if __name__ == "__main__":
    main()
