#!/usr/bin/env python3
"""A client of the gateway in Python: libtickgate through ctypes, nothing else.

    client.py /run/tickgate/gateway.sock desk1 AAPL session1 [price [quantity [count [hold | route]]]]

Enters an order, waits for what becomes of it, cancels it, and does that again; prints how long a round took. A closed
loop: the next order waits for the one before. With hold, <count> orders are left open until the process is ended. With route,
the order goes to whatever venues are best, <count> times, and what is left of it is cancelled.
TICKGATE_LIBRARY names the library where the system's loader does not find libtickgate.so.
"""

import ctypes
import os
import sys
import time

u8, u16, u32, u64, char = ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_char
DONE, REFUSED, REPORT, ROUTED = range(4)
BEST, SPLIT, SWEEP = range(3)
REST_END, REST_AGAIN, REST_POST = range(3)
ENDINGS = "works filled returned no_venue rounds cancelled".split()
PENDING, LIVE, UNKNOWN, DEAD = range(4)
NONE = 0xFFFF
TEXT_LEN = 96


class Options(ctypes.Structure):
    _fields_ = ([(name, u32) for name in ("min_quantity", "max_floor", "random_reserves", "expire_s", "discretion_price")] +
                [("peg_offset", ctypes.c_int32), ("discretion_offset", ctypes.c_int32), ("group", u16)] +
                [(name, char) for name in ("post_only", "customer", "price_type", "discretion_type", "trade_now", "handle",
                                           "located", "capacity", "iso", "cross")] +
                [("firm", char * 4), ("route", char * 4), ("locate_broker", char * 4), ("aiq_strategy", char),
                 ("aiq_group", char * 2), ("unused", u8)])


class Order(ctypes.Structure):
    _fields_ = [("client_id", u64), ("quantity", u32), ("price", u32), ("symbol", u16), ("venue", u8), ("side", char),
                ("time_in_force", char), ("display", char), ("unused", u8 * 2), ("options", ctypes.POINTER(Options))]


class Route(ctypes.Structure):
    _fields_ = [("client_id", u64), ("quantity", u32), ("price", u32), ("symbol", u16), ("venues", u16), ("side", char),
                ("how", u8), ("rest", u8), ("unused", u8 * 5)]


class Said(ctypes.Structure):
    _fields_ = [(name, u32) for name in ("price", "fill_price", "reason", "rounds")]


class Compared(ctypes.Structure):
    _fields_ = [("value", u64), ("limit", u64)]


class Either(ctypes.Union):
    """What a refusal has compared, where its scope is not 0, stands where the other answers have prices and reasons."""

    _anonymous_ = ("said", "compared")
    _fields_ = [("said", Said), ("compared", Compared)]


class Answer(ctypes.Structure):
    _anonymous_ = ("either",)
    _fields_ = [("client_id", u64)] + [(name, u32) for name in ("request", "order", "open", "filled", "fill_shares", "broken_shares")] + [
        ("either", Either), ("route", u32), ("refusal", u16), ("symbol", u16), ("kind", u8), ("venue", u8), ("state", u8),
        ("side", char), ("quarantined", ctypes.c_bool), ("ending", u8), ("scope", u8), ("owner", u8)]


def library():
    lib = ctypes.CDLL(os.environ.get("TICKGATE_LIBRARY", "libtickgate.so"))
    handle = ctypes.c_void_p
    for name, result, arguments in (
            ("attach", handle, (ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int))),
            ("detach", None, (handle,)),
            ("symbol", u16, (handle, ctypes.c_char_p)),
            ("venue", u16, (handle, ctypes.c_char_p)),
            ("enter", u32, (handle, ctypes.POINTER(Order))),
            ("replace", u32, (handle, u32, u64, u32, u32)),
            ("modify", u32, (handle, u32, u64, u32, char)),
            ("cancel", u32, (handle, u32, u64, u32)),
            ("route", u32, (handle, ctypes.POINTER(Route))),
            ("route_cancel", u32, (handle, u32, u64)),
            ("poll", ctypes.c_int, (handle, ctypes.POINTER(Answer))),
            ("code_text", ctypes.c_char_p, (ctypes.c_int,)),
            ("refusal_name", ctypes.c_char_p, (ctypes.c_uint,)),
            ("refusal_text", ctypes.c_char_p, (ctypes.POINTER(Answer), ctypes.c_char_p, u64)),
            ("scope_name", ctypes.c_char_p, (ctypes.c_uint,))):
        function = getattr(lib, "tickgate_" + name)
        function.restype, function.argtypes = result, arguments
    sizes = [ctypes.sizeof(structure) for structure in (Order, Options, Route, Answer)]
    assert sizes == [32, 56, 32, 64], sizes
    return lib


