#!/usr/bin/env python3
# beside others
"""The store and a real PostgreSQL: everything once, through restarts of either, hours without a database (a short one),
an old cursor, a second store, and starts of the dataplane that are told their executions again."""

import collections
import math
import pathlib
import signal
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "lib"))
from postgres import Place, Postgres, Store, need, same, wait_until

BACKLOG = 300000  # events


def restarts(pg, store):
    """The database is stopped in every way while events come."""
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        before = store.status()
        store.do("write 5000")
        pg.stop(how)
        store.do("write 20000")
        wait_until("the store sees it", lambda: store.status()["state"] == "down")
        down = store.status()
        assert down["committed"] > down["taken"] and down["why"], down
        (pg.folder / "postmaster.pid").unlink(missing_ok=True)
        pg.start()
        after = store.caught_up()
        assert after["connects"] > before["connects"]
        assert after["memory_bytes"] < 64 << 20, after
        wait_until("it says so", lambda: store.status()["state"] == "current")
        same(pg, store)


def connections_lost(pg, store):
    """The server ends the connection in the middle of whatever happens."""
    for _ in range(6):
        store.do("write 2000")
        pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tickgate'")
        store.do("write 2000")
    store.caught_up()
    same(pg, store)


def old_cursor(pg, store):
    """The database is set back, as from a copy: what is missing comes again, and only that."""
    store.do("stop 20000")
    pg.sql("CREATE DATABASE copy TEMPLATE trades", database="postgres")
    store.do("write 10000")
    store.start(pg.conninfo())
    store.caught_up()
    want = same(pg, store)
    store.do("stop 20000")
    pg.sql("DROP DATABASE trades", database="postgres")
    pg.sql("ALTER DATABASE copy RENAME TO trades", database="postgres")
    assert pg.numbers("SELECT number FROM tickgate.journals")[0] < want["last"]
    store.start(pg.conninfo())
    store.caught_up()
    same(pg, store)


def goes_on(pg, store, epoch_s):
    """Starts that go on from the journal are told nothing again: they hold what the one before held, worked out by hand through all of
    them. Also behind one that ended before it had restored anything, and where the store ends between the two records."""
    store.do(f"restart {epoch_s}")
    store.do("restored 1")
    store.do("write 5000")
    store.caught_up()
    same(pg, store)
    by_hand(pg)
    store.do(f"restart {epoch_s + 1}")
    store.do(f"restart {epoch_s + 2}")
    store.caught_up()
    store.do("stop 20000")
    store.start(pg.conninfo())
    store.do("restored 3")  # all before
    store.do("write 5000")
    store.caught_up()
    same(pg, store)
    by_hand(pg)
    assert pg.sql("SELECT string_agg(coalesce(restored::text, '-'), ' ' ORDER BY epoch) FROM tickgate.instances") == "- 1 - 3"
    realised = "SELECT sum(realised) FROM tickgate."
    assert pg.sql(realised + "positions_now") == pg.sql(realised + "pnl") != ""


def another_day(pg, store, epoch_s):
    """What the starts of another day held is not held any more, whichever of this day's was the first to come so far."""
    held = "SELECT count(*) FROM tickgate.positions_now"
    store.do(f"restart {epoch_s}")
    store.caught_up()
    assert pg.numbers(held)[0] > 0
    store.do(f"restart {epoch_s + 1}")
    store.do("restored 1")  # the one that ended early
    store.caught_up()
    assert pg.numbers(held) == [0]
    store.do(f"restart {epoch_s + 2}")
    store.do("restored 0")
    store.do("write 5000")
    store.caught_up()
    assert pg.numbers(held)[0] > 0
    same(pg, store)


def told_again(pg, store, epoch_s):
    """The next start of the dataplane gets the same executions from the exchange, then new ones."""
    before = pg.numbers("SELECT count(*), sum(shares) FROM tickgate.executions")
    store.do(f"instance {epoch_s}")
    store.do("write 5000 1")  # what the first start had at its beginning
    store.caught_up()
    rows, again = pg.numbers("SELECT count(*), count(*) FILTER (WHERE again) FROM tickgate.executions")
    assert rows > before[0] and again == rows - before[0], (rows, again, before)
    store.do("write 5000 99")
    store.caught_up()
    assert pg.numbers("SELECT count(*) FROM tickgate.executions WHERE NOT again")[0] > before[0]
    same(pg, store)
    assert pg.numbers("SELECT count(*) FROM tickgate.instances") == [5]
    assert pg.numbers("SELECT count(DISTINCT at::date) FROM tickgate.decisions") == [2]


