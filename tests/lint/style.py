"""Small habits that clang-format does not hold."""

import re

COLUMNS_MAX = 100
TABLE_COLUMNS_MAX = 180  # of a .def: a table is read by its columns
TEXT_SUFFIXES = (".c", ".h", ".def", ".py", ".sh", ".md", ".yaml", ".yml", ".gp", ".sql", "Makefile")
TYPEDEF = re.compile(r"\btypedef\s+(?:struct|union|enum)\b")


def check(tree):
    for path in tree.files(*TEXT_SUFFIXES) + ["tests/run", "tests/lint/run", ".ci/run"]:
        if path not in tree.paths:
            continue
        text = tree.text(path)
        if text and not text.endswith("\n"):
            yield path, len(text.splitlines()), "no newline at the end of the file"
        for number, line in tree.lines(path):
            if line != line.rstrip():
                yield path, number, "blanks at the end of the line"
            if "\t" in line and not path.endswith("Makefile"):
                yield path, number, "tab"
            most = TABLE_COLUMNS_MAX if path.endswith(".def") else COLUMNS_MAX
            if len(line) > most and path.endswith((".c", ".h", ".def")):
                yield path, number, f"{len(line)} columns, at most {most}"
    for path in tree.c_files():
        if path.endswith(".h") and "#pragma once" not in tree.text(path):
            yield path, 1, "a header starts with #pragma once"
        for number, line in tree.code_lines(path):
            if TYPEDEF.search(line):
                yield path, number, "no typedef for struct, union or enum"
        yield from block_comments(tree, path)


def block_comments(tree, path):
    # The blanked text has lost its comments; literals are all that may hide a comment mark from this search.
    for number, line in tree.lines(path):
        bare = re.sub(r'"(?:\\.|[^"\\])*"', '""', line).split("//")[0]
        if "/*" in bare:
            yield path, number, "comments start with //"
