"""The whole system as processes: exchange, dataplane and control plane, for the tests of tests/integration.

A System has a folder of its own, starts programs with their output in files there, asks the control plane through
the CLI, and ends everything it started, by pid. A Wire is a veth pair with its far end in a namespace of its own.
"""

import contextlib
import csv
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("TICKGATE_BUILD", "build")).resolve()
SHARED = pathlib.Path(os.environ.get("TICKGATE_SHARED", pathlib.Path(__file__).resolve().parents[2] / "../shared"))
PATIENCE_S = 60
os.environ.setdefault("TICKGATE_LOG", "text")  # of every program started here: tests read it
FIELDS = "bid_price bid_shares bid_orders ask_price ask_shares ask_orders".split()
LOCK = "/tmp/tickgate-test.cores"  # one test that polls at a time: they share two cores


def skip(why):
    print(why)
    sys.exit(77)


def need_programs(*names):
    for name in names or ("tickgate", "tickgate-dataplane", "tickgate-controlplane", "tickgate-exchange", "tickgate-book"):
        if not (BUILD / name).exists():
            skip(f"{BUILD / name} is not built")


def cores():
    """Main core, lane core, and how a lane idles: with fewer than two cores it has to let others run."""
    have = sorted(os.sched_getaffinity(0))
    return have[0], have[-1], "poll" if len(have) > 1 else "yield"


def free_huge_pages():
    path = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")
    return int(path.read_text()) if path.exists() else 0


def clear_regions():
    """Regions of tests that were killed: their name ends in the number of a process that is gone."""
    for place in map(pathlib.Path, ("/dev/hugepages", "/dev/shm")):
        for path in place.glob("tickgate.*") if place.is_dir() else ():
            owner = re.fullmatch(r"tickgate\.[a-z]+(\d+)(\..*)?", path.name)
            if owner and not pathlib.Path("/proc", owner[1]).exists():
                path.unlink(missing_ok=True)


