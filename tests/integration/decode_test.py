#!/usr/bin/env python3
# beside others
"""Every message of the captures and files of market data, field by field, and the books they end in, against a second
decoder and book builder; the answers that are known about them; messages that third parties decoded; a generated day;
a file that is cut.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from oracle import books_of, rows  # noqa: E402
from system import BUILD, SHARED, need_programs, skip, write_day  # noqa: E402

DECODE = BUILD / "tests/lib/decode"
HEADING = "symbol,bid_price,bid_shares,bid_orders,ask_price,ask_shares,ask_orders"
TOTALS = re.compile(r"^messages=(\d+) live=(\d+) unknown=(\d+) executed=(\d+) printed=(\d+) ns_per_message=[\d.]+$", re.M)
# What is known about the files: messages by type (? where only their sum is), live orders, unknown references, shares
# executed, symbols, and the row of a symbol.
KNOWN = {
    "itch/aapl_20190130_0930.itch": (
        dict(A=7521, F=109, E=729, C=17, X=6, D=1237, U=437, S=2, R=1, H=1), 5815, 0, 71750, 1,
        "AAPL,162.5000,245,3,162.5700,600,1"),
    "itch/aapl_20120621_0930_1030.itch": (92081, 380, 0, 350494, 1, "AAPL,585.6900,10,1,585.9500,100,1"),
    "itch/multi_20191230_0400_500.itch": (dict(A=495, D=4, U=1), 491, 0, 0, 198, None),
    "itch/two_per_type.itch": (dict(A=2, C=2, D=2, E=2, U=2, X=2), 2, 9, 160, None, None),
    "itch/start_of_day_1000.itch": (dict(S=1, R=993, H=3, Y=3), 0, 0, 0, 993, None),
    "iex/deep_20231002.pcap.gz": (
        {"S": 2, "P": 11594, "O": 11317, "H": 11311, "I": 11309, "D": 3, "8": 1526, "5": 1226, "T": 37}, 0, 0, 0, None, None),
}


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True, timeout=120)


def compare_messages(path, messages):
    ours = run(DECODE, "messages", path).stdout.splitlines()
    assert len(ours) == len(messages) > 0, f"{path}: {len(ours)} messages, {len(messages)} are there"
    for number, (line, message) in enumerate(zip(ours, messages), 1):
        want = "|".join(map(str, message))
        assert line == want, f"{path} message {number}: {line}, it is {want}"


def compare_books(path, books, messages):
    """Returns the totals that tickgate-book prints."""
    done = run(BUILD / "tickgate-book", "--check", path)
    ours = done.stdout.splitlines()
    assert ours[0] == HEADING, ours[0]
    for got, want in zip(ours[1:], rows(books)):
        assert got == want, f"{path}: {got}, it is {want}"
    assert len(ours) - 1 == len(rows(books)), f"{path}: {len(ours) - 1} rows, not {len(rows(books))}"
    totals = [int(n) for n in TOTALS.search(done.stderr).groups()]
    want = [len(messages), len(books.orders), books.unknown, books.executed, books.printed]
    assert totals == want, f"{path}: {totals}, not {want}"
    return done


def compare(path):
    """One file against the second decoder and builder."""
    books, messages = books_of(path)
    compare_messages(path, messages)
    done = compare_books(path, books, messages)
    return books, messages, done


def compare_known(name):
    counts, live, unknown, executed, symbols, row = KNOWN[name]
    books, messages, done = compare(SHARED / "data" / name)
    totals = [int(n) for n in TOTALS.search(done.stderr).groups()]
    assert totals[0] == (counts if isinstance(counts, int) else sum(counts.values())), totals
    assert totals[1:4] == [live, unknown, executed], f"{name}: {totals}"
    if not isinstance(counts, int):
        ours = collections.Counter(line[0] for line in run(DECODE, "messages", SHARED / "data" / name).stdout.splitlines())
        assert ours == counts, f"{name}: {ours}"
    assert symbols is None or len(books.names) == symbols, f"{name}: {len(books.names)} symbols"
    assert row is None or row in done.stdout.splitlines(), f"{name}: {done.stdout}"
    assert "gap" not in done.stderr, done.stderr
    return len(messages)


def vectors():
    """Messages that others decoded: every value in wire order; the names are theirs."""
    kinds = {"ITCH 5.0": "itch50", "IEX DEEP 1.0": "deep10"}
    count, types = 0, set()
    for vector in json.loads((SHARED / "protocols_vectors.json").read_text()):
        if vector["protocol"] not in kinds:
            continue
        done = run(DECODE, kinds[vector["protocol"]], vector["hex"])
        want = [str(value).rstrip() for value in vector["fields"].values()]
        assert done.stdout.rstrip("\n").split("|") == want, f"{vector}: {done.stdout}"
        types.add((vector["protocol"], vector["fields"]["message_type"]))
        count += 1
    return count, len(types)


def compare_cut(folder, path):
    """Cut within its last message: said, and everything before it counts."""
    data = path.read_bytes()
    cut = folder / "cut.itch"
    cut.write_bytes(data[:-3])
    books, messages = books_of(cut)
    whole = books_of(path)[1]
    assert len(messages) == len(whole) - 1
    done = compare_books(cut, books, messages)
    assert "truncated" in done.stderr, done.stderr


def main():
    need_programs("tickgate-book", "tickgate-exchange", "tests/lib/decode")
    with tempfile.TemporaryDirectory(prefix="tickgate-decode-") as name:
        folder = pathlib.Path(name)
        day = write_day(folder, ["--source", "generate", "--seed", "5", "--symbols", "300", "--live", "20000", "--messages",
                                 "150000"])
        _, messages, _ = compare(day)
        compare_cut(folder, day)
    said = f"a generated day of {len(messages)} messages"
    if not (SHARED / "data").exists():
        skip(f"{said}; no captures here ({SHARED}/data)")
    known = sum(compare_known(name) for name in KNOWN)
    real = sum(len(compare(path)[1]) for path in sorted((SHARED / "data/totalview-pcap").glob("*.pcap")))
    count, types = vectors()
    print(f"{said}; {known + real} real ones and their books; {count} of {types} types as others decoded them")


if __name__ == "__main__":
    main()
