#!/usr/bin/env python3
"""The trading day of a dataplane that trades: its files are in force from the first order and again when they are read again,
every control is tested before that, and what cannot be tested or recorded does not start. Start and end of day as sequences:
what was halted trades after the one, nothing is open after the other, whose files are the next day's. In between it is killed and
goes on from its journal, in which files were read again.
"""

import datetime
import json
import pathlib
import signal
import subprocess
import sys
import zoneinfo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, PATIENCE_S, System, need_programs, wait_for  # noqa: E402
from trading import Ledger, sections, start_memif_trade  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 2000 --messages 1600000 --rate 6000 --end-s 2 --linger-s 60".split()
LIMIT = 5000  # shares of the account in a symbol, as trading.sections has it


def files(s):
    """Today's files: the account holds all it may of the first symbol, and the second has lots of three hundred."""
    today = datetime.datetime.now(zoneinfo.ZoneInfo("America/New_York")).date()
    (s.dir / "positions.csv").write_text(
        f"tickgate,positions,1,{today}\naccount,symbol,shares,price\nmain,{SYMBOLS[0]},{LIMIT},12.5\nhouse,{SYMBOLS[1]},-40,3\n")
    (s.dir / "reference.csv").write_text(f"tickgate,reference,1,{today}\nsymbol,lot\n{SYMBOLS[0]},\n{SYMBOLS[1]},300\n")
    restrict(s, today)
    return today, (f"day: {{reference: {s.dir}/reference.csv, positions: {s.dir}/positions.csv, max_age_days: 1,\n"
            f"  restricted: {s.dir}/restricted.csv,\n"
            f"  self_test_record: {s.dir}/record.json}}\n")


def restrict(s, today, *rows):
    (s.dir / "restricted.csv").write_text("\n".join([f"tickgate,restricted,1,{today}", "symbol,restriction", *rows]) + "\n")


