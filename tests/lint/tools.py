"""Runs the programs that some checks rest on."""

import os
import re
import shlex
import subprocess

JOBS = os.cpu_count() or 1
FINDING = re.compile(r"^(?P<path>[^:\s][^:]*):(?P<line>\d+):(?:\d+:)? (?P<message>.+)$")


class ToolError(Exception):
    """A tool is missing or did not do its work: the check has not been made."""


def run(command, root, ok=(0,)):
    """(exit code, stdout, stderr); a code that is not in <ok> means that the tool itself failed."""
    try:
        done = subprocess.run(
            command, cwd=root, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as e:
        raise ToolError(f"{command[0]} is not installed; remedy: make deps") from e
    if done.returncode not in ok:
        text = (done.stderr or done.stdout).strip()
        raise ToolError(f"{command[0]} ended with {done.returncode}: {text[-2000:]}")
    return done.returncode, done.stdout, done.stderr


def findings(tree, text):
    """Lines of the form path:line:column: message, with the path made relative to the tree."""
    for line in text.splitlines():
        found = FINDING.match(line)
        if found:
            path = os.path.relpath(os.path.join(tree.root, found["path"]), tree.root)
            yield path, int(found["line"]), found["message"]


def compile_flags(tree):
    """What the Makefile compiles with; a tree without a Makefile (a test of the checks) has the bare minimum."""
    if "Makefile" not in tree.paths:
        return ["-I.", "-std=c11", "-D_GNU_SOURCE"]
    make = ["make", "-s", "--no-print-directory", f"BUILD={tree.build}", "lint-flags"]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(make, cwd=tree.root, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"make lint-flags failed: {done.stderr.strip()}")
    return shlex.split(done.stdout)
