#!/usr/bin/env python3
"""A session in which controls do more than refuse is run again from its capture, byte for byte.

A control tells every order, three others are made to fire one after the other, by a limit that a person makes too narrow:
one blocks a symbol, one cancels what a strategy has open, one logs the session out. A person puts each right again.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from replay_test import same, session, tickgate  # noqa: E402
from system import System, need_programs, wait_for  # noqa: E402
from trading import sections  # noqa: E402

BLOCKS, CANCELS, DISABLES, NOTIFIES = 1, 2, 3, 4  # as events say it
# Which control does what; whose limit a person makes narrow, and what has to be resumed afterwards.
ACTIONS = "{VOLUME: notify, QUANTITY: block, NOTIONAL: cancel, POSITION: disable}"
FIRES = [("block", ("symbol:BUAH", "quantity", "50"), "500", [("symbol", "BUAH")]),
         ("cancel", ("strategy:quotes", "notional", "1"), "5000000", [("strategy", "quotes")]),
         ("disable", ("account:main", "position", "1"), "5000", [("account", "main"), ("session", "nas")])]
DAY = "--symbols 4 --live 2000 --messages 90000 --rate 7500 --end-s 1 --linger-s 60".split()


def breaches(s):
    lines = tickgate("journal", "dump", s.dir / "journal", "--json", "--type", "BREACH").stdout.splitlines()
    return [json.loads(line)["fields"]["action"] for line in lines]


def in_force(s, kind, name):
    seen = s.ask("show", "trading")
    return any(row["scope"] == kind and row["name"] == name for row in seen["in_force"])


def person(s, *words):
    done = tickgate(*words, "--reason", "test", "--socket", s.socket)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"


def fire(s):
    for action, limit, wide, scopes in FIRES:
        person(s, "set", "limit", *limit)
        for scope in scopes:
            wait_for(f"{action} of {scope}", lambda scope=scope: in_force(s, *scope), s.alive,
                     lambda: f"; {s.ask('show', 'trading')}")
        if action == "disable":  # not logged out before its orders are cancelled
            wait_for("a session that is logged out",
                     lambda: s.ask("show", "sessions")["sessions"][0]["state"] == "down", s.alive,
                     lambda: f"; {s.ask('show', 'sessions')}")
        person(s, "set", "limit", *limit[:2], wide)
        for scope in scopes:
            person(s, "resume", *scope, "--yes")
    wait_for("the session", lambda: s.ask("show", "sessions")["sessions"][0]["state"] == "ready", s.alive)


def main():
    need_programs()
    lines = {"lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]"}
    trading = sections("10.0.0.1:26400", limits=", average_volume: 500000, volume_percent: 1")
    trading = trading.replace("trading:\n", f"trading:\n  actions: {ACTIONS}\n", 1)
    with System("replayactions") as s:
        session(s, ["--line", "A=233.54.12.111:26477"], lines, fire, DAY, 28000, trading)
        count, told = same(s), breaches(s)
        assert told.count(NOTIFIES) >= 20 and [a for a in told if a != NOTIFIES] == [BLOCKS, CANCELS, DISABLES], told
        print(f"{count} events, {len(told)} of them what controls did")


if __name__ == "__main__":
    main()
