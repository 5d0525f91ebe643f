#!/usr/bin/env python3
"""Input that is not good, by real programs: every time it is refused with its place and the remedy, before the start and while
orders go out, and the last good table goes on holding them.

Limits that contradict each other; a list with symbols that nobody trades; reference data, a list and bands of yesterday; a
calendar that ends today; prices that are none; a source of signals that floods, goes back in time and jumps; prices and
quantities at the edges of their types.
"""

import datetime
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from gateway_desk import ASK, BID, Desk, configure, need_library, refused, start  # noqa: E402
from system import BUILD, System, need_programs, run, wait_for  # noqa: E402
from trading import Ledger, flat  # noqa: E402

SYMBOLS = ("AAAA", "BBBB", "CCCC")
TODAY = datetime.datetime.now(datetime.timezone.utc).date()
YESTERDAY, NEXT_MONTH = TODAY - datetime.timedelta(days=1), TODAY + datetime.timedelta(days=30)
FAR = BID - 10000  # rests
ALPHA = 0
U32 = 2**32 - 1
KINDS = ("reference", "restricted", "calendar", "bands")
GOOD = {
    "reference": f"tickgate,reference,1,{TODAY}\nsymbol,lot,previous_close,locates\nAAAA,100,10,300\n",
    "restricted": f"tickgate,restricted,1,{TODAY}\nsymbol,restriction\nBBBB,all\n",
    "calendar": f"tickgate,calendar,1,{YESTERDAY},{NEXT_MONTH}\ndays,open,close,name\nmon-fri,09:30,16:00,\n",
    "bands": f"tickgate,bands,1,{TODAY}\nsymbol,low,high\nCCCC,9,11\n"}
# kind: text, what is said of it.
BAD = [
    ("restricted", f"tickgate,restricted,1,{TODAY}\nsymbol,restriction\nBBBB,short\nENRN,all\nLEHM,all\n",
     "restricted.csv:4: symbol: 'ENRN' has no row in the section 'symbols' of the configuration (nor have 1 more, below); add it, "
     "remove the row, or "
     "set day.unknown_symbols to skip", ""),
    ("restricted", f"tickgate,restricted,1,{YESTERDAY}\nsymbol,restriction\n",
     f"restricted.csv:1: effective date: is of {YESTERDAY}, and the trading day is {TODAY}; take that day's file", ""),
    ("reference", f"tickgate,reference,1,{YESTERDAY}\nsymbol,lot\nAAAA,1\n",
     f"reference.csv:1: effective date: is of {YESTERDAY}, and the trading day is {TODAY}; take that day's file, or let it be older "
     "with day.max_age_days", ""),
    ("reference", f"tickgate,reference,1,{TODAY}\nsymbol,lot,previous_close\nAAAA,1,none\n",
     "reference.csv:3:8: previous_close: 'none' is not good here; it takes dollars from 0.0001", ""),
    ("reference", f"tickgate,reference,1,{TODAY}\nsymbol,lot\nAAAA,18446744073709551617\n", "reference.csv:3:6: lot: ", "1 to 999999"),
    ("reference", f"tickgate,reference,1,{TODAY}\nsymbol,lot\nCCCC,1\nAAAA,1000\n",
     "reference.csv:4: symbol: 'AAAA': quantity: is below lot (1000): no order would enter; name 1000 or more", ""),
    ("calendar", f"tickgate,calendar,1,{YESTERDAY},{TODAY}\ndays,open,close\nmon-fri,09:30,16:00\n",
     f"calendar.csv:1: last day: ends on {TODAY}, and the trading day is {TODAY}; take the next one", "day.calendar_days"),
    ("calendar", f"tickgate,calendar,1,{YESTERDAY},{NEXT_MONTH}\ndays,open,close\nmon-fri,16:00,09:30\n",
     "calendar.csv:3: close: is not after 'open'", ""),
    ("bands", f"tickgate,bands,1,{YESTERDAY}\nsymbol,low,high\n", "bands.csv:1: effective date: ", "take that day's file"),
    ("bands", f"tickgate,bands,1,{TODAY}\nsymbol,low,high\nCCCC,11,9\n", "bands.csv:3: high: is below 'low'", ""),
    ("bands", f"tickgate,bands,1,{TODAY}\nsymbol,low,high\nCCCC,9,none\n", "bands.csv:3:8: high: 'none' is not good here", ""),
]
# Limits of the symbol AAAA that contradict each other, or cannot be.
CONTRADICTIONS = [
    ("price_low: 12, price_high: 11", "price_low: is above price_high"),
    ("no_reference: collar", "no_reference: needs price_low and price_high"),
    ("touch_least: 1", "touch_least: does nothing without touch"),
    ("touch: 1, touch_least: none", "touch_least: 'none' is not good here; it takes dollars from 0.0000"),
    ("tick: 0.05, price_low: 10.01, price_high: 10.04", "tick: has no multiple between price_low and price_high"),
    ("lot: 100, limits: {quantity: 99}", "limits.quantity: is below lot (100): no order would enter; name 100 or more, or 0"),
    ("lot: 100, price_low: 5, limits: {notional: 499}", "limits.notional: is below the smallest order"),
    ("limits: {quantity: 4294967296}", "limits.quantity: '4294967296' is not good here; it takes none, or 0 to 4294967294"),
]


