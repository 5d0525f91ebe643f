#!/usr/bin/env python3
"""A dataplane that is killed in the middle of trading goes on from the journal: orders, positions, exposure, limits and
sequences are what they were, and what the exchange says they are. Over a veth pair: the exchange's end does not notice that its peer was killed.

Killed again and again, alone and with the control plane; at the end nothing is open, and every position is what the
exchange's own log has. What cannot be restored is refused with its place.
"""

import json
import pathlib
import re
import shutil
import signal
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, PATIENCE_S, System, Wire, need_programs, run, wait_for  # noqa: E402
from trading import Exchange, flat, sections, start_veth_exchange  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 2000 --messages 1600000 --rate 8000 --end-s 2 --linger-s 60".split()
LIMIT = 250
STAGES = ("until the journal was read", "to rebuild and take over", "to start the lanes", "to log in", "to reconcile")
WAITING_ROUNDS = 10  # until orders waited at two kills: mostly the first two
PARK_US = 10000000  # nothing is given up while the control plane stands still


def configure(s, device, symbols=SYMBOLS, verify=False, durable=False, more=""):
    text = sections("10.77.0.2:26400", symbols, f"cancel_on_stop: true\n    durability: durable\n    park_us: {PARK_US}" if durable else "cancel_on_stop: true")
    text = text.replace("trading:\n", "trading:\n  start: journal\n  restore_ms: 20000\n", 1)
    s.configure({"md0": {"device": device, "rx_descriptors": 2048, "ip": "10.77.0.1"}},
                {"nasdaq": {"symbols": 100, "orders": 50000,
                            "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]",
                            "recovery": "{servers: ['10.77.0.2:26490'], via: port}"}}, text + more,
                {"verify_before_ready": "true"} if verify else {"durability": "disk"} if durable else None)


def cli(s, *words):
    done = run(str(BUILD / "tickgate"), *words, "--socket", str(s.socket))
    assert done.returncode == 0, f"tickgate {' '.join(words)}: {done.stderr}"
    return done.stdout


def cli_offline(*words):
    done = run(str(BUILD / "tickgate"), *words)
    assert done.returncode == 0, f"tickgate {' '.join(words)}: {done.stderr}"
    return done.stdout


def session(s):
    shown = s.ask("show", "sessions")
    return shown["sessions"][0] if shown else {}


def fills(s):
    counters = s.ask("show", "counters")
    return counters["desk"][0]["counters"]["fills"] if counters else 0


def positions(s):
    return {p["symbol"]: p["shares"] for p in s.ask("show", "positions")["positions"] if p["shares"]}


def restarts(s):
    return s.log("dataplane").count("READY after")


def up(s, before):
    s.wait_ready()
    wait_for("the reconciliation", lambda: restarts(s) > before, s.alive, lambda: s.log("dataplane")[-600:])


def trades(s, count, sent):
    """So many fills and orders more; a dataplane counts from its start."""
    begun, left = fills(s), session(s).get("sent", 0)  # a control plane may just be between two dataplanes
    wait_for("trading", lambda: fills(s) >= begun + count and session(s).get("sent", 0) >= left + sent, s.alive,
             lambda: f"; {fills(s)} fills, {session(s)}")


def orders_shown(s):
    """All that are open, those that began before the restart as well; both figures are of slightly different moments."""
    def all_there():
        answer = s.ask("show", "orders")
        return answer and answer["complete"] and answer["open_orders"] == answer["total"] > 0

    wait_for("all open orders in the list", all_there, s.alive, lambda: f"; {s.ask('show', 'orders')}")


def kill_dataplane(s):
    before = restarts(s)
    s.end("dataplane", signal.SIGKILL)
    s.start_dataplane()
    up(s, before)


def kill_both(s):
    before = restarts(s)
    s.end("dataplane", signal.SIGKILL)
    s.end("controlplane", signal.SIGKILL)
    s.start_controlplane()
    s.start_dataplane()
    up(s, before)


