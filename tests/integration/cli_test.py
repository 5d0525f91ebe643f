#!/usr/bin/env python3
# beside others
"""tickgate and tickgate-controlplane, the real programs, over a real socket, with a program that plays the dataplane.

Says on the last line what failed. Exit code 77: the programs are not built.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(os.environ.get("TICKGATE_BUILD", "build"))
CLI = BUILD / "tickgate"
CONTROL = BUILD / "tickgate-controlplane"
FAKE = BUILD / "tests/lib/fake_dataplane"
PATIENCE_S = 30


class Dataplane:
    """The stand-in: its region and what it is told to do."""

    def __init__(self, path, epoch=None):
        command = [str(FAKE), str(path)] + ([str(epoch)] if epoch else [])
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.expect("ready")

    def expect(self, word):
        line = self.process.stdout.readline().strip()
        assert line == word, f"the stand-in says '{line}', not '{word}'"

    def tell(self, order):
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        if order != "stop":
            self.expect("ok")

    def stop(self):
        self.tell("stop")
        self.process.wait(PATIENCE_S)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class World:
    """A folder with region and socket, and the control plane."""

    def __init__(self, folder):
        self.region = folder / "region"
        self.socket = folder / "control.sock"
        self.log = folder / "control.log"
        # In memory: what is asked is not how fast this machine's disk is.
        self.journal = pathlib.Path(tempfile.mkdtemp(prefix="tickgate-cli-", dir="/dev/shm"))
        self.control = None
        self.dataplane = None

    def start_control(self, *more):
        with open(self.log, "a", encoding="utf-8") as log:
            self.control = subprocess.Popen(
                [str(CONTROL), "--region", str(self.region), "--socket", str(self.socket), "--journal",
                 str(self.journal), *more],
                stdout=log,
                stderr=log,
            )
        until(self.socket.exists, "the control socket appears")

    def stop_control(self):
        self.control.send_signal(signal.SIGTERM)
        code = self.control.wait(PATIENCE_S)
        assert code == 0, f"the control plane ended with {code}"
        assert not self.socket.exists(), "the control socket is left behind"

    def cli(self, *words, code=0, socket_path=None):
        """(stdout, stderr) of a command that must end with <code>."""
        done = subprocess.run(
            [str(CLI), "--socket", str(socket_path or self.socket), *words],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == code, (
            f"tickgate {' '.join(words)}: exit code {done.returncode}, not {code}: {done.stderr}"
        )
        if code == 0:
            assert not done.stderr, f"tickgate {' '.join(words)}: on stderr: {done.stderr}"
        else:
            assert not done.stdout and done.stderr, f"tickgate {' '.join(words)}: {done}"
        return done.stdout, done.stderr

    def json(self, *words):
        return json.loads(self.cli(*words, "--json")[0])

    def rows(self, *words):
        """A table as a list of lists of cells."""
        return [line.split() for line in self.cli(*words)[0].splitlines() if line]

    def connected(self):
        done = subprocess.run(
            [str(CLI), "--socket", str(self.socket), "status"], capture_output=True, check=False
        )
        return done.returncode == 0

    def end(self):
        shutil.rmtree(self.journal, ignore_errors=True)
        for process in (self.control, self.dataplane and self.dataplane.process):
            if process and process.poll() is None:
                process.kill()
                process.wait()


def until(condition, what):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)


def equal(left, right):
    assert left == right, f"{left!r} is not {right!r}"


# --- tests ---


def test_folder_of_the_socket(world):
    """Only /run/tickgate is made, for everybody to look into; a wrong path is an error."""
    folder = world.region.parent / "misspelt"
    for path, code, words in (
        (folder / "control.sock", 1, [f"{folder}: ", "make it"]),
        (pathlib.Path(__file__) / "control.sock", 2, ["is no folder"]),
    ):
        done = subprocess.run([str(CONTROL), "--socket", str(path)], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
        equal(done.returncode, code)
        assert all(word in done.stderr for word in words), done.stderr
    assert not folder.exists()
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return  # nobody else may cover /run
    script = f"""mount -t tmpfs none /run && umask 077 || exit 9
        {CONTROL} --region {world.region} >&2 & pid=$!
        for i in $(seq {PATIENCE_S}0); do [ -S /run/tickgate/control.sock ] && break; sleep 0.1; done
        stat -c %a /run/tickgate /run/tickgate/control.sock; kill $pid; wait $pid; ls /run/tickgate"""
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True,
                          timeout=2 * PATIENCE_S, check=False)
    if done.returncode != 9:  # a container may not
        equal(done.stdout.split(), ["755", "660"])


def test_nothing_there(world):
    _, message = world.cli("status", code=3)
    assert "is tickgate-controlplane running?" in message, message
    world.start_control()
    _, message = world.cli("status", code=3)
    assert "is the dataplane running?" in message, message
    _, message = world.cli("show", "book", "AAPL", code=3)
    equal(world.json("version")["dataplane"], None)
    second = subprocess.run(
        [str(CONTROL), "--region", str(world.region), "--socket", str(world.socket)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    equal(second.returncode, 1)
    assert "another control plane answers here" in second.stderr, second.stderr
    world.dataplane = Dataplane(world.region)
    until(world.connected, "the control plane attaches to a dataplane that came later")
    # The same region, another socket: the events have one reader.
    other = subprocess.Popen(
        [str(CONTROL), "--region", str(world.region), "--socket", str(world.socket) + "2",
         "--journal", "none"],
        stdout=subprocess.DEVNULL,
    )
    until(pathlib.Path(str(world.socket) + "2").exists, "the second control socket appears")
    until(
        lambda: "another control plane is attached"
        in world.cli("status", code=3, socket_path=str(world.socket) + "2")[1],
        "the second control plane is refused",
    )
    other.terminate()
    equal(other.wait(PATIENCE_S), 0)


def test_tables_and_json(world):
    status = world.json("status")
    equal((status["node"], status["state"], status["version"]), ("test-node", "ready", "fake"))
    equal([c["quality"] for c in status["channels"]], ["good", "stale"])
    equal(status["memory_bytes"], 12 * 1024 * 1024)
    assert ["node", "test-node"] in world.rows("status")
    feeds = world.json("show", "feeds")["feeds"]
    equal([line["line"] for line in feeds[0]["lines"]], ["A", "B", "recovery"])
    equal(feeds[0]["lines"][1]["lost_messages"], 5)
    equal(feeds[0]["lines"][0]["group"], "233.54.12.111")
    lanes = world.json("show", "lanes")["lanes"]
    equal(lanes[0]["frame_to_book"]["p50_ns"], 100)
    equal(lanes[0]["frame_to_book"]["over_2750_ns"], 10)
    equal(lanes[0]["core"], 2)
    symbols = world.rows("show", "symbols", "--sort", "volume", "--top", "2")
    equal(symbols[0][0], "symbol")
    equal([row[0] for row in symbols[1:]], ["MSFT", "AAPL"])
    equal(symbols[1][5:9], ["401.2345", "401.3345", "200", "0.1000"])
    halted = world.rows("show", "symbols", "ZVZZT")[1]
    equal(halted[2:7], ["halted", "T", "0", "-", "12.0000"])
    equal(world.rows("show", "ports")[1][:4], ["md0", "net_memif", "up", "02:00:00:00:00:01"])
    equal(world.rows("show", "memory")[4][:2], ["total", "12.0MiB"])
    counters = world.rows("show", "counters", "channel")
    assert ["channel", "-", "itch", "messages", "60000"] in counters, counters
    edges = world.json("show", "latency")["edges_ns"]
    assert 2750 in edges


def test_book(world):
    book = world.rows("show", "book", "AAPL", "--depth", "4")
    equal(book[1], ["orders", "shares", "bid", "ask", "shares", "orders"])
    equal(book[2], ["1", "100", "100.0000", "100.0100", "200", "1"])
    equal(book[5], ["4", "400", "99.9700", "-", "-", "-"])
    equal(len(world.json("show", "book", "AAPL", "--channel", "deep", "--depth", "64")["bids"]), 64)
    equal(world.json("show", "queue", "itch", "77")["orders_ahead"], 4)
    assert "no symbol" in world.cli("show", "book", "NOPE", code=1)[1]
    assert "no such order" in world.cli("show", "queue", "itch", "78", code=1)[1]
    assert "no channel" in world.cli("show", "queue", "moon", "78", code=1)[1]
    assert "from 1 to 64" in world.cli("show", "book", "AAPL", "--depth", "65", code=2)[1]


def test_filter(world):
    answer = world.json("set", "filter", "lane0", "AAPL,MSFT", "--reason", "r")
    equal(answer["channels"], [{"channel": "itch", "symbols": 2, "in_force_from_event": 42}])
    equal(world.rows("set", "filter", "lane0", "all", "--reason", "r")[1], ["itch", "all"])
    assert "nothing was changed" in world.cli("set", "filter", "lane0", "AAPL,TYPO", "--reason", "r", code=1)[1]
    assert "no lane" in world.cli("set", "filter", "lane7", "all", "--reason", "r", code=1)[1]
    world.cli("set", "filter", "lane0", code=2)
    assert "--reason is missing" in world.cli("set", "filter", "lane0", "all", code=2)[1]


def test_usage(world):
    for words in ([], ["show"], ["show", "moon"], ["status", "--wings"], ["show", "book", "A", "B"]):
        world.cli(*words, code=2)
    for words in (["--help"], ["show", "--help"], ["show", "book", "--help"], ["--version"]):
        assert world.cli(*words)[0]


def test_events(world):
    world.dataplane.tell("events 5000")  # more than the ring holds: drained while they come
    until(lambda: world.json("status")["events"]["trading"] >= 5000, "5000 events are drained")
    equal(world.json("status")["events"]["trading_lost"], 0)
    events = world.json("show", "events", "--count", "5000")["events"]
    equal([e["fields"]["from"] for e in events], list(range(1, 5001)))
    equal([e["sequence"] for e in events], list(range(1, 5001)))
    equal(events[0]["fields"]["channel"], "itch")
    world.dataplane.tell("diagnostics 3")
    until(lambda: world.json("status")["events"]["diagnostic"] == 3, "3 diagnostics are drained")
    found = world.json("show", "events", "--type", "SYMBOL_QUALITY")["events"]
    equal(found[0]["fields"], {"symbol": "AAPL", "channel": "itch", "was": "good", "now": "suspect"})
    world.dataplane.tell("burst 3000")  # nobody waits: the ring of 1024 overflows
    world.dataplane.tell("events 1")
    until(
        lambda: world.json("show", "events", "--type", "OVERRUN")["events"], "the overrun is told"
    )
    status = world.json("status")["events"]
    told = sum(
        e["fields"]["lost"] for e in world.json("show", "events", "--type", "OVERRUN")["events"]
    )
    equal(told, status["trading_lost"])
    equal(status["trading"] + told, 5000 + 3000 + 1 + len_overruns(world))


def len_overruns(world):
    return len(world.json("show", "events", "--type", "OVERRUN", "--count", "8000")["events"])


def read_lines(process, count):
    return [process.stdout.readline() for _ in range(count)]


def test_watch(world):
    command = [str(CLI), "--socket", str(world.socket)]
    watch = subprocess.Popen(
        [*command, "status", "--json", "--watch=0.2"], stdout=subprocess.PIPE, text=True
    )
    first = [json.loads(line) for line in read_lines(watch, 2)]
    equal(first[0]["node"], "test-node")
    watch.send_signal(signal.SIGINT)
    equal(watch.wait(PATIENCE_S), 0)
    watch.stdout.close()
    follow = subprocess.Popen(
        [*command, "show", "events", "--watch=0.2", "--count", "1"],
        stdout=subprocess.PIPE,
        text=True,
    )
    follow.stdout.readline()  # the newest one there was
    world.dataplane.tell("events 3")
    lines = read_lines(follow, 3)
    equal([line.split()[3] for line in lines], ["from=1", "from=2", "from=3"])
    follow.terminate()
    equal(follow.wait(PATIENCE_S), 0)
    follow.stdout.close()


def test_rate(world):
    def rate():
        world.dataplane.tell("messages 10000")
        time.sleep(0.2)
        return world.json("status")["channels"][0]["messages_per_s"]

    until(lambda: rate() > 1000, "a message rate is shown")


def test_mute_and_busy(world):
    world.dataplane.tell("mute")
    _, message = world.cli("show", "book", "AAPL", code=3)
    assert "took no notice" in message, message
    world.cli("show", "symbols")  # what needs no command goes on
    world.dataplane.tell("talk")
    world.cli("show", "book", "AAPL")


def test_dead_ends(world):
    """Hanging, killed, restarted with another epoch, cut: each is said, and got over."""
    world.dataplane.tell("hang")
    until(lambda: not world.connected(), "the silence is noticed")
    _, message = world.cli("status", code=3)
    assert "no heartbeat" in message, message
    world.dataplane.tell("go")
    until(world.connected, "the heartbeat is back")
    world.dataplane.kill()
    until(lambda: not world.connected(), "the death is noticed")
    _, message = world.cli("show", "symbols", code=3)
    assert "ended without stopping" in message, message
    world.cli("show", "events")  # what was drained is still there
    world.dataplane = Dataplane(world.region, epoch=4711)
    until(lambda: world.connected() and world.json("status")["epoch"] == 4711, "the new instance")
    equal(world.json("status")["control_plane"]["attached"], 2)
    world.cli("show", "book", "AAPL")
    world.dataplane.tell("busy")
    assert "being loaded" in world.cli("show", "book", "AAPL", code=1)[1]
    world.dataplane.tell("cut")
    world.dataplane.process.wait(PATIENCE_S)
    _, message = world.cli("show", "symbols", code=3)
    until(lambda: not world.connected(), "the cut is noticed")
    equal(world.control.poll(), None)  # and the control plane lives
    world.dataplane = Dataplane(world.region)
    until(world.connected, "the instance after the cut")
    world.dataplane.stop()
    until(lambda: not world.connected(), "the stop is noticed")


def test_other_build(world):
    """A region of another build is refused, and the reason reaches the operator."""
    world.stop_control()
    world.dataplane = Dataplane(world.region)
    with open(world.region, "r+b") as region:
        region.seek(16)
        right = region.read(8)
        region.seek(16)
        region.write(b"another!")
    world.start_control()
    assert "of another build" in world.cli("status", code=3)[1]
    with open(world.region, "r+b") as region:
        region.seek(16)
        region.write(right)
    until(world.connected, "the control plane attaches once the region is right")


def test_killed_control_plane(world):
    """Its socket file stays, the next one takes it over and reads on where it stopped."""
    world.dataplane.tell("events 10")
    until(lambda: world.json("status")["events"]["trading"] == 10, "10 events are drained")
    world.control.kill()
    world.control.wait()
    assert world.socket.exists()
    _, message = world.cli("status", code=3)
    assert "is tickgate-controlplane running?" in message, message
    world.dataplane.tell("events 5")
    world.start_control()
    until(world.connected, "the socket is taken over")
    events = world.json("show", "events")["events"]
    equal([e["sequence"] for e in events], list(range(11, 16)))
    world.stop_control()
    world.dataplane.stop()


def main():
    missing = [str(p) for p in (CLI, CONTROL, FAKE) if not p.exists()]
    if missing:
        print(f"not built: {', '.join(missing)}")
        return 77
    with tempfile.TemporaryDirectory(prefix="tickgate-cli-") as folder:
        world = World(pathlib.Path(folder))
        try:
            for name, test in list(globals().items()):
                if name.startswith("test_"):
                    print(name, flush=True)
                    test(world)
        except AssertionError as e:
            print(world.log.read_text(encoding="utf-8") if world.log.exists() else "")
            print(f"{name}: {e}")
            return 1
        finally:
            world.end()
    print("all passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
