"""Bug patterns that cppcheck knows. A finding that is wrong is answered in place, with the reason:
`// cppcheck-suppress name ; reason`."""

from tools import JOBS, findings, run

OPTIONS = [
    "--quiet",
    "--std=c11",
    "--library=posix",
    "--enable=warning,performance,portability",
    "--inline-suppr",
    # System headers are not looked into: what cppcheck does not see, it assumes nothing about.
    "--suppress=missingInclude",
    "--suppress=missingIncludeSystem",
    # The X-macro tables and the macros of cmocka are beyond its preprocessor in some configurations.
    "--suppress=unknownMacro",
    "--suppress=preprocessorErrorDirective",
    "--suppress=nullPointer:tests/lib/*.def",
    # mmap of ordinary memory takes -1 for the file, and MAP_FAILED is nothing to unmap.
    "--suppress=invalidFunctionArg",
    "--suppress=memleak",
    # gcc checks formats knowing the types of enumerations; the clang analyzer follows values through calls.
    "--suppress=invalidPrintfArgType_uint",
    "--suppress=uninitvar",
    "--suppress=legacyUninitvar",
    # Programs of tests give back what they hold by ending.
    "--suppress=resourceLeak:tests/*",
    "--template={file}:{line}:{column}: {severity}: {message} [{id}]",
    "-D__x86_64__",
    "-D__GNUC__=12",
    "-I.",
]


def check(tree):
    paths = tree.files(".c")
    if paths:
        gen = [f"-I{tree.build}/gen"] if (tree.build / "gen").is_dir() else []
        _, out, err = run(["cppcheck", f"-j{JOBS}", *OPTIONS, *gen, *paths], tree.root)
        yield from findings(tree, out + err)
