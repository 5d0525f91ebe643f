"""The files of a tree as the checks see them. A finding is (path, line, message); line 0 means the whole file."""

import functools
import pathlib
import re
import subprocess

LANE_ROOMS = ("wire", "feed", "book", "tcp", "strategy", "risk", "order", "venue", "gateway", "lane")

COMMENT_OR_LITERAL = re.compile(
    r"""(?P<block>/\*.*?\*/) | (?P<line>//[^\n]*) | (?P<text>"(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*')""",
    re.DOTALL | re.VERBOSE,
)
OFF_LANE_ROW = re.compile(r"^\| `(dataplane/[^`]+)` \| (.+) \|$")


def blank(match):
    """Spaces of the same shape, so that line and column numbers stay true."""
    return re.sub(r"[^\n]", " ", match.group())


class Tree:
    """A checkout: its files (tracked, or new and not ignored) and their text."""

    def __init__(self, root, build=None):
        self.root = pathlib.Path(root).resolve()
        self.build = pathlib.Path(build).resolve() if build else self.root / "build"

    @functools.cached_property
    def paths(self):
        # Any owner: a checkout made by another user is still the tree to look at.
        git = ["git", "-c", "safe.directory=*", "-C", str(self.root), "ls-files", "-z"]
        done = subprocess.run(
            [*git, "--cached", "--others", "--exclude-standard"], capture_output=True, check=False
        )
        if done.returncode == 0:
            names = done.stdout.decode().split("\0")
        else:
            names = [str(p.relative_to(self.root)) for p in self.root.rglob("*")]
            names = [n for n in names if not n.startswith((".git/", "build/")) and "__pycache__" not in n]
        return sorted({n for n in names if n and (self.root / n).is_file()})

    def files(self, *suffixes, under=""):
        return [p for p in self.paths if p.startswith(under) and p.endswith(suffixes)]

    def c_files(self, under=""):
        return self.files(".c", ".h", ".def", under=under)

    @functools.cache
    def text(self, path):
        """Empty for what is not text."""
        data = (self.root / path).read_bytes()
        return "" if b"\0" in data else data.decode("utf-8", "replace")

    def lines(self, path):
        return enumerate(self.text(path).splitlines(), 1)

    @functools.cache
    def code(self, path):
        """C text with comments and the contents of literals blanked out."""
        return COMMENT_OR_LITERAL.sub(blank, self.text(path))

    def code_lines(self, path):
        return enumerate(self.code(path).splitlines(), 1)

    @functools.cached_property
    def off_lane(self):
        """Files of lane rooms that no lane calls, with the line of docs/hot-path.md that says so."""
        table = {}
        if "docs/hot-path.md" in self.paths:
            for number, line in self.lines("docs/hot-path.md"):
                row = OFF_LANE_ROW.match(line)
                if row:
                    table[row.group(1)] = number
        return table

    def lane_files(self):
        """Everything in a lane room is lane code unless docs/hot-path.md lists it as off the lane."""
        rooms = tuple(f"dataplane/{room}/" for room in LANE_ROOMS)
        return [p for p in self.c_files("dataplane/") if p.startswith(rooms) and p not in self.off_lane]


def functions(tree, path):
    """(line, name, lines) of each function body in a C file: Linux braces stand alone in column 1."""
    start = name = None
    head = []
    for number, line in tree.code_lines(path):
        if line.startswith("{") and start is None:
            start = number
            named = re.findall(r"([A-Za-z_]\w*)\s*\(", " ".join(head))
            name = next((n for n in named if n not in ("__attribute__", "aligned")), "?")
        elif line.startswith("}") and start is not None:
            yield start, name, number - start + 1
            start, head = None, []
        elif start is None:
            head = [] if line.rstrip().endswith(";") or not line.strip() else head + [line]
