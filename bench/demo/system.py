"""The programs of the demo: started, asked, watched, ended."""

import json
import os
import pathlib
import shutil
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
EXCHANGE_PAGES = 40  # huge pages of 2 MiB that the exchange's port takes, with some to spare


class System:
    def __init__(self, build, folder):
        self.build, self.dir = build, folder
        self.socket = folder / "control.sock"
        self.processes = []
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def start(self, name, program, *argv):
        with open(self.dir / f"{name}.log", "w") as log:
            process = subprocess.Popen([str(self.build / program), *map(str, argv)], stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL)
        self.processes.append((name, process))
        return process

    def start_dataplane(self):
        process = self.start("dataplane", "tickgate-dataplane", "--config", self.dir / "demo.yaml")
        self.start("controlplane", "tickgate-controlplane", "--config", self.dir / "demo.yaml",
                   "--journal", self.dir.parent / "journal")
        self.wait_for("the dataplane", lambda: (self.ask("status") or {}).get("state") == "ready")
        return process

    def stop(self):
        for _, process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for _, process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()

    def ask(self, *words):
        done = subprocess.run([str(self.build / "tickgate"), *words, "--json", "--socket", str(self.socket)],
                              capture_output=True, text=True, timeout=20)
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None

    def check_alive(self):
        for name, process in self.processes:
            if process.poll() not in (None, 0):
                log = (self.dir / f"{name}.log").read_text().strip().splitlines()
                raise SystemExit(f"demo: {name} ended with {process.returncode}: {log[-1] if log else 'no message'} "
                                 f"(all of it in {self.dir / (name + '.log')})")

    def wait_for(self, what, ready, seconds=40):
        end = time.monotonic() + seconds
        while not ready():
            self.check_alive()
            if time.monotonic() > end:
                raise SystemExit(f"demo: {what} not within {seconds} s; logs are in {self.dir}")
            time.sleep(0.1)

    def configure(self, template, **values):
        """Writes demo.yaml. With fewer than four cores everybody yields: a lane that polls would starve its neighbours."""
        cores = sorted(os.sched_getaffinity(0))
        self.main_core = cores[0]
        values = {"DIR": self.dir, "MAIN_CORE": cores[0], "LANE_CORE": cores[1] if len(cores) > 1 else cores[0],
                  "IDLE": "poll" if len(cores) >= 4 else "yield"} | values
        self.huge = True
        self.fill(template, values)
        pages = self.pages_needed()
        self.huge = free_huge_pages() >= pages
        if not self.huge:
            print(f"demo: fewer than {pages} free huge pages of 2 MiB: ordinary memory is used, and it is slower")
            self.fill(template, values)

    def fill(self, template, values):
        text = (HERE / template).read_text()
        for key, value in (values | {"HUGE": "true" if self.huge else "false"}).items():
            text = text.replace(f"@{key}@", str(value))
        (self.dir / "demo.yaml").write_text(text)

    def pages_needed(self):
        """The dataplane's own bill, and the exchange."""
        done = subprocess.run([str(self.build / "tickgate-dataplane"), "--config", str(self.dir / "demo.yaml"), "--check"],
                              capture_output=True, text=True)
        totals = [line.split() for line in done.stdout.splitlines() if line.strip().startswith("total")]
        if done.returncode or not totals:
            raise SystemExit(f"demo: {done.stderr.strip() or 'no bill'}")
        return int(float(totals[0][1])) // 2 + EXCHANGE_PAGES


def free_huge_pages():
    path = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")
    return int(path.read_text()) if path.exists() else 0


def bar(done, width=30):
    full = int(width * min(done, 1.0))
    return "[" + "#" * full + "." * (width - full) + f"] {100 * min(done, 1.0):3.0f} %"
