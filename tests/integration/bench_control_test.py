#!/usr/bin/env python3
"""A lane spends the same instructions on an order whether the control plane takes its events away, has stopped doing so,
or has never come: nothing of the way from a frame to the frame of an order asks for it."""

import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, need_programs, skip  # noqa: E402

COUNT = pathlib.Path(__file__).resolve().parents[2] / "bench/latency/lane_instructions.sh"
ORDERS = 3000
# What an order may differ by: what happens once or twice in a run counts for all of its orders. Turns have timers, too, which
# come by the clock.
SLACK, SLACK_OF_TURNS, TURNS = 1, 25, ("trigger_turn", "desk_turn")


def counted(control):
    done = subprocess.run([str(COUNT), str(BUILD / "tickgate-bench"), str(ORDERS), "--control", str(control)],
                          capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return {m[1]: float(m[2]) for m in re.finditer(r"function=(\w+) per_order=([\d.]+)", done.stdout)}


def main():
    need_programs("tickgate-bench")
    if shutil.which("valgrind") is None:
        skip("no valgrind here")
    alive, stopped, absent = (counted(control) for control in range(3))
    assert alive["trigger_turn"] > 1000 and alive["desk_enter"] > 500, alive
    for name, other in (("stopped", stopped), ("absent", absent)):
        assert other.keys() == alive.keys(), (name, other, alive)
        for function, count in alive.items():
            slack = SLACK_OF_TURNS if function in TURNS else SLACK
            assert abs(other[function] - count) <= slack, f"{function}: {count} alive, {other[function]} {name}"
    print(f"{alive['trigger_turn']} instructions from a frame to an order with the control plane, {stopped['trigger_turn']} when it "
          f"has stopped, {absent['trigger_turn']} without it")


if __name__ == "__main__":
    main()
