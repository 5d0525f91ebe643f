#!/usr/bin/env python3
"""The dataplane trades over a wire that loses segments, both ways, with the kernel's TCP at the other end.

The exchange lives behind a bridge in a namespace of its own; a filter at the entrance of each of the bridge's two ports
drops one TCP segment in twenty, after its sender has seen it leave. Nothing of the day may be missing or doubled.
"""

import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import System, Wire, need_programs, run, skip, wait_for  # noqa: E402
from trading import Exchange, configure_veth, flat, start_veth_exchange  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 2000 --messages 180000 --rate 9000 --end-s 2 --linger-s 60".split()
LOSS = 0.05
LEAST = 15  # segments lost each way
# Classic BPF: IPv4 and TCP and a die below the limit are dropped (2), everything else passes (0).
DICE = (f"8,40 0 0 12,21 0 5 {0x800},48 0 0 23,21 0 3 6,32 0 0 {0xFFFFF000 + 56},53 1 0 {int(LOSS * (1 << 32))},6 0 0 2,"
        "6 0 0 0")


class LossyWire(Wire):
    """The far end of the pair is a port of a bridge; the exchange's interface is behind its other port."""

    def __enter__(self):
        super().__enter__()
        self.inner, self.bridge, self.inside = f"{self.space}x", "tgbr", "tgin"
        enter = f"ip netns exec {self.space}"
        steps = [
            f"ip netns add {self.inner}",
            f"{enter} ip addr flush dev {self.far}",
            f"{enter} ip link add {self.bridge} type bridge mcast_snooping 0",
            f"{enter} ip link add {self.inside} type veth peer name tgx netns {self.inner}",
            f"{enter} ip link set {self.far} master {self.bridge}",
            f"{enter} ip link set {self.inside} master {self.bridge}",
            f"{enter} ip link set {self.inside} up",
            f"{enter} ip link set {self.bridge} up",
            f"ip -n {self.inner} link set lo up",
            f"ip -n {self.inner} addr add 10.77.0.2/24 dev tgx",
            f"ip -n {self.inner} link set tgx up",
            f"ip netns exec {self.inner} ethtool -K tgx tx off",
        ]
        for port in (self.far, self.inside):
            steps += [f"{enter} tc qdisc add dev {port} clsact",
                      f"{enter} tc filter add dev {port} ingress bpf direct-action bytecode '{DICE}'"]
        for step in steps:
            done = subprocess.run(step, shell=True, capture_output=True, text=True)
            if done.returncode:
                self.remove()
                skip(f"no bridge that loses here: {step}: {done.stderr.strip()}")
        self.prefix = ("ip", "netns", "exec", self.inner)
        return self

    def remove(self):
        run("ip", "netns", "del", self.inner)
        super().remove()

    def lost(self):
        """Segments dropped on their way to the exchange, and back."""
        counts = []
        for port in (self.far, self.inside):
            out = run("ip", "netns", "exec", self.space, "tc", "-s", "qdisc", "show", "dev", port, "clsact").stdout
            counts.append(int(re.search(r"clsact.*?dropped (\d+)", out, re.S).group(1)))
        return counts


def executed(log):
    return log.read_text().count('"event":"executed"') if log.exists() else 0


def compare(s, exchange):
    """What the dataplane's last line adds up to, and the exchange's log: everything arrived, once and as it was sent."""
    words = r"traded: lane lane0: (\d+) approved, \d+ refused, (\d+) not sent, (\d+) fills, 0 unclaimed; 0 orders and 0 price4"
    line = re.search(words, s.log("dataplane"))
    assert line, "something is unclaimed or still reserved"
    approved, unsent, fills = map(int, line.groups())
    arrived = exchange.requests
    assert len(set(arrived)) == len(arrived), "an order arrived twice"
    assert len(arrived) == approved - unsent, f"{approved} approved, {unsent} of them not sent; {len(arrived)} arrived"
    assert [n for n, kind in arrived if kind == "O"] == sorted(n for n, kind in arrived if kind == "O"), "another order"
    assert len(exchange.fills) == fills, f"{fills} fills here, {len(exchange.fills)} there"
    return f"{approved} orders, {fills} fills"


def play(s, wire):
    log = s.dir / "orders.jsonl"
    configure_veth(s, f"net_af_packet0,iface={wire.near}", SYMBOLS)
    s.start_dataplane()
    s.start_controlplane()
    s.wait_ready()
    start_veth_exchange(s, "tgx", DAY, log, wire.prefix)
    seen = {}

    def enough():
        seen["tcp"] = s.ask("show", "sessions", "--connections")["sessions"][0]["connection"]
        seen["lost"] = wire.lost()
        return executed(log) >= 20 and min(seen["lost"]) >= LEAST and seen["tcp"]["retransmits"] > 0

    wait_for("fills, and losses both ways", enough, s.alive, lambda: f"; {executed(log)} fills, {seen}")
    assert s.end("dataplane") == 0, "an unclean end"
    flat(s)
    assert s.end("exchange") == 0
    print(compare(s, Exchange(log)) + f"; segments lost on the way out and back {seen['lost']}, "
          f"{seen['tcp']['retransmits']} sent again")


def main():
    need_programs()
    with LossyWire() as wire, System("loss") as s:
        play(s, wire)


if __name__ == "__main__":
    main()
