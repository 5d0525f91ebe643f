#!/usr/bin/env python3
# beside others
"""kill -9 of the control plane at random instants, while events are published as fast as they are taken: the journal has
every event that a region holds, once, in order, without a gap.

TICKGATE_KILLS: how often (20). TICKGATE_SEED: of the instants. A program plays the dataplane and publishes without a
pause; of every region the test knows how far it got, from the file itself. Dataplanes that trade are killed in
restart_kill_test.py.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from region import layout, rings_offset  # noqa: E402

BUILD = pathlib.Path(os.environ.get("TICKGATE_BUILD", "build")).resolve()
CLI, CONTROL, FAKE = BUILD / "tickgate", BUILD / "tickgate-controlplane", BUILD / "tests/lib/fake_dataplane"
KILLS = int(os.environ.get("TICKGATE_KILLS", "20"))
PATIENCE_S = 60
FOREVER = 1 << 40


def wait_for(what, ready):
    end = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < end, f"{what}: not within {PATIENCE_S} s"
        time.sleep(0.005)


class Dataplane:
    """The stand-in, publishing in lane 0's ring of trading events until it is killed."""

    def __init__(self, path, epoch, events=FOREVER):
        self.epoch = epoch
        self.process = subprocess.Popen([str(FAKE), str(path), str(epoch)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        assert self.process.stdout.readline().strip() == "ready"
        self.region = open(path, "rb")  # stays when the name is another's
        self.ring = rings_offset(os.pread(self.region.fileno(), 4096, 0))
        self.publish(events)

    def publish(self, events):
        self.process.stdin.write(f"events {events}\n")
        self.process.stdin.flush()

    def word(self, member):
        at = self.ring + layout("event_ring", member)
        return struct.unpack("<Q", os.pread(self.region.fileno(), 8, at))[0]

    def kill(self):
        """Events that were published."""
        self.process.kill()
        self.process.wait()
        return self.word("tail")


class World:
    def __init__(self, folder):
        self.region, self.socket, self.journal = folder / "region", folder / "control.sock", folder / "journal"
        self.log = open(folder / "control.log", "a")
        self.random = random.Random(int(os.environ.get("TICKGATE_SEED", "1")))
        self.published = {}  # by epoch
        self.dataplane = self.control = None

    def start_dataplane(self):
        self.dataplane = Dataplane(self.region, len(self.published) + 1)

    def start_control(self):
        self.control = subprocess.Popen([str(CONTROL), "--region", str(self.region), "--socket", str(self.socket),
                                         "--journal", str(self.journal)], stdout=self.log, stderr=self.log)

    def taken(self):
        """The control plane has released an event of this dataplane that was published from now on."""
        was = self.dataplane.word("tail")
        wait_for("events are taken", lambda: self.dataplane.word("committed") > was)

    def pause(self, longest):
        time.sleep(self.random.uniform(0, longest))

    def kill_control(self):
        self.pause(0.08)  # also while it starts, opens the journal, introduces the instance
        self.control.kill()
        self.control.wait()
        self.start_control()

    def kill_dataplane(self):
        self.taken()
        self.pause(0.03)
        old = self.dataplane
        self.published[old.epoch] = old.kill()
        self.start_dataplane()
        wait_for("the region is drained", lambda: old.word("committed") == self.published[old.epoch])
        old.region.close()

    def end(self):
        self.taken()
        self.published[self.dataplane.epoch] = tail = self.dataplane.kill()
        wait_for("the last region is drained", lambda: self.dataplane.word("committed") == tail)
        self.control.send_signal(signal.SIGTERM)
        assert self.control.wait(PATIENCE_S) == 0, "an unclean end"

    def clean(self):
        for process in (self.control, self.dataplane and self.dataplane.process):
            if process and process.poll() is None:
                process.kill()
                process.wait()


def ask(*words):
    done = subprocess.run([str(CLI), *map(str, words), "--json"], capture_output=True, text=True, timeout=PATIENCE_S * 5)
    assert done.returncode == 0, f"{words}: {done.returncode}: {done.stderr} {done.stdout[-2000:]}"
    return json.loads(done.stdout)


def check(world):
    verified = ask("journal", "verify", world.journal)
    assert verified["good"] and verified["closed"], verified
    for key in ("damaged", "missing_events", "doubled_events", "overrun_events"):
        assert verified[key] == 0, verified
    rings = {i["epoch"]: i["rings"] for i in ask("journal", "stats", world.journal)["instances"]}
    assert set(rings) == set(world.published), (set(rings), set(world.published))
    for epoch, count in world.published.items():
        ring = rings[epoch][0]
        assert (ring["first"], ring["last"], ring["events"]) == (1, count, count), (epoch, count, ring)
    return verified


def main():
    missing = [str(p) for p in (CLI, CONTROL, FAKE) if not p.exists()]
    if missing:
        print(f"not built: {', '.join(missing)}")
        return 77
    # On a disk: its commits take long enough to be killed in.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tickgate-kill-"))
    world = World(folder)
    try:
        world.start_dataplane()
        world.start_control()
        for number in range(1, KILLS + 1):
            if number % 5 == 0:
                world.kill_dataplane()
            else:
                world.kill_control()
        world.end()
        verified = check(world)
    except BaseException:
        print((folder / "control.log").read_text()[-3000:])
        raise
    finally:
        world.clean()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{KILLS} kills, {len(world.published)} regions, {verified['events']} events, {verified['torn']} torn ends")
    return 0


if __name__ == "__main__":
    sys.exit(main())