def from_exchange(log):
    """Net shares by symbol, from the exchange's own log so far; its last line may be half a line."""
    net = {}
    for line in log.read_text().splitlines(keepends=True):
        record = json.loads(line) if line.endswith("\n") else {}
        if record.get("member") == "alice" and record["event"] == "executed":
            net[record["symbol"]] = net.get(record["symbol"], 0) + record["quantity"] * (1 if record["side"] == "B" else -1)
    return {symbol: shares for symbol, shares in net.items() if shares}


# --- what is refused ---

def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def refused(s, why, code=4):
    """A start that ends by itself and says <why>; both processes are down before and after it."""
    before = len(s.log("dataplane"))
    s.start_controlplane()
    dataplane = s.start_dataplane()
    assert dataplane.wait(PATIENCE_S) == code, s.log("dataplane")[before:]
    said = s.log("dataplane")[before:]
    assert "restart: " in said and re.search(why, said), said[-600:]
    del s.processes["dataplane"]
    s.end("controlplane")
    return said.splitlines()[-1]


def with_journal(s, kept, change, do):
    """<do> on a copy of <kept> that <change> has been at."""
    journal = s.dir / "journal"
    shutil.rmtree(journal)
    shutil.copytree(kept, journal)
    change(journal)
    do()


def put(path, at, what):
    content = path.read_bytes()
    path.write_bytes(content[:at] + what + content[at + len(what):])


def without_extracts(journal):
    for path in journal.glob("*.extract"):
        path.unlink()


def edited(content):
    """(where, what): another stamp in the first event of a segment, with a checksum that fits."""
    at = struct.unpack_from("<I", content, 12)[0] + 128
    while content[at + 6] != 1:
        at += struct.unpack_from("<H", content, at + 4)[0]
    record = bytearray(content[at:at + struct.unpack_from("<H", content, at + 4)[0]])
    record[24] ^= 1
    record[:4] = struct.pack("<I", crc32c(record[4:]))
    return at, bytes(record)


def goes_on(s, until):
    """A start on a port with nothing behind it; what both say meanwhile."""
    logs = [len(s.log(name)) for name in ("dataplane", "controlplane")]
    s.start_controlplane()
    s.start_dataplane()

    def said():
        return s.log("dataplane")[logs[0]:] + s.log("controlplane")[logs[1]:]

    wait_for(until, lambda: re.search(until, said()) and "restored:" in said(), s.alive, lambda: said()[-600:])
    s.end("dataplane", signal.SIGKILL)
    s.end("controlplane")
    return said()


def told_behind(s):
    """The start had no need of what is damaged: it goes on, and finds it before any order is taken."""
    before = len(s.log("controlplane"))
    s.start_controlplane()
    s.start_dataplane()
    wait_for("the damage", lambda: (s.ask("status") or {}).get("journal", {}).get("state") == "damaged", s.alive)
    wait_for("the lane's word", lambda: lane_states(s)[-1:] == ["damaged"], s.alive, lambda: f"; {lane_states(s)}")
    said, states = s.log("controlplane")[before:], lane_states(s)
    assert re.search(r"segment 1 block \d+", said) and re.search(r"from [1-9]\d* extracts", said), said
    assert "orders are taken" not in said, said
    assert not {"written", "memory"} & set(states), states
    s.end("dataplane", signal.SIGKILL)
    s.end("controlplane")


def lane_states(s):
    """What the lane has taken the journal for, one after the other."""
    events = s.ask("show", "events", "--type", "JOURNAL") or {"events": []}
    return [e["fields"]["now"] for e in events["events"]]


def extract_damaged(s):
    said = goes_on(s, "the hashes of .* are good")
    assert re.search(r"0000000000000001.extract: it is damaged; the journal is read from there on", said), said
    assert "from 0 extracts" in said, said


