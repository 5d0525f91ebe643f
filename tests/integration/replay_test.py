#!/usr/bin/env python3
"""A session that traded is run again from its capture: every event and every frame comes out as it did, byte for byte.

A generated day with loss on both lines and re-requests, then a day that is cut again and again while a person halts, kills and
resumes; the opening of a real day is replay_real_test.py. What is not the capture of this journal, what is not whole and what
was changed is refused or told.
"""

import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, System, need_programs, wait_for  # noqa: E402
from trading import sections  # noqa: E402

DAY = "--symbols 4 --live 2000 --messages 60000 --rate 12000 --end-s 1 --linger-s 60".split()
LATE = 3  # counter <off> of a strategy
PRACTISES = f"""
  - {{name: practises, lane: lane0, file: {BUILD}/tests/lib/hang.so, account: main, symbols: [BUAH], parameters: [0],
     budget_us: 100000}}
"""
MEMBER = "alice,secret,firm=ALCE,protocol=5.0"
LINES = {"lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}, "
                  "{name: B, port: md0, group: 233.54.12.112, udp_port: 26478}]",
         "reorder_us": 2000, "recovery": "{servers: [127.0.0.1:26431]}"}
LOSSY = ["--line", "A=233.54.12.111:26477", "--line", "B=233.54.12.112:26478", "--loss", "A=2%", "--loss", "B=2%",
         "--loss", "both=0.2%", "--rerequest", "127.0.0.1:26431"]


def tickgate(*words):
    return subprocess.run([str(BUILD / "tickgate"), *map(str, words)], capture_output=True, text=True, timeout=120)


def replay(s, *more, journal="journal", capture="capture"):
    return tickgate("replay", s.dir / journal, s.dir / capture, "--config", s.dir / "config.yaml", *more)