def texts(pg):
    reason = pg.sql("SELECT DISTINCT reason FROM tickgate.governed")
    assert reason == "it's \"wrong\" \\ ??", reason
    assert pg.sql("SELECT DISTINCT symbol FROM tickgate.unclaimed") == "AAPL"
    assert pg.sql("SELECT DISTINCT fields->>'code' FROM tickgate.events WHERE type = 'SYSTEM_EVENT'") == "Q"
    assert pg.sql("SELECT DISTINCT node FROM tickgate.instances") == "node's"
    assert pg.sql("SELECT name FROM tickgate.refusals WHERE number = 16") == "POSITION"


def views(pg):
    """Each answers, and says the same as the tables."""
    decisions, refused = pg.numbers("SELECT count(*), count(*) FILTER (WHERE refusal <> 0) FROM tickgate.decisions")
    assert pg.numbers("SELECT count(*) FROM tickgate.rejects WHERE refusal = 'POSITION'") == [refused] != [0]
    states = "count(*) FILTER (WHERE state = 'refused'), count(*) FILTER (WHERE state = 'not sent')"
    later = pg.numbers("SELECT count(*) FROM tickgate.sends WHERE NOT sent")[0]
    assert pg.numbers(f"SELECT count(*), {states} FROM tickgate.orders") == [decisions, refused, later]
    gated_again(pg, later)
    marked = pg.numbers("SELECT count(*) FROM tickgate.decisions WHERE ref <> 0 AND ref % 8 = 0")
    assert pg.numbers("SELECT count(*) FROM tickgate.orders WHERE market") == marked != [0]
    assert pg.numbers("SELECT count(*) FROM tickgate.orders WHERE market AND (ref = 0 OR ref % 8 <> 0)") == [0]
    assert pg.numbers("SELECT count(*) FROM tickgate.orders WHERE state = 'dead'")[0] > decisions // 2
    trades, shares = pg.numbers("SELECT count(*), sum(shares) FROM tickgate.trades")
    assert trades > 0
    assert pg.numbers("SELECT sum(executions) FROM tickgate.trades_per_hour") == [trades]
    assert pg.numbers("SELECT count(*), sum(shares) FROM tickgate.slippage") == [trades, shares]
    # Orders take the other side's best price: half the spread of a cent.
    assert pg.sql("SELECT DISTINCT slippage FROM tickgate.slippage") == "0.0050"
    realised = pg.sql("SELECT sum(realised) FROM tickgate.trades")
    assert pg.sql("SELECT sum(realised) FROM tickgate.pnl") == realised
    assert pg.sql("SELECT sum(realised) FROM tickgate.positions_now") == realised
    assert pg.sql("SELECT sum(realised) FROM tickgate.win_rate") == realised
    assert pg.numbers("SELECT count(*) FROM tickgate.win_rate WHERE win_rate NOT BETWEEN 0 AND 1") == [0]
    assert pg.numbers("SELECT count(*) FROM tickgate.sharpe")[0] > 0
    assert pg.numbers("SELECT count(*) FROM tickgate.latency WHERE p50_below_ns > p99_below_ns") == [0]
    assert pg.numbers("SELECT count(*) FROM tickgate.latency WHERE stage = 'handed'")[0] > 0
    markouts(pg)