def refusals(s):
    """On a port with nothing behind it: another configuration with the same names."""
    configure(s, "net_null0")
    for _ in range(2):  # segments that a control plane has no reason to look into
        said = goes_on(s, "the hashes of .* are good")
    kept = s.dir / "journal.kept"
    shutil.copytree(s.dir / "journal", kept)
    assert (kept / "0000000000000001.extract").exists() and (kept / "0000000000000004.journal").exists(), sorted(kept.iterdir())
    first = "0000000000000001.journal"
    content = (kept / first).read_bytes()
    middle = content.rstrip(b"\0").__len__() // 3

    def flipped(journal):
        without_extracts(journal)
        put(journal / first, middle, bytes([content[middle] ^ 1]))

    def changed(journal):
        put(journal / first, *edited(content))

    def changed_alone(journal):
        without_extracts(journal)
        changed(journal)

    def newer(journal):
        header = bytearray(content[:512])
        header[8:12] = struct.pack("<I", 2)
        header[4:8] = struct.pack("<I", crc32c(header[8:512]))
        put(journal / first, 0, bytes(header))

    def extract(journal):
        path = journal / "0000000000000001.extract"
        put(path, path.stat().st_size // 2, bytes([path.read_bytes()[path.stat().st_size // 2] ^ 1]))

    by_hash = r"segment 1 block \d+.*changed"
    with_journal(s, kept, flipped, lambda: refused(s, r"damage: segment 1 block \d+"))
    with_journal(s, kept, changed_alone, lambda: refused(s, by_hash))
    with_journal(s, kept, newer, lambda: refused(s, "newer"))
    with_journal(s, kept, extract, lambda: extract_damaged(s))
    with_journal(s, kept, changed, lambda: told_behind(s))
    with_journal(s, kept, lambda journal: put(journal / first, middle, bytes([content[middle] ^ 1])), lambda: told_behind(s))
    configure(s, "net_null0", verify=True)
    with_journal(s, kept, changed, lambda: refused(s, by_hash))
    configure(s, "net_null0", symbols=SYMBOLS[::-1])
    with_journal(s, kept, lambda journal: None, lambda: refused(s, f"symbol 0 was {SYMBOLS[0]} and is {SYMBOLS[1]}"))


def nothing_open(s, log):
    """Everything stopped and cancelled: the same positions here and at the exchange."""
    cli(s, "halt", "--reason", "to compare")
    cli(s, "cancel", "--reason", "to compare")
    wait_for("nothing open", lambda: session(s)["open_orders"] == 0, s.alive)
    wait_for("the same positions", lambda: positions(s) == from_exchange(log), s.alive,
             lambda: f"; {positions(s)} here, {from_exchange(log)} there")
    state = s.ask("show", "counters")["main"][0]["counters"]
    assert s.end("dataplane") == 0, "an unclean end"
    s.end("controlplane")
    assert s.end("exchange") == 0
    return state


def once_each(log):
    arrived = Exchange(log).requests
    assert len(set(arrived)) == len(arrived), "a reference was used twice"
    return len(arrived)


def begun(s, wire, day=DAY):
    """All three run, and the session is up: the exchange's log of orders."""
    log = s.dir / "orders.jsonl"
    configure(s, f"net_af_packet0,iface={wire.near}")
    s.start_dataplane()
    s.start_controlplane()
    s.wait_ready()
    start_veth_exchange(s, wire.far, day, log, wire.prefix)
    up(s, 0)
    return log


def stages(text):
    """Each start says its stages with their times, which are the whole; the last line."""
    line = r"READY after ([\d.]+) s: " + ", ".join(rf"([\d.]+) s {stage}" for stage in STAGES)
    told = [[float(s) for s in match.groups()] for match in re.finditer(line, text)]
    assert told and len(told) == text.count("READY after"), re.findall(r"READY after.*", text)
    for whole, *parts in told:
        assert abs(whole - sum(parts)) < 0.001 * (1 + len(parts)), (whole, parts)  # each is rounded
    return re.findall(r"READY after.*", text)[-1]


def trading_goes_on():
    with Wire() as wire, System("restart") as s:
        log = begun(s, wire)
        trades(s, 10, 10)
        cli(s, "set", "limit", f"symbol:{SYMBOLS[0]}", "quantity", str(LIMIT), "--reason", "to see it again")
        cli(s, "halt", "symbol", SYMBOLS[1], "--reason", "to see it again")
        kill_dataplane(s)
        trades(s, 0, 10)
        orders_shown(s)
        answer = json.loads(cli(s, "resume", "symbol", SYMBOLS[1], "--reason", "seen", "--yes", "--json"))
        assert answer["lanes"][0]["was"] == "halted", answer
        trades(s, 1, 10)
        kill_both(s)
        trades(s, 1, 10)
        orders_shown(s)
        kill_dataplane(s)
        trading = s.ask("show", "limits", f"symbol:{SYMBOLS[0]}")
        assert str(LIMIT) in json.dumps(trading), trading
        state = nothing_open(s, log)
        flat(s)
        requests = once_each(log)
        text = s.log("dataplane")
        assert text.count("restored:") == 4 and "fills" in text
        refusals(s)
        print(stages(text))
        return f"{requests} requests, {state['restored_orders']} orders restored, {state['restored_events']} events"


def waited(s):
    """Orders of each instance that was killed that were waiting for the journal: approved, and never released."""
    events = [json.loads(line) for line in cli_offline("journal", "dump", str(s.dir / "journal"), "--json").splitlines()]
    epochs = sorted({e["epoch"] for e in events})
    waits = {epoch: set() for epoch in epochs[:-1]}
    for e in events:
        if e["epoch"] == epochs[-1]:
            continue
        if e["event"] == "DECISION" and e["fields"]["refusal"] == "NONE" and e["fields"]["kind"] == "O":
            waits[e["epoch"]].add((e["lane"], e["sequence"]))
        elif e["event"] in ("ORDER_RELEASED", "ORDER_NOT_SENT"):
            waits[e["epoch"]].discard((e["lane"], e["fields"]["decision"]))
    return [len(waits[epoch]) for epoch in epochs[:-1]]


def kill_while_orders_wait(s):
    """Nothing is committed any more, so what enters waits, until there is some."""
    s.processes["controlplane"].send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    before = restarts(s)
    s.end("dataplane", signal.SIGKILL)
    s.processes["controlplane"].send_signal(signal.SIGCONT)
    s.start_dataplane()
    up(s, before)


def durable_orders_come_back():
    """What waited for the journal when everything was killed has not left; nothing leaves twice, and nothing stays held."""
    with Wire() as wire, System("restartpark") as s:
        log = s.dir / "orders.jsonl"
        configure(s, f"net_af_packet0,iface={wire.near}", durable=True)
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        start_veth_exchange(s, wire.far, DAY, log, wire.prefix)
        up(s, 0)
        trades(s, 1, 10)
        kill_both(s)
        for _ in range(WAITING_ROUNDS):
            trades(s, 1, 10)
            kill_while_orders_wait(s)
            if sum(count > 0 for count in waited(s)) >= 2:
                break
        state = nothing_open(s, log)
        flat(s)
        waits = waited(s)
        assert sum(count > 0 for count in waits) >= 2, f"nothing waited when it was killed: {waits}"
        text = s.log("dataplane")
        assert text.count("restored:") == len(waits) + 1, text
        closed = sum(map(int, re.findall(r"orders open, (\d+) never received", text)))
        assert closed >= sum(waits), f"{waits} waited, {closed} had not left"
        return f"durable: {once_each(log)} requests, {state['restored_orders']} orders restored, {waits} waited, {closed} had not left"


def main():
    need_programs()
    print(trading_goes_on())
    print(durable_orders_come_back())


if __name__ == "__main__":
    main()
