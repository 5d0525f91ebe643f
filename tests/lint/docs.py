"""What documents point at exists: links to files and headings, and verbs of the Makefile. A table names a thing once."""

import re

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
VERB = re.compile(r"`make ([a-z][a-z-]*)")
FENCE = re.compile(r"^\s*```")
ROW = re.compile(r"^\| (`[^`]+`) \|")
COMMAND = re.compile(r"^\s*\$?\s*(?:[A-Z_]+=\S+ )*make ([a-z][a-z-]*)")


def anchor(heading):
    """GitHub's rule: lower case, punctuation dropped, blanks to dashes."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(tree, path):
    return {anchor(line.lstrip("#")) for _, line in tree.lines(path) if line.startswith("#")}


def check_link(tree, path, target):
    if re.match(r"^[a-z]+:", target):
        return None
    name, _, heading = target.partition("#")
    base = (tree.root / path).parent
    goal = (base / name).resolve() if name else tree.root / path
    if not goal.exists():
        return f"{target}: no such file"
    if heading and goal.suffix == ".md":
        if heading not in anchors(tree, str(goal.relative_to(tree.root))):
            return f"{target}: no such heading"
    return None


def check_rows(tree, path):
    """Rows that begin with the same name in one table."""
    seen = {}
    for number, line in tree.lines(path):
        row = ROW.match(line)
        if row and row.group(1) in seen:
            yield path, number, f"{row.group(1)} has a row already, line {seen[row.group(1)]}"
        elif row:
            seen[row.group(1)] = number
        elif not line.startswith("|"):
            seen = {}


def check(tree):
    makefile = tree.text("Makefile") if "Makefile" in tree.paths else ""
    verbs = set(" ".join(re.findall(r"^([a-z][a-z -]*):", makefile, re.MULTILINE)).split())
    for path in tree.files(".md"):
        yield from check_rows(tree, path)
        fenced = False
        for number, line in tree.lines(path):
            if FENCE.match(line):
                fenced = not fenced
                continue
            for target in [] if fenced else LINK.findall(line):
                fault = check_link(tree, path, target)
                if fault:
                    yield path, number, fault
            for verb in COMMAND.findall(line) if fenced else VERB.findall(line):
                if verb not in verbs:
                    yield path, number, f"make {verb}: the Makefile has no such verb"
