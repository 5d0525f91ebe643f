"""Tests stand where the runner and the reader look for them."""

import re

TOP = {"dataplane", "controlplane", "bench", "drivers-config", "k8s-nodes"}


def rooms(tree):
    found = set()
    for path in tree.paths:
        parts = path.split("/")
        if parts[0] in TOP and len(parts) > 2:
            found.add(parts[1])
    return found


def check(tree):
    known = rooms(tree)
    corpora = {p.split("/")[3] for p in tree.paths if re.match(r"tests/fuzz/corpus/[^/]+/.", p)}
    fuzzers = set()
    for path in tree.files(".c", under="tests/"):
        parts = path.split("/")
        if parts[1] == "fuzz" and path.endswith("_fuzz.c"):
            name = parts[-1].removesuffix("_fuzz.c")
            fuzzers.add(name)
            if name not in corpora:
                yield path, 1, f"no input in tests/fuzz/corpus/{name}/"
        if parts[1] == "unit":
            if len(parts) != 4:
                yield path, 1, "unit tests are tests/unit/<room>/<name>_test.c"
            elif parts[2] not in known:
                yield path, 1, f"there is no room {parts[2]}"
            elif not path.endswith("_test.c"):
                yield path, 1, "not named <name>_test.c: it would never run (helpers go to tests/lib)"
    for name in sorted(corpora - fuzzers):
        yield f"tests/fuzz/corpus/{name}", 0, f"no fuzzer tests/fuzz/{name}_fuzz.c"
    for path in tree.files("_test.sh", "_test.py", under="tests/integration/"):
        if not (tree.root / path).stat().st_mode & 0o100:
            yield path, 1, "not executable: the runner cannot start it"
