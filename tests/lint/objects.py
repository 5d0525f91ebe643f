"""Reads the call graph of compiled code from object files: what each function calls, and which of its instructions
divide, compute in floating point, enter the kernel or call through a pointer."""

import bisect
import re

from tools import run

SYMBOL = re.compile(r"^([0-9a-f]+) \S*\s+\S*O (\S+)\t([0-9a-f]+)\s+(?:\.hidden )?(\w+)$")
RELOCATIONS_OF = re.compile(r"^RELOCATION RECORDS FOR \[(\S+)\]:")
ADDRESS_OF = re.compile(r"^([0-9a-f]+) R_X86_64_64\s+(\S+)$")
SECTION = re.compile(r"^Disassembly of section (\S+):")
FUNCTION = re.compile(r"^([0-9a-f]+) <([^>]+)>:")
INSTRUCTION = re.compile(r"^\s+([0-9a-f]+):\t(?:(?:notrack|bnd|lock|rep\w*|data16|cs|ds) )*(\S+)\s*(.*)$")
RELOCATION = re.compile(r"^\s+[0-9a-f]+: R_X86_64_(\w+)\t(.+)$")
TARGET = re.compile(r"^([0-9a-f]+) <([^>+]+)(?:\+0x[0-9a-f]+)?>$")
PLACE = re.compile(r"^(.+?)([+-]0x[0-9a-f]+)?$")
DIVIDES = re.compile(r"^i?div[bwlq]?$")
FLOATS = re.compile(r"^v?(?:add|sub|mul|div|sqrt|max|min)[sp][sd]$|^v?u?comis[sd]$|^v?cvt.*s[sd]|^f(?:ld|add|mul|div)")
PART = re.compile(r"\.(?:cold|part|constprop|isra|lto_priv)\b.*$")


class Function:
    """One function of one object. Faults are (kind, address)."""

    def __init__(self, path, section, name):
        self.path, self.section, self.name = path, section, name
        self.calls = []  # (callee, address, called rather than jumped to)
        self.faults = []

    def plain(self):
        """The name in the source: the compiler splits functions and marks the parts."""
        return PART.sub("", self.name)


class Reader:
    """One object file, read line by line."""

    def __init__(self, path, text):
        self.path = path
        self.functions = {}
        self.starts = {}  # section -> sorted [(offset, name)], for relocations against a section
        self.text = text

    def read(self):
        section = None
        for line in self.text.splitlines():
            if line.startswith("Disassembly"):
                section = SECTION.match(line).group(1)
            else:
                found = FUNCTION.match(line)
                if found:
                    self.starts.setdefault(section, []).append((int(found.group(1), 16), found.group(2)))
        section = current = pending = None
        recent = []
        for line in self.text.splitlines():
            if line.startswith("Disassembly"):
                section = SECTION.match(line).group(1)
                continue
            found = FUNCTION.match(line)
            if found:
                self.finish(current, pending)
                pending = None
                current = Function(self.path, section, found.group(2))
                self.functions[current.name] = current
                recent = []
                continue
            found = RELOCATION.match(line)
            if found:
                if pending:
                    pending = (*pending[:3], (found.group(1), found.group(2)), pending[4])
                continue
            found = INSTRUCTION.match(line)
            if found and current:
                self.finish(current, pending)
                address, name, operands = int(found.group(1), 16), found.group(2), found.group(3).strip()
                pending = (address, name, operands, None, tuple(recent[-4:]))
                recent.append((name, operands))
        self.finish(current, pending)
        return self.functions

    def finish(self, function, pending):
        """An instruction with the relocation that followed it, if any."""
        if function is None or pending is None:
            return
        address, name, operands, relocation, recent = pending
        if DIVIDES.match(name):
            function.faults.append(("divides", address))
        elif FLOATS.match(name):
            function.faults.append(("computes in floating point", address))
        elif name in ("syscall", "sysenter"):
            function.faults.append(("enters the kernel", address))
        elif name.startswith(("call", "j")):
            self.branch(function, address, name, operands, relocation, recent)

    def branch(self, function, address, name, operands, relocation, recent):
        named = relocation and not (relocation[1].startswith(".rodata") or ".rodata" in relocation[1])
        if operands.startswith("*") and not (named and "GOTPCREL" in relocation[0]):
            if name.startswith("call") or not switch_table(operands, relocation, recent):
                function.faults.append(("calls through a pointer", address))
            return
        if named:
            callee = self.resolve(relocation[1])
        else:
            target = TARGET.match(operands)
            callee = target.group(2) if target else None
        # A jump within the function is a loop; a call of itself is recursion.
        called = name.startswith("call")
        if callee and (called or callee != function.name):
            function.calls.append((callee, address, called))

    def resolve(self, place, displacement=4):
        """A symbol, or the function at an offset of a section. Displacements are relative to the next instruction."""
        found = PLACE.match(place)
        base, offset = found.group(1), int(found.group(2) or "0", 16)
        if base not in self.starts:
            return base
        starts = self.starts[base]
        return starts[max(bisect.bisect_right(starts, (offset + displacement, "\x7f")) - 1, 0)][1]

    def tables(self, text):
        """{name of a variable: [functions whose addresses it holds]} from `objdump -tr`."""
        variables = []
        found = {}
        section = None
        for line in text.splitlines():
            symbol = SYMBOL.match(line)
            if symbol:
                start, size = int(symbol.group(1), 16), int(symbol.group(3), 16)
                variables.append((symbol.group(2), start, start + size, symbol.group(4)))
            elif RELOCATIONS_OF.match(line):
                section = RELOCATIONS_OF.match(line).group(1)
            else:
                address = ADDRESS_OF.match(line)
                for where, start, end, name in variables if address else ():
                    if where == section and start <= int(address.group(1), 16) < end:
                        found.setdefault(name, []).append(self.resolve(address.group(2), 0))
        return found


def switch_table(operands, relocation, recent):
    """Jump tables add a table entry to its base, or index an absolute table; tail calls through pointers do not."""
    if relocation and ".rodata" in relocation[1]:
        return True
    register = operands.lstrip("*")
    return any(op.startswith("add") and args.endswith(register) for op, args in recent)


def read_objects(root, paths):
    """({object path: {function name: Function}}, {object path: {table name: [function names]}})"""
    functions = {}
    tables = {}
    for path in paths:
        _, text, _ = run(["objdump", "-dr", "--no-show-raw-insn", str(path)], root)
        reader = Reader(path, text)
        functions[path] = reader.read()
        _, text, _ = run(["objdump", "-tr", str(path)], root)
        tables[path] = reader.tables(text)
    return functions, tables


def global_names(root, paths):
    """{symbol: object} of everything that objects define for others."""
    table = {}
    for path in paths:
        _, text, _ = run(["nm", "--defined-only", "--extern-only", "--format=posix", str(path)], root)
        for line in text.splitlines():
            table.setdefault(line.split()[0], path)
    return table
