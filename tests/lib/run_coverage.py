#!/usr/bin/env python3
"""Sums what gcov knows of a build directory per room: lines and branches that ran.

    run_coverage.py DIR [--files]

DIR was built with COV=1 and its tests have run. Exit code 1 when there is nothing to sum.
"""

import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Sum:
    """Distinct lines and branches of one file; the same header counts once however often it is included."""

    def __init__(self):
        self.lines = collections.Counter()
        self.branches = collections.Counter()

    def numbers(self):
        return (
            sum(1 for n in self.lines.values() if n),
            len(self.lines),
            sum(1 for n in self.branches.values() if n),
            len(self.branches),
        )


def read(folder):
    files = collections.defaultdict(Sum)
    data = sorted(str(p.resolve()) for p in folder.rglob("*.gcda"))
    for start in range(0, len(data), 100):
        out = subprocess.run(
            ["gcov", "--json-format", "--stdout", "--branch-probabilities", *data[start : start + 100]],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for report in out.splitlines():
            for entry in json.loads(report)["files"]:
                add(files[entry["file"]], entry)
    return files


def add(total, entry):
    for line in entry["lines"]:
        number = line["line_number"]
        total.lines[number] += line["count"]
        for i, branch in enumerate(line["branches"]):
            total.branches[number, i] += branch["count"]


def percent(part, whole):
    return f"{100 * part / whole:5.1f} %" if whole else "      -"


def table(rows):
    print(f"{'':40} {'lines':>16} {'branches':>24}")
    for name, (lines, lines_all, branches, branches_all) in rows:
        print(
            f"{name:40} {percent(lines, lines_all)} {lines:5}/{lines_all:<6}"
            f"  {percent(branches, branches_all)} {branches:5}/{branches_all:<6}"
        )


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    rooms = collections.defaultdict(lambda: [0, 0, 0, 0])
    rows = []
    for name, total in sorted(read(pathlib.Path(sys.argv[1])).items()):
        if not name.startswith(("dataplane/", "controlplane/", "bench/")):
            continue
        numbers = total.numbers()
        rows.append((name, numbers))
        room = "/".join(name.split("/")[:2])
        rooms[room] = [a + b for a, b in zip(rooms[room], numbers)]
    if not rows:
        print("run_coverage: no coverage data; was it built with COV=1 and run?", file=sys.stderr)
        return 1
    if "--files" in sys.argv[2:]:
        table(rows)
    table(sorted(rooms.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
