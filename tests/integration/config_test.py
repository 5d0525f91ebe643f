#!/usr/bin/env python3
# beside others
"""The configuration while everything runs: what differs, what takes a restart, apply, confirm, going back, also by a
control plane that was killed meanwhile.

Exit code 77: the programs are not built.
"""

import json
import os
import pathlib
import tempfile
import time

import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from node import Node, built, run_tests, script, until  # noqa: E402

CONFIG = """node: {{main_core: {core}}}
ports: [{{name: md0, device: net_ring0, ip: 10.0.0.2{port}}}]
lanes: [{{name: lane0, core: {core}, idle: sleep}}]
channels:
  - {{name: itch, lane: lane0, lines: [{{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}}]}}
trading: {{orders: 64, limits: {{}}{actions}}}
accounts:
  - {{name: MM, limits: {{{limits}}}}}
symbols: [{{names: [AAPL], limits: {{}}}}]
gateway: {{socket: {socket}}}
clients: [{{name: desk1, user: 1, lane: lane0, account: MM, limits: {{{client}}}}}]
sessions: [{{name: nsdq, server: "10.0.0.9:1", port: md0, lane: lane0, account: MM, password: {password}}}]
{more}"""
STARTED = {"limits": "quantity: 100", "port": "", "password": "secret", "more": "", "client": "open_orders: 5", "actions": ""}


class Desk:
    def __init__(self, node, config):
        self.node, self.config = node, config

    def write(self, **keys):
        text = CONFIG.format(socket=self.config.parent / "gateway.sock", core=min(os.sched_getaffinity(0)), **{**STARTED, **keys})
        self.config.write_text(text, encoding="utf-8")

    def does(self, *words, code=0):
        got, out, err = self.node.cli(*words)
        assert got == code, f"tickgate {' '.join(words)}: {got}, not {code}: {err}"
        return out if code == 0 else err

    def apply(self, *words, code=0):
        return self.does("config", "apply", "--reason", "a test", "--yes", *words, code=code)

    def diff(self):
        return json.loads(self.does("config", "diff", "--json"))

    def limit(self):
        return json.loads(self.does("show", "limits", "--json"))["limits"][0]["limit"]


def test_nothing(desk):
    assert desk.diff()["rows"] == [] and "says what is in force" in desk.does("config", "diff")
    assert "says what is in force already" in desk.apply(code=4)
    assert "there is none before it" in desk.does("config", "rollback", "--reason", "r", "--yes", code=4)
    assert "nothing waits" in desk.does("config", "confirm", code=4)
    desk.does("config", "apply", "--reason", "r", code=5)


def test_apply(desk):
    desk.write(limits="quantity: 80")
    assert desk.diff()["rows"] == [
        {"key": "accounts[MM].limits.quantity", "was": "100", "now": "80", "takes": "live"}]
    assert "version 1 is in force" in desk.apply()
    assert desk.limit() == 80 and desk.diff()["rows"] == []
    assert "config_apply by user" in desk.node.said()


def test_what_takes_a_restart(desk):
    desk.write(limits="quantity: 70", port=", mbufs: 8192", password="other", more="http: {listen: '127.0.0.1:1'}\n")
    rows = {r["key"]: r for r in desk.diff()["rows"]}
    assert rows["ports[md0].mbufs"]["takes"] == "restart of tickgate-dataplane", rows
    assert rows["http.listen"]["takes"] == "restart of tickgate-controlplane", rows
    assert rows["sessions[nsdq].password"]["now"] == "(hidden)", rows
    said = desk.apply(code=4)
    assert "3 keys take a restart: http.listen (control plane), ports[md0].mbufs (dataplane)" in said, said
    assert desk.limit() == 80, "all or nothing"


