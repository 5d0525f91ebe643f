#!/usr/bin/env python3
# beside others
"""The check of instructions passes on what it has written itself, and fails when the baseline had fewer; times are told."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from system import BUILD, need_programs  # noqa: E402

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
CHECK = BENCH / "latency/check.sh"
# What is seldom done the compiler puts into work.cold, from where it jumps back amid work().
COLD = """
#include <stdio.h>
#include <stdlib.h>
static volatile long x;
__attribute__((noinline, cold)) static void seldom(void) { x++; }
__attribute__((noinline)) static void work(int cold)
{
    if (__builtin_expect(cold, 0))
        seldom();
    for (int i = 0; i < 100; i++)
        x++;
}
int main(int argc, char **argv)
{
    for (int i = 0; i < 10; i++)
        work(argc > 1 && atoi(argv[1]));
    printf("cold messages=10 of them\\n");
    return 0;
}
"""


def check(baseline, *more):
    environment = {**os.environ, "BASELINE": str(baseline)}
    return subprocess.run(
        [str(CHECK), str(BUILD / "tickgate-bench"), *more], capture_output=True, text=True, timeout=300, env=environment
    )


def baseline(folder, *more):
    command = [str(CHECK.parent / "baseline.py"), str(BUILD / "tickgate-bench"), "--folder", str(folder), "--rounds", "1", "--orders", "2000"]
    done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def times(folder):
    """Kept by class of machine, and only told."""
    assert "no times are kept" in baseline(folder) and not list(folder.iterdir())
    assert "written" in baseline(folder, "--update")
    [kept] = folder.iterdir()
    result = json.loads(kept.read_text())
    assert result["class"] == kept.stem and result["figures_ns"]["lane frame_to_frame p50"][0] > 0, result
    result["figures_ns"]["lane frame_to_frame p50"] = [1.0]
    result["figures_ns"]["lane frame_to_frame p99"] = [1e12]
    kept.write_text(json.dumps(result))
    told = {line.split("  ")[0]: line for line in baseline(folder).splitlines()}
    assert told["lane frame_to_frame p50"].endswith("slower") and told["lane frame_to_frame p99"].endswith("faster"), told


def cold_parts(folder):
    """A function's instructions are all counted, also where the compiler has put a part of it elsewhere."""
    program = folder / "cold"
    subprocess.run(["gcc", "-O2", "-x", "c", "-", "-o", str(program)], input=COLD, text=True, check=True, timeout=60)
    symbols = subprocess.run(["nm", str(program)], capture_output=True, text=True, check=True, timeout=60).stdout
    assert " work.cold" in symbols, symbols

    def counted(function, *arguments):
        command = [str(BENCH / "micro/instructions.sh"), str(program), function, "cold", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=100)

    plain, more = (int(re.search(r"per_message=(\d+)", counted("work", cold).stdout)[1]) for cold in ("0", "1"))
    assert 300 < plain < more < plain + 30, (plain, more)
    none = counted("wor")
    assert none.returncode == 1 and "no function wor" in none.stderr, none.stderr


def main():
    need_programs("tickgate-bench")
    with tempfile.TemporaryDirectory() as folder:
        times(pathlib.Path(folder))
    for tool in ("valgrind", "readelf"):
        if shutil.which(tool) is None:
            print(f"no {tool} here")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        if shutil.which("gcc"):
            cold_parts(pathlib.Path(folder))
        baseline = pathlib.Path(folder) / "instructions.txt"
        assert check(baseline, "--update").returncode == 0
        text = baseline.read_text()
        same = check(baseline)
        assert same.returncode == 0, same.stdout + same.stderr
        baseline.write_text(re.sub(r"^gate .*$", "gate 100.0", text, flags=re.MULTILINE))
        grown = check(baseline)
        assert grown.returncode == 1 and "too many" in grown.stdout, grown.stdout + grown.stderr
        baseline.write_text(re.sub(r"^compiler .*$", "compiler another", baseline.read_text(), flags=re.MULTILINE))
        other = check(baseline)
        assert other.returncode == 0 and "another compiler" in other.stdout, other.stdout + other.stderr
    print(f"{len(text.splitlines()) - 1} functions held")


if __name__ == "__main__":
    main()
