#!/usr/bin/env python3
"""The same lane, with the same program on the same core, under conditions that change from run to run: alone, beside neighbours that load
the processor, the memory or the disk, beside a second lane, and in a container. One round runs every condition once, so that what the
machine does over time meets all of them. usage: conditions.py PROGRAM DIR [CORE FAR_CORE [ROUNDS [ORDERS]]]

Results: DIR/<condition>-<round>/result.json and .hgrm of each, which report.py reads. What cannot be run here is left out and said."""

import contextlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

RUN_S = 120  # a run takes a few seconds
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
        with tempfile.TemporaryDirectory() as other:
            command = self.lane(self.far, other)
            command[command.index("--orders") + 1] = str(20 * self.orders)
            with running(command):
                time.sleep(1)  # its books are being filled
                self.measure(name, self.lane(self.core, self.out / name))

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
        yield
    finally:
        process.terminate()
        process.wait()


def conditions(bench):
    """Name and what runs it; first the one that the others are compared with."""
    yield "alone", bench.alone
    yield "second-lane", bench.second_lane
    if shutil.which("stress-ng"):
        for name, arguments in NEIGHBOURS.items():
            yield name, lambda run, arguments=arguments: bench.neighbour(run, arguments)
    else:
        print("   no neighbours: stress-ng is not installed")
    if shutil.which("podman") and shutil.which("runc"):
        yield "container", bench.container
    else:
        print("   no container: podman or runc is not installed")


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    numbers = [int(word) for word in sys.argv[3:]]
    core, far, rounds, orders = numbers + [1, 0, 3, 200000][len(numbers):]
    bench = Bench(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), core, far, orders)
    todo = list(conditions(bench))
    for number in range(1, rounds + 1):
        for name, run in todo:
            print(f"== {name}, round {number} of {rounds}", flush=True)
            run(f"{name}-{number}")


if __name__ == "__main__":
    main()
