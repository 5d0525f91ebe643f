"""A control plane beside a lane: it takes the events of tickgate-bench's region into a journal, and is kept busy, on the exchange's core.

Each of the conditions is a context whose value says, when asked, how much has been done."""

import contextlib
import http.client
import json
import multiprocessing
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STORED_EVENTS, STORM_CLIENTS, PATIENCE_S = 2000000, 32, 20
STORE_SETTINGS = "shared_buffers = 256MB\nmax_wal_size = 4GB\n"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class ControlPlane:
    """Waits for the region; its files are in <folder>."""

    def __init__(self, build, folder, core):
        self.region, self.http, self.socket = f"bench{os.getpid()}", free_port(), folder / "control.sock"
        self.log = folder / "control.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(core), str(build / "tickgate-controlplane"), "--region", self.region, "--socket", str(self.socket),
                 "--journal", str(folder / "journal"), "--http", f"127.0.0.1:{self.http}"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE_S
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                self.close()
                raise OSError(f"the control plane does not start: {self.log.read_text().strip().splitlines()[-1:]}")
            time.sleep(0.05)

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)


@contextlib.contextmanager
def nothing(_control):
    yield lambda: "events into the journal"


def scrape(core, port, done):
    os.sched_setaffinity(0, {core})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    while True:
        connection.request("GET", "/metrics")
        connection.getresponse().read()
        done.value += 1


def storm(core, path, done):
    """Clients that come, ask, and go, many at once."""
    os.sched_setaffinity(0, {core})
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "status", "params": {}}).encode() + b"\n"
    while True:
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(STORM_CLIENTS)]
            for client in clients:
                client.settimeout(PATIENCE_S)
                client.connect(path)
                client.sendall(request)
            for client in clients:
                while not client.recv(1 << 16).endswith(b"\n"):
                    pass
                done.value += 1


@contextlib.contextmanager
def looping(what, target, *arguments):
    done = multiprocessing.Value("q", 0)
    process = multiprocessing.Process(target=target, args=(*arguments, done), daemon=True)
    process.start()
    try:
        yield lambda: f"{done.value:,} {what}"
    finally:
        process.kill()
        process.join()


class Sql:
    """A store far behind a journal of its own, and a server for it; <None> where they cannot be had."""

    @staticmethod
    def why_not(build):
        if not (build / "tests/lib/store_run").exists():
            return f"{build}/tests/lib/store_run is not built"
        return None if shutil.which("psql") else "PostgreSQL is not installed"

    def __init__(self, build, core):
        os.environ["TICKGATE_BUILD"] = str(build)
        sys.path.insert(0, str(ROOT / "tests/lib"))
        from postgres import Place, Postgres, Store
        ours, self.place = os.sched_getaffinity(0), Place()
        os.sched_setaffinity(0, {core})  # what is started here stays there
        try:
            self.pg = Postgres(self.place, settings=STORE_SETTINGS)
            self.store = Store(self.place)
            self.store.do(f"write {STORED_EVENTS}")
        except BaseException:  # Ctrl-C, too
            self.place.__exit__(None, None, None)
            raise
        finally:
            os.sched_setaffinity(0, ours)

    @contextlib.contextmanager
    def beside(self, _control):
        self.store.start(f"host={self.pg.folder} port={self.pg.port} user=tick dbname=trades", flush_ms=100, events=20000)
        before = self.store.status()["events"]
        try:
            yield lambda: f"{self.store.status()['events'] - before:,} events into PostgreSQL"
        finally:
            self.store.do("stop 1000")

    def close(self):
        try:
            self.store.quit()
        finally:  # the store, too, ends at Ctrl-C
            self.place.__exit__(None, None, None)


def conditions(core, sql):
    """Name and context of each; the first one is the control plane alone."""
    yield "control-plane", nothing
    yield "beside-scrapes", lambda control: looping("scrapes of /metrics", scrape, core, control.http)
    yield "beside-clients", lambda control: looping("clients", storm, core, str(control.socket))
    if sql:
        yield "beside-catch-up", sql.beside


@contextlib.contextmanager
def running(build, core):
    with tempfile.TemporaryDirectory(prefix="tickgate-bench-") as folder:
        control = ControlPlane(build, pathlib.Path(folder), core)
        try:
            yield control
        finally:
            control.close()
