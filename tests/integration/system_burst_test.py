#!/usr/bin/env python3
"""A burst at full rate on two channels of one lane, one of which loses packets on both lines.

Its recovery completes under load and what it holds stays within its bill; the other channel sees none of it: no gap,
nothing held, no request (and no instruction more: tests/sim/burst_test.c). Both end in tickgate-book's books.
"""

import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import System, assert_same_books, need_programs, reference_books, write_day  # noqa: E402

DAY = "--seed 16 --symbols 400 --live 20000 --messages 600000".split()
HOLD = 2048


def main():
    need_programs()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        server = f"127.0.0.1:{free.getsockname()[1]}"
    with System("burst") as s:
        rows = reference_books(write_day(s.dir, DAY))
        channels = {}
        for number, name in ((1, "lossy"), (2, "quiet")):
            first = 109 + 2 * number
            channels[name] = {
                "symbols": 1000, "orders": 50000, "hold_frames": HOLD, "request_messages_max": 1000000,
                "lines": f"[{{name: A, port: md0, group: 233.54.12.{first}, udp_port: 26477}},"
                         f" {{name: B, port: md0, group: 233.54.12.{first + 1}, udp_port: 26478}}]",
                "recovery": f"{{servers: ['{server}']}}"}
        s.configure({"md0": {"device": s.memif, "rx_descriptors": 4096}}, channels)
        lines = ["--line=A=233.54.12.111:26477", "--line=B=233.54.12.112:26478", "--line=A2=233.54.12.113:26477",
                 "--line=B2=233.54.12.114:26478"]
        s.start_memif_exchange(*DAY, "--channels", "2", *lines, "--mode", "saturate", "--speed", "max", "--when-full", "wait",
                               "--start-delay-ms", "3000", "--loss", "both=0.2%", "--rerequest", server, "--end-s", "30")
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        for channel in (0, 1):
            s.wait_counters("the end of the session", lambda c: c["end_of_session"] == 1, channel)
        lossy = s.wait_feed("a repaired channel", lambda f: f["quality"] == "good" and f["held"] == 0, 0)
        quiet, held = s.feed(1), s.counters(1)
        assert_same_books(rows, s.books())
        assert s.end("exchange") == 0 and s.end("dataplane") == 0, "an unclean end"
        sent = s.summary()["channels"]
    assert sent[0]["lost_on_both"] > 0 and sent[1]["lost_on_both"] == 0, "the wrong channel lost"
    assert lossy["recovered_messages"] >= sent[0]["lost_on_both"] and lossy["lost_messages"] == 0, lossy
    assert 0 < lossy["held_peak"] <= HOLD, lossy
    for what in ("gaps", "requests", "held_peak", "held_overflow", "recovered_messages", "lost_messages"):
        assert held[what] == 0, f"the quiet channel counts {held[what]} {what}"
    assert quiet["quality"] == "good" and quiet["messages"] == sent[1]["messages"], quiet
    print(f"{lossy['recovered_messages']} messages recovered, at most {lossy['held_peak']} packets held; the other channel: "
          f"{quiet['messages']} messages, no gap")


if __name__ == "__main__":
    main()
