"""Bad and good examples for the checks: (check, what is bad, files, path and line of the finding, words in it)."""

from controls import HEAD

TIDY = "Checks: '-*,bugprone-*,clang-analyzer-*'\n"
FORMAT = "BasedOnStyle: LLVM\nIndentWidth: 4\nBreakBeforeBraces: Linux\n"
LONG_C = "int f(void)\n{\n" + "    ;\n" * 69 + "}\n"
LONG_PY = "def f():\n" + "    pass\n" * 70
GRAPH_DOC = """## Entry points
| `lane_poll` | the loop |
| `handlers` | one per message type |
## Calls out of the project
| `memcpy` | copies |
## Calls through a pointer
| `driver` | the driver |
## Divisions
| `fill` | on fills |
"""
GRAPH_GOOD = """#include <string.h>
int (*volatile driver)(int), (*volatile other)(int);
volatile int by;
static int burst(int x)
{
    return driver(x) + 1;
}
static int fill(int x)
{
    return x / by;
}
static int kind(int x, int *out)
{
    switch (x) {
    case 0: return burst(x) + out[1];
    case 1: return out[2];
    case 2: return fill(out[3]);
    case 3: return out[5] - 1;
    case 4: return out[7] * 3;
    case 5: return out[9] + 5;
    default: return x;
    }
}
static int add(int x)
{
    return x + by;
}
int (*const handlers[])(int) = {add, fill};
int lane_poll(int *out, const int *in)
{
    memcpy(out, in, (unsigned)by);
    return kind(out[0], out);
}
"""


def graph(body):
    return {"docs/hot-path.md": GRAPH_DOC, "dataplane/lane/a.c": GRAPH_GOOD.replace("    return kind", body, 1)}


def lane(text):
    return {"dataplane/feed/a.c": text}


CONTROL_CHECK = 'CHECK(1, A, PRICE, "price", "dear")\n'
CONTROL_ROW = 'CONTROL(A, "firm", "`a`", "b")\n'
CONTROL_DOC = HEAD + "| `A` | 1 | dear | firm | price | `a` | b | "
CONTROL_DOC += "[scopes_test.c](../tests/unit/risk/scopes_test.c) `at` | [controls_test.c](../tests/sim/controls_test.c) `set` |\n"
LOG_ROWS = 'LOG_EVENT(1, A, "a")\nLOG_EVENT(2, B, "b")\n'


def control_trial(made):
    """A test that names the check in a macro alone, which makes <made> of it."""
    return {"dataplane/abi/refusals.def": CONTROL_CHECK, "dataplane/risk/controls.def": CONTROL_ROW, "docs/controls.md": CONTROL_DOC,
            "tests/unit/risk/scopes_test.c": f"#define TRY(name, scopes, at) \\\n    [{made}##name] = at\nTRY(A, 1, at),\n",
            "tests/sim/controls_test.c": "{REFUSAL_A, set, ALL},\n"}


def logs(rows, calls):
    return {"dataplane/base/log_events.def": rows, "dataplane/base/a.c": calls + "\n", "docs/logs.md": "# Log events\n"}


