"""A second decoder and book builder, written from the texts alone and slowly: what the tests hold ours against.

ITCH 5.0 over MoldUDP64 or in a BinaryFILE, IEX DEEP 1.0 over IEX-TP; pcap with Ethernet. A message is a list of texts,
its letter first, then its fields in wire order.
"""

import gzip
import pathlib
import struct

# Fields behind the header of eleven bytes (ITCH) or behind the letter (DEEP), as the texts list them.
ITCH = {
    "S": "c", "R": "8sccIcc2scccccIc", "H": "8scc4s", "Y": "8sc", "L": "4s8sccc", "V": "QQQ", "W": "c", "K": "8sIcI",
    "J": "8sIIII", "h": "8scc", "A": "QcI8sI", "F": "QcI8sI4s", "E": "QIQ", "C": "QIQcI", "X": "QI", "D": "Q",
    "U": "QQII", "P": "QcI8sIQ", "Q": "Q8sIQc", "B": "Q", "I": "QQc8sIIIcc", "N": "8sc", "O": "8scIIIQII",
}
DEEP = {
    "S": "cq", "D": "Bq8sIqB", "H": "cq8s4s", "I": "cq8s", "O": "cq8s", "P": "Bq8sc", "E": "cq8s", "8": "Bq8sIq",
    "5": "Bq8sIq", "T": "Bq8sIqq", "B": "Bq8sIqq", "X": "cq8sq", "A": "cq8sIqqIcBIqqqq",
}


def values(parts):
    return [p.decode("latin-1").rstrip(" ") if isinstance(p, bytes) else p for p in parts]


def itch(data):
    letter = chr(data[0])
    locate, tracking, high, low = struct.unpack_from(">HHHI", data, 1)
    fields = struct.Struct(">" + ITCH[letter])
    assert len(data) == 11 + fields.size, data
    return [letter, locate, tracking, high << 32 | low, *values(fields.unpack_from(data, 11))]


def deep(data):
    letter = chr(data[0])
    return [letter, *values(struct.unpack_from("<" + DEEP[letter], data, 1))]


def blocks(data, order):
    at = 0
    while at + 2 <= len(data):
        size = struct.unpack_from(order + "H", data, at)[0]
        if at + 2 + size > len(data):
            return
        yield data[at + 2: at + 2 + size]
        at += 2 + size


def frames(data):
    """Ethernet frames of a pcap of little-endian order."""
    assert data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"), "not a pcap"
    at = 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16: at + 16 + size]
        at += 16 + size


def datagram(frame):
    """The UDP payload of a frame, or None."""
    at = 12
    while frame[at: at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    if frame[at: at + 2] != b"\x08\x00" or frame[at + 11] != 17:
        return None
    at += 2
    at += (frame[at] & 15) * 4
    return frame[at + 8: at + struct.unpack_from(">H", frame, at + 4)[0]]


def messages(path):
    """("itch" or "deep", every message of a file)."""
    data = pathlib.Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if ".pcap" not in str(path):
        return "itch", [itch(m) for m in blocks(data, ">")]
    payloads = [p for p in map(datagram, frames(data)) if p]
    if payloads[0][:4] == b"\x01\x00\x04\x80":
        return "deep", [deep(m) for p in payloads for m in blocks(p[40: 40 + struct.unpack_from("<H", p, 12)[0]], "<")]
    return "itch", [itch(m) for p in payloads for m in blocks(p[20:], ">")]


class Books:
    """Orders by reference, levels by adding them up at the end."""

    def __init__(self):
        self.orders = {}  # reference: [locate, side, shares, price]
        self.names = {}  # by locate
        self.executed = self.printed = self.unknown = 0

    def reduce(self, reference, shares):
        order = self.orders.get(reference)
        if order is None:
            self.unknown += 1
            return
        order[2] -= shares
        if order[2] <= 0:
            del self.orders[reference]

    def execute(self, reference, shares, prints):
        self.executed += shares
        self.printed += shares if prints else 0
        self.reduce(reference, shares)

    def apply(self, m):
        kind, locate, body = m[0], m[1], m[4:]
        if kind in "AF":
            self.names.setdefault(locate, body[3])
            self.orders[body[0]] = [locate, body[1], body[2], body[4]]
        elif kind == "R":
            self.names.setdefault(locate, body[0])
        elif kind == "E":
            self.execute(body[0], body[1], True)
        elif kind == "C":
            self.execute(body[0], body[1], body[3] == "Y")
        elif kind == "X":
            self.reduce(body[0], body[1])
        elif kind == "D":
            self.reduce(body[0], 1 << 32)
        elif kind == "U":
            old = self.orders.pop(body[0], None)
            self.unknown += old is None
            if old:
                self.orders[body[1]] = [old[0], old[1], body[2], body[3]]
        elif kind == "P":
            self.printed += body[2]

    def levels(self):
        """{(locate, side): {price: [shares, orders]}}"""
        sides = {}
        for locate, side, shares, price in self.orders.values():
            level = sides.setdefault((locate, side), {}).setdefault(price, [0, 0])
            level[0] += shares
            level[1] += 1
        return sides

    def symbols(self):
        return sorted(self.names.items())


class LevelBooks:
    """IEX DEEP: sizes of levels; symbols in the order in which they are first named."""

    def __init__(self):
        self.names = {}
        self.sides = {}
        self.executed = self.printed = self.unknown = 0
        self.orders = ()

    def apply(self, m):
        if m[0] in "SE":
            return
        symbol = self.names.setdefault(m[3], len(self.names))
        if m[0] in "85":
            levels = self.sides.setdefault((symbol, "B" if m[0] == "8" else "S"), {})
            if m[4]:
                levels[m[5]] = [m[4], 0]
            else:
                del levels[m[5]]
        elif m[0] == "T":
            self.printed += m[4]

    def levels(self):
        return self.sides

    def symbols(self):
        return sorted((number, name) for name, number in self.names.items())


def books_of(path):
    """(books, messages) of a file."""
    kind, all_messages = messages(path)
    books = Books() if kind == "itch" else LevelBooks()
    for m in all_messages:
        books.apply(m)
    return books, all_messages


def rows(books):
    """What tickgate-book prints below its heading."""
    levels = books.levels()
    out = []
    for number, name in books.symbols():
        row = name
        for side, best in (("B", max), ("S", min)):
            there = levels.get((number, side))
            if there:
                price = best(there)
                # Price levels do not say how many orders they are.
                row += f",{price // 10000}.{price % 10000:04d},{there[price][0]},{there[price][1] or ''}"
            else:
                row += ",,,"
        if not row.endswith(",,,,,,"):
            out.append(row)
    return out
