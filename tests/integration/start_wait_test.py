#!/usr/bin/env python3
"""A start that waits for the control plane says what it sees of it, and ends at a signal. What an instance that died held and no
journal has is said, counted and written down; of another build it is kept. On a port with nothing behind it.
"""

import fcntl
import mmap
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from region import layout, published, untaken  # noqa: E402
from restart_test import configure  # noqa: E402
from small_disk import SmallDisk  # noqa: E402
from system import PATIENCE_S, System, need_programs, wait_for  # noqa: E402


class Starts:
    def __init__(self, s):
        self.s = s
        self.left, self.lost = (pathlib.Path(f"/dev/shm/tickgate.{s.name}.{what}") for what in ("left", "lost"))

    def configured(self, start, device="net_null0", huge=True):
        configure(self.s, device)
        path = self.s.dir / "config.yaml"
        if not huge:
            path.write_text(path.read_text().replace("huge_pages: true", "huge_pages: false"))
        text = path.read_text().replace("restore_ms: 20000", "restore_ms: 3600000").replace("start: journal", f"start: {start}")
        path.write_text(text.replace(f"{self.s.dir}/journal", f"{self.s.dir}/disk/journal"))

    def regions(self):
        return [p for p in (pathlib.Path(f, f"tickgate.{self.s.name}") for f in ("/dev/hugepages", "/dev/shm")) if p.exists()]

    def region(self):
        found = self.regions()
        assert len(found) == 1, found
        return found[0]

    def start(self, mode, *device, **more):
        self.configured(mode, *device, **more)
        self.s.start_dataplane()

    def said(self):
        return (self.s.dir / "dataplane.log").read_bytes()[self.s.begun:].decode(errors="replace")

    def says(self, *what):
        wait_for(what, lambda: all(text in self.said() for text in what), self.s.alive, self.said)

    def killed(self, **more):
        """An instance that no control plane saw: how many events its region holds."""
        self.start("venue", **more)
        self.says("lanes on region")
        self.s.end("dataplane", signal.SIGKILL)
        return sum(published(self.region())[1].values())

    def written_down(self):
        """REGION_LOST of the newest instance, and what it counts."""
        self.s.start_controlplane()
        self.s.wait_ready()
        events = []
        wait_for("its record", lambda: events.extend(self.s.ask("show", "events", "--type", "REGION_LOST")["events"]) or events,
                 self.s.alive, lambda: self.s.log("controlplane"))
        counters = self.s.ask("show", "counters")["main"][0]["counters"]
        return events[-1]["fields"], (counters["region_lost"], counters["region_lost_events"])

    def over(self):
        assert self.s.end("dataplane") == 0, self.said()
        self.s.end("controlplane")


def ends_at_a_signal(st):
    """The last events of an instance wait for who takes them, then the journal for who reads it."""
    held = st.killed()
    assert held > 0
    st.start("journal")
    st.says(f": {held} events of an instance that died are not in the journal yet", "no control plane is there: start tickgate-controlplane")
    assert st.s.end("dataplane") == 0, st.said()
    st.says("ended by a signal while it waited for a control plane")
    assert sum(published(st.region())[1].values()) == held, "they are gone"


def names_the_cause(st, disk):
    """The control plane is there, and its disk is full; once there is room the start goes on with the journal, which refuses: that
    instance had not begun from it."""
    disk.fill()
    st.s.start_controlplane()
    st.start("journal")
    st.says("a control plane is there and its journal takes nothing (the disk is full): make room in journal.directory")
    disk.clear()
    assert st.s.processes.pop("dataplane").wait(PATIENCE_S) == 4, st.said()
    assert "start: venue" in st.said(), st.said()
    st.s.end("controlplane")
    st.start("journal")
    wait_for("its region", st.regions, st.s.alive, st.said)
    assert st.s.end("dataplane") == 0, st.said()
    st.says("ended by a signal while it waited for the journal")


def lost_is_written_down(st):
    """Wherever the region lies: the next one has huge pages. Also by a start that finds it and then fails, as the port is not there: the
    one that runs says it."""
    held = st.killed(huge=False)
    assert st.region().parent == pathlib.Path("/dev/shm")
    for _ in range(2):
        st.start("venue", "net_nothing0")
        assert st.s.processes.pop("dataplane").wait(PATIENCE_S) == 1, st.said()
        st.says(f" the last {held} events of an instance that died are in no journal")
        assert not st.regions() and st.lost.exists(), (st.regions(), st.said())
    st.start("venue")
    st.says(f": a start that failed has found that the last {held} events of an instance that died are in no journal", "lanes on region")
    wait_for("it said so", lambda: not st.lost.exists(), st.s.alive, st.said)
    fields, counts = st.written_down()
    assert (fields["events"], fields["regions"], fields["counted"]) == (held, 1, 1) and counts == (1, held), (held, fields, counts)
    st.over()


def nobody_writes(st):
    """A control plane that keeps no journal takes what is there, as its operator wants it: nothing is waited for, and nothing is lost."""
    st.killed()
    region = st.region()
    st.s.start("controlplane", "tickgate-controlplane", "--config", st.s.dir / "config.yaml", "--journal", "none")
    wait_for("all are taken", lambda: untaken(region) == 0, st.s.alive)
    st.start("venue")
    st.says("lanes on region")
    assert "of an instance that died" not in st.said() and not st.lost.exists(), st.said()
    st.s.wait_ready()
    assert st.s.ask("show", "counters")["main"][0]["counters"]["region_lost"] == 0
    st.over()


def another_build_is_kept(st):
    st.killed()
    region, at = st.region(), layout("region_header", "abi_hash")
    with open(region, "r+b") as file, mmap.mmap(file.fileno(), os.fstat(file.fileno()).st_size) as memory:
        memory[at] ^= 1
        content = memory[:]
    with open(region, "r+b") as drained:  # as a control plane of that build does, which may have no room to write
        fcntl.lockf(drained, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
        st.start("venue")
        st.says("an instance of another build died", f"--region {st.left} ", "lanes on region")
    assert st.left.read_bytes() == content, "the copy is another"
    fields, counts = st.written_down()
    assert (fields["events"], fields["regions"], fields["counted"]) == (0, 1, 0) and counts == (1, 0), (fields, counts)
    st.over()


def main():
    need_programs()
    with System("startwait") as s:
        disk = SmallDisk(s.dir, 128)
        st = Starts(s)
        try:
            ends_at_a_signal(st)
            names_the_cause(st, disk)
            lost_is_written_down(st)
            nobody_writes(st)
            another_build_is_kept(st)
            print(f"{s.log('dataplane').count('signal received before READY')} starts ended by a signal")
        finally:
            s.stop()
            st.left.unlink(missing_ok=True)
            st.lost.unlink(missing_ok=True)
            disk.end()


if __name__ == "__main__":
    main()