def write_files(s, **changes):
    for kind in KINDS:
        (s.dir / f"{kind}.csv").write_text({**GOOD, **changes}[kind])


def write(s, first="limits: {quantity: 500}", main=""):
    """<first>: what the row of the first symbol limits; <main>: what the account does."""
    limits = first if "limits:" in first else f"{first}, limits: {{}}"
    files = ", ".join(f"{kind}: {s.dir}/{kind}.csv" for kind in KINDS)
    return configure(
        s, [f"names: [AAAA], {limits}", "names: [BBBB, CCCC], limits: {}"],
        [f"name: main, limits: {{{main}}}", "name: house, limits: {}"], [("alpha", "main", "")],
        more=f"""day: {{date: {TODAY}, zone: UTC, {files}}}
signals:
  - {{name: model, lane: lane0, client: alpha, rate_per_s: 1, burst: 40, faults: 10, faults_ms: 60s, rest_ms: 0}}
""")


def check(s):
    """What `--check` says of the configuration as it stands, and its exit code."""
    done = run(str(BUILD / "tickgate-dataplane"), "--config", str(s.dir / "config.yaml"), "--check")
    return done.returncode, done.stderr


def tickgate(s, *words):
    done = run(str(BUILD / "tickgate"), *words, "--socket", str(s.socket))
    return done.returncode, done.stdout + done.stderr


def before_the_start(s):
    write_files(s)
    write(s)
    code, said = check(s)
    assert code == 0, said
    for kind, text, *says in BAD:
        write_files(s, **{kind: text})
        code, said = check(s)
        assert code == 2 and all(words in said for words in says), f"{kind}: {code}: {said}"
    write_files(s)
    for limits, says in CONTRADICTIONS:
        write(s, limits)
        code, said = check(s)
        assert code == 2 and f"config.yaml:" in said and f"symbols[0].{says}" in said, f"{limits}: {code}: {said}"
    # An account's limit beside the lots that a file of the day gives all symbols.
    for quantity, wanted in ((1000, 0), (999, 2)):
        write_files(s, reference=f"tickgate,reference,1,{TODAY}\nsymbol,lot\nAAAA,2000\nBBBB,1000\nCCCC,1000\n")
        write(s, "limits: {}", f"quantity: {quantity}")
        code, said = check(s)
        assert code == wanted, f"{quantity}: {code}: {said}"
    assert "config.yaml:" in said and "accounts[0].limits.quantity: is below the lot of every symbol" in said, said
    assert "reference.csv" in said, said
    write_files(s)
    write(s)


