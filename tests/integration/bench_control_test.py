#!/usr/bin/env python3
"""A lane spends the same instructions on an order whether the control plane takes its events away, has stopped doing so,
or has never come, without a capture and with one: nothing of the way from a frame to the frame of an order asks for it."""

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


def counted(control, *more):
    done = subprocess.run([str(COUNT), str(BUILD / "tickgate-bench"), str(ORDERS), "--control", str(control), *more],
                          capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return {m[1]: float(m[2]) for m in re.finditer(r"function=(\w+) per_order=([\d.]+)", done.stdout)}


def compared(others, *more):
    alive = counted(0, *more)
    assert alive["trigger_turn"] > 1000 and alive["desk_enter"] > 500, alive
    for name, control in others.items():
        other = counted(control, *more)
        assert other.keys() == alive.keys(), (name, other, alive)
        for function, count in alive.items():
            slack = SLACK_OF_TURNS if function in TURNS else SLACK
            assert abs(other[function] - count) <= slack, f"{function}: {count} alive, {other[function]} {name}"
    return alive


def main():
    need_programs("tickgate-bench")
    if shutil.which("valgrind") is None:
        skip("no valgrind here")
    alive = compared({"stopped": 1, "absent": 2})
    captured = compared({"absent": 2}, "--capture")
    assert captured["trigger_turn"] > alive["trigger_turn"] + 500, (captured, alive)
    print(f"{alive['trigger_turn']} instructions from a frame to an order whether the control plane is there, has stopped, or is not "
          f"there; {captured['trigger_turn']} with a capture")


if __name__ == "__main__":
    main()
