#!/usr/bin/env python3
"""Short sales, restricted symbols, event windows and what a client was admitted for, by real programs and real orders.

Locates that run out, come back with a cancel and are raised by reference data that are read again; sales marked long that the
position does not cover; Rule 201 as the feed says it; a restricted list that is read again, whose rows begin and end by the
clock; a window in which half of a limit is left, or nothing; the envelope of a client: symbols, venues, orders of the day, value of the day, position.
"""

import datetime
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from gateway_desk import ASK, BID, Desk, configure, need_library, refused, start  # noqa: E402
from system import System, need_programs, wait_for  # noqa: E402
from trading import Ledger, flat  # noqa: E402

SYMBOLS = ("AAAA", "BBBB", "CCCC", "DDDD", "EEEE", "FFFF")  # locates, marking, Rule 201, restricted, opening, window
FAR, DEAR = BID - 10000, ASK + 10000  # rest
ALPHA, BETA, GAMMA = 0, 1, 2
ENVELOPE = "instruments: 1, venues: [nas], day_orders: 4, day_value: 3000, position: 150, open_orders: 2"


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc)


def files(s, locates=300, rows=("EEEE,opening,,",), windows=()):
    today = utc_now().date()
    (s.dir / "reference.csv").write_text(f"tickgate,reference,1,{today}\nsymbol,locates\nAAAA,{locates}\n")
    (s.dir / "restricted.csv").write_text(
        "\n".join([f"tickgate,restricted,1,{today}", "symbol,restriction,from,until", *rows]) + "\n")
    (s.dir / "windows.csv").write_text(
        "\n".join([f"tickgate,windows,1,{today},{today + datetime.timedelta(days=1)}", "days,symbol,from,until,percent", *windows]) + "\n")
    return (f"day: {{zone: UTC, reference: {s.dir}/reference.csv, restricted: {s.dir}/restricted.csv, windows: {s.dir}/windows.csv, "
            "max_age_days: 1}\n")


def reload(s, kind):
    assert s.ask("reload", kind, "--reason", "a test"), s.log("dataplane")[-300:]


def locates(s, alpha, beta, ledger):
    """Of all accounts together, at worst: what is open counts."""
    first = alpha.rests("AAAA", "T", 200, DEAR)
    second = beta.rests("AAAA", "T", 100, DEAR, venue="two")
    for side in "TES":
        assert alpha.enter("AAAA", side, 1, DEAR) == "LOCATE"
        assert refused(ledger, ALPHA, alpha.numbers) == ("LOCATE", 301, 300)
    files(s, locates=400)
    reload(s, "reference")
    third = beta.rests("AAAA", "T", 100, DEAR)
    assert beta.enter("AAAA", "T", 1, DEAR) == "LOCATE"
    assert refused(ledger, BETA, beta.numbers) == ("LOCATE", 401, 400)
    beta.away(second, third)
    assert alpha.enter("AAAA", "T", 200, BID) == "" and alpha.dead() == 200  # sold: they are used for good
    assert beta.enter("AAAA", "T", 1, DEAR) == "LOCATE"
    alpha.away(first)
    beta.away(beta.rests("AAAA", "T", 200, DEAR))
    assert alpha.enter("AAAA", "B", 200, ASK) == "" and alpha.dead() == 200  # and back


def marking(alpha, ledger):
    assert alpha.enter("BBBB", "S", 1, DEAR) == "SHORT_MARK"
    assert refused(ledger, ALPHA, alpha.numbers) == ("SHORT_MARK", 1, 0)
    assert alpha.enter("BBBB", "B", 100, ASK) == "" and alpha.dead() == 100
    sells = alpha.rests("BBBB", "S", 100, DEAR)
    assert alpha.enter("BBBB", "S", 1, DEAR) == "SHORT_MARK"
    assert refused(ledger, ALPHA, alpha.numbers) == ("SHORT_MARK", 101, 100)
    alpha.away(sells, alpha.rests("BBBB", "T", 1, DEAR))
    assert alpha.enter("BBBB", "S", 100, BID) == "" and alpha.dead() == 100


def rule_201(alpha):
    """There is no national best bid to compare with: whatever its price, a plain short sale is refused."""
    for price in (BID, ASK, DEAR):
        assert alpha.enter("CCCC", "T", 100, price) == "SHORT_RESTRICTED", price
    alpha.away(alpha.rests("CCCC", "E", 100, DEAR), alpha.rests("CCCC", "S", 100, DEAR))


