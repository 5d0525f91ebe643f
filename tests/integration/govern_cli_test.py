#!/usr/bin/env python3
# beside others
"""People govern what trades: the real tickgate and tickgate-controlplane, with a program that plays the dataplane.

Says on the last line what failed. Exit code 77: the programs are not built.
"""

import json
import os
import pathlib
import pty
import subprocess
import sys
import tempfile

from cli_test import CLI, CONTROL, FAKE, PATIENCE_S, Dataplane, World, until


def direct(world, *words, code=0):
    """(stdout, stderr) of a kill past the control plane."""
    done = subprocess.run(
        [str(CLI), "kill", *words, "--direct", "--region", str(world.region)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == code, f"kill --direct {words}: {done}"
    return done.stdout, done.stderr


def in_force(world):
    return [
        (row["what"], row["scope"], row["name"], row["by"], row["lane"])
        for row in world.json("show", "trading")["in_force"]
    ]


def views(world):
    assert [r[0] for r in world.rows("show", "sessions")] == ["session", "nsdq", "iex"]
    session = world.json("show", "sessions")["sessions"][0]
    assert session["state"] == "ready" and session["trading"] == "active", session
    rows = world.rows("show", "strategies")
    assert "shares=100,distance=250" in rows[1], rows
    positions = world.rows("show", "positions")
    assert positions[1][:4] == ["MM", "AAPL", "30", "100.0000"], positions
    assert ["firm:", "cash", "realised", "unrealised", "profit", "no", "price"] in positions, positions
    firm = world.json("show", "positions")["firm"]
    assert firm["shares"] == 40 and firm["realised"] == "0.0000" and firm["cash"] == "-2000.0000", firm
    assert world.rows("show", "positions", "--account", "ARB")[1][:3] == ["ARB", "MSFT", "-10"]
    world.dataplane.tell("orders 3")
    orders = world.json("show", "orders", "--top", "2")
    assert orders["total"] == 3 and len(orders["orders"]) == 2 and orders["complete"], orders
    assert "incomplete" not in world.cli("show", "orders")[0]
    assert "no account 'XX'" in world.cli("show", "orders", "--account", "XX", code=1)[1]


def orders_of_people(world):
    out, _ = world.cli("kill", "--reason", "prices look wrong")
    assert "kill: global" in out and "lane0" in out and "lane1" in out, out
    assert in_force(world) == [
        ("kill", "global", None, "operator", "lane0"),
        ("kill", "global", None, "operator", "lane1"),
    ]
    said = world.json("show", "events", "--type", "GOVERNED")["events"][-1]
    assert said["fields"]["reason"] == "prices look wrong", said
    assert said["fields"]["user"] == os.getuid(), said
    error = world.cli("resume", "session", "iex", "--reason", "r", "--yes", code=4)[1]
    assert "nothing to take back for session iex; in force: kill of global" in error, error
    answer = world.json("resume", "--reason", "fixed", "--yes")
    assert [lane["lifted"] for lane in answer["lanes"]] == [["kill"], ["kill"]], answer
    assert in_force(world) == []
    world.cli("halt", "account", "MM", "--reason", "audit")
    world.cli("reduce", "symbol", "MSFT", "--reason", "news")
    world.cli("kill", "session", "iex")
    assert in_force(world) == [
        ("halted", "account", "MM", None, "lane0"),
        ("reducing", "symbol", "MSFT", None, "lane0"),
        ("halted", "account", "MM", None, "lane1"),
        ("reducing", "symbol", "MSFT", None, "lane1"),
        ("kill", "session", "iex", "operator", "lane1"),
    ]
    for scope in (("account", "MM"), ("symbol", "MSFT"), ("session", "iex")):
        world.cli("resume", *scope, "--reason", "over", "--yes")
    assert in_force(world) == []
    world.cli("cancel", "strategy", "quotes", "--reason", "clean")
    world.cli("strategy", "disable", "quotes", "--reason", "r")
    world.cli("strategy", "enable", "quotes", "--reason", "r", "--yes")
    world.cli("strategy", "set", "quotes", "distance=300,shares=7", "--reason", "r", "--yes")
    assert world.json("show", "strategies")["strategies"][0]["parameters"] == {
        "shares": 7,
        "distance": 300,
    }


def exit_codes(world):
    for words, code, say in (
        (("halt",), 2, "--reason is missing"),
        (("cancel", "account"), 2, "--reason is missing"),
        (("kill", "account"), 2, "name of the account is missing"),
        (("kill", "desk"), 2, "no scope 'desk'"),
        (("kill", "account", "MM", "ARB"), 2, "one word too many"),
        (("kill", "account", "XX"), 1, "no account 'XX'"),
        (("kill", "account:XX"), 1, "no account 'XX'"),
        (("kill", "firm:XX"), 2, "firm takes no name"),
        (("kill", "--acount", "XX"), 2, "no option --acount"),
        (("kill", "--watch"), 2, "--watch"),
        (("kill", "--region", "x"), 2, "only with --direct"),
        (("resume", "--reason", "r", "--yes"), 4, "nothing to take back for all"),
        (("strategy", "set", "quotes", "width=3", "--reason", "r", "--yes"), 1, "no parameter 'width'"),
        (("strategy", "set", "quotes", "distance=x", "--reason", "r", "--yes"), 2, "no integer"),
        (("strategy", "set", "takes", "a=1", "--reason", "r", "--yes"), 4, "takes no parameters"),
        (("strategy", "enable", "--reason", "r", "--yes"), 2, "NAME is missing"),
    ):
        error = world.cli(*words, code=code)[1]
        assert say in error, f"{words}: {error}"
    assert in_force(world) == []


def asked_at_a_terminal(world):
    """What widens is confirmed by whoever can be asked; a kill never is."""
    for answer, code, left in (("no\n", 5, 2), ("yes\n", 0, 0)):
        master, slave = pty.openpty()
        world.cli("kill")
        process = subprocess.Popen(
            [str(CLI), "--socket", str(world.socket), "resume", "--reason", "r"],
            stdin=slave,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.write(master, answer.encode())
        error = process.communicate(timeout=PATIENCE_S)[1]
        os.close(master)
        os.close(slave)
        assert process.returncode == code, f"{answer!r}: {process.returncode}: {error}"
        assert "Type yes" in error and len(in_force(world)) == left, error
        world.cli("resume", "--reason", "r", "--yes", code=0 if left else 4)
    master, slave = pty.openpty()
    done = subprocess.run(
        [str(CLI), "--socket", str(world.socket), "kill", "--reason", "now"],
        stdin=slave,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    os.close(master)
    os.close(slave)
    assert done.returncode == 0 and not done.stderr, done
    world.cli("resume", "--reason", "r", "--yes")


def past_the_control_plane(world):
    out = direct(world, "--json")[0]
    answer = json.loads(out)
    assert [lane["lane"] for lane in answer["lanes"]] == ["lane0", "lane1"], answer
    assert in_force(world) == [
        ("kill", "global", None, "direct", "lane0"),
        ("kill", "global", None, "direct", "lane1"),
    ]
    world.cli("resume", "--reason", "r", "--yes")
    # Without a control plane: its own way out is named, and works.
    world.stop_control()
    assert "kill --direct" in world.cli("kill", code=3)[1]
    assert "lane1" in direct(world, "session", "iex")[0]
    assert "no account 'X'" in direct(world, "account", "X", code=1)[1]
    assert "no scope" in direct(world, "desk:X", code=2)[1]
    world.dataplane.tell("quiet")
    assert "2 of 2 lanes did not notice" in direct(world, code=3)[1]
    world.dataplane.tell("trade")
    world.start_control()
    until(world.connected, "connected again")
    assert ("kill", "global", None, "direct", "lane0") in in_force(world)
    until(lambda: "incomplete" not in world.cli("show", "orders")[0], "the orders of before are read from the journal")
    world.dataplane.stop()
    assert direct(world, code=3)[1]


def main():
    for program in (CLI, CONTROL, FAKE):
        if not program.exists():
            print(f"{program} is not built")
            return 77
    with tempfile.TemporaryDirectory() as folder:
        world = World(pathlib.Path(folder))
        try:
            world.dataplane = Dataplane(world.region)
            world.start_control()
            until(world.connected, "connected")
            for step in (
                views,
                orders_of_people,
                exit_codes,
                asked_at_a_terminal,
                past_the_control_plane,
            ):
                step(world)
                print(f"{step.__name__}: good")
        finally:
            world.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
