"""Everything a lane can reach, in compiled code, keeps to docs/hot-path.md: no call out of the project but the listed
ones, no call through a pointer but the listed ones, no recursion, no division, no floating point, no system call.

The tables of docs/hot-path.md are the input: rows `| `name` | why |` under the headings below. A call through a pointer
is named by the expression in the source, as the compiler may have put it into any caller; one inside a header of a
library is named by the header."""

import re

from objects import global_names, read_objects
from tools import ToolError, run

DOCUMENT = "docs/hot-path.md"
POINTER = "calls through a pointer"
TABLES = {
    "Entry points": "entry",  # functions, and tables of functions
    "Calls through a pointer": POINTER,
    "Calls out of the project": "outside",
    "Divisions": "divides",
}
ROW = re.compile(r"^\| `([^`]+)` \|")


def tables(tree):
    """{kind: {name: line}}"""
    found = {kind: {} for kind in TABLES.values()}
    kind = None
    for number, line in tree.lines(DOCUMENT):
        if line.startswith("#"):
            kind = TABLES.get(line.lstrip("#").strip())
        row = ROW.match(line)
        if row and kind:
            found[kind][row.group(1)] = number
    return found


class Walk:
    """Depth first from an entry point; each function is looked at once."""

    def __init__(self, tree, objects, names, allowed):
        self.tree, self.objects, self.names, self.allowed = tree, objects, names, allowed
        self.done = set()
        self.open = []
        self.found = []
        self.used = {kind: set() for kind in allowed}

    def place(self, function, address):
        """File and line of an instruction; the line in the header where the code was inlined from one."""
        command = ["addr2line", "-e", str(function.path), "-j", function.section, hex(address)]
        _, text, _ = run(command, self.tree.root)
        path, _, line = text.strip().partition(":")
        line = re.match(r"\d+", line)
        return path.removeprefix(f"{self.tree.root}/").removeprefix("./"), int(line.group()) if line else 0

    def report(self, function, address, message):
        path, line = self.place(function, address)
        way = " > ".join([f.plain() for f in self.open][-4:])
        self.found.append((path, line, f"{message} (lane: {way})"))

    def visit(self, function):
        key = (function.path, function.name)
        if key in self.done:
            return
        self.done.add(key)
        self.open.append(function)
        for kind, address in function.faults:
            self.fault(function, kind, address)
        for callee, address, called in function.calls:
            self.call(function, callee, address, called)
        self.open.pop()

    def fault(self, function, kind, address):
        if kind == POINTER:
            names = self.pointers_at(*self.place(function, address))
        else:
            names = self.allowed.get(kind, {}).keys() & {function.plain()}
        if names:
            self.used[kind] |= set(names)
        else:
            self.report(function, address, f"{function.plain()} {kind}")

    def pointers_at(self, path, line):
        """The listed expressions that a statement holds; it may go over some lines."""
        names = [name for name in self.allowed[POINTER] if path.endswith("/" + name)]
        if path in self.tree.paths:
            text = "\n".join(self.tree.code(path).splitlines()[max(line - 3, 0) : line + 1])
            names += [name for name in self.allowed[POINTER] if name + "(" in text]
        return names

    def enter(self, path, name):
        """A function by name, of this object or of another."""
        path = path if name in self.objects[path] else self.names.get(name)
        if path:
            self.visit(self.objects[path][name])

    def call(self, function, callee, address, called):
        path = function.path if callee in self.objects[function.path] else self.names.get(callee)
        if callee in self.allowed["outside"]:
            self.used["outside"].add(callee)
        elif path is None:
            self.report(function, address, f"{function.plain()} calls {callee}, which {DOCUMENT} does not list")
        else:
            target = self.objects[path].get(callee)
            if target is None:
                return
            # A function and its split-off parts jump to each other; that is no recursion.
            if target in self.open and (called or target.plain() != function.plain()):
                self.report(function, address, f"{function.plain()} calls {callee} again: recursion")
            self.visit(target)


def lane_objects(tree):
    folder = tree.build / "obj/dataplane"
    sources = {p.removesuffix(".c") for p in tree.files(".c", under="dataplane/")}
    # Objects of files that are gone stay in the build directory; they are not looked at.
    return [
        p for p in sorted(folder.rglob("*.o")) if str(p.relative_to(tree.build / "obj")).removesuffix(".o") in sources
    ]


def check(tree):
    if DOCUMENT not in tree.paths:
        return
    allowed = tables(tree)
    if not allowed["entry"]:
        raise ToolError(f"{DOCUMENT} lists no entry point of a lane")
    paths = lane_objects(tree)
    objects, pointers = read_objects(tree.root, paths)
    walk = Walk(tree, objects, global_names(tree.root, paths), allowed)
    for entry, number in allowed["entry"].items():
        starts = [(path, entry) for path in paths if entry in objects[path]]
        starts += [(path, name) for path in paths for name in pointers[path].get(entry, ())]
        if not starts:
            yield DOCUMENT, number, f"{entry}: no function or table of this name in {tree.build}/obj"
        for path, name in starts:
            walk.enter(path, name)
    yield from walk.found
    for kind, listed in allowed.items():
        for name, number in listed.items():
            if kind != "entry" and name not in walk.used[kind]:
                yield DOCUMENT, number, f"{name}: listed under '{kind}', but no lane does that"
