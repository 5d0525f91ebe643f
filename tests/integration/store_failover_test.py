#!/usr/bin/env python3
# beside others
"""A streaming pair: the primary dies, the standby that lacks its last transactions takes over, and the store goes on
there. Before it a host that answers nothing, behind it two stores on one journal and a schema that is too new."""

import pathlib
import signal
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))
from postgres import Place, Postgres, Store, need, same, wait_until


def number(pg):
    return pg.numbers("SELECT number FROM tickgate.journals")[0]


def fail_over(place, store):
    primary = Postgres(place, "primary")
    standby = Postgres(place, "standby", like=primary)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        ports = f"{silent.getsockname()[1]},{standby.port},{primary.port}"
        store.start(f"host=127.0.0.1,127.0.0.1,127.0.0.1 port={ports} user=tick dbname=trades "
                    "target_session_attrs=read-write")
        store.do("write 20000")
        status = store.caught_up()
    assert status["where"].endswith(f":{primary.port}"), status
    wait_until("the standby has it", lambda: standby.sql("SELECT to_regclass('tickgate.journals')") != "")
    wait_until("all of it", lambda: number(standby) == number(primary))
    # From here on the standby hears nothing: what the primary commits now is lost with it.
    standby.sql("ALTER SYSTEM SET primary_conninfo = ''")
    standby.sql("SELECT pg_reload_conf()")
    wait_until("it is cut off", lambda: primary.numbers("SELECT count(*) FROM pg_stat_replication") == [0])
    store.do("write 20000")
    store.caught_up()
    assert number(standby) < number(primary)
    store.do("write 5000")
    primary.stop(signal.SIGKILL)
    store.do("write 5000")
    assert "read-only" in store.until("down")["why"] or store.status()["why"]
    standby.sql("SELECT pg_promote()", database="postgres")
    status = store.caught_up()
    assert status["where"].endswith(f":{standby.port}"), status
    same(standby, store)
    return standby


def two_stores(pg, store):
    """Each finds the cursor where it did not leave it, now and then; nothing is doubled."""
    store.do(f"rival 7 3000 {pg.conninfo()}")
    for _ in range(20):
        store.do("write 2000")
    wait_until("all of it", lambda: number(pg) == store.status()["committed"])
    same(pg, store)


def newer_schema(pg, store):
    store.do("stop 10000")
    pg.sql("INSERT INTO tickgate.schema_version VALUES (999, 'later', '9.9')")
    store.start(pg.conninfo())
    status = store.until("refused")
    assert "schema 999" in status["why"] and "newer tickgate" in status["why"], status
    store.do("write 1000")
    pg.sql("DELETE FROM tickgate.schema_version WHERE version = 999")
    store.caught_up()
    same(pg, store)


def main():
    need()
    with Place() as place:
        store = Store(place)
        pg = fail_over(place, store)
        two_stores(pg, store)
        newer_schema(pg, store)
        store.quit()


if __name__ == "__main__":
    main()