class Client:
    def __init__(self, socket, name):
        self.lib = library()
        code = ctypes.c_int()
        self.t = self.lib.tickgate_attach(socket.encode(), name.encode(), ctypes.byref(code))
        if not self.t:
            sys.exit(f"client: {socket}: {self.lib.tickgate_code_text(code.value).decode()}")

    def next(self):
        answer = Answer()
        while (n := self.lib.tickgate_poll(self.t, ctypes.byref(answer))) == 0:
            pass
        if n < 0:
            sys.exit(f"client: cut off: {self.lib.tickgate_code_text(n).decode()}")
        return answer

    def done(self, request):
        """What became of a request; reports on the way are passed over."""
        while (a := self.next()).kind in (REPORT, ROUTED) or a.request != request:
            pass
        if a.kind == REFUSED:
            text = self.lib.tickgate_refusal_text(ctypes.byref(a), ctypes.create_string_buffer(TEXT_LEN), TEXT_LEN)
            sys.exit(f"client: refused: {text.decode()} (scope: {self.lib.tickgate_scope_name(a.scope).decode()})")
        return a

    def reported(self, client_id, state):
        while not ((a := self.next()).kind == REPORT and a.client_id == client_id and a.state in (state, DEAD)):
            pass
        return a

    def enter(self, order):
        return self.done(self.lib.tickgate_enter(self.t, ctypes.byref(order)))

    def route(self, route):
        return self.done(self.lib.tickgate_route(self.t, ctypes.byref(route)))

    def route_cancel(self, route):
        """The end of a routed order; it may have ended by itself meanwhile."""
        self.lib.tickgate_route_cancel(self.t, route.route, route.client_id)
        while not ((a := self.next()).kind == ROUTED and a.route == route.route):
            pass
        return a


def show(what, ns):
    ns.sort()
    print(f"{what} closed_loop rounds={len(ns)} p50={ns[len(ns) // 2]} ns p99={ns[len(ns) * 99 // 100]} ns "
          f"max={ns[-1]} ns")


def routes(client, order, count):
    for client_id in range(1, count + 1):
        wish = Route(client_id=client_id, quantity=order.quantity, price=order.price, symbol=order.symbol, side=order.side,
                     how=SWEEP, rest=REST_POST)
        end = client.route_cancel(client.route(wish))
        print(f"route {client_id}: {ENDINGS[end.ending]} filled={end.filled} rounds={end.rounds}", flush=True)
    client.lib.tickgate_detach(client.t)


def main(socket, name, symbol, venue, price="1000000", quantity="100", count="1000", mode=""):
    client = Client(socket, name)
    order = Order(quantity=int(quantity), price=int(price), side=b"B", time_in_force=b"0", display=b"Y",
                  symbol=client.lib.tickgate_symbol(client.t, symbol.encode()))
    found = client.lib.tickgate_venue(client.t, venue.encode())
    if NONE in (order.symbol, found):
        sys.exit("client: no such symbol or venue")
    order.venue = found
    if mode == "route":
        return routes(client, order, int(count))
    sent, answered, live = [], [], 0
    for order.client_id in range(1, int(count) + 1):
        start = time.monotonic_ns()
        client.enter(order)
        sent.append(time.monotonic_ns() - start)
        a = client.reported(order.client_id, LIVE)
        answered.append(time.monotonic_ns() - start)
        live += a.state == LIVE
        if a.state == LIVE and mode != "hold":
            client.lib.tickgate_cancel(client.t, a.order, order.client_id, 0)
            client.reported(order.client_id, DEAD)
    if mode == "hold":
        print(f"open {live}", flush=True)
        while True:
            client.next()
    show("request_to_sent", sent)
    show("request_to_exchange_answer", answered)
    client.lib.tickgate_detach(client.t)


if __name__ == "__main__":
    if len(sys.argv) < 5:
        print("usage: client.py SOCKET CLIENT SYMBOL VENUE [PRICE QUANTITY COUNT [hold | route]]", file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:9])
