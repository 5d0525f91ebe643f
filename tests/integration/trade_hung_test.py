#!/usr/bin/env python3
"""A strategy that never returns, on memif, AF_PACKET and AF_XDP: ports without a queue for the main thread.

Its lane's connection is reset through the lane's own queue, and the exchange cancels what is open. A dataplane that is
to stop meanwhile ends, says so, and leaves no region behind.
"""

import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, System, Wire, cores, need_programs, wait_for  # noqa: E402
from trading import Exchange, sections  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 500 --messages 400000 --rate 1000 --end-s 2 --linger-s 60".split()
LINE = "A=233.54.12.111:26477"
MEMBER = "alice,secret,firm=ALCE,cancel-on-disconnect=yes"
RESET = "1 of its 1 connections are reset"
ORDERS = 3  # of tests/lib/hang.c


def live(s):
    answer = s.ask("show", "orders")
    return [o["state"] for o in answer["orders"]] == ["live"] * ORDERS if answer else False


def hang(s, log):
    s.start_controlplane()
    s.wait_ready()
    wait_for("orders at the exchange", lambda: live(s), s.alive)
    before = len(s.log("dataplane"))
    assert s.ask("strategy", "set", "hangs", "hang=1", "--reason", "test", "--yes") is None, "it has answered"
    # Perhaps not at the first attempt: a busy machine may have put the lane to sleep inside the driver.
    wait_for("the reset", lambda: RESET in s.log("dataplane")[before:], s.alive)
    # Nobody reads what the exchange says any more: its own log tells.
    wait_for("cancels at the exchange", lambda: log.read_text().count('"canceled"') == ORDERS, s.alive,
             lambda: f"; {log.read_text()[-500:]}")
    seen = {}

    def counted():
        seen["answer"] = s.ask("show", "counters")
        return seen["answer"]

    wait_for("the counters", counted, s.alive)
    counts = seen["answer"]["main"][0]["counters"]
    told = s.log("dataplane").count(RESET)  # more than once only where the machine had stopped the lane before
    assert counts["lanes_hung"] >= counts["sessions_reset"] == told, (counts, told)
    s.end("exchange", signal.SIGKILL)
    assert len(Exchange(log).of("canceled")) == ORDERS


def stop(s):
    assert s.end("dataplane") == 1, "a stop with a lane that hangs is no clean end"
    assert "ends without it" in s.log("dataplane")
    left = [p for place in ("/dev/hugepages", "/dev/shm") for p in pathlib.Path(place).glob(f"*{s.name}*")]
    assert not left, left


def text(server):
    return sections(server, SYMBOLS, strategies=False) + f"""
strategies:
  - {{name: hangs, lane: lane0, file: {BUILD}/tests/lib/hang.so, account: main, symbols: [{SYMBOLS[0]}], parameters: [0],
     budget_us: 100000}}
"""


def channel(**more):
    return {"nasdaq": {"symbols": 100, "orders": 50000, **more,
                       "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]"}}


def on_memif():
    with System("hungm") as s:
        log = s.dir / "orders.jsonl"
        s.configure({"md0": {"device": s.memif, "ip": "10.0.0.2"}}, channel(), text("10.0.0.1:26400"))
        s.start_memif_exchange("--mode", "trade", "--line", LINE, *DAY, "--orders-on-port", "26400",
                               "--member", MEMBER, "--order-log", log)
        s.start_dataplane()
        hang(s, log)
        stop(s)


def on_wire(kind):
    with Wire() as wire, System("hungw") as s:
        log = s.dir / "orders.jsonl"
        s.configure({"md0": {"device": f"net_af_{kind}0,iface={wire.near}", "rx_descriptors": 2048, "ip": "10.77.0.1"}},
                    channel(recovery="{servers: ['10.77.0.2:26490'], via: port}"), text("10.77.0.2:26400"))
        s.start_dataplane()
        s.start_exchange("--mode", "trade", "--interface", wire.far, "--line", LINE, *DAY, "--core", cores()[0],
                         "--orders", "10.77.0.2:26400", "--member", MEMBER, "--order-log", log,
                         "--pack-us", "500", "--rerequest", "10.77.0.2:26490", prefix=wire.prefix)
        hang(s, log)
        s.end("dataplane", signal.SIGKILL)


def main():
    need_programs()
    on_memif()
    on_wire("packet")
    on_wire("xdp")


if __name__ == "__main__":
    main()
