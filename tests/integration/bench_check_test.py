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

CHECK = pathlib.Path(__file__).resolve().parents[2] / "bench/latency/check.sh"


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


def main():
    need_programs("tickgate-bench")
    with tempfile.TemporaryDirectory() as folder:
        times(pathlib.Path(folder))
    for tool in ("valgrind", "readelf"):
        if shutil.which(tool) is None:
            print(f"no {tool} here")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
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
