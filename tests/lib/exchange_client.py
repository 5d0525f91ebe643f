"""A member of the exchange with a codec of its own: SoupBinTCP, OUCH 5.0 and 4.2, written from the specifications with
nothing but struct. Also what a market for it to trade in needs: a BinaryFILE, and a capture for a second decoder."""

import select
import socket
import struct
import time

PATIENCE_S = 20

# Outbound messages: names and struct formats. 5.0: an appendage follows where the format ends in <n>.
OUT = {
    "5.0": {
        "S": ("time code", ">Qc"),
        "A": ("time ref side quantity symbol price tif display reference capacity sweep cross state token n", ">QIcI8sQccQcccc14sH"),
        "U": ("time original ref side quantity symbol price tif display reference capacity sweep cross state token n",
              ">QIIcI8sQccQcccc14sH"),
        "C": ("time ref quantity code", ">QIIc"),
        "E": ("time ref quantity price liquidity match n", ">QIIQcQH"),
        "B": ("time ref match code token", ">QIQc14s"),
        "J": ("time ref reason token", ">QIH14s"),
        "M": ("time ref side quantity", ">QIcI"),
        "Q": ("time ref", ">QI"),
    },
    "4.2": {
        "S": ("time code", ">Qc"),
        "A": ("time token side quantity symbol price tif firm display reference capacity sweep minimum cross state bbo",
              ">Q14scI8sII4scQccIccc"),
        "U": ("time token side quantity symbol price tif firm display reference capacity sweep minimum cross state "
              "original bbo", ">Q14scI8sII4scQccIcc14sc"),
        "C": ("time token quantity code", ">Q14sIc"),
        "E": ("time token quantity price liquidity match", ">Q14sIIcQ"),
        "J": ("time token reason", ">Q14sc"),
    },
}


def connected(address):
    """A connection, as soon as the exchange is there to take it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return socket.create_connection(address, timeout=PATIENCE_S)
        except OSError:  # nobody listens yet, or nobody answers for the address
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Member:
    def __init__(self, protocol, address, user, password):
        self.protocol, self.address, self.user, self.password = protocol, address, user, password
        self.session, self.next = "", 1
        self.messages = []  # payloads of all sequenced packets ever seen, in the order of their numbers
        self.sent = []  # (from us?, bytes) of the present connection
        self.position, self.fills = {}, []
        self.orders = {}  # reference of ours -> symbol and side
        self.heartbeats = 0
        self.socket = None

    # --- SoupBinTCP ---

    def packet(self, kind, payload=b""):
        data = struct.pack(">Hc", len(payload) + 1, kind) + payload
        self.socket.sendall(data)
        self.sent.append((True, data))

    def exactly(self, count):
        data = b""
        while len(data) < count:
            chunk = self.socket.recv(count - len(data))
            if not chunk:
                raise EOFError("the exchange has closed the connection")
            data += chunk
        return data

    def receive(self):
        (length,) = struct.unpack(">H", head := self.exactly(2))
        body = self.exactly(length)
        self.sent.append((False, head + body))
        return body[:1], body[1:]

    def login(self, session=None, sequence=None):
        """The type of the answer; after a welcome its session and number are taken over."""
        self.socket = connected(self.address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = []
        session = self.session if session is None else session
        sequence = self.next if sequence is None else sequence
        texts = (self.user.ljust(6), self.password.ljust(10), session.rjust(10), str(sequence).rjust(20))
        self.packet(b"L", "".join(texts).encode())
        kind, payload = self.receive()
        if kind == b"A":
            self.session, self.next = payload[:10].decode().strip(), int(payload[10:])
        return kind, payload

    def closed(self):
        """Reads to the end of the connection."""
        try:
            while True:
                kind, payload = self.receive()
                if kind == b"S":
                    self.take(payload)
        except (EOFError, ConnectionResetError):
            self.socket.close()
            return True

    # --- OUCH ---

    def take(self, payload):
        if self.next > len(self.messages):
            self.messages.append(payload)
        else:
            assert self.messages[self.next - 1] == payload, "another message under a number that was used before"
        self.next += 1

    def expect(self, kind):
        """The next sequenced message, which must be of this type, as a dictionary."""
        while True:
            packet, payload = self.receive()
            if packet == b"H":
                self.heartbeats += 1
                continue
            assert packet == b"S", (packet, payload)
            self.take(payload)
            got = self.decode(payload)
            assert got["type"] == kind, f"{kind} is expected, {got} came"
            self.count(got)
            return got

    def quiet(self, seconds=0.3):
        """Nothing but heartbeats comes for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left)[0]:
                packet, payload = self.receive()
                assert packet == b"H", (packet, payload)
                self.heartbeats += 1

    def decode(self, payload):
        kind = payload[:1].decode()
        names, form = OUT[self.protocol][kind]
        size = struct.calcsize(form)
        got = dict(zip(names.split(), struct.unpack(form, payload[1 : 1 + size])), type=kind)
        options = {}
        if "n" in got:
            at, end = 1 + size, 1 + size + got["n"]
            while at < end:
                options[payload[at + 1]] = payload[at + 2 : at + 1 + payload[at]]
                at += 1 + payload[at]
            size = end - 1
        assert len(payload) == 1 + size, f"{kind} has {len(payload)} bytes, not {1 + size}"
        return dict(got, options=options)

    def key(self, got):
        return got["ref"] if self.protocol == "5.0" else got["token"]

    def count(self, got):
        if got["type"] in "AU":
            self.orders[self.key(got)] = (got["symbol"].decode().strip(), got["side"])
        if got["type"] == "E":
            symbol, side = self.orders[self.key(got)]
            shares = got["quantity"] if side == b"B" else -got["quantity"]
            self.position[symbol] = self.position.get(symbol, 0) + shares
            self.fills.append((got["match"], symbol, shares, got["price"]))

    def enter(self, ref, side, quantity, symbol, price, options=b""):
        if self.protocol == "5.0":
            message = struct.pack(">cIcI8sQ5c14sH", b"O", ref, side, quantity, symbol.ljust(8).encode(), price, b"0", b"Y",
                                  b"P", b"N", b"N", f"C{ref}".ljust(14).encode(), len(options)) + options
        else:
            message = struct.pack(">c14scI8sII4scccIcc", b"O", self.token(ref), side, quantity, symbol.ljust(8).encode(),
                                  price, 99998, b"    ", b"Y", b"P", b"N", 0, b"N", b"N")
        self.packet(b"U", message)

    def token(self, ref):
        return f"TOK{ref}".ljust(14).encode()

    def replace(self, original, ref, quantity, price):
        if self.protocol == "5.0":
            message = struct.pack(">cIIIQ3c14sH", b"U", original, ref, quantity, price, b"0", b"Y", b"N",
                                  f"C{ref}".ljust(14).encode(), 0)
        else:
            message = struct.pack(">c14s14sIIIccI", b"U", self.token(original), self.token(ref), quantity, price, 99998,
                                  b"Y", b"N", 0)
        self.packet(b"U", message)

    def cancel(self, ref, quantity):
        key = struct.pack(">I", ref) if self.protocol == "5.0" else self.token(ref)
        self.packet(b"U", b"X" + key + struct.pack(">I", quantity))


