#!/usr/bin/env python3
"""Signals of the two example senders, over a veth pair to a dataplane that trades on them; then the day is run again from its
capture and every event comes out as it did.

A strategy follows the forecasts. The first source falls silent and the second of its role stands in; a person stops that, too, and
resumes it; a flood opens the breaker of the first. What a stranger sends is refused.
"""

import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, System, Wire, need_programs, wait_for  # noqa: E402
from trading import sections, start_veth_exchange  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 2000 --messages 120000 --rate 8000 --end-s 1 --linger-s 120".split()
GROUP, SENDER = "239.7.7.7:7100", "10.77.0.2"
C, PYTHON = BUILD / "examples/signal_sender", ROOT / "dataplane/gateway/examples/signal_sender.py"


def configure(s, device):
    source = f"lane: lane0, role: forecast, port: md0, group: 239.7.7.7, udp_port: 7100, sender: {SENDER}, rest_ms: 0, faults: 50"
    s.configure(
        {"md0": {"device": device, "rx_descriptors": 2048, "ip": "10.77.0.1"}},
        {"nasdaq": {"symbols": 100, "orders": 50000,
                    "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]",
                    "recovery": "{servers: ['10.77.0.2:26490'], via: port}"}},
        sections("10.77.0.2:26400", SYMBOLS, strategies=False) + f"""
strategies:
  - name: follows
    lane: lane0
    file: {BUILD}/strategies/follow.so
    account: main
    symbols: [{', '.join(SYMBOLS)}]
    parameters: [10, 100, 400, 5000]
    budget_us: 100000
signals:
  - {{name: alpha, number: 1, sender_port: 7001, rate_per_s: 200, burst: 100, silence_ms: 1s, {source}}}
  - {{name: beta, number: 2, sender_port: 7002, rate_per_s: 10000, burst: 1000, {source}}}
capture: {{ring_size: 32MiB, directory: {s.dir}/capture, file_size: 8MiB}}
""")


def tickgate(*words):
    return subprocess.run([str(BUILD / "tickgate"), *map(str, words)], capture_output=True, text=True, timeout=120)


class Sender:
    """One of the examples, in the namespace at the other end of the wire."""

    def __init__(self, wire, program, port, source):
        self.lines = 0
        self.process = subprocess.Popen([*wire.prefix, str(program), GROUP, f"{SENDER}:{port}", str(source), SYMBOLS[0]],
                                        stdin=subprocess.PIPE, text=True)

    def forecast(self, *changes):
        for change in changes:
            self.process.stdin.write(f"{change} 9000\n")
        self.process.stdin.flush()

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0, "the sender failed"


def sources(s):
    return {row["source"]: row for row in s.ask("show", "signals")["signals"]}


def until(s, what, condition, meanwhile=lambda: None):
    seen = {}

    def ready():
        meanwhile()
        seen["now"] = sources(s)
        return condition(seen["now"])

    wait_for(what, ready, s.alive, lambda: f"; {seen.get('now')}")


def approved(s):
    return s.ask("show", "trading")["lanes"][0]["approved"]


def order(s, *words):
    done = tickgate(*words, "--reason", "a test", "--yes", "--socket", s.socket) if words[1] == "resume" else \
        tickgate(*words, "--reason", "a test", "--socket", s.socket)
    return done.returncode, done.stdout + done.stderr