def good_table_holds(alpha, ledger):
    """Lot, locates and list of the first good files, and the band."""
    assert alpha.enter("AAAA", "B", 150, FAR) == "LOT" and refused(ledger, ALPHA, alpha.numbers)[1] == 150
    assert alpha.enter("AAAA", "T", 400, ASK + 100) == "LOCATE"
    assert refused(ledger, ALPHA, alpha.numbers) == ("LOCATE", 400, 300)
    assert alpha.enter("BBBB", "B", 1, FAR) == "RESTRICTED"
    assert alpha.enter("CCCC", "B", 1, 89900) == "LULD"
    assert refused(ledger, ALPHA, alpha.numbers) == ("LULD", 89900, 90000)
    alpha.away(alpha.rests("AAAA", "B", 100, FAR))


def while_it_trades(s, alpha, ledger):
    version = {d["limits_version"] for d in ledger.collect().of("DECISION")}
    for kind, text, *says in BAD:
        write_files(s, **{kind: text})
        code, said = tickgate(s, "reload", kind, "--reason", "the morning's files")
        assert code == 1 and all(words in said for words in says), f"{kind}: {code}: {said}"
        assert "what was in force stays" in said, said
        # All files or none: what is good beside it does not come into force either.
        code, said = tickgate(s, "reload", "--reason", "the morning's files")
        assert code == 1 and all(words in said for words in says), f"{kind}: {code}: {said}"
    write_files(s)
    good_table_holds(alpha, ledger)
    for limits, says in CONTRADICTIONS:
        write(s, limits)
        code, said = tickgate(s, "config", "apply", "--reason", "a test", "--yes")
        assert code in (1, 2) and f"symbols[0].{says}" in said and "nothing was changed" in said, f"{limits}: {code}: {said}"
    write(s)
    for control, value, says in (("quantity", "99", "AAAA: quantity: is below lot (100)"),
                                 ("tick", "none", "AAAA: tick: 'none' is not good here"),
                                 ("price_low", "200000", "AAAA: price_low: is above 199999.9900"),
                                 ("lot", "501", "AAAA: quantity: is below lot (501)"),
                                 ("quantity", "4294967296", "AAAA: quantity: '4294967296' is not good here")):
        code, said = tickgate(s, "set", "limit", "symbol:AAAA", control, value, "--reason", "a test")
        assert code == 1 and says in said and "nothing was changed" in said, f"{control} {value}: {code}: {said}"
    good_table_holds(alpha, ledger)
    assert {d["limits_version"] for d in ledger.collect().of("DECISION")} == version | {min(version)}, "another table"


def edges(alpha, ledger):
    """The least and the most that their types can say, of a symbol without limits but for its band; routed orders, too."""
    for quantity, price, says in ((0, FAR, ("QUANTITY_RANGE", 0, 999999)), (1000000, FAR, ("QUANTITY_RANGE", 1000000, 999999)),
                                  (2**31, FAR, ("QUANTITY_RANGE", 2**31, 999999)), (U32, FAR, ("QUANTITY_RANGE", U32, 999999)),
                                  (U32, U32, ("QUANTITY_RANGE", U32, 999999)), (1, 0, ("PRICE_RANGE", 0, 1999999900)),
                                  (1, 1999999901, ("PRICE_RANGE", 1999999901, 1999999900)),
                                  (1, 2**31 - 2, ("PRICE_RANGE", 2**31 - 2, 1999999900)), (1, 2**31 - 1, ("MARKET",)),
                                  (1, 2**31, ("PRICE_RANGE", 2**31, 1999999900)), (1, U32, ("PRICE_RANGE", U32, 1999999900)),
                                  (999999, 1999999900, ("LULD", 1999999900, 110000)), (999999, 1, ("LULD", 1, 90000))):
        for side in "BS":
            refusal = alpha.enter("CCCC", side, quantity, price)
            record = refused(ledger, ALPHA, alpha.numbers)
            assert refusal == says[0] and record[:len(says)] == says, f"{side} {quantity} at {price}: {record}"
            assert (alpha.last.value, alpha.last.limit) == record[1:3], f"{side} {quantity} at {price}: the client was told otherwise"
    assert alpha.enter("CCCC", "X", 1, FAR) == "ORDER_FIELD"
    assert alpha.enter("CCCC", "B", 1, FAR, venue="nowhere") == "UNKNOWN_ACCOUNT"
    assert alpha.enter("ENRN", "B", 1, FAR) == "UNKNOWN_SYMBOL"
    most = alpha.rests("CCCC", "B", 999999, FAR)
    for total, price, says in ((0, FAR, "REPLACE_QUANTITY"), (U32, FAR, "QUANTITY_RANGE"), (1, 0, "PRICE_RANGE"),
                                (1, 2**31 - 1, "PRICE_RANGE"), (1, U32, "PRICE_RANGE")):
        assert alpha.replace(most, total, price) == says, (total, price, says)
    assert alpha.cancel(most, U32) == alpha.cancel(most, 999999) == "CANCEL_QUANTITY"
    alpha.away(most)


