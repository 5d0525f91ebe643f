"""docs/controls.md is what the tables of the source say: every check of the gate with its limits, tests and regulation.

    python3 tests/lint/controls.py >docs/controls.md"""

import pathlib
import re
import sys

REFUSALS = "dataplane/abi/refusals.def"
CONTROLS = "dataplane/risk/controls.def"
DOCUMENT = "docs/controls.md"
TEXT = r'"((?:[^"\\]|\\.)*)"'
CHECK = re.compile(r"^CHECK\((\d+), (\w+), (\w+), " + TEXT + r",\s*" + TEXT + r"\)", re.MULTILINE)
REFUSAL = re.compile(r"^REFUSAL\((\d+), (\w+), " + TEXT + r"\)", re.MULTILINE)
CONTROL = re.compile(r"^CONTROL\((\w+), " + TEXT + r",\s*" + TEXT + r",\s*" + TEXT + r"\)", re.MULTILINE)
MACRO = re.compile(r"^#define (\w+)\((\w+)\b(?:.*\\\n)*.*", re.MULTILINE)
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
TEST = re.compile(r"^static void (\w+)\(void \*\*state\)\n{(.*?)^}", re.MULTILINE | re.DOTALL)
# The tests that try every check, and fail where one has no trial.
AT_THE_LIMIT, THROUGH_ALL = "tests/unit/risk/scopes_test.c", "tests/sim/controls_test.c"
OTHER_TESTS, OF_REFUSALS = ("tests/unit/", "tests/sim/"), "tests/unit/lane/refusals_test.c"

HEAD = """# Controls

Generated from `dataplane/abi/refusals.def` and `dataplane/risk/controls.def` by `make docs`; do not edit.

Every enter, replace and modify passes all of these, in this order, or is refused by the first that it breaks; cancels always
pass. The record of the decision names the code, whose limit it was, the value and the limit, the version of the table of limits
and the checks that were passed. The limits are those of [configuration.md](configuration.md); a sum that a replace or modify does
not make larger is not checked again. Nothing is limited that the configuration does not limit, but for Rule 201, the ranges of
the exchange and the quality of the book.

Two tests try every one of them. At the limit: an order just inside, one at and one just outside of it, of a buy and of a sale, at
every scope (`tests/run --filter scopes_test unit`). Through the dataplane, with a simulated market and exchange: an order is
refused, where it holds them a replace and a modify too (`tests/run --filter controls_test sim`). The columns say what the trial is
called.

The column "answers" is a starting point for whoever has to show which rule a control answers, and no legal advice: whether it
does, and with which limits, is for the firm to judge.

| code | number | what is refused | whose limit | value and limit in | set by | answers | at the limit | through the dataplane |
|---|---|---|---|---|---|---|---|---|
"""

OTHERS = """
## Other refusals

What stands before or behind the gate: an order that cannot be one, has no room, or did not leave.

| code | number | why | test |
|---|---|---|---|
"""


def text_of(tree, path):
    """What a test says, with the tables that it takes from a header beside it."""
    text = tree.text(path)
    beside = [h for h in INCLUDE.findall(text) if pathlib.PurePath(h).parent == pathlib.PurePath(path).parent and h in tree.paths]
    return "".join([text, *(tree.text(h) for h in beside)])


def speaks_of(text, name):
    """By its name, or in a macro of the file that makes it of its first parameter: TRY(KILLED, ...)."""
    words = [rf"REFUSAL_{name}", *(rf"{m[1]}\({name}" for m in MACRO.finditer(text) if f"REFUSAL_##{m[2]}" in m[0])]
    return re.search(rf"\b(?:{'|'.join(words)})\b", text)


def trials(tree, path, name):
    """What the test calls its trial of the code: the function beside it in a table, or else the tests that speak of it."""
    if path not in tree.paths:
        return []
    text = text_of(tree, path)
    made = [m[1] for m in MACRO.finditer(text) if f"REFUSAL_##{m[2]}" in m[0]]
    beside = rf"{{REFUSAL_{name}, (\w+)" + "".join(rf"|\b{macro}\({name}, [^,]*, (\w+)" for macro in made)
    found = ["".join(g for g in m.groups() if g) for m in re.finditer(beside, text)]
    return sorted(set(found)) or [m[1] for m in TEST.finditer(text) if re.search(rf"\bREFUSAL_{name}\b", m[2])]


def link(path, names):
    named = ", ".join(f"`{n}`" for n in names)
    return f"[{pathlib.PurePath(path).name}](../{path})" + (f" {named}" if named else "")


def test_of(tree, name):
    """Of a refusal that is no check: the tests of the file for them that speak of it, or of the one where most do."""
    found = [(p, trials(tree, p, name)) for p in tree.files("_test.c")
             if p.startswith(OTHER_TESTS) and speaks_of(text_of(tree, p), name)]
    return link(*max(found, key=lambda f: (f[0] == OF_REFUSALS and f[1] != [], len(f[1])))) if found else ""


def generate(tree):
    """(text, [(path, line, message)])"""
    rows = {m[1]: (m[2], m[3], m[4]) for m in CONTROL.finditer(tree.text(CONTROLS))}
    faults, text, names = [], HEAD, []
    for number, name, unit, _, words in CHECK.findall(tree.text(REFUSALS)):
        names.append(name)
        if name not in rows:
            faults.append((CONTROLS, 0, f"no row for {name}, a check of the gate"))
            continue
        tests = [(path, trials(tree, path, name)) for path in (AT_THE_LIMIT, THROUGH_ALL)]
        faults += [(CONTROLS, 0, f"{name} has no test in {path}") for path, found in tests if not found]
        scopes, keys, regulation = rows[name]
        text += f"| `{name}` | {number} | {words} | {scopes} | {unit.lower()} | {keys} | {regulation} | "
        text += " | ".join(link(path, found) for path, found in tests) + " |\n"
    faults += [(CONTROLS, 0, f"{name} is no check of the gate") for name in rows if name not in names]
    others = [row for row in REFUSAL.findall(tree.text(REFUSALS)) if row[1] != "NONE"]
    text += OTHERS if others else ""
    for number, name, words in others:
        test = test_of(tree, name)
        if not test:
            faults.append((REFUSALS, 0, f"{name} has no test below {' '.join(OTHER_TESTS)}"))
        text += f"| `{name}` | {number} | {words} | {test} |\n"
    return text, faults


def check(tree):
    if REFUSALS not in tree.paths:
        return
    text, faults = generate(tree)
    yield from faults
    if DOCUMENT not in tree.paths or tree.text(DOCUMENT) != text:
        yield DOCUMENT, 0, "is not what the tables say: run make docs"


if __name__ == "__main__":
    from tree import Tree

    sys.stdout.write(generate(Tree(pathlib.Path(__file__).resolve().parent.parent.parent))[0])
