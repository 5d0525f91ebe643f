#!/usr/bin/env python3
"""What a lane keeps beside others is measured only while these run; what cannot be measured is left out, and said."""

import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench/latency"))
import conditions  # noqa: E402


class Lane:
    """One of those beside: <code> None while it runs."""

    def __init__(self, code):
        self.code = code

    def poll(self):
        return self.code

    def send_signal(self, number):
        pass


def measured(code, rate):
    """What is said, and the results by count of lanes."""
    conditions.running = lambda command: contextlib.nullcontext(Lane(code))
    conditions.time.sleep = lambda seconds: None
    conditions.Bench.rate = lambda bench, name, core: rate(name)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()) as said:
        out = pathlib.Path(folder)
        conditions.Bench(out / "program", out, 0, 1, 1000).lanes([0, 1], 3)
        return said.getvalue(), {int(f.parent.name.split("-")[-1]): json.loads(f.read_text()) for f in out.glob("*/result.json")}


def too_long(name):
    if name.startswith("lanes-2"):
        raise subprocess.TimeoutExpired(["lane"], 120)
    return 100.0


def main():
    said, results = measured(None, lambda name: 80.0 if "beside" in name else 100.0)
    assert "left out" not in said and results.keys() == {1, 2}, (said, results)
    assert results[2]["orders_per_s"] == 160 and results[2]["one_lane"] == 100, results
    said, results = measured(1, lambda name: 100.0)  # they have ended: nothing was beside it
    assert "2 lanes at once left out" in said and results.keys() == {1}, (said, results)
    said, results = measured(None, too_long)
    assert "2 lanes at once left out" in said and results.keys() == {1}, (said, results)


if __name__ == "__main__":
    main()
