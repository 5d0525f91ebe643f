#!/usr/bin/env python3
"""What a channel says of itself when the exchange falls silent, ends its session, starts another, or loses what nobody
can give back: stale while silent, the new session's books and no others, and never a good book across a lost message.
"""

import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import (  # noqa: E402
    System, Wire, assert_same_books, cores, need_programs, reference_books, wait_for, write_day)

FIRST = "--seed 14 --symbols 200 --live 5000 --messages 60000".split()
SECOND = "--seed 15 --symbols 250 --live 5000 --messages 60000".split()
LINES = ("--line", "A=233.54.12.111:26477", "--line", "B=233.54.12.112:26478")


def configure(s, wire, **channel):
    s.configure(
        {"md0": {"device": f"net_af_packet0,iface={wire.near}", "rx_descriptors": 2048}},
        {"nasdaq": {
            "symbols": 1000, "orders": 50000, "line_stale_ms": 500,
            "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477},"
                     " {name: B, port: md0, group: 233.54.12.112, udp_port: 26478}]", **channel}})
    s.start_dataplane()
    s.start_controlplane()
    s.wait_ready()


def start_exchange(s, wire, *argv):
    s.start_exchange("--interface", wire.far, *LINES, "--core", cores()[0], "--rate", "40000", "--pack-us", "500",
                     "--heartbeat-ms", "100", *argv, prefix=wire.prefix)


def qualities(s):
    return {symbol["quality"] for symbol in s.books().values()}


def silence_and_sessions(folder):
    first, second = (reference_books(write_day(folder, day)) for day in (FIRST, SECOND))
    with Wire() as wire, System("session") as s:
        # What the second session sends while the books of the first are put away is asked for again.
        server = f"{wire.there}:26400"
        configure(s, wire, recovery=f"{{servers: ['{server}']}}")
        start_exchange(s, wire, *FIRST, "--session", "MORNING", "--end-s", "1", "--rerequest", server)
        s.wait_feed("some of the day", lambda f: f["messages"] > 10000)

        s.processes["exchange"].send_signal(signal.SIGSTOP)
        feed = s.wait_feed("stale lines", lambda f: f["quality"] == "stale")
        assert {line["state"] for line in feed["lines"] if line["group"]} == {"stale"}, feed
        assert "good" not in qualities(s), "a good symbol on a stale channel"
        s.processes["exchange"].send_signal(signal.SIGCONT)
        # What the exchange catches up with may overrun its socket: a gap may open again between two questions.
        wait_for("good symbols on a good channel", lambda: s.feed()["quality"] == "good" and "good" in qualities(s), s.alive)

        s.wait_counters("the end of the session", lambda c: c["end_of_session"] == 1)
        assert_same_books(first, s.books())
        assert s.processes["exchange"].wait(60) == 0

        start_exchange(s, wire, *SECOND, "--session", "EVENING", "--end-s", "30", "--rerequest", server)
        counters = s.wait_counters("the end of the second session",
                                   lambda c: c["end_of_session"] == 2 and c["next_sequence"] == 60001)
        assert counters["session_changes"] == 1 and counters["lost_messages"] == 0, counters
        assert_same_books(second, s.books())
        assert counters["messages"] == 120000 and s.feed()["quality"] == "good"
        assert s.end("dataplane") == 0


def nobody_to_ask(folder):
    with Wire() as wire, System("lost") as s:
        # Nobody listens on port 9; the second server is an address that nobody has.
        configure(s, wire, recovery=f"{{servers: ['{wire.there}:9', '{wire.there.rsplit('.', 1)[0]}.3:9'], "
                                    "retry_ms: 5, retries: 2}")
        start_exchange(s, wire, *FIRST, "--loss", "both=0.5%", "--end-s", "30")
        feed = s.wait_feed("messages given up", lambda f: f["lost_messages"] > 0)
        assert feed["quality"] == "suspect", feed
        while s.counters()["end_of_session"] == 0:
            assert s.feed()["quality"] == "suspect" and qualities(s) == {"suspect"}, "a lie across a lost message"
            time.sleep(0.1)
        counters = s.wait_counters("every message applied or given up",
                                   lambda c: c["lost_messages"] + c["messages"] == 60000)
        assert counters["requests_failed"] > 0 and counters["recovered_messages"] == 0, counters
        assert qualities(s) == {"suspect"}
        assert s.end("dataplane") == 0


def main():
    need_programs()
    with System("day") as s:
        silence_and_sessions(s.dir)
        nobody_to_ask(s.dir)


if __name__ == "__main__":
    main()
