#!/usr/bin/env python3
# beside others
"""tickgate journal and tickgate explain on the journal of a real control plane, without a control plane: what they say,
on a copy, of damage, and while it is written.
"""

import csv
import io
import json
import mmap
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("TICKGATE_BUILD", "build")).resolve()
CLI, CONTROL, FAKE = BUILD / "tickgate", BUILD / "tickgate-controlplane", BUILD / "tests/lib/fake_dataplane"
PATIENCE_S = 60
EVENTS, ORDERS = 30, 4
REFUSED = EVENTS + 2 * ORDERS + 1  # an order is, by the last of the events
NAMES = ("MM", "quotes", "nsdq")  # of tests/lib/region_trade.h


def run(*words, code=0):
    done = subprocess.run([str(CLI), *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == code, f"{words}: {done.returncode}, not {code}: {done.stderr}"
    return done.stdout if code == 0 else done.stdout + done.stderr


def ask(*words):
    return json.loads(run(*words, "--json"))


def until(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.02)


def crc32c(data):
    c = 0xFFFFFFFF
    for byte in data:
        c ^= byte
        for _ in range(8):
            c = c >> 1 ^ (0x82F63B78 if c & 1 else 0)
    return c ^ 0xFFFFFFFF


class World:
    def __init__(self, folder):
        self.region, self.socket, self.journal = folder / "region", folder / "s", folder / "journal"
        self.fake = subprocess.Popen([str(FAKE), str(self.region), "77"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True)
        assert self.fake.stdout.readline().strip() == "ready"
        self.log = open(folder / "log", "w+")
        self.write()

    def write(self):
        """Each control plane begins a segment."""
        self.control = subprocess.Popen([str(CONTROL), "--region", str(self.region), "--socket", str(self.socket),
                                         "--journal", str(self.journal)], stdout=self.log, stderr=self.log)

    def tell(self, order):
        self.fake.stdin.write(order + "\n")
        self.fake.stdin.flush()
        assert self.fake.stdout.readline().strip() == "ok"

    def written(self, count):
        def there():
            done = subprocess.run([str(CLI), "status", "--json", "--socket", str(self.socket)], capture_output=True, text=True)
            events = json.loads(done.stdout)["events"] if done.returncode == 0 else {"trading": -1}
            return events["trading"] >= count

        until(there, f"{count} events are durable")

    def end(self):
        for process in (self.control, self.fake):
            if process.poll() is None:
                process.kill()
            process.wait()


def verified(journal):
    whole = ask("journal", "verify", journal)
    assert whole["good"] and whole["closed"] and whole["events"] == REFUSED, whole
    assert "good: " in run("journal", "verify", journal)
    stats = ask("journal", "stats", journal)
    assert stats["types"] == {"GAP_OPEN": EVENTS, "DECISION": ORDERS + 1, "ORDER": ORDERS}, stats
    ring = stats["instances"][0]["rings"][0]
    assert (ring["lane"], ring["first"], ring["last"], ring["missing"]) == ("lane0", 1, REFUSED, 0), ring
    assert stats["instances"][0]["epoch"] == 77 and stats["instances"][0]["node"] == "test-node", stats
    assert "lane0" in run("journal", "stats", journal)


def listed(journal):
    lines = [json.loads(line) for line in run("journal", "dump", journal, "--json").splitlines()]
    assert [e["sequence"] for e in lines] == list(range(1, REFUSED + 1))
    assert lines[0]["event"] == "GAP_OPEN" and lines[0]["fields"]["channel"] == "itch", lines[0]
    text = run("journal", "dump", journal, "--type", "ORDER").splitlines()
    assert len(text) == ORDERS and " ORDER " in text[0], text
    assert len(run("journal", "tail", journal).splitlines()) == 20
    newest = run("journal", "tail", journal, "--count", "3").splitlines()
    assert newest == run("journal", "dump", journal).splitlines()[-3:]
    assert "no event is called" in run("journal", "dump", journal, "--type", "NONE", code=2)
    rows = list(csv.DictReader(io.StringIO(run("journal", "export", "csv", journal, "--type", "DECISION"))))
    assert [int(r["ref"]) for r in rows] == [*range(1, ORDERS + 1), 0] and rows[0]["side"] == "B", rows
    rows = list(csv.DictReader(io.StringIO(run("journal", "export", "csv", journal))))
    assert len(rows) == REFUSED and json.loads(rows[0]["fields"])["from"] == 1, rows[0]
    assert "is no format" in run("journal", "export", "xml", journal, code=2)


def refused_explained(journal):
    """Which check failed, with what it saw and its limit: as tests/lib/fake_dataplane.c refuses."""
    steps = ask("explain", "order", f"#{REFUSED}", journal)
    assert [s["event"] for s in steps] == ["DECISION"], steps
    failed = [c for c in steps[0]["checks"] if c["verdict"] == "failed"]
    assert failed == [{"check": "POSITION", "verdict": "failed", "value": 1200, "limit": 1000, "scope": "firm",
                       "binds": "firm"}], steps[0]["checks"]
    text = run("explain", "order", f"#{REFUSED}", journal)
    assert "\n    FAILED       POSITION of firm: 1200, limit 1000, the firm's\n" in text, text
    assert re.search(r"\n    verdict      .*\(POSITION\)", text) and "the order is over" in text, text
    assert "FAILED" not in run("explain", "order", 2, journal)


def explained(journal):
    steps = ask("explain", "order", 2, journal)
    assert [s["event"] for s in steps] == ["DECISION", "ORDER"], steps
    decision = steps[0]
    assert (decision["account"], decision["strategy"], decision["session"]) == NAMES, decision
    assert decision["fields"]["ref"] == 2 and decision["price"] == "100.0001", decision
    assert decision["market"] is True and ask("explain", "order", 1, journal)[0]["market"] is False
    text = run("explain", "order", 2, journal)
    for word in ("caused by", "book seen", "checks", "verdict      approved", "exchange     live", "still open"):
        assert word in text, f"'{word}' is not in: {text}"
    assert "at market, made immediate or cancel at 100.0001 on" in text, text
    assert "market" not in run("explain", "order", 1, journal)
    assert [s["event"] for s in ask("explain", "order", f"#{EVENTS + 3}", journal)] == ["DECISION", "ORDER"]
    refused_explained(journal)
    assert "no DECISION" in run("explain", "order", 99, journal, code=1)
    assert "neither a reference" in run("explain", "order", "x", journal, code=2)


def damaged(journal, folder):
    """A byte anywhere, a segment, a directory that is none."""
    segment = sorted(journal.glob("*.journal"))[0]
    end = segment.stat().st_size
    found = 0
    for at in range(600, end, max(end // 40, 1)):
        copy = folder / "damaged"
        shutil.copytree(journal, copy)
        data = bytearray((copy / segment.name).read_bytes())
        data[at] ^= 0x10
        (copy / segment.name).write_bytes(data)
        done = subprocess.run([str(CLI), "journal", "verify", str(copy)], capture_output=True, text=True)
        assert done.returncode in (0, 1), done
        if done.returncode == 1:
            found += 1
            assert "segment 1 block " in done.stdout and "NOT good" in done.stdout, done.stdout
        else:
            assert "torn end" in done.stdout, f"byte {at}: {done.stdout}"  # nothing behind it said that it was durable
        shutil.rmtree(copy)
    assert found, "no damage was found"
    # Whoever reads it says so, also what only counts or looks for one order.
    copy = folder / "newer"
    shutil.copytree(journal, copy)
    data = bytearray((copy / segment.name).read_bytes())
    data[8] = 2
    data[4:8] = struct.pack("<I", crc32c(data[8:512]))
    (copy / segment.name).write_bytes(data)
    for words in (("journal", "dump", copy), ("journal", "stats", copy), ("explain", "order", 2, copy),
                  ("trace", "export", copy, "--to", folder / "traces")):
        assert "of a newer format" in run(*words, code=1), words
    (folder / "empty").mkdir()
    assert "no segment" in run("journal", "verify", folder / "empty", code=1)
    assert "No such file" in run("journal", "verify", folder / "none", code=1)
    return found


def documented(journal, folder):
    """The reader that is printed with the format, as somebody else would copy it: it counts the same, names a changed byte, tells a
    torn end from it, and has 60 lines at most."""
    text = re.search(r"^```python\n(.*?)^```", (ROOT / "controlplane/journal/format.md").read_text(), re.M | re.S)[1]
    assert len(text.splitlines()) <= 60
    script, copy = folder / "reader.py", folder / "changed"
    script.write_text(text)

    def read(directory):
        return subprocess.run([sys.executable, str(script), str(directory)], capture_output=True, text=True, timeout=PATIENCE_S)

    done, whole = read(journal), ask("journal", "verify", journal)
    assert done.returncode == 0 and f"records up to {whole['records']}, by type" in done.stdout, (done, whole)
    assert re.search(rf"\b1: {whole['events']}\b", done.stdout) and "torn" not in done.stdout, done
    shutil.copytree(journal, copy)
    segments = sorted(copy.glob("*.journal"))
    assert len(segments) > 1, segments
    torn = segments[-1].read_bytes()
    for more in (3, 15, 60, 90):  # within the header of the last block, which has no record
        segments[-1].write_bytes(torn[:torn.rindex(b"TGJB") + more])
        done = read(copy)
        assert done.returncode == 0 and f"records up to {whole['records']}," in done.stdout, done
        assert f"torn end: segment {int(segments[-1].stem)} byte {torn.rindex(b'TGJB')}," in done.stdout, done
    for end in (8, 127, 128 + 10, 128 + 20):  # in the header of its first block, in that of its first record, in the record
        segments[-1].write_bytes(torn[:torn.index(b"TGJB") + end])
        done = read(copy)
        assert done.returncode == 0 and f"torn end: segment {int(segments[-1].stem)}" in done.stdout, (end, done)
    segments[-1].write_bytes(torn)
    for segment in (segments[-1], segments[0]):  # in the first record of each
        data = bytearray(segment.read_bytes())
        at = data.index(b"TGJB")
        data[at + 128 + 20] ^= 1
        segment.write_bytes(data)
        done = read(copy)
        assert done.returncode != 0 and f"damage: segment {int(segment.stem)} byte {at}, record " in done.stderr, done


def followed(world):
    """tail -f while the journal is written, over the change to another segment."""
    with subprocess.Popen([str(CLI), "journal", "tail", "-f", "--count", "1", str(world.journal)], stdout=subprocess.PIPE,
                          text=True) as tail:
        try:
            first = tail.stdout.readline().split()[2].split("/")
            world.tell("events 5")
            for number in range(1, 6):
                line = tail.stdout.readline().split()
                assert line[2] == f"lane0/{int(first[1]) + number}" and line[3] == "GAP_OPEN", line
        finally:
            tail.send_signal(signal.SIGINT)
            tail.wait(PATIENCE_S)
    assert tail.returncode == 0


def followed_over_a_loss(journal, folder):
    """What is missing is said when tail -f meets it, not at its end."""
    copy, errors = folder / "loss", folder / "errors"
    copy.mkdir()
    names = [f"{number:016}.journal" for number in (1, 3)]
    shutil.copy(journal / names[0], copy)
    lost = re.compile(r"damage: segment 3 .*: segment 2 is missing; \d+ records are lost$", re.M)
    with open(errors, "w") as out, subprocess.Popen([str(CLI), "journal", "tail", "-f", "--count", "1", str(copy)],
                                                    stdout=subprocess.PIPE, stderr=out, text=True) as tail:
        try:
            tail.stdout.readline()
            shutil.copy(journal / names[1], folder)
            (folder / names[1]).rename(copy / names[1])
            until(lambda: lost.search(errors.read_text()), "the word of the loss")
        finally:
            tail.send_signal(signal.SIGINT)
            tail.wait(PATIENCE_S)
    assert tail.returncode == 1


def direct(folder):
    """Whether a write past the page cache goes here, by a file of our own."""
    try:
        fd = os.open(folder / "direct", os.O_CREAT | os.O_WRONLY | os.O_DIRECT)
    except OSError:
        return False
    try:
        return os.pwrite(fd, mmap.mmap(-1, 65536), 0) == 65536
    except OSError:
        return False
    finally:
        os.close(fd)


def engines(folder):
    """The line of the start says which way to the disk is in force."""
    for engine, name in (("thread", "pwritev2 and fdatasync"), ("uring", "io_uring")):
        config, log = folder / f"{engine}.yaml", folder / f"{engine}.log"
        config.write_text(
            f"journal: {{segment_size: 4MiB, engine: {engine}}}\n"
            "ports: [{name: p, device: net_ring0}]\n"
            f"lanes: [{{name: l, core: {max(os.sched_getaffinity(0))}, idle: sleep}}]\n"
            "channels: [{name: c, lane: l, lines: [{name: A, port: p, group: 233.54.12.111, udp_port: 26477}]}]\n")
        with open(log, "w") as out:
            control = subprocess.Popen([str(CONTROL), "--config", str(config), "--region", str(folder / "none"), "--socket",
                                        str(folder / "s2"), "--journal", str(folder / engine)], stdout=out, stderr=out)
        try:
            until(lambda: "goes on behind record" in log.read_text() or control.poll() is not None, "the journal is open")
        finally:
            control.terminate()
            control.wait(PATIENCE_S)
        said = log.read_text()
        if engine == "uring" and "let the engine be auto" in said:
            continue  # the kernel refuses it here
        how = "O_DIRECT" if direct(folder) else "not O_DIRECT"
        assert re.search(rf": {name}, {how}, blocks of \d+ bytes, synced; goes on behind record 0", said), said


def main():
    missing = [str(p) for p in (CLI, CONTROL, FAKE) if not p.exists()]
    if missing:
        print(f"not built: {', '.join(missing)}")
        return 77
    place = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tickgate-journal-", dir=place))
    world = World(folder)
    try:
        world.tell(f"events {EVENTS}")
        world.tell(f"orders {ORDERS}")
        world.tell("refuse 1")
        world.written(REFUSED)
        live = folder / "live"
        shutil.copytree(world.journal, live)  # of one that is written
        assert ask("journal", "verify", live)["good"] and not ask("journal", "verify", live)["closed"]
        explained(live)
        world.control.send_signal(signal.SIGTERM)
        assert world.control.wait(PATIENCE_S) == 0
        closed = folder / "closed"
        shutil.copytree(world.journal, closed)
        verified(closed)
        listed(closed)
        explained(closed)
        found = damaged(closed, folder)
        world.write()
        followed(world)
        world.control.send_signal(signal.SIGTERM)
        assert world.control.wait(PATIENCE_S) == 0
        documented(world.journal, folder)
        world.write()
        world.tell("events 1")
        world.written(1)  # of this control plane
        followed_over_a_loss(world.journal, folder)
        engines(folder)
    except BaseException:
        world.log.seek(0)
        print(world.log.read()[-3000:])
        raise
    finally:
        world.end()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{found} damaged bytes named")
    return 0


if __name__ == "__main__":
    sys.exit(main())
