#!/usr/bin/env python3
"""What each check of the gate costs per order: instructions by source line (callgrind), added up by the function of the gate
that makes the check, as they stand in the program after inlining. An order that passes makes all of them.

    bench/micro/checks.py PROGRAM [ARG ...]     PROGRAM: build/bench/risk; its arguments follow
"""

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CHECK = re.compile(r"^CHECK\(\d+, (\w+),", re.MULTILINE)
FUNCTION = re.compile(r"\w[\w ]*?[ *]+(\w+)\(")
NAMED = re.compile(r"\((\d+)\)(?: (.*))?$")


def counted(program, arguments):
    """Instructions by (file, line), of `decide` and all below it; and how many orders that were."""
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory) / "out"
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--dump-line=yes",
                   "--compress-pos=no", "--toggle-collect=decide*", program, *arguments]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode or not out.exists():
            sys.exit(f"{' '.join(command)}: {run.stderr.strip()[-500:]}")
        return lines_of(out.read_text()), int(re.search(r"messages=(\d+)", run.stdout).group(1))


def lines_of(text):
    names, costs, path, called = {}, {}, "", False
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key in ("fl", "fi", "fe", "cfi", "cfl"):
            number, name = NAMED.match(value).groups()
            names.setdefault(number, name)
            if key in ("fl", "fi", "fe"):
                path = names[number]
        elif key == "calls":
            called = True
        elif re.match(r"\d+ \d+$", line):
            at, cost = map(int, line.split())
            if not called:
                costs[path, at] = costs.get((path, at), 0) + cost
            called = False
    return costs


def functions_of(path):
    """By line: the function that it stands in, and the comment above that."""
    owners, comment, current = {}, [], None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = FUNCTION.match(line)
        if match and not line.endswith(";"):
            current = (match.group(1), " ".join(comment))
        if line.startswith("//"):
            comment.append(line[2:].strip())
        elif current is None:
            comment = []
        if current:
            owners[number] = current
        if line == "}":
            current, comment = None, []
    return owners


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    checks = CHECK.findall((ROOT / "dataplane/abi/refusals.def").read_text())
    costs, orders = counted(sys.argv[1], sys.argv[2:])
    known, sums = {}, {}
    for (path, line), cost in costs.items():
        path = pathlib.Path(path)
        if ROOT not in path.parents:
            continue
        if path not in known:
            known[path] = functions_of(path)
        name, comment = known[path].get(line, ("?", ""))
        key = path.relative_to(ROOT).as_posix(), name
        sums[key] = (sums.get(key, (0, ""))[0] + cost, comment)
    gate = total = 0
    for (path, name), (cost, comment) in sorted(sums.items(), key=lambda row: -row[1][0]):
        made = [check for check in checks if re.search(rf"\b{check}\b", comment)]
        each = cost / orders
        total += each
        if not path.startswith("dataplane/risk/"):
            continue
        gate += each
        print(f"check instructions={each:6.1f} {name} {path.rsplit('/', 1)[1]}{': ' if made else ''}{' '.join(made)}")
    print(f"check instructions={gate:6.1f} all of the gate and of reserving; {total:.1f} with the benchmark's own, orders={orders}")


if __name__ == "__main__":
    main()
