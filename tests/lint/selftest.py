"""Each check has to find a bad example and leave a good one alone; the test runner has to see every way to fail."""

import importlib
import pathlib
import re
import subprocess
import tempfile

from examples import BAD, GOOD, RUNNER
from tools import ToolError
from tree import Tree

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = "tests/lint/examples.py"


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if text.startswith("#!"):
            path.chmod(0o755)


def compile_lane(folder):
    """Objects where the build has them, for the check that reads compiled code."""
    for source in folder.glob("dataplane/**/*.c"):
        target = folder / "build/obj" / source.relative_to(folder).with_suffix(".o")
        target.parent.mkdir(parents=True, exist_ok=True)
        command = ["gcc", "-g", "-O1", "-fno-inline", "-I.", "-c", "-o", str(target), str(source.relative_to(folder))]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ToolError(f"gcc: {done.stderr}")


def results(name, files):
    with tempfile.TemporaryDirectory(prefix="tickgate-lint-") as tmp:
        folder = pathlib.Path(tmp)
        write(folder, files)
        if name == "lane_graph":
            compile_lane(folder)
        return list(importlib.import_module(name).check(Tree(folder)))


def check_runner():
    """Each program alone: the closing line and the exit code."""
    for name, (script, last, code) in RUNNER.items():
        with tempfile.TemporaryDirectory(prefix="tickgate-run-") as tmp:
            folder = pathlib.Path(tmp)
            if script is not None:
                write(folder, {"tests/unit/room/a_test": script})
            command = [str(ROOT / "tests/run"), "--build", tmp, "--timeout-factor", "0.01", "unit"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            got = (done.stdout.splitlines()[-1], done.returncode)
            if got != (last, code):
                yield HERE, 0, f"tests/run, {name}: '{got[0]}' and exit code {got[1]}, expected '{last}' and {code}"


def check(_tree):
    for name, what, files, path, line, words in BAD:
        found = results(name, files)
        if not any(f[0] == path and f[1] == line and re.search(words, f[2]) for f in found):
            yield HERE, 0, f"{name} does not find '{what}' at {path}:{line}, but: {found}"
    for name, files in GOOD:
        found = results(name, files)
        if found:
            yield HERE, 0, f"{name} faults the good example: {found}"
    yield from check_runner()
