#!/usr/bin/env python3
"""Local processes trade through the gateway of a running dataplane, in C and in Python, with the exchange behind it.

Their orders rest and are cancelled, and the rounds are timed. A client that is killed, or that the dataplane leaves,
has nothing open at the exchange afterwards; strangers are sent away, and one that scribbles over its ring is cut off. At the end both sides keep the same account,
and all of it comes out once more from the capture, byte for byte.
"""

import array
import json
import mmap
import os
import pathlib
import random
import re
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, PATIENCE_S, System, need_programs, run, skip, wait_for  # noqa: E402
from trading import Exchange, Ledger, configure_memif, flat, reconcile, sections, start_memif_trade  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 100 --messages 20000 --rate 100 --end-s 2 --linger-s 120".split()  # the first is never halted
FAR = 10000  # a bid of a dollar rests
PYTHON = [sys.executable, str(pathlib.Path(__file__).resolve().parents[2] / "dataplane/gateway/examples/client.py")]
C = [str(BUILD / "examples/client")]
HELD = 5
SCRIBBLES = 5
CLIENT = """  - name: {name}
    user: {user}
    lane: lane0
    account: main
    rate_per_s: 1000000
    burst: 1000
    limits: {{open_orders: 20}}
"""


def client_sections(socket):
    users = {"alpha": os.getuid(), "beta": os.getuid(), "other": os.getuid() + 1}
    text = "".join(CLIENT.format(name=name, user=user) for name, user in users.items())
    return f"\ngateway: {{socket: {socket}}}\nclients:\n{text}"


class Clients:
    def __init__(self, system):
        self.system, self.socket = system, system.dir / "gateway.sock"
        self.log = system.dir / "orders.jsonl"

    def start(self, program, name, *argv, quantity=100):
        environment = {**os.environ, "TICKGATE_LIBRARY": str(BUILD / "libtickgate.so")}
        return subprocess.Popen([*program, str(self.socket), name, SYMBOLS[0], "nas", str(FAR), str(quantity), *map(str, argv)],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)

    def run(self, program, name, *argv, **order):
        process = self.start(program, name, *argv, **order)
        out, err = process.communicate(timeout=PATIENCE_S)
        return process.returncode, out, err

    def measured(self, program, name, rounds):
        code, out, err = self.run(program, name, rounds)
        assert code == 0, err
        for what in ("request_to_sent", "request_to_exchange_answer"):
            assert re.search(rf"^{what} closed_loop rounds={rounds} p50=\d+ ns p99=\d+ ns max=\d+ ns$", out, re.M), out
        return "; ".join(out.splitlines())

    def holding(self, program, name):
        process = self.start(program, name, HELD, "hold")
        line = process.stdout.readline()
        if line != f"open {HELD}\n":
            process.kill()
            raise AssertionError(line + process.stderr.read())
        return process

    def exchange_open(self):
        """Orders that the exchange has accepted and not ended."""
        whole = self.log.read_text().rpartition("\n")[0]  # it is being written
        events = [json.loads(line)["event"] for line in whole.splitlines()]
        return events.count("accepted") - events.count("canceled")

    def wait_open(self, count):
        wait_for(f"{count} orders at the exchange", lambda: self.exchange_open() == count, self.system.alive,
                 lambda: f"; {self.exchange_open()} are open")

    def left(self, name, why, times=1):
        wait_for(f"the end of {name}",
                 lambda: len(re.findall(f"client_left: {name}: .*{why}", self.system.log("dataplane"))) >= times,
                 self.system.alive)


def strangers(clients):
    for name, why in (("nobody", "names no such client"), ("other", "another user")):
        code, _, err = clients.run(C, name, 1)
        assert code == 3 and why in err, err
    code, _, err = clients.run(PYTHON, "other", 1)
    assert code == 1 and "another user" in err, err


def refused(clients):
    """By value, limit and scope, as everybody else reads it."""
    for program, name in ((C, "alpha"), (PYTHON, "beta")):
        code, _, err = clients.run(program, name, 1, quantity=1000000)
        assert code == 1 and "client: refused: QUANTITY_RANGE: shares=1000000 limit=999999 (scope: firm)" in err, err
    clients.left("alpha", "its process ended", times=2)
    clients.left("beta", "its process ended", times=3)


def killed(clients, program, name):
    process = clients.holding(program, name)
    clients.wait_open(HELD)
    code, _, err = clients.run(C, name, 1)
    assert code == 3 and "is attached under this name" in err, err
    process.send_signal(signal.SIGKILL)
    process.wait(PATIENCE_S)
    clients.left(name, "its process ended")
    clients.wait_open(0)