def signals(s, alpha):
    """One of a model's clock that was set back, one of the future, one far ahead, a flood; whom a person resumes begins anew."""
    def source():
        return s.ask("show", "signals")["signals"][0]

    def opened(fault, times):
        def told():  # a while behind the answer
            now = source()
            return now["state"] == "open" and now["opened"] == times and fault in now["refused_by"]

        wait_for("the breaker to open", told, s.alive, lambda: f"; {source()}")
        assert alpha.signal("AAAA", source()["number"] + 1) == "breaker", source()
        code, said = tickgate(s, "signals", "resume", "model", "--reason", "looked at it", "--yes")
        assert code == 0, said

    assert [alpha.signal("AAAA", n, ttl_ms=0) for n in (1, 2)] == ["taken", "taken"]
    assert alpha.signal("AAAA", 3, seconds=-3600, ttl_ms=0) == "back"
    assert alpha.signal("AAAA", 4, seconds=3600) == "future" and alpha.signal("AAAA", 4) == "duplicate"
    assert alpha.signal("AAAA", 1) == "back" and alpha.signal("AAAA", 5, ttl_ms=0) == "taken"
    for _ in range(6):
        assert alpha.signal("AAAA", 5, ttl_ms=0) == "duplicate"
    opened("duplicate", 1)
    assert alpha.signal("AAAA", 1, seconds=-3600, ttl_ms=0) == "taken", "it begins anew, with an older clock"
    alpha.signal("AAAA", 2**64 - 1)  # skips more than it may
    opened("breaker", 2)
    assert alpha.signal("AAAA", 1, ttl_ms=0) == "taken", source()
    wait_for("the source to be good", lambda: source()["state"] == "good", s.alive, lambda: f"; {source()}")
    verdicts = [alpha.signal("AAAA", n, ttl_ms=0) for n in range(2, 200)]
    assert {"taken", "rate", "breaker"} == set(verdicts) and verdicts.index("rate") >= 10, verdicts
    opened("rate", 3)


def main():
    need_programs()
    need_library()
    with System("badinput") as s:
        before_the_start(s)
        start(s, SYMBOLS)
        ledger, alpha = Ledger(s), Desk(s, "alpha")
        good_table_holds(alpha, ledger)
        while_it_trades(s, alpha, ledger)
        edges(alpha, ledger)
        signals(s, alpha)
        alpha.detach()
        assert s.end("dataplane") == 0, "an unclean end"
        flat(s)
        assert s.end("exchange") == 0
        print(f"{len(BAD)} files, {len(CONTRADICTIONS)} contradictions, {sum(ledger.refusals.values())} orders refused")


if __name__ == "__main__":
    main()
