"""Bug patterns of shell scripts, told by shellcheck."""

from tools import findings, run


def scripts(tree):
    for path in tree.paths:
        first = tree.text(path).partition("\n")[0] if not path.startswith("tests/fuzz/corpus/") else ""
        if path.endswith(".sh") or (first.startswith("#!") and first.rstrip().endswith(("bash", "sh"))):
            yield path


def check(tree):
    paths = list(scripts(tree))
    if paths:
        _, out, _ = run(["shellcheck", "--format=gcc", "--external-sources", *paths], tree.root, ok=(0, 1))
        yield from findings(tree, out)