BAD = [
    ("includes", "upwards", {"dataplane/wire/a.h": '#include "dataplane/book/b.h"\n', "dataplane/book/b.h": ""},
     "dataplane/wire/a.h", 1, "wire may not include book"),
    ("includes", "sibling", {"dataplane/book/a.h": '#include "dataplane/feed/b.h"\n', "dataplane/feed/b.h": ""},
     "dataplane/book/a.h", 1, "book may not include feed"),
    ("includes", "control plane", {"dataplane/lane/a.c": '\n#include "controlplane/cli/b.h"\n'},
     "dataplane/lane/a.c", 2, "control plane"),
    ("includes", "abi past the region", {"controlplane/cli/a.c": '#include "dataplane/abi/b.h"\n'},
     "controlplane/cli/a.c", 1, "through controlplane/region"),
    ("includes", "dataplane in control plane", {"controlplane/cli/a.c": '#include "dataplane/book/b.h"\n'},
     "controlplane/cli/a.c", 1, "does not include dataplane/book"),
    ("includes", "codec in the exchange", {"bench/exchange/a.c": '#include "dataplane/wire/b.h"\n', "dataplane/wire/b.h": ""},
     "bench/exchange/a.c", 1, "the exchange shares no"),
    ("includes", "DPDK", {"dataplane/lane/a.c": "#include <rte_mbuf.h>\n"},
     "dataplane/lane/a.c", 1, "DPDK"),
    ("includes", "not from the root", {"dataplane/lane/a.c": '#include "b.h"\n'},
     "dataplane/lane/a.c", 1, "from the root"),
    ("includes", "missing file", {"dataplane/lane/a.c": '#include "dataplane/base/b.h"\n'},
     "dataplane/lane/a.c", 1, "no such file"),
    ("includes", "unknown room", {"dataplane/attic/a.c": '#include "dataplane/base/b.h"\n'},
     "dataplane/attic/a.c", 1, "no place in the include direction"),
    ("sizes", "long file", {"dataplane/base/a.h": "\n" * 601}, "dataplane/base/a.h", 601, "601 lines"),
    ("sizes", "long function", {"dataplane/base/a.c": LONG_C}, "dataplane/base/a.c", 2, "^f has 71 lines"),
    ("sizes", "long Python function", {"tests/a.py": LONG_PY}, "tests/a.py", 1, "^f has 71 lines"),
    ("lane_text", "allocation", lane("void *f(void)\n{\n    return malloc(1);\n}\n"), "dataplane/feed/a.c", 3, "malloc"),
    ("lane_text", "log", lane('void f(void)\n{\n    printf("x");\n}\n'), "dataplane/feed/a.c", 3, "printf"),
    ("lane_text", "lock", lane("    pthread_mutex_lock(&m);\n"), "dataplane/feed/a.c", 1, "lock"),
    ("lane_text", "sleep", lane("    usleep(1);\n"), "dataplane/feed/a.c", 1, "waits"),
    ("lane_text", "system call", lane("    n = read(fd, b, 1);\n"), "dataplane/feed/a.c", 1, "kernel"),
    ("lane_text", "floating point", lane("static double x;\n"), "dataplane/feed/a.c", 1, "floating point"),
    ("lane_text", "floating literal", lane("    x = y * 0.5;\n"), "dataplane/feed/a.c", 1, "floating point"),
    ("lane_text", "stale table", {"docs/hot-path.md": "| `dataplane/book/gone.c` | why |\n"}, "docs/hot-path.md", 1,
     "no such file"),
    ("style", "block comment", {"dataplane/base/a.c": "int a; /* b */\n"}, "dataplane/base/a.c", 1, "//"),
    ("style", "typedef", {"dataplane/base/a.c": "typedef struct b b;\n"}, "dataplane/base/a.c", 1, "typedef"),
    ("style", "no guard", {"dataplane/base/a.h": "int a;\n"}, "dataplane/base/a.h", 1, "pragma once"),
    ("style", "long line", {"dataplane/base/a.c": "\n//" + "x" * 99 + "\n"}, "dataplane/base/a.c", 2, "101 columns"),
    ("style", "blanks", {"docs/a.md": "a \n"}, "docs/a.md", 1, "blanks"),
    ("style", "tab", {"tests/a.py": "\tx\n"}, "tests/a.py", 1, "tab"),
    ("style", "no newline", {"docs/a.md": "a"}, "docs/a.md", 1, "newline"),
    ("words", "unfinished", {"docs/a.md": "TO" "DO later\n"}, "docs/a.md", 1, "finish it"),
    ("words", "issue", {"docs/a.md": "see is" "sue 7\n"}, "docs/a.md", 1, "issue"),
    ("words", "path", {"docs/a.md": "run `/" "home/me/x`\n"}, "docs/a.md", 1, "one machine"),
    ("layout", "no corpus", {"tests/fuzz/a_fuzz.c": ""}, "tests/fuzz/a_fuzz.c", 1, "no input"),
    ("layout", "no fuzzer", {"tests/fuzz/corpus/a/1": "x"}, "tests/fuzz/corpus/a", 0, "no fuzzer"),
    ("layout", "no room", {"tests/unit/attic/a_test.c": ""}, "tests/unit/attic/a_test.c", 1, "no room"),
    ("layout", "never runs", {"tests/unit/base/a.c": "", "dataplane/base/a.c": ""}, "tests/unit/base/a.c", 1, "never"),
    ("layout", "not executable", {"tests/integration/a_test.py": ""}, "tests/integration/a_test.py", 1, "executable"),
    ("docs", "dead link", {"docs/a.md": "[b](b.md)\n"}, "docs/a.md", 1, "no such file"),
    ("docs", "dead heading", {"docs/a.md": "# One\n[b](#two)\n"}, "docs/a.md", 2, "no such heading"),
    ("docs", "no verb", {"docs/a.md": "`make gold`\n", "Makefile": "lead: ## x\n"}, "docs/a.md", 1, "no such verb"),
    ("docs", "no verb in a block", {"docs/a.md": "```\nA=1 make gold\n```\n"}, "docs/a.md", 2, "no such verb"),
    ("docs", "repeated row", {"docs/hot-path.md": "| call | why |\n|---|---|\n| `f` | x |\n| `g` | x |\n| `f` | y |\n"},
     "docs/hot-path.md", 5, "`f` has a row already, line 3"),
    ("controls", "no row", {"dataplane/abi/refusals.def": CONTROL_CHECK, "dataplane/risk/controls.def": ""},
     "dataplane/risk/controls.def", 0, "no row for A"),
    ("controls", "no test", {"dataplane/abi/refusals.def": CONTROL_CHECK, "dataplane/risk/controls.def": CONTROL_ROW},
     "dataplane/risk/controls.def", 0, "A has no test"),
    ("controls", "a macro of something else", control_trial("OTHER_"), "dataplane/risk/controls.def", 0, "A has no test"),
    ("controls", "refusal without a test", {"dataplane/abi/refusals.def": 'REFUSAL(40, B, "b")\n', "dataplane/risk/controls.def": ""},
     "dataplane/abi/refusals.def", 0, "B has no test"),
    ("controls", "row of nothing", {"dataplane/abi/refusals.def": "", "dataplane/risk/controls.def": CONTROL_ROW},
     "dataplane/risk/controls.def", 0, "A is no check"),
    ("controls", "old document", {"dataplane/abi/refusals.def": CONTROL_CHECK, "docs/controls.md": "# Controls\n",
                                  "dataplane/risk/controls.def": CONTROL_ROW}, "docs/controls.md", 0, "run make docs"),
    ("logs", "logged nowhere", logs(LOG_ROWS, "log_info(LOG_A, NULL, 1);"),
     "dataplane/base/log_events.def", 2, "B is logged nowhere"),
    ("logs", "number given again", logs(LOG_ROWS.replace("(2", "(1"), "log_info(LOG_A, NULL, 1);\nlog_warn(LOG_B, NULL, 1);"),
     "dataplane/base/log_events.def", 2, "B has number 1 behind 1"),
    ("logs", "two kinds", logs(LOG_ROWS, 'log_info(LOG_A, LOG_FIELDS(LOG_TEXT("k", a)), 1);\n'
                               'log_warn(LOG_B, LOG_FIELDS(LOG_NUMBER("k", 2)), 1);'), "dataplane/base/a.c", 2, "field k"),
    ("logs", "a field twice", logs(LOG_ROWS, 'log_info(LOG_A, LOG_FIELDS(LOG_TEXT("k", a), LOG_TEXT("k", b)), 1);\n'
                                   "log_warn(LOG_B, NULL, 1);"), "dataplane/base/a.c", 1, "twice"),
    ("logs", "old document", logs(LOG_ROWS, "log_info(LOG_A, NULL, 1);\nlog_warn(LOG_B, NULL, 1);"), "docs/logs.md", 0, "run make docs"),
    ("codespell", "spelling", {"docs/a.md": "recie" "ve\n"}, "docs/a.md", 1, "receive"),
    ("shellcheck", "shell", {"a.sh": "#!/bin/bash\nrm $1\n"}, "a.sh", 2, "Double quote"),
    ("clang_format", "layout", {"a.c": "int  a;\n", ".clang-format": FORMAT}, "a.c", 1, "clang-format"),
    ("clang_tidy", "null", {"a.c": "int f(int *p)\n{\n    p = 0;\n    return *p;\n}\n", ".clang-tidy": TIDY}, "a.c", 4,
     "null pointer"),
    ("clang_tidy", "does not compile", {"a.c": "int f(\n", ".clang-tidy": TIDY}, "a.c", 1, "expected"),
    ("cppcheck", "out of bounds", {"a.c": "int f(void)\n{\n    int a[2] = {0};\n    return a[2];\n}\n"}, "a.c", 4,
     "out of bounds"),
    ("lane_graph", "call outside", graph("    *out = system(0);\n    return kind"), "dataplane/lane/a.c", 32,
     "calls system"),
    ("lane_graph", "pointer", graph("    *out = other(1);\n    return kind"), "dataplane/lane/a.c", 32,
     "lane_poll calls through a pointer"),
    ("lane_graph", "division", graph("    *out = *in / by;\n    return kind"), "dataplane/lane/a.c", 32,
     "lane_poll divides"),
    ("lane_graph", "floating point", graph("    *out = *in * 0.3;\n    return kind"), "dataplane/lane/a.c", 32,
     "lane_poll computes in floating point"),
    ("lane_graph", "recursion", graph("    *out = lane_poll(out, in + 1) + 1;\n    *out += lane_poll(out, in);\n"
     "    return kind"), "dataplane/lane/a.c", 32, "recursion"),
    ("lane_graph", "behind a table", {"docs/hot-path.md": GRAPH_DOC, "dataplane/lane/a.c":
     GRAPH_GOOD.replace("x + by", "x % by")}, "dataplane/lane/a.c", 26, "add divides"),
    ("lane_graph", "stale table", {**graph("    return kind"), "docs/hot-path.md": GRAPH_DOC + "| `gone` | x |\n"},
     "docs/hot-path.md", 10, "gone: listed"),
    ("lane_graph", "no entry", {**graph("    return kind"), "docs/hot-path.md": "## Entry points\n| `gone` | x |\n"},
     "docs/hot-path.md", 2, "gone: no function"),
]