def by_hand(pg):
    """Gains at average cost, closings that won, and the ratio of the days, worked out here from the executions alone."""
    held = collections.defaultdict(lambda: [0, 0])  # shares with a sign, what they have cost
    days = collections.defaultdict(lambda: [0, 0, 0])  # realised, closings, of them won
    rows = pg.sql("SELECT (at AT TIME ZONE 'UTC')::date, account, strategy, instrument, side, shares, price, broken_shares, "
                  "broken_price, coalesce(realised, 0), realised IS NOT NULL FROM tickgate.executions WHERE NOT again ORDER BY number").split("\n")
    for day, *numbers, closed in (row.split("|") for row in rows):
        account, strategy, instrument, side, shares, price, broken_shares, broken_price, realised = (
            n if n in "BST" else int(n) for n in numbers)
        own, gain, closes = held[account, instrument], 0, 0
        sign = 1 if side == "B" else -1
        for change, at in ((-sign * broken_shares, broken_price), (sign * shares, price)):
            if own[0] * change < 0:
                off = min(abs(change), abs(own[0]))
                cost = own[1] * off // abs(own[0]) if own[1] >= 0 else -(-own[1] * off // abs(own[0]))
                gain += off * at - cost if own[0] > 0 else cost - off * at
                own[0] += off if change > 0 else -off
                own[1] -= cost
                change += off if change < 0 else -off
                closes = 1
            own[0] += change
            own[1] += abs(change) * at
        assert (gain, bool(closes)) == (realised, closed == "t"), (numbers, gain, closes)
        of = days[day, account, strategy]
        of[0], of[1], of[2] = of[0] + gain, of[1] + closes, of[2] + (gain > 0)
    now = {tuple(map(int, row.split("|"))) for row in
           pg.sql("SELECT account, instrument, position FROM tickgate.positions_now WHERE position <> 0").split()}
    assert now == {(*key, own[0]) for key, own in held.items() if own[0]}, (now, held)
    shown = {(day, int(account), int(strategy)): (float(realised), int(closes), int(wins), rate and float(rate))
             for day, account, strategy, realised, closes, wins, rate in
             (row.split("|") for row in pg.sql("SELECT day, account, strategy, realised, closes, wins, win_rate "
                                               "FROM tickgate.win_rate").split("\n"))}
    want = {key: (gain / 10000, closes, wins, math.floor(wins / closes * 10000 + 0.5) / 10000 if closes else "")
            for key, (gain, closes, wins) in days.items()}
    assert {key: shown[key] for key in want} == want and any(row[2] for row in want.values()), (shown, want)
    of_owner = collections.defaultdict(list)
    for (_, account, strategy), row in shown.items():
        of_owner[account, strategy].append(row[0])
    found = 0
    for row in pg.sql("SELECT account, strategy, days, sharpe FROM tickgate.sharpe WHERE sharpe IS NOT NULL").split():
        account, strategy, count, sharpe = row.split("|")
        gains = of_owner[int(account), int(strategy)]
        ratio = statistics.mean(gains) / statistics.stdev(gains) * math.sqrt(252)
        assert int(count) == len(gains) and abs(float(sharpe) - ratio) < 0.0002, (row, gains, ratio)
        found += 1
    assert found, "no account has traded on two days"


def gated_again(pg, later):
    """What a durable session's second look refused stands among the rejects, with its decision's order."""
    assert later > 0
    which = "refusal = 'NOTIONAL' AND stage = 'gate again' AND value = 501 AND limit_value = 500 AND limits_version = 4"
    assert pg.numbers(f"SELECT count(*) FROM tickgate.rejects WHERE {which} AND quantity > 0") == [later]
    assert pg.numbers("SELECT count(*) FROM tickgate.orders WHERE refusal = 'NOTIONAL'") == [later]
    # Without the second look: taken back while it waited.
    pg.sql("CREATE TABLE kept AS SELECT * FROM tickgate.releases")
    pg.sql("DELETE FROM tickgate.releases WHERE refusal <> 0")
    assert pg.numbers("SELECT count(*) FROM tickgate.rejects WHERE stage = 'not sent' AND value IS NULL") == [later]
    pg.sql("DELETE FROM tickgate.releases; INSERT INTO tickgate.releases SELECT * FROM kept; DROP TABLE kept")


def markouts(pg):
    """Against the plain way to say it."""
    limits = "now() - interval '2 days', now() + interval '2 days', interval '20 ms'"
    slow = """
        SELECT count(*), sum(CASE WHEN e.side = 'B' THEN d.mid - e.price ELSE e.price - d.mid END)
        FROM tickgate.executions e CROSS JOIN LATERAL (
            SELECT (bid + ask) / 2.0 AS mid, at FROM tickgate.decisions d
            WHERE d.instrument = e.instrument AND d.at >= e.at + interval '20 ms' AND d.bid > 0
            ORDER BY at, number LIMIT 1) d
        WHERE NOT e.again AND e.shares > 0 AND d.at <= e.at + interval '40 ms' AND e.instrument < 20"""
    count, total = pg.row(slow)
    assert int(count) > 0
    fast = f"SELECT count(*), sum(markout) * 10000 FROM tickgate.markouts({limits}) WHERE instrument < 20"
    fast_count, fast_total = pg.row(fast)
    assert (fast_count, float(fast_total)) == (count, float(total)), (fast_count, fast_total, count, total)


