#!/usr/bin/env python3
# beside others
"""The store behind PgBouncer in transaction mode, with one connection to the server that others use in between; and its
tables where TimescaleDB is said to be an extension."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from postgres import Place, Pooler, Postgres, Store, need, same, skip


def others(pooler):
    """Somebody whose settings stay on the server's connection, and whose statements come between ours."""
    script = "SET search_path = nowhere; SET standard_conforming_strings = off; SET DateStyle = 'German';\n"
    script += "BEGIN; SELECT 1; COMMIT;\n" * 3000
    return subprocess.Popen(
        ["psql", "-X", "-q", "-o", "/dev/null", pooler.conninfo()], stdin=subprocess.PIPE, text=True
    ), script


def pooled(place):
    pg = Postgres(place)
    pooler = Pooler(place, pg)
    store = Store(place)
    store.do("write 20000")
    store.start(pooler.conninfo())
    store.caught_up()
    same(pg, store)
    client, script = others(pooler)
    client.stdin.write(script)
    client.stdin.close()
    for _ in range(10):
        store.do("write 2000")
    store.caught_up()
    assert client.wait(60) == 0
    same(pg, store)
    # The pooler ends; so does the server's connection.
    pooler.program.kill()
    pooler.program.wait()
    store.do("write 5000")
    store.until("down")
    pooler.start()
    store.caught_up()
    same(pg, store)
    store.do("stop 10000")
    return pg, store


def hypertables(pg, store):
    """Only what we ask of TimescaleDB: Debian has no package of it."""
    pg.sql("CREATE DATABASE series", database="postgres")
    pg.sql(
        """
        SET allow_system_table_mods = on;
        INSERT INTO pg_extension SELECT 99999, 'timescaledb', 10, oid, false, '2', NULL, NULL
        FROM pg_namespace WHERE nspname = 'public';
        CREATE TABLE public.made (name text, by name, step interval);
        CREATE FUNCTION public.create_hypertable(relation regclass, time_column_name name,
            chunk_time_interval anyelement, create_default_indexes boolean) RETURNS void LANGUAGE sql
        AS $$ INSERT INTO public.made VALUES (relation::text, time_column_name, chunk_time_interval) $$;
        CREATE TABLE public.dropped (name text, older timestamptz);
        CREATE FUNCTION public.drop_chunks(relation regclass, older_than timestamptz) RETURNS SETOF text LANGUAGE sql
        AS $$ INSERT INTO public.dropped VALUES (relation::text, older_than)
              RETURNING '_timescaledb_internal._hyper_' || relation::oid $$;
        """,
        database="series",
    )
    store.start(pg.conninfo().replace("dbname=trades", "dbname=series"))
    store.caught_up()
    made = pg.sql("SELECT count(*), min(by), min(step) FROM made", database="series")
    daily = pg.sql("SELECT cardinality(tickgate.daily())", database="series")
    assert int(daily) >= 14 and made == f"{daily}|at|1 day", made
    kinds = "SELECT DISTINCT relkind FROM pg_class WHERE oid = 'tickgate.decisions'::regclass"
    assert pg.sql(kinds, database="series") == "r"
    here, there = (pg.sql("SELECT count(*) FROM tickgate.decisions", database=d) for d in ("trades", "series"))
    assert here == there != "0"
    # Its chunks inherit from the table, in a schema of their own.
    pg.sql("CREATE SCHEMA inside; CREATE TABLE inside._hyper_1_1_chunk () INHERITS (tickgate.decisions)", database="series")
    assert pg.sql("SET TimeZone = 'Asia/Tokyo'; SELECT tickgate.drop_days('2026-01-02')", database="series") == daily
    asked = "SELECT count(DISTINCT name), min(older) = max(older), min(older) = '2026-01-02 00:00+00' FROM dropped"
    assert pg.sql(asked, database="series") == f"{daily}|t|t"


def days_go(pg):
    """Those before one, and no other."""
    parts = "SELECT count(*) FROM pg_inherits WHERE inhparent IN (SELECT format('tickgate.%s', unnest(tickgate.daily()))::regclass)"
    daily = pg.numbers("SELECT cardinality(tickgate.daily())")[0]
    rows, before = pg.numbers("SELECT count(*) FROM tickgate.decisions"), pg.numbers(parts)[0]
    pg.sql("SELECT tickgate.make_day(date '2019-12-31'), tickgate.make_day(date '2020-01-01')")
    assert pg.numbers(parts) == [before + 2 * daily]
    assert pg.numbers("SELECT tickgate.drop_days('2019-12-31')") == [0]
    assert pg.numbers("SELECT tickgate.drop_days('2020-01-01')") == [daily]
    assert pg.sql("SELECT to_regclass('tickgate.decisions_20200101') IS NOT NULL") == "t"
    assert pg.numbers("SELECT tickgate.drop_days('2020-01-02')") == [daily]
    assert pg.numbers(parts) == [before] and pg.numbers("SELECT count(*) FROM tickgate.decisions") == rows


def main():
    need()
    if not pathlib.Path("/usr/sbin/pgbouncer").exists():
        skip("PgBouncer is not installed (make deps)")
    with Place() as place:
        pg, store = pooled(place)
        hypertables(pg, store)
        days_go(pg)
        store.quit()


if __name__ == "__main__":
    main()
