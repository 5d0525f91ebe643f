"""docs/logs.md is what the table of events and the calls that log them say: code, levels and fields of every event.

    python3 tests/lint/logs.py >docs/logs.md"""

import pathlib
import re
import sys

TABLE = "dataplane/base/log_events.def"
DOCUMENT = "docs/logs.md"
ROOMS = ("dataplane/", "controlplane/", "bench/")
ROW = re.compile(r'^LOG_EVENT\((\d+), (\w+), "((?:[^"\\]|\\.)*)"\)$', re.MULTILINE)
CALL = re.compile(r"\blog_(info|warn|error)\(\s*LOG_(\w+),(.*?);", re.DOTALL)
FIELD = re.compile(r'\bLOG_(TEXT|NUMBER)\("(\w+)"')
LEVELS = ("info", "warn", "error")

HEAD = """# Log events

Generated from `dataplane/base/log_events.def` and the calls that log by `make docs`; do not edit. How a line looks, and where it
goes: [operate.md](operate.md#logs).

A code stays with its event for ever. The fields are those that a line of the event may have; `text` says the same for people, and
its wording is no interface. Numbers are decimal; times, sizes and other units stand last in the name of a field. A field whose
value is not known is `null`.

| code | event | level | fields | meaning, and what to do |
|---|---|---|---|---|
"""


def calls(tree):
    """(path, line, level, name, [(kind, key)]) of every call."""
    for path in (p for p in tree.files(".c") if p.startswith(ROOMS)):
        text = tree.text(path)
        for call in CALL.finditer(text):
            yield path, text.count("\n", 0, call.start()) + 1, call[1], call[2], FIELD.findall(call[3])


def generate(tree):
    """(text, [(path, line, message)])"""
    faults, kinds, said = [], {}, {}
    for path, line, level, name, fields in calls(tree):
        levels, keys = said.setdefault(name, (set(), {}))
        levels.add(level)
        for kind, key in fields:
            keys[key] = kind.lower()
            if kinds.setdefault(key, kind) != kind:
                faults.append((path, line, f"field {key} is a text here and a number there"))
        if len({key for _, key in fields}) < len(fields):
            faults.append((path, line, "a field stands here twice"))
    text, before = HEAD, 0
    for row in ROW.finditer(tree.text(TABLE)):
        number, name, meaning = int(row[1]), row[2], row[3]
        at = tree.text(TABLE).count("\n", 0, row.start()) + 1
        if number <= before:
            faults.append((TABLE, at, f"{name} has number {number} behind {before}: a new event takes the next one"))
        before = max(before, number)
        if name not in said:
            faults.append((TABLE, at, f"{name} is logged nowhere"))
            continue
        levels, keys = said[name]
        words = ", ".join(level for level in LEVELS if level in levels)
        shown = ", ".join(f"`{key}` ({kind})" for key, kind in keys.items())
        text += f"| `TG-{number:04}` | `{name.lower()}` | {words} | {shown} | {meaning} |\n"
    return text, faults


def check(tree):
    if TABLE not in tree.paths:
        return
    text, faults = generate(tree)
    yield from faults
    if DOCUMENT not in tree.paths or tree.text(DOCUMENT) != text:
        yield DOCUMENT, 0, "is not what the table and the calls say: run make docs"


if __name__ == "__main__":
    from tree import Tree

    sys.stdout.write(generate(Tree(pathlib.Path(__file__).resolve().parent.parent.parent))[0])
