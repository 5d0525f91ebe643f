#!/usr/bin/env python3
"""The opening of a real day, traded with loss on both lines, is run again from its capture: every event and every frame comes out
as it did, byte for byte.

Exit code 77: the file of that day is not here.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from replay_test import LINES, LOSSY, same, session  # noqa: E402
from system import SHARED, System, need_programs, skip  # noqa: E402
from trading import sections  # noqa: E402

# The first 28 seconds of trading in AAPL on 2019-01-30.
REAL, MESSAGES = SHARED / "data/itch/aapl_20190130_0930.itch", 10060
DAY = ("--source", REAL, "--pack-messages", "4", "--rate", "2500", "--end-s", "1", "--linger-s", "60")


def main():
    need_programs()
    if not REAL.exists():
        skip(f"no {REAL.name} here: no real day is replayed")
    # Both strategies trade in the same symbol.
    both = sections("10.0.0.1:26400", ("AAPL", "MSFT")).replace("symbols: [MSFT]", "symbols: [AAPL]")
    with System("replayreal") as s:
        session(s, LOSSY, LINES, lambda _: None, DAY, MESSAGES, both)
        print(f"{REAL.name}: {same(s)} events")


if __name__ == "__main__":
    main()
