#!/usr/bin/env python3
# beside others
"""A journal on a file system that fills up: what is published stays in the ring and nobody sees it, and when there is
room again everything is written, by itself, without a gap. And directories that cannot be written to.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from small_disk import SmallDisk, until  # noqa: E402

BUILD = pathlib.Path(os.environ.get("TICKGATE_BUILD", "build")).resolve()
CLI, CONTROL, FAKE = BUILD / "tickgate", BUILD / "tickgate-controlplane", BUILD / "tests/lib/fake_dataplane"
PATIENCE_S = 60
SLOTS = 1024  # of the stand-in's ring
MIB = 1 << 20


def status(world):
    done = subprocess.run([str(CLI), "status", "--json", "--socket", str(world["socket"])], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def journal_is(world, state):
    now = status(world)
    return now and now["journal"]["state"] == state


def seen(world, count):
    """Whether so many events are shown."""
    now = status(world)
    return now and now["events"]["trading"] == count


def journal_of(world):
    got = []
    until(lambda: got.append(status(world)) or got[-1], "it answers")
    return got[-1]["journal"]


def start_control(world):
    world["control"] = subprocess.Popen(
        [str(CONTROL), "--config", str(world["config"]), "--region", str(world["region"]), "--socket", str(world["socket"]),
         "--journal", str(world["journal"])], stdout=world["log"], stderr=world["log"])


def configure(world, folder, kept="", store=""):
    world["config"] = folder / "config.yaml"
    world["config"].write_text(
        f"journal: {{segment_size: 4MiB{kept}}}\n{store}"
        "ports: [{name: p, device: net_ring0}]\n"
        f"lanes: [{{name: l, core: {max(os.sched_getaffinity(0))}, idle: sleep}}]\n"
        "channels: [{name: c, lane: l, lines: [{name: A, port: p, group: 233.54.12.111, udp_port: 26477}]}]\n")


def fills_and_goes_on(world, disk):
    count = 6 * SLOTS
    publisher = world["fake"]
    disk.fill()
    publisher.stdin.write(f"events {count}\n")  # waits for room in the ring; the answer comes when all are published
    publisher.stdin.flush()
    start_control(world)
    until(lambda: journal_is(world, "full"), "the disk is full")
    now = journal_of(world)
    assert "make room" in now["why"] and now["committed"] == 0, now
    until(lambda: seen(world, 0), "nobody sees what is not written down")
    disk.clear()
    until(lambda: journal_is(world, "writing"), "it goes on by itself")
    assert publisher.stdout.readline().strip() == "ok"
    until(lambda: seen(world, count), "all are written")
    # Full again, in the middle of it: 3 MiB of events do not fit what is left of the segment.
    disk.fill()
    publisher.stdin.write(f"events {24 * SLOTS}\n")
    publisher.stdin.flush()
    until(lambda: journal_is(world, "full"), "the disk is full again")
    written = journal_of(world)["committed"]
    disk.clear()
    assert publisher.stdout.readline().strip() == "ok"
    until(lambda: seen(world, count + 24 * SLOTS), "all are written")
    assert journal_of(world)["committed"] > written
    world["control"].send_signal(signal.SIGTERM)
    assert world["control"].wait(PATIENCE_S) == 0
    done = subprocess.run([str(CLI), "journal", "verify", "--json", str(world["journal"])], capture_output=True, text=True)
    verified = json.loads(done.stdout)
    assert verified["good"] and verified["closed"] and verified["events"] == count + 24 * SLOTS, verified
    return verified["events"]


def refused(world, folder):
    """Clear errors at the start."""
    def said(directory, *words):
        done = subprocess.run([str(CONTROL), "--region", str(folder / "none"), "--socket", str(folder / "s2"), "--journal",
                               str(directory)], capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 1, done
        for word in words:
            assert word in done.stderr, f"'{word}' is not in: {done.stderr}"

    (folder / "file").write_text("")
    said(folder / "file", "Not a directory")
    said(folder / "no" / "where", "make the directory above it")
    start_control(world)
    until(lambda: journal_is(world, "writing"), "the journal is open")
    said(world["journal"], f"process {world['control'].pid} writes this journal")


def kept_for_the_store(world, folder):
    """What is older than keep_days goes; but not what a store that is configured, and away, has not taken."""
    def segments():
        return sorted(path.name for path in world["journal"].glob("*.journal"))

    def ran_once_more():
        """Each control plane begins a segment, with the first event."""
        before = segments()
        start_control(world)
        world["fake"].stdin.write("events 1\n")
        world["fake"].stdin.flush()
        assert world["fake"].stdout.readline().strip() == "ok"
        until(lambda: segments() and segments()[-1:] != before[-1:], "a new segment")
        world["control"].send_signal(signal.SIGTERM)
        assert world["control"].wait(PATIENCE_S) == 0
        for path in world["journal"].glob("*.journal"):
            os.utime(path, (1, 1))

    # The newest segments stay anyway.
    for store, gone in ((f"store: {{connection: 'host={folder} connect_timeout=2'}}\n", False), ("", True)):
        world["journal"] = folder / f"kept{gone}"
        configure(world, folder, ", keep_days: 1", store)
        for _ in range(4):
            ran_once_more()
        assert segments()[0].startswith("0" * 15 + "1") != gone, segments()


def nothing_preallocated(world, folder):
    """ext2 takes O_DIRECT and has no fallocate."""
    disk = SmallDisk(folder, 64, "ext2")
    configure(world, folder)
    world["journal"] = disk.path / "journal"
    try:
        start_control(world)
        world["fake"].stdin.write("events 1\n")
        world["fake"].stdin.flush()
        assert world["fake"].stdout.readline().strip() == "ok"
        until(lambda: journal_is(world, "failed") or journal_of(world)["committed"] > 0, "it was tried")
        assert journal_is(world, "writing"), journal_of(world)
    finally:
        world["control"].send_signal(signal.SIGTERM)
        world["control"].wait(PATIENCE_S)
        disk.end()


def main():
    missing = [str(p) for p in (CLI, CONTROL, FAKE) if not p.exists()]
    if missing:
        print(f"not built: {', '.join(missing)}")
        return 77
    if os.geteuid() != 0:
        print("needs root to mount a small file system")
        return 77
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tickgate-full-"))
    disk = SmallDisk(folder, 14)
    world = {"region": folder / "region", "socket": folder / "s", "journal": disk.path / "journal",
             "log": open(folder / "log", "w+"), "control": None}
    configure(world, folder)
    world["fake"] = subprocess.Popen([str(FAKE), str(world["region"])], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True)
    try:
        assert world["fake"].stdout.readline().strip() == "ready"
        events = fills_and_goes_on(world, disk)
        refused(world, folder)
        world["control"].send_signal(signal.SIGTERM)
        assert world["control"].wait(PATIENCE_S) == 0
        kept_for_the_store(world, folder)
        nothing_preallocated(world, folder)
    except BaseException:
        world["log"].seek(0)
        print(world["log"].read()[-3000:])
        raise
    finally:
        for process in (world["control"], world["fake"]):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        disk.end()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{events} events over a disk that was full twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
