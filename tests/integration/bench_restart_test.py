#!/usr/bin/env python3
"""The day that make bench-restart writes is one that a dataplane goes on from: a small one, without extracts and with them.

The journal is written by the bench itself, from the order table's own messages: what events of orders have has to be said there too.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/lib"))
from system import BUILD, PATIENCE_S, need_programs  # noqa: E402

REFS = 2000  # order numbers of a session


def main():
    need_programs("tickgate", "tickgate-dataplane", "tickgate-controlplane", "tickgate-exchange", "bench/restart")
    done = subprocess.run([sys.executable, str(ROOT / "bench/restart/run"), "--build", str(BUILD), "--refs", str(REFS)],
                          capture_output=True, text=True, timeout=3 * PATIENCE_S)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    made = re.search(r": ([\d,]+) orders, ([\d,]+) fills\n", done.stdout)
    restored = re.findall(r"restored: \d+ events of (\d) earlier instances of the day: (\d+) orders, (\d+) fills", done.stdout)
    assert made and len(restored) == 2, done.stdout
    orders, fills = (number.replace(",", "") for number in made.groups())
    assert [r[1:] for r in restored] == 2 * [(orders, fills)], (made.groups(), restored)
    assert "from 0 extracts" in done.stdout and "from 1 extracts" in done.stdout, done.stdout
    print(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
