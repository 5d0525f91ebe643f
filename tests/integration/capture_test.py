#!/usr/bin/env python3
"""What a lane takes in and sends while it trades is written to pcapng: every frame once, both ways, as tshark reads it;
over several files, with the control plane killed in between. Stopped it records nothing; started again it goes on."""

import json
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from small_disk import SmallDisk  # noqa: E402
from system import BUILD, System, need_programs, skip, wait_for  # noqa: E402
from trading import configure_memif, sections, start_memif_trade  # noqa: E402

DAY = "--symbols 4 --live 2000 --messages 60000 --rate 20000 --end-s 1 --linger-s 60".split()


def tshark(path, *fields, where="frame"):
    done = subprocess.run(["tshark", "-n", "-r", str(path), "-Y", where, "-T", "fields"]
                          + [word for f in fields for word in ("-e", f)],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"tshark: {path}: {done.stderr[-300:]}"
    return [line.split("\t") for line in done.stdout.splitlines()]


def export(s, complete=True):
    path = s.dir / "all.pcapng"
    done = subprocess.run([str(BUILD / "tickgate"), "capture", "export", str(s.dir / "capture"), str(path)],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert ("not complete" in done.stderr) != complete, done.stderr
    for lane in ("-1", "16"):  # not all of them, and not none
        none = subprocess.run([*done.args[:-1], str(s.dir / "none.pcapng"), "--lane", lane], capture_output=True, text=True)
        assert none.returncode == 2 and "from 0 to 15" in none.stderr, none
    return path


def asked(s, *words):
    done = subprocess.run([str(BUILD / "tickgate"), *words, "--json", "--socket", str(s.socket)],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def settled(s):
    """Everything that was recorded is in files."""
    state = {}

    def ready():
        state.update(s.ask("show", "capture") or {})
        return state and state["behind_bytes"] == 0

    wait_for("the capture's files", ready, s.alive, lambda: f"; {state}")
    return state


def record(s):
    configure_memif(s, sections("10.0.0.1:26400")
                    + f"capture: {{ring_size: 16MiB, directory: {s.dir}/capture, file_size: 8MiB}}\n")
    start_memif_trade(s, DAY, "alice,secret,firm=ALCE,protocol=5.0")
    s.start_dataplane()
    s.start_controlplane()
    s.wait_ready()
    s.wait_counters("a part of the day", lambda c: c["messages"] >= 20000)
    s.end("controlplane", signal.SIGKILL)  # the lane goes on; the next one finds what is not in a file
    s.start_controlplane()
    s.wait_ready()
    s.wait_counters("the day", lambda c: c["messages"] >= 60000)
    seen = []

    def over():
        seen.append(s.counters()["messages"])
        return len(seen) > 10 and len(set(seen[-10:])) == 1  # only heartbeats from here on

    wait_for("the end of the day", over, s.alive)


def lane_counters(s):
    return s.ask("show", "counters", "--all")["lane"][0]["counters"]


def whole(s):
    """Every frame of the lane's own count, and what it sent."""
    state = asked(s, "capture", "stop")
    wait_for("the lane to stop recording", lambda: settled(s)["state"] == "stopped", s.alive)
    state = settled(s)
    assert state["complete"] and state["file"] >= 2, state
    received = lane_counters(s)["frames"]
    path = export(s)
    rows = tshark(path, "frame.packet_flags_direction", "frame.comment", "frame.time_epoch", "_ws.malformed")
    inward = [r for r in rows if int(r[0], 0) == 1]
    outward = [r for r in rows if int(r[0], 0) == 2]
    assert len(rows) == state["lanes"][0]["frames"], (len(rows), state)
    # What came between the lane's last recorded turn and the counter is not recorded: nothing but heartbeats.
    assert 0 <= received - len(inward) <= 200, (received, len(inward))
    assert len(outward) >= 100, f"{len(outward)} frames sent"
    numbers = [r[1] for r in inward]
    assert len(set(numbers)) == len(numbers), "two frames of one place in one burst"
    assert all(c.startswith("lane 0 ") for c in numbers), numbers[:3]
    times = [float(r[2]) for r in rows]
    assert sorted(times) == times, "time goes back"
    return len(rows)


def readable(s):
    """Each file for itself, also the one whose writer was killed."""
    files = sorted((s.dir / "capture").glob("*.pcapng"))
    assert len(files) >= 3, files
    rows = [tshark(p, "frame.number") for p in files]
    # Who was killed may have begun a file, and have written nothing to it.
    assert sum(not r for r in rows) <= 1 and rows[-1], [len(r) for r in rows]
    assert sum(map(len, rows)) >= len(tshark(export(s, complete=False), "frame.number"))  # it was off for a while
    return len(files)


def on_and_off(s):
    before = settled(s)["lanes"][0]["frames"]
    received = lane_counters(s)["frames"]
    wait_for("frames that nobody records", lambda: lane_counters(s)["frames"] > received, s.alive)
    assert settled(s)["lanes"][0]["frames"] == before, "recorded though it was stopped"
    asked(s, "capture", "start")
    wait_for("frames again", lambda: s.ask("show", "capture")["lanes"][0]["frames"] > before, s.alive)
    state = s.ask("show", "capture")
    assert not state["complete"] and state["lanes"][0]["gaps"] == 1, state


def refused(s):
    """What was not recorded in between is missing in a replay, though the capture begins with the first input."""
    done = subprocess.run([str(BUILD / "tickgate"), "replay", str(s.dir / "journal"), str(s.dir / "capture"),
                           "--config", str(s.dir / "config.yaml")], capture_output=True, text=True, timeout=60)
    assert done.returncode == 4 and "not complete: lane 0" in done.stderr, f"{done.returncode} {done.stderr}"


def no_room():
    """Nothing is configured, so there is a capture, beside the journal. Where it would take the last room of the disk it waits,
    and goes on by itself when there is some."""
    with System("capturedisk") as s:
        disk = SmallDisk(s.dir, 64)
        try:
            s.configure({"md0": {"device": "net_ring0"}},
                        {"nasdaq": {"symbols": 100, "orders": 50000, "lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]"}},
                        journal={"directory": disk.path / "journal"})
            (disk.path / "filler").write_bytes(bytes(54 << 20))  # beside the segments of the journal
            s.start_dataplane()
            s.start_controlplane()
            s.wait_ready()
            wait_for("the capture to wait", lambda: (s.ask("show", "capture") or {}).get("state") == "failed", s.alive,
                     lambda: f"; {s.ask('show', 'capture')}")
            assert not list(disk.path.glob("journal.capture/*")), "a file was begun"
            disk.clear()
            wait_for("the capture to go on", lambda: (s.ask("show", "capture") or {}).get("state") == "recording", s.alive)
            wait_for("a file", lambda: list(disk.path.glob("journal.capture/*.pcapng")), s.alive)
            s.end("dataplane")
            s.end("controlplane")
        finally:
            s.stop()
            disk.end()


def main():
    need_programs()
    if not shutil.which("tshark"):
        skip("needs tshark")
    with System("capture") as s:
        record(s)
        frames = whole(s)
        on_and_off(s)
        assert s.end("dataplane") == 0, "an unclean end"
        s.end("exchange")
        s.end("controlplane")
        refused(s)
        print(f"{frames} frames in {readable(s)} files")
    no_room()


if __name__ == "__main__":
    main()
