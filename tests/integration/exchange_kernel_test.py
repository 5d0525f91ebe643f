#!/usr/bin/env python3
"""The exchange as a process over loopback: a receiver with nothing but sockets gets the whole day back.

Both lines lose packets, some of them the same ones; what is missing is asked for again. The result must be, byte for
byte, the day that the exchange writes to a file for the same seed; the summary must say what arrived; a snapshot must
hold the orders that the file leaves.
"""

import json
import os
import pathlib
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time

SESSION = b"LOOPBACK"
GROUPS = {"A": "239.77.1.1", "B": "239.77.1.2"}
DAY = "--seed 5 --symbols 300 --live 8000 --messages 100000".split()
TIMEOUT_S = 120


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def line_socket(group, port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    s.bind((group, port))
    try:
        member = socket.inet_aton(group) + socket.inet_aton("127.0.0.1")
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    except OSError as e:
        skip(f"no multicast on the loopback interface: {e}")
    s.setblocking(False)
    return s


def blocks(packet):
    """(first sequence number, count field, messages) of a MoldUDP64 packet."""
    session, sequence, count = struct.unpack_from(">10sQH", packet)
    assert session.rstrip() == SESSION, session
    messages, at = [], 20
    while at < len(packet):
        (length,) = struct.unpack_from(">H", packet, at)
        messages.append(packet[at + 2 : at + 2 + length])
        at += 2 + length
    assert at == len(packet) and (count in (0, 0xFFFF) or count == len(messages)), "malformed packet"
    return sequence, count, messages


def day_messages(path):
    data, at = path.read_bytes(), 0
    while at < len(data):
        (length,) = struct.unpack_from(">H", data, at)
        yield data[at + 2 : at + 2 + length]
        at += 2 + length


def live_orders(messages):
    """Reference -> (side, shares, price) of what rests after all of them."""
    orders = {}
    for m in messages:
        kind = chr(m[0])
        if kind not in "AFECXDU":
            continue
        (reference,) = struct.unpack_from(">Q", m, 11)
        if kind in "AF":
            orders[reference] = [m[19:20], *struct.unpack_from(">I8xI", m, 20)]
        elif kind == "D":
            del orders[reference]
        elif kind == "U":
            side = orders.pop(reference)[0]
            new, shares, price = struct.unpack_from(">QII", m, 19)
            orders[new] = [side, shares, price]
        else:
            orders[reference][1] -= struct.unpack_from(">I", m, 19)[0]
            if orders[reference][1] == 0:
                del orders[reference]
    return orders


def receive(sockets, process):
    """Messages by number, packets of each line, and the number after the last message."""
    got, packets, end, deadline = {}, dict.fromkeys(sockets, 0), 0, time.monotonic() + TIMEOUT_S
    ended = set()
    while len(ended) < len(sockets):
        assert time.monotonic() < deadline and process.poll() is None, "no end of session"
        ready, _, _ = select.select(list(sockets.values()), [], [], 0.2)
        for name, s in sockets.items():
            while s in ready:
                try:
                    sequence, count, messages = blocks(s.recv(2048))
                except BlockingIOError:
                    break
                if count == 0xFFFF:
                    ended.add(name)
                    end = sequence
                packets[name] += bool(messages)
                got.update(enumerate(messages, sequence))
    return got, packets, end


def recover(got, end, port):
    """Asks for every run of missing messages; answers how many messages came that way."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    recovered = 0
    for sequence in range(1, end):
        if sequence in got:
            continue
        missing = next(n for n in range(sequence, end + 1) if n in got or n == end) - sequence
        s.sendto(struct.pack(">10sQH", SESSION.ljust(10), sequence, missing), ("127.0.0.1", port))
        first, count, messages = blocks(s.recv(2048))
        assert first == sequence and 1 <= count <= missing, "an answer to another question"
        got.update(enumerate(messages, first))
        recovered += count
    return recovered


def snapshot(port):
    """Orders of a GLIMPSE spin, and the number to go on with."""
    s = socket.create_connection(("127.0.0.1", port), timeout=30)
    s.sendall(struct.pack(">Hc6s10s10s20s", 47, b"L", b" " * 6, b" " * 10, b" " * 10, b"1".rjust(20)))
    data = b""
    while chunk := s.recv(1 << 20):
        data += chunk
    packets, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from(">H", data, at)
        packets.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    assert packets[0][:1] == b"A" and packets[-1] == b"Z", "login or end of session missing"
    spin = [p[1:] for p in packets[1:-1] if p[:1] == b"S"]
    assert spin[-1][:1] == b"G"
    return live_orders(m for m in spin if m[:1] in b"AF"), int(spin[-1][1:])


def main():
    exchange = pathlib.Path(os.environ.get("TICKGATE_BUILD", "build")) / "tickgate-exchange"
    if not exchange.exists():
        skip(f"{exchange} is not built")
    port, ask, glimpse = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    with tempfile.TemporaryDirectory() as folder:
        day, summary = pathlib.Path(folder) / "day.itch", pathlib.Path(folder) / "summary.json"
        subprocess.run([exchange, *DAY, "--write", day], check=True, timeout=TIMEOUT_S, stdout=subprocess.DEVNULL)
        sockets = {name: line_socket(group, port) for name, group in GROUPS.items()}
        lines = [f"--line={name}={group}:{port}" for name, group in GROUPS.items()]
        faults = "--loss A=1% --loss B=2% --loss both=0.3% --duplicate A=1% --reorder B=1%,4 --skew-us B=0..300".split()
        services = ["--rerequest", f"127.0.0.1:{ask}", "--glimpse", f"127.0.0.1:{glimpse}"]
        rest = ["--interface", "lo", "--rate", "100000", "--session", SESSION.decode(), "--heartbeat-ms", "100"]
        command = [exchange, *DAY, *lines, *faults, *services, *rest, "--end-s", "20", "--summary-json", summary]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            got, packets, end = receive(sockets, process)
            recovered = recover(got, end, ask)
            orders, next_number = snapshot(glimpse)
            process.terminate()
            assert process.wait(TIMEOUT_S) == 0
        finally:
            process.kill()
        expected = list(day_messages(day))
        report = json.loads(summary.read_text())
    assert end == next_number == len(expected) + 1
    assert [got[n] for n in range(1, end)] == expected, "another day than the file"
    assert orders == live_orders(expected), "another book than the file leaves"
    channel = report["channels"][0]
    for line in channel["lines"]:
        assert line["packets"] == packets[line["name"]], f"line {line['name']}: {line} but {packets}"
    assert channel["lost_on_both"] > 0 and recovered > 0
    assert report["rerequests"]["messages"] == recovered
    assert channel["snapshots"] == {"served": 1, "orders": len(orders), "refused": 0, "broken": 0}
    print(f"{len(expected)} messages, {recovered} recovered, {len(orders)} orders in the snapshot")


if __name__ == "__main__":
    main()