def reload(s, code):
    done = subprocess.run([str(BUILD / "tickgate"), "reload", "restricted", "--reason", "compliance", "--socket", str(s.socket)],
                          capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == code, f"{done.returncode}: {done.stderr} {done.stdout}"
    return done.stderr + done.stdout


def restricted_while_it_trades(s, today):
    """A list that is not good is refused with its line and nothing changes; a good one refuses the orders of what trades."""
    ledger = Ledger(s)

    def decided(refusal):
        return [d for d in ledger.of("DECISION") if d["instrument"] == 0 and d["refusal"] == refusal]

    restrict(s, today, f"{SYMBOLS[0]},all", "NONE,all")
    said = reload(s, 1)
    assert "restricted.csv:4: symbol: 'NONE" in said and "what was in force stays" in said, said
    restrict(s, today, f"{SYMBOLS[0]},all")
    assert "restricted" in reload(s, 0)
    wait_for("refusals", lambda: ledger.collect() and decided("RESTRICTED"), s.alive,
             lambda: f"; {len(ledger.of('DECISION'))} decisions")
    first = decided("RESTRICTED")[0]
    assert not [d for d in decided("NONE") if d["limits_version"] >= first["limits_version"]], first
    restrict(s, today)
    reload(s, 0)
    assert s.log("dataplane").count("day_refused") == 1


def carried(s):
    shown = {(p["account"], p["symbol"]): p["shares"] for p in s.ask("show", "positions")["positions"]}
    assert shown[("house", SYMBOLS[1])] == -40, shown
    assert shown[("main", SYMBOLS[0])] <= LIMIT, shown


def held_to_the_files(s):
    """The strategy that quotes both sides of the first symbol knows that it holds far more than it wants, so it only sells;
    what the other one asks for in the second is no lot."""
    ledger = Ledger(s)

    def decided(instrument, refusal):
        return [d for d in ledger.of("DECISION") if d["instrument"] == instrument and d["refusal"] == refusal]

    wait_for("orders and refusals", lambda: ledger.collect() and len(decided(0, "NONE")) >= 5 and decided(1, "LOT"), s.alive,
             lambda: f"; {len(ledger.of('DECISION'))} decisions, {sorted({d['refusal'] for d in ledger.of('DECISION')})}")
    assert {d["side"] for d in decided(0, "NONE")} == {"S"}, decided(0, "NONE")[:2]
    assert all(d["quantity"] % 300 == 0 for d in decided(1, "NONE")), decided(1, "NONE")[:2]


def tested(s, times):
    """The record and the events of <times> self-tests."""
    record = json.loads((s.dir / "record.json").read_text())
    rows = record["rows"]
    assert record["controls"] == len(rows) > 40 and record["failed"] == record["untested"] == 0, record
    assert all(r["passed"] and r["at_limit"] == "approved" and r["beyond"] == r["control"] for r in rows), rows
    log = s.log("dataplane")
    assert log.count(f"{len(rows)} of {len(rows)} controls hold") == times, log[-800:]
    return record


def tickgate(code, *words):
    done = subprocess.run([str(BUILD / "tickgate"), *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == code, f"{words}: {done.returncode}: {done.stderr} {done.stdout}"
    return done.stderr + done.stdout


def sequence(s, code, which, record, *words):
    said = tickgate(code, "day", which, "--record", record, "--reason", "by plan", "--socket", s.socket, *words)
    return said, json.loads(record.read_text())


def states(record):
    return {step["step"]: step["state"] for step in record["steps"]}


def starts(s, today):
    """Halted for the firm: a list that is not good leaves it so, then everything passes and orders leave again."""
    ledger = Ledger(s)

    def sent():
        ledger.collect()
        return len(ledger.of("ORDER_SENT"))

    tickgate(0, "halt", "--reason", "before the day", "--socket", s.socket)
    restrict(s, today, "NONE,all")
    said, record = sequence(s, 1, "start", s.dir / "start.json", "--yes")
    assert "files: " in said and "restricted.csv:3" in said, said
    assert states(record)["files"] == "failed" and states(record)["arm"] == "not reached" and not record["complete"], record
    restrict(s, today)
    before = sent()
    said, record = sequence(s, 0, "start", s.dir / "start.json", "--yes")
    assert record["complete"] and set(states(record).values()) == {"passed"}, record
    assert s.ask("show", "trading")["in_force"] == [], said
    wait_for("orders of the day that has begun", lambda: sent() > before, s.alive)


def goes_on(s):
    """From a journal in which files were read again: with the files of now, and versions of limits that none had before."""
    ledger = Ledger(s)
    version = max(d["limits_version"] for d in ledger.collect().of("DECISION"))
    s.end("dataplane", signal.SIGKILL)
    s.start_dataplane()
    s.wait_ready()
    wait_for("the session", lambda: s.ask("show", "sessions")["sessions"][0]["state"] == "ready", s.alive)
    shown = s.ask("show", "trading")
    assert shown["lanes"][0]["limits_version"] >= version and shown["in_force"] == [], shown


def ends(s, path, today):
    """Nothing is open, the file of positions is what is held and good for the next day, and the seal finds a changed byte."""
    tomorrow = datetime.date.fromisoformat(str(today)) + datetime.timedelta(days=1)
    positions, journal = s.dir / "next.csv", s.dir / "journal"
    for _ in range(2):  # given again, steps that were done pass again
        said, record = sequence(s, 0, "end", s.dir / "end.json", "--next", tomorrow, "--positions", positions)
    assert record["complete"] and set(states(record).values()) == {"passed"}, record
    assert s.ask("show", "orders")["total"] == 0, said
    held = {(p["account"], p["symbol"]): p["shares"] for p in s.ask("show", "positions")["positions"] if p["shares"]}
    rows = [row.split(",") for row in positions.read_text().split()]
    assert rows[0] == ["tickgate", "positions", "1", str(tomorrow)], rows
    assert {(r[0], r[1]): int(r[2]) for r in rows[2:]} == held and held, (rows, held)
    text = path.read_text().replace("positions.csv", "next.csv").replace("max_age_days: 1", f"max_age_days: 9, date: {tomorrow}")
    (s.dir / "next.yaml").write_text(text)
    done = subprocess.run([str(BUILD / "tickgate-dataplane"), "--config", str(s.dir / "next.yaml"), "--check"],
                          capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-500:]}"
    assert "the seal of" in tickgate(0, "journal", "verify", journal, "--seal", s.dir / "end.json")
    segment = sorted(journal.glob("*.journal"))[0]
    copy = s.dir / "copy"
    copy.mkdir()
    for each in journal.glob("*.journal"):
        (copy / each.name).write_bytes(each.read_bytes())
    bytes_of = bytearray((copy / segment.name).read_bytes())
    bytes_of[8192] ^= 1
    (copy / segment.name).write_bytes(bytes_of)
    tickgate(1, "journal", "verify", copy, "--seal", s.dir / "end.json")


def main():
    need_programs()
    with System("day") as s:
        today, day = files(s)
        text = sections("10.0.0.1:26400", SYMBOLS).replace("trading:\n", "trading:\n  start: journal\n", 1) + day
        port = {"md0": {"device": s.memif, "ip": "10.0.0.2"}}
        channel = {"nasdaq": {"symbols": 100, "orders": 50000,
                              "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]"}}
        start_memif_trade(s, DAY, "alice,secret,firm=ALCE")
        path = s.configure(port, channel, text.replace("record.json", "absent/record.json"))
        done = subprocess.run([str(BUILD / "tickgate-dataplane"), "--config", str(path)], capture_output=True, text=True,
                              timeout=PATIENCE_S)
        assert done.returncode == 1 and "absent/record.json" in done.stderr, f"{done.returncode}: {done.stderr[-500:]}"
        path = s.configure(port, channel, text)
        done = subprocess.run([str(BUILD / "tickgate-dataplane"), "--config", str(path), "--check"], capture_output=True,
                              text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, f"{done.returncode}: {done.stderr[-500:]}"
        s.start_dataplane()
        s.start_controlplane()
        s.wait_ready()
        first = tested(s, 1)
        carried(s)
        held_to_the_files(s)
        restricted_while_it_trades(s, today)
        answer = s.ask("selftest")
        assert answer["recorded"] and answer["controls"] == first["controls"], answer
        assert all(r["passed"] for r in answer["rows"]) and len(answer["rows"]) == first["controls"], answer["rows"]
        quantity = next(r for r in answer["rows"] if r["control"] == "QUANTITY")
        assert quantity["beyond"] == "QUANTITY: shares=101 limit=100" and quantity["scope"] == "firm", quantity
        assert tested(s, 2)["utc_ns"] > first["utc_ns"]
        starts(s, today)
        tested(s, 3)
        goes_on(s)
        tested(s, 4)
        ends(s, path, today)
        assert s.end("dataplane") == 0, "an unclean end"


if __name__ == "__main__":
    main()
