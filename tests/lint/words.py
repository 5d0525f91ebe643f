"""Words that have no place in a finished tree: unfinished marks, paths of somebody's machine, issue numbers."""

import re

UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|not imple" r"mented|to be imple" r"mented)\b")
ISSUE = re.compile(r"\b[Ii]ssues? #?\d+\b|(?<![\w&#/])#\d{1,5}\b")
# An absolute path starts where every Linux machine has it. What stands before the slash keeps divisions, relative
# paths, addresses and patterns out.
PATH = re.compile(r"""(?:^|[\s"'`=:(,])(/[A-Za-z][\w.-]{2,})/[\w.]""")
# Addresses of the control plane's HTTP server.
SYSTEM = set("/metrics /health /benchmarks /bin /boot /dev /etc /lib /lib64 /mnt /opt /proc /run /sbin /sys /tmp /usr /var".split())


def check(tree):
    for path in tree.paths:
        if path == "LICENSE" or path.startswith("tests/fuzz/corpus/"):
            continue
        for number, line in tree.lines(path):
            for found in UNFINISHED.findall(line):
                yield path, number, f"{found}: finish it or leave it out"
            if ISSUE.search(line) and path.endswith((".md", ".c", ".h", ".def", ".py", ".sh", "Makefile")):
                yield path, number, "issue number: say what it was about"
            for found in PATH.findall(line):
                if found not in SYSTEM:
                    yield path, number, f"{found}/...: a path of one machine"
