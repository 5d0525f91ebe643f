#!/usr/bin/env python3
"""kill -9 of the dataplane and of the control plane at random instants, while the dataplane trades, also amid a start that goes on
from the journal: the journal has every event that a region held, once, without a gap; at the end the positions are the exchange's.

TICKGATE_KILLS: instants at which one process or both are killed (50). TICKGATE_SEED: of the instants. Whoever is killed is started again at once, as a
service manager does.
"""

import json
import os
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from region import published  # noqa: E402
from restart_test import begun, nothing_open, once_each, session, trades  # noqa: E402
from system import BUILD, System, Wire, need_programs, run, wait_for  # noqa: E402
from trading import flat  # noqa: E402

KILLS = int(os.environ.get("TICKGATE_KILLS", "50"))
RATE = 5000
DAY = f"--symbols 4 --live 2000 --messages {RATE * (60 + 3 * KILLS)} --rate {RATE} --end-s 2 --linger-s 60".split()
SETTLED_EVERY = 3  # instants; behind it the next instant is amid trading, else mostly amid a start
AMID_START_S, AMID_TRADING_S = 1.0, (0.001, 1.0)


class World:
    def __init__(self, s):
        self.s = s
        self.random = random.Random(int(os.environ.get("TICKGATE_SEED", "1")))
        self.events = {}  # by epoch: of each source
        self.died = {"dataplane": 0, "controlplane": 0}
        self.instants = self.loaded = 0
        self.last = None  # what was published at the last instant

    def region(self):
        found = [p for p in map(pathlib.Path, (f"/dev/hugepages/tickgate.{self.s.name}", f"/dev/shm/tickgate.{self.s.name}")) if p.exists()]
        assert len(found) <= 1, found
        return found[0] if found else None

    def look(self):
        """What the region holds whose dataplane is dead."""
        path = self.region()
        held = path and published(path)
        if held:
            self.events[held[0]] = held[1]

    def load(self):
        """An instant at which events have come since the one before."""
        path = self.region()
        now = path and published(path)
        self.instants += 1
        self.loaded += bool(now and now != self.last and sum(now[1].values()) > 0)
        self.last = now

    def kill(self, *names):
        self.load()
        for name in names:
            assert self.s.processes[name].poll() is None, f"{name} ended by itself: {self.s.log(name)[-600:]}"
            self.s.end(name, signal.SIGKILL)
            self.died[name] += 1
        if "dataplane" in names:
            self.look()
        for name in self.random.sample(names, len(names)):
            {"dataplane": self.s.start_dataplane, "controlplane": self.s.start_controlplane}[name]()

    def settle(self):
        """Trading goes on, so that there is something to lose."""
        wait_for("the session", lambda: session(self.s).get("state") == "ready", self.s.alive, lambda: f"; {session(self.s)}")
        trades(self.s, 0, 5)

    def random_kills(self):
        shortest, longest = AMID_TRADING_S
        while self.instants < KILLS:
            settled = self.instants % SETTLED_EVERY == 0
            if settled:
                self.settle()
            time.sleep(shortest * (longest / shortest) ** self.random.random() if settled else self.random.uniform(0, AMID_START_S))
            self.kill(*self.random.choice((("dataplane",), ("dataplane",), ("controlplane",), ("dataplane", "controlplane"))))

    def left_undrained(self):
        """Both are gone while events are in the region alone, and the dataplane comes back first: it waits for who takes them."""
        self.settle()
        self.s.processes["controlplane"].send_signal(signal.SIGSTOP)
        time.sleep(0.1)  # a commit that is on its way
        before = published(self.region())
        wait_for("events that nobody takes", lambda: published(self.region()) != before, self.s.alive)
        for name in ("dataplane", "controlplane"):
            self.s.end(name, signal.SIGKILL)
        self.look()
        said = len(self.s.log("dataplane"))
        self.s.start_dataplane()
        wait_for("the word that events wait", lambda: "are not in the journal yet; waiting" in self.s.log("dataplane")[said:],
                 self.s.alive, lambda: self.s.log("dataplane")[said:])
        self.s.start_controlplane()
        self.settle()


def ask(*words):
    done = run(str(BUILD / "tickgate"), *map(str, words), "--json")
    assert done.returncode == 0, f"{words}: {done.returncode}: {done.stderr} {done.stdout[-2000:]}"
    return json.loads(done.stdout)


def check(world, journal):
    verified = ask("journal", "verify", journal)
    assert verified["good"] and verified["closed"], verified
    for key in ("damaged", "missing_events", "doubled_events", "overrun_events"):
        assert verified[key] == 0, verified
    instances = {i["epoch"]: {r["source"]: r for r in i["rings"] if r["ring"] == "trading"} for i in ask("journal", "stats", journal)["instances"]}
    for epoch, tails in world.events.items():
        for number, (_, tail) in enumerate(sorted(tails.items())):
            source = number if number < len(tails) - 1 else max(instances.get(epoch, {0: 0}))  # the main lcore's is the last
            ring = instances.get(epoch, {}).get(source) if tail else None
            assert not tail or ring, f"instance {epoch} had {tail} events of source {source}, and the journal has none: {instances.get(epoch)}"
            assert not tail or (ring["first"], ring["last"], ring["events"]) == (1, tail, tail), (epoch, tail, ring)
    return verified


def explained(journal):
    """An order that one dataplane entered and another one saw the end of: the story goes on to that end."""
    entered, over = {}, {}
    for line in run(str(BUILD / "tickgate"), "journal", "dump", str(journal), "--json").stdout.splitlines():
        e = json.loads(line)
        if e["event"] == "DECISION" and e["fields"]["kind"] == "O" and e["fields"]["refusal"] == "NONE":
            entered[e["fields"]["ref"]] = e["epoch"]
        elif e["event"] == "ORDER" and e["fields"]["life"] == 3 and entered.get(e["fields"]["ref"], e["epoch"]) != e["epoch"]:
            over[e["fields"]["ref"]] = e["number"]
    assert over, "no order was open when a dataplane was killed"
    for ref, number in sorted(over.items())[:10]:
        assert ask("explain", "order", ref, journal)[-1]["number"] == number, (ref, number)
    return len(over)


def main():
    need_programs()
    with Wire() as wire, System("restartkill") as s:
        world = World(s)
        log = begun(s, wire, DAY)
        world.random_kills()
        world.left_undrained()
        nothing_open(s, log)
        flat(s)
        verified = check(world, s.dir / "journal")
        held = sum(sum(tails.values()) for tails in world.events.values())
        assert world.loaded >= KILLS / 2, f"under load at {world.loaded} of {world.instants} instants"
        print(f"{world.instants} instants, {world.loaded} of them under load: {world.died} killed, {len(world.events)} regions with {held} events, {verified['torn']} torn ends, {once_each(log)} requests, "
              f"{explained(s.dir / 'journal')} orders over in another instance than they began")


if __name__ == "__main__":
    main()
