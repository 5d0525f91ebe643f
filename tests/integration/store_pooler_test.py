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


def main():
    need()
    if not pathlib.Path("/usr/sbin/pgbouncer").exists():
        skip("PgBouncer is not installed (make deps)")
    with Place() as place:
        pg, store = pooled(place)
        hypertables(pg, store)
        store.quit()


if __name__ == "__main__":
    main()
