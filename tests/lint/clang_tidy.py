"""Bug patterns that clang-tidy and the clang analyzer know; the set is .clang-tidy at the root."""

import concurrent.futures

from tools import JOBS, ToolError, compile_flags, findings, run


def check(tree):
    paths = tree.files(".c")
    if not paths:
        return
    flags = compile_flags(tree)
    if (tree.root / "tests/lint/include").is_dir():
        flags.append("-Itests/lint/include")

    def tidy(path):
        config = [] if (tree.root / ".clang-tidy").is_file() else ["--checks=-*,clang-analyzer-*,bugprone-*"]
        return path, *run(["clang-tidy", "--quiet", *config, path, "--", *flags], tree.root, ok=(0, 1))

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
