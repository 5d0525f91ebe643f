#!/usr/bin/env python3
"""The same lane, with the same program on the same core, under conditions that change from run to run: alone, beside neighbours that load
the processor, the memory or the disk, beside a second lane, with a control plane that is scraped, stormed or catching up, and in a container. One round runs every condition once, so that what the
machine does over time meets all of them. usage: conditions.py PROGRAM DIR [CORE FAR_CORE [ROUNDS [ORDERS]]] [CONDITION...]

Results: DIR/<condition>-<round>/result.json and .hgrm of each, which report.py reads. What cannot be run here is left out and said."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import control

RUN_S = 120  # a run takes a few seconds
LANE_RUNS = 24  # of lanes that are alone and beside others in turn: no more rounds than fit in, one at least
NEIGHBOURS = {  # stress-ng, on the other core
    "beside-cpu": ("--cpu", "1", "--cpu-method", "matrixprod"),
    "beside-memory": ("--stream", "1"),
    "beside-disk": ("--hdd", "1", "--hdd-bytes", "256m"),
}
CONTAINERS_CONF = """[containers]
default_ulimits = ["nofile=16384:16384", "nproc=32768:32768"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""


class Bench:
    def __init__(self, program, out, core, far, orders):
        self.program, self.out, self.core, self.far, self.orders = program.resolve(), out.resolve(), core, far, orders

    def lane(self, core, folder):
        return [str(self.program), "lane", "--core", str(core), "--seconds", "0.3", "--orders", str(self.orders), "--out", str(folder)]

    def measure(self, name, command):
        folder = self.out / name
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "output.txt", "w") as output, open(folder / "errors.txt", "w") as errors:
            code = subprocess.run(command, stdout=output, stderr=errors, timeout=RUN_S).returncode
        if code != 0:
            (folder / "result.json").unlink(missing_ok=True)
            print(f"   {name} left out: {(folder / 'errors.txt').read_text().strip().splitlines()[-1:]}")
        return code == 0

    def alone(self, name):
        self.measure(name, self.lane(self.core, self.out / name))

    def second_lane(self, name):
        """Both run until the first ends, so that each has the other beside it all the time."""
        self.beside([self.far], name, self.core)

    def same_core(self, name):
        """Two lanes that poll on one core: each has it for a time slice of the scheduler's, and that is what shows."""
        self.beside([self.core], name, self.core)

    @contextlib.contextmanager
    def others(self, cores, *more):
        """A lane on each of <cores> that runs all the time."""
        with contextlib.ExitStack() as stack:
            lanes = []
            for core in cores:
                command = [*self.lane(core, stack.enter_context(tempfile.TemporaryDirectory())), *more]
                command[command.index("--orders") + 1] = str(20 * self.orders)
                lanes.append(stack.enter_context(running(command)))
            time.sleep(1)  # their books are being filled
            yield lanes

    def beside(self, others, name, core):
        with self.others(others):
            self.measure(name, self.lane(core, self.out / name))

    def rate(self, name, core):
        """Orders a second of a lane on <core>."""
        if not self.measure(name, [*self.lane(core, self.out / name), "--first"]):
            raise OSError(f"a lane on core {core} did not come to its end")
        result = json.loads((self.out / name / "result.json").read_text())
        return result["orders"] * 1e9 / result["ns"]

    def rates(self, cores, core, rounds):
        """Of a lane on <core>, alone and beside lanes on all the other <cores>. These are stopped and go on from run to run: a machine
        that changes its pace every few seconds meets both."""
        alone, beside = [], []
        with self.others([c for c in cores if c != core], "--first") as others:
            for number in range(1, rounds + 1):
                for found, do, what in ((alone, signal.SIGSTOP, "alone"), (beside, signal.SIGCONT, "beside"))[:len(cores)]:
                    for other in others:
                        other.send_signal(do)
                    found.append(self.rate(f"lanes-{len(cores)}-core-{core}-{what}.{number}", core))
                    if any(other.poll() is not None for other in others):
                        raise OSError(f"a lane that should run beside core {core} has ended")
        return alone, beside

    def lanes_at_once(self, cores, rounds):
        """One to a core: what each keeps of its rate while the others run, and that of all added."""
        count, ones, kept = len(cores), [], 0
        for core in cores:
            alone, beside = self.rates(cores, core, max(1, min(rounds, LANE_RUNS // (2 * count))))
            ones += alone
            kept += statistics.median(b / a for a, b in zip(alone, beside, strict=True)) if count > 1 else 1
        one = statistics.median(ones)
        folder = self.out / f"scale-lanes-{count}"
        folder.mkdir(exist_ok=True)
        where = f"core{'s' if count > 1 else ''} {', '.join(str(c) for c in cores)}"
        (folder / "result.json").write_text(json.dumps({"lanes": count, "where": where, "orders_per_s": kept * one, "one_lane": one}))

    def lanes(self, cores, rounds):
        for count in (n for n in (1, 2, 4, 8, 16, 32) if n <= len(cores)):
            print(f"== lanes: {count}", flush=True)
            try:
                self.lanes_at_once(cores[:count], rounds)
            except (OSError, subprocess.SubprocessError) as error:  # other counts are measured
                (self.out / f"scale-lanes-{count}" / "result.json").unlink(missing_ok=True)
                print(f"   {count} lanes at once left out: {error}")

    def control_plane(self, name, beside, *more):
        """The lane's region has a control plane, which is busy on the other core."""
        folder = self.out / name
        with control.running(self.program.parent, self.far) as plane, beside(plane) as did:
            if self.measure(name, [*self.lane(self.core, folder), "--region", plane.region, *more]):
                (folder / "did.txt").write_text(did() + "\n")

    def neighbour(self, name, arguments):
        with tempfile.TemporaryDirectory(dir=self.out) as scratch, \
                running(["stress-ng", "--quiet", "--taskset", str(self.far), "--temp-path", scratch, "--timeout", f"{RUN_S}s", *arguments]):
            time.sleep(0.5)
            self.measure(name, self.lane(self.core, self.out / name))

    def container(self, name):
        """No image: an empty root with this machine's /usr, so that the very same program and libraries run."""
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for link in ("bin", "lib", "lib64", "sbin"):
                (folder / "root").mkdir(exist_ok=True)
                (folder / "root" / link).symlink_to(f"usr/{link}")
            (folder / "containers.conf").write_text(CONTAINERS_CONF)
            (self.out / name).mkdir(parents=True, exist_ok=True)
            self.measure(name, ["env", f"CONTAINERS_CONF={folder}/containers.conf", "podman", "--root", f"{folder}/store", "--runroot",
                                f"{folder}/run", "run", "--rm", "--network", "host", "--cpuset-cpus", str(self.core), "--cap-drop", "all",
                                "--cap-add", "IPC_LOCK", "-v", "/usr:/usr:ro", "-v", f"{self.program.parent}:{self.program.parent}:ro",
                                "-v", f"{self.out}:{self.out}", "-v", "/dev/hugepages:/dev/hugepages", "--rootfs", f"{folder}/root",
                                *self.lane(self.core, self.out / name)])


@contextlib.contextmanager
def running(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.send_signal(signal.SIGCONT)
        process.wait()


def conditions(bench, sql):
    """Name and what runs it; first the one that the others are compared with."""
    yield "alone", bench.alone
    yield "second-lane", bench.second_lane
    yield "one-core", bench.same_core
    if shutil.which("stress-ng"):
        for name, arguments in NEIGHBOURS.items():
            yield name, lambda run, arguments=arguments: bench.neighbour(run, arguments)
    else:
        print("   no neighbours: stress-ng is not installed")
    for name, beside in control.conditions(bench.far, sql):
        yield name, lambda run, beside=beside: bench.control_plane(run, beside)
    # An order leaves when the disk has its record: fewer of them in the time.
    yield "durable", lambda run: bench.control_plane(run, control.nothing, "--durable", "--warm", "200", "--orders", str(max(bench.orders // 100, 100)))
    if shutil.which("podman") and shutil.which("runc"):
        yield "container", bench.container
    else:
        print("   no container: podman or runc is not installed")


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    numbers = [int(word) for word in sys.argv[3:] if word.isdigit()]
    wanted = [word for word in sys.argv[3:] if not word.isdigit()]  # none: all
    core, far, rounds, orders = numbers + [1, 0, 3, 200000][len(numbers):]
    bench = Bench(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), core, far, orders)
    why_not = "not asked for" if wanted and "beside-catch-up" not in wanted else control.Sql.why_not(bench.program.parent)
    if why_not and not wanted:
        print(f"   no store beside the lane: {why_not}")
    sql = None if why_not else control.Sql(bench.program.parent, far)
    try:
        todo = [(name, run) for name, run in conditions(bench, sql) if not wanted or name in wanted]
        for number in range(1, rounds + 1):
            for name, run in todo:
                print(f"== {name}, round {number} of {rounds}", flush=True)
                try:
                    run(f"{name}-{number}")
                except (OSError, subprocess.SubprocessError) as error:  # the others are measured
                    print(f"   {name}-{number} left out: {error}")
    finally:
        if sql:
            sql.close()
    if not wanted or "lanes" in wanted:
        bench.lanes([core, *sorted(os.sched_getaffinity(0) - {core})], 2 * rounds - 1)  # an odd number: medians


if __name__ == "__main__":
    main()