def nodes(pg):
    """Rows by hand: two nodes, whose numbers mean different things, lanes, and two days with the same numbers of orders."""
    def ask(text):
        return pg.sql(text, database="nodes").split("\n")

    def add(table, **row):
        values = ", ".join(f"'{value}'" for value in row.values())
        ask(f"INSERT INTO tickgate.{table} ({', '.join(row)}) VALUES ({values})")

    def at(seconds):
        return f"2026-03-02 {15 + seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}+00"

    pg.sql("CREATE DATABASE nodes", database="postgres")
    ask("CREATE SCHEMA tickgate")
    for path in sorted((ROOT / "controlplane" / "store" / "migrations").glob("*.sql")):
        ask(path.read_text())
    ask("SELECT tickgate.make_day(date '2026-03-02')")
    ask("""DO $$ DECLARE c record; BEGIN
        FOR c IN SELECT attrelid::regclass AS t, attname FROM pg_attribute WHERE attnum > 0 AND attname <> 'at' AND attrelid IN
            ('tickgate.decisions'::regclass, 'tickgate.order_messages'::regclass, 'tickgate.executions'::regclass)
        LOOP EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %L', c.t, c.attname, '0'); END LOOP; END $$""")
    ask("""INSERT INTO tickgate.journals (journal) VALUES (gen_random_uuid()), (gen_random_uuid());
        INSERT INTO tickgate.instances VALUES (1, 10, 1, 'east', now(), '', '', 0), (1, 11, 9, 'east', now(), '', '', 0),
            (2, 12, 1, 'west', now(), '', '', 0);
        INSERT INTO tickgate.names (journal, epoch, kind, lane, number, name, since) VALUES
            (1, 10, 'account', 0, 1, 'main', 1), (1, 10, 'instrument', 0, 5, 'AAPL', 1),
            (1, 10, 'strategy', 0, 0, 'takes', 1), (1, 10, 'strategy', 1, 0, 'quotes', 1),
            (1, 11, 'account', 0, 2, 'main', 1), (1, 11, 'instrument', 0, 6, 'AAPL', 1), (1, 11, 'strategy', 0, 0, 'quotes', 1),
            (2, 12, 'account', 0, 1, 'main', 1), (2, 12, 'instrument', 0, 5, 'MSFT', 1), (2, 12, 'instrument', 0, 9, 'AAPL', 1),
            (2, 12, 'strategy', 0, 0, 'quotes', 1)""")
    sums = ",".join(f'"(2026-03-0{day}T15:00:00Z,{journal},0,{account},0,{instrument},0,0,0,0,0,0,1,{int(gain > 0)},{gain},{epoch},{lane})"'
                    for day, journal, epoch, lane, account, instrument, gain in (
                        (2, 1, 10, 0, 1, 5, 10000), (2, 1, 10, 1, 1, 5, -20000), (2, 1, 11, 0, 2, 6, 5000), (2, 2, 12, 0, 1, 5, 70000),
                        (3, 1, 11, 0, 2, 6, 15000)))
    ask(f"SELECT tickgate.sums_add('{{{sums}}}')")
    shown = ask("SELECT day, node, account, strategy, instrument, realised FROM tickgate.pnl ORDER BY 1, 2, 4")
    assert shown == ["2026-03-02|east|main|quotes|AAPL|-1.5000", "2026-03-02|east|main|takes|AAPL|1.0000",
                     "2026-03-02|west|main|quotes|MSFT|7.0000", "2026-03-03|east|main|quotes|AAPL|1.5000"], shown
    shown = ask("SELECT node, strategy, closes, win_rate FROM tickgate.win_rate WHERE day = '2026-03-02' ORDER BY 1, 2")
    assert shown == ["east|quotes|2|0.5000", "east|takes|1|1.0000", "west|quotes|1|1.0000"], shown
    # The two days' mean is 0; the others have one day.
    shown = ask("SELECT node, strategy, days, sharpe FROM tickgate.sharpe WHERE days > 1")
    assert shown == ["east|quotes|2|0.0000"], shown
    # The middle of the symbol a second later, seen by the other node under another number.
    add("executions", at=at(0), journal=1, epoch=10, number=3, instrument=5, side="B", shares=10, price=1000000)
    add("decisions", at=at(1), journal=2, epoch=12, number=4, instrument=5, bid=2999900, ask=3000100)
    add("decisions", at=at(1), journal=2, epoch=12, number=5, instrument=9, bid=1009900, ask=1010100)
    shown = ask(f"SELECT journal, number, markout FROM tickgate.markouts('{at(0)}', '{at(60)}', '1 second')")
    assert shown == ["1|3|1.0000"], shown
    # Order 7 of both lanes, and once more of lane 0 within 24 hours: a day of the exchange has begun between.
    for number, second, lane, bid in ((20, 100, 0, 1000000), (21, 101, 1, 3000000), (30, 20000, 0, 2000000)):
        add("decisions", at=at(second), journal=1, epoch=10, number=number, sequence=number, lane=lane, ref=7, kind="O", bid=bid, ask=bid)
    for number, second, lane, life in ((22, 102, 0, 1), (23, 103, 1, 2), (31, 20001, 0, 3)):
        add("order_messages", at=at(second), journal=1, epoch=10, number=number, lane=lane, ref=7, life=life)
    shown = ask("SELECT sequence, state FROM tickgate.orders WHERE ref = 7 ORDER BY 1")
    assert shown == ["20|live", "21|unknown", "30|dead"], shown
    # Order 8 is replaced by 9, which is over; 10, in its place then, is replaced by 11, which lives; 12 was asked for and rejected.
    for number, ref, kind in ((40, 8, "O"), (42, 9, "U"), (45, 10, "O"), (47, 11, "U"), (49, 12, "U")):
        add("decisions", at=at(number + 100), journal=1, epoch=10, number=number, sequence=number, lane=0, ref=ref, kind=kind, place=5)
    for number, ref, message, life, still in ((41, 8, 0, 1, 20), (43, 9, 2, 1, 20), (44, 9, 4, 3, 0), (46, 10, 0, 1, 30),
                                              (48, 11, 2, 1, 30), (50, 11, 8, 1, 30)):
        add("order_messages", at=at(number + 100), journal=1, epoch=10, number=number, lane=0, ref=ref, message=message, life=life,
            place=5, **{"open": still})
    shown = ask("SELECT ref, state, open FROM tickgate.orders WHERE ref BETWEEN 8 AND 12 ORDER BY 1")
    assert shown == ["8|replaced|0", "9|dead|0", "10|replaced|0", "11|live|30", "12|sent|"], shown
    # It was modified since: what it saw on arrival counts.
    add("decisions", at=at(103), journal=1, epoch=10, number=23, sequence=23, lane=0, ref=7, kind="M", bid=1000700, ask=1000700)
    add("executions", at=at(104), journal=1, epoch=10, number=24, ref=7, side="B", shares=1, price=1000100)
    shown = ask("SELECT slippage FROM tickgate.slippage WHERE number = 24")
    assert shown == ["0.0100"], shown