def market(s, wire):
    """Two senders, a flood and a stranger, while a strategy trades on what it hears."""
    alpha, beta = Sender(wire, C, 7001, 1), Sender(wire, PYTHON, 7002, 2)
    forecasts = iter(range(1000000))

    def both():  # far beyond the spread, up and down by turns, so that positions do not grow
        change = 50000 if next(forecasts) % 2 else -50000
        alpha.forecast(change)
        beta.forecast(change)

    until(s, "signals and orders on them", lambda now: now["alpha"]["told"] >= 10 and now["beta"]["stood_by"] >= 10 and
          now["alpha"]["heard"] == "alpha" and approved(s) >= 5, both)
    until(s, "the other stands in", lambda now: now["alpha"]["state"] == "silent" and now["beta"]["told"] >= 10,
          lambda: beta.forecast(50000, -50000))
    code, said = order(s, "signals", "stop", "beta")
    assert code == 0 and "signal beta" in said, said
    until(s, "it is stopped", lambda now: now["beta"]["state"] == "stopped")
    code, said = order(s, "signals", "stop", "gamma")
    assert code != 0 and "no source of signals 'gamma'" in said, said
    until(s, "nobody is heard", lambda now: now["beta"]["heard"] is None and now["beta"]["refused_by"].get("breaker", 0) >= 2,
          lambda: beta.forecast(1))
    assert order(s, "signals", "resume", "beta")[0] == 0
    code, said = order(s, "signals", "resume", "alpha")
    assert code != 0 and "not stopped" in said, said
    until(s, "it is heard again", lambda now: now["beta"]["heard"] == "beta", lambda: beta.forecast(1))
    until(s, "a flood opens the breaker", lambda now: now["alpha"]["state"] == "open", lambda: alpha.forecast(*range(2000)))
    until(s, "and the other is heard", lambda now: now["alpha"]["heard"] == "beta", lambda: beta.forecast(1))
    stranger = Sender(wire, C, 7003, 1)
    stranger.forecast(1)
    wait_for("a stranger is refused", lambda: s.ask("show", "signals")["strangers"] >= 1, s.alive)
    for sender in (alpha, beta, stranger):
        sender.end()


def journal(s):
    dump = tickgate("journal", "dump", s.dir / "journal", "--json")
    assert dump.returncode == 0, dump.stderr
    return [json.loads(line) for line in dump.stdout.splitlines()]


def told(s):
    """What the journal says of it all."""
    events = journal(s)
    inputs = {e["input"] for e in events if e["event"] == "SIGNAL" and e["fields"]["told"]}
    caused = [e for e in events if e["event"] == "DECISION" and e["input"] in inputs]
    assert caused, "no order was entered on a signal"
    story = tickgate("explain", "order", f"#{caused[0]['sequence']}", s.dir / "journal")
    assert story.returncode == 0 and "signal       " in story.stdout and " of alpha for BUAH" in story.stdout, story
    kinds = {e["event"] for e in events}
    assert {"SIGNAL", "SIGNAL_REFUSED", "SIGNAL_STATE", "SIGNAL_FALLBACK", "GOVERNED"} <= kinds, kinds
    refused = [e for e in events if e["event"] == "SIGNAL_REFUSED"]
    assert len(refused) < 100, "a flood is one of the journal, too"
    score = json.loads(tickgate("signals", "score", s.dir / "journal", "--json").stdout)["sources"]
    assert {row["source"] for row in score} == {"alpha", "beta"}, score
    return len(events), len(caused)


def main():
    need_programs()
    with Wire() as wire, System("signals") as s:
        configure(s, f"net_af_packet0,iface={wire.near}")
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        start_veth_exchange(s, wire.far, DAY, s.dir / "orders.jsonl", wire.prefix)
        s.wait_counters("a part of the day", lambda c: c["messages"] >= 5000)
        market(s, wire)
        text = tickgate("show", "signals", "--socket", s.socket).stdout
        assert "alpha" in text and "of strangers: " in text and "breaker" in text, text
        time.sleep(0.2)  # the last datagrams are on their way
        assert s.end("dataplane") == 0, "an unclean end"
        s.end("exchange")
        s.end("controlplane")
        done = tickgate("replay", s.dir / "journal", s.dir / "capture", "--config", s.dir / "config.yaml")
        assert done.returncode == 0 and "events are the same" in done.stdout, f"{done.stdout}{done.stderr}"
        events, orders = told(s)
    print(f"{events} events, {orders} orders on signals, and the same again")


if __name__ == "__main__":
    main()
