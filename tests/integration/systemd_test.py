#!/usr/bin/env python3
"""Units of both processes, and what the processes tell a service manager: ready, alive, stopping.

Exit code 77: the programs are not built.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from node import BUILD, PATIENCE_S, built, run_tests, script  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = ("tickgate-dataplane", "tickgate-controlplane")
# When a process that ended comes back by itself, and when no more.
RESTARTS = {
    "tickgate-dataplane": ["Restart=on-failure", "RestartSec=1", "StartLimitBurst=3", "StartLimitIntervalSec=60"],
    "tickgate-controlplane": ["Restart=always", "RestartSec=1", "StartLimitIntervalSec=0"],
}
CONFIG = """node: {{name: quiet, region: {folder}, main_core: {core}, huge_pages: false, control_socket: {socket}}}
ports: [{{name: md0, device: net_ring0}}]
lanes: [{{name: lane0, core: {core}, idle: sleep}}]
channels:
  - {{name: itch, lane: lane0, symbols: 100, orders: 1024, matches: 1024, hold_frames: 64,
     lines: [{{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}}]}}
"""


def test_restarts(_):
    for name in UNITS:
        text = (ROOT / f"drivers-config/systemd/{name}.service").read_text(encoding="utf-8")
        restarts = sorted(line for line in text.splitlines() if line.startswith(("Restart", "StartLimit")))
        assert restarts == RESTARTS[name], restarts


def test_order(_):
    """The control plane is there when a dataplane starts, which waits for it, and when one has ended."""
    lines = {name: (ROOT / f"drivers-config/systemd/{name}.service").read_text(encoding="utf-8").splitlines() for name in UNITS}
    assert "Before=tickgate-dataplane.service" in lines["tickgate-controlplane"], lines
    assert [line for line in lines["tickgate-dataplane"] if line.startswith(("After=", "Before="))] == ["After=network.target"], lines


def test_units(folder):
    if not shutil.which("systemd-analyze"):
        print("no systemd-analyze here: units are not verified")
        return
    units = []
    for name in UNITS:
        text = (ROOT / f"drivers-config/systemd/{name}.service").read_text(encoding="utf-8")
        assert f"/usr/local/bin/{name} " in text and "Type=notify" in text and "WatchdogSec=" in text
        path = folder / f"{name}.service"
        path.write_text(text.replace("/usr/local/bin", str(BUILD.resolve())), encoding="utf-8")
        units.append(str(path))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    own = [line for line in done.stderr.splitlines() if "tickgate" in line]
    assert not own, own


class Manager:
    """Listens as a service manager does, and starts a process as its service."""

    def __init__(self, address, *command):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(PATIENCE_S)
        name = "@" + address[1:] if address[0] == "\0" else address
        env = dict(os.environ, NOTIFY_SOCKET=name, WATCHDOG_USEC="400000")
        for word in ("WATCHDOG_PID", "TICKGATE_LOG"):
            env.pop(word, None)
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def hears(self, word):
        end = time.monotonic() + PATIENCE_S
        heard = []
        while time.monotonic() < end:
            try:
                heard.append(self.socket.recv(256).decode())
            except TimeoutError:
                break
            if heard[-1] == word:
                return heard
        self.process.kill()
        raise AssertionError(f"never {word}, only {heard}: {self.process.communicate()[1]}")

    def end(self):
        self.process.terminate()
        self.hears("STOPPING=1")
        log, error = self.process.communicate(timeout=PATIENCE_S)
        self.socket.close()
        return self.process.returncode, log, error


def lives(manager):
    assert manager.hears("READY=1") == ["READY=1"], "ready is the first word"
    for _ in range(3):
        manager.hears("WATCHDOG=1")
    # A process that does not turn is not heard: that is what the manager acts on.
    manager.process.send_signal(signal.SIGSTOP)
    manager.socket.settimeout(1)
    try:
        while True:
            manager.socket.recv(256)
    except TimeoutError:
        pass
    manager.socket.settimeout(PATIENCE_S)
    manager.process.send_signal(signal.SIGCONT)
    manager.hears("WATCHDOG=1")
    code, log, error = manager.end()
    assert code == 0, f"{code}: {error}"
    lines = [json.loads(line) for line in log.splitlines()]  # and nothing else stands in the log
    ready = [line for line in lines if line["code"] == "TG-0001"]
    assert ready and ready[-1]["event"] == "ready" and ready[-1]["fields"]["path"], log


def test_control_plane(folder):
    command = (str(BUILD / "tickgate-controlplane"), "--region", str(folder / "none"), "--socket", str(folder / "s"))
    command += ("--journal", "none")
    lives(Manager(str(folder / "notify"), *command))
    lives(Manager(f"\0tickgate-notify-{os.getpid()}", *command))  # an abstract name


def test_dataplane(folder):
    config = folder / "config.yaml"
    core = min(os.sched_getaffinity(0))
    text = CONFIG.format(folder=f"quiet-{os.getpid()}", core=core, socket=folder / "s")
    config.write_text(text, encoding="utf-8")
    lives(Manager(str(folder / "notify-dataplane"), str(BUILD / "tickgate-dataplane"), "--config", str(config)))


def main():
    missing = built()
    if missing or not (BUILD / "tickgate-dataplane").exists():
        print(missing or "not built: tickgate-dataplane")
        return 77
    with tempfile.TemporaryDirectory(prefix="tickgate-systemd-") as name:
        run_tests(globals(), pathlib.Path(name))
    return 0


if __name__ == "__main__":
    script(main)
