"""Orders of a test, one at a time: a client of the gateway of a running dataplane that says what became of each, and a market
that stands still but for what they do to it.

An answer has the code of a refusal. What it was held to stands in the record: `refused` looks it up in a Ledger.
"""

import ctypes
import importlib.util
import os
import pathlib
import sys
import time

from exchange_client import day_write, itch
from system import BUILD, PATIENCE_S, run, skip, wait_for

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "dataplane/gateway/examples/client.py"
LINE = "A=233.54.12.111:26477"
CHANNEL = {"nasdaq": {"symbols": 100, "orders": 50000,
                      "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]"}}
BID, ASK = 100000, 100200  # of every symbol; 1000 shares each


def need_library():
    """libtickgate for Python."""
    if not (BUILD / "libtickgate.so").exists():
        skip(f"{BUILD / 'libtickgate.so'} is not built")
    if "san" in run("ldd", str(BUILD / "libtickgate.so")).stdout:
        skip("the library is built with a sanitizer, which Python does not load")


def example():
    os.environ["TICKGATE_LIBRARY"] = str(BUILD / "libtickgate.so")
    spec = importlib.util.spec_from_file_location("gateway_example", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, was = True, sys.dont_write_bytecode
    spec.loader.exec_module(module)
    sys.dont_write_bytecode = was
    return module


def sections(system, symbols, accounts, clients, trading="limits: {}", sessions=(("nas", "alice"), ("two", "bob")), session=""):
    """What trades, of one lane. <symbols>, <accounts>: rows; <clients>: (name, account, limits)."""
    text = f"trading: {{{trading}}}\naccounts:\n" + "".join(f"  - {{{row}}}\n" for row in accounts)
    text += "symbols:\n" + "".join(f"  - {{{row}}}\n" for row in symbols) + "sessions:\n"
    for name, user in sessions:
        text += f"  - {{name: {name}, server: '10.0.0.1:26400', port: md0, lane: lane0, channel: nasdaq, username: {user}, "
        text += f"password: secret, account: house, retry_ms: 50, retry_max_ms: 200{session}}}\n"
    text += f"gateway: {{socket: {system.dir}/gateway.sock}}\nclients:\n"
    for name, account, limits in clients:
        text += f"  - {{name: {name}, user: {os.getuid()}, lane: lane0, account: {account}, rate_per_s: 100000, burst: 1000, "
        text += f"limits: {{{limits}}}}}\n"
    return text


def configure(system, *what, more="", **keys):
    return system.configure({"md0": {"device": system.memif, "ip": "10.0.0.2"}}, CHANNEL,
                            sections(system, *what, **keys) + more)


def still_market(system, symbols, short_restricted=()):
    """A day in which every symbol has one order a side and nothing happens, as arguments of the exchange. Rule 201 is in force
    for some of them."""
    path = system.dir / "day.itch"
    orders = [(locate, 10 * locate + side, b"BS"[side:side + 1], 1000, (BID, ASK)[side])
              for locate in range(1, len(symbols) + 1) for side in (0, 1)]
    rules = [itch(b"Y", symbols.index(name) + 1, 34200, name.ljust(8).encode(), b"1") for name in short_restricted]
    day_write(path, symbols, orders, rules)
    return ["--mode", "trade", "--source", path, "--rate", "1000", "--linger-s", "600", "--end-s", "1", "--line", LINE]


def start(system, symbols, *argv, short_restricted=()):
    """Exchange, dataplane, control plane, as configured; when it answers every book is there and all sessions are ready."""
    members = [word for user in ("alice", "bob") for word in ("--member", f"{user},secret,firm=ALCE")]
    system.start_memif_exchange(*still_market(system, symbols, short_restricted), "--orders-on-port", "26400",
                                "--order-log", system.dir / "orders.jsonl", *members, *argv)
    system.start_dataplane()
    system.start_controlplane()
    system.wait_ready()
    system.wait_counters("the books", lambda c: c["messages"] >= 3 + 4 * len(symbols) + len(short_restricted))
    wait_for("the sessions", lambda: all(row["state"] == "ready" for row in system.ask("show", "sessions")["sessions"]), system.alive)


class Signal(ctypes.Structure):
    _fields_ = [("as_of_ns", ctypes.c_uint64), ("sequence", ctypes.c_uint64), ("value", ctypes.c_int64 * 4),
                ("horizon_ms", ctypes.c_uint32), ("ttl_ms", ctypes.c_uint32), ("symbol", ctypes.c_uint16),
                ("confidence", ctypes.c_uint16), ("unused", ctypes.c_uint32)]


VERDICTS = "taken format duplicate back future late rate symbol confidence breaker record sender".split()


class Desk:
    """One client. Orders are named by the number that `enter` made for them."""

    def __init__(self, system, name):
        self.m = example()
        self.system, self.lib = system, self.m.library()
        self.numbers, self.reports, self.ids, self.last = 0, {}, {}, None
        code = ctypes.c_int()
        self.t = self.lib.tickgate_attach(str(system.dir / "gateway.sock").encode(), name.encode(), ctypes.byref(code))
        assert self.t, f"{name}: {self.lib.tickgate_code_text(code.value).decode()}"

    def next(self, until):
        answer = self.m.Answer()
        while (n := self.lib.tickgate_poll(self.t, ctypes.byref(answer))) == 0:
            self.system.alive()
            assert time.monotonic() < until, "the gateway gives no answer"
            time.sleep(0.001)
        assert n > 0, f"cut off: {self.lib.tickgate_code_text(n).decode()}"
        if answer.kind == self.m.REPORT:
            self.reports[answer.client_id] = answer
        return answer

    def done(self, request):
        """"" or the code of the refusal, and the answer."""
        until = time.monotonic() + PATIENCE_S
        assert request, "the ring of requests is full"
        while (a := self.next(until)).kind == self.m.REPORT or a.request != request:
            pass
        name = self.lib.tickgate_refusal_name(a.refusal).decode() if a.kind == self.m.REFUSED else ""
        return name, a

    def enter(self, symbol, side, quantity, price, venue="nas", tif="0", **options):
        """"" where it has left, else the code of its refusal; `self.numbers` is its number."""
        self.numbers += 1
        order = self.m.Order(client_id=self.numbers, quantity=quantity, price=price, side=side.encode(),
                             time_in_force=tif.encode(), display=b"Y")
        order.symbol = self.lib.tickgate_symbol(self.t, symbol.encode())
        order.venue = self.lib.tickgate_venue(self.t, venue.encode())
        if options:
            order.options = ctypes.pointer(self.m.Options(**options))
        refusal, a = self.done(self.lib.tickgate_enter(self.t, ctypes.byref(order)))
        self.ids[self.numbers] = a.order
        self.last = a
        return refusal

    def report(self, number, ready):
        """The newest report of an order that <ready> takes."""
        until = time.monotonic() + PATIENCE_S
        while not (number in self.reports and ready(self.reports[number])):
            self.next(until)
        return self.reports[number]

    def live(self, number=None):
        """The exchange has it; `dead` says that it never took it."""
        a = self.report(number or self.numbers, lambda a: a.state in (self.m.LIVE, self.m.DEAD))
        return "live" if a.state == self.m.LIVE else "dead"

    def dead(self, number=None):
        """The order is over: what has executed."""
        return self.report(number or self.numbers, lambda a: a.state == self.m.DEAD).filled

    def rests(self, *order, **options):
        """Enters what has to pass and to rest, and answers its number."""
        refusal = self.enter(*order, **options)
        assert refusal == "", f"{order}: {refusal}"
        assert self.live() == "live", order
        return self.numbers

    def cancel(self, number, total=0):
        return self.done(self.lib.tickgate_cancel(self.t, self.ids[number], number, total))[0]

    def away(self, *numbers):
        for number in numbers:
            assert self.cancel(number) == "", number
            self.dead(number)

    def replace(self, number, total, price):
        refusal, a = self.done(self.lib.tickgate_replace(self.t, self.ids[number], number, total, price))
        return refusal

    def signal(self, symbol, sequence, seconds=0.0, ttl_ms=1000, confidence=9000):
        """A word of VERDICTS about a signal that was made so many seconds from now."""
        signal = Signal(as_of_ns=time.time_ns() + int(seconds * 1e9), sequence=sequence, horizon_ms=100, ttl_ms=ttl_ms,
                        symbol=self.lib.tickgate_symbol(self.t, symbol.encode()), confidence=confidence)
        send = self.lib.tickgate_signal
        send.restype, send.argtypes = ctypes.c_uint32, (ctypes.c_void_p, ctypes.POINTER(Signal))
        refusal, a = self.done(send(self.t, ctypes.byref(signal)))
        assert refusal in ("", "SIGNAL"), refusal
        return VERDICTS[a.reason] if refusal else "taken"

    def detach(self):
        self.lib.tickgate_detach(self.t)


def refused(ledger, strategy, number):
    """The record of a client's order: code, value, limit, whose limit, version of the table."""
    f = next(f for f in reversed(ledger.collect().of("DECISION")) if f["client_id"] == number and f["strategy"] == strategy)
    return f["refusal"], f["value"], f["limit"]