def restricted(s, alpha, ledger):
    """Rows begin and end while it runs, without anybody's word."""
    assert alpha.enter("EEEE", "B", 1, FAR) == "RESTRICTED"
    alpha.away(alpha.rests("DDDD", "B", 100, FAR))
    clock = lambda seconds: (utc_now() + datetime.timedelta(seconds=seconds)).strftime("%H:%M:%S")  # noqa: E731

    def tried(want):
        if alpha.enter("DDDD", "B", 100, FAR) == "":
            alpha.away(alpha.numbers)
            return want == ""
        assert refused(ledger, ALPHA, alpha.numbers)[0] == "RESTRICTED"
        return want != ""

    open_one = alpha.rests("DDDD", "B", 100, FAR)
    files(s, rows=[f"DDDD,all,{clock(2)},"])
    reload(s, "restricted")
    wait_for("the row to begin", lambda: tried("RESTRICTED"), s.alive)
    assert not tried(""), "it ends by itself"
    assert alpha.enter("EEEE", "B", 1, FAR) == "", "the new list has no row for it"
    alpha.away(alpha.numbers, open_one)  # cancels pass
    files(s, rows=[f"DDDD,all,,{clock(2)}", "EEEE,short,,"])
    reload(s, "restricted")
    wait_for("the row to end", lambda: tried(""), s.alive)
    assert alpha.enter("EEEE", "S", 1, DEAR) == "RESTRICTED"
    alpha.away(alpha.rests("EEEE", "B", 1, FAR))


def windows(s, alpha, ledger):
    """What the row of the symbol limits, and what of it is left while a window is open."""
    def tried(percent, quantity):
        files(s, windows=[f"mon-sun,FFFF,00:00,24:00,{percent}"] if percent is not None else [])
        reload(s, "windows")
        code = alpha.enter("FFFF", "B", quantity, FAR)
        if code == "":
            alpha.away(alpha.numbers)
        return refused(ledger, ALPHA, alpha.numbers) if code else code

    assert tried(None, 500) == "" and tried(None, 501) == ("QUANTITY", 501, 500)
    assert tried(50, 250) == "" and tried(50, 251) == ("QUANTITY", 251, 250)
    assert tried(0, 1)[0] == "RESTRICTED"
    assert tried(None, 500) == ""


def envelope(gamma, ledger):
    def refusal(*order, **options):
        code = gamma.enter(*order, **options)
        return refused(ledger, GAMMA, gamma.numbers) if code else code

    buys = gamma.rests("AAAA", "B", 150, FAR)
    assert refusal("AAAA", "B", 1, FAR) == ("POSITION", 151, 150)
    assert refusal("BBBB", "B", 1, FAR) == ("INSTRUMENTS", 2, 1)
    assert refusal("AAAA", "S", 1, DEAR, venue="two")[0] == "VENUES"
    sells = gamma.rests("AAAA", "S", 100, DEAR)
    assert gamma.enter("AAAA", "S", 1, DEAR) == "OPEN_ORDERS"
    gamma.away(buys, sells)
    assert refusal("AAAA", "B", 140, BID + 200000) == ("DAY_VALUE", 140 * (BID + 200000), 30000000)
    gamma.away(gamma.rests("AAAA", "B", 70, FAR), gamma.rests("AAAA", "B", 70, FAR))
    assert refusal("AAAA", "B", 100, FAR) == ("DAY_ORDERS", 5, 4)


def main():
    need_programs()
    need_library()
    with System("shortsale") as s:
        while utc_now().strftime("%H:%M") >= "23:58":  # times of the list are those of one day
            time.sleep(1)
        configure(s, ["names: [AAAA, CCCC, DDDD, EEEE], limits: {}", "names: [BBBB], limits: {}, short_marking: true",
                      "names: [FFFF], limits: {quantity: 500}"],
                  ["name: main, limits: {}", "name: house, limits: {}"],
                  [("alpha", "main", ""), ("beta", "house", ""), ("gamma", "house", ENVELOPE)], more=files(s))
        start(s, SYMBOLS, short_restricted=("CCCC",))
        ledger = Ledger(s)
        alpha, beta, gamma = (Desk(s, name) for name in ("alpha", "beta", "gamma"))
        locates(s, alpha, beta, ledger)
        marking(alpha, ledger)
        rule_201(alpha)
        restricted(s, alpha, ledger)
        windows(s, alpha, ledger)
        envelope(gamma, ledger)
        for desk in (alpha, beta, gamma):
            desk.detach()
        assert s.end("dataplane") == 0, "an unclean end"
        flat(s)
        assert s.end("exchange") == 0
        print(dict(ledger.refusals))


if __name__ == "__main__":
    main()
