#!/usr/bin/env python3
"""A kernel sender in a namespace of its own, over a veth pair, into the dataplane's AF_XDP and AF_PACKET ports.

Multicast joined by our own IGMP, both lines with losses, re-requests over a management network of kernel sockets or
through the port itself, with ARP: the books end as tickgate-book's on both kinds of port.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import System, Wire, assert_same_books, cores, need_programs, reference_books, write_day  # noqa: E402

DAY = "--seed 12 --symbols 300 --live 10000 --messages 150000".split()
# Kind of port, device, and the way to the re-request server: the management network, or the port itself.
PORTS = (("AF_XDP", "net_af_xdp0,iface={}", "kernel"), ("AF_PACKET", "net_af_packet0,iface={}", "port"))
REREQUEST = 26400


def play(kind, device, via, rows):
    with Wire() as wire, System(kind.lower().replace("_", "")) as s:
        server = f"{wire.there if via == 'kernel' else '10.77.0.2'}:{REREQUEST}"
        s.configure(
            {"md0": {"device": device.format(wire.near), "rx_descriptors": 2048, "ip": "10.77.0.1"}},
            {"nasdaq": {
                "symbols": 1000, "orders": 50000,
                "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477},"
                         " {name: B, port: md0, group: 233.54.12.112, udp_port: 26478}]",
                "recovery": f"{{servers: ['{server}'], via: {via}}}"}})
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        s.start_exchange(
            "--interface", wire.far, "--line", "A=233.54.12.111:26477", "--line", "B=233.54.12.112:26478", *DAY,
            "--core", cores()[0], "--rerequest", server, "--rate", "50000", "--pack-us", "500",
            "--loss", "A=2%", "--loss", "B=2%", "--loss", "both=0.3%", "--reorder", "A=1%,3", "--end-s", "30",
            prefix=wire.prefix)
        s.wait_counters("the end of the session", lambda c: c["end_of_session"] == 1)
        feed, books = s.feed(), s.books()
        assert s.end("exchange") == 0 and s.end("dataplane") == 0, "an unclean end"
        sent = s.summary()["channels"][0]
        assert feed["lost_messages"] == 0 and feed["quality"] == "good", feed
        assert feed["messages"] == sent["messages"], "another number of messages than were sent"
        assert sent["lost_on_both"] > 0 and feed["recovered_messages"] >= sent["lost_on_both"], "nothing was recovered"
        assert_same_books(rows, books)
        return f"{kind}, asked via {via}: {feed['messages']} messages, {feed['recovered_messages']} recovered"


def main():
    need_programs()
    with System("day") as s:
        rows = reference_books(write_day(s.dir, DAY))
    print("; ".join(play(*port, rows) for port in PORTS))


if __name__ == "__main__":
    main()
