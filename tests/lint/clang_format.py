"""C files are laid out by clang-format 14 and the .clang-format of the tree. Remedy: clang-format -i FILE."""

import re

from tools import ToolError, findings, run

VERSION = "14"


def check(tree):
    paths = tree.files(".c", ".h")
    if not paths:
        return
    _, version, _ = run(["clang-format", "--version"], tree.root)
    found = re.search(r"version (\d+)", version)
    if not found or found.group(1) != VERSION:
        raise ToolError(f"the tree is laid out by clang-format {VERSION}, this is: {version.strip()}")
    _, out, err = run(["clang-format", "--dry-run", "-Werror", *paths], tree.root, ok=(0, 1))
    seen = set()
    for path, line, _ in findings(tree, out + err):
        # One line per file is enough: the remedy is the same for all of them.
        if path not in seen:
            seen.add(path)
            yield path, line, "not laid out by clang-format (clang-format -i)"
