#!/usr/bin/env python3
"""A limit of the firm that two lanes lease from each other, by real programs: a port, an exchange and a client for each.

Both enter until neither gets more: together they have exactly the limit, and what is refused says that it is for want of lease.
What the one cancels the other gets. A person raises the limit meanwhile, and neither lane sells to the other's buy; then they
are killed and go on. Both lanes are run again from their captures, byte for byte.
"""

import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from gateway_desk import ASK, BID, CHANNEL, Desk, need_library, still_market  # noqa: E402
from replay_test import replay, stats_of, tickgate  # noqa: E402
from restart_test import kill_dataplane  # noqa: E402
from system import System, cores, need_programs, wait_for  # noqa: E402
from trading import flat  # noqa: E402

LIMIT = 10
MORE = 14
FAR = BID - 10000  # rests


def configure(s):
    ports = {f"md{i}": {"device": f"net_memif{i},role=client,socket={s.dir}/memif{i}.sock,socket-abstract=no", "ip": f"10.0.{i}.2"}
             for i in (0, 1)}
    text = f"trading: {{start: journal, limits: {{open_orders: {LIMIT}, self_trade: newest}}}}\naccounts: [{{name: main, limits: {{}}}}]\n"
    text += "symbols: [{names: [AAAA], limits: {}, quality: suspect}]\nsessions:\n"
    for i in (0, 1):
        text += f"  - {{name: nas{i}, server: '10.0.{i}.1:26400', port: md{i}, lane: lane{i}, account: main, username: alice, "
        text += "password: secret, retry_ms: 50, retry_max_ms: 200}\n"
    text += f"gateway: {{socket: {s.dir}/gateway.sock}}\nclients:\n"
    for i in (0, 1):
        text += f"  - {{name: desk{i}, user: @USER, lane: lane{i}, account: main, limits: {{}}}}\n"
    text += f"capture: {{directory: {s.dir}/capture}}\n"
    path = s.configure(ports, CHANNEL, text.replace("@USER", str(os.getuid())))
    # Both cores, one of which the main thread has as well.
    lanes = "".join(f"  - {{name: lane{i}, core: {cores()[i]}, idle: yield}}\n" for i in (0, 1))
    path.write_text(re.sub(r"lanes:\n(  .*\n)+", f"lanes:\n{lanes}", path.read_text(), count=1))


def start(s):
    market = still_market(s, ("AAAA",))
    for i in (0, 1):
        socket = s.dir / f"memif{i}.sock"
        s.start(f"exchange{i}", "tickgate-exchange", "--idle", "sleep", *market, "--wait-link-s", "60", "--core", cores()[0],
                "--port", f"net_memif0,role=server,socket={socket},socket-abstract=no", "--ip", f"10.0.{i}.1",
                "--orders-on-port", "26400", "--member", "alice,secret,firm=ALCE", *(() if s.huge else ("--no-huge",)))
        wait_for("the exchange's port", socket.exists, s.alive)
    s.start_dataplane()
    s.start_controlplane()
    s.wait_ready()
    wait_for("the sessions", lambda: all(row["state"] == "ready" for row in s.ask("show", "sessions")["sessions"]), s.alive)


def raise_limit(s, more, held):
    done = tickgate("set", "limit", "firm", "open_orders", MORE, "--for", "10m", "--reason", "test", "--yes", "--socket", s.socket)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    wait_for("the new limit", lambda: [more(0), more(1), len(held[0]) + len(held[1]) == MORE][2], s.alive)


def meet(s, desks):
    """What the other lane has open is an input of this one: a replay has to know it."""
    wait_for("a lease", lambda: not desks[0].enter("AAAA", "B", 1, ASK - 100, venue="nas0"), s.alive)
    assert desks[0].live() == "live"
    for _ in range(3):
        refusal = desks[1].enter("AAAA", "S", 1, ASK - 100, venue="nas1")
        assert refusal == "SELF_TRADE", refusal
    desks[0].away(desks[0].numbers)
    desks[1].away(desks[1].rests("AAAA", "S", 1, ASK - 100, venue="nas1"))


def same(s):
    """Every event of both lanes, and every frame, before and behind the restart."""
    assert s.end("controlplane") == 0, "an unclean end"
    counts = []
    for instance in stats_of(s)["instances"]:
        done = replay(s, "--epoch", instance["epoch"])
        assert done.returncode == 0 and "events are the same" in done.stdout, f"{done.stdout}{done.stderr}"
        counts.append(int(done.stdout.split()[2]))
    return counts


def main():
    need_programs()
    need_library()
    with System("leases") as s:
        configure(s)
        start(s)
        desks = [Desk(s, f"desk{i}") for i in (0, 1)]
        held, refusals = [[], []], []

        def more(i):
            refusal = desks[i].enter("AAAA", "B", 1, FAR, venue=f"nas{i}")
            if refusal:
                refusals.append(refusal)
            else:
                held[i].append(desks[i].numbers)
            return len(held[0]) + len(held[1]) == LIMIT

        wait_for("all of the limit", lambda: [more(0), more(1)][1], s.alive)
        more(0), more(1)
        assert len(held[0]) + len(held[1]) == LIMIT and set(refusals) <= {"LEASE", "OPEN_ORDERS"}, (held, refusals)
        row = next(r for r in s.ask("show", "limits", "firm")["limits"] if r["control"] == "open_orders")
        assert (row["use"], row["headroom"]) == (LIMIT, 0), row
        first = [len(h) for h in held]
        desks[0].away(*held[0])
        held[0].clear()
        wait_for("what the other lane has given back", lambda: more(1), s.alive)
        more(0)
        assert held[0] == [] and "LEASE" in refusals, (held, set(refusals))
        raise_limit(s, more, held)
        desks[1].away(*held[1][:4])
        meet(s, desks)
        kill_dataplane(s)
        wait_for("the sessions", lambda: all(row["state"] == "ready" for row in s.ask("show", "sessions")["sessions"]), s.alive)
        desks = [Desk(s, f"desk{i}") for i in (0, 1)]
        meet(s, desks)
        for desk in desks:
            desk.detach()
        assert s.end("dataplane") == 0, "an unclean end"
        flat(s)
        counts = same(s)
        assert len(counts) == 2, counts
        print(f"{first[0]} and {first[1]} of {LIMIT}, then {len(held[1])}; {len(refusals)} refused: {sorted(set(refusals))}; {counts} events again")


if __name__ == "__main__":
    main()