# One tree that every check leaves alone.
CLEAN = {
    "Makefile": "all: ## build\nlint-flags:\n\t@echo -I.\n",
    ".clang-format": FORMAT,
    ".clang-tidy": TIDY,
    "LICENSE": "",
    "README.md": "# One two\n[down](#one-two) [file](docs/hot-path.md) `make all`\n\n```\nmake all\n```\n\n| `a` | b |\n\n| `a` | c |\n",
    "docs/hot-path.md": GRAPH_DOC + "| `dataplane/lane/slow.c` | set-up |\n",
    "dataplane/abi/limits.h": "#pragma once\nenum { LINES_MAX = 4 };\n",
    "dataplane/lane/a.c": GRAPH_GOOD.replace(
        "#include", '#include "dataplane/abi/limits.h" // see https://example.org/a//b "/* no comment */"\n#include', 1
    ),
    "dataplane/lane/slow.c": "#include <stdlib.h>\nvoid *slow(void);\nvoid *slow(void)\n{\n    return malloc(8);\n}\n",
    "dataplane/book/b.h": "#pragma once\nstruct ops {\n    int (*send)(int);\n};\n"
    "static inline int go(const struct ops *o)\n{\n    return o->send(1); // not send() of the kernel\n}\n",
    "controlplane/region/a.h": '#pragma once\n#include "dataplane/abi/limits.h"\n',
    "controlplane/cli/a.h": '#pragma once\n#include "controlplane/region/a.h"\n',
    "tests/unit/lane/a_test.c": '#include "dataplane/abi/limits.h"\n',
    "tests/fuzz/a_fuzz.c": "",
    "tests/fuzz/corpus/a/1": "TO" "DO",
    "run.sh": '#!/bin/sh\necho "$1"\n',
}
LAYOUT_ONLY = {k: v for k, v in CLEAN.items() if not k.endswith(".c") or k.startswith("tests/")}
GOOD = [(name, CLEAN) for name in "includes sizes lane_text style words layout docs controls logs codespell shellcheck".split()] + [
    ("clang_format", {".clang-format": FORMAT, "a.c": "int a;\n"}),
    ("clang_tidy", {**LAYOUT_ONLY, "dataplane/lane/a.c": "int f(void);\nint f(void)\n{\n    return 1;\n}\n"}),
    ("cppcheck", CLEAN),
    ("lane_graph", graph("    return kind")),
    ("controls", control_trial("REFUSAL_")),
]

