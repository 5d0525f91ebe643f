#!/usr/bin/env python3
"""A long gap: a dataplane that starts when 100,000 messages are already past gets them from the re-request server.

Through kernel sockets and through the port. The books end as tickgate-book's. What each took is printed, and not judged.
"""

import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import System, assert_same_books, need_programs, reference_books, wait_for, write_day  # noqa: E402

MESSAGES = 100000
DAY = f"--seed 21 --symbols 500 --live 20000 --messages {MESSAGES}".split()


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def play(via):
    """Two dataplanes, one after the other: the first shows the exchange a peer, the second has missed what it sent."""
    with System("gap") as s:
        rows = reference_books(write_day(s.dir, DAY))
        server = f"127.0.0.1:{free_port()}" if via == "kernel" else "10.0.0.1:26490"
        service = ("--rerequest", server) if via == "kernel" else ("--rerequest-on-port", "26490")
        s.configure(
            {"md0": {"device": s.memif, "ip": "10.0.0.2", "rx_descriptors": 4096}},
            {"nasdaq": {
                "symbols": 1000, "orders": 100000, "hold_frames": 65536, "request_messages_max": 10000000,
                "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]",
                "recovery": f"{{servers: ['{server}'], via: {via}}}"}})
        s.start_memif_exchange("--line", "A=233.54.12.111:26477", *DAY, *service, "--rate", "200000",
                               "--end-s", "60", "--when-full", "drop")
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        s.wait_counters("the end of the session", lambda c: c["end_of_session"] == 1)
        assert s.end("dataplane") == 0
        s.start_dataplane()
        s.wait_ready()
        wait_for("a repaired channel", lambda: (s.feed() or {}).get("recovered_messages", 0) >= MESSAGES, s.alive)
        s.wait_counters("the end of the session", lambda c: c["end_of_session"] == 1)
        feed = s.wait_feed("a good channel", lambda f: f["quality"] == "good" and f["held"] == 0)
        assert_same_books(rows, s.books())
        took, main = feed["recovery"]["max_ns"] / 1e6, s.ask("show", "counters")["main"][0]["counters"]
        assert s.end("exchange") == 0 and s.end("dataplane") == 0, "an unclean end"
    assert feed["lost_messages"] == 0, feed
    return f"{feed['recovered_messages']} messages in {took:.0f} ms with {main['requests_sent']} requests"


def main():
    need_programs()
    print("; ".join(f"via {via}: {play(via)}" for via in ("kernel", "port")))


if __name__ == "__main__":
    main()