def older_schema(pg, epoch_s):
    """The tables of a store before, with a day that has begun: the migrations after it have to fit in."""
    migrations = sorted((ROOT / "controlplane" / "store" / "migrations").glob("*.sql"))
    assert len(migrations) > 3
    pg.sql("CREATE SCHEMA tickgate; CREATE TABLE tickgate.schema_version (version integer PRIMARY KEY, "
           "name text NOT NULL, program text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())")
    for version, path in enumerate(migrations[:3], 1):
        pg.sql(path.read_text())
        pg.sql(f"INSERT INTO tickgate.schema_version VALUES ({version}, '{path.stem}', 'before')")
    pg.sql(f"SELECT tickgate.make_day(to_timestamp({epoch_s + 60})::date)")
    pg.sql('CREATE ROLE "a reader"; CREATE ROLE another; GRANT SELECT ON tickgate.pnl, tickgate.win_rate TO "a reader" WITH GRANT OPTION; '
           "GRANT SELECT ON tickgate.sharpe TO PUBLIC; GRANT SELECT (day, account) ON tickgate.pnl TO another; "
           "GRANT SELECT ON tickgate.rejects TO another")


def still_granted(pg):
    """Views that a migration has made anew have the rights that the ones before had."""
    given = pg.sql("SELECT relname, relacl FROM pg_class WHERE relnamespace = 'tickgate'::regnamespace AND relkind = 'v' "
                   "AND relacl IS NOT NULL ORDER BY 1").split("\n")
    owner = pg.sql("SELECT current_user")
    both = f'"a reader"=r*/{owner}'.replace('"', '\\"')
    assert given == [f'pnl|{{{owner}=arwdDxt/{owner},"{both}"}}', f"rejects|{{{owner}=arwdDxt/{owner},another=r/{owner}}}",
                     f"sharpe|{{{owner}=arwdDxt/{owner},=r/{owner}}}", f'win_rate|{{{owner}=arwdDxt/{owner},"{both}"}}'], given
    given = pg.sql("SELECT attname, attacl FROM pg_attribute WHERE attrelid = 'tickgate.pnl'::regclass AND attacl IS NOT NULL ORDER BY 1")
    assert given == f"account|{{another=r/{owner}}}\nday|{{another=r/{owner}}}", given


