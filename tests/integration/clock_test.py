#!/usr/bin/env python3
"""Orders enter only while the kernel knows the clock to be near enough: with a bound of a microsecond they do where its clock
is kept that well, and are all refused by CLOCK everywhere else. What the lane was told is in its capture: a replay refuses them as well."""

import ctypes
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, System, need_programs  # noqa: E402
from trading import configure_memif, sections, start_memif_trade  # noqa: E402

DAY = "--symbols 4 --live 2000 --messages 20000 --rate 8000 --end-s 1 --linger-s 60".split()
MEMBER = "alice,secret,firm=ALCE,protocol=5.0"
BOUND_US = 1
TIME_ERROR = 5
STA_UNSYNC = 0x40


class Timex(ctypes.Structure):
    """The beginning of struct timex (adjtimex(2))."""

    _fields_ = [
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("rest", ctypes.c_char * 512),
    ]


def kept():
    t = Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(t))
    return 0 <= state != TIME_ERROR and not t.status & STA_UNSYNC and t.maxerror <= BOUND_US


def tickgate(*words):
    done = subprocess.run([str(BUILD / "tickgate"), *map(str, words)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def session(s):
    trading = sections("10.0.0.1:26400").replace("trading:\n", f"trading:\n  clock_error_us: {BOUND_US}\n")
    assert "clock_error_us" in trading
    configure_memif(s, trading + f"capture: {{ring_size: 32MiB, directory: {s.dir}/capture, file_size: 8MiB}}\n")
    start_memif_trade(s, DAY, MEMBER)
    s.start_dataplane()
    s.start_controlplane()
    s.wait_ready()
    s.wait_counters("the day", lambda c: c["messages"] >= 18000)
    shown = s.ask("show", "trading")
    assert s.end("dataplane") == 0, "an unclean end"
    s.end("exchange")
    s.end("controlplane")
    return shown


def main():
    need_programs()
    before = kept()
    with System("clock") as s:
        shown = session(s)
        types = json.loads(tickgate("journal", "stats", s.dir / "journal", "--json"))["types"]
        if before == kept():  # it stayed so meanwhile
            states = {lane["clock"] for lane in shown["lanes"]}
            assert states == {"good" if before else "doubtful"}, shown
            assert (types.get("ORDER_SENT", 0) > 0) == before, types
            assert (shown["refusals"].get("CLOCK", 0) > 0) != before, shown
        assert types["DECISION"] > 0, types
        replayed = tickgate("replay", s.dir / "journal", s.dir / "capture", "--config", s.dir / "config.yaml")
        assert "events are the same" in replayed, replayed
    print(f"clock: {'good' if before else 'doubtful'}, {types['DECISION']} decisions, replayed")


if __name__ == "__main__":
    main()