class System:
    def __init__(self, name):
        clear_regions()
        self.name = f"{name}{os.getpid()}"
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"tickgate-{name}-"))
        self.processes = {}
        self.begun = 0  # where the log of the newest dataplane begins
        self.huge = free_huge_pages() >= 100

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.stop()
        for place in map(pathlib.Path, ("/dev/hugepages", "/dev/shm")):  # where its journal did not take everything
            with contextlib.suppress(OSError):
                (place / f"tickgate.{self.name}").unlink()
        if kind not in (None, SystemExit):
            for log in sorted(self.dir.glob("*.log")):
                print(f"--- {log.name} ---\n" + "\n".join(log.read_text(errors="replace").splitlines()[-25:]))
        shutil.rmtree(self.dir, ignore_errors=True)

    # --- processes ---

    def start(self, name, program, *argv, prefix=()):
        """Output goes to NAME.log, which grows over restarts."""
        with open(self.dir / f"{name}.log", "a") as log:
            self.processes[name] = subprocess.Popen(
                [*prefix, str(BUILD / program), *map(str, argv)], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        return self.processes[name]

    def log(self, name):
        return (self.dir / f"{name}.log").read_text(errors="replace")

    def end(self, name, how=signal.SIGTERM):
        process = self.processes.pop(name)
        if process.poll() is None:
            process.send_signal(how)
        return process.wait(PATIENCE_S)

    def stop(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def alive(self):
        for name, process in self.processes.items():
            assert process.poll() in (None, 0), f"{name} ended with {process.returncode}: {self.log(name)[-500:]}"

    # --- the three programs ---

    @property
    def socket(self):
        return self.dir / "control.sock"

    @property
    def memif(self):
        return f"net_memif0,role=client,socket={self.dir}/memif.sock,socket-abstract=no"

    def configure(self, ports, channels, trading="", journal=None, **node):
        """Writes config.yaml: <ports> name -> {device, ...}; <channels> name -> {...} (values in YAML flow style);
        <trading>: the text of its sections; <journal>: keys of that section."""
        main, lane, idle = cores()
        node = {"name": self.name, "region": self.name, "control_socket": self.socket, "main_core": main,
                "huge_pages": "true" if self.huge else "false", **node}
        text = ["node:"] + [f"  {key}: {value}" for key, value in node.items()]
        journal = {"directory": self.dir / "journal", "segment_size": "4MiB", "durability": "memory",
                   "stall_ms": 60000, **(journal or {})}
        text += ["journal:"] + [f"  {key}: {value}" for key, value in journal.items()]
        if "capture:" not in trading:  # on, as by default, and beside the journal
            text += ["capture: {file_size: 8MiB, keep_size: 64MiB}"]
        text += ["ports:"]
        for name, port in ports.items():
            text += [f"  - name: {name}"] + [f"    {key}: {value}" for key, value in port.items()]
        text += ["lanes:", "  - name: lane0", f"    core: {lane}", f"    idle: {idle}", "channels:"]
        for name, channel in channels.items():
            text += [f"  - name: {name}", "    lane: lane0", "    protocol: itch50"]
            text += [f"    {key}: {value}" for key, value in channel.items()]
        path = self.dir / "config.yaml"
        path.write_text("\n".join(text) + "\n" + trading)
        return path

    def start_dataplane(self):
        log = self.dir / "dataplane.log"
        self.begun = log.stat().st_size if log.exists() else 0
        return self.start("dataplane", "tickgate-dataplane", "--config", self.dir / "config.yaml")

    def start_controlplane(self):
        return self.start("controlplane", "tickgate-controlplane", "--config", self.dir / "config.yaml")

    def start_exchange(self, *argv, prefix=(), idle="sleep"):
        summary = ("--summary-json", self.dir / "exchange.json")
        return self.start("exchange", "tickgate-exchange", "--idle", idle, *summary, *argv, prefix=prefix)

    def summary(self):
        return json.loads((self.dir / "exchange.json").read_text())

    def start_memif_exchange(self, *argv):
        port = f"net_memif0,role=server,socket={self.dir}/memif.sock,socket-abstract=no"
        huge = () if self.huge else ("--no-huge",)
        self.start_exchange("--port", port, "--ip", "10.0.0.1", "--core", cores()[0], "--wait-link-s", 60, *huge, *argv)
        wait_for("the exchange's port", lambda: (self.dir / "memif.sock").exists(), self.alive)

    # --- asking ---

    def ask(self, *words):
        done = subprocess.run([str(BUILD / "tickgate"), *map(str, words), "--json", "--socket", str(self.socket)],
                              capture_output=True, text=True, timeout=PATIENCE_S)
        return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None

    def feed(self, channel=0):
        feeds = self.ask("show", "feeds")
        return feeds["feeds"][channel] if feeds else None

    def wait_ready(self):
        """Right after a start the control plane may still speak of the dataplane before: its own log tells."""
        def ready():
            said = (self.dir / "dataplane.log").read_bytes()[self.begun:]
            return b"lanes on region" in said and (self.ask("status") or {}).get("state") == "ready"

        wait_for("the dataplane", ready, self.alive)

    def counters(self, channel=0):
        counters = self.ask("show", "counters")
        return counters["channel"][channel]["counters"] if counters else None

    def wait_counters(self, what, condition, channel=0):
        """Until <condition> holds for the channel's counters; answers them."""
        seen = {}

        def ready():
            seen["now"] = self.counters(channel)
            return seen["now"] and condition(seen["now"])

        wait_for(what, ready, self.alive, lambda: f"; the channel counts {seen.get('now')}")
        return seen["now"]

    def wait_feed(self, what, condition, channel=0):
        """Until <condition> holds for the feed; answers the feed."""
        seen = {}

        def ready():
            seen["feed"] = self.feed(channel)
            return seen["feed"] and condition(seen["feed"])

        wait_for(what, ready, self.alive, lambda: f"; the feed says {seen.get('feed')}")
        return seen["feed"]

    def books(self):
        return {s["symbol"]: s for s in self.ask("show", "symbols")["symbols"]}


def wait_for(what, ready, alive=lambda: None, more=lambda: ""):
    end = time.monotonic() + PATIENCE_S
    while not ready():
        alive()
        assert time.monotonic() < end, f"{what}: not within {PATIENCE_S} s{more()}"
        time.sleep(0.05)


# --- what is right ---

def write_day(folder, options):
    """The day that the exchange sends with these options, as a file."""
    path = folder / "day.itch"
    subprocess.run([str(BUILD / "tickgate-exchange"), *options, "--write", str(path)], check=True, timeout=PATIENCE_S,
                   stdout=subprocess.DEVNULL)
    return path


def reference_books(path):
    """What tickgate-book makes of a file: rows of its CSV."""
    done = subprocess.run([str(BUILD / "tickgate-book"), str(path)], check=True, timeout=PATIENCE_S, text=True,
                          capture_output=True)
    return list(csv.DictReader(done.stdout.splitlines()))


def assert_same_books(rows, books):
    def text(symbol, key):
        value = symbol[key] if symbol else None
        empty = value is None or (key.endswith(("shares", "orders")) and value == 0)
        return "" if empty else str(value)

    assert rows, "the reference has no book"
    for row in rows:
        got = {key: text(books.get(row["symbol"]), key) for key in FIELDS}
        want = {key: row[key] for key in FIELDS}
        assert got == want, f"{row['symbol']}: the dataplane has {got}, tickgate-book {want}"
    live = {name for name, s in books.items() if s["bid_shares"] or s["ask_shares"]}
    assert live == {row["symbol"] for row in rows}, "other symbols than the reference"


# --- a wire to the kernel ---

def run(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S)


class Wire:
    """Two veth pairs to a namespace: <near>, without an address, for a port of the dataplane; and a management network
    (10.78.N.1 here, .2 there) for what goes through kernel sockets."""

    def __init__(self):
        tag = os.getpid() % 100000
        self.space, self.near, self.far = f"tgns{tag}", f"tgd{tag}", f"tgk{tag}"
        self.manage, self.manage_far = f"tgm{tag}", f"tgn{tag}"
        net = tag % 250
        self.here, self.there = f"10.78.{net}.1", f"10.78.{net}.2"
        self.prefix = ("ip", "netns", "exec", self.space)

    def __enter__(self):
        if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("ethtool"):
            skip("needs root, iproute2 and ethtool for a namespace of its own")
        steps = [
            f"ip netns add {self.space}",
            f"ip link add {self.near} type veth peer name {self.far} netns {self.space}",
            f"ip link add {self.manage} type veth peer name {self.manage_far} netns {self.space}",
            f"ip addr add {self.here}/30 dev {self.manage}",
            f"ip link set {self.manage} up",
            f"ip link set {self.near} mtu 1500 up",
            f"ip -n {self.space} link set lo up",
            f"ip -n {self.space} addr add 10.77.0.2/24 dev {self.far}",
            f"ip -n {self.space} addr add {self.there}/30 dev {self.manage_far}",
            f"ip -n {self.space} link set {self.far} up",
            f"ip -n {self.space} link set {self.manage_far} up",
            # Otherwise the kernel leaves checksums to a card that is not there.
            f"ip netns exec {self.space} ethtool -K {self.far} tx off",
        ]
        for step in steps:
            done = run(*step.split())
            if done.returncode:
                self.remove()
                skip(f"no veth pair in a namespace of its own here: {step}: {done.stderr.strip()}")
        with contextlib.suppress(OSError):
            pathlib.Path(f"/proc/sys/net/ipv6/conf/{self.near}/disable_ipv6").write_text("1")
        return self

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        for link in (self.near, self.manage):
            run("ip", "link", "del", link)
        run("ip", "netns", "del", self.space)
