#!/usr/bin/env python3
"""Runs a micro-benchmark and keeps what it prints as result.json, as tickgate-bench writes it. usage: micro.py DIR COMMAND..."""

import json
import pathlib
import re
import subprocess
import sys

LINE = re.compile(r"^(\S+) .*?messages=(\d+) p50=(\d+) ns p99=(\d+) ns p99\.9=(\d+) ns$", re.MULTILINE)


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    folder, command = pathlib.Path(sys.argv[1]), sys.argv[2:]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    (folder / "output.txt").write_text(done.stdout)
    sys.stderr.write(done.stderr)
    if done.returncode != 0:
        raise SystemExit(f"micro.py: {command} ended with {done.returncode}")
    figures = {name: {"count": int(count), "p50": int(p50), "p99": int(p99), "p999": int(p999)}
               for name, count, p50, p99, p999 in LINE.findall(done.stdout)}
    shape = {key: int(value) for key, value in re.findall(r"\b(symbols|accounts)=(\d+)", done.stdout)}
    if not figures:
        raise SystemExit(f"micro.py: {command} printed no figure")
    (folder / "result.json").write_text(json.dumps({"mode": "micro", **shape, "figures_ns": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
