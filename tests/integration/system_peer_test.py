#!/usr/bin/env python3
"""The process at the other end of a memif port is killed and comes back: the port is made anew, and the day goes on.

The second exchange sends the same session from its start; what the dataplane has already is not applied twice, and the
books end as tickgate-book's.
"""

import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import System, assert_same_books, need_programs, reference_books, wait_for, write_day  # noqa: E402

DAY = "--seed 17 --symbols 200 --live 5000 --messages 100000".split()
LINES = ("--line", "A=233.54.12.111:26477", "--line", "B=233.54.12.112:26478")


def link(s):
    return s.ask("show", "ports")["ports"][0]["link"]


def main():
    need_programs()
    with System("peer") as s:
        rows = reference_books(write_day(s.dir, DAY))
        s.configure(
            {"md0": {"device": s.memif}},
            {"nasdaq": {
                "symbols": 1000, "orders": 50000, "line_stale_ms": 500,
                "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477},"
                         " {name: B, port: md0, group: 233.54.12.112, udp_port: 26478}]"}})
        s.start_memif_exchange(*LINES, *DAY, "--rate", "30000")
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        s.wait_feed("some of the day", lambda f: f["messages"] > 20000)
        s.end("exchange", signal.SIGKILL)
        wait_for("the link down", lambda: link(s) == "down", s.alive)
        s.wait_feed("stale lines", lambda f: f["quality"] == "stale")
        before = s.feed()["messages"]
        assert before < 100000, "the day was over before its exchange was killed"

        s.start_memif_exchange(*LINES, *DAY, "--rate", "100000", "--end-s", "30")
        wait_for("the link up", lambda: link(s) == "up", s.alive)
        counters = s.wait_counters("the end of the session", lambda c: c["end_of_session"] == 1)
        feed = s.wait_feed("a good book", lambda f: f["quality"] == "good")
        assert_same_books(rows, s.books())
        assert s.end("exchange") == 0 and s.end("dataplane") == 0, "an unclean end"
    assert counters["messages"] == 100000 and counters["lost_messages"] == 0, counters
    duplicate = sum(line["duplicate"] for line in feed["lines"])
    assert duplicate > 0, "the second exchange did not send what was there already"
    print(f"{before} messages before, {100000 - before} after; link changes seen")


if __name__ == "__main__":
    main()
