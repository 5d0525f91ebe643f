"""A node for tests: the control plane with HTTP, and a program that plays the dataplane. Shared by scripts."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

BUILD = pathlib.Path(os.environ.get("TICKGATE_BUILD", "build"))
CLI = BUILD / "tickgate"
CONTROL = BUILD / "tickgate-controlplane"
FAKE = BUILD / "tests/lib/fake_dataplane"
PATIENCE_S = 60


def built():
    """What is missing, as a sentence; empty when all is there."""
    missing = [str(p) for p in (CLI, CONTROL, FAKE) if not p.exists()]
    return f"not built: {', '.join(missing)}" if missing else ""


def run_tests(functions, *arguments):
    """Every test_ function of a script (its globals), in the order in which they stand there."""
    for title, test in list(functions.items()):
        if title.startswith("test_"):
            print(title, flush=True)
            test(*arguments)


def script(main):
    """A script's end: its exit code, and what did not hold in one line."""
    try:
        sys.exit(main())
    except AssertionError as e:
        print(f"failed: {e}")
        sys.exit(1)


def until(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def hash_of(data):
    """Of a configuration: FNV-1a, as the dataplane says it of its own."""
    number = 0xCBF29CE484222325
    for byte in data:
        number = (number ^ byte) * 0x100000001B3 % (1 << 64)
    return number


class Node:
    """Used as a context. <arguments>: of the control plane, beside region and socket; http at a free port by default."""

    def __init__(self, folder, *arguments, scheme="http", config=None):
        self.folder = folder
        self.region = folder / "region"
        self.socket = folder / "control.sock"
        self.log = folder / "control.log"
        self.log.unlink(missing_ok=True)
        self.arguments = arguments or ("--http", "127.0.0.1:0")
        self.scheme = scheme
        self.control = self.fake = None
        self.fake_hash = f"{hash_of(config.read_bytes()):x}" if config else None

    def __enter__(self):
        try:
            self.start_fake(self.fake_hash)
            self.start_control()
            until(lambda: self.cli("status")[0] == 0, "the control plane attaches to the dataplane")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in (self.control, self.fake):
            if process:
                process.kill()
                process.wait()
                for pipe in (process.stdin, process.stdout, process.stderr):
                    if pipe:
                        pipe.close()

    def start_fake(self, config_hash=None):
        which = [str(time.time_ns()), config_hash] if config_hash else []
        self.fake = subprocess.Popen(
            [str(FAKE), str(self.region), *which], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.fake.stdout.readline() == "ready\n", "the stand-in of the dataplane does not come up"

    def start_control(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.control = subprocess.Popen(
                [str(CONTROL), "--region", str(self.region), "--socket", str(self.socket), "--journal",
                 "none", *self.arguments],
                stdout=log,
                stderr=log,
            )
        until(lambda: "listening on" in self.said() or self.control.poll() is not None, "the control plane is ready")
        assert self.control.poll() is None, self.said()

    def said(self):
        return self.log.read_text(encoding="utf-8")

    def port(self):
        return int(re.findall(r"page on https?://[0-9.]+:(\d+)/", self.said())[-1])

    def url(self, path):
        return f"{self.scheme}://127.0.0.1:{self.port()}{path}"

    def get(self, path, context=None, **headers):
        """(status, headers, text)"""
        request = urllib.request.Request(self.url(path), headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S, context=context) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.headers, e.read().decode()

    def dataplane(self, order):
        self.fake.stdin.write(order + "\n")
        self.fake.stdin.flush()
        if order != "stop":
            line = self.fake.stdout.readline()
            assert line == "ok\n", f"{order}: {line}"

    def stop_dataplane(self):
        self.dataplane("stop")
        self.fake.wait(PATIENCE_S)

    def cli(self, *words):
        """(exit code, stdout, stderr)"""
        done = subprocess.run(
            [str(CLI), "--socket", str(self.socket), *words],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def stop_control(self):
        self.control.terminate()
        assert self.control.wait(PATIENCE_S) == 0, self.said()
