#!/usr/bin/env python3
"""Drop copies of a real exchange against the journal of a real dataplane.

First both say the same, through a control plane that is killed and goes on where it was. Then the exchange leaves
executions out of the copy, copies some twice, some with another number of shares, and some that never were: each of
them is found, and no other; new orders of the session are stopped, cancels pass, a person resumes. At last the copy
is not there at all, which stops them, too.
"""

import collections
import json
import pathlib
import signal
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import System, need_programs, wait_for  # noqa: E402
from trading import Ledger, configure_memif, flat, sections, start_memif_trade  # noqa: E402

DAY = "--symbols 4 --live 2000 --messages 240000 --rate 8000 --end-s 2 --linger-s 40".split()
DIFFERENCES = {"not copied": "theirs_missing", "copied twice": "doubled", "copied with one share more": "shares",
               "an execution that never was": "ours_missing"}


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def configure(s, port, **keys):
    keys = {"name": "nas-drop", "server": f"127.0.0.1:{port}", "username": "copy", "password": "hidden", "grace_ms": 1000,
            "retry_ms": 50, "retry_max_ms": 200, **keys}
    copies = "drop_copies:\n  - {" + ", ".join(f"{k}: {v}" for k, v in keys.items()) + "}\n"
    configure_memif(s, sections("10.0.0.1:26400", session="drop_copy: nas-drop") + copies)


def start(s, port, *faults):
    start_memif_trade(s, DAY, "alice,secret,firm=ALCE", "--order-log", s.dir / "orders.jsonl",
                      "--drop-copy", f"127.0.0.1:{port}", "--drop-user", "copy,hidden,firm=ALCE", *faults)
    s.start_dataplane()
    s.start_controlplane()
    s.wait_ready()


def copy(s):
    """The copy's row and the rows that differ."""
    seen = s.ask("show", "drop-copy")
    return (seen["drop_copies"][0], seen["differences"]) if seen else (collections.defaultdict(int), [])


def until(s, what, ready):
    wait_for(what, lambda: ready(*copy(s)), s.alive, lambda: f"; {copy(s)}")
    return copy(s)


def log_of(s, *events):
    lines = (s.dir / "orders.jsonl").read_text().split("\n")[:-1]  # the last one may not be whole
    return [r for r in map(json.loads, lines) if r["event"] in events]


def both_say_the_same():
    with System("dropsame") as s:
        port = free_port()
        configure(s, port)
        start(s, port)
        ledger = Ledger(s)
        until(s, "executions", lambda row, _: row["equal"] >= 100)
        s.end("controlplane", signal.SIGKILL)
        s.start_controlplane()
        before = until(s, "the copy again", lambda row, _: row["state"] == "up")[0]
        assert before["next_sequence"] > 50, "it was read from its beginning"
        until(s, "more of the day", lambda row, _: row["equal"] >= before["equal"] + 100)
        ledger.collect()
        assert s.end("dataplane") == 0
        flat(s)
        told = log_of(s, "accepted", "replaced", "canceled", "self_match", "executed")
        things = {(r["event"], r["user_ref"], r.get("match", 0)) for r in told}
        row, rows = until(s, "all of it", lambda row, _: row["equal"] >= len(things) and not row["waiting"])
        assert (row["differences"], row["differing"], row["foreign"], row["unreadable"], row["dropped"]) == (0,) * 5, (row, rows)
        assert row["messages"] >= len(told)
        assert s.end("controlplane") == 0 and s.end("exchange") == 0
        return f"{row['equal']} equal"


def in_force(s):
    return [(f["what"], f["scope"], f["name"]) for f in (s.ask("show", "trading") or {}).get("in_force", [])]


def refusals(s):
    events = s.ask("show", "events", "--type", "DECISION", "--count", "1000")
    return [e["fields"] for e in events["events"]] if events else []


def found(s):
    events = s.ask("show", "events", "--type", "DROP_COPY", "--count", "1000")["events"]
    return collections.Counter(e["fields"]["difference"] for e in events if e["fields"]["now"])


def wanted(s):
    return collections.Counter(DIFFERENCES[f["text"]] for f in log_of(s, "fault"))


def each_difference_is_found():
    with System("dropdiff") as s:
        port = free_port()
        configure(s, port, on_difference="stop_session")
        faults = ["drop-missing=8%,E", "drop-double=8%,E", "drop-wrong=8%,E", "drop-foreign=8%"]
        start(s, port, *[word for f in faults for word in ("--misbehave", f)])
        until(s, "a difference", lambda row, _: row["differences"] >= 1)
        wait_for("the stop", lambda: any(d["refusal"] == "HALTED" for d in refusals(s)), s.alive)
        assert in_force(s) == [("drop_copy", "session", "nas")], in_force(s)
        assert s.ask("resume", "session", "nas", "--reason", "looked at it", "--yes") is not None
        # What is stopped is resumed until every kind was met.
        def every_kind():
            s.ask("resume", "session", "nas", "--reason", "looked at it", "--yes")
            return set(DIFFERENCES) <= {f["text"] for f in log_of(s, "fault")}

        wait_for("every kind", every_kind, s.alive)
        assert s.ask("kill", "--reason", "that will do") is not None  # cancels pass
        wait_for("nothing open", lambda: not s.ask("show", "orders")["orders"], s.alive)
        wait_for("each of them and no other", lambda: found(s) == wanted(s), s.alive, lambda: f"; {found(s)}, {wanted(s)}")
        row, _ = until(s, "the end of what waits", lambda row, _: row["waiting"] == 0)
        want = wanted(s)
        assert row["differing"] == row["differences"] == sum(want.values()), row
        # Another dataplane reads the day of its session again: nothing is counted twice, what stands is stopped.
        assert s.end("dataplane") == 0
        flat(s)
        s.start_dataplane()
        s.wait_ready()
        wait_for("the stop of what stands", lambda: in_force(s) == [("drop_copy", "session", "nas")], s.alive)
        until(s, "an order session", lambda row, _: s.ask("show", "sessions")["sessions"][0]["state"] == "ready")
        assert copy(s)[0]["waiting"] == 0
        return f"{sum(want.values())} differences of {len(want)} kinds"


def nothing_is_read():
    with System("droplost") as s:
        port = free_port()
        configure(s, port, lost_ms=500, on_loss="stop_all", password="wrong")
        start(s, port)
        until(s, "the loss", lambda row, _: row["state"] == "lost" and "user or password" in row["why"])
        wait_for("the stop", lambda: in_force(s) == [("drop_copy", "global", None)], s.alive)
        told = lambda: s.ask("show", "events", "--type", "DROP_COPY")["events"]  # noqa: E731
        wait_for("its record", told, s.alive)
        assert [(e["fields"]["difference"], e["fields"]["stops"]) for e in told()] == [("lost", 1)], told()
        assert s.end("dataplane") == 0
        flat(s)
        return "lost"


def main():
    need_programs()
    print("; ".join((both_say_the_same(), each_difference_is_found(), nothing_is_read())))


if __name__ == "__main__":
    main()