def itch(kind, locate, seconds, *rest):
    return struct.pack(">cHH", kind, locate, 0) + (seconds * 10**9).to_bytes(6, "big") + b"".join(rest)


def day_write(path, symbols, orders, between=()):
    """A BinaryFILE: the start of a day, <symbols> (names; the first has locate 1) trading, messages in <between>, and <orders>
    (locate, reference, side, shares, price)."""
    day = [itch(b"S", 0, 4 * 3600, b"O"), itch(b"S", 0, 4 * 3600, b"S")]
    for locate, name in enumerate(symbols, 1):
        stock = name.ljust(8).encode()
        day.append(itch(b"R", locate, 4 * 3600, stock, b"QN", struct.pack(">I", 100), b"NCZ PNN1N", struct.pack(">I", 0), b"N"))
        day.append(itch(b"H", locate, 4 * 3600, stock, b"T     "))
    day += [itch(b"S", 0, 34200, b"Q"), *between]
    for locate, reference, side, shares, price in orders:
        stock = symbols[locate - 1].ljust(8).encode()
        day.append(itch(b"A", locate, 36000, struct.pack(">QcI8sI", reference, side, shares, stock, price)))
    path.write_bytes(b"".join(struct.pack(">H", len(m)) + m for m in day))
    return day


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def capture_write(path, pieces, port):
    """The bytes of a connection, (from the client?, bytes), as a pcap of TCP segments."""
    numbers = {True: 1, False: 1}
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i, (ours, data) in enumerate(pieces):
            ports = (40000, port) if ours else (port, 40000)
            tcp = struct.pack(">HHIIBBHHH", *ports, numbers[ours], numbers[not ours], 0x50, 0x18, 65535, 0, 0)
            numbers[ours] += len(data)
            ends = (b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x02") if ours else (b"\x0a\x00\x00\x02", b"\x0a\x00\x00\x01")
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(data), i, 0x4000, 64, 6, 0, *ends)
            ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
            frame = b"\x02" * 6 + b"\x04" * 6 + b"\x08\x00" + ip + tcp + data
            f.write(struct.pack("<IIII", i, 0, len(frame), len(frame)) + frame)
