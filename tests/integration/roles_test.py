#!/usr/bin/env python3
# beside others
"""Roles with real users of the machine, and what a client follows over a real socket.

Exit code 77: not root, so nobody else can be played, or the programs are not built.
"""

import grp
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from node import CLI, PATIENCE_S, Node, built, run_tests, script, until  # noqa: E402

# Numbers that no user of the machine has; the kernel does not mind.
VIEWER, OPERATOR, OFFICER, STRANGER, SECOND = 54001, 54002, 54003, 54004, 54005
DESK = 54100
CONFIG = """node: {{main_core: {core}}}
ports: [{{name: md0, device: net_ring0}}]
lanes: [{{name: lane0, core: {core}, idle: sleep}}]
channels:
  - {{name: itch, lane: lane0, lines: [{{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}}]}}
control:
  group: {group}
  view: {viewer}
  operate: "@{desk}"
  risk: "{officer} {second}"
  second_person: true
  raise_max_ms: 3600s
"""


def cli_as(node, user, *words, groups=(), code=0):
    """What the command says as that user; it must end with <code>."""
    done = subprocess.run(
        [str(node.folder / "tickgate"), "--socket", str(node.socket), *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        user=user,
        group=node.group,
        extra_groups=list(groups),
        cwd=node.folder,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == code, f"{user}: tickgate {' '.join(words)}: {done.returncode}: {done.stderr}"
    return done.stdout + done.stderr


def test_roles(node):
    why = ("--reason", "a test")
    cli_as(node, VIEWER, "status")
    said = cli_as(node, VIEWER, "kill", *why, code=6)
    assert f"user {VIEWER} has the role view, and this takes operate" in said, said
    for words in (("halt", *why), ("cancel", *why), ("set", "filter", "lane0", "all", *why)):
        cli_as(node, VIEWER, *words, code=6)
    assert not json.loads(cli_as(node, VIEWER, "show", "trading", "--json"))["in_force"]
    # By a group that is not its first.
    cli_as(node, OPERATOR, "halt", *why, groups=[DESK])
    said = cli_as(node, OPERATOR, "resume", *why, "--yes", groups=[DESK], code=6)
    assert "this takes risk" in said, said
    cli_as(node, OFFICER, "resume", *why, "--yes")
    cli_as(node, OPERATOR, "kill", *why, groups=[DESK])
    cli_as(node, OFFICER, "resume", *why, "--yes")
    assert "has the role none" in cli_as(node, STRANGER, "status", code=6)
    log = node.said()
    assert f'kill by user {OPERATOR}' in log and "a test" in log, log
    assert f"by user {VIEWER}" in log, "who was not let is told"


def test_second_person(node):
    """What lets more pass waits for another user of the role; exit codes 5 and 6."""
    raises = ("set", "limit", "account:MM", "quantity", "150", "--for", "30m", "--reason", "a large order")
    limit = lambda: json.loads(cli_as(node, VIEWER, "show", "limits", "--json"))["limits"][0]["limit"]  # noqa: E731
    assert "add --yes" in cli_as(node, OFFICER, *raises, code=5), "nobody is at a terminal"
    said = cli_as(node, OFFICER, *raises, "--yes", code=5)
    assert "change 1 (account MM: quantity 150 for 30m) waits for another user" in said, said
    assert limit() == 100, "nothing is changed before"
    assert "a large order" in cli_as(node, VIEWER, "show", "approvals")
    assert "another user of the role risk approves it" in cli_as(node, OFFICER, "approve", "1", code=6)
    assert "takes risk" in cli_as(node, OPERATOR, "approve", "1", groups=[DESK], code=6)
    assert "account MM quantity: 150, was 100" in cli_as(node, SECOND, "approve", "1")
    assert limit() == 150
    assert f"limit_set by user {OFFICER}, approved by user {SECOND}" in node.said(), node.said()
    cli_as(node, OFFICER, "approve", "1", code=1)
    cli_as(node, OFFICER, "set", "limit", "account:MM", "quantity", "90", "--reason", "less needs nobody")
    assert limit() == 90
    assert "at most 3600 s" in cli_as(node, OFFICER, *raises[:6], "2h", *raises[7:], "--yes", code=2)
    assert "27.7%" in cli_as(node, VIEWER, "limits", "headroom")


def test_no_connection(node):
    """Who is not in the group does not even connect."""
    done = subprocess.run(
        [str(node.folder / "tickgate"), "--socket", str(node.socket), "status"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        user=VIEWER,
        group=STRANGER,
        extra_groups=[],
        check=False,
    )
    assert done.returncode == 3 and "use an account of the socket's group" in done.stderr, done


class Follower:
    """A connection that follows something."""

    def __init__(self, node, **params):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(str(node.socket))
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.ask("subscribe", params)
        assert self.next()["result"]["topics"] == params["topics"]

    def ask(self, method, params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")

    def next(self):
        line = self.lines.readline()
        assert line, "the connection has ended"
        return json.loads(line)

    def until(self, method, condition=lambda params: True):
        end = time.monotonic() + PATIENCE_S
        while True:
            message = self.next()
            assert time.monotonic() < end, f"never: {method}"
            if message.get("method") == method and condition(message["params"]):
                return message["params"]

    def close(self):
        self.lines.close()
        self.socket.close()


def test_follow(node):
    follower = Follower(node, topics=["events", "counters", "logs"])
    node.dataplane("events 3")
    seen = [follower.until("event", lambda e: e["event"] == "GAP_OPEN") for _ in range(3)]
    assert [e["fields"]["from"] for e in seen] == [1, 2, 3], seen
    assert seen[0]["fields"]["channel"] == "itch", seen
    assert follower.until("counters")["channel"][0]["counters"]["messages"] == 60000
    assert node.cli("halt", "--reason", "seen by others")[0] == 0
    heard = set()  # in whichever order
    while heard != {"log", "event"}:
        message = follower.next()
        if "seen by others" in json.dumps(message.get("params")):
            heard.add(message["method"])
    # Requests go on in between.
    follower.ask("version", {})
    while "result" not in (message := follower.next()):
        pass
    assert message["result"]["dataplane"] == "fake"
    follower.ask("unsubscribe", {})
    while "result" not in follower.next():
        pass
    follower.ask("version", {})
    assert "result" in follower.next(), "nothing more is sent"
    follower.close()


def test_follow_from(node):
    """From a number on, without a hole."""
    last = json.loads(node.cli("show", "events", "--json", "--count", "1")[1])["next_after"]
    node.dataplane("events 50")
    until(lambda: json.loads(node.cli("status", "--json")[1])["events"]["trading"] > 50, "they are read")
    follower = Follower(node, topics=["events"], after=last)
    numbers = [follower.until("event")["number"] for _ in range(50)]
    assert numbers == list(range(last + 1, last + 51)), numbers
    follower.close()


def test_deaf_follower(node):
    """It reads nothing: cut off and counted. Another one beside it misses nothing."""
    deaf = Follower(node, topics=["events"])
    good = Follower(node, topics=["events"])

    def cut():
        return json.loads(node.cli("status", "--json")[1])["control_plane"]["clients_cut_off"]

    before, first, got = cut(), None, 0
    for _ in range(200):
        node.dataplane("events 500")
        for _ in range(500):
            event = good.until("event", lambda e: e["event"] == "GAP_OPEN")
            first = event["number"] if first is None else first
            assert event["number"] == first + got, (event["number"], first, got)
            got += 1
        if cut() > before:
            break
    assert cut() == before + 1, "the one that does not read is not cut off"
    assert "does not keep up" in node.said() or "does not read" in node.said()
    deaf.close()
    good.close()


def main():
    missing = built()
    if missing or os.getuid() != 0:
        print(missing or "not root: nobody else can be played")
        return 77
    with tempfile.TemporaryDirectory(prefix="tickgate-roles-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        shutil.copy(CLI, folder / "tickgate")
        # A group that has a name here; members of it may connect.
        group = next(g for g in grp.getgrall() if g.gr_gid != 0)
        config = folder / "config.yaml"
        text = CONFIG.format(
            core=min(os.sched_getaffinity(0)), group=group.gr_name, viewer=VIEWER, desk=DESK, officer=OFFICER, second=SECOND
        )
        config.write_text(text, encoding="utf-8")
        with Node(folder, "--config", str(config)) as node:
            node.group = group.gr_gid
            run_tests(globals(), node)
    return 0


if __name__ == "__main__":
    script(main)