def session(s, exchange, channel, during, day=DAY, messages=28000, trading=None, ring="32MiB", complete=True):
    s.configure(
        {"md0": {"device": s.memif, "ip": "10.0.0.2"}},
        {"nasdaq": {"symbols": 100, "orders": 50000, **channel}},
        (trading or sections("10.0.0.1:26400")) +
        f"capture: {{ring_size: {ring}, directory: {s.dir}/capture, file_size: 8MiB}}\n")
    s.start_memif_exchange("--mode", "trade", *day, "--orders-on-port", "26400", "--member", MEMBER, *exchange)
    s.start_dataplane()
    s.start_controlplane()
    s.wait_ready()
    s.wait_counters("a part of the day", lambda c: c["messages"] >= messages // 3)
    during(s)
    s.wait_counters("the day", lambda c: c["messages"] >= messages)
    assert s.ask("show", "capture")["complete"] == complete, s.ask("show", "capture")
    assert s.end("dataplane") == 0, "an unclean end"
    s.end("exchange")
    s.end("controlplane")


def stats_of(s):
    return json.loads(tickgate("journal", "stats", s.dir / "journal", "--json").stdout)


def events(s):
    return stats_of(s)["types"]


def same(s):
    done = replay(s)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    assert "events are the same" in done.stdout and "later" not in done.stdout, done.stdout
    count = int(done.stdout.split()[2])
    stats = stats_of(s)
    types = stats["types"]
    lanes = [ring for ring in stats["instances"][-1]["rings"] if ring["ring"] == "trading" and ring["lane"] != "main"]
    assert [(ring["first"], ring["last"], ring["missing"]) for ring in lanes] == [(1, count, 0)], (count, lanes)
    assert types["ORDER_SENT"] >= 50 and types["ORDER"] >= 50, types
    return count


def changed(s):
    """A byte of the price of every order of one symbol, from the middle of a file on: the replay says what comes out
    otherwise."""
    shutil.copytree(s.dir / "capture", s.dir / "changed")
    first = sorted((s.dir / "changed").glob("*.pcapng"))[0]
    content = bytearray(first.read_bytes())
    at = content.find(b"BUAH    ", len(content) // 4)
    assert at > 0, "no order of this symbol in the first file"
    while at > 0:
        content[at + 10] ^= 0x10
        at = content.find(b"BUAH    ", at + 8)
    first.write_bytes(content)
    done = replay(s, capture="changed")
    assert done.returncode == 4, f"{done.stdout}{done.stderr}"
    assert "difference" in done.stderr or "turn " in done.stderr, done.stderr
    return done.stderr.strip().splitlines()[0]


def refused(s):
    """A file less; another configuration; another journal."""
    shutil.copytree(s.dir / "capture", s.dir / "part")
    sorted((s.dir / "part").glob("*.pcapng"))[0].unlink()
    done = replay(s, capture="part")
    assert done.returncode == 4 and "not complete" in done.stderr, done.stderr
    config = s.dir / "config.yaml"
    text = config.read_text()
    config.write_text(text + "# another\n")
    done = replay(s)
    assert done.returncode != 0 and "not the configuration" in done.stderr, done.stderr
    config.write_text(text)
    empty = s.dir / "other"
    shutil.copytree(s.dir / "journal", empty)
    for path in empty.glob("*.journal"):
        path.unlink()
    done = replay(s, journal="other")
    assert done.returncode != 0, "replayed against an empty journal"


def damaged(s):
    """A byte in the middle of the journal: what it spoils is not passed over."""
    shutil.copytree(s.dir / "journal", s.dir / "spoilt")
    path = max((s.dir / "spoilt").glob("*.journal"), key=lambda p: len(p.read_bytes().rstrip(b"\0")))
    content = bytearray(path.read_bytes())
    content[len(content.rstrip(b"\0")) // 2] ^= 0x10
    path.write_bytes(content)
    done = replay(s, journal="spoilt")
    assert done.returncode == 1 and "journal verify lists everything" in done.stderr, f"{done.stdout}{done.stderr}"
    # Where nothing can be read any more it is not said to be another's.
    for path in (s.dir / "spoilt").glob("*.journal"):
        path.write_bytes(path.read_bytes()[:100] + b"\xff" + path.read_bytes()[101:])
    done = replay(s, journal="spoilt")
    assert done.returncode == 1 and "its header is damaged" in done.stderr, f"{done.stdout}{done.stderr}"


def foreign(s, t):
    done = tickgate("replay", t.dir / "journal", s.dir / "capture", "--config", s.dir / "config.yaml")
    assert done.returncode == 4 and "belongs to another" in done.stderr, done.stderr


def hole_elsewhere(s, t):
    """What is missing of one instance is no matter for another one of the same directory."""
    whole = sorted((s.dir / "capture").glob("*.pcapng"))
    bad = bytearray(sorted((t.dir / "capture").glob("*.pcapng"))[0].read_bytes())
    bad[len(bad) // 4:] = b"\xff" * 4096
    epoch = stats_of(s)["instances"][0]["epoch"]

    def asked(name, files, *more):
        (s.dir / name).mkdir()
        for number, content in enumerate(files, 1):
            (s.dir / name / f"{number:016}.pcapng").write_bytes(content)
        # Against the other journal, which a capture of which nothing is missing comes to.
        return [tickgate("replay", t.dir / "journal", s.dir / name, "--config", s.dir / "config.yaml", *words).stderr
                for words in more]

    good = [path.read_bytes() for path in whole]
    before = asked("before", [bad, *good], ())
    behind = asked("behind", [*good, bad], ("--epoch", epoch), ())
    assert "belongs to another" in before[0] and "belongs to another" in behind[0], (before, behind)
    assert "not complete: " in behind[1], behind


def late_in_practice(s):
    done = tickgate("strategy", "set", "practises", "hang=2", "--yes", "--reason", "test", "--socket", s.socket)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"

    def off():
        rows = s.ask("show", "counters", "strategy")["strategy"]
        return [r["counters"]["off"] for r in rows if r["name"] == "practises"] == [LATE]

    wait_for("the end of a strategy that practises for too long", off, s.alive)


def govern(s):
    for words in (("halt", "--reason", "test"), ("resume", "--yes", "--reason", "test"),
                  ("kill", "symbol", "BUAH", "--reason", "test"),
                  ("resume", "symbol", "BUAH", "--yes", "--reason", "test"),
                  ("set", "limit", "symbol:BUAH", "quantity", "250", "--reason", "test"),
                  ("set", "limit", "account:main", "position", "300", "--reason", "test"),
                  ("set", "limit", "symbol:BUAH", "quantity", "400", "--reason", "test"),
                  ("kill", "strategy", "takes", "--direct", "--region", s.name),
                  ("strategy", "set", "quotes", "0=200", "--yes", "--reason", "test")):
        done = tickgate(*words, "--socket", s.socket)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    s.ask("show", "book", "BUAH")
    late_in_practice(s)


def overflows(s):
    """Nobody empties the ring until turns have found no room; then what is left goes into files."""
    state = {"lanes": []}
    end = time.monotonic() + 60
    while not any(row["lost_turns"] for row in state["lanes"]):
        assert time.monotonic() < end, f"nothing is lost: {state}"
        s.processes["controlplane"].send_signal(signal.SIGSTOP)
        time.sleep(1)
        s.processes["controlplane"].send_signal(signal.SIGCONT)
        state = s.ask("show", "capture") or state
    assert not state["complete"] and state["lanes"][0]["lost_frames"] > 0, state
    before = state["lanes"][0]["frames"]

    def goes_on():
        now = s.ask("show", "capture")
        return now["lanes"][0]["frames"] > before and now["behind_bytes"] < 1 << 20

    wait_for("frames behind the lost ones", goes_on, s.alive)


def incomplete(s):
    done = replay(s)
    assert done.returncode == 4 and "turns of lane 0 found no room" in done.stderr, f"{done.returncode} {done.stderr}"
    exported = tickgate("capture", "export", s.dir / "capture", s.dir / "all.pcapng")
    assert exported.returncode == 0 and "not complete: " in exported.stderr, f"{exported.returncode} {exported.stderr}"
    return done.stderr.strip()


def main():
    need_programs()
    line = {"lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]"}
    cuts = ["--line", "A=233.54.12.111:26477", "--misbehave", "cut-bytes=2500", "--misbehave", "cut-in-bytes=4000"]
    with System("replay") as s, System("replay2") as t:
        session(s, LOSSY, LINES, lambda _: None)
        print(f"loss and re-requests: {same(s)} events")
        print(f"one byte changed: {changed(s)}")
        refused(s)
        damaged(s)
        session(t, cuts, line, govern, trading=sections("10.0.0.1:26400") + PRACTISES)
        print(f"cuts and commands: {same(t)} events")
        assert events(t)["LIMIT_CHANGED"] == 3, events(t)
        foreign(s, t)
        hole_elsewhere(s, t)
    with System("replayfull") as s:
        day = [*DAY[:DAY.index("--messages") + 1], "120000", *DAY[DAY.index("--messages") + 2:]]
        session(s, cuts[:2], line, overflows, day, ring="1MiB", complete=False)
        print(f"a ring that was full: {incomplete(s)}")


if __name__ == "__main__":
    main()