def many_days(pg, store):
    """What a batch costs does not grow with the days of the database: it reads none but its own and the one before."""
    for first in range(0, 200, 20):  # a transaction has locks for some days
        pg.sql(f"SELECT tickgate.make_day(date '2001-01-01' + d) FROM generate_series({first}, {first + 19}) d")
    scans = ("SELECT count(*), sum(seq_scan) + coalesce(sum(idx_scan), 0) FROM pg_stat_user_tables "
             "WHERE schemaname = 'tickgate' AND relname ~ '_2001[0-9]{4}$'")
    last = pg.numbers("SELECT max(number) FROM tickgate.executions")[0]
    before = pg.numbers(scans)
    assert before[0] >= 200 * 13, before
    store.do("write 5000")
    store.caught_up()
    store.do("stop 20000")  # the server has counted a connection's scans when it is over
    wait_until("it is over", lambda: pg.numbers("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tickgate'") == [0])
    assert pg.numbers(scans) == before, (pg.numbers(scans), before)
    assert pg.numbers("SELECT max(number) FROM tickgate.executions")[0] > last
    # Nor does planning open them, the sixth time either. Records that are not there: nothing is marked.
    pg.sql("CREATE TABLE that_day AS SELECT max(at AT TIME ZONE 'UTC')::date AS day FROM tickgate.executions")
    opened = pg.numbers(f"""
        WITH called AS MATERIALIZED (
            SELECT sum(tickgate.mark_again(1, {last + 10**9}, {last + 10**9}, day, day)) AS marked
            FROM that_day, generate_series(1, 7))
        SELECT marked, (SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                        WHERE l.pid = pg_backend_pid() AND marked = 0 AND c.relname ~ '^executions_2001[0-9]{{4}}$')
        FROM called""")
    assert opened == [0, 0], opened


def backlog(pg, store):
    """What has waited goes through two batches of memory, however much it is."""
    def anonymous():
        text = pathlib.Path(f"/proc/{store.program.pid}/status").read_text()
        return int(text.split("RssAnon:")[1].split()[0]) << 10

    pg.stop()
    store.do("write 5000")
    wait_until("the store sees it", lambda: store.status()["state"] == "down")
    before = store.status()
    store.do(f"write {BACKLOG}")
    down = store.status()
    assert down["committed"] - down["taken"] >= BACKLOG and down["lag_ns"] > before["lag_ns"] > 0, (before, down)
    least = most = anonymous()
    pg.start()
    while (now := store.status())["taken"] < now["committed"]:
        most = max(most, anonymous())
        assert now["state"] != "refused", now
        time.sleep(0.005)
    most = max(most, anonymous())  # buffers stay as large as they were
    # Two batches of 5,000 are some 4 MiB; the rows of all are several times the limit.
    assert most - least < 16 << 20 and now["memory_bytes"] < 16 << 20, (least, most, now)
    same(pg, store)


def main():
    need()
    with Place() as place:
        pg = Postgres(place)
        epoch_s = round(time.time() / 86400) * 86400  # midnight: the events are of two days
        older_schema(pg, epoch_s)
        nodes(pg)
        store = Store(place, epoch_s=epoch_s)
        store.do("write 40000")
        store.start(pg.conninfo())
        store.caught_up()
        same(pg, store)
        still_granted(pg)
        texts(pg)
        views(pg)
        by_hand(pg)
        goes_on(pg, store, epoch_s + 10)
        restarts(pg, store)
        connections_lost(pg, store)
        old_cursor(pg, store)
        told_again(pg, store, epoch_s + 60)
        another_day(pg, store, epoch_s + 120)
        # The process dies; the next one goes on.
        store.do("write 20000")
        store.kill()
        store = Store(place)
        store.start(pg.conninfo())
        store.do("write 10000")
        store.caught_up()
        same(pg, store)
        # What is durable when it ends is taken along.
        store.do("write 10000")
        store.do("stop 30000")
        same(pg, store)
        store.start(pg.conninfo())
        store.caught_up()
        many_days(pg, store)
        store.start(pg.conninfo())
        store.caught_up()
        backlog(pg, store)
        store.quit()


if __name__ == "__main__":
    main()
