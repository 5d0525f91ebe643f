#!/usr/bin/env python3
# beside others
"""Files of another format, as a person meets them: what was expected, what was found, what to do, exit code 1.

pcap, pcapng, gz and BinaryFILE to tickgate-book and as the exchange's source; and captures of which only a part is
foreign, which still give the same books.
"""

import gzip
import pathlib
import struct
import subprocess
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, SHARED, System, need_programs, write_day  # noqa: E402

FAILED = 1
ITCH, DEEP = "ITCH 5.0 over MoldUDP64", "DEEP 1.0 over IEX-TP"
REMEDY = "name a capture of one of these feeds"
SESSION = b"TICKGATE01"


def frame(payload, udp_port=26477, protocol=17):
    udp = struct.pack(">HHHH", 9, udp_port, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, protocol, 0, bytes((10, 0, 0, 1)),
                     bytes((233, 54, 12, 111)))
    return bytes.fromhex("01005e360c6f020000000001") + b"\x08\x00" + ip + udp


def pcap(frames):
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for number, data in enumerate(frames):
        out += struct.pack("<IIII", number // 1000, number % 1000 * 1000, len(data), len(data)) + data
    return out


def pcapng(frames):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        length = struct.pack("<I", len(body) + 12)
        return struct.pack("<I", kind) + length + body + length

    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 0))
    for number, data in enumerate(frames):
        out += block(6, struct.pack("<IIIII", 0, 0, number, len(data), len(data)) + data)
    return out


def mold(day, messages_a_packet=10):
    """The messages of a BinaryFILE as packets of MoldUDP64."""
    at, sequence, frames = 0, 1, []
    while at < len(day):
        start, count = at, 0
        while at < len(day) and count < messages_a_packet:
            at += 2 + struct.unpack_from(">H", day, at)[0]
            count += 1
        frames.append(frame(SESSION + struct.pack(">QH", sequence, count) + day[start:at]))
        sequence += count
    return frames


def iex(protocol, blocks=b"", count=0):
    return frame(struct.pack("<BBHIIHHQQQ", 1, 0, protocol, 1, 7, len(blocks), count, 0, 1, 0) + blocks, 10378)


def run(program, *argv):
    return subprocess.run([str(BUILD / program), *map(str, argv)], capture_output=True, text=True, timeout=60)


def refused(what, done, *words):
    assert done.returncode == FAILED, f"{what}: exit code {done.returncode}: {done.stderr}"
    assert done.stdout == "", f"{what}: data on stdout: {done.stdout[:200]}"
    for word in words:
        assert word in done.stderr, f"{what}: '{word}' is not in: {done.stderr}"


def foreign(s):
    other = [frame(struct.pack("<IQHH", number, 1 << 60, 64, 11) + bytes(range(60)), 14340) for number in range(1, 6)]
    other_itch = [frame(SESSION + struct.pack(">QHH", 1, 1, 13) + b"S" + bytes(12))]
    tcp = [frame(b"OUCH", protocol=6)]
    udp = [ITCH, DEEP, "5 datagrams", "the first: 76 bytes to 233.54.12.111:14340, 01 00 00 00", REMEDY]
    cases = [
        ("other.pcap", pcap(other), udp),
        ("other.pcapng", pcapng(other), udp),
        ("other.pcap.gz", gzip.compress(pcap(other)), udp),
        ("other.pcapng.gz", gzip.compress(pcapng(other)), udp),
        ("itch41.pcap", pcap(other_itch), [ITCH, "1 datagrams", "35 bytes", REMEDY]),
        ("tops.pcap", pcap([iex(0x8003)]), [DEEP, "IEX-TP with messages of protocol 0x8003", REMEDY]),
        ("tcp.pcap", pcap(tcp), [ITCH, "0 datagrams", "1 frames that are no UDP", REMEDY]),
        ("empty.pcap", pcap([]), [ITCH, "0 datagrams", "0 frames", REMEDY]),
        ("text.itch", b"%PDF-1.4 and so on", ["BinaryFILE of ITCH 5.0", "length 9552", "type 0x44", "unpack"]),
        ("text.itch.gz", gzip.compress(b"%PDF-1.4 and so on"), ["BinaryFILE of ITCH 5.0", "type 0x44", "unpack"]),
        ("short.itch", struct.pack(">HB", 12, ord("S")), ["BinaryFILE of ITCH 5.0", "3 bytes and no whole message"]),
    ]
    for name, data, words in cases:
        path = s.dir / name
        path.write_bytes(data)
        refused(name, run("tickgate-book", path), str(path), *words)
    for name, words in (("cme/mdp3_ab_20161112.pcapng.gz", ["10000 datagrams"]),
                        ("ouch-pcap/EnterOrderMessage.pcap", ["1 frames that are no UDP"])):
        if (SHARED / "data" / name).exists():
            cases.append(name)
            refused(name, run("tickgate-book", SHARED / "data" / name), name, ITCH, DEEP, REMEDY, *words)
    return len(cases)


