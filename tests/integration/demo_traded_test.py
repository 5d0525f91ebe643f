#!/usr/bin/env python3
# beside others
"""The demo's last word on trading: it has to go on to the end of the day, unless somebody who watched has stopped it."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench/demo"))
import trade  # noqa: E402


def main():
    for fills, stops, good in (([5], 0, True), ([0], 0, False), ([0, 3], 0, True), ([3, 3], 0, False),
                               ([1, 2, 3, 4], 0, True), ([1, 2, 4, 4], 0, False), ([1, 4, 4, 4], 1, True), ([0], 2, True)):
        said = trade.traded(fills, stops)
        assert said[0] == good and ("killed or halted" in said[1]) == (stops > 0), (fills, stops, said)
    print("looks that end in good and not good are told apart")
    return 0


if __name__ == "__main__":
    sys.exit(main())
