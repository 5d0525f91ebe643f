#!/usr/bin/env python3
"""A control plane that is killed while it verifies the day behind READY: no order enters before it, and none until its
successor has verified the day again. Where one has found damage its successors say so, and take no order of that instance.

Over a veth pair to an exchange, so that an order would leave. Verifying takes as long as the test wants: the control
planes read the first segment through tests/lib/hold_read.c.
"""

import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, System, Wire, need_programs, wait_for  # noqa: E402
from trading import flat  # noqa: E402
from restart_test import begun, configure, kill_both, nothing_open, once_each, put, restarts, session, trades, up  # noqa: E402

FIRST = "0000000000000001"
SEGMENTS = 3  # then a control plane does not look into the first when it begins: only into the last two
REFUSALS = 20  # orders that strategies would have sent


def start_held(s):
    """A control plane that does not get through the first segment while the file <hold> is there."""
    return s.start("controlplane", "tickgate-controlplane", "--config", s.dir / "config.yaml",
                   prefix=("env", f"LD_PRELOAD={BUILD}/tests/lib/hold_read.so", f"HOLD_READ={FIRST}.journal", f"HOLD_WHILE={s.dir}/hold"))


def journal(s):
    return (s.ask("status") or {}).get("journal", {})


def lane(s):
    shown = s.ask("show", "trading")
    return shown["lanes"][0] if shown else {}


def refused(s):
    """Orders that the state of the journal keeps out."""
    return (s.ask("show", "trading") or {}).get("refusals", {}).get("JOURNAL", 0)


def orders_wait(s):
    """Strategies want to trade, and nothing of it leaves."""
    wait_for("the day being verified", lambda: journal(s).get("state") == "verifying", s.alive, lambda: f"; {journal(s)}")
    assert "no order is taken meanwhile" in journal(s)["why"], journal(s)
    before = refused(s)
    wait_for("orders that are refused", lambda: refused(s) >= before + REFUSALS, s.alive, lambda: f"; {lane(s)}")
    assert lane(s)["journal"] == "unverified" and lane(s)["approved"] == 0 and session(s)["sent"] == 0, (lane(s), session(s))


def killed_while_it_verifies(s):
    before = restarts(s)
    (s.dir / "hold").touch()
    s.end("dataplane", signal.SIGKILL)
    s.end("controlplane", signal.SIGKILL)
    logs = len(s.log("controlplane"))
    start_held(s)
    s.start_dataplane()
    up(s, before)
    orders_wait(s)
    s.end("controlplane", signal.SIGKILL)
    start_held(s)
    orders_wait(s)
    said = s.log("controlplane")[logs:]
    assert "orders are taken" not in said and "went back to the dataplane" in said, said
    (s.dir / "hold").unlink()
    wait_for("orders", lambda: "orders are taken" in s.log("controlplane")[logs:], s.alive)
    trades(s, 1, 10)
    assert lane(s)["journal"] == "memory" and journal(s)["state"] == "writing", (lane(s), journal(s))
    assert journal(s)["verified_records"] == journal(s)["verify_records"] > 0, journal(s)


def damage_stays_found(s):
    """On a port with nothing behind it."""
    configure(s, "net_null0")
    path = s.dir / "journal" / f"{FIRST}.journal"
    content = path.read_bytes()
    middle = len(content.rstrip(b"\0")) // 2
    put(path, middle, bytes([content[middle] ^ 1]))
    s.start_controlplane()
    s.start_dataplane()
    wait_for("the damage", lambda: journal(s).get("state") == "damaged", s.alive, lambda: f"; {journal(s)}")
    assert "segment 1 block" in journal(s)["why"], journal(s)
    s.end("controlplane", signal.SIGKILL)
    s.start_controlplane()
    wait_for("its successor's word", lambda: lane(s).get("journal") == "damaged" and journal(s).get("state") == "damaged",
             s.alive, lambda: f"; {lane(s)} {journal(s)}")
    assert "a control plane before this one has found damage" in journal(s)["why"], journal(s)
    s.end("dataplane", signal.SIGKILL)
    put(path, middle, bytes([content[middle]]))  # the next instance is looked at anew
    s.start_dataplane()
    wait_for("a journal that is good", lambda: lane(s).get("journal") == "memory" and journal(s).get("state") == "writing",
             s.alive, lambda: f"; {lane(s)} {journal(s)}")
    s.end("dataplane", signal.SIGKILL)
    s.end("controlplane")


def main():
    need_programs()
    with Wire() as wire, System("verify") as s:
        log = begun(s, wire)
        trades(s, 1, 10)
        for _ in range(SEGMENTS):
            kill_both(s)
        wait_for("an extract", lambda: (s.dir / "journal" / f"{FIRST}.extract").exists(), s.alive)
        killed_while_it_verifies(s)
        nothing_open(s, log)
        flat(s)
        requests = once_each(log)
        damage_stays_found(s)
        print(f"{requests} requests, none of them while the day was being verified")


if __name__ == "__main__":
    main()