def scribble(path, seed):
    """Anything anywhere in what a client may write, also when it has been cut off. 0: and what the dataplane writes could
    neither be mapped for writing nor written."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(path)
        s.send(struct.pack("<II32s", 0x54474754, interface(), b"beta"))
        welcome, control, _, _ = s.recvmsg(64, socket.CMSG_SPACE(8))
        code, inward_bytes, outward_bytes = struct.unpack_from("<8xI4xQQ", welcome)
        if code:
            return code
        inward, outward = array.array("i", control[0][2])
        draw = random.Random(seed)
        with mmap.mmap(inward, inward_bytes) as memory:
            for n in range(20000):
                at = draw.choice((0, 64, 128)) if n % 7 == 0 else draw.randrange(inward_bytes // 4) * 4
                memory[at:at + 4] = struct.pack("<I", draw.choice((0, 1, n, 0x7FFFFFFF, draw.getrandbits(32))))
            memory[0:4] = struct.pack("<I", 0x7FFFFFFF)
        s.settimeout(PATIENCE_S)
        if s.recv(1):  # until the dataplane hangs up
            return 97
        try:
            mmap.mmap(outward, outward_bytes)
        except PermissionError:
            return 0
        return 99


def scribbler(path, seed):
    """In a process of its own, as a client with a bug would be."""
    child = os.fork()
    if child == 0:
        code = 98
        try:
            code = scribble(path, seed)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def interface():
    text = (pathlib.Path(__file__).resolve().parents[2] / "dataplane/gateway/tickgate.h").read_text()
    return int(re.search(r"TICKGATE_INTERFACE = (\d+),", text)[1])


def scribbled(clients, times):
    """Beside an honest client whose orders rest all the while."""
    honest = clients.holding(C, "alpha")
    before = len(re.findall("client_left: beta: ", clients.system.log("dataplane")))
    for seed in range(times):
        assert (code := scribbler(str(clients.socket), seed)) == 0, code
        wait_for("the end of the scribbler",
                 lambda: len(re.findall("client_left: beta: ", clients.system.log("dataplane"))) > before + seed,
                 clients.system.alive)
    clients.wait_open(HELD)
    honest.send_signal(signal.SIGKILL)
    honest.wait(PATIENCE_S)
    clients.left("alpha", "its process ended", times=4)
    clients.wait_open(0)


def routed(clients):
    """Orders to the best venue: they rest, as nobody sells that low, and are cancelled as a whole."""
    clients.left("beta", "its process ended")
    code, out, err = clients.run(PYTHON, "beta", 3, "route")
    assert code == 0, err
    assert out.splitlines() == [f"route {n}: cancelled filled=0 rounds=2" for n in (1, 2, 3)], out
    clients.left("beta", "its process ended", times=2)
    clients.wait_open(0)


def stopped(clients, system, ledger):
    """The dataplane ends while a client has orders: they are cancelled, and the client is told."""
    process = clients.holding(C, "alpha")
    clients.wait_open(HELD)
    known = clients.log.read_text().count('"event":"accepted"')
    wait_for("the records of the orders", lambda: len(ledger.collect().sent) >= known, system.alive)
    assert system.end("dataplane") == 0, "an unclean end"
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1 and "the dataplane stopped" in err, err


def replayed(system):
    """All of it once more, from what the tape has let in: scribbles, too."""
    system.end("controlplane")
    done = run(str(BUILD / "tickgate"), "replay", str(system.dir / "journal"), str(system.dir / "capture"),
               "--config", str(system.dir / "config.yaml"))
    assert done.returncode == 0 and "events are the same" in done.stdout and "later" not in done.stdout, done.stdout + done.stderr
    return done.stdout.strip()


def explained(system, ledger):
    """The story of a client's order, and of the last one that the router placed for a client."""
    directory = system.dir / "journal"

    def story(number):
        done = run(str(BUILD / "tickgate"), "explain", "order", f"#{number}", str(directory))
        assert done.returncode == 0 and "the order is over" in done.stdout, done.stdout + done.stderr
        return done.stdout

    parts = [e["fields"]["decision"] for e in ledger.events if e["event"] == "ROUTE_VENUE" and e["fields"]["decision"]]
    first = next(e["sequence"] for e in ledger.events if e["event"] == "DECISION")
    plain, routed = story(first), story(parts[-1])
    assert "strategy or client alpha, account main" in plain and "routed" not in plain, plain
    assert "strategy or client beta, account main" in routed, routed
    assert re.search(r"routed       route \d+, \w+ B 100 BUAH up to .* strategy or client beta, account main", routed), routed
    assert "A child order went there" in routed, routed


def main():
    need_programs("tickgate", "tickgate-dataplane", "tickgate-controlplane", "tickgate-exchange", "examples/client",
                  "libtickgate.so")
    if subprocess.run(["ldd", str(BUILD / "libtickgate.so")], capture_output=True, text=True).stdout.count("san"):
        skip("the library is built with a sanitizer, which Python does not load")
    with System("gateway") as s:
        clients = Clients(s)
        configure_memif(s, sections("10.0.0.1:26400", SYMBOLS, limits=", quality: suspect", strategies=False)
                        + client_sections(clients.socket)
                        + f"capture: {{ring_size: 64MiB, directory: {s.dir}/capture, file_size: 16MiB}}\n")
        start_memif_trade(s, DAY, "alice,secret,firm=ALCE", "--order-log", clients.log)
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        ledger = Ledger(s)
        wait_for("the session", lambda: ledger.collect().session_states[-1:] == ["ready"], s.alive)
        s.wait_counters("a part of the day", lambda c: c["messages"] >= 200)
        strangers(clients)
        print("C:", clients.measured(C, "alpha", 500))
        print("Python:", clients.measured(PYTHON, "beta", 200))
        routed(clients)
        refused(clients)
        killed(clients, C, "alpha")
        killed(clients, PYTHON, "beta")
        scribbled(clients, SCRIBBLES)
        ledger.collect()
        stopped(clients, s, ledger)
        ledger.collect()
        flat(s)
        assert s.end("exchange") == 0
        reconcile(ledger, Exchange(clients.log), SYMBOLS)
        events = [(e["event"], e["fields"]["code"]) for e in ledger.events if e["event"].startswith("CLIENT_")]
        left = [code for event, code in events if event == "CLIENT_LEFT"]
        # Before the scribblers, and behind them one that is killed.
        assert left[:7] == [8] * 7 and left[-1] == 8 and len(left) == 8 + SCRIBBLES, left
        assert set(left[7:-1]) <= {9, 10}, left  # an index or a request that cannot be
        print(replayed(s))
        explained(s, ledger)


if __name__ == "__main__":
    main()
