#!/usr/bin/env python3
"""The dataplane trades over a veth pair with the kernel's TCP, on AF_XDP and AF_PACKET ports.

The exchange runs in a namespace of its own with sockets of the kernel; the dataplane's TCP and ARP are its own. Both
keep the same account of the day. Then the dataplane is killed while orders are open: the next one reads the day again,
finds the orders that it does not know, and cancels them with its own when it stops.
"""

import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import System, Wire, need_programs, wait_for  # noqa: E402
from trading import Exchange, Ledger, configure_veth, flat, reconcile, start_veth_exchange  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 2000 --messages 120000 --rate 8000 --end-s 2 --linger-s 30".split()
PORTS = (("xdp", "net_af_xdp0,iface={}", False), ("packet", "net_af_packet0,iface={}", True))


def fills_come(s, ledger, count):
    wait_for("orders and fills", lambda: len(ledger.collect().fills) >= count, s.alive,
             lambda: f"; {len(ledger.sent)} sent, {len(ledger.fills)} fills, {ledger.session_states}")


def killed(s, first):
    """Another dataplane after the first was killed; answers its ledger."""
    s.end("dataplane", signal.SIGKILL)
    first.collect()
    ledger = Ledger(s)
    ledger.after = first.after
    s.start_dataplane()
    s.wait_ready()
    fills_come(s, ledger, len(first.fills) + 5)
    assert set(first.fills) <= set(ledger.fills), "the stream of the day was not read again"
    ledger.before = first.sent
    return ledger


def play(kind, device, restarted):
    with Wire() as wire, System(kind) as s:
        log = s.dir / "orders.jsonl"
        configure_veth(s, device.format(wire.near), SYMBOLS)
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        ledger = Ledger(s)
        start_veth_exchange(s, wire.far, DAY, log, wire.prefix)
        fills_come(s, ledger, 20)
        if restarted:
            ledger = killed(s, ledger)
        time.sleep(1)
        ledger.collect()
        assert s.end("dataplane") == 0, "an unclean end"
        ledger.collect()
        flat(s)
        assert s.end("exchange") == 0
        reconcile(ledger, Exchange(log), SYMBOLS)
        return f"{kind}: {len(ledger.sent)} orders, {len(ledger.fills)} fills"


def main():
    need_programs()
    print("; ".join(play(*port) for port in PORTS))


if __name__ == "__main__":
    main()
