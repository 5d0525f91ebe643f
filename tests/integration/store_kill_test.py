#!/usr/bin/env python3
# beside others
"""kill -9 of either process at random instants, while what is published goes through the journal into PostgreSQL: at the end every
event that a region held is in the database once, none is missing, and the cursor is the journal's end.

TICKGATE_KILLS: how often (50). TICKGATE_SEED: of the instants.
"""

import os
import pathlib
import shutil
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
import journal_kill_test as kills  # noqa: E402
from postgres import Place, Postgres, need, wait_until  # noqa: E402

KILLS = int(os.environ.get("TICKGATE_KILLS", "50"))
EVENTS = 5000  # between two kills
PATIENCE_S = 120  # until all of it is in the database


class World(kills.World):
    def __init__(self, folder, pg):
        super().__init__(folder)
        self.killed = {"dataplane": 0, "controlplane": 0}
        self.config = folder / "config.yaml"
        self.config.write_text(
            "ports: [{name: p, device: net_ring0}]\n"
            f"lanes: [{{name: l, core: {max(os.sched_getaffinity(0))}, idle: sleep}}]\n"
            "channels: [{name: c, lane: l, lines: [{name: A, port: p, group: 233.54.12.111, udp_port: 26477}]}]\n"
            f"store: {{connection: '{pg.conninfo()}', flush_ms: 5, retry_ms: 20, retry_max_ms: 200}}\n")

    def start_dataplane(self):
        self.dataplane = kills.Dataplane(self.region, len(self.published) + 1, EVENTS)

    def start_control(self):
        self.control = kills.subprocess.Popen(
            [str(kills.CONTROL), "--config", str(self.config), "--region", str(self.region), "--socket", str(self.socket),
             "--journal", str(self.journal)], stdout=self.log, stderr=self.log)

    def taken(self):
        """Of the events that are published here the control plane has released one."""
        was = self.dataplane.word("tail")
        self.dataplane.publish(EVENTS)
        kills.wait_for("events are taken", lambda: self.dataplane.word("committed") > was)

    def kill_control(self):
        self.dataplane.publish(EVENTS)
        self.pause(0.5)  # while it starts, connects, copies, commits
        self.control.kill()
        assert self.control.wait() == -signal.SIGKILL, "it had ended before"
        self.killed["controlplane"] += 1
        self.start_control()

    def kill_dataplane(self):
        process = self.dataplane.process
        super().kill_dataplane()
        assert process.returncode == -signal.SIGKILL, "it had ended before"
        self.killed["dataplane"] += 1


def in_database(pg):
    rows = pg.sql("SELECT epoch, count(*), count(DISTINCT sequence), min(sequence), max(sequence) FROM tickgate.events "
                  "WHERE type = 'GAP_OPEN' GROUP BY epoch")
    return {int(row.split("|")[0]): tuple(map(int, row.split("|")[1:])) for row in rows.split()}


def run(world, pg):
    world.start_dataplane()
    world.start_control()
    for number in range(1, KILLS + 1):
        if number % 5 == 0:
            world.kill_dataplane()
        else:
            world.kill_control()
    assert world.killed == {"dataplane": KILLS // 5, "controlplane": KILLS - KILLS // 5}, world.killed
    world.taken()
    world.published[world.dataplane.epoch] = tail = world.dataplane.kill()
    kills.wait_for("the last region is drained", lambda: world.dataplane.word("committed") == tail)
    want = {epoch: (count, count, 1, count) for epoch, count in world.published.items()}
    wait_until("all of it in the database", lambda: in_database(pg) == want, PATIENCE_S)
    world.control.send_signal(signal.SIGTERM)
    assert world.control.wait(kills.PATIENCE_S) == 0, "an unclean end"
    verified = kills.check(world)
    rows = in_database(pg)
    assert rows == want, (rows, want)
    assert pg.numbers("SELECT count(*) FROM tickgate.holes") == [0]
    assert pg.numbers("SELECT count(*), count(DISTINCT (journal, number)) FROM tickgate.events WHERE type = 'GAP_OPEN'") == \
        [sum(world.published.values())] * 2
    return verified


def main():
    missing = [str(p) for p in (kills.CLI, kills.CONTROL, kills.FAKE) if not p.exists()]
    if missing:
        print(f"not built: {', '.join(missing)}")
        return 77
    need()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tickgate-storekill-"))
    with Place() as place:
        pg = Postgres(place)
        world = World(folder, pg)
        try:
            verified = run(world, pg)
        except BaseException:
            print((folder / "control.log").read_text()[-3000:])
            raise
        finally:
            world.clean()
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{world.killed} killed, {len(world.published)} regions, {verified['events']} events, each once in journal and database")
    return 0


if __name__ == "__main__":
    sys.exit(main())
