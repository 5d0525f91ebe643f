#!/usr/bin/env python3
"""A lane spends the same instructions on an order whether the control plane takes its events away, has stopped doing so,
or has never come, without a capture and with one: nothing of the way from a frame to the frame of an order asks for it. Then
the same beside a tickgate-controlplane that writes journal and capture, and beside one that is stopped (SIGSTOP) amid the orders."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from region import published  # noqa: E402
from system import BUILD, need_programs, skip, wait_for  # noqa: E402

COUNT = pathlib.Path(__file__).resolve().parents[2] / "bench/latency/lane_instructions.sh"
ORDERS = 3000
# What an order may differ by: what happens once or twice in a run counts for all of its orders. Turns have timers, too, which
# come by the clock.
SLACK, SLACK_OF_TURNS, TURNS = 1, 25, ("trigger_turn", "desk_turn")


def counts_of(process):
    out, err = process.communicate(timeout=280)
    assert process.returncode == 0, err
    return {m[1]: float(m[2]) for m in re.finditer(r"function=(\w+) per_order=([\d.]+)", out)}


def started(*more):
    return subprocess.Popen([str(COUNT), str(BUILD / "tickgate-bench"), str(ORDERS), *more], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, start_new_session=True)


def same(name, counts, alive):
    assert counts.keys() == alive.keys(), (name, counts, alive)
    for function, count in alive.items():
        slack = SLACK_OF_TURNS if function in TURNS else SLACK
        assert abs(counts[function] - count) <= slack, f"{function}: {count} alive, {counts[function]} {name}"


def compared(others, *more):
    alive = counts_of(started("--control", "0", *more))
    assert alive["trigger_turn"] > 1000 and alive["desk_enter"] > 500, alive
    for name, control in others.items():
        same(name, counts_of(started("--control", str(control), *more)), alive)
    return alive


def runs(process):
    assert process.poll() is None, f"ended early: {process.returncode}"


def beside(stops):
    """What an order costs beside a control plane, and which part of the events came after that was stopped."""
    name = f"benchcontrol{os.getpid()}"
    paths = [pathlib.Path(f"{folder}/tickgate.{name}") for folder in ("/dev/hugepages", "/dev/shm")]

    def events():
        held = next((published(path) for path in paths if path.exists()), None)
        return held[1][0] if held else 0

    with tempfile.TemporaryDirectory(prefix="tickgate-benchcontrol-") as folder, open(f"{folder}/log", "w+") as log:
        control = subprocess.Popen([str(BUILD / "tickgate-controlplane"), "--region", name, "--socket", f"{folder}/socket", "--journal",
                                    f"{folder}/journal"], stdout=log, stderr=log)  # looks for the region until it is there
        bench = started("--region", name, "--capture")
        try:
            wait_for("orders", lambda: events() > 0, lambda: runs(bench))
            os.killpg(bench.pid, signal.SIGSTOP)  # until the control plane has found it
            wait_for("a journal", lambda: any(pathlib.Path(folder).glob("journal/*.journal")), lambda: runs(control))
            if stops:
                control.send_signal(signal.SIGSTOP)
            os.killpg(bench.pid, signal.SIGCONT)
            at, last = events(), [0]
            wait_for("the last order", lambda: last.append(max(last[-1], events())) or bench.poll() is not None)
            return counts_of(bench), (last[-1] - at) / last[-1]
        finally:
            control.kill()
            control.wait()
            if bench.poll() is None:
                os.killpg(bench.pid, signal.SIGKILL)
                bench.wait()
                for path in paths:
                    path.unlink(missing_ok=True)


def main():
    need_programs("tickgate-bench")
    if shutil.which("valgrind") is None:
        skip("no valgrind here")
    alive = compared({"stopped": 1, "absent": 2})
    captured = compared({"stopped": 1, "absent": 2}, "--capture")
    for name, stops in (("beside a control plane", False), ("beside one that is stopped", True)):
        counts, behind = beside(stops)
        same(name, counts, captured)
        assert behind > 0.5, f"{name}: {behind} of the events"
    assert captured["trigger_turn"] > alive["trigger_turn"] + 500, (captured, alive)
    print(f"{alive['trigger_turn']} instructions from a frame to an order whether the control plane is there, has stopped, or is not "
          f"there; {captured['trigger_turn']} with a capture")


if __name__ == "__main__":
    main()
