#!/usr/bin/env python3
"""Exchange and dataplane over memif: whatever the lines lose, the books end as tickgate-book's.

Both lines lose packets, some of them the same ones, and duplicate, reorder and delay others; what both lost comes
from the re-request server, through kernel sockets or through the port itself. The same with a real day where there is
one.
"""

import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import SHARED, System, assert_same_books, need_programs, reference_books, write_day  # noqa: E402

DAY = "--seed 11 --symbols 500 --live 20000 --messages 400000".split()
FAULTS = "--loss A=2% --loss B=2% --loss both=0.2% --duplicate A=1% --reorder B=1%,4 --skew-us B=0..200".split()


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def play(source, rows, via):
    with System("memif") as s:
        server = f"127.0.0.1:{free_port()}" if via == "kernel" else "10.0.0.1:26490"
        service = ("--rerequest", server) if via == "kernel" else ("--rerequest-on-port", "26490")
        s.configure(
            {"md0": {"device": s.memif, "ip": "10.0.0.2"}},
            {"nasdaq": {
                "symbols": 12000, "orders": 100000,
                "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477},"
                         " {name: B, port: md0, group: 233.54.12.112, udp_port: 26478}]",
                "recovery": f"{{servers: ['{server}'], via: {via}}}"}})
        s.start_memif_exchange("--line", "A=233.54.12.111:26477", "--line", "B=233.54.12.112:26478", *source, *FAULTS,
                               *service, "--end-s", "30", "--rate", "200000")
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        s.wait_counters("the end of the session", lambda c: c["end_of_session"] == 1)
        feed = s.wait_feed("a repaired channel", lambda f: f["quality"] == "good" and f["held"] == 0)
        books = s.books()
        assert s.end("exchange") == 0 and s.end("dataplane") == 0, "an unclean end"
        sent = s.summary()["channels"][0]
    assert sent["lost_on_both"] > 0 and feed["recovered_messages"] >= sent["lost_on_both"], (
        f"lost on both {sent['lost_on_both']}, recovered {feed['recovered_messages']}")
    assert feed["lost_messages"] == 0 and feed["quality"] == "good", feed
    assert feed["messages"] == sent["messages"], "another number of messages than were sent"
    for line in feed["lines"]:
        if line["group"]:
            assert line["used"] > 0 and line["duplicate"] > 0 and line["lost_messages"] > 0, line
    assert_same_books(rows, books)
    return feed


def main():
    need_programs()
    with System("day") as s:
        rows, said = reference_books(write_day(s.dir, DAY)), []
    for via in ("kernel", "port"):
        feed = play(DAY, rows, via)
        said.append(f"via {via}: {feed['messages']} messages, {feed['recovered_messages']} recovered")
    capture = SHARED / "data/itch/aapl_20120621_0930_1030.itch"
    if capture.exists():
        feed = play(["--source", capture, "--pack-messages", "8"], reference_books(capture), "kernel")
        said.append(f"{capture.name}: {feed['messages']} messages, {feed['recovered_messages']} recovered")
    print("; ".join(said))


if __name__ == "__main__":
    main()
