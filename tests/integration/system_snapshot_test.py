#!/usr/bin/env python3
"""Books from a snapshot: a dataplane that starts in mid-day, and a gap that is too large to be asked for again.

The snapshot comes by GLIMPSE over SoupBinTCP from the exchange and is merged with the live lines; the books end as
tickgate-book's, and while a snapshot is missing nobody is told that a book is good.
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import (  # noqa: E402
    System, Wire, assert_same_books, cores, need_programs, reference_books, run, wait_for, write_day)

DAY = "--seed 13 --symbols 300 --live 10000 --messages 200000".split()
RATE = 50000
REREQUEST, GLIMPSE = 26400, 26500


def configure(s, wire, **channel):
    s.configure(
        {"md0": {"device": f"net_af_packet0,iface={wire.near}", "rx_descriptors": 2048}},
        {"nasdaq": {
            "symbols": 1000, "orders": 50000,
            "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477},"
                     " {name: B, port: md0, group: 233.54.12.112, udp_port: 26478}]",
            "snapshot": f"{{server: '{wire.there}:{GLIMPSE}', username: tester, password: secret}}", **channel}})


def start_exchange(s, wire, *argv):
    s.start_exchange(
        "--interface", wire.far, "--line", "A=233.54.12.111:26477", "--line", "B=233.54.12.112:26478", *DAY,
        "--core", cores()[0], "--glimpse", f"{wire.there}:{GLIMPSE},tester,secret", "--rate", RATE, "--pack-us", "500",
        "--loss", "A=1%", "--loss", "B=1%", "--end-s", "30", *argv, prefix=wire.prefix)


def finish(s, rows, snapshots):
    s.wait_counters("the end of the session", lambda c: c["end_of_session"] == 1)
    feed = s.wait_feed("a good book", lambda f: f["quality"] == "good")
    counters, books = s.counters(), s.books()
    assert s.end("exchange") == 0 and s.end("dataplane") == 0, "an unclean end"
    assert counters["snapshots"] >= snapshots and counters["snapshots_failed"] == 0, counters
    assert counters["lost_messages"] == 0 and counters["symbols_suspect"] == 0, counters
    served = s.summary()["channels"][0]["snapshots"]
    assert served["served"] == counters["snapshots"], f"the exchange served {served}"
    assert_same_books(rows, books)
    return feed


def late_joiner(rows):
    with Wire() as wire, System("late") as s:
        # Losses on both lines are asked for again here: after the snapshot the lines are merged as ever.
        configure(s, wire, start="snapshot", recovery=f"{{servers: ['{wire.there}:{REREQUEST}']}}")
        start_exchange(s, wire, "--rerequest", f"{wire.there}:{REREQUEST}", "--loss", "both=0.2%")
        time.sleep(1.5)  # so much of the day nobody hears
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        feed = finish(s, rows, snapshots=1)
    assert feed["messages"] < 200000 - RATE, "nothing was missed: no late joiner"
    return f"late joiner: {feed['messages']} of 200000 messages applied"


def large_gap(rows):
    with Wire() as wire, System("gap") as s:
        configure(s, wire, recovery=f"{{servers: ['{wire.there}:{REREQUEST}']}}", request_messages_max=1000)
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        start_exchange(s, wire, "--rerequest", f"{wire.there}:{REREQUEST}", "--loss", "both=0.1%")
        s.wait_feed("some of the day", lambda f: f["messages"] > 20000)
        assert run("ip", "link", "set", wire.near, "down").returncode == 0
        wait_for("the link down", lambda: s.ask("show", "ports")["ports"][0]["link"] == "down", s.alive)
        time.sleep(0.5)
        assert run("ip", "link", "set", wire.near, "up").returncode == 0
        feed = finish(s, rows, snapshots=1)
    return f"large gap: {feed['gap_messages']} messages missing, {feed['recovered_messages']} asked for again"


def main():
    need_programs()
    with System("day") as s:
        rows = reference_books(write_day(s.dir, DAY))
    print("; ".join((late_joiner(rows), large_gap(rows))))


if __name__ == "__main__":
    main()
