#!/usr/bin/env python3
"""A session in which files of the day are read again while it trades is run again from its capture, byte for byte: with the files
of its start. With another file than that it is refused by name.
"""

import datetime
import pathlib
import sys
import time
import zoneinfo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from replay_test import events, replay, same, session, tickgate  # noqa: E402
from system import System, need_programs, wait_for  # noqa: E402
from trading import Ledger, sections  # noqa: E402

SYMBOLS = ("BUAH", "TRBP")
DAY = "--symbols 4 --live 2000 --messages 120000 --rate 8000 --end-s 1 --linger-s 60".split()


def today():
    return datetime.datetime.now(zoneinfo.ZoneInfo("America/New_York")).date()


def put(s, name, kind, heading, *rows):
    (s.dir / name).write_text("\n".join([f"tickgate,{kind},1,{today()}", heading, *rows]) + "\n")


def restrict(s, *rows):
    put(s, "restricted.csv", "restricted", "symbol,restriction", *rows)


def lots(s, *rows):
    put(s, "reference.csv", "reference", "symbol,lot", *rows)


def reload(s, name):
    done = tickgate("reload", name, "--reason", "test", "--socket", s.socket)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def refused(s, why):
    ledger = Ledger(s)
    wait_for(f"orders refused with {why}", lambda: ledger.collect() and any(d["refusal"] == why for d in ledger.of("DECISION")),
             s.alive)


def changes(s):
    """The files of the start come back at the end."""
    restrict(s, f"{SYMBOLS[0]},all")
    reload(s, "restricted")
    refused(s, "RESTRICTED")
    lots(s, f"{SYMBOLS[0]},7", f"{SYMBOLS[1]},300")
    reload(s, "reference")
    restrict(s)
    reload(s, "restricted")
    refused(s, "LOT")
    done = tickgate("set", "limit", f"symbol:{SYMBOLS[0]}", "quantity", "250", "--reason", "test", "--socket", s.socket)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    lots(s, f"{SYMBOLS[0]},", f"{SYMBOLS[1]},100")
    reload(s, "reference")
    time.sleep(0.5)


def main():
    need_programs()
    with System("replayday") as s:
        restrict(s)
        lots(s, f"{SYMBOLS[0]},", f"{SYMBOLS[1]},100")
        trading = sections("10.0.0.1:26400", SYMBOLS) + (
            f"day: {{reference: {s.dir}/reference.csv, restricted: {s.dir}/restricted.csv, max_age_days: 1}}\n")
        lines = {"lines": "[{name: A, port: md0, group: 233.54.12.111, udp_port: 26477}]"}
        session(s, ["--line", "A=233.54.12.111:26477"], lines, changes, DAY, 36000, trading)
        count, types = same(s), events(s)
        assert types["LIMITS"] >= 4 and types["LIMIT_CHANGED"] == 1, types
        lots(s, f"{SYMBOLS[0]},7")
        done = replay(s)
        assert done.returncode != 0 and "reference.csv: not the file with which the instance began" in done.stderr, done.stderr
        print(f"{count} events over {types['LIMITS']} tables that files of the day have changed")


if __name__ == "__main__":
    main()