def source(s):
    """The exchange replays any datagrams; without one there is nothing to replay."""
    line = ("--line", "A=127.0.0.1:26477", "--end-s", "0", "--source")
    cases = (("tcp.pcap", (), ["expected UDP datagrams", "found 1 frames", "record"]),
             ("empty.pcap", (), ["expected UDP datagrams", "found 0 frames"]),
             ("other.pcap", ("--filter", "dst host 1.2.3.4"), ["found 0 frames that match --filter", "widen"]),
             ("text.itch.gz", (), ["expected a BinaryFILE", "type 0x44", "unpack"]))
    for name, more, words in cases:
        done = run("tickgate-exchange", *line, s.dir / name, *more)
        refused(f"source {name}", done, name, "found", *words)
    return len(cases)


def partly_foreign(s):
    day = write_day(s.dir, "--seed 31 --symbols 50 --live 2000 --messages 20000".split())
    want = run("tickgate-book", day)
    frames = mold(day.read_bytes())
    beats = [frame(SESSION + struct.pack(">QH", 20001, kind)) for kind in (0, 0xFFFF)]
    noise = [frame(bytes([number]) * (10 + number), 53) for number in range(200)]
    tops = [iex(0x8003) for _ in range(10)]
    mixed = [piece for pair in zip(frames, noise + tops) for piece in pair] + frames[len(noise + tops):] + beats
    for name, data in (("clean.pcap", pcap(frames)), ("mixed.pcapng.gz", gzip.compress(pcapng(mixed)))):
        (s.dir / name).write_bytes(data)
        got = run("tickgate-book", s.dir / name)
        assert got.returncode == 0 and got.stdout == want.stdout, f"{name}: other books: {got.stderr}"
        assert ("210 datagrams are of something else" in got.stderr) == name.startswith("mixed"), got.stderr
    return 2


def out_of_order(s):
    """The packet with the first message is not the first that arrives; a record that cannot be ends the file, by name."""
    day = write_day(s.dir, "--seed 31 --symbols 50 --live 2000 --messages 20000".split())
    frames = mold(day.read_bytes())
    (s.dir / "swapped.pcap").write_bytes(pcap([frames[1], frames[0], *frames[2:]]))
    got = run("tickgate-book", s.dir / "swapped.pcap")
    assert got.returncode == 0 and got.stdout == run("tickgate-book", day).stdout, f"swapped: other books: {got.stderr}"
    nonsense = struct.pack("<IIII", 0, 0, 1 << 30, 1 << 30) + bytes(100)
    (s.dir / "damaged.pcap").write_bytes(pcap(frames[:500]) + nonsense)
    (s.dir / "whole.pcap").write_bytes(pcap(frames[:500]))
    got = run("tickgate-book", s.dir / "damaged.pcap")
    assert got.returncode == 0 and got.stdout == run("tickgate-book", s.dir / "whole.pcap").stdout, got.stderr
    assert "truncated: invalid packet capture length 1073741824" in got.stderr, got.stderr
    return 2


def packed(s):
    """A gz file that is cut, damaged or made of several: what comes before counts, and a damaged one is an error too."""
    day = write_day(s.dir, "--seed 31 --symbols 50 --live 2000 --messages 20000".split())
    data = day.read_bytes()
    half = len(data) // 2
    gz = s.dir / "day.itch.gz"

    def books_of(content):
        gz.write_bytes(content)
        return run("tickgate-book", gz)

    whole = run("tickgate-book", day)
    several = books_of(gzip.compress(data[:half]) + gzip.compress(data[half:]))
    assert several.returncode == 0 and several.stdout == whole.stdout, f"two members: {several.stderr}"
    (s.dir / "half.itch").write_bytes(data[:half])
    before = run("tickgate-book", s.dir / "half.itch")
    # The next block names a length that its complement denies (RFC 1951, section 3.2.4).
    stored = zlib.compressobj(0, zlib.DEFLATED, 31)
    content = stored.compress(data[:half]) + stored.flush(zlib.Z_FULL_FLUSH)
    damaged = books_of(content + b"\0\x01\x02\x03\x04" + bytes(100))
    assert damaged.returncode == FAILED and damaged.stdout == before.stdout, f"damaged: {damaged.stderr}"
    assert "damaged at byte" in damaged.stderr and "its books" in damaged.stderr, damaged.stderr
    cut = books_of(content)
    assert cut.returncode == 0 and cut.stdout == before.stdout and "the gz file ends early" in cut.stderr, cut.stderr
    flipped = bytearray(gzip.compress(data))
    flipped[-5] ^= 1  # of the checksum: everything is there, and nothing says that it is right
    wrong = books_of(flipped)
    assert wrong.returncode == FAILED and wrong.stdout == whole.stdout and "incorrect data check" in wrong.stderr, wrong.stderr
    return 4


def main():
    need_programs("tickgate-book", "tickgate-exchange")
    with System("files") as s:
        done = foreign(s) + source(s) + partly_foreign(s) + out_of_order(s) + packed(s)
    print(f"{done} cases")


if __name__ == "__main__":
    main()
