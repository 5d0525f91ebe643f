"""Spelling. Words that are right although codespell doubts them stand in codespell.ignore."""

import pathlib

from tools import findings, run

IGNORE = pathlib.Path(__file__).with_name("codespell.ignore")


def check(tree):
    paths = [p for p in tree.paths if p != "LICENSE" and not p.startswith("tests/fuzz/corpus/")]
    if paths:
        command = ["codespell", f"--ignore-words={IGNORE}", *paths]
        _, out, _ = run(command, tree.root, ok=(0, *range(1, 126)))
        yield from findings(tree, out)