def test_what_is_not_good(desk):
    desk.write(limits="quantity: many")
    said = desk.apply(code=2)
    assert f"{desk.config}:8: accounts[0].limits.quantity: 'many' is not good here" in said, said
    desk.write(more="http: {listen: '10.0.0.1:1', tls_ky: x}\n")
    assert "unknown key; did you mean 'tls_key'?" in desk.apply(code=2)
    assert "name it with its whole path" in desk.apply("/no/such/file", code=1)
    # Neither the text of others' files nor a wait for a writer.
    assert "does not stand beside" in desk.apply("/etc/hostname", code=2)
    pipe, link = desk.config.with_name("pipe"), desk.config.with_name("link")
    os.mkfifo(pipe)
    assert "is no regular file" in desk.apply(str(pipe), code=1)
    link.symlink_to("/etc/hostname")
    assert "does not stand beside" in desk.apply(str(link), code=2)
    assert desk.limit() == 80


def test_confirm_within(desk):
    desk.write(limits="quantity: 90")
    assert "like 90s, 30m or 2h" in desk.apply("--confirm-within", "soon", code=2)
    assert "unless confirmed" in desk.apply("--confirm-within", "600s")
    assert desk.limit() == 90
    desk.write(limits="quantity: 95")
    assert "waits to be confirmed" in desk.apply(code=4)
    desk.does("config", "confirm")
    assert desk.diff()["confirm_until"] is None and desk.limit() == 90
    desk.write(limits="quantity: 150")
    desk.apply("--confirm-within", "1s")
    until(lambda: desk.limit() == 90, "it goes back by itself")
    until(lambda: desk.diff()["version"] == 2, "the version before")
    assert "was not confirmed in time" in desk.node.said()


def test_confirm_within_and_killed(desk):
    """Nobody is there at the time: the next control plane goes back."""
    desk.apply("--confirm-within", "1s")
    desk.node.control.kill()
    desk.node.control.wait()
    time.sleep(1.2)
    desk.node.start_control()
    until(lambda: desk.node.cli("status")[0] == 0, "it attaches")
    until(lambda: desk.limit() == 90 and desk.diff()["version"] == 2, "it goes back by itself")


def test_rollback(desk):
    back = ("config", "rollback", "--reason", "a test", "--yes")
    assert "version 1 is in force" in desk.does(*back)
    assert desk.limit() == 80
    assert "version 0 is in force" in desk.does(*back)
    assert desk.limit() == 100
    desk.write()
    assert desk.diff()["rows"] == []


def test_keys_that_came_later(desk):
    """Of every section: the limit of auctions, those of clients, actions, lists of words."""
    desk.write(limits="quantity: 100, auction_quantity: 60, forbid: [short]", client="open_orders: 4, auction_quantity: 7",
               actions=", actions: {TOUCH: block}")
    rows = desk.diff()["rows"]
    assert len(rows) == 5 and {r["takes"] for r in rows} == {"live"}, rows
    assert "in force" in desk.apply() and desk.diff()["rows"] == []
    for limits in ("quantity: 81", "quantity: 100"):
        desk.write(limits=limits)
        desk.apply()
    assert desk.diff()["rows"] == []


def test_second_person(desk):
    policy = "control: {second_person: true}\n"
    desk.write(more=policy)
    desk.apply()
    desk.write(more=policy, limits="quantity: 200")
    assert "waits for another user of the role risk" in desk.apply(code=5)
    assert desk.limit() == 100 and "config_apply" in desk.does("show", "approvals")
    desk.write(limits="quantity: 90")
    desk.apply(code=5)  # nobody takes the second person away alone
    desk.write(more=policy, limits="quantity: 90")
    desk.apply()  # less needs nobody
    assert desk.limit() == 90


def test_another_dataplane(desk):
    """It runs something else than the file says: nothing can be compared."""
    desk.node.fake.kill()
    desk.node.fake.wait()
    desk.node.start_fake("1")
    until(lambda: desk.node.cli("config", "diff")[0] == 4, "it attaches")
    said = desk.does("config", "diff", code=4)
    assert "it is not known which configuration is in force" in said and "start it again" in said, said


def main():
    if built():
        print(built())
        return 77
    with tempfile.TemporaryDirectory(prefix="tickgate-config-") as name:
        folder = pathlib.Path(name)
        desk = Desk(None, folder / "config.yaml")
        desk.write()
        with Node(folder, "--config", str(desk.config), "--journal", str(folder / "journal"), config=desk.config) as node:
            desk.node = node
            run_tests(globals(), desk)
    return 0


if __name__ == "__main__":
    script(main)
