"""Bug patterns that clang-tidy and the clang analyzer know; the set is .clang-tidy at the root.

A file in which nothing was found is not looked at again until it, a project header below it, the flags or the set
change: build/lint remembers."""

import concurrent.futures
import hashlib
import re

from tools import JOBS, ToolError, compile_flags, findings, run

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
DEFAULT_CHECKS = "--checks=-*,clang-analyzer-*,bugprone-*"


def headers(tree, path, seen):
    """<path> and every project header below it."""
    if path not in seen and path in tree.paths:
        seen.add(path)
        for name in INCLUDE.findall(tree.text(path)):
            headers(tree, name, seen)
    return seen


def fingerprint(tree, path, command):
    known = hashlib.sha256("\0".join(command).encode())
    for name in [*tree.files(".clang-tidy"), *sorted(headers(tree, path, set()))]:
        known.update(f"\0{name}\0{tree.text(name)}".encode())
    return known.hexdigest()


def check(tree):
    paths = tree.files(".c")
    if not paths:
        return
    flags = compile_flags(tree)
    if (tree.root / "tests/lint/include").is_dir():
        flags.append("-Itests/lint/include")
    clean = tree.build / "lint/clang_tidy"
    clean.mkdir(parents=True, exist_ok=True)

    def tidy(path):
        config = [] if ".clang-tidy" in tree.paths else [DEFAULT_CHECKS]
        command = ["clang-tidy", "--quiet", *config, path, "--", *flags]
        mark = clean / fingerprint(tree, path, command)
        if mark.exists():
            return path, 0, "", ""
        code, out, err = run(command, tree.root, ok=(0, 1))
        if code == 0 and not any(findings(tree, out)):
            mark.touch()
        return path, code, out, err

    seen = set()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for path, code, out, err in pool.map(tidy, paths):
            found = [f for f in findings(tree, out) if not f[2].startswith("note: ")]
            if code and not found:
                raise ToolError(f"clang-tidy {path}: {(err or out).strip()[-500:]}")
            for finding in found:
                # A header is seen by many files, its findings are told once.
                if finding not in seen:
                    seen.add(finding)
                    yield finding