SH = "#!/bin/sh\n"
RUNNER = {
    "all well": (SH + "echo 1..2\necho ok 1 - a\necho ok 2 - b\n", "2 passed, 0 failed, 0 skipped", 0),
    "noise before a result": (SH + "printf '1..1\\nnoise'\necho ok 1 - a\n", "1 passed, 0 failed, 0 skipped", 0),
    "a failure": (SH + "echo 1..1\necho not ok 1 - a\nexit 1\n", "0 passed, 1 failed, 0 skipped", 1),
    "a failure with exit code 0": (SH + "echo 1..1\necho not ok 1 - a\n", "0 passed, 1 failed, 0 skipped", 1),
    "a crash": (SH + "echo 1..2\necho ok 1 - a\nkill -SEGV $$\n", "1 passed, 1 failed, 0 skipped", 1),
    "an early exit": (SH + "echo 1..3\necho ok 1 - a\n", "1 passed, 2 failed, 0 skipped", 1),
    "a leak found at the end": (SH + "echo 1..1\necho ok 1 - a\nexit 23\n", "1 passed, 1 failed, 0 skipped", 1),
    "nothing reported": (SH + "true\n", "0 passed, 1 failed, 0 skipped", 1),
    "no test in the program": (SH + "echo 1..0\n", "0 passed, 1 failed, 0 skipped", 1),
    "a skipped test": (SH + "echo 1..2\necho ok 1 - a\necho 'not ok 2 # SKIP b'\n", "1 passed, 0 failed, 1 skipped", 0),
    "a skipped program": (SH + "echo no capture\nexit 77\n", "0 passed, 0 failed, 1 skipped", 0),
    "a hang": (SH + "echo 1..1\nsleep 60\n", "0 passed, 1 failed, 0 skipped", 1),
    "two groups, one setup fails": (
        SH + "echo 1..1\necho 'not ok 0 - g [  FAILED  ] GROUP SETUP'\necho 1..1\necho ok 1 - a\nexit 1\n",
        "1 passed, 1 failed, 0 skipped",
        1,
    ),
    "no program": (None, "0 passed, 0 failed, 0 skipped", 1),
}
