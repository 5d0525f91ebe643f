#!/usr/bin/env python3
"""Members trade with the exchange as a process, over the kernel's TCP here and lwIP on a DPDK port there.

Two members, one with OUCH 5.0 and one with 4.2, trade with each other and with the replayed market, lose a connection
and come back, and are refused what must be refused. What they were told, what the lines published and what the log of
the exchange says must be the same orders, trades and positions. tshark reads the 4.2 member's connection and must see
what we see. With --client it is the client's half alone, for a namespace of its own.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from exchange_client import Member, capture_write, day_write  # noqa: E402
from system import BUILD, PATIENCE_S, Wire, skip  # noqa: E402

SYMBOLS = ["AAPL", "MSFT"]
MARKET = [(2, 900001, b"B", 500, 3000000), (2, 900002, b"S", 200, 3000500), (2, 900003, b"S", 300, 3000600)]
GROUP = "239.77.7.1"
MEMBERS = ["--member", "alice,secret,firm=ALCE,session=A5000", "--member", "bob,hidden,firm=BOBB,protocol=4.2"]


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def refused_logins(address):
    for user, password, session, reason in (("alice", "wrong", "", b"A"), ("nobody", "secret", "", b"A"),
                                            ("alice", "secret", "OTHER", b"S")):
        m = Member("5.0", address, user, password)
        assert m.login(session) == (b"J", reason)
        assert m.closed()
    m = Member("5.0", address, "ALICE", "SECRET")  # compared without case
    assert m.login()[0] == b"A"
    m.packet(b"O")
    assert m.closed()


def enter_both(address):
    alice, bob = Member("5.0", address, "alice", "secret"), Member("4.2", address, "bob", "hidden")
    for m in (alice, bob):
        assert m.login()[0] == b"A" and m.next == 1
        assert m.expect("S")["code"] == b"S"
    return alice, bob


def trade_together(alice, bob):
    """Alice offers, bob takes a part of it; replace, cancel, modify, query, refusals, silence."""
    alice.enter(1, b"S", 300, "AAPL", 1000000, options=b"\x05\x02ZZZZ")
    a = alice.expect("A")
    assert (a["ref"], a["quantity"], a["price"], a["state"], a["options"][2]) == (1, 300, 1000000, b"L", b"ZZZZ")
    bob.enter(1, b"B", 100, "AAPL", 1000000)
    b = bob.expect("A")
    assert (b["token"], b["firm"], b["tif"], b["state"]) == (bob.token(1), b"BOBB", 99998, b"L")
    fill, taken = alice.expect("E"), bob.expect("E")
    assert fill["match"] == taken["match"] and fill["quantity"] == taken["quantity"] == 100
    assert (fill["liquidity"], taken["liquidity"]) == (b"A", b"R")
    alice.replace(1, 2, 500, 1000100)  # 100 of the chain have traded
    u = alice.expect("U")
    assert (u["original"], u["ref"], u["quantity"], u["price"]) == (1, 2, 400, 1000100)
    alice.cancel(2, 300)  # 300 in all, 100 of them traded
    assert alice.expect("C")["quantity"] == 200
    alice.packet(b"U", struct.pack(">cIcI", b"M", 2, b"T", 250))
    m = alice.expect("M")
    assert (m["side"], m["quantity"]) == (b"T", 150)
    alice.packet(b"U", b"Q")
    assert alice.expect("Q")["ref"] == 3
    alice.enter(2, b"S", 100, "AAPL", 1000000)  # the number was used
    alice.quiet()
    for ref, symbol, price, reason in ((3, "NOPE", 1000000, 0x17), (4, "AAPL", 1000050, 0x1D)):
        alice.enter(ref, b"B", 100, symbol, price)
        assert alice.expect("J")["reason"] == reason
    bob.enter(2, b"B", 100, "NOPE", 1000000)
    assert bob.expect("J")["reason"] == b"S"
    return a


def trade_with_market(bob):
    """Bob takes a part of the replayed book, and rests the remainder."""
    bob.enter(3, b"B", 400, "MSFT", 3000500)
    bob.expect("A")
    assert bob.expect("E")["quantity"] == 200
    bob.replace(3, 4, 300, 2999900)
    u = bob.expect("U")
    assert (u["quantity"], u["original"]) == (100, bob.token(3))


def lose_and_return(alice, bob):
    """Trades of a member who is away wait for it; the whole day can be had again, byte for byte."""
    alice.socket.close()
    bob.enter(5, b"B", 150, "AAPL", 1000100)
    bob.expect("A")
    bob.expect("E")
    before = len(alice.messages)
    assert alice.login() == (b"A", b"     A5000" + str(before + 1).rjust(20).encode())
    assert alice.expect("E")["quantity"] == 150
    alice.quiet(1.3)
    assert alice.heartbeats >= 1, "no heartbeat in a silent second"
    fills = list(alice.fills), dict(alice.position)
    alice.socket.close()
    assert alice.login(sequence=1)[0] == b"A"
    while alice.next <= len(alice.messages):
        kind, payload = alice.receive()
        if kind == b"S":
            alice.take(payload)  # compares with what came before
    assert (alice.fills, alice.position) == fills


def clients_run(address):
    refused_logins(address)
    alice, bob = enter_both(address)
    first = trade_together(alice, bob)
    trade_with_market(bob)
    lose_and_return(alice, bob)
    bob.enter(6, b"B", 100, "AAPL", 990000)  # is open at the end
    bob.expect("A")
    return alice, bob, first


def end_of_day(alice, bob, process):
    process.send_signal(signal.SIGTERM)
    assert bob.expect("C")["quantity"] == 100
    assert bob.expect("C")["quantity"] == 100
    for m in (alice, bob):
        assert m.expect("S")["code"] == b"E"
        while (packet := m.receive()[0]) == b"H":
            pass
        assert packet == b"Z" and m.closed()


def log_check(path, alice, bob):
    """The log alone must give the positions and trades that the members have."""
    log = [json.loads(line) for line in path.read_text().splitlines()]
    assert [r["number"] for r in log] == list(range(1, len(log) + 1))
    for m in (alice, bob):
        mine = [r for r in log if r.get("member") == m.user]
        fills = [(r["match"], r["symbol"], r["quantity"] if r["side"] == "B" else -r["quantity"], r["price"])
                 for r in mine if r["event"] == "executed"]
        assert sorted(fills) == sorted(m.fills), f"{m.user}: {fills} in the log, {m.fills} seen"
        position = {r["symbol"]: r["position"] for r in mine if r["event"] == "balance"}
        assert position == m.position, f"{m.user}: {position} in the log, {m.position} seen"
        opened = sum(r["quantity"] for r in mine if r["event"] in ("accepted", "replaced"))
        assert opened > 0 and all("text" in r for r in mine if r["event"] == "rejected")
    return log


def tshark_check(folder, bob, pieces):
    """Another decoder of OUCH 4.2 sees the messages that bob saw."""
    if not shutil.which("tshark"):
        print("tshark is missing: not compared")
        return 0
    path = folder / "bob.pcap"
    capture_write(path, pieces, 26000)
    words = ["tshark", "-r", path, "-d", "tcp.port==26000,soupbintcp", "--enable-heuristic", "ouch_soupbintcp", "-T", "json"]
    shown = json.loads(subprocess.run(words, check=True, capture_output=True, text=True, timeout=3 * PATIENCE_S).stdout)
    layers = [packet["_source"]["layers"] for packet in shown]
    assert not any("_ws.malformed" in json.dumps(layer) for layer in layers), "tshark finds a malformed frame"
    ouch = [layer["ouch"] for layer in layers if "ouch" in layer]
    seen = [o for o in ouch if "ouch.timestamp" in o]
    mine = [bob.decode(p) for p in bob.messages]
    assert len(seen) == len(mine), f"tshark sees {len(seen)} answers, we {len(mine)}"
    for other, got in zip(seen, mine):
        assert other["ouch.packet_type"].strip("'") == got["type"], (other, got)
        for field, name in (("ouch.match_number", "match"), ("ouch.order_reference_number", "reference"),
                            ("ouch.executed_shares", "quantity"), ("ouch.shares", "quantity")):
            if field in other and name in got:
                assert int(other[field], 0) == got[name], (field, other, got)
        if "ouch.order_token" in other and "token" in got:
            assert other["ouch.order_token"].ljust(14).encode() == got["token"], (other, got)
    return len(seen)


def line_receive(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind((GROUP, port))
    try:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1"))
    except OSError as e:
        skip(f"no multicast on the loopback interface: {e}")
    s.setblocking(False)
    return s


def line_messages(s):
    """Messages of the line by number."""
    got = {}
    while True:
        try:
            packet = s.recv(2048)
        except BlockingIOError:
            return [got[n] for n in sorted(got)]
        _, number, count = struct.unpack_from(">10sQH", packet)
        at = 20
        for i in range(count if count != 0xFFFF else 0):
            (length,) = struct.unpack_from(">H", packet, at)
            got[number + i] = packet[at + 2 : at + 2 + length]
            at += 2 + length


def line_check(published, day, first, alice, bob):
    """The replayed day is there as it was; every trade of a displayed order is, under its match number."""
    for message in day:
        assert message in published, f"missing on the line: {message}"
    adds = {struct.unpack_from(">Q", m, 11)[0]: m for m in published if m[:1] == b"A"}
    mine = adds[first["reference"]]
    assert struct.unpack_from(">cI8sI", mine, 19) == (b"S", 300, b"AAPL    ", 1000000)
    executed = {struct.unpack_from(">Q", m, 23)[0]: struct.unpack_from(">I", m, 19)[0] for m in published if m[:1] == b"E"}
    trades = {match: abs(shares) for match, _, shares, _ in alice.fills + bob.fills}
    assert executed == trades, f"{executed} on the line, {trades} told to members"
    replay = [m for m in published if m[:1] == b"E" and struct.unpack_from(">Q", m, 11)[0] == 900002]
    assert len(replay) == 1, "the replayed ask was not executed once"


def over_kernel(folder):
    day = day_write(folder / "day.itch", SYMBOLS, MARKET)
    line, orders, log = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM), folder / "orders.jsonl"
    lines = line_receive(line)
    command = [BUILD / "tickgate-exchange", "--mode", "trade", "--source", folder / "day.itch", "--speed", "max",
               "--line", f"A={GROUP}:{line}", "--interface", "lo", "--orders", f"127.0.0.1:{orders}", *MEMBERS,
               "--order-log", log, "--linger-s", "120", "--fee", "-2000,3000", "--venue", "KERNEL",
               "--summary-json", folder / "summary.json"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            alice, bob, first = clients_run(("127.0.0.1", orders))
            pieces = bob.sent
            end_of_day(alice, bob, process)
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
    records = log_check(log, alice, bob)
    assert {r["venue"] for r in records} == {"KERNEL"}
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["mode"] == "trade"
    for counter, event in (("requests", "request"), ("accepted", "accepted"), ("executed", "executed"), ("ignored", "ignored"),
                           ("rejected", "rejected"), ("canceled", "canceled"), ("logins", "login")):
        logged = sum(r["event"] == event for r in records)
        assert summary["trading"][counter] == logged, f"{counter}: {summary['trading'][counter]}, in the log {logged}"
    cash = sum(r["cash_micro"] for r in records if r["event"] == "balance" and r["symbol"] == "AAPL")
    assert cash == -1000 * 250, "fees of both sides of 250 shares"
    line_check(line_messages(lines), day, first, alice, bob)
    print(f"kernel: {len(records)} records, tshark agrees on {tshark_check(folder, bob, pieces)} answers")


def over_port(folder):
    """The client is the kernel's TCP in a namespace, the server lwIP on an AF_PACKET port at the other end of a veth."""
    log = folder / "port.jsonl"
    day_write(folder / "day.itch", SYMBOLS, MARKET)
    with Wire() as wire:
        command = [BUILD / "tickgate-exchange", "--mode", "trade", "--source", folder / "day.itch",
                   "--speed", "max", "--port", f"net_af_packet0,iface={wire.near}", "--ip", "10.77.0.1", "--no-huge",
                   "--line", f"A={GROUP}:26477", "--orders-on-port", "26400", *MEMBERS, "--order-log", log,
                   "--linger-s", "120", "--venue", "PORT"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                client = [*wire.prefix, sys.executable, os.path.abspath(__file__), "--client", "10.77.0.1", "26400"]
                done = subprocess.run(client, capture_output=True, text=True, timeout=3 * PATIENCE_S)
                assert done.returncode == 0, done.stdout + done.stderr
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE_S) == 0
            finally:
                process.kill()
    told = json.loads(done.stdout)
    records = [json.loads(line) for line in log.read_text().splitlines()]
    for user, fills in told.items():
        logged = [[r["match"], r["symbol"], r["quantity"] if r["side"] == "B" else -r["quantity"], r["price"]]
                  for r in records if r.get("member") == user and r["event"] == "executed"]
        assert sorted(logged) == sorted(fills), f"{user}: {logged} in the log, {fills} seen"
    print(f"lwIP on a port: {len(records)} records")


def main():
    if sys.argv[1:2] == ["--client"]:
        alice, bob, _ = clients_run((sys.argv[2], int(sys.argv[3])))
        print(json.dumps({m.user: m.fills for m in (alice, bob)}))
        return
    if not (BUILD / "tickgate-exchange").exists():
        skip(f"{BUILD / 'tickgate-exchange'} is not built")
    with tempfile.TemporaryDirectory() as folder:
        over_kernel(pathlib.Path(folder))
        over_port(pathlib.Path(folder))


if __name__ == "__main__":
    main()
